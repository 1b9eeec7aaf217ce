/* One modem from the plug to READY: which port is asked, when, and what becomes of the answer. */
#include "core/modem.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BOOT (90 * USEC_PER_SEC)
#define NOW  USEC_PER_HOUR

struct fixture {
        struct modem modem;
        struct usb_device device;
        struct action_list actions;
        usec_t now;
};

/* ttys: how many of its four are there yet; `first` is the number of the DIAG port. */
static void plug(struct fixture *f, unsigned ttys, unsigned first)
{
        memset(&f->device, 0, sizeof(f->device));
        (void)text_copy(f->device.path, sizeof(f->device.path), "1-1.2");
        f->device.vendor = 0x2c7c;
        f->device.product = 0x0125;
        f->device.release = 0x318;
        f->device.n_interfaces = 4;
        for (uint8_t i = 0; i < 4; i++) {
                struct usb_interface *interface = &f->device.interfaces[i];
                interface->number = i;
                interface->class = 0xff;
                interface->subclass = interface->protocol = i == 0 ? 0xff : 0;
                interface->bulk = 2;
                interface->interrupt = i != 0;
                if (!(ttys & 1U << i))
                        continue;
                (void)text_format(interface->node, sizeof(interface->node), "/dev/ttyUSB%u", first + i);
                (void)text_copy(interface->target, sizeof(interface->target), interface->node);
        }
        action_list_init(&f->actions);
        modem_device(&f->modem, 0, &f->device, profile_for_device(NULL, &f->device), BOOT, f->now,
                     &f->actions);
}

static void drive(struct fixture *f, bool allowed, bool in_use)
{
        action_list_init(&f->actions);
        modem_drive(&f->modem, 0, allowed, in_use, f->now, &f->actions);
}

static const struct action *find(const struct fixture *f, enum action_kind kind)
{
        for (unsigned i = 0; i < f->actions.n; i++)
                if (f->actions.items[i].kind == kind)
                        return &f->actions.items[i];
        return NULL;
}

static void tell(struct fixture *f, enum event_kind kind, int result, const char *data)
{
        struct port_event port = {
            .generation = f->modem.generation, .result = result, .length = strlen(data)};

        (void)text_copy(port.data, sizeof(port.data), data);
        action_list_init(&f->actions);
        modem_port_event(&f->modem, 0, kind, &port, f->now, &f->actions);
}

/* Answers until the dialogue is over. `sim` is the answer to AT+CPIN?. */
static void talk(struct fixture *f, const char *sim)
{
        tell(f, EVENT_PORT_OPENED, 0, "");
        for (unsigned i = 0; i < 400 && f->modem.open; i++) {
                const struct action *write = find(f, ACTION_PORT_WRITE);
                f->now += 60 * USEC_PER_MSEC;
                if (!write) {
                        f->now = modem_deadline(&f->modem);
                        drive(f, true, false);
                        continue;
                }
                char command[64];
                (void)text_copy_n(command, sizeof(command), write->port.data, write->port.length);
                bool cpin = text_starts_with(command, "AT+CPIN?"),
                     qinistat = text_starts_with(command, "AT+QINISTAT");
                tell(f, EVENT_PORT_DATA, 0,
                     cpin       ? sim
                     : qinistat ? "\r\n+QINISTAT: 7\r\n\r\nOK\r\n"
                                : "\r\nOK\r\n");
        }
        assert_false(f->modem.open);
}

static struct fixture fixture(void)
{
        struct fixture f = {.now = NOW};

        modem_init(&f.modem);
        return f;
}

static void test_waits_for_its_at_tty(void **state)
{
        struct fixture f = fixture();
        (void)state;

        assert_false(modem_present(&f.modem));
        plug(&f, 0, 0);
        assert_int_equal(f.modem.state, MODEM_SETTLING);
        plug(&f, 1U << 3 | 1U << 0, 4); /* others come first */
        assert_int_equal(f.modem.state, MODEM_SETTLING);
        drive(&f, true, false);
        assert_null(find(&f, ACTION_PORT_OPEN));
        plug(&f, 0xf, 4);
        assert_int_equal(f.modem.state, MODEM_PROBING);
        assert_string_equal(f.modem.node, "/dev/ttyUSB6");
        assert_int_equal(modem_interface(&f.modem), 2);
        drive(&f, true, false);
        assert_string_equal(find(&f, ACTION_PORT_OPEN)->port.path, "/dev/ttyUSB6");
        drive(&f, true, false);
        assert_null(find(&f, ACTION_PORT_OPEN)); /* once */
}

static void test_outcomes(void **state)
{
        static const struct {
                const char *sim;
                enum modem_state state;
                bool usable;
        } cases[] = {
            {"\r\n+CPIN: READY\r\n\r\nOK\r\n", MODEM_READY, true},
            {"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n", MODEM_READY,
             true}, /* smsd enters it; a guard may forbid that */
            {"\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n", MODEM_DEGRADED, true},
            {"\r\n+CME ERROR: 10\r\n", MODEM_DEGRADED, true},
            {"\r\n+CME ERROR: 14\r\n", MODEM_DEGRADED, true},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct fixture f = fixture();
                plug(&f, 0xf, 0);
                drive(&f, true, false);
                talk(&f, cases[i].sim);
                assert_int_equal(f.modem.state, cases[i].state);
                assert_int_equal(modem_usable(&f.modem), cases[i].usable);
                assert_true(f.now <= NOW + BOOT + USEC_PER_SEC);
                assert_int_equal(f.modem.reason[0] == '\0', i == 0);
        }
}

static void test_silent_until_the_end_of_boot_timeout(void **state)
{
        struct fixture f = fixture();
        (void)state;

        plug(&f, 0xf, 0);
        drive(&f, true, false);
        tell(&f, EVENT_PORT_OPENED, 0, "");
        while (f.modem.open) {
                assert_int_equal(f.modem.state, MODEM_PROBING);
                f.now = modem_deadline(&f.modem);
                drive(&f, true, false);
        }
        assert_int_equal(f.now, NOW + BOOT);
        assert_int_equal(f.modem.state, MODEM_DEGRADED);
        assert_int_equal(modem_deadline(&f.modem), f.now + 15 * USEC_PER_SEC); /* asked again */
}

/* Not allowed: the port is closed at once, and the probe goes on later. */
static void test_hold_closes_the_port(void **state)
{
        struct fixture f = fixture();
        (void)state;

        plug(&f, 0xf, 0);
        drive(&f, true, false);
        unsigned generation = f.modem.generation;
        tell(&f, EVENT_PORT_OPENED, 0, "");
        drive(&f, false, false);
        assert_int_equal(find(&f, ACTION_PORT_CLOSE)->port.generation, generation);
        struct port_event late = {.generation = generation, .length = 6, .data = "\r\nOK\r\n"};
        modem_port_event(&f.modem, 0, EVENT_PORT_DATA, &late, f.now, &f.actions);
        assert_false(f.modem.proven);
        drive(&f, true, false);
        assert_non_null(find(&f, ACTION_PORT_OPEN));
        assert_int_equal(f.modem.generation, generation + 1);
}

static void test_port_errors(void **state)
{
        static const struct {
                int result;
                const char *word;
        } cases[] = {{-EBUSY, "minicom"}, {-EIO, "cannot be opened"}, {-ENOENT, "cannot be opened"}};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct fixture f = fixture();
                plug(&f, 0xf, 0);
                drive(&f, true, false);
                struct port_event port = {.generation = f.modem.generation, .result = cases[i].result};
                port.holder.id.pid = cases[i].result == -EBUSY ? 77 : 0;
                (void)text_copy(port.holder.command, sizeof(port.holder.command), "minicom");
                action_list_init(&f.actions);
                modem_port_event(&f.modem, 0, EVENT_PORT_OPENED, &port, f.now, &f.actions);
                assert_non_null(strstr(f.modem.reason, cases[i].word));
                assert_int_equal(modem_deadline(&f.modem), f.now + 2 * USEC_PER_SEC);
        }
}

static void test_smsds_use_makes_it_ready(void **state)
{
        struct fixture f = fixture();
        (void)state;

        plug(&f, 0xf, 0);
        drive(&f, true, true);
        assert_int_equal(f.modem.state, MODEM_READY);
        assert_null(find(&f, ACTION_PORT_OPEN));
        assert_int_equal(modem_deadline(&f.modem), USEC_INFINITY);
}

/* A handler ended on it: neither smsd's next attempt nor the end of boot_timeout make it usable, only its SIM
 * does. */
static void test_distrust(void **state)
{
        struct fixture f = fixture();
        (void)state;

        plug(&f, 0xf, 0);
        drive(&f, true, true);
        drive(&f, true, false);
        modem_distrust(&f.modem, f.now);
        assert_false(modem_usable(&f.modem));
        drive(&f, true, true);
        assert_false(modem_usable(&f.modem));
        drive(&f, true, false);
        assert_non_null(find(&f, ACTION_PORT_OPEN));
        talk(&f, "\r\n+CME ERROR: 10\r\n");
        assert_int_equal(f.modem.state, MODEM_DEGRADED);
        assert_false(modem_usable(&f.modem));
        f.now = modem_deadline(&f.modem);
        drive(&f, true, false);
        talk(&f, "\r\n+CPIN: READY\r\n\r\nOK\r\n");
        assert_true(modem_usable(&f.modem));

        modem_distrust(&f.modem, f.now);
        drive(&f, true, true);
        modem_trust(&f.modem); /* smsd polls it */
        assert_int_equal(f.modem.state, MODEM_READY);
        assert_int_equal(f.modem.facts.sim, SIM_READY);
}

/* Asked a second time while it is being asked: the first dialogue decides, and no deadline stays behind. */
static void test_distrust_while_asking(void **state)
{
        struct fixture f = fixture();
        (void)state;

        plug(&f, 0xf, 0);
        drive(&f, true, true);
        drive(&f, true, false);
        modem_distrust(&f.modem, f.now);
        drive(&f, true, false);
        tell(&f, EVENT_PORT_OPENED, 0, "");
        modem_distrust(&f.modem, f.now);
        assert_true(modem_deadline(&f.modem) > f.now);
}

static void test_left_and_back(void **state)
{
        struct fixture f = fixture();
        (void)state;

        plug(&f, 0xf, 0);
        drive(&f, true, false);
        talk(&f, "\r\n+CPIN: READY\r\n\r\nOK\r\n");
        modem_gone(&f.modem, 0, &f.actions);
        assert_false(modem_present(&f.modem));
        assert_false(modem_usable(&f.modem));
        plug(&f, 0xf, 8);
        assert_int_equal(f.modem.state, MODEM_PROBING);
        assert_string_equal(f.modem.node, "/dev/ttyUSB10");
        assert_false(f.modem.proven);
}

/* Unplugged and back while nobody could tell us: the numbers of its ports have changed places. */
static void test_unnoticed_replug(void **state)
{
        struct fixture f = fixture();
        (void)state;

        plug(&f, 0xf, 0);
        drive(&f, true, false);
        talk(&f, "\r\n+CPIN: READY\r\n\r\nOK\r\n");
        assert_string_equal(f.modem.node, "/dev/ttyUSB2");
        (void)text_copy(f.device.interfaces[2].node, DEVICE_NODE_MAX, "/dev/ttyUSB1");
        (void)text_copy(f.device.interfaces[2].target, DEVICE_NODE_MAX, "/dev/ttyUSB1");
        (void)text_copy(f.device.interfaces[1].node, DEVICE_NODE_MAX, "/dev/ttyUSB2");
        (void)text_copy(f.device.interfaces[1].target, DEVICE_NODE_MAX, "/dev/ttyUSB2");
        action_list_init(&f.actions);
        modem_device(&f.modem, 0, &f.device, profile_for_device(NULL, &f.device), BOOT, f.now, &f.actions);
        assert_string_equal(f.modem.node, "/dev/ttyUSB1");
        assert_int_equal(f.modem.state, MODEM_PROBING);
}

/* udev's name stays, what it leads to is another port. */
static void test_unnoticed_replug_behind_a_stable_name(void **state)
{
        struct fixture f = fixture();
        (void)state;

        plug(&f, 0xf, 0);
        (void)text_copy(f.device.interfaces[2].node, DEVICE_NODE_MAX, "/dev/smswarden/1-1.2-at");
        modem_device(&f.modem, 0, &f.device, profile_for_device(NULL, &f.device), BOOT, f.now, &f.actions);
        drive(&f, true, false);
        talk(&f, "\r\n+CPIN: READY\r\n\r\nOK\r\n");
        assert_int_equal(f.modem.state, MODEM_READY);
        (void)text_copy(f.device.interfaces[2].target, DEVICE_NODE_MAX, "/dev/ttyUSB5");
        action_list_init(&f.actions);
        modem_device(&f.modem, 0, &f.device, profile_for_device(NULL, &f.device), BOOT, f.now, &f.actions);
        assert_string_equal(f.modem.node, "/dev/smswarden/1-1.2-at");
        assert_string_equal(f.modem.target, "/dev/ttyUSB5");
        assert_int_equal(f.modem.state, MODEM_PROBING);
}

/* The rules are installed while the modem works, or removed: nothing happened to it. */
static void test_another_name_for_the_same_port(void **state)
{
        static const char *const names[] = {"/dev/smswarden/1-1.2-at", "/dev/ttyUSB2"};
        struct fixture f = fixture();
        (void)state;

        plug(&f, 0xf, 0);
        drive(&f, true, false);
        talk(&f, "\r\n+CPIN: READY\r\n\r\nOK\r\n");
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                (void)text_copy(f.device.interfaces[2].node, DEVICE_NODE_MAX, names[i]);
                action_list_init(&f.actions);
                modem_device(&f.modem, 0, &f.device, profile_for_device(NULL, &f.device), BOOT, f.now,
                             &f.actions);
                assert_int_equal(f.modem.state, MODEM_READY);
                assert_string_equal(f.modem.node, names[i]);
                assert_string_equal(f.modem.target, "/dev/ttyUSB2");
                assert_int_equal(modem_interface(&f.modem), 2);
                assert_int_equal(f.actions.n, 0);
        }
}

static void test_refused_devices(void **state)
{
        static const struct {
                uint16_t vendor, product, release;
                const char *model;
        } cases[] = {{0x2c7c, 0x0125, 0, "QHSUSB__BULK"}, {0x05c6, 0x9008, 0, "QUSB_BULK"}};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct fixture f = fixture();
                f.device = (struct usb_device){.path = "1-1.2",
                                               .vendor = cases[i].vendor,
                                               .product = cases[i].product,
                                               .release = cases[i].release,
                                               .n_interfaces = 1};
                (void)text_copy(f.device.model, sizeof(f.device.model), cases[i].model);
                modem_device(&f.modem, 0, &f.device, profile_for_device(NULL, &f.device), BOOT, f.now,
                             &f.actions);
                assert_int_equal(f.modem.state, MODEM_FAILED);
                assert_true(f.modem.reason[0] != '\0');
                drive(&f, true, false);
                assert_null(find(&f, ACTION_PORT_OPEN));
        }
}

static void test_fixed_node(void **state)
{
        struct fixture f = fixture();
        (void)state;

        modem_node(&f.modem, 0, "/dev/ttyAMA0", "/dev/ttyAMA0", BOOT, f.now, &f.actions);
        assert_true(f.modem.fixed);
        drive(&f, true, false);
        assert_string_equal(find(&f, ACTION_PORT_OPEN)->port.path, "/dev/ttyAMA0");
        talk(&f, "\r\n+CPIN: READY\r\n\r\nOK\r\n");
        assert_int_equal(f.modem.state, MODEM_READY);
        assert_int_equal(modem_interface(&f.modem), -1);
        modem_node(&f.modem, 0, "/dev/ttyAMA0", "/dev/ttyAMA0", BOOT, f.now, &f.actions);
        assert_int_equal(f.modem.state, MODEM_READY); /* told again: nothing changes */
        modem_node(&f.modem, 0, "/dev/ttyAMA0", "/dev/pts/7", BOOT, f.now, &f.actions);
        assert_int_equal(f.modem.state, MODEM_PROBING);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_waits_for_its_at_tty),
            cmocka_unit_test(test_outcomes),
            cmocka_unit_test(test_silent_until_the_end_of_boot_timeout),
            cmocka_unit_test(test_hold_closes_the_port),
            cmocka_unit_test(test_port_errors),
            cmocka_unit_test(test_smsds_use_makes_it_ready),
            cmocka_unit_test(test_distrust),
            cmocka_unit_test(test_distrust_while_asking),
            cmocka_unit_test(test_left_and_back),
            cmocka_unit_test(test_unnoticed_replug),
            cmocka_unit_test(test_unnoticed_replug_behind_a_stable_name),
            cmocka_unit_test(test_another_name_for_the_same_port),
            cmocka_unit_test(test_refused_devices),
            cmocka_unit_test(test_fixed_node),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
