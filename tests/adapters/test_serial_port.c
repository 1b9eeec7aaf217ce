/* The serial port on ptys, which is also the way of every node that libserialport does not know. Waits for
 * events, never sleeps. */
#include "adapters/serial_port.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE 5000000 /* usec for anything that is waited for */

struct fixture {
        sd_event *event;
        struct serial_port *port;
        int master;
        int other; /* a descriptor of our own on the slave, to look at its settings */
        char node[64];
        char folder[64];
        char link[128];
        size_t received;
        size_t largest;
        unsigned pieces;
        unsigned closed;
        int error;
        bool free_on_data;
        bool free_on_closed;
        bool timed_out;
        char data[4096];
};

static void on_data(void *userdata, const char *bytes, size_t n)
{
        struct fixture *f = userdata;

        assert_true(n > 0);
        assert_int_equal(f->closed, 0);
        if (f->received + n < sizeof(f->data))
                memcpy(f->data + f->received, bytes, n);
        f->received += n;
        f->pieces++;
        f->largest = n > f->largest ? n : f->largest;
        if (f->free_on_data)
                f->port = serial_port_free(f->port);
}

static void on_closed(void *userdata, int error)
{
        struct fixture *f = userdata;

        f->closed++;
        f->error = error;
        if (f->free_on_closed)
                f->port = serial_port_free(f->port);
}

static const struct serial_port_callbacks callbacks = {.data = on_data, .closed = on_closed};

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct fixture *f = userdata;

        (void)source;
        (void)usec;
        f->timed_out = true;
        return 0;
}

/* One turn of the loop, or false when nothing came in time. */
static bool turn(struct fixture *f)
{
        sd_event_source *timer = NULL;

        f->timed_out = false;
        assert_true(
            sd_event_add_time_relative(f->event, &timer, CLOCK_MONOTONIC, DEADLINE, 0, on_deadline, f) >= 0);
        assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
        sd_event_source_disable_unref(timer);
        return !f->timed_out;
}

/* Everything that is pending now, without waiting. */
static void drain(struct fixture *f)
{
        while (sd_event_run(f->event, 0) > 0)
                continue;
}

static int set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        assert_true(sd_event_new(&f->event) >= 0);
        assert_int_equal(openpty(&f->master, &f->other, f->node, NULL, NULL), 0);
        assert_int_equal(fcntl(f->master, F_SETFL, O_NONBLOCK), 0);
        assert_int_equal(text_copy(f->folder, sizeof(f->folder), "/tmp/serial_port.XXXXXX"), 0);
        assert_non_null(mkdtemp(f->folder));
        assert_int_equal(text_format(f->link, sizeof(f->link), "%s/modem", f->folder), 0);
        assert_int_equal(symlink(f->node, f->link), 0);
        *state = f;
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;

        f->port = serial_port_free(f->port);
        f->master = close_fd(f->master);
        f->other = close_fd(f->other);
        sd_event_unref(f->event);
        assert_int_equal(unlink(f->link), 0);
        assert_int_equal(rmdir(f->folder), 0);
        free(f);
        return 0;
}

static void open_port(struct fixture *f)
{
        assert_int_equal(serial_port_open(&f->port, f->event, f->link, &callbacks, f), 0);
        assert_non_null(f->port);
}

/* Our own descriptors on the slave, `other` among them. */
static unsigned count_descriptors(const struct fixture *f, unsigned *ret_cloexec)
{
        DIR *directory = opendir("/proc/self/fd");
        const struct dirent *entry;
        unsigned n = 0;

        assert_non_null(directory);
        *ret_cloexec = 0;
        while ((entry = readdir(directory))) {
                char target[PATH_MAX];
                ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);
                if (length < 0)
                        continue;
                target[length] = '\0';
                if (!text_equal(target, f->node))
                        continue;
                n++;
                *ret_cloexec += (fcntl(atoi(entry->d_name), F_GETFD) & FD_CLOEXEC) != 0;
        }
        closedir(directory);
        return n;
}

static void test_data_both_ways_through_a_link(void **state)
{
        struct fixture *f = *state;
        char heard[64];

        open_port(f);
        assert_int_equal(serial_port_write(f->port, "AT\r", 3), 0);
        assert_int_equal(read(f->master, heard, sizeof(heard)), 3); /* raw: no echo, no CR translated */
        assert_memory_equal(heard, "AT\r", 3);
        assert_int_equal(write(f->master, "\r\nOK\r\n\x03\x11\x13\0\xff", 11), 11);
        while (f->received < 11)
                assert_true(turn(f));
        assert_memory_equal(f->data, "\r\nOK\r\n\x03\x11\x13\0\xff", 11);
        assert_int_equal(f->closed, 0);
}

static void test_settings(void **state)
{
        struct fixture *f = *state;
        struct termios termios;
        int exclusive = 1;

        /* As somebody else may have left it. */
        assert_int_equal(tcgetattr(f->other, &termios), 0);
        termios.c_cflag |= HUPCL | CSTOPB | CRTSCTS;
        termios.c_cflag &= (tcflag_t)~CLOCAL;
        termios.c_iflag |= IXON | IXOFF | IXANY | ICRNL;
        assert_int_equal(tcsetattr(f->other, TCSANOW, &termios), 0);
        open_port(f);
        assert_int_equal(tcgetattr(f->other, &termios), 0);
        assert_int_equal(cfgetospeed(&termios), B115200);
        assert_int_equal(cfgetispeed(&termios), B115200);
        assert_int_equal(termios.c_cflag & (CSIZE | PARENB | CSTOPB | CRTSCTS | HUPCL | CLOCAL | CREAD),
                         CS8 | CLOCAL | CREAD);
        assert_int_equal(termios.c_iflag & (IXON | IXOFF | IXANY | ICRNL | INLCR | IGNCR | ISTRIP), 0);
        assert_int_equal(termios.c_lflag & (ECHO | ICANON | ISIG), 0);
        assert_int_equal(termios.c_oflag & OPOST, 0);
        assert_int_equal(ioctl(f->other, TIOCGEXCL, &exclusive), 0);
        assert_int_equal(exclusive, 0);
}

static void test_descriptors(void **state)
{
        struct fixture *f = *state;
        unsigned cloexec;

        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(count_descriptors(f, &cloexec), 1);
                open_port(f);
                assert_int_equal(count_descriptors(f, &cloexec), 2);
                assert_int_equal(cloexec, 1);
                f->port = serial_port_free(f->port);
        }
        assert_int_equal(count_descriptors(f, &cloexec), 1);
        assert_null(serial_port_free(NULL));
}

static void close_master(struct fixture *f)
{
        f->other = close_fd(f->other);
        f->master = close_fd(f->master);
}

static void test_unplug_is_told_once(void **state)
{
        struct fixture *f = *state;
        unsigned cloexec;

        open_port(f);
        close_master(f);
        while (f->closed == 0)
                assert_true(turn(f));
        assert_int_equal(f->error, -EIO);
        /* The descriptor is gone at once: the kernel needs the number for the modem's return. */
        assert_int_equal(count_descriptors(f, &cloexec), 0);
        drain(f);
        assert_int_equal(f->closed, 1);
        assert_int_equal(serial_port_write(f->port, "AT\r", 3), -ENOTCONN);
}

static void test_last_words_come_before_the_end(void **state)
{
        struct fixture *f = *state;

        open_port(f);
        assert_int_equal(write(f->master, "POWERED DOWN\r\n", 14), 14);
        while (f->received < 14)
                assert_true(turn(f));
        close_master(f);
        while (f->closed == 0)
                assert_true(turn(f));
        assert_int_equal(f->received, 14);
}

static void test_free_from_within_callbacks(void **state)
{
        struct fixture *f = *state;
        unsigned cloexec;

        f->free_on_data = true;
        open_port(f);
        assert_int_equal(write(f->master, "x", 1), 1);
        while (f->port)
                assert_true(turn(f));
        assert_int_equal(f->pieces, 1);
        assert_int_equal(count_descriptors(f, &cloexec), 1);

        f->free_on_closed = true;
        open_port(f);
        close_master(f);
        while (f->port)
                assert_true(turn(f));
        drain(f);
        assert_int_equal(f->closed, 1);
}

static void test_nothing_else_is_opened(void **state)
{
        struct fixture *f = *state;
        char file[160], fifo[160], absent[160], loop[160];

        assert_int_equal(text_format(file, sizeof(file), "%s/file", f->folder), 0);
        assert_int_equal(text_format(fifo, sizeof(fifo), "%s/fifo", f->folder), 0);
        assert_int_equal(text_format(absent, sizeof(absent), "%s/absent", f->folder), 0);
        assert_int_equal(text_format(loop, sizeof(loop), "%s/loop", f->folder), 0);
        int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        (void)close_fd(fd);
        assert_int_equal(mkfifo(fifo, 0600), 0);
        assert_int_equal(symlink(loop, loop), 0);
        const struct {
                const char *path;
                int wanted;
        } cases[] = {
            {file, -ENOTTY},        {fifo, -ENOTTY},   {f->folder, -ENOTTY}, {"/dev/null", -ENOTTY},
            {"/dev/zero", -ENOTTY}, {absent, -ENOENT}, {loop, -ELOOP},       {"", -ENOENT},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int r = serial_port_open(&f->port, f->event, cases[i].path, &callbacks, f);
                if (r != cases[i].wanted)
                        fail_msg("%s: %d", cases[i].path, r);
                assert_null(f->port);
        }
        assert_int_equal(access(absent, F_OK), -1);
        assert_int_equal(unlink(file) | unlink(fifo) | unlink(loop), 0);
}

static int count_turn(sd_event_source *source, void *userdata)
{
        unsigned *turns = userdata;

        (void)source;
        (*turns)++;
        return 0;
}

/* A flood comes in bounded pieces, and whoever else waits gets a turn after each. */
static void test_flood_does_not_starve_the_loop(void **state)
{
        struct fixture *f = *state;
        static char flood[64 * 1024];
        sd_event_source *other = NULL;
        unsigned turns = 0;
        size_t sent = 0;

        memset(flood, 'x', sizeof(flood));
        open_port(f);
        assert_true(sd_event_add_defer(f->event, &other, count_turn, &turns) >= 0);
        assert_true(sd_event_source_set_enabled(other, SD_EVENT_ON) >= 0);
        while (f->received < sizeof(flood)) {
                if (sent < sizeof(flood)) {
                        ssize_t n = write(f->master, flood + sent, sizeof(flood) - sent);
                        sent += n > 0 ? (size_t)n : 0;
                }
                assert_true(turn(f));
                /* The other source never rests; give the port the turns that it leaves. */
                assert_true(sd_event_source_set_enabled(other, turns > f->pieces + 1 ? SD_EVENT_OFF
                                                                                     : SD_EVENT_ON) >= 0);
        }
        sd_event_source_disable_unref(other);
        assert_true(f->largest <= SERIAL_PORT_READ_MAX);
        assert_true(f->pieces >= sizeof(flood) / SERIAL_PORT_READ_MAX);
        assert_true(turns >= f->pieces);
}

static void test_stuck_peer_is_bounded(void **state)
{
        struct fixture *f = *state;
        char piece[100];
        size_t taken = 0, heard = 0;
        int r = 0;

        open_port(f);
        for (size_t i = 0; i < sizeof(piece); i++)
                piece[i] = (char)('a' + i % 26);
        for (unsigned i = 0; i < 10000 && r == 0; i++) {
                r = serial_port_write(f->port, piece, sizeof(piece));
                taken += r == 0 ? sizeof(piece) : 0;
        }
        assert_int_equal(r, -ENOBUFS);
        assert_int_equal(serial_port_write(f->port, piece, SERIAL_PORT_BUFFER_MAX + 1), -ENOBUFS);

        /* All that was taken comes out, in order, once somebody reads; nothing of what was refused. */
        while (heard < taken) {
                char data[100]; /* small, so that the buffer empties in several steps */
                ssize_t n = read(f->master, data, sizeof(data));
                if (n < 0)
                        assert_true(errno == EAGAIN && turn(f));
                else
                        drain(f);
                for (ssize_t i = 0; i < n; i++)
                        assert_int_equal(data[i], piece[(heard + (size_t)i) % sizeof(piece)]);
                heard += n > 0 ? (size_t)n : 0;
        }
        drain(f);
        assert_int_equal(read(f->master, piece, sizeof(piece)), -1);
        assert_int_equal(serial_port_write(f->port, "AT\r", 3), 0);
}

static void test_free_with_bytes_waiting(void **state)
{
        struct fixture *f = *state;
        char piece[100];

        memset(piece, 'x', sizeof(piece));
        open_port(f);
        while (serial_port_write(f->port, piece, sizeof(piece)) == 0)
                continue;
        f->port = serial_port_free(f->port);
        drain(f);
        assert_int_equal(f->closed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
            TEST(test_data_both_ways_through_a_link),
            TEST(test_settings),
            TEST(test_descriptors),
            TEST(test_unplug_is_told_once),
            TEST(test_last_words_come_before_the_end),
            TEST(test_free_from_within_callbacks),
            TEST(test_nothing_else_is_opened),
            TEST(test_flood_does_not_starve_the_loop),
            TEST(test_stuck_peer_is_bounded),
            TEST(test_free_with_bytes_waiting),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
