/*
 * What the command lines of our small programs have in common: long options, --help and --version, at most
 * one word behind them, a sentence for what is wrong. (smswarden has commands, and a parser of its own.)
 */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#define PROGRAM_OPTIONS_MAX 8

struct program_option {
        const char *name;   /* without its dashes */
        const char **value; /* where its argument goes; NULL: it takes none */
        bool *given;        /* ... then it is set */
        bool must_exist;    /* the argument is a file that is there */
};

struct program {
        const char *name, *version, *help;
        const struct program_option *options;
        size_t n;         /* PROGRAM_OPTIONS_MAX at most */
        const char *word; /* what the one word is, for a person; NULL: there is none */
};

/*
 * Fills what the options point to, and ret_word (NULL when there is none). -1: go on; else the exit code, and
 * all is said: 0 of --help and --version, EX_USAGE, EX_CONFIG of a file that is not there.
 */
int program_parse(const struct program *program, int argc, char *argv[], const char **ret_word);

#endif
