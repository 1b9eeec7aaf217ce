/*
 * The kernel's log as our unit lets us see it, in the journal: a modem that is not fed well is named so, and
 * what a program says is not believed. The machine's journal is ours here, and its /dev/kmsg is closed.
 */
#include "base/text.h"
#include "gateway_tools.h"
#include "journal_file.h"

#include <sys/mount.h>
#include <sys/stat.h>

#define FIRST_LOOK 25000 /* 10 s after the plug */
#define IN_DOUBT   50000 /* 30 s after the last one */

static char journal[96];

/* As InaccessiblePaths= does it: a socket's node cannot be opened, by nobody. */
static void close_kmsg(const struct gateway *g)
{
        const char *node = gateway_path(g, "closed");

        assert_int_equal(mknod(node, S_IFSOCK, 0), 0);
        if (access("/dev/kmsg", F_OK) == 0)
                assert_int_equal(mount(node, "/dev/kmsg", NULL, MS_BIND, NULL), 0);
}

static void make_journal(void)
{
        char name[SD_ID128_STRING_MAX];
        sd_id128_t machine;

        assert_int_equal(mount("none", "/var/log", "tmpfs", 0, "mode=0755"), 0);
        assert_int_equal(mkdir("/var/log/journal", 0755), 0);
        if (sd_id128_get_machine(&machine) < 0)
                skip();
        (void)text_format(journal, sizeof(journal), "/var/log/journal/%s", sd_id128_to_string(machine, name));
        assert_int_equal(mkdir(journal, 0755), 0);
        assert_int_equal(text_append(journal, sizeof(journal), "/system.journal"), 0);
}

static bool has_cause(struct gateway *g, const void *userdata)
{
        return text_equal(gateway_slot(g, "GSM1")->health.cause, userdata);
}

static void say(const char *transport, const char *message, unsigned times)
{
        journal_write(journal, &(struct journal_line){.message = message, .transport = transport}, 1, times);
}

static void a_modem_that_is_not_fed_is_named(struct gateway *g)
{
        char message[96];

        if (!gateway_private_mounts())
                skip();
        close_kmsg(g);
        make_journal();
        say("kernel", "usb usb1-port2: Cannot enable. Maybe the USB cable is bad?, error -71", 100);
        gateway_start_daemon(g);
        gateway_plug(g, "");
        gateway_working(g, 0);
        (void)text_format(message, sizeof(message), "usb %s: device descriptor read/64, error -71",
                          gateway_slot(g, "GSM1")->usb);
        say("stdout", message, 100);
        say("kernel", "Under-voltage detected! (0x00050005)", 1);
        gateway_wait(g, FIRST_LOOK, "undervoltage", has_cause, "undervoltage");
        assert_true(g->snapshot.can_send); /* a doubt */
        say("kernel", message, 3);
        gateway_wait(g, IN_DOUBT, "a brown-out", has_cause, "brown-out");
        assert_non_null(strstr(gateway_slot(g, "GSM1")->health.evidence,
                               "the kernel reports USB error -71, 3 times in 10min, and undervoltage"));
        assert_int_equal(gateway_logged(g, "the kernel's log cannot be read"), 0);
        gateway_end_daemon(g);
        assert_int_equal(umount2("/var/log", MNT_DETACH), 0);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_modem_that_is_not_fed_is_named, .no_daemon = true),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
