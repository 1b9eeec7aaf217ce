/* One line of an answer into one fact: what is taken, what is refused, and that nothing unclean gets through.
 */
#include "core/modem_facts.h"

#include "base/cleanup.h"
#include "core/at_answers.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef bool (*take_t)(struct modem_facts *facts, const char *text);

#define TEXT(field) offsetof(struct modem_facts, field)

static const struct {
        take_t take;
        const char *line;
        size_t field;
        const char *wanted; /* NULL: the line is refused and the field stays empty */
} texts[] = {
    {at_answer_imei, "862061045678901", TEXT(imei), "862061045678901"},
    {at_answer_imei, "+CGSN: \"86206104567890\"", TEXT(imei), "86206104567890"},
    {at_answer_imei, "IMEI: 862061045678901", TEXT(imei), "862061045678901"},
    {at_answer_imei, "8620610456789012", TEXT(imei), NULL}, /* IMEISV */
    {at_answer_imei, "8620610456789", TEXT(imei), NULL},
    {at_answer_imei, "86206104567890?", TEXT(imei), NULL},
    {at_answer_imei, "862061045678901,1", TEXT(imei), NULL},
    {at_answer_imei, "", TEXT(imei), NULL},
    {at_answer_imsi, "246012345678901", TEXT(imsi), "246012345678901"},
    {at_answer_imsi, "24601", TEXT(imsi), NULL},
    {at_answer_imsi, "24601234567890\"", TEXT(imsi), NULL},
    {at_answer_iccid, "+QCCID: 89860025128306012474", TEXT(iccid), "89860025128306012474"},
    {at_answer_iccid, "+QCCID: 8986002512830601247F", TEXT(iccid), "8986002512830601247"},
    {at_answer_iccid, "+ICCID: \"898600251283060124\"", TEXT(iccid), "898600251283060124"},
    {at_answer_iccid, "89860025128306012474", TEXT(iccid), NULL}, /* could be anything */
    {at_answer_iccid, "+QCCID: 89860025128306012474123", TEXT(iccid), NULL},
    {at_answer_iccid, "+QCCID: 8986002512830601F474", TEXT(iccid), NULL},
    {at_answer_iccid, "+QCCID: ffffffffffffffffffff", TEXT(iccid), NULL},
    {at_answer_identity, "Quectel", TEXT(manufacturer), "Quectel"},
    {at_answer_identity, "Model: SIMCOM_SIM7600E-H", TEXT(model), "SIMCOM_SIM7600E-H"},
    {at_answer_identity, "Revision: EC25EFAR06A11M4G", TEXT(firmware), "EC25EFAR06A11M4G"},
    {at_answer_identity, "Revision: a\xc3\xa4\xe2\x80\xae b", TEXT(firmware), "a b"},
    {at_answer_identity, "+CREG: 1", TEXT(manufacturer), NULL},
    {at_answer_identity, "IMEI: 123", TEXT(manufacturer), NULL},
    {at_answer_identity, "\xc3\xa4", TEXT(manufacturer), NULL},
    {at_answer_operator, "+COPS: 0,0,\"Telia LT\",7", TEXT(operator_name), "Telia LT"},
    {at_answer_operator, "+COPS: 0,0,\"A, B\",7", TEXT(operator_name), "A, B"},
    {at_answer_operator, "+COPS: 0,0,\"Telia LT\",7", TEXT(technology), "LTE"},
    {at_answer_operator, "+COPS: 0,2,\"24601\",2", TEXT(technology), "UTRAN"},
    {at_answer_operator, "+COPS: 0,2,\"24601\",0", TEXT(technology), "GSM"},
    {at_answer_operator, "+COPS: 0", TEXT(technology), ""},
    {at_answer_operator, "+COPS: 0,0,\"x\",99", TEXT(technology), ""},
    {at_answer_network, "+QNWINFO: \"FDD LTE\",\"24603\",\"LTE BAND 3\",1650", TEXT(band), "LTE BAND 3"},
    {at_answer_network, "+QNWINFO: No Service", TEXT(band), ""},
    {at_answer_network, "+CREG: 1", TEXT(band), NULL},
};

static void test_texts(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct modem_facts facts;
                modem_facts_init(&facts);
                bool taken = texts[i].take(&facts, texts[i].line);
                const char *value = (const char *)&facts + texts[i].field;
                if (taken != (texts[i].wanted != NULL) ||
                    strcmp(value, texts[i].wanted ? texts[i].wanted : "") != 0)
                        fail_msg("%s: taken %d, \"%s\"", texts[i].line, taken, value);
        }
}

static const struct {
        take_t take;
        const char *line;
        size_t field;
        bool taken;
        int wanted;
} numbers[] = {
    {at_answer_pin_attempts, "+QPINC: \"SC\",3,10", TEXT(pin_attempts), true, 3},
    {at_answer_pin_attempts, "+QPINC: \"P2\",3,10", TEXT(pin_attempts), false, -1},
    {at_answer_pin_attempts, "+QPINC: \"SC\",\"3\"", TEXT(pin_attempts), false, -1},
    {at_answer_init_status, "+QINISTAT: 7", TEXT(init_status), true, 7},
    {at_answer_init_status, "+QINISTAT: -1", TEXT(init_status), false, -1},
    {at_answer_functionality, "+CFUN: 1", TEXT(functionality), true, 1},
    {at_answer_functionality, "+CFUN: 5,0", TEXT(functionality), true, 5},
    {at_answer_functionality, "+CFUN: 4294967297", TEXT(functionality), false, -1},
    {at_answer_signal, "+CSQ: 28,99", TEXT(signal_dbm), true, -57},
    {at_answer_signal, "+CSQ: 0,99", TEXT(signal_dbm), true, -113},
    {at_answer_signal, "+CSQ: 31,99", TEXT(signal_dbm), true, -51},
    {at_answer_signal, "+CSQ: 99,99", TEXT(signal_dbm), true, 0},
    {at_answer_signal, "+CSQ: x", TEXT(signal_dbm), false, 0},
    {at_answer_storage, "+CPMS: \"ME\",1,255,\"ME\",2,255,\"ME\",3,254", TEXT(storage_used), true, 3},
    {at_answer_storage, "+CPMS: \"ME\",1,255,\"ME\",2,255,\"ME\",3,254", TEXT(storage_total), true, 254},
    {at_answer_storage, "+CPMS: \"ME\",1,255", TEXT(storage_used), false, -1},
    {at_answer_storage, "+CPMS: ,,,,,,,,,,,,,,,,,,,,,,,,,", TEXT(storage_used), false, -1},
    {at_answer_registration, "+CREG: 0,1", TEXT(registration), true, REGISTRATION_HOME},
    {at_answer_registration, "+CREG: 2,5,\"D509\",\"80D413D\",7", TEXT(registration), true,
     REGISTRATION_ROAMING},
    {at_answer_registration, "+CEREG: 0,2", TEXT(registration), true, REGISTRATION_SEARCHING},
    {at_answer_registration, "+CREG: 0,3", TEXT(registration), true, REGISTRATION_DENIED},
    {at_answer_registration, "+CREG: 0,0", TEXT(registration), true, REGISTRATION_NONE},
    {at_answer_registration, "+CREG: 0,6", TEXT(registration), true, REGISTRATION_HOME},
    {at_answer_registration, "+CREG: 1", TEXT(registration), false,
     REGISTRATION_UNKNOWN}, /* unsolicited form */
    {at_answer_registration, "+CREG: 1,\"D509\",\"80D413D\",7", TEXT(registration), false,
     REGISTRATION_UNKNOWN},
    {at_answer_registration, "+CREG: 0,11", TEXT(registration), false, REGISTRATION_UNKNOWN},
    {at_answer_sim, "+CPIN: READY", TEXT(sim), true, SIM_READY},
    {at_answer_sim, "+CPIN: SIM PIN", TEXT(sim), true, SIM_PIN},
    {at_answer_sim, "+CPIN: SIM PUK", TEXT(sim), true, SIM_PUK},
    {at_answer_sim, "+CPIN: NOT READY", TEXT(sim), true, SIM_BUSY},
    {at_answer_sim, "+CPIN: PH-NET PIN", TEXT(sim), true, SIM_FAILURE},
    {at_answer_sim, "READY", TEXT(sim), false, SIM_UNKNOWN},
};

static void test_numbers(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                struct modem_facts facts;
                int value;
                modem_facts_init(&facts);
                bool taken = numbers[i].take(&facts, numbers[i].line);
                memcpy(&value, (const char *)&facts + numbers[i].field, sizeof(value));
                if (taken != numbers[i].taken || value != numbers[i].wanted)
                        fail_msg("%s: taken %d, %d", numbers[i].line, taken, value);
        }
}

static void test_sim_errors(void **state)
{
        static const struct {
                int cme;
                enum sim_state sim;
        } cases[] = {{10, SIM_ABSENT}, {11, SIM_PIN},     {12, SIM_PUK},     {13, SIM_FAILURE},
                     {14, SIM_BUSY},   {15, SIM_FAILURE}, {-1, SIM_UNKNOWN}, {100, SIM_UNKNOWN}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(at_answer_sim_error(cases[i].cme), cases[i].sim);
}

static void test_imsi_is_never_the_imei(void **state)
{
        struct modem_facts facts;

        (void)state;
        modem_facts_init(&facts);
        assert_true(at_answer_imei(&facts, "862061045678901"));
        assert_false(at_answer_imsi(&facts, "862061045678901"));
        assert_string_equal(facts.imsi, "");
}

static void test_second_domain_does_not_undo_the_first(void **state)
{
        struct modem_facts facts;

        (void)state;
        modem_facts_init(&facts);
        assert_true(at_answer_registration(&facts, "+CREG: 0,3"));
        assert_true(at_answer_registration(&facts, "+CEREG: 0,0"));
        assert_int_equal(facts.registration, REGISTRATION_DENIED);
        assert_true(at_answer_registration(&facts, "+CEREG: 0,5"));
        assert_int_equal(facts.registration, REGISTRATION_ROAMING);
        assert_true(at_answer_registration(&facts, "+CREG: 0,3"));
        assert_int_equal(facts.registration, REGISTRATION_ROAMING);
}

static void test_identity_without_labels(void **state)
{
        struct modem_facts facts;
        char endless[400];

        (void)state;
        modem_facts_init(&facts);
        assert_true(at_answer_identity(&facts, "Quectel"));
        assert_true(at_answer_identity(&facts, "EC25"));
        assert_true(at_answer_identity(&facts, "Revision: EC25EFAR06A11M4G"));
        assert_false(at_answer_identity(&facts, "a fourth line"));
        assert_string_equal(facts.manufacturer, "Quectel");
        assert_string_equal(facts.model, "EC25");
        assert_string_equal(facts.firmware, "EC25EFAR06A11M4G");

        memset(endless, 'x', sizeof(endless) - 1);
        endless[sizeof(endless) - 1] = '\0';
        modem_facts_init(&facts);
        assert_true(at_answer_identity(&facts, endless));
        assert_int_equal(strlen(facts.manufacturer), sizeof(facts.manufacturer) - 1);
        assert_string_equal(facts.model, "");
}

static void test_words_both_ways(void **state)
{
        (void)state;
        for (int i = SIM_UNKNOWN; i <= SIM_FAILURE; i++) {
                enum sim_state sim = SIM_UNKNOWN;
                assert_int_equal(sim_state_from_string(sim_state_to_string((enum sim_state)i), &sim), 0);
                assert_int_equal(sim, i);
        }
        for (int i = REGISTRATION_UNKNOWN; i <= REGISTRATION_ROAMING; i++) {
                for (int k = REGISTRATION_UNKNOWN; k < i; k++)
                        assert_string_not_equal(registration_to_string((enum registration)i),
                                                registration_to_string((enum registration)k));
        }
        enum sim_state sim = SIM_PUK;
        assert_int_equal(sim_state_from_string("Ready", &sim), -EINVAL);
        assert_int_equal(sim, SIM_PUK);
        assert_string_equal(sim_state_to_string((enum sim_state)99), "unknown");
        assert_string_equal(registration_to_string((enum registration) - 1), "unknown");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_texts),
            cmocka_unit_test(test_numbers),
            cmocka_unit_test(test_sim_errors),
            cmocka_unit_test(test_imsi_is_never_the_imei),
            cmocka_unit_test(test_second_domain_does_not_undo_the_first),
            cmocka_unit_test(test_identity_without_labels),
            cmocka_unit_test(test_words_both_ways),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
