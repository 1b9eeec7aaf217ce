/*
 * For the tests of the model: one modem in virtual time, and a way to talk with it.
 */
#ifndef EC25_TEST_FIXTURE_H
#define EC25_TEST_FIXTURE_H

#include "base/text.h"
#include "ec25/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the headers above first */
#include <cmocka.h>

struct fixture {
        struct ec25 *modem;
        usec_t now;
        char heard[8192];
        size_t length;
};

static inline void hear(struct fixture *f, enum ec25_port port)
{
        const void *bytes;
        size_t length;

        f->length = 0;
        while ((length = ec25_output(f->modem, port, f->now, &bytes))) {
                assert_true(f->length + length < sizeof(f->heard));
                memcpy(f->heard + f->length, bytes, length);
                f->length += length;
                ec25_consume(f->modem, port, length);
        }
        f->heard[f->length] = '\0';
}

static inline const char *say_on(struct fixture *f, enum ec25_port port, const char *text)
{
        ec25_input(f->modem, port, text, strlen(text), f->now);
        hear(f, port);
        return f->heard;
}

static inline const char *say(struct fixture *f, const char *text)
{
        return say_on(f, EC25_AT, text);
}

static inline void pass(struct fixture *f, usec_t time)
{
        f->now += time;
        ec25_advance(f->modem, f->now);
}

static inline int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        if (!f || ec25_new(0, &f->modem) < 0)
                return -1;
        f->now = 1000 * USEC_PER_SEC;
        *state = f;
        return 0;
}

/* Booted, boot URCs heard, echo off. */
static inline int setup_ready(void **state)
{
        if (setup(state) < 0)
                return -1;
        struct fixture *f = *state;
        ec25_power_on(f->modem, 0, f->now);
        hear(f, EC25_AT);
        say(f, "ATE0\r");
        return text_equal(f->heard, "ATE0\r\r\nOK\r\n") ? 0 : -1;
}

static inline int teardown(void **state)
{
        struct fixture *f = *state;

        ec25_free(f->modem);
        free(f);
        return 0;
}

#define READY(test) cmocka_unit_test_setup_teardown(test, setup_ready, teardown)

#endif
