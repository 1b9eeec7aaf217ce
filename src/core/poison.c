/*
 * A message that crashes the modem, see poison.h.
 */
#include "core/poison.h"

#include "base/text.h"

#include <string.h>

static uint64_t hash_of(const char *file)
{
        uint64_t hash = text_hash(file, strlen(file));

        return hash ? hash : 1; /* 0 is nobody */
}

/* False: none, or a lock was left behind by an earlier life of smsd. */
static bool find_locked(const char *modem, const struct message_item *items, size_t n, size_t *ret_index)
{
        size_t found = 0;

        for (size_t i = 0; i < n; i++)
                if (items[i].locked && text_equal(items[i].locked_by, modem)) {
                        found++;
                        *ret_index = i;
                }
        return found == 1;
}

enum poison_judgement poison_crash(struct poison *poison, const char *modem, const struct message_item *items,
                                   size_t n, size_t *ret_index)
{
        size_t index = 0;
        bool found = find_locked(modem, items, n, &index);
        uint64_t suspect = found ? hash_of(items[index].name) : 0;
        bool again = found && suspect == poison->suspect;

        poison->suspect = suspect;
        if (!found)
                return POISON_NOBODY;
        *ret_index = index;
        if (!again)
                return POISON_SUSPECTED;
        if (poison->put_aside >= POISON_ROW_MAX)
                return POISON_MODEM;
        return POISON_ACCUSED;
}

void poison_put_aside(struct poison *poison)
{
        poison->suspect = 0;
        poison->put_aside += poison->put_aside < POISON_ROW_MAX;
}

bool poison_sent(struct poison *poison)
{
        bool changed = poison->put_aside > 0;

        poison->put_aside = 0;
        return changed;
}

bool poison_look(struct poison *poison, const struct message_item *items, size_t n)
{
        if (poison->suspect == 0)
                return false;
        for (size_t i = 0; i < n; i++)
                if (hash_of(items[i].name) == poison->suspect)
                        return false;
        poison->suspect = 0;
        return true;
}
