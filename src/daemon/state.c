/*
 * What the controller remembers over its own restarts: the hold (RUNTIME_DIR), the slots' modems, the last
 * good smsd.conf (STATE_DIR). What is read back is checked; what is damaged is said and left out.
 */
#include "daemon.h"

#include "adapters/hold_store.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_SIZE_MAX 2048
#define SLOT_FILE_MAX   4096 /* of any of them */

/* Letters, digits, '-' and '_' stay, everything else is written as %XX. */
static void slot_file(const char *name, char *target, size_t size)
{
        target[0] = '\0';
        for (; *name; name++) {
                bool plain = (*name >= '0' && *name <= '9') || (*name >= 'A' && *name <= 'Z') ||
                             (*name >= 'a' && *name <= 'z') || *name == '-' || *name == '_';
                (void)text_append(target, size, plain ? "%c" : "%%%02X", (unsigned char)*name);
        }
}

int daemon_slot_path(const struct daemon *daemon, const char *folder, const char *name, char *target,
                     size_t size)
{
        char file[4 * SMSD_MODEM_NAME_MAX];

        slot_file(name, file, sizeof(file));
        return text_format(target, size, "%s/%s/%s", daemon->config.state_dir, folder, file);
}

int daemon_save_modem(const struct daemon *daemon, const struct modem_record *record)
{
        char path[CONFIG_PATH_MAX + 128], text[RECORD_SIZE_MAX];
        int r = daemon_slot_path(daemon, "modems", record->name, path, sizeof(path));

        if (r < 0)
                return r;
        int length = modem_record_encode(record, text, sizeof(text));
        return length < 0 ? length : file_replace(path, text, (size_t)length, 0600);
}

static void take_slot_file(struct daemon *daemon, const char *folder, const char *name, size_t max,
                           slot_file_fn *take)
{
        char path[CONFIG_PATH_MAX + 300], text[SLOT_FILE_MAX];
        size_t length = 0;

        if (text_format(path, sizeof(path), "%s/%s", folder, name) < 0)
                return;
        int r = file_read_into(path, O_NOFOLLOW, text, max < sizeof(text) ? max + 1 : sizeof(text), &length);
        if (r >= 0)
                r = take(daemon, text, length);
        if (r < 0)
                log_warning("%s is damaged (%s) and is not used", path, strerror(-r));
}

void daemon_each_slot_file(struct daemon *daemon, const char *folder, size_t max, slot_file_fn *take)
{
        char path[CONFIG_PATH_MAX + 16];
        unsigned n = 0;

        (void)text_format(path, sizeof(path), "%s/%s", daemon->config.state_dir, folder);
        _cleanup_closedir_ DIR *stream = opendir(path);
        if (!stream)
                return; /* the first start */
        for (struct dirent *entry = readdir(stream); entry && n < SMSD_MODEMS_MAX; entry = readdir(stream)) {
                if (entry->d_name[0] == '.')
                        continue;
                take_slot_file(daemon, path, entry->d_name, max, take);
                n++;
        }
}

static int restore_modem(struct daemon *daemon, const char *text, size_t length)
{
        struct modem_record record;
        int r = modem_record_decode(text, length, &record);

        if (r >= 0)
                daemon_enqueue(daemon, EVENT_MODEM_RECORD)->record = record;
        return r;
}

static void restore_hold(struct daemon *daemon)
{
        struct hold_record record;
        int r = hold_store_read(daemon->config.runtime_dir, &record);

        if (r == 0) {
                daemon_enqueue(daemon, EVENT_HOLD_FOUND)->hold = record;
                daemon_time_hold(daemon, &record);
        }
        if (r == -ENOENT || r == 0)
                return;
        if (r > 0)
                log_notice("the hold in %s is of another boot: removed", daemon->config.runtime_dir);
        else
                log_warning("the hold in %s cannot be used (%s): removed", daemon->config.runtime_dir,
                            strerror(-r));
        r = hold_store_remove(daemon->config.runtime_dir);
        if (r < 0)
                log_error("the hold in %s cannot be removed: %s", daemon->config.runtime_dir, strerror(-r));
}

void daemon_restore(struct daemon *daemon)
{
        daemon_each_slot_file(daemon, "modems", RECORD_SIZE_MAX, restore_modem);
        daemon_restore_recovery(daemon);
        restore_hold(daemon);
}

int daemon_keep_conf(const struct daemon *daemon, const char *name, const char *text, size_t length)
{
        char path[CONFIG_PATH_MAX + 32];
        int r = text_format(path, sizeof(path), "%s/%s", daemon->config.state_dir, name);

        if (r < 0 || !text)
                return r;
        return file_keep(path, text, length, 0600); /* smsd.conf may hold a PIN */
}
