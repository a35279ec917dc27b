/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/publish.h"

#include "netsim/util/arena.h"

/* The result, with the analysis that its lists point into. */
struct published {
	struct netsim_analysis result;
	struct analysis inner;
};

static void *list(struct published *p, void *block, size_t count, size_t size)
{
	return arena_list(p, block, count, size);
}

static struct netsim_flow_rows rows(struct published *p, const struct flow_rows *from)
{
	return (struct netsim_flow_rows) {list(p, from->list, from->count, sizeof(*from->list)),
					  from->count};
}

int analysis_publish(struct analysis *from, struct netsim_analysis **ret, struct netsim_err *err)
{
	struct published *p = arena_new(sizeof(*p));

	if (!p)
		return err_oom(err);
	p->inner = *from;
	*from = (struct analysis) {0};
	from = &p->inner;
	p->result = (struct netsim_analysis) {
		.packets = from->packets,
		.bytes = from->bytes,
		.inner = from->inner,
		.captured = from->captured,
		.connections = from->connections,
		.folded = from->folded,
		.unordered = from->unordered,
		.first_ns = from->first_ns,
		.last_ns = from->last_ns,
		.classes = rows(p, &from->classes),
		.pairs = rows(p, &from->pairs),
		.flows = rows(p, &from->flows),
		.connection_rows = rows(p, &from->connection_rows),
		.bin_ns = from->bin_ns,
		.bin_count = from->bin_count,
		.gaps = list(p, from->gaps, from->gap_count, sizeof(*from->gaps)),
		.gap_count = from->gap_count,
		.gaps_more = from->gaps_more,
		.one_way = list(p, from->one_way, from->one_way_count, sizeof(*from->one_way)),
		.one_way_count = from->one_way_count,
		.unobserved = from->unobserved,
		.unmatched = from->unmatched,
		.one_way_first_ns = from->one_way_first_ns,
		.one_way_bin_ns = from->one_way_bin_ns,
		.one_way_bin_count = from->one_way_bin_count,
	};
	if (!p->result.classes.list || !p->result.pairs.list || !p->result.flows.list ||
	    !p->result.connection_rows.list || !p->result.gaps || !p->result.one_way) {
		netsim_analysis_free(&p->result);
		return err_oom(err);
	}
	*ret = &p->result;
	return 0;
}

void netsim_analysis_free(struct netsim_analysis *analysis)
{
	struct published *p = (struct published *)analysis;

	if (p)
		analysis_done(&p->inner);
	arena_free(p);
}
