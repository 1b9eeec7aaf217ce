/*
 * What becomes of messages in the whole gateway, in virtual time: failed ones that are sent again by
 * themselves, and those that crash the modem.
 */
#include "core/queue_retry.h"
#include "rig.h"

static void assert_says(const char *text, const char *part)
{
        if (!strstr(text, part))
                fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static void count(struct rig *rig, int64_t failed)
{
        struct event *event = rig_event(rig, EVENT_QUEUES);

        event->queues.failed = failed;
        event->queues.outgoing = event->queues.checked = 0;
}

/* --- failed messages --- */

static struct rig *rig_retrying(unsigned retries, bool observe)
{
        struct rig *rig = rig_working();

        rig->config.retry_failed = retries;
        rig->config.mode = observe ? MODE_OBSERVE : MODE_CONTROL;
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig_go(rig);
        return rig;
}

static struct message_item failed_now(const struct rig *rig, const char *name, unsigned requeued)
{
        return (struct message_item){.name = name,
                                     .recipient = "",
                                     .fail_reason = "+CMS ERROR: 38 (Network out of order)",
                                     .locked_by = "",
                                     .requeued = requeued,
                                     .changed = (int64_t)(rig->now / USEC_PER_SEC)};
}

static void put_failed(struct rig *rig, const struct message_item *items, size_t n)
{
        rig->folders[MESSAGES_FAILED].items = items;
        rig->folders[MESSAGES_FAILED].n = n;
        count(rig, (int64_t)n);
        rig_go(rig);
}

static void test_a_retry_comes_when_it_is_due(void **state)
{
        static const usec_t delays[] = {2 * USEC_PER_MIN, 10 * USEC_PER_MIN, USEC_PER_HOUR};
        _rig_ rig = rig_retrying(3, false);
        (void)state;

        for (unsigned i = 0; i < ARRAY_SIZE(delays); i++) {
                const struct message_item item = failed_now(rig, "m", i);
                put_failed(rig, &item, 1);
                rig_wait(rig, delays[i] - 2 * USEC_PER_SEC);
                assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], i);
                rig_wait(rig, 32 * USEC_PER_SEC);
                assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], i + 1);
                assert_string_equal(rig->last[ACTION_MESSAGE_REQUEUE].message.name, "m");
                assert_int_equal(rig->last[ACTION_MESSAGE_REQUEUE].message.limit, 3);
                put_failed(rig, NULL, 0);
        }
        const struct message_item spent = failed_now(rig, "m", 3);
        put_failed(rig, &spent, 1);
        rig_wait(rig, 3 * USEC_PER_DAY);
        assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], 3);
        assert_says(rig->told, "the failed message m is sent again (1 of 3 times)");
}

/* Neither unasked, nor by an observer; and then nobody looks at all. */
static void test_not_unasked(void **state)
{
        (void)state;
        for (unsigned observe = 0; observe < 2; observe++) {
                _rig_ rig = rig_retrying(observe ? 3 : 0, observe);
                const struct message_item item = failed_now(rig, "m", 0);
                put_failed(rig, &item, 1);
                rig_wait(rig, USEC_PER_DAY);
                assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], 0);
                assert_int_equal(rig->counts[ACTION_MESSAGES_LIST], 0);
        }
}

/* An empty folder costs nothing, one with a hopeless message a look when something changes. */
static void test_how_often_it_is_looked(void **state)
{
        _rig_ rig = rig_retrying(3, false);
        (void)state;

        put_failed(rig, NULL, 0);
        rig_wait(rig, USEC_PER_DAY);
        assert_int_equal(rig->counts[ACTION_MESSAGES_LIST], 0);
        const struct message_item item = failed_now(rig, "m", 3);
        put_failed(rig, &item, 1);
        rig_wait(rig, USEC_PER_DAY);
        assert_int_equal(rig->counts[ACTION_MESSAGES_LIST], 1);
        for (unsigned i = 0; i < 60; i++) { /* a storm of failures */
                rig_event(rig, EVENT_MESSAGE_FAILED)->failed.file[0] = 'm';
                rig_wait(rig, USEC_PER_SEC);
        }
        assert_in_range(rig->counts[ACTION_MESSAGES_LIST], 2, 4);
}

static void test_not_while_nothing_can_be_sent(void **state)
{
        _rig_ rig = rig_retrying(3, false);
        const struct message_item item = failed_now(rig, "m", 0);
        (void)state;

        put_failed(rig, &item, 1);
        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, 20 * USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], 0);
        rig_command(rig, COMMAND_START, 2, false);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], 1);
}

/* What is locked, or cannot be moved, keeps the others from nothing. */
static void test_what_cannot_go_now(void **state)
{
        _rig_ rig = rig_retrying(3, false);
        struct message_item items[7];
        (void)state;

        for (unsigned i = 0; i < ARRAY_SIZE(items); i++)
                items[i] = failed_now(rig, i == 6 ? "good" : "locked", 0);
        for (unsigned i = 0; i < 5; i++)
                items[i].locked = true;
        items[5].name = "stuck";
        rig->move_result = -ENOSPC;
        put_failed(rig, items, ARRAY_SIZE(items));
        rig_wait(rig, 3 * USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], 2); /* both failed, and wait now */
        assert_says(rig->told, "the failed message stuck cannot be sent again: No space left on device");
        rig->move_result = MESSAGE_DONE;
        rig_wait(rig, 9 * USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], 2);
        rig_wait(rig, 2 * USEC_PER_MIN);
        assert_in_range(rig->counts[ACTION_MESSAGE_REQUEUE], 4, 6);
}

/* Its wall clock says that it fails tomorrow; how long it lies there is seen all the same. */
static void test_a_clock_that_went_back(void **state)
{
        _rig_ rig = rig_retrying(3, false);
        struct message_item item = failed_now(rig, "m", 0);
        (void)state;

        item.changed += 24 * 3600;
        put_failed(rig, &item, 1);
        rig_wait(rig, 3 * USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], 1);
}

/* An answer that never comes does not end the retries. */
static void test_a_lost_answer(void **state)
{
        _rig_ rig = rig_retrying(3, false);
        const struct message_item item = failed_now(rig, "m", 0);
        (void)state;

        rig->withheld[ACTION_MESSAGES_LIST] = true;
        put_failed(rig, &item, 1);
        rig_wait(rig, 5 * USEC_PER_MIN);
        rig->withheld[ACTION_MESSAGES_LIST] = false;
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], 1);
}

static void fail_message(struct rig *rig, unsigned requeued, const char *reason)
{
        struct event *event = rig_event(rig, EVENT_MESSAGE_FAILED);

        (void)text_format(event->failed.file, sizeof(event->failed.file), "m%u%c", requeued, reason[0]);
        (void)text_copy(event->failed.reason, sizeof(event->failed.reason), reason);
        (void)text_copy(event->failed.again, sizeof(event->failed.again), "smswarden queue requeue m");
        event->failed.requeued = requeued;
        event->failed.since = rig->now;
        rig_wait(rig, 5 * USEC_PER_SEC);
}

static void test_the_alert_says_what_happens_next(void **state)
{
        static const struct {
                unsigned retries, requeued;
                const char *reason;
                enum severity severity;
                const char *says;
        } table[] = {
            {0, 0, "Unknown", SEVERITY_WARNING, "to send it again: smswarden queue requeue m"},
            {3, 0, "Unknown", SEVERITY_INFO,
             "nothing: it is sent again in 2min (1 of 3 times); now: smswarden queue requeue m"},
            {3, 1, "Unknown", SEVERITY_INFO, "in 10min (2 of 3 times)"},
            {3, 2, "Unknown", SEVERITY_INFO, "in 1h (3 of 3 times)"},
            {3, 3, "Unknown", SEVERITY_WARNING,
             "it was sent again 3 times, and is not any more; once more: "},
            {3, 0, "No destination", SEVERITY_WARNING, "it would fail again as it is"},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                _rig_ rig = rig_retrying(table[i].retries, false);
                fail_message(rig, table[i].requeued, table[i].reason);
                const struct alert *alert = &rig_last(&rig->spool, ALERT_MESSAGE_FAILED)->alert;
                assert_int_equal(alert->severity, table[i].severity);
                assert_says(alert->next_action, table[i].says);
        }
}

/* --- messages that a stop made fail --- */

/* As smsd leaves it when it hears TERM before the PDU, `ago`. */
static struct event *fail_unsent(struct rig *rig, const char *name, usec_t ago)
{
        struct event *event = rig_event(rig, EVENT_MESSAGE_FAILED);

        (void)text_copy(event->failed.file, sizeof(event->failed.file), name);
        (void)text_copy(event->failed.name, sizeof(event->failed.name), name);
        (void)text_format(event->failed.key, sizeof(event->failed.key), "%s@1-0123456789abcdef", name);
        (void)text_copy(event->failed.reason, sizeof(event->failed.reason), "Unknown");
        (void)text_copy(event->failed.again, sizeof(event->failed.again), "smswarden queue requeue m");
        event->failed.since = rig->now - ago;
        return event;
}

static void assert_told_as_failed(const struct rig *rig, unsigned requeues)
{
        assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], requeues);
        assert_int_equal(rig_last(&rig->spool, ALERT_MESSAGE_FAILED)->alert.severity, SEVERITY_WARNING);
}

static void assert_told_as_queued(const struct rig *rig)
{
        const struct alert *alert = &rig_last(&rig->spool, ALERT_MESSAGE_FAILED)->alert;

        assert_int_equal(alert->severity, SEVERITY_INFO);
        assert_string_equal(alert->next_action, "nothing: it is queued again");
}

static struct rig *rig_restarted(unsigned retries)
{
        struct rig *rig = rig_retrying(retries, false);

        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
        return rig;
}

/* However often retries were asked for, and however late it is told: the time of the file counts. */
static void test_what_a_stop_made_fail_is_queued_again(void **state)
{
        (void)state;
        for (unsigned retries = 0; retries < 4; retries++) {
                _rig_ rig = rig_restarted(retries);
                rig_wait(rig, USEC_PER_MIN);
                (void)fail_unsent(rig, "m", USEC_PER_MIN + 5 * USEC_PER_SEC);
                rig_go(rig);
                assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], 1);
                assert_string_equal(rig->last[ACTION_MESSAGE_REQUEUE].message.name, "m");
                assert_int_equal(rig->last[ACTION_MESSAGE_REQUEUE].message.limit, retries ? retries : 1);
                assert_told_as_queued(rig);
                assert_says(rig->told, "the message m was not sent yet when smsd was stopped");
                (void)fail_unsent(rig, "m", USEC_PER_MIN + 5 * USEC_PER_SEC); /* told again */
                rig_go(rig);
                assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], 1);
        }
}

/* A person's stop is ours as well; and the move comes when the last process of smsd is gone. */
static void test_it_waits_for_the_end_of_smsd(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->stubborn = true;
        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, 5 * USEC_PER_SEC);
        (void)fail_unsent(rig, "m", 0);
        rig_wait(rig, 30 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], 0);
        for (unsigned i = 0; i < rig->spool.n; i++)
                assert_int_not_equal(rig->spool.messages[i].alert.kind, ALERT_MESSAGE_FAILED);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->list.n, 0); /* killed */
        assert_int_equal(rig->counts[ACTION_MESSAGE_REQUEUE], 1);
        assert_told_as_queued(rig);
}

static void test_what_failed_otherwise_stays(void **state)
{
        static const struct {
                usec_t ago;
                const char *reason;
                bool pdu, nameless;
                unsigned requeued;
        } table[] = {
            {30 * USEC_PER_SEC, "Unknown", false, false, 0}, /* before the stop */
            {0, "Unknown", false, false, 0},                 /* long behind it */
            {20 * USEC_PER_SEC, "+CMS ERROR: 38 (Network out of order)", false, false, 0},
            {20 * USEC_PER_SEC, "Unknown", true, false, 0}, /* nobody answered */
            {20 * USEC_PER_SEC, "Unknown", false, true, 0},
            {20 * USEC_PER_SEC, "Unknown", false, false, 1}, /* the second time */
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                _rig_ rig = rig_restarted(0);
                rig_wait(rig, 15 * USEC_PER_SEC);
                struct event *event = fail_unsent(rig, "m", table[i].ago);
                (void)text_copy(event->failed.reason, sizeof(event->failed.reason), table[i].reason);
                event->failed.pdu = table[i].pdu;
                event->failed.requeued = table[i].requeued;
                if (table[i].nameless)
                        event->failed.name[0] = '\0';
                rig_wait(rig, USEC_PER_SEC);
                assert_told_as_failed(rig, 0);
        }
}

/* smsd ends by itself, or somebody ends it; or the failed files do not say what was given to a modem. */
static void test_only_in_a_stop_of_ours_and_when_it_can_be_told(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig_exit(rig, 1, -SIGTERM, false);
        rig_exit(rig, 0, -SIGTERM, true);
        (void)fail_unsent(rig, "m", 0);
        rig_wait(rig, USEC_PER_MIN);
        assert_told_as_failed(rig, 0);
        _rig_ blind = rig_new();
        (void)text_copy(blind->conf, sizeof(blind->conf), "store_sent_pdu = 0\n" RIG_CONF);
        rig_begin(blind);
        rig_wait(blind, USEC_PER_MIN);
        rig_command(blind, COMMAND_STOP, 1, false);
        rig_wait(blind, USEC_PER_SEC);
        (void)fail_unsent(blind, "m", USEC_PER_SEC);
        rig_wait(blind, USEC_PER_MIN);
        assert_told_as_failed(blind, 0);
}

/* Then it is told as any other, and not lost. */
static void test_what_cannot_be_queued_again(void **state)
{
        static const int results[] = {MESSAGE_LOCKED, MESSAGE_WAITING, MESSAGE_GONE, MESSAGE_SPENT, -EROFS};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
                _rig_ rig = rig_restarted(0);
                rig->move_result = results[i];
                (void)fail_unsent(rig, "m", 5 * USEC_PER_SEC);
                rig_wait(rig, USEC_PER_MIN);
                unsigned tries = rig->counts[ACTION_MESSAGE_REQUEUE];
                assert_in_range(tries, i < 2 ? 20 : 1, i < 2 ? 30 : 1);
                assert_told_as_failed(rig, tries);
        }
        _rig_ rig = rig_restarted(0); /* no answer at all */
        rig->withheld[ACTION_MESSAGE_REQUEUE] = true;
        (void)fail_unsent(rig, "m", 5 * USEC_PER_SEC);
        rig_wait(rig, USEC_PER_MIN);
        assert_told_as_failed(rig, 1);
}

/* Its lock goes a moment later. */
static void test_one_that_is_let_go_in_time(void **state)
{
        _rig_ rig = rig_restarted(0);
        (void)state;

        rig->move_result = MESSAGE_LOCKED;
        (void)fail_unsent(rig, "m", 5 * USEC_PER_SEC);
        rig_wait(rig, 3 * USEC_PER_SEC);
        rig->move_result = MESSAGE_DONE;
        rig_wait(rig, 3 * USEC_PER_SEC);
        assert_told_as_queued(rig);
}

/* --- messages that crash the modem --- */

static const struct message_item poison = {
    .name = "p", .recipient = "3706*****12", .fail_reason = "", .locked = true, .locked_by = "GSM1"};
static const struct message_item innocent = {
    .name = "i", .recipient = "", .fail_reason = "", .locked_by = ""};

/* It leaves while smsd sends, and comes back. */
static void crash_on(struct rig *rig, const struct message_item *items, size_t n)
{
        rig->folders[MESSAGES_CHECKED].items = items;
        rig->folders[MESSAGES_CHECKED].n = n;
        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, 10 * USEC_PER_SEC);
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_MIN);
        assert_true(rig->list.n > 0);
}

static void test_poison_is_put_aside_at_the_second_crash(void **state)
{
        const struct message_item items[] = {innocent, poison};
        _rig_ rig = rig_working();
        (void)state;

        crash_on(rig, items, 2);
        assert_int_equal(rig->counts[ACTION_MESSAGES_LIST], 1);
        assert_int_equal(rig->last[ACTION_MESSAGES_LIST].messages.folder, MESSAGES_CHECKED);
        assert_int_equal(rig->counts[ACTION_MESSAGE_QUARANTINE], 0);
        assert_says(rig->told, "GSM1 crashed while it sent the message p; if it does so again");
        crash_on(rig, items, 2);
        assert_int_equal(rig->counts[ACTION_MESSAGE_QUARANTINE], 1);
        assert_string_equal(rig->last[ACTION_MESSAGE_QUARANTINE].message.name, "p");
        const struct alert *alert = &rig_last(&rig->spool, ALERT_MESSAGE_ASIDE)->alert;
        assert_string_equal(alert->key, "message-quarantined/p");
        assert_string_equal(alert->modem, "GSM1");
        assert_int_equal(alert->severity, SEVERITY_WARNING);
        assert_says(alert->summary, "a message to 3706*****12 was put aside: GSM1 crashed twice");
        crash_on(rig, &innocent, 1);
        assert_int_equal(rig->counts[ACTION_MESSAGE_QUARANTINE], 1);
}

/* It stays on the bus and answers no more: by smsd's word, after two minutes. What it does then, and however
 * long, is the same crash; the next one is after a new start of smsd. */
static void test_a_modem_that_falls_silent(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->folders[MESSAGES_CHECKED].items = &poison;
        rig->folders[MESSAGES_CHECKED].n = 1;
        for (unsigned i = 0; i < 3; i++) {
                rig_log(rig, SMSD_LOG_TIMEOUT);
                rig_log(rig, SMSD_LOG_RECEIVED);
                rig_wait(rig, USEC_PER_MIN);
        }
        assert_int_equal(rig->counts[ACTION_MESSAGES_LIST], 1);
        crash_on(rig, &poison, 1);
        assert_int_equal(rig->counts[ACTION_MESSAGES_LIST], 1);
        rig_log(rig, SMSD_LOG_TIMEOUT);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_MESSAGES_LIST], 2);
        assert_int_equal(rig->counts[ACTION_MESSAGE_QUARANTINE], 0); /* smsd lives, and is not ended for it */
        assert_true(rig->record.poison.suspect != 0); /* a controller that dies now knows it still */
        rig_command(rig, COMMAND_RESTART, 1, false);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_MESSAGE_QUARANTINE], 1);
        assert_int_equal(rig->replies[1], 0);
}

/* The rig asserts for every start that no smsd is left; here, that no start overtakes the move. */
static void test_the_start_waits_for_the_move_but_not_for_ever(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        crash_on(rig, &poison, 1);
        rig->withheld[ACTION_MESSAGE_QUARANTINE] = true;
        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, 3 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_MESSAGE_QUARANTINE], 1);
        assert_int_equal(rig->list.n, 0);
        assert_true(gateway_is_restarting(rig->gateway));
        unsigned starts = rig->counts[ACTION_SMSD_START];
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], starts);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_START], starts + 1);
        struct event *event = rig_event(rig, EVENT_MESSAGE_MOVED); /* much too late */
        event->moved = (struct message_moved_event){.from = MESSAGES_CHECKED, .name = "p"};
        rig_go(rig);
        assert_int_equal(rig->spool.n > 0, true);
}

/* The controller is killed between the two crashes. */
static void test_the_first_crash_is_not_forgotten(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        crash_on(rig, &poison, 1);
        rig_begin(rig);
        rig_wait(rig, USEC_PER_MIN);
        crash_on(rig, &poison, 1);
        assert_int_equal(rig->counts[ACTION_MESSAGE_QUARANTINE], 1);
}

static void test_what_is_no_crash(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->folders[MESSAGES_CHECKED].items = &poison;
        rig->folders[MESSAGES_CHECKED].n = 1;
        for (unsigned i = 1; i < 4; i++) { /* a person stops it first */
                rig_command(rig, COMMAND_STOP, 2 * i, false);
                rig_wait(rig, 5 * USEC_PER_SEC);
                rig->plugged = false;
                rig_usb(rig);
                rig_wait(rig, 5 * USEC_PER_SEC);
                rig->plugged = true;
                rig_usb(rig);
                rig_wait(rig, 5 * USEC_PER_SEC);
                rig_command(rig, COMMAND_START, 2 * i + 1, false);
                rig_wait(rig, USEC_PER_MIN);
                assert_true(rig->list.n > 0);
        }
        for (unsigned i = 0; i < 3; i++) { /* smsd crashes, the modem does not */
                rig_exit(rig, 1, -SIGSEGV, false);
                rig_exit(rig, 0, -SIGSEGV, true);
                rig_wait(rig, 5 * USEC_PER_MIN);
        }
        assert_int_equal(rig->counts[ACTION_MESSAGES_LIST], 0);
        assert_int_equal(rig->counts[ACTION_MESSAGE_QUARANTINE], 0);
}

/* It went out after all: what has its name next time is another one. */
static void test_a_suspect_that_was_sent(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        crash_on(rig, &poison, 1);
        assert_true(rig->record.poison.suspect != 0);
        rig->folders[MESSAGES_CHECKED].n = 0;
        rig_wait(rig, 2 * USEC_PER_MIN);
        rig_log(rig, SMSD_LOG_SENT);
        rig_go(rig);
        assert_true(rig->record.poison.suspect == 0);
        crash_on(rig, &poison, 1);
        assert_int_equal(rig->counts[ACTION_MESSAGE_QUARANTINE], 0);
}

static void test_a_move_that_fails(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->move_result = -ENOSPC;
        crash_on(rig, &poison, 1);
        crash_on(rig, &poison, 1);
        const struct alert *alert = &rig_last(&rig->spool, ALERT_MESSAGE_ASIDE)->alert;
        assert_int_equal(alert->severity, SEVERITY_CRITICAL);
        assert_says(alert->summary, "could not be put aside: No space left on device");
        rig->move_result = MESSAGE_DONE;
        crash_on(rig, &poison, 1);
        assert_int_equal(rig->counts[ACTION_MESSAGE_QUARANTINE], 2);
        assert_int_equal(rig_last(&rig->spool, ALERT_MESSAGE_ASIDE)->alert.severity, SEVERITY_WARNING);
}

/* Each of its messages crashes it: the power supply, not the messages. */
static void test_a_modem_that_crashes_on_everything(void **state)
{
        _rig_ rig = rig_working();
        struct message_item item = poison;
        char name[8];
        (void)state;

        item.name = name;
        for (unsigned i = 0; i < 6; i++) {
                (void)text_format(name, sizeof(name), "p%u", i);
                crash_on(rig, &item, 1);
                crash_on(rig, &item, 1);
        }
        assert_int_equal(rig->counts[ACTION_MESSAGE_QUARANTINE], 3);
        assert_says(rig_last(&rig->spool, ALERT_MESSAGE_ASIDE)->alert.next_action, "power supply");
        assert_says(rig->told, "they are not to blame and stay");
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_retry_comes_when_it_is_due),
            cmocka_unit_test(test_not_unasked),
            cmocka_unit_test(test_how_often_it_is_looked),
            cmocka_unit_test(test_not_while_nothing_can_be_sent),
            cmocka_unit_test(test_what_cannot_go_now),
            cmocka_unit_test(test_a_clock_that_went_back),
            cmocka_unit_test(test_a_lost_answer),
            cmocka_unit_test(test_the_alert_says_what_happens_next),
            cmocka_unit_test(test_what_a_stop_made_fail_is_queued_again),
            cmocka_unit_test(test_it_waits_for_the_end_of_smsd),
            cmocka_unit_test(test_what_failed_otherwise_stays),
            cmocka_unit_test(test_only_in_a_stop_of_ours_and_when_it_can_be_told),
            cmocka_unit_test(test_what_cannot_be_queued_again),
            cmocka_unit_test(test_one_that_is_let_go_in_time),
            cmocka_unit_test(test_poison_is_put_aside_at_the_second_crash),
            cmocka_unit_test(test_a_modem_that_falls_silent),
            cmocka_unit_test(test_the_start_waits_for_the_move_but_not_for_ever),
            cmocka_unit_test(test_the_first_crash_is_not_forgotten),
            cmocka_unit_test(test_what_is_no_crash),
            cmocka_unit_test(test_a_suspect_that_was_sent),
            cmocka_unit_test(test_a_move_that_fails),
            cmocka_unit_test(test_a_modem_that_crashes_on_everything),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
