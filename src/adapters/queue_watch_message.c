/*
 * A message that smsd gave up, see queue_watch_private.h: what its file says of it, and the key by which it
 * is known. The folder is smsd's, and whoever may send can write there: no link is followed, nothing but a
 * regular file is opened, and only its head is read.
 */
#include "queue_watch_private.h"

#include "base/cleanup.h"
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

struct queue_mark queue_file_mark(const struct queue_file *file)
{
        struct queue_mark mark = {.changed = file->changed};

        (void)text_format(mark.file, sizeof(mark.file), "%016llx", (unsigned long long)file->digest);
        return mark;
}

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

struct queue_file queue_mark_file(const struct queue_mark *mark)
{
        struct queue_file file = {.changed = mark->changed};

        (void)decode_digest(mark->file, &file.digest); /* "": before all of that time */
        return file;
}

int queue_mark_decode(const char *key, struct queue_mark *ret_mark)
{
        const char *at = strrchr(key, '@'), *dash = at ? strchr(at, '-') : NULL;
        struct queue_mark mark = {0};
        char changed[24];
        uint64_t number, digest;

        if (!dash || text_copy_n(changed, sizeof(changed), at + 1, (size_t)(dash - at - 1)) < 0 ||
            parse_u64(changed, 0, INT64_MAX, &number) < 0 || decode_digest(dash + 1, &digest) < 0)
                return -EINVAL;
        mark.changed = (int64_t)number;
        (void)text_copy(mark.file, sizeof(mark.file), dash + 1);
        *ret_mark = mark;
        return 0;
}

/* The name is for people, and may be cut. */
static void make_key(const struct queue_file *file, const char *escaped, char *target, size_t size)
{
        struct queue_mark mark = queue_file_mark(file);
        char name[KEY_NAME_MAX];

        (void)text_clean(name, sizeof(name), escaped);
        (void)text_format(target, size, "%s@%lld-%s", name, (long long)mark.changed, mark.file);
}

/* --- the file --- */

static int open_message(const char *folder, const char *name, struct stat *ret_stat)
{
        char path[CONFIG_PATH_MAX + NAME_MAX + 2], through[32];
        struct stat file;
        int r = text_format(path, sizeof(path), "%s/%s", folder, name);

        if (r < 0)
                return r;
        _cleanup_close_ int place = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (place < 0 || fstat(place, &file) < 0)
                return -errno;
        if (!S_ISREG(file.st_mode))
                return -EBADF;
        (void)text_format(through, sizeof(through), "/proc/self/fd/%d", place);
        int fd = open(through, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret_stat = file;
        return fd;
}

/* When that was on CLOCK_BOOTTIME, 0: before this boot. */
static usec_t boottime_of(int64_t changed)
{
        struct timespec now = {0};
        int64_t age = (queue_realtime() - changed) / 1000;

        (void)clock_gettime(CLOCK_BOOTTIME, &now);
        int64_t boottime = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
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
}

int queue_message_read(const char *folder, const char *name, struct queue_file *ret_file,
                       struct message_failed_event *ret_message)
{
        char head[MESSAGE_HEAD_MAX];
        struct stat status = {0};
        _cleanup_close_ int fd = open_message(folder, name, &status);
        ssize_t n = fd < 0 ? fd : pread(fd, head, sizeof(head), 0);

        if (fd < 0)
                return fd;
        memset(ret_message, 0, sizeof(*ret_message));
        take_header(head, n > 0 ? (size_t)n : 0, ret_message);
        ret_file->changed = status.st_ctim.tv_sec * INT64_C(1000000000) + status.st_ctim.tv_nsec;
        ret_file->digest = text_hash(name, strlen(name));
        (void)text_copy(ret_file->name, sizeof(ret_file->name), name);
        (void)text_escape(ret_message->file, sizeof(ret_message->file), name, strlen(name));
        make_key(ret_file, ret_message->file, ret_message->key, sizeof(ret_message->key));
        ret_message->since = boottime_of(ret_file->changed);
        return 0;
}
