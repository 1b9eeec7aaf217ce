/*
 * How a row of the table is run and told, see failure_rows.h.
 */
#include "failure_rows.h"

#include "adapters/history_file.h"
#include "base/text.h"
#include "core/health.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROWS_MAX    64
#define AT_ONCE     3      /* gateways: each has five inotify instances, and a user 128 for all programs */
#define APART       700    /* ms between two starts */
#define LOOK_SLOWLY 150    /* ms */
#define PATIENCE    110000 /* ms */
#define NIGHTLY     400000
#define TEXT_MAX    400

/* What is known of a row while it runs. */
struct run {
        const struct failure_row *row;
        int64_t failed_at; /* wall clock, microseconds */
        int64_t failed;    /* gateway_now() */
        char evidence[TEXT_MAX], advice[TEXT_MAX], first[TEXT_MAX];
        bool seen;
        char cause[32]; /* that was traced last */
        enum verdict verdict;
};

/* For the output of a row that fails. */
static void trace(struct run *run, const struct snapshot *s)
{
        const struct snapshot_modem *modem = &s->modems[0];

        if (text_equal(run->cause, modem->health.cause) && run->verdict == s->verdict)
                return;
        (void)text_copy(run->cause, sizeof(run->cause), modem->health.cause);
        run->verdict = s->verdict;
        (void)printf("# %6lld ms: %s: %s, %s (%s)\n", (long long)(gateway_now() - run->failed),
                     verdict_to_string(s->verdict), modem->health.cause, modem->health.evidence,
                     modem->recovery.text);
}

/* --- what is done first --- */

static int64_t realtime(void)
{
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int first_of_history(void *userdata, const struct history_entry *entry)
{
        struct run *run = userdata;

        if (entry->at < run->failed_at)
                return 0;
        if (text_equal(entry->event, "recovery-step")) {
                const char *end = strstr(entry->message, " begins");
                (void)text_copy_n(run->first, sizeof(run->first), entry->message,
                                  end ? (size_t)(end - entry->message) : strlen(entry->message));
                return 1;
        }
        if (text_equal(entry->event, "smsd-started") || text_equal(entry->event, "start-failed")) {
                (void)text_format(run->first, sizeof(run->first), "restart of smsd%s%s%s",
                                  entry->cause[0] ? " (" : "", entry->cause, entry->cause[0] ? ")" : "");
                return 1;
        }
        return 0;
}

/* "the SIM stays busy: it is given ..." without what is wrong. */
static const char *behind(const char *text, const char *what)
{
        return text_starts_with(text, what) && text_starts_with(text + strlen(what), ": ")
                   ? text + strlen(what) + 2
                   : text;
}

/* By the history; else what the recovery says that it waits for; else it is left to a person. */
static void find_first_action(struct gateway *g, struct run *run)
{
        const struct snapshot_modem *modem = gateway_slot(g, "GSM1");
        const char *text = modem->recovery.text, *then = strstr(text, "then: ");
        int64_t seconds = (modem->recovery.next_at - realtime()) / 1000000;

        run->first[0] = '\0';
        if (history_file_read(g->state, first_of_history, run) == 1)
                return;
        if (then && modem->recovery.next_at)
                (void)text_format(run->first, sizeof(run->first), "waits %d min, then %s",
                                  (int)((seconds + 30) / 60), then + strlen("then: "));
        else
                (void)text_copy(run->first, sizeof(run->first),
                                text[0] ? behind(text, modem->health.what) : "none");
}

/* How long is waited from the failure's first sign on is not to the minute: looks come each half minute. */
static bool is_first(const char *wanted, const char *found)
{
        int minutes_wanted, minutes_found, behind_wanted = 0, behind_found = 0;

        if (sscanf(wanted, "waits %d min%n", &minutes_wanted, &behind_wanted) == 1 && behind_wanted > 0 &&
            sscanf(found, "waits %d min%n", &minutes_found, &behind_found) == 1 && behind_found > 0)
                return abs(minutes_wanted - minutes_found) <= 2 &&
                       text_starts_with(found + behind_found, wanted + behind_wanted);
        return text_starts_with(found, wanted);
}

static bool was_done_first(struct gateway *g, const void *userdata)
{
        struct run *run = (struct run *)userdata;
        char before[TEXT_MAX];

        (void)text_copy(before, sizeof(before), run->first);
        find_first_action(g, run);
        trace(run, &g->snapshot);
        if (!text_equal(before, run->first))
                (void)printf("# %6lld ms: first: %s\n", (long long)(gateway_now() - run->failed), run->first);
        return is_first(run->row->first, run->first);
}

/* --- the finding --- */

/* What was found is never called working, from its first sight until it is taken away. */
static void check_never_working(const struct run *run, const struct snapshot *s)
{
        if (run->seen && run->row->verdict != VERDICT_WORKING && s->verdict == VERDICT_WORKING &&
            text_equal(s->modems[0].health.cause, run->row->finding))
                fail_msg("%s is called working: %s", run->row->finding, s->modems[0].health.evidence);
}

static bool stands(struct gateway *g, const void *userdata)
{
        struct run *run = (struct run *)userdata;
        const struct failure_row *row = run->row;
        const struct snapshot *s = gateway_snapshot(g);
        const struct snapshot_modem *modem = &s->modems[0];

        trace(run, s);
        if (!text_equal(modem->health.cause, row->finding))
                return false;
        run->seen = true;
        check_never_working(run, s);
        if (!strstr(modem->health.evidence, row->evidence) || s->verdict != row->verdict)
                return false;
        (void)text_copy(run->evidence, sizeof(run->evidence), modem->health.evidence);
        (void)text_copy(run->advice, sizeof(run->advice), s->next_action);
        return true;
}

static bool works(struct gateway *g, const void *userdata)
{
        trace((struct run *)userdata, gateway_snapshot(g));
        return g->snapshot.verdict == VERDICT_WORKING;
}

/* --- doing what the row says --- */

static pid_t helper; /* somebody beside smswarden, of the one row that this program runs */

static void end_helper(void)
{
        if (helper == 0)
                return;
        gateway_signal(helper, SIGKILL);
        assert_int_equal(waitpid(helper, NULL, 0), helper);
        helper = 0;
}

static void tell_modem(struct gateway *g, const char *commands)
{
        char line[256];

        for (; commands && *commands; commands += commands[0] == '\n') {
                size_t length = strcspn(commands, "\n");
                assert_true(text_copy_n(line, sizeof(line), commands, length) >= 0);
                gateway_modem(g, "%s", line);
                commands += length;
        }
}

static void produce(struct gateway *g, struct run *run)
{
        run->failed_at = realtime();
        run->failed = gateway_now();
        tell_modem(g, run->row->fail);
        if (run->row->produce)
                run->row->produce(g);
}

/* The look at the modem asks, and changes nothing; what the rows themselves write there is AT+CFUN. */
static void assert_only_asked(struct gateway *g)
{
        static const char *const never[] = {"AT+CMGF", "AT+CNMI", "AT+CPMS=", "AT+COPS=", "AT+CMGD"};
        _cleanup_free_ char *transcript = gateway_read(gateway_path(g, "modem/transcript/0-modem"));

        for (size_t i = 0; i < ARRAY_SIZE(never); i++)
                assert_null(strstr(transcript, never[i]));
}

static void tell_row(const struct run *run, const char *works_again)
{
        const struct failure_row *row = run->row;

        (void)printf("# row | %s | %s | %s | %s | %s | %s\n", row->finding, row->how,
                     verdict_to_string(row->verdict), run->evidence, run->first, works_again);
        (void)fflush(stdout);
}

static void run_row(struct gateway *g)
{
        const struct failure_row *row = g->options->userdata;
        struct run run = {.row = row};
        char again[TEXT_MAX];

        g->look_every = row->quick ? 0 : LOOK_SLOWLY;
        if (row->prepare) {
                row->prepare(g);
        } else {
                gateway_plug(g, "");
                gateway_working(g, 0);
        }
        produce(g, &run);
        (void)gateway_wait(g, row->nightly ? NIGHTLY : PATIENCE, row->finding, stands, &run);
        if (row->advice && !strstr(run.advice, row->advice))
                fail_msg("what to do is not \"%s\" but \"%s\"", row->advice, run.advice);
        (void)gateway_wait(g, PATIENCE, row->first, was_done_first, &run);
        assert_only_asked(g);
        int64_t begun = row->mend || row->repair ? gateway_now() : run.failed;
        tell_modem(g, row->mend);
        if (row->repair)
                row->repair(g);
        if (row->stays) {
                (void)text_format(again, sizeof(again), "a person: %s", run.advice);
        } else {
                (void)gateway_wait(g, PATIENCE, "it works again", works, &run);
                (void)text_format(again, sizeof(again), "%.1f s", (double)(gateway_now() - begun) / 1000);
        }
        end_helper();
        tell_row(&run, again);
}

/* --- for the rows --- */

void failure_end_helper(struct gateway *g)
{
        (void)g;
        end_helper();
}

static bool fork_helper(void)
{
        assert_int_equal(helper, 0);
        helper = fork();
        assert_true(helper >= 0);
        if (helper > 0)
                return false;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close_range(STDERR_FILENO + 1, ~0U, 0); /* whoever waits for the end of a pipe of ours */
        return true;
}

void failure_hold_port(struct gateway *g, const char *name, const char *port)
{
        const char *node = gateway_node_path(g, port);

        if (!fork_helper())
                return;
        int fd = open(node, O_RDWR | O_NOCTTY);
        if (fd >= 0 && prctl(PR_SET_NAME, name) == 0)
                for (;;)
                        (void)pause();
        _exit(1);
}

void failure_reset_beside(struct gateway *g, const char *step)
{
        const struct control_request request = {
            .kind = COMMAND_RESET_MODEM, .modem = "GSM1", .step = step, .reason = "a test"};
        struct control_client *client = NULL;
        char path[128], message[512];
        int result;

        (void)text_format(path, sizeof(path), "%s/bus", g->run);
        if (!fork_helper())
                return;
        if (control_client_connect(&client, path, 5 * USEC_PER_SEC) >= 0)
                (void)control_client_command(client, &request, 130 * USEC_PER_SEC, &result, message,
                                             sizeof(message)); /* the row sees what becomes of it */
        for (;;)
                (void)pause();
}

/* The modem's word, not only smsd's. */
static bool says_that_it_searches(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return strstr(gateway_slot(g, "GSM1")->health.evidence, "+CREG: 0,2") != NULL;
}

void failure_prepare_doubted(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "answer 0 AT+CSQ +CSQ: 20,99\\r\\n\\r\\nOK");
        gateway_modem(g, "reg 0 searching");
        (void)gateway_wait(g, 60000, "it is looked at", says_that_it_searches, NULL);
}

void failure_prepare_held(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_stop(g, 10 * USEC_PER_MIN);
}

void failure_start_smsd(struct gateway *g)
{
        (void)gateway_start_smsd(g, g->conf);
}

static bool was_asked(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_slot(g, "GSM1")->health.asked > 0;
}

void failure_wait_asked(struct gateway *g)
{
        (void)gateway_wait(g, 60000, "the modem is asked", was_asked, NULL);
}

/* --- a group --- */

static char names[ROWS_MAX][40];
static struct gateway_test tests[ROWS_MAX];

/* "sim-absent", the next one of that finding "sim-absent.2". */
static void name_row(const struct failure_group *group, size_t index)
{
        unsigned same = 1;

        for (size_t i = 0; i < index; i++)
                same += text_equal(group->rows[i].finding, group->rows[index].finding);
        (void)text_copy(names[index], sizeof(names[index]), group->rows[index].finding);
        if (same > 1)
                (void)text_append(names[index], sizeof(names[index]), ".%u", same);
}

static void make_tests(const struct failure_group *group)
{
        assert_true(group->n <= ROWS_MAX);
        for (size_t i = 0; i < group->n; i++) {
                name_row(group, i);
                tests[i] = (struct gateway_test){
                    .name = names[i], .run = run_row, .options = group->rows[i].options};
                tests[i].options.userdata = &group->rows[i];
        }
}

struct child {
        pid_t pid;
        int output; /* a memfd */
};

static void start_child(struct child *child, char *program, char *name)
{
        pid_t parent = getpid();

        child->output = memfd_create(name, MFD_CLOEXEC);
        assert_true(child->output >= 0);
        child->pid = fork();
        assert_true(child->pid >= 0);
        if (child->pid > 0)
                return;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
            dup2(child->output, STDOUT_FILENO) >= 0 && dup2(child->output, STDERR_FILENO) >= 0)
                (void)execl("/proc/self/exe", program, name, (char *)NULL);
        _exit(127);
}

/* All it has said when it failed, else its row and cmocka's line. */
static bool end_child(const struct child *child)
{
        int status = -1;
        char line[1024];

        assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
        bool passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        FILE *file = fdopen(child->output, "r");
        assert_non_null(file);
        rewind(file);
        while (fgets(line, sizeof(line), file))
                if (!passed || text_starts_with(line, "# row") || text_starts_with(line, "[       OK"))
                        (void)fputs(line, stdout);
        (void)fclose(file);
        (void)fflush(stdout);
        return passed;
}

bool failure_is_finding(const char *word)
{
        struct health_verdict verdict;

        for (unsigned i = 0; health_finding_at(i, &verdict); i++)
                if (text_equal(verdict.cause, word))
                        return true;
        return false;
}

static bool is_wanted(const struct failure_row *row)
{
        return (!row->nightly || getenv("NIGHTLY")) && (!row->awaited || failure_is_finding(row->finding));
}

static void wait_for_any(const struct child *children, size_t from, size_t to)
{
        struct pollfd fds[ROWS_MAX];
        nfds_t n = 0;

        for (size_t i = from; i < to; i++)
                if (children[i].pid > 0)
                        fds[n++] = (struct pollfd){.fd = pidfd_open(children[i].pid, 0), .events = POLLIN};
        (void)poll(fds, n, -1);
        for (nfds_t i = 0; i < n; i++)
                (void)close_fd(fds[i].fd);
}

static unsigned still_running(const struct child *children, size_t n)
{
        unsigned running = 0;

        for (size_t i = 0; i < n; i++) {
                siginfo_t info = {0};
                running += children[i].pid > 0 &&
                           waitid(P_PID, (id_t)children[i].pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                           info.si_pid == 0;
        }
        return running;
}

static int run_beside_each_other(const struct failure_group *group, char *program)
{
        struct child children[ROWS_MAX] = {0};
        unsigned failed = 0;

        for (size_t i = 0; i < group->n; i++) {
                if (!is_wanted(&group->rows[i]))
                        continue;
                while (still_running(children, i) >= AT_ONCE)
                        wait_for_any(children, 0, i);
                start_child(&children[i], program, names[i]);
                (void)usleep(APART * 1000);
        }
        for (size_t i = 0; i < group->n; i++)
                if (children[i].pid > 0)
                        failed += !end_child(&children[i]);
        return failed > 0;
}

int failure_rows_main(const struct failure_group *group, int argc, char **argv)
{
        make_tests(group);
        return argc > 1 ? gateway_main(tests, group->n, argc, argv) : run_beside_each_other(group, argv[0]);
}
