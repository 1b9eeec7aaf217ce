/*
 * `smswarden queue`: the messages that wait and those that failed, and what a person may do with them. Works
 * on smsd's folders directly, with or without a controller and a running smsd; what is safe is decided in
 * adapters/message_folders. Names are names, never paths.
 */
#include "cli.h"
#include "collect.h"
#include "queue_view.h"

#include "adapters/conf_file.h"
#include "adapters/message_folders.h"
#include "base/text.h"
#include "core/queue_retry.h"

#include <string.h>
#include <time.h>

struct queue {
        const struct cli *cli;
        struct message_folders *folders;
        char storage[MESSAGES_FOLDERS][CONFIG_PATH_MAX];
        const char *paths[MESSAGES_FOLDERS];
        bool all; /* what is there, not what was named: what vanishes meanwhile is no mistake */
        int code; /* what the program ends with */
};

struct queue_action {
        const char *name;
        bool folders[MESSAGES_FOLDERS]; /* the options that it takes */
        const char *wants;
        void (*run)(struct queue *queue, const char *name);
};

static void close_queue(struct queue *queue)
{
        queue->folders = message_folders_close(queue->folders);
}

/* Complains; `name` "" concerns all. */
static void fail(struct queue *queue, const char *name, int error)
{
        char shown[512];
        bool permission = error == -EACCES || error == -EPERM || error == -EROFS;

        (void)text_escape(shown, sizeof(shown), name, strlen(name));
        cli_complain("queue: %s%s%s%s", shown, name[0] ? ": " : "", queue_error_to_string(error),
                     permission ? ": the messages are root's and smsd's own to move" : "");
        queue->code = permission ? EXIT_NO_PERMISSION : EXIT_FAILED;
}

static int open_queue(struct queue *queue)
{
        _cleanup_free_ char *text = NULL;
        struct conf_file_id id;
        struct smsd_conf conf = {0};
        const struct config *config = &queue->cli->config;
        int r = conf_file_read(config->smsd_conf, &text, &conf.length, &id);

        if (r < 0) {
                cli_complain("queue: cannot read %s: %s", config->smsd_conf, strerror(-r));
                queue->code = r == -EACCES ? EXIT_NO_PERMISSION : EXIT_FAILED;
                return r;
        }
        conf.text = text;
        char(*paths)[CONFIG_PATH_MAX] = queue->storage;
        conf_path(&conf, "outgoing", "/var/spool/sms/outgoing", paths[MESSAGES_OUTGOING], sizeof(paths[0]));
        conf_path(&conf, "checked", "/var/spool/sms/checked", paths[MESSAGES_CHECKED], sizeof(paths[0]));
        conf_path(&conf, "failed", "", paths[MESSAGES_FAILED], sizeof(paths[0]));
        r = text_format(paths[MESSAGES_QUARANTINE], sizeof(paths[0]), "%s/quarantine", config->state_dir);
        for (unsigned i = 0; i < MESSAGES_FOLDERS; i++)
                queue->paths[i] = paths[i];
        if (r == 0)
                r = message_folders_open(&queue->folders, queue->paths);
        if (r < 0)
                fail(queue, "", r);
        return r;
}

/* --- looking --- */

static void list(struct queue *queue)
{
        const struct cli_options *options = &queue->cli->options;
        struct queue_view view = {
            .folders = queue->folders,
            .paths = queue->paths,
            .shown = {options->outgoing, options->checked, options->failed, options->quarantine},
            .all = options->outgoing || options->checked || options->failed || options->quarantine,
            .masked = geteuid() != 0,
            .now = time(NULL),
        };
        struct screen screen = screen_of_stdout();

        for (unsigned i = 0; i < MESSAGES_FOLDERS && !view.all; i++)
                view.shown[i] = true;
        if (!options->json)
                queue_view_text(&screen, &view);
        else if (queue_view_json(stdout, &view) < 0)
                fail(queue, "", -ENOMEM);
}

/* --- changing --- */

static void tell(struct queue *queue, const char *name, bool done, const char *what)
{
        char shown[512];

        (void)text_escape(shown, sizeof(shown), name, strlen(name));
        if (done)
                (void)printf("%s: %s\n", shown, what);
        else
                cli_complain("queue: %s: %s", shown, what);
        if (!done && queue->code == EXIT_DONE)
                queue->code = EXIT_FAILED;
}

/* What became of it, where that was not what was wanted. True: it was done. */
static bool is_done(struct queue *queue, const char *name, int r)
{
        switch (r) {
        case MESSAGE_DONE:
                return true;
        case MESSAGE_GONE:
                if (queue->all)
                        return false;
                tell(queue, name, false, "there is no such message (any more); see smswarden queue");
                return false;
        case MESSAGE_LOCKED:
                tell(queue, name, false, "smsd or somebody else is working on it: try again in a minute");
                return false;
        case MESSAGE_WAITING:
                tell(queue, name, false, "a message of this name waits to be sent already: try again later");
                return false;
        case MESSAGE_SPENT:
                tell(queue, name, false, "it was queued again 3 times already; --force does it once more");
                return false;
        default:
                fail(queue, name, r);
                return false;
        }
}

static void requeue(struct queue *queue, const char *name)
{
        unsigned limit = queue->cli->options.force ? MESSAGE_NO_LIMIT : QUEUE_REQUEUES_MAX, count = 0;
        char text[64];
        int r = message_folders_requeue(queue->folders, name, limit, &count);

        if (!is_done(queue, name, r))
                return;
        (void)text_format(text, sizeof(text),
                          count <= QUEUE_REQUEUES_MAX ? "is queued again (%u of 3 times)"
                                                      : "is queued again (time %u)",
                          count);
        tell(queue, name, true, text);
}

static void release(struct queue *queue, const char *name)
{
        if (is_done(queue, name, message_folders_release(queue->folders, name)))
                tell(queue, name, true, "is queued again");
}

static void remove_message(struct queue *queue, const char *name)
{
        const struct cli_options *options = &queue->cli->options;
        bool asked = options->failed != options->quarantine;
        enum message_folder folder = options->quarantine ? MESSAGES_QUARANTINE : MESSAGES_FAILED;

        if (!asked && message_folders_has(queue->folders, MESSAGES_QUARANTINE, name)) {
                if (message_folders_has(queue->folders, MESSAGES_FAILED, name)) {
                        tell(queue, name, false, "lies in both folders: say --failed or --quarantine");
                        return;
                }
                folder = MESSAGES_QUARANTINE;
        }
        if (is_done(queue, name, message_folders_remove(queue->folders, folder, name)))
                tell(queue, name, true, "is removed");
}

/* All that failed, but for what would fail again as it is. */
static void requeue_failed(struct queue *queue)
{
        struct message_list all = {0};
        size_t skipped = 0;
        int r = message_folders_list(queue->folders, MESSAGES_FAILED, &all);

        queue->all = true;
        if (r < 0) {
                fail(queue, "failed", r);
                return;
        }
        for (size_t i = 0; i < all.n && queue->code != EXIT_NO_PERMISSION; i++) {
                bool final = queue_retry_is_final(all.entries[i].header.fail_reason);
                skipped += final;
                if (!final)
                        requeue(queue, all.entries[i].name);
        }
        if (all.n == 0)
                (void)printf("no message has failed\n");
        if (skipped > 0)
                (void)printf("left alone: %zu that would fail again as %s; see smswarden queue --failed\n",
                             skipped, skipped == 1 ? "it is" : "they are");
        message_list_clear(&all);
}

static const struct queue_action actions[] = {
    {"requeue", {[MESSAGES_FAILED] = true}, "the names of failed messages, or --failed for all", requeue},
    {"release", {[MESSAGES_QUARANTINE] = true}, "the names of messages that were put aside", release},
    {"remove",
     {[MESSAGES_FAILED] = true, [MESSAGES_QUARANTINE] = true},
     "the names of failed messages or of such that were put aside",
     remove_message},
};

static const struct queue_action *find_action(const char *word)
{
        for (unsigned i = 0; i < ARRAY_SIZE(actions); i++)
                if (text_equal(actions[i].name, word))
                        return &actions[i];
        return NULL;
}

/* NULL: a mistake was told. */
static const struct queue_action *check_action(const struct cli_options *options)
{
        const struct queue_action *action = find_action(options->words[0]);
        const bool given[] = {options->outgoing, options->checked, options->failed, options->quarantine};
        char shown[128];

        if (!action) {
                (void)text_escape(shown, sizeof(shown), options->words[0], strlen(options->words[0]));
                cli_complain("queue: cannot %s: requeue, release or remove; see smswarden --help", shown);
                return NULL;
        }
        for (unsigned i = 0; i < MESSAGES_FOLDERS; i++)
                if (given[i] && !action->folders[i]) {
                        cli_complain("queue %s takes no --%s; see smswarden --help", action->name,
                                     message_folder_to_string(i));
                        return NULL;
                }
        if (options->json || (options->force && action->run != requeue)) {
                cli_complain("queue %s takes no --%s; see smswarden --help", action->name,
                             options->json ? "json" : "force");
                return NULL;
        }
        if (options->n_words > 1 || (action->run == requeue && options->failed))
                return action;
        cli_complain("queue %s wants %s; see smswarden --help", action->name, action->wants);
        return NULL;
}

static void change(struct queue *queue, const struct queue_action *action)
{
        const struct cli_options *options = &queue->cli->options;
        int r = message_folders_recover(queue->folders);

        if (r < 0) {
                fail(queue, "", r);
                return;
        }
        if (options->n_words == 1)
                requeue_failed(queue);
        for (unsigned i = 1; i < options->n_words && queue->code != EXIT_NO_PERMISSION; i++)
                action->run(queue, options->words[i]);
}

int command_queue(struct cli *cli)
{
        _cleanup_(close_queue) struct queue queue = {.cli = cli};
        const struct queue_action *action = NULL;

        if (cli->options.n_words > 0) {
                action = check_action(&cli->options);
                if (!action)
                        return EXIT_USAGE;
        } else if (cli->options.force) {
                cli_complain("queue: --force belongs to queue requeue; see smswarden --help");
                return EXIT_USAGE;
        }
        if (open_queue(&queue) < 0)
                return queue.code;
        if (action)
                change(&queue, action);
        else
                list(&queue);
        return queue.code;
}
