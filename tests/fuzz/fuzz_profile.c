/*
 * core/profile under arbitrary bytes: each line is `section NUL key NUL value`. Whatever comes, a refused key
 * changes nothing, a message is one printable line, and what is taken would not make smsd refuse its file.
 */
#include "core/config.h"
#include "core/profile.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void check_text(const char *text, size_t size)
{
        require(memchr(text, '\0', size));
        for (; *text; text++)
                require((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_profile(const struct profile *profile)
{
        require(profile->n_ids <= PROFILE_IDS_MAX && profile->n_settings <= PROFILE_SETTINGS_MAX);
        require(profile->ladder <= 7 && profile->rule <= PORT_RULE_ANY_SERIAL);
        check_text(profile->description, sizeof(profile->description));
        for (unsigned i = 0; i < profile->n_settings; i++) {
                char problem[256];
                const struct smsd_setting *setting = &profile->settings[i];
                check_text(setting->key, sizeof(setting->key));
                check_text(setting->value, sizeof(setting->value));
                require(smsd_setting_check(setting->key, setting->value, problem, sizeof(problem)) == 0);
                require(strcmp(setting->key, "device") != 0);
        }
}

static const char *next_piece(const char **cursor, const char *end)
{
        const char *piece = *cursor;
        size_t length = strlen(piece);

        *cursor = piece + length < end ? piece + length + 1 : end;
        return piece;
}

static void set_one(struct profile *profile, const char *section, const char *key, const char *value)
{
        static struct profile before;
        struct config_error error = {""};

        before = *profile;
        if (profile_set(profile, section, key, value, &error) == 0) {
                check_profile(profile);
                return;
        }
        require(error.message[0] != '\0' && memcmp(&before, profile, sizeof(before)) == 0);
        check_text(error.message, sizeof(error.message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct profile profile;
        char *text = malloc(size + 1);

        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        profile_init(&profile, "fuzz", true);
        for (const char *cursor = text, *end = text + size; cursor < end;) {
                const char *section = next_piece(&cursor, end);
                const char *key = next_piece(&cursor, end);
                const char *value = next_piece(&cursor, end);
                set_one(&profile, (section[0] & 1) ? "profile" : "smsd.conf", key, value);
                set_one(&profile, section, key, value);
        }
        free(text);
        return 0;
}
