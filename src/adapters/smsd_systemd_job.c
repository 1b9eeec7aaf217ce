/*
 * Our own job on the unit, see smsd_systemd_private.h: StopUnit or RestartUnit, one at a time, answered
 * exactly once.
 *
 *   WAITING -> CALLED -> QUEUED -> ENDED -> answer
 *                 \________\________/
 *                  UNSURE: the connection was lost on the way
 *
 * The job's end may be told before the call is answered: the ends that are heard meanwhile are kept.
 * After a lost connection nothing is remembered of what systemd may have said: the unit itself is asked. A
 * call of which nothing is to be seen is sent again; that is harmless, for its first copy was not carried
 * out.
 */
#include "smsd_systemd_private.h"

#include "base/clock.h"
#include "base/parse.h"
#include "base/text.h"

#include "core/process.h"

#include <fcntl.h>
#include <string.h>

#define CONNECTION_TIMEOUT (10 * USEC_PER_SEC) /* for a job that was not sent */
#define EXIT_STATUS_EXEC   203                 /* systemd's EXIT_EXEC: the program could not be executed */

static bool is_down(const struct unit_facts *facts)
{
        return text_equal(facts->active, "inactive") || text_equal(facts->active, "failed");
}

/* --- the answer --- */

/* pid 0 when it has ended meanwhile: then the process list says so. */
static struct process_id identify(pid_t pid)
{
        struct process_stat stat;
        char path[32], text[1024];

        if (pid <= 0)
                return (struct process_id){0};
        (void)text_format(path, sizeof(path), "/proc/%d/stat", (int)pid);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return (struct process_id){0};
        text[n] = '\0';
        if (process_stat_parse(text, &stat) < 0)
                return (struct process_id){0};
        return (struct process_id){.pid = pid, .start_time = stat.start_time};
}

/* The job is over before the callback runs: it may begin the next one. */
static void answer(struct smsd_systemd *s, int result, pid_t main_pid, const char *problem)
{
        enum own_job_kind kind = s->job.kind;

        systemd_disarm(s->job.timer);
        s->job.call = sd_bus_slot_unref(s->job.call);
        s->left_job = s->job.id;
        s->job.step = OWN_JOB_NONE;
        inquiry_ask(s); /* what was not looked at meanwhile */
        if (kind == OWN_JOB_STOP)
                s->callbacks.stopped(s->userdata, result, problem);
        else
                s->callbacks.started(s->userdata, result,
                                     result == 0 ? identify(main_pid) : (struct process_id){0}, problem);
}

static int on_timeout(sd_event_source *source _unused_, uint64_t now _unused_, void *userdata)
{
        struct smsd_systemd *s = userdata;
        char problem[PROBLEM_SIZE];

        if (!s->link.ready) {
                (void)text_format(problem, sizeof(problem),
                                  "no connection to systemd, neither by the system bus nor by "
                                  "/run/systemd/private: systemctl status dbus.socket");
                answer(s, -ENOTCONN, 0, problem);
                return 0;
        }
        (void)text_format(problem, sizeof(problem),
                          "systemd did not end the job of %.80s in %u s: systemctl list-jobs", s->unit,
                          (unsigned)(SMSD_SYSTEMD_JOB_TIMEOUT / USEC_PER_SEC));
        answer(s, -ETIMEDOUT, 0, problem);
        return 0;
}

/* --- sending --- */

static void job_ended(struct smsd_systemd *s, const char *result)
{
        (void)text_copy(s->job.result, sizeof(s->job.result), result);
        s->job.step = OWN_JOB_ENDED;
        inquiry_ask(s);
}

/* Sorts what was seen while the call was not answered. */
static void sort_recent(struct smsd_systemd *s)
{
        const struct recent_job *ours = NULL;

        for (unsigned i = 0; i < s->job.recents; i++) {
                const struct recent_job *recent = &s->job.recent[i];
                if (recent->id == s->job.id)
                        ours = recent;
                else {
                        s->job.other_seen = true;
                        unit_watch_other(s, recent->id);
                }
        }
        s->job.recents = 0;
        if (ours)
                job_ended(s, ours->result);
        else if (s->job.recents_lost) {
                s->job.step = OWN_JOB_UNSURE;
                inquiry_ask(s);
        }
}

static int read_job_id(sd_bus_message *message, uint32_t *ret_id)
{
        const char *path, *slash;
        unsigned id;

        if (sd_bus_message_read(message, "o", &path) <= 0)
                return -EBADMSG;
        slash = strrchr(path, '/');
        int r = slash ? parse_unsigned(slash + 1, 1, UINT32_MAX, &id) : -EBADMSG;
        if (r < 0)
                return r;
        *ret_id = id;
        return 0;
}

static void call_refused(struct smsd_systemd *s, const sd_bus_error *error)
{
        char problem[PROBLEM_SIZE];

        if (error_is_of_connection(error)) {
                link_lost(s);
                return;
        }
        if (s->job.kind == OWN_JOB_STOP && sd_bus_error_has_name(error, SYSTEMD_ERROR "NoSuchUnit")) {
                answer(s, 0, 0, "");
                return;
        }
        int r = words_of_error(error, s->unit, problem);
        answer(s, r, 0, problem);
}

static int on_called(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        struct smsd_systemd *s = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(message);

        s->job.call = sd_bus_slot_unref(s->job.call);
        if (error) {
                call_refused(s, error);
                return 0;
        }
        s->job.step = OWN_JOB_QUEUED;
        if (read_job_id(message, &s->job.id) < 0) {
                link_lost(s);
                return 0;
        }
        sort_recent(s);
        return 0;
}

static void send_call(struct smsd_systemd *s)
{
        const char *method = s->job.kind == OWN_JOB_STOP ? "StopUnit" : "RestartUnit";

        s->job.step = OWN_JOB_CALLED;
        s->job.id = 0;
        s->job.recents = 0;
        s->job.recents_lost = false;
        s->job.called = clock_monotonic();
        if (sd_bus_call_method_async(s->link.bus, &s->job.call, link_destination(s), SYSTEMD_PATH,
                                     SYSTEMD_MANAGER, method, on_called, s, "ss", s->unit, "replace") < 0)
                link_lost(s);
}

int own_job_begin(struct smsd_systemd *s, enum own_job_kind kind)
{
        bool ready = s->link.ready;

        if (own_job_active(s))
                return -EBUSY;
        int r =
            systemd_arm(s, &s->job.timer, ready ? SMSD_SYSTEMD_JOB_TIMEOUT : CONNECTION_TIMEOUT, on_timeout);
        if (r < 0)
                return r;
        s->job.step = OWN_JOB_WAITING;
        s->job.kind = kind;
        s->job.id = 0;
        s->job.other_seen = false;
        s->job.result[0] = '\0';
        if (ready)
                send_call(s);
        else
                link_hurry(s);
        return 0;
}

/* --- following --- */

bool own_job_may_be(const struct smsd_systemd *s, uint32_t id)
{
        bool unknown = s->job.step == OWN_JOB_CALLED || (s->job.step == OWN_JOB_UNSURE && s->job.id == 0);

        return unknown || id == s->left_job || (own_job_active(s) && id == s->job.id);
}

void own_job_new(struct smsd_systemd *s, uint32_t id)
{
        if (own_job_active(s) && s->job.id && id != s->job.id)
                s->job.other_seen = true;
}

static void keep(struct own_job *job, uint32_t id, const char *result)
{
        if (job->recents == RECENT_JOBS) {
                job->recents_lost = true;
                return;
        }
        job->recent[job->recents].id = id;
        (void)text_copy(job->recent[job->recents].result, JOB_RESULT_SIZE, result);
        job->recents++;
}

void own_job_removed(struct smsd_systemd *s, uint32_t id, const char *result)
{
        if (s->job.step == OWN_JOB_CALLED)
                keep(&s->job, id, result);
        else if ((s->job.step == OWN_JOB_QUEUED || s->job.step == OWN_JOB_UNSURE) && id == s->job.id)
                job_ended(s, result);
        else if (s->job.step == OWN_JOB_UNSURE && s->job.id == 0)
                inquiry_ask(s); /* it may have been ours, and the answer on its way may be older */
}

void own_job_lost(struct smsd_systemd *s)
{
        s->job.call = sd_bus_slot_unref(s->job.call);
        if (s->job.step == OWN_JOB_CALLED || s->job.step == OWN_JOB_QUEUED)
                s->job.step = OWN_JOB_UNSURE;
        for (unsigned i = 0; i < s->job.recents; i++)
                s->job.other_seen = true;
}

void own_job_ready(struct smsd_systemd *s)
{
        if (s->job.step == OWN_JOB_WAITING &&
            systemd_arm(s, &s->job.timer, SMSD_SYSTEMD_JOB_TIMEOUT, on_timeout) >= 0)
                send_call(s);
        else if (s->job.step == OWN_JOB_QUEUED)
                s->job.step = OWN_JOB_UNSURE; /* systemd was reloaded; a call is answered all the same */
}

/* --- judging --- */

/* Somebody else's job took the place of ours; it is still there or was seen. */
static void answer_replaced(struct smsd_systemd *s, const struct unit_facts *facts)
{
        enum unit_job kind = facts->job ? facts->job_kind : s->watch.last_kind;
        char problem[PROBLEM_SIZE], what[32] = "systemctl";

        if (kind != UNIT_JOB_NONE && kind != UNIT_JOB_OTHER)
                (void)text_format(what, sizeof(what), "systemctl %s", unit_job_to_string(kind));
        (void)text_format(problem, sizeof(problem),
                          "%s of %.80s by somebody else replaced our job: journalctl -u %.80s", what, s->unit,
                          s->unit);
        answer(s, -ECANCELED, 0, problem);
}

static void answer_condition(struct smsd_systemd *s)
{
        char problem[PROBLEM_SIZE];

        (void)text_format(problem, sizeof(problem),
                          "a Condition...= of %.80s does not hold, systemd did not start it: systemctl "
                          "status %.80s",
                          s->unit, s->unit);
        answer(s, -EBADR, 0, problem);
}

/* Deleted, half upgraded, for another machine: systemd's "failed" would send a person into the journal. */
static void answer_not_executable(struct smsd_systemd *s, const struct unit_facts *facts)
{
        char problem[PROBLEM_SIZE];

        (void)text_format(problem, sizeof(problem),
                          "%s cannot be executed (is it missing?): apt-get install --reinstall smstools",
                          facts->program[0] ? facts->program : "smsd");
        answer(s, -ENOEXEC, 0, problem);
}

/* systemd has told the result. What counts for a stop is that the unit is down. */
static void judge_result(struct smsd_systemd *s, const struct unit_facts *facts)
{
        char problem[PROBLEM_SIZE];
        int r = words_of_result(s->job.result, s->unit, problem);
        bool other = facts->job && facts->job != s->job.id;

        if (s->job.kind == OWN_JOB_STOP && (r == 0 || (is_down(facts) && !other)))
                answer(s, 0, 0, "");
        else if (r == 0 && is_down(facts) && facts->condition_failed)
                answer_condition(s);
        else if (r == -ECANCELED && (other || s->job.other_seen))
                answer_replaced(s, facts);
        else if (r == -EREMOTEIO && facts->exit_status == EXIT_STATUS_EXEC)
                answer_not_executable(s, facts);
        else
                answer(s, r, facts->main_pid, problem);
}

static bool is_of_our_kind(const struct smsd_systemd *s, enum unit_job kind)
{
        return s->job.kind == OWN_JOB_STOP ? kind == UNIT_JOB_STOP
                                           : kind == UNIT_JOB_RESTART || kind == UNIT_JOB_START;
}

/* The job has gone while nobody listened. */
static void judge_gone(struct smsd_systemd *s, const struct unit_facts *facts)
{
        bool started = facts->left_inactive >= s->job.called, down = is_down(facts);
        char problem[PROBLEM_SIZE];

        if (s->job.kind == OWN_JOB_STOP ? down : started && !down)
                job_ended(s, "done");
        else if (s->job.kind == OWN_JOB_START && started)
                job_ended(s, "failed");
        else if (s->job.id == 0)
                send_call(s);
        else if (s->job.other_seen)
                answer_replaced(s, facts);
        else {
                (void)text_format(problem, sizeof(problem),
                                  "the job of %.80s is gone and the unit is %s: journalctl -u %.80s", s->unit,
                                  facts->active, s->unit);
                answer(s, -ESTALE, 0, problem);
        }
}

static void judge_unsure(struct smsd_systemd *s, const struct unit_facts *facts)
{
        if (!facts->job)
                judge_gone(s, facts);
        else if (facts->job == s->job.id || (s->job.id == 0 && is_of_our_kind(s, facts->job_kind))) {
                s->job.id = facts->job;
                s->job.step = OWN_JOB_QUEUED;
        } else
                answer_replaced(s, facts);
}

void own_job_facts(struct smsd_systemd *s, const struct unit_facts *facts)
{
        if (s->job.step == OWN_JOB_ENDED)
                judge_result(s, facts);
        else if (s->job.step == OWN_JOB_UNSURE)
                judge_unsure(s, facts);
}
