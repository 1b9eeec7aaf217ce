/*
 * A replacement that is killed, or met by an editor, before each of its system calls. The replacing child is
 * traced: it stops before every call, and there the test does what a crash or a person would do. No luck is
 * involved, so each interleaving is seen in each run.
 */
#include "conf_file_common.h"
#include "traced.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/xattr.h>

#define CALLS_MAX 400

enum outcome { ENDED, KILLED };

typedef void (*visitor)(const struct folder *folder, void *userdata);

/* What to do before which system call of the child (counted from 1, 0: never). */
struct plan {
        unsigned visit_at;
        visitor visit;
        void *userdata;
        unsigned kill_at;
};

static pid_t start_child(const struct folder *folder, const char *text)
{
        struct conf_file_id id = read_id(folder->file);
        pid_t pid = fork();

        if (pid == 0) {
                if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
                        _exit(255);
                _exit(-replace_text(folder->file, &id, text));
        }
        traced_begin(pid);
        return pid;
}

/* Runs the replacement by plan. ret_result: what it returned, when it was not killed. ret_calls: how many
 * system calls there were. */
static enum outcome run(const struct folder *folder, const char *text, const struct plan *plan,
                        int *ret_result, unsigned *ret_calls)
{
        pid_t pid = start_child(folder, text);
        bool entry = true;
        unsigned calls = 0;
        int status;

        while (traced_next_stop(pid, &status)) {
                if (entry) {
                        calls++;
                        assert_true(calls < CALLS_MAX);
                        if (calls == plan->visit_at)
                                plan->visit(folder, plan->userdata);
                        if (calls == plan->kill_at)
                                assert_int_equal(kill(pid, SIGKILL), 0);
                }
                entry = !entry;
        }
        *ret_calls = calls;
        if (WIFSIGNALED(status)) {
                assert_int_equal(WTERMSIG(status), SIGKILL);
                return KILLED;
        }
        *ret_result = -WEXITSTATUS(status);
        return ENDED;
}

/* --- killed --- */

static void prepare(const struct folder *folder)
{
        assert_int_equal(chown(folder->file, 1234, 2345), 0);
        assert_int_equal(chmod(folder->file, 0640), 0);
        assert_int_equal(setxattr(folder->file, "user.note", "kept", 4, 0), 0);
}

static void assert_whole(const struct folder *folder, unsigned call)
{
        struct stat status;
        char value[8];

        if (!holds(folder->file, OLD_TEXT) && !holds(folder->file, NEW_TEXT))
                fail_msg("killed before call %u: neither old nor new", call);
        assert_int_equal(stat(folder->file, &status), 0);
        assert_int_equal(status.st_uid, 1234);
        assert_int_equal(status.st_gid, 2345);
        assert_int_equal(status.st_mode, S_IFREG | 0640);
        assert_int_equal(getxattr(folder->file, "user.note", value, sizeof(value)), 4);
}

static void test_killed_before_every_call(void **state)
{
        struct folder *folder = *state;
        unsigned calls = 0, olds = 0, news = 0, littered = 0;
        int result = 1;

        prepare(folder);
        for (unsigned n = 1;; n++) {
                struct plan plan = {.kill_at = n};
                if (run(folder, NEW_TEXT, &plan, &result, &calls) == ENDED)
                        break;
                assert_whole(folder, n);
                olds += holds(folder->file, OLD_TEXT);
                news += holds(folder->file, NEW_TEXT);
                littered += count_entries(folder->path) > 1;
                struct conf_file_id id = read_id(folder->file);
                assert_int_equal(replace_text(folder->file, &id, OLD_TEXT), 0);
                assert_whole(folder, n);
                settle(folder);
        }
        assert_int_equal(result, 0);
        assert_true(holds(folder->file, NEW_TEXT));
        /* Both sides of the exchange and the time between were met. */
        assert_true(calls > 15 && olds > 10 && news > 0 && littered > 5);
}

/* --- met by an editor --- */

#define EDIT "# by a person\n"

static void replace_by_rename(const struct folder *folder, void *userdata)
{
        char path[320];

        (void)userdata;
        (void)text_format(path, sizeof(path), "%s.edit", folder->path);
        put(path, EDIT);
        assert_int_equal(rename(path, folder->file), 0);
}

/* An editor that never waits, so that the test cannot hang: where the lease holds it off, it has not edited.
 */
static void write_in_place(const struct folder *folder, void *userdata)
{
        bool *done = userdata;
        int fd = open(folder->file, O_WRONLY | O_TRUNC | O_NONBLOCK | O_CLOEXEC);

        *done = fd >= 0;
        if (fd < 0) {
                assert_int_equal(errno, EWOULDBLOCK);
                return;
        }
        assert_int_equal(write(fd, EDIT, strlen(EDIT)), strlen(EDIT));
        assert_int_equal(close(fd), 0);
}

/* The old file again, whatever the round before has left. */
static void start_over(const struct folder *folder)
{
        (void)unlink(folder->file);
        put(folder->file, OLD_TEXT);
        (void)conf_file_recover(folder->file);
}

static void test_replaced_by_editor_before_every_call(void **state)
{
        struct folder *folder = *state;
        unsigned calls = 1, stale = 0;

        for (unsigned n = 1; n <= calls; n++) {
                struct plan plan = {.visit_at = n, .visit = replace_by_rename};
                int result = 1;
                start_over(folder);
                assert_int_equal(run(folder, NEW_TEXT, &plan, &result, &calls), ENDED);
                if (calls < n)
                        break; /* not visited: a sanitizer makes some calls only now and then */
                if (!holds(folder->file, EDIT))
                        fail_msg("edit before call %u lost, result %d", n, result);
                assert_true(result == 0 || result == -ESTALE);
                stale += result == -ESTALE;
                settle(folder);
        }
        assert_true(stale > 10);
}

static void test_written_by_editor_before_every_call(void **state)
{
        struct folder *folder = *state;
        unsigned calls = 1, stale = 0, held_off = 0;

        for (unsigned n = 1; n <= calls; n++) {
                bool done = false;
                struct plan plan = {.visit_at = n, .visit = write_in_place, .userdata = &done};
                int result = 1;
                start_over(folder);
                assert_int_equal(run(folder, NEW_TEXT, &plan, &result, &calls), ENDED);
                if (calls < n)
                        break; /* not visited: a sanitizer makes some calls only now and then */
                if (done ? !holds(folder->file, EDIT) : result != -EBUSY || !holds(folder->file, OLD_TEXT))
                        fail_msg("edit before call %u: done %d, result %d", n, done, result);
                assert_true(result == 0 || result == -ESTALE || result == -EBUSY);
                stale += result == -ESTALE;
                held_off += !done;
                settle(folder);
        }
        assert_true(stale > 3 && held_off > 5);
}

/* The edit is taken out by the exchange, and we die before we can give it back. */
static bool edited_and_killed(const struct folder *folder, const struct plan *plan, unsigned *recovered,
                              bool *ret_ended)
{
        unsigned calls;
        int result;

        start_over(folder);
        *ret_ended = run(folder, NEW_TEXT, plan, &result, &calls) == ENDED;
        if (calls < plan->visit_at)
                return false;
        int r = conf_file_recover(folder->file);
        if (r < 0 || !holds(folder->file, EDIT) || count_entries(folder->path) != 1)
                fail_msg("edited before call %u, killed before %u: %d", plan->visit_at, plan->kill_at, r);
        *recovered += r == 1;
        return true;
}

static void test_edited_and_killed(void **state)
{
        struct plan plan = {.visit = replace_by_rename};
        unsigned recovered = 0;
        bool ended;

        for (plan.visit_at = 1;; plan.visit_at++) {
                plan.kill_at = plan.visit_at;
                if (!edited_and_killed(*state, &plan, &recovered, &ended))
                        break;
                while (!ended) {
                        plan.kill_at++;
                        assert_true(edited_and_killed(*state, &plan, &recovered, &ended));
                }
        }
        assert_true(plan.visit_at > 15 && recovered > 0);
}

/*
 * A writer that has looked the file up before a call, and opens it only after the replacement is through: an
 * O_PATH descriptor is just that. It may get the old file or the new one, but what it writes must be in force
 * at the end.
 */
static void look_up(const struct folder *folder, void *userdata)
{
        int *fd = userdata;

        *fd = open(folder->file, O_PATH | O_CLOEXEC);
        assert_true(*fd >= 0);
}

static int open_looked_up(int fd)
{
        char path[64];

        (void)text_format(path, sizeof(path), "/proc/self/fd/%d", fd);
        int writer = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        assert_true(writer >= 0);
        assert_int_equal(close(fd), 0);
        return writer;
}

static void test_late_writer(void **state)
{
        struct folder *folder = *state;
        unsigned calls = 1, put_back = 0, busy = 0;

        for (unsigned n = 1; n <= calls; n++) {
                int fd = -1, result = 1;
                struct plan plan = {.visit_at = n, .visit = look_up, .userdata = &fd};
                start_over(folder);
                assert_int_equal(run(folder, NEW_TEXT, &plan, &result, &calls), ENDED);
                if (calls < n)
                        break; /* not visited: a sanitizer makes some calls only now and then */
                assert_int_equal(result, 0);
                int writer = open_looked_up(fd);
                busy += conf_file_recover(folder->file) == -EBUSY;
                if (write(writer, EDIT, strlen(EDIT)) < 0 || close(writer) < 0)
                        fail();
                put_back += conf_file_recover(folder->file) == 1;
                if (!holds(folder->file, EDIT))
                        fail_msg("looked up before call %u: the edit is lost", n);
                assert_int_equal(count_entries(folder->path), 1);
        }
        assert_true(busy > 10 && put_back == busy);
}

/* --- what recovery does not do --- */

/* The name that a replacement by the file now in force would have given to the old one. */
static void swap_name(const struct folder *folder, const struct conf_file_id *ours, char path[static 400])
{
        (void)text_format(path, 400, "%s/.smsd.conf.smswarden-%016llx-%016llx-%016llx", folder->path,
                          (unsigned long long)ours->ino, 1ULL, (unsigned long long)ours->hash);
}

/* The file was edited again after the crash: that edit stays, the one taken out is kept to be seen. */
static void test_superseded_edit_is_kept(void **state)
{
        struct folder *folder = *state;
        struct conf_file_id id = read_id(folder->file);
        char swap[400], saved[400];

        id.hash++; /* so it was written in place, too */
        swap_name(folder, &id, swap);
        put(swap, EDIT);
        assert_int_equal(conf_file_recover(folder->file), 1);
        assert_true(holds(folder->file, OLD_TEXT));
        (void)text_format(saved, sizeof(saved), "%s.smswarden-saved", folder->file);
        assert_true(holds(saved, EDIT));
        put(swap, "another\n");
        assert_int_equal(conf_file_recover(folder->file), 0);
        assert_true(holds(saved, EDIT));
        assert_true(holds(swap, "another\n"));
}

/* Somebody who may write into the folder must not get a file of theirs put in force. */
static void test_strangers_file_is_left_alone(void **state)
{
        struct folder *folder = *state;
        struct conf_file_id id = read_id(folder->file);
        char swap[400];

        swap_name(folder, &id, swap);
        put(swap, EDIT);
        assert_int_equal(chown(swap, 4242, 4242), 0);
        assert_int_equal(conf_file_recover(folder->file), 0);
        assert_true(holds(folder->file, OLD_TEXT));
        assert_true(holds(swap, EDIT));
        assert_int_equal(chown(swap, 0, 0), 0);
        assert_int_equal(conf_file_recover(folder->file), 1);
        assert_true(holds(folder->file, EDIT));
        assert_int_equal(count_entries(folder->path), 1);
}

/* Names that only look like ours, of another file or malformed. */
static void test_other_names_are_left_alone(void **state)
{
        static const char *const names[] = {
            ".smsd.conf.smswarden-",
            ".smsd.conf.smswarden-0-0",
            ".other.smswarden-tmp",
            ".other.smswarden-0000000000000001-0000000000000002-0000000000000003",
            "smsd.conf.smswarden-tmp",
            ".smsd.conf.smswarden-000000000000000A-0000000000000002-0000000000000003",
            ".smsd.conf.new"};
        struct folder *folder = *state;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                char path[400];
                (void)text_format(path, sizeof(path), "%s/%s", folder->path, names[i]);
                put(path, EDIT);
        }
        assert_int_equal(conf_file_recover(folder->file), 0);
        assert_int_equal(count_entries(folder->path), 1 + ARRAY_SIZE(names));
        struct conf_file_id id = read_id(folder->file);
        assert_int_equal(replace_text(folder->file, &id, NEW_TEXT), 0);
        assert_int_equal(conf_file_recover(folder->file), 0);
        assert_int_equal(count_entries(folder->path), 1 + ARRAY_SIZE(names));
}

int main(void)
{
        const struct CMUnitTest tests[] = {folder_test(test_killed_before_every_call),
                                           folder_test(test_replaced_by_editor_before_every_call),
                                           folder_test(test_written_by_editor_before_every_call),
                                           folder_test(test_edited_and_killed),
                                           folder_test(test_late_writer),
                                           folder_test(test_superseded_edit_is_kept),
                                           folder_test(test_strangers_file_is_left_alone),
                                           folder_test(test_other_names_are_left_alone)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
