/*
 * What tests ask and do, see gateway_fixture.h: snapshots, logs, processes, smsd.conf, the modem, a person's
 * commands. Nothing here waits without a deadline.
 */
#include "base/text.h"
#include "ec25/client.h"
#include "gateway_fixture.h"
#include "gateway_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>

#define LOOK_EVERY 20

/* --- waiting --- */

int64_t gateway_now(void)
{
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void nap(const struct gateway *g)
{
        int64_t milliseconds = g->look_every ? g->look_every : LOOK_EVERY;
        const struct timespec time = {.tv_nsec = milliseconds * 1000000L};

        (void)nanosleep(&time, NULL); /* earlier is fine */
}

int64_t gateway_wait(struct gateway *g, int64_t patience, const char *what,
                     bool (*condition)(struct gateway *g, const void *userdata), const void *userdata)
{
        int64_t begun = gateway_now();

        while (!condition(g, userdata)) {
                if (gateway_now() - begun > patience)
                        fail_msg("in %lld ms it never came to: %s (verdict %s: %s)", (long long)patience,
                                 what, verdict_to_string(g->snapshot.verdict), g->snapshot.reason);
                nap(g);
        }
        return gateway_now() - begun;
}

void gateway_stays(struct gateway *g, int64_t duration, const char *what,
                   bool (*condition)(struct gateway *g, const void *userdata), const void *userdata)
{
        for (int64_t end = gateway_now() + duration; gateway_now() < end; nap(g))
                if (!condition(g, userdata))
                        fail_msg("it did not stay so: %s", what);
}

static bool has_verdict(struct gateway *g, const void *userdata)
{
        return gateway_snapshot(g)->verdict == *(const enum verdict *)userdata;
}

void gateway_wait_verdict(struct gateway *g, enum verdict verdict, int64_t patience)
{
        gateway_wait(g, patience, verdict_to_string(verdict), has_verdict, &verdict);
}

static bool works_anew(struct gateway *g, const void *userdata)
{
        const struct snapshot *s = gateway_snapshot(g);

        return s->verdict == VERDICT_WORKING && s->smsd.running && s->smsd.pid != *(const pid_t *)userdata;
}

pid_t gateway_working(struct gateway *g, pid_t old)
{
        gateway_wait(g, 30000, "smsd works", works_anew, &old);
        return g->snapshot.smsd.pid;
}

static bool is_held_by(struct gateway *g, const void *userdata)
{
        const struct snapshot *s = gateway_snapshot(g);

        return s->hold.active && !s->smsd.running && text_equal(s->hold.source, userdata);
}

void gateway_wait_held(struct gateway *g, const char *source)
{
        gateway_wait(g, 15000, "a hold, and smsd is down", is_held_by, source);
}

static bool is_down(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_snapshot(g)->verdict == VERDICT_DOWN && gateway_processes(g) == 0;
}

void gateway_wait_down(struct gateway *g)
{
        gateway_wait(g, 15000, "smsd is down", is_down, NULL);
}

static bool is_logged(struct gateway *g, const void *userdata)
{
        return gateway_logged(g, userdata) > 0;
}

void gateway_wait_logged(struct gateway *g, const char *text, int64_t patience)
{
        gateway_wait(g, patience, text, is_logged, text);
}

static bool is_smsd_logged(struct gateway *g, const void *userdata)
{
        return gateway_smsd_logged(g, userdata) > 0;
}

void gateway_wait_smsd_logged(struct gateway *g, const char *text, int64_t patience)
{
        gateway_wait(g, patience, text, is_smsd_logged, text);
}

int64_t gateway_wait_exit(pid_t pid, int64_t patience)
{
        int64_t begun = gateway_now();
        _cleanup_close_ int fd = pidfd_open(pid, 0);

        if (fd < 0) {
                assert_int_equal(errno, ESRCH);
                return 0;
        }
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, (int)patience) != 1)
                fail_msg("process %d did not end in %lld ms", (int)pid, (long long)patience);
        return gateway_now() - begun;
}

/* --- looking --- */

const struct snapshot *gateway_snapshot(struct gateway *g)
{
        assert_non_null(g->client);
        int r = control_client_snapshot(g->client, 5 * USEC_PER_SEC, &g->snapshot);
        if (r < 0)
                fail_msg("no snapshot: %s", strerror(-r));
        return &g->snapshot;
}

const struct snapshot_modem *gateway_slot(struct gateway *g, const char *name)
{
        const struct snapshot *s = gateway_snapshot(g);

        for (unsigned i = 0; i < s->n_modems; i++)
                if (text_equal(s->modems[i].name, name))
                        return &s->modems[i];
        fail_msg("the snapshot has no slot %s", name);
        return NULL;
}

pid_t gateway_smsd(struct gateway *g)
{
        return gateway_snapshot(g)->smsd.pid;
}

pid_t gateway_handler(struct gateway *g)
{
        const struct snapshot *s = gateway_snapshot(g);

        return s->smsd.n_handlers ? s->smsd.handlers[0].pid : 0;
}

bool process_runs_from(const char *folder, pid_t pid)
{
        char link[32], target[PATH_MAX];

        (void)text_format(link, sizeof(link), "/proc/%d/exe", (int)pid);
        ssize_t length = readlink(link, target, sizeof(target) - 1);
        if (length < 0)
                return false;
        target[length] = '\0';
        size_t n = strlen(folder);
        return strncmp(target, folder, n) == 0 && target[n] == '/';
}

unsigned gateway_processes(const struct gateway *g)
{
        DIR *stream = opendir("/proc");
        unsigned n = 0;

        assert_non_null(stream);
        for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
                int pid = atoi(entry->d_name);
                n += pid > 0 && process_runs_from(g->folder, pid);
        }
        (void)closedir(stream);
        return n;
}

bool gateway_is_alive(pid_t pid)
{
        char path[32], target[PATH_MAX];

        (void)text_format(path, sizeof(path), "/proc/%d/exe", (int)pid);
        return readlink(path, target, sizeof(target)) > 0;
}

char *gateway_read(const char *path)
{
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        size_t size = 1u << 20;
        char *text = malloc(size);

        assert_non_null(text);
        size_t length = file ? fread(text, 1, size - 1, file) : 0;
        text[length] = '\0';
        return text;
}

unsigned gateway_count(const char *text, const char *wanted)
{
        unsigned n = 0;

        for (; (text = strstr(text, wanted)); text += strlen(wanted))
                n++;
        return n;
}

static unsigned count_in(const char *path, const char *wanted)
{
        _cleanup_free_ char *text = gateway_read(path);

        return gateway_count(text, wanted);
}

unsigned gateway_logged(const struct gateway *g, const char *text)
{
        return count_in(g->daemon_log, text);
}

unsigned gateway_smsd_logged(const struct gateway *g, const char *text)
{
        return count_in(g->smsd_log, text);
}

unsigned gateway_starts(const struct gateway *g)
{
        return gateway_smsd_logged(g, "Smsd v3.1.21 started.");
}

const char *gateway_device(const struct gateway *g, const char *slot)
{
        static char name[64];
        char section[40];
        _cleanup_free_ char *text = gateway_read(g->conf);

        assert_int_equal(text_format(section, sizeof(section), "\n[%s]\n", slot), 0);
        char *at = strstr(text, section);
        at = at ? strstr(at, "\ndevice = ") : NULL;
        if (!at)
                fail_msg("smsd.conf has no device for %s:\n%s", slot, text);
        at += strlen("\ndevice = ");
        at[strcspn(at, "\n")] = '\0';
        const char *slash = strrchr(at, '/');
        assert_int_equal(text_copy(name, sizeof(name), slash ? slash + 1 : at), 0);
        return name;
}

/* --- the modem --- */

static void say(struct gateway *g, const char *command, char **ret_answer)
{
        int r = ec25_client_command(g->modem, 70000, ret_answer, "%s", command);

        if (r < 0)
                fail_msg("the modem, told '%s', says: %s %s", command, strerror(-r),
                         ec25_client_error(g->modem));
}

void gateway_modem(struct gateway *g, const char *format, ...)
{
        char command[1024];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(command, sizeof(command), format, arguments);
        va_end(arguments);
        say(g, command, NULL);
}

char *gateway_ask(struct gateway *g, const char *format, ...)
{
        char command[1024], *answer = NULL;
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(command, sizeof(command), format, arguments);
        va_end(arguments);
        say(g, command, &answer);
        return answer;
}

void gateway_plug(struct gateway *g, const char *options)
{
        gateway_modem(g, "plug 0 %s", options);
}

const char *gateway_node(struct gateway *g, unsigned modem, const char *port)
{
        static char name[64];
        _cleanup_free_ char *path = gateway_ask(g, "node %u %s", modem, port);

        path[strcspn(path, "\n")] = '\0';
        assert_non_null(strrchr(path, '/'));
        assert_int_equal(text_copy(name, sizeof(name), strrchr(path, '/') + 1), 0);
        return name;
}

unsigned gateway_holders(struct gateway *g, unsigned modem)
{
        _cleanup_free_ char *holders = gateway_ask(g, "holders %u", modem);

        return gateway_count(holders, "holder ");
}

uint64_t gateway_bytes(struct gateway *g, unsigned modem, const char *port)
{
        char wanted[64];
        unsigned long long written, read;
        _cleanup_free_ char *stats = gateway_ask(g, "stats");

        assert_int_equal(text_format(wanted, sizeof(wanted), "bytes %u %s ", modem, port), 0);
        const char *line = strstr(stats, wanted);
        assert_non_null(line);
        assert_int_equal(sscanf(line + strlen(wanted), "written=%llu read=%llu", &written, &read), 2);
        return written + read;
}

/* --- a person --- */

int gateway_command(struct gateway *g, const struct control_request *request, char *ret_message)
{
        char message[512] = "";
        int result = -1;
        int r =
            control_client_command(g->client, request, 130 * USEC_PER_SEC, &result, message, sizeof(message));

        if (r < 0)
                fail_msg("the command was not taken: %s %s", strerror(-r), message);
        if (ret_message)
                (void)text_copy(ret_message, sizeof(message), message);
        return result;
}

static void command_done(struct gateway *g, const struct control_request *request)
{
        char message[512];

        if (gateway_command(g, request, message) != 0)
                fail_msg("the command was not carried out: %s", message);
}

void gateway_stop(struct gateway *g, usec_t duration)
{
        command_done(
            g, &(struct control_request){.kind = COMMAND_STOP, .duration = duration, .reason = "a test"});
        assert_int_equal(gateway_processes(g), 0);
}

void gateway_start(struct gateway *g)
{
        command_done(g, &(struct control_request){.kind = COMMAND_START, .reason = "a test"});
}

/* --- messages --- */

void gateway_write(const char *path, const char *text)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

void gateway_send(struct gateway *g, const char *name, const char *text)
{
        char path[160], outgoing[160], file[1024];

        assert_int_equal(text_format(path, sizeof(path), "%s/spool/%s", g->folder, name), 0);
        assert_int_equal(text_format(outgoing, sizeof(outgoing), "%s/spool/outgoing/%s", g->folder, name), 0);
        assert_int_equal(text_format(file, sizeof(file), "To: 37060000001\n\n%s", text), 0);
        gateway_write(path, file);
        assert_int_equal(rename(path, outgoing), 0);
}

void gateway_wait_sent(struct gateway *g, unsigned modem, unsigned count, int64_t patience)
{
        gateway_modem(g, "wait-sent %u %u %lld", modem, count, (long long)patience);
}

unsigned gateway_sent(struct gateway *g, unsigned modem, const char *text)
{
        char wanted[256];
        _cleanup_free_ char *sent = gateway_ask(g, "sent %u", modem);

        assert_int_equal(text_format(wanted, sizeof(wanted), "text=%s\n", text), 0);
        return gateway_count(sent, wanted);
}

static bool has_received(struct gateway *g, const void *userdata)
{
        char folder[160], path[420];
        bool found = false;

        (void)text_format(folder, sizeof(folder), "%s/spool/incoming", g->folder);
        DIR *stream = opendir(folder);
        assert_non_null(stream);
        for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream))
                if (text_format(path, sizeof(path), "%s/%s", folder, entry->d_name) == 0 &&
                    entry->d_name[0] != '.')
                        found |= count_in(path, userdata) > 0;
        (void)closedir(stream);
        return found;
}

void gateway_wait_received(struct gateway *g, const char *text, int64_t patience)
{
        gateway_wait(g, patience, "the message is received", has_received, text);
}

/* --- processes --- */

pid_t gateway_start_smsd(struct gateway *g, const char *conf)
{
        pid_t pid = fork();

        if (pid == 0) {
                int null = open("/dev/null", O_RDWR);
                (void)dup2(null, STDIN_FILENO);
                (void)dup2(null, STDOUT_FILENO);
                (void)dup2(null, STDERR_FILENO);
                (void)execl(g->smsd, "smsd", "-t", "-c", conf, (char *)NULL);
                _exit(127);
        }
        assert_true(pid > 0);
        return pid;
}

void gateway_signal(pid_t pid, int signal)
{
        assert_true(pid > 0);
        assert_int_equal(kill(pid, signal), 0);
}
