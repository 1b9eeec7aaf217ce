/*
 * The mechanics of one command and its answer, see core/at_exchange.h. Knows no command and no fact.
 */
#include "core/at_exchange.h"

#include "base/text.h"

#include <string.h>

#define ESCAPE_EVERY 4 /* probes */

void at_exchange_init(struct at_exchange *exchange, usec_t give_up)
{
        *exchange = (struct at_exchange){.next = USEC_INFINITY, .give_up = give_up};
        at_parser_init(&exchange->parser);
}

void at_exchange_turn(struct at_exchange *exchange, usec_t when)
{
        if (exchange->awaiting)
                exchange->surplus++;
        exchange->awaiting = false;
        exchange->output_length = 0;
        exchange->sent = 0;
        exchange->next = when;
}

void at_exchange_send(struct at_exchange *exchange, const char *command, bool probe, usec_t limit, usec_t now)
{
        if (exchange->awaiting)
                exchange->surplus++;
        exchange->sent++;
        const char *escape = probe && exchange->sent % ESCAPE_EVERY == 0 ? "\x1b" : "";
        (void)text_format(exchange->output, sizeof(exchange->output), "%s%s\r", escape, command); /* fits */
        exchange->output_length = strlen(exchange->output);
        exchange->awaiting = true;
        exchange->informed = false;
        exchange->next = usec_add(now, limit);
}

static bool is_over(const struct at_exchange *exchange)
{
        return exchange->next == USEC_INFINITY;
}

void at_exchange_receive(struct at_exchange *exchange, const struct at_exchange_ops *ops, void *dialogue,
                         const char *data, size_t size, usec_t now)
{
        struct at_line line;

        while (size > 0 && !is_over(exchange)) {
                bool ready = false;
                size_t used = at_parser_feed(&exchange->parser, data, size, &line, &ready);
                data += used;
                size -= used;
                if (at_parser_is_binary(&exchange->parser))
                        ops->take(dialogue, NULL, now);
                else if (ready)
                        ops->take(dialogue, &line, now);
        }
}

void at_exchange_tick(const struct at_exchange *exchange, const struct at_exchange_ops *ops, void *dialogue,
                      usec_t now)
{
        if (now >= exchange->give_up)
                ops->run_out(dialogue);
        else if (now >= exchange->next && exchange->awaiting)
                ops->time_out(dialogue, now);
        else if (now >= exchange->next)
                ops->send(dialogue, now);
}

usec_t at_exchange_deadline(const struct at_exchange *exchange)
{
        return usec_min(exchange->next, exchange->give_up);
}

/* The end of a call, out of the blue: no result of anything that is asked here. */
static bool is_call_result(const struct at_line *line)
{
        return line->kind == AT_LINE_ERROR &&
               (text_starts_with(line->text, "NO ") || text_equal(line->text, "BUSY"));
}

bool at_exchange_finish(struct at_exchange *exchange, const struct at_line *line, bool asks)
{
        bool ok = line->kind == AT_LINE_OK;

        exchange->proven = true;
        if (!exchange->awaiting || is_call_result(line))
                return false;
        if (ok && asks && !exchange->informed && exchange->surplus > 0) {
                exchange->surplus--;
                return false;
        }
        exchange->awaiting = false;
        if (ok && exchange->informed)
                exchange->surplus = 0;
        return true;
}

void at_exchange_end(struct at_exchange *exchange)
{
        exchange->awaiting = false;
        exchange->next = exchange->give_up = USEC_INFINITY;
        exchange->output_length = 0;
}

size_t at_exchange_output(struct at_exchange *exchange, char *target, size_t size)
{
        size_t length = exchange->output_length < size ? exchange->output_length : size;

        memcpy(target, exchange->output, length);
        exchange->output_length = 0;
        return length;
}
