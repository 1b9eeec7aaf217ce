/* Which modem sits in which slot, and when a guard keeps smsd away from it. */
#include "core/slot.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct slots slots;
static struct modem modems[MODEMS_MAX];

static int setup(void **state)
{
        (void)state;
        memset(&slots, 0, sizeof(slots));
        for (unsigned i = 0; i < MODEMS_MAX; i++)
                modem_init(&modems[i]);
        return 0;
}

static void configure(unsigned n, const enum match_kind *matches, const char *const *values)
{
        static struct config config;

        config_init(&config);
        config.n_modems = n;
        for (unsigned i = 0; i < n; i++) {
                char name[8];
                (void)text_format(name, sizeof(name), "GSM%u", i + 1);
                modem_config_init(&config.modems[i], name);
                config.modems[i].match = matches ? matches[i] : MATCH_AUTO;
                if (values)
                        (void)text_copy(config.modems[i].match_value, DEVICE_NODE_MAX, values[i]);
        }
        assert_int_equal(slots_configure(&slots, &config, NULL, 0), 0);
}

static struct modem *ready(unsigned i, const char *path, const char *imei, const char *profile)
{
        struct modem *modem = &modems[i];

        modem->state = MODEM_READY;
        modem->profile = profile_by_name(NULL, profile);
        (void)text_copy(modem->device.path, sizeof(modem->device.path), path);
        (void)text_copy(modem->facts.imei, sizeof(modem->facts.imei), imei);
        (void)text_format(modem->target, sizeof(modem->target), "/dev/ttyUSB%u", 2 + 4 * i);
        (void)text_copy(modem->node, sizeof(modem->node), modem->target);
        modem->facts.sim = SIM_READY;
        return modem;
}

static void bind(void)
{
        (void)slots_bind(&slots, modems, MODEMS_MAX);
}

static void test_family_then_path(void **state)
{
        static const char *const paths[] = {"1-1.10", "1-1.9", "1-1.2"}; /* .2 before .9 before .10 */
        (void)state;

        configure(3, NULL, NULL);
        for (unsigned i = 0; i < 3; i++)
                (void)ready(i, paths[i], "", "quectel-ec2x");
        (void)ready(3, "1-1.1", "", "simcom-sim7x00");
        bind();
        assert_int_equal(slots.items[0].modem, 2);
        assert_int_equal(slots.items[1].modem, 1);
        assert_int_equal(slots.items[2].modem, 0);
        assert_null(slots_of_modem(&slots, 3));
}

static void test_memory_comes_first(void **state)
{
        (void)state;

        configure(2, NULL, NULL);
        (void)text_copy(slots.items[0].record.imei, 16, "222222222222222");
        (void)text_copy(slots.items[1].record.imei, 16, "111111111111111");
        (void)ready(0, "1-1.1", "111111111111111", "quectel-ec2x");
        (void)ready(1, "1-1.2", "222222222222222", "quectel-ec2x");
        bind();
        assert_int_equal(slots.items[0].modem, 1);
        assert_int_equal(slots.items[1].modem, 0);
}

static void test_bindings_are_stable(void **state)
{
        (void)state;

        configure(1, NULL, NULL);
        (void)ready(0, "1-1.2", "", "quectel-ec2x");
        bind();
        (void)ready(1, "1-1.1", "", "quectel-ec2x"); /* would have come first */
        bind();
        assert_int_equal(slots.items[0].modem, 0);
        modems[0].state = MODEM_PROBING; /* asked again: it stays where it is */
        bind();
        assert_int_equal(slots.items[0].modem, 0);
        assert_false(slot_startable(&slots.items[0], modems));
        modems[0].state = MODEM_ABSENT;
        bind();
        assert_int_equal(slots.items[0].modem, 1);
}

static void test_explicit_matches(void **state)
{
        static const struct {
                enum match_kind match;
                const char *value;
                int bound;
        } cases[] = {
            {MATCH_USB, "1-1.2", 1},
            {MATCH_USB, "1-1.3", -1},
            {MATCH_IMEI, "222222222222222", 1},
            {MATCH_IMEI, "333", -1},
            {MATCH_IMSI, "246012345678901", 0},
            {MATCH_DEVICE, "/dev/ttyAMA0", 2},
            {MATCH_DEVICE, "/x", -1},
            {MATCH_AUTO, "", 0},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                (void)setup(NULL);
                configure(1, &cases[i].match, &cases[i].value);
                (void)text_copy(ready(0, "1-1.1", "111111111111111", "quectel-ec2x")->facts.imsi, 16,
                                "246012345678901");
                (void)ready(1, "1-1.2", "222222222222222", "quectel-ec2x");
                struct modem *fixed = ready(2, "", "", "generic");
                fixed->fixed = true;
                (void)text_copy(fixed->node, sizeof(fixed->node), "/dev/ttyAMA0");
                bind();
                assert_int_equal(slots.items[0].modem, cases[i].bound);
        }
}

static void test_claimed_is_not_free(void **state)
{
        static const enum match_kind matches[] = {MATCH_AUTO, MATCH_USB};
        static const char *const values[] = {"", "1-1.1"};
        (void)state;

        configure(2, matches, values);
        (void)ready(0, "1-1.1", "", "quectel-ec2x");
        bind();
        assert_int_equal(slots.items[0].modem, -1);
        assert_int_equal(slots.items[1].modem, 0);
}

static void test_better_family_is_waited_for(void **state)
{
        (void)state;

        configure(1, NULL, NULL);
        (void)ready(0, "1-1.1", "", "simcom-sim7x00");
        ready(1, "1-1.2", "", "quectel-ec2x")->state = MODEM_PROBING;
        bind();
        assert_int_equal(slots.items[0].modem, -1);
        modems[1].state = MODEM_FAILED;
        bind();
        assert_int_equal(slots.items[0].modem, 0);
}

static void test_reload_keeps_what_is_known(void **state)
{
        static const enum match_kind matches[] = {MATCH_AUTO, MATCH_AUTO};
        (void)state;

        configure(2, matches, NULL);
        slots.items[1].record.guard = GUARD_PUK;
        configure(2, NULL, NULL);
        assert_int_equal(slots_find(&slots, "GSM2")->record.guard, GUARD_PUK);
        configure(1, NULL, NULL);
        assert_null(slots_find(&slots, "GSM2"));
}

/* Which SIM, which memory, which PIN: may smsd be started by itself, asked by a person, by force? */
static void test_guards(void **state)
{
        static const struct {
                enum sim_state sim;
                int attempts;
                enum guard remembered;
                bool has_pin, other_pin;
                enum guard alone, asked;
        } cases[] = {
            {SIM_READY, -1, GUARD_NONE, true, false, GUARD_NONE, GUARD_NONE},
            {SIM_PIN, 3, GUARD_NONE, true, false, GUARD_NONE, GUARD_NONE},
            {SIM_PIN, -1, GUARD_NONE, true, false, GUARD_NONE, GUARD_NONE},
            {SIM_PIN, 2, GUARD_NONE, true, false, GUARD_PIN_ATTEMPTS, GUARD_PIN_ATTEMPTS},
            {SIM_PIN, 3, GUARD_NONE, false, false, GUARD_PIN_MISSING, GUARD_PIN_MISSING},
            {SIM_PUK, 0, GUARD_NONE, true, false, GUARD_PUK, GUARD_PUK},
            {SIM_PIN, 2, GUARD_PIN_REFUSED, true, false, GUARD_PIN_REFUSED, GUARD_PIN_REFUSED},
            {SIM_UNKNOWN, -1, GUARD_PIN_REFUSED, true, false, GUARD_PIN_REFUSED, GUARD_PIN_REFUSED},
            {SIM_UNKNOWN, -1, GUARD_PUK, true, false, GUARD_PUK, GUARD_PUK},
            {SIM_PIN, 2, GUARD_PIN_REFUSED, true, true, GUARD_PIN_ATTEMPTS, GUARD_NONE}, /* corrected */
            {SIM_PIN, 2, GUARD_PIN_REFUSED, false, true, GUARD_PIN_REFUSED, GUARD_PIN_REFUSED},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                (void)setup(NULL);
                configure(1, NULL, NULL);
                struct modem *modem = ready(0, "1-1.1", "", "quectel-ec2x");
                struct slot *slot = &slots.items[0];
                bind();
                modem->facts.sim = cases[i].sim;
                modem->facts.pin_attempts = cases[i].attempts;
                slot->record.guard = cases[i].remembered;
                slot->record.guard_pin = 5;
                slot->has_pin = cases[i].has_pin;
                slot->pin = cases[i].has_pin ? (cases[i].other_pin ? 6 : 5) : 0;
                assert_int_equal(slot_guard(slot, modems), cases[i].alone);
                assert_int_equal(slot_startable(slot, modems), cases[i].alone == GUARD_NONE);
                slot->asked = true;
                assert_int_equal(slot_guard(slot, modems), cases[i].asked);
                slot->pass_guard = true;
                assert_int_equal(slot_guard(slot, modems), GUARD_NONE);
        }
}

/* Two modems changed places: a handler on the tty is one slot's, never still the other's too. */
static void test_a_tty_serves_one_slot(void **state)
{
        (void)state;
        configure(2, NULL, NULL);
        slots_set_serving(&slots, &slots.items[0], "/dev/ttyUSB2");
        slots_set_serving(&slots, &slots.items[1], "/dev/ttyUSB6");
        slots_set_serving(&slots, &slots.items[1], "/dev/ttyUSB2");
        assert_string_equal(slots.items[0].serving, "");
        assert_string_equal(slots.items[1].serving, "/dev/ttyUSB2");
        slots_set_serving(&slots, &slots.items[1], "/dev/ttyUSB2");
        assert_string_equal(slots.items[1].serving, "/dev/ttyUSB2");
}

/* pin_imei: the right modem comes first, a strange one sits there to be told of, makes place, and takes no
 * place of others. */
static void test_a_pinned_modem(void **state)
{
        (void)state;
        configure(2, NULL, NULL);
        struct slot *pinned = &slots.items[0];
        (void)text_copy(pinned->config.pin_imei, sizeof(pinned->config.pin_imei), "222222222222222");
        (void)ready(0, "1-1.1", "111111111111111", "quectel-ec2x");
        bind();
        assert_int_equal(pinned->modem, -1);
        assert_int_equal(slots.items[1].modem, 0);

        (void)ready(2, "1-1.3", "333333333333333", "quectel-ec2x");
        bind();
        assert_int_equal(pinned->modem, 2);
        assert_int_equal(slot_guard(pinned, modems), GUARD_STRANGE);
        assert_false(slot_startable(pinned, modems));
        pinned->pass_guard = true;
        assert_true(slot_startable(pinned, modems));
        pinned->pass_guard = false;

        (void)ready(1, "1-1.2", "222222222222222", "simcom-sim7x00");
        bind();
        assert_int_equal(pinned->modem, 1);
        assert_true(slot_startable(pinned, modems));
        assert_int_equal(slots.items[1].modem, 0);
}

/* Who does not tell an IMEI is not let in; who was not asked yet is not started on, and not accused. */
static void test_a_pinned_modem_without_imei(void **state)
{
        (void)state;
        configure(1, NULL, NULL);
        (void)text_copy(slots.items[0].config.pin_imei, 16, "222222222222222");
        struct modem *modem = ready(0, "1-1.1", "", "quectel-ec2x");
        bind();
        assert_int_equal(slot_guard(&slots.items[0], modems), GUARD_NONE);
        assert_false(slot_startable(&slots.items[0], modems));
        modem->proven = true;
        assert_int_equal(slot_guard(&slots.items[0], modems), GUARD_STRANGE);
        /* The check digit is not always told. */
        (void)text_copy(modem->facts.imei, sizeof(modem->facts.imei), "22222222222222");
        assert_true(slot_startable(&slots.items[0], modems));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup(test_family_then_path, setup),
            cmocka_unit_test_setup(test_memory_comes_first, setup),
            cmocka_unit_test_setup(test_bindings_are_stable, setup),
            cmocka_unit_test_setup(test_explicit_matches, setup),
            cmocka_unit_test_setup(test_claimed_is_not_free, setup),
            cmocka_unit_test_setup(test_better_family_is_waited_for, setup),
            cmocka_unit_test_setup(test_reload_keeps_what_is_known, setup),
            cmocka_unit_test_setup(test_guards, setup),
            cmocka_unit_test_setup(test_a_tty_serves_one_slot, setup),
            cmocka_unit_test_setup(test_a_pinned_modem, setup),
            cmocka_unit_test_setup(test_a_pinned_modem_without_imei, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
