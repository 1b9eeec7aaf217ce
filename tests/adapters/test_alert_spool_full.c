/*
 * The spool on a disk that is full: a small tmpfs of its own, in a mount namespace that nobody else sees.
 * What counts less makes room for what counts more; what cannot be written is answered so, leaves nothing
 * behind, and works again once there is room.
 */
#include "alert_spool_fixture.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#define PAGES "size=96k" /* 24 files, the book among them, and one that is being written */

static int full_setup(void **state)
{
        int r = world_setup(state);
        struct world *world = *state;

        if (r == 0 && mount("small", world->base, "tmpfs", 0, PAGES) < 0)
                return -1;
        return r;
}

static int full_teardown(void **state)
{
        struct world *world = *state;

        die(world);
        if (umount(world->base) < 0)
                return -1;
        return world_teardown(state);
}

#define full_test(function) cmocka_unit_test_setup_teardown(function, full_setup, full_teardown)

/* Somebody else takes all that is free. */
static void fill(const struct world *world)
{
        static const char page[4096];
        char path[128];

        (void)text_format(path, sizeof(path), "%s/ballast", world->base);
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        while (write(fd, page, sizeof(page)) > 0)
                ;
        assert_int_equal(errno, ENOSPC);
        assert_int_equal(close(fd), 0);
}

static void empty(const struct world *world)
{
        char path[128];

        (void)text_format(path, sizeof(path), "%s/ballast", world->base);
        assert_int_equal(unlink(path), 0);
}

static int try_to_tell(struct world *world, const char *key, enum severity severity)
{
        struct alert alert = make_alert(key, severity);

        return write_alert(world, &alert)->result;
}

static void count_severities(const struct world *world, unsigned counts[3])
{
        struct alert_message message = {0};

        counts[0] = counts[1] = counts[2] = 0;
        while (alert_files_next(world->folder, message.sequence, &message, NULL) == 1)
                counts[message.alert.severity]++;
}

static void assert_nothing_left_behind(struct world *world)
{
        uint64_t oldest;

        assert_int_equal(count_named(world, ".new"), 0);
        assert_int_equal(count_named(world, ".damaged"), 0);
        assert_int_equal(alert_spool_count(world->spool, &oldest), count_messages(world));
}

static void make_room_step_by_step(struct world *world, bool saving)
{
        unsigned counts[3];

        live(world);
        for (unsigned i = 0; i < 150; i++) {
                enum severity severity = (enum severity)(i / 50);
                assert_int_equal(try_to_tell(world, "key", severity), 0);
                if (saving)
                        save(world);
        }
        count_severities(world, counts);
        assert_true(counts[0] == 0 && counts[1] == 0 && counts[2] >= 20);
        assert_true(alert_spool_dropped(world->spool) + counts[2] == 150);
        /* The least is what does not come in now. */
        assert_int_equal(try_to_tell(world, "info", SEVERITY_INFO), -ENOSPC);
        assert_int_equal(try_to_tell(world, "warning", SEVERITY_WARNING), -ENOSPC);
        assert_int_equal(try_to_tell(world, "critical", SEVERITY_CRITICAL), 0);
        count_severities(world, counts);
        assert_true(counts[0] == 0 && counts[1] == 0 && counts[2] >= 20);
        assert_nothing_left_behind(world);
}

static void test_less_makes_room(void **state)
{
        make_room_step_by_step(*state, true);
}

/* The same with a book that knows of none of them: nothing of what counts less is kept for its sake. */
static void test_less_makes_room_unsaved(void **state)
{
        struct world *world = *state;
        uint64_t last;

        make_room_step_by_step(world, false);
        last = world->answers[world->n_answers - 1].sequence;
        live_again(world);
        assert_true(find_found(world, "critical")->told);
        assert_int_equal(tell(world, "critical", SEVERITY_CRITICAL), last + 1);
}

static void test_full_from_outside(void **state)
{
        struct world *world = *state;

        live(world);
        for (unsigned i = 0; i < 5; i++)
                (void)tell(world, "key", SEVERITY_CRITICAL);
        open_alert(world, "key", true);
        save(world);
        assert_int_equal(world->last_saved, 0);
        fill(world);
        assert_int_equal(try_to_tell(world, "info", SEVERITY_INFO), -ENOSPC);
        open_alert(world, "info", false);
        save(world);
        assert_int_equal(world->last_saved, -ENOSPC);
        assert_int_equal(count_messages(world), 5); /* no critical goes for a book */
        assert_nothing_left_behind(world);
        empty(world);
        save(world);
        assert_int_equal(world->last_saved, 0);
        assert_int_equal(tell(world, "info", SEVERITY_INFO), 6);
        live_again(world);
        assert_true(find_found(world, "key")->told && find_found(world, "info")->told);
}

static void test_full_before_the_first(void **state)
{
        struct world *world = *state;
        struct alert_message message;

        live(world);
        fill(world);
        assert_int_equal(try_to_tell(world, "key", SEVERITY_CRITICAL), -ENOSPC);
        save(world);
        assert_int_equal(world->last_saved, -ENOSPC);
        assert_int_equal(alert_spool_heartbeat(world->spool, "down", ""), 0);
        assert_int_equal(count_messages(world), 0);
        assert_nothing_left_behind(world);
        live_again(world);
        empty(world);
        assert_int_equal(tell(world, "key", SEVERITY_CRITICAL), 1);
        assert_int_equal(alert_files_next(world->folder, 0, &message, NULL), 1);
        assert_string_equal(message.spool, alert_spool_id(world->spool));
}

/* The newest message is all that keeps the count, and must go: its name stays until the next is there. */
static void test_the_newest_makes_room(void **state)
{
        struct world *world = *state;
        struct alert_message message;

        live(world);
        (void)tell(world, "info", SEVERITY_INFO);
        fill(world);
        save(world); /* needs the room as well */
        assert_int_equal(world->last_saved, 0);
        assert_int_equal(count_messages(world), 0);
        fill(world);
        assert_int_equal(try_to_tell(world, "critical", SEVERITY_CRITICAL), -ENOSPC);
        empty(world);
        (void)tell(world, "warning", SEVERITY_WARNING);
        fill(world);
        assert_int_equal(tell(world, "critical", SEVERITY_CRITICAL), 3);
        assert_int_equal(alert_files_next(world->folder, 0, &message, NULL), 1);
        assert_int_equal(message.sequence, 3);
        assert_int_equal(count_named(world, "0002-warning"), 0);
        assert_nothing_left_behind(world);
}

/* The same, and nothing can be written all the same: the number is not given again. */
static void test_the_count_is_kept(void **state)
{
        struct world *world = *state;
        struct alert large = make_alert("critical", SEVERITY_CRITICAL);

        live(world);
        (void)tell(world, "info", SEVERITY_INFO);
        fill(world);
        memset(large.summary, '\\', sizeof(large.summary) - 1);
        memset(large.evidence, '\\', sizeof(large.evidence) - 1);
        memset(large.next_action, '\\', sizeof(large.next_action) - 1);
        memset(large.key, '\\', sizeof(large.key) - 1);
        for (unsigned life = 0; life < 3; life++) {
                int r = write_alert(world, &large)->result;
                assert_true(r == 0 || r == -ENOSPC);
                live_again(world);
        }
        empty(world);
        assert_true(tell(world, "next", SEVERITY_CRITICAL) > 1);
        assert_int_equal(count_named(world, ".new"), 0);
}

/* What is delivered makes room, also when the book could not be saved since it was written. */
static void test_forget_on_a_full_disk(void **state)
{
        struct world *world = *state;
        uint64_t oldest;

        live(world);
        for (unsigned i = 0; i < 5; i++)
                (void)tell(world, "key", SEVERITY_CRITICAL);
        fill(world);
        alert_spool_forget(world->spool, alert_spool_id(world->spool), 5);
        save(world);
        assert_int_equal(alert_spool_count(world->spool, &oldest), 0);
        live_again(world);
        assert_int_equal(tell(world, "key", SEVERITY_CRITICAL), 6);
        assert_nothing_left_behind(world);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            full_test(test_less_makes_room),       full_test(test_less_makes_room_unsaved),
            full_test(test_full_from_outside),     full_test(test_full_before_the_first),
            full_test(test_forget_on_a_full_disk), full_test(test_the_newest_makes_room),
            full_test(test_the_count_is_kept),
        };

        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
                print_error("no mount namespace of our own: %s\n", strerror(errno));
                return 1;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
