/*
 * What the scenarios have in common: the software EC25 on the guest's USB, SMS through it, smswarden's word.
 * It is all done by commands in the guest that a person could type. The software modem is a unit of the
 * guest, softec25.service, that works in /run/ec25 with four modems, 0 to 3; its commands:
 * tests/ec25/README.md.
 */
#ifndef TESTS_SYSTEM_SCENARIO_H
#define TESTS_SYSTEM_SCENARIO_H

#include "machine.h"

/* A command to the software EC25, which is started when it does not run; returns its answer. A command must
 * not hold an apostrophe. */
const char *scenario_modem(struct machine *m, const char *format, ...) _printf_(2, 3);
/* Plugs modem 0..3 in (options of softec25's plug, "" for none) and waits until udev is done with it. */
void scenario_plug(struct machine *m, unsigned modem, const char *options);
void scenario_unplug(struct machine *m, unsigned modem);
/* From the next boot on the modems are in, not now: a line per command of softec25 ("plug 0\n"). */
void scenario_modems_at_boot(struct machine *m, const char *commands);

/* Until `smswarden status` says WORKING. */
void scenario_working(struct machine *m);
/* An SMS through /var/spool/sms/outgoing; returns when the modem has sent it, exactly once. */
void scenario_send(struct machine *m, unsigned modem, const char *text);
/* An SMS from the network; returns when it is in /var/spool/sms/incoming. */
void scenario_receive(struct machine *m, unsigned modem, const char *text);

#endif
