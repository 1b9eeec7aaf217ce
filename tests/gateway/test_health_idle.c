/*
 * What health costs when all is well: five minutes of a gateway that has nothing to do, with the look at the
 * modem that falls into them. A wakeup is one of the event loop (the timer, an answer of the modem);
 * voluntary context switches are some more, for whoever reads /proc or closes a port may wait for a lock.
 */
#include "base/text.h"
#include "gateway_tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTLE  75 /* a restart is looked at again 35 s later; the first look at the modem is over */
#define MINUTES 5

static unsigned switches(pid_t pid)
{
        char path[64];

        (void)text_format(path, sizeof(path), "/proc/%d/status", (int)pid);
        _cleanup_free_ char *text = gateway_read(path);
        const char *line = strstr(text, "\nvoluntary_ctxt_switches:");
        assert_non_null(line);
        return (unsigned)strtoul(strchr(line, ':') + 1, NULL, 10);
}

static unsigned wakeups(const struct gateway *g)
{
        return gateway_logged(g, "event timer") + gateway_logged(g, "event port-data");
}

static void all_well_costs_two_wakeups_a_minute(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        for (unsigned i = 0; i < SETTLE; i++) { /* who asks nothing for a while is put out */
                (void)sleep(1);
                (void)gateway_snapshot(g);
        }
        assert_string_equal(gateway_slot(g, "GSM1")->health.cause, "well");
        g->client = control_client_free(g->client); /* its leaving is no wakeup of the health's */
        (void)sleep(1);
        uint64_t bytes = gateway_bytes(g, 0, "modem");
        unsigned before = wakeups(g), switched = switches(g->daemon);
        (void)sleep(MINUTES * 60);
        unsigned spent = wakeups(g) - before;
        print_message("%u wakeups, %u context switches in %u minutes\n", spent,
                      switches(g->daemon) - switched, MINUTES);
        assert_true(gateway_bytes(g, 0, "modem") > bytes); /* the look was among them */
        assert_in_range(spent, MINUTES, 2 * MINUTES);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(all_well_costs_two_wakeups_a_minute,
                 .smsd_global = "delaytime = 10\ndelaytime_mainprocess = 10\n"),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
