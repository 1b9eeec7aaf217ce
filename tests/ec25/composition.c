/*
 * The compositions that the manual, kernel logs and users report, and a few devices that must not be taken
 * for the modem. The descriptors follow what a real kernel was shown: an ff/00/00 interface carries four CDC
 * functional descriptors, endpoint addresses are counted through.
 */
#include "ec25/composition.h"

#include "base/text.h"

#include <string.h>

#define DIAG(n)                                                                                              \
        {                                                                                                    \
                n, 0xff, 0xff, 0xff, "bo", "option", TTY_USB, EC25_DIAG                                      \
        }
#define NMEA(n)                                                                                              \
        {                                                                                                    \
                n, 0xff, 0x00, 0x00, "ibo", "option", TTY_USB, EC25_NMEA                                     \
        }
#define AT(n)                                                                                                \
        {                                                                                                    \
                n, 0xff, 0x00, 0x00, "ibo", "option", TTY_USB, EC25_AT                                       \
        }
#define MODEM(n)                                                                                             \
        {                                                                                                    \
                n, 0xff, 0x00, 0x00, "ibo", "option", TTY_USB, EC25_MODEM                                    \
        }
#define QMI(n)                                                                                               \
        {                                                                                                    \
                n, 0xff, 0xff, 0xff, "ibo", "qmi_wwan", TTY_NONE, EC25_PORTS                                 \
        }

/* The dummy serial that every unit carries: two modems collide in by-id. */
#define QUECTEL                                                                                              \
        .vendor = 0x2c7c, .product = 0x0125, .bcd = 0x0318, .device_class = 0xef, .manufacturer = "Quectel", \
        .description = "EC25-AF", .serial = "0123456789ABCDEF", .usb_serial_driver = "option1"

static const struct composition compositions[] = {
    {.name = "qmi", QUECTEL, .count = 5, .interfaces = {DIAG(0), NMEA(1), AT(2), MODEM(3), QMI(4)}},
    {.name = "ecm",
     QUECTEL,
     .count = 6,
     .interfaces = {DIAG(0),
                    NMEA(1),
                    AT(2),
                    MODEM(3),
                    {4, 0x02, 0x06, 0x00, "i", "cdc_ether", TTY_NONE, EC25_PORTS},
                    {5, 0x0a, 0x00, 0x00, "bo", "cdc_ether", TTY_NONE, EC25_PORTS}}},
    /* An old kernel binds option to the data interface too: a fifth, dead ttyUSB. */
    {.name = "ecm-old",
     QUECTEL,
     .count = 6,
     .interfaces = {DIAG(0),
                    NMEA(1),
                    AT(2),
                    MODEM(3),
                    {4, 0x02, 0x06, 0x00, "i", NULL, TTY_NONE, EC25_PORTS},
                    {5, 0x0a, 0x00, 0x00, "bo", "option", TTY_USB, EC25_PORTS}}},
    {.name = "rndis",
     QUECTEL,
     .count = 6,
     .interfaces = {{0, 0xe0, 0x01, 0x03, "i", "rndis_host", TTY_NONE, EC25_PORTS},
                    {1, 0x0a, 0x00, 0x00, "bo", "rndis_host", TTY_NONE, EC25_PORTS},
                    DIAG(2),
                    NMEA(3),
                    AT(4),
                    MODEM(5)}},
    {.name = "audio",
     QUECTEL,
     .count = 8,
     .interfaces = {DIAG(0),
                    NMEA(1),
                    AT(2),
                    MODEM(3),
                    QMI(4),
                    {5, 0x01, 0x01, 0x00, "", "snd-usb-audio", TTY_NONE, EC25_PORTS},
                    {6, 0x01, 0x02, 0x00, "", "snd-usb-audio", TTY_NONE, EC25_PORTS},
                    {7, 0x01, 0x02, 0x00, "", "snd-usb-audio", TTY_NONE, EC25_PORTS}}},
    /* Crashed: the ids of a modem, one interface, nobody home. */
    {.name = "qhsusb_bulk",
     .vendor = 0x2c7c,
     .product = 0x0125,
     .manufacturer = "Qualcomm CDMA Technologies MSM",
     .description = "QHSUSB__BULK",
     .usb_serial_driver = "option1",
     .count = 1,
     .interfaces = {{0, 0xff, 0xff, 0xff, "bo", "option", TTY_USB, EC25_PORTS}}},
    /* Emergency download mode. */
    {.name = "edl",
     .vendor = 0x05c6,
     .product = 0x9008,
     .manufacturer = "Qualcomm CDMA Technologies MSM",
     .description = "QHSUSB__BULK",
     .usb_serial_driver = "qcserial",
     .count = 1,
     .interfaces = {{0, 0xff, 0xff, 0xff, "bo", "qcserial", TTY_USB, EC25_PORTS}}},
    {.name = "simcom",
     .vendor = 0x1e0e,
     .product = 0x9001,
     .bcd = 0x0318,
     .manufacturer = "SimTech, Incorporated",
     .description = "SimTech, Incorporated",
     .serial = "0123456789ABCDEF",
     .modem_manufacturer = "SIMCOM INCORPORATED",
     .modem_model = "SIMCOM_SIM7600E-H",
     .usb_serial_driver = "option1",
     .count = 6,
     .interfaces = {DIAG(0),
                    NMEA(1),
                    AT(2),
                    MODEM(3),
                    {4, 0xff, 0x00, 0x00, "ibo", "option", TTY_USB, EC25_PORTS},
                    QMI(5)}},
    {.name = "samsung",
     .vendor = 0x04e8,
     .product = 0x6860,
     .bcd = 0x0400,
     .manufacturer = "SAMSUNG",
     .description = "SAMSUNG_Android",
     .serial = "R58M12ABCDE",
     .modem_manufacturer = "SAMSUNG",
     .modem_model = "SM-G973F",
     .count = 3,
     .interfaces = {{0, 0x06, 0x01, 0x01, "boi", NULL, TTY_NONE, EC25_PORTS},
                    {1, 0x02, 0x02, 0x01, "i", "cdc_acm", TTY_ACM, EC25_AT},
                    {2, 0x0a, 0x00, 0x00, "bo", "cdc_acm", TTY_NONE, EC25_PORTS}}},
    {.name = "ftdi",
     .vendor = 0x0403,
     .product = 0x6001,
     .bcd = 0x0600,
     .manufacturer = "FTDI",
     .description = "FT232R USB UART",
     .serial = "A6008isP",
     .usb_serial_driver = "ftdi_sio",
     .count = 1,
     .interfaces = {{0, 0xff, 0xff, 0xff, "bo", "ftdi_sio", TTY_USB, EC25_PORTS}}},
};

const struct composition *composition_at(size_t index)
{
        return index < ARRAY_SIZE(compositions) ? &compositions[index] : NULL;
}

const struct composition *composition_find(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(compositions); i++)
                if (text_equal(compositions[i].name, name))
                        return &compositions[i];
        return NULL;
}

struct writer {
        uint8_t *bytes;
        size_t length;
};

static void put(struct writer *writer, const uint8_t *bytes, size_t length)
{
        memcpy(writer->bytes + writer->length, bytes, length);
        writer->length += length;
}

static void put_endpoint(struct writer *writer, char kind, uint8_t address)
{
        const uint8_t bulk[] = {7, 5, address, 2, 0x00, 0x02, 0},
                      interrupt[] = {7, 5, address, 3, 0x0a, 0x00, 9};

        put(writer, kind == 'i' ? interrupt : bulk, 7);
}

/* Addresses are counted through the device; of the two IN endpoints of an interface the bulk one has the
 * lower. */
uint8_t composition_endpoint(const struct composition *composition, size_t interface, size_t endpoint)
{
        const char *endpoints = composition->interfaces[interface].endpoints;
        uint8_t in = 0x81, out = 0x01;

        for (size_t i = 0; i < interface; i++)
                for (const char *kind = composition->interfaces[i].endpoints; *kind; kind++)
                        *kind == 'o' ? out++ : in++;
        if (endpoints[endpoint] == 'o')
                return out;
        return (uint8_t)(in + (endpoints[endpoint] == 'i' && strchr(endpoints, 'b')));
}

/* Without these cdc_ether and cdc_acm do not bind: header, union with the next interface, then what the kind
 * has of its own. */
static void put_communication(struct writer *writer, const struct usb_interface *interface)
{
        const uint8_t number = interface->number, data = (uint8_t)(number + 1);
        const uint8_t common[] = {5, 0x24, 0, 0x10, 1, 5, 0x24, 6, number, data},
                      ethernet[] = {13, 0x24, 0x0f, COMPOSITION_MAC_STRING, 0, 0, 0, 0, 0xea, 0x05, 0, 0, 0},
                      modem[] = {5, 0x24, 1, 0, data, 4, 0x24, 2, 2};

        put(writer, common, sizeof(common));
        if (interface->subclass == 6)
                put(writer, ethernet, sizeof(ethernet));
        else
                put(writer, modem, sizeof(modem));
}

static void put_interface(struct writer *writer, const struct composition *composition, size_t index)
{
        static const uint8_t functional[] = {5, 0x24, 0, 0x10, 1, 5,    0x24, 1, 0, 0,
                                             4, 0x24, 2, 2,    5, 0x24, 6,    0, 0};
        const struct usb_interface *interface = &composition->interfaces[index];
        uint8_t endpoints = (uint8_t)strlen(interface->endpoints);
        const uint8_t header[] = {
            9, 4, interface->number, 0, endpoints, interface->class, interface->subclass, interface->protocol,
            0};

        put(writer, header, sizeof(header));
        if (interface->class == 0xff && interface->subclass == 0)
                put(writer, functional, sizeof(functional));
        if (interface->class == 0x02)
                put_communication(writer, interface);
        for (size_t i = 0; i < endpoints; i++)
                put_endpoint(writer, interface->endpoints[i], composition_endpoint(composition, index, i));
}

size_t composition_descriptors(const struct composition *composition,
                               uint8_t bytes[static COMPOSITION_DESCRIPTORS])
{
        const uint8_t device[] = {18,
                                  1,
                                  0x00,
                                  0x02,
                                  composition->device_class,
                                  0,
                                  0,
                                  64,
                                  (uint8_t)composition->vendor,
                                  (uint8_t)(composition->vendor >> 8),
                                  (uint8_t)composition->product,
                                  (uint8_t)(composition->product >> 8),
                                  (uint8_t)composition->bcd,
                                  (uint8_t)(composition->bcd >> 8),
                                  composition->manufacturer != NULL,
                                  composition->description ? 2 : 0,
                                  composition->serial ? 3 : 0,
                                  1};
        const uint8_t configuration[] = {9, 2, 0, 0, (uint8_t)composition->count, 1, 0, 0xa0, 0xfa};
        struct writer writer = {.bytes = bytes};

        put(&writer, device, sizeof(device));
        put(&writer, configuration, sizeof(configuration));
        for (size_t i = 0; i < composition->count; i++)
                put_interface(&writer, composition, i);
        bytes[20] = (uint8_t)(writer.length - 18);
        bytes[21] = (uint8_t)((writer.length - 18) >> 8);
        return writer.length;
}
