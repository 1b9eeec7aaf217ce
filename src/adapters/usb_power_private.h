/*
 * Shared by the usb_power*.c files only: where the switches are, and the child that moves one.
 */
#ifndef ADAPTERS_USB_POWER_PRIVATE_H
#define ADAPTERS_USB_POWER_PRIVATE_H

#include "adapters/usb_power.h"

#include "base/cleanup.h"

#define USB_POWER_ROOT_MAX  256
#define USB_POWER_FILE_MAX  512
#define USB_POWER_FILES_MAX 2

/* What a child does. */
struct usb_power_task {
        bool on;
        const char *command; /* run this, with `path`, or (NULL): */
        const char *path;
        char value;                                          /* write this into each of: */
        char files[USB_POWER_FILES_MAX][USB_POWER_FILE_MAX]; /* "" none */
};

/* usb_power_child.c. Starts it in a process group of its own: its pid, or a negative errno. */
pid_t usb_power_child_start(const struct usb_power_task *task);
/* Its exit status (or the signal that ended it) as a result. */
int usb_power_child_result(bool command, bool exited, int status);
/* 0 when the command may be run for this path; see usb_power_command. */
int usb_power_check_command(const char *command, const char *path);

/* usb_power_sysfs.c. The errors are those of usb_power.h. */
int usb_power_find_device(const char *root, const char *path, char ret_file[USB_POWER_FILE_MAX]);
int usb_power_find_port(const char *root, const char *path,
                        char ret_files[USB_POWER_FILES_MAX][USB_POWER_FILE_MAX]);

#endif
