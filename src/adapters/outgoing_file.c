/*
 * A message for smsd to send, see adapters/outgoing_file.h. Written under a hidden name, which smsd does not
 * look at, and renamed. Not synced: that would hold the loop, and what is told this way also waits for the
 * receivers that a power cut does not touch.
 *
 * The folder is smsd's: a name in it may be anybody's doing, so nothing is opened but a file just made, and
 * nothing is replaced. Nor do we go where a link of anybody's leads (base/folder.h).
 */
#include "adapters/outgoing_file.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NUMBER_MAX 20
#define NAME_SIZE  128
#define NAME_SET   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

static bool is_number(const char *number)
{
        return text_only(number + (number[0] == '+'), "0123456789", NUMBER_MAX);
}

static bool is_line(const char *text)
{
        if (text[0] == '\0')
                return false;
        for (; *text; text++)
                if (*text < 0x20 || *text > 0x7e)
                        return false;
        return true;
}

/* smsd takes "To: 37061234512": a leading '+' is not part of a number. */
static int write_message(int fd, const struct stat *folder, const char *number, const char *text)
{
        char message[1024];
        int r = text_format(message, sizeof(message), "To: %s\n\n%s\n", number + (number[0] == '+'), text);

        if (r < 0)
                return -EINVAL;
        if (fchown(fd, folder->st_uid, folder->st_gid) < 0)
                return -errno;
        return file_write_full(fd, message, strlen(message));
}

static int put(int folder, const struct stat *status, const char *name, const char *number, const char *text)
{
        char hidden[NAME_SIZE + 8];

        (void)text_format(hidden, sizeof(hidden), ".%s.new", name);
        if (unlinkat(folder, hidden, 0) < 0 && errno != ENOENT)
                return -errno;
        _cleanup_close_ int fd =
            openat(folder, hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        int r = write_message(fd, status, number, text);
        if (r == 0 && renameat2(folder, hidden, folder, name, RENAME_NOREPLACE) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(folder, hidden, 0); /* hidden: it harms nobody */
        return r;
}

int outgoing_file_put(const char *folder, const char *name, const char *number, const char *text)
{
        struct stat status;

        if (!is_number(number) || !is_line(text) || !text_only(name, NAME_SET, NAME_SIZE - 1))
                return -EINVAL;
        _cleanup_close_ int fd = folder_open(folder);
        if (fd < 0)
                return fd;
        if (fstat(fd, &status) < 0)
                return -errno;
        return put(fd, &status, name, number, text);
}
