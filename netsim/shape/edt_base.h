/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was asked of a fleet -> the conditions of every hop, as the edt engine
 * takes them. Pure: reads nothing but what it is given.
 */
#ifndef NETSIM_BASE_H
#define NETSIM_BASE_H

#include "netsim/config/classes.h"
#include "netsim/policy/policy.h"
#include "netsim/shape/intent.h"

struct base {
	struct policy_base policy;
	bool holds;    /* some packets leave later than they came */
	bool corrupts; /* some are damaged */
};

/*
 * intent is parsed; classes may be NULL where its profile has none. Fails with err
 * where what comes together contradicts itself or finds no room.
 */
int base_make(const struct intent *intent, const struct model *fleet, const struct policy *policy,
	      const struct class_set *classes, struct base *ret, struct netsim_err *err);
void base_done(struct base *base);

#endif
