/*
 * `smswarden migrate` on the old gateway as it was, in a folder: dry, for real, twice, and back, byte for
 * byte; with edits of somebody's in between, and after a death in the middle.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "temp_folder.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

struct old_file {
        const char *path, *text; /* a text that begins with "->" is a symbolic link's target */
        mode_t mode;
        uid_t uid;
};

static const struct old_file old_gateway[] = {
    {"/etc/cron.d/sms",
     "# sms\n*/2 * * * * root /usr/local/bin/smsd_monitor.sh\n0 3 * * * root /bin/backup\n", 0644, 0},
    {"/var/spool/cron/crontabs/rom", "* * * * * /home/rom/modem_crash_recovery.sh\n", 0600, 1000},
    {"/etc/sudoers.d/sms",
     "w ALL=NOPASSWD: /usr/bin/pkill smsd\nw ALL=NOPASSWD: /home/rom/smsd_manual_stop.sh\n", 0440, 0},
    {"/etc/udev/rules.d/99-ec25.rules", "ACTION==\"add\", RUN+=\"/home/rom/ec25_smart_configurator.sh\"\n",
     0644, 0},
    {"/etc/systemd/system/ec25-port-monitor.service",
     "[Service]\nExecStart=/srv/gateway/deep/down/ec25_port_monitor.sh\n", 0644, 0},
    {"/etc/systemd/system/ec25-port-monitor.timer", "[Timer]\nOnUnitActiveSec=30\n", 0644, 0},
    {"/etc/systemd/system/timers.target.wants/ec25-port-monitor.timer",
     "->/etc/systemd/system/ec25-port-monitor.timer", 0, 0},
    {"/etc/systemd/system/multi-user.target.requires/ec25-port-monitor.service",
     "->/etc/systemd/system/ec25-port-monitor.service", 0, 0},
    {"/etc/systemd/system/smstools.service", "[Service]\nRestart=always\nExecStop=/usr/bin/killall smsd\n",
     0644, 0},
    {"/home/rom/smsd_manual_stop.sh", "#!/bin/bash\npkill -9 smsd\n", 0755, 1000},
    {"/usr/local/bin/smsd_monitor.sh", "#!/bin/bash\nPASSWORD=abc\n", 0700, 0},
    {"/home/rom/pi_send_message.sh", "#!/bin/bash\ncurl x\n", 0755, 1000},
    /* found by the line that calls it only */
    {"/srv/gateway/deep/down/ec25_port_monitor.sh", "#!/bin/bash\nls\n", 0755, 0},
    /* masked: nothing to read, and nothing to complain of */
    {"/etc/systemd/system/serial-getty@ttyS0.service", "->/dev/null", 0, 0},
};

struct box {
        char root[64], config[96], program[PATH_MAX];
};

static void path_in(const struct box *box, const char *path, char target[PATH_MAX])
{
        assert_int_equal(text_format(target, PATH_MAX, "%s%s", box->root, path), 0);
}

static void make_parents(char *path)
{
        for (char *p = path + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
                *p = '/';
        }
}

static void put_file(const struct box *box, const struct old_file *file)
{
        static const struct timespec times[2] = {{1000000000, 0}, {1000000000, 123456789}};
        char path[PATH_MAX];

        path_in(box, file->path, path);
        make_parents(path);
        if (text_starts_with(file->text, "->")) {
                assert_int_equal(symlink(file->text + 2, path), 0);
                return;
        }
        assert_int_equal(file_replace(path, file->text, strlen(file->text), file->mode), 0);
        assert_int_equal(chown(path, file->uid, file->uid), 0);
        assert_int_equal(chmod(path, file->mode), 0);
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void expect_file(const struct box *box, const struct old_file *file)
{
        char path[PATH_MAX], text[4096];
        struct stat status;
        size_t length;

        path_in(box, file->path, path);
        if (lstat(path, &status) < 0)
                fail_msg("%s is missing", path);
        if (text_starts_with(file->text, "->")) {
                ssize_t n = readlink(path, text, sizeof(text) - 1);
                assert_true(n > 0);
                text[n] = '\0';
                assert_string_equal(text, file->text + 2);
                return;
        }
        assert_int_equal(file_read_into(path, O_NOFOLLOW, text, sizeof(text), &length), 0);
        assert_string_equal(text, file->text);
        assert_int_equal(status.st_mode & 07777, file->mode);
        assert_int_equal(status.st_uid, file->uid);
        assert_int_equal(status.st_gid, file->uid);
        assert_int_equal(status.st_mtim.tv_sec, 1000000000);
        assert_int_equal(status.st_mtim.tv_nsec, 123456789);
}

static void expect_all(const struct box *box)
{
        for (size_t i = 0; i < ARRAY_SIZE(old_gateway); i++)
                expect_file(box, &old_gateway[i]);
}

static void read_text(const struct box *box, const char *path, char *text, size_t size)
{
        char full[PATH_MAX];
        size_t length;

        path_in(box, path, full);
        assert_int_equal(file_read_into(full, 0, text, size, &length), 0);
}

static int setup(void **state)
{
        struct box *box = calloc(1, sizeof(*box));
        char self[PATH_MAX], path[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

        assert_non_null(box);
        assert_true(n > 0);
        self[n] = '\0';
        assert_int_equal(
            text_format(box->program, sizeof(box->program), "%s/smswarden", dirname(dirname(dirname(self)))),
            0);
        assert_int_equal(text_copy(box->root, sizeof(box->root), "/tmp/migrate.XXXXXX"), 0);
        assert_non_null(mkdtemp(box->root));
        path_in(box, "/var/lib/x", path);
        make_parents(path);
        assert_int_equal(text_format(box->config, sizeof(box->config), "%s/none.conf", box->root), 0);
        for (size_t i = 0; i < ARRAY_SIZE(old_gateway); i++)
                put_file(box, &old_gateway[i]);
        *state = box;
        return 0;
}

static int teardown(void **state)
{
        struct box *box = *state;

        temp_folder_remove(box->root);
        free(box);
        return 0;
}

/* Runs migrate; its exit code, what it says in `output`. */
static int migrate(const struct box *box, const char *option, char *output, size_t size)
{
        const char *argv[] = {box->program, "--config", box->config, "migrate",
                              "--root",     box->root,  option,      NULL};
        size_t length = 0;
        ssize_t n;
        int out[2], status = 0;

        assert_int_equal(pipe(out), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (dup2(out[1], STDOUT_FILENO) >= 0 && dup2(out[1], STDERR_FILENO) >= 0)
                        (void)execv(box->program, (char *const *)argv);
                _exit(121);
        }
        (void)close(out[1]);
        while (length + 1 < size && (n = read(out[0], output + length, size - 1 - length)) > 0)
                length += (size_t)n;
        output[length] = '\0';
        (void)close(out[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_dry_run_touches_nothing(void **state)
{
        const struct box *box = *state;
        char output[16384], path[PATH_MAX];

        assert_int_equal(migrate(box, "--dry-run", output, sizeof(output)), 0);
        expect_all(box);
        path_in(box, "/var/lib/smswarden", path);
        assert_int_not_equal(access(path, F_OK), 0);
        assert_non_null(strstr(output, "9 changes would be made; nothing was."));
        assert_non_null(strstr(output, "/etc/cron.d/sms:2"));
        assert_non_null(strstr(output, "Change the passwords"));
        assert_null(strstr(output, "abc"));
}

static void expect_switched_off(const struct box *box)
{
        char text[4096], path[PATH_MAX];
        struct stat status;

        read_text(box, "/etc/cron.d/sms", text, sizeof(text));
        assert_string_equal(text,
                            "# sms\n#smswarden-migrate# */2 * * * * root /usr/local/bin/smsd_monitor.sh\n"
                            "0 3 * * * root /bin/backup\n");
        read_text(box, "/etc/sudoers.d/sms", text, sizeof(text));
        assert_non_null(strstr(text, "#smswarden-migrate# w ALL=NOPASSWD: /usr/bin/pkill smsd\nw ALL="));
        path_in(box, "/etc/systemd/system/ec25-port-monitor.timer", path);
        assert_int_not_equal(access(path, F_OK), 0);
        path_in(box, "/etc/systemd/system/timers.target.wants/ec25-port-monitor.timer", path);
        assert_int_not_equal(lstat(path, &status), 0);
        path_in(box, "/etc/systemd/system/multi-user.target.requires/ec25-port-monitor.service", path);
        assert_int_not_equal(lstat(path, &status), 0);
        path_in(box, "/home/rom/smsd_manual_stop.sh", path);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0755);
        assert_int_equal(status.st_uid, 1000);
        read_text(box, "/home/rom/smsd_manual_stop.sh", text, sizeof(text));
        assert_non_null(strstr(text, "\nexec /usr/bin/smswarden stop --reason smsd_manual_stop.sh\n"));
        read_text(box, "/srv/gateway/deep/down/ec25_port_monitor.sh", text, sizeof(text));
        assert_non_null(strstr(text, "exec /usr/bin/smswarden modems"));
        expect_file(box, &old_gateway[8]); /* the user's own unit stays */
        expect_file(box, &old_gateway[11]);
}

static void test_there_and_back(void **state)
{
        const struct box *box = *state;
        char output[16384], path[PATH_MAX];

        assert_int_equal(migrate(box, NULL, output, sizeof(output)), 0);
        expect_switched_off(box);
        assert_int_equal(migrate(box, NULL, output, sizeof(output)), 0);
        assert_non_null(strstr(output, "Nothing of the old scripts is left"));
        expect_switched_off(box);
        assert_int_equal(migrate(box, "--undo", output, sizeof(output)), 0);
        expect_all(box);
        path_in(box, "/var/lib/smswarden/migrate", path);
        assert_int_not_equal(access(path, F_OK), 0);
        assert_int_equal(migrate(box, "--undo", output, sizeof(output)), 0);
        assert_non_null(strstr(output, "There is nothing to take back."));
}

/* Nobody's later edit is lost by the undo. */
static void test_edits_since_stay(void **state)
{
        const struct box *box = *state;
        const char *edited =
            "#smswarden-migrate# */2 * * * * root /usr/local/bin/smsd_monitor.sh\n1 1 * * * root /new\n";
        const char *script = "#!/bin/sh\necho mine\n";
        char output[16384], text[4096], path[PATH_MAX];

        assert_int_equal(migrate(box, NULL, output, sizeof(output)), 0);
        path_in(box, "/etc/cron.d/sms", path);
        assert_int_equal(file_replace(path, edited, strlen(edited), 0644), 0);
        path_in(box, "/home/rom/smsd_manual_stop.sh", path);
        assert_int_equal(file_replace(path, script, strlen(script), 0755), 0);
        assert_int_equal(migrate(box, "--undo", output, sizeof(output)), 1);
        read_text(box, "/etc/cron.d/sms", text, sizeof(text));
        assert_string_equal(text, edited + strlen("#smswarden-migrate# "));
        read_text(box, "/home/rom/smsd_manual_stop.sh", text, sizeof(text));
        assert_string_equal(text, script);
        assert_non_null(strstr(output, "/home/rom/smsd_manual_stop.sh: was replaced by somebody since"));

        /* What could not be restored is kept, also beside a later migration. */
        assert_int_equal(migrate(box, NULL, output, sizeof(output)), 0);
        assert_int_equal(migrate(box, "--undo", output, sizeof(output)), 1);
        read_text(box, "/home/rom/smsd_manual_stop.sh", text, sizeof(text));
        assert_string_equal(text, script);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(migrate(box, "--undo", output, sizeof(output)), 0);
        expect_file(box, &old_gateway[9]);
}

/* The note and the copy are there, the change is not: undo has nothing to do for it. */
static void test_death_before_the_change(void **state)
{
        const struct box *box = *state;
        char output[16384], path[PATH_MAX], line[PATH_MAX + 64];

        path_in(box, "/var/lib/smswarden/migrate/0", path);
        make_parents(path);
        assert_int_equal(file_replace(path, old_gateway[0].text, strlen(old_gateway[0].text), 0600), 0);
        assert_int_equal(
            text_format(line, sizeof(line), "file 0 00000000000000ff %s/etc/cron.d/sms\n", box->root), 0);
        path_in(box, "/var/lib/smswarden/migrate/manifest", path);
        assert_int_equal(file_replace(path, line, strlen(line), 0600), 0);
        assert_int_equal(migrate(box, "--undo", output, sizeof(output)), 0);
        expect_all(box);
}

static void test_strangers_are_refused(void **state)
{
        const struct box *box = *state;
        int status = 0;

        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int program = open(box->program, O_PATH | O_CLOEXEC), null = open("/dev/null", O_WRONLY);
                char *argv[] = {(char *)"smswarden", (char *)"migrate", NULL};
                if (program >= 0 && dup2(null, STDERR_FILENO) >= 0 && setresuid(65534, 65534, 65534) == 0)
                        (void)fexecve(program, argv, environ);
                _exit(121);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 77);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_dry_run_touches_nothing, setup, teardown),
            cmocka_unit_test_setup_teardown(test_there_and_back, setup, teardown),
            cmocka_unit_test_setup_teardown(test_edits_since_stay, setup, teardown),
            cmocka_unit_test_setup_teardown(test_death_before_the_change, setup, teardown),
            cmocka_unit_test_setup_teardown(test_strangers_are_refused, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
