/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was asked of a fleet -> the conditions of every hop, as the edt engine
 * takes them. Pure: reads nothing but what it is given.
 */
#ifndef NETSIM_SHAPE_EDT_BASE_H
#define NETSIM_SHAPE_EDT_BASE_H

#include "netsim/config/classes.h"
#include "netsim/policy/policy.h"
#include "netsim/shape/intent.h"

struct edt_base {
	struct policy_base policy;
	bool delays;   /* some packets leave later than they came */
	bool corrupts; /* some are damaged */
};

struct edt_base_input {
	const struct intent *intent; /* parsed */
	const struct model *model;
	const struct policy *policy;
	const struct class_set *classes; /* NULL where the profile has none */
	uint64_t now;			 /* CLOCK_MONOTONIC in ns: when traces begin */
	uint64_t seed;			 /* of all that is drawn and has no seed in the profile */
};

/* Fails with err where conditions contradict each other or find no room. */
int edt_base_make(const struct edt_base_input *input, struct edt_base *ret, struct netsim_err *err);
void edt_base_done(struct edt_base *base);

#endif
