/*
 * The network comes back: what waits for it goes out within seconds, however long the pause had grown. In a
 * network namespace of its own, with a loopback that is down at first.
 */
#include "http_server.h"
#include "messages.h"
#include "notifier.h"

#include "base/text.h"

#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cmocka.h>

static bool has_failed_often(const struct delivery_receiver *state)
{
        return state->attempts >= 4; /* the next one is 6 s away at the least */
}

static void raise_loopback(void)
{
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

        assert_true(fd >= 0);
        assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
}

static void test_network_comes_back(void **state)
{
        struct notifier notifier;

        (void)state;
        if (unshare(CLONE_NEWNET) < 0)
                skip();
        notifier_init(&notifier);
        struct http_server *server = http_server_new(NULL);
        http_server_listen(server);
        notifier_configure(&notifier, "[notify a]\ntype = webhook\nurl = http://127.0.0.1:%u/\n",
                           http_server_port(server));
        notifier_put_number(&notifier, 1);
        notifier_start(&notifier);
        notifier_wait_state(&notifier, "a", has_failed_often);
        assert_non_null(strstr(notifier_state(&notifier, "a").problem, "cannot be reached"));
        raise_loopback();
        assert_int_equal(http_server_wait(server, 1, 4 * USEC_PER_SEC), 1);
        assert_int_equal(notifier_end(&notifier), 0);
        assert_int_equal(notifier_state(&notifier, "a").delivered, 1);
        http_server_free(server);
        notifier_done(&notifier);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_network_comes_back)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
