/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger: a client of etcd that records each of its operations, for a judge. It works on some
 * keys from one or several nodes at a set rate, by an absolute schedule: an operation that hangs
 * delays no other. Every value that it writes is a number that it writes once.
 *
 * Operations of one client number follow each other; those of different clients overlap. Each
 * client has a connection per endpoint, and goes to the next endpoint after an error.
 */
#ifndef NETSIM_RUN_LEDGER_H
#define NETSIM_RUN_LEDGER_H

#include "netsim/run/etcd.h"

enum ledger_kind {
	LEDGER_PUT,
	LEDGER_GET, /* linearizable */
	LEDGER_CAS, /* compares the mod_revision, then puts; otherwise reads */
	LEDGER_DELETE,
	LEDGER_WATCH_PUT, /* an event of the watch of a node */
	LEDGER_WATCH_DELETE,
	LEDGER_WATCH_START, /* the watch was created; revision: the last one before its events */
	LEDGER_WATCH_END,   /* revision: of a write that it has not delivered in 4 s */
	LEDGER_FINAL,	    /* a serializable read of a member at the end; client: its index */
	LEDGER_KINDS
};

#define LEDGER_ABSENT  0  /* the key does not exist */
#define LEDGER_FOREIGN -1 /* a value that no ledger writes */

struct ledger_op {
	unsigned client;
	unsigned endpoint; /* index */
	enum ledger_kind kind;
	unsigned key;
	int64_t value; /* put, cas: written, or to be written; always > 0 */
	int64_t due;   /* CLOCK_MONOTONIC in ns, as the next two; begin - due is the lateness */
	int64_t begin, end;
	enum etcd_outcome outcome;
	bool succeeded;	      /* cas: the comparison held; delete: there was a key */
	int64_t expected;     /* cas: the mod_revision compared; 0: the key must not exist */
	int64_t revision;     /* of the store, when it answered; an event: as mod_revision */
	int64_t mod_revision; /* of the key: read, deleted, or made by this write; 0: absent */
	/* get, failed cas, event: the value, or LEDGER_ABSENT, _FOREIGN; delete: the one before */
	int64_t seen;
	const char *why; /* unless ok; valid during the callback */
};

/* Called for each operation, at its end, by one thread at a time. It must be quick. */
typedef void ledger_on_op(void *arg, const struct ledger_op *op);

/* A node that the ledger works from; netsim uses one thread for each. */
struct ledger_node {
	const char *netns; /* NULL: the caller's */
};

/* Texts and lists must outlive the ledger. */
struct ledger_spec {
	const struct etcd_endpoint *endpoints; /* their netns is used by ledger_read() only */
	size_t endpoint_count;
	const struct ledger_node *nodes;
	size_t node_count;
	const char *prefix; /* of the keys: PREFIX0, PREFIX1, ... */
	unsigned keys;
	double rate;			     /* operations per second, of all nodes together */
	int64_t timeout;		     /* ns; well below the election timeout */
	unsigned weights[LEDGER_DELETE + 1]; /* shares of put, get, cas, delete */
	bool watch;			     /* one watch of all keys from each node */
	uint64_t seed;
	ledger_on_op *on_op;
	void *arg;
};

struct ledger;

int ledger_start(const struct ledger_spec *spec, struct ledger **ret, struct netsim_err *err);
/* Begins no more operations: several ledgers halt before each is waited for. */
void ledger_halt(struct ledger *ledger);
/*
 * Begins no more operations, waits for those in flight, and frees the ledger. Sets *ret_missed
 * (may be NULL) to the operations that were due and not begun: too many were in flight, or the
 * machine was late.
 */
void ledger_stop(struct ledger *ledger, uint64_t *ret_missed);

/* The state of a member, from a serializable read. */
struct ledger_state {
	bool answered;
	char why[200]; /* unless it answered */
	int64_t revision;
	uint64_t digest; /* of keys, values and revisions */
};
/*
 * Reads all keys from each member, from its node, and reports each as LEDGER_FINAL to on_op;
 * keys that are absent, too. states has a place for each endpoint.
 */
int ledger_read(const struct ledger_spec *spec, struct ledger_state *states,
		struct netsim_err *err);
/* Whether all members answered, with the same keys, values and revisions. */
bool ledger_agrees(const struct ledger_state *states, size_t count);

/* "put", "get", "cas", "delete", "watch-put", "watch-delete", "watch-start", "watch-end", "final"
 */
const char *ledger_kind_name(enum ledger_kind kind);

#endif
