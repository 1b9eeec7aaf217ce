/*
 * The profiles of the daemon: read before the configuration, which names them. At the start a file that is
 * wrong is left out, and what was built in or shipped under its name serves; at a reload it is refused like a
 * mistake in smswarden.conf.
 */
#include "daemon.h"

#include "adapters/profile_file.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define SHIPPED SMSWARDEN_DATADIR "/profiles.d"

static int load(const char *config_path, struct profile_table **ret_table,
                struct profile_file_result *ret_result)
{
        char own[CONFIG_PATH_MAX + 16];
        int r = profile_file_own_folder(config_path, own, sizeof(own));

        return r < 0 ? r : profile_file_load(SHIPPED, own, ret_table, ret_result);
}

static void tell_missing(const struct profile_file_result *result)
{
        if (result->shipped == 0)
                log_notice("there are no profiles in %s: the built-in ones are used", SHIPPED);
}

int daemon_start_profiles(struct daemon *daemon)
{
        struct profile_file_result result;
        int r = load(daemon->config_path, &daemon->profiles, &result);

        if (r < 0) {
                log_error("the profiles cannot be read: %s", strerror(-r));
                return r;
        }
        tell_missing(&result);
        if (result.refused == 0)
                return 0;
        log_error("%s; what is built in or shipped under that name is used", result.error.message);
        (void)text_copy(daemon->config_problem, sizeof(daemon->config_problem), result.error.message);
        return 0;
}

int daemon_read_profiles(const char *config_path, struct profile_table **ret_table,
                         struct config_file_error *ret_error)
{
        struct profile_table *table;
        struct profile_file_result result;
        int r = load(config_path, &table, &result);

        if (r < 0) {
                (void)text_format(ret_error->message, sizeof(ret_error->message),
                                  "the profiles cannot be read: %s", strerror(-r));
                return r;
        }
        if (result.refused > 0) {
                *ret_error = result.error;
                free(table);
                return -EINVAL;
        }
        *ret_table = table;
        return 0;
}
