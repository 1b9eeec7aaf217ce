/*
 * The book of alerts: a stage drives it second by second - what is wrong now, what the spool answers - and
 * keeps every message.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "core/action.h"
#include "core/alert_book.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEC      USEC_PER_SEC
#define MIN      USEC_PER_MIN
#define HOUR     USEC_PER_HOUR
#define MESSAGES 512

struct stage {
        struct alert_book book;
        struct action_list actions;
        usec_t now;
        /* What is wrong. */
        bool wrong[ALERT_KIND_MAX];
        enum severity severity;
        bool severe; /* `severity` counts */
        const char *subject;
        /* What the spool does. */
        int result, save_result;
        bool silent; /* it does not answer */
        unsigned saves, saves_in_flight;
        unsigned n;
        struct {
                struct alert alert;
                usec_t at;
        } told[MESSAGES];
        struct {
                char key[ALERT_KEY_MAX];
                unsigned generation;
        } waiting[ALERTS_MAX];
        unsigned n_waiting;
};

static struct stage *stage_new(void)
{
        struct stage *stage = calloc(1, sizeof(*stage));

        assert_non_null(stage);
        alert_book_init(&stage->book);
        stage->now = HOUR;
        stage->subject = "";
        return stage;
}

static void stage_free(struct stage **stage)
{
        free(*stage);
}

#define _stage_ _cleanup_(stage_free) struct stage *

static void answer(struct stage *stage, const char *key, unsigned generation)
{
        alert_book_spooled(&stage->book, key, generation, stage->result, stage->now);
}

static void carry_out(struct stage *stage)
{
        for (unsigned i = 0; i < stage->actions.n; i++) {
                const struct action *action = &stage->actions.items[i];
                if (action->kind == ACTION_ALERTS_SAVE) {
                        stage->saves++;
                        stage->saves_in_flight += stage->n_waiting;
                        alert_book_saved(&stage->book, stage->save_result, stage->now);
                        continue;
                }
                assert_int_equal(action->kind, ACTION_ALERT_SPOOL);
                if (stage->result >= 0) {
                        assert_true(stage->n < MESSAGES);
                        stage->told[stage->n].at = stage->now;
                        stage->told[stage->n++].alert = *action->alert.alert;
                }
                (void)text_copy(stage->waiting[stage->n_waiting].key, ALERT_KEY_MAX,
                                action->alert.alert->key);
                stage->waiting[stage->n_waiting++].generation = action->alert.generation;
        }
        for (unsigned i = 0; i < stage->n_waiting && !stage->silent; i++)
                answer(stage, stage->waiting[i].key, stage->waiting[i].generation);
        stage->n_waiting = stage->silent ? stage->n_waiting : 0;
}

static void step(struct stage *stage)
{
        alert_book_begin(&stage->book);
        for (unsigned i = 0; i < ALERT_KIND_MAX; i++) {
                if (!stage->wrong[i])
                        continue;
                struct alert *alert =
                    alert_book_raise(&stage->book, (enum alert_kind)i, stage->subject, stage->now);
                if (stage->severe)
                        alert->severity = stage->severity;
        }
        alert_book_end(&stage->book, stage->now);
        for (unsigned rounds = 0; rounds < 4; rounds++) { /* an answer brings the next message */
                action_list_init(&stage->actions);
                alert_book_tell(&stage->book, stage->now, &stage->actions);
                carry_out(stage);
        }
}

/* Second by second, as the gateway's events would come. */
static void pass(struct stage *stage, usec_t duration)
{
        for (usec_t end = stage->now + duration; stage->now < end; stage->now += SEC)
                step(stage);
        step(stage);
}

static const struct alert *last(const struct stage *stage)
{
        assert_true(stage->n > 0);
        return &stage->told[stage->n - 1].alert;
}

static unsigned told(const struct stage *stage, enum alert_state state)
{
        unsigned n = 0;

        for (unsigned i = 0; i < stage->n; i++)
                n += stage->told[i].alert.state == state;
        return n;
}

/* --- when --- */

static void test_delay(void **state)
{
        static const struct {
                enum alert_kind kind;
                usec_t delay;
                enum severity severity;
        } cases[] = {
            {ALERT_HOLD, 0, SEVERITY_WARNING},
            {ALERT_SMSD_DOWN, 10 * SEC, SEVERITY_CRITICAL},
            {ALERT_CRASH_LOOP, 0, SEVERITY_CRITICAL},
            {ALERT_MODEM_LOST, 10 * SEC, SEVERITY_CRITICAL},
            {ALERT_MODEM_UNUSABLE, 10 * SEC, SEVERITY_CRITICAL},
            {ALERT_MODEM_NETWORK, 5 * MIN, SEVERITY_WARNING},
            {ALERT_MODEM_STUCK, MIN, SEVERITY_CRITICAL},
            {ALERT_MODEM_TIMEOUTS, 0, SEVERITY_WARNING},
            {ALERT_CONFIG_REFUSED, 10 * SEC, SEVERITY_CRITICAL},
            {ALERT_INCOMING_UNREAD, MIN, SEVERITY_WARNING},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _stage_ stage = stage_new();
                stage->wrong[cases[i].kind] = true;
                if (cases[i].delay > 0) {
                        pass(stage, cases[i].delay - SEC);
                        assert_int_equal(stage->n, 0);
                        assert_int_equal(alert_book_deadline(&stage->book), HOUR + cases[i].delay);
                }
                pass(stage, SEC);
                assert_int_equal(stage->n, 1);
                assert_int_equal(last(stage)->severity, cases[i].severity);
                assert_int_equal(last(stage)->told, 0);
                assert_int_equal(last(stage)->count, 1);
                assert_int_equal(last(stage)->since, HOUR);
                assert_string_equal(last(stage)->key, alert_kind_to_string(cases[i].kind));
        }
}

static void test_decided(void **state)
{
        _stage_ stage = stage_new();
        (void)state;

        stage->wrong[ALERT_SMSD_DOWN] = true;
        pass(stage, 2 * SEC);
        alert_book_decide(&stage->book, ALERT_SMSD_DOWN, "");
        assert_true(alert_book_deadline(&stage->book) <= stage->now);
        step(stage);
        assert_int_equal(stage->n, 1);
        alert_book_decide(&stage->book, ALERT_SMSD_DOWN, "");
        pass(stage, MIN);
        assert_int_equal(stage->n, 1);
}

/* The outcome after the first message: once more, at once; what follows is not news. */
static void test_decided_late(void **state)
{
        _stage_ stage = stage_new();
        (void)state;

        stage->wrong[ALERT_SMSD_DOWN] = true;
        pass(stage, 11 * SEC);
        assert_int_equal(stage->n, 1);
        for (unsigned i = 0; i < 5; i++) {
                alert_book_decide(&stage->book, ALERT_SMSD_DOWN, "");
                pass(stage, MIN);
                assert_int_equal(stage->n, 2);
        }
        assert_int_equal(last(stage)->told, 1);
}

static void test_repeats(void **state)
{
        static const struct {
                enum alert_kind kind;
                usec_t after[4]; /* 0 none: between two messages */
        } cases[] = {
            {ALERT_SMSD_DOWN, {10 * MIN, 50 * MIN, 24 * HOUR, 24 * HOUR}},
            {ALERT_CRASH_LOOP, {10 * MIN, 50 * MIN, 24 * HOUR, 24 * HOUR}},
            {ALERT_HOLD, {HOUR, HOUR, HOUR, HOUR}},
            {ALERT_MODEM_LOST, {HOUR, 24 * HOUR, 24 * HOUR}},
            {ALERT_MODEM_NETWORK, {24 * HOUR, 24 * HOUR}},
            {ALERT_CONFIG_REFUSED, {24 * HOUR}},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _stage_ stage = stage_new();
                stage->wrong[cases[i].kind] = true;
                pass(stage, 10 * MIN - SEC);
                usec_t first = stage->told[0].at;
                for (unsigned k = 0; k < 4 && cases[i].after[k]; k++) {
                        first += cases[i].after[k];
                        while (stage->now < first + 2 * SEC)
                                pass(stage, SEC);
                        assert_int_equal(stage->n, k + 2);
                        assert_in_range(stage->told[k + 1].at, first, first + SEC);
                        assert_int_equal(last(stage)->told, k + 1);
                        first = stage->told[k + 1].at;
                }
        }
}

/* --- the end --- */

static void test_end_after_quiet(void **state)
{
        static const struct {
                enum alert_kind kind;
                usec_t quiet;
        } cases[] = {
            {ALERT_HOLD, 0},         {ALERT_SMSD_DOWN, 0},           {ALERT_CRASH_LOOP, MIN},
            {ALERT_MODEM_LOST, MIN}, {ALERT_MODEM_NETWORK, 2 * MIN}, {ALERT_MODEM_TIMEOUTS, 10 * MIN}};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _stage_ stage = stage_new();
                stage->wrong[cases[i].kind] = true;
                pass(stage, 6 * MIN);
                assert_int_equal(stage->n, 1);
                stage->wrong[cases[i].kind] = false;
                usec_t over = stage->now;
                pass(stage, cases[i].quiet + 2 * SEC);
                assert_int_equal(stage->n, 2);
                assert_int_equal(last(stage)->state, ALERT_RESOLVED);
                assert_in_range(stage->told[1].at - over, cases[i].quiet, cases[i].quiet + SEC);
                assert_in_range(last(stage)->ended, over, over + SEC);
                assert_int_equal(stage->book.n, 0);
                assert_int_equal(alert_book_deadline(&stage->book), USEC_INFINITY);
        }
}

/* It heals before it is told: a crash is told all the same, the rest is forgotten. */
static void test_heals_before_it_is_told(void **state)
{
        (void)state;
        for (unsigned kind = 0; kind < ALERT_KIND_MAX; kind++) {
                _stage_ stage = stage_new();
                bool told_anyway = kind == ALERT_SMSD_DOWN || kind == ALERT_HOLD;
                if (kind == ALERT_CRASH_LOOP || kind == ALERT_MODEM_TIMEOUTS || kind == ALERT_MODEM_CHANGED ||
                    kind == ALERT_MESSAGE_FAILED || kind == ALERT_MESSAGE_ASIDE ||
                    kind == ALERT_MODEM_RESET || kind == ALERT_MODEM_STORAGE || kind == ALERT_RESET_AHEAD ||
                    kind == ALERT_RECOVERY_FAILED || kind == ALERT_PROVISION_FAILED || kind == ALERT_TEST)
                        continue; /* told at once */
                stage->wrong[kind] = true;
                pass(stage, 2 * SEC);
                stage->wrong[kind] = false;
                pass(stage, HOUR);
                assert_int_equal(stage->n, told_anyway ? 2 : 0);
                if (told_anyway)
                        assert_int_equal(last(stage)->state, ALERT_RESOLVED);
        }
}

/* Gone and back every 20 seconds for an hour: one alert with a count, and one resolve. */
static void test_flapping(void **state)
{
        static const enum alert_kind kinds[] = {ALERT_MODEM_LOST, ALERT_MODEM_UNUSABLE};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                _stage_ stage = stage_new();
                for (unsigned k = 0; k < 90; k++) {
                        stage->wrong[kinds[i]] = true;
                        pass(stage, 20 * SEC);
                        stage->wrong[kinds[i]] = false;
                        pass(stage, 20 * SEC);
                }
                assert_int_equal(stage->n, 1);
                pass(stage, HOUR);
                assert_int_equal(stage->n, 2);
                assert_int_equal(last(stage)->state, ALERT_RESOLVED);
                assert_int_equal(last(stage)->count, 90);
        }
}

/* The same with a kind whose end is told at once: the first pair stands, from then on it is one. */
static void test_flapping_without_quiet(void **state)
{
        _stage_ stage = stage_new();
        (void)state;

        for (unsigned k = 0; k < 180; k++) {
                stage->wrong[ALERT_SMSD_DOWN] = true;
                pass(stage, 5 * SEC);
                stage->wrong[ALERT_SMSD_DOWN] = false;
                pass(stage, 15 * SEC);
        }
        pass(stage, HOUR);
        assert_int_equal(told(stage, ALERT_RESOLVED), 2);
        assert_in_range(told(stage, ALERT_FIRING), 2, 5); /* and its repeats, with the count */
        assert_int_equal(last(stage)->count, 179);
}

/* --- severity --- */

static void test_escalation(void **state)
{
        _stage_ stage = stage_new();
        (void)state;

        stage->severe = true;
        stage->severity = SEVERITY_INFO;
        stage->wrong[ALERT_HOLD] = true;
        pass(stage, HOUR);
        assert_int_equal(stage->n, 0);
        stage->severity = SEVERITY_WARNING;
        pass(stage, SEC);
        assert_int_equal(stage->n, 1);
        stage->severity = SEVERITY_CRITICAL;
        pass(stage, 9 * SEC);
        assert_int_equal(stage->n, 1);
        pass(stage, 3 * SEC);
        assert_int_equal(stage->n, 2);
        assert_int_equal(last(stage)->severity, SEVERITY_CRITICAL);
        assert_int_equal(last(stage)->told, 1);
        stage->severity = SEVERITY_WARNING; /* it does not fall: who was told is told its end */
        pass(stage, 2 * MIN);
        assert_int_equal(stage->n, 2);
        stage->wrong[ALERT_HOLD] = false;
        pass(stage, SEC);
        assert_int_equal(stage->n, 3);
        assert_int_equal(last(stage)->severity, SEVERITY_CRITICAL);
}

/* Over before the worse news was told: it is told, then its end. */
static void test_escalation_that_heals(void **state)
{
        _stage_ stage = stage_new();
        (void)state;

        stage->wrong[ALERT_HOLD] = true;
        pass(stage, MIN);
        stage->severe = true;
        stage->severity = SEVERITY_CRITICAL;
        pass(stage, 2 * SEC);
        stage->wrong[ALERT_HOLD] = false;
        step(stage);
        assert_int_equal(stage->n, 3);
        assert_int_equal(stage->told[1].alert.severity, SEVERITY_CRITICAL);
        assert_int_equal(stage->told[1].alert.state, ALERT_FIRING);
        assert_int_equal(stage->told[2].alert.state, ALERT_RESOLVED);
}

/* --- by another hand --- */

static void test_close(void **state)
{
        _stage_ stage = stage_new();
        (void)state;

        stage->wrong[ALERT_SMSD_DOWN] = true;
        pass(stage, 2 * SEC);
        stage->wrong[ALERT_SMSD_DOWN] = false;
        alert_book_close(&stage->book, ALERT_SMSD_DOWN, "", stage->now);
        pass(stage, MIN);
        assert_int_equal(stage->n, 0); /* not told: forgotten, although a crash is told otherwise */
        stage->wrong[ALERT_MODEM_LOST] = true;
        pass(stage, MIN);
        stage->wrong[ALERT_MODEM_LOST] = false;
        alert_book_close(&stage->book, ALERT_MODEM_LOST, "", stage->now);
        step(stage);
        assert_int_equal(stage->n, 2); /* told: its end as well, without a quiet */
        assert_int_equal(last(stage)->state, ALERT_RESOLVED);
}

static void test_keep(void **state)
{
        _stage_ stage = stage_new();
        (void)state;

        stage->wrong[ALERT_MODEM_LOST] = true;
        pass(stage, MIN);
        for (unsigned i = 0; i < 1000; i++) {
                alert_book_begin(&stage->book);
                alert_book_keep(&stage->book, ALERT_MODEM_LOST, NULL);
                alert_book_end(&stage->book, stage->now);
                action_list_init(&stage->actions);
                alert_book_tell(&stage->book, stage->now, &stage->actions);
                carry_out(stage);
                stage->now += SEC;
        }
        assert_int_equal(stage->n, 1);
        stage->wrong[ALERT_MODEM_LOST] = false;
        pass(stage, 2 * MIN);
        assert_int_equal(stage->n, 2);
}

static void test_momentary(void **state)
{
        _stage_ stage = stage_new();
        struct alert *alert = NULL;
        (void)state;

        assert_int_equal(alert_book_post(&stage->book, ALERT_MESSAGE_FAILED, "f1", stage->now, &alert), 0);
        assert_int_equal(alert_book_post(&stage->book, ALERT_MESSAGE_FAILED, "f1", stage->now, &alert),
                         -EALREADY);
        assert_int_equal(alert_book_post(&stage->book, ALERT_TEST, "f1", stage->now, &alert), 0);
        pass(stage, HOUR);
        assert_int_equal(stage->n, 2);
        assert_string_equal(stage->told[0].alert.key, "message-failed/f1");
        assert_int_equal(stage->book.n, 0);
        assert_int_equal(alert_book_post(&stage->book, ALERT_MESSAGE_FAILED, "f1", stage->now, &alert), 0);
}

/* A name that is too long for a key: two of them are two alerts. */
static void test_long_subjects(void **state)
{
        _stage_ stage = stage_new();
        struct alert *alert = NULL;
        char subject[ALERT_KEY_MAX + 8], key[ALERT_KEY_MAX];
        (void)state;

        memset(subject, 'x', sizeof(subject));
        subject[sizeof(subject) - 1] = '\0';
        assert_int_equal(alert_book_post(&stage->book, ALERT_MESSAGE_FAILED, subject, stage->now, &alert), 0);
        (void)text_copy(key, sizeof(key), alert->key);
        subject[sizeof(subject) - 2] = 'y';
        assert_int_equal(alert_book_post(&stage->book, ALERT_MESSAGE_FAILED, subject, stage->now, &alert), 0);
        assert_string_not_equal(key, alert->key);
        assert_true(text_starts_with(key, "message-failed/xxx"));
}

/* --- bounds --- */

static void test_full_book(void **state)
{
        _stage_ stage = stage_new();
        struct alert *alert = NULL;
        char subject[16] = "first";
        unsigned n = 0;
        int r = 0;
        (void)state;

        stage->silent = true;
        while ((r = alert_book_post(&stage->book, ALERT_TEST, subject, stage->now, &alert)) == 0 && n < 1000)
                (void)text_format(subject, sizeof(subject), "%u", n++);
        assert_int_equal(r, -ENOBUFS);
        alert_book_begin(&stage->book);
        for (unsigned i = 0; i < ALERTS_MAX; i++) { /* conditions have room left, and then none */
                (void)text_format(subject, sizeof(subject), "G%u", i);
                alert = alert_book_raise(&stage->book, ALERT_MODEM_LOST, subject, stage->now);
                assert_non_null(alert);
                (void)text_copy(alert->summary, sizeof(alert->summary), "lost");
        }
        alert_book_end(&stage->book, stage->now);
        assert_int_equal(stage->book.n, ALERTS_MAX);
        assert_true(stage->book.lost > 0);
        assert_in_range(ALERTS_MAX - stage->book.lost, 48, ALERTS_MAX);
        step(stage);
        assert_int_equal(stage->n, ALERTS_IN_FLIGHT); /* not all at once */
        stage->silent = false;
        pass(stage, 10 * SEC);
        assert_int_equal(stage->n, n);
}

/* --- the spool --- */

static void test_spool_failure(void **state)
{
        _stage_ stage = stage_new();
        (void)state;

        stage->result = -ENOSPC;
        stage->wrong[ALERT_MODEM_LOST] = true;
        pass(stage, 5 * MIN);
        assert_int_equal(stage->n, 0);
        stage->wrong[ALERT_MODEM_LOST] = false; /* over, and it was to be told: it still is */
        pass(stage, 5 * MIN);
        stage->result = 0;
        pass(stage, 2 * MIN);
        assert_int_equal(stage->n, 2);
        assert_int_equal(stage->told[0].alert.state, ALERT_FIRING);
        assert_int_equal(stage->told[1].alert.state, ALERT_RESOLVED);
}

/* The end could not be spooled, and it is back: the same alert, which goes on. */
static void test_resolve_fails_and_it_comes_back(void **state)
{
        _stage_ stage = stage_new();
        (void)state;

        stage->wrong[ALERT_MODEM_LOST] = true;
        pass(stage, MIN);
        stage->wrong[ALERT_MODEM_LOST] = false;
        stage->result = -EIO;
        pass(stage, 3 * MIN);
        stage->wrong[ALERT_MODEM_LOST] = true;
        stage->result = 0;
        pass(stage, 3 * MIN);
        assert_int_equal(stage->n, 1);
        stage->wrong[ALERT_MODEM_LOST] = false;
        pass(stage, 5 * MIN);
        assert_int_equal(stage->n, 2);
        assert_int_equal(last(stage)->count, 2);
        assert_string_equal(last(stage)->next_action, "nothing: it is over");
}

/* It is back while its end is on its way into the spool: another alert, that flaps. */
static void test_comes_back_while_its_end_is_told(void **state)
{
        _stage_ stage = stage_new();
        (void)state;

        stage->wrong[ALERT_MODEM_LOST] = true;
        pass(stage, MIN);
        stage->wrong[ALERT_MODEM_LOST] = false;
        stage->silent = true;
        pass(stage, 2 * MIN);
        assert_int_equal(stage->n, 2);
        stage->wrong[ALERT_MODEM_LOST] = true;
        pass(stage, MIN);
        assert_int_equal(stage->n, 2);
        stage->silent = false;
        carry_out(stage);
        pass(stage, 2 * SEC);
        assert_int_equal(stage->n, 3);
        assert_int_equal(last(stage)->state, ALERT_FIRING);
        assert_int_equal(last(stage)->told, 0);
        assert_int_equal(last(stage)->count, 1);
        stage->wrong[ALERT_MODEM_LOST] = false;
        pass(stage, 14 * MIN);
        assert_int_equal(stage->n, 3);
        pass(stage, 2 * MIN);
        assert_int_equal(stage->n, 4);
}

static void test_answers_that_are_none(void **state)
{
        _stage_ stage = stage_new();
        (void)state;

        alert_book_spooled(&stage->book, "hold", 1, 0, stage->now);
        stage->silent = true;
        stage->wrong[ALERT_HOLD] = true;
        step(stage);
        alert_book_spooled(&stage->book, "hold", stage->waiting[0].generation + 1, 0, stage->now);
        alert_book_spooled(&stage->book, "smsd-down", stage->waiting[0].generation, 0, stage->now);
        assert_int_equal(stage->book.in_flight, 1);
        assert_non_null(alert_book_spooling(&stage->book, "hold", stage->waiting[0].generation));
        answer(stage, "hold", stage->waiting[0].generation);
        answer(stage, "hold", stage->waiting[0].generation);
        assert_int_equal(stage->book.in_flight, 0);
        assert_int_equal(stage->book.entries[0].alert.told, 1);
}

/* --- the book on the disk --- */

static void test_saved_when_it_changes(void **state)
{
        _stage_ stage = stage_new();
        (void)state;

        pass(stage, MIN);
        assert_int_equal(stage->saves, 0);
        stage->wrong[ALERT_SMSD_DOWN] = true;
        step(stage);
        assert_int_equal(stage->saves, 1); /* before it is told: a kill must not hide it */
        pass(stage, 5 * MIN);
        assert_int_equal(stage->saves, 2); /* it was told */
        stage->wrong[ALERT_SMSD_DOWN] = false;
        pass(stage, 5 * MIN);
        assert_int_equal(stage->saves, 3); /* it is over */
        assert_int_equal(stage->saves_in_flight, 0);
}

static void test_saving_fails(void **state)
{
        _stage_ stage = stage_new();
        (void)state;

        stage->save_result = -ENOSPC;
        stage->wrong[ALERT_SMSD_DOWN] = true;
        pass(stage, 5 * MIN);
        assert_int_equal(stage->n, 1); /* what is told does not wait for the book */
        assert_in_range(stage->saves, 20, 40);
        stage->save_result = 0;
        pass(stage, MIN);
        unsigned saves = stage->saves;
        pass(stage, 3 * MIN);
        assert_int_equal(stage->saves, saves);
}

/* Never while a message is on its way, and what is told next waits for it. */
static void test_saved_alone(void **state)
{
        _stage_ stage = stage_new();
        struct alert *alert = NULL;
        char subject[16];
        (void)state;

        for (unsigned i = 0; i < 70; i++) {
                (void)text_format(subject, sizeof(subject), "%u", i);
                assert_int_equal(alert_book_post(&stage->book, ALERT_TEST, subject, stage->now, &alert), 0);
        }
        stage->silent = true;
        step(stage);
        assert_int_equal(stage->saves, 1);
        assert_int_equal(stage->n, ALERTS_IN_FLIGHT);
        answer(stage, stage->waiting[0].key, stage->waiting[0].generation);
        pass(stage, MIN);
        assert_int_equal(stage->saves, 1);
        assert_int_equal(stage->n, ALERTS_IN_FLIGHT);
        stage->silent = false;
        for (unsigned i = 1; i < stage->n_waiting; i++)
                answer(stage, stage->waiting[i].key, stage->waiting[i].generation);
        stage->n_waiting = 0;
        pass(stage, MIN);
        assert_int_equal(stage->n, 70);
        assert_int_equal(stage->saves_in_flight, 0);
}

/* --- another life --- */

static struct alert earlier(enum alert_kind kind, unsigned n)
{
        struct alert alert = {.kind = kind, .severity = SEVERITY_CRITICAL, .told = n, .count = 3, .since = 7};

        (void)text_copy(alert.key, sizeof(alert.key), alert_kind_to_string(kind));
        (void)text_copy(alert.summary, sizeof(alert.summary), "of an earlier life");
        return alert;
}

static void test_restored_and_still_wrong(void **state)
{
        _stage_ stage = stage_new();
        struct alert alert = earlier(ALERT_MODEM_LOST, 1);
        (void)state;

        alert_book_restore(&stage->book, &alert, true, stage->now);
        pass(stage, MIN); /* the modem is looked for */
        stage->wrong[ALERT_MODEM_LOST] = true;
        pass(stage, 30 * MIN);
        assert_int_equal(stage->n, 0);
        stage->wrong[ALERT_MODEM_LOST] = false;
        pass(stage, 2 * MIN);
        assert_int_equal(stage->n, 1);
        assert_int_equal(last(stage)->state, ALERT_RESOLVED);
        assert_int_equal(last(stage)->since, 7);
        assert_int_equal(last(stage)->count, 3);
}

static void test_restored_and_over(void **state)
{
        static const struct {
                enum alert_kind kind;
                usec_t earliest, latest;
        } cases[] = {{ALERT_HOLD, 0, SEC},
                     {ALERT_SMSD_DOWN, 0, SEC},
                     {ALERT_MODEM_LOST, ALERTS_GRACE, ALERTS_GRACE + MIN + 2 * SEC},
                     {ALERT_CONFIG_REFUSED, ALERTS_GRACE, ALERTS_GRACE + 2 * SEC}};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _stage_ stage = stage_new();
                struct alert alert = earlier(cases[i].kind, 1);
                alert_book_restore(&stage->book, &alert, true, stage->now);
                pass(stage, 10 * MIN);
                assert_int_equal(stage->n, 1);
                assert_int_equal(last(stage)->state, ALERT_RESOLVED);
                assert_in_range(stage->told[0].at - HOUR, cases[i].earliest, cases[i].latest);
                assert_int_equal(stage->book.n, 0);
        }
}

/* Not told by the life that saw it. */
static void test_restored_untold(void **state)
{
        (void)state;
        for (int heals = 0; heals < 2; heals++) {
                _stage_ stage = stage_new();
                struct alert alert = earlier(ALERT_SMSD_DOWN, 0);
                alert_book_restore(&stage->book, &alert, false, stage->now);
                stage->wrong[ALERT_SMSD_DOWN] = !heals;
                pass(stage, 30 * SEC);
                assert_int_equal(told(stage, ALERT_FIRING), 1);
                assert_int_equal(told(stage, ALERT_RESOLVED), heals);
                assert_string_equal(stage->told[0].alert.summary, "of an earlier life");
        }
}

static void test_restored_momentary(void **state)
{
        (void)state;
        for (int was_told = 0; was_told < 2; was_told++) {
                _stage_ stage = stage_new();
                struct alert alert = earlier(ALERT_MESSAGE_FAILED, 0);
                alert_book_restore(&stage->book, &alert, was_told, stage->now);
                pass(stage, 30 * SEC);
                assert_int_equal(stage->n, !was_told);
                assert_int_equal(stage->book.n, 0);
        }
}

/* A hold became critical, and the controller was killed before it could say so. */
static void test_restored_before_the_worse_news(void **state)
{
        _stage_ stage = stage_new();
        struct alert alert = earlier(ALERT_HOLD, 1);
        (void)state;

        alert_book_restore(&stage->book, &alert, false, stage->now);
        pass(stage, 10 * SEC);
        assert_int_equal(stage->n, 2);
        assert_int_equal(stage->told[0].alert.severity, SEVERITY_CRITICAL);
        assert_int_equal(stage->told[0].alert.state, ALERT_FIRING);
        assert_int_equal(stage->told[1].alert.state, ALERT_RESOLVED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_delay),
            cmocka_unit_test(test_decided),
            cmocka_unit_test(test_decided_late),
            cmocka_unit_test(test_repeats),
            cmocka_unit_test(test_end_after_quiet),
            cmocka_unit_test(test_heals_before_it_is_told),
            cmocka_unit_test(test_flapping),
            cmocka_unit_test(test_flapping_without_quiet),
            cmocka_unit_test(test_escalation),
            cmocka_unit_test(test_escalation_that_heals),
            cmocka_unit_test(test_close),
            cmocka_unit_test(test_keep),
            cmocka_unit_test(test_momentary),
            cmocka_unit_test(test_long_subjects),
            cmocka_unit_test(test_full_book),
            cmocka_unit_test(test_spool_failure),
            cmocka_unit_test(test_resolve_fails_and_it_comes_back),
            cmocka_unit_test(test_comes_back_while_its_end_is_told),
            cmocka_unit_test(test_answers_that_are_none),
            cmocka_unit_test(test_saved_when_it_changes),
            cmocka_unit_test(test_saving_fails),
            cmocka_unit_test(test_saved_alone),
            cmocka_unit_test(test_restored_and_still_wrong),
            cmocka_unit_test(test_restored_and_over),
            cmocka_unit_test(test_restored_untold),
            cmocka_unit_test(test_restored_momentary),
            cmocka_unit_test(test_restored_before_the_worse_news),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
