/*
 * One connection of the control bus: an sd_bus in server mode behind a gate.
 *
 * sd-bus alone would take messages of 128 MB and queue hundreds of thousands of answers for a client that
 * never reads. So it does not read the connection: the gate does, in small pieces, and feeds it through a
 * pipe. A piece is passed on when the one before was consumed; whoever sends more than
 * CONTROL_BUS_MESSAGE_MAX bytes without completing a message, or lets answers pile up, loses the connection.
 * What sd-bus writes goes to the connection directly.
 *
 * The uid is what the kernel said when the connection was made. The authentication of D-Bus adds nothing to
 * that, so anonymous is as good as any.
 */
#include "control_private.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define PIECE_SIZE       4096 /* at most PIPE_BUF: into an empty pipe it fits as a whole */
#define UNREAD_MAX       16   /* answers */
#define SEND_BUFFER_SIZE (256 * 1024)
#define IDLE_MAX_USEC    UINT64_C(60000000)

/* --- the gate --- */

static void restart_idle_time(struct control_peer *peer)
{
        if (sd_event_source_set_time_relative(peer->idle, IDLE_MAX_USEC) < 0 ||
            sd_event_source_set_enabled(peer->idle, SD_EVENT_ONESHOT) < 0)
                control_peer_drop(peer);
}

static int on_idle(sd_event_source *source _unused_, uint64_t now _unused_, void *userdata)
{
        struct control_peer *peer = userdata;

        if (control_bus_waits(peer->line.control, peer))
                restart_idle_time(peer);
        else
                control_peer_drop(peer);
        return 0;
}

bool control_peer_reads(const struct control_peer *peer)
{
        uint64_t unread = 0;

        return sd_bus_get_n_queued_write(peer->bus, &unread) >= 0 && unread <= UNREAD_MAX;
}

/* sd-bus completed a message: nothing of it is kept in a half any more. 1: the message goes no further. */
static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
        struct control_peer *peer = userdata;

        peer->fed = 0;
        if (peer->dead)
                return 1;
        if (!control_peer_reads(peer) ||
            sd_bus_message_is_signal(message, "org.freedesktop.DBus.Local", "Disconnected") > 0) {
                control_peer_drop(peer);
                return 1;
        }
        restart_idle_time(peer);
        return 0;
}

/* 0: fine; negative: the connection is over. */
static int pass_on(struct control_peer *peer)
{
        char piece[PIECE_SIZE];
        int waiting = 0;

        if (ioctl(peer->feed, FIONREAD, &waiting) < 0)
                return -errno;
        if (waiting > 0)
                return 0;
        ssize_t n = recv(peer->fd, piece, sizeof(piece), MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        peer->fed += (size_t)n;
        if (peer->fed > CONTROL_BUS_MESSAGE_MAX)
                return -EMSGSIZE;
        return write(peer->feed, piece, (size_t)n) == n ? 0 : -EPIPE;
}

/* sd-bus is driven from here as well: as long as there is input, its own sources would not get their turn. */
static int on_input(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_,
                    void *userdata)
{
        struct control_peer *peer = userdata;

        if (pass_on(peer) < 0 || sd_bus_process(peer->bus, NULL) < 0)
                control_peer_drop(peer);
        return 0;
}

/* --- the connection --- */

/* Gives the bus its two ends: the pipe's to read, a duplicate of the connection to write. */
static int set_ends(struct control_peer *peer)
{
        int ends[2];

        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        peer->feed = ends[1];
        _cleanup_close_ int input = ends[0];
        _cleanup_close_ int output = fcntl(peer->fd, F_DUPFD_CLOEXEC, 3);
        if (output < 0)
                return -errno;
        int r = sd_bus_set_fd(peer->bus, input, output);
        if (r < 0)
                return r;
        input = output = -1;
        return 0;
}

static int start_bus(struct control_peer *peer)
{
        static const int size = SEND_BUFFER_SIZE;
        int r = sd_bus_new(&peer->bus);

        if (r >= 0)
                r = set_ends(peer);
        if (r >= 0)
                r = sd_bus_set_server(peer->bus, 1, peer->line.control->id);
        if (r >= 0)
                r = sd_bus_set_anonymous(peer->bus, 1);
        if (r >= 0)
                r = sd_bus_set_close_on_exit(peer->bus, 0); /* flushing would wait for who never reads */
        if (r >= 0)
                r = sd_bus_add_filter(peer->bus, NULL, on_message, peer);
        if (r >= 0)
                r = control_object_add(peer->bus, &peer->line);
        if (r >= 0)
                r = sd_bus_start(peer->bus);
        /* sd-bus has just made it 8 MB, which a crowd of slow readers could fill. */
        if (r >= 0 && setsockopt(peer->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0)
                r = -errno;
        return r < 0 ? r : sd_bus_attach_event(peer->bus, peer->line.control->event, CONTROL_BUS_PRIORITY);
}

static int add_sources(struct control_peer *peer)
{
        sd_event *event = peer->line.control->event;
        int r = sd_event_add_io(event, &peer->input, peer->fd, EPOLLIN, on_input, peer);

        if (r >= 0)
                r = sd_event_source_set_priority(peer->input, CONTROL_BUS_PRIORITY);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &peer->idle, CLOCK_MONOTONIC, IDLE_MAX_USEC, 0, on_idle,
                                               peer);
        return r < 0 ? r : 0;
}

static void cleanup_peer(struct control_peer **peer)
{
        *peer = control_peer_free(*peer);
}

int control_peer_new(struct control_peer **ret, struct control_bus *control, int fd, uid_t uid)
{
        _cleanup_(cleanup_peer) struct control_peer *peer = calloc(1, sizeof(*peer));

        if (!peer) {
                (void)close_fd(fd);
                return -ENOMEM;
        }
        peer->line = (struct control_line){.control = control, .peer = peer};
        peer->uid = uid;
        peer->fd = fd;
        peer->feed = -1;
        int r = start_bus(peer);
        if (r >= 0)
                r = add_sources(peer);
        if (r < 0)
                return r;
        *ret = peer;
        peer = NULL;
        return 0;
}

struct control_peer *control_peer_free(struct control_peer *peer)
{
        if (!peer)
                return NULL;
        if (peer->input)
                peer->input = sd_event_source_disable_unref(peer->input);
        if (peer->idle)
                peer->idle = sd_event_source_disable_unref(peer->idle);
        peer->bus = sd_bus_close_unref(peer->bus);
        peer->feed = close_fd(peer->feed);
        peer->fd = close_fd(peer->fd);
        free(peer);
        return NULL;
}
