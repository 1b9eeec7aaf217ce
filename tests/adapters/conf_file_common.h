/*
 * What the tests of the config file adapter share: a folder of their own, files in it, and a look at all that
 * lies there.
 */
#ifndef TESTS_CONF_FILE_COMMON_H
#define TESTS_CONF_FILE_COMMON_H

#include "adapters/conf_file.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define OLD_TEXT "devices = GSM1\n[GSM1]\ndevice = /dev/old\n"
#define NEW_TEXT "devices = GSM1\n[GSM1]\ndevice = /dev/new\n# and longer than the old one\n"

/* In /var/tmp, because /tmp may be a tmpfs without user.* attributes. */
struct folder {
        char path[256];
        char file[320]; /* smsd.conf in it */
};

static inline void put(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        assert_int_equal(close(fd), 0);
}

static inline bool holds(const char *path, const char *text)
{
        char found[4096];
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return false;
        ssize_t length = read(fd, found, sizeof(found));
        (void)close(fd);
        return length == (ssize_t)strlen(text) && memcmp(found, text, strlen(text)) == 0;
}

static inline unsigned count_entries(const char *path)
{
        DIR *folder = opendir(path);
        unsigned count = 0;

        assert_non_null(folder);
        while (readdir(folder))
                count++;
        (void)closedir(folder);
        return count - 2;
}

static inline int folder_setup(void **state)
{
        struct folder *folder = calloc(1, sizeof(*folder));

        assert_non_null(folder);
        (void)text_copy(folder->path, sizeof(folder->path), "/var/tmp/smswarden-conf.XXXXXX");
        assert_non_null(mkdtemp(folder->path));
        (void)text_format(folder->file, sizeof(folder->file), "%s/smsd.conf", folder->path);
        put(folder->file, OLD_TEXT);
        *state = folder;
        return 0;
}

static inline int folder_teardown(void **state)
{
        struct folder *folder = *state;
        DIR *stream = opendir(folder->path);

        assert_non_null(stream);
        for (const struct dirent *entry; (entry = readdir(stream));)
                if (unlinkat(dirfd(stream), entry->d_name, 0) < 0)
                        (void)unlinkat(dirfd(stream), entry->d_name, AT_REMOVEDIR);
        (void)closedir(stream);
        assert_int_equal(rmdir(folder->path), 0);
        free(folder);
        return 0;
}

static inline struct conf_file_id read_id(const char *path)
{
        struct conf_file_id id;
        char *text;
        size_t length;

        assert_int_equal(conf_file_read(path, &text, &length, &id), 0);
        free(text);
        return id;
}

static inline int replace_text(const char *path, const struct conf_file_id *id, const char *text)
{
        return conf_file_replace(path, id, text, strlen(text));
}

/* What the daemon does a second after a replacement: nothing but the file is left. */
static inline void settle(const struct folder *folder)
{
        assert_true(count_entries(folder->path) <= 2);
        assert_int_equal(conf_file_recover(folder->file), 0);
        assert_int_equal(count_entries(folder->path), 1);
}

/* Runs in a forked child; what it returns (0..255) is the exit status, 0 for right. */
static inline void assert_in_child(int (*function)(const struct folder *folder), const struct folder *folder)
{
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(function(folder));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

#define folder_test(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

#endif
