/*
 * Records of /dev/kmsg into what matters of them, any bytes; and how long what was said counts.
 */
#include "core/kernel_log.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_lines(void **state)
{
        static const struct {
                const char *record;
                enum kernel_line_kind kind;
                int error;
                const char *usb;
        } rows[] = {
            {"3,812,5123456,-;usb 1-1.2: device descriptor read/64, error -71\n SUBSYSTEM=usb\n "
             "DEVICE=c189:4\n",
             KERNEL_USB_ERROR, 71, "1-1.2"},
            {"3,813,5123457,-;usb 1-1.2: device not accepting address 5, error -110", KERNEL_USB_ERROR, 110,
             "1-1.2"},
            {"3,1,1,-;usb 3-1: can't set config #1, error -110\n", KERNEL_USB_ERROR, 110, "3-1"},
            {"3,1,1,-;usb 1-1-port2: cannot reset (err = -71)\n", KERNEL_USB_ERROR, 71, "1-1.2"},
            {"3,1,1,-;usb 1-1.4-port3: cannot reset (err = -71)\n", KERNEL_USB_ERROR, 71, "1-1.4.3"},
            {"3,1,1,-;usb usb1-port2: cannot reset (err = -110)\n", KERNEL_USB_ERROR, 110, "1-2"},
            {"3,1,1,-;qmi_wwan 1-1.2:1.4: usb_submit_urb, error -71\n", KERNEL_USB_ERROR, 71, "1-1.2"},
            {"4,1,1,-;Under-voltage detected! (0x00050005)\n", KERNEL_UNDERVOLTAGE, 0, ""},
            {"2,1,1,-;hwmon hwmon1: Undervoltage detected!\n", KERNEL_UNDERVOLTAGE, 0, ""},
            {"6,1,1,-;Voltage normalised (0x00000000)\n", KERNEL_VOLTAGE_NORMAL, 0, ""},
            {"6,1,1,-;hwmon hwmon1: Voltage normalised\n", KERNEL_VOLTAGE_NORMAL, 0, ""},
            /* none of these */
            {"6,1,1,-;usb 1-1.2: new high-speed USB device number 71 using xhci_hcd\n", KERNEL_OTHER, 0, ""},
            {"6,1,1,-;usb 1-1.2: USB disconnect, device number 7\n", KERNEL_OTHER, 0, ""},
            {"3,1,1,-;usb 1-1.2: error -710\n", KERNEL_OTHER, 0, ""},
            {"3,1,1,-;usb 1-1.2: a-71\n", KERNEL_OTHER, 0, ""},
            {"3,1,1,-;mmc0: error -110 whilst initialising SD card\n", KERNEL_OTHER, 0, ""},
            {"3,1,1,-;usb ../..: error -71\n", KERNEL_OTHER, 0, ""},
            {"3,1,1,-;usb 1-1.2.: error -71\n", KERNEL_OTHER, 0, ""},
            {"3,1,1,-;usb 11111111111111111111-1.1.1.1.1.1.1.1: error -71\n", KERNEL_OTHER, 0, ""},
            {"3,1,1,-;error -71\n", KERNEL_OTHER, 0, ""},
            {"3,1,1,-;usb\n error -71\n", KERNEL_OTHER, 0, ""}, /* a word behind the message */
            /* written by a program, whatever it says */
            {"12,1,1,-;usb 1-1.2: device descriptor read/64, error -71\n", KERNEL_OTHER, 0, ""},
            {"30,1,1,-;Under-voltage detected!\n", KERNEL_OTHER, 0, ""},
            {"4294967299,1,1,-;Under-voltage detected!\n", KERNEL_OTHER, 0, ""},
            {"-5,1,1,-;Under-voltage detected!\n", KERNEL_OTHER, 0, ""},
            {"Under-voltage detected!\n", KERNEL_OTHER, 0, ""},
            {";Under-voltage detected!\n", KERNEL_OTHER, 0, ""},
            {"", KERNEL_OTHER, 0, ""},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct kernel_line line;
                kernel_line_parse(rows[i].record, strlen(rows[i].record), &line);
                if (line.kind != rows[i].kind)
                        print_message("   %s", rows[i].record);
                assert_int_equal(line.kind, rows[i].kind);
                assert_int_equal(line.error, rows[i].error);
                assert_string_equal(line.usb, rows[i].usb);
        }
}

/* Every beginning of a record, and every byte of it exchanged for any other: nothing is read behind its end
 * (the copy is as long as the record: a sanitizer sees more), and what is told is always a path. */
static void test_any_bytes(void **state)
{
        static const char record[] = "3,812,5123456,-;usb 1-1-port2: device descriptor read/64, error -71\n";

        (void)state;
        for (size_t length = 0; length < sizeof(record); length++)
                for (unsigned byte = 0; byte < 256; byte += (unsigned)(length % 7) + 1) {
                        _cleanup_free_ char *copy = malloc(length + 1);
                        struct kernel_line line;
                        assert_non_null(copy);
                        memcpy(copy, record, length);
                        if (length > 0)
                                copy[(byte * 31) % length] = (char)byte;
                        char *exact = realloc(copy, length ? length : 1);
                        assert_non_null(exact);
                        copy = exact;
                        kernel_line_parse(copy, length, &line);
                        assert_true(line.usb[0] == '\0' || line.kind == KERNEL_USB_ERROR);
                        assert_int_equal(strspn(line.usb, "0123456789.-"), strlen(line.usb));
                }
}

static void take(struct kernel_trouble *trouble, const char *usb, int error, usec_t now)
{
        struct kernel_line line = {.kind = KERNEL_USB_ERROR, .error = error};

        (void)text_copy(line.usb, sizeof(line.usb), usb);
        kernel_trouble_take(trouble, &line, now);
}

static void test_errors_count_for_ten_minutes(void **state)
{
        struct kernel_trouble trouble = {0};
        usec_t now = USEC_PER_HOUR;
        int error = 0;

        (void)state;
        assert_int_equal(kernel_trouble_errors(&trouble, "1-1.2", now, &error), 0);
        take(&trouble, "1-1.2", 71, now);
        take(&trouble, "1-1.3", 71, now);
        take(&trouble, "1-1.2", 110, now + USEC_PER_MIN);
        assert_int_equal(kernel_trouble_errors(&trouble, "1-1.2", now + USEC_PER_MIN, &error), 2);
        assert_int_equal(error, 110);
        assert_int_equal(kernel_trouble_errors(&trouble, "1-1", now + USEC_PER_MIN, &error), 0);
        assert_int_equal(kernel_trouble_errors(&trouble, "", now + USEC_PER_MIN, &error), 0);
        assert_int_equal(kernel_trouble_errors(&trouble, "1-1.2", now + KERNEL_LOG_WINDOW, &error), 1);
        assert_int_equal(kernel_trouble_errors(&trouble, "1-1.2", now + 2 * KERNEL_LOG_WINDOW, &error), 0);
        for (unsigned i = 0; i < 1000; i++)
                take(&trouble, "1-1.2", 71, now + i);
        assert_int_equal(kernel_trouble_errors(&trouble, "1-1.2", now + 1000, &error), KERNEL_ERRORS_MAX);
}

/* A thousand ports: the one that has spoken last is known. */
static void test_many_ports(void **state)
{
        struct kernel_trouble trouble = {0};
        char usb[USB_PATH_MAX];
        int error = 0;

        (void)state;
        for (unsigned i = 1; i <= 1000; i++) {
                (void)text_format(usb, sizeof(usb), "1-%u", i);
                take(&trouble, usb, 71, USEC_PER_HOUR + i);
                assert_int_equal(kernel_trouble_errors(&trouble, usb, USEC_PER_HOUR + i, &error), 1);
        }
        assert_int_equal(kernel_trouble_errors(&trouble, "1-990", USEC_PER_HOUR + 1000, &error), 1);
        assert_int_equal(kernel_trouble_errors(&trouble, "1-1", USEC_PER_HOUR + 1000, &error), 0);
}

static void test_undervoltage(void **state)
{
        struct kernel_trouble trouble = {0};
        usec_t now = USEC_PER_MIN;

        (void)state;
        assert_false(kernel_trouble_undervoltage(&trouble, now));
        kernel_trouble_take(&trouble, &(struct kernel_line){.kind = KERNEL_UNDERVOLTAGE}, now);
        assert_true(kernel_trouble_undervoltage(&trouble, now + USEC_PER_HOUR));
        now += USEC_PER_HOUR;
        kernel_trouble_take(&trouble, &(struct kernel_line){.kind = KERNEL_VOLTAGE_NORMAL}, now);
        assert_true(kernel_trouble_undervoltage(&trouble, now + KERNEL_LOG_WINDOW - 1));
        assert_false(kernel_trouble_undervoltage(&trouble, now + KERNEL_LOG_WINDOW));
}

static void digest(struct kernel_lines *lines, const char *message)
{
        struct kernel_line line;

        kernel_message_parse(message, strlen(message), &line);
        kernel_lines_take(lines, &line);
}

/* Of a loop no more than is remembered, so that the other port's errors are there too, and the last word of
 * the voltage. */
static void test_a_loop_leaves_room(void **state)
{
        struct kernel_lines lines = {0};
        char message[80];

        (void)state;
        for (unsigned i = 0; i < 1000; i++) {
                digest(&lines, "usb 1-1.2: device descriptor read/64, error -71");
                digest(&lines, "IN=eth0 OUT= a firewall's");
        }
        assert_int_equal(lines.n, KERNEL_ERRORS_MAX);
        assert_int_equal(lines.voltage.kind, KERNEL_OTHER);
        digest(&lines, "usb 1-1.3: device descriptor read/64, error -110\n SUBSYSTEM=usb");
        assert_int_equal(lines.n, KERNEL_ERRORS_MAX + 1);
        assert_string_equal(lines.errors[KERNEL_ERRORS_MAX].usb, "1-1.3");
        assert_int_equal(lines.errors[KERNEL_ERRORS_MAX].error, 110);
        digest(&lines, "hwmon hwmon1: Undervoltage detected!");
        assert_int_equal(lines.voltage.kind, KERNEL_UNDERVOLTAGE);
        digest(&lines, "hwmon hwmon1: Voltage normalised");
        assert_int_equal(lines.voltage.kind, KERNEL_VOLTAGE_NORMAL);
        for (unsigned i = 1; i < 1000; i++) {
                (void)text_format(message, sizeof(message), "usb 2-%u: error -71", i);
                digest(&lines, message);
        }
        assert_int_equal(lines.n, KERNEL_LINES_MAX);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_lines),        cmocka_unit_test(test_any_bytes),
            cmocka_unit_test(test_many_ports),   cmocka_unit_test(test_errors_count_for_ten_minutes),
            cmocka_unit_test(test_undervoltage), cmocka_unit_test(test_a_loop_leaves_room),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
