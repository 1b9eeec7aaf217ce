/*
 * The rows of failures of smsd, its ports and those who take them, see failure_rows.h.
 */
#include "failure_rows.h"

#include "base/text.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* smsd says that a modem is silent when its read_timeout, 5 s unless set, was over 22 times. */
#define SOON_SILENT .smsd_modem = "read_timeout = 1\n"

static void opens_it(struct gateway *g)
{
        failure_hold_port(g, "minicom", "at");
}

static void modem_manager_opens_it(struct gateway *g)
{
        failure_hold_port(g, "ModemManager", "at");
}

/* A port that never answered proves nothing. */
static void was_asked(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        failure_wait_asked(g);
}

/* Its handler cannot end before it is killed, and sits on the tty meanwhile. */
static void handler_does_not_let_go(struct gateway *g)
{
        gateway_signal(gateway_handler(g), SIGSTOP);
        gateway_modem(g, "unplug 0");
        gateway_modem(g, "plug 0");
}

static void is_sending(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_working(g, 0);
        gateway_modem(g, "cmgs 0 ok 3000");
        gateway_send(g, "once", "Exactly once");
        gateway_modem(g, "wait-command 0 AT+CMGS 15000 1");
}

static void main_process_dies(struct gateway *g)
{
        gateway_signal(gateway_smsd(g), SIGKILL);
}

static void dies_and_cannot_be_started(struct gateway *g)
{
        pid_t smsd = gateway_smsd(g), handler = gateway_handler(g);

        assert_int_equal(chmod(g->smsd, 0644), 0);
        gateway_signal(handler, SIGKILL);
        gateway_signal(smsd, SIGKILL);
}

static void can_be_started(struct gateway *g)
{
        assert_int_equal(chmod(g->smsd, 0755), 0);
}

static pid_t handler_of(struct gateway *g, const char *modem)
{
        const struct snapshot *s = gateway_snapshot(g);

        for (unsigned i = 0; i < s->smsd.n_handlers; i++)
                if (text_equal(s->smsd.handlers[i].modem, modem))
                        return s->smsd.handlers[i].pid;
        return 0;
}

static void two_modems(struct gateway *g)
{
        gateway_plug(g, "");
        gateway_modem(g, "plug 1");
        gateway_wait_modem(g, "GSM1", "ready", 30000);
        gateway_wait_modem(g, "GSM2", "ready", 30000);
        gateway_working(g, 0);
}

/* The second time within a minute: the other modem is not disturbed for it so soon again. */
static void handler_dies_twice(struct gateway *g)
{
        for (int i = 0; i < 2; i++) {
                pid_t smsd = gateway_smsd(g);
                gateway_signal(handler_of(g, "GSM1"), SIGKILL);
                if (i == 0)
                        gateway_working(g, smsd);
        }
}

/* As the end of a session does whose leader, without a terminal, had opened the port without O_NOCTTY. */
static void port_is_hung_up(struct gateway *g)
{
        _cleanup_close_ int port = open(gateway_node_path(g, "at"), O_RDWR | O_NOCTTY | O_CLOEXEC);

        assert_true(port >= 0);
        assert_int_equal(ioctl(port, TIOCVHANGUP), 0);
}

static void handler_hangs(struct gateway *g)
{
        gateway_signal(gateway_handler(g), SIGSTOP);
}

static void nothing(struct gateway *g)
{
        (void)g;
}

static void hold_ends(struct gateway *g)
{
        gateway_start(g);
}

static const struct failure_row rows[] = {
    /* The long ones first. */
    {"stuck", "smsd's port falls silent, the second one answers", "answers on its spare port, and not smsd",
     VERDICT_DOWN, "a restart of smsd", .prepare = was_asked, .fail = "mute 0 at", .mend = "wake 0",
     .options = {SOON_SILENT, .warden = "[recovery]\nsilent_after = 5s\n"}},
    {"silent", "it hangs until its USB is switched", "smsd's log: the modem is not ready", VERDICT_DOWN,
     "asking it again (AT)", .prepare = was_asked, .fail = "hang 0 usb",
     .options = {SOON_SILENT, .warden = "[recovery]\nsilent_after = 5s\n"}},
    {"handler-dead", "its handler dies twice; another modem is served", "the modem's handler does not",
     VERDICT_DEGRADED, "restart of smsd (handler-lost)", .prepare = two_modems, .produce = handler_dies_twice,
     .options = {.modems = 2}},
    {"modem-manager", "a process of that name opens smsd's port", "ModemManager (pid", VERDICT_DOWN, "none",
     "ID_MM_DEVICE_IGNORE", .prepare = failure_prepare_doubted, .fail = FAILURE_FOUND,
     .produce = modem_manager_opens_it, .repair = failure_end_helper},
    {"port-held", "minicom opens smsd's port", "minicom (pid", VERDICT_DOWN, "none", "end that program",
     .prepare = failure_prepare_doubted, .fail = FAILURE_FOUND, .produce = opens_it,
     .repair = failure_end_helper},
    {"half-answered", "its second port falls silent", "its spare port is silent; it answers smsd",
     VERDICT_DEGRADED, "none", .prepare = failure_prepare_doubted, .fail = FAILURE_FOUND "mute 0 modem",
     .mend = "wake 0"},
    {"tty-deleted", "unplugged and back while the handler hangs", "a tty that is deleted", VERDICT_RECOVERING,
     "restart of smsd", .produce = handler_does_not_let_go, .quick = true},
    {"handler-orphaned", "smsd's main process dies while a message is sent", "without its main process",
     VERDICT_RECOVERING, "restart of smsd (crash)", .prepare = is_sending, .produce = main_process_dies,
     .quick = true},
    {"smsd-dead", "smsd dies, and its program cannot be run", "no smsd runs", VERDICT_RECOVERING,
     "restart of smsd", .produce = dies_and_cannot_be_started, .repair = can_be_started, .quick = true},
    {"stuck", "smsd's handler hangs", "status is unchanged for 4min", VERDICT_RECOVERING, "a restart of smsd",
     .produce = handler_hangs, .nightly = true},
    {"write-failed", "smsd's port is hung up under it, the first 10 s", "", VERDICT_DEGRADED,
     "a restart of smsd", .produce = port_is_hung_up, .quick = true, .awaited = true},
    {"hung-up", "smsd's port is hung up under it", "", VERDICT_DOWN, "a restart of smsd",
     .produce = port_is_hung_up, .awaited = true},
    {"unverified", "somebody starts smsd, and the modem is slow", "has told of no answer", VERDICT_DEGRADED,
     "", .prepare = failure_prepare_held, .fail = "delay 0 AT 4000", .produce = failure_start_smsd,
     .mend = "delay 0 AT 0"},
    {"unknown", "a modem is there, and smsd is held", "nothing has answered yet", VERDICT_HELD, "none",
     .prepare = failure_prepare_held, .produce = nothing, .repair = hold_ends},
};

const struct failure_group failures_of_smsd = {rows, ARRAY_SIZE(rows)};
