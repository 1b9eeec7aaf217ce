/*
 * The SIM card: read after power-on, CFUN=1 or being put in; then ready, or wanting a PIN whose wrong answers
 * lock it. A counter that reaches zero is the damage that a careless controller does, so it is kept across
 * resets as on a card.
 */
#include "ec25/model_internal.h"

#include <string.h>

bool sim_is_ready(const struct ec25 *modem)
{
        return modem->ready;
}

static bool sim_works(const struct ec25 *modem)
{
        return modem->sim == EC25_SIM_READY || modem->sim == EC25_SIM_PIN || modem->sim == EC25_SIM_PUK;
}

int sim_cme(const struct ec25 *modem)
{
        if (modem->sim == EC25_SIM_ABSENT)
                return AT_CME(10);
        if (modem->sim == EC25_SIM_BUSY)
                return AT_CME(14);
        if (!sim_works(modem) || modem->settings.cfun == 0)
                return AT_CME(13);
        if (modem->ready)
                return AT_OK;
        return modem->sim == EC25_SIM_PUK                        ? AT_CME(12)
               : modem->sim == EC25_SIM_PIN && modem->pin_wanted ? AT_CME(11)
                                                                 : AT_CME(14);
}

int sim_cms(const struct ec25 *modem)
{
        switch (sim_cme(modem)) {
        case AT_OK:
                return modem->inistat & 2 ? AT_OK : AT_CMS(314);
        case AT_CME(10):
                return AT_CMS(310);
        case AT_CME(11):
                return AT_CMS(311);
        case AT_CME(12):
                return AT_CMS(316);
        case AT_CME(13):
                return AT_CMS(313);
        default:
                return AT_CMS(314);
        }
}

void sim_start(struct ec25 *modem, usec_t now)
{
        if (modem->dip && modem->sim == EC25_SIM_DIP)
                modem->sim = EC25_SIM_READY;
        modem->dip = false;
        if (!modem->boot)
                sim_ready(modem, now);
        else
                deed_at(modem, DEED_SIM, usec_add(now, modem->boot / 20));
}

static void accept(struct ec25 *modem, usec_t now)
{
        modem->ready = true;
        modem->inistat |= 1;
        urc_format(modem, now, "+CPIN: READY");
        urc_format(modem, now, "+QUSIM: 1");
        deed_at(modem, DEED_DONE, usec_add(now, modem->boot / 2));
        deed_at(modem, DEED_REGISTER, usec_add(now, modem->boot / 2));
}

void sim_ready(struct ec25 *modem, usec_t now)
{
        if (modem->sim == EC25_SIM_ABSENT)
                urc_format(modem, now, "+CPIN: NOT INSERTED");
        else if (modem->sim == EC25_SIM_PUK)
                urc_format(modem, now, "+CPIN: SIM PUK");
        else if (modem->sim == EC25_SIM_PIN && modem->pin_wanted)
                urc_format(modem, now, "+CPIN: SIM PIN");
        else if (sim_works(modem))
                accept(modem, now);
        else
                urc_format(modem, now, "+CPIN: NOT READY");
}

void sim_done(struct ec25 *modem, usec_t now)
{
        modem->inistat = 7;
        urc_format(modem, now, "+QIND: SMS DONE");
        urc_format(modem, now, "+QIND: PB DONE");
        deed_at(modem, DEED_DELIVER, now);
}

void ec25_set_sim(struct ec25 *modem, enum ec25_sim sim, usec_t now)
{
        enum ec25_sim before = modem->sim;

        modem->sim = sim;
        modem->pin_wanted = sim == EC25_SIM_PIN;
        modem->ready = modem->attached = false;
        modem->inistat = 0;
        if (sim == EC25_SIM_PIN)
                modem->pin_left = 3;
        deed_at(modem, DEED_DONE, USEC_INFINITY);
        deed_at(modem, DEED_REGISTER, USEC_INFINITY);
        if (!modem->booted || modem->settings.cfun == 0 || modem->hangs)
                return;
        if (sim == EC25_SIM_ABSENT && before != EC25_SIM_ABSENT) {
                urc_format(modem, now, "+QSIMSTAT : 1,0");
                urc_format(modem, now, "+CPIN: NOT READY");
                return;
        }
        if (before == EC25_SIM_ABSENT && sim != EC25_SIM_ABSENT)
                urc_format(modem, now, "+QSIMSTAT : 1,1");
        sim_ready(modem, now);
}

int ec25_set_pin(struct ec25 *modem, const char *pin)
{
        if (!text_only(pin, "0123456789", 8) || strlen(pin) < 4)
                return -EINVAL;
        return text_copy(modem->pin, sizeof(modem->pin), pin);
}

static int wrong_pin(struct ec25 *modem)
{
        if (--modem->pin_left)
                return AT_CME(16);
        modem->sim = EC25_SIM_PUK;
        return AT_CME(12);
}

/* The answer comes before the URCs that follow from it. */
static int unlocked(struct ec25 *modem, const struct at_call *call)
{
        modem->sim = EC25_SIM_PIN;
        modem->pin_left = 3;
        modem->puk_left = 10;
        modem->pin_wanted = false;
        at_finish(modem, call->port, AT_OK, call->now);
        accept(modem, call->now);
        return AT_PENDING;
}

/* Any PUK of eight digits but 00000000 is right, and brings a new PIN. */
static int unlock(struct ec25 *modem, const struct at_call *call, const char *puk, const char *pin)
{
        if (!text_only(puk, "0123456789", 8) || strlen(puk) < 8 || text_equal(puk, "00000000")) {
                if (modem->puk_left)
                        modem->puk_left--;
                return modem->puk_left ? AT_CME(16) : AT_CME(13);
        }
        return ec25_set_pin(modem, pin) < 0 ? AT_CME(16) : unlocked(modem, call);
}

static int cpin_set(struct ec25 *modem, const struct at_call *call)
{
        char first[16], second[16] = "";

        if (!argument_text(call->argument, 0, first, sizeof(first)))
                return AT_ERROR;
        (void)argument_text(call->argument, 1, second, sizeof(second)); /* only after a PUK */
        if (modem->sim == EC25_SIM_PUK)
                return unlock(modem, call, first, second);
        if (modem->sim != EC25_SIM_PIN || !modem->pin_wanted)
                return AT_CME(3);
        return text_equal(first, modem->pin) ? unlocked(modem, call) : wrong_pin(modem);
}

static int cpin(struct ec25 *modem, const struct at_call *call)
{
        int error = sim_cme(modem);

        if (call->kind == AT_TEST)
                return AT_OK;
        if (error == AT_CME(11))
                error = AT_OK;
        if (modem->sim == EC25_SIM_PUK && error == AT_CME(12))
                error = AT_OK;
        if (error != AT_OK)
                return error;
        if (call->kind == AT_SET)
                return cpin_set(modem, call);
        answer_line(modem, call, "+CPIN: %s",
                    modem->sim == EC25_SIM_PUK                        ? "SIM PUK"
                    : modem->sim == EC25_SIM_PIN && modem->pin_wanted ? "SIM PIN"
                                                                      : "READY");
        return AT_OK;
}

static int qpinc(struct ec25 *modem, const struct at_call *call)
{
        int error = sim_cme(modem);

        if (error != AT_OK && error != AT_CME(11) && error != AT_CME(12))
                return error;
        if (call->kind == AT_TEST)
                return AT_OK;
        answer_line(modem, call, "+QPINC: \"SC\",%u,%u", modem->pin_left, modem->puk_left);
        if (call->kind == AT_READ)
                answer_line(modem, call, "+QPINC: \"P2\",3,10");
        return AT_OK;
}

static int tell(struct ec25 *modem, const struct at_call *call, size_t which, const char *prefix)
{
        int error = sim_cme(modem);

        if (error == AT_OK && call->kind != AT_TEST)
                answer_bytes(modem, call, prefix, modem->identity[which].data, modem->identity[which].length);
        return call->kind == AT_TEST ? AT_OK : error;
}

static int cimi(struct ec25 *modem, const struct at_call *call)
{
        return tell(modem, call, ID_IMSI, "");
}

static int qccid(struct ec25 *modem, const struct at_call *call)
{
        return tell(modem, call, ID_ICCID, "+QCCID: ");
}

static int clck(struct ec25 *modem, const struct at_call *call)
{
        int error = sim_cme(modem);

        if (error == AT_OK && call->kind == AT_SET)
                answer_line(modem, call, "+CLCK: %d", modem->sim == EC25_SIM_PIN);
        return error;
}

static int qsimstat(struct ec25 *modem, const struct at_call *call)
{
        if (call->kind == AT_READ)
                answer_line(modem, call, "+QSIMSTAT: 0,%d", modem->sim != EC25_SIM_ABSENT);
        return AT_OK;
}

const struct at_command sim_commands[] = {
    {"+CPIN", cpin},   {"+QPINC", qpinc}, {"+CIMI", cimi},         {"+QCCID", qccid},
    {"+ICCID", qccid}, {"+CLCK", clck},   {"+QSIMSTAT", qsimstat}, {NULL, NULL},
};
