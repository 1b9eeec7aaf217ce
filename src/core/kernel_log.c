/*
 * The kernel's lines about USB errors and undervoltage, and how many of them there were lately, see
 * core/kernel_log.h. The words are those of drivers/usb/core/hub.c, usbnet, usb-serial, rpi_volt's hwmon and
 * the Raspberry Pi's firmware driver.
 */
#include "core/kernel_log.h"

#include "base/parse.h"
#include "base/text.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#define FACILITY_SHIFT 3 /* of the number in front: what is left of it is 0 for the kernel itself */
#define MESSAGE_MAX    256

/* Digits, a dash, digits parted by dots: "1-1.2". */
static bool is_usb_path(const char *text)
{
        const char *p = text + strspn(text, "0123456789");

        if (p == text || *p++ != '-')
                return false;
        for (;; p++) {
                size_t digits = strspn(p, "0123456789");
                p += digits;
                if (digits == 0 || (*p != '\0' && *p != '.'))
                        return false;
                if (*p == '\0')
                        return true;
        }
}

/* "1-1.2", "1-1.2:1.4" (an interface), "1-1-port2" and "usb1-port2" (a port of a hub, of a root hub) to the
 * device's path. False: none of these. */
static bool take_place(char usb[USB_PATH_MAX], const char *place, size_t length)
{
        char text[2 * USB_PATH_MAX], path[2 * USB_PATH_MAX];

        if (text_copy_n(text, sizeof(text), place, length) < 0)
                return false;
        text[strcspn(text, ":")] = '\0';
        char *port = strstr(text, "-port");
        if (port) {
                *port = '\0';
                bool root = text_starts_with(text, "usb");
                (void)text_format(path, sizeof(path), "%s%s%s", text + (root ? 3 : 0), root ? "-" : ".",
                                  port + strlen("-port"));
        } else {
                (void)text_copy(path, sizeof(path), text);
        }
        return strlen(path) < USB_PATH_MAX && is_usb_path(path) && text_copy(usb, USB_PATH_MAX, path) >= 0;
}

/* "-71" that is no part of another number or name. */
static bool says_error(const char *message, const char *number)
{
        size_t length = strlen(number);

        for (const char *p = message; (p = strstr(p, number)); p += length)
                if (p > message && !isalnum((unsigned char)p[-1]) && !isalnum((unsigned char)p[length]))
                        return true;
        return false;
}

static void take_usb_error(const char *message, struct kernel_line *line)
{
        const char *place = message + strcspn(message, " ");
        int error = says_error(message, "-71") ? 71 : says_error(message, "-110") ? 110 : 0;

        place += *place == ' ';
        if (error == 0 || !take_place(line->usb, place, strcspn(place, " ")))
                return;
        line->kind = KERNEL_USB_ERROR;
        line->error = error;
}

/* "Under-voltage detected! (0x00050005)" of older kernels, "hwmon hwmon1: Undervoltage detected!" of newer
 * ones. */
static enum kernel_line_kind voltage_kind(const char *message)
{
        if (strstr(message, "nder-voltage detected") || strstr(message, "ndervoltage detected"))
                return KERNEL_UNDERVOLTAGE;
        return strstr(message, "oltage normalised") ? KERNEL_VOLTAGE_NORMAL : KERNEL_OTHER;
}

void kernel_message_parse(const char *message, size_t length, struct kernel_line *ret_line)
{
        char text[MESSAGE_MAX];

        *ret_line = (struct kernel_line){.kind = KERNEL_OTHER};
        const char *end = memchr(message, '\n', length); /* behind it stand words about the device */
        text_sanitize(text, sizeof(text), message, end ? (size_t)(end - message) : length);
        ret_line->kind = voltage_kind(text);
        if (ret_line->kind == KERNEL_OTHER)
                take_usb_error(text, ret_line);
}

/* The number in front of the head says who wrote it. */
static bool is_kernels_own(const char *head, size_t length)
{
        const char *comma = memchr(head, ',', length);
        char number[16];
        unsigned priority;

        return text_copy_n(number, sizeof(number), head, comma ? (size_t)(comma - head) : length) >= 0 &&
               parse_unsigned(number, 0, UINT_MAX, &priority) >= 0 && priority >> FACILITY_SHIFT == 0;
}

void kernel_line_parse(const char *record, size_t length, struct kernel_line *ret_line)
{
        const char *head_end = memchr(record, ';', length);

        *ret_line = (struct kernel_line){.kind = KERNEL_OTHER};
        if (!head_end || !is_kernels_own(record, (size_t)(head_end - record)))
                return;
        kernel_message_parse(head_end + 1, length - (size_t)(head_end + 1 - record), ret_line);
}

/* --- what one look brings --- */

static unsigned errors_at(const struct kernel_lines *lines, const char *usb)
{
        unsigned n = 0;

        for (unsigned i = 0; i < lines->n; i++)
                n += text_equal(lines->errors[i].usb, usb);
        return n;
}

void kernel_lines_take(struct kernel_lines *lines, const struct kernel_line *line)
{
        if (line->kind == KERNEL_UNDERVOLTAGE || line->kind == KERNEL_VOLTAGE_NORMAL)
                lines->voltage = *line;
        else if (line->kind == KERNEL_USB_ERROR && lines->n < KERNEL_LINES_MAX &&
                 errors_at(lines, line->usb) < KERNEL_ERRORS_MAX)
                lines->errors[lines->n++] = *line;
}

/* --- what was said lately --- */

static bool is_recent(usec_t at, usec_t now)
{
        return at != 0 && usec_sub(now, at) < KERNEL_LOG_WINDOW;
}

static usec_t last_error(const struct kernel_port *port)
{
        return port->at[(port->next + KERNEL_ERRORS_MAX - 1) % KERNEL_ERRORS_MAX];
}

/* The port's place, else an empty one, else that of the port which has been calm for longest. */
static struct kernel_port *place_of(struct kernel_trouble *trouble, const char *usb)
{
        struct kernel_port *place = &trouble->ports[0];

        for (unsigned i = 0; i < KERNEL_PORTS_MAX; i++) {
                if (text_equal(trouble->ports[i].usb, usb))
                        return &trouble->ports[i];
                if (last_error(&trouble->ports[i]) < last_error(place))
                        place = &trouble->ports[i];
        }
        *place = (struct kernel_port){0};
        (void)text_copy(place->usb, sizeof(place->usb), usb);
        return place;
}

void kernel_trouble_take(struct kernel_trouble *trouble, const struct kernel_line *line, usec_t now)
{
        struct kernel_port *port;

        switch (line->kind) {
        case KERNEL_USB_ERROR:
                port = place_of(trouble, line->usb);
                port->error = line->error;
                port->at[port->next] = now;
                port->next = (port->next + 1) % KERNEL_ERRORS_MAX;
                break;
        case KERNEL_UNDERVOLTAGE:
        case KERNEL_VOLTAGE_NORMAL:
                trouble->undervoltage = line->kind == KERNEL_UNDERVOLTAGE;
                trouble->undervoltage_at = now;
                break;
        case KERNEL_OTHER:
                break;
        }
}

unsigned kernel_trouble_errors(const struct kernel_trouble *trouble, const char *usb, usec_t now,
                               int *ret_error)
{
        unsigned n = 0;

        for (unsigned i = 0; i < KERNEL_PORTS_MAX && usb[0]; i++) {
                const struct kernel_port *port = &trouble->ports[i];
                if (!text_equal(port->usb, usb))
                        continue;
                for (unsigned k = 0; k < KERNEL_ERRORS_MAX; k++)
                        n += is_recent(port->at[k], now);
                if (n > 0)
                        *ret_error = port->error;
        }
        return n;
}

bool kernel_trouble_undervoltage(const struct kernel_trouble *trouble, usec_t now)
{
        return trouble->undervoltage || is_recent(trouble->undervoltage_at, now);
}
