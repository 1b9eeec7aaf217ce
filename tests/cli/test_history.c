/*
 * `smswarden history` and `explain`: golden lines (tests/golden/history/NAME.txt, UPDATE_GOLDEN=1 writes them
 * anew) from a history file and a log of smsd, and the program itself: what it says to whom, and that it
 * follows both files without a gap.
 */
#include "../../src/cli/history.h"
#include "../../src/cli/since.h"

#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "temp_folder.h"

#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <libgen.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define NOBODY 65534
#define NOW    INT64_C(1795420800000000) /* 2026-11-23 08:00:00 UTC */
#define BOOT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BOOT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct fixture {
        char folder[64];
        char config[96], state[96], log[96];
        char program[PATH_MAX];
        char conf_text[512];
        struct smsd_conf conf;
};

/* --- the night of the outage --- */

struct record {
        const char *boot, *at, *event, *modem;
        enum severity severity;
        uint64_t incident;
        const char *message;
        usec_t duration;
};

/* clang-format off */
static const struct record records[] = {
        {BOOT_A, "2026-11-22 18:00:01", "modem-plugged", "", SEVERITY_INFO, 0, "a modem was plugged in at USB 1-1.2 (2c7c:0125)", 0},
        {BOOT_A, "2026-11-22 18:00:20", "smsd-started", "", SEVERITY_INFO, 0, "smsd was started (plug) and verified in 1s", 1000000},
        {BOOT_A, "2026-11-23 01:11:07", "smsd-died", "", SEVERITY_CRITICAL, 7000, "smsd (pid 8876) died, exit code 1: GSM1: write_to_modem: error 5: Input/output error", 0},
        {BOOT_A, "2026-11-23 01:11:09", "start-failed", "", SEVERITY_CRITICAL, 7000, "smsd could not be started (crash): no process of it came up within 10s", 0},
        {BOOT_A, "2026-11-23 01:11:40", "crash-loop", "GSM9", SEVERITY_CRITICAL, 7000, "smsd has failed 3 times in a row: restarts are slowed down", 0},
        {BOOT_A, "2026-11-23 03:14:00", "smsd-started", "", SEVERITY_INFO, 7000, "smsd was started (crash) and verified in 2s", 2000000},
        {BOOT_A, "2026-11-23 03:14:00", "working-again", "", SEVERITY_INFO, 7000, "SMS works again after 2h 3min", 7380000000},
        {BOOT_A, "2026-11-23 03:14:01", "alert", "", SEVERITY_CRITICAL, 7000, "smsd crashed (exit code 1)", 0},
        {BOOT_A, "2026-11-23 03:14:02", "alert", "", SEVERITY_INFO, 7000, "resolved: smsd crashed (exit code 1)", 7380000000},
        {BOOT_A, "2026-11-23 05:00:00", "hold-begun", "", SEVERITY_INFO, 8000, "root holds smsd for 30min (new antenna on the roof)", 0},
        {BOOT_B, "2026-11-23 04:10:00", "smsd-started", "", SEVERITY_INFO, 0, "smsd was started (boot) and verified in 1s: the clock went back an hour", 1000000},
        {BOOT_B, "2026-11-23 05:30:00", "modem-left", "GSM1", SEVERITY_WARNING, 8000, "the modem at USB 1-1.2 left", 0},
        {BOOT_B, "2026-11-23 05:30:09", "working-again", "", SEVERITY_INFO, 8000, "SMS works again after 9s", 9000000},
        {BOOT_B, "2026-11-23 06:00:00", "of-a-newer-version", "", SEVERITY_WARNING, 0, "\\x1b[2J stays harmless", 0},
};
/* clang-format on */

static const char smsd_log[] =
    "2026-11-22 23:58:00,5, GSM1: SMS received, From: 37061234512\n"
    "2026-11-22 23:58:10,5, GSM1: SMS received (part 1/2), From: 37061234512\n"
    "2026-11-22 23:58:11,5, GSM1: SMS received (part 2/2), From: 37061234512\n"
    "2026-11-22 23:58:12,5, GSM1: SMS received (report, Message_id: 7, Status: 0), From: 37061234512\n"
    "2026-11-22 23:58:14,5, GSM1: SMS sent, Message_id: 8, To: 37061234513, sending time 1 sec.\n"
    "2026-11-23 00:10:14,5, GSM1: SMS sent, Message_id: 9, To: 37061234513, sending time 12 sec.\n"
    "2026-11-23 00:10:20,6, GSM1: SMS sent, To: nothing that counts\n"
    "2026-11-23 01:10:58,3, GSM1: write_to_modem: error 5: Input/output error\n"
    "2026-11-23 01:11:06,4, GSM1: Sending SMS to 37061234513 failed, trying time 4 sec. Retries: 2.\n"
    "2026-11-23 02:00:00,5, GSM1: SMS received, From: Bank\033[31m\n"
    "2026-11-23 03:30:00,5, GSM1: SMS received, From: 1234\n"
    "2026-11-23 07:00:00,5, GSM1: SMS sent, Message_id: 10, To: 37061234513, sending ti";

static int64_t time_of(const char *text)
{
        int64_t at = 0;

        assert_int_equal(since_parse(text, NOW, &at), 0);
        return at;
}

static void fill(const struct record *record, struct history_entry *e)
{
        *e = (struct history_entry){.at = time_of(record->at),
                                    .severity = record->severity,
                                    .incident = record->incident,
                                    .duration = record->duration};
        (void)text_copy(e->boot, sizeof(e->boot), record->boot);
        (void)text_copy(e->event, sizeof(e->event), record->event);
        (void)text_copy(e->modem, sizeof(e->modem), record->modem);
        (void)text_copy(e->message, sizeof(e->message), record->message);
}

static void write_history(const struct fixture *f)
{
        struct history_file *history;
        struct history_entry e;

        assert_int_equal(history_file_new(&history, f->state), 0);
        for (unsigned i = 0; i < ARRAY_SIZE(records); i++) {
                fill(&records[i], &e);
                assert_int_equal(history_file_append(history, &e), 0);
        }
        history = history_file_free(history);
}

static void append_to(const char *path, const char *text)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* --- fixture --- */

static void find_program(struct fixture *f)
{
        char self[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

        assert_true(n > 0);
        self[n] = '\0'; /* BUILD/tests/cli/test_history */
        (void)text_format(f->program, sizeof(f->program), "%s/smswarden", dirname(dirname(dirname(self))));
        assert_int_equal(access(f->program, X_OK), 0);
}

static void put_file(const struct fixture *f, const char *name, const char *text)
{
        char path[128];

        (void)text_format(path, sizeof(path), "%s/%s", f->folder, name);
        assert_int_equal(file_replace(path, text, strlen(text), 0644), 0);
}

static int set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));
        char text[512];

        assert_non_null(f);
        *state = f;
        find_program(f);
        (void)text_copy(f->folder, sizeof(f->folder), "/tmp/test-history-XXXXXX");
        assert_non_null(mkdtemp(f->folder));
        (void)text_format(f->config, sizeof(f->config), "%s/smswarden.conf", f->folder);
        (void)text_format(f->state, sizeof(f->state), "%s/state", f->folder);
        (void)text_format(f->log, sizeof(f->log), "%s/smsd.log", f->folder);
        assert_int_equal(chmod(f->folder, 0755), 0);
        assert_int_equal(mkdir(f->state, 0711), 0);
        (void)text_format(text, sizeof(text),
                          "[gateway]\nsmsd_conf = %1$s/smsd.conf\nruntime_dir = %1$s/run\n"
                          "system_bus = off\nstate_dir = %1$s/state\n",
                          f->folder);
        put_file(f, "smswarden.conf", text);
        (void)text_format(f->conf_text, sizeof(f->conf_text),
                          "devices = GSM1\nlogfile = %1$s/smsd.log\n[GSM1]\ndevice = /dev/null\n", f->folder);
        put_file(f, "smsd.conf", f->conf_text);
        f->conf = (struct smsd_conf){.text = f->conf_text, .length = strlen(f->conf_text)};
        return 0;
}

static int set_up_night(void **state)
{
        int r = set_up(state);
        const struct fixture *f = *state;

        write_history(f);
        append_to(f->log, smsd_log);
        return r;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;

        temp_folder_remove(f->folder);
        free(f);
        return 0;
}

/* --- golden lines --- */

struct drawing {
        const char *name;
        const char *since;
        const char *topics; /* NULL: all */
        unsigned width;
        bool utf8, masked, more_modems;
};

static const struct drawing drawings[] = {
    {"terminal-80", "2026-11-22", NULL, 80, true, false, false},
    {"terminal-120-ascii", "2026-11-22", NULL, 120, false, true, false},
    {"narrow", "2026-11-23 01:00", NULL, 20, true, true, false},
    {"pipe", "2026-11-23 01:30", NULL, 0, true, true, false},
    {"incidents-only", "2026-11-22", "incident", 100, true, true, false},
    {"sms-only", "2026-11-22", "sms", 100, true, true, true},
};

struct look {
        struct history_view view;
        FILE *json; /* instead */
};

static int show_one(void *userdata, const struct history_entry *entry, bool wanted)
{
        struct look *look = userdata;

        if (!look->json)
                history_view_entry(&look->view, entry, wanted);
        else if (wanted)
                return history_json(look->json, entry);
        return 0;
}

static char *draw(const struct fixture *f, const struct drawing *drawing, bool colour)
{
        struct history_request request = {.state_dir = f->state,
                                          .conf = &f->conf,
                                          .now = NOW,
                                          .since = time_of(drawing->since),
                                          .masked = drawing->masked};
        struct look look = {0};
        struct history_totals totals;
        char *text = NULL;
        size_t size;
        FILE *file = open_memstream(&text, &size);

        assert_non_null(file);
        if (drawing->topics)
                assert_int_equal(history_parse_topics(drawing->topics, &request.topics), 0);
        history_view_init(&look.view, &f->conf);
        look.view.screen = (struct screen){.file = file, .colour = colour};
        look.view.width = drawing->width;
        look.view.utf8 = drawing->utf8;
        look.view.fold = request.topics == 0;
        look.view.modem_column = drawing->more_modems ? 4 : 0;
        assert_int_equal(history_walk(&request, show_one, &look, &totals), 0);
        history_view_flush(&look.view);
        assert_int_equal(fclose(file), 0);
        return text;
}

static void compare_golden(const char *name, const char *text)
{
        _cleanup_free_ char *golden = NULL;
        size_t length = 0;
        char path[128];

        (void)text_format(path, sizeof(path), "tests/golden/history/%s.txt", name);
        if (getenv("UPDATE_GOLDEN"))
                assert_int_equal(file_replace(path, text, strlen(text), 0644), 0);
        assert_int_equal(file_read(path, 0, 65536, &golden, &length), 0);
        assert_string_equal(text, golden);
}

static void test_golden_lines(void **state)
{
        for (unsigned i = 0; i < ARRAY_SIZE(drawings); i++) {
                _cleanup_free_ char *text = draw(*state, &drawings[i], false);
                compare_golden(drawings[i].name, text);
        }
}

/* Nothing is wider than the terminal but a single word, no number of a person is whole, nothing steers. */
static void test_lines_fit(void **state)
{
        for (unsigned i = 0; i < ARRAY_SIZE(drawings); i++) {
                _cleanup_free_ char *text = draw(*state, &drawings[i], false);
                if (drawings[i].masked)
                        assert_null(strstr(text, "37061234"));
                for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                        if (drawings[i].width >= 80)
                                assert_true(screen_columns(line, strlen(line)) <= drawings[i].width);
                        for (const char *c = line; *c; c++)
                                assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
                }
        }
}

/* Without its sequences a coloured text is the plain one. */
static void test_colour_adds_only_colour(void **state)
{
        _cleanup_free_ char *plain = draw(*state, &drawings[0], false);
        _cleanup_free_ char *coloured = draw(*state, &drawings[0], true);
        char *to = coloured;

        assert_non_null(strstr(coloured, "\033[1;31m"));
        for (const char *from = coloured; *from; from++) {
                if (*from == '\033')
                        from += strcspn(from, "m");
                else
                        *to++ = *from;
        }
        *to = '\0';
        assert_string_equal(coloured, plain);
}

/* --- incidents --- */

static void test_names(void **state _unused_)
{
        struct history_entry a = {.boot = BOOT_A, .incident = 8000}, b = {.boot = BOOT_B, .incident = 8000};
        char name[HISTORY_NAME_MAX], other[HISTORY_NAME_MAX], typed[HISTORY_NAME_MAX];

        history_incident_name(&a, name);
        history_incident_name(&b, other);
        assert_int_equal(strlen(name), 8);
        assert_string_not_equal(name, other);
        assert_true(history_name_matches(name, name));
        assert_true(history_name_matches(name, name + 2));
        (void)text_copy_n(typed, sizeof(typed), name, 5);
        assert_true(history_name_matches(name, typed));
        assert_false(history_name_matches(other, name));
        assert_false(history_name_matches(name, ""));
        assert_false(history_name_matches(name, "i-"));
        assert_false(history_name_matches("", "i-0"));
        assert_true(history_name_matches("i-01z1zz", "I-OlZiZz"));
        assert_false(history_name_matches("i-01z1zz", "01z1zzz"));
        a.incident = 0;
        history_incident_name(&a, name);
        assert_string_equal(name, "");
}

static const struct {
        const char *text;
        int64_t at; /* seconds before NOW; -1 refused */
} times[] = {
    {"1h", 3600},
    {"30min", 1800},
    {"7d", 7 * 86400},
    {"1h 30min", 5400},
    {"2h ago", 7200},
    {"-45s", 45},
    {"today", 8 * 3600},
    {"yesterday", 32 * 3600},
    {"07:59", 60},
    {"08:00", 0},
    {"08:01", 86400 - 60},
    {"2026-11-23", 8 * 3600},
    {"2026-11-23 08:00", 0},
    {"2026-11-22 08:00", 86400},
    {"2026-11-22T08:00:30", 86400 - 30},
    {"100000w", NOW / 1000000},
    {"", -1},
    {"2026", -1},
    {"12", -1},
    {"infinity", -1},
    {"tomorrow", -1},
    {"25:00", -1},
    {"2026-13-01", -1},
    {"2026-11-23 08:00 or so", -1},
    {"1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h", -1},
};

static void test_since(void **state _unused_)
{
        for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
                int64_t at = 42;
                int r = since_parse(times[i].text, NOW, &at);
                if (r != (times[i].at < 0 ? -EINVAL : 0) || at != (r < 0 ? 42 : NOW - times[i].at * 1000000))
                        fail_msg("%s: %d, %lld", times[i].text, r, (long long)at);
        }
}

static void test_topics(void **state _unused_)
{
        struct history_entry hold = {.event = "hold-begun", .incident = 1}, sms = {.event = "sms-sent"};
        unsigned topics = 0;

        assert_int_equal(history_parse_topics("sms,alert", &topics), 0);
        assert_true(topics & history_topic_bits(&sms));
        assert_false(topics & history_topic_bits(&hold));
        assert_int_equal(history_parse_topics("hold", &topics), 0);
        assert_true(topics & history_topic_bits(&hold));
        assert_int_equal(history_parse_topics("incident", &topics), 0);
        assert_true(topics & history_topic_bits(&hold));
        assert_int_equal(history_parse_topics("", &topics), -EINVAL);
        assert_int_equal(history_parse_topics("hold,", &topics), -EINVAL);
        assert_int_equal(history_parse_topics("holds", &topics), -EINVAL);
}

/* --- the program --- */

struct output {
        int code;
        char out[65536];
        char err[4096];
};

static void read_all(int fd, char *target, size_t size)
{
        size_t length = 0;
        ssize_t n;

        while (length + 1 < size && (n = read(fd, target + length, size - 1 - length)) > 0)
                length += (size_t)n;
        target[length] = '\0';
        (void)close(fd);
}

static pid_t start(const struct fixture *f, uid_t uid, gid_t gid, int *ret_out, int *ret_err,
                   const char *const *words)
{
        const char *argv[16] = {f->program, "--config", f->config};
        int out[2], err[2];

        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        assert_int_equal(pipe2(err, O_CLOEXEC), 0);
        for (unsigned i = 0; i < 12 && words[i]; i++)
                argv[3 + i] = words[i];
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                /* Before the account changes: the build may lie in a folder that strangers cannot enter. */
                int program = open(f->program, O_PATH | O_CLOEXEC);
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || dup2(out[1], STDOUT_FILENO) < 0 ||
                    dup2(err[1], STDERR_FILENO) < 0 ||
                    (uid != 0 && (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setresuid(uid, uid, uid) < 0)))
                        _exit(120);
                fexecve(program, (char *const *)argv, environ);
                _exit(121);
        }
        (void)close(out[1]);
        (void)close(err[1]);
        *ret_out = out[0];
        *ret_err = err[0];
        return pid;
}

static void run_as(const struct fixture *f, uid_t uid, struct output *output, const char *const *words)
{
        int out, err, status = 0;
        pid_t pid = start(f, uid, uid, &out, &err, words);

        read_all(out, output->out, sizeof(output->out));
        read_all(err, output->err, sizeof(output->err));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        output->code = WEXITSTATUS(status);
}

#define RUN(f, output, ...)         run_as(f, 0, output, (const char *const[]){__VA_ARGS__, NULL})
#define RUN_AS(f, uid, output, ...) run_as(f, uid, output, (const char *const[]){__VA_ARGS__, NULL})

static void expect_in(const char *text, const char *wanted)
{
        if (!strstr(text, wanted))
                fail_msg("no \"%s\" in:\n%s", wanted, text);
}

static void test_usage(void **state)
{
        static const char *const cases[][3] = {
            {"history", "--since", "tomorrow"},
            {"history", "--kind", "noise"},
            {"history", "now"},
            {"history", "--watch"},
            {"explain", "--json"},
            {"status", "-f"},
        };
        struct output output;

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                RUN(*state, &output, cases[i][0], cases[i][1], cases[i][2]);
                assert_int_equal(output.code, 64);
                assert_string_equal(output.out, "");
                assert_ptr_equal(strchr(output.err, '\n'), output.err + strlen(output.err) - 1);
        }
}

static void test_nothing_yet(void **state)
{
        struct output output;

        RUN(*state, &output, "history");
        assert_int_equal(output.code, 0);
        assert_string_equal(output.out, "nothing is recorded yet\n");
        assert_string_equal(output.err, "");
        RUN(*state, &output, "explain");
        assert_int_equal(output.code, 0);
        assert_string_equal(output.out, "no incident is recorded\n");
        RUN(*state, &output, "history", "--json");
        assert_string_equal(output.out, "");
}

static void test_nothing_lately(void **state)
{
        struct output output;
        const struct fixture *f = *state;

        put_file(f, "state/history",
                 "{\"at\":\"2001-01-01T00:00:00.000000Z\",\"boot\":\"" BOOT_A
                 "\",\"event\":\"modem-ready\",\"severity\":\"info\",\"message\":\"of old\"}\n");
        RUN(f, &output, "history");
        assert_int_equal(output.code, 0);
        assert_string_equal(output.out, "nothing in the last 24 h; --since 7d shows more (the last entry is "
                                        "of 2001-01-01 00:00:00)\n");
        RUN(f, &output, "history", "--since", "2000-01-01", "--kind", "hold");
        assert_string_equal(output.out,
                            "nothing of that kind since 2000-01-01 00:00:00; the last entry is of "
                            "2001-01-01 00:00:00\n");
        RUN(f, &output, "history", "--since", "2000-01-01");
        expect_in(output.out, "2001-01-01 00:00:00      modem    of old\n");
}

static void test_only_root_and_adm(void **state)
{
        const struct fixture *f = *state;
        struct output output;

        RUN_AS(f, NOBODY, &output, "history");
        assert_int_equal(output.code, 77);
        assert_string_equal(output.out, "");
        assert_string_equal(output.err, "smswarden: history is for root and the group adm: use sudo\n");
        RUN_AS(f, NOBODY, &output, "explain");
        assert_int_equal(output.code, 77);
        RUN_AS(f, NOBODY, &output, "history", "-f");
        assert_int_equal(output.code, 77);
}

/* Who reads as a member of adm does reads the file and not the numbers of people. */
static void test_numbers_are_roots(void **state)
{
        const struct fixture *f = *state;
        struct output output;
        char path[128];

        (void)text_format(path, sizeof(path), "%s/history", f->state);
        assert_int_equal(chown(path, 0, NOBODY), 0);
        RUN(f, &output, "history", "--since", "2026-11-22", "--kind", "sms");
        expect_in(output.out, "sent to 37061234513 in 1s");
        expect_in(output.out, "received from Bank\\x1b[31m");
        RUN_AS(f, NOBODY, &output, "history", "--since", "2026-11-22", "--kind", "sms");
        assert_int_equal(output.code, 0);
        expect_in(output.out, "sent to 3706*****13 in 1s");
        expect_in(output.out, "received from *\n");
        expect_in(output.out, "received from 1***\n");
        assert_null(strstr(output.out, "37061234"));
        assert_null(strstr(output.out, "Bank"));
}

static void test_log_that_may_not_be_read(void **state)
{
        const struct fixture *f = *state;
        struct output output;
        char path[128];

        (void)text_format(path, sizeof(path), "%s/history", f->state);
        assert_int_equal(chown(path, 0, NOBODY), 0);
        assert_int_equal(chmod(f->log, 0600), 0);
        RUN_AS(f, NOBODY, &output, "history", "--since", "2026-11-22");
        assert_int_equal(output.code, 0);
        expect_in(output.out, "SMS works again after 2h 3min");
        expect_in(output.err, "no SMS are shown");
}

static void test_json(void **state)
{
        static const char *const keys[] = {"schema", "at",    "kind",     "event",       "severity",
                                           "modem",  "cause", "incident", "duration_ms", "message"};
        struct output output;
        unsigned n = 0;

        RUN(*state, &output, "history", "--since", "2026-11-22", "--json");
        assert_int_equal(output.code, 0);
        for (char *line = strtok(output.out, "\n"); line; line = strtok(NULL, "\n"), n++) {
                json_t *object = json_loads(line, 0, NULL);
                assert_non_null(object);
                assert_int_equal(json_object_size(object), ARRAY_SIZE(keys));
                for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
                        assert_non_null(json_object_get(object, keys[i]));
                json_decref(object);
        }
        assert_int_equal(n, ARRAY_SIZE(records) + 9);
}

static void test_explain(void **state)
{
        struct history_entry e;
        char name[HISTORY_NAME_MAX];
        struct output output;

        fill(&records[2], &e);
        history_incident_name(&e, name);
        RUN(*state, &output, "explain", name);
        assert_int_equal(output.code, 0);
        expect_in(output.out, "SMS did not work for 2h 3min; it is over\n");
        expect_in(output.out, "what        smsd (pid 8876) died, exit code 1: GSM1: write_to_modem");
        expect_in(output.out, "began       2026-11-23 01:11:07 (");
        expect_in(output.out, "ended       2026-11-23 03:14:00\n");
        expect_in(output.out, "why         smsd failed again and again");
        expect_in(output.out, "smsd's log  2026-11-23 01:10:58,3, GSM1: write_to_modem: error 5");
        expect_in(output.out, "what to do  look for what made it fail");
        expect_in(output.out, "resolved: smsd crashed");
        assert_null(strstr(output.out, "antenna"));
}

static void test_explain_the_last(void **state)
{
        struct output output;

        RUN(*state, &output, "explain");
        assert_int_equal(output.code, 0);
        expect_in(output.out, "SMS did not work for 9s; it is over\n");
        expect_in(output.out, "modem       GSM1\n");
}

static void test_explain_without_an_end(void **state)
{
        struct history_entry e;
        char name[HISTORY_NAME_MAX];
        struct output output;

        fill(&records[9], &e);
        history_incident_name(&e, name);
        RUN(*state, &output, "explain", name + 2);
        assert_int_equal(output.code, 0);
        expect_in(output.out, "when that ended was not recorded");
        expect_in(output.out, "new antenna on the roof");
}

static void test_explain_none_such(void **state)
{
        struct output output;

        RUN(*state, &output, "explain", "zzzzzzzz\033");
        assert_int_equal(output.code, 1);
        expect_in(output.err, "there is no incident zzzzzzzz\\x1b in the history");
}

/* --- following --- */

static void read_until(int fd, char *text, size_t size, const char *wanted)
{
        size_t length = strlen(text);
        struct pollfd ready = {.fd = fd, .events = POLLIN};

        while (!strstr(text, wanted)) {
                if (poll(&ready, 1, 10000) <= 0)
                        fail_msg("\"%s\" did not come; so far:\n%s", wanted, text);
                ssize_t n = read(fd, text + length, size - 1 - length);
                assert_true(n > 0);
                length += (size_t)n;
                text[length] = '\0';
        }
}

/* Whose members may read the history. Every Debian has it. */
static gid_t adm(void)
{
        const struct group *group = getgrnam("adm");

        assert_non_null(group);
        return group->gr_gid;
}

static void append_number(struct history_file *history, const char *event, unsigned number)
{
        struct history_entry e;

        fill(&records[0], &e);
        (void)text_copy(e.event, sizeof(e.event), event);
        e.at = (int64_t)time(NULL) * (int64_t)USEC_PER_SEC;
        (void)text_format(e.message, sizeof(e.message), "number %u.", number);
        assert_int_equal(history_file_append(history, &e), 0);
}

/* Records and SMS, over a rotation of smsd's log, by somebody who may not read the history's folder. */
static void test_follow(void **state)
{
        const struct fixture *f = *state;
        static char text[4 << 20];
        struct history_file *history;
        char old[128], wanted[64];
        int out, err, status;
        unsigned n = 0;

        assert_int_equal(history_file_new(&history, f->state), 0);
        append_number(history, "hold-ended", ++n);
        pid_t pid = start(f, NOBODY, adm(), &out, &err, (const char *const[]){"history", "-f", NULL});
        text[0] = '\0';
        read_until(out, text, sizeof(text), "number 1.");
        append_number(history, "hold-ended", ++n);
        read_until(out, text, sizeof(text), "number 2.");
        append_to(f->log, "2026-11-23 09:00:00,5, GSM1: SMS received, From: 37061234512\n");
        read_until(out, text, sizeof(text), "received from 3706*****12");
        (void)text_format(old, sizeof(old), "%s.1", f->log);
        assert_int_equal(rename(f->log, old), 0);
        append_to(f->log, "2026-11-23 09:00:00,5, GSM1: SMS received, From: 7\n");
        read_until(out, text, sizeof(text), "received from 7***");
        assert_int_equal(kill(pid, SIGINT), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
        for (unsigned i = 1; i <= n; i++) {
                (void)text_format(wanted, sizeof(wanted), "number %u.", i);
                const char *first = strstr(text, wanted);
                assert_null(strstr(first + 1, wanted));
        }
        (void)close(out);
        (void)close(err);
        history = history_file_free(history);
}

/* The new file is found although the folder cannot be watched: the old one tells. */
static void test_follow_over_a_rotation(void **state)
{
        const struct fixture *f = *state;
        struct history_file *history;
        char path[128], text[4096] = "";
        struct stat before, now;
        int out, err, status;

        assert_int_equal(history_file_new(&history, f->state), 0);
        (void)text_format(path, sizeof(path), "%s/history", f->state);
        do { /* nearly full */
                append_number(history, "flag-refused", 0);
                assert_int_equal(stat(path, &before), 0);
        } while (before.st_size < HISTORY_FILE_MAX - 2 * HISTORY_LINE_MAX);
        append_number(history, "hold-ended", 1);
        pid_t pid = start(f, NOBODY, adm(), &out, &err,
                          (const char *const[]){"history", "-f", "--kind", "hold", NULL});
        read_until(out, text, sizeof(text), "number 1.");
        do {
                append_number(history, "flag-refused", 0);
                assert_int_equal(stat(path, &now), 0);
        } while (now.st_ino == before.st_ino);
        append_number(history, "hold-ended", 2);
        read_until(out, text, sizeof(text), "number 2.");
        assert_int_equal(kill(pid, SIGINT), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        (void)close(out);
        (void)close(err);
        history = history_file_free(history);
}

/* `smswarden history -f | head -n 1` ends when head has. */
static void test_follow_ends_with_its_reader(void **state)
{
        const struct fixture *f = *state;
        int out, err, status = 0;
        struct history_file *history;
        char text[4096] = "";

        assert_int_equal(history_file_new(&history, f->state), 0);
        append_number(history, "hold-ended", 1);
        pid_t pid = start(f, 0, 0, &out, &err, (const char *const[]){"history", "--follow", NULL});
        read_until(out, text, sizeof(text), "number 1.");
        (void)close(out);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        (void)close(err);
        history = history_file_free(history);
}

#define TEST(name)  cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define NIGHT(name) cmocka_unit_test_setup_teardown(name, set_up_night, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
            NIGHT(test_golden_lines),
            NIGHT(test_lines_fit),
            NIGHT(test_colour_adds_only_colour),
            cmocka_unit_test(test_names),
            cmocka_unit_test(test_since),
            cmocka_unit_test(test_topics),
            TEST(test_usage),
            TEST(test_nothing_yet),
            TEST(test_nothing_lately),
            NIGHT(test_only_root_and_adm),
            NIGHT(test_numbers_are_roots),
            NIGHT(test_log_that_may_not_be_read),
            NIGHT(test_json),
            NIGHT(test_explain),
            NIGHT(test_explain_the_last),
            NIGHT(test_explain_without_an_end),
            NIGHT(test_explain_none_such),
            TEST(test_follow),
            TEST(test_follow_over_a_rotation),
            TEST(test_follow_ends_with_its_reader),
        };

        if (setenv("TZ", "UTC", 1) < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
