/*
 * Any bytes in any pieces at any time: the probe must stay within its bounds, write only its own commands,
 * and leave only clean facts. Input: a control byte (low nibble: length of the piece, high nibble: time that
 * passes) before each piece.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "core/at_dialogue.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void check_digits(const char *text, size_t min, size_t max)
{
        require(text[0] == '\0' || (strlen(text) >= min && text_only(text, "0123456789", max)));
}

static void check_text(const char *text, size_t size)
{
        require(memchr(text, '\0', size) != NULL);
        for (; *text; text++)
                require(*text >= 0x20 && *text <= 0x7e);
}

static void check_facts(const struct modem_facts *facts)
{
        check_digits(facts->imei, 14, 15);
        check_digits(facts->imsi, 6, 15);
        check_digits(facts->iccid, 18, 22);
        check_text(facts->manufacturer, sizeof(facts->manufacturer));
        check_text(facts->model, sizeof(facts->model));
        check_text(facts->firmware, sizeof(facts->firmware));
        check_text(facts->operator_name, sizeof(facts->operator_name));
        check_text(facts->technology, sizeof(facts->technology));
        check_text(facts->band, sizeof(facts->band));
        require(facts->signal_dbm <= 0 && facts->signal_dbm >= -113);
        require(facts->pin_attempts >= -1 && facts->pin_attempts <= 99);
        require(facts->sim <= SIM_FAILURE && facts->registration <= REGISTRATION_ROAMING);
}

static void take_output(struct at_dialogue *dialogue)
{
        char output[64];
        size_t n = at_dialogue_output(dialogue, output, sizeof(output));

        require(n <= sizeof(output));
        if (n == 0)
                return;
        size_t skip = output[0] == '\x1b';
        require(n >= skip + 3 && memcmp(output + skip, "AT", 2) == 0 && output[n - 1] == '\r');
        require(memchr(output, '\r', n) == output + n - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const usec_t steps[] = {0, 1, 55000, 500000, 1000000, 5000000, 100000, 0,
                                       0, 0, 0,     0,      0,       0,       0,      0};
        struct at_dialogue dialogue;
        usec_t now = 0;

        at_dialogue_start(&dialogue, now, 90 * USEC_PER_SEC);
        while (size > 0) {
                size_t piece = data[0] & 0xf;
                now += steps[data[0] >> 4];
                data++;
                size--;
                if (piece == 15 || piece > size)
                        piece = size;
                at_dialogue_receive(&dialogue, (const char *)data, piece, now);
                data += piece;
                size -= piece;
                at_dialogue_tick(&dialogue, now);
                take_output(&dialogue);
                check_facts(&dialogue.facts);
                require(dialogue.verdict == AT_VERDICT_RUNNING ||
                        at_dialogue_deadline(&dialogue) == USEC_INFINITY);
                require(dialogue.verdict != AT_VERDICT_READY || dialogue.facts.sim == SIM_READY);
        }
        /* Time alone always ends it, in a bounded number of steps. */
        for (unsigned turns = 0; dialogue.verdict == AT_VERDICT_RUNNING; turns++) {
                require(turns < 1000);
                usec_t next = at_dialogue_deadline(&dialogue);
                now = next > now ? next : now;
                at_dialogue_tick(&dialogue, now);
                take_output(&dialogue);
        }
        require(now <= 90 * USEC_PER_SEC || size == 0);
        return 0;
}
