/*
 * A mail, whole (RFC 5322), as it goes over SMTP: CRLF, only ASCII, lines of 76 characters at most (a header
 * with a long host name: 160).
 *
 * Headers are built from three things only: text that is encoded (the subject), names from which everything
 * is taken that no address may hold (host, id), and the addresses of the configuration, which are refused
 * when they hold a line end. So an alert cannot add a header.
 *
 * The mails of one alert name a common ancestor that was never sent (References): mail programs show them as
 * one thread. A repeat of the same message has the same Message-ID.
 */
#include "receiver_private.h"

#include "base/clock.h"
#include "base/text.h"
#include "mail_text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define NAME_SET "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."

/* What may stand right of an @: everything else becomes '-'. */
static void domain_text(char *target, size_t size, const char *host)
{
        (void)text_copy(target, size, host[0] ? host : "localhost");
        for (char *p = target; *p; p++)
                if (!strchr(NAME_SET, *p) || (*p == '.' && (p == target || p[1] == '.' || p[1] == '\0')))
                        *p = '-';
}

/* In the C locale: this program sets no other. */
static void date_text(char *target, size_t size, const struct alert_message *message)
{
        int64_t realtime = time_plausible(message->at) ? message->at : clock_realtime();
        time_t seconds = (time_t)(realtime / (int64_t)USEC_PER_SEC);
        struct tm parts;

        if (!gmtime_r(&seconds, &parts) || strftime(target, size, "%a, %d %b %Y %H:%M:%S +0000", &parts) == 0)
                (void)text_copy(target, size, "Thu, 01 Jan 1970 00:00:00 +0000");
}

/* The same for all mails of one alert: one trouble, in one spool. */
static uint64_t thread_of(const struct alert_message *message)
{
        char name[sizeof(message->spool) + ALERT_KEY_MAX + sizeof(message->host) + 4];

        (void)text_format(name, sizeof(name), "%s\n%s\n%s", message->spool, message->host,
                          message->alert.key);
        return text_hash(name, strlen(name));
}

/* Who it is from, in the header and in the envelope. */
static int set_sender(struct request *request, const struct receiver_config *config,
                      const struct alert_message *message)
{
        const char *from = config->from;
        char domain[sizeof(message->host)], address[MAIL_ADDRESS_MAX], second[MAIL_ADDRESS_MAX];

        domain_text(domain, sizeof(domain), message->host);
        if (!from[0])
                return text_format(request->sender, sizeof(request->sender), "smswarden@%s", domain);
        if (mail_next_address(&from, address) != 1 || mail_next_address(&from, second) != 0)
                return -EINVAL;
        return text_copy(request->sender, sizeof(request->sender), address);
}

static int put_headers(FILE *output, const char *from, const char *to, const struct alert_message *message,
                       const char *subject)
{
        char domain[sizeof(message->host)], id[ALERT_ID_MAX], date[64];
        bool urgent = message->alert.state == ALERT_FIRING && message->alert.severity == SEVERITY_CRITICAL;

        domain_text(domain, sizeof(domain), message->host);
        domain_text(id, sizeof(id), message->id);
        date_text(date, sizeof(date), message);
        if (fprintf(output, "Date: %s\r\n", date) < 0)
                return -ENOMEM;
        int r = mail_put_addresses(output, "From", from);
        if (r == 0)
                r = mail_put_addresses(output, "To", to);
        if (r == 0)
                r = mail_put_text(output, "Subject", subject);
        if (r < 0)
                return r;
        if (fprintf(output,
                    "Message-ID: <%s@%s>\r\n"
                    "References: <%016" PRIx64 ".alert@%s>\r\n"
                    "In-Reply-To: <%016" PRIx64 ".alert@%s>\r\n"
                    "Auto-Submitted: auto-generated\r\n"
                    "%s"
                    "MIME-Version: 1.0\r\n"
                    "Content-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: quoted-printable\r\n"
                    "\r\n",
                    id, domain, thread_of(message), domain, thread_of(message), domain,
                    urgent ? "Importance: high\r\n" : "") < 0)
                return -ENOMEM;
        return 0;
}

static int put_mail(FILE *output, const char *from, const char *to, const struct alert_message *message)
{
        char title[TITLE_MAX], text[TEXT_MAX];

        alert_title(message, title, sizeof(title));
        alert_text(message, text, sizeof(text));
        int r = put_headers(output, from, to, message, title);
        return r == 0 ? mail_put_body(output, text) : r;
}

int smtp_format(const struct receiver_config *config, const struct secrets *secrets,
                const struct alert_message *message, struct request *ret_request, char *problem, size_t size)
{
        struct complaint complaint = {problem, size};
        _cleanup_request_ struct request request = {0};

        if (text_copy(request.url, sizeof(request.url), receiver_url(config, secrets)) < 0)
                return complain(&complaint, "the address is too long");
        FILE *output = open_memstream(&request.body, &request.length);
        if (!output)
                return -ENOMEM;
        int r = set_sender(&request, config, message);
        if (r == 0)
                r = put_mail(output, request.sender, config->to, message);
        if (fclose(output) != 0 && r == 0)
                r = -ENOMEM;
        if (r == -EINVAL)
                return complain(&complaint, "from, to: addresses like gateway@example.org, more than one in "
                                            "`to` with commas or blanks between");
        if (r < 0)
                return r;
        *ret_request = request;
        request.body = NULL;
        return 0;
}
