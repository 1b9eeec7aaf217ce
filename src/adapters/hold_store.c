/*
 * The file of the hold, see adapters/hold_store.h. What its text means is core/hold_record's.
 */
#include "adapters/hold_store.h"

#include "base/boot_id.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>

static int hold_path(const char *runtime_dir, char target[PATH_MAX])
{
        return text_format(target, PATH_MAX, "%s/hold", runtime_dir);
}

int hold_store_write(const char *runtime_dir, const struct hold_record *record)
{
        char path[PATH_MAX], text[HOLD_RECORD_TEXT_MAX], boot_id[HOLD_BOOT_ID_SIZE];
        int r = hold_path(runtime_dir, path);

        if (r < 0)
                return r;
        r = boot_id_get(boot_id);
        if (r < 0)
                return r;
        int length = hold_record_encode(record, boot_id, text, sizeof(text));
        return length < 0 ? length : file_replace(path, text, (size_t)length, 0644);
}

int hold_store_read(const char *runtime_dir, struct hold_record *ret_record)
{
        char path[PATH_MAX], boot_id[HOLD_BOOT_ID_SIZE], file_boot_id[HOLD_BOOT_ID_SIZE];
        _cleanup_free_ char *text = NULL;
        struct hold_record record;
        size_t length = 0;
        int r = hold_path(runtime_dir, path);

        if (r < 0)
                return r;
        r = file_read(path, O_NOFOLLOW, HOLD_RECORD_TEXT_MAX, &text, &length);
        if (r < 0)
                return file_is_foreign(r) ? -EBADMSG : r;
        r = hold_record_decode(text, length, &record, file_boot_id);
        if (r < 0)
                return r;
        r = boot_id_get(boot_id);
        if (r < 0)
                return r;
        if (!text_equal(boot_id, file_boot_id))
                return 1;
        *ret_record = record;
        return 0;
}

int hold_store_remove(const char *runtime_dir)
{
        char path[PATH_MAX];
        int r = hold_path(runtime_dir, path);

        return r < 0 ? r : file_remove(path);
}
