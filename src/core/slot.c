/*
 * Which modem sits in which slot, see core/slot.h.
 */
#include "core/slot.h"

#include "base/text.h"
#include "core/sim_identity.h"

#include <string.h>

static void slot_init(struct slot *slot, const struct modem_config *config)
{
        memset(slot, 0, sizeof(*slot));
        slot->config = *config;
        slot->modem = -1;
        modem_record_init(&slot->record, config->name);
        health_init(&slot->health, 0);
}

void slot_forget_complaints(struct slot *slot)
{
        slot->unregistered = slot->denied = slot->silent = slot->blocked = false;
        slot->unexpected = slot->write_errors = 0;
}

/* The new one need not say that it is well: with a low loglevel and no stats/status it never does. */
void slot_forget_answer(struct slot *slot)
{
        slot_forget_complaints(slot);
        slot->answered = slot->base_known = false;
        slot->status_base[0] = '\0';
        slot->status_moved = 0;
}

struct slot *slots_find(struct slots *slots, const char *name)
{
        for (unsigned i = 0; i < slots->n; i++)
                if (text_equal(slots->items[i].config.name, name))
                        return &slots->items[i];
        return NULL;
}

int slots_configure(struct slots *slots, const struct config *config, const char names[][SMSD_MODEM_NAME_MAX],
                    unsigned n_names)
{
        _cleanup_free_ struct slots *old = malloc(sizeof(*old));

        if (!old)
                return -ENOMEM;
        *old = *slots;
        slots->n = config->n_modems ? config->n_modems : n_names;
        for (unsigned i = 0; i < slots->n; i++) {
                struct modem_config wanted;
                if (config->n_modems)
                        wanted = config->modems[i];
                else
                        modem_config_init(&wanted, names[i]);
                const struct slot *known = slots_find(old, wanted.name);
                if (known)
                        slots->items[i] = *known;
                else
                        slot_init(&slots->items[i], &wanted);
                slots->items[i].config = wanted;
                slots->items[i].wary =
                    wanted.pin_imei[0] || !provision_config_is_empty(&config->provision.config);
        }
        return 0;
}

const struct modem *slot_modem(const struct slot *slot, const struct modem *modems)
{
        if (slot->modem < 0 || !modem_present(&modems[slot->modem]))
                return NULL;
        return &modems[slot->modem];
}

struct slot *slots_of_modem(struct slots *slots, unsigned modem)
{
        for (unsigned i = 0; i < slots->n; i++)
                if (slots->items[i].modem == (int)modem)
                        return &slots->items[i];
        return NULL;
}

/* Does the slot's own match name this modem? Only for matches other than auto. */
static bool matches(const struct slot *slot, const struct modem *modem)
{
        const char *value = slot->config.match_value;

        switch (slot->config.match) {
        case MATCH_USB:
                return !modem->fixed && text_equal(modem->device.path, value);
        case MATCH_DEVICE:
                return modem->fixed && text_equal(modem->node, value);
        case MATCH_IMEI:
                return text_equal(modem->facts.imei, value);
        case MATCH_IMSI:
                return text_equal(modem->facts.imsi, value);
        case MATCH_AUTO:
                break;
        }
        return false;
}

/* A modem that an explicit slot claims is not free for the others. */
static bool claimed(const struct slots *slots, const struct modem *modem)
{
        for (unsigned i = 0; i < slots->n; i++)
                if (matches(&slots->items[i], modem))
                        return true;
        return false;
}

static bool is_bound(const struct slots *slots, int modem)
{
        for (unsigned i = 0; i < slots->n; i++)
                if (slots->items[i].modem == modem)
                        return true;
        return false;
}

bool slot_refuses(const struct slot *slot, const struct modem *modem)
{
        static const struct identity_memory none;
        const char *imei = modem->facts.imei;

        if (slot->config.pin_imei[0] == '\0')
                return false;
        enum identity identity = identity_judge(&none, slot->config.pin_imei, imei, "");
        /* One that does not tell who it is, although it was asked, is not let in either. */
        return identity == IDENTITY_STRANGE || (identity == IDENTITY_UNKNOWN && modem->proven);
}

/* It was not asked yet: smsd had it before us. */
static bool is_unknown(const struct slot *slot, const struct modem *modem)
{
        return slot->config.pin_imei[0] && modem->facts.imei[0] == '\0' && !modem->proven;
}

/* Unbinds what left or no longer matches. */
static bool release_bindings(struct slots *slots, const struct modem *modems)
{
        bool changed = false;

        for (unsigned i = 0; i < slots->n; i++) {
                struct slot *slot = &slots->items[i];
                if (slot->modem < 0)
                        continue;
                const struct modem *modem = &modems[slot->modem];
                bool stays =
                    modem_present(modem) && modem->state != MODEM_FAILED &&
                    (slot->config.match == MATCH_AUTO ? !claimed(slots, modem) : matches(slot, modem));
                /* It sits where no better one is, and makes place for one at any time. */
                stays &= slot->config.match != MATCH_AUTO || modem->in_use || !slot_refuses(slot, modem);
                if (stays)
                        continue;
                slot->modem = -1;
                changed = true;
        }
        return changed;
}

static bool bind_explicit(struct slots *slots, const struct modem *modems, unsigned n_modems)
{
        bool changed = false;

        for (unsigned i = 0; i < slots->n; i++)
                for (unsigned m = 0; m < n_modems && slots->items[i].modem < 0; m++)
                        if (modem_present(&modems[m]) && modems[m].state != MODEM_FAILED &&
                            !is_bound(slots, (int)m) && matches(&slots->items[i], &modems[m])) {
                                slots->items[i].modem = (int)m;
                                changed = true;
                        }
        return changed;
}

void slots_set_serving(struct slots *slots, struct slot *slot, const char *tty)
{
        for (unsigned i = 0; i < slots->n; i++)
                if (text_equal(slots->items[i].serving, tty))
                        slots->items[i].serving[0] = '\0';
        (void)text_copy(slot->serving, sizeof(slot->serving), tty);
}

static unsigned preference(const struct modem *modem)
{
        return modem->profile ? modem->profile->preference : 1000;
}

/* How well the free modem suits the automatic slot: its own memory first. 0: not at all. One that the slot
 * refuses sits in it only to be told of. */
static unsigned affinity(const struct slot *slot, const struct modem *modem)
{
        const struct modem_record *record = &slot->record;

        if (slot_refuses(slot, modem))
                return 1;
        if (slot->config.pin_imei[0])
                return 7;
        if (record->imei[0] && text_equal(record->imei, modem->facts.imei))
                return 6;
        if (text_equal(slot->serving, modem->target) && modem->target[0])
                return 5;
        if (record->usb[0] && text_equal(record->usb, modem->device.path))
                return 4;
        return record->imei[0] || record->usb[0] ? 2 : 3;
}

/* A modem of a better family that has not decided yet keeps the lesser ones waiting (at most its
 * boot_timeout). */
static bool better_is_coming(const struct slots *slots, const struct modem *modems, unsigned n_modems,
                             const struct modem *than)
{
        unsigned coming = 0, free_slots = 0;

        for (unsigned i = 0; i < slots->n; i++)
                free_slots += slots->items[i].config.match == MATCH_AUTO && slots->items[i].modem < 0;
        for (unsigned m = 0; m < n_modems; m++)
                if (!modems[m].fixed &&
                    (modems[m].state == MODEM_SETTLING || modems[m].state == MODEM_PROBING) &&
                    !is_bound(slots, (int)m) && preference(&modems[m]) < preference(than))
                        coming++;
        return coming >= free_slots;
}

/* The order among free modems: family first, then USB path. */
static bool comes_before(const struct modem *a, const struct modem *b)
{
        if (preference(a) != preference(b))
                return preference(a) < preference(b);
        size_t la = strlen(a->device.path), lb = strlen(b->device.path);
        return la != lb ? la < lb : strcmp(a->device.path, b->device.path) < 0;
}

/* Finds the best pair of an empty automatic slot and a free usable modem; false when there is none. */
static bool best_pair(const struct slots *slots, const struct modem *modems, unsigned n_modems,
                      unsigned *ret_slot, unsigned *ret_modem)
{
        unsigned best = 0;

        for (unsigned i = 0; i < slots->n; i++) {
                const struct slot *slot = &slots->items[i];
                if (slot->config.match != MATCH_AUTO || slot->modem >= 0)
                        continue;
                for (unsigned m = 0; m < n_modems; m++) {
                        const struct modem *modem = &modems[m];
                        if (!modem_usable(modem) || modem->fixed || is_bound(slots, (int)m) ||
                            claimed(slots, modem))
                                continue;
                        unsigned fit = affinity(slot, modem);
                        if (fit < best ||
                            (fit == best && (best == 0 || !comes_before(modem, &modems[*ret_modem]))))
                                continue;
                        best = fit;
                        *ret_slot = i;
                        *ret_modem = m;
                }
        }
        return best > 0;
}

static bool bind_automatic(struct slots *slots, const struct modem *modems, unsigned n_modems)
{
        bool changed = false;
        unsigned slot = 0, modem = 0;

        while (best_pair(slots, modems, n_modems, &slot, &modem)) {
                if (better_is_coming(slots, modems, n_modems, &modems[modem]))
                        break;
                slots->items[slot].modem = (int)modem;
                changed = true;
        }
        return changed;
}

bool slots_bind(struct slots *slots, const struct modem *modems, unsigned n_modems)
{
        bool changed = release_bindings(slots, modems);

        changed |= bind_explicit(slots, modems, n_modems);
        changed |= bind_automatic(slots, modems, n_modems);
        return changed;
}

enum guard slot_guard(const struct slot *slot, const struct modem *modems)
{
        const struct modem *modem = slot_modem(slot, modems);

        if (slot->pass_guard)
                return GUARD_NONE;
        if (modem && slot_refuses(slot, modem))
                return GUARD_STRANGE;
        if (slot->record.guard == GUARD_PIN_REFUSED &&
            !(slot->has_pin && slot->record.guard_pin && slot->pin != slot->record.guard_pin))
                return GUARD_PIN_REFUSED;
        if (!modem)
                return GUARD_NONE;
        switch (modem->facts.sim) {
        case SIM_PUK:
                return GUARD_PUK;
        case SIM_PIN:
                if (!slot->has_pin)
                        return GUARD_PIN_MISSING;
                /* Whoever corrected a refused PIN and asked for a start need not say --force, unless a
                 * mistake would lock the SIM. */
                if (slot->asked && slot->record.guard == GUARD_PIN_REFUSED && modem->facts.pin_attempts != 1)
                        return GUARD_NONE;
                return modem->facts.pin_attempts >= 0 && modem->facts.pin_attempts < 3 ? GUARD_PIN_ATTEMPTS
                                                                                       : GUARD_NONE;
        case SIM_UNKNOWN:
        case SIM_READY:
        case SIM_ABSENT:
        case SIM_BUSY:
        case SIM_FAILURE:
                break;
        }
        return slot->record.guard == GUARD_PUK && modem->facts.sim != SIM_READY ? GUARD_PUK : GUARD_NONE;
}

bool slot_startable(const struct slot *slot, const struct modem *modems)
{
        const struct modem *modem = slot_modem(slot, modems);

        return modem && !slot->reserved && modem_usable(modem) && slot_guard(slot, modems) == GUARD_NONE &&
               (slot->pass_guard || !is_unknown(slot, modem));
}
