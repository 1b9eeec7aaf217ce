/*
 * The words for what a gateway waits for: a guard, a modem that is not ready, a smsd.conf without modems;
 * each with what a person does about it. Judges nothing: the verdict is made in gateway_snapshot.c.
 */
#include "gateway_private.h"

#include "base/text.h"

static const char *guard_reason(enum guard guard)
{
        switch (guard) {
        case GUARD_PIN_REFUSED:
                return "the SIM refused the PIN of smsd.conf; another try could lock it";
        case GUARD_PIN_ATTEMPTS:
                return "the SIM asks for its PIN and has fewer than 3 attempts left";
        case GUARD_PIN_MISSING:
                return "the SIM asks for its PIN and smsd.conf has none";
        case GUARD_PUK:
                return "the SIM is locked and asks for its PUK";
        case GUARD_STRANGE:
                return "the modem is not the one that pin_imei lets in: it is not used";
        case GUARD_NONE:
                break;
        }
        return "";
}

static const char *guard_action(enum guard guard)
{
        switch (guard) {
        case GUARD_PIN_REFUSED:
                return "correct `pin` in the modem's section of smsd.conf, then run `smswarden start` "
                       "(--force tries the same PIN once more)";
        case GUARD_PIN_ATTEMPTS:
                return "make sure that `pin` in smsd.conf is right, then run `smswarden start --force`";
        case GUARD_PIN_MISSING:
                return "add `pin = ...` to the modem's section of smsd.conf, then run `smswarden start`; or "
                       "switch the SIM's PIN off";
        case GUARD_PUK:
                return "unlock the SIM in a phone with its PUK, put it back, then run `smswarden start`";
        case GUARD_STRANGE:
                return "put the right modem back; or correct `pin_imei` in smswarden.conf and reload "
                       "(`smswarden start --force` uses this one once)";
        case GUARD_NONE:
                break;
        }
        return "";
}

/* A SIM that a person has to touch: time alone does not help. */
static const char *sim_action(enum sim_state sim)
{
        switch (sim) {
        case SIM_ABSENT:
                return "put a SIM card in, or reseat it; smswarden looks again by itself";
        case SIM_FAILURE:
                return "reseat the SIM card, or try another one; smswarden looks again by itself";
        case SIM_READY:
        case SIM_BUSY:
        case SIM_PIN:
        case SIM_PUK:
        case SIM_UNKNOWN:
                break;
        }
        return NULL;
}

static const char *modem_action(const struct modem *modem)
{
        /* What a probe under way has heard is newer than what the last one left. */
        bool probing = modem->state == MODEM_PROBING;
        const char *action = sim_action(probing ? modem->dialogue.facts.sim : modem->facts.sim);

        if (action && (probing || modem->state == MODEM_DEGRADED))
                return action;
        switch (modem->state) {
        case MODEM_SETTLING:
                return "wait some seconds; if it stays so, check that the kernel's option driver is loaded "
                       "(dmesg)";
        case MODEM_PROBING:
                return "nothing: a modem needs up to a minute after it gets power";
        case MODEM_FAILED:
                return modem->map.result == PORT_MAP_DOWNLOAD_MODE
                           ? failure_advice(FAILURE_DOWNLOAD_MODE)
                           : "see `smswarden modems`; cut the modem's power for ten seconds";
        case MODEM_DEGRADED:
                return "check SIM, antenna and power; `smswarden modems` shows what the modem said";
        case MODEM_ABSENT:
        case MODEM_READY:
        case MODEM_RECOVERING:
                break;
        }
        return "nothing";
}

const struct modem *gateway_relevant_modem(const struct gateway *gateway)
{
        const struct modem *best = NULL;

        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (slot_modem(&gateway->slots.items[i], gateway->modems))
                        return slot_modem(&gateway->slots.items[i], gateway->modems);
        for (unsigned i = 0; i < gateway->n_modems; i++)
                if (modem_present(&gateway->modems[i]) && (!best || best->state == MODEM_FAILED))
                        best = &gateway->modems[i];
        return best;
}

bool gateway_describe_guard(const struct gateway *gateway, const struct slot *slot, char *reason,
                            size_t reason_size, char *action, size_t action_size)
{
        enum guard guard = slot_guard(slot, gateway->modems);

        if (guard == GUARD_NONE)
                return false;
        (void)text_format(reason, reason_size, "%s: %s", slot->config.name, guard_reason(guard));
        (void)text_copy(action, action_size, guard_action(guard));
        return true;
}

void gateway_describe_modem(const struct modem *modem, char *reason, size_t reason_size, char *action,
                            size_t action_size)
{
        (void)text_format(reason, reason_size, "the modem at %s is not ready: %s",
                          modem->fixed ? modem->node : modem->device.path, modem->reason);
        (void)text_copy(action, action_size, modem_action(modem));
}

void gateway_describe_waiting(const struct gateway *gateway, char *reason, size_t reason_size, char *action,
                              size_t action_size)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (gateway_describe_guard(gateway, &gateway->slots.items[i], reason, reason_size, action,
                                           action_size))
                        return;
        const struct modem *modem = gateway_relevant_modem(gateway);
        if (gateway->slots.n == 0) {
                (void)text_copy(reason, reason_size,
                                gateway->conf_error[0] ? gateway->conf_error
                                                       : "smsd.conf names no modem in `devices`");
                (void)text_copy(action, action_size, "correct smsd.conf, then run `smswarden start`");
        } else if (!modem && gateway_modem_is_away(gateway)) {
                (void)text_copy(reason, reason_size, "the modem restarts, for it was set up ([provision])");
                (void)text_copy(action, action_size, "nothing: it is back within a minute");
        } else if (!modem) {
                (void)text_copy(reason, reason_size, "no modem is plugged in");
                (void)text_copy(action, action_size,
                                "plug the modem in; smsd is started as soon as it is ready");
        } else if (modem_usable(modem)) {
                (void)text_copy(reason, reason_size, "smsd does not run");
                (void)text_copy(action, action_size, "run `smswarden start`");
        } else {
                gateway_describe_modem(modem, reason, reason_size, action, action_size);
        }
}
