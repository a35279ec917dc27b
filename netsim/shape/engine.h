/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which engine realises a fleet's conditions, netem or the eBPF programs (edt), and
 * moving a fleet from one to the other. Calls that need the fleet's policy open it
 * anew and leave it open.
 */
#ifndef NETSIM_SHAPE_ENGINE_H
#define NETSIM_SHAPE_ENGINE_H

#include "netsim/config/classes.h"
#include "netsim/config/profile.h"
#include "netsim/fleet/fleet.h"
#include "netsim/shape/edt_commit.h"
#include "netsim/shape/intent.h"

/* Chooses the engine for an intent; fails if the requested one cannot realise it. */
int engine_choose(struct fleet *f, const struct intent *intent, bool whole, enum engine *ret,
		  struct netsim_err *err);
/* The reason why an intent needs edt: "pairs", "faults", "asked for". */
const char *engine_why(const struct intent *intent, const struct policy *policy);
/* Sets *ret to true if the programs realise the fleet's profile. */
int engine_is_edt(struct fleet *f, bool *ret, struct netsim_err *err);

/*
 * Moves an intent into the programs, all of it at one instant. With only_plain it is
 * refused with -ENOENT where packets would have to be held.
 */
int engine_use_edt(struct fleet *f, const struct intent *intent, bool only_plain,
		   struct netsim_err *err);
/* The same with the conditions read from netem, for a fleet whose intent is lost. */
int engine_adopt(struct fleet *f, struct netsim_err *err);
/* Removes the profile's conditions from the programs; faults stay. */
int engine_leave_edt(struct fleet *f, struct netsim_err *err);

/* edt_commit(), and the offloads that follow from it; ret_id may be NULL. */
int engine_commit(struct fleet *f, const struct edt_change *change, uint32_t *ret_id,
		  struct netsim_err *err);

/* policy_attach(), with the shipped classes in a policy that has none yet. */
int engine_attach(struct fleet *f, bool host, struct netsim_err *err);
/* Opens the fleet's policy, with the programs attached to all its ports. */
int engine_open_policy(struct fleet *f, struct netsim_err *err);
/* Opens it without attaching anything: for dry runs. */
int engine_peek_policy(struct fleet *f, struct netsim_err *err);
/* The classes that a profile names, or (NULL) the shipped ones; *ret NULL where none are found. */
int engine_load_classes(const struct profile *profile, struct class_set **ret,
			struct netsim_err *err);

#endif
