/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "netsim/api/handle.h"
#include "netsim/fleet/converge.h"
#include "netsim/fleet/lock.h"
#include "netsim/fleet/target.h"
#include "netsim/shape/intent.h"
#include "netsim/util/auto.h"

static int list_fleet(struct netsim *ctx, const char *fleet, struct netsim_lines *ret,
		      struct netsim_err *err)
{
	struct model *have = NULL;
	int r = state_read(&ctx->state, fleet, STATE_NODES, &have, err);

	for (size_t i = 0; r == 0 && i < have->link_count; i++)
		r = lines_add(ret, err, "- %s", have->links[i].name);
	for (size_t i = 0; r == 0 && i < have->node_count; i++)
		if (have->nodes[i].netns)
			r = lines_add(ret, err, "- node %s (namespace %s)", have->nodes[i].name,
				      have->nodes[i].netns);
	model_free(have);
	return r;
}

static int remove_fleet(struct netsim *ctx, const char *fleet, struct netsim_err *err)
{
	auto_close int lock = -1;
	bool any = false;
	int r = lock_take(fleet, &lock, err);

	if (r == 0)
		r = converge_remove(&ctx->state, fleet, &any, err);
	if (r < 0)
		return r;
	(void)intent_write(fleet, &(struct intent) {0}, NULL);
	lock_remove(fleet);
	return 0;
}

int netsim_down(struct netsim *ctx, const char *fleet, bool dry, char *name,
		struct netsim_lines *ret, struct netsim_err *err)
{
	auto_free char *chosen = NULL;
	int r = state_read_host(&ctx->state, err);

	*name = 0;
	if (r == 0)
		r = target_fleet(&ctx->state, fleet, &chosen, err);
	if (r == -ENOENT && !chosen && !fleet)
		return 0; /* nothing is up: that is what was asked */
	if (r < 0)
		return r;
	snprintf(name, 64, "%s", chosen);
	return dry ? list_fleet(ctx, chosen, ret, err) : remove_fleet(ctx, chosen, err);
}
