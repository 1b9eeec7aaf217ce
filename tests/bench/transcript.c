/*
 * See transcript.h. The files are small: each change makes us read the whole file again.
 */
#include "bench/transcript.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>

#define FIRST_POLL 2 /* the AT+CPMS? of smsd's first poll: behind the one of its initialisation */

usec_t bench_now(void)
{
        struct timespec now;

        if (clock_gettime(CLOCK_BOOTTIME, &now) < 0)
                abort();
        return (usec_t)now.tv_sec * USEC_PER_SEC + (usec_t)now.tv_nsec / 1000;
}

/* What was seen of smsd's dialogue up to a line. */
struct dialogue {
        bool begun;
        unsigned polls;
};

/* True when `text` (a line behind its time) is the answer that ends the first poll. */
static bool step(struct dialogue *dialogue, const char *text)
{
        if (text_starts_with(text, "< AT\\r"))
                *dialogue = (struct dialogue){.begun = true};
        else if (dialogue->begun && text_starts_with(text, "< AT+CPMS?"))
                dialogue->polls++;
        else
                return dialogue->polls == FIRST_POLL && text_starts_with(text, "> ");
        return false;
}

static usec_t find_first_poll(FILE *file, usec_t since)
{
        _cleanup_free_ char *line = NULL;
        struct dialogue dialogue = {0};
        size_t size = 0;

        rewind(file);
        while (getline(&line, &size, file) > 0) {
                char *text;
                usec_t time = strtoull(line, &text, 10);
                if (time >= since && *text == ' ' && step(&dialogue, text + 1))
                        return time;
        }
        return 0;
}

static FILE *open_transcript(const char *directory, unsigned modem, const char *port)
{
        char path[PATH_MAX];

        if (text_format(path, sizeof(path), "%s/transcript/%u-%s", directory, modem, port) < 0)
                return NULL;
        return fopen(path, "re");
}

/* Until the folder or a file in it changes; what is read is thrown away. */
static int wait_change(int inotify, usec_t end)
{
        _Alignas(struct inotify_event) char buffer[4096];
        usec_t left = usec_sub(end, bench_now());
        struct pollfd wait = {.fd = inotify, .events = POLLIN};

        if (left == 0 || poll(&wait, 1, (int)(left / USEC_PER_MSEC) + 1) == 0)
                return -ETIMEDOUT;
        while (read(inotify, buffer, sizeof(buffer)) > 0)
                ;
        return 0;
}

int transcript_first_poll(const char *directory, unsigned modem, usec_t since, usec_t timeout,
                          usec_t *ret_done)
{
        _cleanup_close_ int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        usec_t end = usec_add(bench_now(), timeout);
        char folder[PATH_MAX];
        int r = text_format(folder, sizeof(folder), "%s/transcript", directory);

        if (r >= 0 && (inotify < 0 || inotify_add_watch(inotify, folder, IN_MODIFY | IN_CREATE) < 0))
                r = -errno;
        while (r >= 0) {
                _cleanup_fclose_ FILE *file = open_transcript(directory, modem, "at");
                usec_t done = file ? find_first_poll(file, since) : 0;
                if (done > 0) {
                        *ret_done = done;
                        return 0;
                }
                r = wait_change(inotify, end);
        }
        return r;
}

static usec_t find_attached(FILE *file)
{
        _cleanup_free_ char *line = NULL;
        usec_t last = 0;
        size_t size = 0;

        while (getline(&line, &size, file) > 0)
                if (strstr(line, " # attached "))
                        last = strtoull(line, NULL, 10);
        return last;
}

usec_t transcript_last_attached(const char *directory, unsigned modem)
{
        static const char *const ports[] = {"diag", "nmea", "at", "modem"};
        usec_t last = 0;

        for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
                _cleanup_fclose_ FILE *file = open_transcript(directory, modem, ports[i]);
                usec_t attached = file ? find_attached(file) : 0;
                last = attached > last ? attached : last;
        }
        return last;
}
