/*
 * Where the state of the gateway comes from: the controller, or, when there is none, what can be seen on the
 * disk and in /proc. What a controller leaves to the looker (files in the queues, the last SMS in smsd's log)
 * is added to either.
 */
#ifndef CLI_COLLECT_H
#define CLI_COLLECT_H

#include "adapters/control_client.h"
#include "core/config.h"
#include "core/snapshot.h"

#define COLLECT_TIMEOUT (3 * USEC_PER_SEC)

/* RUNTIME_DIR/bus. */
int collect_connect(struct control_client **ret, const struct config *config);

/* Always succeeds: what cannot be known is null. */
void collect_snapshot(const struct config *config, struct snapshot *ret_snapshot);

/* "no controller is running", ...: what an error of the control client means. */
const char *collect_error_to_string(int error);

/* What to do when no controller answers. */
const char *collect_start_hint(void);

/* offline.c: judges without a controller; `cause` says why there is none. Never better than degraded. */
void offline_snapshot(const struct config *config, const struct smsd_conf *conf, const char *cause,
                      struct snapshot *ret_snapshot);

/* queues.c: counts the files that wait in smsd's folders. */
void queues_count(const struct config *config, const struct smsd_conf *conf, int64_t now_seconds,
                  struct snapshot *snapshot);

/* traffic.c: the last SMS sent and received, out of the end of smsd's log, where they are not known. */
void traffic_read(const struct smsd_conf *conf, struct snapshot *snapshot);

/* Of the same: the last `size` bytes of the log, `whole` when that is all of it (0 or a negative errno); the
 * time of one of its lines in microseconds, 0 none. */
int traffic_read_tail(const char *path, char *tail, size_t size, size_t *ret_length, bool *ret_whole);
snapshot_time_t traffic_line_time(const char *line, size_t length);

/* An absolute path that smsd.conf gives, `fallback` where it gives none. */
void conf_path(const struct smsd_conf *conf, const char *key, const char *fallback, char *target,
               size_t size);

#endif
