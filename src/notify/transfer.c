/*
 * What transfers by HTTP and SMTP have in common, see transfer.h: limits of time, TLS, the way out (no proxy,
 * no .netrc, nothing from the environment), the answer's begin, and words for what went wrong on the way.
 */
#include "transfer_private.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "secrets.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define VERIFY_NOT_YET_VALID 9 /* X509_V_ERR_CERT_NOT_YET_VALID */

/* --- the answer --- */

bool transfer_keep(struct transfer *transfer, const char *data, size_t length)
{
        size_t room = ANSWER_MAX - transfer->length;
        size_t kept = length < room ? length : room;

        memcpy(transfer->answer + transfer->length, data, kept);
        transfer->length += kept;
        transfer->answer[transfer->length] = '\0';
        transfer->answered += length;
        return transfer->answered <= ANSWER_LIMIT;
}

int transfer_answer_length(const struct transfer *transfer)
{
        size_t length = transfer->length;

        while (length > 0 && strchr("\r\n\t ", transfer->answer[length - 1]))
                length--;
        return (int)length; /* ANSWER_MAX at most */
}

void transfer_tell(const struct transfer *transfer, struct outcome *outcome, const char *text)
{
        char masked[ANSWER_MAX + 1];

        (void)text_copy(masked, sizeof(masked), text);
        secrets_mask(transfer->destination->secrets, transfer->request->url, masked);
        (void)text_format(outcome->problem, sizeof(outcome->problem), "%.100s ", transfer->host);
        size_t length = strlen(outcome->problem);
        (void)text_escape(outcome->problem + length, sizeof(outcome->problem) - length, masked,
                          strlen(masked));
}

/* --- words --- */

static void tell_errno(const struct transfer *transfer, struct outcome *outcome, const char *what)
{
        char text[192];
        long number = 0;

        (void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number); /* 0 stays */
        (void)text_format(text, sizeof(text), "%s%s%s", what, number ? ": " : "",
                          number ? strerror((int)number) : "");
        transfer_tell(transfer, outcome, text);
}

static void tell_timeout(const struct transfer *transfer, struct outcome *outcome)
{
        char text[64];
        curl_off_t connected = 0;

        (void)curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
        if (connected == 0)
                (void)text_format(text, sizeof(text), "cannot be reached within %d s",
                                  TRANSFER_CONNECT_TIMEOUT);
        else
                (void)text_format(text, sizeof(text), "has not answered within %d s", TRANSFER_TIMEOUT);
        transfer_tell(transfer, outcome, text);
}

/* A box without a clock begins in the past: then all certificates are of the future. */
static void tell_certificate(const struct transfer *transfer, struct outcome *outcome)
{
        char text[CURL_ERROR_SIZE + 96], clock[40] = "";
        time_t now = time(NULL);
        struct tm utc;
        long result = 0;

        (void)curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &result);
        if (result == VERIFY_NOT_YET_VALID && gmtime_r(&now, &utc))
                (void)strftime(clock, sizeof(clock), "; the clock here says %F %H:%M UTC", &utc);
        (void)text_format(text, sizeof(text), "is not trusted: %s%s",
                          transfer->error[0] ? transfer->error : "its certificate cannot be verified", clock);
        transfer_tell(transfer, outcome, text);
}

void transfer_tell_code(const struct transfer *transfer, struct outcome *outcome, CURLcode code)
{
        switch ((int)code) { /* int: there are very many */
        case CURLE_COULDNT_RESOLVE_HOST:
                transfer_tell(transfer, outcome, "cannot be resolved to an address");
                break;
        case CURLE_COULDNT_CONNECT:
                tell_errno(transfer, outcome, "cannot be reached");
                break;
        case CURLE_OPERATION_TIMEDOUT:
                tell_timeout(transfer, outcome);
                break;
        case CURLE_PEER_FAILED_VERIFICATION:
                tell_certificate(transfer, outcome);
                break;
        case CURLE_SSL_CACERT_BADFILE:
                transfer_tell(transfer, outcome, "is not trusted: ca_file cannot be used");
                break;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_USE_SSL_FAILED:
                transfer_tell(transfer, outcome,
                              transfer->error[0] ? transfer->error : curl_easy_strerror(code));
                break;
        case CURLE_GOT_NOTHING:
                transfer_tell(transfer, outcome, "closed the connection without an answer");
                break;
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
                tell_errno(transfer, outcome, "broke the connection");
                break;
        case CURLE_UNSUPPORTED_PROTOCOL:
                transfer_tell(
                    transfer, outcome,
                    "is not asked: the address must be https:// (or http:// with plain_http = yes)");
                break;
        default: /* libcurl's own words, not the buffer's: they hold nothing of the address */
                transfer_tell(transfer, outcome, curl_easy_strerror(code));
                break;
        }
}

/* --- life --- */

/* The host alone, or a word for an address that is none: what the address says else may be a secret. */
static void find_host(struct transfer *transfer)
{
        CURLU *url = curl_url();
        char *host = NULL;

        (void)text_copy(transfer->host, sizeof(transfer->host), "the receiver");
        if (url && curl_url_set(url, CURLUPART_URL, transfer->request->url, CURLU_NON_SUPPORT_SCHEME) == 0 &&
            curl_url_get(url, CURLUPART_HOST, &host, 0) == 0)
                (void)text_escape(transfer->host, sizeof(transfer->host), host, strlen(host));
        curl_free(host);
        curl_url_cleanup(url);
}

/* Verified always. An own CA is the only one: who names it does not mean "or any other". */
static CURLcode set_tls(const struct transfer *transfer)
{
        const char *ca_file = transfer->destination->ca_file;
        CURL *easy = transfer->easy;
        CURLcode code = CURLE_OK;

        SET(code, easy, CURLOPT_SSL_VERIFYPEER, 1L);
        SET(code, easy, CURLOPT_SSL_VERIFYHOST, 2L);
        SET(code, easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        if (ca_file[0]) {
                SET(code, easy, CURLOPT_CAINFO, ca_file);
                SET(code, easy, CURLOPT_CAPATH, NULL);
        }
        return code;
}

/* The environment is not asked: who sets a proxy for a shell has not meant the alarm. */
static CURLcode set_way_out(const struct transfer *transfer)
{
        CURL *easy = transfer->easy;
        CURLcode code = CURLE_OK;

        SET(code, easy, CURLOPT_PROXY, "");
        SET(code, easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
        SET(code, easy, CURLOPT_FOLLOWLOCATION, 0L);
        SET(code, easy, CURLOPT_NOSIGNAL, 1L);
        SET(code, easy, CURLOPT_CONNECTTIMEOUT, (long)TRANSFER_CONNECT_TIMEOUT);
        SET(code, easy, CURLOPT_TIMEOUT, (long)TRANSFER_TIMEOUT);
#if LIBCURL_VERSION_NUM >= 0x075700
        /* A name that is not resolved in time is left to its thread: to wait for it would hold up all the
         * others. Older libraries do not know it. */
        if (code == CURLE_OK)
                (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
        return code;
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

int transfer_add(struct transfer *transfer, const char *text)
{
        struct curl_slist *list = curl_slist_append(transfer->list, text);

        if (!list)
                return -ENOMEM;
        transfer->list = list;
        return 0;
}

/* CURLOPT_PROTOCOLS is deprecated since 7.85 and the only one that older libraries know. */
CURLcode transfer_set_protocols(const struct transfer *transfer, long allowed)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        return curl_easy_setopt(transfer->easy, CURLOPT_PROTOCOLS, allowed);
#pragma GCC diagnostic pop
}

static void on_end(void *userdata, CURLcode code)
{
        struct transfer *transfer = userdata;
        struct outcome outcome = {0};

        transfer->protocol->judge(transfer, code, &outcome);
        transfer->done(transfer->userdata, &outcome);
}

static int prepare(struct transfer *transfer)
{
        CURLcode code = CURLE_OK;

        transfer->easy = curl_easy_init();
        if (!transfer->easy)
                return -ENOMEM;
        SET(code, transfer->easy, CURLOPT_ERRORBUFFER, transfer->error);
        SET(code, transfer->easy, CURLOPT_URL, transfer->request->url);
        if (code == CURLE_OK)
                code = set_way_out(transfer);
        if (code == CURLE_OK)
                code = set_tls(transfer);
        if (code == CURLE_OK)
                code = set_account(transfer);
        return code == CURLE_OK ? transfer->protocol->prepare(transfer) : -ENOMEM;
}

static void cleanup_transfer(struct transfer **transfer)
{
        *transfer = transfer_free(*transfer);
}

int transfer_new(struct transfer **ret, struct wire *wire, enum receiver_transport transport,
                 const struct destination *destination, const struct request *request, transfer_done_fn done,
                 void *userdata)
{
        _cleanup_(cleanup_transfer) struct transfer *transfer = calloc(1, sizeof(*transfer));

        if (!transfer)
                return -ENOMEM;
        transfer->wire = wire;
        transfer->protocol = transport == TRANSPORT_SMTP ? &protocol_smtp : &protocol_http;
        transfer->destination = destination;
        transfer->request = request;
        transfer->done = done;
        transfer->userdata = userdata;
        transfer->end = (struct wire_end){.ended = on_end, .userdata = transfer};
        find_host(transfer);
        int r = prepare(transfer);
        if (r == 0)
                r = wire_put(wire, transfer->easy, &transfer->end);
        if (r < 0)
                return r;
        *ret = transfer;
        transfer = NULL;
        return 0;
}

struct transfer *transfer_free(struct transfer *transfer)
{
        if (!transfer)
                return NULL;
        if (transfer->easy) {
                wire_take_off(transfer->wire, transfer->easy);
                curl_easy_cleanup(transfer->easy);
        }
        curl_slist_free_all(transfer->list);
        free(transfer);
        return NULL;
}
