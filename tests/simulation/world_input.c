/*
 * Inputs into the world: what people, hardware and bad luck do.
 */
#include "world.h"

#include <signal.h>

static void end_hold(struct world *world)
{
        world->promises.held = false;
        world->promises.stop_began = 0;
}

static void main_gets(struct world *world, int signal)
{
        struct world_process *p = smsd_main(world);

        if (p)
                smsd_kill(world, p->id.pid, signal, true);
}

static void handler_gets(struct world *world, unsigned index, int signal)
{
        struct world_process *p = smsd_handler(world, index);

        if (p)
                smsd_kill(world, p->id.pid, signal, true);
}

static void hang(struct world_process *process)
{
        if (process && !process->terminating)
                process->hung = true;
}

static void hand_start(struct world *world)
{
        /* Whoever starts it beside a running one gets what he asked for. */
        if (smsd_count_ours(world) > 0)
                for (unsigned i = 0; i < WORLD_MESSAGES; i++)
                        world->messages[i].excused = true;
        promises_person_started(world, false);
        (void)smsd_start(world, true, true);
}

static void other_start(struct world *world, usec_t duration)
{
        pid_t pid = smsd_start(world, false, true);

        if (pid)
                world_plan(world, duration, HAPPENS_OTHER_END, (unsigned)pid, 1000);
}

/* smsd's handler finds out when it asks again. */
static void ask_again(struct world *world, unsigned modem)
{
        for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
                struct world_process *p = &world->processes[i];
                if (!p->alive || p->state != PROCESS_POLLING || !tty_is_alive(world, p->tty, p->tty_life) ||
                    world->ttys[p->tty].modem != (int)modem)
                        continue;
                p->state = PROCESS_ASKING;
                p->asked_since = world->now;
                world_plan(world, world_chance(world, 3 * USEC_PER_SEC, 12 * USEC_PER_SEC),
                           HAPPENS_HANDLER_INIT, (unsigned)p->id.pid, 0);
        }
}

static void set_card(struct world *world, unsigned modem, enum sim_kind card)
{
        struct world_modem *m = &world->modems[modem];

        m->card = card;
        m->unlocked = false;
        m->attempts = 3;
        m->wrong_pins = 0;
        m->needs_person = card == CARD_PUK;
        m->busy_until = world->now + 2 * USEC_PER_SEC;
        ask_again(world, modem);
}

static void reset_modem(struct world *world, const struct input *input)
{
        struct world_modem *m = &world->modems[input->who];

        if (!m->plugged)
                return;
        if (input->what == 0) {
                modem_unplug(world, input->who);
                world_plan(world, input->duration, HAPPENS_REPLUG, input->who, 0);
                return;
        }
        enum sim_kind card = m->card;
        unsigned attempts = m->attempts, wrong = m->wrong_pins;
        bool needs_person = m->needs_person;
        set_card(world, input->who, card);
        m->attempts = attempts;
        m->wrong_pins = wrong;
        m->needs_person = needs_person;
        m->boots_at = world->now + input->duration;
        m->busy_until = m->boots_at + USEC_PER_SEC;
}

static void silence(struct world *world, unsigned modem, usec_t duration)
{
        world->modems[modem].silent_until = world->now + duration;
        for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
                struct world_process *p = &world->processes[i];
                if (p->alive && p->state == PROCESS_POLLING && tty_is_alive(world, p->tty, p->tty_life) &&
                    world->ttys[p->tty].modem == (int)modem)
                        world_plan(world, 120 * USEC_PER_SEC, HAPPENS_HANDLER_INIT, (unsigned)p->id.pid, 0);
        }
}

static void edit_pin(struct world *world, const struct input *input)
{
        static const char *const pins[] = {"1111", "2222", ""};

        world->files.pin_edited_at = world->now;
        conf_set(world, input->who, "pin", pins[input->what % 3]);
        for (unsigned m = 0; m < world->n_modems; m++)
                world->modems[m].wrong_pins = 0;
}

static void make_flag(struct world *world, unsigned what)
{
        if (world->config.legacy_flag[0] == '\0')
                return;
        world->files.flag = what == 1 ? FLAG_REFUSED : FLAG_PRESENT;
        world->files.flag_since = world->now;
        if (what == 1 && world->promises.legacy_held)
                end_hold(world); /* what was there is gone */
        if (what == 2)
                smsd_kill_all(world, SIGKILL, true);
}

static void remove_flag(struct world *world, bool start)
{
        world->files.flag = FLAG_ABSENT;
        if (world->promises.legacy_held)
                end_hold(world);
        if (start)
                hand_start(world);
}

static void reboot(struct world *world, usec_t duration, unsigned what)
{
        world_trace(world, "the box reboots");
        controller_kill(world, duration);
        smsd_forget_all(world);
        unit_forget(world);
        world->promises.stop_began = 0;
        world->boot = world->now;
        alerts_rebooted(world);
        world->files.hold = false;
        end_hold(world);
        if (what == 1)
                world->files.flag = FLAG_ABSENT; /* /tmp is a tmpfs here */
        if (what == 1)
                world_plan(world, 3 * USEC_PER_SEC, HAPPENS_START, 0, 3);
        for (unsigned m = 0; m < world->n_modems; m++)
                if (world->modems[m].plugged) {
                        modem_unplug(world, m);
                        modem_plug(world, m);
                }
        power_rebooted(world);
}

static void shut_down(struct world *world, const struct input *input)
{
        unit_shutdown(world, true);
        world_plan(world, input->duration, HAPPENS_SHUTDOWN_OVER, 0, input->what);
}

void world_shutdown_over(struct world *world, unsigned what)
{
        if (world->promises.disturbed_at < world->now)
                world->promises.disturbed_at = world->now;
        if (what == 1)
                unit_shutdown(world, false);
        else
                reboot(world, 20 * USEC_PER_SEC, world_percent(world, 50));
}

static void command(struct world *world, const struct input *input)
{
        enum command_kind kind = input->kind == INPUT_COMMAND_STOP    ? COMMAND_STOP
                                 : input->kind == INPUT_COMMAND_START ? COMMAND_START
                                                                      : COMMAND_RESTART;

        if (!world->controller.gateway)
                return;
        if (kind != COMMAND_STOP) {
                world->controller.person_until = world->now + 180 * USEC_PER_SEC;
        }
        controller_command(world, kind, input->what == 1, input->duration);
}

static void lose_usb(struct world *world, usec_t duration)
{
        world->controller.usb_lost_until = world->now + duration;
        world_plan(world, duration, HAPPENS_USB_FOUND, world->controller.life, 0);
}

static void jump_clock(struct world *world, unsigned what)
{
        if (!world->still_clock)
                world->clock += ((int64_t)what - 100000) * 60 * 1000000;
}

static void modem_input(struct world *world, const struct input *input)
{
        struct world_modem *m = &world->modems[input->who];
        usec_t until = world->now + input->duration;

        switch (input->kind) {
        case INPUT_PLUG:
                modem_plug(world, input->who);
                break;
        case INPUT_UNPLUG:
                modem_unplug(world, input->who);
                break;
        case INPUT_MODEM_SILENT:
                silence(world, input->who, input->duration);
                break;
        case INPUT_MODEM_RESET:
                reset_modem(world, input);
                break;
        case INPUT_MODEM_CRASHED:
                m->next_kind = KIND_CRASHED;
                break;
        case INPUT_MODEM_DOWNLOAD:
                m->next_kind = KIND_DOWNLOAD;
                break;
        case INPUT_PORT_EIO:
                m->eio_until = until;
                break;
        case INPUT_PORT_TAKEN:
                m->taken_until = until;
                break;
        case INPUT_NO_NETWORK:
                if (world->now >= m->unregistered_until)
                        m->unregistered_since = world->now;
                m->unregistered_until = until;
                break;
        case INPUT_SIM_PULL:
                set_card(world, input->who, CARD_NONE);
                break;
        case INPUT_SIM_READY:
                set_card(world, input->who, CARD_READY);
                break;
        case INPUT_SIM_PIN:
                set_card(world, input->who, CARD_PIN);
                break;
        case INPUT_SIM_PUK:
                set_card(world, input->who, CARD_PUK);
                break;
        case INPUT_SIM_BUSY:
                m->busy_until = until;
                ask_again(world, input->who);
                break;
        case INPUT_SLOW_NETWORK:
                m->slow_until = until;
                break;
        default:
                break;
        }
}

static void file_input(struct world *world, const struct input *input)
{
        char device[DEVICE_NODE_MAX] = "/dev/nonsense";

        switch (input->kind) {
        case INPUT_FLAG:
                make_flag(world, input->what);
                break;
        case INPUT_FLAG_REMOVED:
                remove_flag(world, input->what == 1);
                break;
        case INPUT_CONF_COMMENT:
                conf_comment(world);
                break;
        case INPUT_CONF_PIN:
                edit_pin(world, input);
                break;
        case INPUT_CONF_DEVICE:
                if (input->what == 1)
                        conf_value(world, world->n_slots - 1 - input->who % world->n_slots, "device", device,
                                   sizeof(device));
                conf_set(world, input->who, "device", device);
                break;
        case INPUT_CONF_BREAK:
        case INPUT_CONF_REPAIR:
                conf_break(world, input->kind == INPUT_CONF_BREAK);
                break;
        case INPUT_CONF_BUSY:
                world->files.conf_busy_until = world->now + input->duration;
                break;
        case INPUT_CONF_GONE:
                conf_gone(world, input->duration);
                break;
        case INPUT_DISK_FULL:
                world->files.disk_full_until = world->now + input->duration;
                world->files.disk_error = (int)input->what;
                break;
        default:
                break;
        }
}

static void smsd_input(struct world *world, const struct input *input)
{
        switch (input->kind) {
        case INPUT_MESSAGES:
                smsd_messages(world, input->what, input->duration != 0);
                break;
        case INPUT_MAIN_CRASH:
                main_gets(world, SIGSEGV);
                break;
        case INPUT_MAIN_KILL:
                main_gets(world, SIGKILL);
                break;
        case INPUT_MAIN_TERM:
                main_gets(world, SIGTERM);
                break;
        case INPUT_MAIN_HANG:
                hang(smsd_main(world));
                break;
        case INPUT_HANDLER_CRASH:
                handler_gets(world, input->what, SIGSEGV);
                break;
        case INPUT_HANDLER_HANG:
                hang(smsd_handler(world, input->what));
                break;
        case INPUT_KILL_ALL:
                smsd_kill_all(world, SIGKILL, true);
                break;
        case INPUT_HAND_START:
                hand_start(world);
                break;
        case INPUT_UNIT_STOP:
                unit_command(world, UNIT_JOB_STOP);
                break;
        case INPUT_UNIT_START:
                unit_command(world, UNIT_JOB_START);
                break;
        case INPUT_UNIT_RESTART:
                unit_command(world, UNIT_JOB_RESTART);
                break;
        case INPUT_OTHER_START:
                other_start(world, input->duration);
                break;
        default:
                break;
        }
}

static void controller_input(struct world *world, const struct input *input)
{
        struct world_controller *c = &world->controller;
        struct event *event;

        switch (input->kind) {
        case INPUT_COMMAND_STOP:
        case INPUT_COMMAND_START:
        case INPUT_COMMAND_RESTART:
                command(world, input);
                break;
        case INPUT_COMMAND_RESET:
                controller_reset_command(world, input->who, input->what);
                break;
        case INPUT_START_FAULT:
                c->start_fault_until = world->now + input->duration;
                break;
        case INPUT_DAEMON_KILL:
                controller_kill(world, input->duration);
                break;
        case INPUT_RELOAD:
                event = controller_event(world, EVENT_RELOAD);
                event->config = &world->config;
                controller_post(world, event, 2, 100);
                break;
        case INPUT_REBOOT:
                reboot(world, input->duration, input->what);
                break;
        case INPUT_SHUTDOWN:
                shut_down(world, input);
                break;
        case INPUT_SYSTEMD_AWAY:
                unit_away(world, input->duration);
                break;
        case INPUT_CLOCK_JUMP:
                jump_clock(world, input->what);
                break;
        case INPUT_USB_LOST:
                lose_usb(world, input->duration);
                break;
        case INPUT_OPENED_LOST:
                c->opened_lost_until = world->now + input->duration;
                break;
        case INPUT_LATE:
                c->late_until = world->now + input->duration;
                c->late_ms = input->what;
                break;
        case INPUT_SPURIOUS_TIMER:
                controller_post(world, controller_event(world, EVENT_TIMER), 2, 0);
                break;
        default:
                break;
        }
}

void world_input(struct world *world, const struct input *input)
{
        struct world_promises *promises = &world->promises;

        world_trace(world, "INPUT %s who=%u what=%u duration=%.3f s", input_kind_to_string(input->kind),
                    input->who, input->what, (double)input->duration / 1e6);
        if (input_disturbs(input)) {
                usec_t until = world->now + (input->kind == INPUT_COMMAND_STOP ? 0 : input->duration);
                promises->disturbed_before = promises->disturbed_at;
                promises->disturbed_at = until > promises->disturbed_at ? until : promises->disturbed_at;
        }
        if (input->duration > 0)
                world_plan(world, input->duration, HAPPENS_OVER, 0, 0);
        if (input->kind <= INPUT_SLOW_NETWORK)
                modem_input(world, input);
        else if (input->kind <= INPUT_UNIT_RESTART)
                smsd_input(world, input);
        else if (input->kind >= INPUT_FLAG && input->kind <= INPUT_DISK_FULL)
                file_input(world, input);
        else
                controller_input(world, input);
}
