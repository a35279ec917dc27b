/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the programs at the ports counted: between which nodes, of which class. */
#include <stdlib.h>
#include <string.h>

#include "netsim/traffic.h"

API void netsim_traffic_free(struct netsim_traffic *traffic)
{
	for (size_t i = 0; i < traffic->flow_count; i++) {
		free(traffic->flows[i].from);
		free(traffic->flows[i].to);
		free(traffic->flows[i].class);
	}
	free(traffic->flows);
	free(traffic->fleet);
	*traffic = (struct netsim_traffic) {0};
}

static int compare_names(const char *a, const char *b)
{
	if (!a || !b)
		return !a - !b;
	return strcmp(a, b);
}

API int netsim_compare_flows(const struct netsim_flow *a, const struct netsim_flow *b)
{
	int order = compare_names(a->from, b->from);

	if (order == 0)
		order = compare_names(a->to, b->to);
	return order ? order : compare_names(a->class, b->class);
}

API int netsim_traffic(struct netsim *ns, const char *fleet, struct netsim_traffic *ret,
		       struct netsim_err *err)
{
	struct session s;
	int r = traffic_open(ns, fleet, &s, err);

	if (r == 0)
		r = traffic_read(&s, ret, err);
	session_done(&s);
	return r;
}
