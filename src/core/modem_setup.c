/*
 * The talk of core/provision on a modem's port, see core/modem_setup.h.
 */
#include "core/modem_setup.h"

#include "base/text.h"
#include "modem_private.h"

bool modem_setup_has_port(const struct modem *modem)
{
        return modem->setup.phase >= SETUP_OPEN;
}

void modem_setup_want(struct modem *modem, const char *slot, usec_t until, usec_t give_up, usec_t now)
{
        modem_set_state(modem, MODEM_PROBING, "it is new here and is to be set up ([provision])");
        (void)text_copy(modem->setup.slot, sizeof(modem->setup.slot), slot);
        modem->setup.phase = SETUP_ASKING;
        modem->setup.until = until;
        modem->give_up = give_up;
        if (until == 0)
                modem_setup_go(modem, now);
}

void modem_setup_go(struct modem *modem, usec_t now)
{
        modem->setup.phase = SETUP_DUE;
        modem->retry_at = now;
}

static void send_output(struct modem *modem, unsigned index, struct action_list *actions)
{
        char output[PROVISION_OUTPUT_MAX];
        size_t length = provision_output(&modem->setup.dialogue, output, sizeof(output));

        action_port_write(actions, index, modem->generation, output, length);
}

int modem_setup_begin(struct modem *modem, unsigned index, const struct provision_job *job, usec_t give_up,
                      usec_t now, struct action_list *actions)
{
        int r = provision_start(&modem->setup.dialogue, job, now, give_up);

        if (r < 0)
                return r;
        modem->setup.phase = SETUP_TALKING;
        (void)text_copy(modem->reason, sizeof(modem->reason), "it is being set up ([provision])");
        send_output(modem, index, actions);
        return 0;
}

void modem_setup_receive(struct modem *modem, unsigned index, const char *data, size_t size, usec_t now,
                         struct action_list *actions)
{
        if (modem->setup.phase != SETUP_TALKING)
                return;
        provision_receive(&modem->setup.dialogue, data, size, now);
        send_output(modem, index, actions);
}

void modem_setup_tick(struct modem *modem, unsigned index, usec_t now, struct action_list *actions)
{
        if (modem->setup.phase != SETUP_TALKING || now < provision_deadline(&modem->setup.dialogue))
                return;
        provision_tick(&modem->setup.dialogue, now);
        send_output(modem, index, actions);
}

void modem_setup_reset(struct modem *modem, unsigned index, usec_t now, struct action_list *actions)
{
        modem->setup.phase = SETUP_TALKING;
        provision_reset(&modem->setup.dialogue, now);
        send_output(modem, index, actions);
}

void modem_setup_end(struct modem *modem, unsigned index, usec_t probe_at, struct action_list *actions)
{
        modem->setup.phase = SETUP_NONE;
        modem_close_port(modem, index, actions);
        if (!modem_present(modem))
                return;
        if (probe_at == 0) {
                modem_set_state(modem, MODEM_READY, "");
                return;
        }
        modem->give_up = usec_add(probe_at, modem->boot_timeout);
        modem_begin_probing(modem, probe_at);
}

usec_t modem_setup_deadline(const struct modem *modem)
{
        const struct modem_setup *setup = &modem->setup;

        switch (setup->phase) {
        case SETUP_ASKING:
        case SETUP_WAITING:
        case SETUP_SAVING:
                return setup->until;
        case SETUP_TALKING:
                return provision_deadline(&setup->dialogue);
        case SETUP_NONE:
        case SETUP_DUE:
        case SETUP_OPEN:
                break;
        }
        return USEC_INFINITY;
}

void modem_setup_lost(struct modem *modem)
{
        switch (modem->setup.phase) {
        case SETUP_OPEN:
                modem->setup.phase = SETUP_NONE;
                break;
        case SETUP_TALKING:
        case SETUP_WAITING:
        case SETUP_SAVING:
                modem->setup.phase = SETUP_TALKING; /* its end is seen by who looks at the verdict */
                provision_port_lost(&modem->setup.dialogue);
                break;
        case SETUP_NONE:
        case SETUP_ASKING:
        case SETUP_DUE:
                break;
        }
}

void modem_setup_drop(struct modem *modem)
{
        if (modem->setup.phase < SETUP_OPEN)
                modem->setup.phase = SETUP_NONE;
}
