/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of the verdict. */
#ifndef NETSIM_JUDGE_VERDICT_PARTS_H
#define NETSIM_JUDGE_VERDICT_PARTS_H

#include "netsim/judge/ledger.h"
#include "netsim/judge/outage.h"
#include "netsim/judge/verdict.h"
#include "netsim/util/err.h"

/* A phase, or one repetition of it. */
struct window {
	uint32_t phase;
	unsigned repetition;
	int64_t begin, end;
	bool fault;		/* one begins in it */
	bool last;		/* the timeline ends with it */
	bool killed;		/* the run was killed or aborted in it */
	int64_t lateness;	/* greatest of its steps */
	int64_t fault_lateness; /* the longest time from a command to its fault */
	/* Why nothing in it can be ok, such as a fault without effect; or NULL. */
	const char *doubt;
};

/* A measured value; it counts only if why is empty. */
struct measure {
	double value, low, high;
	int64_t when; /* absolute; INT64_MIN: no single time */
	bool at_least;
	const struct finding *finding; /* the first one counted, or NULL */
	char of[64];		       /* the member that it is of, or "" */
	char why[128];		       /* why nothing was measured, or the value means nothing */
	char doubt[128];	       /* why the true value may be worse, so it cannot be ok */
};

/* Says why nothing was measured, or why a measured value cannot be ok. */
#define why_not(m, ...)	 err_format((m)->why, sizeof((m)->why), __VA_ARGS__)
#define doubt_it(m, ...) err_format((m)->doubt, sizeof((m)->doubt), __VA_ARGS__)

static inline void set_exact(struct measure *m, double value)
{
	m->value = m->low = m->high = value;
}

/* Events that were counted, per second of a window. */
static inline void set_rate(struct measure *m, const struct window *window, size_t count)
{
	double seconds = (double)(window->end - window->begin) / 1e9;

	if (seconds <= 0)
		why_not(m, "the phase has no length");
	else
		set_exact(m, (double)count / seconds);
}

/* Which of the sorted values a statistic takes. */
struct quantile {
	double share;
	size_t samples; /* with fewer, it is doubtful */
};
/* Of the median, p90, p99 and the maximum; none of them is the median. */
static inline const struct quantile *verdict_quantile(enum claim_statistic statistic)
{
	static const struct quantile quantiles[] = {
		[STATISTIC_NONE] = {0.5, 5}, [STATISTIC_MEDIAN] = {0.5, 5},
		[STATISTIC_P90] = {0.9, 10}, [STATISTIC_P99] = {0.99, 100},
		[STATISTIC_MAX] = {1, 1},
	};

	return &quantiles[statistic];
}

struct named_series {
	uint32_t name;
	struct sample_series series;
};

struct named_ledger {
	uint32_t name;
	bool blocks; /* a block ledger */
	struct ledger_verdict verdict;
};

struct judging {
	const struct evidence *ev;
	const struct claim *claims;
	size_t claim_count;
	struct window *windows;
	size_t window_count;
	struct named_series *series;
	size_t series_count;
	struct named_ledger *ledgers;
	size_t ledger_count;
	int64_t origin; /* beginning of the run */
	int64_t end;	/* the last time in the evidence */
	struct verdict *ret;
	struct netsim_err *err;
};

/* verdict_rows.c */
struct verdict_row *verdict_add_row(struct judging *j, const char *phase, const char *text);
/* Sets the row's line from its other members. Returns 0 or -ENOMEM. */
int verdict_set_line(struct judging *j, struct verdict_row *row, const char *details);
/* Returns the findings of a ledger, or NULL. */
const struct ledger_verdict *verdict_ledger(const struct judging *j, uint32_t name);

/* verdict_measure.c: a probe's or ledger's quantity. since: where findings are counted from. */
int verdict_measure(struct judging *j, const struct claim *claim, const struct window *window,
		    int64_t since, struct measure *ret);
/* verdict_cluster.c: leader changes, agreement; and figures of pairs. */
int verdict_measure_cluster(struct judging *j, const struct claim *claim,
			    const struct window *window, struct measure *ret);
void verdict_measure_pair(struct judging *j, const struct claim *claim, const struct window *window,
			  struct measure *ret);
/* verdict_metric.c: a series of metrics of all members; the worst counts. */
int verdict_measure_metric(struct judging *j, const struct claim *claim,
			   const struct window *window, struct measure *ret);
/* verdict_blocks.c: rate, stalls and latency of a block ledger */
int verdict_measure_blocks(struct judging *j, const struct claim *claim,
			   const struct window *window, struct measure *ret);
/* verdict_run.c: the expectations of every run, and the doubts that they cast on windows. */
int verdict_run_rows(struct judging *j);

/* verdict_text.c: "1.28 s", "99.9 %", "17"; all return buf. */
#define VALUE_TEXT 48
const char *verdict_value(enum claim_quantity quantity, double value, char buf[static VALUE_TEXT]);
const char *verdict_instant(int64_t ns, char buf[static VALUE_TEXT]);
const char *verdict_name(const struct judging *j, uint32_t number);

#endif
