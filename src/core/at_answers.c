/*
 * Answers into facts, see core/at_answers.h. Every answer is cut into comma-separated fields by one bounded
 * reader that knows quotes; the functions below only say which field is which. They are the gate between
 * hostile text and the rest of the program: nothing gets past that was not checked or sanitised.
 */
#include "core/at_answers.h"

#include "base/parse.h"
#include "base/text.h"

#include <string.h>

#define FIELDS_MAX 12
#define FIELD_MAX  48

struct fields {
        unsigned n;
        bool quoted[FIELDS_MAX];
        char value[FIELDS_MAX][FIELD_MAX]; /* without quotes and outer blanks */
};

/* What stands behind `prefix` and blanks, NULL when the line is another. */
static const char *after(const char *text, const char *prefix)
{
        if (!text_starts_with(text, prefix))
                return NULL;
        text += strlen(prefix);
        return text + strspn(text, " ");
}

/* Length of the field at `text`: up to a comma outside quotes. */
static size_t field_length(const char *text)
{
        bool inside = false;
        size_t i = 0;

        for (; text[i] != '\0' && (inside || text[i] != ','); i++)
                if (text[i] == '"')
                        inside = !inside;
        return i;
}

static void take_field(struct fields *fields, const char *text, size_t length)
{
        unsigned i = fields->n++;

        while (length > 0 && *text == ' ') {
                text++;
                length--;
        }
        while (length > 0 && text[length - 1] == ' ')
                length--;
        fields->quoted[i] = length >= 2 && text[0] == '"' && text[length - 1] == '"';
        if (fields->quoted[i]) {
                text++;
                length -= 2;
        }
        /* A cut value is no number any more in the places that want one, and a name may be cut. */
        (void)text_copy_n(fields->value[i], FIELD_MAX, text, length);
}

/* The fields behind `prefix`; false when the line does not begin with it. Fields beyond FIELDS_MAX are
 * dropped. */
static bool split(const char *text, const char *prefix, struct fields *ret_fields)
{
        const char *p = after(text, prefix);

        *ret_fields = (struct fields){0};
        if (!p)
                return false;
        while (ret_fields->n < FIELDS_MAX) {
                size_t length = field_length(p);
                take_field(ret_fields, p, length);
                if (p[length] == '\0')
                        break;
                p += length + 1;
        }
        return true;
}

/* Field `index` as a number in 0..max. */
static bool number(const struct fields *fields, unsigned index, int max, int *ret_value)
{
        return index < fields->n && !fields->quoted[index] &&
               parse_int(fields->value[index], 0, max, ret_value) == 0;
}

/* The value of a line that is a bare value, quoted or not, or "+NAME: value" / "NAME: value". */
static void bare_value(const char *text, char *ret_value, size_t size)
{
        const char *colon = strchr(text, ':');
        struct fields fields;

        (void)split(colon ? colon + 1 : text, "", &fields);
        (void)text_copy(ret_value, size, fields.n == 1 ? fields.value[0] : "");
}

/* Copies a value of min..max digits; anything else is refused. */
static bool take_digits(char *target, size_t size, const char *value, size_t min, size_t max)
{
        if (strlen(value) < min || !text_only(value, "0123456789", max))
                return false;
        return text_copy(target, size, value) == 0;
}

bool at_answer_imei(struct modem_facts *facts, const char *text)
{
        char value[FIELD_MAX];

        bare_value(text, value, sizeof(value));
        return take_digits(facts->imei, sizeof(facts->imei), value, 14, 15);
}

bool at_answer_imsi(struct modem_facts *facts, const char *text)
{
        char value[FIELD_MAX];

        bare_value(text, value, sizeof(value));
        /* A late second answer to AT+CGSN looks just like an IMSI. */
        if (text_equal(value, facts->imei))
                return false;
        return take_digits(facts->imsi, sizeof(facts->imsi), value, 6, 15);
}

bool at_answer_iccid(struct modem_facts *facts, const char *text)
{
        static const char *const prefixes[] = {"+QCCID:", "+ICCID:", "+CCID:"};
        struct fields fields;

        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
                if (split(text, prefixes[i], &fields)) {
                        char *value = fields.value[0];
                        for (size_t end = strlen(value); end > 0 && (value[end - 1] | 0x20) == 'f'; end--)
                                value[end - 1] = '\0';
                        return take_digits(facts->iccid, sizeof(facts->iccid), value, 18, 22);
                }
        return false;
}

static bool take_identity(char *target, size_t size, const char *value)
{
        text_sanitize(target, size, value, strlen(value));
        return target[0] != '\0';
}

bool at_answer_identity(struct modem_facts *facts, const char *text)
{
        const struct {
                const char *label;
                char *target;
                size_t size;
        } labelled[] = {
            {"Manufacturer:", facts->manufacturer, sizeof(facts->manufacturer)},
            {"Model:", facts->model, sizeof(facts->model)},
            {"Revision:", facts->firmware, sizeof(facts->firmware)},
        };

        for (size_t i = 0; i < ARRAY_SIZE(labelled); i++) {
                const char *value = after(text, labelled[i].label);
                if (value)
                        return take_identity(labelled[i].target, labelled[i].size, value);
        }
        if (strchr("+^*$&", text[0]) || strchr(text, ':'))
                return false; /* another command's answer, or a label nobody asked for */
        if (facts->manufacturer[0] == '\0')
                return take_identity(facts->manufacturer, sizeof(facts->manufacturer), text);
        if (facts->model[0] == '\0')
                return take_identity(facts->model, sizeof(facts->model), text);
        return false;
}

bool at_answer_sim(struct modem_facts *facts, const char *text)
{
        static const struct {
                const char *word;
                enum sim_state state;
        } words[] = {
            {"READY", SIM_READY},    {"SIM PIN", SIM_PIN},         {"SIM PUK", SIM_PUK},
            {"NOT READY", SIM_BUSY}, {"NOT INSERTED", SIM_ABSENT}, {"SIM REMOVED", SIM_ABSENT},
        };
        struct fields fields;

        if (!split(text, "+CPIN:", &fields))
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (text_equal(fields.value[0], words[i].word)) {
                        facts->sim = words[i].state;
                        return true;
                }
        /* PIN2, network and phone locks: smsd cannot work with any of them, and a person is needed. */
        facts->sim = SIM_FAILURE;
        return true;
}

enum sim_state at_answer_sim_error(int cme)
{
        switch (cme) {
        case 10:
                return SIM_ABSENT;
        case 11:
                return SIM_PIN;
        case 12:
                return SIM_PUK;
        case 14:
                return SIM_BUSY;
        case 13: /* also under CFUN=0: functionality tells the two apart */
        case 15:
                return SIM_FAILURE;
        default:
                return SIM_UNKNOWN;
        }
}

bool at_answer_pin_attempts(struct modem_facts *facts, const char *text)
{
        struct fields fields;

        return split(text, "+QPINC:", &fields) && text_equal(fields.value[0], "SC") &&
               number(&fields, 1, 99, &facts->pin_attempts);
}

bool at_answer_init_status(struct modem_facts *facts, const char *text)
{
        struct fields fields;

        return split(text, "+QINISTAT:", &fields) && number(&fields, 0, 255, &facts->init_status);
}

bool at_answer_functionality(struct modem_facts *facts, const char *text)
{
        struct fields fields;

        return split(text, "+CFUN:", &fields) && number(&fields, 0, 127, &facts->functionality);
}

/* <stat> of 3GPP 27.007 7.2; 6, 7, 9 and 10 are registered with restrictions that leave SMS working. */
static const enum registration registration_of[] = {
    REGISTRATION_NONE,    REGISTRATION_HOME,    REGISTRATION_SEARCHING, REGISTRATION_DENIED,
    REGISTRATION_UNKNOWN, REGISTRATION_ROAMING, REGISTRATION_HOME,      REGISTRATION_ROAMING,
    REGISTRATION_NONE,    REGISTRATION_HOME,    REGISTRATION_ROAMING,
};

bool at_answer_registration(struct modem_facts *facts, const char *text)
{
        struct fields fields;
        int mode, state;

        if (!split(text, "+CREG:", &fields) && !split(text, "+CEREG:", &fields))
                return false;
        /* The unsolicited form begins with <stat> and has a quoted location behind it, or nothing. */
        if (!number(&fields, 0, 5, &mode) ||
            !number(&fields, 1, (int)ARRAY_SIZE(registration_of) - 1, &state))
                return false;
        enum registration value = registration_of[state];
        bool registered = value == REGISTRATION_HOME || value == REGISTRATION_ROAMING;
        bool known = facts->registration != REGISTRATION_UNKNOWN && facts->registration != REGISTRATION_NONE;
        if (registered || !known)
                facts->registration = value;
        return true;
}

/* <AcT> of 3GPP 27.007 7.3. */
static const char *const technologies[] = {"GSM", "GSM", "UTRAN",  "GSM", "UTRAN", "UTRAN", "UTRAN",
                                           "LTE", "GSM", "NB-IoT", "LTE", "NR",    "NR",    "LTE"};

bool at_answer_operator(struct modem_facts *facts, const char *text)
{
        struct fields fields;
        int technology;

        if (!split(text, "+COPS:", &fields))
                return false;
        if (fields.n >= 3)
                text_sanitize(facts->operator_name, sizeof(facts->operator_name), fields.value[2],
                              strlen(fields.value[2]));
        if (number(&fields, 3, (int)ARRAY_SIZE(technologies) - 1, &technology))
                (void)text_copy(facts->technology, sizeof(facts->technology),
                                technologies[technology]); /* all fit */
        return true;
}

bool at_answer_signal(struct modem_facts *facts, const char *text)
{
        struct fields fields;
        int level;

        if (!split(text, "+CSQ:", &fields) || !number(&fields, 0, 255, &level))
                return false;
        facts->signal_dbm = level <= 31 ? 2 * level - 113 : 0;
        return true;
}

bool at_answer_storage(struct modem_facts *facts, const char *text)
{
        struct fields fields;
        int used, total;

        /* Three storages of name, used, total: for reading, for sending, for what comes in. */
        if (!split(text, "+CPMS:", &fields) || !number(&fields, 7, 99999, &used) ||
            !number(&fields, 8, 99999, &total))
                return false;
        facts->storage_used = used;
        facts->storage_total = total;
        return true;
}

bool at_answer_is_one_storage(const char *text)
{
        struct fields fields;

        return split(text, "+CPMS:", &fields) && fields.n >= 9 && fields.value[0][0] &&
               text_equal(fields.value[0], fields.value[6]);
}

bool at_answer_network(struct modem_facts *facts, const char *text)
{
        struct fields fields;

        if (!split(text, "+QNWINFO:", &fields))
                return false;
        if (fields.n >= 3)
                text_sanitize(facts->band, sizeof(facts->band), fields.value[2], strlen(fields.value[2]));
        return true;
}

enum sim_state at_answer_sim_refusal(const struct at_line *line)
{
        static const struct {
                const char *words;
                int cme;
        } texts[] = {{"SIM not inserted", 10}, {"SIM PIN required", 11}, {"SIM PUK required", 12},
                     {"SIM failure", 13},      {"SIM busy", 14},         {"SIM wrong", 15}};

        if (line->kind != AT_LINE_CME_ERROR)
                return SIM_UNKNOWN;
        const char *words = after(line->text, "+CME ERROR:");
        for (size_t i = 0; words && line->code < 0 && i < ARRAY_SIZE(texts); i++)
                if (text_equal_nocase(words, texts[i].words))
                        return at_answer_sim_error(texts[i].cme);
        return at_answer_sim_error(line->code);
}

bool at_answer_no_service(const char *text, bool *ret_none)
{
        struct fields fields;

        if (!split(text, "+QCSQ:", &fields) || !fields.quoted[0])
                return false;
        *ret_none = text_equal(fields.value[0], "NOSERVICE");
        return true;
}

bool at_answer_ims(const char *text, int *ret_setting, int *ret_active)
{
        struct fields fields;

        if (!split(text, "+QCFG:", &fields) || !text_equal(fields.value[0], "ims") ||
            !number(&fields, 1, 2, ret_setting))
                return false;
        (void)number(&fields, 2, 1, ret_active); /* older firmware leaves it out */
        return true;
}

bool at_answer_temperature(const char *text, int *ret_hottest)
{
        struct fields fields;
        int hottest = -61;

        if (!split(text, "+QTEMP:", &fields))
                return false;
        for (unsigned i = 0; i < fields.n; i++) {
                int value;
                if (parse_int(fields.value[i], -60, 200, &value) == 0 && value > hottest)
                        hottest = value;
        }
        if (hottest < -60)
                return false;
        *ret_hottest = hottest;
        return true;
}
