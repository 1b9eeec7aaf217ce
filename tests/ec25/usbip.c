/*
 * Layouts after the kernel's Documentation/usb/usbip_protocol. A header is checked where it is decoded, so
 * that nobody behind it meets a length or an endpoint that cannot be.
 */
#include "ec25/usbip.h"

#include <errno.h>
#include <string.h>

enum { AT_COMMAND = 0, AT_SEQNUM = 4, AT_DIRECTION = 12, AT_ENDPOINT = 16 }; /* all */
enum { AT_LENGTH = 24, AT_PACKETS = 32, AT_SETUP = 40 };                     /* CMD_SUBMIT */
enum { AT_UNLINK = 20 };                                                     /* CMD_UNLINK */
enum { AT_STATUS = 20, AT_ACTUAL = 24 };                                     /* RET_* */

static uint32_t get(const uint8_t *bytes)
{
        return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put(uint8_t *bytes, uint32_t value)
{
        for (int i = 0; i < 4; i++)
                bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

static int decode_submit(const uint8_t *header, struct usbip_request *request)
{
        uint32_t direction = get(header + AT_DIRECTION), endpoint = get(header + AT_ENDPOINT),
                 packets = get(header + AT_PACKETS);

        request->length = get(header + AT_LENGTH);
        if (direction > 1 || endpoint > 15 || request->length > INT32_MAX)
                return -EPROTO;
        if (packets != 0 && packets != UINT32_MAX) /* isochronous: descriptors would follow */
                return -EPROTO;
        request->in = direction == 1;
        request->endpoint = (uint8_t)endpoint;
        memcpy(request->setup, header + AT_SETUP, USB_SETUP);
        return usbip_data_length(request) > USBIP_TRANSFER ? -EPROTO : 0;
}

int usbip_decode(const uint8_t header[static USBIP_HEADER], struct usbip_request *ret_request)
{
        uint32_t command = get(header + AT_COMMAND);
        struct usbip_request request = {.command = command, .seqnum = get(header + AT_SEQNUM)};
        int r = 0;

        if (command == USBIP_CMD_SUBMIT)
                r = decode_submit(header, &request);
        else if (command == USBIP_CMD_UNLINK)
                request.unlink = get(header + AT_UNLINK);
        else
                r = -EPROTO;
        if (r < 0)
                return r;
        *ret_request = request;
        return 0;
}

size_t usbip_data_length(const struct usbip_request *request)
{
        return request->command == USBIP_CMD_SUBMIT && !request->in ? request->length : 0;
}

void usbip_encode_submit(uint8_t header[static USBIP_HEADER], uint32_t seqnum, int status, size_t length)
{
        memset(header, 0, USBIP_HEADER);
        put(header + AT_COMMAND, USBIP_RET_SUBMIT);
        put(header + AT_SEQNUM, seqnum);
        put(header + AT_STATUS, (uint32_t)status);
        put(header + AT_ACTUAL, (uint32_t)length);
}

void usbip_encode_unlink(uint8_t header[static USBIP_HEADER], uint32_t seqnum, int status)
{
        memset(header, 0, USBIP_HEADER);
        put(header + AT_COMMAND, USBIP_RET_UNLINK);
        put(header + AT_SEQNUM, seqnum);
        put(header + AT_STATUS, (uint32_t)status);
}

/* -- the table -- */

int usbip_table_add(struct usbip_table *table, const struct usbip_waiting *waiting)
{
        if (table->count == USBIP_REQUESTS)
                return -ENOBUFS;
        table->waiting[table->count++] = *waiting;
        return 0;
}

bool usbip_table_has(const struct usbip_table *table, uint8_t endpoint)
{
        for (size_t i = 0; i < table->count; i++)
                if (table->waiting[i].endpoint == endpoint)
                        return true;
        return false;
}

static struct usbip_waiting take_at(struct usbip_table *table, size_t index)
{
        struct usbip_waiting taken = table->waiting[index];

        table->count--;
        memmove(&table->waiting[index], &table->waiting[index + 1],
                (table->count - index) * sizeof(table->waiting[0]));
        return taken;
}

bool usbip_table_take(struct usbip_table *table, uint8_t endpoint, struct usbip_waiting *ret_waiting)
{
        for (size_t i = 0; i < table->count; i++)
                if (table->waiting[i].endpoint == endpoint) {
                        *ret_waiting = take_at(table, i);
                        return true;
                }
        return false;
}

bool usbip_table_unlink(struct usbip_table *table, uint32_t seqnum, struct usbip_waiting *ret_waiting)
{
        for (size_t i = 0; i < table->count; i++)
                if (table->waiting[i].seqnum == seqnum) {
                        *ret_waiting = take_at(table, i);
                        return true;
                }
        return false;
}
