/*
 * Words about USB and ttys: plug and unplug, numbers that stay taken, what stands where and who holds it.
 */
#include "ec25/control_internal.h"

#include "base/parse.h"
#include "base/text.h"
#include "ec25/vhci.h"

#include <ctype.h>
#include <string.h>

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
        else if (text_equal(text, "port") && milliseconds < VHCI_PORTS)
                options->port = milliseconds;
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
        char *bytes = *text ? request_unescape(*text, &length) : NULL;

        if (!bytes)
                return;
        if (length <= strlen(*text)) {
                char *target = (char *)*text; /* the request's own line */
                memcpy(target, bytes, length);
                target[length] = '\0';
        }
        free(bytes);
}

const char *command_plug(struct request *request)
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
        return r < 0 ? request_failure(r) : NULL;
}

const char *command_unplug(struct request *request)
{
        int r = stand_unplug(request->stand, request->modem);

        return r < 0 ? request_failure(r) : NULL;
}

const char *command_eio(struct request *request)
{
        int r = stand_eio(request->stand, request->modem);

        return r < 0 ? request_failure(r) : NULL;
}

const char *command_stale(struct request *request)
{
        int r =
            request_word(request, 0) ? stand_stale(request->stand, request_word(request, 0), true) : -EINVAL;

        return r < 0 ? request_failure(r) : NULL;
}

const char *command_unstale(struct request *request)
{
        int r =
            request_word(request, 0) ? stand_stale(request->stand, request_word(request, 0), false) : -EINVAL;

        return r < 0 ? request_failure(r) : NULL;
}

const char *command_list(struct request *request)
{
        struct stand_line line;

        for (unsigned i = 0; i < stand_count(request->stand); i++) {
                struct ec25 *modem = stand_modem(request->stand, i);
                answer_format(request->answer, "modem %u %s usb=%s composition=%s imei=%.40s%s\n", i,
                              stand_plugged(request->stand, i) ? "plugged" : "away",
                              stand_usb_path(request->stand, i), stand_composition(request->stand, i),
                              ec25_identity(modem, "imei"), ec25_hangs(modem) ? " hangs" : "");
                for (size_t k = 0; stand_line(request->stand, i, k, &line); k++)
                        answer_format(request->answer, "port %u %s %s %s %s %s\n", i, line.port,
                                      line.present ? "present" : "coming", line.node,
                                      line.present ? line.pts : "-", line.by_path);
        }
        return NULL;
}

/* The node of a port: at modem diag nmea. */
const char *command_node(struct request *request)
{
        const char *wanted = request_word(request, 0) ? request_word(request, 0) : "at";
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
        answer_format(userdata, "holder %s pid=%d fd=%d%s\n", holder->node, holder->pid, holder->fd,
                      holder->dead ? " dead" : "");
}

const char *command_holders(struct request *request)
{
        int r = stand_holders(request->stand, request->modem, tell_holder, request->answer);

        return r < 0 ? request_failure(r) : NULL;
}
