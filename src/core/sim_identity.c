/*
 * The same modem and SIM, or new ones, see core/sim_identity.h.
 */
#include "core/sim_identity.h"

#include "base/text.h"

#include <string.h>

#define IMEI_COMPARED 14
#define SCOPE_BOTH    (PROVISION_SCOPE_MODEM | PROVISION_SCOPE_SIM)

void identity_memory_init(struct identity_memory *memory)
{
        *memory = (struct identity_memory){0};
}

static bool is_imei(const char *imei)
{
        return strlen(imei) >= IMEI_COMPARED;
}

static bool same_imei(const char *a, const char *b)
{
        return strncmp(a, b, IMEI_COMPARED) == 0;
}

bool identity_pin_is_valid(const char *imei)
{
        return strlen(imei) == 15 && text_only(imei, "0123456789", 15);
}

enum identity identity_judge(const struct identity_memory *memory, const char *pinned, const char *imei,
                             const char *imsi)
{
        if (!is_imei(imei))
                return IDENTITY_UNKNOWN;
        if (pinned[0] && !same_imei(pinned, imei))
                return IDENTITY_STRANGE;
        if (memory->imei[0] == '\0')
                return IDENTITY_FIRST;
        bool new_sim = imsi[0] && !text_equal(imsi, memory->imsi);
        if (!same_imei(memory->imei, imei))
                return new_sim ? IDENTITY_NEW_BOTH : IDENTITY_NEW_MODEM;
        return new_sim ? IDENTITY_NEW_SIM : IDENTITY_SAME;
}

static unsigned scope_of(enum identity identity)
{
        switch (identity) {
        case IDENTITY_UNKNOWN:
        case IDENTITY_STRANGE:
        case IDENTITY_SAME:
                return 0;
        case IDENTITY_NEW_SIM:
                return PROVISION_SCOPE_SIM;
        case IDENTITY_FIRST:
        case IDENTITY_NEW_MODEM:
        case IDENTITY_NEW_BOTH:
                return SCOPE_BOTH;
        }
        return 0;
}

void identity_accept(struct identity_memory *memory, enum identity identity, const char *imei,
                     const char *imsi)
{
        unsigned scope = scope_of(identity);

        if (scope == 0)
                return;
        bool new_modem = scope & PROVISION_SCOPE_MODEM;
        if (new_modem)
                memory->reset_due = 0;
        memory->open |= scope;
        memory->attempts = 0;
        memory->reset_spent = false;
        (void)text_copy(memory->imei, sizeof(memory->imei), imei); /* fit: both come from modem_facts */
        if (new_modem || imsi[0])
                (void)text_copy(memory->imsi, sizeof(memory->imsi), imsi);
}

unsigned identity_due(const struct identity_memory *memory)
{
        unsigned open = memory->open;

        /* What belongs to a SIM alone waits until there is one. */
        if (memory->imsi[0] == '\0')
                open &= PROVISION_SCOPE_MODEM;
        return memory->attempts < IDENTITY_ATTEMPTS_MAX ? open : 0;
}

void identity_begin(struct identity_memory *memory, struct provision_job *job)
{
        job->scope = identity_due(memory);
        memcpy(job->imei, memory->imei, sizeof(job->imei));
        memcpy(job->imsi, memory->imsi, sizeof(job->imsi));
        job->may_reset = !memory->reset_spent;
        job->reset_owed = (memory->attempts > 0 || memory->reset_due) && !memory->reset_spent;
        memory->reset_due = 0; /* from here on the attempt says so */
        memory->attempts++;
}

void identity_spend_reset(struct identity_memory *memory)
{
        memory->reset_spent = true;
        memory->reset_due = 0;
}

void identity_postpone_reset(struct identity_memory *memory)
{
        memory->reset_due |= memory->open;
}

void identity_reopen(struct identity_memory *memory)
{
        memory->open |= memory->reset_due;
        memory->attempts = 0;
}

bool identity_has_restarted(struct identity_memory *memory)
{
        if (memory->reset_due == 0)
                return false;
        memory->reset_due = 0;
        return true;
}

void identity_finish(struct identity_memory *memory, enum provision_verdict verdict, bool sim_too)
{
        if (verdict == PROVISION_DONE)
                memory->open = sim_too ? 0 : memory->open & PROVISION_SCOPE_SIM;
}

bool identity_give_up(struct identity_memory *memory)
{
        if (memory->open == 0 || memory->attempts < IDENTITY_ATTEMPTS_MAX)
                return false;
        memory->open = 0;
        return true;
}
