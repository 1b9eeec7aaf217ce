/*
 * What the daemon writes down: a real crash is one incident from its first line to its end, and a history
 * that cannot be written is nobody's failure.
 */
#include "adapters/history_file.h"
#include "base/text.h"
#include "gateway_fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

struct story {
        uint64_t incident;
        char events[256]; /* of that incident */
        struct history_entry end;
};

/* The incident that began with a death of smsd. */
static int collect(void *userdata, const struct history_entry *entry)
{
        struct story *story = userdata;

        if (!story->incident && text_equal(entry->event, "smsd-died"))
                story->incident = entry->incident;
        if (!story->incident || entry->incident != story->incident)
                return 0;
        if (!text_equal(entry->event, "alert")) /* told at a time of its own */
                (void)text_append(story->events, sizeof(story->events), "%s ", entry->event);
        if (text_equal(entry->event, "working-again"))
                story->end = *entry;
        return 0;
}

static bool has_ended(struct gateway *g, const void *userdata)
{
        struct story story = {0};

        (void)userdata;
        assert_int_equal(history_file_read(g->state, collect, &story), 0);
        return story.end.event[0];
}

static void a_crash_is_one_incident_with_a_restart_and_an_end(struct gateway *g)
{
        struct story story = {0};

        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_signal(smsd, SIGKILL);
        gateway_working(g, smsd);
        gateway_wait(g, 5000, "the incident's end", has_ended, NULL);
        assert_int_equal(history_file_read(g->state, collect, &story), 0);
        assert_string_equal(story.events, "smsd-died smsd-started working-again ");
        assert_in_range(story.end.duration, 1, 20 * USEC_PER_SEC);
        assert_int_equal(strlen(story.end.boot), 32);
}

static void a_history_that_cannot_be_written_is_said_once(struct gateway *g)
{
        char path[128];

        (void)text_format(path, sizeof(path), "%s/history", g->state);
        (void)mkdir(g->state, 0700); /* it may be there */
        assert_int_equal(mkdir(path, 0700), 0);
        gateway_start_daemon(g);
        gateway_plug(g, "");
        pid_t smsd = gateway_working(g, 0);
        gateway_signal(smsd, SIGKILL);
        smsd = gateway_working(g, smsd);
        assert_int_equal(gateway_logged(g, "cannot be written"), 1);
        assert_int_equal(rmdir(path), 0);
        gateway_signal(smsd, SIGKILL);
        gateway_working(g, smsd);
        gateway_wait(g, 5000, "an incident's end", has_ended, NULL);
        assert_int_equal(gateway_logged(g, "is written again"), 1);
}

static const struct gateway_test tests[] = {
    GATEWAY_TEST(a_crash_is_one_incident_with_a_restart_and_an_end),
    GATEWAY_TEST(a_history_that_cannot_be_written_is_said_once, .no_daemon = true),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
