/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intent: the profiles applied to a fleet and the faults in force, recorded in
 * /run/netsim. The kernel's state shows the actual conditions, this file the requested
 * ones. Without it, names are lost, and so is the profile under faults if netem realises it.
 */
#ifndef NETSIM_INTENT_H
#define NETSIM_INTENT_H

#include "netsim/config/profile.h"
#include "netsim/kernel/model.h"

/* One call of apply, or of clear (profile NULL). */
struct intent_layer {
	char *profile; /* its name */
	char *file;    /* its absolute path */
	char *text;    /* its contents when it was applied */
	char **ports;  /* "n100-1/eth1", also for taps; NULL: the whole fleet */
	size_t port_count;
	struct profile *parsed; /* intent_parse() */
};

/* One fault or partition, with names where the policy has numbers. */
struct intent_fault {
	uint32_t id;
	uint32_t kind;	   /* enum port_fault_kind */
	uint64_t deadline; /* CLOCK_MONOTONIC in ns, 0: none */
	char *conditions, *targets, *class;
	/* Link faults: the VLAN (0: the whole link); for flapping, the period and its up time. */
	uint16_t vlan;
	uint64_t period_ns, up_ns;
	char **groups; /* partitions: each "a,b,c"; the rest of the nodes is listed too */
	size_t group_count;
};

/* Conditions read from a port's qdiscs, for a fleet whose intent is lost. */
struct intent_seen {
	const char *node, *iface;
	struct link_conditions conditions;
};

struct intent {
	struct intent_layer *layers; /* later ones win */
	size_t layer_count;
	enum engine engine;	     /* requested */
	struct intent_fault *faults; /* in the order of their ids */
	size_t fault_count;
	char **pulled; /* "n100-1/eth1": cables that netsim link pulled out, without a fault */
	size_t pulled_count;
	struct intent_seen *seen; /* of a fleet without layers; owned by the caller */
	size_t seen_count;
	uint64_t now; /* CLOCK_MONOTONIC in ns at intent_read(): faults with earlier deadlines are
			 over */
};

/* Reads a fleet's file. Always fills ret: empty if there is no file or it is not readable. */
void intent_read(const char *fleet, struct intent *ret);
/* Replaces the file atomically; an intent without layers and faults removes it. */
int intent_write(const char *fleet, const struct intent *intent, struct netsim_err *err);
void intent_done(struct intent *intent);

/* Loads a profile into a layer; mistakes in the file go to diags. */
int intent_load(const char *path, struct intent_layer *ret, struct netsim_diags *diags,
		struct netsim_err *err);
void intent_layer_done(struct intent_layer *layer);

/*
 * Adds a layer for some ports or, with ports NULL, for the whole fleet, replacing all
 * earlier layers. A layer without a profile clears. On success the intent owns the layer's
 * strings and *layer is empty. Copies ports.
 */
int intent_add(struct intent *intent, struct intent_layer *layer, char *const *ports,
	       size_t port_count, struct netsim_err *err);

/* Adds a fault; copies its strings. */
int intent_add_fault(struct intent *intent, const struct intent_fault *fault,
		     struct netsim_err *err);
/* Removes the faults with these ids, and all whose deadline has passed. */
void intent_end_faults(struct intent *intent, const uint32_t *ids, size_t count);

/* Ends faults and adds one (may be NULL) in the fleet's file. */
int intent_note(const char *fleet, const struct intent_fault *fault, const uint32_t *ended,
		size_t ended_count, struct netsim_err *err);

/*
 * Notes in the fleet's file that a cable ("n100-1/eth1"; NULL: each one) was pulled out or,
 * if up, plugged in.
 */
int intent_note_cable(const char *fleet, const char *cable, bool up, struct netsim_err *err);
/* Returns whether a cable is noted as pulled out. */
bool intent_has_pulled(const struct intent *intent, const char *node, const char *iface);

/* Removes all faults from the fleet's file, also those that the kernel has lost. */
int intent_forget_faults(const char *fleet, struct netsim_err *err);

/* Parses the layers' profiles. -EINVAL with the first mistake in err. */
int intent_parse(struct intent *intent, struct netsim_err *err);

/* Resolves a port's conditions: the last layer that names it wins. Call intent_parse() before. */
int intent_port(const struct intent *intent, const struct model_node *node, const char *iface,
		struct link_conditions *ret, struct netsim_err *err);

/* The profile of the whole fleet, the only one with pairs and classes; or NULL. */
const struct profile *intent_whole(const struct intent *intent);

#endif
