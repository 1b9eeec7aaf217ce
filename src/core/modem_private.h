/* Shared by the files of core/modem: its port and its state. */
#ifndef CORE_MODEM_PRIVATE_H
#define CORE_MODEM_PRIVATE_H

#include "core/modem.h"

/* A setup that runs on it ends with it. */
void modem_close_port(struct modem *modem, unsigned index, struct action_list *actions);
/* Nothing is due by time afterwards. */
void modem_set_state(struct modem *modem, enum modem_state state, const char *reason);
/* A new probe from `now` on; a setup that was due is judged anew after it. */
void modem_begin_probing(struct modem *modem, usec_t now);

#endif
