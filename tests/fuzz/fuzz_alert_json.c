/*
 * The spool's JSON under arbitrary bytes: what is taken for a message or a book has sound words and texts,
 * and comes back the same when it is written and read again.
 */
#include "adapters/alert_json.h"
#include "base/text.h"
#include "core/spool_policy.h"

#include "../../src/adapters/alert_spool_book.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void require_clean(const char *text, size_t size)
{
        char clean[ALERT_TEXT_MAX];

        require(memchr(text, '\0', size) != NULL);
        require(text_clean(clean, sizeof(clean), text) == 0 && text_equal(clean, text));
}

static void require_sound(const struct alert *alert)
{
        require((unsigned)alert->kind < ALERT_KIND_MAX && (unsigned)alert->severity <= SEVERITY_CRITICAL);
        require(alert->state == ALERT_FIRING || alert->state == ALERT_RESOLVED);
        require(alert->key[0] && alert->count > 0);
        require_clean(alert->key, sizeof(alert->key));
        require_clean(alert->summary, sizeof(alert->summary));
        require_clean(alert->evidence, sizeof(alert->evidence));
        require_clean(alert->next_action, sizeof(alert->next_action));
}

static void message(const char *text, size_t size)
{
        struct alert_message first, again;
        char *written;
        size_t length;

        memset(&first, 0, sizeof(first));
        if (alert_json_decode(text, size, &first) < 0)
                return;
        require(first.sequence > 0 && first.sequence <= SPOOL_SEQUENCE_MAX && first.id[0] && first.spool[0]);
        require_sound(&first.alert);
        require(alert_json_encode(&first, &written, &length) == 0 && length <= ALERT_JSON_MAX);
        require(alert_json_decode(written, length, &again) == 0);
        require(text_equal(first.alert.summary, again.alert.summary) && first.sequence == again.sequence);
        require(text_equal(first.id, again.id) && first.at == again.at);
        free(written);
}

static void book(const char *text, size_t size)
{
        struct spool_book first, again;
        char *written;
        size_t length;

        if (spool_book_decode(text, size, &first) < 0)
                return;
        require(first.n <= ALERTS_MAX && first.sequence <= SPOOL_SEQUENCE_MAX);
        for (unsigned i = 0; i < first.n; i++)
                require_sound(&first.open[i].alert);
        require(spool_book_encode(&first, &written, &length) == 0 && length <= SPOOL_BOOK_MAX);
        require(spool_book_decode(written, length, &again) == 0);
        require(again.n == first.n && again.sequence == first.sequence && text_equal(again.id, first.id));
        free(written);
        spool_book_done(&first);
        spool_book_done(&again);
}

#define WORDS                                                                                                \
        "\"state\":\"firing\",\"kind\":\"hold\",\"key\":\"hold\",\"severity\":\"warning\",\"count\":1,"      \
        "\"told\":0,\"modem\":\"GSM1\",\"cause\":null,\"summary\":\"held\",\"evidence\":null,"               \
        "\"next_action\":null,\"only\":null,\"since\":\"2026-11-23T08:00:00Z\",\"until\":null,\"ended\":"    \
        "null"

/* Sound ones, so that what follows a little damage is seen: the bytes replace a part of them. */
static const char *const samples[] = {
    "{\"schema\":1,\"id\":\"b-1\",\"spool\":\"s\",\"sequence\":1,\"at\":null,\"host\":\"gw1\"," WORDS "}",
    "{\"schema\":1,\"spool\":\"s\",\"boot\":\"b\",\"sequence\":1,\"dropped\":0,\"last\":{\"hold\":\"hold\"},"
    "\"open\":[{\"alert_told\":true,\"since_boottime\":1,\"until_boottime\":0,\"ended_boottime\":0," WORDS
    "}]}",
};

/* data: place (2 bytes), how much is taken out (1), what is put there instead. */
static void damaged(const char *sample, const uint8_t *data, size_t size)
{
        size_t length = strlen(sample), at = (size_t)(data[0] << 8 | data[1]) % (length + 1);
        size_t out = data[2] < length - at ? data[2] : length - at;
        char *text = malloc(length + size);

        require(text != NULL);
        memcpy(text, sample, at);
        memcpy(text + at, data + 3, size - 3);
        memcpy(text + at + size - 3, sample + at + out, length - at - out);
        message(text, length - out + size - 3);
        book(text, length - out + size - 3);
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        message((const char *)data, size);
        book((const char *)data, size);
        if (size >= 3)
                for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
                        damaged(samples[i], data, size);
        return 0;
}
