/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans and runs the measurement: how often to probe each path without loading a link,
 * and which partners to use for measuring rates.
 */
#ifndef NETSIM_VERIFY_RUN_H
#define NETSIM_VERIFY_RUN_H

#include "netsim/verify/judge.h"

struct verify_run {
	int own_fd;		 /* this process's network namespace */
	struct probe_end *links; /* interfaces; probes[].from and .to index them */
	size_t link_count;
	char **ends; /* names of the ends; paths[].from and .to index them */
	size_t end_count;
	bool *about; /* by end: whether to measure its rates, and judge it; NULL: all */
	struct verify_path *paths;
	struct probe_path *probes; /* one for each path */
	size_t path_count;
	struct verify_rate *rates;
	size_t rate_count;
	struct scratch *scratch; /* for calibration, during a measurement; or NULL */
	struct probe *probe;	 /* of links and, after them, of the ends of scratch */
	double timer_slack; /* of this machine: how late timers and the control path were, ms */
	double stray;	    /* the share that the control path lost */
	double stall;	    /* upper end of the 99.9 % interval of its mean lateness, ms */
	double stall_sd;    /* its standard deviation, ms */
	bool quick;
	bool (*progress)(void *arg, const char *what, double done); /* true: stop */
	void *arg;
	bool stopped;	   /* by progress: measure no more */
	double rates_done; /* share of the rates that are measured */
};

/* Reports the progress of a step; true if the measurement is to stop, now or since before. */
bool verify_tell(struct verify_run *run, const char *what, double done);

/* Adds a path without conditions; NULL if out of memory. */
struct verify_path *verify_run_add(struct verify_run *run);
/* Frees the contents of the run, but does not close namespaces. */
void verify_run_done(struct verify_run *run);

/*
 * Calibrates: floods a scratch link that is shaped to the rate plan->link, by the plan except for
 * its lanes and burst; scale is the share of the traffic sent that reaches the measured link.
 * Raises control, excess and machine, or leaves them if there is no scratch link.
 */
struct tcp_path;
void verify_calibrate(struct verify_run *run, const struct probe_flood_plan *plan, double scale,
		      struct verify_rate *r);
/* The same by a TCP stream on a scratch link like path: raises tcp_control. */
void verify_calibrate_tcp(struct verify_run *run, const struct tcp_path *path, double warmup,
			  double seconds, struct verify_rate *r);

/* Adds the rates to measure; call it after the paths have been measured. */
int verify_list_rates(struct verify_run *run, struct netsim_err *err);

/* Adds and measures the rates. */
int verify_run_rates(struct verify_run *run, struct probe *probe, struct netsim_err *err);

/*
 * Measures everything: fills seen, many, up_every, down_every, rates, timer_slack, stray,
 * stall and stall_sd. A second call measures everything again except the rates. If it is stopped,
 * what is not measured is marked so. Returns 0, or a negative errno with err filled.
 */
int verify_measure(struct verify_run *run, struct netsim_err *err);

#endif
