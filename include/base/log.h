/*
 * The log facade. One line to stderr per call, prefixed with the syslog level in angle brackets when stderr is the
 * journal ($JOURNAL_STREAM), with a wall-clock time otherwise. Text from outside must be escaped by the caller
 * (text_escape); as a last defence, control characters are replaced here.
 * The core never logs: it returns errors and emits actions; only mains and adapters call this.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/cleanup.h"

/* syslog numbers, so that the journal understands them. */
enum log_level { LOG_LEVEL_CRITICAL = 2, LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_NOTICE = 5, LOG_LEVEL_INFO = 6 };

void log_line(enum log_level level, const char *format, ...) _printf_(2, 3);

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)

#endif
