/*
 * What smsd would read. Every row was measured with Debian's smsd 3.1.21: the device that the handler opens,
 * or the error it stops with.
 */
#include "core/smsd_conf.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "devices=GSM1\n"
#define TEXT(literal)                                                                                        \
        {                                                                                                    \
                literal, sizeof(literal) - 1                                                                 \
        }

struct row {
        const char *name;
        struct smsd_conf conf;
        const char *device; /* of GSM1; NULL: unset */
};

static const struct row rows[] = {
    {"the last of a key wins", TEXT(HEAD "[GSM1]\ndevice=/dev/T1\ndevice=/dev/T2\n"), "/dev/T2"},
    {"the first of a section wins", TEXT("[GSM1]\ndevice=/dev/T1\n[GSM1]\ndevice=/dev/T2\n"), "/dev/T1"},
    {"keys in any case", TEXT("[GSM1]\nDEViCE=/dev/T1\n"), "/dev/T1"},
    {"names in their case", TEXT("[gsm1]\ndevice=/dev/T1\n"), NULL},
    {"CRLF", TEXT("[GSM1]\r\ndevice = /dev/T1\r\n"), "/dev/T1"},
    {"CR twice", TEXT("[GSM1]\r\r\ndevice = /dev/T1\r\r\n"), "/dev/T1"},
    {"CR in a key", TEXT("[GSM1]\nde\rvice = /dev/T1\n"), "/dev/T1"},
    {"CR in a value", TEXT("[GSM1]\ndevice = /dev/T1\rx\n"), "/dev/T1x"},
    {"CR in a section", TEXT("[GSM1\r]\ndevice = /dev/T1\n"), NULL},
    {"CR before a section", TEXT("[GSM1]\n\r[x]\ndevice = /dev/T1\n"), "/dev/T1"},
    {"CR before a comment", TEXT("[GSM1]\n\r#device = /dev/T1\n"), NULL},
    {"no newline at the end", TEXT("[GSM1]\ndevice=/dev/T1"), "/dev/T1"},
    {"blanks in the brackets", TEXT("[ GSM1 ]\ndevice=/dev/T1\n"), NULL},
    {"[default]", TEXT("[default]\ndevice=/dev/T1\n[GSM1]\nincoming=yes\n"), "/dev/T1"},
    {"[default] alone", TEXT("[default]\ndevice=/dev/T1\n"), "/dev/T1"},
    {"[default] behind", TEXT("[GSM1]\nincoming=yes\n[default]\ndevice=/dev/T1\n"), "/dev/T1"},
    {"own over [default] behind", TEXT("[GSM1]\ndevice=/dev/T2\n[default]\ndevice=/dev/T1\n"), "/dev/T2"},
    {"empty own over [default]", TEXT("[GSM1]\ndevice=\n[default]\ndevice=/dev/T1\n"), ""},
    {"group", TEXT("[GSM1]\n[GSM*]\ndevice=/dev/T1\n"), "/dev/T1"},
    {"group alone", TEXT("[GSM*]\ndevice=/dev/T1\n"), "/dev/T1"},
    {"group over [default]", TEXT("[GSM*]\ndevice=/dev/T1\n[default]\ndevice=/dev/T0\n"), "/dev/T1"},
    {"own over group", TEXT("[GSM1]\ndevice=/dev/T9\n[GSM*]\ndevice=/dev/T1\n"), "/dev/T9"},
    {"group twice", TEXT("[GSM*]\ndevice=/dev/T1\n[GSM*]\ndevice=/dev/T2\n"), "/dev/T1"},
    {"no glob: prefix", TEXT("[GS*]\ndevice=/dev/T1\n"), NULL},
    {"no glob: all", TEXT("[*]\ndevice=/dev/T1\n"), NULL},
    {"no glob: middle", TEXT("[G*1]\ndevice=/dev/T1\n"), NULL},
    {"no glob: one", TEXT("[GSM?]\ndevice=/dev/T1\n"), NULL},
    {"no glob: whole name", TEXT("[GSM1*]\ndevice=/dev/T1\n"), NULL},
    {"group in its case", TEXT("[gsm*]\ndevice=/dev/T1\n"), NULL},
    {"no comment behind a value", TEXT("[GSM1]\ndevice = /dev/T1 # y\n"), "/dev/T1 # y"},
    {"no quotes", TEXT("[GSM1]\ndevice = \"/dev/T1\"\n"), "\"/dev/T1\""},
    {"a value that is a comment", TEXT("[GSM1]\ndevice=#x\n"), "#x"},
    {"comment, indented", TEXT("[GSM1]\n \t #device=/dev/T1\n"), NULL},
    {"indentation", TEXT(" \t[GSM1] \t\n \tdevice\t=\t/dev/T1\t \n"), "/dev/T1"},
    {"text behind ]", TEXT("[GSM1] = hello\ndevice=/dev/T1\n"), "/dev/T1"},
    {"setting behind ]", TEXT("[GSM1] device=/dev/T0\n"), NULL},
    {"no ]", TEXT("[GSM1\ndevice=/dev/T1\n"), NULL},
    {"no ] ends a section", TEXT("[GSM1]\ndevice=/dev/T1\n[x\ndevice=/dev/T2\n"), "/dev/T1"},
    {"[ begins no key", TEXT("[GSM1]\n[x=y\ndevice=/dev/T2\n"), NULL},
    {"two brackets", TEXT("[[GSM1]]\ndevice=/dev/T1\n"), NULL},
    {"an empty section", TEXT("[GSM1]\ndevice=/dev/T1\n[]\ndevice=/dev/T2\n"), "/dev/T1"},
    {"two =", TEXT("[GSM1]\ndevice==/dev/T1\n"), "=/dev/T1"},
    {"no =", TEXT("[GSM1]\ndevice /dev/T1\n"), NULL},
    {"junk is passed", TEXT("[GSM1]\ngarbage\ndevice=/dev/T1\n"), "/dev/T1"},
    {"blanks inside", TEXT("[GSM1]\ndevice=/dev/T a  b\n"), "/dev/T a  b"},
    {"control characters around",
     TEXT("[GSM1]\n\x01 \x01"
          "device \x01 = \x0b \x01/dev/T1 \x1f \n"),
     "/dev/T1"},
    {"control characters inside", TEXT("[GSM1]\ndevice=/dev/T1\x01x\n"), "/dev/T1\x01x"},
    {"control before a comment", TEXT("[GSM1]\n\x01#device=/dev/T1\n"), NULL},
    {"no-break space stays", TEXT("[GSM1]\ndevice=/dev/T1\xa0\n"), "/dev/T1\xa0"},
    {"NUL cuts a value", TEXT("[GSM1]\ndevice=/dev/T1\0x\n"), "/dev/T1"},
    {"NUL hides a line", TEXT("[GSM1]\n\0device=/dev/T1\n"), NULL},
    {"the first choice", TEXT("[GSM1]\ndevice=? /dev/T1 | /dev/T2\n"), "/dev/T1"},
    {"choice in a choice", TEXT("[GSM1]\ndevice=? ? /dev/T1 x | /dev/T2\n"), "/dev/T1 x"},
    {"no choice", TEXT("[GSM1]\ndevice=?\n"), ""},
    {"an empty choice", TEXT("[GSM1]\ndevice=? | /dev/T1\n"), ""},
    {"no question", TEXT("[GSM1]\ndevice=/dev/T1|/dev/T2\n"), "/dev/T1|/dev/T2"},
    {"old Mac line ends", TEXT("[GSM1]\rdevice=/dev/T1\r"), NULL},
    {"empty", TEXT(""), NULL},
    {"only a newline", TEXT("\n"), NULL},
};

static void test_get_device(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char value[64] = "untouched";
                int r = smsd_conf_get(&rows[i].conf, "GSM1", "device", value, sizeof(value));
                bool right = rows[i].device ? r == 0 && text_equal(value, rows[i].device)
                                            : r == -ENOENT && text_equal(value, "untouched");
                if (!right)
                        fail_msg("%s: %d \"%s\"", rows[i].name, r, value);
        }
}

static void test_global_part_ends_at_first_section(void **state)
{
        struct smsd_conf conf = TEXT("loglevel=5\n[x\nloglevel=6\ndelaytime=1\n");
        char value[16];

        (void)state;
        assert_int_equal(smsd_conf_get(&conf, NULL, "loglevel", value, sizeof(value)), 0);
        assert_string_equal(value, "5");
        assert_int_equal(smsd_conf_get(&conf, NULL, "delaytime", value, sizeof(value)), -ENOENT);
}

static void test_second_names(void **state)
{
        struct smsd_conf conf = TEXT("outgoing=/a\nspool=/b\n[GSM1]\ninit1=AT1\nINIT=AT2\n");
        char value[16];

        (void)state;
        assert_int_equal(smsd_conf_get(&conf, NULL, "outgoing", value, sizeof(value)), 0);
        assert_string_equal(value, "/b");
        assert_int_equal(smsd_conf_get(&conf, "GSM1", "init1", value, sizeof(value)), 0);
        assert_string_equal(value, "AT2");
}

static void test_group_names(void **state)
{
        static const struct {
                const char *modem, *section;
                bool found;
        } groups[] = {{"MODEM", "[MODEM*]", true},
                      {"GSM1A2", "[GSM*]", true},
                      {"G-1", "[G-*]", true},
                      {"1GSM", "[*]", false}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
                char text[64], value[16];
                (void)text_format(text, sizeof(text), "%s\ndevice=/dev/T1\n", groups[i].section);
                struct smsd_conf conf = {text, strlen(text)};
                int r = smsd_conf_get(&conf, groups[i].modem, "device", value, sizeof(value));
                assert_int_equal(r, groups[i].found ? 0 : -ENOENT);
        }
}

static void test_value_must_fit(void **state)
{
        struct smsd_conf conf = TEXT("[GSM1]\ndevice=/dev/T1\n");
        char value[7] = "x";

        (void)state;
        assert_int_equal(smsd_conf_get(&conf, "GSM1", "device", value, 7), -ENAMETOOLONG);
        assert_string_equal(value, "x");
        char larger[8];
        assert_int_equal(smsd_conf_get(&conf, "GSM1", "device", larger, 8), 0);
}

/* "[GSM1]", then `head`, `count` times 'x', `tail`. */
static struct smsd_conf make_long(char *buffer, size_t size, const char *head, size_t count, const char *tail)
{
        size_t length = 0;

        (void)text_format(buffer, size, "[GSM1]\ndevice=/dev/T1\n%s", head);
        length = strlen(buffer);
        assert_true(length + count + strlen(tail) < size);
        memset(buffer + length, 'x', count);
        memcpy(buffer + length + count, tail, strlen(tail) + 1);
        return (struct smsd_conf){buffer, length + count + strlen(tail)};
}

static void test_long_lines(void **state)
{
        char text[8300], value[4200];

        (void)state;
        /* A line of 4127 characters is one; behind that a new line begins. */
        struct smsd_conf conf = make_long(text, sizeof(text), "#", 4126, "device=/dev/T2\n");
        assert_int_equal(smsd_conf_get(&conf, "GSM1", "device", value, sizeof(value)), 0);
        assert_string_equal(value, "/dev/T2");
        conf = make_long(text, sizeof(text), "#", 4125, "device=/dev/T2\n");
        assert_int_equal(smsd_conf_get(&conf, "GSM1", "device", value, sizeof(value)), 0);
        assert_string_equal(value, "/dev/T1");
        conf = make_long(text, sizeof(text), "#", 4126, "\ndevice=/dev/T3\n");
        assert_int_equal(smsd_conf_get(&conf, "GSM1", "device", value, sizeof(value)), 0);
        assert_string_equal(value, "/dev/T3");
        conf = make_long(text, sizeof(text), "#", 4126, "[other]\ndevice=/dev/T3\n");
        assert_int_equal(smsd_conf_get(&conf, "GSM1", "device", value, sizeof(value)), 0);
        assert_string_equal(value, "/dev/T1");
        /* A value is cut at 4095. */
        conf = make_long(text, sizeof(text), "device=", 4100, "\n");
        assert_int_equal(smsd_conf_get(&conf, "GSM1", "device", value, sizeof(value)), 0);
        assert_int_equal(strlen(value), 4095);
}

static void test_key_is_cut(void **state)
{
        char text[128];

        (void)state;
        for (unsigned blanks = 56; blanks <= 57; blanks++) {
                char value[16];
                (void)text_format(text, sizeof(text), "[GSM1]\ndevice%*sx=/dev/T1\n", (int)blanks, "");
                struct smsd_conf conf = {text, strlen(text)};
                int r = smsd_conf_get(&conf, "GSM1", "device", value, sizeof(value));
                assert_int_equal(r, blanks == 57 ? 0 : -ENOENT);
        }
}

struct list_row {
        const char *devices;
        const char *names; /* joined by blanks; NULL: -EINVAL */
};

static const struct list_row lists[] = {
    {"GSM1", "GSM1"},
    {" GSM1 ,\tGSM2 ", "GSM1 GSM2"},
    {"GSM1,", "GSM1"},
    {"GSM1,,GSM2", "GSM1"}, /* smsd ends the list there; smsd_conf_check() tells */
    {"GSM1, ,GSM2", "GSM1"},
    {"", ""},
    {",GSM1", ""},
    {"GSM1,GSM1", "GSM1 GSM1"},
    {"m-x.y_z", "m-x.y_z"},
    {"Default,all", "Default all"},
    {"? GSM1|GSM2", "GSM1"},
    {"GSM* 1-3", "GSM1 GSM2 GSM3"},
    {"GSM*1-3", "GSM1 GSM2 GSM3"},
    {"GSM*\t01 - 03", "GSM1 GSM2 GSM3"},
    {"GSM* 99-101", "GSM99 GSM100 GSM101"},
    {"* 1-2", "1 2"},
    {"GSM* 1-2,A,B* 7-7", "GSM1 GSM2 A B7"},
    {"aaaaaaaaaabbbbbbbbbbccccccccccd", "aaaaaaaaaabbbbbbbbbbccccccccccd"},
    {"aaaaaaaaaabbbbbbbbbbccccccccccde", NULL},
    {"GSM1,aaaaaaaaaabbbbbbbbbbccccccccccde", NULL},
    {"GSM1,                             GSM2", NULL}, /* blanks count for smsd */
    {"GSM1 GSM2", NULL},
    {"G+1", NULL},
    {"G\xc3\xa4", NULL},
    {"GSM1]", NULL},
    {"../x", NULL},
    {"default", NULL},
    {"ALL", NULL},
    {"modemname", NULL},
    {"communicate", NULL},
    {"queues", NULL},
    {"GSM*", NULL},
    {"GSM* 5", NULL},
    {"GSM* 3-1", NULL},
    {"GSM* 1-", NULL},
    {"GSM* -3", NULL},
    {"GSM* 1-3 x", NULL},
    {"GSM* 1-99999999999", NULL},
};

static void test_modems(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
                char text[256], names[8][SMSD_MODEM_NAME_MAX], joined[256] = "";
                (void)text_format(text, sizeof(text), "devices = %s\n", lists[i].devices);
                struct smsd_conf conf = {text, strlen(text)};
                int r = smsd_conf_modems(&conf, names, ARRAY_SIZE(names));
                for (int j = 0; j < r; j++)
                        (void)text_append(joined, sizeof(joined), "%s%s", j ? " " : "", names[j]);
                if (lists[i].names ? r < 0 || !text_equal(joined, lists[i].names) : r != -EINVAL)
                        fail_msg("%s: %d \"%s\"", lists[i].devices, r, joined);
        }
}

static void test_too_many_modems(void **state)
{
        char names[SMSD_MODEMS_MAX + 8][SMSD_MODEM_NAME_MAX];
        struct smsd_conf most = TEXT("devices=GSM* 1-64\n"), more = TEXT("devices=GSM* 1-65\n"),
                         none = TEXT("loglevel=7\n");

        (void)state;
        assert_int_equal(smsd_conf_modems(&most, names, ARRAY_SIZE(names)), 64);
        assert_string_equal(names[63], "GSM64");
        assert_int_equal(smsd_conf_modems(&more, names, ARRAY_SIZE(names)), -E2BIG);
        assert_int_equal(smsd_conf_modems(&most, names, 63), -E2BIG);
        assert_int_equal(smsd_conf_modems(&none, names, ARRAY_SIZE(names)), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_get_device),      cmocka_unit_test(test_global_part_ends_at_first_section),
            cmocka_unit_test(test_second_names),    cmocka_unit_test(test_group_names),
            cmocka_unit_test(test_value_must_fit),  cmocka_unit_test(test_long_lines),
            cmocka_unit_test(test_key_is_cut),      cmocka_unit_test(test_modems),
            cmocka_unit_test(test_too_many_modems),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
