/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the public interface share. */
#ifndef NETSIM_API_H
#define NETSIM_API_H

#include "netsim/config/profile.h"
#include "netsim/kernel/state.h"
#include "netsim/policy/policy.h"
#include "netsim/shape/intent.h"
#include "netsim/util/err.h"

struct netsim {
	struct state state;
};

#define API __attribute__((visibility("default")))

/* Appends a formatted line. */
int lines_add(struct netsim_lines *lines, struct netsim_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Gives the profile that is in force for the whole fleet to ports that were not
 * there before (before: the links that were). A profile that cannot be read any
 * more is an error. *ret counts the ports.
 */
int api_shape_new(struct netsim *ns, const struct model *before, const char *fleet, size_t *ret,
		  struct netsim_err *err);

/* Which engine is to realise what is asked, and whether it can. */
int api_choose_engine(struct netsim *ns, const struct model *fleet, const struct intent *intent,
		      bool whole, enum engine *ret, struct netsim_err *err);
/* Why the programs realise what is asked, in a word or two. */
const char *api_why_edt(const struct intent *intent, const struct policy *policy);
/* True where the programs at the ports realise the fleet's conditions. */
int api_fleet_is_edt(struct netsim *ns, const struct model *fleet, bool *ret,
		     struct netsim_err *err);
/*
 * Lets the programs realise what is asked, from one instant on. With only_plain it
 * is refused with -ENOENT where packets would have to be held.
 */
int api_fleet_edt(struct netsim *ns, const struct model *fleet, const struct intent *intent,
		  bool only_plain, struct netsim_err *err);
/* The same with what netem is seen to do, for a fleet whose intent is lost. */
int api_fleet_seen(struct netsim *ns, const struct model *fleet, struct netsim_err *err);
/* Takes the profile's conditions out of the programs; faults stay. */
int api_fleet_leave_edt(struct netsim *ns, const struct model *fleet, struct netsim_err *err);

/* 1 where netem cannot realise the profile beside this fault; 0; an error in its targets. */
int api_fault_needs_edt(const struct policy *policy, const struct port_fault *fault,
			const struct model *fleet, struct netsim_err *err);

/* engine_commit(), and the offloads that follow from it. */
struct engine_change;
int api_commit(struct netsim *ns, const struct model *fleet, struct policy *policy,
	       const struct engine_change *change, uint32_t *ret_id, struct netsim_err *err);

/* "wan: loss 5% on n100-1:n100-2", "partition n100-1 | rest". */
void api_describe_fault(const struct policy *policy, const struct port_fault *fault, char *buf,
			size_t size);

/* policy_attach(), with the classes that every new policy has. */
int api_attach(struct netsim *ns, const struct model *fleet, struct policy *policy, bool host,
	       struct netsim_err *err);
/* The classes that a profile names, or (NULL) the shipped ones; *ret NULL where none are found. */
int api_load_classes(const struct profile *profile, struct class_set **ret, struct netsim_err *err);
/* Opens the fleet's policy, with the programs at all its ports. */
int api_open_policy(struct netsim *ns, const struct model *fleet, bool host, struct policy **ret,
		    struct netsim_err *err);
/* The same without attaching anything, or one that goes with *ret where there is none. */
int api_look_at_policy(struct netsim *ns, const struct model *fleet, struct policy **ret,
		       struct netsim_err *err);

/* Moves the first mistake of a file into err. */
int api_first_mistake(const struct netsim_diags *diags, struct netsim_err *err);

#endif
