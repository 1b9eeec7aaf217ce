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

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_modem_is_plugged_in_and_messages_flow),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
