/*
 * smswarden-notify's folder: states come back as they were written, whatever lies there is only looked at
 * with care, parked alerts are bounded, and the controller hears of each change, also of a folder that comes
 * late.
 */
#include "adapters/delivery_folder.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "temp_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct world {
        char folder[64], sub[80];
        sd_event *event;
        struct delivery_watch *watch;
        unsigned changes;
};

static int setup(void **state)
{
        struct world *world = calloc(1, sizeof(*world));

        assert_non_null(world);
        (void)text_copy(world->folder, sizeof(world->folder), "/tmp/smswarden-delivery.XXXXXX");
        assert_non_null(mkdtemp(world->folder));
        (void)text_format(world->sub, sizeof(world->sub), "%s/own", world->folder);
        assert_int_equal(sd_event_new(&world->event), 0);
        *state = world;
        return 0;
}

static int teardown(void **state)
{
        struct world *world = *state;

        assert_null(delivery_watch_free(world->watch));
        (void)sd_event_unref(world->event);
        temp_folder_remove(world->folder);
        free(world);
        return 0;
}

static const char *path_of(const char *folder, const char *name, char path[256])
{
        (void)text_format(path, 256, "%s/%s", folder, name);
        return path;
}

static void test_write_and_read(void **state)
{
        struct world *world = *state;
        struct delivery_receiver written = {.name = "a", .spool = "s", .position = 7},
                                 found = {.position = 99};
        char path[256];
        struct stat status;

        assert_int_equal(delivery_folder_read(world->folder, "a", &found), -ENOENT);
        assert_int_equal(found.position, 99);
        assert_int_equal(delivery_folder_write(world->folder, &written), 0);
        written.position = 8;
        assert_int_equal(delivery_folder_write(world->folder, &written), 0);
        assert_int_equal(delivery_folder_read(world->folder, "a", &found), 0);
        assert_int_equal(found.position, 8);
        assert_int_equal(stat(path_of(world->folder, "a.state", path), &status), 0);
        assert_int_equal(status.st_mode & 07777, 0640);
        assert_int_equal(delivery_folder_write(world->sub, &written), -ENOENT);
}

static void test_names(void **state)
{
        static const char *const names[] = {
            "", "..", "../a", "a/b", ".hidden", "-a", "a b", "longer-than-any-name-that-fits-into-it"};
        struct world *world = *state;
        struct delivery_receiver receiver = {.name = "../a"}, found;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                assert_int_equal(delivery_folder_read(world->folder, names[i], &found), -EINVAL);
                assert_int_equal(delivery_folder_park(world->folder, names[i], 1, "{}", 2, "x"), -EINVAL);
        }
        assert_int_equal(delivery_folder_write(world->folder, &receiver), -EINVAL);
}

/* The folder belongs to somebody else: nothing in it is followed, waited for or believed. */
static void test_foreign(void **state)
{
        struct world *world = *state;
        struct delivery_receiver other = {.name = "b", .spool = "s", .position = 7}, found = {.position = 99};
        char path[256], target[256];
        _cleanup_free_ char *large = calloc(1, 1 << 20);

        assert_int_equal(delivery_folder_write(world->folder, &other), 0);
        (void)path_of(world->folder, "a.state", path);
        (void)path_of(world->folder, "b.state", target);
        assert_int_equal(symlink(target, path), 0);
        assert_int_equal(delivery_folder_read(world->folder, "a", &found), -EBADMSG);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(link(target, path), 0); /* another's state */
        assert_int_equal(delivery_folder_read(world->folder, "a", &found), -EBADMSG);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(delivery_folder_read(world->folder, "a", &found), -EBADMSG);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(delivery_folder_read(world->folder, "a", &found), -EBADMSG);
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(file_replace(path, large, 1 << 20, 0600), 0);
        assert_int_equal(delivery_folder_read(world->folder, "a", &found), -EBADMSG);
        assert_int_equal(file_replace(path, "garbage", 7, 0600), 0);
        assert_int_equal(delivery_folder_read(world->folder, "a", &found), -EBADMSG);
        assert_int_equal(found.position, 99);
}

static unsigned count_files(const char *path)
{
        DIR *folder = opendir(path);
        unsigned count = 0;

        assert_non_null(folder);
        for (const struct dirent *entry; (entry = readdir(folder));)
                count += entry->d_name[0] != '.';
        (void)closedir(folder);
        return count;
}

static void test_park(void **state)
{
        struct world *world = *state;
        char path[256], text[128];
        size_t length;

        assert_int_equal(delivery_folder_park(world->folder, "a", 5, "{\"a\":1}\n", 8, "refused: a\nb"), 0);
        assert_int_equal(delivery_folder_park(world->folder, "a", 5, "{\"a\":2}\n", 8, "refused: c\nd"), 0);
        (void)path_of(world->folder, "parked/a/00000000000000000005.json", path);
        assert_int_equal(file_read_into(path, 0, text, sizeof(text), &length), 0);
        assert_string_equal(text, "{\"a\":2}\n");
        (void)path_of(world->folder, "parked/a/00000000000000000005.reason", path);
        assert_int_equal(file_read_into(path, 0, text, sizeof(text), &length), 0);
        assert_string_equal(text, "refused: c\\nd\n");
        for (uint64_t n = 6; n < 6 + 2 * DELIVERY_PARKED_MAX; n++)
                assert_int_equal(delivery_folder_park(world->folder, "a", n, "{}\n", 3, "no"), 0);
        assert_int_equal(count_files(path_of(world->folder, "parked/a", path)), 2 * DELIVERY_PARKED_MAX);
        (void)path_of(world->folder, "parked/a/00000000000000000205.json", path);
        assert_int_equal(access(path, F_OK), 0);
        (void)path_of(world->folder, "parked/a/00000000000000000105.json", path);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(delivery_folder_park(world->folder, "b", 1, "{}\n", 3, "no"), 0);
}

/* --- the watch --- */

static void count_change(void *userdata)
{
        struct world *world = userdata;

        world->changes++;
}

/* Handles what has happened; returns how often it was told of. */
static unsigned told(struct world *world)
{
        unsigned before = world->changes;

        while (sd_event_run(world->event, 0) > 0)
                continue;
        return world->changes - before;
}

static void write_state(const char *folder)
{
        struct delivery_receiver receiver = {.name = "a", .spool = "s", .position = 7};

        assert_int_equal(delivery_folder_write(folder, &receiver), 0);
}

static void test_watch(void **state)
{
        struct world *world = *state;
        char path[256];

        assert_int_equal(mkdir(world->sub, 0700), 0);
        assert_int_equal(delivery_watch_new(&world->watch, world->event, world->sub, count_change, world), 0);
        assert_int_equal(told(world), 0);
        write_state(world->sub);
        assert_int_equal(told(world), 1);
        write_state(world->sub);
        write_state(world->sub);
        assert_int_equal(told(world), 1); /* as one */
        assert_int_equal(delivery_folder_park(world->sub, "a", 1, "{}", 2, "no"), 0);
        assert_int_equal(file_replace(path_of(world->sub, "something", path), "x", 1, 0600), 0);
        assert_int_equal(told(world), 0);
        assert_int_equal(unlink(path_of(world->sub, "a.state", path)), 0);
        assert_int_equal(told(world), 1);
}

static void test_watch_comes_late(void **state)
{
        struct world *world = *state;

        assert_int_equal(delivery_watch_new(&world->watch, world->event, world->sub, count_change, world), 0);
        assert_int_equal(told(world), 0);
        assert_int_equal(mkdir(world->sub, 0700), 0);
        assert_int_equal(told(world), 1);
        write_state(world->sub);
        assert_int_equal(told(world), 1);
        temp_folder_remove(world->sub);
        (void)told(world);
        assert_int_equal(mkdir(world->sub, 0700), 0);
        assert_int_equal(told(world), 1);
        write_state(world->sub);
        assert_int_equal(told(world), 1);
}

/* Nothing is there to watch: no error, and nothing is told. */
static void test_watch_nothing(void **state)
{
        struct world *world = *state;
        char path[256];

        (void)text_format(path, sizeof(path), "%s/a/b", world->sub);
        assert_int_equal(delivery_watch_new(&world->watch, world->event, path, count_change, world), 0);
        assert_int_equal(told(world), 0);
}

/* A writer gone mad: we do not go mad with it. */
static void test_watch_is_bounded(void **state)
{
        struct world *world = *state;
        char path[256], target[256];

        assert_int_equal(mkdir(world->sub, 0700), 0);
        assert_int_equal(delivery_watch_new(&world->watch, world->event, world->sub, count_change, world), 0);
        (void)path_of(world->sub, "a.state", path);
        (void)path_of(world->sub, "b.state", target);
        assert_int_equal(file_replace(path, "x", 1, 0600), 0);
        for (unsigned i = 0; i < 200; i++) {
                assert_int_equal(rename(i % 2 ? target : path, i % 2 ? path : target), 0);
                (void)told(world);
        }
        assert_in_range(world->changes, 5, 60);
}

#define world_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
            world_test(test_write_and_read), world_test(test_names),
            world_test(test_foreign),        world_test(test_park),
            world_test(test_watch),          world_test(test_watch_comes_late),
            world_test(test_watch_nothing),  world_test(test_watch_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
