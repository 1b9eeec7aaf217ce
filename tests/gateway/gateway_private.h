/* Shared between the two halves of the gateway fixture. */
#ifndef GATEWAY_PRIVATE_H
#define GATEWAY_PRIVATE_H

#include <stdbool.h>
#include <sys/types.h>

/* Does the process run a binary that lies (or lay) in the folder? No for a zombie. */
bool process_runs_from(const char *folder, pid_t pid);

#endif
