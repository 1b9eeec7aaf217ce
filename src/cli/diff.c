/*
 * A unified diff, see diff.h. What is the same at the beginning and the end is set aside first; the longest
 * common subsequence of the rest is found by the table of the textbooks. An edit of smsd.conf changes a few
 * lines, so the rest is small; where it is not, it is shown as replaced as a whole.
 */
#include "diff.h"

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CONTEXT   ((size_t)3)
#define TABLE_MAX ((size_t)4 * 1024 * 1024)

struct line {
        const char *text;
        size_t length; /* without its end */
        bool ended;    /* by a newline */
};

struct lines {
        size_t n;
        struct line *items; /* owned */
};

/* One line of the result: ' ' in both, '-' in the old, '+' in the new. */
struct step {
        char kind;
        size_t old, new; /* lines before it */
};

struct script {
        size_t n;
        struct step *steps; /* owned */
};

static int split(const struct diff_side *side, struct lines *ret_lines)
{
        const char *at = side->text, *end = side->text + side->length;
        size_t n = 0;

        for (const char *p = at; p < end; p++)
                n += *p == '\n';
        ret_lines->items = calloc(n + 1, sizeof(struct line));
        if (!ret_lines->items)
                return -ENOMEM;
        while (at < end) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                const char *stop = newline ? newline : end;
                ret_lines->items[ret_lines->n++] =
                    (struct line){.text = at, .length = (size_t)(stop - at), .ended = newline != NULL};
                at = newline ? newline + 1 : end;
        }
        return 0;
}

static bool same(const struct line *a, const struct line *b)
{
        return a->length == b->length && a->ended == b->ended && memcmp(a->text, b->text, a->length) == 0;
}

static void add(struct script *script, char kind, size_t *old, size_t *new)
{
        script->steps[script->n++] = (struct step){.kind = kind, .old = *old, .new = *new};
        *old += kind != '+';
        *new += kind != '-';
}

/* table[i * (m + 1) + j]: the length of the longest common subsequence of a[i..] and b[j..]. */
static uint32_t *make_table(const struct line *a, size_t n, const struct line *b, size_t m)
{
        if ((n + 1) > TABLE_MAX / (m + 1))
                return NULL;
        uint32_t *table = calloc((n + 1) * (m + 1), sizeof(*table));
        if (!table)
                return NULL;
        for (size_t i = n; i-- > 0;)
                for (size_t j = m; j-- > 0;) {
                        uint32_t down = table[(i + 1) * (m + 1) + j], right = table[i * (m + 1) + j + 1];
                        table[i * (m + 1) + j] = same(&a[i], &b[j]) ? table[(i + 1) * (m + 1) + j + 1] + 1
                                                 : down > right     ? down
                                                                    : right;
                }
        return table;
}

static void compare_middle(struct script *script, const struct line *a, size_t n, const struct line *b,
                           size_t m, size_t *old, size_t *new)
{
        _cleanup_free_ uint32_t *table = make_table(a, n, b, m);
        size_t i = 0, j = 0;

        while (i < n || j < m) {
                bool common = table && i < n && j < m && same(&a[i], &b[j]);
                bool removed =
                    !common && i < n &&
                    (j == m || !table || table[(i + 1) * (m + 1) + j] >= table[i * (m + 1) + j + 1]);
                char kind = '+';
                if (common || removed)
                        kind = common ? ' ' : '-';
                add(script, kind, old, new);
                i += common || removed;
                j += common || !removed;
        }
}

static int compare(const struct lines *a, const struct lines *b, struct script *ret_script)
{
        size_t head = 0, tail = 0, old = 0, new = 0;

        ret_script->steps = calloc(a->n + b->n + 1, sizeof(struct step));
        if (!ret_script->steps)
                return -ENOMEM;
        while (head < a->n && head < b->n && same(&a->items[head], &b->items[head]))
                head++;
        while (tail < a->n - head && tail < b->n - head &&
               same(&a->items[a->n - 1 - tail], &b->items[b->n - 1 - tail]))
                tail++;
        for (size_t i = 0; i < head; i++)
                add(ret_script, ' ', &old, &new);
        compare_middle(ret_script, a->items + head, a->n - head - tail, b->items + head, b->n - head - tail,
                       &old, &new);
        for (size_t i = 0; i < tail; i++)
                add(ret_script, ' ', &old, &new);
        return 0;
}

static void print_line(FILE *file, const struct step *step, const struct lines *a, const struct lines *b)
{
        const struct line *line = step->kind == '+' ? &b->items[step->new] : &a->items[step->old];

        (void)fputc(step->kind, file);
        (void)fwrite(line->text, 1, line->length, file);
        (void)fputs(line->ended ? "\n" : "\n\\ No newline at end of file\n", file);
}

/* Unified diffs count from 1, but name the line before where there is none. */
static void print_range(FILE *file, char sign, size_t first, size_t n)
{
        (void)fprintf(file, " %c%zu", sign, n ? first + 1 : first);
        if (n != 1)
                (void)fprintf(file, ",%zu", n);
}

static void print_hunk(FILE *file, const struct script *script, size_t from, size_t to, const struct lines *a,
                       const struct lines *b)
{
        size_t n_old = 0, n_new = 0;

        for (size_t i = from; i < to; i++) {
                n_old += script->steps[i].kind != '+';
                n_new += script->steps[i].kind != '-';
        }
        (void)fputs("@@", file);
        print_range(file, '-', script->steps[from].old, n_old);
        print_range(file, '+', script->steps[from].new, n_new);
        (void)fputs(" @@\n", file);
        for (size_t i = from; i < to; i++)
                print_line(file, &script->steps[i], a, b);
}

/* The end of the hunk that begins with the change at `i`: changes less than two contexts apart belong
 * together. */
static size_t end_of_hunk(const struct script *script, size_t i)
{
        size_t last = i;

        for (; i < script->n && i <= last + 2 * CONTEXT + 1; i++)
                if (script->steps[i].kind != ' ')
                        last = i;
        return last + 1 + CONTEXT < script->n ? last + 1 + CONTEXT : script->n;
}

static void print_script(FILE *file, const struct script *script, const struct lines *a,
                         const struct lines *b)
{
        size_t printed = 0;

        for (size_t i = 0; i < script->n; i++) {
                if (script->steps[i].kind == ' ' || i < printed)
                        continue;
                size_t from = i > printed + CONTEXT ? i - CONTEXT : printed;
                printed = end_of_hunk(script, i);
                print_hunk(file, script, from, printed, a, b);
        }
}

int diff_print(FILE *file, const struct diff_side *old, const struct diff_side *new)
{
        struct lines a = {0}, b = {0};
        struct script script = {0};

        if (old->length == new->length && memcmp(old->text, new->text, old->length) == 0)
                return 0;
        int r = split(old, &a);
        if (r == 0)
                r = split(new, &b);
        if (r == 0)
                r = compare(&a, &b, &script);
        if (r == 0) {
                (void)fprintf(file, "--- %s\n+++ %s\n", old->name, new->name);
                print_script(file, &script, &a, &b);
        }
        free(script.steps);
        free(a.items);
        free(b.items);
        return r;
}
