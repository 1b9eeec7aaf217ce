/*
 * smsd's folders: each message that was given up is told once, in order, over all lives; the counts; folders
 * that are not there, go away and come back; names and files made to do harm.
 */
#include "adapters/queue_watch.h"

#include "base/text.h"
#include "smsd_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>

#define TOLD_MAX 1200

struct watcher {
        char folder[64];
        char failed[96], incoming[96], outgoing[96], checked[96];
        sd_event *event;
        struct queue_watch *watch;
        bool lazy; /* does not take what it is told */
        unsigned n;
        char (*names)[128];
        struct message_failed_event last;
        struct queue_mark mark;
        unsigned counts;
        int64_t count_outgoing, count_checked, count_failed, count_incoming, oldest;
};

static void on_failed(void *userdata, const struct message_failed_event *message,
                      const struct queue_mark *mark)
{
        struct watcher *w = userdata;

        assert_true(w->n < TOLD_MAX);
        (void)strcpy(w->names[w->n++], message->file);
        w->last = *message;
        w->mark = *mark;
        if (!w->lazy)
                queue_watch_taken(w->watch);
}

static void on_counted(void *userdata, const struct queue_counts *counts)
{
        struct watcher *w = userdata;

        w->counts++;
        w->count_outgoing = counts->outgoing;
        w->count_checked = counts->checked;
        w->count_failed = counts->failed;
        w->count_incoming = counts->incoming;
        w->oldest = counts->oldest_incoming_realtime;
}

static int setup(void **state)
{
        struct watcher *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->names = calloc(TOLD_MAX, sizeof(*w->names));
        assert_non_null(w->names);
        (void)strcpy(w->folder, "/tmp/smswarden-test-XXXXXX");
        assert_non_null(mkdtemp(w->folder));
        (void)text_format(w->failed, sizeof(w->failed), "%s/failed", w->folder);
        (void)text_format(w->incoming, sizeof(w->incoming), "%s/incoming", w->folder);
        (void)text_format(w->outgoing, sizeof(w->outgoing), "%s/outgoing", w->folder);
        (void)text_format(w->checked, sizeof(w->checked), "%s/checked", w->folder);
        assert_true(sd_event_new(&w->event) >= 0);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        struct watcher *w = *state;

        assert_null(queue_watch_free(w->watch));
        (void)sd_event_unref(w->event);
        remove_tree(w->folder);
        free(w->names);
        free(w);
        return 0;
}

static void make_folders(const struct watcher *w)
{
        assert_int_equal(mkdir(w->failed, 0755), 0);
        assert_int_equal(mkdir(w->incoming, 0755), 0);
        assert_int_equal(mkdir(w->outgoing, 0755), 0);
        assert_int_equal(mkdir(w->checked, 0755), 0);
}

static void start(struct watcher *w, struct queue_mark mark)
{
        static const struct queue_watch_callbacks callbacks = {.failed = on_failed, .counted = on_counted};
        const struct queue_watch_options options = {.outgoing = w->outgoing,
                                                    .checked = w->checked,
                                                    .failed = w->failed,
                                                    .incoming = w->incoming,
                                                    .mark = mark};

        assert_int_equal(queue_watch_new(&w->watch, w->event, &options, &callbacks, w), 0);
}

/* As smsd does: written elsewhere, then moved in. */
static void put(const struct watcher *w, const char *folder, const char *name, const char *text)
{
        char from[200], to[400];

        (void)text_format(from, sizeof(from), "%s/.moving", w->folder);
        (void)text_format(to, sizeof(to), "%s/%s", folder, name);
        write_file(from, text);
        assert_int_equal(rename(from, to), 0);
}

#define wait_until(w, condition)                                                                             \
        do {                                                                                                 \
                for (int64_t end = now_usec() + PATIENCE_USEC; !(condition);) {                              \
                        assert_true(now_usec() < end);                                                       \
                        assert_true(sd_event_run((w)->event, 100000) >= 0);                                  \
                }                                                                                            \
        } while (0)

/* What is on its way has come by then: a look is due each second at the latest. */
static void let_pass(struct watcher *w, int64_t usec)
{
        for (int64_t end = now_usec() + usec; now_usec() < end;)
                assert_true(sd_event_run(w->event, 50000) >= 0);
}

static void test_a_failed_message_is_told(void **state)
{
        struct watcher *w = *state;

        make_folders(w);
        start(w, (struct queue_mark){0});
        put(w, w->failed, "GSM1.abc",
            "To: 37061234512\nModem: GSM1\nFail_reason: no answer\n\nSecret text\n");
        wait_until(w, w->n == 1);
        assert_string_equal(w->last.again, "smswarden queue requeue GSM1.abc");
        assert_string_equal(w->last.file, "GSM1.abc");
        assert_string_equal(w->last.name, "GSM1.abc");
        assert_false(w->last.pdu);
        assert_string_equal(w->last.recipient, "3706*****12");
        assert_string_equal(w->last.modem, "GSM1");
        assert_string_equal(w->last.reason, "no answer");
        assert_int_equal(w->last.more, 0);
        assert_true(w->last.since > 0);
        assert_true(text_starts_with(w->last.key, "GSM1.abc@"));
        let_pass(w, 1300000);
        assert_int_equal(w->n, 1);
        queue_watch_taken(w->watch);
        put(w, w->failed, "two words", "To: 37061234512\nPDU: 0011000B91\n\nSecret text\n");
        wait_until(w, w->n == 2);
        assert_string_equal(w->last.name, "two words");
        assert_true(w->last.pdu);
}

static void test_many_in_order_and_once(void **state)
{
        struct watcher *w = *state;
        char name[32];

        make_folders(w);
        for (unsigned i = 0; i < 300; i++) { /* more than a batch; most share their change time with others */
                (void)text_format(name, sizeof(name), "m%03u", i * 7 % 300);
                put(w, w->failed, name, "To: 1\n\n");
        }
        start(w, (struct queue_mark){0});
        for (unsigned i = 300; i < 600; i++) {
                (void)text_format(name, sizeof(name), "m%03u", i);
                put(w, w->failed, name, "To: 1\n\n");
                if (i % 10 == 0)
                        assert_true(sd_event_run(w->event, 0) >= 0);
        }
        wait_until(w, w->n == 600);
        let_pass(w, 1300000);
        assert_int_equal(w->n, 600);
        bool seen[600] = {false};
        for (unsigned i = 0; i < w->n; i++) {
                unsigned number = (unsigned)atoi(w->names[i] + 1);
                assert_false(seen[number]);
                seen[number] = true;
                if (i >= 300) /* what came later is told later */
                        assert_true(number >= 300);
        }
        assert_int_equal(w->count_failed, 600);
}

static void test_one_at_a_time(void **state)
{
        struct watcher *w = *state;

        make_folders(w);
        put(w, w->failed, "a", "\n");
        put(w, w->failed, "b", "\n");
        put(w, w->failed, "c", "\n");
        w->lazy = true;
        start(w, (struct queue_mark){0});
        wait_until(w, w->n == 1);
        assert_int_equal(w->last.more, 2);
        let_pass(w, 300000);
        assert_int_equal(w->n, 1);
        queue_watch_taken(w->watch);
        wait_until(w, w->n == 2);
        queue_watch_taken(w->watch);
        wait_until(w, w->n == 3);
        assert_int_equal(w->last.more, 0);
        queue_watch_taken(w->watch);
        queue_watch_taken(w->watch); /* once too often harms nobody */
        let_pass(w, 1200000);
        assert_int_equal(w->n, 3);
}

static void test_the_next_life_goes_on(void **state)
{
        struct watcher *w = *state;
        struct queue_mark mark;

        make_folders(w);
        put(w, w->failed, "told@1-2", "\n");
        start(w, (struct queue_mark){0});
        wait_until(w, w->n == 1);
        char key[160];
        (void)text_format(key, sizeof(key), "message-failed/%s", w->last.key);
        w->watch = queue_watch_free(w->watch);
        put(w, w->failed, "while nobody looked", "\n");
        assert_int_equal(queue_mark_decode(key, &mark), 0);
        assert_int_equal(mark.changed, w->mark.changed);
        assert_true(mark.digest == w->mark.digest);
        start(w, mark);
        wait_until(w, w->n == 2);
        assert_string_equal(w->names[1], "while nobody looked");
        let_pass(w, 1200000);
        assert_int_equal(w->n, 2);
}

/* Its change time is new, what it tells is not: not in this life, nor in the next. */
static void test_a_chmod_is_no_failure(void **state)
{
        struct watcher *w = *state;
        char path[200];

        make_folders(w);
        put(w, w->failed, "a", "\n");
        put(w, w->failed, "b", "\n");
        start(w, (struct queue_mark){0});
        wait_until(w, w->n == 2);
        (void)text_format(path, sizeof(path), "%s/a", w->failed);
        assert_int_equal(chmod(path, 0666), 0);
        assert_int_equal(chown(path, 12345, 23456), 0);
        put(w, w->failed, "c", "\n"); /* so that it is looked at again */
        wait_until(w, w->n == 3);
        assert_string_equal(w->names[2], "c");
        let_pass(w, 1300000);
        assert_int_equal(w->n, 3);
        struct queue_mark mark = w->mark; /* as the daemon keeps it */
        w->watch = queue_watch_free(w->watch);
        assert_int_equal(chmod(path, 0600), 0);
        start(w, mark);
        put(w, w->failed, "d", "\n");
        wait_until(w, w->n == 4);
        assert_string_equal(w->names[3], "d");
        let_pass(w, 1300000);
        assert_int_equal(w->n, 4);
}

static void test_what_was_requeued_is_not_told(void **state)
{
        struct watcher *w = *state;
        char path[200];

        make_folders(w);
        put(w, w->failed, "a", "\n");
        put(w, w->failed, "b", "\n");
        w->lazy = true;
        start(w, (struct queue_mark){0});
        wait_until(w, w->n == 1);
        (void)text_format(path, sizeof(path), "%s/%s", w->failed, text_equal(w->names[0], "a") ? "b" : "a");
        assert_int_equal(unlink(path), 0);
        queue_watch_taken(w->watch);
        let_pass(w, 1200000);
        assert_int_equal(w->n, 1);
        assert_int_equal(w->count_failed, 1);
}

/* A mark in the future is a clock that went back: what comes is told as it comes, and the mark stays. */
static void test_a_clock_that_went_back(void **state)
{
        struct watcher *w = *state;
        const struct queue_mark future = {.changed = (int64_t)(time(NULL) + 3600) * 1000000000,
                                          .digest = UINT64_C(0x0123456789abcdef)};

        make_folders(w);
        put(w, w->failed, "old", "\n");
        start(w, future);
        let_pass(w, 300000);
        put(w, w->failed, "a", "\n");
        put(w, w->failed, "b", "\n");
        wait_until(w, w->n == 2);
        assert_string_equal(w->names[0], "a");
        assert_string_equal(w->names[1], "b");
        assert_int_equal(w->mark.changed, future.changed);
        let_pass(w, 1200000);
        assert_int_equal(w->n, 2);
}

static void test_counts(void **state)
{
        struct watcher *w = *state;

        make_folders(w);
        put(w, w->incoming, "1", "\n");
        put(w, w->outgoing, ".hidden", "\n");
        put(w, w->outgoing, "x.LOCK", "\n");
        put(w, w->outgoing, "x", "\n");
        start(w, (struct queue_mark){0});
        wait_until(w, w->counts == 1);
        assert_int_equal(w->count_outgoing, 1);
        assert_int_equal(w->count_checked, 0);
        assert_int_equal(w->count_failed, 0);
        assert_int_equal(w->count_incoming, 1);
        int64_t age = (int64_t)time(NULL) * 1000000 - w->oldest;
        assert_true(age > -5000000 && age < 60000000);
        for (unsigned i = 0; i < 50; i++) {
                char name[16];
                (void)text_format(name, sizeof(name), "m%u", i);
                put(w, w->incoming, name, "\n");
        }
        wait_until(w, w->count_incoming == 51);
        assert_in_range(w->counts, 2, 3);
        put(w, w->outgoing, "y.LOCK", "\n"); /* nothing that matters */
        let_pass(w, 1300000);
        assert_in_range(w->counts, 2, 3);
}

static void test_folders_that_come_and_go(void **state)
{
        struct watcher *w = *state;
        char spool[96], moved[96];

        (void)text_format(spool, sizeof(spool), "%s/a/b", w->folder);
        (void)text_format(w->failed, sizeof(w->failed), "%s/failed/", spool);
        (void)text_format(moved, sizeof(moved), "%s/moved", w->folder);
        start(w, (struct queue_mark){0});
        wait_until(w, w->counts == 1);
        assert_int_equal(w->count_failed, -1);
        (void)text_format(moved, sizeof(moved), "%s/a", w->folder);
        assert_int_equal(mkdir(moved, 0755), 0);
        let_pass(w, 1300000);
        assert_int_equal(mkdir(spool, 0755), 0);
        assert_int_equal(mkdir(w->failed, 0755), 0);
        put(w, w->failed, "a", "\n");
        wait_until(w, w->n == 1);
        /* replaced by another */
        (void)text_format(moved, sizeof(moved), "%s/old", w->folder);
        w->failed[strlen(w->failed) - 1] = '\0';
        assert_int_equal(rename(w->failed, moved), 0);
        assert_int_equal(mkdir(w->failed, 0755), 0);
        put(w, w->failed, "b", "\n");
        wait_until(w, w->n == 2);
        assert_string_equal(w->names[1], "b");
        remove_tree(w->failed);
        wait_until(w, w->count_failed == -1);
        assert_int_equal(mkdir(w->failed, 0755), 0);
        put(w, w->failed, "c", "\n");
        wait_until(w, w->n == 3);
}

static void test_hostile_files(void **state)
{
        struct watcher *w = *state;
        char path[400], name[NAME_MAX + 1];

        make_folders(w);
        memset(name, 'n', NAME_MAX);
        name[NAME_MAX] = '\0';
        put(w, w->failed, name, "\n");
        put(w, w->failed, "line\nbreak\x1b[2J\xff@1-0000000000000000", "To: x\n\n");
        (void)text_format(path, sizeof(path), "%s/link", w->failed);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        (void)text_format(path, sizeof(path), "%s/fifo", w->failed);
        assert_int_equal(mkfifo(path, 0644), 0);
        (void)text_format(path, sizeof(path), "%s/folder", w->failed);
        assert_int_equal(mkdir(path, 0755), 0);
        (void)text_format(path, sizeof(path), "%s/sparse", w->failed);
        write_file(path, "");
        assert_int_equal(truncate(path, (off_t)1 << 40), 0);
        start(w, (struct queue_mark){0});
        wait_until(w, w->n == 3);
        let_pass(w, 1200000);
        assert_int_equal(w->n, 3);
        for (unsigned i = 0; i < w->n; i++)
                for (const char *c = w->names[i]; *c; c++)
                        assert_true((unsigned char)*c >= 0x20 && (unsigned char)*c != 0x7f);
        assert_int_equal(w->count_failed, 3);
        /* each in its own life: a key leads back, whatever the name was */
        struct queue_mark mark;
        assert_int_equal(queue_mark_decode(w->last.key, &mark), 0);
        assert_int_equal(mark.changed, w->mark.changed);
}

/* Its owner keeps everybody else from opening it: neither the loop waits, nor is the message forgotten. */
static void test_a_leased_file(void **state)
{
        struct watcher *w = *state;
        char path[200];

        make_folders(w);
        put(w, w->failed, "GSM1.leased", "To: 37061234512\n\n");
        (void)text_format(path, sizeof(path), "%s/GSM1.leased", w->failed);
        (void)signal(SIGIO, SIG_IGN);
        int fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
        start(w, (struct queue_mark){0});
        int64_t begin = now_usec();
        wait_until(w, w->n == 1);
        assert_true(now_usec() - begin < 3000000);
        assert_string_equal(w->names[0], "GSM1.leased");
        assert_string_equal(w->last.recipient, "");
        assert_int_equal(close(fd), 0);
        (void)signal(SIGIO, SIG_DFL);
}

static void test_lost_events(void **state)
{
        struct watcher *w = *state;
        char name[32];

        make_folders(w);
        start(w, (struct queue_mark){0});
        wait_until(w, w->counts == 1);
        /* More than inotify keeps (16384), without a turn of the loop. */
        for (unsigned i = 0; i < 17000; i++) {
                char path[200];
                (void)text_format(path, sizeof(path), "%s/x%u.LOCK", w->outgoing, i % 2);
                write_file(path, "");
                assert_int_equal(unlink(path), 0);
        }
        for (unsigned i = 0; i < 20; i++) {
                (void)text_format(name, sizeof(name), "m%u", i);
                put(w, w->failed, name, "\n");
        }
        wait_until(w, w->n == 20);
}

static void test_keys(void **state)
{
        static const struct {
                const char *key;
                int result;
                int64_t changed;
        } table[] = {
            {"message-failed/a@12-0123456789abcdef", 0, 12},
            {"@9223372036854775807-ffffffffffffffff", 0, INT64_MAX},
            {"a@b@7-0000000000000000", 0, 7},
            {"", -EINVAL, 0},
            {"a@12", -EINVAL, 0},
            {"a@-0123456789abcdef", -EINVAL, 0},
            {"a@12-0123456789ABCDEF", -EINVAL, 0},
            {"a@12-0123456789abcde", -EINVAL, 0},
            {"a@9223372036854775808-0123456789abcdef", -EINVAL, 0},
            {"a@1x-0123456789abcdef", -EINVAL, 0},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                struct queue_mark mark = {.changed = -1};
                assert_int_equal(queue_mark_decode(table[i].key, &mark), table[i].result);
                assert_int_equal(mark.changed, table[i].result < 0 ? -1 : table[i].changed);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_a_failed_message_is_told, setup, teardown),
            cmocka_unit_test_setup_teardown(test_many_in_order_and_once, setup, teardown),
            cmocka_unit_test_setup_teardown(test_one_at_a_time, setup, teardown),
            cmocka_unit_test_setup_teardown(test_the_next_life_goes_on, setup, teardown),
            cmocka_unit_test_setup_teardown(test_a_chmod_is_no_failure, setup, teardown),
            cmocka_unit_test_setup_teardown(test_what_was_requeued_is_not_told, setup, teardown),
            cmocka_unit_test_setup_teardown(test_a_clock_that_went_back, setup, teardown),
            cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
            cmocka_unit_test_setup_teardown(test_folders_that_come_and_go, setup, teardown),
            cmocka_unit_test_setup_teardown(test_hostile_files, setup, teardown),
            cmocka_unit_test_setup_teardown(test_a_leased_file, setup, teardown),
            cmocka_unit_test_setup_teardown(test_lost_events, setup, teardown),
            cmocka_unit_test(test_keys),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
