/*
 * One picture of each slot, from the look at its modem (gateway_look.c), from what smsd shows of itself, and
 * from the bus and the kernel; core/health makes the verdict of it, slot->health. What the status says, the
 * alerts of the modems and the recovery ladder all follow from that.
 */
#include "gateway_private.h"

#include "base/parse.h"
#include "base/text.h"

#define ANSWERS_AGE (2 * HEALTH_WELL_INTERVAL + USEC_PER_MIN) /* of a look that was not repeated since */

/* --- the picture --- */

/* The slot's modem; else one that sat in it, and is refused now (its firmware crashed) or not up yet. */
static const struct modem *modem_of(const struct gateway *gateway, const struct slot *slot)
{
        const struct modem *modem = recovery_modem(gateway, slot);

        for (unsigned i = 0; !modem && i < gateway->n_modems; i++) {
                const struct modem *other = &gateway->modems[i];
                if (other->state == MODEM_FAILED && !other->fixed &&
                    (gateway->slots.n == 1 || text_equal(other->device.path, slot->record.usb)))
                        modem = other;
        }
        return modem;
}

static void add_bus(const struct gateway *gateway, const struct slot *slot, struct health_picture *picture)
{
        const struct modem *modem = modem_of(gateway, slot);
        const char *usb = modem && modem->device.path[0] ? modem->device.path : slot->record.usb;

        picture->present = modem != NULL;
        picture->expected = !gateway_recovery_has(gateway, slot);
        picture->kernel.undervoltage = kernel_trouble_undervoltage(&gateway->kernel, gateway->now);
        picture->kernel.usb_errors =
            kernel_trouble_errors(&gateway->kernel, usb, gateway->now, &picture->kernel.usb_error);
        if (!modem || modem->fixed)
                return;
        bool had_its_time = gateway->now >= modem->give_up;
        picture->shape = modem->map.result;
        if (picture->shape == PORT_MAP_NO_AT_INTERFACE && !had_its_time)
                picture->shape = PORT_MAP_OK; /* it is told piece by piece */
        picture->ports_missing = modem->state == MODEM_SETTLING && had_its_time;
}

static void add_look(const struct gateway *gateway, const struct slot *slot, struct health_picture *picture)
{
        if (!slot_modem(slot, gateway->modems))
                return;
        const struct gateway_look *look = &gateway->looks[slot->modem];
        picture->holder = look->holder;
        bool old = usec_sub(gateway->now, look->at) > ANSWERS_AGE || look->at < slot->doubted_at;
        if (look->at == 0 || look->outcome == HEALTH_RUNNING || old)
                return;
        /* A second port that has never answered is none, as long as smsd works: some firmware has no AT
         * there. */
        if (look->outcome == HEALTH_SILENT && !look->answered &&
            gateway_slot_health(gateway, slot, gateway->now) == SLOT_WELL)
                return;
        picture->outcome = look->outcome;
        picture->answers = &look->answers;
        picture->seen_before = look->seen_before;
        picture->echo_kept = look->echo_kept;
}

/* What smsd's log, or the probe before smsd was started, has said of the SIM. */
static enum sim_state sim_of(const struct gateway *gateway, const struct slot *slot)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);

        switch (slot_guard(slot, gateway->modems)) {
        case GUARD_PUK:
                return SIM_PUK;
        case GUARD_PIN_REFUSED:
        case GUARD_PIN_ATTEMPTS:
        case GUARD_PIN_MISSING:
                return SIM_PIN;
        case GUARD_STRANGE:
        case GUARD_NONE:
                break;
        }
        bool told = modem && !modem->in_use && modem->facts.sim != SIM_READY && modem->facts.sim != SIM_PIN;
        return told ? modem->facts.sim : SIM_UNKNOWN;
}

static bool is_on_dead_tty(const struct gateway *gateway, const struct slot *slot)
{
        for (unsigned i = 0; i < gateway->smsd.n_handlers; i++) {
                const struct smsd_handler *handler = &gateway->smsd.handlers[i];
                if (handler->tty_deleted && text_equal(handler->last, slot->serving))
                        return true;
        }
        return false;
}

static void add_smsd(const struct gateway *gateway, const struct slot *slot, struct health_picture *picture)
{
        enum slot_health health = gateway_slot_health(gateway, slot, gateway->now);
        bool startable = slot_startable(slot, gateway->modems);

        picture->smsd = (struct health_smsd){
            .expected = startable && !gateway->hold.active && !restart_busy(&gateway->restart) &&
                        !gateway->unit.stopping && !gateway_waits_for_unit(gateway),
            .running = gateway->smsd.running,
            .served = health != SLOT_UNSERVED,
            .tty_deleted = is_on_dead_tty(gateway, slot),
            .orphaned = gateway->smsd.n_strays > 0,
            .answered = health != SLOT_UNSERVED && health != SLOT_UNVERIFIED && health != SLOT_SILENT,
            .silent = slot->silent,
            .unregistered = slot->unregistered,
            .denied = slot->denied,
            .blocked = health == SLOT_BLOCKED,
            .trouble = health == SLOT_TROUBLE,
            .stuck = health == SLOT_STUCK,
            .unchanged = usec_sub(gateway->now, slot->status_moved),
            .oldest_file =
                gateway->alerts.oldest_waiting ? usec_sub(gateway->now, gateway->alerts.oldest_waiting) : 0,
            .sim = sim_of(gateway, slot),
            .traffic = slot->traffic_at > 0,
            .traffic_age = usec_sub(gateway->now, slot->traffic_at),
        };
}

/* --- the verdict --- */

void gateway_judge_slot(struct gateway *gateway, struct slot *slot, bool looked)
{
        struct health_picture picture = {.outcome = HEALTH_RUNNING};

        add_bus(gateway, slot, &picture);
        add_look(gateway, slot, &picture);
        add_smsd(gateway, slot, &picture);
        (void)health_update(&slot->health, &picture, looked, gateway->now);
}

void gateway_judge(struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->slots.n && gateway_knows_enough(gateway); i++)
                gateway_judge_slot(gateway, &gateway->slots.items[i], false);
}

void gateway_look_learn(struct modem *modem, const struct health_answers *answers)
{
        const struct modem_facts *from = &answers->facts;
        struct modem_facts *to = &modem->facts;

        /* Not the SIM: what may be started on it is the probe's matter. */
        if (from->registration != REGISTRATION_UNKNOWN)
                to->registration = from->registration;
        if (from->operator_name[0])
                (void)text_copy(to->operator_name, sizeof(to->operator_name), from->operator_name);
        if (from->technology[0])
                (void)text_copy(to->technology, sizeof(to->technology), from->technology);
        if (answers->said[HEALTH_ASK_SIGNAL].reply == HEALTH_ANSWERED)
                to->signal_dbm = from->signal_dbm;
        if (from->storage_total > 0) {
                to->storage_used = from->storage_used;
                to->storage_total = from->storage_total;
        }
}

bool gateway_slot_failure(const struct gateway *gateway, const struct slot *slot, enum failure_kind *ret_kind)
{
        const struct health_verdict *verdict = &slot->health.verdict;
        bool well = verdict->state == HEALTH_WELL;
        /* A modem that was never seen is not plugged in: nothing to be reset. */
        bool unseen = verdict->kind == FAILURE_GONE && !slot->came_up && slot->record.usb[0] == '\0';

        if (!well && (!health_stands(&slot->health, gateway->now) || verdict->kind == FAILURE_NONE || unseen))
                return false;
        *ret_kind = well ? FAILURE_NONE : verdict->kind;
        return true;
}

/* --- for people --- */

/* These are what smsd shows of itself: gateway_describe_slot() has the words. */
static const char *const smsd_signs[] = {"unknown",   "well",         "half-answered", "unverified",
                                         "stuck",     "silent",       "unregistered",  "sending-blocked",
                                         "smsd-dead", "handler-dead", "tty-deleted",   "handler-orphaned",
                                         "gone",      "self-reset",   "undervoltage",  "storage-nearly-full"};

bool gateway_verdict_explains(const struct gateway *gateway, const struct slot *slot)
{
        if (slot_guard(slot, gateway->modems) != GUARD_NONE)
                return false; /* the SIM or the modem is as it is, and what forbids the start is said there */
        for (size_t i = 0; i < ARRAY_SIZE(smsd_signs); i++)
                if (text_equal(slot->health.verdict.cause, smsd_signs[i]))
                        return false;
        return true;
}

static bool is_bad(const struct gateway *gateway, const struct slot *slot, usec_t now)
{
        return gateway_slot_health(gateway, slot, now) != SLOT_WELL ||
               slot->health.verdict.state != HEALTH_WELL;
}

static void describe(const struct gateway *gateway, const struct slot *slot, usec_t now, struct snapshot *s)
{
        const struct health_verdict *verdict = &slot->health.verdict;
        enum slot_health health = gateway_slot_health(gateway, slot, now);

        if (health != SLOT_WELL && !gateway_verdict_explains(gateway, slot)) {
                gateway_describe_slot(gateway, slot, health, s->reason, sizeof(s->reason), s->next_action,
                                      sizeof(s->next_action));
                return;
        }
        (void)text_format(s->reason, sizeof(s->reason), "%s: %s", slot->config.name, verdict->what);
        (void)text_copy(s->next_action, sizeof(s->next_action), verdict->next_action);
}

/* A failure that one look has seen is a doubt; what smsd itself shows has stood its time already. */
static bool is_certain(const struct gateway *gateway, const struct slot *slot, usec_t now)
{
        enum slot_health health = gateway_slot_health(gateway, slot, now);

        return health == SLOT_WELL ? health_stands(&slot->health, now) : health != SLOT_UNVERIFIED;
}

static const struct slot *first_bad(const struct gateway *gateway, usec_t now)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (is_bad(gateway, &gateway->slots.items[i], now))
                        return &gateway->slots.items[i];
        return NULL;
}

void gateway_judge_running(const struct gateway *gateway, usec_t now, struct snapshot *s)
{
        const struct slot *bad = first_bad(gateway, now);

        for (unsigned i = 0; i < gateway->slots.n; i++) {
                s->can_send |= gateway->slots.items[i].health.verdict.can_send;
                s->can_receive |= gateway->slots.items[i].health.verdict.can_receive;
        }
        s->verdict = VERDICT_DEGRADED;
        if (gateway->slots.n == 0) {
                (void)text_copy(s->reason, sizeof(s->reason),
                                "smsd runs, but smswarden knows no modem slot of smsd.conf");
                (void)text_copy(s->next_action, sizeof(s->next_action), "check `devices` in smsd.conf");
        } else if (!bad) {
                s->verdict = VERDICT_WORKING;
                (void)text_copy(s->reason, sizeof(s->reason),
                                gateway->slots.n == 1 ? "smsd runs and its modem answers"
                                                      : "smsd runs and all its modems answer");
                (void)text_copy(s->next_action, sizeof(s->next_action), "nothing");
        } else {
                describe(gateway, bad, now, s);
                if (!s->can_send && !s->can_receive && is_certain(gateway, bad, now))
                        s->verdict = VERDICT_DOWN;
        }
}

/* "GSM1: +CPIN: READY, +CREG: 0,1 (asked 2min ago); last message 5min ago" */
static void say_well(const struct gateway *gateway, const struct slot *slot, usec_t now, char *target,
                     size_t size)
{
        const struct gateway_look *look = slot->modem >= 0 ? &gateway->looks[slot->modem] : NULL;
        char age[32];

        target[0] = '\0';
        if (look && look->at && look->outcome == HEALTH_COMPLETE) {
                format_duration(age, sizeof(age), usec_sub(now, look->at) / USEC_PER_SEC * USEC_PER_SEC);
                (void)text_format(target, size, "%s, %s (asked %s ago)",
                                  look->answers.said[HEALTH_ASK_SIM].text,
                                  look->answers.said[HEALTH_ASK_CREG].text, age);
        }
        if (slot->traffic_at) {
                format_duration(age, sizeof(age),
                                usec_sub(now, slot->traffic_at) / USEC_PER_SEC * USEC_PER_SEC);
                (void)text_append(target, size, "%slast message %s ago", target[0] ? "; " : "", age);
        }
        if (target[0] == '\0')
                (void)text_copy(target, size, "smsd has its answers");
}

void gateway_add_evidence(const struct gateway *gateway, usec_t now, struct snapshot *s)
{
        const struct slot *bad = first_bad(gateway, now);
        char text[sizeof(s->evidence) - SMSD_MODEM_NAME_MAX - 2] = "";

        if (gateway->slots.n == 0 || gateway->hold.active || !gateway_knows_enough(gateway))
                return;
        const struct slot *slot = bad ? bad : &gateway->slots.items[0];
        if (s->verdict == VERDICT_WORKING)
                say_well(gateway, slot, now, text, sizeof(text));
        else
                (void)text_copy(text, sizeof(text), slot->health.verdict.evidence);
        if (text[0])
                (void)text_format(s->evidence, sizeof(s->evidence), "%s: %s", slot->config.name, text);
}

void gateway_fill_health(const struct gateway *gateway, const struct slot *slot, int64_t realtime_offset,
                         struct snapshot_modem *to)
{
        const struct health_verdict *verdict = &slot->health.verdict;
        const struct gateway_look *look = slot->modem >= 0 ? &gateway->looks[slot->modem] : NULL;
        enum failure_kind failure = FAILURE_NONE;

        (void)text_copy(to->health.state, sizeof(to->health.state), health_state_to_string(verdict->state));
        (void)text_copy(to->health.cause, sizeof(to->health.cause), verdict->cause);
        if (gateway_slot_failure(gateway, slot, &failure) && failure != FAILURE_NONE)
                (void)text_copy(to->health.failure, sizeof(to->health.failure),
                                failure_kind_to_string(failure));
        if (slot->health.since)
                to->health.since = (snapshot_time_t)slot->health.since + realtime_offset;
        if (look && look->at && look->outcome != HEALTH_RUNNING)
                to->health.asked = (snapshot_time_t)look->at + realtime_offset;
        to->health.can_send = verdict->can_send;
        to->health.can_receive = verdict->can_receive;
        (void)text_copy(to->health.what, sizeof(to->health.what), verdict->what);
        (void)text_copy(to->health.evidence, sizeof(to->health.evidence),
                        verdict->evidence[0] || !look ? verdict->evidence : look->refusal);
        (void)text_copy(to->health.next_action, sizeof(to->health.next_action), verdict->next_action);
}
