/*
 * The spool's writing side, see alert_spool_private.h: each call returns when its work is on the disk, or
 * with the reason why it is not.
 *
 * Two things hold at any moment, so that a kill or a power cut at any call does no harm:
 * - The spool's name is on the disk before its first message is, and the book before a message that it did
 * not take into account is removed. So what was told once stays told, and no sequence is given twice.
 * - A message that is reported as written is there, whole; one that is reported as failed is not.
 * A full disk is the exception to the first: there a message may have to go before the book can be written.
 * Then at least the name of the newest stays, as an empty file, and with it the count.
 */
#include "alert_spool_private.h"

#include "adapters/alert_files.h"
#include "adapters/alert_json.h"
#include "alert_json_parts.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGE_MODE 0640
#define BOOK_MODE    0600
#define BLOCK        4096 /* what a file takes at least, on the common file systems */

/* --- words and clocks --- */

void spool_disk_path(const struct spool_disk *disk, const char *name, char target[PATH_MAX])
{
        (void)text_format(target, PATH_MAX, "%s/%s", disk->folder, name);
}

/* The boot alone is not enough: containers share it, and a spool that is made anew counts anew. */
void spool_id_format(char target[ALERT_ID_MAX], const char *boot, const char *spool, uint64_t sequence)
{
        (void)text_format(target, ALERT_ID_MAX, "%.32s-%.8s-%" PRIu64, boot, spool,
                          sequence); /* always fits */
}

int64_t spool_realtime(usec_t boottime)
{
        int64_t boot = clock_realtime_offset();

        if (boottime == 0 || boottime > INT64_MAX / 4)
                return 0;
        return boot + (int64_t)boottime > 0 ? boot + (int64_t)boottime : 0;
}

usec_t spool_boottime(int64_t realtime)
{
        int64_t boot = clock_realtime_offset();

        if (realtime <= 0)
                return 0;
        return realtime > boot ? (usec_t)(realtime - boot)
                               : 1; /* before this boot, by a clock that was set */
}

static void read_host(char *target, size_t size)
{
        char name[256] = "";

        if (gethostname(name, sizeof(name) - 1) < 0)
                name[0] = '\0';
        (void)text_escape(target, size, name, strnlen(name, sizeof(name))); /* cut, where it is too long */
}

/* --- room --- */

static bool is_full(int error)
{
        return error == -ENOSPC || error == -EDQUOT;
}

static void message_path(const struct spool_disk *disk, const struct spool_entry *entry,
                         char target[PATH_MAX])
{
        char name[SPOOL_NAME_MAX];

        spool_name_format(name, entry->sequence, entry->severity);
        spool_disk_path(disk, name, target);
}

/* Only this file's name says that its number was given. */
static bool keeps_the_count(const struct spool_disk *disk, unsigned at)
{
        uint64_t sequence = disk->index.items[at].sequence;

        return sequence > disk->saved && sequence > disk->stub.sequence && at + 1 == disk->index.n;
}

static int empty_file(const char *path)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

        return fd < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_message(struct spool_disk *disk, unsigned at)
{
        struct spool_entry entry = disk->index.items[at];
        bool stub = keeps_the_count(disk, at);
        char path[PATH_MAX];

        message_path(disk, &entry, path);
        int r = stub ? empty_file(path) : file_remove(path);
        if (r < 0)
                return r;
        if (stub)
                disk->stub = entry;
        spool_index_remove(&disk->index, at);
        return 0;
}

/* The count is kept by something else again: the book, or a newer file. */
static void remove_stub(struct spool_disk *disk)
{
        char path[PATH_MAX];

        if (disk->stub.sequence == 0)
                return;
        message_path(disk, &disk->stub, path);
        if (file_remove(path) == 0)
                disk->stub = (struct spool_entry){0};
}

/* Lets messages go, of `ceiling` and below, until `needed` bytes are free. True when any went. */
static bool make_room(struct spool_disk *disk, size_t needed, enum severity ceiling)
{
        size_t freed = 0;

        while (freed < needed) {
                int at = spool_policy_victim(disk->index.items, disk->index.n);
                if (at < 0 || disk->index.items[at].severity > ceiling)
                        break;
                size_t size = disk->index.items[at].size;
                if (remove_message(disk, (unsigned)at) < 0)
                        break;
                disk->book.dropped++;
                freed += (size + BLOCK - 1) / BLOCK * BLOCK;
        }
        return freed > 0;
}

/* Replaces the file; what is of no more than `ceiling` makes room for it. */
static int put_file(struct spool_disk *disk, const char *name, const char *text, size_t length, mode_t mode,
                    enum severity ceiling)
{
        char path[PATH_MAX];

        spool_disk_path(disk, name, path);
        int r = file_replace_for(path, text, length, mode, disk->group);
        if (is_full(r) && make_room(disk, length, ceiling))
                r = file_replace_for(path, text, length, mode, disk->group);
        if (r == 0)
                remove_stub(disk);
        return r;
}

/* --- the book --- */

static int write_book(struct spool_disk *disk)
{
        _cleanup_free_ char *text = NULL;
        size_t length;
        int r = spool_disk_replay(disk);

        if (r == 0)
                r = spool_book_encode(&disk->book, &text, &length);
        if (r == 0)
                r = put_file(disk, "book", text, length, BOOK_MODE, SEVERITY_WARNING);
        if (r == 0)
                disk->saved = disk->book.sequence;
        return r;
}

void spool_save_done(struct spool_save *save)
{
        free(save->open);
        free(save->sms);
        *save = (struct spool_save){0};
}

int spool_disk_save(struct spool_disk *disk, struct spool_save *save)
{
        free(disk->book.open);
        disk->book.open = save->open;
        disk->book.n = save->n;
        if (save->sms)
                disk->book.sms = *save->sms;
        else if (!alert_sms_is_empty(&disk->book.sms))
                memset(&disk->book.sms, 0, sizeof(disk->book.sms));
        disk->book.sequence = save->sequence;
        save->open = NULL;
        spool_save_done(save);
        return write_book(disk);
}

/* There are a folder and a book with the spool's name: at the first message, or when somebody removed them.
 */
static int ensure_book(struct spool_disk *disk)
{
        char path[PATH_MAX];
        struct stat status;

        spool_disk_path(disk, "book", path);
        if (lstat(path, &status) == 0 && S_ISREG(status.st_mode))
                return 0;
        disk->saved = 0;
        int r = spool_disk_prepare(disk);
        if (r == 0)
                r = spool_disk_look(disk);
        return r < 0 ? r : write_book(disk);
}

/* --- messages --- */

/* Down to the bounds. The new message may be the one that must go. */
static void trim(struct spool_disk *disk)
{
        while (spool_policy_is_over(&disk->limits, disk->index.n, disk->index.bytes)) {
                int at = spool_policy_victim(disk->index.items, disk->index.n);
                if (at >= 0 && disk->index.items[at].sequence > disk->saved)
                        (void)write_book(disk); /* where that fails, the bound counts more than the book */
                at = spool_policy_victim(disk->index.items, disk->index.n); /* a full disk took some */
                if (at < 0 || remove_message(disk, (unsigned)at) < 0)
                        break;
                disk->book.dropped++;
        }
}

static int encode(const struct spool_disk *disk, const struct alert *alert, int64_t at, uint64_t sequence,
                  char **ret_text, size_t *ret_length)
{
        struct alert_message message = {.alert = *alert, .sequence = sequence, .at = at};

        spool_id_format(message.id, disk->boot, disk->book.id, sequence);
        (void)text_copy(message.spool, sizeof(message.spool), disk->book.id); /* of the same size */
        read_host(message.host, sizeof(message.host));
        return alert_json_encode(&message, ret_text, ret_length);
}

/*
 * file_replace_for() may fail behind the rename, when the folder cannot be synced: then the message must not
 * stay, for the caller will write it again. Its sequence is used up: somebody may have seen it.
 */
static void take_back(struct spool_disk *disk, const char *name, uint64_t sequence)
{
        char path[PATH_MAX];

        spool_disk_path(disk, name, path);
        if (unlink(path) == 0)
                disk->sequence = sequence;
}

int spool_disk_write(struct spool_disk *disk, const struct alert *alert, int64_t at, uint64_t *ret_sequence)
{
        _cleanup_free_ char *text = NULL;
        char name[SPOOL_NAME_MAX];
        size_t length;
        int r = ensure_book(disk);

        if (r == 0)
                r = spool_index_reserve(&disk->index);
        if (r < 0)
                return r;
        uint64_t sequence = disk->sequence + 1;
        if (sequence > SPOOL_SEQUENCE_MAX)
                return -EOVERFLOW;
        r = encode(disk, alert, at, sequence, &text, &length);
        if (r < 0)
                return r;
        spool_name_format(name, sequence, alert->severity);
        r = put_file(disk, name, text, length, MESSAGE_MODE, alert->severity);
        if (r < 0) {
                take_back(disk, name, sequence);
                return r;
        }
        disk->sequence = sequence;
        (void)text_copy(disk->book.last_keys[alert->kind], ALERT_KEY_MAX, alert->key); /* of the same size */
        spool_index_add(&disk->index, &(struct spool_entry){.sequence = sequence,
                                                            .size = (uint32_t)length,
                                                            .severity = alert->severity});
        trim(disk);
        *ret_sequence = sequence;
        return 0;
}

static int remove_up_to(struct spool_disk *disk, uint64_t position)
{
        int r = 0;

        while (r == 0 && disk->index.n > 0 && disk->index.items[0].sequence <= position)
                r = remove_message(disk, 0);
        return r;
}

int spool_disk_forget(struct spool_disk *disk, uint64_t position)
{
        uint64_t last = 0;
        int saved = 0;

        for (unsigned i = 0; i < disk->index.n && disk->index.items[i].sequence <= position; i++)
                last = disk->index.items[i].sequence;
        if (last > disk->saved)
                saved = write_book(disk);
        /* On a full disk, they make the room for the book. */
        if (saved < 0 && !is_full(saved))
                return saved;
        int r = remove_up_to(disk, position);
        return r == 0 && saved < 0 ? write_book(disk) : r;
}

/* --- the heartbeat --- */

static int encode_heartbeat(const struct heartbeat *heartbeat, char **ret_text, size_t *ret_length)
{
        _cleanup_json_ json_t *object = json_object();
        int r = alert_json_set(object, "schema", json_integer(1));

        if (r == 0)
                r = alert_json_set(object, "number", alert_json_number(heartbeat->number));
        if (r == 0)
                r = alert_json_set(object, "verdict",
                                   alert_json_text(heartbeat->verdict, sizeof(heartbeat->verdict)));
        if (r == 0)
                r = alert_json_set(object, "reason",
                                   alert_json_text(heartbeat->reason, sizeof(heartbeat->reason)));
        if (r == 0)
                r = alert_json_set(object, "at", alert_json_time(heartbeat->at));
        if (r == 0)
                r = alert_json_set(object, "host", alert_json_text(heartbeat->host, sizeof(heartbeat->host)));
        return r < 0 ? r : alert_json_dump(object, ret_text, ret_length);
}

static int write_heartbeat(const struct spool_disk *disk, const struct heartbeat *heartbeat)
{
        _cleanup_free_ char *text = NULL;
        char path[PATH_MAX];
        size_t length;
        int r = encode_heartbeat(heartbeat, &text, &length);

        spool_disk_path(disk, "heartbeat", path);
        return r < 0 ? r
                     : file_replace_for(path, text, length, MESSAGE_MODE,
                                        disk->group); /* no alert goes for its sake */
}

int spool_disk_heartbeat(struct spool_disk *disk, const char *verdict, const char *reason, int64_t at)
{
        struct heartbeat heartbeat = {.at = at}, last;
        int r = ensure_book(disk);

        if (r < 0)
                return r;
        if (disk->heartbeat == 0 && alert_files_heartbeat(disk->folder, &last) == 0)
                disk->heartbeat = last.number;
        heartbeat.number = disk->heartbeat + 1;
        (void)text_copy(heartbeat.verdict, sizeof(heartbeat.verdict), verdict);
        (void)text_copy(heartbeat.reason, sizeof(heartbeat.reason), reason);
        read_host(heartbeat.host, sizeof(heartbeat.host));
        r = write_heartbeat(disk, &heartbeat);
        if (r == 0)
                disk->heartbeat = heartbeat.number;
        return r;
}
