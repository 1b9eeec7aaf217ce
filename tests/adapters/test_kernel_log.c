/*
 * The kernel's log as the adapter hands it over: /dev/kmsg itself where it can be read and written, a file in
 * its place for what that cannot be made to do, and journals that systemd-journal-remote has written.
 */
#include "adapters/kernel_log.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "journal_file.h"
#include "resident_memory.h"
#include "temp_folder.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>

#define USB_ERROR  "usb 1-1.2: device descriptor read/64, error -71"
#define ANOTHER    "usb 1-1.3: device descriptor read/64, error -110"
#define VOLTAGE    "hwmon hwmon1: Undervoltage detected!"
#define NORMAL     "hwmon hwmon1: Voltage normalised"
#define FLOOD      "IN=eth0 OUT= MAC=02:00:00:00:00:01 SRC=192.0.2.1 DST=192.0.2.2"
#define PATIENCE   (20 * USEC_PER_SEC)
#define MANY_LOOKS 256
#define PAGE       4096

struct world {
        char folder[64], active[96]; /* of a journal, and the file that is being written */
        char kmsg[96];               /* there is none, so the journal is read */
        sd_event *event;
        struct kernel_log *log;
        unsigned told; /* how often */
        int result;
        struct kernel_lines lines;
};

static void on_told(void *userdata, int result, const struct kernel_lines *lines)
{
        struct world *w = userdata;

        w->told++;
        w->result = result;
        w->lines = *lines;
}

static int setup(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        sigset_t child;

        assert_non_null(w);
        (void)sigemptyset(&child);
        (void)sigaddset(&child, SIGCHLD);
        assert_int_equal(sigprocmask(SIG_BLOCK, &child, NULL), 0);
        (void)text_copy(w->folder, sizeof(w->folder), "/tmp/kernel_log.XXXXXX");
        assert_non_null(mkdtemp(w->folder));
        (void)text_format(w->active, sizeof(w->active), "%s/system.journal", w->folder);
        (void)text_format(w->kmsg, sizeof(w->kmsg), "%s/kmsg", w->folder);
        assert_true(sd_event_new(&w->event) >= 0);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        struct world *w = *state;

        assert_null(kernel_log_free(w->log));
        (void)sd_event_unref(w->event);
        temp_folder_remove(w->folder);
        free(w);
        return 0;
}

static void begin(struct world *w)
{
        const struct kernel_log_options options = {.kmsg = w->kmsg, .journal = w->folder};

        assert_int_equal(kernel_log_new(&w->log, w->event, &options, on_told, w), 0);
}

static void wait_told(struct world *w, unsigned told)
{
        usec_t end = clock_monotonic() + PATIENCE;

        while (w->told < told && clock_monotonic() < end)
                assert_true(sd_event_run(w->event, USEC_PER_SEC) >= 0);
        assert_int_equal(w->told, told);
}

/* One look: so many errors, and this of the voltage. */
static void look(struct world *w, unsigned errors, enum kernel_line_kind voltage)
{
        unsigned before = w->told;

        kernel_log_look(w->log);
        wait_told(w, before + 1);
        assert_int_equal(w->result, 0);
        assert_int_equal(w->lines.n, errors);
        assert_int_equal(w->lines.voltage.kind, voltage);
}

static void look_fails(struct world *w, int error)
{
        unsigned before = w->told;

        kernel_log_look(w->log);
        wait_told(w, before + 1);
        assert_int_equal(w->result, error);
        assert_int_equal(w->lines.n, 0);
        assert_int_equal(w->lines.voltage.kind, KERNEL_OTHER);
}

/* A line of the kernel's. */
static void say(struct world *w, const char *message)
{
        journal_write(w->active, &(struct journal_line){.message = message}, 1, 1);
}

/* --- /dev/kmsg --- */

/* Whoever may write there is not the kernel. */
static void test_the_kernels_own(void **state)
{
        struct world *w = *state;
        static const char *const texts[] = {"<3>" USB_ERROR, "<0>" VOLTAGE, USB_ERROR};
        _cleanup_close_ int fd = open("/dev/kmsg", O_RDWR | O_CLOEXEC);

        (void)text_copy(w->kmsg, sizeof(w->kmsg), "/dev/kmsg");
        begin(w);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (fd < 0 || write(fd, texts[i], strlen(texts[i])) < 0)
                        skip();
        look(w, 0, KERNEL_OTHER);
}

static void append(const char *path, const char *text)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* A file gives all that it has in one read, as one record. */
static void test_a_file_in_its_place(void **state)
{
        struct world *w = *state;

        append(w->kmsg, "3,1,1,-;" USB_ERROR "\n");
        begin(w);
        look(w, 0, KERNEL_OTHER); /* what stood there before */
        append(w->kmsg, "3,2,2,-;" USB_ERROR "\n");
        look(w, 1, KERNEL_OTHER);
        assert_string_equal(w->lines.errors[0].usb, "1-1.2");
        look(w, 0, KERNEL_OTHER);
        append(w->kmsg, "4,3,3,-;" VOLTAGE "\n");
        look(w, 0, KERNEL_UNDERVOLTAGE);
}

/* --- the journal --- */

static void test_there_is_none(void **state)
{
        struct world *w = *state;

        assert_null(kernel_log_free(NULL));
        assert_false(kernel_log_owns(NULL, 1));
        begin(w);
        look_fails(w, -ENOENT); /* no file */
        say(w, USB_ERROR);
        look(w, 1, KERNEL_OTHER);
        temp_folder_remove(w->folder);
        look_fails(w, -ENOENT);
}

static void test_what_is_new(void **state)
{
        struct world *w = *state;

        say(w, VOLTAGE);
        begin(w);
        look(w, 0, KERNEL_OTHER); /* what stood there before */
        say(w, USB_ERROR);
        say(w, ANOTHER);
        look(w, 2, KERNEL_OTHER);
        assert_string_equal(w->lines.errors[0].usb, "1-1.2");
        assert_int_equal(w->lines.errors[1].error, 110);
        look(w, 0, KERNEL_OTHER);
        say(w, VOLTAGE);
        look(w, 0, KERNEL_UNDERVOLTAGE);
        say(w, VOLTAGE);
        say(w, NORMAL);
        look(w, 0, KERNEL_VOLTAGE_NORMAL);
        look(w, 0, KERNEL_OTHER);
}

static void test_who_is_believed(void **state)
{
        static const struct journal_line others[] = {
            {.message = USB_ERROR, .transport = "syslog"}, {.message = VOLTAGE, .transport = "stdout"},
            {.message = USB_ERROR, .facility = "1"},       {.message = VOLTAGE, .facility = "3"},
            {.message = VOLTAGE, .facility = "00"},        {.message = USB_ERROR, .other_boot = true},
        };
        struct world *w = *state;

        begin(w);
        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                journal_write(w->active, &others[i], 1, 1);
                look(w, 0, KERNEL_OTHER);
        }
        journal_write(w->active, &(struct journal_line){.message = USB_ERROR, .facility = ""}, 1, 1);
        look(w, 1, KERNEL_OTHER);
}

/* Nothing of the rotated one is missed or told twice, and none of the old ones is opened. */
static void test_a_rotation(void **state)
{
        struct world *w = *state;
        char archived[128], old[128];

        (void)text_format(archived, sizeof(archived), "%s/system@1-2-3.journal", w->folder);
        (void)text_format(old, sizeof(old), "%s/system@0-0-0.journal", w->folder);
        begin(w);
        say(w, FLOOD);
        look(w, 0, KERNEL_OTHER);
        journal_write(old, &(struct journal_line){.message = USB_ERROR}, 1, 1);
        say(w, VOLTAGE);
        assert_int_equal(rename(w->active, archived), 0);
        say(w, USB_ERROR);
        look(w, 1, KERNEL_UNDERVOLTAGE);
        look(w, 0, KERNEL_OTHER);
        say(w, NORMAL);
        look(w, 0, KERNEL_VOLTAGE_NORMAL);
}

/* The newest are read; what has not changed since is not read again. */
static void test_a_flood(void **state)
{
        static const struct journal_line lines[] = {
            {.message = FLOOD}, {.message = FLOOD}, {.message = USB_ERROR}};
        struct world *w = *state;

        begin(w);
        say(w, VOLTAGE);
        journal_write(w->active, lines, ARRAY_SIZE(lines), 2000);
        look(w, KERNEL_ERRORS_MAX, KERNEL_OTHER);
        look(w, 0, KERNEL_OTHER);
        say(w, VOLTAGE);
        look(w, 0, KERNEL_UNDERVOLTAGE);
}

static void make_garbage(const char *path)
{
        append(path, "no journal");
}

static void make_folder(const char *path)
{
        assert_int_equal(mkdir(path, 0700), 0);
}

/* Nobody ever writes there. */
static void make_fifo(const char *path)
{
        assert_int_equal(mkfifo(path, 0600), 0);
}

/* What is no journal is an error, and the next look may find one. */
static void test_what_is_no_journal(void **state)
{
        static void (*const make[])(const char *path) = {make_garbage, make_folder, make_fifo};
        struct world *w = *state;

        begin(w);
        for (unsigned i = 0; i < ARRAY_SIZE(make); i++) {
                make[i](w->active);
                kernel_log_look(w->log);
                wait_told(w, i + 1);
                assert_true(w->result < 0);
                assert_int_equal(remove(w->active), 0);
        }
        say(w, USB_ERROR);
        look(w, 1, KERNEL_OTHER);
}

/* Every page of a file but the last that is not empty, in a file system that has no room for that one:
 * whoever reads it there gets a SIGBUS, as of a disk that fails. */
static void copy_with_a_hole(const char *from, const char *to)
{
        static char page[PAGE];
        static const char empty[PAGE];
        _cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_RDWR | O_CREAT, 0600);
        struct stat st;
        off_t last = 0;

        assert_int_equal(fstat(in, &st), 0);
        assert_int_equal(ftruncate(out, st.st_size), 0);
        for (off_t at = 0; pread(in, page, PAGE, at) == PAGE; at += PAGE)
                if (memcmp(page, empty, PAGE) != 0)
                        last = at;
        for (off_t at = 0; at < last; at += PAGE)
                if (pread(in, page, PAGE, at) == PAGE && memcmp(page, empty, PAGE) != 0)
                        assert_int_equal(pwrite(out, page, PAGE, at), PAGE);
        memset(page, 1, PAGE);
        for (off_t at = 0; pwrite(out, page, PAGE, st.st_size + at) == PAGE; at += PAGE)
                ;
}

static void test_a_disk_that_fails(void **state)
{
        struct world *w = *state;
        char whole[128];

        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                skip();
        (void)text_format(whole, sizeof(whole), "%s.whole.journal", w->folder);
        begin(w);
        journal_write(whole, &(struct journal_line){.message = USB_ERROR}, 1, 1);
        assert_int_equal(mount("small", w->folder, "tmpfs", 0, "size=1024k"), 0);
        copy_with_a_hole(whole, w->active);
        look_fails(w, -EIO);
        assert_int_equal(umount2(w->folder, MNT_DETACH), 0);
        assert_int_equal(rename(whole, w->active), 0);
        look(w, 1, KERNEL_OTHER);
}

/* Whatever the library uses ends with the child. */
static void test_nothing_is_left(void **state)
{
        struct world *w = *state;

        begin(w);
        journal_write(w->active, &(struct journal_line){.message = FLOOD}, 1, 1000);
        look(w, 0, KERNEL_OTHER);
        long before = resident_pages(getpid());
        for (unsigned i = 0; i < MANY_LOOKS; i++)
                look(w, 0, KERNEL_OTHER);
        assert_grown_less(getpid(), before, MANY_LOOKS / 2); /* the kernel counts in lots of 64 */
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);    /* ECHILD: none is left */
}

static void test_one_at_a_time(void **state)
{
        struct world *w = *state;

        begin(w);
        say(w, USB_ERROR);
        kernel_log_look(w->log);
        kernel_log_look(w->log);
        assert_false(kernel_log_owns(w->log, getpid()));
        assert_int_equal(w->told, 0);
        wait_told(w, 1);
        assert_int_equal(w->lines.n, 1);
        kernel_log_look(w->log); /* it is freed meanwhile */
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
            TEST(test_the_kernels_own), TEST(test_a_file_in_its_place), TEST(test_there_is_none),
            TEST(test_what_is_new),     TEST(test_who_is_believed),     TEST(test_a_rotation),
            TEST(test_a_flood),         TEST(test_what_is_no_journal),  TEST(test_nothing_is_left),
            TEST(test_one_at_a_time),   TEST(test_a_disk_that_fails),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
