/*
 * Servers for the tests, see server.h. Which port the kernel gave is read from /proc: it needs no help from
 * the server, and there is no moment in which somebody else could take the port.
 */
#include "server.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define LIMIT_S 30

static void pause_ms(long milliseconds)
{
        (void)nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

static void show_log(const char *log)
{
        char text[4096];
        size_t length;

        if (file_read_into(log, 0, text, sizeof(text), &length) == 0)
                print_message("%s:\n%s\n", log, text);
}

static pid_t spawn(const char *const argv[], const char *log)
{
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
                _exit(126);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
}

/* True when the process has the socket with this inode. */
static bool has_socket(pid_t pid, unsigned long inode)
{
        char path[320], target[64], wanted[64];
        struct dirent *entry;
        bool found = false;

        (void)text_format(wanted, sizeof(wanted), "socket:[%lu]", inode);
        (void)text_format(path, sizeof(path), "/proc/%d/fd", (int)pid);
        DIR *folder = opendir(path);
        while (folder && !found && (entry = readdir(folder))) {
                (void)text_format(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, entry->d_name);
                ssize_t n = readlink(path, target, sizeof(target) - 1);
                target[n > 0 ? n : 0] = '\0';
                found = text_equal(target, wanted);
        }
        if (folder)
                (void)closedir(folder);
        return found;
}

/* The port on 127.0.0.1 that the process listens on, 0 none yet. */
static unsigned listening_port(pid_t pid)
{
        char path[64], line[512];

        (void)text_format(path, sizeof(path), "/proc/%d/net/tcp", (int)pid);
        _cleanup_fclose_ FILE *table = fopen(path, "re");
        while (table && fgets(line, sizeof(line), table)) {
                unsigned port, state;
                unsigned long inode;
                if (sscanf(line, " %*u: 0100007F:%x %*x:%*x %x %*s %*s %*s %*u %*u %lu", &port, &state,
                           &inode) == 3 &&
                    state == 0x0a && has_socket(pid, inode))
                        return port;
        }
        return 0;
}

struct server server_start(const char *const argv[], const char *log)
{
        struct server server = {.pid = spawn(argv, log)};

        for (unsigned i = 0; i < LIMIT_S * 50; i++) {
                server.port = listening_port(server.pid);
                if (server.port > 0)
                        return server;
                if (waitpid(server.pid, NULL, WNOHANG) == server.pid) {
                        server.pid = 0;
                        break;
                }
                pause_ms(20);
        }
        show_log(log);
        server_stop(&server);
        fail_msg("%s does not listen", argv[0]);
        return server;
}

void server_stop(struct server *server)
{
        if (server->pid <= 0)
                return;
        (void)kill(server->pid, SIGKILL);
        (void)waitpid(server->pid, NULL, 0);
        server->pid = 0;
}

int run_program(const char *const argv[], const char *log)
{
        pid_t pid = spawn(argv, log);
        int status = -1;

        for (unsigned i = 0; i < LIMIT_S * 100; i++) {
                pid_t ended = waitpid(pid, &status, WNOHANG);
                assert_true(ended >= 0);
                if (ended == pid) {
                        int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
                        if (code != 0)
                                show_log(log);
                        return code;
                }
                pause_ms(10);
        }
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        show_log(log);
        fail_msg("%s does not end", argv[0]);
        return -1;
}

/* --- the sink --- */

/* Reads one request, up to its Content-Length. Returns the body's begin, NULL: no whole one. */
static const char *read_request(int fd, char *buffer, size_t size, size_t *ret_length)
{
        size_t have = 0;

        for (;;) {
                ssize_t n = have < size - 1 ? read(fd, buffer + have, size - 1 - have) : 0;
                if (n <= 0)
                        return NULL;
                have += (size_t)n;
                buffer[have] = '\0';
                const char *end = strstr(buffer, "\r\n\r\n");
                const char *field = strcasestr(buffer, "\r\nContent-Length:");
                size_t length = field ? strtoul(field + 17, NULL, 10) : 0;
                if (end && have >= (size_t)(end + 4 - buffer) + length) {
                        *ret_length = length;
                        return end + 4;
                }
        }
}

static void serve(int listener, const char *folder)
{
        static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        static char buffer[256 * 1024];

        for (unsigned number = 1;;) {
                _cleanup_close_ int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                size_t length;
                const char *body = fd < 0 ? NULL : read_request(fd, buffer, sizeof(buffer), &length);
                char path[320];
                if (!body)
                        continue;
                (void)text_format(path, sizeof(path), "%s/%06u", folder, number++);
                if (file_replace(path, body, length, 0600) < 0 ||
                    file_write_full(fd, answer, sizeof(answer) - 1) < 0)
                        _exit(1);
        }
}

struct server sink_start(const char *folder)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof(address);
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(listener >= 0);
        assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
        assert_int_equal(listen(listener, 64), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
        struct server server = {.pid = fork(), .port = ntohs(address.sin_port)};
        assert_true(server.pid >= 0);
        if (server.pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)signal(SIGPIPE, SIG_IGN);
                serve(listener, folder);
        }
        (void)close(listener);
        return server;
}

unsigned sink_count(const char *folder)
{
        char path[320];

        for (unsigned n = 0;; n++) {
                (void)text_format(path, sizeof(path), "%s/%06u", folder, n + 1);
                if (access(path, F_OK) < 0)
                        return n;
        }
}
