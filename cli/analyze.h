/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report of an analysis, in its three forms. */
#ifndef NETSIM_CLI_ANALYZE_H
#define NETSIM_CLI_ANALYZE_H

#include <jansson.h>
#include <netsim/netsim.h>

/* What is shown: each list, or only one of them. */
enum analyze_by { BY_DEFAULT, BY_CONNECTION, BY_CLASS, BY_PAIR };

struct analyze_view {
	enum analyze_by by;
	size_t top; /* rows of each list, 0: all */
	bool verbose, quiet;
};

/* --by WHAT and --top COUNT (NULL: as usual) of a command. */
struct cmd;
int analyze_view_parse(const struct cmd *cmd, const char *by, const char *top,
		       struct analyze_view *ret, struct netsim_err *err);

/* counted: what the programs counted meanwhile, or NULL. */
void analyze_text(const struct netsim_analysis *a, const struct netsim_traffic *counted,
		  const struct analyze_view *view);
void analyze_csv(const struct netsim_analysis *a, const struct analyze_view *view);
/* The report as --json prints it and the page shows it: there rows have their series. */
json_t *analyze_object(const struct netsim_analysis *a, const struct netsim_traffic *counted,
		       const struct analyze_view *view);
/* Rows of one way. */
void analyze_one_way_text(const struct netsim_analysis *a, const struct netsim_traffic *counted,
			  const struct analyze_view *view);
json_t *analyze_one_way_json(const struct netsim_analysis *a, const struct netsim_traffic *counted,
			     const struct analyze_view *view);
/* What was dropped, by its reason. */
json_t *analyze_dropped_json(const struct netsim_flow *flow);

/* Cells of tables, with three digits and a unit: "941 Mbit", "1.43 ms", "50", "2.5 M". */
#define ANALYZE_CELL 24
const char *analyze_scaled(double value, const char *unit, char text[ANALYZE_CELL]);
const char *analyze_duration(double ns, char text[ANALYZE_CELL]);
const char *analyze_count(uint64_t value, char text[ANALYZE_CELL]);

/* "tcp", "udp", "icmp", "arp", or the number in text (16 bytes). */
const char *analyze_protocol(const struct netsim_flow_row *row, char *text);

#endif
