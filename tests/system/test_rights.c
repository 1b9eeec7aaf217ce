/*
 * Who may do what: a person without rights may look and sees nothing personal, and the controller itself can
 * do no more than its work needs. What is refused here is allowed once beside it, by other means: else nobody
 * would know what refused it.
 */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMSI  "262019876543210"
#define ICCID "89490200009876543210"
/* Without PAM, which would begin a session, and systemd a manager for it, at each command. */
#define PERSON    "setpriv --reuid=person --regid=person --init-groups -- "
#define LOGGED_IN "runuser -u person -- "
#define OBJECT    "org.smswarden.Gateway1 /org/smswarden/Gateway1 "
#define IFACE     "org.smswarden.Gateway1 "

static void assert_nothing_personal(const char *output)
{
        static const char *const personal[] = {IMSI, ICCID, "4915112345678", "4915187654321"};

        for (size_t i = 0; i < ARRAY_SIZE(personal); i++)
                if (strstr(output, personal[i]))
                        fail_msg("'%s' is in:\n%s", personal[i], output);
}

static void a_working_gateway(struct machine *m)
{
        (void)scenario_modem(m, "identity 0 imsi=" IMSI " iccid=" ICCID);
        /* An smsd that runs keeps its modem to itself: without one the controller asks the modem who it is.
         */
        (void)machine_ok(m, "systemctl stop smswardend smstools");
        scenario_plug(m, 0, "");
        scenario_working(m);
        (void)machine_ok(m, "smswarden status --json | grep -q " IMSI);
}

static void a_stranger_sees_no_imsi(struct machine *m)
{
        a_working_gateway(m);
        scenario_send(m, 0, "of no interest to strangers");
        machine_assert_contains(machine_ok(m, "smswarden status --json"), ICCID);

        machine_assert_contains(machine_ok(m, PERSON "smswarden status"), "WORKING");
        assert_nothing_personal(machine_ok(m, PERSON "smswarden status"));
        assert_nothing_personal(machine_ok(m, PERSON "smswarden status --json"));
        assert_nothing_personal(machine_ok(m, PERSON "smswarden modems"));
        /* The system bus has no secrets, for root neither. */
        machine_assert_contains(machine_ok(m, PERSON "busctl get-property " OBJECT IFACE "Verdict"),
                                "\"working\"");
        assert_nothing_personal(machine_ok(m, PERSON "busctl introspect " OBJECT));
        assert_nothing_personal(machine_ok(m, PERSON "busctl call " OBJECT IFACE "Snapshot"));
        assert_nothing_personal(machine_ok(m, "busctl call " OBJECT IFACE "Snapshot"));
        /* Without the controller the state is judged from files, which tell strangers as little. */
        (void)machine_ok(m, "systemctl stop smswardend");
        assert_int_equal(machine_run(m, 30000, NULL, PERSON "smswarden status > /run/offline"), 1);
        assert_nothing_personal(machine_ok(m, "cat /run/offline"));
}

/* 77: EXIT_NO_PERMISSION. */
static void a_stranger_controls_nothing(struct machine *m)
{
        static const char *const refused[] = {"stop", "start", "restart", "stop --force", "probe", "migrate"};
        static const char *const calls[] = {"Stop tsb 0 evil true", "Start sb evil true",
                                            "Restart sb evil true", "Reload"};
        static const char *const files[] = {"/run/smswarden/hold", "/run/smstools/x", "/var/lib/smswarden/x",
                                            "/dev/smswarden/x"};
        const char *output;

        (void)machine_ok(m, "pgrep -x smsd > /run/before");
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
                assert_int_equal(machine_run(m, 60000, &output, PERSON "smswarden %s", refused[i]), 77);
                assert_string_not_equal(output, ""); /* says why */
        }
        assert_int_equal(machine_run(m, 60000, &output, LOGGED_IN "smswarden stop"), 77); /* nor a session */
        for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
                assert_int_equal(
                    machine_run(m, 60000, &output, PERSON "busctl call " OBJECT IFACE "%s", calls[i]), 1);
                machine_assert_contains(output, "ccess denied");
        }
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                assert_int_not_equal(machine_run(m, 10000, NULL, PERSON "touch %s", files[i]), 0);
        (void)machine_ok(m, "pgrep -x smsd | cmp - /run/before");
        scenario_working(m);
}

static void polkit_lets_in_whom_the_owner_names(struct machine *m)
{
        a_working_gateway(m);
        machine_put(m, "/etc/polkit-1/rules.d/50-smswarden.rules", 0644,
                    "polkit.addRule(function(action, subject) {\n"
                    "        if (action.id == \"org.smswarden.control\" && subject.user == \"person\")\n"
                    "                return polkit.Result.YES;\n"
                    "});\n");
        (void)machine_wait(m, 60000, PERSON "smswarden stop --reason 'may do it'");
        machine_assert_contains(machine_ok(m, PERSON "busctl get-property " OBJECT IFACE "HoldBy"), "person");
        (void)machine_ok(m, "not pgrep -x smsd");
        (void)machine_ok(m, PERSON "smswarden start");
        scenario_working(m);
        scenario_send(m, 0, "a person may");
}

/* --- the controller's own rights --- */

/* Tries what a taken-over controller would, and says of each try whether it went. */
static const char try_it[] =
    "use Socket;\n"
    "sub say_of { my ($what, $went) = @_; print \"$what: \", $went ? 'yes' : \"no, $!\", \"\\n\" }\n"
    "sub can_write { open(my $f, '>', $_[0]) && unlink($_[0]) }\n"
    "sub can_read { open(my $f, '<', $_[0]) }\n"
    "sub can_send { socket(my $s, AF_INET, SOCK_DGRAM, 0) || return; send($s, 'x', 0, pack_sockaddr_in(9, "
    "INADDR_LOOPBACK)) }\n"
    "sub can_mount { my ($w, $d, $t) = ('none', '/mnt', 'tmpfs'); syscall(165, $w, $d, $t, 0, 0) == 0 }\n"
    "say_of('inet', socket(my $a, AF_INET, SOCK_STREAM, 0));\n"
    "say_of('inet6', socket(my $b, AF_INET6, SOCK_DGRAM, 0));\n"
    "say_of('packet', socket(my $c, 17, SOCK_RAW, 0));\n"
    "say_of('send', can_send());\n"
    "say_of('home', can_read('/home/person/secret'));\n"
    "say_of('root', can_read('/root/secret'));\n"
    "say_of('usr', can_write('/usr/x'));\n"
    "say_of('boot', can_write('/boot/x'));\n"
    "say_of('var', can_write('/var/lib/x'));\n"
    "say_of('disk', can_read('/dev/vda'));\n"
    "say_of('sysrq', open(my $d, '>', '/proc/sysrq-trigger'));\n"
    "say_of('setuid', chmod(04755, '/tmp/x'));\n"
    "say_of('mount', can_mount());\n"
    "say_of('unix', socket(my $e, AF_UNIX, SOCK_STREAM, 0));\n"
    "say_of('netlink', socket(my $f, 16, SOCK_RAW, 15));\n"
    "say_of('etc', can_write('/etc/x'));\n"
    "say_of('tty', can_read('/dev/ttyUSB3'));\n";

/* The controller's unit with another program in it: `changes` are sed's words. Returns what it said. */
static const char *in_the_sandbox(struct machine *m, const char *changes)
{
        return machine_ok(
            m,
            "sed -E '/^(ExecReload|Watchdog|NotifyAccess|Restart|Type|ExecStart)/d; %s' "
            "$(systemctl show -p FragmentPath --value smswardend) > "
            "/run/systemd/system/sandbox.service\n"
            "mkdir -p /run/systemd/system/sandbox.service.d\n"
            "printf '[Service]\\nType=oneshot\\nExecStart=/usr/bin/perl /opt/test/try\\n"
            "StandardOutput=file:/run/tried\\nStandardError=file:/run/tried\\n' > "
            "/run/systemd/system/sandbox.service.d/program.conf\n"
            "rm -f /run/tried; echo > /tmp/x; systemctl daemon-reload; systemctl start sandbox\n"
            "cat /run/tried",
            changes);
}

static void assert_tried(const char *output, const char *what, bool went)
{
        char line[64];

        (void)snprintf(line, sizeof(line), "\n%s: %s", what, went ? "yes" : "no");
        if (!strstr(output, line))
                fail_msg("'%s' is not '%s' in:%s", what, went ? "yes" : "no", output);
}

static void the_controller_is_shut_in(struct machine *m)
{
        static const char *const refused[] = {"inet", "inet6", "packet", "send",   "home",  "root", "usr",
                                              "boot", "var",   "disk",   "setuid", "mount", "sysrq"};
        static const char *const allowed[] = {"unix", "netlink", "etc", "tty"};
        char output[4096];

        scenario_plug(m, 0, "");
        machine_put(m, "/opt/test/try", 0644, try_it);
        (void)machine_ok(m, "echo > /home/person/secret; echo > /root/secret; echo > /tmp/x");

        (void)snprintf(output, sizeof(output), "\n%s", machine_ok(m, "perl /opt/test/try"));
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
                assert_tried(output, refused[i], true); /* outside all of it can be done */

        (void)snprintf(output, sizeof(output), "\n%s", in_the_sandbox(m, ""));
        (void)printf("# in the controller's sandbox:%s\n", output);
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
                assert_tried(output, refused[i], false);
        for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
                assert_tried(output, allowed[i], true);

        /* The second wall: with sockets of all families no packet leaves. */
        (void)snprintf(output, sizeof(output), "\n%s", in_the_sandbox(m, "/^RestrictAddressFamilies/d"));
        assert_tried(output, "inet", true);
        assert_tried(output, "send", false);
}

/* The running controller itself, not a copy of its unit. */
static void so_is_the_one_that_runs(struct machine *m)
{
        const char *output;

        (void)machine_ok(m, "echo > /home/person/secret");
        output = machine_ok(m, "cat /proc/$(systemctl show -p MainPID --value smswardend)/status");
        machine_assert_contains(output, "\nSeccomp:\t2\n");
        machine_assert_contains(output, "\nNoNewPrivs:\t1\n");
        /* CHOWN, DAC_OVERRIDE, FOWNER, KILL, SYS_PTRACE, LEASE */
        machine_assert_contains(output, "\nCapBnd:\t000000001008002b\n");
        machine_assert_contains(output, "\nCapEff:\t000000001008002b\n");
        (void)machine_ok(m, "enter=\"nsenter -m -t $(systemctl show -p MainPID --value smswardend)\"\n"
                            "test -e /home/person/secret\n"
                            "not $enter test -e /home/person/secret\n"
                            "not $enter touch /usr/x\n"
                            "not $enter touch /var/lib/x\n"
                            "$enter test -d /var/lib/smswarden");
}

static double exposure(struct machine *m, const char *unit)
{
        const char *output = machine_ok(m, "systemd-analyze security --no-pager %s | tail -n 1", unit);
        const char *figure = strstr(output, ".service: ");

        assert_non_null(figure);
        (void)printf("# %s\n", output);
        return strtod(figure + strlen(".service: "), NULL);
}

static void its_exposure_is_small(struct machine *m)
{
        double ours = exposure(m, "smswardend.service");

        assert_true(ours > 0 && ours <= 2.5);
        assert_true(exposure(m, "ModemManager.service") > ours);
        (void)exposure(m, "smswarden-hold-end.service");
        /* The network it needs. */
        double notifiers = exposure(m, "smswarden-notify.service");
        assert_true(notifiers > 0 && notifiers <= 1.5);
        double switchs = exposure(m, "smswarden-power@usb-off:1-1.service");
        assert_true(switchs > 0 && switchs <= 2.5);
}

static const struct machine_test tests[] = {
    MACHINE_TEST(a_stranger_sees_no_imsi),
    MACHINE_TEST(a_stranger_controls_nothing, .state = MACHINE_WORKING),
    MACHINE_TEST(polkit_lets_in_whom_the_owner_names, .nightly = true),
    MACHINE_TEST(the_controller_is_shut_in),
    MACHINE_TEST(so_is_the_one_that_runs, .nightly = true),
    MACHINE_TEST(its_exposure_is_small, .nightly = true),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
