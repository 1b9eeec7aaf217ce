/* One outage, one id: from the first trouble until SMS works again; and the table of record kinds. */
#include "rig.h"

#include "core/incident.h"

static struct action *tell(struct action_list *actions, enum record_kind kind)
{
        return action_record(actions, kind, SEVERITY_WARNING, NULL, "x");
}

static void test_begins_and_ends(void **state)
{
        struct incident incident = {0};
        struct action_list *actions = calloc(1, sizeof(*actions));
        (void)state;

        assert_non_null(actions);
        struct action *died = tell(actions, RECORD_SMSD_DIED);
        assert_true(incident_concerns(&incident, actions));
        incident_update(&incident, false, USEC_PER_MIN, actions);
        assert_int_equal(incident.id, USEC_PER_MIN);
        assert_int_equal(died->record.incident, USEC_PER_MIN);

        action_list_init(actions);
        struct action *started = tell(actions, RECORD_SMSD_STARTED);
        incident_update(&incident, true, USEC_PER_MIN + 2 * USEC_PER_SEC, actions);
        assert_int_equal(started->record.incident, USEC_PER_MIN);
        assert_int_equal(actions->n, 2);
        assert_int_equal(actions->items[1].record.kind, RECORD_WORKING_AGAIN);
        assert_int_equal(actions->items[1].record.duration, 2 * USEC_PER_SEC);
        assert_int_equal(actions->items[1].record.incident, USEC_PER_MIN);
        assert_string_equal(actions->items[1].record.message, "SMS works again after 2s");
        assert_int_equal(incident.id, 0);

        action_list_init(actions);
        assert_false(incident_concerns(&incident, actions));
        free(actions);
}

/* A second modem that cannot be used beside one that works, and what is no trouble, begin none. */
static void test_no_trouble_no_incident(void **state)
{
        struct incident incident = {0};
        struct action_list *actions = calloc(1, sizeof(*actions));
        (void)state;

        assert_non_null(actions);
        (void)tell(actions, RECORD_MODEM_UNUSABLE);
        incident_update(&incident, true, USEC_PER_MIN, actions);
        assert_int_equal(incident.id, 0);
        assert_int_equal(actions->n, 1);
        action_list_init(actions);
        (void)tell(actions, RECORD_CONFIG_BAD);
        incident_update(&incident, false, USEC_PER_MIN, actions);
        assert_int_equal(incident.id, 0);
        free(actions);
}

/* A crash in the gateway: the death, the start and the end are one incident; the next crash is another. */
static void test_crash_is_one_incident(void **state)
{
        _cleanup_(rig_free) struct rig *rig = rig_working();
        usec_t first;
        (void)state;

        rig_forget(rig);
        for (unsigned i = rig->list.n; i-- > 0;)
                rig_exit(rig, i, -SIGKILL, true);
        rig_go(rig);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_non_null(strstr(rig->told, "SMS works again after "));
        first = rig->last[ACTION_RECORD].record.incident;
        assert_int_equal(rig->last[ACTION_RECORD].record.kind, RECORD_WORKING_AGAIN);
        assert_true(first > 0);

        rig_wait(rig, USEC_PER_HOUR);
        rig_forget(rig);
        for (unsigned i = rig->list.n; i-- > 0;)
                rig_exit(rig, i, -SIGKILL, true);
        rig_go(rig);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->last[ACTION_RECORD].record.kind, RECORD_WORKING_AGAIN);
        assert_true(rig->last[ACTION_RECORD].record.incident > first);
}

/* A hold is an incident too, as long as it lasts. */
static void test_hold_is_an_incident(void **state)
{
        _cleanup_(rig_free) struct rig *rig = rig_working();
        (void)state;

        rig_command(rig, COMMAND_STOP, 1, false);
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_null(strstr(rig->told, "SMS works again"));
        rig_command(rig, COMMAND_START, 2, false);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_non_null(strstr(rig->told, "SMS works again after 5min"));
}

static void test_kinds_have_names(void **state)
{
        (void)state;

        for (unsigned i = 0; i < RECORD_KIND_MAX; i++) {
                assert_string_not_equal(record_kind_to_string((enum record_kind)i), "?");
                for (unsigned j = 0; j < i; j++)
                        assert_string_not_equal(record_kind_to_string((enum record_kind)i),
                                                record_kind_to_string((enum record_kind)j));
        }
        assert_string_equal(record_kind_to_string(RECORD_KIND_MAX), "?");
        assert_string_equal(record_kind_topic(RECORD_KIND_MAX), "?");
        assert_string_equal(record_kind_topic(RECORD_HOLD_BROKEN), "hold");
        assert_true(record_kind_is_trouble(RECORD_SMSD_DIED));
        assert_false(record_kind_is_trouble(RECORD_WORKING_AGAIN));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_begins_and_ends),       cmocka_unit_test(test_no_trouble_no_incident),
            cmocka_unit_test(test_crash_is_one_incident), cmocka_unit_test(test_hold_is_an_incident),
            cmocka_unit_test(test_kinds_have_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
