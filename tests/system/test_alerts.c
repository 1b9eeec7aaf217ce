/*
 * Alerts as their reader gets them, from the installed package under the real systemd: who delivers, as whom
 * and in what sandbox, what a power cut, an upgrade and a removal make of what still waits, and what a person
 * sees who proves the way out. The other side is a small HTTP server in the guest, which keeps each request
 * as one line: the id, the Authorization in brackets, the body.
 */
#include "scenario.h"

#include "base/text.h"

#include <string.h>

#define RECEIVED "/var/log/received"
#define SPOOL    "/var/lib/smswarden/alerts"
#define OWN      "/var/lib/smswarden-notify"
#define UNIT     "smswarden-notify.service"
#define MAIN_PID "systemctl show -p MainPID --value "
/* By a name, which is looked up from inside the sandbox; so plain_http is asked for. */
#define HOOK "[notify hook]\ntype = webhook\nurl = http://gateway:8080/hook\nplain_http = yes\n"

/* What it is asked for under /closed it refuses for good. */
static const char receiver[] =
    "use IO::Socket::INET;\n"
    "my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 8080, Listen => 8, ReuseAddr "
    "=> 1) or die;\n"
    "while (my $client = $server->accept) {\n"
    "        my ($path, $length, $id, $who) = ('', 0, '', '');\n"
    "        while (<$client>) {\n"
    "                last if /^\\r?$/;\n"
    "                $path = $1 if /^POST (\\S+)/;\n"
    "                $length = $1 if /^Content-Length: (\\d+)/i;\n"
    "                $id = $1 if /^Idempotency-Key: (\\S+)/i;\n"
    "                $who = $1 if /^Authorization: (.*?)\\r/i;\n"
    "        }\n"
    "        read($client, my $body, $length);\n"
    "        if ($path eq '/hook') {\n"
    "                open(my $log, '>>', '" RECEIVED "') or die;\n"
    "                print $log \"$id [$who] $body\\n\";\n"
    "                close($log);\n"
    "        }\n"
    "        my $answer = $path eq '/hook' ? '204 No Content' : '403 Forbidden';\n"
    "        print $client \"HTTP/1.1 $answer\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n\";\n"
    "        close($client);\n"
    "}\n";

static void start_receiver(struct machine *m)
{
        machine_put(m, "/opt/test/receiver", 0644, receiver);
        (void)machine_ok(m, "touch " RECEIVED "; systemd-run -q --unit=receiver perl /opt/test/receiver");
        (void)machine_wait(m, 30000, "grep -qi ':1F90 00000000:0000 0A' /proc/net/tcp");
}

/* smsd under our unit, and somebody to be told. */
static void tells(struct machine *m, const char *receivers)
{
        machine_put(m, "/etc/smswarden/smswarden.conf.d/alerts.conf", 0644, receivers);
        (void)machine_ok(m, "systemctl reload smswardend");
}

/* Nothing waits, nothing runs, nothing has failed. */
static void all_is_delivered(struct machine *m)
{
        (void)machine_wait(m, 90000,
                           "test -z \"$(ls " SPOOL " | grep json)\"\n"
                           "test \"$(systemctl show -p ActiveState --value " UNIT ")\" = inactive");
        assert_string_equal(machine_ok(m, "systemctl is-failed " UNIT " || true"), "inactive");
        assert_string_equal(machine_ok(m, "systemctl show -p NRestarts --value " UNIT), "0");
}

static void is_received_once(struct machine *m, const char *what)
{
        assert_string_equal(machine_ok(m, "grep -cF '%s' " RECEIVED " || true", what), "1");
}

/* One crash: one alert, and one end of it, each under an id of its own. */
static void is_told_and_over_once(struct machine *m)
{
        is_received_once(m, "\"state\":\"firing\",\"kind\":\"smsd-down\"");
        is_received_once(m, "\"state\":\"resolved\",\"kind\":\"smsd-down\"");
        assert_string_equal(machine_ok(m, "cut -d' ' -f1 " RECEIVED " | sort | uniq -d"), "");
}

/* --- the way out --- */

static void a_crash_is_told_once_and_over_once(struct machine *m)
{
        start_receiver(m);
        tells(m, HOOK);
        assert_string_equal(machine_ok(m, "cat " RECEIVED), "");
        assert_string_equal(machine_ok(m, "stat -c '%%a %%U %%G' /var/lib/smswarden " SPOOL),
                            "711 root root\n2750 root smswarden-notify");

        (void)machine_ok(m, "kill -9 $(" MAIN_PID "smstools)");
        (void)printf("# told after %lld ms\n", (long long)machine_wait(m, 60000, "grep firing " RECEIVED));
        (void)machine_wait(m, 60000, "grep resolved " RECEIVED);
        all_is_delivered(m);
        is_told_and_over_once(m);
        machine_assert_contains(machine_ok(m, "cat " RECEIVED), "\"cause\":\"crash\"");
        assert_string_equal(machine_ok(m, "stat -c '%%a %%U %%G' " OWN),
                            "750 smswarden-notify smswarden-notify");
        (void)printf("%s\n", machine_ok(m, "smswarden status | grep ^alerts; journalctl -q -b -o cat -u " UNIT
                                           " | grep delivered"));
}

/* The cable is pulled when the alert is on the disk and nobody takes it. */
static void a_power_cut_neither_loses_nor_doubles_it(struct machine *m)
{
        char id[128];

        tells(m, HOOK);
        scenario_modems_at_boot(m, "plug 0\n");
        (void)machine_ok(m, "sync");
        const char *waiting = machine_ok(m, "kill -9 $(" MAIN_PID "smstools)\n"
                                            "until pgrep -u smswarden-notify > /dev/null; do :; done\n"
                                            "cat " SPOOL "/*-critical.json");
        const char *field = strstr(waiting, "\"id\":\"");
        assert_non_null(field);
        assert_int_equal(sscanf(field, "\"id\":\"%127[^\"]\"", id), 1);
        machine_assert_contains(waiting, "\"state\":\"firing\"");
        machine_power_cut(m);

        machine_boot(m);
        start_receiver(m);
        (void)machine_wait(m, 120000, "grep -F '%s ' " RECEIVED, id);
        (void)machine_wait(m, 120000, "grep resolved " RECEIVED);
        all_is_delivered(m);
        is_received_once(m, id);
        is_told_and_over_once(m);
        scenario_working(m);
}

/* --- the sandbox --- */

/* An `exec` receiver lives in it: it tries what a taken-over smswarden-notify would. */
static const char try_it[] =
    "#!/usr/bin/perl\n"
    "use Socket;\n"
    "sub say_of { my ($what, $went) = @_; print \"$what: \", $went ? 'yes' : \"no, $!\", \"\\n\" }\n"
    "sub can_write { open(my $f, '>', $_[0]) && unlink($_[0]) }\n"
    "sub can_read { open(my $f, '<', $_[0]) || return; defined(read($f, my $x, 1)) }\n"
    "sub can_send { socket(my $s, AF_INET, SOCK_DGRAM, 0) || return; send($s, 'x', 0, pack_sockaddr_in(9, "
    "INADDR_LOOPBACK)) }\n"
    "sub can_setuid { open(my $f, '>', '/tmp/x') && chmod(04755, '/tmp/x') }\n"
    "my ($message) = glob('" SPOOL "/*.json');\n"
    "my ($controller) = glob('/run/controller-*') =~ /(\\d+)/;\n"
    "open(STDOUT, '>', '" OWN "/tried') or exit 1;\n"
    "print getpwuid($>) . \"\\n\";\n"
    "say_of('inet', socket(my $a, AF_INET6, SOCK_STREAM, 0));\n"
    "say_of('send', can_send());\n"
    "say_of('alert', can_read($message));\n"
    "say_of('own', can_write('" OWN "/x'));\n"
    "say_of('tmp', can_write('/tmp/x'));\n"
    "say_of('spool', can_write('" SPOOL "/x'));\n"
    "say_of('message', unlink($message));\n"
    "say_of('book', can_read('" SPOOL "/book'));\n"
    "say_of('smsd.conf', can_read('/etc/smsd.conf'));\n"
    "say_of('smsd.log', can_read('/var/log/smstools/smsd.log'));\n"
    "say_of('outgoing', can_write('/var/spool/sms/outgoing/x'));\n"
    "say_of('tty', open(my $t, '<', '/dev/ttyUSB3'));\n"
    "say_of('secret', can_read('/home/person/secret'));\n"
    "say_of('etc', can_write('/etc/x'));\n"
    "say_of('packet', socket(my $p, 17, SOCK_RAW, 0));\n"
    "say_of('controller', -d \"/proc/$controller\");\n"
    "say_of('setuid', can_setuid());\n";

#define TRY "/usr/local/lib/gateway/try"

static void assert_tried(const char *output, const char *const *what, size_t n, bool went)
{
        char line[64];

        for (size_t i = 0; i < n; i++) {
                (void)snprintf(line, sizeof(line), "\n%s: %s", what[i], went ? "yes" : "no");
                machine_assert_contains(output, line);
        }
}

static void smswarden_notify_is_shut_in(struct machine *m)
{
        static const char *const allowed[] = {"inet", "send", "alert", "own", "tmp"};
        static const char *const refused[] = {"spool",    "message",  "book",       "smsd.conf",
                                              "smsd.log", "outgoing", "tty",        "secret",
                                              "etc",      "packet",   "controller", "setuid"};
        const char *output;

        (void)machine_ok(m, "mkdir /usr/local/lib/gateway; echo > /home/person/secret\n"
                            "touch /run/controller-$(" MAIN_PID "smswardend)");
        machine_put(m, TRY, 0755, try_it);
        tells(m, "[notify try]\ntype = exec\nurl = " TRY "\n");
        (void)printf("# %s\n", machine_ok(m, "smswarden test-alert"));
        output = machine_ok(m, "cat " OWN "/tried");
        (void)printf("# in the notifier's sandbox, as %s\n", output);
        assert_int_equal(strncmp(output, "smswarden-notify\n", 17), 0);
        assert_tried(output, allowed, ARRAY_SIZE(allowed), true);
        assert_tried(output, refused, ARRAY_SIZE(refused), false);
        all_is_delivered(m);

        /* Outside all of it can be done, by who may. */
        output = machine_ok(m, "echo > " SPOOL "/outside.json; " TRY "; cat " OWN "/tried");
        assert_tried(output, refused, ARRAY_SIZE(refused), true);
}

/* --- a person --- */

static void show(struct machine *m, const char *command)
{
        (void)printf("$ %s\n%s\n", command, machine_ok(m, "%s", command));
}

static void a_person_proves_the_way(struct machine *m)
{
        const char *output;

        start_receiver(m);
        machine_put(m, "/etc/smswarden/hook.token", 0600, "tell-nobody\n");
        (void)machine_ok(m, "mkdir -p /etc/systemd/system/" UNIT ".d\n"
                            "printf '[Service]\\nLoadCredential=hook.token:/etc/smswarden/hook.token\\n' > "
                            "/etc/systemd/system/" UNIT ".d/token.conf; systemctl daemon-reload");
        tells(m, HOOK "token_file = hook.token\n");
        show(m, "smswarden test-alert");
        machine_assert_contains(machine_ok(m, "cat " RECEIVED), " [Bearer tell-nobody] ");
        (void)machine_ok(m, "kill -9 $(" MAIN_PID "smstools)");
        (void)machine_wait(m, 60000, "grep resolved.*smsd-down " RECEIVED);
        all_is_delivered(m);
        show(m, "smswarden history");
        show(m, "smswarden explain");
        machine_assert_contains(machine_ok(m, "smswarden history"), "a test alert");
        machine_assert_contains(machine_ok(m, "smswarden explain"), "died; it works again");

        machine_put(m, "/etc/smswarden/smswarden.conf.d/closed.conf", 0644,
                    "[notify closed]\ntype = webhook\nurl = http://127.0.0.1:8080/closed\n");
        (void)machine_ok(m, "systemctl reload smswardend");
        assert_int_equal(machine_run(m, 60000, &output, "smswarden test-alert"), 1);
        (void)printf("$ smswarden test-alert\n%s\n", output);
        machine_assert_contains(output, "hook: delivered");
        machine_assert_contains(output, "closed: ");
        machine_assert_contains(output, "403");
        show(m, "smswarden status | sed -n '/^alerts/,$p'");
        assert_string_equal(machine_ok(m, "journalctl -b -o cat "
                                          "| grep -c tell-nobody || true"),
                            "0");
}

/* --- the package --- */

static void goes_with_the_package(struct machine *m)
{
        tells(m, HOOK);
        (void)machine_ok(m, "kill -9 $(" MAIN_PID "smstools)");
        (void)machine_wait(m, 60000, "grep -q refused " OWN "/hook.state");

        (void)machine_ok(m, MAIN_PID UNIT " > /run/before; DEBIAN_FRONTEND=noninteractive "
                                          "dpkg -i /opt/test/smswarden.deb > /run/dpkg.log 2>&1");
        (void)machine_wait(m, 60000,
                           "pid=$(" MAIN_PID UNIT "); test $pid != 0 -a $pid != $(cat /run/before)");
        (void)machine_ok(m, "DEBIAN_FRONTEND=noninteractive dpkg -r smswarden > /run/dpkg.log 2>&1\n"
                            "test $(" MAIN_PID UNIT ") = 0; test -z \"$(pgrep -u smswarden-notify)\"\n"
                            "ls " SPOOL "/*.json " OWN "/hook.state");
        (void)machine_ok(m,
                         "DEBIAN_FRONTEND=noninteractive dpkg -P smswarden > /run/dpkg.log 2>&1\n"
                         "test -z \"$(find / -xdev -user smswarden-notify -o -path '/var/lib/smswarden*')\"");
}

static const struct machine_test tests[] = {
    MACHINE_TEST(a_crash_is_told_once_and_over_once, .state = MACHINE_WORKING),
    MACHINE_TEST(a_power_cut_neither_loses_nor_doubles_it, .state = MACHINE_WORKING),
    MACHINE_TEST(smswarden_notify_is_shut_in, .state = MACHINE_WORKING),
    MACHINE_TEST(a_person_proves_the_way, .state = MACHINE_WORKING, .nightly = true),
    MACHINE_TEST(goes_with_the_package, .state = MACHINE_WORKING, .nightly = true),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
