/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The profile file: conditions for nodes, and what they come to for one node.
 */
#ifndef NETSIM_PROFILE_H
#define NETSIM_PROFILE_H

#include <stdio.h>

#include "netsim/util/err.h"
#include "netsim/util/unit.h"

struct class_set;
struct pair_index;
struct trace;

/* The conditions that can be asked for, one bit each in conditions.has. */
enum cond {
	COND_RATE,
	COND_BURST,
	COND_QUEUE,
	COND_DELAY,
	COND_JITTER,
	COND_DISTRIBUTION,
	COND_REORDER,
	COND_LOSS,
	COND_DUPLICATE,
	COND_CORRUPT,
	COND_SLOT,
	COND_SEED,
	COND_TRACE,
	COND_COUNT,
};

enum queue_unit { QUEUE_TIME, QUEUE_BYTES, QUEUE_PACKETS };

struct queue {
	enum queue_unit unit;
	uint64_t value; /* ns, bytes or packets */
};

enum distribution { DIST_UNIFORM, DIST_NORMAL, DIST_PARETO, DIST_PARETONORMAL, DIST_FILE };

enum reorder { REORDER_FORBIDDEN, REORDER_ALLOWED, REORDER_RATIO };

enum loss_model { LOSS_RANDOM, LOSS_GILBERT_ELLIOTT, LOSS_4STATE };

struct loss {
	enum loss_model model;
	struct ratio ratio;	      /* LOSS_RANDOM */
	struct ratio p, r, bad, good; /* gilbert-elliott: transitions, loss when bad / good */
	struct ratio p13, p31, p32, p23, p14; /* 4-state */
};

/* Packets leave in slots: at most this many per slot, slots min..max apart. */
struct slot {
	struct duration min, max;
	uint32_t packets;  /* 0: no limit */
	struct size bytes; /* 0: no limit */
};

/*
 * What one direction of a link, or of a path between two nodes, does to packets.
 * A trace gives those of rate, delay and loss that it has columns for. Where the
 * plain condition is there as well, it stands beside the trace or was said more
 * specifically, and wins over the column.
 */
struct conditions {
	unsigned has; /* 1U << COND_... */
	struct netsim_loc at[COND_COUNT];
	struct rate rate;
	struct size burst;
	struct queue queue;
	struct duration delay;	/* one way */
	struct duration jitter; /* one way */
	enum distribution distribution;
	const char *table_file; /* DIST_FILE: as the file names it; owned by the profile */
	const int16_t *table; /* DIST_FILE: the inverse CDF scaled by 8192; owned by the profile */
	size_t table_len;
	enum reorder reorder;
	struct ratio reorder_ratio;
	struct loss loss;
	struct ratio duplicate, corrupt;
	struct slot slot;
	uint64_t seed;
	const char *trace_file;	   /* as the file names it; owned by the profile */
	const struct trace *trace; /* owned by the profile */
};

static inline bool cond_has(const struct conditions *c, enum cond cond)
{
	return c->has & (1U << cond);
}

/* The two directions of a node's link. */
struct link_conditions {
	struct conditions up;	/* from the node */
	struct conditions down; /* to the node */
};

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

/*
 * What `pairs:` come to for the path from one node to another; "host" is the host,
 * which only that very word names. Of the entries that match, the more specific
 * wins key by key (the sum of both ends), of two alike the later. From a node to
 * itself there is no path and nothing on it. Fails as profile_resolve().
 */
int profile_resolve_pair(const struct profile *profile, const char *from,
			 const char *const *from_roles, size_t n_from, const char *to,
			 const char *const *to_roles, size_t n_to, struct conditions *ret,
			 struct netsim_err *err);

/* Reads the class file that the profile names, or the one that is shipped; -EINVAL and diags. */
int profile_load_classes(const struct profile *profile, struct class_set **ret,
			 struct netsim_diags *diags);

/* Reports the classes that the set does not have; -EINVAL if there are any. */
int profile_check_classes(const struct profile *profile, const struct class_set *set,
			  struct netsim_diags *diags);

/* The keys a profile can have, for the manual's test; returns how many. */
size_t profile_keys(const char **names, size_t max);

/*
 * Takes over from more every condition that it has. A trace takes the place of
 * the conditions that it has columns for.
 */
void conditions_merge(struct conditions *c, const struct conditions *more);

/*
 * Refuses what only contradicts itself once everything has come together: jitter
 * without delay, a burst without a rate. whose ("n-1", "n-1 to n-2") and direction
 * ("up", "down" or "") are for the message.
 */
int conditions_check(const struct conditions *c, const char *whose, const char *direction,
		     struct netsim_err *err);

/*
 * Reads what a command line says, and all that conditions_format() prints: "loss 5%
 * delay 80ms", "100mbit delay 2.5ms", "none". No rtt, no table files, no traces.
 * Errors are of kind USAGE, without a place. Does not call conditions_check().
 */
int conditions_parse(const char *text, struct conditions *ret, struct netsim_err *err);

/*
 * Gilbert-Elliott from a mean loss and the mean length of a burst, in thousand
 * millionths of a packet. -ERANGE with *why saying what is impossible.
 */
#define LOSS_BURST_MAX 1000000
int loss_from_mean(struct ratio mean, uint64_t burst, struct loss *ret, const char **why);
/* "4", "2.5": -EINVAL or -ERANGE unless it is from 1 to LOSS_BURST_MAX. */
int loss_parse_burst(const char *text, uint64_t *ret);

/* Prints one direction as the file would say it: "100mbit delay 2.5ms loss 1%", or "none".
 * Returns the length that the whole text has, as snprintf(). */
int conditions_format(const struct conditions *c, char *buf, size_t size);

#endif
