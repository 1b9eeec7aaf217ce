/*
 * `smswarden reset-modem`: one step of the ladder, by a person's word. The ladder takes it past hold,
 * patience and budget; the answer comes when it is known what came of it: the modem answers, or is back and
 * smsd serves it, or not.
 */
#include "gateway_private.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define TAKE_TIME (2 * USEC_PER_MIN) /* a run of the restart path comes first */
#define STEP_TIME (5 * USEC_PER_MIN) /* notice, smsd's stop, the step, the modem's return */

static void answer(struct recovery *recovery, int result, const char *text, struct action_list *actions)
{
        action_reply(actions, recovery->hand.token, result, "%s: %s", recovery->name, text);
        recovery->hand.token = 0;
}

/* --- the command --- */

static void list_slots(const struct gateway *gateway, char *text, size_t size)
{
        text[0] = '\0';
        for (unsigned i = 0; i < gateway->slots.n; i++)
                (void)text_append(text, size, "%s%s", i > 0 ? ", " : "", gateway->slots.items[i].config.name);
}

/* The slot that is meant; NULL, and the command is answered. */
static struct slot *find_slot(struct gateway *gateway, const struct command *command,
                              struct action_list *actions)
{
        struct slot *slot = slots_find(&gateway->slots, command->modem);
        char names[256];

        if (command->modem[0] == '\0' && gateway->slots.n == 1)
                slot = &gateway->slots.items[0];
        if (slot)
                return slot;
        list_slots(gateway, names, sizeof(names));
        if (gateway->slots.n == 0)
                action_reply(actions, command->token, 2, "no modem is configured");
        else if (command->modem[0] == '\0')
                action_reply(actions, command->token, 2, "which modem? There are %s", names);
        else
                action_reply(actions, command->token, 2, "there is no modem %s; there are %s", command->modem,
                             names);
        return NULL;
}

void gateway_recovery_command(struct gateway *gateway, const struct command *command,
                              struct action_list *actions)
{
        enum ladder_step step = LADDER_STEP_NONE;
        const struct slot *slot;
        struct recovery *recovery;

        if (!gateway_knows_enough(gateway)) {
                action_reply(actions, command->token, 1,
                             "smswarden has just begun and looks around: try again in a second");
                return;
        }
        if (command->step[0] && ladder_step_from_string(command->step, &step) < 0) {
                action_reply(actions, command->token, 2,
                             "there is no step %s; there are at, smsd, cfun, reset, usb, power",
                             command->step);
                return;
        }
        slot = find_slot(gateway, command, actions);
        recovery = slot ? recovery_of(gateway, slot->config.name) : NULL;
        if (!recovery)
                return;
        if (recovery->hand.token) {
                action_reply(actions, command->token, 1, "%s: a step for %s is under way already",
                             recovery->name, recovery->hand.by);
                return;
        }
        recovery->hand = (struct recovery_hand){.token = command->token, .step = step, .at = gateway->now};
        (void)text_copy(recovery->hand.by, sizeof(recovery->hand.by), command->by);
}

/* --- it is taken --- */

static const char *refusal(int error, enum ladder_step step)
{
        switch (error) {
        case -EBUSY:
                return "a step is under way, or the first minute of a reset is not over: try again then";
        case -EPERM:
                return "other ports of its hub would lose their power too: allow that with `ganged_power = "
                       "yes` in its [modem] section";
        case -EOPNOTSUPP:
                return step == LADDER_STEP_POWER
                           ? "there is no way to cut its power: its hub has no switches, and [recovery] "
                             "power_command is not set"
                           : "this step does not suit it now: it is not plugged in, has no port, or is no "
                             "USB device";
        default:
                return "this step cannot be taken";
        }
}

/* The weakest that can help: a modem that answers restarts itself. */
static enum ladder_step choose_step(const struct gateway *gateway, const struct slot *slot,
                                    const struct ladder_world *world)
{
        const struct modem *modem = recovery_modem(gateway, slot);
        bool answers = modem && modem->state == MODEM_READY && !slot->silent;

        if (answers || (world->without & LADDER_STEP_BIT(LADDER_STEP_USB)))
                return LADDER_STEP_RESET;
        return LADDER_STEP_USB;
}

static void take(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                 struct action_list *actions)
{
        struct recovery_hand *hand = &recovery->hand;

        if (usec_sub(gateway->now, hand->at) >= TAKE_TIME) {
                answer(recovery, 1, "smsd is being started or stopped for too long: nothing was done",
                       actions);
                return;
        }
        if (restart_busy(&gateway->restart) || !recovery_look(gateway, slot, recovery, actions))
                return;
        struct ladder_world world = recovery_world(gateway, slot, recovery);
        if (hand->step == LADDER_STEP_NONE)
                hand->step = choose_step(gateway, slot, &world);
        int r = ladder_force(&recovery->ladder, hand->step, &world, gateway->now);
        if (r < 0) {
                answer(recovery, r == -EBUSY ? 1 : 2, refusal(r, hand->step), actions);
                return;
        }
        hand->begun = true;
        hand->at = gateway->now;
}

/* --- what came of it --- */

static void answer_failed(struct recovery *recovery, struct action_list *actions)
{
        char text[256];
        int result = recovery->ladder.result;

        (void)text_format(text, sizeof(text), "%s did not work: %s", ladder_step_words(recovery->ladder.step),
                          result == -ETIMEDOUT ? "no answer in time"
                          : result == -EPROTO  ? "the modem refuses it"
                          : result == -EBUSY   ? "another program has its port open, see `smswarden modems`"
                                               : strerror(-result));
        answer(recovery, 1, text, actions);
}

static void answer_done(struct recovery *recovery, int result, const char *end, struct action_list *actions)
{
        char text[320], away[32], back[64] = "";

        if (recovery->ladder.returned) {
                format_duration(away, sizeof(away),
                                usec_sub(recovery->returned_at, recovery->ladder.acted_at));
                (void)text_format(back, sizeof(back), ", the modem is back after %s", away);
        }
        (void)text_format(text, sizeof(text), "%s: done%s%s", ladder_step_words(recovery->ladder.step), back,
                          end);
        answer(recovery, result, text, actions);
}

/* The modem is where it was; does smsd have it again? */
static void judge_service(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                          struct action_list *actions)
{
        const struct modem *modem = slot_modem(slot, gateway->modems);
        bool late = usec_sub(gateway->now, recovery->hand.at) >= STEP_TIME;

        if (gateway->hold.active)
                answer_done(recovery, 0, "; smsd is held and stays stopped", actions);
        else if (gateway_slot_served(gateway, slot) && !restart_busy(&gateway->restart))
                answer_done(recovery, 0, ", smsd serves it", actions);
        else if (modem && modem_usable(modem) && !slot_startable(slot, gateway->modems))
                answer_done(recovery, 0, "; smsd is not started on it: see `smswarden status`", actions);
        else if (late)
                answer_done(recovery, 1, ", but smsd does not serve it yet: see `smswarden status`", actions);
}

static void judge(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                  struct action_list *actions)
{
        const struct ladder *ladder = &recovery->ladder;
        bool watching = ladder->state == LADDER_WATCHING && gateway->now < ladder->until;
        bool failed = ladder->result < 0 && !ladder->effect && !ladder->left;
        bool reset = ladder->step >= LADDER_STEP_RESET;

        if (ladder->state == LADDER_ACTING || (watching && failed))
                return;
        if (failed)
                answer_failed(recovery, actions);
        else if (ladder->step == LADDER_STEP_AT)
                answer(recovery, 0, "the modem answers AT", actions);
        else if (reset && !ladder->returned && watching)
                return;
        else if (reset && !ladder->returned && !recovery->there)
                answer_done(recovery, 1, ", but the modem has not come back", actions);
        else
                judge_service(gateway, slot, recovery, actions);
}

static void follow(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                   struct action_list *actions)
{
        const struct ladder *ladder = &recovery->ladder;
        char text[256];

        if (ladder->acted_at >= recovery->hand.at && ladder->step == recovery->hand.step) {
                judge(gateway, slot, recovery, actions);
                return;
        }
        if (ladder->forced == LADDER_STEP_NONE) {
                answer(recovery, 2, "this step has become impossible meanwhile", actions);
                return;
        }
        if (usec_sub(gateway->now, recovery->hand.at) < STEP_TIME)
                return;
        ladder_describe(ladder, gateway->now, text, sizeof(text));
        answer(recovery, 1, text, actions);
}

void recovery_hand_step(struct gateway *gateway, const struct slot *slot, struct recovery *recovery,
                        struct action_list *actions)
{
        if (recovery->hand.token == 0)
                return;
        if (recovery->hand.begun)
                follow(gateway, slot, recovery, actions);
        else
                take(gateway, slot, recovery, actions);
}

usec_t recovery_hand_deadline(const struct gateway *gateway, const struct recovery *recovery)
{
        usec_t limit = recovery->hand.begun ? STEP_TIME : TAKE_TIME;
        usec_t deadline = usec_add(recovery->hand.at, limit);

        return recovery->hand.token && deadline > gateway->now ? deadline : USEC_INFINITY;
}
