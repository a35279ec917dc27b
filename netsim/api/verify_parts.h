/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to verify: the fleet as verify sees it, and its interfaces. */
#ifndef NETSIM_API_VERIFY_PARTS_H
#define NETSIM_API_VERIFY_PARTS_H

#include "netsim/fleet/cable.h"
#include "netsim/fleet/fleet.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/shape/expected.h"
#include "netsim/shape/intent.h"
#include "netsim/verify/run.h"

/* An interface with an address; parallel to run.links. */
struct place {
	int node;		 /* index in the model, or MODEL_HOST */
	size_t end;		 /* index in run.ends */
	const struct link *link; /* the interface; NULL: the host's own, or a guest's */
	struct cable_place at;
	bool guest;	/* VM behind a tap: can only be pinged */
	char name[160]; /* of its end or, if several places share that, a longer one of its own */
};

/* Descriptions of the qdiscs inside a node, on the way out and in; "" if there are none. */
struct inside {
	char up[160], down[160];
};

struct view {
	struct fleet fleet; /* its policy is NULL if none is loaded */
	/* By node, and after the nodes the host: whether verify is about it; NULL: about all. */
	bool *named;
	size_t named_places;
	struct intent intent;
	struct class_set *classes; /* NULL: no class has conditions */
	struct qdiscs qdiscs;
	bool known;	  /* the intent is recorded */
	bool from_kernel; /* take expected conditions from the kernel instead */
	struct place *places;
	size_t place_count;
	size_t more_pairs, pairs_left; /* pairs with conditions: measured in addition; left out */
	struct verify_run run;
	struct verify_rows rows;
	struct inside *inside; /* by end */
	char basis[160];
};

/* Reads the names of the nodes that verify is about, if there are any; the places are known. */
int verify_name_nodes(struct view *v, const struct netsim_verify_opts *opts,
		      struct netsim_err *err);

/*
 * Whether to measure the pair of two places: never if neither is named, always between the named
 * ones, unless these are many; or as far as all pairs are.
 */
enum verify_pair_choice { VERIFY_PAIR_NEVER, VERIFY_PAIR_PERHAPS, VERIFY_PAIR_ALWAYS };
enum verify_pair_choice verify_choose_named(const struct view *v, size_t a, size_t b);

/* Finds all interfaces with an address: fills places, run.links and run.ends. */
int verify_places(struct view *v, struct netsim_err *err);

/* A port, and the VLAN of the traffic there (0: untagged). */
struct verify_port {
	const struct link *link;
	uint16_t tag;
};

/* Returns whether a port is up now. */
bool verify_port_is_up(const struct view *v, const struct link *port);
/* Returns the expected conditions and the state of a port, from the intent or the kernel's state.
 */
int verify_port(const struct view *v, const struct verify_port *port, struct link_conditions *ret,
		enum expected_state *ret_state, struct netsim_err *err);
/*
 * Adds to those of a path the conditions of the cables between networks that it crosses. Sets
 * path->cut if one is down, and path->why_path if it cannot be said what they are together.
 */
int verify_crossing(const struct view *v, const struct place *from, const struct place *to,
		    struct verify_path *path, struct netsim_err *err);

/* Measures and judges what a machine that is itself a node can prove; fills rows. */
int verify_machine(struct view *v, struct netsim_err *err);

/* Whether one of the names selects the class. */
bool verify_has_class(const struct class *class, const char *const *names, size_t count);
/* Adds a row for each node, class and pair that is not measured. */
int verify_apart(struct view *v, struct netsim_err *err);

#endif
