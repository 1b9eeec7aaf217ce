/*
 * Secrets, see secrets.h. A receiver's answer may repeat what it was asked (a 404 that names the path, a
 * token that "is not valid"), and the reason of a failure is shown to everybody who may see the status.
 */
#include "secrets.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define MASKED_LEAST 4 /* a shorter secret masks more than it hides */
#define PART_LEAST   8 /* of an address: "api" and "v2" are no secrets */

static int find_file(const char *file, char path[PATH_MAX], const char **ret_problem)
{
        const char *folder = getenv("CREDENTIALS_DIRECTORY");

        if (strchr(file, '/'))
                return text_copy(path, PATH_MAX, file);
        if (!folder) {
                *ret_problem = "there are no credentials (LoadCredential= in a drop-in of the unit)";
                return -ENOENT;
        }
        return text_format(path, PATH_MAX, "%s/%s", folder, file);
}

/* A secret is one line; what ends it is no part of it. */
static int cut_line(char *text, size_t length, const char **ret_problem)
{
        while (length > 0 && strchr("\r\n", text[length - 1]))
                length--;
        text[length] = '\0';
        if (length == 0)
                *ret_problem = "it is empty";
        else if (strlen(text) != length || strpbrk(text, "\r\n"))
                *ret_problem = "it must hold one line";
        else
                return 0;
        return -EINVAL;
}

static int read_secret(const char *key, const char *file, char *target, size_t target_size, char *problem,
                       size_t size)
{
        const char *why = NULL;
        char path[PATH_MAX], shown[256];
        size_t length = 0;

        if (file[0] == '\0')
                return 0;
        int r = find_file(file, path, &why);
        if (r == 0)
                r = file_read_into(path, 0, target, target_size, &length);
        if (r == 0)
                r = cut_line(target, length, &why);
        if (r == -EFBIG)
                why = "it is too long";
        if (r == 0)
                return 0;
        (void)text_escape(shown, sizeof(shown), file, strlen(file));
        (void)text_format(problem, size, "%s = %s: %s", key, shown, why ? why : strerror(-r));
        return r;
}

static int check_url(const struct secrets *secrets, const char *type, bool plain_http, char *problem,
                     size_t size)
{
        char what[160];

        if (!secrets->url[0] ||
            config_address_check(type, secrets->url, plain_http, true, what, sizeof(what)) == 0)
                return 0;
        (void)text_format(problem, size, "url_file: the address %s", what);
        return -EINVAL;
}

int secrets_load(const struct secret_files *files, struct secrets *ret_secrets, const char *type,
                 bool plain_http, char *problem, size_t size)
{
        struct secrets secrets = {0};
        int r = read_secret("url_file", files->url_file, secrets.url, sizeof(secrets.url), problem, size);

        if (r == 0)
                r = read_secret("password_file", files->password_file, secrets.password,
                                sizeof(secrets.password), problem, size);
        if (r == 0)
                r = read_secret("token_file", files->token_file, secrets.token, sizeof(secrets.token),
                                problem, size);
        if (r == 0)
                r = check_url(&secrets, type, plain_http, problem, size);
        if (r == 0)
                *ret_secrets = secrets;
        secrets_wipe(&secrets);
        return r;
}

void secrets_wipe(struct secrets *secrets)
{
        explicit_bzero(secrets, sizeof(*secrets));
}

static void mask(char *text, const char *secret, size_t length)
{
        if (length < MASKED_LEAST)
                return;
        for (char *p = text; (p = memmem(p, strlen(p), secret, length)); p += length)
                memset(p, '*', length);
}

/* All but scheme and host: the account in front of the host, what lies behind it as a whole, then its parts.
 */
static void mask_address(char *text, const char *url)
{
        const char *begin = strstr(url, "://");

        begin = begin ? begin + 3 : url;
        size_t authority = strcspn(begin, "/?#");
        const char *at = memrchr(begin, '@', authority);
        const char *rest = begin + authority;

        if (at)
                mask(text, begin, (size_t)(at - begin));
        if (at && memchr(begin, ':', (size_t)(at - begin))) {
                const char *colon = memchr(begin, ':', (size_t)(at - begin));
                mask(text, colon + 1, (size_t)(at - colon - 1));
        }
        mask(text, rest, strlen(rest));
        for (size_t length; *rest; rest += length + (rest[length] != '\0')) {
                length = strcspn(rest, "/?&=#");
                if (length >= PART_LEAST)
                        mask(text, rest, length);
        }
}

void secrets_mask(const struct secrets *secrets, const char *url, char *text)
{
        mask_address(text, url);
        mask(text, secrets->password, strlen(secrets->password));
        mask(text, secrets->token, strlen(secrets->token));
}
