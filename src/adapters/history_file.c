/*
 * The history, see adapters/history_file.h. Owns no descriptor: records are rare, and a file that is opened
 * for each line is found again whatever was done to it (removed, rotated, its disk full or mounted anew).
 *
 * Not synced. A line of history is worth less than the milliseconds that a sync takes away from the event
 * loop, on an SD card with a full cache even seconds; what must survive a power cut is in the alert spool,
 * which has a thread for that. A cut may therefore leave a torn line: the next line begins with a line end
 * then, and readers pass over what is no entry.
 */
#include "adapters/history_file.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define OLD_NAME HISTORY_FILE_NAME ".1"
#define READERS  "adm" /* as for Debian's logs */
#define MODE     0640
#define TIME_MAX 40

struct history_file {
        char path[PATH_MAX];
        char old[PATH_MAX];
        gid_t group; /* (gid_t)-1: there is none */
};

static int make_paths(const char *state_dir, char path[PATH_MAX], char old[PATH_MAX])
{
        int r = text_format(path, PATH_MAX, "%s/" HISTORY_FILE_NAME, state_dir);

        return r < 0 ? r : text_format(old, PATH_MAX, "%s/" OLD_NAME, state_dir);
}

int history_file_new(struct history_file **ret, const char *state_dir)
{
        const struct group *group = getgrnam(READERS);
        _cleanup_free_ struct history_file *history = calloc(1, sizeof(*history));

        if (!history)
                return -ENOMEM;
        history->group = group ? group->gr_gid : (gid_t)-1;
        int r = make_paths(state_dir, history->path, history->old);
        if (r < 0)
                return r;
        *ret = history;
        history = NULL;
        return 0;
}

struct history_file *history_file_free(struct history_file *history)
{
        free(history);
        return NULL;
}

/* --- an entry as a line --- */

static void json_cleanup(json_t **object)
{
        json_decref(*object);
}

static int format_time(int64_t at, char target[TIME_MAX])
{
        time_t seconds = (time_t)(at / (int64_t)USEC_PER_SEC);
        struct tm utc;
        char text[24];

        if (at <= 0 || !gmtime_r(&seconds, &utc) ||
            strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
                return -EINVAL;
        return text_format(target, TIME_MAX, "%s.%06dZ", text, (int)(at % (int64_t)USEC_PER_SEC));
}

/* Exactly as format_time writes it. */
static int parse_time(const char *text, int64_t *ret_at)
{
        struct tm utc = {0};
        const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
        int64_t micros = 0;

        if (!rest || rest[0] != '.' || strspn(rest + 1, "0123456789") != 6 || !text_equal(rest + 7, "Z"))
                return -EBADMSG;
        for (unsigned i = 1; i <= 6; i++)
                micros = micros * 10 + (rest[i] - '0');
        time_t seconds = timegm(&utc);
        if (seconds < 0 || utc.tm_year >= 9999 - 1900)
                return -EBADMSG;
        *ret_at = (int64_t)seconds * (int64_t)USEC_PER_SEC + micros;
        return *ret_at > 0 ? 0 : -EBADMSG;
}

/* What is empty is left out. Nothing here can fail but for want of memory, which the last look finds. */
static void add_text(json_t *object, const char *key, const char *value)
{
        char clean[ACTION_MESSAGE_MAX];

        (void)text_clean(clean, sizeof(clean), value);
        if (clean[0])
                (void)json_object_set_new(object, key, json_string(clean));
}

static void add_number(json_t *object, const char *key, uint64_t value)
{
        if (value > 0 && value <= INT64_MAX)
                (void)json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *to_json(const struct history_entry *entry, const char *at, const char *message)
{
        json_t *object = json_object();

        if (!object)
                return NULL;
        add_text(object, "at", at);
        add_text(object, "boot", entry->boot);
        add_text(object, "event", entry->event);
        add_text(object, "severity", severity_to_string(entry->severity));
        add_text(object, "modem", entry->modem);
        add_text(object, "cause", entry->cause);
        add_number(object, "incident", entry->incident);
        add_number(object, "duration", entry->duration);
        add_text(object, "message", message);
        return object;
}

/* Writes the line without its end. Returns the length, which may be more than there is room for. */
static size_t dump(const struct history_entry *entry, const char *at, const char *message, char *line,
                   size_t size)
{
        _cleanup_(json_cleanup) json_t *object = to_json(entry, at, message);

        return object ? json_dumpb(object, line, size, JSON_COMPACT) : 0;
}

/* Each byte of the message takes at least one of the line: cutting the excess off it is enough. */
static int make_line(const struct history_entry *entry, char line[HISTORY_LINE_MAX])
{
        char at[TIME_MAX], message[ACTION_MESSAGE_MAX];
        int r = entry->event[0] && entry->boot[0] ? format_time(entry->at, at) : -EINVAL;

        if (r < 0)
                return r;
        (void)text_clean(message, sizeof(message), entry->message);
        size_t length = dump(entry, at, message, line, HISTORY_LINE_MAX), has = strlen(message);
        if (length >= HISTORY_LINE_MAX) {
                size_t excess = length - HISTORY_LINE_MAX + 1;
                (void)text_clean(message, has > excess ? has - excess + 1 : 1, entry->message);
                length = dump(entry, at, message, line, HISTORY_LINE_MAX);
        }
        if (length == 0)
                return -ENOMEM;
        if (length >= HISTORY_LINE_MAX)
                return -EINVAL;
        line[length] = '\n';
        return (int)length + 1;
}

/* --- a line as an entry --- */

/* A text that is missing is empty. */
static int take_text(const json_t *object, const char *key, char *target, size_t size)
{
        const json_t *value = json_object_get(object, key);

        target[0] = '\0';
        if (!value)
                return 0;
        return json_is_string(value) && text_clean(target, size, json_string_value(value)) == 0 ? 0
                                                                                                : -EBADMSG;
}

static int take_number(const json_t *object, const char *key, uint64_t *ret_value)
{
        const json_t *value = json_object_get(object, key);

        if (!value)
                return 0;
        if (!json_is_integer(value) || json_integer_value(value) < 0)
                return -EBADMSG;
        *ret_value = (uint64_t)json_integer_value(value);
        return 0;
}

static int take_severity(const json_t *object, enum severity *ret_severity)
{
        const char *word = json_string_value(json_object_get(object, "severity"));

        return word && severity_from_string(word, strlen(word), ret_severity) == 0 ? 0 : -EBADMSG;
}

static int from_json(const json_t *object, struct history_entry *entry)
{
        int r = parse_time(json_string_value(json_object_get(object, "at")), &entry->at);

        if (r >= 0)
                r = take_text(object, "boot", entry->boot, sizeof(entry->boot));
        if (r >= 0)
                r = take_text(object, "event", entry->event, sizeof(entry->event));
        if (r >= 0)
                r = take_severity(object, &entry->severity);
        if (r >= 0)
                r = take_text(object, "modem", entry->modem, sizeof(entry->modem));
        if (r >= 0)
                r = take_text(object, "cause", entry->cause, sizeof(entry->cause));
        if (r >= 0)
                r = take_number(object, "incident", &entry->incident);
        if (r >= 0)
                r = take_number(object, "duration", &entry->duration);
        if (r >= 0)
                r = take_text(object, "message", entry->message, sizeof(entry->message));
        return r < 0 ? r : entry->event[0] && entry->boot[0] ? 0 : -EBADMSG;
}

int history_file_parse(const char *line, size_t length, struct history_entry *ret_entry)
{
        struct history_entry entry = {0};

        if (length > HISTORY_LINE_MAX)
                return -EBADMSG;
        _cleanup_(json_cleanup) json_t *object = json_loadb(line, length, 0, NULL);
        if (!json_is_object(object) || from_json(object, &entry) < 0)
                return -EBADMSG;
        *ret_entry = entry;
        return 0;
}

/* --- writing --- */

/* Made with no rights for others, then opened to its readers: never more than that, whatever the umask. A
 * file that was only just made when we died is empty too. */
static int open_current(const struct history_file *history, struct stat *ret_stat)
{
        _cleanup_close_ int fd =
            open(history->path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                 0600);

        if (fd < 0 || fstat(fd, ret_stat) < 0)
                return -errno;
        if (!S_ISREG(ret_stat->st_mode))
                return -EINVAL;
        if (ret_stat->st_size == 0) {
                if (history->group != (gid_t)-1 && fchown(fd, (uid_t)-1, history->group) < 0 &&
                    errno != EPERM)
                        return -errno; /* EPERM: not root, then it stays with our own group */
                if (fchmod(fd, MODE) < 0)
                        return -errno;
        }
        int ret = fd;
        fd = -1;
        return ret;
}

/* The file to append to, the full one out of the way. */
static int open_with_room(const struct history_file *history, size_t wanted, struct stat *ret_stat)
{
        _cleanup_close_ int fd = open_current(history, ret_stat);

        if (fd >= 0 && ret_stat->st_size > 0 && ret_stat->st_size + (off_t)wanted > HISTORY_FILE_MAX) {
                if (rename(history->path, history->old) < 0)
                        return -errno;
                int old = fd;
                fd = open_current(history, ret_stat);
                /* Whoever follows it and may not look into the folder learns so that there is a new one. */
                (void)futimens(old, NULL); /* at worst he learns it later */
                (void)close_fd(old);
        }
        int ret = fd;
        fd = -1;
        return ret;
}

/* A line of which only a piece fitted on the disk is taken back. */
static int write_line(int fd, off_t size, const char *line, size_t length)
{
        ssize_t written;

        do
                written = write(fd, line, length);
        while (written < 0 && errno == EINTR);
        if (written == (ssize_t)length)
                return 0;
        int error = written < 0 ? -errno : -ENOSPC;
        if (written > 0 && ftruncate(fd, size) < 0)
                return -errno;
        return error;
}

int history_file_append(struct history_file *history, const struct history_entry *entry)
{
        char text[1 + HISTORY_LINE_MAX] = "\n", last = '\n';
        struct stat file = {0};
        int length = make_line(entry, text + 1);

        if (length < 0)
                return length;
        _cleanup_close_ int fd = open_with_room(history, (size_t)length + 1, &file);
        if (fd < 0)
                return fd;
        if (file.st_size > 0 && pread(fd, &last, 1, file.st_size - 1) < 0)
                return -errno;
        bool torn = last != '\n';
        return write_line(fd, file.st_size, torn ? text : text + 1, (size_t)length + torn);
}

/* --- reading --- */

struct reader {
        int (*each)(void *userdata, const struct history_entry *entry);
        void *userdata;
        size_t length;
        bool skipping; /* up to the next line end: the line is too long */
        char line[HISTORY_LINE_MAX];
};

/* -ENOENT as -1 without an error: a missing file is an empty one. */
static int open_to_read(const char *path, int *ret_fd, struct stat *ret_stat)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        if (fd < 0 && errno == ENOENT) {
                *ret_fd = -1;
                return 0;
        }
        if (fd < 0 || fstat(fd, ret_stat) < 0)
                return -errno;
        if (!S_ISREG(ret_stat->st_mode))
                return -EINVAL;
        *ret_fd = fd;
        fd = -1;
        return 0;
}

static int take_byte(struct reader *reader, char byte)
{
        struct history_entry entry;
        int r = 0;

        if (byte != '\n') {
                reader->skipping = reader->skipping || reader->length == sizeof(reader->line);
                if (!reader->skipping)
                        reader->line[reader->length++] = byte;
                return 0;
        }
        if (!reader->skipping && history_file_parse(reader->line, reader->length, &entry) == 0)
                r = reader->each(reader->userdata, &entry);
        reader->length = 0;
        reader->skipping = false;
        return r;
}

/* What stands behind the last line end is torn, or being written. */
static int read_file(struct reader *reader, int fd)
{
        char buffer[16384];
        ssize_t n = 0;

        reader->length = 0;
        reader->skipping = false;
        while (fd >= 0 && (n = read(fd, buffer, sizeof(buffer))) > 0)
                for (ssize_t i = 0; i < n; i++) {
                        int r = take_byte(reader, buffer[i]);
                        if (r != 0)
                                return r;
                }
        return n < 0 ? -errno : 0;
}

/* The current one first: when both turn out to be one file, it was rotated between the two looks. */
static int open_both(const char *path, const char *old, int *ret_current, int *ret_old)
{
        struct stat a = {0}, b = {0};

        for (unsigned attempt = 0;; attempt++) {
                _cleanup_close_ int current = -1, before = -1;
                int r = open_to_read(path, &current, &a);
                if (r >= 0)
                        r = open_to_read(old, &before, &b);
                if (r < 0)
                        return r;
                if (current >= 0 && before >= 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev &&
                    attempt < 3)
                        continue;
                *ret_current = current;
                *ret_old = before;
                current = before = -1;
                return 0;
        }
}

int history_file_read(const char *state_dir, int (*each)(void *userdata, const struct history_entry *entry),
                      void *userdata)
{
        struct reader reader = {.each = each, .userdata = userdata};
        _cleanup_close_ int current = -1, old = -1;
        char path[PATH_MAX], old_path[PATH_MAX];
        int r = make_paths(state_dir, path, old_path);

        if (r >= 0)
                r = open_both(path, old_path, &current, &old);
        if (r == 0)
                r = read_file(&reader, old);
        return r != 0 ? r : read_file(&reader, current);
}
