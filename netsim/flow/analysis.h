/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns the results of flow.h and oneway.h into report rows, with names for addresses. Pure. */
#ifndef NETSIM_FLOW_ANALYSIS_H
#define NETSIM_FLOW_ANALYSIS_H

#include "netsim/config/topo.h"
#include "netsim/flow/flow.h"
#include "netsim/flow/oneway.h"
#include "netsim/util/unit.h"

struct flow_rows {
	struct netsim_flow_row *list;
	size_t count;
};

/* The memory that struct netsim_analysis points into. */
struct analysis {
	uint64_t packets, bytes, inner, captured, connections, folded, unordered;
	int64_t first_ns, last_ns;
	struct flow_rows classes, pairs, flows, connection_rows;
	int64_t bin_ns;
	size_t bin_count;
	struct netsim_flow_gap *gaps;
	size_t gap_count;
	uint64_t gaps_more;
	struct netsim_one_way *one_way;
	size_t one_way_count;
	uint64_t unobserved, unmatched;
	int64_t one_way_first_ns, one_way_bin_ns;
	size_t one_way_bin_count;
	char **names; /* the texts that rows point to */
	size_t name_count;
};

/* Names of addresses and of views, and the filter on rows. */
struct analysis_names {
	struct analysis_name {
		struct ip ip;
		char *name;
	} * list;
	size_t count;
	char *const *views; /* views[0] names view 1; borrowed */
	size_t view_count;
	const char *const *only; /* names of nodes: only rows that have one as an end; borrowed */
	size_t only_count;	 /* 0: all rows */
};
/* Adds the addresses of a topology's nodes and of the host. 0 or -ENOMEM. */
int analysis_names_of(const struct topo *topo, struct analysis_names *ret);
/* Adds a copy of name for the address; the first name of an address wins. 0 or -ENOMEM. */
int analysis_names_add(struct analysis_names *names, const struct ip *ip, const char *name);
void analysis_names_done(struct analysis_names *names);

struct analysis_input {
	const struct flow *flow;	 /* finished */
	const struct oneway *oneway;	 /* finished, or NULL */
	const struct class_set *classes; /* the flow's, or NULL */
	const struct analysis_names *names;
	size_t connections; /* limits the rows of connections; 0: all */
};
/* Fills *ret, which analysis_done() frees, also after an error (-ENOMEM). */
int analysis_rows(const struct analysis_input *input, struct analysis *ret, struct netsim_err *err);
void analysis_done(struct analysis *analysis);

#endif
