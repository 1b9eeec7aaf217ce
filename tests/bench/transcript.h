/*
 * What the modem saw and when: reads the transcripts that softec25 writes, a file per port, a line per read
 * or write with the time on CLOCK_BOOTTIME. So a figure is measured at the modem, alike for smswarden and
 * for its reference, and reading it late does no harm.
 */
#ifndef BENCH_TRANSCRIPT_H
#define BENCH_TRANSCRIPT_H

#include "base/usec.h"

/* CLOCK_BOOTTIME, as the transcripts have it. */
usec_t bench_now(void);

/*
 * When the modem answered the last command of smsd's first poll: smsd opens with a bare AT, asks AT+CPMS?
 * once to initialise and once more in its first poll, which finds no message. Only a dialogue that began at
 * or after `since` counts. Waits until it is there: 0, -ETIMEDOUT or what reading says. `directory` is
 * softec25's.
 */
int transcript_first_poll(const char *directory, unsigned modem, usec_t since, usec_t timeout,
                          usec_t *ret_done);

/* When the modem's last tty appeared; 0 none yet. All its ports are looked at. */
usec_t transcript_last_attached(const char *directory, unsigned modem);

#endif
