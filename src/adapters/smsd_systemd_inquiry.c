/*
 * Asks systemd what it knows of the unit, see smsd_systemd_private.h. All questions go out together, so one
 * answer is one picture: the end of the system is known in the same moment as the stop job that it brings.
 *
 * One question is under way at a time; what is asked meanwhile is asked after it, once.
 */
#include "smsd_systemd_private.h"

#include "base/text.h"

#include <limits.h>
#include <string.h>

#define EXEC_FIELDS   "sasbttttuii"
#define EXEC_COMMAND  "(" EXEC_FIELDS ")"
#define EXEC_COMMANDS "a" EXEC_COMMAND

static void answered(struct smsd_systemd *s)
{
        struct unit_facts facts = s->inquiry.facts;

        if (--s->inquiry.waiting > 0)
                return;
        if (!s->inquiry.again) {
                systemd_on_facts(s, &facts);
                return;
        }
        /* What changed after we asked makes this answer an old one, but the kind of a job stays. */
        unit_watch_kind(s, &facts);
        inquiry_ask(s);
}

/* False when there is nothing to be read; a systemd that does not answer is a connection that is lost. */
static bool is_answer(struct smsd_systemd *s, sd_bus_message *message)
{
        const sd_bus_error *error = sd_bus_message_get_error(message);

        if (sd_bus_message_get_bus(message) != s->link.bus || s->inquiry.waiting == 0)
                return false;
        if (error && error_is_of_connection(error)) {
                link_lost(s);
                return false;
        }
        return true;
}

static int on_unit(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;
        struct unit_facts *facts = &s->inquiry.facts;
        const char *name, *description, *load, *active, *sub, *following, *path, *type, *job_path;
        uint32_t job;

        if (!is_answer(s, message))
                return 0;
        if (!sd_bus_message_is_method_error(message, NULL) &&
            sd_bus_message_enter_container(message, 'a', "(ssssssouso)") > 0 &&
            sd_bus_message_read(message, "(ssssssouso)", &name, &description, &load, &active, &sub,
                                &following, &path, &job, &type, &job_path) > 0) {
                (void)text_escape(facts->active, sizeof(facts->active), active, strlen(active));
                (void)text_escape(facts->sub, sizeof(facts->sub), sub, strlen(sub));
                facts->job = job;
                facts->job_kind = job ? unit_job_of_type(type) : UNIT_JOB_NONE;
        }
        answered(s);
        return 0;
}

static bool read_property(sd_bus_message *message, const char *type, void *value)
{
        return !sd_bus_message_is_method_error(message, NULL) &&
               sd_bus_message_enter_container(message, 'v', type) > 0 &&
               sd_bus_message_read_basic(message, type[0], value) > 0;
}

static int on_system_state(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;
        const char *state;

        if (!is_answer(s, message))
                return 0;
        if (read_property(message, "s", &state))
                s->inquiry.facts.system_stopping = text_equal(state, "stopping");
        answered(s);
        return 0;
}

static int on_main_pid(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;
        uint32_t pid;

        if (!is_answer(s, message))
                return 0;
        if (read_property(message, "u", &pid) && pid <= INT_MAX)
                s->inquiry.facts.main_pid = (pid_t)pid;
        answered(s);
        return 0;
}

static int on_left_inactive(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;
        uint64_t time;

        if (!is_answer(s, message))
                return 0;
        if (read_property(message, "t", &time))
                s->inquiry.facts.left_inactive = time;
        answered(s);
        return 0;
}

static int on_condition(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;
        int result;

        if (!is_answer(s, message))
                return 0;
        if (read_property(message, "b", &result))
                s->inquiry.facts.condition_failed = !result;
        answered(s);
        return 0;
}

static int on_exit_status(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;
        int status;

        if (!is_answer(s, message))
                return 0;
        if (read_property(message, "i", &status))
                s->inquiry.facts.exit_status = status;
        answered(s);
        return 0;
}

/* The first of its commands; a service of this type has one. */
static int on_program(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;
        struct unit_facts *facts = &s->inquiry.facts;
        const char *path;

        if (!is_answer(s, message))
                return 0;
        if (!sd_bus_message_is_method_error(message, NULL) &&
            sd_bus_message_enter_container(message, 'v', EXEC_COMMANDS) > 0 &&
            sd_bus_message_enter_container(message, 'a', EXEC_COMMAND) > 0 &&
            sd_bus_message_enter_container(message, 'r', EXEC_FIELDS) > 0 &&
            sd_bus_message_read_basic(message, 's', &path) > 0)
                (void)text_escape(facts->program, sizeof(facts->program), path, strlen(path));
        answered(s);
        return 0;
}

static int ask_property(struct smsd_systemd *s, const char *path, const char *interface, const char *name,
                        sd_bus_message_handler_t handler)
{
        int r = sd_bus_call_method_async(s->link.bus, NULL, link_destination(s), path,
                                         "org.freedesktop.DBus.Properties", "Get", handler, s, "ss",
                                         interface, name);

        if (r >= 0)
                s->inquiry.waiting++;
        return r;
}

static int ask_all(struct smsd_systemd *s)
{
        int r = sd_bus_call_method_async(s->link.bus, NULL, link_destination(s), SYSTEMD_PATH,
                                         SYSTEMD_MANAGER, "ListUnitsByNames", on_unit, s, "as", 1, s->unit);

        if (r < 0)
                return r;
        s->inquiry.waiting++;
        r = ask_property(s, SYSTEMD_PATH, SYSTEMD_MANAGER, "SystemState", on_system_state);
        if (r >= 0)
                r = ask_property(s, s->unit_path, SYSTEMD_SERVICE, "MainPID", on_main_pid);
        if (r >= 0)
                r = ask_property(s, s->unit_path, SYSTEMD_UNIT, "InactiveExitTimestampMonotonic",
                                 on_left_inactive);
        if (r >= 0)
                r = ask_property(s, s->unit_path, SYSTEMD_UNIT, "ConditionResult", on_condition);
        if (r >= 0)
                r = ask_property(s, s->unit_path, SYSTEMD_SERVICE, "ExecMainStatus", on_exit_status);
        if (r >= 0)
                r = ask_property(s, s->unit_path, SYSTEMD_SERVICE, "ExecStart", on_program);
        return r;
}

void inquiry_ask(struct smsd_systemd *s)
{
        if (!s->link.ready)
                return;
        if (s->inquiry.waiting > 0) {
                s->inquiry.again = true;
                return;
        }
        s->inquiry = (struct inquiry){0};
        if (ask_all(s) < 0)
                link_lost(s);
}

void inquiry_reset(struct smsd_systemd *s)
{
        s->inquiry = (struct inquiry){0};
}
