/*
 * Receivers asked for their requests, see requests.h.
 */
#include "requests.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct receiver_config config_of(const char *type, const char *url)
{
        struct receiver_config config = {.name = "test", .min_severity = SEVERITY_WARNING, .interface = "lo"};

        assert_int_equal(text_copy(config.type, sizeof(config.type), type), 0);
        assert_int_equal(text_copy(config.url, sizeof(config.url), url), 0);
        (void)text_copy(config.to, sizeof(config.to), "admin@example.org");
        return config;
}

int make_request(const struct receiver_config *config, const struct alert_message *message,
                 struct request *ret_request, char problem[256])
{
        const struct receiver_type *type = receiver_type_find(config->type);
        const struct secrets secrets = {0};

        assert_non_null(type);
        problem[0] = '\0';
        return type->format(config, &secrets, message, ret_request, problem, 256);
}

json_t *body_of(const struct receiver_config *config, const struct alert_message *message)
{
        struct request request = {0};
        char problem[256];

        int r = make_request(config, message, &request, problem);
        if (r != 0)
                fail_msg("%s: %d: %s", config->type, r, problem);
        assert_int_equal(strlen(request.body), request.length);
        json_t *json = json_loads(request.body, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        request_free(&request);
        return json;
}

const char *string_of(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));

        if (!text)
                fail_msg("no text `%s`", key);
        return text;
}
