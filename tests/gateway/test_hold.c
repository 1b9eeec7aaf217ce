/*
 * The manual stop: it has an end, it ends in time, nothing is touched meanwhile, and it never outlives a
 * gateway that somebody started.
 */
#include "base/text.h"
#include "gateway_fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

static void a_stop_ends_by_itself(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        int64_t begun = gateway_now();

        gateway_stop(g, 4 * USEC_PER_SEC);
        gateway_wait_held(g, "cli");
        assert_string_equal(g->snapshot.hold.by, "root");
        assert_string_equal(g->snapshot.hold.reason, "a test");
        int64_t length = g->snapshot.hold.until - g->snapshot.hold.since;
        assert_in_range(length, 4000000, 4000000);
        gateway_working(g, smsd);
        assert_in_range(gateway_now() - begun, 4000, 10000);
        assert_string_equal(g->snapshot.restarts.last.cause, "hold-end");
        assert_false(g->snapshot.hold.active);
        gateway_wait_logged(g, "the hold of root (a test) is over after", 0);
}

static void a_start_ends_a_stop(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);

        gateway_stop(g, 10 * USEC_PER_MIN);
        gateway_start(g); /* returns when it is verified */
        assert_int_equal(gateway_snapshot(g)->verdict, VERDICT_WORKING);
        assert_int_not_equal(g->snapshot.smsd.pid, smsd);
        assert_false(g->snapshot.hold.active);
        assert_string_equal(g->snapshot.restarts.last.cause, "start");
}

static void a_start_of_what_runs_changes_nothing(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);

        gateway_start(g);
        assert_int_equal(gateway_smsd(g), smsd);
        assert_int_equal(gateway_starts(g), 1);
}

static void a_restart_restarts_also_out_of_a_stop(struct gateway *g)
{
        const struct control_request restart = {.kind = COMMAND_RESTART};

        gateway_plug(g, "");
        pid_t first = gateway_working(g, 0);
        assert_int_equal(gateway_command(g, &restart, NULL), 0);
        pid_t second = gateway_smsd(g);
        assert_int_not_equal(second, first);
        assert_false(gateway_is_alive(first));
        gateway_stop(g, 10 * USEC_PER_MIN);
        assert_int_equal(gateway_command(g, &restart, NULL), 0);
        assert_int_equal(gateway_snapshot(g)->verdict, VERDICT_WORKING);
        assert_int_equal(gateway_starts(g), 3);
}

static void a_stop_over_the_maximum_needs_force(struct gateway *g)
{
        struct control_request request = {.kind = COMMAND_STOP, .duration = 5 * USEC_PER_HOUR};
        char message[512];

        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        assert_int_equal(gateway_command(g, &request, message), 2);
        assert_non_null(strstr(message, "longer than hold.maximum (4h)"));
        assert_int_equal(gateway_smsd(g), smsd);
        assert_false(g->snapshot.hold.active);
        request.force = true;
        assert_int_equal(gateway_command(g, &request, message), 0);
        gateway_wait_held(g, "cli");
        assert_true(g->snapshot.hold.until - g->snapshot.hold.since == INT64_C(5) * 3600 * 1000000);
}

static void a_second_stop_replaces_the_first(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_stop(g, USEC_PER_HOUR);
        gateway_stop(g, 2 * USEC_PER_SEC);
        gateway_working(g, smsd);
        assert_int_equal(gateway_starts(g), 2);
}

/* --- nothing is touched --- */

struct untouched {
        struct stat conf;
        unsigned starts;
};

static struct untouched look(const struct gateway *g)
{
        struct untouched now = {.starts = gateway_starts(g)};

        assert_int_equal(stat(g->conf, &now.conf), 0);
        return now;
}

static bool is_untouched(struct gateway *g, const void *userdata)
{
        const struct untouched *before = userdata;
        struct untouched now = look(g);

        return now.conf.st_ino == before->conf.st_ino && now.starts == before->starts &&
               now.conf.st_mtim.tv_sec == before->conf.st_mtim.tv_sec &&
               now.conf.st_mtim.tv_nsec == before->conf.st_mtim.tv_nsec && gateway_holders(g, 0) == 0 &&
               gateway_processes(g) == 0 && gateway_snapshot(g)->hold.active;
}

static void during_a_stop_hotplug_touches_nothing_and_its_end_catches_up(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_stop(g, 5 * USEC_PER_SEC);
        struct untouched before = look(g);
        gateway_modem(g, "unplug 0");
        gateway_wait_logged(g, "the modem at USB 1-1.1 left", 2000);
        gateway_modem(g, "stale ttyUSB2");
        gateway_plug(g, "");
        gateway_stays(g, 3000, "nothing is touched", is_untouched, &before);
        assert_int_equal(gateway_bytes(g, 0, "at"), 0);
        assert_int_equal(gateway_logged(g, "a modem was plugged in"), 2); /* seen it was */
        gateway_working(g, smsd);
        assert_string_equal(gateway_device(g, "GSM1"), "ttyUSB3");
        assert_int_equal(gateway_starts(g), 2);
}

/* --- somebody starts smsd --- */

static bool is_adopted(struct gateway *g, const void *userdata)
{
        const struct snapshot *s = gateway_snapshot(g);

        return !s->hold.active && s->smsd.pid == *(const pid_t *)userdata;
}

static void smsd_started_by_hand_ends_a_stop_and_is_adopted(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t old = gateway_working(g, 0);
        gateway_stop(g, USEC_PER_HOUR);
        pid_t smsd = gateway_start_smsd(g, g->conf);
        gateway_wait(g, 1000, "the hold ends, smsd is adopted", is_adopted, &smsd);
        assert_int_equal(gateway_working(g, old), smsd);
        assert_int_equal(gateway_starts(g), 2);
        gateway_wait_logged(g, "the hold is ended, smsd is adopted", 0);
        gateway_signal(smsd, SIGKILL); /* and from now on it is kept alive like any other */
        gateway_working(g, smsd);
}

static bool debugging_goes_on(struct gateway *g, const void *userdata)
{
        const struct snapshot *s = gateway_snapshot(g);

        return s->hold.active && !s->smsd.running && gateway_is_alive(*(const pid_t *)userdata);
}

static void smsd_on_another_configuration_during_a_stop_is_left_alone(struct gateway *g)
{
        char conf[128], text[1024];

        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_stop(g, USEC_PER_HOUR);
        assert_int_equal(text_format(conf, sizeof(conf), "%s/debug.conf", g->folder), 0);
        assert_int_equal(text_format(text, sizeof(text),
                                     "devices = X\nlogfile = %s/debug.log\npidfile = %s/debug.pid\n"
                                     "infofile = %s/debug.working\noutgoing = %s/tmp\nincoming = %s/tmp\n"
                                     "checked = %s/tmp\n[X]\ndevice = /dev/shm/nothing\n",
                                     g->folder, g->folder, g->folder, g->folder, g->folder, g->folder),
                         0);
        gateway_write(conf, text);
        pid_t smsd = gateway_start_smsd(g, conf);
        gateway_stays(g, 2500, "the hold stays, smsd is left alone", debugging_goes_on, &smsd);
        gateway_signal(smsd, SIGKILL); /* it crashes: nobody's business */
        gateway_wait_exit(smsd, 2000);
        gateway_wait_held(g, "cli");
        assert_int_equal(gateway_starts(g), 1);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_stop_ends_by_itself),
    GATEWAY_TEST(a_start_ends_a_stop),
    GATEWAY_TEST(a_start_of_what_runs_changes_nothing),
    GATEWAY_TEST(a_restart_restarts_also_out_of_a_stop),
    GATEWAY_TEST(a_stop_over_the_maximum_needs_force),
    GATEWAY_TEST(a_second_stop_replaces_the_first),
    GATEWAY_TEST(during_a_stop_hotplug_touches_nothing_and_its_end_catches_up),
    GATEWAY_TEST(smsd_started_by_hand_ends_a_stop_and_is_adopted),
    GATEWAY_TEST(smsd_on_another_configuration_during_a_stop_is_left_alone),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
