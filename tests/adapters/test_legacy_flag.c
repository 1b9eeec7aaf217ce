/*
 * adapters/legacy_flag: each thing that may lie at the flag's place, its owner and its age, and that only
 * what was seen is removed.
 */
#include "adapters/legacy_flag.h"

#include "base/cleanup.h"
#include "base/text.h"

#include "temp_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include <cmocka.h>

static int setup(void **state)
{
        return temp_fixture_make(state, "test_legacy_flag", "smsd_manual_stop");
}

static void make_file(const char *path, off_t size)
{
        _cleanup_close_ int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, size), 0);
}

static struct legacy_flag look(const struct temp_fixture *fixture, const char *owners)
{
        struct legacy_flag flag;

        memset(&flag, 0x5a, sizeof(flag));
        assert_int_equal(legacy_flag_look(fixture->path, owners, &flag), 0);
        return flag;
}

static void test_absent(void **state)
{
        struct temp_fixture *fixture = *state;
        struct legacy_flag flag = look(fixture, "root");

        assert_false(flag.present);
        assert_int_equal(legacy_flag_remove(fixture->path, &flag), 0);
        assert_int_equal(legacy_flag_look("", "root", &flag), 0);
        assert_false(flag.present);
        assert_int_equal(legacy_flag_look("/etc/passwd/x", "root", &flag), 0);
        assert_false(flag.present);
}

static void test_shapes(void **state)
{
        struct temp_fixture *fixture = *state;
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        make_file(fixture->path, LEGACY_FLAG_SIZE_MAX);
        assert_int_equal(look(fixture, "root").reason, LEGACY_FLAG_OK);
        assert_int_equal(link(fixture->path, fixture->other), 0);
        assert_int_equal(look(fixture, "root").reason, LEGACY_FLAG_HARD_LINK);
        assert_int_equal(unlink(fixture->other) | unlink(fixture->path), 0);
        make_file(fixture->path, LEGACY_FLAG_SIZE_MAX + 1);
        assert_int_equal(look(fixture, "root").reason, LEGACY_FLAG_TOO_LARGE);
        assert_int_equal(unlink(fixture->path), 0);
        assert_int_equal(symlink("/etc/passwd", fixture->path), 0);
        assert_int_equal(look(fixture, "root").reason, LEGACY_FLAG_SYMLINK);
        assert_int_equal(unlink(fixture->path), 0);
        assert_int_equal(mkfifo(fixture->path, 0600), 0);
        assert_int_equal(look(fixture, "root").reason, LEGACY_FLAG_FIFO);
        assert_int_equal(unlink(fixture->path), 0);
        assert_int_equal(mkdir(fixture->path, 0700), 0);
        assert_int_equal(look(fixture, "root").reason, LEGACY_FLAG_DIRECTORY);
        assert_int_equal(rmdir(fixture->path), 0);
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void)text_copy(address.sun_path, sizeof(address.sun_path), fixture->path);
        assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(look(fixture, "root").reason, LEGACY_FLAG_NOT_REGULAR);
        assert_true(look(fixture, "root").present);
}

static void test_owners(void **state)
{
        static const struct {
                const char *owners;
                enum legacy_flag_reason reason;
        } rows[] = {
            {"daemon", LEGACY_FLAG_OK},
            {"root daemon", LEGACY_FLAG_OK},
            {"root\t @daemon ", LEGACY_FLAG_OK}, /* by its primary group */
            {"root", LEGACY_FLAG_STRANGER},
            {"", LEGACY_FLAG_STRANGER},
            {"daemo daemonx @root", LEGACY_FLAG_STRANGER},
            {"@no-such-group-here @sudo @adm", LEGACY_FLAG_STRANGER},
            {"@", LEGACY_FLAG_STRANGER},
        };
        struct temp_fixture *fixture = *state;
        const struct passwd *user = getpwnam("daemon");

        assert_non_null(user);
        make_file(fixture->path, 0);
        if (chown(fixture->path, user->pw_uid, user->pw_gid) < 0)
                skip();
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct legacy_flag flag = look(fixture, rows[i].owners);
                assert_int_equal(flag.reason, rows[i].reason);
                assert_string_equal(flag.owner, "daemon");
                assert_int_equal(flag.uid, user->pw_uid);
        }
        assert_int_equal(chown(fixture->path, 54321, 54321), 0);
        struct legacy_flag flag = look(fixture, "root #54321 54321");
        assert_int_equal(flag.reason, LEGACY_FLAG_STRANGER);
        assert_string_equal(flag.owner, "#54321");
}

static void set_age(const char *path, int64_t seconds)
{
        struct timespec times[2] = {0};

        assert_int_equal(clock_gettime(CLOCK_REALTIME, &times[1]), 0);
        times[1].tv_sec -= (time_t)seconds;
        times[0] = times[1];
        assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void test_age(void **state)
{
        struct temp_fixture *fixture = *state;
        struct timespec up;

        make_file(fixture->path, 0);
        set_age(fixture->path, 5);
        struct legacy_flag flag = look(fixture, "root");
        assert_in_range(flag.age, 5 * USEC_PER_SEC, 60 * USEC_PER_SEC);
        assert_true(flag.plausible);
        set_age(fixture->path, -3600); /* the clock was set back since, or somebody touched it */
        flag = look(fixture, "root");
        assert_int_equal(flag.age, 0);
        assert_false(flag.plausible);
        assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &up), 0);
        set_age(fixture->path, (int64_t)up.tv_sec + 3600); /* from before the boot */
        flag = look(fixture, "root");
        assert_true(flag.age > (usec_t)up.tv_sec * USEC_PER_SEC);
        assert_false(flag.plausible);
}

static void test_only_what_was_seen_is_removed(void **state)
{
        struct temp_fixture *fixture = *state;
        struct stat st;

        make_file(fixture->path, 0);
        struct legacy_flag seen = look(fixture, "root");
        make_file(fixture->other, 0);
        assert_int_equal(rename(fixture->other, fixture->path), 0);
        assert_int_equal(legacy_flag_remove(fixture->path, &seen), -ESTALE);
        assert_int_equal(lstat(fixture->path, &st), 0);
        seen = look(fixture, "root");
        assert_int_equal(legacy_flag_remove(fixture->path, &seen), 0);
        assert_int_equal(lstat(fixture->path, &st), -1);
        assert_int_equal(legacy_flag_remove(fixture->path, &seen), 0);
        assert_int_equal(legacy_flag_remove("flag", &seen), -EINVAL);
}

static void test_a_link_is_removed_itself(void **state)
{
        struct temp_fixture *fixture = *state;
        struct stat st;

        make_file(fixture->other, 0);
        assert_int_equal(symlink(fixture->other, fixture->path), 0);
        struct legacy_flag seen = look(fixture, "root");
        assert_int_equal(legacy_flag_remove(fixture->path, &seen), 0);
        assert_int_equal(lstat(fixture->path, &st), -1);
        assert_int_equal(lstat(fixture->other, &st), 0);
        assert_int_equal(mkdir(fixture->path, 0700), 0);
        seen = look(fixture, "root");
        assert_int_equal(legacy_flag_remove(fixture->path, &seen), -EISDIR);
}

static void test_reasons_have_words(void **state)
{
        (void)state;
        for (unsigned i = LEGACY_FLAG_OK; i <= LEGACY_FLAG_TOO_LARGE; i++)
                assert_true(strlen(legacy_flag_reason_to_string((enum legacy_flag_reason)i)) > 5);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, temp_fixture_remove)

int main(void)
{
        const struct CMUnitTest tests[] = {
            TEST(test_absent),
            TEST(test_shapes),
            TEST(test_owners),
            TEST(test_age),
            TEST(test_only_what_was_seen_is_removed),
            TEST(test_a_link_is_removed_itself),
            TEST(test_reasons_have_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
