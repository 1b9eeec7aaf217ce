/*
 * The rows of failures that the bus and the kernel show, see failure_rows.h. What the kernel says is read
 * from a /dev/kmsg of our own, which is mounted in the real one's place for this program and its daemon.
 */
#include "failure_rows.h"

#include "base/text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_SIZE 8192 /* one read of the daemon's is one record, as with the kernel's own */

static void kernel_says(const struct gateway *g, const char *text)
{
        static char record[RECORD_SIZE];
        _cleanup_close_ int fd = open(gateway_path(g, "kmsg"), O_WRONLY | O_APPEND | O_CLOEXEC);

        assert_true(fd >= 0);
        memset(record, ' ', sizeof(record));
        int length = snprintf(record, sizeof(record), "3,1,1,-;%s\n", text);
        assert_in_range(length, 1, RECORD_SIZE - 1);
        record[length] = ' ';
        assert_int_equal(write(fd, record, sizeof(record)), RECORD_SIZE);
}

static void begin(struct gateway *g)
{
        gateway_start_daemon(g);
        gateway_plug(g, "");
        gateway_working(g, 0);
}

static void with_a_kernel_log(struct gateway *g)
{
        if (!gateway_private_mounts())
                skip();
        gateway_write(gateway_path(g, "kmsg"), "");
        assert_int_equal(mount(gateway_path(g, "kmsg"), "/dev/kmsg", NULL, MS_BIND, NULL), 0);
        begin(g);
}

/* The power switch of the modem's port: off unplugs it, on plugs a healthy one in. */
static void with_a_power_switch(struct gateway *g)
{
        char script[1024], program[PATH_MAX];
        const char *path = gateway_path(g, "power");
        ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

        assert_true(length > 0);
        program[length] = '\0';
        for (int i = 0; i < 3; i++) /* build/tests/gateway/test_x */
                *strrchr(program, '/') = '\0';
        assert_int_equal(text_format(script, sizeof(script),
                                     "#!/bin/sh\n[ $1 = off ] && command='unplug 0' || "
                                     "command='plug 0 composition=qmi'\n"
                                     "exec %s/softec25 --dir %s/modem --command \"$command\"\n",
                                     program, g->folder),
                         0);
        gateway_write(path, script);
        assert_int_equal(chmod(path, 0755), 0);
        begin(g);
}

static void fails_at_usb(struct gateway *g)
{
        char line[128];

        (void)text_format(line, sizeof(line), "usb %s: device descriptor read/64, error -71",
                          gateway_slot(g, "GSM1")->usb);
        for (int i = 0; i < 3; i++)
                kernel_says(g, line);
}

static void has_low_voltage(struct gateway *g)
{
        kernel_says(g, "hwmon hwmon1: Undervoltage detected!");
}

static void comes_back_later(struct gateway *g)
{
        gateway_plug(g, "back=5000");
        gateway_working(g, 0);
}

static void is_reset_by_somebody(struct gateway *g)
{
        failure_reset_beside(g, "reset");
}

/* Looks every 30 s, for the network refuses it: the second one has found echo off, as the first left it. */
static void was_looked_at_twice(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "reg 0 denied");
        for (unsigned i = 1; i <= 2; i++) {
                gateway_modem(g, "wait-command 0 AT+CEREG? 50000 %u", i);
                (void)gateway_snapshot(g); /* who says nothing for a minute is cut off */
        }
}

static const struct failure_row rows[] = {
    {"download-mode", "the modem comes as 05c6:9008", "05c6:9008", VERDICT_DOWN, "no reset helps",
     "flashed anew", .fail = "unplug 0\nplug 0 composition=edl", .mend = "unplug 0\nplug 0 composition=qmi"},
    {"crashed", "the modem comes as QHSUSB__BULK", "QHSUSB__BULK", VERDICT_DOWN, "its power off and on",
     .prepare = with_a_power_switch, .fail = "unplug 0\nplug 0 composition=qhsusb_bulk",
     .options = {.no_daemon = true, .warden = "[recovery]\npower_command = %s/power\n"}},
    {"brown-out", "the kernel: three times error -71 at its port", "USB error -71, 3 times", VERDICT_DOWN,
     "no reset helps", "power supply", .prepare = with_a_kernel_log, .produce = fails_at_usb, .stays = true,
     .options = {.no_daemon = true}},
    {"brown-out", "the kernel: undervoltage, and the modem leaves", "undervoltage", VERDICT_DOWN,
     "no reset helps", "power supply", .prepare = with_a_kernel_log, .fail = "unplug 0",
     .produce = has_low_voltage, .stays = true, .options = {.no_daemon = true}},
    {"gone", "it is unplugged", "not on the bus", VERDICT_DOWN, "waits 5 min, then ", "plug",
     .fail = "unplug 0", .mend = "plug 0"},
    {"away", "`smswarden reset-modem --step reset`", "a reset of ours", VERDICT_RECOVERING,
     "a restart of the modem (AT+CFUN=1,1)", .prepare = comes_back_later, .produce = is_reset_by_somebody},
    {"ports-missing", "one tty comes, then none for a minute", "not all of its ttys", VERDICT_DOWN,
     "USB off and on", "option driver", .fail = "unplug 0\nplug 0 gap=60000",
     .mend = "unplug 0\nplug 0 gap=0", .options = {.warden = "[modem GSM1]\nboot_timeout = 3s\n"}},
    {"self-reset", "RDY in mid-session, no USB event", "echo is on again", VERDICT_DEGRADED, "",
     .prepare = was_looked_at_twice, .fail = "reg 0 home\nreset 0"},
    {"undervoltage", "the kernel: undervoltage", "undervoltage", VERDICT_DEGRADED, "none", "power supply",
     .prepare = with_a_kernel_log, .produce = has_low_voltage, .stays = true, .options = {.no_daemon = true}},
};

const struct failure_group failures_of_usb = {rows, ARRAY_SIZE(rows)};
