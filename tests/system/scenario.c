/*
 * See scenario.h.
 */
#include "scenario.h"

#include "base/text.h"

#include <string.h>

#define EC25 "softec25 --dir /run/ec25 --command"

/* The unit is up when its control socket answers. */
static void start_softec25(struct machine *m)
{
        (void)machine_ok(m, "systemctl start softec25");
        machine_wait(m, 30000, EC25 " list");
}

const char *scenario_modem(struct machine *m, const char *format, ...)
{
        va_list arguments;
        char command[1024];

        va_start(arguments, format);
        int length = vsnprintf(command, sizeof(command), format, arguments);
        va_end(arguments);
        assert_in_range(length, 1, sizeof(command) - 1);
        assert_null(strchr(command, '\''));
        if (machine_run(m, 30000, NULL, "systemctl is-active -q softec25") != 0)
                start_softec25(m);
        return machine_ok(m, EC25 " '%s'", command);
}

void scenario_plug(struct machine *m, unsigned modem, const char *options)
{
        (void)scenario_modem(m, "plug %u %s", modem, options);
        /* The control socket is quicker than the kernel: the port's link is udev's last word about it. */
        machine_wait(m, 30000, "test -c \"$(" EC25 " 'node %u' | head -n 1)\"", modem);
        (void)machine_ok(m, "udevadm settle --timeout=60");
}

void scenario_unplug(struct machine *m, unsigned modem)
{
        (void)scenario_modem(m, "unplug %u", modem);
        (void)machine_ok(m, "udevadm settle --timeout=60");
}

void scenario_modems_at_boot(struct machine *m, const char *commands)
{
        if (machine_run(m, 30000, NULL, "systemctl is-active -q softec25") != 0)
                start_softec25(m); /* or it would plug them in now */
        machine_put(m, "/etc/softec25.script", 0644, commands);
        (void)machine_ok(m, "systemctl enable -q softec25");
}

void scenario_working(struct machine *m)
{
        int64_t took = machine_wait(m, 120000, "smswarden status");

        (void)printf("# working after %lld ms\n", (long long)took);
}

void scenario_send(struct machine *m, unsigned modem, const char *text)
{
        machine_put(m, "/var/spool/sms/message", 0666, "To: 4915112345678\n\n");
        (void)machine_ok(m,
                         "cd /var/spool/sms; printf '%%s\\n' '%s' >> message; chown smsd: message\n"
                         "mv message outgoing/message.$(cat /proc/sys/kernel/random/uuid)",
                         text);
        machine_wait(m, 60000, EC25 " 'sent %u' | grep -F 'text=%s'", modem, text);
        machine_wait(m, 60000, "grep -rqF '%s' /var/spool/sms/sent", text);
        machine_assert_contains(machine_ok(m, EC25 " 'sent %u' | grep -F 'text=%s'", modem, text),
                                "count=1 ");
}

void scenario_receive(struct machine *m, unsigned modem, const char *text)
{
        (void)scenario_modem(m, "receive %u 4915187654321 %s", modem, text);
        machine_wait(m, 60000, "grep -rqF '%s' /var/spool/sms/incoming", text);
}
