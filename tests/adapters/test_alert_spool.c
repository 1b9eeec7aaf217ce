/*
 * adapters/alert_spool and adapters/alert_files: what is written is there, in order and for those who may
 * read it; a new life finds what the last one told; nothing grows without bound; what lies there and is not
 * ours does no harm.
 */
#include "alert_spool_fixture.h"

#include "../../src/adapters/alert_spool_private.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- writing --- */

static void test_a_message(void **state)
{
        struct world *world = *state;
        struct alert_message message;
        struct alert alert = make_alert("smsd-down", SEVERITY_CRITICAL);
        struct stat status;
        char path[256], host[64];
        uint64_t oldest = 9;

        live(world);
        assert_int_equal(alert_spool_count(world->spool, &oldest), 0);
        assert_int_equal(oldest, 0);
        const struct spool_answer *answer = write_alert(world, &alert);
        assert_int_equal(answer->result, 0);
        assert_int_equal(answer->sequence, 1);
        char id[ALERT_ID_MAX];
        (void)text_format(id, sizeof(id), BOOT "-%.8s-1", alert_spool_id(world->spool));
        assert_string_equal(answer->id, id);
        assert_int_equal(alert_spool_count(world->spool, &oldest), 1);
        assert_int_equal(oldest, 1);

        assert_int_equal(alert_files_next(world->folder, 0, &message, NULL), 1);
        assert_string_equal(message.id, id);
        assert_string_equal(message.spool, alert_spool_id(world->spool));
        assert_int_equal(strlen(message.spool), 32);
        assert_string_equal(message.alert.summary, alert.summary);
        assert_true(message.at > INT64_C(1700000000000000) && message.alert.since_realtime > 0);
        assert_true(message.alert.since_realtime <= message.at);
        assert_true(message.alert.until_realtime == 0 && message.alert.ended_realtime == 0);
        assert_int_equal(gethostname(host, sizeof(host)), 0);
        assert_string_equal(message.host, host);
        assert_int_equal(alert_files_next(world->folder, 1, &message, NULL), 0);

        world_path(world, "00000000000000000001-critical.json", path);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode, S_IFREG | 0640);
        world_path(world, "book", path);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode, S_IFREG | 0600);
        assert_int_equal(stat(world->folder, &status), 0);
        assert_int_equal(status.st_mode, S_IFDIR | 02750);
}

static void test_times_given_are_kept(void **state)
{
        struct world *world = *state;
        struct alert alert = make_alert("hold", SEVERITY_WARNING);
        struct alert_message message;

        alert.since_realtime = INT64_C(1795420800) * 1000000;
        alert.until = USEC_INFINITY;
        alert.ended_realtime = INT64_C(1795420860) * 1000000;
        live(world);
        assert_int_equal(write_alert(world, &alert)->result, 0);
        assert_int_equal(alert_files_next(world->folder, 0, &message, NULL), 1);
        assert_int_equal(message.alert.since_realtime, alert.since_realtime);
        assert_int_equal(message.alert.ended_realtime, alert.ended_realtime);
        assert_int_equal(message.alert.until_realtime, 0);
}

/* The folder's group reads; nobody else does. */
static void test_group(void **state)
{
        struct world *world = *state;
        const struct group *group = getgrnam("adm");
        struct stat status;
        char path[256];

        assert_non_null(group);
        world->group = "adm";
        live(world);
        (void)tell(world, "smsd-down", SEVERITY_INFO);
        assert_int_equal(alert_spool_heartbeat(world->spool, "working", ""), 0);
        save(world); /* behind it */
        assert_int_equal(stat(world->folder, &status), 0);
        assert_int_equal(status.st_gid, group->gr_gid);
        assert_int_equal(status.st_mode, S_IFDIR | 02750);
        for (size_t i = 0; i < 2; i++) {
                world_path(world, i ? "heartbeat" : "00000000000000000001-info.json", path);
                assert_int_equal(stat(path, &status), 0);
                assert_int_equal(status.st_gid, group->gr_gid);
                assert_int_equal(status.st_mode, S_IFREG | 0640);
        }
        /* What a person changed by mistake is put right by the next life; no such group is no trouble. */
        assert_int_equal(chmod(world->folder, 0700), 0);
        assert_int_equal(chown(world->folder, 0, 0), 0);
        live_again(world);
        assert_int_equal(stat(world->folder, &status), 0);
        assert_int_equal(status.st_gid, group->gr_gid);
        assert_int_equal(status.st_mode, S_IFDIR | 02750);
        world->group = "no-such-group-here";
        live_again(world);
}

/* Raises or drops one capability of this thread, and of those that it starts. */
static void set_capability(unsigned number, bool on)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2];

        assert_int_equal(syscall(SYS_capget, &header, data), 0);
        if (on)
                data[number / 32].effective |= 1U << (number % 32);
        else
                data[number / 32].effective &= ~(1U << (number % 32));
        assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

/* As the controller's service is: nobody there may set a setgid bit. */
static void test_group_without_setgid(void **state)
{
        struct world *world = *state;
        const struct group *group = getgrnam("adm");
        struct stat status;
        char path[256];

        assert_non_null(group);
        world->group = "adm";
        set_capability(CAP_FSETID, false);
        live(world);
        (void)tell(world, "smsd-down", SEVERITY_INFO);
        set_capability(CAP_FSETID, true);
        assert_int_equal(stat(world->folder, &status), 0);
        assert_int_equal(status.st_gid, group->gr_gid);
        assert_int_equal(status.st_mode, S_IFDIR | 0750);
        world_path(world, "00000000000000000001-info.json", path);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_gid, group->gr_gid);
        assert_int_equal(status.st_mode, S_IFREG | 0640);
        /* What the package has made right stays so. */
        assert_int_equal(chmod(world->folder, 02750), 0);
        set_capability(CAP_FSETID, false);
        live_again(world);
        set_capability(CAP_FSETID, true);
        assert_int_equal(stat(world->folder, &status), 0);
        assert_int_equal(status.st_mode, S_IFDIR | 02750);
}

static void test_order(void **state)
{
        struct world *world = *state;
        uint64_t sequences[64];
        struct alert_message message;
        char key[32];

        live(world);
        for (unsigned i = 0; i < 50; i++) {
                (void)text_format(key, sizeof(key), "key/%u", i);
                struct alert alert = make_alert(key, (enum severity)(i % 3));
                assert_int_equal(alert_spool_write(world->spool, &alert, i), 0);
        }
        wait_for_count(world, &world->n_answers, 50);
        assert_int_equal(read_all(world, sequences, 64, NULL), 50);
        for (unsigned i = 0; i < 50; i++) {
                (void)text_format(key, sizeof(key), "key/%u", i);
                assert_string_equal(world->answers[i].key, key);
                assert_int_equal(world->answers[i].generation, i);
                assert_int_equal(world->answers[i].sequence, sequences[i]);
                assert_int_equal(alert_files_next(world->folder, i ? sequences[i - 1] : 0, &message, NULL),
                                 1);
                assert_string_equal(message.alert.key, key);
        }
}

/* A message that cannot be written whatever the disk does is answered so, and is no obstacle. */
static void test_unspeakable(void **state)
{
        struct world *world = *state;
        struct alert alert = make_alert("", SEVERITY_INFO);

        live(world);
        assert_int_equal(write_alert(world, &alert)->result, -EINVAL);
        assert_int_equal(tell(world, "smsd-down", SEVERITY_INFO), 1);
}

static unsigned threads(void)
{
        DIR *folder = opendir("/proc/self/task");
        unsigned n = 0;

        assert_non_null(folder);
        while (readdir(folder))
                n++;
        (void)closedir(folder);
        return n - 2;
}

static void test_thread_comes_late_and_goes(void **state)
{
        struct world *world = *state;
        unsigned before = threads();

        live(world);
        assert_int_equal(threads(), before);
        alert_spool_forget(world->spool, alert_spool_id(world->spool), 5);
        assert_int_equal(threads(), before);
        (void)tell(world, "smsd-down", SEVERITY_INFO);
        assert_int_equal(threads(), before + 1);
        die(world);
        assert_int_equal(threads(), before);
        assert_null(alert_spool_free(NULL));
}

/* All that was asked for is on the disk when alert_spool_free() returns, and nothing is answered behind it.
 */
static void test_free_waits(void **state)
{
        struct world *world = *state;
        struct alert alert = make_alert("smsd-down", SEVERITY_INFO);

        live(world);
        for (unsigned i = 0; i < ALERT_SPOOL_QUEUE; i++)
                assert_int_equal(alert_spool_write(world->spool, &alert, i), 0);
        assert_int_equal(alert_spool_write(world->spool, &alert, 0), -ENOBUFS);
        die(world);
        assert_int_equal(world->n_answers, 0);
        assert_int_equal(count_messages(world), ALERT_SPOOL_QUEUE);
        assert_int_equal(sd_event_run(world->event, 0), 0);
}

/* A disk that holds the writer longer than anybody waits: it is left to its work, and tidies up itself. */
static void test_abandoned(void **state)
{
        struct world *world = *state;
        unsigned before = threads();
        struct spool_writer *writer;
        time_t end = monotonic_seconds() + WAIT_SEC;

        assert_int_equal(spool_writer_new(&writer), 0);
        (void)text_copy(writer->disk.folder, sizeof(writer->disk.folder), world->folder);
        writer->disk.group = (gid_t)-1;
        writer->disk.limits = (struct spool_limits){.max_files = 1000, .max_bytes = 1048576};
        (void)text_copy(writer->disk.boot, sizeof(writer->disk.boot), BOOT);
        (void)text_copy(writer->disk.book.id, sizeof(writer->disk.book.id), "spool");
        (void)text_copy(writer->disk.book.boot, sizeof(writer->disk.book.boot), BOOT);
        for (unsigned i = 0; i < 50; i++) {
                struct spool_job *job = calloc(1, sizeof(*job));
                assert_non_null(job);
                job->kind = SPOOL_WRITE;
                job->write.alert = make_alert("smsd-down", SEVERITY_CRITICAL);
                assert_int_equal(spool_writer_put(writer, job), 0);
        }
        assert_null(spool_writer_free(writer, 0));
        while (threads() > before) {
                assert_true(monotonic_seconds() < end);
                (void)usleep(1000);
        }
        assert_int_equal(count_messages(world), 50);
}

static int64_t now_usec(void)
{
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* 1,000 alerts as fast as they are taken: each turn of the loop is short, whatever the disk does. */
static void test_loop_is_not_held_up(void **state)
{
        struct world *world = *state;
        int64_t begin = now_usec(), longest = 0, end = begin + (int64_t)WAIT_SEC * 1000000;
        unsigned asked = 0, turns = 0, refused = 0;

        live(world);
        open_alert(world, "key", true);
        while (world->n_answers < 1000) {
                int64_t turn = now_usec();
                assert_true(turn < end);
                while (asked < 1000) {
                        struct alert alert = make_alert("key", SEVERITY_CRITICAL);
                        int r = alert_spool_write(world->spool, &alert, asked);
                        assert_true(r == 0 || r == -ENOBUFS);
                        refused += r < 0;
                        if (r < 0)
                                break;
                        asked++;
                }
                assert_int_equal(alert_spool_save(world->spool, &world->book), 0);
                assert_true(sd_event_run(world->event, 0) >= 0);
                int64_t took = now_usec() - turn;
                if (took > longest)
                        longest = took;
                turns++;
                assert_true(sd_event_run(world->event, 10000) >= 0);
        }
        print_message("1000 alerts in %lld ms, %u turns, the longest %lld us\n",
                      (long long)(now_usec() - begin) / 1000, turns, (long long)longest);
        assert_true(refused > 0 && turns > 10);
        assert_true(longest < 500000); /* what a busy machine may take away; the disk's time is seconds */
        assert_int_equal(count_messages(world), 1000);
        for (unsigned i = 0; i < 1000; i++)
                assert_true(world->answers[i].result == 0 && world->answers[i].generation == i);
}

/* --- bounds --- */

static void test_bounded_files(void **state)
{
        struct world *world = *state;
        uint64_t sequences[32], oldest;
        struct alert_message message = {0};
        char key[32];

        world->max_files = 20;
        live(world);
        for (unsigned i = 0; i < 300; i++) {
                (void)text_format(key, sizeof(key), "key/%u", i);
                /* 15 criticals in all, the first of them among the first. */
                (void)tell(world, key,
                           i % 20 == 3 ? SEVERITY_CRITICAL
                           : i % 2     ? SEVERITY_WARNING
                                       : SEVERITY_INFO);
                assert_true(alert_spool_count(world->spool, &oldest) <= 20);
        }
        assert_int_equal(read_all(world, sequences, 32, NULL), 20);
        assert_int_equal(alert_spool_count(world->spool, &oldest), 20);
        assert_int_equal(oldest, sequences[0]);
        assert_int_equal(alert_spool_dropped(world->spool), 280);
        unsigned criticals = 0, infos = 0;
        while (alert_files_next(world->folder, message.sequence, &message, NULL) == 1) {
                criticals += message.alert.severity == SEVERITY_CRITICAL;
                infos += message.alert.severity == SEVERITY_INFO;
        }
        assert_true(criticals == 15 && infos == 0);
        save(world);
        live_again(world);
        assert_int_equal(alert_spool_dropped(world->spool), 280);
        assert_int_equal(tell(world, "key", SEVERITY_CRITICAL), 301);
}

/* All critical: a new info is the least, and goes; a new critical takes the oldest one's place. */
static void test_full_of_criticals(void **state)
{
        struct world *world = *state;
        uint64_t sequences[8];

        world->max_files = 4;
        live(world);
        for (unsigned i = 0; i < 4; i++)
                (void)tell(world, "key", SEVERITY_CRITICAL);
        assert_int_equal(tell(world, "info", SEVERITY_INFO), 5);
        assert_int_equal(read_all(world, sequences, 8, NULL), 4);
        assert_true(sequences[0] == 1 && sequences[3] == 4);
        assert_int_equal(tell(world, "key", SEVERITY_CRITICAL), 6);
        assert_int_equal(read_all(world, sequences, 8, NULL), 4);
        assert_true(sequences[0] == 2 && sequences[3] == 6);
        assert_int_equal(tell(world, "info", SEVERITY_INFO), 7);
        live_again(world); /* the seventh is gone, its number stays given */
        assert_int_equal(tell(world, "key", SEVERITY_CRITICAL), 8);
}

static void test_bounded_bytes(void **state)
{
        struct world *world = *state;
        char path[256], name[64];
        uint64_t sequences[64], total = 0;
        struct stat status;

        world->max_bytes = 10000;
        live(world);
        for (unsigned i = 0; i < 100; i++) {
                struct alert alert = make_alert("key", SEVERITY_CRITICAL);
                memset(alert.evidence, 'e', (size_t)i * 3);
                assert_int_equal(write_alert(world, &alert)->result, 0);
        }
        unsigned n = read_all(world, sequences, 64, NULL);
        assert_in_range(n, 8, 20);
        for (unsigned i = 0; i < n; i++) {
                assert_int_equal(sequences[i], 100 - n + 1 + i); /* the newest ones */
                (void)text_format(name, sizeof(name), "%020u-critical.json", (unsigned)sequences[i]);
                world_path(world, name, path);
                assert_int_equal(stat(path, &status), 0);
                total += (uint64_t)status.st_size;
        }
        assert_true(total <= 10000);
}

static void test_forget(void **state)
{
        struct world *world = *state;
        uint64_t oldest;

        live(world);
        for (unsigned i = 0; i < 10; i++)
                (void)tell(world, "smsd-down", SEVERITY_WARNING);
        alert_spool_forget(world->spool, "another", 5);
        save(world);
        assert_int_equal(alert_spool_count(world->spool, &oldest), 10);
        alert_spool_forget(world->spool, alert_spool_id(world->spool), 3);
        alert_spool_forget(world->spool, alert_spool_id(world->spool), 6);
        alert_spool_forget(world->spool, alert_spool_id(world->spool), 2);
        save(world);
        assert_int_equal(alert_spool_count(world->spool, &oldest), 4);
        assert_int_equal(oldest, 7);
        assert_int_equal(count_messages(world), 4);
        assert_int_equal(alert_spool_dropped(world->spool), 0); /* they went, but not unsent */
        alert_spool_forget(world->spool, alert_spool_id(world->spool), UINT64_MAX);
        save(world);
        assert_int_equal(alert_spool_count(world->spool, &oldest), 0);
        assert_int_equal(count_messages(world), 0);
        live_again(world);
        assert_int_equal(tell(world, "smsd-down", SEVERITY_WARNING), 11);
}

/* Delivered before the loop has even seen that it is written: forgotten as soon as it has. */
static void test_forget_overtakes_the_answer(void **state)
{
        struct world *world = *state;
        struct alert alert = make_alert("smsd-down", SEVERITY_CRITICAL);
        uint64_t oldest;
        time_t end = monotonic_seconds() + WAIT_SEC;

        live(world);
        assert_int_equal(alert_spool_write(world->spool, &alert, 1), 0);
        while (alert_spool_count(world->spool, &oldest) == 0)
                assert_true(monotonic_seconds() < end);
        alert_spool_forget(world->spool, alert_spool_id(world->spool), 1);
        assert_int_equal(alert_spool_save(world->spool, &world->book), 0); /* knows nothing of it */
        wait_for_count(world, &world->n_saved, 1);
        wait_for_count(world, &world->n_answers, 1);
        save(world);
        assert_int_equal(alert_spool_count(world->spool, &oldest), 0);
}

/* --- the next life --- */

static void test_found_again(void **state)
{
        struct world *world = *state;

        live(world);
        assert_int_equal(world->n_found, 0);
        (void)tell(world, "told-and-saved", SEVERITY_CRITICAL);
        open_alert(world, "told-and-saved", true);
        open_alert(world, "about-to-be-told", false);
        open_alert(world, "told-later", false);
        open_alert(world, "ended-later", true);
        world->book.entries[world->book.n++].used = false; /* a hole */
        save(world);
        (void)tell(world, "told-later", SEVERITY_CRITICAL);
        (void)tell_end(world, "ended-later", SEVERITY_CRITICAL);
        (void)tell(world, "never-saved", SEVERITY_CRITICAL);
        (void)tell(world, "came-and-went", SEVERITY_CRITICAL);
        (void)tell_end(world, "came-and-went", SEVERITY_CRITICAL);
        for (unsigned life = 0; life < 3; life++) {
                live_again(world);
                assert_int_equal(world->n_found, 4);
                assert_true(find_found(world, "told-and-saved")->told);
                assert_false(find_found(world, "about-to-be-told")->told);
                assert_true(find_found(world, "told-later")->told);
                assert_int_equal(find_found(world, "told-later")->alert.told, 1);
                assert_true(find_found(world, "never-saved")->told);
                assert_int_equal(find_found(world, "told-and-saved")->alert.since, 1000000);
                assert_int_equal(find_found(world, "told-later")->alert.since, 1000000);
        }
        /* Only the clock of the wall is left of a message's times; it counts whole seconds. */
        assert_in_range(find_found(world, "never-saved")->alert.since, 1, 2000000);
        close_alerts(world);
        save(world);
        live_again(world);
        assert_int_equal(world->n_found, 0);
}

/* Momentary ones are told and forgotten; one that waits for room is not. */
static void test_momentary(void **state)
{
        struct world *world = *state;
        struct alert failed = make_alert("message-failed/GSM1.a1", SEVERITY_WARNING);
        struct alert test = make_alert("test/cli", SEVERITY_INFO);

        failed.kind = ALERT_MESSAGE_FAILED;
        test.kind = ALERT_TEST;
        live(world);
        assert_string_equal(alert_spool_last_key(world->spool, ALERT_MESSAGE_FAILED), "");
        open_alert(world, failed.key, false);
        world->book.entries[0].alert.kind = ALERT_MESSAGE_FAILED;
        save(world);
        live_again(world);
        assert_false(find_found(world, failed.key)->told);
        assert_int_equal(write_alert(world, &failed)->result, 0);
        assert_int_equal(write_alert(world, &test)->result, 0);
        assert_string_equal(alert_spool_last_key(world->spool, ALERT_MESSAGE_FAILED), failed.key);
        live_again(world);
        assert_int_equal(world->n_found, 0);
        assert_string_equal(alert_spool_last_key(world->spool, ALERT_MESSAGE_FAILED), failed.key);
        assert_string_equal(alert_spool_last_key(world->spool, ALERT_TEST), test.key);
        assert_string_equal(alert_spool_last_key(world->spool, ALERT_HOLD), "");
        /* Also when the messages have gone. */
        alert_spool_forget(world->spool, alert_spool_id(world->spool), 2);
        close_alerts(world);
        save(world);
        live_again(world);
        assert_int_equal(count_messages(world), 0);
        assert_string_equal(alert_spool_last_key(world->spool, ALERT_MESSAGE_FAILED), failed.key);
}

/* What is forgotten before the book was saved is in the book first. */
static void test_forgotten_but_not_lost(void **state)
{
        struct world *world = *state;

        live(world);
        uint64_t sequence = tell(world, "smsd-down", SEVERITY_CRITICAL);
        alert_spool_forget(world->spool, alert_spool_id(world->spool), sequence);
        live_again(world);
        assert_int_equal(count_messages(world), 0);
        assert_true(find_found(world, "smsd-down")->told);
        assert_int_equal(tell(world, "smsd-down", SEVERITY_CRITICAL), sequence + 1);
}

static void test_another_boot(void **state)
{
        struct world *world = *state;

        live(world);
        (void)tell(world, "in-spool", SEVERITY_CRITICAL);
        open_alert(world, "in-spool", true);
        open_alert(world, "in-book", true);
        save(world);
        (void)tell(world, "behind-book", SEVERITY_CRITICAL);
        world->boot = "ffffffffffffffffffffffffffffffff";
        live_again(world);
        assert_int_equal(world->n_found, 3);
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(world->found[i].alert.since, 0);
                assert_true(world->found[i].alert.since_realtime > 0);
        }
        assert_int_equal(tell(world, "new", SEVERITY_INFO), 3);
        char id[ALERT_ID_MAX];
        (void)text_format(id, sizeof(id), "ffffffffffffffffffffffffffffffff-%.8s-3",
                          alert_spool_id(world->spool));
        assert_string_equal(world->answers[0].id, id);
        world->boot = NULL; /* the kernel's */
        live_again(world);
        (void)tell(world, "new", SEVERITY_INFO);
        assert_true(strlen(world->answers[0].id) == 43 && !text_starts_with(world->answers[0].id, "ff"));
}

/* --- what does not belong there --- */

static void put_file(const struct world *world, const char *name, const char *text)
{
        char path[256];

        world_path(world, name, path);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        assert_int_equal(close(fd), 0);
}

static void test_damaged_and_foreign(void **state)
{
        struct world *world = *state;
        char path[256], victim[128];
        uint64_t sequences[16], oldest;
        struct alert_damage damage = {0};

        live(world);
        (void)tell(world, "first", SEVERITY_CRITICAL);
        save(world);
        die(world);
        (void)text_format(victim, sizeof(victim), "%s/victim", world->base);
        int fd = open(victim, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0 && write(fd, "keep", 4) == 4 && close(fd) == 0);
        put_file(world, "00000000000000000002-critical.json", "{");
        put_file(world, "00000000000000000003-info.json", "");
        world_path(world, "00000000000000000004-info.json", path);
        assert_int_equal(symlink(victim, path), 0);
        world_path(world, "00000000000000000005-info.json", path);
        assert_int_equal(mkfifo(path, 0600), 0);
        world_path(world, "00000000000000000006-info.json", path);
        assert_int_equal(mkdir(path, 0700), 0);
        world_path(world, "00000000000000000007-info.json", path);
        assert_int_equal(symlink(path, path), 0);
        put_file(world, ".00000000000000000008-info.json.new", "half");
        put_file(world, ".book.new", "half");
        put_file(world, ".heartbeat.new", "half");
        put_file(world, ".somebody.new", "theirs");
        put_file(world, "README", "theirs");
        assert_int_equal(read_all(world, sequences, 16, &damage), 1);
        assert_int_equal(damage.n, 6);

        live(world);
        assert_int_equal(alert_spool_count(world->spool, &oldest), 1);
        assert_int_equal(count_named(world, ".damaged"), 6);
        assert_int_equal(count_named(world, ".new"), 1);
        assert_int_equal(count_named(world, "README"), 1);
        assert_int_equal(tell(world, "next", SEVERITY_CRITICAL), 8);
        live_again(world);
        assert_int_equal(count_messages(world), 2);
        assert_int_equal(access(victim, F_OK), 0);
}

/* More than anybody looks at: they go once their numbers cannot come again. */
static void test_many_damaged(void **state)
{
        struct world *world = *state;
        char name[64];

        live(world);
        die(world);
        for (unsigned i = 1; i <= 100; i++) {
                (void)text_format(name, sizeof(name), "%020u-info.json", i);
                put_file(world, name, i % 2 ? "not one of ours" : "");
        }
        live(world);
        assert_int_equal(count_named(world, ".damaged"), 100);
        assert_int_equal(count_messages(world), 0);
        live_again(world);
        assert_int_equal(count_named(world, ".damaged"), 100);
        assert_int_equal(tell(world, "next", SEVERITY_CRITICAL), 101);
        live_again(world);
        assert_int_equal(count_named(world, ".damaged"), 16);
        assert_int_equal(count_messages(world), 1);
}

/* The message of one name under another. */
static void test_renamed(void **state)
{
        struct world *world = *state;
        char from[256], to[256];
        struct alert_damage damage = {0};
        uint64_t sequences[4];

        live(world);
        (void)tell(world, "a", SEVERITY_INFO);
        (void)tell(world, "b", SEVERITY_INFO);
        world_path(world, "00000000000000000001-info.json", from);
        world_path(world, "00000000000000000003-info.json", to);
        assert_int_equal(rename(from, to), 0);
        world_path(world, "00000000000000000002-info.json", from);
        world_path(world, "00000000000000000002-critical.json", to);
        assert_int_equal(rename(from, to), 0);
        assert_int_equal(read_all(world, sequences, 4, &damage), 0);
        assert_int_equal(damage.n, 2);
}

static void break_book(struct world *world, unsigned how)
{
        char path[256];

        world_path(world, "book", path);
        assert_int_equal(unlink(path), 0);
        if (how == 0)
                put_file(world, "book", "{\"schema\":1,\"spool\":\"x\"");
        else if (how == 1)
                put_file(world, "book", "");
        else if (how == 2)
                assert_int_equal(symlink("/etc/passwd", path), 0);
        else if (how == 3)
                assert_int_equal(mkdir(path, 0700), 0);
}

/* A book that is lost: the spool keeps its name and no number comes again; what the messages say is known. */
static void test_lost_book(void **state)
{
        struct world *world = *state;
        char id[40];

        live(world);
        (void)tell(world, "smsd-down", SEVERITY_CRITICAL);
        for (unsigned how = 0; how < 5; how++) {
                (void)text_copy(id, sizeof(id), alert_spool_id(world->spool));
                uint64_t last = tell(world, "hold", SEVERITY_CRITICAL);
                die(world);
                break_book(world, how);
                live(world);
                assert_string_equal(alert_spool_id(world->spool), id);
                assert_true(find_found(world, "smsd-down")->told && find_found(world, "hold")->told);
                assert_true(tell(world, "hold", SEVERITY_CRITICAL) > last + 1000);
        }
        assert_true(count_named(world, "book.damaged") == 1);
        /* With no message left, it is another spool: who counted in the old one begins again. */
        alert_spool_forget(world->spool, id, SIZE_MAX);
        die(world);
        assert_int_equal(count_messages(world), 0);
        break_book(world, 0);
        live(world);
        assert_string_not_equal(alert_spool_id(world->spool), id);
}

/* Somebody removes the folder under a living spool. */
static void test_lost_folder(void **state)
{
        struct world *world = *state;
        struct alert_message message;
        uint64_t oldest;

        live(world);
        (void)tell(world, "first", SEVERITY_CRITICAL);
        temp_folder_remove(world->folder);
        assert_int_equal(tell(world, "second", SEVERITY_CRITICAL), 2);
        assert_int_equal(alert_spool_count(world->spool, &oldest), 1);
        assert_int_equal(alert_files_next(world->folder, 0, &message, NULL), 1);
        assert_string_equal(message.spool, alert_spool_id(world->spool));
        live_again(world);
        assert_true(find_found(world, "second")->told);
}

/* What cannot be: the folder is a file, a link, or its parent is not there. */
static void test_no_folder(void **state)
{
        struct world *world = *state;
        char base[64];

        assert_int_equal(symlink(world->base, world->folder), 0);
        assert_true(try_to_live(world) < 0);
        assert_int_equal(unlink(world->folder), 0);
        assert_int_equal(close(open(world->folder, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
        assert_true(try_to_live(world) < 0);
        assert_int_equal(unlink(world->folder), 0);
        (void)text_copy(base, sizeof(base), world->folder);
        (void)text_format(world->folder, sizeof(world->folder), "%s/none", base);
        assert_int_equal(try_to_live(world), -ENOENT);
        assert_null(world->spool);
        assert_int_equal(alert_files_next(world->folder, 0, &(struct alert_message){0}, NULL), -ENOENT);
}

/* --- the heartbeat --- */

static void test_heartbeat(void **state)
{
        struct world *world = *state;
        struct heartbeat heartbeat = {.number = 77};

        live(world);
        assert_int_equal(alert_files_heartbeat(world->folder, &heartbeat), -ENOENT);
        assert_int_equal(heartbeat.number, 77);
        for (unsigned life = 1; life <= 3; life++) {
                assert_int_equal(alert_spool_heartbeat(world->spool, "degraded", "modem GSM1 \"x\" lost"), 0);
                assert_int_equal(world->n_beaten, 0);
                wait_for_count(world, &world->n_beaten, 1);
                live_again(world);
                assert_int_equal(alert_files_heartbeat(world->folder, &heartbeat), 0);
                assert_int_equal(heartbeat.number, life);
                assert_string_equal(heartbeat.verdict, "degraded");
                assert_string_equal(heartbeat.reason, "modem GSM1 \"x\" lost");
                assert_true(heartbeat.at > INT64_C(1700000000000000) && heartbeat.host[0]);
        }
        put_file(world, "heartbeat", "{\"number\":-4}");
        assert_int_equal(alert_files_heartbeat(world->folder, &heartbeat), -EBADMSG);
        assert_int_equal(heartbeat.number, 3);
        assert_int_equal(alert_spool_heartbeat(world->spool, "working", ""), 0);
        die(world);
        assert_int_equal(alert_files_heartbeat(world->folder, &heartbeat), 0);
        assert_int_equal(heartbeat.number, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            world_test(test_a_message),
            world_test(test_times_given_are_kept),
            world_test(test_group),
            world_test(test_group_without_setgid),
            world_test(test_order),
            world_test(test_unspeakable),
            world_test(test_thread_comes_late_and_goes),
            world_test(test_free_waits),
            world_test(test_abandoned),
            world_test(test_loop_is_not_held_up),
            world_test(test_bounded_files),
            world_test(test_full_of_criticals),
            world_test(test_bounded_bytes),
            world_test(test_forget),
            world_test(test_forget_overtakes_the_answer),
            world_test(test_found_again),
            world_test(test_momentary),
            world_test(test_forgotten_but_not_lost),
            world_test(test_another_boot),
            world_test(test_damaged_and_foreign),
            world_test(test_many_damaged),
            world_test(test_renamed),
            world_test(test_lost_book),
            world_test(test_lost_folder),
            world_test(test_no_folder),
            world_test(test_heartbeat),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
