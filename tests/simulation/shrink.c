/*
 * Delta debugging over the schedule: leave out ever smaller parts of it as long as the same promise stays
 * broken.
 */
#include "shrink.h"

#include "world.h"

#include <stdlib.h>
#include <string.h>

#define TRACE_LINES 120

struct shrink {
        uint64_t seed;
        usec_t length;
        bool every_round;
        const struct inputs *inputs;
        unsigned number;
        bool left_out[INPUTS_MAX];
};

void shrink_inputs(uint64_t seed, usec_t length, struct inputs *ret_inputs)
{
        static struct inputs none;
        struct world *world = world_new(seed, length, &none, NULL, NULL);

        inputs_generate(ret_inputs, seed, length, world->n_modems, world->n_slots);
        (void)world_free(world);
}

/* Is the promise still broken? Then nothing behind that moment is needed. */
static bool still_broken(struct shrink *shrink)
{
        struct world *world = world_new(shrink->seed, shrink->length, shrink->inputs, shrink->left_out, NULL);
        world->every_round = shrink->every_round;
        bool broken = !world_run(world) && world->promises.number == shrink->number;

        if (broken)
                shrink->length = world->now + USEC_PER_SEC;
        (void)world_free(world);
        return broken;
}

static unsigned collect(const struct shrink *shrink, unsigned *indexes)
{
        unsigned n = 0;

        for (unsigned i = 0; i < shrink->inputs->n && shrink->inputs->items[i].at <= shrink->length; i++)
                if (!shrink->left_out[i])
                        indexes[n++] = i;
        return n;
}

/* One pass with parts of `size` inputs, the latest first; true when something could be left out. */
static bool pass(struct shrink *shrink, unsigned size)
{
        static unsigned indexes[INPUTS_MAX];
        unsigned n = collect(shrink, indexes);
        bool progress = false;

        for (unsigned done = 0; done < n; done += size) {
                unsigned last = n - done, first = last > size ? last - size : 0;
                for (unsigned i = first; i < last; i++)
                        shrink->left_out[indexes[i]] = true;
                if (still_broken(shrink)) {
                        progress = true;
                        continue;
                }
                for (unsigned i = first; i < last; i++)
                        shrink->left_out[indexes[i]] = false;
        }
        return progress;
}

static void print_tail(FILE *trace)
{
        char *line = NULL;
        size_t size = 0;
        unsigned n = 0, shown = 0;

        rewind(trace);
        while (getline(&line, &size, trace) >= 0)
                n++;
        rewind(trace);
        while (getline(&line, &size, trace) >= 0)
                if (shown++ + TRACE_LINES >= n)
                        fputs(line, stdout);
        free(line);
}

void shrink_and_tell(uint64_t seed, usec_t length, bool every_round, const struct inputs *inputs,
                     unsigned number)
{
        static struct shrink shrink;
        static unsigned indexes[INPUTS_MAX];

        shrink = (struct shrink){
            .seed = seed, .length = length, .every_round = every_round, .inputs = inputs, .number = number};
        if (!still_broken(&shrink))
                return;
        for (unsigned size = collect(&shrink, indexes); size > 0; size /= 2)
                while (pass(&shrink, size) && size > 1)
                        ;
        unsigned n = collect(&shrink, indexes);
        printf("%u inputs are needed for it:\n", n);
        for (unsigned i = 0; i < n; i++)
                input_print(&inputs->items[indexes[i]], stdout);
        FILE *trace = tmpfile();
        struct world *world = world_new(seed, shrink.length, inputs, shrink.left_out, trace);
        world->every_round = every_round;
        (void)world_run(world);
        printf("%s\n", world->promises.broken);
        (void)world_free(world);
        if (!trace)
                return;
        puts("the end of the run:");
        print_tail(trace);
        (void)fclose(trace);
}
