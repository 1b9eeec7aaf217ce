/*
 * Messages through the model, and the transfer units by themselves.
 */
#include "ec25/test_fixture.h"

/* To +37061234567, "Labas", as smsd writes it. */
#define PDU_LABAS "0011000B917360214365F70000FF05CCB0383C07"

static void test_send(void **state)
{
        struct fixture *f = *state;

        assert_string_equal(say(f, "AT+CMGS=19\r"), "\r\n> ");
        assert_string_equal(say(f, PDU_LABAS "\x1a"), "\r\n+CMGS: 0\r\n\r\nOK\r\n");
        assert_int_equal(ec25_sent_count(f->modem), 1);
        assert_string_equal(ec25_sent(f->modem, 0)->message.number, "+37061234567");
        assert_string_equal(ec25_sent(f->modem, 0)->message.text, "Labas");
        /* The length before the PDU is believed over nothing: 304. */
        assert_string_equal(say(f, "AT+CMGS=18\r"), "\r\n> ");
        assert_string_equal(say(f, PDU_LABAS "\x1a"), "\r\n+CMS ERROR: 304\r\n");
        assert_string_equal(say(f, "AT+CMGS=19\r"), "\r\n> ");
        assert_string_equal(say(f, "0011\x1b"), "\r\nOK\r\n");
        assert_string_equal(say(f, "AT\r"), "\r\nOK\r\n");
        assert_int_equal(ec25_sent_count(f->modem), 1);
}

static void test_send_fails(void **state)
{
        struct fixture *f = *state;

        ec25_set_send(f->modem, EC25_SEND_ERROR, 500, 0);
        say(f, "AT+CMGS=19\r");
        assert_string_equal(say(f, PDU_LABAS "\x1a"), "\r\n+CMS ERROR: 500\r\n");
        ec25_set_send(f->modem, EC25_SEND_OK, 0, 7 * USEC_PER_SEC);
        say(f, "AT+CMGS=19\r");
        assert_string_equal(say(f, PDU_LABAS "\x1a"), "");
        assert_true(ec25_next_deadline(f->modem, f->now) == f->now + 7 * USEC_PER_SEC);
        assert_string_equal(say(f, "AT\r"), ""); /* answered after the message */
        pass(f, 7 * USEC_PER_SEC);
        hear(f, EC25_AT);
        assert_string_equal(f->heard, "\r\n+CMGS: 0\r\n\r\nOK\r\n\r\nOK\r\n");
        ec25_set_send(f->modem, EC25_SEND_NEVER, 0, 0);
        say(f, "AT+CMGS=19\r");
        assert_string_equal(say(f, PDU_LABAS "\x1a"), "");
        pass(f, USEC_PER_DAY);
        assert_string_equal(say(f, "AT\r"), "");
        assert_string_equal(say_on(f, EC25_MODEM, "AT\r"), "AT\r\r\nOK\r\n");
        assert_int_equal(ec25_sent_count(f->modem), 1);
}

static void test_send_unregistered(void **state)
{
        struct fixture *f = *state;

        ec25_set_registration(f->modem, EC25_REG_SEARCHING, f->now);
        say(f, "AT+CMGS=19\r");
        assert_string_equal(say(f, PDU_LABAS "\x1a"), "\r\n+CMS ERROR: 331\r\n");
        assert_int_equal(ec25_sent_count(f->modem), 0);
}

static void test_poison(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(ec25_set_poison(f->modem, "abas"), 0);
        say(f, "AT+CMGS=19\r");
        assert_string_equal(say(f, PDU_LABAS "\x1a"), "");
        assert_true(ec25_hangs(f->modem));
        assert_string_equal(say(f, "AT\r"), "");
        ec25_power_on(f->modem, 0, f->now);
        hear(f, EC25_AT);
        assert_string_equal(say(f, "AT\r"), "AT\r\r\nOK\r\n");
}

static void test_receive(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(ec25_receive(f->modem, "+37069911111", "Labas", 1795400912, f->now), 0);
        hear(f, EC25_AT);
        assert_string_equal(f->heard, "\r\n+CMTI: \"ME\",0\r\n");
        assert_string_equal(
            say(f, "AT+CMGR=0\r"),
            "\r\n+CMGR: "
            "0,,24\r\n07917360899999F9040B917360991111F100006211322082230005CCB0383C07\r\n\r\nOK\r\n");
        assert_non_null(strstr(say(f, "AT+CMGL=4\r"), "+CMGL: 0,1,,24"));
        assert_string_equal(say(f, "AT+CMGD=0\r"), "\r\nOK\r\n");
        assert_string_equal(say(f, "AT+CMGR=0\r"), "\r\nOK\r\n");
        assert_int_equal(ec25_stored(f->modem), 0);
}

static void test_storage_full(void **state)
{
        struct fixture *f = *state;

        ec25_set_capacity(f->modem, 2, 1);
        say(f, "AT+QINDCFG=\"smsfull\",1\r");
        for (int i = 0; i < 3; i++)
                assert_int_equal(ec25_receive(f->modem, "+37069911111", "x", 0, f->now), 0);
        hear(f, EC25_AT);
        assert_string_equal(
            f->heard, "\r\n+CMTI: \"ME\",1\r\n\r\n+CMTI: \"ME\",2\r\n\r\n+QIND: \"smsfull\",\"ME\"\r\n");
        assert_int_equal(ec25_kept_back(f->modem), 1);
        say(f, "AT+CMGW=19\r");
        assert_string_equal(say(f, PDU_LABAS "\x1a"), "\r\n+CMS ERROR: 322\r\n");
        assert_string_equal(say(f, "AT+CMGD=2\r"), "\r\nOK\r\n");
        pass(f, USEC_PER_SEC);
        hear(f, EC25_AT);
        assert_string_equal(f->heard, "\r\n+CMTI: \"ME\",2\r\n\r\n+QIND: \"smsfull\",\"ME\"\r\n");
        assert_int_equal(ec25_kept_back(f->modem), 0);
}

static void test_pdu_both_ways(void **state)
{
        static const struct {
                const char *sender, *text;
                int result; /* < 0, or the TPDU length */
        } table[] = {
            {"+37069911111", "Labas", 24},
            {"1234", "Labas", 20},
            {"Telia", "Labas", 23},
            {"+37069911111", "ąčę", 25},
            {"+37069911111", "\xf0\x9f\x98\x80", 23},
            {"+37069911111", "@{}[]~\\|^€", 36},
            {"+37069911111", "", 19},
            {"", "x", -EINVAL},
            {"twelve chars", "x", -EINVAL},
            {"+1", "\xff", -EINVAL},
        };
        char hex[PDU_HEX_SIZE];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++)
                assert_int_equal(pdu_make_deliver(hex, "+37069899999", table[i].sender, table[i].text, 0),
                                 table[i].result);
        char text[162];
        memset(text, 'x', 161);
        text[161] = '\0';
        assert_int_equal(pdu_make_deliver(hex, "+37069899999", "+1", text, 0), -EMSGSIZE);
        text[160] = '\0';
        assert_int_equal(pdu_make_deliver(hex, "+37069899999", "+1", text, 0), 14 + 140);
}

static void test_pdu_submit(void **state)
{
        static const struct {
                const char *hex;
                unsigned length;
                int result;
                const char *number, *text;
                unsigned part, parts;
        } table[] = {
            {PDU_LABAS, 19, 0, "+37061234567", "Labas", 1, 1},
            {PDU_LABAS, 18, -EINVAL, NULL, NULL, 0, 0},
            {"", 0, -EINVAL, NULL, NULL, 0, 0},
            {"00", 0, -EINVAL, NULL, NULL, 0, 0},
            {"0G", 0, -EINVAL, NULL, NULL, 0, 0},
            {"FF11000B91736021436", 9, -EINVAL, NULL, NULL, 0, 0},
            /* UCS2, no validity period */
            {"0001000B917360214365F7000806010501 0D0119", 0, -EINVAL, NULL, NULL, 0, 0},
            {"0001000B917360214365F70008060105010D0119", 19, 0, "+37061234567", "ąčę", 1, 1},
            /* user data longer than the PDU */
            {"0011000B917360214365F70000FFA0C8", 15, -EINVAL, NULL, NULL, 0, 0},
            /* header longer than the data */
            {"0051000B917360214365F70000FF05FFB0383C07", 19, -EINVAL, NULL, NULL, 0, 0},
            /* the second of two parts, 8-bit reference 42 */
            {"0051000B917360214365F70000FF080500032A0202DE", 21, 0, "+37061234567", "o", 2, 2},
            /* a DELIVER is not for sending */
            {"0000000B917360214365F70000FF05CCB0383C07", 19, -ENOTSUP, NULL, NULL, 0, 0},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                struct pdu_message message;
                assert_int_equal(pdu_read_submit(table[i].hex, table[i].length, &message), table[i].result);
                if (table[i].result < 0)
                        continue;
                assert_string_equal(message.number, table[i].number);
                assert_string_equal(message.text, table[i].text);
                assert_int_equal(message.part, table[i].part);
                assert_int_equal(message.parts, table[i].parts);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            READY(test_send),          READY(test_send_fails), READY(test_send_unregistered),
            READY(test_poison),        READY(test_receive),    READY(test_storage_full),
            READY(test_pdu_both_ways), READY(test_pdu_submit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
