/*
 * [provision]: a new modem, or a new SIM, is given the settings that are asked for, before smsd is started on
 * it and at most once for each change (of the modem, of the SIM, of [provision] itself). Level-triggered,
 * from what the slot's record says is still open:
 *
 *   - due: the modem is READY, nobody uses it, and its change is open: its port is taken in the probe's place
 *   - begun: the attempt is in the record before the first byte goes out
 *   - reset due: gateway_setup_reset.c
 *   - over: recorded; what failed is alerted; the change is closed, or tried again (core/sim_identity)
 *
 * Asks for APNs and for the disk by actions; the talk itself is core/modem_setup's.
 */
#include "gateway_setup.h"

#include "base/text.h"
#include "gateway_private.h"

#define TALK_TIME  USEC_PER_MIN
#define ASK_TIME   (5 * USEC_PER_SEC)  /* the database, the disk */
#define RESET_TIME (10 * USEC_PER_SEC) /* a modem that restarts may answer for a while before it goes */
#define BACK_TIME  USEC_PER_MIN        /* AT+CFUN=1,1: back after 10 to 20 s */

static void save(struct slot *slot, const struct identity_memory *memory, struct action_list *actions)
{
        gateway_identity_enter(&slot->record, memory);
        gateway_save_slot(slot, actions);
}

/* --- due --- */

static bool may_be_set_up(const struct gateway *gateway, const struct slot *slot)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);

        if (gateway->config.mode == MODE_OBSERVE || restart_busy(&gateway->restart) || slot->pass_guard)
                return false;
        /* Without its SIM half of it could not be set, and a SIM that wants its PIN is smsd's to unlock. */
        return modem && modem->state == MODEM_READY && !modem->in_use && !modem->distrusted &&
               modem->facts.sim == SIM_READY && modem->facts.imei[0] && !slot_refuses(slot, modem);
}

/* What is asked for by now was not asked for when this modem and SIM were set up. */
static void open_when_asked_anew(const struct gateway *gateway, struct slot *slot,
                                 struct action_list *actions)
{
        uint64_t asked = config_provision_hash(&gateway->config.provision.config);

        if (slot->record.setup_asked == asked)
                return;
        slot->record.setup_asked = asked;
        slot->record.setup_open = PROVISION_SCOPE_MODEM | PROVISION_SCOPE_SIM;
        slot->record.setup_attempts = 0;
        slot->record.setup_reset_spent = false;
        gateway_save_slot(slot, actions);
}

static void give_up(struct slot *slot, struct identity_memory *memory, struct action_list *actions)
{
        if (!identity_give_up(memory))
                return;
        save(slot, memory, actions);
        action_record(
            actions, RECORD_PROVISION_FAILED, SEVERITY_WARNING, slot->config.name,
            "the settings of [provision] were not all made in %s: each of %d attempts was cut short; "
            "smsd is started all the same",
            slot->config.name, IDENTITY_ATTEMPTS_MAX);
}

/* Home is whose SIM it is; abroad the network's name is another operator's. */
static void ask_for_apn(const struct modem *modem, const struct identity_memory *memory,
                        struct action_list *actions)
{
        struct action *action = action_push(actions, ACTION_APN_FIND);

        (void)text_copy(action->apn.imsi, sizeof(action->apn.imsi), memory->imsi);
        if (modem->facts.registration == REGISTRATION_HOME)
                (void)text_copy(action->apn.provider, sizeof(action->apn.provider),
                                modem->facts.operator_name);
}

static void begin_when_due(struct gateway *gateway, struct slot *slot, struct action_list *actions)
{
        const struct provision_config *config = &gateway->config.provision.config;

        if (provision_config_is_empty(config) || !may_be_set_up(gateway, slot))
                return;
        struct modem *modem = &gateway->modems[slot->modem];
        open_when_asked_anew(gateway, slot, actions);
        struct identity_memory memory = gateway_identity_of(slot);
        give_up(slot, &memory, actions);
        if (identity_due(&memory) == 0)
                return;
        bool asks = config->apn_mode == PROVISION_APN_AUTO && memory.imsi[0];
        modem->setup.dialogue.job = (struct provision_job){.config = *config};
        modem_setup_want(modem, slot->config.name, asks ? usec_add(gateway->now, ASK_TIME) : 0,
                         usec_add(gateway->now, TALK_TIME), gateway->now);
        if (asks)
                ask_for_apn(modem, &memory, actions);
}

static void take_apn(struct gateway *gateway, const struct apn_event *apn)
{
        for (unsigned i = 0; i < gateway->n_modems; i++) {
                struct modem *modem = &gateway->modems[i];
                const struct slot *slot = slots_find(&gateway->slots, modem->setup.slot);
                struct provision_job *job = &modem->setup.dialogue.job;
                if (modem->setup.phase != SETUP_ASKING || !slot || !text_equal(slot->record.imsi, apn->imsi))
                        continue;
                (void)text_copy(job->apn, sizeof(job->apn), apn->apn);
                (void)text_copy(job->apn_why, sizeof(job->apn_why), apn->why);
                modem_setup_go(modem, gateway->now);
        }
}

/* --- begun --- */

static void begin(struct gateway *gateway, unsigned i, struct slot *slot, struct action_list *actions)
{
        struct modem *modem = &gateway->modems[i];
        struct identity_memory memory = gateway_identity_of(slot);
        struct provision_job job = modem->setup.dialogue.job;

        if (identity_due(&memory) == 0) {
                modem_setup_end(modem, i, gateway->now, actions);
                return;
        }
        modem->setup.told_due = memory.reset_due != 0;
        identity_begin(&memory, &job);
        job.may_reset &= gateway->config.provision.reset;
        save(slot, &memory, actions);
        if (modem_setup_begin(modem, i, &job, usec_add(gateway->now, TALK_TIME), gateway->now, actions) < 0)
                modem_setup_end(modem, i, gateway->now, actions);
}

/* --- over --- */

static void tell_end(const struct slot *slot, const struct provision_dialogue *dialogue,
                     struct action_list *actions)
{
        char text[ACTION_MESSAGE_MAX - 64];
        bool refused = dialogue->reset == PROVISION_RESET_REFUSED;
        bool done = dialogue->verdict == PROVISION_DONE;

        (void)provision_to_text(dialogue, text, sizeof(text));
        if (done && text[0] == '\0')
                return; /* nothing of it is asked for */
        if (!done)
                /* Tried again; what three attempts do not bring is alerted. */
                action_record(actions, RECORD_PROVISION_FAILED, SEVERITY_INFO, slot->config.name,
                              "%s: %s%s%s", slot->config.name,
                              provision_verdict_to_sentence(dialogue->verdict), text[0] ? " " : "", text);
        else if (provision_is_complete(dialogue) && !refused)
                action_record(actions, RECORD_PROVISIONED, SEVERITY_INFO, slot->config.name,
                              "%s was set up: %s", slot->config.name, text);
        else
                action_record(actions, RECORD_PROVISION_FAILED, SEVERITY_WARNING, slot->config.name,
                              "not all settings of [provision] could be made in %s: %s", slot->config.name,
                              text);
}

static void finish(struct gateway *gateway, unsigned i, struct slot *slot, struct action_list *actions)
{
        struct modem *modem = &gateway->modems[i];
        const struct provision_dialogue *dialogue = &modem->setup.dialogue;
        struct identity_memory memory = gateway_identity_of(slot);
        bool resets = dialogue->reset == PROVISION_RESET_SENT;

        identity_finish(&memory, dialogue->verdict, dialogue->job.imsi[0] != '\0');
        save(slot, &memory, actions);
        tell_end(slot, dialogue, actions);
        if (resets) {
                slot->away_until = usec_add(gateway->now, usec_add(BACK_TIME, modem->boot_timeout));
                modem_setup_end(modem, i, usec_add(gateway->now, RESET_TIME), actions);
                return;
        }
        /* smsd was started on it around us: that it has it is all that counts. */
        bool ready = dialogue->verdict == PROVISION_DONE || modem->in_use;
        modem_setup_end(modem, i, ready ? 0 : gateway->now, actions);
}

/* --- the step --- */

static void talk(struct gateway *gateway, unsigned i, struct slot *slot, struct action_list *actions)
{
        struct modem *modem = &gateway->modems[i];

        if (modem->setup.dialogue.verdict == PROVISION_RESET_DUE)
                setup_ask_reset(gateway, modem, slot, actions);
        switch (modem->setup.dialogue.verdict) {
        case PROVISION_RUNNING:
        case PROVISION_RESET_DUE: /* waited for, or noted */
                break;
        case PROVISION_DONE:
        case PROVISION_SILENT:
        case PROVISION_STRANGER:
        case PROVISION_LOST:
                finish(gateway, i, slot, actions);
                break;
        }
}

static void go_on(struct gateway *gateway, unsigned i, struct action_list *actions)
{
        struct modem *modem = &gateway->modems[i];
        struct slot *slot = slots_find(&gateway->slots, modem->setup.slot);

        /* Its section was removed meanwhile, or nothing is to be touched any more. */
        if (!slot || gateway->config.mode == MODE_OBSERVE) {
                modem_setup_end(modem, i, gateway->now, actions);
                return;
        }
        bool late = gateway->now >= modem->setup.until;
        if (modem->setup.phase == SETUP_ASKING && late) {
                (void)text_copy(modem->setup.dialogue.job.apn_why, sizeof(modem->setup.dialogue.job.apn_why),
                                "the list of operators could not be read in time");
                modem_setup_go(modem, gateway->now);
        }
        if (modem->setup.phase == SETUP_SAVING && late)
                setup_decline_reset(modem);
        if (modem->setup.phase == SETUP_OPEN)
                begin(gateway, i, slot, actions);
        if (modem->setup.phase == SETUP_TALKING || modem->setup.phase == SETUP_WAITING)
                talk(gateway, i, slot, actions);
}

/* It came back. */
static void end_absence(struct gateway *gateway, struct slot *slot)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);

        if (modem && modem_usable(modem))
                slot->away_until = 0;
}

void gateway_set_up(struct gateway *gateway, struct action_list *actions)
{
        for (unsigned i = 0; i < gateway->n_modems; i++)
                if (gateway->modems[i].setup.phase != SETUP_NONE)
                        go_on(gateway, i, actions);
        for (unsigned i = 0; i < gateway->slots.n; i++) {
                end_absence(gateway, &gateway->slots.items[i]);
                begin_when_due(gateway, &gateway->slots.items[i], actions);
        }
        /* What is due now opens its port now. */
        for (unsigned i = 0; i < gateway->n_modems; i++) {
                struct modem *modem = &gateway->modems[i];
                if (modem->setup.phase == SETUP_DUE && modem_present(modem) && gateway->smsd.scanned)
                        modem_drive(modem, i, gateway_may_probe(gateway, modem),
                                    smsd_state_holds(&gateway->smsd, modem->target), gateway->now, actions);
        }
}

void gateway_setup_event(struct gateway *gateway, const struct event *event, struct action_list *actions)
{
        if (event->kind == EVENT_APN)
                take_apn(gateway, &event->apn);
        if (event->kind == EVENT_RESET_NOTED)
                setup_reset_noted(gateway, event, actions);
}

bool gateway_modem_is_away(const struct gateway *gateway)
{
        for (unsigned i = 0; i < gateway->slots.n; i++)
                if (gateway->now < gateway->slots.items[i].away_until)
                        return true;
        return false;
}
