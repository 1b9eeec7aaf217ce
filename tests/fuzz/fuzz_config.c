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

/* What goes into headers, mails and paths: ended, and one line. */
static void check_text(const char *text, size_t size)
{
        require(memchr(text, '\0', size));
        for (; *text; text++)
                require((unsigned char)*text >= 0x20 && *text != 0x7f);
}

#define CHECK_TEXT(field) check_text(field, sizeof(field))

static void check_receiver(const struct receiver_config *receiver)
{
        CHECK_TEXT(receiver->url);
        CHECK_TEXT(receiver->match);
        CHECK_TEXT(receiver->ca_file);
        CHECK_TEXT(receiver->url_file);
        CHECK_TEXT(receiver->user);
        CHECK_TEXT(receiver->password_file);
        CHECK_TEXT(receiver->token_file);
        CHECK_TEXT(receiver->template_text);
        CHECK_TEXT(receiver->template_file);
        CHECK_TEXT(receiver->interface);
        CHECK_TEXT(receiver->from);
        CHECK_TEXT(receiver->to);
        require(!strchr(receiver->to, ' ') && !strchr(receiver->from, ' '));
        require(receiver->budget >= 1 && receiver->budget <= 1000);
}

/* What the check lets through never leaves the box in the clear without somebody's word. */
static void check_ways_out(const struct config *config)
{
        for (unsigned i = 0; i < config->n_receivers; i++) {
                const struct receiver_config *receiver = &config->receivers[i];
                if (strncmp(receiver->url, "http://", 7) == 0)
                        require(receiver->plain_http || config_address_is_local(receiver->url));
        }
        if (strncmp(config->heartbeat.url, "http://", 7) == 0)
                require(config->heartbeat.plain_http || config_address_is_local(config->heartbeat.url));
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
                check_receiver(&config->receivers[i]);
        CHECK_TEXT(config->heartbeat.url);
        CHECK_TEXT(config->alerts.state_dir);
        require(config->alerts.spool_files >= 16 && config->alerts.spool_bytes >= UINT64_C(256) << 10);
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

        memcpy(&before, config, sizeof(before));
        int r = *key ? config_set(config, section, key, value, &error)
                     : config_open_section(config, section, &error);
        if (r == 0)
                return;
        require(r < 0);
        check_message(&error);
        require(memcmp((const char *)&before, (const char *)config, sizeof(before)) == 0); /* padding, too */
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
        else
                check_ways_out(&config);
        free(text);
        return 0;
}
