/*
 * A message that crashes the modem, see poison.h.
 */
#include "core/poison.h"

#include "base/text.h"

static const char *find_suspect(const char *modem, const struct poison_candidate *candidates, size_t n)
{
        const char *locked = NULL;
        bool any_lock = false;

        for (size_t i = 0; i < n; i++) {
                any_lock |= candidates[i].modem[0] != '\0';
                if (!text_equal(candidates[i].modem, modem))
                        continue;
                if (locked)
                        return NULL; /* a lock was left behind by an earlier life of smsd */
                locked = candidates[i].file;
        }
        return locked || any_lock || n != 1 ? locked : candidates[0].file;
}

static struct poison_suspect *entry_of(struct poison *poison, const char *modem)
{
        for (unsigned i = 0; i < poison->n; i++)
                if (text_equal(poison->suspects[i].modem, modem))
                        return &poison->suspects[i];
        if (poison->n == SMSD_MODEMS_MAX)
                return NULL;
        struct poison_suspect *entry = &poison->suspects[poison->n];
        if (text_copy(entry->modem, sizeof(entry->modem), modem) < 0)
                return NULL;
        poison->n++;
        entry->file[0] = '\0';
        return entry;
}

bool poison_crash(struct poison *poison, const char *modem, const struct poison_candidate *candidates,
                  size_t n, char *ret_file, size_t size)
{
        const char *suspect = find_suspect(modem, candidates, n);
        struct poison_suspect *entry = entry_of(poison, modem);

        if (!entry)
                return false;
        bool again = suspect && text_equal(suspect, entry->file);
        /* Once it is told it lies elsewhere; a cut name would accuse another file. */
        if (again || !suspect || text_copy(entry->file, sizeof(entry->file), suspect) < 0)
                entry->file[0] = '\0';
        return again && text_copy(ret_file, size, suspect) == 0;
}
