/*
 * Lines for a terminal: a column of labels, values wrapped behind it at SCREEN_WIDTH
 * or a narrower terminal's width, colour only where it is
 * wanted. Everything that is printed through it is made harmless, so that no text from a modem or a file
 * steers the terminal.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdio.h>

#define SCREEN_WIDTH    100
#define SCREEN_LABEL    12 /* columns of labels */
#define SCREEN_TEXT_MIN 24 /* columns of text, on the narrowest terminal */
#define SCREEN_NARROW   80 /* of lists, which are read on any terminal */

enum screen_colour {
        SCREEN_PLAIN,
        SCREEN_GOOD,
        SCREEN_WARNING,
        SCREEN_BAD,
        SCREEN_NOTICE,
        SCREEN_DIM,
};

struct screen {
        FILE *file;
        bool colour;
        unsigned width; /* of a narrow terminal; 0: as wide as each is otherwise */
};

/* To stdout; colour when that is a terminal that wants it (NO_COLOR, TERM=dumb). */
struct screen screen_of_stdout(void);

/* `WORD  text`, the word in colour. */
void screen_headline(struct screen *screen, enum screen_colour colour, const char *word, const char *text);

/* A labelled value. "" as label: goes on below the one before. `value` is wrapped at blanks. */
void screen_value(struct screen *screen, const char *label, enum screen_colour colour, const char *value);
void screen_format(struct screen *screen, const char *label, enum screen_colour colour, const char *format,
                   ...) _printf_(4, 5);

/* A piece of a line. */
void screen_put(struct screen *screen, enum screen_colour colour, const char *text);

/* The length of the piece of `text` that fits into `columns`: up to a blank, or a whole word that is too
 * long. */
size_t screen_piece(const char *text, unsigned columns);

/* Of the terminal that stdout is; 0: it is none. */
unsigned screen_width_of_stdout(void);

/* Text without a label, wrapped at blanks and at SCREEN_NARROW. */
void screen_indented(struct screen *screen, enum screen_colour colour, unsigned indent, const char *text);

void screen_gap(struct screen *screen);

/* The number of columns that UTF-8 text takes, each character counted as one. */
unsigned screen_columns(const char *text, size_t length);

#endif
