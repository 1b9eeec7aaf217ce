/*
 * Where in a text of the configuration a key stands: for what only the whole can show, told with file and
 * line all the same.
 */
#ifndef ADAPTERS_CONFIG_FILE_PLACE_H
#define ADAPTERS_CONFIG_FILE_PLACE_H

#include <stddef.h>

struct config_place_lines {
        unsigned key;    /* 1-based, the last place where the key is set; 0: nowhere */
        unsigned header; /* the last header of its section; 0: none */
};

/*
 * `problem` begins with "[SECTION]" and, perhaps, " KEY:", as the messages of config_check() do; looks for
 * these in the lines of `text`. Nothing is found of a problem that begins in another way.
 */
struct config_place_lines config_file_find_place(const char *text, size_t length, const char *problem);

#endif
