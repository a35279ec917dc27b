/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/edt_commit.h"

#include <errno.h>
#include <stdlib.h>

#include "netsim/shape/edt_faults.h"
#include "netsim/shape/edt_queue.h"

bool engine_is_edt(const struct policy *policy)
{
	return policy && policy_slot(policy)->flags & PORT_FLAG_BASE;
}

static uint64_t longest_of(const struct base *base)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < base->policy.count; i++) {
		const struct port_conditions *c = &base->policy.entries[i].conditions;
		uint64_t time = c->delay + 4 * c->jitter + (c->rate ? c->queue : 0);

		for (size_t row = 0; row < c->trace_count; row++) {
			uint64_t delay = base->policy.rows[c->trace_first + row].delay;

			if (delay + c->queue > time)
				time = delay + c->queue;
		}
		longest = time > longest ? time : longest;
	}
	return 3 * longest; /* of three hops */
}

static int put_base(struct policy *policy, struct policy_change *change, const struct base *base,
		    struct netsim_err *err)
{
	int r = policy_put_base(policy, change, &base->policy, err);

	change->slot->longest = longest_of(base);
	change->slot->flags &= ~(uint32_t)(PORT_FLAG_BASE_HOLDS | PORT_FLAG_BASE_CORRUPTS);
	change->slot->flags |= base->holds ? PORT_FLAG_BASE_HOLDS : 0;
	change->slot->flags |= base->corrupts ? PORT_FLAG_BASE_CORRUPTS : 0;
	return r;
}

static int put_fault(struct policy *policy, struct policy_change *change,
		     const struct port_fault *fault, uint32_t *ret_id, struct netsim_err *err)
{
	struct port_fault *slot = policy_new_fault(policy, change, err);
	uint32_t id = slot ? slot->id : 0;

	if (!slot)
		return -ENOSPC;
	*slot = *fault;
	slot->id = *ret_id = id;
	return 0;
}

/* The idle half of the policy, as the change wants it. */
static int prepare(const struct model *fleet, struct policy *policy,
		   const struct engine_change *change, struct policy_change *next,
		   struct overlays *overlays, uint32_t *ret_id, struct netsim_err *err)
{
	int r = 0;

	policy_begin(policy, next);
	if (change->heal_count || change->heal_all)
		policy_end_faults(next, change->heal, change->heal_all ? 0 : change->heal_count);
	if (change->fault)
		r = put_fault(policy, next, change->fault, ret_id, err);
	if (r == 0 && change->classes)
		policy_put_classes(policy, next, change->classes);
	if (r == 0 && change->base)
		r = put_base(policy, next, change->base, err);
	if (r == 0)
		r = fault_overlays(policy, next->slot, fleet, overlays, err);
	if (r == 0)
		r = policy_put_overlays(policy, next, overlays->entries, overlays->count, err);
	return r;
}

int engine_commit(struct state *st, const struct model *fleet, struct policy *policy,
		  const struct engine_change *change, bool *ret_corrupts, uint32_t *ret_id,
		  struct netsim_err *err)
{
	bool was_held = policy_slot(policy)->flags & PORT_FLAG_HELD, holds;
	/* Nothing is in the way of an end, or of another profile. */
	struct overlays overlays = {.lenient = !change->fault};
	struct policy_change next;
	uint32_t limit;
	int r = prepare(fleet, policy, change, &next, &overlays, ret_id, err);

	if (r < 0) {
		free(overlays.entries);
		return r;
	}
	holds = overlays.holds || next.slot->flags & PORT_FLAG_BASE_HOLDS;
	*ret_corrupts = overlays.corrupts || next.slot->flags & PORT_FLAG_BASE_CORRUPTS;
	limit = hold_limit(next.slot->longest + overlays.longest);
	free(overlays.entries);
	next.slot->flags &= ~(uint32_t)PORT_FLAG_HELD;
	/* A policy that was only found has no program to attach yet. */
	if (holds && hold_has_host(fleet) && policy->prog[POLICY_HOLD] < 0)
		r = policy_load(policy, true, err);
	if (r == 0 && holds) {
		r = hold_prepare(st, fleet, policy, limit, err);
		next.slot->flags |= PORT_FLAG_HELD;
	}
	if (r < 0)
		return r;
	policy_commit(policy);
	policy_sweep(policy);
	if (holds)
		return hold_take_over(st, fleet, limit, err);
	return was_held ? hold_release(st, fleet, err) : 0;
}
