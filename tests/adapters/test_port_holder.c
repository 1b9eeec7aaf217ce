/* Who holds a port: a child of ours that opened a pty is found under every name of it; we ourselves never
 * are. */
#include "adapters/port_holder.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
        int master, slave;
        char node[64];
        pid_t child;
};

static int set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        assert_int_equal(openpty(&f->master, &f->slave, f->node, NULL, NULL), 0);
        *state = f;
        return 0;
}

static void end_child(struct fixture *f)
{
        if (f->child <= 0)
                return;
        assert_int_equal(kill(f->child, SIGKILL), 0);
        assert_int_equal(waitpid(f->child, NULL, 0), f->child);
        f->child = 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;

        end_child(f);
        f->master = close_fd(f->master);
        f->slave = close_fd(f->slave);
        free(f);
        return 0;
}

/* A child called `name` that has the slave open (or has let go of it) by the time this returns. */
static void start_child(struct fixture *f, const char *name, int hold)
{
        int ready[2];
        char byte;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        f->child = fork();
        assert_true(f->child >= 0);
        if (f->child == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)prctl(PR_SET_NAME, name);
                (void)close(f->master);
                if (!hold)
                        (void)close(f->slave);
                if (write(ready[1], "x", 1) != 1)
                        _exit(1);
                for (;;)
                        (void)pause();
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void)close(ready[0]);
        (void)close(ready[1]);
}

static uint64_t start_time_of(pid_t pid)
{
        char path[64], text[1024];
        unsigned long long start_time = 0;

        assert_int_equal(text_format(path, sizeof(path), "/proc/%d/stat", (int)pid), 0);
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        (void)fclose(file);
        assert_int_equal(
            sscanf(strrchr(text, ')'),
                   ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                   &start_time),
            1);
        return start_time;
}

static void test_holder_is_named(void **state)
{
        struct fixture *f = *state;
        struct port_holder holder;

        start_child(f, "minicom) 1 x", 1);
        assert_int_equal(port_holder_find(f->node, &holder), 0);
        assert_int_equal(holder.id.pid, f->child);
        assert_int_equal(holder.id.start_time, start_time_of(f->child));
        assert_string_equal(holder.command, "minicom) 1 x");
}

static void test_hostile_name_is_escaped(void **state)
{
        struct fixture *f = *state;
        struct port_holder holder;

        start_child(f, "a\n\x1b[31m", 1);
        assert_int_equal(port_holder_find(f->node, &holder), 0);
        assert_int_equal(holder.id.pid, f->child);
        for (const char *p = holder.command; *p; p++)
                assert_true(*p >= 0x20 && *p <= 0x7e);
}

static void test_found_through_a_link(void **state)
{
        struct fixture *f = *state;
        char folder[] = "/tmp/port_holder.XXXXXX", link[64];
        struct port_holder holder;

        assert_non_null(mkdtemp(folder));
        assert_int_equal(text_format(link, sizeof(link), "%s/modem", folder), 0);
        assert_int_equal(symlink(f->node, link), 0);
        start_child(f, "smsd", 1);
        assert_int_equal(port_holder_find(link, &holder), 0);
        assert_int_equal(holder.id.pid, f->child);
        assert_int_equal(unlink(link) | rmdir(folder), 0);
}

static void test_nobody(void **state)
{
        struct fixture *f = *state;
        struct port_holder holder = {.id.pid = 7};

        /* We have it open ourselves, and a child that let go of it is around. */
        start_child(f, "bystander", 0);
        assert_int_equal(port_holder_find(f->node, &holder), 1);
        assert_int_equal(holder.id.pid, 7);
        end_child(f);
        start_child(f, "user", 1);
        assert_int_equal(port_holder_find(f->node, &holder), 0);
        end_child(f);
        assert_int_equal(port_holder_find(f->node, &holder), 1);
}

static void test_not_a_device(void **state)
{
        struct port_holder holder = {.id.pid = 7};

        (void)state;
        assert_int_equal(port_holder_find("/tmp", &holder), -ENOTTY);
        assert_int_equal(port_holder_find("/proc/self/status", &holder), -ENOTTY);
        assert_int_equal(port_holder_find("/dev/absent", &holder), -ENOENT);
        assert_int_equal(holder.id.pid, 7);
}

static bool is_pid(void *userdata, pid_t pid)
{
        return pid == *(const pid_t *)userdata;
}

/* smsd, and the scripts that inherit its port, are no strangers; who else has it is found behind them. */
static void test_strangers(void **state)
{
        struct fixture *f = *state;
        struct port_holder holder;
        pid_t self = getpid(), nobody = 0;

        start_child(f, "smsd", 1);
        assert_int_equal(port_holder_find_stranger(f->node, is_pid, &nobody, &holder), 0);
        assert_int_equal(holder.id.pid, f->child);
        assert_int_equal(port_holder_find_stranger(f->node, is_pid, &f->child, &holder), 1);
        assert_int_equal(port_holder_find_stranger(f->node, is_pid, &self, &holder), 1); /* its parent */

        struct fixture other = *f;
        start_child(&other, "minicom", 1);
        assert_int_equal(port_holder_find_stranger(f->node, is_pid, &f->child, &holder), 0);
        assert_int_equal(holder.id.pid, other.child);
        assert_string_equal(holder.command, "minicom");
        end_child(&other);
        assert_int_equal(port_holder_find_stranger("/tmp", is_pid, &self, &holder), -ENOTTY);
}

static void test_no_descriptor_leaks(void **state)
{
        struct fixture *f = *state;
        struct port_holder holder;
        int before = dup(f->master);

        assert_true(before >= 0);
        (void)close(before);
        start_child(f, "smsd", 1);
        for (unsigned i = 0; i < 20; i++)
                assert_int_equal(port_holder_find(f->node, &holder), 0);
        int after = dup(f->master);
        assert_int_equal(after, before);
        (void)close(after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
            TEST(test_holder_is_named),
            TEST(test_hostile_name_is_escaped),
            TEST(test_found_through_a_link),
            TEST(test_nobody),
            TEST(test_not_a_device),
            TEST(test_no_descriptor_leaks),
            TEST(test_strangers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
