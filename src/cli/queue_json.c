/*
 * The message folders as JSON, see queue_view.h. Every key is there, null when unknown; text is escaped, so
 * that a name which is no UTF-8 does not break the document.
 */
#include "queue_view.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "core/queue_retry.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

static json_t *text_or_null(const char *text)
{
        return text[0] ? json_string(text) : json_null();
}

static json_t *time_of(int64_t seconds)
{
        char text[32];
        time_t when = (time_t)seconds;
        struct tm broken;

        if (!gmtime_r(&when, &broken) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &broken) == 0)
                return json_null();
        return json_string(text);
}

static json_t *message_to_json(const struct queue_view *view, const struct message_entry *entry)
{
        const struct message_header *header = &entry->header;
        char name[1024], to[sizeof(header->to)];

        (void)text_escape(name, sizeof(name), entry->name, strlen(entry->name));
        if (view->masked)
                message_recipient_mask(to, sizeof(to), header->to, strlen(header->to));
        else
                (void)text_copy(to, sizeof(to), header->to);
        /* clang-format off */
        return json_pack("{s:s, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:I, s:I, s:b, s:o}",
                         "name", name,
                         "to", text_or_null(to),
                         "from", text_or_null(view->masked ? "" : header->from),
                         "modem", text_or_null(header->modem),
                         "reason", text_or_null(header->fail_reason),
                         "final", queue_retry_is_final(header->fail_reason),
                         "requeued", header->requeued == UINT_MAX ? json_null() : json_integer(header->requeued),
                         "changed", time_of(entry->changed),
                         "age_s", (json_int_t)(view->now > entry->changed ? view->now - entry->changed : 0),
                         "size", (json_int_t)entry->size,
                         "locked", entry->locked,
                         "locked_by", text_or_null(entry->locked_by));
        /* clang-format on */
}

static json_t *list_to_json(const struct queue_view *view, const struct message_list *list)
{
        json_t *array = json_array();

        for (size_t i = 0; array && i < list->n; i++)
                if (json_array_append_new(array, message_to_json(view, &list->entries[i])) < 0) {
                        json_decref(array);
                        return NULL;
                }
        return array;
}

static json_t *folder_to_json(const struct queue_view *view, enum message_folder folder)
{
        struct message_list list = {0};
        int r = message_folders_list(view->folders, folder, &list);
        bool known = r == 0 || (r == -ENOENT && folder == MESSAGES_QUARANTINE);

        json_t *object = json_pack("{s:o, s:o, s:b, s:o}", "path", text_or_null(view->paths[folder]), "error",
                                   known ? json_null() : json_string(queue_error_to_string(r)), "more",
                                   list.more, "messages", known ? list_to_json(view, &list) : json_null());
        message_list_clear(&list);
        return object;
}

int queue_view_json(FILE *file, const struct queue_view *view)
{
        json_t *root = json_pack("{s:i, s:i, s:o}", "schema", 1, "requeues_max", QUEUE_REQUEUES_MAX,
                                 "folders", json_object());
        json_t *folders = json_object_get(root, "folders");
        int r = root ? 0 : -ENOMEM;

        for (enum message_folder i = 0; r == 0 && i < MESSAGES_FOLDERS; i++)
                if (view->shown[i] &&
                    json_object_set_new(folders, message_folder_to_string(i), folder_to_json(view, i)) < 0)
                        r = -ENOMEM;
        if (r == 0 && (json_dumpf(root, file, JSON_COMPACT) < 0 || fputc('\n', file) < 0))
                r = -EIO;
        json_decref(root);
        return r;
}
