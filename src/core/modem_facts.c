/*
 * The empty set of facts and the words for its enumerations, see core/modem_facts.h. How an answer becomes a
 * fact is in at_answers.c.
 */
#include "core/modem_facts.h"

#include "base/text.h"

#include <errno.h>

static const char *const sim_states[] = {
    [SIM_UNKNOWN] = "unknown", [SIM_READY] = "ready", [SIM_PIN] = "pin",         [SIM_PUK] = "puk",
    [SIM_ABSENT] = "absent",   [SIM_BUSY] = "busy",   [SIM_FAILURE] = "failure",
};

static const char *const registrations[] = {
    [REGISTRATION_UNKNOWN] = "unknown", [REGISTRATION_NONE] = "none",
    [REGISTRATION_HOME] = "home",       [REGISTRATION_SEARCHING] = "searching",
    [REGISTRATION_DENIED] = "denied",   [REGISTRATION_ROAMING] = "roaming",
};

void modem_facts_init(struct modem_facts *facts)
{
        *facts = (struct modem_facts){
            .pin_attempts = -1,
            .storage_used = -1,
            .storage_total = -1,
            .functionality = -1,
            .init_status = -1,
        };
}

const char *sim_state_to_string(enum sim_state state)
{
        return (size_t)state < ARRAY_SIZE(sim_states) ? sim_states[state] : sim_states[SIM_UNKNOWN];
}

const char *registration_to_string(enum registration value)
{
        return (size_t)value < ARRAY_SIZE(registrations) ? registrations[value]
                                                         : registrations[REGISTRATION_UNKNOWN];
}

int sim_state_from_string(const char *text, enum sim_state *ret_state)
{
        for (size_t i = 0; i < ARRAY_SIZE(sim_states); i++)
                if (text_equal(text, sim_states[i])) {
                        *ret_state = (enum sim_state)i;
                        return 0;
                }
        return -EINVAL;
}
