/*
 * The lines of `smswarden history`: golden (tests/golden/history/NAME.txt, UPDATE_GOLDEN=1 writes them anew),
 * from a history file and a log of smsd; its words, times and names.
 */
#include "history_fixture.h"

/* --- golden lines --- */

struct drawing {
        const char *name;
        const char *since;
        const char *topics; /* NULL: all */
        unsigned width;
        bool utf8, masked, more_modems;
};

static const struct drawing drawings[] = {
    {"terminal-80", "2024-11-22", NULL, 80, true, false, false},
    {"terminal-120-ascii", "2024-11-22", NULL, 120, false, true, false},
    {"narrow", "2024-11-23 01:00", NULL, 20, true, true, false},
    {"pipe", "2024-11-23 01:30", NULL, 0, true, true, false},
    {"incidents-only", "2024-11-22", "incident", 100, true, true, false},
    {"sms-only", "2024-11-22", "sms", 100, true, true, true},
};

struct look {
        struct history_view view;
        FILE *json; /* instead */
};

static int show_one(void *userdata, const struct history_entry *entry, bool wanted)
{
        struct look *look = userdata;

        if (!look->json)
                history_view_entry(&look->view, entry, wanted);
        else if (wanted)
                return history_json(look->json, entry);
        return 0;
}

static char *draw(const struct fixture *f, const struct drawing *drawing, bool colour)
{
        struct history_request request = {.state_dir = f->state,
                                          .conf = &f->conf,
                                          .now = NOW,
                                          .since = time_of(drawing->since),
                                          .masked = drawing->masked};
        struct look look = {0};
        struct history_totals totals;
        char *text = NULL;
        size_t size;
        FILE *file = open_memstream(&text, &size);

        assert_non_null(file);
        if (drawing->topics)
                assert_int_equal(history_parse_topics(drawing->topics, &request.topics), 0);
        history_view_init(&look.view, &f->conf);
        look.view.screen = (struct screen){.file = file, .colour = colour};
        look.view.width = drawing->width;
        look.view.utf8 = drawing->utf8;
        look.view.fold = request.topics == 0;
        look.view.modem_column = drawing->more_modems ? 4 : 0;
        assert_int_equal(history_walk(&request, show_one, &look, &totals), 0);
        history_view_flush(&look.view);
        assert_int_equal(fclose(file), 0);
        return text;
}

static void compare_golden(const char *name, const char *text)
{
        _cleanup_free_ char *golden = NULL;
        size_t length = 0;
        char path[128];

        (void)text_format(path, sizeof(path), "tests/golden/history/%s.txt", name);
        if (getenv("UPDATE_GOLDEN"))
                assert_int_equal(file_replace(path, text, strlen(text), 0644), 0);
        assert_int_equal(file_read(path, 0, 65536, &golden, &length), 0);
        assert_string_equal(text, golden);
}

static void test_golden_lines(void **state)
{
        for (unsigned i = 0; i < ARRAY_SIZE(drawings); i++) {
                _cleanup_free_ char *text = draw(*state, &drawings[i], false);
                compare_golden(drawings[i].name, text);
        }
}

/* Nothing is wider than the terminal but a single word, no number of a person is whole, nothing steers. */
static void test_lines_fit(void **state)
{
        for (unsigned i = 0; i < ARRAY_SIZE(drawings); i++) {
                _cleanup_free_ char *text = draw(*state, &drawings[i], false);
                if (drawings[i].masked)
                        assert_null(strstr(text, "37061234"));
                for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                        if (drawings[i].width >= 80)
                                assert_true(screen_columns(line, strlen(line)) <= drawings[i].width);
                        for (const char *c = line; *c; c++)
                                assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
                }
        }
}

/* Without its sequences a coloured text is the plain one. */
static void test_colour_adds_only_colour(void **state)
{
        _cleanup_free_ char *plain = draw(*state, &drawings[0], false);
        _cleanup_free_ char *coloured = draw(*state, &drawings[0], true);
        char *to = coloured;

        assert_non_null(strstr(coloured, "\033[1;31m"));
        for (const char *from = coloured; *from; from++) {
                if (*from == '\033')
                        from += strcspn(from, "m");
                else
                        *to++ = *from;
        }
        *to = '\0';
        assert_string_equal(coloured, plain);
}

/* --- incidents --- */

static void test_names(void **state _unused_)
{
        struct history_entry a = {.boot = BOOT_A, .incident = 8000}, b = {.boot = BOOT_B, .incident = 8000};
        char name[HISTORY_NAME_MAX], other[HISTORY_NAME_MAX], typed[HISTORY_NAME_MAX];

        history_incident_name(&a, name);
        history_incident_name(&b, other);
        assert_int_equal(strlen(name), 8);
        assert_string_not_equal(name, other);
        assert_true(history_name_matches(name, name));
        assert_true(history_name_matches(name, name + 2));
        (void)text_copy_n(typed, sizeof(typed), name, 5);
        assert_true(history_name_matches(name, typed));
        assert_false(history_name_matches(other, name));
        assert_false(history_name_matches(name, ""));
        assert_false(history_name_matches(name, "i-"));
        assert_false(history_name_matches("", "i-0"));
        assert_true(history_name_matches("i-01z1zz", "I-OlZiZz"));
        assert_false(history_name_matches("i-01z1zz", "01z1zzz"));
        a.incident = 0;
        history_incident_name(&a, name);
        assert_string_equal(name, "");
}

static const struct {
        const char *text;
        int64_t at; /* seconds before NOW; -1 refused */
} times[] = {
    {"1h", 3600},
    {"30min", 1800},
    {"7d", 7 * 86400},
    {"1h 30min", 5400},
    {"2h ago", 7200},
    {"-45s", 45},
    {"today", 8 * 3600},
    {"yesterday", 32 * 3600},
    {"07:59", 60},
    {"08:00", 0},
    {"08:01", 86400 - 60},
    {"2024-11-23", 8 * 3600},
    {"2024-11-23 08:00", 0},
    {"2024-11-22 08:00", 86400},
    {"2024-11-22T08:00:30", 86400 - 30},
    {"100000w", NOW / 1000000},
    {"", -1},
    {"2026", -1},
    {"12", -1},
    {"infinity", -1},
    {"tomorrow", -1},
    {"25:00", -1},
    {"2024-13-01", -1},
    {"2024-11-23 08:00 or so", -1},
    {"1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h", -1},
};

static void test_since(void **state _unused_)
{
        for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
                int64_t at = 42;
                int r = since_parse(times[i].text, NOW, &at);
                if (r != (times[i].at < 0 ? -EINVAL : 0) || at != (r < 0 ? 42 : NOW - times[i].at * 1000000))
                        fail_msg("%s: %d, %lld", times[i].text, r, (long long)at);
        }
}

static void test_topics(void **state _unused_)
{
        struct history_entry hold = {.event = "hold-begun", .incident = 1}, sms = {.event = "sms-sent"};
        unsigned topics = 0;

        assert_int_equal(history_parse_topics("sms,alert", &topics), 0);
        assert_true(topics & history_topic_bits(&sms));
        assert_false(topics & history_topic_bits(&hold));
        assert_int_equal(history_parse_topics("hold", &topics), 0);
        assert_true(topics & history_topic_bits(&hold));
        assert_int_equal(history_parse_topics("incident", &topics), 0);
        assert_true(topics & history_topic_bits(&hold));
        assert_int_equal(history_parse_topics("", &topics), -EINVAL);
        assert_int_equal(history_parse_topics("hold,", &topics), -EINVAL);
        assert_int_equal(history_parse_topics("holds", &topics), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            NIGHT(test_golden_lines),     NIGHT(test_lines_fit),        NIGHT(test_colour_adds_only_colour),
            cmocka_unit_test(test_names), cmocka_unit_test(test_since), cmocka_unit_test(test_topics),
        };

        if (setenv("TZ", "UTC", 1) < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
