/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intent: the profiles applied to a fleet and the faults in force, recorded in
 * /run/netsim. The kernel's state shows the actual conditions, this file the requested
 * ones. Without it, the name of the profile is lost, and faults that need edt build on the
 * conditions that the qdiscs of netem show.
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
	uint64_t start;	   /* the same clock */
	char *name;	   /* or NULL */
	bool l2;	   /* address resolution is affected, too */
	bool reject;	   /* partitions: they answer what they drop */
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

/*
 * Reads a fleet's file. Fills ret: it is empty if there is no file, or on failure. Fails
 * with err if it is not a regular file, not readable, or could have been written by others
 * than this user or root.
 */
int intent_read(const char *fleet, struct intent *ret, struct netsim_err *err);

/*
 * A draft of the file's next content, written to a second file, so that errors occur before
 * the change that it records. An intent without layers, faults and pulled cables has no file.
 */
struct intent_draft {
	char path[160], fresh[168];
	char *text;    /* NULL: remove the file */
	bool in_place; /* no room for a second file, but the text fits into the old one */
};
int intent_draft(const char *fleet, const struct intent *intent, struct intent_draft *ret,
		 struct netsim_err *err);
/* The same for the file's content with faults ended and one (may be NULL) added. */
int intent_draft_fault(const char *fleet, const struct intent_fault *fault, const uint32_t *ended,
		       size_t ended_count, struct intent_draft *ret, struct netsim_err *err);
/* The same with all faults ended, including those that the kernel has lost. */
int intent_draft_healed(const char *fleet, struct intent_draft *ret, struct netsim_err *err);
/* Replaces the file by the draft, with a rename. Consumes the draft. */
int intent_publish(struct intent_draft *draft, struct netsim_err *err);
/* Drops a draft; does nothing after intent_publish(). */
void intent_discard(struct intent_draft *draft);

/* Removes the file, and a draft of it. */
void intent_remove(const char *fleet);
/* Drafts and publishes an intent. */
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

/* Cables ("n100-1/eth1") that netsim link pulls out or, if up, plugs in. */
struct intent_cables {
	const char **names;
	size_t count;
	bool up;
};
/* Drafts the file's content with these cables recorded as pulled out, or no longer. */
int intent_draft_cables(const char *fleet, const struct intent_cables *cables,
			struct intent_draft *ret, struct netsim_err *err);
/* Records that all cables are plugged in. */
int intent_plug_cables(const char *fleet, struct netsim_err *err);
/* Returns whether a cable is recorded as pulled out. */
bool intent_has_pulled(const struct intent *intent, const char *node, const char *iface);

/* Parses the layers' profiles. -EINVAL with the first mistake in err. */
int intent_parse(struct intent *intent, struct netsim_err *err);
/* Both: intent_read() and intent_parse(). Call intent_done() afterwards, even on error. */
int intent_read_parsed(const char *fleet, struct intent *ret, struct netsim_err *err);

/* Resolves a port's conditions: the last layer that names it wins. Call intent_parse() before. */
int intent_port(const struct intent *intent, const struct model_node *node, const char *iface,
		struct link_conditions *ret, struct netsim_err *err);

/* The profile of the whole fleet, the only one with pairs and classes; or NULL. */
const struct profile *intent_whole(const struct intent *intent);

#endif
