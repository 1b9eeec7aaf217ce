/* What the files of smswarden-hold share. */
#ifndef HOLD_PROGRAM_H
#define HOLD_PROGRAM_H

#include "core/config.h"

/* Set together with each hold; it starts the service of the same name. */
#define HOLD_END_TIMER "smswarden-hold-end.timer"

struct hold_program {
        struct config config;
        const char *manager; /* how systemd is reached; NULL: as usual */
};

/* Each returns an exit code. */
int hold_clear(const struct hold_program *program);
int hold_over(const struct hold_program *program);

#endif
