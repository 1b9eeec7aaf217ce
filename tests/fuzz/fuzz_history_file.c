/*
 * adapters/history_file under arbitrary bytes: what is taken for an entry is complete, harmless for a
 * terminal, and bounded.
 */
#include "adapters/history_file.h"

#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void require_clean(const char *text)
{
        char clean[4 * ACTION_MESSAGE_MAX];

        require(text_clean(clean, sizeof(clean), text) == 0 && strcmp(clean, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct history_entry entry;

        if (history_file_parse((const char *)data, size, &entry) < 0)
                return 0;
        require(size <= HISTORY_LINE_MAX && entry.at > 0 && entry.event[0] && entry.boot[0]);
        require(entry.severity >= SEVERITY_INFO && entry.severity <= SEVERITY_CRITICAL);
        require_clean(entry.event);
        require_clean(entry.boot);
        require_clean(entry.modem);
        require_clean(entry.cause);
        require_clean(entry.message);
        return 0;
}
