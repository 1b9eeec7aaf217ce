/*
 * The life of smswarden-notify: programs as receivers, the heartbeat, and how it begins, ends and begins
 * anew.
 */
#include "delivery_world.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>

/* --- programs --- */

static const char *add_program(struct world *world, const char *name, const char *text)
{
        static char path[256];

        (void)notifier_file(&world->notifier, name, text, 0755, path);
        notifier_configure(&world->notifier, "[notify %s]\ntype = exec\nurl = %s\n", name, path);
        return path;
}

static bool is_75(const struct delivery_receiver *state)
{
        return strstr(state->problem, "exit code 75: later") != NULL;
}

static void test_programs(void **state)
{
        struct world *world = *state;
        char text[1024], path[512];
        size_t length;

        (void)text_format(
            text, sizeof(text),
            "#!/bin/sh\ncat >> %s/got\nenv >> %s/env\necho noise\nsleep 100 > /dev/null 2>&1 &\n",
            world->notifier.folder, world->notifier.folder);
        (void)add_program(world, "good", text);
        (void)add_program(world, "bad",
                          "#!/bin/sh\necho first >&2\nprintf 'no \\033 good\\n\\n' >&2\nexit 3\n");
        (void)text_format(text, sizeof(text),
                          "#!/bin/sh\ntest -e %s/now && exit 0\necho later >&2\nexit 75\n",
                          world->notifier.folder);
        (void)add_program(world, "later", text);
        assert_int_equal(setenv("SECRET_OF_OURS", "1", 1), 0);
        notifier_put_number(&world->notifier, 1);
        notifier_put_number(&world->notifier, 2);
        notifier_start(&world->notifier);
        notifier_wait_state(&world->notifier, "later", is_75);
        (void)notifier_file(&world->notifier, "now", "", 0600, path);
        assert_int_equal(notifier_end(&world->notifier), 0);
        assert_delivered(world, "good", 2);
        assert_delivered(world, "later", 2);
        struct delivery_receiver bad = notifier_state(&world->notifier, "bad");
        assert_int_equal(bad.parked, 2);
        assert_string_equal(bad.problem, "the program ended with exit code 3: no \\x1b good");
        assert_parked(world, "bad", 2, "exit code 3");
        (void)text_format(path, sizeof(path), "%s/got", world->notifier.folder);
        assert_int_equal(file_read_into(path, 0, text, sizeof(text), &length), 0);
        assert_non_null(strstr(text, "\"sequence\":1,"));
        assert_non_null(strstr(text, "\"sequence\":2,"));
        (void)text_format(path, sizeof(path), "%s/env", world->notifier.folder);
        assert_int_equal(file_read_into(path, 0, text, sizeof(text), &length), 0);
        assert_null(strstr(text, "SECRET_OF_OURS"));
        assert_non_null(strstr(text, "PATH="));
}

/* A program that hangs is ended with its children when we are. */
static void test_program_is_ended(void **state)
{
        struct world *world = *state;
        char text[512], path[512];
        size_t length = 0;

        (void)text_format(text, sizeof(text),
                          "#!/bin/sh\nsleep 1000 &\necho $! > %s/pid.new\nmv %s/pid.new %s/pid\nwait\n",
                          world->notifier.folder, world->notifier.folder, world->notifier.folder);
        (void)add_program(world, "hangs", text);
        notifier_put_number(&world->notifier, 1);
        notifier_start(&world->notifier);
        (void)text_format(path, sizeof(path), "%s/pid", world->notifier.folder);
        for (unsigned i = 0; i < 2000 && file_read_into(path, 0, text, sizeof(text), &length) < 0; i++)
                (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        assert_true(length > 0);
        assert_int_equal(kill(world->notifier.pid, SIGTERM), 0);
        assert_int_equal(notifier_end(&world->notifier), 0);
        pid_t child = (pid_t)strtol(text, NULL, 10);
        for (unsigned i = 0; i < 2000 && kill(child, 0) == 0; i++)
                (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        assert_int_equal(kill(child, 0), -1);
}

/* --- the heartbeat --- */

static void test_heartbeat(void **state)
{
        static const struct http_answer answers[] = {{.status = 500}, {0}};
        struct world *world = *state;

        world->servers[0] = http_server_new(NULL);
        http_server_listen(world->servers[0]);
        http_server_script(world->servers[0], answers, 2);
        notifier_configure(&world->notifier, "[heartbeat]\nurl = http://127.0.0.1:%u/beat\n",
                           http_server_port(world->servers[0]));
        assert_int_equal(notifier_run(&world->notifier), 0);
        notifier_put_heartbeat(&world->notifier, 7);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(http_server_count(world->servers[0]), 2);
        assert_int_equal(notifier_state(&world->notifier, DELIVERY_HEARTBEAT).position, 7);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(http_server_count(world->servers[0]), 2);
}

/* An old one is worth nothing: the newest goes out in its place. */
static void test_heartbeat_is_replaced(void **state)
{
        struct world *world = *state;

        world->servers[0] = http_server_new(NULL);
        notifier_configure(&world->notifier, "[heartbeat]\nurl = http://127.0.0.1:%u/beat\n",
                           http_server_port(world->servers[0]));
        notifier_put_heartbeat(&world->notifier, 1);
        notifier_start(&world->notifier);
        notifier_wait_state(&world->notifier, DELIVERY_HEARTBEAT, is_refused);
        http_server_listen(world->servers[0]);
        notifier_put_heartbeat(&world->notifier, 2);
        assert_int_equal(notifier_end(&world->notifier), 0);
        assert_int_equal(http_server_count(world->servers[0]), 1);
        assert_non_null(strstr(http_server_request(world->servers[0], 0)->body, "2"));
        assert_int_equal(notifier_state(&world->notifier, DELIVERY_HEARTBEAT).position, 2);
        assert_string_equal(notifier_state(&world->notifier, DELIVERY_HEARTBEAT).problem, "");
}

/* Nobody is there, and its time is over: the end, not the next attempt for ever. */
static void test_heartbeat_is_given_up(void **state)
{
        struct world *world = *state;

        world->servers[0] = http_server_new(NULL);
        notifier_configure(&world->notifier, "[heartbeat]\nurl = http://127.0.0.1:%u/beat\nevery = 2s\n",
                           http_server_port(world->servers[0]));
        notifier_put_heartbeat(&world->notifier, 1);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(notifier_state(&world->notifier, DELIVERY_HEARTBEAT).position, 0);
        assert_true(
            is_refused((struct delivery_receiver[]){notifier_state(&world->notifier, DELIVERY_HEARTBEAT)}));
}

/* --- life --- */

static void test_reload(void **state)
{
        struct world *world = *state;
        struct http_server *dead = add_server(world, 0, "a"), *living;

        (void)dead;
        notifier_put_number(&world->notifier, 1);
        notifier_start(&world->notifier);
        notifier_wait_state(&world->notifier, "a", is_refused);
        assert_int_equal(truncate(world->notifier.config, 0), 0);
        living = add_server(world, 1, "a");
        http_server_listen(living);
        assert_int_equal(kill(world->notifier.pid, SIGHUP), 0);
        assert_int_equal(notifier_end(&world->notifier), 0);
        assert_int_equal(http_server_count(living), 1);
        assert_delivered(world, "a", 1);
}

/* systemd's side of the notification socket. */
static int open_notify_socket(const struct world *world)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        (void)text_format(address.sun_path, sizeof(address.sun_path), "%.80s/notify", world->notifier.folder);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
        return fd;
}

/* The next message; returns the descriptor that came with it, -1 none. */
static int next_notification(int fd, char *text, size_t size)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec part = {.iov_base = text, .iov_len = size - 1};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int passed = -1;

        assert_int_equal(poll(&wait, 1, (int)(NOTIFIER_LIMIT / USEC_PER_MSEC)), 1);
        ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        assert_true(n > 0);
        text[n] = '\0';
        const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header)
                memcpy(&passed, CMSG_DATA(header), sizeof(passed));
        return passed;
}

/* Up to the barrier: returns what keeps it up. */
static int wait_for_barrier(int fd)
{
        char text[256];

        assert_int_equal(next_notification(fd, text, sizeof(text)), -1);
        assert_string_equal(text, "READY=1");
        assert_int_equal(next_notification(fd, text, sizeof(text)), -1);
        assert_string_equal(text, "STOPPING=1");
        int barrier = next_notification(fd, text, sizeof(text));
        assert_string_equal(text, "BARRIER=1");
        assert_true(barrier >= 0);
        return barrier;
}

/* An alert that comes in its last moment, before systemd has heard that it stops: its start was lost. */
static void test_last_look(void **state)
{
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");
        int fd = open_notify_socket(world);

        http_server_listen(server);
        for (unsigned late = 0; late < 2; late++) {
                notifier_put_number(&world->notifier, 2 * late + 1);
                notifier_start(&world->notifier);
                int barrier = wait_for_barrier(fd);
                if (late)
                        notifier_put_number(&world->notifier, 4);
                (void)close(barrier);
                assert_int_equal(notifier_end(&world->notifier), late ? EX_TEMPFAIL : 0);
        }
        assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
        (void)close(fd);
        assert_int_equal(http_server_count(server), 2);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_id(server, 2, 4);
}

/* That the configuration is refused is a thing to tell people. */
static void test_refused_configuration(void **state)
{
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");

        http_server_listen(server);
        notifier_put_number(&world->notifier, 1);
        assert_int_equal(notifier_run(&world->notifier), 0);
        notifier_configure(&world->notifier, "[nonsense]\n");
        notifier_put_number(&world->notifier, 2);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_delivered(world, "a", 2);
}

static void test_refused_configuration_at_first(void **state)
{
        struct world *world = *state;

        notifier_configure(&world->notifier, "[nonsense]\n");
        assert_int_equal(notifier_run(&world->notifier), EX_CONFIG);
}

/* Two would tell everything twice. */
static void test_only_one(void **state)
{
        struct world *world = *state;
        struct notifier second;

        (void)add_server(world, 0, "a");
        notifier_put_number(&world->notifier, 1);
        notifier_start(&world->notifier);
        notifier_wait_state(&world->notifier, "a", notifier_has_failed);
        second = world->notifier;
        second.pid = 0;
        assert_int_equal(notifier_run(&second), EX_TEMPFAIL);
}

/* A damaged state is begun anew: a repeat is better than a loss. */
static void test_damaged_state(void **state)
{
        struct world *world = *state;
        struct http_server *server = add_server(world, 0, "a");
        char path[256];

        http_server_listen(server);
        notifier_put_number(&world->notifier, 1);
        assert_int_equal(notifier_run(&world->notifier), 0);
        (void)notifier_file(&world->notifier, "state/a.state", "position = many\n", 0640, path);
        notifier_put_number(&world->notifier, 2);
        assert_int_equal(notifier_run(&world->notifier), 0);
        assert_int_equal(http_server_count(server), 3);
        assert_id(server, 1, 1);
        assert_id(server, 2, 2);
}

static unsigned count(const struct world *world, const char *words)
{
        _cleanup_free_ char *log = notifier_log(&world->notifier);
        unsigned n = 0;

        for (const char *at = log; (at = strstr(at, words)); at += strlen(words))
                n++;
        return n;
}

/* One line for them, however many receivers pass over them, and none in another life. */
static void test_damaged_messages(void **state)
{
        struct world *world = *state;
        char path[256];

        http_server_listen(add_server(world, 0, "a"));
        http_server_listen(add_server(world, 1, "b"));
        notifier_put_number(&world->notifier, 1);
        (void)notifier_file(&world->notifier, "spool/00000000000000000002-critical.json", "{", 0640, path);
        (void)notifier_file(&world->notifier, "spool/00000000000000000003-warning.json", "", 0640, path);
        for (int i = 0; i < 3; i++)
                notifier_run_well(&world->notifier);
        assert_int_equal(count(world, "damaged alerts are passed over: 2, the last one is number 3"), 1);
        assert_int_equal(count(world, "damaged"), 1);
        notifier_put_number(&world->notifier, 4);
        (void)notifier_file(&world->notifier, "spool/00000000000000000005-info.json", "x", 0640, path);
        for (int i = 0; i < 2; i++)
                notifier_run_well(&world->notifier);
        assert_int_equal(count(world, "damaged alerts are passed over: 1, the last one is number 5"), 1);
        assert_int_equal(count(world, "damaged"), 2);
        assert_int_equal(http_server_count(world->servers[0]), 2);
        assert_int_equal(http_server_count(world->servers[1]), 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            world_test(test_programs),
            world_test(test_program_is_ended),
            world_test(test_heartbeat),
            world_test(test_heartbeat_is_replaced),
            world_test(test_heartbeat_is_given_up),
            world_test(test_reload),
            world_test(test_last_look),
            world_test(test_refused_configuration),
            world_test(test_refused_configuration_at_first),
            world_test(test_only_one),
            world_test(test_damaged_state),
            world_test(test_damaged_messages),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
