/*
 * A booted machine to play with: tests/system/shell. A root shell on the guest's second console, which is our
 * terminal; what it does to its disk is gone when it ends.
 */
#include "machine_private.h"

#include <poll.h>
#include <string.h>
#include <termios.h>

/* Keys go through as they are, so that Ctrl-C reaches the guest. Not ours to fail when there is no terminal.
 */
static bool make_raw(struct termios *ret_before)
{
        struct termios raw;

        if (tcgetattr(STDIN_FILENO, ret_before) < 0)
                return false;
        raw = *ret_before;
        cfmakeraw(&raw);
        raw.c_oflag |= OPOST;
        return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void shell(struct machine *m)
{
        struct termios before;
        bool raw = make_raw(&before);

        (void)printf("# a root shell in the machine; it ends with exit (or poweroff)\n");
        (void)machine_run(
            m, 60000, NULL,
            "systemd-run -q --unit=test-shell -p StandardInput=tty -p StandardOutput=tty -p "
            "StandardError=tty "
            "-p TTYPath=/dev/hvc0 -p WorkingDirectory=/root -p KillMode=process "
            "-E TERM=%s -E HOME=/root -E PATH=/opt/test:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin "
            "-E PS1='gateway# ' /bin/bash --norc",
            getenv("TERM") ? getenv("TERM") : "vt100");
        while (!machine_reap(m, 500) && machine_try(m, 60000, "systemctl is-active -q test-shell") == 0)
                ;
        if (raw)
                (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static const struct machine_test tests[] = {
    MACHINE_TEST(shell, .shell = true),
    {.name = "bare", .run = shell, .options = {.shell = true, .state = MACHINE_BARE}},
    {.name = "boot", .run = shell, .options = {.shell = true, .boot = true}},
};

int main(int argc, char **argv)
{
        char *arguments[] = {argv[0], argc > 1 ? argv[1] : (char[]){"shell"}, NULL};

        return machine_main(tests, ARRAY_SIZE(tests), 2, arguments);
}
