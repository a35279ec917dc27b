/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was asked of a fleet: the profiles that were applied, in /run/netsim. The
 * kernel shows what is in force; only this tells what should be. Losing the file
 * loses names, and the base that faults are put on top of where netem holds it.
 */
#ifndef NETSIM_INTENT_H
#define NETSIM_INTENT_H

#include "netsim/config/profile.h"
#include "netsim/kernel/model.h"

/* One call of apply, or of clear, whose profile is NULL. */
struct intent_layer {
	char *profile; /* its name */
	char *file;    /* its absolute path */
	char *text;    /* what it said then */
	char **ports;  /* "n100-1/eth1", taps too; NULL: the whole fleet */
	size_t port_count;
	struct profile *parsed; /* intent_parse() */
};

/* One fault or partition, in words: as the policy has it, but with names. */
struct intent_fault {
	uint32_t id;
	uint32_t kind;	   /* enum port_fault_kind */
	uint64_t deadline; /* CLOCK_MONOTONIC in ns, 0: none */
	char *conditions, *targets, *class;
	/* Of links: the VLAN (0: the whole link); flaps: each period, and how long of it it is up.
	 */
	uint16_t vlan;
	uint64_t period_ns, up_ns;
	char **groups; /* partitions: each "a,b,c", the rest named as well */
	size_t group_count;
};

/* What a port was found to do, where nobody knows any more what was asked. */
struct intent_seen {
	const char *node, *iface;
	struct link_conditions conditions;
};

struct intent {
	struct intent_layer *layers; /* later ones win */
	size_t layer_count;
	enum engine engine;	     /* that was asked for */
	struct intent_fault *faults; /* in the order of their numbers */
	size_t fault_count;
	struct intent_seen *seen; /* of a fleet without layers; the caller's */
	size_t seen_count;
	uint64_t now; /* CLOCK_MONOTONIC in ns when it was read: faults due before it are over */
};

/* Always fills ret; with nothing where there is no file or it cannot be read. */
void intent_read(const char *fleet, struct intent *ret);
/* Replaces the file in one step; an intent without layers and faults removes it. */
int intent_write(const char *fleet, const struct intent *intent, struct netsim_err *err);
void intent_done(struct intent *intent);

/* Reads a profile once, for all that one call does with it. */
int intent_load(const char *path, struct intent_layer *ret, struct netsim_diags *diags,
		struct netsim_err *err);
void intent_layer_done(struct intent_layer *layer);

/*
 * Adds a layer for some ports, or, with ports NULL, for the whole fleet, which replaces
 * all layers before. A layer without a profile asks for nothing: clear. On success the
 * layer's texts belong to the intent, and the caller's is empty; ports are copied.
 */
int intent_add(struct intent *intent, struct intent_layer *layer, char *const *ports,
	       size_t port_count, struct netsim_err *err);

/* Adds a fault; its texts are copied. */
int intent_add_fault(struct intent *intent, const struct intent_fault *fault,
		     struct netsim_err *err);
/* Forgets those faults, and all that are over. */
void intent_end_faults(struct intent *intent, const uint32_t *ids, size_t count);

/* Both, on the fleet's file; fault may be NULL. */
int intent_note(const char *fleet, const struct intent_fault *fault, const uint32_t *ended,
		size_t ended_count, struct netsim_err *err);

/* Forgets all faults of the fleet's file, also those that the kernel lost. */
int intent_forget_faults(const char *fleet, struct netsim_err *err);

/* Reads the texts into profiles; a mistake in them goes to err. */
int intent_parse(struct intent *intent, struct netsim_err *err);

/* What a port's link is to do: the last layer that names it says so. After intent_parse(). */
int intent_port(const struct intent *intent, const struct model_node *node, const char *iface,
		struct link_conditions *ret, struct netsim_err *err);

/* The profile of the whole fleet, which is the one that has pairs and classes; or NULL. */
const struct profile *intent_whole(const struct intent *intent);

#endif
