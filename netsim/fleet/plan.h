/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans: the steps from the kernel's state to a wanted model. Pure: no I/O. An empty plan
 * means that both match; undoing is a plan in the other direction.
 */
#ifndef NETSIM_PLAN_H
#define NETSIM_PLAN_H

#include "netsim/kernel/model.h"

enum step_kind {
	STEP_DEL_ROUTE,
	STEP_DEL_ADDR,
	STEP_DEL_LINK,
	STEP_ADD_NODE,
	STEP_ADD_LINK, /* a veth in a node includes its port */
	STEP_SET_LINK, /* changes the attributes `what` of an existing link */
	STEP_ADD_ADDR,
	STEP_ADD_ROUTE,
	STEP_SET_NODE, /* lets a node forward packets, or not */
	STEP_DEL_NODE, /* its network namespace, and everything in it */
};

/*
 * One step. Its pointers point into the two models. place is an index in want->nodes, or
 * MODEL_HOST; of STEP_DEL_NODE, an index in have->nodes.
 */
struct step {
	enum step_kind kind;
	int place;
	const struct model_node *node; /* of STEP_..._NODE, else NULL */
	struct link *want;	       /* not const: its ifindex is set when known */
	const struct link *have;
	unsigned what; /* LINK_SET_... */
	const struct model_addr *addr;
	const struct model_route *route;
};

struct plan {
	struct step *steps;
	size_t count;
};

/* 0, or -ENOMEM with err. Free the plan with plan_done(). */
int plan_make(struct model *want, const struct model *have, struct plan *ret,
	      struct netsim_err *err);
void plan_done(struct plan *plan);

/* The number of steps to report: a new veth and its port count as one. */
size_t plan_count(const struct plan *plan);

/*
 * Formats a step as one line: "+ n100-1 eth1: veth to port lab.n100-1.eth1, mtu 1500". Empty
 * for the port of a new veth, which is part of another step.
 */
void step_describe(const struct step *step, const struct model *want, char *buf, size_t size);

#endif
