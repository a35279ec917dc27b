/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Evidence of a run: events, samples of probes, operations of ledgers, states of members, figures
 * of the network. It is kept in memory, and also as lines of text (record.h), each of which can be
 * appended to a file as soon as its event happens. A run fills it while it writes the lines; a
 * report reads the lines back. The judge sees nothing else. Pure: no I/O, no clock.
 *
 * Times are nanoseconds of CLOCK_MONOTONIC. Text fields hold the number of a name or value, added
 * with evidence_name() and evidence_value(); 0: none.
 */
#ifndef NETSIM_JUDGE_EVIDENCE_H
#define NETSIM_JUDGE_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/config/need.h"
#include "netsim/judge/record.h"
#include "netsim/judge/text_table.h"
#include "netsim/netsim.h"
#include "netsim/util/buf.h"
#include "netsim/words/series.h"

enum event_kind {
	EVENT_NONE,
	EVENT_RUN_BEGIN,   /* subject: the scenario, text: the host's name */
	EVENT_RUN_END,	   /* the timeline has ended; missing if the run was killed */
	EVENT_ABORTED,	   /* the timeline ended early, or never began; text: why; status 0: by the
			    * key `abort` */
	EVENT_PHASE,	   /* a phase or a repetition of it begins, and the one before ends */
	EVENT_STEP_BEGIN,  /* subject: the command; lateness */
	EVENT_STEP_END,	   /* subject: the command; status, 0: done */
	EVENT_FAULT_BEGIN, /* subject: the fault; in force, as the kernel reports it */
	/*
	 * subject: the fault; no longer in force; offered, affected; text: of a fault with several
	 * conditions, the packets on which each acted, "delay 4000, loss 12"
	 */
	EVENT_FAULT_END,
	EVENT_STARTED,	  /* subject: the workload's process, "etcd/server-1" */
	EVENT_READY,	  /* the same */
	EVENT_EXITED,	  /* the same; status; asked: by the timeline */
	EVENT_KILLED,	  /* the same; status: the signal; asked: by the timeline */
	EVENT_HEALED,	  /* no fault is in force and no process paused, read back */
	EVENT_NOT_HEALED, /* text: the remaining fault */
	EVENT_CLEAN,	  /* no process, file or rule of the run is left, read back */
	EVENT_LEFT,	  /* text: the remainder */
	EVENT_NOTE,	  /* anything else worth a line */
	EVENT_EXPECTED,	  /* subject: a sentence about the phase; repetition: of how many */
	EVENT_ABOUT,	  /* subject: a property of the run, such as "seed"; text: its value */
	EVENT_SELECTED,	  /* subject: a selector, pattern or role; text: its nodes, "s1,s2" */
};

struct event {
	int64_t time;
	int64_t wall;	  /* the same on CLOCK_REALTIME, 0: unknown */
	int64_t lateness; /* of a step: from its time in the plan to its beginning */
	int64_t offered;  /* packets that came to the ports concerned while a fault was in force */
	int64_t affected; /* of these, dropped, delayed or changed by the condition that did least
			   */
	int64_t status;	  /* exit status or signal; of a step, 0 or a positive errno */
	uint32_t subject; /* name */
	uint32_t text;	  /* name */
	uint32_t phase;	  /* name; 0: outside of the timeline */
	uint32_t repetition; /* from 1; 0: the phase has none */
	uint8_t kind;
	bool uncounted; /* of a fault: it has no counters, offered and affected mean nothing */
	bool asked;
};

enum sampled_kind {
	SAMPLED_UNKNOWN,
	SAMPLED_HTTP,
	SAMPLED_TCP,
	SAMPLED_PING,
	SAMPLED_RUN,
};

/* A probe of the scenario; its samples come after it. */
struct sampled_probe {
	uint32_t name;	  /* name */
	uint32_t targets; /* how many */
	int64_t interval, timeout;
	uint8_t need;
	uint8_t kind;  /* enum sampled_kind */
	uint32_t from; /* name of the node that sends; 0: unknown */
};

enum sample_result {
	SAMPLE_OK,
	SAMPLE_WRONG,	/* answered, but not as the probe expects */
	SAMPLE_REFUSED, /* an error at once, such as ECONNREFUSED */
	SAMPLE_HUNG,	/* no answer within the timeout */
};

struct sample {
	int64_t sent;
	int64_t took;	  /* to the answer, error or timeout */
	int64_t lateness; /* from the time in the probe's pace to the sending */
	uint32_t probe;	  /* name */
	uint32_t target;  /* name; 0: the probe has a single one */
	uint8_t result;
};

enum operation_kind {
	OP_NONE,
	OP_GET,
	OP_PUT,
	OP_CAS, /* writes value if the key's mod_revision is compare (0: no such key) */
	OP_DELETE,
	OP_WATCH,    /* a watch begins: mod_revision is the first revision that it delivers */
	OP_EVENT,    /* a watch delivers: value (0: deleted) at mod_revision */
	OP_PROGRESS, /* a watch has delivered all up to mod_revision */
};

enum operation_result {
	OP_OK,
	OP_UNEQUAL, /* of OP_CAS: an answer, the comparison did not hold */
	OP_FAILED,  /* certainly without effect, such as a refused connection */
	OP_UNKNOWN, /* an error or timeout: it may have happened, then or later */
};

/*
 * An operation of a ledger's client. Each value is written by one operation only. A client is
 * one sequence of operations, or one watch at a time. A delete must ask for the previous value
 * (etcd: prev_kv), because only that shows whether it deleted anything.
 */
struct operation {
	int64_t begin;	      /* before the request is sent */
	int64_t end;	      /* after the answer has arrived, or when waiting ended */
	int64_t revision;     /* the store's, in the header of the answer; 0: no answer */
	int64_t mod_revision; /* of seen; of a watch, see above */
	int64_t compare;      /* of OP_CAS */
	uint32_t ledger;      /* name of its workload: one per store */
	uint32_t client;      /* name */
	uint32_t key;	      /* name; of OP_WATCH, 0: all keys */
	uint32_t value;	      /* value: written, or delivered by a watch */
	uint32_t seen; /* value: read, found by a failed comparison, or deleted; 0: no such key */
	uint8_t kind;
	uint8_t result;
};

enum block_kind {
	BLOCK_NONE,
	BLOCK_WRITE,
	BLOCK_READ,
};

/*
 * An operation of a block ledger, which writes numbered content to numbered blocks of a device.
 * What a read shows is the list of the contents of the sectors of the block, each named once and
 * joined by "+": the number of a write, "empty" (zeros), or "bad" (its checksum is wrong).
 */
struct block_operation {
	int64_t begin, end; /* as those of struct operation */
	int64_t lateness;   /* of a write: from the time at which it was due to its beginning */
	int64_t number;	    /* of a write: above that of all earlier writes */
	uint32_t ledger;    /* name of its workload */
	uint32_t block;	    /* from 1 */
	uint32_t seen;	    /* value; of a read that was answered */
	uint8_t kind;
	uint8_t result; /* enum operation_result */
};

/* The state of a member of a cluster, as it reports it. */
struct member_sample {
	int64_t time;
	int64_t term, revision, applied;
	int64_t hash;	   /* of its data at revision; 0: unknown */
	uint32_t workload; /* name */
	uint32_t member;   /* name */
	uint32_t leader;   /* name; 0: it knows none, or did not answer */
	bool silent;	   /* it did not answer */
};

/* Packets between a pair of nodes over some time. */
struct figure {
	int64_t begin, end;
	int64_t packets, lost;
	uint32_t from, to; /* names */
	uint32_t class;	   /* name; 0: all traffic */
};

/*
 * What was asked of the packets from one node to another over a time in which that did not change,
 * and what the programs at the ports counted meanwhile.
 */
struct asked {
	int64_t begin, end;
	int64_t delay, jitter;		 /* one way, in ns; the jitter as its standard deviation */
	int64_t rate;			 /* bit/s; 0: not limited */
	double loss, duplicate, corrupt; /* shares */
	double bursts; /* variance of the number of losses, relative to that of independent ones */
	int64_t packets, bytes; /* delivered */
	int64_t lost;		/* dropped by a loss */
	int64_t queued;		/* dropped by a full queue */
	int64_t copied, corrupted;
	uint32_t from, to; /* names */
	uint32_t class;	   /* name; 0: all traffic without conditions of its class */
	uint32_t phase;	   /* name */
	uint8_t state;	   /* enum asked_state */
	/* Qdiscs lose, copy, damage or hold up packets after the programs have counted them. */
	bool uncounted;
};

enum asked_state {
	ASKED_STEADY,
	ASKED_VARIES, /* a trace changes it */
	ASKED_MIXED,  /* it differs between the interfaces of the two nodes */
};

/* A row of a verification of the network before the timeline; all are names. */
struct verified {
	uint32_t subject, what, asked, measured, why;
	uint8_t result; /* enum verified_result */
};

enum verified_result {
	VERIFIED_AS_ASKED,
	VERIFIED_NOT_AS_ASKED,
	VERIFIED_UNPROVED,
	VERIFIED_LEFT_OUT,
};

/* A query of a member for its metrics. */
struct scrape {
	int64_t sent, took; /* to the end of the answer, or of waiting for it */
	uint32_t workload;  /* name */
	uint32_t member;    /* name */
	bool failed;
};

/*
 * The value of a series of metrics that a scrape found, if it differs from that of the scrape
 * before: a scrape without it has found the same value.
 */
struct metric_sample {
	int64_t sent; /* of the scrape */
	double value;
	uint32_t workload; /* name */
	uint32_t member;   /* name */
	uint32_t series;   /* value: name{label="value"} */
	uint8_t type;	   /* enum metric_type */
};

struct evidence {
	struct text_table names, values;
	struct event *events;
	struct sampled_probe *probes;
	struct sample *samples;
	struct operation *operations;
	struct block_operation *blocks;
	struct member_sample *members;
	struct figure *figures;
	struct scrape *scrapes;
	struct metric_sample *metrics;
	struct asked *asked;
	struct verified *verified;
	size_t event_count, probe_count, sample_count, operation_count, block_count;
	size_t member_count, figure_count, scrape_count, metric_count;
	size_t asked_count, verified_count;
	size_t truncated; /* files whose last line is incomplete: their writer was killed */
};

void evidence_done(struct evidence *ev);

/* Returns the number of a text, as text_table_add() does. */
uint32_t evidence_name(struct evidence *ev, const char *text);
uint32_t evidence_value(struct evidence *ev, const char *text);

/* Returns the word of an event's kind, "fault begins". */
const char *event_word(enum event_kind kind);
const char *operation_word(enum operation_kind kind);
const char *verified_word(enum verified_result result);

/* The kinds of records; each belongs to one array of struct evidence. */
enum evidence_kind {
	EVIDENCE_EVENT,
	EVIDENCE_PROBE,
	EVIDENCE_SAMPLE,
	EVIDENCE_OPERATION,
	EVIDENCE_BLOCK,
	EVIDENCE_MEMBER,
	EVIDENCE_FIGURE,
	EVIDENCE_SCRAPE,
	EVIDENCE_METRIC,
	EVIDENCE_ASKED,
	EVIDENCE_VERIFIED,
	EVIDENCE_KINDS,
};

/* Appends a copy of a record (a struct event for EVIDENCE_EVENT ...). Returns 0 or -ENOMEM. */
int evidence_add(struct evidence *ev, enum evidence_kind kind, const void *record);
/* Appends the line of a record to out. */
void evidence_write(const struct evidence *ev, enum evidence_kind kind, const void *record,
		    struct buf *out);

/* A file that is read, in one or in several pieces. */
struct evidence_file {
	const char *name;
	unsigned lines; /* read so far */
	bool more;	/* another piece follows, and this one ends with a whole line */
};

/*
 * Appends all records in a piece of a file. An incomplete last line of the last piece is left
 * out and counted. Returns 0; -EINVAL for any other damage, with err at file, line and column;
 * -ENOMEM.
 */
int evidence_read(struct evidence *ev, struct evidence_file *file, const char *text, size_t len,
		  struct netsim_err *err);

#endif
