/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the parts of an analysis while its rows are built. */
#ifndef NETSIM_FLOW_ANALYSIS_PARTS_H
#define NETSIM_FLOW_ANALYSIS_PARTS_H

#include "netsim/flow/analysis.h"

/*
 * Bits of builder.uses: the figures of a group that enter rows. USES_GAPS(w): the gaps of
 * direction w, unless they count at another view; USES_ROW: all other figures.
 */
#define USES_GAPS(w) (1U << (w))
#define USES_ROW     4U
#define USES_ALL     7U

/* The state of building rows. */
struct builder {
	const struct flow *flow;
	const struct class_set *classes;
	const struct analysis_names *names;
	struct analysis *ret;
	const struct flow_group *groups;
	size_t group_count;
	const char *(*ends)[2]; /* of each group */
	uint8_t *uses;		/* of each group */
	bool viewed;		/* packets have views */
	const char *other;
};

/* --- analysis_build.c; the names are NULL when out of memory */
const char *builder_keep(struct builder *b, const char *text);
const char *builder_address_name(struct builder *b, uint32_t address);
/* The name of the view's node, or NULL. */
const char *builder_view_name(const struct builder *b, uint16_t view);
const char *builder_class_name(const struct builder *b, unsigned class);
/* Adds all counts but gaps, which may count at another view. */
void builder_add_counts(struct netsim_flow_direction *way, const uint64_t counts[FLOW_COUNTS]);
int builder_compare_rows(const void *a, const void *b);

void builder_fill_rtt(const struct histogram *h, struct netsim_rtt *ret);
/* Whether rows with these ends (either may be NULL) pass the filter. */
bool builder_wants_row(const struct builder *b, const char *from, const char *to);

/* --- analysis_views.c: false when out of memory */
bool choose_views(struct builder *b);

/* --- analysis_oneway.c */
bool builder_one_way(struct builder *b, const struct oneway *oneway);

/* --- analysis_connections.c */
bool builder_connections(struct builder *b, size_t wanted);

#endif
