/*
 * `smswarden stop`, `start`, `restart`, `reset-modem`, `test-alert`: asks the controller and waits for the
 * outcome. There is no second way to the same end in here: without a controller the person is told what helps
 * instead.
 *
 * The controller's own socket takes commands from root alone. Who is refused there asks over the system bus,
 * where polkit may know better, after a password perhaps.
 */
#include "cli.h"
#include "collect.h"
#include "command_test_alert.h"
#include "polkit_agent.h"
#include "render.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>
#include <time.h>

/* A modem that was just plugged in takes up to two minutes, a PDU under way one. */
#define OUTCOME_TIMEOUT (10 * USEC_PER_MIN)

struct answer {
        int result;
        char message[512];
        struct snapshot *before; /* test-alert: the state before it was asked for */
};

static void free_answer(struct answer *answer)
{
        free(answer->before);
}

static int no_controller(const struct cli *cli, int error)
{
        if (error == -ENOENT || error == -ECONNREFUSED)
                cli_complain("%s: %s; %s; to get SMS flowing without it: systemctl restart %s",
                             cli->options.command, collect_error_to_string(error), collect_start_hint(),
                             cli->config.unit);
        else
                cli_complain("%s: %s", cli->options.command, collect_error_to_string(error));
        return EXIT_FAILED;
}

static int no_permission(const struct cli *cli, const char *message)
{
        cli_complain("%s: %s", cli->options.command, message[0] ? message : "only root may do this");
        return EXIT_NO_PERMISSION;
}

static int no_outcome(const struct cli *cli, int error, const char *message)
{
        if (message[0])
                cli_complain("%s: %s", cli->options.command, message);
        else if (error == -ETIMEDOUT)
                cli_complain("%s: no outcome after 10min; see smswarden status", cli->options.command);
        else
                cli_complain("%s: %s before the outcome was known; see smswarden status",
                             cli->options.command, collect_error_to_string(error));
        return EXIT_FAILED;
}

/* The end of the hold as the controller has it: it may have shortened what was asked for. */
static void print_hold(struct control_client *client)
{
        _cleanup_free_ struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
        char age[48], clock[32] = "";
        struct tm broken;

        if (!snapshot || control_client_snapshot(client, COLLECT_TIMEOUT, snapshot) < 0 ||
            !snapshot->hold.active)
                return;
        time_t until = (time_t)(snapshot->hold.until / (snapshot_time_t)USEC_PER_SEC);
        if (localtime_r(&until, &broken))
                (void)strftime(clock, sizeof(clock), "%Y-%m-%d %H:%M:%S", &broken);
        render_age(age, sizeof(age), snapshot->hold.until, clock_realtime());
        (void)printf("the hold ends at %s (%s), or with: smswarden start\n", clock, age);
}

/* What changes from here on is the test's doing. */
static int look_before(struct control_client *client, struct answer *answer)
{
        if (!answer->before)
                answer->before = calloc(1, sizeof(*answer->before));
        return answer->before ? control_client_snapshot(client, COLLECT_TIMEOUT, answer->before) : -ENOMEM;
}

static int ask(const struct cli *cli, struct control_client *client, enum command_kind kind,
               struct answer *ret_answer)
{
        int r = kind == COMMAND_TEST_ALERT ? look_before(client, ret_answer) : 0;

        if (r < 0)
                return r;
        if (kind == COMMAND_TEST_ALERT && !test_alert_knows(ret_answer->before, cli->options.argument,
                                                            ret_answer->message, sizeof(ret_answer->message)))
                return 0; /* failed, with these words */
        const struct control_request request = {.kind = kind,
                                                .duration = cli->options.duration,
                                                .reason = cli->options.reason,
                                                .force = cli->options.force,
                                                .modem = cli->options.argument,
                                                .step = cli->options.step,
                                                .receiver = cli->options.argument};

        return control_client_command(client, &request, OUTCOME_TIMEOUT, &ret_answer->result,
                                      ret_answer->message, sizeof(ret_answer->message));
}

static int report(const struct cli *cli, struct control_client *client, enum command_kind kind,
                  const struct answer *answer)
{
        if (answer->result != 0) {
                cli_complain("%s: %s", cli->options.command, answer->message);
                return EXIT_FAILED;
        }
        if (kind == COMMAND_TEST_ALERT)
                return test_alert_follow(client, answer->before, cli->options.argument);
        (void)printf("%s\n", answer->message);
        if (kind == COMMAND_STOP)
                print_hold(client);
        return EXIT_DONE;
}

/* Where there is no system bus, or no gateway on it, the first refusal stands. */
static int control_over_system_bus(const struct cli *cli, enum command_kind kind)
{
        _cleanup_(control_client_cleanup) struct control_client *client = NULL;
        _cleanup_(polkit_agent_end) struct polkit_agent agent = {0};
        _cleanup_(free_answer) struct answer answer = {.result = EXIT_FAILED};

        if (cli->config.system_bus == SYSTEM_BUS_OFF ||
            control_client_connect_system(&client, COLLECT_TIMEOUT) < 0)
                return no_permission(cli, "");
        polkit_agent_begin(&agent);
        int r = ask(cli, client, kind, &answer);
        if (r >= 0)
                return report(cli, client, kind, &answer);
        if (r == -EHOSTUNREACH)
                return no_permission(cli, "");
        return r == -EACCES ? no_permission(cli, answer.message) : no_outcome(cli, r, answer.message);
}

static int control(const struct cli *cli, enum command_kind kind)
{
        _cleanup_(control_client_cleanup) struct control_client *client = NULL;
        _cleanup_(free_answer) struct answer answer = {.result = EXIT_FAILED};
        int r = collect_connect(&client, &cli->config);

        if (r == -EACCES || r == -EPERM)
                return control_over_system_bus(cli, kind);
        if (r < 0)
                return no_controller(cli, r);
        r = ask(cli, client, kind, &answer);
        if (r == -EACCES)
                return control_over_system_bus(cli, kind);
        return r < 0 ? no_outcome(cli, r, answer.message) : report(cli, client, kind, &answer);
}

int command_stop(struct cli *cli)
{
        return control(cli, COMMAND_STOP);
}

int command_start(struct cli *cli)
{
        return control(cli, COMMAND_START);
}

int command_restart(struct cli *cli)
{
        return control(cli, COMMAND_RESTART);
}

int command_reset_modem(struct cli *cli)
{
        return control(cli, COMMAND_RESET_MODEM);
}

int command_test_alert(struct cli *cli)
{
        return control(cli, COMMAND_TEST_ALERT);
}
