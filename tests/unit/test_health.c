/*
 * One row for each failure of the EC25's and smsd's facts: what is seen, and the verdict with its evidence.
 * Each row starts from a modem and an smsd that are well, so that a finding must come from what the row adds.
 */
#include "core/health.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct world {
        struct health_picture picture;
        struct health_answers answers;
};

static void say(struct world *world, enum health_question question, const char *text)
{
        world->answers.said[question].reply = HEALTH_ANSWERED;
        (void)text_copy(world->answers.said[question].text, HEALTH_SAID_MAX, text);
}

static void refuse(struct world *world, enum health_question question, const char *text)
{
        say(world, question, text);
        world->answers.said[question].reply = HEALTH_REFUSED;
}

static void make_well(struct world *world)
{
        *world = (struct world){.picture = {.present = true, .expected = true, .outcome = HEALTH_COMPLETE}};
        health_answers_init(&world->answers);
        world->picture.answers = &world->answers;
        world->answers.facts.sim = SIM_READY;
        world->answers.facts.registration = world->answers.circuit = REGISTRATION_HOME;
        world->answers.facts.signal_dbm = -57;
        world->answers.facts.storage_used = 3;
        world->answers.facts.storage_total = 255;
        say(world, HEALTH_ASK_SIM, "+CPIN: READY");
        say(world, HEALTH_ASK_CREG, "+CREG: 0,1");
        say(world, HEALTH_ASK_SIGNAL, "+CSQ: 28,99");
        say(world, HEALTH_ASK_STORAGE, "+CPMS: \"ME\",0,255,\"ME\",0,255,\"ME\",3,255");
        world->picture.smsd =
            (struct health_smsd){.expected = true, .running = true, .served = true, .answered = true};
}

/* Without a spare port: only smsd's own signals. */
static void no_look(struct world *world)
{
        world->picture.outcome = HEALTH_RUNNING;
        world->picture.answers = NULL;
}

static void look_silent(struct world *world)
{
        health_answers_init(&world->answers);
        world->picture.outcome = HEALTH_SILENT;
}

static void sim(struct world *world, enum sim_state state, const char *text)
{
        world->answers.facts.sim = state;
        refuse(world, HEALTH_ASK_SIM, text);
        world->picture.smsd.served = world->picture.smsd.answered = false;
}

static void nowhere(struct world *world, enum registration state, const char *text)
{
        world->answers.facts.registration = world->answers.circuit = world->answers.packet = state;
        say(world, HEALTH_ASK_CREG, text);
}

static void lte_only(struct world *world, enum ims_setting setting, int active, const char *text)
{
        world->answers.circuit = REGISTRATION_NONE;
        world->answers.packet = REGISTRATION_HOME;
        world->answers.ims = setting;
        world->answers.ims_active = active;
        say(world, HEALTH_ASK_CREG, "+CREG: 0,0");
        say(world, HEALTH_ASK_CEREG, "+CEREG: 0,1");
        say(world, HEALTH_ASK_IMS, text);
}

/* --- what is seen --- */

/* clang-format off */
static void set_nothing(struct world *w) { (void)w; }
static void set_roaming(struct world *w) { w->answers.facts.registration = w->answers.circuit = REGISTRATION_ROAMING; }
static void set_smsd_only(struct world *w) { no_look(w); }
static void set_not_looked_not_answered(struct world *w) { no_look(w); w->picture.smsd.answered = false; }
static void set_nothing_known(struct world *w) { no_look(w); w->picture.smsd.answered = w->picture.smsd.expected = false; }
static void set_download(struct world *w) { w->picture.shape = PORT_MAP_DOWNLOAD_MODE; no_look(w); }
static void set_crashed(struct world *w) { w->picture.shape = PORT_MAP_CRASHED; no_look(w); }
static void set_usb_71(struct world *w) { w->picture.kernel = (struct health_kernel){.usb_errors = 3, .usb_error = 71}; w->picture.present = false; no_look(w); }
static void set_usb_110(struct world *w) { w->picture.kernel = (struct health_kernel){.usb_errors = 7, .usb_error = 110}; look_silent(w); w->picture.smsd.silent = true; }
static void set_two_errors(struct world *w) { w->picture.kernel = (struct health_kernel){.usb_errors = 2, .usb_error = 71}; }
static void set_undervoltage(struct world *w) { w->picture.kernel.undervoltage = true; }
static void set_undervoltage_gone(struct world *w) { w->picture.kernel.undervoltage = true; w->picture.present = false; no_look(w); }
static void set_gone(struct world *w) { w->picture.present = false; no_look(w); w->picture.smsd.tty_deleted = true; }
static void set_away(struct world *w) { w->picture.present = w->picture.expected = false; no_look(w); }
static void set_ports(struct world *w) { w->picture.ports_missing = true; no_look(w); w->picture.smsd.served = false; }
static void set_no_at(struct world *w) { w->picture.shape = PORT_MAP_NO_AT_INTERFACE; no_look(w); }
static void hold(struct world *w, int pid, const char *command, const char *unit)
{
        w->picture.holder.id.pid = pid;
        (void)text_copy(w->picture.holder.command, sizeof(w->picture.holder.command), command);
        (void)text_copy(w->picture.holder.unit, sizeof(w->picture.holder.unit), unit);
}
static void set_modem_manager(struct world *w) { hold(w, 812, "ModemManager", "ModemManager.service"); }
static void set_minicom(struct world *w) { hold(w, 4711, "minicom", ""); look_silent(w); w->picture.smsd.silent = true; }
static void set_cfun(struct world *w) { sim(w, SIM_FAILURE, "+CME ERROR: 13"); w->answers.facts.functionality = 0; say(w, HEALTH_ASK_FUNCTIONALITY, "+CFUN: 0"); }
static void set_factory(struct world *w) { w->answers.facts.functionality = 5; say(w, HEALTH_ASK_FUNCTIONALITY, "+CFUN: 5"); nowhere(w, REGISTRATION_NONE, "+CREG: 0,0"); }
static void set_puk(struct world *w) { sim(w, SIM_PUK, "+CPIN: SIM PUK"); }
static void set_puk_log(struct world *w) { no_look(w); w->picture.smsd.sim = SIM_PUK; w->picture.smsd.served = false; }
static void set_pin(struct world *w) { sim(w, SIM_PIN, "+CPIN: SIM PIN"); }
static void set_pin_entered(struct world *w) { sim(w, SIM_PIN, "+CPIN: SIM PIN"); w->picture.smsd.served = true; }
static void set_pin_log(struct world *w) { no_look(w); w->picture.smsd.sim = SIM_PIN; w->picture.smsd.served = false; }
static void set_absent(struct world *w) { sim(w, SIM_ABSENT, "+CME ERROR: 10"); }
static void set_absent_log(struct world *w) { no_look(w); w->picture.smsd.sim = SIM_ABSENT; w->picture.smsd.served = false; }
static void set_sim_failure(struct world *w) { sim(w, SIM_FAILURE, "+CME ERROR: 13"); w->answers.facts.functionality = 1; }
static void set_sim_error(struct world *w) { sim(w, SIM_UNKNOWN, "ERROR"); }
static void set_busy(struct world *w) { sim(w, SIM_BUSY, "+CME ERROR: 14"); }
static void set_pulled(struct world *w) { w->answers.sim_lost = true; }
static void set_sms_not_done(struct world *w) { w->answers.facts.init_status = 1; say(w, HEALTH_ASK_INIT_STATUS, "+QINISTAT: 1"); }
static void set_sms_not_done_but_traffic(struct world *w) { set_sms_not_done(w); w->picture.smsd.traffic = true; w->picture.smsd.traffic_age = USEC_PER_MIN; }
static void set_self_reset(struct world *w) { w->answers.resets = 1; }
static void set_reset_between(struct world *w) { w->answers.booted = w->picture.seen_before = true; }
static void set_first_boot(struct world *w) { w->answers.booted = true; }
static void set_silent(struct world *w) { look_silent(w); w->picture.smsd.silent = true; }
static void set_silent_log(struct world *w) { no_look(w); w->picture.smsd.silent = true; }
static void set_spare_silent(struct world *w) { look_silent(w); }
static void set_partial(struct world *w) { w->picture.outcome = HEALTH_PARTIAL; }
static void set_not_at(struct world *w) { look_silent(w); w->picture.outcome = HEALTH_NOT_AT; }
static void set_smsd_stuck_on_it(struct world *w) { w->picture.smsd.silent = true; }
static void set_deleted(struct world *w) { w->picture.smsd.tty_deleted = true; }
static void set_orphan(struct world *w) { w->picture.smsd.orphaned = true; }
static void set_main_dead(struct world *w) { w->picture.smsd = (struct health_smsd){.expected = true}; }
static void set_handler_dead(struct world *w) { w->picture.smsd.served = w->picture.smsd.answered = false; }
static void set_held(struct world *w) { w->picture.smsd = (struct health_smsd){0}; }
static void set_denied(struct world *w) { nowhere(w, REGISTRATION_DENIED, "+CREG: 0,3"); w->picture.smsd.served = false; }
static void set_denied_lte(struct world *w) { nowhere(w, REGISTRATION_SEARCHING, "+CREG: 0,2"); w->answers.packet = REGISTRATION_DENIED; say(w, HEALTH_ASK_CEREG, "+CEREG: 0,3"); }
static void set_denied_log(struct world *w) { no_look(w); w->picture.smsd.denied = true; w->picture.smsd.served = false; }
static void set_searching(struct world *w) { nowhere(w, REGISTRATION_SEARCHING, "+CREG: 0,2"); }
static void set_unregistered_log(struct world *w) { no_look(w); w->picture.smsd.unregistered = true; }
static void set_log_is_late(struct world *w) { w->picture.smsd.unregistered = true; }
static void set_no_signal(struct world *w) { nowhere(w, REGISTRATION_SEARCHING, "+CREG: 0,2"); w->answers.facts.signal_dbm = 0; say(w, HEALTH_ASK_SIGNAL, "+CSQ: 99,99"); }
static void set_no_service(struct world *w) { w->answers.facts.signal_dbm = 0; w->answers.no_service = true; say(w, HEALTH_ASK_SIGNAL, "+CSQ: 99,99"); say(w, HEALTH_ASK_SERVICE, "+QCSQ: \"NOSERVICE\""); }
static void set_not_measured(struct world *w) { w->answers.facts.signal_dbm = 0; say(w, HEALTH_ASK_SIGNAL, "+CSQ: 99,99"); }
static void set_ims_off(struct world *w) { lte_only(w, IMS_OFF, 0, "+QCFG: \"ims\",2,0"); }
static void set_ims_fails(struct world *w) { lte_only(w, IMS_ON, 1, "+QCFG: \"ims\",1,1"); w->picture.smsd.blocked = true; }
static void set_ims_on(struct world *w) { lte_only(w, IMS_ON, 1, "+QCFG: \"ims\",1,1"); }
static void set_lte_smsd_waits(struct world *w) { set_ims_on(w); w->picture.smsd.unregistered = true; }
static void set_stuck(struct world *w) { w->picture.smsd.stuck = true; w->picture.smsd.unchanged = 6 * USEC_PER_MIN; w->picture.smsd.oldest_file = 9 * USEC_PER_MIN; }
static void set_trouble(struct world *w) { w->picture.smsd.trouble = true; }
static void set_hung_up(struct world *w) { w->picture.smsd.write_errors = 2; }
static void set_hung_up_and_spare_silent(struct world *w) { look_silent(w); set_hung_up(w); w->picture.smsd.silent = true; }
static void set_write_failed(struct world *w) { w->picture.smsd.write_errors = 1; }
static void set_write_failed_silent(struct world *w) { set_silent(w); set_write_failed(w); }
static void set_blocked(struct world *w) { w->picture.smsd.blocked = true; }
static void set_full(struct world *w) { w->answers.facts.storage_used = 255; }
static void set_full_urc(struct world *w) { no_look(w); w->picture.outcome = HEALTH_PARTIAL; w->picture.answers = &w->answers; w->answers.facts.storage_total = -1; w->answers.storage_full = true; }
static void set_nearly_full(struct world *w) { w->answers.facts.storage_used = 230; }
static void set_not_nearly_full(struct world *w) { w->answers.facts.storage_used = 229; }

#define ILL HEALTH_ILL

/* cause, kind, state, can send, can receive, in the evidence */
static const struct row {
        const char *name;
        void (*set)(struct world *world);
        const char *cause;
        enum failure_kind kind;
        enum health_state state;
        bool sends, receives;
        const char *evidence;
} rows[] = {
    {"well", set_nothing, "well", FAILURE_NONE, HEALTH_WELL, true, true, ""},
    {"well, by smsd alone", set_smsd_only, "well", FAILURE_NONE, HEALTH_WELL, true, true, ""},
    {"roaming", set_roaming, "well", FAILURE_NONE, HEALTH_WELL, true, true, ""},
    {"smsd just begun", set_not_looked_not_answered, "unverified", FAILURE_NONE, HEALTH_DOUBTFUL, false, false, "no answer"},
    {"nothing known", set_nothing_known, "unknown", FAILURE_NONE, HEALTH_UNKNOWN, false, false, "nothing"},
    {"first boot", set_first_boot, "well", FAILURE_NONE, HEALTH_WELL, true, true, ""},
    {"held, modem well", set_held, "well", FAILURE_NONE, HEALTH_WELL, false, false, ""},
    {"log is late", set_log_is_late, "well", FAILURE_NONE, HEALTH_WELL, true, true, ""},
    {"two USB errors", set_two_errors, "well", FAILURE_NONE, HEALTH_WELL, true, true, ""},
    {"signal not measured", set_not_measured, "well", FAILURE_NONE, HEALTH_WELL, true, true, ""},
    {"LTE only, IMS on", set_ims_on, "well", FAILURE_NONE, HEALTH_WELL, true, true, ""},
    {"SMS DONE never told", set_sms_not_done_but_traffic, "well", FAILURE_NONE, HEALTH_WELL, true, true, ""},
    {"89 %", set_not_nearly_full, "well", FAILURE_NONE, HEALTH_WELL, true, true, ""},

    /* facts/ec25.md */
    {"05c6:9008", set_download, "download-mode", FAILURE_DOWNLOAD_MODE, ILL, false, false, "05c6:9008"},
    {"QHSUSB__BULK", set_crashed, "crashed", FAILURE_CRASHED, ILL, false, false, "QHSUSB__BULK"},
    {"-71", set_usb_71, "brown-out", FAILURE_BROWN_OUT, ILL, false, false, "-71, 3 times"},
    {"-110", set_usb_110, "brown-out", FAILURE_BROWN_OUT, ILL, false, false, "-110, 7 times"},
    {"undervoltage", set_undervoltage, "undervoltage", FAILURE_NONE, HEALTH_DOUBTFUL, true, true, "undervoltage"},
    {"undervoltage and gone", set_undervoltage_gone, "brown-out", FAILURE_BROWN_OUT, ILL, false, false, "undervoltage"},
    {"gone", set_gone, "gone", FAILURE_GONE, ILL, false, false, "not on the bus"},
    {"away by a reset of ours", set_away, "away", FAILURE_NONE, HEALTH_DOUBTFUL, false, false, "ours"},
    {"some ttys only", set_ports, "ports-missing", FAILURE_PORTS_MISSING, ILL, false, false, "ttys"},
    {"no AT interface", set_no_at, "ports-missing", FAILURE_PORTS_MISSING, ILL, false, false, "ttys"},
    {"ModemManager", set_modem_manager, "modem-manager", FAILURE_NONE, ILL, false, false, "ModemManager (pid 812, ModemManager.service)"},
    {"minicom", set_minicom, "port-held", FAILURE_NONE, ILL, false, false, "minicom (pid 4711)"},
    {"CFUN=0", set_cfun, "radio-off", FAILURE_RADIO_OFF, ILL, false, false, "+CFUN: 0"},
    {"CFUN=5", set_factory, "radio-off", FAILURE_RADIO_OFF, ILL, false, false, "+CFUN: 5"},
    {"PUK", set_puk, "sim-puk", FAILURE_SIM_PUK, ILL, false, false, "+CPIN: SIM PUK"},
    {"PIN", set_pin, "sim-pin", FAILURE_SIM_PIN, ILL, false, false, "+CPIN: SIM PIN"},
    {"PIN, being entered", set_pin_entered, "sim-pin-entered", FAILURE_NONE, HEALTH_DOUBTFUL, false, false, "+CPIN: SIM PIN"},
    {"CME 10", set_absent, "sim-absent", FAILURE_SIM_ABSENT, ILL, false, false, "+CME ERROR: 10"},
    {"CME 13", set_sim_failure, "sim-failure", FAILURE_SIM_FAILURE, ILL, false, false, "+CME ERROR: 13"},
    {"CPIN: ERROR", set_sim_error, "sim-failure", FAILURE_SIM_FAILURE, ILL, false, false, "AT+CPIN?: ERROR"},
    {"CME 14", set_busy, "sim-busy", FAILURE_SIM_BUSY, ILL, false, false, "+CME ERROR: 14"},
    {"SIM pulled", set_pulled, "sim-busy", FAILURE_SIM_BUSY, ILL, false, false, "lost"},
    {"SMS not done", set_sms_not_done, "sim-busy", FAILURE_SIM_BUSY, ILL, false, false, "+QINISTAT: 1"},
    {"RDY in mid-session", set_self_reset, "self-reset", FAILURE_NONE, HEALTH_DOUBTFUL, false, false, "RDY"},
    {"RDY between two looks", set_reset_between, "self-reset", FAILURE_NONE, HEALTH_DOUBTFUL, false, false, "RDY"},
    {"AT silent", set_silent, "silent", FAILURE_SILENT, ILL, false, false, "none for smsd"},
    {"spare port silent", set_spare_silent, "half-answered", FAILURE_NONE, HEALTH_DOUBTFUL, true, true, "spare port"},
    {"half answered", set_partial, "half-answered", FAILURE_NONE, HEALTH_DOUBTFUL, true, true, "unanswered"},
    {"spare port is no AT port", set_not_at, "well", FAILURE_NONE, HEALTH_WELL, true, true, ""},
    {"denied", set_denied, "denied", FAILURE_DENIED, ILL, false, false, "+CREG: 0,3 (denied)"},
    {"denied by LTE", set_denied_lte, "denied", FAILURE_DENIED, ILL, false, false, "+CEREG: 0,3 (denied)"},
    {"searching", set_searching, "unregistered", FAILURE_UNREGISTERED, ILL, false, false, "+CREG: 0,2 (searching)"},
    {"no signal", set_no_signal, "no-signal", FAILURE_NO_SIGNAL, ILL, false, false, "no signal: +CSQ: 99,99"},
    {"NOSERVICE", set_no_service, "no-signal", FAILURE_NO_SIGNAL, ILL, false, false, "NOSERVICE"},
    {"LTE only, IMS off", set_ims_off, "ims", FAILURE_IMS, ILL, false, false, "+QCFG: \"ims\",2,0 (LTE only, and IMS off)"},
    {"no SMS under IMS", set_ims_fails, "ims", FAILURE_IMS, ILL, false, false, "sending fails"},
    {"LTE only, smsd waits", set_lte_smsd_waits, "unregistered", FAILURE_UNREGISTERED, ILL, false, false, "+CEREG: 0,1"},
    {"full", set_full, "storage-full", FAILURE_STORAGE_FULL, ILL, true, false, "storage full: 255 of 255"},
    {"smsfull", set_full_urc, "storage-full", FAILURE_STORAGE_FULL, ILL, true, false, "smsfull"},
    {"90 %", set_nearly_full, "storage-nearly-full", FAILURE_NONE, HEALTH_WELL, true, true, "nearly full: 230 of 255"},

    /* facts/smsd.md */
    {"handler on a deleted tty", set_deleted, "tty-deleted", FAILURE_NONE, ILL, false, false, "deleted"},
    {"handler dead", set_handler_dead, "handler-dead", FAILURE_NONE, ILL, false, false, "handler does not"},
    {"orphan", set_orphan, "handler-orphaned", FAILURE_NONE, ILL, false, false, "without its main"},
    {"smsd dead", set_main_dead, "smsd-dead", FAILURE_NONE, ILL, false, false, "no smsd"},
    {"PIN refused, log", set_pin_log, "sim-pin", FAILURE_SIM_PIN, ILL, false, false, "smsd's log: SIM pin"},
    {"SIM locked, log", set_puk_log, "sim-puk", FAILURE_SIM_PUK, ILL, false, false, "smsd's log: SIM puk"},
    {"SIM absent, log", set_absent_log, "sim-absent", FAILURE_SIM_ABSENT, ILL, false, false, "smsd's log: SIM absent"},
    {"silent, log", set_silent_log, "silent", FAILURE_SILENT, ILL, false, false, "not ready to answer"},
    {"silent to smsd only", set_smsd_stuck_on_it, "stuck", FAILURE_STUCK, ILL, false, false, "and not smsd"},
    {"unregistered, log", set_unregistered_log, "unregistered", FAILURE_UNREGISTERED, ILL, false, false, "smsd's log"},
    {"denied, log", set_denied_log, "denied", FAILURE_DENIED, ILL, false, false, "smsd's log"},
    {"stuck", set_stuck, "stuck", FAILURE_STUCK, ILL, false, false, "unchanged for 6min; oldest file in its queue: 9min"},
    {"trouble", set_trouble, "trouble", FAILURE_NONE, ILL, false, false, "Trouble"},
    {"port hung up", set_hung_up, "hung-up", FAILURE_HUNG_UP, ILL, false, false, "again and again"},
    {"port hung up, no spare port", set_hung_up_and_spare_silent, "hung-up", FAILURE_HUNG_UP, ILL, false, false, "again and again"},
    {"a write failed", set_write_failed, "write-failed", FAILURE_NONE, HEALTH_DOUBTFUL, false, false, "write_to_modem"},
    {"a write failed, silent", set_write_failed_silent, "silent", FAILURE_SILENT, ILL, false, false, "no answer"},
    {"blocked", set_blocked, "sending-blocked", FAILURE_SENDING_BLOCKED, ILL, false, true, "blocks sending"},
};
/* clang-format on */

static void test_rows(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct world world;
                struct health_verdict verdict;

                print_message("   %s\n", rows[i].name);
                make_well(&world);
                rows[i].set(&world);
                health_judge(&world.picture, &verdict);
                assert_string_equal(verdict.cause, rows[i].cause);
                assert_string_equal(failure_kind_to_string(verdict.kind),
                                    failure_kind_to_string(rows[i].kind));
                assert_int_equal(verdict.state, rows[i].state);
                assert_int_equal(verdict.can_send, rows[i].sends);
                assert_int_equal(verdict.can_receive, rows[i].receives);
                if (!strstr(verdict.evidence, rows[i].evidence) ||
                    (!rows[i].evidence[0] && verdict.evidence[0]))
                        fail_msg("evidence: '%s'", verdict.evidence);
                assert_true(verdict.next_action[0] != '\0');
        }
}

/* Every kind that the ladder knows is found by some row. */
static void test_every_kind_is_found(void **state)
{
        (void)state;
        for (unsigned kind = FAILURE_NONE; kind < FAILURE_KIND_MAX; kind++) {
                bool found = false;
                for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                        found = found || rows[i].kind == (enum failure_kind)kind;
                if (!found)
                        fail_msg("%s", failure_kind_to_string((enum failure_kind)kind));
        }
}

/* A full storage is told beside a stronger finding too. */
static void test_storage_beside(void **state)
{
        struct world world;
        struct health_verdict verdict;

        (void)state;
        make_well(&world);
        set_blocked(&world);
        set_full(&world);
        health_judge(&world.picture, &verdict);
        assert_string_equal(verdict.cause, "sending-blocked");
        assert_int_equal(verdict.storage, STORAGE_FULL);
        assert_false(verdict.can_send);
        assert_false(verdict.can_receive);
}

static void test_roaming_is_told(void **state)
{
        struct world world;
        struct health_verdict verdict;

        (void)state;
        make_well(&world);
        set_roaming(&world);
        health_judge(&world.picture, &verdict);
        assert_true(verdict.roaming);
}

static void test_schedule(void **state)
{
        struct world world;
        struct health health;
        usec_t now = 90 * USEC_PER_SEC;

        (void)state;
        make_well(&world);
        health_init(&health, now);
        assert_int_equal(health_deadline(&health), now);
        assert_true(health_wants_all(&health));

        assert_true(health_update(&health, &world.picture, true, now + USEC_PER_SEC));
        assert_int_equal(health_deadline(&health), now + HEALTH_WELL_INTERVAL);
        assert_false(health_wants_all(&health));
        assert_int_equal(health.since, now + USEC_PER_SEC);

        now += HEALTH_WELL_INTERVAL;
        assert_false(health_update(&health, &world.picture, true, now));
        assert_int_equal(health_deadline(&health), now + HEALTH_WELL_INTERVAL);
        assert_int_equal(health.since, 91 * USEC_PER_SEC);

        set_searching(&world);
        assert_true(health_update(&health, &world.picture, true, now + 2 * USEC_PER_SEC));
        assert_int_equal(health_deadline(&health), now + HEALTH_DOUBT_INTERVAL);
        assert_true(health_wants_all(&health));
}

/* Modems that began at odd times are looked at in one wakeup from their second look on. */
static void test_modems_share_the_grid(void **state)
{
        (void)state;
        for (usec_t offset = 0; offset < 2 * HEALTH_GRID; offset += 777 * USEC_PER_MSEC) {
                struct world world;
                struct health health;
                make_well(&world);
                health_init(&health, offset);
                (void)health_update(&health, &world.picture, true, offset);
                assert_int_equal(health_deadline(&health) % HEALTH_GRID, 0);
                assert_in_range(health_deadline(&health), offset + HEALTH_WELL_INTERVAL - HEALTH_GRID / 2,
                                offset + HEALTH_WELL_INTERVAL + HEALTH_GRID / 2);
                health_doubt(&health, offset + USEC_PER_SEC);
                assert_int_equal(health_deadline(&health) % HEALTH_GRID, 0);
                assert_in_range(health_deadline(&health), offset + USEC_PER_SEC + 1,
                                offset + USEC_PER_SEC + HEALTH_GRID);
        }
}

static void test_words(void **state)
{
        (void)state;
        assert_string_equal(health_state_to_string(HEALTH_WELL), "well");
        assert_string_equal(health_state_to_string(HEALTH_ILL), "ill");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_rows),           cmocka_unit_test(test_every_kind_is_found),
            cmocka_unit_test(test_storage_beside), cmocka_unit_test(test_roaming_is_told),
            cmocka_unit_test(test_schedule),       cmocka_unit_test(test_modems_share_the_grid),
            cmocka_unit_test(test_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
