/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What netsim watch puts back of the host's paths: routes to nodes, and the table of the uplink. */
#ifndef NETSIM_API_WATCH_PATHS_H
#define NETSIM_API_WATCH_PATHS_H

#include "netsim/api/mend.h"
#include "netsim/config/topo.h"

/*
 * Adds the addresses and routes that ports of routed networks have lost, for example because
 * another program took the port down, and the fleet's nftables table, and calls opts->mended for
 * each of them. Ports that are down, and what opts->leave names, are left alone. The caller holds
 * the lock.
 */
int watch_paths_mend(struct state *st, const struct topo *topo, const struct mend_opts *opts,
		     struct netsim_err *err);

#endif
