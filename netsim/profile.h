/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The profile file: conditions for nodes, and what they come to for one node.
 */
#ifndef NETSIM_PROFILE_H
#define NETSIM_PROFILE_H

#include <stdio.h>

#include "netsim/err.h"
#include "netsim/unit.h"

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

/* What one direction of a link does to packets. */
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
enum engine { ENGINE_AUTO, ENGINE_NETEM };

/* One entry of `nodes:` (or `default:`, whose pattern is NULL). */
struct profile_rule {
	char *pattern; /* "n100-1", "jetson-*", "n100-[1-3]", "@server" */
	struct netsim_loc at;
	struct link_conditions conditions;
};

struct profile_table {
	char *file; /* as the profile names it */
	int16_t *table;
	size_t len;
};

struct profile {
	char *file;
	char *name;
	struct netsim_loc at;
	enum engine engine;
	struct profile_rule *rules;
	size_t rule_count;
	struct profile_table *tables; /* the distribution files that were read */
	size_t table_count;
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

/* The keys a profile can have, for the manual's test; returns how many. */
size_t profile_keys(const char **names, size_t max);

/* Takes over from more every condition that it has. */
void conditions_merge(struct conditions *c, const struct conditions *more);

/* Prints one direction as the file would say it: "100mbit delay 2.5ms loss 1%", or "none".
 * Returns the length that the whole text has, as snprintf(). */
int conditions_format(const struct conditions *c, char *buf, size_t size);

#endif
