/*
 * smsd's folders: what is listed, what may be moved, what is never touched, and that a message is there once,
 * whoever works in the folders meanwhile and whoever is killed when.
 */
#include "../../src/adapters/message_folders_private.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "temp_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define MESSAGE "To: +37060012345\nFail_reason: +CMS ERROR: 38\n\nhello"

struct fixture {
        char folder[64];
        struct message_folders *folders;
};

static const char *const names[] = {"outgoing", "checked", "failed", "quarantine"};

/* A path in the fixture's folder, in one of eight buffers in turn. */
static const char *path(const struct fixture *f, const char *folder, const char *name)
{
        static char paths[8][512];
        static unsigned next;
        char *target = paths[next++ % 8];

        assert_int_equal(text_format(target, sizeof(paths[0]), "%s/%s%s%s", f->folder, folder,
                                     name ? "/" : "", name ? name : ""),
                         0);
        return target;
}

static void open_folders(struct fixture *f)
{
        const char *const paths[] = {path(f, "outgoing", NULL), path(f, "checked", NULL),
                                     path(f, "failed", NULL), path(f, "quarantine", NULL)};

        f->folders = message_folders_close(f->folders);
        assert_int_equal(message_folders_open(&f->folders, paths), 0);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        (void)text_copy(f->folder, sizeof(f->folder), "/tmp/smswarden-messages-XXXXXX");
        assert_non_null(mkdtemp(f->folder));
        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(mkdir(path(f, names[i], NULL), 0755), 0);
        open_folders(f);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        f->folders = message_folders_close(f->folders);
        temp_folder_remove(f->folder);
        free(f);
        return 0;
}

static void put(const char *where, const char *text)
{
        _cleanup_close_ int fd = open(where, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(file_write_full(fd, text, strlen(text)), 0);
}

static bool is_there(const char *where)
{
        struct stat st;

        return lstat(where, &st) == 0;
}

static void assert_text(const char *where, const char *expected)
{
        _cleanup_free_ char *text = NULL;
        size_t length;

        assert_int_equal(file_read(where, O_NOFOLLOW, 1 << 20, &text, &length), 0);
        assert_string_equal(text, expected);
}

/* Files of any name in the folder, hidden ones too. */
static unsigned count_files(const char *folder)
{
        DIR *stream = opendir(folder);
        unsigned n = 0;

        assert_non_null(stream);
        for (const struct dirent *e = readdir(stream); e; e = readdir(stream))
                n += !text_equal(e->d_name, ".") && !text_equal(e->d_name, "..");
        (void)closedir(stream);
        return n;
}

/* --- listing --- */

static void test_list(void **state)
{
        struct fixture *f = *state;
        const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
        struct message_list list;

        put(path(f, "failed", "new"), "Smswarden_requeued: 1\n" MESSAGE);
        put(path(f, "failed", "old"), "To: 1\n\ntext");
        put(path(f, "failed", "a\nb\033"), "To: 2\n\ntext");
        put(path(f, "failed", "old.LOCK"), "4711 GSM1\n");
        put(path(f, "failed", "small"), "To: 1\n\n");
        put(path(f, "failed", ".hidden"), MESSAGE);
        put(path(f, "failed", "LOCKED1"), MESSAGE);
        assert_int_equal(mkdir(path(f, "failed", "folder"), 0755), 0);
        assert_int_equal(mkfifo(path(f, "failed", "fifo"), 0644), 0);
        assert_int_equal(symlink("/etc/passwd", path(f, "failed", "link")), 0);
        assert_int_equal(utimensat(AT_FDCWD, path(f, "failed", "old"), old, 0), 0);
        assert_int_equal(message_folders_list(f->folders, MESSAGES_FAILED, &list), 0);
        assert_int_equal(list.n, 3);
        assert_false(list.more);
        assert_string_equal(list.entries[0].name, "old");
        assert_true(list.entries[0].locked && list.entries[0].readable);
        assert_string_equal(list.entries[0].locked_by, "GSM1");
        assert_int_equal(list.entries[0].changed, 1000);
        assert_string_equal(list.entries[1].name, "a\nb\033");
        assert_string_equal(list.entries[2].name, "new");
        assert_string_equal(list.entries[2].header.to, "+37060012345");
        assert_string_equal(list.entries[2].header.fail_reason, "+CMS ERROR: 38");
        assert_int_equal(list.entries[2].header.requeued, 1);
        message_list_clear(&list);
        assert_int_equal(message_folders_list(f->folders, MESSAGES_OUTGOING, &list), 0);
        assert_int_equal(list.n, 0);
        message_list_clear(&list);
        assert_int_equal(message_folders_list(f->folders, MESSAGES_QUARANTINE, &list), -ENOENT);
}

static void test_a_huge_folder(void **state)
{
        struct fixture *f = *state;
        struct message_list list;
        char name[16];

        for (unsigned i = 0; i < MESSAGE_LIST_MAX + 1; i++) {
                (void)text_format(name, sizeof(name), "m%u", i);
                _cleanup_close_ int fd = open(path(f, "failed", name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                assert_int_equal(ftruncate(fd, 100), 0);
        }
        assert_int_equal(message_folders_list(f->folders, MESSAGES_FAILED, &list), 0);
        assert_int_equal(list.n, MESSAGE_LIST_MAX);
        assert_true(list.more);
        message_list_clear(&list);
}

static void test_requeue(void **state)
{
        struct fixture *f = *state;
        const char *failed = path(f, "failed", "m"), *outgoing = path(f, "outgoing", "m");
        unsigned count = 77;
        struct stat st;

        put(failed, MESSAGE);
        assert_int_equal(chown(failed, 1234, 4321), 0);
        assert_int_equal(chmod(failed, 0604), 0);
        for (unsigned i = 1; i <= 3; i++) {
                char expected[128];
                assert_int_equal(message_folders_requeue(f->folders, "m", 3, &count), MESSAGE_DONE);
                assert_int_equal(count, i);
                (void)text_format(expected, sizeof(expected), "Smswarden_requeued: %u\n" MESSAGE, i);
                assert_text(outgoing, expected);
                assert_int_equal(lstat(outgoing, &st), 0);
                assert_true(st.st_uid == 1234 && st.st_gid == 4321 && (st.st_mode & 07777) == 0604);
                assert_true(st.st_mtime >= time(NULL) - 60);
                assert_int_equal(count_files(path(f, "failed", NULL)), 0);
                assert_int_equal(count_files(path(f, "outgoing", NULL)), 1);
                assert_int_equal(rename(outgoing, failed), 0);
        }
        count = 77;
        assert_int_equal(message_folders_requeue(f->folders, "m", 3, &count), MESSAGE_SPENT);
        assert_int_equal(count, 77);
        assert_true(is_there(failed) && !is_there(outgoing));
        assert_int_equal(message_folders_requeue(f->folders, "m", MESSAGE_NO_LIMIT, &count), MESSAGE_DONE);
        assert_int_equal(count, 4);
}

static void test_a_count_that_makes_no_sense(void **state)
{
        struct fixture *f = *state;
        unsigned count = 0;

        put(path(f, "failed", "m"), "Smswarden_requeued: -3\nTo: 1\n\ntext");
        assert_int_equal(message_folders_requeue(f->folders, "m", 3, &count), MESSAGE_SPENT);
        assert_int_equal(message_folders_requeue(f->folders, "m", MESSAGE_NO_LIMIT, &count), MESSAGE_DONE);
        assert_text(path(f, "outgoing", "m"), "Smswarden_requeued: 1000000\nTo: 1\n\ntext");
}

static void test_quarantine_and_release(void **state)
{
        struct fixture *f = *state;
        const char *checked = path(f, "checked", "m"), *outgoing = path(f, "outgoing", "m");
        struct stat before, after;

        put(checked, MESSAGE);
        put(path(f, "checked", "m.LOCK"), "1 GSM1\n");
        assert_int_equal(lstat(checked, &before), 0);
        assert_int_equal(message_folders_quarantine(f->folders, MESSAGES_CHECKED, "m"), MESSAGE_DONE);
        assert_false(is_there(checked));
        assert_int_equal(lstat(path(f, "quarantine", "m"), &after), 0);
        assert_int_equal(before.st_ino, after.st_ino);
        assert_int_equal(lstat(path(f, "quarantine", NULL), &after), 0);
        assert_int_equal(after.st_mode & 07777, 0700);
        /* smsd's lock is smsd's: its next start removes it. Until then it is taken at its word. */
        assert_int_equal(message_folders_release(f->folders, "m"), MESSAGE_LOCKED);
        assert_int_equal(unlink(path(f, "checked", "m.LOCK")), 0);
        assert_int_equal(message_folders_release(f->folders, "m"), MESSAGE_DONE);
        assert_text(outgoing, MESSAGE);
        assert_int_equal(count_files(path(f, "quarantine", NULL)), 0);
}

static void test_two_of_one_name_in_quarantine(void **state)
{
        struct fixture *f = *state;

        for (enum message_folder from = MESSAGES_CHECKED; from <= MESSAGES_QUARANTINE; from++) {
                put(path(f, names[from], "m"), MESSAGE);
                int expected = from == MESSAGES_QUARANTINE ? -EINVAL : MESSAGE_DONE;
                assert_int_equal(message_folders_quarantine(f->folders, from, "m"), expected);
        }
        assert_true(is_there(path(f, "quarantine", "m.2")));
        assert_int_equal(count_files(path(f, "quarantine", NULL)), 2);
}

static void test_remove(void **state)
{
        struct fixture *f = *state;

        put(path(f, "failed", "m"), MESSAGE);
        put(path(f, "checked", "m"), MESSAGE);
        assert_int_equal(message_folders_remove(f->folders, MESSAGES_CHECKED, "m"), -EINVAL);
        assert_int_equal(message_folders_remove(f->folders, MESSAGES_OUTGOING, "m"), -EINVAL);
        assert_int_equal(message_folders_remove(f->folders, MESSAGES_FAILED, "m"), MESSAGE_DONE);
        assert_int_equal(message_folders_remove(f->folders, MESSAGES_FAILED, "m"), MESSAGE_GONE);
        assert_int_equal(message_folders_remove(f->folders, MESSAGES_QUARANTINE, "m"), -ENOENT);
        assert_int_equal(count_files(path(f, "failed", NULL)), 0);
        assert_true(is_there(path(f, "checked", "m")));
}

/* --- what is never touched --- */

static void is_left_alone(struct fixture *f, int expected)
{
        unsigned count = 77;

        assert_int_equal(message_folders_requeue(f->folders, "m", 3, &count), expected);
        assert_int_equal(count, 77);
        assert_text(path(f, "failed", "m"), MESSAGE);
        assert_int_equal(message_folders_recover(f->folders), 0);
        assert_text(path(f, "failed", "m"), MESSAGE);
}

static void test_what_smsd_works_on(void **state)
{
        static const struct {
                const char *folder, *name;
                int requeue, remove;
        } cases[] = {
            {"failed", "m.LOCK", MESSAGE_LOCKED, MESSAGE_LOCKED},
            {"outgoing", "m", MESSAGE_WAITING, MESSAGE_DONE},
            {"outgoing", "m.LOCK", MESSAGE_LOCKED, MESSAGE_DONE},
            {"checked", "m", MESSAGE_WAITING, MESSAGE_DONE},
            {"checked", "m.LOCK", MESSAGE_LOCKED, MESSAGE_DONE},
        };
        struct fixture *f = *state;

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *beside = path(f, cases[i].folder, cases[i].name);
                put(path(f, "failed", "m"), MESSAGE);
                put(beside, "1 GSM1\n");
                is_left_alone(f, cases[i].requeue);
                assert_int_equal(message_folders_remove(f->folders, MESSAGES_FAILED, "m"), cases[i].remove);
                assert_int_equal(is_there(path(f, "failed", "m")), cases[i].remove == MESSAGE_LOCKED);
                assert_text(beside, "1 GSM1\n");
                assert_int_equal(unlink(beside), 0);
        }
}

static void test_what_somebody_else_is_at(void **state)
{
        struct fixture *f = *state;

        put(path(f, "failed", "m"), MESSAGE);
        _cleanup_close_ int fd = open(path(f, "failed", "m"), O_RDONLY | O_CLOEXEC);
        assert_int_equal(flock(fd, LOCK_SH), 0);
        is_left_alone(f, MESSAGE_LOCKED);
}

static void test_hostile_names(void **state)
{
        static const char *const hostile[] = {"",    ".",  "..",     "../m",      "/etc/passwd",
                                              "a/b", ".m", "m.LOCK", "LOCKED_me", "folder/m"};
        struct fixture *f = *state;
        unsigned count;
        char name[300];

        assert_int_equal(mkdir(path(f, "failed", "folder"), 0755), 0);
        put(path(f, "failed", "folder/m"), MESSAGE);
        put(path(f, ".", "m"), MESSAGE);
        for (unsigned i = 0; i < ARRAY_SIZE(hostile); i++) {
                assert_int_equal(message_folders_requeue(f->folders, hostile[i], 3, &count), -EINVAL);
                assert_int_equal(message_folders_remove(f->folders, MESSAGES_FAILED, hostile[i]), -EINVAL);
                assert_int_equal(message_folders_quarantine(f->folders, MESSAGES_CHECKED, hostile[i]),
                                 -EINVAL);
        }
        memset(name, 'x', sizeof(name));
        name[250] = '\0';
        put(path(f, "failed", name), MESSAGE);
        assert_int_equal(message_folders_requeue(f->folders, name, 3, &count), -ENAMETOOLONG);
        name[MESSAGE_NAME_MAX] = '\0';
        put(path(f, "failed", name), MESSAGE);
        assert_int_equal(message_folders_requeue(f->folders, name, 3, &count), MESSAGE_DONE);
        put(path(f, "failed", "a\nb\033[2J\xff"), MESSAGE);
        assert_int_equal(message_folders_requeue(f->folders, "a\nb\033[2J\xff", 3, &count), MESSAGE_DONE);
        assert_true(is_there(path(f, ".", "m")) && is_there(path(f, "failed", "folder/m")));
}

static void test_what_is_no_file(void **state)
{
        struct fixture *f = *state;
        unsigned count;

        put(path(f, ".", "precious"), MESSAGE);
        assert_int_equal(symlink("../precious", path(f, "failed", "link")), 0);
        assert_int_equal(mkfifo(path(f, "failed", "fifo"), 0644), 0);
        assert_int_equal(mkdir(path(f, "failed", "folder"), 0755), 0);
        static const char *const wrong[] = {"link", "fifo", "folder"};
        for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
                assert_int_equal(message_folders_requeue(f->folders, wrong[i], 3, &count), -EINVAL);
                assert_int_equal(message_folders_remove(f->folders, MESSAGES_FAILED, wrong[i]), -EINVAL);
        }
        /* In the way of our own files: nothing is written through it. */
        put(path(f, "failed", "m"), MESSAGE);
        assert_int_equal(symlink("../precious", path(f, "outgoing", ".m.smswarden-copy")), 0);
        assert_int_equal(message_folders_requeue(f->folders, "m", 3, &count), MESSAGE_LOCKED);
        assert_int_equal(message_folders_recover(f->folders), 0);
        assert_int_equal(message_folders_requeue(f->folders, "m", 3, &count), MESSAGE_DONE);
        assert_text(path(f, ".", "precious"), MESSAGE);
        assert_int_equal(count_files(path(f, "failed", NULL)), 3);
}

static void test_a_link_as_a_folder(void **state)
{
        struct fixture *f = *state;
        unsigned count;

        assert_int_equal(mkdir(path(f, "elsewhere", NULL), 0755), 0);
        put(path(f, "failed", "m"), MESSAGE);
        assert_int_equal(rmdir(path(f, "outgoing", NULL)), 0);
        assert_int_equal(symlink("elsewhere", path(f, "outgoing", NULL)), 0);
        assert_int_equal(lchown(path(f, "outgoing", NULL), 12345, 12345), 0); /* smsd's own doing */
        open_folders(f);
        assert_int_equal(message_folders_requeue(f->folders, "m", 3, &count), -ELOOP);
        assert_int_equal(lchown(path(f, "outgoing", NULL), 0, 0), 0);
        open_folders(f);
        assert_int_equal(message_folders_requeue(f->folders, "m", 3, &count), MESSAGE_DONE);
        assert_true(is_there(path(f, "elsewhere", "m")));
        assert_int_equal(symlink("elsewhere", path(f, "quarantine", NULL)), 0);
        open_folders(f);
        put(path(f, "checked", "m"), MESSAGE);
        assert_in_range(-message_folders_quarantine(f->folders, MESSAGES_CHECKED, "m"), ENOTDIR, ELOOP);
        assert_true(is_there(path(f, "checked", "m")));
}

static void test_too_large(void **state)
{
        struct fixture *f = *state;
        unsigned count;

        put(path(f, "failed", "m"), MESSAGE);
        assert_int_equal(truncate(path(f, "failed", "m"), (1 << 20) + 1), 0);
        assert_int_equal(message_folders_requeue(f->folders, "m", 3, &count), -EFBIG);
        assert_int_equal(truncate(path(f, "failed", "m"), 1 << 20), 0);
        assert_int_equal(message_folders_requeue(f->folders, "m", 3, &count), MESSAGE_DONE);
}

/* Nobody in particular: may look, may not change. In a child, for there is no way back. */
static void test_without_permission(void **state)
{
        struct fixture *f = *state;
        int status;

        put(path(f, "failed", "m"), MESSAGE);
        assert_int_equal(chmod(f->folder, 0755), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                unsigned count;
                struct message_list list;
                if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
                        _exit(1);
                if (message_folders_list(f->folders, MESSAGES_FAILED, &list) != 0 || list.n != 1)
                        _exit(2);
                message_list_clear(&list);
                if (message_folders_requeue(f->folders, "m", 3, &count) != -EACCES)
                        _exit(3);
                _exit(message_folders_remove(f->folders, MESSAGES_FAILED, "m") == -EACCES ? 0 : 4);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_text(path(f, "failed", "m"), MESSAGE);
}

static void test_another_file_system(void **state)
{
        struct fixture *f = *state;
        unsigned count;
        struct stat st;

        assert_int_equal(mkdir(path(f, "quarantine", NULL), 0700), 0);
        int status;
        pid_t pid = fork(); /* its mounts are its own, and go with it */
        assert_true(pid >= 0);
        if (pid == 0) {
                if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                    mount("none", path(f, "quarantine", NULL), "tmpfs", 0, NULL) < 0 ||
                    mount("none", path(f, "failed", NULL), "tmpfs", 0, NULL) < 0)
                        _exit(77);
                open_folders(f);
                put(path(f, "checked", "p"), MESSAGE);
                if (chown(path(f, "checked", "p"), 12, 34) < 0 || chmod(path(f, "checked", "p"), 0640) < 0)
                        _exit(2);
                put(path(f, "failed", "m"), MESSAGE);
                if (message_folders_quarantine(f->folders, MESSAGES_CHECKED, "p") != MESSAGE_DONE ||
                    is_there(path(f, "checked", "p")) || stat(path(f, "quarantine", "p"), &st) < 0 ||
                    st.st_uid != 12 || st.st_gid != 34 || (st.st_mode & 07777) != 0640)
                        _exit(3);
                assert_text(path(f, "quarantine", "p"), MESSAGE);
                if (message_folders_release(f->folders, "p") != MESSAGE_DONE ||
                    message_folders_requeue(f->folders, "m", 3, &count) != MESSAGE_DONE)
                        _exit(4);
                _exit(count_files(path(f, "quarantine", NULL)) + count_files(path(f, "failed", NULL)) == 0
                          ? 0
                          : 5);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
                skip(); /* not allowed to mount */
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_text(path(f, "outgoing", "p"), MESSAGE);
        assert_text(path(f, "outgoing", "m"), "Smswarden_requeued: 1\n" MESSAGE);
}

/* --- interrupted --- */

static void test_recover(void **state)
{
        static const char copy[] = ".m.smswarden-copy", move[] = ".m.smswarden-move";
        static const struct {
                const char *from, *to;
                bool source, hidden, copied, moved; /* what the power cut left */
                const char *place;                  /* where the message is then; NULL nowhere */
                int recovered;
        } cases[] = {
            {"failed", "outgoing", true, false, true, false, "failed", 0},
            {"failed", "outgoing", false, true, true, false, "failed", 1},
            {"failed", "outgoing", false, true, false, true, "outgoing", 1},
            {"quarantine", "outgoing", true, false, true, false, "quarantine", 0},
            {"quarantine", "outgoing", false, true, true, false, "quarantine", 1},
            {"quarantine", "outgoing", false, true, false, true, "outgoing", 1},
            {"checked", "quarantine", false, true, true, false, "checked", 1},
            {"checked", "quarantine", false, true, false, true, "quarantine", 1},
            {"failed", "quarantine", false, true, true, false, "failed", 1},
            {"failed", "quarantine", false, true, false, true, "quarantine", 1},
            {"failed", "outgoing", false, true, false, false, NULL, 1}, /* a remove */
        };
        struct fixture *f = *state;

        assert_int_equal(mkdir(path(f, "quarantine", NULL), 0700), 0);
        open_folders(f);
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                if (cases[i].source)
                        put(path(f, cases[i].from, "m"), MESSAGE);
                if (cases[i].hidden)
                        put(path(f, cases[i].from, move), MESSAGE);
                if (cases[i].copied)
                        put(path(f, cases[i].to, copy), MESSAGE);
                if (cases[i].moved)
                        put(path(f, cases[i].to, "m"), MESSAGE);
                assert_int_equal(message_folders_recover(f->folders), cases[i].recovered);
                unsigned n = 0;
                for (unsigned j = 0; j < ARRAY_SIZE(names); j++)
                        n += count_files(path(f, names[j], NULL));
                assert_int_equal(n, cases[i].place ? 1 : 0);
                if (!cases[i].place)
                        continue;
                assert_text(path(f, cases[i].place, "m"), MESSAGE);
                assert_int_equal(unlink(path(f, cases[i].place, "m")), 0);
        }
}

/* smsd has put a new one of the same name there meanwhile: both are kept. */
static void test_recover_beside_a_new_one(void **state)
{
        struct fixture *f = *state;

        put(path(f, "failed", ".m.smswarden-move"), MESSAGE);
        put(path(f, "outgoing", ".m.smswarden-copy"), MESSAGE);
        put(path(f, "failed", "m"), "To: 2\n\nnew one");
        assert_int_equal(message_folders_recover(f->folders), 1);
        assert_text(path(f, "failed", "m"), "To: 2\n\nnew one");
        assert_text(path(f, "failed", "m.2"), MESSAGE);
        assert_int_equal(count_files(path(f, "outgoing", NULL)), 0);
}

/* In how many folders the message is, under its own name or a like one. */
static unsigned places_of(const struct fixture *f)
{
        unsigned n = 0;

        for (unsigned i = 0; i < 3; i++)
                n += count_files(path(f, names[i], NULL));
        return n;
}

/* A requeue in a process of its own, which lives for so long; 0: until it is done. */
static void requeue_and_die(const struct fixture *f, int64_t nanoseconds)
{
        const struct timespec life = {.tv_nsec = nanoseconds};
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                unsigned count;
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                _exit(message_folders_requeue(f->folders, "m", 3, &count) == MESSAGE_DONE ? 0 : 1);
        }
        if (nanoseconds > 0) {
                (void)nanosleep(&life, NULL);
                assert_int_equal(kill(pid, SIGKILL), 0);
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int64_t nanoseconds_now(void)
{
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Killed at any moment of what one takes here, and recovered, the message is there once. */
static void test_killed_at_any_moment(void **state)
{
        struct fixture *f = *state;
        int64_t whole = 0;

        for (unsigned i = 0; i < 120; i++) {
                put(path(f, "failed", "m"), MESSAGE);
                int64_t begun = nanoseconds_now();
                requeue_and_die(f, whole * i / 100);
                if (i == 0)
                        whole = nanoseconds_now() - begun;
                if (whole > 800000000) /* such a disk; a life must be shorter than a second */
                        whole = 800000000;
                assert_true(message_folders_recover(f->folders) >= 0);
                assert_int_equal(places_of(f), 1);
                if (is_there(path(f, "outgoing", "m"))) {
                        assert_text(path(f, "outgoing", "m"), "Smswarden_requeued: 1\n" MESSAGE);
                        assert_int_equal(unlink(path(f, "outgoing", "m")), 0);
                } else {
                        assert_text(path(f, "failed", "m"), MESSAGE);
                        assert_true(i > 0);
                }
        }
}

/* --- what happens between two of our steps --- */

static void smsd_writes_into_it(const struct fixture *f)
{
        put(path(f, "failed", "m"), "To: 2\n\nanother");
}

static void smsd_replaces_it(const struct fixture *f)
{
        assert_int_equal(unlink(path(f, "failed", "m")), 0);
        put(path(f, "failed", "m"), MESSAGE);
}

static void smsd_locks_it(const struct fixture *f)
{
        put(path(f, "failed", "m.LOCK"), "1 GSM1\n");
}

static void it_vanishes(const struct fixture *f)
{
        assert_int_equal(unlink(path(f, "failed", "m")), 0);
}

static void its_name_is_taken(const struct fixture *f)
{
        put(path(f, "outgoing", "m"), "To: 2\n\nanother");
}

static void test_between_two_steps(void **state)
{
        static const struct {
                void (*happens)(const struct fixture *f);
                int result;
                unsigned failed, outgoing; /* files there at the end */
        } cases[] = {
            {smsd_writes_into_it, MESSAGE_LOCKED, 1, 0}, {smsd_replaces_it, MESSAGE_LOCKED, 1, 0},
            {smsd_locks_it, MESSAGE_LOCKED, 2, 0},       {it_vanishes, MESSAGE_GONE, 0, 0},
            {its_name_is_taken, MESSAGE_WAITING, 1, 1},
        };
        struct fixture *f = *state;

        for (unsigned i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
                unsigned c = i / 2;
                bool remove = i % 2 == 1; /* the other move that smsd may be beside */
                if (remove && cases[c].happens == its_name_is_taken)
                        continue;
                struct message_move move;
                put(path(f, "failed", "m"), MESSAGE);
                assert_int_equal(message_move_begin(&move, message_folders_fd(f->folders, MESSAGES_FAILED),
                                                    message_folders_fd(f->folders, MESSAGES_OUTGOING), "m"),
                                 0);
                assert_int_equal(message_move_read(&move), 0);
                cases[c].happens(f);
                assert_int_equal(remove ? message_move_remove(&move)
                                        : message_move_rewrite(&move, (struct message_place){0}, "x\n", "m"),
                                 cases[c].result);
                message_move_end(&move);
                assert_int_equal(count_files(path(f, "failed", NULL)), cases[c].failed);
                assert_int_equal(count_files(path(f, "outgoing", NULL)), cases[c].outgoing);
                assert_int_equal(message_folders_recover(f->folders), 0);
                (void)unlink(path(f, "failed", "m"));
                (void)unlink(path(f, "failed", "m.LOCK"));
                (void)unlink(path(f, "outgoing", "m"));
        }
}

/* --- beside smsd --- */

/* As smsd carries a file: a lock, a copy over whatever is there, the old one removed, the lock removed. */
static void carry(const struct fixture *f, const char *from, const char *to)
{
        char lock[512], text[256];
        size_t length;

        if (text_format(lock, sizeof(lock), "%s/%s/m.LOCK", f->folder, to) < 0)
                _exit(10);
        int fd = open(lock, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
        if (fd < 0)
                _exit(11); /* smsd stops: "Conflict with .LOCK file in the spooler" */
        (void)close_fd(fd);
        if (file_read_into(path(f, from, "m"), 0, text, sizeof(text), &length) < 0)
                _exit(12);
        put(path(f, to, "m"), text);
        if (unlink(path(f, from, "m")) < 0 || unlink(lock) < 0)
                _exit(13);
}

/* Sends nothing: takes what is in outgoing, fails, again and again, until the message went round `rounds`
 * times. */
static _Noreturn void play_smsd(const struct fixture *f, unsigned rounds)
{
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (unsigned i = 0; i < rounds;) {
                if (!is_there(path(f, "outgoing", "m"))) {
                        (void)sched_yield();
                        continue;
                }
                carry(f, "outgoing", "checked");
                carry(f, "checked", "failed");
                i++;
        }
        _exit(0);
}

static void test_beside_smsd(void **state)
{
        enum { ROUNDS = 150 };
        struct fixture *f = *state;
        unsigned count = 0, done = 0;
        int status, r = 0;

        put(path(f, "failed", "m"), MESSAGE);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                play_smsd(f, ROUNDS);
        time_t end = time(NULL) + 30;
        while (done < ROUNDS && time(NULL) < end) {
                r = message_folders_requeue(f->folders, "m", MESSAGE_NO_LIMIT, &count);
                assert_in_range(r, MESSAGE_DONE, MESSAGE_WAITING);
                done += r == MESSAGE_DONE;
                assert_true(message_folders_recover(f->folders) >= 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(count, ROUNDS);
        assert_int_equal(places_of(f), 1);
        char expected[128];
        (void)text_format(expected, sizeof(expected), "Smswarden_requeued: %u\n" MESSAGE, ROUNDS);
        assert_text(path(f, "failed", "m"), expected);
}

/* Two people and a recovery at once: each message goes out once. */
static void test_several_at_once(void **state)
{
        enum { MESSAGES = 60 };
        struct fixture *f = *state;
        pid_t pids[3];
        char name[16];

        for (unsigned i = 0; i < MESSAGES; i++) {
                (void)text_format(name, sizeof(name), "m%u", i);
                put(path(f, "failed", name), MESSAGE);
        }
        for (unsigned p = 0; p < ARRAY_SIZE(pids); p++) {
                pids[p] = fork();
                assert_true(pids[p] >= 0);
                if (pids[p] > 0)
                        continue;
                open_folders(f);
                for (unsigned i = 0; i < MESSAGES; i++) {
                        unsigned count;
                        (void)text_format(name, sizeof(name), "m%u", i);
                        int r = message_folders_requeue(f->folders, name, MESSAGE_NO_LIMIT, &count);
                        if (r < 0 || message_folders_recover(f->folders) < 0)
                                _exit(1);
                }
                _exit(0);
        }
        for (unsigned p = 0; p < ARRAY_SIZE(pids); p++) {
                int status;
                assert_int_equal(waitpid(pids[p], &status, 0), pids[p]);
                assert_int_equal(status, 0);
        }
        assert_int_equal(places_of(f), MESSAGES);
        for (unsigned i = 0; i < MESSAGES; i++) {
                (void)text_format(name, sizeof(name), "m%u", i);
                if (is_there(path(f, "outgoing", name)))
                        assert_text(path(f, "outgoing", name), "Smswarden_requeued: 1\n" MESSAGE);
                else
                        assert_text(path(f, "failed", name), MESSAGE);
        }
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
        const struct CMUnitTest tests[] = {
            TEST(test_list),
            TEST(test_a_huge_folder),
            TEST(test_requeue),
            TEST(test_a_count_that_makes_no_sense),
            TEST(test_quarantine_and_release),
            TEST(test_two_of_one_name_in_quarantine),
            TEST(test_remove),
            TEST(test_what_smsd_works_on),
            TEST(test_what_somebody_else_is_at),
            TEST(test_hostile_names),
            TEST(test_what_is_no_file),
            TEST(test_a_link_as_a_folder),
            TEST(test_too_large),
            TEST(test_without_permission),
            TEST(test_another_file_system),
            TEST(test_recover),
            TEST(test_recover_beside_a_new_one),
            TEST(test_killed_at_any_moment),
            TEST(test_between_two_steps),
            TEST(test_beside_smsd),
            TEST(test_several_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
