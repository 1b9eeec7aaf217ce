/*
 * base/file: bounded, only regular files, replaced whole or not at all, and nothing left behind.
 */
#include "base/file.h"

#include "base/cleanup.h"
#include "base/text.h"

#include "temp_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

static int setup(void **state)
{
        return temp_fixture_make(state, "test_file", "file");
}

static void test_what_was_written_is_read(void **state)
{
        static const char bytes[] = "a\0b\n";
        struct temp_fixture *fixture = *state;
        _cleanup_free_ char *text = NULL;
        size_t length = 0;
        struct stat st;

        assert_int_equal(file_replace(fixture->path, bytes, 4, 0640), 0);
        assert_int_equal(file_read(fixture->path, O_NOFOLLOW, 4, &text, &length), 0);
        assert_int_equal(length, 4);
        assert_memory_equal(text, bytes, 5); /* with the NUL behind it */
        assert_int_equal(stat(fixture->path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640); /* whatever the umask is */
        assert_int_equal(file_remove(fixture->path), 0);
        assert_int_equal(file_remove(fixture->path), 0);
        assert_int_equal(rmdir(fixture->folder), 0); /* nothing is left */
}

static void test_an_empty_file(void **state)
{
        struct temp_fixture *fixture = *state;
        _cleanup_free_ char *text = NULL;
        size_t length = 1;

        assert_int_equal(file_replace(fixture->path, "", 0, 0600), 0);
        assert_int_equal(file_read(fixture->path, 0, 0, &text, &length), 0);
        assert_int_equal(length, 0);
        assert_string_equal(text, "");
}

static void test_the_bound(void **state)
{
        struct temp_fixture *fixture = *state;
        char *text = NULL;
        size_t length = 4711;

        assert_int_equal(file_replace(fixture->path, "12345", 5, 0600), 0);
        assert_int_equal(file_read(fixture->path, 0, 4, &text, &length), -EFBIG);
        assert_null(text);
        assert_int_equal(length, 4711);
        assert_int_equal(file_read("/proc/self/status", 0, 65536, &text, &length),
                         0); /* says that it has no size */
        assert_true(length > 100);
        free(text);
}

static void test_what_is_no_file(void **state)
{
        struct temp_fixture *fixture = *state;
        char *text = NULL;
        size_t length;

        assert_int_equal(file_read(fixture->path, 0, 10, &text, &length), -ENOENT);
        assert_int_equal(file_read(fixture->folder, 0, 10, &text, &length), -EISDIR);
        assert_int_equal(file_read("/dev/zero", 0, 10, &text, &length), -EBADF);
        assert_int_equal(mkfifo(fixture->path, 0600), 0);
        assert_int_equal(file_read(fixture->path, 0, 10, &text, &length), -EBADF);
        assert_int_equal(file_replace(fixture->other, "x", 1, 0600), 0);
        assert_int_equal(unlink(fixture->path), 0);
        assert_int_equal(symlink(fixture->other, fixture->path), 0);
        assert_int_equal(file_read(fixture->path, O_NOFOLLOW, 10, &text, &length), -ELOOP);
        assert_null(text);
        assert_int_equal(file_read(fixture->path, 0, 10, &text, &length), 0);
        free(text);
}

static unsigned count_entries(const char *folder)
{
        unsigned n = 0;
        DIR *dir = opendir(folder);

        assert_non_null(dir);
        for (const struct dirent *entry; (entry = readdir(dir));)
                n += entry->d_name[0] != '.';
        (void)closedir(dir);
        return n;
}

/* A failure leaves the old state, and no second file. */
static void test_a_failed_replacement(void **state)
{
        struct temp_fixture *fixture = *state;

        assert_int_equal(mkdir(fixture->path, 0700), 0);
        assert_int_equal(file_replace(fixture->path, "x", 1, 0600), -EISDIR);
        assert_int_equal(count_entries(fixture->folder), 1);
        assert_int_equal(file_replace("/nowhere/at/all", "x", 1, 0600), -ENOENT);
}

static void test_a_full_disk(void **state)
{
        struct temp_fixture *fixture = *state;
        struct rlimit limit, tight;
        _cleanup_free_ char *text = NULL;
        size_t length = 0;
        char large[4096] = {0};

        assert_int_equal(file_replace(fixture->path, "old", 3, 0600), 0);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        tight = (struct rlimit){.rlim_cur = 1000, .rlim_max = limit.rlim_max};
        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
        int r = file_replace(fixture->path, large, sizeof(large), 0600);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        (void)signal(SIGXFSZ, SIG_DFL);
        assert_int_equal(r, -EFBIG);
        assert_int_equal(count_entries(fixture->folder), 1);
        assert_int_equal(file_read(fixture->path, 0, 10, &text, &length), 0);
        assert_string_equal(text, "old");
}

/* Its owner holds a lease: an open that waits for it would wait for 45 seconds. */
static void test_a_leased_file(void **state)
{
        struct temp_fixture *fixture = *state;
        struct timespec begin, end;
        char text[16];
        size_t length = 7;

        assert_int_equal(file_replace(fixture->path, "text", 4, 0600), 0);
        (void)signal(SIGIO, SIG_IGN);
        int fd = open(fixture->path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
        (void)clock_gettime(CLOCK_MONOTONIC, &begin);
        assert_int_equal(file_read_into(fixture->path, 0, text, sizeof(text), &length), -EAGAIN);
        (void)clock_gettime(CLOCK_MONOTONIC, &end);
        assert_true(end.tv_sec - begin.tv_sec < 3);
        assert_int_equal(length, 7);
        assert_int_equal(close(fd), 0);
        (void)signal(SIGIO, SIG_DFL);
        assert_int_equal(file_read_into(fixture->path, 0, text, sizeof(text), &length), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, temp_fixture_remove)

int main(void)
{
        const struct CMUnitTest tests[] = {
            TEST(test_what_was_written_is_read),
            TEST(test_an_empty_file),
            TEST(test_the_bound),
            TEST(test_what_is_no_file),
            TEST(test_a_failed_replacement),
            TEST(test_a_full_disk),
            TEST(test_a_leased_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
