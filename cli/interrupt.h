/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lets Ctrl-C, SIGTERM and SIGHUP end a measurement or capture instead of the process. */
#ifndef NETSIM_CLI_INTERRUPT_H
#define NETSIM_CLI_INTERRUPT_H

#include <stdbool.h>

void interrupt_catch(void);
bool interrupted(void);

#endif
