/*
 * From the modem's last tty to smsd's first poll, both times as the modem saw them. The reference is what the
 * best script could do: it knows the port, waits for the node by inotify, and starts smsd on a configuration
 * that names it already. It probes nothing, writes nothing, asks nobody.
 */
#include "bench/bench.h"

#include "base/text.h"
#include "bench/transcript.h"
#include "ec25/client.h"

#include <poll.h>
#include <string.h>
#include <sys/inotify.h>

#define NODE "ttyUSB2"

/* A copy of smsd.conf that names the node. */
static void write_reference_conf(const struct gateway *g, const char *path)
{
        _cleanup_free_ char *text = gateway_read(g->conf);
        char changed[8192];
        char *device = strstr(text, "/dev/ttyUSB");

        assert_non_null(device);
        *device = '\0';
        assert_int_equal(text_format(changed, sizeof(changed), "%s%s/%s%s", text,
                                     ec25_client_environment(g->modem, "EC25_NODES"), NODE,
                                     strchr(device + 1, '\n')),
                         0);
        gateway_write(path, changed);
}

static int watch_nodes(const struct gateway *g)
{
        int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

        assert_true(inotify >= 0);
        assert_true(inotify_add_watch(inotify, ec25_client_environment(g->modem, "EC25_NODES"),
                                      IN_CREATE | IN_MOVED_TO) >= 0);
        return inotify;
}

static bool is_node(const char *buffer, ssize_t length)
{
        for (const char *p = buffer; p < buffer + length;) {
                const struct inotify_event *event = (const struct inotify_event *)(const void *)p;
                if (event->len > 0 && text_equal(event->name, NODE))
                        return true;
                p += sizeof(*event) + event->len;
        }
        return false;
}

static void wait_node(int inotify)
{
        _Alignas(struct inotify_event) char buffer[4096];
        struct pollfd wait = {.fd = inotify, .events = POLLIN};

        do
                assert_int_equal(poll(&wait, 1, 10000), 1);
        while (!is_node(buffer, read(inotify, buffer, sizeof(buffer))));
}

static double plug_script(struct gateway *g)
{
        char conf[96];
        usec_t begun = bench_now();

        assert_int_equal(text_format(conf, sizeof(conf), "%s/script.conf", g->folder), 0);
        write_reference_conf(g, conf);
        _cleanup_close_ int inotify = watch_nodes(g);
        gateway_plug(g, "gap=0");
        wait_node(inotify);
        pid_t smsd = gateway_start_smsd(g, conf);
        usec_t done = bench_first_poll(g, 0, begun);
        double ms = bench_ms(bench_last_attached(g, 0), done);
        bench_end_smsd(g, smsd);
        gateway_modem(g, "unplug 0");
        return ms;
}

static double plug_controller(struct gateway *g)
{
        gateway_start_daemon(g);
        gateway_wait_verdict(g, VERDICT_DOWN, 10000);
        usec_t begun = bench_now();
        gateway_plug(g, "gap=0");
        usec_t done = bench_first_poll(g, 0, begun);
        double ms = bench_ms(bench_last_attached(g, 0), done);
        pid_t smsd = gateway_working(g, 0);
        /* In this order: an smsd that loses its port in mid-command needs 5 s to stop. */
        gateway_end_daemon(g);
        bench_end_smsd(g, smsd);
        gateway_modem(g, "unplug 0");
        return ms;
}

void row_plug(struct gateway *g)
{
        _cleanup_free_ char *conf = gateway_read(g->conf);

        for (int i = 0; i < RUNS; i++) {
                gateway_write(g->conf, conf); /* the wrong device again: it is found out and written */
                samples_add(&results->reference[FIGURE_PLUG], plug_script(g));
                samples_add(&results->measured[FIGURE_PLUG], plug_controller(g));
        }
}
