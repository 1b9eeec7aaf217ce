/*
 * One information line of a modem's answer into the fact it states. Each function takes a line as at_parser
 * hands it out and returns true when the line was its answer and a fact was taken over; a line of another
 * shape, or with a value out of range, changes nothing. What is stored is clean: digits are digits, text is
 * printable ASCII and bounded by the field.
 */
#ifndef CORE_AT_ANSWERS_H
#define CORE_AT_ANSWERS_H

#include "core/at_parser.h"
#include "core/modem_facts.h"

#include <stdbool.h>

/* ATI, a line at a time: "Manufacturer:", "Model:", "Revision:" where labelled, else maker first and model
 * second. */
bool at_answer_identity(struct modem_facts *facts, const char *text);
bool at_answer_imei(struct modem_facts *facts,
                    const char *text); /* AT+CGSN: 14..15 digits, a prefix is fine */
bool at_answer_imsi(struct modem_facts *facts,
                    const char *text); /* AT+CIMI: 6..15 digits, never the IMEI again */
bool at_answer_iccid(struct modem_facts *facts,
                     const char *text); /* +QCCID: +ICCID: +CCID: 18..22 digits, filler F dropped */
bool at_answer_sim(struct modem_facts *facts, const char *text);           /* +CPIN: */
bool at_answer_pin_attempts(struct modem_facts *facts, const char *text);  /* +QPINC: "SC",3,10 */
bool at_answer_init_status(struct modem_facts *facts, const char *text);   /* +QINISTAT: */
bool at_answer_functionality(struct modem_facts *facts, const char *text); /* +CFUN: */
/* +CREG: or +CEREG: as the answer to the read command (<n>,<stat>,...). Registered in one domain is never
 * undone by the other. */
bool at_answer_registration(struct modem_facts *facts, const char *text);
bool at_answer_operator(struct modem_facts *facts, const char *text); /* +COPS: name and technology */
bool at_answer_signal(struct modem_facts *facts, const char *text);   /* +CSQ: */
bool at_answer_storage(struct modem_facts *facts, const char *text);
/* True when what comes in is stored where AT+CMGD deletes: the first of its three storages is the third. */
bool at_answer_is_one_storage(const char *text); /* +CPMS: the storage for received messages */
bool at_answer_network(struct modem_facts *facts, const char *text); /* +QNWINFO: band */

/* What a refused AT+CPIN? says about the SIM, by its CME number (-1: a plain ERROR, SIM_UNKNOWN). */
enum sim_state at_answer_sim_error(int cme);

/* The same from the final line itself, also in the words of AT+CMEE=2. */
enum sim_state at_answer_sim_refusal(const struct at_line *line);

bool at_answer_no_service(const char *text, bool *ret_none); /* +QCSQ: "NOSERVICE" or a technology */
/* +QCFG: "ims",<0 by carrier, 1 on, 2 off>[,<0 or 1: in use>]; *ret_active stays when that is missing. */
bool at_answer_ims(const char *text, int *ret_setting, int *ret_active);
bool at_answer_temperature(const char *text, int *ret_hottest); /* +QTEMP: 37,34,35: degrees, -60..200 */

#endif
