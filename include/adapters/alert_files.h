/*
 * The spool as smswarden-notify sees it: read only. Names, order, one message at a time.
 */
#ifndef ADAPTERS_ALERT_FILES_H
#define ADAPTERS_ALERT_FILES_H

#include "core/alert.h"

/* Files of the spool that are no messages, and were passed over. */
struct alert_damage {
        unsigned n;
        uint64_t last; /* the sequence in the name of the last one, 0 none */
};

/*
 * The first message with a sequence above `after` in `folder`, in the order of sequences. 1: there is one;
 * 0: none; negative errno: the folder cannot be read. A file that is no message (-EBADMSG inside) is passed
 * over and added to *damage (may be NULL). ret_message is untouched unless 1.
 */
int alert_files_next(const char *folder, uint64_t after, struct alert_message *ret_message,
                     struct alert_damage *damage);

/* The message of this name. 0, -ENOENT none, -EBADMSG: it is not what the controller writes, or says another
 * sequence or severity than its name; or what the system says. */
int alert_files_read(const char *folder, uint64_t sequence, enum severity severity,
                     struct alert_message *ret_message);

struct heartbeat {
        uint64_t number;
        char verdict[16], reason[384], host[64];
        int64_t at; /* wall clock, microseconds */
};

/* 0, -ENOENT none, -EBADMSG, or what the system says. */
int alert_files_heartbeat(const char *folder, struct heartbeat *ret_heartbeat);

#endif
