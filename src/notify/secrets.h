/* Secrets: read from files or systemd's credentials, and taken out of what people are shown. */
#ifndef NOTIFY_SECRETS_H
#define NOTIFY_SECRETS_H

#include "receiver.h"

#include <stdbool.h>

/* Where they are; "" none. A path, or the name of a credential ($CREDENTIALS_DIRECTORY). */
struct secret_files {
        const char *url_file, *password_file, *token_file;
};

/* For a receiver of `type` ("heartbeat"). 0, or a negative errno with a sentence in `problem` that names the
 * key and the file: one that cannot be read, or an address that the type cannot use; ret_secrets is untouched
 * then. */
int secrets_load(const struct secret_files *files, struct secrets *ret_secrets, const char *type,
                 bool plain_http, char *problem, size_t size);

void secrets_wipe(struct secrets *secrets);

/* Puts asterisks in the place of every secret in `text`, and of what in an address may be one: account, path
 * and query. Before it is escaped. */
void secrets_mask(const struct secrets *secrets, const char *url, char *text);

#endif
