/*
 * The control bus over its real socket: a server process (the bus in an event loop, as in the daemon) and
 * clients that are honest, unprivileged, forging, broken or lazy. The server does what the reason of a
 * command tells it to; what it saw comes back in its answer.
 */
#include "adapters/control_bus.h"
#include "adapters/control_client.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "resident_memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include <cmocka.h>

#define TIMEOUT (10 * USEC_PER_SEC)
#define NOBODY  65534

struct fixture {
        char folder[64];
        char socket[96];
        pid_t server;
};

/* --- the server --- */

struct server {
        struct control_bus *bus;
        unsigned late; /* token to be answered by the timer */
        unsigned snapshots;
        unsigned reloads;
        sd_event *event;
};

static int on_late(sd_event_source *source _unused_, uint64_t now _unused_, void *userdata)
{
        struct server *server = userdata;

        control_bus_reply(server->bus, server->late, 1, "late");
        return 0;
}

static void serve_command(void *userdata, const struct command *command)
{
        static const char *const kinds[] = {"stop", "start", "restart"};
        struct server *server = userdata;
        char answer[1024];

        if (text_equal(command->reason, "never"))
                return;
        if (text_equal(command->reason, "late")) {
                server->late = command->token;
                assert_true(sd_event_add_time_relative(server->event, NULL, CLOCK_MONOTONIC, 100000, 0,
                                                       on_late, server) >= 0);
                return;
        }
        (void)text_format(answer, sizeof(answer), "%s|%s|%s|%llu|%d|%d|%u", kinds[command->kind], command->by,
                          command->reason, (unsigned long long)command->duration, command->force,
                          command->realtime > 1600000000, server->reloads);
        if (text_equal(command->reason, "twice"))
                control_bus_reply(server->bus, command->token, 2, "first");
        control_bus_reply(server->bus, command->token + 1, 0, "nobody asked");
        control_bus_reply(server->bus, command->token, command->token ? 0 : 1, answer);
}

static void serve_snapshot(void *userdata, struct snapshot *s)
{
        struct server *server = userdata;

        s->controller.running = true;
        (void)text_copy(s->controller.version, sizeof(s->controller.version), "7");
        s->verdict = VERDICT_WORKING;
        (void)text_copy(s->reason, sizeof(s->reason), "cut in half: \xc3");
        (void)text_copy(s->smsd.last_error, sizeof(s->smsd.last_error),
                        "sent to 4915112345678 at 01:02:03 \\x1b");
        s->n_modems = SMSD_MODEMS_MAX;
        for (unsigned i = 0; i < s->n_modems; i++) {
                (void)text_format(s->modems[i].name, sizeof(s->modems[i].name), "GSM%u", i);
                (void)text_copy(s->modems[i].imei, sizeof(s->modems[i].imei), "860000000000000");
                (void)text_copy(s->modems[i].imsi, sizeof(s->modems[i].imsi), "262010000000000");
                (void)text_copy(s->modems[i].iccid, sizeof(s->modems[i].iccid), "8949000000000000000");
                s->modems[i].interface = 2;
                s->modems[i].signal_dbm = -71;
                s->modems[i].storage_used = -1;
        }
        s->restarts.total = ++server->snapshots;
        s->hold.until = 1700000000000000;
}

static void serve_reload(void *userdata)
{
        struct server *server = userdata;

        server->reloads++;
}

static int run_server(const char *path, int ready)
{
        static const struct control_bus_callbacks callbacks = {
            .command = serve_command, .snapshot = serve_snapshot, .reload = serve_reload};
        struct server server = {0};

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || sd_event_new(&server.event) < 0)
                return 1;
        sigset_t mask;
        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        (void)sigprocmask(SIG_BLOCK, &mask, NULL);
        if (sd_event_add_signal(server.event, NULL, SIGTERM, NULL, NULL) < 0 ||
            control_bus_new(&server.bus, server.event, path, &callbacks, &server) < 0 ||
            write(ready, "", 1) != 1)
                return 1;
        int r = sd_event_loop(server.event);
        server.bus = control_bus_free(server.bus);
        server.event = sd_event_unref(server.event);
        return r < 0 ? 1 : 0;
}

static void start_server(struct fixture *f)
{
        int ready[2];
        char byte;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        f->server = fork();
        assert_true(f->server >= 0);
        if (f->server == 0)
                exit(run_server(f->socket, ready[1]));
        (void)close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void)close(ready[0]);
}

static void stop_server(struct fixture *f)
{
        int status = 0;

        assert_int_equal(kill(f->server, SIGTERM), 0);
        assert_int_equal(waitpid(f->server, &status, 0), f->server);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        *state = f;
        (void)text_copy(f->folder, sizeof(f->folder), "/tmp/test-control-bus-XXXXXX");
        assert_non_null(mkdtemp(f->folder));
        assert_int_equal(chmod(f->folder, 0755), 0);
        (void)text_format(f->socket, sizeof(f->socket), "%s/bus", f->folder);
        start_server(f);
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;

        stop_server(f);
        assert_int_equal(access(f->socket, F_OK), -1); /* it took its socket away */
        assert_int_equal(rmdir(f->folder), 0);
        free(f);
        return 0;
}

/* --- clients --- */

static struct control_client *must_connect(const struct fixture *f)
{
        struct control_client *client = NULL;

        assert_int_equal(control_client_connect(&client, f->socket, TIMEOUT), 0);
        return client;
}

static int ask(const struct fixture *f, const struct control_request *request, int *result, char *message,
               size_t size)
{
        _cleanup_(control_client_cleanup) struct control_client *client = must_connect(f);

        return control_client_command(client, request, TIMEOUT, result, message, size);
}

static int raw_connect(const struct fixture *f)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)text_copy(address.sun_path, sizeof(address.sun_path), f->socket);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                fd = close_fd(fd);
        return fd;
}

/* True when the other side ends the connection within the timeout; what it sends is read away. */
static bool is_ended(int fd)
{
        char buffer[4096];
        ssize_t n;

        do {
                struct pollfd one = {.fd = fd, .events = POLLIN};
                if (poll(&one, 1, 5000) <= 0)
                        return false;
                n = recv(fd, buffer, sizeof(buffer), 0);
        } while (n > 0);
        return true;
}

/* Runs `function` in a process of account `uid`; it must exit with 0. */
static void as_user(const struct fixture *f, uid_t uid, int (*function)(const struct fixture *f))
{
        pid_t pid = fork();
        int status = 0;

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(setresuid(uid, uid, uid) < 0 ? 100 : function(f));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static unsigned count_fds(pid_t pid)
{
        char path[64];
        unsigned n = 0;

        (void)text_format(path, sizeof(path), "/proc/%d/fd", (int)pid);
        DIR *folder = opendir(path);
        assert_non_null(folder);
        while (readdir(folder))
                n++;
        (void)closedir(folder);
        return n;
}

/* Until the server has as many descriptors as before. */
static void wait_for_fds(const struct fixture *f, unsigned wanted)
{
        for (unsigned i = 0; i < 500 && count_fds(f->server) > wanted; i++) {
                const struct timespec moment = {.tv_nsec = 10000000};
                (void)nanosleep(&moment, NULL);
        }
        assert_true(count_fds(f->server) <= wanted);
}

/* --- tests --- */

static void test_snapshot_for_root(void **state)
{
        struct fixture *f = *state;
        _cleanup_(control_client_cleanup) struct control_client *client = must_connect(f);
        static struct snapshot s;

        assert_int_equal(control_client_snapshot(client, TIMEOUT, &s), 0);
        assert_int_equal(s.schema, SNAPSHOT_SCHEMA);
        assert_true(s.controller.running);
        assert_string_equal(s.controller.version, "7");
        assert_int_equal(s.verdict, VERDICT_WORKING);
        assert_string_equal(s.reason, "cut in half: \\xc3");
        assert_string_equal(s.smsd.last_error, "sent to 4915112345678 at 01:02:03 \\x1b");
        assert_int_equal(s.n_modems, SMSD_MODEMS_MAX);
        assert_string_equal(s.modems[63].name, "GSM63");
        assert_string_equal(s.modems[63].imsi, "262010000000000");
        assert_string_equal(s.modems[63].iccid, "8949000000000000000");
        assert_int_equal(s.modems[63].signal_dbm, -71);
        assert_int_equal(s.modems[63].storage_used, -1);
        assert_int_equal(s.modems[63].interface, 2);
        assert_int_equal(s.hold.until, 1700000000000000);
        assert_int_equal(s.restarts.total, 1);
        assert_int_equal(control_client_snapshot(client, TIMEOUT, &s), 0);
        assert_int_equal(s.restarts.total, 2);
}

static void test_commands(void **state)
{
        static const struct {
                struct control_request request;
                const char *answer;
        } cases[] = {
            {{.kind = COMMAND_STOP, .duration = 90 * USEC_PER_SEC, .reason = "new antenna", .force = true},
             "stop|root|new antenna|90000000|1|1|0"},
            {{.kind = COMMAND_STOP, .reason = ""}, "stop|root||0|0|1|0"},
            {{.kind = COMMAND_START, .reason = "a\nb\x1b[31m\"\\"},
             "start|root|a\\nb\\x1b[31m\"\\\\|0|0|1|0"},
            {{.kind = COMMAND_RESTART, .force = true}, "restart|root||0|1|1|0"},
        };
        struct fixture *f = *state;

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                char message[1024] = "";
                int result = -1;
                assert_int_equal(ask(f, &cases[i].request, &result, message, sizeof(message)), 0);
                assert_int_equal(result, 0);
                assert_string_equal(message, cases[i].answer);
        }
}

static void test_long_reason_is_cut(void **state)
{
        struct fixture *f = *state;
        char reason[4000], message[1024] = "";
        int result = -1;

        memset(reason, 'x', sizeof(reason) - 1);
        reason[sizeof(reason) - 1] = '\0';
        const struct control_request request = {.kind = COMMAND_START, .reason = reason};
        assert_int_equal(ask(f, &request, &result, message, sizeof(message)), 0);
        assert_int_equal(strspn(message + strlen("start|root|"), "x"),
                         sizeof(((struct command *)0)->reason) - 1 - strlen("..."));
        assert_non_null(strstr(message, "xxx...")); /* and it says so */
}

static void test_hold_has_an_end(void **state)
{
        struct fixture *f = *state;
        const struct control_request request = {
            .kind = COMMAND_STOP, .duration = USEC_INFINITY, .force = true};
        char message[256] = "";
        int result = -1;

        assert_int_equal(ask(f, &request, &result, message, sizeof(message)), -EINVAL);
        assert_non_null(strstr(message, "30 days"));
}

static void test_late_answer(void **state)
{
        struct fixture *f = *state;
        const struct control_request request = {.kind = COMMAND_START, .reason = "late"};
        char message[256] = "";
        int result = -1;

        assert_int_equal(ask(f, &request, &result, message, sizeof(message)), 0);
        assert_int_equal(result, 1);
        assert_string_equal(message, "late");
}

static void test_only_the_first_answer_counts(void **state)
{
        struct fixture *f = *state;
        const struct control_request request = {.kind = COMMAND_START, .reason = "twice"};
        char message[256] = "";
        int result = -1;

        assert_int_equal(ask(f, &request, &result, message, sizeof(message)), 0);
        assert_int_equal(result, 2);
        assert_string_equal(message, "first");
}

static void test_answer_after_the_client_left(void **state)
{
        struct fixture *f = *state;
        const struct control_request request = {.kind = COMMAND_START, .reason = "late"};
        struct control_client *client = must_connect(f);
        unsigned before = count_fds(f->server);
        char message[256] = "";
        int result = -1;

        assert_int_equal(control_client_command(client, &request, 1000, &result, message, sizeof(message)),
                         -ETIMEDOUT);
        client = control_client_free(client);
        wait_for_fds(f, before - 1);
        /* The other late one comes behind the answer to nobody. */
        test_late_answer(state);
}

static void test_too_many_commands(void **state)
{
        struct fixture *f = *state;
        const struct control_request request = {.kind = COMMAND_START, .reason = "never"};
        struct control_client *clients[CONTROL_BUS_COMMANDS_MAX];
        char message[256] = "";
        int result = -1;

        for (unsigned i = 0; i < ARRAY_SIZE(clients); i++)
                clients[i] = must_connect(f);
        for (unsigned i = 0; i < ARRAY_SIZE(clients) - 1; i++)
                assert_int_equal(
                    control_client_command(clients[i], &request, 1000, &result, message, sizeof(message)),
                    -ETIMEDOUT);
        struct control_client *last = clients[ARRAY_SIZE(clients) - 1];
        assert_int_equal(control_client_command(last, &request, 1000, &result, message, sizeof(message)),
                         -ETIMEDOUT);
        assert_int_equal(control_client_command(last, &request, TIMEOUT, &result, message, sizeof(message)),
                         -EBUSY);
        for (unsigned i = 0; i < ARRAY_SIZE(clients); i++)
                clients[i] = control_client_free(clients[i]);
        test_late_answer(state); /* their places are free again */
}

static int look_as_stranger(const struct fixture *f)
{
        _cleanup_(control_client_cleanup) struct control_client *client = NULL;
        static struct snapshot s;

        if (control_client_connect(&client, f->socket, TIMEOUT) < 0 ||
            control_client_snapshot(client, TIMEOUT, &s) < 0)
                return 1;
        if (!text_equal(s.modems[0].imei, "***********0000") || s.modems[0].imsi[0] || s.modems[0].iccid[0])
                return 2;
        return text_equal(s.smsd.last_error, "sent to ############# at 01:02:03 \\x1b") ? 0 : 3;
}

static void test_stranger_sees_no_numbers(void **state)
{
        as_user(*state, NOBODY, look_as_stranger);
}

static int control_as_stranger(const struct fixture *f)
{
        for (enum command_kind kind = COMMAND_STOP; kind <= COMMAND_RESTART; kind++) {
                const struct control_request request = {.kind = kind, .reason = "let me", .force = true};
                _cleanup_(control_client_cleanup) struct control_client *client = NULL;
                char message[256] = "";
                int result = -1;
                if (control_client_connect(&client, f->socket, TIMEOUT) < 0)
                        return 1;
                if (control_client_command(client, &request, TIMEOUT, &result, message, sizeof(message)) !=
                    -EACCES)
                        return 2;
                if (!strstr(message, "only root"))
                        return 3;
        }
        return 0;
}

static void test_stranger_may_not_control(void **state)
{
        as_user(*state, NOBODY, control_as_stranger);
}

/* Says in the handshake that it is root, and in the message that it is the bus itself. */
static int forge(const struct fixture *f)
{
        int fd = raw_connect(f), result = 1;
        sd_bus *bus = NULL;
        sd_bus_message *call = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        static const char handshake[] = "\0AUTH EXTERNAL 30\r\n";
        char line[128];

        if (fd < 0 || write(fd, handshake, sizeof(handshake) - 1) != sizeof(handshake) - 1)
                return 1;
        ssize_t n = read(fd, line, sizeof(line));
        (void)close(fd);
        if (n < 3)
                return 2;
        fd = raw_connect(f);
        if (sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 || sd_bus_start(bus) < 0)
                return 3;
        if (sd_bus_message_new_method_call(bus, &call, NULL, "/org/smswarden/Gateway1",
                                           "org.smswarden.Gateway1", "Reload") >= 0 &&
            sd_bus_message_set_sender(call, "org.freedesktop.systemd1") >= 0 &&
            sd_bus_call(bus, call, TIMEOUT, &error, NULL) == -EACCES)
                result = 0;
        sd_bus_error_free(&error);
        call = sd_bus_message_unref(call);
        bus = sd_bus_close_unref(bus);
        return result;
}

static void test_forged_sender(void **state)
{
        as_user(*state, NOBODY, forge);
}

static void test_reload(void **state)
{
        struct fixture *f = *state;
        int fd = raw_connect(f);
        sd_bus *bus = NULL;
        const struct control_request request = {.kind = COMMAND_START};
        char message[256] = "";
        int result = -1;

        assert_int_equal(sd_bus_new(&bus), 0);
        assert_int_equal(sd_bus_set_fd(bus, fd, fd), 0);
        assert_true(sd_bus_start(bus) >= 0);
        assert_true(sd_bus_call_method(bus, NULL, "/org/smswarden/Gateway1", "org.smswarden.Gateway1",
                                       "Reload", NULL, NULL, NULL) >= 0);
        bus = sd_bus_close_unref(bus);
        assert_int_equal(ask(f, &request, &result, message, sizeof(message)), 0);
        assert_string_equal(message, "start|root||0|0|1|1");
}

static void write_all(int fd, const char *data, size_t size)
{
        while (size > 0) {
                ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
                if (n <= 0)
                        return;
                data += n;
                size -= (size_t)n;
        }
}

static const char handshake_ok[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";

/* A call whose body is said to be 64 MB long. */
static const char huge_header[] = "l\1\0\1\0\0\0\4\1\0\0\0\0\0\0\0";

static void test_garbage(void **state)
{
        struct fixture *f = *state;
        static char zeros[1 << 20], letters[1 << 20];
        unsigned before = count_fds(f->server);
        const struct {
                const char *data;
                size_t size;
                const char *more;
        } cases[] = {
            {"hello\r\n", 7, NULL},
            {"\0AUTH EXTERNAL\r\nBEGIN\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 60, letters},
            {handshake_ok, sizeof(handshake_ok) - 1, zeros},
            {handshake_ok, sizeof(handshake_ok) - 1, letters},
            {"\0", 1, letters},
            {"\0", 1, zeros},
        };

        memset(letters, 'l', sizeof(letters));
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_close_ int fd = raw_connect(f);
                assert_true(fd >= 0);
                write_all(fd, cases[i].data, cases[i].size);
                if (cases[i].more)
                        write_all(fd, cases[i].more, 1 << 20);
                assert_true(is_ended(fd));
        }
        wait_for_fds(f, before);
        test_commands(state);
}

static void test_oversized_message(void **state)
{
        struct fixture *f = *state;
        static char body[1 << 20];
        long before = resident_pages(f->server);
        _cleanup_close_ int fd = raw_connect(f);

        write_all(fd, handshake_ok, sizeof(handshake_ok) - 1);
        write_all(fd, huge_header, sizeof(huge_header) - 1);
        for (unsigned i = 0; i < 64; i++)
                write_all(fd, body, sizeof(body));
        assert_true(is_ended(fd));
        assert_grown_less(f->server, before, 512);
}

/* Two calls in one write, and one call in single bytes. */
static void test_pieces(void **state)
{
        struct fixture *f = *state;
        _cleanup_close_ int fd = raw_connect(f);

        for (size_t i = 0; i < sizeof(handshake_ok) - 1; i++)
                write_all(fd, handshake_ok + i, 1);
        struct pollfd one = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&one, 1, 5000), 1);
        char line[256];
        ssize_t n = read(fd, line, sizeof(line) - 1);
        assert_true(n > 0);
        line[n] = '\0';
        assert_non_null(strstr(line, "OK "));
}

static int hold_connections(const struct fixture *f)
{
        int fds[CONTROL_BUS_PEERS_PER_USER_MAX + 4];
        unsigned open = 0;

        for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
                fds[i] = raw_connect(f);
        for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
                struct pollfd one = {.fd = fds[i], .events = POLLIN};
                bool first = i < CONTROL_BUS_PEERS_PER_USER_MAX;
                open += poll(&one, 1, first ? 0 : 5000) == 0;
        }
        return open == CONTROL_BUS_PEERS_PER_USER_MAX ? 0 : 1;
}

static void test_connections_per_user(void **state)
{
        struct fixture *f = *state;
        unsigned before = count_fds(f->server);

        as_user(f, NOBODY, hold_connections);
        wait_for_fds(f, before);
        as_user(f, NOBODY, look_as_stranger);
}

/* Four accounts with 16 connections each: all places that strangers get; root still comes through. */
static void test_strangers_leave_room_for_root(void **state)
{
        struct fixture *f = *state;
        pid_t pids[4];
        int ready[2], go[2];
        char byte;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        assert_int_equal(pipe2(go, O_CLOEXEC), 0);
        for (unsigned i = 0; i < ARRAY_SIZE(pids); i++) {
                pids[i] = fork();
                if (pids[i] != 0)
                        continue;
                (void)close(go[1]);
                if (setresuid(60000 + i, 60000 + i, 60000 + i) < 0)
                        _exit(1);
                for (unsigned k = 0; k < CONTROL_BUS_PEERS_PER_USER_MAX; k++)
                        (void)raw_connect(f);
                _exit(write(ready[1], "", 1) == 1 && read(go[0], &byte, 1) == 0 ? 0 : 1);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(pids); i++)
                assert_int_equal(read(ready[0], &byte, 1), 1);
        test_late_answer(state);
        (void)close(go[0]);
        (void)close(go[1]);
        for (unsigned i = 0; i < ARRAY_SIZE(pids); i++)
                assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
        (void)close(ready[0]);
        (void)close(ready[1]);
}

/* Asks and asks, and never reads: it is cut off, and nobody else notices. */
static void test_never_reads(void **state)
{
        struct fixture *f = *state;
        int fd = raw_connect(f);
        sd_bus *bus = NULL;

        assert_int_equal(sd_bus_new(&bus), 0);
        assert_int_equal(sd_bus_set_fd(bus, fd, fd), 0);
        assert_true(sd_bus_start(bus) >= 0);
        while (sd_bus_is_ready(bus) == 0)
                assert_true(sd_bus_process(bus, NULL) >= 0);
        long before = resident_pages(f->server);
        for (unsigned i = 0; i < 500; i++) {
                sd_bus_message *call = NULL;
                assert_true(sd_bus_message_new_method_call(bus, &call, NULL, "/org/smswarden/Gateway1",
                                                           "org.smswarden.Gateway1", "Snapshot") >= 0);
                uint64_t cookie; /* wanting it means wanting an answer */
                (void)sd_bus_send(bus, call, &cookie);
                call = sd_bus_message_unref(call);
        }
        struct pollfd one = {.fd = fd};
        assert_int_equal(poll(&one, 1, 5000), 1);
        assert_true(one.revents & POLLHUP);
        assert_grown_less(f->server, before, 4096);
        bus = sd_bus_close_unref(bus);
        test_commands(state);
}

static void test_no_growth(void **state)
{
        struct fixture *f = *state;
        const struct control_request request = {.kind = COMMAND_START};
        unsigned fds = count_fds(f->server);
        long warm = 0;
        static struct snapshot s;

        for (unsigned i = 0; i < 1000; i++) {
                struct control_client *client = must_connect(f);
                char message[256] = "";
                int result = -1;
                if (i % 2)
                        assert_int_equal(control_client_snapshot(client, TIMEOUT, &s), 0);
                else
                        assert_int_equal(control_client_command(client, &request, TIMEOUT, &result, message,
                                                                sizeof(message)),
                                         0);
                client = control_client_free(client);
                if (i == 200)
                        warm = resident_pages(f->server);
        }
        wait_for_fds(f, fds);
        assert_grown_less(f->server, warm, 64);
}

static void test_no_controller(void **state _unused_)
{
        struct fixture f = {.folder = "/tmp/test-control-bus-XXXXXX"};
        struct control_client *client = NULL;
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        assert_non_null(mkdtemp(f.folder));
        (void)text_format(f.socket, sizeof(f.socket), "%s/bus", f.folder);
        assert_int_equal(control_client_connect(&client, f.socket, TIMEOUT), -ENOENT);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void)text_copy(address.sun_path, sizeof(address.sun_path), f.socket);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(control_client_connect(&client, f.socket, TIMEOUT), -ECONNREFUSED);
        /* Listens, and never says a word, as a stopped daemon does. */
        assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(control_client_connect(&client, f.socket, 50000), -ETIMEDOUT);
        (void)close(fd);
        /* What it left is replaced. */
        start_server(&f);
        test_commands((void *[]){&f});
        stop_server(&f);
        assert_int_equal(rmdir(f.folder), 0);
}

static void test_foreign_file_is_not_replaced(void **state _unused_)
{
        char folder[] = "/tmp/test-control-bus-XXXXXX", path[96], path_too_long[200];
        struct control_bus *bus = NULL;
        sd_event *event = NULL;
        static const struct control_bus_callbacks callbacks = {0};

        assert_non_null(mkdtemp(folder));
        (void)text_format(path, sizeof(path), "%s/bus", folder);
        assert_true(sd_event_new(&event) >= 0);
        _cleanup_close_ int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(control_bus_new(&bus, event, path, &callbacks, NULL), -EEXIST);
        assert_int_equal(access(path, F_OK), 0);
        (void)text_format(path_too_long, sizeof(path_too_long), "%s/%0150d", folder, 0);
        assert_int_equal(control_bus_new(&bus, event, path_too_long, &callbacks, NULL), -ENAMETOOLONG);
        assert_null(bus);
        event = sd_event_unref(event);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(folder), 0);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
            WITH_SERVER(test_snapshot_for_root),
            WITH_SERVER(test_commands),
            WITH_SERVER(test_long_reason_is_cut),
            WITH_SERVER(test_hold_has_an_end),
            WITH_SERVER(test_late_answer),
            WITH_SERVER(test_only_the_first_answer_counts),
            WITH_SERVER(test_answer_after_the_client_left),
            WITH_SERVER(test_too_many_commands),
            WITH_SERVER(test_stranger_sees_no_numbers),
            WITH_SERVER(test_stranger_may_not_control),
            WITH_SERVER(test_forged_sender),
            WITH_SERVER(test_reload),
            WITH_SERVER(test_garbage),
            WITH_SERVER(test_oversized_message),
            WITH_SERVER(test_pieces),
            WITH_SERVER(test_connections_per_user),
            WITH_SERVER(test_strangers_leave_room_for_root),
            WITH_SERVER(test_never_reads),
            WITH_SERVER(test_no_growth),
            cmocka_unit_test(test_no_controller),
            cmocka_unit_test(test_foreign_file_is_not_replaced),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
