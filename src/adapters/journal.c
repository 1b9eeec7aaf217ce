/*
 * Records into the journal, see adapters/journal.h. One datagram per record; the texts are bounded and
 * escaped by who made them. The message ids are for ever: catalogs, filters and people's scripts know them.
 */
#include "adapters/journal.h"

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#define SD_JOURNAL_SUPPRESS_LOCATION /* where in the source says nothing to the reader */
#include <systemd/sd-journal.h>
#include <unistd.h>

#define FIELDS_MAX 9
#define FIELD_SIZE (ACTION_MESSAGE_MAX + 64)

struct fields {
        int n;
        struct iovec vector[FIELDS_MAX];
        char text[FIELDS_MAX][FIELD_SIZE];
};

static const char *const message_ids[RECORD_KIND_MAX] = {
    [RECORD_MODEM_PLUGGED] = "d2958419a04b444f927d9c1580f82d20",
    [RECORD_MODEM_LEFT] = "21ea9b73554b469c80ac2b0164fd1782",
    [RECORD_MODEM_READY] = "5664265bec484687a391aab8a0a6f714",
    [RECORD_MODEM_UNUSABLE] = "4d9dd2b4311449428b133f8f2d645eb5",
    [RECORD_MODEM_REFUSED] = "3f5845fc9ea3463c8020b615d2b50ad8",
    [RECORD_MODEM_CHANGED] = "cf5852d995a74cfba0c9ab148c4a57d2",
    [RECORD_SIM_GUARDED] = "0947a17f9110455bb73de8c9b58480b2",
    [RECORD_SMSD_DIED] = "3e4facf22c5c4689b21b4972aa939c3f",
    [RECORD_SMSD_ENDED] = "a93275d4c21242f09876fab65c9d169f",
    [RECORD_SMSD_ADOPTED] = "79ba56c267044509bfd3a7526aa32f9c",
    [RECORD_HANDLER_LOST] = "0b0fcbd339b84c57b3fa3c252aadbef3",
    [RECORD_CRASH_LOOP] = "eccd9418f82a4dad97209058826e8b79",
    [RECORD_SMSD_STARTED] = "3dc2a4f0efc64789b7564d1cd473f235",
    [RECORD_SMSD_UNVERIFIED] = "45b028eb5f62432a94d3b8a9c1bf7d23",
    [RECORD_START_FAILED] = "59c4429a6733427d909665bd259c319e",
    [RECORD_SMSD_STOPPED] = "432ade57d91846e18396e86298b210bb",
    [RECORD_HOLD_BEGUN] = "bb78a0cb6ee64e609ac2482d99d79b62",
    [RECORD_HOLD_CONTINUED] = "0a2657c56776480686b7a89b8a36e45e",
    [RECORD_HOLD_REMINDER] = "ce115ca7cea744d2a2344a7a8b0e3649",
    [RECORD_HOLD_ENDED] = "b7e28534d9984f59a58f288fa6ed68b2",
    [RECORD_HOLD_EXPIRED] = "3855c2f1e6f04979af43a9f27192b872",
    [RECORD_HOLD_BROKEN] = "e403fc8d8899448282bb1a02f0214a29",
    [RECORD_HOLD_UNWRITTEN] = "5bb7692602b14d34829cad134990b663",
    [RECORD_FLAG_LEFT_OVER] = "22c41b5d7c8d4462bbe0dceb1f41ea03",
    [RECORD_FLAG_REFUSED] = "dab283e4c2244c11bb508c787be8d498",
    [RECORD_MESSAGE_REQUEUED] = "efce3ad0a7794e819bb92293441afaf8",
    [RECORD_MESSAGE_SUSPECTED] = "1f8263a17c414a648a9388c8fde49b70",
    [RECORD_MESSAGE_ASIDE] = "3a8c24762e86458a90e00bdb7534cddc",
    [RECORD_STORAGE_CLEANED] = "9c0f871e978f4484adbc43b1e5e2f841",
    [RECORD_CONFIG_BAD] = "641e64f463d04ea6a720399ea0397314",
    [RECORD_SYSTEM_STOPPING] = "8a2f4c1d90b34e6b8d5a7c3e1f60429b",
    [RECORD_OBSERVED] = "752ab9aab800430bbe765ec8ee3594db",
    [RECORD_WORKING_AGAIN] = "bc142796a02142c88a2d2476ab4aeb20",
    [RECORD_PROVISIONED] = "5c1d7be04f8a4f6a9d0e62b8f3c75a11",
    [RECORD_PROVISION_FAILED] = "e29a4b0c6d7f41c8b35e1f0a9c8d7264",
    [RECORD_SMSD_DISPLACED] = "97b0ce6677e149c191d73838f2542247",
    [RECORD_RECOVERY_STEP] = "6f878145fd3d4de284eeebfc092cf982",
    [RECORD_RECOVERY_DONE] = "285320142eb24531a1802a4e80cc1af9",
    [RECORD_RECOVERY_NOTICE] = "3490167974454395863d1091e411ff5b",
    [RECORD_RECOVERY_GAVE_UP] = "51e92a3330ae40b79e8229f54cd36d95",
    [RECORD_RECOVERY_SWITCHED] = "77439397bd6947a88b1f2f9fd24717db",
};

bool journal_is_stderr(void)
{
        const char *stream = getenv("JOURNAL_STREAM"); /* DEVICE:INODE */
        struct stat status;
        char *end;

        if (!stream || fstat(STDERR_FILENO, &status) < 0 || strtoull(stream, &end, 10) != status.st_dev ||
            *end != ':')
                return false;
        return strtoull(end + 1, &end, 10) == status.st_ino && *end == '\0';
}

const char *journal_message_id(enum record_kind kind)
{
        return (unsigned)kind < RECORD_KIND_MAX ? message_ids[kind] : NULL;
}

static void add(struct fields *fields, const char *key, const char *value)
{
        char *text = fields->text[fields->n];

        (void)text_format(text, FIELD_SIZE, "%s=%s", key, value);
        /* A line end would begin another field in some of the journal's formats; a message is one line. */
        for (char *p = text; *p; p++)
                if ((unsigned char)*p < 0x20 || *p == 0x7f)
                        *p = '?';
        fields->vector[fields->n] = (struct iovec){.iov_base = text, .iov_len = strlen(text)};
        fields->n++;
}

static void add_number(struct fields *fields, const char *key, uint64_t value)
{
        char number[24];

        (void)text_format(number, sizeof(number), "%" PRIu64, value);
        add(fields, key, number);
}

static int priority(enum severity severity)
{
        return severity == SEVERITY_CRITICAL  ? LOG_CRIT
               : severity == SEVERITY_WARNING ? LOG_WARNING
                                              : LOG_INFO;
}

static void add_message(struct fields *fields, const struct action *record)
{
        char message[ACTION_MESSAGE_MAX + 56];
        const char *modem = record->record.modem;

        (void)text_format(message, sizeof(message), "%s%s%s: %s", record_kind_topic(record->record.kind),
                          modem[0] ? " " : "", modem, record->record.message);
        add(fields, "MESSAGE", message);
}

int journal_record(const struct action *record)
{
        const char *id = journal_message_id(record->record.kind);
        struct fields fields;

        if (!id)
                return -EINVAL;
        fields.n = 0;
        add_message(&fields, record);
        add_number(&fields, "PRIORITY", (uint64_t)priority(record->record.severity));
        add(&fields, "SYSLOG_IDENTIFIER", "smswardend");
        add(&fields, "MESSAGE_ID", id);
        add(&fields, "SMSWARDEN_EVENT", record_kind_to_string(record->record.kind));
        if (record->record.modem[0])
                add(&fields, "SMSWARDEN_MODEM", record->record.modem);
        if (record->record.cause[0])
                add(&fields, "SMSWARDEN_CAUSE", record->record.cause);
        if (record->record.incident)
                add_number(&fields, "SMSWARDEN_INCIDENT", record->record.incident);
        if (record->record.duration)
                add_number(&fields, "SMSWARDEN_DURATION_USEC", record->record.duration);
        return sd_journal_sendv(fields.vector, fields.n);
}
