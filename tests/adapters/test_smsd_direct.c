/*
 * The direct backend with the real smsd: how it is started, what it inherits, what it leaves behind.
 */
#include "adapters/process_table.h"
#include "adapters/smsd_direct.h"

#include "smsd_fixture.h"

#include <grp.h>
#include <pwd.h>

struct world {
        struct box *box;
        struct process_table *table;
        struct smsd_direct *direct;
        struct smsd_direct_options options;
        unsigned n_ended;
        struct process_id awaited; /* whose end counts */
        bool known;
        int status;
        pid_t wanted;
};

static void on_exited(void *userdata, struct process_id id, bool known, int status)
{
        struct world *w = userdata;

        /* smsd's short-lived children (its start-up checks) may have been seen and ended too. */
        if (!process_id_equal(id, w->awaited))
                return;
        w->n_ended++;
        w->known = known;
        w->status = status;
}

static bool keep(void *userdata, pid_t pid)
{
        return process_table_watches(((struct world *)userdata)->table, pid);
}

static int setup(void **state)
{
        static const struct process_table_callbacks callbacks = {.exited = on_exited};
        struct world *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->box = box_new("");
        const struct process_table_options options = {
            .smsd = w->box->smsd, .smsd_conf = w->box->conf, .pidfile = w->box->pidfile};
        assert_int_equal(process_table_new(&w->table, w->box->event, &options, &callbacks, w), 0);
        assert_int_equal(smsd_direct_new(&w->direct, w->box->event, keep, w), 0);
        w->options = (struct smsd_direct_options){.smsd = w->box->smsd,
                                                  .smsd_conf = w->box->conf,
                                                  .pidfile = w->box->pidfile,
                                                  .infofile = w->box->infofile,
                                                  .output = w->box->output,
                                                  .user = ""};
        *state = w;
        return 0;
}

/* A killed smsd leaves this behind, to the harm of one with the same pid and another account. */
static void kill_and_tidy(struct world *w, struct process_id id)
{
        char path[64];

        (void)process_table_signal(w->table, id, SIGKILL);
        assert_true(snprintf(path, sizeof(path), "/tmp/mm_smsd_%d.sem", (int)id.pid) > 0);
        (void)unlink(path);
}

static bool all_gone(void *userdata)
{
        struct world *w = userdata;

        assert_int_equal(process_table_scan(w->table), 0);
        const struct process_list *list = process_table_list(w->table);
        for (unsigned i = 0; i < list->n; i++)
                kill_and_tidy(w, list->processes[i].id);
        return list->n == 0 && waitpid(-1, NULL, WNOHANG) < 0;
}

static int teardown(void **state)
{
        struct world *w = *state;

        bool gone = run_until(w->box->event, all_gone, w, PATIENCE_USEC);
        assert_null(smsd_direct_free(w->direct));
        process_table_free(w->table);
        box_free(w->box);
        free(w);
        return gone ? 0 : -1;
}

static const struct smsd_process *find_child(const struct world *w, pid_t parent, bool with_tty)
{
        const struct process_list *list = process_table_list(w->table);

        for (unsigned i = 0; i < list->n; i++)
                if (list->processes[i].parent == parent && (!with_tty || list->processes[i].tty[0]))
                        return &list->processes[i];
        return NULL;
}

static bool handler_has_port(void *userdata)
{
        struct world *w = userdata;

        assert_int_equal(process_table_scan(w->table), 0);
        return find_child(w, w->wanted, true);
}

static bool has_ended(void *userdata)
{
        return ((struct world *)userdata)->n_ended > 0;
}

static void await_end(struct world *w, struct process_id id)
{
        w->n_ended = 0;
        w->awaited = id;
}

static bool wanted_is_gone(void *userdata)
{
        char path[64];

        assert_true(snprintf(path, sizeof(path), "/proc/%d", (int)((struct world *)userdata)->wanted) > 0);
        return access(path, F_OK) < 0;
}

static size_t read_proc(pid_t pid, const char *name, char *text, size_t size)
{
        char path[64];
        size_t length = 0;
        ssize_t n;

        assert_true(snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name) > 0);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        while (length < size - 1 && (n = read(fd, text + length, size - 1 - length)) > 0)
                length += (size_t)n;
        text[length] = '\0';
        return length;
}

static void expect_fd(pid_t pid, int fd, const char *wanted)
{
        char path[64], target[PATH_MAX];

        assert_true(snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd) > 0);
        ssize_t n = readlink(path, target, sizeof(target) - 1);
        if (!wanted) {
                assert_int_equal(n, -1);
                return;
        }
        assert_true(n > 0);
        target[n] = '\0';
        assert_string_equal(target, wanted);
}

static bool environment_has(const char *text, size_t length, const char *wanted)
{
        for (const char *p = text; p < text + length; p += strlen(p) + 1)
                if (strcmp(p, wanted) == 0)
                        return true;
        return false;
}

static void test_what_it_inherits(void **state)
{
        struct world *w = *state;
        struct process_id id = {0};
        char text[65536];

        assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
        assert_int_equal(setenv("SMSWARDEN_TEST", "kept", 1), 0);
        assert_int_equal(setenv("NOTIFY_SOCKET", "/nonexistent", 1), 0);
        int leak = open("/dev/zero", O_RDONLY); /* on purpose without O_CLOEXEC */
        assert_true(leak >= 0 && dup2(leak, 200) == 200);
        assert_int_equal(smsd_direct_start(w->direct, &w->options, &id), 0);
        (void)close(leak);
        (void)close(200);
        assert_int_equal(process_table_watch(w->table, id), 0);
        w->wanted = id.pid;
        assert_true(run_until(w->box->event, handler_has_port, w, PATIENCE_USEC));

        assert_int_equal(getsid(id.pid), id.pid);
        expect_fd(id.pid, 0, "/dev/null");
        expect_fd(id.pid, 1, w->box->output);
        expect_fd(id.pid, 2, w->box->output);
        expect_fd(id.pid, 3, w->box->log);
        expect_fd(id.pid, leak > 4 ? leak : 200, NULL);
        expect_fd(id.pid, 200, NULL);
        (void)read_proc(id.pid, "status", text, sizeof(text));
        assert_non_null(strstr(text, "SigBlk:\t0000000000000000\n"));
        /* 32 and 33 are glibc's own; make ignores them for its children, and nobody can take that back. */
        const char *ignored = strstr(text, "SigIgn:\t");
        assert_non_null(ignored);
        assert_int_equal(strtoull(ignored + strlen("SigIgn:\t"), NULL, 16) & ~0x180000000ULL, 0);
        size_t length = read_proc(id.pid, "environ", text, sizeof(text));
        assert_true(environment_has(text, length, "SMSWARDEN_TEST=kept"));
        assert_false(environment_has(text, length, "NOTIFY_SOCKET=/nonexistent"));
        (void)read_proc(id.pid, "oom_score_adj", text, sizeof(text));
        assert_string_equal(text, "0\n");
        const struct smsd_process *handler = find_child(w, id.pid, true);
        assert_true(handler->ours);
        assert_string_equal(handler->tty, w->box->tty);
        assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
        assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
}

static void test_exec_fails(void **state)
{
        struct world *w = *state;
        struct process_id id = {.pid = 42};

        w->options.smsd = "/nonexistent/smsd";
        assert_int_equal(smsd_direct_start(w->direct, &w->options, &id), -ENOENT);
        w->options.smsd = w->box->conf;
        assert_int_equal(smsd_direct_start(w->direct, &w->options, &id), -EACCES);
        assert_int_equal(id.pid, 42);
        /* No zombie is left. */
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        w->options.smsd = w->box->smsd;
        w->options.user = "no-such-account";
        assert_int_equal(smsd_direct_start(w->direct, &w->options, &id), -ESRCH);
        w->options.user = "smsd";
        w->options.group = "no-such-group";
        assert_int_equal(smsd_direct_start(w->direct, &w->options, &id), -ESRCH);
}

static void test_refused_configuration(void **state)
{
        struct world *w = *state;
        struct process_id id;
        char text[4096];

        box_write_conf(w->box, w->box->conf, w->box->pidfile, "nonsense = 1\n");
        assert_int_equal(smsd_direct_start(w->direct, &w->options, &id), 0);
        await_end(w, id);
        assert_int_equal(process_table_watch(w->table, id), 0);
        assert_true(run_until(w->box->event, has_ended, w, PATIENCE_USEC));
        assert_true(w->known);
        assert_int_equal(w->status, 1);
        _cleanup_close_ int fd = open(w->box->output, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, text, sizeof(text) - 1);
        assert_true(n > 0);
        text[n] = '\0';
        assert_non_null(strstr(text, "- Unknown global setting: nonsense\n"));
}

static bool up_or_ended(void *userdata)
{
        return has_ended(userdata) || handler_has_port(userdata);
}

static bool log_says(const struct world *w, const char *piece)
{
        char text[8192];

        _cleanup_close_ int fd = open(w->box->log, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
        assert_true(n >= 0);
        text[n] = '\0';
        return strstr(text, piece);
}

/*
 * smsd keeps its statistics in memory that is named after its pid, /tmp/mm_smsd_PID.sem. When an smsd of
 * another account was killed under the same pid (the tests do that all day), its file is there for ever, and
 * the new smsd gives up. The next one has another pid.
 */
static struct process_id start_as_account(struct world *w)
{
        struct process_id id;

        for (unsigned tries = 0; tries < 20; tries++) {
                assert_int_equal(smsd_direct_start(w->direct, &w->options, &id), 0);
                await_end(w, id);
                assert_int_equal(process_table_watch(w->table, id), 0);
                w->wanted = id.pid;
                assert_true(run_until(w->box->event, up_or_ended, w, PATIENCE_USEC));
                if (!has_ended(w))
                        return id;
                assert_true(log_says(w, "Cannot create shared memory for statistics"));
        }
        fail_msg("every pid was taken");
        return id;
}

static void test_account_and_runtime_folder(void **state)
{
        struct world *w = *state;
        const struct passwd *account = getpwnam("smsd");
        const struct group *group = getgrnam("dialout");
        char folder[64] = "/run/smswarden-test-XXXXXX", pidfile[128], infofile[128], text[8192], wanted[64];
        struct stat made;

        assert_non_null(account);
        assert_non_null(group);
        assert_non_null(mkdtemp(folder));
        assert_int_equal(rmdir(folder), 0);
        assert_true(snprintf(pidfile, sizeof(pidfile), "%s/smsd.pid", folder) > 0);
        assert_true(snprintf(infofile, sizeof(infofile), "%s/smsd.working", folder) > 0);
        w->options.pidfile = pidfile;
        w->options.infofile = infofile;
        w->options.output = w->box->log; /* one file for both: a new one must be writable for smsd */
        w->options.user = NULL;
        struct process_id id = start_as_account(w);
        assert_int_equal(stat(folder, &made), 0);
        (void)read_proc(id.pid, "status", text, sizeof(text));
        bool has_pidfile = access(pidfile, F_OK) == 0;
        kill_and_tidy(w, id);
        remove_tree(folder);
        assert_true(has_pidfile);
        assert_int_equal(made.st_mode & 07777, 02755);
        assert_int_equal(made.st_uid, account->pw_uid);
        assert_int_equal(made.st_gid, account->pw_gid);
        assert_true(snprintf(wanted, sizeof(wanted), "Uid:\t%u\t%u\t", account->pw_uid, account->pw_uid) > 0);
        assert_non_null(strstr(text, wanted));
        assert_true(snprintf(wanted, sizeof(wanted), "Gid:\t%u\t%u\t", group->gr_gid, group->gr_gid) > 0);
        assert_non_null(strstr(text, wanted));
}

/* Folders anywhere else, deeper, or hidden are not made. */
static void test_other_folders_are_not_made(void **state)
{
        static const char *const paths[] = {
            "/run/smswarden-none/deeper/smsd.pid", "/run/../smswarden-none/smsd.pid",
            "/run//smswarden-none/smsd.pid", "/tmp/smswarden-none/smsd.pid", "/run/smswarden-none.pid"};
        struct world *w = *state;
        struct process_id id;

        w->options.smsd = "/nonexistent/smsd";
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                w->options.pidfile = paths[i];
                assert_int_equal(smsd_direct_start(w->direct, &w->options, &id), -ENOENT);
                assert_int_equal(access("/run/smswarden-none", F_OK), -1);
                assert_int_equal(access("/smswarden-none", F_OK), -1);
                assert_int_equal(access("/tmp/smswarden-none", F_OK), -1);
        }
}

static void test_hostile_output(void **state)
{
        struct world *w = *state;
        struct process_id id;
        char victim[128];

        box_path(w->box, victim, "victim");
        write_file(victim, "precious");
        assert_int_equal(symlink(victim, w->box->output), 0);
        assert_int_equal(smsd_direct_start(w->direct, &w->options, &id), -ELOOP);
        assert_int_equal(unlink(w->box->output), 0);
        assert_int_equal(link(victim, w->box->output), 0);
        assert_int_equal(smsd_direct_start(w->direct, &w->options, &id), -EPERM);
        assert_int_equal(unlink(w->box->output), 0);
        assert_int_equal(mkfifo(w->box->output, 0666), 0);
        assert_int_equal(smsd_direct_start(w->direct, &w->options, &id), -ENXIO);
}

/* Subreaper: the handler of a killed main becomes our child, stays ours, and its end is told with its status.
 */
static void test_orphaned_handler(void **state)
{
        struct world *w = *state;
        struct process_id id;

        assert_int_equal(smsd_direct_start(w->direct, &w->options, &id), 0);
        assert_int_equal(process_table_watch(w->table, id), 0);
        w->wanted = id.pid;
        assert_true(run_until(w->box->event, handler_has_port, w, PATIENCE_USEC));
        struct process_id handler = find_child(w, id.pid, true)->id;
        await_end(w, id);
        assert_int_equal(process_table_signal(w->table, id, SIGKILL), 0);
        assert_true(run_until(w->box->event, has_ended, w, PATIENCE_USEC));
        assert_true(w->known);
        assert_int_equal(w->status, -SIGKILL);
        assert_int_equal(process_table_scan(w->table), 0);
        const struct smsd_process *orphan = find_child(w, getpid(), true);
        assert_non_null(orphan);
        assert_true(process_id_equal(orphan->id, handler) && orphan->ours);
        await_end(w, handler);
        assert_int_equal(process_table_signal(w->table, handler, SIGKILL), 0);
        assert_true(run_until(w->box->event, has_ended, w, PATIENCE_USEC));
        assert_true(w->known);
        assert_int_equal(w->status, -SIGKILL);
}

/* Somebody's grandchild that nobody waits for. */
static void test_strange_orphan_is_reaped(void **state)
{
        struct world *w = *state;
        int pipe_fds[2];

        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
        pid_t child = fork();
        if (child == 0) {
                pid_t grandchild = fork();
                if (grandchild != 0) {
                        ssize_t n = write(pipe_fds[1], &grandchild, sizeof(grandchild));
                        _exit(n == (ssize_t)sizeof(grandchild) ? 0 : 1);
                }
                _exit(0);
        }
        assert_int_equal(read(pipe_fds[0], &w->wanted, sizeof(w->wanted)), sizeof(w->wanted));
        (void)close(pipe_fds[0]);
        (void)close(pipe_fds[1]);
        assert_true(run_until(w->box->event, wanted_is_gone, w, PATIENCE_USEC));
        w->wanted = child;
        assert_true(run_until(w->box->event, wanted_is_gone, w, PATIENCE_USEC));
}

#define DIRECT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
            DIRECT(test_what_it_inherits),           DIRECT(test_exec_fails),
            DIRECT(test_refused_configuration),      DIRECT(test_account_and_runtime_folder),
            DIRECT(test_other_folders_are_not_made), DIRECT(test_hostile_output),
            DIRECT(test_orphaned_handler),           DIRECT(test_strange_orphan_is_reaped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
