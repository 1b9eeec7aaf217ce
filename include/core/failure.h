/*
 * What can be wrong with a modem, as far as it matters for what is done about it. The kinds of the health's
 * verdict, the rows of the ladder's table (src/core/ladder_course.c), the words of both.
 */
#ifndef CORE_FAILURE_H
#define CORE_FAILURE_H

enum failure_kind {
        FAILURE_NONE,
        FAILURE_SILENT,          /* AT is not answered, on a tty that is there */
        FAILURE_STUCK,           /* the modem answers, smsd makes nothing of it */
        FAILURE_HUNG_UP,         /* smsd cannot write to its port, with the modem there */
        FAILURE_SENDING_BLOCKED, /* smsd gave up sending after failures */
        FAILURE_SIM_FAILURE,     /* CME 13 */
        FAILURE_SIM_ABSENT,      /* CME 10 */
        FAILURE_SIM_BUSY,        /* CME 14, and it does not end */
        FAILURE_SIM_PIN,
        FAILURE_SIM_PUK,
        FAILURE_RADIO_OFF,    /* CFUN 0, 4 or 5 */
        FAILURE_UNREGISTERED, /* searching, or not even that */
        FAILURE_NO_SIGNAL,    /* CSQ 99, NOSERVICE */
        FAILURE_DENIED,       /* the network refuses this SIM or modem */
        FAILURE_IMS,          /* no SMS because of IMS: a setting */
        FAILURE_STORAGE_FULL,
        FAILURE_PORTS_MISSING, /* it enumerated with some of its ttys only */
        FAILURE_BROWN_OUT,     /* -71, -110, undervoltage: it is not fed well */
        FAILURE_CRASHED,       /* QHSUSB__BULK */
        FAILURE_DOWNLOAD_MODE, /* 05c6:9008 */
        FAILURE_GONE,          /* it left the bus by itself and does not come back */
        FAILURE_KIND_MAX
};

/* "silent", "sim-puk": an interface (JSON, history). "none" for FAILURE_NONE. */
const char *failure_kind_to_string(enum failure_kind kind);

/* "the modem does not answer": half a sentence for a person; "" for FAILURE_NONE. */
const char *failure_describe(enum failure_kind kind);

/* What a person must do when software cannot: "reseat the SIM card"; "" for FAILURE_NONE. */
const char *failure_advice(enum failure_kind kind);

#endif
