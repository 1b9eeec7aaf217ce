/*
 * A message file of smsd: its name, the header in front of the empty line, and our count of how often it was
 * sent again. Text in, facts out; the file is somebody else's and may say anything.
 *
 * The count is a header, `Smswarden_requeued: 2`, the first line of the file. Measured with smsd 3.1.21: it
 * keeps every header it does not know, in its place, from outgoing to checked, failed and sent, whereas a
 * name is lost with keep_filename = no (failed/GSM1.6cXoFU) and changed by filename_preview; and a name that
 * was changed would be lost to the program that waits for its file in sent/.
 */
#ifndef CORE_MESSAGE_FILE_H
#define CORE_MESSAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names leave room for what is put around them while a file is moved (NAME_MAX is 255). */
#define MESSAGE_NAME_MAX 224
/* smsd leaves files below this alone: they are being written, or nothing. */
#define MESSAGE_SIZE_MIN 8
/* So much of a file is read; a header is some hundred bytes, the PDU that smsd adds up to a few thousand. */
#define MESSAGE_HEAD_MAX 8192

/* Where messages lie: smsd's folders, and our own. */
enum message_folder {
        MESSAGES_OUTGOING,
        MESSAGES_CHECKED,
        MESSAGES_FAILED,
        MESSAGES_QUARANTINE,
        MESSAGES_FOLDERS
};

/* What became of a message that was to be moved; failures are negative errnos. */
enum message_result {
        MESSAGE_DONE,
        MESSAGE_GONE,    /* it is not there (any more): nothing to do */
        MESSAGE_LOCKED,  /* smsd is working on it, or somebody else is at it right now: try again later */
        MESSAGE_WAITING, /* one of its name waits in outgoing or checked already */
        MESSAGE_SPENT,   /* it was sent again as often as it may */
};

/* A message in a list of a folder's, as far as a decision needs it; texts are borrowed and escaped, ""
 * unknown, but for the name. */
struct message_item {
        const char *name;
        const char *recipient; /* masked */
        const char *fail_reason;
        const char *locked_by; /* the modem */
        bool locked;           /* smsd is working on it */
        unsigned requeued;
        int64_t changed; /* seconds since the epoch: when smsd put it there */
};

/* What smsd and its users wrote, escaped (text_escape) and cut; "" where it is not said. */
struct message_header {
        char to[32];
        char from[64];
        char modem[32];        /* the one that sent it, or failed to */
        char fail_reason[128]; /* "+CMS ERROR: 38 (Network out of order)", "No destination" */
        char failed[32];       /* when, in smsd's own format */
        char sent[32];
        char imsi[20];
        unsigned requeued; /* how often we sent it again; a count that makes no sense is UINT_MAX */
        bool pdu;          /* smsd keeps a PDU that it made of it: it gave it to the modem, or was about to */
};

/*
 * Reads the header out of the beginning of a file, as smsd does: names as they are written (`to:` is no
 * recipient), up to the first line of blanks, the last of several lines counts. What is not in these bytes is
 * not there.
 */
void message_header_parse(struct message_header *ret_header, const char *head, size_t length);

/* Which bytes of the file message_requeued_line() goes in the place of: [begin, end). */
struct message_place {
        size_t begin, end;
};

/* Behind a BOM, where our line is already or would be. */
struct message_place message_requeued_place(const char *head, size_t length);

/* The line that counts, with its line end. 0 or -ENAMETOOLONG. */
int message_requeued_line(char *target, size_t size, unsigned count);

/* Whether smsd takes a file of this name for a message: not hidden, no lock (NAME.LOCK, LOCKED...). */
bool message_name_is_message(const char *name);

/* Whether it may be given to us as the name of a message: -EINVAL for a path, a hidden file, a lock, "";
 * -ENAMETOOLONG. */
int message_name_check(const char *name);

/*
 * The command for a root shell that sends the failed message `name` again. Whoever may write into smsd's
 * folders chooses the name, and a tired person pastes the command: so it is "" where a shell could take the
 * name for more than a name, and where it does not fit. `force`: it was sent again as often as it may.
 */
void message_requeue_command(char *target, size_t size, const char *name, bool force);

/* Whose lock it is: smsd writes "PID MODEM" into NAME.LOCK. "" when that is not what it says. */
void message_lock_owner(char *target, size_t size, const char *text, size_t length);

/*
 * For somebody who may know that there is a message, not to whom. "+37061234512" becomes "+3706*****12": the
 * country and the end, which say whose it is to who knows the number already. What is shorter shows its first
 * digit only; what is no number becomes "*". 32 bytes hold it.
 */
void message_recipient_mask(char *target, size_t size, const char *number, size_t length);

#endif
