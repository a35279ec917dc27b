/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known about a fleet that traffic is to be sent in. */
#ifndef NETSIM_API_WAYS_H
#define NETSIM_API_WAYS_H

#include "netsim/api/handle.h"

struct ways_view {
	struct fleet fleet; /* its policy is NULL where no partition was ever made */
	int *nodes;	    /* the model's number of each node of the result */
};

/* Always to be ended with ways_view_done(); *ret is freed with netsim_ways_free(). */
int ways_view_open(struct netsim *ctx, const struct netsim_among *among, struct ways_view *view,
		   struct netsim_ways *ret, struct netsim_err *err);
void ways_view_done(struct ways_view *view);

#endif
