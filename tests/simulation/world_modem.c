/*
 * Modems: plugging, the ttys one by one, the minor hole, the SIM, and what the AT port answers.
 */
#include "world.h"

#include "base/text.h"

#include <string.h>

/* --- ttys */

static bool number_is_free(const struct world *world, int number)
{
        const struct world_tty *tty = &world->ttys[number];

        if (tty->modem >= 0)
                return false;
        for (unsigned i = 0; i < WORLD_PROCESSES; i++)
                if (world->processes[i].alive && world->processes[i].tty == number)
                        return false;
        for (unsigned i = 0; i < MODEM_PORTS; i++)
                if (world->controller.ports[i].open && world->controller.ports[i].tty == number)
                        return false;
        return true;
}

static int take_number(struct world *world, unsigned modem, unsigned interface)
{
        for (int i = 0; i < WORLD_TTYS; i++)
                if (number_is_free(world, i)) {
                        world->ttys[i] = (struct world_tty){(int)modem, interface, world->ttys[i].life + 1};
                        return i;
                }
        return -1;
}

bool tty_is_alive(const struct world *world, int tty, unsigned life)
{
        return tty >= 0 && world->ttys[tty].modem >= 0 && world->ttys[tty].life == life;
}

int tty_resolve(const struct world *world, const char *path)
{
        for (unsigned m = 0; m < world->n_modems; m++) {
                char link[DEVICE_NODE_MAX];
                (void)text_format(link, sizeof(link), "/dev/smswarden/at-%s", world->modems[m].path);
                if (world->modems[m].plugged && world->modems[m].kind == KIND_EC25 && text_equal(path, link))
                        return world->modems[m].tty[AT_INTERFACE];
        }
        for (int i = 0; i < WORLD_TTYS; i++) {
                char node[DEVICE_NODE_MAX];
                if (world->ttys[i].modem < 0)
                        continue;
                (void)text_format(node, sizeof(node), "/dev/ttyUSB%d", i);
                if (text_equal(path, node))
                        return i;
        }
        return -1;
}

static void drop_ttys(struct world *world, unsigned modem)
{
        struct world_modem *m = &world->modems[modem];

        for (unsigned i = 0; i < MODEM_TTYS; i++) {
                if (m->tty[i] >= 0)
                        world->ttys[m->tty[i]].modem = -1;
                m->tty[i] = -1;
        }
        smsd_tty_died(world);
}

/* --- plugging */

void modem_plug(struct world *world, unsigned modem)
{
        struct world_modem *m = &world->modems[modem];
        unsigned order[MODEM_TTYS] = {0, 1, 2, 3};
        unsigned n = 0;

        if (m->plugged)
                return;
        m->inserted = true;
        if (m->off)
                return;
        m->plugged = true;
        m->plug++;
        m->kind = m->next_kind;
        m->next_kind = KIND_EC25;
        m->unlocked = false;
        m->silent_until = m->eio_until = 0;
        m->boots_at = world->now + world_chance(world, 0, 70 * USEC_PER_SEC);
        m->busy_until = usec_add(m->boots_at, world_chance(world, 0, 8 * USEC_PER_SEC));
        n = m->kind == KIND_EC25 ? MODEM_TTYS : 1;
        for (unsigned i = n; i > 1; i--) {
                unsigned k = (unsigned)world_chance(world, 0, i - 1), saved = order[i - 1];
                order[i - 1] = order[k];
                order[k] = saved;
        }
        usec_t at = 0;
        for (unsigned i = 0; i < n; i++) {
                at += world_chance(world, USEC_PER_MSEC, 100 * USEC_PER_MSEC);
                world_plan(world, at, HAPPENS_TTY, modem, order[i] + m->plug * 8);
        }
        world_trace(world, "modem %u is plugged in, answers in %.1f s", modem,
                    (double)(m->boots_at - world->now) / 1e6);
        controller_usb(world, modem, false);
}

void modem_tty_appears(struct world *world, unsigned modem, unsigned what)
{
        struct world_modem *m = &world->modems[modem];
        unsigned interface = what % 8;

        if (!m->plugged || m->plug != what / 8)
                return;
        m->tty[interface] = take_number(world, modem, interface);
        world_trace(world, "modem %u: interface %u is ttyUSB%d", modem, interface, m->tty[interface]);
        controller_usb(world, modem, false);
}

void modem_unplug(struct world *world, unsigned modem)
{
        struct world_modem *m = &world->modems[modem];

        m->inserted = false;
        if (!m->plugged)
                return;
        m->plugged = false;
        m->plug++;
        m->unlocked = false;
        world_trace(world, "modem %u is unplugged", modem);
        drop_ttys(world, modem);
        for (unsigned i = 0; i < MODEM_PORTS; i++) {
                if (!world->controller.ports[i].open ||
                    tty_is_alive(world, world->controller.ports[i].tty, world->controller.ports[i].tty_life))
                        continue;
                struct event *event = controller_event(world, EVENT_PORT_CLOSED);
                event->port =
                    (struct port_event){.modem = i, .generation = world->controller.ports[i].generation};
                controller_post(world, event, 1, world_chance(world, 0, 5 * USEC_PER_MSEC));
        }
        controller_usb(world, modem, true);
}

static void add_interface(struct usb_device *device, uint8_t number, uint8_t subclass, uint8_t interrupt)
{
        struct usb_interface *interface = &device->interfaces[device->n_interfaces++];

        memset(interface, 0, sizeof(*interface));
        interface->number = number;
        interface->class = 0xff;
        interface->subclass = interface->protocol = subclass;
        interface->bulk = 2;
        interface->interrupt = interrupt;
}

void modem_describe(const struct world *world, unsigned modem, struct usb_device *device)
{
        const struct world_modem *m = &world->modems[modem];

        memset(device, 0, offsetof(struct usb_device, interfaces));
        (void)text_copy(device->path, sizeof(device->path), m->path);
        device->vendor = m->kind == KIND_DOWNLOAD ? 0x05c6 : 0x2c7c;
        device->product = m->kind == KIND_DOWNLOAD ? 0x9008 : 0x0125;
        device->release = m->kind == KIND_EC25 ? 0x0318 : 0;
        (void)text_copy(device->model, sizeof(device->model),
                        m->kind == KIND_CRASHED ? "QHSUSB__BULK" : "Android");
        (void)text_copy(device->serial, sizeof(device->serial), "0123456789ABCDEF");
        if (m->kind != KIND_EC25) {
                add_interface(device, 0, 0xff, 0);
        } else {
                add_interface(device, 0, 0xff, 0);
                for (uint8_t i = 1; i <= 3; i++)
                        add_interface(device, i, 0x00, 1);
                add_interface(device, 4, 0xff, 1);
        }
        for (unsigned i = 0; i < MODEM_TTYS && i < device->n_interfaces; i++) {
                struct usb_interface *interface = &device->interfaces[i];
                if (m->tty[i] < 0)
                        continue;
                (void)text_format(interface->target, sizeof(interface->target), "/dev/ttyUSB%d", m->tty[i]);
                if (world->links && i == AT_INTERFACE)
                        (void)text_format(interface->node, sizeof(interface->node), "/dev/smswarden/at-%s",
                                          m->path);
                else
                        (void)text_copy(interface->node, sizeof(interface->node), interface->target);
        }
}

/* --- AT */

bool modem_answers(const struct world *world, unsigned modem)
{
        const struct world_modem *m = &world->modems[modem];

        return m->plugged && m->kind == KIND_EC25 && world->now >= m->boots_at &&
               world->now >= m->silent_until;
}

enum sim_state modem_sim(const struct world *world, unsigned modem)
{
        const struct world_modem *m = &world->modems[modem];

        if (m->card == CARD_NONE)
                return SIM_ABSENT;
        if (world->now < m->busy_until)
                return SIM_BUSY;
        if (m->card == CARD_PUK)
                return SIM_PUK;
        return m->card == CARD_PIN && !m->unlocked ? SIM_PIN : SIM_READY;
}

bool modem_is_good(const struct world *world, unsigned modem)
{
        const struct world_modem *m = &world->modems[modem];
        enum sim_state sim = modem_sim(world, modem);

        return modem_answers(world, modem) && world->now >= m->eio_until && world->now >= m->taken_until &&
               world->now >= m->unregistered_until && m->tty[AT_INTERFACE] >= 0 && sim == SIM_READY &&
               !m->needs_person;
}

bool modem_enter_pin(struct world *world, unsigned modem, const char *pin, bool person)
{
        struct world_modem *m = &world->modems[modem];

        if (text_equal(pin, "1111")) {
                m->unlocked = true;
                m->needs_person = false;
                m->attempts = 3;
                return true;
        }
        m->needs_person = true;
        m->attempts--;
        if (m->attempts == 0)
                m->card = CARD_PUK;
        if (!person)
                m->wrong_pins++;
        world_trace(world, "a wrong PIN for modem %u: %u attempts left", modem, m->attempts);
        if (m->wrong_pins > 1)
                promise_broken(world, 3, "automatic starts used %u attempts of one SIM's PIN", m->wrong_pins);
        return false;
}

static const char *answer_sim(enum sim_state sim)
{
        switch (sim) {
        case SIM_READY:
                return "+CPIN: READY\r\n\r\nOK";
        case SIM_PIN:
                return "+CPIN: SIM PIN\r\n\r\nOK";
        case SIM_PUK:
                return "+CPIN: SIM PUK\r\n\r\nOK";
        case SIM_ABSENT:
                return "+CME ERROR: 10";
        case SIM_BUSY:
                return "+CME ERROR: 14";
        case SIM_FAILURE:
        case SIM_UNKNOWN:
                break;
        }
        return "+CME ERROR: 13";
}

/* It goes down without leaving the bus, as some firmware does. [provision] may do that once: what needs it is
 * in the flash afterwards, whoever was killed meanwhile. */
static void reset(struct world *world, unsigned modem)
{
        struct world_modem *m = &world->modems[modem];

        m->setups++;
        m->usbnet_new = false;
        m->unlocked = false;
        m->boots_at = usec_add(world->now, world_chance(world, USEC_PER_SEC, 20 * USEC_PER_SEC));
        world_trace(world, "modem %u resets itself, for it was told to", modem);
        if (m->setups > 1)
                promise_broken(world, 3, "modem %u was reset %u times for one setting", modem, m->setups);
}

/* False: none of these. */
static bool answer_setting(struct world *world, unsigned modem, const char *command, char *answer,
                           size_t size)
{
        struct world_modem *m = &world->modems[modem];

        if (text_equal(command, "AT+CFUN=1,1") && m->usbnet_new) /* else the recovery's */
                reset(world, modem);
        else if (text_equal(command, "AT+QCFG=\"usbnet\",1")) {
                m->usbnet_new = m->usbnet != 1;
                m->usbnet = 1;
        } else if (text_equal(command, "AT+QCFG=\"usbnet\"")) {
                (void)text_format(answer, size, "\r\n+QCFG: \"usbnet\",%u\r\n\r\nOK\r\n", m->usbnet);
                return true;
        } else
                return false;
        (void)text_copy(answer, size, "\r\nOK\r\n");
        return true;
}

void modem_at(struct world *world, unsigned modem, unsigned interface, const char *command, char *answer,
              size_t size)
{
        const struct world_modem *m = &world->modems[modem];
        bool card = modem_sim(world, modem) == SIM_READY;
        bool registered = card && world->now >= m->unregistered_until;

        answer[0] = '\0';
        if (!modem_answers(world, modem) || interface < AT_INTERFACE)
                return;
        if (answer_setting(world, modem, command, answer, size))
                return;
        power_cfun(world, modem, command);
        if (text_equal(command, "AT+CPIN?"))
                (void)text_format(answer, size, "\r\n%s\r\n", answer_sim(modem_sim(world, modem)));
        else if (text_equal(command, "AT+CGSN"))
                (void)text_format(answer, size, "\r\n%s\r\n\r\nOK\r\n", m->imei);
        else if (text_equal(command, "AT+CIMI"))
                (void)text_format(answer, size, card ? "\r\n%s\r\n\r\nOK\r\n" : "\r\n+CME ERROR: 14\r\n",
                                  m->imsi);
        else if (text_equal(command, "AT+QCCID"))
                (void)text_format(answer, size, "\r\n+QCCID: %s\r\n\r\nOK\r\n", m->iccid);
        else if (text_equal(command, "AT+QPINC?"))
                (void)text_format(answer, size,
                                  m->tells_attempts ? "\r\n+QPINC: \"SC\",%u,10\r\n\r\nOK\r\n"
                                                    : "\r\nERROR\r\n",
                                  m->attempts);
        else if (text_equal(command, "AT+QINISTAT"))
                (void)text_copy(answer, size,
                                card ? "\r\n+QINISTAT: 7\r\n\r\nOK\r\n" : "\r\n+QINISTAT: 0\r\n\r\nOK\r\n");
        else if (text_equal(command, "AT+CREG?") || text_equal(command, "AT+CEREG?"))
                (void)text_format(answer, size, "\r\n+%.*s: 0,%d\r\n\r\nOK\r\n", (int)strlen(command) - 4,
                                  command + 3, registered ? 1 : 2);
        else if (text_equal(command, "ATI"))
                (void)text_copy(answer, size,
                                "\r\nQuectel\r\nEC25\r\nRevision: EC25EFAR06A11M4G\r\n\r\nOK\r\n");
        else if (text_equal(command, "AT+CFUN?"))
                (void)text_copy(answer, size, "\r\n+CFUN: 1\r\n\r\nOK\r\n");
        else
                (void)text_copy(answer, size, "\r\nOK\r\n");
}
