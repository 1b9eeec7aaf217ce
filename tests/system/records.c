/*
 * See records.h.
 */
#include "records.h"

#define MARK "/var/tmp/records-mark"
/* With a match of its own, journalctl would skip the first entry behind the cursor (so in systemd 252). */
#define SINCE   "journalctl -q --after-cursor=\"$(cat " MARK ")\" -o json"
#define MESSAGE "s/.*\"MESSAGE\":\"\\([^\"]*\\)\".*/\\1/p"

void records_mark(struct machine *m)
{
        (void)machine_ok(m,
                         "journalctl --sync\n"
                         "journalctl -q -n 1 -o cat --show-cursor | sed -n 's/^-- cursor: //p' > " MARK "\n"
                         "test -s " MARK);
}

const char *records_of(struct machine *m, const char *event)
{
        return machine_ok(
            m, "journalctl --sync; " SINCE " | sed -n '/\"SMSWARDEN_EVENT\":\"%s\"/" MESSAGE "'", event);
}

void records_say(struct machine *m, const char *event, const char *text)
{
        (void)machine_wait(m, 30000,
                           SINCE " | sed -n '/\"SMSWARDEN_EVENT\":\"%s\"/" MESSAGE "' | grep -F '%s'", event,
                           text);
}

void records_are_calm(struct machine *m)
{
        assert_string_equal(
            machine_ok(m, "journalctl --sync; " SINCE
                          " | sed -n '/\"_SYSTEMD_UNIT\":\"smswardend.service\"/p' | sed -n"
                          " -e '/\"PRIORITY\":\"[0-4]\"/" MESSAGE "'"
                          " -e '/\"SMSWARDEN_EVENT\":\"\\(smsd-died\\|smsd-ended\\|handler-lost\\|"
                          "start-failed\\)\"/" MESSAGE "'"),
            "");
}
