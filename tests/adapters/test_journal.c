/*
 * The fields that arrive at the journal's socket (a socket of the test's own, in a mount namespace of its
 * own), and the catalog: every kind of record has its entry, and journalctl takes the file.
 */
#include "adapters/journal.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "temp_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define CATALOG "systemd/smswarden.catalog"

/* /run is ours alone from here on, with a journal in it that nobody reads but we. */
static int own_journal(void)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
        int fd;

        assert_int_equal(unshare(CLONE_NEWNS), 0);
        assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        assert_int_equal(mount("tmpfs", "/run", "tmpfs", 0, NULL), 0);
        assert_int_equal(mkdir("/run/systemd", 0755), 0);
        assert_int_equal(mkdir("/run/systemd/journal", 0755), 0);
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

static int setup(void **state)
{
        static int fd;

        fd = own_journal();
        *state = &fd;
        return 0;
}

static int teardown(void **state)
{
        return close(*(int *)*state);
}

/* What a record looks like on the wire, all of it. */
static void receive(int fd, const struct action *record, char *text, size_t size)
{
        assert_int_equal(journal_record(record), 0);
        ssize_t n = recv(fd, text, size - 1, 0);
        assert_true(n > 0);
        text[n] = '\0';
}

static void test_fields(void **state)
{
        struct action record = {.kind = ACTION_RECORD,
                                .record = {.kind = RECORD_SMSD_STARTED,
                                           .severity = SEVERITY_INFO,
                                           .modem = "GSM1",
                                           .message = "smsd was started (crash) and verified in 1.9s",
                                           .cause = "crash",
                                           .duration = 1900000,
                                           .incident = 4711}};
        char text[4096];

        receive(*(int *)*state, &record, text, sizeof(text));
        assert_string_equal(text, "MESSAGE=restart GSM1: smsd was started (crash) and verified in 1.9s\n"
                                  "PRIORITY=6\n"
                                  "SYSLOG_IDENTIFIER=smswardend\n"
                                  "MESSAGE_ID=3dc2a4f0efc64789b7564d1cd473f235\n"
                                  "SMSWARDEN_EVENT=smsd-started\n"
                                  "SMSWARDEN_MODEM=GSM1\n"
                                  "SMSWARDEN_CAUSE=crash\n"
                                  "SMSWARDEN_INCIDENT=4711\n"
                                  "SMSWARDEN_DURATION_USEC=1900000\n");
}

/* What is not known is left out; no text can add a field. */
static void test_left_out_and_hostile(void **state)
{
        struct action record = {.kind = ACTION_RECORD,
                                .record = {.kind = RECORD_HOLD_BEGUN,
                                           .severity = SEVERITY_CRITICAL,
                                           .message = "eve\nPRIORITY=0\x1b[31m"}};
        char text[4096];

        receive(*(int *)*state, &record, text, sizeof(text));
        assert_string_equal(text, "MESSAGE=hold: eve?PRIORITY=0?[31m\n"
                                  "PRIORITY=2\n"
                                  "SYSLOG_IDENTIFIER=smswardend\n"
                                  "MESSAGE_ID=bb78a0cb6ee64e609ac2482d99d79b62\n"
                                  "SMSWARDEN_EVENT=hold-begun\n");
}

static void test_longest(void **state)
{
        struct action record = {.kind = ACTION_RECORD, .record = {.kind = RECORD_SMSD_DIED}};
        char text[4096];

        memset(record.record.message, 'x', sizeof(record.record.message) - 1);
        memset(record.record.modem, 'm', sizeof(record.record.modem) - 1);
        receive(*(int *)*state, &record, text, sizeof(text));
        assert_int_equal(strspn(strchr(text, ':') + 2, "x"), ACTION_MESSAGE_MAX - 1);
}

static void test_no_kind(void **state)
{
        struct action record = {.kind = ACTION_RECORD, .record = {.kind = RECORD_KIND_MAX}};
        (void)state;

        assert_int_equal(journal_record(&record), -EINVAL);
        assert_null(journal_message_id(RECORD_KIND_MAX));
}

/* Only when systemd says that stderr is the journal, and it still is. */
static void test_stderr(void **state)
{
        struct stat status;
        char stream[64];
        (void)state;

        assert_int_equal(fstat(STDERR_FILENO, &status), 0);
        assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
        assert_false(journal_is_stderr());
        assert_true(text_format(stream, sizeof(stream), "%lu:%lu", status.st_dev, status.st_ino) >= 0);
        assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
        assert_true(journal_is_stderr());
        assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0);
        assert_false(journal_is_stderr());
        assert_int_equal(setenv("JOURNAL_STREAM", "nonsense", 1), 0);
        assert_false(journal_is_stderr());
        assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static void read_catalog(char *text, size_t size)
{
        _cleanup_close_ int fd = open(CATALOG, O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        ssize_t n = read(fd, text, size - 1);
        assert_true(n > 0 && (size_t)n < size - 1);
        text[n] = '\0';
}

static void test_catalog_is_complete(void **state)
{
        static char catalog[64 * 1024];
        char line[64];
        unsigned entries = 0;
        (void)state;

        read_catalog(catalog, sizeof(catalog));
        for (unsigned i = 0; i < RECORD_KIND_MAX; i++) {
                const char *id = journal_message_id((enum record_kind)i);
                assert_non_null(id);
                assert_int_equal(strspn(id, "0123456789abcdef"), 32);
                assert_true(text_format(line, sizeof(line), "\n-- %s\nSubject: ", id) >= 0);
                if (!strstr(catalog, line))
                        fail_msg("%s has no entry for %s (%s)", CATALOG, id,
                                 record_kind_to_string((enum record_kind)i));
        }
        for (const char *p = catalog; (p = strstr(p, "\n-- ")); p++)
                entries++;
        assert_int_equal(entries, RECORD_KIND_MAX);
}

/* journalctl compiles it and shows an entry. */
static void test_catalog_is_taken(void **state)
{
        char folder[] = "/tmp/catalog.XXXXXX", command[1024];
        (void)state;

        assert_non_null(mkdtemp(folder));
        assert_true(text_format(command, sizeof(command),
                                "mkdir -p %s/usr/lib/systemd/catalog %s/var/lib/systemd/catalog && "
                                "cp " CATALOG " %s/usr/lib/systemd/catalog/ && "
                                "journalctl --root=%s --update-catalog && "
                                "journalctl --root=%s --dump-catalog %s | grep -q 'Subject: smsd has died'",
                                folder, folder, folder, folder, folder,
                                journal_message_id(RECORD_SMSD_DIED)) >= 0);
        int status = system(command); /* a test may use a shell */
        temp_folder_remove(folder);
        assert_int_equal(status, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_fields),           cmocka_unit_test(test_left_out_and_hostile),
            cmocka_unit_test(test_longest),          cmocka_unit_test(test_no_kind),
            cmocka_unit_test(test_stderr),           cmocka_unit_test(test_catalog_is_complete),
            cmocka_unit_test(test_catalog_is_taken),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
