/*
 * A program as a receiver, see transfer.h: the alert on its standard input, in a process group of its own,
 * for a minute at the most. Exit 0: done; 75 (EX_TEMPFAIL), a signal or the time: later; any other: never,
 * with the last line that it wrote to its standard error as the reason.
 *
 * Its input is a file in memory, so it can neither block us nor send us a SIGPIPE; it gets nothing of our
 * environment but PATH, for there are the ways to systemd and to the secrets.
 */
#include "transfer.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>

#define LINE_MAX_LENGTH 160
#define PATH_DEFAULT    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct exec {
        transfer_done_fn done;
        void *userdata;
        pid_t pid; /* 0: it has ended */
        int said;  /* its standard error */
        bool late;
        bool at_line_begin;
        size_t length;
        char line[LINE_MAX_LENGTH + 1]; /* the last that was not empty */
        sd_event_source *child_source, *said_source, *timer;
};

/* --- what it says --- */

static void take_byte(struct exec *exec, char byte)
{
        if (byte == '\n') {
                exec->at_line_begin = true;
                return;
        }
        if (exec->at_line_begin)
                exec->length = 0;
        exec->at_line_begin = false;
        if (exec->length < LINE_MAX_LENGTH)
                exec->line[exec->length++] = byte;
}

/* One bufferful: a program that shouts must not keep us from everything else. False at the end. */
static bool listen_once(struct exec *exec)
{
        char buffer[4096];
        ssize_t n = read(exec->said, buffer, sizeof(buffer));

        for (ssize_t i = 0; i < n; i++)
                take_byte(exec, buffer[i]);
        return n > 0;
}

static int on_said(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        (void)fd;
        (void)events;
        if (listen_once(userdata))
                return 0;
        return sd_event_source_set_enabled(source, SD_EVENT_OFF); /* it has closed it */
}

/* --- its end --- */

static void judge(const struct exec *exec, const siginfo_t *info, struct outcome *outcome)
{
        char said[sizeof(outcome->problem)];
        bool exited = info->si_code == CLD_EXITED;

        if (exited && info->si_status == EXIT_SUCCESS) {
                outcome->verdict = DELIVERY_DONE;
                return;
        }
        outcome->verdict = exited && info->si_status != EX_TEMPFAIL ? DELIVERY_PARK : DELIVERY_RETRY;
        if (exec->late)
                (void)text_format(outcome->problem, sizeof(outcome->problem),
                                  "the program had not ended after %d s", TRANSFER_TIMEOUT);
        else if (exited)
                (void)text_format(outcome->problem, sizeof(outcome->problem),
                                  "the program ended with exit code %d", info->si_status);
        else
                (void)text_format(outcome->problem, sizeof(outcome->problem),
                                  "the program ended by signal %d", info->si_status);
        (void)text_escape(said, sizeof(said), exec->line, exec->length);
        if (said[0])
                (void)text_append(outcome->problem, sizeof(outcome->problem), ": %s", said);
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *userdata)
{
        struct exec *exec = userdata;
        struct outcome outcome = {0};

        (void)source;
        exec->pid = 0;
        /* What it said last; more than a pipe holds was read before. */
        for (unsigned i = 0; i < 16 && listen_once(exec); i++)
                continue;
        judge(exec, info, &outcome);
        exec->done(exec->userdata, &outcome);
        return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct exec *exec = userdata;

        (void)source;
        (void)usec;
        exec->late = true;
        if (exec->pid > 0)
                (void)kill(-exec->pid, SIGKILL); /* its end comes as ever */
        return 0;
}

/* --- its begin --- */

/* The text as a file without a name, to be read from its begin. */
static int open_input(const struct request *request)
{
        _cleanup_close_ int fd = memfd_create("alert", MFD_CLOEXEC);

        if (fd < 0)
                return -errno;
        int r = file_write_full(fd, request->body ? request->body : "", request->length);
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        int result = fd;
        fd = -1;
        return result;
}

struct spawn {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
};

static void spawn_done(struct spawn *spawn)
{
        (void)posix_spawn_file_actions_destroy(&spawn->actions);
        (void)posix_spawnattr_destroy(&spawn->attributes);
}

/* Positive errno, as posix_spawn has it. Signals as a shell would have them: we block some and ignore one. */
static int set_up(struct spawn *spawn, int input, int said)
{
        sigset_t none, all;

        (void)sigemptyset(&none);
        (void)sigfillset(&all);
        int e = posix_spawn_file_actions_adddup2(&spawn->actions, input, STDIN_FILENO);
        if (e == 0)
                e = posix_spawn_file_actions_addopen(&spawn->actions, STDOUT_FILENO, "/dev/null", O_WRONLY,
                                                     0);
        if (e == 0)
                e = posix_spawn_file_actions_adddup2(&spawn->actions, said, STDERR_FILENO);
        if (e == 0)
                e = posix_spawnattr_setflags(&spawn->attributes, POSIX_SPAWN_SETPGROUP |
                                                                     POSIX_SPAWN_SETSIGMASK |
                                                                     POSIX_SPAWN_SETSIGDEF);
        if (e == 0)
                e = posix_spawnattr_setpgroup(&spawn->attributes, 0);
        if (e == 0)
                e = posix_spawnattr_setsigmask(&spawn->attributes, &none);
        return e ? e : posix_spawnattr_setsigdefault(&spawn->attributes, &all);
}

static int spawn(struct exec *exec, const char *program, int input, int said)
{
        const char *path = getenv("PATH");
        char path_variable[1024], name[512];
        char *const arguments[] = {name, NULL};
        char *const environment[] = {path_variable, (char[]){"LANG=C.UTF-8"}, NULL};
        struct spawn spawn;

        if (!path || text_format(path_variable, sizeof(path_variable), "PATH=%s", path) < 0)
                (void)text_copy(path_variable, sizeof(path_variable), "PATH=" PATH_DEFAULT);
        (void)text_copy(name, sizeof(name), program);
        if (posix_spawn_file_actions_init(&spawn.actions) != 0)
                return -ENOMEM;
        if (posix_spawnattr_init(&spawn.attributes) != 0) {
                (void)posix_spawn_file_actions_destroy(&spawn.actions);
                return -ENOMEM;
        }
        int e = set_up(&spawn, input, said);
        if (e == 0)
                e = posix_spawn(&exec->pid, program, &spawn.actions, &spawn.attributes, arguments,
                                environment);
        spawn_done(&spawn);
        return -e;
}

static int start(struct exec *exec, const struct request *request)
{
        _cleanup_close_ int input = open_input(request);
        int pipe_fds[2];

        if (input < 0)
                return input;
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        exec->said = pipe_fds[0];
        _cleanup_close_ int said = pipe_fds[1];
        if (fcntl(exec->said, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        return spawn(exec, request->url, input, said);
}

static int add_sources(struct exec *exec, sd_event *event)
{
        int r = sd_event_add_child(event, &exec->child_source, exec->pid, WEXITED, on_end, exec);

        if (r >= 0)
                r = sd_event_add_io(event, &exec->said_source, exec->said, EPOLLIN, on_said, exec);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &exec->timer, CLOCK_BOOTTIME,
                                               TRANSFER_TIMEOUT * USEC_PER_SEC, 0, on_time, exec);
        return r;
}

static void cleanup_exec(struct exec **exec)
{
        *exec = exec_free(*exec);
}

int exec_new(struct exec **ret, sd_event *event, const struct request *request, transfer_done_fn done,
             void *userdata)
{
        _cleanup_(cleanup_exec) struct exec *exec = calloc(1, sizeof(*exec));

        if (!exec)
                return -ENOMEM;
        exec->said = -1;
        exec->done = done;
        exec->userdata = userdata;
        int r = start(exec, request);
        if (r >= 0)
                r = add_sources(exec, event);
        if (r < 0)
                return r;
        *ret = exec;
        exec = NULL;
        return 0;
}

struct exec *exec_free(struct exec *exec)
{
        if (!exec)
                return NULL;
        (void)sd_event_source_disable_unref(exec->child_source);
        (void)sd_event_source_disable_unref(exec->said_source);
        (void)sd_event_source_disable_unref(exec->timer);
        if (exec->pid > 0) {
                (void)kill(-exec->pid, SIGKILL);
                child_reap(exec->pid);
        }
        (void)close_fd(exec->said);
        free(exec);
        return NULL;
}
