/*
 * The process table with real smsd processes: who is seen, and whose it is. Their ends are in
 * test_process_table_end.c.
 */
#include "process_table_world.h"

#include <sys/resource.h>

#include <sched.h>

static int setup_ps_trick(void **state)
{
        return setup_with(state, "use_linux_ps_trick = yes\n");
}

static bool was_opened(void *userdata)
{
        return ((struct world *)userdata)->opened > 0;
}

static void test_main_and_handler(void **state)
{
        struct world *w = *state;

        w->wanted = start_by_hand(w->box, "-c", w->box->conf);
        assert_true(run_until(w->box->event, handler_has_port, w, PATIENCE_USEC));
        const struct smsd_process *main_process = find(w, w->wanted), *handler = find_child(w, w->wanted);
        assert_true(main_process->ours && main_process->in_pidfile);
        assert_int_equal(main_process->parent, getpid());
        assert_int_equal(main_process->group, getpgrp());
        assert_string_equal(main_process->tty, "");
        assert_true(handler->ours && !handler->in_pidfile && !handler->tty_deleted);
        assert_string_equal(handler->tty, w->box->tty);
        assert_true(handler->id.start_time >= main_process->id.start_time);
        assert_true(process_table_watches(w->table, handler->id.pid));
        assert_true(w->changed > 0);
}

static void test_dead_port(void **state)
{
        struct world *w = *state;

        w->wanted = start_by_hand(w->box, "-c", w->box->conf);
        assert_true(run_until(w->box->event, handler_has_port, w, PATIENCE_USEC));
        w->box->pty = close_fd(w->box->pty);
        assert_int_equal(process_table_scan(w->table), 0);
        const struct smsd_process *handler = find_child(w, w->wanted);
        assert_true(handler->tty_deleted);
        assert_string_equal(handler->tty, w->box->tty);
}

static void test_start_by_hand_is_noticed(void **state)
{
        struct world *w = *state;

        assert_int_equal(process_table_scan(w->table), 0);
        assert_int_equal(w->opened, 0);
        (void)start_by_hand(w->box, "-c", w->box->conf);
        assert_true(run_until(w->box->event, was_opened, w, PATIENCE_USEC));
}

static void test_other_configuration_is_not_ours(void **state)
{
        struct world *w = *state;
        char conf[128], pidfile[128];

        box_path(w->box, conf, "other.conf");
        box_path(w->box, pidfile, "other.pid");
        box_write_conf(w->box, conf, pidfile, "");
        w->wanted = start_by_hand(w->box, "-c", conf);
        assert_true(run_until(w->box->event, handler_has_port, w, PATIENCE_USEC));
        assert_false(find(w, w->wanted)->ours);
        assert_false(find_child(w, w->wanted)->ours);
        assert_false(process_table_watches(w->table, w->wanted));
        /* Until our pidfile names it. */
        char text[32];
        assert_true(snprintf(text, sizeof(text), "%d\n", (int)w->wanted) > 0);
        write_file(w->box->pidfile, text);
        assert_int_equal(process_table_scan(w->table), 0);
        assert_true(find(w, w->wanted)->ours);
}

/* The same file by another path, and -cFILE in one word behind other options. */
static void test_same_configuration_by_another_path(void **state)
{
        struct world *w = *state;
        char path[200], option[256];

        assert_true(snprintf(path, sizeof(path), "%s/./smsd.conf", w->box->folder) > 0);
        assert_true(snprintf(option, sizeof(option), "-tc%s", path) > 0);
        w->wanted = start_by_hand(w->box, option, "-nX");
        assert_true(run_until(w->box->event, handler_has_port, w, PATIENCE_USEC));
        assert_int_equal(unlink(w->box->pidfile), 0);
        assert_int_equal(process_table_scan(w->table), 0);
        assert_true(find(w, w->wanted)->ours);
        assert_true(find_child(w, w->wanted)->ours);
}

static void expect_command_line(pid_t pid, const char *wanted)
{
        char path[64], text[4096];

        assert_true(snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid) > 0);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, text, sizeof(text) - 1);
        assert_true(n > 0);
        text[n] = '\0';
        assert_string_equal(text, wanted);
}

static void test_overwritten_command_line(void **state)
{
        struct world *w = *state;

        w->wanted = start_by_hand(w->box, "-c", w->box->conf);
        assert_true(run_until(w->box->event, handler_has_port, w, PATIENCE_USEC));
        struct process_id main_id = find(w, w->wanted)->id, handler_id = find_child(w, w->wanted)->id;
        expect_command_line(main_id.pid, "smsd: MAINPROCESS");
        expect_command_line(handler_id.pid, "smsd: GSM1");
        assert_true(find(w, main_id.pid)->ours && find(w, handler_id.pid)->ours);
        await_end(w, main_id);
        assert_int_equal(process_table_signal(w->table, main_id, SIGKILL), 0);
        assert_true(run_until(w->box->event, has_ended, w, PATIENCE_USEC));
        assert_int_equal(process_table_scan(w->table), 0);
        assert_true(find(w, handler_id.pid)->ours);
        /* Also for a table that has never seen its parent. */
        process_table_free(w->table);
        open_table(w);
        assert_int_equal(process_table_scan(w->table), 0);
        assert_true(find(w, handler_id.pid)->ours);
}

static bool anything_listed(void *userdata)
{
        struct world *w = userdata;

        assert_int_equal(process_table_scan(w->table), 0);
        return process_table_list(w->table)->n > 0;
}

/* A container with our configuration mounted into it: listed, never ours. */
static void test_other_pid_namespace_is_not_ours(void **state)
{
        struct world *w = *state;
        int status = 0;
        pid_t child = fork();

        if (child == 0)
                _exit(unshare(CLONE_NEWPID) < 0 || start_by_hand(w->box, "-c", w->box->conf) < 0 ? 77 : 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WEXITSTATUS(status) == 77)
                skip();
        assert_true(run_until(w->box->event, anything_listed, w, PATIENCE_USEC));
        const struct process_list *list = process_table_list(w->table);
        for (unsigned i = 0; i < list->n; i++) {
                assert_false(list->processes[i].ours);
                assert_false(process_table_watches(w->table, list->processes[i].id.pid));
        }
}

static void test_stale_pidfile_names_a_stranger(void **state)
{
        struct world *w = *state;
        char text[32];
        pid_t stranger = fork();

        if (stranger == 0) {
                (void)execlp("sleep", "smsd", "600", (char *)NULL);
                _exit(127);
        }
        assert_true(snprintf(text, sizeof(text), "%d\n", (int)stranger) > 0);
        write_file(w->box->pidfile, text);
        assert_int_equal(process_table_scan(w->table), 0);
        assert_int_equal(process_table_list(w->table)->n, 0);
        assert_false(process_table_watches(w->table, stranger));
        assert_int_equal(kill(stranger, SIGKILL), 0);
        assert_int_equal(waitpid(stranger, NULL, 0), stranger);
}

static void test_bad_pidfiles(void **state)
{
        static const char *const texts[] = {"",
                                            "\n",
                                            "abc\n",
                                            "-1\n",
                                            "0\n",
                                            "99999999999999999999\n",
                                            "1234567890123456789012345678901234567890"};
        struct world *w = *state;

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                write_file(w->box->pidfile, texts[i]);
                assert_int_equal(process_table_scan(w->table), 0);
        }
        assert_int_equal(unlink(w->box->pidfile), 0);
        assert_int_equal(mkfifo(w->box->pidfile, 0666), 0);
        assert_int_equal(process_table_scan(w->table), 0);
        assert_int_equal(process_table_set_pidfile(w->table, NULL), 0);
        assert_int_equal(process_table_scan(w->table), 0);
}

/* A package upgrade: the old smsd runs on from a deleted file, the new one is watched. */
static void test_binary_is_replaced(void **state)
{
        struct world *w = *state;
        char new_binary[128];

        w->wanted = start_by_hand(w->box, "-c", w->box->conf);
        assert_true(run_until(w->box->event, handler_has_port, w, PATIENCE_USEC));
        box_path(w->box, new_binary, "smsd.dpkg-new");
        copy_file("/usr/sbin/smsd", new_binary);
        assert_int_equal(rename(new_binary, w->box->smsd), 0);
        assert_int_equal(process_table_scan(w->table), 0);
        assert_true(find(w, w->wanted)->ours);
        assert_true(find_child(w, w->wanted)->ours);
        /* The rename itself is told; afterwards so is the start of the new one. */
        w->opened = 0;
        while (sd_event_run(w->box->event, 0) > 0)
                ;
        w->opened = 0;
        (void)start_by_hand(w->box, "-c", w->box->conf);
        assert_true(run_until(w->box->event, was_opened, w, PATIENCE_USEC));
}

static void test_binary_goes_and_returns(void **state)
{
        struct world *w = *state;

        assert_int_equal(unlink(w->box->smsd), 0);
        assert_int_equal(process_table_scan(w->table), 0);
        while (sd_event_run(w->box->event, 0) > 0)
                ;
        w->opened = 0;
        copy_file("/usr/sbin/smsd", w->box->smsd);
        assert_true(run_until(w->box->event, was_opened, w, PATIENCE_USEC));
        while (sd_event_run(w->box->event, 0) > 0)
                ;
        w->opened = 0;
        (void)start_by_hand(w->box, "-c", w->box->conf);
        assert_true(run_until(w->box->event, was_opened, w, PATIENCE_USEC));
}

/* What we used ourselves: on a busy machine a scan takes as long as the others let it. */
static int64_t cpu_usec(void)
{
        struct timespec used;

        assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used), 0);
        return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

static void test_scan_cost(void **state)
{
        enum { OTHERS = 300, SCANS = 20 };
        struct world *w = *state;
        pid_t others[OTHERS];

        for (size_t i = 0; i < OTHERS; i++) {
                others[i] = fork();
                if (others[i] == 0) {
                        (void)pause();
                        _exit(0);
                }
        }
        int64_t before = cpu_usec();
        for (size_t i = 0; i < SCANS; i++)
                assert_int_equal(process_table_scan(w->table), 0);
        int64_t each = (cpu_usec() - before) / SCANS;
        for (size_t i = 0; i < OTHERS; i++) {
                assert_int_equal(kill(others[i], SIGKILL), 0);
                assert_int_equal(waitpid(others[i], NULL, 0), others[i]);
        }
        print_message("a scan with over %d processes takes %lld us of the processor\n", OTHERS,
                      (long long)each);
        assert_true(each < 50000);
}

/* All descriptors in use: /proc cannot be read, which is not the same as no smsd there. */
static void test_no_descriptor_left_is_no_picture(void **state)
{
        struct world *w = *state;
        struct rlimit before;

        w->wanted = start_by_hand(w->box, "-c", w->box->conf);
        assert_true(run_until(w->box->event, handler_has_port, w, PATIENCE_USEC));
        unsigned told = w->changed;
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        struct rlimit none = {.rlim_cur = 3, .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        int r = process_table_scan(w->table);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(r, -EMFILE);
        assert_int_equal(w->changed, told);
        assert_int_equal(process_table_scan(w->table), 0);
        assert_non_null(find(w, w->wanted));
}

static void test_absent_binary_folder(void **state)
{
        struct world *w = *state;
        const struct process_table_options options = {.smsd = "/nonexistent/folder/smsd",
                                                      .smsd_conf = "/nonexistent/smsd.conf"};
        const struct process_table_callbacks callbacks = {0};
        struct process_table *table = NULL;

        assert_int_equal(process_table_new(&table, w->box->event, &options, &callbacks, NULL), 0);
        assert_int_equal(process_table_scan(table), 0);
        assert_int_equal(process_table_list(table)->n, 0);
        process_table_free(table);
        assert_null(process_table_free(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            WITH_SMSD(test_main_and_handler),
            WITH_SMSD(test_dead_port),
            WITH_SMSD(test_start_by_hand_is_noticed),
            WITH_SMSD(test_other_configuration_is_not_ours),
            WITH_SMSD(test_same_configuration_by_another_path),
            cmocka_unit_test_setup_teardown(test_overwritten_command_line, setup_ps_trick, teardown),
            WITH_SMSD(test_other_pid_namespace_is_not_ours),
            WITH_SMSD(test_stale_pidfile_names_a_stranger),
            WITH_SMSD(test_bad_pidfiles),
            WITH_SMSD(test_binary_is_replaced),
            WITH_SMSD(test_binary_goes_and_returns),
            WITH_SMSD(test_scan_cost),
            WITH_SMSD(test_no_descriptor_left_is_no_picture),
            WITH_SMSD(test_absent_binary_folder),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
