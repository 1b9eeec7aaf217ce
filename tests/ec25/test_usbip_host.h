/*
 * For the tests of the USB/IP transport: the kernel's end of the connection, a message at a time. Numbers are
 * put together and taken apart here by hand, not with what is under test.
 */
#ifndef EC25_TEST_USBIP_HOST_H
#define EC25_TEST_USBIP_HOST_H

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
/* cmocka wants the headers above first */
#include <cmocka.h>

enum { IN = 1, OUT = 0 };

struct host_reply {
        uint32_t command, seqnum;
        int32_t status;
        uint32_t length;
        uint8_t data[65536];
};

static inline void host_write(int fd, const void *bytes, size_t length)
{
        for (size_t sent = 0; sent < length;) {
                ssize_t now = send(fd, (const char *)bytes + sent, length - sent, MSG_NOSIGNAL);
                assert_true(now > 0);
                sent += (size_t)now;
        }
}

static inline void host_header(uint32_t header[12], uint32_t command, uint32_t seqnum, uint32_t direction,
                               uint32_t endpoint, uint32_t length)
{
        memset(header, 0, 48);
        header[0] = htonl(command);
        header[1] = htonl(seqnum);
        header[2] = htonl(65537);
        header[3] = htonl(direction);
        header[4] = htonl(endpoint);
        header[6] = htonl(length);
}

static inline void host_submit(int fd, uint32_t seqnum, int direction, uint8_t endpoint, const void *data,
                               uint32_t length)
{
        uint32_t header[12];

        host_header(header, 1, seqnum, (uint32_t)direction, endpoint, length);
        host_write(fd, header, sizeof(header));
        if (direction == OUT)
                host_write(fd, data, length);
}

/* `length`: of the data behind, or of the buffer for the answer. */
static inline void host_control(int fd, uint32_t seqnum, const uint8_t setup[8], const void *data)
{
        uint32_t header[12], length = (uint32_t)(setup[6] | setup[7] << 8);
        int direction = setup[0] & 0x80 ? IN : OUT;

        host_header(header, 1, seqnum, (uint32_t)direction, 0, length);
        memcpy(&header[10], setup, 8);
        host_write(fd, header, sizeof(header));
        if (direction == OUT && length)
                host_write(fd, data, length);
}

static inline void host_unlink(int fd, uint32_t seqnum, uint32_t wanted)
{
        uint32_t header[12];

        host_header(header, 2, seqnum, 0, 0, 0);
        header[5] = htonl(wanted);
        host_write(fd, header, sizeof(header));
}

static inline bool host_read(int fd, void *bytes, size_t length, int timeout_ms)
{
        struct pollfd wait = {.fd = fd, .events = POLLIN};

        for (size_t got = 0; got < length;) {
                if (poll(&wait, 1, timeout_ms) <= 0)
                        return false;
                ssize_t now = read(fd, (char *)bytes + got, length - got);
                if (now <= 0)
                        return false;
                got += (size_t)now;
        }
        return true;
}

/* The next answer; `in`: its data follow. False when none comes. */
static inline bool host_next(int fd, bool in, struct host_reply *reply, int timeout_ms)
{
        uint32_t header[12];

        if (!host_read(fd, header, sizeof(header), timeout_ms))
                return false;
        reply->command = ntohl(header[0]);
        reply->seqnum = ntohl(header[1]);
        reply->status = (int32_t)ntohl(header[5]);
        reply->length = ntohl(header[6]);
        assert_true(reply->length <= sizeof(reply->data));
        for (int i = 7; i < 12; i++)
                assert_int_equal(header[i], 0);
        return !in || host_read(fd, reply->data, reply->length, timeout_ms);
}

#endif
