/*
 * The access point name of a SIM's operator out of Debian's mobile-broadband-provider-info, by the MCC and
 * MNC that the IMSI begins with. Only read; the file may be missing, which is a result.
 *
 * An IMSI does not say whether its MNC has two or three digits: an entry with three is preferred, being the
 * more exact one. Virtual operators (MVNO) share the numbers of their network, so several providers may fit:
 * then the answer is a guess, and says so (`certain`). The name that the SIM itself gives (AT+QSPN, or the
 * operator's name when not roaming) tells them apart.
 */
#ifndef ADAPTERS_APN_DATABASE_H
#define ADAPTERS_APN_DATABASE_H

#include "core/provision.h"

#include <stdbool.h>

#define APN_DATABASE_PATH     "/usr/share/mobile-broadband-provider-info/serviceproviders.xml"
#define APN_DATABASE_SIZE_MAX (4u << 20)

/* Positive results of apn_database_find. */
#define APN_DATABASE_UNKNOWN 1 /* nothing for this operator, or nothing for the internet */
#define APN_DATABASE_MISSING 2 /* no such file: the package is not installed */

struct apn_answer {
        char apn[PROVISION_APN_MAX]; /* checked by provision_apn_is_valid */
        char provider[64];           /* escaped */
        char network[8];             /* MCC and MNC that fitted: "24601" */
        unsigned providers;          /* that fit equally well by their numbers; more than one: MVNOs */
        unsigned apns;               /* for the internet, of the chosen provider */
        bool certain;                /* one provider was left, and it has one name for the internet */
        char others[192];            /* the names that were not chosen: "APN (PROVIDER), ..."; may be cut */
};

/*
 * `imsi`: 6 to 15 digits. `mnc_digits`: 2 or 3 when known (from the SIM's EF-AD), else 0. `provider`: the
 * name that the SIM or the network shows, "" not known. Of what fits: the provider with that name, else one
 * marked primary, else the first; of its names the first that is for the internet, never one for MMS or WAP.
 *
 * 0; a positive result; -EINVAL: no IMSI; -EFBIG: larger than APN_DATABASE_SIZE_MAX; -EBADMSG: not this kind
 * of XML, or made to do harm (entities, depth); else the errno of reading. ret_answer is set with 0 only.
 */
int apn_database_find(const char *path, const char *imsi, unsigned mnc_digits, const char *provider,
                      struct apn_answer *ret_answer);

#endif
