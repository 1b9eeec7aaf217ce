/*
 * adapters/config_file: what inih makes of lines, which files count, what a person is told, and the last good
 * copy.
 */
#include "adapters/config_file.h"

#include "base/text.h"

#include "temp_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct fixture {
        char folder[64];
        char path[128]; /* of the main file */
        struct config config;
        struct config_file_error error;
};

static int setup(void **state)
{
        struct fixture *fixture = calloc(1, sizeof(*fixture));

        (void)text_copy(fixture->folder, sizeof(fixture->folder), "/tmp/test_config_file.XXXXXX");
        if (!mkdtemp(fixture->folder))
                return -1;
        (void)text_format(fixture->path, sizeof(fixture->path), "%s/smswarden.conf", fixture->folder);
        *state = fixture;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *fixture = *state;

        temp_folder_remove(fixture->folder);
        free(fixture);
        return 0;
}

static void put_bytes(const char *path, const char *bytes, size_t length)
{
        _cleanup_fclose_ FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, length, file), length);
}

static void put(const char *path, const char *text)
{
        put_bytes(path, text, strlen(text));
}

static const char *in(const struct fixture *fixture, const char *name)
{
        static char path[2][PATH_MAX];
        static unsigned turn;

        turn = !turn;
        (void)text_format(path[turn], sizeof(path[turn]), "%s/%s", fixture->folder, name);
        return path[turn];
}

static void put_dropin(const struct fixture *fixture, const char *name, const char *text)
{
        char path[PATH_MAX];

        (void)mkdir(in(fixture, "smswarden.conf.d"), 0755);
        (void)text_format(path, sizeof(path), "%s/smswarden.conf.d/%s", fixture->folder, name);
        put(path, text);
}

static int load(struct fixture *fixture)
{
        return config_file_load(fixture->path, &fixture->config, &fixture->error);
}

/* The message without the folder, which differs from run to run. */
static const char *message(const struct fixture *fixture)
{
        assert_true(text_starts_with(fixture->error.message, fixture->folder));
        return fixture->error.message + strlen(fixture->folder) + 1;
}

static void test_missing_files_mean_the_defaults(void **state)
{
        struct fixture *fixture = *state;
        struct config standard;

        config_init(&standard);
        assert_int_equal(load(fixture), 0);
        assert_memory_equal(&fixture->config, &standard, sizeof(standard));
        put(fixture->path, "");
        assert_int_equal(load(fixture), 0);
        assert_memory_equal(&fixture->config, &standard, sizeof(standard));
}

static void test_lines(void **state)
{
        struct fixture *fixture = *state;

        put(fixture->path,
            "\xef\xbb\xbf; a comment\r\n# another\r\n[gateway]\r\nmode = observe ; why not\r\n"
            "   control=direct\r\n\tsmsd = /opt/a;b#c ;\r\n[notify vps] ; mine\ntype = webhook\n"
            "url = https://x/?a;b#c = d\n[modem GSM1]\n[gateway]\nunit: other.service\n[modem "
            "GSM2]\nprofile=generic");
        /* the blank in the address is refused: '#' is no comment there */
        assert_int_equal(load(fixture), -EINVAL);
        assert_string_equal(message(fixture),
                            "smswarden.conf:9: [notify vps] url: the value is not an address; write one "
                            "without blanks and quotes, at most 511 bytes");
        put(fixture->path,
            "\xef\xbb\xbf; a comment\r\n# another\r\n[gateway]\r\nmode = observe ; why not\r\n"
            "   control=direct\r\n\tsmsd = /opt/a;b#c ;\r\n[notify vps] ; mine\ntype = webhook\n"
            "url = https://x/?a;b#c=d ; e\n[modem GSM1]\n[gateway]\nunit: other.service\n[modem "
            "GSM2]\nprofile=generic");
        assert_int_equal(load(fixture), 0);
        assert_int_equal(fixture->config.mode, MODE_OBSERVE);
        assert_int_equal(fixture->config.control, CONTROL_DIRECT);
        assert_string_equal(fixture->config.smsd, "/opt/a;b#c");
        assert_string_equal(fixture->config.receivers[0].url, "https://x/?a;b#c=d");
        assert_string_equal(fixture->config.unit, "other.service");
        assert_int_equal(fixture->config.n_modems, 2);
        assert_string_equal(fixture->config.modems[0].name, "GSM1"); /* empty, and still there */
        assert_string_equal(fixture->config.modems[1].profile, "generic");
}

static void test_bad_lines_are_told(void **state)
{
        static const struct {
                const char *text, *message;
        } rows[] = {
            {"[hold]\ndefault = soon\n", "smswarden.conf:2: [hold] default: \"soon\" is not a duration from "
                                         "1s to 7d; write one like 90s, 30min or 1h30min"},
            {"[hold]\n\n\ndefualt = 1h\n[x]\n",
             "smswarden.conf:4: [hold] defualt: no such key; did you mean default?"},
            {"mode = control\n", "smswarden.conf:1: mode: stands before the first [section]"},
            {"[hold]\ndefault\n", "smswarden.conf:2: is neither [section] nor key = value nor a comment"},
            {"[hold\ndefault = 1h\n", "smswarden.conf:1: is neither [section] nor key = value nor a comment"},
            {"[hold]\nrubbish\ndefault = x\n",
             "smswarden.conf:2: is neither [section] nor key = value nor a comment"},
            {"[hold] default = 1h\n",
             "smswarden.conf:1: text behind the section's ']'; write it on a line of its own"},
            {"[hold]\ndefault = 1h\n[hodl]\n",
             "smswarden.conf:3: [hodl]: no such section; did you mean [hold]?"},
            {"[hold]\ndefault = 1h # an hour\n", "smswarden.conf:2: [hold] default: \"1h # an hour\" is not "
                                                 "a duration from 1s to 7d; write one like 90s, 30min or "
                                                 "1h30min"},
            {"[hold]\n# \x1b[31m\n", "smswarden.conf:2: holds a control character"},
            {"[hold]\r\rdefault = 1h\n", "smswarden.conf:1: holds a control character"},
            {"[hold]\ndefault = 5h\n", "smswarden.conf:2: [hold] default: 5h is longer than [hold] maximum, "
                                       "4h; lower one or raise the other"},
            {"[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n",
             "smswarden.conf:1: the name of the section is too long"},
        };
        struct fixture *fixture = *state;
        struct config untouched;

        memset(&fixture->config, 0x5a, sizeof(fixture->config));
        untouched = fixture->config;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                put(fixture->path, rows[i].text);
                assert_int_equal(load(fixture), -EINVAL);
                assert_string_equal(message(fixture), rows[i].message);
                assert_memory_equal(&fixture->config, &untouched, sizeof(untouched));
        }
}

/* What only the whole shows is told where the key was set last, else where its section began last. */
static void test_faults_of_the_whole_have_a_place(void **state)
{
        static const struct {
                const char *main, *dropin, *message; /* as far as it is given */
        } rows[] = {
            {"[hold]\nmaximum = 1h\ndefault = 5h\n\n[restart]\n", NULL,
             "smswarden.conf:3: [hold] default: 5h"},
            {"[hold]\ndefault=5h\n [ hold]\n", NULL, "smswarden.conf:3: [ hold]: no such section"},
            {"[hold]\nmaximum = 5h\n[hold]\n\tdefault : 5h\n", "[hold]\n; a comment\nmaximum = 1h\n",
             "smswarden.conf:4: [hold] default: 5h"},
            {"[hold]\ndefault = 5min\n", "\r\n[hold]\r\ndefault = 6h\r\n",
             "smswarden.conf.d/10.conf:3: [hold] default: 6h"},
            {"[hold]\nmaximum = 10min\n", NULL, "smswarden.conf:1: [hold] default: 30min"},
            {"[notify \t vps]\ntype = ntfy\n[notify a]\ntype = exec\nurl = /x\n", NULL,
             "smswarden.conf:1: [notify vps] url: is missing"},
            {"[notify vps]\ntype = ntfy\n", "[notify vps]\nurl = ntfy.sh/x\n[notify vps2]\nurl = y\n",
             "smswarden.conf.d/10.conf:2: [notify vps] url: type ntfy"},
            {"[notify vps]\ntype = ntfy\n", "[notify vps]\nurl_file = x\ntoken_file = y\nuser = z",
             "smswarden.conf.d/10.conf:4: [notify vps] user: there is no password_file"},
            {"\xef\xbb\xbf[notify heartbeat]\ntype = exec\nurl = /x", NULL,
             "smswarden.conf:1: [notify heartbeat] the"},
            {"[gateway]\nstate_dir = /run/smswarden", NULL,
             "smswarden.conf:1: [gateway] runtime_dir: must not"},
        };
        struct fixture *fixture = *state;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                put(fixture->path, rows[i].main);
                put_dropin(fixture, "10.conf", rows[i].dropin ? rows[i].dropin : "");
                assert_int_equal(load(fixture), -EINVAL);
                if (!text_starts_with(message(fixture), rows[i].message))
                        fail_msg("%s instead of %s", message(fixture), rows[i].message);
        }
}

/* inih's own limit splits a longer line silently; the first length that does not fit must be an error, the
 * one before must be whole. */
static void test_long_lines(void **state)
{
        struct fixture *fixture = *state;
        char text[600] = "[gateway]\nsmsd = /";

        memset(text + strlen(text), 'x', 198 - strlen("smsd = /"));
        put(fixture->path, text);
        assert_int_equal(load(fixture), 0);
        assert_int_equal(strlen(fixture->config.smsd), 198 - strlen("smsd = "));
        text[strlen(text)] = 'x';
        put(fixture->path, text);
        assert_int_equal(load(fixture), -EINVAL);
        assert_string_equal(message(fixture), "smswarden.conf:2: the line is longer than 198 bytes");

        /* What has a way out is told it. */
        (void)text_copy(text, sizeof(text), "[notify x]\ntemplate = ");
        memset(text + strlen(text), 'x', 200);
        put(fixture->path, text);
        assert_int_equal(load(fixture), -EINVAL);
        assert_string_equal(message(fixture), "smswarden.conf:2: the line is longer than 198 bytes; put the "
                                              "value into a file and name that with template_file");
        memset(text + strlen(text), 'x', 300);
        put(fixture->path, text);
        assert_int_equal(load(fixture), -EINVAL);
        assert_int_equal(fixture->error.line, 2);
}

static void test_nul_bytes(void **state)
{
        struct fixture *fixture = *state;
        static const char bytes[] = "[hold]\ndefault = 1h\0rubbish\n";

        put_bytes(fixture->path, bytes, sizeof(bytes) - 1);
        assert_int_equal(load(fixture), -EINVAL);
        assert_string_equal(message(fixture), "smswarden.conf:2: holds a control character");
}

static void test_dropins_come_in_order(void **state)
{
        struct fixture *fixture = *state;

        put(fixture->path, "[hold]\ndefault = 1h\nmaximum = 3h\n");
        put_dropin(fixture, "20-b.conf", "[hold]\ndefault = 20min\n");
        put_dropin(fixture, "10-a.conf", "[hold]\ndefault = 10min\n[modem GSM1]\nmatch = usb=1-1\n");
        put_dropin(fixture, "99-z.conf.bak", "rubbish");
        put_dropin(fixture, ".hidden.conf", "rubbish");
        assert_int_equal(load(fixture), 0);
        assert_int_equal(fixture->config.hold_default, 20 * USEC_PER_MIN);
        assert_int_equal(fixture->config.hold_maximum, 3 * USEC_PER_HOUR);
        assert_int_equal(fixture->config.n_modems, 1);
        put_dropin(fixture, "30-c.conf", "\n[hold]\nmaximum = x\n");
        assert_int_equal(load(fixture), -EINVAL);
        assert_true(
            text_starts_with(message(fixture), "smswarden.conf.d/30-c.conf:3: [hold] maximum: \"x\" is not"));
        assert_int_equal(fixture->error.line, 3);
}

static void test_a_section_ends_with_its_file(void **state)
{
        struct fixture *fixture = *state;

        put(fixture->path, "[hold]\ndefault = 1h");
        put_dropin(fixture, "a.conf", "maximum = 3h\n");
        assert_int_equal(load(fixture), -EINVAL);
        assert_string_equal(message(fixture),
                            "smswarden.conf.d/a.conf:1: maximum: stands before the first [section]");
}

static void test_dropins_without_a_main_file(void **state)
{
        struct fixture *fixture = *state;

        put_dropin(fixture, "a.conf", "[gateway]\nmode = observe\n");
        assert_int_equal(load(fixture), 0);
        assert_int_equal(fixture->config.mode, MODE_OBSERVE);
}

static void test_what_is_no_regular_file(void **state)
{
        struct fixture *fixture = *state;

        assert_int_equal(mkfifo(fixture->path, 0600), 0);
        assert_int_equal(load(fixture), -EBADF); /* and it returns: nobody waits for a writer */
        assert_string_equal(message(fixture), "smswarden.conf: is not a regular file");
        assert_int_equal(unlink(fixture->path), 0);
        assert_int_equal(mkdir(fixture->path, 0700), 0);
        assert_int_equal(load(fixture), -EISDIR);
        assert_int_equal(rmdir(fixture->path), 0);
        put_dropin(fixture, "a.conf", "");
        assert_int_equal(symlink("/nowhere/at-all", in(fixture, "smswarden.conf.d/b.conf")), 0);
        assert_int_equal(load(fixture), -ENOENT);
        assert_string_equal(message(fixture),
                            "smswarden.conf.d/b.conf: cannot be read: No such file or directory");
}

static void test_a_linked_main_file_is_followed(void **state)
{
        struct fixture *fixture = *state;

        put(in(fixture, "elsewhere"), "[gateway]\nmode = observe\n");
        assert_int_equal(symlink(in(fixture, "elsewhere"), fixture->path), 0);
        assert_int_equal(load(fixture), 0);
        assert_int_equal(fixture->config.mode, MODE_OBSERVE);
}

static void test_sizes_are_bounded(void **state)
{
        struct fixture *fixture = *state;
        char name[32];
        _cleanup_free_ char *blanks = malloc(CONFIG_FILE_SIZE_MAX + 1);

        assert_non_null(blanks);
        memset(blanks, '\n', CONFIG_FILE_SIZE_MAX + 1);
        put_bytes(fixture->path, blanks, CONFIG_FILE_SIZE_MAX + 1);
        assert_int_equal(load(fixture), -EFBIG);
        put_bytes(fixture->path, blanks, CONFIG_FILE_SIZE_MAX);
        assert_int_equal(load(fixture), 0);
        put_dropin(fixture, "a.conf", "\n");
        assert_int_equal(load(fixture), -EFBIG);
        assert_string_equal(message(fixture),
                            "smswarden.conf.d/a.conf: makes the configuration larger than 262144 bytes");
        put(fixture->path, "");
        for (unsigned i = 1; i <= CONFIG_FILE_DROPINS_MAX; i++) {
                assert_int_equal(load(fixture), 0);
                (void)text_format(name, sizeof(name), "b%02u.conf", i);
                put_dropin(fixture, name, "");
        }
        assert_int_equal(load(fixture), -E2BIG);
}

static void test_the_good_copy(void **state)
{
        struct fixture *fixture = *state;
        struct config loaded, kept = {0}; /* what is not used is left as it is */
        struct stat st;

        /* The places that nobody has are nobody's. */
        memset(&loaded, 0, sizeof(loaded));
        memset(&kept, 0, sizeof(kept));
        assert_int_equal(config_file_load_good(fixture->folder, &kept, &fixture->error), -ENOENT);
        put(fixture->path, "\xef\xbb\xbf[hold]\ndefault = 1h\n[modem A]");
        put_dropin(fixture, "10.conf",
                   "\xef\xbb\xbf[hold]\r\ndefault = 50min\r\n[notify x]\ntype = sms\nurl = +370600");
        put_dropin(fixture, "20.conf", "[hold]\nnotify_after = 5min\n");
        assert_int_equal(load(fixture), 0);
        config_copy(&loaded, &fixture->config);
        assert_int_equal(config_file_save_good(fixture->folder, fixture->path), 0);
        assert_int_equal(stat(in(fixture, "smswarden.conf.good"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);

        /* What would not load is not kept, and the old copy stays. */
        put_dropin(fixture, "20.conf", "[hold]\nnotify_after = never\n");
        assert_int_equal(config_file_save_good(fixture->folder, fixture->path), -EINVAL);
        assert_int_equal(config_file_load_good(fixture->folder, &kept, &fixture->error), 0);
        assert_memory_equal(&kept, &loaded, sizeof(kept));
}

static void test_the_largest_configuration_can_be_kept(void **state)
{
        struct fixture *fixture = *state;
        char name[32];
        struct config kept;
        _cleanup_free_ char *blanks = malloc(CONFIG_FILE_SIZE_MAX);

        assert_non_null(blanks);
        memset(blanks, '\n', CONFIG_FILE_SIZE_MAX);
        put_bytes(fixture->path, blanks, CONFIG_FILE_SIZE_MAX);
        for (unsigned i = 1; i <= CONFIG_FILE_DROPINS_MAX; i++) {
                (void)text_format(name, sizeof(name), "b%02u.conf", i);
                put_dropin(fixture, name, "");
        }
        assert_int_equal(config_file_save_good(fixture->folder, fixture->path), 0);
        assert_int_equal(config_file_load_good(fixture->folder, &kept, &fixture->error), 0);
}

static void test_a_spoiled_good_copy_is_refused(void **state)
{
        struct fixture *fixture = *state;
        struct config kept;

        put(in(fixture, "smswarden.conf.good"), "[hold]\ndefault = \x01\n");
        assert_int_equal(config_file_load_good(fixture->folder, &kept, &fixture->error), -EINVAL);
        assert_int_equal(config_file_save_good(in(fixture, "absent"), fixture->path), -ENOENT);
}

static void test_the_state_dir_of_a_refused_configuration(void **state)
{
        static const struct {
                const char *text, *folder; /* NULL: none */
        } cases[] = {
            {"[gateway]\nstate_dir = /a\n[hold]\ndefault = banana\n", "/a"},
            {"\xef\xbb\xbf[gateway]\r\n  state_dir=/a/b \t\r\nunknown\r\n", "/a/b"},
            {"[hold]\ndefault = \x01\n[gateway] ; where\nstate_dir : /a ; on the disk\n", "/a"},
            {"[gateway]\nstate_dir = /a\n[hold\n[gateway]\nstate_dir = /b\nstate_dir = not absolute\n", "/b"},
            {"[gateway]\nstate_directory = /a\n; state_dir = /b\n[hold]\nstate_dir = /c\n", NULL},
            {"state_dir = /a\n[gateway x]\n[hold]\nstate_dir /a\n", NULL},
            {"", NULL},
        };
        struct fixture *fixture = *state;
        char folder[CONFIG_PATH_MAX];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                put(fixture->path, cases[i].text);
                int r = config_file_find_state_dir(fixture->path, folder, sizeof(folder));
                assert_int_equal(r, cases[i].folder ? 0 : -ENOENT);
                if (cases[i].folder)
                        assert_string_equal(folder, cases[i].folder);
        }
        put_dropin(fixture, "10.conf", "[gateway]\nstate_dir = /dropin\nnonsense\n");
        assert_int_equal(config_file_find_state_dir(fixture->path, folder, sizeof(folder)), 0);
        assert_string_equal(folder, "/dropin");
        assert_int_equal(config_file_find_state_dir(fixture->path, folder, 3), -ENAMETOOLONG);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
            TEST(test_missing_files_mean_the_defaults),
            TEST(test_lines),
            TEST(test_bad_lines_are_told),
            TEST(test_faults_of_the_whole_have_a_place),
            TEST(test_long_lines),
            TEST(test_nul_bytes),
            TEST(test_dropins_come_in_order),
            TEST(test_a_section_ends_with_its_file),
            TEST(test_dropins_without_a_main_file),
            TEST(test_what_is_no_regular_file),
            TEST(test_a_linked_main_file_is_followed),
            TEST(test_sizes_are_bounded),
            TEST(test_the_good_copy),
            TEST(test_the_largest_configuration_can_be_kept),
            TEST(test_a_spoiled_good_copy_is_refused),
            TEST(test_the_state_dir_of_a_refused_configuration),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
