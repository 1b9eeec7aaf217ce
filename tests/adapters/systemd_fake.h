/*
 * A systemd for one unit, in the test's own event loop: it listens where the system bus and where systemd's
 * own socket would be, and speaks what the backend needs of org.freedesktop.DBus and of
 * org.freedesktop.systemd1. What the unit is, how a call is answered and which signals come is the test's
 * choice; what was asked is counted. Nothing happens by itself, and nothing waits for time.
 */
#ifndef TESTS_SYSTEMD_FAKE_H
#define TESTS_SYSTEMD_FAKE_H

#include "adapters/smsd_systemd.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include <cmocka.h>

#define FAKE_UNIT     "smstools.service"
#define FAKE_TIMER    "smswarden-hold-end.timer"
#define FAKE_OWNER    ":1.1"
#define FAKE_MANAGER  "org.freedesktop.systemd1.Manager"
#define FAKE_ERROR    "org.freedesktop.systemd1."
#define FAKE_PATH     "/org/freedesktop/systemd1"
#define FAKE_PEERS    16
#define FAKE_PATIENCE (10 * USEC_PER_SEC)

enum fake_way {
        FAKE_BUS,
        FAKE_PRIVATE,
};

struct fake_peer {
        sd_bus *bus;
        enum fake_way way;
};

struct fake_timer {
        unsigned starts;
        unsigned stops;
        bool exists;
        uint64_t delay;
        uint64_t accuracy;
        int remain;
        char base[32];
        char problem[64]; /* a property that nobody knows */
};

#define FAKE_HELPER "smswarden-notify.service"
#define FAKE_ERRAND "smswarden-power@"

struct fake {
        sd_event *event;
        char folder[64];
        char path[2][96];
        int listen[2];
        sd_event_source *accept[2];
        struct fake_peer peers[FAKE_PEERS];
        /* the unit */
        const char *active, *sub, *job_type, *system_state;
        uint32_t job, next_job, main_pid;
        uint64_t left_inactive;
        int condition;
        int exit_status;
        /* how a call of StopUnit or RestartUnit is treated */
        const char *error; /* refused with this name */
        const char *error_message;
        const char *result; /* JobRemoved with this; NULL: the job stays */
        bool removed_first; /* before the call is answered */
        bool deaf;          /* calls get no answer */
        bool hold_call;     /* calls get their answer by fake_answer() */
        sd_bus_message *held;
        bool lose_call;     /* the connection goes away with the call */
        bool carry_out;     /* ... after it was carried out */
        bool mute;          /* nothing is answered at all */
        bool no_systemd[2]; /* nobody has systemd's name there */
        bool keep_timer;    /* a stopped timer is not forgotten until fake_forget_timer */
        bool timer_exists_error;
        /* what was asked */
        unsigned stops, restarts, subscribes, lists, muted, connections[2];
        struct fake_timer timer;
        unsigned helper_starts, helper_reloads;
        unsigned errands;
        const char *helper_error; /* both are refused with this name */
        /* what the backend said */
        struct smsd_systemd *backend;
        unsigned n_stopped, n_started, n_unit, order, started_at, job_at;
        int stopped_result, started_result;
        unsigned n_ran, ran_token;
        int ran_result;
        char problem[256];
        struct process_id id;
        struct unit_state state;
};

/* --- time: a test moves the clock of the whole process ahead --- */

static uint64_t fake_ahead; /* seconds */

int clock_gettime(clockid_t clock, struct timespec *time)
{
        long r = syscall(SYS_clock_gettime, clock, time);

        if (r == 0)
                time->tv_sec += (time_t)fake_ahead;
        return (int)r;
}

static inline usec_t fake_now(void)
{
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return (usec_t)now.tv_sec * USEC_PER_SEC + (usec_t)now.tv_nsec / 1000;
}

/* --- sending --- */

static inline void fake_send(struct fake_peer *peer, sd_bus_message *message, const char *sender)
{
        if (peer->way == FAKE_BUS)
                assert_true(sd_bus_message_set_sender(message, sender) >= 0);
        /* The backend may have left meanwhile. */
        int r = sd_bus_send(peer->bus, message, NULL);
        assert_true(r >= 0 || sd_bus_is_open(peer->bus) <= 0);
        (void)sd_bus_message_unref(message);
}

static inline void fake_emit_from(struct fake *f, const char *sender, const char *path, const char *interface,
                                  const char *member, const char *types, ...)
{
        for (size_t i = 0; i < FAKE_PEERS; i++) {
                sd_bus_message *message = NULL;
                va_list arguments;
                if (!f->peers[i].bus || sd_bus_is_ready(f->peers[i].bus) <= 0)
                        continue;
                assert_true(sd_bus_message_new_signal(f->peers[i].bus, &message, path, interface, member) >=
                            0);
                va_start(arguments, types);
                assert_true(sd_bus_message_appendv(message, types, arguments) >= 0);
                va_end(arguments);
                fake_send(&f->peers[i], message, sender);
        }
}

#define fake_emit(f, member, ...) fake_emit_from(f, FAKE_OWNER, FAKE_PATH, FAKE_MANAGER, member, __VA_ARGS__)

static inline void fake_job_path(char path[64], uint32_t id)
{
        (void)text_format(path, 64, FAKE_PATH "/job/%u", id);
}

static inline void fake_job_new(struct fake *f, uint32_t id, const char *unit)
{
        char path[64];

        fake_job_path(path, id);
        fake_emit(f, "JobNew", "uos", id, path, unit);
}

static inline void fake_job_removed(struct fake *f, uint32_t id, const char *unit, const char *result)
{
        char path[64];

        fake_job_path(path, id);
        fake_emit(f, "JobRemoved", "uoss", id, path, unit, result);
}

static inline void fake_unit_changed(struct fake *f)
{
        fake_emit_from(f, FAKE_OWNER, FAKE_PATH "/unit/smstools_2eservice", "org.freedesktop.DBus.Properties",
                       "PropertiesChanged", "sa{sv}as", "org.freedesktop.systemd1.Unit", 0, 0);
}

/* --- answering --- */

static inline void fake_reply(struct fake_peer *peer, sd_bus_message *call, const char *sender,
                              const char *types, ...)
{
        sd_bus_message *reply = NULL;
        va_list arguments;

        assert_true(sd_bus_message_new_method_return(call, &reply) >= 0);
        va_start(arguments, types);
        if (types[0])
                assert_true(sd_bus_message_appendv(reply, types, arguments) >= 0);
        va_end(arguments);
        fake_send(peer, reply, sender);
}

static inline void fake_refuse(struct fake_peer *peer, sd_bus_message *call, const char *name,
                               const char *message)
{
        const sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(name, message);
        sd_bus_message *reply = NULL;

        assert_true(sd_bus_message_new_method_error(call, &reply, &error) >= 0);
        fake_send(peer, reply, FAKE_OWNER);
}

/* What the job does to the unit when it is done. */
static inline void fake_carry_out(struct fake *f, bool stop)
{
        f->active = stop ? "inactive" : "active";
        f->sub = stop ? "dead" : "running";
        if (!stop)
                f->left_inactive = fake_now();
}

static inline void fake_end_job(struct fake *f, uint32_t id, const char *result)
{
        f->job = 0;
        fake_job_removed(f, id, FAKE_UNIT, result);
}

static inline void fake_drop_all(struct fake *f)
{
        for (size_t i = 0; i < FAKE_PEERS; i++)
                f->peers[i].bus = sd_bus_close_unref(f->peers[i].bus);
}

static inline void fake_queue_job(struct fake *f, struct fake_peer *peer, sd_bus_message *call, bool stop)
{
        char path[64];
        uint32_t id = f->next_job++;

        f->job = id;
        f->job_type = stop ? "stop" : "restart";
        fake_job_path(path, id);
        fake_job_new(f, id, FAKE_UNIT);
        if (f->result && text_equal(f->result, "done"))
                fake_carry_out(f, stop);
        if (f->result && f->removed_first)
                fake_end_job(f, id, f->result);
        if (f->hold_call)
                f->held = sd_bus_message_ref(call);
        else if (!f->deaf)
                fake_reply(peer, call, FAKE_OWNER, "o", path);
        if (f->result && !f->removed_first)
                fake_end_job(f, id, f->result);
}

static inline void fake_main_call(struct fake *f, struct fake_peer *peer, sd_bus_message *call, bool stop)
{
        *(stop ? &f->stops : &f->restarts) += 1;
        if (f->lose_call) {
                f->lose_call = false;
                if (f->carry_out)
                        fake_carry_out(f, stop);
                (void)shutdown(sd_bus_get_fd(peer->bus), SHUT_RDWR);
        } else if (f->error)
                fake_refuse(peer, call, f->error, f->error_message ? f->error_message : "no");
        else
                fake_queue_job(f, peer, call, stop);
}

/* The answer to the call that was held back: job `id`. */
static inline void fake_answer(struct fake *f, uint32_t id)
{
        char path[64];

        fake_job_path(path, id);
        for (size_t i = 0; i < FAKE_PEERS; i++)
                if (f->peers[i].bus && f->peers[i].bus == sd_bus_message_get_bus(f->held))
                        fake_reply(&f->peers[i], f->held, FAKE_OWNER, "o", path);
        f->held = sd_bus_message_unref(f->held);
}

static inline void fake_forget_timer(struct fake *f)
{
        f->timer.exists = false;
        fake_emit(f, "UnitRemoved", "so", FAKE_TIMER, FAKE_PATH "/unit/smswarden_2dhold_2dend_2etimer");
}

static inline void fake_stop_timer(struct fake *f, struct fake_peer *peer, sd_bus_message *call)
{
        f->timer.stops++;
        if (!f->timer.exists) {
                fake_refuse(peer, call, FAKE_ERROR "NoSuchUnit", "not loaded");
                return;
        }
        fake_reply(peer, call, FAKE_OWNER, "o", FAKE_PATH "/job/900");
        if (!f->keep_timer)
                fake_forget_timer(f);
}

static inline void fake_read_property(struct fake_timer *timer, sd_bus_message *call)
{
        const char *name, *text;

        assert_true(sd_bus_message_read(call, "s", &name) > 0);
        if (text_equal(name, "TimersMonotonic")) {
                assert_true(sd_bus_message_read(call, "v", "a(st)", 1, &text, &timer->delay) > 0);
                (void)text_copy(timer->base, sizeof(timer->base), text);
        } else if (text_equal(name, "AccuracyUSec"))
                assert_true(sd_bus_message_read(call, "v", "t", &timer->accuracy) > 0);
        else if (text_equal(name, "RemainAfterElapse"))
                assert_true(sd_bus_message_read(call, "v", "b", &timer->remain) > 0);
        else {
                if (!text_equal(name, "Description"))
                        (void)text_copy(timer->problem, sizeof(timer->problem), name);
                assert_true(sd_bus_message_skip(call, "v") >= 0);
        }
}

static inline void fake_start_timer(struct fake *f, struct fake_peer *peer, sd_bus_message *call)
{
        const char *name, *mode;

        f->timer.starts++;
        if (f->timer.exists || f->timer_exists_error) {
                fake_refuse(peer, call, FAKE_ERROR "UnitExists", "already there");
                return;
        }
        assert_true(sd_bus_message_read(call, "ss", &name, &mode) > 0);
        assert_string_equal(name, FAKE_TIMER);
        assert_string_equal(mode, "replace");
        assert_true(sd_bus_message_enter_container(call, 'a', "(sv)") > 0);
        while (sd_bus_message_enter_container(call, 'r', "sv") > 0) {
                fake_read_property(&f->timer, call);
                assert_true(sd_bus_message_exit_container(call) >= 0);
        }
        f->timer.exists = true;
        fake_reply(peer, call, FAKE_OWNER, "o", FAKE_PATH "/job/901");
}

static inline void fake_helper_call(struct fake *f, struct fake_peer *peer, sd_bus_message *call,
                                    const char *member)
{
        if (text_equal(member, "StartUnit"))
                f->helper_starts++;
        else {
                assert_string_equal(member, "ReloadOrTryRestartUnit");
                f->helper_reloads++;
        }
        if (f->helper_error)
                fake_refuse(peer, call, f->helper_error, "no");
        else
                fake_reply(peer, call, FAKE_OWNER, "o", FAKE_PATH "/job/901");
}

static inline void fake_unit_call(struct fake *f, struct fake_peer *peer, sd_bus_message *call,
                                  const char *member)
{
        const char *unit, *mode;

        assert_true(sd_bus_message_read(call, "ss", &unit, &mode) > 0);
        if (text_equal(unit, FAKE_TIMER))
                fake_stop_timer(f, peer, call);
        else if (text_equal(unit, FAKE_HELPER))
                fake_helper_call(f, peer, call, member);
        else if (text_starts_with(unit, FAKE_ERRAND)) {
                assert_string_equal(member, "StartUnit");
                f->errands++;
                if (f->helper_error)
                        fake_refuse(peer, call, f->helper_error, "no");
                else
                        fake_reply(peer, call, FAKE_OWNER, "o", FAKE_PATH "/job/902");
        } else {
                assert_string_equal(unit, FAKE_UNIT);
                assert_string_equal(mode, "replace");
                fake_main_call(f, peer, call, text_equal(member, "StopUnit"));
        }
}

static inline void fake_property(struct fake *f, struct fake_peer *peer, sd_bus_message *call)
{
        const char *interface, *name;

        assert_true(sd_bus_message_read(call, "ss", &interface, &name) > 0);
        if (text_equal(name, "SystemState"))
                fake_reply(peer, call, FAKE_OWNER, "v", "s", f->system_state);
        else if (text_equal(name, "MainPID"))
                fake_reply(peer, call, FAKE_OWNER, "v", "u", f->main_pid);
        else if (text_equal(name, "InactiveExitTimestampMonotonic"))
                fake_reply(peer, call, FAKE_OWNER, "v", "t", f->left_inactive);
        else if (text_equal(name, "ConditionResult"))
                fake_reply(peer, call, FAKE_OWNER, "v", "b", f->condition);
        else if (text_equal(name, "ExecMainStatus"))
                fake_reply(peer, call, FAKE_OWNER, "v", "i", f->exit_status);
        else if (text_equal(name, "ExecStart"))
                fake_reply(peer, call, FAKE_OWNER, "v", "a(sasbttttuii)", 1, "/usr/sbin/smsd", 2,
                           "/usr/sbin/smsd", "-t", 0, (uint64_t)0, (uint64_t)0, (uint64_t)0, (uint64_t)0, 0,
                           0, 0);
        else
                fail_msg("unknown property %s", name);
}

static inline void fake_list(struct fake *f, struct fake_peer *peer, sd_bus_message *call)
{
        char path[64] = "/";

        f->lists++;
        if (f->job)
                fake_job_path(path, f->job);
        fake_reply(peer, call, FAKE_OWNER, "a(ssssssouso)", 1, FAKE_UNIT, "SMS", "loaded", f->active, f->sub,
                   "", FAKE_PATH "/unit/smstools_2eservice", f->job, f->job ? f->job_type : "", path);
}

static inline int fake_on_message(sd_bus_message *call, void *userdata, sd_bus_error *error _unused_)
{
        struct fake *f = userdata;
        const char *member = sd_bus_message_get_member(call);
        struct fake_peer *peer = NULL;

        for (size_t i = 0; i < FAKE_PEERS; i++)
                if (f->peers[i].bus == sd_bus_message_get_bus(call))
                        peer = &f->peers[i];
        if (!peer || !sd_bus_message_is_method_call(call, NULL, NULL))
                return 1;
        if (f->mute) {
                f->muted++;
                return 1;
        }
        if (text_equal(member, "Hello"))
                fake_reply(peer, call, "org.freedesktop.DBus", "s", ":1.7");
        else if (text_equal(member, "AddMatch") || text_equal(member, "RemoveMatch"))
                fake_reply(peer, call, "org.freedesktop.DBus", "");
        else if (f->no_systemd[peer->way])
                fake_refuse(peer, call, SD_BUS_ERROR_SERVICE_UNKNOWN, "nobody there");
        else if (text_equal(member, "Subscribe")) {
                f->subscribes++;
                fake_reply(peer, call, FAKE_OWNER, "");
        } else if (text_equal(member, "ListUnitsByNames"))
                fake_list(f, peer, call);
        else if (text_equal(member, "Get"))
                fake_property(f, peer, call);
        else if (text_equal(member, "StartTransientUnit"))
                fake_start_timer(f, peer, call);
        else
                fake_unit_call(f, peer, call, member);
        return 1;
}

/* --- listening --- */

static inline int fake_on_connection(sd_event_source *source _unused_, int fd, uint32_t events _unused_,
                                     void *userdata)
{
        struct fake *f = userdata;
        enum fake_way way = fd == f->listen[FAKE_BUS] ? FAKE_BUS : FAKE_PRIVATE;
        int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        sd_id128_t id;
        size_t i = 0;

        assert_true(connection >= 0);
        while (f->peers[i].bus && sd_bus_is_open(f->peers[i].bus) > 0)
                assert_true(++i < FAKE_PEERS);
        (void)sd_bus_close_unref(f->peers[i].bus);
        f->connections[way]++;
        f->peers[i].way = way;
        assert_true(sd_id128_randomize(&id) >= 0);
        assert_true(sd_bus_new(&f->peers[i].bus) >= 0);
        assert_true(sd_bus_set_fd(f->peers[i].bus, connection, connection) >= 0);
        assert_true(sd_bus_set_server(f->peers[i].bus, 1, id) >= 0);
        assert_true(sd_bus_add_filter(f->peers[i].bus, NULL, fake_on_message, f) >= 0);
        assert_true(sd_bus_start(f->peers[i].bus) >= 0);
        assert_true(sd_bus_attach_event(f->peers[i].bus, f->event, SD_EVENT_PRIORITY_NORMAL) >= 0);
        return 0;
}

static inline void fake_listen(struct fake *f, enum fake_way way)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        assert_int_equal(text_copy(address.sun_path, sizeof(address.sun_path), f->path[way]), 0);
        f->listen[way] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(f->listen[way] >= 0);
        assert_int_equal(bind(f->listen[way], (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(f->listen[way], 8), 0);
        assert_true(
            sd_event_add_io(f->event, &f->accept[way], f->listen[way], EPOLLIN, fake_on_connection, f) >= 0);
}

static inline void fake_close(struct fake *f, enum fake_way way)
{
        f->accept[way] = sd_event_source_disable_unref(f->accept[way]);
        f->listen[way] = close_fd(f->listen[way]);
        (void)unlink(f->path[way]);
}

/* --- the backend --- */

static inline void fake_on_stopped(void *userdata, int result, const char *problem)
{
        struct fake *f = userdata;

        f->n_stopped++;
        f->stopped_result = result;
        (void)text_copy(f->problem, sizeof(f->problem), problem);
}

static inline void fake_on_started(void *userdata, int result, struct process_id id, const char *problem)
{
        struct fake *f = userdata;

        f->n_started++;
        f->started_at = ++f->order;
        f->started_result = result;
        f->id = id;
        (void)text_copy(f->problem, sizeof(f->problem), problem);
}

static inline void fake_on_unit(void *userdata, const struct unit_state *state)
{
        struct fake *f = userdata;

        f->n_unit++;
        if (state->job != UNIT_JOB_NONE && f->state.job == UNIT_JOB_NONE)
                f->job_at = ++f->order;
        f->state = *state;
}

static inline void fake_on_ran(void *userdata, unsigned token, int result, const char *problem)
{
        struct fake *f = userdata;

        f->n_ran++;
        f->ran_token = token;
        f->ran_result = result;
        (void)text_copy(f->problem, sizeof(f->problem), problem);
}

static inline void fake_new_backend(struct fake *f)
{
        static const struct smsd_systemd_callbacks callbacks = {fake_on_stopped, fake_on_started,
                                                                fake_on_unit, fake_on_ran};
        char address[128];
        const struct smsd_systemd_options options = {
            .unit = FAKE_UNIT,
            .hold_end_unit = "smswarden-hold-end.service",
            .bus_address = address,
            .private_socket = f->path[FAKE_PRIVATE],
        };

        (void)text_format(address, sizeof(address), "unix:path=%s", f->path[FAKE_BUS]);
        assert_int_equal(smsd_systemd_new(&f->backend, f->event, &options, &callbacks, f), 0);
}

/* Runs the loop until the condition holds. */
#define fake_until(f, condition)                                                                             \
        do {                                                                                                 \
                usec_t deadline_ = fake_now() + FAKE_PATIENCE;                                               \
                while (!(condition)) {                                                                       \
                        assert_true(sd_event_run((f)->event, 100000) >= 0);                                  \
                        if (fake_now() > deadline_)                                                          \
                                fail_msg("in vain: %s", #condition);                                         \
                }                                                                                            \
        } while (0)

/* One question and its answer: what was sent before has been treated by then. */
static inline void fake_settle(struct fake *f)
{
        for (unsigned i = 0; i < 2; i++) {
                unsigned before = f->n_unit;
                assert_int_equal(smsd_systemd_look(f->backend), 0);
                fake_until(f, f->n_unit > before);
        }
}

/* Moves time and lets what is due by then happen. What is being answered is answered first. */
static inline void fake_later(struct fake *f, uint64_t seconds)
{
        fake_settle(f);
        fake_ahead += seconds;
        fake_settle(f);
}

static inline int fake_setup(void **state)
{
        struct fake *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        f->listen[FAKE_BUS] = f->listen[FAKE_PRIVATE] = -1;
        f->active = "active";
        f->sub = "running";
        f->system_state = "running";
        f->condition = 1;
        f->next_job = 100;
        f->result = "done";
        (void)text_copy(f->folder, sizeof(f->folder), "/tmp/smsd_systemd.XXXXXX");
        assert_non_null(mkdtemp(f->folder));
        (void)text_format(f->path[FAKE_BUS], sizeof(f->path[0]), "%s/bus", f->folder);
        (void)text_format(f->path[FAKE_PRIVATE], sizeof(f->path[0]), "%s/private", f->folder);
        assert_true(sd_event_new(&f->event) >= 0);
        *state = f;
        return 0;
}

/* Both ways are there, the backend has said what the unit is. */
static inline int fake_setup_running(void **state)
{
        (void)fake_setup(state);
        struct fake *f = *state;
        fake_listen(f, FAKE_BUS);
        fake_listen(f, FAKE_PRIVATE);
        fake_new_backend(f);
        fake_until(f, f->n_unit == 1);
        return 0;
}

static inline int fake_teardown(void **state)
{
        struct fake *f = *state;

        f->backend = smsd_systemd_free(f->backend);
        f->held = sd_bus_message_unref(f->held);
        fake_drop_all(f);
        fake_close(f, FAKE_BUS);
        fake_close(f, FAKE_PRIVATE);
        (void)sd_event_unref(f->event);
        temp_folder_remove(f->folder);
        free(f);
        return 0;
}

#endif
