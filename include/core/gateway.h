/*
 * The gateway: all decisions, as a function of events and time. No fd, no clock, no library.
 *
 *   gateway_new(config) -> gateway_step(gateway, event, now, actions) ... -> gateway_free
 *
 * After each step the caller carries the actions out in order, reports their results as events, and arms one
 * timer for gateway_next_deadline(). The first events are what an earlier life left (EVENT_MODEM_RECORD,
 * EVENT_HOLD_FOUND, EVENT_ALERT_FOUND, EVENT_SMS_FOUND), then gateway_begin().
 */
#ifndef CORE_GATEWAY_H
#define CORE_GATEWAY_H

#include "base/usec.h"
#include "core/action.h"
#include "core/event.h"
#include "core/snapshot.h"

struct gateway;

/* NULL when out of memory. `config` is copied, and its table of profiles. */
struct gateway *gateway_new(const struct config *config);

/* Takes NULL, returns NULL. */
struct gateway *gateway_free(struct gateway *gateway);

/* The box's name, for an alert by SMS; "" (as it begins) none. Before gateway_begin(). */
void gateway_set_host(struct gateway *gateway, const char *host);

/* Asks for the first picture of the world: smsd.conf, processes, flag. Devices are reported by the caller up
 * to EVENT_USB_ENUMERATED. */
void gateway_begin(struct gateway *gateway, usec_t now, struct action_list *actions);

/* One event at `now` (CLOCK_BOOTTIME). The list is initialised here. */
void gateway_step(struct gateway *gateway, const struct event *event, usec_t now,
                  struct action_list *actions);

/* When EVENT_TIMER is wanted at the latest; USEC_INFINITY: only an event can change anything. */
usec_t gateway_next_deadline(const struct gateway *gateway);

/* The part of it at which time alone may change something; the rest are the looks at smsd and its modems,
 * which repeat as long as nothing changes. */
usec_t gateway_change_deadline(const struct gateway *gateway);

/* The state for people and programs. `realtime_offset` = wall clock - CLOCK_BOOTTIME in microseconds, so that
 * times can be shown. */
void gateway_snapshot(const struct gateway *gateway, usec_t now, int64_t realtime_offset,
                      struct snapshot *ret_snapshot);

/* As gateway_snapshot(), but only the verdict with its words, and `hold`; the rest, a hundred times as much,
 * is left as it is. For whoever asks after each step. */
void gateway_snapshot_verdict(const struct gateway *gateway, usec_t now, int64_t realtime_offset,
                              struct snapshot *ret_snapshot);

/* A small digest of the state for invariants in tests: is a run of the path in progress, is a hold active. */
bool gateway_is_held(const struct gateway *gateway);
bool gateway_is_restarting(const struct gateway *gateway);
/* Something is wrong, or its end is awaited: time alone may bring a message. */
bool gateway_has_alerts(const struct gateway *gateway);

#endif
