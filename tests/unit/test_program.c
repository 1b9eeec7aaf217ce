/*
 * Command lines of the small programs: what they fill, what is refused, and with which exit code.
 */
#include "base/program.h"

#include "base/cleanup.h"

#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

#define WORDS_MAX 6
#define ABSENT    "/nonexistent/file"

static const struct row {
        const char *words[WORDS_MAX];
        bool wants_word;
        int code;
        const char *config, *word; /* after it */
        bool check;
} rows[] = {
    {{NULL}, false, -1, "usual", NULL, false},
    {{"--check"}, false, -1, "usual", NULL, true},
    {{"--config", "/", "--check"}, false, -1, "/", NULL, true},
    {{"--config=/", "verb"}, true, -1, "/", "verb", false},
    {{"verb", "--config=/"}, true, -1, "/", "verb", false},
    {{"--", "--check"}, true, -1, "usual", "--check", false},
    {{"--conf", "/"}, false, -1, "/", NULL, false}, /* what is not ambiguous may be cut */
    {{"verb"}, false, EX_USAGE, "usual", "verb", false},
    {{NULL}, true, EX_USAGE, "usual", NULL, false},
    {{"verb", "another"}, true, EX_USAGE, "usual", "verb", false},
    {{"--odd"}, false, EX_USAGE, "usual", NULL, false},
    {{"-x"}, false, EX_USAGE, "usual", NULL, false},
    {{"--config"}, false, EX_USAGE, "usual", NULL, false},
    {{"--check=yes"}, false, EX_USAGE, "usual", NULL, false},
    {{"--config", ABSENT}, false, EX_CONFIG, ABSENT, NULL, false},
    {{"--config", ABSENT, "verb"}, false, EX_USAGE, ABSENT, "verb", false},
    {{"--other", ABSENT}, false, -1, "usual", NULL, false},
    {{"--help"}, true, 0, "usual", NULL, false},
    {{"--config", ABSENT, "--version"}, true, 0, ABSENT, NULL, false},
};

static void test_rows(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const struct row *row = &rows[i];
                const char *config = "usual", *other = NULL, *word = NULL;
                bool check = false;
                const struct program_option known[] = {
                    {.name = "config", .value = &config, .must_exist = true},
                    {.name = "other", .value = &other},
                    {.name = "check", .given = &check},
                };
                const struct program program = {.name = "program",
                                                .version = "0",
                                                .help = "help\n",
                                                .options = known,
                                                .n = ARRAY_SIZE(known),
                                                .word = row->wants_word ? "one verb" : NULL};
                char words[WORDS_MAX][32], *argv[WORDS_MAX + 2] = {(char[]){"program"}};
                int argc = 1;
                for (; argc <= WORDS_MAX && row->words[argc - 1]; argc++)
                        argv[argc] = strcpy(words[argc - 1], row->words[argc - 1]);
                optind = 0; /* anew */
                int code = program_parse(&program, argc, argv, &word);
                if (code != row->code)
                        print_message("row %zu\n", i);
                assert_int_equal(code, row->code);
                assert_string_equal(config, row->config);
                assert_int_equal(check, row->check);
                assert_int_equal(word != NULL, row->word != NULL);
                if (word)
                        assert_string_equal(word, row->word);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
