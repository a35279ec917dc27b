/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/edt_commit.h"

#include <errno.h>
#include <stdlib.h>

#include "netsim/shape/edt_faults.h"
#include "netsim/shape/edt_queue.h"
#include "netsim/shape/netem.h"
#include "netsim/shape/park.h"
#include "netsim/shape/targets.h"
#include "netsim/util/auto.h"

bool edt_is_base(const struct policy *policy)
{
	return policy && policy_slot(policy)->flags & PORT_FLAG_BASE;
}

/* An upper bound, in ns, of the time that packets spend under these conditions. */
static uint64_t longest_of(const struct edt_base *base)
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
	return 3 * longest; /* a path has three hops: up, path, down */
}

static int put_base(struct policy *policy, struct policy_change *change,
		    const struct edt_base *base, struct netsim_err *err)
{
	int r = policy_put_base(policy, change, &base->policy, err);

	change->slot->longest = longest_of(base);
	change->slot->flags &= ~(uint32_t)(PORT_FLAG_BASE_HOLDS | PORT_FLAG_BASE_CORRUPTS);
	change->slot->flags |= base->delays ? PORT_FLAG_BASE_HOLDS : 0;
	change->slot->flags |= base->corrupts ? PORT_FLAG_BASE_CORRUPTS : 0;
	return r;
}

static int put_fault(struct policy *policy, struct policy_change *change,
		     const struct port_fault *fault, uint32_t *ret_id, struct netsim_err *err)
{
	struct port_fault *slot = policy_new_fault(policy, change, err);
	uint32_t id;

	if (!slot)
		return -ENOSPC;
	id = fault->id ? fault->id : slot->id;
	*slot = *fault;
	slot->id = *ret_id = id;
	return 0;
}

/* A change of the policy's idle half before its commit, and the overlays in it. */
struct preparation {
	struct policy_change next;
	struct overlays overlays;
	uint32_t fault_id;
};

static int prepare(const struct fleet *f, const struct edt_change *change, struct preparation *p,
		   struct netsim_err *err)
{
	struct policy_change *next = &p->next;
	int r = 0;

	policy_begin(f->policy, next);
	if (change->heal_count || change->heal_all)
		policy_end_faults(next, change->heal, change->heal_all ? 0 : change->heal_count);
	if (change->fault)
		r = put_fault(f->policy, next, change->fault, &p->fault_id, err);
	if (r == 0 && change->classes)
		r = policy_put_classes(f->policy, next, change->classes, err);
	if (r == 0 && change->base)
		r = put_base(f->policy, next, change->base, err);
	if (r == 0)
		r = fault_overlays(f->policy, next->slot, f->model, &p->overlays, err);
	if (r == 0)
		r = policy_put_overlays(f->policy, next, p->overlays.entries, p->overlays.count,
					err);
	return r;
}

int edt_check(const struct fleet *f, const struct edt_change *change, bool lenient,
	      struct netsim_err *err)
{
	auto_free struct port_slot *slot = malloc(sizeof(*slot));
	struct policy_change next = {.slot = slot};
	struct overlays overlays = {.lenient = lenient};
	uint32_t id;
	int r;

	if (!slot)
		return err_oom(err);
	*slot = *policy_slot(f->policy);
	for (int i = 0; i < PORT_FAULTS; i++)
		if (!policy_alive(&slot->faults[i]) ||
		    (change->heal_count && slot->faults[i].id == *change->heal))
			slot->faults[i] = (struct port_fault) {0};
	r = put_fault(f->policy, &next, change->fault, &id, err);
	if (r == 0)
		r = fault_overlays(f->policy, slot, f->model, &overlays, err);
	if (r == 0)
		free(overlays.entries);
	return r;
}

/* Makes the queues, and loads the programs, that a change needs; all that exist stay as they are.
 */
static int equip(struct fleet *f, const struct preparation *p, struct netsim_err *err)
{
	bool delays = p->overlays.delays || p->next.slot->flags & PORT_FLAG_BASE_HOLDS;
	int r = 0;

	/* A policy opened by policy_find() has not loaded the programs yet. */
	if (delays && edt_queue_has_ifb(f->model))
		r = policy_load_hold(f->policy, err);
	if (r == 0 && delays)
		r = edt_queue_prepare(
			f, edt_queue_limit(p->next.slot->longest + p->overlays.longest), err);
	return r == 0 && p->next.slot->flags & PORT_FLAG_HOLDS ? park_prepare(f, err) : r;
}

int edt_ready(struct fleet *f, const struct edt_change *change, struct netsim_err *err)
{
	struct preparation p = {0};
	int r = prepare(f, change, &p, err);

	free(p.overlays.entries);
	return r == 0 ? equip(f, &p, err) : r;
}

/* Ends the conditions of netem, where a profile without delays and rates comes after it. */
static int end_netem(struct fleet *f, struct netsim_err *err)
{
	const struct intent nothing = {.layers = NULL};
	struct netem_targets targets = {0};
	struct qdiscs all = {0};
	bool any = false;
	int r = qdisc_list(f->st->rt, &all, err);

	for (size_t i = 0; r == 0 && !any && i < f->model->link_count; i++)
		any = link_is_port(&f->model->links[i]) &&
		      !netem_is_idle(f->st, &all, &f->model->links[i]);
	if (r == 0 && any)
		r = targets_make(f->model, NULL, &nothing, &targets, err);
	if (r == 0 && any)
		r = netem_apply(f->st, f->name, targets.list, targets.count, err);
	targets_done(&targets);
	free(all.list);
	return r;
}

int edt_commit(struct fleet *f, const struct edt_change *change, struct edt_committed *ret,
	       struct netsim_err *err)
{
	bool was_queued = policy_slot(f->policy)->flags & PORT_FLAG_HELD, delays;
	/* Jitter that lost its delay must not block healing, or another profile. */
	struct preparation p = {.overlays.lenient = !change->fault};
	uint32_t limit;
	int r = prepare(f, change, &p, err);

	if (r < 0) {
		free(p.overlays.entries);
		return r;
	}
	delays = p.overlays.delays || p.next.slot->flags & PORT_FLAG_BASE_HOLDS;
	ret->corrupts = p.overlays.corrupts || p.next.slot->flags & PORT_FLAG_BASE_CORRUPTS;
	ret->fault_id = p.fault_id;
	limit = edt_queue_limit(p.next.slot->longest + p.overlays.longest);
	free(p.overlays.entries);
	p.next.slot->flags &= ~(uint32_t)PORT_FLAG_HELD;
	p.next.slot->flags |= delays ? PORT_FLAG_HELD : 0;
	r = equip(f, &p, err);
	if (r < 0)
		return r;
	policy_commit(f->policy);
	policy_sweep(f->policy);
	if (delays)
		return edt_queue_take_over(f, limit, err);
	if (was_queued)
		r = edt_queue_release(f, err);
	return r == 0 && change->base && edt_is_base(f->policy) ? end_netem(f, err) : r;
}
