/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The profile file: conditions for nodes and for paths, and what they come to for one
 * node or one path.
 */
#ifndef NETSIM_PROFILE_H
#define NETSIM_PROFILE_H

#include <stdio.h>

#include "netsim/config/conditions.h"
#include "netsim/util/err.h"

struct class_set;
struct pair_index;
struct trace;

/* Which engine realises delay and rate. */
enum engine { ENGINE_AUTO, ENGINE_NETEM, ENGINE_EDT };

/* One entry of `nodes:` (or `default:`, whose pattern is NULL). */
struct profile_rule {
	char *pattern; /* "n100-1", "jetson-*", "n100-[1-3]", "@server" */
	struct netsim_loc at;
	struct link_conditions conditions;
};

/*
 * Pairs and classes describe the path between two nodes, a hop of its own beside
 * their links: delays add, losses combine, the lowest rate rules. On the path a
 * class wins over a pair, key by key.
 */

/* One entry of `pairs:`. */
struct profile_pair {
	char *from, *to; /* patterns, or "host" */
	bool both;	 /* written as between: it holds from to to from as well */
	struct netsim_loc at;
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
	struct pair_index *pair_index; /* how profile_resolve_pair() finds them */
	struct profile_class *classes;
	size_t class_count;
	char *class_file;      /* its path, or NULL: the one that is shipped */
	char *class_file_name; /* as the profile names it */
	struct netsim_loc class_file_at;
	struct profile_table *tables; /* the distribution files that were read */
	size_t table_count;
	struct profile_trace *traces; /* the traces that were read */
	size_t trace_count;
};

/*
 * Reads a profile. On success *ret is the caller's (profile_free); locations
 * point to profile->file. On failure -EINVAL and diags.
 */
int profile_load(const char *path, struct profile **ret, struct netsim_diags *diags);
/* The same from memory; file is what messages call it and where tables are looked for. */
int profile_parse(const char *file, const char *data, size_t len, struct profile **ret,
		  struct netsim_diags *diags);
void profile_free(struct profile *profile);
int profile_print(const struct profile *profile, FILE *out);

/*
 * What the profile asks of a node. The most specific entry wins key by key:
 * default < @role < glob or range < the node's own name; of two alike, the later.
 * Fails with -EINVAL and err where what comes together contradicts itself
 * (jitter without delay, a burst without a rate).
 */
int profile_resolve(const struct profile *profile, const char *node, const char *const *roles,
		    size_t role_count, struct link_conditions *ret, struct netsim_err *err);

/* True when the profile has conditions for paths, that is pairs or classes. */
bool profile_has_paths(const struct profile *profile);

/* One end of a path. */
struct profile_end {
	const char *name;
	const char *const *roles;
	size_t role_count;
};

/*
 * What `pairs:` come to for the path from one node to another; "host" is the host,
 * which only that very word names. Of the entries that match, the more specific
 * wins key by key (the sum of both ends), of two alike the later. From a node to
 * itself there is no path and nothing on it. Fails as profile_resolve().
 */
int profile_resolve_pair(const struct profile *profile, struct profile_end from,
			 struct profile_end to, struct conditions *ret, struct netsim_err *err);

/* Reads the class file that the profile names, or the one that is shipped; -EINVAL and diags. */
int profile_load_classes(const struct profile *profile, struct class_set **ret,
			 struct netsim_diags *diags);

/* Reports the classes that the set does not have; -EINVAL if there are any. */
int profile_check_classes(const struct profile *profile, const struct class_set *set,
			  struct netsim_diags *diags);

/* The keys a profile can have, for the manual's test; returns how many. */
size_t profile_keys(const char **names, size_t max);

#endif
