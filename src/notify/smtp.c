/*
 * A mail by SMTP, see transfer_private.h. The server's last reply code is the answer: 4yz later, 5yz never -
 * but for a login, which says nothing about the mail. TLS is needed (smtps://, or STARTTLS after smtp://)
 * unless plain is meant, or it stays on this box.
 */
#include "transfer_private.h"

#include "base/text.h"
#include "mail_text.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Each line that the server says; the last one is kept. */
static size_t on_line(char *data, size_t size, size_t count, void *userdata)
{
        struct transfer *transfer = userdata;
        size_t length = size * count;

        transfer->length = 0;
        (void)transfer_keep(transfer, data, length); /* libcurl bounds what a server may say */
        return length;
}

static size_t on_read(char *target, size_t size, size_t count, void *userdata)
{
        struct transfer *transfer = userdata;
        size_t left = transfer->request->length - transfer->sent;
        size_t length = left < size * count ? left : size * count;

        if (length > 0)
                memcpy(target, transfer->request->body + transfer->sent, length);
        transfer->sent += length;
        return length;
}

/* The same list that the mail's To was made of. */
static int add_recipients(struct transfer *transfer)
{
        const char *list = transfer->destination->to;
        char address[MAIL_ADDRESS_MAX];
        int r;

        while ((r = mail_next_address(&list, address)) > 0) {
                struct curl_slist *longer = curl_slist_append(transfer->list, address);
                if (!longer)
                        return -ENOMEM;
                transfer->list = longer;
        }
        return r;
}

static CURLcode set_protocols(const struct transfer *transfer)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* as in http.c */
        return curl_easy_setopt(transfer->easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_SMTP | CURLPROTO_SMTPS));
#pragma GCC diagnostic pop
}

static CURLcode set_account(const struct transfer *transfer)
{
        const struct destination *destination = transfer->destination;
        CURLcode code = CURLE_OK;

        if (destination->user[0]) {
                SET(code, transfer->easy, CURLOPT_USERNAME, destination->user);
                SET(code, transfer->easy, CURLOPT_PASSWORD, destination->secrets->password);
        }
        return code;
}

static int prepare(struct transfer *transfer)
{
        const struct destination *destination = transfer->destination;
        /* The mail server of this box has no certificate that anybody would know. */
        bool plain = destination->plain_http ||
                     (!destination->ca_file[0] && config_address_is_local(transfer->request->url));

        int r = add_recipients(transfer);
        if (r < 0)
                return r;
        CURLcode code = set_protocols(transfer);
        if (code == CURLE_OK)
                code = set_account(transfer);
        SET(code, transfer->easy, CURLOPT_USE_SSL, (long)(plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
        SET(code, transfer->easy, CURLOPT_MAIL_FROM, transfer->request->sender);
        SET(code, transfer->easy, CURLOPT_MAIL_RCPT, transfer->list);
        SET(code, transfer->easy, CURLOPT_UPLOAD, 1L);
        SET(code, transfer->easy, CURLOPT_READFUNCTION, on_read);
        SET(code, transfer->easy, CURLOPT_READDATA, transfer);
        SET(code, transfer->easy, CURLOPT_HEADERFUNCTION, on_line);
        SET(code, transfer->easy, CURLOPT_HEADERDATA, transfer);
        return code == CURLE_OK ? 0 : -ENOMEM;
}

/*
 * The connection is not kept, and not taken leave of: libcurl waits in its QUIT for the server's answer, for
 * two minutes and with everything else standing still.
 */
static void hang_up(const struct transfer *transfer)
{
        curl_socket_t fd = CURL_SOCKET_BAD;

        if (curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
            fd != CURL_SOCKET_BAD)
                (void)shutdown(fd, SHUT_RDWR);
}

static void tell_reply(const struct transfer *transfer, struct outcome *outcome)
{
        char text[ANSWER_MAX + 64];
        size_t length = transfer->length;

        while (length > 0 && strchr("\r\n\t ", transfer->answer[length - 1]))
                length--;
        (void)text_format(text, sizeof(text), "answers %.*s", (int)length, transfer->answer);
        transfer_tell(transfer, outcome, text);
}

static void judge(const struct transfer *transfer, CURLcode code, struct outcome *outcome)
{
        long reply = 0;

        (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &reply);
        hang_up(transfer);
        if (code == CURLE_OK) {
                outcome->verdict = DELIVERY_DONE;
                return;
        }
        bool refused = reply >= 500 && reply <= 599;
        outcome->verdict = refused && code != CURLE_LOGIN_DENIED ? DELIVERY_PARK : DELIVERY_RETRY;
        if (refused || (reply >= 400 && reply <= 499))
                tell_reply(transfer, outcome);
        else
                transfer_tell_code(transfer, outcome, code);
}

const struct protocol protocol_smtp = {.prepare = prepare, .judge = judge};
