/*
 * Bounded reads of files that others write.
 */
#include "adapters/small_file.h"

#include "smsd_fixture.h"

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
        assert_int_equal(small_file_read(path, buffer, sizeof(buffer), &length), 0);
        assert_int_equal(length, 7);
        assert_string_equal(buffer, "1234567");
        write_file(path, "");
        assert_int_equal(small_file_read(path, buffer, sizeof(buffer), &length), 0);
        assert_int_equal(length, 0);
        assert_string_equal(buffer, "");
        length = 99;
        write_file(path, "12345678");
        assert_int_equal(small_file_read(path, buffer, sizeof(buffer), &length), -EFBIG);
        assert_int_equal(length, 99);
        assert_int_equal(small_file_read("/proc/self/status", buffer, sizeof(buffer), NULL), -EFBIG);
}

static void test_not_a_regular_file(void **state)
{
        char buffer[64];
        const char *path = in_folder(state, "odd");

        assert_int_equal(small_file_read(path, buffer, sizeof(buffer), NULL), -ENOENT);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(small_file_read(path, buffer, sizeof(buffer), NULL), -EINVAL);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("/etc/hostname", path), 0);
        assert_int_equal(small_file_read(path, buffer, sizeof(buffer), NULL), -ELOOP);
        assert_int_equal(small_file_read(*state, buffer, sizeof(buffer), NULL), -EISDIR);
        assert_int_equal(small_file_read("/dev/zero", buffer, sizeof(buffer), NULL), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
            cmocka_unit_test_setup_teardown(test_not_a_regular_file, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
