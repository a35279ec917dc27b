/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IFBs: each takes the packets that arrive at one device, a port, a bridge or a bare
 * interface, so that a qdisc can shape them.
 */
#ifndef NETSIM_SHAPE_IFB_H
#define NETSIM_SHAPE_IFB_H

#include "netsim/kernel/state.h"

/* The name of a device's IFB. */
void ifb_name(const char *device, char ret[static IFNAMSIZ]);

/*
 * Finds a device's IFB among the host's links; *ret is NULL if it does not exist.
 * -EEXIST with err if a link of that name does not belong to the fleet.
 */
int ifb_find(const struct state *st, const char *fleet, const char *device, const struct link **ret,
	     struct netsim_err *err);

/* Adds an IFB for each device, loading the module first, and reads the host's links again. */
int ifb_add(struct state *st, const char *fleet, const char *const *devices, size_t count,
	    struct netsim_err *err);

#endif
