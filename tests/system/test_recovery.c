/*
 * What brings a modem back, on the kernel's own USB and under systemd: taken off the bus and put back by the
 * one unit that may write to /sys, by hand and over a controller that dies in the middle; who else has smsd's
 * port is named; and another SIM is set up once.
 */
#include "records.h"
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>

#define EC25  "softec25 --dir /run/ec25 --command"
#define TTYS  "echo $(cd /dev; ls -v ttyUSB* 2>/dev/null)"
#define FOUR  "ttyUSB0 ttyUSB1 ttyUSB2 ttyUSB3"
#define USB   "/sys/bus/usb/devices/$(cat /run/device)"
#define UNITS "smswarden-power@*"

static void is(struct machine *m, const char *expected, const char *script)
{
        assert_string_equal(machine_ok(m, "%s", script), expected);
}

static long number(struct machine *m, const char *script)
{
        return strtol(machine_ok(m, "%s", script), NULL, 10);
}

static void sms_flow(struct machine *m, const char *when)
{
        char text[64];

        (void)snprintf(text, sizeof(text), "out %s", when);
        scenario_send(m, 0, text);
        (void)snprintf(text, sizeof(text), "in %s", when);
        scenario_receive(m, 0, text);
}

/* --- off the bus and back --- */

/* The USB device's name in /sys is in /run/device. */
static void a_working_modem(struct machine *m, const char *options)
{
        scenario_plug(m, 0, options);
        scenario_working(m);
        (void)machine_ok(m,
                         "node=$(" EC25 " 'node 0' | head -n 1)\n"
                         "basename $(readlink -f /sys/class/tty/${node#/dev/}/device/../..) > /run/device");
        is(m, "1", "cat " USB "/authorized");
        is(m, FOUR, TTYS);
}

/* The same device, never gone for the bus, on the numbers that it had. */
static void is_back_on_its_numbers(struct machine *m)
{
        is(m, "1", "cat " USB "/authorized");
        is(m, FOUR, TTYS);
        is(m, "/dev/ttyUSB2", EC25 " 'node 0' | head -n 1");
        is(m, "/dev/ttyUSB2", "readlink -f /dev/smswarden/*-at");
}

/* It was systemd that switched, and nothing of it is left. */
static void was_switched_by_the_unit(struct machine *m)
{
        const char *said = machine_ok(m, "journalctl --sync; journalctl -b -o cat -u '" UNITS "'");

        machine_assert_contains(said, "usb-off at USB ");
        machine_assert_contains(said, "usb-on at USB ");
        (void)machine_wait(m, 30000,
                           "test -z \"$(systemctl list-units --all --plain --no-legend '" UNITS "')\"");
}

/* Our own doing. */
static void is_taken_for_no_loss(struct machine *m)
{
        static const char *const events[] = {"smsd-died", "smsd-ended", "handler-lost", "start-failed",
                                             "modem-lost"};

        for (size_t i = 0; i < ARRAY_SIZE(events); i++)
                assert_string_equal(records_of(m, events[i]), "");
}

static void usb_is_switched_by_hand(struct machine *m)
{
        a_working_modem(m, "boot=1000");
        sms_flow(m, "before");
        long number_on_bus = number(m, "cat " USB "/devnum");
        records_mark(m);
        int64_t start = machine_now();
        const char *said = machine_ok(m, "smswarden reset-modem GSM1 --step usb");
        (void)printf("# %lld ms: %s\n", (long long)(machine_now() - start), said);
        machine_assert_contains(said, "GSM1: USB off and on: done, the modem is back after");
        scenario_working(m);
        is_back_on_its_numbers(m);
        assert_int_equal(number(m, "cat " USB "/devnum"), number_on_bus);
        was_switched_by_the_unit(m);
        is_taken_for_no_loss(m);
        sms_flow(m, "after");
}

/* Killed while the modem is off: nobody but its successor knows that it must be switched on. */
static void a_controller_that_dies_leaves_no_modem_off(struct machine *m)
{
        a_working_modem(m, "boot=1000");
        (void)machine_ok(m, "systemd-run -q --no-block --unit=reset smswarden reset-modem GSM1 --step usb");
        (void)machine_wait(m, 60000, "grep -qx 0 " USB "/authorized");
        (void)machine_ok(m, "systemctl kill -s KILL smswardend; grep -qx 0 " USB "/authorized");
        int64_t took = machine_wait(m, 40000, "grep -qx 1 " USB "/authorized");
        (void)printf("# on again %lld ms after the kill\n", (long long)took);
        scenario_working(m);
        is_back_on_its_numbers(m);
        was_switched_by_the_unit(m);
        sms_flow(m, "with the successor");
}

/* --- somebody else on smsd's port --- */

/*
 * A shell that has opened the port and waits for its person; its number. It leads no session, as a person's
 * shell that has a terminal: else the port would become its terminal, and be hung up for all when it ends.
 */
static long a_shell_grips_the_port(struct machine *m)
{
        (void)machine_ok(m, "mkfifo /run/keyboard\n"
                            "sh -c 'echo $$ > /run/person; exec 3<> /dev/ttyUSB2; read line <> /run/keyboard'"
                            " > /dev/null 2>&1 &");
        (void)machine_wait(m, 30000, "ls -l /proc/$(cat /run/person)/fd | grep -q ttyUSB2");
        return number(m, "cat /run/person");
}

static void a_shells_grip_on_smsds_port_is_named(struct machine *m)
{
        a_working_modem(m, "");
        long shell = a_shell_grips_the_port(m);
        /* 10 s after the plug it is looked at, or five minutes later when it was just looked at. */
        int64_t took = machine_wait(m, 340000,
                                    "smswarden status > /run/status || true\n"
                                    "grep -qF 'sh (pid %ld, test-agent.service) holds' /run/status",
                                    shell);
        (void)printf("# named %lld ms after it came\n", (long long)took);
        machine_assert_contains(machine_ok(m, "cat /run/status"), "end that program");
        (void)machine_ok(m, "kill $(cat /run/person)");
        scenario_working(m);
        (void)machine_ok(m, "smswarden status > /run/status; not grep -F 'sh (pid' /run/status");
        sms_flow(m, "for smsd alone");
}

/* --- another SIM --- */

#define PROVIDER(name, mcc, mnc, apn)                                                                        \
        "<provider><name>" name "</name><gsm><network-id mcc=\"" mcc "\" mnc=\"" mnc "\"/><apn value=\"" apn \
        "\"><usage type=\"internet\"/></apn></gsm></provider>"

static const char providers[] =
    "<?xml version=\"1.0\"?>\n<serviceproviders format=\"2.0\"><country code=\"xx\">"
    "<name>Nowhere</name>" PROVIDER("One", "246", "02", "apn.one")
        PROVIDER("Two", "246", "03", "apn.two") "</country></serviceproviders>\n";

static void configure_provisioning(struct machine *m)
{
        (void)machine_ok(m, "mkdir -p /usr/share/mobile-broadband-provider-info");
        machine_put(m, "/usr/share/mobile-broadband-provider-info/serviceproviders.xml", 0644, providers);
        machine_put(m, "/etc/smswarden/smswarden.conf.d/provision.conf", 0644,
                    "[provision]\napn = auto\nusbnet = ecm\n");
        (void)machine_ok(m, "systemctl reload smswardend");
}

/* How often the modem was told this, on whichever of its ports. */
static long told(struct machine *m, const char *command)
{
        return strtol(machine_ok(m,
                                 EC25 " stats | grep '^command 0 ' | grep -F '%s' |"
                                      " sed 's/.* at=\\([0-9]*\\) modem=\\([0-9]*\\) .*/\\1 \\2/' |"
                                      " awk '{ n += $1 + $2 } END { print n + 0 }'",
                                 command),
                      NULL, 10);
}

static void was_told(struct machine *m, long usbnet, long apn, long reset)
{
        (void)printf("# usbnet %ld, APN %ld, reset %ld times\n", told(m, "usbnet"), told(m, "AT+CGDCONT=1,"),
                     told(m, "AT+CFUN=1,1"));
        assert_int_equal(told(m, "AT+QCFG=\"usbnet\",1"), usbnet);
        assert_int_equal(told(m, "AT+CGDCONT=1,"), apn);
        assert_int_equal(told(m, "AT+CFUN=1,1"), reset);
}

static void put_back(struct machine *m)
{
        scenario_unplug(m, 0);
        (void)machine_wait(m, 30000, "test -z \"$(ls /dev | grep ttyUSB)\"");
        scenario_plug(m, 0, "");
        scenario_working(m);
        is(m, FOUR, TTYS);
}

static void each_sim_is_set_up_once(struct machine *m)
{
        (void)scenario_modem(m, "identity 0 imsi=246020000000001");
        a_working_modem(m, "back=1000");
        configure_provisioning(m);
        was_told(m, 0, 0, 0); /* a running smsd is left alone */
        (void)machine_ok(m, "smswarden stop; smswarden start");
        scenario_working(m);
        is_back_on_its_numbers(m);
        was_told(m, 1, 1, 1);
        long questions = told(m, "AT+CGDCONT?");
        put_back(m);
        was_told(m, 1, 1, 1);
        assert_int_equal(told(m, "AT+CGDCONT?"), questions);
        (void)scenario_modem(m, "identity 0 imsi=246030000000001");
        put_back(m);
        machine_assert_contains(machine_ok(m, "smswarden history"), "another SIM");
        was_told(m, 1, 2, 1);
        put_back(m);
        was_told(m, 1, 2, 1);
        sms_flow(m, "by the new SIM");
}

static const struct machine_test tests[] = {
    MACHINE_TEST(usb_is_switched_by_hand),
    MACHINE_TEST(a_controller_that_dies_leaves_no_modem_off),
    MACHINE_TEST(a_shells_grip_on_smsds_port_is_named, .nightly = true),
    MACHINE_TEST(each_sim_is_set_up_once, .nightly = true),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
