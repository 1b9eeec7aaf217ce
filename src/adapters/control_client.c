/*
 * The client of the control bus, see adapters/control_client.h. Connects to the peer bus by itself instead of
 * by an address, so that every wait has our deadline: a controller that is stopped or hangs must not hang a
 * tired person's terminal.
 */
#include "adapters/control_client.h"

#include "bus_snapshot.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <time.h>

#define NAME       "org.smswarden.Gateway1"
#define SYSTEM_BUS "unix:path=/run/dbus/system_bus_socket"
#define OBJECT     "/org/smswarden/Gateway1"
#define INTERFACE  "org.smswarden.Gateway1"

struct control_client {
        sd_bus *bus;
        bool system; /* over the system bus */
};

static void drop_message(sd_bus_message **message)
{
        *message = sd_bus_message_unref(*message);
}

/* A full backlog makes connect() wait: bounded by the socket's own timeout. */
static int connect_socket(const char *path, usec_t timeout)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct timeval limit = {.tv_sec = (time_t)(timeout / USEC_PER_SEC),
                                .tv_usec = (suseconds_t)(timeout % USEC_PER_SEC)};
        int r = text_copy(address.sun_path, sizeof(address.sun_path), path);

        if (r < 0)
                return r;
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return errno == EAGAIN ? -ETIMEDOUT : -errno;
        int connected = fd;
        fd = -1;
        return connected;
}

/* Until the D-Bus handshake is done. sd_bus_call() would wait 90 s for it. */
static int wait_until_ready(sd_bus *bus, usec_t deadline)
{
        int r;

        while ((r = sd_bus_is_ready(bus)) == 0) {
                usec_t now = clock_monotonic();
                if (now >= deadline)
                        return -ETIMEDOUT;
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, deadline - now);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : 0;
}

static int start_bus(struct control_client *client, int taken_fd, usec_t deadline)
{
        _cleanup_close_ int fd = taken_fd;
        int r = sd_bus_new(&client->bus);

        if (r >= 0)
                r = sd_bus_set_fd(client->bus, fd, fd);
        if (r < 0)
                return r;
        fd = -1;
        r = sd_bus_start(client->bus);
        return r < 0 ? r : wait_until_ready(client->bus, deadline);
}

int control_client_connect(struct control_client **ret, const char *socket_path, usec_t timeout)
{
        _cleanup_(control_client_cleanup) struct control_client *client = calloc(1, sizeof(*client));
        usec_t deadline = usec_add(clock_monotonic(), timeout);

        if (!client)
                return -ENOMEM;
        int fd = connect_socket(socket_path, timeout);
        if (fd < 0)
                return fd;
        int r = start_bus(client, fd, deadline);
        if (r < 0)
                return r;
        *ret = client;
        client = NULL;
        return 0;
}

static int start_system_bus(struct control_client *client, usec_t deadline)
{
        const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
        int r = sd_bus_new(&client->bus);

        client->system = true;
        if (r >= 0)
                r = sd_bus_set_address(client->bus, address ? address : SYSTEM_BUS);
        if (r >= 0)
                r = sd_bus_set_bus_client(client->bus, 1);
        if (r >= 0)
                r = sd_bus_start(client->bus);
        return r < 0 ? r : wait_until_ready(client->bus, deadline);
}

int control_client_connect_system(struct control_client **ret, usec_t timeout)
{
        _cleanup_(control_client_cleanup) struct control_client *client = calloc(1, sizeof(*client));

        if (!client)
                return -ENOMEM;
        int r = start_system_bus(client, usec_add(clock_monotonic(), timeout));
        if (r < 0)
                return r;
        *ret = client;
        client = NULL;
        return 0;
}

struct control_client *control_client_free(struct control_client *client)
{
        if (!client)
                return NULL;
        client->bus = sd_bus_close_unref(client->bus);
        free(client);
        return NULL;
}

/* Looking at a gateway does not start it. */
static int new_call(struct control_client *client, const char *member, sd_bus_message **ret)
{
        _cleanup_(drop_message) sd_bus_message *call = NULL;
        int r = sd_bus_message_new_method_call(client->bus, &call, client->system ? NAME : NULL, OBJECT,
                                               INTERFACE, member);

        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, 0);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(call, client->system);
        if (r < 0)
                return r;
        *ret = call;
        call = NULL;
        return 0;
}

/* "no such name" has two names, for names that could be started and others. */
static int call_error(int error)
{
        return error == -ENXIO ? -EHOSTUNREACH : error;
}

int control_client_snapshot(struct control_client *client, usec_t timeout, struct snapshot *ret_snapshot)
{
        _cleanup_(drop_message) sd_bus_message *call = NULL;
        _cleanup_(drop_message) sd_bus_message *reply = NULL;
        _cleanup_free_ struct snapshot *snapshot = malloc(sizeof(*snapshot));

        if (!snapshot)
                return -ENOMEM;
        int r = new_call(client, "Snapshot", &call);
        if (r >= 0)
                r = sd_bus_call(client->bus, call, timeout, NULL, &reply);
        if (r < 0)
                return call_error(r);
        if (bus_snapshot_read(reply, snapshot) < 0)
                return -EBADMSG;
        *ret_snapshot = *snapshot;
        return 0;
}

/* What a person typed may be anything; D-Bus takes UTF-8 only. */
static int append_text(sd_bus_message *message, const char *text)
{
        char clean[512];
        int r = strlen(text) < sizeof(clean) ? sd_bus_message_append_basic(message, 's', text) : -EINVAL;

        if (r != -EINVAL)
                return r;
        (void)text_clean(clean, sizeof(clean), text); /* cut, if need be: the daemon keeps less than that */
        return sd_bus_message_append_basic(message, 's', clean);
}

static int append_arguments(sd_bus_message *call, const struct control_request *request)
{
        if (request->kind == COMMAND_TEST_ALERT)
                return append_text(call, request->receiver ? request->receiver : "");
        if (request->kind == COMMAND_RESET_MODEM) {
                int named = append_text(call, request->modem ? request->modem : "");
                return named < 0 ? named : append_text(call, request->step ? request->step : "");
        }
        int r = request->kind == COMMAND_STOP ? sd_bus_message_append(call, "t", request->duration) : 0;
        if (r >= 0)
                r = append_text(call, request->reason ? request->reason : "");
        return r < 0 ? r : sd_bus_message_append(call, "b", (int)request->force);
}

static int make_call(struct control_client *client, const struct control_request *request,
                     sd_bus_message **ret)
{
        static const char *const members[] = {[COMMAND_STOP] = "Stop",
                                              [COMMAND_START] = "Start",
                                              [COMMAND_RESTART] = "Restart",
                                              [COMMAND_TEST_ALERT] = "TestAlert",
                                              [COMMAND_RESET_MODEM] = "ResetModem"};
        _cleanup_(drop_message) sd_bus_message *call = NULL;
        int r = new_call(client, members[request->kind], &call);

        if (r >= 0)
                r = append_arguments(call, request);
        if (r < 0)
                return r;
        *ret = call;
        call = NULL;
        return 0;
}

int control_client_command(struct control_client *client, const struct control_request *request,
                           usec_t timeout, int *ret_result, char *ret_message, size_t size)
{
        _cleanup_(drop_message) sd_bus_message *call = NULL;
        _cleanup_(drop_message) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *message = "";
        int result = 0;

        int r = make_call(client, request, &call);
        if (r < 0)
                return r;
        r = sd_bus_call(client->bus, call, timeout, &error, &reply);
        if (r < 0) {
                (void)text_clean(ret_message, size, error.message ? error.message : "");
                return sd_bus_error_has_name(&error, SD_BUS_ERROR_LIMITS_EXCEEDED) ? -EBUSY : call_error(r);
        }
        if (sd_bus_message_read(reply, "is", &result, &message) < 0)
                return -EBADMSG;
        (void)text_clean(ret_message, size, message);
        *ret_result = result;
        return 0;
}
