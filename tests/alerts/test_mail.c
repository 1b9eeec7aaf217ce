/*
 * The mail that an alert becomes: well-formed whatever the alert's text holds, with our headers and no
 * others, readable again to the letter, and one thread for one alert.
 */
#include "mail_read.h"
#include "messages.h"
#include "notify/mail_text.h"
#include "notify/receiver.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const struct receiver_config plain = {.type = "smtp", .url = "smtp://mail", .to = "admin@example.org"};

static int make(const struct receiver_config *config, const struct alert_message *message,
                struct request *ret_request, char problem[256])
{
        static const struct secrets secrets;

        problem[0] = '\0';
        return receiver_type_find("smtp")->format(config, &secrets, message, ret_request, problem, 256);
}

/* Lines of SMTP: CRLF, ASCII, short; a name of ours that cannot be folded may make a header longer. */
static void check_lines(const struct request *request)
{
        const char *body = strstr(request->body, "\r\n\r\n");
        size_t column = 0;

        for (size_t i = 0; i < request->length; i++) {
                unsigned char c = (unsigned char)request->body[i];
                assert_true(c < 0x7f && (c >= 0x20 || c == '\r' || c == '\n'));
                assert_int_equal(c == '\n', i > 0 && request->body[i - 1] == '\r');
                column = c == '\n' ? 0 : column + 1;
                assert_true(column <= (request->body + i > body ? 77 : 161)); /* with the \r */
        }
        assert_int_equal(column, 0);
}

static void read_made(const struct receiver_config *config, const struct alert_message *message,
                      struct mail *ret_mail)
{
        _cleanup_(request_free) struct request request = {0};
        char problem[256];

        int r = make(config, message, &request, problem);
        if (r != 0)
                fail_msg("%d: %s", r, problem);
        assert_int_equal(strlen(request.body), request.length);
        check_lines(&request);
        mail_read(request.body, request.length, ret_mail);
}

static void a_mail_has_what_it_needs(void **state)
{
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
        struct mail mail;
        char text[4096];

        (void)state;
        message.at = INT64_C(1795420800000000);
        read_made(&plain, &message, &mail);
        assert_string_equal(mail_header(&mail, "Date"), "Mon, 23 Nov 2026 08:00:00 +0000");
        assert_string_equal(mail_header(&mail, "From"), "smswarden@gw1");
        assert_string_equal(mail_header(&mail, "To"), "admin@example.org");
        assert_string_equal(mail_header(&mail, "Subject"), "CRITICAL gw1: smsd crashed (exit code 1)");
        assert_string_equal(mail_header(&mail, "Message-ID"), "<0123456789abcdef0123456789abcdef-7@gw1>");
        assert_string_equal(mail_header(&mail, "References"), mail_header(&mail, "In-Reply-To"));
        assert_string_equal(mail_header(&mail, "Auto-Submitted"), "auto-generated");
        assert_string_equal(mail_header(&mail, "Importance"), "high");
        assert_string_equal(mail_header(&mail, "MIME-Version"), "1.0");
        assert_string_equal(mail_header(&mail, "Content-Type"), "text/plain; charset=utf-8");
        assert_string_equal(mail_header(&mail, "Content-Transfer-Encoding"), "quoted-printable");
        alert_text(&message, text, sizeof(text));
        assert_string_equal(mail.body, text);
}

static void addresses_come_from_the_configuration(void **state)
{
        struct receiver_config config = plain;
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
        struct mail mail;

        (void)state;
        (void)text_copy(config.from, sizeof(config.from), "<gateway+sms@example.org>");
        (void)text_copy(config.to, sizeof(config.to), " a@example.org,b.c@sub.example.org  <d@e>, ");
        read_made(&config, &message, &mail);
        assert_string_equal(mail_header(&mail, "From"), "gateway+sms@example.org");
        assert_string_equal(mail_header(&mail, "To"), "a@example.org, b.c@sub.example.org, d@e");
}

static void bad_addresses_are_refused(void **state)
{
        static const char *const addresses[] = {
            "admin",
            "@example.org",
            "a@",
            "a@b@c",
            "a@b\r\nBcc: c@d",
            "a@b\nBcc:c@d",
            "a@.b",
            "\"a b\"@c",
            "a@b, nobody",
            "\xc3\xa4@example.org",
            "a@ex\xc3\xa4mple.org",
            "Admin <a@b>",
            "a@b;c@d",
            "<a@b",
            "<>",
            "a@b\x7f",
        };
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(addresses) * 2; i++) {
                struct receiver_config config = plain;
                struct request request = {.length = 42};
                char problem[256], *place = i % 2 ? config.to : config.from;
                (void)text_copy(place, sizeof(config.from), addresses[i / 2]);
                if (make(&config, &message, &request, problem) != -EINVAL)
                        fail_msg("taken: %s", addresses[i / 2]);
                assert_non_null(strstr(problem, "from, to:"));
                assert_int_equal(request.length, 42);
        }
}

static void the_list_of_recipients_is_read(void **state)
{
        const char *list = "a@b, c@d\te@f";
        char address[MAIL_ADDRESS_MAX];

        (void)state;
        for (const char *wanted = "ace"; *wanted; wanted++) {
                assert_int_equal(mail_next_address(&list, address), 1);
                assert_int_equal(address[0], *wanted);
                assert_int_equal(strlen(address), 3);
        }
        assert_int_equal(mail_next_address(&list, address), 0);
}

/* Whatever is in it: the same headers as always, subject and body to the letter. */
static void check_hostile(const struct alert_message *message)
{
        struct mail mail, usual;
        struct alert_message harmless = message_make(message->sequence, message->alert.kind);
        char title[768], text[4096], decoded[1024];

        read_made(&plain, message, &mail);
        read_made(&plain, &harmless, &usual);
        assert_int_equal(mail.n, usual.n);
        for (unsigned i = 0; i < mail.n; i++)
                assert_string_equal(mail.headers[i].name, usual.headers[i].name);
        alert_title(message, title, sizeof(title));
        alert_text(message, text, sizeof(text));
        mail_decode_words(mail_header(&mail, "Subject"), decoded, sizeof(decoded));
        assert_string_equal(decoded, title);
        assert_string_equal(mail.body, text);
}

static void hostile_text_adds_no_header(void **state)
{
        static char huge[100 * 1024];
        static const char *const patterns[] = {"\xf0\x9f\x94\xa5", "x y.", "=\n. ", "\xc3\xa4 a"};

        (void)state;
        for (size_t i = 0; i < hostile_texts_n; i++) {
                struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
                message_fill(&message, hostile_texts[i], strlen(hostile_texts[i]));
                check_hostile(&message);
                message_fill_raw(&message, hostile_texts[i]);
                check_hostile(&message);
        }
        for (size_t i = 0; i < ARRAY_SIZE(patterns) * 4; i++) {
                struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
                for (size_t k = 0; k < sizeof(huge); k++)
                        huge[k] = k < i % 4 ? 'x' : patterns[i / 4][(k - i % 4) % 4];
                message_fill(&message, huge, sizeof(huge));
                check_hostile(&message);
        }
}

/* A host's name that is none ends up in From and Message-ID as one that could be. */
static void a_hostile_host_is_no_address(void **state)
{
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
        struct mail mail;

        (void)state;
        (void)text_copy(message.host, sizeof(message.host), "gw@1> .x..\xc5\xab\r\nBcc: a@b.");
        read_made(&plain, &message, &mail);
        assert_string_equal(mail_header(&mail, "From"), "smswarden@gw-1--.x-.----Bcc--a-b-");
        message.host[0] = '\0';
        read_made(&plain, &message, &mail);
        assert_string_equal(mail_header(&mail, "From"), "smswarden@localhost");
}

static void one_alert_is_one_thread(void **state)
{
        struct alert_message first = message_make(7, ALERT_MODEM_LOST), second = first, other = first;
        struct mail mails[3];

        (void)state;
        message_resolve(&second);
        (void)text_copy(second.id, sizeof(second.id), "another-boot-9");
        (void)text_copy(other.alert.key, sizeof(other.alert.key), "modem-lost/GSM2");
        read_made(&plain, &first, &mails[0]);
        read_made(&plain, &second, &mails[1]);
        read_made(&plain, &other, &mails[2]);
        assert_string_equal(mail_header(&mails[0], "References"), mail_header(&mails[1], "References"));
        assert_string_not_equal(mail_header(&mails[0], "References"), mail_header(&mails[2], "References"));
        assert_string_not_equal(mail_header(&mails[0], "Message-ID"), mail_header(&mails[1], "Message-ID"));
}

static void a_clock_that_was_never_set_gives_no_date(void **state)
{
        struct alert_message message = message_make(7, ALERT_SMSD_DOWN);
        struct mail mail;
        char year[8];
        time_t now = time(NULL);

        (void)state;
        message.at = INT64_C(86400000000);
        read_made(&plain, &message, &mail);
        assert_true(strftime(year, sizeof(year), " %Y ", gmtime(&now)) > 0);
        assert_non_null(strstr(mail_header(&mail, "Date"), year));
}

static int put_subject(FILE *output, const char *text)
{
        return mail_put_text(output, "S", text);
}

/* To the letter: what servers and mailboxes on the way would change is not left as it is. */
static void forms_to_the_letter(void **state)
{
        static const struct {
                int (*put)(FILE *output, const char *text);
                const char *text, *wanted;
        } cases[] = {
            {mail_put_body, "a b\nc\n", "a b\r\nc\r\n"},
            {mail_put_body, "no end", "no end\r\n"},
            {mail_put_body, "", ""},
            {mail_put_body, "blank \ntab\t\nend ", "blank=20\r\ntab=09\r\nend=20\r\n"},
            {mail_put_body, "From me\nFrom\n.\n.x\na.", "=46rom me\r\nFrom\r\n=2E\r\n=2Ex\r\na.\r\n"},
            {mail_put_body, "1=2\r\xc3\xa4\x7f", "1=3D2=0D=C3=A4=7F\r\n"},
            {put_subject, "plain: a_b?", "S: plain: a_b?\r\n"},
            {put_subject, "=?x", "S: =?UTF-8?B?PT94?=\r\n"},
            {put_subject, " a", "S: =?UTF-8?B?IGE=?=\r\n"},
            {put_subject, "\xc3\xa4\n", "S: =?UTF-8?B?w6QK?=\r\n"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *text = NULL;
                size_t length;
                FILE *output = open_memstream(&text, &length);
                assert_non_null(output);
                assert_int_equal(cases[i].put(output, cases[i].text), 0);
                assert_int_equal(fclose(output), 0);
                assert_string_equal(text, cases[i].wanted);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(forms_to_the_letter),
            cmocka_unit_test(a_mail_has_what_it_needs),
            cmocka_unit_test(addresses_come_from_the_configuration),
            cmocka_unit_test(bad_addresses_are_refused),
            cmocka_unit_test(the_list_of_recipients_is_read),
            cmocka_unit_test(hostile_text_adds_no_header),
            cmocka_unit_test(a_hostile_host_is_no_address),
            cmocka_unit_test(one_alert_is_one_thread),
            cmocka_unit_test(a_clock_that_was_never_set_gives_no_date),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
