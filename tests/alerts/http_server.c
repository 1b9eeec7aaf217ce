/*
 * A small HTTP server with faults, see http_server.h. One thread accepts, one more serves each connection, so
 * that a silent one holds up no other.
 */
#include "http_server.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#define REQUESTS_MAX    8192
#define CONNECTIONS_MAX 4096

struct http_server {
        int listener, stop; /* stop: an eventfd, readable from the end on */
        unsigned port;
        SSL_CTX *tls;
        pthread_t acceptor;
        bool accepting;
        pthread_mutex_t lock;
        pthread_cond_t news;
        const struct http_answer *answers;
        unsigned n_answers, first;
        void (*hook)(void *userdata);
        void *userdata;
        unsigned n, n_connections;
        struct http_request *requests[REQUESTS_MAX];
        pthread_t threads[CONNECTIONS_MAX];
};

struct connection {
        struct http_server *server;
        unsigned number;
        int fd;
        SSL *ssl;
        size_t have;
        char buffer[32768];
};

static usec_t now(clockid_t clock)
{
        struct timespec time = {0};

        (void)clock_gettime(clock, &time);
        return (usec_t)time.tv_sec * USEC_PER_SEC + (usec_t)time.tv_nsec / 1000;
}

/* Waits for `events` of the connection (0: none of them) or the server's end; false at that, or after
 * `milliseconds` (-1: never). */
static bool wait_for(const struct connection *c, short events, int milliseconds)
{
        struct pollfd fds[] = {{.fd = c->server->stop, .events = POLLIN}, {.fd = c->fd, .events = events}};

        return poll(fds, 2, milliseconds) > 0 && fds[0].revents == 0;
}

/* --- bytes --- */

static ssize_t receive(struct connection *c, char *target, size_t size)
{
        if (c->ssl && SSL_pending(c->ssl) > 0)
                return SSL_read(c->ssl, target, (int)size);
        if (!wait_for(c, POLLIN, -1))
                return -1;
        return c->ssl ? SSL_read(c->ssl, target, (int)size) : recv(c->fd, target, size, 0);
}

static bool put(struct connection *c, const char *data, size_t length)
{
        while (length > 0) {
                if (!wait_for(c, POLLOUT, -1))
                        return false;
                ssize_t n = c->ssl ? SSL_write(c->ssl, data, (int)length)
                                   : send(c->fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n <= 0)
                        return false;
                data += n;
                length -= (size_t)n;
        }
        return true;
}

static bool put_slowly(struct connection *c, const char *data, size_t length)
{
        for (size_t i = 0; i < length; i++) {
                if (!put(c, data + i, 1))
                        return false;
                struct pollfd stop = {.fd = c->server->stop, .events = POLLIN};
                if (poll(&stop, 1, 100) > 0)
                        return false;
        }
        return true;
}

static void reset(const struct connection *c)
{
        struct linger linger = {.l_onoff = 1, .l_linger = 0};

        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* --- a request --- */

void http_request_header(const struct http_request *request, const char *name, char *target, size_t size)
{
        size_t length = strlen(name);

        target[0] = '\0';
        for (const char *line = request->head; line; line = strstr(line, "\r\n")) {
                line += line == request->head ? 0 : 2;
                if (strncasecmp(line, name, length) != 0 || line[length] != ':')
                        continue;
                const char *value = line + length + 1 + strspn(line + length + 1, " ");
                (void)text_copy_n(target, size, value, strcspn(value, "\r\n"));
                return;
        }
}

/* Reads until the head is there: its length with the empty line, 0 at the end. */
static size_t read_head(struct connection *c)
{
        for (;;) {
                c->buffer[c->have] = '\0';
                const char *end = strstr(c->buffer, "\r\n\r\n");
                if (end)
                        return (size_t)(end - c->buffer) + 4;
                if (c->have + 1 >= sizeof(c->buffer))
                        return 0;
                ssize_t n = receive(c, c->buffer + c->have, sizeof(c->buffer) - 1 - c->have);
                if (n <= 0)
                        return 0;
                c->have += (size_t)n;
        }
}

static bool read_body(struct connection *c, size_t head, struct http_request *request)
{
        char text[32];

        http_request_header(request, "Content-Length", text, sizeof(text));
        request->length = strtoul(text, NULL, 10);
        if (request->length >= sizeof(request->body))
                return false;
        while (c->have < head + request->length) {
                ssize_t n = receive(c, c->buffer + c->have, sizeof(c->buffer) - 1 - c->have);
                if (n <= 0)
                        return false;
                c->have += (size_t)n;
        }
        memcpy(request->body, c->buffer + head, request->length);
        c->have -= head + request->length;
        memmove(c->buffer, c->buffer + head + request->length, c->have);
        return true;
}

/* Keeps it and returns what to answer. */
static struct http_answer record(struct http_server *server, struct http_request *request)
{
        static const struct http_answer fine;

        request->at = now(CLOCK_BOOTTIME);
        (void)pthread_mutex_lock(&server->lock);
        unsigned index = server->n - server->first;
        struct http_answer answer =
            server->n_answers == 0
                ? fine
                : server->answers[index < server->n_answers ? index : server->n_answers - 1];
        if (server->n < REQUESTS_MAX)
                server->requests[server->n++] = request;
        (void)pthread_cond_broadcast(&server->news);
        (void)pthread_mutex_unlock(&server->lock);
        return answer;
}

/* False: the connection is not to be used again. */
static bool answer_with(struct connection *c, const struct http_answer *answer)
{
        static const char garbage[] = "\x16\x03\x01 what is this \xff\xfe\r\n\r\n\r\n";
        const char *body = answer->body ? answer->body : "";
        char head[1024], more[4096];
        bool endless = answer->fault == HTTP_HUGE, cut = answer->fault == HTTP_RESET_ANSWER;

        (void)text_format(head, sizeof(head), "HTTP/1.1 %u Something\r\nContent-Length: %zu\r\n%s\r\n",
                          answer->status ? answer->status : 200,
                          endless ? (size_t)1 << 40 : strlen(body) + (cut ? 100 : 0),
                          answer->headers ? answer->headers : "");
        switch (answer->fault) {
        case HTTP_SILENT:
                while (wait_for(c, POLLIN, -1) && recv(c->fd, more, sizeof(more), 0) > 0)
                        continue;
                return false;
        case HTTP_GARBAGE:
                return put(c, garbage, sizeof(garbage) - 1) && false;
        case HTTP_LORIS:
                return put_slowly(c, head, strlen(head)) && put_slowly(c, body, strlen(body));
        case HTTP_RESET_HEAD:
        case HTTP_RESET:
                reset(c);
                return false;
        case HTTP_CLOSE:
                return false;
        case HTTP_ANSWER:
        case HTTP_RESET_ANSWER:
        case HTTP_HUGE:
                break;
        }
        bool sent = put(c, head, strlen(head)) && put(c, body, strlen(body));
        memset(more, 'x', sizeof(more));
        while (endless && sent)
                sent = put(c, more, sizeof(more));
        if (cut) {
                (void)put(c, more, 10);
                (void)wait_for(c, 0, 50); /* what was sent shall arrive before the reset */
                reset(c);
        }
        return sent && !cut;
}

/* Returns false when the connection is over. */
static bool serve_one(struct connection *c)
{
        struct http_server *server = c->server;
        size_t head = read_head(c);
        struct http_request *request = head > 0 ? calloc(1, sizeof(*request)) : NULL;

        if (!request)
                return false;
        (void)text_copy_n(request->head, sizeof(request->head), c->buffer, head);
        (void)sscanf(request->head, "%15s %511s", request->method, request->target);
        request->connection = c->number;
        if (!read_body(c, head, request)) {
                free(request);
                return false;
        }
        struct http_answer answer = record(server, request);
        if (server->hook)
                server->hook(server->userdata);
        return answer_with(c, &answer);
}

static void *serve(void *userdata)
{
        struct connection *c = userdata;
        bool goes_on = true;

        if (c->server->tls) {
                c->ssl = SSL_new(c->server->tls);
                goes_on = c->ssl && SSL_set_fd(c->ssl, c->fd) == 1 && SSL_accept(c->ssl) == 1;
        }
        while (goes_on)
                goes_on = serve_one(c);
        SSL_free(c->ssl);
        (void)close(c->fd);
        free(c);
        return NULL;
}

static void *accept_all(void *userdata)
{
        struct http_server *server = userdata;
        struct pollfd fds[] = {{.fd = server->stop, .events = POLLIN},
                               {.fd = server->listener, .events = POLLIN}};

        while (poll(fds, 2, -1) > 0 && fds[0].revents == 0) {
                int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
                if (fd < 0)
                        continue;
                struct connection *c = calloc(1, sizeof(*c));
                if (!c || server->n_connections == CONNECTIONS_MAX)
                        abort();
                c->server = server;
                c->fd = fd;
                (void)pthread_mutex_lock(&server->lock);
                c->number = server->n_connections++;
                (void)pthread_mutex_unlock(&server->lock);
                if (pthread_create(&server->threads[c->number], NULL, serve, c) != 0)
                        abort();
        }
        return NULL;
}

/* --- life --- */

struct http_server *http_server_new(SSL_CTX *tls)
{
        struct http_server *server = calloc(1, sizeof(*server));
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof(address);
        pthread_condattr_t attributes;

        assert_non_null(server);
        (void)signal(SIGPIPE, SIG_IGN); /* SSL_write */
        server->tls = tls;
        server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        server->stop = eventfd(0, EFD_CLOEXEC);
        assert_true(server->listener >= 0 && server->stop >= 0);
        assert_int_equal(bind(server->listener, (struct sockaddr *)&address, length), 0);
        assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
        server->port = ntohs(address.sin_port);
        assert_int_equal(pthread_mutex_init(&server->lock, NULL), 0);
        assert_int_equal(pthread_condattr_init(&attributes), 0);
        assert_int_equal(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), 0);
        assert_int_equal(pthread_cond_init(&server->news, &attributes), 0);
        return server;
}

void http_server_listen(struct http_server *server)
{
        assert_int_equal(listen(server->listener, 64), 0);
        assert_int_equal(pthread_create(&server->acceptor, NULL, accept_all, server), 0);
        server->accepting = true;
}

void http_server_free(struct http_server *server)
{
        if (!server)
                return;
        assert_int_equal(eventfd_write(server->stop, 1), 0);
        if (server->accepting)
                (void)pthread_join(server->acceptor, NULL);
        for (unsigned i = 0; i < server->n_connections; i++)
                (void)pthread_join(server->threads[i], NULL);
        for (unsigned i = 0; i < server->n; i++)
                free(server->requests[i]);
        (void)close(server->listener);
        (void)close(server->stop);
        SSL_CTX_free(server->tls);
        free(server);
}

unsigned http_server_port(const struct http_server *server)
{
        return server->port;
}

void http_server_script(struct http_server *server, const struct http_answer *answers, unsigned n)
{
        (void)pthread_mutex_lock(&server->lock);
        server->answers = answers;
        server->n_answers = n;
        server->first = server->n;
        (void)pthread_mutex_unlock(&server->lock);
}

void http_server_hook(struct http_server *server, void (*hook)(void *userdata), void *userdata)
{
        server->hook = hook;
        server->userdata = userdata;
}

unsigned http_server_wait(struct http_server *server, unsigned n, usec_t limit)
{
        usec_t until = now(CLOCK_MONOTONIC) + limit;
        struct timespec deadline = {.tv_sec = (time_t)(until / USEC_PER_SEC),
                                    .tv_nsec = (long)(until % USEC_PER_SEC) * 1000};
        int r = 0;

        (void)pthread_mutex_lock(&server->lock);
        while (server->n < n && r == 0)
                r = pthread_cond_timedwait(&server->news, &server->lock, &deadline);
        unsigned count = server->n;
        (void)pthread_mutex_unlock(&server->lock);
        return count;
}

unsigned http_server_count(struct http_server *server)
{
        return http_server_wait(server, 0, 0);
}

unsigned http_server_connections(struct http_server *server)
{
        (void)pthread_mutex_lock(&server->lock);
        unsigned count = server->n_connections;
        (void)pthread_mutex_unlock(&server->lock);
        return count;
}

const struct http_request *http_server_request(struct http_server *server, unsigned n)
{
        (void)pthread_mutex_lock(&server->lock);
        const struct http_request *request = n < server->n ? server->requests[n] : NULL;
        (void)pthread_mutex_unlock(&server->lock);
        assert_non_null(request);
        return request;
}
