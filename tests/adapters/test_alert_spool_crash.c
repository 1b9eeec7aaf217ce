/*
 * The controller is killed before each system call of a life that writes, saves, forgets and makes room - in
 * the loop as in the writer's thread. The life is traced: it stops before every call, and there it dies. No
 * luck is involved: each moment is met.
 *
 * The next life must find exactly what was answered as written, or that and what was on its way; nothing
 * twice, nothing under another id, nothing lost.
 */
#include "alert_spool_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define CALLS_MAX   5000
#define THREADS_MAX 2

/* What the life did before it died, by its own words: a byte each, through a pipe. */
enum report { REPORT_WRITTEN = 'w', REPORT_FORGET = 'f' };

struct life {
        struct world *world;
        void (*live)(struct world *world, int reports);
        pid_t pid;
        int reports;
};

static void report(int fd, enum report what)
{
        char byte = (char)what;

        assert_int_equal(write(fd, &byte, 1), 1);
}

/* --- the tracer --- */

static void begin_life(struct life *life)
{
        int pipes[2], status;

        assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
        life->pid = fork();
        assert_true(life->pid >= 0);
        if (life->pid == 0) {
                /* A failed assertion must not go on as if this were the test. */
                (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
                if (sd_event_new(&life->world->event) < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ||
                    raise(SIGSTOP) != 0)
                        _exit(255);
                life->live(life->world, pipes[1]);
                _exit(0);
        }
        assert_int_equal(close(pipes[1]), 0);
        life->reports = pipes[0];
        assert_int_equal(waitpid(life->pid, &status, __WALL), life->pid);
        assert_true(WIFSTOPPED(status));
        assert_int_equal(ptrace(PTRACE_SETOPTIONS, life->pid, NULL,
                                (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL)),
                         0);
        assert_int_equal(ptrace(PTRACE_SYSCALL, life->pid, NULL, NULL), 0);
}

/* Each thread's stops are before and behind a call by turns. */
struct turns {
        pid_t threads[THREADS_MAX];
        bool inside[THREADS_MAX];
};

static bool *turn_of(struct turns *turns, pid_t thread)
{
        unsigned i = 0;

        while (turns->threads[i] != thread && turns->threads[i] != 0) {
                i++;
                assert_true(i < THREADS_MAX);
        }
        turns->threads[i] = thread;
        return &turns->inside[i];
}

/* True when the thread is stopped before a call. */
static bool is_before_call(struct turns *turns, pid_t thread, int status)
{
        bool *inside = turn_of(turns, thread);

        if (WSTOPSIG(status) != (SIGTRAP | 0x80))
                return false;
        *inside = !*inside;
        return *inside;
}

static void go_on(pid_t thread, int status)
{
        int signal = WSTOPSIG(status);

        if (signal == (SIGTRAP | 0x80) || signal == SIGTRAP || signal == SIGSTOP)
                signal = 0; /* a call, a new thread, its first stop */
        /* ESRCH: killed a moment ago; waitpid() tells. */
        assert_true(ptrace(PTRACE_SYSCALL, thread, NULL, (void *)(intptr_t)signal) == 0 || errno == ESRCH);
}

/* Runs the life and kills it before its n-th call. Returns false when it came to its end before. */
static bool killed_before(struct life *life, unsigned n)
{
        struct turns turns = {0};
        unsigned calls = 0;
        int status;

        begin_life(life);
        for (;;) {
                pid_t thread = waitpid(-1, &status, __WALL);
                assert_true(thread > 0);
                if (!WIFSTOPPED(status)) {
                        if (thread == life->pid)
                                break; /* the other thread has ended before it */
                        continue;
                }
                if (is_before_call(&turns, thread, status) && ++calls == n)
                        assert_int_equal(kill(life->pid, SIGKILL), 0);
                assert_true(calls < CALLS_MAX);
                go_on(thread, status);
        }
        if (WIFSIGNALED(status))
                assert_int_equal(WTERMSIG(status), SIGKILL);
        else
                assert_int_equal(WEXITSTATUS(status), 0);
        return WIFSIGNALED(status);
}

/* What it has said, and whether it asked to forget. */
static unsigned read_reports(struct life *life, bool *ret_forget)
{
        unsigned written = 0;
        char byte;

        *ret_forget = false;
        while (read(life->reports, &byte, 1) == 1) {
                written += byte == REPORT_WRITTEN;
                *ret_forget = *ret_forget || byte == REPORT_FORGET;
        }
        assert_int_equal(close(life->reports), 0);
        return written;
}

/* --- writing, saving, forgetting --- */

/* What the first life tells, in order. */
static const struct {
        const char *key;
        enum alert_kind kind;
        enum alert_state state;
} events[] = {
    {"a", ALERT_SMSD_DOWN, ALERT_FIRING},   {"b", ALERT_HOLD, ALERT_FIRING},
    {"a", ALERT_SMSD_DOWN, ALERT_RESOLVED}, {"test", ALERT_TEST, ALERT_FIRING},
    {"c", ALERT_MODEM_LOST, ALERT_FIRING},
};

static void ask_for(struct world *world, unsigned event)
{
        struct alert alert = make_alert(events[event].key, SEVERITY_CRITICAL);

        alert.kind = events[event].kind;
        alert.state = events[event].state;
        assert_int_equal(alert_spool_write(world->spool, &alert, event), 0);
}

static void wait_and_report(struct world *world, int reports, unsigned answers)
{
        while (world->n_answers < answers) {
                unsigned n = world->n_answers + 1;
                wait_for_count(world, &world->n_answers, n);
                for (; n <= world->n_answers; n++) {
                        assert_int_equal(world->answers[n - 1].result, 0);
                        report(reports, REPORT_WRITTEN);
                }
        }
}

static void save_open(struct world *world, const char *key)
{
        close_alerts(world);
        open_alert(world, key, true);
        save(world);
        assert_int_equal(world->last_saved, 0);
}

static void write_save_forget(struct world *world, int reports)
{
        live(world);
        ask_for(world, 0);
        wait_and_report(world, reports, 1);
        save_open(world, "a");
        ask_for(world, 1);
        ask_for(world, 2);
        wait_and_report(world, reports, 3);
        report(reports, REPORT_FORGET); /* before the third is in the book */
        alert_spool_forget(world->spool, alert_spool_id(world->spool), 3);
        save_open(world, "b");
        ask_for(world, 3);
        wait_and_report(world, reports, 4);
        assert_int_equal(alert_spool_heartbeat(world->spool, "down", "smsd"), 0);
        ask_for(world, 4);
        wait_and_report(world, reports, 5);
        die(world);
}

/* How many of the events took place: of the next message's number. They must account for all that is there.
 */
static void check_found(const struct world *world, unsigned done, unsigned call)
{
        bool a = done == 1 || done == 2, b = done >= 2, c = done == 5;

        if (world->n_found != (unsigned)a + b + c || !find_found(world, "a") == a ||
            !find_found(world, "b") == b || !find_found(world, "c") == c)
                fail_msg("killed before call %u: %u messages, %u found", call, done, world->n_found);
        for (unsigned i = 0; i < world->n_found; i++)
                if (!world->found[i].told)
                        fail_msg("killed before call %u: %s not told", call, world->found[i].alert.key);
}

/* The message is the one that was to be told under its number. */
static void check_message(const struct world *world, const struct alert_message *message, unsigned call)
{
        char id[ALERT_ID_MAX];

        (void)text_format(id, sizeof(id), "%s-%.8s-%u", BOOT, message->spool, (unsigned)message->sequence);
        if (message->sequence > ARRAY_SIZE(events) || !text_equal(message->id, id) ||
            !text_equal(message->alert.key, events[message->sequence - 1].key) ||
            message->alert.state != events[message->sequence - 1].state ||
            !text_equal(message->spool, alert_spool_id(world->spool)))
                fail_msg("killed before call %u: message %u is another", call, (unsigned)message->sequence);
}

/* At the begin only what was to be forgotten may be missing, and nothing behind it. */
static void check_files(const struct world *world, unsigned done, bool forget, unsigned call)
{
        struct alert_message message = {0};
        uint64_t next = forget ? 4 : 1;

        while (alert_files_next(world->folder, message.sequence, &message, NULL) == 1 &&
               message.sequence <= done) {
                check_message(world, &message, call);
                if (message.sequence > next)
                        fail_msg("killed before call %u: message %u is lost", call, (unsigned)next);
                next = message.sequence + 1;
        }
        if (next <= done)
                fail_msg("killed before call %u: message %u is lost", call, (unsigned)next);
}

static void check_next_life(struct world *world, unsigned answered, bool forget, unsigned call)
{
        live(world);
        if (count_named(world, ".new") || count_named(world, ".damaged"))
                fail_msg("killed before call %u: litter", call);
        unsigned done = (unsigned)tell(world, "next", SEVERITY_CRITICAL) - 1;
        if (done < answered || done > answered + 2 || done > ARRAY_SIZE(events))
                fail_msg("killed before call %u: %u answered, %u written", call, answered, done);
        check_found(world, done, call);
        check_files(world, done, forget, call);
        die(world);
}

static void test_killed_while_writing(void **state)
{
        struct world *world = *state;
        unsigned n = 1, last = 0, steps = 0;

        for (;; n++) {
                struct life life = {.world = world, .live = write_save_forget};
                bool killed = killed_before(&life, n), forget;
                unsigned answered = read_reports(&life, &forget);
                check_next_life(world, answered, forget, n);
                temp_folder_remove(world->folder);
                steps += answered > last;
                last = answered;
                if (!killed)
                        break;
        }
        print_message("%u calls\n", n - 1);
        assert_int_equal(last, ARRAY_SIZE(events));
        assert_true(n > 150 && steps >= 4);
}

/* --- making room --- */

#define ROOM_FILES  2
#define ROOM_EVENTS 6

static void write_more_than_fits(struct world *world, int reports)
{
        live(world);
        for (unsigned i = 1; i <= ROOM_EVENTS; i++) {
                char key[16];
                (void)text_format(key, sizeof(key), "key/%u", i);
                struct alert alert = make_alert(key, i == 2 ? SEVERITY_CRITICAL : SEVERITY_INFO);
                assert_int_equal(alert_spool_write(world->spool, &alert, i), 0);
                wait_and_report(world, reports, i);
        }
        die(world);
}

/* All that was told is known, though most of it is gone. */
static void check_room(struct world *world, unsigned answered, unsigned call)
{
        char key[16];

        live(world);
        unsigned told = world->n_found, files = count_messages(world);
        if (told < answered || told > answered + 1 || files > ROOM_FILES + 1)
                fail_msg("killed before call %u: %u answered, %u told, %u files", call, answered, told,
                         files);
        for (unsigned i = 1; i <= told; i++) {
                (void)text_format(key, sizeof(key), "key/%u", i);
                if (!find_found(world, key) || !find_found(world, key)->told)
                        fail_msg("killed before call %u: %s is lost", call, key);
        }
        uint64_t sequence = tell(world, "next", SEVERITY_CRITICAL);
        if (sequence != told + 1)
                fail_msg("killed before call %u: %u told, the next is %u", call, told, (unsigned)sequence);
        if (count_messages(world) > ROOM_FILES || count_named(world, ".new"))
                fail_msg("killed before call %u: more than fits", call);
        die(world);
}

static void test_killed_while_making_room(void **state)
{
        struct world *world = *state;
        bool killed = true, forget;
        unsigned n;

        world->max_files = ROOM_FILES;
        for (n = 1; killed; n++) {
                struct life life = {.world = world, .live = write_more_than_fits};
                killed = killed_before(&life, n);
                check_room(world, read_reports(&life, &forget), n);
                temp_folder_remove(world->folder);
        }
        assert_true(n > 150);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            world_test(test_killed_while_writing),
            world_test(test_killed_while_making_room),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
