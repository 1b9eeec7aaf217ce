/*
 * The cable is pulled while smsd.conf is being changed: by smswardend, since the modem is in another USB port
 * now, or by a person, who puts a text of his own there and restarts. However it is met, at the next boot the
 * file is one of the texts that somebody wrote, whole, and belongs to whom it belonged, before any program of
 * ours has run; and the gateway works without a hand.
 */
#include "scenario.h"

#include <string.h>
#include <time.h>

#define VALID     "/root/valid"
#define SMSD_CONF "/etc/smsd.conf"
/* Exchanged with the new text by smswardend, each under a name of its own, until it is sure of it. */
#define OUR_TEMPORARIES "find /etc /var/lib/smswarden -name '.*.smswarden*' -o -name '.*.new'"

/* Looks before anything of ours runs. */
static const char witness[] = "[Unit]\n"
                              "DefaultDependencies=no\n"
                              "After=local-fs.target\n"
                              "Before=sysinit.target smstools.service smswardend.service\n"
                              "[Service]\n"
                              "Type=oneshot\n"
                              "RemainAfterExit=yes\n"
                              "ExecStart=cp -a " SMSD_CONF " /run/witness\n"
                              "[Install]\n"
                              "WantedBy=sysinit.target\n";

/*
 * The texts that may be there: the person's, and that with each name that smswardend may give to the port
 * (the bus has another number in each boot).
 */
static void prepare(struct machine *m)
{
        machine_put(m, "/etc/systemd/system/witness.service", 0644, witness);
        (void)machine_ok(m, "systemctl enable -q witness; chown smsd:dialout " SMSD_CONF
                            "; chmod 640 " SMSD_CONF "\n"
                            "mkdir -p " VALID "; cp -a " SMSD_CONF " " VALID "/person\n"
                            "for bus in 1 2 3 4 5 6 7 8 9; do for port in 1 2; do\n"
                            "sed \"s|^device = .*|device = /dev/smswarden/$bus-$port-at|\" " VALID
                            "/person > " VALID "/$bus-$port; done; done");
        scenario_modems_at_boot(m, "plug 0\n");
        scenario_plug(m, 0, "");
        scenario_working(m);
        (void)machine_ok(m, "smswarden restart; sync");
        (void)machine_ok(m, "cmp " SMSD_CONF " " VALID "/$(basename /dev/smswarden/*-at -at)");
}

/* --- commotion --- */

static void move_the_modem(struct machine *m)
{
        machine_put(m, "/run/commotion", 0755,
                    "#!/bin/sh\n"
                    "ec25='softec25 --dir /run/ec25 --command'\n"
                    "export PATH=/opt/test:$PATH\n"
                    "while :; do for port in 1 0; do\n"
                    "$ec25 'unplug 0'; $ec25 \"plug 0 port=$port\"\n"
                    "until grep -q \"^device = /dev/smswarden/.*-$((port + 1))-at\" " SMSD_CONF
                    "; do sleep 0.1; done\n"
                    "done; done\n");
        (void)machine_ok(m, "systemd-run -q --unit=commotion /run/commotion");
}

/* As an editor does it that is careful: a new file, synced, and renamed. */
static void edit_and_restart(struct machine *m)
{
        machine_put(m, "/run/commotion", 0755,
                    "#!/bin/sh\n"
                    "while :; do\n"
                    "cp -a " VALID "/person /root/edited; sync /root/edited; mv /root/edited " SMSD_CONF "\n"
                    "smswarden restart\n"
                    "done\n");
        (void)machine_ok(m, "systemd-run -q --unit=commotion /run/commotion");
}

static void pause_for(unsigned ms)
{
        struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

        (void)nanosleep(&t, NULL);
}

/* From the moment on in which smswardend has a file of its own beside smsd.conf: close to it, or in what
 * follows (a start of smsd, the next move or edit). */
static void cut_in(struct machine *m)
{
        unsigned delay = machine_random(machine_random(2) ? 100 : 3000);

        assert_int_equal(machine_run(m, 120000, NULL,
                                     "while set -- /etc/.smsd.conf.smswarden*; test ! -e \"$1\"; do :; done"),
                         0);
        pause_for(delay);
        machine_power_cut(m);
        (void)printf("# cut %u ms behind the beginning of a change\n", delay);
}

/* --- what is found --- */

static void smsd_conf_is_whole(struct machine *m)
{
        (void)machine_wait(m, 120000, "systemctl -q is-active witness");
        (void)printf("# smsd.conf was that of %s\n",
                     machine_ok(m,
                                "for text in " VALID
                                "/*; do if cmp -s $text /run/witness; then basename $text; exit; fi; done\n"
                                "cat /run/witness; exit 1"));
        assert_string_equal(machine_ok(m, "stat -c %%U:%%G:%%a /run/witness"), "smsd:dialout:640");
        (void)printf("# beside it: %s\n", machine_ok(m, "ls -A /etc | grep '^\\.smsd' || echo nothing"));
}

static void it_works_without_a_hand(struct machine *m)
{
        scenario_working(m);
        (void)machine_ok(m, "test ! -e /run/smswarden/hold; smswarden status | grep -qE '^hold +none'");
        (void)machine_wait(m, 60000, "test -z \"$(" OUR_TEMPORARIES ")\"");
        assert_string_equal(machine_ok(m, "stat -c %%U:%%G:%%a " SMSD_CONF), "smsd:dialout:640");
}

static void cuts(struct machine *m, void (*begin_commotion)(struct machine *m), unsigned n)
{
        prepare(m);
        for (unsigned i = 0; i < n; i++) {
                begin_commotion(m);
                cut_in(m);
                machine_boot(m);
                smsd_conf_is_whole(m);
                it_works_without_a_hand(m);
        }
        scenario_send(m, 0, "after the cuts");
}

static void cuts_while_the_modem_moves(struct machine *m)
{
        cuts(m, move_the_modem, machine_rounds(2, 15));
}

static void cuts_while_a_person_edits(struct machine *m)
{
        cuts(m, edit_and_restart, machine_rounds(1, 15));
}

static const struct machine_test tests[] = {
    MACHINE_TEST(cuts_while_the_modem_moves),
    MACHINE_TEST(cuts_while_a_person_edits),
};

int main(int argc, char **argv)
{
        return machine_main(tests, ARRAY_SIZE(tests), argc, argv);
}
