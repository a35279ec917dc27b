/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans and does the measurement: how often each path is probed, so that no link is
 * loaded by it, and who is whose partner when rates are measured.
 */
#ifndef NETSIM_VERIFY_RUN_H
#define NETSIM_VERIFY_RUN_H

#include "netsim/verify/judge.h"

struct verify_run {
	int own_fd;		 /* this process's network namespace */
	struct probe_end *links; /* interfaces; probes[].from and .to count them */
	size_t link_count;
	char **ends; /* what conditions belong to; paths[].from and .to count them */
	size_t end_count;
	struct verify_path *paths;
	struct probe_path *probes; /* one for each path */
	size_t path_count;
	struct verify_rate *rates;
	size_t rate_count;
	double lateness;
	bool quick;
	bool (*progress)(void *arg, const char *what, double done); /* true: stop */
	void *arg;
};

/* Adds a path with nothing asked of it yet; NULL when out of memory. */
struct verify_path *verify_run_add(struct verify_run *run);
/* Frees what the run holds, but for the namespaces. */
void verify_run_done(struct verify_run *run);

/* Measures the rates, after the paths; fills rates. */
int verify_run_rates(struct verify_run *run, struct probe *probe, struct netsim_err *err);

/*
 * Measures everything; fills seen, many, up_every, down_every, rates and lateness.
 * Called again it measures all but the rates anew.
 */
int verify_measure(struct verify_run *run, struct netsim_err *err);

#endif
