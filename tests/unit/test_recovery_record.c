/*
 * The memory of a recovery as text: what is written is read back, what is damaged or of another boot is not
 * believed.
 */
#include "core/recovery_record.h"

#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BOOT "0123456789abcdef0123456789abcdef"

static struct recovery_record full_record(void)
{
        struct recovery_record record = {.name = "GSM1", .usb = "1-1.2", .off = RECOVERY_OFF_USB};
        struct ladder_memory *memory = &record.memory;

        *memory = (struct ladder_memory){.tried = 0x16, .rounds = 3, .retry_at = UINT64_MAX, .acted_at = 77};
        memory->resets.n = memory->stops.n = LADDER_BUDGET_MAX;
        for (unsigned i = 0; i < LADDER_BUDGET_MAX; i++) {
                memory->resets.at[i] = UINT64_MAX - i;
                memory->stops.at[i] = 1000000 - i;
        }
        return record;
}

static void test_round_trip(void **state)
{
        struct recovery_record record = full_record(), back;
        char text[RECOVERY_RECORD_TEXT_MAX];

        (void)state;
        memset(&back, 0, sizeof(back));
        int length = recovery_record_encode(&record, BOOT, text, sizeof(text));
        assert_true(length > 0);
        assert_int_equal(recovery_record_decode(text, (size_t)length, BOOT, &back), 0);
        assert_string_equal(back.name, "GSM1");
        assert_string_equal(back.usb, "1-1.2");
        assert_int_equal(back.off, RECOVERY_OFF_USB);
        assert_memory_equal(&back.memory, &record.memory, sizeof(back.memory));
        assert_int_equal(recovery_record_encode(&record, BOOT, text, 64), -ENOBUFS);
}

/* Times of another boot mean nothing; a relay stays off over a reboot. */
static void test_another_boot(void **state)
{
        struct recovery_record record = full_record(), back;
        char text[RECOVERY_RECORD_TEXT_MAX];

        (void)state;
        int length = recovery_record_encode(&record, BOOT, text, sizeof(text));
        assert_int_equal(
            recovery_record_decode(text, (size_t)length, "f123456789abcdef0123456789abcdef", &back), 0);
        assert_int_equal(back.off, RECOVERY_OFF_USB);
        assert_int_equal(back.memory.resets.n, 0);
        assert_int_equal(back.memory.tried, 0);
        assert_int_equal(back.memory.retry_at, 0);
}

static void test_damage(void **state)
{
        static const char *const damaged[] = {
            "",
            "off=usb\n",
            "name=GSM1\noff=usb\n", /* where? */
            "name=GSM1\noff=usb\nusb=../../etc\n",
            "name=GSM1\noff=usb\nusb=usb1\n",
            "name=GSM1\noff=perhaps\n",
            "name=GSM1\ntried=4096\n",
            "name=GSM1\nresets=1 2 x\n",
            "name=GSM1\nresets=1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",
            "name=GSM1\nrounds=-1\n",
            "name=GSM\0331\n",
            "name=GSM1 and a name that is much longer than any section of smsd.conf can have and more\n",
            "no equals sign\n",
        };
        struct recovery_record record = {.name = "untouched"};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
                int r = recovery_record_decode(damaged[i], strlen(damaged[i]), BOOT, &record);
                if (r != -EBADMSG)
                        fail_msg("\"%s\" is %d", damaged[i], r);
                assert_string_equal(record.name, "untouched");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_round_trip),
            cmocka_unit_test(test_another_boot),
            cmocka_unit_test(test_damage),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
