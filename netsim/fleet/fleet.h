/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fleet that is up: its links, its policy, and the lock while it is changed. */
#ifndef NETSIM_FLEET_FLEET_H
#define NETSIM_FLEET_FLEET_H

#include "netsim/kernel/state.h"
#include "netsim/policy/policy.h"

struct fleet {
	struct state *st;
	char *name;
	struct model *model;   /* its bridges, ports and IFBs, as the kernel has them */
	struct policy *policy; /* NULL until one of the calls below opens it */
	int lock;	       /* -1: none */
};

#define FLEET_NONE ((struct fleet) {.lock = -1})

enum fleet_use {
	FLEET_LOOK,	   /* no lock; the host's links */
	FLEET_LOOK_INSIDE, /* no lock; also links, addresses and routes inside the nodes */
	FLEET_CHANGE,	   /* locked, so that writers take turns; the host's links */
};

/*
 * Opens the fleet that name means (NULL: the only one); no fleet at all is an error.
 * *ret is filled on failure too; end it with fleet_close().
 */
int fleet_open(struct state *st, const char *name, enum fleet_use use, struct fleet *ret,
	       struct netsim_err *err);
/* The same for a fleet known by its name, whose lock the caller holds or does not need. */
int fleet_read(struct state *st, const char *name, struct fleet *ret, struct netsim_err *err);
void fleet_close(struct fleet *f);
/* Lets other writers in; the policy stays open. */
void fleet_unlock(struct fleet *f);

/* Opens the policy in force anew; it stays NULL where no port has the programs. */
int fleet_find_policy(struct fleet *f, struct netsim_err *err);
/* The same, but loads the programs where no port has them; they are not attached yet. */
int fleet_get_policy(struct fleet *f, struct netsim_err *err);

#endif
