/*
 * Follows a log file that somebody else writes, line by line, without polling: for what smsd says.
 *
 * Starts at the end of what is there. Survives rotation (rename and create; the renamed file is followed on
 * beside the new one, because its writer goes on with it until it is restarted), truncation in place, and the
 * file being absent. A symbolic link at the end of the path is not followed and anything but a regular file
 * counts as absent.
 */
#ifndef ADAPTERS_FILE_FOLLOW_H
#define ADAPTERS_FILE_FOLLOW_H

#include <stddef.h>
#include <systemd/sd-event.h>

struct file_follow;

#define FILE_FOLLOW_LINE_MAX 1024

/* Before the ends of processes: why smsd ended ("the SIM refused the PIN") is written before it ends, and
 * must be known first. */
#define FILE_FOLLOW_PRIORITY (-10)

/* One complete line without its end, with a NUL behind it; longer than FILE_FOLLOW_LINE_MAX: cut. Bytes are
 * as foreign as the file. Must not free the follower. */
typedef void (*file_follow_line_fn)(void *userdata, const char *text, size_t length);

/* Returns 0 (the file and even its folder may be absent), -EINVAL for a path without a folder, -ENOMEM, or
 * what inotify says. */
int file_follow_new(struct file_follow **ret, sd_event *event, const char *path, file_follow_line_fn line,
                    void *userdata);

/* NULL is fine; returns NULL. */
struct file_follow *file_follow_free(struct file_follow *f);

/* Looks for the file again: for after its folder was absent, which inotify cannot tell. Cheap; no line is
 * reported from within. */
void file_follow_check(struct file_follow *f);

static inline void file_follow_cleanup(struct file_follow **f)
{
        *f = file_follow_free(*f);
}

#endif
