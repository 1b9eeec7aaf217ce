/*
 * A folder with a configuration, a history and a log of smsd, from the night of an outage; and the program
 * smswarden, run on it. Looks for the program beside the folder of the tests.
 */
#ifndef TESTS_HISTORY_FIXTURE_H
#define TESTS_HISTORY_FIXTURE_H

#include "../../src/cli/history.h"
#include "../../src/cli/since.h"

#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "temp_folder.h"

#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <libgen.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define NOBODY 65534
#define NOW    INT64_C(1732348800000000) /* 2024-11-23 08:00:00 UTC */
#define BOOT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BOOT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct fixture {
        char folder[64];
        char config[96], state[96], log[96];
        char program[PATH_MAX];
        char conf_text[512];
        struct smsd_conf conf;
};

/* --- the night of the outage --- */

struct record {
        const char *boot, *at, *event, *modem;
        enum severity severity;
        uint64_t incident;
        const char *message;
        usec_t duration;
};

/* clang-format off */
static const struct record records[] = {
        {BOOT_A, "2024-11-22 18:00:01", "modem-plugged", "", SEVERITY_INFO, 0, "a modem was plugged in at USB 1-1.2 (2c7c:0125)", 0},
        {BOOT_A, "2024-11-22 18:00:20", "smsd-started", "", SEVERITY_INFO, 0, "smsd was started (plug) and verified in 1s", 1000000},
        {BOOT_A, "2024-11-23 01:11:07", "smsd-died", "", SEVERITY_CRITICAL, 7000, "smsd (pid 8876) died, exit code 1: GSM1: write_to_modem: error 5: Input/output error", 0},
        {BOOT_A, "2024-11-23 01:11:09", "start-failed", "", SEVERITY_CRITICAL, 7000, "smsd could not be started (crash): no process of it came up within 10s", 0},
        {BOOT_A, "2024-11-23 01:11:40", "crash-loop", "GSM9", SEVERITY_CRITICAL, 7000, "smsd has failed 3 times in a row: restarts are slowed down", 0},
        {BOOT_A, "2024-11-23 03:14:00", "smsd-started", "", SEVERITY_INFO, 7000, "smsd was started (crash) and verified in 2s", 2000000},
        {BOOT_A, "2024-11-23 03:14:00", "working-again", "", SEVERITY_INFO, 7000, "SMS works again after 2h 3min", 7380000000},
        {BOOT_A, "2024-11-23 03:14:01", "alert", "", SEVERITY_CRITICAL, 7000, "smsd crashed (exit code 1)", 0},
        {BOOT_A, "2024-11-23 03:14:02", "alert", "", SEVERITY_INFO, 7000, "resolved: smsd crashed (exit code 1)", 7380000000},
        {BOOT_A, "2024-11-23 05:00:00", "hold-begun", "", SEVERITY_INFO, 8000, "root holds smsd for 30min (new antenna on the roof)", 0},
        {BOOT_B, "2024-11-23 04:10:00", "smsd-started", "", SEVERITY_INFO, 0, "smsd was started (boot) and verified in 1s: the clock went back an hour", 1000000},
        {BOOT_B, "2024-11-23 05:30:00", "modem-left", "GSM1", SEVERITY_WARNING, 8000, "the modem at USB 1-1.2 left", 0},
        {BOOT_B, "2024-11-23 05:30:09", "working-again", "", SEVERITY_INFO, 8000, "SMS works again after 9s", 9000000},
        {BOOT_B, "2024-11-23 06:00:00", "of-a-newer-version", "", SEVERITY_WARNING, 0, "\\x1b[2J stays harmless", 0},
};
/* clang-format on */

static const char smsd_log[] =
    "2024-11-22 23:58:00,5, GSM1: SMS received, From: 37061234512\n"
    "2024-11-22 23:58:10,5, GSM1: SMS received (part 1/2), From: 37061234512\n"
    "2024-11-22 23:58:11,5, GSM1: SMS received (part 2/2), From: 37061234512\n"
    "2024-11-22 23:58:12,5, GSM1: SMS received (report, Message_id: 7, Status: 0), From: 37061234512\n"
    "2024-11-22 23:58:14,5, GSM1: SMS sent, Message_id: 8, To: 37061234513, sending time 1 sec.\n"
    "2024-11-23 00:10:14,5, GSM1: SMS sent, Message_id: 9, To: 37061234513, sending time 12 sec.\n"
    "2024-11-23 00:10:20,6, GSM1: SMS sent, To: nothing that counts\n"
    "2024-11-23 01:10:58,3, GSM1: write_to_modem: error 5: Input/output error\n"
    "2024-11-23 01:11:06,4, GSM1: Sending SMS to 37061234513 failed, trying time 4 sec. Retries: 2.\n"
    "2024-11-23 02:00:00,5, GSM1: SMS received, From: Bank\033[31m\n"
    "2024-11-23 03:30:00,5, GSM1: SMS received, From: 1234\n"
    "2024-11-23 07:00:00,5, GSM1: SMS sent, Message_id: 10, To: 37061234513, sending ti";

static int64_t time_of(const char *text)
{
        int64_t at = 0;

        assert_int_equal(since_parse(text, NOW, &at), 0);
        return at;
}

static inline void fill(const struct record *record, struct history_entry *e)
{
        *e = (struct history_entry){.at = time_of(record->at),
                                    .severity = record->severity,
                                    .incident = record->incident,
                                    .duration = record->duration};
        (void)text_copy(e->boot, sizeof(e->boot), record->boot);
        (void)text_copy(e->event, sizeof(e->event), record->event);
        (void)text_copy(e->modem, sizeof(e->modem), record->modem);
        (void)text_copy(e->message, sizeof(e->message), record->message);
}

static inline void write_history(const struct fixture *f)
{
        struct history_file *history;
        struct history_entry e;

        assert_int_equal(history_file_new(&history, f->state), 0);
        for (unsigned i = 0; i < ARRAY_SIZE(records); i++) {
                fill(&records[i], &e);
                assert_int_equal(history_file_append(history, &e), 0);
        }
        history = history_file_free(history);
}

static inline void append_to(const char *path, const char *text)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* --- fixture --- */

static inline void find_program(struct fixture *f)
{
        char self[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

        assert_true(n > 0);
        self[n] = '\0'; /* BUILD/tests/cli/test_history */
        (void)text_format(f->program, sizeof(f->program), "%s/smswarden", dirname(dirname(dirname(self))));
        assert_int_equal(access(f->program, X_OK), 0);
}

static inline void put_file(const struct fixture *f, const char *name, const char *text)
{
        char path[128];

        (void)text_format(path, sizeof(path), "%s/%s", f->folder, name);
        assert_int_equal(file_replace(path, text, strlen(text), 0644), 0);
}

static inline int set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));
        char text[512];

        assert_non_null(f);
        *state = f;
        find_program(f);
        (void)text_copy(f->folder, sizeof(f->folder), "/tmp/test-history-XXXXXX");
        assert_non_null(mkdtemp(f->folder));
        (void)text_format(f->config, sizeof(f->config), "%s/smswarden.conf", f->folder);
        (void)text_format(f->state, sizeof(f->state), "%s/state", f->folder);
        (void)text_format(f->log, sizeof(f->log), "%s/smsd.log", f->folder);
        assert_int_equal(chmod(f->folder, 0755), 0);
        assert_int_equal(mkdir(f->state, 0711), 0);
        (void)text_format(text, sizeof(text),
                          "[gateway]\nsmsd_conf = %1$s/smsd.conf\nruntime_dir = %1$s/run\n"
                          "system_bus = off\nstate_dir = %1$s/state\n",
                          f->folder);
        put_file(f, "smswarden.conf", text);
        (void)text_format(f->conf_text, sizeof(f->conf_text),
                          "devices = GSM1\nlogfile = %1$s/smsd.log\n[GSM1]\ndevice = /dev/null\n", f->folder);
        put_file(f, "smsd.conf", f->conf_text);
        f->conf = (struct smsd_conf){.text = f->conf_text, .length = strlen(f->conf_text)};
        return 0;
}

static inline int set_up_night(void **state)
{
        int r = set_up(state);
        const struct fixture *f = *state;

        write_history(f);
        append_to(f->log, smsd_log);
        return r;
}

static inline int tear_down(void **state)
{
        struct fixture *f = *state;

        temp_folder_remove(f->folder);
        free(f);
        return 0;
}

/* --- the program --- */

struct output {
        int code;
        char out[65536];
        char err[4096];
};

static inline void read_all(int fd, char *target, size_t size)
{
        size_t length = 0;
        ssize_t n;

        while (length + 1 < size && (n = read(fd, target + length, size - 1 - length)) > 0)
                length += (size_t)n;
        target[length] = '\0';
        (void)close(fd);
}

static inline pid_t start(const struct fixture *f, uid_t uid, gid_t gid, int *ret_out, int *ret_err,
                          const char *const *words)
{
        const char *argv[16] = {f->program, "--config", f->config};
        int out[2], err[2];

        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        assert_int_equal(pipe2(err, O_CLOEXEC), 0);
        for (unsigned i = 0; i < 12 && words[i]; i++)
                argv[3 + i] = words[i];
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                /* Before the account changes: the build may lie in a folder that strangers cannot enter. */
                int program = open(f->program, O_PATH | O_CLOEXEC);
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || dup2(out[1], STDOUT_FILENO) < 0 ||
                    dup2(err[1], STDERR_FILENO) < 0 ||
                    (uid != 0 && (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setresuid(uid, uid, uid) < 0)))
                        _exit(120);
                fexecve(program, (char *const *)argv, environ);
                _exit(121);
        }
        (void)close(out[1]);
        (void)close(err[1]);
        *ret_out = out[0];
        *ret_err = err[0];
        return pid;
}

static inline void run_as(const struct fixture *f, uid_t uid, struct output *output, const char *const *words)
{
        int out, err, status = 0;
        pid_t pid = start(f, uid, uid, &out, &err, words);

        read_all(out, output->out, sizeof(output->out));
        read_all(err, output->err, sizeof(output->err));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        output->code = WEXITSTATUS(status);
}

#define RUN(f, output, ...)         run_as(f, 0, output, (const char *const[]){__VA_ARGS__, NULL})
#define RUN_AS(f, uid, output, ...) run_as(f, uid, output, (const char *const[]){__VA_ARGS__, NULL})

static inline void expect_in(const char *text, const char *wanted)
{
        if (!strstr(text, wanted))
                fail_msg("no \"%s\" in:\n%s", wanted, text);
}

#define TEST(name)  cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define NIGHT(name) cmocka_unit_test_setup_teardown(name, set_up_night, tear_down)

#endif
