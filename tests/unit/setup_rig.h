/*
 * A rig whose modem is to be set up ([provision]): its plugs, and its restart.
 */
#ifndef TESTS_UNIT_SETUP_RIG_H
#define TESTS_UNIT_SETUP_RIG_H

#include "rig.h"

#define OTHER_SIM  "246020000000001"
#define OTHER_IMEI "862061049999990"

static inline struct rig *rig_asking(void)
{
        struct rig *rig = rig_new();

        rig->config.provision.config.usbnet = 1;
        rig->config.provision.config.apn_mode = PROVISION_APN_AUTO;
        rig->apn = "banga";
        return rig;
}

static inline void unplug(struct rig *rig)
{
        rig->plugged = false;
        rig_usb(rig);
        rig_wait(rig, 20 * USEC_PER_SEC);
}

static inline void plug(struct rig *rig)
{
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, 20 * USEC_PER_SEC);
}

/* The modem does what AT+CFUN=1,1 says. */
static inline void restart_modem(struct rig *rig)
{
        unplug(rig);
        plug(rig);
}

/* Its first plug, up to a working smsd. */
static inline void set_up(struct rig *rig)
{
        rig_begin(rig);
        rig_wait(rig, 5 * USEC_PER_SEC);
        restart_modem(rig);
        assert_int_equal(rig_verdict(rig), VERDICT_WORKING);
}

static inline struct rig *rig_pinned(const char *imei)
{
        struct rig *rig = rig_asking();

        rig->config.n_modems = 1;
        modem_config_init(&rig->config.modems[0], "GSM1");
        (void)text_copy(rig->config.modems[0].pin_imei, sizeof(rig->config.modems[0].pin_imei), imei);
        return rig;
}

static inline void reload(struct rig *rig)
{
        rig_event(rig, EVENT_RELOAD)->config = &rig->config;
        rig_go(rig);
}

#endif
