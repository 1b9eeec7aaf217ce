/*
 * How many messages wait, counted as smsd does: files in its folders, without hidden ones and *.LOCK.
 * Bounded, for a gateway whose modem was dead for a weekend may have a hundred thousand of them; then the
 * count is a lower limit.
 */
#include "collect.h"

#include "base/cleanup.h"
#include "base/folder.h"
#include "base/text.h"
#include "core/message_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FILES_MAX 10000

static bool is_message(const struct dirent *entry)
{
        return message_name_is_message(entry->d_name) &&
               (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN);
}

/* *oldest: the smallest time of change seen; NULL: not wanted. Returns the number, -1 when it cannot be read.
 */
static int64_t count_files(const char *path, int64_t *oldest)
{
        _cleanup_closedir_ DIR *folder = path[0] ? opendir(path) : NULL;
        const struct dirent *entry;
        struct stat file;
        int64_t n = 0;

        if (!folder)
                return -1;
        while (n < FILES_MAX && (entry = readdir(folder))) {
                if (!is_message(entry))
                        continue;
                n++;
                if (oldest && fstatat(dirfd(folder), entry->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
                    (*oldest < 0 || file.st_mtime < *oldest))
                        *oldest = file.st_mtime;
        }
        return n;
}

static int64_t count_queue(const struct smsd_conf *conf, const char *key, const char *fallback,
                           int64_t *oldest)
{
        char path[CONFIG_PATH_MAX];

        conf_path(conf, key, fallback, path, sizeof(path));
        return count_files(path, oldest);
}

/* What lies there now; what we may not see is as the controller has counted it. */
static void count_into(const struct smsd_conf *conf, const char *key, const char *fallback, int64_t *oldest,
                       int64_t *n)
{
        int64_t counted = count_queue(conf, key, fallback, oldest);

        if (counted >= 0)
                *n = counted;
}

/* Made by the first message that is put there; only root may look. */
static void count_quarantine(const struct config *config, int64_t *n)
{
        char path[CONFIG_PATH_MAX + 16];
        int64_t counted = text_format(path, sizeof(path), "%s/quarantine", config->state_dir) < 0
                              ? -1
                              : count_files(path, NULL);

        if (counted >= 0)
                *n = counted;
}

void queues_count(const struct config *config, const struct smsd_conf *conf, int64_t now_seconds,
                  struct snapshot *snapshot)
{
        int64_t oldest = -1;

        count_into(conf, "outgoing", "/var/spool/sms/outgoing", &oldest, &snapshot->queues.outgoing);
        count_into(conf, "checked", "/var/spool/sms/checked", &oldest, &snapshot->queues.checked);
        count_into(conf, "failed", "", NULL, &snapshot->queues.failed);
        count_into(conf, "incoming", "/var/spool/sms/incoming", NULL, &snapshot->queues.incoming);
        count_quarantine(config, &snapshot->queues.quarantine);
        if (oldest >= 0)
                snapshot->queues.oldest_s = now_seconds > oldest ? now_seconds - oldest : 0;
}
