/*
 * smsd.conf that cannot be written, and smsd.conf that smsd refuses: SMS go on flowing with what works, and a
 * person is told.
 */
#include "base/text.h"
#include "gateway_tools.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* --- it cannot be written --- */

/* A gateway that works, with a smsd.conf in etc/ that would be changed by the next start: the profile is to
 * be written, and it is not there. */
static pid_t work_with_etc(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t pid = gateway_working(g, 0);
        _cleanup_free_ char *written = gateway_read(g->conf);
        _cleanup_free_ char *without = gateway_replaced(written, "init = AT+CPMS=\"ME\",\"ME\",\"ME\"\n", "");
        gateway_write(g->conf, without);
        return pid;
}

static void still_works_and_says(struct gateway *g, pid_t old, const char *problem)
{
        char message[512];
        _cleanup_free_ char *before = gateway_read(g->conf);

        assert_int_equal(gateway_person(g, COMMAND_RESTART, false, message), 0);
        assert_non_null(strstr(message, problem));
        gateway_wait_verdict(g, VERDICT_DEGRADED, 10000);
        assert_non_null(strstr(g->snapshot.reason, problem));
        assert_non_null(strstr(g->snapshot.reason, "the old one is in force"));
        assert_true(g->snapshot.can_send);
        assert_true(gateway_smsd(g) > 0 && gateway_smsd(g) != old);
        assert_true(gateway_logged(g, problem) > 0);
        gateway_assert_file(g->conf, before);
        gateway_send(g, "one", "By the old one");
        gateway_wait_sent(g, 0, 1, 15000);
}

static void works_again(struct gateway *g)
{
        assert_int_equal(gateway_person(g, COMMAND_RESTART, false, NULL), 0);
        gateway_wait_verdict(g, VERDICT_WORKING, 10000);
        _cleanup_free_ char *text = gateway_read(g->conf);
        assert_non_null(strstr(text, "\ninit = AT+CPMS"));
}

static void read_only_file_system(struct gateway *g)
{
        if (!gateway_private_mounts())
                skip();
        gateway_move_conf(g);
        const char *etc = gateway_path(g, "etc");
        assert_int_equal(mount(etc, etc, NULL, MS_BIND, NULL), 0);
        gateway_start_daemon(g);
        pid_t pid = work_with_etc(g);
        assert_int_equal(mount(NULL, etc, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
        still_works_and_says(g, pid, "Read-only file system");
        assert_int_equal(mount(NULL, etc, NULL, MS_BIND | MS_REMOUNT, NULL), 0);
        works_again(g);
        gateway_end_daemon(g);
        assert_int_equal(umount2(etc, MNT_DETACH), 0);
}

/* Writes until there is no room left, not even a byte. */
static void fill(const char *path)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        static const char block[4096];

        assert_true(fd >= 0);
        while (write(fd, block, sizeof(block)) > 0)
                ;
        assert_int_equal(errno, ENOSPC);
}

static void disk_full(struct gateway *g)
{
        if (!gateway_private_mounts())
                skip();
        _cleanup_free_ char *text = gateway_read(g->conf);
        gateway_move_conf(g);
        const char *etc = gateway_path(g, "etc");
        assert_int_equal(mount("tmpfs", etc, "tmpfs", 0, "size=64k"), 0);
        gateway_write(g->conf, text);
        gateway_start_daemon(g);
        pid_t pid = work_with_etc(g);
        fill(gateway_path(g, "etc/full"));
        still_works_and_says(g, pid, "No space left on device");
        assert_int_equal(unlink(gateway_path(g, "etc/full")), 0);
        works_again(g);
        gateway_end_daemon(g);
        assert_int_equal(umount2(etc, MNT_DETACH), 0);
}

static void no_permission(struct gateway *g)
{
        gateway_move_conf(g);
        gateway_start_daemon(g);
        pid_t pid = work_with_etc(g);
        if (!gateway_set_immutable(g->conf, true))
                skip();
        still_works_and_says(g, pid, "Operation not permitted");
        assert_true(gateway_set_immutable(g->conf, false));
        works_again(g);
}

/* --- smsd refuses it --- */

static void the_last_good_one_is_back(struct gateway *g)
{
        char message[512];

        gateway_plug(g, "");
        pid_t pid = gateway_working(g, 0);
        _cleanup_free_ char *good = gateway_read(g->conf);
        _cleanup_free_ char *bad =
            gateway_replaced(good, "loglevel = 5\n", "loglevel = 5\nno_such_key = 1\n");
        gateway_write(g->conf, bad);
        (void)gateway_person(g, COMMAND_RESTART, false, message);
        assert_non_null(strstr(message, "smsd refused smsd.conf"));
        assert_non_null(strstr(message, "no_such_key"));
        gateway_wait_verdict(g, VERDICT_DEGRADED, 10000);
        assert_non_null(strstr(g->snapshot.reason, "smsd.conf.refused"));
        assert_true(g->snapshot.can_send && g->snapshot.smsd.pid > 0 && g->snapshot.smsd.pid != pid);
        gateway_assert_file(g->conf, good);
        gateway_assert_file(gateway_path(g, "state/smsd.conf.refused"), bad);
        gateway_assert_file(gateway_path(g, "state/smsd.conf.good"), good);
        assert_int_equal(gateway_starts(g), 3);
        gateway_send(g, "one", "By the good one");
        gateway_wait_sent(g, 0, 1, 15000);
        assert_int_equal(gateway_person(g, COMMAND_RESTART, false, NULL), 0);
        gateway_wait_verdict(g, VERDICT_WORKING, 10000);
}

/* It starts 0, 0, 1, 2 s after each other, not faster; and it goes on by itself when the file is right. */
static void without_a_good_one_it_backs_off(struct gateway *g)
{
        int64_t at[4];

        gateway_plug(g, "");
        for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
                gateway_wait_starts(g, i + 1, 10000);
                at[i] = gateway_now();
                /* The first two follow each other at once. */
                if (i > 0)
                        assert_int_equal(gateway_starts(g), i + 1);
        }
        assert_in_range(at[2] - at[1], 950, 2500);
        assert_in_range(at[3] - at[2], 1950, 3500);
        gateway_wait_reason(g, "no configuration that worked before is kept", 3000);
        assert_null(strstr(g->snapshot.reason, "is back"));
        assert_int_equal(g->snapshot.verdict, VERDICT_DOWN);
        assert_int_not_equal(access(gateway_path(g, "state/smsd.conf.good"), F_OK), 0);
        /* A person corrects it while it waits for the next try. */
        _cleanup_free_ char *text = gateway_read(g->conf);
        _cleanup_free_ char *right = gateway_replaced(text, "no_such_key = 1\n", "");
        gateway_write(g->conf, right);
        gateway_start(g);
        gateway_working(g, 0);
}

#define IN_ETC  "[gateway]\nsmsd_conf = %s/etc/smsd.conf\n"
#define PROFILE "[modem GSM1]\nmanage = profile\n"

static const struct gateway_test tests[] = {
    GATEWAY_TEST(read_only_file_system, .no_daemon = true, .warden = IN_ETC PROFILE),
    GATEWAY_TEST(disk_full, .no_daemon = true, .warden = IN_ETC PROFILE),
    GATEWAY_TEST(no_permission, .no_daemon = true, .warden = IN_ETC PROFILE),
    GATEWAY_TEST(the_last_good_one_is_back),
    GATEWAY_TEST(without_a_good_one_it_backs_off, .smsd_global = "no_such_key = 1"),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
