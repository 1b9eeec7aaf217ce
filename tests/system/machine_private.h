/*
 * What the parts of the machine share: machine.c its life in a test, machine_qemu.c the process,
 * machine_channel.c the talk with the guest's agent, machine_monitor.c the talk with qemu, states.c the saved
 * states.
 */
#ifndef TESTS_SYSTEM_MACHINE_PRIVATE_H
#define TESTS_SYSTEM_MACHINE_PRIVATE_H

#include "machine.h"
#include "undertaker.h"

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

struct machine {
        const struct machine_options *options;
        char folder[64];       /* overlay, console, qemu's words */
        char system[PATH_MAX]; /* build/system: image, payload, saved states */
        pid_t qemu;            /* 0: off */
        int agent, monitor;    /* our ends of socket pairs */
        unsigned next_id;
        char *output, *answer; /* of the last script, of the last monitor command */
        bool passed;
        struct undertaker undertaker; /* removes the folder */
};

extern const char *const machine_state_names[]; /* of enum machine_state: files in build/system */

/* The path of a file in the machine's folder or in build/system; one of 8 static buffers. */
const char *machine_path(const struct machine *m, const char *name);
const char *machine_file(const struct machine *m, const char *name);

/* An empty disk on top of the state's. */
void machine_make_disk(struct machine *m);
/* saved: the state's memory is loaded, else the kernel boots. */
void machine_spawn(struct machine *m, bool saved);
/* Waits until the process is gone; true when it is. The ends of the channels are closed. */
bool machine_reap(struct machine *m, int64_t limit);

/* Begins a conversation: 0 when the agent answers; -ETIMEDOUT, -EIO: qemu is gone. */
int machine_sync(struct machine *m, int64_t limit);
/* As machine_run; -ETIMEDOUT or -EIO when the agent does not answer, instead of failing. */
int machine_try(struct machine *m, int64_t limit, const char *script);

void machine_greet(struct machine *m); /* the monitor's first words */
/* Saves memory and devices into the file; the machine is stopped then and can only be ended. */
void machine_save(struct machine *m, const char *file);

#endif
