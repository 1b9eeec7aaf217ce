/* Shared between the two halves of the gateway fixture. */
#ifndef GATEWAY_PRIVATE_H
#define GATEWAY_PRIVATE_H

#include <stdbool.h>
#include <sys/types.h>

/* Does the process run a binary that lies (or lay) in the folder? No for a zombie. */
bool process_runs_from(const char *folder, pid_t pid);

/* Takes back what keeps a failed test's folder from being removed: a mount on etc/, an immutable smsd.conf. */
void release_folder(const char *folder);

#endif
