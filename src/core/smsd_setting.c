/*
 * Which settings of a modem's section a profile may bring, see core/smsd_setting.h. The limits are smsd's own
 * where it has some, else what a modem can reasonably need: a typo in a profile must not make smsd sleep for
 * a day.
 */
#include "core/smsd_setting.h"

#include "base/parse.h"
#include "base/text.h"
#include "core/config_value.h"

#include <errno.h>
#include <string.h>

#define BOOLEAN(name)                                                                                        \
        {                                                                                                    \
                .key = (name), .kind = KIND_BOOLEAN                                                          \
        }
#define NUMBER(name, least, most)                                                                            \
        {                                                                                                    \
                .key = (name), .kind = KIND_NUMBER, .min = (least), .max = (most)                            \
        }
#define WORD(name, list)                                                                                     \
        {                                                                                                    \
                .key = (name), .kind = KIND_WORD, .words = (list)                                            \
        }
#define TEXT(name, most)                                                                                     \
        {                                                                                                    \
                .key = (name), .kind = KIND_TEXT, .max = (most)                                              \
        }

enum kind { KIND_BOOLEAN, KIND_NUMBER, KIND_WORD, KIND_TEXT };

static const struct known {
        const char *key;
        enum kind kind;
        unsigned min, max; /* a number's; a text's length */
        const char *words; /* separated by blanks */
} known_settings[] = {
    WORD("baudrate", "300 1200 2400 4800 9600 19200 38400 57600 115200 230400 460800 921600"),
    WORD("check_memory_method", "0 1 2 3 31 4 41 5"),
    WORD("check_network", "0 1 2"),
    TEXT("cmgl_value", 14),
    NUMBER("communication_delay", 0, 10000),
    BOOLEAN("cs_convert"),
    BOOLEAN("decode_unicode_text"),
    NUMBER("delaytime", 0, 600),
    BOOLEAN("detect_message_routing"),
    BOOLEAN("detect_unexpected_input"),
    TEXT("init", SMSD_SETTING_VALUE_MAX - 1),
    TEXT("init2", SMSD_SETTING_VALUE_MAX - 1),
    BOOLEAN("keep_open"),
    NUMBER("memory_start", 0, 255),
    BOOLEAN("needs_wakeup_at"),
    NUMBER("pinsleeptime", 0, 60),
    NUMBER("poll_faster", 1, 100),
    TEXT("primary_memory", 4),
    NUMBER("read_timeout", 1, 300),
    BOOLEAN("routed_status_report_cnma"),
    BOOLEAN("rtscts"),
    TEXT("secondary_memory", 4),
    BOOLEAN("select_pdu_mode"),
    NUMBER("send_delay", 0, 1000),
    BOOLEAN("send_handshake_select"),
    NUMBER("sentsleeptime", 0, 60),
    BOOLEAN("signal_quality_ber_ignore"),
    BOOLEAN("smsc_pdu"),
    NUMBER("startsleeptime", 0, 60),
    BOOLEAN("unexpected_input_is_trouble"),
    BOOLEAN("using_routed_status_report"),
    TEXT("wakeup_init", SMSD_SETTING_VALUE_MAX - 1),
};

/* smsd takes no quotes and no comment behind a value: what is printed is what the modem gets. */
static bool is_text(const char *value, size_t max)
{
        size_t length = strlen(value);

        for (size_t i = 0; i < length; i++)
                if (value[i] < 0x20 || value[i] > 0x7e)
                        return false;
        return length > 0 && length <= max && value[0] != ' ' && value[length - 1] != ' ';
}

static bool is_word(const char *words, const char *value)
{
        size_t wanted = strlen(value);

        for (const char *p = words; *p;) {
                size_t length = strcspn(p, " ");
                if (length == wanted && memcmp(p, value, length) == 0)
                        return true;
                p += length + (p[length] == ' ');
        }
        return false;
}

static bool is_number(const char *value, const struct known *known)
{
        unsigned number;

        return strlen(value) <= 6 && parse_unsigned(value, known->min, known->max, &number) == 0;
}

static int check_value(const struct known *known, const char *value, char *problem, size_t size)
{
        switch (known->kind) {
        case KIND_BOOLEAN:
                if (text_equal(value, "yes") || text_equal(value, "no"))
                        return 0;
                (void)text_copy(problem, size, "is not known; allowed: yes, no");
                break;
        case KIND_NUMBER:
                if (is_number(value, known))
                        return 0;
                (void)text_format(problem, size, "is not a number from %u to %u", known->min, known->max);
                break;
        case KIND_WORD:
                if (is_word(known->words, value))
                        return 0;
                (void)text_format(problem, size, "is not known; allowed: %s", known->words);
                break;
        case KIND_TEXT:
                if (is_text(value, known->max))
                        return 0;
                (void)text_format(problem, size, "is not a text of 1 to %u printable ASCII characters",
                                  known->max);
                break;
        }
        return -EINVAL;
}

/* The key that was meant, NULL: none is near. */
static const char *guess_key(const char *key)
{
        const char *guess = NULL;
        unsigned nearest = 3;

        for (size_t i = 0; i < ARRAY_SIZE(known_settings); i++) {
                unsigned distance = config_word_distance(key, known_settings[i].key);
                if (distance < nearest)
                        guess = known_settings[i].key;
                nearest = distance < nearest ? distance : nearest;
        }
        return guess;
}

static void tell_key(const char *key, char *problem, size_t size)
{
        const char *guess = guess_key(key);

        if (text_equal_nocase(key, "device"))
                (void)text_copy(problem, size, "is the port, which the controller finds: remove the line");
        else if (guess)
                (void)text_format(problem, size, "is set by no such key; did you mean %s?", guess);
        else
                (void)text_copy(problem, size,
                                "is set by a key that a profile may not bring; docs/profiles.md lists those "
                                "that it may, the others belong into smsd.conf");
}

int smsd_setting_check(const char *key, const char *value, char *problem, size_t size)
{
        for (size_t i = 0; i < ARRAY_SIZE(known_settings); i++)
                if (text_equal(known_settings[i].key, key))
                        return check_value(&known_settings[i], value, problem, size);
        tell_key(key, problem, size);
        return -EINVAL;
}

const char *smsd_setting_at(size_t index)
{
        return index < ARRAY_SIZE(known_settings) ? known_settings[index].key : NULL;
}
