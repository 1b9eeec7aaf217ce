/*
 * What a modem told about itself. Every value was checked when it was taken over (digits are digits, text is
 * printable ASCII); "" or -1 or UNKNOWN means not known.
 */
#ifndef CORE_MODEM_FACTS_H
#define CORE_MODEM_FACTS_H

#include <stdbool.h>

enum sim_state { SIM_UNKNOWN, SIM_READY, SIM_PIN, SIM_PUK, SIM_ABSENT, SIM_BUSY, SIM_FAILURE };
enum registration {
        REGISTRATION_UNKNOWN,
        REGISTRATION_NONE,
        REGISTRATION_HOME,
        REGISTRATION_SEARCHING,
        REGISTRATION_DENIED,
        REGISTRATION_ROAMING
};

struct modem_facts {
        char manufacturer[32];
        char model[32];
        char firmware[48];
        char imei[16];  /* 14..15 digits */
        char imsi[16];  /* 6..15 digits */
        char iccid[24]; /* 18..22 digits, filler F removed */
        enum sim_state sim;
        int pin_attempts; /* left for PIN1 (AT+QPINC), -1 unknown */
        enum registration registration;
        char operator_name[32];
        char technology[16]; /* "LTE", "UTRAN", "GSM" ... from AT+COPS? <AcT>, 3GPP 27.007 7.3 */
        char band[24];
        int signal_dbm;   /* 2n-113 from +CSQ, 0 unknown */
        int storage_used; /* receive storage of AT+CPMS?, -1 unknown */
        int storage_total;
        int functionality; /* AT+CFUN?, -1 unknown */
        int init_status;   /* AT+QINISTAT bits: 1 CPIN READY, 2 SMS DONE, 4 PB DONE; -1 unknown */
};

/* All values unknown. */
void modem_facts_init(struct modem_facts *facts);

const char *sim_state_to_string(enum sim_state state);       /* unknown ready pin puk absent busy failure */
const char *registration_to_string(enum registration value); /* unknown none home searching denied roaming */
/* The inverse; -EINVAL for an unknown word. */
int sim_state_from_string(const char *text, enum sim_state *ret_state);

#endif
