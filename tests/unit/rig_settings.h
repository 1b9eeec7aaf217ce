/*
 * What the rig's modem keeps in its flash, see rig.h: enough of AT+QCFG and AT+CGDCONT for setting it up,
 * with counts of what was asked, written and reset.
 */
#ifndef TESTS_UNIT_RIG_SETTINGS_H
#define TESTS_UNIT_RIG_SETTINGS_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct rig_settings {
        unsigned usbnet;
        char apn[64];
        bool refuses; /* what is written is answered ERROR */
        bool mute;    /* no answer to any of these */
        unsigned asked, written, resets;
};

/* The answer, "" when the command is none of these or is not answered (*ret_mute). */
static inline void rig_settings_answer(struct rig_settings *settings, const char *command, char *answer,
                                       size_t size, bool *ret_mute)
{
        static const char ok[] = "\r\nOK\r\n", error[] = "\r\nERROR\r\n";
        bool about = text_starts_with(command, "AT+QCFG=\"usbnet\"") ||
                     text_starts_with(command, "AT+CGDCONT") || text_equal(command, "AT+CFUN=1,1");

        answer[0] = '\0';
        *ret_mute = about && settings->mute;
        if (!about || settings->mute)
                return;
        if (text_equal(command, "AT+CFUN=1,1")) {
                settings->resets++;
                (void)text_copy(answer, size, ok);
        } else if (text_equal(command, "AT+QCFG=\"usbnet\"")) {
                settings->asked++;
                (void)text_format(answer, size, "\r\n+QCFG: \"usbnet\",%u\r\n%s", settings->usbnet, ok);
        } else if (text_equal(command, "AT+CGDCONT?")) {
                settings->asked++;
                (void)text_format(answer, size, "\r\n+CGDCONT: 1,\"IP\",\"%s\",\"0.0.0.0\",0,0\r\n%s",
                                  settings->apn, ok);
        } else {
                settings->written++;
                (void)text_copy(answer, size, settings->refuses ? error : ok);
                if (!settings->refuses && sscanf(command, "AT+QCFG=\"usbnet\",%u", &settings->usbnet) != 1)
                        (void)sscanf(command, "AT+CGDCONT=1,\"IP\",\"%63[^\"]", settings->apn);
        }
}

#endif
