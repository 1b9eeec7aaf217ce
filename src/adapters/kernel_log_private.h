/*
 * Between the kernel log's two files: kernel_log.c has the interface and the child, kernel_log_journal.c what
 * the child does.
 */
#ifndef KERNEL_LOG_PRIVATE_H
#define KERNEL_LOG_PRIVATE_H

#include "base/usec.h"
#include "core/kernel_log.h"

#include <sys/types.h>

#define KERNEL_FOLDERS     2 /* where a journal may be: volatile, persistent */
#define KERNEL_FOLDER_SIZE 96

/* Where the last look ended, and what the next one has found. In memory that the child shares with us. */
struct kernel_journal {
        usec_t since;                 /* CLOCK_MONOTONIC, as journald stamps: older lines are known */
        ino_t active[KERNEL_FOLDERS]; /* the file that was being written, 0 none yet */
        struct kernel_lines lines;
};

/*
 * Reads what is new, and moves `journal` behind it. May take as long as the disk does, and may die of it
 * (SIGBUS): only for a process of its own. 0, or a negative errno when there is nothing that can be read:
 * -ENOENT no file.
 */
int kernel_journal_read(const char folders[KERNEL_FOLDERS][KERNEL_FOLDER_SIZE],
                        struct kernel_journal *journal);

#endif
