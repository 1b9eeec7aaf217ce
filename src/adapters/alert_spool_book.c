/*
 * The book's JSON, see alert_spool_book.h:
 * {"schema":1,"spool","boot","sequence","dropped","last":{KIND:KEY,...},"open":[{"told":true,...},...]},
 * where an open alert has the keys of a message's alert and, in microseconds, those of CLOCK_BOOTTIME.
 * The record of the SMS is beside it (alert_spool_sms.c): "sms":[...],"sms_budgets":[...].
 */
#include "alert_spool_book.h"

#include "alert_json_parts.h"
#include "alert_spool_sms.h"
#include "base/text.h"
#include "core/spool_policy.h"

#include <string.h>

#define SCHEMA 1
#define DEPTH  6

void spool_book_done(struct spool_book *book)
{
        free(book->open);
        book->open = NULL;
        book->n = 0;
}

/* The times that a message does not carry exactly. */
static const struct {
        const char *key;
        size_t offset;
} clocks[] = {
    {"since_boottime", offsetof(struct alert, since)},
    {"until_boottime", offsetof(struct alert, until)},
    {"ended_boottime", offsetof(struct alert, ended)},
};

/* --- writing --- */

int spool_book_pack_alert(json_t *object, const struct alert *alert)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(clocks); i++) {
                usec_t time;
                memcpy(&time, (const char *)alert + clocks[i].offset, sizeof(time));
                r = alert_json_set(object, clocks[i].key, alert_json_number(time));
        }
        return r < 0 ? r : alert_json_pack(object, alert);
}

static int pack_open(json_t *list, const struct spool_open *open)
{
        json_t *object = json_object();

        if (json_array_append_new(list, object) < 0) /* takes it, also when it fails */
                return -ENOMEM;
        int r = alert_json_set(object, "alert_told", json_boolean(open->told));
        return r < 0 ? r : spool_book_pack_alert(object, &open->alert);
}

/* An alert that cannot be told (its words are none) is left out, so that it does not take the others along.
 */
static int pack_opens(json_t *book, const struct spool_book *source)
{
        json_t *list = json_array();
        int r = alert_json_set(book, "open", list);

        for (unsigned i = 0; r == 0 && i < source->n; i++) {
                r = pack_open(list, &source->open[i]);
                if (r == -EINVAL)
                        r = json_array_remove(list, json_array_size(list) - 1) < 0 ? -ENOMEM : 0;
        }
        return r;
}

static int pack_last_keys(json_t *book, const struct spool_book *source)
{
        json_t *last = json_object();
        int r = alert_json_set(book, "last", last);

        for (unsigned kind = 0; r == 0 && kind < ALERT_KIND_MAX; kind++)
                if (source->last_keys[kind][0])
                        r = alert_json_set(last, alert_kind_to_string((enum alert_kind)kind),
                                           alert_json_text(source->last_keys[kind], ALERT_KEY_MAX));
        return r;
}

int spool_book_encode(const struct spool_book *book, char **ret_text, size_t *ret_length)
{
        _cleanup_json_ json_t *object = json_object();
        int r = alert_json_set(object, "schema", json_integer(SCHEMA));

        if (r == 0)
                r = alert_json_set(object, "spool", json_string(book->id));
        if (r == 0)
                r = alert_json_set(object, "boot", json_string(book->boot));
        if (r == 0)
                r = alert_json_set(object, "sequence", alert_json_number(book->sequence));
        if (r == 0)
                r = alert_json_set(object, "dropped", alert_json_number(book->dropped));
        if (r == 0)
                r = pack_last_keys(object, book);
        if (r == 0)
                r = pack_opens(object, book);
        if (r == 0)
                r = spool_sms_pack(object, &book->sms);
        return r < 0 ? r : alert_json_dump(object, ret_text, ret_length);
}

/* --- reading --- */

int spool_book_unpack_alert(const json_t *object, struct alert *ret_alert)
{
        struct alert alert = {0};

        if (alert_json_unpack(object, &alert) < 0)
                return -EBADMSG;
        for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
                uint64_t time;
                if (alert_json_get_number(object, clocks[i].key, 0, INT64_MAX, &time) < 0)
                        return -EBADMSG;
                memcpy((char *)&alert + clocks[i].offset, &time, sizeof(time));
        }
        *ret_alert = alert;
        return 0;
}

static int unpack_open(const json_t *object, struct spool_open *ret_open)
{
        const json_t *told = json_object_get(object, "alert_told");
        struct spool_open open = {.told = json_is_true(told)};

        if (!json_is_boolean(told) || spool_book_unpack_alert(object, &open.alert) < 0)
                return -EBADMSG;
        *ret_open = open;
        return 0;
}

static int unpack_opens(const json_t *object, struct spool_book *book)
{
        const json_t *list = json_object_get(object, "open");
        size_t n = json_array_size(list);

        if (!json_is_array(list) || n > ALERTS_MAX)
                return -EBADMSG;
        book->open = calloc(n + 1, sizeof(*book->open)); /* never of nothing */
        if (!book->open)
                return -ENOMEM;
        for (; book->n < n; book->n++)
                if (unpack_open(json_array_get(list, book->n), &book->open[book->n]) < 0)
                        return -EBADMSG;
        return 0;
}

/* A kind that we do not know is of a later version: passed over. */
static int unpack_last_keys(const json_t *object, struct spool_book *book)
{
        const json_t *last = json_object_get(object, "last");
        int r = json_is_object(last) ? 0 : -EBADMSG;

        for (unsigned kind = 0; r == 0 && kind < ALERT_KIND_MAX; kind++) {
                const char *word = alert_kind_to_string((enum alert_kind)kind);
                if (json_object_get(last, word))
                        r = alert_json_get_text(last, word, book->last_keys[kind], ALERT_KEY_MAX);
        }
        return r;
}

static int unpack_book(const json_t *object, struct spool_book *book)
{
        uint64_t schema;
        int r = alert_json_get_number(object, "schema", SCHEMA, SCHEMA, &schema);

        if (r == 0)
                r = alert_json_get_word(object, "spool", book->id, sizeof(book->id));
        if (r == 0)
                r = alert_json_get_word(object, "boot", book->boot, sizeof(book->boot));
        if (r == 0)
                r = alert_json_get_number(object, "sequence", 0, SPOOL_SEQUENCE_MAX, &book->sequence);
        if (r == 0)
                r = alert_json_get_number(object, "dropped", 0, INT64_MAX, &book->dropped);
        if (r == 0)
                r = unpack_last_keys(object, book);
        if (r == 0)
                r = unpack_opens(object, book);
        return r < 0 ? r : spool_sms_unpack(object, &book->sms);
}

int spool_book_decode(const char *text, size_t length, struct spool_book *ret_book)
{
        _cleanup_json_ json_t *object = alert_json_parse(text, length, SPOOL_BOOK_MAX, DEPTH);
        _cleanup_(spool_book_done) struct spool_book book = {0};
        int r = object ? unpack_book(object, &book) : -EBADMSG;

        if (r < 0)
                return r;
        struct spool_open *open = book.open;
        book.open = NULL;
        *ret_book = book;
        ret_book->open = open;
        return 0;
}

/* --- what messages change --- */

static struct spool_open *find_open(const struct spool_book *book, const char *key)
{
        for (unsigned i = 0; i < book->n; i++)
                if (text_equal(book->open[i].alert.key, key))
                        return &book->open[i];
        return NULL;
}

static int add_open(struct spool_book *book, struct spool_open **ret_open)
{
        struct spool_open *grown = reallocarray(book->open, book->n + 1, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        book->open = grown;
        *ret_open = &grown[book->n++];
        **ret_open = (struct spool_open){0};
        return 0;
}

static void remove_open(struct spool_book *book, struct spool_open *open)
{
        size_t at = (size_t)(open - book->open);

        memmove(open, open + 1, (book->n - at - 1) * sizeof(*open));
        book->n--;
}

int spool_book_apply(struct spool_book *book, const struct alert_message *message)
{
        const struct alert *alert = &message->alert;
        struct spool_open *open = find_open(book, alert->key);
        int r = 0;

        (void)text_copy(book->last_keys[alert->kind], ALERT_KEY_MAX, alert->key); /* of the same size */
        alert_sms_note(&book->sms, alert, message->sequence, 0);
        if (alert->state == ALERT_RESOLVED || alert_kind_is_momentary(alert->kind)) {
                if (open)
                        remove_open(book, open);
                return 0;
        }
        if (!open && book->n < ALERTS_MAX) /* more cannot be: the core has no more */
                r = add_open(book, &open);
        if (r < 0 || !open)
                return r;
        usec_t since = open->alert.since ? open->alert.since : alert->since;
        *open = (struct spool_open){.alert = *alert, .told = true};
        open->alert.since = since;
        open->alert.told++; /* this one went before the next */
        return 0;
}

void spool_book_new_boot(struct spool_book *book, const char *boot)
{
        if (text_equal(book->boot, boot))
                return;
        (void)text_copy(book->boot, sizeof(book->boot), boot);
        alert_sms_new_boot(&book->sms);
        for (unsigned i = 0; i < book->n; i++)
                book->open[i].alert.since = book->open[i].alert.until = book->open[i].alert.ended = 0;
}
