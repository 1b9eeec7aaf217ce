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

void pause_ms(long milliseconds)
{
        (void)nanosleep(
            &(struct timespec){.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000},
            NULL);
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

/* The port on 127.0.0.1 that the process listens on, 0 none yet; our own, which it has until its exec, are no
 * such. */
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
                    state == 0x0a && has_socket(pid, inode) && !has_socket(getpid(), inode))
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
