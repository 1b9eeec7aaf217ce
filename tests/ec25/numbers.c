/*
 * tty numbers as usb-serial gives them: the lowest free one. After a port is gone its number is free only
 * when the last process has closed the dead file; that is asked of /proc when a number is wanted, not before.
 */
#include "ec25/stand_internal.h"

#include "base/parse.h"
#include "base/text.h"

#include <string.h>

const char *tty_prefix(enum tty_kind kind)
{
        return kind == TTY_ACM ? "ttyACM" : "ttyUSB";
}

static struct number *number_at(struct stand *stand, enum tty_kind kind, unsigned number)
{
        return &stand->numbers[kind == TTY_ACM][number];
}

static struct number *dead_at(struct stand *stand, unsigned pts)
{
        for (size_t kind = 0; kind < 2; kind++)
                for (size_t i = 0; i < TTY_NUMBERS; i++) {
                        struct number *number = &stand->numbers[kind][i];
                        if (number->dead.keeper >= 0 && number->dead.index == pts)
                                return number;
                }
        return NULL;
}

struct sweep {
        struct stand *stand;
        bool held[2][TTY_NUMBERS];
};

static void note_held(const struct pty_holder *holder, void *userdata)
{
        struct sweep *sweep = userdata;
        const struct number *number = holder->deleted ? dead_at(sweep->stand, holder->index) : NULL;
        size_t kind = number && number >= sweep->stand->numbers[1];

        if (number)
                sweep->held[kind][number - sweep->stand->numbers[kind]] = true;
}

void numbers_sweep(struct stand *stand)
{
        struct sweep sweep = {.stand = stand};

        if (pty_holders(note_held, &sweep) < 0)
                return; /* nothing known: nothing freed */
        for (size_t kind = 0; kind < 2; kind++)
                for (size_t i = 0; i < TTY_NUMBERS; i++)
                        if (stand->numbers[kind][i].dead.keeper >= 0 && !sweep.held[kind][i])
                                pty_close(&stand->numbers[kind][i].dead);
}

int number_take(struct stand *stand, enum tty_kind kind, unsigned first)
{
        for (unsigned i = first; i < TTY_NUMBERS; i++) {
                struct number *number = number_at(stand, kind, i);
                if (number->present || number->stale || number->dead.keeper >= 0)
                        continue;
                number->present = true;
                return (int)i;
        }
        return -ENOSPC;
}

void number_leave(struct stand *stand, enum tty_kind kind, unsigned number, unsigned owner, struct pty *pty)
{
        struct number *left = number_at(stand, kind, number);

        left->present = false;
        left->owner = owner;
        left->dead = *pty;
        *pty = (struct pty)PTY_NONE;
}

static struct number *number_named(struct stand *stand, const char *name)
{
        for (enum tty_kind kind = TTY_USB; kind <= TTY_ACM; kind++) {
                unsigned number;
                if (text_starts_with(name, tty_prefix(kind)) &&
                    parse_unsigned(name + strlen(tty_prefix(kind)), 0, TTY_NUMBERS - 1, &number) == 0)
                        return number_at(stand, kind, number);
        }
        return NULL;
}

int stand_stale(struct stand *stand, const char *name, bool stale)
{
        struct number *number = number_named(stand, name);

        if (stand_uses_kernel(stand))
                return -EOPNOTSUPP;
        if (!number)
                return -EINVAL;
        number->stale = stale;
        return 0;
}

void number_seen(struct stand *stand, const char *name, unsigned owner)
{
        struct number *number = number_named(stand, name);

        if (number) {
                number->seen = true;
                number->owner = owner;
        }
}

bool number_was_of(struct stand *stand, const char *name, unsigned owner)
{
        const struct number *number = number_named(stand, name);

        return number && number->seen && number->owner == owner;
}

struct search {
        struct stand *stand;
        unsigned modem;
        void (*found)(const struct stand_holder *, void *);
        void *userdata;
};

static void search_dead(const struct search *search, const struct pty_holder *holder)
{
        const struct stand *stand = search->stand;
        const struct number *number = dead_at(search->stand, holder->index);
        size_t kind = number && number >= stand->numbers[1];
        char name[16];

        if (!number || number->owner != search->modem ||
            text_format(name, sizeof(name), "%s%d", tty_prefix(kind ? TTY_ACM : TTY_USB),
                        (int)(number - stand->numbers[kind])) < 0)
                return;
        search->found(
            &(struct stand_holder){.node = name, .pid = holder->pid, .fd = holder->fd, .dead = true},
            search->userdata);
}

static void search_holder(const struct pty_holder *holder, void *userdata)
{
        const struct search *search = userdata;
        const struct unit *unit = &search->stand->units[search->modem];

        if (holder->deleted) {
                search_dead(search, holder);
                return;
        }
        for (size_t i = 0; i < unit->count; i++)
                if (unit->lines[i].pty.master >= 0 && unit->lines[i].pty.index == holder->index)
                        search->found(&(struct stand_holder){.node = unit->lines[i].name,
                                                             .pid = holder->pid,
                                                             .fd = holder->fd},
                                      search->userdata);
}

int stand_holders(struct stand *stand, unsigned modem, void (*found)(const struct stand_holder *, void *),
                  void *userdata)
{
        if (stand_uses_kernel(stand))
                return unit_usb_holders(&stand->units[modem], found, userdata);
        struct search search = {.stand = stand, .modem = modem, .found = found, .userdata = userdata};

        return pty_holders(search_holder, &search);
}
