/*
 * Files of other people that are changed for a while and must come back byte for byte: kept as a copy with
 * owner, mode, times, ACL and attributes, rewritten, restored. Every change is a rename of a whole new file,
 * so a reader and a power cut see the old one or the new one. No link is followed at the last part of a path,
 * and on the way there only those in folders that belong to root alone: -ELOOP for any other.
 */
#ifndef ADAPTERS_SAVED_FILE_H
#define ADAPTERS_SAVED_FILE_H

#include <stddef.h>

/* Copies the regular file or symbolic link `path` to `copy`, with all that belongs to it; what lies at `copy`
 * is replaced. 0; -EINVAL: neither file nor link; else what the system says. */
int saved_file_keep(const char *path, const char *copy);

/* Puts it back: the other direction. The copy stays. */
int saved_file_restore(const char *copy, const char *path);

/* Another content for the regular file `path`; owner, mode (without set-id bits), ACL and attributes stay. */
int saved_file_rewrite(const char *path, const char *text, size_t length);

#endif
