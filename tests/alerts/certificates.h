/*
 * A certificate authority for one test: made when it is asked for, thrown away after it. Its certificates are
 * right, or wrong in one way.
 */
#ifndef TESTS_ALERTS_CERTIFICATES_H
#define TESTS_ALERTS_CERTIFICATES_H

#include <openssl/ssl.h>

enum certificate {
        CERTIFICATE_GOOD,        /* for 127.0.0.1 and localhost */
        CERTIFICATE_WRONG_NAME,  /* for another host */
        CERTIFICATE_EXPIRED,     /* an hour ago */
        CERTIFICATE_NOT_YET,     /* in a day */
        CERTIFICATE_SELF_SIGNED, /* by nobody that anybody knows */
        CERTIFICATE_MAX
};

struct authority {
        EVP_PKEY *key;
        X509 *certificate;
};

/* Fail the test when something fails. */
void authority_init(struct authority *authority);
void authority_done(struct authority *authority);

/* Writes its own certificate, for `ca_file`. */
void authority_write(const struct authority *authority, const char *path);

/* A server's context with such a certificate; the caller frees. */
SSL_CTX *authority_server(const struct authority *authority, enum certificate kind);

#endif
