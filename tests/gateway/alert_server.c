/*
 * Where a test's alerts go, see alert_server.h. One connection at a time, each closed behind its answer.
 */
#include "alert_server.h"

#include "base/file.h"
#include "base/text.h"
#include "gateway_tools.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define REQUEST_MAX 32768

/* --- the server --- */

/* The whole request: head, and as much behind it as the head says. */
static size_t read_request(int fd, char *text)
{
        size_t total = 0, wanted = 0;
        ssize_t n;

        while (total < REQUEST_MAX - 1 && (n = read(fd, text + total, REQUEST_MAX - 1 - total)) > 0) {
                total += (size_t)n;
                text[total] = '\0';
                char *body = strstr(text, "\r\n\r\n");
                const char *length = body ? strcasestr(text, "\r\nContent-Length:") : NULL;
                if (!body)
                        continue;
                wanted = (size_t)(body + 4 - text) + (length ? strtoul(length + 17, NULL, 10) : 0);
                if (total >= wanted)
                        break;
        }
        text[total] = '\0';
        return total;
}

static void serve(const struct alert_server *server, int fd)
{
        static char text[REQUEST_MAX];
        char answer[128];

        if (read_request(fd, text) == 0)
                return;
        const char *body = strstr(text, "\r\n\r\n");
        _cleanup_free_ char *status = gateway_read(server->answer);
        _cleanup_close_ int log = open(server->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        char line[REQUEST_MAX + 32];
        (void)text_format(line, sizeof(line), "%.3s %s\n", status, body ? body + 4 : "");
        (void)text_format(answer, sizeof(answer),
                          "HTTP/1.1 %.3s Tested\r\nContent-Length: 9\r\nConnection: close\r\n\r\nno reason",
                          status);
        if (file_write_full(log, line, strlen(line)) == 0)
                (void)file_write_full(fd, answer, strlen(answer));
}

static void run(const struct alert_server *server, pid_t parent) __attribute__((noreturn));

static void run(const struct alert_server *server, pid_t parent)
{
        (void)signal(SIGPIPE, SIG_IGN);
        /* The undertaker waits for the end of a pipe that we would keep open. */
        int listening = dup2(server->fd, STDIN_FILENO);
        (void)close_range(STDERR_FILENO + 1, ~0U, 0);
        while (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && listening >= 0) {
                int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
                if (fd < 0)
                        continue;
                serve(server, fd);
                (void)close(fd);
        }
        _exit(1);
}

/* --- the test's side --- */

static void listen_on(struct alert_server *server)
{
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)server->port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);
        int on = 1;

        server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(server->fd >= 0);
        assert_int_equal(setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
        assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &size), 0);
        server->port = ntohs(address.sin_port);
        assert_int_equal(listen(server->fd, 16), 0);
}

void alert_server_again(struct alert_server *server)
{
        pid_t parent = getpid();

        listen_on(server);
        server->pid = fork();
        assert_true(server->pid >= 0);
        if (server->pid == 0)
                run(server, parent);
        server->fd = close_fd(server->fd);
}

void alert_server_stop(struct alert_server *server)
{
        if (server->pid == 0)
                return;
        gateway_signal(server->pid, SIGKILL);
        assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
        server->pid = 0;
}

void alert_server_set_answer(const struct alert_server *server, const char *status)
{
        assert_int_equal(file_replace(server->answer, status, strlen(status), 0644), 0);
}

void alert_server_start(struct alert_server *server, struct gateway *g)
{
        *server = (struct alert_server){.fd = -1};
        (void)text_copy(server->log, sizeof(server->log), gateway_path(g, "alerts.log"));
        (void)text_copy(server->answer, sizeof(server->answer), gateway_path(g, "alerts.answer"));
        alert_server_set_answer(server, "200");
        alert_server_again(server);
}

unsigned alert_server_count(const struct alert_server *server, const char *first, const char *second)
{
        _cleanup_free_ char *text = gateway_read(server->log);
        unsigned n = 0;

        for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
                n += line[0] && strstr(line, first) && strstr(line, second);
        return n;
}

struct wanted {
        const struct alert_server *server;
        const char *first, *second;
        unsigned count;
};

static bool has_come(struct gateway *g, const void *userdata)
{
        const struct wanted *wanted = userdata;
        unsigned n = alert_server_count(wanted->server, wanted->first, wanted->second);

        (void)g;
        if (n > wanted->count) {
                _cleanup_free_ char *text = gateway_read(wanted->server->log);
                fail_msg("%u alerts with %s %s, not %u:\n%s", n, wanted->first, wanted->second, wanted->count,
                         text);
        }
        return n == wanted->count;
}

void alert_server_wait(struct gateway *g, const struct alert_server *server, const char *first,
                       const char *second, unsigned count, int64_t patience)
{
        const struct wanted wanted = {server, first, second, count};
        char what[256];

        (void)text_format(what, sizeof(what), "%u alerts with %s %s", count, first, second);
        gateway_wait(g, patience, what, has_come, &wanted);
}

void alert_server_use(struct alert_server *server, struct gateway *g, const char *more)
{
        _cleanup_free_ char *conf = gateway_read(g->warden_conf);
        char text[8192];

        alert_server_start(server, g);
        assert_int_equal(text_format(text, sizeof(text),
                                     "%s\n[notify vps]\ntype = webhook\nurl = http://127.0.0.1:%u/hook\n"
                                     "plain_http = yes\nmin_severity = warning\n%s",
                                     conf, server->port, more),
                         0);
        gateway_write(g->warden_conf, text);
        gateway_start_daemon(g);
}
