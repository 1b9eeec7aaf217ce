/*
 * Who a process is, from the text of /proc/PID/stat: `PID (COMM) S PPID PGRP ...`. COMM is chosen by the
 * process itself and may hold blanks, parentheses and newlines, so everything is counted from the last
 * closing parenthesis.
 */
#include "core/process.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

enum field { FIELD_PARENT = 4, FIELD_GROUP = 5, FIELD_TERMINAL = 7, FIELD_START = 22 };

/* The number at *cursor, which is moved behind it and one blank. A negative one (no terminal group) reads as
 * 0. */
static int next_number(const char **cursor, uint64_t *ret_value)
{
        size_t length = strcspn(*cursor, " \n");
        bool negative = **cursor == '-';
        char digits[24];
        uint64_t value;

        if (length >= sizeof(digits))
                return -EINVAL;
        memcpy(digits, *cursor, length);
        digits[length] = '\0';
        if (parse_u64(digits + negative, 0, UINT64_MAX, &value) < 0)
                return -EINVAL;
        *cursor += length;
        *cursor += **cursor != '\0';
        *ret_value = negative ? 0 : value;
        return 0;
}

int process_stat_parse(const char *text, struct process_stat *ret_stat)
{
        const char *open = strchr(text, '('), *close = strrchr(text, ')');
        uint64_t fields[FIELD_START + 1] = {0};

        /* ") S " */
        if (!open || !close || close < open || strlen(close) < 4)
                return -EINVAL;
        const char *cursor = close + 4;
        for (unsigned i = FIELD_PARENT; i <= FIELD_START; i++) {
                int r = next_number(&cursor, &fields[i]);
                if (r < 0)
                        return r;
        }
        if (fields[FIELD_PARENT] > INT32_MAX || fields[FIELD_GROUP] > INT32_MAX ||
            fields[FIELD_TERMINAL] > UINT32_MAX)
                return -EINVAL;
        (void)text_copy_n(ret_stat->comm, sizeof(ret_stat->comm), open + 1, (size_t)(close - open - 1));
        ret_stat->parent = (pid_t)fields[FIELD_PARENT];
        ret_stat->group = (pid_t)fields[FIELD_GROUP];
        ret_stat->terminal = (unsigned long)fields[FIELD_TERMINAL];
        ret_stat->start_time = fields[FIELD_START];
        return 0;
}
