/*
 * The table of modem families, see core/profile.h: USB ids to a family, a family to the settings that proved
 * themselves with smsd. A row here is all that a new modem of a known shape needs. Nothing is decided about
 * ports: that is port_role.c.
 */
#include "core/profile.h"

#include "base/text.h"

#define ANY_PRODUCT     0
#define VENDOR_QUECTEL  0x2c7c
#define VENDOR_QUALCOMM 0x05c6
#define VENDOR_SIMCOM   0x1e0e
#define VENDOR_SAMSUNG  0x04e8

static const struct profile_setting quectel_settings[] = {
    {"check_memory_method", "1"},
    {"sentsleeptime", "1"},
    {"delaytime", "1"},
    {"init", "AT+CPMS=\"ME\",\"ME\",\"ME\""},
    {NULL, NULL},
};

static const struct profile_setting simcom_settings[] = {
    {"check_memory_method", "5"},
    {"sentsleeptime", "2"},
    {"delaytime", "2"},
    {"init", "AT+CPMS=\"MT\",\"MT\",\"MT\""},
    {NULL, NULL},
};

static const struct profile_setting samsung_settings[] = {
    {"check_memory_method", "1"},
    {"sentsleeptime", "2"},
    {"delaytime", "2"},
    {"init", "AT+CPMS=\"MT\",\"MT\",\"MT\""},
    {NULL, NULL},
};

static const struct profile_setting no_settings[] = {{NULL, NULL}};

/* Preference: the order in which the user's scripts took them when several were plugged in. */
enum { SAMSUNG_ACM, QUECTEL_EC2X, QUECTEL_BG9X, SIMCOM_SIM7X00, GENERIC };

static const struct profile profiles[] = {
    [SAMSUNG_ACM] = {"samsung-acm", PORT_RULE_ACM, 10, samsung_settings},
    [QUECTEL_EC2X] = {"quectel-ec2x", PORT_RULE_QUECTEL, 20, quectel_settings},
    [QUECTEL_BG9X] = {"quectel-bg9x", PORT_RULE_INTERFACE_2, 25, quectel_settings},
    [SIMCOM_SIM7X00] = {"simcom-sim7x00", PORT_RULE_INTERFACE_2, 30, simcom_settings},
    [GENERIC] = {"generic", PORT_RULE_ANY_SERIAL, 100, no_settings},
};

static const struct usb_id {
        uint16_t vendor;
        uint16_t product;
        const struct profile *profile;
} usb_ids[] = {
    {VENDOR_QUECTEL, 0x0121, &profiles[QUECTEL_EC2X]},     /* EC21 */
    {VENDOR_QUECTEL, 0x0125, &profiles[QUECTEL_EC2X]},     /* EC25, EC20 R2, EG25-G */
    {VENDOR_QUECTEL, 0x0191, &profiles[QUECTEL_EC2X]},     /* EG91 */
    {VENDOR_QUECTEL, 0x0195, &profiles[QUECTEL_EC2X]},     /* EG95 */
    {VENDOR_QUECTEL, 0x0306, &profiles[QUECTEL_EC2X]},     /* EP06, EG06, EM06 [inferred] */
    {VENDOR_QUECTEL, 0x0512, &profiles[QUECTEL_EC2X]},     /* EG12, EM12 [inferred] */
    {VENDOR_QUECTEL, 0x0800, &profiles[QUECTEL_EC2X]},     /* RM500Q, RG500Q [inferred] */
    {VENDOR_QUECTEL, 0x0801, &profiles[QUECTEL_EC2X]},     /* RM520N: NMEA is ff/00/40 */
    {VENDOR_QUECTEL, 0x0296, &profiles[QUECTEL_BG9X]},     /* BG96: all interfaces ff/ff/ff [inferred] */
    {VENDOR_QUALCOMM, 0x9215, &profiles[QUECTEL_EC2X]},    /* EC20 R1 under Qualcomm's id [inferred] */
    {VENDOR_SIMCOM, 0x9001, &profiles[SIMCOM_SIM7X00]},    /* SIM7100, SIM7500, SIM7600 */
    {VENDOR_SIMCOM, 0x9011, &profiles[SIMCOM_SIM7X00]},    /* the same with RNDIS [inferred] */
    {VENDOR_SAMSUNG, ANY_PRODUCT, &profiles[SAMSUNG_ACM]}, /* a phone; only with a CDC ACM interface */
};

const struct profile *profile_by_name(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(profiles); i++)
                if (text_equal(profiles[i].name, name))
                        return &profiles[i];
        return NULL;
}

/* Samsung makes disks and printers too: there the vendor alone says nothing. */
static bool has_acm(const struct usb_device *device)
{
        for (unsigned i = 0; i < device->n_interfaces && i < USB_INTERFACES_MAX; i++)
                if (device->interfaces[i].class == 0x02 && device->interfaces[i].subclass == 0x02)
                        return true;
        return false;
}

const struct profile *profile_for_device(const struct usb_device *device)
{
        for (size_t i = 0; i < ARRAY_SIZE(usb_ids); i++) {
                const struct usb_id *id = &usb_ids[i];
                if (id->vendor != device->vendor)
                        continue;
                if (id->product == device->product || (id->product == ANY_PRODUCT && has_acm(device)))
                        return id->profile;
        }
        return NULL;
}

const struct profile *profile_at(size_t index)
{
        return index < ARRAY_SIZE(profiles) ? &profiles[index] : NULL;
}
