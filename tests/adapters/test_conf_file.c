/*
 * Reading and replacing a config file on a real file system: what stays, what is refused, and that a failure
 * leaves nothing behind. Killed and raced replacements are in test_conf_file_crash.c.
 */
#include "conf_file_common.h"

#include "core/smsd_conf.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define ACL "system.posix_acl_access"

/* --- reading --- */

static void test_read(void **state)
{
        struct folder *folder = *state;
        struct conf_file_id id, same;
        _cleanup_free_ char *text = NULL;
        size_t length;
        struct stat status;

        assert_int_equal(conf_file_read(folder->file, &text, &length, &id), 0);
        assert_int_equal(length, strlen(OLD_TEXT));
        assert_string_equal(text, OLD_TEXT);
        assert_int_equal(stat(folder->file, &status), 0);
        assert_int_equal(id.ino, status.st_ino);
        assert_int_equal(id.size, status.st_size);
        same = read_id(folder->file);
        assert_int_equal(id.hash, same.hash);
        put(folder->file, "devices = GSM1\n[GSM1]\ndevice = /dev/odl\n");
        same = read_id(folder->file);
        assert_int_equal(id.size, same.size);
        assert_true(id.hash != same.hash);
}

static void assert_unreadable(const char *path, int error)
{
        struct conf_file_id id = {.size = 77};
        char untouched, *text = &untouched;
        size_t length = 77;

        assert_int_equal(conf_file_read(path, &text, &length, &id), error);
        assert_ptr_equal(text, &untouched);
        assert_int_equal(length, 77);
        assert_int_equal(id.size, 77);
}

/* A FIFO without a writer would hang a plain open() for ever. */
static void test_read_refuses(void **state)
{
        struct folder *folder = *state;
        char path[320];

        assert_unreadable(folder->path, -EISDIR);
        assert_unreadable("/", -EISDIR);
        assert_unreadable("/dev/null", -EINVAL);
        assert_unreadable("/nonexistent/smsd.conf", -ENOENT);
        (void)text_format(path, sizeof(path), "%s/fifo", folder->path);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_unreadable(path, -EINVAL);
        (void)text_format(path, sizeof(path), "%s/loop", folder->path);
        assert_int_equal(symlink("loop", path), 0);
        assert_unreadable(path, -ELOOP);
}

static void test_read_size(void **state)
{
        struct folder *folder = *state;
        struct conf_file_id id;
        char *text;
        size_t length;

        assert_int_equal(truncate(folder->file, 0), 0);
        assert_int_equal(conf_file_read(folder->file, &text, &length, &id), 0);
        assert_int_equal(length, 0);
        assert_string_equal(text, "");
        free(text);
        assert_int_equal(truncate(folder->file, SMSD_CONF_SIZE_MAX), 0);
        assert_int_equal(conf_file_read(folder->file, &text, &length, &id), 0);
        assert_int_equal(length, SMSD_CONF_SIZE_MAX);
        free(text);
        assert_int_equal(truncate(folder->file, SMSD_CONF_SIZE_MAX + 1), 0);
        assert_unreadable(folder->file, -EFBIG);
}

/* --- what stays --- */

static void test_replace(void **state)
{
        struct folder *folder = *state;
        struct conf_file_id id = read_id(folder->file);

        assert_int_equal(replace_text(folder->file, &id, NEW_TEXT), 0);
        assert_true(holds(folder->file, NEW_TEXT));
        assert_true(read_id(folder->file).ino != id.ino);
        settle(folder);
        id = read_id(folder->file);
        assert_int_equal(replace_text(folder->file, &id, ""), 0);
        assert_true(holds(folder->file, ""));
        settle(folder);
}

/* user::rw-, user:4242:r--, group::r--, mask::rw-, other::--- as the kernel keeps it (version 2, little
 * endian). */
static const unsigned char acl[] = {2, 0,    0,    0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
                                    0, 0x92, 0x10, 0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                                    6, 0,    255,  255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};

static void test_metadata_stays(void **state)
{
        struct folder *folder = *state;
        struct stat before, after;
        char value[256];

        assert_int_equal(chown(folder->file, 1234, 2345), 0);
        assert_int_equal(chmod(folder->file, 0640), 0);
        assert_int_equal(setxattr(folder->file, ACL, acl, sizeof(acl), 0), 0);
        assert_int_equal(setxattr(folder->file, "user.note", "kept", 4, 0), 0);
        assert_int_equal(setxattr(folder->file, "user.empty", "", 0, 0), 0);
        assert_int_equal(stat(folder->file, &before), 0);
        struct conf_file_id id = read_id(folder->file);
        assert_int_equal(replace_text(folder->file, &id, NEW_TEXT), 0);
        assert_int_equal(stat(folder->file, &after), 0);
        assert_true(before.st_ino != after.st_ino);
        assert_int_equal(after.st_uid, 1234);
        assert_int_equal(after.st_gid, 2345);
        assert_int_equal(after.st_mode, before.st_mode);
        assert_int_equal(getxattr(folder->file, ACL, value, sizeof(value)), sizeof(acl));
        assert_memory_equal(value, acl, sizeof(acl));
        assert_int_equal(getxattr(folder->file, "user.note", value, sizeof(value)), 4);
        assert_memory_equal(value, "kept", 4);
        assert_int_equal(getxattr(folder->file, "user.empty", value, sizeof(value)), 0);
        assert_true(holds(folder->file, NEW_TEXT));
}

/* A default ACL of the folder must not open the new file to somebody. */
static void test_no_acl_stays_none(void **state)
{
        struct folder *folder = *state;
        struct stat status;
        char value[256];

        assert_int_equal(chmod(folder->file, 0604), 0);
        assert_int_equal(setxattr(folder->path, "system.posix_acl_default", acl, sizeof(acl), 0), 0);
        struct conf_file_id id = read_id(folder->file);
        assert_int_equal(replace_text(folder->file, &id, NEW_TEXT), 0);
        assert_int_equal(getxattr(folder->file, ACL, value, sizeof(value)), -1);
        assert_int_equal(errno, ENODATA);
        assert_int_equal(stat(folder->file, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0604);
}

static void test_umask_does_not_matter(void **state)
{
        struct folder *folder = *state;
        struct stat status;
        mode_t old = umask(0777);
        struct conf_file_id id = read_id(folder->file);

        assert_int_equal(replace_text(folder->file, &id, NEW_TEXT), 0);
        (void)umask(old);
        assert_int_equal(stat(folder->file, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0644);
}

static void test_symlink_stays(void **state)
{
        struct folder *folder = *state;
        char link[320], target[PATH_MAX] = "";
        struct stat status;

        (void)text_format(link, sizeof(link), "%s/link", folder->path);
        assert_int_equal(symlink("smsd.conf", link), 0);
        struct conf_file_id id = read_id(link);
        assert_int_equal(replace_text(link, &id, NEW_TEXT), 0);
        assert_int_equal(readlink(link, target, sizeof(target) - 1), strlen("smsd.conf"));
        assert_int_equal(lstat(folder->file, &status), 0);
        assert_true(S_ISREG(status.st_mode));
        assert_true(holds(folder->file, NEW_TEXT));
        assert_int_equal(conf_file_recover(link), 0);
        assert_int_equal(count_entries(folder->path), 2);
}

/* --- what is refused --- */

static void edit_by_rename(const struct folder *folder)
{
        char path[320];

        (void)text_format(path, sizeof(path), "%s/edit", folder->path);
        put(path, "edited\n");
        assert_int_equal(rename(path, folder->file), 0);
}

static void edit_in_place(const struct folder *folder)
{
        put(folder->file, "edited\n");
}

static void edit_same_length(const struct folder *folder)
{
        char text[] = OLD_TEXT;

        text[0] = 'D';
        put(folder->file, text);
}

static void change_mode(const struct folder *folder)
{
        assert_int_equal(chmod(folder->file, 0600), 0);
}

static void remove_it(const struct folder *folder)
{
        assert_int_equal(unlink(folder->file), 0);
}

static void test_stale(void **state)
{
        static void (*const edits[])(const struct folder *) = {edit_by_rename, edit_in_place,
                                                               edit_same_length, change_mode, remove_it};
        struct folder *folder = *state;

        for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
                struct stat before, after;
                put(folder->file, OLD_TEXT);
                struct conf_file_id id = read_id(folder->file);
                edits[i](folder);
                int there = stat(folder->file, &before);
                assert_int_equal(replace_text(folder->file, &id, NEW_TEXT), -ESTALE);
                assert_int_equal(stat(folder->file, &after), there);
                if (there == 0)
                        assert_int_equal(before.st_ino, after.st_ino);
                assert_false(holds(folder->file, NEW_TEXT));
                assert_int_equal(count_entries(folder->path), there == 0);
        }
}

static void test_busy_while_open_for_writing(void **state)
{
        struct folder *folder = *state;
        struct conf_file_id id = read_id(folder->file);
        int fd = open(folder->file, O_WRONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(replace_text(folder->file, &id, NEW_TEXT), -EBUSY);
        assert_true(holds(folder->file, OLD_TEXT));
        assert_int_equal(read_id(folder->file).ino, id.ino);
        assert_int_equal(count_entries(folder->path), 1);
        assert_int_equal(close(fd), 0);
        assert_int_equal(replace_text(folder->file, &id, NEW_TEXT), 0);
}

static void test_readers_do_not_matter(void **state)
{
        struct folder *folder = *state;
        struct conf_file_id id = read_id(folder->file);
        _cleanup_close_ int fd = open(folder->file, O_RDONLY | O_CLOEXEC);

        assert_int_equal(replace_text(folder->file, &id, NEW_TEXT), 0);
        char text[256];
        assert_int_equal(read(fd, text, sizeof(text)), strlen(OLD_TEXT));
}

static void test_too_large(void **state)
{
        struct folder *folder = *state;
        struct conf_file_id id = read_id(folder->file);
        _cleanup_free_ char *text = calloc(1, SMSD_CONF_SIZE_MAX + 1);

        assert_int_equal(conf_file_replace(folder->file, &id, text, SMSD_CONF_SIZE_MAX + 1), -EFBIG);
        assert_true(holds(folder->file, OLD_TEXT));
        assert_int_equal(conf_file_replace(folder->file, &id, text, SMSD_CONF_SIZE_MAX), 0);
}

/* --- failures of the system --- */

/* A replacement that must fail with `error` and change nothing. Returns 0 when so. */
static int check_failure(const struct folder *folder, int error, const char *text, size_t length)
{
        struct stat before, after;
        unsigned entries = count_entries(folder->path);
        struct conf_file_id id = read_id(folder->file);

        if (stat(folder->file, &before) < 0)
                return 1;
        int r = conf_file_replace(folder->file, &id, text, length);
        if (r != error) {
                (void)fprintf(stderr, "replace: %d\n", r);
                return 2;
        }
        if (stat(folder->file, &after) < 0 || before.st_ino != after.st_ino || !holds(folder->file, OLD_TEXT))
                return 3;
        if (before.st_mtim.tv_nsec != after.st_mtim.tv_nsec || before.st_mtim.tv_sec != after.st_mtim.tv_sec)
                return 4;
        return count_entries(folder->path) == entries ? 0 : 5;
}

/* A file system of 64 kB in a mount namespace of our own, which goes with the child. */
static int mount_small(const struct folder *folder)
{
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("small", folder->path, "tmpfs", 0, "size=64k") < 0) {
                perror("mount");
                return 10;
        }
        put(folder->file, OLD_TEXT);
        return 0;
}

static int child_disk_full(const struct folder *folder)
{
        static char text[128 * 1024];
        char filler[320];
        int r = mount_small(folder);

        if (r != 0)
                return r;
        r = check_failure(folder, -ENOSPC, text, sizeof(text));
        if (r != 0)
                return r;
        (void)text_format(filler, sizeof(filler), "%s/filler", folder->path);
        _cleanup_close_ int fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        while (write(fd, text, 1024) > 0)
                ;
        return check_failure(folder, -ENOSPC, NEW_TEXT, strlen(NEW_TEXT));
}

static int child_read_only(const struct folder *folder)
{
        int r = mount_small(folder);

        if (r != 0)
                return r;
        if (mount("small", folder->path, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=64k") < 0)
                return 11;
        return check_failure(folder, -EROFS, NEW_TEXT, strlen(NEW_TEXT));
}

/* The exchange itself fails, after the new file is there. */
static int child_mount_point(const struct folder *folder)
{
        int r = mount_small(folder);

        if (r != 0)
                return r;
        if (mount(folder->file, folder->file, NULL, MS_BIND, NULL) < 0)
                return 11;
        return check_failure(folder, -EBUSY, NEW_TEXT, strlen(NEW_TEXT));
}

static int become_nobody(void)
{
        return setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0 ? 10 : 0;
}

static int child_no_permission(const struct folder *folder)
{
        int r = become_nobody();

        return r != 0 ? r : check_failure(folder, -EACCES, NEW_TEXT, strlen(NEW_TEXT));
}

/* May write into the folder, but cannot give the new file the old one's owner. */
static int child_no_owner(const struct folder *folder)
{
        int r = chmod(folder->path, 0777) < 0 ? 9 : become_nobody();

        return r != 0 ? r : check_failure(folder, -EPERM, NEW_TEXT, strlen(NEW_TEXT));
}

static int child_file_size_limit(const struct folder *folder)
{
        static char text[8192];
        struct rlimit limit = {4096, 4096};

        if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) < 0)
                return 10;
        return check_failure(folder, -EFBIG, text, sizeof(text));
}

/* A file system without RENAME_EXCHANGE, as the kernel would say it. */
static int child_without_exchange(const struct folder *folder)
{
        struct sock_filter filter[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[4])),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RENAME_EXCHANGE, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {ARRAY_SIZE(filter), filter};
        struct conf_file_id id = read_id(folder->file);

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
                return 1;
        if (replace_text(folder->file, &id, NEW_TEXT) != 0 || !holds(folder->file, NEW_TEXT))
                return 2;
        if (replace_text(folder->file, &id, OLD_TEXT) != -ESTALE || !holds(folder->file, NEW_TEXT))
                return 3;
        return count_entries(folder->path) == 1 ? 0 : 4;
}

static void test_disk_full(void **state)
{
        assert_in_child(child_disk_full, *state);
}

static void test_read_only(void **state)
{
        assert_in_child(child_read_only, *state);
}

static void test_mount_point(void **state)
{
        assert_in_child(child_mount_point, *state);
}

static void test_no_permission(void **state)
{
        const struct folder *folder = *state;

        assert_int_equal(chmod(folder->path, 0755), 0);
        assert_in_child(child_no_permission, folder);
}

static void test_no_owner(void **state)
{
        assert_in_child(child_no_owner, *state);
}

static void test_file_size_limit(void **state)
{
        assert_in_child(child_file_size_limit, *state);
}

static void test_without_exchange(void **state)
{
        assert_in_child(child_without_exchange, *state);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            folder_test(test_read),
            folder_test(test_read_refuses),
            folder_test(test_read_size),
            folder_test(test_replace),
            folder_test(test_metadata_stays),
            folder_test(test_no_acl_stays_none),
            folder_test(test_umask_does_not_matter),
            folder_test(test_symlink_stays),
            folder_test(test_stale),
            folder_test(test_busy_while_open_for_writing),
            folder_test(test_readers_do_not_matter),
            folder_test(test_too_large),
            folder_test(test_disk_full),
            folder_test(test_read_only),
            folder_test(test_mount_point),
            folder_test(test_no_permission),
            folder_test(test_no_owner),
            folder_test(test_file_size_limit),
            folder_test(test_without_exchange),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
