/*
 * What lies in a folder. smsd and others work in it meanwhile: what vanishes between two looks was not there.
 */
#include "message_folders_private.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static void look_at_lock(int folder, struct message_entry *entry)
{
        char lock[sizeof(entry->name) + 8], text[64];

        entry->locked = message_is_locked(folder, entry->name);
        if (!entry->locked || text_format(lock, sizeof(lock), "%s.LOCK", entry->name) < 0)
                return;
        _cleanup_close_ int fd = openat(folder, lock, OPEN_FLAGS);
        ssize_t n = fd >= 0 ? file_read_full(fd, text, sizeof(text)) : -1;
        if (n > 0)
                message_lock_owner(entry->locked_by, sizeof(entry->locked_by), text, (size_t)n);
}

static void look_at_header(int folder, struct message_entry *entry)
{
        char head[MESSAGE_HEAD_MAX];
        _cleanup_close_ int fd = openat(folder, entry->name, OPEN_FLAGS);
        ssize_t n = fd >= 0 ? file_read_full(fd, head, sizeof(head)) : -1;

        if (n < 0)
                return;
        entry->readable = true;
        message_header_parse(&entry->header, head, (size_t)n);
}

/* False: it is no message, or no longer there. */
static bool look_at(int folder, const char *name, struct message_entry *ret_entry)
{
        struct message_entry entry = {0};
        struct stat st;

        if (!message_name_is_message(name) || text_copy(entry.name, sizeof(entry.name), name) < 0 ||
            fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
            st.st_size < MESSAGE_SIZE_MIN)
                return false;
        entry.changed = st.st_mtime;
        entry.size = st.st_size;
        look_at_lock(folder, &entry);
        look_at_header(folder, &entry);
        *ret_entry = entry;
        return true;
}

static int grow(struct message_list *list, size_t *room)
{
        if (list->n < *room)
                return 0;
        size_t wanted = *room ? 2 * *room : 16;
        struct message_entry *entries = reallocarray(list->entries, wanted, sizeof(*entries));
        if (!entries)
                return -ENOMEM;
        list->entries = entries;
        *room = wanted;
        return 0;
}

static int by_age(const void *a, const void *b)
{
        const struct message_entry *one = a, *other = b;

        if (one->changed != other->changed)
                return one->changed < other->changed ? -1 : 1;
        return strcmp(one->name, other->name);
}

static int fill(DIR *folder, struct message_list *list)
{
        const struct dirent *found;
        size_t room = 0;

        for (errno = 0; (found = readdir(folder)); errno = 0) {
                struct message_entry entry;
                if (!look_at(dirfd(folder), found->d_name, &entry))
                        continue;
                list->more = list->n == MESSAGE_LIST_MAX;
                if (list->more)
                        return 0;
                int r = grow(list, &room);
                if (r < 0)
                        return r;
                list->entries[list->n++] = entry;
        }
        return -errno;
}

int message_folders_list(const struct message_folders *folders, enum message_folder folder,
                         struct message_list *ret_list)
{
        int fd = message_folders_fd(folders, folder);
        _cleanup_closedir_ DIR *stream = fd < 0 ? NULL : folder_stream(fd, ".");
        struct message_list list = {0};

        if (!stream)
                return fd < 0 ? fd : -errno;
        int r = fill(stream, &list);
        if (r < 0) {
                message_list_clear(&list);
                return r;
        }
        if (list.n > 0)
                qsort(list.entries, list.n, sizeof(*list.entries), by_age);
        *ret_list = list;
        return 0;
}

void message_list_clear(struct message_list *list)
{
        free(list->entries);
        *list = (struct message_list){0};
}

bool message_folders_has(const struct message_folders *folders, enum message_folder folder, const char *name)
{
        int fd = message_folders_fd(folders, folder);
        struct stat st;

        return fd >= 0 && message_name_check(name) == 0 && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
               S_ISREG(st.st_mode);
}
