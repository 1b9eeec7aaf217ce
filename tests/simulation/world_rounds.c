/*
 * Hours in which nothing changes are left out: a gateway that is well looks at smsd each minute and at its
 * modems each five minutes, one that cannot be helped does so each five seconds, and both do it for ever.
 * When the same rounds (from one timer to the next: the same events with the same contents, the same actions,
 * the same distances) have repeated for longer than anything in the gateway takes to change its mind, the
 * timer is put off to shortly before the next thing that happens in the world, or that time alone brings in
 * the gateway. To the gateway that is a wakeup that comes late, which must not harm it either.
 *
 * It must not leave out anything that is new: what has no signature here is taken for news.
 */
#include "world.h"

#include "base/text.h"

#include <string.h>

#define QUIET_FOR   (11 * USEC_PER_MIN) /* longer than any backoff or boot timeout, two looks at a modem */
#define TROUBLE_FOR (15 * USEC_PER_MIN) /* longer than any delay of an alert */
#define CYCLES      2                   /* so many must have been seen, and so many are left before the end */

static uint64_t mix(uint64_t hash, uint64_t value)
{
        return random_mix(hash ^ value) + UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t mix_text(uint64_t hash, const char *text, size_t length)
{
        return mix(hash, text_hash(text, length));
}

void rounds_begin(struct world *world)
{
        struct world_rounds *rounds = &world->controller.rounds;

        memset(rounds, 0, sizeof(*rounds));
        rounds->began = rounds->eventful_at = world->now;
}

void rounds_disturbed(struct world *world)
{
        world->controller.rounds.eventful_at = world->now;
}

/* In whatever order: chance decides which of two answers comes first. */
static void add(struct world *world, uint64_t what)
{
        world->controller.rounds.signature += random_mix(what);
}

void rounds_event(struct world *world, const struct event *event)
{
        uint64_t what = mix(1, (uint64_t)event->kind);

        switch (event->kind) {
        case EVENT_PROCESSES:
        case EVENT_SMSD_STATUS:
        case EVENT_FLAG:
        case EVENT_HOLDER:
                break; /* what they change shows in what is done then */
        case EVENT_PORT_OPENED:
                what = mix(what, event->port.modem) + (uint64_t)(int64_t)event->port.result;
                break;
        case EVENT_PORT_DATA:
                what = mix_text(mix(what, event->port.modem), event->port.data, event->port.length);
                break;
        default:
                rounds_disturbed(world);
                break;
        }
        add(world, what);
}

void rounds_action(struct world *world, const struct action *action)
{
        uint64_t what = mix(2, (uint64_t)action->kind);

        switch (action->kind) {
        case ACTION_SCAN:
        case ACTION_STATUS_READ:
        case ACTION_FLAG_LOOK:
        case ACTION_KERNEL_READ:
                break;
        case ACTION_HOLDER_LOOK:
        case ACTION_PORT_OPEN:
        case ACTION_PORT_CLOSE:
                what = mix(what, action->port.modem);
                break;
        case ACTION_PORT_WRITE:
                what = mix_text(mix(what, action->port.modem), action->port.data, action->port.length);
                break;
        default:
                rounds_disturbed(world);
                break;
        }
        add(world, what);
}

static const struct world_round *ago(const struct world_rounds *rounds, unsigned n)
{
        return &rounds->last[(rounds->n - n) % WORLD_ROUNDS];
}

void rounds_end(struct world *world)
{
        struct world_rounds *rounds = &world->controller.rounds;
        struct world_round *round = &rounds->last[rounds->n % WORLD_ROUNDS];

        round->began = rounds->began;
        round->signature = mix(rounds->signature, world->now - rounds->began);
        rounds->n++;
        for (unsigned cycle = 1; cycle <= WORLD_CYCLE; cycle++)
                if (cycle < rounds->n && ago(rounds, 1)->signature == ago(rounds, 1 + cycle)->signature)
                        rounds->same[cycle]++;
                else
                        rounds->same[cycle] = 0;
        rounds->signature = 0;
        rounds->began = world->now;
}

/* The rounds that repeat together and have done so for longest; 0: none for long enough. The timer comes at
 * `end`. */
static unsigned find_cycle(const struct world_rounds *rounds, usec_t end, usec_t long_enough)
{
        uint64_t signature = mix(rounds->signature, end - rounds->began);
        unsigned found = 0;

        for (unsigned cycle = 1; cycle <= WORLD_CYCLE; cycle++) {
                unsigned seen = rounds->same[cycle] < WORLD_ROUNDS ? rounds->same[cycle] : WORLD_ROUNDS;
                if (seen >= cycle * (CYCLES - 1) && seen > rounds->same[found] &&
                    ago(rounds, cycle)->signature == signature &&
                    end - ago(rounds, seen)->began >= long_enough)
                        found = cycle;
        }
        return found;
}

void rounds_skip(struct world *world)
{
        struct world_controller *c = &world->controller;
        usec_t next = usec_min(agenda_next(&world->agenda), world->end);

        if (!c->gateway || c->timer_at >= next || gateway_is_restarting(c->gateway) || c->n_tokens > 0)
                return;
        usec_t long_enough = gateway_has_alerts(c->gateway) ? TROUBLE_FOR : QUIET_FOR;
        if (world->now - c->rounds.eventful_at < long_enough)
                return;
        unsigned cycle = find_cycle(&c->rounds, c->timer_at, long_enough);
        if (cycle == 0)
                return;
        usec_t length = c->rounds.began - ago(&c->rounds, cycle)->began;
        usec_t deadline = gateway_change_deadline(c->gateway);
        if (deadline != USEC_INFINITY)
                next = usec_min(next, world->now + usec_sub(deadline, world_boottime(world)));
        if (next <= c->timer_at || next - c->timer_at < (CYCLES + 1) * length)
                return;
        usec_t skipped = ((next - c->timer_at) / length - CYCLES) * length;
        c->timer_at += skipped;
        c->rounds.began += skipped;
}
