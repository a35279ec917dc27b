/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fleet, the selected nodes, and the addresses by which they reach each other. */
#ifndef NETSIM_API_ROUTES_H
#define NETSIM_API_ROUTES_H

#include "netsim/api/handle.h"
#include "netsim/fleet/addresses.h"

struct routes_view {
	struct fleet fleet; /* its policy is NULL if none is loaded */
	int *nodes;	    /* indexes in the model */
	struct address_query query;
	struct address_pair *pairs;
};

/* Call routes_view_close() afterwards, even on error. */
int routes_view_open(struct netsim *ctx, const struct netsim_routes_opts *opts,
		     struct routes_view *view, struct netsim_err *err);
void routes_view_close(struct routes_view *view);
/*
 * Fills cut and down of the pairs from the present state: partitions, carriers, and faults
 * of links. Call state_read_host() and fleet_find_policy() before.
 */
int routes_mark(struct routes_view *view, struct netsim_err *err);
/* Converts the view to the public result. */
int routes_publish(const struct routes_view *view, struct netsim_routes **ret,
		   struct netsim_err *err);

#endif
