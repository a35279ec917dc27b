/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the traffic counters of the programs at a fleet's ports. */
#ifndef NETSIM_API_TRAFFIC_H
#define NETSIM_API_TRAFFIC_H

#include "netsim/api/handle.h"
#include "netsim/netsim.h"

/*
 * Opens the counters of a fleet; attaches the programs to ports that lack them, under the
 * fleet's lock. Call fleet_close() afterwards, even on error.
 */
int traffic_open(struct netsim *ctx, const char *name, struct fleet *ret, struct netsim_err *err);
/* Reads all counters; the caller frees *ret with netsim_traffic_free(). */
int traffic_read(const struct fleet *f, struct netsim_traffic **ret, struct netsim_err *err);
/* Reduces after to the counts since before; both must be of the same fleet. */
void traffic_subtract(const struct netsim_traffic *before, struct netsim_traffic *after);

#endif
