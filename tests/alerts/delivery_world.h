/*
 * What the tests of smswarden-notify share: the program, its servers, and what must be true afterwards.
 */
#ifndef TESTS_ALERTS_DELIVERY_WORLD_H
#define TESTS_ALERTS_DELIVERY_WORLD_H

#include "certificates.h"
#include "http_server.h"
#include "messages.h"
#include "notifier.h"

#include "base/file.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct world {
        struct notifier notifier;
        struct authority authority;
        struct http_server *servers[3];
};

static inline struct world *world_new(void)
{
        struct world *world = calloc(1, sizeof(*world));

        assert_non_null(world);
        notifier_init(&world->notifier);
        return world;
}

static inline int setup(void **state)
{
        *state = world_new();
        return 0;
}

static inline int teardown(void **state)
{
        struct world *world = *state;

        notifier_done(&world->notifier);
        for (size_t i = 0; i < ARRAY_SIZE(world->servers); i++)
                http_server_free(world->servers[i]);
        if (world->authority.key)
                authority_done(&world->authority);
        free(world);
        return 0;
}

/* A server and the receiver NAME at it. */
static inline struct http_server *add_server(struct world *world, unsigned i, const char *name)
{
        world->servers[i] = http_server_new(NULL);
        notifier_configure(&world->notifier, "[notify %s]\ntype = webhook\nurl = http://127.0.0.1:%u/hook\n",
                           name, http_server_port(world->servers[i]));
        return world->servers[i];
}

static inline void assert_id(struct http_server *server, unsigned n, uint64_t sequence)
{
        char id[128], wanted[ALERT_ID_MAX];

        message_id(sequence, wanted);
        http_request_header(http_server_request(server, n), "Idempotency-Key", id, sizeof(id));
        assert_string_equal(id, wanted);
}

static inline void assert_delivered(const struct world *world, const char *name, uint64_t n)
{
        struct delivery_receiver state = notifier_state(&world->notifier, name);

        assert_int_equal(state.position, n);
        assert_int_equal(state.delivered, n);
        assert_int_equal(state.parked, 0);
        assert_int_equal(state.failing_since, 0);
        assert_int_equal(state.attempts, 0);
        assert_string_equal(state.problem, "");
        assert_string_equal(state.spool, MESSAGE_SPOOL);
}

static inline void assert_parked(const struct world *world, const char *name, uint64_t sequence,
                                 const char *reason)
{
        char path[512], text[8192];
        size_t length;

        (void)text_format(path, sizeof(path), "%s/parked/%s/%020llu.json", world->notifier.state, name,
                          (unsigned long long)sequence);
        assert_int_equal(file_read_into(path, 0, text, sizeof(text), &length), 0);
        assert_non_null(strstr(text, "smsd crashed"));
        memcpy(strstr(path, ".json"), ".reason", sizeof(".reason"));
        assert_int_equal(file_read_into(path, 0, text, sizeof(text), &length), 0);
        if (!strstr(text, reason))
                fail_msg("no \"%s\" in %s", reason, text);
}

static inline bool is_refused(const struct delivery_receiver *state)
{
        return strstr(state->problem, "Connection refused") && state->failing_since > 0;
}

#define world_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

#endif
