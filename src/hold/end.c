/*
 * `smswarden-hold end`: the timer that was set together with a hold has elapsed. When smswardend has ended
 * the hold there is nothing left to do; when it is dead, masked or hangs, smsd is started here, through its
 * unit like by any `systemctl restart`, so that the hold is cleared and the start is seen.
 *
 * smswardend goes first: as long as it listens it has GRACE to act, which is more than its watchdog needs to
 * end it when it hangs. Times are CLOCK_BOOTTIME, as in the hold.
 */
#include "hold_program.h"

#include "adapters/hold_store.h"
#include "adapters/process_table.h"
#include "adapters/systemd_manager.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define GRACE           (180 * USEC_PER_SEC)
#define LOOK_EVERY      USEC_PER_SEC
#define MANAGER_TIMEOUT (10 * USEC_PER_SEC)
/* TimeoutStopSec of our drop-in for an smsd of before, and the start. */
#define RESTART_TIMEOUT (130 * USEC_PER_SEC)

/* --- looking --- */

/* True when somebody listens on the control bus. It is left again without a word. */
static bool daemon_listens(const struct hold_program *program)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || text_format(address.sun_path, sizeof(address.sun_path), "%s/bus",
                                  program->config.runtime_dir) < 0)
                return false;
        /* EAGAIN: it listens, and does not answer. */
        return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN;
}

/* "running" would be the one that has started us: the two clocks need not agree to the millisecond. */
static bool timer_is_set(struct systemd_manager *manager)
{
        char state[32] = "";

        return systemd_manager_sub_state(manager, HOLD_END_TIMER, state) >= 0 && text_equal(state, "waiting");
}

/* True when an smsd on our smsd.conf runs: somebody has started it beside its unit. */
static bool smsd_runs(const struct hold_program *program)
{
        static const struct process_table_callbacks no_callbacks;
        const struct process_table_options options = {.smsd = program->config.smsd,
                                                      .smsd_conf = program->config.smsd_conf};
        _cleanup_(process_table_cleanup) struct process_table *table = NULL;
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        bool runs = false;

        if (sd_event_new(&event) < 0 || process_table_new(&table, event, &options, &no_callbacks, NULL) < 0 ||
            process_table_scan(table) < 0)
                return false;
        const struct process_list *list = process_table_list(table);
        for (unsigned i = 0; i < list->n; i++)
                runs = runs || list->processes[i].ours;
        return runs;
}

/* --- waiting --- */

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)usec;
        (void)userdata;
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int wait_until(usec_t when)
{
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        int r = sd_event_new(&event);

        if (r >= 0)
                r = sd_event_add_time(event, NULL, CLOCK_BOOTTIME, when, USEC_PER_SEC / 10, on_time, NULL);
        return r < 0 ? r : sd_event_loop(event);
}

/* --- acting --- */

/* The unit has cleared it when our drop-in is in force; a hold that somebody took meanwhile stays. */
static void forget(const struct hold_program *program, const struct hold_record *over)
{
        const char *folder = program->config.runtime_dir;
        struct hold_record record;

        if (hold_store_read(folder, &record) != 0 || record.since != over->since ||
            record.until != over->until)
                return;
        int r = hold_store_remove(folder);
        if (r < 0)
                log_warning("%s/hold is over but cannot be removed: %s", folder, strerror(-r));
}

static int start_smsd(const struct hold_program *program, struct systemd_manager *manager,
                      const struct hold_record *over)
{
        const char *unit = program->config.unit;
        char by[256], problem[512] = "";

        (void)text_escape(by, sizeof(by), over->by, strlen(over->by));
        if (smsd_runs(program)) {
                log_notice("the hold of %s is over, and smsd runs already", by);
                forget(program, over);
                return EXIT_SUCCESS;
        }
        log_warning("the hold of %s is over and smswardend has not ended it (is it dead or masked?): %s is "
                    "started",
                    by, unit);
        int r = systemd_manager_restart(manager, unit, RESTART_TIMEOUT, problem, sizeof(problem));
        if (r < 0) {
                log_line(LOG_LEVEL_CRITICAL,
                         "the SMS gateway is DOWN: a hold is over, smswardend is away, and smsd cannot be "
                         "started: %s",
                         problem);
                return EXIT_FAILURE;
        }
        forget(program, over);
        return EXIT_SUCCESS;
}

/* One look. True: look again at *ret_again; else *ret_code is the exit code. */
static bool look(const struct hold_program *program, usec_t *ret_again, int *ret_code)
{
        _cleanup_(systemd_manager_cleanup) struct systemd_manager *manager = NULL;
        struct hold_record record;
        usec_t now = clock_boottime();

        *ret_code = EXIT_SUCCESS;
        if (hold_store_read(program->config.runtime_dir, &record) != 0)
                return false; /* none, one of another boot, or nothing that could hold anything up */
        int r = systemd_manager_new_at(&manager, program->manager, MANAGER_TIMEOUT);
        if (r < 0) {
                log_error("a hold may be over, but systemd cannot be reached: %s", strerror(-r));
                *ret_code = EXIT_FAILURE;
                return false;
        }
        if (systemd_manager_is_stopping(manager) > 0)
                return false;
        if (now < record.until) {
                *ret_again = record.until;
                return !timer_is_set(manager); /* somebody took a new hold */
        }
        if (now < usec_add(record.until, GRACE) && daemon_listens(program)) {
                *ret_again = usec_add(now, LOOK_EVERY);
                return true;
        }
        *ret_code = start_smsd(program, manager, &record);
        return false;
}

int hold_over(const struct hold_program *program)
{
        usec_t again = 0;
        int code = EXIT_SUCCESS;

        if (program->config.mode == MODE_OBSERVE)
                return EXIT_SUCCESS;
        while (look(program, &again, &code)) {
                int r = wait_until(again);
                if (r < 0) {
                        log_error("the end of the hold cannot be waited for: %s", strerror(-r));
                        return EXIT_FAILURE;
                }
        }
        return code;
}
