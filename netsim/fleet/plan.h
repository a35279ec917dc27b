/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps from what is there to what is wanted. Pure: no I/O. An empty plan
 * means that the kernel is as asked; going back is a plan in the other direction.
 */
#ifndef NETSIM_PLAN_H
#define NETSIM_PLAN_H

#include "netsim/kernel/model.h"

enum step_kind {
	STEP_DEL_ROUTE,
	STEP_DEL_ADDR,
	STEP_DEL_LINK,
	STEP_ADD_NODE,
	STEP_ADD_LINK, /* a veth in a node brings its port along */
	STEP_SET_LINK, /* `what` of a link that exists */
	STEP_ADD_ADDR,
	STEP_ADD_ROUTE,
	STEP_DEL_NODE, /* its namespace, with all that is in it */
};

/*
 * One step. Everything it points to belongs to the two models. ns of a link or
 * node is an index into want's nodes, or MODEL_HOST; for STEP_DEL_NODE and for
 * links of removed nodes into have's.
 */
struct step {
	enum step_kind kind;
	int place;		       /* index into want->nodes, or MODEL_HOST */
	const struct model_node *node; /* ADD_NODE, DEL_NODE */
	struct link *want;	       /* not const: its ifindex is filled in when known */
	const struct link *have;
	unsigned what; /* LINK_SET_... */
	const struct model_addr *addr;
	const struct model_route *route;
};

struct plan {
	struct step *steps;
	size_t count;
};

/* -ENOMEM or 0. The plan is the caller's, to be emptied with plan_done(). */
int plan_make(struct model *want, const struct model *have, struct plan *ret,
	      struct netsim_err *err);
void plan_done(struct plan *plan);

/* How many steps a user sees; a new veth's port is part of the step that makes it. */
size_t plan_count(const struct plan *plan);

/*
 * One line for people: "+ n100-1 eth1: veth to lan". Steps that only complete
 * another one (the port of a new veth) give an empty text.
 */
void step_describe(const struct step *step, const struct model *want, char *buf, size_t size);

#endif
