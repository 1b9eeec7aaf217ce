/*
 * USB/IP byte by byte: the protocol, endpoint 0, and what vhci_hcd says of its ports.
 */
#include "ec25/test_usbip_host.h"

#include "base/cleanup.h"
#include "ec25/usb_control.h"
#include "ec25/usbip.h"
#include "ec25/vhci.h"

/* -- the protocol -- */

static void test_submit_is_decoded(void **state)
{
        static const uint8_t header[USBIP_HEADER] = {
            0, 0, 0, 1,    0,    0,    0x0d, 0x05, 0, 1, 0, 1, 0, 0, 0, 1, 0,    0, 0, 0, 0, 0, 2,    0,
            0, 0, 0, 0x40, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 4, 0x80, 6, 0, 1, 0, 0, 0x40, 0};
        struct usbip_request request;

        (void)state;
        assert_int_equal(usbip_decode(header, &request), 0);
        assert_int_equal(request.command, USBIP_CMD_SUBMIT);
        assert_int_equal(request.seqnum, 0x0d05);
        assert_true(request.in);
        assert_int_equal(request.endpoint, 0);
        assert_int_equal(request.length, 64);
        assert_memory_equal(request.setup, ((const uint8_t[]){0x80, 6, 0, 1, 0, 0, 0x40, 0}), 8);
        assert_int_equal(usbip_data_length(&request), 0);
}

static void test_unlink_is_decoded(void **state)
{
        static const uint8_t header[USBIP_HEADER] = {0, 0, 0, 2, 0, 0, 0, 9, 0, 1,    0,    1,
                                                     0, 0, 0, 0, 0, 0, 0, 0, 1, 0x02, 0x03, 0x04};
        struct usbip_request request;

        (void)state;
        assert_int_equal(usbip_decode(header, &request), 0);
        assert_int_equal(request.command, USBIP_CMD_UNLINK);
        assert_int_equal(request.seqnum, 9);
        assert_int_equal(request.unlink, 0x01020304);
        assert_int_equal(usbip_data_length(&request), 0);
}

static void test_answers_are_encoded(void **state)
{
        static const uint8_t submit[USBIP_HEADER] = {0, 0, 0, 3, 0x01, 0x02, 0x03, 0x04, 0, 0,
                                                     0, 0, 0, 0, 0,    0,    0,    0,    0, 0,
                                                     0, 0, 0, 0, 0,    0,    0x2,  0x01},
                             stall[USBIP_HEADER] = {0, 0, 0, 3, 0, 0, 0, 7, 0,    0,    0,    0,
                                                    0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xe0},
                             unlink[USBIP_HEADER] = {0, 0, 0, 4, 0, 0, 0, 8, 0,    0,    0,    0,
                                                     0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x98};
        uint8_t header[USBIP_HEADER];

        (void)state;
        memset(header, 0x55, sizeof(header));
        usbip_encode_submit(header, 0x01020304, 0, 513);
        assert_memory_equal(header, submit, sizeof(header));
        memset(header, 0x55, sizeof(header));
        usbip_encode_submit(header, 7, -EPIPE, 0);
        assert_memory_equal(header, stall, sizeof(header));
        memset(header, 0x55, sizeof(header));
        usbip_encode_unlink(header, 8, -ECONNRESET);
        assert_memory_equal(header, unlink, sizeof(header));
}

static void test_what_cannot_be_is_refused(void **state)
{
        static const struct {
                uint32_t command, direction, endpoint, length, packets;
                int result;
        } rows[] = {{1, OUT, 1, 65536, 0, 0},
                    {1, OUT, 1, 65537, 0, -EPROTO},
                    {1, OUT, 1, UINT32_MAX, 0, -EPROTO},
                    {1, IN, 1, 1u << 30, 0, 0}, /* a bound only: nothing follows */
                    {1, IN, 1, 1u << 31, 0, -EPROTO},
                    {1, IN, 1, 64, UINT32_MAX, 0},
                    {1, IN, 1, 64, 1, -EPROTO}, /* isochronous */
                    {1, 2, 1, 64, 0, -EPROTO},
                    {1, IN, 15, 64, 0, 0},
                    {1, IN, 16, 64, 0, -EPROTO},
                    {0, IN, 1, 64, 0, -EPROTO},
                    {3, IN, 1, 64, 0, -EPROTO},
                    {0x80000001, IN, 1, 64, 0, -EPROTO}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct usbip_request request = {.seqnum = 4711};
                uint32_t header[12];
                host_header(header, rows[i].command, 1, rows[i].direction, rows[i].endpoint, rows[i].length);
                header[8] = htonl(rows[i].packets);
                assert_int_equal(usbip_decode((const uint8_t *)header, &request), rows[i].result);
                assert_int_equal(request.seqnum, rows[i].result ? 4711 : 1);
        }
}

static void test_table(void **state)
{
        static struct usbip_table table;
        struct usbip_waiting taken;

        (void)state;
        for (uint32_t i = 0; i < USBIP_REQUESTS; i++)
                assert_int_equal(
                    usbip_table_add(&table,
                                    &(struct usbip_waiting){.seqnum = i, .endpoint = i % 2 ? 0x82 : 0x81}),
                    0);
        assert_int_equal(usbip_table_add(&table, &(struct usbip_waiting){.seqnum = 1000}), -ENOBUFS);
        assert_true(usbip_table_unlink(&table, 1, &taken));
        assert_int_equal(taken.endpoint, 0x82);
        assert_false(usbip_table_unlink(&table, 1, &taken));
        assert_true(usbip_table_take(&table, 0x82, &taken));
        assert_int_equal(taken.seqnum, 3);
        assert_true(usbip_table_take(&table, 0x81, &taken));
        assert_int_equal(taken.seqnum, 0);
        assert_false(usbip_table_take(&table, 0x83, &taken));
        while (usbip_table_take(&table, 0x82, &taken))
                ;
        assert_int_equal(taken.seqnum, USBIP_REQUESTS - 1);
        assert_false(usbip_table_has(&table, 0x82));
        assert_true(usbip_table_has(&table, 0x81));
}

/* -- endpoint 0 -- */

static void test_control_requests(void **state)
{
        static const struct {
                uint8_t setup[8];
                int result;
                uint8_t reply[8]; /* its beginning */
        } rows[] = {
            {{0x80, 6, 0, 1, 0, 0, 64, 0}, 18, {18, 1, 0, 2, 0xef, 0, 0, 64}},
            {{0x80, 6, 0, 1, 0, 0, 8, 0}, 8, {18, 1, 0, 2, 0xef, 0, 0, 64}}, /* cut */
            {{0x80, 6, 0, 2, 0, 0, 9, 0}, 9, {9, 2, 0xd1, 0, 5, 1, 0, 0xa0}},
            {{0x80, 6, 0, 2, 0, 0, 0xff, 0xff}, 0xd1, {9, 2, 0xd1, 0, 5, 1, 0, 0xa0}},
            {{0x80, 6, 1, 2, 0, 0, 9, 0}, -EPIPE, {0}}, /* a second configuration */
            {{0x80, 6, 0, 3, 0, 0, 255, 0}, 4, {4, 3, 9, 4}},
            {{0x80, 6, 1, 3, 9, 4, 255, 0}, 16, {16, 3, 'Q', 0, 'u', 0, 'e', 0}},
            {{0x80, 6, 2, 3, 9, 4, 255, 0}, 16, {16, 3, 'E', 0, 'C', 0, '2', 0}},
            {{0x80, 6, 4, 3, 9, 4, 255, 0}, 26, {26, 3, '0', 0, '2', 0, '6', 0}}, /* ECM's address */
            {{0x80, 6, 5, 3, 9, 4, 255, 0}, -EPIPE, {0}},
            {{0x80, 6, 0, 6, 0, 0, 10, 0}, 10, {10, 6, 0, 2, 0xef, 0, 0, 64}},
            {{0x80, 6, 0, 7, 0, 0, 9, 0}, -EPIPE, {0}},  /* other speed */
            {{0x80, 6, 0, 15, 0, 0, 5, 0}, -EPIPE, {0}}, /* BOS */
            {{0x80, 8, 0, 0, 0, 0, 1, 0}, 1, {0}},
            {{0x81, 10, 0, 0, 2, 0, 1, 0}, -EPIPE, {0}}, /* not configured yet */
            {{0x00, 9, 2, 0, 0, 0, 0, 0}, -EPIPE, {0}},
            {{0x00, 9, 1, 0, 0, 0, 0, 0}, 0, {0}},
            {{0x80, 8, 0, 0, 0, 0, 1, 0}, 1, {1}},
            {{0x01, 11, 0, 0, 4, 0, 0, 0}, 0, {0}},
            {{0x01, 11, 1, 0, 4, 0, 0, 0}, -EPIPE, {0}}, /* no alternate setting */
            {{0x01, 11, 0, 0, 5, 0, 0, 0}, -EPIPE, {0}}, /* no such interface */
            {{0x81, 10, 0, 0, 2, 0, 1, 0}, 1, {0}},
            {{0x80, 0, 0, 0, 0, 0, 2, 0}, 2, {0, 0}},
            {{0x00, 3, 1, 0, 0, 0, 0, 0}, 0, {0}}, /* remote wakeup */
            {{0x80, 0, 0, 0, 0, 0, 2, 0}, 2, {2, 0}},
            {{0x00, 1, 1, 0, 0, 0, 0, 0}, 0, {0}},
            {{0x80, 0, 0, 0, 0, 0, 2, 0}, 2, {0, 0}},
            {{0x00, 3, 2, 0, 0, 0, 0, 0}, -EPIPE, {0}}, /* test mode */
            {{0x81, 0, 0, 0, 9, 0, 2, 0}, -EPIPE, {0}},
            {{0x02, 3, 0, 0, 0x82, 0, 0, 0}, 0, {0}}, /* halt */
            {{0x82, 0, 0, 0, 0x82, 0, 2, 0}, 2, {1, 0}},
            {{0x82, 0, 0, 0, 0x02, 0, 2, 0}, 2, {0, 0}},
            {{0x02, 1, 0, 0, 0x82, 0, 0, 0}, 0, {0}},
            {{0x82, 0, 0, 0, 0x82, 0, 2, 0}, 2, {0, 0}},
            {{0x02, 1, 0, 0, 0x8f, 0, 0, 0}, -EPIPE, {0}},
            {{0x02, 1, 0, 0, 0x82, 1, 0, 0}, -EPIPE, {0}},
            {{0x21, 0x22, 3, 0, 2, 0, 0, 0}, 0, {0}},      /* DTR */
            {{0x21, 0x22, 3, 0, 5, 0, 0, 0}, -EPIPE, {0}}, /* of nobody */
            {{0x21, 0, 0, 0, 4, 0, 0, 0}, -EPIPE, {0}},    /* encapsulated command */
            {{0xa1, 1, 0, 0, 4, 0, 64, 0}, -EPIPE, {0}},
            {{0xa1, 0x21, 0, 0, 2, 0, 7, 0}, 7, {0}},
            {{0x21, 0x20, 0, 0, 2, 0, 7, 0}, -EPIPE, {0}}, /* without its data */
            {{0x40, 9, 0, 0, 0, 0, 0, 0}, 0, {0}},
            {{0xc0, 9, 0, 0, 0, 0, 2, 0}, -EPIPE, {0}},
        };
        struct usb_control control = {.composition = composition_find("qmi")};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                uint8_t reply[USB_CONTROL_REPLY] = {0};
                int r = usb_control(&control, rows[i].setup, NULL, 0, reply);
                if (r != rows[i].result)
                        print_message("row %zu\n", i);
                assert_int_equal(r, rows[i].result);
                assert_memory_equal(reply, rows[i].reply, r < 0 ? 0 : r < 8 ? (size_t)r : 8);
        }
        assert_int_equal(control.lines[2], 3);
}

static void test_strings_of_any_length(void **state)
{
        char text[300];
        struct composition composition = *composition_find("qmi");
        struct usb_control control = {.composition = &composition};
        uint8_t reply[USB_CONTROL_REPLY];

        (void)state;
        memset(text, 0xe4, sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        composition.description = text;
        composition.serial = "";
        composition.manufacturer = NULL;
        assert_int_equal(
            usb_control(&control, (const uint8_t[]){0x80, 6, 2, 3, 9, 4, 255, 0}, NULL, 0, reply), 254);
        assert_memory_equal(reply, ((const uint8_t[]){254, 3, 0xe4, 0, 0xe4, 0}), 6);
        assert_int_equal(
            usb_control(&control, (const uint8_t[]){0x80, 6, 3, 3, 9, 4, 255, 0}, NULL, 0, reply), 2);
        assert_int_equal(
            usb_control(&control, (const uint8_t[]){0x80, 6, 1, 3, 9, 4, 255, 0}, NULL, 0, reply), -EPIPE);
        assert_int_equal(usb_control(&control, (const uint8_t[]){0x80, 6, 0, 1, 0, 0, 18, 0}, NULL, 0, reply),
                         18);
        assert_int_equal(reply[14], 0);
}

static void test_line_coding_is_kept(void **state)
{
        static const uint8_t coding[7] = {0, 0xc2, 1, 0, 0, 0, 8};
        struct usb_control control = {.composition = composition_find("samsung")};
        uint8_t reply[USB_CONTROL_REPLY];

        (void)state;
        assert_int_equal(
            usb_control(&control, (const uint8_t[]){0x21, 0x20, 0, 0, 1, 0, 7, 0}, coding, 7, reply), 0);
        assert_int_equal(
            usb_control(&control, (const uint8_t[]){0xa1, 0x21, 0, 0, 1, 0, 7, 0}, NULL, 0, reply), 7);
        assert_memory_equal(reply, coding, 7);
        assert_int_equal(
            usb_control(&control, (const uint8_t[]){0x21, 0x20, 0, 0, 1, 0, 8, 0}, coding, 6, reply), -EPIPE);
}

/* Every endpoint of every composition is found again, and none is there twice. */
static void test_endpoints_of_all_compositions(void **state)
{
        const struct composition *composition;

        (void)state;
        for (size_t i = 0; (composition = composition_at(i)); i++) {
                bool seen[256] = {false};
                for (size_t k = 0; k < composition->count; k++)
                        for (size_t e = 0; composition->interfaces[k].endpoints[e]; e++) {
                                uint8_t address = composition_endpoint(composition, k, e);
                                size_t found;
                                assert_false(seen[address]);
                                seen[address] = true;
                                assert_int_equal(usb_endpoint_find(composition, address, &found), 0);
                                assert_int_equal(found, k);
                                assert_int_equal(address & 0x80,
                                                 composition->interfaces[k].endpoints[e] == 'o' ? 0 : 0x80);
                        }
        }
}

/* -- vhci -- */

static void test_status_is_parsed(void **state)
{
        static const char text[] = "hub port sta spd dev      sockfd local_busid\n"
                                   "hs  0000 006 003 00010001 000006 1-1\n"
                                   "hs  0001 004 000 00000000 000000 0-0\n"
                                   "hs  0002 005 000 00000000 000000 0-0\n"
                                   "hs  0008 004 000 00000000 000000 0-0\n" /* more than there are */
                                   "nonsense\n"
                                   "hs  0003 004\n"
                                   "ss  0004 004 000 00000000 000000 0-0\n";
        struct vhci_port ports[VHCI_PORTS];

        (void)state;
        vhci_parse_status(text, ports);
        assert_int_equal(ports[0].state, VHCI_BUSY);
        assert_string_equal(ports[0].bus_id, "1-1");
        assert_int_equal(ports[1].state, VHCI_FREE);
        assert_string_equal(ports[1].bus_id, "");
        assert_int_equal(ports[2].state, VHCI_BUSY); /* attached, not numbered yet */
        assert_string_equal(ports[2].bus_id, "");
        assert_int_equal(ports[3].state, VHCI_BUSY); /* nothing known: nothing free */
        assert_int_equal(ports[4].state, VHCI_BUSY);
        vhci_parse_status("", ports);
        assert_int_equal(ports[0].state, VHCI_BUSY);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_submit_is_decoded),
            cmocka_unit_test(test_unlink_is_decoded),
            cmocka_unit_test(test_answers_are_encoded),
            cmocka_unit_test(test_what_cannot_be_is_refused),
            cmocka_unit_test(test_table),
            cmocka_unit_test(test_control_requests),
            cmocka_unit_test(test_strings_of_any_length),
            cmocka_unit_test(test_line_coding_is_kept),
            cmocka_unit_test(test_endpoints_of_all_compositions),
            cmocka_unit_test(test_status_is_parsed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
