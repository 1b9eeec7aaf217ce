/*
 * The promises, checked at each action and after each step against the world as it really is, not as the core
 * sees it.
 */
#include "world.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define NOTICE_TIME     (1200 * USEC_PER_MSEC) /* a start by hand is noticed within a second */
#define LIVE_WITHIN     (10 * USEC_PER_MIN)
#define LIVE_SLOWLY     (62 * USEC_PER_MIN) /* when the others' patience with this slot is spent */
#define BACKOFF_OVER    (6 * USEC_PER_MIN)
#define VERDICT_SLACK   (200 * USEC_PER_SEC) /* smsd itself needs 120 s to say that a modem is silent */
#define HOPELESS_STARTS 4
#define STOP_NOTICE     (150 * USEC_PER_MSEC) /* a stop that comes in the very moment of a start */
#define SLOW_EVERY      (20 * USEC_PER_SEC)

void promise_broken(struct world *world, unsigned number, const char *format, ...)
{
        va_list arguments;

        if (world->promises.broken[0])
                return;
        world->promises.number = number;
        va_start(arguments, format);
        (void)vsnprintf(world->promises.broken, sizeof(world->promises.broken), format, arguments);
        va_end(arguments);
        world_trace(world, "BROKEN promise %u: %s", number, world->promises.broken);
}

static usec_t later(usec_t a, usec_t b)
{
        return a > b ? a : b;
}

static bool disk_is_well(const struct world *world)
{
        return world->now >= world->files.disk_full_until;
}

static usec_t lateness(const struct world *world)
{
        return world->now < world->controller.late_until + USEC_PER_MIN
                   ? 6 * USEC_PER_MSEC * world->controller.late_ms
                   : 0;
}

static bool is_held(struct world *world)
{
        if (world->promises.held && world_boottime(world) >= world->promises.held_until)
                world->promises.held = false;
        return world->promises.held;
}

/* --- at an action */

static void check_start_beside_jobs(struct world *world)
{
        usec_t slack = STOP_NOTICE + lateness(world);
        bool told = world->now >= world->unit.away_until + 3 * USEC_PER_SEC;

        if (told && world->promises.stop_began && world->now - world->promises.stop_began > slack)
                promise_broken(world, 2, "smsd is started although systemctl stopped it");
        if (told && world->unit.job != UNIT_JOB_NONE && !world->unit.own &&
            world->now - world->unit.began > slack && world->now - world->unit.began < 99 * USEC_PER_SEC)
                promise_broken(world, 1, "smsd is started beside somebody's %s job",
                               unit_job_to_string(world->unit.job));
}

void promises_unit_stopped(struct world *world)
{
        if (world->controller.gateway && !world->unit.by_shutdown && world->config.mode == MODE_CONTROL &&
            !world->promises.held && world->unit.began > world->promises.command_at)
                world->promises.stop_began = world->unit.began;
}

void promises_person_started(struct world *world, bool own)
{
        world->promises.stop_began = 0;
        if (own)
                return;
        world->promises.held = false;
        world->promises.started_at = world->now;
}

/* Nothing automatic touches anything while the system goes down. */
static void check_shutdown(struct world *world, const struct action *action)
{
        if (!world->unit.system_stopping || world->now < world->unit.away_until + 3 * USEC_PER_SEC ||
            world->now - world->unit.stopping_since < STOP_NOTICE + lateness(world) ||
            world->now - world->controller.up_since < STOP_NOTICE + lateness(world))
                return;
        switch (action->kind) {
        case ACTION_SMSD_START:
        case ACTION_SMSD_STOP:
        case ACTION_SIGNAL:
        case ACTION_PORT_OPEN:
        case ACTION_PORT_WRITE:
        case ACTION_CONF_WRITE:
        case ACTION_HOLD_WRITE:
        case ACTION_HOLD_CLEAR:
                promise_broken(world, 16, "%s while the system shuts down",
                               action_kind_to_string(action->kind));
                break;
        default:
                break;
        }
}

static void check_start(struct world *world, const struct action_list *actions, unsigned index)
{
        if (!gateway_is_restarting(world->controller.gateway))
                promise_broken(world, 1, "smsd is started outside the one path");
        if (index == 0 || actions->items[index - 1].kind != ACTION_HOLD_CLEAR)
                promise_broken(world, 2, "smsd is started without clearing the hold right before");
        if (is_held(world))
                promise_broken(world, 2, "smsd is started although somebody holds it");
        check_start_beside_jobs(world);
        for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
                const struct world_process *p = &world->processes[i];
                if (p->alive && p->ours &&
                    (!p->person || world->now - p->born > NOTICE_TIME + lateness(world)) &&
                    world->now >= world->controller.opened_lost_until)
                        promise_broken(world, 1, "smsd is started while pid %d of ours is alive",
                                       (int)p->id.pid);
        }
}

static void check_port(struct world *world, const struct action *action)
{
        int tty = action->kind == ACTION_PORT_OPEN ? tty_resolve(world, action->port.path)
                                                   : world->controller.ports[action->port.modem].tty;

        if (is_held(world) && world->now >= world->modems[0].hand_until)
                promise_broken(world, 2, "a port is touched during a hold");
        if (action->kind == ACTION_PORT_WRITE && !world->controller.ports[action->port.modem].open)
                return;
        for (unsigned i = 0; i < WORLD_PROCESSES && tty >= 0; i++) {
                const struct world_process *p = &world->processes[i];
                if (p->alive && p->ours && p->tty == tty && p->tty_life == world->ttys[tty].life &&
                    world->now - p->born > NOTICE_TIME + lateness(world) &&
                    world->now - world->controller.up_since > NOTICE_TIME &&
                    world->now >= world->controller.opened_lost_until + USEC_PER_MIN)
                        promise_broken(world, 5, "ttyUSB%d is touched while smsd %d has it open", tty,
                                       (int)p->id.pid);
        }
        for (unsigned i = 0; i < MODEM_PORTS && action->kind == ACTION_PORT_OPEN && tty >= 0; i++)
                if (world->controller.ports[i].open && world->controller.ports[i].tty == tty &&
                    world->controller.ports[i].tty_life == world->ttys[tty].life)
                        promise_broken(world, 5, "ttyUSB%d is opened twice", tty);
}

static void check_observer(struct world *world, const struct action *action)
{
        switch (action->kind) {
        case ACTION_SMSD_START:
        case ACTION_SMSD_STOP:
        case ACTION_SIGNAL:
        case ACTION_CONF_WRITE:
        case ACTION_CONF_KEEP:
        case ACTION_CONF_SET_ASIDE:
        case ACTION_HOLD_WRITE:
        case ACTION_HOLD_CLEAR:
                promise_broken(world, 1, "%s in observe mode", action_kind_to_string(action->kind));
                break;
        default:
                break;
        }
}

/* Nobody has started it again by now. */
static bool is_stopped(struct world *world)
{
        const struct world_process *main = smsd_main(world);

        return (!main || main->terminating) && world->unit.person_stop;
}

void promises_action(struct world *world, const struct action_list *actions, unsigned index)
{
        const struct action *action = &actions->items[index];

        if (world->config.mode == MODE_OBSERVE)
                check_observer(world, action);
        check_shutdown(world, action);
        switch (action->kind) {
        case ACTION_SMSD_START:
                world->promises.hopeless_starts++;
                memmove(&world->promises.starts[1], &world->promises.starts[0],
                        sizeof(world->promises.starts) - sizeof(world->promises.starts[0]));
                world->promises.starts[0] = world->now;
                check_start(world, actions, index);
                break;
        case ACTION_PORT_OPEN:
        case ACTION_PORT_WRITE:
                check_port(world, action);
                break;
        case ACTION_CONF_WRITE:
                if (is_held(world))
                        promise_broken(world, 4, "smsd.conf is written during a hold");
                break;
        case ACTION_HOLD_WRITE:
                /* The flag may be gone by now: the next look tells. And whoever was started by somebody since
                 * it was written has ended it, alive or not. */
                world->promises.held = action->hold.source == HOLD_SOURCE_CLI ||
                                       (action->hold.source == HOLD_SOURCE_LEGACY
                                            ? world->files.flag == FLAG_PRESENT && !smsd_main(world) &&
                                                  world->promises.started_at <= world->files.flag_since
                                            : is_stopped(world) && lateness(world) == 0);
                world->promises.stop_began = 0;
                world->promises.held_until = action->hold.until;
                world->promises.legacy_held = action->hold.source == HOLD_SOURCE_LEGACY;
                if (action->hold.until == USEC_INFINITY)
                        promise_broken(world, 2, "a hold has no end");
                break;
        default:
                break;
        }
}

/* --- smsd.conf */

static const char *next_line(const char *text, size_t *ret_length)
{
        *ret_length = strcspn(text, "\n");
        return text[*ret_length] ? text + *ret_length + 1 : NULL;
}

static bool is_device_line(const char *line, size_t length)
{
        size_t blanks = strspn(line, " \t");

        return length > blanks + 6 && strncmp(line + blanks, "device", 6) == 0 && line[blanks + 6] != 's';
}

/* The same lines but for the values of `device`. */
static bool only_devices_differ(const char *before, const char *after)
{
        while (before && after && (*before || *after)) {
                size_t lb, la;
                const char *b = before, *a = after;
                before = next_line(b, &lb);
                after = next_line(a, &la);
                bool same = lb == la && strncmp(a, b, la) == 0;
                if (!same && !(is_device_line(a, la) && is_device_line(b, lb)))
                        return false;
        }
        return !(before && *before) && !(after && *after);
}

void promises_conf_written(struct world *world, const char *before, const char *after)
{
        if (text_equal(before, after))
                promise_broken(world, 4, "smsd.conf is written although nothing changes");
        if (only_devices_differ(before, after))
                return;
        if (conf_is_valid(world))
                promise_broken(world, 4, "a smsd.conf that smsd accepts was replaced");
        if (!world->files.refused || !text_equal(world->files.refused, before))
                promise_broken(world, 4, "an edit of smsd.conf is lost");
}

/* --- smsd */

void promises_sent(struct world *world, const struct world_message *message)
{
        world->sent++;
        if (message->copies < 2)
                return;
        world->doubles++;
        if (!message->excused)
                promise_broken(world, 10, "a message was sent %u times", message->copies);
}

static bool all_modems_are_good(const struct world *world)
{
        for (unsigned m = 0; m < world->n_modems; m++)
                if (!modem_is_good(world, m))
                        return false;
        return true;
}

void promises_main_ended(struct world *world, const struct world_process *p)
{
        struct world_promises *promises = &world->promises;
        bool due = p->ours && p->watched && world->controller.gateway && world->config.mode == MODE_CONTROL &&
                   !gateway_is_restarting(world->controller.gateway) &&
                   !gateway_is_held(world->controller.gateway) && world->files.flag == FLAG_ABSENT &&
                   world->unit.job == UNIT_JOB_NONE &&
                   world->now > world->unit.away_until + 3 * USEC_PER_SEC && all_modems_are_good(world) &&
                   lateness(world) == 0 && world->now > promises->failed_at + BACKOFF_OVER &&
                   world->now > promises->disturbed_before + BACKOFF_OVER &&
                   world->now > world->controller.up_since + BACKOFF_OVER && smsd_can_send(world, 0);

        promises->failed_at = world->now;
        if (due)
                world_plan(world, 110 * USEC_PER_MSEC, HAPPENS_RESTART_CHECK, (unsigned)p->id.pid, 0);
}

void promises_restart_due(struct world *world, unsigned pid)
{
        if (!world->controller.gateway || smsd_main(world) ||
            world->promises.disturbed_at + 110 * USEC_PER_MSEC < world->now)
                return;
        /* Something came in between: another failure counts for the backoff. */
        if (world->promises.failed_at + 110 * USEC_PER_MSEC > world->now ||
            world->promises.disturbed_at > world->promises.failed_at ||
            world->controller.up_since > world->promises.failed_at)
                return;
        if (!gateway_is_restarting(world->controller.gateway) && !gateway_is_held(world->controller.gateway))
                promise_broken(world, 3, "main %u ended 100 ms ago and no restart has begun", pid);
}

/* --- after each step */

static void check_hold(struct world *world)
{
        struct world_promises *promises = &world->promises;
        struct world_process *main = smsd_main(world);
        bool others = world->unit.system_stopping || (world->unit.job != UNIT_JOB_NONE && !world->unit.own);
        bool beside = main && !main->terminating && !others &&
                      !gateway_is_restarting(world->controller.gateway) && disk_is_well(world);
        usec_t slack = 2500 * USEC_PER_MSEC + lateness(world);

        if (world->now < world->controller.opened_lost_until + USEC_PER_MIN)
                slack += 65 * USEC_PER_SEC;
        if (world->now < world->files.disk_full_until + 65 * USEC_PER_SEC)
                slack += 65 * USEC_PER_SEC; /* what failed is tried again at the next look */
        if (world->now < world->unit.away_until + 3 * USEC_PER_SEC)
                slack += 65 * USEC_PER_SEC; /* was it stopped again? Nobody can say so */
        if (!(beside && world->files.hold))
                promises->hold_beside_since = 0;
        else if (promises->hold_beside_since == 0)
                promises->hold_beside_since = world->now;
        else if (world->now - promises->hold_beside_since > slack)
                promise_broken(world, 2, "a hold lies beside a running smsd");
        if (!(beside && world->files.flag == FLAG_PRESENT))
                promises->flag_beside_since = 0;
        else if (promises->flag_beside_since == 0)
                promises->flag_beside_since = world->now;
        else if (world->now - promises->flag_beside_since > 122 * USEC_PER_SEC + slack)
                promise_broken(world, 2, "the flag lies beside a running smsd");
        if (world->files.hold &&
            world_boottime(world) > world->files.hold_record.until + 5 * USEC_PER_SEC + lateness(world) &&
            !world->unit.system_stopping && world->now > world->unit.stopping_since + 5 * USEC_PER_SEC &&
            world->now > world->controller.up_since + 5 * USEC_PER_SEC &&
            world->now > world->files.disk_full_until + 65 * USEC_PER_SEC)
                promise_broken(world, 2, "a hold outlives its end");
}

static void check_dead_ttys(struct world *world)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
                const struct world_process *p = &world->processes[i];
                if (!p->alive || !p->ours || !p->tty_died || gateway_is_held(world->controller.gateway))
                        continue;
                usec_t known = later(later(p->tty_died, world->controller.up_since), world->promises.held_at);
                if (world->unit.system_stopping || (world->unit.job != UNIT_JOB_NONE && !world->unit.own))
                        continue; /* systemd is at it, or was told to by somebody */
                known = later(known, later(world->unit.ended, world->unit.stopping_since));
                if (p->hung) /* whoever starts another smsd meanwhile prolongs the wait for all */
                        known = later(known, world->promises.disturbed_at);
                usec_t limit = 72 * USEC_PER_SEC + lateness(world);
                bool quick = world->n_slots == 1 && !p->hung &&
                             world->now > world->controller.usb_lost_until + USEC_PER_MIN &&
                             world->now > world->controller.opened_lost_until + USEC_PER_MIN;
                if (world->now < world->controller.usb_lost_until)
                        continue;
                if (world->now < world->controller.usb_lost_until + USEC_PER_MIN)
                        limit += 65 * USEC_PER_SEC;
                if (quick)
                        limit = 12 * USEC_PER_SEC + lateness(world);
                if (usec_sub(world->now, known) > limit)
                        promise_broken(world, 7, "smsd %d sits on a dead tty for %.0f s", (int)p->id.pid,
                                       (double)(world->now - p->tty_died) / 1e6);
        }
}

static void check_tokens(struct world *world)
{
        for (unsigned i = 0; i < world->controller.n_tokens; i++) {
                const struct world_token *token = &world->controller.tokens[i];
                usec_t limit = 3 * USEC_PER_MIN + lateness(world) + (world->infofile ? 10 * USEC_PER_MIN : 0);
                /* What is asked for amid a reset by hand comes behind it. */
                usec_t since = later(token->since, token->more ? 0 : world->modems[0].hand_until);
                if (usec_sub(world->now, since) > limit + token->more)
                        promise_broken(world, 12, "command %u has no answer after %.0f s", token->token,
                                       (double)(world->now - token->since) / 1e6);
        }
}

static bool pins_are_right(const struct world *world)
{
        for (unsigned s = 0; s < world->n_slots; s++) {
                char pin[16];
                conf_value(world, s, "pin", pin, sizeof(pin));
                if (!text_equal(pin, "1111"))
                        return false;
        }
        return true;
}

bool promises_box_is_well(struct world *world)
{
        if (world->files.hold || world->files.flag == FLAG_PRESENT || is_held(world) || !disk_is_well(world))
                return false;
        if (world->unit.system_stopping || world->unit.job != UNIT_JOB_NONE ||
            gateway_is_held(world->controller.gateway))
                return false;
        if (!conf_is_valid(world) && !(world->files.conf && !strstr(world->files.conf, "bogus_key")))
                return false;
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive && world->processes[i].hung)
                        return false;
        return true;
}

/* Can be used without a person's help. */
static bool modem_will_do(const struct world *world, unsigned modem)
{
        const struct world_modem *m = &world->modems[modem];
        bool pin = m->card == CARD_PIN && !m->unlocked;

        if (!modem_answers(world, modem) || m->needs_person || m->card == CARD_NONE || m->card == CARD_PUK)
                return false;
        return !pin || (pins_are_right(world) && m->attempts == 3);
}

/* How many slots must be served when all had their time. */
static unsigned slots_due(const struct world *world)
{
        unsigned well = 0, bad = 0;

        if (world->config.n_modems > 0) {
                for (unsigned s = 0; s < world->n_slots; s++)
                        well += modem_will_do(world, world->n_slots - 1 - s);
                return well;
        }
        for (unsigned m = 0; m < world->n_modems; m++)
                if (modem_will_do(world, m))
                        well++;
                else if (world->modems[m].plugged && world->modems[m].kind == KIND_EC25)
                        bad++;
        unsigned places = world->n_slots > bad ? world->n_slots - bad : 0;
        return well < places ? well : places;
}

unsigned promises_slots_served(const struct world *world)
{
        unsigned n = 0;

        for (unsigned s = 0; s < world->n_slots; s++)
                n += smsd_can_send(world, s);
        return n;
}

/* Without a modem that could do, smsd is tried now and then at most: each try interrupts the other modems. */
static void check_hopeless(struct world *world)
{
        struct world_promises *promises = &world->promises;

        if (slots_due(world) > 0 || world->now < promises->disturbed_at + USEC_PER_MIN ||
            world->now < world->controller.up_since + USEC_PER_MIN)
                promises->hopeless_starts = 0;
        else if (promises->hopeless_starts > HOPELESS_STARTS)
                promise_broken(world, 3, "smsd was started %u times without a modem that could do",
                               promises->hopeless_starts);
}

void promises_could_send(struct world *world)
{
        if (promises_slots_served(world) > 0)
                world->promises.could_send_at = world->now;
}

/* Four starts in little more than an hour: where another slot works, the next one for this slot's sake comes
 * an hour after the last at the latest, whatever has become of what ailed it. */
static usec_t patience(const struct world *world)
{
        const usec_t *starts = world->promises.starts;
        bool spent = starts[ARRAY_SIZE(world->promises.starts) - 1] != 0 &&
                     starts[0] - starts[ARRAY_SIZE(world->promises.starts) - 1] < 65 * USEC_PER_MIN;

        return spent && promises_slots_served(world) > 0 && world->now - starts[0] < LIVE_SLOWLY
                   ? LIVE_SLOWLY
                   : LIVE_WITHIN;
}

static void check_life(struct world *world)
{
        struct world_promises *promises = &world->promises;
        bool well =
            promises_box_is_well(world) && world->now >= promises->disturbed_at && slots_due(world) > 0;

        promises_could_send(world);
        if (!well) {
                promises->good_since = 0;
                return;
        }
        if (promises->good_since == 0)
                promises->good_since = world->now;
        usec_t since = promises->good_since;
        since = promises->disturbed_at > since ? promises->disturbed_at : since;
        since = world->controller.up_since > since ? world->controller.up_since : since;
        if (world->config.mode == MODE_CONTROL && world->now - since > patience(world) &&
            promises_slots_served(world) < slots_due(world))
                promise_broken(world, 3, "all is well since %.0f s, and %u of %u slots are served",
                               (double)(world->now - since) / 1e6, promises_slots_served(world),
                               slots_due(world));
}

static void check_verdict(struct world *world)
{
        static struct snapshot snapshot;
        const struct world_process *main = smsd_main(world);
        usec_t since = later(world->promises.could_send_at, world->controller.up_since);
        bool hung = false;

        since = main ? later(since, main->born) : since;
        gateway_snapshot_verdict(world->controller.gateway, world_boottime(world), world->clock, &snapshot);
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                hung |= world->processes[i].alive && world->processes[i].hung;
        if (snapshot.reason[0] == '\0' || snapshot.next_action[0] == '\0')
                promise_broken(world, 15, "a verdict without reason or next action");
        if (snapshot.verdict == VERDICT_WORKING && promises_slots_served(world) == 0 && !hung &&
            usec_sub(world->now, since) > VERDICT_SLACK &&
            world->now > world->controller.usb_lost_until + USEC_PER_MIN)
                promise_broken(world, 15,
                               "the verdict is working, and nothing was sent or could be since %.0f s",
                               (double)(world->now - world->promises.could_send_at) / 1e6);
}

void promises_after(struct world *world)
{
        if (!world->controller.gateway) {
                world->promises.hold_beside_since = world->promises.flag_beside_since = 0;
                return;
        }
        if (gateway_is_held(world->controller.gateway) || world->promises.was_held)
                world->promises.held_at = world->now;
        world->promises.was_held = gateway_is_held(world->controller.gateway);
        if (world->promises.was_held)
                world->promises.stop_began = 0; /* from here on the hold says until when */
        if (world->config.mode == MODE_CONTROL) {
                check_hold(world);
                check_dead_ttys(world);
        }
        check_tokens(world);
        if (world->now < world->promises.next_slow_check)
                return;
        world->promises.next_slow_check = world->now + SLOW_EVERY;
        check_life(world);
        check_hopeless(world);
        check_verdict(world);
        promises_alerts(world);
        promises_off(world);
}
