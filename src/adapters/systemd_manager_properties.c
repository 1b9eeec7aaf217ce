/*
 * The unit as systemd has it in force, for core/unit_check: all properties of both interfaces in two calls,
 * of which those that are wanted are read.
 */
#include "systemd_manager_private.h"

#include "base/text.h"

#include <string.h>

/* Foreign text into a member, behind what is there already. */
static int append_text(char *target, size_t size, const char *text, const char *separator)
{
        char escaped[UNIT_CHECK_PATH_MAX];

        (void)text_escape(escaped, sizeof(escaped), text, strlen(text));
        (void)text_append(target, size, "%s%s", target[0] ? separator : "", escaped);
        return 0;
}

static int read_text(sd_bus_message *message, void *target, size_t size)
{
        const char *text;
        int r = sd_bus_message_read(message, "s", &text);

        return r < 0 ? r : append_text(target, size, text, "");
}

static int read_names(sd_bus_message *message, void *target, size_t size)
{
        const char *text;
        int r = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "s");

        while (r >= 0 && (r = sd_bus_message_read(message, "s", &text)) > 0)
                r = append_text(target, size, text, " ");
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_flag(sd_bus_message *message, void *target, size_t size)
{
        int flag;
        int r = sd_bus_message_read(message, "b", &flag);

        (void)size;
        if (r >= 0)
                *(bool *)target = flag;
        return r;
}

static int read_usec(sd_bus_message *message, void *target, size_t size)
{
        (void)size;
        return sd_bus_message_read(message, "t", target);
}

static int read_drop_ins(sd_bus_message *message, void *target, size_t size)
{
        struct unit_properties *unit = target;
        const char *text;
        int r = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "s");

        (void)size;
        while (r >= 0 && (r = sd_bus_message_read(message, "s", &text)) > 0) {
                /* Of too many the last ones count: they are in force. */
                if (unit->n_drop_ins == UNIT_CHECK_DROP_INS_MAX)
                        memmove(unit->drop_ins[0], unit->drop_ins[1],
                                sizeof(unit->drop_ins[0]) * --unit->n_drop_ins);
                unit->drop_ins[unit->n_drop_ins][0] = '\0';
                r = append_text(unit->drop_ins[unit->n_drop_ins++], UNIT_CHECK_PATH_MAX, text, "");
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* (exit codes, signals): any of them forces a restart. */
static int read_statuses(sd_bus_message *message, void *target, size_t size)
{
        const int32_t *numbers;
        size_t codes = 0, signals = 0;
        int r = sd_bus_message_enter_container(message, SD_BUS_TYPE_STRUCT, "aiai");

        (void)size;
        if (r >= 0)
                r = sd_bus_message_read_array(message, 'i', (const void **)&numbers, &codes);
        if (r >= 0)
                r = sd_bus_message_read_array(message, 'i', (const void **)&numbers, &signals);
        if (r >= 0)
                *(bool *)target = codes > 0 || signals > 0;
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* The program's path, then argv[1] and on: argv[0] is only what it is called. */
static int read_command(sd_bus_message *message, char *target, size_t size)
{
        const char *text;
        int r = sd_bus_message_read(message, "s", &text);
        unsigned i = 0;

        if (r >= 0)
                r = append_text(target, size, text, "; ");
        if (r >= 0)
                r = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "s");
        while (r >= 0 && (r = sd_bus_message_read(message, "s", &text)) > 0)
                if (i++ > 0)
                        r = append_text(target, size, text, " ");
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_commands(sd_bus_message *message, void *target, size_t size)
{
        int r = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "(sasbttttuii)");

        while (r >= 0 &&
               (r = sd_bus_message_enter_container(message, SD_BUS_TYPE_STRUCT, "sasbttttuii")) > 0) {
                r = read_command(message, target, size);
                if (r >= 0)
                        r = sd_bus_message_skip(message, "bttttuii");
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static const struct {
        const char *name;
        const char *type;
        int (*read)(sd_bus_message *message, void *target, size_t size);
        size_t offset, size;
} known[] = {
#define MEMBER(name, type, read, member)                                                                     \
        {                                                                                                    \
                name, type, read, offsetof(struct unit_properties, member),                                  \
                    sizeof(((struct unit_properties *)NULL)->member)                                         \
        }
    MEMBER("Id", "s", read_text, id),
    MEMBER("LoadState", "s", read_text, load_state),
    MEMBER("NeedDaemonReload", "b", read_flag, need_daemon_reload),
    MEMBER("FragmentPath", "s", read_text, fragment_path),
    {"DropInPaths", "as", read_drop_ins, 0, sizeof(struct unit_properties)},
    MEMBER("OnFailure", "as", read_names, on_failure),
    MEMBER("UpheldBy", "as", read_names, upheld_by),
    MEMBER("BindsTo", "as", read_names, binds_to),
    MEMBER("Requisite", "as", read_names, requisite),
    MEMBER("Type", "s", read_text, type),
    MEMBER("Restart", "s", read_text, restart),
    MEMBER("KillMode", "s", read_text, kill_mode),
    MEMBER("PIDFile", "s", read_text, pid_file),
    MEMBER("RemainAfterExit", "b", read_flag, remain_after_exit),
    MEMBER("SendSIGKILL", "b", read_flag, send_sigkill),
    MEMBER("RestartForceExitStatus", "(aiai)", read_statuses, restart_force),
    MEMBER("TimeoutStopUSec", "t", read_usec, timeout_stop),
    MEMBER("RuntimeMaxUSec", "t", read_usec, runtime_max),
    MEMBER("WatchdogUSec", "t", read_usec, watchdog),
    MEMBER("ExecCondition", "a(sasbttttuii)", read_commands, exec_condition),
    MEMBER("ExecStartPre", "a(sasbttttuii)", read_commands, exec_start_pre),
    MEMBER("ExecStart", "a(sasbttttuii)", read_commands, exec_start),
    MEMBER("ExecStop", "a(sasbttttuii)", read_commands, exec_stop),
    MEMBER("ExecStopPost", "a(sasbttttuii)", read_commands, exec_stop_post),
};

static int read_property(sd_bus_message *reply, const char *name, struct unit_properties *unit)
{
        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
                if (!text_equal(name, known[i].name))
                        continue;
                int r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_VARIANT, known[i].type);
                if (r >= 0)
                        r = known[i].read(reply, (char *)unit + known[i].offset, known[i].size);
                return r < 0 ? r : sd_bus_message_exit_container(reply);
        }
        return sd_bus_message_skip(reply, "v");
}

static int read_all(sd_bus_message *reply, struct unit_properties *unit)
{
        const char *name;
        int r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
                r = sd_bus_message_read(reply, "s", &name);
                if (r >= 0)
                        r = read_property(reply, name, unit);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r < 0 ? r : sd_bus_message_exit_container(reply);
}

static int get_all(struct systemd_manager *manager, const char *path, const char *interface, usec_t deadline,
                   struct unit_properties *unit)
{
        _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
        int r =
            sd_bus_message_new_method_call(manager->bus, &message, MANAGER_NAME, path, PROPERTIES, "GetAll");

        if (r >= 0)
                r = sd_bus_message_append(message, "s", interface);
        if (r >= 0)
                r = systemd_manager_call(manager, message, deadline, &reply);
        return r < 0 ? r : read_all(reply, unit);
}

int systemd_manager_unit_properties(struct systemd_manager *manager, const char *unit,
                                    struct unit_properties *ret_properties)
{
        _cleanup_free_ struct unit_properties *properties = calloc(1, sizeof(*properties));
        usec_t deadline = systemd_manager_deadline(manager);
        char path[256];

        if (!properties)
                return -ENOMEM;
        int r = systemd_manager_path(manager, "LoadUnit", unit, deadline, path);
        if (r >= 0)
                r = get_all(manager, path, UNIT_INTERFACE, deadline, properties);
        if (r >= 0)
                r = get_all(manager, path, SERVICE_INTERFACE, deadline, properties);
        if (r < 0)
                return r;
        *ret_properties = *properties;
        return 0;
}
