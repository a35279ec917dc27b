/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fleet that is up: its links, its policy, and the lock of a writer. */
#ifndef NETSIM_FLEET_FLEET_H
#define NETSIM_FLEET_FLEET_H

#include "netsim/kernel/state.h"
#include "netsim/policy/policy.h"

struct fleet {
	struct state *st;
	char *name;
	struct model *model;   /* its bridges, ports and IFBs, read from the kernel */
	struct policy *policy; /* NULL until one of the calls below opens it */
	int lock;	       /* -1: none */
	bool withhold;	       /* of the policies that are opened: see policy_withhold() */
};

#define FLEET_NONE ((struct fleet) {.lock = -1})

enum fleet_use {
	FLEET_LOOK,	   /* no lock; reads the host's links */
	FLEET_LOOK_INSIDE, /* no lock; also reads links, addresses and routes in the nodes */
	FLEET_CHANGE,	   /* takes the lock; reads the host's links */
};

/*
 * Opens the fleet of this name (NULL: the only one). -ENOENT with err if there is none.
 * Call fleet_close() on *ret, after failure too.
 */
int fleet_open(struct state *st, const char *name, enum fleet_use use, struct fleet *ret,
	       struct netsim_err *err);
/* The same for an exact name, without a lock: the caller holds it or does not need it. */
int fleet_read(struct state *st, const char *name, struct fleet *ret, struct netsim_err *err);
void fleet_close(struct fleet *f);
/* Releases the lock; the policy stays open. */
void fleet_unlock(struct fleet *f);

/* Opens the policy in force again; f->policy is NULL if no port has the programs. */
int fleet_find_policy(struct fleet *f, struct netsim_err *err);
/* The same, but loads the programs, without attaching them, if no port has them. */
int fleet_get_policy(struct fleet *f, struct netsim_err *err);

#endif
