/*
 * What an earlier life left in the spool's folder, see alert_spool_private.h. Names decide; only the messages
 * behind the book are read. Whatever else lies there is left alone: no link is followed, nothing is waited
 * for, and a look ends with the folder's last entry.
 */
#include "alert_spool_private.h"

#include "adapters/alert_files.h"
#include "adapters/alert_json.h"
#include "alert_json_parts.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>

#define FOLDER_MODE   02750
#define ASIDE_MAX     16      /* damaged files that are kept: more tell no more */
#define LOST_BOOK_GAP 1000000 /* messages that were sent and are gone from the folder: surely not more */

/* --- the folder --- */

static int sync_parent(const char *folder)
{
        char parent[PATH_MAX];
        _cleanup_close_ int fd = -1;

        (void)text_format(parent, sizeof(parent), "%s/..", folder); /* shorter than a file's path in it */
        fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int open_folder(const struct spool_disk *disk)
{
        int fd = open(disk->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/*
 * A service may be forbidden to set a setgid bit (RestrictSUIDSGID=, no CAP_FSETID): then the package has
 * made the folder as it must be, and if not, each file is given its group all the same.
 */
static int set_mode(int fd)
{
        struct stat status;

        if (fstat(fd, &status) < 0)
                return -errno;
        if ((status.st_mode & 07777) == FOLDER_MODE || fchmod(fd, FOLDER_MODE) == 0)
                return 0;
        if (errno != EPERM)
                return -errno;
        return fchmod(fd, FOLDER_MODE & 0777) < 0 ? -errno : 0;
}

int spool_disk_prepare(struct spool_disk *disk)
{
        struct stat status;
        int r = 0;

        if (mkdir(disk->folder, FOLDER_MODE & 0777) == 0)
                r = sync_parent(disk->folder);
        else if (errno != EEXIST)
                r = -errno;
        if (r < 0)
                return r;
        _cleanup_close_ int fd = open_folder(disk);
        if (fd < 0 || fstat(fd, &status) < 0)
                return fd < 0 ? fd : -errno;
        if (disk->group != (gid_t)-1 && status.st_gid != disk->group &&
            fchown(fd, (uid_t)-1, disk->group) < 0)
                return -errno;
        return set_mode(fd); /* behind the group: its change may take the setgid bit away */
}

/* --- the files --- */

/* `.NAME.new`, where NAME is a file of ours: its writer was killed. */
static bool is_leftover(const char *name)
{
        char inner[SPOOL_NAME_MAX];
        size_t length = strlen(name);
        uint64_t sequence;
        enum severity severity;

        if (name[0] != '.' || length < 5 || !text_equal(name + length - 4, ".new") ||
            text_copy_n(inner, sizeof(inner), name + 1, length - 5) < 0)
                return false;
        return spool_name_parse(inner, &sequence, &severity) == 0 || text_equal(inner, "book") ||
               text_equal(inner, "heartbeat");
}

/* Out of the way, where a person can look at it; where that cannot be, away. What resists even that stays,
 * and is passed over. */
static void set_aside(struct spool_disk *disk, const char *name)
{
        char path[PATH_MAX], aside[PATH_MAX];

        spool_disk_path(disk, name, path);
        if (text_format(aside, sizeof(aside), "%s.damaged", path) < 0)
                return;
        disk->set_aside++;
        (void)remove(aside); /* an earlier one, which may be of another kind */
        if (rename(path, aside) < 0)
                (void)remove(path);
}

/* The number of a message that an earlier life has set aside, 0 none. */
static uint64_t number_aside(const char *name)
{
        const char *suffix = strstr(name, ".damaged");
        char inner[SPOOL_NAME_MAX];
        uint64_t sequence;
        enum severity severity;

        if (!suffix || text_copy_n(inner, sizeof(inner), name, (size_t)(suffix - name)) < 0 ||
            spool_name_parse(inner, &sequence, &severity) < 0)
                return 0;
        return sequence;
}

/* No message gets a number that a file has had, whatever became of it: somebody may have read it. */
static void keep_number(struct spool_disk *disk, uint64_t sequence)
{
        if (sequence > disk->sequence)
                disk->sequence = sequence;
}

/* The name of what was set aside keeps its number from being given again, until the book does; then more of
 * them than anybody looks at may go. */
static void look_aside(struct spool_disk *disk, const char *name, unsigned *aside)
{
        uint64_t sequence = number_aside(name);
        char path[PATH_MAX];

        keep_number(disk, sequence);
        if (sequence == 0 || sequence > disk->saved || ++*aside <= ASIDE_MAX)
                return;
        if (text_format(path, sizeof(path), "%s/%s", disk->folder, name) == 0)
                (void)remove(path); /* the next life tries again */
}

static int take_file(struct spool_disk *disk, int folder, const char *name, struct spool_entry *entry)
{
        struct stat status;
        int r = spool_index_reserve(&disk->index);

        if (r < 0)
                return r;
        if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        keep_number(disk, entry->sequence); /* whatever it is: somebody may have taken it for a message */
        if (!S_ISREG(status.st_mode) || status.st_size <= 0 || status.st_size > ALERT_JSON_MAX) {
                set_aside(disk, name);
                return 0;
        }
        entry->size = (uint32_t)status.st_size;
        spool_index_add(&disk->index, entry);
        return 0;
}

int spool_disk_look(struct spool_disk *disk)
{
        int fd = open_folder(disk), r = 0;
        DIR *stream = fd < 0 ? NULL : fdopendir(fd);
        unsigned aside = 0;

        if (!stream) {
                r = fd < 0 ? fd : -errno;
                (void)close_fd(fd);
                return r;
        }
        spool_index_done(&disk->index);
        errno = 0;
        for (const struct dirent *item; r == 0 && (item = readdir(stream)); errno = 0) {
                struct spool_entry entry = {0};
                if (is_leftover(item->d_name))
                        (void)unlinkat(dirfd(stream), item->d_name, 0); /* the next write replaces it */
                else if (spool_name_parse(item->d_name, &entry.sequence, &entry.severity) == 0)
                        r = take_file(disk, dirfd(stream), item->d_name, &entry);
                else
                        look_aside(disk, item->d_name, &aside);
        }
        if (r == 0)
                r = -errno; /* of readdir: 0 at the end */
        (void)closedir(stream);
        spool_index_sort(&disk->index);
        return r;
}

/* --- what they say --- */

/* The times of this boot, which the message tells by the wall clock. */
static void restore_times(const struct spool_disk *disk, struct alert_message *message)
{
        char id[ALERT_ID_MAX];

        spool_id_format(id, disk->boot, message->spool, message->sequence);
        if (!text_equal(id, message->id))
                return;
        message->alert.since = spool_boottime(message->alert.since_realtime);
        message->alert.until = spool_boottime(message->alert.until_realtime);
        message->alert.ended = spool_boottime(message->alert.ended_realtime);
}

/* 0: it is taken into account, or was none and is out of the index. */
static int replay_one(struct spool_disk *disk, unsigned at)
{
        const struct spool_entry *entry = &disk->index.items[at];
        char name[SPOOL_NAME_MAX];
        struct alert_message message;
        int r = alert_files_read(disk->folder, entry->sequence, entry->severity, &message);

        if (r == 0) {
                restore_times(disk, &message);
                return spool_book_apply(&disk->book, &message);
        }
        if (r != -EBADMSG && r != -ENOENT)
                return r;
        spool_name_format(name, entry->sequence, entry->severity);
        if (r != -ENOENT)
                set_aside(disk, name);
        spool_index_remove(&disk->index, at);
        return 0;
}

int spool_disk_replay(struct spool_disk *disk)
{
        unsigned at = disk->index.n;
        int r = 0;

        while (at > 0 && disk->index.items[at - 1].sequence > disk->book.sequence)
                at--;
        while (r == 0 && at < disk->index.n) {
                uint64_t sequence = disk->index.items[at].sequence;
                r = replay_one(disk, at);
                if (r == 0)
                        disk->book.sequence = sequence;
                at += at < disk->index.n && disk->index.items[at].sequence == sequence;
        }
        if (r == 0)
                disk->book.sequence = disk->sequence;
        return r;
}

/* --- the book --- */

/* The name that the messages give the spool: of the newest that can be read. */
static int adopt_id(struct spool_disk *disk)
{
        struct alert_message message;

        for (unsigned i = disk->index.n; i > 0; i--) {
                const struct spool_entry *entry = &disk->index.items[i - 1];
                if (alert_files_read(disk->folder, entry->sequence, entry->severity, &message) < 0)
                        continue;
                (void)text_copy(disk->book.id, sizeof(disk->book.id), message.spool); /* of the same size */
                /* Higher ones may have been there, delivered and gone: the receivers must not take what
                 * comes for those. */
                disk->sequence += LOST_BOOK_GAP;
                return 1;
        }
        return 0;
}

static int new_book(struct spool_disk *disk)
{
        sd_id128_t id;
        char text[SD_ID128_STRING_MAX];

        (void)text_copy(disk->book.boot, sizeof(disk->book.boot), disk->boot); /* of the same size */
        if (adopt_id(disk) == 1)
                return 0;
        int r = sd_id128_randomize(&id);
        if (r < 0)
                return r;
        return text_copy(disk->book.id, sizeof(disk->book.id), sd_id128_to_string(id, text));
}

static int read_book(struct spool_disk *disk)
{
        char path[PATH_MAX];
        _cleanup_free_ char *text = NULL;
        size_t length;

        spool_disk_path(disk, "book", path);
        int r = file_read(path, O_NOFOLLOW, SPOOL_BOOK_MAX, &text, &length);
        return r < 0 ? r : spool_book_decode(text, length, &disk->book);
}

int spool_disk_recover(struct spool_disk *disk)
{
        int book = read_book(disk);

        if (book == 0) {
                disk->saved = disk->sequence = disk->book.sequence;
                spool_book_new_boot(&disk->book, disk->boot);
        } else if (alert_json_is_damaged(book)) {
                set_aside(disk, "book");
        } else if (book != -ENOENT) {
                return book;
        }
        int r = spool_disk_look(disk);
        if (r == 0 && book < 0)
                r = new_book(disk);
        return r < 0 ? r : spool_disk_replay(disk);
}
