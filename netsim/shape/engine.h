/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chooses the engine that implements a fleet's conditions, netem or the eBPF programs
 * (edt), and moves a fleet from one to the other. Functions that need the fleet's policy
 * open it again and leave it open.
 */
#ifndef NETSIM_SHAPE_ENGINE_H
#define NETSIM_SHAPE_ENGINE_H

#include "netsim/config/classes.h"
#include "netsim/config/profile.h"
#include "netsim/fleet/fleet.h"
#include "netsim/shape/edt_commit.h"
#include "netsim/shape/intent.h"

/*
 * Chooses the engine for an intent. whole: the last layer applies to the whole fleet.
 * -EINVAL or -EBUSY with err if the requested engine does not support the intent.
 */
int engine_choose(struct fleet *f, const struct intent *intent, bool whole, enum engine *ret,
		  struct netsim_err *err);
/*
 * Puts the class file of an intent's profile into a policy, if there is one; the shipped classes if
 * the profile names no file, unless a fault of a class is in force.
 */
int engine_put_classes(struct fleet *f, const struct intent *intent, struct netsim_err *err);
/* The engine that the command or else the profile requests. */
enum engine engine_requested(const struct intent *intent);
/* The reason why the programs implement an intent, in a few words. */
const char *engine_why(const struct intent *intent, const struct policy *policy,
		       const struct model *model);
/* Sets *ret to true if the programs implement the fleet's profile. */
int engine_is_edt(struct fleet *f, bool *ret, struct netsim_err *err);

/*
 * Puts an intent in force in the programs, at one instant. only_plain: -ENOENT without
 * err if the intent delays packets.
 */
int engine_use_edt(struct fleet *f, const struct intent *intent, bool only_plain,
		   struct netsim_err *err);
/*
 * After netem failed with r and why: if only the kernel's lack of it is in the way, and the intent
 * neither delays packets nor requests netem, the programs implement it. Returns 0, or r with why
 * in err.
 */
int engine_without_netem(struct fleet *f, const struct intent *intent, int r,
			 const struct netsim_err *why, struct netsim_err *err);
/* The same as engine_use_edt() with the conditions read from netem, for a fleet whose intent is
 * lost. */
int engine_adopt(struct fleet *f, struct netsim_err *err);
/* Removes the profile's conditions from the programs; faults stay in force. */
int engine_leave_edt(struct fleet *f, struct netsim_err *err);

/* edt_commit(), and switches offloads to match. ret_id may be NULL. */
int engine_commit(struct fleet *f, const struct edt_change *change, uint32_t *ret_id,
		  struct netsim_err *err);

/*
 * Publishes the record of a fault that was put in force; undoes that if it fails. Consumes the
 * draft.
 */
int engine_record(struct fleet *f, struct intent_draft *record, const struct edt_change *undo,
		  struct netsim_err *err);

/* policy_attach(), after loading the shipped classes into a policy without classes. */
int engine_attach(struct fleet *f, bool host, struct netsim_err *err);
/* Opens the fleet's policy, with the programs attached to all its ports. */
int engine_open_policy(struct fleet *f, struct netsim_err *err);
/* Opens it without attaching programs: for dry runs. */
int engine_peek_policy(struct fleet *f, struct netsim_err *err);
/* Loads a profile's classes, or for NULL the shipped ones; *ret is NULL if there are none. */
int engine_load_classes(const struct profile *profile, struct class_set **ret,
			struct netsim_err *err);

#endif
