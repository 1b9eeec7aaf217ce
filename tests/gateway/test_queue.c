/*
 * Failed messages beside the real smsd: what it writes into them, what it keeps, and that `smswarden queue`
 * never takes one that it works on. What a modem sent is counted at the modem.
 */
#include "adapters/message_folders.h"
#include "base/text.h"
#include "gateway_tools.h"

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

struct output {
        int code;
        char text[16384]; /* stdout and stderr */
};

static _Noreturn void become(const struct gateway *g, int out, const char *const *words)
{
        char program[PATH_MAX] = "";
        const char *argv[12] = {program, "--config", g->warden_conf, "queue"};

        if (readlink("/proc/self/exe", program, sizeof(program) - 16) < 0)
                _exit(120);
        for (unsigned i = 0; i < 3; i++)
                (void)dirname(program);
        (void)text_append(program, sizeof(program), "/smswarden"); /* there is room for it */
        for (unsigned i = 0; i < 7 && words[i]; i++)
                argv[4 + i] = words[i];
        if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
                _exit(120);
        (void)execv(program, (char *const *)argv);
        _exit(121);
}

static void run(struct gateway *g, struct output *output, const char *const *words)
{
        int pipes[2], status;
        size_t length = 0;
        ssize_t n;

        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                become(g, pipes[1], words);
        (void)close(pipes[1]);
        while ((n = read(pipes[0], output->text + length, sizeof(output->text) - 1 - length)) > 0)
                length += (size_t)n;
        (void)close(pipes[0]);
        output->text[length] = '\0';
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        output->code = WEXITSTATUS(status);
}

#define QUEUE(g, output, ...) run(g, output, (const char *const[]){__VA_ARGS__, NULL})

static bool has_failed(struct gateway *g, const void *userdata)
{
        struct output output;
        const char *wanted = userdata;

        QUEUE(g, &output, "--failed");
        return strstr(output.text, wanted) && !strstr(output.text, "being worked on");
}

static bool is_in_spool(struct gateway *g, const void *userdata)
{
        return access(gateway_path(g, userdata), F_OK) == 0;
}

/* smsd is behind it: its eventhandler, and its lock in checked. */
static bool is_let_go(struct gateway *g, const void *userdata)
{
        return !is_in_spool(g, userdata);
}

static void wait_failed(struct gateway *g, const char *name)
{
        char lock[64];

        gateway_wait(g, 20000, "the message failed", has_failed, name);
        assert_int_equal(text_format(lock, sizeof(lock), "spool/checked/%s.LOCK", name), 0);
        gateway_wait(g, 5000, "smsd let it go", is_let_go, lock);
}

static void a_failed_message_is_shown_and_sent_again(struct gateway *g)
{
        struct output output;

        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "cmgs 0 error 38");
        gateway_send(g, "invoice", "once more");
        wait_failed(g, "invoice");
        QUEUE(g, &output, "--failed");
        assert_non_null(strstr(output.text, "37060000001"));
        assert_non_null(strstr(output.text, "+CMS ERROR: 38 (Network out of order); GSM1"));
        gateway_modem(g, "cmgs 0 ok");
        QUEUE(g, &output, "requeue", "--failed");
        assert_int_equal(output.code, 0);
        assert_string_equal(output.text, "invoice: is queued again (1 of 3 times)\n");
        gateway_wait(g, 15000, "it is in sent/", is_in_spool, "spool/sent/invoice");
        assert_int_equal(gateway_sent(g, 0, "once more"), 1);
        _cleanup_free_ char *text = gateway_read(gateway_path(g, "spool/sent/invoice"));
        assert_true(text_starts_with(text, "Smswarden_requeued: 1\nTo: 37060000001\n"));
        assert_null(strstr(text, "Fail_reason"));
        QUEUE(g, &output, "--failed");
        assert_string_equal(output.text, "failed      none\n");
}

/* Through smsd's own rewriting of the file, four times. */
static void the_fourth_requeue_is_refused(struct gateway *g)
{
        static const char *const told[] = {"", "queued again 1 of 3 times", "queued again 2 of 3 times",
                                           "queued again 3 of 3 times"};
        struct output output;

        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "cmgs 0 error 42");
        gateway_send(g, "m", "again and again");
        for (unsigned i = 0; i <= 3; i++) {
                gateway_wait(g, 20000, "the message failed", has_failed, i > 0 ? told[i] : "+CMS ERROR: 42");
                gateway_wait(g, 5000, "smsd let it go", is_let_go, "spool/checked/m.LOCK");
                QUEUE(g, &output, "requeue", "m");
                assert_int_equal(output.code, i < 3 ? 0 : 1);
        }
        assert_non_null(strstr(output.text, "it was queued again 3 times already"));
        assert_true(is_in_spool(g, "spool/failed/m"));
        gateway_modem(g, "cmgs 0 ok");
        QUEUE(g, &output, "requeue", "m", "--force");
        assert_int_equal(output.code, 0);
        gateway_wait(g, 15000, "it is in sent/", is_in_spool, "spool/sent/m");
        assert_int_equal(gateway_sent(g, 0, "again and again"), 1);
}

/* smsd gives it another name each time; the count stays with it. */
static void a_name_that_smsd_changes_loses_no_count(struct gateway *g)
{
        struct output output;

        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "cmgs 0 error 38");
        gateway_send(g, "m", "renamed");
        gateway_wait(g, 20000, "the message failed", has_failed, "GSM1.");
        QUEUE(g, &output, "requeue", "--failed");
        assert_int_equal(output.code, 0);
        gateway_wait(g, 20000, "it failed again", has_failed, "queued again 1 of 3 times");
        QUEUE(g, &output, "requeue", "--failed");
        assert_int_equal(output.code, 0);
        assert_non_null(strstr(output.text, "(2 of 3 times)"));
}

static bool is_sending(struct gateway *g, const void *userdata)
{
        struct output output;

        (void)userdata;
        QUEUE(g, &output, "--checked");
        return strstr(output.text, "being worked on by GSM1") != NULL;
}

/* One of its name is at the modem: smsd would write over it, or stop altogether. */
static void a_name_that_is_being_sent_is_not_taken_twice(struct gateway *g)
{
        struct output output;

        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "cmgs 0 ok 4000");
        gateway_send(g, "m", "the first");
        gateway_wait(g, 10000, "smsd sends it", is_sending, NULL);
        gateway_write(gateway_path(g, "spool/failed/m"), "To: 37060000001\n\nthe second");
        QUEUE(g, &output, "requeue", "m");
        assert_int_equal(output.code, 1);
        assert_non_null(strstr(output.text, "waits to be sent already"));
        gateway_wait(g, 15000, "it is in sent/", is_in_spool, "spool/sent/m");
        gateway_wait(g, 5000, "smsd let it go", is_let_go, "spool/checked/m.LOCK");
        gateway_modem(g, "cmgs 0 ok");
        QUEUE(g, &output, "requeue", "m");
        assert_int_equal(output.code, 0);
        gateway_wait_sent(g, 0, 2, 15000);
        assert_int_equal(gateway_sent(g, 0, "the first"), 1);
        assert_int_equal(gateway_sent(g, 0, "the second"), 1);
}

static void what_smsd_refuses_is_not_requeued_with_the_others(struct gateway *g)
{
        struct output output;

        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_write(gateway_path(g, "spool/m"), "From: me\n\nto nobody");
        assert_int_equal(rename(gateway_path(g, "spool/m"), gateway_path(g, "spool/outgoing/m")), 0);
        gateway_wait(g, 15000, "the message failed", has_failed, "No destination; it would fail again");
        QUEUE(g, &output, "requeue", "--failed");
        assert_int_equal(output.code, 0);
        assert_true(text_starts_with(output.text, "left alone: 1 "));
        assert_true(is_in_spool(g, "spool/failed/m"));
}

/* As the daemon does it between a stop and a start: the file of the crash is put aside, with smsd's lock
 * still beside it, and a person lets it go. */
static void a_message_in_quarantine_is_released(struct gateway *g)
{
        struct output output;
        struct message_folders *folders = NULL;

        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "cmgs 0 never");
        gateway_send(g, "crasher", "poison");
        gateway_wait(g, 10000, "smsd sends it", is_sending, NULL);
        gateway_signal(gateway_handler(g), SIGKILL);
        gateway_stop(g, 10 * USEC_PER_MIN);
        assert_true(is_in_spool(g, "spool/checked/crasher.LOCK"));
        const char *const paths[] = {gateway_path(g, "spool/outgoing"), gateway_path(g, "spool/checked"),
                                     gateway_path(g, "spool/failed"), gateway_path(g, "state/quarantine")};
        assert_int_equal(message_folders_open(&folders, paths), 0);
        assert_int_equal(message_folders_quarantine(folders, MESSAGES_CHECKED, "crasher"), MESSAGE_DONE);
        folders = message_folders_close(folders);
        gateway_modem(g, "cmgs 0 ok");
        unsigned before = gateway_sent(g, 0, "poison");
        gateway_start(g);
        gateway_send(g, "other", "goes out");
        gateway_wait(g, 15000, "the other one is in sent/", is_in_spool, "spool/sent/other");
        assert_int_equal(gateway_sent(g, 0, "poison"), before);
        QUEUE(g, &output, NULL);
        assert_true(text_starts_with(output.text, "quarantine  1 put aside"));
        QUEUE(g, &output, "release", "crasher");
        assert_int_equal(output.code, 0);
        gateway_wait(g, 15000, "it is in sent/", is_in_spool, "spool/sent/crasher");
}

/* Mostly smsd moves it to failed/ when it is told to end; now and then it leaves it in checked/, and takes it
 * from there. */
static bool is_queued(struct gateway *g, const void *userdata)
{
        char outgoing[64], checked[64];

        (void)text_format(outgoing, sizeof(outgoing), "spool/outgoing/%s", (const char *)userdata);
        (void)text_format(checked, sizeof(checked), "spool/checked/%s", (const char *)userdata);
        return is_in_spool(g, outgoing) || is_in_spool(g, checked);
}

/* smsd fails what it is about to send when it hears TERM: nothing has gone out, nobody is warned. */
static void a_message_that_a_restart_made_fail_goes_out(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_modem(g, "reg 0 searching");
        gateway_send(g, "m", "not yet");
        gateway_wait_smsd_logged(g, "MODEM IS NOT REGISTERED, WAITING", 20000);
        gateway_stop(g, 10 * USEC_PER_MIN);
        gateway_wait(g, 10000, "it waits for smsd again", is_queued, "m");
        bool requeued = is_in_spool(g, "spool/outgoing/m");
        gateway_modem(g, "reg 0 home");
        gateway_start(g);
        gateway_working(g, smsd);
        gateway_wait(g, 15000, "it is in sent/", is_in_spool, "spool/sent/m");
        assert_int_equal(gateway_sent(g, 0, "not yet"), 1);
        _cleanup_free_ char *text = gateway_read(gateway_path(g, "spool/sent/m"));
        assert_true(text_starts_with(text, requeued ? "Smswarden_requeued: 1\nTo: 37060000001\n"
                                                    : "To: 37060000001\n"));
}

static bool is_at_the_modem(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_commands(g, 0, "AT+CMGS=") > 0;
}

static bool is_gone(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_processes(g) == 0;
}

/* The modem had it: whether it went out nobody knows, and a second one is for a person to decide. */
static void one_that_nobody_answered_for_is_not_sent_twice(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "cmgs 0 never");
        gateway_send(g, "m", "perhaps");
        gateway_wait(g, 10000, "the modem has it", is_at_the_modem, NULL);
        gateway_stop(g, 10 * USEC_PER_MIN);
        gateway_wait(g, 75000, "the message failed", has_failed, "Unknown");
        gateway_wait(g, 5000, "smsd is gone", is_gone, NULL);
        gateway_stays(g, 3000, "it stays in failed/", is_in_spool, "spool/failed/m");
        _cleanup_free_ char *text = gateway_read(gateway_path(g, "spool/failed/m"));
        assert_non_null(strstr(text, "\nFail_reason: Unknown\n"));
        assert_non_null(strstr(text, "\nPDU: "));
}

/* One attempt per message, and no pause of an hour after three failures. */
#define ONE_ATTEMPT .smsd_modem = "send_retries = 0\n"
#define GO_ON       "errorsleeptime = 1\nblockafter = 100\n"

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_failed_message_is_shown_and_sent_again, ONE_ATTEMPT, .smsd_global = GO_ON),
    GATEWAY_TEST(the_fourth_requeue_is_refused, ONE_ATTEMPT, .smsd_global = GO_ON),
    GATEWAY_TEST(a_name_that_smsd_changes_loses_no_count, ONE_ATTEMPT,
                 .smsd_global = GO_ON "keep_filename = no\n"),
    GATEWAY_TEST(a_name_that_is_being_sent_is_not_taken_twice, ONE_ATTEMPT, .smsd_global = GO_ON),
    GATEWAY_TEST(what_smsd_refuses_is_not_requeued_with_the_others, ONE_ATTEMPT, .smsd_global = GO_ON),
    GATEWAY_TEST(a_message_that_a_restart_made_fail_goes_out),
    GATEWAY_TEST(one_that_nobody_answered_for_is_not_sent_twice, .smsd_modem = "read_timeout = 1\n"),
    GATEWAY_TEST(a_message_in_quarantine_is_released, ONE_ATTEMPT, .smsd_global = GO_ON),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
