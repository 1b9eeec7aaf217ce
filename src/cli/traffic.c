/*
 * When the last SMS went out and came in, out of the end of smsd's log: for the time before the controller
 * was started, and for when there is none. Only the end is read, a bounded piece; nothing found means not
 * known.
 */
#include "collect.h"

#include "base/text.h"
#include "core/smsd_log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define TAIL_SIZE ((size_t)64 * 1024)

int traffic_read_tail(const char *path, char *tail, size_t size, size_t *ret_length, bool *ret_whole)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat file;

        if (fd < 0 || fstat(fd, &file) < 0)
                return -errno;
        if (!S_ISREG(file.st_mode))
                return -EINVAL;
        off_t begin = file.st_size > (off_t)size ? file.st_size - (off_t)size : 0;
        ssize_t n = pread(fd, tail, size, begin);
        if (n < 0)
                return -errno;
        *ret_length = (size_t)n;
        *ret_whole = begin == 0;
        return 0;
}

/* "2026-11-23 01:02:03,5, GSM1: ...": the box's own time. */
snapshot_time_t traffic_line_time(const char *line, size_t length)
{
        char text[20];
        struct tm broken = {.tm_isdst = -1};

        if (length < sizeof(text))
                return 0;
        (void)text_copy_n(text, sizeof(text), line, sizeof(text) - 1);
        const char *end = strptime(text, "%Y-%m-%d %H:%M:%S", &broken);
        if (!end || *end != '\0')
                return 0;
        time_t seconds = mktime(&broken);
        return seconds > 0 ? (snapshot_time_t)seconds * (snapshot_time_t)USEC_PER_SEC : 0;
}

static void look_at_line(const char *line, size_t length, struct snapshot *snapshot)
{
        struct smsd_log_line parsed;

        smsd_log_parse(line, length, &parsed);
        if (parsed.kind == SMSD_LOG_SENT && snapshot->traffic.last_sent == 0)
                snapshot->traffic.last_sent = traffic_line_time(line, length);
        if (parsed.kind == SMSD_LOG_RECEIVED && snapshot->traffic.last_received == 0)
                snapshot->traffic.last_received = traffic_line_time(line, length);
}

/* From the last line to the first. */
static void look_at_tail(const char *tail, size_t length, struct snapshot *snapshot)
{
        while (length > 0 && !(snapshot->traffic.last_sent && snapshot->traffic.last_received)) {
                size_t end = length;
                while (length > 0 && tail[length - 1] != '\n')
                        length--;
                look_at_line(tail + length, end - length, snapshot);
                length -= length > 0;
        }
}

void traffic_read(const struct smsd_conf *conf, struct snapshot *snapshot)
{
        _cleanup_free_ char *tail = NULL;
        char path[CONFIG_PATH_MAX];
        size_t length = 0;
        bool whole;

        if (snapshot->traffic.last_sent && snapshot->traffic.last_received)
                return;
        conf_path(conf, "logfile", "", path, sizeof(path));
        if (path[0] == '\0' || !(tail = malloc(TAIL_SIZE)))
                return;
        if (traffic_read_tail(path, tail, TAIL_SIZE, &length, &whole) == 0)
                look_at_tail(tail, length, snapshot);
}
