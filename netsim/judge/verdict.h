/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verdict on a run: evaluates expectations over the phases and repetitions of the evidence.
 * A row is ok, failed, or unproved: the evidence decides neither way, or was obtained in such
 * a way that it means nothing. Pure: no I/O, no clock.
 */
#ifndef NETSIM_JUDGE_VERDICT_H
#define NETSIM_JUDGE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/judge/asked.h"
#include "netsim/judge/claim.h"
#include "netsim/judge/evidence.h"

enum verdict_result {
	VERDICT_OK,
	VERDICT_FAILED,
	VERDICT_UNPROVED,
};

/* An expectation in one repetition of its phase. */
struct verdict_row {
	const char *phase; /* "run" for the expectations of every run */
	unsigned repetition, repetitions;
	const char *text;
	enum verdict_result result;
	size_t claim; /* index, or SIZE_MAX: of every run */
	bool measured;
	double value, low, high; /* measured value with its bounds, in the unit of the quantity */
	double limit;
	int64_t when;	    /* ns since the beginning of the run; below 0: at no single time */
	int64_t begin, end; /* the window, in ns since the beginning of the run */
	const char *shows;  /* the value as text, "1.28 s ± 0.02 s"; or "" */
	const char *why;    /* the reason, or "" */
	const char *line;   /* all of it */
};

/* The values of an expectation over all repetitions in which it was measured. */
struct verdict_summary {
	size_t claim;
	size_t ok, failed, unproved;
	size_t count; /* measured */
	double min, median, max;
	const char *shows; /* "0.98 s, 1.28 s, 1.71 s"; "" if nothing was measured */
};

struct verdict_finding {
	const char *ledger;
	const char *kind;
	const char *line; /* finding_text() */
	int64_t when;
};

/* A row of the verification before the timeline. */
struct verdict_verified {
	const char *subject, *what, *asked, *measured, *why;
	const char *result; /* "as asked", "not as asked", "unproved", "left out" */
};

struct verdict {
	const char *scenario, *host;
	const char *profile, *seed; /* "": unknown */
	int64_t wall;		    /* beginning of the run, ns since 1970; 0: unknown */
	int64_t duration;
	enum verdict_result result; /* failed if a row failed, else unproved if one is */
	bool complete;		    /* the timeline was not killed */
	struct verdict_row **rows;
	size_t row_count;
	struct verdict_summary **summaries; /* by expectation of the file */
	size_t summary_count;
	struct verdict_finding **findings; /* VERDICT_FINDINGS of each ledger at most */
	size_t finding_count, finding_total;
	struct asked_rows asked;
	struct verdict_verified **verified;
	size_t verified_count;
};
#define VERDICT_FINDINGS 100

/*
 * Returns in *ret a verdict, which the caller frees. Returns 0; -EINVAL with err filled if the
 * evidence contradicts itself; or -ENOMEM.
 */
int verdict_make(const struct evidence *ev, const struct claim *claims, size_t claim_count,
		 struct verdict **ret, struct netsim_err *err);
void verdict_free(struct verdict *verdict);

const char *verdict_word(enum verdict_result result);

/* The verdict as JSON. The caller frees it; NULL: out of memory. junit.h has its other form. */
char *verdict_json(const struct verdict *verdict);

#endif
