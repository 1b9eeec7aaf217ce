/*
 * `smswarden queue`: what it says and what it does, on folders as smsd leaves them. No smsd runs here; what
 * is safe beside one is shown in tests/adapters/test_message_folders.c and tests/gateway/test_queue.c.
 */
#include "../../src/cli/screen.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "temp_folder.h"

#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define NOBODY  65534
#define FAILED  "To: 37060012345\nModem: GSM1\nFail_reason: +CMS ERROR: 38 (Network out of order)\n\nhello"
#define WAITING "To: +37060012345\n\nhello"
#define REFUSED "From: me\nFail_reason: No destination\nFailed: 26-11-23 09:09:41\n\nhello"

struct fixture {
        char folder[64], config[96], program[PATH_MAX];
};

struct output {
        int code;
        char out[65536], err[4096];
};

/* A path in the fixture's folder, in one of eight buffers in turn. */
static const char *path(const struct fixture *f, const char *name)
{
        static char paths[8][400];
        static unsigned next;
        char *target = paths[next++ % 8];

        assert_int_equal(text_format(target, sizeof(paths[0]), "%s/%s", f->folder, name), 0);
        return target;
}

static void put(const struct fixture *f, const char *name, const char *text)
{
        assert_int_equal(file_replace(path(f, name), text, strlen(text), 0644), 0);
}

static bool is_there(const struct fixture *f, const char *name)
{
        return access(path(f, name), F_OK) == 0;
}

/* --- running it --- */

static void read_all(FILE *file, char *target, size_t size)
{
        rewind(file);
        size_t n = fread(target, 1, size - 1, file);

        target[n] = '\0';
        assert_int_equal(fclose(file), 0);
}

static _Noreturn void become(const struct fixture *f, uid_t uid, FILE *out, FILE *err,
                             const char *const *words)
{
        const char *argv[16] = {f->program, "--config", f->config, "queue"};
        int program = open(f->program, O_PATH | O_CLOEXEC); /* strangers may not come to the build */

        for (unsigned i = 0; i < 11 && words[i]; i++)
                argv[4 + i] = words[i];
        if (dup2(fileno(out), STDOUT_FILENO) < 0 || dup2(fileno(err), STDERR_FILENO) < 0 ||
            setenv("TZ", "UTC", 1) < 0 || (uid != 0 && setresuid(uid, uid, uid) < 0))
                _exit(120);
        fexecve(program, (char *const *)argv, environ);
        _exit(121);
}

static void run_as(const struct fixture *f, uid_t uid, struct output *output, const char *const *words)
{
        FILE *out = tmpfile(), *err = tmpfile();
        int status = 0;

        assert_true(out && err);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                become(f, uid, out, err, words);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        output->code = WEXITSTATUS(status);
        read_all(out, output->out, sizeof(output->out));
        read_all(err, output->err, sizeof(output->err));
}

#define RUN(f, output, ...)         run_as(f, 0, output, (const char *const[]){__VA_ARGS__, NULL})
#define RUN_AS(f, uid, output, ...) run_as(f, uid, output, (const char *const[]){__VA_ARGS__, NULL})

/* --- the folders --- */

static void write_conf(const struct fixture *f, const char *failed)
{
        char text[1024];

        assert_int_equal(text_format(text, sizeof(text),
                                     "devices = GSM1\noutgoing = %s/outgoing\nchecked = %s/checked\n"
                                     "%s%s%s\n[GSM1]\ndevice = /dev/null\n",
                                     f->folder, f->folder, failed ? "failed = " : "", failed ? f->folder : "",
                                     failed ? failed : ""),
                         0);
        put(f, "smsd.conf", text);
}

static int setup(void **state)
{
        static const char *const folders[] = {"outgoing", "checked", "failed", "state"};
        struct fixture *f = calloc(1, sizeof(*f));
        char text[512];

        assert_non_null(f);
        (void)text_copy(f->folder, sizeof(f->folder), "/tmp/smswarden-queue-XXXXXX");
        assert_non_null(mkdtemp(f->folder));
        assert_int_equal(chmod(f->folder, 0755), 0);
        for (unsigned i = 0; i < ARRAY_SIZE(folders); i++)
                assert_int_equal(mkdir(path(f, folders[i]), 0755), 0);
        write_conf(f, "/failed\n");
        assert_int_equal(text_format(text, sizeof(text),
                                     "[gateway]\nsmsd_conf = %s/smsd.conf\nstate_dir = %s/state\n"
                                     "runtime_dir = %s/run\n",
                                     f->folder, f->folder, f->folder),
                         0);
        put(f, "smswarden.conf", text);
        (void)text_copy(f->config, sizeof(f->config), path(f, "smswarden.conf"));
        ssize_t length = readlink("/proc/self/exe", f->program, sizeof(f->program) - 1);
        assert_true(length > 0);
        f->program[length] = '\0';
        for (unsigned i = 0; i < 3; i++)
                (void)dirname(f->program);
        assert_int_equal(text_append(f->program, sizeof(f->program), "/smswarden"), 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        temp_folder_remove(f->folder);
        free(f);
        return 0;
}

static void fill(const struct fixture *f)
{
        assert_int_equal(mkdir(path(f, "state/quarantine"), 0700), 0);
        put(f, "failed/busy", FAILED);
        put(f, "failed/refused", REFUSED);
        put(f, "outgoing/new", WAITING);
        put(f, "checked/now", WAITING);
        put(f, "checked/now.LOCK", "12 GSM1\n");
        put(f, "state/quarantine/crasher", WAITING);
}

/* --- looking --- */

static void test_an_empty_queue(void **state)
{
        struct output output;

        RUN(*state, &output, NULL);
        assert_int_equal(output.code, 0);
        assert_string_equal(output.err, "");
        assert_string_equal(output.out,
                            "quarantine  none\nfailed      none\nchecked     none\noutgoing    none\n");
}

static void test_what_a_person_reads(void **state)
{
        struct fixture *f = *state;
        struct output output;

        fill(f);
        RUN(f, &output, NULL);
        assert_int_equal(output.code, 0);
        assert_non_null(strstr(output.out, "\nfailed      2 given up by smsd\n"));
        assert_non_null(strstr(output.out, "\n      +CMS ERROR: 38 (Network out of order); GSM1\n"));
        assert_non_null(strstr(output.out, "\n      No destination; it would fail again as it is\n"));
        assert_non_null(strstr(output.out, "\n      being worked on by GSM1\n"));
        assert_non_null(strstr(output.out, "37060012345"));
        assert_non_null(strstr(output.out, "smswarden queue requeue NAME..."));
        assert_non_null(strstr(output.out, "smswarden queue release NAME..."));
        assert_true(text_starts_with(output.out, "quarantine  1 put aside: the modem crashed twice on it\n"
                                                 "  crasher "));
        RUN(f, &output, "--failed");
        assert_true(text_starts_with(output.out, "failed      2 "));
        assert_null(strstr(output.out, "outgoing"));
}

static void test_eighty_columns(void **state)
{
        struct fixture *f = *state;
        struct output output;
        char name[256] = "failed/", text[512];

        memset(name + 7, 'n', 120);
        (void)text_format(
            text, sizeof(text),
            "Smswarden_requeued: 3\nTo: 37060012345\nModem: GSM1\nFail_reason: %0100d %040d\n\nhello", 0, 0);
        put(f, "failed/short",
            "Smswarden_requeued: 3\nTo: 12345678901234567890123456789012345678\nModem: "
            "GSM1234567890\nFail_reason: No destination in this very long reason of it\n\nhello");
        put(f, name, text);
        RUN(f, &output, "--failed");
        assert_int_equal(output.code, 0);
        char *rest = NULL;
        for (char *line = strtok_r(output.out, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
                if (!strstr(line, "nnnn") && !strstr(line, "0000")) /* a word is never broken */
                        assert_in_range(screen_columns(line, strlen(line)), 0, SCREEN_NARROW);
}

static void test_many_are_cut_short(void **state)
{
        struct fixture *f = *state;
        struct output output;
        char name[32];

        for (unsigned i = 0; i < 25; i++) {
                struct timespec times[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
                (void)text_format(name, sizeof(name), "failed/m%02u", i);
                put(f, name, FAILED);
                assert_int_equal(utimensat(AT_FDCWD, path(f, name), times, 0), 0);
        }
        RUN(f, &output, NULL);
        assert_non_null(strstr(output.out, "... and 5 older: smswarden queue --failed\n"));
        assert_true(strstr(output.out, "m24") && strstr(output.out, "m05") && !strstr(output.out, "m04"));
        assert_true(strstr(output.out, "m24") < strstr(output.out, "m05"));
        RUN(f, &output, "--failed");
        assert_non_null(strstr(output.out, "m00"));
        assert_null(strstr(output.out, "... and"));
}

static void test_hostile_messages(void **state)
{
        struct fixture *f = *state;
        struct output output;

        put(f, "failed/a\033[2J\nb", "To: \033[31m1\nFail_reason: \033]0;x\a\xff\n\nhello");
        RUN(f, &output, NULL);
        assert_int_equal(output.code, 0);
        assert_null(strchr(output.out, '\033'));
        assert_null(strchr(output.out, '\a'));
        assert_non_null(strstr(output.out, "a\\x1b[2J\\nb"));
        RUN(f, &output, "requeue", "a\033[2J\nb");
        assert_int_equal(output.code, 0);
        assert_string_equal(output.out, "a\\x1b[2J\\nb: is queued again (1 of 3 times)\n");
        RUN(f, &output, "--json");
        json_t *root = json_loads(output.out, 0, NULL);
        assert_non_null(root);
        json_decref(root);
}

static void test_json(void **state)
{
        struct fixture *f = *state;
        struct output output;
        const char *name, *to, *reason, *modem;
        int final, locked, requeued;

        fill(f);
        put(f, "failed/busy", "Smswarden_requeued: 2\n" FAILED);
        RUN(f, &output, "--json", "--failed", "--checked");
        assert_int_equal(output.code, 0);
        json_t *root = json_loads(output.out, 0, NULL);
        assert_non_null(root);
        assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
        json_t *folders = json_object_get(root, "folders");
        assert_int_equal(json_object_size(folders), 2);
        assert_true(json_is_null(json_object_get(json_object_get(folders, "failed"), "error")));
        json_t *failed = json_object_get(json_object_get(folders, "failed"), "messages");
        json_t *checked = json_object_get(json_object_get(folders, "checked"), "messages");
        assert_int_equal(json_array_size(failed), 2);
        json_t *busy = json_array_get(failed, 0);
        if (!text_equal(json_string_value(json_object_get(busy, "name")), "busy"))
                busy = json_array_get(failed, 1);
        assert_int_equal(json_unpack(busy, "{s:s, s:s, s:s, s:s, s:b, s:b, s:i}", "name", &name, "to", &to,
                                     "reason", &reason, "modem", &modem, "final", &final, "locked", &locked,
                                     "requeued", &requeued),
                         0);
        assert_string_equal(to, "37060012345");
        assert_string_equal(reason, "+CMS ERROR: 38 (Network out of order)");
        assert_true(!final && !locked && requeued == 2);
        assert_int_equal(
            json_unpack(json_array_get(checked, 0), "{s:b, s:s}", "locked", &locked, "locked_by", &modem), 0);
        assert_true(locked);
        assert_string_equal(modem, "GSM1");
        json_decref(root);
}

static void test_a_stranger_sees_no_numbers(void **state)
{
        static const char *const forms[] = {"--failed", "--json"};
        struct fixture *f = *state;

        fill(f);
        for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
                struct output output;
                RUN_AS(f, NOBODY, &output, forms[i]);
                assert_int_equal(output.code, 0);
                assert_null(strstr(output.out, "37060012345"));
                assert_non_null(strstr(output.out, "3706*****45"));
                assert_non_null(strstr(output.out, "busy"));
        }
        struct output output;
        RUN_AS(f, NOBODY, &output, "--quarantine");
        assert_int_equal(output.code, 0);
        assert_string_equal(output.out, "quarantine  cannot be looked at: this user may not do that\n");
}

static void test_smsd_that_keeps_no_failed_ones(void **state)
{
        struct fixture *f = *state;
        struct output output;

        write_conf(f, NULL);
        RUN(f, &output, "--failed");
        assert_string_equal(output.out,
                            "failed      smsd.conf names no such folder: what fails is deleted\n");
        RUN(f, &output, "requeue", "--failed");
        assert_int_equal(output.code, 1);
        assert_int_equal(unlink(path(f, "smsd.conf")), 0);
        RUN(f, &output, NULL);
        assert_int_equal(output.code, 1);
        assert_non_null(strstr(output.err, "smsd.conf: No such file or directory"));
}

/* --- changing --- */

static void test_requeue(void **state)
{
        struct fixture *f = *state;
        struct output output;
        char expected[64];

        put(f, "failed/busy", FAILED);
        for (unsigned i = 1; i <= 3; i++) {
                RUN(f, &output, "requeue", "busy");
                assert_int_equal(output.code, 0);
                (void)text_format(expected, sizeof(expected), "busy: is queued again (%u of 3 times)\n", i);
                assert_string_equal(output.out, expected);
                assert_false(is_there(f, "failed/busy"));
                assert_int_equal(rename(path(f, "outgoing/busy"), path(f, "failed/busy")), 0);
        }
        RUN(f, &output, "requeue", "busy");
        assert_int_equal(output.code, 1);
        assert_string_equal(
            output.err,
            "smswarden: queue: busy: it was queued again 3 times already; --force does it once more\n");
        assert_true(is_there(f, "failed/busy"));
        RUN(f, &output, "requeue", "busy", "--force");
        assert_int_equal(output.code, 0);
        assert_string_equal(output.out, "busy: is queued again (time 4)\n");
}

static void test_requeue_all(void **state)
{
        struct fixture *f = *state;
        struct output output;

        RUN(f, &output, "requeue", "--failed");
        assert_int_equal(output.code, 0);
        assert_string_equal(output.out, "no message has failed\n");
        fill(f);
        put(f, "failed/spent", "Smswarden_requeued: 3\n" FAILED);
        RUN(f, &output, "requeue", "--failed");
        assert_int_equal(output.code, 1);
        assert_true(is_there(f, "outgoing/busy") && is_there(f, "failed/spent"));
        assert_true(is_there(f, "failed/refused"));
        assert_non_null(strstr(output.out, "left alone: 1 that would fail again as it is;"));
        RUN(f, &output, "requeue", "refused");
        assert_int_equal(output.code, 0);
        assert_true(is_there(f, "outgoing/refused"));
}

static void test_release_and_remove(void **state)
{
        struct fixture *f = *state;
        struct output output;

        fill(f);
        RUN(f, &output, "release", "crasher", "nobody");
        assert_int_equal(output.code, 1);
        assert_string_equal(output.out, "crasher: is queued again\n");
        assert_string_equal(
            output.err,
            "smswarden: queue: nobody: there is no such message (any more); see smswarden queue\n");
        assert_true(is_there(f, "outgoing/crasher") && !is_there(f, "state/quarantine/crasher"));
        RUN(f, &output, "remove", "busy", "new", "now");
        assert_int_equal(output.code, 1);
        assert_string_equal(output.out, "busy: is removed\n");
        assert_true(is_there(f, "outgoing/new") && is_there(f, "checked/now"));
        put(f, "state/quarantine/refused", WAITING);
        RUN(f, &output, "remove", "refused");
        assert_int_equal(output.code, 1);
        assert_non_null(strstr(output.err, "lies in both folders: say --failed or --quarantine"));
        RUN(f, &output, "remove", "refused", "--quarantine");
        assert_int_equal(output.code, 0);
        assert_true(is_there(f, "failed/refused") && !is_there(f, "state/quarantine/refused"));
}

static void test_what_smsd_works_on(void **state)
{
        struct fixture *f = *state;
        struct output output;

        put(f, "failed/now", FAILED);
        put(f, "checked/now", WAITING);
        RUN(f, &output, "requeue", "now");
        assert_int_equal(output.code, 1);
        assert_non_null(strstr(output.err, "a message of this name waits to be sent already"));
        put(f, "failed/now.LOCK", "1 GSM1\n");
        RUN(f, &output, "remove", "now");
        assert_int_equal(output.code, 1);
        assert_non_null(strstr(output.err, "is working on it: try again in a minute"));
        assert_true(is_there(f, "failed/now") && is_there(f, "checked/now"));
}

static void test_without_permission(void **state)
{
        static const char *const words[] = {"requeue", "remove"};
        struct fixture *f = *state;

        fill(f);
        for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
                struct output output;
                RUN_AS(f, NOBODY, &output, words[i], "busy", "refused");
                assert_int_equal(output.code, 77);
                assert_string_equal(output.out, "");
                assert_string_equal(output.err,
                                    "smswarden: queue: busy: this user may not do that: the messages "
                                    "are root's and smsd's own to move\n");
        }
        assert_true(is_there(f, "failed/busy"));
}

static void test_mistakes(void **state)
{
        static const struct {
                const char *words[4], *complaint;
        } cases[] = {
            {{"frob"}, "cannot frob: requeue, release or remove"},
            {{"requeue"}, "wants the names of failed messages, or --failed for all"},
            {{"release"}, "wants the names"},
            {{"remove", "--failed"}, "wants the names"},
            {{"requeue", "--quarantine", "x"}, "requeue takes no --quarantine"},
            {{"release", "x", "--failed"}, "release takes no --failed"},
            {{"remove", "x", "--force"}, "remove takes no --force"},
            {{"requeue", "x", "--json"}, "requeue takes no --json"},
            {{"--force"}, "--force belongs to queue requeue"},
            {{"--watch"}, "queue takes no --watch"},
        };
        struct fixture *f = *state;

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                struct output output;
                run_as(f, 0, &output, cases[i].words);
                assert_int_equal(output.code, 64);
                assert_non_null(strstr(output.err, cases[i].complaint));
                assert_ptr_equal(strchr(output.err, '\n'), output.err + strlen(output.err) - 1);
        }
}

static void test_names_are_no_paths(void **state)
{
        static const char *const hostile[] = {"../smsd.conf", "/etc/passwd", "..", ".", "",
                                              "now.LOCK",     "a/b"};
        struct fixture *f = *state;

        fill(f);
        for (unsigned i = 0; i < ARRAY_SIZE(hostile); i++) {
                struct output output;
                RUN(f, &output, "remove", "--failed", hostile[i]);
                assert_int_equal(output.code, 1);
                assert_non_null(strstr(output.err, "that is not the name of a message"));
        }
        assert_true(is_there(f, "smsd.conf") && access("/etc/passwd", F_OK) == 0);
}

/* What a power cut left is put right before anything else. */
static void test_interrupted(void **state)
{
        struct fixture *f = *state;
        struct output output;

        put(f, "failed/.busy.smswarden-move", FAILED);
        put(f, "outgoing/.busy.smswarden-copy", FAILED);
        RUN(f, &output, "requeue", "busy");
        assert_int_equal(output.code, 0);
        assert_string_equal(output.out, "busy: is queued again (1 of 3 times)\n");
        assert_true(is_there(f, "outgoing/busy") && !is_there(f, "outgoing/.busy.smswarden-copy") &&
                    !is_there(f, "failed/.busy.smswarden-move"));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
        const struct CMUnitTest tests[] = {
            TEST(test_an_empty_queue),
            TEST(test_what_a_person_reads),
            TEST(test_eighty_columns),
            TEST(test_many_are_cut_short),
            TEST(test_hostile_messages),
            TEST(test_json),
            TEST(test_a_stranger_sees_no_numbers),
            TEST(test_smsd_that_keeps_no_failed_ones),
            TEST(test_requeue),
            TEST(test_requeue_all),
            TEST(test_release_and_remove),
            TEST(test_what_smsd_works_on),
            TEST(test_without_permission),
            TEST(test_mistakes),
            TEST(test_names_are_no_paths),
            TEST(test_interrupted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
