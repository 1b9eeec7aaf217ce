/*
 * A message for smsd to send: a file in its outgoing folder, there at once and whole.
 */
#ifndef ADAPTERS_OUTGOING_FILE_H
#define ADAPTERS_OUTGOING_FILE_H

/*
 * Puts a message to `number` (digits, a '+' before them) with `text` (printable ASCII, one line) into
 * `folder`, as the file `name`. It belongs to whom the folder belongs, so that smsd can read, change and move
 * it, and nobody else can read it. 0; -EINVAL: number, text or name cannot be written so; -EEXIST: a file of
 * that name waits already, and stays as it is; -ELOOP: somebody but root made a link of the folder, or of one
 * on the way to it; or what the system says, with nothing left behind.
 */
int outgoing_file_put(const char *folder, const char *name, const char *number, const char *text);

#endif
