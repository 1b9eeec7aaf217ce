/*
 * The host's end of the command channel; its words are in guest/agent.c. One script at a time: an answer that
 * bears another number is of a conversation that was given up.
 */
#include "base/text.h"
#include "machine_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE 60000 /* more than the script's own limit: a busy host */

static int wait_readable(int fd, int64_t end)
{
        struct pollfd wait = {.fd = fd, .events = POLLIN};

        for (;;) {
                int64_t left = end - machine_now();
                int r = poll(&wait, 1, (int)(left > 0 ? left : 0));
                if (r > 0)
                        return 0;
                if (r == 0)
                        return -ETIMEDOUT;
                if (errno != EINTR)
                        return -errno;
        }
}

static int receive(struct machine *m, char *data, size_t length, int64_t end)
{
        while (length > 0) {
                int r = wait_readable(m->agent, end);
                if (r < 0)
                        return r;
                ssize_t n = recv(m->agent, data, length, 0);
                if (n <= 0)
                        return -EIO; /* qemu ended */
                data += n;
                length -= (size_t)n;
        }
        return 0;
}

static int receive_line(struct machine *m, char *line, size_t size, int64_t end)
{
        for (size_t i = 0; i < size; i++) {
                int r = receive(m, line + i, 1, end);
                if (r < 0)
                        return r;
                if (line[i] == '\n') {
                        line[i] = '\0';
                        return 0;
                }
        }
        return -EPROTO;
}

static int transmit(struct machine *m, const char *data, size_t length)
{
        while (length > 0) {
                ssize_t n = send(m->agent, data, length, MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -EIO;
                data += n;
                length -= (size_t)n;
        }
        return 0;
}

/* The answer to request `id` becomes m->output; returns its code. */
static int receive_answer(struct machine *m, unsigned id, int64_t end)
{
        for (;;) {
                char line[128];
                unsigned got;
                int code;
                size_t length;
                int r = receive_line(m, line, sizeof(line), end);
                if (r < 0)
                        return r;
                if (sscanf(line, "done %u %d %zu", &got, &code, &length) != 3 || length > 2u << 20)
                        return -EPROTO;
                free(m->output);
                m->output = calloc(1, length + 1);
                assert_non_null(m->output);
                r = receive(m, m->output, length, end);
                if (r < 0)
                        return r;
                if (got == id)
                        return code;
        }
}

static int request(struct machine *m, const char *verb, int64_t number, const char *data, size_t length,
                   int64_t limit)
{
        unsigned id = ++m->next_id;
        char line[128];

        if (m->qemu == 0)
                return -EIO;
        (void)text_format(line, sizeof(line), "%s %u %lld %zu\n", verb, id, (long long)number, length);
        int r = transmit(m, line, strlen(line));
        if (r == 0)
                r = transmit(m, data, length);
        return r < 0 ? r : receive_answer(m, id, machine_now() + limit);
}

int machine_sync(struct machine *m, int64_t limit)
{
        char line[64];
        unsigned id = ++m->next_id;

        (void)text_format(line, sizeof(line), "sync %u\n", id);
        int r = transmit(m, line, strlen(line));
        return r < 0 ? r : receive_answer(m, id, machine_now() + limit);
}

int machine_try(struct machine *m, int64_t limit, const char *script)
{
        return request(m, "run", limit, script, strlen(script), limit + PATIENCE);
}

/* For `!`, whose failure `sh -e` takes for a success. A command that cannot be run proves nothing. */
#define NOT "not() { \"$@\" && return 1; [ $? -lt 126 ]; }\n"

/* The verbs are the agent's. */
static int run_checked(struct machine *m, const char *verb, int64_t limit, const char *script)
{
        char *whole = NULL;

        assert_true(asprintf(&whole, NOT "%s", script) >= 0);
        int code = request(m, verb, limit, whole, strlen(whole), limit + PATIENCE);
        free(whole);
        if (code < 0)
                fail_msg("the machine gave no answer (%s) to:\n%s", strerror(-code), script);
        return code;
}

static char *formatted(const char *format, va_list arguments)
{
        char *script = NULL;

        assert_true(vasprintf(&script, format, arguments) >= 0);
        return script;
}

int machine_run(struct machine *m, int64_t limit, const char **ret_output, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        _cleanup_free_ char *script = formatted(format, arguments);
        va_end(arguments);
        int code = run_checked(m, "run", limit, script);
        if (ret_output)
                *ret_output = m->output;
        return code;
}

/* Not fail_msg(): that cuts at a kilobyte. */
static void must_be_zero(struct machine *m, int code, const char *why, const char *script)
{
        if (code == 0)
                return;
        (void)printf("--- %s, exit code %d\n%s\n--- its output\n%s\n", why, code, script, m->output);
        fail_msg("%s (above)", why);
}

const char *machine_ok(struct machine *m, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        _cleanup_free_ char *script = formatted(format, arguments);
        va_end(arguments);
        must_be_zero(m, run_checked(m, "run", 60000, script), "a script failed", script);
        size_t length = strlen(m->output);
        if (length > 0 && m->output[length - 1] == '\n')
                m->output[length - 1] = '\0';
        return m->output;
}

int64_t machine_wait(struct machine *m, int64_t limit, const char *format, ...)
{
        va_list arguments;
        int64_t start = machine_now();

        va_start(arguments, format);
        _cleanup_free_ char *script = formatted(format, arguments);
        va_end(arguments);
        must_be_zero(m, run_checked(m, "wait", limit, script), "it did not come", script);
        return machine_now() - start;
}

void machine_stays(struct machine *m, int64_t duration, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        _cleanup_free_ char *script = formatted(format, arguments);
        va_end(arguments);
        must_be_zero(m, run_checked(m, "stay", duration, script), "it did not stay so", script);
}

void machine_put(struct machine *m, const char *path, unsigned mode, const char *text)
{
        size_t name = strlen(path) + 1, length = strlen(text);
        _cleanup_free_ char *data = malloc(name + length);

        assert_non_null(data);
        memcpy(data, path, name);
        memcpy(data + name, text, length);
        int code = request(m, "put", (int64_t)mode, data, name + length, PATIENCE);
        if (code != 0)
                fail_msg("cannot write %s in the machine (%d)", path, code);
}

void machine_assert_contains(const char *output, const char *text)
{
        if (strstr(output, text))
                return;
        (void)printf("--- wanted: %s\n--- got:\n%s\n", text, output);
        fail_msg("'%s' is missing (above)", text);
}
