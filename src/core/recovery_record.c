/*
 * The memory of a recovery as text: one `key=value` a line. What is read back is checked as if a stranger had
 * written it.
 */
#include "core/recovery_record.h"

#include "base/pairs.h"
#include "base/parse.h"
#include "base/text.h"
#include "core/usb_path.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *const off_words[] = {
    [RECOVERY_OFF_NOTHING] = "nothing", [RECOVERY_OFF_USB] = "usb", [RECOVERY_OFF_POWER] = "power"};

static bool same_ledger(const struct ladder_ledger *a, const struct ladder_ledger *b)
{
        if (a->n != b->n)
                return false;
        for (unsigned i = 0; i < a->n; i++)
                if (a->at[i] != b->at[i])
                        return false;
        return true;
}

bool recovery_record_equal(const struct recovery_record *a, const struct recovery_record *b)
{
        const struct ladder_memory *before = &a->memory, *after = &b->memory;

        return text_equal(a->name, b->name) && text_equal(a->usb, b->usb) && a->off == b->off &&
               before->tried == after->tried && before->rounds == after->rounds &&
               before->retry_at == after->retry_at && before->acted_at == after->acted_at &&
               same_ledger(&before->resets, &after->resets) && same_ledger(&before->stops, &after->stops);
}

/* --- writing --- */

static int add_ledger(char *target, size_t size, const char *key, const struct ladder_ledger *ledger)
{
        int r = text_append(target, size, "%s=", key);

        for (unsigned i = 0; i < ledger->n && r >= 0; i++)
                r = text_append(target, size, "%s%" PRIu64, i > 0 ? " " : "", ledger->at[i]);
        return r < 0 ? r : text_append(target, size, "\n");
}

int recovery_record_encode(const struct recovery_record *record, const char *boot_id, char *target,
                           size_t size)
{
        const struct ladder_memory *memory = &record->memory;
        int r = text_format(target, size,
                            "name=%s\nboot_id=%s\noff=%s\nusb=%s\ntried=%u\nrounds=%u\nretry_at=%" PRIu64
                            "\nacted_at=%" PRIu64 "\n",
                            record->name, boot_id, off_words[record->off], record->usb, memory->tried,
                            memory->rounds, memory->retry_at, memory->acted_at);

        if (r >= 0)
                r = add_ledger(target, size, "resets", &memory->resets);
        if (r >= 0)
                r = add_ledger(target, size, "stops", &memory->stops);
        return r < 0 ? -ENOBUFS : (int)strlen(target);
}

/* --- reading --- */

struct parsed {
        struct recovery_record record;
        char boot_id[RECOVERY_BOOT_ID_SIZE];
};

static int take_name(struct parsed *parsed, const char *value)
{
        for (const char *p = value; *p; p++)
                if (*p < 0x20 || *p > 0x7e)
                        return -EBADMSG;
        return text_copy(parsed->record.name, sizeof(parsed->record.name), value);
}

static int take_boot_id(struct parsed *parsed, const char *value)
{
        return text_copy(parsed->boot_id, sizeof(parsed->boot_id), value);
}

static int take_off(struct parsed *parsed, const char *value)
{
        for (size_t i = 0; i < ARRAY_SIZE(off_words); i++)
                if (text_equal(value, off_words[i])) {
                        parsed->record.off = (enum recovery_off)i;
                        return 0;
                }
        return -EBADMSG;
}

static int take_usb(struct parsed *parsed, const char *value)
{
        if (value[0] && !usb_path_is_valid(value, strlen(value)))
                return -EBADMSG;
        return text_copy(parsed->record.usb, sizeof(parsed->record.usb), value);
}

static int take_tried(struct parsed *parsed, const char *value)
{
        return parse_unsigned(value, 0, LADDER_STEP_BIT(LADDER_STEP_MAX) - 1, &parsed->record.memory.tried);
}

static int take_rounds(struct parsed *parsed, const char *value)
{
        return parse_unsigned(value, 0, UINT32_MAX, &parsed->record.memory.rounds);
}

static int take_retry_at(struct parsed *parsed, const char *value)
{
        return parse_u64(value, 0, UINT64_MAX, &parsed->record.memory.retry_at);
}

static int take_acted_at(struct parsed *parsed, const char *value)
{
        return parse_u64(value, 0, UINT64_MAX, &parsed->record.memory.acted_at);
}

static int take_ledger(struct ladder_ledger *ledger, const char *value)
{
        while (*value && ledger->n < LADDER_BUDGET_MAX) {
                char number[24];
                size_t length = strcspn(value, " ");
                if (text_copy_n(number, sizeof(number), value, length) < 0 ||
                    parse_u64(number, 0, UINT64_MAX, &ledger->at[ledger->n]) < 0)
                        return -EBADMSG;
                ledger->n++;
                value += length + strspn(value + length, " ");
        }
        return *value ? -EBADMSG : 0;
}

static int take_resets(struct parsed *parsed, const char *value)
{
        return take_ledger(&parsed->record.memory.resets, value);
}

static int take_stops(struct parsed *parsed, const char *value)
{
        return take_ledger(&parsed->record.memory.stops, value);
}

static int take_pair(void *userdata, const char *key, const char *value)
{
        static const struct {
                const char *key;
                int (*take)(struct parsed *parsed, const char *value);
        } keys[] = {
            {"name", take_name},         {"boot_id", take_boot_id},   {"off", take_off},
            {"usb", take_usb},           {"tried", take_tried},       {"rounds", take_rounds},
            {"retry_at", take_retry_at}, {"acted_at", take_acted_at}, {"resets", take_resets},
            {"stops", take_stops},
        };

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (text_equal(key, keys[i].key))
                        return keys[i].take(userdata, value) < 0 ? -EBADMSG : 0;
        return 0; /* a key of a newer version */
}

int recovery_record_decode(const char *text, size_t length, const char *boot_id,
                           struct recovery_record *ret_record)
{
        struct parsed parsed = {0};

        if (pairs_read(text, length, take_pair, &parsed) < 0 || parsed.record.name[0] == '\0')
                return -EBADMSG;
        if (parsed.record.off != RECOVERY_OFF_NOTHING && parsed.record.usb[0] == '\0')
                return -EBADMSG;
        if (!text_equal(parsed.boot_id, boot_id))
                parsed.record.memory = (struct ladder_memory){0};
        *ret_record = parsed.record;
        return 0;
}
