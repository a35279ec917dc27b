/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a report as an HTML page: one file that needs no network. */
#ifndef NETSIM_CLI_REPORT_HTML_H
#define NETSIM_CLI_REPORT_HTML_H

#include <jansson.h>
#include <netsim/netsim.h>

/* Checks that a page can be written to path, before the report is made. */
int page_check(const char *path, struct netsim_err *err);

/*
 * Writes a page with this title for a report of analyze_object(); drops the reference to
 * it. A regular file is replaced atomically.
 */
int page_write(const char *path, const char *title, json_t *report, struct netsim_err *err);

/*
 * Writes the page of a run, in the same way. traffic: of measurement_object(), or NULL; the
 * caller keeps it.
 */
int page_write_run(const char *path, const struct netsim_run *run, json_t *traffic,
		   struct netsim_err *err);

/* Writes the page of a search for the edge; drops the reference to its data. */
int page_write_edge(const char *path, const char *title, json_t *data, struct netsim_err *err);

#endif
