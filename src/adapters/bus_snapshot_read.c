/*
 * Reading a snapshot from a D-Bus message, see bus_snapshot.h. The walk asks for keys by name; they are
 * searched from where the message stands to the end of the object, then from its beginning, so a sender that
 * keeps the order costs one pass. A level that is missing is remembered as absent: everything below it reads
 * as null.
 */
#include "bus_snapshot.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define DEPTH_MAX 8

struct level {
        bool absent;
        bool keyed; /* sits in a dict entry */
};

struct reader {
        sd_bus_message *message;
        unsigned depth;
        struct level levels[DEPTH_MAX];
};

static int push(struct reader *r, bool absent, bool keyed)
{
        if (r->depth == DEPTH_MAX)
                return -E2BIG;
        r->levels[r->depth++] = (struct level){.absent = absent, .keyed = keyed};
        return 0;
}

static bool absent(const struct reader *r)
{
        return r->depth > 0 && r->levels[r->depth - 1].absent;
}

/* 1: inside the entry, before its value; 0: no such key from here to the end of the object. */
static int find_onwards(struct reader *r, const char *key)
{
        int k;

        while ((k = sd_bus_message_enter_container(r->message, 'e', "sv")) > 0) {
                const char *name = NULL;
                k = sd_bus_message_read_basic(r->message, 's', &name);
                if (k < 0)
                        return k;
                if (text_equal(name, key))
                        return 1;
                k = sd_bus_message_skip(r->message, "v");
                if (k >= 0)
                        k = sd_bus_message_exit_container(r->message);
                if (k < 0)
                        return k;
        }
        return k;
}

static int find_key(struct reader *r, const char *key)
{
        int k = find_onwards(r, key);

        if (k != 0)
                return k;
        k = sd_bus_message_rewind(r->message, 0);
        return k < 0 ? k : find_onwards(r, key);
}

/* 1: inside the variant `type` at `key`; 0: there is none of that type, the message stands where it can go
 * on. */
static int enter_value(struct reader *r, const char *key, const char *type)
{
        const char *contents = NULL;
        int k = absent(r) ? 0 : find_key(r, key);

        if (k <= 0)
                return k;
        k = sd_bus_message_peek_type(r->message, NULL, &contents);
        if (k < 0)
                return k;
        if (contents && text_equal(contents, type))
                return sd_bus_message_enter_container(r->message, 'v', type);
        k = sd_bus_message_skip(r->message, "v");
        if (k >= 0)
                k = sd_bus_message_exit_container(r->message);
        return k < 0 ? k : 0;
}

static int leave_value(struct reader *r)
{
        int k = sd_bus_message_exit_container(r->message);

        return k < 0 ? k : sd_bus_message_exit_container(r->message);
}

static int read_basic(struct reader *r, const char *key, const char type[2], void *ret_value)
{
        int k = enter_value(r, key, type);

        if (k <= 0)
                return k;
        k = sd_bus_message_read_basic(r->message, type[0], ret_value);
        if (k >= 0)
                k = leave_value(r);
        return k < 0 ? k : 1;
}

static int begin_level(struct reader *r, const char *key, const char *type, const char *contents)
{
        int k = key ? enter_value(r, key, type) : !absent(r);

        if (k > 0)
                k = sd_bus_message_enter_container(r->message, 'a', contents);
        return k < 0 ? k : push(r, k == 0, key != NULL);
}

/* The rest of the array is passed over: an array can be left at its end only. */
static int end_level(struct reader *r, const char *contents)
{
        struct level level = r->levels[--r->depth];
        int k;

        if (level.absent)
                return 0;
        while ((k = sd_bus_message_at_end(r->message, 0)) == 0) {
                k = sd_bus_message_skip(r->message, contents);
                if (k < 0)
                        return k;
        }
        if (k >= 0)
                k = sd_bus_message_exit_container(r->message);
        return k < 0 || !level.keyed ? k : leave_value(r);
}

static int read_begin_object(void *userdata, const char *key)
{
        return begin_level(userdata, key, "a{sv}", "{sv}");
}

static int read_end_object(void *userdata)
{
        return end_level(userdata, "{sv}");
}

static int count_elements(struct reader *r, unsigned max, unsigned *ret_n)
{
        unsigned n = 0;
        int k;

        while (n < max && (k = sd_bus_message_at_end(r->message, 0)) == 0) {
                k = sd_bus_message_skip(r->message, "a{sv}");
                if (k < 0)
                        return k;
                n++;
        }
        *ret_n = n;
        return sd_bus_message_rewind(r->message, 0);
}

static int read_begin_array(void *userdata, const char *key, unsigned *n, unsigned max)
{
        struct reader *r = userdata;
        int k = begin_level(r, key, "aa{sv}", "a{sv}");

        *n = 0;
        return k < 0 || absent(r) ? k : count_elements(r, max, n);
}

static int read_end_array(void *userdata)
{
        return end_level(userdata, "a{sv}");
}

static int read_boolean(void *userdata, const char *key, bool *value)
{
        int wide = 0;
        int k = read_basic(userdata, key, "b", &wide);

        *value = k > 0 && wide;
        return k;
}

static int read_number(void *userdata, const char *key, int64_t *value, int64_t null_value)
{
        int64_t wide = null_value;
        int k = read_basic(userdata, key, "x", &wide);

        *value = k > 0 ? wide : null_value;
        return k;
}

static int read_time(void *userdata, const char *key, snapshot_time_t *value)
{
        return read_number(userdata, key, value, 0);
}

static int read_text(void *userdata, const char *key, char *value, size_t size)
{
        const char *text = NULL;
        int k = read_basic(userdata, key, "s", &text);

        if (k < 0)
                return k;
        (void)text_clean(value, size, k > 0 ? text : "");
        return 0;
}

int bus_snapshot_read(sd_bus_message *message, struct snapshot *ret_snapshot)
{
        static const struct snapshot_visitor visitor = {
            .begin_object = read_begin_object,
            .end_object = read_end_object,
            .begin_array = read_begin_array,
            .end_array = read_end_array,
            .boolean = read_boolean,
            .number = read_number,
            .text = read_text,
            .time = read_time,
        };
        struct reader reader = {.message = message};

        snapshot_init(ret_snapshot);
        int r = snapshot_visit(ret_snapshot, &visitor, &reader);
        return r < 0 ? r : 0;
}
