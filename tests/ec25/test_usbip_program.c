/*
 * The program with --usbip, without a kernel that has vhci_hcd: the folder is a plain one, `attach` a socket
 * of the test, which plays the kernel there. What is said over bulk endpoints must be what is said over a
 * pty.
 */
#include "ec25/test_program.h"
#include "ec25/test_usbip_host.h"

#include <sys/un.h>

/* Addresses of the composition `qmi`. */
struct port {
        uint8_t in, out;
};
static const struct port diag = {1, 1}, at = {4, 3}, modem = {6, 4};

struct kernel {
        struct fixture program;
        char vhci[96];
        int attach, connection;
        uint32_t seqnum;
        struct host_reply reply;
};

static void set_status(struct kernel *k, unsigned port, const char *state)
{
        char path[128], text[512] = "hub port sta spd dev      sockfd local_busid\n";

        for (unsigned i = 0; i < 8; i++)
                assert_int_equal(text_append(text, sizeof(text), "hs  %04u %s 000 00000000 000000 0-0\n", i,
                                             i == port ? state : "004"),
                                 0);
        assert_int_equal(text_format(path, sizeof(path), "%s/status", k->vhci), 0);
        write_text(path, text);
}

static int start_kernel(void **state)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct kernel *k = calloc(1, sizeof(*k));
        char option[128];

        if (!k)
                return -1;
        k->connection = -1;
        (void)text_copy(k->program.directory, sizeof(k->program.directory),
                        "/tmp/softec25.XXXXXX"); /* fits */
        if (!mkdtemp(k->program.directory) ||
            text_format(k->vhci, sizeof(k->vhci), "%s/vhci", k->program.directory) < 0 ||
            text_format(option, sizeof(option), "--usbip=%s", k->vhci) < 0 || mkdir(k->vhci, 0755) < 0 ||
            text_format(address.sun_path, sizeof(address.sun_path), "%s/attach", k->vhci) < 0)
                return -1;
        set_status(k, 8, "");
        k->attach = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (k->attach < 0 || bind(k->attach, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(k->attach, 4) < 0 ||
            ec25_client_start(program, k->program.directory, (const char *[]){option, "--modems", "2", NULL},
                              &k->program.client) < 0)
                return -1;
        *state = k;
        return 0;
}

static int stop_kernel(void **state)
{
        struct kernel *k = *state;

        close_fd(k->connection);
        close_fd(k->attach);
        ec25_client_free(k->program.client);
        int r = nftw(k->program.directory, remove_file, 16, FTW_DEPTH | FTW_PHYS);
        free(k);
        return r;
}

static int accept_device(struct kernel *k)
{
        struct pollfd wait = {.fd = k->attach, .events = POLLIN};

        assert_int_equal(poll(&wait, 1, 5000), 1);
        int fd = accept4(k->attach, NULL, NULL, SOCK_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

static void expect_reply(struct kernel *k, bool in, uint32_t seqnum, int status)
{
        assert_true(host_next(k->connection, in, &k->reply, 5000));
        assert_int_equal(k->reply.seqnum, seqnum);
        assert_int_equal(k->reply.status, status);
}

static void order(struct kernel *k, const uint8_t setup[8])
{
        host_control(k->connection, ++k->seqnum, setup, NULL);
        expect_reply(k, setup[0] & 0x80, k->seqnum, 0);
}

static void set_configuration(struct kernel *k, uint8_t value)
{
        order(k, (const uint8_t[]){0, 9, value, 0, 0, 0, 0, 0});
}

static void plug(struct kernel *k, const char *command)
{
        tell(&k->program, command);
        k->connection = accept_device(k);
        set_configuration(k, 1);
}

static bool device_is_gone(struct kernel *k)
{
        char byte;
        struct pollfd wait = {.fd = k->connection, .events = POLLIN};

        return poll(&wait, 1, 5000) == 1 && recv(k->connection, &byte, 1, 0) <= 0;
}

static void write_port(struct kernel *k, uint8_t endpoint, const char *text)
{
        host_submit(k->connection, ++k->seqnum, OUT, endpoint, text, (uint32_t)strlen(text));
}

/* A session: one IN request on the port at a time, then `said` (or NULL), then what comes until `wanted` is
 * there, then the last request is taken back. The answer to the OUT request passes by. */
static void converse(struct kernel *k, const struct port *port, const char *said, const char *wanted,
                     char *text, size_t size)
{
        uint32_t waiting = ++k->seqnum;

        text[0] = '\0';
        host_submit(k->connection, waiting, IN, port->in, NULL, 4096);
        if (said)
                write_port(k, port->out, said);
        while (!strstr(text, wanted)) {
                assert_true(host_next(k->connection, false, &k->reply, 5000));
                assert_int_equal(k->reply.status, 0);
                if (k->reply.seqnum != waiting)
                        continue;
                assert_true(host_read(k->connection, k->reply.data, k->reply.length, 5000));
                assert_int_equal(
                    text_append(text, size, "%.*s", (int)k->reply.length, (const char *)k->reply.data), 0);
                waiting = ++k->seqnum;
                host_submit(k->connection, waiting, IN, port->in, NULL, 4096);
        }
        host_unlink(k->connection, ++k->seqnum, waiting);
        assert_true(host_next(k->connection, false, &k->reply, 5000));
        while (k->reply.command != 4)
                assert_true(host_next(k->connection, false, &k->reply, 5000));
        assert_int_equal(k->reply.status, -ECONNRESET);
}

/* What is said, the end of what comes back. */
static const char *const dialogue[][2] = {{"AT\r", "OK\r\n"},
                                          {"ATE0\r", "OK\r\n"},
                                          {"ATI;+CSQ\r", "OK\r\n"},
                                          {"AT+NONSENSE\r", "ERROR\r\n"},
                                          {"AT+CMEE=1;+CMGF=0\r", "OK\r\n"},
                                          {"AT+CMGS=17\r", "> "},
                                          {"0011000B917360000000F10000AA03D3E614\x1a", "OK\r\n"},
                                          {"AT+CPMS?\r", "OK\r\n"},
                                          {"ATE1\r", "OK\r\n"}};

static void test_dialogue_equals_that_of_a_pty(void **state)
{
        struct kernel *k = *state;
        char over_usb[512], over_pty[512];
        void *other = NULL;

        assert_int_equal(setup(&other), 0);
        struct fixture *f = other;
        tell(f, "plug 0");
        int fd = open_port(f, "node 0 at");
        plug(k, "plug 0");
        for (size_t i = 0; i < ARRAY_SIZE(dialogue); i++) {
                say(fd, dialogue[i][0]);
                assert_true(read_until(fd, dialogue[i][1], over_pty, sizeof(over_pty)));
                converse(k, &at, dialogue[i][0], dialogue[i][1], over_usb, sizeof(over_usb));
                assert_string_equal(over_usb, over_pty);
        }
        close_fd(fd);
        assert_int_equal(teardown(&other), 0);
}

static void test_message_goes_out_and_comes_in(void **state)
{
        struct kernel *k = *state;
        char text[1024];

        plug(k, "plug 0");
        converse(k, &at, "AT+CMGF=0\r", "OK\r\n", text, sizeof(text));
        converse(k, &at, "AT+CMGS=18\r", "> ", text, sizeof(text));
        converse(k, &at, "0011000B917360000000F10000AA04F4F29C0E\x1a", "OK\r\n", text, sizeof(text));
        assert_non_null(strstr(text, "+CMGS: "));
        _cleanup_free_ char *sent = ask(&k->program, "sent 0");
        assert_non_null(strstr(sent, "text=test\n"));
        tell(&k->program, "receive 0 +37060000002 hello");
        converse(k, &at, "AT+CMGL=4\r", "OK\r\n", text, sizeof(text));
        assert_non_null(strstr(text, "+CMGL: 0,0,"));
}

static void test_diag_and_modem(void **state)
{
        struct kernel *k = *state;
        char text[256];

        plug(k, "plug 0");
        host_submit(k->connection, ++k->seqnum, IN, diag.in, NULL, 4096);
        write_port(k, diag.out, "AT\r");
        expect_reply(k, false, k->seqnum, 0);
        converse(k, &modem, "AT\r", "OK\r\n", text, sizeof(text));
        assert_string_equal(text, "AT\r\r\nOK\r\n"); /* and the request on DIAG still waits */
        _cleanup_free_ char *stats = ask(&k->program, "stats");
        assert_non_null(strstr(stats, "bytes 0 diag written=3 read=0\n"));
}

static void test_nothing_of_one_session_reaches_the_next(void **state)
{
        struct kernel *k = *state;
        char text[256];

        plug(k, "plug 0");
        tell(&k->program, "urc 0 BEFORE");
        converse(k, &at, "AT\r", "OK\r\n", text, sizeof(text)); /* takes its request back in the end */
        assert_string_equal(text, "AT\r\r\nOK\r\n");
        tell(&k->program, "urc 0 BETWEEN");
        converse(k, &at, "ATE0\r", "OK\r\n", text, sizeof(text));
        assert_string_equal(text, "ATE0\r\r\nOK\r\n");
}

/* `authorized` 0 and 1: the modem stays powered, a hang of the kind that this cures is over. */
static void test_unconfigured_and_back(void **state)
{
        struct kernel *k = *state;
        char text[256];

        plug(k, "plug 0");
        converse(k, &at, "ATE0\r", "OK\r\n", text, sizeof(text));
        tell(&k->program, "hang 0 usb");
        set_configuration(k, 0);
        set_configuration(k, 1);
        converse(k, &at, "AT\r", "OK\r\n", text, sizeof(text));
        assert_string_equal(text, "\r\nOK\r\n"); /* the echo is still off */
        tell(&k->program, "hang 0 power");
        set_configuration(k, 0);
        set_configuration(k, 1);
        _cleanup_free_ char *list = ask(&k->program, "list");
        assert_non_null(strstr(list, " hangs\n"));
}

static void test_reset_leaves_and_returns(void **state)
{
        struct kernel *k = *state;
        char text[256];

        plug(k, "plug 0 back=20");
        converse(k, &at, "AT+CFUN=1,1\r", "OK\r\n", text, sizeof(text));
        assert_true(device_is_gone(k));
        k->connection = close_fd(k->connection);
        k->connection = accept_device(k);
        set_configuration(k, 1);
        tell(&k->program, "wait-plugged 0 1 1000");
        converse(k, &at, "AT+QPOWD\r", "POWERED DOWN\r\n", text, sizeof(text));
        assert_true(device_is_gone(k));
        tell(&k->program, "wait-plugged 0 0 1000");
}

static void test_unplug_and_detach(void **state)
{
        struct kernel *k = *state;

        plug(k, "plug 0");
        refuse(&k->program, "plug 0", "Operation already in progress");
        tell(&k->program, "unplug 0");
        assert_true(device_is_gone(k));
        k->connection = close_fd(k->connection);
        plug(k, "plug 0");
        k->connection = close_fd(k->connection); /* what `detach` does */
        tell(&k->program, "wait-plugged 0 0 1000");
        refuse(&k->program, "unplug 0", "No such device");
}

/* A port that is still taken by what left it: tried again. */
static void test_waits_for_the_port(void **state)
{
        struct kernel *k = *state;
        struct pollfd wait = {.fd = k->attach, .events = POLLIN};

        set_status(k, 3, "006");
        tell(&k->program, "plug 0 port=3");
        assert_int_equal(poll(&wait, 1, 50), 0);
        set_status(k, 8, "");
        k->connection = accept_device(k);
        refuse(&k->program, "plug 1 port=3", "Device or resource busy");
        refuse(&k->program, "plug 1 port=8", "unknown option");
        refuse(&k->program, "plug 1 order=reverse", "Operation not supported");
        refuse(&k->program, "plug 1 usb=1-1.4", "Operation not supported");
        refuse(&k->program, "stale ttyUSB2", "Operation not supported");
        tell(&k->program, "plug 1 port=4");
        _cleanup_close_ int second = accept_device(k);
        refuse(&k->program, "wait-node 0 at 50", "timeout");
        refuse(&k->program, "node 0 at", "no such port now");
}

static void test_broken_ports(void **state)
{
        struct kernel *k = *state;

        plug(k, "plug 0");
        tell(&k->program, "eio 0");
        write_port(k, at.out, "AT\r");
        expect_reply(k, false, k->seqnum, -EPROTO);
        _cleanup_free_ char *list = ask(&k->program, "list");
        assert_non_null(strstr(list, "modem 0 plugged"));
}

/* It loses the device, not the program. */
static void test_hostile_kernel(void **state)
{
        struct kernel *k = *state;
        uint32_t header[12];

        plug(k, "plug 0");
        host_header(header, 1, 1, OUT, at.out, 0x7fffffff);
        host_write(k->connection, header, sizeof(header));
        assert_true(device_is_gone(k));
        tell(&k->program, "wait-plugged 0 0 1000");
        k->connection = close_fd(k->connection);
        plug(k, "plug 0");
}

#define KERNEL(test) cmocka_unit_test_setup_teardown(test, start_kernel, stop_kernel)

int main(void)
{
        const struct CMUnitTest tests[] = {
            KERNEL(test_dialogue_equals_that_of_a_pty),
            KERNEL(test_message_goes_out_and_comes_in),
            KERNEL(test_diag_and_modem),
            KERNEL(test_nothing_of_one_session_reaches_the_next),
            KERNEL(test_unconfigured_and_back),
            KERNEL(test_reset_leaves_and_returns),
            KERNEL(test_unplug_and_detach),
            KERNEL(test_waits_for_the_port),
            KERNEL(test_broken_ports),
            KERNEL(test_hostile_kernel),
        };

        return find_program() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
