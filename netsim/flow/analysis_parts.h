/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the parts of an analysis while its rows are built. */
#ifndef NETSIM_ANALYZE_PARTS_H
#define NETSIM_ANALYZE_PARTS_H

#include "netsim/flow/analysis.h"

/* The figures of a group that count; for the others another view counts. */
#define USES_WAY(w)  (1U << (w))
#define USES_GAPS(w) (4U << (w))
#define USES_ALL     15U

/* The state of building rows. */
struct making {
	const struct flow *flow;
	const struct class_set *classes;
	const struct analyze_names *names;
	struct netsim_analysis *ret;
	const struct flow_group *groups;
	size_t group_count;
	const char *(*ends)[2]; /* of each group */
	uint8_t *uses;		/* of each group */
	bool viewed;		/* packets have views */
	const char *other;
};

/* --- analysis_build.c; the names are NULL when out of memory */
const char *making_keep(struct making *m, const char *text);
const char *making_name(struct making *m, uint32_t address);
/* The name of the view's node, or NULL. */
const char *making_view(const struct making *m, uint16_t view);
const char *making_class(const struct making *m, unsigned class);
/* Adds all counts but gaps, which may count at another view. */
void making_add_counts(struct netsim_flow_way *way, const uint64_t counts[FLOW_COUNTS]);
int making_compare_rows(const void *a, const void *b);

void making_rtt(const struct histogram *h, struct netsim_rtt *ret);
/* Whether rows with these ends (either may be NULL) pass the filter. */
bool making_wants(const struct making *m, const char *a, const char *b);

/* --- analysis_views.c: false when out of memory */
bool choose_views(struct making *m);

/* --- analysis_oneway.c */
bool making_one_way(struct making *m, const struct oneway *oneway);

/* --- analysis_connections.c */
bool making_connections(struct making *m, size_t wanted);

#endif
