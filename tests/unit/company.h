/*
 * The rig with company: beside GSM1, whose modem is the one that makes trouble, GSM2 ... GSMn on fixed nodes
 * /dev/ttyS2 ... that work as long as the test says so.
 */
#ifndef TESTS_UNIT_COMPANY_H
#define TESTS_UNIT_COMPANY_H

#include "rig.h"

static inline void company_add_slot(struct rig *rig, unsigned number)
{
        struct modem_config *config = &rig->config.modems[rig->config.n_modems++];
        char name[SMSD_MODEM_NAME_MAX];

        (void)text_format(name, sizeof(name), "GSM%u", number);
        modem_config_init(config, name);
        if (number > 1) {
                config->match = MATCH_DEVICE;
                (void)text_format(config->match_value, sizeof(config->match_value), "/dev/ttyS%u", number);
        }
        (void)text_append(rig->conf, sizeof(rig->conf), "\n[%s]\ndevice = /dev/tty%s%u\nincoming = yes\n",
                          name, number > 1 ? "S" : "USB", number > 1 ? number : 2);
}

static inline void company_node(struct rig *rig, unsigned number, bool present)
{
        struct event *event = rig_event(rig, EVENT_NODE);

        event->node.present = present;
        (void)text_format(event->node.path, sizeof(event->node.path), "/dev/ttyS%u", number);
        (void)text_copy(event->node.target, sizeof(event->node.target), event->node.path);
}

/* `n` modems that are served, since an hour: smsd was started by the controller, once. */
static inline struct rig *company_working(unsigned n)
{
        struct rig *rig = rig_new();

        (void)text_copy(rig->conf, sizeof(rig->conf), "devices = GSM1");
        for (unsigned i = 2; i <= n; i++)
                (void)text_append(rig->conf, sizeof(rig->conf), ",GSM%u", i);
        (void)text_append(rig->conf, sizeof(rig->conf), "\n");
        rig->others = n - 1;
        for (unsigned i = 1; i <= n; i++)
                company_add_slot(rig, i);
        rig_begin(rig);
        for (unsigned i = 2; i <= n; i++)
                company_node(rig, i, true);
        rig_wait(rig, USEC_PER_HOUR);
        assert_int_equal(rig->counts[ACTION_SMSD_START], 1);
        assert_int_equal(rig->list.n, 1 + n);
        rig_forget(rig);
        return rig;
}

/* The handler of the slot, -1: it has none. */
static inline int company_handler(const struct rig *rig, unsigned number)
{
        char tty[DEVICE_NODE_MAX];

        (void)text_format(tty, sizeof(tty), "/dev/tty%s%u", number > 1 ? "S" : "USB",
                          number > 1 ? number : rig->tty);
        for (unsigned i = 0; i < rig->list.n; i++)
                if (text_equal(rig->list.processes[i].tty, tty))
                        return (int)i;
        return -1;
}

/* The slot's handler ends, if it has one, and what follows from it at once. */
static inline void company_dies(struct rig *rig, unsigned number)
{
        int handler = company_handler(rig, number);

        if (handler < 0)
                return;
        rig_exit(rig, (unsigned)handler, 1, false);
        rig_go(rig);
}

static inline void company_state(struct rig *rig, unsigned number, enum handler_state state)
{
        rig->status.modems[number - 1].state = state;
}

static inline unsigned company_starts(const struct rig *rig)
{
        return rig->counts[ACTION_SMSD_START];
}

#endif
