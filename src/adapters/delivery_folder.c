/*
 * smswarden-notify's own folder, see adapters/delivery_folder.h. One program writes here, so the careful
 * replacement of base/file is all that order needs; the other only reads, as root, in a folder that is not
 * root's: never through a link, never a fifo, never more than a state can be.
 */
#include "adapters/delivery_folder.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "core/config_value.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER_MODE 0750
#define STATE_MODE  0640
#define PARKED_MODE 0640
#define NAME_SIZE   sizeof(((struct delivery_receiver *)NULL)->name)

static int state_path(const char *folder, const char *name, char target[PATH_MAX])
{
        if (config_name_check(name, NAME_SIZE) < 0)
                return -EINVAL;
        return text_format(target, PATH_MAX, "%s/%s.state", folder, name);
}

int delivery_folder_read(const char *folder, const char *name, struct delivery_receiver *ret_receiver)
{
        struct delivery_receiver receiver;
        char path[PATH_MAX], text[4 * DELIVERY_TEXT_MAX];
        size_t length = 0;
        int r = state_path(folder, name, path);

        if (r == 0)
                r = file_read_into(path, O_NOFOLLOW, text, sizeof(text), &length);
        if (file_is_foreign(r))
                return -EBADMSG;
        if (r == 0)
                r = delivery_decode(text, length, &receiver);
        if (r == 0 && !text_equal(receiver.name, name))
                r = -EBADMSG;
        if (r < 0)
                return r;
        *ret_receiver = receiver;
        return 0;
}

int delivery_folder_write(const char *folder, const struct delivery_receiver *receiver)
{
        char path[PATH_MAX], text[DELIVERY_TEXT_MAX];
        int length = delivery_encode(receiver, text, sizeof(text));

        if (length < 0)
                return length;
        int r = state_path(folder, receiver->name, path);
        return r < 0 ? r : file_replace(path, text, (size_t)length, STATE_MODE);
}

/* --- parked alerts --- */

static int make_folder(const char *path)
{
        return mkdir(path, FOLDER_MODE) < 0 && errno != EEXIST ? -errno : 0;
}

static int make_parked(const char *folder, const char *name, char target[PATH_MAX])
{
        if (config_name_check(name, NAME_SIZE) < 0)
                return -EINVAL;
        int r = text_format(target, PATH_MAX, "%s/parked", folder);
        if (r == 0)
                r = make_folder(target);
        if (r == 0)
                r = text_append(target, PATH_MAX, "/%s", name);
        return r < 0 ? r : make_folder(target);
}

/* SEQUENCE.json: 20 digits, so that they are listed in their order. */
static int is_parked(const struct dirent *entry)
{
        return strspn(entry->d_name, "0123456789") == 20 && text_equal(entry->d_name + 20, ".json");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static void remove_parked(const char *folder, const char *json_name)
{
        char path[PATH_MAX];

        /* One that cannot be removed is tried again with the next. */
        if (text_format(path, sizeof(path), "%s/%s", folder, json_name) == 0)
                (void)file_remove(path);
        if (text_format(path, sizeof(path), "%s/%.20s.reason", folder, json_name) == 0)
                (void)file_remove(path);
}

static int drop_oldest(const char *folder)
{
        struct dirent **entries = NULL;
        int n = scandir(folder, &entries, is_parked, by_name);

        if (n < 0)
                return -errno;
        for (int i = 0; i < n; i++) {
                if (i + DELIVERY_PARKED_MAX <= n)
                        remove_parked(folder, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        return 0;
}

static int put(const char *folder, uint64_t sequence, const char *suffix, const char *text, size_t length)
{
        char path[PATH_MAX];
        int r =
            text_format(path, sizeof(path), "%s/%020llu.%s", folder, (unsigned long long)sequence, suffix);

        return r < 0 ? r : file_replace(path, text, length, PARKED_MODE);
}

int delivery_folder_park(const char *folder, const char *name, uint64_t sequence, const char *json,
                         size_t length, const char *reason)
{
        char parked[PATH_MAX], line[512];
        int r = make_parked(folder, name, parked);

        if (r < 0)
                return r;
        (void)text_clean(line, sizeof(line) - 1, reason);
        (void)text_append(line, sizeof(line), "\n");
        r = drop_oldest(parked);
        /* The reason first: where there is an alert, there is its reason. */
        if (r == 0)
                r = put(parked, sequence, "reason", line, strlen(line));
        return r < 0 ? r : put(parked, sequence, "json", json, length);
}
