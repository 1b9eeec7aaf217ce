/*
 * From plug to SMS flowing: the AT port is found in every composition and order, what is no modem is refused
 * or ignored, two modems keep their slots.
 */
#include "base/text.h"
#include "gateway_fixture.h"

#include <string.h>

static void a_modem_is_plugged_in_and_messages_flow(struct gateway *g)
{
        gateway_wait_down(g);
        gateway_plug(g, "gap=30 boot=500");
        gateway_working(g, 0);
        assert_string_equal(gateway_device(g, "GSM1"), "ttyUSB2");
        gateway_send(g, "one", "Hello there");
        gateway_wait_sent(g, 0, 1, 15000);
        assert_int_equal(gateway_sent(g, 0, "Hello there"), 1);
        gateway_modem(g, "receive 0 37060000002 Hello yourself");
        gateway_wait_received(g, "Hello yourself", 15000);
        assert_int_equal(gateway_starts(g), 1);
}

/* Plugged as told, the AT port and no other is used, and it is that interface. */
static void is_served_on(struct gateway *g, int interface)
{
        gateway_working(g, 0);
        assert_string_equal(gateway_device(g, "GSM1"), gateway_node(g, 0, "at"));
        assert_int_equal(gateway_slot(g, "GSM1")->interface, interface);
        assert_int_equal(gateway_bytes(g, 0, "diag"), 0);
        assert_int_equal(gateway_bytes(g, 0, "nmea"), 0);
        assert_int_equal(gateway_bytes(g, 0, "modem"), 0);
        assert_int_equal(gateway_starts(g), 1);
}

static void ttys_that_come_in_any_order_are_told_apart(struct gateway *g)
{
        gateway_plug(g, "order=3,1,0,2 gap=60");
        is_served_on(g, 2);
}

static void the_at_port_of_the_ecm_composition_is_found(struct gateway *g)
{
        gateway_plug(g, "composition=ecm");
        is_served_on(g, 2);
}

static void a_dead_fifth_tty_of_an_old_kernel_is_left_alone(struct gateway *g)
{
        gateway_plug(g, "composition=ecm-old order=reverse gap=20");
        is_served_on(g, 2);
}

static void the_at_port_of_the_rndis_composition_is_found(struct gateway *g)
{
        gateway_plug(g, "composition=rndis");
        is_served_on(g, 4);
}

static void the_at_port_of_the_audio_composition_is_found(struct gateway *g)
{
        gateway_plug(g, "composition=audio order=reverse gap=20");
        is_served_on(g, 2);
}

/* --- what is no modem --- */

static bool is_refused(struct gateway *g, const void *reason)
{
        const struct snapshot *s = gateway_snapshot(g);

        return s->n_others == 1 && text_equal(s->others[0].state, "failed") &&
               strstr(s->others[0].reason, reason);
}

static bool nothing_was_started(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_starts(g) == 0 && gateway_holders(g, 0) == 0;
}

static void a_crashed_modem_is_refused_with_the_reason(struct gateway *g)
{
        gateway_plug(g, "composition=qhsusb_bulk");
        gateway_wait(g, 5000, "the device is refused", is_refused, "QHSUSB__BULK");
        gateway_stays(g, 500, "nothing is started", nothing_was_started, NULL);
        gateway_wait_logged(g, "is not used: The modem's firmware has crashed", 1000);
        gateway_modem(g, "unplug 0");
        gateway_plug(g, "composition=qmi"); /* somebody cut its power */
        is_served_on(g, 2);
}

static void a_modem_in_download_mode_is_refused_with_the_reason(struct gateway *g)
{
        gateway_plug(g, "composition=edl");
        gateway_wait(g, 5000, "the device is refused", is_refused, "05c6:9008");
        gateway_stays(g, 500, "nothing is started", nothing_was_started, NULL);
}

static bool ftdi_was_seen(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_logged(g, "event usb-device") > 0;
}

static void another_serial_adapter_is_ignored(struct gateway *g)
{
        gateway_plug(g, "composition=ftdi");
        gateway_wait(g, 5000, "the daemon sees the adapter", ftdi_was_seen, NULL);
        gateway_stays(g, 500, "nothing is started", nothing_was_started, NULL);
        assert_int_equal(gateway_snapshot(g)->n_others, 0);
        assert_string_equal(g->snapshot.reason, "no modem is plugged in");
}

static void a_modem_is_found_beside_another_serial_adapter(struct gateway *g)
{
        gateway_modem(g, "plug 1 composition=ftdi");
        gateway_plug(g, "");
        is_served_on(g, 2);
        assert_int_equal(gateway_holders(g, 1), 0);
        assert_int_equal(gateway_snapshot(g)->n_others, 0);
}

/* --- two modems --- */

static void slot_has(struct gateway *g, const char *slot, const char *imei, unsigned modem)
{
        assert_string_equal(gateway_slot(g, slot)->imei, imei);
        assert_string_equal(gateway_device(g, slot), gateway_node(g, modem, "at"));
}

static bool is_ready(struct gateway *g, const void *userdata)
{
        return text_equal(gateway_slot(g, userdata)->state, "ready") && g->snapshot.can_send;
}

/* Two modems that are probed at the same time are ready within the five seconds that a start waits for
 * company; not so under the sanitizers on a machine that has other things to do. */
static unsigned starts_allowed(unsigned n)
{
        return getenv("SANITIZED") ? 2 * n : n;
}

static void two_modems_with_one_serial_keep_their_slots(struct gateway *g)
{
        char first[16], second[16];

        gateway_modem(g, "plug 0 usb=1-1.1 boot=800 serial=0123456789ABCDEF");
        gateway_modem(g, "plug 1 usb=1-1.2 boot=800 serial=0123456789ABCDEF");
        gateway_working(g, 0);
        assert_in_range(gateway_starts(g), 1, starts_allowed(1)); /* one start for both */
        (void)text_copy(first, sizeof(first), gateway_slot(g, "GSM1")->imei);
        (void)text_copy(second, sizeof(second), gateway_slot(g, "GSM2")->imei);
        assert_string_not_equal(first, second);
        /* Who is ready first gets the first slot, this once. */
        unsigned in_first = text_equal(gateway_device(g, "GSM1"), gateway_node(g, 0, "at")) ? 0 : 1;
        slot_has(g, "GSM1", first, in_first);
        slot_has(g, "GSM2", second, 1 - in_first);

        gateway_modem(g, "unplug 0");
        gateway_modem(g, "unplug 1");
        gateway_wait_down(g);
        /* Between the two smsd may have been started for the second one alone. */
        unsigned before = gateway_starts(g);
        /* Each where the other one was, and in the other order. */
        gateway_modem(g, "plug 1 usb=1-1.1 boot=800 serial=0123456789ABCDEF");
        gateway_modem(g, "plug 0 usb=1-1.2 boot=800 serial=0123456789ABCDEF");
        gateway_working(g, 0);
        slot_has(g, "GSM1", first, in_first);
        slot_has(g, "GSM2", second, 1 - in_first);
        assert_in_range(gateway_starts(g) - before, 1, starts_allowed(1));
}

/* smsd's handler for the missing one waits half a minute for its device; the modem is not left waiting for
 * that. */
static void a_second_modem_is_taken_while_smsd_serves_the_first(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_wait(g, 15000, "the first is served", is_ready, "GSM1");
        gateway_wait_smsd_logged(g, "GSM2: Couldn't open serial port", 5000);
        gateway_modem(g, "plug 1 boot=4000");
        int64_t begun = gateway_now();
        gateway_working(g, 0);
        assert_in_range(gateway_now() - begun, 0, 15000);
        assert_int_equal(gateway_starts(g), 2);
}

/* keep_open = no: between two polls no process has the port, and nothing is wrong. */
static void a_port_that_smsd_closes_between_its_polls_is_served(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);

        for (unsigned i = 0; i < 3; i++) {
                char name[16];
                (void)text_format(name, sizeof(name), "message%u", i);
                gateway_send(g, name, "with a port that is closed in between");
                gateway_wait_sent(g, 0, i + 1, 15000);
                /* Somebody opens the binary: the daemon looks at all processes and their ports. */
                free(gateway_read(g->smsd));
        }
        assert_int_equal(gateway_working(g, 0), smsd);
        assert_int_equal(gateway_starts(g), 1);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_modem_is_plugged_in_and_messages_flow),
    GATEWAY_TEST(ttys_that_come_in_any_order_are_told_apart),
    GATEWAY_TEST(the_at_port_of_the_ecm_composition_is_found),
    GATEWAY_TEST(a_dead_fifth_tty_of_an_old_kernel_is_left_alone),
    GATEWAY_TEST(the_at_port_of_the_rndis_composition_is_found),
    GATEWAY_TEST(the_at_port_of_the_audio_composition_is_found),
    GATEWAY_TEST(a_crashed_modem_is_refused_with_the_reason),
    GATEWAY_TEST(a_modem_in_download_mode_is_refused_with_the_reason),
    GATEWAY_TEST(another_serial_adapter_is_ignored),
    GATEWAY_TEST(a_modem_is_found_beside_another_serial_adapter, .modems = 2, .slots = 1),
    GATEWAY_TEST(two_modems_with_one_serial_keep_their_slots, .modems = 2),
    GATEWAY_TEST(a_port_that_smsd_closes_between_its_polls_is_served, .smsd_modem = "keep_open = no"),
    GATEWAY_TEST(a_second_modem_is_taken_while_smsd_serves_the_first, .modems = 2),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
