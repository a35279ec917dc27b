/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions of one direction of a link or path: the type, and functions to parse,
 * merge, check and print them. profile.h resolves which conditions a node gets.
 */
#ifndef NETSIM_CONDITIONS_H
#define NETSIM_CONDITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/util/err.h"
#include "netsim/util/unit.h"

struct trace;

/* All conditions; each has a bit in conditions.has. */
enum cond {
	COND_RATE,
	COND_BURST,
	COND_PEAK,
	COND_QUEUE,
	COND_OVERHEAD,
	COND_DELAY,
	COND_JITTER,
	COND_DISTRIBUTION,
	COND_REORDER,
	COND_LOSS,
	COND_DUPLICATE,
	COND_CORRUPT,
	COND_LARGER,
	COND_HOLD, /* of faults only */
	COND_SLOT,
	COND_SEED,
	COND_TRACE,
	COND_COUNT,
};

#define FULL_FRAME   1514		/* bytes of a full Ethernet frame, as shapers count it */
#define FRAME_HEADER 14			/* of Ethernet, which an MTU does not count */
#define OVERHEAD_MAX 1000		/* bytes */
#define CELL_PAYLOAD 48			/* bytes of an ATM cell that carry data */
#define CELL	     53			/* bytes of an ATM cell */
#define LARGER_MAX   65535		/* bytes; longest IP packet */
#define QUEUE_MIN    (100 * FULL_FRAME) /* bytes; lower bound of the default queue */

enum queue_unit { QUEUE_TIME, QUEUE_BYTES, QUEUE_PACKETS };

struct queue {
	enum queue_unit unit;
	uint64_t value; /* ns, bytes or packets */
};

/* What a frame takes on the link beyond its own bytes, which the rate counts. */
struct overhead {
	uint32_t bytes;
	bool atm; /* frames with their overhead fill whole ATM cells */
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

/* Slotted delivery: slots open min to max apart and send at most this much each. */
struct slot {
	struct duration min, max;
	uint32_t packets;  /* 0: no limit */
	struct size bytes; /* 0: no limit */
};

/*
 * The conditions of one direction of a link, or of a path between two nodes. A trace
 * supplies those of rate, delay and loss that it has columns for. A plain condition
 * that is also present comes from the same entry as the trace or from a more specific
 * one, and overrides the column.
 */
struct conditions {
	unsigned has; /* 1U << COND_... */
	struct netsim_loc at[COND_COUNT];
	struct rate rate;
	struct size burst;
	struct rate peak; /* of a burst */
	struct queue queue;
	struct overhead overhead;
	struct duration delay;	/* one way */
	struct duration jitter; /* one way */
	enum distribution distribution;
	const char *table_file; /* DIST_FILE: as named in the profile, which owns it */
	const int16_t *table; /* DIST_FILE: the inverse CDF scaled by 8192; owned by the profile */
	size_t table_len;
	enum reorder reorder;
	struct ratio reorder_ratio;
	struct loss loss;
	struct ratio duplicate, corrupt;
	struct size larger; /* IP packets longer than this are dropped */
	struct slot slot;
	uint64_t seed;
	const char *trace_file;	   /* as named in the profile, which owns it */
	const struct trace *trace; /* owned by the profile */
	unsigned trace_has;	   /* columns of the trace: 1U << COND_... */
};

static inline bool cond_has(const struct conditions *c, enum cond cond)
{
	return c->has & (1U << cond);
}

/* Returns the bytes that a rate counts for a frame of this length. */
uint64_t overhead_charge(struct overhead overhead, uint64_t bytes);
/* The same with the overhead of the conditions, if they have any. */
uint64_t conditions_charge(const struct conditions *c, uint64_t bytes);
/*
 * Returns how many times as long full frames take because of the overhead; at least 1.
 */
double conditions_stretch(const struct conditions *c);

/* The two directions of a node's link. */
struct link_conditions {
	struct conditions up;	/* from the node */
	struct conditions down; /* to the node */
};

/* Overrides conditions of c with those of more. A trace replaces those it has columns for. */
void conditions_merge(struct conditions *c, const struct conditions *more);

/*
 * Checks merged conditions for contradictions: jitter or reordering without delay, a
 * burst, an overhead, or a queue of a duration or of bytes, without a rate, a peak without a rate
 * and a burst, or not above the rate. owner ("n-1", "n-1 to
 * n-2") and direction ("up", "down" or "") are for the message. Returns 0, or -EINVAL with err
 * filled.
 */
int conditions_check(const struct conditions *c, const char *owner, const char *direction,
		     struct netsim_err *err);

/*
 * Checks that a burst and a queue hold a frame of this MTU: tbf drops every frame that does not
 * fit. owner is for the message. Returns 0, or -EINVAL with err filled.
 */
int conditions_check_frame(const struct conditions *c, unsigned mtu, const char *owner,
			   struct netsim_err *err);

/*
 * Parses conditions from a command line, and the output of conditions_format(): "loss 5%
 * delay 80ms", "100mbit delay 2.5ms", "none". rtt, table files and traces are refused.
 * Returns 0, or -EINVAL with err filled (kind USAGE, no location). Does not call
 * conditions_check().
 */
int conditions_parse(const char *text, struct conditions *ret, struct netsim_err *err);

/*
 * Computes the Gilbert-Elliott parameters from the mean loss and the mean length of a
 * burst, in packets times RATIO_ONE. Returns 0, or -ERANGE with the reason in *why.
 */
#define LOSS_BURST_MAX 1000000
int loss_from_mean(struct ratio mean, uint64_t burst, struct loss *ret, const char **why);
/*
 * Parses a burst length ("4", "2.5") into packets times RATIO_ONE. Returns -EINVAL or
 * -ERANGE unless it is between 1 and LOSS_BURST_MAX.
 */
int loss_parse_burst(const char *text, uint64_t *ret);

/*
 * Formats one direction: "100mbit delay 2.5ms loss 1%", or "none". Returns the length of
 * the whole text, as snprintf() does, or -ENOMEM.
 */
int conditions_format(const struct conditions *c, char *buf, size_t size);

#endif
