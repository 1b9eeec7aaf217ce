/*
 * The profiles for when no file can be read: equal to profiles.d of the source, which a test compares. To
 * change one, change its file first.
 */
#include "core/profile.h"

#define ID(vendor_id, product_id)                                                                            \
        {                                                                                                    \
                .vendor = (vendor_id), .product = (product_id)                                               \
        }
#define ANY(vendor_id)                                                                                       \
        {                                                                                                    \
                .vendor = (vendor_id), .any_product = true                                                   \
        }
#define LADDER (PROFILE_STEP_AT | PROFILE_STEP_USB | PROFILE_STEP_POWER)
#define SETTINGS(method, pause, delay, memory)                                                               \
        .n_settings = 4, .settings = {{"check_memory_method", method},                                       \
                                      {"sentsleeptime", pause},                                              \
                                      {"delaytime", delay},                                                  \
                                      {"init", "AT+CPMS=\"" memory "\",\"" memory "\",\"" memory "\""}}

/* The preference: the order in which the user's scripts took them when several were plugged in. */
static const struct profile_table builtin = {
    .n = 5,
    .items =
        {
            {.name = "generic",
             .description = "Any serial modem that answers AT commands",
             .rule = PORT_RULE_ANY_SERIAL,
             .preference = 100,
             .ladder = LADDER},
            {.name = "quectel-bg9x",
             .description = "Quectel BG96",
             .rule = PORT_RULE_INTERFACE_2,
             .preference = 25,
             .health_port = true,
             .ladder = LADDER,
             .n_ids = 1,
             .ids = {ID(0x2c7c, 0x0296)},
             SETTINGS("1", "1", "1", "ME")},
            {.name = "quectel-ec2x",
             .description = "Quectel EC25, EC20, EC21 and their relatives",
             .rule = PORT_RULE_QUECTEL,
             .preference = 20,
             .health_port = true,
             .ladder = LADDER,
             .n_ids = 9,
             .ids = {ID(0x2c7c, 0x0121), ID(0x2c7c, 0x0125), ID(0x2c7c, 0x0191), ID(0x2c7c, 0x0195),
                     ID(0x2c7c, 0x0306), ID(0x2c7c, 0x0512), ID(0x2c7c, 0x0800), ID(0x2c7c, 0x0801),
                     ID(0x05c6, 0x9215)},
             SETTINGS("1", "1", "1", "ME")},
            {.name = "samsung-acm",
             .description = "Samsung phones as modems (CDC ACM)",
             .rule = PORT_RULE_ACM,
             .needs_class = PROFILE_CLASS_CDC_ACM,
             .preference = 10,
             .ladder = PROFILE_STEP_AT | PROFILE_STEP_USB,
             .n_ids = 1,
             .ids = {ANY(0x04e8)},
             SETTINGS("1", "2", "2", "MT")},
            {.name = "simcom-sim7x00",
             .description = "SIMCom SIM7100, SIM7500, SIM7600",
             .rule = PORT_RULE_INTERFACE_2,
             .preference = 30,
             .health_port = true,
             .ladder = LADDER,
             .n_ids = 2,
             .ids = {ID(0x1e0e, 0x9001), ID(0x1e0e, 0x9011)},
             SETTINGS("5", "2", "2", "MT")},
        },
};

const struct profile_table *profile_table_builtin(void)
{
        return &builtin;
}
