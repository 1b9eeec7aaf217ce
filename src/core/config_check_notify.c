/*
 * What must fit together in [notify NAME], [alerts] and [heartbeat], see config_check in core/config.h. A
 * receiver that can never be reached is refused when it is written, not found out in the first outage.
 */
#include "config_private.h"

#include "base/text.h"
#include "core/alert.h"

#include <errno.h>
#include <string.h>

#define PROBLEM_SIZE 224

/* --- keys that only some types have --- */

enum {
        WEBHOOK = 1,
        VPS_MESSAGE = 2,
        VPS_STATUS = 4,
        ALERTMANAGER = 8,
        NTFY = 16,
        SMTP = 32,
        EXEC = 64,
        SMS = 128
};

#define VPS     (VPS_MESSAGE | VPS_STATUS)
#define HTTP    (WEBHOOK | VPS | ALERTMANAGER | NTFY)
#define NETWORK (HTTP | SMTP)

static const struct {
        const char *name;
        unsigned bit;
} types[] = {{"webhook", WEBHOOK},
             {"vps-message", VPS_MESSAGE},
             {"vps-status", VPS_STATUS},
             {"alertmanager", ALERTMANAGER},
             {"ntfy", NTFY},
             {"smtp", SMTP},
             {"exec", EXEC},
             {"sms", SMS}};

#define FIELD(field) offsetof(struct receiver_config, field), sizeof(((struct receiver_config *)NULL)->field)

static const struct {
        const char *key;
        size_t offset, size;
        unsigned types;
} fits[] = {
    {"plain_http", FIELD(plain_http), NETWORK},
    {"ca_file", FIELD(ca_file), NETWORK},
    {"url_file", FIELD(url_file), NETWORK},
    {"user", FIELD(user), NETWORK},
    {"password_file", FIELD(password_file), NETWORK},
    {"token_file", FIELD(token_file), HTTP},
    {"template", FIELD(template_text), WEBHOOK},
    {"template_file", FIELD(template_file), WEBHOOK},
    {"interface", FIELD(interface), VPS},
    {"from", FIELD(from), SMTP},
    {"to", FIELD(to), SMTP},
    {"budget", FIELD(budget), SMS},
};

static unsigned type_bit(const char *type)
{
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (text_equal(type, types[i].name))
                        return types[i].bit;
        return 0;
}

static int fail_fit(const struct receiver_config *receiver, const char *key, unsigned wanted,
                    struct config_error *ret_error)
{
        const char *before = " ";

        (void)config_fail(ret_error, 0, "[notify %s] %s: means nothing to type %s, only to", receiver->name,
                          key, receiver->type);
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (types[i].bit & wanted) {
                        (void)text_append(ret_error->message, sizeof(ret_error->message), "%s%s", before,
                                          types[i].name);
                        before = ", ";
                }
        (void)text_append(ret_error->message, sizeof(ret_error->message), "; remove it");
        return -EINVAL;
}

/* A key is there when it is not as the defaults have it. */
static int check_fits(const struct receiver_config *receiver, struct config_error *ret_error)
{
        struct receiver_config standard;
        unsigned type = type_bit(receiver->type);

        receiver_config_init(&standard, receiver->name);
        for (size_t i = 0; i < ARRAY_SIZE(fits); i++) {
                const char *is = (const char *)receiver + fits[i].offset;
                const char *was = (const char *)&standard + fits[i].offset;
                if (!(fits[i].types & type) && memcmp(is, was, fits[i].size) != 0)
                        return fail_fit(receiver, fits[i].key, fits[i].types, ret_error);
        }
        return 0;
}

/* --- one receiver --- */

static int fail(const struct receiver_config *receiver, const char *what, struct config_error *ret_error)
{
        return config_fail(ret_error, -EINVAL, "[notify %s] %s", receiver->name, what);
}

static int check_address(const struct receiver_config *receiver, struct config_error *ret_error)
{
        char problem[PROBLEM_SIZE];

        if (receiver->url[0] && receiver->url_file[0])
                return fail(receiver, "url_file: there is a url too; remove one of the two", ret_error);
        if (receiver->url_file[0])
                return 0; /* looked at when it is read */
        if (config_address_check(receiver->type, receiver->url, receiver->plain_http, false, problem,
                                 sizeof(problem)) == 0)
                return 0;
        return config_fail(ret_error, -EINVAL, "[notify %s] url: %s%s", receiver->name,
                           receiver->url[0] ? "" : "is missing; ", problem);
}

static int check_login(const struct receiver_config *receiver, struct config_error *ret_error)
{
        if (receiver->user[0] && !receiver->password_file[0])
                return fail(receiver, "user: there is no password_file to it; add it, or remove user",
                            ret_error);
        if (receiver->password_file[0] && !receiver->user[0])
                return fail(receiver, "password_file: there is no user to it; add it", ret_error);
        if (receiver->user[0] && receiver->token_file[0])
                return fail(receiver,
                            "token_file: there is a user with a password too; remove one of the two",
                            ret_error);
        return 0;
}

static int check_content(const struct receiver_config *receiver, struct config_error *ret_error)
{
        char problem[PROBLEM_SIZE];

        if (receiver->template_text[0] && receiver->template_file[0])
                return fail(receiver, "template_file: there is a template too; remove one of the two",
                            ret_error);
        if (config_template_check(receiver->template_text, problem, sizeof(problem)) < 0)
                return config_fail(ret_error, -EINVAL, "[notify %s] template: %s", receiver->name, problem);
        if (text_equal(receiver->type, "smtp") && !receiver->to[0])
                return fail(receiver,
                            "to: is missing; type smtp wants who gets the mail, like to = admin@example.org",
                            ret_error);
        return 0;
}

/* Some alert could match: its literal begin is that of a kind. */
static bool is_possible(const char *pattern)
{
        size_t length = strcspn(pattern, "*?/");
        bool open = pattern[length] == '*' || pattern[length] == '?';

        for (unsigned i = 0; i < ALERT_KIND_MAX; i++) {
                const char *kind = alert_kind_to_string((enum alert_kind)i);
                if (strncmp(kind, pattern, length) == 0 && (open || kind[length] == '\0'))
                        return true;
        }
        return false;
}

static int fail_match(const struct receiver_config *receiver, const char *pattern,
                      struct config_error *ret_error)
{
        const char *guess = NULL;
        size_t nearest = 4;

        (void)config_fail(ret_error, 0, "[notify %s] match: %.60s is no kind of alert; ", receiver->name,
                          pattern);
        for (unsigned i = 0; i < ALERT_KIND_MAX; i++) {
                const char *kind = alert_kind_to_string((enum alert_kind)i);
                size_t distance = config_word_distance(pattern, kind);
                if (distance < nearest)
                        guess = kind;
                nearest = distance < nearest ? distance : nearest;
        }
        if (guess)
                (void)text_append(ret_error->message, sizeof(ret_error->message), "did you mean %s?", guess);
        for (unsigned i = 0; !guess && i < ALERT_KIND_MAX; i++)
                (void)text_append(ret_error->message, sizeof(ret_error->message), "%s %s",
                                  i == 0 ? "allowed:" : ",", alert_kind_to_string((enum alert_kind)i));
        return -EINVAL;
}

/* A pattern that no alert can match is a typo, and the alert that it was meant for would never arrive. */
static int check_match(const struct receiver_config *receiver, struct config_error *ret_error)
{
        char pattern[sizeof(receiver->match)];

        for (const char *p = receiver->match; *p;) {
                size_t length = strcspn(p, " ");
                (void)text_copy_n(pattern, sizeof(pattern), p, length);
                if (!is_possible(pattern))
                        return fail_match(receiver, pattern, ret_error);
                p += length + (p[length] == ' ');
        }
        return 0;
}

/* The name is that of a file beside the heartbeat's. */
static int check_name(const struct receiver_config *receiver, struct config_error *ret_error)
{
        if (text_equal(receiver->name, "heartbeat"))
                return fail(receiver, "the name is taken by [heartbeat]; write another one", ret_error);
        if (receiver->type[0] == '\0')
                return fail(receiver, "type: is missing; write one like type = webhook", ret_error);
        return 0;
}

int config_check_receivers(const struct config *config, struct config_error *ret_error)
{
        static int (*const checks[])(const struct receiver_config *, struct config_error *) = {
            check_name, check_fits, check_address, check_login, check_content, check_match};

        for (unsigned i = 0; i < config->n_receivers; i++) {
                const struct receiver_config *receiver = &config->receivers[i];
                for (size_t j = 0; j < ARRAY_SIZE(checks); j++) {
                        int r = checks[j](receiver, ret_error);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* --- [alerts] and [heartbeat] --- */

/* smswarden-notify, which is not root, writes in its folder; the controller's own are not open to it. */
int config_check_alerts(const struct config *config, struct config_error *ret_error)
{
        const struct {
                const char *key, *path;
        } others[] = {{"state_dir", config->state_dir}, {"runtime_dir", config->runtime_dir}};
        const char *folder = config->alerts.state_dir;

        if (folder[0] != '/')
                return config_fail(ret_error, -EINVAL, "[alerts] state_dir: must be an absolute path");
        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                size_t length = strlen(others[i].path);
                if (text_starts_with(folder, others[i].path) &&
                    (folder[length] == '\0' || folder[length] == '/'))
                        return config_fail(ret_error, -EINVAL,
                                           "[alerts] state_dir: must not be in [gateway] %s: it belongs to "
                                           "smswarden-notify, which may not write there",
                                           others[i].key);
        }
        return 0;
}

/* Something is said about a heartbeat. */
static bool is_meant(const struct heartbeat_config *heartbeat)
{
        struct heartbeat_config standard;

        heartbeat_config_init(&standard);
        return heartbeat->every != standard.every || heartbeat->get || heartbeat->plain_http ||
               heartbeat->ca_file[0] || heartbeat->token_file[0];
}

int config_check_heartbeat(const struct config *config, struct config_error *ret_error)
{
        const struct heartbeat_config *heartbeat = &config->heartbeat;
        char problem[PROBLEM_SIZE];

        if (heartbeat->url[0] && heartbeat->url_file[0])
                return config_fail(ret_error, -EINVAL,
                                   "[heartbeat] url_file: there is a url too; remove one of the two");
        if (heartbeat->url_file[0])
                return 0;
        if (!heartbeat->url[0] && !is_meant(heartbeat))
                return 0;
        if (!heartbeat->url[0])
                return config_fail(
                    ret_error, -EINVAL,
                    "[heartbeat] url: is missing; without url or url_file no heartbeat is sent");
        if (config_address_check("heartbeat", heartbeat->url, heartbeat->plain_http, false, problem,
                                 sizeof(problem)) < 0)
                return config_fail(ret_error, -EINVAL, "[heartbeat] url: %s", problem);
        return 0;
}
