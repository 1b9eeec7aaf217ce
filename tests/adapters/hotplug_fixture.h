/*
 * What the hotplug tests share: a journal of everything that was told, and a loop that waits for it.
 */
#ifndef HOTPLUG_FIXTURE_H
#define HOTPLUG_FIXTURE_H

#include "adapters/hotplug.h"

#include "base/text.h"
#include "base/usec.h"

#include "temp_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#define PATIENCE (10 * USEC_PER_SEC)

/* --- what was told --- */

struct told {
        unsigned devices, gone, enumerated, nodes;
        struct usb_device last;
        char last_gone[USB_PATH_MAX];
        char journal[4096]; /* "+1-1 -1-1 E n+ n- " */
        bool node_present;
};

static inline void note(struct told *told, const char *what, const char *name)
{
        (void)text_append(told->journal, sizeof(told->journal), "%s%s ", what,
                          name); /* a storm's journal is cut */
}

static inline void on_device(void *userdata, const struct usb_device *device)
{
        struct told *told = userdata;

        told->devices++;
        told->last = *device;
        note(told, "+", device->path);
}

static inline void on_gone(void *userdata, const char *usb_path)
{
        struct told *told = userdata;

        told->gone++;
        (void)text_copy(told->last_gone, sizeof(told->last_gone), usb_path);
        note(told, "-", usb_path);
}

static inline void on_enumerated(void *userdata)
{
        struct told *told = userdata;

        told->enumerated++;
        note(told, "E", "");
}

static inline void on_node(void *userdata, const char *path, bool present)
{
        struct told *told = userdata;

        (void)path;
        told->nodes++;
        told->node_present = present;
        note(told, present ? "n+" : "n-", "");
}

static const struct hotplug_callbacks callbacks = {on_device, on_gone, on_enumerated, on_node};

struct fixture {
        void *bed; /* of the test bed, where there is one */
        sd_event *event;
        struct hotplug *hotplug;
        struct told told;
        char folder[64]; /* of the fake sysfs and /dev */
};

static inline usec_t now(void)
{
        struct timespec time;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &time), 0);
        return (usec_t)time.tv_sec * USEC_PER_SEC + (usec_t)time.tv_nsec / 1000;
}

/* Runs the loop until nothing happened for a moment: for what must NOT be told. */
static inline void settle(struct fixture *fixture)
{
        while (sd_event_run(fixture->event, 50 * USEC_PER_MSEC) > 0)
                ;
}

/* Runs the loop until the condition holds. */
#define WAIT_UNTIL(fixture, condition)                                                                       \
        do {                                                                                                 \
                usec_t deadline = now() + PATIENCE;                                                          \
                while (!(condition) && now() < deadline)                                                     \
                        assert_true(sd_event_run((fixture)->event, 100 * USEC_PER_MSEC) >= 0);               \
                if (!(condition))                                                                            \
                        fail_msg("never: %s; told: %s", #condition, (fixture)->told.journal);                \
        } while (0)

static inline unsigned count_nodes(const struct usb_device *device)
{
        unsigned n = 0;

        for (unsigned i = 0; i < device->n_interfaces; i++)
                n += device->interfaces[i].node[0] != '\0';
        return n;
}

static inline int setup(void **state)
{
        struct fixture *fixture = calloc(1, sizeof(*fixture));

        if (sd_event_new(&fixture->event) < 0)
                return -1;
        (void)text_copy(fixture->folder, sizeof(fixture->folder), "/tmp/test_hotplug.XXXXXX");
        *state = fixture;
        return mkdtemp(fixture->folder) ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
        (void)st;
        (void)type;
        (void)where;
        return remove(path);
}

static inline int teardown(void **state)
{
        struct fixture *fixture = *state;

        fixture->hotplug = hotplug_free(fixture->hotplug);
        sd_event_unref(fixture->event);
        temp_folder_remove(fixture->folder);
        free(fixture);
        return 0;
}

static inline void start(struct fixture *fixture, const struct hotplug_options *options)
{
        assert_int_equal(hotplug_new(&fixture->hotplug, fixture->event, options, &callbacks, &fixture->told),
                         0);
        assert_int_equal(hotplug_enumerate(fixture->hotplug), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

#endif
