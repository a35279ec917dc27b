/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "netsim/api/handle.h"
#include "netsim/fleet/target.h"
#include "netsim/kernel/netns.h"
#include "netsim/util/auto.h"

int netsim_enter(struct netsim *ctx, const char *fleet, const char *node, struct netsim_err *err)
{
	auto_free char *chosen = NULL;
	struct model *model = NULL;
	int r = state_read_host(&ctx->state, err), i = -1;

	if (r == 0)
		r = target_need_fleet(&ctx->state, fleet, &chosen, err);
	if (r == 0)
		r = state_read(&ctx->state, chosen, STATE_NODES, &model, err);
	if (r == 0 && model_machine(model) >= 0)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "%s: netsim exec needs the host of a fleet; a node runs commands only "
			    "on itself, without netsim exec",
			    node);
	if (r == 0) {
		auto_free bool *marks = calloc(model->node_count + 1, sizeof(*marks));

		i = model_find_node(model, node);
		r = i >= 0 ? 0 : marks ? target_nodes(model, node, marks, err) : err_oom(err);
	}
	if (r == 0 && !model->nodes[i].netns)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "%s is a tap node: commands cannot be run inside its virtual machine",
			    node);
	else if (r > 0)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "%s is a pattern; give the name of one node", node);
	if (r == 0)
		r = netns_enter(model->nodes[i].netns, err);
	model_free(model);
	return r;
}
