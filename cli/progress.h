/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line of progress on a terminal, on standard error. */
#ifndef NETSIM_CLI_PROGRESS_H
#define NETSIM_CLI_PROGRESS_H

#include <stdbool.h>

#include "cmd.h"

/* Whether to show progress: standard error is a terminal, and the command is not quiet. */
bool progress_wanted(const struct common *common);

/*
 * Replaces the line. It is drawn if its text has changed, but not within 0.1 s after it was
 * drawn last, and cut at the width of the terminal: a line that wraps could not be replaced.
 */
void progress_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Clears the line, before other output. */
void progress_clear(void);

#endif
