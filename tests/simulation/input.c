/*
 * Stories, not noise: each story is a short sequence of inputs as they come on a real box (unplug ... plug,
 * stop ... start, a wrong PIN ... its correction), and stories often overlap.
 */
#include "input.h"

#include "random.h"

#include "base/cleanup.h"
#include "base/parse.h"
#include "core/ladder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STORIES_A_DAY 4

struct author {
        struct random_source chance;
        struct inputs *inputs;
        usec_t length;
        unsigned n_modems, n_slots;
};

static void write_input(struct author *author, usec_t at, enum input_kind kind, unsigned who, unsigned what,
                        usec_t duration)
{
        if (author->inputs->n < INPUTS_MAX && at < author->length)
                author->inputs->items[author->inputs->n++] = (struct input){at, kind, who, what, duration};
}

static usec_t seconds(struct author *author, unsigned lowest, unsigned highest)
{
        return random_range(&author->chance, lowest * USEC_PER_SEC, highest * USEC_PER_SEC);
}

/* A time that is short as often as long: 10 ms .. `highest`. */
static usec_t some_time(struct author *author, usec_t highest)
{
        usec_t limit = 10 * USEC_PER_MSEC;

        while (limit < highest && random_percent(&author->chance, 75))
                limit *= 3;
        limit = usec_min(limit, highest);
        return random_range(&author->chance, limit / 10, limit);
}

static unsigned some_modem(struct author *author)
{
        return (unsigned)random_range(&author->chance, 0, author->n_modems - 1);
}

static unsigned some_slot(struct author *author)
{
        return (unsigned)random_range(&author->chance, 0, author->n_slots - 1);
}

static unsigned some(struct author *author, unsigned n)
{
        return (unsigned)random_range(&author->chance, 0, n - 1);
}

/* --- stories */

static void story_unplug(struct author *a, usec_t at)
{
        unsigned modem = some_modem(a);
        unsigned times = random_percent(&a->chance, 20) ? 3 : 1;

        for (unsigned i = 0; i < times; i++) {
                write_input(a, at, INPUT_UNPLUG, modem, 0, 0);
                at += some_time(a, 2 * USEC_PER_HOUR);
                if (i == 0 && random_percent(&a->chance, 10))
                        write_input(a, at, some(a, 2) ? INPUT_MODEM_CRASHED : INPUT_MODEM_DOWNLOAD, modem, 0,
                                    0);
                write_input(a, at + seconds(a, 0, 1), INPUT_PLUG, modem, 0, 0);
                at += USEC_PER_SEC + some_time(a, 10 * USEC_PER_MIN);
        }
}

static void story_modem_trouble(struct author *a, usec_t at)
{
        static const enum input_kind kinds[] = {INPUT_MODEM_SILENT, INPUT_PORT_EIO, INPUT_PORT_TAKEN,
                                                INPUT_NO_NETWORK,   INPUT_SIM_BUSY, INPUT_SLOW_NETWORK};
        unsigned modem = some_modem(a);

        write_input(a, at, kinds[some(a, ARRAY_SIZE(kinds))], modem, 0, some_time(a, 30 * USEC_PER_MIN));
        if (random_percent(&a->chance, 40))
                write_input(a, at + some_time(a, 5 * USEC_PER_MIN), INPUT_COMMAND_RESTART, 0, 0, 0);
}

static void story_reset(struct author *a, usec_t at)
{
        write_input(a, at, INPUT_MODEM_RESET, some_modem(a), some(a, 2), seconds(a, 5, 60));
}

static void story_sim(struct author *a, usec_t at)
{
        unsigned modem = some_modem(a);

        write_input(a, at, INPUT_SIM_PULL, modem, 0, 0);
        if (random_percent(&a->chance, 50))
                write_input(a, at + seconds(a, 0, 30), INPUT_COMMAND_RESTART, 0, 0, 0);
        write_input(a, at + seconds(a, 10, 1200), INPUT_SIM_READY, modem, 0, 0);
}

static void story_pin(struct author *a, usec_t at)
{
        unsigned modem = some_modem(a), slot = some_slot(a);

        if (random_percent(&a->chance, 80))
                write_input(a, at, INPUT_CONF_PIN, slot, some(a, 3), 0);
        write_input(a, at + seconds(a, 1, 60), random_percent(&a->chance, 85) ? INPUT_SIM_PIN : INPUT_SIM_PUK,
                    modem, 0, 0);
        if (random_percent(&a->chance, 80))
                write_input(a, at + seconds(a, 61, 120),
                            random_percent(&a->chance, 50) ? INPUT_COMMAND_RESTART : INPUT_MAIN_CRASH, 0,
                            some(a, 2), 0);
        at += seconds(a, 121, 3600);
        if (random_percent(&a->chance, 70))
                write_input(a, at, INPUT_CONF_PIN, slot, random_percent(&a->chance, 80) ? 0 : 1, 0);
        write_input(a, at + seconds(a, 1, 10), INPUT_COMMAND_START, 0, some(a, 3) == 0, 0);
        at += seconds(a, 600, 7200);
        write_input(a, at, INPUT_SIM_READY, modem, 0, 0);
        write_input(a, at + USEC_PER_SEC, INPUT_CONF_PIN, slot, 0, 0);
}

static void story_smsd(struct author *a, usec_t at)
{
        static const enum input_kind kinds[] = {INPUT_MAIN_CRASH, INPUT_MAIN_KILL,     INPUT_MAIN_TERM,
                                                INPUT_MAIN_HANG,  INPUT_HANDLER_CRASH, INPUT_HANDLER_HANG,
                                                INPUT_KILL_ALL,   INPUT_HAND_START,    INPUT_OTHER_START};
        enum input_kind kind = kinds[some(a, ARRAY_SIZE(kinds))];
        unsigned times = random_percent(&a->chance, 15) ? 12 : 1;

        if (kind == INPUT_MAIN_HANG || kind == INPUT_HANDLER_HANG)
                write_input(a, at + seconds(a, 1, 30), INPUT_COMMAND_RESTART, 0, 0, 0);
        for (unsigned i = 0; i < times; i++) {
                write_input(a, at, kind, 0, some(a, 3), kind == INPUT_OTHER_START ? seconds(a, 1, 600) : 0);
                at += some_time(a, 3 * USEC_PER_MIN);
        }
}

/* What somebody does while he holds smsd. */
static void work_in_hold(struct author *a, usec_t at, usec_t length)
{
        unsigned modem = some_modem(a);
        unsigned n = some(a, 3);

        for (unsigned i = 0; i < n; i++) {
                usec_t when = at + random_range(&a->chance, 0, length);
                switch (some(a, 7)) {
                case 0:
                        write_input(a, when, INPUT_UNPLUG, modem, 0, 0);
                        write_input(a, when + some_time(a, length), INPUT_PLUG, modem, 0, 0);
                        break;
                case 1:
                        write_input(a, when, INPUT_CONF_COMMENT, 0, 0, 0);
                        break;
                case 2:
                        write_input(a, when, INPUT_HAND_START, 0, 0, 0);
                        break;
                case 3:
                        write_input(a, when, INPUT_OTHER_START, 0, 0, seconds(a, 10, 300));
                        break;
                case 4:
                        write_input(a, when, INPUT_DAEMON_KILL, 0, 0, some_time(a, USEC_PER_MIN));
                        break;
                case 5:
                        write_input(a, when, INPUT_PORT_TAKEN, modem, 0, seconds(a, 1, 300));
                        break;
                default:
                        write_input(a, when, INPUT_MODEM_RESET, modem, some(a, 2), seconds(a, 5, 60));
                        break;
                }
        }
}

static void story_hold(struct author *a, usec_t at)
{
        static const usec_t lengths[] = {0, 30 * USEC_PER_SEC, 5 * USEC_PER_MIN, USEC_PER_HOUR,
                                         5 * USEC_PER_HOUR};
        usec_t length = lengths[some(a, ARRAY_SIZE(lengths))];

        write_input(a, at, INPUT_COMMAND_STOP, 0, some(a, 4) == 0, length);
        work_in_hold(a, at, length ? length : 30 * USEC_PER_MIN);
        if (random_percent(&a->chance, 50))
                write_input(a, at + some_time(a, USEC_PER_HOUR),
                            some(a, 2) ? INPUT_COMMAND_START : INPUT_COMMAND_RESTART, 0, some(a, 4) == 0, 0);
}

static void story_flag(struct author *a, usec_t at)
{
        write_input(a, at, INPUT_FLAG, 0, some(a, 3), 0);
        if (random_percent(&a->chance, 50))
                write_input(a, at + some_time(a, USEC_PER_HOUR), INPUT_HAND_START, 0, 0, 0);
        if (random_percent(&a->chance, 50))
                write_input(a, at + some_time(a, USEC_PER_HOUR), INPUT_MAIN_CRASH, 0, 0, 0);
        if (random_percent(&a->chance, 60))
                write_input(a, at + some_time(a, 2 * USEC_PER_HOUR), INPUT_FLAG_REMOVED, 0, some(a, 2), 0);
}

static void story_conf(struct author *a, usec_t at)
{
        switch (some(a, 6)) {
        case 0:
                write_input(a, at, INPUT_CONF_BREAK, 0, 0, 0);
                write_input(a, at + some_time(a, USEC_PER_MIN), INPUT_COMMAND_RESTART, 0, 0, 0);
                write_input(a, at + some_time(a, USEC_PER_HOUR), INPUT_CONF_REPAIR, 0, 0, 0);
                break;
        case 1:
                write_input(a, at, INPUT_CONF_BUSY, 0, 0, some_time(a, 5 * USEC_PER_MIN));
                write_input(a, at + 5 * USEC_PER_MSEC, INPUT_COMMAND_RESTART, 0, 0, 0);
                break;
        case 2:
                write_input(a, at, INPUT_CONF_GONE, 0, 0, some_time(a, USEC_PER_MIN));
                write_input(a, at + 5 * USEC_PER_MSEC, INPUT_MAIN_CRASH, 0, 0, 0);
                break;
        case 3:
                write_input(a, at, INPUT_CONF_DEVICE, some_slot(a), some(a, 2), 0);
                break;
        default:
                break;
        }
        write_input(a, at, INPUT_CONF_COMMENT, 0, 0, 0);
        if (random_percent(&a->chance, 50)) {
                usec_t when = at + some_time(a, USEC_PER_MIN);
                write_input(a, when, INPUT_COMMAND_RESTART, 0, 0, 0);
                write_input(a, when + random_range(&a->chance, 0, 200 * USEC_PER_MSEC), INPUT_CONF_COMMENT, 0,
                            0, 0);
        }
}

static void story_fault(struct author *a, usec_t at)
{
        static const unsigned errors[] = {ENOSPC, EROFS, EIO};

        switch (some(a, 5)) {
        case 4:
                write_input(a, at, INPUT_SYSTEMD_AWAY, 0, 0, some_time(a, USEC_PER_HOUR));
                break;
        case 0:
                write_input(a, at, INPUT_DISK_FULL, 0, errors[some(a, 3)], some_time(a, USEC_PER_HOUR));
                break;
        case 1:
                write_input(a, at, INPUT_START_FAULT, 0, 0, some_time(a, 20 * USEC_PER_MIN));
                break;
        case 2:
                write_input(a, at, INPUT_LATE, 0, 1U << some(a, 16), some_time(a, 20 * USEC_PER_MIN));
                break;
        default:
                write_input(a, at, INPUT_OPENED_LOST, 0, 0, some_time(a, USEC_PER_HOUR));
                break;
        }
}

static void story_daemon(struct author *a, usec_t at)
{
        unsigned times = random_percent(&a->chance, 20) ? 5 : 1;

        for (unsigned i = 0; i < times; i++) {
                write_input(a, at, INPUT_DAEMON_KILL, 0, 0, some_time(a, 10 * USEC_PER_MIN));
                at += some_time(a, 10 * USEC_PER_MIN);
        }
}

static void story_little(struct author *a, usec_t at)
{
        switch (some(a, 5)) {
        case 0:
                write_input(a, at, INPUT_RELOAD, 0, 0, 0);
                break;
        case 1:
                write_input(a, at, INPUT_CLOCK_JUMP, 0, some(a, 200000), 0);
                break;
        case 2:
                write_input(a, at, INPUT_USB_LOST, 0, 0, some_time(a, USEC_PER_MIN));
                break;
        case 3:
                write_input(a, at, INPUT_SPURIOUS_TIMER, 0, 0, 0);
                break;
        default:
                if (random_percent(&a->chance, 20))
                        write_input(a, at, INPUT_REBOOT, 0, some(a, 2), seconds(a, 1, 60));
                break;
        }
}

static void story_commands(struct author *a, usec_t at)
{
        static const enum input_kind kinds[] = {INPUT_COMMAND_STOP, INPUT_COMMAND_START,
                                                INPUT_COMMAND_RESTART};
        unsigned n = 1 + some(a, random_percent(&a->chance, 5) ? 40 : 6);

        for (unsigned i = 0; i < n; i++) {
                write_input(a, at, kinds[some(a, 3)], 0, some(a, 5) == 0,
                            some(a, 2) ? 0 : seconds(a, 1, 600));
                at += some_time(a, USEC_PER_MIN);
        }
        write_input(a, at, INPUT_COMMAND_START, 0, 0, 0);
}

/* A person tries what helps; amid other troubles, too. */
static void story_reset_by_hand(struct author *a, usec_t at)
{
        unsigned n = 1 + some(a, 3);

        if (some(a, 3) == 0)
                story_modem_trouble(a, at);
        for (unsigned i = 0; i < n; i++) {
                at += some_time(a, 5 * USEC_PER_MIN);
                write_input(a, at, INPUT_COMMAND_RESET, some(a, a->n_slots), some(a, LADDER_STEP_MAX), 0);
        }
}

static void story_unit(struct author *a, usec_t at)
{
        static const enum input_kind kinds[] = {
            INPUT_UNIT_STOP,     INPUT_UNIT_STOP,    INPUT_UNIT_START,
            INPUT_UNIT_RESTART,  INPUT_UNIT_RESTART, INPUT_COMMAND_RESTART,
            INPUT_COMMAND_START, INPUT_COMMAND_STOP, INPUT_MAIN_KILL};
        unsigned n = 1 + some(a, random_percent(&a->chance, 10) ? 12 : 3);
        bool held = false;

        for (unsigned i = 0; i < n; i++) {
                enum input_kind kind = kinds[some(a, ARRAY_SIZE(kinds))];
                write_input(a, at, kind, 0, 0, 0);
                held = kind == INPUT_UNIT_STOP;
                at += some_time(a, USEC_PER_MIN);
        }
        if (held && some(a, 2))
                work_in_hold(a, at, 30 * USEC_PER_MIN);
        if (some(a, 2))
                write_input(a, at + some_time(a, USEC_PER_HOUR), INPUT_UNIT_START, 0, 0, 0);
}

static void story_shutdown(struct author *a, usec_t at)
{
        usec_t length = some_time(a, 2 * USEC_PER_MIN);

        if (some(a, 3) == 0)
                write_input(a, at > USEC_PER_MIN ? at - some_time(a, USEC_PER_MIN) : at,
                            some(a, 2) ? INPUT_COMMAND_RESTART : INPUT_MAIN_CRASH, 0, 0, 0);
        write_input(a, at, INPUT_SHUTDOWN, 0, some(a, 2), length);
        if (some(a, 3) == 0)
                write_input(a, at + random_range(&a->chance, 0, length), INPUT_COMMAND_RESTART, 0, 0, 0);
        if (some(a, 3) == 0)
                write_input(a, at + random_range(&a->chance, 0, length), INPUT_UNPLUG, some_modem(a), 0, 0);
        write_input(a, at + length, INPUT_PLUG, some_modem(a), 0, 0);
}

static void story_messages(struct author *a, usec_t at)
{
        write_input(a, at, INPUT_MESSAGES, 0, 1 + some(a, 4), some(a, 3) == 0);
}

static void tell_story(struct author *author, usec_t at)
{
        static void (*const stories[])(struct author *, usec_t) = {
            story_unplug, story_unplug,   story_modem_trouble, story_reset,    story_sim,      story_pin,
            story_smsd,   story_smsd,     story_hold,          story_hold,     story_flag,     story_conf,
            story_fault,  story_daemon,   story_little,        story_commands, story_messages, story_unit,
            story_unit,   story_shutdown, story_reset_by_hand};

        if (random_percent(&author->chance, 40))
                story_messages(author, at > USEC_PER_MIN ? at - some_time(author, USEC_PER_MIN) : at);
        stories[some(author, ARRAY_SIZE(stories))](author, at);
}

static int by_time(const void *a, const void *b)
{
        const struct input *first = a, *second = b;

        return first->at != second->at ? (first->at < second->at ? -1 : 1)
                                       : (int)first->kind - (int)second->kind;
}

void inputs_generate(struct inputs *inputs, uint64_t seed, usec_t length, unsigned n_modems, unsigned n_slots)
{
        struct author author = {.chance = {random_mix(seed)},
                                .inputs = inputs,
                                .length = length,
                                .n_modems = n_modems,
                                .n_slots = n_slots};

        inputs->n = 0;
        for (usec_t at = some_time(&author, USEC_PER_HOUR); at < length;) {
                tell_story(&author, at);
                at += random_percent(&author.chance, 35)
                          ? some_time(&author, 2 * USEC_PER_MIN)
                          : random_range(&author.chance, 0, 3 * USEC_PER_DAY / STORIES_A_DAY);
        }
        qsort(inputs->items, inputs->n, sizeof(inputs->items[0]), by_time);
}

bool input_disturbs(const struct input *input)
{
        return input->kind != INPUT_MESSAGES && input->kind != INPUT_CLOCK_JUMP &&
               input->kind != INPUT_SPURIOUS_TIMER && input->kind != INPUT_RELOAD;
}

/* --- words */

const char *input_kind_to_string(enum input_kind kind)
{
        static const char *const names[INPUT_KIND_MAX] = {
            "plug",          "unplug",         "modem-silent",    "modem-reset",
            "modem-crashed", "modem-download", "port-eio",        "port-taken",
            "no-network",    "sim-pull",       "sim-ready",       "sim-pin",
            "sim-puk",       "sim-busy",       "slow-network",    "messages",
            "main-crash",    "main-kill",      "main-term",       "main-hang",
            "handler-crash", "handler-hang",   "kill-all",        "hand-start",
            "other-start",   "unit-stop",      "unit-start",      "unit-restart",
            "command-stop",  "command-start",  "command-restart", "flag",
            "flag-removed",  "conf-comment",   "conf-pin",        "conf-device",
            "conf-break",    "conf-repair",    "conf-busy",       "conf-gone",
            "disk-full",     "start-fault",    "daemon-kill",     "reload",
            "reboot",        "clock-jump",     "usb-lost",        "opened-lost",
            "late",          "spurious-timer", "shutdown",        "systemd-away",
            "command-reset"};

        return (unsigned)kind < INPUT_KIND_MAX && names[kind] ? names[kind] : "?";
}

void input_print(const struct input *input, FILE *out)
{
        char duration[32] = "";

        if (input->duration)
                format_duration(duration, sizeof(duration), input->duration);
        fprintf(out, "  %14.6f  %s who=%u what=%u %s\n", (double)input->at / 1e6,
                input_kind_to_string(input->kind), input->who, input->what, duration);
}
