/*
 * Command lines: the line editor with its echo, a line taken apart into commands (basic ones run together,
 * extended ones parted by ';'), the table look-up, and the final result on its way out through the faults
 * that a test asked for.
 */
#include "ec25/model_internal.h"

#include <ctype.h>
#include <string.h>

#define CTRL_Z 0x1a
#define ESCAPE 0x1b

bool argument_text(const char *argument, unsigned index, char *target, size_t size)
{
        bool quoted = false;
        size_t used = 0;

        for (; *argument && (*argument != ',' || quoted || index); argument++) {
                if (*argument == '"')
                        quoted = !quoted;
                else if (*argument == ',' && !quoted)
                        index--;
                else if (!index && used + 1 < size)
                        target[used++] = *argument;
        }
        target[used] = '\0';
        return !index && used;
}

bool argument_number(const char *argument, unsigned index, unsigned maximum, unsigned *ret_value)
{
        char text[16], *end;

        if (!argument_text(argument, index, text, sizeof(text)) || !isdigit((unsigned char)text[0]))
                return false;
        unsigned long value = strtoul(text, &end, 10);
        if (*end || value > maximum)
                return false;
        *ret_value = (unsigned)value;
        return true;
}

const struct rule *rule_find(const struct ec25 *modem, const char *command)
{
        for (size_t i = 0; i < RULES; i++) {
                const struct rule *rule = &modem->rules[i];
                if (rule->command[0] &&
                    (text_equal(rule->command, "*") || text_starts_with(command, rule->command)))
                        return rule;
        }
        return NULL;
}

static void remember(struct ec25 *modem, enum ec25_port port, const char *command)
{
        char text[sizeof(modem->seen[0].text)];
        size_t i;

        text_copy(text, sizeof(text), command);
        for (i = 0; i < modem->seen_count; i++)
                if (text_equal(modem->seen[i].text, text))
                        break;
        if (i == COMMANDS_SEEN)
                return;
        if (i == modem->seen_count)
                text_copy(modem->seen[modem->seen_count++].text, sizeof(text), text);
        modem->seen[i].counts[port]++;
}

/* Pieces of 1 to 7 bytes, each its own write; a huge answer would take minutes and is left whole. */
static void emit_answer(struct ec25 *modem, enum ec25_port port, const struct bytes *answer, usec_t now)
{
        size_t at = 0;

        if (!(modem->faults & EC25_FAULT_SPLIT) || answer->length > 4096) {
                port_emit(modem, port, answer->data, answer->length, now);
                return;
        }
        for (size_t piece = 0; at < answer->length; piece++) {
                size_t length = piece % 7 + 1;
                if (length > answer->length - at)
                        length = answer->length - at;
                port_emit(modem, port, answer->data + at, length, now + piece * 3 * USEC_PER_MSEC);
                at += length;
        }
}

static void result_text(const struct port *port, int result, char *text, size_t size)
{
        if (result >= 2000)
                text_format(text, size, "\r\n+CMS ERROR: %d\r\n", result - 2000);
        else if (result >= 1000 && port->cmee == 1)
                text_format(text, size, "\r\n+CME ERROR: %d\r\n", result - 1000);
        else if (result >= 1000 && port->cmee == 2)
                text_format(text, size, "\r\n+CME ERROR: %s\r\n",
                            result == AT_CME(10)   ? "SIM not inserted"
                            : result == AT_CME(11) ? "SIM PIN required"
                            : result == AT_CME(12) ? "SIM PUK required"
                            : result == AT_CME(13) ? "SIM failure"
                            : result == AT_CME(14) ? "SIM busy"
                            : result == AT_CME(16) ? "incorrect password"
                                                   : "unknown error");
        else if (port->numeric)
                text_format(text, size, "%d\r", result == AT_OK ? 0 : 4);
        else
                text_format(text, size, "\r\n%s\r\n", result == AT_OK ? "OK" : "ERROR");
}

/* Information and final result leave as one piece, unless a fault says otherwise. */
static void send_result(struct ec25 *modem, enum ec25_port port, const char *result, usec_t now)
{
        static const char garbage[] = "\x80\xff\x7e\x00\x1b[2J\xfe";
        struct port *p = &modem->ports[port];
        struct bytes out = {0};

        if (modem->faults & EC25_FAULT_GARBAGE)
                bytes_append(&out, garbage, sizeof(garbage) - 1);
        if (modem->faults & EC25_FAULT_URCS)
                bytes_append(&out, "\r\n+QIND: \"csq\",28,99\r\n", 22);
        bytes_append(&out, p->answer.data, p->answer.length);
        if (modem->faults & EC25_FAULT_URCS)
                bytes_append(&out, "\r\n+CREG: 1\r\n", 12);
        bytes_append(&out, result, strlen(result));
        emit_answer(modem, port, &out, now);
        bytes_free(&out);
        bytes_free(&p->answer);
}

static void resume(struct ec25 *modem, enum ec25_port port, usec_t now)
{
        struct port *p = &modem->ports[port];
        struct bytes waiting = p->waiting;

        p->waiting = (struct bytes){0};
        p->busy_until = 0;
        p->held = p->sending = false;
        p->length = 0;
        if (waiting.length)
                at_input(modem, port, waiting.data, waiting.length, now);
        bytes_free(&waiting);
}

void at_finish(struct ec25 *modem, enum ec25_port port, int result, usec_t now)
{
        char text[64];

        result_text(&modem->ports[port], result, text, sizeof(text));
        send_result(modem, port, text, now);
        resume(modem, port, now);
}

static int basic_number(const char **command)
{
        int value = 0;

        while (isdigit((unsigned char)**command) && value < 1000)
                value = value * 10 + (*(*command)++ - '0');
        return value;
}

static int identify(struct ec25 *modem, const struct at_call *call)
{
        const struct identity *identity = modem->identity;

        answer_bytes(modem, call, "", identity[ID_MANUFACTURER].data, identity[ID_MANUFACTURER].length);
        answer_bytes(modem, call, "", identity[ID_MODEL].data, identity[ID_MODEL].length);
        answer_bytes(modem, call, "Revision: ", identity[ID_REVISION].data, identity[ID_REVISION].length);
        return AT_OK;
}

/* E0 V1 Q0 S0=3 &C1 &D2 X4 Z &F I H, run together as one likes. Moves `command` behind what it took. */
static int basic(struct ec25 *modem, const struct at_call *call, const char **command)
{
        struct port *port = &modem->ports[call->port];
        char letter = *(*command)++;
        int value;

        if (letter == '&')
                letter = (char)(**command ? tolower((unsigned char)*(*command)++) : '?');
        if (letter == 'S') {
                (void)basic_number(command);
                if (**command == '=')
                        (*command)++;
                (void)basic_number(command);
                return AT_OK;
        }
        if (letter == 'D') { /* a data call: nobody answers */
                *command += strlen(*command);
                return AT_ERROR;
        }
        value = basic_number(command);
        switch (letter) {
        case 'E':
                port->echo = value != 0;
                return AT_OK;
        case 'V':
                port->numeric = value == 0;
                return AT_OK;
        case 'I':
                return identify(modem, call);
        case 'Z':
        case 'f':
                port->echo = true;
                port->cmee = 1;
                return AT_OK;
        case 'Q':
        case 'X':
        case 'H':
        case 'L':
        case 'M':
        case 'A':
        case 'c':
        case 'd':
        case 'k':
        case 's':
        case 'w':
                return AT_OK;
        default:
                *command += strlen(*command);
                return AT_ERROR;
        }
}

static const struct at_command *find(const char *name)
{
        static const struct at_command *const tables[] = {general_commands, sim_commands, sms_commands};

        for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
                for (const struct at_command *command = tables[i]; command->name; command++)
                        if (text_equal_nocase(command->name, name))
                                return command;
        return NULL;
}

/* `text` is one extended command, "+CREG=2". */
static int extended(struct ec25 *modem, struct at_call *call, const char *text)
{
        char name[32];
        size_t length = strcspn(text, "=?");
        const char *rest = text + length;

        if (text_copy_n(name, sizeof(name), text, length) < 0)
                return AT_ERROR;
        call->kind = !*rest                   ? AT_EXECUTE
                     : text_equal(rest, "?")  ? AT_READ
                     : text_equal(rest, "=?") ? AT_TEST
                                              : AT_SET;
        if (call->kind == AT_SET && *rest != '=')
                return AT_ERROR;
        call->argument = call->kind == AT_SET ? rest + 1 : "";
        const struct at_command *command = find(name);
        return command ? command->handler(modem, call) : AT_ERROR;
}

/* The end of an extended command: its ';', not one between quotes. */
static size_t extended_length(const char *text)
{
        bool quoted = false;
        size_t length = 0;

        for (; text[length] && (quoted || text[length] != ';'); length++)
                if (text[length] == '"')
                        quoted = !quoted;
        return length;
}

static int run(struct ec25 *modem, enum ec25_port port, const char *line, usec_t now)
{
        struct at_call call = {.port = port, .now = now};
        char command[LINE_SIZE];
        int result = AT_OK;

        line += 2;
        while (*line && result == AT_OK) {
                while (*line == ';' || *line == ' ')
                        line++;
                if (!*line)
                        break;
                if (*line != '+' && *line != '^' && *line != '$' && *line != '&') {
                        text_copy(command, sizeof(command), line);
                        command[0] = (char)toupper((unsigned char)command[0]);
                        const char *rest = command;
                        result = basic(modem, &call, &rest);
                        line += rest - command;
                        continue;
                }
                if (*line == '&') {
                        result = basic(modem, &call, &line);
                        continue;
                }
                size_t length = extended_length(line);
                text_copy_n(command, sizeof(command), line, length);
                line += length;
                result = extended(modem, &call, command);
        }
        return result;
}

static void execute(struct ec25 *modem, enum ec25_port port, usec_t now)
{
        struct port *p = &modem->ports[port];
        const struct rule *rule = rule_find(modem, p->line);

        if (rule && rule->answer[0]) {
                char text[sizeof(rule->answer) + 8];
                text_format(text, sizeof(text), "\r\n%s\r\n", rule->answer);
                send_result(modem, port, text, now);
                resume(modem, port, now);
                return;
        }
        int result = run(modem, port, p->line, now);
        if (result != AT_PENDING)
                at_finish(modem, port, result, now);
}

/* A whole line stands in port->line. */
static void line_done(struct ec25 *modem, enum ec25_port port, usec_t now)
{
        struct port *p = &modem->ports[port];

        p->line[p->length] = '\0';
        if (toupper((unsigned char)p->line[0]) != 'A' || toupper((unsigned char)p->line[1]) != 'T') {
                p->length = 0;
                return;
        }
        /* What is matched by tests is upper case; what stands in quotes keeps its own. */
        for (size_t i = 0; p->line[i] && p->line[i] != '=' && p->line[i] != '"'; i++)
                p->line[i] = (char)toupper((unsigned char)p->line[i]);
        remember(modem, port, p->line);
        const struct rule *rule = rule_find(modem, p->line);
        if (rule && rule->delay) {
                p->held = true;
                p->busy_until = usec_add(now, rule->delay);
                return;
        }
        execute(modem, port, now);
}

void at_continue(struct ec25 *modem, enum ec25_port port, usec_t now)
{
        struct port *p = &modem->ports[port];

        p->busy_until = 0;
        if (p->sending)
                sms_result(modem, port, now);
        else if (p->held) {
                p->held = false;
                execute(modem, port, now);
        }
}

static void prompt_character(struct ec25 *modem, enum ec25_port port, char character, usec_t now)
{
        struct port *p = &modem->ports[port];

        if (character == ESCAPE) {
                p->prompt = false;
                at_finish(modem, port, AT_OK, now);
        } else if (character == CTRL_Z) {
                p->prompt = false;
                p->line[p->length] = '\0';
                p->length = 0;
                sms_pdu(modem, port, p->line, now);
        } else if (p->length + 1 < LINE_SIZE)
                p->line[p->length++] = character;
}

static void line_character(struct ec25 *modem, enum ec25_port port, char character, usec_t now)
{
        struct port *p = &modem->ports[port];

        if (character == '\r')
                line_done(modem, port, now);
        else if (character == '\b' && p->length)
                p->length--;
        else if ((unsigned char)character < ' ')
                return; /* LF behind CR, a left-over ESC or Ctrl-Z */
        else if (p->length + 1 < LINE_SIZE)
                p->line[p->length++] = character;
}

void at_input(struct ec25 *modem, enum ec25_port port, const char *data, size_t length, usec_t now)
{
        struct port *p = &modem->ports[port];
        size_t echoed = 0;

        for (size_t i = 0; i < length && modem->booted && !modem->hangs; i++) {
                bool control = data[i] == CTRL_Z || data[i] == ESCAPE;
                if (p->busy_until) {
                        bytes_append(&p->waiting, data + i, length - i);
                        return;
                }
                /* Typed text goes back in one piece, up to what makes the modem act. */
                if (p->echo && (data[i] == '\r' || control || i + 1 == length))
                        port_emit(modem, port, data + echoed, i - echoed + !control, now);
                if (data[i] == '\r' || control)
                        echoed = i + 1;
                if (p->prompt)
                        prompt_character(modem, port, data[i], now);
                else
                        line_character(modem, port, data[i], now);
        }
}
