/*
 * A request by HTTP, see transfer_private.h. The status is the answer: once it is there it counts, whatever
 * becomes of the body behind it, because the receiver has decided then, and to ask again would be to tell it
 * twice.
 */
#include "transfer_private.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static size_t on_answer(char *data, size_t size, size_t count, void *userdata)
{
        /* Another number than was given ends the transfer. */
        return transfer_keep(userdata, data, size * count) ? size * count : 0;
}

static int add_headers(struct transfer *transfer)
{
        const struct request *request = transfer->request;
        int r = transfer_add(transfer, "Expect:"); /* no question before so small a body */

        for (size_t i = 0; r == 0 && i < REQUEST_HEADERS_MAX && request->headers[i][0]; i++)
                r = transfer_add(transfer, request->headers[i]);
        return r;
}

static CURLcode set_protocols(const struct transfer *transfer)
{
        bool plain = transfer->destination->plain_http || config_address_is_local(transfer->request->url);

        return transfer_set_protocols(transfer, CURLPROTO_HTTPS | (plain ? CURLPROTO_HTTP : 0));
}

static CURLcode set_body(const struct transfer *transfer)
{
        const struct request *request = transfer->request;
        CURL *easy = transfer->easy;
        CURLcode code = CURLE_OK;

        if (text_equal(request->method, "GET")) {
                SET(code, easy, CURLOPT_HTTPGET, 1L);
                return code;
        }
        SET(code, easy, CURLOPT_POST, 1L);
        SET(code, easy, CURLOPT_CUSTOMREQUEST, request->method);
        SET(code, easy, CURLOPT_POSTFIELDSIZE, (long)request->length);
        SET(code, easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
        return code;
}

static int prepare(struct transfer *transfer)
{
        CURL *easy = transfer->easy;

        int r = add_headers(transfer);
        if (r < 0)
                return r;
        CURLcode code = set_protocols(transfer);
        if (code == CURLE_OK)
                code = set_body(transfer);
        SET(code, easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        SET(code, easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        SET(code, easy, CURLOPT_HTTPHEADER, transfer->list);
        SET(code, easy, CURLOPT_USERAGENT, "smswarden/" SMSWARDEN_VERSION);
        SET(code, easy, CURLOPT_WRITEFUNCTION, on_answer);
        SET(code, easy, CURLOPT_WRITEDATA, transfer);
        return code == CURLE_OK ? 0 : -ENOMEM;
}

/* --- the answer --- */

/* A page for a browser says nothing to a person here. */
static bool is_page(const struct transfer *transfer)
{
        const char *type = NULL;

        (void)curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
        return type && strncasecmp(type, "text/html", strlen("text/html")) == 0;
}

static void tell_status(const struct transfer *transfer, struct outcome *outcome, long status)
{
        char text[ANSWER_MAX + 64];
        int length = transfer_answer_length(transfer);

        if (length == 0 || is_page(transfer))
                (void)text_format(text, sizeof(text), "answers %ld", status);
        else
                (void)text_format(text, sizeof(text), "answers %ld: %.*s", status, length, transfer->answer);
        transfer_tell(transfer, outcome, text);
}

/* Where to, up to the host: the rest may be a secret. */
static void tell_redirect(const struct transfer *transfer, struct outcome *outcome, long status)
{
        char text[512];
        const char *target = NULL;

        (void)curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &target);
        const char *host = target ? strstr(target, "://") : NULL;
        size_t length = host ? (size_t)(host - target) + 3 + strcspn(host + 3, "/?#") : 0;
        const char *at = host ? memchr(host, '@', length - (size_t)(host - target)) : NULL;
        if (!host || at || length > 300)
                (void)text_format(text, sizeof(text), "answers with a redirect (%ld), which is not followed",
                                  status);
        else
                (void)text_format(text, sizeof(text),
                                  "answers with a redirect (%ld) to %.*s, which is not followed", status,
                                  (int)length, target);
        transfer_tell(transfer, outcome, text);
}

static void judge(const struct transfer *transfer, CURLcode code, struct outcome *outcome)
{
        curl_off_t after = 0;
        long status = 0;

        (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &after);
        outcome->unreached = status == 0;
        outcome->verdict = delivery_judge_http(status > 0 ? (unsigned)status : 0);
        if (after > 0)
                outcome->retry_after =
                    (usec_t)after > USEC_PER_DAY / USEC_PER_SEC ? USEC_PER_DAY : (usec_t)after * USEC_PER_SEC;
        if (outcome->verdict == DELIVERY_DONE)
                return;
        if (status >= 300 && status <= 399)
                tell_redirect(transfer, outcome, status);
        else if (status >= 400)
                tell_status(transfer, outcome, status);
        else
                transfer_tell_code(transfer, outcome, code);
}

const struct protocol protocol_http = {.prepare = prepare, .judge = judge};
