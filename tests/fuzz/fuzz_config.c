/*
 * core/config under arbitrary bytes: each line is `section NUL key NUL value`. Whatever comes, the strings of
 * the configuration stay ended, a refused key changes nothing, and a message is one printable line.
 */
#include "core/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void check_message(const struct config_error *error)
{
        size_t length = strnlen(error->message, sizeof(error->message));

        require(length > 0 && length < sizeof(error->message));
        for (size_t i = 0; i < length; i++)
                require((unsigned char)error->message[i] >= 0x20 && error->message[i] != 0x7f);
}

static void check_config(const struct config *config)
{
        require(config->n_modems <= SMSD_MODEMS_MAX && config->n_receivers <= CONFIG_RECEIVERS_MAX);
        require(config->hold_default != USEC_INFINITY && config->hold_maximum != USEC_INFINITY);
        require(memchr(config->smsd_conf, '\0', sizeof(config->smsd_conf)));
        for (unsigned i = 0; i < config->n_modems; i++) {
                require(memchr(config->modems[i].match_value, '\0', sizeof(config->modems[i].match_value)));
                require(config->modems[i].name[0] != '\0' && !strchr(config->modems[i].name, '/'));
        }
        for (unsigned i = 0; i < config->n_receivers; i++)
                require(memchr(config->receivers[i].url, '\0', sizeof(config->receivers[i].url)));
}

/* Cuts the next piece off; pieces are ended by a NUL or the end. */
static const char *next_piece(char **cursor, char *end)
{
        char *piece = *cursor;
        size_t length = strnlen(piece, (size_t)(end - piece));

        *cursor = piece + length + (piece + length < end);
        return piece;
}

static void set_one(struct config *config, const char *section, const char *key, const char *value)
{
        static struct config before;
        struct config_error error = {""};

        before = *config;
        int r = *key ? config_set(config, section, key, value, &error)
                     : config_open_section(config, section, &error);
        if (r == 0)
                return;
        require(r < 0);
        check_message(&error);
        require(memcmp(&before, config, sizeof(before)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct config config;
        struct config_error error = {""};
        char *text = malloc(size + 1);

        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        config_init(&config);
        for (char *cursor = text, *end = text + size; cursor < end;) {
                const char *section = next_piece(&cursor, end);
                const char *key = next_piece(&cursor, end);
                const char *value = next_piece(&cursor, end);
                set_one(&config, section, key, value);
        }
        check_config(&config);
        if (config_check(&config, &error) < 0)
                check_message(&error);
        free(text);
        return 0;
}
