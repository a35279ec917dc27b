/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judge of ledgers: are the operations of clients those of a strictly serializable store?
 * The store numbers its states with revisions, and gives one with every answer: of a write, the
 * state that it made, otherwise the state that it saw. So the order is known, and each operation
 * is compared with the state at its revision, and with the revisions that operations before it
 * have shown: O(n log n), no search. Pure: no I/O, no clock.
 *
 * An operation with result "unknown" may have happened at any time after it began, or never; it
 * counts as a write once its value is seen.
 */
#ifndef NETSIM_JUDGE_LEDGER_H
#define NETSIM_JUDGE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/judge/evidence.h"

enum finding_kind {
	/* Acknowledged, but a later read shows an older state, and none shows it after that; or
	 * acknowledged with the revision of another write. */
	FINDING_LOST,
	/* Seen, but never written to that key, or only written later. */
	FINDING_PHANTOM,
	/* A read shows less than was acknowledged or seen before it began. */
	FINDING_STALE,
	/* The order of revisions contradicts the order in time. */
	FINDING_REORDERED,
	/* A watch left out a write, delivered one twice, or an older one after a newer one. */
	FINDING_WATCH_GAP,
	FINDING_WATCH_DOUBLE,
	FINDING_WATCH_BACK,
	/* A value has two revisions. */
	FINDING_DOUBLED,
	/* A write that certainly failed took effect. */
	FINDING_REVIVED,
	/* A comparison succeeded on a state that was gone, or failed on the state it asked for. */
	FINDING_SWAPPED,
	/* A block with a wrong checksum, or with parts of several writes. */
	FINDING_TORN,
	FINDING_KINDS,
};

#define LEDGER_NONE UINT32_MAX

struct finding {
	enum finding_kind kind;
	bool block;	/* the operations are those of blocks */
	int64_t time;	/* end of the operation that shows it */
	uint32_t op;	/* the operation concerned: index in the evidence */
	uint32_t proof; /* the operation that contradicts it, or LEDGER_NONE */
};

struct ledger_verdict {
	struct finding *findings; /* by time */
	size_t finding_count;
	size_t counts[FINDING_KINDS];
	size_t acknowledged, unknown, failed; /* operations, without those of watches */
	size_t reads, watched;		      /* acknowledged reads, and events of watches */
	/*
	 * Values seen whose write is not in a history that ends with a kill: requests in flight
	 * are not recorded then, so these are no phantoms.
	 */
	size_t unrecorded;
	/* Blocks without an answered read after the last acknowledged write. */
	size_t unread;
};

/*
 * Judges the operations of one ledger, which must be in the order in which they ended.
 * complete: the history was not cut off by a kill. Returns 0; -EINVAL with err filled if two
 * operations write the same value; or -ENOMEM.
 */
int ledger_judge(const struct evidence *ev, uint32_t ledger, bool complete,
		 struct ledger_verdict *ret, struct netsim_err *err);
void ledger_done(struct ledger_verdict *verdict);

/* "lost", "watch gap" */
const char *finding_word(enum finding_kind kind);

/* Describes a finding in one line; times count from origin. Returns buf. */
#define FINDING_TEXT 161
const char *finding_text(const struct evidence *ev, const struct finding *finding, int64_t origin,
			 char buf[static FINDING_TEXT]);

#endif
