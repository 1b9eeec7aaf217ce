/*
 * The part of USB/IP that passes between a kernel's vhci_hcd and a device after the import: messages of 48
 * bytes, every number big-endian, the setup packet as it is on the bus; and the list of requests that wait
 * for an answer. Pure: no fd, no clock.
 *
 * What follows a header: the data of an OUT request after CMD_SUBMIT, of an IN request after RET_SUBMIT.
 */
#ifndef EC25_USBIP_H
#define EC25_USBIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USBIP_HEADER   48
#define USBIP_TRANSFER 65536 /* the longest OUT data that is taken */
#define USBIP_REQUESTS 256   /* waiting at a time; four ports and a busy network interface need under 100 */
#define USB_SETUP      8

enum usbip_command { USBIP_CMD_SUBMIT = 1, USBIP_CMD_UNLINK, USBIP_RET_SUBMIT, USBIP_RET_UNLINK };

/* What the kernel asks. */
struct usbip_request {
        enum usbip_command command; /* CMD_SUBMIT or CMD_UNLINK */
        uint32_t seqnum;
        uint32_t unlink; /* CMD_UNLINK: the seqnum that is not wanted any more */
        bool in;
        uint8_t endpoint; /* 0..15, without the direction bit */
        uint32_t length;  /* of the transfer buffer */
        uint8_t setup[USB_SETUP];
};

/* -EPROTO: not a message that we can answer; the stream is of no use behind it. Isochronous transfers are
 * such. */
int usbip_decode(const uint8_t header[static USBIP_HEADER], struct usbip_request *ret_request);
/* The data that follow the header of `request`. */
size_t usbip_data_length(const struct usbip_request *request);

/* `status`: 0 or a negative errno. `length`: what was moved. */
void usbip_encode_submit(uint8_t header[static USBIP_HEADER], uint32_t seqnum, int status, size_t length);
/* -ECONNRESET: it waited and is forgotten; 0: it was answered before. */
void usbip_encode_unlink(uint8_t header[static USBIP_HEADER], uint32_t seqnum, int status);

/* IN requests that wait for data, oldest first. */
struct usbip_waiting {
        uint32_t seqnum, length;
        uint8_t endpoint; /* its address */
};

struct usbip_table {
        struct usbip_waiting waiting[USBIP_REQUESTS];
        size_t count;
};

/* -ENOBUFS when full. */
int usbip_table_add(struct usbip_table *table, const struct usbip_waiting *waiting);
bool usbip_table_has(const struct usbip_table *table, uint8_t endpoint);
/* Takes the oldest of an endpoint; false when there is none. */
bool usbip_table_take(struct usbip_table *table, uint8_t endpoint, struct usbip_waiting *ret_waiting);
/* Takes the one with that number; false when there is none. */
bool usbip_table_unlink(struct usbip_table *table, uint32_t seqnum, struct usbip_waiting *ret_waiting);

#endif
