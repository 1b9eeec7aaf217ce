/*
 * One serial port on the event loop: bytes in by a callback, bytes out by a bounded buffer. 115200 8N1, raw,
 * no flow control, DTR on.
 *
 * It leaves a port as it likes to find it: no exclusive mode (smsd would wait 30 s for it), no lock, no DTR
 * drop at close (HUPCL is cleared: an EC25 takes a falling DTR for "hang up" and keeps its URCs to itself
 * while DTR is off), and the file descriptor is closed the moment the port fails, so that the kernel can give
 * the same ttyUSB number to the modem when it is back.
 *
 * Callbacks come from the event loop only, never from within a function below. serial_port_free may be called
 * from within either. Whether somebody else has the port open is not looked at here: see port_holder.h.
 */
#ifndef ADAPTERS_SERIAL_PORT_H
#define ADAPTERS_SERIAL_PORT_H

#include <stddef.h>
#include <systemd/sd-event.h>

#define SERIAL_PORT_READ_MAX   256  /* bytes per callback, and per turn of the event loop */
#define SERIAL_PORT_BUFFER_MAX 1024 /* bytes that wait for a port that does not take them */

struct serial_port;

struct serial_port_callbacks {
        /* 1..SERIAL_PORT_READ_MAX bytes, valid during the call. */
        void (*data)(void *userdata, const char *bytes, size_t n);
        /* The port failed (unplugged: -EIO) and is closed already. Comes at most once and is the last
         * callback. */
        void (*closed)(void *userdata, int error);
};

/*
 * Opens `path`, a character device or a symbolic link to one. `callbacks` must live as long as the port.
 * Returns 0, -ENOTTY for anything that is no tty (nothing but a tty is ever opened, let alone created),
 * -EBUSY when somebody holds it exclusively, or what the system says.
 */
int serial_port_open(struct serial_port **ret_port, sd_event *event, const char *path,
                     const struct serial_port_callbacks *callbacks, void *userdata);

/*
 * Hands over all `n` bytes or none. Returns 0 when they are written or wait in the buffer, -ENOBUFS when they
 * do not fit (the modem does not read; try later), -ENOTCONN after the port failed, or the error of the
 * write; then the port stays open, and its end, if it is one, is told by the callback: a modem that accepts
 * AT+CFUN=1,1 may be gone before the write returns.
 */
int serial_port_write(struct serial_port *port, const char *bytes, size_t n);

/* Closes and forgets; what the modem has not taken yet is dropped, so wait for the answer to a command that
 * matters. No callback comes afterwards. NULL is fine; returns NULL. */
struct serial_port *serial_port_free(struct serial_port *port);

static inline void serial_port_cleanup(struct serial_port **port)
{
        *port = serial_port_free(*port);
}

#endif
