/*
 * The object of the control bus: its methods, the same peer to peer and on the system bus. Reads the
 * arguments and asks for the right: the connection's own on the peer bus, at once; the sender's on the system
 * bus, by control_polkit.c, which comes back here with what was granted.
 */
#include "control_private.h"

#include "bus_snapshot.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

#define DURATION_MAX (30 * USEC_PER_DAY)

static void drop_message(sd_bus_message **message)
{
        *message = sd_bus_message_unref(*message);
}

/* Who reads on the system bus is not asked for: nobody sees there what is private. */
static bool sees_everything(const struct control_line *line)
{
        return line->peer && control_is_trusted(line->peer->uid);
}

static int method_snapshot(sd_bus_message *call, void *userdata, sd_bus_error *error _unused_)
{
        struct control_line *line = userdata;
        struct control_bus *control = line->control;
        _cleanup_(drop_message) sd_bus_message *reply = NULL;

        snapshot_init(&control->snapshot);
        control->callbacks.snapshot(control->userdata, &control->snapshot);
        int r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = bus_snapshot_append(reply, &control->snapshot, sees_everything(line));
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* Not by getpwuid(): name services may ask a network, and the daemon waits for nobody. */
static void name_account(uid_t uid, char *target, size_t size)
{
        _cleanup_fclose_ FILE *file = fopen("/etc/passwd", "re");
        struct passwd entry, *found = NULL;
        char buffer[1024];

        (void)text_format(target, size, "uid %u", uid);
        while (file && fgetpwent_r(file, &entry, buffer, sizeof(buffer), &found) == 0) {
                if (found->pw_uid != uid)
                        continue;
                (void)text_escape(target, size, found->pw_name, strlen(found->pw_name));
                return;
        }
}

static int read_reason(const char *reason, struct command *command, sd_bus_error *error)
{
        size_t length = strlen(reason);

        /* The whole message is kept until it is answered. */
        if (length > CONTROL_BUS_REASON_MAX)
                return sd_bus_error_set_const(error, SD_BUS_ERROR_INVALID_ARGS, "the reason is too long");
        /* What was cut says so: half a sentence is misread. */
        if (text_escape(command->reason, sizeof(command->reason) - strlen("..."), reason, length) < 0)
                (void)text_append(command->reason, sizeof(command->reason), "...");
        return 0;
}

/* No receiver has a longer name, and none another one than the configuration allows. */
static int read_receiver(sd_bus_message *call, struct command *command, sd_bus_error *error)
{
        const char *name;
        int r = sd_bus_message_read(call, "s", &name);

        if (r < 0)
                return r;
        if (strlen(name) >= sizeof(command->receiver))
                return sd_bus_error_set_const(error, SD_BUS_ERROR_INVALID_ARGS,
                                              "no receiver has so long a name");
        if (text_escape(command->receiver, sizeof(command->receiver), name, strlen(name)) < 0)
                return sd_bus_error_set_const(error, SD_BUS_ERROR_INVALID_ARGS,
                                              "no receiver has such a name");
        return 0;
}

/* What does not fit names nothing that there is. */
static int read_word(const char *word, char *target, size_t size, sd_bus_error *error)
{
        if (text_escape(target, size, word, strlen(word)) < 0)
                return sd_bus_error_set_const(error, SD_BUS_ERROR_INVALID_ARGS,
                                              "no modem and no step has so long a name");
        return 0;
}

static int read_reset(sd_bus_message *call, struct command *command, sd_bus_error *error)
{
        const char *modem, *step;
        int r = sd_bus_message_read(call, "ss", &modem, &step);

        if (r >= 0)
                r = read_word(modem, command->modem, sizeof(command->modem), error);
        return r < 0 ? r : read_word(step, command->step, sizeof(command->step), error);
}

static int read_command(sd_bus_message *call, struct command *command, sd_bus_error *error)
{
        const char *reason;
        int force;
        int r = 0;

        if (command->kind == COMMAND_TEST_ALERT)
                return read_receiver(call, command, error);
        if (command->kind == COMMAND_RESET_MODEM)
                return read_reset(call, command, error);
        if (command->kind == COMMAND_STOP)
                r = sd_bus_message_read_basic(call, 't', &command->duration);
        if (r >= 0)
                r = sd_bus_message_read(call, "sb", &reason, &force);
        if (r < 0)
                return r;
        command->force = force;
        if (command->duration > DURATION_MAX)
                return sd_bus_error_set_const(error, SD_BUS_ERROR_INVALID_ARGS,
                                              "a hold has an end: 30 days at most");
        return read_reason(reason, command, error);
}

static int grant_reload(struct control_line *line, sd_bus_message *call)
{
        line->control->callbacks.reload(line->control->userdata);
        return sd_bus_reply_method_return(call, NULL);
}

int control_object_grant(struct control_line *line, sd_bus_message *call, struct control_wish *wish,
                         uid_t uid, sd_bus_error *error)
{
        struct command *command = &wish->command;

        if (wish->reload)
                return grant_reload(line, call);
        name_account(uid, command->by, sizeof(command->by));
        command->realtime = clock_realtime() / (int64_t)USEC_PER_SEC;
        command->token = control_bus_keep(line->control, line->peer, call);
        if (command->token == 0)
                return sd_bus_error_set_const(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                              "too many commands wait already; try again when they are done");
        line->control->callbacks.command(line->control->userdata, command);
        return 1;
}

static int take_wish(struct control_line *line, sd_bus_message *call, struct control_wish *wish,
                     sd_bus_error *error)
{
        if (!line->peer)
                return control_polkit_ask(line->control->system, call, wish, error);
        if (!control_is_trusted(line->peer->uid))
                return sd_bus_error_set_const(error, SD_BUS_ERROR_ACCESS_DENIED, CONTROL_DENIED);
        return control_object_grant(line, call, wish, line->peer->uid, error);
}

static int take_command(struct control_line *line, sd_bus_message *call, enum command_kind kind,
                        sd_bus_error *error)
{
        struct control_wish wish = {.command.kind = kind};
        int r = read_command(call, &wish.command, error);

        return r < 0 ? r : take_wish(line, call, &wish, error);
}

static int method_stop(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
        return take_command(userdata, call, COMMAND_STOP, error);
}

static int method_start(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
        return take_command(userdata, call, COMMAND_START, error);
}

static int method_restart(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
        return take_command(userdata, call, COMMAND_RESTART, error);
}

static int method_test_alert(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
        return take_command(userdata, call, COMMAND_TEST_ALERT, error);
}

static int method_reset_modem(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
        return take_command(userdata, call, COMMAND_RESET_MODEM, error);
}

static int method_reload(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
        struct control_wish wish = {.reload = true};

        return take_wish(userdata, call, &wish, error);
}

#define METHOD(member, in, in_names, out, out_names, function)                                               \
        SD_BUS_METHOD_WITH_NAMES(member, in, in_names, out, out_names, function, SD_BUS_VTABLE_UNPRIVILEGED)
#define PROPERTY(name, type)                                                                                 \
        SD_BUS_PROPERTY(name, type, control_values_get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

/* UNPRIVILEGED: sd-bus' own check asks for the rights of who sent the message, and blocks; ours is above. */
static const sd_bus_vtable object[] = {
    SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
    METHOD("Snapshot", NULL, , "a{sv}", SD_BUS_PARAM(state), method_snapshot),
    METHOD("Stop", "tsb", SD_BUS_PARAM(duration_usec) SD_BUS_PARAM(reason) SD_BUS_PARAM(force), "is",
           SD_BUS_PARAM(result) SD_BUS_PARAM(message), method_stop),
    METHOD("Start", "sb", SD_BUS_PARAM(reason) SD_BUS_PARAM(force), "is",
           SD_BUS_PARAM(result) SD_BUS_PARAM(message), method_start),
    METHOD("Restart", "sb", SD_BUS_PARAM(reason) SD_BUS_PARAM(force), "is",
           SD_BUS_PARAM(result) SD_BUS_PARAM(message), method_restart),
    METHOD("TestAlert", "s", SD_BUS_PARAM(receiver), "is", SD_BUS_PARAM(result) SD_BUS_PARAM(message),
           method_test_alert),
    METHOD("ResetModem", "ss", SD_BUS_PARAM(modem) SD_BUS_PARAM(step), "is",
           SD_BUS_PARAM(result) SD_BUS_PARAM(message), method_reset_modem),
    SD_BUS_METHOD("Reload", NULL, NULL, method_reload, SD_BUS_VTABLE_UNPRIVILEGED),
    PROPERTY("Version", "s"),
    PROPERTY("Mode", "s"),
    PROPERTY("Verdict", "s"),
    PROPERTY("Reason", "s"),
    PROPERTY("NextAction", "s"),
    PROPERTY("Evidence", "s"),
    PROPERTY("CanSend", "b"),
    PROPERTY("CanReceive", "b"),
    PROPERTY("SmsdRunning", "b"),
    PROPERTY("HoldActive", "b"),
    PROPERTY("HoldBy", "s"),
    PROPERTY("HoldReason", "s"),
    PROPERTY("HoldUntil", "t"),
    PROPERTY("RestartsTotal", "u"),
    PROPERTY("Modems", "aa{sv}"),
    SD_BUS_VTABLE_END,
};

int control_object_add(sd_bus *bus, struct control_line *line)
{
        return sd_bus_add_object_vtable(bus, NULL, CONTROL_OBJECT, CONTROL_INTERFACE, object, line);
}
