/*
 * What people, hardware and bad luck do to the box: a list made up-front from the seed, so that a failing run
 * can be shrunk by leaving inputs out.
 */
#ifndef SIMULATION_INPUT_H
#define SIMULATION_INPUT_H

#include "base/usec.h"

#include <stdbool.h>
#include <stdio.h>

enum input_kind {
        INPUT_PLUG,           /* who: modem */
        INPUT_UNPLUG,         /* who: modem */
        INPUT_MODEM_SILENT,   /* who: modem; duration */
        INPUT_MODEM_RESET,    /* who: modem; duration until it is back; what 1: without leaving the bus */
        INPUT_MODEM_CRASHED,  /* who: modem: QHSUSB until the next plug */
        INPUT_MODEM_DOWNLOAD, /* who: modem: 05c6:9008 until the next plug */
        INPUT_PORT_EIO,       /* who: modem; duration */
        INPUT_PORT_TAKEN,     /* who: modem; duration: another program holds its AT port */
        INPUT_NO_NETWORK,     /* who: modem; duration */
        INPUT_SIM_PULL,       /* who: modem */
        INPUT_SIM_READY,      /* who: modem: a SIM without PIN */
        INPUT_SIM_PIN,        /* who: modem: a SIM with a PIN */
        INPUT_SIM_PUK,        /* who: modem */
        INPUT_SIM_BUSY,       /* who: modem; duration */
        INPUT_SLOW_NETWORK,   /* who: modem; duration: sending takes up to 57 s */
        INPUT_MESSAGES,       /* what: how many; one of them multipart when duration is not 0 */
        INPUT_MAIN_CRASH,
        INPUT_MAIN_KILL, /* somebody: kill -9 main */
        INPUT_MAIN_TERM, /* somebody: TERM */
        INPUT_MAIN_HANG,
        INPUT_HANDLER_CRASH, /* what: which one */
        INPUT_HANDLER_HANG,  /* what: which one */
        INPUT_KILL_ALL,      /* somebody: pkill -9 smsd */
        INPUT_HAND_START,    /* somebody starts smsd on our smsd.conf */
        INPUT_OTHER_START,   /* somebody starts smsd on another smsd.conf; duration */
        INPUT_UNIT_STOP,     /* somebody: systemctl stop */
        INPUT_UNIT_START,
        INPUT_UNIT_RESTART,  /* logrotate's force-reload, too */
        INPUT_COMMAND_STOP,  /* duration 0: the default; what 1: force */
        INPUT_COMMAND_START, /* what 1: force */
        INPUT_COMMAND_RESTART,
        INPUT_FLAG, /* what 0: by root; 1: refused (a symlink); 2: made and smsd killed -9 (the script) */
        INPUT_FLAG_REMOVED, /* what 1: and smsd started by hand (the script) */
        INPUT_CONF_COMMENT,
        INPUT_CONF_PIN,    /* who: slot; what 0: right, 1: wrong, 2: none */
        INPUT_CONF_DEVICE, /* who: slot; what 0: nonsense, 1: the other slot's */
        INPUT_CONF_BREAK,
        INPUT_CONF_REPAIR,
        INPUT_CONF_BUSY,   /* duration: somebody has it in an editor */
        INPUT_CONF_GONE,   /* duration */
        INPUT_DISK_FULL,   /* duration; what: errno */
        INPUT_START_FAULT, /* duration: exec of smsd fails */
        INPUT_DAEMON_KILL, /* duration until it is started again */
        INPUT_RELOAD,
        INPUT_REBOOT,      /* duration until the daemon is up; what 1: init starts smsd too */
        INPUT_CLOCK_JUMP,  /* what: minutes + 100000 */
        INPUT_USB_LOST,    /* duration: netlink events are lost, then all is enumerated */
        INPUT_OPENED_LOST, /* duration: opens of the binary go unnoticed */
        INPUT_LATE,        /* duration: results of actions come late; what: up to so many ms */
        INPUT_SPURIOUS_TIMER,
        INPUT_SHUTDOWN,      /* duration; what 0: then it reboots, 1: called off */
        INPUT_SYSTEMD_AWAY,  /* duration: nobody can ask it */
        INPUT_COMMAND_RESET, /* who: slot; what: the step */
        INPUT_KIND_MAX
};

struct input {
        usec_t at;
        enum input_kind kind;
        unsigned who;
        unsigned what;
        usec_t duration;
};

#define INPUTS_MAX 16384

struct inputs {
        unsigned n;
        struct input items[INPUTS_MAX];
};

/* The schedule of `seed` over `length`, for a box of so many modems and slots; in order of time. */
void inputs_generate(struct inputs *inputs, uint64_t seed, usec_t length, unsigned n_modems,
                     unsigned n_slots);

/* True when the input may make the gateway stop working for a while. */
bool input_disturbs(const struct input *input);

const char *input_kind_to_string(enum input_kind kind);

/* One line: when, what, to whom, for how long. */
void input_print(const struct input *input, FILE *out);

#endif
