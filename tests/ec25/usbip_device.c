/*
 * Messages come in any pieces and are put together in one buffer; answers leave at once or, when the socket
 * is full, from a second one. The second has a bound as well: a kernel that asks and never reads is not worth
 * memory.
 */
#include "ec25/usbip_device.h"

#include "base/cleanup.h"
#include "ec25/usb_control.h"
#include "ec25/usbip.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define OUTPUT_LIMIT (4u << 20)

struct usbip_device {
        int fd, failure; /* failure: of a write outside usbip_device_dispatch */
        const struct usbip_events *events;
        void *userdata;
        struct usb_control control;
        struct usbip_table table;
        bool open[COMPOSITION_INTERFACES], broken;
        uint8_t input[USBIP_HEADER + USBIP_TRANSFER];
        size_t received;
        uint8_t *output;
        size_t unsent, capacity;
};

int usbip_device_new(int fd, const struct composition *composition, const struct usbip_events *events,
                     void *userdata, struct usbip_device **ret_device)
{
        int flags = fcntl(fd, F_GETFL);
        struct usbip_device *device =
            flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? NULL : calloc(1, sizeof(*device));

        if (!device) {
                int r = -errno;
                close_fd(fd);
                return r;
        }
        device->fd = fd;
        device->events = events;
        device->userdata = userdata;
        device->control.composition = composition;
        *ret_device = device;
        return 0;
}

struct usbip_device *usbip_device_free(struct usbip_device *device)
{
        if (!device)
                return NULL;
        close_fd(device->fd);
        free(device->output);
        free(device);
        return NULL;
}

int usbip_device_fd(const struct usbip_device *device)
{
        return device->fd;
}

/* -- answers -- */

static int keep(struct usbip_device *device, const uint8_t *bytes, size_t length)
{
        if (device->unsent + length > OUTPUT_LIMIT)
                return -ENOBUFS;
        if (device->unsent + length > device->capacity) {
                size_t capacity = (device->unsent + length) * 2;
                uint8_t *output = realloc(device->output, capacity);
                if (!output)
                        return -ENOMEM;
                device->output = output;
                device->capacity = capacity;
        }
        memcpy(device->output + device->unsent, bytes, length);
        device->unsent += length;
        return 0;
}

/* Returns how much left now. */
static ssize_t push(struct usbip_device *device, const uint8_t *bytes, size_t length)
{
        ssize_t sent = send(device->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        return sent;
}

static int flush(struct usbip_device *device)
{
        if (!device->unsent)
                return 0;
        ssize_t sent = push(device, device->output, device->unsent);
        if (sent < 0)
                return (int)sent;
        device->unsent -= (size_t)sent;
        memmove(device->output, device->output + sent, device->unsent);
        return 0;
}

static int transmit(struct usbip_device *device, const uint8_t *bytes, size_t length)
{
        ssize_t sent = device->unsent ? 0 : push(device, bytes, length);

        if (sent < 0)
                return (int)sent;
        return (size_t)sent == length ? 0 : keep(device, bytes + sent, length - (size_t)sent);
}

/* `data`: of an IN request, or NULL. One write for both, so that a kernel thread wakes once. */
static int reply(struct usbip_device *device, uint32_t seqnum, int status, const void *data, size_t length)
{
        uint8_t message[USBIP_HEADER + USBIP_TRANSFER];

        usbip_encode_submit(message, seqnum, status, length);
        if (data)
                memcpy(message + USBIP_HEADER, data, length);
        return transmit(device, message, USBIP_HEADER + (data ? length : 0));
}

/* -- endpoint 0 -- */

static void tell_changes(struct usbip_device *device, const struct usb_control *before)
{
        const struct usb_control *now = &device->control;

        for (size_t i = 0; i < now->composition->count; i++)
                if (before->lines[i] != now->lines[i] && before->configuration == now->configuration)
                        device->events->line_state(device->userdata, i, now->lines[i]);
        if (before->configuration != now->configuration) {
                memset(device->open, 0, sizeof(device->open));
                device->events->configured(device->userdata, now->configuration != 0);
        }
}

static int answer_control(struct usbip_device *device, const struct usbip_request *request,
                          const uint8_t *data)
{
        const struct usb_control before = device->control;
        uint8_t bytes[USB_CONTROL_REPLY];
        int r = usb_control(&device->control, request->setup, data, usbip_data_length(request), bytes);

        if (r < 0)
                return reply(device, request->seqnum, r, NULL, 0);
        tell_changes(device, &before);
        if (!request->in)
                return reply(device, request->seqnum, 0, NULL, request->length);
        return reply(device, request->seqnum, 0, bytes,
                     (size_t)r < request->length ? (size_t)r : request->length);
}

/* -- the other endpoints -- */

static int take_out(struct usbip_device *device, const struct usbip_request *request, size_t interface,
                    const uint8_t *data)
{
        if (device->broken)
                return reply(device, request->seqnum, -EPROTO, NULL, 0);
        if (request->length)
                device->events->received(device->userdata, interface, data, request->length);
        return reply(device, request->seqnum, 0, NULL, request->length);
}

/* 0: it has none. */
static uint8_t bulk_in(const struct composition *composition, size_t interface)
{
        const char *endpoints = composition->interfaces[interface].endpoints, *at = strchr(endpoints, 'b');

        return at ? composition_endpoint(composition, interface, (size_t)(at - endpoints)) : 0;
}

static int answer_endpoint(struct usbip_device *device, const struct usbip_request *request,
                           const uint8_t *data)
{
        uint8_t address = (uint8_t)(request->endpoint | (request->in ? 0x80 : 0));
        size_t interface;

        if (!device->control.configuration || usb_control_is_halted(&device->control, address) ||
            usb_endpoint_find(device->control.composition, address, &interface) < 0)
                return reply(device, request->seqnum, -EPIPE, NULL, 0);
        if (!request->in)
                return take_out(device, request, interface, data);
        if (address == bulk_in(device->control.composition, interface))
                device->open[interface] = true;
        return usbip_table_add(&device->table, &(struct usbip_waiting){.seqnum = request->seqnum,
                                                                       .length = request->length,
                                                                       .endpoint = address});
}

/* A driver that closes its port takes all of its requests back, one by one, those of the interrupt endpoint
 * too: the last bulk one may just have been answered instead. */
static void note_unlinked(struct usbip_device *device, size_t interface)
{
        if (!device->open[interface] ||
            usbip_table_has(&device->table, bulk_in(device->control.composition, interface)))
                return;
        device->open[interface] = false;
        device->events->closed(device->userdata, interface);
}

static int answer_unlink(struct usbip_device *device, const struct usbip_request *request)
{
        uint8_t header[USBIP_HEADER];
        struct usbip_waiting taken;
        bool waited = usbip_table_unlink(&device->table, request->unlink, &taken);
        size_t interface;

        if (waited && usb_endpoint_find(device->control.composition, taken.endpoint, &interface) == 0)
                note_unlinked(device, interface);
        usbip_encode_unlink(header, request->seqnum, waited ? -ECONNRESET : 0);
        return transmit(device, header, sizeof(header));
}

static int answer(struct usbip_device *device, const struct usbip_request *request, const uint8_t *data)
{
        if (request->command == USBIP_CMD_UNLINK)
                return answer_unlink(device, request);
        return request->endpoint == 0 ? answer_control(device, request, data)
                                      : answer_endpoint(device, request, data);
}

/* -- messages -- */

/* The message at `bytes`: its length once it is whole and answered, 0 when more must come. */
static int take_message(struct usbip_device *device, const uint8_t *bytes, size_t available)
{
        struct usbip_request request;

        if (available < USBIP_HEADER)
                return 0;
        int r = usbip_decode(bytes, &request);
        if (r < 0)
                return r;
        size_t length = USBIP_HEADER + usbip_data_length(&request);
        if (available < length)
                return 0;
        r = answer(device, &request, bytes + USBIP_HEADER);
        return r < 0 ? r : (int)length;
}

static int take_messages(struct usbip_device *device)
{
        size_t taken = 0;
        int r;

        while ((r = take_message(device, device->input + taken, device->received - taken)) > 0)
                taken += (size_t)r;
        device->received -= taken;
        memmove(device->input, device->input + taken, device->received);
        return r;
}

int usbip_device_dispatch(struct usbip_device *device)
{
        int r = device->failure < 0 ? device->failure : flush(device);

        while (r == 0) {
                ssize_t length = recv(device->fd, device->input + device->received,
                                      sizeof(device->input) - device->received, 0);
                if (length < 0 && errno == EINTR)
                        continue;
                if (length < 0)
                        return errno == EAGAIN ? 0 : -errno;
                if (length == 0)
                        return -ECONNRESET;
                device->received += (size_t)length;
                r = take_messages(device);
        }
        return r;
}

size_t usbip_device_send(struct usbip_device *device, size_t interface, const void *bytes, size_t length)
{
        uint8_t address = bulk_in(device->control.composition, interface);
        struct usbip_waiting waiting;

        if (!address || device->broken || usb_control_is_halted(&device->control, address) ||
            !usbip_table_take(&device->table, address, &waiting))
                return 0;
        size_t taken = length < waiting.length ? length : waiting.length;
        taken = taken < USBIP_TRANSFER ? taken : USBIP_TRANSFER;
        int r = reply(device, waiting.seqnum, 0, bytes, taken);
        if (r < 0)
                device->failure = r;
        return taken;
}

bool usbip_device_is_open(const struct usbip_device *device, size_t interface)
{
        return device->open[interface];
}

bool usbip_device_is_configured(const struct usbip_device *device)
{
        return device->control.configuration != 0;
}

void usbip_device_break(struct usbip_device *device)
{
        device->broken = true;
}
