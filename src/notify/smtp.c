/*
 * A mail by SMTP, see transfer_private.h. The server's last reply code is the answer: 4yz later, 5yz never -
 * but for a login, which says nothing about the mail. TLS is needed (smtps://, or STARTTLS after smtp://)
 * unless plain is meant, or it stays on this box.
 */
#include "transfer_private.h"

#include "base/text.h"
#include "mail_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Each line that the server says; the last one before we take our leave is kept. */
static size_t on_line(char *data, size_t size, size_t count, void *userdata)
{
        struct transfer *transfer = userdata;
        size_t length = size * count;

        if (transfer->leaving)
                return length;
        transfer->length = 0;
        (void)transfer_keep(transfer, data, length); /* libcurl bounds what a server may say */
        return length;
}

/* A curl_sockopt_callback: the connection's socket. Of several that are tried at once the last. */
static int on_socket(void *userdata, curl_socket_t fd, curlsocktype purpose)
{
        struct transfer *transfer = userdata;

        (void)purpose;
        transfer->socket = fd;
        return CURL_SOCKOPT_OK;
}

static int on_close(void *userdata, curl_socket_t fd)
{
        struct transfer *transfer = userdata;

        if (transfer->socket == fd)
                transfer->socket = CURL_SOCKET_BAD;
        return close(fd);
}

/*
 * A curl_debug_callback, for one thing: libcurl waits for the answer to its QUIT, for two minutes and with
 * everything else standing still. So the connection's end is made known to it as soon as it has said QUIT.
 */
static int on_dialogue(CURL *easy, curl_infotype type, char *data, size_t size, void *userdata)
{
        static const char quit[] = "QUIT\r\n";
        struct transfer *transfer = userdata;

        (void)easy;
        if (type != CURLINFO_HEADER_OUT || size != strlen(quit) || memcmp(data, quit, size) != 0)
                return 0;
        transfer->leaving = true;
        if (transfer->socket != CURL_SOCKET_BAD)
                (void)shutdown(transfer->socket, SHUT_RD);
        return 0;
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
                r = transfer_add(transfer, address);
                if (r < 0)
                        break;
        }
        return r;
}

/* A connection for each mail, so that it is this handle which takes leave of the server. */
static CURLcode set_leave(struct transfer *transfer)
{
        CURL *easy = transfer->easy;
        CURLcode code = CURLE_OK;

        transfer->socket = CURL_SOCKET_BAD;
        SET(code, easy, CURLOPT_FORBID_REUSE, 1L);
        SET(code, easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
        SET(code, easy, CURLOPT_SOCKOPTDATA, transfer);
        SET(code, easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
        SET(code, easy, CURLOPT_CLOSESOCKETDATA, transfer);
        SET(code, easy, CURLOPT_DEBUGFUNCTION, on_dialogue);
        SET(code, easy, CURLOPT_DEBUGDATA, transfer);
        SET(code, easy, CURLOPT_VERBOSE, 1L);
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
        CURLcode code = transfer_set_protocols(transfer, CURLPROTO_SMTP | CURLPROTO_SMTPS);
        if (code == CURLE_OK)
                code = set_leave(transfer);
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

static void tell_reply(const struct transfer *transfer, struct outcome *outcome)
{
        char text[ANSWER_MAX + 64];

        (void)text_format(text, sizeof(text), "answers %.*s", transfer_answer_length(transfer),
                          transfer->answer);
        transfer_tell(transfer, outcome, text);
}

static void judge(const struct transfer *transfer, CURLcode code, struct outcome *outcome)
{
        long reply = strtol(transfer->answer, NULL, 10); /* 0: it has said nothing */

        if (code == CURLE_OK) {
                outcome->verdict = DELIVERY_DONE;
                return;
        }
        outcome->unreached = reply == 0;
        bool refused = reply >= 500 && reply <= 599;
        outcome->verdict = refused && code != CURLE_LOGIN_DENIED ? DELIVERY_PARK : DELIVERY_RETRY;
        if (refused || (reply >= 400 && reply <= 499))
                tell_reply(transfer, outcome);
        else
                transfer_tell_code(transfer, outcome, code);
}

const struct protocol protocol_smtp = {.prepare = prepare, .judge = judge};
