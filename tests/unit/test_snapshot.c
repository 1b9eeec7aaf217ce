/*
 * The walk over a snapshot: its keys and their order are the documented schema, what one visitor writes
 * another reads back, and words and exit codes fit the verdicts.
 */
#include "core/snapshot.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MODEM_KEYS                                                                                           \
        "{name state model firmware imei imsi usb device interface iccid sim registration operator "         \
        "technology band signal_dbm storage{used total } reason recovery{state step text next_at "           \
        "resets_left_hour resets_left_day } } "

/* One modem, one handler, one device that is not used. New keys stand behind the old ones of their object. */
static const char schema[] =
    "{schema controller{running mode version config } verdict reason next_action can_send can_receive "
    "smsd{running pid since handlers[{modem pid device state } ] unit{name active sub } last_error } "
    "hold{active by reason since until source } "
    "modems[" MODEM_KEYS "] "
    "restarts{total last{at cause result ms problem } } "
    "alerts{waiting delivered last parked dropped open[{key severity summary since count } ] "
    "receivers[{name type delivered parked last_delivered failing_since problem test test_delivered } ] } "
    "queues{outgoing checked failed incoming oldest_s } "
    "traffic{last_sent last_received } "
    "other_modems[" MODEM_KEYS "] } ";

/* --- a visitor that writes the keys down --- */

struct keys {
        char text[4096];
};

static int add(void *userdata, const char *key, const char *end)
{
        struct keys *keys = userdata;

        return text_append(keys->text, sizeof(keys->text), "%s%s", key ? key : "", end);
}

static int key_object(void *userdata, const char *key)
{
        return add(userdata, key, "{");
}

static int key_end_object(void *userdata)
{
        return add(userdata, NULL, "} ");
}

static int key_array(void *userdata, const char *key, unsigned *n _unused_, unsigned max _unused_)
{
        return add(userdata, key, "[");
}

static int key_end_array(void *userdata)
{
        return add(userdata, NULL, "] ");
}

static int key_boolean(void *userdata, const char *key, bool *value _unused_)
{
        return add(userdata, key, " ");
}

static int key_number(void *userdata, const char *key, int64_t *value _unused_, int64_t null_value _unused_)
{
        return add(userdata, key, " ");
}

static int key_text(void *userdata, const char *key, char *value _unused_, size_t size _unused_)
{
        return add(userdata, key, " ");
}

static int key_time(void *userdata, const char *key, snapshot_time_t *value _unused_)
{
        return add(userdata, key, " ");
}

static const struct snapshot_visitor key_visitor = {
    .begin_object = key_object,
    .end_object = key_end_object,
    .begin_array = key_array,
    .end_array = key_end_array,
    .boolean = key_boolean,
    .number = key_number,
    .text = key_text,
    .time = key_time,
};

/* --- a tape: one visitor records every value, the other plays it back --- */

struct entry {
        char key[32];
        int64_t number;
        char text[400];
};

struct tape {
        unsigned n, at;
        bool playing;
        int fail_at; /* the walk ends there with -EIO; -1 never */
        struct entry entries[4096];
};

static int step(struct tape *tape, const char *key, struct entry **ret_entry)
{
        if ((int)tape->at == tape->fail_at)
                return -EIO;
        *ret_entry = &tape->entries[tape->at++];
        if (tape->playing)
                assert_string_equal((*ret_entry)->key, key ? key : "-");
        else
                (void)text_copy((*ret_entry)->key, sizeof((*ret_entry)->key), key ? key : "-");
        return 0;
}

static int tape_mark(void *userdata, const char *key)
{
        struct entry *entry;

        return step(userdata, key, &entry);
}

static int tape_end(void *userdata)
{
        return tape_mark(userdata, "end");
}

static int tape_number(void *userdata, const char *key, int64_t *value, int64_t null_value _unused_)
{
        struct tape *tape = userdata;
        struct entry *entry;
        int r = step(tape, key, &entry);

        if (r < 0)
                return r;
        if (tape->playing)
                *value = entry->number;
        else
                entry->number = *value;
        return 0;
}

static int tape_array(void *userdata, const char *key, unsigned *n, unsigned max)
{
        int64_t wide = *n;
        int r = tape_number(userdata, key, &wide, -1);

        assert_true(wide <= max);
        *n = (unsigned)wide;
        return r;
}

static int tape_boolean(void *userdata, const char *key, bool *value)
{
        int64_t wide = *value;
        int r = tape_number(userdata, key, &wide, -1);

        *value = wide;
        return r;
}

static int tape_time(void *userdata, const char *key, snapshot_time_t *value)
{
        return tape_number(userdata, key, value, 0);
}

static int tape_text(void *userdata, const char *key, char *value, size_t size)
{
        struct tape *tape = userdata;
        struct entry *entry;
        int r = step(tape, key, &entry);

        if (r < 0)
                return r;
        if (tape->playing)
                return text_copy(value, size, entry->text);
        return text_copy(entry->text, sizeof(entry->text), value);
}

static const struct snapshot_visitor tape_visitor = {
    .begin_object = tape_mark,
    .end_object = tape_end,
    .begin_array = tape_array,
    .end_array = tape_end,
    .boolean = tape_boolean,
    .number = tape_number,
    .text = tape_text,
    .time = tape_time,
};

/* --- tests --- */

static void test_schema(void **state _unused_)
{
        _cleanup_free_ struct snapshot *s = malloc(sizeof(*s));
        struct keys keys = {.text = ""};

        snapshot_init(s);
        s->n_modems = s->n_others = s->smsd.n_handlers = s->alerts.n_open = s->alerts.n_receivers = 1;
        assert_int_equal(snapshot_visit(s, &key_visitor, &keys), 0);
        assert_string_equal(keys.text, schema);
}

/* Every byte that a visitor can reach has another value. */
static void fill(struct snapshot *s)
{
        snapshot_init(s);
        s->controller.running = true;
        (void)text_copy(s->controller.mode, sizeof(s->controller.mode), "observe");
        s->verdict = VERDICT_RECOVERING;
        memset(s->reason, 'r', sizeof(s->reason) - 1);
        s->can_receive = true;
        s->smsd.pid = INT32_MAX;
        s->smsd.since = INT64_MAX;
        s->smsd.n_handlers = 2;
        s->smsd.handlers[1].pid = 7;
        s->n_modems = SMSD_MODEMS_MAX;
        s->modems[63].interface = -1;
        s->modems[63].signal_dbm = INT32_MIN;
        s->modems[63].storage_total = 255;
        (void)text_copy(s->modems[63].operator_name, sizeof(s->modems[63].operator_name), "\xc5\xbdmog");
        s->n_others = 8;
        s->restarts.total = UINT32_MAX;
        s->restarts.last.ms = -1;
        s->queues.failed = INT64_MAX;
        s->traffic.last_received = -1;
        (void)text_copy(s->others[7].imsi, sizeof(s->others[7].imsi), "262010000000000");
}

static void test_round_trip(void **state _unused_)
{
        _cleanup_free_ struct snapshot *from = malloc(sizeof(*from)), *to = malloc(sizeof(*to));
        _cleanup_free_ struct tape *tape = calloc(1, sizeof(*tape));

        fill(from);
        memset(to, 0, sizeof(*to));
        tape->fail_at = -1;
        assert_int_equal(snapshot_visit(from, &tape_visitor, tape), 0);
        tape->playing = true;
        tape->at = 0;
        assert_int_equal(snapshot_visit(to, &tape_visitor, tape), 0);
        assert_memory_equal(from, to, sizeof(*to));
}

static void test_error_ends_the_walk(void **state _unused_)
{
        _cleanup_free_ struct snapshot *s = malloc(sizeof(*s));
        _cleanup_free_ struct tape *tape = calloc(1, sizeof(*tape));

        snapshot_init(s);
        s->n_modems = s->n_others = s->smsd.n_handlers = s->alerts.n_open = s->alerts.n_receivers = 1;
        tape->fail_at = -1;
        assert_int_equal(snapshot_visit(s, &tape_visitor, tape), 0);
        unsigned steps = tape->at;
        assert_true(steps > 100);
        for (unsigned i = 0; i < steps; i++) {
                tape->fail_at = (int)i;
                tape->at = 0;
                assert_int_equal(snapshot_visit(s, &tape_visitor, tape), -EIO);
                assert_int_equal(tape->at, i);
        }
}

/* Where the entry `key` lies on the tape. */
static struct entry *find_entry(struct tape *tape, const char *key)
{
        for (unsigned i = 0; i < tape->at; i++)
                if (text_equal(tape->entries[i].key, key))
                        return &tape->entries[i];
        return NULL;
}

static void test_foreign_values_are_checked(void **state _unused_)
{
        static const struct {
                const char *key;
                int64_t number;
                const char *text;
                int result;
        } cases[] = {
            {"pid", (int64_t)INT32_MAX + 1, "", -ERANGE},
            {"pid", (int64_t)INT32_MIN - 1, "", -ERANGE},
            {"total", -1, "", -ERANGE},
            {"total", (int64_t)UINT32_MAX + 1, "", -ERANGE},
            {"verdict", 0, "splendid", -EINVAL},
            {"verdict", 0, "", -EINVAL},
            {"verdict", 0, "held", 0},
        };
        _cleanup_free_ struct snapshot *s = malloc(sizeof(*s));
        _cleanup_free_ struct tape *tape = calloc(1, sizeof(*tape));

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                snapshot_init(s);
                memset(tape, 0, sizeof(*tape));
                tape->fail_at = -1;
                assert_int_equal(snapshot_visit(s, &tape_visitor, tape), 0);
                struct entry *entry = find_entry(tape, cases[i].key);
                assert_non_null(entry);
                entry->number = cases[i].number;
                (void)text_copy(entry->text, sizeof(entry->text), cases[i].text);
                tape->playing = true;
                tape->at = 0;
                assert_int_equal(snapshot_visit(s, &tape_visitor, tape), cases[i].result);
        }
}

static void test_verdicts(void **state _unused_)
{
        static const struct {
                enum verdict verdict;
                const char *word;
                int exit_code;
        } cases[] = {
            {VERDICT_WORKING, "working", 0},
            {VERDICT_DEGRADED, "degraded", 1},
            {VERDICT_RECOVERING, "recovering", 1},
            {VERDICT_HELD, "held", 3},
            {VERDICT_DOWN, "down", 2},
        };
        enum verdict verdict = VERDICT_HELD;

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_string_equal(verdict_to_string(cases[i].verdict), cases[i].word);
                assert_int_equal(verdict_from_string(cases[i].word, &verdict), 0);
                assert_int_equal(verdict, cases[i].verdict);
                assert_int_equal(verdict_exit_code(cases[i].verdict), cases[i].exit_code);
        }
        verdict = VERDICT_HELD;
        assert_int_equal(verdict_from_string("Working", &verdict), -EINVAL);
        assert_int_equal(verdict, VERDICT_HELD);
        assert_string_equal(verdict_to_string((enum verdict)77), "?");
        assert_int_equal(verdict_exit_code((enum verdict)77), 2);
}

static void test_init_is_unknown(void **state _unused_)
{
        _cleanup_free_ struct snapshot *s = malloc(sizeof(*s));

        memset(s, 0xff, sizeof(*s));
        snapshot_init(s);
        assert_int_equal(s->schema, SNAPSHOT_SCHEMA);
        assert_int_equal(s->verdict, VERDICT_DOWN);
        assert_false(s->can_send);
        assert_int_equal(s->queues.outgoing, -1);
        assert_int_equal(s->queues.oldest_s, -1);
        assert_int_equal(s->n_modems, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_schema),
            cmocka_unit_test(test_round_trip),
            cmocka_unit_test(test_error_ends_the_walk),
            cmocka_unit_test(test_foreign_values_are_checked),
            cmocka_unit_test(test_verdicts),
            cmocka_unit_test(test_init_is_unknown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
