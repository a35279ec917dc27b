/* SPDX-License-Identifier: GPL-2.0-or-later */
/* up and plan. */
#include <stdio.h>

#include "netsim/api/handle.h"
#include "netsim/config/topo.h"
#include "netsim/fleet/converge.h"
#include "netsim/fleet/fleet.h"
#include "netsim/fleet/layout.h"
#include "netsim/fleet/lock.h"
#include "netsim/fleet/plan.h"
#include "netsim/util/auto.h"

static int load(const char *path, struct topo **ret_topo, struct model **ret_model,
		struct netsim_diags *diags, struct netsim_err *err)
{
	int r = topo_load(path, ret_topo, diags);

	if (r < 0)
		return r;
	r = layout_make(*ret_topo, ret_model, err);
	if (r < 0) {
		topo_free(*ret_topo);
		*ret_topo = NULL;
	}
	return r;
}

/* New ports join the policy in force, if there is one. */
static int join_policy(struct netsim *ctx, const char *name, struct netsim_err *err)
{
	struct fleet f;
	int r = fleet_read(&ctx->state, name, &f, err);

	if (r == 0)
		r = fleet_find_policy(&f, err);
	if (r == 0 && f.policy)
		r = policy_attach(f.policy, f.st, f.model, policy_has_stamps(f.policy, f.model),
				  err);
	fleet_close(&f);
	return r;
}

static int converge(struct netsim *ctx, struct model *want, struct netsim_up *up,
		    struct netsim_err *err)
{
	struct model *before = NULL;
	int r = state_read_host(&ctx->state, err);

	if (r == 0)
		r = converge_check_foreign(&ctx->state, want, err);
	if (r == 0)
		r = state_read(&ctx->state, want->fleet, STATE_PORTS, &before, err);
	if (r == 0)
		r = converge_to(&ctx->state, want, &up->steps, err);
	if (r == 0 && up->steps && before->link_count) {
		r = state_read_host(&ctx->state, err);
		if (r == 0)
			r = join_policy(ctx, want->fleet, err);
		if (r == 0)
			r = api_shape_new(ctx, before, want->fleet, &up->shaped, err);
	}
	model_free(before);
	return r;
}

int netsim_up(struct netsim *ctx, const char *path, struct netsim_up *ret,
	      struct netsim_diags *diags, struct netsim_err *err)
{
	struct topo *topo = NULL;
	struct model *want = NULL;
	struct netsim_up up = {0};
	auto_close int lock = -1;
	int r = load(path, &topo, &want, diags, err);

	if (r < 0)
		return r;
	snprintf(up.fleet, sizeof(up.fleet), "%s", topo->fleet);
	up.nodes = topo->node_count;
	up.networks = topo->network_count;
	r = lock_take(topo->fleet, &lock, err);
	if (r == 0)
		r = converge(ctx, want, &up, err);
	model_free(want);
	topo_free(topo);
	if (r == 0)
		*ret = up;
	return r;
}

static int describe_plan(struct netsim *ctx, struct model *want, struct netsim_lines *ret,
			 struct netsim_err *err)
{
	struct model *have = NULL;
	struct plan plan = {0};
	char text[512];
	int r = state_read_host(&ctx->state, err);

	if (r == 0)
		r = converge_check_foreign(&ctx->state, want, err);
	if (r == 0)
		r = state_read(&ctx->state, want->fleet, STATE_ALL, &have, err);
	if (r == 0)
		r = plan_make(want, have, &plan, err);
	for (size_t i = 0; r == 0 && i < plan.count; i++) {
		step_describe(&plan.steps[i], want, text, sizeof(text));
		if (*text)
			r = lines_add(ret, err, "%s", text);
	}
	plan_done(&plan);
	model_free(have);
	return r;
}

int netsim_plan(struct netsim *ctx, const char *path, struct netsim_lines *ret,
		struct netsim_diags *diags, struct netsim_err *err)
{
	struct topo *topo = NULL;
	struct model *want = NULL;
	int r = load(path, &topo, &want, diags, err);

	if (r == 0)
		r = describe_plan(ctx, want, ret, err);
	model_free(want);
	topo_free(topo);
	return r;
}
