/*
 * docs/configuration.md tells every key, and the defaults that config_init gives.
 */
#include "core/config.h"

#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DOCUMENT "docs/configuration.md"

/* Of [notify NAME] type, url, ca_file, url_file, user, password_file, token_file, template, template_file,
 * from and to; of [heartbeat] url, url_file, ca_file and token_file. */
#define WITHOUT_DEFAULT 15

/* A heading like "## `[modem NAME]`" gives the section's text, with NAME as its name. */
static bool read_heading(const char *line, char section[64])
{
        const char *open = strstr(line, "`["), *end = open ? strstr(open, "]`") : NULL;

        return text_starts_with(line, "## ") && end &&
               text_copy_n(section, 64, open + 2, (size_t)(end - open - 2)) == 0;
}

/* A row like "| `key` | `default` | ..." gives both; a default that is not in backquotes means that there is
 * none. */
static bool read_row(const char *line, char key[64], char value[256])
{
        const char *key_end = text_starts_with(line, "| `") ? strstr(line + 3, "` |") : NULL;
        const char *start = key_end ? key_end + 3 : NULL;
        const char *end = start && text_starts_with(start, " `") ? strstr(start + 2, "` |") : NULL;

        if (!key_end)
                return false;
        value[0] = '\0';
        return text_copy_n(key, 64, line + 3, (size_t)(key_end - line - 3)) == 0 &&
               (!end || text_copy_n(value, 256, start + 2, (size_t)(end - start - 2)) == 0);
}

/* Setting the documented default of every key must change nothing, and from other values lead back to the
 * default. */
static void test_documented_defaults(void **state)
{
        static const char *const others[][3] = {
            {"gateway", "mode", "observe"},
            {"gateway", "control", "direct"},
            {"gateway", "hotplug", "sysfs"},
            {"gateway", "system_bus", "off"},
            {"gateway", "unit", "x.service"},
            {"gateway", "smsd", "/x"},
            {"gateway", "smsd_conf", "/x"},
            {"gateway", "smsd_user", "x"},
            {"gateway", "smsd_group", "x"},
            {"gateway", "runtime_dir", "/x"},
            {"gateway", "state_dir", "/y"},
            {"hold", "default", "1min"},
            {"hold", "maximum", "1min"},
            {"hold", "notify_after", "1min"},
            {"hold", "legacy_flag", "none"},
            {"hold", "legacy_owners", "x"},
            {"restart", "backoff_max", "1s"},
            {"modem NAME", "match", "usb=1-1"},
            {"modem NAME", "profile", "generic"},
            {"modem NAME", "link", "ttyUSB_AT"},
            {"modem NAME", "manage", "profile"},
            {"modem NAME", "boot_timeout", "1s"},
            {"modem NAME", "pin_imei", "867424030000014"},
            {"provision", "apn", "auto"},
            {"provision", "usbnet", "rndis"},
            {"provision", "ims", "off"},
            {"provision", "nwscanmode", "cdma-hdr"},
            {"provision", "cnmi", "2,1,0,0,0"},
            {"provision", "cpms", "SM"},
            {"provision", "reset", "no"},
            {"modem NAME", "health_port", "none"},
            {"storage", "cleanup", "yes"},
            {"notify NAME", "min_severity", "critical"},
            {"notify NAME", "match", "hold"},
            {"notify NAME", "plain_http", "yes"},
            {"notify NAME", "interface", "wg1"},
            {"notify NAME", "budget", "1"},
            {"alerts", "spool_files", "16"},
            {"alerts", "spool_size", "1M"},
            {"alerts", "incoming_unread", "0"},
            {"alerts", "modem_timeouts", "0"},
            {"alerts", "sms_after", "1s"},
            {"alerts", "state_dir", "/z"},
            {"modem NAME", "ganged_power", "yes"},
            {"recovery", "automatic", "no"},
            {"recovery", "silent_after", "5s"},
            {"recovery", "resets_per_hour", "1"},
            {"recovery", "resets_per_day", "1"},
            {"recovery", "route_resets_per_hour", "0"},
            {"recovery", "route_resets_per_day", "1"},
            {"recovery", "smsd_stops_per_hour", "1"},
            {"recovery", "smsd_stops_per_day", "1"},
            {"recovery", "power_command", "/x"},
            {"heartbeat", "every", "1s"},
            {"heartbeat", "method", "get"},
            {"heartbeat", "plain_http", "yes"},
            {"queue", "retry_failed", "3"},
        };
        static struct config standard, config;
        struct config_error error;
        char line[1024], section[64] = "", key[64], value[256];
        unsigned rows = 0;

        (void)state;
        config_init(&standard);
        assert_int_equal(config_open_section(&standard, "modem NAME", &error), 0);
        assert_int_equal(config_open_section(&standard, "notify NAME", &error), 0);
        config = standard;
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                assert_int_equal(config_set(&config, others[i][0], others[i][1], others[i][2], &error), 0);
        _cleanup_fclose_ FILE *document = fopen(DOCUMENT, "re");
        assert_non_null(document);
        while (fgets(line, sizeof(line), document)) {
                if (read_heading(line, section) || !read_row(line, key, value))
                        continue;
                rows++;
                if (value[0] == '\0') { /* no default: at least the key must exist */
                        assert_int_equal(config_set(&config, section, key, "\x01", &error), -EINVAL);
                        assert_null(strstr(error.message, "no such key"));
                        continue;
                }
                if (config_set(&config, section, key, value, &error) != 0)
                        fail_msg("%s: %s", DOCUMENT, error.message);
        }
        assert_memory_equal(&config, &standard,
                            sizeof(config)); /* a key that the document leaves out would differ */
        assert_int_equal(rows, ARRAY_SIZE(others) + WITHOUT_DEFAULT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_documented_defaults),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
