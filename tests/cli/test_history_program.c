/*
 * `smswarden history` and `explain` as programs: what they say to whom, and that following shows everything
 * once, over rotations, also to somebody who may not read the folder.
 */
#include "history_fixture.h"

#include <poll.h>

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
        RUN(f, &output, "history", "--since", "2024-11-22", "--kind", "sms");
        expect_in(output.out, "sent to 37061234513 in 1s");
        expect_in(output.out, "received from Bank\\x1b[31m");
        RUN_AS(f, NOBODY, &output, "history", "--since", "2024-11-22", "--kind", "sms");
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
        RUN_AS(f, NOBODY, &output, "history", "--since", "2024-11-22");
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

        RUN(*state, &output, "history", "--since", "2024-11-22", "--json");
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
        expect_in(output.out, "began       2024-11-23 01:11:07 (");
        expect_in(output.out, "ended       2024-11-23 03:14:00\n");
        expect_in(output.out, "why         smsd failed again and again");
        expect_in(output.out, "smsd's log  2024-11-23 01:10:58,3, GSM1: write_to_modem: error 5");
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

static void test_explain_while_it_goes_on(void **state)
{
        const struct fixture *f = *state;
        struct history_file *history;
        struct history_entry e;
        struct output output;

        fill(&records[2], &e);
        e.at = (int64_t)time(NULL) * (int64_t)USEC_PER_SEC;
        assert_int_equal(history_file_new(&history, f->state), 0);
        assert_int_equal(history_file_append(history, &e), 0);
        history = history_file_free(history);
        RUN(f, &output, "explain");
        assert_int_equal(output.code, 0);
        expect_in(output.out, "and no end is recorded\n");
        expect_in(output.out, "ended       not yet\n");
        expect_in(output.out, "what to do  start the controller");
        RUN(f, &output, "history");
        expect_in(output.out, "  has no end yet, it began ");
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
        append_to(f->log, "2024-11-23 09:00:00,5, GSM1: SMS received, From: 37061234512\n");
        read_until(out, text, sizeof(text), "received from 3706*****12");
        (void)text_format(old, sizeof(old), "%s.1", f->log);
        assert_int_equal(rename(f->log, old), 0);
        append_to(f->log, "2024-11-23 09:00:00,5, GSM1: SMS received, From: 7\n");
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

int main(void)
{
        const struct CMUnitTest tests[] = {
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
            TEST(test_explain_while_it_goes_on),
            NIGHT(test_explain_none_such),
            TEST(test_follow),
            TEST(test_follow_over_a_rotation),
            TEST(test_follow_ends_with_its_reader),
        };

        if (setenv("TZ", "UTC", 1) < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
