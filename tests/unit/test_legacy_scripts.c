/* Which lines are the old scripts' doing, how they are switched off and on, what a wrapper looks like. */
#include "base/cleanup.h"
#include "base/text.h"
#include "core/legacy_scripts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_lines(void **state)
{
        static const struct {
                const char *line, *script, *path;
        } cases[] = {
            {"*/2 * * * * root /usr/local/bin/smsd_monitor.sh >/dev/null", "smsd_monitor.sh",
             "/usr/local/bin/smsd_monitor.sh"},
            {"* * * * * cd /home/rom && ./modem_crash_recovery.sh", "modem_crash_recovery.sh", NULL},
            {"ExecStart=/bin/bash /home/rom/ec25_port_monitor.sh", "ec25_port_monitor.sh",
             "/home/rom/ec25_port_monitor.sh"},
            {"RUN+=\"/home/rom/ec25_smart_configurator.sh &\"", "ec25_smart_configurator.sh",
             "/home/rom/ec25_smart_configurator.sh"},
            {"* * * * * /home/rom/smsd_monitor.sh.bak", NULL, NULL},
            {"* * * * * /home/rom/my_smsd_monitor.sh", NULL, NULL},
            {"smsd_monitor_sh", NULL, NULL},
            {"", NULL, NULL},
        };
        char path[64];
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                size_t length = strlen(cases[i].line);
                const struct legacy_script *script = legacy_script_in_line(cases[i].line, length);
                if (!cases[i].script) {
                        assert_null(script);
                        continue;
                }
                assert_non_null(script);
                assert_string_equal(script->name, cases[i].script);
                int r = legacy_script_path(cases[i].line, length, script, path, sizeof(path));
                if (cases[i].path) {
                        assert_int_equal(r, 0);
                        assert_string_equal(path, cases[i].path);
                } else
                        assert_true(r < 0 || text_equal(path, "/modem_crash_recovery.sh") == false);
        }
}

static void test_touching_smsd(void **state)
{
        static const struct {
                const char *line;
                bool touches;
        } cases[] = {
            {"5 4 * * 0 systemctl restart smstools", true},
            {"5 4 * * 0 /usr/bin/systemctl restart smstools.service", true},
            {"5 4 * * 0 root service smstools restart", true},
            {"5 4 * * 0 root /etc/init.d/smstools restart", true},
            {"www-data ALL=(root) NOPASSWD: /usr/bin/pkill smsd", true},
            {"x ALL=(root) NOPASSWD: /usr/bin/killall -9 smsd", true},
            {"rm -f /tmp/smsd_manual_stop", true},
            {"5 4 * * 0 systemctl restart nginx", false},
            {"5 4 * * 0 ls /var/log/smstools", false},
            {"5 4 * * 0 pkill smsd-exporter", false},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                if (legacy_line_touches_smsd(cases[i].line, strlen(cases[i].line)) != cases[i].touches)
                        fail_msg("%s", cases[i].line);
}

struct told {
        unsigned n, kept;
        unsigned last;
};

static void tell(void *userdata, unsigned number, const char *line, size_t length, const char *kept)
{
        struct told *told = userdata;

        assert_true(length > 0 && line[0] != '\0');
        told->n++;
        told->kept += kept != NULL;
        told->last = number;
}

static void check_off_and_on(enum legacy_file kind, const char *text, const char *expected, unsigned told_n,
                             unsigned kept)
{
        _cleanup_free_ char *off = NULL, *on = NULL;
        struct told told = {0};
        size_t length = 0;
        int r = legacy_switch_off(kind, text, strlen(text), tell, &told, &off, &length);

        assert_int_equal(told.n, told_n);
        assert_int_equal(told.kept, kept);
        assert_int_equal(r, told_n - kept);
        if (r == 0) {
                assert_null(off);
                return;
        }
        assert_string_equal(off, expected);
        assert_int_equal(legacy_switch_on(off, length, &on, &length), r);
        assert_string_equal(on, text);
        assert_int_equal(length, strlen(text));
}

/* Every other byte stays, and the way back gives every byte. */
static void test_off_and_on(void **state)
{
        (void)state;

        check_off_and_on(LEGACY_CRONTAB, "# a\r\n* * * * * /h/smsd_monitor.sh\r\n1 2 * * * /x\r\n",
                         "# a\r\n#smswarden-migrate# * * * * * /h/smsd_monitor.sh\r\n1 2 * * * /x\r\n", 1, 0);
        check_off_and_on(LEGACY_CRONTAB, "* * * * * /h/smsd_monitor.sh",
                         "#smswarden-migrate# * * * * * /h/smsd_monitor.sh", 1, 0);
        check_off_and_on(LEGACY_CRONTAB, "#* * * * * /h/smsd_monitor.sh\n\n", NULL, 0, 0);
        check_off_and_on(LEGACY_CRONTAB, "* * * * * /h/pi_send_message.sh x\n", NULL, 0, 0);
        check_off_and_on(LEGACY_CRONTAB, "", NULL, 0, 0);
        check_off_and_on(LEGACY_SUDOERS,
                         "x ALL=NOPASSWD: /usr/bin/pkill smsd\nx ALL=NOPASSWD: /h/smsd_manual_stop.sh\n",
                         "#smswarden-migrate# x ALL=NOPASSWD: /usr/bin/pkill smsd\nx ALL=NOPASSWD: "
                         "/h/smsd_manual_stop.sh\n",
                         1, 0);
        check_off_and_on(LEGACY_UDEV_RULES, "ACTION==\"add\", RUN+=\"/h/ec25_smart_configurator.sh\"\n",
                         "#smswarden-migrate# ACTION==\"add\", RUN+=\"/h/ec25_smart_configurator.sh\"\n", 1,
                         0);
}

/* A comment sign in the middle of a continued line would change what the rest means. */
static void test_continued_lines_stay(void **state)
{
        (void)state;

        check_off_and_on(LEGACY_SUDOERS, "x ALL=NOPASSWD: /usr/bin/pkill smsd, \\\n  /bin/ls\n", NULL, 1, 1);
        check_off_and_on(LEGACY_SUDOERS, "x ALL=NOPASSWD: /bin/ls, \\\n  /usr/bin/pkill smsd\n", NULL, 1, 1);
}

static void test_units(void **state)
{
        static const struct {
                const char *text;
                bool concerns;
        } cases[] = {
            {"[Service]\nExecStart=/home/rom/modem_health_monitor.sh\n", true},
            {"[Service]\nExecStart=/bin/sh -c '/usr/bin/killall smsd'\n", true},
            {"[Service]\nExecStart=/home/rom/pi_send_message.sh\n", false},
            {"[Service]\n# ExecStart=/home/rom/modem_health_monitor.sh\nExecStart=/bin/true\n", false},
            {"[Unit]\nDescription=smsd_monitor.sh\n", false},
            {"", false},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                if (legacy_unit_concerns(cases[i].text, strlen(cases[i].text)) != cases[i].concerns)
                        fail_msg("%s", cases[i].text);
}

static void test_wrappers(void **state)
{
        const struct legacy_script *stop = legacy_script_by_name("smsd_manual_stop.sh"), *script;
        char text[1024];
        (void)state;

        assert_int_equal(legacy_wrapper(stop, "/usr/bin/smswarden", text, sizeof(text)), 0);
        assert_true(legacy_is_wrapper(text, strlen(text)));
        assert_non_null(strstr(text, "\nexec /usr/bin/smswarden stop --reason smsd_manual_stop.sh\n"));
        assert_non_null(strstr(text, "|| exec sudo -- /usr/bin/smswarden stop"));
        assert_false(legacy_is_wrapper("#!/bin/sh\n", 10));
        assert_int_equal(legacy_wrapper(legacy_script_by_name("pi_send_message.sh"), "x", text, sizeof(text)),
                         -EINVAL);
        assert_int_equal(legacy_wrapper(stop, "x", text, 20), -ENAMETOOLONG);
        assert_null(legacy_script_by_name("smsd_monitor"));
        for (unsigned i = 0; (script = legacy_script_at(i)); i++) {
                assert_ptr_equal(legacy_script_by_name(script->name), script);
                if (script->command)
                        assert_int_equal(legacy_wrapper(script, "/usr/bin/smswarden", text, sizeof(text)), 0);
        }
}

static void test_secrets(void **state)
{
        static const struct {
                const char *text;
                unsigned line;
        } cases[] = {
            {"#!/bin/sh\nVPS_PASSWORD=\"x\"\n", 2},
            {"curl -H 'Authorization: Bearer x'", 1},
            {"# password= none\nls\n", 0},
            {"ls\n", 0},
            {"", 0},
        };
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(legacy_secret_line(cases[i].text, strlen(cases[i].text)), cases[i].line);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_lines),
            cmocka_unit_test(test_touching_smsd),
            cmocka_unit_test(test_off_and_on),
            cmocka_unit_test(test_units),
            cmocka_unit_test(test_continued_lines_stay),
            cmocka_unit_test(test_wrappers),
            cmocka_unit_test(test_secrets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
