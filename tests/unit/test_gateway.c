/*
 * The gateway as a whole: the post-mortem of 2026-01-17 event by event in all its variants, renumbering,
 * holds, PINs, commands, and the proof that one place only can start smsd.
 */
#include "rig.h"

#include "core/profile.h"

#include <dirent.h>
#include <stdio.h>

/* --- the post-mortem: a flag was left behind, smsd crashed, nobody started it for two hours --- */

/* 19:44 the old script stops smsd by the flag, 19:52 somebody starts it around us, ~19:53 it crashes. */
static void test_post_mortem(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->flag = FLAG_PRESENT;
        rig->flag_since = rig->now;
        rig_exit(rig, 1, -SIGKILL, false);
        rig_exit(rig, 0, -SIGKILL, true);
        rig_go(rig);
        assert_true(gateway_is_held(rig->gateway));
        assert_int_equal(rig_verdict(rig), VERDICT_HELD);
        rig_wait(rig, 8 * USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);

        (void)rig_smsd(rig); /* systemctl start, the flag stays */
        (void)rig_event(rig, EVENT_SMSD_OPENED);
        rig_wait(rig, USEC_PER_SEC);
        assert_false(gateway_is_held(rig->gateway));
        assert_int_equal(rig->flag, FLAG_ABSENT);
        assert_false(rig->hold);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);

        rig_wait(rig, USEC_PER_MIN);
        rig_exit(rig, 0, -SIGSEGV, false); /* main crashes, its handler is an orphan */
        rig_wait(rig, 100 * USEC_PER_MSEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        assert_int_equal(rig->list.n, 2);
}

/* An old script stops smsd by the flag and starts it anew, all before we have looked: that is no stop that
 * lasts, whether the new one has written its pidfile by then or not. The orphan of the old one is ended;
 * beside a new one that has its handlers by one more restart. */
static void test_started_anew_before_the_flag_is_seen(void **state)
{
        (void)state;
        for (unsigned late = 0; late < 2; late++) {
                _rig_ rig = rig_working();
                rig_wait(rig, USEC_PER_MIN);
                struct process_id orphan = rig->list.processes[1].id;
                rig->flag = FLAG_PRESENT;
                rig->flag_since = rig->now - 30 * USEC_PER_MSEC;
                rig_exit(rig, 0, -SIGKILL, true);
                pid_t anew = rig_smsd(rig);
                struct smsd_process *main = &rig->list.processes[rig_find(rig, anew)];
                if (late) { /* it looks like an orphan still */
                        rig->list.n--;
                        main->in_pidfile = false;
                        (void)text_copy(main->tty, sizeof(main->tty), "/dev/ttyUSB9");
                }
                rig_go(rig);
                if (late) {
                        main = &rig->list.processes[rig_find(rig, anew)];
                        main->in_pidfile = true;
                        main->tty[0] = '\0';
                        (void)text_copy(rig_process(rig, anew)->tty, DEVICE_NODE_MAX, "/dev/ttyUSB2");
                        (void)rig_event(rig, EVENT_SMSD_OPENED);
                }
                rig_wait(rig, 5 * USEC_PER_SEC);
                assert_int_equal(rig_find(rig, orphan.pid), -1);
                assert_false(gateway_is_held(rig->gateway));
                assert_int_equal(rig->flag, FLAG_ABSENT);
                if (late)
                        assert_true(rig_find(rig, anew) >= 0);
                rig_wait(rig, 10 * USEC_PER_SEC);
                assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
        }
}

/* Seen as running already when the end of the old one is told: the flag is older than it, and left over. */
static void test_flag_older_than_the_adopted_smsd(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->flag = FLAG_PRESENT;
        rig->flag_since = rig->now;
        rig_exit(rig, 1, 0, false);
        rig_exit(rig, 0, 0, true);
        rig->n = 0; /* nobody has told us yet */
        rig->now += USEC_PER_SEC;
        pid_t anew = rig_smsd(rig);
        (void)rig_event(rig, EVENT_SMSD_OPENED);
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_true(rig_find(rig, anew) >= 0);
        assert_int_equal(rig->flag, FLAG_ABSENT);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_false(gateway_is_held(rig->gateway));
}

/* The flag is made while smsd runs on; then it crashes before the flag is found left over. */
static void test_flag_then_crash(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->flag = FLAG_PRESENT;
        rig->flag_since = rig->now;
        rig_exit(rig, 1, -SIGSEGV, false);
        rig_exit(rig, 0, -SIGSEGV, true);
        rig_wait(rig, 29 * USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        rig_wait(rig, 2 * USEC_PER_MIN); /* never longer than the default hold */
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
        assert_int_equal(rig->flag, FLAG_ABSENT);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_flag_beside_running_smsd(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->flag = FLAG_PRESENT;
        rig->flag_since = rig->now;
        rig_wait(rig, 125 * USEC_PER_SEC);
        assert_int_equal(rig->flag, FLAG_ABSENT);
        assert_false(gateway_is_held(rig->gateway));
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
}

/* The controller was down when it happened. */
static void test_flag_found_at_start(void **state)
{
        static const struct {
                usec_t age;
                bool held;
        } cases[] = {{10 * USEC_PER_MIN, true},
                     {29 * USEC_PER_MIN, true},
                     {31 * USEC_PER_MIN, false},
                     {2 * USEC_PER_HOUR, false}};
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _rig_ rig = rig_new();
                rig->now = USEC_PER_DAY;
                rig->flag = FLAG_PRESENT;
                rig->flag_since = rig->now - cases[i].age;
                rig_begin(rig);
                rig_wait(rig, 10 * USEC_PER_SEC);
                assert_int_equal(gateway_is_held(rig->gateway), cases[i].held);
                assert_int_equal(rig->counts[ACTION_SMSD_START], !cases[i].held);
                rig_wait(rig, 31 * USEC_PER_MIN);
                assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        }
}

static void test_refused_flag_stops_nothing(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->flag = FLAG_REFUSED;
        rig_exit(rig, 1, -SIGKILL, false);
        rig_exit(rig, 0, -SIGKILL, true);
        rig_wait(rig, USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
        assert_non_null(strstr(rig->told, "is not taken as a manual stop"));
}

static void test_flag_removed_ends_its_hold(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->flag = FLAG_PRESENT;
        rig->flag_since = rig->now;
        rig_exit(rig, 1, -SIGKILL, false);
        rig_exit(rig, 0, -SIGKILL, true);
        rig_wait(rig, USEC_PER_MIN);
        assert_true(gateway_is_held(rig->gateway));
        rig->flag = FLAG_ABSENT;
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_false(gateway_is_held(rig->gateway));
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
}

/* --- the modem moves --- */

static void test_renumbering(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        rig->plugged = false;
        rig->list.processes[1].tty_deleted = true;
        rig_usb(rig);
        rig_wait(rig, 2 * USEC_PER_SEC);
        assert_int_equal(rig->list.n, 0); /* the dead tty is let go before the modem is back */
        rig->plugged = true;
        rig->tty = 3;
        rig_usb(rig);
        rig_wait(rig, 5 * USEC_PER_SEC);
        assert_non_null(strstr(rig->conf, "device = /dev/ttyUSB3\n"));
        assert_non_null(strstr(rig->conf, "# the only one\n"));
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_same_place_writes_nothing(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        assert_int_equal(rig->counts[ACTION_CONF_WRITE], 0);
        rig_exit(rig, 0, -SIGSEGV, true);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
        assert_int_equal(rig->counts[ACTION_CONF_WRITE], 0);
        assert_string_equal(rig->conf, RIG_CONF);
}

/* A handler whose tty is dead and that hears nothing is killed, by exactly its identity. */
static void test_stuck_on_dead_tty(void **state)
{
        _rig_ rig = rig_working();
        (void)state;

        pid_t handler = rig->list.processes[1].id.pid;
        rig->stubborn = true;
        rig->plugged = false;
        rig->list.processes[1].tty_deleted = true;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_SEC);
        assert_true(rig_find(rig, handler) >= 0);
        assert_int_equal(rig->counts[ACTION_SIGNAL], 0);
        rig_wait(rig, USEC_PER_SEC); /* nobody plugs a modem in again quicker */
        assert_int_equal(rig_find(rig, handler), -1);
        assert_int_equal(rig->list.n, 1); /* main is left to end by itself */
        assert_int_equal(rig->last[ACTION_SIGNAL].process.signal, SIGKILL);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->list.n, 0);
}

/* A second modem gets a number that smsd.conf had named before we wrote another: no handler waits for it. */
static void test_a_number_that_smsd_conf_names_no_more(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig->tty = 6;
        rig_begin(rig);
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_non_null(strstr(rig->conf, "device = /dev/ttyUSB6\n"));
        unsigned asked = rig->counts[ACTION_PORT_OPEN];
        (void)rig_process(rig, rig->list.processes[0].id.pid); /* a handler whose device is missing */
        rig_wait(rig, USEC_PER_MIN);
        rig->tty = 2;
        rig_usb(rig);
        (void)text_copy(rig->queue[(rig->head + rig->n - 1) % RIG_QUEUE].device.path, USB_PATH_MAX, "1-1.3");
        rig_wait(rig, 10 * USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_PORT_OPEN], asked + 1);
}

/* A port that smsd had first is not asked: who the modem is, is heard from smsd, and remembered. */
static void test_who_an_adopted_modem_is(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        (void)rig_smsd(rig);
        rig_begin(rig);
        rig_wait(rig, USEC_PER_SEC);
        assert_int_equal(rig->counts[ACTION_MODEM_SAVE], 1);
        assert_string_equal(rig->record.imei, "");
        rig_log_line(
            rig, "2026-11-23 01:57:35,5, GSM1: IMEI: 8674240300000"); /* not all of it: as good as nothing */
        rig_log_line(rig, "2026-11-23 01:57:35,5, GSM1: IMEI: 867424030000016\" AT+CMGD=1");
        rig_log_line(rig, "2026-11-23 01:57:35,5, GSM2: IMEI: 867424030000024");
        rig_log_line(rig, "2026-11-23 01:57:35,5, GSM1: IMEI: 867424030000016");
        rig_wait(rig, USEC_PER_SEC);
        assert_string_equal(rig->record.imei, "867424030000016");
        assert_int_equal(rig->counts[ACTION_PORT_OPEN], 0);
}

static void test_adopted_smsd_is_left_alone(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        (void)rig_smsd(rig);
        rig_begin(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_STOP], 0);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 0);
        assert_int_equal(rig->counts[ACTION_PORT_OPEN], 0);
        assert_int_equal(rig->counts[ACTION_CONF_WRITE], 0);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* --- a SIM that must not be tried --- */

static void test_no_sim_is_no_loop(void **state)
{
        _rig_ rig = rig_new();
        (void)state;

        rig->sim = SIM_ABSENT;
        rig->handler_dies = true;
        rig_begin(rig);
        rig_wait(rig, 3 * USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1); /* at the end of boot_timeout, once */
        struct snapshot snapshot;
        gateway_snapshot(rig->gateway, rig->now, 0, &snapshot);
        assert_non_null(strstr(snapshot.next_action, "SIM"));
        rig->sim = SIM_READY;
        rig->handler_dies = false;
        rig_wait(rig, 2 * USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

/* The SIM asks for a PIN that smsd has wrong: one attempt, then a person. */
static struct rig *rig_with_refused_pin(void)
{
        struct rig *rig = rig_working();

        rig->sim = SIM_PIN;
        rig->attempts = 2;
        rig->handler_dies = true;
        rig_exit(rig, 1, 1, false); /* its reason comes behind its exit */
        rig_log(rig, SMSD_LOG_PIN_REFUSED);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig->record.guard, GUARD_PIN_REFUSED);
        return rig;
}

static void test_refused_pin_is_not_tried_again(void **state)
{
        _rig_ rig = rig_with_refused_pin();
        (void)state;

        rig->list.n = 0;
        rig_begin(rig); /* not by the next life either */
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        rig_command(rig, COMMAND_START, 1, false); /* the same PIN: not without force */
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->replies[1], 1);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
}

static void test_corrected_pin_needs_no_force(void **state)
{
        _rig_ rig = rig_with_refused_pin();
        (void)state;

        memcpy(strstr(rig->conf, "1111"), "2222", 4);
        rig->handler_dies = false;
        rig_command(rig, COMMAND_START, 1, false);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->n_replies[1], 1);
        assert_int_equal(rig->replies[1], 0);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static void test_force_passes_once(void **state)
{
        _rig_ rig = rig_with_refused_pin();
        (void)state;

        rig_command(rig, COMMAND_START, 1, true);
        rig_wait(rig, USEC_PER_MIN);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 2);
}

/* A forced start that never came must not let the next automatic one through. */
static void test_force_does_not_linger(void **state)
{
        _rig_ rig = rig_with_refused_pin();
        (void)state;

        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_MIN);
        rig_command(rig, COMMAND_START, 1, true);
        rig_wait(rig, 5 * USEC_PER_MIN);
        assert_int_equal(rig->replies[1], 1);
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
}

/* --- one path --- */

static bool mentions(const char *folder, const char *name)
{
        char path[512], line[1024];
        bool found = false;

        (void)text_format(path, sizeof(path), "%s/%s", folder, name);
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        assert_non_null(file);
        while (fgets(line, sizeof(line), file))
                found |= strstr(line, "ACTION_SMSD_START") != NULL;
        return found;
}

static void check_folder(const char *folder, const char *const *allowed, size_t n_allowed)
{
        DIR *dir = opendir(folder);
        const struct dirent *entry;
        unsigned files = 0;

        assert_non_null(dir); /* run from the top of the source tree */
        while ((entry = readdir(dir))) {
                bool ok = false;
                if (entry->d_name[0] == '.' || !mentions(folder, entry->d_name))
                        continue;
                for (size_t i = 0; i < n_allowed; i++)
                        ok |= text_equal(entry->d_name, allowed[i]);
                if (!ok)
                        fail_msg("%s/%s can start smsd", folder, entry->d_name);
                files++;
        }
        (void)closedir(dir);
        assert_int_equal(files, n_allowed);
}

static void test_one_place_starts_smsd(void **state)
{
        static const char *const core[] = {"action.c", "restart_start.c"};
        static const char *const headers[] = {"action.h", "event.h", "restart.h"};
        static const char *const daemon[] = {"perform.c"};
        (void)state;

        check_folder("src/core", core, ARRAY_SIZE(core));
        check_folder("include/core", headers, ARRAY_SIZE(headers));
        check_folder("src/daemon", daemon, ARRAY_SIZE(daemon));
        check_folder("src/adapters", NULL, 0);
        check_folder("src/base", NULL, 0);
}

static struct profile_table *table_with(const char *init)
{
        struct profile_table *table = profile_table_new();
        struct profile profile;
        struct config_error error;

        assert_non_null(table);
        profile_init(&profile, "mine", true);
        assert_int_equal(profile_set(&profile, "profile", "usb", "2c7c:0125", &error), 0);
        assert_int_equal(profile_set(&profile, "profile", "port_rule", "quectel", &error), 0);
        assert_int_equal(profile_set(&profile, "smsd.conf", "init", init, &error), 0);
        assert_int_equal(profile_table_add(table, &profile), 0);
        return table;
}

/* The modem comes back under another number: a reason to write smsd.conf and to start smsd. */
static void replug(struct rig *rig, unsigned tty)
{
        rig->plugged = false;
        rig->list.processes[1].tty_deleted = true;
        rig_usb(rig);
        rig_wait(rig, 2 * USEC_PER_SEC);
        rig->plugged = true;
        rig->tty = tty;
        rig_usb(rig);
        rig_wait(rig, USEC_PER_HOUR);
}

/* The gateway keeps its own copy of the profiles, and its modems follow a reload. */
static void test_profiles(void **state)
{
        _rig_ rig = rig_new();
        struct profile_table *table = table_with("ATX1");
        struct config_error error;
        (void)state;

        assert_int_equal(config_set(&rig->config, "modem GSM1", "manage", "profile", &error), 0);
        rig->config.profiles = table;
        rig_begin(rig);
        free(table);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_non_null(strstr(rig->conf, "init = ATX1\n"));
        assert_null(strstr(rig->conf, "CPMS"));

        rig->config.profiles = table = table_with("ATX2");
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig_go(rig);
        free(table);
        replug(rig, 3);
        assert_non_null(strstr(rig->conf, "init = ATX2\n"));

        rig->config.profiles = NULL;
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig_go(rig);
        replug(rig, 2);
        assert_non_null(strstr(rig->conf, "init = AT+CPMS="));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_post_mortem),
            cmocka_unit_test(test_started_anew_before_the_flag_is_seen),
            cmocka_unit_test(test_flag_older_than_the_adopted_smsd),
            cmocka_unit_test(test_flag_then_crash),
            cmocka_unit_test(test_flag_beside_running_smsd),
            cmocka_unit_test(test_flag_found_at_start),
            cmocka_unit_test(test_refused_flag_stops_nothing),
            cmocka_unit_test(test_flag_removed_ends_its_hold),
            cmocka_unit_test(test_renumbering),
            cmocka_unit_test(test_same_place_writes_nothing),
            cmocka_unit_test(test_stuck_on_dead_tty),
            cmocka_unit_test(test_who_an_adopted_modem_is),
            cmocka_unit_test(test_a_number_that_smsd_conf_names_no_more),
            cmocka_unit_test(test_adopted_smsd_is_left_alone),
            cmocka_unit_test(test_no_sim_is_no_loop),
            cmocka_unit_test(test_refused_pin_is_not_tried_again),
            cmocka_unit_test(test_corrected_pin_needs_no_force),
            cmocka_unit_test(test_force_passes_once),
            cmocka_unit_test(test_force_does_not_linger),
            cmocka_unit_test(test_profiles),
            cmocka_unit_test(test_one_place_starts_smsd),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
