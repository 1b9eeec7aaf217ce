/*
 * `smswarden-hold clear`: smsd is about to be started by systemd, whoever asked. A hold never outlives a
 * running gateway, so it goes first, and with it the old scripts' flag and the timer that would end the hold.
 * smsd waits for this: nothing here may fail it, and nothing but systemd, for half a second, is waited for.
 */
#include "hold_program.h"

#include "adapters/hold_store.h"
#include "adapters/legacy_flag.h"
#include "adapters/systemd_manager.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>

#define MANAGER_TIMEOUT (USEC_PER_SEC / 4) /* of two calls */

/* A timer that is left finds no hold when it elapses: it costs nothing but a line in the journal. */
static void stop_timer(const struct hold_program *program)
{
        _cleanup_(systemd_manager_cleanup) struct systemd_manager *manager = NULL;
        char problem[256];

        if (systemd_manager_new_at(&manager, program->manager, MANAGER_TIMEOUT) >= 0)
                (void)systemd_manager_job(manager, "StopUnit", HOLD_END_TIMER, problem, sizeof(problem));
}

static void tell(const struct hold_record *record)
{
        char by[256], reason[1024];
        usec_t left = usec_sub(record->until, clock_boottime()) / USEC_PER_SEC;

        (void)text_escape(by, sizeof(by), record->by, strlen(record->by));
        (void)text_escape(reason, sizeof(reason), record->reason, strlen(record->reason));
        log_notice("smsd is started: this ends the hold of %s (%s; %s), %llu min %llu s before its time", by,
                   hold_source_to_string(record->source), reason[0] ? reason : "no reason given",
                   (unsigned long long)left / 60, (unsigned long long)left % 60);
}

static void clear_hold(const struct hold_program *program)
{
        const char *folder = program->config.runtime_dir;
        struct hold_record record;
        int found = hold_store_read(folder, &record);

        if (found == -ENOENT)
                return;
        int r = hold_store_remove(folder);
        if (r < 0)
                log_warning("smsd is started, but %s/hold cannot be removed (%s): remove it by hand", folder,
                            strerror(-r));
        else if (found == 0)
                tell(&record);
        else
                log_notice("smsd is started: %s/hold is removed; it was no hold of this boot", folder);
        stop_timer(program);
}

/* One that would not be believed blocks nothing, and is not ours to take. */
static void clear_flag(const struct hold_program *program)
{
        const char *path = program->config.legacy_flag;
        struct legacy_flag flag;

        /* While we only observe, the flag is between the old scripts and their user. */
        if (path[0] == '\0' || program->config.mode == MODE_OBSERVE)
                return;
        int r = legacy_flag_look(path, program->config.legacy_owners, &flag);
        if (r >= 0 && !flag.present)
                return;
        if (r >= 0 && flag.reason != LEGACY_FLAG_OK) {
                log_warning("%s is no manual stop and is left alone: it %s (owner %s); remove it", path,
                            legacy_flag_reason_to_string(flag.reason), flag.owner);
                return;
        }
        if (r >= 0)
                r = legacy_flag_remove(path, &flag);
        if (r < 0)
                log_warning("smsd is started, but the flag %s cannot be removed: %s", path, strerror(-r));
        else
                log_notice("smsd is started: the flag %s of %s, %llu min old, is removed", path, flag.owner,
                           (unsigned long long)(flag.age / USEC_PER_MIN));
}

int hold_clear(const struct hold_program *program)
{
        clear_hold(program);
        clear_flag(program);
        return EXIT_SUCCESS;
}
