/*
 * The file RUNTIME_DIR/hold. It lies on a file system that is emptied at boot, and names its boot besides: a
 * hold never survives a reboot.
 */
#ifndef ADAPTERS_HOLD_STORE_H
#define ADAPTERS_HOLD_STORE_H

#include "core/hold_record.h"

/* Writes the hold atomically, mode 0644. 0, -EINVAL for a record without an end, or what the system says. */
int hold_store_write(const char *runtime_dir, const struct hold_record *record);

/*
 * Reads it. 0: there is one; 1: one of another boot, to be ignored, ret_record untouched; -ENOENT: none;
 * -EBADMSG: there is something that is no hold (garbage, a link, a folder, too large); else what the system
 * says.
 */
int hold_store_read(const char *runtime_dir, struct hold_record *ret_record);

/* Removes it; none there is success. */
int hold_store_remove(const char *runtime_dir);

#endif
