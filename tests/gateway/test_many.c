/*
 * Many modems at one smsd, each with a queue of its own: one of them dies, the others' messages go on, and
 * none is lost or sent twice, counted where they arrive. What that may cost the others is what
 * core/gateway_company says: a restart for its sake, but not while they send.
 */
#include "base/text.h"
#include "gateway_fixture.h"
#include "gateway_tools.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* How many messages each modem was given. */
struct post {
        unsigned messages[SMSD_MODEMS_MAX];
};

/* --- a gateway of many --- */

static void add_queue(const struct gateway *g, char **conf, unsigned modem)
{
        char section[32], with_queue[64], folder[160];

        (void)text_format(section, sizeof(section), "[GSM%u]\n", modem + 1);
        (void)text_format(with_queue, sizeof(with_queue), "[GSM%u]\nqueues = Q%u\n", modem + 1, modem);
        (void)text_format(folder, sizeof(folder), "%s/spool/Q%u", g->folder, modem);
        assert_int_equal(mkdir(folder, 0755), 0);
        _cleanup_free_ char *replaced = gateway_replaced(*conf, section, with_queue);
        free(*conf);
        assert_true(asprintf(conf, "%sQ%u = %s\n", replaced, modem, folder) > 0);
}

static void give_each_a_queue(const struct gateway *g)
{
        _cleanup_free_ char *conf = gateway_read(g->conf), *queued = NULL;

        assert_true(asprintf(&queued, "%s[queues]\n", conf) > 0);
        for (unsigned i = 0; i < g->options->modems; i++)
                add_queue(g, &queued, i);
        gateway_write(g->conf, queued);
}

/* Modem 0 is GSM1's, and so on. */
static void give_each_a_slot(const struct gateway *g)
{
        FILE *file = fopen(g->warden_conf, "ae");

        assert_non_null(file);
        for (unsigned i = 0; i < g->options->modems; i++)
                assert_true(
                    fprintf(file, "[modem GSM%u]\nmatch = usb=1-%u.%u\n", i + 1, i / 8 + 1, i % 8 + 1) > 0);
        assert_int_equal(fclose(file), 0);
}

static void plug(struct gateway *g, unsigned modem)
{
        gateway_modem(g, "plug %u usb=1-%u.%u gap=0", modem, modem / 8 + 1, modem % 8 + 1);
}

/* All are plugged in and served. Returns smsd's pid. */
static pid_t plug_all(struct gateway *g)
{
        give_each_a_slot(g);
        gateway_start_daemon(g);
        for (unsigned i = 0; i < g->options->modems; i++)
                plug(g, i);
        pid_t smsd = gateway_working(g, 0);
        assert_int_equal(g->snapshot.smsd.n_handlers, g->options->modems);
        return smsd;
}

static pid_t begin(struct gateway *g)
{
        give_each_a_queue(g);
        return plug_all(g);
}

/* --- messages --- */

static void give(struct gateway *g, struct post *post, unsigned modem)
{
        char name[32], path[160], outgoing[192], text[128];
        unsigned number = post->messages[modem]++;

        (void)text_format(name, sizeof(name), "to-%u-%u", modem, number);
        (void)text_format(path, sizeof(path), "%s/spool/%s", g->folder, name);
        (void)text_format(outgoing, sizeof(outgoing), "%s/spool/outgoing/%s", g->folder, name);
        (void)text_format(text, sizeof(text), "To: 37060000001\nQueue: Q%u\n\nfor %u, number %u.", modem,
                          modem, number);
        gateway_write(path, text);
        assert_int_equal(rename(path, outgoing), 0);
}

static void give_others(struct gateway *g, struct post *post)
{
        for (unsigned i = 1; i < g->options->modems; i++)
                give(g, post, i);
}

/* Each where it belongs, and once. */
static void all_are_sent_once(struct gateway *g, const struct post *post)
{
        char text[64];

        for (unsigned i = 0; i < g->options->modems; i++)
                gateway_wait_sent(g, i, post->messages[i], 60000);
        for (unsigned i = 0; i < g->options->modems; i++) {
                _cleanup_free_ char *sent = gateway_ask(g, "sent %u", i);
                assert_int_equal(gateway_count(sent, " text="), post->messages[i]);
                for (unsigned k = 0; k < post->messages[i]; k++) {
                        (void)text_format(text, sizeof(text), "count=1 text=for %u, number %u.\n", i, k);
                        assert_int_equal(gateway_count(sent, text), 1);
                }
        }
}

static bool is_unserved(struct gateway *g, const void *slot)
{
        return !text_equal(gateway_slot(g, slot)->state, "ready");
}

/* Others' messages all the time: before it dies, while it is dead, and across the restart for its sake. */
static void others_go_on(struct gateway *g, const char *death)
{
        struct post post = {0};
        pid_t smsd = begin(g);

        for (unsigned i = 1; i < g->options->modems; i++)
                gateway_modem(g, "cmgs %u ok 300", i); /* as long as a real one takes */
        for (unsigned round = 0; round < 3; round++)
                give_others(g, &post);
        gateway_modem(g, "%s", death);
        for (unsigned round = 0; round < 3; round++)
                give_others(g, &post);
        all_are_sent_once(g, &post);
        assert_int_equal(gateway_smsd(g), smsd);

        if (text_equal(death, "hang 0")) /* a person pulls it out */
                gateway_modem(g, "unplug 0");
        gateway_wait(g, 5000, "the dead one is missed", is_unserved, "GSM1");
        give(g, &post, 0); /* it waits for its modem */
        give_others(g, &post);
        plug(g, 0);
        for (unsigned round = 0; round < 3; round++)
                give_others(g, &post);
        gateway_working(g, smsd);
        give(g, &post, 0);
        all_are_sent_once(g, &post);
        assert_int_equal(gateway_starts(g), 2);
        assert_int_equal(gateway_logged(g, "killed"), 0);
}

static void one_is_unplugged_and_the_others_go_on(struct gateway *g)
{
        others_go_on(g, "unplug 0");
}

static void one_hangs_and_the_others_go_on(struct gateway *g)
{
        others_go_on(g, "hang 0");
}

/* --- not while they send --- */

static bool is_sending(struct gateway *g, const void *userdata)
{
        char path[128];

        (void)userdata;
        (void)text_format(path, sizeof(path), "%s/stats/status", g->folder);
        _cleanup_free_ char *status = gateway_read(path);
        return strstr(status, "Sending") != NULL;
}

static bool has_sent(struct gateway *g, const void *name)
{
        char path[160];

        (void)text_format(path, sizeof(path), "%s/spool/sent/%s", g->folder, (const char *)name);
        return access(path, F_OK) == 0;
}

static pid_t handler_of(struct gateway *g, const char *slot)
{
        const struct snapshot *s = gateway_snapshot(g);

        for (unsigned i = 0; i < s->smsd.n_handlers; i++)
                if (text_equal(s->smsd.handlers[i].modem, slot))
                        return s->smsd.handlers[i].pid;
        fail_msg("%s has no handler", slot);
        return 0;
}

static void a_dead_handler_waits_for_the_message_of_another(struct gateway *g)
{
        struct post post = {0};
        pid_t smsd = begin(g);

        gateway_modem(g, "cmgs 1 ok 6000");
        give(g, &post, 1);
        gateway_wait(g, 10000, "the other one is sending", is_sending, NULL);
        gateway_signal(handler_of(g, "GSM1"), SIGKILL);
        gateway_wait_reason(g, "as soon as no other modem is sending", 3000);
        gateway_wait(g, 15000, "the message is sent", has_sent, "to-1-0");
        assert_int_equal(gateway_starts(g), 1);
        gateway_modem(g, "cmgs 1 ok");
        gateway_working(g, smsd);
        give(g, &post, 0);
        give(g, &post, 1);
        all_are_sent_once(g, &post);
}

static void one_that_dies_again_does_not_interrupt_the_others_again(struct gateway *g)
{
        struct post post = {0};
        pid_t smsd = begin(g);

        gateway_signal(handler_of(g, "GSM1"), SIGKILL);
        smsd = gateway_working(g, smsd);
        gateway_signal(handler_of(g, "GSM1"), SIGKILL);
        gateway_wait_reason(g, "GSM1: smsd is restarted for it in ", 10000);
        give(g, &post, 0);
        give(g, &post, 1);
        gateway_wait_sent(g, 1, 1, 10000);
        assert_int_equal(gateway_smsd(g), smsd);
        assert_int_equal(gateway_person(g, COMMAND_START, false, NULL), 0); /* who cannot wait */
        gateway_working(g, smsd);
        all_are_sent_once(g, &post);
}

/* --- as many as smsd can serve --- */

static bool all_have_sent(struct gateway *g, const void *userdata)
{
        unsigned sent = 0;

        (void)userdata;
        for (unsigned i = 0; i < g->options->modems; i++) {
                _cleanup_free_ char *list = gateway_ask(g, "sent %u", i);
                sent += gateway_count(list, " text=");
        }
        return sent >= g->options->modems;
}

/* Without queues: smsd takes 63 of them at most. */
static void sixty_four_are_served_by_one_start(struct gateway *g)
{
        char text[32];

        plug_all(g);
        for (unsigned i = 0; i < g->options->modems; i++) {
                (void)text_format(text, sizeof(text), "Number %u.", i);
                gateway_send(g, text, text);
        }
        gateway_wait(g, 60000, "all messages are sent", all_have_sent, NULL);
        for (unsigned i = 0; i < g->options->modems; i++) {
                unsigned sent = 0;
                (void)text_format(text, sizeof(text), "Number %u.", i);
                for (unsigned modem = 0; modem < g->options->modems; modem++)
                        sent += gateway_sent(g, modem, text);
                assert_int_equal(sent, 1);
        }
        assert_int_equal(gateway_starts(g), 1);
        assert_int_equal(gateway_processes(g), 1 + g->options->modems);
}

/* Without trust_outgoing smsd looks at each file for half a second, one after the other. */
#define MANY(title, function, number)                                                                        \
        {                                                                                                    \
                .name = #title, .run = (function), .options = {                                              \
                        .modems = (number),                                                                  \
                        .no_daemon = true,                                                                   \
                        .smsd_global = "trust_outgoing = yes"                                                \
                }                                                                                            \
        }

static const struct gateway_test tests[] = {
    MANY(one_of_two_is_unplugged_and_the_other_goes_on, one_is_unplugged_and_the_others_go_on, 2),
    MANY(one_of_two_hangs_and_the_other_goes_on, one_hangs_and_the_others_go_on, 2),
    MANY(one_of_sixteen_is_unplugged_and_the_others_go_on, one_is_unplugged_and_the_others_go_on, 16),
    MANY(one_of_sixteen_hangs_and_the_others_go_on, one_hangs_and_the_others_go_on, 16),
    MANY(a_dead_handler_waits_for_the_message_of_another, a_dead_handler_waits_for_the_message_of_another, 2),
    MANY(one_that_dies_again_does_not_interrupt_the_others_again,
         one_that_dies_again_does_not_interrupt_the_others_again, 2),
    MANY(sixty_four_are_served_by_one_start, sixty_four_are_served_by_one_start, 64),
};

int main(int argc, char **argv)
{
        return gateway_main(tests, ARRAY_SIZE(tests), argc, argv);
}
