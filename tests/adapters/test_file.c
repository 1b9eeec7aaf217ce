/*
 * Bounded reads of files that others write.
 */
#include "base/file.h"

#include "smsd_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

static int setup(void **state)
{
        char *folder = strdup("/tmp/smswarden-test-XXXXXX");

        assert_non_null(folder);
        assert_non_null(mkdtemp(folder));
        *state = folder;
        return 0;
}

static int teardown(void **state)
{
        remove_tree(*state);
        free(*state);
        return 0;
}

static const char *in_folder(void **state, const char *name)
{
        static char path[128];

        assert_true(snprintf(path, sizeof(path), "%s/%s", (const char *)*state, name) < (int)sizeof(path));
        return path;
}

static void test_sizes(void **state)
{
        const char *path = in_folder(state, "file");
        char buffer[8];
        size_t length = 99;

        write_file(path, "1234567");
        assert_int_equal(file_read_into(path, O_NOFOLLOW, buffer, sizeof(buffer), &length), 0);
        assert_int_equal(length, 7);
        assert_string_equal(buffer, "1234567");
        write_file(path, "");
        assert_int_equal(file_read_into(path, O_NOFOLLOW, buffer, sizeof(buffer), &length), 0);
        assert_int_equal(length, 0);
        assert_string_equal(buffer, "");
        length = 99;
        write_file(path, "12345678");
        assert_int_equal(file_read_into(path, O_NOFOLLOW, buffer, sizeof(buffer), &length), -EFBIG);
        assert_int_equal(length, 99);
        assert_int_equal(file_read_into("/proc/self/status", O_NOFOLLOW, buffer, sizeof(buffer), &length), -EFBIG);
}

static void test_not_a_regular_file(void **state)
{
        char buffer[64];
        const char *path = in_folder(state, "odd");
        size_t length;

        assert_int_equal(file_read_into(path, O_NOFOLLOW, buffer, sizeof(buffer), &length), -ENOENT);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(file_read_into(path, O_NOFOLLOW, buffer, sizeof(buffer), &length), -EBADF);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("/etc/hostname", path), 0);
        assert_int_equal(file_read_into(path, O_NOFOLLOW, buffer, sizeof(buffer), &length), -ELOOP);
        assert_int_equal(file_read_into(*state, O_NOFOLLOW, buffer, sizeof(buffer), &length), -EISDIR);
        assert_int_equal(file_read_into("/dev/zero", O_NOFOLLOW, buffer, sizeof(buffer), &length), -EBADF);
}

/* Whatever lies at the temporary name or the path, nothing is written through it. */
static void test_replace(void **state)
{
        const char *path = in_folder(state, "state");
        char beside[160], victim[160], buffer[64];
        size_t length;
        struct stat st;

        (void)snprintf(beside, sizeof(beside), "%s/.state.new", (const char *)*state);
        (void)snprintf(victim, sizeof(victim), "%s/victim", (const char *)*state);
        write_file(victim, "untouched");
        assert_int_equal(symlink(victim, path), 0);
        assert_int_equal(symlink(victim, beside), 0);
        assert_int_equal(file_replace(path, "new", 3, 0600), 0);
        assert_int_equal(file_read_into(path, O_NOFOLLOW, buffer, sizeof(buffer), &length), 0);
        assert_string_equal(buffer, "new");
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(file_read_into(victim, O_NOFOLLOW, buffer, sizeof(buffer), &length), 0);
        assert_string_equal(buffer, "untouched");
        assert_int_equal(lstat(beside, &st), -1);
        assert_int_equal(file_remove(path), 0);
        assert_int_equal(file_remove(path), 0);
        assert_int_equal(file_replace("/tmp/", "x", 1, 0600), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
            cmocka_unit_test_setup_teardown(test_not_a_regular_file, setup, teardown),
            cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
