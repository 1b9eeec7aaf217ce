/*
 * smsd as it is, see core/smsd_state.h. All processes of smsd look alike (same comm and command line), so
 * roles are told from the family tree: a child of another smsd is a handler; a parentless one that we knew as
 * a handler, or that holds a port while the pidfile does not name it, is an orphan.
 */
#include "core/smsd_state.h"

#include "base/text.h"

#include <string.h>

void smsd_state_init(struct smsd_state *state)
{
        memset(state, 0, sizeof(*state));
}

static const struct smsd_process *find_pid(const struct process_list *list, pid_t pid)
{
        for (unsigned i = 0; i < list->n; i++)
                if (list->processes[i].id.pid == pid && list->processes[i].ours)
                        return &list->processes[i];
        return NULL;
}

static bool has_child(const struct process_list *list, pid_t pid)
{
        for (unsigned i = 0; i < list->n; i++)
                if (list->processes[i].parent == pid && list->processes[i].ours)
                        return true;
        return false;
}

static bool was_handler(const struct smsd_state *state, struct process_id id)
{
        for (unsigned i = 0; i < state->n_handlers; i++)
                if (process_id_equal(state->handlers[i].id, id))
                        return true;
        for (unsigned i = 0; i < state->n_strays; i++)
                if (process_id_equal(state->strays[i], id))
                        return true;
        return false;
}

/* How sure we are that this parentless smsd is a main process; 0: it is none. */
static unsigned main_rank(const struct smsd_state *state, const struct process_list *list,
                          const struct smsd_process *process)
{
        if (find_pid(list, process->parent))
                return 0;
        if (has_child(list, process->id.pid))
                return process->in_pidfile ? 4 : 3;
        /* Before what it was: a main that went into the background was a child of its launcher. */
        if (process->in_pidfile)
                return 2;
        if (was_handler(state, process->id))
                return 0;
        return process->tty[0] == '\0' ? 1 : 0;
}

#define RANK_PROVEN 2

static const struct smsd_process *find_main(const struct smsd_state *state, const struct process_list *list,
                                            unsigned *ret_rank)
{
        const struct smsd_process *best = NULL;
        unsigned best_rank = 0;

        for (unsigned i = 0; i < list->n; i++) {
                const struct smsd_process *process = &list->processes[i];
                unsigned rank = process->ours ? main_rank(state, list, process) : 0;
                /* Between equals the one that runs already stays: the younger is the intruder. */
                if (rank > best_rank ||
                    (rank == best_rank && rank > 0 && process_id_equal(process->id, state->main))) {
                        best = process;
                        best_rank = rank;
                }
        }
        *ret_rank = best_rank;
        return best;
}

/* Nothing says yet what it will be: no parent, no pidfile, no handler, no port. */
static bool is_undecided(const struct process_list *list, const struct smsd_process *process)
{
        return process->ours && process->tty[0] == '\0' && !process->in_pidfile &&
               !find_pid(list, process->parent) && !has_child(list, process->id.pid);
}

static bool any_undecided(const struct process_list *list)
{
        for (unsigned i = 0; i < list->n; i++)
                if (is_undecided(list, &list->processes[i]))
                        return true;
        return false;
}

/* What we know of a handler beyond the scan. */
static void remember_handler(struct smsd_handler *handler, const struct smsd_handler *before, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                if (!process_id_equal(before[i].id, handler->id))
                        continue;
                handler->told_at = before[i].told_at;
                if (handler->tty[0] == '\0')
                        (void)text_copy(handler->last, sizeof(handler->last), before[i].last);
        }
}

static void add_handler(struct smsd_state *state, const struct smsd_process *process)
{
        if (state->n_handlers == ARRAY_SIZE(state->handlers))
                return;
        struct smsd_handler *handler = &state->handlers[state->n_handlers++];
        handler->id = process->id;
        handler->tty_deleted = process->tty_deleted;
        handler->told_at = 0;
        (void)text_copy(handler->tty, sizeof(handler->tty), process->tty);
        (void)text_copy(handler->last, sizeof(handler->last), process->tty);
}

/* A handler forks for its eventhandler; seen before the exec, the child looks like an smsd. It ends with its
 * handler or becomes an orphan then, and is no stray before. */
static bool is_grandchild(const struct process_list *list, const struct smsd_process *process,
                          const struct smsd_process *main)
{
        const struct smsd_process *parent = find_pid(list, process->parent);

        return main && parent && parent->parent == main->id.pid;
}

static void sort_processes(struct smsd_state *state, const struct process_list *list,
                           const struct smsd_process *main)
{
        struct smsd_handler before[SMSD_MODEMS_MAX];
        unsigned n_before = state->n_handlers;

        memcpy(before, state->handlers, n_before * sizeof(before[0]));
        state->n_handlers = state->n_ours = state->n_strays = state->n_foreign = 0;
        for (unsigned i = 0; i < list->n; i++) {
                const struct smsd_process *process = &list->processes[i];
                if (!process->ours) {
                        state->n_foreign++;
                        continue;
                }
                state->ours[state->n_ours++] = process->id;
                if (process == main)
                        continue;
                if (main && process->parent == main->id.pid)
                        add_handler(state, process);
                else if (!is_grandchild(list, process, main))
                        state->strays[state->n_strays++] = process->id;
        }
        for (unsigned i = 0; i < state->n_handlers; i++)
                remember_handler(&state->handlers[i], before, n_before);
}

bool smsd_state_scan(struct smsd_state *state, const struct process_list *list, bool sending, usec_t now)
{
        unsigned rank;
        const struct smsd_process *main = find_main(state, list, &rank);
        bool fresh = main && !(state->running && process_id_equal(main->id, state->main));

        sort_processes(state, list, main);
        state->scanned = true;
        state->sending = sending;
        state->running = main != NULL;
        if (main)
                state->running_at = now;
        state->undecided = rank < RANK_PROVEN && any_undecided(list);
        if (fresh) {
                state->main = main->id;
                state->since = now;
                state->status_known = false;
                state->stopping_since = 0;
        }
        return fresh;
}

static void remove_id(struct process_id *ids, unsigned *n, struct process_id id)
{
        for (unsigned i = 0; i < *n; i++)
                if (process_id_equal(ids[i], id)) {
                        ids[i] = ids[--*n];
                        return;
                }
}

bool smsd_state_exited(struct smsd_state *state, struct process_id id)
{
        remove_id(state->ours, &state->n_ours, id);
        remove_id(state->strays, &state->n_strays, id);
        for (unsigned i = 0; i < state->n_handlers; i++)
                if (process_id_equal(state->handlers[i].id, id)) {
                        state->handlers[i] = state->handlers[--state->n_handlers];
                        break;
                }
        if (!state->running || !process_id_equal(state->main, id))
                return false;

        /* Its handlers are orphans now; the next scan says so again. */
        for (unsigned i = 0; i < state->n_handlers && state->n_strays < ARRAY_SIZE(state->strays); i++)
                state->strays[state->n_strays++] = state->handlers[i].id;
        state->n_handlers = 0;
        state->running = false;
        return true;
}

void smsd_state_status(struct smsd_state *state, const struct smsd_status *status, usec_t now)
{
        state->status_known = status != NULL;
        if (!status)
                return;
        state->status = *status;
        state->status_at = now;
}

/*
 * The cause is worth more than what follows from it. smsd tells of a refused configuration how many errors
 * there are, each of them as "- what is wrong", how many problems there are, and that it ends.
 */
static bool says_more(const struct smsd_state *state, enum smsd_log_kind kind, const char *text)
{
        if (kind == SMSD_LOG_MAIN_ABORTED)
                return state->last_error[0] == '\0';
        if (kind == SMSD_LOG_CONFIG_REFUSED && state->config_refused)
                return strstr(text, ": - ") && !strstr(state->last_error, ": - ");
        return true;
}

void smsd_state_log(struct smsd_state *state, const struct smsd_log_line *line, const char *text,
                    int64_t realtime, usec_t now)
{
        if (line->kind == SMSD_LOG_MAIN_STOPPING && state->running)
                state->stopping_since = now;
        if (line->kind == SMSD_LOG_MAIN_TERMINATED)
                state->ended_cleanly = true;
        if (line->kind == SMSD_LOG_MAIN_STARTED) /* before it judges its configuration */
                state->ended_cleanly = state->config_refused = false;
        if (line->kind == SMSD_LOG_SENT)
                state->last_sent = realtime;
        if (line->kind == SMSD_LOG_RECEIVED)
                state->last_received = realtime;
        if (smsd_log_kind_is_failure(line->kind) && says_more(state, line->kind, text))
                (void)text_copy(state->last_error, sizeof(state->last_error), text);
        if (line->kind == SMSD_LOG_CONFIG_REFUSED)
                state->config_refused = true;
}

void smsd_state_forget_log(struct smsd_state *state)
{
        state->ended_cleanly = false;
        state->config_refused = false;
        state->last_error[0] = '\0';
}

const struct smsd_handler *smsd_state_handler_on(const struct smsd_state *state, const char *target)
{
        for (unsigned i = 0; i < state->n_handlers; i++)
                if (!state->handlers[i].tty_deleted && text_equal(state->handlers[i].last, target))
                        return &state->handlers[i];
        return NULL;
}

bool smsd_state_holds(const struct smsd_state *state, const char *target)
{
        return target[0] != '\0' && smsd_state_handler_on(state, target) != NULL;
}
