/*
 * smswarden-notify in a folder of its own, see notifier.h.
 */
#include "notifier.h"

#include "adapters/alert_json.h"
#include "adapters/delivery_folder.h"
#include "base/file.h"
#include "base/text.h"
#include "core/spool_policy.h"
#include "messages.h"
#include "temp_folder.h"

#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

void notifier_init(struct notifier *notifier)
{
        char self[400];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

        assert_true(n > 0);
        self[n] = '\0'; /* BUILD/tests/alerts/test_X */
        *notifier = (struct notifier){0};
        (void)text_copy(notifier->folder, sizeof(notifier->folder), "/tmp/smswarden-notify.XXXXXX");
        assert_non_null(mkdtemp(notifier->folder));
        (void)text_format(notifier->program, sizeof(notifier->program), "%s/smswarden-notify",
                          dirname(dirname(dirname(self))));
        (void)text_format(notifier->config, sizeof(notifier->config), "%s/conf", notifier->folder);
        (void)text_format(notifier->spool, sizeof(notifier->spool), "%s/spool", notifier->folder);
        (void)text_format(notifier->state, sizeof(notifier->state), "%s/state", notifier->folder);
        (void)text_format(notifier->log, sizeof(notifier->log), "%s/log", notifier->folder);
        assert_int_equal(mkdir(notifier->spool, 0750), 0);
        notifier_configure(notifier, "; a test\n");
}

void notifier_done(struct notifier *notifier)
{
        if (notifier->pid > 0) {
                (void)kill(notifier->pid, SIGKILL);
                (void)waitpid(notifier->pid, NULL, 0);
        }
        temp_folder_remove(notifier->folder);
}

void notifier_configure(const struct notifier *notifier, const char *format, ...)
{
        FILE *file = fopen(notifier->config, "ae");
        va_list arguments;

        assert_non_null(file);
        va_start(arguments, format);
        (void)vfprintf(file, format, arguments);
        va_end(arguments);
        assert_int_equal(fclose(file), 0);
}

void notifier_put(const struct notifier *notifier, const struct alert_message *message)
{
        char name[SPOOL_NAME_MAX], path[320];
        _cleanup_free_ char *text = NULL;
        size_t length = 0;

        spool_name_format(name, message->sequence, message->alert.severity);
        (void)text_format(path, sizeof(path), "%s/%s", notifier->spool, name);
        assert_int_equal(alert_json_encode(message, &text, &length), 0);
        assert_int_equal(file_replace(path, text, length, 0640), 0);
}

void notifier_put_number(const struct notifier *notifier, uint64_t sequence)
{
        struct alert_message message = message_make(sequence, ALERT_SMSD_DOWN);

        notifier_put(notifier, &message);
}

void notifier_put_heartbeat(const struct notifier *notifier, uint64_t number)
{
        char path[320], text[256];

        (void)text_format(path, sizeof(path), "%s/heartbeat", notifier->spool);
        (void)text_format(text, sizeof(text),
                          "{\"number\":%llu,\"verdict\":\"working\",\"reason\":\"all is well\","
                          "\"at\":\"2026-11-23T08:00:00Z\",\"host\":\"gw1\"}\n",
                          (unsigned long long)number);
        assert_int_equal(file_replace(path, text, strlen(text), 0640), 0);
}

void notifier_exec(const struct notifier *notifier)
{
        char *const arguments[] = {
            (char *)notifier->program, (char[]){"--config"}, (char *)notifier->config, (char[]){"--spool"},
            (char *)notifier->spool,   (char[]){"--state"},  (char *)notifier->state,  NULL};
        int fd = open(notifier->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

        if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
                _exit(126);
        (void)execv(notifier->program, arguments);
        _exit(127);
}

void notifier_start(struct notifier *notifier)
{
        assert_int_equal(notifier->pid, 0);
        notifier->pid = fork();
        assert_true(notifier->pid >= 0);
        if (notifier->pid > 0)
                return;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        notifier_exec(notifier);
}

static void show_log(const struct notifier *notifier)
{
        _cleanup_free_ char *log = notifier_log(notifier);

        print_message("%s", log);
}

int notifier_end(struct notifier *notifier)
{
        _cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, notifier->pid, 0);
        struct pollfd wait = {.fd = pidfd, .events = POLLIN};
        int status;

        assert_true(pidfd >= 0);
        if (poll(&wait, 1, (int)(NOTIFIER_LIMIT / USEC_PER_MSEC)) != 1) {
                show_log(notifier);
                fail_msg("smswarden-notify does not end");
        }
        assert_int_equal(waitpid(notifier->pid, &status, 0), notifier->pid);
        notifier->pid = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int notifier_run(struct notifier *notifier)
{
        notifier_start(notifier);
        return notifier_end(notifier);
}

void notifier_run_well(struct notifier *notifier)
{
        int code = notifier_run(notifier);
        _cleanup_free_ char *log = notifier_log(notifier);

        if (code != 0)
                fail_msg("exit %d: %s", code, log);
}

void notifier_deliver(struct notifier *notifier, const struct alert_message *message)
{
        notifier_put(notifier, message);
        notifier_run_well(notifier);
}

bool notifier_has_failed(const struct delivery_receiver *state)
{
        return state->attempts > 0;
}

struct delivery_receiver notifier_state(const struct notifier *notifier, const char *name)
{
        struct delivery_receiver state = {0};
        int r = delivery_folder_read(notifier->state, name, &state);

        assert_true(r == 0 || r == -ENOENT);
        return state;
}

void notifier_wait_state(const struct notifier *notifier, const char *name,
                         bool (*right)(const struct delivery_receiver *state))
{
        struct delivery_receiver state = {0};

        for (unsigned i = 0; i < NOTIFIER_LIMIT / (5 * USEC_PER_MSEC); i++) {
                state = notifier_state(notifier, name);
                if (right(&state))
                        return;
                (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        }
        show_log(notifier);
        fail_msg("%s: position %llu, %u attempts, problem %s", name, (unsigned long long)state.position,
                 state.attempts, state.problem);
}

char *notifier_log(const struct notifier *notifier)
{
        char *text = NULL;
        size_t length;

        if (file_read(notifier->log, 0, 4 << 20, &text, &length) < 0)
                text = strdup("");
        assert_non_null(text);
        return text;
}

const char *notifier_file(const struct notifier *notifier, const char *name, const char *text, mode_t mode,
                          char path[256])
{
        (void)text_format(path, 256, "%s/%s", notifier->folder, name);
        assert_int_equal(file_replace(path, text, strlen(text), mode), 0);
        return path;
}
