/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The signals that end a measurement or capture, or fail a write, instead of the process. */
#ifndef NETSIM_CLI_INTERRUPT_H
#define NETSIM_CLI_INTERRUPT_H

#include <stdbool.h>

/* Lets Ctrl-C, SIGTERM and SIGHUP set interrupted(). */
void interrupt_catch(void);
bool interrupted(void);

#define EXIT_INTERRUPTED 130 /* the exit status after such a signal */

/* Says on standard error, if a measurement was interrupted, that its results are incomplete. */
void report_interrupted(bool was);

/* Lets writes beyond the limit of a file's size (ulimit -f) fail with EFBIG, as on a full disk. */
void size_limit_catch(void);
/* Restores SIGXFSZ as inherited, for a program that replaces this one. */
void size_limit_restore(void);

#endif
