/*
 * The state of the gateway as plain structs: what `status` shows. snapshot_visit() walks it in the order and
 * with the names of the JSON schema (interface.md), so that text, JSON, D-Bus (and later OpenMetrics) are
 * rendered from one description.
 */
#ifndef CORE_SNAPSHOT_H
#define CORE_SNAPSHOT_H

#include "core/alert.h"
#include "core/config.h"
#include "core/modem_facts.h"
#include "core/usb_device.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SNAPSHOT_SCHEMA 1

enum verdict { VERDICT_WORKING, VERDICT_DEGRADED, VERDICT_RECOVERING, VERDICT_HELD, VERDICT_DOWN };

/* Wall clock in microseconds since the epoch, 0: unknown. */
typedef int64_t snapshot_time_t;

struct snapshot_handler {
        char modem[SMSD_MODEM_NAME_MAX];
        pid_t pid;
        char device[DEVICE_NODE_MAX];
        char state[16];
};

struct snapshot_modem {
        char name[SMSD_MODEM_NAME_MAX];
        char state[16];
        char reason[192];
        char model[32], firmware[48], imei[16], imsi[16];
        char usb[USB_PATH_MAX];
        char device[DEVICE_NODE_MAX];
        int interface; /* -1 unknown */
        char iccid[24];
        char sim[16]; /* "" unknown */
        char registration[16];
        char operator_name[32], technology[16], band[24];
        int signal_dbm;                  /* 0 unknown */
        int storage_used, storage_total; /* -1 unknown */
        struct {
                char state[16];                        /* "" nothing is wrong; of core/ladder */
                char step[16];                         /* under way or the last one, "" none */
                char text[320];                        /* what is wrong, what is done, what comes next */
                snapshot_time_t next_at;               /* when it goes on, 0 not by time */
                int resets_left_hour, resets_left_day; /* -1 unknown */
        } recovery;
};

#define SNAPSHOT_ALERTS_MAX 16

/* An alert that is open: its end is not told yet. */
struct snapshot_alert {
        char key[ALERT_KEY_MAX];
        char severity[16];
        char summary[ALERT_TEXT_MAX];
        snapshot_time_t since;
        unsigned count; /* how often it came */
};

struct snapshot_receiver {
        char name[32];
        char type[16];
        int64_t delivered, parked;
        snapshot_time_t last_delivered;
        snapshot_time_t failing_since; /* 0: its attempts do not fail */
        char problem[192];             /* why the last attempt failed or the last alert was parked */
        char test[ALERT_ID_MAX];       /* the test alert that was delivered or parked last */
        bool test_delivered;
};

struct snapshot {
        unsigned schema;
        struct {
                bool running;
                char mode[16];
                char version[16];
                char config[64]; /* "current", or "last-good" when the configuration file was refused */
        } controller;
        enum verdict verdict;
        char reason[384];
        char next_action[384];
        bool can_send, can_receive;
        struct {
                bool running;
                pid_t pid; /* 0 none */
                snapshot_time_t since;
                unsigned n_handlers;
                struct snapshot_handler handlers[SMSD_MODEMS_MAX];
                struct {
                        char name[64];
                        char active[16]; /* "" unknown: no systemd */
                        char sub[16];
                } unit;
                char last_error[192];
        } smsd;
        struct {
                bool active;
                char by[64];
                char reason[256];
                snapshot_time_t since, until;
                char source[16];
        } hold;
        unsigned n_modems;
        struct snapshot_modem modems[SMSD_MODEMS_MAX];
        unsigned n_others; /* plugged in, but not used: refused, or no slot left */
        struct snapshot_modem others[8];
        struct {
                unsigned total;
                struct {
                        snapshot_time_t at; /* 0: none yet */
                        char cause[16];
                        char result[16];
                        int64_t ms;
                        char problem[256];
                } last;
        } restarts;
        struct {
                int64_t waiting, delivered, parked;
                int64_t dropped; /* had to go unsent for want of room; -1 unknown */
                snapshot_time_t last;
                unsigned n_open; /* the most severe ones first */
                struct snapshot_alert open[SNAPSHOT_ALERTS_MAX];
                unsigned n_receivers;
                struct snapshot_receiver receivers[CONFIG_RECEIVERS_MAX];
        } alerts;
        struct {
                int64_t outgoing, checked, failed, incoming; /* files; -1 unknown */
                int64_t oldest_s; /* age of the oldest file in outgoing and checked, -1 none */
        } queues;
        struct {
                snapshot_time_t last_sent, last_received;
        } traffic;
};

void snapshot_init(struct snapshot *snapshot);

const char *verdict_to_string(enum verdict verdict); /* working degraded recovering held down */
int verdict_from_string(const char *text, enum verdict *ret_verdict);

/* Exit code of `smswarden status`: 0 working, 1 degraded or recovering, 2 down, 3 held. */
int verdict_exit_code(enum verdict verdict);

/*
 * A visitor writes a snapshot out (to JSON, to D-Bus) or reads one in: the same walk serves both, the
 * functions get the field's address. A function returns 0 or a negative errno, which ends the walk. Text is a
 * bounded buffer; "" stands for null. A number equal to `null_value` and a time of 0 stand for null. A
 * private value (IMSI) is left out for readers that may not see it.
 */
struct snapshot_visitor {
        int (*begin_object)(void *userdata, const char *key);
        int (*end_object)(void *userdata);
        /* *n: the number of elements; a reading visitor sets it (at most max). */
        int (*begin_array)(void *userdata, const char *key, unsigned *n, unsigned max);
        int (*end_array)(void *userdata);
        int (*boolean)(void *userdata, const char *key, bool *value);
        int (*number)(void *userdata, const char *key, int64_t *value, int64_t null_value);
        int (*text)(void *userdata, const char *key, char *value, size_t size);
        int (*time)(void *userdata, const char *key, snapshot_time_t *value);
};

/* Walks the whole snapshot. `key` is NULL for the root and for array elements. */
int snapshot_visit(struct snapshot *snapshot, const struct snapshot_visitor *visitor, void *userdata);

#endif
