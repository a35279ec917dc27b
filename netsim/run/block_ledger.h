/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block ledger: a client of a block device that records each of its operations, for a judge.
 * It writes one block after another at a set rate, by an absolute schedule, in turns over the
 * first 256 blocks of 4 KiB, and reads each of them back between two writes to it. Operations on
 * one block never overlap; a block with a write of unknown outcome is left alone until the device
 * has given the request up. At most 32 writes and 16 reads are under way.
 */
#ifndef NETSIM_RUN_BLOCK_LEDGER_H
#define NETSIM_RUN_BLOCK_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "netsim/util/err.h"

enum block_outcome {
	BLOCK_OK,
	BLOCK_FAILED,  /* certainly without effect: the device is not connected */
	BLOCK_UNKNOWN, /* an error or a timeout: it may have happened, then or later */
};

struct block_ledger_op {
	bool write;
	uint32_t block; /* from 1 */
	int64_t number; /* of a write: from 1, each used once */
	int64_t due;	/* CLOCK_MONOTONIC in ns, as the next two; begin - due is the lateness */
	int64_t begin, end;
	enum block_outcome outcome;
	const char *seen; /* of a read with BLOCK_OK: block_content_text(); during the callback */
	const char *why;  /* unless BLOCK_OK; during the callback */
};

/* Called for each operation at its end, by the ledger's thread. It must be quick. */
typedef void block_ledger_on_op(void *arg, const struct block_ledger_op *op);

/* Texts must outlive the ledger. */
struct block_ledger_spec {
	const char *url;   /* block_device_open() */
	const char *netns; /* of the node that it works from; NULL: the caller's */
	double rate;	   /* writes per second */
	int64_t timeout;   /* ns, of an operation */
	uint64_t run;	   /* tells this run's content from that of others */
	block_ledger_on_op *on_op;
	void *arg;
};

struct block_ledger;

int block_ledger_start(const struct block_ledger_spec *spec, struct block_ledger **ret,
		       struct netsim_err *err);

/* The state of the device: "connection refused"; "" if it is connected. */
const char *block_ledger_why(struct block_ledger *ledger, char *buf, size_t size);

/*
 * Begins no more operations, waits for those under way, reads each block a last time, until
 * `within` (ns) at most, and ends the thread.
 */
void block_ledger_finish(struct block_ledger *ledger, int64_t within);
/* Ends the thread, if need be, and frees all. */
void block_ledger_free(struct block_ledger *ledger);

#endif
