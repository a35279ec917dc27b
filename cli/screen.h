/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live screen of top: keys and curses. */
#ifndef NETSIM_CLI_SCREEN_H
#define NETSIM_CLI_SCREEN_H

#include <netsim/netsim.h>

/*
 * Shows a fleet's traffic until a key or a signal ends it; the terminal is then as it
 * was. -ENOTTY, with err untouched, where it cannot be used like that.
 */
int screen_run(struct netsim *ctx, const char *fleet, int64_t interval_ns, struct netsim_err *err);

#endif
