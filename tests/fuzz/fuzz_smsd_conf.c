/*
 * The promises of core/smsd_conf.h for any bytes: the input is changes (lines "modem TAB key TAB value") up
 * to the first empty line, the rest is the file. What the edit says it did is looked at from outside: read
 * back, done twice, and byte for byte.
 */
#include "core/smsd_conf.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <stdint.h>
#include <string.h>

#define CHANGES_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define promise(condition)                                                                                   \
        do {                                                                                                 \
                if (!(condition))                                                                            \
                        abort();                                                                             \
        } while (0)

struct input {
        char fields[CHANGES_MAX][3][128];
        struct smsd_conf_change changes[CHANGES_MAX];
        unsigned n;
        struct smsd_conf conf;
};

static void parse_change(struct input *input, const char *line, size_t length)
{
        char(*fields)[128] = input->fields[input->n];

        for (unsigned i = 0; i < 3; i++) {
                const char *tab = i < 2 ? memchr(line, '\t', length) : NULL;
                size_t taken = tab ? (size_t)(tab - line) : length;
                (void)text_copy_n(fields[i], sizeof(fields[i]), line, taken);
                taken += tab != NULL;
                line += taken;
                length -= taken;
        }
        input->changes[input->n++] =
            (struct smsd_conf_change){text_equal(fields[0], "-") ? NULL : fields[0], fields[1], fields[2]};
}

static void parse_input(struct input *input, const char *text, size_t length)
{
        while (input->n < CHANGES_MAX && length > 0) {
                const char *newline = memchr(text, '\n', length);
                size_t taken = newline ? (size_t)(newline - text) : length;
                if (taken > 0)
                        parse_change(input, text, taken);
                text += taken + (newline != NULL);
                length -= taken + (newline != NULL);
                if (taken == 0)
                        break;
        }
        input->conf = (struct smsd_conf){text, length};
}

/* True when the bytes of `before` that are not in `after` lie within one line: a changed one, or none for an
 * inserted one. */
static bool one_line_differs(const struct smsd_conf *before, const struct smsd_conf *after)
{
        size_t shorter = before->length < after->length ? before->length : after->length, head = 0, tail = 0;

        while (head < shorter && before->text[head] == after->text[head])
                head++;
        while (tail < shorter - head &&
               before->text[before->length - 1 - tail] == after->text[after->length - 1 - tail])
                tail++;
        return head + tail == before->length ||
               !memchr(before->text + head, '\n', before->length - head - tail);
}

static void check_result(const struct input *input, const struct smsd_conf *after)
{
        char value[4096], *again;
        size_t length;

        for (unsigned i = 0; i < input->n; i++) {
                const struct smsd_conf_change *change = &input->changes[i];
                promise(smsd_conf_get(after, change->modem, change->key, value, sizeof(value)) == 0);
                promise(text_equal(value, change->value));
        }
        promise(smsd_conf_edit(after, input->changes, input->n, &again, &length, NULL) == 0);
        promise(input->n != 1 || one_line_differs(&input->conf, after));
        promise(after->length <= SMSD_CONF_SIZE_MAX);
}

static void check_message(const struct smsd_conf_error *error)
{
        promise(error->message[0] != '\0');
        for (const char *p = error->message; *p != '\0'; p++)
                promise((unsigned char)*p >= ' ' && *p != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char names[SMSD_MODEMS_MAX][SMSD_MODEM_NAME_MAX], device[4096];
        struct smsd_conf_error error = {0};
        struct input input = {0};
        _cleanup_free_ char *text = NULL;
        size_t length;

        parse_input(&input, (const char *)data, size);
        if (smsd_conf_check(&input.conf, &error) < 0)
                check_message(&error);
        int count = smsd_conf_modems(&input.conf, names, SMSD_MODEMS_MAX);
        promise(count <= SMSD_MODEMS_MAX);
        for (int i = 0; i < count; i++)
                (void)smsd_conf_get(&input.conf, names[i], "device", device, sizeof(device));
        error = (struct smsd_conf_error){0};
        int r = smsd_conf_edit(&input.conf, input.changes, input.n, &text, &length, &error);
        if (r < 0)
                check_message(&error);
        else if (r == 0)
                check_result(&input, &input.conf);
        else
                check_result(&input, &(struct smsd_conf){text, length});
        return 0;
}
