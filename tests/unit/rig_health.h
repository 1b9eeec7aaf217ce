/*
 * The second port of the rig's modem, for the look at its health: who has it open, what it answers; and what
 * is counted of it.
 */
#ifndef TESTS_UNIT_RIG_HEALTH_H
#define TESTS_UNIT_RIG_HEALTH_H

#include "base/text.h"
#include "core/event.h"

#include <errno.h>
#include <string.h>

struct rig_health {
        const char *creg; /* what it answers to AT+CREG? and AT+CEREG?; NULL: registered */
        bool silent;      /* it alone says nothing */
        bool echo;        /* it is on when the port is opened */
        int stored;       /* messages in its memory of 255 places, */
        int unread;       /* of them not read */
        struct port_holder holder, spare_holder; /* who but smsd has smsd's port, the second port open */
        unsigned looks, writes, deletions;
};

static inline void rig_health_opened(struct rig_health *health, struct event *event)
{
        health->looks++;
        if (health->spare_holder.id.pid == 0)
                return;
        event->port.result = -EBUSY;
        event->port.holder = health->spare_holder;
}

static inline void rig_health_holder(const struct rig_health *health, const struct action *action,
                                     struct event *event)
{
        event->holder.modem = action->port.modem;
        event->holder.result = health->holder.id.pid ? 0 : 1;
        event->holder.holder = health->holder;
}

/* What the second port alone is asked, or answers in another way; "" nothing of that. */
static inline void rig_health_answer(struct rig_health *health, const char *command, bool spare, char *text,
                                     size_t size)
{
        text[0] = '\0';
        if (health->creg && (text_equal(command, "AT+CREG?") || text_equal(command, "AT+CEREG?")))
                (void)text_format(text, size, "\r\n+%.*s: %s\r\n\r\nOK\r\n", (int)strlen(command) - 4,
                                  command + 3, health->creg);
        if (!spare)
                return;
        health->writes++;
        if (text_equal(command, "ATE0") && health->echo)
                (void)text_copy(text, size, "ATE0\r\r\nOK\r\n");
        if (text_equal(command, "AT+CSQ"))
                (void)text_copy(text, size, "\r\n+CSQ: 28,99\r\n\r\nOK\r\n");
        if (text_equal(command, "AT+CPMS?"))
                (void)text_format(text, size,
                                  "\r\n+CPMS: \"ME\",%d,255,\"ME\",%d,255,\"ME\",%d,255\r\n\r\nOK\r\n",
                                  health->stored, health->stored, health->stored);
        if (text_equal(command, "AT+CMGD=1,1")) {
                health->deletions++;
                health->stored = health->unread;
        }
}

#endif
