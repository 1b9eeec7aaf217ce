/*
 * The control socket DIR/control: a line is a command, answered by any number of lines and then "ok" or
 * "error: why". Commands are carried out in order; one that waits (wait-sent, wait-command) holds back only
 * its own connection.
 */
#ifndef EC25_CONTROL_H
#define EC25_CONTROL_H

#include "ec25/stand.h"

struct control;

/* Listens. `epoll` gets our fds with data.ptr = the control. 0 or a negative errno. */
int control_new(const char *directory, struct stand *stand, int epoll, struct control **ret_control);
struct control *control_free(struct control *control);

/* Reads what came, answers, looks at those who wait. True when somebody said quit. */
bool control_dispatch(struct control *control);
usec_t control_next_deadline(const struct control *control);

/* One command line outside any connection (a script). Answers go to `out`; commands that wait are refused. */
int control_script_line(struct control *control, const char *line, int out);

#endif
