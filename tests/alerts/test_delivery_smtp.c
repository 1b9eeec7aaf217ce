/*
 * Mail servers that are no good: what they refuse for now, for ever, or say nothing to. What a good one does
 * with our mail is shown against a real one (test_smtp.c).
 */
#include "messages.h"
#include "notifier.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

/* What it answers to a command that begins so; "" nothing. The first time only, when `once`. */
struct reply {
        const char *command, *text;
        bool once;
};

struct mail_server {
        int listener;
        unsigned port;
        pthread_t thread;
        const struct reply *replies; /* ended by a NULL command */
        unsigned used;               /* bits of those that were given once */
        unsigned mails, connections; /* after the end of it only */
        char ids[8][128];            /* Message-ID of each mail */
};

static const char *reply_to(struct mail_server *server, const char *command)
{
        static const struct reply usual[] = {
            {"EHLO", "250-here\r\n250 AUTH PLAIN", false},
            {"DATA", "354 go on", false},
            {"QUIT", "221 bye", false},
            {"AUTH", "334 ", false},
            {"AG1lAGh1c2gtaHVzaA==", "235 welcome", false}, /* me, hush-hush */
            {"", "250 fine", false}};

        for (unsigned i = 0; server->replies[i].command; i++)
                if (text_starts_with(command, server->replies[i].command) && !(server->used & (1U << i))) {
                        server->used |= server->replies[i].once ? 1U << i : 0;
                        return server->replies[i].text;
                }
        for (unsigned i = 0;; i++)
                if (text_starts_with(command, usual[i].command))
                        return usual[i].text;
}

static void keep_id(struct mail_server *server, const char *line)
{
        if (text_starts_with(line, "Message-ID: ") && server->mails < ARRAY_SIZE(server->ids))
                (void)text_copy_n(server->ids[server->mails], sizeof(server->ids[0]), line + 12,
                                  strcspn(line + 12, "\r\n"));
}

static void talk(struct mail_server *server, int fd)
{
        FILE *input = fdopen(dup(fd), "r");
        char line[2048];
        bool data = false;

        (void)dprintf(fd, "220 here\r\n");
        while (input && fgets(line, sizeof(line), input)) {
                if (data && !text_equal(line, ".\r\n")) {
                        keep_id(server, line);
                        continue;
                }
                const char *text = reply_to(server, data ? "." : line);
                server->mails += data && text_starts_with(text, "250");
                data = !data && text_starts_with(text, "354");
                if (text[0])
                        (void)dprintf(fd, "%s\r\n", text);
        }
        (void)fclose(input);
        (void)close(fd);
}

static void *serve(void *userdata)
{
        struct mail_server *server = userdata;

        for (int fd; (fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
                server->connections++;
                talk(server, fd);
        }
        return NULL;
}

static void mail_server_start(struct mail_server *server, const struct reply *replies)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof(address);

        *server = (struct mail_server){.replies = replies};
        (void)signal(SIGPIPE, SIG_IGN);
        server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(server->listener >= 0);
        assert_int_equal(bind(server->listener, (struct sockaddr *)&address, length), 0);
        assert_int_equal(listen(server->listener, 16), 0);
        assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
        server->port = ntohs(address.sin_port);
        assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void mail_server_stop(struct mail_server *server)
{
        (void)shutdown(server->listener, SHUT_RDWR);
        (void)pthread_join(server->thread, NULL);
        (void)close(server->listener);
}

static void configure(const struct notifier *notifier, const struct mail_server *server, const char *more)
{
        notifier_configure(notifier,
                           "[notify m]\ntype = smtp\nurl = smtp://127.0.0.1:%u\nto = a@example.org\n%s",
                           server->port, more);
        for (uint64_t n = 1; n <= 2; n++)
                notifier_put_number(notifier, n);
}

/* Both alerts, or what is said of them. */
static void check(const struct reply *replies, const char *more, uint64_t delivered, uint64_t parked,
                  const char *said)
{
        struct mail_server server;
        struct notifier notifier;

        mail_server_start(&server, replies);
        notifier_init(&notifier);
        configure(&notifier, &server, more);
        assert_int_equal(notifier_run(&notifier), 0);
        struct delivery_receiver m = notifier_state(&notifier, "m");
        _cleanup_free_ char *log = notifier_log(&notifier);
        mail_server_stop(&server);
        notifier_done(&notifier);
        assert_int_equal(m.position, 2);
        assert_int_equal(m.delivered, delivered);
        assert_int_equal(m.parked, parked);
        assert_int_equal(server.mails, delivered);
        if (said && !strstr(log, said))
                fail_msg("no \"%s\" in: %s", said, log);
        for (unsigned i = 0; i < server.mails; i++) {
                char wanted[128];
                (void)text_format(wanted, sizeof(wanted), "<0123456789abcdef0123456789abcdef-%u@gw1>",
                                  i + 1 + (unsigned)parked);
                assert_string_equal(server.ids[i], wanted);
        }
}

/* A server that is not taken leave of must not keep everybody waiting: libcurl would, for two minutes. */
static void test_silent_at_quit(void **state)
{
        static const struct reply replies[] = {{"QUIT", "", false}, {NULL}};

        (void)state;
        check(replies, "", 2, 0, NULL);
}

static void test_later(void **state)
{
        static const struct reply rcpt[] = {{"RCPT", "450 4.2.0 greylisted", true}, {NULL}};
        static const struct reply data[] = {{".", "452 4.3.1 no room", true}, {NULL}};
        static const struct reply greeting[] = {{"MAIL", "421 shutting down", true}, {NULL}};

        (void)state;
        check(rcpt, "", 2, 0, "127.0.0.1 answers 450 4.2.0 greylisted");
        check(data, "", 2, 0, "127.0.0.1 answers 452 4.3.1 no room");
        check(greeting, "", 2, 0, "127.0.0.1 answers 421");
}

static void test_never(void **state)
{
        static const struct reply rcpt[] = {{"RCPT", "550 5.1.1 no \x1b such user", true}, {NULL}};
        static const struct reply data[] = {{".", "554 5.7.1 spam", true}, {NULL}};

        (void)state;
        check(rcpt, "", 1, 1, "127.0.0.1 answers 550 5.1.1 no \\x1b such user");
        check(data, "", 1, 1, "127.0.0.1 answers 554 5.7.1 spam");
}

/* It says nothing about the mail: tried again, and the password is not shown. */
static void test_login(void **state)
{
        static const struct reply replies[] = {{"AUTH", "535 5.7.8 bad password hush-hush", true}, {NULL}};
        struct notifier files;
        char path[256], more[320];

        (void)state;
        notifier_init(&files);
        (void)text_format(more, sizeof(more), "user = me\npassword_file = %s\n",
                          notifier_file(&files, "password", "hush-hush\n", 0600, path));
        check(replies, more, 2, 0, "127.0.0.1 answers 535 5.7.8 bad password *********");
        notifier_done(&files);
}

/* To another box nothing is sent without TLS; a CA says that it is meant here, too. */
static void test_no_tls_no_mail(void **state)
{
        static const struct reply replies[] = {{NULL}};
        struct mail_server server;
        struct notifier notifier;

        (void)state;
        mail_server_start(&server, replies);
        notifier_init(&notifier);
        configure(&notifier, &server, "ca_file = /etc/ssl/certs/ca-certificates.crt\n");
        notifier_start(&notifier);
        notifier_wait_state(&notifier, "m", notifier_has_failed);
        assert_int_equal(kill(notifier.pid, SIGTERM), 0);
        assert_int_equal(notifier_end(&notifier), 0);
        struct delivery_receiver m = notifier_state(&notifier, "m");
        mail_server_stop(&server);
        notifier_done(&notifier);
        assert_int_equal(m.position, 0);
        assert_int_equal(server.mails, 0);
        if (!strstr(m.problem, "STARTTLS"))
                fail_msg("%s", m.problem);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_silent_at_quit), cmocka_unit_test(test_later),
            cmocka_unit_test(test_never),          cmocka_unit_test(test_login),
            cmocka_unit_test(test_no_tls_no_mail),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
