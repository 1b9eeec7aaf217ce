/*
 * The lossless edit: golden files (NAME.conf, NAME.change, NAME.expected), one per trap, and what is refused.
 * A .change begins with "expect RESULT" and has a line "MODEM<TAB>KEY<TAB>VALUE" per change, "-" for the
 * global part.
 */
#include "core/smsd_conf.h"

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN      "tests/golden/smsd_conf"
#define CASES_MIN   40 /* as many as there are now: a folder that is not found must not pass */
#define CHANGES_MAX 8

struct file {
        char *text;
        size_t length;
};

static void file_done(struct file *file)
{
        free(file->text);
}

static bool load(struct file *file, const char *name, const char *suffix)
{
        char path[512];

        (void)text_format(path, sizeof(path), GOLDEN "/%s%s", name, suffix);
        _cleanup_fclose_ FILE *stream = fopen(path, "re");
        if (!stream)
                return false;
        file->text = calloc(1, SMSD_CONF_SIZE_MAX + 1);
        assert_non_null(file->text);
        file->length = fread(file->text, 1, SMSD_CONF_SIZE_MAX, stream);
        return true;
}

/* Splits `text` in place. Returns the number of changes. */
static unsigned parse_changes(char *text, int *ret_expect, struct smsd_conf_change changes[CHANGES_MAX])
{
        unsigned n = 0;
        char *rest = text, *line = strsep(&rest, "\n");

        assert_true(text_starts_with(line, "expect "));
        assert_int_equal(parse_int(line + 7, -4096, 1, ret_expect), 0);
        while ((line = strsep(&rest, "\n")) && line[0] != '\0') {
                assert_true(n < CHANGES_MAX);
                char *modem = strsep(&line, "\t"), *key = strsep(&line, "\t");
                assert_non_null(line);
                changes[n++] = (struct smsd_conf_change){text_equal(modem, "-") ? NULL : modem, key, line};
        }
        assert_true(n > 0);
        return n;
}

/* The edit of its own result must find nothing to do. */
static void assert_done(const char *name, const char *text, size_t length,
                        const struct smsd_conf_change *changes, unsigned n)
{
        struct smsd_conf conf = {text, length};
        struct smsd_conf_error error;
        char *again;
        size_t again_length;

        if (smsd_conf_edit(&conf, changes, n, &again, &again_length, &error) != 0 || again)
                fail_msg("%s: the second time changes something", name);
}

static void run_case(const char *name)
{
        _cleanup_(file_done) struct file conf_file = {0}, change_file = {0}, expected = {0};
        struct smsd_conf_change changes[CHANGES_MAX];
        struct smsd_conf_error error = {0};
        _cleanup_free_ char *text = NULL;
        size_t length = 0;
        int expect;

        if (!load(&conf_file, name, ".conf") || !load(&change_file, name, ".change"))
                fail_msg("%s: files missing", name);
        unsigned n = parse_changes(change_file.text, &expect, changes);
        if ((expect == 1) != load(&expected, name, ".expected"))
                fail_msg("%s: .expected does not go with the result", name);
        struct smsd_conf conf = {conf_file.text, conf_file.length};
        int r = smsd_conf_edit(&conf, changes, n, &text, &length, &error);
        if (r != expect || (r == 1) != (text != NULL))
                fail_msg("%s: result %d, %s", name, r, error.message);
        if (r < 0)
                assert_true(error.message[0] != '\0');
        if (r != 1)
                return;
        if (length != expected.length || memcmp(text, expected.text, length) != 0)
                fail_msg("%s: got\n%s", name, text);
        assert_done(name, text, length, changes, n);
}

static void test_golden(void **state)
{
        DIR *folder = opendir(GOLDEN);
        unsigned cases = 0;

        (void)state;
        assert_non_null(folder);
        for (const struct dirent *entry; (entry = readdir(folder));) {
                const char *suffix = strstr(entry->d_name, ".change");
                char name[64];
                if (!suffix)
                        continue;
                assert_int_equal(
                    text_copy_n(name, sizeof(name), entry->d_name, (size_t)(suffix - entry->d_name)), 0);
                run_case(name);
                cases++;
        }
        (void)closedir(folder);
        assert_true(cases >= CASES_MIN);
}

static const char good[] = "devices = GSM1\n[GSM1]\ndevice = /dev/a\n";

static void test_refused(void **state)
{
        static const struct smsd_conf_change refused[] = {
            {"GSM1", "device", "/dev/a\nalarmhandler = /tmp/evil"},
            {"GSM1", "device", "/dev/a\r"},
            {"GSM1", "device", "/dev/a\rx"},
            {"GSM1", "device", "/dev/\x1b[2J"},
            {"GSM1", "device", "/dev/\ta"},
            {"GSM1", "device", "/dev/a\x7f"},
            {"GSM1", "device", " /dev/a"},
            {"GSM1", "device", "/dev/a "},
            {"GSM1", "device", "?/dev/a"},
            {"GSM1", "pin", "1234567890123456"},
            {"GSM1]\n[x", "device", "/dev/x"},
            {"GSM1]", "device", "/dev/x"},
            {"[GSM1", "device", "/dev/x"},
            {"GSM 1", "device", "/dev/x"},
            {"", "device", "/dev/x"},
            {"default", "device", "/dev/x"},
            {"GSM*", "device", "/dev/x"},
            {"queues", "device", "/dev/x"},
            {"aaaaaaaaaabbbbbbbbbbccccccccccde", "device", "/dev/x"},
            {"GSM1", "", "x"},
            {"GSM1", "de vice", "x"},
            {"GSM1", "device=/dev/evil\ndevice", "x"},
            {"GSM1", "#device", "x"},
            {"GSM1", "[device", "x"},
            {"GSM1", "regular_run_cmd", "AT"},
            {NULL, "priviledged_numbers", "1"},
            {NULL, "loglevel", "5\n"},
        };
        struct smsd_conf conf = {good, strlen(good)};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
                struct smsd_conf_error error = {0};
                char untouched, *text = &untouched;
                size_t length = 77;
                int r = smsd_conf_edit(&conf, &refused[i], 1, &text, &length, &error);
                if (r != -EINVAL || text != &untouched || length != 77 || error.message[0] == '\0')
                        fail_msg("row %zu: %d", i, r);
                for (const char *p = error.message; *p != '\0'; p++)
                        assert_true((unsigned char)*p >= ' ');
                assert_int_equal(smsd_conf_edit(&conf, &refused[i], 1, &text, &length, NULL), -EINVAL);
        }
}

/* The longest values that smsd was measured to take, and one more. */
static void test_value_limits(void **state)
{
        static const struct {
                const char *key;
                size_t limit;
        } limits[] = {{"init", 98},
                      {"INIT1", 98},
                      {"init2", 98},
                      {"pin", 15},
                      {"device", 4094 /* and the blank before it */}};
        struct smsd_conf conf = {good, strlen(good)};
        char value[4200];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
                for (size_t more = 0; more < 2; more++) {
                        struct smsd_conf_change change = {"GSM1", limits[i].key, value};
                        _cleanup_free_ char *text = NULL;
                        size_t length;
                        memset(value, 'A', limits[i].limit + more);
                        value[limits[i].limit + more] = '\0';
                        int r = smsd_conf_edit(&conf, &change, 1, &text, &length, NULL);
                        assert_int_equal(r, more ? -EINVAL : 1);
                }
}

static void test_size_limit(void **state)
{
        _cleanup_free_ char *large = malloc(SMSD_CONF_SIZE_MAX);
        struct smsd_conf_change change = {"GSM1", "device", "/dev/a"};
        struct smsd_conf_error error = {0};
        char *text = NULL;
        size_t length;

        (void)state;
        assert_non_null(large);
        memset(large, '\n', SMSD_CONF_SIZE_MAX);
        struct smsd_conf conf = {large, SMSD_CONF_SIZE_MAX};
        assert_int_equal(smsd_conf_edit(&conf, &change, 1, &text, &length, &error), -E2BIG);
        assert_null(text);
        assert_true(error.message[0] != '\0');
}

static void test_no_changes(void **state)
{
        struct smsd_conf conf = {good, strlen(good)};
        char *text;
        size_t length;

        (void)state;
        assert_int_equal(smsd_conf_edit(&conf, NULL, 0, &text, &length, NULL), 0);
        assert_null(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_golden),       cmocka_unit_test(test_refused),
            cmocka_unit_test(test_value_limits), cmocka_unit_test(test_size_limit),
            cmocka_unit_test(test_no_changes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
