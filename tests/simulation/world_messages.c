/*
 * The queue of messages in smsd's spool: a file is locked by the handler that sends it, a new main process
 * deletes all locks, and a PDU that the modem has cannot be taken back. So whoever kills or starts at the
 * wrong moment sends twice.
 */
#include "world.h"

static bool message_waits(const struct world *world, int *ret_index)
{
        for (int i = 0; i < WORLD_MESSAGES; i++)
                if (world->messages[i].used && world->messages[i].locked_by == 0) {
                        *ret_index = i;
                        return true;
                }
        return false;
}

void messages_wake_senders(struct world *world)
{
        int waiting;

        if (!message_waits(world, &waiting))
                return;
        for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
                struct world_process *p = &world->processes[i];
                if (!p->picking && p->message < 0 && !p->terminating && smsd_process_can_send(world, p)) {
                        p->picking = true;
                        world_plan(world, world_chance(world, 10 * USEC_PER_MSEC, 10 * USEC_PER_SEC),
                                   HAPPENS_HANDLER_PICK, (unsigned)p->id.pid, 0);
                }
        }
}

static bool is_referred_to(const struct world *world, int message)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive && world->processes[i].message == message)
                        return true;
        return false;
}

void smsd_messages(struct world *world, unsigned n, bool multipart)
{
        for (int i = 0; i < WORLD_MESSAGES && n > 0; i++) {
                if (world->messages[i].used || is_referred_to(world, i))
                        continue;
                world->messages[i] =
                    (struct world_message){.used = true, .parts = multipart ? 4 : 1, .multipart = multipart};
                multipart = false;
                n--;
        }
        messages_wake_senders(world);
}

static void plan_pdu(struct world *world, const struct world_process *p)
{
        int modem = smsd_modem_of(world, p);
        bool slow = modem >= 0 && world->now < world->modems[modem].slow_until;
        usec_t in = slow ? world_chance(world, 10 * USEC_PER_SEC, 57 * USEC_PER_SEC)
                         : world_chance(world, 2 * USEC_PER_SEC, 6 * USEC_PER_SEC);

        world_plan(world, in, HAPPENS_PDU_DONE, (unsigned)p->id.pid, (unsigned)p->message);
}

void messages_pick(struct world *world, struct world_process *p)
{
        int message;

        p->picking = false;
        if (p->terminating || p->message >= 0 || !smsd_process_can_send(world, p) ||
            !message_waits(world, &message))
                return;
        p->message = message;
        world->messages[message].locked_by = p->id.pid;
        plan_pdu(world, p);
}

static void message_done(struct world *world, struct world_process *p, bool sent)
{
        struct world_message *message = &world->messages[p->message];

        world->infofile = false;
        message->used = false;
        message->locked_by = 0;
        p->message = -1;
        if (sent) {
                message->copies++;
                promises_sent(world, message);
        }
        controller_log(world, sent ? SMSD_LOG_SENT : SMSD_LOG_SEND_FAILED, 5, (int)p->slot, 0, 0);
        if (p->terminating)
                smsd_end(world, p, 0);
        else
                messages_wake_senders(world);
}

void messages_pdu_done(struct world *world, struct world_process *p, int index)
{
        struct world_message *message = &world->messages[index];
        int modem = smsd_modem_of(world, p);

        if (p->message != index || p->state == PROCESS_DEAD_TTY)
                return;
        if (modem < 0 || !modem_answers(world, (unsigned)modem)) {
                message_done(world, p, false);
                return;
        }
        if (message->parts > 1) {
                message->parts--;
                world->infofile = p->terminating;
                plan_pdu(world, p);
                return;
        }
        world->infofile = false;
        message_done(world, p, true);
}

/* The modem has the PDU already; the file is still there: whoever takes it next sends it again. */
void messages_cut_off(struct world *world, struct world_process *p, bool excused)
{
        int modem = smsd_modem_of(world, p);

        if (p->message < 0 || modem < 0 || !modem_answers(world, (unsigned)modem))
                return;
        struct world_message *message = &world->messages[p->message];
        message->excused |= excused;
        if (message->used)
                message->copies++;
        world_trace(world, "pid %d is killed while it sends message %d", (int)p->id.pid, p->message);
}
