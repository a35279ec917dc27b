/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "netsim/api/handle.h"
#include "netsim/fleet/target.h"
#include "netsim/fleet/topo_record.h"
#include "netsim/kernel/netns.h"
#include "netsim/run/limits.h"
#include "netsim/util/auto.h"

static int refuse_guest(const struct model_node *node, struct netsim_err *err)
{
	err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
		node->peer ? "%s is another machine, on which netsim cannot run commands" :
			     "%s is a virtual machine, inside which netsim cannot run commands",
		node->name);
	err_hint(err, "log in to it, for example by ssh, and run the command there");
	return -EINVAL;
}

int netsim_enter(struct netsim *ctx, const char *fleet, const char *node, struct netsim_err *err)
{
	auto_free char *chosen = NULL;
	struct model *model = NULL;
	int r = state_read_host(&ctx->state, err), i = -1;

	if (r == 0)
		r = target_need_fleet(&ctx->state, fleet, &chosen, err);
	if (r == 0)
		r = state_read(&ctx->state, chosen, STATE_NODES, &model, err);
	if (r == 0)
		r = topo_record_add_nodes(&ctx->state, model, err);
	if (r == 0) {
		auto_free bool *marks = calloc(model->node_count + 1, sizeof(*marks));

		i = model_find_node(model, node);
		r = i >= 0 ? 0 : marks ? target_nodes(model, node, marks, err) : err_oom(err);
	}
	if (r == 0 && !model->nodes[i].netns && !model->nodes[i].machine)
		r = refuse_guest(&model->nodes[i], err);
	else if (r > 0)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "%s is a pattern; give the name of one node", node);
	/* Before the mounts of the node hide the cgroups. */
	if (r == 0 && !model->nodes[i].machine)
		r = limits_join(chosen, ctx->state.own_id, node, err);
	/* This machine itself is already where the command is to run. */
	if (r == 0 && !model->nodes[i].machine)
		r = netns_enter(model->nodes[i].netns, err);
	model_free(model);
	return r;
}
