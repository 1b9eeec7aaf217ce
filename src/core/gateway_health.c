/*
 * How well each slot is served, as far as smsd, its log and its files tell, and the words for that. The
 * verdict for people (gateway_snapshot.c) and the alerts (gateway_alerts*.c) both say what is said here.
 */
#include "gateway_private.h"

#include "base/text.h"

#include <string.h>

#define DOUBT_TIME (35 * USEC_PER_SEC) /* a handler without its device, or without a SIM, is gone by then */

/* A poll may wait for two minutes; and stats/status is looked at once a minute. */
#define STUCK_AFTER (4 * USEC_PER_MIN)

#define SAID_LONG_AGO (10 * USEC_PER_MIN)

/* Did a run of the path verify the smsd that runs now? One that was adopted may still be asking its modem. */
static bool is_doubtful(const struct gateway *gateway, usec_t now)
{
        const struct restart *restart = &gateway->restart;

        if (restart->last_outcome == RESTART_OUTCOME_OK && restart->last_at >= gateway->smsd.since)
                return false;
        return (restart->last_outcome == RESTART_OUTCOME_UNVERIFIED && !restart->partly) ||
               gateway->settling || usec_sub(now, gateway->smsd.since) < DOUBT_TIME;
}

/* A handler that polls rewrites its line all the time; one that hangs leaves it as it was, Idle or not. */
static bool is_stuck(const struct gateway *gateway, const struct slot *slot, usec_t now)
{
        usec_t patience = usec_add(STUCK_AFTER, 3 * slot->poll_interval);

        return gateway->smsd.status_known && slot->poll_interval > 0 && slot->status_moved > 0 &&
               usec_sub(now, slot->status_moved) > patience;
}

/* smsd repeats what is so every minute or two, but does not say that it is over below level 6. */
bool gateway_still_counts(const struct gateway *gateway, usec_t said_at, usec_t now)
{
        return gateway->smsd.status_known || usec_sub(now, said_at) < SAID_LONG_AGO;
}

unsigned gateway_slot_write_errors(const struct gateway *gateway, const struct slot *slot, usec_t now)
{
        bool counts =
            gateway_slot_served(gateway, slot) && gateway_still_counts(gateway, slot->write_error_at, now);

        return counts ? slot->write_errors : 0;
}

enum slot_health gateway_slot_health(const struct gateway *gateway, const struct slot *slot, usec_t now)
{
        const struct smsd_status_modem *status = smsd_status_find(&gateway->smsd.status, slot->config.name);

        if (!gateway_slot_served(gateway, slot))
                return SLOT_UNSERVED;
        if (gateway_slot_write_errors(gateway, slot, now) > 1)
                return SLOT_HUNG_UP;
        if (slot->silent && gateway_still_counts(gateway, slot->silent_at, now))
                return SLOT_SILENT;
        /* Without the network smsd does not poll: that is why, not a handler that hangs. */
        if (slot->unregistered && gateway_still_counts(gateway, slot->unregistered_at, now))
                return SLOT_UNREGISTERED;
        if (is_stuck(gateway, slot, now))
                return SLOT_STUCK;
        if (slot->blocked || (gateway->smsd.status_known && status && status->state == HANDLER_BLOCKED))
                return SLOT_BLOCKED;
        if (gateway->smsd.status_known && status && status->state == HANDLER_TROUBLE)
                return SLOT_TROUBLE;
        /* Where stats/status is kept every poll shows in it: who was never seen to poll is not known to work.
         */
        bool doubtful = (gateway->smsd.status_known && status) || is_doubtful(gateway, now);
        return doubtful && !slot->answered ? SLOT_UNVERIFIED : SLOT_WELL;
}

bool gateway_any_slot_well(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (gateway_slot_health(gateway, &gateway->slots.items[i], gateway->now) == SLOT_WELL)
                        return true;
        return false;
}

bool gateway_works(const struct gateway *gateway)
{
        if (gateway->hold.active || !gateway_runs_well(gateway))
                return false;
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                const struct slot *slot = &gateway->slots.items[i];
                if (slot_startable(slot, gateway->modems) &&
                    gateway_slot_health(gateway, slot, gateway->now) != SLOT_WELL)
                        return false;
        }
        return true;
}

/* The network itself refuses: smsd ends on that, and no restart helps. */
bool gateway_slot_is_denied(const struct gateway *gateway, const struct slot *slot)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);

        return modem && modem->facts.registration == REGISTRATION_DENIED;
}

/* --- words --- */

/* Why this very slot has no handler: its own guard or modem, not those of its neighbour. */
static void describe_unserved(const struct gateway *gateway, const struct slot *slot, char *reason,
                              size_t reason_size, char *action, size_t action_size)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);
        char why[320];

        if (modem && gateway_describe_guard(gateway, slot, reason, reason_size, action, action_size))
                return;
        if (modem) {
                gateway_describe_modem(modem, why, sizeof(why), action, action_size);
        } else {
                (void)text_copy(why, sizeof(why), "its modem is not plugged in or not ready");
                (void)text_copy(action, action_size,
                                "plug its modem in; `smswarden modems` shows what is there");
        }
        (void)text_format(reason, reason_size, "%s is not served: %.300s", slot->config.name, why);
}

void gateway_describe_slot(const struct gateway *gateway, const struct slot *slot, enum slot_health health,
                           char *reason, size_t reason_size, char *action, size_t action_size)
{
        static const struct {
                const char *reason, *action;
        } words[] = {
            [SLOT_WELL] = {"", "nothing"},
            [SLOT_UNSERVED] = {"smsd does not serve it", ""},
            [SLOT_UNVERIFIED] = {"smsd has its port open, the modem's first answers are awaited",
                                 "wait a minute; then `smswarden modems`"},
            [SLOT_UNREGISTERED] =
                {"it is not registered to the network",
                 "check antenna, SIM and coverage; after a cell loss this can take up to 50 minutes"},
            [SLOT_BLOCKED] = {"smsd blocks sending after repeated failures",
                              "see its log for the cause; `smswarden restart` lifts the block"},
            [SLOT_HUNG_UP] = {"smsd's port was hung up", "run `smswarden restart`: smsd opens it anew"},
            [SLOT_SILENT] = {"it does not answer smsd", "power the modem off and on"},
            [SLOT_STUCK] = {"smsd's handler has not polled it for minutes",
                            "run `smswarden restart`; see smsd's log for what it hangs on"},
            [SLOT_TROUBLE] = {"smsd reports trouble with it", "see smsd's log"},
        };

        if (health == SLOT_UNSERVED && !slot_startable(slot, gateway->modems)) {
                describe_unserved(gateway, slot, reason, reason_size, action, action_size);
                return;
        }
        if (health == SLOT_UNSERVED && gateway_slot_is_denied(gateway, slot)) {
                (void)text_format(reason, reason_size, "%s: the network denies it registration",
                                  slot->config.name);
                (void)text_copy(action, action_size,
                                "check with the operator that the SIM is active; smswarden goes on trying");
                return;
        }
        if (health == SLOT_UNSERVED &&
            gateway_company_describe(gateway, slot, reason, reason_size, action, action_size))
                return;
        (void)text_format(reason, reason_size, "%s: %s", slot->config.name, words[health].reason);
        (void)text_copy(action, action_size,
                        words[health].action[0] ? words[health].action : "nothing: smswarden restarts smsd");
}

const char *gateway_describe_failure_action(const struct gateway *gateway)
{
        return gateway->restart.unstarted
                   ? "remove what keeps smsd from being started, see above; smswarden goes on trying"
                   : "see smsd's log; smswarden goes on trying";
}

/* smsd runs, but not on the smsd.conf that was meant. */
bool gateway_describe_conf_problem(const struct gateway *gateway, char *reason, size_t reason_size,
                                   char *action, size_t action_size)
{
        const struct restart *restart = &gateway->restart;

        if (restart->last_outcome != RESTART_OUTCOME_OK || !strstr(restart->last_problem, "smsd.conf"))
                return false;
        (void)text_format(reason, reason_size, "SMS flow, but %.300s", restart->last_problem);
        (void)text_copy(action, action_size, "correct it, then run `smswarden restart`");
        return true;
}
