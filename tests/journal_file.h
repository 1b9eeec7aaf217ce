/*
 * A journal file as journald would have written it, made by systemd-journal-remote out of the export format.
 */
#ifndef TESTS_JOURNAL_FILE_H
#define TESTS_JOURNAL_FILE_H

#include "base/cleanup.h"
#include "base/clock.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include <cmocka.h>

#define JOURNAL_REMOTE "/lib/systemd/systemd-journal-remote"

struct journal_line {
        const char *message;
        const char *transport; /* NULL: kernel */
        const char *facility;  /* NULL: 0, the kernel's own; "": none is said */
        bool other_boot;
};

static inline void journal_put_line(FILE *text, const struct journal_line *line, sd_id128_t boot)
{
        char name[SD_ID128_STRING_MAX];

        boot.bytes[0] ^= line->other_boot; /* one bit of it is another's */
        (void)fprintf(text,
                      "__REALTIME_TIMESTAMP=%" PRIi64 "\n__MONOTONIC_TIMESTAMP=%" PRIu64 "\n_BOOT_ID=%s\n",
                      clock_realtime(), clock_monotonic(), sd_id128_to_string(boot, name));
        if (!line->facility || line->facility[0])
                (void)fprintf(text, "SYSLOG_FACILITY=%s\n", line->facility ? line->facility : "0");
        (void)fprintf(text, "_TRANSPORT=%s\nPRIORITY=3\nMESSAGE=%s\n\n",
                      line->transport ? line->transport : "kernel", line->message);
}

static inline void journal_convert(const char *text, const char *path)
{
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                FILE *silent _unused_ = freopen("/dev/null", "w", stderr);
                (void)unsetenv("LD_PRELOAD");
                (void)execl(JOURNAL_REMOTE, JOURNAL_REMOTE, "-o", path, text, (char *)NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (status != 0)
                fail_msg(JOURNAL_REMOTE " ended with %x (package systemd-journal-remote)", status);
}

/* Appends the lines, stamped now, to the file (*.journal), and makes it where there is none. `times` each. */
static inline void journal_write(const char *path, const struct journal_line *lines, size_t n, unsigned times)
{
        char name[] = "/tmp/journal-export.XXXXXX";
        int fd = mkstemp(name);
        sd_id128_t boot;

        assert_true(fd >= 0);
        FILE *text = fdopen(fd, "w");
        assert_non_null(text);
        assert_true(sd_id128_get_boot(&boot) >= 0);
        for (unsigned i = 0; i < times; i++)
                for (size_t k = 0; k < n; k++)
                        journal_put_line(text, &lines[k], boot);
        assert_int_equal(fclose(text), 0);
        journal_convert(name, path);
        assert_int_equal(unlink(name), 0);
}

#endif
