/*
 * The command lines of our small programs, see base/program.h.
 */
#include "base/program.h"

#include "base/cleanup.h"

#include <getopt.h>
#include <string.h>
#include <sysexits.h>

/* What getopt returns: an option's place in the table, or one of these. */
enum { OPTION_HELP = PROGRAM_OPTIONS_MAX, OPTION_VERSION };

static void list_options(const struct program *program, struct option known[PROGRAM_OPTIONS_MAX + 3])
{
        size_t n = 0;

        for (; n < program->n && n < PROGRAM_OPTIONS_MAX; n++)
                known[n] =
                    (struct option){.name = program->options[n].name,
                                    .has_arg = program->options[n].value ? required_argument : no_argument,
                                    .val = (int)n};
        known[n++] = (struct option){.name = "help", .val = OPTION_HELP};
        known[n++] = (struct option){.name = "version", .val = OPTION_VERSION};
        known[n] = (struct option){0};
}

static void take(const struct program_option *option)
{
        if (option->value)
                *option->value = optarg;
        else
                *option->given = true;
}

static int complain(const struct program *program, const char *what)
{
        (void)fprintf(stderr, "%s: %s; see %s --help\n", program->name, what, program->name);
        return EX_USAGE;
}

static int take_word(const struct program *program, int argc, char *argv[], const char **ret_word)
{
        char wanted[64];

        *ret_word = argv[optind]; /* NULL behind the last */
        if (optind + (program->word ? 1 : 0) == argc)
                return -1;
        if (!program->word)
                return complain(program, "unexpected argument");
        (void)snprintf(wanted, sizeof(wanted), "%s is wanted", program->word);
        return complain(program, wanted);
}

static int check_file(const struct program *program, const char *path)
{
        if (access(path, F_OK) == 0)
                return -1;
        (void)fprintf(stderr, "%s: %s: %s\n", program->name, path, strerror(errno));
        return EX_CONFIG;
}

int program_parse(const struct program *program, int argc, char *argv[], const char **ret_word)
{
        struct option known[PROGRAM_OPTIONS_MAX + 3];
        const char *file = NULL;
        int option;

        list_options(program, known);
        while ((option = getopt_long(argc, argv, "", known, NULL)) >= 0) {
                if (option == OPTION_HELP)
                        return fputs(program->help, stdout) < 0;
                if (option == OPTION_VERSION)
                        return printf("%s %s\n", program->name, program->version) < 0;
                if ((size_t)option >= program->n)
                        return EX_USAGE; /* getopt has said why */
                take(&program->options[option]);
                if (program->options[option].must_exist)
                        file = optarg;
        }
        int code = take_word(program, argc, argv, ret_word);
        return code < 0 && file ? check_file(program, file) : code;
}
