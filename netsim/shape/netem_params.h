/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conditions of one direction -> what netem and tbf are to do. Pure: no I/O. */
#ifndef NETSIM_SHAPE_NETEM_PARAMS_H
#define NETSIM_SHAPE_NETEM_PARAMS_H

#include "netsim/config/conditions.h"
#include "netsim/config/dist.h"
#include "netsim/kernel/qdisc.h"

struct netem_params {
	struct netem netem; /* its table belongs to the tables, or to the profile */
	bool has_tbf;	    /* the rate is tbf's, because of a burst or of reordering */
	struct tbf tbf;
	const struct netsim_loc *at;
	const struct netsim_loc *seed_at;
};

/* No conditions at all give an idle shape. -ENOMEM, or -EINVAL with err. */
int netem_params_make(const struct conditions *c, struct dist_tables *tables,
		      struct netem_params *ret, struct netsim_err *err);

/* True when the conditions change nothing about packets. */
bool netem_params_are_idle(const struct netem *netem);

/* What the kernel has, as conditions (without places), for showing it. */
void netem_params_read(const struct netem *netem, const struct tbf *tbf, struct conditions *ret);

#endif
