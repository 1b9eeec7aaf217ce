/*
 * Who runs on the box: as a scan of /proc and stats/status show it to the controller, and as it really is for
 * the promises.
 */
#include "world.h"

#include "base/text.h"

#include <string.h>

struct world_process *smsd_find(struct world *world, pid_t pid)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive && world->processes[i].id.pid == pid)
                        return &world->processes[i];
        return NULL;
}

struct world_process *smsd_main(struct world *world)
{
        struct world_process *found = NULL;

        for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
                struct world_process *p = &world->processes[i];
                if (p->alive && p->main && p->ours && (!found || p->born > found->born))
                        found = p;
        }
        return found;
}

struct world_process *smsd_handler(struct world *world, unsigned index)
{
        struct world_process *found = NULL;

        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive && !world->processes[i].main) {
                        found = &world->processes[i];
                        if (index-- == 0)
                                break;
                }
        return found;
}

unsigned smsd_count_ours(const struct world *world)
{
        unsigned n = 0;

        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                n += world->processes[i].alive && world->processes[i].ours;
        return n;
}

bool smsd_holds_tty(const struct world *world, int tty, unsigned life, struct port_holder *ret_holder)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
                const struct world_process *p = &world->processes[i];
                if (!p->alive || p->tty < 0 || p->tty != tty || p->tty_life != life)
                        continue;
                *ret_holder = (struct port_holder){.id = p->id, .command = "smsd"};
                return true;
        }
        return false;
}

int smsd_modem_of(const struct world *world, const struct world_process *p)
{
        return tty_is_alive(world, p->tty, p->tty_life) ? world->ttys[p->tty].modem : -1;
}

bool smsd_process_can_send(const struct world *world, const struct world_process *p)
{
        int modem = smsd_modem_of(world, p);

        return p->alive && p->ours && !p->main && !p->hung && p->state == PROCESS_POLLING && modem >= 0 &&
               modem_answers(world, (unsigned)modem) && modem_sim(world, (unsigned)modem) == SIM_READY;
}

bool smsd_can_send(const struct world *world, unsigned slot)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
                const struct world_process *p = &world->processes[i];
                if (p->slot == slot && !p->terminating && smsd_process_can_send(world, p))
                        return true;
        }
        return false;
}

void smsd_picture(struct world *world, struct process_list *list)
{
        list->n = 0;
        list->truncated = false;
        for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
                struct world_process *p = &world->processes[i];
                if (!p->alive)
                        continue;
                struct smsd_process *to = &list->processes[list->n++];
                p->watched = true;
                to->id = p->id;
                to->parent = p->parent;
                to->group = p->main ? p->id.pid : p->parent;
                to->ours = p->ours;
                to->in_pidfile = p->ours && world->pidfile == p->id.pid;
                to->tty_deleted = p->tty >= 0 && !tty_is_alive(world, p->tty, p->tty_life);
                to->tty[0] = '\0';
                if (p->tty >= 0)
                        (void)text_format(to->tty, sizeof(to->tty), "/dev/ttyUSB%d", p->tty);
        }
}

void smsd_status(struct world *world, struct smsd_status *status)
{
        status->n = world->n_slots;
        for (unsigned s = 0; s < world->n_slots; s++) {
                struct smsd_status_modem *to = &status->modems[s];
                memset(to, 0, sizeof(*to));
                (void)text_format(to->name, sizeof(to->name), "GSM%u", s + 1);
                to->state = world->status_time[s] ? HANDLER_IDLE : HANDLER_UNKNOWN;
                for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
                        const struct world_process *p = &world->processes[i];
                        if (p->slot != s || !smsd_process_can_send(world, p))
                                continue;
                        world->status_time[s] = (world->clock + (int64_t)world->now) / 10000000 + 1;
                        to->state = p->message >= 0 ? HANDLER_SENDING : HANDLER_IDLE;
                }
                to->since_realtime = world->status_time[s] * 10;
                (void)text_format(to->since_text, sizeof(to->since_text),
                                  world->status_time[s] ? "%lld" : "-", (long long)world->status_time[s]);
        }
}
