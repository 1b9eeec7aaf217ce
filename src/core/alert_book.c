/*
 * The book of alerts, see core/alert_book.h: which alert is open and what is known of it. When somebody is
 * told of it is alert_book_tell.c.
 */
#include "alert_book_private.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define SEC USEC_PER_SEC
#define MIN USEC_PER_MIN

#define MOMENTARY_MAX (ALERTS_MAX - 48) /* the other places are for conditions */

/* An outage that lasts: told again 10 minutes and an hour after the first message, then every day. */
static const usec_t outage[] = {10 * MIN, 50 * MIN, USEC_PER_DAY, 0};
static const usec_t broken[] = {USEC_PER_HOUR, USEC_PER_DAY, 0};
static const usec_t hourly[] = {USEC_PER_HOUR, 0};
static const usec_t daily[] = {USEC_PER_DAY, 0};

/*
 * What somebody is told of, when, how often, and when it counts as over. Chosen for the person who gets the
 * messages at night:
 * - What heals by itself within seconds wakes nobody: the delay. A crash is told all the same, once, with its
 *   outcome (`healed`): it is not normal.
 * - smsd-down and hold are over when smsd is verified, and that is told at once. A modem that is back must
 *   stay for a minute first: one that resets itself all the time is one alert with a count.
 * - What came back soon after it was over (`again`) is called over only after a longer calm.
 * - The network goes and comes without anybody's doing: 5 minutes, and a warning.
 */
static const struct alert_rule rules[ALERT_KIND_MAX] = {
    [ALERT_HOLD] = {SEVERITY_WARNING, .healed = true, .seen = true, .rise = 10 * SEC, .repeat = hourly},
    [ALERT_SMSD_DOWN] = {SEVERITY_CRITICAL, .healed = true, .seen = true, .delay = 10 * SEC,
                         .again = 15 * MIN, .calm = 15 * MIN, .repeat = outage},
    [ALERT_CRASH_LOOP] = {SEVERITY_CRITICAL, .quiet = MIN, .again = USEC_PER_HOUR, .calm = 15 * MIN,
                          .repeat = outage},
    [ALERT_MODEM_LOST] = {SEVERITY_CRITICAL, .delay = 10 * SEC, .quiet = MIN, .again = USEC_PER_HOUR,
                          .calm = 15 * MIN, .repeat = broken},
    [ALERT_MODEM_UNUSABLE] = {SEVERITY_CRITICAL, .delay = 10 * SEC, .quiet = MIN, .again = USEC_PER_HOUR,
                              .calm = 15 * MIN, .repeat = broken},
    [ALERT_MODEM_NETWORK] = {SEVERITY_WARNING, .delay = 5 * MIN, .quiet = 2 * MIN, .again = USEC_PER_HOUR,
                             .calm = 15 * MIN, .repeat = daily},
    [ALERT_MODEM_STUCK] = {SEVERITY_CRITICAL, .delay = MIN, .quiet = MIN, .again = USEC_PER_HOUR,
                           .calm = 15 * MIN, .repeat = broken},
    [ALERT_MODEM_CHANGED] = {SEVERITY_WARNING, .momentary = true},
    [ALERT_PROVISION_FAILED] = {SEVERITY_WARNING, .momentary = true},
    [ALERT_MODEM_TIMEOUTS] = {SEVERITY_WARNING, .quiet = 10 * MIN, .again = USEC_PER_HOUR,
                              .calm = USEC_PER_HOUR, .repeat = daily},
    [ALERT_CONFIG_REFUSED] = {SEVERITY_CRITICAL, .delay = 10 * SEC, .repeat = daily},
    [ALERT_MESSAGE_FAILED] = {SEVERITY_WARNING, .momentary = true},
    [ALERT_MESSAGE_ASIDE] = {SEVERITY_WARNING, .momentary = true},
    [ALERT_INCOMING_UNREAD] = {SEVERITY_WARNING, .delay = MIN, .quiet = MIN, .again = USEC_PER_HOUR,
                               .calm = 15 * MIN, .repeat = daily},
    [ALERT_MODEM_POWER] = {SEVERITY_CRITICAL, .delay = 10 * SEC, .quiet = 10 * MIN, .again = USEC_PER_HOUR,
                           .calm = USEC_PER_HOUR, .repeat = broken},
    [ALERT_MODEM_RESET] = {SEVERITY_WARNING, .quiet = 10 * MIN, .again = USEC_PER_HOUR, .calm = USEC_PER_HOUR,
                           .repeat = daily},
    [ALERT_MODEM_STORAGE] = {SEVERITY_WARNING, .quiet = MIN, .again = USEC_PER_HOUR, .calm = USEC_PER_HOUR,
                             .repeat = daily},
    [ALERT_PORT_HELD] = {SEVERITY_CRITICAL, .delay = 20 * SEC, .quiet = MIN, .again = USEC_PER_HOUR,
                         .calm = 15 * MIN, .repeat = broken},
    [ALERT_RESET_AHEAD] = {SEVERITY_WARNING, .momentary = true},
    [ALERT_RECOVERY_FAILED] = {SEVERITY_CRITICAL, .quiet = MIN, .again = USEC_PER_HOUR, .calm = 15 * MIN,
                               .repeat = daily},
    [ALERT_TEST] = {SEVERITY_INFO, .momentary = true},
};

const struct alert_rule *alert_rule(enum alert_kind kind)
{
        return &rules[kind];
}

bool alert_kind_is_momentary(enum alert_kind kind)
{
        return (unsigned)kind < ALERT_KIND_MAX && rules[kind].momentary;
}

enum severity alert_kind_severity(enum alert_kind kind)
{
        return (unsigned)kind < ALERT_KIND_MAX ? rules[kind].severity : SEVERITY_INFO;
}

/* --- places --- */

void alert_book_init(struct alert_book *book)
{
        /* Not the whole: the places behind n stay untouched pages. */
        book->n = book->in_flight = book->generation = book->next_recent = book->lost = 0;
        memset(book->recent, 0, sizeof(book->recent));
        book->dirty = book->saving = false;
        book->save_at = book->forget_restored_at = 0;
}

/* "KIND/SUBJECT"; of a subject that is too long as much as fits and a hash of the whole. */
static void make_key(enum alert_kind kind, const char *subject, char key[ALERT_KEY_MAX])
{
        char part[ALERT_KEY_MAX];
        const char *name = alert_kind_to_string(kind);
        size_t head = strlen(name), tail = strlen(subject);

        if (tail == 0) {
                (void)text_copy(key, ALERT_KEY_MAX, name);
                return;
        }
        if (head + 1 + tail < ALERT_KEY_MAX) { /* by hand: each sweep asks for many */
                (void)text_copy(key, ALERT_KEY_MAX, name);
                key[head] = '/';
                (void)text_copy(key + head + 1, ALERT_KEY_MAX - head - 1, subject);
                return;
        }
        (void)text_escape(part, ALERT_KEY_MAX - 40, subject, strlen(subject)); /* cut at a whole character */
        (void)text_format(key, ALERT_KEY_MAX, "%s/%s~%016llx", name, part,
                          (unsigned long long)text_hash(subject, strlen(subject)));
}

struct alert_entry *alert_book_find_key(struct alert_book *book, const char *key)
{
        for (unsigned i = 0; i < book->n; i++)
                if (book->entries[i].used && text_equal(book->entries[i].alert.key, key))
                        return &book->entries[i];
        return NULL;
}

static struct alert_entry *find(struct alert_book *book, enum alert_kind kind, const char *subject)
{
        char key[ALERT_KEY_MAX];

        if (book->n == 0)
                return NULL;
        make_key(kind, subject, key);
        return alert_book_find_key(book, key);
}

static struct alert_entry *free_place(struct alert_book *book)
{
        for (unsigned i = 0; i < book->n; i++)
                if (!book->entries[i].used)
                        return &book->entries[i];
        return book->n < ALERTS_MAX ? &book->entries[book->n++] : NULL;
}

void alert_book_forget(struct alert_book *book, struct alert_entry *entry)
{
        book->in_flight -= entry->spooling;
        entry->used = entry->spooling = false;
        while (book->n > 0 && !book->entries[book->n - 1].used)
                book->n--;
}

static bool ended_recently(const struct alert_book *book, const char *key, usec_t within, usec_t now)
{
        for (unsigned i = 0; i < ALERTS_RECENT; i++)
                if (text_equal(book->recent[i].key, key) && usec_sub(now, book->recent[i].at) < within)
                        return true;
        return false;
}

static void begin_entry(struct alert_entry *entry, enum alert_kind kind, const char *key, usec_t now)
{
        memset(entry, 0, sizeof(*entry));
        entry->used = true;
        entry->alert.kind = kind;
        entry->alert.severity = rules[kind].severity;
        entry->alert.count = 1;
        entry->alert.since = entry->news_at = now;
        entry->tell_at = USEC_INFINITY;
        (void)text_copy(entry->alert.key, sizeof(entry->alert.key), key);
}

static struct alert_entry *add(struct alert_book *book, enum alert_kind kind, const char *key, usec_t now)
{
        struct alert_entry *entry = free_place(book);

        if (!entry)
                return NULL;
        begin_entry(entry, kind, key, now);
        entry->flapping = ended_recently(book, key, rules[kind].again, now);
        return entry;
}

usec_t alert_entry_next_repeat(const struct alert_entry *entry, usec_t now)
{
        /* Down for good is down for good, whatever it began as. */
        bool over = entry->alert.kind == ALERT_HOLD && entry->alert.severity == SEVERITY_CRITICAL;
        const usec_t *repeat = over ? outage : rules[entry->alert.kind].repeat;
        unsigned i = 0;

        if (!repeat)
                return USEC_INFINITY;
        while (i < entry->repeats && repeat[i + 1])
                i++;
        return usec_add(now, repeat[i]);
}

void alert_book_restore(struct alert_book *book, const struct alert *alert, bool told, usec_t now)
{
        const struct alert_rule *rule = alert_rule(alert->kind);
        struct alert_entry *entry;

        if ((rule->momentary && told) || alert_book_find_key(book, alert->key))
                return;
        entry = free_place(book);
        if (!entry) {
                book->lost++;
                return;
        }
        begin_entry(entry, alert->kind, alert->key, now);
        entry->alert = *alert;
        entry->alert.state = ALERT_FIRING;
        entry->alert.ended = 0;
        entry->alert.ended_realtime = 0;
        entry->alert.count += alert->count == 0;
        entry->alert.told += told && alert->told == 0;
        entry->active = entry->restored = !rule->momentary;
        entry->told = told;
        entry->told_severity = alert->severity;
        entry->repeats = alert->told > 0 ? alert->told - 1 : 0;
        entry->tell_at = alert_entry_next_repeat(entry, now);
}

/* --- a sweep --- */

void alert_book_begin(struct alert_book *book)
{
        for (unsigned i = 0; i < book->n; i++)
                book->entries[i].raised = false;
}

/* It was away, for less than its quiet: the same alert again. */
static void come_back(struct alert_entry *entry, usec_t now)
{
        entry->active = true;
        entry->closed = false;
        entry->cleared_at = 0;
        if (alert_entry_is_resolving(entry))
                entry->news_at = now; /* its end is being told: this is the next one's beginning */
        else
                entry->alert.count++;
}

void alert_entry_begin_anew(struct alert_entry *entry)
{
        struct alert alert = entry->alert;

        begin_entry(entry, alert.kind, alert.key, entry->news_at);
        entry->alert = alert;
        entry->alert.state = ALERT_FIRING;
        entry->alert.since = entry->news_at;
        entry->alert.since_realtime = entry->alert.ended_realtime = 0;
        entry->alert.ended = 0;
        entry->alert.told = 0;
        entry->alert.count = 1;
        entry->active = true;
        entry->flapping = rules[alert.kind].again > 0;
}

struct alert *alert_book_raise(struct alert_book *book, enum alert_kind kind, const char *subject, usec_t now)
{
        struct alert_entry *entry;
        char key[ALERT_KEY_MAX];

        make_key(kind, subject, key);
        entry = alert_book_find_key(book, key);
        if (!entry) {
                entry = add(book, kind, key, now);
                if (entry) {
                        entry->active = true;
                        book->dirty |= rules[kind].healed; /* a kill in the next seconds must not hide it */
                }
        }
        if (!entry) {
                book->lost++;
                begin_entry(&book->scratch, kind, key, now);
                return &book->scratch.alert;
        }
        if (!entry->active)
                come_back(entry, now);
        entry->raised = true;
        entry->restored = false;
        entry->alert.severity = rules[kind].severity;
        (void)text_copy(entry->alert.modem, sizeof(entry->alert.modem), subject);
        return &entry->alert;
}

void alert_book_decide(struct alert_book *book, enum alert_kind kind, const char *subject)
{
        struct alert_entry *entry = find(book, kind, subject);

        if (!entry || entry->decided)
                return;
        entry->decided = true;
        entry->update = entry->told || entry->spooling;
}

struct alert *alert_book_find(struct alert_book *book, enum alert_kind kind, const char *subject)
{
        struct alert_entry *entry = find(book, kind, subject);

        return entry && !alert_entry_is_resolving(entry) ? &entry->alert : NULL;
}

bool alert_book_is_active(struct alert_book *book, const char *key)
{
        const struct alert_entry *entry = alert_book_find_key(book, key);

        return entry && entry->active && !alert_entry_is_resolving(entry);
}

static bool is_named(const struct alert_entry *entry, enum alert_kind kind, const char *subject)
{
        char key[ALERT_KEY_MAX];

        make_key(kind, subject, key);
        return text_equal(entry->alert.key, key);
}

void alert_book_keep(struct alert_book *book, enum alert_kind kind, const char *subject)
{
        for (unsigned i = 0; i < book->n; i++) {
                struct alert_entry *entry = &book->entries[i];
                if (entry->used && entry->alert.kind == kind && entry->active && entry->alert.told > 0 &&
                    (!subject || is_named(entry, kind, subject))) {
                        entry->raised = true;
                        entry->restored = false;
                }
        }
}

static void clear(struct alert_book *book, struct alert_entry *entry, usec_t now)
{
        bool must_be_told = entry->alert.told > 0 || entry->owed || rules[entry->alert.kind].healed;

        if (entry->active)
                entry->cleared_at = now;
        entry->active = entry->restored = false;
        if (!must_be_told || (entry->alert.severity == SEVERITY_INFO && entry->alert.told == 0))
                alert_book_forget(book, entry);
}

void alert_book_close(struct alert_book *book, enum alert_kind kind, const char *subject, usec_t now)
{
        struct alert_entry *entry = find(book, kind, subject);

        if (!entry || (entry->closed && !entry->active))
                return;
        entry->closed = true;
        if (entry->alert.told == 0 && !entry->owed)
                alert_book_forget(book, entry);
        else if (entry->active)
                clear(book, entry, now);
        book->dirty = true;
}

int alert_book_post(struct alert_book *book, enum alert_kind kind, const char *subject, usec_t now,
                    struct alert **ret_alert)
{
        struct alert_entry *entry;
        unsigned momentary = 0;
        char key[ALERT_KEY_MAX];

        make_key(kind, subject, key);
        if (alert_book_find_key(book, key))
                return -EALREADY;
        for (unsigned i = 0; i < book->n; i++)
                momentary += book->entries[i].used && alert_kind_is_momentary(book->entries[i].alert.kind);
        entry = momentary < MOMENTARY_MAX ? add(book, kind, key, now) : NULL;
        if (!entry)
                return -ENOBUFS;
        book->dirty = true;
        *ret_alert = &entry->alert;
        return 0;
}

/* What the caller said of its severity. */
static void judge_severity(struct alert_book *book, struct alert_entry *entry, usec_t now)
{
        if (entry->alert.told == 0 || alert_entry_is_resolving(entry))
                return;
        if (entry->alert.severity < entry->told_severity)
                entry->alert.severity = entry->told_severity; /* who was told of it is told its end */
        if (!entry->told || entry->alert.severity == entry->told_severity)
                return;
        entry->told = entry->decided = entry->update = false;
        entry->news_at = now;
        entry->repeats = 0;
        book->dirty = true;
}

void alert_book_end(struct alert_book *book, usec_t now)
{
        if (book->forget_restored_at == 0)
                book->forget_restored_at = usec_add(now, ALERTS_GRACE);
        for (unsigned i = 0; i < book->n; i++) {
                struct alert_entry *entry = &book->entries[i];
                bool waits =
                    entry->restored && !rules[entry->alert.kind].seen && now < book->forget_restored_at;
                if (!entry->used || rules[entry->alert.kind].momentary || waits)
                        continue;
                if (entry->raised)
                        judge_severity(book, entry, now);
                else if (entry->active)
                        clear(book, entry, now);
        }
}
