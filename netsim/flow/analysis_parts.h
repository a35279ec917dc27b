/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of an analysis share while its rows are made. */
#ifndef NETSIM_ANALYZE_PARTS_H
#define NETSIM_ANALYZE_PARTS_H

#include "netsim/flow/analysis.h"

/* What of a group counts: the rest is told by another view. */
#define USES_WAY(w)  (1U << (w))
#define USES_GAPS(w) (4U << (w))
#define USES_ALL     15U

/* What the rows are made with. */
struct making {
	const struct flow *flow;
	const struct class_set *classes;
	const struct analyze_names *names;
	struct analysis *ret;
	const struct flow_group *groups;
	size_t group_count;
	const char *(*ends)[2]; /* of each group */
	uint8_t *uses;		/* of each group */
	bool viewed;		/* there are views at all */
	const char *other;
};

/* --- analyze_making.c; NULL when memory ran out. */
const char *making_keep(struct making *m, const char *text);
const char *making_name(struct making *m, uint32_t address);
/* The node whose view it is, or NULL. */
const char *making_view(const struct making *m, uint16_t view);
const char *making_class(const struct making *m, unsigned class);
/* All but gaps, which count where they are seen. */
void making_add_counts(struct netsim_flow_way *way, const uint64_t counts[FLOW_COUNTS]);
int making_compare_rows(const void *a, const void *b);

void making_rtt(const struct histogram *h, struct netsim_rtt *ret);
/* Whether rows of it are wanted; names may be NULL. */
bool making_wants(const struct making *m, const char *a, const char *b);

/* --- analyze_views.c: false when memory ran out. */
bool choose_views(struct making *m);

/* --- analyze_oneway.c */
bool making_one_way(struct making *m, const struct oneway *oneway);

/* --- analyze_connections.c */
bool making_connections(struct making *m, size_t wanted);

#endif
