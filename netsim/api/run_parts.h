/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the files of netsim_run(): run_plan.c (reading the scenario), run.c (from bringing up
 * the fleet to the verdict), run_fleet.c, run_timeline.c (the plan, step by step), run_steps.c (one
 * step), run_faults.c (faults and their effect), run_pairs.c (packets of pairs), run_watch.c
 * (states of members, conditions to abort), run_asked.c (what was asked of the network),
 * run_cluster.c (leaders, selectors), run_probes.c, run_ledgers.c, run_blocks.c, run_work.c
 * (workloads), run_traffic.c, run_metrics.c. run_record.h has the evidence, run_verdict.h the
 * result.
 *
 * Threads: the caller's shows the progress; the conductor does the rest, with a handle of its
 * own; the watch asks members. Workloads, probes, ledgers, metrics and the traffic have theirs.
 */
#ifndef NETSIM_API_RUN_PARTS_H
#define NETSIM_API_RUN_PARTS_H

#include <pthread.h>

#include "netsim/api/handle.h"
#include "netsim/api/run_record.h"
#include "netsim/api/selection.h"
#include "netsim/config/scenario.h"
#include "netsim/config/timeline.h"
#include "netsim/run/etcd.h"
#include "netsim/run/members.h"
#include "netsim/util/clock.h"

#define HOST_NAME "host"

/* A process of a workload, on one node or the host. */
struct run_member {
	const struct workload *workload;
	const char *node;  /* or HOST_NAME */
	const char *netns; /* NULL: the host's */
	const char *data;  /* its folder */
	char *log;
	char *name;  /* "etcd/server-1" */
	char **argv; /* end with NULL */
	char **env;
	struct process_spec spec;
	struct member *member;
	bool paused;
	bool chosen; /* by the step in progress */
};

/* A workload whose members can be asked. */
struct run_cluster {
	const struct workload *workload;
	struct etcd_endpoint *endpoints; /* of a store; NULL: a command is run */
	struct run_member *members;	 /* those of the workload */
	struct process_spec *commands;	 /* without a store: they print the members */
	const char **nodes;
	size_t count;
	uint64_t *ids; /* of the members of a store, 0: not known yet; shared by threads */
	int64_t term;  /* of a command: counts the changes of its leader */
	char *leader;  /* of a command: the last one */
};

struct run_ledger;
struct run_blocks;
struct run_traffic;
struct run_watch;
struct run_probes;
struct run_metrics;
struct run_asked;

/*
 * The signs of a fault in the counters, as bits: packets dropped for a reason, or on which a
 * condition acted. A fault that has several must show them all.
 */
#define FAULT_DROPS(reason) (1U << (reason))
#define FAULT_ACTS(effect)  (1U << (NETSIM_DROPS + (effect)))
#define FAULT_SIGNS	    (NETSIM_DROPS + NETSIM_EFFECTS)

/* Packets of the pairs that a fault concerns. */
struct fault_counts {
	int64_t offered;	    /* all that came to the ports */
	int64_t shown[FAULT_SIGNS]; /* of these, by sign */
};

/* Reads a scenario, with what the options change in it, and makes its plan. */
int run_load(const char *path, const struct netsim_run_opts *o, struct scenario **ret,
	     struct timeline **ret_plan, struct netsim_diags *diags);

/* A fault of the timeline until its end is recorded. */
struct run_fault {
	uint32_t id;
	char *text;
	uint32_t phase;
	unsigned repetition;
	int64_t begin;
	int64_t deadline; /* CLOCK_MONOTONIC; 0: until healed */
	bool *hits;	  /* by from * (nodes + 1) + to: pairs concerned; the host is the last */
	bool *cables;	  /* by topo->cables: those concerned */
	unsigned signs;	  /* as in struct fault_scope */
	char *class_name; /* only this traffic; or NULL */
	struct fault_counts before;
	struct fault_counts last; /* of the signs in settled */
	unsigned settled;
};

struct run {
	struct netsim_run_opts o;
	struct scenario *s;
	struct timeline *plan;
	struct netsim *ctx; /* the conductor's */
	char folder[3072];
	struct recorder *rec;
	int lock; /* of the run */
	bool was_up, is_up;

	struct members *processes;
	struct run_member *members;
	size_t member_count;
	struct run_cluster *clusters;
	size_t cluster_count;
	struct run_ledger *ledgers;
	size_t ledger_count;
	struct run_blocks *blocks;
	size_t block_count;
	struct run_probes *probes;
	struct run_watch *watch;
	struct run_traffic *traffic;
	struct run_metrics *metrics;
	struct run_fault *faults; /* in force */
	size_t fault_count;
	struct netsim_traffic *before;		   /* counters ahead of the next fault */
	unsigned ended_signs;			   /* of the faults that ended since then */
	struct netsim_traffic *pairs, *pairs_last; /* counters, see pairs_begin(), pairs_look() */
	int64_t pairs_until;
	struct run_asked *asked; /* since the last asked_begin(), NULL after asked_end() */
	char **notes;
	size_t note_count;
	char **kept; /* as in the result */
	size_t kept_count;

	/* Shared by threads. */
	pthread_mutex_t lock_shared;
	pthread_cond_t changed;
	bool interrupted;		    /* by the caller */
	bool halt;			    /* the timeline ends early */
	bool ending;			    /* workloads are stopped: that they end is expected */
	char why[256];			    /* of halt */
	bool by_abort;			    /* halt is an `abort` of the scenario */
	const struct timeline_entry *entry; /* the present one, or NULL */
	int64_t begin;			    /* of the timeline; 0: not begun */
	bool done;			    /* the conductor has ended */
	int code;			    /* its result */
	struct netsim_err err;
	struct netsim_diags diags;
};

static inline int64_t run_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* run_shared.c: ends the timeline; the first reason is kept. */
void run_halt(struct run *run, bool by_abort, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool run_is_halted(struct run *run);
/* Waits until a time (CLOCK_MONOTONIC), or until the timeline is halted: false. */
bool run_sleep(struct run *run, int64_t until);
/* Adds a note, which is also an event. */
void run_note(struct run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "etcd/server-1" -> the member; NULL: none. */
struct run_member *run_find_member(struct run *run, const struct workload *w, const char *node);
/* Creates a folder inside the evidence folder. */
int run_make_inside(const struct run *run, const char *name, struct netsim_err *err);
/* The index of a node in the topology; node_count for the host. */
size_t run_node(const struct run *run, const char *name);

/* run_fleet.c: makes what is missing of the fleet. */
int run_bring_up(struct run *run, struct netsim_diags *diags, struct netsim_err *err);
int run_apply_profile(struct run *run, struct netsim_err *err);

/* run_work.c */
int work_prepare(struct run *run, struct netsim_err *err);
/* Starts the members of a workload, and waits until they are ready. */
int work_start(struct run *run, const struct workload *w, struct netsim_err *err);
/* Starts all members that are chosen, and waits until they are ready. */
int work_start_chosen(struct run *run, struct netsim_err *err);
int work_continue_all(struct run *run, struct netsim_err *err);
/* Ends all members, and removes their data; with o.keep, they keep running. */
int work_end(struct run *run, struct netsim_err *err);
void work_free(struct run *run);
/* Fills templates for a node of a workload; NULL: out of memory. */
char *work_fill(const struct run *run, const struct workload *w, const char *node,
		const char *text);
/* The same for a list, which ends with NULL. */
char **work_fill_texts(const struct run *run, const struct workload *w, const char *node,
		       const struct texts *texts);
void work_free_texts(char **texts);

/* run_cluster.c */
int cluster_prepare(struct run *run, struct netsim_err *err);
void cluster_free(struct run *run);
struct run_cluster *cluster_of(struct run *run, const char *workload);
/* Asks the i-th member of a store for its state, and records it. False: it did not answer. */
bool cluster_ask(struct run *run, struct run_cluster *c, size_t i, struct etcd_call *call);
/* Of a workload without a store: runs its command, and records the states of all members. */
void cluster_run_command(struct run *run, struct run_cluster *c);
/* Resolves the selectors of workloads; each result, and the nodes of patterns, are events. */
struct selection_source cluster_source(struct run *run);

/* run_traffic.c: a failure to measure or to capture is only recorded as a note. */
int traffic_start(struct run *run, struct netsim_err *err);
void traffic_stop(struct run *run);
/* Hands the measurement over to the caller; NULL: there is none. */
struct netsim_measurement *traffic_take(struct run *run);
/* Removes the packets from the folder. */
void traffic_discard(const struct run *run);
void traffic_free(struct run *run);

/* run_ledgers.c */
int ledgers_start(struct run *run, const struct workload *w, struct netsim_err *err);
/* Ends the operations of all ledgers, and reads all keys a last time. */
void ledgers_end(struct run *run);
void ledgers_free(struct run *run);

/* run_blocks.c: the same for block ledgers */
int blocks_start(struct run *run, const struct workload *w, struct netsim_err *err);
void blocks_end(struct run *run);
void blocks_free(struct run *run);

/* run_probes.c */
int probes_start(struct run *run, struct netsim_err *err);
/*
 * Waits until all probes have been up for a while, but at most some seconds longer than that; then
 * the timeline begins in any case. False: the run was halted.
 */
bool probes_settle(struct run *run);
void probes_stop(struct run *run);
void probes_free(struct run *run);
/* "api up, web down for 1.2 s" */
void probes_text(struct run *run, char *buf, size_t size);

/* run_metrics.c */
int metrics_start(struct run *run, struct netsim_err *err);
/* Asks for the metrics at once, because a phase begins or the timeline ends. */
void metrics_look(struct run *run);
void metrics_stop(struct run *run);

/* run_faults.c */
/* Reads the counters, ahead of a fault by at most this time. */
#define LOOK_AHEAD 500000000LL
void faults_look(struct run *run);
/* A fault that was just added; class_name and targets are borrowed. */
struct fault_scope {
	const struct timeline_entry *entry;
	bool isolate, ring;	    /* a partition */
	const char *class_name;	    /* or NULL */
	const char *const *targets; /* of a fault that is no partition */
	size_t target_count;
	unsigned signs; /* 0: it has no counters */
};
int faults_add(struct run *run, const struct netsim_fault *fault, const struct fault_scope *scope,
	       struct netsim_err *err);
/*
 * Records the end of faults whose deadline has passed; returns the next deadline, or INT64_MAX if
 * there is none.
 */
int64_t faults_expire(struct run *run);
/*
 * Heals the faults that opts selects, and records their end, and that of faults whose deadline has
 * passed.
 */
int faults_heal(struct run *run, const struct netsim_heal_opts *opts, struct netsim_err *err);
void faults_free(struct run *run);

/* run_steps.c */
/* Does one command. */
int step_run(struct run *run, const struct timeline_entry *entry, int64_t phase_end,
	     struct netsim_err *err);

/* run_timeline.c */
void timeline_run(struct run *run);

/* run_watch.c */
int watch_start(struct run *run, struct netsim_err *err);
void watch_stop(struct run *run);

/*
 * run_pairs.c: records the packets of pairs that sentences name, between a beginning and the last
 * look that was done before a time (INT64_MAX: the end), because later counters also have what
 * passed after the faults of a phase had ended.
 */
void pairs_begin(struct run *run, int64_t until);
void pairs_look(struct run *run);
void pairs_end(struct run *run);

/*
 * run_asked.c: records what is asked of each pair of nodes, and what the ports count, between these
 * calls, unless the request changes meanwhile.
 */
#define ASKED_LEAST 1000000000LL /* a shorter phase says too little */
#define ASKED_AFTER 50000000LL	 /* after the phase's beginning, when earlier faults are over */
void asked_begin(struct run *run, const struct timeline_entry *entry);
void asked_end(struct run *run);
/* Measures the network, and records each row. */
int asked_verify(struct run *run, struct netsim_err *err);
void asked_free(struct run *run);

#endif
