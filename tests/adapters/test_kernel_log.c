/*
 * The kernel's log as the adapter hands it over: /dev/kmsg itself where it can be read and written, a file in
 * its place for what that cannot be made to do.
 */
#include "adapters/kernel_log.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
        const char *wanted;
        unsigned n, found;
};

static void on_record(void *userdata, const char *text, size_t length)
{
        struct seen *seen = userdata;

        seen->n++;
        seen->found += memmem(text, length, seen->wanted, strlen(seen->wanted)) != NULL;
}

static void say(const char *text)
{
        _cleanup_close_ int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                skip();
}

/* What is written behind the opening, once. */
static void test_the_kernels_own(void **state)
{
        char text[64];
        struct kernel_log *log;
        struct seen seen = {.wanted = text};

        (void)state;
        (void)text_format(text, sizeof(text), "smswarden test %d", (int)getpid());
        if (kernel_log_open(&log, NULL) < 0)
                skip();
        say(text);
        say("smswarden test: over"); /* older kernels hand a record out when the next has come */
        assert_int_equal(kernel_log_read(log, on_record, &seen), 0);
        assert_int_equal(seen.found, 1);
        seen.found = 0;
        assert_int_equal(kernel_log_read(log, on_record, &seen), 0);
        assert_int_equal(seen.found, 0);
        log = kernel_log_free(log);
        say("smswarden test: over");
        assert_int_equal(kernel_log_open(&log, NULL), 0);
        assert_int_equal(kernel_log_read(log, on_record, &seen), 0);
        assert_int_equal(seen.found, 0); /* what stood there before */
        assert_null(kernel_log_free(log));
}

static void test_a_file_in_its_place(void **state)
{
        char path[] = "/tmp/kernel_log.XXXXXX";
        _cleanup_close_ int fd = mkstemp(path);
        struct kernel_log *log;
        struct seen seen = {.wanted = "new"};

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "6,1,1,-;old\n", 12), 12);
        assert_int_equal(kernel_log_open(&log, path), 0);
        assert_int_equal(kernel_log_read(log, on_record, &seen), 0);
        assert_int_equal(seen.n, 0);
        assert_int_equal(write(fd, "6,2,2,-;new\n", 12), 12);
        assert_int_equal(kernel_log_read(log, on_record, &seen), 0);
        assert_int_equal(seen.found, 1);
        assert_null(kernel_log_free(log));
        assert_int_equal(unlink(path), 0);
}

static void test_none(void **state)
{
        struct kernel_log *log = NULL;

        (void)state;
        assert_int_equal(kernel_log_open(&log, "/dev/absent"), -ENOENT);
        assert_null(log);
        assert_null(kernel_log_free(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_kernels_own),
            cmocka_unit_test(test_a_file_in_its_place),
            cmocka_unit_test(test_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
