/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Part of libnetsim's public header: include netsim/netsim.h. */
#ifndef NETSIM_NETSIM_RUN_H
#define NETSIM_NETSIM_RUN_H

#include <netsim/netsim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- scenarios: libnetsim-run(3) */

/* An expectation in one repetition of its phase, or one that every run has. */
struct netsim_run_row {
	const char *phase;		  /* "run" for the expectations of every run */
	unsigned repetition, repetitions; /* from 1; 0: the phase has none */
	const char *text;		  /* the sentence, "api outage <= 2s" */
	enum netsim_verdict verdict;	  /* as asked, not as asked, or unproved */
	bool measured;
	double value, low, high; /* with bounds: ns, a ratio, per second, or a count */
	double limit;
	int64_t begin_ns, end_ns; /* the time that it is about, since the beginning of the run */
	int64_t when_ns;   /* of the value, since the beginning of the run; below 0: unknown */
	const char *shows; /* the value: "1.28 s ± 0.02 s"; or "" */
	const char *why;   /* the reason, or "" */
	const char *line;  /* all of it, in at most 100 columns */
};

/* The values of an expectation over all repetitions. */
struct netsim_run_expectation {
	const char *phase, *text;
	size_t as_asked, failed, unproved;
	size_t measured;	 /* the number of values */
	double min, median, max; /* of the values */
	const char *shows;	 /* "0.98 s, 1.28 s, 1.71 s"; "" without values */
};

struct netsim_measurement;

struct netsim_run {
	const char *scenario, *host;
	const char *folder;	     /* of the evidence */
	enum netsim_verdict verdict; /* not as asked if a row is, else unproved if one is */
	bool complete;		     /* the run was not killed */
	bool interrupted;	     /* the progress function has ended it */
	int64_t begin_ns;	     /* since 1970; 0: unknown */
	int64_t duration_ns;
	struct netsim_run_row **rows;
	size_t row_count;
	size_t as_asked, failed, unproved; /* rows */
	struct netsim_run_expectation **expectations;
	size_t expectation_count;
	const char **findings; /* of ledgers, a line each; the first 100 of each */
	size_t finding_count, finding_total;
	const char **notes; /* other events, such as killing an earlier run's processes */
	size_t note_count;
	const char *unwritten; /* why the folder lacks a part of the evidence, or NULL */
	const char *json;      /* verdict.json */
	const char *junit;     /* junit.xml */
	const char *chart;     /* JSON: the run over time, as report.html draws it */
	const char *source;    /* the scenario file as read; NULL: missing */
	/* The fleet's traffic, if it was asked for; NULL from netsim_report(). */
	struct netsim_measurement *traffic;
	const char **kept; /* what opts.keep has left: "the fleet simple", "process 17 of etcd/a" */
	size_t kept_count;
	const char *profile, *seed; /* "": unknown */
};

/* The progress of a run, reported ten times a second. */
struct netsim_run_progress {
	const char *phase;		  /* or NULL before and after the timeline */
	unsigned repetition, repetitions; /* 0: the phase has none */
	const char *now;		  /* the present step: "hold for 10s" */
	const char *next;		  /* the next command, or NULL */
	int64_t next_in_ns;
	int64_t elapsed_ns, length_ns; /* of the timeline; elapsed below 0: not begun */
	const char *probes;	       /* "api up, web down for 1.2 s"; or "" */
	const char *folder;	       /* of the evidence, or NULL: not created yet */
};
/* Returns true to end the run, which then heals, stops all and judges the evidence so far. */
typedef bool netsim_run_progress_fn(void *arg, const struct netsim_run_progress *progress);

struct netsim_run_opts {
	size_t size;
	const char *folder; /* for the evidence; NULL: ./netsim-run-SCENARIO-DATE-TIME */
	bool seeded;	    /* use seed instead of the scenario's */
	uint64_t seed;
	const char *profile; /* a file instead of the scenario's profile; "none": no profile */
	bool keep;	     /* leave the fleet and its workloads, with their data in the folder */
	netsim_run_progress_fn *progress; /* may be NULL; called by the calling thread */
	void *arg;
	bool packets;	     /* keep the captured packets in the folder even if nothing failed */
	bool traffic;	     /* measure and capture the traffic, too */
	const char *instead; /* "delay 85ms": the value of a key of the scenario, or NULL */
	bool verify; /* measure the network before workloads start, as netsim_verify() does */
};

/*
 * Runs a scenario, and judges it. A verdict is not an error: see verdict. A wrong file gives
 * -EINVAL with diags; other failures, such as a workload that does not become ready, fill
 * err. -EBUSY: a run of this fleet is in progress. Free with netsim_run_free().
 */
NETSIM_API int netsim_run(const char *path, const struct netsim_run_opts *opts,
			  struct netsim_run **ret, struct netsim_diags *diags,
			  struct netsim_err *err);
NETSIM_API void netsim_run_free(struct netsim_run *run);

/* One of several runs: its result, or the reason why it has none. */
struct netsim_run_outcome {
	const char *name;	      /* of its test suite */
	const struct netsim_run *run; /* NULL: it could not be run */
	const char *why;	      /* then the reason */
};

/*
 * Returns the JUnit XML of several runs, a test suite each; one that could not be run is a test
 * case with an error. Free it with free(). NULL: out of memory.
 */
NETSIM_API char *netsim_run_junit(const struct netsim_run_outcome *outcomes, size_t count);

/* One step of a plan. */
struct netsim_plan_step {
	int64_t at_ns; /* from the beginning of the timeline, if commands take no time */
	bool at_least; /* it depends on how long a program runs: at_ns or later */
	const char *phase;
	unsigned repetition, repetitions; /* 0: the phase has none */
	const char *text; /* "partition n100-1 --for 10s", "hold for 3s", "heal", "pause for 2s" */
};

struct netsim_run_plan {
	const char *scenario, *fleet;
	uint64_t seed;
	struct netsim_plan_step **steps;
	size_t step_count;
	int64_t length_ns;
	bool at_least;	  /* likewise */
	const char *text; /* all of it, a line for each step */
};

/*
 * Makes the plan of a scenario: the same for the same seed. Only the options seeded, seed, profile
 * and instead are used. A wrong file gives -EINVAL with diags. Free with netsim_run_plan_free().
 */
NETSIM_API int netsim_run_plan(const char *path, const struct netsim_run_opts *opts,
			       struct netsim_run_plan **ret, struct netsim_diags *diags,
			       struct netsim_err *err);
NETSIM_API void netsim_run_plan_free(struct netsim_run_plan *plan);

/* --- the edge of what a scenario bears */

enum netsim_edge_state {
	NETSIM_EDGE_SEARCHING,
	NETSIM_EDGE_FOUND,    /* between two values that are near enough */
	NETSIM_EDGE_ALL,      /* it bears both ends of the range */
	NETSIM_EDGE_NONE,     /* it bears neither */
	NETSIM_EDGE_UNPROVED, /* an end is unproved, or the values in between, or ten runs are over
			       */
};

#define NETSIM_EDGE_RUNS 10

/* A search for the edge, by bisection: the caller runs the scenario with each next value. */
struct netsim_edge;

/*
 * Begins a search: "delay 10ms..500ms", a condition of links or "for", and two values. within: how
 * near the two values of the edge must be, as a share of the greater one. -EINVAL with err filled.
 * Free with netsim_edge_free().
 */
NETSIM_API int netsim_edge_new(const char *range, double within, struct netsim_edge **ret,
			       struct netsim_err *err);
NETSIM_API void netsim_edge_free(struct netsim_edge *edge);
/* The next value, for opts.instead: "delay 71ms"; NULL: the search has ended. */
NETSIM_API const char *netsim_edge_next(struct netsim_edge *edge);
/* Reports the verdict of the run with that value. */
NETSIM_API void netsim_edge_tell(struct netsim_edge *edge, enum netsim_verdict verdict);
NETSIM_API enum netsim_edge_state netsim_edge_state(const struct netsim_edge *edge);
/* The result in words: "bears delay 85ms, not 90ms". It belongs to the edge. */
NETSIM_API const char *netsim_edge_text(const struct netsim_edge *edge);
/* The value that was tried as number i, in ns, bit/s, bytes, or as a ratio. */
NETSIM_API double netsim_edge_value(const struct netsim_edge *edge, size_t i);

/*
 * Judges the evidence in the folder of a run again, also of one that was killed. Free with
 * netsim_run_free().
 */
NETSIM_API int netsim_report(const char *folder, struct netsim_run **ret, struct netsim_err *err);

#ifdef __cplusplus
}
#endif

#endif
