/*
 * Samples of a figure and the table of figures. A figure is a median with its extremes, beside the reference
 * that was measured in turn with it, and what it has to reach. Free of any library.
 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#define SAMPLES_MAX 128

struct samples {
        unsigned n;
        double values[SAMPLES_MAX];
};

/* Several processes may add to samples in shared memory; one beyond SAMPLES_MAX aborts. */
void samples_add(struct samples *samples, double value);
double samples_median(const struct samples *samples); /* of an even number the mean of the two; 0 of none */
double samples_min(const struct samples *samples);
double samples_max(const struct samples *samples);

struct figure {
        const char *what;
        const char *unit; /* "ms", "kB", "bytes", ... */
        int digits;       /* behind the point */
        struct samples reference;
        const char *no_reference; /* shown when `reference` has no samples; "" or what stands for one */
        struct samples measured;
        const char *reach; /* in words */
        double limit;      /* the median may not be above it */
        bool more;         /* ... not below it: more is better */
};

bool figure_reached(const struct figure *figure);

/* Prints the figures as a table (Markdown, aligned) on standard output. */
void table_print(const struct figure *figures, size_t n);

#endif
