/*
 * Where an alert may go: the address of a receiver, read as libcurl reads it. Which schemes a type takes, and
 * that nothing leaves this box without TLS unless somebody said so. Never writes an address into a message:
 * it may be a secret.
 */
#include "config_private.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define HTTP_WANTED "https://... (or http://... with plain_http = yes)"

static const struct address_rule {
        const char *type;
        const char *schemes[2]; /* the first is with TLS */
        const char *wanted;
} rules[] = {
    {"webhook", {"https://", "http://"}, HTTP_WANTED},
    {"vps-message", {"https://", "http://"}, HTTP_WANTED},
    {"vps-status", {"https://", "http://"}, HTTP_WANTED},
    {"alertmanager", {"https://", "http://"}, HTTP_WANTED},
    {"ntfy", {"https://", "http://"}, HTTP_WANTED},
    {"heartbeat", {"https://", "http://"}, HTTP_WANTED},
    {"smtp", {"smtps://", "smtp://"}, "smtps://... or smtp://..."},
    {"exec", {NULL}, "the absolute path of a program"},
    {"sms", {NULL}, "a number like +37060000000"},
};

static const struct address_rule *find_rule(const char *type)
{
        for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
                if (text_equal(type, rules[i].type))
                        return &rules[i];
        return NULL;
}

/* "//user:password@host:port/path?query": the pieces between the scheme and the path. */
struct authority {
        size_t user_length; /* 0 none */
        char host[256];     /* "[::1]" with its brackets */
        const char *port;   /* "" none */
        size_t port_length;
};

/* -EINVAL: no host, or one that is too long. */
static int read_authority(const char *text, struct authority *ret)
{
        size_t length = strcspn(text, "/?#"), user = 0;

        for (size_t i = 0; i < length; i++)
                if (text[i] == '@')
                        user = i + 1;
        const char *host = text + user;
        size_t left = length - user;
        const char *bracket = *host == '[' ? memchr(host, ']', left) : NULL;
        size_t host_length = bracket ? (size_t)(bracket - host) + 1 : strcspn(host, ":/?#");

        *ret = (struct authority){.user_length = user, .port = host + host_length};
        ret->port_length = left - host_length;
        if (host_length == 0 || text_copy_n(ret->host, sizeof(ret->host), host, host_length) < 0)
                return -EINVAL;
        return 0;
}

/* "" or ":8080". */
static bool is_port(const char *text, size_t length)
{
        char digits[8];
        unsigned port;

        if (length == 0)
                return true;
        return text[0] == ':' && text_copy_n(digits, sizeof(digits), text + 1, length - 1) == 0 &&
               parse_unsigned(digits, 1, 65535, &port) == 0;
}

static bool is_this_box(const char *host)
{
        static const char *const names[] = {"127.0.0.1", "[::1]", "localhost"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (text_equal_nocase(host, names[i]))
                        return true;
        return false;
}

bool config_address_is_local(const char *url)
{
        struct authority authority;
        const char *begin = strstr(url, "://");

        return begin && read_authority(begin + 3, &authority) == 0 && is_this_box(authority.host);
}

/* Writes the problem; returns -EINVAL. */
static int tell(char *problem, size_t size, const char *what)
{
        (void)text_copy(problem, size, what);
        return -EINVAL;
}

/* ntfy: the last part of the path, as in https://ntfy.sh/TOPIC. */
static int check_topic(const char *rest, char *problem, size_t size)
{
        size_t end = strcspn(rest, "?#"), begin;

        while (end > 0 && rest[end - 1] == '/')
                end--;
        for (begin = end; begin > 0 && rest[begin - 1] != '/'; begin--)
                continue;
        if (begin == 0 || end - begin > 64 || strspn(rest + begin, ALPHANUMERIC "-_") < end - begin)
                return tell(problem, size,
                            "type ntfy wants the topic at its end (letters, digits, - and _), like "
                            "https://ntfy.sh/TOPIC");
        return 0;
}

static int check_network(const struct address_rule *rule, const char *rest, bool tls, bool plain, bool secret,
                         char *problem, size_t size)
{
        struct authority authority;

        if (read_authority(rest, &authority) < 0)
                return tell(problem, size, "names no host");
        if (!is_port(authority.port, authority.port_length))
                return tell(problem, size, "has no port from 1 to 65535 behind the host's ':'");
        if (authority.user_length > 0 && !secret)
                return tell(problem, size,
                            "holds a user or password; put the whole address into a file that only "
                            "smswarden-notify may read, and name that with url_file");
        if (!tls && !plain && text_equal(rule->schemes[1], "http://") && !is_this_box(authority.host))
                return tell(problem, size,
                            "is http:// without TLS: everybody on the way can read and change it; write "
                            "https://, or plain_http = yes when the way is safe (a VPN)");
        return text_equal(rule->type, "ntfy") ? check_topic(rest, problem, size) : 0;
}

static int check_number(const char *number, char *problem, size_t size)
{
        size_t length = strlen(number);

        if (number[0] != '+' || length < 6 || length > 16 || strspn(number + 1, DIGITS) != length - 1)
                return tell(problem, size, "type sms wants a number like +37060000000");
        return 0;
}

static int check_program(const char *path, char *problem, size_t size)
{
        size_t length = strlen(path);

        if (path[0] != '/' || path[length - 1] == '/' || config_has_dot_dot(path))
                return tell(problem, size, "type exec wants the absolute path of a program");
        return 0;
}

int config_address_check(const char *type, const char *url, bool plain_http, bool secret, char *problem,
                         size_t size)
{
        const struct address_rule *rule = find_rule(type);

        if (!rule)
                return tell(problem, size, "belongs to no known type");
        if (text_equal(type, "sms"))
                return check_number(url, problem, size);
        if (text_equal(type, "exec"))
                return check_program(url, problem, size);
        for (size_t i = 0; i < ARRAY_SIZE(rule->schemes); i++)
                if (text_starts_with(url, rule->schemes[i]))
                        return check_network(rule, url + strlen(rule->schemes[i]), i == 0, plain_http, secret,
                                             problem, size);
        (void)text_format(problem, size, "%s%s wants %s", text_equal(type, "heartbeat") ? "" : "type ", type,
                          rule->wanted);
        return -EINVAL;
}
