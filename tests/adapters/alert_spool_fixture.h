/*
 * What the tests of the spool share: a folder of their own, lives of a spool in it, and what each was
 * answered and found.
 */
#ifndef TESTS_ADAPTERS_ALERT_SPOOL_FIXTURE_H
#define TESTS_ADAPTERS_ALERT_SPOOL_FIXTURE_H

#include "adapters/alert_files.h"
#include "adapters/alert_json.h"
#include "adapters/alert_spool.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "temp_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#define BOOT        "0123456789abcdef0123456789abcdef"
#define ANSWERS_MAX 2048
#define WAIT_SEC    60 /* a busy machine has its time; nothing waits for it otherwise */

struct spool_answer {
        char key[ALERT_KEY_MAX], id[ALERT_ID_MAX];
        unsigned generation;
        int result;
        uint64_t sequence;
};

struct spool_found {
        struct alert alert;
        bool told;
};

struct world {
        char base[64], folder[96];
        unsigned max_files;
        size_t max_bytes;
        const char *group, *boot;
        sd_event *event;
        struct alert_spool *spool;
        unsigned n_answers, n_saved, n_found, n_told, n_written, n_beaten;
        int last_saved;
        struct spool_answer answers[ANSWERS_MAX];
        struct spool_found found[ALERTS_MAX];
        struct alert_book book;
        struct alert_sms found_sms;
};

static inline void world_written(void *userdata, const char *key, unsigned generation, int result,
                                 uint64_t sequence, const char *id)
{
        struct world *world = userdata;

        assert_true(world->n_answers < ANSWERS_MAX);
        struct spool_answer *answer = &world->answers[world->n_answers++];
        /* Who keeps a history is told of each message once, however often it was tried. */
        world->n_written += result == 0;
        assert_int_equal(world->n_told, world->n_written);
        *answer = (struct spool_answer){.generation = generation, .result = result, .sequence = sequence};
        (void)text_copy(answer->key, sizeof(answer->key), key);
        (void)text_copy(answer->id, sizeof(answer->id), id);
}

static inline void world_saved(void *userdata, int result)
{
        struct world *world = userdata;

        world->n_saved++;
        world->last_saved = result;
}

static inline void world_told(void *userdata, const struct alert *alert)
{
        struct world *world = userdata;

        assert_true(alert->key[0] != '\0');
        world->n_told++;
}

/* It can be read by then, whoever is started now. */
static inline void world_beaten(void *userdata)
{
        struct world *world = userdata;
        struct heartbeat heartbeat;

        assert_int_equal(alert_files_heartbeat(world->folder, &heartbeat), 0);
        world->n_beaten++;
}

static inline void world_found(void *userdata, const struct alert *alert, bool told)
{
        struct world *world = userdata;

        assert_true(world->n_found < ALERTS_MAX);
        world->found[world->n_found++] = (struct spool_found){*alert, told};
}

static inline void world_found_sms(void *userdata, const struct alert_sms *sms)
{
        struct world *world = userdata;

        world->found_sms = *sms;
}

static inline int try_to_live(struct world *world)
{
        const struct alert_spool_options options = {.folder = world->folder,
                                                    .group = world->group,
                                                    .boot_id = world->boot,
                                                    .max_files = world->max_files,
                                                    .max_bytes = world->max_bytes};
        const struct alert_spool_callbacks callbacks = {.written = world_written,
                                                        .saved = world_saved,
                                                        .found_sms = world_found_sms,
                                                        .told = world_told,
                                                        .beaten = world_beaten};

        world->n_answers = world->n_saved = world->n_found = world->n_told = world->n_written = 0;
        world->n_beaten = 0;
        memset(&world->found_sms, 0, sizeof(world->found_sms));
        return alert_spool_new(&world->spool, world->event, &options, &callbacks, world, world_found);
}

static inline void live(struct world *world)
{
        assert_int_equal(try_to_live(world), 0);
}

static inline void die(struct world *world)
{
        world->spool = alert_spool_free(world->spool);
}

/* A restart of the controller. */
static inline void live_again(struct world *world)
{
        die(world);
        live(world);
}

static inline int world_setup(void **state)
{
        struct world *world = calloc(1, sizeof(*world));

        assert_non_null(world);
        (void)text_copy(world->base, sizeof(world->base), "/tmp/smswarden-spool.XXXXXX");
        assert_non_null(mkdtemp(world->base));
        (void)text_format(world->folder, sizeof(world->folder), "%s/alerts", world->base);
        world->max_files = 1000;
        world->max_bytes = 1048576;
        world->boot = BOOT;
        assert_true(sd_event_new(&world->event) >= 0);
        *state = world;
        return 0;
}

static inline int world_teardown(void **state)
{
        struct world *world = *state;

        die(world);
        world->event = sd_event_unref(world->event);
        temp_folder_remove(world->base);
        free(world);
        return 0;
}

#define world_test(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

static inline time_t monotonic_seconds(void)
{
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return now.tv_sec;
}

/* Runs the loop until *counter has come to `wanted`. */
static inline void wait_for_count(struct world *world, const unsigned *counter, unsigned wanted)
{
        time_t end = monotonic_seconds() + WAIT_SEC;

        while (*counter < wanted) {
                assert_true(monotonic_seconds() < end);
                assert_true(sd_event_run(world->event, 100000) >= 0);
        }
}

static inline struct alert make_alert(const char *key, enum severity severity)
{
        struct alert alert = {.kind = ALERT_SMSD_DOWN,
                              .state = ALERT_FIRING,
                              .severity = severity,
                              .count = 1,
                              .since = 1000000,
                              .summary = "smsd crashed (exit code 1)"};

        (void)text_copy(alert.key, sizeof(alert.key), key);
        return alert;
}

/* Writes it and waits for the answer, which is returned. */
static inline struct spool_answer *write_alert(struct world *world, const struct alert *alert)
{
        unsigned n = world->n_answers;

        assert_int_equal(alert_spool_write(world->spool, alert, n + 100), 0);
        wait_for_count(world, &world->n_answers, n + 1);
        assert_string_equal(world->answers[n].key, alert->key);
        assert_int_equal(world->answers[n].generation, n + 100);
        return &world->answers[n];
}

static inline uint64_t tell(struct world *world, const char *key, enum severity severity)
{
        struct alert alert = make_alert(key, severity);
        struct spool_answer *answer = write_alert(world, &alert);

        assert_int_equal(answer->result, 0);
        return answer->sequence;
}

static inline uint64_t tell_end(struct world *world, const char *key, enum severity severity)
{
        struct alert alert = make_alert(key, severity);

        alert.state = ALERT_RESOLVED;
        struct spool_answer *answer = write_alert(world, &alert);
        assert_int_equal(answer->result, 0);
        return answer->sequence;
}

/* What is open, for the next save. */
static inline void open_alert(struct world *world, const char *key, bool told)
{
        struct alert_entry *entry = &world->book.entries[world->book.n++];

        *entry =
            (struct alert_entry){.alert = make_alert(key, SEVERITY_CRITICAL), .used = true, .told = told};
}

static inline void close_alerts(struct world *world)
{
        memset(&world->book, 0, sizeof(world->book));
}

static inline void save(struct world *world)
{
        unsigned n = world->n_saved;

        assert_int_equal(alert_spool_save(world->spool, &world->book), 0);
        wait_for_count(world, &world->n_saved, n + 1);
}

static inline const struct spool_found *find_found(const struct world *world, const char *key)
{
        for (unsigned i = 0; i < world->n_found; i++)
                if (text_equal(world->found[i].alert.key, key))
                        return &world->found[i];
        return NULL;
}

/* Messages in the folder, as the notifier sees them; their sequences in `sequences`. */
static inline unsigned read_all(const struct world *world, uint64_t *sequences, unsigned max,
                                struct alert_damage *damage)
{
        struct alert_message message = {0};
        unsigned n = 0;
        int r;

        while ((r = alert_files_next(world->folder, message.sequence, &message, damage)) == 1) {
                assert_true(n < max);
                sequences[n++] = message.sequence;
        }
        assert_int_equal(r, 0);
        return n;
}

static inline unsigned count_messages(const struct world *world)
{
        uint64_t sequences[ANSWERS_MAX];

        return read_all(world, sequences, ANSWERS_MAX, NULL);
}

static inline unsigned count_named(const struct world *world, const char *part)
{
        DIR *folder = opendir(world->folder);
        unsigned n = 0;

        assert_non_null(folder);
        for (const struct dirent *item; (item = readdir(folder));)
                n += strstr(item->d_name, part) != NULL;
        (void)closedir(folder);
        return n;
}

static inline void world_path(const struct world *world, const char *name, char target[256])
{
        (void)text_format(target, 256, "%s/%s", world->folder, name);
}

#endif
