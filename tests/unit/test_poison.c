/*
 * Which message is put aside after a crash, and which never is. Each case is a list of crashes of GSM1: the
 * files of `checked` with their locks, "FILE=MODEM" or "FILE".
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
        const char *files; /* blank separated */
        enum poison_judgement judgement;
        const char *meant; /* NULL: nobody */
};

#define NOBODY(files)                                                                                        \
        {                                                                                                    \
                files, POISON_NOBODY, NULL                                                                   \
        }
#define SUSPECTED(files, file)                                                                               \
        {                                                                                                    \
                files, POISON_SUSPECTED, file                                                                \
        }
#define ACCUSED(files, file)                                                                                 \
        {                                                                                                    \
                files, POISON_ACCUSED, file                                                                  \
        }

static size_t split(char *files, struct message_item *items)
{
        size_t n = 0;
        char *rest = NULL;

        for (char *word = strtok_r(files, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
                char *modem = strchr(word, '=');
                if (modem)
                        *modem++ = '\0';
                items[n++] = (struct message_item){
                    .name = word, .locked = modem != NULL, .locked_by = modem ? modem : ""};
        }
        return n;
}

static void crash_only(struct poison *poison, const struct crash *c)
{
        struct message_item items[8];
        char files[128];
        size_t index = 77;

        assert_int_equal(text_copy(files, sizeof(files), c->files), 0);
        size_t n = split(files, items);
        assert_int_equal(poison_crash(poison, "GSM1", items, n, &index), c->judgement);
        if (c->meant)
                assert_string_equal(items[index].name, c->meant);
        else
                assert_int_equal(index, 77);
}

/* Whoever is accused is put aside. */
static void crash(struct poison *poison, const struct crash *c)
{
        crash_only(poison, c);
        if (c->judgement == POISON_ACCUSED)
                poison_put_aside(poison);
}

static void test_rows(void **state _unused_)
{
        static const struct {
                struct crash crashes[6];
        } rows[] = {
            {{SUSPECTED("a=GSM1", "a"), ACCUSED("a=GSM1", "a")}},
            {{SUSPECTED("a=GSM1 b c", "a"), ACCUSED("b a=GSM1 c", "a")}},
            /* those that only wait are innocent */
            {{SUSPECTED("a=GSM1 b", "a"), SUSPECTED("a b=GSM1", "b"), SUSPECTED("a=GSM1 b", "a")}},
            /* without a lock of the modem's own nobody was being sent by it */
            {{NOBODY("a"), NOBODY("a")}},
            {{NOBODY("a b"), NOBODY("a b")}},
            {{NOBODY("a="), NOBODY("a=")}},
            {{NOBODY("a=GSM2"), NOBODY("a=GSM2")}},
            /* a row that is broken */
            {{SUSPECTED("a=GSM1", "a"), NOBODY(""), SUSPECTED("a=GSM1", "a"), ACCUSED("a=GSM1", "a")}},
            {{SUSPECTED("a=GSM1", "a"), NOBODY("a=GSM1 b=GSM1"), SUSPECTED("a=GSM1", "a")}},
            /* released again it has two attempts again */
            {{SUSPECTED("a=GSM1", "a"), ACCUSED("a=GSM1", "a"), SUSPECTED("a=GSM1", "a"),
              ACCUSED("a=GSM1", "a")}},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
                struct poison poison = {0};
                for (unsigned j = 0; j < ARRAY_SIZE(rows[i].crashes) && rows[i].crashes[j].files; j++)
                        crash(&poison, &rows[i].crashes[j]);
        }
}

/* A weak power supply: every message crashes the modem, and it is not theirs to go. */
static void test_a_modem_that_crashes_on_everything(void **state _unused_)
{
        static const struct crash rows[POISON_ROW_MAX][2] = {
            {SUSPECTED("a=GSM1", "a"), ACCUSED("a=GSM1", "a")},
            {SUSPECTED("b=GSM1", "b"), ACCUSED("b=GSM1", "b")},
            {SUSPECTED("c=GSM1", "c"), ACCUSED("c=GSM1", "c")},
        };
        static const struct crash suspected = SUSPECTED("d=GSM1", "d"), accused = ACCUSED("d=GSM1", "d"),
                                  modem = {"d=GSM1", POISON_MODEM, "d"};
        struct poison poison = {0};

        for (unsigned i = 0; i < POISON_ROW_MAX; i++)
                for (unsigned j = 0; j < 2; j++)
                        crash(&poison, &rows[i][j]);
        crash(&poison, &suspected);
        crash(&poison, &modem);
        crash(&poison, &modem);
        assert_true(poison_sent(&poison)); /* it can */
        assert_false(poison_sent(&poison));
        crash(&poison, &accused);
}

static void test_what_could_not_be_put_aside_is_accused_again(void **state _unused_)
{
        static const struct crash suspected = SUSPECTED("a=GSM1", "a"), accused = ACCUSED("a=GSM1", "a");
        struct poison poison = {0};

        crash(&poison, &suspected);
        for (unsigned i = 0; i < 2 * POISON_ROW_MAX; i++)
                crash_only(&poison, &accused);
        crash(&poison, &accused);
        crash(&poison, &suspected);
}

/* It went out after all, or elsewhere: another one of its name is another one. */
static void test_a_suspect_that_has_gone(void **state _unused_)
{
        static const struct crash suspected = SUSPECTED("a=GSM1", "a"), accused = ACCUSED("a=GSM1", "a");
        const struct message_item items[] = {{.name = "b"}, {.name = "a"}};
        struct poison poison = {0};

        assert_false(poison_look(&poison, items, 0));
        crash(&poison, &suspected);
        assert_false(poison_look(&poison, items, 2));
        crash(&poison, &accused);
        crash(&poison, &suspected);
        assert_true(poison_look(&poison, items, 1));
        crash(&poison, &suspected);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_rows),
            cmocka_unit_test(test_a_modem_that_crashes_on_everything),
            cmocka_unit_test(test_what_could_not_be_put_aside_is_accused_again),
            cmocka_unit_test(test_a_suspect_that_has_gone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
