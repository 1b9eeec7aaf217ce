/*
 * The findings that smsd itself shows, see health_findings.c.
 */
#include "health_private.h"

#include "base/parse.h"
#include "base/text.h"

bool health_handler_on_deleted_tty(const struct health_picture *picture, char *evidence)
{
        return picture->smsd.tty_deleted && SAY(evidence, "smsd's handler holds a tty that is deleted");
}

bool health_handler_orphaned(const struct health_picture *picture, char *evidence)
{
        return picture->smsd.orphaned && SAY(evidence, "a handler of smsd lives on without its main process");
}

/* Again: none of the port's descriptors comes back from that, smsd must open it anew. */
bool health_port_hung_up(const struct health_picture *picture, char *evidence)
{
        return picture->smsd.write_errors > 1 && !picture->smsd.tty_deleted &&
               SAY(evidence, "smsd's log: write_to_modem: Input/output error, again and again");
}

bool health_write_failed(const struct health_picture *picture, char *evidence)
{
        return picture->smsd.write_errors > 0 &&
               SAY(evidence, "smsd's log: write_to_modem: Input/output error");
}

bool health_smsd_dead(const struct health_picture *picture, char *evidence)
{
        return picture->smsd.expected && !picture->smsd.running && SAY(evidence, "no smsd runs");
}

bool health_handler_fails(const struct health_picture *picture, char *evidence)
{
        return picture->smsd.expected && !picture->smsd.served && picture->smsd.ends &&
               !picture->smsd.denied &&
               SAY(evidence, "smsd's handler has ended again and again for minutes, with the modem there");
}

bool health_handler_dead(const struct health_picture *picture, char *evidence)
{
        return picture->smsd.expected && picture->smsd.running && !picture->smsd.served &&
               SAY(evidence, "smsd's main process lives, the modem's handler does not");
}

bool health_stuck(const struct health_picture *picture, char *evidence)
{
        const struct health_smsd *smsd = &picture->smsd;
        char unchanged[32], oldest[32];

        if (smsd->silent)
                return SAY(evidence, "the modem answers on its spare port, and not smsd");
        if (!smsd->stuck)
                return false;
        format_duration(unchanged, sizeof(unchanged), smsd->unchanged / USEC_PER_MIN * USEC_PER_MIN);
        format_duration(oldest, sizeof(oldest), smsd->oldest_file / USEC_PER_MIN * USEC_PER_MIN);
        return SAY(evidence, "smsd's status is unchanged for %s%s%s", unchanged,
                   smsd->oldest_file ? "; oldest file in its queue: " : "", smsd->oldest_file ? oldest : "");
}

/* smsd writes that when it begins to log more of what it does: no restart of it is known to help. */
bool health_trouble(const struct health_picture *picture, char *evidence)
{
        return picture->smsd.trouble && SAY(evidence, "smsd's status is Trouble");
}

/* smsd's handler is there, and has had no answer that shows. */
bool health_unverified(const struct health_picture *picture, char *evidence)
{
        return picture->smsd.expected && picture->smsd.served && !picture->smsd.answered &&
               SAY(evidence, "smsd's handler has its port open, and has told of no answer");
}
