/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Restores the recorded profile and faults, and lists differences from the record. */
#include "netsim/api/mend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/kernel/mark.h"
#include "netsim/policy/describe.h"
#include "netsim/shape/drift.h"
#include "netsim/shape/edt_faults.h"
#include "netsim/shape/edt_queue.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/targets.h"
#include "netsim/util/auto.h"

struct mending {
	struct fleet f;
	struct intent intent;
	struct drifts drifts;
	bool *ports; /* by link index: to shape again */
	size_t new_ports;
	struct netsim_up *up;
	const struct mend_opts *opts;
	struct netsim_err *err;
};

static bool was_there(const struct model *before, const struct link *link)
{
	const struct link *old = model_find_link(before, MODEL_HOST, link->name);

	return old && old->ifindex == link->ifindex;
}

static bool has_drifted(const struct drifts *drifts, int ifindex)
{
	for (size_t i = 0; i < drifts->count; i++)
		if (drifts->list[i].ifindex == ifindex && !drifts->list[i].in_file)
			return true;
	return false;
}

static bool is_left(const struct mending *m, int ifindex)
{
	return m->opts && m->opts->leave && m->opts->leave(m->opts->arg, ifindex);
}

/* Forgets the differences at ports that the caller wants left alone, and those that stay. */
static void leave_ports(struct mending *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->drifts.count; i++)
		if (!m->drifts.list[i].foreign && !is_left(m, m->drifts.list[i].ifindex))
			m->drifts.list[kept++] = m->drifts.list[i];
	m->drifts.count = kept;
}

/*
 * True for an attached port that the programs do not know yet: the process that marked it failed,
 * or was killed, before its conditions were in force.
 */
static bool is_unfinished(const struct mending *m, size_t port)
{
	return m->f.policy && !policy_link(m->f.policy, port);
}

/* Marks the new ports, and those that differ from the record. */
static int select_ports(struct mending *m, const struct model *before)
{
	const struct model *now = m->f.model;

	m->ports = calloc(now->link_count + 1, sizeof(*m->ports));
	if (!m->ports)
		return err_oom(m->err);
	for (size_t i = 0; i < now->link_count; i++) {
		bool new = link_is_port(&now->links[i]) &&
			   (!was_there(before, &now->links[i]) || is_unfinished(m, i));

		m->new_ports += new;
		m->ports[i] = new || has_drifted(&m->drifts, now->links[i].ifindex);
	}
	return 0;
}

static bool is_lost(const struct mending *m, const struct intent_fault *fault)
{
	return (!fault->deadline || m->intent.now < fault->deadline) &&
	       !drift_find_fault(m->f.policy, fault->id);
}

static size_t count_lost(const struct mending *m)
{
	size_t count = 0;

	for (size_t i = 0; i < m->intent.fault_count; i++)
		count += is_lost(m, &m->intent.faults[i]);
	return count;
}

/* True if the profile, or a fault that is lost, needs the programs to implement the profile. */
static int wants_programs(struct mending *m, bool *ret)
{
	enum engine engine = ENGINE_NETEM;
	int r = 0;

	*ret = edt_is_base(m->f.policy);
	if (*ret || !m->intent.layer_count)
		return 0;
	r = engine_choose(&m->f, &m->intent, true, &engine, m->err);
	*ret = engine == ENGINE_EDT;
	for (size_t i = 0; r == 0 && m->f.policy && i < m->intent.fault_count; i++) {
		struct port_fault fault;
		bool needs = false;

		drift_fault(&m->intent.faults[i], &fault);
		if (is_lost(m, &m->intent.faults[i]) && *fault.conditions &&
		    fault_needs_edt(m->f.policy, &fault, m->f.model, &needs, NULL) == 0)
			*ret |= needs;
	}
	return r;
}

/* The programs instead, if the kernel lacks netem: apply needed it for no port that it saw. */
static int shape_by_netem(struct mending *m)
{
	struct netem_targets targets = {0};
	struct netsim_err why = {0};
	int r = targets_make(m->f.model, m->ports, &m->intent, &targets, m->err);

	if (r == 0 && targets.count) {
		r = netem_apply(m->f.st, m->f.name, targets.list, targets.count, &why);
		if (r < 0)
			r = engine_without_netem(&m->f, &m->intent, r, &why, m->err);
	}
	targets_done(&targets);
	return r;
}

/* The differences that can be repaired here; netsim up repairs those in the file. */
static size_t count_drifts(const struct mending *m)
{
	size_t count = 0;

	for (size_t i = 0; i < m->drifts.count; i++)
		count += !m->drifts.list[i].in_file;
	return count;
}

/* Attaches the programs to ports that lack them, and puts the profile in force there. */
static int shape_again(struct mending *m)
{
	bool changed = m->new_ports || count_drifts(m), was = edt_is_base(m->f.policy), edt;
	int r = wants_programs(m, &edt);

	if (r < 0)
		return r;
	if (edt && m->intent.layer_count && (!was || m->new_ports))
		return engine_use_edt(&m->f, &m->intent, false, m->err);
	if (!edt && changed && m->intent.layer_count)
		r = shape_by_netem(m);
	if (r < 0)
		return r;
	if (m->f.policy && changed) {
		r = engine_attach(&m->f,
				  policy_has_stamps(m->f.policy, m->f.model) ||
					  edt_queue_has_host(m->f.model),
				  m->err);
		/* Overlays of the links, and the queues of ports. */
		if (r == 0)
			r = engine_commit(&m->f, &(struct edt_change) {.fault = NULL}, NULL,
					  m->err);
	}
	return r;
}

/* Appends text, truncated at the end of the buffer. */
static void append(char *buf, size_t size, const char *text)
{
	size_t used = strlen(buf);

	snprintf(buf + used, size - used, "%s", text);
}

void api_recorded_text(const struct intent_fault *fault, char *buf, size_t size)
{
	bool ring = fault->kind == PORT_FAULT_RING, matrix = fault->kind == PORT_FAULT_MATRIX;
	bool pairs = policy_has_pairs((enum port_fault_kind)fault->kind);
	struct port_fault shown;

	if (!fault->group_count) {
		drift_fault(fault, &shown);
		fault_describe(&shown, buf, size);
		return;
	}
	snprintf(buf, size, "%s ",
		 matrix				   ? "matrix" :
		 pairs				   ? "one-way" :
		 ring				   ? "ring" :
		 fault->kind == PORT_FAULT_ISOLATE ? "isolate" :
						     "partition");
	for (size_t i = 0; i < fault->group_count; i++) {
		bool rest = fault->kind == PORT_FAULT_REST && i + 1 == fault->group_count;

		append(buf, size, !i ? "" : pairs && i % 2 ? " -> " : " | ");
		append(buf, size, rest ? "rest" : fault->groups[i]);
	}
	policy_describe_limits(
		&(struct policy_limits) {.class = fault->class,
					 .vlan = fault->vlan,
					 .l2 = (pairs || ring || fault->reject) && fault->l2,
					 .reject = fault->reject},
		buf, size);
}

static int add_problem(struct mending *m, const struct intent_fault *fault,
		       const struct netsim_err *why)
{
	struct netsim_problem *problem = arena_push(m->up, m->up->problems, m->up->problem_count);
	char text[512];

	if (!problem)
		return err_oom(m->err);
	api_recorded_text(fault, text, sizeof(text));
	problem->fault = fault->id;
	problem->text = arena_printf(m->up, "%s: %s", text, why->what);
	return problem->text ? 0 : err_oom(m->err);
}

static int restore_faults(struct mending *m)
{
	size_t lost = count_lost(m);
	int r = lost ? engine_open_policy(&m->f, m->err) : 0;

	for (size_t i = 0; r == 0 && i < m->intent.fault_count; i++) {
		const struct intent_fault *fault = &m->intent.faults[i];
		struct netsim_err why = {0};

		if (is_lost(m, fault) && drift_restore(&m->f, fault, &why) < 0)
			r = add_problem(m, fault, &why);
		else if (drift_of_fault(&m->f, &m->intent, fault, &why))
			r = add_problem(m, fault, &why);
	}
	if (r == 0)
		m->up->step_count += lost;
	return r;
}

static int open_mending(struct netsim *ctx, const char *fleet, struct mending *m)
{
	int r = state_read_host(&ctx->state, m->err);

	if (r == 0)
		r = fleet_read(&ctx->state, fleet, &m->f, m->err);
	if (r == 0)
		r = intent_read_parsed(fleet, &m->intent, m->err);
	if (r == 0)
		r = fleet_find_policy(&m->f, m->err);
	return r == 0 ? drift_read(&m->f, &m->intent, &m->drifts, m->err) : r;
}

static void close_mending(struct mending *m)
{
	drifts_done(&m->drifts);
	free(m->ports);
	intent_done(&m->intent);
	fleet_close(&m->f);
}

/* Reports the differences at ports that existed before: a new port differs in everything. */
static void report_mended(const struct mending *m, const struct model *before)
{
	for (size_t i = 0; m->opts && m->opts->mended && i < m->drifts.count; i++)
		for (size_t l = 0; l < m->f.model->link_count; l++)
			if (m->f.model->links[l].ifindex == m->drifts.list[i].ifindex &&
			    !m->drifts.list[i].in_file && was_there(before, &m->f.model->links[l]))
				m->opts->mended(m->opts->arg, &m->drifts.list[i]);
}

int api_mend(struct netsim *ctx, const struct model *before, struct netsim_up *up,
	     const struct mend_opts *opts, struct netsim_err *err)
{
	struct mending m = {.f = FLEET_NONE, .up = up, .opts = opts, .err = err};
	int r = open_mending(ctx, up->fleet, &m);

	m.f.withhold = true;
	if (r == 0) {
		leave_ports(&m);
		r = select_ports(&m, before);
	}
	/* Differences at new ports do not count: their steps are counted already. */
	for (size_t i = 0; r == 0 && i < m.drifts.count; i++)
		for (size_t l = 0; l < m.f.model->link_count; l++)
			up->step_count += !m.drifts.list[i].in_file &&
					  m.f.model->links[l].ifindex == m.drifts.list[i].ifindex &&
					  was_there(before, &m.f.model->links[l]);
	if (r == 0)
		r = shape_again(&m);
	if (r == 0)
		r = restore_faults(&m);
	if (r == 0 && m.f.policy)
		r = policy_publish(m.f.policy, m.f.model, err);
	if (r == 0 && m.intent.layer_count)
		up->shaped_count = m.new_ports;
	if (r == 0)
		report_mended(&m, before);
	close_mending(&m);
	return r;
}

int api_each_difference(struct netsim *ctx, const char *fleet, api_differs_fn *each, void *arg,
			struct netsim_err *err)
{
	struct mending m = {.f = FLEET_NONE, .err = err};
	char text[1024], asked[512];
	int r = open_mending(ctx, fleet, &m);

	for (size_t i = 0; r == 0 && i < m.drifts.count; i++) {
		if (m.drifts.list[i].in_file)
			continue;
		snprintf(text, sizeof(text), "%s: %s", m.drifts.list[i].place,
			 m.drifts.list[i].what);
		r = each(arg, text, NULL, err);
	}
	for (size_t i = 0; r == 0 && i < m.intent.fault_count; i++) {
		const struct intent_fault *fault = &m.intent.faults[i];
		struct netsim_err why;

		if (!drift_of_fault(&m.f, &m.intent, fault, &why))
			continue;
		api_recorded_text(fault, asked, sizeof(asked));
		snprintf(text, sizeof(text), "fault %u (%s) is not wholly in force: %s", fault->id,
			 asked, why.what);
		r = each(arg, text, fault, err);
	}
	close_mending(&m);
	return r;
}
