/*
 * Which message is put aside after a crash, and which never is. Each case is a list of crashes: the modem,
 * and the files of `checked` with their locks, "FILE=MODEM" or "FILE".
 */
#include "core/poison.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct crash {
        const char *modem, *files; /* blank separated */
        const char *accused;       /* NULL: nobody */
};

struct row {
        struct crash crashes[6];
};

static size_t split(char *files, struct poison_candidate *candidates)
{
        size_t n = 0;
        char *rest = NULL;

        for (char *word = strtok_r(files, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
                char *modem = strchr(word, '=');
                if (modem)
                        *modem++ = '\0';
                candidates[n++] = (struct poison_candidate){word, modem ? modem : ""};
        }
        return n;
}

static void crash(struct poison *poison, const struct crash *c)
{
        struct poison_candidate candidates[8];
        char files[128], accused[MESSAGE_NAME_MAX + 1] = "";

        assert_int_equal(text_copy(files, sizeof(files), c->files), 0);
        size_t n = split(files, candidates);
        bool found = poison_crash(poison, c->modem, candidates, n, accused, sizeof(accused));
        assert_int_equal(found, c->accused != NULL);
        assert_string_equal(accused, c->accused ? c->accused : "");
}

static void test_rows(void **state _unused_)
{
        static const struct row rows[] = {
            {{{"GSM1", "a=GSM1", NULL}, {"GSM1", "a=GSM1", "a"}}},
            {{{"GSM1", "a=GSM1 b c", NULL}, {"GSM1", "b a=GSM1 c", "a"}}},
            /* those that only wait are innocent */
            {{{"GSM1", "a=GSM1 b", NULL}, {"GSM1", "a b=GSM1", NULL}, {"GSM1", "a=GSM1 b", NULL}}},
            /* no lock is known */
            {{{"GSM1", "a", NULL}, {"GSM1", "a", "a"}}},
            {{{"GSM1", "a b", NULL}, {"GSM1", "a b", NULL}}},
            {{{"GSM1", "a=GSM2", NULL}, {"GSM1", "a=GSM2", NULL}}},
            /* a row that is broken */
            {{{"GSM1", "a=GSM1", NULL},
              {"GSM1", "", NULL},
              {"GSM1", "a=GSM1", NULL},
              {"GSM1", "a=GSM1", "a"}}},
            {{{"GSM1", "a=GSM1", NULL}, {"GSM1", "a=GSM1 b=GSM1", NULL}, {"GSM1", "a=GSM1", NULL}}},
            /* each modem has a row of its own */
            {{{"GSM1", "a=GSM1 b=GSM2", NULL},
              {"GSM2", "a=GSM1 b=GSM2", NULL},
              {"GSM2", "a=GSM1 b=GSM2", "b"},
              {"GSM1", "a=GSM1", "a"}}},
            /* the same modem's crash only: it was another one that fell over it */
            {{{"GSM1", "a=GSM1", NULL}, {"GSM2", "a=GSM2", NULL}, {"GSM1", "a=GSM1", "a"}}},
            /* it was told; released again it has two attempts again */
            {{{"GSM1", "a=GSM1", NULL},
              {"GSM1", "a=GSM1", "a"},
              {"GSM1", "a=GSM1", NULL},
              {"GSM1", "a=GSM1", "a"}}},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
                struct poison poison = {0};
                for (unsigned j = 0; j < ARRAY_SIZE(rows[i].crashes) && rows[i].crashes[j].modem; j++)
                        crash(&poison, &rows[i].crashes[j]);
        }
}

static void test_bounds(void **state _unused_)
{
        struct poison poison = {0};
        char name[32], long_name[300], accused[MESSAGE_NAME_MAX + 1];

        for (unsigned i = 0; i < 2 * SMSD_MODEMS_MAX; i++) {
                const struct poison_candidate candidate = {"a", ""};
                assert_int_equal(text_format(name, sizeof(name), "GSM%u", i), 0);
                assert_false(poison_crash(&poison, name, &candidate, 1, accused, sizeof(accused)));
        }
        assert_int_equal(poison.n, SMSD_MODEMS_MAX);
        memset(long_name, 'x', sizeof(long_name));
        long_name[sizeof(long_name) - 1] = '\0';
        const struct poison_candidate candidate = {long_name, ""};
        for (unsigned i = 0; i < 3; i++)
                assert_false(poison_crash(&poison, "GSM0", &candidate, 1, accused, sizeof(accused)));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_rows),
            cmocka_unit_test(test_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
