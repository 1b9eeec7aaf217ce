/*
 * An address with another path, by libcurl's URL parser: what the receivers derive an API's address with.
 */
#include "receiver_private.h"

#include "base/text.h"

#include <curl/curl.h>
#include <errno.h>

static void cleanup_curlu(CURLU **url)
{
        curl_url_cleanup(*url);
}

static void cleanup_curl_text(char **text)
{
        curl_free(*text);
}

int url_path(const char *text, char *target, size_t size)
{
        _cleanup_(cleanup_curlu) CURLU *url = curl_url();
        _cleanup_(cleanup_curl_text) char *path = NULL;

        if (!url)
                return -ENOMEM;
        if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
            curl_url_get(url, CURLUPART_PATH, &path, 0) != CURLUE_OK)
                return -EINVAL;
        return text_copy(target, size, path) < 0 ? -EINVAL : 0;
}

int url_with_path(const char *text, const char *path, char *target, size_t size)
{
        _cleanup_(cleanup_curlu) CURLU *url = curl_url();
        _cleanup_(cleanup_curl_text) char *whole = NULL;

        if (!url)
                return -ENOMEM;
        if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
            curl_url_set(url, CURLUPART_PATH, path, 0) != CURLUE_OK ||
            curl_url_get(url, CURLUPART_URL, &whole, 0) != CURLUE_OK)
                return -EINVAL;
        return text_copy(target, size, whole) < 0 ? -EINVAL : 0;
}
