/*
 * The settings of a modem's section in smsd.conf that a profile may bring: those that describe a kind of
 * modem. smsd refuses to start for an unknown key, a bad yes/no, some numbers and a text that is too long
 * (measured with 3.1.21); whatever passes here, it takes. Not among them: `device`, which is the
 * controller's, the PIN, and whatever names programs, files or people, which is the user's.
 */
#ifndef CORE_SMSD_SETTING_H
#define CORE_SMSD_SETTING_H

#include <stddef.h>

#define SMSD_SETTING_KEY_MAX   32
#define SMSD_SETTING_VALUE_MAX 99 /* smsd: 98 characters of `init` */

struct smsd_setting {
        char key[SMSD_SETTING_KEY_MAX]; /* small letters */
        char value[SMSD_SETTING_VALUE_MAX];
};

/* 0, or -EINVAL and `problem` goes on `KEY: "VALUE" ...`: what is wrong and what is allowed. */
int smsd_setting_check(const char *key, const char *value, char *problem, size_t size);

/* The index-th key that is allowed, NULL behind the last one. */
const char *smsd_setting_at(size_t index);

#endif
