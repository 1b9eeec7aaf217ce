/*
 * A table of requests by type and number. What is not in it stalls, as with the real device: CDC encapsulated
 * commands too (QMI and RNDIS have nobody behind them here, and a stall tells the driver so at once).
 */
#include "ec25/usb_control.h"

#include "base/cleanup.h"

#include <string.h>

enum { DESCRIPTOR_DEVICE = 1, DESCRIPTOR_CONFIGURATION, DESCRIPTOR_STRING, DESCRIPTOR_QUALIFIER = 6 };
enum { FEATURE_ENDPOINT_HALT = 0, FEATURE_REMOTE_WAKEUP = 1 };

#define DEVICE_LENGTH 18

struct setup {
        uint16_t value, index;
        const uint8_t *data;
        size_t length;
        uint8_t *reply;
};

static uint16_t get16(const uint8_t *bytes)
{
        return (uint16_t)(bytes[0] | bytes[1] << 8);
}

int usb_endpoint_find(const struct composition *composition, uint8_t address, size_t *ret_interface)
{
        for (size_t i = 0; i < composition->count; i++)
                for (size_t k = 0; composition->interfaces[i].endpoints[k]; k++)
                        if (composition_endpoint(composition, i, k) == address) {
                                *ret_interface = i;
                                return 0;
                        }
        return -ENOENT;
}

static int interface_find(const struct composition *composition, uint16_t number)
{
        for (size_t i = 0; i < composition->count; i++)
                if (composition->interfaces[i].number == number)
                        return (int)i;
        return -EPIPE;
}

/* -- descriptors -- */

static int device_descriptor(const struct composition *composition, uint8_t *reply)
{
        uint8_t all[COMPOSITION_DESCRIPTORS];

        (void)composition_descriptors(composition, all);
        memcpy(reply, all, DEVICE_LENGTH);
        return DEVICE_LENGTH;
}

static int configuration_descriptor(const struct composition *composition, uint8_t *reply)
{
        uint8_t all[COMPOSITION_DESCRIPTORS];
        size_t length = composition_descriptors(composition, all) - DEVICE_LENGTH;

        memcpy(reply, all + DEVICE_LENGTH, length);
        return (int)length;
}

/* What the device would be at the other speed: the same, and no second configuration. */
static int qualifier(const struct composition *composition, uint8_t *reply)
{
        const uint8_t bytes[] = {10, DESCRIPTOR_QUALIFIER, 0x00, 0x02, composition->device_class, 0, 0, 64, 1,
                                 0};

        memcpy(reply, bytes, sizeof(bytes));
        return sizeof(bytes);
}

/* UTF-16, a unit per byte. The last is the address of the network interface (COMPOSITION_MAC_STRING). */
static int string_descriptor(const struct composition *composition, uint8_t index, uint8_t *reply)
{
        const char *const texts[] = {NULL, composition->manufacturer, composition->description,
                                     composition->serial, "026B5C8F2D01"};
        size_t length = 0;

        if (index == 0) {
                memcpy(reply, (const uint8_t[]){4, DESCRIPTOR_STRING, 0x09, 0x04}, 4);
                return 4;
        }
        if (index >= ARRAY_SIZE(texts) || !texts[index])
                return -EPIPE;
        for (const char *text = texts[index]; text[length] && length < 126; length++) {
                reply[2 + 2 * length] = (uint8_t)text[length];
                reply[3 + 2 * length] = 0;
        }
        reply[0] = (uint8_t)(2 + 2 * length);
        reply[1] = DESCRIPTOR_STRING;
        return reply[0];
}

static int get_descriptor(struct usb_control *control, const struct setup *setup)
{
        uint8_t index = (uint8_t)setup->value;

        switch (setup->value >> 8) {
        case DESCRIPTOR_DEVICE:
                return device_descriptor(control->composition, setup->reply);
        case DESCRIPTOR_CONFIGURATION:
                return index == 0 ? configuration_descriptor(control->composition, setup->reply) : -EPIPE;
        case DESCRIPTOR_STRING:
                return string_descriptor(control->composition, index, setup->reply);
        case DESCRIPTOR_QUALIFIER:
                return qualifier(control->composition, setup->reply);
        default:
                return -EPIPE; /* also the other speed, and BOS: this is USB 2.0 */
        }
}

/* -- the state of the device -- */

static int set_configuration(struct usb_control *control, const struct setup *setup)
{
        if (setup->value > 1)
                return -EPIPE;
        control->configuration = (uint8_t)setup->value;
        memset(control->halted, 0, sizeof(control->halted));
        memset(control->lines, 0, sizeof(control->lines));
        return 0;
}

static int get_configuration(struct usb_control *control, const struct setup *setup)
{
        setup->reply[0] = control->configuration;
        return 1;
}

/* There is one setting for each interface. */
static int set_interface(struct usb_control *control, const struct setup *setup)
{
        int interface = interface_find(control->composition, setup->index);

        return interface < 0 || setup->value != 0 || !control->configuration ? -EPIPE : 0;
}

static int get_interface(struct usb_control *control, const struct setup *setup)
{
        if (interface_find(control->composition, setup->index) < 0 || !control->configuration)
                return -EPIPE;
        setup->reply[0] = 0;
        return 1;
}

static int reply_status(const struct setup *setup, bool bit, unsigned shift)
{
        setup->reply[0] = (uint8_t)(bit << shift);
        setup->reply[1] = 0;
        return 2;
}

static int device_status(struct usb_control *control, const struct setup *setup)
{
        return reply_status(setup, control->wakeup, 1);
}

static int interface_status(struct usb_control *control, const struct setup *setup)
{
        return interface_find(control->composition, setup->index) < 0 ? -EPIPE
                                                                      : reply_status(setup, false, 0);
}

static bool endpoint_exists(const struct usb_control *control, uint16_t address)
{
        size_t interface;

        return address <= 0xff &&
               ((address & 0x7f) == 0 ||
                usb_endpoint_find(control->composition, (uint8_t)address, &interface) == 0);
}

bool usb_control_is_halted(const struct usb_control *control, uint8_t address)
{
        return control->halted[address >> 7] >> (address & 0x0f) & 1;
}

static int endpoint_status(struct usb_control *control, const struct setup *setup)
{
        if (!endpoint_exists(control, setup->index))
                return -EPIPE;
        return reply_status(setup, usb_control_is_halted(control, (uint8_t)setup->index), 0);
}

static int set_wakeup(struct usb_control *control, const struct setup *setup, bool on)
{
        if (setup->value != FEATURE_REMOTE_WAKEUP)
                return -EPIPE;
        control->wakeup = on;
        return 0;
}

static int clear_device_feature(struct usb_control *control, const struct setup *setup)
{
        return set_wakeup(control, setup, false);
}

static int set_device_feature(struct usb_control *control, const struct setup *setup)
{
        return set_wakeup(control, setup, true);
}

static int set_halt(struct usb_control *control, const struct setup *setup, bool on)
{
        if (setup->value != FEATURE_ENDPOINT_HALT || !endpoint_exists(control, setup->index))
                return -EPIPE;
        uint16_t bit = (uint16_t)(1u << (setup->index & 0x0f)), *halted = &control->halted[setup->index >> 7];
        if ((setup->index & 0x7f) == 0)
                return 0; /* endpoint 0 has no halt that would last */
        *halted = (uint16_t)(on ? *halted | bit : *halted & ~bit);
        return 0;
}

static int clear_endpoint_feature(struct usb_control *control, const struct setup *setup)
{
        return set_halt(control, setup, false);
}

static int set_endpoint_feature(struct usb_control *control, const struct setup *setup)
{
        return set_halt(control, setup, true);
}

/* -- CDC ACM, which option speaks too -- */

static int set_line_state(struct usb_control *control, const struct setup *setup)
{
        int interface = interface_find(control->composition, setup->index);

        if (interface < 0)
                return -EPIPE;
        control->lines[interface] = setup->value & 3;
        return 0;
}

static int set_line_coding(struct usb_control *control, const struct setup *setup)
{
        int interface = interface_find(control->composition, setup->index);

        if (interface < 0 || setup->length != sizeof(control->coding[0]))
                return -EPIPE;
        memcpy(control->coding[interface], setup->data, setup->length);
        return 0;
}

static int get_line_coding(struct usb_control *control, const struct setup *setup)
{
        int interface = interface_find(control->composition, setup->index);

        if (interface < 0)
                return -EPIPE;
        memcpy(setup->reply, control->coding[interface], sizeof(control->coding[0]));
        return sizeof(control->coding[0]);
}

static int swallow(struct usb_control *control, const struct setup *setup)
{
        (void)control;
        (void)setup;
        return 0;
}

static const struct {
        uint8_t type, number;
        int (*handler)(struct usb_control *control, const struct setup *setup);
} requests[] = {
    {0x80, 0, device_status},        {0x81, 0, interface_status},       {0x82, 0, endpoint_status},
    {0x00, 1, clear_device_feature}, {0x02, 1, clear_endpoint_feature}, {0x00, 3, set_device_feature},
    {0x02, 3, set_endpoint_feature}, {0x80, 6, get_descriptor},         {0x80, 8, get_configuration},
    {0x00, 9, set_configuration},    {0x81, 10, get_interface},         {0x01, 11, set_interface},
    {0x21, 0x20, set_line_coding},   {0xa1, 0x21, get_line_coding},     {0x21, 0x22, set_line_state},
    {0x21, 0x23, swallow}, /* SEND_BREAK */
};

static int answer(struct usb_control *control, uint8_t type, uint8_t number, const struct setup *setup)
{
        for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
                if (requests[i].type == type && requests[i].number == number)
                        return requests[i].handler(control, setup);
        return type == 0x40 ? 0 : -EPIPE; /* a vendor's orders (ftdi_sio gives some) are swallowed */
}

int usb_control(struct usb_control *control, const uint8_t setup[static USB_SETUP], const uint8_t *data,
                size_t length, uint8_t reply[static USB_CONTROL_REPLY])
{
        const struct setup fields = {.value = get16(setup + 2),
                                     .index = get16(setup + 4),
                                     .data = data,
                                     .length = length,
                                     .reply = reply};
        int r = answer(control, setup[0], setup[1], &fields);

        return r > get16(setup + 6) ? get16(setup + 6) : r;
}
