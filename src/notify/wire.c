/*
 * libcurl on sd-event, see wire.h. libcurl says which sockets it waits for and when it wants to be called
 * again; both become event sources. A transfer's end is told from here, never from within a callback of
 * libcurl's, so that the listener may begin the next one.
 */
#include "wire.h"

#include "base/cleanup.h"
#include "base/usec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

/* In microseconds; 0 would be sd-event's own, a quarter of a second, and libcurl asks for "now" each time. */
#define ACCURACY 1

struct wire {
        sd_event *event;
        CURLM *multi;
        sd_event_source *timer;
        bool initialised;
};

static void tell_ended(struct wire *wire)
{
        const CURLMsg *message;
        int left;

        while ((message = curl_multi_info_read(wire->multi, &left))) {
                if (message->msg != CURLMSG_DONE)
                        continue;
                CURL *easy = message->easy_handle;
                CURLcode code = message->data.result;
                char *private = NULL;
                (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private); /* set by wire_put */
                (void)curl_multi_remove_handle(wire->multi, easy);         /* message is gone from here on */
                struct wire_end *end = (struct wire_end *)(void *)private;
                end->ended(end->userdata, code);
        }
}

static int act(struct wire *wire, curl_socket_t fd, int what)
{
        int running;

        if (curl_multi_socket_action(wire->multi, fd, what, &running) != CURLM_OK)
                return -EIO; /* the handle is broken, or no memory: there is no going on */
        tell_ended(wire);
        return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        int what = 0;

        (void)source;
        if (events & EPOLLIN)
                what |= CURL_CSELECT_IN;
        if (events & EPOLLOUT)
                what |= CURL_CSELECT_OUT;
        if (events & (EPOLLERR | EPOLLHUP))
                what |= CURL_CSELECT_ERR;
        return act(userdata, fd, what);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)source;
        (void)usec;
        return act(userdata, CURL_SOCKET_TIMEOUT, 0);
}

/* A curl_socket_callback: `socket` is its event source, NULL at first. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket)
{
        struct wire *wire = userdata;
        sd_event_source *source = socket;
        uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);

        (void)easy;
        if (what == CURL_POLL_REMOVE) {
                (void)sd_event_source_disable_unref(source);
                return 0;
        }
        if (source)
                return sd_event_source_set_io_events(source, events) < 0 ? -1 : 0;
        if (sd_event_add_io(wire->event, &source, fd, events, on_io, wire) < 0)
                return -1;
        return curl_multi_assign(wire->multi, fd, source) == CURLM_OK ? 0 : -1;
}

/* A curl_multi_timer_callback: in so many milliseconds, -1 not at all. */
static int on_timer_wish(CURLM *multi, long milliseconds, void *userdata)
{
        struct wire *wire = userdata;

        (void)multi;
        if (milliseconds < 0)
                return sd_event_source_set_enabled(wire->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
        if (sd_event_source_set_time_relative(wire->timer, (uint64_t)milliseconds * USEC_PER_MSEC) < 0)
                return -1;
        return sd_event_source_set_enabled(wire->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static void cleanup_wire(struct wire **wire)
{
        *wire = wire_free(*wire);
}

static int set_up(struct wire *wire)
{
        wire->multi = curl_multi_init();
        if (!wire->multi)
                return -ENOMEM;
        CURLMcode code = curl_multi_setopt(wire->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        if (code == CURLM_OK)
                code = curl_multi_setopt(wire->multi, CURLMOPT_SOCKETDATA, wire);
        if (code == CURLM_OK)
                code = curl_multi_setopt(wire->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
        if (code == CURLM_OK)
                code = curl_multi_setopt(wire->multi, CURLMOPT_TIMERDATA, wire);
        return code == CURLM_OK ? 0 : -EIO;
}

int wire_new(struct wire **ret, sd_event *event)
{
        _cleanup_(cleanup_wire) struct wire *wire = calloc(1, sizeof(*wire));

        if (!wire)
                return -ENOMEM;
        wire->event = sd_event_ref(event);
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -ENOMEM;
        wire->initialised = true;
        int r = sd_event_add_time(event, &wire->timer, CLOCK_BOOTTIME, 0, ACCURACY, on_time, wire);
        if (r >= 0)
                r = sd_event_source_set_enabled(wire->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = set_up(wire);
        if (r < 0)
                return r;
        *ret = wire;
        wire = NULL;
        return 0;
}

struct wire *wire_free(struct wire *wire)
{
        if (!wire)
                return NULL;
        if (wire->multi)
                (void)curl_multi_cleanup(wire->multi); /* closes what connections are kept */
        (void)sd_event_source_disable_unref(wire->timer);
        (void)sd_event_unref(wire->event);
        if (wire->initialised)
                curl_global_cleanup();
        free(wire);
        return NULL;
}

int wire_put(struct wire *wire, CURL *easy, struct wire_end *end)
{
        if (curl_easy_setopt(easy, CURLOPT_PRIVATE, end) != CURLE_OK)
                return -ENOMEM;
        return curl_multi_add_handle(wire->multi, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void wire_take_off(struct wire *wire, CURL *easy)
{
        (void)curl_multi_remove_handle(wire->multi, easy);
}
