/*
 * The writer of our own small files: whole or not at all, whatever fails or is killed when.
 */
#include "base/file.h"

#include "conf_file_common.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>

static int write_text(const char *path, const char *text)
{
        return file_replace(path, text, strlen(text), 0640);
}

static mode_t mode_of(const char *path)
{
        struct stat status;

        assert_int_equal(lstat(path, &status), 0);
        return status.st_mode;
}

static void test_write(void **state)
{
        struct folder *folder = *state;
        char path[320];
        mode_t old = umask(0777);

        (void)text_format(path, sizeof(path), "%s/hold", folder->path);
        assert_int_equal(write_text(path, "one"), 0);
        assert_true(holds(path, "one"));
        assert_int_equal(mode_of(path), S_IFREG | 0640);
        assert_int_equal(file_replace(path, "two", 3, 0600), 0);
        assert_int_equal(mode_of(path), S_IFREG | 0600);
        assert_int_equal(file_replace(path, NULL, 0, 0600), 0);
        assert_true(holds(path, ""));
        assert_int_equal(count_entries(folder->path), 2);
        (void)umask(old);
}

static void test_symlink_is_replaced(void **state)
{
        struct folder *folder = *state;
        char path[320];

        (void)text_format(path, sizeof(path), "%s/link", folder->path);
        assert_int_equal(symlink("smsd.conf", path), 0);
        assert_int_equal(write_text(path, "mine"), 0);
        assert_int_equal(mode_of(path), S_IFREG | 0640);
        assert_true(holds(folder->file, OLD_TEXT));
}

/* Neither a leftover nor a trap at the temporary name is written through. */
static void test_leftover(void **state)
{
        struct folder *folder = *state;
        char path[320], temporary[320];

        (void)text_format(path, sizeof(path), "%s/hold", folder->path);
        (void)text_format(temporary, sizeof(temporary), "%s/.hold.new", folder->path);
        put(temporary, "a leftover that is longer than the text");
        assert_int_equal(write_text(path, "short"), 0);
        assert_true(holds(path, "short"));
        assert_int_equal(symlink("smsd.conf", temporary), 0);
        assert_int_equal(write_text(path, "again"), 0);
        assert_true(holds(path, "again"));
        assert_true(holds(folder->file, OLD_TEXT));
        assert_int_equal(count_entries(folder->path), 2);
}

static void test_refused(void **state)
{
        struct folder *folder = *state;
        char path[PATH_MAX + 300];

        assert_int_equal(write_text("", "x"), -EINVAL);
        assert_int_equal(write_text("build/", "x"), -EINVAL);
        assert_int_equal(write_text("build/..", "x"), -EINVAL);
        assert_int_equal(write_text("/nonexistent/hold", "x"), -ENOENT);
        assert_int_equal(write_text("/dev/null/hold", "x"), -ENOTDIR);
        (void)text_format(path, sizeof(path), "%s/sub", folder->path);
        assert_int_equal(mkdir(path, 0755), 0);
        assert_int_equal(write_text(path, "x"), -EISDIR);
        (void)text_format(path, sizeof(path), "%s/%0255d", folder->path, 0);
        assert_int_equal(write_text(path, "x"), -ENAMETOOLONG);
        memset(path, '/', PATH_MAX + 10);
        (void)text_copy(path + PATH_MAX + 10, 2, "x");
        assert_int_equal(write_text(path, "x"), -ENAMETOOLONG);
        assert_int_equal(count_entries(folder->path), 2);
}

static int child_disk_full(const struct folder *folder)
{
        static char text[128 * 1024];

        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("small", folder->path, "tmpfs", 0, "size=64k") < 0)
                return 10;
        if (write_text(folder->file, OLD_TEXT) != 0)
                return 11;
        if (file_replace(folder->file, text, sizeof(text), 0640) != -ENOSPC)
                return 12;
        return holds(folder->file, OLD_TEXT) && count_entries(folder->path) == 1 ? 0 : 13;
}

static void test_disk_full(void **state)
{
        assert_in_child(child_disk_full, *state);
}

/* Kills the child before its n-th system call. Returns false when it has ended by itself. */
static bool killed_before(unsigned n, const char *path)
{
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
                        _exit(255);
                _exit(write_text(path, NEW_TEXT) == 0 ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        for (unsigned stops = 0; WIFSTOPPED(status); stops++) {
                if (stops == 2 * n - 1)
                        assert_int_equal(kill(pid, SIGKILL), 0);
                assert_true(ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0 || errno == ESRCH);
                assert_int_equal(waitpid(pid, &status, 0), pid);
        }
        if (WIFEXITED(status))
                assert_int_equal(WEXITSTATUS(status), 0);
        return WIFSIGNALED(status);
}

static void test_killed_before_every_call(void **state)
{
        struct folder *folder = *state;
        unsigned n = 1, news = 0;

        for (; killed_before(n, folder->file); n++) {
                bool is_new = holds(folder->file, NEW_TEXT);
                if (!is_new && !holds(folder->file, OLD_TEXT))
                        fail_msg("killed before call %u: neither old nor new", n);
                news += is_new;
                assert_int_equal(write_text(folder->file, OLD_TEXT), 0);
                assert_true(holds(folder->file, OLD_TEXT));
                assert_int_equal(count_entries(folder->path), 1);
        }
        assert_true(holds(folder->file, NEW_TEXT));
        assert_true(n > 8 && news > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            folder_test(test_write),     folder_test(test_symlink_is_replaced),
            folder_test(test_leftover),  folder_test(test_refused),
            folder_test(test_disk_full), folder_test(test_killed_before_every_call),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
