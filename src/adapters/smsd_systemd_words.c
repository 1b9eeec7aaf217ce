/*
 * systemd's errors and job results in a person's words, see smsd_systemd_private.h. Every sentence says what
 * happened and what to do. Tables only; what is not in them is passed on escaped and cut.
 */
#include "smsd_systemd_private.h"

#include "base/text.h"

#include <string.h>

#define FOREIGN_SIZE 120 /* of a text that systemd wrote */

/* A sentence is built of these two and the unit's name between them. */
struct words {
        const char *name;
        int result;
        const char *before;
        const char *after;
};

/* clang-format off */
static const struct words errors[] = {
        {SYSTEMD_ERROR "UnitMasked", -ERFKILL, "", " is masked: systemctl unmask %s"},
        {SYSTEMD_ERROR "NoSuchUnit", -ENOENT, "systemd has no unit ", ": install smstools, or set unit= in smswarden.conf"},
        {SYSTEMD_ERROR "LoadFailed", -EIO, "systemd cannot load ", ": systemctl status %s"},
        {SYSTEMD_ERROR "BadUnitSetting", -ENOEXEC, "", " has a setting that systemd refuses: systemd-analyze verify %s"},
        {SYSTEMD_ERROR "TransactionIsDestructive", -EDEADLK, "systemd refuses a job for ", ": a shutdown or a job that must not be replaced is under way: systemctl list-jobs"},
        {SYSTEMD_ERROR "TransactionJobsConflicting", -EDEADLK, "a job for ", " contradicts another one that it needs: systemctl list-dependencies %s"},
        {SYSTEMD_ERROR "TransactionOrderIsCyclic", -EDEADLK, "the order of ", " and what it needs goes in a circle: systemd-analyze verify %s"},
        {SYSTEMD_ERROR "OnlyByDependency", -EPERM, "", " refuses to be started or stopped by hand (RefuseManualStart=, RefuseManualStop=): systemctl cat %s"},
        {SYSTEMD_ERROR "JobTypeNotApplicable", -EPERM, "", " cannot be started or stopped: systemctl cat %s"},
        {SYSTEMD_ERROR "ShuttingDown", -ECANCELED, "the system goes down, nothing is done to ", ""},
        {SD_BUS_ERROR_ACCESS_DENIED, -EACCES, "systemd does not let us control ", ": is smswardend run as root?"},
        {SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, -EACCES, "systemd wants a password to control ", ": is smswardend run as root?"},
        {SD_BUS_ERROR_LIMITS_EXCEEDED, -EAGAIN, "systemd has too much to do to take a job for ", ": systemctl list-jobs"},
        {SD_BUS_ERROR_NO_MEMORY, -ENOMEM, "systemd has no memory left for a job of ", ": free -m"},
        {SD_BUS_ERROR_UNKNOWN_METHOD, -EOPNOTSUPP, "the program that answers for systemd cannot control ", ": control = direct in smswarden.conf"},
};

static const struct words results[] = {
        {"canceled", -ECANCELED, "somebody cancelled the job of ", ": systemctl status %s"},
        {"timeout", -ETIMEDOUT, "the job of ", " took too long and systemd gave it up: journalctl -u %s"},
        {"failed", -EREMOTEIO, "", " failed: journalctl -u %s"},
        {"dependency", -ENOLINK, "a unit that ", " needs could not be started: systemctl list-dependencies --failed %s"},
        {"skipped", -EBADR, "systemd skipped the job, it does not apply to ", " as it is now: systemctl status %s"},
        {"collected", -ESTALE, "systemd dropped the job of ", " before it ran: systemctl status %s"},
        {"assert", -EPROTO, "an Assert...= of ", " does not hold: systemctl cat %s"},
        {"unsupported", -EOPNOTSUPP, "this system cannot run units like ", ": systemctl status %s"},
        {"invalid", -ENOEXEC, "", " has no such job (no ExecStart=?): systemctl cat %s"},
        {"once", -EALREADY, "", " may be started once per boot only and was: systemctl cat %s"},
};
/* clang-format on */

/* `after` may name the unit once more, as the argument of a command. */
static void say(char problem[PROBLEM_SIZE], const struct words *words, const char *unit)
{
        const char *again = strstr(words->after, "%s");
        int length = again ? (int)(again - words->after) : (int)strlen(words->after);

        (void)text_format(problem, PROBLEM_SIZE, "%s%s%.*s%s", words->before, unit, length, words->after,
                          again ? unit : "");
}

static const struct words *find(const struct words *table, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (text_equal(table[i].name, name))
                        return &table[i];
        return NULL;
}

bool error_is_of_connection(const sd_bus_error *error)
{
        static const char *const names[] = {
            SD_BUS_ERROR_NO_REPLY,        SD_BUS_ERROR_TIMEOUT,
            SD_BUS_ERROR_DISCONNECTED,    SD_BUS_ERROR_NAME_HAS_NO_OWNER,
            SD_BUS_ERROR_SERVICE_UNKNOWN, "org.freedesktop.DBus.Error.TimedOut"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (sd_bus_error_has_name(error, names[i]))
                        return true;
        return error->name && text_starts_with(error->name, "org.freedesktop.DBus.Error.Spawn.");
}

int words_of_error(const sd_bus_error *error, const char *unit, char problem[PROBLEM_SIZE])
{
        const char *name = error->name ? error->name : "", *message = error->message ? error->message : "";
        const struct words *words = find(errors, ARRAY_SIZE(errors), name);
        char foreign[FOREIGN_SIZE];

        if (words) {
                say(problem, words, unit);
                return words->result;
        }
        if (!message[0])
                message = name;
        (void)text_escape(foreign, sizeof(foreign), message, strnlen(message, FOREIGN_SIZE));
        (void)text_format(problem, PROBLEM_SIZE, "systemd refuses a job for %.80s: %s", unit, foreign);
        return -EIO;
}

int words_of_result(const char *result, const char *unit, char problem[PROBLEM_SIZE])
{
        const struct words *words = find(results, ARRAY_SIZE(results), result);
        char foreign[JOB_RESULT_SIZE * 4];

        problem[0] = '\0';
        if (text_equal(result, "done"))
                return 0;
        if (words) {
                say(problem, words, unit);
                return words->result;
        }
        (void)text_escape(foreign, sizeof(foreign), result, strlen(result));
        (void)text_format(problem, PROBLEM_SIZE, "the job of %.80s ended with \"%s\": systemctl status %.60s",
                          unit, foreign, unit);
        return -EIO;
}

enum unit_job unit_job_of_type(const char *type)
{
        static const struct {
                const char *type;
                enum unit_job job;
        } types[] = {
            {"start", UNIT_JOB_START},           {"stop", UNIT_JOB_STOP},
            {"restart", UNIT_JOB_RESTART},       {"try-restart", UNIT_JOB_RESTART},
            {"reload-or-start", UNIT_JOB_START},
        };

        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (text_equal(types[i].type, type))
                        return types[i].job;
        return UNIT_JOB_OTHER;
}
