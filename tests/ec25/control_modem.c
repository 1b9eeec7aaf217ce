/*
 * Words about one modem: its surroundings (SIM, network, messages), its failures, what it has seen and done.
 */
#include "ec25/control_internal.h"

#include "base/text.h"

#include <string.h>
#include <time.h>

/* -- surroundings -- */

const char *command_sim(struct request *request)
{
        enum ec25_sim state;

        if (!request_word(request, 0) || ec25_sim_from_string(request_word(request, 0), &state) < 0)
                return "sim: ready absent busy failure dip pin puk";
        ec25_set_sim(request_modem(request), state, stand_now());
        return NULL;
}

const char *command_pin(struct request *request)
{
        if (!request_word(request, 0) || ec25_set_pin(request_modem(request), request_word(request, 0)) < 0)
                return "pin: 4 to 8 digits";
        ec25_set_sim(request_modem(request), EC25_SIM_PIN, stand_now());
        return NULL;
}

const char *command_reg(struct request *request)
{
        enum ec25_registration state;

        if (!request_word(request, 0) || ec25_registration_from_string(request_word(request, 0), &state) < 0)
                return "reg: none home searching denied unknown roaming";
        ec25_set_registration(request_modem(request), state, stand_now());
        return NULL;
}

const char *command_signal(struct request *request)
{
        unsigned csq;

        if (!request_number(request, 0, 99, &csq))
                return "signal: 0..31 or 99";
        ec25_set_signal(request_modem(request), csq);
        return NULL;
}

const char *command_capacity(struct request *request)
{
        unsigned slots, first = 0;

        if (!request_number(request, 0, 255, &slots) || !slots ||
            (request_word(request, 1) && !request_number(request, 1, 1, &first)))
                return "capacity: 1..255 [number of the first slot: 0 or 1]";
        ec25_set_capacity(request_modem(request), slots, first);
        return NULL;
}

const char *command_identity(struct request *request)
{
        for (size_t i = 0; i < request->count; i++) {
                char *value = strchr(request->words[i], '=');
                size_t length;
                if (!value)
                        return "identity: key=value";
                *value++ = '\0';
                _cleanup_free_ char *bytes = request_unescape(value, &length);
                int r = bytes ? ec25_set_identity(request_modem(request), request->words[i], bytes, length)
                              : -EINVAL;
                if (r < 0)
                        return request_failure(r);
        }
        return NULL;
}

const char *command_receive(struct request *request)
{
        size_t length;

        if (!request_word(request, 0) || !request->rest)
                return "receive: sender text";
        _cleanup_free_ char *text = request_unescape(request->rest, &length);
        if (!text)
                return "bad escape in text";
        text[length] = '\0';
        int r = ec25_receive(request_modem(request), request_word(request, 0), text, (int64_t)time(NULL),
                             stand_now());
        return r < 0 ? request_failure(r) : NULL;
}

const char *command_urc(struct request *request)
{
        size_t length;
        _cleanup_free_ char *text =
            request_word(request, 0) ? request_unescape(request_word(request, 0), &length) : NULL;

        if (!text)
                return "urc: text";
        text[length] = '\0';
        ec25_urc(request_modem(request), text, stand_now());
        return NULL;
}

/* -- failures -- */

const char *command_hang(struct request *request)
{
        bool usb = request_word(request, 0) && text_equal(request_word(request, 0), "usb");

        if (request_word(request, 0) && !usb && !text_equal(request_word(request, 0), "power"))
                return "hang: cured by usb (authorized 0, 1) or power";
        ec25_hang(request_modem(request), usb ? EC25_CURE_USB : EC25_CURE_POWER);
        return NULL;
}

const char *command_mute(struct request *request)
{
        const char *port = request_word(request, 0);

        if (!port || (!text_equal(port, "at") && !text_equal(port, "modem")))
                return "mute: at or modem";
        ec25_mute(request_modem(request), text_equal(port, "at") ? EC25_AT : EC25_MODEM);
        return NULL;
}

const char *command_wake(struct request *request)
{
        ec25_wake(request_modem(request));
        return NULL;
}

const char *command_reset(struct request *request)
{
        ec25_self_reset(request_modem(request), stand_now());
        return NULL;
}

const char *command_fault(struct request *request)
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
        ec25_set_faults(request_modem(request), faults, stand_now());
        return NULL;
}

const char *command_delay(struct request *request)
{
        unsigned milliseconds;

        if (!request_word(request, 0) || !request_number(request, 1, 3600000, &milliseconds))
                return "delay: command milliseconds";
        int r =
            ec25_set_delay(request_modem(request), request_word(request, 0), milliseconds * USEC_PER_MSEC);
        return r < 0 ? request_failure(r) : NULL;
}

const char *command_answer(struct request *request)
{
        size_t length = 0;
        _cleanup_free_ char *text = request->rest ? request_unescape(request->rest, &length) : NULL;

        if (!request_word(request, 0) || (request->rest && !text))
                return "answer: command [final result, with escapes]";
        if (text)
                text[length] = '\0';
        int r = ec25_set_answer(request_modem(request), request_word(request, 0), text);
        return r < 0 ? request_failure(r) : NULL;
}

const char *command_cmgs(struct request *request)
{
        static const char *const usage = "cmgs: ok [ms], never, error CODE [ms]";
        unsigned error = 0, milliseconds = 0;

        if (!request_word(request, 0))
                return usage;
        bool fails = text_equal(request_word(request, 0), "error"),
             never = text_equal(request_word(request, 0), "never");
        if (!fails && !never && !text_equal(request_word(request, 0), "ok"))
                return usage;
        if (fails && !request_number(request, 1, 999, &error))
                return usage;
        if (request_word(request, fails ? 2 : 1) &&
            !request_number(request, fails ? 2 : 1, 3600000, &milliseconds))
                return usage;
        ec25_set_send(request_modem(request),
                      fails   ? EC25_SEND_ERROR
                      : never ? EC25_SEND_NEVER
                              : EC25_SEND_OK,
                      error, milliseconds * USEC_PER_MSEC);
        return NULL;
}

const char *command_poison(struct request *request)
{
        int r = ec25_set_poison(request_modem(request), request_word(request, 0));

        return r < 0 ? request_failure(r) : NULL;
}

/* -- looking -- */

static unsigned same(const struct ec25 *modem, const struct pdu_message *wanted)
{
        unsigned count = 0;

        for (size_t i = 0; i < ec25_sent_count(modem); i++) {
                const struct pdu_message *message = &ec25_sent(modem, i)->message;
                count += text_equal(message->number, wanted->number) &&
                         text_equal(message->text, wanted->text) && message->part == wanted->part;
        }
        return count;
}

const char *command_sent(struct request *request)
{
        const struct ec25 *modem = request_modem(request);

        for (size_t i = 0; i < ec25_sent_count(modem); i++) {
                const struct ec25_sent *one = ec25_sent(modem, i);
                char text[4 * PDU_TEXT_SIZE];
                (void)text_escape(text, sizeof(text), one->message.text,
                                  strlen(one->message.text)); /* room for all */
                answer_format(request->answer, "sent %u to=%s part=%u/%u count=%u text=%s\n", one->number,
                              one->message.number, one->message.part, one->message.parts,
                              same(modem, &one->message), text);
        }
        return NULL;
}

const char *command_stored(struct request *request)
{
        answer_format(request->answer, "stored %u kept-back %u\n", ec25_stored(request_modem(request)),
                      ec25_kept_back(request_modem(request)));
        return NULL;
}

const char *command_stats(struct request *request)
{
        for (unsigned i = 0; i < stand_count(request->stand); i++) {
                const char *command;
                unsigned counts[EC25_PORTS];
                struct stand_line line;
                for (size_t k = 0; stand_line(request->stand, i, k, &line); k++)
                        answer_format(request->answer, "bytes %u %s written=%llu read=%llu\n", i, line.port,
                                      (unsigned long long)line.written, (unsigned long long)line.read);
                for (size_t k = 0; (command = ec25_command_at(stand_modem(request->stand, i), k, counts));
                     k++) {
                        char text[256];
                        (void)text_escape(text, sizeof(text), command,
                                          strlen(command)); /* 63 bytes at most */
                        answer_format(request->answer, "command %u at=%u modem=%u %s\n", i, counts[EC25_AT],
                                      counts[EC25_MODEM], text);
                }
        }
        return NULL;
}

const char *command_transcript(struct request *request)
{
        for (enum ec25_port port = 0; port < EC25_PORTS; port++)
                answer_format(request->answer, "transcript/%u-%s\n", request->modem,
                              ec25_port_to_string(port));
        return NULL;
}
