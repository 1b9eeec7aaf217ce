/*
 * The guest's end of the command channel: a program on a virtio-serial port that runs one script at a time
 * and gives back its output and exit code. Static and alone, so that it works from early in the boot, and
 * with udev, D-Bus or libraries broken.
 *
 * The host asks with a line and bytes, we answer with a line and bytes:
 *
 *     sync ID\n                        -> done ID 0 0\n: begins a conversation, what came before is void
 *     put ID MODE LENGTH\n PATH\0 data -> done ID CODE 0\n: a file, written beside and renamed
 *     run ID LIMIT LENGTH\n script     -> done ID CODE LENGTH\n output; CODE: 0..255, 128+signal,
 *                                         124: not done after LIMIT (ms)
 *     wait ID LIMIT LENGTH\n script    -> again and again; 0: it succeeded, 1: never within LIMIT
 *     stay ID LIMIT LENGTH\n script    -> again and again; 0: it always succeeded, 1: it failed
 *
 * A script is run by /bin/sh -e in a session of its own; its output is a file, so that a daemon that it
 * leaves behind keeps nobody waiting. read() gives 0 while nobody is at the host's end of the port (before
 * the first connection, after a snapshot is loaded): what was half read is forgotten then.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT        "org.smswarden.test"
#define MOST_INPUT  (64u << 20)
#define MOST_OUTPUT (1 << 20)

/* Between two looks, in milliseconds. */
#define SHORTEST_PAUSE 100
#define LONGEST_PAUSE  2000
#define LONGEST_LOOK   30000 /* beyond the time of all */

static int port = -1;

static void nap(void)
{
        (void)poll(NULL, 0, 20);
}

/* The port by its name in sysfs: udev's link is not there before udev is, nor without it. */
static int open_port(void)
{
        char path[300], name[64];
        DIR *ports = opendir("/sys/class/virtio-ports");
        int fd = -1;

        if (!ports)
                return -1;
        for (struct dirent *entry = readdir(ports); entry && fd < 0; entry = readdir(ports)) {
                (void)snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
                FILE *file = fopen(path, "re");
                if (!file)
                        continue;
                if (fgets(name, sizeof(name), file) && strncmp(name, PORT, strlen(PORT)) == 0) {
                        (void)snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
                        fd = open(path, O_RDWR | O_CLOEXEC);
                }
                (void)fclose(file);
        }
        (void)closedir(ports);
        return fd;
}

/* All of it, or false when the host left in the middle. */
static bool read_bytes(char *data, size_t length)
{
        while (length > 0) {
                ssize_t n = read(port, data, length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                data += n;
                length -= (size_t)n;
        }
        return true;
}

static bool read_line(char *line, size_t size)
{
        for (size_t i = 0; i < size; i++) {
                if (!read_bytes(line + i, 1))
                        return false;
                if (line[i] == '\n') {
                        line[i] = '\0';
                        return true;
                }
        }
        return false; /* no line of ours */
}

static void write_bytes(const char *data, size_t length)
{
        while (length > 0) {
                ssize_t n = write(port, data, length);
                if (n < 0 && errno != EINTR)
                        return; /* the host left: it will begin with sync */
                if (n > 0) {
                        data += n;
                        length -= (size_t)n;
                }
        }
}

static void answer(const char *id, int code, const char *output, size_t length)
{
        char line[64];

        (void)snprintf(line, sizeof(line), "done %s %d %zu\n", id, code, length);
        write_bytes(line, strlen(line));
        write_bytes(output, length);
}

static int64_t now(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Ends what the script left running in its own process group, and itself. */
static int wait_child(pid_t pid, int64_t limit)
{
        int64_t end = now() + limit;
        int fd = (int)syscall(SYS_pidfd_open, pid, 0), status;
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        bool late = false;

        while (poll(&wait, 1, (int)(end > now() ? end - now() : 0)) < 0 && errno == EINTR)
                ;
        if (!(wait.revents & POLLIN)) {
                late = true;
                (void)kill(-pid, SIGKILL);
        }
        (void)close(fd);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (late)
                return 124;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void run_script(int script, int output)
{
        int null = open("/dev/null", O_RDONLY);
        char path[32];

        (void)setsid();
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(output, STDOUT_FILENO);
        (void)dup2(output, STDERR_FILENO);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", script);
        (void)execl("/bin/sh", "sh", "-e", path, (char *)NULL);
        _exit(127);
}

/* One script, its exit code; the output replaces what is in `out`. */
static int run_once(int out, int64_t limit, const char *script, size_t length)
{
        int in = memfd_create("script", 0), code = 126;

        if (in >= 0 && write(in, script, length) == (ssize_t)length && ftruncate(out, 0) == 0) {
                (void)lseek(in, 0, SEEK_SET);
                pid_t pid = fork();
                if (pid == 0)
                        run_script(in, out);
                if (pid > 0)
                        code = wait_child(pid, limit);
        }
        (void)close(in);
        return code;
}

/*
 * The script again and again until it ends as it is wanted, or the time is over; 0: it ended so. What is
 * looked with is taken from what is waited for, on a machine where each exec costs 50 ms: a look may cost a
 * third of the time at most, and what is waited for long is asked for less often.
 */
static int run_until(int out, bool wanted, int64_t limit, const char *script, size_t length)
{
        int64_t start = now(), end = start + limit;

        for (;;) {
                int64_t began = now();
                if ((run_once(out, end - began + LONGEST_LOOK, script, length) == 0) == wanted)
                        return 0;
                if (now() > end)
                        return 1;
                int64_t looked = now() - began, waited = now() - start;
                int64_t pause = waited / 8 > 2 * looked ? waited / 8 : 2 * looked;
                pause = pause < SHORTEST_PAUSE  ? SHORTEST_PAUSE
                        : pause > LONGEST_PAUSE ? LONGEST_PAUSE
                                                : pause;
                (void)poll(NULL, 0, (int)pause);
        }
}

/* The last of the output, when it is too much. */
static void answer_output(const char *id, int code, int out)
{
        off_t size = lseek(out, 0, SEEK_END), from = size > MOST_OUTPUT ? size - MOST_OUTPUT : 0;
        char *output = malloc(MOST_OUTPUT);
        ssize_t n = output ? pread(out, output, (size_t)(size - from), from) : 0;

        answer(id, code, output, n > 0 ? (size_t)n : 0);
        free(output);
}

/* `run` gives the script's exit code; `wait` 0 when it succeeded, 1 when it never did; `stay` 0 when it
 * always did, 1 when it failed. */
static void run(const char *verb, const char *id, int64_t limit, const char *script, size_t length)
{
        int out = memfd_create("output", MFD_CLOEXEC), code;

        if (out < 0) {
                answer(id, 126, "agent: no memory", 16);
                return;
        }
        (void)fcntl(out, F_SETFL, O_APPEND);
        if (strcmp(verb, "wait") == 0)
                code = run_until(out, true, limit, script, length);
        else if (strcmp(verb, "stay") == 0)
                code = !run_until(out, false, limit, script, length);
        else
                code = run_once(out, limit, script, length);
        answer_output(id, code, out);
        (void)close(out);
}

static int put(const char *path, unsigned mode, const char *data, size_t length)
{
        char beside[4096];

        (void)snprintf(beside, sizeof(beside), "%s.put", path);
        int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return 1;
        bool good = write(fd, data, length) == (ssize_t)length && fchmod(fd, mode) == 0;
        good = close(fd) == 0 && good && rename(beside, path) == 0;
        if (!good)
                (void)unlink(beside);
        return good ? 0 : 1;
}

static bool serve(const char *line)
{
        char id[32], verb[8];
        long long number = 0;
        size_t length = 0;
        int n = sscanf(line, "%7s %31s %lli %zu", verb, id, &number, &length);

        if (n == 2 && strcmp(verb, "sync") == 0) {
                answer(id, 0, "", 0);
                return true;
        }
        if (n != 4 || length > MOST_INPUT)
                return true; /* the rest of what a host did not end; its sync comes */
        char *data = malloc(length + 1);
        if (!data)
                return false;
        bool whole = read_bytes(data, length);
        data[length] = '\0';
        size_t name = strlen(data) + 1;
        if (whole && strcmp(verb, "put") != 0)
                run(verb, id, number, data, length);
        else if (whole)
                answer(id, name <= length ? put(data, (unsigned)number, data + name, length - name) : 1, "",
                       0);
        free(data);
        return whole;
}

int main(void)
{
        char line[128];

        (void)signal(SIGPIPE, SIG_IGN);
        while ((port = open_port()) < 0)
                nap();
        for (;;)
                if (!read_line(line, sizeof(line)) || !serve(line))
                        nap();
}
