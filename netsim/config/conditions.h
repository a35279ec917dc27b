/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vocabulary of conditions: what can be asked for, read from a line of text,
 * merged, checked and printed. Which conditions a node gets is the profile's (profile.h).
 */
#ifndef NETSIM_CONDITIONS_H
#define NETSIM_CONDITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/util/err.h"
#include "netsim/util/unit.h"

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

#define FULL_FRAME 1514		      /* bytes of a full Ethernet frame, as shapers count it */
#define QUEUE_MIN  (100 * FULL_FRAME) /* bytes; the least queue where none is asked for */

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
	unsigned trace_has;	   /* columns of the trace: 1U << COND_... */
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
