/*
 * One AT command for a ladder, on the port that smsd has let go of, or on its spare port beside it: opened,
 * asked, closed. Whoever answers at all has answered; what the answer is worth depends on the command.
 */
#include "gateway_private.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define TAKEN_TIME (15 * USEC_PER_MIN)

static void close_port(struct recovery_at *at, struct action_list *actions)
{
        if (at->opening || at->open)
                (void)action_port(actions, ACTION_PORT_CLOSE, at->modem, at->generation, "");
        at->opening = at->open = false;
        at->until = USEC_INFINITY;
}

static void end(struct gateway *gateway, struct recovery *recovery, int result, struct action_list *actions)
{
        close_port(&recovery->at, actions);
        recovery_at_done(gateway, recovery, result);
}

void recovery_at_begin(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                       const struct ladder_order *order, struct action_list *actions)
{
        const struct modem *known = recovery_modem(gateway, slot);
        const char *spare = known ? gateway_spare_port(gateway, slot, known) : NULL;
        /* Somebody may have started smsd in the middle of a step: what was begun is brought to its end beside
         * it, for the radio must not stay off. */
        bool smsd = gateway->smsd.running || gateway->smsd.n_strays > 0; /* an orphan has its port, too */
        bool beside = spare && (!recovery->ladder.exclusive || smsd);
        const char *node = beside ? spare : known ? known->node : "";

        if (node[0] == '\0' || (smsd && !beside)) {
                recovery_at_done(gateway, recovery, node[0] ? -EBUSY : -ENODEV);
                return;
        }
        unsigned index = (unsigned)(known - gateway->modems);
        struct modem *modem = &gateway->modems[index];
        modem_interrupt(modem, index, gateway->now, actions);
        gateway_look_interrupt(gateway, index, actions);
        recovery->at = (struct recovery_at){.opening = true,
                                            .spare = beside,
                                            .modem = index,
                                            .generation = ++modem->generation,
                                            .until = usec_add(gateway->now, order->timeout)};
        at_parser_init(&recovery->at.parser);
        (void)text_format(recovery->at.command, sizeof(recovery->at.command), "%s\r", order->at);
        struct action *action = action_port(actions, ACTION_PORT_OPEN, index, modem->generation, node);
        if (beside)
                (void)text_copy(action->port.avoid, sizeof(action->port.avoid), modem->node);
}

void recovery_at_time(struct gateway *gateway, struct recovery *recovery, struct action_list *actions)
{
        if ((recovery->at.opening || recovery->at.open) && recovery->at.until <= gateway->now)
                end(gateway, recovery, -ETIMEDOUT, actions);
}

static void opened(struct gateway *gateway, struct recovery *recovery, int result,
                   struct action_list *actions)
{
        struct recovery_at *at = &recovery->at;

        at->opening = false;
        /* A person with a terminal program: not to be reset under their hands. On the modem port it may be
         * anybody for days (pppd): then the AT port is asked. */
        if (result == -EBUSY && at->spare)
                recovery->spare_taken_until = usec_add(gateway->now, TAKEN_TIME);
        else if (result == -EBUSY)
                recovery->taken_until = usec_add(gateway->now, TAKEN_TIME);
        if (result < 0) {
                end(gateway, recovery, result, actions);
                return;
        }
        at->open = true;
        action_port_write(actions, at->modem, at->generation, at->command, strlen(at->command));
}

/* 1: it is no final result; else the command's. Plain AT asks for any answer. */
static int judge_line(const struct recovery_at *at, const struct at_line *line)
{
        bool answer_counts = text_equal(at->command, "AT\r");

        switch (line->kind) {
        case AT_LINE_OK:
                return 0;
        case AT_LINE_ERROR:
        case AT_LINE_CME_ERROR:
        case AT_LINE_CMS_ERROR:
                return answer_counts ? 0 : -EPROTO;
        case AT_LINE_ECHO:
        case AT_LINE_URC:
        case AT_LINE_NMEA:
        case AT_LINE_TEXT:
                break;
        }
        return 1;
}

static void receive(struct gateway *gateway, struct recovery *recovery, const struct port_event *port,
                    struct action_list *actions)
{
        struct recovery_at *at = &recovery->at;
        struct at_line line;
        bool ready;

        for (size_t done = 0; done < port->length && at->open;) {
                ready = false;
                done += at_parser_feed(&at->parser, port->data + done, port->length - done, &line, &ready);
                int r = ready ? judge_line(at, &line) : 1;
                if (r <= 0)
                        end(gateway, recovery, r, actions);
        }
}

static struct recovery *find_asking(struct gateway *gateway, const struct port_event *port)
{
        for (unsigned i = 0; i < gateway->recovery.n; i++) {
                struct recovery_at *at = &gateway->recovery.items[i].at;
                if ((at->opening || at->open) && at->modem == port->modem &&
                    at->generation == port->generation)
                        return &gateway->recovery.items[i];
        }
        return NULL;
}

bool gateway_recovery_port_event(struct gateway *gateway, const struct event *event,
                                 struct action_list *actions)
{
        struct recovery *recovery = find_asking(gateway, &event->port);

        if (!recovery)
                return false;
        if (event->kind == EVENT_PORT_OPENED && recovery->at.opening)
                opened(gateway, recovery, event->port.result, actions);
        else if (event->kind == EVENT_PORT_DATA && recovery->at.open)
                receive(gateway, recovery, &event->port, actions);
        else if (event->kind == EVENT_PORT_CLOSED)
                end(gateway, recovery, -EIO, actions);
        return true;
}
