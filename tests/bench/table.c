/*
 * See table.h. The cells are made first, so that the columns can be as wide as their widest cell.
 */
#include "bench/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS  5
#define CELL_MAX 160

void samples_add(struct samples *samples, double value)
{
        unsigned place = __atomic_fetch_add(&samples->n, 1, __ATOMIC_RELAXED);

        if (place >= SAMPLES_MAX)
                abort();
        samples->values[place] = value;
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

double samples_median(const struct samples *samples)
{
        struct samples sorted = *samples;
        unsigned half = sorted.n / 2;

        if (sorted.n == 0)
                return 0;
        qsort(sorted.values, sorted.n, sizeof(sorted.values[0]), compare);
        return sorted.n % 2 ? sorted.values[half] : (sorted.values[half - 1] + sorted.values[half]) / 2;
}

double samples_min(const struct samples *samples)
{
        double least = samples->n ? samples->values[0] : 0;

        for (unsigned i = 1; i < samples->n; i++)
                least = samples->values[i] < least ? samples->values[i] : least;
        return least;
}

double samples_max(const struct samples *samples)
{
        double most = samples->n ? samples->values[0] : 0;

        for (unsigned i = 1; i < samples->n; i++)
                most = samples->values[i] > most ? samples->values[i] : most;
        return most;
}

bool figure_reached(const struct figure *figure)
{
        double median = samples_median(&figure->measured);

        return figure->measured.n > 0 && (figure->more ? median >= figure->limit : median <= figure->limit);
}

struct row {
        char cells[COLUMNS][CELL_MAX];
};

static void samples_cell(char cell[CELL_MAX], const struct figure *figure, const struct samples *samples)
{
        (void)snprintf(cell, CELL_MAX, "%.*f%s%s (%.*f..%.*f, n=%u)", figure->digits, samples_median(samples),
                       figure->unit[0] ? " " : "", figure->unit, figure->digits, samples_min(samples),
                       figure->digits, samples_max(samples), samples->n);
}

static void make_row(struct row *row, const struct figure *figure)
{
        (void)snprintf(row->cells[0], CELL_MAX, "%s", figure->what);
        if (figure->reference.n > 0)
                samples_cell(row->cells[1], figure, &figure->reference);
        else
                (void)snprintf(row->cells[1], CELL_MAX, "%s",
                               figure->no_reference ? figure->no_reference : "-");
        if (figure->measured.n > 0)
                samples_cell(row->cells[2], figure, &figure->measured);
        else
                (void)snprintf(row->cells[2], CELL_MAX, "not measured");
        (void)snprintf(row->cells[3], CELL_MAX, "%s", figure->reach);
        (void)snprintf(row->cells[4], CELL_MAX, "%s", figure_reached(figure) ? "yes" : "NO");
}

static void print_row(const struct row *row, const size_t widths[COLUMNS])
{
        for (size_t i = 0; i < COLUMNS; i++)
                (void)printf("| %-*s ", (int)widths[i], row->cells[i]);
        (void)printf("|\n");
}

void table_print(const struct figure *figures, size_t n)
{
        struct row heading = {{"what", "reference", "measured: median (min..max)", "reach", "reached"}};
        struct row *rows = calloc(n, sizeof(*rows));
        size_t widths[COLUMNS];

        if (!rows)
                abort();
        for (size_t i = 0; i < n; i++)
                make_row(&rows[i], &figures[i]);
        for (size_t column = 0; column < COLUMNS; column++) {
                widths[column] = strlen(heading.cells[column]);
                for (size_t i = 0; i < n; i++)
                        if (strlen(rows[i].cells[column]) > widths[column])
                                widths[column] = strlen(rows[i].cells[column]);
        }
        print_row(&heading, widths);
        for (size_t column = 0; column < COLUMNS; column++)
                (void)printf(
                    "|%.*s", (int)widths[column] + 2,
                    "--------------------------------------------------------------------------------"
                    "--------------------------------------------------------------------------------");
        (void)printf("|\n");
        for (size_t i = 0; i < n; i++)
                print_row(&rows[i], widths);
        free(rows);
}
