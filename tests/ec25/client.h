/*
 * The test's end of softec25's control socket. Free of any library, so that every test can link it:
 *
 *     struct ec25_client *modem;
 *     ec25_client_start("build/softec25", directory, (const char *[]){"--umockdev", NULL}, &modem);
 *     ec25_client_command(modem, 1000, NULL, "plug 0");
 *     ec25_client_command(modem, 6000, NULL, "wait-sent 0 1 5000");
 *
 * One command at a time; the calls block until the answer is there.
 */
#ifndef EC25_CLIENT_H
#define EC25_CLIENT_H

#include <sys/types.h>

struct ec25_client;

/* Connects to a softec25 that runs on `directory`. 0 or a negative errno. */
int ec25_client_connect(const char *directory, struct ec25_client **ret_client);

/*
 * Starts `program` on `directory` (which must exist) with further `arguments` (NULL-ended, or NULL), waits
 * until it is ready (5 s at most) and connects. It ends with ec25_client_free, or with us. 0, -ETIMEDOUT,
 * -ECHILD (it ended), other errno.
 */
int ec25_client_start(const char *program, const char *directory, const char *const *arguments,
                      struct ec25_client **ret_client);

/* Ends the program that ec25_client_start started. Takes NULL, returns NULL. */
struct ec25_client *ec25_client_free(struct ec25_client *client);

/*
 * Sends a command and waits for its answer. The lines before the last one go to `ret_answer` when it is not
 * NULL (malloc'ed, "" when none). 0; -EINVAL: softec25 says error, which is kept for ec25_client_error;
 * -ETIMEDOUT; -EPIPE.
 */
int ec25_client_command(struct ec25_client *client, int timeout_ms, char **ret_answer, const char *format,
                        ...) __attribute__((format(printf, 4, 5)));

/* What softec25 said last, without "error: "; "" when it said ok. */
const char *ec25_client_error(const struct ec25_client *client);

/* The value of a variable in the line `ready` (UMOCKDEV_DIR, LD_PRELOAD, EC25_NODES); NULL when there is
 * none. */
const char *ec25_client_environment(const struct ec25_client *client, const char *name);

/* The process started, 0 when connected only. */
pid_t ec25_client_pid(const struct ec25_client *client);

#endif
