/*
 * Synchronous calls of systemd's manager, see adapters/systemd_manager.h.
 */
#include "adapters/systemd_manager.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#define SERVICE        "org.freedesktop.systemd1"
#define OBJECT         "/org/freedesktop/systemd1"
#define MANAGER        SERVICE ".Manager"
#define PRIVATE_SOCKET "unix:path=/run/systemd/private"
#define CALL_TIMEOUT   (5 * USEC_PER_SEC)

struct systemd_manager {
        sd_bus *bus;
};

/* Peer to peer: no bus daemon, no names, no Hello. */
static int open_private(sd_bus **ret)
{
        sd_bus *bus = NULL;
        int r = sd_bus_new(&bus);

        if (r >= 0)
                r = sd_bus_set_address(bus, PRIVATE_SOCKET);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0) {
                (void)sd_bus_unref(bus);
                return r;
        }
        *ret = bus;
        return 0;
}

int systemd_manager_new(struct systemd_manager **ret)
{
        struct systemd_manager *manager;

        if (sd_booted() <= 0)
                return -ENOTCONN;
        manager = calloc(1, sizeof(*manager));
        if (!manager)
                return -ENOMEM;
        int r = sd_bus_open_system(&manager->bus);
        if (r < 0)
                r = open_private(&manager->bus);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(manager->bus, CALL_TIMEOUT);
        if (r < 0) {
                (void)systemd_manager_free(manager);
                return r;
        }
        *ret = manager;
        return 0;
}

struct systemd_manager *systemd_manager_free(struct systemd_manager *manager)
{
        if (manager) {
                (void)sd_bus_flush_close_unref(manager->bus);
                free(manager);
        }
        return NULL;
}

static void tell(const sd_bus_error *error, int r, char *problem, size_t size)
{
        const char *words = error->message ? error->message : strerror(-r);

        (void)text_escape(problem, size, words, strlen(words));
}

int systemd_manager_job(struct systemd_manager *manager, const char *method, const char *unit, char *problem,
                        size_t size)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_call_method(manager->bus, SERVICE, OBJECT, MANAGER, method, &error, NULL, "ss", unit,
                                   "replace");

        if (r < 0)
                tell(&error, r, problem, size);
        sd_bus_error_free(&error);
        return r < 0 ? r : 0;
}

int systemd_manager_reload(struct systemd_manager *manager, char *problem, size_t size)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_call_method(manager->bus, SERVICE, OBJECT, MANAGER, "Reload", &error, NULL, "");

        if (r < 0)
                tell(&error, r, problem, size);
        sd_bus_error_free(&error);
        return r < 0 ? r : 0;
}

static int read_active_state(struct systemd_manager *manager, const char *unit_object, char *state,
                             size_t size)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        char *value = NULL;
        int r = sd_bus_get_property_string(manager->bus, SERVICE, unit_object, SERVICE ".Unit", "ActiveState",
                                           &error, &value);

        sd_bus_error_free(&error);
        if (r >= 0)
                r = text_copy(state, size, value);
        free(value);
        return r;
}

/* GetUnit knows loaded units only, and an active one always is. */
int systemd_manager_is_active(struct systemd_manager *manager, const char *unit)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        const char *object = NULL;
        char state[32] = "";
        int r =
            sd_bus_call_method(manager->bus, SERVICE, OBJECT, MANAGER, "GetUnit", &error, &reply, "s", unit);

        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &object);
        if (r >= 0)
                r = read_active_state(manager, object, state, sizeof(state));
        bool missing = r < 0 && sd_bus_error_has_name(&error, SERVICE ".NoSuchUnit");
        (void)sd_bus_message_unref(reply);
        sd_bus_error_free(&error);
        if (missing)
                return 0;
        return r < 0 ? r
                     : text_equal(state, "active") || text_equal(state, "activating") ||
                           text_equal(state, "reloading");
}

int systemd_manager_is_stopping(struct systemd_manager *manager)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        char *state = NULL;
        int r =
            sd_bus_get_property_string(manager->bus, SERVICE, OBJECT, MANAGER, "SystemState", &error, &state);
        bool stopping = r >= 0 && text_equal(state, "stopping");

        sd_bus_error_free(&error);
        free(state);
        return r < 0 ? r : stopping;
}
