/*
 * The provider database: what is chosen out of a small one, what a hostile one does, and what the real one
 * says of the operators that smswarden began with.
 */
#include "adapters/apn_database.h"

#include "base/cleanup.h"
#include "base/text.h"

#include "temp_folder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
        return temp_fixture_make(state, "test_apn_database", "providers.xml");
}

static void put(const struct temp_fixture *fixture, const char *text)
{
        _cleanup_fclose_ FILE *file = fopen(fixture->path, "we");

        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
}

#define NETWORK(mcc, mnc) "<network-id mcc=\"" mcc "\" mnc=\"" mnc "\"/>"
#define APN(value, usage) "<apn value=\"" value "\"><usage type=\"" usage "\"/><name>plan</name></apn>"
#define PROVIDER(name, networks, apns)                                                                       \
        "<provider><name>" name "</name><gsm>" networks apns "</gsm></provider>\n"

static const char small[] =
    "<?xml version=\"1.0\" encoding='utf-8'?>\n"
    "<!DOCTYPE serviceproviders SYSTEM \"serviceproviders.2.dtd\">\n"
    "<serviceproviders format=\"2.0\"><country code=\"xx\"><name>Nowhere</name>\n" PROVIDER(
        "One", NETWORK("901", "01"), APN("mms", "mms") APN("wap.one", "wap") APN("one.example", "internet"))
        PROVIDER("Halfling", NETWORK("901", "02") NETWORK("901", "05"), APN("halfling", "internet")) PROVIDER(
            "Two LT", NETWORK("901", "02"),
            APN("two.a", "internet") APN("two.b ", "internet")
                APN("TWO.A", "internet")) "<provider primary=\"false\"><name>Guest</name><gsm>" NETWORK("901",
                                                                                                        "03")
            APN("guest",
                "internet") "</gsm></provider>\n"
                            "<provider primary=\"true\"><name>Host</name><gsm>" NETWORK("901", "03")
                                APN("host", "internet") "</gsm></provider>\n" PROVIDER(
                                    "Short", NETWORK("310", "26"), APN("short", "internet"))
                                    PROVIDER("Long", NETWORK("310", "260"), APN("long", "internet"))
                                        PROVIDER("Only MMS", NETWORK("901", "06"), APN("mms", "mms"))
                                            PROVIDER("Bad names", NETWORK("901", "07"),
                                                     APN("http://172.18.83.129", "internet")
                                                         APN("a;b", "internet") APN("good", "internet"))
                                                PROVIDER("Odd numbers",
                                                         NETWORK("9010", "8") NETWORK("901", "8x")
                                                             NETWORK("", ""),
                                                         APN("odd",
                                                             "internet")) "<provider><name>B\xc3\xa9&#x202e; "
                                                                          "&lt;x&gt;</name><gsm>" NETWORK(
                                                                              "901", "09") "<apn "
                                                                                           "value="
                                                                                           "\"default\"><"
                                                                                           "name>no "
                                                                                           "usage "
                                                                                           "said</name></"
                                                                                           "apn></gsm></"
                                                                                           "provider>\n"
                                                                                           "</country></"
                                                                                           "serviceprovid"
                                                                                           "ers>\n";

static const struct {
        const char *imsi;
        unsigned mnc_digits;
        const char *wanted;
        int result;
        const char *apn, *provider, *network, *others;
        unsigned providers, apns;
        bool certain;
} answers[] = {
    {"901011234567890", 0, "", 0, "one.example", "One", "90101", "", 1, 1, true},
    {"901021234567890", 0, "", 0, "halfling", "Halfling", "90102", "two.a (Two LT), two.b (Two LT)", 2, 1,
     false},
    {"901021234567890", 0, "Two", 0, "two.a", "Two LT", "90102", "halfling (Halfling), two.b (Two LT)", 2, 2,
     false},
    {"901021234567890", 0, "HALFLING", 0, "halfling", "Halfling", "90102", "two.a (Two LT), two.b (Two LT)",
     2, 1, true},
    {"901021234567890", 0, "Half", 0, "halfling", "Halfling", "90102", "two.a (Two LT), two.b (Two LT)", 2, 1,
     false},
    {"901031234567890", 0, "", 0, "host", "Host", "90103", "guest (Guest)", 2, 1, true},
    {"901031234567890", 0, "Guest", 0, "guest", "Guest", "90103", "host (Host)", 2, 1, true},
    {"310260123456789", 0, "", 0, "long", "Long", "310260", "short (Short)", 1, 1, true},
    {"310260123456789", 2, "", 0, "short", "Short", "31026", "", 1, 1, true},
    {"310260123456789", 3, "", 0, "long", "Long", "310260", "", 1, 1, true},
    {"310261123456789", 0, "", 0, "short", "Short", "31026", "", 1, 1, true},
    {"310261123456789", 3, "", APN_DATABASE_UNKNOWN, NULL, NULL, NULL, NULL, 0, 0, false},
    {"901041234567890", 0, "", APN_DATABASE_UNKNOWN, NULL, NULL, NULL, NULL, 0, 0, false},
    {"901061234567890", 0, "", APN_DATABASE_UNKNOWN, NULL, NULL, NULL, NULL, 0, 0, false},
    {"901081234567890", 0, "", APN_DATABASE_UNKNOWN, NULL, NULL, NULL, NULL, 0, 0, false},
    {"901071234567890", 0, "", 0, "good", "Bad names", "90107", "", 1, 1, true},
    {"901091234567890", 0, "", 0, "default", "B\xc3\xa9\\xe2\\x80\\xae <x>", "90109", "", 1, 1, true},
    {"90101", 0, "", -EINVAL, NULL, NULL, NULL, NULL, 0, 0, false},
    {"", 0, "", -EINVAL, NULL, NULL, NULL, NULL, 0, 0, false},
    {"90101123456789x", 0, "", -EINVAL, NULL, NULL, NULL, NULL, 0, 0, false},
};

static void test_answers(void **state)
{
        struct temp_fixture *fixture = *state;

        put(fixture, small);
        for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
                struct apn_answer answer = {.apn = "untouched"};
                print_message("   %s %s\n", answers[i].imsi, answers[i].wanted);
                int r = apn_database_find(fixture->path, answers[i].imsi, answers[i].mnc_digits,
                                          answers[i].wanted, &answer);
                assert_int_equal(r, answers[i].result);
                if (r != 0) {
                        assert_string_equal(answer.apn, "untouched");
                        continue;
                }
                assert_string_equal(answer.apn, answers[i].apn);
                assert_string_equal(answer.provider, answers[i].provider);
                assert_string_equal(answer.network, answers[i].network);
                assert_string_equal(answer.others, answers[i].others);
                assert_int_equal(answer.providers, answers[i].providers);
                assert_int_equal(answer.apns, answers[i].apns);
                assert_int_equal(answer.certain, answers[i].certain);
        }
}

#define OPEN "<serviceproviders><country><name>x</name>"
#define FITS PROVIDER("One", NETWORK("901", "01"), APN("one", "internet"))

/* What fits comes first in each: a file that turns out bad afterwards is not believed at all. */
static const struct {
        const char *name;
        const char *text;
} bad_files[] = {
    {"empty", ""},
    {"no XML", "hello"},
    {"cut off", OPEN FITS},
    {"billion laughs", "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>" OPEN FITS
                       "<provider><name>&b;</name></provider></country></serviceproviders>"},
    {"an external entity", "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>" OPEN FITS
                           "<provider><name>&a;</name></provider></country></serviceproviders>"},
    {"a parameter entity", "<!DOCTYPE x [<!ENTITY % a SYSTEM \"http://127.0.0.1/\"> %a;]>" OPEN FITS
                           "</country></serviceproviders>"},
    {"an undeclared entity", OPEN FITS "<name>&nbsp;</name></country></serviceproviders>"},
    {"wrong nesting", OPEN FITS "</serviceproviders></country>"},
    {"not UTF-8", OPEN FITS "<name>\xff\xfe</name></country></serviceproviders>"},
    {"something behind it", OPEN FITS "</country></serviceproviders><x/>"},
};

static int find(const struct temp_fixture *fixture)
{
        struct apn_answer answer;

        return apn_database_find(fixture->path, "901011234567890", 0, "", &answer);
}

static void test_bad_files(void **state)
{
        struct temp_fixture *fixture = *state;

        for (size_t i = 0; i < ARRAY_SIZE(bad_files); i++) {
                print_message("   %s\n", bad_files[i].name);
                put(fixture, bad_files[i].text);
                assert_int_equal(find(fixture), -EBADMSG);
        }
        put(fixture, OPEN FITS "</country></serviceproviders>");
        assert_int_equal(find(fixture), 0);
}

static void put_repeated(const struct temp_fixture *fixture, const char *head, const char *part, size_t times,
                         const char *tail)
{
        _cleanup_fclose_ FILE *file = fopen(fixture->path, "we");

        assert_non_null(file);
        assert_true(fputs(head, file) >= 0);
        for (size_t i = 0; i < times; i++)
                assert_true(fputs(part, file) >= 0);
        assert_true(fputs(tail, file) >= 0);
}

static void test_bounds(void **state)
{
        struct temp_fixture *fixture = *state;
        struct apn_answer answer;

        put_repeated(fixture, OPEN FITS, "<a>", 1000, "");
        assert_int_equal(find(fixture), -EBADMSG);
        put_repeated(fixture, OPEN FITS "</country></serviceproviders>", "                ", 300000, "");
        assert_int_equal(find(fixture), -EFBIG);
        /* Long names, many names, many providers: cut, never more. */
        put_repeated(fixture, OPEN "<provider><name>", "long name ", 1000,
                     "</name><gsm>" NETWORK("901", "01")
                         APN("one", "internet") "</gsm></provider></country></serviceproviders>");
        assert_int_equal(find(fixture), 0);
        put_repeated(fixture, OPEN "<provider><name>x</name><gsm>" NETWORK("901", "01"),
                     APN("12345678901234567890123456789012345678901234567890123456789012", "internet")
                         APN("b", "internet") APN("c", "internet"),
                     1000, "</gsm></provider></country></serviceproviders>");
        assert_int_equal(find(fixture), 0);
        put_repeated(fixture, OPEN, FITS, 5000, "</country></serviceproviders>");
        assert_int_equal(apn_database_find(fixture->path, "901011234567890", 0, "", &answer), 0);
        assert_int_equal(answer.providers, 5000);
        assert_false(answer.certain);
        assert_true(strlen(answer.others) < sizeof(answer.others));
}

static void test_no_file(void **state)
{
        struct temp_fixture *fixture = *state;

        assert_int_equal(find(fixture), APN_DATABASE_MISSING);
        assert_int_equal(symlink("/nowhere/at/all", fixture->path), 0);
        assert_int_equal(find(fixture), APN_DATABASE_MISSING);
        assert_int_equal(unlink(fixture->path), 0);
        assert_int_equal(mkfifo(fixture->path, 0600), 0);
        assert_int_equal(find(fixture), -EBADF);
        assert_int_equal(unlink(fixture->path), 0);
        assert_int_equal(mkdir(fixture->path, 0700), 0);
        assert_int_equal(find(fixture), -EISDIR);
}

/* The real file: it can be read, and it knows what it knew in 2023; a newer one may know other names. */
static void test_real_file(void **state)
{
        static const char *const networks[] = {"24601", "24602", "24603", "24001", "24007",
                                               "24008", "22601", "22603", "22610"};
        unsigned known = 0;

        (void)state;
        if (access(APN_DATABASE_PATH, R_OK) != 0)
                skip();
        for (size_t i = 0; i < ARRAY_SIZE(networks); i++) {
                struct apn_answer answer;
                char imsi[16];
                (void)text_format(imsi, sizeof(imsi), "%s1234567890", networks[i]);
                int r = apn_database_find(APN_DATABASE_PATH, imsi, 0, "", &answer);
                assert_in_range(r, 0, APN_DATABASE_UNKNOWN);
                known += r == 0;
                if (r != 0)
                        print_message("   %s: not known\n", networks[i]);
                else
                        print_message("   %s: %s (%s)%s, others: %s\n", networks[i], answer.apn,
                                      answer.provider, answer.certain ? ", certain" : "", answer.others);
        }
        assert_in_range(known, 5, 9);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_answers, setup, temp_fixture_remove),
            cmocka_unit_test_setup_teardown(test_bad_files, setup, temp_fixture_remove),
            cmocka_unit_test_setup_teardown(test_bounds, setup, temp_fixture_remove),
            cmocka_unit_test_setup_teardown(test_no_file, setup, temp_fixture_remove),
            cmocka_unit_test(test_real_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
