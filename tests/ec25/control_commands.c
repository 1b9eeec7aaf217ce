/*
 * The words of the control socket. `help` lists them; README.md explains them. Everything is checked here,
 * for a test that says something impossible must hear so at once.
 */
#include "ec25/control_internal.h"

#include "base/parse.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

const char *request_failure(int r)
{
        return strerror(-r);
}

const char *request_word(const struct request *request, size_t index)
{
        return index < request->count ? request->words[index] : NULL;
}

bool request_number(const struct request *request, size_t index, unsigned maximum, unsigned *ret_value)
{
        const char *text = request_word(request, index);

        return text && parse_unsigned(text, 0, maximum, ret_value) == 0;
}

struct ec25 *request_modem(const struct request *request)
{
        return stand_modem(request->stand, request->modem);
}

/* "10M" and its like: as many letters. */
static char *repeat(const char *text, size_t *ret_length)
{
        char *suffix;
        size_t length = strtoul(text, &suffix, 10);
        size_t factor = *suffix == 'M' ? 1u << 20 : *suffix == 'k' ? 1u << 10 : 1;
        char *bytes = length <= 1024 ? malloc(length * factor + 1) : NULL;

        if (!bytes)
                return NULL;
        memset(bytes, 'A', length * factor);
        *ret_length = length * factor;
        return bytes;
}

/* Reads what follows a backslash; returns how many characters it took, 0 when it means nothing. */
static size_t read_escape(const char *text, char *ret_byte)
{
        static const char letters[] = "nrte0\\", meant[] = "\n\r\t\x1b\0\\";
        const char *found = text[0] ? strchr(letters, text[0]) : NULL;
        uint16_t value;

        if (found) {
                *ret_byte = meant[found - letters];
                return 1;
        }
        if (text[0] != 'x' || !text[1] || !text[2] ||
            parse_hex16((const char[]){text[1], text[2], 0}, &value) < 0)
                return 0;
        *ret_byte = (char)value;
        return 3;
}

char *request_unescape(const char *text, size_t *ret_length)
{
        size_t used = 0;

        if (text[0] == '@' && isdigit((unsigned char)text[1]))
                return repeat(text + 1, ret_length);
        char *bytes = malloc(strlen(text) + 1);
        while (bytes && *text) {
                size_t taken = *text == '\\' ? read_escape(text + 1, &bytes[used]) : 0;
                if (*text == '\\' && !taken) {
                        free(bytes);
                        return NULL;
                }
                if (!taken)
                        bytes[used] = *text;
                used++;
                text += 1 + taken;
        }
        *ret_length = used;
        return bytes;
}

/* -- waiting -- */

static const char *start_wait(struct request *request, enum wait_kind kind, unsigned long target,
                              unsigned milliseconds)
{
        if (!request->wait)
                return "cannot wait here";
        *request->wait = (struct wait){.kind = kind,
                                       .modem = request->modem,
                                       .target = target,
                                       .deadline = usec_add(stand_now(), milliseconds * USEC_PER_MSEC)};
        return NULL;
}

static const char *command_wait_sent(struct request *request)
{
        unsigned target, milliseconds;

        if (!request_number(request, 0, 1u << 30, &target) ||
            !request_number(request, 1, 3600000, &milliseconds))
                return "wait-sent: count milliseconds";
        return start_wait(request, WAIT_SENT, target, milliseconds);
}

static const char *command_wait_stored(struct request *request)
{
        unsigned target, milliseconds;

        if (!request_number(request, 0, 2000, &target) || !request_number(request, 1, 3600000, &milliseconds))
                return "wait-stored: count milliseconds";
        return start_wait(request, WAIT_STORED, target, milliseconds);
}

static const char *command_wait_plugged(struct request *request)
{
        unsigned plugged, milliseconds;

        if (!request_number(request, 0, 1, &plugged) || !request_number(request, 1, 3600000, &milliseconds))
                return "wait-plugged: 0|1 milliseconds";
        return start_wait(request, WAIT_PLUGGED, plugged, milliseconds);
}

static const char *command_wait_node(struct request *request)
{
        unsigned milliseconds;

        if (!request_word(request, 0) || !request_number(request, 1, 3600000, &milliseconds))
                return "wait-node: at|modem|diag|nmea milliseconds";
        const char *wrong = start_wait(request, WAIT_NODE, 0, milliseconds);
        if (!wrong &&
            text_copy(request->wait->word, sizeof(request->wait->word), request_word(request, 0)) < 0)
                wrong = "no such port";
        return wrong;
}

/* Without a total: the next one from now on. */
static const char *command_wait_command(struct request *request)
{
        unsigned milliseconds, total = 0;

        if (!request_word(request, 0) || !request_number(request, 1, 3600000, &milliseconds) ||
            (request_word(request, 2) && !request_number(request, 2, 1u << 30, &total)))
                return "wait-command: AT+... milliseconds [total]";
        if (!request_word(request, 2))
                total = ec25_commands(request_modem(request), EC25_PORTS, request_word(request, 0)) + 1;
        const char *wrong = start_wait(request, WAIT_COMMAND, total, milliseconds);
        if (!wrong &&
            text_copy(request->wait->word, sizeof(request->wait->word), request_word(request, 0)) < 0)
                wrong = "command too long";
        return wrong;
}

static const char *quit(struct request *request)
{
        request->quit = true;
        return NULL;
}

static const char *help(struct request *request);

static const struct {
        const char *name;
        const char *(*handler)(struct request *request);
        bool of_modem;
        const char *usage;
} commands[] = {
    {"plug", command_plug, true,
     "M [composition=qmi] [usb=1-1.2] [first=0] [order=reverse|3,1,0,2] [gap=ms] [boot=ms] [back=ms] "
     "[port=vhci port] [product=] [manufacturer=] [serial=]"},
    {"unplug", command_unplug, true, "M"},
    {"eio", command_eio, true, "M: ports fail, the device stays"},
    {"stale", command_stale, false, "ttyUSB2: the number stays taken"},
    {"unstale", command_unstale, false, "ttyUSB2"},
    {"hang", command_hang, true, "M [power|usb]: silent until that"},
    {"mute", command_mute, true, "M at|modem: that port alone is silent"},
    {"wake", command_wake, true, "M"},
    {"reset", command_reset, true, "M: RDY in mid-session, no USB event"},
    {"sim", command_sim, true, "M ready|absent|busy|failure|dip|pin|puk"},
    {"pin", command_pin, true, "M 1234: the card wants it"},
    {"reg", command_reg, true, "M none|home|searching|denied|unknown|roaming"},
    {"signal", command_signal, true, "M 0..31|99"},
    {"capacity", command_capacity, true, "M slots [first=0]"},
    {"identity", command_identity, true,
     "M key=value...: imei imsi iccid model manufacturer revision operator smsc; \\n \\e \\0 \\xNN @10M"},
    {"receive", command_receive, true, "M sender text..."},
    {"urc", command_urc, true, "M text"},
    {"fault", command_fault, true, "M none|split|garbage|urcs|binary|nmea..."},
    {"delay", command_delay, true, "M AT+CSQ|* ms"},
    {"answer", command_answer, true, "M AT+CSQ [final result...]"},
    {"cmgs", command_cmgs, true, "M ok [ms] | never | error CODE [ms]"},
    {"poison", command_poison, true, "M [text]: sending it hangs the modem"},
    {"list", command_list, false, ""},
    {"node", command_node, true, "M [at|modem|diag|nmea]"},
    {"holders", command_holders, true, "M"},
    {"sent", command_sent, true, "M"},
    {"stored", command_stored, true, "M"},
    {"stats", command_stats, false, ""},
    {"transcript", command_transcript, true, "M: the files below DIR"},
    {"wait-sent", command_wait_sent, true, "M count ms"},
    {"wait-stored", command_wait_stored, true, "M count ms"},
    {"wait-plugged", command_wait_plugged, true, "M 0|1 ms"},
    {"wait-node", command_wait_node, true, "M at|modem|diag|nmea ms"},
    {"wait-command", command_wait_command, true, "M AT+... ms [total]"},
    {"help", help, false, ""},
    {"quit", quit, false, ""},
};

static const char *help(struct request *request)
{
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
                answer_format(request->answer, "%s %s\n", commands[i].name, commands[i].usage);
        return NULL;
}

/* Splits at blanks, in place. */
static char *next_word(char **rest)
{
        char *start = *rest + strspn(*rest, " \t\r");
        size_t length = strcspn(start, " \t\r");

        *rest = start + length;
        if (**rest)
                *(*rest)++ = '\0';
        return length ? start : NULL;
}

static const char *read_words(struct request *request, char *rest, char **raw)
{
        char *one = next_word(&rest);

        if (one)
                request->words[request->count++] = one;
        *raw = *rest ? strdup(rest) : NULL;
        request->rest = *raw;
        while (request->count < CONTROL_WORDS && (one = next_word(&rest)))
                request->words[request->count++] = one;
        return next_word(&rest) && !*raw ? "too many words" : NULL;
}

const char *control_command(struct request *request, char *line)
{
        char *name = next_word(&line);
        _cleanup_free_ char *raw = NULL;

        if (!name || name[0] == '#')
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                if (!text_equal(commands[i].name, name))
                        continue;
                char *modem = commands[i].of_modem ? next_word(&line) : NULL;
                if (commands[i].of_modem &&
                    (!modem ||
                     parse_unsigned(modem, 0, stand_count(request->stand) - 1, &request->modem) < 0))
                        return "no such modem";
                const char *wrong = read_words(request, line, &raw);
                return wrong ? wrong : commands[i].handler(request);
        }
        return "unknown command, try help";
}
