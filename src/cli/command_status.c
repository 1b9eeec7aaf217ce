/*
 * `smswarden status`. With --watch it goes on until it is interrupted or nobody reads any more: a fresh
 * screen each second on a terminal, else a line or a block whenever something changed.
 */
#include "cli.h"
#include "collect.h"
#include "render.h"

#include "base/clock.h"
#include "base/text.h"

#include <poll.h>
#include <string.h>

#define WATCH_MS 1000

static void show_text(const struct cli *cli, struct screen *screen, const struct snapshot *snapshot)
{
        render_text(screen, snapshot, clock_realtime());
        if (cli->config_problem[0])
                screen_format(screen, "note", SCREEN_WARNING, "%s", cli->config_problem);
}

static int show(const struct cli *cli, struct screen *screen, struct snapshot *snapshot)
{
        if (cli->options.json)
                return render_json(screen->file, snapshot);
        show_text(cli, screen, snapshot);
        return 0;
}

/* Waits for the next look. False: nobody reads any more. */
static bool wait_for_next(void)
{
        struct pollfd output = {.fd = STDOUT_FILENO};

        return poll(&output, 1, WATCH_MS) == 0;
}

/* The state as JSON: what is compared to see whether anything changed. To be freed, NULL when out of memory.
 */
static char *to_json(struct snapshot *snapshot)
{
        char *text = NULL;
        size_t size = 0;
        FILE *file = open_memstream(&text, &size);

        if (!file)
                return NULL;
        bool failed = render_json(file, snapshot) < 0;
        if (fclose(file) == 0 && !failed)
                return text;
        free(text);
        return NULL;
}

/* Shows it unless it is what was shown last. */
static int show_new(const struct cli *cli, struct screen *screen, struct snapshot *snapshot, char **last)
{
        char *text = to_json(snapshot);

        if (!text)
                return -ENOMEM;
        bool same = *last && text_equal(*last, text);
        free(*last);
        *last = text;
        return same ? 0 : show(cli, screen, snapshot);
}

static int watch(const struct cli *cli, struct screen *screen, struct snapshot *snapshot)
{
        _cleanup_free_ char *last = NULL;
        bool redraw = !cli->options.json && isatty(STDOUT_FILENO);

        do {
                collect_snapshot(&cli->config, snapshot);
                if (redraw)
                        (void)fputs("\033[H\033[2J", screen->file);
                int r = redraw ? show(cli, screen, snapshot) : show_new(cli, screen, snapshot, &last);
                if (r < 0)
                        return r;
        } while (fflush(screen->file) == 0 && wait_for_next());
        return 0;
}

int command_status(struct cli *cli)
{
        _cleanup_free_ struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
        struct screen screen = screen_of_stdout();
        int r = snapshot ? 0 : -ENOMEM;

        if (r == 0 && cli->options.watch)
                r = watch(cli, &screen, snapshot);
        else if (r == 0) {
                collect_snapshot(&cli->config, snapshot);
                r = show(cli, &screen, snapshot);
        }
        if (r < 0) {
                cli_complain("status: %s", strerror(-r));
                return EXIT_FAILED;
        }
        return verdict_exit_code(snapshot->verdict);
}
