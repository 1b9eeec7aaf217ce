/* What smsd.conf should say for these slots and modems: text in, text out. */
#include "core/conf_plan.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "devices = GSM1, GSM2\n"
#define GSM1 "[GSM1]\n# first\ndevice = /dev/ttyUSB2\npin = 1111\n"
#define GSM2 "[GSM2]\ndevice = /dev/ttyUSB6\n"

static struct slots slots;
static struct modem modems[MODEMS_MAX];

static int setup(void **state)
{
        (void)state;
        memset(&slots, 0, sizeof(slots));
        slots.n = 2;
        for (unsigned i = 0; i < MODEMS_MAX; i++)
                modem_init(&modems[i]);
        for (unsigned i = 0; i < slots.n; i++) {
                char name[8];
                (void)text_format(name, sizeof(name), "GSM%u", i + 1);
                modem_config_init(&slots.items[i].config, name);
                modem_record_init(&slots.items[i].record, name);
                slots.items[i].modem = -1;
        }
        return 0;
}

static void sits(unsigned slot, const char *node)
{
        struct modem *modem = &modems[slot];

        slots.items[slot].modem = (int)slot;
        modem->state = MODEM_READY;
        modem->facts.sim = SIM_READY;
        modem->profile = profile_by_name(NULL, "quectel-ec2x");
        (void)text_copy(modem->node, sizeof(modem->node), node);
}

/* `wanted` NULL: nothing to change. */
static void check(const char *before, const char *wanted)
{
        struct smsd_conf conf = {before, strlen(before)};
        struct smsd_conf_error error;
        _cleanup_free_ char *text = NULL;
        size_t length = 0;
        int r = conf_plan_edit(&conf, &slots, modems, &text, &length, &error);

        assert_int_equal(r, wanted ? 1 : 0);
        if (!wanted)
                return;
        assert_int_equal(length, strlen(wanted));
        assert_memory_equal(text, wanted, length);
}

static void test_only_the_device_line(void **state)
{
        (void)state;

        sits(0, "/dev/ttyUSB2");
        sits(1, "/dev/ttyUSB6");
        check(HEAD GSM1 GSM2, NULL);
        sits(0, "/dev/ttyUSB3");
        check(HEAD GSM1 GSM2, HEAD "[GSM1]\n# first\ndevice = /dev/ttyUSB3\npin = 1111\n" GSM2);
}

static void test_absent_modem_keeps_its_line(void **state)
{
        (void)state;

        sits(0, "/dev/ttyUSB2");
        check(HEAD GSM1 GSM2, NULL);
}

/* Two sections on one device are fatal for smsd: the one without a modem gives way. */
static void test_collision_is_parked(void **state)
{
        (void)state;

        sits(0, "/dev/ttyUSB6");
        check(HEAD GSM1 GSM2, HEAD "[GSM1]\n# first\ndevice = /dev/ttyUSB6\npin = 1111\n"
                                   "[GSM2]\ndevice = /dev/smswarden/GSM2-parked\n");
}

/* The line that is left over names the port by its number, the modem that came by its stable name. */
static void test_collision_behind_a_stable_name_is_parked(void **state)
{
        (void)state;

        sits(0, "/dev/smswarden/1-1-at");
        (void)text_copy(modems[0].target, sizeof(modems[0].target), "/dev/ttyUSB6");
        check(HEAD GSM1 GSM2, HEAD "[GSM1]\n# first\ndevice = /dev/smswarden/1-1-at\npin = 1111\n"
                                   "[GSM2]\ndevice = /dev/smswarden/GSM2-parked\n");
}

static void test_two_swap(void **state)
{
        (void)state;

        sits(0, "/dev/ttyUSB6");
        sits(1, "/dev/ttyUSB2");
        check(HEAD GSM1 GSM2,
              HEAD "[GSM1]\n# first\ndevice = /dev/ttyUSB6\npin = 1111\n[GSM2]\ndevice = /dev/ttyUSB2\n");
}

static void test_guarded_is_parked(void **state)
{
        (void)state;

        sits(0, "/dev/ttyUSB2");
        sits(1, "/dev/ttyUSB6");
        modems[0].facts.sim = SIM_PUK;
        check(HEAD GSM1 GSM2, HEAD "[GSM1]\n# first\ndevice = /dev/smswarden/GSM1-parked\npin = 1111\n" GSM2);
        slots.items[0].pass_guard = true;
        check(HEAD GSM1 GSM2, NULL);
}

/* While nobody knows who sits there, or it is being set up, the smsd of the other slots must not take its
 * port. */
static void test_unasked_is_parked_when_that_matters(void **state)
{
        (void)state;

        sits(0, "/dev/ttyUSB2");
        sits(1, "/dev/ttyUSB6");
        modems[0].state = MODEM_PROBING;
        check(HEAD GSM1 GSM2, NULL);
        slots.items[0].wary = true;
        check(HEAD GSM1 GSM2, HEAD "[GSM1]\n# first\ndevice = /dev/smswarden/GSM1-parked\npin = 1111\n" GSM2);
}

static void test_slot_that_smsd_does_not_know(void **state)
{
        (void)state;

        sits(0, "/dev/ttyUSB2");
        sits(1, "/dev/ttyUSB9");
        check("devices = GSM1\n" GSM1, NULL);
}

static void test_profile_only_when_asked(void **state)
{
        struct smsd_conf conf = {HEAD GSM1 GSM2, strlen(HEAD GSM1 GSM2)};
        struct smsd_conf_error error;
        _cleanup_free_ char *text = NULL;
        size_t length = 0;
        (void)state;

        sits(0, "/dev/ttyUSB2");
        slots.items[0].config.manage = MANAGE_PROFILE;
        assert_int_equal(conf_plan_edit(&conf, &slots, modems, &text, &length, &error), 1);
        struct smsd_conf after = {text, length};
        char value[64];
        for (const struct smsd_setting *s = modems[0].profile->settings; s->key[0]; s++) {
                assert_int_equal(smsd_conf_get(&after, "GSM1", s->key, value, sizeof(value)), 0);
                assert_string_equal(value, s->value);
                assert_int_equal(smsd_conf_get(&after, "GSM2", s->key, value, sizeof(value)), -ENOENT);
        }
        assert_int_equal(smsd_conf_get(&after, NULL, "loglevel", value, sizeof(value)), 0);
        assert_string_equal(value, "5");
        check(text, NULL); /* and then it is as it should be */
}

/* A node's name comes from udev: it can never add a line. */
static void test_hostile_node(void **state)
{
        struct smsd_conf conf = {HEAD GSM1 GSM2, strlen(HEAD GSM1 GSM2)};
        struct smsd_conf_error error;
        char *text = NULL;
        size_t length = 0;
        (void)state;

        sits(0, "/dev/x\neventhandler = /tmp/evil");
        assert_true(conf_plan_edit(&conf, &slots, modems, &text, &length, &error) < 0);
        assert_null(text);
        assert_true(error.message[0] != '\0');
}

static void test_learn(void **state)
{
        static const struct {
                const char *pin;
                bool has;
        } cases[] = {{"1111", true}, {"2222", true}, {"", false}, {"ignore", false}, {"IGNORE", false}};
        uint64_t hashes[ARRAY_SIZE(cases)];
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char text[128];
                (void)text_format(text, sizeof(text),
                                  "devices = GSM1\n[GSM1]\ndevice = /dev/ttyUSB2\npin = %s\n", cases[i].pin);
                struct smsd_conf conf = {text, strlen(text)};
                conf_plan_learn(&conf, &slots);
                assert_string_equal(slots.items[0].conf_device, "/dev/ttyUSB2");
                assert_string_equal(slots.items[1].conf_device, "");
                assert_int_equal(slots.items[0].has_pin, cases[i].has);
                hashes[i] = slots.items[0].pin;
                assert_int_equal(hashes[i] != 0, cases[i].has);
        }
        assert_int_not_equal(hashes[0], hashes[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup(test_only_the_device_line, setup),
            cmocka_unit_test_setup(test_absent_modem_keeps_its_line, setup),
            cmocka_unit_test_setup(test_collision_is_parked, setup),
            cmocka_unit_test_setup(test_collision_behind_a_stable_name_is_parked, setup),
            cmocka_unit_test_setup(test_two_swap, setup),
            cmocka_unit_test_setup(test_guarded_is_parked, setup),
            cmocka_unit_test_setup(test_unasked_is_parked_when_that_matters, setup),
            cmocka_unit_test_setup(test_slot_that_smsd_does_not_know, setup),
            cmocka_unit_test_setup(test_profile_only_when_asked, setup),
            cmocka_unit_test_setup(test_hostile_node, setup),
            cmocka_unit_test_setup(test_learn, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
