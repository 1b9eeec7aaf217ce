/*
 * softec25: software EC25 modems for tests. Runs until SIGTERM, SIGINT, `quit`, or the end of the process
 * that started it.
 */
#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "ec25/client.h"
#include "ec25/control.h"
#include "ec25/vhci.h"

#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

struct options {
        char directory[PATH_MAX];
        const char *script, *command, *vhci;
        unsigned modems;
        bool tree, linger;
};

static const char usage[] =
    "softec25 --dir DIR [--umockdev | --usbip[=FOLDER]] [--modems N] [--script FILE] [--linger]\n"
    "    runs software EC25 modems; DIR/control takes commands (`help` lists them)\n"
    "softec25 --dir DIR --command 'plug 0'\n"
    "    says a command to the one that runs on DIR, prints the answer\n";

static int read_options(int argc, char **argv, struct options *ret_options)
{
        static const struct option names[] = {
            {"dir", required_argument, NULL, 'd'},     {"umockdev", no_argument, NULL, 'u'},
            {"usbip", optional_argument, NULL, 'k'},   {"modems", required_argument, NULL, 'm'},
            {"script", required_argument, NULL, 's'},  {"linger", no_argument, NULL, 'l'},
            {"command", required_argument, NULL, 'c'}, {NULL, 0, NULL, 0}};
        struct options options = {.modems = 1};
        const char *directory = NULL;

        for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;)
                switch (name) {
                case 'd':
                        directory = optarg;
                        break;
                case 'u':
                        options.tree = true;
                        break;
                case 'k':
                        options.vhci = optarg ? optarg : VHCI_FOLDER;
                        break;
                case 'm':
                        if (parse_unsigned(optarg, 1, STAND_MODEMS, &options.modems) < 0)
                                return -EINVAL;
                        break;
                case 's':
                        options.script = optarg;
                        break;
                case 'l':
                        options.linger = true;
                        break;
                case 'c':
                        options.command = optarg;
                        break;
                default:
                        return -EINVAL;
                }
        if (!directory || optind != argc || (options.tree && options.vhci))
                return -EINVAL;
        if (!realpath(directory, options.directory))
                return -errno;
        *ret_options = options;
        return 0;
}

static int say(const struct options *options)
{
        struct ec25_client *client;
        char *answer = NULL;
        int r = ec25_client_connect(options->directory, &client);

        if (r < 0)
                return r;
        r = ec25_client_command(client, INT_MAX, &answer, "%s", options->command);
        if (r == 0)
                (void)fputs(answer, stdout);
        else if (ec25_client_error(client)[0])
                (void)fprintf(stderr, "softec25: %s\n", ec25_client_error(client));
        free(answer);
        ec25_client_free(client);
        return r;
}

static bool runs_already(const struct options *options)
{
        struct ec25_client *client;

        if (ec25_client_connect(options->directory, &client) < 0)
                return false;
        ec25_client_free(client);
        return true;
}

static int catch_signals(int epoll)
{
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
        sigset_t set;

        if (sigemptyset(&set) < 0 || sigaddset(&set, SIGTERM) < 0 || sigaddset(&set, SIGINT) < 0 ||
            sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        int fd = signalfd(-1, &set, SFD_CLOEXEC);
        return fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : fd;
}

static int run_script(struct control *control, const char *path)
{
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        int r = 0;

        if (!file)
                return -errno;
        while (r == 0 && getline(&line, &size, file) > 0) {
                line[strcspn(line, "\n")] = '\0';
                r = control_script_line(control, line, STDERR_FILENO);
        }
        return r;
}

/* The environment of a process under test, for a program to read from our output and for a shell to source.
 */
static int tell_ready(const struct options *options, const struct stand *stand)
{
        char path[PATH_MAX];
        int r = text_format(path, sizeof(path), "%s/environment", options->directory);

        if (r < 0)
                return r;
        _cleanup_fclose_ FILE *file = fopen(path, "we");
        if (!file)
                return -errno;
        printf("ready EC25_NODES=%s", stand_nodes(stand));
        (void)fprintf(file, "EC25_NODES=%s\n", stand_nodes(stand));
        if (stand_tree_root(stand)) {
                printf(" UMOCKDEV_DIR=%s LD_PRELOAD=libumockdev-preload.so.0", stand_tree_root(stand));
                (void)fprintf(file, "UMOCKDEV_DIR=%s\nLD_PRELOAD=libumockdev-preload.so.0\n",
                              stand_tree_root(stand));
        }
        printf("\n");
        return fflush(stdout) != 0 || fflush(file) != 0 ? -EIO : 0;
}

/* Milliseconds until `deadline`, rounded up; -1: no timer. */
static int timeout_until(usec_t deadline)
{
        usec_t left = usec_sub(deadline, stand_now());

        if (deadline == USEC_INFINITY)
                return -1;
        return left / USEC_PER_MSEC >= INT_MAX ? INT_MAX : (int)((left + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

static int loop(struct stand *stand, struct control *control, int epoll)
{
        for (;;) {
                struct epoll_event events[4];
                usec_t deadline = usec_min(stand_next_deadline(stand), control_next_deadline(control));
                int count = epoll_wait(epoll, events, ARRAY_SIZE(events), timeout_until(deadline));
                if (count < 0 && errno != EINTR)
                        return -errno;
                for (int i = 0; i < count; i++)
                        if (!events[i].data.ptr)
                                return 0; /* a signal to end */
                int r = stand_dispatch(stand);
                if (r < 0)
                        return r;
                if (control_dispatch(control))
                        return 0;
        }
}

static int serve(const struct options *options)
{
        const struct stand_transport transport = {.tree = options->tree, .vhci = options->vhci};
        struct epoll_event event = {.events = EPOLLIN};
        struct control *control = NULL;
        struct stand *stand = NULL;
        _cleanup_close_ int epoll = epoll_create1(EPOLL_CLOEXEC);
        _cleanup_close_ int signals = epoll < 0 ? -1 : catch_signals(epoll);
        int r = epoll < 0     ? -errno
                : signals < 0 ? signals
                              : stand_new(options->directory, options->modems, &transport, &stand);

        if (r == 0) {
                event.data.ptr = stand;
                r = epoll_ctl(epoll, EPOLL_CTL_ADD, stand_fd(stand), &event) < 0 ? -errno : 0;
        }
        if (r == 0)
                r = control_new(options->directory, stand, epoll, &control);
        if (r == 0 && options->script)
                r = run_script(control, options->script);
        if (r == 0)
                r = tell_ready(options, stand);
        if (r == 0)
                r = loop(stand, control, epoll);
        control_free(control);
        stand_free(stand);
        return r;
}

int main(int argc, char **argv)
{
        const struct rlimit files = {.rlim_cur = 8192, .rlim_max = 8192};
        struct options options = {.modems = 1};
        int r = read_options(argc, argv, &options);

        if (r < 0) {
                (void)fputs(usage, stderr);
                return 2;
        }
        if (options.command)
                return say(&options) < 0 ? 1 : 0;
        if (!options.linger && prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
                return 1;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* matters for dozens of modems only */
        r = runs_already(&options) ? -EADDRINUSE : serve(&options);
        if (r < 0)
                (void)fprintf(stderr, "softec25: %s%s\n", strerror(-r),
                              r == -ENOENT && options.vhci ? " (modprobe vhci-hcd)" : "");
        return r < 0 ? 1 : 0;
}
