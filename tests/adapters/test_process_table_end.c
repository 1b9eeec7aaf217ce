/*
 * How the process table tells the end of a process: soon, once, not before it is over, and of nobody else.
 *
 * Some ends cannot be had from smsd at will. For those this program itself is the smsd: its main() becomes
 * one when its name says so.
 */
#include "process_table_world.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void test_killed_main_leaves_an_orphan_of_ours(void **state)
{
        struct world *w = *state;

        w->wanted = start_by_hand(w->box, "-c", w->box->conf);
        assert_true(run_until(w->box->event, handler_has_port, w, PATIENCE_USEC));
        struct process_id main_id = find(w, w->wanted)->id, handler_id = find_child(w, w->wanted)->id;
        await_end(w, main_id);
        assert_int_equal(process_table_signal(w->table, main_id, SIGKILL), 0);
        assert_true(run_until(w->box->event, has_ended, w, PATIENCE_USEC));
        assert_true(w->known);
        assert_int_equal(w->status, -SIGKILL);

        assert_int_equal(process_table_scan(w->table), 0);
        assert_null(find(w, main_id.pid));
        const struct smsd_process *orphan = find(w, handler_id.pid);
        assert_non_null(orphan);
        assert_true(orphan->ours && orphan->parent != main_id.pid);
        assert_string_equal(orphan->tty, w->box->tty);

        await_end(w, handler_id);
        assert_int_equal(process_table_signal(w->table, handler_id, SIGKILL), 0);
        assert_true(run_until(w->box->event, has_ended, w, PATIENCE_USEC));
        assert_false(w->known);
        assert_int_equal(w->n_ended, 1);
}

/* One that is seen within its exec is listed already, and nobody's yet. */
static bool known_as_ours(void *userdata)
{
        struct world *w = userdata;

        assert_int_equal(process_table_scan(w->table), 0);
        const struct smsd_process *process = find(w, w->wanted);
        return process && process->ours;
}

static void test_signal_needs_the_identity(void **state)
{
        struct world *w = *state;

        w->wanted = start_by_hand(w->box, "-c", w->box->conf);
        assert_true(run_until(w->box->event, known_as_ours, w, PATIENCE_USEC));
        struct process_id id = find(w, w->wanted)->id,
                          reused = {.pid = id.pid, .start_time = id.start_time - 1};
        assert_int_equal(process_table_signal(w->table, reused, SIGKILL), -ESRCH);
        assert_int_equal(process_table_watch(w->table, reused), -ESRCH);
        assert_int_equal(process_table_signal(w->table, (struct process_id){.pid = 0}, SIGKILL), -ESRCH);
        assert_int_equal(process_table_signal(w->table, (struct process_id){.pid = -1}, SIGKILL), -ESRCH);
        assert_int_equal(process_table_signal(w->table, id, 0), 0);
        await_end(w, id);
        assert_int_equal(process_table_signal(w->table, id, SIGKILL), 0);
        assert_true(run_until(w->box->event, has_ended, w, PATIENCE_USEC));
        assert_int_equal(process_table_signal(w->table, id, SIGKILL), -ESRCH);
}

static void test_end_before_the_first_scan(void **state)
{
        struct world *w = *state;
        siginfo_t info;

        box_write_conf(w->box, w->box->conf, w->box->pidfile, "nonsense = 1\n");
        pid_t pid = start_by_hand(w->box, "-c", w->box->conf);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        /* Its entry in /proc stays until somebody reaps it. */
        char path[64], text[1024];
        assert_true(snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid) > 0);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, text, sizeof(text) - 1);
        assert_true(n > 0);
        text[n] = '\0';
        struct process_stat stat;
        assert_int_equal(process_stat_parse(text, &stat), 0);
        struct process_id id = {.pid = pid, .start_time = stat.start_time};
        await_end(w, id);
        assert_int_equal(process_table_watch(w->table, id), 0);
        assert_int_equal(process_table_watch(w->table, id), 0);
        assert_true(process_table_watches(w->table, pid));
        assert_true(run_until(w->box->event, has_ended, w, PATIENCE_USEC));
        assert_true(w->known);
        assert_int_equal(w->status, 1);
        assert_false(process_table_watches(w->table, pid));
        assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
}

/* --- this program as smsd --- */

static void *wait_for_ever(void *unused)
{
        for (;;)
                (void)pause();
        return unused;
}

/* Fields of /proc/self/stat, counted from 1. */
enum memory_field {
        FIELD_STATE = 3,
        FIELD_START_CODE = 26,
        FIELD_END_CODE = 27,
        FIELD_START_STACK = 28,
        FIELD_START_DATA = 45,
        FIELD_END_DATA = 46,
        FIELD_START_BRK = 47,
        FIELD_ARG_START = 48,
        FIELD_ENV_START = 50,
        FIELD_ENV_END = 51,
        FIELDS,
};

static bool read_memory_fields(unsigned long long fields[FIELDS])
{
        char text[2048];
        _cleanup_close_ int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, text, sizeof(text) - 1);

        text[n < 0 ? 0 : n] = '\0';
        char *cursor = strrchr(text, ')');
        if (!cursor)
                return false;
        cursor += strlen(") S"); /* behind the state */
        for (unsigned i = FIELD_STATE + 1; i < FIELDS; i++)
                fields[i] = strtoull(cursor, &cursor, 10);
        return true;
}

/* The arguments end where they begin. All bounds are set at once: that needs no capability. */
static void empty_command_line(void)
{
        unsigned long long fields[FIELDS] = {0};

        if (!read_memory_fields(fields))
                return;
        const struct prctl_mm_map map = {
            .start_code = fields[FIELD_START_CODE],
            .end_code = fields[FIELD_END_CODE],
            .start_data = fields[FIELD_START_DATA],
            .end_data = fields[FIELD_END_DATA],
            .start_brk = fields[FIELD_START_BRK],
            .brk = (uintptr_t)sbrk(0),
            .start_stack = fields[FIELD_START_STACK],
            .arg_start = fields[FIELD_ARG_START],
            .arg_end = fields[FIELD_ARG_START],
            .env_start = fields[FIELD_ENV_START],
            .env_end = fields[FIELD_ENV_END],
            .exe_fd = UINT32_MAX, /* none */
        };
        (void)prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0);
}

/*
 * Opens its port; at SIGTERM it begins to end, and does not get through: a leader that ends before its thread
 * has no memory any more and is no zombie yet, which is how an end looks that waits for the port to be
 * closed. At SIGHUP its command line vanishes.
 */
static int be_smsd(const char *tty)
{
        sigset_t wanted;
        pthread_t thread;
        int number = 0;

        (void)sigemptyset(&wanted);
        (void)sigaddset(&wanted, SIGTERM);
        (void)sigaddset(&wanted, SIGHUP);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || sigprocmask(SIG_BLOCK, &wanted, NULL) < 0 ||
            pthread_create(&thread, NULL, wait_for_ever, NULL) != 0 || open(tty, O_RDWR | O_NOCTTY) < 3)
                return 1;
        while (sigwait(&wanted, &number) == 0 && number == SIGHUP)
                empty_command_line();
        (void)syscall(SYS_exit, 0);
        return 1;
}

static pid_t start_another(const struct world *w)
{
        pid_t pid = fork();
        if (pid == 0) {
                (void)execl(w->box->smsd, "smsd", "-c", w->box->conf, w->box->tty, (char *)NULL);
                _exit(127);
        }
        return pid;
}

static pid_t start_ourselves(struct world *w)
{
        copy_file("/proc/self/exe", w->box->smsd);
        return start_another(w);
}

static bool holds_port(void *userdata)
{
        struct world *w = userdata;

        assert_int_equal(process_table_scan(w->table), 0);
        const struct smsd_process *process = find(w, w->wanted);
        return process && process->ours && process->tty[0];
}

static bool has_no_memory(void *userdata)
{
        const struct world *w = userdata;
        char path[64], target[16];

        assert_true(snprintf(path, sizeof(path), "/proc/%d/exe", (int)w->wanted) > 0);
        return readlink(path, target, sizeof(target)) < 0 && errno == ENOENT;
}

static bool has_no_command_line(void *userdata)
{
        const struct world *w = userdata;
        char path[64], byte;

        assert_true(snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)w->wanted) > 0);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        return read(fd, &byte, 1) == 0;
}

static void test_slow_end_is_no_end_yet(void **state)
{
        struct world *w = *state;

        w->wanted = start_ourselves(w);
        assert_true(run_until(w->box->event, holds_port, w, PATIENCE_USEC));
        struct process_id id = find(w, w->wanted)->id;
        await_end(w, id);
        assert_int_equal(process_table_signal(w->table, id, SIGTERM), 0);
        assert_true(run_until(w->box->event, has_no_memory, w, PATIENCE_USEC));
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(process_table_scan(w->table), 0);
                const struct smsd_process *leaving = find(w, w->wanted);
                assert_non_null(leaving);
                assert_true(leaving->ours && process_id_equal(leaving->id, id));
                assert_int_equal(leaving->parent, getpid());
                assert_string_equal(leaving->tty, w->box->tty);
                assert_int_equal(w->n_ended, 0);
        }
        assert_int_equal(process_table_signal(w->table, id, SIGKILL), 0);
        assert_true(run_until(w->box->event, has_ended, w, PATIENCE_USEC));
        assert_int_equal(process_table_scan(w->table), 0);
        assert_null(find(w, id.pid));
}

static void end_now(pid_t pid)
{
        siginfo_t info;

        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void end_the_wanted_too(struct world *w, struct process_id id)
{
        if (id.pid != w->wanted)
                end_now(w->wanted);
}

/* It ends when the scan has seen it and is telling of another: whose end was told comes in no list any more,
 * or a dead smsd would seem to run again. */
static void test_end_within_the_scan(void **state)
{
        struct world *w = *state;

        w->wanted = start_ourselves(w);
        assert_true(run_until(w->box->event, holds_port, w, PATIENCE_USEC));
        pid_t first = w->wanted;
        w->wanted = start_another(w);
        assert_true(run_until(w->box->event, holds_port, w, PATIENCE_USEC));
        await_end(w, find(w, w->wanted)->id);
        end_now(first);
        w->at_end = end_the_wanted_too;
        assert_int_equal(process_table_scan(w->table), 0);
        assert_int_equal(w->n_ended, 1);
        assert_null(find(w, w->wanted));
        assert_null(find(w, first));
}

/* As it is within an exec: the binary is there and the arguments are not. */
static void test_no_command_line_yet(void **state)
{
        struct world *w = *state;

        w->wanted = start_ourselves(w);
        assert_true(run_until(w->box->event, holds_port, w, PATIENCE_USEC));
        struct process_id id = find(w, w->wanted)->id;
        assert_int_equal(process_table_signal(w->table, id, SIGHUP), 0);
        assert_true(run_until(w->box->event, has_no_command_line, w, PATIENCE_USEC));
        /* Known before: still ours. */
        assert_int_equal(process_table_scan(w->table), 0);
        assert_true(find(w, w->wanted)->ours);
        /* Never seen: not yet, unless the pidfile has its name. */
        process_table_free(w->table);
        open_table(w);
        assert_int_equal(process_table_scan(w->table), 0);
        assert_false(find(w, w->wanted)->ours);
        char text[32];
        assert_true(snprintf(text, sizeof(text), "%d\n", (int)w->wanted) > 0);
        write_file(w->box->pidfile, text);
        assert_int_equal(process_table_scan(w->table), 0);
        assert_true(find(w, w->wanted)->ours);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
            WITH_SMSD(test_killed_main_leaves_an_orphan_of_ours),
            WITH_SMSD(test_signal_needs_the_identity),
            WITH_SMSD(test_end_before_the_first_scan),
            WITH_SMSD(test_slow_end_is_no_end_yet),
            WITH_SMSD(test_end_within_the_scan),
            WITH_SMSD(test_no_command_line_yet),
        };

        if (argc == 4 && strcmp(argv[0], "smsd") == 0)
                return be_smsd(argv[3]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
