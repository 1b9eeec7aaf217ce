/*
 * Tables of modem families, see core/profile.h: which profile a device or a name gets. Nothing is decided
 * about ports: that is port_role.c. What a profile's file may say is profile_set.c.
 */
#include "core/profile.h"

#include "base/text.h"
#include "core/config.h"
#include "core/config_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct profile_table *or_builtin(const struct profile_table *table)
{
        return table ? table : profile_table_builtin();
}

struct profile_table *profile_table_new(void)
{
        return calloc(1, sizeof(struct profile_table) + PROFILES_MAX * sizeof(struct profile));
}

struct profile_table *profile_table_copy(const struct profile_table *table)
{
        size_t size = sizeof(*table) + table->n * sizeof(table->items[0]);
        struct profile_table *copy = malloc(size);

        if (copy)
                memcpy(copy, table, size);
        return copy;
}

static bool ids_equal(const struct profile *a, const struct profile *b)
{
        for (unsigned i = 0; i < a->n_ids; i++)
                if (a->ids[i].vendor != b->ids[i].vendor || a->ids[i].product != b->ids[i].product ||
                    a->ids[i].any_product != b->ids[i].any_product)
                        return false;
        return true;
}

static bool settings_equal(const struct profile *a, const struct profile *b)
{
        for (unsigned i = 0; i < a->n_settings; i++)
                if (!text_equal(a->settings[i].key, b->settings[i].key) ||
                    !text_equal(a->settings[i].value, b->settings[i].value))
                        return false;
        return true;
}

static bool profile_equal(const struct profile *a, const struct profile *b)
{
        return text_equal(a->name, b->name) && text_equal(a->description, b->description) &&
               a->own == b->own && a->rule == b->rule && a->needs_class == b->needs_class &&
               a->preference == b->preference && a->boot_timeout == b->boot_timeout &&
               a->health_port == b->health_port && a->ladder == b->ladder && a->n_ids == b->n_ids &&
               a->n_settings == b->n_settings && ids_equal(a, b) && settings_equal(a, b);
}

bool profile_table_equal(const struct profile_table *a, const struct profile_table *b)
{
        a = or_builtin(a);
        b = or_builtin(b);
        if (a->n != b->n)
                return false;
        for (unsigned i = 0; i < a->n; i++)
                if (!profile_equal(&a->items[i], &b->items[i]))
                        return false;
        return true;
}

static void remove_at(struct profile_table *table, unsigned i)
{
        table->n--;
        memmove(&table->items[i], &table->items[i + 1], (table->n - i) * sizeof(table->items[0]));
}

int profile_table_add(struct profile_table *table, const struct profile *profile)
{
        unsigned place = 0;

        for (unsigned i = 0; i < table->n; i++) {
                if (!text_equal(table->items[i].name, profile->name))
                        continue;
                if (table->items[i].own == profile->own) {
                        table->items[i] = *profile;
                        return 0;
                }
                remove_at(table, i);
                break;
        }
        if (table->n == PROFILES_MAX)
                return -E2BIG;
        while (place < table->n && (table->items[place].own || !profile->own))
                place++;
        memmove(&table->items[place + 1], &table->items[place], (table->n - place) * sizeof(table->items[0]));
        table->items[place] = *profile;
        table->n++;
        return 0;
}

static bool same_id(const struct profile_usb_id *a, const struct profile_usb_id *b)
{
        return a->vendor == b->vendor && a->any_product == b->any_product && a->product == b->product;
}

/* An id that both claim, for devices of the same class; NULL: none. */
static const struct profile_usb_id *common_id(const struct profile *a, const struct profile *b)
{
        if (a->needs_class != b->needs_class)
                return NULL;
        for (unsigned i = 0; i < a->n_ids; i++)
                for (unsigned j = 0; j < b->n_ids; j++)
                        if (same_id(&a->ids[i], &b->ids[j]))
                                return &a->ids[i];
        return NULL;
}

int profile_table_check(const struct profile_table *table, const char **ret_name,
                        struct config_error *ret_error)
{
        for (unsigned i = 0; i < table->n; i++)
                for (unsigned j = 0; j < i; j++) {
                        const struct profile *a = &table->items[j], *b = &table->items[i];
                        const struct profile_usb_id *id = a->own && b->own ? common_id(b, a) : NULL;
                        if (!id)
                                continue;
                        *ret_name = b->name;
                        return config_fail(
                            ret_error, -EINVAL,
                            "[profile] usb: the id %04x:%04x%s is in %s.ini too; remove it from one of them",
                            id->vendor, id->product, id->any_product ? " (all products)" : "", a->name);
                }
        return 0;
}

const struct profile *profile_by_name(const struct profile_table *table, const char *name)
{
        table = or_builtin(table);
        for (unsigned i = 0; i < table->n; i++)
                if (text_equal(table->items[i].name, name))
                        return &table->items[i];
        return NULL;
}

static bool has_acm(const struct usb_device *device)
{
        for (unsigned i = 0; i < device->n_interfaces && i < USB_INTERFACES_MAX; i++)
                if (device->interfaces[i].class == 0x02 && device->interfaces[i].subclass == 0x02)
                        return true;
        return false;
}

enum fit { FIT_NOT, FIT_VENDOR, FIT_PRODUCT };

static enum fit fit_of(const struct profile *profile, const struct usb_device *device)
{
        enum fit best = FIT_NOT;

        for (unsigned i = 0; i < profile->n_ids; i++) {
                const struct profile_usb_id *id = &profile->ids[i];
                if (id->vendor != device->vendor)
                        continue;
                if (!id->any_product && id->product == device->product)
                        best = FIT_PRODUCT;
                else if (id->any_product && best == FIT_NOT)
                        best = FIT_VENDOR;
        }
        if (best != FIT_NOT && profile->needs_class == PROFILE_CLASS_CDC_ACM && !has_acm(device))
                return FIT_NOT;
        return best;
}

const struct profile *profile_for_device(const struct profile_table *table, const struct usb_device *device)
{
        const struct profile *found = NULL;
        enum fit best = FIT_NOT;

        table = or_builtin(table);
        for (unsigned i = 0; i < table->n; i++) {
                enum fit fit = fit_of(&table->items[i], device);
                if (fit <= best)
                        continue;
                best = fit;
                found = &table->items[i];
        }
        return found;
}

const struct profile *profile_choose(const struct profile_table *table, const char *name,
                                     const struct usb_device *device)
{
        const struct profile *named = text_equal(name, "auto") ? NULL : profile_by_name(table, name);

        return named ? named : profile_for_device(table, device);
}

const struct profile *profile_at(const struct profile_table *table, size_t index)
{
        table = or_builtin(table);
        return index < table->n ? &table->items[index] : NULL;
}
