/*
 * A device at the end of a USB/IP connection whose kernel is the test.
 */
#include "ec25/test_usbip_host.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "ec25/usbip.h"
#include "ec25/usbip_device.h"

struct fixture {
        int host; /* the kernel's end */
        struct usbip_device *device;
        struct host_reply reply;
        char events[4096];
};

static void received(void *userdata, size_t interface, const void *bytes, size_t length)
{
        struct fixture *f = userdata;
        char text[64];

        (void)text_escape(text, sizeof(text), bytes, length < 12 ? length : 12); /* fits */
        assert_int_equal(
            text_append(f->events, sizeof(f->events), "got %zu %zu %s;", interface, length, text), 0);
}

static void configured(void *userdata, bool on)
{
        struct fixture *f = userdata;

        assert_int_equal(text_append(f->events, sizeof(f->events), "configured %d;", on), 0);
}

static void line_state(void *userdata, size_t interface, unsigned lines)
{
        struct fixture *f = userdata;

        assert_int_equal(text_append(f->events, sizeof(f->events), "lines %zu %u;", interface, lines), 0);
}

static void closed(void *userdata, size_t interface)
{
        struct fixture *f = userdata;

        assert_int_equal(text_append(f->events, sizeof(f->events), "closed %zu;", interface), 0);
}

static const struct usbip_events events = {
    .received = received, .configured = configured, .line_state = line_state, .closed = closed};

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));
        int pair[2];

        if (!f || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
                free(f);
                return -1;
        }
        f->host = pair[0];
        *state = f;
        return usbip_device_new(pair[1], composition_find("qmi"), &events, f, &f->device);
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        usbip_device_free(f->device);
        close_fd(f->host);
        free(f);
        return 0;
}

static void dispatch(struct fixture *f)
{
        assert_int_equal(usbip_device_dispatch(f->device), 0);
}

static void expect_events(struct fixture *f, const char *wanted)
{
        assert_string_equal(f->events, wanted);
        f->events[0] = '\0';
}

/* The device is idle after dispatch, so an answer is there at once or never. */
static void expect(struct fixture *f, bool in, uint32_t command, uint32_t seqnum, int status, uint32_t length)
{
        assert_true(host_next(f->host, in, &f->reply, 0));
        assert_int_equal(f->reply.command, command);
        assert_int_equal(f->reply.seqnum, seqnum);
        assert_int_equal(f->reply.status, status);
        assert_int_equal(f->reply.length, length);
}

static void expect_nothing(struct fixture *f)
{
        assert_false(host_next(f->host, false, &f->reply, 0));
}

static void control(struct fixture *f, const uint8_t request[8], int status, uint32_t length)
{
        host_control(f->host, 100, request, NULL);
        dispatch(f);
        expect(f, request[0] & 0x80, 3, 100, status, length);
}

static const uint8_t configure[] = {0, 9, 1, 0, 0, 0, 0, 0}, unconfigure[] = {0, 9, 0, 0, 0, 0, 0, 0},
                     dtr_on[] = {0x21, 0x22, 3, 0, 2, 0, 0, 0};

static int setup_configured(void **state)
{
        *state = NULL;
        if (setup(state) < 0)
                return -1;
        struct fixture *f = *state;
        control(f, configure, 0, 0);
        expect_events(f, "configured 1;");
        return 0;
}

/* As a 6.1 kernel does it: 64 bytes, the whole, qualifier, 9 bytes of the configuration, all of it, strings.
 */
static void test_enumeration(void **state)
{
        struct fixture *f = *state;
        uint8_t all[COMPOSITION_DESCRIPTORS];
        size_t length = composition_descriptors(composition_find("qmi"), all);

        control(f, (const uint8_t[]){0x80, 6, 0, 1, 0, 0, 64, 0}, 0, 18);
        control(f, (const uint8_t[]){0x80, 6, 0, 1, 0, 0, 18, 0}, 0, 18);
        assert_memory_equal(f->reply.data, all, 18);
        control(f, (const uint8_t[]){0x80, 6, 0, 6, 0, 0, 10, 0}, 0, 10);
        control(f, (const uint8_t[]){0x80, 6, 0, 2, 0, 0, 9, 0}, 0, 9);
        control(f, (const uint8_t[]){0x80, 6, 0, 2, 0, 0, 0xd1, 0}, 0, 0xd1);
        assert_int_equal(length, 18 + 0xd1);
        assert_memory_equal(f->reply.data, all + 18, 0xd1);
        control(f, (const uint8_t[]){0x80, 6, 0, 3, 0, 0, 255, 0}, 0, 4);
        control(f, (const uint8_t[]){0x80, 6, 2, 3, 9, 4, 255, 0}, 0, 16);
        expect_events(f, "");
        assert_false(usbip_device_is_configured(f->device));
        control(f, configure, 0, 0);
        assert_true(usbip_device_is_configured(f->device));
        control(f, configure, 0, 0); /* after a port reset: not news */
        expect_events(f, "configured 1;");
        control(f, unconfigure, 0, 0);
        expect_events(f, "configured 0;");
        control(f, (const uint8_t[]){0x80, 6, 0, 15, 0, 0, 5, 0}, -EPIPE, 0);
}

static void test_in_waits_for_data(void **state)
{
        struct fixture *f = *state;

        assert_false(usbip_device_is_open(f->device, 2));
        assert_int_equal(usbip_device_send(f->device, 2, "RDY", 3), 0);
        host_submit(f->host, 1, IN, 4, NULL, 4); /* 0x84: bulk in of interface 2 */
        host_submit(f->host, 2, IN, 4, NULL, 4096);
        host_submit(f->host, 3, IN, 5, NULL, 10); /* its interrupt endpoint */
        dispatch(f);
        expect_nothing(f);
        assert_true(usbip_device_is_open(f->device, 2));
        assert_int_equal(usbip_device_send(f->device, 2, "\r\nRDY\r\n", 7),
                         4); /* the oldest, as much as it takes */
        expect(f, true, 3, 1, 0, 4);
        assert_memory_equal(f->reply.data, "\r\nRD", 4);
        assert_int_equal(usbip_device_send(f->device, 2, "Y\r\n", 3), 3);
        expect(f, true, 3, 2, 0, 3);
        assert_int_equal(usbip_device_send(f->device, 2, "more", 4),
                         0); /* the interrupt request still waits */
        expect_nothing(f);
        assert_true(usbip_device_is_open(f->device, 2)); /* between an answer and the next request */
        expect_events(f, "");
}

static void test_unlink(void **state)
{
        struct fixture *f = *state;

        host_submit(f->host, 1, IN, 4, NULL, 64);
        host_submit(f->host, 2, IN, 4, NULL, 64);
        host_submit(f->host, 3, IN, 5, NULL, 10);
        dispatch(f);
        assert_int_equal(usbip_device_send(f->device, 2, "OK", 2), 2);
        expect(f, true, 3, 1, 0, 2);
        host_unlink(f->host, 10, 1);
        dispatch(f);
        expect(f, false, 4, 10, 0, 0); /* answered before */
        host_unlink(f->host, 11, 2);
        dispatch(f);
        expect(f, false, 4, 11, -ECONNRESET, 0);
        expect_events(f, "closed 2;");
        assert_false(usbip_device_is_open(f->device, 2));
        host_unlink(f->host, 12, 3);
        host_unlink(f->host, 13, 4711);
        dispatch(f);
        expect(f, false, 4, 12, -ECONNRESET, 0);
        expect(f, false, 4, 13, 0, 0);
        expect_events(f, "");
}

/* The last bulk request was answered in the moment of closing: the interrupt one tells. */
static void test_close_in_mid_answer(void **state)
{
        struct fixture *f = *state;

        host_submit(f->host, 1, IN, 4, NULL, 64);
        host_submit(f->host, 2, IN, 5, NULL, 10);
        dispatch(f);
        assert_int_equal(usbip_device_send(f->device, 2, "OK", 2), 2);
        host_unlink(f->host, 3, 2);
        dispatch(f);
        expect_events(f, "closed 2;");
}

static void test_out(void **state)
{
        struct fixture *f = *state;
        static const char big[USBIP_TRANSFER] = "big";

        host_submit(f->host, 1, OUT, 3, "AT\r", 3);
        host_submit(f->host, 2, OUT, 1, big, sizeof(big));
        /* What does not fit into the socket at once is written while the device reads. */
        dispatch(f);
        expect(f, false, 3, 1, 0, 3);
        expect(f, false, 3, 2, 0, USBIP_TRANSFER);
        expect_events(f, "got 2 3 AT\\r;got 0 65536 big\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00;");
        host_submit(f->host, 3, OUT, 9, "AT\r", 3); /* no such endpoint */
        host_submit(f->host, 4, OUT, 3, "", 0);
        dispatch(f);
        expect(f, false, 3, 3, -EPIPE, 0);
        expect(f, false, 3, 4, 0, 0);
        expect_events(f, "");
}

static void test_messages_in_pieces(void **state)
{
        struct fixture *f = *state;
        uint8_t bytes[2 * (USBIP_HEADER + 3)];
        uint32_t header[12];

        host_header(header, 1, 1, OUT, 3, 3);
        memcpy(bytes, header, USBIP_HEADER);
        memcpy(bytes + USBIP_HEADER, (const char[]){'A', 'T', '\r'}, 3);
        memcpy(bytes + USBIP_HEADER + 3, bytes, USBIP_HEADER + 3);
        for (size_t i = 0; i < sizeof(bytes); i++) {
                host_write(f->host, &bytes[i], 1);
                dispatch(f);
        }
        expect_events(f, "got 2 3 AT\\r;got 2 3 AT\\r;");
}

static void test_unconfigured_halted_broken(void **state)
{
        struct fixture *f = *state;

        control(f, (const uint8_t[]){0x02, 3, 0, 0, 0x03, 0, 0, 0}, 0, 0);
        host_submit(f->host, 1, OUT, 3, "AT\r", 3);
        dispatch(f);
        expect(f, false, 3, 1, -EPIPE, 0);
        control(f, (const uint8_t[]){0x02, 1, 0, 0, 0x03, 0, 0, 0}, 0, 0);
        host_submit(f->host, 2, OUT, 3, "AT\r", 3);
        dispatch(f);
        expect(f, false, 3, 2, 0, 3);
        expect_events(f, "got 2 3 AT\\r;");
        usbip_device_break(f->device);
        host_submit(f->host, 3, OUT, 3, "AT\r", 3);
        host_submit(f->host, 4, IN, 4, NULL, 64);
        dispatch(f);
        expect(f, false, 3, 3, -EPROTO, 0);
        assert_int_equal(usbip_device_send(f->device, 2, "OK", 2), 0);
        expect_nothing(f);
        control(f, unconfigure, 0, 0);
        host_submit(f->host, 5, IN, 4, NULL, 64);
        dispatch(f);
        expect(f, false, 3, 5, -EPIPE, 0);
}

static void test_lines(void **state)
{
        struct fixture *f = *state;

        control(f, dtr_on, 0, 0);
        control(f, dtr_on, 0, 0);
        expect_events(f, "lines 2 3;");
        control(f, (const uint8_t[]){0x21, 0x22, 0, 0, 2, 0, 0, 0}, 0, 0);
        expect_events(f, "lines 2 0;");
}

static void test_hostile_kernel(void **state)
{
        static const struct {
                uint32_t command, direction, endpoint, length;
        } rows[] = {
            {1, OUT, 3, 65537}, {1, OUT, 3, 0xffffffff}, {1, OUT, 0, 65537}, {7, 0, 0, 0}, {1, IN, 99, 1}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                void *own = NULL;
                uint32_t header[12];
                assert_int_equal(setup_configured(&own), 0);
                struct fixture *f = own;
                host_header(header, rows[i].command, 1, rows[i].direction, rows[i].endpoint, rows[i].length);
                host_write(f->host, header, sizeof(header));
                assert_int_equal(usbip_device_dispatch(f->device), -EPROTO);
                teardown(&own);
        }
}

static void test_too_many_requests(void **state)
{
        struct fixture *f = *state;

        for (uint32_t i = 0; i < USBIP_REQUESTS; i++)
                host_submit(f->host, i, IN, 4, NULL, 64);
        dispatch(f);
        host_submit(f->host, 1000, IN, 4, NULL, 64);
        assert_int_equal(usbip_device_dispatch(f->device), -ENOBUFS);
}

/* A kernel that asks and does not read: kept, sent later in order, and bounded. */
static void test_kernel_that_does_not_read(void **state)
{
        struct fixture *f = *state;
        static const char data[USBIP_TRANSFER];
        uint32_t sent = 0;
        int r = 0;

        for (uint32_t seqnum = 1; seqnum <= 40; seqnum++) {
                host_submit(f->host, seqnum, IN, 4, NULL, USBIP_TRANSFER + 5);
                dispatch(f);
                assert_int_equal(usbip_device_send(f->device, 2, data, sizeof(data)), sizeof(data));
                sent++;
        }
        for (uint32_t seqnum = 1; seqnum <= sent; seqnum++) {
                struct pollfd wait = {.fd = f->host, .events = POLLIN};
                dispatch(f);
                assert_int_equal(poll(&wait, 1, 0), 1);
                uint32_t header[12], got = 0;
                assert_true(host_read(f->host, header, sizeof(header), 0));
                assert_int_equal(ntohl(header[1]), seqnum);
                while (got < sizeof(data)) {
                        ssize_t now = recv(f->host, f->reply.data, sizeof(data) - got, MSG_DONTWAIT);
                        if (now > 0)
                                got += (uint32_t)now;
                        else
                                dispatch(f);
                }
        }
        for (uint32_t seqnum = 1; r == 0 && seqnum < 200; seqnum++) {
                host_submit(f->host, seqnum, IN, 4, NULL, USBIP_TRANSFER);
                r = usbip_device_dispatch(f->device);
                (void)usbip_device_send(f->device, 2, data,
                                        sizeof(data)); /* fails in the end, told by dispatch */
        }
        assert_int_equal(r, -ENOBUFS);
}

static void test_kernel_lets_go(void **state)
{
        struct fixture *f = *state;

        f->host = close_fd(f->host);
        assert_int_equal(usbip_device_dispatch(f->device), -ECONNRESET);
}

#define DEVICE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define READY(test)  cmocka_unit_test_setup_teardown(test, setup_configured, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
            DEVICE(test_enumeration),
            READY(test_in_waits_for_data),
            READY(test_unlink),
            READY(test_close_in_mid_answer),
            READY(test_out),
            READY(test_messages_in_pieces),
            READY(test_unconfigured_halted_broken),
            READY(test_lines),
            cmocka_unit_test(test_hostile_kernel),
            READY(test_too_many_requests),
            READY(test_kernel_that_does_not_read),
            READY(test_kernel_lets_go),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
