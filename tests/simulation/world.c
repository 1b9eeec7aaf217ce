/*
 * The world as a whole: how it is made from a seed, and its time.
 */
#include "world.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define BOOT_BEFORE (20 * USEC_PER_SEC) /* the box was up so long when the controller begins */

usec_t world_boottime(const struct world *world)
{
        return world->now - world->boot + BOOT_BEFORE;
}

uint64_t world_chance(struct world *world, uint64_t lowest, uint64_t highest)
{
        if (world->drawn_at != world->now)
                world->draws = 0;
        world->drawn_at = world->now;
        return lowest + random_mix(world->seed ^ random_mix(world->now ^ (++world->draws << 48))) %
                            (highest - lowest + 1);
}

bool world_percent(struct world *world, unsigned percent)
{
        return world_chance(world, 0, 99) < percent;
}

void world_plan(struct world *world, usec_t in, enum happening_kind kind, unsigned who, unsigned what)
{
        agenda_plan(&world->agenda, usec_add(world->now, in), (int)kind, who, what, NULL);
}

void world_trace(struct world *world, const char *format, ...)
{
        va_list arguments;

        if (!world->trace)
                return;
        fprintf(world->trace, "%14.6f  ", (double)world->now / 1e6);
        va_start(arguments, format);
        (void)vfprintf(world->trace, format, arguments);
        va_end(arguments);
        fputc('\n', world->trace);
}

/* --- from the seed */

static void make_modems(struct world *world)
{
        for (unsigned i = 0; i < world->n_modems; i++) {
                struct world_modem *m = &world->modems[i];
                (void)text_format(m->path, sizeof(m->path), "1-1.%u", i + 1);
                (void)text_format(m->imei, sizeof(m->imei), "86150303000000%u", i);
                (void)text_format(m->imsi, sizeof(m->imsi), "24602000000000%u", i);
                (void)text_format(m->iccid, sizeof(m->iccid), "8937002000000000000%u", i);
                m->card = CARD_READY;
                m->attempts = 3;
                m->tells_attempts = world_percent(world, 80);
                for (unsigned t = 0; t < MODEM_TTYS; t++)
                        m->tty[t] = -1;
        }
        for (unsigned i = 0; i < WORLD_TTYS; i++)
                world->ttys[i].modem = -1;
        for (unsigned i = 0; i < world->n_modems; i++)
                modem_plug(world, i);
}

static void make_config(struct world *world)
{
        struct config *config = &world->config;

        config_init(config);
        config->mode = world_percent(world, 8) ? MODE_OBSERVE : MODE_CONTROL;
        config->provision.config.usbnet = world->seed % 3 == 0 ? 1 : -1;
        if (world_percent(world, 20))
                config->legacy_flag[0] = '\0';
        if (!world_percent(world, 20))
                return;
        config->n_modems = world->n_slots;
        for (unsigned i = 0; i < world->n_slots; i++) {
                char name[SMSD_MODEM_NAME_MAX];
                (void)text_format(name, sizeof(name), "GSM%u", i + 1);
                modem_config_init(&config->modems[i], name);
                config->modems[i].match = MATCH_USB;
                (void)text_format(config->modems[i].match_value, DEVICE_NODE_MAX, "1-1.%u",
                                  world->n_slots - i);
        }
}

struct world *world_new(uint64_t seed, usec_t length, const struct inputs *inputs, const bool *left_out,
                        FILE *trace)
{
        struct world *world = calloc(1, sizeof(*world));

        if (!world)
                abort();
        agenda_init(&world->agenda);
        world->seed = random_mix(seed + 1);
        world->end = length;
        world->inputs = inputs;
        world->left_out = left_out;
        world->trace = trace;
        world->clock = INT64_C(1795392000) * 1000000;
        world->next_pid = 1000;
        world->n_slots = 1 + world_percent(world, 40);
        world->n_modems = (unsigned)world_chance(world, world->n_slots, WORLD_MODEMS);
        world->links = world_percent(world, 50);
        world->direct = world_percent(world, 40);
        world->tells_main = world_percent(world, 80);
        world->loglevel = world_percent(world, 70) ? 5 : 4;
        world->status_exists = world_percent(world, 85);
        world->switchable = world_percent(world, 30);
        world->route = world_percent(world, 25) ? 0 : -1;
        world->controller.life = 1;
        world->controller.timer_at = USEC_INFINITY;
        files_init(world);
        make_config(world);
        make_modems(world);
        world_plan(world, USEC_PER_SEC, HAPPENS_CONTROLLER_UP, world->controller.life, 0);
        if (world_percent(world, 50))
                world_plan(world, world_chance(world, 0, 3 * USEC_PER_SEC), HAPPENS_START, 0, 3);
        if (inputs->n)
                agenda_plan(&world->agenda, inputs->items[0].at, HAPPENS_INPUT, 0, 0, NULL);
        return world;
}

struct world *world_free(struct world *world)
{
        struct happening happening;

        if (!world)
                return NULL;
        while (agenda_take(&world->agenda, &happening))
                if (happening.kind == HAPPENS_EVENT) {
                        happening.who = 0; /* of no life: not handed over, only recycled */
                        controller_deliver(world, &happening);
                }
        while (world->free_events) {
                struct event *next = *(struct event **)(void *)world->free_events;
                free(world->free_events);
                world->free_events = next;
        }
        world->controller.gateway = gateway_free(world->controller.gateway);
        files_free(world);
        free(world);
        return NULL;
}

/* --- time */

static void next_input(struct world *world, unsigned index)
{
        promises_could_send(world);
        if (!world->left_out || !world->left_out[index])
                world_input(world, &world->inputs->items[index]);
        if (index + 1 < world->inputs->n)
                agenda_plan(&world->agenda, world->inputs->items[index + 1].at, HAPPENS_INPUT, index + 1, 0,
                            NULL);
}

static void usb_found(struct world *world, unsigned life)
{
        if (!world->controller.gateway || world->controller.life != life)
                return;
        for (unsigned m = 0; m < world->n_modems; m++)
                if (world->modems[m].plugged)
                        controller_usb(world, m, false);
        controller_post(world, controller_event(world, EVENT_USB_ENUMERATED), 2, USEC_PER_MSEC);
}

static void happen(struct world *world, const struct happening *happening)
{
        if (happening->kind != HAPPENS_EVENT)
                rounds_disturbed(world);
        switch ((enum happening_kind)happening->kind) {
        case HAPPENS_INPUT:
                next_input(world, happening->who);
                break;
        case HAPPENS_EVENT:
                controller_deliver(world, happening);
                break;
        case HAPPENS_CONTROLLER_UP:
                if (happening->who == world->controller.life)
                        controller_up(world);
                break;
        case HAPPENS_TTY:
                modem_tty_appears(world, happening->who, happening->what);
                break;
        case HAPPENS_LEAVE:
                power_leave(world, happening->who, happening->what);
                break;
        case HAPPENS_REPLUG:
                modem_plug(world, happening->who);
                break;
        case HAPPENS_CONF_BACK:
                conf_back(world);
                break;
        case HAPPENS_USB_FOUND:
                usb_found(world, happening->who);
                break;
        case HAPPENS_RESTART_CHECK:
                promises_restart_due(world, happening->who);
                break;
        case HAPPENS_START:
                if (!smsd_main(world)) {
                        world->promises.held = false;
                        if (world->direct)
                                (void)smsd_start(world, true, true);
                        unit_command(world, UNIT_JOB_START); /* Debian's enablement */
                }
                break;
        case HAPPENS_UNIT:
                unit_happens(world, happening->who);
                break;
        case HAPPENS_UNIT_BACK:
                unit_back(world);
                break;
        case HAPPENS_OVER:
                break;
        case HAPPENS_SHUTDOWN_OVER:
                world_shutdown_over(world, happening->what);
                break;
        case HAPPENS_MAIN_UP:
        case HAPPENS_MAIN_CHECK:
        case HAPPENS_HANDLER_OPEN:
        case HAPPENS_HANDLER_INIT:
        case HAPPENS_HANDLER_PICK:
        case HAPPENS_PDU_DONE:
        case HAPPENS_END:
        case HAPPENS_OTHER_END:
                smsd_happens(world, happening);
                break;
        }
}

bool world_run(struct world *world)
{
        struct happening happening;

        while (world->promises.broken[0] == '\0') {
                if (!world->every_round)
                        rounds_skip(world);
                usec_t next = agenda_next(&world->agenda);
                usec_t timer = world->controller.gateway ? world->controller.timer_at : USEC_INFINITY;
                usec_t soonest = usec_min(next, timer);
                if (soonest >= world->end)
                        break;
                world->now = soonest > world->now ? soonest : world->now;
                if (next <= timer) {
                        (void)agenda_take(&world->agenda, &happening);
                        happen(world, &happening);
                } else
                        controller_timer(world);
                promises_after(world);
        }
        return world->promises.broken[0] == '\0';
}
