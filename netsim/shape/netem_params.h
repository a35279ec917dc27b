/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Converts the conditions of one direction to parameters of netem and tbf. Pure: no I/O. */
#ifndef NETSIM_SHAPE_NETEM_PARAMS_H
#define NETSIM_SHAPE_NETEM_PARAMS_H

#include "netsim/config/conditions.h"
#include "netsim/config/dist.h"
#include "netsim/kernel/qdisc.h"

struct netem_params {
	struct netem netem; /* its table is owned by the dist_tables or the profile */
	bool has_tbf;	    /* tbf sets the rate, because of a burst or reordering */
	struct tbf tbf;
	const struct netsim_loc *at;
	const struct netsim_loc *seed_at;
};

/* No conditions give an idle netem. -ENOMEM with err. */
int netem_params_make(const struct conditions *c, struct dist_tables *tables,
		      struct netem_params *ret, struct netsim_err *err);

/*
 * Makes the bucket of a peak hold the frames of a device with this MTU; without a peak it does
 * nothing.
 */
void netem_params_fit(struct netem_params *params, unsigned mtu);

/* True if this netem passes packets unchanged. */
bool netem_params_are_idle(const struct netem *netem);

/* Converts the kernel's parameters back to conditions, without locations, for display. */
void netem_params_read(const struct netem *netem, const struct tbf *tbf, struct conditions *ret);

#endif
