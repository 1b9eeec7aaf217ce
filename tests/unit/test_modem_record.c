/* What is remembered of a slot, as text and back; the text may have been written by a stranger. */
#include "core/modem_record.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct modem_record full = {.name = "GSM1",
                                         .usb = "1-1.2",
                                         .imei = "862061045678901",
                                         .imsi = "246012345678901",
                                         .iccid = "89860025128306012474",
                                         .model = "EC25",
                                         .firmware = "EC25EFAR06A11M4G",
                                         .guard = GUARD_PIN_REFUSED,
                                         .guard_pin = UINT64_C(18446744073709551615),
                                         .setup_open = 3,
                                         .setup_attempts = 2,
                                         .let_in = {2147483647, UINT64_C(18446744073709551613)},
                                         .setup_reset_spent = true,
                                         .setup_reset_due = 3,
                                         .setup_asked = UINT64_C(18446744073709551614)};

static void test_there_and_back(void **state)
{
        struct modem_record record;
        char text[512];
        (void)state;

        int length = modem_record_encode(&full, text, sizeof(text));
        assert_int_equal(length, strlen(text));
        assert_int_equal(modem_record_decode(text, (size_t)length, &record), 0);
        assert_true(modem_record_equal(&record, &full));
        assert_int_equal(modem_record_encode(&full, text, 40), -ENOBUFS);
}

static void test_every_guard(void **state)
{
        (void)state;

        for (enum guard guard = GUARD_NONE; guard <= GUARD_STRANGE; guard++) {
                enum guard back;
                assert_int_equal(guard_from_string(guard_to_string(guard), &back), 0);
                assert_int_equal(back, guard);
        }
        enum guard back = GUARD_PUK;
        assert_int_equal(guard_from_string("nonsense", &back), -EINVAL);
        assert_int_equal(back, GUARD_PUK);
}

static void test_equal_sees_each_field(void **state)
{
        static const size_t fields[] = {
            offsetof(struct modem_record, name),    offsetof(struct modem_record, usb),
            offsetof(struct modem_record, imei),    offsetof(struct modem_record, imsi),
            offsetof(struct modem_record, iccid),   offsetof(struct modem_record, model),
            offsetof(struct modem_record, firmware)};
        struct modem_record other;
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                other = full;
                ((char *)&other)[fields[i]] = 'x';
                assert_false(modem_record_equal(&other, &full));
        }
        other = full;
        other.guard = GUARD_PUK;
        assert_false(modem_record_equal(&other, &full));
        other = full;
        other.guard_pin = 1;
        assert_false(modem_record_equal(&other, &full));
        other = full;
        other.setup_open = 1;
        assert_false(modem_record_equal(&other, &full));
        other = full;
        other.setup_attempts = 1;
        assert_false(modem_record_equal(&other, &full));
        other = full;
        other.setup_reset_spent = false;
        assert_false(modem_record_equal(&other, &full));
        other = full;
        other.setup_reset_due = 1;
        assert_false(modem_record_equal(&other, &full));
        other = full;
        other.let_in.start_time = 1;
        assert_false(modem_record_equal(&other, &full));
        other = full;
        other.setup_asked = 1;
        assert_false(modem_record_equal(&other, &full));
}

static void test_foreign_text(void **state)
{
        static const struct {
                const char *text;
                int result;
        } cases[] = {
            {"name=GSM1\n", 0},
            {"name=GSM1", 0},
            {"\n\nname=GSM1\n", 0},
            {"name=GSM1\nfuture=1\n", 0},
            {"", -EBADMSG},
            {"imei=862061045678901\n", -EBADMSG}, /* whose? */
            {"name=\n", -EBADMSG},
            {"name\n", -EBADMSG},
            {"name=GSM1\nimei=86206104567890x\n", -EBADMSG},
            {"name=GSM1\nimei=8620610456789012345\n", -EBADMSG},
            {"name=GSM1\nimsi=-1\n", -EBADMSG},
            {"name=GSM1\nmodel=EC25\x1b[2J\n", -EBADMSG},
            {"name=GSM1\nmodel=EC\r\n", -EBADMSG},
            {"name=GSM1\nguard=perhaps\n", -EBADMSG},
            {"name=GSM1\nguard_pin=-1\n", -EBADMSG},
            {"name=GSM1\nguard_pin=18446744073709551616\n", -EBADMSG},
            {"name=GSM1\nsetup_open=4\n", -EBADMSG},
            {"name=GSM1\nsetup_attempts=4\n", -EBADMSG},
            {"name=GSM1\nsetup_reset_spent=2\n", -EBADMSG},
            {"name=GSM1\nsetup_reset_due=4\n", -EBADMSG},
            {"name=GSM1\nlet_in_pid=2147483648\n", -EBADMSG},
            {"name=GSM1\nlet_in_start=-1\n", -EBADMSG},
            {"name=GSM1\nlet_in_future=1\n", 0},
            {"name=GSM1\nsetup_asked=x\n", -EBADMSG},
            {"name=a name that is much longer than any that smsd would take as one\n", -EBADMSG},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct modem_record record = full;
                assert_int_equal(modem_record_decode(cases[i].text, strlen(cases[i].text), &record),
                                 cases[i].result);
                if (cases[i].result < 0)
                        assert_true(modem_record_equal(&record, &full)); /* untouched */
                else
                        assert_string_equal(record.name, "GSM1");
        }
        struct modem_record record = full;
        assert_int_equal(modem_record_decode("name=GS\0M1\n", 11, &record), -EBADMSG);
        assert_true(modem_record_equal(&record, &full));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_there_and_back),
            cmocka_unit_test(test_every_guard),
            cmocka_unit_test(test_equal_sees_each_field),
            cmocka_unit_test(test_foreign_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
