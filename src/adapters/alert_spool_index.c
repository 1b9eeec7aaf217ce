/*
 * Which messages lie in the spool, see alert_spool_private.h: 16 bytes for each, so that counting them and
 * choosing who must go asks no disk.
 */
#include "alert_spool_private.h"

#include "base/cleanup.h"

#include <string.h>

#define FIRST_SIZE 16

void spool_index_done(struct spool_index *index)
{
        free(index->items);
        *index = (struct spool_index){0};
}

int spool_index_reserve(struct spool_index *index)
{
        unsigned size = index->size ? index->size * 2 : FIRST_SIZE;

        if (index->n < index->size)
                return 0;
        if (size < index->size)
                return -ENOMEM;
        struct spool_entry *grown = reallocarray(index->items, size, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        index->items = grown;
        index->size = size;
        return 0;
}

void spool_index_add(struct spool_index *index, const struct spool_entry *entry)
{
        index->items[index->n++] = *entry;
        index->bytes += entry->size;
}

static int compare(const void *a, const void *b)
{
        const struct spool_entry *left = a, *right = b;

        return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

void spool_index_sort(struct spool_index *index)
{
        if (index->n > 1)
                qsort(index->items, index->n, sizeof(*index->items), compare);
}

void spool_index_remove(struct spool_index *index, unsigned at)
{
        struct spool_entry *entry = &index->items[at];

        index->bytes -= entry->size;
        memmove(entry, entry + 1, (index->n - at - 1) * sizeof(*entry));
        index->n--;
}
