/*
 * adapters/hold_store: written, read, removed; another boot's hold and whatever else lies at its place.
 */
#include "adapters/hold_store.h"

#include "base/file.h"
#include "base/text.h"

#include "temp_folder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const struct hold_record sample = {.source = HOLD_SOURCE_LEGACY,
                                          .by = "pi",
                                          .reason = "line one\nline two",
                                          .since = 5,
                                          .until = 10,
                                          .since_realtime = 7};

static int setup(void **state)
{
        return temp_fixture_make(state, "test_hold_store", "hold");
}

static void put(const char *path, const char *text)
{
        assert_int_equal(file_replace(path, text, strlen(text), 0600), 0);
}

static void test_written_read_removed(void **state)
{
        struct temp_fixture *fixture = *state;
        struct hold_record record;
        struct stat st;

        assert_int_equal(hold_store_read(fixture->folder, &record), -ENOENT);
        assert_int_equal(hold_store_write(fixture->folder, &sample), 0);
        assert_int_equal(hold_store_write(fixture->folder, &sample), 0); /* and again over it */
        assert_int_equal(hold_store_read(fixture->folder, &record), 0);
        assert_int_equal(record.source, HOLD_SOURCE_LEGACY);
        assert_string_equal(record.by, "pi");
        assert_string_equal(record.reason, "line one\nline two");
        assert_int_equal(record.since, 5);
        assert_int_equal(record.until, 10);
        assert_int_equal(record.since_realtime, 7);
        assert_int_equal(stat(fixture->path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(hold_store_remove(fixture->folder), 0);
        assert_int_equal(hold_store_remove(fixture->folder), 0);
        assert_int_equal(hold_store_read(fixture->folder, &record), -ENOENT);
        assert_int_equal(rmdir(fixture->folder), 0); /* nothing is left behind */
        assert_int_equal(hold_store_write(fixture->folder, &sample), -ENOENT);
}

static void test_another_boot(void **state)
{
        struct temp_fixture *fixture = *state;
        struct hold_record record = sample;
        char text[HOLD_RECORD_TEXT_MAX];

        assert_true(hold_record_encode(&sample, "00000000000000000000000000000001", text, sizeof(text)) > 0);
        put(fixture->path, text);
        memset(&record, 0x5a, sizeof(record));
        struct hold_record untouched = record;
        assert_int_equal(hold_store_read(fixture->folder, &record), 1);
        assert_memory_equal(&record, &untouched, sizeof(record));
}

static void test_garbage(void **state)
{
        struct temp_fixture *fixture = *state;
        struct hold_record record;
        char large[HOLD_RECORD_TEXT_MAX + 2];

        put(fixture->path, "1700000000 stopped by hand\n");
        assert_int_equal(hold_store_read(fixture->folder, &record), -EBADMSG);
        memset(large, '\n', sizeof(large) - 1);
        large[sizeof(large) - 1] = '\0';
        put(fixture->path, large);
        assert_int_equal(hold_store_read(fixture->folder, &record), -EBADMSG);
        assert_int_equal(unlink(fixture->path), 0);
        assert_int_equal(symlink("/etc/passwd", fixture->path), 0);
        assert_int_equal(hold_store_read(fixture->folder, &record), -EBADMSG);
        assert_int_equal(unlink(fixture->path), 0);
        assert_int_equal(mkfifo(fixture->path, 0666), 0);
        assert_int_equal(hold_store_read(fixture->folder, &record), -EBADMSG); /* and does not wait */
        assert_int_equal(unlink(fixture->path), 0);
        assert_int_equal(mkdir(fixture->path, 0700), 0);
        assert_int_equal(hold_store_read(fixture->folder, &record), -EBADMSG);
        assert_int_equal(hold_store_remove(fixture->folder), -EISDIR);
}

static void test_a_link_is_replaced_not_followed(void **state)
{
        struct temp_fixture *fixture = *state;
        struct hold_record record;
        char victim[80];
        struct stat st;

        (void)text_format(victim, sizeof(victim), "%s/victim", fixture->folder);
        put(victim, "precious");
        assert_int_equal(symlink(victim, fixture->path), 0);
        assert_int_equal(hold_store_write(fixture->folder, &sample), 0);
        assert_int_equal(hold_store_read(fixture->folder, &record), 0);
        assert_int_equal(stat(victim, &st), 0);
        assert_int_equal(st.st_size, strlen("precious"));
}

static void test_no_end_no_file(void **state)
{
        struct temp_fixture *fixture = *state;
        struct hold_record endless = sample, record;

        endless.until = USEC_INFINITY;
        assert_int_equal(hold_store_write(fixture->folder, &endless), -EINVAL);
        assert_int_equal(hold_store_read(fixture->folder, &record), -ENOENT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, temp_fixture_remove)

int main(void)
{
        const struct CMUnitTest tests[] = {
            TEST(test_written_read_removed),
            TEST(test_another_boot),
            TEST(test_garbage),
            TEST(test_a_link_is_replaced_not_followed),
            TEST(test_no_end_no_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
