/*
 * Who sits in a slot: the table of judgements, and the life of a change until it is provisioned.
 */
#include "core/sim_identity.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MODEM_A "862061045678901"
#define MODEM_B "862061049999999"
#define SIM_A   "246012345678901"
#define SIM_B   "246022345678901"
#define BOTH    (PROVISION_SCOPE_MODEM | PROVISION_SCOPE_SIM)

static const struct {
        const char *known_imei, *known_imsi, *pinned, *imei, *imsi;
        enum identity identity;
        unsigned opens;
        const char *then_imsi; /* remembered afterwards */
} judgements[] = {
    {"", "", "", "", "", IDENTITY_UNKNOWN, 0, ""},
    {MODEM_A, SIM_A, "", "", SIM_B, IDENTITY_UNKNOWN, 0, SIM_A},
    {"", "", "", MODEM_A, SIM_A, IDENTITY_FIRST, BOTH, SIM_A},
    {"", "", "", MODEM_A, "", IDENTITY_FIRST, BOTH, ""},
    {MODEM_A, SIM_A, "", MODEM_A, SIM_A, IDENTITY_SAME, 0, SIM_A},
    {MODEM_A, SIM_A, "", "86206104567890", SIM_A, IDENTITY_SAME, 0, SIM_A},
    {MODEM_A, SIM_A, "", MODEM_A, "", IDENTITY_SAME, 0, SIM_A},
    {MODEM_A, SIM_A, "", MODEM_A, SIM_B, IDENTITY_NEW_SIM, PROVISION_SCOPE_SIM, SIM_B},
    {MODEM_A, "", "", MODEM_A, SIM_A, IDENTITY_NEW_SIM, PROVISION_SCOPE_SIM, SIM_A},
    {MODEM_A, SIM_A, "", MODEM_B, SIM_A, IDENTITY_NEW_MODEM, BOTH, SIM_A},
    {MODEM_A, SIM_A, "", MODEM_B, "", IDENTITY_NEW_MODEM, BOTH, ""},
    {MODEM_A, SIM_A, "", MODEM_B, SIM_B, IDENTITY_NEW_BOTH, BOTH, SIM_B},
    {MODEM_A, SIM_A, MODEM_A, MODEM_A, SIM_A, IDENTITY_SAME, 0, SIM_A},
    {MODEM_A, SIM_A, MODEM_A, "86206104567890", SIM_A, IDENTITY_SAME, 0, SIM_A},
    {MODEM_A, SIM_A, MODEM_A, MODEM_B, SIM_A, IDENTITY_STRANGE, 0, SIM_A},
    {"", "", MODEM_A, MODEM_B, SIM_A, IDENTITY_STRANGE, 0, ""},
    {MODEM_B, SIM_A, MODEM_A, MODEM_B, SIM_A, IDENTITY_STRANGE, 0, SIM_A},
    {"", "", MODEM_A, MODEM_A, SIM_A, IDENTITY_FIRST, BOTH, SIM_A},
    {MODEM_A, SIM_A, MODEM_A, "", "", IDENTITY_UNKNOWN, 0, SIM_A},
};

static void test_judgements(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(judgements); i++) {
                struct identity_memory memory;
                identity_memory_init(&memory);
                (void)text_copy(memory.imei, sizeof(memory.imei), judgements[i].known_imei);
                (void)text_copy(memory.imsi, sizeof(memory.imsi), judgements[i].known_imsi);
                enum identity identity =
                    identity_judge(&memory, judgements[i].pinned, judgements[i].imei, judgements[i].imsi);
                if (identity != judgements[i].identity)
                        fail_msg("row %zu: %d", i, identity);
                identity_accept(&memory, identity, judgements[i].imei, judgements[i].imsi);
                assert_int_equal(memory.open, judgements[i].opens);
                assert_string_equal(memory.imsi, judgements[i].then_imsi);
                assert_string_equal(memory.imei,
                                    judgements[i].opens ? judgements[i].imei : judgements[i].known_imei);
        }
}

static void hear(struct identity_memory *memory, const char *imei, const char *imsi)
{
        identity_accept(memory, identity_judge(memory, "", imei, imsi), imei, imsi);
}

static void test_once_per_change(void **state)
{
        struct identity_memory memory;
        struct provision_job job = {0};

        (void)state;
        identity_memory_init(&memory);
        assert_int_equal(identity_due(&memory), 0);
        hear(&memory, MODEM_A, SIM_A);
        assert_int_equal(identity_due(&memory), BOTH);
        identity_begin(&memory, &job);
        assert_int_equal(job.scope, BOTH);
        assert_string_equal(job.imei, MODEM_A);
        assert_string_equal(job.imsi, SIM_A);
        assert_true(job.may_reset);
        assert_false(job.reset_owed);
        identity_spend_reset(&memory);
        identity_finish(&memory, PROVISION_DONE, true);
        for (unsigned i = 0; i < 5; i++) { /* back from the reset, and every boot after that */
                hear(&memory, MODEM_A, SIM_A);
                assert_int_equal(identity_due(&memory), 0);
        }
        hear(&memory, MODEM_A, SIM_B);
        assert_int_equal(identity_due(&memory), PROVISION_SCOPE_SIM);
        identity_begin(&memory, &job);
        assert_true(job.may_reset); /* a change of its own */
}

static void test_cut_short(void **state)
{
        struct identity_memory memory;
        struct provision_job job = {0};

        (void)state;
        identity_memory_init(&memory);
        hear(&memory, MODEM_A, SIM_A);
        identity_begin(&memory, &job);
        identity_finish(&memory, PROVISION_LOST, true);
        assert_int_equal(identity_due(&memory), BOTH);
        identity_begin(&memory, &job);
        assert_true(job.reset_owed); /* what was written may wait for it */
        identity_spend_reset(&memory);
        identity_finish(&memory, PROVISION_SILENT, true);
        hear(&memory, MODEM_A, SIM_A);
        identity_begin(&memory, &job);
        assert_false(job.may_reset);
        assert_false(job.reset_owed);
        identity_finish(&memory, PROVISION_STRANGER, true);
        assert_int_equal(memory.attempts, IDENTITY_ATTEMPTS_MAX);
        assert_int_equal(identity_due(&memory), 0); /* not for ever */
        hear(&memory, MODEM_B, SIM_A);
        assert_int_equal(identity_due(&memory), BOTH);
}

static void test_sim_comes_later(void **state)
{
        struct identity_memory memory;
        struct provision_job job = {0};

        (void)state;
        identity_memory_init(&memory);
        hear(&memory, MODEM_A, "");
        assert_int_equal(identity_due(&memory), PROVISION_SCOPE_MODEM);
        identity_begin(&memory, &job);
        identity_finish(&memory, PROVISION_DONE, false);
        assert_int_equal(identity_due(&memory), 0);
        hear(&memory, MODEM_A, SIM_A);
        assert_int_equal(identity_due(&memory), PROVISION_SCOPE_SIM);
}

static void test_pin_imei(void **state)
{
        (void)state;
        assert_true(identity_pin_is_valid(MODEM_A));
        assert_false(identity_pin_is_valid(""));
        assert_false(identity_pin_is_valid("86206104567890"));
        assert_false(identity_pin_is_valid("8620610456789012"));
        assert_false(identity_pin_is_valid("86206104567890x"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_judgements), cmocka_unit_test(test_once_per_change),
            cmocka_unit_test(test_cut_short),  cmocka_unit_test(test_sim_comes_later),
            cmocka_unit_test(test_pin_imei),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
