/*
 * The talk with qemu itself: QMP over a socket pair. What people know as the monitor's commands goes through
 * human-monitor-command, for its answers are plain text.
 */
#include "machine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE 60000

static void cleanup_json(json_t **json)
{
        json_decref(*json);
}
#define _cleanup_json_ _cleanup_(cleanup_json)

/* A line is a JSON object. It never comes late but with qemu's death, so byte by byte is fine. */
static json_t *receive(struct machine *m)
{
        char line[65536];
        size_t n = 0;
        struct pollfd wait = {.fd = m->monitor, .events = POLLIN};

        while (n < sizeof(line)) {
                if (poll(&wait, 1, PATIENCE) == 0)
                        fail_msg("qemu's monitor does not answer");
                ssize_t got = recv(m->monitor, line + n, 1, 0);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        fail_msg("qemu has ended");
                if (line[n++] != '\n')
                        continue;
                json_t *json = json_loadb(line, n, 0, NULL);
                if (!json)
                        fail_msg("qemu's monitor says: %.*s", (int)n, line);
                return json;
        }
        fail_msg("qemu's monitor says too much");
        return NULL;
}

/* Takes the command's reference. */
static json_t *command(struct machine *m, json_t *request)
{
        _cleanup_free_ char *text = json_dumps(request, JSON_COMPACT);

        assert_non_null(text);
        json_decref(request);
        if (send(m->monitor, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
                fail_msg("qemu has ended");
        for (;;) {
                json_t *answer = receive(m);
                if (json_object_get(answer, "return"))
                        return answer;
                json_t *error = json_object_get(answer, "error");
                if (error)
                        fail_msg("qemu refuses %s: %s", text,
                                 json_string_value(json_object_get(error, "desc")));
                json_decref(answer); /* an event */
        }
}

void machine_greet(struct machine *m)
{
        json_decref(receive(m));
        json_decref(command(m, json_pack("{s:s}", "execute", "qmp_capabilities")));
}

const char *machine_monitor(struct machine *m, const char *format, ...)
{
        va_list arguments;
        char *text = NULL;

        va_start(arguments, format);
        assert_true(vasprintf(&text, format, arguments) >= 0);
        va_end(arguments);
        _cleanup_json_ json_t *answer =
            command(m, json_pack("{s:s, s:{s:s}}", "execute", "human-monitor-command", "arguments",
                                 "command-line", text));
        free(m->answer);
        m->answer = strdup(json_string_value(json_object_get(answer, "return")));
        assert_non_null(m->answer);
        if (strncmp(m->answer, "Error", 5) == 0)
                fail_msg("qemu: %s: %s", text, m->answer);
        free(text);
        return m->answer;
}

static bool is_saved(struct machine *m)
{
        _cleanup_json_ json_t *answer = command(m, json_pack("{s:s}", "execute", "query-migrate"));
        const char *status = json_string_value(json_object_get(json_object_get(answer, "return"), "status"));

        if (status && strcmp(status, "failed") == 0)
                fail_msg("qemu cannot save the machine");
        return status && strcmp(status, "completed") == 0;
}

/* The file goes to qemu as a descriptor: no shell, and no name that would have to be quoted. */
static void pass_file(struct machine *m, int fd)
{
        static const char request[] = "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"state\"}}";
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = {
            .header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
        struct iovec data = {.iov_base = (void *)(uintptr_t)request, .iov_len = sizeof(request) - 1};
        struct msghdr message = {.msg_iov = &data,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof(control.bytes)};

        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        assert_int_equal(sendmsg(m->monitor, &message, MSG_NOSIGNAL), (ssize_t)data.iov_len);
        for (;;) {
                _cleanup_json_ json_t *answer = receive(m);
                if (json_object_get(answer, "error"))
                        fail_msg("qemu does not take the file");
                if (json_object_get(answer, "return"))
                        return;
        }
}

void machine_save(struct machine *m, const char *file)
{
        _cleanup_close_ int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        int64_t end = machine_now() + PATIENCE;

        assert_true(fd >= 0);
        /* Not stopped first: a machine that was saved while it stood still stands still when it is loaded. */
        json_decref(command(m, json_pack("{s:s, s:{s:I}}", "execute", "migrate-set-parameters", "arguments",
                                         "max-bandwidth", (json_int_t)1 << 40)));
        pass_file(m, fd);
        json_decref(
            command(m, json_pack("{s:s, s:{s:s}}", "execute", "migrate", "arguments", "uri", "fd:state")));
        while (!is_saved(m)) {
                if (machine_now() > end)
                        fail_msg("saving the machine takes too long");
                (void)poll(NULL, 0, 20);
        }
}
