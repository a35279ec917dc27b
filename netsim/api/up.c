/* SPDX-License-Identifier: GPL-2.0-or-later */
/* up and plan: converge a fleet to its topology, or list the steps. */
#include <stdio.h>

#include "netsim/api/handle.h"
#include "netsim/config/topo.h"
#include "netsim/fleet/converge.h"
#include "netsim/kernel/bridge_filter.h"
#include "netsim/fleet/fleet.h"
#include "netsim/fleet/layout.h"
#include "netsim/fleet/lock.h"
#include "netsim/fleet/plan.h"
#include "netsim/shape/intent.h"
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

/* Attaches the policy in force, if any, to new ports. */
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
		r = converge_to(&ctx->state, want, &up->step_count, err);
	if (r == 0 && up->step_count && before->link_count) {
		r = state_read_host(&ctx->state, err);
		if (r == 0)
			r = join_policy(ctx, want->fleet, err);
		if (r == 0)
			r = api_shape_new(ctx, before, want->fleet, &up->shaped_count, err);
	}
	/* All cables are plugged in again. */
	if (r == 0)
		r = intent_note_cable(want->fleet, NULL, true, err);
	model_free(before);
	return r;
}

static int add_step(struct netsim_up *up, const char *text, struct netsim_err *err)
{
	struct netsim_step *step = arena_push(up, up->steps, up->step_count);

	if (!step || !(step->text = arena_strdup(up, text + 2)))
		return err_oom(err);
	step->kind = *text == '+' ? NETSIM_STEP_ADD :
		     *text == '-' ? NETSIM_STEP_REMOVE :
				    NETSIM_STEP_CHANGE;
	return 0;
}

static int list_steps(struct netsim *ctx, struct model *want, struct netsim_up *up,
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
			r = add_step(up, text, err);
	}
	plan_done(&plan);
	model_free(have);
	return r;
}

static int build(struct netsim *ctx, struct model *want, struct netsim_up *up,
		 struct netsim_err *err)
{
	auto_close int lock = -1;
	int r = lock_take(want->fleet, &lock, err);

	return r == 0 ? converge(ctx, want, up, err) : r;
}

int netsim_up(struct netsim *ctx, const char *path, const struct netsim_up_opts *opts,
	      struct netsim_up **ret, struct netsim_diags *diags, struct netsim_err *err)
{
	struct netsim_up_opts o;
	struct netsim_up *up = arena_new(sizeof(*up));
	struct model *want = NULL;
	struct topo *topo = NULL;
	char warning[320] = "";
	int r = up ? opts_read(&o, sizeof(o), opts, err) : err_oom(err);

	if (r == 0)
		r = load(path, &topo, &want, diags, err);
	if (r == 0 && !(up->fleet = arena_strdup(up, topo->fleet)))
		r = err_oom(err);
	if (r == 0) {
		up->node_count = topo->node_count;
		up->network_count = topo->network_count;
		r = o.dry_run ? list_steps(ctx, want, up, err) : build(ctx, want, up, err);
		bridge_filter_describe(warning, sizeof(warning));
	}
	if (r == 0 && *warning && !o.dry_run) {
		up->warning = arena_printf(up, "%s; needs: %s", warning, BRIDGE_FILTER_HINT);
		r = up->warning ? 0 : err_oom(err);
	}
	model_free(want);
	topo_free(topo);
	if (r < 0)
		arena_free(up);
	else
		*ret = up;
	return r;
}

void netsim_up_free(struct netsim_up *up)
{
	arena_free(up);
}
