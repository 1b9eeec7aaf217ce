/*
 * A process table on the folder of smsd_fixture.h, what it told, and conditions to wait for.
 */
#ifndef PROCESS_TABLE_WORLD_H
#define PROCESS_TABLE_WORLD_H

#include "adapters/process_table.h"

#include "smsd_fixture.h"

struct world {
        struct box *box;
        struct process_table *table;
        unsigned changed, opened, n_ended;
        struct process_id awaited; /* whose end counts */
        bool known;
        int status;
        pid_t wanted;                                          /* for the conditions */
        void (*at_end)(struct world *w, struct process_id id); /* NULL: nothing else happens at an end */
};

static inline void on_changed(void *userdata, const struct process_list *list)
{
        struct world *w = userdata;

        w->changed++;
        assert_ptr_equal(list, process_table_list(w->table));
}

static inline void on_exited(void *userdata, struct process_id id, bool known, int status)
{
        struct world *w = userdata;

        if (w->at_end)
                w->at_end(w, id);
        /* smsd's short-lived children (its start-up checks) may have been seen and ended too. */
        if (!process_id_equal(id, w->awaited))
                return;
        w->n_ended++;
        w->known = known;
        w->status = status;
}

static inline void on_opened(void *userdata)
{
        ((struct world *)userdata)->opened++;
}

static inline void open_table(struct world *w)
{
        static const struct process_table_callbacks callbacks = {on_changed, on_exited, on_opened};
        const struct process_table_options options = {
            .smsd = w->box->smsd, .smsd_conf = w->box->conf, .pidfile = w->box->pidfile};

        assert_int_equal(process_table_new(&w->table, w->box->event, &options, &callbacks, w), 0);
}

static inline int setup_with(void **state, const char *extra)
{
        struct world *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->box = box_new(extra);
        open_table(w);
        *state = w;
        return 0;
}

static inline int setup(void **state)
{
        return setup_with(state, "");
}

static inline bool all_gone(void *userdata)
{
        struct world *w = userdata;

        assert_int_equal(process_table_scan(w->table), 0);
        const struct process_list *list = process_table_list(w->table);
        for (unsigned i = 0; i < list->n; i++)
                (void)process_table_signal(w->table, list->processes[i].id, SIGKILL);
        /* A child between fork and exec is not listed yet. */
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
        return list->n == 0 && waitpid(-1, NULL, WNOHANG) < 0;
}

static inline int teardown(void **state)
{
        struct world *w = *state;

        bool gone = run_until(w->box->event, all_gone, w, PATIENCE_USEC);
        process_table_free(w->table);
        box_free(w->box);
        free(w);
        return gone ? 0 : -1;
}

static const struct smsd_process *find(const struct world *w, pid_t pid)
{
        const struct process_list *list = process_table_list(w->table);

        for (unsigned i = 0; i < list->n; i++)
                if (list->processes[i].id.pid == pid)
                        return &list->processes[i];
        return NULL;
}

static const struct smsd_process *find_child(const struct world *w, pid_t parent)
{
        const struct process_list *list = process_table_list(w->table);

        for (unsigned i = 0; i < list->n; i++)
                if (list->processes[i].parent == parent)
                        return &list->processes[i];
        return NULL;
}

/* The wanted main process has written its pidfile and its handler has opened the port. */
static inline bool handler_has_port(void *userdata)
{
        struct world *w = userdata;

        assert_int_equal(process_table_scan(w->table), 0);
        const struct smsd_process *child = find_child(w, w->wanted);
        return child && child->tty[0];
}

static inline bool has_ended(void *userdata)
{
        return ((struct world *)userdata)->n_ended > 0;
}

static inline void await_end(struct world *w, struct process_id id)
{
        w->n_ended = 0;
        w->awaited = id;
}

#define WITH_SMSD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
