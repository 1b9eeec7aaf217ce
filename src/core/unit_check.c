/*
 * What can hurt the gateway in the unit that runs smsd, see core/unit_check.h. One rule per problem: a
 * predicate and its words. Who is to be blamed is guessed the way systemd reads files: the last drop-in
 * behind ours, for nothing else can overrule it.
 */
#include "core/unit_check.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <string.h>

#define SMSD_CONF_BUILT_IN "/etc/smsd.conf"
#define WORD_MAX           256
#define CLEAR              "smswarden-hold clear"

/* --- words and paths --- */

static const char *file_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* The index of our drop-in; n_drop_ins when it is not in force. */
static unsigned find_ours(const struct unit_properties *unit)
{
        unsigned i = 0;

        while (i < unit->n_drop_ins && !text_equal(file_name(unit->drop_ins[i]), UNIT_CHECK_DROP_IN))
                i++;
        return i;
}

/* The file that can have set what ours sets otherwise; the last one that is read wins. */
static const char *culprit(const struct unit_properties *unit)
{
        if (find_ours(unit) + 1 < unit->n_drop_ins)
                return unit->drop_ins[unit->n_drop_ins - 1];
        return "its drop-ins (systemctl cat shows them)";
}

/* Copies the next word and goes behind it. False at the end. A word too long for us is none that we look for.
 */
static bool next_word(const char **line, char word[WORD_MAX])
{
        const char *start = *line + strspn(*line, " ");
        size_t length = strcspn(start, " ");

        if (length == 0)
                return false;
        *line = start + length;
        (void)text_copy_n(word, WORD_MAX, start, length);
        return true;
}

/* --- the command --- */

/* smsd's options are getopt's: -t, -cFILE or -c FILE. "" when the line names no configuration. */
static bool is_in_foreground(const char *line, char conf[WORD_MAX])
{
        char word[WORD_MAX];
        bool foreground = false;

        conf[0] = '\0';
        while (next_word(&line, word)) {
                if (text_equal(word, "-t"))
                        foreground = true;
                if (text_equal(word, "-c"))
                        (void)next_word(&line, conf);
                else if (text_starts_with(word, "-c"))
                        (void)text_copy(conf, WORD_MAX, word + 2);
        }
        return foreground;
}

static bool has_other_command(const struct unit_properties *unit, const struct unit_wanted *wanted)
{
        const char *line = unit->exec_start;
        char program[WORD_MAX], conf[WORD_MAX];

        return strchr(line, ';') || !next_word(&line, program) || !text_equal(program, wanted->smsd) ||
               !is_in_foreground(line, conf);
}

static bool has_other_conf(const struct unit_properties *unit, const struct unit_wanted *wanted)
{
        char conf[WORD_MAX];

        if (has_other_command(unit, wanted))
                return false;
        (void)is_in_foreground(unit->exec_start, conf);
        return !text_equal(conf[0] ? conf : SMSD_CONF_BUILT_IN, wanted->smsd_conf);
}

/* --- the other predicates --- */

#define PREDICATE(name, condition)                                                                           \
        static bool name(const struct unit_properties *unit, const struct unit_wanted *wanted)               \
        {                                                                                                    \
                (void)wanted;                                                                                \
                return condition;                                                                            \
        }

PREDICATE(restarts, unit->restart[0] && !text_equal(unit->restart, "no"))
PREDICATE(is_forced_to_restart, unit->restart_force)
PREDICATE(has_other_type, !text_equal(unit->type, "exec") && !text_equal(unit->type, "simple"))
PREDICATE(remains, unit->remain_after_exit)
PREDICATE(has_pid_file, unit->pid_file[0])
PREDICATE(keeps_hold, !strstr(unit->exec_start_pre, CLEAR))
PREDICATE(has_condition, unit->exec_condition[0])
PREDICATE(has_stop_command, unit->exec_stop[0])
PREDICATE(has_stop_post_command, unit->exec_stop_post[0])
PREDICATE(has_other_kill_mode, !text_equal(unit->kill_mode, "control-group"))
PREDICATE(has_no_sigkill, !unit->send_sigkill)
PREDICATE(stops_too_soon, unit->timeout_stop < UNIT_CHECK_STOP_MIN)
PREDICATE(has_runtime_max, unit->runtime_max > 0 && unit->runtime_max != USEC_INFINITY)
PREDICATE(has_watchdog, unit->watchdog > 0 && unit->watchdog != USEC_INFINITY)
PREDICATE(has_on_failure, unit->on_failure[0])
PREDICATE(is_upheld, unit->upheld_by[0])
PREDICATE(is_bound, unit->binds_to[0] || unit->requisite[0])

/* --- the rules --- */

struct rule {
        enum unit_problem problem;
        bool (*is_broken)(const struct unit_properties *unit, const struct unit_wanted *wanted);
        const char *setting; /* what a drop-in behind ours sets; NULL: `fix` says it */
        const char *what;
        const char *fix;
};

static const struct rule rules[] = {
    {UNIT_PROBLEM_RESTART, restarts, "Restart=",
     "systemd restarts smsd by itself: two restarters, and one of them in the middle of the other's work",
     NULL},
    {UNIT_PROBLEM_RESTART_FORCE, is_forced_to_restart, "RestartForceExitStatus=",
     "systemd restarts smsd by itself after some exit codes: two restarters", NULL},
    {UNIT_PROBLEM_TYPE, has_other_type,
     "Type=", "systemd does not know smsd's main process for certain, and its end may go unnoticed", NULL},
    {UNIT_PROBLEM_REMAINS, remains, "RemainAfterExit=",
     "the unit stays `active` when smsd is dead, and `systemctl start` does nothing then", NULL},
    {UNIT_PROBLEM_PID_FILE, has_pid_file,
     "PIDFile=", "systemd takes smsd's main process from a file, which may be an old one", NULL},
    {UNIT_PROBLEM_COMMAND, has_other_command,
     "ExecStart=", "the unit does not run the configured smsd, alone and in the foreground (-t)", NULL},
    {UNIT_PROBLEM_CONF, has_other_conf, NULL, "smsd is started with another smsd.conf than smswarden writes",
     "make -c in the unit's ExecStart= and smsd_conf in smswarden.conf the same file"},
    {UNIT_PROBLEM_KEEPS_HOLD, keeps_hold,
     "ExecStartPre=", "`systemctl start` does not end a hold: the next crash would leave smsd down", NULL},
    {UNIT_PROBLEM_CONDITION, has_condition,
     "ExecCondition=", "a condition can keep smsd from starting, and nobody is told", NULL},
    {UNIT_PROBLEM_EXEC_STOP, has_stop_command, "ExecStop=",
     "a stop runs a command of its own (killall smsd?) that may hit other processes or cut off a message",
     NULL},
    {UNIT_PROBLEM_EXEC_STOP_POST, has_stop_post_command,
     "ExecStopPost=", "a command runs behind each end of smsd, also in the middle of a restart", NULL},
    {UNIT_PROBLEM_KILL_MODE, has_other_kill_mode, "KillMode=",
     "a stop leaves modem handlers behind or kills them in the middle of a message, which goes out twice",
     NULL},
    {UNIT_PROBLEM_NO_SIGKILL, has_no_sigkill,
     "SendSIGKILL=", "an smsd that hangs is never ended, and no new one can start", NULL},
    {UNIT_PROBLEM_STOP_TOO_SHORT, stops_too_soon,
     "TimeoutStopSec=", "smsd is killed before a message can be through (60 s), and it goes out twice", NULL},
    {UNIT_PROBLEM_RUNTIME_MAX, has_runtime_max,
     "RuntimeMaxSec=", "systemd ends smsd after some time, which looks like a crash", NULL},
    {UNIT_PROBLEM_WATCHDOG, has_watchdog,
     "WatchdogSec=", "systemd waits for signs of life that smsd does not give, and kills it", NULL},
    {UNIT_PROBLEM_ON_FAILURE, has_on_failure, NULL,
     "another unit is started when smsd fails: is that a second restarter?",
     "take OnFailure= out of the file that sets it (systemctl cat shows it; no drop-in can undo it): "
     "smswarden "
     "tells of a failure"},
    {UNIT_PROBLEM_UPHELD, is_upheld, NULL,
     "another unit starts smsd whenever it is down: a second restarter, also during a hold",
     "take Upholds= out of that unit's file"},
    {UNIT_PROBLEM_BOUND, is_bound, NULL,
     "smsd is stopped, or not started, because of another unit (a device that comes and goes?)",
     "take BindsTo= and Requisite= out of the file that sets them (systemctl cat shows it; no drop-in can "
     "undo "
     "them): smswarden follows the modem"},
};

static void add(struct unit_finding *findings, size_t max, size_t *n, enum unit_problem problem,
                const char *what, const char *fix)
{
        if (*n < max) {
                findings[*n].problem = problem;
                (void)text_copy(findings[*n].what, sizeof(findings[*n].what), what);
                (void)text_copy(findings[*n].fix, sizeof(findings[*n].fix), fix);
        }
        (*n)++;
}

static void apply(const struct rule *rule, const struct unit_properties *unit, struct unit_finding *findings,
                  size_t max, size_t *n)
{
        char fix[512];

        if (rule->setting)
                (void)text_format(fix, sizeof(fix), "take %s out of %s, then systemctl daemon-reload",
                                  rule->setting, culprit(unit));
        else
                (void)text_copy(fix, sizeof(fix), rule->fix);
        add(findings, max, n, rule->problem, rule->what, fix);
}

/* Can systemd start it at all? False: no, it is said, and there is nothing more to look at. */
static bool check_loaded(const struct unit_properties *unit, struct unit_finding *findings, size_t max,
                         size_t *n)
{
        char fix[512];

        if (text_equal(unit->load_state, "loaded"))
                return true;
        if (text_equal(unit->load_state, "masked")) {
                (void)text_format(fix, sizeof(fix), "systemctl unmask %s", unit->id);
                add(findings, max, n, UNIT_PROBLEM_MASKED,
                    "the unit is masked: systemd refuses to start smsd, whoever asks", fix);
        } else if (text_equal(unit->load_state, "not-found")) {
                (void)text_format(fix, sizeof(fix),
                                  "apt-get install smstools, or name the unit that runs smsd in "
                                  "smswarden.conf ([gateway] unit)");
                add(findings, max, n, UNIT_PROBLEM_MISSING, "systemd knows no such unit", fix);
        } else {
                (void)text_format(fix, sizeof(fix), "systemd-analyze verify %s, correct %s", unit->id,
                                  unit->fragment_path[0] ? unit->fragment_path : "its file");
                add(findings, max, n, UNIT_PROBLEM_BROKEN, "systemd cannot load the unit's files", fix);
        }
        return false;
}

/* One of the same name in /etc takes the place of ours (a link to /dev/null: of nothing); a copy that does
 * what ours does is fine. */
static bool is_ours_in_force(const struct unit_properties *unit)
{
        unsigned ours = find_ours(unit);

        return ours < unit->n_drop_ins &&
               (strstr(unit->exec_start_pre, CLEAR) || !text_starts_with(unit->drop_ins[ours], "/etc/"));
}

static bool check_drop_in(const struct unit_properties *unit, struct unit_finding *findings, size_t max,
                          size_t *n)
{
        char fix[512];

        if (is_ours_in_force(unit))
                return true;
        (void)text_format(fix, sizeof(fix),
                          "install smswarden again and see that no %s lies in /etc/systemd/system/%s.d, then "
                          "systemctl daemon-reload",
                          UNIT_CHECK_DROP_IN, unit->id);
        add(findings, max, n, UNIT_PROBLEM_DROP_IN,
            "smswarden's drop-in is not in force: the unit's state says nothing, a stop leaves processes "
            "behind, and a start does not end a hold",
            fix);
        return false;
}

size_t unit_check(const struct unit_properties *unit, const struct unit_wanted *wanted,
                  struct unit_finding *ret_findings, size_t max)
{
        size_t n = 0;

        if (!check_loaded(unit, ret_findings, max, &n))
                return n;
        if (unit->need_daemon_reload)
                add(ret_findings, max, &n, UNIT_PROBLEM_STALE,
                    "the unit's files were changed and systemd has not read them", "systemctl daemon-reload");
        if (!check_drop_in(unit, ret_findings, max, &n))
                return n;
        for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
                if (rules[i].is_broken(unit, wanted))
                        apply(&rules[i], unit, ret_findings, max, &n);
        return n;
}

bool unit_problem_is_fatal(enum unit_problem problem)
{
        return problem == UNIT_PROBLEM_MISSING || problem == UNIT_PROBLEM_MASKED ||
               problem == UNIT_PROBLEM_BROKEN;
}
