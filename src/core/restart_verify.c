/*
 * Judges a started smsd, see core/restart_verify.h. The status file is rewritten by smsd when a handler
 * changes its state; without one (no `stats` in smsd.conf) a handler that keeps its port for some seconds is
 * all that can be known.
 */
#include "core/restart_verify.h"

#include "base/text.h"

#define SETTLE_WITHOUT_STATUS (3 * USEC_PER_SEC)
#define MAIN_APPEARS_WITHIN   (5 * USEC_PER_SEC)

void restart_expect(struct restart *restart, const struct restart_world *world)
{
        restart->n_expected = 0;
        for (unsigned i = 0; i < world->slots->n; i++) {
                struct slot *slot = &world->slots->items[i];
                if (!slot_startable(slot, world->modems))
                        continue;
                struct restart_expected *expected = &restart->expected[restart->n_expected++];
                (void)text_copy(expected->modem, sizeof(expected->modem), slot->config.name);
                (void)text_copy(expected->target, sizeof(expected->target),
                                world->modems[slot->modem].target);
                slot_forget_answer(slot);
                slot->base_known = true; /* stats/status is read right before the start */
                slots_set_serving(world->slots, slot, expected->target);
        }
}

static bool modem_still_there(const struct restart_expected *expected, const struct restart_world *world)
{
        const struct slot *slot = slots_find(world->slots, expected->modem);
        const struct modem *modem = slot ? slot_modem(slot, world->modems) : NULL;

        return modem && text_equal(modem->target, expected->target);
}

static bool main_is_ours(const struct restart *restart, const struct smsd_state *smsd)
{
        return smsd->running && (restart->main.pid == 0 || process_id_equal(restart->main, smsd->main));
}

static unsigned count_in_place(const struct restart *restart, const struct smsd_state *smsd)
{
        unsigned n = 0;

        for (unsigned i = 0; i < restart->n_expected; i++)
                n += smsd_state_handler_on(smsd, restart->expected[i].target) != NULL;
        return n;
}

bool restart_serves_any(const struct restart *restart, const struct restart_world *world)
{
        for (unsigned i = 0; main_is_ours(restart, world->smsd) && i < restart->n_expected; i++)
                if (modem_still_there(&restart->expected[i], world) &&
                    smsd_state_handler_on(world->smsd, restart->expected[i].target))
                        return true;
        return false;
}

void restart_expect_no_more(struct restart *restart, const struct restart_world *world)
{
        unsigned n = 0;

        for (unsigned i = 0; i < restart->n_expected; i++)
                if (modem_still_there(&restart->expected[i], world))
                        restart->expected[n++] = restart->expected[i];
        restart->n_expected = n;
}

static bool all_answered(const struct restart *restart, const struct restart_world *world)
{
        if (!world->smsd->status_known &&
            world->now >= usec_add(restart->handlers_seen, SETTLE_WITHOUT_STATUS))
                return true;
        for (unsigned i = 0; i < restart->n_expected; i++) {
                const struct slot *slot = slots_find(world->slots, restart->expected[i].modem);
                if (!slot || !slot->answered)
                        return false;
        }
        return true;
}

/* A main process that refuses smsd.conf is gone before anybody could watch it. */
static enum verify_result judge_absent_main(const struct restart *restart, const struct restart_world *world)
{
        usec_t age = usec_sub(world->now, restart->started);

        if (restart->looked && !world->smsd->running &&
            (world->smsd->config_refused || age >= MAIN_APPEARS_WITHIN))
                return VERIFY_MAIN_LOST;
        return world->now >= restart->deadline ? VERIFY_TIMEOUT : VERIFY_PENDING;
}

enum verify_result restart_verify(struct restart *restart, const struct restart_world *world)
{
        const struct smsd_state *smsd = world->smsd;

        for (unsigned i = 0; i < restart->n_expected; i++)
                if (!modem_still_there(&restart->expected[i], world))
                        return VERIFY_MODEM_LEFT;
        if (!main_is_ours(restart, smsd))
                return judge_absent_main(restart, world);

        bool in_place = count_in_place(restart, smsd) == restart->n_expected && smsd->n_strays == 0;
        if (!in_place && restart->handlers_seen)
                return VERIFY_HANDLER_LOST;
        if (in_place && !restart->handlers_seen)
                restart->handlers_seen = world->now;
        if (in_place && all_answered(restart, world))
                return VERIFY_OK;
        if (world->now < restart->deadline)
                return VERIFY_PENDING;
        return in_place ? VERIFY_TIMEOUT_ALIVE : VERIFY_TIMEOUT;
}
