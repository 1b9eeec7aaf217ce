/* What the files of adapters/unit_manager share. */
#ifndef UNIT_MANAGER_PRIVATE_H
#define UNIT_MANAGER_PRIVATE_H

#include "adapters/unit_manager.h"

#include <systemd/sd-bus.h>

#define MANAGER_NAME      "org.freedesktop.systemd1"
#define MANAGER_PATH      "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE MANAGER_NAME ".Manager"
#define UNIT_INTERFACE    MANAGER_NAME ".Unit"
#define SERVICE_INTERFACE MANAGER_NAME ".Service"
#define PROPERTIES        "org.freedesktop.DBus.Properties"

struct unit_manager {
        sd_bus *bus;
        bool stopping;
        char error_name[128]; /* of the last call that was refused, "" none */
        char error_text[256]; /* escaped */
};

/* CLOCK_MONOTONIC, as sd-bus counts. */
usec_t unit_manager_now(void);

/* Handles what has come, and waits for more until `deadline`. 0: go on; -ETIMEDOUT; else the connection's
 * end. */
int unit_manager_turn(struct unit_manager *m, usec_t deadline);

/*
 * Sends `message` and waits for its answer until `deadline`. 0 with *ret_reply to unref (may be NULL: not
 * wanted); -ETIMEDOUT; the errno of an error that was answered, with error_name and error_text.
 */
int unit_manager_call(struct unit_manager *m, sd_bus_message *message, usec_t deadline,
                      sd_bus_message **ret_reply);

/* One property as a variant's content. */
int unit_manager_get(struct unit_manager *m, const char *path, const char *interface, const char *property,
                     const char *type, usec_t deadline, sd_bus_message **ret_reply);

/* GetUnit or LoadUnit. -ENOENT: not loaded. */
int unit_manager_path(struct unit_manager *m, const char *method, const char *unit, usec_t deadline,
                      char ret_path[256]);

static inline void cleanup_message(sd_bus_message **message)
{
        *message = sd_bus_message_unref(*message);
}

static inline void cleanup_slot(sd_bus_slot **slot)
{
        *slot = sd_bus_slot_unref(*slot);
}

#define _cleanup_message_ _cleanup_(cleanup_message)
#define _cleanup_slot_    _cleanup_(cleanup_slot)

#endif
