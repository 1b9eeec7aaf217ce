/*
 * The control bus, see adapters/control_bus.h: the listening socket of the peer bus, who gets a connection,
 * and the commands whose answer is still to come. The other parts are listed in control_private.h.
 *
 * A connection ends in a sweep of its own event, never while sd-bus dispatches something of it. Commands hold
 * a reference to the call they answer; they go with their connection.
 */
#include "control_private.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG           32
#define TRUSTED_PLACES    16 /* of CONTROL_BUS_PEERS_MAX: strangers cannot lock root out */
#define RESUME_AFTER_USEC UINT64_C(1000000)

bool control_is_trusted(uid_t uid)
{
        return uid == 0 || uid == geteuid();
}

sd_event_source *control_end_source(sd_event_source *source)
{
        return source ? sd_event_source_disable_unref(source) : NULL;
}

/* --- commands in flight --- */

static struct pending_command *find_pending(struct control_bus *control, unsigned token)
{
        for (unsigned i = 0; i < ARRAY_SIZE(control->pending); i++)
                if (control->pending[i].token == token)
                        return &control->pending[i];
        return NULL;
}

static void forget_pending(struct pending_command *pending)
{
        pending->call = sd_bus_message_unref(pending->call);
        pending->peer = NULL;
        pending->token = 0;
}

unsigned control_bus_keep(struct control_bus *control, struct control_peer *peer, sd_bus_message *call)
{
        struct pending_command *pending = find_pending(control, 0);

        if (!pending)
                return 0;
        do
                control->last_token++;
        while (control->last_token == 0 || find_pending(control, control->last_token));
        *pending = (struct pending_command){
            .token = control->last_token, .peer = peer, .call = sd_bus_message_ref(call)};
        return pending->token;
}

bool control_bus_waits(const struct control_bus *control, const struct control_peer *peer)
{
        for (unsigned i = 0; i < ARRAY_SIZE(control->pending); i++)
                if (control->pending[i].token && control->pending[i].peer == peer)
                        return true;
        return false;
}

void control_bus_forget(struct control_bus *control, const struct control_peer *peer)
{
        for (unsigned i = 0; i < ARRAY_SIZE(control->pending); i++)
                if (control->pending[i].token && control->pending[i].peer == peer)
                        forget_pending(&control->pending[i]);
}

void control_bus_reply(struct control_bus *bus, unsigned token, int result, const char *message)
{
        struct pending_command *pending = token ? find_pending(bus, token) : NULL;
        char text[1024];

        if (!pending)
                return;
        (void)text_clean(text, sizeof(text), message);
        /* On the system bus a failure means that the connection ends, which its own part sees. */
        if (sd_bus_reply_method_return(pending->call, "is", result, text) < 0 && pending->peer)
                control_peer_drop(pending->peer);
        forget_pending(pending);
}

/* --- connections --- */

static void end_peer(struct control_bus *control, unsigned place)
{
        struct control_peer *peer = control->peers[place];

        control_bus_forget(control, peer);
        control->peers[place] = control_peer_free(peer);
        control->n_peers--;
}

static int on_sweep(sd_event_source *source _unused_, void *userdata)
{
        struct control_bus *control = userdata;

        for (unsigned i = 0; i < CONTROL_BUS_PEERS_MAX; i++)
                if (control->peers[i] && control->peers[i]->dead)
                        end_peer(control, i);
        return 0;
}

void control_peer_drop(struct control_peer *peer)
{
        peer->dead = true;
        (void)sd_event_source_set_enabled(peer->input, SD_EVENT_OFF);
        (void)sd_event_source_set_enabled(peer->line.control->sweep, SD_EVENT_ONESHOT);
}

/* The place for one more connection of `uid`, -EUSERS when there is none for it. */
static int find_place(const struct control_bus *control, uid_t uid)
{
        unsigned n = 0, same = 0;
        int place = -1;

        for (unsigned i = 0; i < CONTROL_BUS_PEERS_MAX; i++) {
                const struct control_peer *peer = control->peers[i];
                n += peer != NULL;
                same += peer && peer->uid == uid;
                if (!peer && place < 0)
                        place = (int)i;
        }
        if (place < 0 || same >= CONTROL_BUS_PEERS_PER_USER_MAX ||
            (!control_is_trusted(uid) && n >= CONTROL_BUS_PEERS_MAX - TRUSTED_PLACES))
                return -EUSERS;
        return place;
}

static int admit(struct control_bus *control, int taken_fd)
{
        _cleanup_close_ int fd = taken_fd;
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return -errno;
        int place = find_place(control, peer.uid);
        if (place < 0)
                return place;
        int given = fd;
        fd = -1;
        int r = control_peer_new(&control->peers[place], control, given, peer.uid);
        if (r >= 0)
                control->n_peers++;
        return r;
}

static int on_resume(sd_event_source *source _unused_, uint64_t now _unused_, void *userdata)
{
        struct control_bus *control = userdata;

        (void)sd_event_source_set_enabled(control->listen, SD_EVENT_ON);
        return 0;
}

/* Without descriptors or memory the connection stays in the queue, and would wake us for ever. */
static void pause_listening(struct control_bus *control)
{
        if (sd_event_source_set_time_relative(control->resume, RESUME_AFTER_USEC) >= 0 &&
            sd_event_source_set_enabled(control->resume, SD_EVENT_ONESHOT) >= 0)
                (void)sd_event_source_set_enabled(control->listen, SD_EVENT_OFF);
}

static int on_connection(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata)
{
        struct control_bus *control = userdata;
        int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (connection >= 0)
                (void)admit(control, connection); /* who is refused sees the connection end */
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_listening(control);
        return 0;
}

/* --- the socket --- */

static int remove_socket(const char *path)
{
        struct stat file;

        if (lstat(path, &file) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(file.st_mode))
                return -EEXIST;
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* chmod, for the umask takes its part of what bind makes; until then only we can connect. */
static int bind_socket(int fd, const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int r = text_copy(address.sun_path, sizeof(address.sun_path), path);

        if (r < 0)
                return r;
        if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0666) < 0 ||
            listen(fd, BACKLOG) < 0)
                return -errno;
        return 0;
}

static int open_socket(struct control_bus *control, const char *path)
{
        if (strlen(path) >= sizeof(control->path))
                return -ENAMETOOLONG;
        int r = remove_socket(path);
        if (r < 0)
                return r;
        control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (control->fd < 0)
                return -errno;
        r = bind_socket(control->fd, path);
        if (r < 0)
                return r;
        return text_copy(control->path, sizeof(control->path), path);
}

static int add_sources(struct control_bus *control)
{
        int r =
            sd_event_add_io(control->event, &control->listen, control->fd, EPOLLIN, on_connection, control);

        if (r >= 0)
                r = sd_event_source_set_priority(control->listen, CONTROL_BUS_PRIORITY);
        if (r >= 0)
                r = sd_event_add_time_relative(control->event, &control->resume, CLOCK_MONOTONIC,
                                               RESUME_AFTER_USEC, 0, on_resume, control);
        if (r >= 0)
                r = sd_event_source_set_enabled(control->resume, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_defer(control->event, &control->sweep, on_sweep, control);
        if (r >= 0)
                r = sd_event_source_set_enabled(control->sweep, SD_EVENT_OFF);
        return r < 0 ? r : 0;
}

int control_bus_new(struct control_bus **ret, sd_event *event, const char *socket_path,
                    const struct control_bus_callbacks *callbacks, void *userdata)
{
        _cleanup_(control_bus_cleanup) struct control_bus *control = calloc(1, sizeof(*control));

        if (!control)
                return -ENOMEM;
        control->fd = -1;
        control->event = sd_event_ref(event);
        control->callbacks = *callbacks;
        control->userdata = userdata;
        int r = sd_id128_randomize(&control->id);
        if (r >= 0)
                r = open_socket(control, socket_path);
        if (r >= 0)
                r = add_sources(control);
        if (r >= 0)
                r = control_values_start(control);
        if (r < 0)
                return r;
        *ret = control;
        control = NULL;
        return 0;
}

struct control_bus *control_bus_free(struct control_bus *bus)
{
        if (!bus)
                return NULL;
        for (unsigned i = 0; i < CONTROL_BUS_PEERS_MAX; i++)
                if (bus->peers[i])
                        end_peer(bus, i);
        bus->system = control_system_free(bus->system);
        control_values_stop(bus);
        bus->listen = control_end_source(bus->listen);
        bus->resume = control_end_source(bus->resume);
        bus->sweep = control_end_source(bus->sweep);
        if (bus->path[0])
                (void)unlink(bus->path); /* another daemon replaces it anyway */
        bus->fd = close_fd(bus->fd);
        (void)sd_event_unref(bus->event);
        free(bus);
        return NULL;
}
