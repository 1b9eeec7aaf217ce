/*
 * systemd asked one thing after the other, see adapters/unit_manager.h.
 *
 * sd_bus_call() waits for a connection that is still being made for as long as the other side likes (a bus
 * daemon that hangs: minutes). So every call is made as an asynchronous one, and the turns are counted here.
 */
#include "unit_manager_private.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <string.h>
#include <time.h>

#define PRIVATE_ADDRESS "unix:path=/run/systemd/private"

/* --- calls --- */

usec_t unit_manager_now(void)
{
        struct timespec now = {0};

        (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
        return (usec_t)now.tv_sec * USEC_PER_SEC + (usec_t)now.tv_nsec / 1000;
}

int unit_manager_turn(struct unit_manager *m, usec_t deadline)
{
        int r = sd_bus_process(m->bus, NULL);

        if (r != 0)
                return r < 0 ? r : 0;
        usec_t now = unit_manager_now();
        if (now >= deadline)
                return -ETIMEDOUT;
        r = sd_bus_wait(m->bus, deadline - now);
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
static int refused(struct unit_manager *m, sd_bus_message *reply)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        const char *text = error && error->message ? error->message : "refused without a word";

        (void)text_copy(m->error_name, sizeof(m->error_name), error && error->name ? error->name : "");
        (void)text_escape(m->error_text, sizeof(m->error_text), text, strlen(text));
        int number = sd_bus_error_get_errno(error);
        return number > 0 ? -number : -EIO;
}

int unit_manager_call(struct unit_manager *m, sd_bus_message *message, usec_t deadline,
                      sd_bus_message **ret_reply)
{
        struct answer answer = {0};
        _cleanup_slot_ sd_bus_slot *slot = NULL;
        int r = sd_bus_call_async(m->bus, &slot, message, on_answer, &answer, UINT64_MAX);

        m->error_name[0] = m->error_text[0] = '\0';
        while (r >= 0 && !answer.done)
                r = unit_manager_turn(m, deadline);
        _cleanup_message_ sd_bus_message *reply = answer.reply;
        if (!answer.done)
                return r;
        if (sd_bus_message_is_method_error(reply, NULL))
                return refused(m, reply);
        if (ret_reply)
                *ret_reply = sd_bus_message_ref(reply);
        return 0;
}

static int new_call(struct unit_manager *m, const char *path, const char *interface, const char *method,
                    sd_bus_message **ret)
{
        return sd_bus_message_new_method_call(m->bus, ret, MANAGER_NAME, path, interface, method);
}

int unit_manager_get(struct unit_manager *m, const char *path, const char *interface, const char *property,
                     const char *type, usec_t deadline, sd_bus_message **ret_reply)
{
        _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
        int r = new_call(m, path, PROPERTIES, "Get", &message);

        if (r >= 0)
                r = sd_bus_message_append(message, "ss", interface, property);
        if (r >= 0)
                r = unit_manager_call(m, message, deadline, &reply);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_VARIANT, type);
        if (r < 0)
                return r;
        *ret_reply = sd_bus_message_ref(reply);
        return 0;
}

int unit_manager_path(struct unit_manager *m, const char *method, const char *unit, usec_t deadline,
                      char ret_path[256])
{
        _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
        const char *path;
        int r = new_call(m, MANAGER_PATH, MANAGER_INTERFACE, method, &message);

        if (r >= 0)
                r = sd_bus_message_append(message, "s", unit);
        if (r >= 0)
                r = unit_manager_call(m, message, deadline, &reply);
        if (r < 0)
                return text_equal(m->error_name, MANAGER_NAME ".NoSuchUnit") ? -ENOENT : r;
        r = sd_bus_message_read(reply, "o", &path);
        return r < 0 ? r : text_copy(ret_path, 256, path);
}

/* --- the connection --- */

static int ask_system_state(struct unit_manager *m, usec_t deadline)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *state;
        int r = unit_manager_get(m, MANAGER_PATH, MANAGER_INTERFACE, "SystemState", "s", deadline, &reply);

        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &state);
        if (r >= 0)
                m->stopping = text_equal(state, "stopping");
        return r < 0 ? r : 0;
}

/* A bus that cannot be reached is given up without a flush: that would wait for it. */
static void drop_bus(struct unit_manager *m)
{
        sd_bus_close(m->bus);
        m->bus = sd_bus_unref(m->bus);
}

static int connect_to(struct unit_manager *m, const char *address, usec_t deadline)
{
        int r = sd_bus_new(&m->bus);

        if (r >= 0)
                r = sd_bus_set_address(m->bus, address);
        if (r >= 0)
                r = sd_bus_start(m->bus);
        if (r >= 0)
                r = ask_system_state(m, deadline);
        if (r < 0)
                drop_bus(m);
        return r;
}

static int connect_to_system_bus(struct unit_manager *m, usec_t deadline)
{
        int r = sd_bus_open_system(&m->bus);

        if (r >= 0)
                r = ask_system_state(m, deadline);
        if (r < 0)
                drop_bus(m);
        return r;
}

int unit_manager_new(struct unit_manager **ret, const char *address, usec_t timeout)
{
        usec_t begun = unit_manager_now(), deadline = usec_add(begun, timeout);
        _cleanup_(unit_manager_cleanup) struct unit_manager *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        /* Half of the time is left for the other way. */
        int r = connect_to(m, address ? address : PRIVATE_ADDRESS,
                           address ? deadline : usec_add(begun, timeout / 2));
        if (r < 0 && !address)
                r = connect_to_system_bus(m, deadline);
        if (r < 0)
                return r;
        *ret = m;
        m = NULL;
        return 0;
}

struct unit_manager *unit_manager_free(struct unit_manager *m)
{
        if (m)
                drop_bus(m);
        free(m);
        return NULL;
}

bool unit_manager_is_stopping(const struct unit_manager *m)
{
        return m->stopping;
}

/* --- what is asked --- */

int unit_manager_active_state(struct unit_manager *m, const char *unit, usec_t timeout, char ret_state[16])
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        usec_t deadline = usec_add(unit_manager_now(), timeout);
        const char *state = "inactive";
        char path[256];
        int r = unit_manager_path(m, "GetUnit", unit, deadline, path);

        if (r >= 0)
                r = unit_manager_get(m, path, UNIT_INTERFACE, "ActiveState", "s", deadline, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &state);
        if (r < 0 && r != -ENOENT)
                return r;
        (void)text_copy(ret_state, 16, state);
        return 0;
}

int unit_manager_stop(struct unit_manager *m, const char *unit, usec_t timeout)
{
        _cleanup_message_ sd_bus_message *message = NULL;
        int r = new_call(m, MANAGER_PATH, MANAGER_INTERFACE, "StopUnit", &message);

        if (r >= 0)
                r = sd_bus_message_append(message, "ss", unit, "replace");
        if (r >= 0)
                r = unit_manager_call(m, message, usec_add(unit_manager_now(), timeout), NULL);
        return r < 0 && text_equal(m->error_name, MANAGER_NAME ".NoSuchUnit") ? 0 : r;
}

/* --- a restart --- */

struct job {
        char path[256];   /* "" not known yet */
        char result[24];  /* of the job of that path; "" not removed yet */
        const char *unit; /* whose jobs are looked at */
};

/* Ours can be the first job that is removed, but never before the answer that names it has come. */
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

static int subscribe(struct unit_manager *m, struct job *job, usec_t deadline, sd_bus_slot **ret_slot)
{
        _cleanup_message_ sd_bus_message *message = NULL;
        int r = sd_bus_match_signal_async(m->bus, ret_slot, NULL, MANAGER_PATH, MANAGER_INTERFACE,
                                          "JobRemoved", on_job_removed, NULL, job);

        if (r >= 0)
                r = new_call(m, MANAGER_PATH, MANAGER_INTERFACE, "Subscribe", &message);
        if (r >= 0)
                r = unit_manager_call(m, message, deadline, NULL);
        return r < 0 && text_equal(m->error_name, MANAGER_NAME ".AlreadySubscribed") ? 0 : r;
}

static int request_restart(struct unit_manager *m, struct job *job, usec_t deadline)
{
        _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
        const char *path;
        int r = new_call(m, MANAGER_PATH, MANAGER_INTERFACE, "RestartUnit", &message);

        if (r >= 0)
                r = sd_bus_message_append(message, "ss", job->unit, "replace");
        if (r >= 0)
                r = unit_manager_call(m, message, deadline, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        return r < 0 ? r : text_copy(job->path, sizeof(job->path), path);
}

static int judge_refusal(const struct unit_manager *m, const char *unit, int r, char *problem, size_t size)
{
        if (text_equal(m->error_name, MANAGER_NAME ".NoSuchUnit")) {
                (void)text_format(problem, size, "systemd knows no unit %s", unit);
                return -ENOENT;
        }
        if (text_equal(m->error_name, MANAGER_NAME ".UnitMasked")) {
                (void)text_format(problem, size, "%s is masked: systemctl unmask %s", unit, unit);
                return -EPERM;
        }
        if (text_equal(m->error_name, MANAGER_NAME ".TransactionIsDestructive")) {
                (void)text_format(problem, size, "systemd is busy with the contrary (a shutdown?): %s",
                                  m->error_text);
                return -ECANCELED;
        }
        if (m->error_text[0])
                (void)text_format(problem, size, "systemd refused to start %s: %s", unit, m->error_text);
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
            {"skipped", -EIO, "systemd did nothing"},
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

int unit_manager_restart(struct unit_manager *m, const char *unit, usec_t timeout, char *problem, size_t size)
{
        _cleanup_slot_ sd_bus_slot *slot = NULL;
        usec_t deadline = usec_add(unit_manager_now(), timeout);
        struct job job = {.unit = unit};
        int r = subscribe(m, &job, deadline, &slot);

        if (r >= 0)
                r = request_restart(m, &job, deadline);
        if (r < 0)
                return judge_refusal(m, unit, r, problem, size);
        while (r >= 0 && job.result[0] == '\0')
                r = unit_manager_turn(m, deadline);
        if (r < 0) {
                (void)text_format(problem, size, "systemd does not say what became of the start of %s: %s",
                                  unit, strerror(-r));
                return r;
        }
        return judge_result(&job, problem, size);
}
