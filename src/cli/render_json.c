/*
 * A snapshot as JSON: a visitor that builds jansson's tree. Keys keep the order of the walk, which is that of
 * the schema. Times are ISO 8601 in UTC, so that they sort as text.
 */
#include "render.h"

#include "base/text.h"

#include <errno.h>
#include <jansson.h>
#include <time.h>

#define DEPTH_MAX 8

struct builder {
        unsigned depth;
        json_t *levels[DEPTH_MAX]; /* [0]: the root, owned; the others belong to the one above */
};

/* Takes `value` over. */
static int put(struct builder *b, const char *key, json_t *value)
{
        json_t *parent = b->levels[b->depth - 1];

        if (!value)
                return -ENOMEM;
        int r = key ? json_object_set_new(parent, key, value) : json_array_append_new(parent, value);
        return r < 0 ? -ENOMEM : 0;
}

static int open_level(struct builder *b, const char *key, json_t *level)
{
        if (!level)
                return -ENOMEM;
        if (b->depth == DEPTH_MAX) {
                json_decref(level);
                return -E2BIG;
        }
        int r = b->depth > 0 ? put(b, key, level) : 0;
        if (r == 0)
                b->levels[b->depth++] = level;
        return r;
}

static int begin_object(void *userdata, const char *key)
{
        return open_level(userdata, key, json_object());
}

static int begin_array(void *userdata, const char *key, unsigned *n, unsigned max)
{
        return *n > max ? -E2BIG : open_level(userdata, key, json_array());
}

static int end_level(void *userdata)
{
        struct builder *b = userdata;

        b->depth--;
        return 0;
}

static int put_boolean(void *userdata, const char *key, bool *value)
{
        return put(userdata, key, json_boolean(*value));
}

static int put_number(void *userdata, const char *key, int64_t *value, int64_t null_value)
{
        return put(userdata, key, *value == null_value ? json_null() : json_integer(*value));
}

static int put_text(void *userdata, const char *key, char *value, size_t size)
{
        char clean[1024];

        (void)size;
        (void)text_clean(clean, sizeof(clean), value);
        return put(userdata, key, clean[0] ? json_string(clean) : json_null());
}

static int put_time(void *userdata, const char *key, snapshot_time_t *value)
{
        time_t seconds = (time_t)(*value / (snapshot_time_t)USEC_PER_SEC);
        char text[32];
        struct tm broken;

        if (*value <= 0 || !gmtime_r(&seconds, &broken) ||
            strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &broken) == 0)
                return put(userdata, key, json_null());
        return put(userdata, key, json_string(text));
}

int render_json(FILE *file, struct snapshot *snapshot)
{
        static const struct snapshot_visitor visitor = {
            .begin_object = begin_object,
            .end_object = end_level,
            .begin_array = begin_array,
            .end_array = end_level,
            .boolean = put_boolean,
            .number = put_number,
            .text = put_text,
            .time = put_time,
        };
        struct builder builder = {0};

        int r = snapshot_visit(snapshot, &visitor, &builder);
        if (r >= 0 && (json_dumpf(builder.levels[0], file, JSON_COMPACT) < 0 || fputc('\n', file) == EOF))
                r = -EIO;
        json_decref(builder.levels[0]);
        return r;
}
