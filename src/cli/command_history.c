/*
 * `smswarden history`: what happened since yesterday, or longer ago, and with -f what happens. Reads files
 * only, so that it tells the same story when the controller is dead.
 */
#include "cli.h"
#include "collect.h"
#include "history.h"
#include "render.h"
#include "since.h"

#include "adapters/conf_file.h"
#include "adapters/file_follow.h"
#include "base/boot_id.h"
#include "base/clock.h"
#include "base/text.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#define SINCE_DEFAULT ((int64_t)USEC_PER_DAY)

struct shown {
        const struct cli *cli;
        struct history_request request;
        struct history_view view;
        struct history_totals totals;
        struct smsd_conf conf;
};

/* --- the past --- */

static int show_entry(void *userdata, const struct history_entry *entry, bool wanted)
{
        struct shown *shown = userdata;

        if (!shown->cli->options.json)
                history_view_entry(&shown->view, entry, wanted);
        else if (wanted)
                return history_json(shown->view.screen.file, entry);
        return 0;
}

static int show_past(struct shown *shown, FILE *file)
{
        history_view_init(&shown->view, shown->request.conf);
        shown->view.screen.file = file;
        shown->view.fold = shown->request.topics == 0;
        int r = history_walk(&shown->request, show_entry, shown, &shown->totals);
        history_view_flush(&shown->view);
        shown->view.fold = false;
        return r;
}

static void tell_nothing(const struct shown *shown)
{
        char since[24], last[24];

        history_clock(since, sizeof(since), shown->request.since);
        history_clock(last, sizeof(last), shown->totals.last);
        if (shown->totals.seen == 0)
                (void)puts("nothing is recorded yet");
        else if (!shown->cli->options.since)
                (void)printf("nothing%s in the last 24 h; --since 7d shows more (the last entry is of %s)\n",
                             shown->request.topics ? " of that kind" : "", last);
        else
                (void)printf("nothing%s since %s; the last entry is of %s\n",
                             shown->request.topics ? " of that kind" : "", since, last);
}

/* Also by the time: in a container the controller may see another boot id than we do. */
bool history_is_of_this_boot(const struct history_entry *entry, int64_t now)
{
        char boot[BOOT_ID_SIZE];

        if (boot_id_get(boot) >= 0 && text_equal(entry->boot, boot))
                return true;
        return entry->at > now - (int64_t)clock_boottime();
}

static void tell_open_incident(struct shown *shown)
{
        const struct history_entry *begin = &shown->view.last;
        char name[HISTORY_NAME_MAX], age[48];

        if (!shown->view.open || !history_is_of_this_boot(begin, shown->request.now))
                return;
        history_incident_name(begin, name);
        render_age(age, sizeof(age), begin->at, shown->request.now);
        screen_gap(&shown->view.screen);
        screen_put(&shown->view.screen, SCREEN_BAD, name);
        (void)printf("  has no end yet, it began %s: `smswarden explain` tells what to do\n", age);
}

static void tell_notes(struct shown *shown)
{
        bool sms = shown->request.topics == 0 ||
                   (shown->request.topics & history_topic_bits(&(struct history_entry){.event = "sms-"}));

        if (!shown->cli->options.json && shown->totals.wanted == 0)
                tell_nothing(shown);
        if (!shown->cli->options.json && shown->totals.wanted > 0)
                tell_open_incident(shown);
        if (sms && !shown->request.conf)
                cli_complain("%s cannot be read: no SMS are shown", shown->cli->config.smsd_conf);
        else if (sms && shown->totals.log_error && shown->totals.log_error != -ENOENT)
                cli_complain("smsd's log cannot be read (%s): no SMS are shown",
                             strerror(-shown->totals.log_error));
}

/* --- what follows --- */

struct follow {
        struct shown *shown;
        sd_event *event;
        struct file_follow *history, *log;
        char history_path[CONFIG_PATH_MAX + 16], log_path[CONFIG_PATH_MAX];
};

static void follow_done(struct follow *follow)
{
        follow->history = file_follow_free(follow->history);
        follow->log = file_follow_free(follow->log);
        follow->event = sd_event_unref(follow->event);
}

static void show_new(struct follow *follow, const struct history_entry *entry)
{
        unsigned topics = follow->shown->request.topics;
        int r = show_entry(follow->shown, entry, !topics || (topics & history_topic_bits(entry)));

        if (r == 0 && fflush(stdout) != 0)
                r = -errno;
        if (r < 0)
                (void)sd_event_exit(follow->event, r);
}

static void on_history_line(void *userdata, const char *text, size_t length)
{
        struct history_entry entry;

        if (history_file_parse(text, length, &entry) == 0)
                show_new(userdata, &entry);
}

static void on_log_line(void *userdata, const char *text, size_t length)
{
        struct follow *follow = userdata;
        struct history_entry entry;

        if (smsd_log_to_entry(text, length, follow->shown->request.masked, &entry))
                show_new(follow, &entry);
}

static int on_reader_gone(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        const struct follow *follow = userdata;

        (void)source;
        (void)fd;
        (void)events;
        return sd_event_exit(follow->event, 0);
}

static int follow_begin(struct follow *follow)
{
        int r =
            file_follow_new(&follow->history, follow->event, follow->history_path, on_history_line, follow);

        if (r >= 0 && follow->log_path[0])
                r = file_follow_new(&follow->log, follow->event, follow->log_path, on_log_line, follow);
        return r;
}

struct place {
        ino_t file[2];
        off_t size[2];
};

static struct place look(const struct follow *follow)
{
        const char *const paths[2] = {follow->history_path, follow->log_path};
        struct place place = {0};
        struct stat file;

        for (unsigned i = 0; i < 2; i++)
                if (stat(paths[i], &file) == 0) {
                        place.file[i] = file.st_ino;
                        place.size[i] = file.st_size;
                }
        return place;
}

static bool same_place(const struct place *a, const struct place *b)
{
        return a->file[0] == b->file[0] && a->file[1] == b->file[1] && a->size[0] == b->size[0] &&
               a->size[1] == b->size[1];
}

/*
 * The past, then what comes, without a gap and without a line twice: when something was written between the
 * begin of the following and the end of the past, both begin anew. On a gateway that never pauses the last
 * try stands.
 */
static int join(struct follow *follow)
{
        for (unsigned attempt = 0; attempt < 10; attempt++) {
                _cleanup_free_ char *text = NULL;
                size_t size = 0;
                _cleanup_fclose_ FILE *file = open_memstream(&text, &size);
                if (!file)
                        return -errno;
                follow->history = file_follow_free(follow->history);
                follow->log = file_follow_free(follow->log);
                struct place before = look(follow);
                int r = follow_begin(follow);
                if (r >= 0)
                        r = show_past(follow->shown, file);
                if (r != 0 || fflush(file) != 0)
                        return r != 0 ? r : -errno;
                struct place after = look(follow);
                if (!same_place(&before, &after) && attempt < 9)
                        continue;
                return fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0 ? 0 : -errno;
        }
        return 0;
}

static int show_and_follow(struct shown *shown)
{
        _cleanup_(follow_done) struct follow follow = {.shown = shown};

        (void)text_format(follow.history_path, sizeof(follow.history_path), "%s/" HISTORY_FILE_NAME,
                          shown->request.state_dir);
        if (shown->request.conf)
                conf_path(shown->request.conf, "logfile", "", follow.log_path, sizeof(follow.log_path));
        int r = sd_event_new(&follow.event);
        if (r >= 0)
                r = join(&follow);
        if (r < 0)
                return r;
        shown->view.screen.file = stdout;
        r = sd_event_add_io(follow.event, NULL, STDOUT_FILENO, 0, on_reader_gone, &follow);
        if (r < 0 && r != -EPERM) /* a regular file always reads on */
                return r;
        return sd_event_loop(follow.event);
}

/* --- the command --- */

static int read_since(const struct cli *cli, int64_t now, int64_t *ret_since)
{
        char word[64];

        *ret_since = now > SINCE_DEFAULT ? now - SINCE_DEFAULT : 0;
        if (!cli->options.since || since_parse(cli->options.since, now, ret_since) == 0)
                return 0;
        (void)text_escape(word, sizeof(word), cli->options.since, strlen(cli->options.since));
        cli_complain("--since takes 1h, 7d, today, yesterday, 08:00 or \"2026-11-23 08:00\", not %s", word);
        return -EINVAL;
}

int history_failed(const struct cli *cli, int error)
{
        if (error == -EACCES || error == -EPERM) {
                cli_complain("%s is for root and the group adm: use sudo", cli->options.command);
                return EXIT_NO_PERMISSION;
        }
        cli_complain("%s: %s", cli->options.command, strerror(-error));
        return EXIT_FAILED;
}

static int run(const struct cli *cli, struct shown *shown)
{
        _cleanup_free_ char *text = NULL;
        struct conf_file_id id;

        if (conf_file_read(cli->config.smsd_conf, &text, &shown->conf.length, &id) == 0) {
                shown->conf.text = text;
                shown->request.conf = &shown->conf;
        }
        int r = cli->options.follow ? show_and_follow(shown) : show_past(shown, stdout);
        if (r < 0)
                return history_failed(cli, r);
        if (!cli->options.follow)
                tell_notes(shown);
        return EXIT_DONE;
}

int command_history(struct cli *cli)
{
        _cleanup_free_ struct shown *shown = calloc(1, sizeof(*shown));

        if (!shown)
                return history_failed(cli, -ENOMEM);
        shown->cli = cli;
        shown->request = (struct history_request){.state_dir = cli->config.state_dir,
                                                  .now = clock_realtime(),
                                                  .topics = cli->options.topics,
                                                  .masked = geteuid() != 0};
        return read_since(cli, shown->request.now, &shown->request.since) < 0 ? EXIT_USAGE : run(cli, shown);
}
