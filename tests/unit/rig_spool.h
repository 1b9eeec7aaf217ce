/*
 * The rig's spool, see rig.h: what was told, in order, and the book, by the rules of the real one - a message
 * above the book's last counts as told, or ended, in the next life.
 */
#ifndef TESTS_UNIT_RIG_SPOOL_H
#define TESTS_UNIT_RIG_SPOOL_H

#include "base/text.h"
#include "core/action.h"
#include "core/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define RIG_MESSAGES 512

struct rig_message {
        struct alert alert;
        uint64_t sequence;
        usec_t at;
};

struct rig_spool {
        int result, save_result; /* of the next messages, of the next savings */
        unsigned n;
        struct rig_message messages[RIG_MESSAGES];
        uint64_t sequence;
        unsigned n_open;
        struct {
                struct alert alert;
                bool told;
        } open[ALERTS_MAX];
        struct alert_sms sms;
        uint64_t book_sequence;
};

static inline void rig_spool_write(struct rig_spool *spool, const struct action *action, usec_t now,
                                   struct event *event)
{
        const struct alert *alert = action->alert.alert;

        (void)text_copy(event->spooled.key, sizeof(event->spooled.key), alert->key);
        event->spooled.generation = action->alert.generation;
        event->spooled.result = spool->result;
        if (spool->result < 0)
                return;
        event->spooled.sequence = ++spool->sequence;
        assert_true(spool->n < RIG_MESSAGES);
        spool->messages[spool->n++] =
            (struct rig_message){.alert = *alert, .sequence = spool->sequence, .at = now};
}

static inline void rig_spool_save(struct rig_spool *spool, const struct alert_book *book)
{
        if (spool->save_result < 0)
                return;
        spool->n_open = 0;
        for (unsigned i = 0; i < book->n; i++)
                if (book->entries[i].used) {
                        spool->open[spool->n_open].alert = book->entries[i].alert;
                        spool->open[spool->n_open++].told = book->entries[i].told;
                }
        spool->sms = book->sms;
        spool->book_sequence = spool->sequence;
}

static inline bool rig_is_momentary(enum alert_kind kind)
{
        return kind == ALERT_TEST || kind == ALERT_MESSAGE_FAILED || kind == ALERT_MODEM_CHANGED ||
               kind == ALERT_PROVISION_FAILED;
}

/* What lies in the spool behind the book is put into it. */
static inline void rig_spool_open(struct rig_spool *spool)
{
        for (unsigned m = 0; m < spool->n; m++) {
                const struct rig_message *message = &spool->messages[m];
                if (message->sequence <= spool->book_sequence)
                        continue;
                alert_sms_note(&spool->sms, &message->alert, message->sequence, 0);
                unsigned i = 0;
                while (i < spool->n_open && !text_equal(spool->open[i].alert.key, message->alert.key))
                        i++;
                if (message->alert.state == ALERT_RESOLVED || rig_is_momentary(message->alert.kind)) {
                        if (i < spool->n_open)
                                spool->open[i] = spool->open[--spool->n_open];
                        continue;
                }
                spool->n_open += i == spool->n_open;
                spool->open[i].alert = message->alert;
                spool->open[i].told = true;
        }
        spool->book_sequence = spool->sequence;
}

/* For whoever looks for what went wrong. */
static inline void rig_spool_print(const struct rig_spool *spool)
{
        for (unsigned i = 0; i < spool->n; i++) {
                const struct alert *alert = &spool->messages[i].alert;
                print_message("%8.3f %s %s %s %u/%u: %s | %s | %s\n", (double)spool->messages[i].at / 1e6,
                              alert_state_to_string(alert->state), severity_to_string(alert->severity),
                              alert->key, alert->count, alert->told, alert->summary, alert->evidence,
                              alert->next_action);
        }
}

/* How many messages of this kind and state were told. */
static inline unsigned rig_told(const struct rig_spool *spool, enum alert_kind kind, enum alert_state state)
{
        unsigned n = 0;

        for (unsigned i = 0; i < spool->n; i++)
                n += spool->messages[i].alert.kind == kind && spool->messages[i].alert.state == state;
        return n;
}

static inline unsigned rig_fired(const struct rig_spool *spool, enum alert_kind kind)
{
        return rig_told(spool, kind, ALERT_FIRING);
}

static inline unsigned rig_resolved(const struct rig_spool *spool, enum alert_kind kind)
{
        return rig_told(spool, kind, ALERT_RESOLVED);
}

/* The last message of this kind. */
static inline const struct rig_message *rig_last(const struct rig_spool *spool, enum alert_kind kind)
{
        for (unsigned i = spool->n; i-- > 0;)
                if (spool->messages[i].alert.kind == kind)
                        return &spool->messages[i];
        fail_msg("nothing was told of %s", alert_kind_to_string(kind));
        return NULL;
}

#endif
