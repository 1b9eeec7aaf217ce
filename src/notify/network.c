/*
 * Changes of the network, see network.h. After a long outage the pause before the next attempt is minutes;
 * people should not wait for it once there is a way again. What has changed does not matter: an attempt that
 * is too early costs nothing.
 */
#include "network.h"

#include "base/cleanup.h"
#include "base/usec.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define GROUPS      (RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE)
#define RATE_PERIOD (10 * USEC_PER_SEC)
#define RATE_BURST  3

int network_watch(sd_event_source **ret, sd_event *event, sd_event_io_handler_t changed, void *userdata)
{
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
        struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = GROUPS};
        sd_event_source *source = NULL;

        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        int r = sd_event_add_io(event, &source, fd, EPOLLIN, changed, userdata);
        if (r >= 0)
                r = sd_event_source_set_ratelimit(source, RATE_PERIOD, RATE_BURST);
        if (r >= 0)
                r = sd_event_source_set_io_fd_own(source, true);
        if (r < 0) {
                (void)sd_event_source_disable_unref(source);
                return r;
        }
        fd = -1;
        *ret = source;
        return 0;
}

void network_drain(int fd)
{
        char buffer[8192];

        /* ENOBUFS: some were lost, which says the same. */
        for (unsigned i = 0; i < 64; i++)
                if (recv(fd, buffer, sizeof(buffer), 0) < 0 && errno != ENOBUFS)
                        break;
}
