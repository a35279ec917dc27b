/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiles an intent to the conditions of every hop for the edt engine. Pure: no I/O.
 */
#ifndef NETSIM_SHAPE_EDT_BASE_H
#define NETSIM_SHAPE_EDT_BASE_H

#include "netsim/config/classes.h"
#include "netsim/policy/policy.h"
#include "netsim/shape/intent.h"

struct edt_base {
	struct policy_base policy;
	bool holds;    /* some conditions delay packets: fq is needed */
	bool corrupts; /* some conditions corrupt packets */
};

struct edt_base_input {
	const struct intent *intent; /* parsed */
	const struct model *model;
	const struct policy *policy;
	const struct class_set *classes; /* NULL where the profile has none */
	uint64_t now;			 /* CLOCK_MONOTONIC in ns: when traces begin */
	uint64_t seed;			 /* for conditions without a seed in the profile */
};

/* Fails with err where conditions contradict each other or find no room. */
int edt_base_make(const struct edt_base_input *input, struct edt_base *ret, struct netsim_err *err);
void edt_base_done(struct edt_base *base);

#endif
