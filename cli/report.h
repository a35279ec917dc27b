/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report of an analysis: text, JSON and CSV. */
#ifndef NETSIM_CLI_REPORT_H
#define NETSIM_CLI_REPORT_H

#include <jansson.h>
#include <netsim/netsim.h>

#include "cmd.h"

/* Which lists are shown: the default ones, or only one. */
enum analyze_by { BY_DEFAULT, BY_CONNECTION, BY_CLASS, BY_PAIR };

struct analyze_view {
	enum analyze_by by;
	size_t top; /* rows of each list, 0: all */
	bool verbose, quiet;
};

/* Options shared by the commands that print an analysis, with their option rows. */
struct analyze_options {
	const char *by, *top, *classes, *html; /* NULL: default */
	bool csv;
};
/* clang-format off */
#define ANALYZE_OPTS(type, member) \
	{0, "by", NETSIM_OPT_TEXT, offsetof(type, member.by), "WHAT", \
	 "print only connection, class or pair rows"}, \
	{0, "top", NETSIM_OPT_TEXT, offsetof(type, member.top), "COUNT", \
	 "show at most COUNT rows (20; 0: all)"}, \
	{0, "classes", NETSIM_OPT_TEXT, offsetof(type, member.classes), "FILE", \
	 "use this class file instead of the default"}, \
	{0, "csv", NETSIM_OPT_FLAG, offsetof(type, member.csv), NULL, \
	 "print CSV, a row for each direction"}, \
	{0, "html", NETSIM_OPT_TEXT, offsetof(type, member.html), "FILE", \
	 "write a page with tables and plots over time"}
/* clang-format on */
/* Fails if options exclude each other, or if the page cannot be written. */
int analyze_options_parse(const struct cmd *cmd, const struct common *common,
			  const struct analyze_options *options, struct analyze_view *ret,
			  struct netsim_err *err);

/* counted: traffic counters of the same time, or NULL. */
void analyze_text(const struct netsim_analysis *a, const struct netsim_traffic *counted,
		  const struct analyze_view *view);
void analyze_csv(const struct netsim_analysis *a, const struct analyze_view *view);
/* Makes the report for --json and for the page, where rows include their time series. */
json_t *analyze_object(const struct netsim_analysis *a, const struct netsim_traffic *counted,
		       const struct analyze_view *view);
/* The same of a measurement, with ports, faults, and the counters of the ports' programs. */
json_t *measurement_object(const struct netsim_measurement *m, const struct analyze_view *view);
/* Prints the one-way rows. */
void analyze_one_way_text(const struct netsim_analysis *a, const struct netsim_traffic *counted,
			  const struct analyze_view *view);
json_t *analyze_one_way_json(const struct netsim_analysis *a, const struct netsim_traffic *counted,
			     const struct analyze_view *view);
/* Makes an object of drops by reason. */
json_t *analyze_dropped_json(const struct netsim_flow *flow);

/* Returns "tcp", "udp", "icmp", "arp", or the number, in text (16 bytes). */
const char *analyze_protocol(const struct netsim_flow_row *row, char *text);

#endif
