/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the result of a run. */
#ifndef NETSIM_CLI_RUN_PRINT_H
#define NETSIM_CLI_RUN_PRINT_H

#include <jansson.h>

#include "cmd.h"

/* Prints the verdict: lines of rows that are not ok, values of expectations, a summary. */
void run_print(const struct common *common, const struct netsim_run *run);
/* Writes a text, such as junit.xml, to a file; path NULL: does nothing. text NULL: no memory. */
int run_write_text(const char *path, const char *text, struct netsim_err *err);
/* Writes the faults of runs as annotations of Grafana, a line each; path NULL: does nothing. */
int run_write_annotations(const struct netsim_run *const *runs, size_t count, const char *path,
			  struct netsim_err *err);
/* "ok", "failed", "unproved" */
const char *run_word(enum netsim_verdict verdict);
/* The exit status of a verdict. */
int run_status(const struct netsim_run *run);
/*
 * Prints the plan of a scenario, or adds it to a list for JSON, which run_plan_end() prints if r is
 * 0, and frees. Both return r, or what report_file() returns.
 */
int run_plan_add(json_t *list, const struct common *common, const char *path,
		 const struct netsim_run_opts *how, struct netsim_err *err);
int run_plan_end(json_t *list, const struct common *common, int r);
/* Prints two runs side by side. */
void run_compare(const struct common *common, const struct netsim_run *a,
		 const struct netsim_run *b);

#endif
