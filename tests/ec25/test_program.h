/*
 * For the tests of the program: softec25 with three modems in a folder of its own, and its client.
 */
#ifndef EC25_TEST_PROGRAM_H
#define EC25_TEST_PROGRAM_H

#include "base/cleanup.h"
#include "base/text.h"
#include "ec25/client.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
/* cmocka wants the headers above first */
#include <cmocka.h>

static char program[PATH_MAX], self[PATH_MAX];

/* build/tests/ec25/test_x -> build/softec25 */
static inline int find_program(void)
{
        if (!realpath("/proc/self/exe", self) || text_copy(program, sizeof(program), self) < 0)
                return -ENAMETOOLONG;
        for (int i = 0; i < 3; i++)
                *strrchr(program, '/') = '\0';
        return text_append(program, sizeof(program), "/softec25");
}

struct fixture {
        char directory[64];
        struct ec25_client *client;
};

static inline int setup(void **state)
{
        static const char *const arguments[] = {"--umockdev", "--modems", "3", NULL};
        struct fixture *f = calloc(1, sizeof(*f));

        if (!f)
                return -1;
        (void)text_copy(f->directory, sizeof(f->directory), "/tmp/softec25.XXXXXX"); /* fits */
        if (!mkdtemp(f->directory) || ec25_client_start(program, f->directory, arguments, &f->client) < 0)
                return -1;
        *state = f;
        return 0;
}

static inline int remove_file(const char *path, const struct stat *stat, int type, struct FTW *where)
{
        (void)stat;
        (void)type;
        (void)where;
        return remove(path);
}

static inline int teardown(void **state)
{
        struct fixture *f = *state;
        char nodes[PATH_MAX];

        (void)text_copy(nodes, sizeof(nodes),
                        ec25_client_environment(f->client, "EC25_NODES")); /* a mkdtemp name */
        ec25_client_free(f->client);
        int left = access(nodes, F_OK); /* what it made in /dev/shm goes with it */
        int r = nftw(f->directory, remove_file, 16, FTW_DEPTH | FTW_PHYS);
        free(f);
        return left == 0 || r != 0 ? -1 : 0;
}

/* The answer, to be freed. */
static inline char *ask(struct fixture *f, const char *command)
{
        char *answer = NULL;
        int r = ec25_client_command(f->client, 10000, &answer, "%s", command);

        if (r < 0)
                print_message("%s: %s\n", command, ec25_client_error(f->client));
        assert_int_equal(r, 0);
        return answer;
}

static inline void tell(struct fixture *f, const char *command)
{
        free(ask(f, command));
}

static inline void refuse(struct fixture *f, const char *command, const char *error)
{
        assert_int_equal(ec25_client_command(f->client, 10000, NULL, "%s", command), -EINVAL);
        assert_string_equal(ec25_client_error(f->client), error);
}

static inline int open_port(struct fixture *f, const char *command)
{
        _cleanup_free_ char *node = ask(f, command);
        node[strcspn(node, "\n")] = '\0';
        int fd = open(node, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

/* Reads until `wanted` is there; false after two seconds, or at an end of file. */
static inline bool read_until(int fd, const char *wanted, char *text, size_t size)
{
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        size_t length = 0;

        text[0] = '\0';
        while (!strstr(text, wanted) && length + 1 < size && poll(&wait, 1, 2000) > 0) {
                ssize_t got = read(fd, text + length, size - 1 - length);
                if (got <= 0)
                        return false;
                length += (size_t)got;
                text[length] = '\0';
        }
        return strstr(text, wanted) != NULL;
}

static inline void say(int fd, const char *text)
{
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static inline void write_text(const char *path, const char *text)
{
        _cleanup_fclose_ FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0 && fflush(file) == 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
