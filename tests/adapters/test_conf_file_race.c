/*
 * An editor and a replacement that race freely, for the interleavings that test_conf_file_crash.c does not
 * know of: it stops only before system calls, this one is stopped by the scheduler.
 */
#include "conf_file_common.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#define RACE_ROUNDS  400
#define RACE_SECONDS 20

/* In each round both sides start together: one edit, one replacement. Whatever comes of it, the edit is in
 * force at the end. */
struct race {
        _Atomic unsigned started;
        _Atomic unsigned edited;
        _Atomic bool stop;
};

static bool reached(const _Atomic unsigned *number, unsigned wanted)
{
        time_t end = time(NULL) + RACE_SECONDS;

        while (*number < wanted && time(NULL) < end)
                (void)sched_yield();
        return *number >= wanted;
}

static void edit_text(char text[static 32], unsigned round)
{
        (void)text_format(text, 32, "edit %u\n", round);
}

/* Even rounds by rename, odd ones in place; begun a little earlier or later in each, up to what a replacement
 * takes. */
static void edit_once(const struct folder *folder, unsigned round)
{
        char path[320], text[32];
        struct timespec pause = {.tv_nsec = (long)(round % 32) * 20000};
        const char *target = round % 2 ? folder->file : path;

        (void)nanosleep(&pause, NULL);
        edit_text(text, round);
        (void)text_format(path, sizeof(path), "%s.edit", folder->file);
        int fd = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0)
                _exit(1);
        if (target == path && rename(path, folder->file) < 0)
                _exit(2);
}

static void edit_all(const struct folder *folder, struct race *race)
{
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) /* never outlives a test that failed */
                _exit(4);
        for (unsigned round = 1; !race->stop; round++) {
                if (!reached(&race->started, round))
                        _exit(race->stop ? 0 : 3);
                if (race->stop)
                        break;
                edit_once(folder, round);
                race->edited = round;
        }
        _exit(0);
}

static int race_round(const struct folder *folder, struct race *race, unsigned round)
{
        struct conf_file_id id = read_id(folder->file);
        char text[32];

        race->started = round;
        int r = replace_text(folder->file, &id, NEW_TEXT);
        if (r != 0 && r != -ESTALE && r != -EBUSY)
                fail_msg("round %u: %d", round, r);
        assert_true(reached(&race->edited, round));
        int recovered = conf_file_recover(folder->file);
        edit_text(text, round);
        if (!holds(folder->file, text))
                fail_msg("round %u: the edit is lost, result %d, recovered %d", round, r, recovered);
        assert_int_equal(count_entries(folder->path), 1);
        return r;
}

static void test_race(void **state)
{
        struct folder *folder = *state;
        struct race *race =
            mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        unsigned replaced = 0, refused = 0;
        int status;

        assert_true(race != MAP_FAILED);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                edit_all(folder, race);
        for (unsigned round = 1; round <= RACE_ROUNDS; round++) {
                int r = race_round(folder, race, round);
                replaced += r == 0;
                refused += r < 0;
        }
        race->stop = true;
        race->started = RACE_ROUNDS + 1;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_int_equal(munmap(race, sizeof(*race)), 0);
        assert_true(replaced + refused == RACE_ROUNDS && replaced > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {folder_test(test_race)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
