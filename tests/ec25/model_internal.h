/*
 * Inside the model: its state, and what its rooms say to each other. model.c lives and moves bytes,
 * model_at.c reads command lines, model_commands.c, model_sim.c and model_sms.c carry the commands out,
 * model_control.c is for the test's hand.
 */
#ifndef EC25_MODEL_INTERNAL_H
#define EC25_MODEL_INTERNAL_H

#include "base/cleanup.h"
#include "base/text.h"
#include "ec25/model.h"

#define LINE_SIZE     1024
#define SLOTS         255
#define COMMANDS_SEEN 512
#define RULES         16

/* The final result of a command. */
#define AT_OK         0
#define AT_ERROR      1
#define AT_PENDING    2 /* answered later, or by itself */
#define AT_CME(error) (1000 + (error))
#define AT_CMS(error) (2000 + (error))

enum at_kind { AT_EXECUTE, AT_READ, AT_TEST, AT_SET };

/* One command of a line: `AT+CSQ` and its like. */
struct at_call {
        enum ec25_port port;
        enum at_kind kind;
        const char *argument; /* after '=' */
        usec_t now;
};

typedef int (*at_handler)(struct ec25 *modem, const struct at_call *call);

struct at_command {
        const char *name; /* after AT */
        at_handler handler;
};

struct bytes {
        char *data;
        size_t length, capacity;
};

struct chunk {
        struct chunk *next;
        usec_t due;
        size_t length;
        size_t offset;
        char data[];
};

enum deed { DEED_BOOT, DEED_SIM, DEED_DONE, DEED_REGISTER, DEED_NMEA, DEED_DELIVER, DEEDS };

struct port {
        struct chunk *first, *last;
        struct bytes waiting; /* input that came while a command was being answered */
        struct bytes answer;  /* information lines of the line being answered */
        char line[LINE_SIZE];
        size_t length;
        bool echo, numeric; /* ATE, ATV0 */
        unsigned cmee;
        bool prompt;    /* after AT+CMGS: the PDU is coming */
        bool to_memory; /* ... of AT+CMGW */
        unsigned pdu_length;
        char destination[PDU_NUMBER_SIZE]; /* of text mode */
        usec_t busy_until;                 /* a late answer: USEC_INFINITY never */
        bool sending;                      /* what is late is the result of a PDU */
        bool held;                         /* busy_until belongs to a command held back by a delay rule */
        bool mute;                         /* swallows everything, this port alone */
};

enum slot_state { SLOT_UNREAD, SLOT_READ, SLOT_UNSENT, SLOT_SENT };

struct slot {
        char *pdu; /* NULL: free */
        unsigned tpdu_length;
        enum slot_state state;
};

struct storage {
        struct slot slots[SLOTS];
        unsigned capacity;
};

struct kept_back {
        struct kept_back *next;
        unsigned tpdu_length;
        char pdu[PDU_HEX_SIZE];
};

/* Kept in flash: a reset does not touch it. */
struct stored_settings {
        unsigned cmgf, csms, cnmi[5];
        unsigned memory[3]; /* index into memory_names */
        char urcport[16];
        unsigned usbnet, ims, nwscanmode;
        char pdp_type[8], apn[64]; /* of the first context */
        unsigned smsfull;
};

struct volatile_settings {
        unsigned creg, cgreg, cereg, cfun, cops_format;
        char cscs[16];
};

struct identity {
        char *data;
        size_t length;
};

enum { ID_IMEI, ID_IMSI, ID_ICCID, ID_MODEL, ID_MANUFACTURER, ID_REVISION, ID_OPERATOR, ID_SMSC, IDENTITIES };

struct rule {
        char command[48];
        usec_t delay;
        char answer[96]; /* empty: the command is done */
};

struct seen {
        char text[64];
        unsigned counts[EC25_PORTS];
};

struct ec25 {
        bool on, booted, hangs, dip, ready;
        enum ec25_cure cure;
        usec_t boot;
        usec_t deeds[DEEDS];
        unsigned inistat;
        enum ec25_wish wish;

        struct identity identity[IDENTITIES];
        struct stored_settings stored;
        struct volatile_settings settings;

        enum ec25_sim sim;
        bool pin_wanted;
        char pin[9];
        unsigned pin_left, puk_left;
        enum ec25_registration registration; /* of the network */
        bool attached;                       /* ... reached by us */
        unsigned signal;

        struct storage storages[2]; /* ME, SM */
        struct kept_back *kept_back;
        unsigned kept_back_count;
        bool full_told;
        unsigned first_slot;
        unsigned message_reference;
        struct ec25_sent *sent;
        size_t sent_count, sent_capacity;

        unsigned faults;
        struct rule rules[RULES];
        enum ec25_send send;
        unsigned send_error;
        usec_t send_delay;
        char poison[128];

        struct port ports[EC25_PORTS];
        struct seen seen[COMMANDS_SEEN];
        size_t seen_count;
};

/* -- model.c: bytes -- */
void bytes_append(struct bytes *bytes, const void *data, size_t length);
void bytes_free(struct bytes *bytes);
/* Bytes to the host, not earlier than `due`. */
void port_emit(struct ec25 *modem, enum ec25_port port, const void *data, size_t length, usec_t due);
/* An information line of the answer to come. */
void answer_line(struct ec25 *modem, const struct at_call *call, const char *format, ...) _printf_(3, 4);
void answer_bytes(struct ec25 *modem, const struct at_call *call, const char *prefix, const void *data,
                  size_t length);
void urc_format(struct ec25 *modem, usec_t now, const char *format, ...) _printf_(3, 4);
void deed_at(struct ec25 *modem, enum deed deed, usec_t when);
/* The prompt is taken back, volatile settings and the dialogue of every port start anew. */
void modem_forget(struct ec25 *modem);

/* -- model_at.c -- */
/* Feeds the line editor; answers what is complete. */
void at_input(struct ec25 *modem, enum ec25_port port, const char *data, size_t length, usec_t now);
/* A late answer is due. */
void at_continue(struct ec25 *modem, enum ec25_port port, usec_t now);
/* Ends the dialogue of a command: `result` is one of AT_*. */
void at_finish(struct ec25 *modem, enum ec25_port port, int result, usec_t now);
const struct rule *rule_find(const struct ec25 *modem, const char *command);
/* The parameter at `index` (from 0) without its quotes; false when there is none. */
bool argument_text(const char *argument, unsigned index, char *target, size_t size);
bool argument_number(const char *argument, unsigned index, unsigned maximum, unsigned *ret_value);

extern const struct at_command general_commands[], sim_commands[], sms_commands[];

/* -- model_commands.c -- */
void settings_default(struct ec25 *modem);
enum ec25_registration registration_now(const struct ec25 *modem);
void registration_tell(struct ec25 *modem, usec_t now);

/* -- model_sim.c -- */
/* The SIM is read (power-on, CFUN=1, a card put in): what follows is told by URCs. */
void sim_start(struct ec25 *modem, usec_t now);
void sim_ready(struct ec25 *modem, usec_t now);
void sim_done(struct ec25 *modem, usec_t now);
bool sim_is_ready(const struct ec25 *modem);
/* AT_OK, or the error that a command needing the SIM gets. */
int sim_cme(const struct ec25 *modem);
int sim_cms(const struct ec25 *modem);

/* -- model_sms.c -- */
void sms_pdu(struct ec25 *modem, enum ec25_port port, char *text, usec_t now);
void sms_result(struct ec25 *modem, enum ec25_port port, usec_t now);
void sms_deliver(struct ec25 *modem, usec_t now);
void sms_free(struct ec25 *modem);

#endif
