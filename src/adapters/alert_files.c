/*
 * Reading the spool, see adapters/alert_files.h. Nothing is kept between the calls: the writer adds and
 * removes files meanwhile, and what is true of a name now need not be true a moment later.
 */
#include "adapters/alert_files.h"

#include "adapters/alert_json.h"
#include "alert_json_parts.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/text.h"
#include "core/spool_policy.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#define HEARTBEAT_MAX 4096

/* The name with the lowest sequence above `after`. 1: there is one, 0: none. */
static int find_next(const char *folder, uint64_t after, struct spool_entry *ret_entry)
{
        _cleanup_closedir_ DIR *stream = opendir(folder);
        struct spool_entry best = {.sequence = UINT64_MAX}, entry = {0};

        if (!stream)
                return -errno;
        errno = 0;
        for (const struct dirent *item; (item = readdir(stream)); errno = 0)
                if (spool_name_parse(item->d_name, &entry.sequence, &entry.severity) == 0 &&
                    entry.sequence > after && entry.sequence < best.sequence)
                        best = entry;
        if (errno != 0)
                return -errno;
        if (best.sequence == UINT64_MAX)
                return 0;
        *ret_entry = best;
        return 1;
}

int alert_files_read(const char *folder, uint64_t sequence, enum severity severity,
                     struct alert_message *ret_message)
{
        char name[SPOOL_NAME_MAX], path[PATH_MAX], text[ALERT_JSON_MAX + 1];
        struct alert_message message;
        size_t length;

        spool_name_format(name, sequence, severity);
        int r = text_format(path, sizeof(path), "%s/%s", folder, name);
        if (r == 0)
                r = file_read_into(path, O_NOFOLLOW, text, sizeof(text), &length);
        if (r == 0)
                r = alert_json_decode(text, length, &message);
        if (r == 0 && (message.sequence != sequence || message.alert.severity != severity))
                r = -EBADMSG;
        if (r < 0)
                return alert_json_is_damaged(r) ? -EBADMSG : r;
        *ret_message = message;
        return 0;
}

int alert_files_next(const char *folder, uint64_t after, struct alert_message *ret_message,
                     struct alert_damage *damage)
{
        struct spool_entry entry = {.sequence = after};

        for (;;) {
                int r = find_next(folder, entry.sequence, &entry);
                if (r <= 0)
                        return r;
                r = alert_files_read(folder, entry.sequence, entry.severity, ret_message);
                if (r == 0)
                        return 1;
                /* -ENOENT: it had to make room meanwhile. A file that we may not read is no damage: passing
                 * over it would pass over all of them. */
                if (r != -EBADMSG && r != -ENOENT)
                        return r;
                if (r == -EBADMSG && damage)
                        *damage = (struct alert_damage){.n = damage->n + 1, .last = entry.sequence};
        }
}

static int decode_heartbeat(const char *text, size_t length, struct heartbeat *heartbeat)
{
        _cleanup_json_ json_t *object = alert_json_parse(text, length, HEARTBEAT_MAX, 4);
        int r = object ? alert_json_get_number(object, "number", 1, INT64_MAX, &heartbeat->number) : -EBADMSG;

        if (r == 0)
                r = alert_json_get_text(object, "verdict", heartbeat->verdict, sizeof(heartbeat->verdict));
        if (r == 0)
                r = alert_json_get_text(object, "reason", heartbeat->reason, sizeof(heartbeat->reason));
        if (r == 0)
                r = alert_json_get_time(object, "at", &heartbeat->at);
        if (r == 0)
                r = alert_json_get_text(object, "host", heartbeat->host, sizeof(heartbeat->host));
        return r;
}

int alert_files_heartbeat(const char *folder, struct heartbeat *ret_heartbeat)
{
        char path[PATH_MAX], text[HEARTBEAT_MAX + 1];
        struct heartbeat heartbeat = {0};
        size_t length;
        int r = text_format(path, sizeof(path), "%s/heartbeat", folder);

        if (r == 0)
                r = file_read_into(path, O_NOFOLLOW, text, sizeof(text), &length);
        if (r == 0)
                r = decode_heartbeat(text, length, &heartbeat);
        if (r < 0)
                return alert_json_is_damaged(r) ? -EBADMSG : r;
        *ret_heartbeat = heartbeat;
        return 0;
}
