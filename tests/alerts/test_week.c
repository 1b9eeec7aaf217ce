/*
 * The network is away for a week, and 10,000 alerts come meanwhile: the real spool stays within its bounds
 * after each of them, lets go what counts least, and what is left arrives at the end, in order, once. The
 * week is in the alerts' times, nothing waits for it.
 *
 * What goes out of the spool is not asked of the spool: inotify says in which order files came and went, and
 * each that goes is compared with what is there at that moment. Controller and notifier are started anew each
 * day; the notifier's attempts fail all week. All of it lies in memory: a disk would take its time for tens
 * of thousands of fsyncs, and test nothing more.
 */
#include "http_server.h"
#include "notifier.h"

#include "adapters/alert_files.h"
#include "adapters/alert_spool.h"
#include "base/text.h"
#include "core/spool_policy.h"
#include "temp_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define ALERTS 10000
#define DAYS   7
#define BEGIN  INT64_C(1795420800) /* 2026-11-23 08:00 UTC */
#define WEEK   INT64_C(604800)
#define WAIT   (60 * USEC_PER_SEC)

struct plan {
        unsigned max_files; /* 0: the configuration's */
        size_t max_bytes;
        size_t text;        /* the evidence has up to so many bytes */
        unsigned criticals; /* of a hundred alerts */
        bool too_many;      /* the criticals alone are more than fit */
};

struct file {
        enum severity severity;
        uint32_t size;
        bool there;
};

struct week {
        const struct plan *plan;
        struct notifier notifier;
        char memory[64];
        struct http_server *all, *criticals;
        sd_event *event;
        struct alert_spool *spool;
        struct spool_limits limits;
        int watch;
        uint32_t random;
        unsigned written, saved, found; /* answers, in this life */
        uint64_t last;                  /* sequence of the last message */
        struct alert_book book;
        struct file files[ALERTS + 2]; /* by sequence */
        char ids[ALERTS + 2][ALERT_ID_MAX];
        unsigned n, gone, gone_critical;
        uint64_t bytes;
};

/* --- the folder, as the kernel tells it --- */

static void file_came(struct week *week, uint64_t sequence, enum severity severity, const char *name)
{
        char path[320];
        struct stat status = {0};

        assert_true(sequence < ARRAY_SIZE(week->files) && !week->files[sequence].there);
        (void)text_format(path, sizeof(path), "%s/%s", week->notifier.spool, name);
        (void)stat(path, &status); /* it may be the one that had to go: then that is told next */
        week->files[sequence] =
            (struct file){.severity = severity, .size = (uint32_t)status.st_size, .there = true};
        week->n++;
        week->bytes += (uint64_t)status.st_size;
}

/* Nothing that counts less is there, and nothing older that counts as much. */
static void file_went(struct week *week, uint64_t sequence, enum severity severity)
{
        struct file *gone = &week->files[sequence];

        assert_true(gone->there && gone->severity == severity);
        for (uint64_t other = 1; other <= week->last + 1; other++) {
                const struct file *file = &week->files[other];
                if (file->there &&
                    (file->severity < severity || (file->severity == severity && other < sequence)))
                        fail_msg("%llu (%s) went before %llu (%s)", (unsigned long long)sequence,
                                 severity_to_string(severity), (unsigned long long)other,
                                 severity_to_string(file->severity));
        }
        gone->there = false;
        week->n--;
        week->gone++;
        week->gone_critical += severity == SEVERITY_CRITICAL;
        week->bytes -= gone->size;
}

static void take_news(struct week *week)
{
        _Alignas(struct inotify_event) char buffer[4096];
        ssize_t length;

        while ((length = read(week->watch, buffer, sizeof(buffer))) > 0) {
                const struct inotify_event *news;
                for (ssize_t at = 0; at < length; at += (ssize_t)(sizeof(*news) + news->len)) {
                        enum severity severity;
                        uint64_t sequence;
                        news = (const struct inotify_event *)(const void *)(buffer + at);
                        assert_int_equal(news->mask & IN_Q_OVERFLOW, 0);
                        if (spool_name_parse(news->name, &sequence, &severity) < 0)
                                continue; /* the book, temporary names */
                        if (news->mask & IN_MOVED_TO)
                                file_came(week, sequence, severity, news->name);
                        else
                                file_went(week, sequence, severity);
                }
        }
        assert_int_equal(errno, EAGAIN);
}

/* What the kernel told is what lies there. */
static void assert_folder(const struct week *week)
{
        DIR *folder = opendir(week->notifier.spool);
        unsigned n = 0;
        uint64_t bytes = 0;

        assert_non_null(folder);
        for (const struct dirent *item; (item = readdir(folder));) {
                enum severity severity;
                uint64_t sequence;
                struct stat status;
                if (spool_name_parse(item->d_name, &sequence, &severity) < 0)
                        continue;
                assert_int_equal(fstatat(dirfd(folder), item->d_name, &status, AT_SYMLINK_NOFOLLOW), 0);
                assert_true(week->files[sequence].there && week->files[sequence].severity == severity);
                n++;
                bytes += (uint64_t)status.st_size;
        }
        (void)closedir(folder);
        assert_int_equal(n, week->n);
        assert_int_equal(bytes, week->bytes);
}

/* --- the controller --- */

static void on_written(void *userdata, const char *key, unsigned generation, int result, uint64_t sequence,
                       const char *id)
{
        struct week *week = userdata;

        (void)key;
        assert_int_equal(result, 0);
        assert_int_equal(generation, sequence);
        assert_int_equal(sequence, week->last + 1);
        week->last = sequence;
        (void)text_copy(week->ids[sequence], sizeof(week->ids[sequence]), id);
        week->written++;
}

static void on_saved(void *userdata, int result)
{
        struct week *week = userdata;

        assert_int_equal(result, 0);
        week->saved++;
}

static void on_found(void *userdata, const struct alert *alert, bool told)
{
        struct week *week = userdata;

        assert_true(told);
        assert_string_equal(alert->key, week->book.entries[0].alert.key);
        week->found++;
}

static void wait_for_answers(struct week *week, const unsigned *counter, unsigned wanted)
{
        time_t end = time(NULL) + (time_t)(WAIT / USEC_PER_SEC);

        while (*counter < wanted) {
                assert_true(time(NULL) < end);
                assert_true(sd_event_run(week->event, USEC_PER_SEC) >= 0);
        }
}

static void live(struct week *week, unsigned day)
{
        char boot[33];
        const struct alert_spool_options options = {.folder = week->notifier.spool,
                                                    .boot_id = boot,
                                                    .max_files = week->limits.max_files,
                                                    .max_bytes = week->limits.max_bytes};
        const struct alert_spool_callbacks callbacks = {.written = on_written, .saved = on_saved};

        (void)text_format(boot, sizeof(boot), "%032u", day + 1);
        week->written = week->saved = week->found = 0;
        assert_int_equal(alert_spool_new(&week->spool, week->event, &options, &callbacks, week, on_found), 0);
        assert_int_equal(week->found, week->book.n);
        assert_int_equal(alert_spool_dropped(week->spool), week->gone);
}

static uint32_t draw(struct week *week, uint32_t below)
{
        week->random = week->random * 1664525 + 1013904223;
        return (uint32_t)(((uint64_t)week->random * below) >> 32);
}

/* Each third ends what was told before it. */
static struct alert make_alert(struct week *week, uint64_t number)
{
        uint32_t dice = draw(week, 100), criticals = week->plan->criticals;
        size_t length = draw(week, (uint32_t)week->plan->text + 1);
        struct alert alert = {.kind = ALERT_MODEM_NETWORK,
                              .state = number % 3 == 0 ? ALERT_RESOLVED : ALERT_FIRING,
                              .severity = dice < criticals        ? SEVERITY_CRITICAL
                                          : dice < criticals + 35 ? SEVERITY_WARNING
                                                                  : SEVERITY_INFO,
                              .modem = "GSM1",
                              .cause = "denied",
                              .next_action = "look at the antenna",
                              .count = 1};

        (void)text_format(alert.key, sizeof(alert.key), "modem-network/GSM%u", draw(week, 100));
        (void)text_format(alert.summary, sizeof(alert.summary), "number %llu of the week.",
                          (unsigned long long)number);
        memset(alert.evidence, '"', length); /* twice as long in JSON */
        alert.since_realtime = (BEGIN + WEEK * (int64_t)number / ALERTS) * (int64_t)USEC_PER_SEC;
        if (alert.state == ALERT_RESOLVED)
                alert.ended_realtime = alert.since_realtime + 1;
        return alert;
}

/* Tells the next alert, and keeps the book as the controller does then. */
static void tell(struct week *week)
{
        struct alert alert = make_alert(week, week->last + 1);

        week->book.n = alert.state == ALERT_FIRING;
        week->book.entries[0] = (struct alert_entry){.alert = alert, .used = true, .told = true};
        assert_int_equal(alert_spool_write(week->spool, &alert, (unsigned)week->last + 1), 0);
        wait_for_answers(week, &week->written, week->written + 1);
        take_news(week);
        if (week->n > week->limits.max_files || week->bytes > week->limits.max_bytes)
                fail_msg("behind %llu: %u files, %llu bytes", (unsigned long long)week->last, week->n,
                         (unsigned long long)week->bytes);
        assert_int_equal(week->n + week->gone, week->last);
        assert_int_equal(alert_spool_dropped(week->spool), week->gone);
        assert_int_equal(alert_spool_save(week->spool, &week->book), 0);
        wait_for_answers(week, &week->saved, week->saved + 1);
}

/* --- the week --- */

static bool is_refused(const struct delivery_receiver *state)
{
        return strstr(state->problem, "Connection refused") && state->failing_since > 0;
}

/* The box is switched off with the notifier in the middle of its attempts. */
static void end_notifier(struct notifier *notifier, int number)
{
        assert_int_equal(kill(notifier->pid, number), 0);
        int end = notifier_end(notifier);
        assert_int_equal(end, number == SIGTERM ? 0 : -number);
}

static void pass_day(struct week *week, unsigned day)
{
        struct notifier *notifier = &week->notifier;

        live(week, day);
        tell(week);
        notifier_start(notifier);
        while (week->last < (day + 1) * ALERTS / DAYS)
                tell(week);
        notifier_wait_state(notifier, "all", is_refused);
        notifier_wait_state(notifier, "criticals", is_refused);
        end_notifier(notifier, SIGKILL);
        assert_folder(week);
        week->spool = alert_spool_free(week->spool);
        assert_int_equal(notifier_state(notifier, "all").position, 0);
        assert_int_equal(notifier_state(notifier, "all").delivered, 0);
}

/* Exactly what is left of at least this severity, in order, each as it was told. */
static void assert_arrived(const struct week *week, struct http_server *server, enum severity severity)
{
        unsigned n = 0;

        for (uint64_t sequence = 1; sequence <= week->last; sequence++) {
                const struct file *file = &week->files[sequence];
                char id[ALERT_ID_MAX], text[64];
                if (!file->there || file->severity < severity)
                        continue;
                const struct http_request *request = http_server_request(server, n++);
                http_request_header(request, "Idempotency-Key", id, sizeof(id));
                assert_string_equal(id, week->ids[sequence]);
                (void)text_format(text, sizeof(text), "number %llu of the week.",
                                  (unsigned long long)sequence);
                assert_non_null(strstr(request->body, text));
        }
        assert_int_equal(http_server_count(server), n);
}

/* Behind the last that was there. */
static void assert_position(const struct week *week, const char *name)
{
        struct delivery_receiver state = notifier_state(&week->notifier, name);
        uint64_t last = week->last;

        while (!week->files[last].there)
                last--;
        assert_int_equal(state.position, last);
        assert_string_equal(state.spool, alert_spool_id(week->spool));
        assert_int_equal(state.parked, 0);
}

/* Everybody has everything: the spool is emptied, and used on. */
static void go_on(struct week *week)
{
        struct alert_message message;
        struct alert alert = make_alert(week, week->last + 1);
        unsigned all = http_server_count(week->all);
        uint64_t oldest;

        week->watch = close_fd(week->watch); /* what is delivered goes in any order */
        alert_spool_forget(week->spool, alert_spool_id(week->spool), week->last);
        while (alert_spool_count(week->spool, &oldest) > 0)
                assert_true(sd_event_run(week->event, WAIT) > 0);
        assert_int_equal(alert_files_next(week->notifier.spool, 0, &message, NULL), 0);
        assert_int_equal(alert_spool_dropped(week->spool), week->gone);
        assert_int_equal(alert_spool_write(week->spool, &alert, (unsigned)week->last + 1), 0);
        wait_for_answers(week, &week->written, 1);
        assert_int_equal(notifier_run(&week->notifier), 0);
        assert_int_equal(http_server_count(week->all), all + 1);
}

static void test_week(void **state)
{
        struct week *week = *state;

        for (unsigned day = 0; day < DAYS; day++)
                pass_day(week, day);
        assert_int_equal(week->last, ALERTS);
        assert_true(week->gone > ALERTS / 2); /* there was a bound to keep */
        assert_int_equal(week->gone_critical > 0, week->plan->too_many);
        http_server_listen(week->all);
        http_server_listen(week->criticals);
        assert_int_equal(notifier_run(&week->notifier), 0);
        live(week, DAYS);
        assert_arrived(week, week->all, SEVERITY_INFO);
        assert_arrived(week, week->criticals, SEVERITY_CRITICAL);
        assert_position(week, "all");
        assert_position(week, "criticals");
        go_on(week);
}

/* --- life --- */

static void use_memory(struct week *week)
{
        struct notifier *notifier = &week->notifier;

        (void)text_copy(week->memory, sizeof(week->memory), "/dev/shm/smswarden-week.XXXXXX");
        assert_non_null(mkdtemp(week->memory));
        (void)text_format(notifier->spool, sizeof(notifier->spool), "%s/alerts", week->memory);
        (void)text_format(notifier->state, sizeof(notifier->state), "%s/state", week->memory);
        assert_int_equal(mkdir(notifier->spool, 0750), 0);
        week->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        assert_true(week->watch >= 0);
        assert_true(inotify_add_watch(week->watch, notifier->spool, IN_MOVED_TO | IN_DELETE) >= 0);
}

static void choose_limits(struct week *week)
{
        struct config *config = calloc(1, sizeof(*config));

        assert_non_null(config);
        config_init(config);
        week->limits.max_files = week->plan->max_files ? week->plan->max_files : config->alerts.spool_files;
        week->limits.max_bytes = week->plan->max_bytes ? week->plan->max_bytes : config->alerts.spool_bytes;
        free(config);
}

static struct http_server *add_receiver(const struct week *week, const char *name, enum severity severity)
{
        struct http_server *server = http_server_new(NULL);

        notifier_configure(&week->notifier,
                           "[notify %s]\ntype = webhook\nmin_severity = %s\nurl = http://127.0.0.1:%u/\n",
                           name, severity_to_string(severity), http_server_port(server));
        return server;
}

static int setup(void **state)
{
        struct week *week = calloc(1, sizeof(*week));

        assert_non_null(week);
        week->plan = *state;
        notifier_init(&week->notifier);
        use_memory(week);
        choose_limits(week);
        assert_true(sd_event_new(&week->event) >= 0);
        week->all = add_receiver(week, "all", SEVERITY_INFO);
        week->criticals = add_receiver(week, "criticals", SEVERITY_CRITICAL);
        *state = week;
        return 0;
}

static int teardown(void **state)
{
        struct week *week = *state;

        notifier_done(&week->notifier);
        week->spool = alert_spool_free(week->spool);
        week->event = sd_event_unref(week->event);
        http_server_free(week->all);
        http_server_free(week->criticals);
        week->watch = close_fd(week->watch);
        temp_folder_remove(week->memory);
        free(week);
        return 0;
}

#define week_test(name, ...)                                                                                 \
        {                                                                                                    \
                name, test_week, setup, teardown, &(struct plan)                                             \
                {                                                                                            \
                        __VA_ARGS__                                                                          \
                }                                                                                            \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
            week_test("the bounds of the configuration", .text = 60, .criticals = 10),
            week_test("the bytes are few", .max_bytes = (size_t)1 << 20, .text = ALERT_TEXT_MAX - 1,
                      .criticals = 3),
            week_test("the criticals are too many", .max_files = 300, .text = 60, .criticals = 10,
                      .too_many = true),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
