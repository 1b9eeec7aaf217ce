/*
 * Synchronous calls of systemd's manager, see adapters/systemd_manager.h.
 *
 * sd_bus_call() waits for a connection that is still being made for as long as the other side likes (a bus
 * daemon that hangs: minutes). So every call is made as an asynchronous one, and the turns are counted here.
 */
#include "systemd_manager_private.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>
#include <systemd/sd-daemon.h>

#define PRIVATE_SOCKET  "unix:path=/run/systemd/private"
#define TIMEOUT_DEFAULT (5 * USEC_PER_SEC)
#define TIMEOUT_RELOAD  (3 * USEC_PER_MIN) /* all units and generators anew: many seconds on a small box */

/* --- calls --- */

usec_t systemd_manager_deadline(const struct systemd_manager *manager)
{
        return usec_add(clock_monotonic(), manager->timeout);
}

/* Handles what has come, or waits for more. */
static int turn(struct systemd_manager *manager, usec_t deadline)
{
        int r = sd_bus_process(manager->bus, NULL);

        if (r != 0)
                return r < 0 ? r : 0;
        usec_t left = usec_sub(deadline, clock_monotonic());
        if (left == 0)
                return -ETIMEDOUT;
        r = sd_bus_wait(manager->bus, left);
        return r < 0 && r != -EINTR ? r : 0;
}

struct answer {
        bool done;
        sd_bus_message *reply;
};

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct answer *answer = userdata;

        (void)error;
        answer->done = true;
        answer->reply = sd_bus_message_ref(reply);
        return 0;
}

/* Keeps what systemd said for the caller's sentence. */
static int refused(struct systemd_manager *manager, sd_bus_message *reply)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        const char *text = error && error->message ? error->message : "refused without a word";

        (void)text_copy(manager->error_name, sizeof(manager->error_name),
                        error && error->name ? error->name : "");
        (void)text_escape(manager->error_text, sizeof(manager->error_text), text, strlen(text));
        int number = sd_bus_error_get_errno(error);
        return number > 0 ? -number : -EIO;
}

int systemd_manager_call(struct systemd_manager *manager, sd_bus_message *message, usec_t deadline,
                         sd_bus_message **ret_reply)
{
        struct answer answer = {0};
        _cleanup_slot_ sd_bus_slot *slot = NULL;
        int r = sd_bus_call_async(manager->bus, &slot, message, on_answer, &answer, UINT64_MAX);

        manager->error_name[0] = manager->error_text[0] = '\0';
        while (r >= 0 && !answer.done)
                r = turn(manager, deadline);
        _cleanup_message_ sd_bus_message *reply = answer.reply;
        if (!answer.done)
                return r;
        if (sd_bus_message_is_method_error(reply, NULL))
                return refused(manager, reply);
        if (ret_reply)
                *ret_reply = sd_bus_message_ref(reply);
        return 0;
}

static bool was_refused_as(const struct systemd_manager *manager, const char *name)
{
        return text_starts_with(manager->error_name, MANAGER_NAME ".") &&
               text_equal(manager->error_name + strlen(MANAGER_NAME "."), name);
}

/* A method of the manager with no, one or two strings. */
static int call_manager(struct systemd_manager *manager, const char *method, const char *first,
                        const char *second, usec_t deadline, sd_bus_message **ret_reply)
{
        _cleanup_message_ sd_bus_message *message = NULL;
        int r = sd_bus_message_new_method_call(manager->bus, &message, MANAGER_NAME, MANAGER_PATH,
                                               MANAGER_INTERFACE, method);

        if (r >= 0 && first)
                r = sd_bus_message_append(message, "s", first);
        if (r >= 0 && second)
                r = sd_bus_message_append(message, "s", second);
        return r < 0 ? r : systemd_manager_call(manager, message, deadline, ret_reply);
}

static int get_text(struct systemd_manager *manager, const char *path, const char *interface,
                    const char *property, usec_t deadline, char *target, size_t size)
{
        _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
        const char *text;
        int r = sd_bus_message_new_method_call(manager->bus, &message, MANAGER_NAME, path, PROPERTIES, "Get");

        if (r >= 0)
                r = sd_bus_message_append(message, "ss", interface, property);
        if (r >= 0)
                r = systemd_manager_call(manager, message, deadline, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "v", "s", &text);
        return r < 0 ? r : text_copy(target, size, text);
}

int systemd_manager_path(struct systemd_manager *manager, const char *method, const char *unit,
                         usec_t deadline, char ret_path[256])
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *path;
        int r = call_manager(manager, method, unit, NULL, deadline, &reply);

        if (r < 0)
                return was_refused_as(manager, "NoSuchUnit") ? -ENOENT : r;
        r = sd_bus_message_read(reply, "o", &path);
        return r < 0 ? r : text_copy(ret_path, 256, path);
}

/* --- the connection --- */

/* One that is of no use is given up without a flush: that would wait for it. */
static void drop_bus(struct systemd_manager *manager)
{
        sd_bus_close(manager->bus);
        manager->bus = sd_bus_unref(manager->bus);
}

static int ask_system_state(struct systemd_manager *manager, usec_t deadline, char ret_state[32])
{
        return get_text(manager, MANAGER_PATH, MANAGER_INTERFACE, "SystemState", deadline, ret_state, 32);
}

/* Peer to peer: no bus daemon, no names, no Hello. */
static int open_private(struct systemd_manager *manager, const char *address, usec_t deadline)
{
        char state[32];
        int r = sd_bus_new(&manager->bus);

        if (r >= 0)
                r = sd_bus_set_address(manager->bus, address);
        if (r >= 0)
                r = sd_bus_start(manager->bus);
        if (r >= 0)
                r = ask_system_state(manager, deadline, state);
        if (r < 0)
                drop_bus(manager);
        return r;
}

static int open_system_bus(struct systemd_manager *manager, usec_t deadline)
{
        char state[32];
        int r = sd_bus_open_system(&manager->bus);

        if (r >= 0)
                r = ask_system_state(manager, deadline, state);
        if (r < 0)
                drop_bus(manager);
        return r;
}

/* Half of the time is left for the other way. */
static int open_any(struct systemd_manager *manager)
{
        usec_t begun = clock_monotonic();
        int r = geteuid() == 0 ? open_private(manager, PRIVATE_SOCKET, usec_add(begun, manager->timeout / 2))
                               : -EACCES;

        return r < 0 ? open_system_bus(manager, usec_add(begun, manager->timeout)) : r;
}

int systemd_manager_new_at(struct systemd_manager **ret, const char *address, usec_t timeout)
{
        if (!address && sd_booted() <= 0)
                return -ENOTCONN;
        _cleanup_(systemd_manager_cleanup) struct systemd_manager *manager = calloc(1, sizeof(*manager));
        if (!manager)
                return -ENOMEM;
        manager->timeout = timeout;
        int r =
            address ? open_private(manager, address, systemd_manager_deadline(manager)) : open_any(manager);
        if (r < 0)
                return r;
        *ret = manager;
        manager = NULL;
        return 0;
}

int systemd_manager_new(struct systemd_manager **ret)
{
        return systemd_manager_new_at(ret, NULL, TIMEOUT_DEFAULT);
}

struct systemd_manager *systemd_manager_free(struct systemd_manager *manager)
{
        if (manager)
                drop_bus(manager);
        free(manager);
        return NULL;
}

/* --- what is asked --- */

static int tell(const struct systemd_manager *manager, int r, char *problem, size_t size)
{
        if (r < 0)
                (void)text_copy(problem, size, manager->error_text[0] ? manager->error_text : strerror(-r));
        return r;
}

int systemd_manager_job(struct systemd_manager *manager, const char *method, const char *unit, char *problem,
                        size_t size)
{
        return tell(manager,
                    call_manager(manager, method, unit, "replace", systemd_manager_deadline(manager), NULL),
                    problem, size);
}

int systemd_manager_reload(struct systemd_manager *manager, char *problem, size_t size)
{
        return tell(
            manager,
            call_manager(manager, "Reload", NULL, NULL, usec_add(clock_monotonic(), TIMEOUT_RELOAD), NULL),
            problem, size);
}

static int unit_text(struct systemd_manager *manager, const char *unit, const char *property, char *target,
                     size_t size)
{
        usec_t deadline = systemd_manager_deadline(manager);
        char path[256];
        int r = systemd_manager_path(manager, "GetUnit", unit, deadline, path);

        return r < 0 ? r : get_text(manager, path, UNIT_INTERFACE, property, deadline, target, size);
}

/* GetUnit knows loaded units only, and an active one always is. */
int systemd_manager_is_active(struct systemd_manager *manager, const char *unit)
{
        char state[32];
        int r = unit_text(manager, unit, "ActiveState", state, sizeof(state));

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        return text_equal(state, "active") || text_equal(state, "activating") ||
               text_equal(state, "reloading");
}

int systemd_manager_sub_state(struct systemd_manager *manager, const char *unit, char ret_state[32])
{
        char state[32] = "dead";
        int r = unit_text(manager, unit, "SubState", state, sizeof(state));

        if (r < 0 && r != -ENOENT)
                return r;
        (void)text_copy(ret_state, 32, state);
        return 0;
}

int systemd_manager_is_stopping(struct systemd_manager *manager)
{
        char state[32];
        int r = ask_system_state(manager, systemd_manager_deadline(manager), state);

        return r < 0 ? r : text_equal(state, "stopping");
}

/* --- a restart that is waited for --- */

struct job {
        const char *unit;
        char path[256];  /* "" not known yet */
        char result[24]; /* "" not over yet */
};

/* Ours is never removed before the answer that names it has been read: both come on one connection. */
static int on_job_removed(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
        struct job *job = userdata;
        const char *path, *unit, *result;
        uint32_t id;

        (void)error;
        if (sd_bus_message_read(signal, "uoss", &id, &path, &unit, &result) < 0)
                return 0;
        if (job->path[0] && text_equal(path, job->path))
                (void)text_copy(job->result, sizeof(job->result), result);
        return 0;
}

static int subscribe(struct systemd_manager *manager, struct job *job, usec_t deadline,
                     sd_bus_slot **ret_slot)
{
        int r = sd_bus_match_signal_async(manager->bus, ret_slot, NULL, MANAGER_PATH, MANAGER_INTERFACE,
                                          "JobRemoved", on_job_removed, NULL, job);

        if (r >= 0)
                r = call_manager(manager, "Subscribe", NULL, NULL, deadline, NULL);
        return r < 0 && was_refused_as(manager, "AlreadySubscribed") ? 0 : r;
}

static int request_restart(struct systemd_manager *manager, struct job *job, usec_t deadline)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *path;
        int r = call_manager(manager, "RestartUnit", job->unit, "replace", deadline, &reply);

        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        return r < 0 ? r : text_copy(job->path, sizeof(job->path), path);
}

static int judge_refusal(const struct systemd_manager *manager, const char *unit, int r, char *problem,
                         size_t size)
{
        if (was_refused_as(manager, "NoSuchUnit")) {
                (void)text_format(problem, size, "systemd knows no unit %s", unit);
                return -ENOENT;
        }
        if (was_refused_as(manager, "UnitMasked")) {
                (void)text_format(problem, size, "%s is masked: systemctl unmask %s", unit, unit);
                return -EPERM;
        }
        if (was_refused_as(manager, "TransactionIsDestructive")) {
                (void)text_format(problem, size, "systemd is busy with the contrary (a shutdown?): %s",
                                  manager->error_text);
                return -ECANCELED;
        }
        if (manager->error_text[0])
                (void)text_format(problem, size, "systemd refused to start %s: %s", unit,
                                  manager->error_text);
        else
                (void)text_format(problem, size, "systemd cannot be asked to start %s: %s", unit,
                                  strerror(-r));
        return r == -EACCES ? -EPERM : r;
}

static int judge_result(const struct job *job, char *problem, size_t size)
{
        static const struct {
                const char *result;
                int code;
                const char *text;
        } results[] = {
            {"failed", -EIO, "the unit failed"},
            {"dependency", -EIO, "a unit that it needs failed"},
            {"timeout", -ETIMEDOUT, "systemd waited for it in vain"},
            {"canceled", -ECANCELED, "another job took its place"},
        };

        if (text_equal(job->result, "done"))
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(results); i++)
                if (text_equal(job->result, results[i].result)) {
                        (void)text_format(problem, size, "%s was not started: %s; see systemctl status %s",
                                          job->unit, results[i].text, job->unit);
                        return results[i].code;
                }
        (void)text_format(problem, size, "%s was not started; see systemctl status %s", job->unit, job->unit);
        return -EIO;
}

int systemd_manager_restart(struct systemd_manager *manager, const char *unit, usec_t timeout, char *problem,
                            size_t size)
{
        _cleanup_slot_ sd_bus_slot *slot = NULL;
        struct job job = {.unit = unit};
        int r = subscribe(manager, &job, systemd_manager_deadline(manager), &slot);

        if (r >= 0)
                r = request_restart(manager, &job, systemd_manager_deadline(manager));
        if (r < 0)
                return judge_refusal(manager, unit, r, problem, size);
        usec_t deadline = usec_add(clock_monotonic(), timeout);
        while (r >= 0 && job.result[0] == '\0')
                r = turn(manager, deadline);
        if (r < 0) {
                (void)text_format(problem, size, "systemd does not say what became of the start of %s: %s",
                                  unit, strerror(-r));
                return r;
        }
        return judge_result(&job, problem, size);
}
