/*
 * The model alone, in virtual time: dialogues as a host would have them, mostly as tables of what is said and
 * what comes back.
 */
#include "ec25/test_fixture.h"

static void test_boot(void **state)
{
        struct fixture *f = *state;

        ec25_power_on(f->modem, 10 * USEC_PER_SEC, f->now);
        assert_string_equal(say(f, "AT\r"), "");
        pass(f, 10 * USEC_PER_SEC);
        hear(f, EC25_AT);
        assert_string_equal(f->heard, "\r\nRDY\r\n\r\n+CFUN: 1\r\n");
        assert_string_equal(say(f, "ATE0\r"), "ATE0\r\r\nOK\r\n");
        assert_string_equal(say(f, "AT+QINISTAT\r"), "\r\n+QINISTAT: 0\r\n\r\nOK\r\n");
        assert_string_equal(say(f, "AT+CPIN?\r"), "\r\n+CME ERROR: 14\r\n");
        pass(f, USEC_PER_SEC);
        hear(f, EC25_AT);
        assert_string_equal(f->heard, "\r\n+CPIN: READY\r\n\r\n+QUSIM: 1\r\n");
        assert_string_equal(say(f, "AT+CPMS?\r"), "\r\n+CMS ERROR: 314\r\n");
        assert_string_equal(say(f, "AT+CREG?\r"), "\r\n+CREG: 0,2\r\n\r\nOK\r\n");
        pass(f, 5 * USEC_PER_SEC);
        hear(f, EC25_AT);
        assert_string_equal(f->heard, "\r\n+QIND: SMS DONE\r\n\r\n+QIND: PB DONE\r\n");
        assert_string_equal(say(f, "AT+QINISTAT\r"), "\r\n+QINISTAT: 7\r\n\r\nOK\r\n");
        assert_string_equal(say(f, "AT+CREG?\r"), "\r\n+CREG: 0,1\r\n\r\nOK\r\n");
        assert_true(ec25_next_deadline(f->modem, f->now) == USEC_INFINITY);
}

static void test_table(void **state)
{
        static const struct {
                const char *said, *answer;
        } table[] = {
            {"AT\r", "\r\nOK\r\n"},
            {"at+csq\r", "\r\n+CSQ: 28,99\r\n\r\nOK\r\n"},
            {"\n\r AT\r", ""},
            {"garbage\r", ""},
            {"AT+NOSUCH\r", "\r\nERROR\r\n"},
            {"AT+CSQ\x08\x08\x08GSN\r", "\r\n867424030000016\r\n\r\nOK\r\n"},
            {"ATI\r", "\r\nQuectel\r\nEC25\r\nRevision: EC25EFAR06A11M4G\r\n\r\nOK\r\n"},
            {"AT+CGMI;+CGMM;+CGMR\r", "\r\nQuectel\r\nEC25\r\nEC25EFAR06A11M4G\r\n\r\nOK\r\n"},
            {"AT+CGSN=1;+NOSUCH;+CSQ\r", "\r\nERROR\r\n"},
            {"ATE0V1Q0S0=0&C1&D2+CIMI\r", "\r\n246010000000001\r\n\r\nOK\r\n"},
            {"AT+QCCID\r", "\r\n+QCCID: 8937001000000000012\r\n\r\nOK\r\n"},
            {"AT&\r", "\r\nERROR\r\n"},
            {"AT+CPIN?\r", "\r\n+CPIN: READY\r\n\r\nOK\r\n"},
            {"AT+QPINC?\r", "\r\n+QPINC: \"SC\",3,10\r\n+QPINC: \"P2\",3,10\r\n\r\nOK\r\n"},
            {"AT+CFUN?\r", "\r\n+CFUN: 1\r\n\r\nOK\r\n"},
            {"AT+QCSQ\r", "\r\n+QCSQ: \"LTE\",-57,-85,142,-9\r\n\r\nOK\r\n"},
            {"AT+CREG=2\r", "\r\nOK\r\n"},
            {"AT+CREG?\r", "\r\n+CREG: 2,1,\"D509\",\"80D413D\",7\r\n\r\nOK\r\n"},
            {"AT+CREG=9\r", "\r\nERROR\r\n"},
            {"AT+CEREG?\r", "\r\n+CEREG: 0,1\r\n\r\nOK\r\n"},
            {"AT+COPS?\r", "\r\n+COPS: 0,0,\"Telia LT\",7\r\n\r\nOK\r\n"},
            {"AT+QNWINFO\r", "\r\n+QNWINFO: \"FDD LTE\",\"24603\",\"LTE BAND 3\",1650\r\n\r\nOK\r\n"},
            {"AT+CPMS?\r", "\r\n+CPMS: \"ME\",0,255,\"ME\",0,255,\"ME\",0,255\r\n\r\nOK\r\n"},
            {"AT+CPMS=\"SM\",\"SM\",\"SM\"\r", "\r\n+CPMS: 0,20,0,20,0,20\r\n\r\nOK\r\n"},
            {"AT+CPMS=\"XX\"\r", "\r\n+CMS ERROR: 302\r\n"},
            {"AT+CNMI?\r", "\r\n+CNMI: 2,1,0,0,0\r\n\r\nOK\r\n"},
            {"AT+CNMI=1,2\r", "\r\nOK\r\n"},
            {"AT+CNMI?\r", "\r\n+CNMI: 1,2,0,0,0\r\n\r\nOK\r\n"},
            {"AT+CMGF?\r", "\r\n+CMGF: 0\r\n\r\nOK\r\n"},
            {"AT+CSCA?\r", "\r\n+CSCA: \"+37069899999\",145\r\n\r\nOK\r\n"},
            {"AT+QURCCFG=\"urcport\"\r", "\r\n+QURCCFG: \"urcport\",\"usbat\"\r\n\r\nOK\r\n"},
            {"AT+QCFG=\"usbnet\"\r", "\r\n+QCFG: \"usbnet\",0\r\n\r\nOK\r\n"},
            {"AT+QCFG=\"ims\"\r", "\r\n+QCFG: \"ims\",1,1\r\n\r\nOK\r\n"},
            {"AT+QINDCFG=\"smsfull\",1\r", "\r\nOK\r\n"},
            {"AT+QINDCFG=\"smsfull\"\r", "\r\n+QINDCFG: \"smsfull\",1\r\n\r\nOK\r\n"},
            {"AT+CMGR=0\r", "\r\nOK\r\n"},
            {"AT+CMGR=300\r", "\r\n+CMS ERROR: 321\r\n"},
            {"AT+CMGS=3\r", "\r\n+CMS ERROR: 304\r\n"},
            {"AT+CMEE?\r", "\r\n+CMEE: 1\r\n\r\nOK\r\n"},
            {"ATD*99#\r", "\r\nERROR\r\n"},
            {"ATV0\r", "0\r"},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ARRAY_SIZE(table); i++)
                assert_string_equal(say(f, table[i].said), table[i].answer);
}

static void test_any_split_of_the_input_means_the_same(void **state)
{
        struct fixture *f = *state;
        const char *text = "AT+CSQ\rAT+CFUN?\r";

        for (size_t cut = 0; cut <= strlen(text); cut++) {
                char all[256] = "";
                ec25_input(f->modem, EC25_AT, text, cut, f->now);
                hear(f, EC25_AT);
                text_append(all, sizeof(all), "%s", f->heard);
                text_append(all, sizeof(all), "%s", say(f, text + cut));
                assert_string_equal(all, "\r\n+CSQ: 28,99\r\n\r\nOK\r\n\r\n+CFUN: 1\r\n\r\nOK\r\n");
        }
}

static void test_error_levels(void **state)
{
        struct fixture *f = *state;

        ec25_set_sim(f->modem, EC25_SIM_ABSENT, f->now);
        hear(f, EC25_AT);
        assert_string_equal(f->heard, "\r\n+QSIMSTAT : 1,0\r\n\r\n+CPIN: NOT READY\r\n");
        assert_string_equal(say(f, "AT+CPIN?\r"), "\r\n+CME ERROR: 10\r\n");
        assert_string_equal(say(f, "AT+CMEE=2\r"), "\r\nOK\r\n");
        assert_string_equal(say(f, "AT+CPIN?\r"), "\r\n+CME ERROR: SIM not inserted\r\n");
        assert_string_equal(say(f, "AT+CMEE=0\r"), "\r\nOK\r\n");
        assert_string_equal(say(f, "AT+CPIN?\r"), "\r\nERROR\r\n");
        assert_string_equal(say(f, "AT+CPMS?\r"), "\r\n+CMS ERROR: 310\r\n");
        assert_string_equal(say(f, "AT+CREG?\r"), "\r\n+CREG: 0,0\r\n\r\nOK\r\n");
        assert_string_equal(say(f, "AT+CSQ\r"), "\r\n+CSQ: 99,99\r\n\r\nOK\r\n");
}

static void test_wrong_pin_locks(void **state)
{
        static const struct {
                const char *said, *answer;
        } table[] = {
            {"AT+CPIN?\r", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"},
            {"AT+CIMI\r", "\r\n+CME ERROR: 11\r\n"},
            {"AT+CPIN=0000\r", "\r\n+CME ERROR: 16\r\n"},
            {"AT+CPIN=\"0000\"\r", "\r\n+CME ERROR: 16\r\n"},
            {"AT+QPINC\r", "\r\n+QPINC: \"SC\",1,10\r\n\r\nOK\r\n"},
            {"AT+CPIN=9999\r", "\r\n+CME ERROR: 12\r\n"},
            {"AT+CPIN?\r", "\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n"},
            {"AT+CPMS?\r", "\r\n+CMS ERROR: 316\r\n"},
            {"AT+CPIN=\"00000000\",\"1234\"\r", "\r\n+CME ERROR: 16\r\n"},
            {"AT+QPINC\r", "\r\n+QPINC: \"SC\",0,9\r\n\r\nOK\r\n"},
            {"AT+CPIN=\"12345678\",\"4321\"\r", "\r\nOK\r\n\r\n+CPIN: READY\r\n\r\n+QUSIM: 1\r\n"},
            {"AT+CPIN?\r", "\r\n+QIND: SMS DONE\r\n\r\n+QIND: PB DONE\r\n\r\n+CPIN: READY\r\n\r\nOK\r\n"},
        };
        struct fixture *f = *state;

        assert_int_equal(ec25_set_pin(f->modem, "12"), -EINVAL);
        assert_int_equal(ec25_set_pin(f->modem, "4711"), 0);
        ec25_set_sim(f->modem, EC25_SIM_PIN, f->now);
        hear(f, EC25_AT);
        for (size_t i = 0; i < ARRAY_SIZE(table); i++)
                assert_string_equal(say(f, table[i].said), table[i].answer);
}

static void test_pin_attempts_survive_power(void **state)
{
        struct fixture *f = *state;

        ec25_set_sim(f->modem, EC25_SIM_PIN, f->now);
        assert_int_equal(ec25_set_pin(f->modem, "4711"), 0);
        say(f, "AT+CPIN=0000\r");
        ec25_power_on(f->modem, 0, f->now);
        hear(f, EC25_AT);
        assert_string_equal(say(f, "ATE0\r"), "ATE0\r\r\nOK\r\n");
        assert_string_equal(say(f, "AT+QPINC\r"), "\r\n+QPINC: \"SC\",2,10\r\n\r\nOK\r\n");
        assert_string_equal(say(f, "AT+CPIN=4711\r"), "\r\nOK\r\n\r\n+CPIN: READY\r\n\r\n+QUSIM: 1\r\n");
        pass(f, 1);
        hear(f, EC25_AT);
        assert_string_equal(say(f, "AT+QPINC\r"), "\r\n+QPINC: \"SC\",3,10\r\n\r\nOK\r\n");
}

static void test_dip_is_cured_by_cfun(void **state)
{
        struct fixture *f = *state;

        ec25_set_sim(f->modem, EC25_SIM_DIP, f->now);
        hear(f, EC25_AT);
        assert_string_equal(say(f, "AT+CPIN?\r"), "\r\n+CME ERROR: 13\r\n");
        assert_string_equal(say(f, "AT+CFUN=0\r"), "\r\nOK\r\n");
        say(f, "AT+CFUN=1\r");
        pass(f, 1);
        hear(f, EC25_AT);
        assert_string_equal(say(f, "AT+CPIN?\r"), "\r\n+CPIN: READY\r\n\r\nOK\r\n");

        ec25_set_sim(f->modem, EC25_SIM_FAILURE, f->now);
        say(f, "AT+CFUN=0\r");
        say(f, "AT+CFUN=1\r");
        pass(f, 1);
        hear(f, EC25_AT);
        assert_string_equal(say(f, "AT+CPIN?\r"), "\r\n+CME ERROR: 13\r\n");
}

static void test_registration(void **state)
{
        static const struct {
                enum ec25_registration state;
                const char *urc, *csq;
        } table[] = {
            {EC25_REG_SEARCHING, "\r\n+CREG: 2\r\n", "\r\n+CSQ: 99,99\r\n\r\nOK\r\n"},
            {EC25_REG_DENIED, "\r\n+CREG: 3\r\n", "\r\n+CSQ: 99,99\r\n\r\nOK\r\n"},
            {EC25_REG_NONE, "\r\n+CREG: 0\r\n", "\r\n+CSQ: 99,99\r\n\r\nOK\r\n"},
            {EC25_REG_ROAMING, "\r\n+CREG: 5\r\n", "\r\n+CSQ: 28,99\r\n\r\nOK\r\n"},
            {EC25_REG_HOME, "\r\n+CREG: 1\r\n", "\r\n+CSQ: 28,99\r\n\r\nOK\r\n"},
        };
        struct fixture *f = *state;

        say(f, "AT+CREG=1\r");
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                ec25_set_registration(f->modem, table[i].state, f->now);
                hear(f, EC25_AT);
                assert_string_equal(f->heard, table[i].urc);
                assert_string_equal(say(f, "AT+CSQ\r"), table[i].csq);
        }
}

static void test_split_garbage_urcs(void **state)
{
        struct fixture *f = *state;
        const void *bytes;
        size_t pieces = 0;

        ec25_set_faults(f->modem, EC25_FAULT_SPLIT, f->now);
        ec25_input(f->modem, EC25_AT, "AT+CSQ\r", 7, f->now);
        for (usec_t next; (next = ec25_next_deadline(f->modem, f->now)) != USEC_INFINITY ||
                          ec25_output(f->modem, EC25_AT, f->now, &bytes);) {
                size_t length = ec25_output(f->modem, EC25_AT, f->now, &bytes);
                assert_true(length <= 7);
                pieces += length > 0;
                ec25_consume(f->modem, EC25_AT, length);
                if (!length)
                        f->now = next;
        }
        assert_true(pieces >= 4);
        ec25_set_faults(f->modem, EC25_FAULT_GARBAGE | EC25_FAULT_URCS, f->now);
        say(f, "AT+CSQ\r");
        assert_memory_equal(f->heard, "\x80\xff\x7e\0", 4);
        assert_memory_equal(f->heard + f->length - 6 - 12, "\r\n+CREG: 1\r\n\r\nOK\r\n", 18);
}

static void test_late_answer(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(ec25_set_delay(f->modem, "AT+CSQ", 3 * USEC_PER_SEC), 0);
        assert_string_equal(say(f, "AT\r"), "\r\nOK\r\n");
        assert_string_equal(say(f, "AT+CSQ\r"), "");
        pass(f, 2 * USEC_PER_SEC);
        hear(f, EC25_AT);
        assert_string_equal(f->heard, "");
        pass(f, USEC_PER_SEC);
        hear(f, EC25_AT);
        assert_string_equal(f->heard, "\r\n+CSQ: 28,99\r\n\r\nOK\r\n");
        assert_int_equal(ec25_set_delay(f->modem, "AT+CSQ", 0), 0);
        assert_int_equal(ec25_set_answer(f->modem, "AT+CPIN", "+CME ERROR: 13"), 0);
        assert_string_equal(say(f, "AT+CPIN?\r"), "\r\n+CME ERROR: 13\r\n");
        assert_int_equal(ec25_set_answer(f->modem, "AT+CPIN", NULL), 0);
        assert_string_equal(say(f, "AT+CPIN?\r"), "\r\n+CPIN: READY\r\n\r\nOK\r\n");
}

static void test_reset_keeps_what_is_stored(void **state)
{
        struct fixture *f = *state;

        say(f, "AT+CMGF=1;+CMEE=2;+CREG=1;+CPMS=\"SM\",\"SM\",\"SM\"\r");
        ec25_self_reset(f->modem, f->now);
        hear(f, EC25_AT);
        assert_true(text_starts_with(f->heard, "\r\nRDY\r\n"));
        assert_string_equal(say(f, "AT+CMGF?;+CMEE?;+CREG?\r"),
                            "AT+CMGF?;+CMEE?;+CREG?\r\r\n+CMGF: 1\r\n+CMEE: 1\r\n+CREG: 0,1\r\n\r\nOK\r\n");
        assert_non_null(strstr(say(f, "AT+CPMS?\r"), "\"SM\",0,20"));
}

static void test_wishes(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(ec25_take_wish(f->modem), EC25_WISH_NONE);
        assert_string_equal(say(f, "AT+CFUN=1,1\r"), "\r\nOK\r\n");
        assert_int_equal(ec25_take_wish(f->modem), EC25_WISH_RESET);
        assert_int_equal(ec25_take_wish(f->modem), EC25_WISH_NONE);
        assert_string_equal(say(f, "AT+QPOWD=1\r"), "\r\nOK\r\n\r\nPOWERED DOWN\r\n");
        assert_int_equal(ec25_take_wish(f->modem), EC25_WISH_OFF);
}

static void test_other_ports(void **state)
{
        struct fixture *f = *state;

        assert_string_equal(say_on(f, EC25_DIAG, "AT\r"), "");
        assert_string_equal(say_on(f, EC25_NMEA, "AT\r"), "");
        assert_string_equal(say_on(f, EC25_MODEM, "ATE0\r"), "ATE0\r\r\nOK\r\n");
        ec25_set_faults(f->modem, EC25_FAULT_BINARY | EC25_FAULT_NMEA, f->now);
        say_on(f, EC25_DIAG, "AT\r");
        assert_int_equal(f->heard[f->length - 1], 0x7e);
        pass(f, USEC_PER_SEC);
        hear(f, EC25_NMEA);
        assert_true(text_starts_with(f->heard, "$GP"));
        /* URCs go to the AT port alone. */
        ec25_set_registration(f->modem, EC25_REG_DENIED, f->now);
        assert_int_equal(ec25_receive(f->modem, "1", "x", 0, f->now), 0);
        ec25_set_registration(f->modem, EC25_REG_HOME, f->now);
        pass(f, 0);
        hear(f, EC25_MODEM);
        assert_string_equal(f->heard, "");
        hear(f, EC25_AT);
        assert_string_equal(f->heard, "\r\n+CMTI: \"ME\",0\r\n");
}

static void test_hostile_identity(void **state)
{
        struct fixture *f = *state;
        static char huge[10 << 20];
        const void *bytes;
        size_t total = 0, length;

        assert_int_equal(ec25_set_identity(f->modem, "imei", "1\n2\0\x1b[2J", 8), 0);
        say(f, "AT+CGSN\r");
        assert_int_equal(f->length, 2 + 8 + 2 + 6);
        assert_memory_equal(f->heard + 2, "1\n2\0\x1b[2J", 8);
        memset(huge, 'A', sizeof(huge));
        assert_int_equal(ec25_set_identity(f->modem, "model", huge, sizeof(huge)), 0);
        ec25_input(f->modem, EC25_AT, "AT+CGMM\r", 8, f->now);
        while ((length = ec25_output(f->modem, EC25_AT, f->now, &bytes))) {
                total += length;
                ec25_consume(f->modem, EC25_AT, length);
        }
        assert_int_equal(total, 2 + sizeof(huge) + 2 + 6);
        assert_int_equal(ec25_set_identity(f->modem, "nonsense", "", 0), -ENOENT);
}

static void test_commands_are_counted(void **state)
{
        struct fixture *f = *state;

        say(f, "AT+CSQ\r");
        say(f, "at+csq\r");
        say_on(f, EC25_MODEM, "AT+CSQ\r");
        assert_int_equal(ec25_commands(f->modem, EC25_AT, "AT+CSQ"), 2);
        assert_int_equal(ec25_commands(f->modem, EC25_PORTS, "AT+CSQ"), 3);
        assert_int_equal(ec25_commands(f->modem, EC25_PORTS, "AT+C"), 3);
        assert_int_equal(ec25_commands(f->modem, EC25_PORTS, "AT+X"), 0);
}

static void test_identities_differ(void **state)
{
        struct fixture *f = *state;
        struct ec25 *other;

        assert_int_equal(ec25_new(1, &other), 0);
        assert_string_not_equal(ec25_identity(f->modem, "imei"), ec25_identity(other, "imei"));
        assert_string_not_equal(ec25_identity(f->modem, "imsi"), ec25_identity(other, "imsi"));
        assert_string_not_equal(ec25_identity(f->modem, "iccid"), ec25_identity(other, "iccid"));
        assert_int_equal(strlen(ec25_identity(other, "imei")), 15);
        ec25_free(other);
}

static void test_words(void **state)
{
        enum ec25_sim sim;
        enum ec25_registration registration;

        (void)state;
        for (enum ec25_sim i = 0; i < EC25_SIMS; i++) {
                assert_int_equal(ec25_sim_from_string(ec25_sim_to_string(i), &sim), 0);
                assert_int_equal(sim, i);
        }
        for (enum ec25_registration i = 0; i < EC25_REGISTRATIONS; i++) {
                assert_int_equal(ec25_registration_from_string(ec25_registration_to_string(i), &registration),
                                 0);
                assert_int_equal(registration, i);
        }
        assert_int_equal(ec25_sim_from_string("x", &sim), -EINVAL);
}

static void test_one_port_is_silent(void **state)
{
        struct fixture *f = *state;

        ec25_mute(f->modem, EC25_AT);
        assert_string_equal(say(f, "AT\r"), "");
        assert_non_null(strstr(say_on(f, EC25_MODEM, "AT\r"), "OK"));
        ec25_wake(f->modem);
        assert_non_null(strstr(say(f, "AT\r"), "OK"));
}

static void test_an_answer_of_lines(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(ec25_set_answer(f->modem, "AT+CREG?", "+CREG: 0,0\r\n\r\nOK"), 0);
        assert_non_null(strstr(say(f, "AT+CREG?\r"), "\r\n+CREG: 0,0\r\n\r\nOK\r\n"));
        assert_int_equal(ec25_set_answer(f->modem, "AT+CREG?", NULL), 0);
        assert_null(strstr(say(f, "AT+CREG?\r"), "+CREG: 0,0"));
}

static void test_factory_mode(void **state)
{
        struct fixture *f = *state;

        assert_non_null(strstr(say(f, "AT+CFUN=5\r"), "OK"));
        assert_non_null(strstr(say(f, "AT+CFUN?\r"), "+CFUN: 5"));
        assert_non_null(strstr(say(f, "AT+CREG?\r"), "+CREG: 0,0"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_boot, setup, teardown),
            READY(test_table),
            READY(test_any_split_of_the_input_means_the_same),
            READY(test_error_levels),
            READY(test_wrong_pin_locks),
            READY(test_pin_attempts_survive_power),
            READY(test_dip_is_cured_by_cfun),
            READY(test_registration),
            READY(test_split_garbage_urcs),
            READY(test_late_answer),
            READY(test_reset_keeps_what_is_stored),
            READY(test_wishes),
            READY(test_other_ports),
            READY(test_hostile_identity),
            READY(test_commands_are_counted),
            READY(test_identities_differ),
            READY(test_words),
            READY(test_one_port_is_silent),
            READY(test_an_answer_of_lines),
            READY(test_factory_mode),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
