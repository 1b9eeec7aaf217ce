/*
 * The health of a modem in the gateway, in virtual time: when it is asked and when not, what each failing
 * state becomes in the status and for the recovery, and who is told. The words of the verdicts are
 * test_health's.
 */
#include "rig.h"

#include "../src/core/gateway_private.h"

#define LOOK (HEALTH_WELL_INTERVAL + HEALTH_GRID)

static const struct snapshot *status(struct rig *rig)
{
        static struct snapshot snapshot;

        gateway_snapshot(rig->gateway, rig->now, 0, &snapshot);
        return &snapshot;
}

static const char *cause(struct rig *rig)
{
        return status(rig)->modems[0].health.cause;
}

static enum failure_kind failure(struct rig *rig)
{
        enum failure_kind kind = FAILURE_NONE;

        (void)gateway_slot_failure(rig->gateway, &rig->gateway->slots.items[0], &kind);
        return kind;
}

static void test_schedule(void **state)
{
        _rig_ rig = rig_working();
        unsigned before = rig->health.looks;
        (void)state;

        assert_string_equal(cause(rig), "well");
        rig_wait(rig, USEC_PER_HOUR);
        assert_in_range(rig->health.looks - before, 11, 13); /* every 5 minutes */
        assert_non_null(strstr(status(rig)->evidence, "GSM1: +CPIN: READY, +CREG: 0,1"));

        rig->health.creg = "0,2"; /* from the next look on every 30 seconds */
        rig_wait(rig, LOOK);
        assert_string_equal(cause(rig), "unregistered");
        before = rig->health.looks;
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_in_range(rig->health.looks - before, 18, 22);
        rig->health.creg = NULL;
        rig_wait(rig, USEC_PER_MIN);
        assert_string_equal(cause(rig), "well");
        before = rig->health.looks;
        rig_wait(rig, USEC_PER_HOUR);
        assert_in_range(rig->health.looks - before, 11, 13);
}

/* One timer for all: a look goes with the minute's look at smsd. Each command costs a wakeup more. */
static void test_two_wakeups_a_minute(void **state)
{
        _rig_ rig = rig_new();
        rig->signal = -57; /* smsd tells it: it is not asked for */
        rig_begin(rig);
        rig_wait(rig, USEC_PER_HOUR);
        usec_t end = rig->now + USEC_PER_HOUR;
        unsigned timers = 0, writes = 0;
        (void)state;

        while (rig->now < end) {
                rig->now = usec_max(rig->now, gateway_next_deadline(rig->gateway));
                timers++;
                memset(&rig->last[ACTION_PORT_WRITE], 0, sizeof(rig->last[0]));
                rig->health.writes = 0;
                (void)rig_event(rig, EVENT_TIMER);
                rig_go(rig);
                writes += rig->health.writes;
        }
        assert_in_range(timers, 59, 61);
        assert_in_range(timers + writes, 100, 120);
}

static void test_no_look_where_none_is_wanted(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig->config.n_modems = 1;
        modem_config_init(&rig->config.modems[0], "GSM1");
        (void)text_copy(rig->config.modems[0].health_port, DEVICE_NODE_MAX, "none");
        rig_begin(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig->health.looks + rig->health.writes, 0);
        rig_leave_alone(rig);
        rig->frozen = true; /* smsd's own signs suffice */
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_string_equal(cause(rig), "stuck");
        assert_int_equal(rig->health.looks + rig->health.writes, 0);
}

static void test_never_smsds_port(void **state)
{
        static const char *const ports[] = {"/dev/ttyUSB2", RIG_LINK};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
                _rig_ rig = rig_new();
                rig->named = true;
                rig->config.n_modems = 1;
                modem_config_init(&rig->config.modems[0], "GSM1");
                (void)text_copy(rig->config.modems[0].health_port, DEVICE_NODE_MAX, ports[i]);
                rig_begin(rig);
                rig_wait(rig, USEC_PER_HOUR);
                assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
                assert_int_equal(rig->health.looks, 0);
        }
}

/* What is opened is the second port, and the daemon is told which one it must never be. */
static void test_the_second_port(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        assert_true(rig->health.looks > 0);
        assert_string_equal(rig->last[ACTION_PORT_OPEN].port.path, "/dev/ttyUSB3");
        assert_string_equal(rig->last[ACTION_PORT_OPEN].port.avoid, "/dev/ttyUSB2");
        assert_int_equal(rig->last[ACTION_PORT_OPEN].port.modem, modem_spare(0));
}

/* Whoever holds smsd may be working on the modem. A look that is under way ends at once. */
static void test_no_look_during_a_hold(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->silent = true;
        rig_wait(rig, LOOK); /* the look hangs */
        rig_command(rig, COMMAND_STOP, 1, false);
        rig_go(rig);
        assert_int_equal(rig_verdict(rig), VERDICT_HELD);
        assert_false(rig->gateway->looks[0].open);
        unsigned before = rig->health.looks;
        rig_wait(rig, 29 * USEC_PER_MIN);
        assert_int_equal(rig->health.looks, before);
}

/* --- what is found --- */

static void test_found_by_the_look(void **state)
{
        static const struct {
                const char *creg;
                enum sim_state sim;
                const char *cause;
                enum failure_kind kind;
                enum alert_kind alert;
        } rows[] = {
            {"0,3", SIM_READY, "denied", FAILURE_DENIED, ALERT_MODEM_NETWORK},
            {"0,2", SIM_READY, "unregistered", FAILURE_UNREGISTERED, ALERT_MODEM_NETWORK},
            {NULL, SIM_ABSENT, "sim-absent", FAILURE_SIM_ABSENT, ALERT_MODEM_UNUSABLE},
            {NULL, SIM_PUK, "sim-puk", FAILURE_SIM_PUK, ALERT_MODEM_UNUSABLE},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _rig_ rig = rig_working();
                rig_leave_alone(rig);
                rig->health.creg = rows[i].creg;
                rig->sim = rows[i].sim;
                rig_wait(rig, LOOK);
                assert_string_equal(cause(rig), rows[i].cause);
                assert_int_not_equal(rig_verdict(rig), VERDICT_WORKING);
                assert_false(status(rig)->can_send || status(rig)->can_receive);
                assert_true(status(rig)->evidence[0] && status(rig)->next_action[0]);
                rig_wait(rig, 2 * HEALTH_DOUBT_INTERVAL); /* it stands */
                assert_int_equal(failure(rig), rows[i].kind);
                assert_int_equal(rig_verdict(rig), VERDICT_DOWN);
                rig_wait(rig, 6 * USEC_PER_MIN);
                assert_int_equal(rig_fired(&rig->spool, rows[i].alert), 1);
                assert_string_equal(rig_last(&rig->spool, rows[i].alert)->alert.cause, rows[i].cause);
                rig->health.creg = NULL;
                rig->sim = SIM_READY;
                rig_wait(rig, 10 * USEC_PER_MIN);
                assert_int_equal(failure(rig), FAILURE_NONE);
                assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
                assert_int_equal(rig_last(&rig->spool, rows[i].alert)->alert.state, ALERT_RESOLVED);
                assert_int_equal(rig->counts[ACTION_SMSD_START], 1); /* a verdict starts nothing */
        }
}

/* Gone with the next look: a doubt, and nobody's news. */
static void test_a_moment_is_no_failure(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        for (unsigned i = 0; i < 20; i++) {
                rig->health.creg = "0,2";
                unsigned before = rig->health.looks;
                while (rig->health.looks == before)
                        rig_wait(rig, USEC_PER_SEC);
                assert_string_equal(cause(rig), "unregistered");
                assert_int_equal(failure(rig), FAILURE_NONE);
                assert_int_equal(rig_verdict(rig), VERDICT_DEGRADED);
                rig->health.creg = NULL;
                rig_wait(rig, USEC_PER_MIN);
                assert_string_equal(cause(rig), "well");
        }
        assert_int_equal(rig->spool.n, 0);
}

static void test_smsds_own_signs(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_leave_alone(rig);
        rig_log(rig, SMSD_LOG_SENDING_BLOCKED);
        rig_wait(rig, USEC_PER_MIN);
        assert_string_equal(cause(rig), "sending-blocked");
        assert_int_equal(failure(rig), FAILURE_SENDING_BLOCKED);
        assert_false(status(rig)->can_send);
        assert_true(status(rig)->can_receive);
        assert_int_equal(rig_verdict(rig), VERDICT_DEGRADED);
        rig_log(rig, SMSD_LOG_SENT);
        rig_wait(rig, USEC_PER_MIN);
        assert_string_equal(cause(rig), "well");
        assert_non_null(strstr(status(rig)->evidence, "last message "));

        /* The modem answers us, and not smsd; then nobody. */
        rig->frozen = true;
        rig_log(rig, SMSD_LOG_TIMEOUT);
        rig_wait(rig, USEC_PER_MIN);
        assert_string_equal(cause(rig), "stuck");
        assert_int_equal(failure(rig), FAILURE_STUCK);
        rig->silent = true;
        rig_wait(rig, 2 * USEC_PER_MIN);
        assert_string_equal(cause(rig), "silent");
        assert_int_equal(failure(rig), FAILURE_SILENT);
        assert_int_equal(rig_verdict(rig), VERDICT_DOWN);
}

/* With `loglevel = 4` and no `stats` an smsd that works says nothing: it begins with a clean sheet. */
static void test_what_another_smsd_said(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig->no_stats = true;
        rig_begin(rig);
        rig_leave_alone(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_string_equal(cause(rig), "well");
        rig_log(rig, SMSD_LOG_TIMEOUT);
        rig_log(rig, SMSD_LOG_SENDING_BLOCKED);
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_string_equal(cause(rig), "stuck");

        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_string_equal(cause(rig), "well");
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig->spool.n_open, 0);
}

/* smsd says each second that the modem is not registered, and the modem why: the reason stands. */
static void test_smsd_repeats_itself(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_leave_alone(rig);
        rig->frozen = true;
        rig->sim = SIM_ABSENT;
        rig->health.creg = "0,0";
        for (unsigned i = 0; i < 90; i++) {
                rig_log(rig, SMSD_LOG_NOT_REGISTERED);
                rig_wait(rig, USEC_PER_SEC);
                if (i < 31)
                        continue; /* the first word of it is answered by a look within 30 s */
                assert_string_equal(cause(rig), "sim-absent");
        }
        assert_int_equal(failure(rig), FAILURE_SIM_ABSENT);
}

/* read_timeout = 1: smsd's polls fail, and its times move, every half minute. */
static void test_silence_of_an_impatient_smsd(void **state)
{
        _rig_ rig = rig_working();
        struct slot *slot = &rig->gateway->slots.items[0];
        (void)state;

        rig_leave_alone(rig);
        rig->frozen = rig->health.silent = true;
        for (unsigned i = 0; i < 6; i++) {
                rig_log(rig, SMSD_LOG_TIMEOUT);
                rig_wait(rig, USEC_PER_SEC);
                (void)text_format(rig->status.modems[0].since_text, 32, "attempt %u", i);
                rig_wait(rig, 29 * USEC_PER_SEC);
                assert_true(slot->silent);
        }
        assert_int_equal(failure(rig), FAILURE_SILENT);
        rig->frozen = rig->health.silent = false;
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* It comes back with its first tty only. */
static void test_ports_that_do_not_come(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_leave_alone(rig);
        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_SEC);
        assert_string_equal(cause(rig), "gone");
        rig->plugged = true;
        rig_usb(rig);
        struct usb_device *device = &rig->queue[(rig->head + rig->n - 1) % RIG_QUEUE].device;
        for (unsigned i = 1; i < device->n_interfaces; i++)
                device->interfaces[i].node[0] = device->interfaces[i].target[0] = '\0';
        rig_wait(rig, USEC_PER_SEC);
        assert_string_equal(cause(rig), "unknown"); /* they come one by one */
        assert_int_equal(rig_verdict(rig), VERDICT_RECOVERING);
        rig_wait(rig, 3 * USEC_PER_MIN);
        assert_string_equal(cause(rig), "ports-missing");
        assert_int_equal(failure(rig), FAILURE_PORTS_MISSING);
        assert_int_equal(rig_verdict(rig), VERDICT_DOWN);
}

static void test_download_mode(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_SEC);
        rig->plugged = true;
        rig_usb(rig);
        struct usb_device *device = &rig->queue[(rig->head + rig->n - 1) % RIG_QUEUE].device;
        device->vendor = 0x05c6;
        device->product = 0x9008;
        device->n_interfaces = 1;
        rig_wait(rig, USEC_PER_MIN);
        assert_string_equal(cause(rig), "download-mode");
        assert_int_equal(rig_verdict(rig), VERDICT_DOWN);
        assert_non_null(strstr(status(rig)->next_action, "flashed anew"));
}

/* A modem that is silent on its second port only, while smsd works with it, is no failure. */
static void test_a_silent_second_port(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->health.silent = true;
        rig_wait(rig, USEC_PER_HOUR);
        assert_string_equal(cause(rig), "half-answered");
        assert_int_equal(failure(rig), FAILURE_NONE);
        assert_true(status(rig)->can_send && status(rig)->can_receive);
        assert_int_equal(rig_verdict(rig), VERDICT_DEGRADED);
        assert_int_equal(rig->spool.n, 0);
}

/* It has never answered: then it is no AT port, and smsd's own signs suffice. */
static void test_a_second_port_without_at(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig->health.silent = true;
        rig_begin(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_in_range(rig->health.looks, 10, 14);
        assert_string_equal(cause(rig), "well");
        assert_non_null(strstr(status(rig)->modems[0].health.evidence, "does not answer AT"));
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        rig->frozen = rig->silent = true; /* but when smsd gets no answer either, it says so */
        rig_log(rig, SMSD_LOG_TIMEOUT);
        rig_wait(rig, 2 * USEC_PER_MIN);
        assert_string_equal(cause(rig), "silent");
        assert_int_equal(failure(rig), FAILURE_SILENT);
}

static void test_who_holds_the_port(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->health.holder =
            (struct port_holder){.id = {77, 5}, .command = "minicom", .unit = "session-3.scope"};
        rig_wait(rig, LOOK);
        assert_string_equal(cause(rig), "port-held");
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig_fired(&rig->spool, ALERT_PORT_HELD), 1);
        assert_non_null(strstr(rig_last(&rig->spool, ALERT_PORT_HELD)->alert.evidence,
                               "minicom (pid 77, session-3.scope) holds smsd's port"));
        assert_int_equal(failure(rig), FAILURE_NONE); /* no reset helps */
        rig->health.holder = (struct port_holder){0};
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig_last(&rig->spool, ALERT_PORT_HELD)->alert.state, ALERT_RESOLVED);
}

/* The second port is somebody's: smsd's own signs suffice, and he is named. */
static void test_the_second_port_is_taken(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->health.spare_holder = (struct port_holder){.id = {78, 5}, .command = "pppd"};
        rig_wait(rig, USEC_PER_HOUR);
        assert_string_equal(cause(rig), "well");
        assert_non_null(strstr(status(rig)->modems[0].health.evidence, "pppd (pid 78) has its second port"));
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig->spool.n, 0);
}

/* Echo is on again: it has restarted between two looks. Told once, and smsd is left alone. */
static void test_it_restarted_by_itself(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->health.echo = true;
        unsigned before = rig->health.looks;
        while (rig->health.looks == before)
                rig_wait(rig, USEC_PER_SEC);
        assert_string_equal(cause(rig), "self-reset");
        rig->health.echo = false;
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_string_equal(cause(rig), "well");
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_RESET), 1);
        assert_int_equal(rig->spool.n, 1);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
}

/* A firmware that echoes after each opening says nothing by it. */
static void test_a_firmware_that_always_echoes(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig->health.echo = true;
        rig_begin(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_true(rig->health.looks > 5);
        assert_string_equal(cause(rig), "well");
        assert_int_equal(rig->spool.n, 0);
}

static void test_usb_errors_and_undervoltage(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        for (unsigned i = 0; i < HEALTH_USB_ERRORS; i++) {
                struct event *event = rig_event(rig, EVENT_KERNEL);
                event->kernel = (struct kernel_line){.kind = KERNEL_USB_ERROR, .error = 71, .usb = "1-1.2"};
        }
        rig_wait(rig, USEC_PER_MIN);
        assert_string_equal(cause(rig), "brown-out");
        assert_int_equal(failure(rig), FAILURE_BROWN_OUT);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_POWER), 1);
        rig_wait(rig, 30 * USEC_PER_MIN);
        assert_string_equal(cause(rig), "well");

        rig_event(rig, EVENT_KERNEL)->kernel.kind = KERNEL_UNDERVOLTAGE;
        rig_wait(rig, USEC_PER_MIN);
        assert_string_equal(cause(rig), "undervoltage");
        assert_true(status(rig)->can_send); /* a doubt */
        assert_int_equal(rig_last(&rig->spool, ALERT_MODEM_POWER)->alert.severity, SEVERITY_WARNING);

        rig->plugged = false; /* and with that it leaves: nobody is to plug it in */
        rig_usb(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_string_equal(cause(rig), "brown-out");
        assert_int_equal(rig_verdict(rig), VERDICT_DOWN);
        assert_non_null(strstr(status(rig)->reason, "not fed well"));
        assert_non_null(strstr(status(rig)->next_action, "power supply"));
}

/* Well: with the looks at the modem, each five minutes; not well, or no modem to look at: each half. */
static void test_when_the_kernels_log_is_read(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_wait(rig, 10 * USEC_PER_MIN);
        unsigned before = rig->counts[ACTION_KERNEL_READ];
        rig_wait(rig, USEC_PER_HOUR);
        assert_in_range(rig->counts[ACTION_KERNEL_READ] - before, 11, 13);
        before = rig->counts[ACTION_KERNEL_READ];
        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_in_range(rig->counts[ACTION_KERNEL_READ] - before, 9, 21);
}

static void test_storage(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->health.stored = 231;
        rig_wait(rig, LOOK);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_STORAGE), 1);
        assert_int_equal(rig_last(&rig->spool, ALERT_MODEM_STORAGE)->alert.severity, SEVERITY_WARNING);
        rig->health.stored = 255;
        rig_wait(rig, LOOK);
        assert_string_equal(cause(rig), "storage-full");
        assert_true(status(rig)->can_send);
        assert_false(status(rig)->can_receive);
        assert_int_equal(rig_last(&rig->spool, ALERT_MODEM_STORAGE)->alert.severity, SEVERITY_CRITICAL);
        assert_int_equal(rig->health.deletions, 0); /* not unless it is asked for */
        rig->health.spare_holder = (struct port_holder){.id = {78, 5}, .command = "pppd"};
        rig_wait(rig, USEC_PER_HOUR); /* nobody knows: it stays as it was told */
        assert_int_equal(rig_last(&rig->spool, ALERT_MODEM_STORAGE)->alert.state, ALERT_FIRING);
        rig->health.spare_holder = (struct port_holder){0};
        rig->health.stored = 3;
        rig_wait(rig, 2 * LOOK);
        assert_int_equal(rig_last(&rig->spool, ALERT_MODEM_STORAGE)->alert.state, ALERT_RESOLVED);
}

static void reload(struct rig *rig)
{
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig_go(rig);
}

static void test_cleanup(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->config.storage_cleanup = true;
        reload(rig);
        rig->health.stored = 229;
        rig_wait(rig, 3 * LOOK);
        assert_int_equal(rig->health.deletions, 0);
        rig->health.stored = 255;
        rig->health.unread = 40;
        rig_wait(rig, LOOK);
        assert_int_equal(rig->health.deletions, 1);
        assert_int_equal(rig->health.stored, 40);
        assert_non_null(strstr(rig->told, "40 of 255 places are taken now"));
        rig->health.stored = rig->health.unread = 255; /* once an hour at most */
        rig_wait(rig, 30 * USEC_PER_MIN);
        assert_int_equal(rig->health.deletions, 1);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->health.deletions, 2);
}

/* Where smsd lists, does not poll, or is not seen to work, nothing is deleted. */
static void test_no_cleanup(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 4; i++) {
                _rig_ rig = rig_new();
                rig->config.storage_cleanup = true;
                rig->config.mode = i == 3 ? MODE_OBSERVE : MODE_CONTROL;
                if (i == 0)
                        (void)text_append(rig->conf, sizeof(rig->conf), "check_memory_method = 2\n");
                if (i == 1)
                        (void)text_append(rig->conf, sizeof(rig->conf), "incoming = no\n");
                rig->no_stats = i == 2;
                if (i == 3)
                        (void)rig_smsd(rig);
                rig->health.stored = 255;
                rig_begin(rig);
                rig_wait(rig, USEC_PER_HOUR);
                assert_true(rig->health.looks > 5);
                assert_int_equal(rig->health.deletions, 0);
        }
}

/* --- the bus --- */

static void test_gone(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_SEC);
        assert_string_equal(cause(rig), "gone");
        assert_int_equal(failure(rig), FAILURE_NONE);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(failure(rig), FAILURE_GONE);
        unsigned before = rig->health.looks;
        rig_wait(rig, 30 * USEC_PER_MIN);
        assert_int_equal(rig->health.looks, before);
        assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_LOST), 1);
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_true(rig->health.looks > before);
}

/* Silent amid smsd's questions: it says nothing of timeouts, only this, every 21 s. Once is an accident. */
static void test_answers_that_smsd_cannot_use(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_leave_alone(rig);
        rig_log(rig, SMSD_LOG_UNEXPECTED_ANSWER);
        rig_wait(rig, USEC_PER_MIN);
        assert_string_equal(cause(rig), "well");
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);

        rig->silent = rig->frozen = true;
        for (unsigned i = 0; i < 5; i++) {
                rig_log(rig, SMSD_LOG_UNEXPECTED_ANSWER);
                rig_wait(rig, 21 * USEC_PER_SEC);
        }
        assert_string_equal(cause(rig), "silent");
        assert_int_equal(failure(rig), FAILURE_SILENT);
        assert_int_equal(rig_verdict(rig), VERDICT_DOWN);
}

static void write_errors(struct rig *rig, usec_t duration)
{
        for (usec_t i = 0; i < duration; i += 10 * USEC_PER_SEC) {
                rig_log(rig, SMSD_LOG_WRITE_ERROR);
                rig_wait(rig, 10 * USEC_PER_SEC);
        }
}

/* The modem is there, so its port was hung up. Once is a doubt, which ends when smsd goes on without it. */
static void test_a_write_that_fails(void **state)
{
        _rig_ rig = rig_working();
        unsigned before = rig->health.looks;
        (void)state;

        rig_leave_alone(rig);
        rig_log(rig, SMSD_LOG_WRITE_ERROR);
        rig_wait(rig, USEC_PER_SEC);
        assert_string_equal(cause(rig), "write-failed");
        assert_int_equal(rig_verdict(rig), VERDICT_DEGRADED);
        assert_false(status(rig)->can_send);
        rig_wait(rig, HEALTH_GRID);
        assert_true(rig->health.looks > before);
        assert_int_equal(failure(rig), FAILURE_NONE);
        rig_wait(rig, USEC_PER_MIN);
        assert_string_equal(cause(rig), "well");
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* smsd's own times may move all the while, and the second port answers. */
static void test_a_port_that_was_hung_up(void **state)
{
        for (int frozen = 0; frozen < 2; frozen++) {
                _rig_ rig = rig_working();
                (void)state;

                rig_leave_alone(rig);
                rig->frozen = frozen;
                write_errors(rig, 20 * USEC_PER_SEC);
                assert_string_equal(cause(rig), "hung-up");
                assert_int_equal(rig_verdict(rig), VERDICT_DOWN);
                for (unsigned i = 0; i < 10; i++) {
                        write_errors(rig, 30 * USEC_PER_SEC);
                        assert_int_equal(failure(rig), FAILURE_HUNG_UP);
                        assert_int_equal(rig_verdict(rig), VERDICT_DOWN);
                }
                assert_int_equal(rig_fired(&rig->spool, ALERT_MODEM_STUCK), 1);
        }
}

/* smsd says it of a modem that is unplugged, too, and before the bus does. */
static void test_writes_to_one_that_left(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_log(rig, SMSD_LOG_WRITE_ERROR);
        rig->plugged = false;
        rig_usb(rig);
        write_errors(rig, USEC_PER_MIN);
        assert_string_equal(cause(rig), "gone");
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, 20 * USEC_PER_SEC);
        assert_string_equal(cause(rig), "well");
}

/* A reset of ours: its absence is no failure, and it is not asked. */
static void test_a_reset_of_ours(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->away = 40 * USEC_PER_SEC;
        rig_command(rig, COMMAND_RESET_MODEM, 1, false);
        rig_wait(rig, 20 * USEC_PER_SEC);
        assert_int_equal(rig->resets, 1);
        unsigned before = rig->health.looks;
        rig_wait(rig, 15 * USEC_PER_SEC);
        assert_false(rig->plugged);
        assert_string_equal(cause(rig), "away");
        assert_int_equal(failure(rig), FAILURE_NONE);
        assert_int_equal(rig->health.looks, before);
        rig_wait(rig, 2 * USEC_PER_MIN);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_true(rig->health.looks > before);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_schedule),
            cmocka_unit_test(test_two_wakeups_a_minute),
            cmocka_unit_test(test_no_look_where_none_is_wanted),
            cmocka_unit_test(test_never_smsds_port),
            cmocka_unit_test(test_the_second_port),
            cmocka_unit_test(test_no_look_during_a_hold),
            cmocka_unit_test(test_found_by_the_look),
            cmocka_unit_test(test_a_moment_is_no_failure),
            cmocka_unit_test(test_smsds_own_signs),
            cmocka_unit_test(test_what_another_smsd_said),
            cmocka_unit_test(test_smsd_repeats_itself),
            cmocka_unit_test(test_silence_of_an_impatient_smsd),
            cmocka_unit_test(test_ports_that_do_not_come),
            cmocka_unit_test(test_download_mode),
            cmocka_unit_test(test_a_silent_second_port),
            cmocka_unit_test(test_a_second_port_without_at),
            cmocka_unit_test(test_who_holds_the_port),
            cmocka_unit_test(test_the_second_port_is_taken),
            cmocka_unit_test(test_it_restarted_by_itself),
            cmocka_unit_test(test_a_firmware_that_always_echoes),
            cmocka_unit_test(test_when_the_kernels_log_is_read),
            cmocka_unit_test(test_usb_errors_and_undervoltage),
            cmocka_unit_test(test_storage),
            cmocka_unit_test(test_cleanup),
            cmocka_unit_test(test_no_cleanup),
            cmocka_unit_test(test_gone),
            cmocka_unit_test(test_answers_that_smsd_cannot_use),
            cmocka_unit_test(test_a_write_that_fails),
            cmocka_unit_test(test_a_port_that_was_hung_up),
            cmocka_unit_test(test_writes_to_one_that_left),
            cmocka_unit_test(test_a_reset_of_ours),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
