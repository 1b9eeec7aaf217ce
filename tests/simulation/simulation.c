/*
 * simulation [--seed N] [--days D] [--years Y] [--first N] [--verbose] [--no-shrink] [--every-round]
 *
 * The real core in a simulated world with virtual time. Each seed is one box and its schedule of inputs; the
 * same seed gives the same run, event for event. A seed that breaks a promise is shrunk to the inputs that
 * are needed for it.
 */
#include "random.h"
#include "shrink.h"
#include "world.h"

#include "base/parse.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct options {
        unsigned seed;
        bool one_seed;
        unsigned days, years, first;
        bool verbose, shrink, every_round;
};

struct totals {
        uint64_t steps, inputs, sent, doubles;
        uint64_t hash; /* of all runs: what a change of speed must not change */
        unsigned passed, failed;
};

static int usage(void)
{
        fputs("usage: simulation [--seed N | --years Y [--first N]] [--days D] [--verbose] [--no-shrink] "
              "[--every-round]\n",
              stderr);
        return 64;
}

static int parse_options(int argc, char **argv, struct options *options)
{
        for (int i = 1; i < argc; i++) {
                unsigned *number = NULL;
                if (text_equal(argv[i], "--seed"))
                        number = &options->seed;
                else if (text_equal(argv[i], "--days"))
                        number = &options->days;
                else if (text_equal(argv[i], "--years"))
                        number = &options->years;
                else if (text_equal(argv[i], "--first"))
                        number = &options->first;
                else if (text_equal(argv[i], "--verbose"))
                        options->verbose = true;
                else if (text_equal(argv[i], "--no-shrink"))
                        options->shrink = false;
                else if (text_equal(argv[i], "--every-round"))
                        options->every_round = true;
                else
                        return usage();
                options->one_seed |= number == &options->seed;
                if (number && (++i == argc || parse_unsigned(argv[i], 0, 1000000000, number) < 0))
                        return usage();
        }
        return options->days > 0 ? 0 : usage();
}

static uint64_t run(uint64_t seed, const struct options *options, const struct inputs *inputs,
                    bool still_clock, FILE *trace, struct totals *totals, struct world_promises *ret_promises)
{
        struct world *world = world_new(seed, options->days * USEC_PER_DAY, inputs, NULL, trace);

        world->still_clock = still_clock;
        world->every_round = options->every_round;
        (void)world_run(world);
        uint64_t hash = world->hash;
        if (totals) {
                totals->steps += world->steps;
                totals->sent += world->sent;
                totals->doubles += world->doubles;
        }
        *ret_promises = world->promises;
        (void)world_free(world);
        return hash;
}

/* The same seed again gives the same run; without the jumps of the wall clock as well. */
static void run_again(uint64_t seed, const struct options *options, const struct inputs *inputs,
                      uint64_t hash, struct world_promises *promises)
{
        struct world_promises again;

        for (unsigned i = 0; i < 2 && promises->broken[0] == '\0'; i++) {
                if (run(seed, options, inputs, i == 1, NULL, NULL, &again) == hash)
                        continue;
                promises->number = i == 1 ? 11 : 0;
                (void)text_copy(promises->broken, sizeof(promises->broken),
                                i == 1 ? "a jump of the wall clock changes what is done"
                                       : "the run is not deterministic");
        }
}

static void run_seed(uint64_t seed, const struct options *options, struct totals *totals)
{
        static struct inputs inputs;
        usec_t length = options->days * USEC_PER_DAY;
        struct world_promises promises;

        shrink_inputs(seed, length, &inputs);
        uint64_t hash =
            run(seed, options, &inputs, false, options->verbose ? stdout : NULL, totals, &promises);
        if (seed % 16 == 0 || options->one_seed)
                run_again(seed, options, &inputs, hash, &promises);
        totals->inputs += inputs.n;
        totals->hash = random_mix(totals->hash ^ hash);
        if (promises.broken[0] == '\0') {
                totals->passed++;
                if (options->one_seed)
                        printf("seed %llu: hash %016llx\n", (unsigned long long)seed,
                               (unsigned long long)hash);
                return;
        }
        totals->failed++;
        printf("seed %llu breaks promise %u: %s\n", (unsigned long long)seed, promises.number,
               promises.broken);
        if (options->shrink)
                shrink_and_tell(seed, length, options->every_round, &inputs, promises.number);
        fflush(stdout);
}

int main(int argc, char **argv)
{
        struct options options = {.days = 30, .years = 20, .first = 1, .shrink = true};
        struct totals totals = {0};
        struct timespec begin, end;

        if (parse_options(argc, argv, &options) != 0)
                return 64;
        unsigned n = options.one_seed ? 1 : (options.years * 365 + options.days - 1) / options.days;
        unsigned first = options.one_seed ? options.seed : options.first;
        (void)clock_gettime(CLOCK_MONOTONIC, &begin);
        for (unsigned i = 0; i < n && totals.failed < 10; i++)
                run_seed(first + i, &options, &totals);
        (void)clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%.1f gateway-years, %u seeds, %llu inputs, %llu events, %llu messages sent (%llu twice by a "
               "person's doing), %.1f s\n",
               (double)(totals.passed + totals.failed) * options.days / 365, totals.passed + totals.failed,
               (unsigned long long)totals.inputs, (unsigned long long)totals.steps,
               (unsigned long long)totals.sent, (unsigned long long)totals.doubles,
               (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
        printf("hash %016llx\n", (unsigned long long)totals.hash);
        printf("%u passed, %u failed\n", totals.passed, totals.failed);
        return totals.failed ? 1 : 0;
}
