/* Whose network interface is whose, and where the default route goes: made-up /sys and /proc. */
#include "adapters/usb_network.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include "../temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#include <cmocka.h>

static int setup(void **state)
{
        char *root = strdup("/tmp/test-usb-network-XXXXXX");

        assert_non_null(root);
        assert_non_null(mkdtemp(root));
        *state = root;
        return 0;
}

static int teardown(void **state)
{
        temp_folder_remove(*state);
        free(*state);
        return 0;
}

static void put(const char *root, const char *name, const char *text, size_t length)
{
        char path[PATH_MAX];

        assert_int_equal(text_format(path, sizeof(path), "%s/%s", root, name), 0);
        temp_folder_make_parents(path);
        assert_int_equal(file_replace(path, text, length, 0644), 0);
}

static void make_folder(const char *root, const char *name)
{
        char path[PATH_MAX];

        assert_int_equal(text_format(path, sizeof(path), "%s/%s/", root, name), 0);
        temp_folder_make_parents(path);
}

static void test_interfaces(void **state)
{
        static const char *const folders[] = {
            "bus/usb/devices/1-1.2/1-1.2:1.4/net/wwan0",
            "bus/usb/devices/1-1.2/1-1.2:1.2/ttyUSB2",
            "bus/usb/devices/1-1.2/power",
            "bus/usb/devices/1-1.2/1-1.20:1.0/net/other0",
            "bus/usb/devices/1-1.2/1-1.2/net/other1",
            "bus/usb/devices/1-1.3/1-1.3:1.0/net/eth0",
            "class/net/wwan0/upper_qmimux0",
            "class/net/wwan0/queues",
            "class/net/qmimux0/upper_br0",
            "class/net/br0/upper_wwan0",
            "class/net/eth0/upper_br1",
            "bus/usb/devices/1-1.4",
        };
        const char *root = *state;
        struct usb_networks networks;

        for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
                make_folder(root, folders[i]);
        assert_int_equal(usb_network_find(root, "1-1.2", &networks), 0);
        assert_int_equal(networks.n, 3);
        assert_string_equal(networks.names[0], "wwan0");
        assert_string_equal(networks.names[1], "qmimux0");
        assert_string_equal(networks.names[2], "br0");
        assert_int_equal(usb_network_find(root, "1-1.4", &networks), 0);
        assert_int_equal(networks.n, 0);
        assert_int_equal(usb_network_find(root, "1-1.5", &networks), -ENODEV);
        assert_int_equal(usb_network_find(root, "1-1.2/..", &networks), -EINVAL);
        assert_int_equal(usb_network_find(root, "usb1", &networks), -EINVAL);
}

static void test_too_many_interfaces(void **state)
{
        const char *root = *state;
        struct usb_networks networks;
        char name[128];

        for (unsigned i = 0; i < 40; i++) {
                (void)text_format(name, sizeof(name), "bus/usb/devices/1-1/1-1:1.4/net/wwan%u", i);
                make_folder(root, name);
        }
        make_folder(root, "bus/usb/devices/1-1/1-1:1.4/net/a name");
        make_folder(root, "bus/usb/devices/1-1/1-1:1.4/net/sixteencharacter");
        assert_int_equal(usb_network_find(root, "1-1", &networks), 0);
        assert_int_equal(networks.n, USB_NETWORKS_MAX);
        for (unsigned i = 0; i < networks.n; i++)
                assert_true(text_starts_with(networks.names[i], "wwan"));
}

#define HEAD4 "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT   \n"
#define V4(name, destination, flags, metric, mask)                                                           \
        name "\t" destination "\t0102A8C0\t" flags "\t0\t0\t" metric "\t" mask "\t0\t0\t0   \n"
#define DEFAULT4(name, metric) V4(name, "00000000", "0003", metric, "00000000")
#define ZEROS                  "00000000000000000000000000000000"
#define V6(destination, length, metric, flags, name)                                                         \
        destination " " length " " ZEROS " 00 fe800000000000000000000000000001 " metric                      \
                    " 00000001 00000000 " flags " " name "\n"
#define LO6 V6(ZEROS, "00", "ffffffff", "00200200", "      lo")

static void test_default_route(void **state)
{
        static const struct {
                const char *ipv4, *ipv6;
                int expected;
        } cases[] = {
            {NULL, NULL, -ENOENT},
            {"", NULL, 0},
            {NULL, LO6, 0},
            {HEAD4 DEFAULT4("wwan0", "0"), LO6, 1},
            {HEAD4 DEFAULT4("eth0", "0"), LO6, 0},
            {HEAD4 DEFAULT4("eth0", "0") V4("wwan0", "0000FEA9", "0001", "0", "0000FFFF"), LO6, 0},
            /* The lowest metric carries it; equal ones share it. */
            {HEAD4 DEFAULT4("eth0", "100") DEFAULT4("wwan0", "700"), LO6, 0},
            {HEAD4 DEFAULT4("wwan0", "700") DEFAULT4("eth0", "100"), LO6, 0},
            {HEAD4 DEFAULT4("eth0", "700") DEFAULT4("wwan0", "100"), LO6, 1},
            {HEAD4 DEFAULT4("wwan0", "100") DEFAULT4("eth0", "100"), LO6, 1},
            {HEAD4 DEFAULT4("eth0", "100") DEFAULT4("wwan0", "100") DEFAULT4("eth1", "100"), LO6, 1},
            /* Half of everything is no default route. */
            {HEAD4 V4("wwan0", "00000000", "0001", "0", "00000080"), LO6, 0},
            /* Down; reject. */
            {HEAD4 V4("wwan0", "00000000", "0002", "0", "00000000"), LO6, 0},
            {HEAD4 V4("wwan0", "00000000", "0201", "0", "00000000"), LO6, 0},
            {HEAD4, V6(ZEROS, "00", "00000400", "00000003", "   wwan0"), 1},
            {HEAD4, V6(ZEROS, "00", "00000400", "00000003", "    eth0"), 0},
            {HEAD4, V6(ZEROS, "40", "00000400", "00000003", "   wwan0"), 0},
            {HEAD4, V6("20000000000000000000000000000000", "00", "00000400", "00000003", "   wwan0"), 0},
            {HEAD4,
             V6(ZEROS, "00", "00000400", "00000003", "    eth0")
                 V6(ZEROS, "00", "00000064", "00000003", "   wwan0"),
             1},
            {HEAD4,
             V6(ZEROS, "00", "0000000a", "00000003", "    eth0")
                 V6(ZEROS, "00", "00000064", "00000003", "   wwan0"),
             0},
            /* One family is enough. */
            {HEAD4 DEFAULT4("wwan0", "0"), V6(ZEROS, "00", "00000400", "00000003", "    eth0"), 1},
            /* Not quite a table. */
            {"wwan0", "wwan0", 0},
            {HEAD4 "wwan0\t00000000\n", LO6, 0},
            {HEAD4 "wwan0\t-0\t0\t0003\t0\t0\t0\t-0\t0\t0\t0\n", LO6, 0},
            {HEAD4 "wwan0\t0x0\t0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", LO6, 0},
            {HEAD4 V4("wwan0", "00000000", "0003", "99999999999", "00000000"), LO6, 0},
            {HEAD4 V4("wwan0", "100000000", "0003", "0", "00000000"), LO6, 0},
            {HEAD4 DEFAULT4("wwan0wwan0wwan0wwan0", "0"), LO6, 0},
            {"\n\n\t\t\n \n", "\n", 0},
        };
        const struct usb_networks ours = {.n = 1, .names = {"wwan0"}}, none = {0};
        const char *root = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                temp_folder_remove(root);
                make_folder(root, "net");
                if (cases[i].ipv4)
                        put(root, "net/route", cases[i].ipv4, strlen(cases[i].ipv4));
                if (cases[i].ipv6)
                        put(root, "net/ipv6_route", cases[i].ipv6, strlen(cases[i].ipv6));
                int r = usb_network_has_default_route(root, &ours);
                if (r != cases[i].expected)
                        print_message("case %zu\n", i);
                assert_int_equal(r, cases[i].expected);
                if (cases[i].expected >= 0)
                        assert_int_equal(usb_network_has_default_route(root, &none), 0);
        }
}

/* A line without end hides none behind it, and is not cut into lines of its own. */
static void test_endless_line(void **state)
{
        static const char tail[] = "\n" DEFAULT4("wwan0", "5");
        const struct usb_networks ours = {.n = 1, .names = {"wwan0"}}, fake = {.n = 1, .names = {"fake"}};
        const char *root = *state;
        size_t size = 3 << 20;
        char *text = malloc(size + sizeof(tail));

        assert_non_null(text);
        for (size_t i = 0; i < size; i++)
                text[i] = "fake 00000000 0 0003 0 0 0 00000000 "[i % 36];
        (void)memcpy(text + size, tail, sizeof(tail));
        put(root, "net/route", text, size + sizeof(tail) - 1);
        assert_int_equal(usb_network_has_default_route(root, &ours), 1);
        assert_int_equal(usb_network_has_default_route(root, &fake), 0);
        free(text);
}

/* The box's own tables can be read at least. */
static void test_real_tables(void **state)
{
        const struct usb_networks none = {0};
        (void)state;

        if (access("/proc/net/route", R_OK) < 0)
                skip();
        assert_int_equal(usb_network_has_default_route(NULL, &none), 0);
}

int main(void)
{
#define with_root(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        const struct CMUnitTest tests[] = {
            with_root(test_interfaces),   with_root(test_too_many_interfaces), with_root(test_default_route),
            with_root(test_endless_line), with_root(test_real_tables),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
