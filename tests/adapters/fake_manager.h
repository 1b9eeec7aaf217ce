/*
 * A systemd for tests: a process of its own that answers on a socket like systemd's, with what the test has
 * written into the shared script, and counts what it is asked to do.
 */
#ifndef TESTS_FAKE_MANAGER_H
#define TESTS_FAKE_MANAGER_H

#include "base/text.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cmocka.h>

#define FAKE_NAME "org.freedesktop.systemd1"
#define FAKE_UNIT "/org/freedesktop/systemd1/unit/any"
#define FAKE_JOB  "/org/freedesktop/systemd1/job/7"

struct fake_script {
        char system_state[32]; /* "running" */
        char active_state[32], sub_state[32];
        bool not_loaded;       /* GetUnit: NoSuchUnit */
        char error[64];        /* what is answered to a job, without the prefix; "" nothing */
        char job_result[24];   /* "done"; "": the job never ends */
        bool other_jobs_first; /* somebody else's job ends before ours */
        char silent[32];       /* a method that is never answered */
        usec_t reload_time;    /* how long it reads its units */
        atomic_uint connections, restarts, stops, reloads;
};

struct fake_manager {
        struct fake_script *script;
        char address[128]; /* for sd-bus */
        pid_t pid;
};

static inline int fake_reply_text(sd_bus_message *call, const char *text)
{
        return sd_bus_reply_method_return(call, "v", "s", text);
}

static inline int fake_get(struct fake_script *script, sd_bus_message *call)
{
        const char *interface, *property;

        if (sd_bus_message_read(call, "ss", &interface, &property) < 0)
                return -EINVAL;
        if (text_equal(property, "SystemState"))
                return fake_reply_text(call, script->system_state);
        return fake_reply_text(call,
                               text_equal(property, "SubState") ? script->sub_state : script->active_state);
}

static inline int fake_commands(sd_bus_message *reply, const char *name, const char *program,
                                const char *word)
{
        return sd_bus_message_append(reply, "{sv}", name, "a(sasbttttuii)", 2, program, 2, program, word, 0,
                                     UINT64_C(0), UINT64_C(0), UINT64_C(0), UINT64_C(0), 0, 0, 0, program, 1,
                                     program, 1, UINT64_C(0), UINT64_C(0), UINT64_C(0), UINT64_C(0), 0, 0, 0);
}

/* A few properties of each interface, some of them nobody asks for. */
static inline int fake_get_all(sd_bus_message *call)
{
        sd_bus_message *reply = NULL;
        const char *interface;
        int r = sd_bus_message_read(call, "s", &interface);

        if (r >= 0)
                r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0 && text_equal(interface, FAKE_NAME ".Unit")) {
                r = sd_bus_message_append(reply, "{sv}{sv}{sv}{sv}", "Id", "s", "smstools.service", "Markers",
                                          "as", 1, "x", "LoadState", "s", "loaded", "NeedDaemonReload", "b",
                                          1);
                if (r >= 0)
                        r = sd_bus_message_append(reply, "{sv}{sv}", "DropInPaths", "as", 2,
                                                  "/usr/lib/a/50-smswarden.conf", "/etc/b/\x1b[31m.conf",
                                                  "OnFailure", "as", 2, "one.service", "two.service");
        } else if (r >= 0) {
                r = sd_bus_message_append(reply, "{sv}{sv}{sv}{sv}", "Type", "s", "exec", "RemainAfterExit",
                                          "b", 1, "TimeoutStopUSec", "t", UINT64_C(90000000),
                                          "RestartForceExitStatus", "(aiai)", 1, 3, 0);
                if (r >= 0)
                        r = fake_commands(reply, "ExecStart", "/usr/sbin/smsd", "-t");
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        (void)sd_bus_message_unref(reply);
        return r;
}

static inline int fake_job_removed(sd_bus_message *call, const char *job, const char *result)
{
        return sd_bus_emit_signal(sd_bus_message_get_bus(call), "/org/freedesktop/systemd1",
                                  FAKE_NAME ".Manager", "JobRemoved", "uoss", (uint32_t)7, job,
                                  "smstools.service", result);
}

static inline int fake_job(struct fake_script *script, sd_bus_message *call)
{
        char name[96];

        if (script->error[0]) {
                (void)text_format(name, sizeof(name), "%s.%s", FAKE_NAME, script->error);
                return sd_bus_reply_method_errorf(call, name, "because \x1b[31mof the test");
        }
        int r = sd_bus_reply_method_return(call, "o", FAKE_JOB);
        if (r >= 0 && script->other_jobs_first)
                r = fake_job_removed(call, "/org/freedesktop/systemd1/job/6", "failed");
        if (r >= 0 && script->job_result[0])
                r = fake_job_removed(call, FAKE_JOB, script->job_result);
        return r;
}

static inline int fake_handle(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
        struct fake_script *script = userdata;
        const char *method = sd_bus_message_get_member(call);

        (void)error;
        if (!method || text_equal(method, script->silent))
                return 1;
        if (text_equal(method, "Get"))
                return fake_get(script, call);
        if (text_equal(method, "GetAll"))
                return fake_get_all(call);
        if (text_equal(method, "GetUnit") && script->not_loaded)
                return sd_bus_reply_method_errorf(call, FAKE_NAME ".NoSuchUnit", "not loaded");
        if (text_equal(method, "GetUnit") || text_equal(method, "LoadUnit"))
                return sd_bus_reply_method_return(call, "o", FAKE_UNIT);
        if (text_equal(method, "Reload")) {
                (void)usleep((useconds_t)script->reload_time);
                atomic_fetch_add(&script->reloads, 1);
        }
        if (text_equal(method, "Subscribe") || text_equal(method, "Reload"))
                return sd_bus_reply_method_return(call, "");
        if (!text_equal(method, "RestartUnit") && !text_equal(method, "StopUnit"))
                return 0; /* "Local.Disconnected", and what is nothing of systemd's */
        atomic_fetch_add(text_equal(method, "RestartUnit") ? &script->restarts : &script->stops, 1);
        return fake_job(script, call);
}

static inline void fake_serve(struct fake_script *script, int fd)
{
        sd_bus *bus = NULL;
        sd_id128_t id;
        int r = sd_id128_randomize(&id);

        if (r >= 0)
                r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_fd(bus, fd, fd);
        if (r >= 0)
                r = sd_bus_set_server(bus, true, id);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = sd_bus_add_filter(bus, NULL, fake_handle, script);
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        (void)sd_bus_close_unref(bus);
}

static inline _Noreturn void fake_run(struct fake_script *script, int listener)
{
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
                if (fd < 0)
                        _exit(1);
                atomic_fetch_add(&script->connections, 1);
                fake_serve(script, fd);
        }
}

/* Listens on FOLDER/manager. `answers` false: nobody ever accepts. */
static inline void fake_manager_start(struct fake_manager *fake, const char *folder, bool answers)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)text_format(address.sun_path, sizeof(address.sun_path), "%s/manager", folder);
        (void)text_format(fake->address, sizeof(fake->address), "unix:path=%s", address.sun_path);
        fake->script =
            mmap(NULL, sizeof(*fake->script), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(fake->script != MAP_FAILED);
        (void)text_copy(fake->script->system_state, sizeof(fake->script->system_state), "running");
        (void)text_copy(fake->script->active_state, sizeof(fake->script->active_state), "active");
        (void)text_copy(fake->script->sub_state, sizeof(fake->script->sub_state), "waiting");
        (void)text_copy(fake->script->job_result, sizeof(fake->script->job_result), "done");
        assert_true(listener >= 0);
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(listener, 8), 0);
        fake->pid = fork();
        assert_true(fake->pid >= 0);
        if (fake->pid == 0 && answers)
                fake_run(fake->script, listener);
        while (fake->pid == 0)
                (void)pause();
        (void)close(listener);
}

static inline void fake_manager_stop(struct fake_manager *fake)
{
        if (fake->pid > 0) {
                (void)kill(fake->pid, SIGKILL);
                (void)waitpid(fake->pid, NULL, 0);
        }
        (void)munmap(fake->script, sizeof(*fake->script));
}

#endif
