/*
 * The recoveries of the slots, by name: made when a slot is seen first, given the budget of the
 * configuration, and kept over the end of the controller (core/recovery_record).
 */
#include "gateway_private.h"

#include "base/text.h"

#include <string.h>

static unsigned place_of(const struct gateway_recovery *all, const char *name)
{
        unsigned i = 0;

        while (i < all->n && !text_equal(all->items[i].name, name))
                i++;
        return i;
}

const struct recovery *recovery_find(const struct gateway *gateway, const char *name)
{
        unsigned i = place_of(&gateway->recovery, name);

        return i < gateway->recovery.n ? &gateway->recovery.items[i] : NULL;
}

static struct ladder_budget budget_of(const struct recovery_config *config)
{
        return (struct ladder_budget){
            .per_hour = config->resets_per_hour,
            .per_day = config->resets_per_day,
            .route_per_hour = config->route_resets_per_hour,
            .route_per_day = config->route_resets_per_day,
            .stops_per_hour = config->stops_per_hour,
            .stops_per_day = config->stops_per_day,
        };
}

/* A place whose slot is not in the configuration any more. */
static struct recovery *find_orphan(struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->recovery.n; i++)
                if (!slots_find(&gateway->slots, gateway->recovery.items[i].name))
                        return &gateway->recovery.items[i];
        return NULL;
}

static void recovery_init(struct gateway *gateway, struct recovery *recovery, const char *name)
{
        struct ladder_budget budget = budget_of(&gateway->config.recovery);

        memset(recovery, 0, sizeof(*recovery));
        (void)text_copy(recovery->name, sizeof(recovery->name), name);
        (void)text_copy(recovery->saved.name, sizeof(recovery->saved.name), name);
        recovery->modem = -1;
        recovery->at.until = USEC_INFINITY;
        ladder_init(&recovery->ladder, &budget);
}

struct recovery *recovery_of(struct gateway *gateway, const char *name)
{
        struct gateway_recovery *all = &gateway->recovery;
        unsigned i = place_of(all, name);

        if (i < all->n)
                return &all->items[i];
        struct recovery *place = i < ARRAY_SIZE(all->items) ? &all->items[all->n++] : find_orphan(gateway);
        if (place)
                recovery_init(gateway, place, name);
        return place;
}

void gateway_recovery_reloaded(struct gateway *gateway)
{
        struct ladder_budget budget = budget_of(&gateway->config.recovery);

        for (unsigned i = 0; i < gateway->recovery.n; i++)
                ladder_set_budget(&gateway->recovery.items[i].ladder, &budget);
}

/* --- memory --- */

void recovery_take_record(struct gateway *gateway, const struct recovery_record *record)
{
        struct recovery *recovery = recovery_of(gateway, record->name);

        if (!recovery)
                return;
        ladder_recall(&recovery->ladder, &record->memory, gateway->now);
        recovery->begun_at = recovery->ladder.acted_at;
        recovery->gave_up = recovery->ladder.retry_at > 0 && recovery->ladder.tried & RECOVERY_RESETS;
        recovery->off = record->off;
        (void)text_copy(recovery->off_path, sizeof(recovery->off_path), record->usb);
}

static void fill_record(const struct recovery *recovery, struct recovery_record *record)
{
        *record = (struct recovery_record){.off = recovery->off};
        (void)text_copy(record->name, sizeof(record->name), recovery->name);
        ladder_remember(&recovery->ladder, &record->memory);
        if (recovery->off != RECOVERY_OFF_NOTHING)
                (void)text_copy(record->usb, sizeof(record->usb), recovery->off_path);
}

void recovery_save(struct recovery *recovery, struct action_list *actions)
{
        struct recovery_record record;

        fill_record(recovery, &record);
        if (recovery_record_equal(&record, &recovery->saved))
                return;
        recovery->saved = record;
        action_push(actions, ACTION_RECOVERY_SAVE)->recovery = &recovery->saved;
}
