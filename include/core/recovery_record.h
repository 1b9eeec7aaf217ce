/*
 * What is remembered of a modem's recovery over restarts of the controller: how often it was reset, so that a
 * restart is no way to a new budget; how far up the ladder this episode has come; and what was switched off
 * and is still to be switched on. Kept as a small text file per slot in STATE_DIR/recovery/.
 *
 * Its times are CLOCK_BOOTTIME and mean nothing in another boot: of a record of another boot only what was
 * switched off is taken, for a relay does not forget it.
 */
#ifndef CORE_RECOVERY_RECORD_H
#define CORE_RECOVERY_RECORD_H

#include "core/ladder.h"
#include "core/smsd_conf.h"
#include "core/usb_device.h"

#define RECOVERY_RECORD_TEXT_MAX 4096
#define RECOVERY_BOOT_ID_SIZE    40

/* What was switched off last, and not on again. */
enum recovery_off { RECOVERY_OFF_NOTHING, RECOVERY_OFF_USB, RECOVERY_OFF_POWER };

struct recovery_record {
        char name[SMSD_MODEM_NAME_MAX];
        char usb[USB_PATH_MAX]; /* where it was switched off */
        enum recovery_off off;
        struct ladder_memory memory;
};

bool recovery_record_equal(const struct recovery_record *a, const struct recovery_record *b);

/* The file's text. Returns its length, or -ENOBUFS. */
int recovery_record_encode(const struct recovery_record *record, const char *boot_id, char *target,
                           size_t size);

/* Reads the text back; every value is checked. 0, or -EBADMSG and nothing is written. */
int recovery_record_decode(const char *text, size_t length, const char *boot_id,
                           struct recovery_record *ret_record);

#endif
