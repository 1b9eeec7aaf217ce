/*
 * ntfy: published as JSON, to the server's root, with the topic from the address (https://ntfy.sh/TOPIC);
 * titles and texts with any character need no header that way.
 *
 * A message over 4096 bytes would become an attachment (or be refused): it is cut.
 */
#include "receiver_private.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define MESSAGE_MAX 4000
#define TOPIC_SET   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

/* "/base/TOPIC" -> "/base/" and TOPIC. */
static int split_path(char *path, char *topic, size_t size)
{
        size_t length = strlen(path);

        while (length > 1 && path[length - 1] == '/')
                path[--length] = '\0';
        char *last = strrchr(path, '/');
        if (!last || !text_only(last + 1, TOPIC_SET, 64) || text_copy(topic, size, last + 1) < 0)
                return -EINVAL;
        last[1] = '\0';
        return 0;
}

static int split_url(const char *url, char *root, size_t root_size, char *topic, size_t topic_size)
{
        char path[512];

        int r = url_path(url, path, sizeof(path));
        if (r == 0)
                r = split_path(path, topic, topic_size);
        return r == 0 ? url_with_path(url, path, root, root_size) : r;
}

/* ntfy's priorities: 1 min, 3 default, 5 max; its tags that name an emoji are shown as one. */
static int priority(const struct alert *alert)
{
        if (alert->state == ALERT_RESOLVED)
                return 3;
        return alert->severity == SEVERITY_CRITICAL ? 5 : alert->severity == SEVERITY_WARNING ? 4 : 2;
}

static const char *emoji(const struct alert *alert)
{
        if (alert->state == ALERT_RESOLVED)
                return "white_check_mark";
        return alert->severity == SEVERITY_CRITICAL  ? "rotating_light"
               : alert->severity == SEVERITY_WARNING ? "warning"
                                                     : "information_source";
}

static json_t *describe(const struct alert_message *message, const char *topic)
{
        char title[TITLE_MAX], whole[TEXT_MAX], text[MESSAGE_MAX];

        alert_title(message, title, sizeof(title));
        alert_text(message, whole, sizeof(whole));
        (void)text_copy(text, sizeof(text), whole);
        return json_pack("{s:s, s:o, s:o, s:i, s:[s, s]}", "topic", topic, "title", json_text(title),
                         "message", json_text(text), "priority", priority(&message->alert), "tags",
                         emoji(&message->alert), alert_kind_to_string(message->alert.kind));
}

int ntfy_format(const struct receiver_config *config, const struct secrets *secrets,
                const struct alert_message *message, struct request *ret_request, char *problem, size_t size)
{
        struct complaint complaint = {problem, size};
        char root[512], topic[80];

        int r = split_url(receiver_url(config, secrets), root, sizeof(root), topic, sizeof(topic));
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return complain(&complaint, "url: the last part of its path must be the topic (letters, "
                                            "digits, - and _), as in https://ntfy.sh/TOPIC");
        return request_post(ret_request, root, secrets, message, describe(message, topic), &complaint);
}
