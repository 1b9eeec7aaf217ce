/*
 * Connections only. Answers are small and the peer is our own client, but a peer that does not read must not
 * stop the modems: what does not fit into its socket makes it lose the connection.
 */
#include "ec25/control_internal.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CONNECTIONS 64
#define LINE_SIZE   65536
#define LOOK_AGAIN  (20 * USEC_PER_MSEC)

struct connection {
        int fd;
        char *line; /* LINE_SIZE */
        size_t length;
        struct wait wait;
};

struct control {
        struct stand *stand;
        int listener, epoll;
        char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
        struct connection connections[CONNECTIONS];
        bool quit;
};

void answer_format(struct answer *answer, const char *format, ...)
{
        va_list arguments;
        char *text;

        va_start(arguments, format);
        int length = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (length < 0)
                abort();
        if (!length) {
                free(text);
                return;
        }
        if (answer->length + (size_t)length > answer->capacity) {
                answer->capacity = (answer->length + (size_t)length) * 2;
                answer->data = realloc(answer->data, answer->capacity);
                if (!answer->data)
                        abort();
        }
        memcpy(answer->data + answer->length, text, (size_t)length);
        answer->length += (size_t)length;
        free(text);
}

static int watch(const struct control *control, int fd)
{
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = (void *)control};

        return epoll_ctl(control->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int start_listening(struct control *control)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        (void)text_copy(address.sun_path, sizeof(address.sun_path), control->path); /* same size */
        (void)unlink(control->path);
        control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (control->listener < 0 ||
            bind(control->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(control->listener, CONNECTIONS) < 0)
                return -errno;
        return watch(control, control->listener);
}

int control_new(const char *directory, struct stand *stand, int epoll, struct control **ret_control)
{
        struct control *control = calloc(1, sizeof(*control));

        if (!control)
                return -ENOMEM;
        *control = (struct control){.stand = stand, .epoll = epoll, .listener = -1};
        for (size_t i = 0; i < CONNECTIONS; i++)
                control->connections[i].fd = -1;
        int r = text_format(control->path, sizeof(control->path), "%s/control", directory);
        if (r == 0)
                r = start_listening(control);
        if (r < 0) {
                control_free(control);
                return r;
        }
        *ret_control = control;
        return 0;
}

static void disconnect(struct connection *connection)
{
        connection->fd = close_fd(connection->fd);
        free(connection->line);
        *connection = (struct connection){.fd = -1};
}

struct control *control_free(struct control *control)
{
        if (!control)
                return NULL;
        for (size_t i = 0; i < CONNECTIONS; i++)
                disconnect(&control->connections[i]);
        if (control->listener >= 0)
                (void)unlink(control->path);
        close_fd(control->listener);
        free(control);
        return NULL;
}

static void welcome(struct control *control)
{
        int fd;

        while ((fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
                struct connection *connection = control->connections;
                while (connection < control->connections + CONNECTIONS && connection->fd >= 0)
                        connection++;
                char *line = connection < control->connections + CONNECTIONS ? malloc(LINE_SIZE) : NULL;
                if (!line || watch(control, fd) < 0) {
                        free(line);
                        close_fd(fd);
                        continue;
                }
                *connection = (struct connection){.fd = fd, .line = line};
        }
}

static void reply(struct connection *connection, struct answer *answer)
{
        if (send(connection->fd, answer->data, answer->length, MSG_NOSIGNAL) < (ssize_t)answer->length)
                disconnect(connection);
        free(answer->data);
        *answer = (struct answer){0};
}

static void conclude(struct answer *answer, const char *wrong)
{
        if (wrong)
                answer_format(answer, "error: %s\n", wrong);
        else
                answer_format(answer, "ok\n");
}

static void obey(struct control *control, struct connection *connection, char *line)
{
        struct answer answer = {0};
        struct request request = {.stand = control->stand, .answer = &answer, .wait = &connection->wait};
        const char *wrong = control_command(&request, line);

        control->quit = control->quit || request.quit;
        stand_advance(control->stand);
        if (!wrong && connection->wait.kind != WAIT_NOTHING)
                free(answer.data); /* a command that waits says nothing before */
        else {
                connection->wait = (struct wait){0}; /* refused: nothing to wait for */
                conclude(&answer, wrong);
                reply(connection, &answer);
        }
}

static void obey_lines(struct control *control, struct connection *connection)
{
        char *end;

        while (connection->fd >= 0 && connection->wait.kind == WAIT_NOTHING &&
               (end = memchr(connection->line, '\n', connection->length))) {
                _cleanup_free_ char *line = strndup(connection->line, (size_t)(end - connection->line));
                size_t taken = (size_t)(end - connection->line) + 1;
                if (!line)
                        abort();
                connection->length -= taken;
                memmove(connection->line, end + 1, connection->length);
                obey(control, connection, line);
        }
}

static void listen_to(struct control *control, struct connection *connection)
{
        while (connection->fd >= 0) {
                ssize_t length = recv(connection->fd, connection->line + connection->length,
                                      LINE_SIZE - connection->length, 0);
                if (length < 0 && errno == EAGAIN)
                        return;
                if (length <= 0) { /* gone, or a line without end */
                        disconnect(connection);
                        return;
                }
                connection->length += (size_t)length;
                obey_lines(control, connection);
        }
}

static bool has_node(struct stand *stand, unsigned modem, const char *port)
{
        struct stand_line line;

        for (size_t i = 0; stand_line(stand, modem, i, &line); i++)
                if (line.present && text_equal(line.port, port))
                        return true;
        return false;
}

static bool fulfilled(const struct control *control, const struct wait *wait)
{
        struct ec25 *modem = stand_modem(control->stand, wait->modem);

        switch (wait->kind) {
        case WAIT_NOTHING:
                return true;
        case WAIT_SENT:
                return ec25_sent_count(modem) >= wait->target;
        case WAIT_COMMAND:
                return ec25_commands(modem, EC25_PORTS, wait->word) >= wait->target;
        case WAIT_STORED:
                return ec25_stored(modem) + ec25_kept_back(modem) == wait->target;
        case WAIT_PLUGGED:
                return stand_plugged(control->stand, wait->modem) == (wait->target != 0);
        case WAIT_NODE:
                return has_node(control->stand, wait->modem, wait->word);
        }
        abort();
}

static void look_at_waiting(struct control *control, struct connection *connection)
{
        struct answer answer = {0};

        if (connection->fd < 0 || connection->wait.kind == WAIT_NOTHING)
                return;
        bool done = fulfilled(control, &connection->wait);
        if (!done && stand_now() < connection->wait.deadline)
                return;
        connection->wait = (struct wait){0};
        conclude(&answer, done ? NULL : "timeout");
        reply(connection, &answer);
        obey_lines(control, connection);
}

bool control_dispatch(struct control *control)
{
        welcome(control);
        for (size_t i = 0; i < CONNECTIONS; i++)
                listen_to(control, &control->connections[i]);
        for (size_t i = 0; i < CONNECTIONS; i++)
                look_at_waiting(control, &control->connections[i]);
        return control->quit;
}

usec_t control_next_deadline(const struct control *control)
{
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < CONNECTIONS; i++) {
                const struct wait *wait = &control->connections[i].wait;
                if (control->connections[i].fd < 0 || wait->kind == WAIT_NOTHING)
                        continue;
                next = usec_min(next, wait->deadline);
                if (wait->kind == WAIT_NODE) /* the kernel makes it, and nobody tells us */
                        next = usec_min(next, usec_add(stand_now(), LOOK_AGAIN));
        }
        return next;
}

int control_script_line(struct control *control, const char *line, int out)
{
        struct answer answer = {0};
        struct request request = {.stand = control->stand, .answer = &answer};
        _cleanup_free_ char *copy = strdup(line);

        if (!copy)
                return -ENOMEM;
        const char *wrong = control_command(&request, copy);
        stand_advance(control->stand);
        conclude(&answer, wrong);
        ssize_t written = write(out, answer.data, answer.length);
        free(answer.data);
        return wrong ? -EINVAL : written < 0 ? -errno : 0;
}
