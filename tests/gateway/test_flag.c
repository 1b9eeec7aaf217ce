/*
 * The old scripts' flag: taken as a stop with an owner and an end, or refused and never followed. And the
 * night of the outage, event by event: SMS is back at once in every variant.
 */
#include "base/text.h"
#include "gateway_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

static bool flag_is_gone(struct gateway *g, const void *userdata)
{
        struct stat st;

        (void)userdata;
        return lstat(g->flag, &st) < 0 && errno == ENOENT;
}

/* As the old script does it: the flag first, then pkill -9. */
static void stop_the_old_way(struct gateway *g)
{
        pid_t handler = gateway_handler(g), smsd = gateway_smsd(g);

        gateway_write(g->flag, "");
        gateway_signal(smsd, SIGKILL);
        gateway_signal(handler, SIGKILL);
}

static void a_flag_before_the_kill_is_a_stop_with_an_end(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        stop_the_old_way(g);
        gateway_wait_held(g, "legacy");
        assert_string_equal(g->snapshot.hold.by, "root");
        int64_t length = g->snapshot.hold.until - g->snapshot.hold.since;
        assert_in_range(length, 6000000, 6000000);
        assert_int_equal(gateway_starts(g), 1);
        gateway_working(g, smsd);
        assert_string_equal(g->snapshot.restarts.last.cause, "hold-end");
        assert_true(flag_is_gone(g, NULL));
}

static void removing_the_flag_by_hand_ends_the_stop(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        stop_the_old_way(g);
        gateway_wait_held(g, "legacy");
        assert_int_equal(unlink(g->flag), 0);
        gateway_working(g, smsd);
        gateway_wait_logged(g, "was removed: the hold is over", 0);
}

/* --- what is no flag --- */

/* The flag lies there already; smsd dies and must be back, the flag reported and left as it is. */
static void is_refused(struct gateway *g, const char *why)
{
        char text[128];
        struct stat before, after;

        assert_int_equal(lstat(g->flag, &before), 0);
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_signal(smsd, SIGKILL);
        gateway_working(g, smsd);
        assert_int_equal(text_format(text, sizeof(text), "is not taken as a manual stop: it %s", why), 0);
        gateway_wait_logged(g, text, 0);
        assert_int_equal(gateway_logged(g, "is not taken as a manual stop"), 1);
        assert_int_equal(lstat(g->flag, &after), 0);
        assert_true(before.st_ino == after.st_ino && before.st_mode == after.st_mode &&
                    before.st_uid == after.st_uid);
        assert_int_equal(gateway_logged(g, "this is a hold"), 0);
}

static void a_symlink_as_flag_is_refused_and_not_followed(struct gateway *g)
{
        char target[96];

        assert_int_equal(text_format(target, sizeof(target), "%s/tmp/precious", g->folder), 0);
        gateway_write(target, "precious");
        assert_int_equal(symlink(target, g->flag), 0);
        is_refused(g, "is a symbolic link");
        _cleanup_free_ char *text = gateway_read(target);
        assert_string_equal(text, "precious");
}

static void a_directory_as_flag_is_refused(struct gateway *g)
{
        assert_int_equal(mkdir(g->flag, 0755), 0);
        is_refused(g, "is a folder");
}

static void a_fifo_as_flag_is_refused_and_blocks_nobody(struct gateway *g)
{
        assert_int_equal(mkfifo(g->flag, 0644), 0);
        is_refused(g, "is a fifo");
}

static void a_strangers_flag_is_refused(struct gateway *g)
{
        gateway_write(g->flag, "");
        assert_int_equal(chown(g->flag, 65534, 65534), 0);
        is_refused(g, "belongs to a stranger");
}

static void a_flag_with_another_name_elsewhere_is_refused(struct gateway *g)
{
        char other[96];

        assert_int_equal(text_format(other, sizeof(other), "%s/tmp/shadow", g->folder), 0);
        gateway_write(other, "root:!:1\n");
        assert_int_equal(link(other, g->flag), 0);
        is_refused(g, "has a second name");
}

static void garbage_as_flag_is_refused(struct gateway *g)
{
        _cleanup_free_ char *text = malloc(200001);

        assert_non_null(text);
        memset(text, '\x1b', 200000);
        text[200000] = '\0';
        gateway_write(g->flag, text);
        is_refused(g, "is too large for a flag");
}

/* --- the night of the outage --- */

static void is_back_at_once_and_leaves_no_flag(struct gateway *g, pid_t crashed)
{
        int64_t begun = gateway_now();

        gateway_working(g, crashed);
        assert_in_range(gateway_now() - begun, 0, 8000);
        assert_true(flag_is_gone(g, NULL));
        assert_false(g->snapshot.hold.active);
}

/* 19:44 the flag, smsd killed; 19:52 the configurator starts smsd around us; 19:53 it crashes. */
static void outage_the_configurator_starts_smsd_and_it_crashes(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t old = gateway_working(g, 0);
        stop_the_old_way(g);
        gateway_wait_held(g, "legacy");
        pid_t smsd = gateway_start_smsd(g, g->conf);
        gateway_wait(g, 1500, "no flag is left", flag_is_gone, NULL);
        assert_int_equal(gateway_working(g, old), smsd);
        gateway_signal(smsd, SIGKILL);
        is_back_at_once_and_leaves_no_flag(g, smsd);
}

/* The same, but smsd crashes before anybody could look at it twice. */
static void outage_smsd_crashes_right_after_the_start_around_us(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        stop_the_old_way(g);
        gateway_wait_held(g, "legacy");
        pid_t smsd = gateway_start_smsd(g, g->conf);
        gateway_wait_smsd_logged(g, "GSM1: Modem handler 0 has started. PID: ", 5000);
        gateway_wait(g, 1500, "no flag is left", flag_is_gone, NULL);
        gateway_signal(smsd, SIGKILL);
        is_back_at_once_and_leaves_no_flag(g, smsd);
}

/* The configurator's restart, TERM and start at once, with a flag that lay there: we hardly see smsd down. */
static void outage_the_configurator_restarts_beside_a_flag_and_it_crashes(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t old = gateway_working(g, 0);
        gateway_write(g->flag, "");
        gateway_signal(old, SIGTERM);
        gateway_wait_exit(old, 5000);
        pid_t smsd = gateway_start_smsd(g, g->conf);
        gateway_working(g, old);
        (void)smsd; /* ours may have been quicker: either is right */
        gateway_wait(g, 1500, "no flag is left", flag_is_gone, NULL);
        smsd = gateway_smsd(g);
        gateway_signal(smsd, SIGKILL);
        is_back_at_once_and_leaves_no_flag(g, smsd);
}

/* Our own restart clears it too. */
static void outage_restarted_by_us_and_it_crashes(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_write(g->flag, "");
        assert_int_equal(gateway_command(g, &(struct control_request){.kind = COMMAND_RESTART}, NULL), 0);
        assert_true(flag_is_gone(g, NULL));
        pid_t smsd = gateway_smsd(g);
        gateway_signal(smsd, SIGKILL);
        is_back_at_once_and_leaves_no_flag(g, smsd);
}

/* The modem comes back at the moment when the flag lies there: a plug is no person, the stop goes on to its
 * end. */
static void outage_a_plug_does_not_break_the_flags_stop(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        stop_the_old_way(g);
        gateway_wait_held(g, "legacy");
        gateway_modem(g, "unplug 0");
        gateway_plug(g, "");
        assert_int_equal(gateway_starts(g), 1);
        gateway_working(g, smsd);
        assert_int_equal(gateway_starts(g), 2);
        assert_true(flag_is_gone(g, NULL));
}

#define SHORT .warden = "[hold]\ndefault = 6s\n"

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_flag_before_the_kill_is_a_stop_with_an_end, SHORT),
    GATEWAY_TEST(removing_the_flag_by_hand_ends_the_stop),
    GATEWAY_TEST(a_symlink_as_flag_is_refused_and_not_followed),
    GATEWAY_TEST(a_directory_as_flag_is_refused),
    GATEWAY_TEST(a_fifo_as_flag_is_refused_and_blocks_nobody),
    GATEWAY_TEST(a_strangers_flag_is_refused),
    GATEWAY_TEST(a_flag_with_another_name_elsewhere_is_refused),
    GATEWAY_TEST(garbage_as_flag_is_refused),
    GATEWAY_TEST(outage_the_configurator_starts_smsd_and_it_crashes),
    GATEWAY_TEST(outage_smsd_crashes_right_after_the_start_around_us),
    GATEWAY_TEST(outage_the_configurator_restarts_beside_a_flag_and_it_crashes),
    GATEWAY_TEST(outage_restarted_by_us_and_it_crashes),
    GATEWAY_TEST(outage_a_plug_does_not_break_the_flags_stop, SHORT),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
