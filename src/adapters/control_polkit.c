/*
 * Who asks on the system bus, and whether they may: the bus daemon says which account the sender has, and for
 * other accounts than root polkit says whether it may (action org.smswarden.control). Both are asked without
 * waiting; the call is answered when the last word is in.
 *
 * A question is bounded in time, the questions in number, in all and per sender and account; so a stranger
 * who asks and asks takes the places of strangers. Without polkit root alone may control.
 */
#include "control_private.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define BUS_TIMEOUT         (5 * USEC_PER_SEC)
#define POLKIT_TIMEOUT      (10 * USEC_PER_SEC)  /* it may have to be started */
#define INTERACTIVE_TIMEOUT (120 * USEC_PER_SEC) /* a person types a password */

#define POLKIT_NAME             "org.freedesktop.PolicyKit1"
#define POLKIT_OBJECT           "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE        "org.freedesktop.PolicyKit1.Authority"
#define POLKIT_MAY_INTERACT     1U
#define POLKIT_CANCELLATION_MAX 32

static void drop_message(sd_bus_message **message)
{
        *message = sd_bus_message_unref(*message);
}

static void forget(struct control_asking *asking)
{
        asking->slot = sd_bus_slot_unref(asking->slot);
        asking->call = sd_bus_message_unref(asking->call);
        asking->id = 0;
}

void control_polkit_forget(struct control_system *system)
{
        for (unsigned i = 0; i < ARRAY_SIZE(system->asking); i++)
                if (system->asking[i].id)
                        forget(&system->asking[i]);
}

/* A reply that cannot be sent has no reader: the connection is ending. */
static void refuse(struct control_asking *asking, const char *name, const char *message)
{
        (void)sd_bus_reply_method_errorf(asking->call, name, "%s", message);
        forget(asking);
}

static void deny(struct control_asking *asking, const char *why)
{
        char text[160];

        (void)text_format(text, sizeof(text), CONTROL_DENIED "%s%s", why[0] ? ": " : "", why);
        refuse(asking, SD_BUS_ERROR_ACCESS_DENIED, text);
}

static void grant(struct control_asking *asking)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = control_object_grant(&asking->system->line, asking->call, &asking->wish, asking->uid, &error);

        if (r < 0)
                (void)sd_bus_reply_method_errno(asking->call, r, &error);
        forget(asking);
}

/* --- polkit --- */

static void name_question(const struct control_asking *asking, char target[POLKIT_CANCELLATION_MAX])
{
        (void)text_format(target, POLKIT_CANCELLATION_MAX, "smswarden-%u", asking->id);
}

/* We do not wait any longer; a dialogue on somebody's screen is to be taken away. */
static void cancel(const struct control_asking *asking)
{
        char id[POLKIT_CANCELLATION_MAX];
        _cleanup_(drop_message) sd_bus_message *message = NULL;
        sd_bus *bus = asking->system->bus;

        name_question(asking, id);
        if (sd_bus_message_new_method_call(bus, &message, POLKIT_NAME, POLKIT_OBJECT, POLKIT_INTERFACE,
                                           "CancelCheckAuthorization") >= 0 &&
            sd_bus_message_append(message, "s", id) >= 0)
                (void)sd_bus_send(bus, message, NULL); /* a kindness */
}

static void deny_unasked(struct control_asking *asking, const sd_bus_error *error)
{
        if (sd_bus_error_has_names(error, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_TIMEOUT)) {
                cancel(asking);
                deny(asking, "polkit, which may allow others, did not answer in time");
        } else if (sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN,
                                          SD_BUS_ERROR_NAME_HAS_NO_OWNER)) {
                deny(asking, "polkit, which may allow others, is not installed");
        } else {
                deny(asking, "polkit, which may allow others, failed");
        }
}

static int on_verdict(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        struct control_asking *asking = userdata;
        int authorized = 0, challenge = 0;

        if (sd_bus_message_is_method_error(reply, NULL)) {
                deny_unasked(asking, sd_bus_message_get_error(reply));
                return 0;
        }
        int r = sd_bus_message_enter_container(reply, 'r', "bba{ss}");
        if (r >= 0)
                r = sd_bus_message_read(reply, "bb", &authorized, &challenge);
        if (r < 0)
                deny(asking, "polkit was not understood");
        else if (authorized)
                grant(asking);
        else if (challenge && !sd_bus_message_get_allow_interactive_authorization(asking->call))
                refuse(asking, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                       CONTROL_DENIED " without a password");
        else
                deny(asking, "polkit (" CONTROL_ACTION ") does not allow it");
        return 0;
}

static int make_question(const struct control_asking *asking, bool interactive, sd_bus_message **ret)
{
        char id[POLKIT_CANCELLATION_MAX];
        _cleanup_(drop_message) sd_bus_message *message = NULL;
        int r = sd_bus_message_new_method_call(asking->system->bus, &message, POLKIT_NAME, POLKIT_OBJECT,
                                               POLKIT_INTERFACE, "CheckAuthorization");

        name_question(asking, id);
        if (r >= 0)
                r = sd_bus_message_append(message, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                          sd_bus_message_get_sender(asking->call), CONTROL_ACTION, 0,
                                          interactive ? POLKIT_MAY_INTERACT : 0U, id);
        if (r < 0)
                return r;
        *ret = message;
        message = NULL;
        return 0;
}

static void ask_polkit(struct control_asking *asking)
{
        _cleanup_(drop_message) sd_bus_message *message = NULL;
        bool interactive = sd_bus_message_get_allow_interactive_authorization(asking->call) > 0;
        int r = make_question(asking, interactive, &message);

        asking->slot = sd_bus_slot_unref(asking->slot);
        if (r >= 0)
                r = sd_bus_call_async(asking->system->bus, &asking->slot, message, on_verdict, asking,
                                      interactive ? INTERACTIVE_TIMEOUT : POLKIT_TIMEOUT);
        if (r < 0)
                deny(asking, "polkit, which may allow others, cannot be asked");
}

/* --- the account --- */

static unsigned count_of_account(const struct control_system *system, uid_t uid)
{
        unsigned n = 0;

        for (unsigned i = 0; i < ARRAY_SIZE(system->asking); i++)
                n += system->asking[i].id && system->asking[i].uid_known && system->asking[i].uid == uid;
        return n;
}

static int on_account(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        struct control_asking *asking = userdata;
        uint32_t uid;

        if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "u", &uid) < 0) {
                deny(asking, "the bus does not say who asks");
                return 0;
        }
        asking->uid = uid;
        asking->uid_known = true;
        if (control_is_trusted(uid))
                grant(asking);
        else if (count_of_account(asking->system, uid) > CONTROL_BUS_ASKING_PER_USER)
                refuse(asking, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many commands of yours wait already");
        else
                ask_polkit(asking);
        return 0;
}

static unsigned count_of_sender(const struct control_system *system, const char *sender)
{
        unsigned n = 0;

        for (unsigned i = 0; i < ARRAY_SIZE(system->asking); i++)
                n += system->asking[i].id &&
                     text_equal(sd_bus_message_get_sender(system->asking[i].call), sender);
        return n;
}

static struct control_asking *find_place(struct control_system *system)
{
        for (unsigned i = 0; i < ARRAY_SIZE(system->asking); i++)
                if (system->asking[i].id == 0)
                        return &system->asking[i];
        return NULL;
}

static unsigned next_id(struct control_system *system)
{
        if (++system->last_id == 0)
                system->last_id = 1;
        return system->last_id;
}

int control_polkit_ask(struct control_system *system, sd_bus_message *call, const struct control_wish *wish,
                       sd_bus_error *error)
{
        const char *sender = sd_bus_message_get_sender(call);
        struct control_asking *asking = find_place(system);

        if (!sender)
                return sd_bus_error_set_const(error, SD_BUS_ERROR_ACCESS_DENIED, CONTROL_DENIED);
        if (!asking || count_of_sender(system, sender) >= CONTROL_BUS_ASKING_PER_USER)
                return sd_bus_error_set_const(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                              "too many commands wait already; try again when they are done");
        *asking = (struct control_asking){
            .system = system, .id = next_id(system), .call = sd_bus_message_ref(call), .wish = *wish};
        int r = sd_bus_call_method_async(system->bus, &asking->slot, "org.freedesktop.DBus",
                                         "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                         "GetConnectionUnixUser", on_account, asking, "s", sender);
        if (r < 0) {
                forget(asking);
                return r;
        }
        return 1;
}
