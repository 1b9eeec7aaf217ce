/*
 * A message that smsd gave up, see queue_watch_private.h: what its file says of it, and the key by which it
 * is known. The folder is smsd's, and whoever may send can write there: no link is followed, nothing but a
 * regular file is opened, and only its head is read.
 */
#include "queue_watch_private.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "core/message_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define DIGEST_DIGITS 16
#define KEY_NAME_MAX  64 /* the rest of a key is the mark */

/* --- mark and key --- */

static int decode_digest(const char *text, uint64_t *ret_digest)
{
        uint64_t digest = 0;

        if (strlen(text) != DIGEST_DIGITS || !text_only(text, "0123456789abcdef", DIGEST_DIGITS))
                return -EINVAL;
        for (; *text; text++)
                digest = digest << 4 | (uint64_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
        *ret_digest = digest;
        return 0;
}

int queue_mark_decode(const char *key, struct queue_mark *ret_mark)
{
        const char *at = strrchr(key, '@'), *dash = at ? strchr(at, '-') : NULL;
        struct queue_mark mark = {0};
        char changed[24];
        uint64_t number;

        if (!dash || text_copy_n(changed, sizeof(changed), at + 1, (size_t)(dash - at - 1)) < 0 ||
            parse_u64(changed, 0, INT64_MAX, &number) < 0 || decode_digest(dash + 1, &mark.digest) < 0)
                return -EINVAL;
        mark.changed = (int64_t)number;
        *ret_mark = mark;
        return 0;
}

/* The name is for people, and may be cut. */
static void make_key(const struct queue_file *file, const char *escaped, char *target, size_t size)
{
        char name[KEY_NAME_MAX];

        (void)text_clean(name, sizeof(name), escaped);
        (void)text_format(target, size, "%s@%lld-%0*llx", name, (long long)file->mark.changed, DIGEST_DIGITS,
                          (unsigned long long)file->mark.digest);
}

/* --- the file --- */

/* As far as it can be had: a file that cannot be read just now (a lease, no descriptor left) is a message
 * that was given up all the same. */
static size_t read_head(const char *path, char head[MESSAGE_HEAD_MAX])
{
        _cleanup_close_ int fd = file_open_regular(path, O_NOFOLLOW);
        ssize_t n = fd < 0 ? fd : pread(fd, head, MESSAGE_HEAD_MAX, 0);

        return n > 0 ? (size_t)n : 0;
}

/* When that was on CLOCK_BOOTTIME, 0: before this boot. */
static usec_t boottime_of(int64_t changed)
{
        int64_t age = (queue_realtime() - changed) / 1000, boottime = (int64_t)clock_boottime();

        if (age < 0)
                return (usec_t)boottime; /* the wall clock went back */
        return age < boottime ? (usec_t)(boottime - age) : 0;
}

/* Of the recipient, who will be told to people, only what they may know. */
static void take_header(const char *head, size_t length, struct message_failed_event *message)
{
        struct message_header header;

        message_header_parse(&header, head, length);
        message_recipient_mask(message->recipient, sizeof(message->recipient), header.to, strlen(header.to));
        (void)text_copy(message->modem, sizeof(message->modem), header.modem);
        (void)text_copy(message->reason, sizeof(message->reason), header.fail_reason);
        message->requeued = header.requeued;
        message->pdu = header.pdu;
}

int queue_message_read(const char *folder, const char *name, struct queue_file *ret_file,
                       struct message_failed_event *ret_message)
{
        char path[CONFIG_PATH_MAX + NAME_MAX + 2], head[MESSAGE_HEAD_MAX];
        struct stat status;
        int r = text_format(path, sizeof(path), "%s/%s", folder, name);

        if (r < 0)
                return r;
        if (lstat(path, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return -EBADF;
        memset(ret_message, 0, sizeof(*ret_message));
        take_header(head, read_head(path, head), ret_message);
        ret_file->mark = queue_mark_of(name, &status);
        (void)text_copy(ret_file->name, sizeof(ret_file->name), name);
        if (strlen(name) <= MESSAGE_NAME_MAX)
                (void)text_copy(ret_message->name, sizeof(ret_message->name), name);
        (void)text_escape(ret_message->file, sizeof(ret_message->file), name, strlen(name));
        make_key(ret_file, ret_message->file, ret_message->key, sizeof(ret_message->key));
        ret_message->since = boottime_of(ret_file->mark.changed);
        return 0;
}
