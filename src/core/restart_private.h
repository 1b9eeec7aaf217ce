/*
 * The insides of the restart path, shared by the restart*.c files only: how a run ends, and the entries of
 * its phases.
 */
#ifndef CORE_RESTART_PRIVATE_H
#define CORE_RESTART_PRIVATE_H

#include "core/restart.h"

#define RESTART_JOB_TIMEOUT                                                                                  \
        (110 * USEC_PER_SEC)                       /* systemd may have to end what is left of the unit first \
                                                    */
#define RESTART_RESULT_TIMEOUT (30 * USEC_PER_SEC) /* an action that never reports back */
#define RESTART_LOOK_OFTEN     (100 * USEC_PER_MSEC) /* VERIFYING: between two looks, in its first seconds */

void restart_enter(struct restart *restart, enum restart_phase phase, usec_t deadline);

/* Keeps the first thing that went wrong in this run. */
void restart_note_problem(struct restart *restart, const char *text);

/* Answers every command that waits for this run. */
void restart_answer_all(struct restart *restart, const struct restart_world *world, int result,
                        const char *message);

/* The run is over. */
void restart_finish(struct restart *restart, enum restart_outcome outcome, const struct restart_world *world);
void restart_fail(struct restart *restart, const char *problem, const struct restart_world *world);

/* What just went wrong is judged when systemd's word is here. False: there is no systemd, judge it now. */
bool restart_set_back(struct restart *restart, enum restart_setback setback,
                      const struct restart_world *world);

/* restart_stop.c */
/* A start is wanted, and somebody's job on the unit is under way: none begins beside it. */
bool restart_waits_for_job(const struct restart *restart, const struct restart_world *world);
void restart_begin_stopping(struct restart *restart, const struct restart_world *world);
void restart_stopping_event(struct restart *restart, const struct event *event,
                            const struct restart_world *world);
/* Main has not ended in a while: it may hang, and its handlers wait for a word that never comes. */
void restart_press_handlers(struct restart *restart, const struct restart_world *world);
/* Handlers that still sit on a dead tty are killed, so that the modem finds its numbers free. */
void restart_release_ttys(struct restart *restart, const struct restart_world *world);
void restart_stopping_timeout(struct restart *restart, const struct restart_world *world);

/* restart_start.c: from smsd.conf to a verified smsd */
void restart_read_conf(struct restart *restart, const struct restart_world *world);
void restart_conf_was_read(struct restart *restart, const struct conf_event *event,
                           const struct restart_world *world);
void restart_conf_was_written(struct restart *restart, int result, const struct restart_world *world);
void restart_was_started(struct restart *restart, const struct event *event,
                         const struct restart_world *world);
void restart_main_ended(struct restart *restart, bool refused, const struct restart_world *world);
void restart_verifying_event(struct restart *restart, const struct event *event,
                             const struct restart_world *world);
/* SETBACK_HANDLER counts: setback_problem says why. */
void restart_handler_failed(struct restart *restart, const struct restart_world *world);
void restart_judge(struct restart *restart, const struct restart_world *world);
void restart_look(struct restart *restart, const struct restart_world *world);

#endif
