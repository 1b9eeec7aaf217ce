/*
 * A unified diff of two small texts.
 */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H

#include <stddef.h>
#include <stdio.h>

struct diff_side {
        const char *name;
        const char *text;
        size_t length;
};

/* Prints nothing when both are equal. 0 or -ENOMEM. */
int diff_print(FILE *file, const struct diff_side *old, const struct diff_side *new);

#endif
