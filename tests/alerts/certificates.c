/*
 * A certificate authority for one test, see certificates.h. Elliptic curves, because RSA keys take seconds.
 */
#include "certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cmocka.h>

#define HOUR 3600L
#define DAY  (24 * HOUR)

struct wanted {
        const char *common_name, *names; /* names: subjectAltName, NULL: an authority */
        long from, until;                /* seconds from now */
};

static void add_extension(X509 *certificate, int nid, const char *value)
{
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

        assert_non_null(extension);
        assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
        X509_EXTENSION_free(extension);
}

/* `issuer` NULL: signed by its own key. */
static X509 *make(EVP_PKEY *key, const struct wanted *wanted, const X509 *issuer, EVP_PKEY *issuer_key)
{
        static long serial = 1;
        X509 *certificate = X509_new();
        time_t now = time(NULL);

        assert_non_null(certificate);
        assert_int_equal(X509_set_version(certificate, 2), 1);
        assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++), 1);
        assert_non_null(X509_time_adj_ex(X509_getm_notBefore(certificate), 0, wanted->from, &now));
        assert_non_null(X509_time_adj_ex(X509_getm_notAfter(certificate), 0, wanted->until, &now));
        X509_NAME *name = X509_get_subject_name(certificate);
        assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                    (const unsigned char *)wanted->common_name, -1, -1, 0),
                         1);
        assert_int_equal(X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : name), 1);
        assert_int_equal(X509_set_pubkey(certificate, key), 1);
        add_extension(certificate, NID_basic_constraints, wanted->names ? "CA:FALSE" : "critical,CA:TRUE");
        if (wanted->names)
                add_extension(certificate, NID_subject_alt_name, wanted->names);
        assert_true(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
        return certificate;
}

void authority_init(struct authority *authority)
{
        static const struct wanted wanted = {"test authority", NULL, -2 * DAY, 2 * DAY};

        authority->key = EVP_EC_gen("P-256");
        assert_non_null(authority->key);
        authority->certificate = make(authority->key, &wanted, NULL, authority->key);
}

void authority_done(struct authority *authority)
{
        X509_free(authority->certificate);
        EVP_PKEY_free(authority->key);
}

void authority_write(const struct authority *authority, const char *path)
{
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_int_equal(PEM_write_X509(file, authority->certificate), 1);
        assert_int_equal(fclose(file), 0);
}

SSL_CTX *authority_server(const struct authority *authority, enum certificate kind)
{
#define HERE "IP:127.0.0.1,DNS:localhost"
        static const struct wanted all[CERTIFICATE_MAX] = {
            [CERTIFICATE_GOOD] = {"127.0.0.1", HERE, -HOUR, DAY},
            [CERTIFICATE_WRONG_NAME] = {"other.example", "DNS:other.example", -HOUR, DAY},
            [CERTIFICATE_EXPIRED] = {"127.0.0.1", HERE, -DAY, -HOUR},
            [CERTIFICATE_NOT_YET] = {"127.0.0.1", HERE, DAY, 2 * DAY},
            [CERTIFICATE_SELF_SIGNED] = {"127.0.0.1", HERE, -HOUR, DAY},
        };
        bool alone = kind == CERTIFICATE_SELF_SIGNED;
        EVP_PKEY *key = EVP_EC_gen("P-256");
        assert_non_null(key);
        X509 *certificate =
            make(key, &all[kind], alone ? NULL : authority->certificate, alone ? key : authority->key);
        SSL_CTX *context = SSL_CTX_new(TLS_server_method());

        assert_non_null(context);
        assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
        X509_free(certificate);
        EVP_PKEY_free(key);
        return context;
}
