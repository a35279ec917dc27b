/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live screen of top, with curses. */
#ifndef NETSIM_CLI_SCREEN_H
#define NETSIM_CLI_SCREEN_H

#include <netsim/netsim.h>

/*
 * Shows a fleet's traffic until a key or signal ends it, then restores the terminal.
 * interval_ns is the time between readings. Returns -ENOTTY, without setting err, if curses
 * cannot use the terminal.
 */
int screen_run(struct netsim *ctx, const char *fleet, int64_t interval_ns, struct netsim_err *err);

#endif
