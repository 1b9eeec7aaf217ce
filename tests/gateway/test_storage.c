/*
 * A memory that fills up with messages which have been read is emptied where that is wished for: once, and
 * nothing that nobody has read goes with it.
 */
#include "base/text.h"
#include "gateway_tools.h"

#include <string.h>

#define PLACES 10
#define READ   8 /* by another program; one more lies there that nobody has read */

/* During a hold another program reads them; and smsd does not see them, as it would not in another memory. */
static void fill(struct gateway *g)
{
        gateway_modem(g, "capacity 0 %d", PLACES);
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_stop(g, 10 * USEC_PER_MIN);
        for (unsigned i = 0; i <= READ; i++)
                gateway_modem(g, "receive 0 +37060000001 Number %u", i);
        gateway_modem(g, "wait-stored 0 %d 5000", READ + 1);
        for (unsigned i = 0; i < READ; i++)
                gateway_say(g, "at", "AT+CMGR=%u", i);
        gateway_modem(g, "answer 0 AT+CMGR= +CMS ERROR: 321");
        gateway_start(g);
}

static unsigned deletions(struct gateway *g)
{
        _cleanup_free_ char *transcript = gateway_read(gateway_path(g, "modem/transcript/0-modem"));

        return gateway_count(transcript, "AT+CMGD=1,1\\r");
}

static unsigned stored(struct gateway *g)
{
        unsigned n = 0;
        _cleanup_free_ char *answer = gateway_ask(g, "stored 0");

        assert_int_equal(sscanf(answer, "stored %u", &n), 1);
        return n;
}

static bool is_cleaned(struct gateway *g)
{
        _cleanup_free_ char *history = gateway_read(gateway_path(g, "state/history"));

        return strstr(history, "what had been read was deleted, 1 of 10 places are taken now") != NULL;
}

static bool was_asked_since(struct gateway *g, const void *userdata)
{
        return gateway_slot(g, "GSM1")->health.asked > *(const snapshot_time_t *)userdata;
}

/* A look that meets smsd amid a poll does not clean; after a restart there is another one within 30 s. */
static void wait_cleaned(struct gateway *g)
{
        for (unsigned i = 0; !is_cleaned(g); i++) {
                snapshot_time_t asked = gateway_slot(g, "GSM1")->health.asked;
                assert_in_range(i, 0, 3); /* smsd idles nine tenths of its time */
                if (i > 0)
                        assert_int_equal(gateway_person(g, COMMAND_RESTART, false, NULL), 0);
                gateway_wait(g, 45000, "a look", was_asked_since, &asked);
        }
}

static void what_was_read_is_deleted_once(struct gateway *g)
{
        fill(g);
        wait_cleaned(g);
        assert_int_equal(deletions(g), 1);
        assert_int_equal(stored(g), 1); /* the one that nobody has read */
        assert_int_equal(gateway_snapshot(g)->verdict, VERDICT_WORKING);

        /* What nobody had read is there, and flows when smsd looks for it; as does what comes from now on. */
        gateway_modem(g, "answer 0 AT+CMGR=");
        gateway_wait_received(g, "Number 8", 40000);
        gateway_modem(g, "receive 0 +37060000001 One more");
        gateway_wait_received(g, "One more", 40000);
        gateway_modem(g, "wait-stored 0 0 5000");
        assert_int_equal(deletions(g), 1);
}

static bool is_nearly_full(struct gateway *g, const void *userdata)
{
        (void)userdata;
        return text_equal(gateway_slot(g, "GSM1")->health.cause, "storage-nearly-full");
}

static void nothing_is_deleted_unasked(struct gateway *g)
{
        fill(g);
        gateway_wait(g, 40000, "it is nearly full", is_nearly_full, NULL);
        assert_non_null(strstr(g->snapshot.modems[0].health.next_action, "[storage] cleanup = yes"));
        assert_int_equal(deletions(g), 0);
        assert_int_equal(stored(g), READ + 1);
}

#define IDLES "delaytime = 20\n"

static const struct gateway_test tests[] = {
    GATEWAY_TEST(what_was_read_is_deleted_once, .smsd_global = IDLES, .warden = "[storage]\ncleanup = yes\n"),
    GATEWAY_TEST(nothing_is_deleted_unasked, .smsd_global = IDLES),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
