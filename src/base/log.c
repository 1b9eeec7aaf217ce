/*
 * The log facade, see base/log.h. One write per line, so that lines of several processes never mix.
 */
#include "base/log.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#define LINE_SIZE 1024

/* "<4>" for the journal, "12:03:04.123 " for a person at a terminal. */
static void write_prefix(char *line, size_t size, enum log_level level)
{
        struct timespec now = {0};
        struct tm local = {0};

        if (getenv("JOURNAL_STREAM")) {
                (void)text_format(line, size, "<%d>", (int)level);
                return;
        }
        (void)clock_gettime(CLOCK_REALTIME, &now);
        (void)localtime_r(&now.tv_sec, &local);
        (void)text_format(line, size, "%02d:%02d:%02d.%03ld %s", local.tm_hour, local.tm_min, local.tm_sec,
                          now.tv_nsec / 1000000, level <= LOG_LEVEL_ERROR ? "ERROR " : level == LOG_LEVEL_WARNING ? "WARNING " : "");
}

void log_line(enum log_level level, const char *format, ...)
{
        char line[LINE_SIZE];
        va_list arguments;

        write_prefix(line, sizeof(line), level);
        size_t start = strlen(line);
        va_start(arguments, format);
        (void)vsnprintf(line + start, sizeof(line) - 1 - start, format, arguments);
        va_end(arguments);
        for (char *p = line + start; *p; p++)
                if ((unsigned char)*p < 0x20 || *p == 0x7f)
                        *p = '?';
        size_t length = strlen(line);
        line[length++] = '\n';
        /* Nobody is left to tell when stderr is gone. */
        ssize_t written _unused_ = write(STDERR_FILENO, line, length);
}
