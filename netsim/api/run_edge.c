// SPDX-License-Identifier: GPL-2.0-or-later
/* The search for the edge, for callers of the library. */
#include <stdio.h>
#include <stdlib.h>

#include "netsim/judge/edge.h"
#include "netsim/util/err.h"

struct netsim_edge {
	struct edge e;
	char next[EDGE_TEXT + 64];
	char text[EDGE_TEXT];
};

int netsim_edge_new(const char *range, double within, struct netsim_edge **ret,
		    struct netsim_err *err)
{
	struct netsim_edge *edge = calloc(1, sizeof(*edge));
	int r = edge ? edge_parse(range, within, &edge->e, err) : err_oom(err);

	if (r < 0)
		free(edge);
	else
		*ret = edge;
	return r;
}

void netsim_edge_free(struct netsim_edge *edge)
{
	free(edge);
}

const char *netsim_edge_next(struct netsim_edge *edge)
{
	char value[EDGE_TEXT];
	bool more = edge_next(&edge->e);

	edge_text(&edge->e, edge->text);
	if (!more)
		return NULL;
	snprintf(edge->next, sizeof(edge->next), "%s %s", edge->e.key,
		 edge_value(&edge->e, edge->e.next, value));
	return edge->next;
}

void netsim_edge_tell(struct netsim_edge *edge, enum netsim_verdict verdict)
{
	edge_tell(&edge->e, verdict);
}

enum netsim_edge_state netsim_edge_state(const struct netsim_edge *edge)
{
	return edge->e.state;
}

const char *netsim_edge_text(const struct netsim_edge *edge)
{
	return edge->text;
}

double netsim_edge_value(const struct netsim_edge *edge, size_t i)
{
	return i < edge->e.count ? edge->e.tries[i].value : 0;
}
