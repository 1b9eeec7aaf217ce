/*
 * Facts about one process out of /proc, for the process table. Everything is read relative to an open /proc
 * into buffers on the stack; a process may vanish between any two reads, which is then no smsd rather than an
 * error.
 *
 * A process is an smsd when its exe link leads to the smsd binary: names in argv and comm can be had by
 * anybody. After a package upgrade the link of a running smsd reads "/usr/sbin/smsd (deleted)", which still
 * counts.
 */
#include "process_table_private.h"

#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

#define DELETED " (deleted)"

/* The devices (drivers) that a modem never is: mem, /dev/tty and console, misc. */
#define MAJOR_MEM       1
#define MAJOR_AUX       5
#define MAJOR_MISC      10
#define MAJOR_PTS_FIRST 136
#define MAJOR_PTS_LAST  143

int for_each_number(int fd, bool (*each)(void *userdata, unsigned number), void *userdata)
{
        _Alignas(struct dirent64) char buffer[8192];

        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        for (;;) {
                ssize_t n = getdents64(fd, buffer, sizeof(buffer));
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                for (ssize_t at = 0; at < n;) {
                        const struct dirent64 *entry = (const struct dirent64 *)(buffer + at);
                        unsigned number;
                        if (parse_unsigned(entry->d_name, 0, INT_MAX, &number) == 0 &&
                            !each(userdata, number))
                                return 0;
                        at += entry->d_reclen;
                }
        }
}

/* Reads at most size - 1 bytes of a file and ends them with a NUL. Returns the number of bytes or a negative
 * errno. */
static ssize_t read_at(int dir_fd, const char *path, int flags, char *buffer, size_t size)
{
        _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | flags);

        if (fd < 0)
                return -errno;
        ssize_t length = file_read_full(fd, buffer, size - 1);
        if (length >= 0)
                buffer[length] = '\0';
        return length;
}

static int read_link_at(int dir_fd, const char *path, char *target, size_t size)
{
        ssize_t n = readlinkat(dir_fd, path, target, size - 1);

        if (n < 0)
                return -errno;
        target[n] = '\0';
        return 0;
}

/* Takes " (deleted)" off the end of a link's text. */
static bool strip_deleted(char *text)
{
        size_t length = strlen(text), tail = strlen(DELETED);

        if (length <= tail || !text_equal(text + length - tail, DELETED))
                return false;
        text[length - tail] = '\0';
        return true;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
        return a->st_ino != 0 && a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

static const char *base_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* --- /proc/PID/stat --- */

static int read_stat(int proc_fd, pid_t pid, struct process_stat *ret_stat)
{
        char path[32], text[1024];

        (void)text_format(path, sizeof(path), "%d/stat", (int)pid);
        if (read_at(proc_fd, path, 0, text, sizeof(text)) < 0 || process_stat_parse(text, ret_stat) < 0)
                return -ESRCH;
        return 0;
}

int proc_read_start_time(int proc_fd, pid_t pid, uint64_t *ret_start_time)
{
        struct process_stat stat;
        int r = read_stat(proc_fd, pid, &stat);

        if (r < 0)
                return r;
        *ret_start_time = stat.start_time;
        return 0;
}

bool proc_is_leaving(int proc_fd, struct process_id id, struct process_stat *ret_stat)
{
        char path[32], exe[PATH_MAX];
        struct process_stat stat;

        (void)text_format(path, sizeof(path), "%d/exe", (int)id.pid);
        if (read_link_at(proc_fd, path, exe, sizeof(exe)) != -ENOENT ||
            read_stat(proc_fd, id.pid, &stat) < 0 || stat.start_time != id.start_time)
                return false;
        *ret_stat = stat;
        return true;
}

/* --- is it an smsd? --- */

/* Cheap for the hundreds of others: one readlink. */
static bool is_smsd(int proc_fd, pid_t pid, const struct smsd_identity *identity)
{
        char path[32], exe[PATH_MAX];
        struct process_stat stat;
        struct stat file;

        (void)text_format(path, sizeof(path), "%d/exe", (int)pid);
        int r = read_link_at(proc_fd, path, exe, sizeof(exe));
        if (r == -EACCES && identity->by_name)
                return read_stat(proc_fd, pid, &stat) == 0 &&
                       text_equal(stat.comm, base_name(identity->binary));
        if (r < 0)
                return false;
        (void)strip_deleted(exe);
        if (text_equal(exe, identity->binary))
                return true;
        /* The same file under another path: a bind mount. */
        return text_equal(base_name(exe), base_name(identity->binary)) &&
               fstatat(proc_fd, path, &file, 0) == 0 && same_file(&file, &identity->binary_stat);
}

static bool in_our_namespace(int proc_fd, pid_t pid, const struct smsd_identity *identity)
{
        char path[32];
        struct stat namespace;

        (void)text_format(path, sizeof(path), "%d/ns/pid", (int)pid);
        if (fstatat(proc_fd, path, &namespace, 0) < 0)
                return identity->by_name && errno == EACCES;
        return same_file(&namespace, &identity->namespace);
}

/* --- which configuration? --- */

/*
 * The last -c among smsd's arguments (NUL-separated), as its getopt reads them: "-c FILE", "-cFILE", "-tc
 * FILE". NULL: none.
 */
static const char *find_conf_argument(const char *arguments, size_t length)
{
        static const char with_value[] = "cDEiplnugC";
        const char *end = arguments + length, *conf = NULL;

        for (const char *p = arguments + strnlen(arguments, length) + 1; p < end;
             p += strnlen(p, (size_t)(end - p)) + 1) {
                if (p[0] != '-')
                        continue;
                if (text_equal(p, "--"))
                        break;
                const char *option = p + 1;
                while (*option && !strchr(with_value, *option))
                        option++;
                if (!*option)
                        continue;
                const char *value = option + 1;
                if (!*value) {
                        p += strlen(p) + 1;
                        value = p < end ? p : NULL;
                }
                if (*option == 'c')
                        conf = value;
                if (!value)
                        break;
        }
        return conf;
}

/* smsd changes to / when it has read its configuration: what a relative path meant can be seen only before
 * that. */
static enum conf_verdict judge_conf(int proc_fd, pid_t pid, const char *conf,
                                    const struct smsd_identity *identity)
{
        char path[PATH_MAX + 32], root[16];
        bool absolute = conf[0] == '/';
        struct stat file;

        (void)text_format(path, sizeof(path), "%d/root", (int)pid);
        bool our_root =
            read_link_at(proc_fd, path, root, sizeof(root)) == 0 ? text_equal(root, "/") : identity->by_name;
        if (absolute && our_root && text_equal(conf, identity->conf))
                return CONF_OURS;
        if (text_format(path, sizeof(path), "%d/%s/%s", (int)pid, absolute ? "root" : "cwd", conf) < 0)
                return CONF_OTHER;
        if (fstatat(proc_fd, path, &file, 0) < 0)
                return absolute ? CONF_OTHER : CONF_UNKNOWN_MAIN;
        return same_file(&file, &identity->conf_stat) ? CONF_OURS : CONF_OTHER;
}

/* With use_linux_ps_trick the command line is "smsd: MAINPROCESS" or "smsd: GSM1" and NULs. */
static enum conf_verdict judge_command_line(int proc_fd, pid_t pid, const struct smsd_identity *identity)
{
        static const char trick[] = "smsd: ", trick_main[] = "smsd: MAINPROCESS";
        char path[32], arguments[PATH_MAX + 1024];

        (void)text_format(path, sizeof(path), "%d/cmdline", (int)pid);
        ssize_t length = read_at(proc_fd, path, 0, arguments, sizeof(arguments));
        /* Nothing: its exec has named the binary already and the arguments not yet, or it is about to end.
         * Padded by somebody: the end, where -c may be, was not read. */
        if (length <= 0 || (size_t)length == sizeof(arguments) - 1)
                return CONF_UNKNOWN_MAIN;
        if (text_starts_with(arguments, trick_main))
                return CONF_UNKNOWN_MAIN;
        if (text_starts_with(arguments, trick))
                return CONF_UNKNOWN_HANDLER;
        const char *conf = find_conf_argument(arguments, (size_t)length);
        return judge_conf(proc_fd, pid, conf ? conf : "/etc/smsd.conf", identity);
}

pid_t read_pidfile(const char *path)
{
        char text[32];
        struct stat file;
        unsigned pid;

        /* A fifo or a device put there must not hold us up: look before opening, and open without waiting. */
        if (lstat(path, &file) < 0 || !S_ISREG(file.st_mode))
                return 0;
        if (read_at(AT_FDCWD, path, O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, text, sizeof(text)) < 0)
                return 0;
        text[strcspn(text, "\n")] = '\0';
        return parse_unsigned(text, 1, INT_MAX, &pid) == 0 ? (pid_t)pid : 0;
}

/* --- which port? --- */

struct tty_search {
        int fd; /* /proc/PID/fd */
        dev_t terminal;
        struct smsd_process *process;
        bool found_pts;
};

/* A serial port ends the search; a pseudo terminal is taken when nothing better comes. */
static bool look_at_fd(void *userdata, unsigned number)
{
        struct tty_search *search = userdata;
        char name[16], link[PATH_MAX];
        struct stat file;

        if (number <= 2)
                return true;
        (void)text_format(name, sizeof(name), "%u", number);
        if (read_link_at(search->fd, name, link, sizeof(link)) < 0 || !text_starts_with(link, "/dev/") ||
            fstatat(search->fd, name, &file, 0) < 0 || !S_ISCHR(file.st_mode) ||
            file.st_rdev == search->terminal)
                return true;
        unsigned device = major(file.st_rdev);
        bool pts = device >= MAJOR_PTS_FIRST && device <= MAJOR_PTS_LAST;
        if (device == MAJOR_MEM || device == MAJOR_AUX || device == MAJOR_MISC || (pts && search->found_pts))
                return true;
        bool deleted = strip_deleted(link);
        if (text_copy(search->process->tty, sizeof(search->process->tty), link) < 0) {
                search->process->tty[0] = '\0';
                return true;
        }
        search->process->tty_deleted = deleted;
        search->found_pts = pts;
        return pts;
}

static void find_tty(int proc_fd, pid_t pid, dev_t terminal, struct smsd_process *process)
{
        char path[32];

        (void)text_format(path, sizeof(path), "%d/fd", (int)pid);
        _cleanup_close_ int fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return;
        struct tty_search search = {.fd = fd, .terminal = terminal, .process = process};
        /* A process that ends meanwhile holds no port. */
        (void)for_each_number(fd, look_at_fd, &search);
}

int proc_read_smsd(int proc_fd, pid_t pid, const struct smsd_identity *identity,
                   struct smsd_process *ret_process, enum conf_verdict *ret_verdict)
{
        struct process_stat stat;

        if (!is_smsd(proc_fd, pid, identity) || read_stat(proc_fd, pid, &stat) < 0)
                return 0;
        bool near = in_our_namespace(proc_fd, pid, identity);
        *ret_process = (struct smsd_process){
            .id = {.pid = pid, .start_time = stat.start_time},
            .parent = stat.parent,
            .group = stat.group,
        };
        *ret_verdict = near ? judge_command_line(proc_fd, pid, identity) : CONF_FOREIGN;
        find_tty(proc_fd, pid, stat.terminal, ret_process);
        return 1;
}
