/*
 * Others beside us on a box with systemd, see rig.h: their systemctl, and our own run of the path held fast
 * in one of its phases.
 */
#ifndef TESTS_UNIT_RIG_UNIT_H
#define TESTS_UNIT_RIG_UNIT_H

#include "rig.h"

static inline void set_state(struct rig *rig, const char *active, const char *sub)
{
        (void)text_copy(rig->unit.active, sizeof(rig->unit.active), active);
        (void)text_copy(rig->unit.sub, sizeof(rig->unit.sub), sub);
}

static inline void set_job(struct rig *rig, enum unit_job job)
{
        rig->unit.job = job;
        rig_unit(rig);
}

/* All of smsd ends, as by TERM to its control group. */
static inline void end_smsd(struct rig *rig)
{
        while (rig->list.n > 0)
                rig_exit(rig, rig->list.n - 1, 0, false);
}

static inline void stop_is_done(struct rig *rig)
{
        rig->unit.stopped = true;
        set_state(rig, "inactive", "dead");
        set_job(rig, UNIT_JOB_NONE);
}

static inline void somebody_stops(struct rig *rig)
{
        set_job(rig, UNIT_JOB_STOP);
        end_smsd(rig);
        stop_is_done(rig);
        rig_wait(rig, USEC_PER_SEC);
}

static inline void smsd_is_up(struct rig *rig)
{
        rig->now += 20 * USEC_PER_MSEC; /* /proc tells start times in ticks of 10 ms */
        (void)rig_smsd(rig);
        rig->unit.stopped = false;
        set_state(rig, "active", "running");
}

static inline const struct snapshot *snapshot_of(const struct rig *rig)
{
        static struct snapshot snapshot;

        gateway_snapshot(rig->gateway, rig->now, 0, &snapshot);
        return &snapshot;
}

static inline bool was_told(const struct rig *rig, const char *text)
{
        return strstr(rig->told, text) != NULL;
}

static inline void assert_no_failure(const struct rig *rig)
{
        assert_false(was_told(rig, "died"));
        assert_false(was_told(rig, "without a hold"));
        assert_false(was_told(rig, "could not be started"));
        assert_false(was_told(rig, "ended while smsd runs on"));
}

/* Our run waits in each phase in turn: for smsd's end, for smsd.conf read and written, for the start, for the
 * first poll. */
enum phase { IN_STOP, IN_READ, IN_WRITE, IN_START, IN_VERIFY, PHASES };

static inline void begin_run(struct rig *rig, enum phase phase, unsigned token)
{
        rig->stubborn = phase == IN_STOP;
        rig->withheld[ACTION_CONF_WRITE] = phase == IN_WRITE;
        rig->withheld[ACTION_SMSD_START] = phase == IN_START;
        rig->frozen = rig->handler_dies = phase == IN_VERIFY;
        rig->tty = 7; /* something to be written */
        rig->plugged = false;
        rig_usb(rig);
        rig_go(rig);
        rig->plugged = true;
        rig_usb(rig);
        rig_wait(rig, phase == IN_STOP ? USEC_PER_SEC : 0);
        if (token)
                rig_command(rig, COMMAND_RESTART, token, false);
        while (rig->counts[phase == IN_STOP    ? ACTION_SMSD_STOP
                           : phase == IN_WRITE ? ACTION_CONF_WRITE
                           : phase == IN_READ  ? ACTION_SMSD_STOP
                                               : ACTION_SMSD_START] == 0)
                rig_wait(rig, 5 * USEC_PER_MSEC);
        rig_wait(rig, 50 * USEC_PER_MSEC);
}

static inline void let_go(struct rig *rig)
{
        memset(rig->withheld, 0, sizeof(rig->withheld));
        rig->stubborn = rig->frozen = rig->handler_dies = false;
}

static inline struct rig *rig_in(enum phase phase, unsigned token)
{
        struct rig *rig = rig_working_unit();

        rig_forget(rig);
        if (phase == IN_READ) { /* the reading is the path's own only behind the stop */
                rig->stubborn = true;
                rig_command(rig, COMMAND_RESTART, token ? token : 9, false);
                rig_wait(rig, USEC_PER_SEC);
                rig->withheld[ACTION_CONF_READ] = true;
                rig->stubborn = false;
                end_smsd(rig);
                rig_wait(rig, 50 * USEC_PER_MSEC);
        } else
                begin_run(rig, phase, token);
        assert_true(gateway_is_restarting(rig->gateway));
        return rig;
}

#endif
