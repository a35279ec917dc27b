/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of the ledger's judge. */
#ifndef NETSIM_JUDGE_LEDGER_PARTS_H
#define NETSIM_JUDGE_LEDGER_PARTS_H

#include "netsim/judge/ledger.h"

/* A write whose revision is known, from its answer or because its value was seen. */
struct version {
	int64_t revision;
	int64_t later;	     /* when the last operation began that shows this or a later version */
	int64_t top;	     /* highest revision at which the key still had this version */
	uint32_t key, value; /* value 0: deleted */
	uint32_t op;	     /* the write; LEDGER_NONE: a delete that only a watch reported */
	uint32_t shown;	     /* the first operation that showed it, or LEDGER_NONE */
	bool acknowledged;
	bool lost;
	bool deleted; /* later, by an operation of unknown outcome */
	bool dead;    /* it did not happen: its revision is that of another write */
};

/* The versions of a key, by revision. */
struct key_range {
	size_t first, count;
};

/* A read, or a comparison's view of the state before its write, that contradicts a version. */
struct suspicion {
	uint32_t op;
	uint32_t version; /* the version that it should have shown */
	int64_t revision; /* of the state that it should have shown */
	int64_t shows;	  /* mod_revision, 0: no such key */
	bool compares;	  /* an acknowledged OP_CAS */
	bool settled;	  /* explained by an indeterminate delete */
};

struct moment {
	int64_t time;
	uint32_t op;
};

struct ledger {
	const struct evidence *ev;
	const struct operation *ops;
	uint32_t op_count;
	bool complete;
	uint32_t *writers;	  /* by value: the operation that writes it, or LEDGER_NONE */
	int64_t *revisions;	  /* by value: the first revision known, or 0 */
	bool *odd;		  /* by operation: its content is already reported, or not judged */
	uint32_t *shows;	  /* by operation: the version that it wrote or showed */
	struct version *versions; /* by key, then by revision */
	size_t version_count;
	struct key_range *keys; /* by number of the key's name */
	uint32_t *by_revision;	/* versions */
	struct suspicion *suspicions;
	size_t suspicion_count;
	uint32_t *answers; /* operations with an answer, by revision; made when needed */
	int64_t *begins;   /* by the same index: when the last of this and all later ones began */
	size_t answer_count;
	struct ledger_verdict *ret;
	struct netsim_err *err;
};

/* ledger_findings.c */
int ledger_report(struct ledger *l, enum finding_kind kind, uint32_t op, uint32_t proof);
/* ledger_state.c */
/* Whether an operation was acknowledged and is a write with a revision of its own. */
bool ledger_writes(const struct operation *op);
/* Whether an answer shows the state of its key: a value at mod_revision, or its absence. */
bool ledger_reads(const struct operation *op);
/* The last version of a key with at most this revision that happened; NULL: none. */
struct version *ledger_version(const struct ledger *l, uint32_t key, int64_t revision);

/* ledger_versions.c: collects versions, and reports impossible values. */
int ledger_versions(struct ledger *l);
/* ledger_order.c: compares operations in the order of time, and collects suspicions. */
int ledger_order(struct ledger *l);
/* ledger_settle.c: decides between lost, stale and swapped. */
int ledger_settle(struct ledger *l);
/* ledger_watch.c */
int ledger_watch(struct ledger *l);

#endif
