/*
 * The words of the control socket. `help` lists them; README.md explains them. Everything is checked here, for a test that
 * says something impossible must hear so at once.
 */
#include "ec25/control_internal.h"

#include "base/parse.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

typedef const char *(*command_handler)(struct request *request);

static const char *fail(int r)
{
        return strerror(-r);
}

static const char *word(const struct request *request, size_t index)
{
        return index < request->count ? request->words[index] : NULL;
}

static bool number(const struct request *request, size_t index, unsigned maximum, unsigned *ret_value)
{
        const char *text = word(request, index);

        return text && parse_unsigned(text, 0, maximum, ret_value) == 0;
}

static struct ec25 *modem_of(const struct request *request)
{
        return stand_modem(request->stand, request->modem);
}

/* \n \r \t \e \0 \\ \xNN, and @N[kM] for N bytes of 'A' without a line end. Returns malloc'ed bytes, NULL when malformed. */
static char *unescape(const char *text, size_t *ret_length)
{
        static const char letters[] = "nrte0\\", meant[] = "\n\r\t\x1b\0\\";
        char *bytes, *suffix;
        size_t used = 0;

        if (text[0] == '@' && isdigit((unsigned char)text[1])) {
                size_t length = strtoul(text + 1, &suffix, 10);
                length *= *suffix == 'M' ? 1u << 20 : *suffix == 'k' ? 1u << 10 : 1;
                bytes = length <= 1u << 30 ? malloc(length + 1) : NULL;
                if (bytes)
                        memset(bytes, 'A', length);
                *ret_length = length;
                return bytes;
        }
        bytes = malloc(strlen(text) + 1);
        for (; bytes && *text; text++) {
                const char *found;
                uint16_t value;
                if (*text != '\\')
                        bytes[used++] = *text;
                else if (text[1] && (found = strchr(letters, text[1]))) {
                        bytes[used++] = meant[found - letters];
                        text++;
                } else if (text[1] == 'x' && text[2] && text[3] && parse_hex16((const char[]){text[2], text[3], 0}, &value) == 0) {
                        bytes[used++] = (char)value;
                        text += 3;
                } else {
                        free(bytes);
                        return NULL;
                }
        }
        *ret_length = used;
        return bytes;
}

/* -- plugging -- */

static const char *read_order(const char *text, struct plug_options *options, unsigned ports)
{
        static const char *const wrong = "order: reverse, or indices with commas";

        options->ordered = 0;
        if (text_equal(text, "reverse"))
                while (options->ordered < ports) {
                        options->order[options->ordered] = ports - 1 - (unsigned)options->ordered;
                        options->ordered++;
                }
        else
                for (; *text; text += *text == ',') {
                        if (!isdigit((unsigned char)*text) || options->ordered == STAND_LINES)
                                return wrong;
                        options->order[options->ordered++] = (unsigned)(*text++ - '0');
                        if (*text && *text != ',')
                                return wrong;
                }
        return NULL;
}

static const char *plug_option(char *text, struct plug_options *options)
{
        const struct composition *composition = composition_find(options->composition);
        char *value = strchr(text, '=');
        unsigned milliseconds = 0, ports = 0;

        if (!value)
                return "options are key=value";
        *value++ = '\0';
        bool is_number = parse_unsigned(value, 0, 3600000, &milliseconds) == 0;
        for (size_t i = 0; composition && i < composition->count; i++)
                ports += composition->interfaces[i].tty != TTY_NONE;
        if (text_equal(text, "composition"))
                options->composition = value;
        else if (text_equal(text, "usb"))
                options->usb = value;
        else if (text_equal(text, "product"))
                options->product = value;
        else if (text_equal(text, "manufacturer"))
                options->manufacturer = value;
        else if (text_equal(text, "serial"))
                options->serial = value;
        else if (text_equal(text, "order"))
                return read_order(value, options, ports);
        else if (!is_number)
                return "unknown option, or not a number";
        else if (text_equal(text, "first"))
                options->first = milliseconds;
        else if (text_equal(text, "gap"))
                options->gap = milliseconds * USEC_PER_MSEC;
        else if (text_equal(text, "boot"))
                options->boot = milliseconds * USEC_PER_MSEC;
        else if (text_equal(text, "back"))
                options->back = milliseconds * USEC_PER_MSEC;
        else
                return "unknown option";
        return NULL;
}

/* USB strings may hold anything that C can write with a backslash. */
static void unescape_in_place(const char **text)
{
        size_t length;
        char *bytes = *text ? unescape(*text, &length) : NULL;

        if (!bytes)
                return;
        if (length <= strlen(*text)) {
                char *target = (char *)*text; /* the request's own line */
                memcpy(target, bytes, length);
                target[length] = '\0';
        }
        free(bytes);
}

static const char *plug(struct request *request)
{
        struct plug_options options, before;

        stand_defaults(request->stand, request->modem, &before);
        options = before;
        options.order[0] = 0;
        options.ordered = 0;
        options.first = 0;
        for (size_t i = 0; i < request->count; i++) {
                const char *wrong = plug_option((char *)request->words[i], &options);
                if (wrong)
                        return wrong;
        }
        if (options.product != before.product)
                unescape_in_place(&options.product);
        if (options.manufacturer != before.manufacturer)
                unescape_in_place(&options.manufacturer);
        if (options.serial != before.serial)
                unescape_in_place(&options.serial);
        int r = stand_plug(request->stand, request->modem, &options);
        return r < 0 ? fail(r) : NULL;
}

static const char *unplug(struct request *request)
{
        int r = stand_unplug(request->stand, request->modem);

        return r < 0 ? fail(r) : NULL;
}

static const char *eio(struct request *request)
{
        int r = stand_eio(request->stand, request->modem);

        return r < 0 ? fail(r) : NULL;
}

static const char *stale(struct request *request)
{
        int r = word(request, 0) ? stand_stale(request->stand, word(request, 0), true) : -EINVAL;

        return r < 0 ? fail(r) : NULL;
}

static const char *unstale(struct request *request)
{
        int r = word(request, 0) ? stand_stale(request->stand, word(request, 0), false) : -EINVAL;

        return r < 0 ? fail(r) : NULL;
}

static const char *list(struct request *request)
{
        struct stand_line line;

        for (unsigned i = 0; i < stand_count(request->stand); i++) {
                struct ec25 *modem = stand_modem(request->stand, i);
                answer_format(request->answer, "modem %u %s usb=%s composition=%s imei=%.40s%s\n", i,
                              stand_plugged(request->stand, i) ? "plugged" : "away", stand_usb_path(request->stand, i),
                              stand_composition(request->stand, i), ec25_identity(modem, "imei"),
                              ec25_hangs(modem) ? " hangs" : "");
                for (size_t k = 0; stand_line(request->stand, i, k, &line); k++)
                        answer_format(request->answer, "port %u %s %s %s %s %s\n", i, line.port, line.present ? "present" : "coming",
                                      line.node, line.present ? line.pts : "-", line.by_path);
        }
        return NULL;
}

/* The node of a port: at modem diag nmea. */
static const char *node(struct request *request)
{
        const char *wanted = word(request, 0) ? word(request, 0) : "at";
        struct stand_line line;

        for (size_t k = 0; stand_line(request->stand, request->modem, k, &line); k++)
                if (line.present && text_equal(line.port, wanted)) {
                        answer_format(request->answer, "%s\n", line.node);
                        return NULL;
                }
        return "no such port now";
}

static void tell_holder(const struct stand_holder *holder, void *userdata)
{
        answer_format(userdata, "holder %s pid=%d fd=%d%s\n", holder->node, holder->pid, holder->fd, holder->dead ? " dead" : "");
}

static const char *holders(struct request *request)
{
        int r = stand_holders(request->stand, request->modem, tell_holder, request->answer);

        return r < 0 ? fail(r) : NULL;
}

/* -- surroundings -- */

static const char *sim(struct request *request)
{
        enum ec25_sim state;

        if (!word(request, 0) || ec25_sim_from_string(word(request, 0), &state) < 0)
                return "sim: ready absent busy failure dip pin puk";
        ec25_set_sim(modem_of(request), state, stand_now());
        return NULL;
}

static const char *pin(struct request *request)
{
        if (!word(request, 0) || ec25_set_pin(modem_of(request), word(request, 0)) < 0)
                return "pin: 4 to 8 digits";
        ec25_set_sim(modem_of(request), EC25_SIM_PIN, stand_now());
        return NULL;
}

static const char *registration(struct request *request)
{
        enum ec25_registration state;

        if (!word(request, 0) || ec25_registration_from_string(word(request, 0), &state) < 0)
                return "reg: none home searching denied unknown roaming";
        ec25_set_registration(modem_of(request), state, stand_now());
        return NULL;
}

static const char *signal_quality(struct request *request)
{
        unsigned csq;

        if (!number(request, 0, 99, &csq))
                return "signal: 0..31 or 99";
        ec25_set_signal(modem_of(request), csq);
        return NULL;
}

static const char *capacity(struct request *request)
{
        unsigned slots, first = 0;

        if (!number(request, 0, 255, &slots) || !slots || (word(request, 1) && !number(request, 1, 1, &first)))
                return "capacity: 1..255 [number of the first slot: 0 or 1]";
        ec25_set_capacity(modem_of(request), slots, first);
        return NULL;
}

static const char *identity(struct request *request)
{
        for (size_t i = 0; i < request->count; i++) {
                char *value = strchr(request->words[i], '=');
                size_t length;
                if (!value)
                        return "identity: key=value";
                *value++ = '\0';
                _cleanup_free_ char *bytes = unescape(value, &length);
                int r = bytes ? ec25_set_identity(modem_of(request), request->words[i], bytes, length) : -EINVAL;
                if (r < 0)
                        return fail(r);
        }
        return NULL;
}

static const char *receive(struct request *request)
{
        size_t length;

        if (!word(request, 0) || !request->rest)
                return "receive: sender text";
        _cleanup_free_ char *text = unescape(request->rest, &length);
        if (!text)
                return "bad escape in text";
        text[length] = '\0';
        int r = ec25_receive(modem_of(request), word(request, 0), text, (int64_t)time(NULL), stand_now());
        return r < 0 ? fail(r) : NULL;
}

static const char *urc(struct request *request)
{
        size_t length;
        _cleanup_free_ char *text = word(request, 0) ? unescape(word(request, 0), &length) : NULL;

        if (!text)
                return "urc: text";
        text[length] = '\0';
        ec25_urc(modem_of(request), text, stand_now());
        return NULL;
}

/* -- failures -- */

static const char *hang(struct request *request)
{
        bool usb = word(request, 0) && text_equal(word(request, 0), "usb");

        if (word(request, 0) && !usb && !text_equal(word(request, 0), "power"))
                return "hang: cured by usb (authorized 0, 1) or power";
        ec25_hang(modem_of(request), usb ? EC25_CURE_USB : EC25_CURE_POWER);
        return NULL;
}

static const char *wake(struct request *request)
{
        ec25_wake(modem_of(request));
        return NULL;
}

static const char *reset(struct request *request)
{
        ec25_self_reset(modem_of(request), stand_now());
        return NULL;
}

static const char *fault(struct request *request)
{
        static const struct {
                const char *name;
                unsigned bit;
        } names[] = {{"none", 0},
                     {"split", EC25_FAULT_SPLIT},
                     {"garbage", EC25_FAULT_GARBAGE},
                     {"urcs", EC25_FAULT_URCS},
                     {"binary", EC25_FAULT_BINARY},
                     {"nmea", EC25_FAULT_NMEA}};
        unsigned faults = 0;

        if (!request->count)
                return "fault: none split garbage urcs binary nmea";
        for (size_t i = 0; i < request->count; i++) {
                size_t k = 0;
                while (k < ARRAY_SIZE(names) && !text_equal(names[k].name, request->words[i]))
                        k++;
                if (k == ARRAY_SIZE(names))
                        return "fault: none split garbage urcs binary nmea";
                faults |= names[k].bit;
        }
        ec25_set_faults(modem_of(request), faults, stand_now());
        return NULL;
}

static const char *delay(struct request *request)
{
        unsigned milliseconds;

        if (!word(request, 0) || !number(request, 1, 3600000, &milliseconds))
                return "delay: command milliseconds";
        int r = ec25_set_delay(modem_of(request), word(request, 0), milliseconds * USEC_PER_MSEC);
        return r < 0 ? fail(r) : NULL;
}

static const char *answer(struct request *request)
{
        if (!word(request, 0))
                return "answer: command [final result]";
        int r = ec25_set_answer(modem_of(request), word(request, 0), request->rest);
        return r < 0 ? fail(r) : NULL;
}

static const char *cmgs(struct request *request)
{
        static const char *const usage = "cmgs: ok [ms], never, error CODE [ms]";
        unsigned error = 0, milliseconds = 0;

        if (!word(request, 0))
                return usage;
        bool fails = text_equal(word(request, 0), "error"), never = text_equal(word(request, 0), "never");
        if (!fails && !never && !text_equal(word(request, 0), "ok"))
                return usage;
        if (fails && !number(request, 1, 999, &error))
                return usage;
        if (word(request, fails ? 2 : 1) && !number(request, fails ? 2 : 1, 3600000, &milliseconds))
                return usage;
        ec25_set_send(modem_of(request), fails ? EC25_SEND_ERROR : never ? EC25_SEND_NEVER : EC25_SEND_OK, error,
                      milliseconds * USEC_PER_MSEC);
        return NULL;
}

static const char *poison(struct request *request)
{
        int r = ec25_set_poison(modem_of(request), word(request, 0));

        return r < 0 ? fail(r) : NULL;
}

/* -- looking -- */

static unsigned same(const struct ec25 *modem, const struct pdu_message *wanted)
{
        unsigned count = 0;

        for (size_t i = 0; i < ec25_sent_count(modem); i++) {
                const struct pdu_message *message = &ec25_sent(modem, i)->message;
                count += text_equal(message->number, wanted->number) && text_equal(message->text, wanted->text) &&
                         message->part == wanted->part;
        }
        return count;
}

static const char *sent(struct request *request)
{
        const struct ec25 *modem = modem_of(request);

        for (size_t i = 0; i < ec25_sent_count(modem); i++) {
                const struct ec25_sent *one = ec25_sent(modem, i);
                char text[4 * PDU_TEXT_SIZE];
                (void)text_escape(text, sizeof(text), one->message.text, strlen(one->message.text)); /* room for all */
                answer_format(request->answer, "sent %u to=%s part=%u/%u count=%u text=%s\n", one->number, one->message.number,
                              one->message.part, one->message.parts, same(modem, &one->message), text);
        }
        return NULL;
}

static const char *stored(struct request *request)
{
        answer_format(request->answer, "stored %u kept-back %u\n", ec25_stored(modem_of(request)),
                      ec25_kept_back(modem_of(request)));
        return NULL;
}

static const char *stats(struct request *request)
{
        for (unsigned i = 0; i < stand_count(request->stand); i++) {
                const char *command;
                unsigned counts[EC25_PORTS];
                struct stand_line line;
                for (size_t k = 0; stand_line(request->stand, i, k, &line); k++)
                        answer_format(request->answer, "bytes %u %s written=%llu read=%llu\n", i, line.port,
                                      (unsigned long long)line.written, (unsigned long long)line.read);
                for (size_t k = 0; (command = ec25_command_at(stand_modem(request->stand, i), k, counts)); k++) {
                        char text[256];
                        (void)text_escape(text, sizeof(text), command, strlen(command)); /* 63 bytes at most */
                        answer_format(request->answer, "command %u at=%u modem=%u %s\n", i, counts[EC25_AT], counts[EC25_MODEM], text);
                }
        }
        return NULL;
}

static const char *transcript(struct request *request)
{
        for (enum ec25_port port = 0; port < EC25_PORTS; port++)
                answer_format(request->answer, "transcript/%u-%s\n", request->modem, ec25_port_to_string(port));
        return NULL;
}

/* -- waiting -- */

static const char *start_wait(struct request *request, enum wait_kind kind, unsigned long target, unsigned milliseconds)
{
        if (!request->wait)
                return "cannot wait here";
        *request->wait = (struct wait){.kind = kind,
                                       .modem = request->modem,
                                       .target = target,
                                       .deadline = usec_add(stand_now(), milliseconds * USEC_PER_MSEC)};
        return NULL;
}

static const char *wait_sent(struct request *request)
{
        unsigned target, milliseconds;

        if (!number(request, 0, 1u << 30, &target) || !number(request, 1, 3600000, &milliseconds))
                return "wait-sent: count milliseconds";
        return start_wait(request, WAIT_SENT, target, milliseconds);
}

static const char *wait_stored(struct request *request)
{
        unsigned target, milliseconds;

        if (!number(request, 0, 2000, &target) || !number(request, 1, 3600000, &milliseconds))
                return "wait-stored: count milliseconds";
        return start_wait(request, WAIT_STORED, target, milliseconds);
}

static const char *wait_plugged(struct request *request)
{
        unsigned plugged, milliseconds;

        if (!number(request, 0, 1, &plugged) || !number(request, 1, 3600000, &milliseconds))
                return "wait-plugged: 0|1 milliseconds";
        return start_wait(request, WAIT_PLUGGED, plugged, milliseconds);
}

/* Without a total: the next one from now on. */
static const char *wait_command(struct request *request)
{
        unsigned milliseconds, total = 0;

        if (!word(request, 0) || !number(request, 1, 3600000, &milliseconds) || (word(request, 2) && !number(request, 2, 1u << 30, &total)))
                return "wait-command: AT+... milliseconds [total]";
        if (!word(request, 2))
                total = ec25_commands(modem_of(request), EC25_PORTS, word(request, 0)) + 1;
        const char *wrong = start_wait(request, WAIT_COMMAND, total, milliseconds);
        if (!wrong && text_copy(request->wait->command, sizeof(request->wait->command), word(request, 0)) < 0)
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
        command_handler handler;
        bool of_modem;
        const char *usage;
} commands[] = {
        {"plug", plug, true, "M [composition=qmi] [usb=1-1.2] [first=0] [order=reverse|3,1,0,2] [gap=ms] [boot=ms] [back=ms] [product=] [manufacturer=] [serial=]"},
        {"unplug", unplug, true, "M"},
        {"eio", eio, true, "M: ports fail, the device stays"},
        {"stale", stale, false, "ttyUSB2: the number stays taken"},
        {"unstale", unstale, false, "ttyUSB2"},
        {"hang", hang, true, "M [power|usb]: silent until that"},
        {"wake", wake, true, "M"},
        {"reset", reset, true, "M: RDY in mid-session, no USB event"},
        {"sim", sim, true, "M ready|absent|busy|failure|dip|pin|puk"},
        {"pin", pin, true, "M 1234: the card wants it"},
        {"reg", registration, true, "M none|home|searching|denied|unknown|roaming"},
        {"signal", signal_quality, true, "M 0..31|99"},
        {"capacity", capacity, true, "M slots [first=0]"},
        {"identity", identity, true, "M key=value...: imei imsi iccid model manufacturer revision operator smsc; \\n \\e \\0 \\xNN @10M"},
        {"receive", receive, true, "M sender text..."},
        {"urc", urc, true, "M text"},
        {"fault", fault, true, "M none|split|garbage|urcs|binary|nmea..."},
        {"delay", delay, true, "M AT+CSQ|* ms"},
        {"answer", answer, true, "M AT+CSQ [final result...]"},
        {"cmgs", cmgs, true, "M ok [ms] | never | error CODE [ms]"},
        {"poison", poison, true, "M [text]: sending it hangs the modem"},
        {"list", list, false, ""},
        {"node", node, true, "M [at|modem|diag|nmea]"},
        {"holders", holders, true, "M"},
        {"sent", sent, true, "M"},
        {"stored", stored, true, "M"},
        {"stats", stats, false, ""},
        {"transcript", transcript, true, "M: the files below DIR"},
        {"wait-sent", wait_sent, true, "M count ms"},
        {"wait-stored", wait_stored, true, "M count ms"},
        {"wait-plugged", wait_plugged, true, "M 0|1 ms"},
        {"wait-command", wait_command, true, "M AT+... ms [total]"},
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
                    (!modem || parse_unsigned(modem, 0, stand_count(request->stand) - 1, &request->modem) < 0))
                        return "no such modem";
                const char *wrong = read_words(request, line, &raw);
                return wrong ? wrong : commands[i].handler(request);
        }
        return "unknown command, try help";
}
