/*
 * What the tests of the system bus share: a bus daemon of our own with the shipped policy file, the server
 * (the control bus in an event loop, as in the daemon) and a polkit that answers as it is told. All are
 * children that die with us.
 */
#ifndef SYSTEM_BUS_FIXTURE_H
#define SYSTEM_BUS_FIXTURE_H

#include "adapters/control_bus.h"
#include "adapters/control_client.h"

#include "base/cleanup.h"
#include "base/text.h"

#include "temp_folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include <cmocka.h>

#define NAME      "org.smswarden.Gateway1"
#define OBJECT    "/org/smswarden/Gateway1"
#define POLICY    "systemd/org.smswarden.Gateway1.conf"
#define INTERFACE "systemd/org.smswarden.Gateway1.xml"
#define TIMEOUT   (15 * USEC_PER_SEC)
#define PATIENCE  (20 * USEC_PER_SEC)
#define NOBODY    65534
#define DAEMON    1 /* the bus daemon takes accounts that there are, only */

struct fixture {
        char folder[64];
        char address[128];
        char peer_socket[96];
        bool no_policy;
        pid_t bus, server, polkit;
        int polkit_said; /* a letter for each call that the false polkit had */
};

static inline usec_t now_usec(void)
{
        struct timespec now = {0};

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (usec_t)now.tv_sec * USEC_PER_SEC + (usec_t)now.tv_nsec / 1000;
}

static inline void pause_msec(long msec)
{
        const struct timespec moment = {.tv_nsec = msec * 1000000};

        (void)nanosleep(&moment, NULL);
}

/* --- children --- */

static inline pid_t start_child(void)
{
        pid_t parent = getpid();
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
                _exit(99);
        return pid;
}

static inline void end_child(pid_t *pid, int signal)
{
        if (*pid <= 0)
                return;
        assert_int_equal(kill(*pid, signal), 0);
        (void)kill(*pid, SIGCONT);
        assert_int_equal(waitpid(*pid, NULL, 0), *pid);
        *pid = 0;
}

/* --- the bus daemon: system.conf's rules and our policy --- */

static inline void write_bus_config(const struct fixture *f, const char *path)
{
        static const char rules[] =
            "<policy context='default'><allow user='*'/><deny own='*'/><deny send_type='method_call'/>"
            "<allow send_type='signal'/><allow send_requested_reply='true' send_type='method_return'/>"
            "<allow send_requested_reply='true' send_type='error'/><allow receive_type='method_call'/>"
            "<allow receive_type='method_return'/><allow receive_type='error'/><allow receive_type='signal'/>"
            "<allow send_destination='org.freedesktop.DBus' send_interface='org.freedesktop.DBus'/></policy>"
            "<policy user='root'><allow own='org.freedesktop.PolicyKit1'/>"
            "<allow send_destination='org.freedesktop.PolicyKit1'/></policy>";
        _cleanup_free_ char *policy = realpath(POLICY, NULL);
        _cleanup_fclose_ FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_non_null(policy); /* tests run at the top of the tree */
        (void)fprintf(file,
                      "<!DOCTYPE busconfig PUBLIC '-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN' "
                      "'http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd'><busconfig>"
                      "<type>system</type><listen>%s</listen><auth>EXTERNAL</auth>%s",
                      f->address, rules);
        if (!f->no_policy)
                (void)fprintf(file, "<include>%s</include>", policy);
        (void)fprintf(file, "</busconfig>\n");
}

static inline sd_bus *try_connect(const struct fixture *f)
{
        sd_bus *bus = NULL;

        if (sd_bus_new(&bus) >= 0 && sd_bus_set_address(bus, f->address) >= 0 &&
            sd_bus_set_bus_client(bus, 1) >= 0 && sd_bus_start(bus) >= 0 &&
            sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                               "GetId", NULL, NULL, NULL) >= 0)
                return bus;
        return sd_bus_close_unref(bus);
}

static inline sd_bus *must_connect(const struct fixture *f)
{
        sd_bus *bus = try_connect(f);

        for (usec_t end = now_usec() + PATIENCE; !bus && now_usec() < end; bus = try_connect(f))
                pause_msec(10);
        assert_non_null(bus);
        return bus;
}

static inline void drop_bus(sd_bus **bus)
{
        *bus = sd_bus_close_unref(*bus);
}

#define _cleanup_bus_ _cleanup_(drop_bus)

static inline void start_bus(struct fixture *f)
{
        char path[96], option[128];

        (void)text_format(path, sizeof(path), "%s/bus.conf", f->folder);
        (void)text_format(option, sizeof(option), "--config-file=%s", path);
        write_bus_config(f, path);
        f->bus = start_child();
        if (f->bus == 0) {
                int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
                (void)dup2(null, STDERR_FILENO);
                (void)execlp("dbus-daemon", "dbus-daemon", "--nofork", option, (char *)NULL);
                _exit(98);
        }
        sd_bus *bus = must_connect(f);
        drop_bus(&bus);
}

static inline bool has_owner(const struct fixture *f, const char *name)
{
        _cleanup_bus_ sd_bus *bus = try_connect(f);

        return bus && sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                         "org.freedesktop.DBus", "GetNameOwner", NULL, NULL, "s", name) >= 0;
}

static inline void wait_for_name(const struct fixture *f, const char *name, bool there)
{
        for (usec_t end = now_usec() + PATIENCE; has_owner(f, name) != there;) {
                assert_true(now_usec() < end);
                pause_msec(10);
        }
}

/* --- the server: does what the reason of a command tells it to --- */

struct server {
        struct control_bus *bus;
        sd_event *event;
        unsigned reloads, restarts, steps_left;
        sd_event_source *step;
};

/* One change per turn of the loop, as many as were asked for. */
static inline int on_step(sd_event_source *source, void *userdata)
{
        struct server *server = userdata;

        server->restarts++;
        control_bus_changed(server->bus);
        return sd_event_source_set_enabled(source, --server->steps_left ? SD_EVENT_ON : SD_EVENT_OFF);
}

static inline void serve_command(void *userdata, const struct command *command)
{
        static const char *const kinds[] = {"stop", "start", "restart"};
        struct server *server = userdata;
        char answer[1024];

        if (text_equal(command->reason, "never"))
                return;
        if (text_equal(command->reason, "same"))
                control_bus_changed(server->bus);
        if (text_equal(command->reason, "storm")) {
                server->steps_left = 3000;
                (void)sd_event_source_set_enabled(server->step, SD_EVENT_ON);
        }
        (void)text_format(answer, sizeof(answer), "%s|%s|%.100s|%llu|%d|%u", kinds[command->kind],
                          command->by, command->reason, (unsigned long long)command->duration, command->force,
                          server->reloads);
        control_bus_reply(server->bus, command->token, 0, answer);
}

static inline void serve_snapshot(void *userdata, struct snapshot *s)
{
        static int64_t jitter;
        struct server *server = userdata;

        s->controller.running = true;
        (void)text_copy(s->controller.version, sizeof(s->controller.version), "7");
        (void)text_copy(s->controller.mode, sizeof(s->controller.mode), "control");
        s->verdict = VERDICT_HELD;
        s->can_receive = true;
        (void)text_copy(s->reason, sizeof(s->reason), "pi holds smsd; it is started again in 5min");
        (void)text_copy(s->next_action, sizeof(s->next_action), "call +4915112345678");
        s->n_modems = 2;
        for (unsigned i = 0; i < s->n_modems; i++) {
                (void)text_format(s->modems[i].name, sizeof(s->modems[i].name), "GSM%u", i + 1);
                (void)text_copy(s->modems[i].state, sizeof(s->modems[i].state), "ready");
                (void)text_copy(s->modems[i].imsi, sizeof(s->modems[i].imsi), "262010000000000");
                (void)text_copy(s->modems[i].iccid, sizeof(s->modems[i].iccid), "8949000000000000000");
                (void)text_copy(s->modems[i].reason, sizeof(s->modems[i].reason), "IMSI 262010000000000");
        }
        s->hold.active = true;
        (void)text_copy(s->hold.by, sizeof(s->hold.by), "pi");
        (void)text_copy(s->hold.reason, sizeof(s->hold.reason), "for 4915112345678");
        s->hold.until = 1700000000000000 + jitter++ % 1000;
        s->restarts.total = server->restarts;
}

static inline void serve_reload(void *userdata)
{
        struct server *server = userdata;

        server->reloads++;
        control_bus_changed(server->bus);
}

static inline int run_server(const struct fixture *f, int ready)
{
        static const struct control_bus_callbacks callbacks = {
            .command = serve_command, .snapshot = serve_snapshot, .reload = serve_reload};
        struct server server = {0};
        sigset_t mask;

        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        (void)sigprocmask(SIG_BLOCK, &mask, NULL);
        if (sd_event_new(&server.event) < 0 ||
            sd_event_add_signal(server.event, NULL, SIGTERM, NULL, NULL) < 0 ||
            sd_event_add_defer(server.event, &server.step, on_step, &server) < 0 ||
            sd_event_source_set_enabled(server.step, SD_EVENT_OFF) < 0 ||
            control_bus_new(&server.bus, server.event, f->peer_socket, &callbacks, &server) < 0 ||
            control_bus_join_system(server.bus, f->address) < 0 || write(ready, "", 1) != 1)
                return 1;
        int r = sd_event_loop(server.event);
        server.bus = control_bus_free(server.bus);
        (void)sd_event_source_unref(server.step);
        (void)sd_event_unref(server.event);
        return r < 0 ? 1 : 0;
}

static inline void start_server(struct fixture *f)
{
        int ready[2];
        char byte;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        f->server = start_child();
        if (f->server == 0)
                exit(run_server(f, ready[1]));
        (void)close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void)close(ready[0]);
}

static inline void end_server(struct fixture *f)
{
        int status = 0;

        assert_int_equal(kill(f->server, SIGTERM), 0);
        assert_int_equal(waitpid(f->server, &status, 0), f->server);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        f->server = 0;
}

/* --- a false polkit --- */

enum polkit_mind { POLKIT_YES, POLKIT_NO, POLKIT_CHALLENGE, POLKIT_SILENT, POLKIT_NONSENSE };

struct polkit {
        enum polkit_mind mind;
        int said;
};

static inline int polkit_check(const struct polkit *polkit, sd_bus_message *call)
{
        const char *kind, *key, *sender, *action, *cancellation;
        uint32_t flags;

        if (sd_bus_message_read(call, "(sa{sv})s", &kind, 1, &key, "s", &sender, &action) < 0 ||
            sd_bus_message_skip(call, "a{ss}") < 0 ||
            sd_bus_message_read(call, "us", &flags, &cancellation) < 0)
                return -EINVAL;
        bool right = text_equal(kind, "system-bus-name") && text_equal(key, "name") && sender[0] == ':' &&
                     text_equal(action, "org.smswarden.control") && cancellation[0];
        if (write(polkit->said, !right ? "?" : flags == 1 ? "I" : "-", 1) != 1)
                return -EIO;
        if (polkit->mind == POLKIT_SILENT)
                return 1;
        if (polkit->mind == POLKIT_NONSENSE)
                return sd_bus_reply_method_return(call, "s", "yes");
        return sd_bus_reply_method_return(call, "(bba{ss})", polkit->mind == POLKIT_YES,
                                          polkit->mind == POLKIT_CHALLENGE, 0);
}

/* No vtable: that would not let it talk nonsense. */
static inline int polkit_answer(sd_bus_message *call, void *userdata, sd_bus_error *error _unused_)
{
        const struct polkit *polkit = userdata;

        if (sd_bus_message_is_method_call(call, NULL, "CheckAuthorization") > 0)
                return polkit_check(polkit, call);
        if (sd_bus_message_is_method_call(call, NULL, "CancelCheckAuthorization") <= 0)
                return 0;
        return write(polkit->said, "C", 1) == 1 ? sd_bus_reply_method_return(call, NULL) : -EIO;
}

static inline int run_polkit(const struct fixture *f, struct polkit *polkit)
{
        _cleanup_bus_ sd_bus *bus = try_connect(f);

        if (!bus ||
            sd_bus_add_object(bus, NULL, "/org/freedesktop/PolicyKit1/Authority", polkit_answer, polkit) <
                0 ||
            sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0) < 0)
                return 1;
        for (;;)
                if (sd_bus_process(bus, NULL) < 0 || sd_bus_wait(bus, 1000000) < 0)
                        return 0;
}

static inline void start_polkit(struct fixture *f, enum polkit_mind mind)
{
        int said[2];

        assert_int_equal(pipe2(said, O_CLOEXEC), 0);
        f->polkit = start_child();
        if (f->polkit == 0)
                _exit(run_polkit(f, &(struct polkit){.mind = mind, .said = said[1]}));
        (void)close(said[1]);
        f->polkit_said = said[0];
        wait_for_name(f, "org.freedesktop.PolicyKit1", true);
}

/* --- set up --- */

static inline int set_up_nothing(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        *state = f;
        f->polkit_said = -1;
        (void)text_copy(f->folder, sizeof(f->folder), "/tmp/test-system-bus-XXXXXX");
        assert_non_null(mkdtemp(f->folder));
        assert_int_equal(chmod(f->folder, 0755), 0);
        (void)text_format(f->address, sizeof(f->address), "unix:path=%s/system", f->folder);
        (void)text_format(f->peer_socket, sizeof(f->peer_socket), "%s/bus", f->folder);
        return 0;
}

static inline int set_up(void **state)
{
        (void)set_up_nothing(state);
        start_bus(*state);
        start_server(*state);
        wait_for_name(*state, NAME, true);
        return 0;
}

static inline int tear_down(void **state)
{
        struct fixture *f = *state;

        if (f->server > 0)
                end_server(f);
        end_child(&f->polkit, SIGKILL);
        end_child(&f->bus, SIGKILL);
        f->polkit_said = close_fd(f->polkit_said);
        temp_folder_remove(f->folder);
        free(f);
        return 0;
}

/* Runs `function` in a process of account `uid`; it must exit with 0. */
static inline void as_user(struct fixture *f, uid_t uid, int (*function)(struct fixture *f))
{
        int status = 0;
        pid_t pid = start_child();

        if (pid == 0)
                _exit(setresuid(uid, uid, uid) < 0 ? 100 : function(f));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- asking --- */

struct asked {
        int r; /* of the call */
        char error[128], message[512];
};

/* Stop, Start or Restart with that reason. */
static inline void ask(sd_bus *bus, bool interactive, const char *member, const char *reason,
                       struct asked *ret_asked)
{
        sd_bus_message *call = NULL, *reply = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *message = "";
        int result = -1;

        *ret_asked = (struct asked){0};
        int r = sd_bus_message_new_method_call(bus, &call, NAME, OBJECT, NAME, member);
        if (r >= 0 && text_equal(member, "Stop"))
                r = sd_bus_message_append(call, "t", UINT64_C(90000000));
        if (r >= 0)
                r = sd_bus_message_append(call, "sb", reason, 0);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(call, interactive);
        if (r >= 0)
                r = sd_bus_call(bus, call, TIMEOUT, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "is", &result, &message);
        ret_asked->r = r;
        (void)text_copy(ret_asked->error, sizeof(ret_asked->error), error.name ? error.name : "");
        (void)text_copy(ret_asked->message, sizeof(ret_asked->message),
                        error.message ? error.message : message);
        sd_bus_error_free(&error);
        (void)sd_bus_message_unref(call);
        (void)sd_bus_message_unref(reply);
}

static inline void must_answer(const struct fixture *f, const char *member, const char *reason,
                               const char *answer)
{
        _cleanup_bus_ sd_bus *bus = must_connect(f);
        struct asked asked;

        ask(bus, false, member, reason, &asked);
        assert_string_equal(asked.message, answer);
        assert_true(asked.r >= 0);
}

static inline void root_controls(const struct fixture *f)
{
        must_answer(f, "Restart", "again", "restart|root|again|0|0|0");
}

/* 0 when a stranger's command is refused with that error and words, or done as nobody when `error` is "". */
static inline int check_stranger(struct fixture *f, bool interactive, const char *error, const char *words)
{
        _cleanup_bus_ sd_bus *bus = try_connect(f);
        struct asked asked;

        if (!bus)
                return 1;
        ask(bus, interactive, "Stop", "let me", &asked);
        if (!text_equal(asked.error, error) || !strstr(asked.message, words)) {
                (void)fprintf(stderr, "%s: %s\n", asked.error, asked.message);
                return 2;
        }
        return 0;
}

static inline void expect_polkit_heard(const struct fixture *f, const char *letters)
{
        char said[16] = "";

        for (size_t n = 0; n < strlen(letters); n++)
                assert_int_equal(read(f->polkit_said, said + n, 1), 1);
        assert_string_equal(said, letters);
}

static inline int died(sd_bus_message *reply _unused_, void *userdata, sd_bus_error *error _unused_)
{
        unsigned *n = userdata;

        (*n)++;
        return 0;
}

#endif
