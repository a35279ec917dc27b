/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netsim run --edge: runs a scenario with different values, until it is known which ones it bears.
 */
#ifndef NETSIM_CLI_RUN_EDGE_H
#define NETSIM_CLI_RUN_EDGE_H

#include "run_job.h"

struct run_edge {
	const char *range;  /* "delay 10ms..500ms" */
	const char *within; /* "10%", or NULL: the default */
	const char *out;    /* the folder, or NULL: the default */
};

/*
 * Searches for the edge of the only job, whose runs become the jobs. how is that of jobs. Returns
 * the exit status, or a negative errno with err filled.
 */
int run_edge(const struct run_edge *args, struct run_jobs *jobs, struct netsim_run_opts *how,
	     struct netsim_err *err);
/* Prints the plans of both ends. */
int run_edge_plans(const struct run_edge *args, const struct run_jobs *jobs,
		   struct netsim_run_opts *how, struct netsim_err *err);

#endif
