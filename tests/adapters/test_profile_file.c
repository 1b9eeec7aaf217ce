/*
 * adapters/profile_file: the shipped files and the built-in table are the same, the user's replace them, what
 * is wrong is told with file and line, and the real smsd takes every setting that a profile may bring.
 */
#include "adapters/profile_file.h"

#include "base/cleanup.h"
#include "base/text.h"

#include "temp_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SHIPPED "profiles.d"
#define SMSD    "/usr/sbin/smsd"
#define MINE    "[profile]\nport_rule = any-serial\npreference = 5\n"

struct fixture {
        char folder[64], shipped[96], own[96];
        struct profile_table *table;
        struct profile_file_result result;
};

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        (void)text_copy(f->folder, sizeof(f->folder), "/tmp/test_profile_file.XXXXXX");
        if (!mkdtemp(f->folder))
                return -1;
        (void)text_format(f->shipped, sizeof(f->shipped), "%s/shipped", f->folder);
        (void)text_format(f->own, sizeof(f->own), "%s/profiles.d", f->folder);
        *state = f;
        return mkdir(f->shipped, 0755) < 0 || mkdir(f->own, 0755) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        free(f->table);
        temp_folder_remove(f->folder);
        free(f);
        return 0;
}

static void put(const char *folder, const char *name, const char *text)
{
        char path[256];

        (void)text_format(path, sizeof(path), "%s/%s", folder, name);
        _cleanup_fclose_ FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
}

static void load(struct fixture *f, const char *shipped)
{
        free(f->table);
        f->table = NULL;
        assert_int_equal(profile_file_load(shipped, f->own, &f->table, &f->result), 0);
        assert_non_null(f->table);
}

static void test_the_built_in_ones_are_the_shipped_ones(void **state)
{
        struct fixture *f = *state;

        load(f, SHIPPED);
        if (f->result.refused > 0)
                fail_msg("%s", f->result.error.message);
        assert_int_equal(f->result.shipped, profile_table_builtin()->n);
        assert_true(profile_table_equal(f->table, profile_table_builtin()));
}

static void test_without_any_file(void **state)
{
        struct fixture *f = *state;

        load(f, "/nowhere");
        assert_int_equal(f->result.shipped + f->result.own + f->result.refused, 0);
        assert_true(profile_table_equal(f->table, NULL));
        assert_int_equal(rmdir(f->own), 0);
        load(f, "/nowhere");
        assert_int_equal(f->result.refused, 0);
}

static void test_the_users_own(void **state)
{
        struct fixture *f = *state;
        struct usb_device device = {.vendor = 0x2c7c, .product = 0x0125};

        put(f->own, "quectel-ec2x.ini",
            "\xef\xbb\xbf; mine\r\n[profile]\r\nusb = 2c7c:0125 ; only this one\r\nport_rule = quectel\r\n"
            "preference = 1\r\n[smsd.conf]\r\ninit = AT+CPMS=\"SM\",\"SM\",\"SM\"\r\n");
        put(f->own, "my-modem.ini", MINE "usb = 12d1:*\n");
        put(f->own, "notes.txt", "no profile");
        put(f->own, ".hidden.ini", "no profile");
        load(f, SHIPPED);
        if (f->result.refused > 0)
                fail_msg("%s", f->result.error.message);
        assert_int_equal(f->result.own, 2);
        assert_int_equal(f->table->n, profile_table_builtin()->n + 1);
        const struct profile *profile = profile_for_device(f->table, &device);
        assert_true(profile->own && profile->n_ids == 1 && profile->n_settings == 1);
        assert_string_equal(profile->settings[0].value, "AT+CPMS=\"SM\",\"SM\",\"SM\"");
        device.product = 0x0121; /* replaced whole */
        assert_null(profile_for_device(f->table, &device));
        device.vendor = 0x12d1;
        assert_string_equal(profile_for_device(f->table, &device)->name, "my-modem");
}

static const struct {
        const char *name, *text, *message;
} mistakes[] = {
    {"x.ini", "[profile]\npreference = 5\nport_rule = ttyUSB2\n",
     "x.ini:3: [profile] port_rule: \"ttyUSB2\" is not known; allowed: quectel, interface-2"},
    {"x.ini", "[profile]\npreference = 5\n[smsd.conf]\ndevice = /dev/ttyUSB2\n",
     "x.ini:4: [smsd.conf] device"},
    {"x.ini", "[profile]\npreference = 5\n[smsd]\n", "x.ini:3: [smsd]: no such section"},
    {"x.ini", "preference = 5\n", "x.ini:1: a key stands before the first section"},
    {"x.ini", "[profile]\nnonsense\n", "x.ini:2: is neither [section] nor key = value"},
    {"x.ini", "[profile]\npreference = 5\x01\n", "x.ini:2: holds a control character"},
    {"x.ini", "", "x.ini: [profile] preference: is not set"},
    {"x y.ini", MINE, "is no name for a profile"},
    {"auto.ini", MINE, "is no name for a profile"},
    {"x.ini", MINE "name = y\n", "\"y\" is not the name of the file, x"},
};

/* Told with its place; everything else is there all the same. */
static void test_mistakes(void **state)
{
        struct fixture *f = *state;
        char path[256];

        for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
                put(f->own, mistakes[i].name, mistakes[i].text);
                put(f->own, "z-good.ini", MINE);
                load(f, SHIPPED);
                assert_int_equal(f->result.refused, 1);
                assert_int_equal(f->result.own, 1);
                if (!strstr(f->result.error.message, mistakes[i].message) ||
                    !text_starts_with(f->result.error.message, f->own))
                        fail_msg("%zu: %s", i, f->result.error.message);
                assert_null(profile_by_name(f->table, "x"));
                assert_non_null(profile_by_name(f->table, "z-good"));
                (void)text_format(path, sizeof(path), "%s/%s", f->own, mistakes[i].name);
                assert_int_equal(unlink(path), 0);
        }
}

/* A file that is wrong leaves what is below: the user's the shipped one, that one the built-in one. */
static void test_what_a_mistake_leaves(void **state)
{
        struct fixture *f = *state;

        put(f->shipped, "quectel-ec2x.ini", MINE);
        put(f->own, "quectel-ec2x.ini", "[profile]\npreference = x\n");
        load(f, f->shipped);
        assert_int_equal(profile_by_name(f->table, "quectel-ec2x")->preference, 5);
        put(f->shipped, "quectel-ec2x.ini", "[profile]\n");
        load(f, f->shipped);
        assert_int_equal(f->result.refused, 2);
        assert_true(text_starts_with(f->result.error.message, f->shipped));
        assert_true(profile_table_equal(f->table, NULL));
}

static void test_two_claim_one_modem(void **state)
{
        struct fixture *f = *state;

        put(f->own, "a.ini", MINE "usb = 12d1:1506\n");
        put(f->own, "b.ini", MINE "usb = 12d1:1506\n");
        load(f, SHIPPED);
        assert_int_equal(f->result.refused, 1);
        assert_non_null(
            strstr(f->result.error.message, "/b.ini: [profile] usb: the id 12d1:1506 is in a.ini too"));
}

static void test_odd_files(void **state)
{
        struct fixture *f = *state;
        char path[256], name[32];
        static char big[PROFILE_FILE_SIZE_MAX + 2];

        (void)text_format(path, sizeof(path), "%s/pipe.ini", f->own);
        assert_int_equal(mkfifo(path, 0600), 0);
        load(f, SHIPPED);
        assert_non_null(strstr(f->result.error.message, "pipe.ini: is not a regular file"));
        assert_int_equal(unlink(path), 0);
        memset(big, ';', sizeof(big) - 1);
        put(f->own, "big.ini", big);
        load(f, SHIPPED);
        assert_non_null(strstr(f->result.error.message, "big.ini: is larger than 16384 bytes"));
        put(f->own, "big.ini", MINE);
        for (unsigned i = 0; i < PROFILES_MAX; i++) {
                (void)text_format(name, sizeof(name), "p%02u.ini", i);
                put(f->own, name, MINE);
        }
        load(f, SHIPPED);
        assert_int_equal(f->table->n, PROFILES_MAX);
        assert_non_null(strstr(f->result.error.message, "one profile too many, 32 are allowed"));
}

static void test_the_users_folder(void **state)
{
        char folder[64];

        (void)state;
        assert_int_equal(profile_file_own_folder("/etc/smswarden/smswarden.conf", folder, sizeof(folder)), 0);
        assert_string_equal(folder, "/etc/smswarden/profiles.d");
        assert_int_equal(profile_file_own_folder("x.conf", folder, sizeof(folder)), 0);
        assert_string_equal(folder, "profiles.d");
        assert_int_equal(profile_file_own_folder("/etc/smswarden/smswarden.conf", folder, 8), -ENAMETOOLONG);
}

/* --- the real smsd --- */

static const char *const candidates[] = {
    "0",
    "1",
    "2",
    "3",
    "31",
    "4",
    "41",
    "5",
    "60",
    "100",
    "255",
    "300",
    "600",
    "1000",
    "10000",
    "yes",
    "no",
    "1200",
    "2400",
    "4800",
    "9600",
    "19200",
    "38400",
    "57600",
    "115200",
    "230400",
    "460800",
    "921600",
    "SM",
    "ABCD",
    "ABCDEFGHIJKLMN",
    "AT+12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"};

/* The candidates that are allowed for the key, the turn-th of them, from behind when they are fewer. */
static const char *allowed_value(const char *key, unsigned turn)
{
        char problem[256];
        const char *value = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
                if (smsd_setting_check(key, candidates[i], problem, sizeof(problem)) == 0) {
                        value = candidates[i];
                        if (turn-- == 0)
                                return value;
                }
        return value;
}

static void write_conf(const struct fixture *f, unsigned turn, const char *extra)
{
        char path[128];

        (void)text_format(path, sizeof(path), "%s/smsd.conf", f->folder);
        _cleanup_fclose_ FILE *file = fopen(path, "we");
        assert_non_null(file);
        fprintf(file,
                "devices = GSM1\noutgoing = %s\nchecked = %s\nincoming = %s\nfailed = %s\nlogfile = %s/log\n"
                "pidfile = %s/pid\ninfofile = %s/info\n[GSM1]\ndevice = %s/no-modem\n",
                f->own, f->own, f->own, f->own, f->folder, f->folder, f->folder, f->folder);
        const char *key;
        for (size_t i = 0; (key = smsd_setting_at(i)); i++) {
                const char *value = allowed_value(key, turn);
                if (!value)
                        fail_msg("no candidate for %s", key);
                fprintf(file, "%s = %s\n", key, value);
        }
        fprintf(file, "%s\n", extra);
}

static pid_t start_smsd(const struct fixture *f)
{
        char conf[128], output[128];
        pid_t pid;

        (void)text_format(conf, sizeof(conf), "-c%s/smsd.conf", f->folder);
        (void)text_format(output, sizeof(output), "%s/output", f->folder);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
                (void)setpgid(0, 0);
                (void)dup2(fd, STDOUT_FILENO);
                (void)dup2(fd, STDERR_FILENO);
                (void)execl(SMSD, SMSD, conf, "-t", NULL);
                _exit(127);
        }
        return pid;
}

static void tell_output(const struct fixture *f)
{
        char path[128], text[512];

        (void)text_format(path, sizeof(path), "%s/output", f->folder);
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
        text[length] = '\0';
        fail_msg("smsd refuses it: %s", text);
}

/* It has taken its configuration when its pidfile is there. */
static bool smsd_begins(const struct fixture *f)
{
        char pidfile[128];
        pid_t pid = start_smsd(f);
        bool ended = false, begun = false;

        (void)text_format(pidfile, sizeof(pidfile), "%s/pid", f->folder);
        for (unsigned i = 0; i < 2000 && !ended && !begun; i++) {
                const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
                (void)nanosleep(&pause, NULL);
                ended = waitpid(pid, NULL, WNOHANG) == pid;
                begun = access(pidfile, F_OK) == 0;
        }
        (void)kill(-pid, SIGKILL);
        if (!ended)
                (void)waitpid(pid, NULL, 0);
        (void)unlink(pidfile);
        return begun && !ended;
}

static void test_smsd_takes_what_is_allowed(void **state)
{
        struct fixture *f = *state;

        if (access(SMSD, X_OK) < 0)
                skip();
        for (unsigned turn = 0; turn < 14; turn++) {
                write_conf(f, turn, "");
                if (!smsd_begins(f))
                        tell_output(f);
        }
        write_conf(f, 0, "read_timeout = 0"); /* what it refuses is seen */
        assert_false(smsd_begins(f));
        write_conf(f, 0, "no_such_key = 0");
        assert_false(smsd_begins(f));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
            TEST(test_the_built_in_ones_are_the_shipped_ones),
            TEST(test_without_any_file),
            TEST(test_the_users_own),
            TEST(test_mistakes),
            TEST(test_what_a_mistake_leaves),
            TEST(test_two_claim_one_modem),
            TEST(test_odd_files),
            TEST(test_the_users_folder),
            TEST(test_smsd_takes_what_is_allowed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
