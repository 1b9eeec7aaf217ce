/*
 * smsd's message folders, see message_folders.h: the folders, what may be moved where, and the end of what
 * was interrupted. How one message moves is in message_folders_move.c.
 */
#include "message_folders_private.h"

#include "base/cleanup.h"
#include "base/folder.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>

#define COUNT_MAX 1000000 /* the highest that makes sense to message_header_parse() */

static const char *const folder_names[] = {
    [MESSAGES_OUTGOING] = "outgoing",
    [MESSAGES_CHECKED] = "checked",
    [MESSAGES_FAILED] = "failed",
    [MESSAGES_QUARANTINE] = "quarantine",
};

const char *message_folder_to_string(enum message_folder folder)
{
        return folder_names[folder];
}

/* The way into smsd's folders is the administrator's, links in it too; the last folder of ours is no link. */
static int open_path(enum message_folder folder, const char *path)
{
        if (!path || !path[0])
                return -ENOENT;
        if (folder != MESSAGES_QUARANTINE)
                return folder_open(path);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static void open_folder(struct message_folders *folders, enum message_folder folder, const char *path)
{
        int r = open_path(folder, path);

        folders->fds[folder] = r < 0 ? -1 : r;
        folders->errors[folder] = r < 0 ? r : 0;
}

int message_folders_open(struct message_folders **ret, const char *const paths[MESSAGES_FOLDERS])
{
        struct message_folders *folders = calloc(1, sizeof(*folders));

        if (!folders)
                return -ENOMEM;
        for (enum message_folder i = 0; i < MESSAGES_FOLDERS; i++)
                open_folder(folders, i, paths[i]);
        const char *quarantine = paths[MESSAGES_QUARANTINE];
        if (quarantine && quarantine[0] && !(folders->quarantine = strdup(quarantine))) {
                (void)message_folders_close(folders);
                return -ENOMEM;
        }
        *ret = folders;
        return 0;
}

struct message_folders *message_folders_close(struct message_folders *folders)
{
        if (!folders)
                return NULL;
        for (enum message_folder i = 0; i < MESSAGES_FOLDERS; i++)
                folders->fds[i] = close_fd(folders->fds[i]);
        free(folders->quarantine);
        free(folders);
        return NULL;
}

int message_folders_fd(const struct message_folders *folders, enum message_folder folder)
{
        return folders->fds[folder] >= 0 ? folders->fds[folder] : folders->errors[folder];
}

static int need_quarantine(struct message_folders *folders)
{
        if (folders->fds[MESSAGES_QUARANTINE] < 0 && folders->errors[MESSAGES_QUARANTINE] == -ENOENT &&
            folders->quarantine) {
                if (mkdir(folders->quarantine, 0700) < 0 && errno != EEXIST)
                        return -errno;
                open_folder(folders, MESSAGES_QUARANTINE, folders->quarantine);
        }
        return message_folders_fd(folders, MESSAGES_QUARANTINE);
}

/*
 * Whether a message may be put into outgoing under this name. In this order: smsd carries a message from the
 * one into the other, and while it does it is in both. A lock alone is that of a message that just left
 * checked, whose eventhandler still runs.
 */
static int check_name_is_free(const struct message_folders *folders, const char *name)
{
        static const enum message_folder order[] = {MESSAGES_OUTGOING, MESSAGES_CHECKED};
        struct stat st;

        for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
                int fd = message_folders_fd(folders, order[i]);
                if (fd < 0)
                        return fd;
                if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                        return MESSAGE_WAITING;
                if (message_is_locked(fd, name))
                        return MESSAGE_LOCKED;
        }
        return 0;
}

/* Opens and locks a message of `from` that is to go into outgoing. */
static int begin_to_outgoing(struct message_folders *folders, enum message_folder from, const char *name,
                             struct message_move *move)
{
        int source = message_folders_fd(folders, from);
        int target = message_folders_fd(folders, MESSAGES_OUTGOING);

        *move = (struct message_move){.fd = -1};
        if (source < 0 || target < 0)
                return source < 0 ? source : target;
        int r = message_move_begin(move, source, target, name);
        if (r != 0)
                return r;
        if (message_is_locked(source, name))
                return MESSAGE_LOCKED;
        return check_name_is_free(folders, name);
}

int message_folders_requeue(struct message_folders *folders, const char *name, unsigned limit,
                            unsigned *ret_count)
{
        _cleanup_(message_move_end) struct message_move move;
        struct message_header header;
        char line[64];
        int r = begin_to_outgoing(folders, MESSAGES_FAILED, name, &move);

        if (r == 0)
                r = message_move_read(&move);
        if (r != 0)
                return r;
        size_t head = move.length < MESSAGE_HEAD_MAX ? move.length : MESSAGE_HEAD_MAX;
        message_header_parse(&header, move.text, head);
        if (header.requeued >= limit && limit != MESSAGE_NO_LIMIT)
                return MESSAGE_SPENT;
        unsigned count = header.requeued < COUNT_MAX ? header.requeued + 1 : COUNT_MAX;
        r = message_requeued_line(line, sizeof(line), count);
        if (r == 0)
                r = message_move_rewrite(&move, message_requeued_place(move.text, head), line, name);
        if (r == 0)
                *ret_count = count;
        return r;
}

int message_folders_release(struct message_folders *folders, const char *name)
{
        _cleanup_(message_move_end) struct message_move move;
        int r = begin_to_outgoing(folders, MESSAGES_QUARANTINE, name, &move);

        return r != 0 ? r : message_move_rename(&move, name);
}

int message_folders_remove(struct message_folders *folders, enum message_folder folder, const char *name)
{
        _cleanup_(message_move_end) struct message_move move = {.fd = -1};
        int source = message_folders_fd(folders, folder);

        if (folder != MESSAGES_FAILED && folder != MESSAGES_QUARANTINE)
                return -EINVAL;
        if (source < 0)
                return source;
        int r = message_move_begin(&move, source, -1, name);
        return r != 0 ? r : message_move_remove(&move);
}

int message_folders_quarantine(struct message_folders *folders, enum message_folder from, const char *name)
{
        _cleanup_(message_move_end) struct message_move move = {.fd = -1};
        int source = message_folders_fd(folders, from);
        int target = source < 0 ? source : need_quarantine(folders);
        char other[MESSAGE_NAME_MAX + 8];

        if (from != MESSAGES_CHECKED && from != MESSAGES_FAILED)
                return -EINVAL;
        if (target < 0)
                return target;
        int r = message_move_begin(&move, source, target, name);
        if (r != 0)
                return r;
        move.ignore_lock = true;
        r = message_move_rename(&move, name);
        /* Another of its name lies there: both are kept, or the modem would go on crashing. */
        for (unsigned i = 2; r == MESSAGE_WAITING && i < 10; i++) {
                (void)text_format(other, sizeof(other), "%s.%u", name, i); /* the name's length was checked */
                r = message_move_rename(&move, other);
        }
        return r;
}
