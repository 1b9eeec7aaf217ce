/*
 * The life of the modem and the ways of its bytes: power, boot, the deeds that time brings, a queue of output
 * per port whose pieces have a due time each (late and split answers are nothing but that). What a command
 * means is not known here.
 */
#include "ec25/model_internal.h"

#include <stdarg.h>
#include <string.h>

#define SPLIT_GAP (3 * USEC_PER_MSEC)

/* A test tool that runs out of memory has nothing left to prove. */
static void *or_abort(void *pointer)
{
        if (!pointer)
                abort();
        return pointer;
}

void bytes_append(struct bytes *bytes, const void *data, size_t length)
{
        if (!length)
                return;
        if (bytes->length + length > bytes->capacity) {
                bytes->capacity = (bytes->length + length) * 2;
                bytes->data = or_abort(realloc(bytes->data, bytes->capacity));
        }
        memcpy(bytes->data + bytes->length, data, length);
        bytes->length += length;
}

void bytes_free(struct bytes *bytes)
{
        free(bytes->data);
        *bytes = (struct bytes){0};
}

void port_emit(struct ec25 *modem, enum ec25_port port, const void *data, size_t length, usec_t due)
{
        struct port *p = &modem->ports[port];
        struct chunk *chunk;

        if (!length || modem->hangs || p->mute)
                return;
        chunk = or_abort(malloc(sizeof(*chunk) + length));
        *chunk = (struct chunk){.due = p->last && p->last->due > due ? p->last->due : due, .length = length};
        memcpy(chunk->data, data, length);
        if (p->last)
                p->last->next = chunk;
        else
                p->first = chunk;
        p->last = chunk;
}

void answer_bytes(struct ec25 *modem, const struct at_call *call, const char *prefix, const void *data,
                  size_t length)
{
        struct bytes *answer = &modem->ports[call->port].answer;

        if (!answer->length)
                bytes_append(answer, "\r\n", 2);
        bytes_append(answer, prefix, strlen(prefix));
        bytes_append(answer, data, length);
        bytes_append(answer, "\r\n", 2);
}

void answer_line(struct ec25 *modem, const struct at_call *call, const char *format, ...)
{
        char text[512];
        va_list arguments;

        va_start(arguments, format);
        int length = vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (length < 0 || (size_t)length >= sizeof(text))
                abort(); /* our own formats: identities go through answer_bytes */
        answer_bytes(modem, call, "", text, (size_t)length);
}

static enum ec25_port urc_port(const struct ec25 *modem)
{
        return text_equal(modem->stored.urcport, "usbmodem") ? EC25_MODEM : EC25_AT;
}

void urc_format(struct ec25 *modem, usec_t now, const char *format, ...)
{
        char text[1200];
        va_list arguments;

        text_copy(text, sizeof(text), "\r\n");
        va_start(arguments, format);
        int length = vsnprintf(text + 2, sizeof(text) - 4, format, arguments);
        va_end(arguments);
        if (length < 0 || (size_t)length >= sizeof(text) - 4)
                abort();
        text[2 + length] = '\r';
        text[3 + length] = '\n';
        port_emit(modem, urc_port(modem), text, (size_t)length + 4, now);
}

void ec25_urc(struct ec25 *modem, const char *text, usec_t now)
{
        port_emit(modem, urc_port(modem), "\r\n", 2, now);
        port_emit(modem, urc_port(modem), text, strlen(text), now);
        port_emit(modem, urc_port(modem), "\r\n", 2, now);
}

void deed_at(struct ec25 *modem, enum deed deed, usec_t when)
{
        modem->deeds[deed] = when;
}

void ec25_discard(struct ec25 *modem, enum ec25_port port)
{
        struct port *p = &modem->ports[port];

        for (struct chunk *next; p->first; p->first = next) {
                next = p->first->next;
                free(p->first);
        }
        p->last = NULL;
}

static void port_forget(struct ec25 *modem, enum ec25_port port)
{
        struct port *p = &modem->ports[port];

        bytes_free(&p->waiting);
        bytes_free(&p->answer);
        p->length = 0;
        p->prompt = p->sending = p->held = p->numeric = p->mute = false;
        p->echo = true;
        p->cmee = 1;
        p->busy_until = 0;
}

void modem_forget(struct ec25 *modem)
{
        for (enum ec25_port port = 0; port < EC25_PORTS; port++)
                port_forget(modem, port);
        for (enum deed deed = 0; deed < DEEDS; deed++)
                if (deed != DEED_NMEA)
                        deed_at(modem, deed, USEC_INFINITY);
        modem->booted = modem->attached = modem->ready = modem->dip = false;
        modem->inistat = 0;
        settings_default(modem);
}

int ec25_new(unsigned number, struct ec25 **ret_modem)
{
        struct ec25 *modem = calloc(1, sizeof(*modem));

        if (!modem)
                return -ENOMEM;
        modem->stored = (struct stored_settings){
            .cnmi = {2, 1, 0, 0, 0}, .urcport = "usbat", .ims = 1, .pdp_type = "IPV4V6", .apn = "internet"};
        modem->storages[0].capacity = SLOTS;
        modem->storages[1].capacity = 20;
        modem->registration = EC25_REG_HOME;
        modem->signal = 28;
        modem->pin_left = 3;
        modem->puk_left = 10;
        text_copy(modem->pin, sizeof(modem->pin), "1234");
        modem->deeds[DEED_NMEA] = USEC_INFINITY;
        modem_forget(modem);
        int r = ec25_set_identity(modem, NULL, &number, 0);
        if (r < 0) {
                ec25_free(modem);
                return r;
        }
        *ret_modem = modem;
        return 0;
}

struct ec25 *ec25_free(struct ec25 *modem)
{
        if (!modem)
                return NULL;
        for (enum ec25_port port = 0; port < EC25_PORTS; port++) {
                ec25_discard(modem, port);
                bytes_free(&modem->ports[port].waiting);
                bytes_free(&modem->ports[port].answer);
        }
        for (size_t i = 0; i < IDENTITIES; i++)
                free(modem->identity[i].data);
        sms_free(modem);
        free(modem);
        return NULL;
}

void ec25_power_on(struct ec25 *modem, usec_t boot, usec_t now)
{
        ec25_power_off(modem);
        modem->on = true;
        modem->boot = boot;
        modem->pin_wanted = modem->sim == EC25_SIM_PIN;
        deed_at(modem, DEED_BOOT, usec_add(now, boot));
        if (!boot)
                ec25_advance(modem, now);
}

void ec25_power_off(struct ec25 *modem)
{
        modem_forget(modem);
        for (enum ec25_port port = 0; port < EC25_PORTS; port++)
                ec25_discard(modem, port);
        modem->on = modem->hangs = false;
        modem->wish = EC25_WISH_NONE;
}

bool ec25_is_on(const struct ec25 *modem)
{
        return modem->on;
}

void ec25_self_reset(struct ec25 *modem, usec_t now)
{
        if (modem->on)
                ec25_power_on(modem, modem->boot, now);
}

static void boot(struct ec25 *modem, usec_t now)
{
        modem->booted = true;
        urc_format(modem, now, "RDY");
        urc_format(modem, now, "+CFUN: 1");
        sim_start(modem, now);
}

static void nmea(struct ec25 *modem, usec_t now)
{
        static const char sentence[] = "$GPGSV,1,1,01,21,,,36*7F\r\n$GPGGA,,,,,,0,,,,,,,,*66\r\n";

        if (!(modem->faults & EC25_FAULT_NMEA))
                return;
        if (modem->booted)
                port_emit(modem, EC25_NMEA, sentence, sizeof(sentence) - 1, now);
        deed_at(modem, DEED_NMEA, usec_add(now, USEC_PER_SEC));
}

static void attach(struct ec25 *modem, usec_t now)
{
        modem->attached = true;
        registration_tell(modem, now);
        deed_at(modem, DEED_DELIVER, now);
}

static void (*const deeds[DEEDS])(struct ec25 *, usec_t) = {
    [DEED_BOOT] = boot,       [DEED_SIM] = sim_ready, [DEED_DONE] = sim_done,
    [DEED_REGISTER] = attach, [DEED_NMEA] = nmea,     [DEED_DELIVER] = sms_deliver,
};

void ec25_advance(struct ec25 *modem, usec_t now)
{
        if (!modem->on || modem->hangs)
                return;
        for (enum deed deed = 0; deed < DEEDS; deed++)
                if (modem->deeds[deed] <= now) {
                        deed_at(modem, deed, USEC_INFINITY);
                        deeds[deed](modem, now);
                }
        for (enum ec25_port port = EC25_AT; port < EC25_PORTS; port++)
                if (modem->ports[port].busy_until && modem->ports[port].busy_until <= now)
                        at_continue(modem, port, now);
}

usec_t ec25_next_deadline(const struct ec25 *modem, usec_t now)
{
        usec_t next = USEC_INFINITY;

        if (!modem->on || modem->hangs)
                return next;
        for (enum deed deed = 0; deed < DEEDS; deed++)
                next = usec_min(next, modem->deeds[deed] > now ? modem->deeds[deed] : now);
        for (enum ec25_port port = 0; port < EC25_PORTS; port++) {
                const struct port *p = &modem->ports[port];
                if (p->busy_until)
                        next = usec_min(next, p->busy_until);
                if (p->first && p->first->due > now)
                        next = usec_min(next, p->first->due);
        }
        return next;
}

size_t ec25_output(const struct ec25 *modem, enum ec25_port port, usec_t now, const void **ret_bytes)
{
        const struct chunk *chunk = modem->ports[port].first;

        if (!modem->on || !chunk || chunk->due > now)
                return 0;
        *ret_bytes = chunk->data + chunk->offset;
        return chunk->length - chunk->offset;
}

void ec25_consume(struct ec25 *modem, enum ec25_port port, size_t length)
{
        struct port *p = &modem->ports[port];
        struct chunk *chunk = p->first;

        if (!chunk)
                return;
        chunk->offset += length;
        if (chunk->offset < chunk->length)
                return;
        p->first = chunk->next;
        if (!p->first)
                p->last = NULL;
        free(chunk);
}

/* The Qualcomm diagnostic monitor answers what it does not know with the request behind 0x13. */
static void diag_input(struct ec25 *modem, usec_t now)
{
        static const uint8_t frame[] = {0x13, 0x41, 0x54, 0x0d, 0x8c, 0x1f, 0x7e};

        if (modem->faults & EC25_FAULT_BINARY)
                port_emit(modem, EC25_DIAG, frame, sizeof(frame), now);
}

void ec25_input(struct ec25 *modem, enum ec25_port port, const void *bytes, size_t length, usec_t now)
{
        ec25_advance(modem, now);
        if (!modem->on || !modem->booted || modem->hangs || modem->ports[port].mute)
                return;
        if (port == EC25_DIAG)
                diag_input(modem, now);
        else if (port != EC25_NMEA)
                at_input(modem, port, bytes, length, now);
}

enum ec25_wish ec25_take_wish(struct ec25 *modem)
{
        enum ec25_wish wish = modem->wish;

        modem->wish = EC25_WISH_NONE;
        return wish;
}

void ec25_hang(struct ec25 *modem, enum ec25_cure cure)
{
        modem->hangs = true;
        modem->cure = cure;
        for (enum ec25_port port = 0; port < EC25_PORTS; port++)
                ec25_discard(modem, port);
}

/* What it was at is forgotten, its settings are not. */
static void port_wake(struct port *port)
{
        bytes_free(&port->waiting);
        bytes_free(&port->answer);
        port->length = 0;
        port->prompt = port->sending = port->held = port->mute = false;
        port->busy_until = 0;
}

void ec25_wake(struct ec25 *modem)
{
        for (enum ec25_port port = 0; port < EC25_PORTS; port++)
                if (modem->hangs || modem->ports[port].mute)
                        port_wake(&modem->ports[port]);
        modem->hangs = false;
}

void ec25_mute(struct ec25 *modem, enum ec25_port port)
{
        modem->ports[port].mute = true;
        ec25_discard(modem, port);
}

bool ec25_hangs(const struct ec25 *modem)
{
        return modem->hangs;
}

enum ec25_cure ec25_hang_cure(const struct ec25 *modem)
{
        return modem->cure;
}
