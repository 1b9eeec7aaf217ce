/*
 * Bytes between ptys and models (over USB: stand_usbip.c), and the record of them: one transcript per port, a
 * line per read or write, <microseconds> < what the host wrote, escaped          (to the modem)
 *     <microseconds> > what the host could read              (from the modem)
 *     <microseconds> # attached, hung up
 * so that "nobody wrote a byte to DIAG" is a matter of looking into a file.
 */
#include "ec25/stand_internal.h"

#include "base/text.h"

#include <string.h>
#include <sys/epoll.h>

static FILE *transcript(struct unit *unit, enum ec25_port port)
{
        char path[PATH_MAX];

        if (unit->transcripts[port])
                return unit->transcripts[port];
        if (text_format(path, sizeof(path), "%s/transcript/%u-%s", unit->stand->directory, unit->index,
                        ec25_port_to_string(port)) < 0)
                return NULL;
        unit->transcripts[port] = fopen(path, "ae");
        return unit->transcripts[port];
}

static void write_escaped(FILE *file, const unsigned char *bytes, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (bytes[i] == '\\')
                        (void)fputs("\\\\", file);
                else if (bytes[i] >= ' ' && bytes[i] < 0x7f)
                        (void)fputc(bytes[i], file);
                else if (bytes[i] == '\r' || bytes[i] == '\n')
                        (void)fputs(bytes[i] == '\r' ? "\\r" : "\\n", file);
                else
                        (void)fprintf(file, "\\x%02x", bytes[i]);
}

void note_bytes(struct line *line, char direction, const void *bytes, size_t length)
{
        FILE *file = transcript(line->unit, line->port);

        if (!file)
                return; /* a full disk must not stop the modem; the test will miss the line */
        (void)fprintf(file, "%llu %c ", (unsigned long long)stand_now(), direction);
        write_escaped(file, bytes, length);
        (void)fputc('\n', file);
        (void)fflush(file);
}

void transcript_note(struct unit *unit, enum ec25_port port, const char *note, const char *detail)
{
        FILE *file = transcript(unit, port);

        if (!file)
                return;
        (void)fprintf(file, "%llu # %s %s\n", (unsigned long long)stand_now(), note, detail);
        (void)fflush(file);
}

void transcripts_close(struct unit *unit)
{
        for (size_t i = 0; i < ARRAY_SIZE(unit->transcripts); i++)
                if (unit->transcripts[i]) {
                        (void)fclose(unit->transcripts[i]);
                        unit->transcripts[i] = NULL;
                }
}

int line_attach(struct line *line)
{
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = line};
        int r = pty_open(&line->pty);

        if (r < 0)
                return r;
        line->blocked = false;
        if (epoll_ctl(line->stand->epoll, EPOLL_CTL_ADD, line->pty.master, &event) < 0) {
                r = -errno;
                pty_close(&line->pty);
                return r;
        }
        return text_format(line->pts, sizeof(line->pts), "/dev/pts/%u", line->pty.index);
}

void line_hang_up(struct line *line)
{
        pty_hang_up(&line->pty);
        transcript_note(line->unit, line->port, "hung up", line->name);
}

static void read_line(struct line *line)
{
        char bytes[4096];
        ssize_t length;

        while (line->pty.master >= 0 && (length = read(line->pty.master, bytes, sizeof(bytes))) > 0) {
                line->written += (uint64_t)length;
                line->used = true;
                note_bytes(line, '<', bytes, (size_t)length);
                if (line->port < EC25_PORTS)
                        ec25_input(line->unit->model, line->port, bytes, (size_t)length, stand_now());
        }
}

void line_event(struct line *line, unsigned events)
{
        if (events & EPOLLOUT)
                line->blocked = false;
        if (events & EPOLLIN)
                read_line(line);
        if (events & EPOLLHUP && line->used && line->pty.master >= 0) {
                line->used = false;
                pty_forget_session(&line->pty);
        }
}

/* False when there is no more to write now. */
static bool write_line(struct line *line, usec_t now)
{
        struct ec25 *model = line->unit->model;
        const void *bytes;
        size_t length = ec25_output(model, line->port, now, &bytes);

        if (!length || line->blocked)
                return false;
        if (!pty_is_open(&line->pty)) {
                ec25_discard(model, line->port);
                return false;
        }
        ssize_t written = write(line->pty.master, bytes, length);
        if (written > 0) {
                line->read += (uint64_t)written;
                line->used = true;
                note_bytes(line, '>', bytes, (size_t)written);
                ec25_consume(model, line->port, (size_t)written);
                return true;
        }
        if (written < 0 && errno == EAGAIN)
                line->blocked = true;
        else
                ec25_discard(model, line->port);
        return false;
}

static void pump_port(struct unit *unit, enum ec25_port port, usec_t now)
{
        for (size_t i = 0; i < unit->count; i++) {
                struct line *line = &unit->lines[i];
                if (line->port != port || line->state != LINE_PRESENT || line->pty.master < 0)
                        continue;
                while (write_line(line, now))
                        ;
                return;
        }
        ec25_discard(unit->model, port);
}

void unit_pump(struct stand *stand, struct unit *unit, usec_t now)
{
        if (stand_uses_kernel(stand)) {
                unit_usb_pump(unit, now);
                return;
        }
        for (enum ec25_port port = 0; port < EC25_PORTS; port++)
                pump_port(unit, port, now);
}
