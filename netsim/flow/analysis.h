/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was followed -> rows for reports, with names instead of addresses. Pure. */
#ifndef NETSIM_ANALYZE_H
#define NETSIM_ANALYZE_H

#include "netsim/config/topo.h"
#include "netsim/flow/flow.h"
#include "netsim/flow/oneway.h"
#include "netsim/util/unit.h"

struct flow_rows {
	struct netsim_flow_row *list;
	size_t count;
};

/* What struct netsim_analysis points into. */
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
	uint64_t elsewhere, strays;
	int64_t one_way_first_ns, one_way_bin_ns;
	size_t one_way_bin_count;
	char **names; /* what the texts in rows point into */
	size_t name_count;
};

/* Who has an address. */
struct analyze_names {
	struct analyze_name {
		struct ip ip;
		char *name;
	} * list;
	size_t count;
	char *const *views; /* of view 1 and so on; somebody else's */
	size_t view_count;
	const char *const *only; /* rows of whom; somebody else's */
	size_t only_count;	 /* 0: of everybody */
};
/* The nodes of a topology, and the host. 0 or -ENOMEM. */
int analyze_names_of(const struct topo *topo, struct analyze_names *ret);
/* One more; of an address that has a name already, that one stays. */
int analyze_names_add(struct analyze_names *names, const struct ip *ip, const char *name);
void analyze_names_done(struct analyze_names *names);

/* The usual class file, or this one. */
int analyze_classes(const char *path, struct class_set **ret, struct netsim_diags *diags,
		    struct netsim_err *err);

/* What rows are made of. */
struct analyze_input {
	const struct flow *flow;	 /* finished */
	const struct oneway *oneway;	 /* finished, or NULL */
	const struct class_set *classes; /* the flow's, or NULL */
	const struct analyze_names *names;
	size_t connections; /* how many rows of them; 0: all */
};
int analyze_rows(const struct analyze_input *input, struct analysis *ret, struct netsim_err *err);
void analysis_done(struct analysis *analysis);

#endif
