/*
 * A Quectel EC25 as its host sees it on four serial ports: bytes in, bytes out, time as a parameter. No fd,
 * no clock, no randomness: the same calls give the same bytes. What carries the bytes (a pty, USB/IP) is
 * somebody else's.
 *
 * The model boots, keeps settings as the real one does (some survive a reset, some do not), holds messages in
 * slots, sends what it is told to a list that a test reads, and fails in every way that facts and users told
 * us about.
 *
 * Order of use: ec25_new, ec25_power_on, then ec25_input / ec25_advance whenever bytes or a deadline come,
 * and ec25_output / ec25_consume until the output is empty.
 */
#ifndef EC25_MODEL_H
#define EC25_MODEL_H

#include "base/usec.h"
#include "ec25/pdu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ec25;

enum ec25_port { EC25_DIAG, EC25_NMEA, EC25_AT, EC25_MODEM, EC25_PORTS };

enum ec25_sim {
        EC25_SIM_READY,
        EC25_SIM_ABSENT,  /* CME 10 */
        EC25_SIM_BUSY,    /* CME 14 */
        EC25_SIM_FAILURE, /* CME 13, for good */
        EC25_SIM_DIP,     /* CME 13, until AT+CFUN=0 and =1 */
        EC25_SIM_PIN,
        EC25_SIM_PUK,
        EC25_SIMS
};

/* The numbers are those of +CREG. */
enum ec25_registration {
        EC25_REG_NONE,
        EC25_REG_HOME,
        EC25_REG_SEARCHING,
        EC25_REG_DENIED,
        EC25_REG_UNKNOWN,
        EC25_REG_ROAMING,
        EC25_REGISTRATIONS
};

/* May be combined. */
enum ec25_fault {
        EC25_FAULT_SPLIT = 1,   /* every answer falls apart into pieces of 1 to 7 bytes, 3 ms apart */
        EC25_FAULT_GARBAGE = 2, /* binary bytes in front of every answer */
        EC25_FAULT_URCS = 4,    /* an URC is glued to the front and the middle of every answer */
        EC25_FAULT_BINARY = 8,  /* DIAG answers with 7e frames instead of silence */
        EC25_FAULT_NMEA = 16,   /* NMEA sends $GP sentences once a second */
};

/* What AT+CMGS does with a good PDU. */
enum ec25_send { EC25_SEND_OK, EC25_SEND_NEVER, EC25_SEND_ERROR };

/* What ends a hang, besides ec25_wake and power: nothing, or leaving the bus as well. */
enum ec25_cure { EC25_CURE_USB, EC25_CURE_POWER };

/* What the model wants from its surroundings. */
enum ec25_wish {
        EC25_WISH_NONE,
        EC25_WISH_RESET, /* leave the bus, come back and power on again (AT+CFUN=1,1) */
        EC25_WISH_OFF,   /* leave the bus and stay away (AT+QPOWD) */
};

/* One message handed to AT+CMGS and accepted. */
struct ec25_sent {
        struct pdu_message message;
        unsigned number; /* 1, 2, ... */
        usec_t when;
};

/* -- life -- */

/* `number` makes the identity (IMEI, IMSI, ICCID) unique: 0..999. Returns 0 or -ENOMEM. The modem is off. */
int ec25_new(unsigned number, struct ec25 **ret_modem);
/* Takes NULL. Returns NULL. */
struct ec25 *ec25_free(struct ec25 *modem);

/* Power comes: silent for `boot`, then RDY and the boot URCs; SMS DONE and registration after a further half
 * of `boot`. */
void ec25_power_on(struct ec25 *modem, usec_t boot, usec_t now);
/* Power goes: output is forgotten, volatile settings are back to their defaults, messages and stored settings
 * stay. */
void ec25_power_off(struct ec25 *modem);
bool ec25_is_on(const struct ec25 *modem);
/* The modem restarts by itself without leaving the bus: RDY in the middle of a session. */
void ec25_self_reset(struct ec25 *modem, usec_t now);

/* -- bytes and time -- */

void ec25_input(struct ec25 *modem, enum ec25_port port, const void *bytes, size_t length, usec_t now);
/* Does what is due. Call it whenever ec25_next_deadline has passed; harmless in between. */
void ec25_advance(struct ec25 *modem, usec_t now);
/* The next moment after `now` (for which ec25_advance was called); USEC_INFINITY when only bytes can make
 * something happen. */
usec_t ec25_next_deadline(const struct ec25 *modem, usec_t now);
/* The next piece to write, as one write: valid until the next call on this modem. Returns its length, 0 when
 * none is due. */
size_t ec25_output(const struct ec25 *modem, enum ec25_port port, usec_t now, const void **ret_bytes);
void ec25_consume(struct ec25 *modem, enum ec25_port port, size_t length);
/* Nobody has the port open: what was waiting is lost, as with a USB tty. */
void ec25_discard(struct ec25 *modem, enum ec25_port port);
/* Asked once, forgotten. */
enum ec25_wish ec25_take_wish(struct ec25 *modem);

/* -- surroundings -- */

void ec25_set_sim(struct ec25 *modem, enum ec25_sim sim, usec_t now);
/* The PIN of the card, 4..8 digits; takes effect at the next power-on, or now when the SIM state is PIN.
 * -EINVAL. */
int ec25_set_pin(struct ec25 *modem, const char *pin);
void ec25_set_registration(struct ec25 *modem, enum ec25_registration registration, usec_t now);
/* 0..31 or 99. */
void ec25_set_signal(struct ec25 *modem, unsigned csq);
/* `key`: imei imsi iccid model manufacturer revision operator smsc. Any bytes, any length. -ENOENT: no such
 * key; -ENOMEM. */
int ec25_set_identity(struct ec25 *modem, const char *key, const void *value, size_t length);
const char *ec25_identity(const struct ec25 *modem, const char *key);
/* Slots of the ME storage, 1..255 (255), and the number of the first one (0; smsd looks from 1 on unless told
 * otherwise). */
void ec25_set_capacity(struct ec25 *modem, unsigned slots, unsigned first);

/* A message comes from the network. Kept back while unregistered or full. 0, -EINVAL, -EMSGSIZE, -ENOSPC
 * (1000 kept back). */
int ec25_receive(struct ec25 *modem, const char *sender, const char *text, int64_t unix_time, usec_t now);
/* Messages sent so far; `index` from 0. The pointer is valid until the next message is sent. */
size_t ec25_sent_count(const struct ec25 *modem);
const struct ec25_sent *ec25_sent(const struct ec25 *modem, size_t index);
/* Messages in ME slots, and kept back by the network. */
unsigned ec25_stored(const struct ec25 *modem);
unsigned ec25_kept_back(const struct ec25 *modem);

/* -- failures -- */

/* Swallows all input and says nothing. */
void ec25_hang(struct ec25 *modem, enum ec25_cure cure);
/* One port alone does that, until ec25_wake, a reset or power: the other one goes on. */
void ec25_mute(struct ec25 *modem, enum ec25_port port);
void ec25_wake(struct ec25 *modem);
bool ec25_hangs(const struct ec25 *modem);
enum ec25_cure ec25_hang_cure(const struct ec25 *modem);
/* Bits of enum ec25_fault. */
void ec25_set_faults(struct ec25 *modem, unsigned faults, usec_t now);
/* A command whose name begins with `command` ("AT+CSQ"; "*" all of them) is answered `delay` late; 0 forgets.
 * -ENOSPC. */
int ec25_set_delay(struct ec25 *modem, const char *command, usec_t delay);
/* `command` is answered with `answer` between line ends instead of being done: a final result, or with \r\n
 * inside information lines before it. NULL forgets. -ENOSPC. */
int ec25_set_answer(struct ec25 *modem, const char *command, const char *answer);
/* `error`: of +CMS ERROR with EC25_SEND_ERROR. `delay`: from the PDU to its result. */
void ec25_set_send(struct ec25 *modem, enum ec25_send send, unsigned error, usec_t delay);
/* A message whose text contains `text` crashes the modem: it hangs. NULL: no poison. -ENAMETOOLONG over 127
 * bytes. */
int ec25_set_poison(struct ec25 *modem, const char *text);
/* An URC, or any bytes, between \r\n, on the URC port. */
void ec25_urc(struct ec25 *modem, const char *text, usec_t now);

/* -- what the host did -- */

/* Commands seen whose text begins with `prefix` (upper case), on `port`, or on all of them with EC25_PORTS.
 */
unsigned ec25_commands(const struct ec25 *modem, enum ec25_port port, const char *prefix);
/* Walks the different commands seen: NULL when `index` is past the last. */
const char *ec25_command_at(const struct ec25 *modem, size_t index, unsigned ret_counts[static EC25_PORTS]);

/* -- words -- */
const char *ec25_sim_to_string(enum ec25_sim sim);
int ec25_sim_from_string(const char *text, enum ec25_sim *ret_sim); /* -EINVAL */
const char *ec25_registration_to_string(enum ec25_registration registration);
int ec25_registration_from_string(const char *text, enum ec25_registration *ret_registration); /* -EINVAL */
const char *ec25_port_to_string(enum ec25_port port);

#endif
