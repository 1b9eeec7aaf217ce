/*
 * A binary heap, see agenda.h.
 */
#include "agenda.h"

#include <stdio.h>
#include <stdlib.h>

void agenda_init(struct agenda *agenda)
{
        agenda->n = 0;
        agenda->planned = 0;
}

static bool is_earlier(const struct happening *a, const struct happening *b)
{
        return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void agenda_plan(struct agenda *agenda, usec_t at, int kind, unsigned who, unsigned what, void *data)
{
        struct happening happening = {at, agenda->planned++, kind, who, what, data};
        unsigned i = agenda->n++;

        if (i == AGENDA_MAX) {
                fputs("simulation: the agenda is full\n", stderr);
                abort();
        }
        for (; i > 0 && is_earlier(&happening, &agenda->heap[(i - 1) / 2]); i = (i - 1) / 2)
                agenda->heap[i] = agenda->heap[(i - 1) / 2];
        agenda->heap[i] = happening;
}

usec_t agenda_next(const struct agenda *agenda)
{
        return agenda->n ? agenda->heap[0].at : USEC_INFINITY;
}

bool agenda_take(struct agenda *agenda, struct happening *ret_happening)
{
        if (agenda->n == 0)
                return false;
        *ret_happening = agenda->heap[0];

        struct happening last = agenda->heap[--agenda->n];
        unsigned i = 0;
        for (;;) {
                unsigned child = 2 * i + 1;
                if (child >= agenda->n)
                        break;
                if (child + 1 < agenda->n && is_earlier(&agenda->heap[child + 1], &agenda->heap[child]))
                        child++;
                if (!is_earlier(&agenda->heap[child], &last))
                        break;
                agenda->heap[i] = agenda->heap[child];
                i = child;
        }
        agenda->heap[i] = last;
        return true;
}
