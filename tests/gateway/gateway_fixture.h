/*
 * A whole gateway in a temporary folder: the real daemon, Debian's real smsd (a private copy of the binary,
 * so that tests which run at the same time do not notice each other's), and software EC25 modems on a USB
 * tree that libudev really sees. Nothing of it outlives the test program, however that ends.
 *
 * A test is a function on a gateway that runs already; a table says what each one needs:
 *
 *     static void one_sms_goes_out(struct gateway *g) { gateway_plug(g, ""); gateway_working(g); ... }
 *     static const struct gateway_test tests[] = {
 *         GATEWAY_TEST(one_sms_goes_out),
 *         GATEWAY_TEST(two_modems_stay_apart, .modems = 2),
 *     };
 *     int main(int argc, char **argv) { return gateway_main(tests, ARRAY_SIZE(tests), argc, argv); }
 *
 * Every function fails the test when it cannot do what it says; a failed test prints the daemon's and smsd's
 * logs. Waiting is asking again each 20 ms, or look_every, until a deadline. Times are milliseconds.
 */
#ifndef GATEWAY_FIXTURE_H
#define GATEWAY_FIXTURE_H

#include "adapters/control_client.h"
#include "base/cleanup.h"
#include "base/usec.h"
#include "core/snapshot.h"
#include "undertaker.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
/* cmocka wants the headers above first */
#include <cmocka.h>

struct ec25_client;

/* What a test needs other than the usual. */
struct gateway_options {
        unsigned modems;         /* software modems; 0: one */
        unsigned slots;          /* GSM1, GSM2 ... in smsd.conf; 0: one for each modem */
        const char *smsd_global; /* more global lines for smsd.conf */
        const char *smsd_modem;  /* more lines for every modem's section */
        const char *smsd_conf;   /* instead of the usual smsd.conf altogether; %s: the folder, any number */
        const char *warden;      /* more text for smswarden.conf, behind [hold]; %s: the folder */
        bool no_daemon;          /* the test starts it: gateway_start_daemon */
        const void *userdata;    /* the test's own */
        bool plain; /* no USB tree, nothing preloaded into the daemon: the modems are fixed nodes, named in
                       smswarden.conf (for measurements) */
};

struct gateway {
        char folder[64];
        char smsd[96], conf[96], warden_conf[96]; /* the binary's copy, smsd.conf, smswarden.conf */
        char flag[96];                            /* the old scripts' flag */
        char smsd_log[96], daemon_log[96], run[96], state[96];
        struct ec25_client *modem;
        pid_t daemon; /* 0: not running */
        struct control_client *client;
        struct snapshot snapshot; /* the latest */
        const struct gateway_options *options;
        bool passed;
        int64_t look_every;           /* of waiting; 0: 20 ms */
        struct undertaker undertaker; /* ends what is left and removes the folder */
};

struct gateway_test {
        const char *name;
        void (*run)(struct gateway *g);
        struct gateway_options options;
};

#define GATEWAY_TEST(function, ...)                                                                          \
        {                                                                                                    \
                .name = #function, .run = function, .options = { __VA_ARGS__ }                               \
        }

/* Runs the tests, or those that the first argument (with * and ?) names. Returns main's exit code. */
int gateway_main(const struct gateway_test *tests, size_t n, int argc, char **argv);

/* --- the daemon --- */

void gateway_start_daemon(struct gateway *g); /* and waits until it answers */
void gateway_end_daemon(struct gateway *g);   /* TERM; it must exit with 0 */
void gateway_kill_daemon(struct gateway *g);  /* -9 */
/* Runs one more daemon until it ends by itself; returns its exit code, its words in ret_output. */
int gateway_run_daemon(struct gateway *g, char *ret_output, size_t size);

/* --- waiting --- */

int64_t gateway_now(void); /* milliseconds, monotonic */
/* Asks until `condition` holds; `what` is said when it does not. Returns the milliseconds that it took. */
int64_t gateway_wait(struct gateway *g, int64_t patience, const char *what,
                     bool (*condition)(struct gateway *g, const void *userdata), const void *userdata);
void gateway_wait_verdict(struct gateway *g, enum verdict verdict, int64_t patience);
/* Until smsd runs, verified, under another pid than `old` (0: any). Returns the pid of its main process. */
pid_t gateway_working(struct gateway *g, pid_t old);
void gateway_wait_held(struct gateway *g, const char *source); /* cli legacy systemctl */
void gateway_wait_down(struct gateway *g);                     /* no smsd process at all, and none wanted */
void gateway_wait_logged(struct gateway *g, const char *text, int64_t patience);
void gateway_wait_smsd_logged(struct gateway *g, const char *text, int64_t patience);
/* Until the process (any) is gone. Returns the milliseconds that it took. */
int64_t gateway_wait_exit(pid_t pid, int64_t patience);
/* For proving that something does not happen: lets time pass while the condition must hold at every look. */
void gateway_stays(struct gateway *g, int64_t duration, const char *what,
                   bool (*condition)(struct gateway *g, const void *userdata), const void *userdata);

/* --- looking --- */

/* The daemon's snapshot of now; valid until the next call of any function here. */
const struct snapshot *gateway_snapshot(struct gateway *g);
const struct snapshot_modem *gateway_slot(struct gateway *g, const char *name); /* in a fresh snapshot */
pid_t gateway_smsd(struct gateway *g);               /* main's pid as the daemon sees it, 0 none */
pid_t gateway_handler(struct gateway *g);            /* the first handler's pid, 0 none */
unsigned gateway_processes(const struct gateway *g); /* processes of our smsd binary, from /proc */
bool gateway_is_alive(pid_t pid);                    /* exists and is no zombie */
unsigned gateway_logged(const struct gateway *g, const char *text); /* lines of the daemon's log with it */
unsigned gateway_smsd_logged(const struct gateway *g, const char *text);
unsigned gateway_starts(const struct gateway *g); /* how often smsd's main process began, by its own log */
char *gateway_read(const char *path);             /* malloc'ed; "" when there is none */
unsigned gateway_count(const char *text, const char *wanted);
/* The device of a slot in smsd.conf, without its folder: "ttyUSB2". */
const char *gateway_device(const struct gateway *g, const char *slot);

/* The name of a port's node now: "ttyUSB2". port: at modem diag nmea. */
const char *gateway_node(struct gateway *g, unsigned modem, const char *port);
unsigned gateway_holders(struct gateway *g,
                         unsigned modem); /* open descriptors on its ports, dead ones too */
/* Bytes that went either way on a port since it is plugged in. */
uint64_t gateway_bytes(struct gateway *g, unsigned modem, const char *port);

/* --- doing --- */

/* A command to the software EC25; the second returns its answer (malloc'ed). */
void gateway_modem(struct gateway *g, const char *format, ...) _printf_(2, 3);
char *gateway_ask(struct gateway *g, const char *format, ...) _printf_(2, 3);
void gateway_plug(struct gateway *g, const char *options); /* modem 0 */
/* A person's command; returns the result (0 done, 1 failed, 2 refused), the sentence in ret_message
 * (at least 512 bytes, or NULL). */
int gateway_command(struct gateway *g, const struct control_request *request, char *ret_message);
void gateway_stop(struct gateway *g, usec_t duration); /* must be done, and nothing of smsd may be left */
void gateway_start(struct gateway *g);                 /* must be done */
void gateway_send(struct gateway *g, const char *name, const char *text); /* into outgoing/ */
void gateway_wait_sent(struct gateway *g, unsigned modem, unsigned count, int64_t patience);
unsigned gateway_sent(struct gateway *g, unsigned modem, const char *text); /* how often the modem sent it */
void gateway_wait_received(struct gateway *g, const char *text, int64_t patience);
void gateway_write(const char *path, const char *text);
/* Starts the copy of smsd as a person would: `smsd -t -c CONF`. It is our child. */
pid_t gateway_start_smsd(struct gateway *g, const char *conf);
void gateway_signal(pid_t pid, int signal);

#endif
