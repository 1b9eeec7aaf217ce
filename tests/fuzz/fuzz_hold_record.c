/*
 * core/hold_record under arbitrary bytes: what is taken for a hold has an end, and comes back the same when
 * it is written and read again.
 */
#include "core/hold_record.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct hold_record record, again;
        char boot_id[HOLD_BOOT_ID_SIZE], boot_again[HOLD_BOOT_ID_SIZE], text[HOLD_RECORD_TEXT_MAX];

        if (hold_record_decode((const char *)data, size, &record, boot_id) < 0)
                return 0;
        require(record.since < record.until && record.until != USEC_INFINITY);
        int length = hold_record_encode(&record, boot_id, text, sizeof(text));
        require(length > 0);
        require(hold_record_decode(text, (size_t)length, &again, boot_again) == 0);
        require(strcmp(record.reason, again.reason) == 0 && strcmp(record.by, again.by) == 0);
        require(record.until == again.until && strcmp(boot_id, boot_again) == 0);
        return 0;
}
