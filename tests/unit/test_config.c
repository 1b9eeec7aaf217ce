/*
 * core/config: every key with good and bad values, the messages that a person reads, and what only the whole
 * can show. Alerts and their receivers: test_config_notify.c.
 */
#include "core/config.h"

#include "base/text.h"
#include "core/config_value.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
        const char *section, *key, *value;
} good[] = {
    {"gateway", "mode", "control"},
    {"gateway", "mode", "observe"},
    {"gateway", "control", "auto"},
    {"gateway", "control", "systemd"},
    {"gateway", "control", "direct"},
    {"gateway", "system_bus", "auto"},
    {"gateway", "system_bus", "off"},
    {"gateway", "unit", "smstools.service"},
    {"gateway", "unit", "smsd@lte-1.service"},
    {"gateway", "smsd", "/usr/local/sbin/smsd"},
    {"gateway", "smsd_conf", "/etc/sms tools/smsd.conf"},
    {"gateway", "smsd_conf", "/srv/..smsd../žinutės.conf"},
    {"gateway", "smsd_user", "smsd"},
    {"gateway", "smsd_user", "auto"},
    {"gateway", "smsd_user", ""},
    {"gateway", "smsd_group", "dialout"},
    {"gateway", "runtime_dir", "/tmp/run"},
    {"gateway", "state_dir", "/tmp/state"},
    {"hold", "default", "30min"},
    {"hold", "default", "1h 30min"},
    {"hold", "default", "45"},
    {"hold", "maximum", "1w"},
    {"hold", "notify_after", "1s"},
    {"hold", "legacy_flag", "none"},
    {"hold", "legacy_flag", ""},
    {"hold", "legacy_flag", "/tmp/smsd_manual_stop"},
    {"hold", "legacy_owners", "root"},
    {"hold", "legacy_owners", "root  @sudo\t@adm pi"},
    {"restart", "backoff_max", "1h"},
    {"modem GSM1", "match", "auto"},
    {"modem GSM1", "match", "imei=861585041234567"},
    {"modem GSM1", "match", "imsi=246011234567890"},
    {"modem GSM1", "match", "usb=1-1.2"},
    {"modem GSM1", "match", "usb=3-1.4.1"},
    {"modem GSM1", "match", "device=/dev/ttyAMA0"},
    {"modem GSM1", "profile", "auto"},
    {"modem GSM1", "profile", "quectel-ec2x"},
    {"modem  GSM1", "profile", "generic"},
    {"modem GSM1", "link", "ttyUSB_AT"},
    {"modem GSM1", "link", "SMS-gateway.at"},
    {"modem GSM1", "link", "A"},
    {"modem GSM1", "link", "modem4G"},
    {"modem GSM1", "link", "Abcdefghijabcdefghijabcdefghijx"},
    {"modem GSM1", "link", "none"},
    {"modem GSM1", "link", ""},
    {"modem GSM1", "manage", "device"},
    {"modem GSM1", "manage", "profile"},
    {"modem GSM1", "boot_timeout", "2min"},
    {"notify vps", "type", "webhook"},
    {"notify vps", "type", "sms"},
    {"notify vps", "url", "https://vps.example/hook?a=1;b=2#c"},
    {"notify vps", "url", "+37060000000"},
    {"notify vps", "min_severity", "info"},
    {"notify vps", "min_severity", "critical"},
};

static void test_good_values_are_taken(void **state)
{
        struct config config;
        struct config_error error = {""};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                config_init(&config);
                if (config_set(&config, good[i].section, good[i].key, good[i].value, &error) != 0)
                        fail_msg("%s=%s: %s", good[i].key, good[i].value, error.message);
        }
}

static const struct {
        const char *section, *key, *value, *message;
} bad[] = {
    {"hold", "default", "soon",
     "[hold] default: \"soon\" is not a duration from 1s to 7d; write one like 90s, 30min or 1h30min"},
    {"hold", "default", "infinity",
     "[hold] default: \"infinity\" is not a duration from 1s to 7d; write one like 90s, 30min or 1h30min"},
    {"hold", "default", "0", NULL},
    {"hold", "default", "-5min", NULL},
    {"hold", "default", "", NULL},
    {"hold", "maximum", "99999999999999999999h", NULL},
    {"hold", "defualt", "30min", "[hold] defualt: no such key; did you mean default?"},
    {"hold", "Maximum", "30min", "[hold] Maximum: no such key; did you mean maximum?"},
    {"restart", "speed", "1", "[restart] speed: no such key; allowed: backoff_max"},
    {"hold", "legacy", "x",
     "[hold] legacy: no such key; allowed: default, maximum, notify_after, legacy_flag, legacy_owners"},
    {"hold", "legacy_flag", "tmp/x",
     "[hold] legacy_flag: \"tmp/x\" is not an absolute path (no .., at most 255 bytes); write one, or none"},
    {"hold", "legacy_owners", "root #x",
     "[hold] legacy_owners: \"root #x\" is not a list of users and @groups separated by blanks (255 bytes at "
     "most); write one "
     "like root @sudo"},
    {"hold", "legacy_owners", "  ", NULL},
    {"hold", "legacy_owners", "root @", NULL},
    {"gateway", "mode", "Control", "[gateway] mode: \"Control\" is not known; allowed: control, observe"},
    {"gateway", "control", "", "[gateway] control: \"\" is not known; allowed: auto, systemd, direct"},
    {"gateway", "unit", "smstools",
     "[gateway] unit: \"smstools\" is not a systemd service; write its full name, like smstools.service"},
    {"gateway", "unit", ".service", NULL},
    {"gateway", "unit", "a b.service", NULL},
    {"gateway", "unit", "../x.service", NULL},
    {"gateway", "smsd", "smsd",
     "[gateway] smsd: \"smsd\" is not an absolute path (no .., at most 255 bytes)"},
    {"gateway", "smsd_conf", "/etc/../tmp/smsd.conf", NULL},
    {"gateway", "state_dir", "/var/lib/..", NULL},
    {"gateway", "state_dir", "/a\nb",
     "[gateway] state_dir: \"/a\\nb\" is not an absolute path (no .., at most 255 bytes)"},
    {"gateway", "smsd_user", "a:b",
     "[gateway] smsd_user: \"a:b\" is not an account name; write one, auto, or nothing for the daemon's own"},
    {"gateway", "smsd_user", "-x", NULL},
    {"gateway", "smsd_user", "abcdefghijabcdefghijabcdefghij12", NULL},
    {"modem GSM1", "match", "imei=123",
     "[modem GSM1] match: \"imei=123\" matches no modem; allowed: auto, imei=15 digits, imsi=6 to 15 digits, "
     "usb=1-1.2, "
     "device=/dev/ttyAMA0"},
    {"modem GSM1", "match", "imei=8615850412345678", NULL},
    {"modem GSM1", "match", "imsi=24601", NULL},
    {"modem GSM1", "match", "usb=1-", NULL},
    {"modem GSM1", "match", "usb=1-1.", NULL},
    {"modem GSM1", "match", "usb=1-1:1.2", NULL},
    {"modem GSM1", "match", "usb=1", NULL},
    {"modem GSM1", "match", "device=ttyAMA0", NULL},
    {"modem GSM1", "match", "device=/dev/", NULL},
    {"modem GSM1", "match", "device=/dev/../etc/passwd", NULL},
    {"modem GSM1", "match", "device=/dev/a\nb", NULL},
    {"modem GSM1", "match", "", NULL},
    {"modem GSM1", "profile", "EC 25", NULL},
    {"modem GSM1", "profile", "../x", NULL},
    {"modem GSM1", "profile", "", NULL},
    {"modem GSM1", "profile", "abcdefghijabcdefghijabcdefghijxy", NULL},
    {"modem GSM1", "link", "ttyUSB0",
     "[modem GSM1] link: \"ttyUSB0\" is no name for a link in /dev; write one like ttyUSB_AT (31 letters, "
     "digits or "
     "._- at most, a capital one, no digit at the end), or none"},
    {"modem GSM1", "link", "ttyAMA10", NULL}, /* the kernel's, today or tomorrow */
    {"modem GSM1", "link", "null", NULL},
    {"modem GSM1", "link", "tty", NULL},
    {"modem GSM1", "link", "sda", NULL},
    {"modem GSM1", "link", "vga_arbiter", NULL},
    {"modem GSM1", "link", "loop-control", NULL},
    {"modem GSM1", "link", "smswarden", NULL},
    {"modem GSM1", "link", "/dev/ttyUSB_AT", NULL},
    {"modem GSM1", "link", "a/B", NULL},
    {"modem GSM1", "link", "..", NULL},
    {"modem GSM1", "link", ".A", NULL},
    {"modem GSM1", "link", "-A", NULL},
    {"modem GSM1", "link", "_A", NULL},
    {"modem GSM1", "link", "tty AT", NULL}, /* udev would make two of it */
    {"modem GSM1", "link", "tty%kAT", NULL},
    {"modem GSM1", "link", "tty$AT", NULL},
    {"modem GSM1", "link", "tty\nAT", NULL},
    {"modem GSM1", "link", "ttyŽ", NULL},
    {"modem GSM1", "link", "Abcdefghijabcdefghijabcdefghijxy", NULL},
    {"modem GSM1", "manage", "everything",
     "[modem GSM1] manage: \"everything\" is not known; allowed: device, profile"},
    {"modem GSM1", "boot_timeout", "2h", NULL},
    {"notify vps", "type", "mail",
     "[notify vps] type: \"mail\" is not known; allowed: webhook, vps-message, vps-status, alertmanager, "
     "ntfy, smtp, exec, sms"},
    {"notify vps", "min_severity", "error",
     "[notify vps] min_severity: \"error\" is not known; allowed: info, warning, critical"},
    {"notify vps", "url", "https://me:secret@x/ y",
     "[notify vps] url: the value is not an address; write one without blanks and quotes, at most 511 bytes"},
    {"notify vps", "url", "", NULL},
    {"gatway", "mode", "control", "[gatway]: no such section; did you mean [gateway]?"},
    {"modems GSM1", "match", "auto", "[modems GSM1]: no such section; did you mean [modem NAME]?"},
    {"network", "a", "b",
     "[network]: no such section; allowed: [gateway], [hold], [restart], [modem NAME], [storage], [notify "
     "NAME], "
     "[alerts], [heartbeat], [queue], [provision], [recovery]"},
    {"gateway 2", "mode", "control", "[gateway 2]: write just [gateway]"},
    {"modem", "match", "auto",
     "[modem]: write [modem NAME], the name of at most 31 letters, digits, '_', '-', '.' or '+'"},
    {"modem GSM 1", "match", "auto", NULL},
    {"modem ../x", "match", "auto", NULL},
    {"modem .", "match", "auto", NULL},
    {"modem GSM*", "match", "auto", NULL},
    {"notify abcdefghijabcdefghijabcdefghij12", "type", "sms", NULL},
    {"", "mode", "control", "mode: stands before the first [section]"},
    {"\x1b[31m", "a", "b",
     "[\\x1b[31m]: no such section; allowed: [gateway], [hold], [restart], [modem NAME], [storage], [notify "
     "NAME], "
     "[alerts], [heartbeat], [queue], [provision], [recovery]"},
    {"hold", "a\nb", "c",
     "[hold] a\\nb: no such key; allowed: default, maximum, notify_after, legacy_flag, legacy_owners"},
};

static bool is_one_printable_line(const char *message)
{
        for (const unsigned char *p = (const unsigned char *)message; *p; p++)
                if (*p < 0x20 || *p == 0x7f)
                        return false;
        return message[0] != '\0' && strlen(message) < sizeof(((struct config_error *)NULL)->message) - 1;
}

static void test_bad_values_are_refused_whole_with_a_message(void **state)
{
        struct config before, config;

        (void)state;
        config_init(&before);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct config_error error = {""};
                config = before;
                int r = config_set(&config, bad[i].section, bad[i].key, bad[i].value, &error);
                if (r != -EINVAL && r != -E2BIG)
                        fail_msg("[%s] %s = %s gave %d", bad[i].section, bad[i].key, bad[i].value, r);
                if (bad[i].message)
                        assert_string_equal(error.message, bad[i].message);
                if (!is_one_printable_line(error.message))
                        fail_msg("[%s] %s = %s: message \"%s\"", bad[i].section, bad[i].key, bad[i].value,
                                 error.message);
                assert_memory_equal(&config, &before, sizeof(config));
        }
}

static void test_values_reach_their_fields(void **state)
{
        struct config config;
        struct config_error error;

        (void)state;
        config_init(&config);
        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                assert_int_equal(config_set(&config, good[i].section, good[i].key, good[i].value, &error), 0);
        assert_int_equal(config.mode, MODE_OBSERVE);
        assert_int_equal(config.control, CONTROL_DIRECT);
        assert_string_equal(config.unit, "smsd@lte-1.service");
        assert_string_equal(config.smsd, "/usr/local/sbin/smsd");
        assert_string_equal(config.smsd_user, "");
        assert_string_equal(config.smsd_group, "dialout");
        assert_string_equal(config.runtime_dir, "/tmp/run");
        assert_string_equal(config.state_dir, "/tmp/state");
        assert_int_equal(config.hold_default, 45 * USEC_PER_SEC);
        assert_int_equal(config.hold_maximum, 7 * USEC_PER_DAY);
        assert_int_equal(config.hold_notify_after, USEC_PER_SEC);
        assert_string_equal(config.legacy_flag, "/tmp/smsd_manual_stop");
        assert_string_equal(config.legacy_owners, "root  @sudo\t@adm pi");
        assert_int_equal(config.backoff_max, USEC_PER_HOUR);
        assert_int_equal(config.n_modems, 1);
        assert_string_equal(config.modems[0].name, "GSM1");
        assert_int_equal(config.modems[0].match, MATCH_DEVICE);
        assert_string_equal(config.modems[0].match_value, "/dev/ttyAMA0");
        assert_string_equal(config.modems[0].profile, "generic");
        assert_int_equal(config.modems[0].manage, MANAGE_PROFILE);
        assert_int_equal(config.modems[0].boot_timeout, 2 * USEC_PER_MIN);
        assert_int_equal(config.n_receivers, 1);
        assert_string_equal(config.receivers[0].name, "vps");
        assert_string_equal(config.receivers[0].type, "sms");
        assert_string_equal(config.receivers[0].url, "+37060000000");
        assert_int_equal(config.receivers[0].min_severity, SEVERITY_CRITICAL);
        assert_int_equal(config_check(&config, &error), 0);
}

static void test_too_many_sections(void **state)
{
        struct config config;
        struct config_error error;
        char section[32];

        (void)state;
        config_init(&config);
        for (unsigned i = 0; i <= SMSD_MODEMS_MAX; i++) {
                (void)text_format(section, sizeof(section), "modem G%u", i);
                assert_int_equal(config_set(&config, section, "match", "auto", &error),
                                 i < SMSD_MODEMS_MAX ? 0 : -E2BIG);
        }
        assert_string_equal(error.message, "[modem G64]: more than 64 such sections");
        for (unsigned i = 0; i <= CONFIG_RECEIVERS_MAX; i++) {
                (void)text_format(section, sizeof(section), "notify n%u", i);
                assert_int_equal(config_open_section(&config, section, &error),
                                 i < CONFIG_RECEIVERS_MAX ? 0 : -E2BIG);
        }
        assert_int_equal(config.n_modems, SMSD_MODEMS_MAX);
        assert_int_equal(config.n_receivers, CONFIG_RECEIVERS_MAX);
        assert_int_equal(config_set(&config, "modem G63", "manage", "profile", &error),
                         0); /* a known one still fits */
        assert_int_equal(config.modems[63].manage, MANAGE_PROFILE);
}

static void test_an_empty_section_counts(void **state)
{
        struct config config;
        struct config_error error;

        (void)state;
        config_init(&config);
        assert_int_equal(config_open_section(&config, "modem GSM2", &error), 0);
        assert_int_equal(config_open_section(&config, "modem GSM2", &error), 0);
        assert_int_equal(config_open_section(&config, "hold", &error), 0);
        assert_int_equal(config.n_modems, 1);
        assert_string_equal(config.modems[0].name, "GSM2");
        assert_string_equal(config.modems[0].profile, "auto");
        assert_int_equal(config_open_section(&config, "hodl", &error), -EINVAL);
        assert_string_equal(error.message, "[hodl]: no such section; did you mean [hold]?");
}

static void test_receiver_defaults(void **state)
{
        struct config config;
        struct config_error error;

        (void)state;
        config_init(&config);
        assert_int_equal(config_set(&config, "notify a", "type", "exec", &error), 0);
        assert_int_equal(config.receivers[0].min_severity, SEVERITY_WARNING);
        assert_string_equal(config.receivers[0].url, "");
}

struct assignment {
        const char *section, *key, *value;
};

static const struct {
        struct assignment set[6];
        const char *message; /* NULL: fine */
} wholes[] = {
    {{{NULL}}, NULL},
    {{{"hold", "maximum", "30min"}}, NULL},
    {{{"hold", "maximum", "29min"}},
     "[hold] default: 30min is longer than [hold] maximum, 29min; lower one or raise the other"},
    {{{"hold", "maximum", "10min"}, {"hold", "default", "5min"}}, NULL},
    {{{"gateway", "state_dir", "/run/smswarden"}},
     "[gateway] runtime_dir: must not be state_dir: one is emptied at boot, the other is kept"},
    {{{"modem A", "match", "usb=1-1.2"}, {"modem B", "match", "usb=1-1.2"}},
     "[modem B] match: is the same as that of [modem A]; one modem feeds one section"},
    {{{"modem A", "match", "imei=861585041234567"}, {"modem B", "match", "imei=861585041234568"}}, NULL},
    {{{"modem A", "match", "imei=861585041234567"}, {"modem B", "match", "imsi=861585041234567"}}, NULL},
    {{{"modem A", "match", "auto"}, {"modem B", "match", "auto"}}, NULL},
    {{{"modem A", "link", "X"}}, NULL},
    {{{"modem A", "link", "X"}, {"modem B", "match", "usb=1-1"}, {"modem B", "link", "Y"}}, NULL},
    {{{"modem A", "link", "X"}, {"modem B", "match", "device=/dev/ttyAMA0"}}, NULL},
    {{{"modem A", "link", "X"}, {"modem B", "match", "imei=861585041234567"}},
     "[modem A] link: it could be the modem of [modem B] as well; write match = usb=... to both"},
    {{{"modem B", "match", "auto"}, {"modem A", "link", "X"}},
     "[modem A] link: it could be the modem of [modem B] as well; write match = usb=... to both"},
    {{{"modem A", "link", "X"}, {"modem A", "match", "imsi=246011234567890"}},
     "[modem A] link: an IMEI or IMSI is not known when the link is made; write match = usb=... instead, or "
     "auto for "
     "the only modem"},
    {{{"modem A", "link", "X"}, {"modem A", "match", "device=/dev/ttyAMA0"}},
     "[modem A] link: a device= has its name already; remove one of the two"},
    {{{"modem A", "match", "usb=1-1"},
      {"modem A", "link", "X"},
      {"modem B", "match", "usb=1-2"},
      {"modem B", "link", "X"}},
     "[modem B] link: is the same as that of [modem A]"},
    {{{"notify v", "url", "https://x"}}, "[notify v] type: is missing; write one like type = webhook"},
    {{{"notify v", "type", "webhook"}},
     "[notify v] url: is missing; type webhook wants https://... (or http://... with plain_http = yes)"},
    {{{"notify v", "type", "smtp"}, {"notify v", "url", "https://x"}},
     "[notify v] url: type smtp wants smtps://... or smtp://..."},
    {{{"notify v", "type", "exec"}, {"notify v", "url", "/usr/bin/true"}}, NULL},
    {{{"notify v", "type", "sms"}, {"notify v", "url", "+370600"}}, NULL},
};

static void test_the_whole_is_checked(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wholes); i++) {
                struct config config;
                struct config_error error = {""};
                config_init(&config);
                for (const struct assignment *a = wholes[i].set; a->section; a++)
                        assert_int_equal(config_set(&config, a->section, a->key, a->value, &error), 0);
                int r = config_check(&config, &error);
                assert_int_equal(r, wholes[i].message ? -EINVAL : 0);
                assert_string_equal(error.message, wholes[i].message ? wholes[i].message : "");
        }
}

static void test_paths_set_by_a_program_are_checked_too(void **state)
{
        struct config config;
        struct config_error error;

        (void)state;
        config_init(&config);
        (void)text_copy(config.smsd_conf, sizeof(config.smsd_conf), "smsd.conf");
        assert_int_equal(config_check(&config, &error), -EINVAL);
        assert_string_equal(error.message, "[gateway] smsd_conf: must be an absolute path");
}

static void test_word_distance(void **state)
{
        static const struct {
                const char *a, *b;
                unsigned distance;
        } rows[] = {{"", "", 0},        {"", "abc", 3},    {"abc", "abc", 0},
                    {"ABC", "abc", 0},  {"abc", "acb", 1}, {"kitten", "sitting", 3},
                    {"mode", "mod", 1}, {"ca", "abc", 3},  {"moed", "mode", 1}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                assert_int_equal(config_word_distance(rows[i].a, rows[i].b), rows[i].distance);
                assert_int_equal(config_word_distance(rows[i].b, rows[i].a), rows[i].distance);
        }
}

static void test_names_of_enums(void **state)
{
        (void)state;
        assert_string_equal(gateway_mode_to_string(MODE_CONTROL), "control");
        assert_string_equal(gateway_mode_to_string(MODE_OBSERVE), "observe");
        assert_string_equal(severity_to_string(SEVERITY_INFO), "info");
        assert_string_equal(severity_to_string(SEVERITY_WARNING), "warning");
        assert_string_equal(severity_to_string(SEVERITY_CRITICAL), "critical");
}

static void test_a_copy_holds_what_is_used(void **state)
{
        static struct config source, target;
        struct config_error error;

        (void)state;
        config_init(&source);
        assert_int_equal(config_set(&source, "gateway", "unit", "sms.service", &error), 0);
        assert_int_equal(config_set(&source, "modem GSM7", "link", "ttyUSB_AT", &error), 0);
        assert_int_equal(config_set(&source, "notify phone", "budget", "3", &error), 0);
        assert_int_equal(config_set(&source, "heartbeat", "every", "7min", &error), 0);
        memset(&target, 0x55, sizeof(target));
        config_copy(&target, &source);
        assert_memory_equal(&target, &source, offsetof(struct config, modems[1]));
        assert_memory_equal(&target.n_receivers, &source.n_receivers,
                            offsetof(struct config, receivers[1]) - offsetof(struct config, n_receivers));
        assert_memory_equal(&target.alerts, &source.alerts, sizeof(source) - offsetof(struct config, alerts));
        assert_int_equal(target.modems[1].name[0], 0x55); /* nobody's */
        assert_int_equal(target.receivers[1].name[0], 0x55);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_good_values_are_taken),
            cmocka_unit_test(test_bad_values_are_refused_whole_with_a_message),
            cmocka_unit_test(test_values_reach_their_fields),
            cmocka_unit_test(test_too_many_sections),
            cmocka_unit_test(test_an_empty_section_counts),
            cmocka_unit_test(test_receiver_defaults),
            cmocka_unit_test(test_the_whole_is_checked),
            cmocka_unit_test(test_paths_set_by_a_program_are_checked_too),
            cmocka_unit_test(test_word_distance),
            cmocka_unit_test(test_names_of_enums),
            cmocka_unit_test(test_a_copy_holds_what_is_used),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
