/*
 * The gateway's life on a system bus of our own: a bus that comes later, stands still, dies and comes back, a
 * name that is refused or taken, memory over many calls and large ones; and the CLI's client beside it.
 */
#include "resident_memory.h"
#include "system_bus_fixture.h"

static int with_no_answer(struct fixture *f)
{
        return check_stranger(f, true, "", "");
}

/* --- memory --- */

static void look_and_control(sd_bus *bus, unsigned times)
{
        for (unsigned i = 0; i < times; i++) {
                struct asked asked;
                ask(bus, false, "Start", "same", &asked);
                assert_true(asked.r >= 0);
                assert_true(sd_bus_call_method(bus, NAME, OBJECT, NAME, "Snapshot", NULL, NULL, NULL) >= 0);
                assert_true(sd_bus_call_method(bus, NAME, OBJECT, "org.freedesktop.DBus.Properties", "GetAll",
                                               NULL, NULL, "s", NAME) >= 0);
        }
}

static void test_no_growth(void **state)
{
        struct fixture *f = *state;
        _cleanup_bus_ sd_bus *bus = must_connect(f);

        look_and_control(bus, 100);
        long warm = resident_pages(f->server);
        look_and_control(bus, 700);
        assert_grown_less(f->server, warm, 64);
}

/* A message of 16 MB, which the bus daemon lets through, is given back. */
static void test_huge_message(void **state)
{
        struct fixture *f = *state;
        _cleanup_bus_ sd_bus *bus = must_connect(f);
        size_t size = (size_t)16 << 20;
        _cleanup_free_ char *reason = calloc(1, size);
        struct asked asked;

        look_and_control(bus, 10);
        long before = resident_pages(f->server);
        assert_non_null(reason);
        memset(reason, 'x', size - 1);
        for (unsigned i = 0; i < 3; i++) {
                ask(bus, false, "Start", reason, &asked);
                assert_string_equal(asked.message, "the reason is too long");
        }
        look_and_control(bus, 1);
        assert_grown_less(f->server, before, 512);
}

/* --- the bus comes and goes --- */

static void test_bus_dies_and_comes_back(void **state)
{
        struct fixture *f = *state;

        for (unsigned i = 0; i < 2; i++) {
                end_child(&f->bus, SIGKILL);
                _cleanup_(control_client_cleanup) struct control_client *client = NULL;
                static struct snapshot s;
                assert_int_equal(control_client_connect(&client, f->peer_socket, TIMEOUT), 0);
                assert_int_equal(control_client_snapshot(client, TIMEOUT, &s), 0); /* it works on */
                start_bus(f);
                wait_for_name(f, NAME, true);
                root_controls(f);
        }
}

/* A command that waits and one whose sender is being asked for, when the bus dies: both are forgotten. */
static void test_bus_dies_while_commands_wait(void **state)
{
        struct fixture *f = *state;
        sd_bus *bus = must_connect(f);
        unsigned answered = 0;

        assert_true(sd_bus_call_method_async(bus, NULL, NAME, OBJECT, NAME, "Start", died, &answered, "sb",
                                             "never", 0) >= 0);
        assert_true(sd_bus_call_method(bus, NAME, OBJECT, NAME, "Snapshot", NULL, NULL, NULL) >= 0);
        start_polkit(f, POLKIT_SILENT);
        pid_t stranger = start_child();
        if (stranger == 0)
                _exit(setresuid(NOBODY, NOBODY, NOBODY) < 0 ? 100 : with_no_answer(f));
        expect_polkit_heard(f, "I");
        end_child(&f->bus, SIGKILL);
        drop_bus(&bus);
        assert_int_equal(waitpid(stranger, NULL, 0), stranger);
        start_bus(f);
        wait_for_name(f, NAME, true);
        root_controls(f);
}

static void test_bus_comes_later(void **state)
{
        struct fixture *f = *state;

        start_server(f);
        pause_msec(600); /* two tries went by */
        start_bus(f);
        wait_for_name(f, NAME, true);
        root_controls(f);
        end_server(f);
        wait_for_name(f, NAME, false);
}

static void test_name_is_taken(void **state)
{
        struct fixture *f = *state;

        start_bus(f);
        sd_bus *other = must_connect(f);
        assert_true(sd_bus_request_name(other, NAME, 0) > 0);
        start_server(f);
        _cleanup_(control_client_cleanup) struct control_client *client = NULL;
        static struct snapshot s;
        assert_int_equal(control_client_connect(&client, f->peer_socket, TIMEOUT), 0);
        assert_int_equal(control_client_snapshot(client, TIMEOUT, &s), 0);
        pause_msec(300);
        assert_true(sd_bus_release_name(other, NAME) >= 0); /* closing is not enough: the server has a copy */
        drop_bus(&other);
        wait_for_name(f, NAME, true);
        root_controls(f);
}

/* Refused for want of the policy file, until a bus that has it comes. */
static void test_no_policy_file(void **state)
{
        struct fixture *f = *state;

        f->no_policy = true;
        start_bus(f);
        start_server(f);
        pause_msec(600);
        assert_false(has_owner(f, NAME));
        end_child(&f->bus, SIGKILL);
        f->no_policy = false;
        start_bus(f);
        wait_for_name(f, NAME, true);
        root_controls(f);
}

/* A bus that is stopped takes nothing: our memory does not pay for it, and the peer bus works. */
static void test_bus_stands_still(void **state)
{
        struct fixture *f = *state;
        const struct control_request request = {.kind = COMMAND_START, .reason = "storm"};
        char message[256] = "";
        int result = -1;
        _cleanup_(control_client_cleanup) struct control_client *client = NULL;

        assert_int_equal(kill(f->bus, SIGSTOP), 0);
        assert_int_equal(control_client_connect(&client, f->peer_socket, TIMEOUT), 0);
        assert_int_equal(control_client_command(client, &request, TIMEOUT, &result, message, sizeof(message)),
                         0);
        assert_int_equal(result, 0);
        assert_int_equal(kill(f->bus, SIGCONT), 0);
        root_controls(f);
}

/* --- the client of the CLI --- */

static int client_as_stranger(struct fixture *f)
{
        _cleanup_(control_client_cleanup) struct control_client *client = NULL;
        const struct control_request request = {.kind = COMMAND_STOP, .reason = "mine", .duration = 5};
        static struct snapshot s;
        char message[256] = "";
        int result = -1;

        if (setenv("DBUS_SYSTEM_BUS_ADDRESS", f->address, 1) < 0 ||
            control_client_connect_system(&client, TIMEOUT) < 0)
                return 1;
        if (control_client_snapshot(client, TIMEOUT, &s) < 0 || s.n_modems != 2 || s.modems[0].imsi[0])
                return 2;
        if (control_client_command(client, &request, TIMEOUT, &result, message, sizeof(message)) < 0)
                return 3;
        return text_equal(message, "stop|nobody|mine|5|0|0") ? 0 : 4;
}

static int client_without_gateway(struct fixture *f)
{
        _cleanup_(control_client_cleanup) struct control_client *client = NULL;
        const struct control_request request = {.kind = COMMAND_START};
        char message[256] = "";
        int result = -1;

        if (setenv("DBUS_SYSTEM_BUS_ADDRESS", f->address, 1) < 0 ||
            control_client_connect_system(&client, TIMEOUT) < 0)
                return 1;
        return control_client_command(client, &request, TIMEOUT, &result, message, sizeof(message)) ==
                       -EHOSTUNREACH
                   ? 0
                   : 2;
}

static int client_without_bus(struct fixture *f)
{
        struct control_client *client = NULL;

        return setenv("DBUS_SYSTEM_BUS_ADDRESS", f->address, 1) == 0 &&
                       control_client_connect_system(&client, TIMEOUT) < 0
                   ? 0
                   : 1;
}

static void test_client(void **state)
{
        struct fixture *f = *state;

        start_polkit(f, POLKIT_YES);
        as_user(f, NOBODY, client_as_stranger);
        expect_polkit_heard(f, "I"); /* it may be asked for a password */
        end_server(f);
        wait_for_name(f, NAME, false);
        as_user(f, NOBODY, client_without_gateway);
        end_child(&f->bus, SIGKILL);
        as_user(f, NOBODY, client_without_bus);
}

#define WITH_SERVER(test)  cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define WITH_NOTHING(test) cmocka_unit_test_setup_teardown(test, set_up_nothing, tear_down)

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
            WITH_SERVER(test_no_growth),
            WITH_SERVER(test_huge_message),
            WITH_SERVER(test_bus_dies_and_comes_back),
            WITH_SERVER(test_bus_dies_while_commands_wait),
            WITH_NOTHING(test_bus_comes_later),
            WITH_NOTHING(test_name_is_taken),
            WITH_NOTHING(test_no_policy_file),
            WITH_SERVER(test_bus_stands_still),
            WITH_SERVER(test_client),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
