/*
 * What the parts of the process table share: process_table.c owns the watches and the list,
 * process_table_proc.c reads /proc, process_table_binary.c watches the binary.
 */
#ifndef PROCESS_TABLE_PRIVATE_H
#define PROCESS_TABLE_PRIVATE_H

#include "core/process.h"

#include <limits.h>
#include <sys/stat.h>

/* What makes a process an smsd, and an smsd ours. Refreshed at each scan: a package upgrade replaces the
 * binary, an edit the conf. */
struct smsd_identity {
        char binary[PATH_MAX]; /* resolved; as last seen when the file is absent now */
        char conf[PATH_MAX];
        struct stat binary_stat; /* st_ino 0: absent */
        struct stat conf_stat;
        struct stat namespace; /* our pid namespace */
        bool by_name;
};

/* What its command line says about the configuration it runs on. */
enum conf_verdict {
        CONF_FOREIGN, /* it lives in another pid namespace: never ours */
        CONF_OTHER,
        CONF_OURS,
        CONF_UNKNOWN_MAIN,    /* not to be told from the command line (yet, any more) */
        CONF_UNKNOWN_HANDLER, /* the same, and it calls itself a modem's handler */
};

/*
 * Fills `ret_process` (all but `ours` and `in_pidfile`) and the verdict for process `pid`. proc_fd is open on
 * /proc. Returns 1 when it is an smsd, 0 when it is something else or gone.
 */
int proc_read_smsd(int proc_fd, pid_t pid, const struct smsd_identity *identity,
                   struct smsd_process *ret_process, enum conf_verdict *ret_verdict);

/* Start time of `pid`. Returns 0, or -ESRCH. */
int proc_read_start_time(int proc_fd, pid_t pid, uint64_t *ret_start_time);

/* True when the process is on its way out: its memory, and with it what it ran, is gone; closing its port may
 * keep it there for seconds. A zombie looks the same: its pidfd tells the two apart. ret_stat is filled then.
 */
bool proc_is_leaving(int proc_fd, struct process_id id, struct process_stat *ret_stat);

/* The pid in a pidfile, 0 when there is none or it makes no sense. Only a regular file is read, and no
 * symbolic link at its end. */
pid_t read_pidfile(const char *path);

/*
 * Calls `each` for every entry of the folder `fd` whose name is a number (a pid, a file descriptor), until it
 * returns false. Allocates nothing. Returns 0 or a negative errno.
 */
int for_each_number(int fd, bool (*each)(void *userdata, unsigned number), void *userdata);

/* An inotify descriptor on the smsd binary and its folder. */
struct binary_watch {
        int fd;
        int binary_wd, folder_wd; /* -1: absent, or not to be watched */
};

int binary_watch_open(struct binary_watch *watch);

/* Watches file and folder as they are now. What is absent is told by the folder when it comes back; when that
 * is absent too, the next call finds it. */
void binary_watch_arm(struct binary_watch *watch, const char *binary);

/* Reads what has happened. `opened`: somebody opened the binary; `replaced`: another file, or none, has its
 * name now (the watch must be armed again). Lost events count as both. Returns 0 or a negative errno. */
int binary_watch_read(struct binary_watch *watch, const char *binary, bool *ret_opened, bool *ret_replaced);

#endif
