/*
 * The message folders on a screen, see queue_view.h: a headline per folder, two lines per message. What went
 * wrong last stands first; what waits longest, too.
 */
#include "queue_view.h"

#include "render.h"

#include "base/text.h"
#include "base/usec.h"
#include "core/queue_retry.h"

#include <string.h>

#define SHOWN_MAX    20
#define NAME_COLUMNS 44

static const char *const titles[] = {
    [MESSAGES_OUTGOING] = "waiting for smsd",
    [MESSAGES_CHECKED] = "taken by smsd, waiting for a modem",
    [MESSAGES_FAILED] = "given up by smsd",
    [MESSAGES_QUARANTINE] = "put aside: the modem crashed twice on it",
};

const char *queue_error_to_string(int error)
{
        switch (error) {
        case -EACCES:
        case -EPERM:
                return "this user may not do that";
        case -EINVAL:
                return "that is not the name of a message";
        case -ENAMETOOLONG:
                return "the name is too long to be moved safely: rename the file";
        case -EFBIG:
                return "the file is too large for a message";
        default:
                return strerror(-error);
        }
}

static void add(char *line, size_t size, const char *text)
{
        (void)text_append(line, size, "%s%s", line[0] ? "; " : "", text); /* what does not fit is left out */
}

static void describe_count(const struct message_header *header, bool of_how_many, char *target, size_t size)
{
        if (header->requeued > QUEUE_REQUEUES_MAX)
                (void)text_copy(target, size, "queued again more often than it may be");
        else
                (void)text_format(target, size, "queued again %u%s time%s", header->requeued,
                                  of_how_many ? " of 3" : "",
                                  of_how_many || header->requeued != 1 ? "s" : "");
}

/* The second line: what is known of it. */
static void describe(enum message_folder folder, const struct message_entry *entry, char *line, size_t size)
{
        const struct message_header *header = &entry->header;
        bool failed = folder == MESSAGES_FAILED;
        char count[64];

        line[0] = '\0';
        if (entry->locked)
                (void)text_format(line, size, "being worked on by %s",
                                  entry->locked_by[0] ? entry->locked_by : "smsd");
        if (!entry->readable)
                add(line, size, "may not be read by this user");
        if (header->fail_reason[0])
                (void)text_append(line, size, "%s%s%s", line[0] ? "; " : "",
                                  failed ? "" : "failed before: ", header->fail_reason);
        else if (failed && entry->readable)
                add(line, size, "smsd gives no reason");
        if (header->modem[0] && failed)
                add(line, size, header->modem);
        describe_count(header, failed, count, sizeof(count));
        if (header->requeued > 0)
                add(line, size, count);
        if (failed && queue_retry_is_final(header->fail_reason))
                add(line, size, "it would fail again as it is");
}

static enum screen_colour colour_of(enum message_folder folder)
{
        return folder == MESSAGES_FAILED       ? SCREEN_WARNING
               : folder == MESSAGES_QUARANTINE ? SCREEN_BAD
                                               : SCREEN_PLAIN;
}

static void print_message(struct screen *screen, const struct queue_view *view, enum message_folder folder,
                          const struct message_entry *entry)
{
        char name[512], to[sizeof(entry->header.to)], number[18], age[48], line[512];

        (void)text_escape(name, sizeof(name), entry->name, strlen(entry->name));
        if (view->masked)
                message_recipient_mask(to, sizeof(to), entry->header.to, strlen(entry->header.to));
        else
                (void)text_copy(to, sizeof(to), entry->header.to);
        text_sanitize(number, sizeof(number), to, strlen(to)); /* cut: no number is longer */
        render_age(age, sizeof(age), entry->changed * (int64_t)USEC_PER_SEC,
                   view->now * (int64_t)USEC_PER_SEC);
        unsigned columns = screen_columns(name, strlen(name));
        int fill = columns < NAME_COLUMNS ? (int)(NAME_COLUMNS - columns) : 0;
        if (columns > NAME_COLUMNS) /* whole, for it is copied from here */
                (void)fprintf(screen->file, "  %s\n  %*s", name, NAME_COLUMNS, "");
        else
                (void)fprintf(screen->file, "  %s%*s", name, fill, "");
        (void)fprintf(screen->file, " %-17s %s\n", number[0] ? number : "-", age);
        describe(folder, entry, line, sizeof(line));
        if (line[0])
                screen_indented(screen, SCREEN_DIM, 6, line);
}

static void print_list(struct screen *screen, const struct queue_view *view, enum message_folder folder,
                       const struct message_list *list)
{
        bool newest_first = folder == MESSAGES_FAILED || folder == MESSAGES_QUARANTINE;
        size_t shown = view->all || list->n <= SHOWN_MAX ? list->n : SHOWN_MAX;

        for (size_t i = 0; i < shown; i++)
                print_message(screen, view, folder, &list->entries[newest_first ? list->n - 1 - i : i]);
        if (shown < list->n)
                (void)fprintf(screen->file, "  ... and %zu %s: smswarden queue --%s\n", list->n - shown,
                              newest_first ? "older" : "newer", message_folder_to_string(folder));
        if (list->more)
                (void)fprintf(screen->file, "  ... and more\n");
}

struct content {
        int result; /* of the look, 0 or a negative errno */
        struct message_list list;
};

static void print_folder(struct screen *screen, const struct queue_view *view, enum message_folder folder,
                         const struct content *content)
{
        const char *label = message_folder_to_string(folder);
        const struct message_list *list = &content->list;

        if (content->result < 0 && !view->paths[folder][0])
                screen_value(screen, label, SCREEN_WARNING,
                             "smsd.conf names no such folder: what fails is deleted");
        else if (content->result < 0 &&
                 !(content->result == -ENOENT && folder == MESSAGES_QUARANTINE)) /* it is made when needed */
                screen_format(screen, label, SCREEN_WARNING, "cannot be looked at: %s",
                              queue_error_to_string(content->result));
        else if (list->n == 0)
                screen_value(screen, label, SCREEN_PLAIN, "none");
        else
                screen_format(screen, label, colour_of(folder), "%zu%s %s", list->n,
                              list->more ? " or more" : "", titles[folder]);
        print_list(screen, view, folder, list);
}

static void print_hints(struct screen *screen, bool failed, bool aside)
{
        if (failed || aside)
                screen_gap(screen);
        if (failed)
                screen_value(screen, "send again", SCREEN_PLAIN,
                             "smswarden queue requeue NAME... (or --failed: all)");
        if (aside)
                screen_value(screen, failed ? "" : "send again", SCREEN_PLAIN,
                             "smswarden queue release NAME... (what was put aside)");
        if (failed || aside)
                screen_value(screen, "throw away", SCREEN_PLAIN, "smswarden queue remove NAME...");
}

void queue_view_text(struct screen *screen, const struct queue_view *view)
{
        static const enum message_folder order[] = {MESSAGES_QUARANTINE, MESSAGES_FAILED, MESSAGES_CHECKED,
                                                    MESSAGES_OUTGOING};
        struct content contents[MESSAGES_FOLDERS] = {0};

        for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
                struct content *content = &contents[order[i]];
                if (!view->shown[order[i]])
                        continue;
                content->result = message_folders_list(view->folders, order[i], &content->list);
                print_folder(screen, view, order[i], content);
        }
        print_hints(screen, contents[MESSAGES_FAILED].list.n > 0, contents[MESSAGES_QUARANTINE].list.n > 0);
        for (unsigned i = 0; i < MESSAGES_FOLDERS; i++)
                message_list_clear(&contents[i].list);
}
