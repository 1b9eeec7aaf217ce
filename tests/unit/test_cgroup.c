/* /proc/PID/cgroup as systemd, old kernels, containers and nobody at all write it, into a unit's name. */
#include "core/cgroup.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_units(void **state)
{
        static const struct {
                const char *text;
                const char *unit;
        } cases[] = {
            {"0::/system.slice/smstools.service\n", "smstools.service"},
            {"0::/system.slice/smstools.service", "smstools.service"},
            {"0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"},
            {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-minicom.scope\n",
             "app-minicom.scope"},
            {"0::/system.slice/docker-0123.scope/init\n", "docker-0123.scope"},
            {"12:pids:/system.slice/x.service\n1:name=systemd:/system.slice/smstools.service\n0::/\n",
             "smstools.service"},
            {"12:pids:/system.slice/x.service\n", ""},
            {"1:name=systemd:/\n0::/system.slice/ModemManager.service\n", "ModemManager.service"},
            {"0::/system.slice/a\x1b[31m.service\n", "a[31m.service"},
            {"0::/\n", ""},
            {"0::/system.slice\n", ""},
            {"0::/.service\n", ""},
            {"0::", ""},
            {"0:", ""},
            {"", ""},
            {"\n\n\n", ""},
            {"garbage without a colon\n0::/x.service", "x.service"},
            {"0::relative.service\n", ""},
            {"0::/a-name-that-is-far-too-long-to-be-shown-in-full-whatever-anybody-says.service\n", ""},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char unit[64] = "stale";
                cgroup_unit(cases[i].text, unit, sizeof(unit));
                if (strcmp(unit, cases[i].unit) != 0)
                        fail_msg("%s: \"%s\"", cases[i].text, unit);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_units)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
