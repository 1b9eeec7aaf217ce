/*
 * Mail to a real SMTP server (aiosmtpd, with a Maildir in the test's folder) by the real smswarden-notify:
 * each alert arrives once, readable, in its thread. What the server takes is judged by the server: lines that
 * are too long, or a dialogue out of order, it refuses.
 */
#include "certificates.h"
#include "mail_read.h"
#include "messages.h"
#include "notifier.h"
#include "server.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAILS_MAX 16

struct fixture {
        struct notifier notifier;
        struct server server;
        char maildir[160];
        struct mail mails[MAILS_MAX]; /* by Message-ID's number */
};

/* The server, with up to four further arguments. */
static void start_server(struct fixture *f, const char *const further[4])
{
        char log[160];

        (void)text_format(log, sizeof(log), "%s/server.log", f->notifier.folder);
        const char *const argv[] = {"/usr/bin/aiosmtpd",
                                    "--nosetuid",
                                    "--listen",
                                    "127.0.0.1:0",
                                    "--class",
                                    "aiosmtpd.handlers.Mailbox",
                                    further[0] ? further[0] : f->maildir,
                                    further[0] ? further[1] : NULL,
                                    further[2],
                                    further[3],
                                    f->maildir,
                                    NULL};
        f->server = server_start(argv, log);
}

static int set_up_folder(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        *state = f;
        notifier_init(&f->notifier);
        (void)text_format(f->maildir, sizeof(f->maildir), "%s/maildir", f->notifier.folder);
        return 0;
}

static int set_up(void **state)
{
        static const char *const nothing[4];

        (void)set_up_folder(state);
        struct fixture *f = *state;
        start_server(f, nothing);
        notifier_configure(&f->notifier,
                           "[notify mail]\ntype = smtp\nurl = smtp://127.0.0.1:%u\nmin_severity = info\n"
                           "to = admin@example.org, night@example.org\n",
                           f->server.port);
        return 0;
}

static int set_up_named(void **state)
{
        (void)set_up(state);
        notifier_configure(&((struct fixture *)*state)->notifier, "from = sms@gateway.example\n");
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;

        server_stop(&f->server);
        notifier_done(&f->notifier);
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
        char folder[192], path[480];
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
        notifier_deliver(&f->notifier, &fire);
        assert_int_equal(read_mails(f), 1);
        check_mail(&f->mails[1], &fire);
        memset(f->mails, 0, sizeof(f->mails));
        notifier_put(&f->notifier, &repeat);
        notifier_put(&f->notifier, &other);
        notifier_put(&f->notifier, &end);
        notifier_run_well(&f->notifier);
        notifier_run_well(&f->notifier); /* nothing is left: nothing is sent */
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

        notifier_deliver(&f->notifier, &message);
        assert_int_equal(read_mails(f), 1);
        assert_string_equal(mail_header(&f->mails[1], "X-MailFrom"), "sms@gateway.example");
        assert_string_equal(mail_header(&f->mails[1], "X-RcptTo"), "admin@example.org, night@example.org");
}

static void without_from_it_is_the_host(void **state)
{
        struct fixture *f = *state;
        struct alert_message message = message_make(1, ALERT_TEST);

        notifier_deliver(&f->notifier, &message);
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
                notifier_put(&f->notifier, &messages[i]);
        }
        notifier_run_well(&f->notifier);
        assert_int_equal(read_mails(f), n);
        for (unsigned i = 1; i <= n; i++)
                check_mail(&f->mails[i], &messages[i]);
}

/* --- TLS --- */

/* A server with such a certificate, `how` "smtps" or "tls" (STARTTLS), and a receiver that trusts its
 * authority. */
static void start_tls(struct fixture *f, enum certificate kind, const char *how)
{
        char certificate[192], key[192], authority_path[192], certificate_option[32], key_option[32];
        struct authority authority;

        authority_init(&authority);
        SSL_CTX *context = authority_server(&authority, kind);
        (void)text_format(authority_path, sizeof(authority_path), "%s/ca.pem", f->notifier.folder);
        (void)text_format(certificate, sizeof(certificate), "%s/cert.pem", f->notifier.folder);
        (void)text_format(key, sizeof(key), "%s/key.pem", f->notifier.folder);
        authority_write(&authority, authority_path);
        FILE *file = fopen(certificate, "we");
        assert_non_null(file);
        assert_int_equal(PEM_write_X509(file, SSL_CTX_get0_certificate(context)), 1);
        assert_int_equal(fclose(file), 0);
        file = fopen(key, "we");
        assert_non_null(file);
        assert_int_equal(
            PEM_write_PrivateKey(file, SSL_CTX_get0_privatekey(context), NULL, NULL, 0, NULL, NULL), 1);
        assert_int_equal(fclose(file), 0);
        SSL_CTX_free(context);
        authority_done(&authority);
        (void)text_format(certificate_option, sizeof(certificate_option), "--%scert", how);
        (void)text_format(key_option, sizeof(key_option), "--%skey", how);
        start_server(f, (const char *const[4]){certificate_option, certificate, key_option, key});
        notifier_configure(&f->notifier,
                           "[notify mail]\ntype = smtp\nurl = %s://127.0.0.1:%u\nca_file = %s\n"
                           "to = admin@example.org\n",
                           text_equal(how, "tls") ? "smtp" : "smtps", f->server.port, authority_path);
}

static void it_arrives_over(struct fixture *f, const char *how)
{
        struct alert_message message = message_make(1, ALERT_SMSD_DOWN);

        start_tls(f, CERTIFICATE_GOOD, how);
        notifier_deliver(&f->notifier, &message);
        assert_int_equal(read_mails(f), 1);
}

static void it_arrives_over_tls(void **state)
{
        it_arrives_over(*state, "smtps");
}

static void it_arrives_over_starttls(void **state)
{
        it_arrives_over(*state, "tls");
}

static void a_wrong_certificate_gets_no_mail(void **state)
{
        struct fixture *f = *state;
        struct alert_message message = message_make(1, ALERT_SMSD_DOWN);

        start_tls(f, CERTIFICATE_WRONG_NAME, "tls");
        notifier_put(&f->notifier, &message);
        notifier_start(&f->notifier);
        notifier_wait_state(&f->notifier, "mail", notifier_has_failed);
        assert_int_equal(notifier_state(&f->notifier, "mail").position, 0);
        assert_int_equal(read_mails(f), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(an_outage_is_one_thread, set_up_named, tear_down),
            cmocka_unit_test_setup_teardown(the_envelope_names_everybody, set_up_named, tear_down),
            cmocka_unit_test_setup_teardown(without_from_it_is_the_host, set_up, tear_down),
            cmocka_unit_test_setup_teardown(hostile_text_arrives_to_the_letter, set_up_named, tear_down),
            cmocka_unit_test_setup_teardown(it_arrives_over_tls, set_up_folder, tear_down),
            cmocka_unit_test_setup_teardown(it_arrives_over_starttls, set_up_folder, tear_down),
            cmocka_unit_test_setup_teardown(a_wrong_certificate_gets_no_mail, set_up_folder, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
