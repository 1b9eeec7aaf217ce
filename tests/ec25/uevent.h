/*
 * The sending end of umockdev's hotplug: every libudev monitor in a process under libumockdev-preload listens
 * on a socket ROOT/eventN, and what is written there in libudev's own message format comes out of
 * udev_monitor_receive_device.
 *
 * umockdev's library does the same, but ends the program when a listener is slow or just leaving, and needs
 * the preload in the sender too. Here a full listener's messages wait, in order.
 */
#ifndef EC25_UEVENT_H
#define EC25_UEVENT_H

#include <stdbool.h>

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct uevent_sender;

/* 0 or -ENOMEM, -ENAMETOOLONG (a socket's path must fit into 107 bytes), an errno of socket(). */
int uevent_sender_new(const char *root, struct uevent_sender **ret_sender);
struct uevent_sender *uevent_sender_free(struct uevent_sender *sender);

/* `properties`: "KEY=value\n..." without ACTION, DEVPATH, SUBSYSTEM, SEQNUM. `devtype` may be NULL. 0,
 * -EMSGSIZE, -ENOMEM. */
int uevent_send(struct uevent_sender *sender, const char *action, const char *devpath, const char *subsystem,
                const char *devtype, const char *properties);

/* The message alone, as udevd multicasts it: `properties` as above, with TAGS (":one:two:") if there are
 * tags. Returns its length or -EMSGSIZE. */
ssize_t uevent_message(char *target, size_t size, uint64_t sequence, const char *action, const char *devpath,
                       const char *subsystem, const char *devtype, const char *properties);

/* Tries what had to wait. Returns true while something still waits: call again in a few milliseconds. */
bool uevent_retry(struct uevent_sender *sender);

#endif
