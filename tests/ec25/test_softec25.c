/*
 * The program as a whole: started, told what to do over its socket, looked at through its ptys as smsd would.
 */
#include "ec25/test_program.h"

static void test_at_and_transcript(void **state)
{
        struct fixture *f = *state;
        char text[256], path[PATH_MAX];

        tell(f, "plug 0");
        _cleanup_close_ int fd = open_port(f, "node 0 at");
        say(fd, "AT+CSQ\r");
        assert_true(read_until(fd, "OK\r\n", text, sizeof(text)));
        assert_string_equal(text, "AT+CSQ\r\r\n+CSQ: 28,99\r\n\r\nOK\r\n");
        assert_int_equal(text_format(path, sizeof(path), "%s/transcript/0-at", f->directory), 0);
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        assert_non_null(file);
        size_t length = fread(text, 1, sizeof(text) - 1, file);
        text[length] = '\0';
        assert_non_null(strstr(text, " < AT+CSQ\\r\n"));
        _cleanup_free_ char *stats = ask(f, "stats");
        assert_non_null(strstr(stats, "bytes 0 diag written=0 read=0\n"));
        assert_non_null(strstr(stats, "command 0 at=1 modem=0 AT+CSQ\n"));
}

static void test_nothing_of_one_session_reaches_the_next(void **state)
{
        struct fixture *f = *state;
        char text[256];

        tell(f, "plug 0");
        int fd = open_port(f, "node 0 at");
        say(fd, "ATE0\r");
        assert_true(read_until(fd, "OK", text, sizeof(text)));
        say(fd, "AT+CGSN\r");
        tell(f, "wait-command 0 AT+CGSN 2000 1");
        close_fd(fd);
        tell(f, "urc 0 LOST"); /* nobody listens */
        fd = open_port(f, "node 0 at");
        say(fd, "AT\r");
        assert_true(read_until(fd, "OK\r\n", text, sizeof(text)));
        assert_string_equal(text, "\r\nOK\r\n");
        close_fd(fd);
}

static void test_unplug_hangs_up_and_leaves_a_hole(void **state)
{
        struct fixture *f = *state;
        char link[64], target[64], text[16];

        tell(f, "plug 0");
        int fd = open_port(f, "node 0 at");
        tell(f, "unplug 0");
        assert_int_equal(write(fd, "AT\r", 3), -1);
        assert_int_equal(errno, EIO);
        assert_int_equal(read(fd, text, sizeof(text)), 0);
        assert_int_equal(text_format(link, sizeof(link), "/proc/self/fd/%d", fd), 0);
        ssize_t length = readlink(link, target, sizeof(target) - 1);
        assert_true(length > 0);
        target[length] = '\0';
        assert_non_null(strstr(target, " (deleted)"));
        _cleanup_free_ char *holders = ask(f, "holders 0");
        assert_non_null(strstr(holders, "holder ttyUSB2 pid="));
        assert_non_null(strstr(holders, " dead\n"));

        tell(f, "plug 0");
        _cleanup_free_ char *hole = ask(f, "node 0 at");
        assert_non_null(strstr(hole, "/ttyUSB3\n")); /* 0, 1, 3, 4 */
        tell(f, "unplug 0");
        close_fd(fd);
        tell(f, "plug 0");
        _cleanup_free_ char *back = ask(f, "node 0 at");
        assert_non_null(strstr(back, "/ttyUSB2\n"));
}

static void test_stale_by_word(void **state)
{
        struct fixture *f = *state;

        tell(f, "stale ttyUSB2");
        tell(f, "plug 0");
        _cleanup_free_ char *node = ask(f, "node 0 modem");
        assert_non_null(strstr(node, "/ttyUSB4\n"));
        tell(f, "unplug 0");
        tell(f, "unstale ttyUSB2");
        tell(f, "plug 0 first=7");
        _cleanup_free_ char *first = ask(f, "node 0 diag");
        assert_non_null(strstr(first, "/ttyUSB7\n"));
        refuse(f, "stale ttyS0", "Invalid argument");
}

static void test_eio(void **state)
{
        struct fixture *f = *state;

        tell(f, "plug 0");
        _cleanup_close_ int fd = open_port(f, "node 0 at");
        tell(f, "eio 0");
        assert_int_equal(write(fd, "AT\r", 3), -1);
        assert_int_equal(errno, EIO);
        _cleanup_free_ char *list = ask(f, "list");
        assert_non_null(strstr(list, "modem 0 plugged"));
        tell(f, "unplug 0");
}

static void test_reset_leaves_and_returns(void **state)
{
        struct fixture *f = *state;
        char text[256];

        tell(
            f,
            "plug 0 back=50 boot=1500"); /* the port must be open before it says RDY, on a busy machine too */
        int fd = open_port(f, "node 0 at");
        tell(f, "hang 0");
        tell(f, "wake 0");
        tell(f, "wait-plugged 0 1 1000");
        /* Silent until it has booted. */
        assert_true(read_until(fd, "RDY", text, sizeof(text)));
        say(fd, "AT+CFUN=1,1\r");
        assert_true(read_until(fd, "OK\r\n", text, sizeof(text)));
        tell(f, "wait-plugged 0 0 2000");
        assert_int_equal(read(fd, text, sizeof(text)), 0);
        close_fd(fd);
        tell(f, "wait-plugged 0 1 2000");
        fd = open_port(f, "node 0 at");
        assert_true(read_until(fd, "PB DONE", text, sizeof(text)));
        say(fd, "AT+QPOWD\r");
        assert_true(read_until(fd, "POWERED DOWN", text, sizeof(text)));
        tell(f, "wait-plugged 0 0 2000");
        close_fd(fd);
        refuse(f, "unplug 0", "No such device");
}

static void test_wrong_words_are_refused(void **state)
{
        static const struct {
                const char *command, *error;
        } table[] = {
            {"nonsense", "unknown command, try help"},
            {"plug", "no such modem"},
            {"plug 3", "no such modem"},
            {"plug 0 composition=nothing", "Invalid argument"},
            {"plug 0 usb=1", "Invalid argument"},
            {"plug 0 usb=1-1/../x", "Invalid argument"},
            {"plug 0 gap=x", "unknown option, or not a number"},
            {"plug 0 order=0,x", "order: reverse, or indices with commas"},
            {"sim 0 maybe", "sim: ready absent busy failure dip pin puk"},
            {"reg 0 moon", "reg: none home searching denied unknown roaming"},
            {"pin 0 12", "pin: 4 to 8 digits"},
            {"receive 0 +1", "receive: sender text"},
            {"receive 0 +1 \\q", "bad escape in text"},
            {"fault 0 hunger", "fault: none split garbage urcs binary nmea"},
            {"wait-sent 0 1 20", "timeout"},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ARRAY_SIZE(table); i++)
                refuse(f, table[i].command, table[i].error);
        tell(f, "plug 0 usb=2-1.4");
        refuse(f, "plug 0", "Operation already in progress");
        refuse(f, "plug 1 usb=2-1.4", "Device or resource busy");
        tell(f, "help");
        tell(f, "");
        tell(f, "# a comment");
}

static void test_huge_identity_passes(void **state)
{
        struct fixture *f = *state;
        static char text[1 << 16];
        size_t total = 0;

        tell(f, "plug 0");
        tell(f, "identity 0 model=@10M");
        _cleanup_close_ int fd = open_port(f, "node 0 at");
        say(fd, "AT+CGMM\r");
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        while (total < (10u << 20) && poll(&wait, 1, 2000) > 0) {
                ssize_t got = read(fd, text, sizeof(text));
                assert_true(got > 0);
                total += (size_t)got;
        }
        assert_true(total >= (10u << 20));
}

static void test_script(void **state)
{
        char folder[] = "/tmp/softec25.XXXXXX", path[PATH_MAX];
        struct ec25_client *other;
        const char *const arguments[] = {"--script", path, NULL};

        (void)state;
        assert_non_null(mkdtemp(folder));
        assert_int_equal(text_format(path, sizeof(path), "%s/script", folder), 0);
        write_text(path, "# two ports late\nplug 0 gap=1\nreg 0 denied\n");
        assert_int_equal(ec25_client_start(program, folder, arguments, &other), 0);
        assert_int_equal(ec25_client_command(other, 2000, NULL, "wait-plugged 0 1 1000"), 0);
        ec25_client_free(other);
        write_text(path, "plug 9\n");
        assert_int_equal(ec25_client_start(program, folder, arguments, &other), -ECHILD);
        assert_int_equal(nftw(folder, remove_file, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void test_sixty_four_modems(void **state)
{
        static const char *const arguments[] = {"--umockdev", "--modems", "64", NULL};
        char folder[] = "/tmp/softec25.XXXXXX", text[128];
        struct ec25_client *many;
        int fd;

        (void)state;
        assert_non_null(mkdtemp(folder));
        assert_int_equal(ec25_client_start(program, folder, arguments, &many), 0);
        for (unsigned i = 0; i < 64; i++)
                assert_int_equal(ec25_client_command(many, 5000, NULL, "plug %u", i), 0);
        _cleanup_free_ char *node = NULL;
        assert_int_equal(ec25_client_command(many, 1000, &node, "node 63"), 0);
        assert_non_null(strstr(node, "/ttyUSB254\n"));
        node[strcspn(node, "\n")] = '\0';
        fd = open(node, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        assert_true(fd >= 0);
        say(fd, "AT+CGSN\r");
        assert_true(read_until(fd, "867424030000644\r\n", text, sizeof(text)));
        close_fd(fd);
        ec25_client_free(many);
        assert_int_equal(nftw(folder, remove_file, 16, FTW_DEPTH | FTW_PHYS), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            TEST(test_at_and_transcript),
            TEST(test_nothing_of_one_session_reaches_the_next),
            TEST(test_unplug_hangs_up_and_leaves_a_hole),
            TEST(test_stale_by_word),
            TEST(test_eio),
            TEST(test_reset_leaves_and_returns),
            TEST(test_wrong_words_are_refused),
            TEST(test_huge_identity_passes),
            TEST(test_script),
            TEST(test_sixty_four_modems),
        };

        if (find_program() < 0)
                return 2;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
