/*
 * The table of receiver types, and what the types share. A type turns an alert into a request and does
 * nothing else: it sends nothing and remembers nothing, so the same alert always becomes the same request,
 * but for what depends on the time of delivery (said where it does).
 */
#include "receiver_private.h"

#include "adapters/alert_json.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EARLIEST_PLAUSIBLE INT64_C(1735689600000000) /* 2025-01-01T00:00:00Z */

void request_free(struct request *request)
{
        free(request->body);
        *request = (struct request){0};
}

int complain(const struct complaint *complaint, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(complaint->text, complaint->size, format, arguments); /* a cut reason is one, too */
        va_end(arguments);
        return -EINVAL;
}

const char *receiver_url(const struct receiver_config *config, const struct secrets *secrets)
{
        return secrets->url[0] ? secrets->url : config->url;
}

static bool is_header_text(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
                        return false;
        return true;
}

int request_header(struct request *request, const char *format, ...)
{
        char line[sizeof(request->headers[0])];
        unsigned n = 0;
        va_list arguments;

        va_start(arguments, format);
        int length = vsnprintf(line, sizeof(line), format, arguments);
        va_end(arguments);
        if (length < 0 || (size_t)length >= sizeof(line) || !is_header_text(line))
                return -EINVAL;
        while (n < REQUEST_HEADERS_MAX && request->headers[n][0])
                n++;
        return n < REQUEST_HEADERS_MAX ? text_copy(request->headers[n], sizeof(request->headers[n]), line)
                                       : -EINVAL;
}

static int add_authorization(struct request *request, const struct secrets *secrets,
                             const struct complaint *complaint)
{
        if (!secrets->token[0])
                return 0;
        if (request_header(request, "Authorization: Bearer %s", secrets->token) < 0)
                return complain(complaint, "token_file: the token holds characters that no header may hold");
        return 0;
}

int request_post(struct request *ret_request, const char *url, const struct secrets *secrets,
                 const struct alert_message *message, json_t *body, const struct complaint *complaint)
{
        _cleanup_json_ json_t *owned = body;
        _cleanup_request_ struct request request = {.method = "POST"};

        if (!body)
                return -ENOMEM;
        if (text_copy(request.url, sizeof(request.url), url) < 0)
                return complain(complaint, "the address is too long");
        if (request_header(&request, "Content-Type: application/json") < 0 ||
            (message && request_header(&request, "Idempotency-Key: %s", message->id) < 0))
                return complain(complaint, "the alert's id cannot be a header");
        int r = add_authorization(&request, secrets, complaint);
        if (r < 0)
                return r;
        request.body = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
        if (!request.body)
                return -ENOMEM;
        request.length = strlen(request.body);
        *ret_request = request;
        request.body = NULL;
        return 0;
}

json_t *json_text(const char *text)
{
        json_t *json = json_string(text);

        if (json)
                return json;
        size_t size = strlen(text) * 4 + 1; /* \xNN */
        _cleanup_free_ char *clean = malloc(size);
        if (!clean)
                return NULL;
        (void)text_clean(clean, size, text); /* it fits */
        return json_string(clean);
}

void time_text(char target[TIME_MAX], int64_t realtime)
{
        time_t seconds = (time_t)(realtime / (int64_t)USEC_PER_SEC);
        struct tm parts;

        target[0] = '\0';
        if (realtime != 0 && gmtime_r(&seconds, &parts) &&
            strftime(target, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
                target[0] = '\0';
}

bool time_plausible(int64_t realtime)
{
        return realtime >= EARLIEST_PLAUSIBLE;
}

static int exec_format(const struct receiver_config *config, const struct secrets *secrets,
                       const struct alert_message *message, struct request *ret_request, char *problem,
                       size_t size)
{
        struct complaint complaint = {problem, size};
        struct request request = {0};

        (void)secrets;
        if (text_copy(request.url, sizeof(request.url), config->url) < 0)
                return complain(&complaint, "the program's path is too long");
        int r = alert_json_encode(message, &request.body, &request.length);
        if (r < 0)
                return r == -EINVAL ? complain(&complaint, "the alert cannot be written as JSON") : r;
        *ret_request = request;
        return 0;
}

/* The controller writes the short message itself: it alone touches smsd's folders. */
static int nothing_to_say(const struct receiver_config *config, const struct secrets *secrets,
                          const struct alert_message *message, struct request *ret_request, char *problem,
                          size_t size)
{
        (void)config;
        (void)secrets;
        (void)message;
        (void)ret_request;
        (void)problem;
        (void)size;
        return 1;
}

static const struct receiver_type types[] = {
    {"webhook", TRANSPORT_HTTP, webhook_format},
    {"vps-message", TRANSPORT_HTTP, vps_message_format},
    {"vps-status", TRANSPORT_HTTP, vps_status_format},
    {"alertmanager", TRANSPORT_HTTP, alertmanager_format},
    {"ntfy", TRANSPORT_HTTP, ntfy_format},
    {"smtp", TRANSPORT_SMTP, smtp_format},
    {"exec", TRANSPORT_EXEC, exec_format},
    {"sms", TRANSPORT_NONE, nothing_to_say},
};

const struct receiver_type *receiver_type_find(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (text_equal(types[i].name, name))
                        return &types[i];
        return NULL;
}
