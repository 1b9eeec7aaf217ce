/*
 * The state of the gateway for a tired person at 3 am: first whether SMS flow, why not, and what to do; then
 * the evidence, the things that belong together beside each other. Nothing that is not known is shown as a
 * guess.
 */
#include "render.h"

#include "base/parse.h"
#include "base/text.h"

#include <string.h>
#include <time.h>

#define VALUE_MAX 1024

/* --- words --- */

/* To the second below ten minutes, else to the minute: nobody reads more. */
static usec_t rounded(usec_t distance)
{
        usec_t unit = distance < 10 * USEC_PER_MIN ? USEC_PER_SEC : USEC_PER_MIN;

        return (distance + unit / 2) / unit * unit;
}

void render_age(char *target, size_t size, snapshot_time_t time, snapshot_time_t now)
{
        char length[32];
        usec_t distance = rounded((usec_t)(time > now ? time - now : now - time));

        format_duration(length, sizeof(length), distance);
        if (distance == 0)
                (void)text_copy(target, size, "now");
        else
                (void)text_format(target, size, time > now ? "in %s" : "%s ago", length);
}

/* "01:02:03" today, "2026-11-22 01:02" on another day. */
static void clock_text(char *target, size_t size, snapshot_time_t at, snapshot_time_t now)
{
        time_t seconds = (time_t)(at / (snapshot_time_t)USEC_PER_SEC);
        time_t today = (time_t)(now / (snapshot_time_t)USEC_PER_SEC);
        struct tm then = {0}, here = {0};

        (void)localtime_r(&seconds, &then);
        (void)localtime_r(&today, &here);
        bool same_day = then.tm_year == here.tm_year && then.tm_yday == here.tm_yday;
        if (strftime(target, size, same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &then) == 0)
                target[0] = '\0';
}

/* "01:02:03 (2h 5min ago)" */
static void moment(char *target, size_t size, snapshot_time_t at, snapshot_time_t now)
{
        char clock[32], age[48];

        clock_text(clock, sizeof(clock), at, now);
        render_age(age, sizeof(age), at, now);
        (void)text_format(target, size, "%s (%s)", clock, age);
}

/* Appends `, text`, or just the text when it is the first. */
static void add(char *target, const char *text)
{
        (void)text_append(target, VALUE_MAX, "%s%s", target[0] ? ", " : "", text);
}

static void add_labelled(char *target, const char *label, const char *text)
{
        char piece[512];

        if (text[0] == '\0')
                return;
        (void)text_format(piece, sizeof(piece), "%s %s", label, text);
        add(target, piece);
}

/* --- the verdict --- */

static enum screen_colour verdict_colour(enum verdict verdict)
{
        switch (verdict) {
        case VERDICT_WORKING:
                return SCREEN_GOOD;
        case VERDICT_DEGRADED:
        case VERDICT_RECOVERING:
                return SCREEN_WARNING;
        case VERDICT_HELD:
                return SCREEN_NOTICE;
        case VERDICT_DOWN:
                break;
        }
        return SCREEN_BAD;
}

static const char *verdict_word(enum verdict verdict)
{
        static const char *const words[] = {
            [VERDICT_WORKING] = "WORKING",
            [VERDICT_DEGRADED] = "DEGRADED",
            [VERDICT_RECOVERING] = "RECOVERING",
            [VERDICT_HELD] = "HELD",
            [VERDICT_DOWN] = "DOWN",
        };

        return words[verdict];
}

static const char *flow_words(const struct snapshot *s)
{
        if (s->can_send && s->can_receive)
                return "SMS can be sent and received";
        if (s->can_send)
                return "SMS can be sent, but not received";
        if (s->can_receive)
                return "SMS can be received, but not sent";
        if (s->verdict == VERDICT_HELD)
                return "smsd is stopped on purpose: no SMS is sent or received";
        if (s->verdict == VERDICT_RECOVERING)
                return "no SMS is sent or received yet, it is being worked on";
        if (s->verdict == VERDICT_DEGRADED)
                return "whether SMS flow is not known";
        return "no SMS is sent or received";
}

static void render_verdict(struct screen *screen, const struct snapshot *s)
{
        screen_headline(screen, verdict_colour(s->verdict), verdict_word(s->verdict), flow_words(s));
        screen_gap(screen);
        screen_value(screen, "why", SCREEN_PLAIN, s->reason);
        if (s->evidence[0])
                screen_value(screen, "evidence", SCREEN_PLAIN, s->evidence);
        if (s->next_action[0])
                screen_value(screen, "what to do", SCREEN_PLAIN, s->next_action);
        if (text_equal(s->controller.config, "last-good"))
                screen_value(screen, "config", SCREEN_WARNING,
                             "the configuration file has an error; the last good one is in use. "
                             "`smswardend --check-config` names the line");
        if (text_equal(s->controller.mode, "observe"))
                screen_value(screen, "mode", SCREEN_NOTICE,
                             "observe: smswarden only looks, it touches nothing");
}

/* --- smsd --- */

static void render_handler(struct screen *screen, const struct snapshot_handler *handler, bool first)
{
        bool dead = strstr(handler->device, "(deleted)") != NULL;

        screen_format(screen, first ? "handlers" : "", dead ? SCREEN_BAD : SCREEN_PLAIN,
                      "%-12s pid %-8d %s%s%s", handler->modem[0] ? handler->modem : "-", (int)handler->pid,
                      handler->device[0] ? handler->device : "no port open", handler->state[0] ? ", " : "",
                      handler->state);
}

static void render_unit(struct screen *screen, const struct snapshot *s)
{
        if (s->smsd.unit.active[0] == '\0')
                return;
        bool agrees = text_equal(s->smsd.unit.active, "active") == s->smsd.running;
        screen_format(screen, "unit", agrees ? SCREEN_PLAIN : SCREEN_WARNING, "%s: %s (%s)%s",
                      s->smsd.unit.name, s->smsd.unit.active, s->smsd.unit.sub,
                      agrees ? "" : "; the processes say otherwise");
}

static void render_smsd(struct screen *screen, const struct snapshot *s, snapshot_time_t now)
{
        char since[96] = "not known";

        if (s->smsd.since)
                moment(since, sizeof(since), s->smsd.since, now);
        if (s->smsd.running)
                screen_format(screen, "smsd", SCREEN_PLAIN, "runs, pid %d, since %s", (int)s->smsd.pid,
                              since);
        else
                screen_value(screen, "smsd", s->verdict == VERDICT_HELD ? SCREEN_PLAIN : SCREEN_BAD,
                             "does not run");
        render_unit(screen, s);
        for (unsigned i = 0; i < s->smsd.n_handlers; i++)
                render_handler(screen, &s->smsd.handlers[i], i == 0);
        if (s->smsd.running && s->smsd.n_handlers == 0)
                screen_value(screen, "handlers", SCREEN_BAD, "none");
        if (s->smsd.last_error[0])
                screen_value(screen, "last error", SCREEN_PLAIN, s->smsd.last_error);
}

/* --- modems --- */

static enum screen_colour state_colour(const char *state)
{
        if (text_equal(state, "ready"))
                return SCREEN_GOOD;
        if (state[0] == '\0')
                return SCREEN_PLAIN;
        if (text_equal(state, "absent") || text_equal(state, "failed"))
                return SCREEN_BAD;
        return SCREEN_WARNING;
}

static const char *signal_words(int dbm)
{
        return dbm >= -70 ? "very good" : dbm >= -85 ? "good" : dbm >= -100 ? "fair" : "poor";
}

static void render_identity(struct screen *screen, const struct snapshot_modem *modem)
{
        char line[VALUE_MAX] = "";

        if (modem->model[0])
                add(line, modem->model);
        add_labelled(line, "firmware", modem->firmware);
        add_labelled(line, "IMEI", modem->imei);
        if (line[0])
                screen_value(screen, "", SCREEN_PLAIN, line);
}

static void render_sim(struct screen *screen, const struct snapshot_modem *modem)
{
        char line[VALUE_MAX] = "";

        add_labelled(line, "SIM", modem->sim);
        add_labelled(line, "ICCID", modem->iccid);
        add_labelled(line, "IMSI", modem->imsi);
        if (line[0])
                screen_value(screen, "", text_equal(modem->sim, "ready") ? SCREEN_PLAIN : SCREEN_WARNING,
                             line);
}

static void render_network(struct screen *screen, const struct snapshot_modem *modem)
{
        char line[VALUE_MAX] = "", piece[64];

        add_labelled(line, "registered:", modem->registration);
        if (modem->operator_name[0])
                add(line, modem->operator_name);
        if (modem->technology[0] && !text_starts_with(modem->band, modem->technology))
                add(line, modem->technology); /* "LTE BAND 3" says it already */
        if (modem->band[0])
                add(line, modem->band);
        if (modem->signal_dbm) {
                (void)text_format(piece, sizeof(piece), "signal %d dBm (%s)", modem->signal_dbm,
                                  signal_words(modem->signal_dbm));
                add(line, piece);
        }
        if (line[0])
                screen_value(screen, "", SCREEN_PLAIN, line);
}

static void render_place(struct screen *screen, const struct snapshot_modem *modem)
{
        char line[VALUE_MAX] = "", piece[64];
        bool full = modem->storage_total > 0 && modem->storage_used >= modem->storage_total;

        if (modem->device[0])
                add(line, modem->device);
        add_labelled(line, "USB", modem->usb);
        if (modem->interface >= 0) {
                (void)text_format(piece, sizeof(piece), "interface %d", modem->interface);
                add(line, piece);
        }
        if (modem->storage_total >= 0 && modem->storage_used >= 0) {
                (void)text_format(piece, sizeof(piece), "storage %d of %d%s", modem->storage_used,
                                  modem->storage_total, full ? ": full, nothing more is received" : "");
                add(line, piece);
        }
        if (line[0])
                screen_value(screen, "", full ? SCREEN_BAD : SCREEN_PLAIN, line);
}

/* "health: the network refuses it (+CREG: 0,3 (denied)), since 01:02:03 (5min ago)" */
static void render_health(struct screen *screen, const struct snapshot_modem *modem, snapshot_time_t now)
{
        char line[VALUE_MAX] = "", age[96];
        bool well = text_equal(modem->health.state, "well");

        if (modem->health.state[0] == '\0')
                return;
        (void)text_format(line, sizeof(line), "health: %s%s%s%s", modem->health.what,
                          modem->health.evidence[0] ? " (" : "", modem->health.evidence,
                          modem->health.evidence[0] ? ")" : "");
        if (modem->health.since && !well) {
                moment(age, sizeof(age), modem->health.since, now);
                add_labelled(line, "since", age);
        }
        if (modem->health.asked) {
                render_age(age, sizeof(age), modem->health.asked, now);
                add_labelled(line, "asked", age);
        }
        screen_value(screen, "", well ? SCREEN_PLAIN : SCREEN_WARNING, line);
}

static void render_recovery(struct screen *screen, const struct snapshot_modem *modem)
{
        if (modem->recovery.text[0] == '\0')
                return;
        screen_format(screen, "", SCREEN_WARNING, "recovery: %s", modem->recovery.text);
        if (modem->recovery.resets_left_day >= 0)
                screen_format(screen, "", SCREEN_PLAIN, "resets left: %d this hour, %d today",
                              modem->recovery.resets_left_hour, modem->recovery.resets_left_day);
}

static void render_modem(struct screen *screen, const struct snapshot_modem *modem, snapshot_time_t now)
{
        screen_format(screen, modem->name[0] ? modem->name : "not used", state_colour(modem->state), "%s%s%s",
                      modem->state[0] ? modem->state : "not known", modem->reason[0] ? ": " : "",
                      modem->reason);
        render_identity(screen, modem);
        render_sim(screen, modem);
        render_network(screen, modem);
        render_place(screen, modem);
        render_health(screen, modem, now);
        render_recovery(screen, modem);
}

static void render_modems(struct screen *screen, const struct snapshot *s, snapshot_time_t now)
{
        for (unsigned i = 0; i < s->n_modems; i++) {
                screen_gap(screen);
                render_modem(screen, &s->modems[i], now);
        }
        for (unsigned i = 0; i < s->n_others; i++) {
                screen_gap(screen);
                render_modem(screen, &s->others[i], now);
        }
}

/* --- what was and what waits --- */

static void render_hold(struct screen *screen, const struct snapshot *s, snapshot_time_t now)
{
        char since[96], until[96];

        if (!s->hold.active) {
                screen_value(screen, "hold", SCREEN_PLAIN, "none");
                return;
        }
        moment(since, sizeof(since), s->hold.since, now);
        moment(until, sizeof(until), s->hold.until, now);
        screen_format(screen, "hold", SCREEN_NOTICE, "until %s", until);
        screen_format(screen, "", SCREEN_PLAIN, "by %s since %s, %s%s", s->hold.by, since,
                      s->hold.reason[0] ? "reason: " : "no reason given", s->hold.reason);
        if (text_equal(s->hold.source, "legacy"))
                screen_value(screen, "", SCREEN_PLAIN, "by the flag file of the old scripts");
        if (text_equal(s->hold.source, "systemctl"))
                screen_value(screen, "", SCREEN_PLAIN, "by stopping the unit");
}

/* Below ten seconds a tenth matters: "1.9s". */
static void short_length(char *target, size_t size, int64_t ms)
{
        if (ms < 0)
                (void)text_copy(target, size, "?");
        else if (ms < 10000)
                (void)text_format(target, size, "%d.%ds", (int)(ms / 1000), (int)(ms % 1000 / 100));
        else
                format_duration(target, size, (usec_t)ms / 1000 * USEC_PER_SEC);
}

static void render_restart(struct screen *screen, const struct snapshot *s, snapshot_time_t now)
{
        char at[96], length[32];
        bool ok = text_equal(s->restarts.last.result, "ok") || text_equal(s->restarts.last.result, "stopped");

        if (s->restarts.last.at == 0) {
                screen_value(screen, "restarts", SCREEN_PLAIN,
                             s->controller.running ? "none since the controller was started" : "not known");
                return;
        }
        moment(at, sizeof(at), s->restarts.last.at, now);
        short_length(length, sizeof(length), s->restarts.last.ms);
        screen_format(screen, "restarts", ok ? SCREEN_PLAIN : SCREEN_WARNING, "%u; the last %s: %s, %s in %s",
                      s->restarts.total, at, s->restarts.last.cause, s->restarts.last.result, length);
        if (s->restarts.last.problem[0])
                screen_value(screen, "", SCREEN_WARNING, s->restarts.last.problem);
}

static void add_count(char *line, const char *label, int64_t n)
{
        char piece[64];

        if (n < 0)
                (void)text_format(piece, sizeof(piece), "%s -", label);
        else
                (void)text_format(piece, sizeof(piece), "%s %lld", label, (long long)n);
        add(line, piece);
}

static void render_queues(struct screen *screen, const struct snapshot *s)
{
        char line[VALUE_MAX] = "", age[32];

        if (s->queues.outgoing < 0 && s->queues.checked < 0 && s->queues.failed < 0 &&
            s->queues.incoming < 0) {
                screen_value(screen, "queues", SCREEN_PLAIN, "not readable");
                return;
        }
        add_count(line, "outgoing", s->queues.outgoing);
        add_count(line, "checked", s->queues.checked);
        add_count(line, "failed", s->queues.failed);
        add_count(line, "incoming", s->queues.incoming);
        if (s->queues.quarantine > 0)
                add_count(line, "quarantine", s->queues.quarantine);
        bool waits = s->queues.oldest_s >= 120 || s->queues.quarantine > 0;
        if (s->queues.oldest_s >= 0) {
                format_duration(age, sizeof(age), (usec_t)s->queues.oldest_s * USEC_PER_SEC);
                (void)text_append(line, sizeof(line), "; the oldest waits for %s", age);
        }
        screen_value(screen, "queues", waits ? SCREEN_WARNING : SCREEN_PLAIN, line);
}

static void render_traffic(struct screen *screen, const struct snapshot *s, snapshot_time_t now)
{
        char sent[96] = "not known", received[96] = "not known";

        if (s->traffic.last_sent)
                moment(sent, sizeof(sent), s->traffic.last_sent, now);
        if (s->traffic.last_received)
                moment(received, sizeof(received), s->traffic.last_received, now);
        screen_format(screen, "last SMS", SCREEN_PLAIN, "sent %s, received %s", sent, received);
}

static void render_controller(struct screen *screen, const struct snapshot *s)
{
        if (!s->controller.running)
                screen_value(
                    screen, "controller", SCREEN_BAD,
                    "none: this was judged from the disk and /proc; what the modem says is not known");
        else if (!text_equal(s->controller.version, SMSWARDEN_VERSION))
                screen_format(screen, "controller", SCREEN_PLAIN, "version %s, this is %s",
                              s->controller.version, SMSWARDEN_VERSION);
}

void render_text(struct screen *screen, const struct snapshot *s, snapshot_time_t now)
{
        render_verdict(screen, s);
        render_controller(screen, s);
        screen_gap(screen);
        render_smsd(screen, s, now);
        render_modems(screen, s, now);
        screen_gap(screen);
        render_hold(screen, s, now);
        render_restart(screen, s, now);
        render_queues(screen, s);
        render_traffic(screen, s, now);
        render_alerts(screen, s, now);
}
