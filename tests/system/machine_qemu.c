/*
 * The machine as a process: qemu without KVM, two CPUs, 512 MB, a disk on top of a saved state's, the payload
 * as a second disk that cannot be written, USB 3 for decoys, a port for the agent. Everything that the
 * machine is made of is here: a saved state fits this very set of devices and no other.
 */
#include "base/text.h"
#include "machine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

/* mitigations=off: nobody attacks it, and emulated barriers are slow. panic=-1 with -no-reboot: a panic ends
 * qemu. */
static const char kernel_line[] = "console=ttyS0 root=/dev/vda mitigations=off tsc=reliable quiet panic=-1 "
                                  "systemd.show_status=no audit=0";

enum { AGENT_FD = 10, MONITOR_FD, STATE_FD }; /* in qemu */

struct arguments {
        char *argv[96];
        size_t n;
};

static void add(struct arguments *a, const char *format, ...) _printf_(2, 3);
static void add(struct arguments *a, const char *format, ...)
{
        va_list values;

        assert_true(a->n < ARRAY_SIZE(a->argv) - 1);
        va_start(values, format);
        assert_true(vasprintf(&a->argv[a->n++], format, values) >= 0);
        va_end(values);
}

static void add_words(struct arguments *a, const char *const *words)
{
        for (; *words; words++)
                add(a, "%s", *words);
}

/*
 * An emulated CPU's time stamp counter is the host's own. A guest that measures its frequency while the busy
 * host lets it wait measures too little, and lives many times too fast from then on: it is told what we have
 * measured. 0: this host has none of the kind.
 */
static uint64_t host_tsc_khz(void)
{
#ifdef __x86_64__
        struct timespec begin, end, pause = {.tv_nsec = 50000000};

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC_RAW, &begin), 0);
        uint64_t ticks = __builtin_ia32_rdtsc();
        (void)nanosleep(&pause, NULL);
        assert_int_equal(clock_gettime(CLOCK_MONOTONIC_RAW, &end), 0);
        ticks = __builtin_ia32_rdtsc() - ticks;
        uint64_t nanoseconds =
            (uint64_t)((end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec);
        return ticks * 1000000 / nanoseconds;
#else
        return 0;
#endif
}

static const char *const always[] = {
    /* clang-format off */
    "qemu-system-x86_64", "-name", "smswarden-test",
    "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "Nehalem", "-M", "q35,smm=off", "-m", "512", "-smp", "2",
    "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
    "-device", "virtio-blk-pci,drive=disk", "-device", "virtio-blk-pci,drive=payload",
    "-device", "virtio-rng-pci", "-device", "qemu-xhci,id=xhci", "-device", "virtio-serial-pci",
    "-device", "virtconsole,chardev=terminal",
    "-device", "virtserialport,chardev=agent,name=org.smswarden.test",
    "-mon", "chardev=monitor,mode=control",
    /* clang-format on */
    NULL};

/* Nehalem: glibc chooses its routines by the processor, and those for AVX are dear to emulate: a boot took 21
 * s of the host's time with -cpu max, 13 with this one. */

/* cache=unsafe: the guest's flushes reach the host's page cache and are not forced to the host's disk. That
 * outlives qemu, which is what is killed. */
static struct arguments qemu_arguments(struct machine *m, bool saved)
{
        struct arguments a = {.n = 0};

        add_words(&a, always);
        add(&a, "-append");
        uint64_t khz = host_tsc_khz();
        if (khz > 0)
                add(&a, "%s tsc_early_khz=%" PRIu64, kernel_line, khz);
        else
                add(&a, "%s", kernel_line);
        add(&a, "-kernel");
        add(&a, "%s", machine_file(m, "image/kernel"));
        add(&a, "-initrd");
        add(&a, "%s", machine_file(m, "image/initrd"));
        add(&a, "-drive");
        add(&a, "if=none,id=disk,cache=unsafe,format=qcow2,file=%s", machine_path(m, "disk.qcow2"));
        add(&a, "-drive");
        add(&a, "if=none,id=payload,readonly=on,format=raw,file=%s", machine_file(m, "payload.tar"));
        add(&a, "-chardev");
        add(&a, "%s", m->options->shell ? "stdio,id=terminal,signal=off" : "null,id=terminal");
        add(&a, "-serial");
        add(&a, "file:%s", machine_path(m, "console"));
        add(&a, "-chardev");
        add(&a, "socket,id=agent,fd=%d", AGENT_FD);
        add(&a, "-chardev");
        add(&a, "socket,id=monitor,fd=%d", MONITOR_FD);
        if (saved) {
                add(&a, "-incoming");
                add(&a, "fd:%d", STATE_FD);
        }
        return a;
}

/* In the child: the descriptors to their numbers (they are all above them: see machine_spawn), nothing else
 * open. */
static void become_qemu(struct machine *m, pid_t parent, char **argv, int agent, int monitor, int state)
{
        int log = open(machine_path(m, "qemu.log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                _exit(126);
        if (!m->options->shell) {
                (void)setsid(); /* a Ctrl-C is for the test */
                (void)dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
                (void)dup2(log, STDOUT_FILENO);
        }
        (void)dup2(log, STDERR_FILENO);
        (void)dup2(agent, AGENT_FD);
        (void)dup2(monitor, MONITOR_FD);
        if (state >= 0)
                (void)dup2(state, STATE_FD);
        (void)close_range(STATE_FD + (state >= 0), ~0U, 0);
        (void)close_range(3, AGENT_FD - 1, 0);
        (void)execvp(argv[0], argv);
        _exit(127);
}

/* A copy above qemu's numbers, so that none is overwritten before it is moved. */
static int high(int fd)
{
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 64);

        assert_true(copy >= 0);
        (void)close(fd);
        return copy;
}

void machine_spawn(struct machine *m, bool saved)
{
        int agent[2], monitor[2], state = -1;
        char name[64];
        pid_t parent = getpid();

        assert_int_equal(m->qemu, 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, agent), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, monitor), 0);
        agent[1] = high(agent[1]);
        monitor[1] = high(monitor[1]);
        if (saved) {
                (void)text_format(name, sizeof(name), "%s.ram", machine_state_names[m->options->state]);
                state = high(open(machine_file(m, name), O_RDONLY | O_CLOEXEC));
        }
        struct arguments a = qemu_arguments(m, saved);
        m->qemu = fork();
        assert_true(m->qemu >= 0);
        if (m->qemu == 0)
                become_qemu(m, parent, a.argv, agent[1], monitor[1], state);
        (void)close(agent[1]);
        (void)close(monitor[1]);
        (void)close_fd(state);
        m->agent = agent[0];
        m->monitor = monitor[0];
        for (size_t i = 0; i < a.n; i++)
                free(a.argv[i]);
        machine_greet(m);
}

bool machine_reap(struct machine *m, int64_t limit)
{
        _cleanup_close_ int fd = pidfd_open(m->qemu, 0);
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t end = machine_now() + limit;
        int r;

        assert_true(fd >= 0);
        do {
                int64_t left = end - machine_now();
                r = poll(&wait, 1, (int)(left > 0 ? left : 0));
        } while (r < 0 && errno == EINTR);
        if (r <= 0 || waitpid(m->qemu, NULL, 0) != m->qemu)
                return false;
        m->qemu = 0;
        m->agent = close_fd(m->agent);
        m->monitor = close_fd(m->monitor);
        return true;
}

void machine_make_disk(struct machine *m)
{
        char base[PATH_MAX + 64];
        bool first = m->options->state == MACHINE_NEW;
        int status = -1;

        (void)text_format(base, sizeof(base), "%s%s",
                          machine_file(m, first ? "image/root.ext4" : machine_state_names[m->options->state]),
                          first ? "" : ".qcow2");
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)execlp("qemu-img", "qemu-img", "create", "-q", "-f", "qcow2", "-F",
                             first ? "raw" : "qcow2", "-b", base, machine_path(m, "disk.qcow2"),
                             (char *)NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (status != 0)
                fail_msg("no disk on top of %s; run tests/system/prepare", base);
}
