/*
 * A webhook: the alert's own JSON, or a template. A template is JSON; each of its string values has its
 * {placeholders} replaced after the parse, and the result is encoded again. So whatever an alert's text
 * holds, it stays inside its string.
 *
 * `{{` and `}}` are braces. Keys are taken as they are.
 */
#include "receiver_private.h"

#include "adapters/alert_json.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define TEMPLATE_MAX ((size_t)64 * 1024)
#define BODY_MAX     ((size_t)1024 * 1024)
#define NAME_SET     "abcdefghijklmnopqrstuvwxyz_"

/* What the placeholders stand for, in this alert. */
struct values {
        char title[TITLE_MAX], text[TEXT_MAX];
        char since[TIME_MAX], until[TIME_MAX], ended[TIME_MAX], count[16];
        size_t n;
        struct {
                const char *name, *value;
        } list[17];
};

static void add(struct values *values, const char *name, const char *value)
{
        values->list[values->n].name = name;
        values->list[values->n++].value = value;
}

static void add_texts(struct values *values, const struct alert_message *message)
{
        const struct alert *alert = &message->alert;

        alert_title(message, values->title, sizeof(values->title));
        alert_text(message, values->text, sizeof(values->text));
        add(values, "summary", alert->summary);
        add(values, "title", values->title);
        add(values, "text", values->text);
        add(values, "severity", severity_to_string(alert->severity));
        add(values, "state", alert_state_to_string(alert->state));
        add(values, "kind", alert_kind_to_string(alert->kind));
        add(values, "key", alert->key);
        add(values, "host", message->host);
        add(values, "modem", alert->modem);
        add(values, "cause", alert->cause);
        add(values, "evidence", alert->evidence);
        add(values, "next_action", alert->next_action);
        add(values, "id", message->id);
}

static void add_numbers(struct values *values, const struct alert *alert)
{
        time_text(values->since, alert->since_realtime);
        time_text(values->until, alert->until_realtime);
        time_text(values->ended, alert->ended_realtime);
        (void)text_format(values->count, sizeof(values->count), "%u", alert->count);
        add(values, "since", values->since);
        add(values, "until", values->until);
        add(values, "ended", values->ended);
        add(values, "count", values->count);
}

static const char *find(const struct values *values, const char *name, size_t length)
{
        for (size_t i = 0; i < values->n; i++)
                if (strlen(values->list[i].name) == length && memcmp(values->list[i].name, name, length) == 0)
                        return values->list[i].value;
        return NULL;
}

static int complain_name(const struct complaint *complaint, const char *name, size_t length)
{
        char shown[64];

        (void)text_escape(shown, sizeof(shown), name, length);
        return complain(complaint, "template: {%s} is no placeholder (docs/alerts.md lists them)", shown);
}

/* One placeholder, at its opening brace. Returns its length. */
static int expand_one(const struct values *values, const char *p, FILE *output,
                      const struct complaint *complaint)
{
        size_t length = strspn(p + 1, NAME_SET);

        if (length == 0 || p[length + 1] != '}')
                return complain(complaint, "template: a { that begins no placeholder is written {{");
        const char *value = find(values, p + 1, length);
        if (!value)
                return complain_name(complaint, p + 1, length);
        return fputs(value, output) < 0 ? -ENOMEM : (int)length + 2;
}

static int expand_all(const struct values *values, const char *source, FILE *output,
                      const struct complaint *complaint)
{
        for (const char *p = source; *p;) {
                int taken = 1;
                if (p[0] == '{' && p[1] != '{')
                        taken = expand_one(values, p, output, complaint);
                else if (fputc(*p, output) == EOF)
                        taken = -ENOMEM;
                else if (p[0] == p[1] && (p[0] == '{' || p[0] == '}'))
                        taken = 2;
                if (taken < 0)
                        return taken;
                p += taken;
        }
        return 0;
}

/* The string with its placeholders replaced. */
static int expand(const struct values *values, const char *source, json_t **ret_json,
                  const struct complaint *complaint)
{
        _cleanup_free_ char *text = NULL;
        size_t length = 0;
        FILE *output = open_memstream(&text, &length);

        if (!output)
                return -ENOMEM;
        int r = expand_all(values, source, output, complaint);
        if (fclose(output) != 0 && r == 0)
                r = -ENOMEM;
        if (r < 0)
                return r;
        if (length > BODY_MAX)
                return complain(complaint, "template: the body would be longer than 1 MiB");
        *ret_json = json_text(text);
        return *ret_json ? 0 : -ENOMEM;
}

static int fill(const struct values *values, json_t *node, const struct complaint *complaint);

/* What is to stand in place of `child`: itself, filled in, or the new string. */
static int fill_child(const struct values *values, json_t *child, json_t **ret_new,
                      const struct complaint *complaint)
{
        *ret_new = NULL;
        if (json_is_string(child))
                return expand(values, json_string_value(child), ret_new, complaint);
        return fill(values, child, complaint);
}

/* Each string below an object or array; jansson's parser has bounded the depth. */
static int fill(const struct values *values, json_t *node, const struct complaint *complaint)
{
        const char *key;
        json_t *child, *new;
        size_t i;
        int r;

        json_object_foreach(node, key, child)
        {
                r = fill_child(values, child, &new, complaint);
                if (r == 0 && new &&json_object_set_new(node, key, new) < 0)
                        r = -ENOMEM;
                if (r < 0)
                        return r;
        }
        json_array_foreach(node, i, child)
        {
                r = fill_child(values, child, &new, complaint);
                if (r == 0 && new &&json_array_set_new(node, i, new) < 0)
                        r = -ENOMEM;
                if (r < 0)
                        return r;
        }
        return 0;
}

static int parse_template(const char *text, size_t length, json_t **ret_json,
                          const struct complaint *complaint)
{
        json_error_t error;
        json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);

        if (!json) {
                char shown[JSON_ERROR_TEXT_LENGTH * 2];
                (void)text_escape(shown, sizeof(shown), error.text, strlen(error.text));
                return complain(complaint, "template: no valid JSON in line %d, column %d: %s", error.line,
                                error.column, shown);
        }
        *ret_json = json;
        return 0;
}

/* A file that cannot be read now is waited for: the alert is as good later. */
static int load_template(const struct receiver_config *config, json_t **ret_json,
                         const struct complaint *complaint)
{
        _cleanup_free_ char *text = NULL;
        size_t length;

        if (config->template_text[0])
                return parse_template(config->template_text, strlen(config->template_text), ret_json,
                                      complaint);
        int r = file_read(config->template_file, 0, TEMPLATE_MAX, &text, &length);
        if (r == -EFBIG)
                return complain(complaint, "template_file: %s is longer than 64 KiB", config->template_file);
        if (r < 0) {
                (void)complain(complaint, "template_file: %s: %s", config->template_file, strerror(-r));
                return r == -ENOMEM ? r : -EAGAIN;
        }
        return parse_template(text, length, ret_json, complaint);
}

static int own_json(const struct alert_message *message, json_t **ret_json, const struct complaint *complaint)
{
        _cleanup_free_ char *text = NULL;
        size_t length;

        int r = alert_json_encode(message, &text, &length);
        if (r < 0)
                return r == -EINVAL ? complain(complaint, "the alert cannot be written as JSON") : r;
        *ret_json = json_loadb(text, length, 0, NULL);
        return *ret_json ? 0 : -ENOMEM;
}

static int from_template(const struct receiver_config *config, const struct alert_message *message,
                         json_t **ret_json, const struct complaint *complaint)
{
        _cleanup_json_ json_t *json = NULL;
        struct values values = {0};

        int r = load_template(config, &json, complaint);
        if (r < 0)
                return r;
        add_texts(&values, message);
        add_numbers(&values, &message->alert);
        r = fill(&values, json, complaint);
        if (r < 0)
                return r;
        *ret_json = json;
        json = NULL;
        return 0;
}

int webhook_format(const struct receiver_config *config, const struct secrets *secrets,
                   const struct alert_message *message, struct request *ret_request, char *problem,
                   size_t size)
{
        struct complaint complaint = {problem, size};
        bool has_template = config->template_text[0] || config->template_file[0];
        json_t *body = NULL;

        int r = has_template ? from_template(config, message, &body, &complaint)
                             : own_json(message, &body, &complaint);
        if (r < 0)
                return r;
        return request_post(ret_request, receiver_url(config, secrets), secrets, message, body, &complaint);
}
