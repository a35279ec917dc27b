/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Profiles: reads the conditions for nodes, pairs and classes, and resolves those of
 * one node or one path.
 */
#ifndef NETSIM_PROFILE_H
#define NETSIM_PROFILE_H

#include <stdio.h>

#include "netsim/config/conditions.h"
#include "netsim/util/err.h"

struct class_set;
struct pair_index;
struct trace;

/* The engine that implements delay and rate. */
enum engine { ENGINE_AUTO, ENGINE_NETEM, ENGINE_EDT };

/* One entry of `nodes:` (or `default:`, whose pattern is NULL). */
struct profile_rule {
	char *pattern; /* "n100-1", "jetson-*", "n100-[1-3]", "@server" */
	struct netsim_loc at;
	struct link_conditions conditions;
};

/*
 * Pairs and classes describe the path between two nodes, which is a separate hop in
 * addition to their links: delays add up, losses combine, the lowest rate limits. On
 * the path, a class overrides a pair, key by key.
 */

/* One entry of `pairs:`. */
struct profile_pair {
	char *from, *to; /* patterns, or "host" */
	bool both;	 /* given as `between:`: holds in both directions */
	struct netsim_loc at, from_at, to_at;
	struct link_conditions conditions; /* up: from -> to; down: to -> from, if both */
};

/* One entry of `classes:`. */
struct profile_class {
	char *name;
	struct netsim_loc at;
	struct conditions conditions; /* of each direction */
};

struct profile_table {
	char *file; /* as the profile names it */
	int16_t *table;
	size_t len;
};

struct profile_trace {
	char *file; /* as the profile names it */
	struct trace *trace;
};

struct profile {
	char *file;
	char *name;
	struct netsim_loc at;
	enum engine engine;
	struct profile_rule *rules;
	size_t rule_count;
	struct profile_pair *pairs;
	size_t pair_count;
	struct pair_index *pair_index; /* for profile_resolve_pair() */
	struct profile_class *classes;
	size_t class_count;
	char *class_file;      /* its path; NULL: profiles/classes.yaml */
	char *class_file_name; /* as the profile names it */
	struct netsim_loc class_file_at;
	struct profile_table *tables; /* the distribution tables read */
	size_t table_count;
	struct profile_trace *traces; /* the traces read */
	size_t trace_count;
};

/*
 * Reads a profile. The caller frees *ret with profile_free(); locations point to
 * profile->file. Returns -EINVAL with diags filled on failure.
 */
int profile_load(const char *path, struct profile **ret, struct netsim_diags *diags);
/* The same from memory; file is used in messages and to find tables and traces beside it. */
int profile_parse(const char *file, const char *data, size_t len, struct profile **ret,
		  struct netsim_diags *diags);
/* The same from a tree, which may be freed afterwards; the mapping may be inside another file. */
struct doc_node;
int profile_read(const char *file, const struct doc_node *doc, struct profile **ret,
		 struct netsim_diags *diags);
void profile_free(struct profile *profile);
int profile_print(const struct profile *profile, FILE *out);

/*
 * Resolves the conditions of a node. The most specific entry wins, key by key: default <
 * @role < glob or range < the node's name; between equally specific ones, the later.
 * Returns -EINVAL with err filled if the merged conditions contradict each other
 * (conditions_check()).
 */
int profile_resolve(const struct profile *profile, const char *node, const char *const *roles,
		    size_t role_count, struct link_conditions *ret, struct netsim_err *err);

/* The same from the entries with the node's own name only, as for the node of a DHCP server. */
int profile_resolve_named(const struct profile *profile, const char *node,
			  struct link_conditions *ret, struct netsim_err *err);

/* Returns whether the profile has conditions for paths: pairs or classes. */
bool profile_has_paths(const struct profile *profile);
/* Returns the place of the first entry for nodes that has a condition, NULL: none has. */
const struct netsim_loc *profile_find(const struct profile *profile, enum cond cond);

/*
 * Reports entries that contradict themselves however they are merged, such as a burst if no
 * entry gives a rate; then returns -EINVAL.
 */
int profile_check(const struct profile *profile, struct netsim_diags *diags);

/* The names with which those of a profile are compared. */
struct profile_fleet {
	const char **nodes, **roles;
	size_t node_count, role_count;
};

/*
 * Warns of each name, pattern or @role that no node has, but resembles one that a node has, and not
 * in another number only: others may be meant for another fleet. Sorts the nodes.
 */
void profile_warn_names(const struct profile *profile, const struct profile_fleet *fleet,
			struct netsim_diags *diags);
/*
 * Warns of pairs in which no node is meant, and returns their number. Call profile_warn_names()
 * before.
 */
size_t profile_warn_pairs(const struct profile *profile, const struct profile_fleet *fleet,
			  struct netsim_diags *diags);

/* One end of a path. */
struct profile_end {
	const char *name;
	const char *const *roles;
	size_t role_count;
};

/*
 * Resolves `pairs:` for the path between two nodes. "host" is the host; patterns do not
 * match it. The most specific entry wins, key by key (both ends count); between equally
 * specific ones, the later. A path from a node to itself has no conditions. Fails like
 * profile_resolve().
 */
int profile_resolve_pair(const struct profile *profile, struct profile_end from,
			 struct profile_end to, struct conditions *ret, struct netsim_err *err);

/*
 * Reads the class file that the profile names, or profiles/classes.yaml. The caller frees
 * *ret with classes_free(). Returns -EINVAL with diags filled on failure.
 */
int profile_load_classes(const struct profile *profile, struct class_set **ret,
			 struct netsim_diags *diags);

/* Reports every class of the profile that is not in set, and then returns -EINVAL. */
int profile_check_classes(const struct profile *profile, const struct class_set *set,
			  struct netsim_diags *diags);

/* Lists the keys of profiles, for the test of the manual; returns their number. */
size_t profile_keys(const char **names, size_t max);

#endif
