/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns the results of flow.h and oneway.h into report rows, with names for addresses. Pure. */
#ifndef NETSIM_ANALYZE_H
#define NETSIM_ANALYZE_H

#include "netsim/config/topo.h"
#include "netsim/flow/flow.h"
#include "netsim/flow/oneway.h"
#include "netsim/util/unit.h"

/* Names of addresses and of views, and the filter on rows. */
struct analyze_names {
	struct analyze_name {
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
int analyze_names_of(const struct topo *topo, struct analyze_names *ret);
/* Adds a copy of name for the address; the first name of an address wins. 0 or -ENOMEM. */
int analyze_names_add(struct analyze_names *names, const struct ip *ip, const char *name);
void analyze_names_done(struct analyze_names *names);

/* Loads the class file at path, or the default one if path is NULL. The caller frees *ret. */
int analyze_classes(const char *path, struct class_set **ret, struct netsim_diags *diags,
		    struct netsim_err *err);

/*
 * Fills *ret. flow and oneway (may be NULL) must be finished; connections limits the
 * connection rows (0: all). analysis_done() frees *ret, also after an error (-ENOMEM).
 */
int analyze_rows(const struct flow *flow, const struct oneway *oneway,
		 const struct class_set *classes, const struct analyze_names *names,
		 size_t connections, struct netsim_analysis *ret, struct netsim_err *err);
void analysis_done(struct netsim_analysis *analysis);

#endif
