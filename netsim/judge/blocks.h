/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judge of block ledgers: does a device hold what it acknowledged, and when did it acknowledge
 * nothing? Pure: no I/O, no clock.
 *
 * A write of unknown outcome may take effect at any time after it began, in any of its sectors, or
 * never; until a block is written again it may show either content, or parts of both.
 */
#ifndef NETSIM_JUDGE_BLOCKS_H
#define NETSIM_JUDGE_BLOCKS_H

#include "netsim/judge/ledger.h"

/*
 * Finds FINDING_LOST (a read does not show an acknowledged write, nor does any other read),
 * FINDING_STALE (it does not, but another one does) and FINDING_TORN. Each write is reported once
 * as lost and once as torn. complete: as for ledger_judge(). Returns 0; -EINVAL with err filled if
 * two writes have the same number; or -ENOMEM.
 */
int blocks_judge(const struct evidence *ev, uint32_t ledger, bool complete,
		 struct ledger_verdict *ret, struct netsim_err *err);

/*
 * A stall: no write was acknowledged while one was waiting, from the beginning of the first such
 * write to the next acknowledgement of any. The device may have been stuck since `before`: the
 * acknowledgement before it.
 */
struct stall {
	int64_t before, begin, end;
	bool open; /* the evidence ends with it */
};

/* Returns all stalls in *ret, by time, however short; the caller frees it. 0 or -ENOMEM. */
int blocks_stalls(const struct evidence *ev, uint32_t ledger, struct stall **ret,
		  size_t *ret_count);

/* Returns whether a name is that of a block ledger. */
bool blocks_are_of(const struct evidence *ev, uint32_t name);

#endif
