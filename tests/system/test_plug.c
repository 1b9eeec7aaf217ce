/*
 * Modems that come and go on the kernel's own USB, and SMS after it: at boot and later, slow, pulled out and
 * put back ten times, into another socket, two of them swapped, switched off by the kernel; and what becomes
 * of all that without smswarden.
 */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EC25     "softec25 --dir /run/ec25 --command"
#define TTYS     "echo $(cd /dev; ls -v ttyUSB* 2>/dev/null)"
#define NO_TTYS  "test -z \"$(ls /dev | grep ttyUSB)\""
#define NO_NAMES "test -z \"$(ls /dev/smswarden 2>/dev/null)\""
/* What a section of smsd.conf names, and what the software modem says it is. */
#define DEVICE(name)       "sed -n '/^\\[" name "\\]/,/^\\[/s/^device *= *//p' /etc/smsd.conf"
#define NODE(modem)        EC25 " 'node " modem "' | head -n 1"
#define IS_IT(name, modem) "test \"$(readlink -f $(" DEVICE(name) "))\" = \"$(" NODE(modem) ")\""

static void is(struct machine *m, const char *expected, const char *script)
{
        assert_string_equal(machine_ok(m, "%s", script), expected);
}

/* SMS out and in. */
static void sms_flow(struct machine *m, unsigned modem, const char *when)
{
        char text[64];

        (void)snprintf(text, sizeof(text), "out %s", when);
        scenario_send(m, modem, text);
        (void)snprintf(text, sizeof(text), "in %s", when);
        scenario_receive(m, modem, text);
}

/* Written when smsd is started next; an smsd that works with a number goes on with it. */
static void conf_has_the_stable_name(struct machine *m)
{
        machine_assert_contains(machine_ok(m, DEVICE("GSM1")), "/dev/smswarden/");
        (void)machine_ok(m, IS_IT("GSM1", "0"));
}

static void comes_to_work(struct machine *m, unsigned modem, const char *when)
{
        scenario_working(m);
        sms_flow(m, modem, when);
}

static void pull_out(struct machine *m, unsigned modem)
{
        scenario_unplug(m, modem);
        (void)machine_wait(m, 30000, NO_TTYS " && " NO_NAMES);
}

/* --- a message while there is no modem --- */

static void message_waits(struct machine *m, const char *text)
{
        (void)machine_ok(m,
                         "cd /var/spool/sms; printf 'To: 4915112345678\\n\\n%s\\n' > message\n"
                         "chown smsd: message; mv message outgoing/waiting",
                         text);
        machine_stays(m, 4000, EC25 " 'sent 0' | not grep -qF 'text=%s'", text);
}

/* Once; when it is not, where the files are says why. */
static void message_is_sent(struct machine *m, const char *text)
{
        (void)machine_wait(m, 90000,
                           EC25 " 'sent 0' | grep -F 'count=1 text=%s' || { ls -l /var/spool/sms/*; false; }",
                           text);
}

/* An smsd that had tried it on the dead port when it was told to end has moved it to failed/: by its rules.
 */
static void message_is_sent_or_given_up(struct machine *m, const char *text)
{
        (void)machine_wait(
            m, 90000, EC25 " 'sent 0' | grep -F 'count=1 text=%s' || test -e /var/spool/sms/failed/waiting",
            text);
}

/* --- first light (with the modem in: test_systemctl) --- */

static long count(struct machine *m, const char *script)
{
        return strtol(machine_ok(m, "%s || true", script), NULL, 10);
}

#define STARTS "journalctl --sync; journalctl -u smstools -b -o cat | grep -c 'Started sms'"
#define DEATHS "grep -c 'Modem handler .* terminated while' /var/log/smstools/smsd.log"

/*
 * 50 s until it answers, 25 more until it takes SMS: that is waited for, not restarted at. An smsd that asks
 * in the second in which the SIM is still busy ends by that, and is started again, once for each time.
 */
static void a_slow_modem_is_waited_for(struct machine *m)
{
        char options[32];
        long starts = count(m, STARTS), deaths = count(m, DEATHS);

        (void)snprintf(options, sizeof(options), "boot=%u", machine_rounds(33000, 50000));
        scenario_plug(m, 0, options);
        comes_to_work(m, 0, "slowly");
        starts = count(m, STARTS) - starts;
        deaths = count(m, DEATHS) - deaths;
        (void)printf("# %ld handlers ended, %ld starts\n", deaths, starts);
        assert_int_equal(starts, deaths); /* the one before the modem goes on */
}

static void the_daemon_speaks_with_real_ttys(struct machine *m)
{
        scenario_plug(m, 0, "");
        scenario_working(m);
        /* The port beside smsd's, by the command; smsd's own was asked by the daemon before smsd had it. */
        machine_assert_contains(machine_ok(m, "smswarden probe /dev/ttyUSB3"), "IMEI");
        machine_assert_contains(machine_ok(m, EC25 " 'transcript 0'; cat /run/ec25/transcript/0-at"),
                                "dtr on");
        (void)machine_ok(m, "not grep -q '<' /run/ec25/transcript/0-diag /run/ec25/transcript/0-nmea");
}

/* --- pulled out and put back --- */

static void out_and_in_again_and_again(struct machine *m)
{
        char when[32];

        for (unsigned i = 0, n = machine_rounds(2, 10); i < n; i++) {
                int64_t start = machine_now();
                pull_out(m, 0);
                scenario_plug(m, 0, "");
                is(m, "ttyUSB0 ttyUSB1 ttyUSB2 ttyUSB3", TTYS);
                (void)snprintf(when, sizeof(when), "in round %u.", i + 1);
                comes_to_work(m, 0, when);
                is(m, "/dev/ttyUSB2", NODE("0"));
                conf_has_the_stable_name(m);
                (void)printf("# round %u: %lld ms\n", i + 1, (long long)(machine_now() - start));
        }
}

static void in_another_socket(struct machine *m)
{
        scenario_plug(m, 0, "port=0");
        comes_to_work(m, 0, "in the first");
        pull_out(m, 0);
        message_waits(m, "for the fourth"); /* smsd is stopped, so it is not tried on a dead port */
        scenario_plug(m, 0, "port=3");
        comes_to_work(m, 0, "in the fourth");
        message_is_sent(m, "for the fourth");
        conf_has_the_stable_name(m);
        is(m, "1", DEVICE("GSM1") " | grep -c -- '-4-at$'");
}

static void switched_off_by_the_kernel(struct machine *m)
{
        scenario_plug(m, 0, "");
        comes_to_work(m, 0, "before");
        (void)machine_ok(m, "basename /dev/smswarden/*-at -at > /run/device\n"
                            "echo 0 > /sys/bus/usb/devices/$(cat /run/device)/authorized");
        (void)machine_wait(m, 30000, NO_TTYS);
        (void)machine_ok(m, "echo 1 > /sys/bus/usb/devices/$(cat /run/device)/authorized");
        (void)machine_wait(m, 30000, IS_IT("GSM1", "0"));
        is(m, "ttyUSB0 ttyUSB1 ttyUSB2 ttyUSB3", TTYS);
        comes_to_work(m, 0, "after");
        conf_has_the_stable_name(m);
}

static void every_composition_by_its_stable_name(struct machine *m)
{
        static const char *const compositions[] = {"composition=qmi", "composition=ecm", "composition=rndis"};

        for (size_t i = 0; i < ARRAY_SIZE(compositions); i++) {
                scenario_plug(m, 0, compositions[i]);
                comes_to_work(m, 0, compositions[i]);
                if (i > 0)
                        conf_has_the_stable_name(m);
                (void)machine_ok(m, "test \"$(readlink -f /dev/smswarden/*-modem)\" = \"$(" EC25
                                    " 'node 0 modem' | head -n 1)\"");
                is(m, "root:dialout:660 root:dialout:660", "echo $(stat -L -c %U:%G:%a /dev/smswarden/*)");
                pull_out(m, 0);
        }
}

/* --- two modems --- */

static const char two_modems[] = "[queues]\nQ1 = /var/spool/sms/Q1\nQ2 = /var/spool/sms/Q2\n\n"
                                 "[default]\nincoming = yes\nmemory_start = 0\nbaudrate = 115200\n"
                                 "sentsleeptime = 0\ndevice_open_retries = -1\n"
                                 "device_open_errorsleeptime = 1\n\n"
                                 "[GSM1]\nqueues = Q1\ndevice = /dev/ttyUSB2\n\n"
                                 "[GSM2]\nqueues = Q2\ndevice = /dev/ttyUSB6\n";

static void configure_two(struct machine *m)
{
        machine_put(m, "/run/two", 0644, two_modems);
        (void)machine_ok(m, "install -d -o smsd -g smsd -m 2775 /var/spool/sms/Q1 /var/spool/sms/Q2\n"
                            "sed -i '/^\\[GSM1\\]/,$d; s/^devices.*/devices = GSM1, GSM2/' /etc/smsd.conf\n"
                            "cat /run/two >> /etc/smsd.conf\n"
                            "systemctl restart smstools; systemctl reload smswardend");
}

/* A message to the queue of GSM<modem + 1> is sent by that modem, and what it receives bears that name. */
static void has_its_slot(struct machine *m, unsigned modem, const char *when)
{
        char text[64];

        (void)snprintf(text, sizeof(text), "by %u %s", modem, when);
        (void)machine_ok(m,
                         "cd /var/spool/sms; printf 'To: 4915112345678\\nQueue: Q%u\\n\\n%s\\n' > message\n"
                         "chown smsd: message; mv message outgoing/$(cat /proc/sys/kernel/random/uuid)",
                         modem + 1, text);
        (void)machine_wait(m, 60000, EC25 " 'sent %u' | grep -F 'count=1 text=%s'", modem, text);
        (void)snprintf(text, sizeof(text), "to %u %s", modem, when);
        scenario_receive(m, modem, text);
        (void)machine_ok(m, "grep -qx 'Modem: GSM%u' $(grep -rlF '%s' /var/spool/sms/incoming)", modem + 1,
                         text);
}

static void both_have_their_slots(struct machine *m, const char *when)
{
        scenario_working(m);
        (void)machine_ok(m, IS_IT("GSM1", "0") "\n" IS_IT("GSM2", "1"));
        has_its_slot(m, 0, when);
        has_its_slot(m, 1, when);
}

static void two_modems_that_change_places(struct machine *m)
{
        configure_two(m);
        scenario_plug(m, 0, "port=0");
        scenario_plug(m, 1, "port=1");
        both_have_their_slots(m, "at first");
        scenario_unplug(m, 0);
        pull_out(m, 1);
        scenario_plug(m, 1, "port=0");
        scenario_plug(m, 0, "port=1");
        both_have_their_slots(m, "swapped");
        is(m, "1", DEVICE("GSM1") " | grep -c -- '-2-at$'");
        is(m, "1", DEVICE("GSM2") " | grep -c -- '-1-at$'");
}

/* --- without smswarden --- */

static void smsd_holds_a_dead_port(struct machine *m, unsigned modem)
{
        scenario_unplug(m, modem);
        (void)machine_wait(m, 30000, NO_TTYS);
        (void)machine_wait(m, 30000, "ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q 'ttyUSB2 (deleted)'");
}

/* The reason for all this: smsd alone keeps the dead port, the modem's numbers move, and no SMS flow. */
static void without_smswarden_the_numbers_move(struct machine *m)
{
        scenario_plug(m, 0, "");
        scenario_send(m, 0, "by smsd alone");
        smsd_holds_a_dead_port(m, 0);
        scenario_plug(m, 0, "");
        is(m, "ttyUSB0 ttyUSB1 ttyUSB3 ttyUSB4", TTYS);
        is(m, "/dev/ttyUSB3", NODE("0"));
        message_waits(m, "for a gateway");
        assert_int_equal(machine_run(m, 180000, NULL, "install-payload package"), 0);
        scenario_working(m);
        message_is_sent_or_given_up(m, "for a gateway");
        sms_flow(m, 0, "with smswarden");
}

/* Our daemon gone for good: the numbers move as before, but the name follows, so a restart is enough. */
static void with_the_daemon_masked_a_restart_is_enough(struct machine *m)
{
        scenario_plug(m, 0, "");
        comes_to_work(m, 0, "before the mask");
        (void)machine_ok(m, "smswarden restart");
        conf_has_the_stable_name(m);
        (void)machine_ok(m, "systemctl mask --now smswardend");
        smsd_holds_a_dead_port(m, 0);
        scenario_plug(m, 0, "");
        is(m, "ttyUSB0 ttyUSB1 ttyUSB3 ttyUSB4", TTYS);
        is(m, "/dev/ttyUSB3", "readlink -f /dev/smswarden/*-at");
        message_waits(m, "for a hand");
        (void)machine_ok(m, "systemctl restart smstools");
        message_is_sent_or_given_up(m, "for a hand");
        sms_flow(m, 0, "by its name");
}

static const struct machine_test tests[] = {
    MACHINE_TEST(a_slow_modem_is_waited_for),
    MACHINE_TEST(the_daemon_speaks_with_real_ttys, .nightly = true),
    MACHINE_TEST(out_and_in_again_and_again, .state = MACHINE_WORKING),
    MACHINE_TEST(in_another_socket, .nightly = true),
    MACHINE_TEST(switched_off_by_the_kernel, .nightly = true),
    MACHINE_TEST(every_composition_by_its_stable_name, .nightly = true),
    MACHINE_TEST(two_modems_that_change_places),
    MACHINE_TEST(without_smswarden_the_numbers_move, .state = MACHINE_BARE),
    MACHINE_TEST(with_the_daemon_masked_a_restart_is_enough, .nightly = true),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
