/*
 * Where smsd keeps its own files, as smsd.conf says (and Debian's defaults where it does not).
 */
#include "daemon.h"

#include "base/log.h"
#include "base/text.h"

#include <string.h>

static void take(const struct smsd_conf *conf, const char *key, const char *fallback,
                 char target[CONFIG_PATH_MAX])
{
        if (smsd_conf_get(conf, NULL, key, target, CONFIG_PATH_MAX) < 0 || target[0] != '/')
                (void)text_copy(target, CONFIG_PATH_MAX, fallback);
}

static void read_files(const struct smsd_conf *conf, struct smsd_files *ret_files)
{
        char stats[CONFIG_PATH_MAX];

        memset(ret_files, 0, sizeof(*ret_files));
        take(conf, "pidfile", "/var/run/smstools/smsd.pid", ret_files->pidfile);
        take(conf, "infofile", "/var/run/smstools/smsd.working", ret_files->infofile);
        take(conf, "logfile", "", ret_files->logfile);
        take(conf, "outgoing", "/var/spool/sms/outgoing", ret_files->outgoing);
        take(conf, "checked", "/var/spool/sms/checked", ret_files->checked);
        take(conf, "failed", "", ret_files->failed);
        take(conf, "incoming", "/var/spool/sms/incoming", ret_files->incoming);
        take(conf, "stats", "", stats);
        if (stats[0] && text_format(ret_files->status, sizeof(ret_files->status), "%s/status", stats) < 0)
                ret_files->status[0] = '\0';
}

static void follow_log(struct daemon *daemon, const char *path)
{
        daemon->log = file_follow_free(daemon->log);
        if (path[0] == '\0')
                return;
        int r = file_follow_new(&daemon->log, daemon->event, path, daemon_log_line, daemon);
        if (r < 0)
                log_warning("smsd's log %s cannot be followed: %s", path, strerror(-r));
}

static bool same_queues(const struct smsd_files *a, const struct smsd_files *b)
{
        return text_equal(a->outgoing, b->outgoing) && text_equal(a->checked, b->checked) &&
               text_equal(a->failed, b->failed) && text_equal(a->incoming, b->incoming);
}

void daemon_learn_files(struct daemon *daemon, const char *text, size_t length)
{
        struct smsd_conf conf = {.text = text, .length = length};
        struct smsd_files files;

        read_files(&conf, &files);
        if (!text_equal(files.logfile, daemon->files.logfile))
                follow_log(daemon, files.logfile);
        else if (daemon->log)
                file_follow_check(daemon->log);
        if (!text_equal(files.pidfile, daemon->files.pidfile)) {
                int r = process_table_set_pidfile(daemon->processes, files.pidfile);
                if (r < 0)
                        log_error("the pidfile of smsd cannot be watched: %s", strerror(-r));
        }
        bool other_queues = !same_queues(&files, &daemon->files);
        daemon->files = files;
        if (other_queues)
                daemon_watch_queues(daemon);
}
