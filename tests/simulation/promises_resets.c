/*
 * Promise 20: a modem is reset rarely, never where it would harm, and never left off.
 */
#include "world.h"

#include <string.h>

#define PER_HOUR 3
#define PER_DAY  8
#define SURE     (10 * USEC_PER_MIN) /* the gateway has seen by then what is so */
#define PATIENCE (20 * USEC_PER_MIN) /* of a modem that only searches its network */
#define OFF_MAX  (4 * USEC_PER_MIN)  /* three tries, then each minute */

static bool is_calm(const struct world *world)
{
        const struct world_promises *promises = &world->promises;

        return world->now > promises->disturbed_at + SURE && world->now > world->controller.up_since + SURE &&
               world->now > world->controller.late_until + SURE;
}

static void check_budget(struct world *world, struct world_modem *m, bool by_hand)
{
        unsigned hour = 0, day = 0;

        memmove(&m->resets[1], &m->resets[0], sizeof(m->resets) - sizeof(m->resets[0]));
        m->resets[0] = world->now;
        if (m->n_resets < WORLD_RESETS)
                m->n_resets++;
        for (unsigned i = 0; i < m->n_resets; i++) {
                hour += world->now - m->resets[i] < USEC_PER_HOUR;
                day += world->now - m->resets[i] < USEC_PER_DAY;
        }
        if (world->promises.resets_forgotten || by_hand)
                return; /* the disk was full */
        if (hour > PER_HOUR || day > PER_DAY)
                promise_broken(world, 20, "%s was reset %u times in an hour, %u in a day", m->path, hour,
                               day);
}

void promises_reset(struct world *world, unsigned modem)
{
        struct world_modem *m = &world->modems[modem];
        bool answers = modem_answers(world, modem);

        bool by_hand = world->now < m->hand_until;

        world->resets++;
        check_budget(world, m, by_hand);
        if (by_hand)
                return;
        if (world->promises.held && world_boottime(world) < world->promises.held_until)
                promise_broken(world, 20, "%s is reset during a hold", m->path);
        if (!is_calm(world) || !answers)
                return;
        if (m->card == CARD_PUK || m->needs_person)
                promise_broken(world, 20, "%s is reset for its PIN or PUK", m->path);
        if (world->now < m->unregistered_until && world->now - m->unregistered_since < PATIENCE)
                promise_broken(world, 20, "%s is reset while it searches its network", m->path);
        if (m->good_since && world->now - m->good_since > SURE)
                promise_broken(world, 20, "%s is reset although it works", m->path);
}

void promises_off(struct world *world)
{
        for (unsigned m = 0; m < world->n_modems; m++) {
                const struct world_modem *modem = &world->modems[m];
                usec_t since = modem->off_since > world->controller.up_since ? modem->off_since
                                                                             : world->controller.up_since;
                if (modem->off && !world->promises.resets_forgotten && world->controller.begun &&
                    world->config.mode == MODE_CONTROL && world->now - since > OFF_MAX)
                        promise_broken(world, 20, "%s is left off", modem->path);
        }
}
