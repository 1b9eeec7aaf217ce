/*
 * The history for a tired person, see history.h: a line per event, and beside the lines of an incident a
 * bracket, from its first trouble to the line that says SMS works again, so that an outage is seen before
 * anything is read. Red is where SMS did not work.
 */
#include "history.h"

#include "base/text.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <time.h>

#define TOPIC_COLUMN 8

enum bracket { BRACKET_NONE, BRACKET_BEGIN, BRACKET_MIDDLE, BRACKET_END };

struct line {
        int64_t at;
        enum bracket bracket;
        enum severity severity;
        enum screen_colour colour; /* of the topic */
        const char *topic, *modem, *text;
};

void history_view_init(struct history_view *view, const struct smsd_conf *conf)
{
        char names[SMSD_MODEMS_MAX][SMSD_MODEM_NAME_MAX];
        int n = conf ? smsd_conf_modems(conf, names, SMSD_MODEMS_MAX) : 0;

        *view = (struct history_view){.screen = screen_of_stdout(), .width = screen_width_of_stdout()};
        view->utf8 = setlocale(LC_CTYPE, "") && text_equal(nl_langinfo(CODESET), "UTF-8");
        if (n == 1)
                (void)text_copy(view->only_modem, sizeof(view->only_modem), names[0]);
        for (int i = 0; n > 1 && i < n; i++) {
                unsigned columns = screen_columns(names[i], strlen(names[i]));
                view->modem_column = columns > view->modem_column ? columns : view->modem_column;
        }
}

void history_clock(char *target, size_t size, int64_t at)
{
        time_t seconds = (time_t)(at / (int64_t)USEC_PER_SEC);
        struct tm broken;

        if (!localtime_r(&seconds, &broken) || strftime(target, size, "%Y-%m-%d %H:%M:%S", &broken) == 0)
                target[0] = '\0';
}

/* --- one line --- */

static const char *bracket_text(const struct history_view *view, enum bracket bracket)
{
        static const char *const utf8[] = {" ", "┌", "│", "└"}, *const ascii[] = {" ", "/", "|", "\\"};

        return (view->utf8 ? utf8 : ascii)[bracket];
}

static enum screen_colour bracket_colour(enum bracket bracket)
{
        return bracket == BRACKET_NONE ? SCREEN_PLAIN : bracket == BRACKET_END ? SCREEN_GOOD : SCREEN_BAD;
}

/* On a terminal the day is a heading, and the lines have its times. */
static void put_time(struct history_view *view, int64_t at)
{
        time_t seconds = (time_t)(at / (int64_t)USEC_PER_SEC);
        struct tm broken = {0};
        char text[64] = "";

        (void)localtime_r(&seconds, &broken);
        int day = broken.tm_year * 1000 + broken.tm_yday;
        if (view->width > 0 && day != view->day) {
                (void)strftime(text, sizeof(text), "%A %Y-%m-%d", &broken);
                (void)fprintf(view->screen.file, "%s", view->day ? "\n" : "");
                screen_put(&view->screen, SCREEN_NOTICE, text);
                screen_gap(&view->screen);
                view->day = day;
        }
        (void)strftime(text, sizeof(text), view->width > 0 ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &broken);
        screen_put(&view->screen, SCREEN_DIM, text);
}

static void put_padded(struct history_view *view, enum screen_colour colour, const char *text,
                       unsigned columns)
{
        unsigned has = screen_columns(text, strlen(text));

        screen_put(&view->screen, colour, text);
        (void)fprintf(view->screen.file, "%*s", has < columns ? (int)(columns - has) + 1 : 1, "");
}

/* A continuation has the bracket too: it is one line of the story. */
static void put_text(struct history_view *view, const struct line *line, unsigned indent)
{
        unsigned columns = view->width > indent + SCREEN_TEXT_MIN ? view->width - indent : SCREEN_TEXT_MIN;
        enum bracket rest = line->bracket == BRACKET_BEGIN ? BRACKET_MIDDLE
                            : line->bracket == BRACKET_END ? BRACKET_NONE
                                                           : line->bracket;
        const char *text = line->text;

        for (;;) {
                char piece[ACTION_MESSAGE_MAX + 64];
                size_t length = view->width > 0 ? screen_piece(text, columns) : strlen(text);
                (void)text_copy_n(piece, sizeof(piece), text, length);
                screen_put(&view->screen, line->colour == SCREEN_GOOD ? SCREEN_GOOD : SCREEN_PLAIN, piece);
                screen_gap(&view->screen);
                text += length;
                text += strspn(text, " ");
                if (*text == '\0')
                        return;
                (void)fprintf(view->screen.file, "%*s", 9, "");
                screen_put(&view->screen, bracket_colour(rest), bracket_text(view, rest));
                (void)fprintf(view->screen.file, "%*s", (int)indent - 10, "");
        }
}

static void put_line(struct history_view *view, const struct line *line)
{
        static const char *const signs[] = {
            [SEVERITY_INFO] = "   ", [SEVERITY_WARNING] = " ! ", [SEVERITY_CRITICAL] = "!! "};
        char text[ACTION_MESSAGE_MAX + 64];
        unsigned indent = 8 + 3 + 3 + TOPIC_COLUMN + 1;

        put_time(view, line->at);
        (void)fputc(' ', view->screen.file);
        screen_put(&view->screen, bracket_colour(line->bracket), bracket_text(view, line->bracket));
        (void)fputc(' ', view->screen.file);
        screen_put(&view->screen, line->colour, signs[line->severity]);
        put_padded(view, line->colour, line->topic, TOPIC_COLUMN);
        if (view->modem_column > 0) {
                put_padded(view, SCREEN_PLAIN, line->modem, view->modem_column);
                indent += view->modem_column + 1;
        }
        bool named =
            view->modem_column > 0 || line->modem[0] == '\0' || text_equal(line->modem, view->only_modem);
        (void)text_format(text, sizeof(text), "%s%s%s", named ? "" : line->modem, named ? "" : ": ",
                          line->text);
        struct line shown = *line;
        shown.text = text;
        put_text(view, &shown, indent);
}

static enum screen_colour colour_of(const struct history_entry *entry)
{
        if (text_equal(entry->event, HISTORY_END))
                return SCREEN_GOOD;
        if (history_is_sms(entry) && entry->severity == SEVERITY_INFO)
                return SCREEN_DIM;
        return entry->severity == SEVERITY_CRITICAL  ? SCREEN_BAD
               : entry->severity == SEVERITY_WARNING ? SCREEN_WARNING
                                                     : SCREEN_PLAIN;
}

/* --- the bracket --- */

/*
 * An SMS stands within it when an incident is open. The controller marks all that it writes meanwhile: an
 * entry of its own without the mark says that the end was not recorded (it was killed, the power was cut).
 * What comes behind the end (the alert of an outage that is over) has no bracket any more.
 */
static enum bracket follow(struct history_view *view, const struct history_entry *entry)
{
        if (history_is_sms(entry))
                return view->open ? BRACKET_MIDDLE : BRACKET_NONE;
        bool known = history_same_incident(entry, &view->last), end = text_equal(entry->event, HISTORY_END);
        bool was_open = view->open && known;
        view->open = entry->incident && !end && (was_open || !known);
        if (entry->incident && !known)
                view->last = *entry;
        if (was_open)
                return end ? BRACKET_END : BRACKET_MIDDLE;
        return view->open ? BRACKET_BEGIN : end ? BRACKET_END : BRACKET_NONE;
}

static void put_entry(struct history_view *view, const struct history_entry *entry, enum bracket bracket)
{
        char text[ACTION_MESSAGE_MAX + 32], name[HISTORY_NAME_MAX];
        struct line line = {.at = entry->at,
                            .bracket = bracket,
                            .severity = entry->severity,
                            .colour = colour_of(entry),
                            .topic = history_topic(entry),
                            .modem = entry->modem,
                            .text = text};

        history_incident_name(entry, name);
        bool named = bracket == BRACKET_BEGIN || bracket == BRACKET_END;
        (void)text_format(text, sizeof(text), "%s%s%s%s", entry->message, named ? " (" : "",
                          named ? name : "", named ? ")" : "");
        put_line(view, &line);
}

/* --- runs of SMS --- */

static void add_to_run(struct history_run *run, const struct history_entry *entry)
{
        if (run->n < HISTORY_PENDING_MAX)
                run->first[run->n] = *entry;
        run->n++;
        run->end = entry->at;
        run->sent += text_equal(entry->event, HISTORY_SMS_SENT);
        run->received += text_equal(entry->event, HISTORY_SMS_RECEIVED);
        run->reports += text_equal(entry->event, HISTORY_SMS_REPORT);
}

static void append_count(char *text, size_t size, unsigned count, const char *what)
{
        if (count > 0)
                (void)text_append(text, size, "%s%u %s", text[0] ? ", " : "", count, what);
}

static void put_sum(struct history_view *view, const struct history_run *run, enum bracket bracket)
{
        char text[128] = "", clock[24];
        struct line line = {.at = run->first[0].at,
                            .bracket = bracket,
                            .colour = SCREEN_DIM,
                            .topic = "sms",
                            .modem = "",
                            .text = text};

        append_count(text, sizeof(text), run->sent, "sent");
        append_count(text, sizeof(text), run->received, "received");
        append_count(text, sizeof(text), run->reports,
                     run->reports == 1 ? "delivery report" : "delivery reports");
        history_clock(clock, sizeof(clock), run->end);
        (void)text_append(text, sizeof(text), " until %s", clock + 11);
        put_line(view, &line);
}

void history_view_flush(struct history_view *view)
{
        struct history_run *run = &view->run;
        enum bracket bracket = view->open ? BRACKET_MIDDLE : BRACKET_NONE;

        if (run->n > HISTORY_PENDING_MAX)
                put_sum(view, run, bracket);
        else
                for (unsigned i = 0; i < run->n; i++)
                        put_entry(view, &run->first[i], bracket);
        run->n = run->sent = run->received = run->reports = 0;
}

static bool same_day(int64_t a, int64_t b)
{
        char day_a[24], day_b[24];

        history_clock(day_a, sizeof(day_a), a);
        history_clock(day_b, sizeof(day_b), b);
        return strncmp(day_a, day_b, 10) == 0;
}

void history_view_entry(struct history_view *view, const struct history_entry *entry, bool wanted)
{
        bool keep =
            view->fold && wanted && history_is_sms(entry) && !text_equal(entry->event, HISTORY_SMS_FAILED);

        if (!keep || (view->run.n > 0 && !same_day(view->run.end, entry->at)))
                history_view_flush(view);
        if (keep) {
                add_to_run(&view->run, entry);
                return;
        }
        enum bracket bracket = follow(view, entry);
        if (wanted)
                put_entry(view, entry, bracket);
}
