/*
 * Writing a snapshot into a D-Bus message, see bus_snapshot.h. The visitor opens and closes the containers as
 * the walk goes: an object that has a key is a dict entry holding a variant a{sv}; an array is one holding
 * aa{sv}, its elements are plain a{sv}. What stands for null is not written at all.
 *
 * Decides here, too, what readers without control do not see: IMSI and ICCID are left out, an IMEI shows its
 * last four digits, and runs of digits that could be a phone number are blanked in every other text, for
 * smsd's log lines name receivers.
 */
#include "bus_snapshot.h"

#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define DEPTH_MAX        8
#define IMEI_SHOWN       4 /* digits at its end */
#define PHONE_DIGITS_MIN 7

struct writer {
        sd_bus_message *message;
        bool full;
        unsigned depth;
        bool keyed[DEPTH_MAX]; /* the container of that depth sits in a dict entry */
};

static int open_entry(struct writer *w, const char *key, const char *contents)
{
        int r = sd_bus_message_open_container(w->message, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append_basic(w->message, 's', key);
        return r < 0 ? r : sd_bus_message_open_container(w->message, 'v', contents);
}

static int close_entry(struct writer *w)
{
        int r = sd_bus_message_close_container(w->message);

        return r < 0 ? r : sd_bus_message_close_container(w->message);
}

static int open_level(struct writer *w, const char *key, const char *type, const char *contents)
{
        int r = key ? open_entry(w, key, type) : 0;

        if (r < 0)
                return r;
        if (w->depth == DEPTH_MAX)
                return -E2BIG;
        w->keyed[w->depth++] = key != NULL;
        return sd_bus_message_open_container(w->message, 'a', contents);
}

static int close_level(struct writer *w)
{
        int r = sd_bus_message_close_container(w->message);

        if (r < 0)
                return r;
        return w->keyed[--w->depth] ? close_entry(w) : 0;
}

static int write_begin_object(void *userdata, const char *key)
{
        return open_level(userdata, key, "a{sv}", "{sv}");
}

static int write_begin_array(void *userdata, const char *key, unsigned *n, unsigned max)
{
        return *n > max ? -E2BIG : open_level(userdata, key, "aa{sv}", "a{sv}");
}

static int write_end(void *userdata)
{
        return close_level(userdata);
}

static int write_basic(struct writer *w, const char *key, const char type[2], const void *value)
{
        int r = open_entry(w, key, type);

        if (r >= 0)
                r = sd_bus_message_append_basic(w->message, type[0], value);
        return r < 0 ? r : close_entry(w);
}

static int write_boolean(void *userdata, const char *key, bool *value)
{
        int wide = *value;

        return write_basic(userdata, key, "b", &wide);
}

static int write_number(void *userdata, const char *key, int64_t *value, int64_t null_value)
{
        return *value == null_value ? 0 : write_basic(userdata, key, "x", value);
}

static int write_time(void *userdata, const char *key, snapshot_time_t *value)
{
        return write_number(userdata, key, value, 0);
}

static bool is_private(const char *key)
{
        return text_equal(key, "imsi") || text_equal(key, "iccid");
}

static void blank_numbers(char *text)
{
        while (*text) {
                size_t digits = strspn(text, "0123456789");
                if (digits >= PHONE_DIGITS_MIN)
                        memset(text, '#', digits);
                text += digits > 0 ? digits : 1;
        }
}

void bus_snapshot_public_text(char *target, size_t size, const char *text)
{
        (void)text_clean(target, size, text);
        blank_numbers(target);
}

/* Enough to tell one modem of the box from another. */
static void mask_imei(char *text)
{
        size_t length = strlen(text);

        if (length > IMEI_SHOWN)
                memset(text, '*', length - IMEI_SHOWN);
}

static int write_text(void *userdata, const char *key, char *value, size_t size)
{
        struct writer *w = userdata;
        char text[1024];

        if (value[0] == '\0' || (!w->full && is_private(key)))
                return 0;
        (void)text_clean(text, size < sizeof(text) ? size : sizeof(text), value);
        /* A test's id is no number of anybody's: who asks for a test waits for it. */
        if (!w->full && text_equal(key, "imei"))
                mask_imei(text);
        else if (!w->full && !text_equal(key, "test"))
                blank_numbers(text);
        return write_basic(w, key, "s", text);
}

int bus_snapshot_append(sd_bus_message *message, struct snapshot *snapshot, bool full)
{
        static const struct snapshot_visitor visitor = {
            .begin_object = write_begin_object,
            .end_object = write_end,
            .begin_array = write_begin_array,
            .end_array = write_end,
            .boolean = write_boolean,
            .number = write_number,
            .text = write_text,
            .time = write_time,
        };
        struct writer writer = {.message = message, .full = full};

        int r = snapshot_visit(snapshot, &visitor, &writer);
        return r < 0 ? r : 0;
}
