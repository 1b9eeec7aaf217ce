/*
 * A message file of smsd, as far as it matters here: the headers of one that was given up. Whoever wrote the
 * message wrote these lines as well: everything is bounded, escaped, and the number is masked.
 */
#ifndef CORE_SMSD_MESSAGE_H
#define CORE_SMSD_MESSAGE_H

#include "core/event.h"

#include <stdbool.h>
#include <stddef.h>

/* So much of a file holds its headers; what lies behind is not looked at. */
#define SMSD_MESSAGE_HEAD_MAX 4096

/* True for a name that smsd takes for a message's: not a hidden one, not a lock. */
bool smsd_message_is_name(const char *name);

/*
 * Reads To:, Modem: and Fail_reason: from the lines up to the first empty one (the last of each counts: smsd
 * appends its own) into the event's recipient, modem and reason; "" for what is not there. Never fails.
 */
void smsd_message_parse(const char *text, size_t length, struct message_failed_event *ret_message);

/*
 * The command for a root shell that queues the message `name` of the folder `failed` again. Whoever may write
 * into smsd's folders chooses the name, and a tired person pastes the command: so it is "" where a shell
 * could take any of the three for more than a name, and where it does not fit.
 */
void smsd_message_again(const char *failed, const char *outgoing, const char *name, char *target,
                        size_t size);

/*
 * "+37061234512" becomes "+3706*****12": the country and the end, which say whose it is to who knows the
 * number already. What is shorter shows its first digit only; what is no number becomes "*". 32 bytes hold
 * it.
 */
void smsd_message_mask(const char *number, size_t length, char *target, size_t size);

#endif
