/*
 * This boot's number, for records that mean nothing in the next one. In a header of its own, for who uses it
 * needs libsystemd.
 */
#ifndef BASE_BOOT_ID_H
#define BASE_BOOT_ID_H

#include <systemd/sd-id128.h>

#define BOOT_ID_SIZE SD_ID128_STRING_MAX

/* 32 hexadecimal digits. 0 or a negative errno, `target` is untouched then. */
static inline int boot_id_get(char target[static BOOT_ID_SIZE])
{
        sd_id128_t id;
        int r = sd_id128_get_boot(&id);

        if (r < 0)
                return r;
        (void)sd_id128_to_string(id, target);
        return 0;
}

#endif
