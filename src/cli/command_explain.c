/*
 * `smswarden explain [ID]`: one incident as a story. What happened, from when to when, why as far as it is
 * known, what smsd's log said meanwhile, what to do, and the controller's lines. Without an ID the last one.
 */
#include "cli.h"
#include "collect.h"
#include "explain_words.h"
#include "history.h"
#include "render.h"

#include "adapters/conf_file.h"
#include "base/parse.h"
#include "base/text.h"
#include "core/smsd_log.h"

#include <string.h>
#include <time.h>

#define CONTEXT_MAX  3
#define CONTEXT_AGE  ((int64_t)(10 * USEC_PER_SEC))
#define EVIDENCE_MAX 6
#define EVIDENCE_AGE ((int64_t)(2 * USEC_PER_MIN))

struct incident_story {
        struct history_request request;
        const char *typed;           /* NULL: the last one */
        struct history_entry id;     /* an entry of the incident; incident 0: none was found */
        bool exact, ambiguous;       /* the typed name */
        struct history_entry first;  /* its first sign of trouble */
        struct history_entry end;    /* event "": not recorded */
        struct history_entry latest; /* its last entry */
        bool followed;               /* the controller wrote other things behind it */
        const struct explanation *explanation;
        unsigned rank;
        int64_t healthy; /* when smsd was started, or worked again, before it */
        struct history_view view;
        unsigned n_context;
        struct history_entry context[CONTEXT_MAX]; /* what was recorded just before */
};

/* --- which one --- */

static int find(void *userdata, const struct history_entry *entry, bool wanted)
{
        struct incident_story *story = userdata;
        char name[HISTORY_NAME_MAX];

        (void)wanted;
        if (!entry->incident || history_same_incident(entry, &story->id))
                return 0;
        history_incident_name(entry, name);
        if (story->typed && !history_name_matches(name, story->typed))
                return 0;
        story->ambiguous = story->typed && story->id.incident;
        story->id = *entry;
        return 0;
}

/* --- what is known of it --- */

static void take_explanation(struct incident_story *story, const struct history_entry *entry)
{
        unsigned rank;
        const struct explanation *explanation = explanation_of(entry->event, &rank);

        if (explanation && (!story->explanation || rank < story->rank)) {
                story->explanation = explanation;
                story->rank = rank;
        }
}

static bool tells_of_health(const struct history_entry *entry)
{
        return text_equal(entry->event, HISTORY_END) ||
               text_equal(entry->event, record_kind_to_string(RECORD_SMSD_STARTED));
}

static int learn(void *userdata, const struct history_entry *entry, bool wanted)
{
        struct incident_story *story = userdata;

        (void)wanted;
        if (!history_same_incident(entry, &story->id)) {
                if (!story->latest.incident && tells_of_health(entry))
                        story->healthy = entry->at;
                story->followed = story->followed || (story->latest.incident && !history_is_sms(entry));
                return 0;
        }
        if (!story->first.incident || (history_is_trouble(entry) && !history_is_trouble(&story->first)))
                story->first = *entry;
        if (text_equal(entry->event, HISTORY_END))
                story->end = *entry;
        story->latest = *entry;
        take_explanation(story, entry);
        return 0;
}

/* --- its lines --- */

static void keep_context(struct incident_story *story, const struct history_entry *entry)
{
        if (history_is_sms(entry) || entry->at < story->first.at - CONTEXT_AGE || entry->at > story->first.at)
                return;
        if (story->n_context == CONTEXT_MAX)
                memmove(story->context, story->context + 1, --story->n_context * sizeof(*story->context));
        story->context[story->n_context++] = *entry;
}

static int show_line(void *userdata, const struct history_entry *entry, bool wanted)
{
        struct incident_story *story = userdata;

        (void)wanted;
        if (!history_same_incident(entry, &story->id)) {
                if (!story->view.last.incident && !entry->incident)
                        keep_context(story, entry);
                return 0;
        }
        for (unsigned i = 0; i < story->n_context; i++)
                history_view_entry(&story->view, &story->context[i], true);
        story->n_context = 0;
        history_view_entry(&story->view, entry, true);
        return 0;
}

/* --- what smsd's log said --- */

static bool is_evidence(enum smsd_log_kind kind)
{
        /* A message that was given up is what follows from a trouble, not its cause. */
        return smsd_log_kind_is_failure(kind) && kind != SMSD_LOG_SEND_FAILED;
}

/* The first ones: what follows in a long outage repeats them. */
static void show_evidence(const struct incident_story *story, struct screen *screen)
{
        struct smsd_log_tail tail;
        const char *line;
        size_t length;
        unsigned n = 0;
        int64_t begin = story->first.at - EVIDENCE_AGE;

        begin = story->healthy > begin ? story->healthy : begin;
        if (!story->request.conf)
                return;
        smsd_log_tail_read(&tail, story->request.conf);
        while (n < EVIDENCE_MAX && smsd_log_tail_next(&tail, &line, &length)) {
                struct smsd_log_line parsed;
                char text[512];
                int64_t at = traffic_line_time(line, length);
                smsd_log_parse(line, length, &parsed);
                if (!is_evidence(parsed.kind) || at < begin || at > story->latest.at)
                        continue;
                (void)text_escape(text, sizeof(text), line, length);
                screen_value(screen, n++ == 0 ? "smsd's log" : "", SCREEN_PLAIN, text);
        }
        smsd_log_tail_done(&tail);
}

/* --- the story --- */

/* True when it may go on now, as far as the history knows. */
static bool may_go_on(const struct incident_story *story)
{
        return !story->end.event[0] && !story->followed &&
               history_is_of_this_boot(&story->id, story->request.now);
}

static void show_headline(const struct incident_story *story, struct screen *screen)
{
        char name[HISTORY_NAME_MAX], text[128], length[32];

        bool ended = story->end.event[0];
        int64_t seconds = (story->request.now - story->first.at) / (int64_t)USEC_PER_SEC;
        usec_t lasts = seconds > 0 ? (usec_t)seconds * USEC_PER_SEC : 0;

        history_incident_name(&story->id, name);
        format_duration(length, sizeof(length), ended ? story->end.duration : lasts);
        if (ended)
                (void)text_format(text, sizeof(text), "SMS did not work for %s; it is over", length);
        else if (may_go_on(story))
                (void)text_format(text, sizeof(text), "SMS has not worked for %s, and no end is recorded",
                                  length);
        else
                (void)text_copy(text, sizeof(text), "SMS did not work; when that ended was not recorded");
        screen_headline(screen, ended ? SCREEN_GOOD : SCREEN_BAD, name, text);
        screen_gap(screen);
}

static void show_times(const struct incident_story *story, struct screen *screen)
{
        char clock[24], age[48];

        history_clock(clock, sizeof(clock), story->first.at);
        render_age(age, sizeof(age), story->first.at, story->request.now);
        screen_format(screen, "began", SCREEN_PLAIN, "%s (%s)", clock, age);
        history_clock(clock, sizeof(clock), story->end.at);
        if (story->end.event[0])
                screen_format(screen, "ended", SCREEN_PLAIN, "%s", clock);
        else if (may_go_on(story))
                screen_value(screen, "ended", SCREEN_WARNING, "not yet");
        else
                screen_value(screen, "ended", SCREEN_WARNING,
                             "not recorded: the controller or the system was stopped meanwhile");
}

/* While it goes on the controller knows best. */
static void show_action(const struct cli *cli, const struct incident_story *story, struct screen *screen)
{
        _cleanup_free_ struct snapshot *snapshot = may_go_on(story) ? calloc(1, sizeof(*snapshot)) : NULL;
        const struct explanation *explanation = story->explanation;

        if (snapshot) {
                collect_snapshot(&cli->config, snapshot);
                screen_format(screen, "now", SCREEN_PLAIN, "%s: %s", verdict_to_string(snapshot->verdict),
                              snapshot->reason);
                if (snapshot->next_action[0])
                        screen_value(screen, "what to do", SCREEN_NOTICE, snapshot->next_action);
                else if (explanation)
                        screen_value(screen, "what to do", SCREEN_NOTICE, explanation->during);
        } else
                screen_value(screen, "what to do", SCREEN_NOTICE,
                             explanation ? explanation->after : "nothing");
}

static void show(const struct cli *cli, struct incident_story *story)
{
        struct screen *screen = &story->view.screen;
        struct history_totals totals;

        show_headline(story, screen);
        screen_value(screen, "what", SCREEN_PLAIN, story->first.message);
        show_times(story, screen);
        if (story->first.modem[0])
                screen_value(screen, "modem", SCREEN_PLAIN, story->first.modem);
        if (story->explanation)
                screen_value(screen, "why", SCREEN_PLAIN, story->explanation->why);
        show_evidence(story, screen);
        show_action(cli, story, screen);
        screen_gap(screen);
        (void)history_walk(&story->request, show_line, story, &totals); /* it was read a moment ago */
}

static int complain(const struct incident_story *story)
{
        char typed[64];

        (void)text_escape(typed, sizeof(typed), story->typed, strlen(story->typed));
        if (story->ambiguous)
                cli_complain("explain: more than one incident begins with %s", typed);
        else
                cli_complain(
                    "explain: there is no incident %s in the history; `smswarden history --since 30d "
                    "--kind incident` lists them",
                    typed);
        return EXIT_FAILED;
}

static int explain(const struct cli *cli, struct incident_story *story)
{
        struct history_totals totals;
        const struct smsd_conf *conf = story->request.conf;

        story->request.conf = NULL; /* SMS tell nothing here */
        int r = history_walk(&story->request, find, story, &totals);
        if (r < 0)
                return history_failed(cli, r);
        if (story->typed && (!story->id.incident || story->ambiguous))
                return complain(story);
        if (!story->id.incident) {
                (void)puts("no incident is recorded");
                return EXIT_DONE;
        }
        r = history_walk(&story->request, learn, story, &totals);
        if (r < 0)
                return history_failed(cli, r);
        story->request.conf = conf;
        history_view_init(&story->view, conf);
        show(cli, story);
        return EXIT_DONE;
}

int command_explain(struct cli *cli)
{
        _cleanup_free_ struct incident_story *story = calloc(1, sizeof(*story));
        struct smsd_conf conf = {0};
        struct conf_file_id id;

        if (!story)
                return history_failed(cli, -ENOMEM);
        _cleanup_free_ char *text = NULL;
        story->typed = cli->options.argument;
        story->request = (struct history_request){.state_dir = cli->config.state_dir,
                                                  .now = (int64_t)time(NULL) * (int64_t)USEC_PER_SEC,
                                                  .masked = true};
        if (conf_file_read(cli->config.smsd_conf, &text, &conf.length, &id) == 0) {
                conf.text = text;
                story->request.conf = &conf;
        }
        return explain(cli, story);
}
