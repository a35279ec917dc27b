/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expectations: sentences about a phase, such as "api outage <= 2s". Pure: parsing knows the
 * words, not the names of a scenario.
 */
#ifndef NETSIM_EXPECTATION_H
#define NETSIM_EXPECTATION_H

#include <stdbool.h>
#include <stddef.h>

#include "netsim/util/err.h"

enum expect_quantity {
	EXPECT_AVAILABLE,      /* of a probe: the share of the time */
	EXPECT_OUTAGE,	       /* of a probe: the longest one */
	EXPECT_RTT,	       /* of a probe, or of a pair */
	EXPECT_RECOVERS,       /* of a probe: from the window's start until it succeeds for good */
	EXPECT_RATE,	       /* of a ledger: acknowledged operations per second */
	EXPECT_LOST,	       /* of a ledger: acknowledged writes that are missing later */
	EXPECT_STALE,	       /* of a ledger: reads that miss an acknowledged write */
	EXPECT_PHANTOM,	       /* of a ledger: values that were never written */
	EXPECT_REORDERED,      /* of a ledger: operations whose revisions contradict real time */
	EXPECT_TORN,	       /* of a block ledger: blocks with parts of several writes */
	EXPECT_STALL,	       /* of a block ledger: the longest time without an acknowledgement */
	EXPECT_LATENCY,	       /* of a block ledger: of its writes */
	EXPECT_LEADER_CHANGES, /* of a workload */
	EXPECT_AGREES,	       /* of a workload: until all members hold the same data */
	EXPECT_LOSS,	       /* of a pair: packets that did not arrive */
	EXPECT_PACKETS,	       /* of a pair: that arrived */
	EXPECT_METRIC,	       /* of a workload with metrics: a series of each member */
	EXPECT_QUANTITIES,
};

enum expect_statistic {
	EXPECT_DEFAULT, /* none is given: the median of rtt and latency, the only value of others */
	EXPECT_MEDIAN,
	EXPECT_P90,
	EXPECT_P99,
	EXPECT_MAX,
	/* of metrics only */
	EXPECT_INCREASE, /* of a counter */
	EXPECT_MIN,
	EXPECT_LAST,
	EXPECT_MEAN, /* of a histogram, as median, p90 and p99 are */
	EXPECT_STATISTICS,
};

enum expect_operator { EXPECT_EQUAL, EXPECT_BELOW, EXPECT_AT_MOST, EXPECT_AT_LEAST, EXPECT_ABOVE };

enum expect_unit { EXPECT_NS, EXPECT_SHARE, EXPECT_PER_SECOND, EXPECT_COUNT, EXPECT_REAL };

/* The kinds of things that have quantities; a bit each. */
enum expect_subject {
	EXPECT_PROBE = 1 << 0,
	EXPECT_LEDGER = 1 << 1,
	EXPECT_STORE = 1 << 2, /* a workload whose members can be queried */
	EXPECT_PAIR = 1 << 3,
	EXPECT_METRICS = 1 << 4, /* a workload whose recipe has metrics */
	EXPECT_BLOCKS = 1 << 5,	 /* a block ledger */
};

struct expectation {
	char *text;
	enum expect_quantity quantity;
	enum expect_statistic statistic;
	enum expect_operator op;
	enum expect_unit unit;
	double value;	  /* ns; a share from 0 to 1; per second; a count; or as in the metrics */
	char *name;	  /* of the probe, ledger or workload; NULL for a pair */
	char *from, *to;  /* a pair's */
	char *pair;	  /* "A:B": the name of the probe that `rtt A:B` adds */
	char *class_name; /* a pair's; NULL: all traffic */
	char *series;	  /* of metrics: name{label="value"} */
	/* Offsets in the text, for messages. */
	size_t name_at, quantity_at, from_at, to_at, class_at, series_at;
};

/*
 * Parses a sentence. Returns 0, or a negative errno with err (kind INPUT, no location) and
 * the offset of the wrong word in *bad. expectation_done() frees *ret.
 */
int expectation_parse(const char *text, struct expectation *ret, size_t *bad,
		      struct netsim_err *err);
void expectation_done(struct expectation *e);

/* Returns the kinds of things that have a quantity: bits of enum expect_subject. */
unsigned expectation_subjects(enum expect_quantity quantity);

/* True for a quantity that is known only at the end of a phase, or of the run. */
bool expectation_needs_end(enum expect_quantity quantity);

/* The words of a quantity, "leader changes", and those of one kind of thing: "a, b, c". */
const char *expectation_word(enum expect_quantity quantity);
const char *expectation_words(unsigned subject, char *buf, size_t size);

/* "<=" */
const char *expectation_operator(enum expect_operator op);

#endif
