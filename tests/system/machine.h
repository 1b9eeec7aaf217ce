/*
 * A whole computer for system tests: qemu with a Debian 12, its own kernel, udev, systemd and D-Bus, and our
 * package installed by dpkg. No KVM is needed. README.md says how it is made and how to look into one by
 * hand.
 *
 * A test is a function on a machine that runs already; a table says what each one needs:
 *
 *     static void the_modem_comes(struct machine *m) { scenario_plug(m); scenario_working(m); ... }
 *     static const struct machine_test tests[] = {
 *         MACHINE_TEST(the_modem_comes),
 *         MACHINE_TEST(the_machine_boots, .boot = true),
 *     };
 *     int main(int argc, char **argv) { return machine_main(tests, ARRAY_SIZE(tests), argc, argv); }
 *
 * Each test has a machine of its own: continued from a saved state (a second) or booted from that state's
 * disk (20 s); nothing that it does outlives it. Every function fails the test when it cannot do what it
 * says; a failed test prints the guest's journal and console. Times are milliseconds on the host's monotonic
 * clock; a guest that is emulated on a busy host takes a second for what takes 50 ms in life: be generous.
 *
 * In a continued machine the wall clock says when its state was saved, and its uptime goes on from there.
 */
#ifndef TESTS_SYSTEM_MACHINE_H
#define TESTS_SYSTEM_MACHINE_H

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
/* cmocka wants the headers above first */
#include <cmocka.h>

/* What lies on the disk. */
enum machine_state {
        MACHINE_INSTALLED, /* smstools and our package */
        MACHINE_WORKING,   /* the same, modem 0 in and known as GSM1, smsd a service of systemd's, SMS flow */
        MACHINE_BARE,      /* smstools alone; our package is at hand: install-payload package */
        MACHINE_NEW,       /* the image as it was built, never booted: for making the states */
};

struct machine_options {
        enum machine_state state;
        bool boot;    /* booted from the state's disk instead of continued where it was saved */
        bool off;     /* not switched on: the test does it, with machine_boot() */
        bool nightly; /* skipped in `make check`, for it takes long */
        bool shell;   /* a person's terminal is the guest's second console (tests/system/shell) */
};

struct machine;

struct machine_test {
        const char *name;
        void (*run)(struct machine *m);
        struct machine_options options;
};

#define MACHINE_TEST(function, ...)                                                                          \
        {                                                                                                    \
                .name = #function, .run = function, .options = { __VA_ARGS__ }                               \
        }

/* Runs the tests, or those that the first argument (with * and ?) names. Returns main's exit code. */
int machine_main(const struct machine_test *tests, size_t n, int argc, char **argv);

int64_t machine_now(void);
/* NIGHTLY is set: the second number instead of the first (power cuts, rounds). */
unsigned machine_rounds(unsigned check, unsigned nightly);
/* 0..below-1; the seed is printed at the start and taken from SEED when that is set. */
unsigned machine_random(unsigned below);

/* --- asking the guest --- */

/*
 * Runs a script in the guest: /bin/sh -e as root, /opt/test in PATH, a session of its own. Returns its exit
 * code: 128 + N when signal N ended it, 124 when it was not done within `limit` (then it and its process
 * group are killed). ret_output (may be NULL): what it wrote to both outputs, at most a megabyte, valid until
 * the next call. What it leaves behind in the background runs on. `not COMMAND...` is for what must fail.
 */
int machine_run(struct machine *m, int64_t limit, const char **ret_output, const char *format, ...)
    _printf_(4, 5);
/* The same with a minute's limit, and it must exit with 0. Returns its output without the last newline. */
const char *machine_ok(struct machine *m, const char *format, ...) _printf_(2, 3);
/* Asks again and again, inside the guest, until the script exits with 0: after 100 ms, twice what a look
 * takes, or an eighth of what was waited; two seconds at most. Returns the milliseconds. */
int64_t machine_wait(struct machine *m, int64_t limit, const char *format, ...) _printf_(3, 4);
/* For proving that something does not happen: the script must exit with 0 each time in `duration`. */
void machine_stays(struct machine *m, int64_t duration, const char *format, ...) _printf_(3, 4);
/* Writes a file, by rename. mode: 0644. */
void machine_put(struct machine *m, const char *path, unsigned mode, const char *text);
/* The guest's output must contain the text; it is shown when it does not. */
void machine_assert_contains(const char *output, const char *text);

/* --- power --- */

/* Ends qemu at once, as when the cable is pulled. What the guest had not written to its disk is lost. */
void machine_power_cut(struct machine *m);
/* Boots it from its disk as it is now, until the agent answers; systemd may still be starting units. */
void machine_boot(struct machine *m);
/* Until systemd has started all: "running" or "degraded" (with the failed units), as returned. */
const char *machine_booted(struct machine *m);
/* After a poweroff or reboot in the guest, until it is off. (A reboot ends here, too: then machine_boot.) */
void machine_wait_off(struct machine *m, int64_t limit);

/* --- hardware --- */

/* A command to qemu's monitor (device_add, device_del, stop, cont, info ...). Returns its answer, valid until
 * the next call; an answer that begins with "Error" fails. */
const char *machine_monitor(struct machine *m, const char *format, ...) _printf_(2, 3);

#endif
