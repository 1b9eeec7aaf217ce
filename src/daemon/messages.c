/*
 * The messages in smsd's folders, listed and moved as the core has decided. The folders are opened for each
 * of it: they are smsd's, and may be others the next time.
 */
#include "daemon.h"

#include "adapters/message_folders.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static void close_folders(struct message_folders **folders)
{
        *folders = message_folders_close(*folders);
}

static int open_folders(const struct daemon *daemon, struct message_folders **ret)
{
        const struct smsd_files *files = &daemon->files;
        char quarantine[CONFIG_PATH_MAX + 16];
        const char *const paths[MESSAGES_FOLDERS] = {[MESSAGES_OUTGOING] = files->outgoing,
                                                     [MESSAGES_CHECKED] = files->checked,
                                                     [MESSAGES_FAILED] = files->failed,
                                                     [MESSAGES_QUARANTINE] = quarantine};

        (void)text_format(quarantine, sizeof(quarantine), "%s/" QUARANTINE_FOLDER, daemon->config.state_dir);
        return message_folders_open(ret, paths);
}

/* --- looking --- */

static void fill_item(struct message_item *item, struct message_entry *entry)
{
        char recipient[sizeof(entry->header.to)];

        message_recipient_mask(recipient, sizeof(recipient), entry->header.to, strlen(entry->header.to));
        (void)text_copy(entry->header.to, sizeof(entry->header.to), recipient);
        *item = (struct message_item){.name = entry->name,
                                      .recipient = entry->header.to,
                                      .fail_reason = entry->header.fail_reason,
                                      .locked_by = entry->locked_by,
                                      .locked = entry->locked,
                                      .requeued = entry->header.requeued,
                                      .changed = entry->changed};
}

static int list(struct daemon *daemon, enum message_folder folder, struct messages_event *event)
{
        _cleanup_(close_folders) struct message_folders *folders = NULL;
        struct message_list found = {0};
        int r = open_folders(daemon, &folders);

        if (r >= 0)
                r = message_folders_list(folders, folder, &found);
        if (r < 0)
                return r;
        struct message_item *items = calloc(found.n + 1, sizeof(*items));
        if (!items) {
                message_list_clear(&found);
                return -ENOMEM;
        }
        for (size_t i = 0; i < found.n; i++)
                fill_item(&items[i], &found.entries[i]);
        event->items = items;
        event->n = found.n;
        event->memory = found.entries;
        return 0;
}

void daemon_list_messages(struct daemon *daemon, enum message_folder folder)
{
        struct messages_event messages = {.folder = folder, .now = clock_realtime() / (int64_t)USEC_PER_SEC};

        messages.result = list(daemon, folder, &messages);
        if (messages.result < 0)
                log_warning("smsd's %s folder cannot be read: %s", message_folder_to_string(folder),
                            strerror(-messages.result));
        daemon_enqueue(daemon, EVENT_MESSAGES)->messages = messages;
}

/* --- moving --- */

static struct message_moved_event *enqueue_moved(struct daemon *daemon, const struct action *action,
                                                 enum message_folder from)
{
        struct message_moved_event *moved = &daemon_enqueue(daemon, EVENT_MESSAGE_MOVED)->moved;

        moved->from = from;
        moved->id = action->message.id;
        (void)text_copy(moved->name, sizeof(moved->name), action->message.name);
        return moved;
}

void daemon_requeue_message(struct daemon *daemon, const struct action *action)
{
        _cleanup_(close_folders) struct message_folders *folders = NULL;
        unsigned count = 0;
        int r = open_folders(daemon, &folders);

        if (r >= 0)
                r = message_folders_requeue(folders, action->message.name, action->message.limit, &count);
        struct message_moved_event *moved = enqueue_moved(daemon, action, MESSAGES_FAILED);
        moved->result = r;
        moved->count = count;
}

/* What smsd was sending it has given up when it heard in time that it is to end. */
void daemon_quarantine_message(struct daemon *daemon, const struct action *action)
{
        _cleanup_(close_folders) struct message_folders *folders = NULL;
        int r = open_folders(daemon, &folders);

        if (r >= 0)
                r = message_folders_quarantine(folders, MESSAGES_CHECKED, action->message.name);
        if (r == MESSAGE_GONE && daemon->files.failed[0])
                r = message_folders_quarantine(folders, MESSAGES_FAILED, action->message.name);
        enqueue_moved(daemon, action, MESSAGES_CHECKED)->result = r;
}

/* --- life --- */

void daemon_recover_messages(const struct daemon *daemon)
{
        _cleanup_(close_folders) struct message_folders *folders = NULL;
        int r = open_folders(daemon, &folders);

        if (r >= 0)
                r = message_folders_recover(folders);
        if (r > 0)
                log_notice("%d messages were on their way when somebody died: they are in their place again",
                           r);
        if (r < 0)
                log_warning("messages that were on their way cannot be looked for: %s", strerror(-r));
}
