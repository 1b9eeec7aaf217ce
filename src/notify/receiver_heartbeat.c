/*
 * The heartbeat (dead man's switch): a sign of life that somebody outside misses when it stays away. With a
 * GET the arrival is all there is; a POST tells how the gateway is.
 */
#include "receiver_private.h"

#include "base/text.h"

#include <errno.h>

static json_t *describe(const struct heartbeat *heartbeat)
{
        char at[TIME_MAX];

        time_text(at, heartbeat->at);
        return json_pack("{s:I, s:o, s:o, s:o, s:s}", "number", (json_int_t)heartbeat->number, "verdict",
                         json_text(heartbeat->verdict), "reason", json_text(heartbeat->reason), "host",
                         json_text(heartbeat->host), "at", at);
}

static int get(const char *url, const struct secrets *secrets, struct request *ret_request)
{
        struct request request = {.method = "GET"};

        if (text_copy(request.url, sizeof(request.url), url) < 0 ||
            (secrets->token[0] && request_header(&request, "Authorization: Bearer %s", secrets->token) < 0))
                return -EINVAL;
        *ret_request = request;
        return 0;
}

int heartbeat_format(const struct heartbeat_config *config, const struct secrets *secrets,
                     const struct heartbeat *heartbeat, struct request *ret_request)
{
        const char *url = secrets->url[0] ? secrets->url : config->url;
        char problem[128]; /* a heartbeat is not parked: who sends it says that it cannot be built */

        if (config->get)
                return get(url, secrets, ret_request);
        return request_post(ret_request, url, secrets, NULL, describe(heartbeat),
                            &(struct complaint){problem, sizeof(problem)});
}
