/*
 * STATE_DIR/history: what is written comes back, the two files stay bounded, damage costs its own line only,
 * and nothing that lies at the name makes us write elsewhere.
 */
#include "adapters/history_file.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "temp_folder.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define AT INT64_C(1795420800123456) /* 2026-11-23T08:00:00.123456Z */

struct box {
        char root[64];
        char path[96], old[96];
        struct history_file *history;
        unsigned n;
        bool in_order;
        struct history_entry last;
};

static struct history_entry entry(uint64_t number)
{
        struct history_entry e = {
            .at = AT + (int64_t)number, .severity = SEVERITY_WARNING, .incident = number};

        (void)text_copy(e.boot, sizeof(e.boot), "9985656fbd1c4210ab8ab2352e71d54e");
        (void)text_copy(e.event, sizeof(e.event), "smsd-died");
        (void)text_copy(e.message, sizeof(e.message), "smsd (pid 7) died, signal 9");
        return e;
}

static int count(void *userdata, const struct history_entry *e)
{
        struct box *box = userdata;

        box->in_order = box->in_order && (box->n == 0 || e->at > box->last.at);
        box->n++;
        box->last = *e;
        return 0;
}

/* The number of entries that are read back. */
static unsigned read_back(struct box *box)
{
        box->n = 0;
        box->in_order = true;
        assert_int_equal(history_file_read(box->root, count, box), 0);
        assert_true(box->in_order);
        return box->n;
}

static void append(struct box *box, uint64_t number)
{
        const struct history_entry e = entry(number);

        assert_int_equal(history_file_append(box->history, &e), 0);
}

static void put(const char *path, const char *text, size_t length, int flags)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0640);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, length), length);
        (void)close(fd);
}

static off_t size_of(const char *path)
{
        struct stat file;

        return stat(path, &file) == 0 ? file.st_size : -1;
}

static int setup(void **state)
{
        struct box *box = calloc(1, sizeof(*box));

        assert_non_null(box);
        (void)text_copy(box->root, sizeof(box->root), "/tmp/history.XXXXXX");
        assert_non_null(mkdtemp(box->root));
        (void)text_format(box->path, sizeof(box->path), "%s/history", box->root);
        (void)text_format(box->old, sizeof(box->old), "%s/history.1", box->root);
        assert_int_equal(history_file_new(&box->history, box->root), 0);
        *state = box;
        return 0;
}

static int teardown(void **state)
{
        struct box *box = *state;

        box->history = history_file_free(box->history);
        temp_folder_remove(box->root);
        free(box);
        return 0;
}

static void expect_equal(const struct history_entry *a, const struct history_entry *b)
{
        assert_int_equal(a->at, b->at);
        assert_int_equal(a->severity, b->severity);
        assert_int_equal(a->incident, b->incident);
        assert_int_equal(a->duration, b->duration);
        assert_string_equal(a->boot, b->boot);
        assert_string_equal(a->event, b->event);
        assert_string_equal(a->modem, b->modem);
        assert_string_equal(a->cause, b->cause);
        assert_string_equal(a->message, b->message);
}

static void test_comes_back(void **state)
{
        struct box *box = *state;
        struct history_entry e = entry(25515816702);

        e.severity = SEVERITY_CRITICAL;
        e.duration = 1108301;
        (void)text_copy(e.modem, sizeof(e.modem), "GSM1");
        (void)text_copy(e.cause, sizeof(e.cause), "crash");
        (void)text_copy(e.message, sizeof(e.message), "\"quoted\", \\x1b, a \xc3\xa4 and a \xe2\x82\xac");
        assert_int_equal(history_file_append(box->history, &e), 0);
        assert_int_equal(read_back(box), 1);
        expect_equal(&box->last, &e);
}

static void test_nothing_there(void **state)
{
        struct box *box = *state;

        assert_int_equal(read_back(box), 0);
        assert_int_equal(history_file_read("/nonexistent", count, box), 0);
}

static void test_line_is_as_documented(void **state)
{
        static const char wanted[] =
            "{\"at\":\"2026-11-23T08:00:00.123457Z\",\"boot\":\"9985656fbd1c4210ab8ab2352e71d54e\","
            "\"event\":\"smsd-died\",\"severity\":\"warning\",\"incident\":1,\"message\":\"smsd (pid 7) "
            "died, signal 9\"}\n";
        struct box *box = *state;
        char text[1024];
        size_t length;

        append(box, 1);
        assert_int_equal(file_read_into(box->path, O_NOFOLLOW, text, sizeof(text), &length), 0);
        assert_string_equal(text, wanted);
}

static void test_rights(void **state)
{
        struct box *box = *state;
        const struct group *adm = getgrnam("adm");
        struct stat file;
        mode_t mask = umask(077);

        append(box, 1);
        (void)umask(mask);
        assert_int_equal(stat(box->path, &file), 0);
        assert_int_equal(file.st_mode & 07777, 0640);
        if (adm)
                assert_int_equal(file.st_gid, adm->gr_gid);
}

static void test_foreign_text_is_made_harmless(void **state)
{
        struct box *box = *state;
        struct history_entry e = entry(1);

        (void)text_copy(e.message, sizeof(e.message), "\033[2Jboo\nsecond \xff\xfe");
        (void)text_copy(e.modem, sizeof(e.modem), "G\nM");
        assert_int_equal(history_file_append(box->history, &e), 0);
        assert_int_equal(read_back(box), 1);
        assert_string_equal(box->last.message, "\\x1b[2Jboo\\nsecond \\xff\\xfe");
        assert_string_equal(box->last.modem, "G\\nM");
}

static void test_long_line_is_cut_and_whole(void **state)
{
        struct box *box = *state;
        struct history_entry e = entry(1);

        memset(e.message, '"', sizeof(e.message) - 1); /* two bytes each */
        memset(e.cause, '\\', sizeof(e.cause) - 1);
        memset(e.event, '\\', sizeof(e.event) - 1);
        memset(e.modem, '\\', sizeof(e.modem) - 1);
        e.incident = e.duration = INT64_MAX;
        assert_int_equal(history_file_append(box->history, &e), 0);
        assert_in_range(size_of(box->path), HISTORY_LINE_MAX - 250, HISTORY_LINE_MAX);
        assert_int_equal(read_back(box), 1);
        assert_in_range(strlen(box->last.message), 100, sizeof(e.message) - 2);
        assert_memory_equal(box->last.message, e.message, strlen(box->last.message));
}

static void test_refused(void **state)
{
        struct box *box = *state;
        struct history_entry e = entry(1);

        e.at = 0;
        assert_int_equal(history_file_append(box->history, &e), -EINVAL);
        e = entry(1);
        e.event[0] = '\0';
        assert_int_equal(history_file_append(box->history, &e), -EINVAL);
        e = entry(1);
        e.boot[0] = '\0';
        assert_int_equal(history_file_append(box->history, &e), -EINVAL);
        assert_int_equal(size_of(box->path), -1);
}

/* Three files' worth: two of them stay, nothing in between is lost. */
static void test_rotates(void **state)
{
        struct box *box = *state;
        uint64_t n = 0, dropped = 0;
        unsigned rotations = 0;

        while (rotations < 2) {
                off_t before = size_of(box->path);
                append(box, ++n);
                if (size_of(box->path) < before && rotations++ == 0)
                        dropped = n - 1;
                assert_in_range(size_of(box->path), 1, HISTORY_FILE_MAX);
        }
        assert_in_range(size_of(box->old), HISTORY_FILE_MAX - HISTORY_LINE_MAX, HISTORY_FILE_MAX);
        append(box, ++n);
        assert_int_equal(read_back(box), n - dropped);
        assert_int_equal(box->last.incident, n);
}

static void test_damage_costs_its_own_line(void **state)
{
        static const char *const damage[] = {
            "\n",
            "{}\n",
            "not json\n",
            "[1]\n",
            "{\"at\":1}\n",
            "\0\0\0\n",
            "{\"at\":\"2026-11-23T08:00:00.1",
        };
        struct box *box = *state;

        for (unsigned i = 0; i < ARRAY_SIZE(damage); i++) {
                append(box, i + 1);
                put(box->path, damage[i], i == 5 ? 4 : strlen(damage[i]), O_APPEND);
        }
        append(box, 100); /* behind a torn line */
        assert_int_equal(read_back(box), ARRAY_SIZE(damage) + 1);
        assert_int_equal(box->last.incident, 100);
}

static void test_endless_line(void **state)
{
        struct box *box = *state;
        char *text = malloc(100000);

        assert_non_null(text);
        memset(text, 'x', 100000);
        append(box, 1);
        put(box->path, text, 100000, O_APPEND);
        free(text);
        assert_int_equal(read_back(box), 1);
        append(box, 2);
        assert_int_equal(read_back(box), 2);
}

/* A limit on the file's size stops a write as a full disk does: in the middle. */
static void test_full_disk_takes_the_piece_back(void **state)
{
        struct box *box = *state;
        struct rlimit before, limit;
        struct history_entry e = entry(2);

        append(box, 1);
        off_t size = size_of(box->path);
        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = before;
        limit.rlim_cur = (rlim_t)size + 20;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_int_equal(history_file_append(box->history, &e), -ENOSPC);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(size_of(box->path), size);
        append(box, 3);
        assert_int_equal(read_back(box), 2);
}

static void test_removed_meanwhile(void **state)
{
        struct box *box = *state;

        append(box, 1);
        assert_int_equal(unlink(box->path), 0);
        append(box, 2);
        assert_int_equal(read_back(box), 1);
        assert_int_equal(box->last.incident, 2);
}

static void test_no_link_is_followed(void **state)
{
        struct box *box = *state;
        char target[96];
        struct history_entry e = entry(1);

        (void)text_format(target, sizeof(target), "%s/target", box->root);
        put(target, "", 0, 0);
        assert_int_equal(symlink(target, box->path), 0);
        assert_int_equal(history_file_append(box->history, &e), -ELOOP);
        assert_int_equal(history_file_read(box->root, count, box), -ELOOP);
        assert_int_equal(size_of(target), 0);
}

static void test_no_fifo_is_waited_for(void **state)
{
        struct box *box = *state;
        struct history_entry e = entry(1);

        assert_int_equal(mkfifo(box->path, 0600), 0);
        assert_int_equal(history_file_append(box->history, &e), -EINVAL);
        assert_int_equal(history_file_read(box->root, count, box), -EINVAL);
}

/* What keeps the old file from its place keeps the new one bounded. */
static void test_rotation_that_fails(void **state)
{
        struct box *box = *state;
        struct history_entry e = entry(1);
        int r = 0;

        assert_int_equal(mkdir(box->old, 0700), 0);
        for (unsigned i = 0; i < 20000 && r == 0; i++)
                r = history_file_append(box->history, &e);
        assert_int_equal(r, -EISDIR);
        assert_in_range(size_of(box->path), 1, HISTORY_FILE_MAX);
}

static int stop_at_second(void *userdata, const struct history_entry *e)
{
        (void)userdata;
        return e->incident == 2 ? 42 : 0;
}

static void test_reading_can_be_ended(void **state)
{
        struct box *box = *state;

        append(box, 1);
        append(box, 2);
        append(box, 3);
        assert_int_equal(history_file_read(box->root, stop_at_second, NULL), 42);
}

#define HEAD "{\"at\":\"2026-11-23T08:00:00.000000Z\",\"boot\":\"b\",\"event\":\"e\",\"severity\":\"info\""

static const struct {
        const char *line;
        int result;
} lines[] = {
    {HEAD "}", 0},
    {HEAD "}\n", 0},
    {HEAD ",\"later\":{\"key\":[1]}}", 0}, /* of a newer version */
    {HEAD ",\"incident\":18446744073709551615}", -EBADMSG},
    {HEAD ",\"incident\":-1}", -EBADMSG},
    {HEAD ",\"incident\":1.5}", -EBADMSG},
    {HEAD ",\"duration\":\"1\"}", -EBADMSG},
    {HEAD ",\"message\":7}", -EBADMSG},
    {HEAD ",\"message\":\"\\u0000\"}", -EBADMSG},
    {HEAD ",\"message\":\"\xff\"}", -EBADMSG},
    {HEAD ",\"modem\":\"a name that is longer than any name of a modem may be\"}", -EBADMSG},
    {HEAD "} {}", -EBADMSG},
    {HEAD, -EBADMSG},
    {"{\"at\":\"2026-11-23T08:00:00.000000Z\",\"boot\":\"b\",\"event\":\"e\",\"severity\":\"dire\"}",
     -EBADMSG},
    {"{\"at\":\"2026-11-23T08:00:00.000000Z\",\"boot\":\"b\",\"severity\":\"info\"}", -EBADMSG},
    {"{\"at\":\"2026-11-23T08:00:00.000000Z\",\"event\":\"e\",\"severity\":\"info\"}", -EBADMSG},
    {"{\"at\":\"2026-11-23T08:00:00.000Z\",\"boot\":\"b\",\"event\":\"e\",\"severity\":\"info\"}", -EBADMSG},
    {"{\"at\":\"2026-11-23 08:00:00\",\"boot\":\"b\",\"event\":\"e\",\"severity\":\"info\"}", -EBADMSG},
    {"{\"at\":\"1969-11-23T08:00:00.000000Z\",\"boot\":\"b\",\"event\":\"e\",\"severity\":\"info\"}",
     -EBADMSG},
    {"{\"at\":1,\"boot\":\"b\",\"event\":\"e\",\"severity\":\"info\"}", -EBADMSG},
    {"null", -EBADMSG},
    {"", -EBADMSG},
};

static void test_lines(void **state)
{
        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
                struct history_entry e = {.duration = 99};
                int r = history_file_parse(lines[i].line, strlen(lines[i].line), &e);
                if (r != lines[i].result)
                        print_message("%s\n", lines[i].line);
                assert_int_equal(r, lines[i].result);
                assert_int_equal(e.duration, r == 0 ? 0 : 99);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
            TEST(test_comes_back),
            TEST(test_nothing_there),
            TEST(test_line_is_as_documented),
            TEST(test_rights),
            TEST(test_foreign_text_is_made_harmless),
            TEST(test_long_line_is_cut_and_whole),
            TEST(test_refused),
            TEST(test_rotates),
            TEST(test_damage_costs_its_own_line),
            TEST(test_endless_line),
            TEST(test_full_disk_takes_the_piece_back),
            TEST(test_removed_meanwhile),
            TEST(test_no_link_is_followed),
            TEST(test_no_fifo_is_waited_for),
            TEST(test_rotation_that_fails),
            TEST(test_reading_can_be_ended),
            cmocka_unit_test(test_lines),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
