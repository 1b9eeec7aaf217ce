/*
 * smsd.conf as text with a version for each edit, its copies, the hold and the old scripts' flag.
 */
#include "world.h"

#include "base/text.h"
#include "core/smsd_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *duplicate(const char *text)
{
        char *copy = strdup(text);

        if (!copy)
                abort();
        return copy;
}

static void replace(char **target, char *text)
{
        free(*target);
        *target = text;
}

/* --- what smsd makes of it */

void conf_value(const struct world *world, unsigned slot, const char *key, char *value, size_t size)
{
        char name[SMSD_MODEM_NAME_MAX];
        struct smsd_conf conf = {world->files.conf, world->files.conf ? strlen(world->files.conf) : 0};

        (void)text_format(name, sizeof(name), "GSM%u", slot + 1);
        if (!world->files.conf || smsd_conf_get(&conf, name, key, value, size) < 0)
                value[0] = '\0';
}

static bool is_valid(const struct world *world)
{
        char devices[WORLD_SLOTS][DEVICE_NODE_MAX];

        if (!world->files.conf || strstr(world->files.conf, "bogus_key"))
                return false;
        for (unsigned i = 0; i < world->n_slots; i++) {
                conf_value(world, i, "device", devices[i], sizeof(devices[i]));
                for (unsigned k = 0; k < i; k++)
                        if (text_equal(devices[i], devices[k]))
                                return false;
        }
        return true;
}

/* The promises ask after nearly each step, and it changes a few times a day. */
static void conf_changed(struct world *world)
{
        world->files.conf_version++;
        world->files.conf_valid = is_valid(world);
}

bool conf_is_valid(const struct world *world)
{
        return world->files.conf_valid;
}

/* --- its text */

static void take_conf(struct world *world, char *text)
{
        replace(&world->files.conf, text);
        conf_changed(world);
}

void files_init(struct world *world)
{
        char text[1024] = "# smsd.conf of a simulated box\ndevices = GSM1";

        for (unsigned i = 1; i < world->n_slots; i++)
                (void)text_append(text, sizeof(text), ", GSM%u", i + 1);
        (void)text_append(text, sizeof(text), "\noutgoing = /var/spool/sms/outgoing\nloglevel = %u\n",
                          world->loglevel);
        for (unsigned i = 0; i < world->n_slots; i++)
                (void)text_append(text, sizeof(text),
                                  "\n[GSM%u]\n# the modem in room %u\n  device = /dev/ttyUSB%u\nincoming = "
                                  "yes\npin = 1111\n",
                                  i + 1, i + 1, 2 + 4 * i);
        take_conf(world, duplicate(text));
        world->files.good = duplicate(text);
}

void files_free(struct world *world)
{
        free(world->files.conf);
        free(world->files.conf_saved);
        free(world->files.good);
        free(world->files.refused);
}

/* --- what a person does to smsd.conf */

static void append(struct world *world, const char *line)
{
        size_t length = world->files.conf ? strlen(world->files.conf) : 0, more = strlen(line);
        char *text;

        if (!world->files.conf || length > 100000)
                return;
        text = malloc(length + more + 1);
        if (!text)
                abort();
        memcpy(text, world->files.conf, length);
        memcpy(text + length, line, more + 1);
        take_conf(world, text);
}

void conf_comment(struct world *world)
{
        char line[32];

        /* The file does not grow for ever: after a while the comments are tidied up. */
        if (world->files.conf && strlen(world->files.conf) > 2000) {
                char *first = strstr(world->files.conf, "# note ");
                if (first) {
                        *first = '\0';
                        conf_changed(world);
                }
        }
        (void)text_format(line, sizeof(line), "# note %u\n", ++world->files.comments);
        append(world, line);
}

void conf_set(struct world *world, unsigned slot, const char *key, const char *value)
{
        char name[SMSD_MODEM_NAME_MAX], *text = NULL;
        size_t length = 0;
        struct smsd_conf_error error;

        if (!world->files.conf)
                return;
        (void)text_format(name, sizeof(name), "GSM%u", slot + 1);
        struct smsd_conf conf = {world->files.conf, strlen(world->files.conf)};
        struct smsd_conf_change change = {name, key, value};
        if (smsd_conf_edit(&conf, &change, 1, &text, &length, &error) > 0) {
                char *copy = malloc(length + 1);
                if (!copy)
                        abort();
                memcpy(copy, text, length);
                copy[length] = '\0';
                free(text);
                take_conf(world, copy);
        }
}

void conf_break(struct world *world, bool broken)
{
        static const char line[] = "bogus_key = yes\n";

        if (!world->files.conf)
                return;
        char *found = strstr(world->files.conf, line);
        if (broken && !found)
                append(world, line);
        else if (!broken && found) {
                memmove(found, found + strlen(line), strlen(found + strlen(line)) + 1);
                conf_changed(world);
        }
}

void conf_gone(struct world *world, usec_t duration)
{
        if (!world->files.conf)
                return;
        replace(&world->files.conf_saved, world->files.conf);
        world->files.conf = NULL;
        conf_changed(world);
        world_plan(world, duration, HAPPENS_CONF_BACK, 0, 0);
}

void conf_back(struct world *world)
{
        if (world->files.conf || !world->files.conf_saved)
                return;
        world->files.conf = world->files.conf_saved;
        world->files.conf_saved = NULL;
        conf_changed(world);
}

/* --- what the controller does to it */

int conf_write(struct world *world, const char *text, size_t length)
{
        struct world_files *files = &world->files;

        if (world->now < files->disk_full_until)
                return -files->disk_error;
        if (world->now < files->conf_busy_until)
                return -EBUSY;
        if (!files->conf || files->conf_version != files->conf_read_version)
                return -ESTALE;
        char *copy = strndup(text, length);
        if (!copy)
                abort();
        promises_conf_written(world, files->conf, copy);
        take_conf(world, copy);
        files->conf_read_version = files->conf_version;
        return 0;
}

void conf_set_aside(struct world *world)
{
        if (world->files.conf)
                replace(&world->files.refused, duplicate(world->files.conf));
}

void conf_keep(struct world *world, const char *text, size_t length)
{
        char *copy = strndup(text, length);

        if (!copy)
                abort();
        if (!world->files.conf || !text_equal(copy, world->files.conf)) {
                free(copy);
                return;
        }
        if (strstr(copy, "bogus_key"))
                promise_broken(world, 4, "a smsd.conf that smsd refuses is kept as the last good one");
        replace(&world->files.good, copy);
}

/* --- hold and flag */

void files_hold_write(struct world *world, const struct hold_record *record, int *ret_result)
{
        *ret_result = world->now < world->files.disk_full_until ? -world->files.disk_error : 0;
        if (*ret_result < 0)
                return;
        world->files.hold = true;
        world->files.hold_record = *record;
}

int files_hold_clear(struct world *world)
{
        if (world->now < world->files.disk_full_until && world->files.disk_error == EROFS)
                return world->files.hold || world->files.flag == FLAG_PRESENT ? -EROFS : 0;
        world->files.hold = false;
        if (world->files.flag == FLAG_PRESENT)
                world->files.flag = FLAG_ABSENT;
        return 0;
}

void files_flag(struct world *world, struct flag_event *ret_flag)
{
        *ret_flag = (struct flag_event){.state = world->files.flag};
        ret_flag->realtime = ((int64_t)world->now + world->clock) / 1000000;
        if (world->files.flag == FLAG_ABSENT)
                return;
        (void)text_copy(ret_flag->owner, sizeof(ret_flag->owner), "root");
        if (world->files.flag == FLAG_REFUSED)
                (void)text_copy(ret_flag->refusal, sizeof(ret_flag->refusal), "a symbolic link");
        ret_flag->age_plausible = world->files.flag_since >= world->boot;
        ret_flag->age = world->now - world->files.flag_since;
}

void files_save_modem(struct world *world, const struct modem_record *record)
{
        struct world_files *files = &world->files;

        if (world->now < files->disk_full_until)
                return;
        for (unsigned i = 0; i < files->n_records; i++)
                if (text_equal(files->records[i].name, record->name)) {
                        files->records[i] = *record;
                        return;
                }
        if (files->n_records < WORLD_SLOTS)
                files->records[files->n_records++] = *record;
}
