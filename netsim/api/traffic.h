/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the programs at a fleet's ports count, read as often as one likes. */
#ifndef NETSIM_API_TRAFFIC_H
#define NETSIM_API_TRAFFIC_H

#include "netsim/api/handle.h"
#include "netsim/netsim.h"

/*
 * Lets the programs count at all ports of a fleet where they do not yet, for which it is
 * locked meanwhile. Always to be ended with fleet_close().
 */
int traffic_open(struct netsim *ctx, const char *name, struct fleet *ret, struct netsim_err *err);
/* All counters at this instant; *ret is the caller's. */
int traffic_read(const struct fleet *f, struct netsim_traffic **ret, struct netsim_err *err);
/* after becomes what was counted since before; both are of the same fleet. */
void traffic_subtract(const struct netsim_traffic *before, struct netsim_traffic *after);

#endif
