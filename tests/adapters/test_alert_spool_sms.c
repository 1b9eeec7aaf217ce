/*
 * The record of the SMS in the spool's book: what a life writes the next one finds, and what a message says
 * that came behind the book is in it.
 */
#include "alert_spool_fixture.h"

static struct alert_sms_candidate *candidate(struct alert_sms *sms, const char *key)
{
        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES; i++)
                if (sms->candidates[i].used && text_equal(sms->candidates[i].alert.key, key))
                        return &sms->candidates[i];
        return NULL;
}

static void set_budget(struct alert_sms *sms, unsigned at, const char *receiver, unsigned spent)
{
        sms->budgets[at] = (struct alert_sms_budget){.since = 5000000 + at, .spent = spent};
        (void)text_copy(sms->budgets[at].receiver, sizeof(sms->budgets[at].receiver), receiver);
}

/* Two receivers, not at the begin of the table, and two messages of which the second has it. */
static void fill(struct world *world)
{
        struct alert_sms *sms = &world->book.sms;

        set_budget(sms, 3, "rom_phone.1", 2);
        set_budget(sms, 15, "boss", 0);
        alert_sms_note(sms, &(struct alert){.key = "gone", .severity = SEVERITY_INFO}, 6, 1);
        for (unsigned i = 0; i < 2; i++) {
                struct alert alert = make_alert(i ? "hold" : "smsd-down", SEVERITY_CRITICAL);
                alert_sms_note(sms, &alert, 7 + i, 9000000);
        }
        alert_sms_note(sms, &(struct alert){.key = "gone", .state = ALERT_RESOLVED}, 6, 1);
        candidate(sms, "smsd-down")->sent = 1U << 15;
        candidate(sms, "hold")->sent = 1U << 3 | 1U << 15;
        candidate(sms, "hold")->on_its_way = true;
}

static uint32_t bit_of(const struct alert_sms *sms, const char *receiver)
{
        for (unsigned i = 0; i < CONFIG_RECEIVERS_MAX; i++)
                if (text_equal(sms->budgets[i].receiver, receiver))
                        return 1U << i;
        fail_msg("no budget of %s", receiver);
        return 0;
}

static void assert_found(struct world *world, usec_t told_at)
{
        struct alert_sms *sms = &world->found_sms;
        uint32_t rom = bit_of(sms, "rom_phone.1"), boss = bit_of(sms, "boss");
        unsigned n = 0;

        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES; i++)
                n += sms->candidates[i].used;
        assert_int_equal(n, 2);
        assert_int_equal(candidate(sms, "smsd-down")->sent, boss);
        assert_int_equal(candidate(sms, "smsd-down")->sequence, 7);
        assert_int_equal(candidate(sms, "hold")->sent, rom | boss);
        assert_int_equal(candidate(sms, "hold")->told_at, told_at);
        assert_int_equal(candidate(sms, "hold")->alert.severity, SEVERITY_CRITICAL);
        assert_string_equal(candidate(sms, "hold")->alert.summary, "smsd crashed (exit code 1)");
        assert_false(candidate(sms, "hold")->on_its_way);
}

static void test_the_next_life_finds_it(void **state)
{
        struct world *world = *state;
        struct alert_sms *sms = &world->found_sms;

        live(world);
        fill(world);
        save(world);
        for (unsigned i = 0; i < 2; i++) {
                live_again(world);
                assert_found(world, 9000000);
                assert_int_equal(sms->budgets[0].spent + sms->budgets[1].spent, 2);
                world->book.sms = *sms; /* again, from where it was found */
                save(world);
        }
        world->boot = "fedcba9876543210fedcba9876543210";
        live_again(world);
        assert_found(world, 0);
        assert_int_equal(sms->budgets[0].spent + sms->budgets[1].spent, 0);
        assert_int_equal(sms->budgets[0].since, 0);
}

/* Killed between a message and the book. */
static void test_messages_behind_the_book(void **state)
{
        struct world *world = *state;

        live(world);
        save(world);
        uint64_t down = tell(world, "smsd-down", SEVERITY_CRITICAL);
        (void)tell(world, "hold", SEVERITY_WARNING);
        (void)tell_end(world, "hold", SEVERITY_WARNING);
        live_again(world);
        assert_int_equal(candidate(&world->found_sms, "smsd-down")->sequence, down);
        assert_int_equal(candidate(&world->found_sms, "smsd-down")->told_at, 0);
        assert_null(candidate(&world->found_sms, "hold"));
        save(world); /* of a book that says it is over */
        live_again(world);
        assert_null(candidate(&world->found_sms, "smsd-down"));
}

/* The newest are kept. */
static void test_more_than_there_are_places(void **state)
{
        struct world *world = *state;
        char key[16];

        live(world);
        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES + 3; i++) {
                (void)text_format(key, sizeof(key), "key-%u", i);
                (void)tell(world, key, SEVERITY_WARNING);
        }
        live_again(world);
        for (unsigned i = 0; i < ALERT_SMS_CANDIDATES + 3; i++) {
                (void)text_format(key, sizeof(key), "key-%u", i);
                assert_int_equal(candidate(&world->found_sms, key) != NULL, i >= 3);
        }
}

static void replace_in_book(struct world *world, const char *from, const char *to)
{
        char path[256], text[16384];
        size_t length;

        world_path(world, "book", path);
        assert_int_equal(file_read_into(path, 0, text, sizeof(text), &length), 0);
        char *at = strstr(text, from);
        assert_non_null(at);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fprintf(file, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
        assert_int_equal(fclose(file), 0);
}

/* An older version's book has no such record; one that says what cannot be is damaged. */
static void test_other_books(void **state)
{
        static const char *const damage[][2] = {
            {"\"sms_sent\":[", "\"sms_sent\":[\"nobody\","}, {"\"sms_sent\":", "\"sent\":"},
            {"\"sms_sequence\":7", "\"sms_sequence\":0"},    {"\"spent\":2", "\"spent\":-2"},
            {"\"receiver\":\"boss\"", "\"receiver\":\"\""},  {"\"sms\":[", "\"sms\":[{},{},{},{},{},{},{},"},
            {"\"sms_budgets\":", "\"sms_bodgets\":"},
        };
        struct world *world = *state;

        live(world);
        save(world);
        die(world);
        replace_in_book(world, ",\"sms\":[],\"sms_budgets\":[]", "");
        live(world);
        assert_int_equal(count_named(world, ".damaged"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
                memset(&world->book.sms, 0, sizeof(world->book.sms));
                fill(world);
                save(world);
                die(world);
                replace_in_book(world, damage[i][0], damage[i][1]);
                live(world);
                assert_int_equal(count_named(world, "book.damaged"), 1);
                assert_null(candidate(&world->found_sms, "hold"));
                char path[256];
                world_path(world, "book.damaged", path);
                assert_int_equal(unlink(path), 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            world_test(test_the_next_life_finds_it),
            world_test(test_messages_behind_the_book),
            world_test(test_more_than_there_are_places),
            world_test(test_other_books),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
