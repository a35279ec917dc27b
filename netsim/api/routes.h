/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fleet, the nodes that were named, and the addresses under which they reach each other. */
#ifndef NETSIM_API_ROUTES_H
#define NETSIM_API_ROUTES_H

#include "netsim/api/handle.h"
#include "netsim/fleet/addresses.h"

struct routes_view {
	struct fleet fleet; /* its policy is NULL where no partition was ever made */
	int *nodes;	    /* the model's number of each */
	struct address_query query;
	struct address_pair *pairs;
};

/* Always to be ended with routes_view_close(). */
int routes_view_open(struct netsim *ctx, const struct netsim_routes_opts *opts,
		     struct routes_view *view, struct netsim_err *err);
void routes_view_close(struct routes_view *view);
/* The view as a result. */
int routes_publish(const struct routes_view *view, struct netsim_routes **ret,
		   struct netsim_err *err);

#endif
