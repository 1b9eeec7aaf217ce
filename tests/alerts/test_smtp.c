/*
 * Mail to a real SMTP server (aiosmtpd, with a Maildir in the test's folder) by the real smswarden-notify:
 * each alert arrives once, readable, in its thread. What the server takes is judged by the server: lines that
 * are too long, or a dialogue out of order, it refuses.
 */
#include "delivery.h"
#include "mail_read.h"
#include "messages.h"
#include "server.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAILS_MAX 16

struct fixture {
        struct delivery_fixture delivery;
        struct server server;
        char maildir[96];
        struct mail mails[MAILS_MAX]; /* by Message-ID's number */
};

static int set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));
        char log[96];

        assert_non_null(f);
        delivery_set_up(&f->delivery);
        (void)text_format(f->maildir, sizeof(f->maildir), "%s/maildir", f->delivery.folder);
        (void)text_format(log, sizeof(log), "%s/server.log", f->delivery.folder);
        const char *const argv[] = {"/usr/bin/aiosmtpd", "--nosetuid", "--listen",
                                    "127.0.0.1:0",       "--class",    "aiosmtpd.handlers.Mailbox",
                                    f->maildir,          NULL};
        *state = f;
        f->server = server_start(argv, log);
        delivery_configure(&f->delivery,
                           "[notify mail]\n"
                           "type = smtp\n"
                           "url = smtp://127.0.0.1:%u\n"
                           "plain_http = yes\n"
                           "from = sms@gateway.example\n"
                           "to = admin@example.org, night@example.org\n"
                           "min_severity = info\n",
                           f->server.port);
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;

        server_stop(&f->server);
        delivery_tear_down(&f->delivery);
        free(f);
        return 0;
}

/* The number at the end of our Message-ID. */
static unsigned number_of(const struct mail *mail)
{
        const char *dash = strchr(mail_header(mail, "Message-ID"), '-');

        assert_non_null(dash);
        return (unsigned)strtoul(dash + 1, NULL, 10);
}

/* Reads all that has arrived into f->mails; how many. */
static unsigned read_mails(struct fixture *f)
{
        char folder[128], path[400];
        struct dirent *entry;
        unsigned n = 0;

        (void)text_format(folder, sizeof(folder), "%s/new", f->maildir);
        DIR *stream = opendir(folder);
        while (stream && (entry = readdir(stream))) {
                _cleanup_free_ char *text = NULL;
                struct mail mail;
                size_t length;
                if (entry->d_name[0] == '.')
                        continue;
                (void)text_format(path, sizeof(path), "%s/%s", folder, entry->d_name);
                assert_int_equal(file_read(path, 0, (size_t)1024 * 1024, &text, &length), 0);
                mail_read(text, length, &mail);
                unsigned number = number_of(&mail);
                assert_in_range(number, 1, MAILS_MAX - 1);
                assert_int_equal(f->mails[number].n, 0); /* twice the same */
                f->mails[number] = mail;
                n++;
        }
        if (stream)
                (void)closedir(stream);
        return n;
}

/* What arrived is what was said, to the letter. */
static void check_mail(const struct mail *mail, const struct alert_message *message)
{
        char title[768], text[4096], subject[1024];

        alert_title(message, title, sizeof(title));
        alert_text(message, text, sizeof(text));
        mail_decode_words(mail_header(mail, "Subject"), subject, sizeof(subject));
        assert_string_equal(subject, title);
        assert_string_equal(mail->body, text);
        assert_string_equal(mail_header(mail, "From"), "sms@gateway.example");
        assert_string_equal(mail_header(mail, "To"), "admin@example.org, night@example.org");
        assert_string_equal(mail_header(mail, "Auto-Submitted"), "auto-generated");
}

static void an_outage_is_one_thread(void **state)
{
        struct fixture *f = *state;
        struct alert_message fire = message_make(1, ALERT_SMSD_DOWN),
                             repeat = message_make(2, ALERT_SMSD_DOWN);
        struct alert_message other = message_make(3, ALERT_MODEM_LOST),
                             end = message_make(4, ALERT_SMSD_DOWN);

        repeat.alert.told = 1;
        message_resolve(&end);
        delivery_deliver(&f->delivery, &fire);
        assert_int_equal(read_mails(f), 1);
        check_mail(&f->mails[1], &fire);
        memset(f->mails, 0, sizeof(f->mails));
        delivery_spool(&f->delivery, &repeat);
        delivery_spool(&f->delivery, &other);
        delivery_spool(&f->delivery, &end);
        delivery_run(&f->delivery);
        delivery_run(&f->delivery); /* nothing is left: nothing is sent */
        assert_int_equal(read_mails(f), 4);
        check_mail(&f->mails[4], &end);
        const char *thread = mail_header(&f->mails[1], "References");
        assert_string_equal(mail_header(&f->mails[2], "References"), thread);
        assert_string_equal(mail_header(&f->mails[4], "References"), thread);
        assert_string_not_equal(mail_header(&f->mails[3], "References"), thread);
}

/* The server keeps the envelope beside the mail. */
static void the_envelope_names_everybody(void **state)
{
        struct fixture *f = *state;
        struct alert_message message = message_make(1, ALERT_TEST);

        delivery_deliver(&f->delivery, &message);
        assert_int_equal(read_mails(f), 1);
        assert_string_equal(mail_header(&f->mails[1], "X-MailFrom"), "sms@gateway.example");
        assert_string_equal(mail_header(&f->mails[1], "X-RcptTo"), "admin@example.org, night@example.org");
}

static void without_from_it_is_the_host(void **state)
{
        struct fixture *f = *state;
        struct alert_message message = message_make(1, ALERT_TEST);

        delivery_configure(&f->delivery,
                           "[notify mail]\ntype = smtp\nurl = smtp://127.0.0.1:%u\nplain_http = yes\n"
                           "to = admin@example.org night@example.org\nmin_severity = info\n",
                           f->server.port);
        delivery_deliver(&f->delivery, &message);
        assert_int_equal(read_mails(f), 1);
        assert_string_equal(mail_header(&f->mails[1], "From"), "smswarden@gw1");
        assert_string_equal(mail_header(&f->mails[1], "X-MailFrom"), "smswarden@gw1");
        assert_string_equal(mail_header(&f->mails[1], "X-RcptTo"), "admin@example.org, night@example.org");
}

static void hostile_text_arrives_to_the_letter(void **state)
{
        struct fixture *f = *state;
        static char huge[100 * 1024];
        struct alert_message messages[MAILS_MAX];
        unsigned n = (unsigned)hostile_texts_n + 1;

        assert_in_range(n, 2, MAILS_MAX - 1);
        for (size_t i = 0; i < sizeof(huge); i++)
                huge[i] = "\xf0\x9f\x94\xa5"[i % 4];
        for (unsigned i = 1; i <= n; i++) {
                const char *text = i < n ? hostile_texts[i - 1] : huge;
                messages[i] = message_make(i, ALERT_SMSD_DOWN);
                message_fill(&messages[i], text, i < n ? strlen(text) : sizeof(huge));
                delivery_spool(&f->delivery, &messages[i]);
        }
        delivery_run(&f->delivery);
        assert_int_equal(read_mails(f), n);
        for (unsigned i = 1; i <= n; i++)
                check_mail(&f->mails[i], &messages[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(an_outage_is_one_thread, set_up, tear_down),
            cmocka_unit_test_setup_teardown(the_envelope_names_everybody, set_up, tear_down),
            cmocka_unit_test_setup_teardown(without_from_it_is_the_host, set_up, tear_down),
            cmocka_unit_test_setup_teardown(hostile_text_arrives_to_the_letter, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
