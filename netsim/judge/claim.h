/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An expectation, as the judge needs it: a quantity of a subject in a phase, with a limit. */
#ifndef NETSIM_JUDGE_CLAIM_H
#define NETSIM_JUDGE_CLAIM_H

#include <stdbool.h>

enum claim_quantity {
	/* of a probe */
	CLAIM_AVAILABLE, /* ratio of the time without an outage */
	CLAIM_OUTAGE,	 /* ns: the longest */
	CLAIM_RTT,	 /* ns */
	CLAIM_RECOVERS,	 /* ns from the beginning of the phase to the end of its last outage */
	/* of a ledger */
	CLAIM_RATE,    /* answers per second; of blocks, acknowledged writes */
	CLAIM_FINDING, /* count of findings of one kind, or of several */
	/* of a block ledger */
	CLAIM_STALL,   /* ns: the longest */
	CLAIM_LATENCY, /* ns: of a write */
	/* of a cluster */
	CLAIM_LEADER_CHANGES, /* count */
	CLAIM_AGREES, /* ns from the beginning of the phase until all members agree, and stay so */
	/* of a pair of nodes */
	CLAIM_LOSS,    /* ratio */
	CLAIM_PACKETS, /* count */
	/* of a workload with metrics */
	CLAIM_METRIC, /* in the unit of the metric */
};

enum claim_statistic {
	STATISTIC_NONE, /* of CLAIM_RTT and CLAIM_LATENCY: the median */
	STATISTIC_MEDIAN,
	STATISTIC_P90,
	STATISTIC_P99,
	STATISTIC_MAX,
	/* of CLAIM_METRIC only */
	STATISTIC_INCREASE,
	STATISTIC_MIN,
	STATISTIC_LAST,
	STATISTIC_MEAN,
};

enum claim_operator {
	OPERATOR_EQ,
	OPERATOR_LT,
	OPERATOR_LE,
	OPERATOR_GT,
	OPERATOR_GE,
};

/* The texts belong to the caller. */
struct claim {
	const char *phase;
	unsigned repetitions; /* of the phase; 0: it has none */
	const char *text;     /* the sentence, "api outage <= 2s" */
	const char *subject;  /* name of the probe or workload; the sending node of a pair */
	const char *to;	      /* the receiving node of a pair, or NULL */
	const char *class;    /* of traffic, or NULL */
	const char *series;   /* of CLAIM_METRIC: name{label="value"} */
	bool any; /* of CLAIM_METRIC: one member suffices, and gaps in its answers do not matter */
	enum claim_quantity quantity;
	unsigned findings; /* of CLAIM_FINDING: bits of enum finding_kind */
	enum claim_statistic statistic;
	enum claim_operator op;
	double value; /* the limit, in the unit of the quantity */
};

#endif
