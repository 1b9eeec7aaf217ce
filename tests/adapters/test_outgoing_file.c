/*
 * A message for smsd: whole, its own, hidden until it is, and nothing in the folder is ever replaced.
 */
#include "adapters/outgoing_file.h"

#include "base/file.h"
#include "base/text.h"
#include "smsd_fixture.h"

#include <dirent.h>

static char folder[64];

static int setup(void **state)
{
        (void)state;
        (void)strcpy(folder, "/tmp/smswarden-test-XXXXXX");
        return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
        (void)state;
        remove_tree(folder);
        return 0;
}

static unsigned count_files(void)
{
        DIR *stream = opendir(folder);
        unsigned n = 0;

        assert_non_null(stream);
        for (const struct dirent *entry = readdir(stream); entry; entry = readdir(stream))
                n += !text_equal(entry->d_name, ".") && !text_equal(entry->d_name, "..");
        (void)closedir(stream);
        return n;
}

static void assert_content(const char *name, const char *expected)
{
        char path[128];
        _cleanup_free_ char *text = NULL;
        size_t length;

        (void)text_format(path, sizeof(path), "%s/%s", folder, name);
        assert_int_equal(file_read(path, O_NOFOLLOW, 4096, &text, &length), 0);
        assert_string_equal(text, expected);
}

static void test_a_message(void **state)
{
        struct stat status;
        char path[128];

        (void)state;
        assert_int_equal(chown(folder, 12345, 23456), 0);
        assert_int_equal(outgoing_file_put(folder, "alert-1", "+37061234512", "smsd is down"), 0);
        assert_content("alert-1", "To: 37061234512\n\nsmsd is down\n");
        (void)text_format(path, sizeof(path), "%s/alert-1", folder);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_uid, 12345);
        assert_int_equal(status.st_gid, 23456);
        assert_int_equal(status.st_mode & 07777, 0600);
        assert_int_equal(count_files(), 1);
}

static void test_nothing_is_replaced(void **state)
{
        char path[128];

        (void)state;
        (void)text_format(path, sizeof(path), "%s/alert-1", folder);
        write_file(path, "somebody's");
        assert_int_equal(outgoing_file_put(folder, "alert-1", "1", "x"), -EEXIST);
        assert_content("alert-1", "somebody's");
        assert_int_equal(count_files(), 1);
        /* what a killed life left, or a stranger put there */
        (void)text_format(path, sizeof(path), "%s/.alert-2.new", folder);
        assert_int_equal(symlink("/etc/smswarden-no-such-file", path), 0);
        assert_int_equal(outgoing_file_put(folder, "alert-2", "1", "x"), 0);
        assert_content("alert-2", "To: 1\n\nx\n");
        assert_int_equal(count_files(), 2);
        assert_int_equal(access("/etc/smswarden-no-such-file", F_OK), -1);
}

/* smsd's own folders are smsd's: who owns them may make a link of one. */
static void test_a_strangers_link_is_not_followed(void **state)
{
        static const struct {
                const char *link, *target, *folder;
                uid_t owner;
                int result;
        } table[] = {
            {"to-real", "real", "to-real", 0, 0},
            {"theirs", "real", "theirs", 12345, -ELOOP},
            {"on-the-way", ".", "on-the-way/real", 0, 0},
            {"their-way", ".", "their-way/real", 12345, -ELOOP},
            {"two-steps", "to-real", "two-steps", 0, 0},
            {"through-theirs", "theirs", "through-theirs", 0, -ELOOP},
            {"back", "real/../real", "back", 0, 0},
            {"self", "self", "self", 0, -ELOOP},
            {"dangling", "nothing", "dangling", 0, -ENOENT},
            {"absolute", "/", "absolute", 0, 0},
        };
        char path[128], name[32];

        (void)state;
        (void)text_format(path, sizeof(path), "%s/real", folder);
        assert_int_equal(mkdir(path, 0755), 0);
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                (void)text_format(path, sizeof(path), "%s/%s", folder, table[i].link);
                assert_int_equal(symlink(table[i].target, path), 0);
                assert_int_equal(lchown(path, table[i].owner, 0), 0);
                if (text_equal(table[i].link, "absolute")) /* from the root on, and back */
                        (void)text_format(path, sizeof(path), "%s/absolute/%s/real", folder, folder);
                else
                        (void)text_format(path, sizeof(path), "%s/%s", folder, table[i].folder);
                (void)text_format(name, sizeof(name), "m%zu", i);
                assert_int_equal(outgoing_file_put(path, name, "1", "x"), table[i].result);
                (void)text_format(path, sizeof(path), "%s/real/%s", folder, name);
                assert_int_equal(access(path, F_OK), table[i].result == 0 ? 0 : -1);
        }
}

static void test_what_is_no_message(void **state)
{
        static const struct {
                const char *name, *number, *text;
        } table[] = {
            {"a", "", "x"},         {"a", "+", "x"},      {"a", "12\nFlash: yes", "x"},
            {"a", "1x", "x"},       {"a", "1", ""},       {"a", "1", "two\nlines"},
            {"a", "1", "\xc3\xa4"}, {"../a", "1", "x"},   {"", "1", "x"},
            {".a", "1", "x"},       {"a.LOCK", "1", "x"}, {"a", "123456789012345678901", "x"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++)
                assert_int_equal(outgoing_file_put(folder, table[i].name, table[i].number, table[i].text),
                                 -EINVAL);
        assert_int_equal(count_files(), 0);
        assert_int_equal(outgoing_file_put("/nonexistent/outgoing", "a", "1", "x"), -ENOENT);
        assert_int_equal(outgoing_file_put("/dev/null", "a", "1", "x"), -ENOTDIR);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_a_message, setup, teardown),
            cmocka_unit_test_setup_teardown(test_nothing_is_replaced, setup, teardown),
            cmocka_unit_test_setup_teardown(test_a_strangers_link_is_not_followed, setup, teardown),
            cmocka_unit_test_setup_teardown(test_what_is_no_message, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
