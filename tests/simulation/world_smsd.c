/*
 * smsd as it was measured: a main process that outlives its handlers, handlers that outlive their main
 * process, dead ttys that are never let go, and a queue of messages that must each be sent once.
 */
#include "world.h"

#include "base/text.h"

#include <signal.h>
#include <string.h>

#define STATUS_BASE 1000

/* --- the end of a process */

static void tell_exit(struct world *world, const struct world_process *p, int status)
{
        if (!p->watched || !world->controller.gateway)
                return;
        struct event *event = controller_event(world, EVENT_PROCESS_EXITED);
        event->exited.id = p->id;
        event->exited.status_known = world->direct && p->child_of == world->controller.life;
        event->exited.status = event->exited.status_known ? status : 0;
        controller_post(world, event, 2, world_chance(world, 100, 5 * USEC_PER_MSEC));
}

static bool has_children(const struct world *world, pid_t pid)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive && world->processes[i].parent == pid)
                        return true;
        return false;
}

static void main_ended(struct world *world, const struct world_process *p, int status)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive && world->processes[i].parent == p->id.pid)
                        world->processes[i].parent = 1;
        if (world->pidfile == p->id.pid && status == 0)
                world->pidfile = 0;
        if (status == 0 && p->ours)
                controller_log(world, SMSD_LOG_MAIN_TERMINATED, 2, -1, p->id.pid, 0);
        promises_main_ended(world, p);
        unit_main_ended(world, p);
}

void smsd_end(struct world *world, struct world_process *p, int status)
{
        struct world_process *parent;

        p->alive = false;
        if (p->hung)
                world->promises.could_send_at = world->now; /* nobody can see that it hangs */
        world_trace(world, "%s %d ends (%d)", p->main ? "main" : "handler", (int)p->id.pid, status);
        tell_exit(world, p, status);
        if (p->main) {
                main_ended(world, p, status);
                return;
        }
        parent = smsd_find(world, p->parent);
        if (!parent || parent->hung)
                return;
        if (parent->terminating)
                world_plan(world, world_chance(world, 100, 3000), HAPPENS_END, (unsigned)parent->id.pid,
                           STATUS_BASE);
        else
                controller_log(world, SMSD_LOG_HANDLER_TERMINATED, 2, (int)p->slot, 0, status);
}

/* How long a handler takes to end after TERM. */
static usec_t ending_time(struct world *world, const struct world_process *p)
{
        int modem = smsd_modem_of(world, p);

        switch (p->state) {
        case PROCESS_DEAD_TTY:
                return world_chance(world, 0, 4 * USEC_PER_SEC);
        case PROCESS_ASKING:
        case PROCESS_POLLING:
                if (modem >= 0 && !modem_answers(world, (unsigned)modem))
                        return world_chance(world, 3 * USEC_PER_SEC, 4 * USEC_PER_SEC);
                break;
        case PROCESS_STARTING:
        case PROCESS_WAITING:
                break;
        }
        return world_chance(world, 100, 30 * USEC_PER_MSEC);
}

static void term_handler(struct world *world, struct world_process *p)
{
        if (p->terminating || p->hung)
                return;
        p->terminating = true;
        if (p->message >= 0 && p->state != PROCESS_DEAD_TTY) {
                world->infofile |= world->messages[p->message].multipart;
                return; /* the PDU goes out first */
        }
        world_plan(world, ending_time(world, p), HAPPENS_END, (unsigned)p->id.pid, STATUS_BASE);
}

static void term_main(struct world *world, struct world_process *p)
{
        if (p->terminating || p->hung)
                return;
        p->terminating = true;
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive && world->processes[i].parent == p->id.pid)
                        term_handler(world, &world->processes[i]);
        if (!has_children(world, p->id.pid))
                world_plan(world, world_chance(world, 100, 30 * USEC_PER_MSEC), HAPPENS_END,
                           (unsigned)p->id.pid, STATUS_BASE);
}

void smsd_kill(struct world *world, pid_t pid, int signal, bool person)
{
        struct world_process *p = smsd_find(world, pid);

        if (!p)
                return;
        world_trace(world, "%s %d gets signal %d from %s", p->main ? "main" : "handler", (int)pid, signal,
                    person ? "somebody" : "us");
        if (signal == SIGTERM) {
                if (p->main)
                        term_main(world, p);
                else
                        term_handler(world, p);
                return;
        }
        messages_cut_off(world, p, person);
        smsd_end(world, p, -signal);
}

void smsd_kill_all(struct world *world, int signal, bool person)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive)
                        smsd_kill(world, world->processes[i].id.pid, signal, person);
}

void smsd_forget_all(struct world *world)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                world->processes[i].alive = false;
        world->pidfile = 0;
        world->infofile = false;
        for (unsigned i = 0; i < WORLD_MESSAGES; i++)
                world->messages[i].excused = true;
}

/* --- the start of a process */

static struct world_process *process_new(struct world *world, pid_t parent)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
                struct world_process *p = &world->processes[i];
                if (p->alive)
                        continue;
                memset(p, 0, sizeof(*p));
                p->alive = true;
                p->id.pid = world->next_pid++;
                p->id.start_time = world_boottime(world) / 10000;
                p->parent = parent;
                p->tty = p->message = -1;
                p->born = world->now;
                return p;
        }
        return NULL;
}

pid_t smsd_start(struct world *world, bool ours, bool person)
{
        struct world_process *p = process_new(world, 1);

        if (!p)
                return 0;
        p->main = true;
        p->ours = ours;
        p->person = person;
        p->slot = WORLD_SLOTS;
        world_trace(world, "smsd %d is started by %s%s", (int)p->id.pid, person ? "somebody" : "us",
                    ours ? "" : " on another smsd.conf");
        if (world->controller.gateway && world->now >= world->controller.opened_lost_until)
                controller_post(world, controller_event(world, EVENT_SMSD_OPENED), 2,
                                world_chance(world, 100, 4000));
        if (ours)
                world_plan(world, world_chance(world, 2 * USEC_PER_MSEC, 9 * USEC_PER_MSEC), HAPPENS_MAIN_UP,
                           (unsigned)p->id.pid, 0);
        return p->id.pid;
}

static void refuse_conf(struct world *world, struct world_process *p)
{
        controller_log(world, SMSD_LOG_CONFIG_REFUSED, 2, -1, 0, 0);
        controller_log(world, SMSD_LOG_MAIN_ABORTED, 2, -1, 0, 0);
        smsd_end(world, p, 1);
}

static void delete_locks(struct world *world, bool person)
{
        unsigned ours = smsd_count_ours(world);

        for (unsigned i = 0; i < WORLD_MESSAGES; i++) {
                world->messages[i].locked_by = 0;
                world->messages[i].excused |= person && ours > 1;
        }
}

static void fork_handler(struct world *world, struct world_process *main, unsigned slot)
{
        struct world_process *p = process_new(world, main->id.pid);

        if (!p)
                return;
        p->ours = true;
        p->unit = main->unit;
        /* Whoever edits the PIN while smsd is started tries it himself: nobody knows which one it read. */
        p->person = main->person || world->now - world->files.pin_edited_at < 50 * USEC_PER_MSEC;
        p->slot = slot;
        (void)text_copy(p->device[0], sizeof(p->device[0]), main->device[slot]);
        (void)text_copy(p->pin[0], sizeof(p->pin[0]), main->pin[slot]);
        controller_log(world, SMSD_LOG_HANDLER_STARTED, 5, (int)slot, p->id.pid, 0);
        world_plan(world, world_chance(world, USEC_PER_MSEC, 20 * USEC_PER_MSEC), HAPPENS_HANDLER_OPEN,
                   (unsigned)p->id.pid, 0);
}

static void main_up(struct world *world, struct world_process *p)
{
        controller_log(world, SMSD_LOG_MAIN_STARTED, 2, -1, 0, 0);
        if (!conf_is_valid(world)) {
                refuse_conf(world, p);
                return;
        }
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (&world->processes[i] != p && world->processes[i].alive && world->processes[i].main &&
                    world->processes[i].ours)
                        world_plan(world, world_chance(world, USEC_PER_MSEC, 10 * USEC_PER_SEC),
                                   HAPPENS_MAIN_CHECK, (unsigned)world->processes[i].id.pid, 0);
        world->pidfile = p->id.pid;
        world->infofile = false;
        delete_locks(world, p->person);
        controller_log(world, SMSD_LOG_MAIN_READY, 5, -1, p->id.pid, 0);
        for (unsigned slot = 0; slot < world->n_slots; slot++) {
                world->status_time[slot] = 0;
                conf_value(world, slot, "device", p->device[slot], sizeof(p->device[slot]));
                conf_value(world, slot, "pin", p->pin[slot], sizeof(p->pin[slot]));
        }
        for (unsigned slot = 0; slot < world->n_slots; slot++)
                fork_handler(world, p, slot);
        messages_wake_senders(world);
}

static void handler_fails(struct world *world, struct world_process *p, enum smsd_log_kind kind, int detail,
                          int status)
{
        controller_log(world, kind, 2, (int)p->slot, 0, detail);
        smsd_end(world, p, status);
}

static void handler_open(struct world *world, struct world_process *p)
{
        int tty = tty_resolve(world, p->device[0]);

        if (tty < 0) {
                p->state = PROCESS_WAITING;
                controller_log(world, SMSD_LOG_CANNOT_OPEN, 3, (int)p->slot, 0, 0);
                world_plan(world, 30 * USEC_PER_SEC, HAPPENS_END, (unsigned)p->id.pid, STATUS_BASE + 127);
                return;
        }
        p->tty = tty;
        p->tty_life = world->ttys[tty].life;
        p->state = PROCESS_ASKING;
        p->asked_since = world->now;
        world_plan(world, world_chance(world, 200 * USEC_PER_MSEC, 1800 * USEC_PER_MSEC),
                   HAPPENS_HANDLER_INIT, (unsigned)p->id.pid, 0);
}

static void ask_later(struct world *world, struct world_process *p)
{
        world_plan(world, 10 * USEC_PER_SEC, HAPPENS_HANDLER_INIT, (unsigned)p->id.pid, 0);
}

static void initialise(struct world *world, struct world_process *p, unsigned modem)
{
        if (world->now < world->modems[modem].unregistered_until) {
                controller_log(world, SMSD_LOG_NOT_REGISTERED, 3, (int)p->slot, 0, 0);
                ask_later(world, p);
                return;
        }
        p->state = PROCESS_POLLING;
        world->status_time[p->slot] = (world->clock + (int64_t)world->now) / 10000000 + 1;
        controller_log(world, SMSD_LOG_INITIALISED, 5, (int)p->slot, 0, 0);
        messages_wake_senders(world);
}

/* CPIN? and what follows from it. */
static void ask_sim(struct world *world, struct world_process *p, unsigned modem)
{
        switch (modem_sim(world, modem)) {
        case SIM_READY:
                initialise(world, p, modem);
                return;
        case SIM_PIN:
                if (p->pin[0][0] == '\0')
                        handler_fails(world, p, SMSD_LOG_PIN_MISSING, 0, 1);
                else if (modem_enter_pin(world, modem, p->pin[0], p->person))
                        initialise(world, p, modem);
                else
                        handler_fails(world, p, SMSD_LOG_PIN_REFUSED, 0, 1);
                return;
        case SIM_PUK:
                handler_fails(world, p, SMSD_LOG_SIM_LOCKED, 0, 1);
                return;
        case SIM_ABSENT:
                handler_fails(world, p, SMSD_LOG_SIM_ERROR, 10, 1);
                return;
        case SIM_BUSY:
        case SIM_FAILURE:
        case SIM_UNKNOWN:
                handler_fails(world, p, SMSD_LOG_SIM_ERROR, 14, 1);
                return;
        }
}

static void handler_init(struct world *world, struct world_process *p)
{
        int modem = smsd_modem_of(world, p);

        if (p->hung || p->terminating || modem < 0 || world->ttys[p->tty].interface < AT_INTERFACE)
                return;
        if (modem_answers(world, (unsigned)modem)) {
                if (p->state == PROCESS_ASKING)
                        ask_sim(world, p, (unsigned)modem);
                return;
        }
        if (p->state == PROCESS_POLLING ||
            (!p->told_timeout && world->now - p->asked_since >= 120 * USEC_PER_SEC)) {
                p->told_timeout = true;
                controller_log(world, SMSD_LOG_TIMEOUT, 3, (int)p->slot, 0, 22);
        }
        ask_later(world, p);
}

static void main_check(struct world *world, struct world_process *p)
{
        if (p->hung || p->terminating || world->pidfile == p->id.pid || !smsd_find(world, world->pidfile))
                return;
        controller_log(world, SMSD_LOG_OTHER_SMSD_RUNNING, 2, -1, world->pidfile, 0);
        term_main(world, p);
}

void smsd_tty_died(struct world *world)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
                struct world_process *p = &world->processes[i];
                if (!p->alive || p->tty < 0 || p->tty_died || tty_is_alive(world, p->tty, p->tty_life))
                        continue;
                p->tty_died = world->now;
                p->state = PROCESS_DEAD_TTY;
                controller_log(world, SMSD_LOG_WRITE_ERROR, 2, (int)p->slot, 0, 5);
                if (p->terminating)
                        world_plan(world, world_chance(world, 0, 4 * USEC_PER_SEC), HAPPENS_END,
                                   (unsigned)p->id.pid, STATUS_BASE);
        }
}

void smsd_happens(struct world *world, const struct happening *happening)
{
        struct world_process *p = smsd_find(world, (pid_t)happening->who);

        if (!p)
                return;
        switch ((enum happening_kind)happening->kind) {
        case HAPPENS_MAIN_UP:
                if (!p->terminating)
                        main_up(world, p);
                break;
        case HAPPENS_MAIN_CHECK:
                main_check(world, p);
                break;
        case HAPPENS_HANDLER_OPEN:
                if (!p->terminating)
                        handler_open(world, p);
                break;
        case HAPPENS_HANDLER_INIT:
                handler_init(world, p);
                break;
        case HAPPENS_HANDLER_PICK:
                messages_pick(world, p);
                break;
        case HAPPENS_PDU_DONE:
                messages_pdu_done(world, p, (int)happening->what);
                break;
        case HAPPENS_END:
        case HAPPENS_OTHER_END:
                if (p->state == PROCESS_WAITING && happening->what == STATUS_BASE + 127)
                        controller_log(world, SMSD_LOG_CANNOT_OPEN, 2, (int)p->slot, 0, 0);
                smsd_end(world, p, (int)happening->what - STATUS_BASE);
                break;
        default:
                break;
        }
}
