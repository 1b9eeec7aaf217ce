/*
 * The ways out, in virtual time: the delivery is started, an SMS when nothing else arrives, the sign of life,
 * the test alert.
 */
#include "rig.h"

static void add_receiver(struct rig *rig, const char *name, const char *type, enum severity severity)
{
        struct receiver_config *receiver = &rig->config.receivers[rig->config.n_receivers++];

        memset(receiver, 0, sizeof(*receiver));
        (void)text_copy(receiver->name, sizeof(receiver->name), name);
        (void)text_copy(receiver->type, sizeof(receiver->type), type);
        (void)text_copy(receiver->url, sizeof(receiver->url), "+37060012345");
        receiver->min_severity = severity;
        receiver->budget = 3;
        rig->config.alerts.sms_after = 5 * USEC_PER_MIN;
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig_go(rig);
}

static void crash(struct rig *rig)
{
        rig_exit(rig, 1, -SIGSEGV, false);
        rig_exit(rig, 0, -SIGSEGV, true);
        rig_go(rig);
}

static void give_up_message(struct rig *rig, const char *file)
{
        (void)text_copy(rig_event(rig, EVENT_MESSAGE_FAILED)->failed.file, 128, file);
        rig_go(rig);
}

static void deliver(struct rig *rig, const char *name, uint64_t position, uint64_t waiting)
{
        static struct delivery delivery;

        delivery = (struct delivery){.n = 1, .waiting = waiting};
        (void)text_copy(delivery.receivers[0].name, sizeof(delivery.receivers[0].name), name);
        delivery.receivers[0].position = position;
        delivery.receivers[0].delivered = position;
        delivery.receivers[0].last_delivered = 77;
        rig_event(rig, EVENT_DELIVERY)->delivery = &delivery;
        rig_go(rig);
}

/* --- delivery --- */

static void test_delivery_is_started(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        add_receiver(rig, "vps", "webhook", SEVERITY_WARNING);
        give_up_message(rig, "f1");
        assert_int_equal(rig->counts[ACTION_DELIVER], 1);
        deliver(rig, "vps", 0, 1); /* it waits: the notifier may have died */
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_in_range(rig->counts[ACTION_DELIVER], 9, 12);
        deliver(rig, "vps", 1, 0);
        unsigned n = rig->counts[ACTION_DELIVER];
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_DELIVER], n);

        static struct snapshot snapshot;
        gateway_snapshot(rig->gateway, rig->now, 0, &snapshot);
        assert_int_equal(snapshot.alerts.delivered, 1);
        assert_int_equal(snapshot.alerts.waiting, 0);
        assert_int_equal(snapshot.alerts.last, 77);
}

static void test_nothing_is_delivered_that_is_not_in_the_spool(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        add_receiver(rig, "vps", "webhook", SEVERITY_WARNING);
        rig->spool.result = -ENOSPC;
        give_up_message(rig, "f1");
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_DELIVER], 0);
}

/* --- sms --- */

/* Every network way has failed for five minutes. */
static void test_sms_when_nothing_arrives(void **state)
{
        _rig_ rig = rig_working();
        usec_t begun = rig->now;
        (void)state;

        gateway_set_host(rig->gateway, "gw1");
        add_receiver(rig, "vps", "webhook", SEVERITY_WARNING);
        add_receiver(rig, "phone", "sms", SEVERITY_WARNING);
        give_up_message(rig, "f1");
        rig_wait(rig, 4 * USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 0);
        rig_wait(rig, USEC_PER_MIN + 100 * USEC_PER_MSEC);
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 1);
        assert_true(rig->now - begun >= 5 * USEC_PER_MIN);
        const struct action *sms = &rig->last[ACTION_ALERT_SMS];
        assert_string_equal(sms->sms.receiver, "phone");
        assert_string_equal(sms->sms.number, "+37060012345");
        assert_true(text_starts_with(sms->sms.text, "WARNING gw1: a message to"));
        assert_int_equal(sms->sms.sequence, 1);
        rig_wait(rig, USEC_PER_DAY);
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 1);
}

static void test_no_sms_for_what_arrived_or_is_over(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        add_receiver(rig, "vps", "webhook", SEVERITY_WARNING);
        add_receiver(rig, "phone", "sms", SEVERITY_WARNING);
        give_up_message(rig, "f1");
        rig_wait(rig, USEC_PER_MIN);
        deliver(rig, "vps", 1, 0);
        crash(rig); /* told, and over */
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig_resolved(&rig->spool, ALERT_SMSD_DOWN), 1);
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 0);
}

/* It would lie in the queue that the alert is about. */
static void test_no_sms_while_none_can_be_sent(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        add_receiver(rig, "phone", "sms", SEVERITY_CRITICAL);
        rig->start_result = -ENOENT;
        crash(rig);
        rig_wait(rig, USEC_PER_DAY);
        assert_true(rig_fired(&rig->spool, ALERT_SMSD_DOWN) > 1);
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 0);
        rig->start_result = 0;
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 0);
}

/* Without any network way: at once. Three a day, no more; the next day again. */
static void test_sms_budget(void **state)
{
        _rig_ rig = rig_working();
        char file[16];
        (void)state;

        add_receiver(rig, "phone", "sms", SEVERITY_WARNING);
        for (unsigned day = 1; day <= 2; day++) {
                for (unsigned i = 0; i < 10; i++) {
                        (void)text_format(file, sizeof(file), "f%u.%u", day, i);
                        give_up_message(rig, file);
                        rig_wait(rig, USEC_PER_MIN);
                        assert_int_equal(rig->counts[ACTION_ALERT_SMS], (day - 1) * 3 + (i < 3 ? i + 1 : 3));
                }
                rig_wait(rig, USEC_PER_DAY);
        }
}

/* The file could not be written: tried again, and not charged. */
static void test_sms_fails(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        add_receiver(rig, "phone", "sms", SEVERITY_WARNING);
        rig->sms_result = -EIO;
        give_up_message(rig, "f1");
        rig_wait(rig, 10 * USEC_PER_MIN);
        assert_in_range(rig->counts[ACTION_ALERT_SMS], 9, 12);
        rig->sms_result = 0;
        rig_wait(rig, 2 * USEC_PER_MIN);
        unsigned n = rig->counts[ACTION_ALERT_SMS];
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], n);
}

/* --- sms: what another life leaves --- */

/* The controller is started anew, again and again, while the network is away: the SMS goes, once. */
static void test_sms_after_another_life(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        add_receiver(rig, "vps", "webhook", SEVERITY_WARNING);
        add_receiver(rig, "phone", "sms", SEVERITY_WARNING);
        give_up_message(rig, "f1");
        rig_wait(rig, 4 * USEC_PER_MIN);
        rig_begin(rig);
        rig_wait(rig, 30 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 0);
        rig_wait(rig, 31 * USEC_PER_SEC); /* it has waited since it was told first */
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 1);
        assert_string_equal(rig->last[ACTION_ALERT_SMS].sms.receiver, "phone");
        assert_int_equal(rig->last[ACTION_ALERT_SMS].sms.sequence, 1);
        for (unsigned i = 0; i < 3; i++) {
                rig_begin(rig);
                rig_wait(rig, USEC_PER_HOUR);
        }
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 1);
}

/* Killed before the book knew of the message. */
static void test_sms_of_a_message_behind_the_book(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        add_receiver(rig, "vps", "webhook", SEVERITY_WARNING);
        add_receiver(rig, "phone", "sms", SEVERITY_WARNING);
        rig->spool.save_result = -EIO;
        give_up_message(rig, "f1");
        rig->spool.save_result = 0;
        rig_begin(rig);
        rig_wait(rig, 4 * USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 0); /* nobody knows since when it waits */
        rig_wait(rig, 2 * USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 1);
}

static void test_no_sms_after_another_life_for_what_arrived(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        add_receiver(rig, "vps", "webhook", SEVERITY_WARNING);
        add_receiver(rig, "phone", "sms", SEVERITY_WARNING);
        give_up_message(rig, "f1");
        crash(rig);
        rig_wait(rig, USEC_PER_MIN);
        rig_begin(rig);
        deliver(rig, "vps", rig->spool.sequence, 0);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 0);
}

/* A controller that is killed again and again is no way around the budget, nor is a changed configuration. */
static void test_sms_budget_of_many_lives(void **state)
{
        _rig_ rig = rig_working();
        char file[16];
        (void)state;

        add_receiver(rig, "phone", "sms", SEVERITY_WARNING);
        for (unsigned i = 0; i < 6; i++) {
                (void)text_format(file, sizeof(file), "f%u", i);
                give_up_message(rig, file);
                rig_wait(rig, USEC_PER_MIN);
                assert_int_equal(rig->counts[ACTION_ALERT_SMS], i < 3 ? i + 1 : 3);
                if (i == 3) { /* another one in front of it */
                        rig->config.receivers[1] = rig->config.receivers[0];
                        rig->config.n_receivers = 0;
                        add_receiver(rig, "first", "sms", SEVERITY_CRITICAL);
                        rig->config.n_receivers = 2;
                }
                rig_begin(rig);
        }
        rig_wait(rig, USEC_PER_DAY);
        give_up_message(rig, "the next day");
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 4);
}

/* --- the sign of life --- */

/* Never late, and hardly ever a wakeup of its own. */
static void test_heartbeat(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->config.heartbeat.every = 5 * USEC_PER_MIN;
        (void)text_copy(rig->config.heartbeat.url, sizeof(rig->config.heartbeat.url), "https://alive");
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig_go(rig);
        assert_int_equal(rig->counts[ACTION_HEARTBEAT], 1);
        usec_t last = rig->now;
        unsigned scans = rig->counts[ACTION_SCAN];
        for (unsigned i = 1; i <= 48; i++) {
                while (rig->counts[ACTION_HEARTBEAT] == i)
                        rig_wait(rig, USEC_PER_SEC);
                assert_in_range(rig->now - last, 3 * USEC_PER_MIN, 6 * USEC_PER_MIN + 2 * USEC_PER_SEC);
                last = rig->now;
        }
        assert_in_range(rig->counts[ACTION_SCAN] - scans, 230, 245); /* one look a minute, as without it */
        rig->config.heartbeat.url[0] = '\0';
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        unsigned n = rig->counts[ACTION_HEARTBEAT];
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_HEARTBEAT], n);
}

static void test_heartbeat_of_a_new_life(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig->config.heartbeat.every = USEC_PER_HOUR;
        (void)text_copy(rig->config.heartbeat.url_file, sizeof(rig->config.heartbeat.url_file), "/etc/url");
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_HEARTBEAT], 1);
}

/* --- the test alert --- */

static void ask_for_test(struct rig *rig, unsigned token, const char *receiver)
{
        struct event *event = rig_event(rig, EVENT_COMMAND);

        event->command = (struct command){.kind = COMMAND_TEST_ALERT, .token = token, .by = "rom"};
        (void)text_copy(event->command.receiver, sizeof(event->command.receiver), receiver);
        rig_go(rig);
        assert_int_equal(rig->n_replies[token], 1);
}

static void test_test_alert(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        ask_for_test(rig, 1, "");
        assert_int_equal(rig->replies[1], 2); /* nobody to tell */
        add_receiver(rig, "vps", "webhook", SEVERITY_CRITICAL);
        add_receiver(rig, "mail", "smtp", SEVERITY_CRITICAL);
        ask_for_test(rig, 2, "nobody");
        assert_int_equal(rig->replies[2], 2);
        assert_int_equal(rig->spool.n, 0);
        ask_for_test(rig, 3, "mail");
        assert_int_equal(rig->replies[3], 0);
        assert_int_equal(rig->spool.n, 1);
        assert_string_equal(rig->spool.messages[0].alert.only, "mail");
        assert_string_equal(rig->spool.messages[0].alert.key, "test/mail/3");
        ask_for_test(rig, 4, ""); /* each of them, whatever its severity */
        assert_int_equal(rig->spool.n, 3);
        rig_wait(rig, USEC_PER_DAY);
        assert_int_equal(rig->spool.n, 3);
        assert_int_equal(rig_resolved(&rig->spool, ALERT_TEST), 0);
}

/* Where nothing is touched people are told all the same; and what waits for room is not lost. */
static void test_test_alert_in_observe_mode(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->config.mode = MODE_OBSERVE;
        add_receiver(rig, "phone", "sms", SEVERITY_CRITICAL);
        ask_for_test(rig, 1, "phone");
        assert_int_equal(rig->replies[1], 0);
        rig_wait(rig, USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_ALERT_SMS], 1);
        assert_true(text_starts_with(rig->last[ACTION_ALERT_SMS].sms.text, "TEST: a test alert"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_delivery_is_started),
            cmocka_unit_test(test_nothing_is_delivered_that_is_not_in_the_spool),
            cmocka_unit_test(test_sms_when_nothing_arrives),
            cmocka_unit_test(test_no_sms_for_what_arrived_or_is_over),
            cmocka_unit_test(test_no_sms_while_none_can_be_sent),
            cmocka_unit_test(test_sms_budget),
            cmocka_unit_test(test_sms_fails),
            cmocka_unit_test(test_sms_after_another_life),
            cmocka_unit_test(test_sms_of_a_message_behind_the_book),
            cmocka_unit_test(test_no_sms_after_another_life_for_what_arrived),
            cmocka_unit_test(test_sms_budget_of_many_lives),
            cmocka_unit_test(test_heartbeat),
            cmocka_unit_test(test_heartbeat_of_a_new_life),
            cmocka_unit_test(test_test_alert),
            cmocka_unit_test(test_test_alert_in_observe_mode),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
