/*
 * Plain libc and poll. The answer's end is known by its last line: "ok" or "error: ...".
 */
#include "ec25/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_TIMEOUT_MS 5000

struct ec25_client {
        int fd;
        pid_t pid;
        char *ready; /* the line, its blanks replaced by NULs; ends in two NULs */
        char error[256];
};

static long long now_ms(void)
{
        struct timespec now;

        if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
                abort();
        return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

struct ec25_client *ec25_client_free(struct ec25_client *client)
{
        if (!client)
                return NULL;
        if (client->fd >= 0)
                (void)close(client->fd);
        if (client->pid > 0) {
                (void)kill(client->pid, SIGTERM);
                while (waitpid(client->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        free(client->ready);
        free(client);
        return NULL;
}

static int client_new(struct ec25_client **ret_client)
{
        struct ec25_client *client = calloc(1, sizeof(*client));

        if (!client)
                return -ENOMEM;
        client->fd = -1;
        *ret_client = client;
        return 0;
}

static int open_socket(struct ec25_client *client, const char *directory)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", directory);

        if (length < 0 || (size_t)length >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        return 0;
}

int ec25_client_connect(const char *directory, struct ec25_client **ret_client)
{
        struct ec25_client *client;
        int r = client_new(&client);

        if (r < 0)
                return r;
        r = open_socket(client, directory);
        if (r < 0) {
                ec25_client_free(client);
                return r;
        }
        *ret_client = client;
        return 0;
}

static void run(const char *program, const char *directory, const char *const *arguments, int out)
{
        const char *argv[32] = {program, "--dir", directory};

        for (size_t i = 0; arguments && arguments[i] && i < 28; i++)
                argv[3 + i] = arguments[i];
        if (dup2(out, STDOUT_FILENO) >= 0)
                execv(program, (char *const *)argv);
        _exit(127);
}

/* Reads the line "ready NAME=value ..." byte by byte: it comes once. */
static int read_ready(int fd, char *line, size_t size)
{
        long long end = now_ms() + START_TIMEOUT_MS;
        size_t length = 0;

        while (length + 2 < size) {
                struct pollfd wait = {.fd = fd, .events = POLLIN};
                int left = (int)(end - now_ms());
                if (left <= 0 || poll(&wait, 1, left) == 0)
                        return -ETIMEDOUT;
                ssize_t got = read(fd, line + length, 1);
                if (got == 0)
                        return -ECHILD;
                if (got < 0 && errno != EINTR)
                        return -errno;
                if (got > 0 && line[length++] == '\n')
                        break;
        }
        line[length] = line[length + 1] = '\0';
        for (size_t i = 0; i < length; i++)
                if (line[i] == ' ' || line[i] == '\n')
                        line[i] = '\0';
        return strcmp(line, "ready") == 0 ? 0 : -EPROTO;
}

int ec25_client_start(const char *program, const char *directory, const char *const *arguments,
                      struct ec25_client **ret_client)
{
        struct ec25_client *client;
        int pipes[2], r = client_new(&client);

        if (r < 0)
                return r;
        client->ready = calloc(1, 4096);
        if (!client->ready || pipe2(pipes, O_CLOEXEC) < 0) {
                ec25_client_free(client);
                return -ENOMEM;
        }
        client->pid = fork();
        if (client->pid == 0)
                run(program, directory, arguments, pipes[1]);
        (void)close(pipes[1]);
        r = client->pid < 0 ? -errno : read_ready(pipes[0], client->ready, 4096);
        (void)close(pipes[0]);
        if (r == 0)
                r = open_socket(client, directory);
        if (r < 0) {
                ec25_client_free(client);
                return r;
        }
        *ret_client = client;
        return 0;
}

static int send_all(int fd, const char *bytes, size_t length)
{
        while (length) {
                ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
                if (sent < 0 && errno == EINTR)
                        continue;
                if (sent < 0)
                        return -errno;
                bytes += sent;
                length -= (size_t)sent;
        }
        return 0;
}

/* The last line of what came so far, when it is complete and final; NULL otherwise. */
static char *final_line(char *text, size_t length)
{
        if (!length || text[length - 1] != '\n')
                return NULL;
        char *line = text + length - 1;
        while (line > text && line[-1] != '\n')
                line--;
        return strcmp(line, "ok\n") == 0 || strncmp(line, "error: ", 7) == 0 ? line : NULL;
}

static int receive_all(struct ec25_client *client, int timeout_ms, char **ret_answer)
{
        long long end = now_ms() + timeout_ms;
        size_t capacity = 65536, length = 0;
        char *text = malloc(capacity), *final = NULL;

        while (text && !final) {
                struct pollfd wait = {.fd = client->fd, .events = POLLIN};
                long long left = end - now_ms();
                int ready = poll(&wait, 1, left > 0 ? (int)left : 0);
                ssize_t got = ready > 0 ? recv(client->fd, text + length, capacity - length - 1, 0) : -1;
                if (ready == 0 || got == 0) {
                        free(text);
                        return ready == 0 ? -ETIMEDOUT : -EPIPE;
                }
                if (got < 0)
                        continue; /* EINTR */
                length += (size_t)got;
                text[length] = '\0';
                final = final_line(text, length);
                if (!final && length + 1 == capacity) {
                        char *grown = realloc(text, capacity *= 2);
                        if (!grown)
                                free(text);
                        text = grown;
                }
        }
        if (!text)
                return -ENOMEM;
        int r = strcmp(final, "ok\n") == 0 ? 0 : -EINVAL;
        if (r < 0)
                (void)snprintf(client->error, sizeof(client->error), "%.*s", (int)strcspn(final + 7, "\n"),
                               final + 7);
        *final = '\0';
        *ret_answer = text;
        return r;
}

int ec25_client_command(struct ec25_client *client, int timeout_ms, char **ret_answer, const char *format,
                        ...)
{
        char *line, *answer = NULL;
        va_list arguments;

        va_start(arguments, format);
        int length = vasprintf(&line, format, arguments);
        va_end(arguments);
        if (length < 0)
                return -ENOMEM;
        client->error[0] = '\0';
        int r = send_all(client->fd, line, (size_t)length);
        if (r == 0)
                r = send_all(client->fd, "\n", 1);
        free(line);
        if (r == 0)
                r = receive_all(client, timeout_ms, &answer);
        if (r == 0 && ret_answer)
                *ret_answer = answer;
        else
                free(answer);
        return r;
}

const char *ec25_client_error(const struct ec25_client *client)
{
        return client->error;
}

const char *ec25_client_environment(const struct ec25_client *client, const char *name)
{
        size_t length = strlen(name);

        for (const char *word = client->ready; word && *word; word += strlen(word) + 1)
                if (strncmp(word, name, length) == 0 && word[length] == '=')
                        return word + length + 1;
        return NULL;
}

pid_t ec25_client_pid(const struct ec25_client *client)
{
        return client->pid;
}
