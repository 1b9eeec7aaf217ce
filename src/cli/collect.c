/*
 * Where the state of the gateway comes from, see collect.h.
 */
#include "collect.h"

#include "adapters/conf_file.h"
#include "base/text.h"

#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

int collect_connect(struct control_client **ret, const struct config *config)
{
        char path[CONFIG_PATH_MAX];
        int r = text_format(path, sizeof(path), "%s/bus", config->runtime_dir);

        return r < 0 ? r : control_client_connect(ret, path, COLLECT_TIMEOUT);
}

const char *collect_error_to_string(int error)
{
        switch (error) {
        case -ENOENT:
        case -ECONNREFUSED:
                return "no controller is running";
        case -ETIMEDOUT:
                return "the controller does not answer";
        case -EACCES:
        case -EPERM:
                return "the controller may not be reached by this user";
        case -ECONNRESET:
        case -EPIPE:
                return "the controller ended the connection";
        case -EBADMSG:
                return "the controller was not understood";
        default:
                return "the controller cannot be reached";
        }
}

const char *collect_start_hint(void)
{
        return sd_booted() > 0 ? "start the controller: `systemctl start smswardend`"
                               : "start the controller: `smswardend`, as root";
}

void conf_path(const struct smsd_conf *conf, const char *key, const char *fallback, char *target, size_t size)
{
        if (smsd_conf_get(conf, NULL, key, target, size) < 0 || target[0] != '/')
                (void)text_copy(target, size, fallback);
}

static int ask_controller(const struct config *config, struct snapshot *ret_snapshot)
{
        _cleanup_(control_client_cleanup) struct control_client *client = NULL;
        int r = collect_connect(&client, config);

        return r < 0 ? r : control_client_snapshot(client, COLLECT_TIMEOUT, ret_snapshot);
}

void collect_snapshot(const struct config *config, struct snapshot *ret_snapshot)
{
        _cleanup_free_ char *text = NULL;
        struct conf_file_id id;
        struct smsd_conf conf = {0};
        bool readable = conf_file_read(config->smsd_conf, &text, &conf.length, &id) == 0;

        conf.text = text;
        int r = ask_controller(config, ret_snapshot);
        if (r < 0)
                offline_snapshot(config, readable ? &conf : NULL, collect_error_to_string(r), ret_snapshot);
        if (!readable)
                return;
        queues_count(config, &conf, time(NULL), ret_snapshot);
        traffic_read(&conf, ret_snapshot);
}
