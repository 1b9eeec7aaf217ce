/* What the files of adapters/systemd_manager share. */
#ifndef SYSTEMD_MANAGER_PRIVATE_H
#define SYSTEMD_MANAGER_PRIVATE_H

#include "adapters/systemd_manager.h"
#include "base/cleanup.h"

#include <systemd/sd-bus.h>

#define MANAGER_NAME      "org.freedesktop.systemd1"
#define MANAGER_PATH      "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE MANAGER_NAME ".Manager"
#define UNIT_INTERFACE    MANAGER_NAME ".Unit"
#define SERVICE_INTERFACE MANAGER_NAME ".Service"
#define PROPERTIES        "org.freedesktop.DBus.Properties"

struct systemd_manager {
        sd_bus *bus;
        usec_t timeout;       /* of each call */
        char error_name[128]; /* of the last call when it was refused, "" else */
        char error_text[256]; /* systemd's words, escaped */
};

/* When a call that begins now must be over, on CLOCK_MONOTONIC, as sd-bus counts. */
usec_t systemd_manager_deadline(const struct systemd_manager *manager);

/*
 * Sends `message` and waits for its answer until `deadline`. 0 with *ret_reply to unref (ret_reply may be
 * NULL); -ETIMEDOUT; the errno of an error that was answered, with error_name and error_text.
 */
int systemd_manager_call(struct systemd_manager *manager, sd_bus_message *message, usec_t deadline,
                         sd_bus_message **ret_reply);

/* The unit's object, by GetUnit or LoadUnit. -ENOENT: GetUnit knows loaded units only. */
int systemd_manager_path(struct systemd_manager *manager, const char *method, const char *unit,
                         usec_t deadline, char ret_path[256]);

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
