/* The kernel's word that the network has changed: an address, a route or a link came or went. */
#ifndef NOTIFY_NETWORK_H
#define NOTIFY_NETWORK_H

#include <systemd/sd-event.h>

/* Several changes are told as one, and some in ten seconds at the most. *ret owns the descriptor. 0, or what
 * the system says: without it there is just nothing to hear. */
int network_watch(sd_event_source **ret, sd_event *event, sd_event_io_handler_t changed, void *userdata);

/* For `changed`: takes what was said. */
void network_drain(int fd);

#endif
