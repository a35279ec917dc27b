/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resolves a fleet's intent to the conditions of every hop, compiled for the edt
 * engine. Pure: no I/O.
 */
#ifndef NETSIM_SHAPE_EDT_BASE_H
#define NETSIM_SHAPE_EDT_BASE_H

#include "netsim/config/classes.h"
#include "netsim/policy/policy.h"
#include "netsim/shape/intent.h"

struct edt_base {
	struct policy_base policy;
	bool delays;   /* some conditions delay packets */
	bool corrupts; /* some corrupt packets */
};

struct edt_base_input {
	const struct intent *intent; /* parsed */
	const struct model *model;
	const struct policy *policy;
	const struct class_set *classes; /* NULL if the profile has none */
	uint64_t now;			 /* start of traces, CLOCK_MONOTONIC in ns */
	uint64_t seed;			 /* for conditions without a seed in the profile */
};

/*
 * Fails with err if the merged conditions of a hop contradict each other, or exceed the
 * size of the programs' maps. Free the result with edt_base_done().
 */
int edt_base_make(const struct edt_base_input *input, struct edt_base *ret, struct netsim_err *err);
void edt_base_done(struct edt_base *base);

#endif
