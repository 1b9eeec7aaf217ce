/*
 * See gateway_tools.h.
 */
#include "gateway_tools.h"

#include "base/text.h"
#include "gateway_private.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

const char *gateway_path(const struct gateway *g, const char *name)
{
        static char paths[8][192];
        static unsigned next;
        char *path = paths[next++ % ARRAY_SIZE(paths)];

        assert_int_equal(text_format(path, sizeof(paths[0]), "%s/%s", g->folder, name), 0);
        return path;
}

/* --- waiting --- */

static bool has_reason(struct gateway *g, const void *userdata)
{
        return strstr(gateway_snapshot(g)->reason, userdata) != NULL;
}

void gateway_wait_reason(struct gateway *g, const char *text, int64_t patience)
{
        gateway_wait(g, patience, text, has_reason, text);
}

static bool has_advice(struct gateway *g, const void *userdata)
{
        return strstr(gateway_snapshot(g)->next_action, userdata) != NULL;
}

void gateway_wait_advice(struct gateway *g, const char *text, int64_t patience)
{
        gateway_wait(g, patience, text, has_advice, text);
}

static bool has_started(struct gateway *g, const void *userdata)
{
        return gateway_starts(g) >= *(const unsigned *)userdata;
}

void gateway_wait_starts(struct gateway *g, unsigned count, int64_t patience)
{
        gateway_wait(g, patience, "one more start of smsd", has_started, &count);
}

static bool as_often_started(struct gateway *g, const void *userdata)
{
        return gateway_starts(g) == *(const unsigned *)userdata;
}

void gateway_no_start(struct gateway *g, int64_t duration)
{
        unsigned starts = gateway_starts(g);

        gateway_stays(g, duration, "smsd is not started", as_often_started, &starts);
}

struct modem_wish {
        const char *name, *state;
};

static bool modem_is(struct gateway *g, const void *userdata)
{
        const struct modem_wish *wish = userdata;
        const struct snapshot *s = gateway_snapshot(g);

        if (wish->name)
                return text_equal(gateway_slot(g, wish->name)->state, wish->state);
        return s->n_others > 0 && text_equal(s->others[0].state, wish->state);
}

void gateway_wait_modem(struct gateway *g, const char *name, const char *state, int64_t patience)
{
        gateway_wait(g, patience, state, modem_is, &(struct modem_wish){name, state});
}

/* --- looking --- */

unsigned gateway_commands(const struct gateway *g, unsigned modem, const char *text)
{
        char name[64];
        unsigned n = 0;

        assert_int_equal(text_format(name, sizeof(name), "modem/transcript/%u-at", modem), 0);
        _cleanup_free_ char *transcript = gateway_read(gateway_path(g, name));
        for (char *line = strtok(transcript, "\n"); line; line = strtok(NULL, "\n")) {
                const char *blank = strchr(line, ' ');
                n += blank && blank[1] == '<' && strstr(blank, text);
        }
        return n;
}

char *gateway_replaced(const char *text, const char *before, const char *after)
{
        const char *at = strstr(text, before);
        size_t size = strlen(text) + strlen(after) + 1;
        char *result = malloc(size);

        assert_non_null(result);
        if (!at)
                fail_msg("'%s' is not in:\n%s", before, text);
        assert_int_equal(
            text_format(result, size, "%.*s%s%s", (int)(at - text), text, after, at + strlen(before)), 0);
        return result;
}

void gateway_assert_file(const char *path, const char *expected)
{
        _cleanup_free_ char *text = gateway_read(path);

        assert_string_equal(text, expected);
}

const char *gateway_node_path(struct gateway *g, const char *port)
{
        static char paths[4][128];
        static unsigned next;
        char *path = paths[next++ % ARRAY_SIZE(paths)];
        _cleanup_free_ char *answer = gateway_ask(g, "node 0 %s", port);

        answer[strcspn(answer, "\n")] = '\0';
        assert_int_equal(text_copy(path, sizeof(paths[0]), answer), 0);
        return path;
}

/* --- doing --- */

void gateway_say(struct gateway *g, const char *port, const char *format, ...)
{
        char command[128];
        va_list arguments;
        _cleanup_close_ int fd = open(gateway_node_path(g, port), O_RDWR | O_NOCTTY | O_CLOEXEC);

        assert_true(fd >= 0);
        va_start(arguments, format);
        (void)vsnprintf(command, sizeof(command), format, arguments);
        va_end(arguments);
        assert_int_equal(write(fd, command, strlen(command)), strlen(command));
        assert_int_equal(write(fd, "\r", 1), 1);
        gateway_modem(g, "wait-command 0 %s 2000 1", command);
}

void gateway_move_conf(struct gateway *g)
{
        char old[sizeof(g->conf)];

        (void)text_copy(old, sizeof(old), g->conf);
        assert_int_equal(mkdir(gateway_path(g, "etc"), 0755), 0);
        (void)text_copy(g->conf, sizeof(g->conf), gateway_path(g, "etc/smsd.conf"));
        assert_int_equal(rename(old, g->conf), 0);
}

bool gateway_set_immutable(const char *path, bool on)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        int flags = 0;

        if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
                return false;
        flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
        return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

void release_folder(const char *folder)
{
        char path[192];

        (void)text_format(path, sizeof(path), "%s/etc", folder);
        (void)umount2(path, MNT_DETACH); /* there is none when the test went well */
        (void)text_format(path, sizeof(path), "%s/etc/smsd.conf", folder);
        (void)gateway_set_immutable(path, false);
}

bool gateway_private_mounts(void)
{
        static bool done;

        done = done || (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        return done;
}

int gateway_person(struct gateway *g, enum command_kind kind, bool force, char *ret_message)
{
        return gateway_command(g, &(struct control_request){.kind = kind, .reason = "a test", .force = force},
                               ret_message);
}
