/*
 * Following a log through everything that happens to logs.
 */
#include "adapters/file_follow.h"

#include "smsd_fixture.h"

#include <stdbool.h>

struct follower {
        char folder[64];
        char path[128];
        sd_event *event;
        struct file_follow *follow;
        unsigned n;
        size_t bytes; /* in all lines so far */
        char last[FILE_FOLLOW_LINE_MAX + 1];
        size_t last_length;
        char all[4096]; /* the first lines, each with a '|' behind it */
        unsigned wanted;
};

static void on_line(void *userdata, const char *text, size_t length)
{
        struct follower *w = userdata;

        assert_int_equal(text[length], '\0');
        assert_true(length <= FILE_FOLLOW_LINE_MAX);
        w->n++;
        w->bytes += length + 1;
        w->last_length = length;
        memcpy(w->last, text, length + 1);
        if (strlen(w->all) + length + 2 < sizeof(w->all)) {
                (void)strcat(w->all, text);
                (void)strcat(w->all, "|");
        }
}

static void append(const char *path, const char *text)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int setup(void **state)
{
        struct follower *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        (void)strcpy(w->folder, "/tmp/smswarden-test-XXXXXX");
        assert_non_null(mkdtemp(w->folder));
        assert_true(snprintf(w->path, sizeof(w->path), "%s/smsd.log", w->folder) > 0);
        assert_true(sd_event_new(&w->event) >= 0);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        struct follower *w = *state;

        assert_null(file_follow_free(w->follow));
        (void)sd_event_unref(w->event);
        remove_tree(w->folder);
        free(w);
        return 0;
}

static void start(struct follower *w)
{
        assert_int_equal(file_follow_new(&w->follow, w->event, w->path, on_line, w), 0);
}

/* Lets everything that is pending happen. All of it is in the kernel's queues already, so nothing is waited
 * for. */
static void settle(struct follower *w)
{
        while (sd_event_run(w->event, 0) > 0)
                ;
}

static void expect(struct follower *w, const char *all)
{
        settle(w);
        assert_string_equal(w->all, all);
}

static void test_only_new_complete_lines(void **state)
{
        struct follower *w = *state;

        append(w->path, "old\n");
        start(w);
        expect(w, "");
        append(w->path, "one\ntw");
        expect(w, "one|");
        append(w->path, "o\n\nthree\n");
        expect(w, "one|two||three|");
}

static void test_begins_in_the_middle_of_a_line(void **state)
{
        struct follower *w = *state;

        append(w->path, "old\nhalf");
        start(w);
        append(w->path, " of a line\nwhole\n");
        expect(w, "whole|");
}

static void test_long_lines_are_cut(void **state)
{
        struct follower *w = *state;
        char text[3 * FILE_FOLLOW_LINE_MAX];

        memset(text, 'x', sizeof(text));
        text[sizeof(text) - 2] = '\n';
        text[sizeof(text) - 1] = '\0';
        start(w);
        append(w->path, text);
        settle(w);
        assert_int_equal(w->n, 1);
        assert_int_equal(w->last_length, FILE_FOLLOW_LINE_MAX);
        append(w->path, "next\n");
        settle(w);
        assert_string_equal(w->last, "next");
}

static void test_absent_then_created(void **state)
{
        struct follower *w = *state;

        start(w);
        expect(w, "");
        append(w->path, "first\n");
        expect(w, "first|");
        append(w->path, "second\n");
        expect(w, "first|second|");
}

/* logrotate: rename, create; the writer keeps the old file until it is restarted. */
static void test_rotation_with_a_writer_that_stays(void **state)
{
        struct follower *w = *state;
        char old[160];

        append(w->path, "");
        start(w);
        _cleanup_close_ int writer = open(w->path, O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_int_equal(write(writer, "a\n", 2), 2);
        assert_true(snprintf(old, sizeof(old), "%s.1", w->path) > 0);
        assert_int_equal(rename(w->path, old), 0);
        assert_int_equal(write(writer, "b\n", 2), 2);
        expect(w, "a|b|");
        append(w->path, "");
        assert_int_equal(write(writer, "terminated\n", 11), 11);
        append(w->path, "started\n");
        expect(w, "a|b|terminated|started|");
        assert_int_equal(write(writer, "late\n", 5), 5);
        expect(w, "a|b|terminated|started|late|");
        /* Removed at last: we must not hold its blocks. */
        assert_int_equal(unlink(old), 0);
        settle(w);
        assert_int_equal(write(writer, "never\n", 6), 6);
        append(w->path, "more\n");
        expect(w, "a|b|terminated|started|late|more|");
}

static void test_truncated_in_place(void **state)
{
        struct follower *w = *state;

        append(w->path, "a long line that was here before\n");
        start(w);
        append(w->path, "half");
        settle(w);
        assert_int_equal(truncate(w->path, 0), 0);
        settle(w);
        append(w->path, "new\n");
        expect(w, "new|");
}

static void test_replaced_by_rename(void **state)
{
        struct follower *w = *state;
        char other[160];

        append(w->path, "x\n");
        start(w);
        assert_true(snprintf(other, sizeof(other), "%s.new", w->path) > 0);
        append(other, "y\n");
        assert_int_equal(rename(other, w->path), 0);
        expect(w, "y|");
        append(w->path, "z\n");
        expect(w, "y|z|");
}

static void test_other_files_do_not_wake_us(void **state)
{
        struct follower *w = *state;
        char other[160];

        append(w->path, "");
        assert_true(snprintf(other, sizeof(other), "%s/other.log", w->folder) > 0);
        append(other, "");
        start(w);
        settle(w);
        append(other, "noise\n");
        assert_int_equal(sd_event_run(w->event, 0), 0);
        append(w->path, "line\n");
        assert_true(sd_event_run(w->event, 0) > 0);
}

static void test_a_flood_is_taken_in_pieces(void **state)
{
        struct follower *w = *state;
        char line[128];
        unsigned n = 0;

        append(w->path, "");
        start(w);
        memset(line, 'x', sizeof(line));
        line[sizeof(line) - 2] = '\n';
        line[sizeof(line) - 1] = '\0';
        for (; n * (sizeof(line) - 1) < 500000; n++)
                append(w->path, line);
        for (size_t before = 0; sd_event_run(w->event, 0) > 0; before = w->bytes)
                assert_true(w->bytes - before <= 65536 + FILE_FOLLOW_LINE_MAX);
        assert_int_equal(w->n, n);
}

/* An old log moved back under the name: only its tail is news. */
static void test_a_big_file_appears(void **state)
{
        struct follower *w = *state;
        char other[160], line[128];

        start(w);
        assert_true(snprintf(other, sizeof(other), "%s.old", w->path) > 0);
        for (unsigned i = 0; i < 10000; i++) {
                assert_true(snprintf(line, sizeof(line), "line %u of an old log\n", i) > 0);
                append(other, line);
        }
        assert_int_equal(rename(other, w->path), 0);
        settle(w);
        assert_true(w->n > 0 && w->bytes <= 65536);
        assert_string_equal(w->last, "line 9999 of an old log");
        assert_memory_equal(w->all, "line ", 5);
}

static void test_links_and_fifos_count_as_absent(void **state)
{
        struct follower *w = *state;
        char other[160];

        assert_true(snprintf(other, sizeof(other), "%s.target", w->path) > 0);
        append(other, "secret\n");
        assert_int_equal(symlink(other, w->path), 0);
        start(w);
        append(other, "secret\n");
        expect(w, "");
        assert_int_equal(unlink(w->path), 0);
        assert_int_equal(mkfifo(w->path, 0600), 0);
        expect(w, "");
        assert_int_equal(unlink(w->path), 0);
        append(w->path, "line\n");
        expect(w, "line|");
}

static void test_folder_appears(void **state)
{
        struct follower *w = *state;

        assert_int_equal(rmdir(w->folder), 0);
        start(w);
        settle(w);
        assert_int_equal(mkdir(w->folder, 0700), 0);
        append(w->path, "first\n");
        expect(w, "");
        file_follow_check(w->follow);
        expect(w, "first|");
        append(w->path, "second\n");
        expect(w, "first|second|");
}

static void test_bad_paths(void **state)
{
        struct follower *w = *state;

        assert_int_equal(file_follow_new(&w->follow, w->event, "smsd.log", on_line, w), -EINVAL);
        assert_int_equal(file_follow_new(&w->follow, w->event, "/tmp/", on_line, w), -EINVAL);
        assert_null(w->follow);
}

#define FOLLOW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
            FOLLOW(test_only_new_complete_lines),
            FOLLOW(test_begins_in_the_middle_of_a_line),
            FOLLOW(test_long_lines_are_cut),
            FOLLOW(test_absent_then_created),
            FOLLOW(test_rotation_with_a_writer_that_stays),
            FOLLOW(test_truncated_in_place),
            FOLLOW(test_replaced_by_rename),
            FOLLOW(test_other_files_do_not_wake_us),
            FOLLOW(test_a_flood_is_taken_in_pieces),
            FOLLOW(test_a_big_file_appears),
            FOLLOW(test_links_and_fifos_count_as_absent),
            FOLLOW(test_folder_appears),
            FOLLOW(test_bad_paths),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
