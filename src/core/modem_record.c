/*
 * The memory of a slot as text: one `key=value` a line. What is read back is checked as if a stranger had
 * written it.
 */
#include "core/modem_record.h"

#include "base/pairs.h"
#include "base/parse.h"
#include "base/text.h"
#include "core/sim_identity.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

static const char *const guard_names[] = {
    [GUARD_NONE] = "none",
    [GUARD_PIN_REFUSED] = "pin-refused",
    [GUARD_PIN_ATTEMPTS] = "pin-attempts",
    [GUARD_PIN_MISSING] = "pin-missing",
    [GUARD_PUK] = "puk",
    [GUARD_STRANGE] = "strange",
};

void modem_record_init(struct modem_record *record, const char *name)
{
        memset(record, 0, sizeof(*record));
        (void)text_copy(record->name, sizeof(record->name), name);
}

bool modem_record_equal(const struct modem_record *a, const struct modem_record *b)
{
        return text_equal(a->name, b->name) && text_equal(a->usb, b->usb) && text_equal(a->imei, b->imei) &&
               text_equal(a->imsi, b->imsi) && text_equal(a->iccid, b->iccid) &&
               text_equal(a->model, b->model) && text_equal(a->firmware, b->firmware) &&
               a->guard == b->guard && a->guard_pin == b->guard_pin &&
               a->poison.suspect == b->poison.suspect && a->poison.put_aside == b->poison.put_aside &&
               process_id_equal(a->let_in, b->let_in) && a->setup_open == b->setup_open &&
               a->setup_attempts == b->setup_attempts && a->setup_reset_spent == b->setup_reset_spent &&
               a->setup_reset_due == b->setup_reset_due && a->setup_asked == b->setup_asked;
}

int modem_record_encode(const struct modem_record *record, char *target, size_t size)
{
        int r = text_format(
            target, size,
            "name=%s\nusb=%s\nimei=%s\nimsi=%s\niccid=%s\nmodel=%s\nfirmware=%s\nguard=%s\nguard_pin=%" PRIu64
            "\nsuspect=%" PRIu64 "\nput_aside=%u"
            "\nlet_in_pid=%d\nlet_in_start=%" PRIu64 "\nsetup_open=%u\nsetup_attempts=%u\nsetup_reset_spent=%"
            "d\nsetup_reset_due=%u\nsetup_asked=%" PRIu64 "\n",
            record->name, record->usb, record->imei, record->imsi, record->iccid, record->model,
            record->firmware, guard_to_string(record->guard), record->guard_pin, record->poison.suspect,
            record->poison.put_aside, (int)record->let_in.pid, record->let_in.start_time, record->setup_open,
            record->setup_attempts, record->setup_reset_spent, record->setup_reset_due, record->setup_asked);

        return r < 0 ? -ENOBUFS : (int)strlen(target);
}

/* A value of printable ASCII that fits, or -EBADMSG. */
static int take_text(char *target, size_t size, const char *value)
{
        for (const char *p = value; *p; p++)
                if (*p < 0x20 || *p > 0x7e)
                        return -EBADMSG;
        return strlen(value) < size ? text_copy(target, size, value) : -EBADMSG;
}

static int take_digits(char *target, size_t size, const char *value)
{
        if (value[0] != '\0' && !text_only(value, "0123456789", size - 1))
                return -EBADMSG;
        return take_text(target, size, value);
}

static int take_number(uint64_t *target, const char *value, uint64_t max)
{
        return parse_u64(value, 0, max, target) < 0 ? -EBADMSG : 0;
}

static int take_setup(struct modem_record *record, const char *key, const char *value)
{
        uint64_t number = 0;
        int r = 0;

        if (text_equal(key, "setup_open")) {
                r = take_number(&number, value, PROVISION_SCOPE_MODEM | PROVISION_SCOPE_SIM);
                record->setup_open = (unsigned)number;
        } else if (text_equal(key, "setup_attempts")) {
                r = take_number(&number, value, IDENTITY_ATTEMPTS_MAX);
                record->setup_attempts = (unsigned)number;
        } else if (text_equal(key, "setup_reset_spent")) {
                r = take_number(&number, value, 1);
                record->setup_reset_spent = number > 0;
        } else if (text_equal(key, "setup_reset_due")) {
                r = take_number(&number, value, PROVISION_SCOPE_MODEM | PROVISION_SCOPE_SIM);
                record->setup_reset_due = (unsigned)number;
        } else if (text_equal(key, "setup_asked"))
                r = take_number(&record->setup_asked, value, UINT64_MAX);
        return r; /* another key is of a newer version */
}

static int take_let_in(struct modem_record *record, const char *key, const char *value)
{
        uint64_t pid = 0;

        if (text_equal(key, "let_in_start"))
                return take_number(&record->let_in.start_time, value, UINT64_MAX);
        if (!text_equal(key, "let_in_pid"))
                return 0;
        if (take_number(&pid, value, INT_MAX) < 0)
                return -EBADMSG;
        record->let_in.pid = (pid_t)pid;
        return 0;
}

static int take_pair(void *userdata, const char *key, const char *value)
{
        struct modem_record *record = userdata;

        if (text_equal(key, "name"))
                return take_text(record->name, sizeof(record->name), value);
        if (text_equal(key, "usb"))
                return take_text(record->usb, sizeof(record->usb), value);
        if (text_equal(key, "imei"))
                return take_digits(record->imei, sizeof(record->imei), value);
        if (text_equal(key, "imsi"))
                return take_digits(record->imsi, sizeof(record->imsi), value);
        if (text_equal(key, "iccid"))
                return take_digits(record->iccid, sizeof(record->iccid), value);
        if (text_equal(key, "model"))
                return take_text(record->model, sizeof(record->model), value);
        if (text_equal(key, "firmware"))
                return take_text(record->firmware, sizeof(record->firmware), value);
        if (text_equal(key, "guard"))
                return guard_from_string(value, &record->guard) < 0 ? -EBADMSG : 0;
        if (text_equal(key, "guard_pin"))
                return parse_u64(value, 0, UINT64_MAX, &record->guard_pin) < 0 ? -EBADMSG : 0;
        if (text_equal(key, "suspect"))
                return parse_u64(value, 0, UINT64_MAX, &record->poison.suspect) < 0 ? -EBADMSG : 0;
        if (text_equal(key, "put_aside"))
                return parse_unsigned(value, 0, UINT_MAX, &record->poison.put_aside) < 0 ? -EBADMSG : 0;
        if (text_starts_with(key, "let_in_"))
                return take_let_in(record, key, value);
        return take_setup(record, key, value);
}

int modem_record_decode(const char *text, size_t length, struct modem_record *ret_record)
{
        struct modem_record record;

        modem_record_init(&record, "");
        if (pairs_read(text, length, take_pair, &record) < 0)
                return -EBADMSG;
        if (record.name[0] == '\0')
                return -EBADMSG;
        *ret_record = record;
        return 0;
}

const char *guard_to_string(enum guard guard)
{
        return (unsigned)guard < ARRAY_SIZE(guard_names) ? guard_names[guard] : "?";
}

int guard_from_string(const char *text, enum guard *ret_guard)
{
        for (unsigned i = 0; i < ARRAY_SIZE(guard_names); i++)
                if (text_equal(text, guard_names[i])) {
                        *ret_guard = (enum guard)i;
                        return 0;
                }
        return -EINVAL;
}
