/*
 * The test's hand on the model: identities, the network, faults, and what the host has asked so far. Words
 * for the enums.
 */
#include "ec25/model_internal.h"

#include <string.h>

static const char *const identity_keys[IDENTITIES] = {
    [ID_IMEI] = "imei",
    [ID_IMSI] = "imsi",
    [ID_ICCID] = "iccid",
    [ID_MODEL] = "model",
    [ID_MANUFACTURER] = "manufacturer",
    [ID_REVISION] = "revision",
    [ID_OPERATOR] = "operator",
    [ID_SMSC] = "smsc",
};

static int identity_set(struct ec25 *modem, size_t which, const void *value, size_t length)
{
        char *data = malloc(length + 1);

        if (!data)
                return -ENOMEM;
        memcpy(data, value, length);
        data[length] = '\0';
        free(modem->identity[which].data);
        modem->identity[which] = (struct identity){.data = data, .length = length};
        return 0;
}

/* The last digit of an IMEI and an ICCID, by Luhn. */
static void add_check_digit(char *digits, size_t size)
{
        size_t length = strlen(digits);
        unsigned sum = 0;

        for (size_t i = 0; i < length; i++) {
                unsigned digit = (unsigned)(digits[length - 1 - i] - '0') * (i % 2 ? 1 : 2);
                sum += digit / 10 + digit % 10;
        }
        text_append(digits, size, "%u", (10 - sum % 10) % 10);
}

static int identify(struct ec25 *modem, unsigned number)
{
        char imei[24], imsi[24], iccid[24];
        const char *const values[IDENTITIES] = {
            [ID_IMEI] = imei,
            [ID_IMSI] = imsi,
            [ID_ICCID] = iccid,
            [ID_MODEL] = "EC25",
            [ID_MANUFACTURER] = "Quectel",
            [ID_REVISION] = "EC25EFAR06A11M4G",
            [ID_OPERATOR] = "Telia LT",
            [ID_SMSC] = "+37069899999",
        };

        text_format(imei, sizeof(imei), "86742403%06u", number + 1);
        text_format(imsi, sizeof(imsi), "246010%09u", number + 1);
        text_format(iccid, sizeof(iccid), "8937001%011u", number + 1);
        add_check_digit(imei, sizeof(imei));
        add_check_digit(iccid, sizeof(iccid));
        for (size_t i = 0; i < IDENTITIES; i++) {
                int r = identity_set(modem, i, values[i], strlen(values[i]));
                if (r < 0)
                        return r;
        }
        return 0;
}

int ec25_set_identity(struct ec25 *modem, const char *key, const void *value, size_t length)
{
        if (!key)
                return identify(modem, *(const unsigned *)value);
        for (size_t i = 0; i < IDENTITIES; i++)
                if (text_equal(identity_keys[i], key))
                        return identity_set(modem, i, value, length);
        return -ENOENT;
}

const char *ec25_identity(const struct ec25 *modem, const char *key)
{
        for (size_t i = 0; i < IDENTITIES; i++)
                if (text_equal(identity_keys[i], key))
                        return modem->identity[i].data;
        return NULL;
}

void ec25_set_registration(struct ec25 *modem, enum ec25_registration registration, usec_t now)
{
        if (modem->registration == registration)
                return;
        modem->registration = registration;
        if (!modem->booted || modem->hangs)
                return;
        registration_tell(modem, now);
        deed_at(modem, DEED_DELIVER, now);
}

void ec25_set_signal(struct ec25 *modem, unsigned csq)
{
        modem->signal = csq > 31 ? 99 : csq;
}

void ec25_set_faults(struct ec25 *modem, unsigned faults, usec_t now)
{
        modem->faults = faults;
        deed_at(modem, DEED_NMEA, faults & EC25_FAULT_NMEA ? now : USEC_INFINITY);
}

/* The rule of a command, made when it is new. */
static struct rule *rule_of(struct ec25 *modem, const char *command)
{
        struct rule *unused = NULL;

        for (size_t i = 0; i < RULES; i++) {
                if (text_equal(modem->rules[i].command, command))
                        return &modem->rules[i];
                if (!modem->rules[i].command[0] && !unused)
                        unused = &modem->rules[i];
        }
        if (unused && text_copy(unused->command, sizeof(unused->command), command) < 0) {
                unused->command[0] = '\0';
                return NULL;
        }
        return unused;
}

static void rule_tidy(struct rule *rule)
{
        if (!rule->delay && !rule->answer[0])
                *rule = (struct rule){0};
}

int ec25_set_delay(struct ec25 *modem, const char *command, usec_t delay)
{
        struct rule *rule = rule_of(modem, command);

        if (!rule)
                return -ENOSPC;
        rule->delay = delay;
        rule_tidy(rule);
        return 0;
}

int ec25_set_answer(struct ec25 *modem, const char *command, const char *answer)
{
        struct rule *rule = rule_of(modem, command);

        if (!rule || text_copy(rule->answer, sizeof(rule->answer), answer ? answer : "") < 0)
                return -ENOSPC;
        rule_tidy(rule);
        return 0;
}

void ec25_set_send(struct ec25 *modem, enum ec25_send send, unsigned error, usec_t delay)
{
        modem->send = send;
        modem->send_error = error;
        modem->send_delay = delay;
}

int ec25_set_poison(struct ec25 *modem, const char *text)
{
        return text_copy(modem->poison, sizeof(modem->poison), text ? text : "");
}

unsigned ec25_commands(const struct ec25 *modem, enum ec25_port port, const char *prefix)
{
        unsigned count = 0;

        for (size_t i = 0; i < modem->seen_count; i++)
                for (enum ec25_port p = 0; p < EC25_PORTS && text_starts_with(modem->seen[i].text, prefix);
                     p++)
                        if (port == p || port == EC25_PORTS)
                                count += modem->seen[i].counts[p];
        return count;
}

const char *ec25_command_at(const struct ec25 *modem, size_t index, unsigned ret_counts[static EC25_PORTS])
{
        if (index >= modem->seen_count)
                return NULL;
        memcpy(ret_counts, modem->seen[index].counts, sizeof(modem->seen[index].counts));
        return modem->seen[index].text;
}

static const char *const sims[EC25_SIMS] = {
    [EC25_SIM_READY] = "ready",     [EC25_SIM_ABSENT] = "absent", [EC25_SIM_BUSY] = "busy",
    [EC25_SIM_FAILURE] = "failure", [EC25_SIM_DIP] = "dip",       [EC25_SIM_PIN] = "pin",
    [EC25_SIM_PUK] = "puk",
};

static const char *const registrations[EC25_REGISTRATIONS] = {
    [EC25_REG_NONE] = "none",     [EC25_REG_HOME] = "home",       [EC25_REG_SEARCHING] = "searching",
    [EC25_REG_DENIED] = "denied", [EC25_REG_UNKNOWN] = "unknown", [EC25_REG_ROAMING] = "roaming",
};

static int find_word(const char *const *words, size_t count, const char *text)
{
        for (size_t i = 0; i < count; i++)
                if (text_equal(words[i], text))
                        return (int)i;
        return -EINVAL;
}

const char *ec25_sim_to_string(enum ec25_sim sim)
{
        return sims[sim];
}

int ec25_sim_from_string(const char *text, enum ec25_sim *ret_sim)
{
        int found = find_word(sims, ARRAY_SIZE(sims), text);

        if (found < 0)
                return found;
        *ret_sim = (enum ec25_sim)found;
        return 0;
}

const char *ec25_registration_to_string(enum ec25_registration registration)
{
        return registrations[registration];
}

int ec25_registration_from_string(const char *text, enum ec25_registration *ret_registration)
{
        int found = find_word(registrations, ARRAY_SIZE(registrations), text);

        if (found < 0)
                return found;
        *ret_registration = (enum ec25_registration)found;
        return 0;
}

const char *ec25_port_to_string(enum ec25_port port)
{
        static const char *const names[EC25_PORTS + 1] = {"diag", "nmea", "at", "modem", "none"};

        return names[port];
}
