/*
 * smsd.conf belongs to its user: what is written into it, what is not, and that their edits stay.
 */
#include "base/text.h"
#include "ec25/client.h"
#include "gateway_tools.h"

#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define OLD_DEVICE "/dev/ttyUSB90"
#define FOLDERS                                                                                              \
        "outgoing = %s/spool/outgoing\nchecked = %s/spool/checked\nincoming = %s/spool/incoming\n"           \
        "failed = %s/spool/failed\nsent = %s/spool/sent\nstats = %s/stats\npidfile = %s/run/smsd.pid\n"      \
        "infofile = %s/run/smsd.working\n"

/* The node of modem 0's AT port, before it is plugged in. */
static void at_node(const struct gateway *g, char node[128])
{
        assert_int_equal(
            text_format(node, 128, "%s/ttyUSB2", ec25_client_environment(g->modem, "EC25_NODES")), 0);
}

static const char odd_conf[] =
    "# GSM gateway of the shop   \r\ndevices=GSM1\r\n\r\n" FOLDERS "LogFile = %s/smsd.log\r\n"
    "   loglevel = 5\r\ndelaytime = 1\r\ndelaytime_mainprocess = 1\r\n\r\n[unknown section]\r\n"
    "whatever = /dev/ttyUSB90 # mine\r\n\r\n  [GSM1] ; the stick in the cellar\r\n# device = /dev/ttyS0\r\n"
    "Device =\t" OLD_DEVICE "\r\nmemory_start = 0\r\nincoming = yes\r\n# the end, without a line end";

static void only_the_device_is_written(struct gateway *g)
{
        struct stat before, after;
        char value[16];

        gateway_move_conf(g);
        assert_int_equal(symlink("etc/smsd.conf", gateway_path(g, "smsd.conf")), 0);
        assert_int_equal(chown(g->conf, 12345, 23456), 0);
        assert_int_equal(chmod(g->conf, 0640), 0);
        bool attributes = setxattr(g->conf, "user.note", "mine", 4, 0) == 0;
        assert_int_equal(stat(g->conf, &before), 0);
        _cleanup_free_ char *text = gateway_read(g->conf);
        gateway_start_daemon(g);
        gateway_plug(g, "");
        gateway_working(g, 0);

        char node[128], wanted[192];
        at_node(g, node);
        assert_int_equal(text_format(wanted, sizeof(wanted), "Device =\t%s\r\n", node), 0);
        _cleanup_free_ char *expected = gateway_replaced(text, "Device =\t" OLD_DEVICE "\r\n", wanted);
        gateway_assert_file(g->conf, expected);
        assert_int_equal(stat(g->conf, &after), 0);
        assert_int_equal(after.st_mode, before.st_mode);
        assert_int_equal(after.st_uid, 12345);
        assert_int_equal(after.st_gid, 23456);
        if (attributes)
                assert_int_equal(getxattr(g->conf, "user.note", value, sizeof(value)), 4);
        assert_int_equal(lstat(gateway_path(g, "smsd.conf"), &after), 0);
        assert_true(S_ISLNK(after.st_mode));
}

static void unchanged_means_not_written(struct gateway *g)
{
        struct stat before, after;

        gateway_plug(g, "");
        pid_t pid = gateway_working(g, 0);
        assert_int_equal(stat(g->conf, &before), 0);
        gateway_signal(pid, SIGKILL);
        pid = gateway_working(g, pid);
        assert_int_equal(gateway_person(g, COMMAND_RESTART, false, NULL), 0);
        gateway_working(g, pid);
        assert_int_equal(stat(g->conf, &after), 0);
        assert_int_equal(after.st_ino, before.st_ino);
        assert_int_equal(after.st_ctim.tv_sec, before.st_ctim.tv_sec);
        assert_int_equal(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
}

/* A person's edit, and with it what we have to change in the very same file. */
static void an_edit_is_kept(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t pid = gateway_working(g, 0);
        _cleanup_free_ char *written = gateway_read(g->conf);
        _cleanup_free_ char *edited = gateway_replaced(
            written, "baudrate = 115200\n", "baudrate = 115200\n# changed on a Sunday\nrtscts = no\n");
        gateway_write(g->conf, edited);
        assert_int_equal(gateway_person(g, COMMAND_RESTART, false, NULL), 0);
        pid = gateway_working(g, pid);
        gateway_assert_file(g->conf, edited);

        _cleanup_free_ char *again = gateway_replaced(edited, "on a Sunday", "on a Monday");
        gateway_write(g->conf, again);
        gateway_modem(g, "unplug 0");
        gateway_wait_down(g);
        gateway_plug(g, "first=5");
        gateway_working(g, pid);
        assert_string_equal(gateway_device(g, "GSM1"), "ttyUSB7");
        _cleanup_free_ char *expected = gateway_replaced(again, "/ttyUSB2\n", "/ttyUSB7\n");
        gateway_assert_file(g->conf, expected);
}

static const char short_conf[] =
    "devices = GSM1\n" FOLDERS "delaytime_mainprocess = 1\n\n"
    "[GSM1]\ndevice = " OLD_DEVICE "\n# a comment\nincoming = yes\nmemory_start = 0\nsentsleeptime = 7\n";

/* The log's default place is the machine's; here it is a folder of ours. */
static void the_profile_is_written(struct gateway *g)
{
        static const char *const settings[] = {"\ncheck_memory_method = 1\n", "\nsentsleeptime = 1\n",
                                               "\ndelaytime = 1\n",
                                               "\ninit = AT+CPMS=\"ME\",\"ME\",\"ME\"\n"};
        char node[128], line[160];

        if (!gateway_private_mounts())
                skip();
        assert_int_equal(mkdir(gateway_path(g, "log"), 0755), 0);
        assert_int_equal(mount(gateway_path(g, "log"), "/var/log/smstools", NULL, MS_BIND, NULL), 0);
        gateway_start_daemon(g);
        gateway_plug(g, "");
        gateway_working(g, 0);
        _cleanup_free_ char *text = gateway_read(g->conf);
        const char *section = strstr(text, "\n[GSM1]\n");
        assert_non_null(section);
        at_node(g, node);
        assert_int_equal(text_format(line, sizeof(line), "\ndevice = %s\n# a comment\n", node), 0);
        assert_non_null(strstr(section, line));
        for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
                if (!strstr(section, settings[i]))
                        fail_msg("no%sin\n%s", settings[i], text);
        const char *logfile = strstr(text, "\nlogfile = /var/log/smstools/smsd.log\n");
        const char *loglevel = strstr(text, "\nloglevel = 5\n");
        assert_true(logfile && logfile < section);
        assert_true(loglevel && loglevel < section);
        assert_null(strstr(text, "sentsleeptime = 7"));
        gateway_send(g, "one", "With the profile");
        gateway_wait_sent(g, 0, 1, 15000);
        gateway_end_daemon(g);
        assert_int_equal(umount2("/var/log/smstools", MNT_DETACH), 0);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(only_the_device_is_written, .no_daemon = true, .smsd_conf = odd_conf),
    GATEWAY_TEST(unchanged_means_not_written),
    GATEWAY_TEST(an_edit_is_kept),
    GATEWAY_TEST(the_profile_is_written, .no_daemon = true, .smsd_conf = short_conf,
                 .warden = "[modem GSM1]\nmanage = profile\n"),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
