/*
 * Messages: slots, what the network brings and keeps back, the dialogue of sending. Incoming messages are
 * told by CNMI and stop without a word when the storage is full, as on the real one; they come as soon as a
 * slot is free.
 */
#include "ec25/model_internal.h"

#include <string.h>

static const char *const memory_names[] = {"ME", "SM", "MT", "SR"};
static const char *const slot_names[] = {"REC UNREAD", "REC READ", "STO UNSENT", "STO SENT"};

/* MT is both together; here it is ME. */
static struct storage *storage_of(struct ec25 *modem, unsigned use)
{
        return &modem->storages[modem->stored.memory[use] == 1];
}

static unsigned used(const struct storage *storage)
{
        unsigned count = 0;

        for (size_t i = 0; i < SLOTS; i++)
                count += storage->slots[i].pdu != NULL;
        return count;
}

/* Returns the slot number from 0, or -ENOSPC. Takes a copy of `pdu`. */
static int store(struct storage *storage, const char *pdu, unsigned tpdu_length, enum slot_state state)
{
        for (unsigned i = 0; i < storage->capacity; i++)
                if (!storage->slots[i].pdu) {
                        char *copy = strdup(pdu);
                        if (!copy)
                                abort();
                        storage->slots[i] =
                            (struct slot){.pdu = copy, .tpdu_length = tpdu_length, .state = state};
                        return (int)i;
                }
        return -ENOSPC;
}

static void slot_free(struct slot *slot)
{
        free(slot->pdu);
        *slot = (struct slot){0};
}

void sms_free(struct ec25 *modem)
{
        for (size_t s = 0; s < ARRAY_SIZE(modem->storages); s++)
                for (size_t i = 0; i < SLOTS; i++)
                        slot_free(&modem->storages[s].slots[i]);
        for (struct kept_back *next; modem->kept_back; modem->kept_back = next) {
                next = modem->kept_back->next;
                free(modem->kept_back);
        }
        free(modem->sent);
}

/* False when it has to wait. */
static bool deliver_one(struct ec25 *modem, const struct kept_back *message, usec_t now)
{
        struct storage *storage = storage_of(modem, 2);
        unsigned told = modem->stored.cnmi[0] ? modem->stored.cnmi[1] : 0;

        if (told == 2) {
                urc_format(modem, now, "+CMT: ,%u\r\n%s", message->tpdu_length, message->pdu);
                return true;
        }
        int slot = store(storage, message->pdu, message->tpdu_length, SLOT_UNREAD);
        if (slot < 0)
                return false;
        if (told == 1)
                urc_format(modem, now, "+CMTI: \"%s\",%u", memory_names[modem->stored.memory[2]],
                           (unsigned)slot + modem->first_slot);
        return true;
}

static void tell_full(struct ec25 *modem, usec_t now)
{
        struct storage *storage = storage_of(modem, 2);
        bool full = used(storage) >= storage->capacity;

        if (full && !modem->full_told && modem->stored.smsfull)
                urc_format(modem, now, "+QIND: \"smsfull\",\"%s\"", memory_names[modem->stored.memory[2]]);
        modem->full_told = full;
}

void sms_deliver(struct ec25 *modem, usec_t now)
{
        while (modem->kept_back && modem->attached && modem->settings.cfun == 1 && sim_cms(modem) == AT_OK) {
                struct kept_back *message = modem->kept_back;
                if (modem->registration != EC25_REG_HOME && modem->registration != EC25_REG_ROAMING)
                        return;
                if (!deliver_one(modem, message, now))
                        break;
                modem->kept_back = message->next;
                modem->kept_back_count--;
                free(message);
        }
        tell_full(modem, now);
}

int ec25_receive(struct ec25 *modem, const char *sender, const char *text, int64_t unix_time, usec_t now)
{
        struct kept_back message = {0}, **last = &modem->kept_back;

        if (modem->kept_back_count >= 1000)
                return -ENOSPC;
        int length = pdu_make_deliver(message.pdu, ec25_identity(modem, "smsc"), sender, text, unix_time);
        if (length < 0)
                return length;
        message.tpdu_length = (unsigned)length;
        while (*last)
                last = &(*last)->next;
        *last = malloc(sizeof(message));
        if (!*last)
                return -ENOMEM;
        **last = message;
        modem->kept_back_count++;
        if (modem->booted && !modem->hangs)
                sms_deliver(modem, now);
        return 0;
}

unsigned ec25_stored(const struct ec25 *modem)
{
        return used(&modem->storages[0]);
}

unsigned ec25_kept_back(const struct ec25 *modem)
{
        return modem->kept_back_count;
}

void ec25_set_capacity(struct ec25 *modem, unsigned slots, unsigned first)
{
        modem->first_slot = first;
        modem->storages[0].capacity = slots < 1 ? 1 : slots > SLOTS ? SLOTS : slots;
}

/* -- commands -- */

static int cpms_set(struct ec25 *modem, const struct at_call *call)
{
        unsigned memory[3];
        char name[8];

        memcpy(memory, modem->stored.memory, sizeof(memory));
        for (unsigned use = 0; use < 3 && argument_text(call->argument, use, name, sizeof(name)); use++) {
                size_t i = 0;
                while (i < ARRAY_SIZE(memory_names) && !text_equal(memory_names[i], name))
                        i++;
                if (i == ARRAY_SIZE(memory_names))
                        return AT_CMS(302);
                memory[use] = (unsigned)i;
        }
        memcpy(modem->stored.memory, memory, sizeof(memory));
        return AT_OK;
}

static int cpms(struct ec25 *modem, const struct at_call *call)
{
        char text[96] = "";
        int error = sim_cms(modem);

        if (error != AT_OK)
                return error;
        if (call->kind == AT_TEST) {
                answer_line(modem, call,
                            "+CPMS: "
                            "(\"ME\",\"MT\",\"SM\",\"SR\"),(\"ME\",\"MT\",\"SM\",\"SR\"),(\"ME\",\"MT\","
                            "\"SM\",\"SR\")");
                return AT_OK;
        }
        if (call->kind == AT_SET)
                error = cpms_set(modem, call);
        if (error != AT_OK)
                return error;
        for (unsigned use = 0; use < 3; use++) {
                const struct storage *storage = storage_of(modem, use);
                if (call->kind == AT_READ)
                        text_append(text, sizeof(text), "\"%s\",", memory_names[modem->stored.memory[use]]);
                text_append(text, sizeof(text), "%u,%u%s", used(storage), storage->capacity,
                            use < 2 ? "," : "");
        }
        answer_line(modem, call, "+CPMS: %s", text);
        return AT_OK;
}

static int cnmi(struct ec25 *modem, const struct at_call *call)
{
        static const unsigned maxima[] = {2, 3, 3, 2, 1};
        unsigned *cnmi = modem->stored.cnmi, wanted[5];

        if (call->kind == AT_READ)
                answer_line(modem, call, "+CNMI: %u,%u,%u,%u,%u", cnmi[0], cnmi[1], cnmi[2], cnmi[3],
                            cnmi[4]);
        if (call->kind == AT_TEST)
                answer_line(modem, call, "+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)");
        if (call->kind != AT_SET)
                return AT_OK;
        memcpy(wanted, cnmi, sizeof(wanted));
        for (unsigned i = 0; i < 5; i++) {
                char text[8];
                if (argument_text(call->argument, i, text, sizeof(text)) &&
                    !argument_number(call->argument, i, maxima[i], &wanted[i]))
                        return AT_CMS(303);
        }
        memcpy(cnmi, wanted, sizeof(wanted));
        return AT_OK;
}

static int stored_number(struct ec25 *modem, const struct at_call *call, const char *name, unsigned *value)
{
        if (call->kind == AT_READ)
                answer_line(modem, call, "+%s: %u", name, *value);
        if (call->kind == AT_TEST)
                answer_line(modem, call, "+%s: (0,1)", name);
        return call->kind != AT_SET || argument_number(call->argument, 0, 1, value) ? AT_OK : AT_CMS(302);
}

static int cmgf(struct ec25 *modem, const struct at_call *call)
{
        return stored_number(modem, call, "CMGF", &modem->stored.cmgf);
}

static int csms(struct ec25 *modem, const struct at_call *call)
{
        if (call->kind == AT_SET && argument_number(call->argument, 0, 1, &modem->stored.csms))
                answer_line(modem, call, "+CSMS: 1,1,1");
        if (call->kind == AT_READ)
                answer_line(modem, call, "+CSMS: %u,1,1,1", modem->stored.csms);
        return AT_OK;
}

static int csca(struct ec25 *modem, const struct at_call *call)
{
        char number[PDU_NUMBER_SIZE];
        int error = sim_cms(modem);

        if (error != AT_OK || call->kind == AT_TEST)
                return error;
        if (call->kind == AT_READ) {
                answer_line(modem, call, "+CSCA: \"%.30s\",145", ec25_identity(modem, "smsc"));
                return AT_OK;
        }
        if (!argument_text(call->argument, 0, number, sizeof(number)) ||
            !text_only(number + (number[0] == '+'), "0123456789", 20))
                return AT_CMS(304);
        return ec25_set_identity(modem, "smsc", number, strlen(number)) < 0 ? AT_CMS(500) : AT_OK;
}

static void tell_slot(struct ec25 *modem, const struct at_call *call, const struct slot *slot,
                      const char *name, int index)
{
        char place[16] = "";

        if (index >= 0)
                text_format(place, sizeof(place), "%d,", index);
        if (modem->stored.cmgf)
                answer_line(modem, call, "+%s: %s\"%s\",\"\",,", name, place, slot_names[slot->state]);
        else
                answer_line(modem, call, "+%s: %s%u,,%u", name, place, slot->state, slot->tpdu_length);
        answer_bytes(modem, call, "", slot->pdu, strlen(slot->pdu));
}

/* The slot that the first parameter means; NULL: there is none. */
static struct slot *slot_of(struct ec25 *modem, const struct at_call *call)
{
        struct storage *storage = storage_of(modem, 0);
        unsigned index;

        if (call->kind != AT_SET || !argument_number(call->argument, 0, 2 * SLOTS, &index) ||
            index < modem->first_slot || index - modem->first_slot >= storage->capacity)
                return NULL;
        return &storage->slots[index - modem->first_slot];
}

static int cmgr(struct ec25 *modem, const struct at_call *call)
{
        struct slot *slot = slot_of(modem, call);
        int error = sim_cms(modem);

        if (error != AT_OK || call->kind == AT_TEST)
                return error;
        if (!slot)
                return AT_CMS(321);
        if (!slot->pdu)
                return AT_OK;
        tell_slot(modem, call, slot, "CMGR", -1);
        if (slot->state == SLOT_UNREAD)
                slot->state = SLOT_READ;
        return AT_OK;
}

static int cmgl(struct ec25 *modem, const struct at_call *call)
{
        struct storage *storage = storage_of(modem, 0);
        unsigned wanted = SLOT_UNREAD;
        char name[16];
        int error = sim_cms(modem);

        if (error != AT_OK || call->kind == AT_TEST)
                return error;
        if (call->kind == AT_SET && !argument_number(call->argument, 0, 4, &wanted)) {
                if (!argument_text(call->argument, 0, name, sizeof(name)))
                        return AT_CMS(302);
                for (wanted = 0; wanted < 4 && !text_equal(slot_names[wanted], name); wanted++)
                        ;
        }
        for (unsigned i = 0; i < storage->capacity; i++) {
                struct slot *slot = &storage->slots[i];
                if (!slot->pdu || (wanted < 4 && slot->state != wanted))
                        continue;
                tell_slot(modem, call, slot, "CMGL", (int)(i + modem->first_slot));
                if (slot->state == SLOT_UNREAD)
                        slot->state = SLOT_READ;
        }
        return AT_OK;
}

/* The second parameter: 1 read ones, 2 and sent ones, 3 and unsent ones, 4 all. */
static bool deletes(unsigned flag, enum slot_state state)
{
        return flag == 4 || (flag >= 1 && state == SLOT_READ) || (flag >= 2 && state == SLOT_SENT) ||
               (flag >= 3 && state == SLOT_UNSENT);
}

static int cmgd(struct ec25 *modem, const struct at_call *call)
{
        struct storage *storage = storage_of(modem, 0);
        struct slot *slot = slot_of(modem, call);
        unsigned flag = 0;
        int error = sim_cms(modem);

        if (error != AT_OK || call->kind == AT_TEST)
                return error;
        (void)argument_number(call->argument, 1, 4,
                              &flag); /* absent: this slot alone; else the slot is ignored */
        if (!slot && !flag)
                return AT_CMS(321);
        if (!flag)
                slot_free(slot);
        for (unsigned i = 0; flag && i < storage->capacity; i++)
                if (storage->slots[i].pdu && deletes(flag, storage->slots[i].state))
                        slot_free(&storage->slots[i]);
        if (modem->kept_back)
                deed_at(modem, DEED_DELIVER, usec_add(call->now, 100 * USEC_PER_MSEC));
        modem->full_told = used(storage_of(modem, 2)) >= storage_of(modem, 2)->capacity;
        return AT_OK;
}

static int prompt(struct ec25 *modem, const struct at_call *call, bool to_memory)
{
        struct port *port = &modem->ports[call->port];
        int error = sim_cms(modem);

        if (call->kind == AT_TEST)
                return AT_OK;
        if (error != AT_OK)
                return error;
        if (call->kind != AT_SET)
                return AT_CMS(304);
        if (modem->stored.cmgf
                ? !argument_text(call->argument, 0, port->destination, sizeof(port->destination))
                : !argument_number(call->argument, 0, 176, &port->pdu_length) || port->pdu_length < 7)
                return AT_CMS(304);
        port->prompt = true;
        port->to_memory = to_memory;
        port->length = 0;
        port_emit(modem, call->port, "\r\n> ", 4, call->now);
        return AT_PENDING;
}

static int cmgs(struct ec25 *modem, const struct at_call *call)
{
        return prompt(modem, call, false);
}

static int cmgw(struct ec25 *modem, const struct at_call *call)
{
        return prompt(modem, call, true);
}

static void to_memory(struct ec25 *modem, enum ec25_port port, const char *pdu, usec_t now)
{
        const struct at_call call = {.port = port, .now = now};
        int slot = store(storage_of(modem, 1), pdu, modem->ports[port].pdu_length, SLOT_UNSENT);

        if (slot >= 0)
                answer_line(modem, &call, "+CMGW: %u", (unsigned)slot + modem->first_slot);
        at_finish(modem, port, slot < 0 ? AT_CMS(322) : AT_OK, now);
}

static void record(struct ec25 *modem, const struct pdu_message *message, usec_t now)
{
        if (modem->sent_count == modem->sent_capacity) {
                modem->sent_capacity = modem->sent_capacity ? modem->sent_capacity * 2 : 16;
                struct ec25_sent *sent = realloc(modem->sent, modem->sent_capacity * sizeof(*sent));
                if (!sent)
                        abort();
                modem->sent = sent;
        }
        modem->sent[modem->sent_count] =
            (struct ec25_sent){.message = *message, .number = (unsigned)modem->sent_count + 1, .when = now};
        modem->sent_count++;
}

static int read_message(const struct ec25 *modem, const struct port *port, const char *text,
                        struct pdu_message *ret_message)
{
        struct pdu_message message = {.part = 1, .parts = 1};

        if (!modem->stored.cmgf)
                return pdu_read_submit(text, port->pdu_length, ret_message);
        (void)text_copy(message.number, sizeof(message.number),
                        port->destination); /* cut is good enough for text mode */
        (void)text_copy(message.text, sizeof(message.text), text);
        *ret_message = message;
        return 0;
}

static bool networked(const struct ec25 *modem)
{
        enum ec25_registration registration = registration_now(modem);

        return registration == EC25_REG_HOME || registration == EC25_REG_ROAMING;
}

void sms_pdu(struct ec25 *modem, enum ec25_port port, char *text, usec_t now)
{
        struct port *p = &modem->ports[port];
        struct pdu_message message;

        if (p->to_memory) {
                to_memory(modem, port, text, now);
                return;
        }
        if (read_message(modem, p, text, &message) < 0) {
                at_finish(modem, port, AT_CMS(304), now);
                return;
        }
        if (modem->poison[0] && strstr(message.text, modem->poison)) {
                ec25_hang(modem, EC25_CURE_POWER);
                return;
        }
        p->sending = true;
        if (!networked(modem) || modem->send == EC25_SEND_ERROR) {
                p->pdu_length = networked(modem) ? modem->send_error : 331;
                p->busy_until = usec_add(now, modem->send_delay);
        } else {
                p->pdu_length = 0;
                if (modem->send == EC25_SEND_OK)
                        record(modem, &message, now);
                p->busy_until =
                    modem->send == EC25_SEND_OK ? usec_add(now, modem->send_delay) : USEC_INFINITY;
        }
        if (p->busy_until <= now)
                sms_result(modem, port, now);
}

/* While a result is awaited, pdu_length holds the error that it will be (0: sent). */
void sms_result(struct ec25 *modem, enum ec25_port port, usec_t now)
{
        const struct at_call call = {.port = port, .now = now};
        unsigned error = modem->ports[port].pdu_length;

        modem->ports[port].sending = false;
        if (!error)
                answer_line(modem, &call, "+CMGS: %u", modem->message_reference++ & 0xff);
        at_finish(modem, port, error ? AT_CMS((int)error) : AT_OK, now);
}

size_t ec25_sent_count(const struct ec25 *modem)
{
        return modem->sent_count;
}

const struct ec25_sent *ec25_sent(const struct ec25 *modem, size_t index)
{
        return index < modem->sent_count ? &modem->sent[index] : NULL;
}

const struct at_command sms_commands[] = {
    {"+CPMS", cpms}, {"+CNMI", cnmi}, {"+CMGF", cmgf}, {"+CSMS", csms}, {"+CSCA", csca}, {"+CMGR", cmgr},
    {"+CMGL", cmgl}, {"+CMGD", cmgd}, {"+CMGS", cmgs}, {"+CMGW", cmgw}, {NULL, NULL},
};
