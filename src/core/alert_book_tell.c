/*
 * The book's second half: which message is due, its way into the spool, and the saving of the book itself.
 * One message of an alert at a time is on its way, so the alert that an action borrows stands still.
 */
#include "alert_book_private.h"

#include "base/text.h"
#include "core/action.h"

#define RETRY_FIRST USEC_PER_SEC
#define RETRY_MAX   USEC_PER_MIN
#define SAVE_AGAIN  (10 * USEC_PER_SEC)
#define OVER        "nothing: it is over"

static usec_t later(usec_t a, usec_t b)
{
        return a > b ? a : b;
}

/* --- what is due --- */

static usec_t quiet_of(const struct alert_entry *entry)
{
        const struct alert_rule *rule = alert_rule(entry->alert.kind);

        if (entry->closed)
                return 0;
        return entry->flapping ? later(rule->calm, rule->quiet) : rule->quiet;
}

static usec_t first_due(const struct alert_entry *entry)
{
        const struct alert_rule *rule = alert_rule(entry->alert.kind);

        if (entry->alert.severity == SEVERITY_INFO && entry->alert.told == 0)
                return USEC_INFINITY;
        if (!entry->active || entry->decided || entry->owed)
                return 0;
        return usec_add(entry->news_at, entry->alert.told > 0 ? rule->rise : rule->delay);
}

static usec_t due(const struct alert_entry *entry)
{
        usec_t at;

        if (!entry->used || entry->spooling)
                return USEC_INFINITY;
        if (entry->momentary)
                at = 0;
        else if (!entry->told)
                at = first_due(entry);
        else if (!entry->active)
                at = usec_add(entry->cleared_at, quiet_of(entry));
        else
                at = entry->update || entry->owed ? 0 : entry->tell_at;
        return later(at, entry->retry_at);
}

/* --- a message --- */

static void end_alert(struct alert_entry *entry)
{
        entry->resolving = true;
        entry->alert.state = ALERT_RESOLVED;
        entry->alert.ended = entry->cleared_at;
        (void)text_copy(entry->alert.next_action, sizeof(entry->alert.next_action), OVER);
}

static void emit(struct alert_book *book, struct alert_entry *entry, struct action_list *actions)
{
        struct action *action;

        if (entry->told && !entry->active)
                end_alert(entry);
        else if (entry->told && !entry->update && !entry->owed)
                entry->repeats++;
        entry->update = false;
        entry->owed = entry->spooling = true;
        entry->spooling_severity = entry->alert.severity;
        entry->generation = ++book->generation;
        book->in_flight++;
        action = action_push(actions, ACTION_ALERT_SPOOL);
        action->alert.alert = &entry->alert;
        action->alert.generation = entry->generation;
}

/* A message that overtakes the book is told twice when we are killed now; one that is on its way behind it
 * is seen in the spool. So the book goes first, and alone. */
static bool save(struct alert_book *book, usec_t now, struct action_list *actions)
{
        if (!book->dirty || book->saving || now < book->save_at)
                return true;
        if (book->in_flight > 0)
                return false;
        action_push(actions, ACTION_ALERTS_SAVE)->book = book;
        book->dirty = false;
        book->saving = true;
        return true;
}

void alert_book_tell(struct alert_book *book, usec_t now, struct action_list *actions)
{
        if (actions->n + 1 + ALERTS_IN_FLIGHT > ACTIONS_MAX - 1) {
                actions->overflown = true; /* the next step finds it due */
                return;
        }
        if (!save(book, now, actions))
                return;
        for (unsigned i = 0; i < book->n && book->in_flight < ALERTS_IN_FLIGHT; i++)
                if (due(&book->entries[i]) <= now)
                        emit(book, &book->entries[i], actions);
}

/* --- the answers --- */

static void failed(struct alert_entry *entry, usec_t now)
{
        usec_t wait = RETRY_FIRST << (entry->failures < 6 ? entry->failures : 6);

        entry->failures++;
        entry->retry_at = usec_add(now, usec_min(wait, RETRY_MAX));
        entry->alert.state = ALERT_FIRING;
        entry->alert.ended = 0;
        if (entry->resolving && entry->active)
                entry->alert.count++; /* its end was never told: it goes on */
        entry->resolving = false;
}

static void remember_end(struct alert_book *book, const struct alert_entry *entry, usec_t now)
{
        struct alert_ended *ended = &book->recent[book->next_recent++ % ALERTS_RECENT];

        (void)text_copy(ended->key, sizeof(ended->key), entry->alert.key);
        ended->at = now;
}

static void was_told(struct alert_entry *entry, usec_t now)
{
        entry->alert.told++;
        entry->told_severity = entry->spooling_severity;
        entry->told = entry->alert.severity <= entry->told_severity;
        entry->owed = false;
        entry->tell_at = alert_entry_next_repeat(entry, now);
}

static struct alert_entry *find_spooling(struct alert_book *book, const char *key, unsigned generation)
{
        struct alert_entry *entry = alert_book_find_key(book, key);

        return entry && entry->spooling && entry->generation == generation ? entry : NULL;
}

const struct alert *alert_book_spooling(struct alert_book *book, const char *key, unsigned generation)
{
        const struct alert_entry *entry = find_spooling(book, key, generation);

        return entry ? &entry->alert : NULL;
}

void alert_book_spooled(struct alert_book *book, const char *key, unsigned generation, int result, usec_t now)
{
        struct alert_entry *entry = find_spooling(book, key, generation);

        if (!entry)
                return;
        entry->spooling = false;
        book->in_flight--;
        if (result < 0) {
                failed(entry, now);
                return;
        }
        entry->failures = 0;
        entry->retry_at = 0;
        book->dirty = true;
        if (!entry->resolving && !entry->momentary) {
                was_told(entry, now);
                return;
        }
        if (entry->resolving)
                remember_end(book, entry, now);
        if (entry->resolving && entry->active)
                alert_entry_begin_anew(entry);
        else
                alert_book_forget(book, entry);
}

void alert_book_saved(struct alert_book *book, int result, usec_t now)
{
        book->saving = false;
        book->save_at = 0;
        if (result >= 0)
                return;
        book->dirty = true;
        book->save_at = usec_add(now, SAVE_AGAIN);
}

usec_t alert_book_deadline(const struct alert_book *book)
{
        usec_t deadline = USEC_INFINITY;

        if (book->dirty && !book->saving && book->in_flight == 0)
                deadline = book->save_at;
        if (book->in_flight >= ALERTS_IN_FLIGHT)
                return deadline;
        for (unsigned i = 0; i < book->n; i++) {
                deadline = usec_min(deadline, due(&book->entries[i]));
                if (book->entries[i].used && book->entries[i].restored && book->forget_restored_at > 0)
                        deadline = usec_min(deadline, book->forget_restored_at);
        }
        return deadline;
}
