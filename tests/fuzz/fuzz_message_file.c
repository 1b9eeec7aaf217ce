/*
 * A message file, its lock and its name, as hostile text: what comes out is bounded, ended and free of
 * control characters, and a count that was written is read again.
 */
#include "core/message_file.h"
#include "core/queue_retry.h"

#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool true_always)
{
        if (!true_always)
                abort();
}

static void check_text(const char *text, size_t size)
{
        size_t length = strnlen(text, size);

        check(length < size);
        for (size_t i = 0; i < length; i++)
                check((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

static void fuzz_header(const char *head, size_t length)
{
        struct message_header header;
        char masked[16];

        message_header_parse(&header, head, length);
        check_text(header.to, sizeof(header.to));
        check_text(header.from, sizeof(header.from));
        check_text(header.modem, sizeof(header.modem));
        check_text(header.fail_reason, sizeof(header.fail_reason));
        check_text(header.failed, sizeof(header.failed));
        check_text(header.sent, sizeof(header.sent));
        check_text(header.imsi, sizeof(header.imsi));
        message_recipient_mask(masked, sizeof(masked), header.to, strlen(header.to));
        check_text(masked, sizeof(masked));
        check(queue_retry_cms_error(header.fail_reason) >= -1);
}

/* The file with a higher count says this count, and as much else as before. */
static void fuzz_count(const char *head, size_t length)
{
        struct message_place place = message_requeued_place(head, length);
        struct message_header before, after;
        char line[64], *text = malloc(length + sizeof(line));

        check(text && place.begin <= place.end && place.end <= length);
        check(message_requeued_line(line, sizeof(line), 999999) == 0);
        size_t inserted = strlen(line), rest = length - place.end;
        memcpy(text, head, place.begin);
        memcpy(text + place.begin, line, inserted);
        memcpy(text + place.begin + inserted, head + place.end, rest);
        message_header_parse(&before, head, length);
        message_header_parse(&after, text, place.begin + inserted + rest);
        check(after.requeued >= 999999);
        check(text_equal(before.to, after.to));
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *text = (const char *)data;
        char owner[16], name[300];

        fuzz_header(text, size);
        fuzz_count(text, size);
        message_lock_owner(owner, sizeof(owner), text, size);
        check_text(owner, sizeof(owner));
        (void)text_copy_n(name, sizeof(name), text, size);
        check(message_name_check(name) < 0 || (name[0] != '.' && !strchr(name, '/') && name[0] != '\0'));
        return 0;
}
