/*
 * Files of other people, kept, rewritten and restored by root while their owner plays with the folders on the
 * way: root's hand is led nowhere else. Runs in /run, which belongs to root alone like /home.
 */
#include "adapters/saved_file.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "temp_folder.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ROM 1000

struct box {
        char root[32];
};

static const char *in(const struct box *box, const char *path)
{
        static char places[4][PATH_MAX];
        static unsigned next;
        char *place = places[next++ % ARRAY_SIZE(places)];

        assert_int_equal(text_format(place, PATH_MAX, "%s/%s", box->root, path), 0);
        return place;
}

static void make_folder(const struct box *box, const char *path, uid_t owner)
{
        assert_int_equal(mkdir(in(box, path), 0755), 0);
        assert_int_equal(chown(in(box, path), owner, owner), 0);
}

static void put(const struct box *box, const char *path, const char *text, mode_t mode)
{
        assert_int_equal(file_replace(in(box, path), text, strlen(text), mode), 0);
        assert_int_equal(chown(in(box, path), ROM, ROM), 0);
        assert_int_equal(chmod(in(box, path), mode), 0);
}

static void link_to(const struct box *box, const char *target, const char *path, uid_t owner)
{
        assert_int_equal(symlink(target, in(box, path)), 0);
        assert_int_equal(lchown(in(box, path), owner, owner), 0);
}

static void expect(const struct box *box, const char *path, const char *text)
{
        char found[256];
        size_t length;

        assert_int_equal(file_read_into(in(box, path), O_NOFOLLOW, found, sizeof(found), &length), 0);
        assert_string_equal(found, text);
}

static void expect_nothing(const struct box *box, const char *path)
{
        struct stat status;

        assert_int_equal(lstat(in(box, path), &status), -1);
}

static int setup(void **state)
{
        struct box *box = calloc(1, sizeof(*box));

        assert_non_null(box);
        assert_int_equal(text_copy(box->root, sizeof(box->root), "/run/saved.XXXXXX"), 0);
        assert_non_null(mkdtemp(box->root));
        assert_int_equal(chmod(box->root, 0755), 0);
        make_folder(box, "profile.d", 0);
        make_folder(box, "rom", ROM);
        make_folder(box, "rom/sub", ROM);
        put(box, "rom/sub/x.sh", "old\n", 0777);
        *state = box;
        return 0;
}

static int teardown(void **state)
{
        struct box *box = *state;

        temp_folder_remove(box->root);
        free(box);
        return 0;
}

static void test_there_and_back(void **state)
{
        const struct box *box = *state;
        struct stat status;

        assert_int_equal(chmod(in(box, "rom/sub/x.sh"), 04751), 0);
        assert_int_equal(saved_file_keep(in(box, "rom/sub/x.sh"), in(box, "copy")), 0);
        assert_int_equal(saved_file_rewrite(in(box, "rom/sub/x.sh"), "new\n", 4), 0);
        expect(box, "rom/sub/x.sh", "new\n");
        assert_int_equal(stat(in(box, "rom/sub/x.sh"), &status), 0);
        assert_int_equal(status.st_mode & 07777, 0751);
        assert_int_equal(status.st_uid, ROM);
        assert_int_equal(saved_file_restore(in(box, "copy"), in(box, "rom/sub/x.sh")), 0);
        expect(box, "rom/sub/x.sh", "old\n");
        assert_int_equal(stat(in(box, "rom/sub/x.sh"), &status), 0);
        assert_int_equal(status.st_mode & 07777, 04751);
}

/* The owner puts a link to root's folder in the place of his own between the two. */
static void test_nothing_is_restored_elsewhere(void **state)
{
        const struct box *box = *state;

        assert_int_equal(saved_file_keep(in(box, "rom/sub/x.sh"), in(box, "copy")), 0);
        assert_int_equal(rename(in(box, "rom/sub"), in(box, "rom/away")), 0);
        link_to(box, in(box, "profile.d"), "rom/sub", ROM);
        assert_int_equal(saved_file_restore(in(box, "copy"), in(box, "rom/sub/x.sh")), -ELOOP);
        expect_nothing(box, "profile.d/x.sh");
        /* root's own link, which the owner has moved here */
        assert_int_equal(lchown(in(box, "rom/sub"), 0, 0), 0);
        assert_int_equal(saved_file_restore(in(box, "copy"), in(box, "rom/sub/x.sh")), -ELOOP);
        expect_nothing(box, "profile.d/x.sh");
        /* relative, and behind a link of root's that may be followed */
        assert_int_equal(unlink(in(box, "rom/sub")), 0);
        link_to(box, "../profile.d", "rom/sub", ROM);
        link_to(box, "rom", "home", 0);
        assert_int_equal(saved_file_restore(in(box, "copy"), in(box, "home/sub/x.sh")), -ELOOP);
        expect_nothing(box, "profile.d/x.sh");
}

static void test_nothing_is_rewritten_or_kept_elsewhere(void **state)
{
        const struct box *box = *state;

        put(box, "profile.d/x.sh", "root's\n", 0600);
        assert_int_equal(rename(in(box, "rom/sub"), in(box, "rom/away")), 0);
        link_to(box, in(box, "profile.d"), "rom/sub", ROM);
        assert_int_equal(saved_file_rewrite(in(box, "rom/sub/x.sh"), "new\n", 4), -ELOOP);
        assert_int_equal(saved_file_keep(in(box, "rom/sub/x.sh"), in(box, "copy")), -ELOOP);
        expect(box, "profile.d/x.sh", "root's\n");
        expect_nothing(box, "copy");
}

/* /home may be a link to another disk. */
static void test_links_of_root_are_followed(void **state)
{
        const struct box *box = *state;

        make_folder(box, "disk", 0);
        link_to(box, in(box, "rom"), "disk/rom", 0);
        link_to(box, "disk", "home", 0);
        link_to(box, "loop", "loop", 0);
        assert_int_equal(saved_file_rewrite(in(box, "home/rom/sub/x.sh"), "new\n", 4), 0);
        expect(box, "rom/sub/x.sh", "new\n");
        assert_int_equal(saved_file_rewrite(in(box, "loop/x.sh"), "new\n", 4), -ELOOP);
        assert_int_equal(saved_file_rewrite(in(box, "rom/sub/x.sh/y"), "new\n", 4), -ENOTDIR);
        /* not in a folder where others may make links */
        assert_int_equal(chmod(in(box, "disk"), 01777), 0);
        assert_int_equal(saved_file_rewrite(in(box, "home/rom/sub/x.sh"), "old\n", 4), -ELOOP);
}

/* Neither waits for somebody to write into it. */
static void test_no_file_at_all(void **state)
{
        const struct box *box = *state;

        assert_int_equal(unlink(in(box, "rom/sub/x.sh")), 0);
        assert_int_equal(saved_file_rewrite(in(box, "rom/sub/x.sh"), "new\n", 4), -ENOENT);
        assert_int_equal(mkfifo(in(box, "rom/sub/x.sh"), 0666), 0);
        assert_int_equal(saved_file_keep(in(box, "rom/sub/x.sh"), in(box, "copy")), -EINVAL);
        assert_int_equal(saved_file_rewrite(in(box, "rom/sub/x.sh"), "new\n", 4), -EINVAL);
        expect_nothing(box, "rom/sub/.x.sh.smswarden");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_there_and_back, setup, teardown),
            cmocka_unit_test_setup_teardown(test_nothing_is_restored_elsewhere, setup, teardown),
            cmocka_unit_test_setup_teardown(test_nothing_is_rewritten_or_kept_elsewhere, setup, teardown),
            cmocka_unit_test_setup_teardown(test_links_of_root_are_followed, setup, teardown),
            cmocka_unit_test_setup_teardown(test_no_file_at_all, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
