/*
 * The gateway on a system bus of our own: who may read and control, what polkit's answers do, and properties
 * that tell their changes.
 */
#include "system_bus_fixture.h"

/* --- control --- */

static void test_root_controls(void **state)
{
        must_answer(*state, "Stop", "antenna\n", "stop|root|antenna\\n|90000000|0|0");
        must_answer(*state, "Start", "", "start|root||0|0|0");
        root_controls(*state);
}

#define DENIED "org.freedesktop.DBus.Error.AccessDenied"

static int without_polkit(struct fixture *f)
{
        return check_stranger(f, true, DENIED,
                              "only root may control the gateway: polkit, which may allow others, "
                              "is not installed");
}

static void test_without_polkit(void **state)
{
        as_user(*state, NOBODY, without_polkit);
}

static int with_yes(struct fixture *f)
{
        return check_stranger(f, false, "", "stop|nobody|let me|90000000|0|0");
}

static int with_yes_interactive(struct fixture *f)
{
        return check_stranger(f, true, "", "stop|nobody|let me|90000000|0|0");
}

static int reload_with_yes(struct fixture *f)
{
        _cleanup_bus_ sd_bus *bus = try_connect(f);
        struct asked asked;

        if (!bus || sd_bus_call_method(bus, NAME, OBJECT, NAME, "Reload", NULL, NULL, NULL) < 0)
                return 1;
        ask(bus, false, "Start", "x", &asked);
        return text_equal(asked.message, "start|nobody|x|0|0|1") ? 0 : 2;
}

static void test_polkit_allows(void **state)
{
        struct fixture *f = *state;

        start_polkit(f, POLKIT_YES);
        as_user(f, NOBODY, with_yes);
        as_user(f, NOBODY, with_yes_interactive);
        as_user(f, NOBODY, reload_with_yes);
        must_answer(f, "Restart", "", "restart|root||0|0|1"); /* is not asked for */
        end_child(&f->polkit, SIGKILL);
        expect_polkit_heard(f, "-I--");
        char byte;
        assert_int_equal(read(f->polkit_said, &byte, 1), 0);
}

static int with_no(struct fixture *f)
{
        return check_stranger(f, true, DENIED, "does not allow it");
}

static void test_polkit_refuses(void **state)
{
        start_polkit(*state, POLKIT_NO);
        as_user(*state, NOBODY, with_no);
}

static int with_challenge(struct fixture *f)
{
        return check_stranger(f, false, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
                              "without a password");
}

static void test_polkit_wants_a_password(void **state)
{
        start_polkit(*state, POLKIT_CHALLENGE);
        as_user(*state, NOBODY, with_challenge);
        as_user(*state, NOBODY, with_no); /* it was interactive, and the password was wrong */
}

static int with_nonsense(struct fixture *f)
{
        return check_stranger(f, false, DENIED, "not understood");
}

static void test_polkit_talks_nonsense(void **state)
{
        start_polkit(*state, POLKIT_NONSENSE);
        as_user(*state, NOBODY, with_nonsense);
}

/* Five commands at once: four wait for polkit, the fifth is refused at once; those four when polkit stays
 * silent. */
static int with_silence(struct fixture *f)
{
        _cleanup_bus_ sd_bus *bus = try_connect(f);
        unsigned answered = 0;

        if (!bus)
                return 1;
        for (unsigned i = 0; i < CONTROL_BUS_ASKING_PER_USER; i++)
                if (sd_bus_call_method_async(bus, NULL, NAME, OBJECT, NAME, "Start", died, &answered, "sb",
                                             "x", 0) < 0)
                        return 2;
        if (sd_bus_flush(bus) < 0 ||
            check_stranger(f, false, "org.freedesktop.DBus.Error.LimitsExceeded", "wait already") != 0)
                return 3; /* by the account: this one is another sender */
        for (usec_t end = now_usec() + PATIENCE; answered < CONTROL_BUS_ASKING_PER_USER && now_usec() < end;)
                if (sd_bus_process(bus, NULL) == 0)
                        (void)sd_bus_wait(bus, 100000);
        return answered == CONTROL_BUS_ASKING_PER_USER ? 0 : 4;
}

static int with_silence_alone(struct fixture *f)
{
        return check_stranger(f, false, DENIED, "did not answer in time");
}

static void test_polkit_is_silent(void **state)
{
        struct fixture *f = *state;
        int status = 0;

        start_polkit(f, POLKIT_SILENT);
        pid_t stranger = start_child();
        if (stranger == 0)
                _exit(setresuid(NOBODY, NOBODY, NOBODY) < 0 ? 100 : with_silence(f));
        pid_t other = start_child();
        if (other == 0)
                _exit(setresuid(DAEMON, DAEMON, DAEMON) < 0 ? 100 : with_silence_alone(f));
        expect_polkit_heard(f, "-----");
        root_controls(f);
        assert_int_equal(waitpid(stranger, &status, 0), stranger);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(waitpid(other, &status, 0), other);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        expect_polkit_heard(f, "CCCCC"); /* and it was told that nobody waits */
}

/* A crowd of accounts takes the places of strangers; when they are refused, places are free again. */
static int crowd(struct fixture *f)
{
        _cleanup_bus_ sd_bus *bus = try_connect(f);
        struct asked asked;

        if (!bus)
                return 1;
        ask(bus, false, "Start", "x", &asked);
        return asked.r == -EACCES ? 0 : 2;
}

static void test_places_are_free_again(void **state)
{
        start_polkit(*state, POLKIT_NO);
        for (unsigned i = 0; i < 3 * CONTROL_BUS_ASKING_MAX; i++)
                as_user(*state, 1 + i % 5, crowd);
        root_controls(*state);
}

static void test_commands_are_bounded(void **state)
{
        struct fixture *f = *state;
        _cleanup_bus_ sd_bus *bus = must_connect(f);
        _cleanup_free_ char *reason = calloc(1, CONTROL_BUS_REASON_MAX + 2);
        struct asked asked;

        assert_non_null(reason);
        memset(reason, 'x', CONTROL_BUS_REASON_MAX + 1);
        ask(bus, false, "Start", reason, &asked);
        assert_string_equal(asked.message, "the reason is too long");
        reason[CONTROL_BUS_REASON_MAX] = '\0';
        ask(bus, false, "Start", reason, &asked);
        assert_true(asked.r >= 0);
        for (unsigned i = 0; i < CONTROL_BUS_COMMANDS_MAX; i++) {
                /* Each is with the daemon before the next is sent, or the sender's own limit would speak. */
                unsigned answered = 0;
                assert_true(sd_bus_call_method_async(bus, NULL, NAME, OBJECT, NAME, "Start", died, &answered,
                                                     "sb", "never", 0) >= 0);
                assert_true(sd_bus_call_method(bus, NAME, OBJECT, NAME, "Snapshot", NULL, NULL, NULL) >= 0);
        }
        ask(bus, false, "Start", "x", &asked);
        assert_string_equal(asked.error, "org.freedesktop.DBus.Error.LimitsExceeded");
}

/* Says in the message that it is root, or the bus itself: the bus daemon writes the true name over it. */
static int forge(struct fixture *f)
{
        static const char *const senders[] = {"org.freedesktop.DBus", ":1.0", NAME};
        _cleanup_bus_ sd_bus *bus = try_connect(f);

        for (unsigned i = 0; i < ARRAY_SIZE(senders); i++) {
                sd_bus_message *call = NULL;
                if (!bus || sd_bus_message_new_method_call(bus, &call, NAME, OBJECT, NAME, "Reload") < 0 ||
                    sd_bus_message_set_sender(call, senders[i]) < 0)
                        return 1;
                int r = sd_bus_call(bus, call, TIMEOUT, NULL, NULL);
                (void)sd_bus_message_unref(call);
                if (r != -EACCES)
                        return 2;
        }
        return 0;
}

static void test_forged_sender(void **state)
{
        as_user(*state, NOBODY, forge);
        must_answer(*state, "Start", "x", "start|root|x|0|0|0"); /* it was not read again */
}

/* Anybody can send us signals that look like the bus daemon's. */
static int lie(struct fixture *f)
{
        _cleanup_bus_ sd_bus *bus = try_connect(f);
        sd_bus_message *lost = NULL, *gone = NULL;

        if (!bus ||
            sd_bus_message_new_signal(bus, &lost, "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                      "NameLost") < 0 ||
            sd_bus_message_append(lost, "s", NAME) < 0 || sd_bus_message_set_destination(lost, NAME) < 0 ||
            sd_bus_send(bus, lost, NULL) < 0)
                return 1;
        (void)sd_bus_message_unref(lost);
        (void)sd_bus_flush(bus);
        /* The bus daemon throws out who sends this. */
        if (sd_bus_message_new_signal(bus, &gone, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                      "Disconnected") >= 0 &&
            sd_bus_message_set_destination(gone, NAME) >= 0)
                (void)sd_bus_send(bus, gone, NULL);
        (void)sd_bus_message_unref(gone);
        (void)sd_bus_flush(bus);
        return 0;
}

static char *owner_of(sd_bus *bus, const char *name)
{
        sd_bus_message *reply = NULL;
        const char *owner = NULL;

        assert_true(sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "GetNameOwner", NULL, &reply, "s", name) >= 0);
        assert_true(sd_bus_message_read(reply, "s", &owner) > 0);
        char *copy = strdup(owner);
        (void)sd_bus_message_unref(reply);
        return copy;
}

static void test_lies_about_the_bus(void **state)
{
        struct fixture *f = *state;
        _cleanup_bus_ sd_bus *bus = must_connect(f);
        _cleanup_free_ char *before = owner_of(bus, NAME);

        as_user(f, NOBODY, lie);
        root_controls(f);
        _cleanup_free_ char *after = owner_of(bus, NAME);
        assert_string_equal(before, after); /* the same connection */
}

/* --- reading --- */

/* True when the reply, printed with all that is in it, holds none of what is personal. */
static bool is_public(sd_bus_message *reply)
{
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        FILE *file = open_memstream(&text, &size);

        if (!file || sd_bus_message_dump(reply, file, SD_BUS_MESSAGE_DUMP_WITH_HEADER) < 0 ||
            fclose(file) != 0)
                return false;
        return strstr(text, "GSM2") && !strstr(text, "26201") && !strstr(text, "8949") &&
               !strstr(text, "49151");
}

static int read_all(struct fixture *f)
{
        _cleanup_bus_ sd_bus *bus = try_connect(f);
        sd_bus_message *snapshot = NULL, *properties = NULL;

        if (!bus || sd_bus_call_method(bus, NAME, OBJECT, NAME, "Snapshot", NULL, &snapshot, NULL) < 0)
                return 1;
        if (sd_bus_call_method(bus, NAME, OBJECT, "org.freedesktop.DBus.Properties", "GetAll", NULL,
                               &properties, "s", NAME) < 0)
                return 2;
        int r = !is_public(snapshot) ? 3 : !is_public(properties) ? 4 : 0;
        (void)sd_bus_message_unref(snapshot);
        (void)sd_bus_message_unref(properties);
        return r;
}

static void test_reading_is_for_all_and_public(void **state)
{
        as_user(*state, NOBODY, read_all);
        as_user(*state, 0, read_all);
}

static char *get_text(sd_bus *bus, const char *property)
{
        char *text = NULL;

        assert_true(sd_bus_get_property_string(bus, NAME, OBJECT, NAME, property, NULL, &text) >= 0);
        return text;
}

static int64_t get_number(sd_bus *bus, const char *property, char type)
{
        union {
                int b;
                uint32_t u;
                uint64_t t;
        } value = {0};

        assert_true(sd_bus_get_property_trivial(bus, NAME, OBJECT, NAME, property, NULL, type, &value) >= 0);
        return type == 't' ? (int64_t)value.t : type == 'u' ? (int64_t)value.u : value.b;
}

static void test_properties(void **state)
{
        static const char *const texts[][2] = {
            {"Version", "7"},
            {"Mode", "control"},
            {"Verdict", "held"},
            {"HoldBy", "pi"},
            {"HoldReason", "for #############"},
            {"NextAction", "call +#############"},
            {"Reason", "pi holds smsd (for #############)"},
        };
        struct fixture *f = *state;
        _cleanup_bus_ sd_bus *bus = must_connect(f);

        for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_free_ char *text = get_text(bus, texts[i][0]);
                assert_string_equal(text, texts[i][1]);
        }
        assert_int_equal(get_number(bus, "CanSend", 'b'), 0);
        assert_int_equal(get_number(bus, "CanReceive", 'b'), 1);
        assert_int_equal(get_number(bus, "SmsdRunning", 'b'), 0);
        assert_int_equal(get_number(bus, "HoldActive", 'b'), 1);
        assert_int_equal(get_number(bus, "HoldUntil", 't') / 1000, 1700000000000);
        assert_int_equal(get_number(bus, "RestartsTotal", 'u'), 0);
}

static int send_what_is_not_allowed(struct fixture *f)
{
        static const char *const calls[][2] = {
            {NAME, "Destroy"},
            {"org.freedesktop.DBus.Properties", "Set"},
            {"org.freedesktop.DBus.ObjectManager", "GetManagedObjects"},
            {"org.freedesktop.systemd1.Manager", "Snapshot"},
        };
        _cleanup_bus_ sd_bus *bus = try_connect(f);

        for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
                if (!bus || sd_bus_call_method(bus, NAME, OBJECT, calls[i][0], calls[i][1], NULL, NULL,
                                               NULL) != -EACCES)
                        return 1 + (int)i;
        return 0;
}

static int own_the_name(struct fixture *f)
{
        _cleanup_bus_ sd_bus *bus = try_connect(f);

        return bus && sd_bus_request_name(bus, NAME, 0) == -EACCES ? 0 : 1;
}

static void test_policy(void **state)
{
        as_user(*state, NOBODY, send_what_is_not_allowed);
        as_user(*state, NOBODY, own_the_name);
}

/* What the interface says, blanks apart; how sd-bus puts it into lines is its own business. */
static char *squeeze(const char *text)
{
        const char *from = strstr(text, "<interface name=\"" NAME "\">");
        const char *to = from ? strstr(from, "</interface>") : NULL;
        char *squeezed = calloc(1, strlen(text) + 1);

        assert_non_null(to);
        assert_non_null(squeezed);
        for (size_t n = 0; from < to; from++)
                if (!strchr(" \n\t", *from))
                        squeezed[n++] = *from;
        return squeezed;
}

static void test_introspection_is_the_shipped_file(void **state)
{
        _cleanup_bus_ sd_bus *bus = must_connect(*state);
        sd_bus_message *reply = NULL;
        const char *xml = NULL;
        char shipped[16384] = "";
        _cleanup_fclose_ FILE *file = fopen(INTERFACE, "re");

        assert_non_null(file);
        assert_true(fread(shipped, 1, sizeof(shipped) - 1, file) > 0);
        assert_true(sd_bus_call_method(bus, NAME, OBJECT, "org.freedesktop.DBus.Introspectable", "Introspect",
                                       NULL, &reply, NULL) >= 0);
        assert_true(sd_bus_message_read(reply, "s", &xml) > 0);
        _cleanup_free_ char *told = squeeze(xml);
        _cleanup_free_ char *written = squeeze(shipped);
        assert_string_equal(told, written);
        (void)sd_bus_message_unref(reply);
}

/* --- changes --- */

struct heard {
        unsigned signals;
        unsigned values; /* of the last signal */
        uint32_t restarts;
};

static int on_changed(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
        struct heard *heard = userdata;
        const char *interface, *name;

        heard->signals++;
        heard->values = 0;
        assert_true(sd_bus_message_read(message, "s", &interface) > 0);
        assert_string_equal(interface, NAME);
        assert_true(sd_bus_message_enter_container(message, 'a', "{sv}") > 0);
        while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
                heard->values++;
                assert_true(sd_bus_message_read(message, "s", &name) > 0);
                if (text_equal(name, "RestartsTotal"))
                        assert_true(sd_bus_message_read(message, "v", "u", &heard->restarts) > 0);
                else
                        assert_true(sd_bus_message_skip(message, "v") >= 0);
                assert_true(sd_bus_message_exit_container(message) >= 0);
        }
        return 0;
}

static void listen_to(sd_bus *bus, struct heard *heard)
{
        *heard = (struct heard){0};
        assert_true(sd_bus_match_signal(bus, NULL, NULL, OBJECT, "org.freedesktop.DBus.Properties",
                                        "PropertiesChanged", on_changed, heard) >= 0);
}

/* Until `restarts` was heard, and then for `more` microseconds. */
static void hear(sd_bus *bus, const struct heard *heard, uint32_t restarts, usec_t more)
{
        usec_t limit = now_usec() + PATIENCE, end = USEC_INFINITY;

        while (now_usec() < end) {
                if (end == USEC_INFINITY && heard->restarts == restarts)
                        end = now_usec() + more;
                assert_true(now_usec() < limit);
                if (sd_bus_process(bus, NULL) == 0)
                        (void)sd_bus_wait(bus, 10000);
        }
}

/* 3000 changes, one per turn of the loop: few signals, the last of them with the last value. */
static void test_a_storm_is_few_signals(void **state)
{
        struct fixture *f = *state;
        _cleanup_bus_ sd_bus *bus = must_connect(f);
        struct heard heard;

        _cleanup_free_ char *version = get_text(bus, "Version"); /* the values are warm */
        listen_to(bus, &heard);
        usec_t began = now_usec();
        must_answer(f, "Start", "storm", "start|root|storm|0|0|0");
        hear(bus, &heard, 3000, 600000);
        usec_t windows = (now_usec() - began) / 250000;
        assert_in_range(heard.signals, 1, windows + 2);
        assert_int_equal(get_number(bus, "RestartsTotal", 'u'), 3000);
}

static void test_one_change_tells_one_value(void **state)
{
        struct fixture *f = *state;
        _cleanup_bus_ sd_bus *bus = must_connect(f);
        struct heard heard;

        listen_to(bus, &heard);
        must_answer(f, "Start", "storm", "start|root|storm|0|0|0");
        hear(bus, &heard, 3000, 0); /* the last value: nothing is left to be told */
        heard.signals = 0;
        must_answer(f, "Start", "same", "start|root|same|0|0|0"); /* but the hold's end, by a microsecond */
        hear(bus, &heard, 3000, 600000);
        assert_int_equal(heard.signals, 0);
        must_answer(f, "Start", "storm", "start|root|storm|0|0|0");
        hear(bus, &heard, 6000, 0);
        assert_int_equal(heard.values, 1); /* RestartsTotal alone */
}

/* The same peer to peer, where the reader sees everything: but not in what is told to all. */
static void test_properties_peer_to_peer(void **state)
{
        struct fixture *f = *state;
        char address[128];
        _cleanup_bus_ sd_bus *bus = NULL;
        char *reason = NULL;
        struct heard heard;

        (void)text_format(address, sizeof(address), "unix:path=%s", f->peer_socket);
        assert_true(sd_bus_new(&bus) >= 0);
        assert_true(sd_bus_set_address(bus, address) >= 0);
        assert_true(sd_bus_start(bus) >= 0);
        assert_true(sd_bus_get_property_string(bus, NULL, OBJECT, NAME, "HoldReason", NULL, &reason) >= 0);
        assert_string_equal(reason, "for #############");
        free(reason);
        listen_to(bus, &heard);
        must_answer(f, "Start", "storm", "start|root|storm|0|0|0");
        hear(bus, &heard, 3000, 0);
        assert_true(heard.signals > 0);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
            WITH_SERVER(test_root_controls),
            WITH_SERVER(test_without_polkit),
            WITH_SERVER(test_polkit_allows),
            WITH_SERVER(test_polkit_refuses),
            WITH_SERVER(test_polkit_wants_a_password),
            WITH_SERVER(test_polkit_talks_nonsense),
            WITH_SERVER(test_polkit_is_silent),
            WITH_SERVER(test_places_are_free_again),
            WITH_SERVER(test_commands_are_bounded),
            WITH_SERVER(test_reading_is_for_all_and_public),
            WITH_SERVER(test_properties),
            WITH_SERVER(test_policy),
            WITH_SERVER(test_introspection_is_the_shipped_file),
            WITH_SERVER(test_a_storm_is_few_signals),
            WITH_SERVER(test_one_change_tells_one_value),
            WITH_SERVER(test_properties_peer_to_peer),
            WITH_SERVER(test_forged_sender),
            WITH_SERVER(test_lies_about_the_bus),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
