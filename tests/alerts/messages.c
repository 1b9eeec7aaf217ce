/*
 * Alerts for the tests, see messages.h.
 */
#include "messages.h"

#include "base/text.h"

#include <string.h>
#include <time.h>

const char *const hostile_texts[] = {
    "two\nlines",
    "a\r\nBcc: everybody@example.org\r\n\r\nanother mail",
    "\"}], \"severity\": \"info\", [{\"",
    "back\\slash \\\" \\n \\u0000 {summary} {{host}} {nothing}",
    "``` fence ``` `code` *bold* _it_ <script>alert(1)</script> @everyone",
    "sm\xc5\xabsd nuk\xc5\x97ito \xf0\x9f\x94\xa5\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7 "
    "\xe6\xbc\xa2\xe5\xad\x97",
    "bidi \xe2\x80\xae txt.exe \xe2\x81\xa6 zero\xe2\x80\x8bwidth",
    "not utf-8: \xff\xfe\xc3( \xed\xa0\x80 end \xe2\x82",
    "\x01\x02\x1b[31mred\x1b[0m\x7f",
    "=?UTF-8?B?aGVsbG8=?= =3D = . \n.\nFrom here\n..",
    " blanks at both ends\t ",
    "%s %n %d 100% ${HOME} $(id) `id` '; drop table",
    "",
};
const size_t hostile_texts_n = sizeof(hostile_texts) / sizeof(hostile_texts[0]);

void message_id(uint64_t sequence, char target[ALERT_ID_MAX])
{
        (void)text_format(target, ALERT_ID_MAX, "0123456789abcdef0123456789abcdef-%llu",
                          (unsigned long long)sequence);
}

struct alert_message message_make(uint64_t sequence, enum alert_kind kind)
{
        int64_t now = (int64_t)time(NULL) * (int64_t)USEC_PER_SEC;
        struct alert_message message = {
            .alert = {.kind = kind,
                      .state = ALERT_FIRING,
                      .severity = SEVERITY_CRITICAL,
                      .modem = "GSM1",
                      .cause = "crash",
                      .summary = "smsd crashed (exit code 1)",
                      .evidence = "smsd: write_to_modem: error 5",
                      .next_action = "nothing: smsd was started again",
                      .count = 1,
                      .since_realtime = now - (int64_t)USEC_PER_MIN},
            .spool = MESSAGE_SPOOL,
            .sequence = sequence,
            .at = now,
            .host = "gw1",
        };

        (void)text_copy(message.alert.key, sizeof(message.alert.key), alert_kind_to_string(kind));
        message_id(sequence, message.id);
        return message;
}

void message_fill(struct alert_message *message, const char *text, size_t length)
{
        struct alert *alert = &message->alert;

        (void)text_escape(alert->key, sizeof(alert->key), text, length);
        (void)text_escape(alert->modem, sizeof(alert->modem), text, length);
        (void)text_escape(alert->cause, sizeof(alert->cause), text, length);
        (void)text_escape(alert->summary, sizeof(alert->summary), text, length);
        (void)text_escape(alert->evidence, sizeof(alert->evidence), text, length);
        (void)text_escape(alert->next_action, sizeof(alert->next_action), text, length);
        (void)text_escape(message->host, sizeof(message->host), text, length);
        if (!alert->key[0])
                (void)text_copy(alert->key, sizeof(alert->key), "empty");
}

void message_fill_raw(struct alert_message *message, const char *text)
{
        struct alert *alert = &message->alert;

        (void)text_copy(alert->key, sizeof(alert->key), text);
        (void)text_copy(alert->modem, sizeof(alert->modem), text);
        (void)text_copy(alert->cause, sizeof(alert->cause), text);
        (void)text_copy(alert->summary, sizeof(alert->summary), text);
        (void)text_copy(alert->evidence, sizeof(alert->evidence), text);
        (void)text_copy(alert->next_action, sizeof(alert->next_action), text);
        (void)text_copy(message->host, sizeof(message->host), text);
}

void message_resolve(struct alert_message *message)
{
        message->at = (int64_t)time(NULL) * (int64_t)USEC_PER_SEC;
        message->alert.state = ALERT_RESOLVED;
        message->alert.ended_realtime = message->at;
        message->alert.told++;
}
