/*
 * The modem leaves and comes back: under other numbers, under the same, in the middle of things. smsd never
 * sits on a dead tty.
 */
#include "base/text.h"
#include "gateway_fixture.h"
#include "gateway_tools.h"

#include <string.h>

/* The number of lines that differ; the texts have as many lines. */
static unsigned different_lines(const char *a, const char *b)
{
        unsigned n = 0;

        while (*a || *b) {
                size_t la = strcspn(a, "\n"), lb = strcspn(b, "\n");
                n += la != lb || strncmp(a, b, la) != 0;
                a += la + (a[la] == '\n');
                b += lb + (b[lb] == '\n');
        }
        return n;
}

/*
 * Mostly smsd lets go within 50 ms. When the modem leaves right behind an AT command its handler hears TERM
 * 5 s later only; the kernel calls its tty deleted, so it is killed 1.5 s after it was asked.
 */
#define LETS_GO_WITHIN 5000

static bool nobody_holds_it(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_holders(g, 0) == 0;
}

static void a_modem_that_returns_under_other_numbers_is_served_there(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        _cleanup_free_ char *before = gateway_read(g->conf);
        assert_string_equal(gateway_device(g, "GSM1"), "ttyUSB2");

        gateway_modem(g, "unplug 0");
        gateway_modem(g, "stale ttyUSB2"); /* the kernel has not given the number free */
        gateway_plug(g, "");
        gateway_working(g, smsd);
        assert_string_equal(gateway_device(g, "GSM1"), "ttyUSB3");
        _cleanup_free_ char *after = gateway_read(g->conf);
        assert_int_equal(different_lines(before, after), 1);
        assert_non_null(strstr(after, "# A comment of the user's own.\n"));
        _cleanup_free_ char *holders = gateway_ask(g, "holders 0");
        assert_non_null(strstr(holders, "holder ttyUSB3 ")); /* smsd runs on it */
        assert_int_equal(gateway_count(holders, "holder "), 1);
        assert_string_equal(strrchr(gateway_slot(g, "GSM1")->device, '/'), "/ttyUSB3");

        gateway_send(g, "after", "After the move");
        gateway_wait_sent(g, 0, 1, 15000);
}

static void smsd_lets_go_of_the_dead_tty_before_the_modem_is_back(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_modem(g, "unplug 0");
        gateway_wait(g, LETS_GO_WITHIN, "nobody holds the dead ports", nobody_holds_it, NULL);
        gateway_wait_down(g);
        assert_false(gateway_is_alive(smsd));
        assert_string_equal(g->snapshot.reason, "no modem is plugged in");
        gateway_plug(g, "");
        gateway_working(g, smsd);
        assert_string_equal(gateway_device(g, "GSM1"), "ttyUSB2"); /* the numbers were free again */
        assert_int_equal(gateway_starts(g), 2);
}

/* The modem resets itself: away and back within a second. */
static void a_short_absence_is_noticed_as_well(struct gateway *g)
{
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);

        gateway_modem(g, "unplug 0");
        gateway_plug(g, "gap=20");
        gateway_working(g, smsd);
        _cleanup_free_ char *holders = gateway_ask(g, "holders 0");
        assert_null(strstr(holders, "dead"));
        assert_string_equal(gateway_device(g, "GSM1"), gateway_node(g, 0, "at"));
        assert_int_equal(gateway_starts(g), 2);
}

static bool nobody_holds_the_second(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return gateway_holders(g, 1) == 0;
}

/* The other one's handler is not disturbed, and no PDU of its is lost. */
static void of_two_modems_the_one_that_stays_works_on(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_modem(g, "plug 1");
        gateway_wait_modem(g, "GSM2", "ready", 30000);
        pid_t smsd = gateway_working(g, 0);
        unsigned starts = gateway_starts(g); /* two when the first was served before the second was known */
        gateway_modem(g, "unplug 1");
        gateway_wait(g, LETS_GO_WITHIN, "its handler let go", nobody_holds_the_second, NULL);
        assert_int_equal(gateway_smsd(g), smsd);
        assert_true(g->snapshot.can_send);
        assert_int_equal(gateway_holders(g, 0), 1);
        assert_int_equal(gateway_starts(g), starts);
        gateway_send(g, "still", "Still here");
        gateway_wait_sent(g, 0, 1, 15000);
}

static void the_modem_may_leave_while_smsd_starts(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_wait_smsd_logged(g, "Modem handler 0 has started", 10000);
        gateway_modem(g, "unplug 0");
        gateway_wait_down(g);
        gateway_plug(g, "");
        gateway_working(g, 0);
        assert_int_equal(gateway_holders(g, 0), 1);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_modem_that_returns_under_other_numbers_is_served_there),
    GATEWAY_TEST(smsd_lets_go_of_the_dead_tty_before_the_modem_is_back),
    GATEWAY_TEST(a_short_absence_is_noticed_as_well),
    GATEWAY_TEST(of_two_modems_the_one_that_stays_works_on, .modems = 2),
    GATEWAY_TEST(the_modem_may_leave_while_smsd_starts),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
