/*
 * `smswarden test-alert [NAME]`, its second half: command_control.c has asked, and the alert goes the way of
 * every other one. Here the receivers' states are looked at until all of them have an outcome.
 */
#include "command_test_alert.h"

#include "cli.h"
#include "collect.h"

#include "base/clock.h"
#include "base/text.h"

#include <poll.h>
#include <string.h>

#define PATIENCE  (90 * USEC_PER_SEC)
#define HOPE      (20 * USEC_PER_SEC)
#define LOOK_MSEC 100

enum outcome { OUTCOME_OPEN, OUTCOME_DELIVERED, OUTCOME_REFUSED, OUTCOME_ELSEWHERE };

struct test {
        struct control_client *client;
        const struct snapshot *before;
        const char *name; /* NULL all */
        usec_t begun;
        enum outcome outcomes[CONFIG_RECEIVERS_MAX]; /* in the order of `before` */
};

static bool is_wanted(const struct test *test, unsigned i)
{
        return !test->name || text_equal(test->name, test->before->alerts.receivers[i].name);
}

static const struct snapshot_receiver *find(const struct snapshot *now, const char *name)
{
        for (unsigned i = 0; i < now->alerts.n_receivers; i++)
                if (text_equal(now->alerts.receivers[i].name, name))
                        return &now->alerts.receivers[i];
        return NULL;
}

bool test_alert_knows(const struct snapshot *before, const char *name, char *ret_message, size_t size)
{
        char shown[64];

        /* Without any the controller has the better words. */
        if (!name || before->alerts.n_receivers == 0 || find(before, name))
                return true;
        (void)text_escape(shown, sizeof(shown), name, strlen(name));
        (void)text_format(ret_message, size, "there is no receiver %s; there is: ", shown);
        for (unsigned i = 0; i < before->alerts.n_receivers; i++)
                (void)text_append(ret_message, size, "%s%s", i ? ", " : "", before->alerts.receivers[i].name);
        return false;
}

/* --- outcomes --- */

static void print_outcome(const struct test *test, const struct snapshot_receiver *receiver)
{
        usec_t tenths = (clock_monotonic() - test->begun) / (USEC_PER_SEC / 10);

        if (receiver->test_delivered)
                (void)printf("%s: delivered in %u.%u s\n", receiver->name, (unsigned)(tenths / 10),
                             (unsigned)(tenths % 10));
        else
                (void)printf("%s: refused: %s\n", receiver->name,
                             receiver->problem[0] ? receiver->problem : "no reason is known");
        (void)fflush(stdout);
}

/* The id of the test that a receiver had last is another one now. */
static void look_at(struct test *test, unsigned i, const struct snapshot *now)
{
        const struct snapshot_receiver *before = &test->before->alerts.receivers[i];
        const struct snapshot_receiver *receiver = find(now, before->name);

        if (test->outcomes[i] != OUTCOME_OPEN || !receiver || text_equal(receiver->test, before->test))
                return;
        test->outcomes[i] = receiver->test_delivered ? OUTCOME_DELIVERED : OUTCOME_REFUSED;
        print_outcome(test, receiver);
}

static unsigned count(const struct test *test, enum outcome outcome)
{
        unsigned n = 0;

        for (unsigned i = 0; i < test->before->alerts.n_receivers; i++)
                n += is_wanted(test, i) && test->outcomes[i] == outcome;
        return n;
}

static void print_open(const struct test *test, const struct snapshot *now)
{
        for (unsigned i = 0; i < test->before->alerts.n_receivers; i++) {
                const char *name = test->before->alerts.receivers[i].name;
                const struct snapshot_receiver *receiver = find(now, name);
                bool failing = receiver && receiver->failing_since && receiver->problem[0];
                if (is_wanted(test, i) && test->outcomes[i] == OUTCOME_OPEN)
                        (void)printf("%s: no answer yet%s%s; it is tried again\n", name, failing ? ": " : "",
                                     failing ? receiver->problem : "");
        }
}

/* --- the wait --- */

static int look(struct test *test, struct snapshot *now)
{
        int r = control_client_snapshot(test->client, COLLECT_TIMEOUT, now);

        for (unsigned i = 0; r == 0 && i < test->before->alerts.n_receivers; i++)
                if (is_wanted(test, i))
                        look_at(test, i, now);
        return r;
}

/* A failed attempt is known at once, the next one may be minutes away: who waits is told after some of them.
 */
static bool is_hopeless(const struct test *test, const struct snapshot *now)
{
        if (clock_monotonic() - test->begun < HOPE)
                return false;
        for (unsigned i = 0; i < test->before->alerts.n_receivers; i++) {
                const struct snapshot_receiver *receiver = find(now, test->before->alerts.receivers[i].name);
                if (is_wanted(test, i) && test->outcomes[i] == OUTCOME_OPEN &&
                    (!receiver || !receiver->failing_since))
                        return false;
        }
        return true;
}

static int wait_for_all(struct test *test, struct snapshot *now)
{
        int r;

        while ((r = look(test, now)) == 0 && count(test, OUTCOME_OPEN) > 0) {
                if (clock_monotonic() - test->begun > PATIENCE || is_hopeless(test, now))
                        return 0;
                (void)poll(NULL, 0, LOOK_MSEC);
        }
        return r;
}

/* What goes by smsd is told by nobody: smsd itself sends it. */
static void leave_out_sms(struct test *test)
{
        for (unsigned i = 0; i < test->before->alerts.n_receivers; i++) {
                const struct snapshot_receiver *receiver = &test->before->alerts.receivers[i];
                if (!text_equal(receiver->type, "sms"))
                        continue;
                test->outcomes[i] = OUTCOME_ELSEWHERE;
                if (is_wanted(test, i))
                        (void)printf("%s: by SMS: smsd sends it, when it can\n", receiver->name);
        }
}

int test_alert_follow(struct control_client *client, const struct snapshot *before, const char *name)
{
        struct test test = {.client = client, .before = before, .name = name, .begun = clock_monotonic()};
        _cleanup_free_ struct snapshot *now = malloc(sizeof(*now));

        if (!now) {
                cli_complain("test-alert: out of memory");
                return EXIT_FAILED;
        }
        snapshot_init(now);
        leave_out_sms(&test);
        int r = wait_for_all(&test, now);
        if (r < 0) {
                cli_complain("test-alert: %s before the outcome was known; see smswarden status",
                             collect_error_to_string(r));
                return EXIT_FAILED;
        }
        print_open(&test, now);
        return count(&test, OUTCOME_OPEN) + count(&test, OUTCOME_REFUSED) > 0 ? EXIT_FAILED : EXIT_DONE;
}
