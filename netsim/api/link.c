// SPDX-License-Identifier: GPL-2.0-or-later
/* link: take the carrier of cables away, or let the programs drop everything on them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/faults.h"
#include "netsim/api/handle.h"
#include "netsim/api/machine.h"
#include "netsim/fleet/target.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/shape/edt_faults.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/intent.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

static const struct link *port_of(const struct fleet *f, const char *target, size_t *at)
{
	for (; *at < f->model->link_count; ++*at) {
		const struct link *link = &f->model->links[*at];
		const char *slash = strchr(target, '/');
		struct mark mark;
		char node[80];

		if (!link_is_port(link) || !mark_parse(link->alias, &mark) || !mark.iface)
			continue;
		snprintf(node, sizeof(node), "%.*s",
			 slash ? (int)(slash - target) : (int)strlen(target), target);
		if ((link->cable ? strcmp(node, mark.node) == 0 :
				   name_match(node, mark.node, mark.roles, mark.role_count)) &&
		    (!slash || strcmp(slash + 1, mark.iface) == 0)) {
			++*at;
			return link;
		}
	}
	return NULL;
}

/* One call of link and its result. */
struct link_run {
	struct fleet fleet;
	const struct netsim_link_opts *opts;
	struct netsim_link *done;
	struct netsim_err *err;
};

static struct netsim_link_change *add_change(struct link_run *run,
					     enum netsim_link_change_kind kind)
{
	struct netsim_link_change *change =
		arena_push(run->done, run->done->changes, run->done->change_count);

	if (change)
		change->kind = kind;
	else
		err_oom(run->err);
	return change;
}

static int note_carrier(struct link_run *run, const char *name, bool up)
{
	struct netsim_link_change *change = add_change(run, NETSIM_LINK_CARRIER);

	if (!change)
		return -ENOMEM;
	change->up = up;
	change->name = arena_strdup(run->done, name);
	return change->name ? 0 : err_oom(run->err);
}

static struct netsim_link_change *note_fault(struct link_run *run,
					     enum netsim_link_change_kind kind,
					     const struct port_fault *fault, const char *target)
{
	struct netsim_link_change *change = add_change(run, kind);
	char text[512];

	if (!change)
		return NULL;
	fault_describe(fault, text, sizeof(text));
	change->name = arena_strdup(run->done, target);
	change->fault = arena_alloc(run->done, sizeof(*change->fault));
	if (change->name && change->fault && api_fill_fault(run->done, fault, text, change->fault))
		return change;
	err_oom(run->err);
	return NULL;
}

/* Lists the ports that match the target, and the changes of their carrier. */
static int list_cables(struct link_run *run, const char *target, struct intent_cables *ret)
{
	const struct link *link;
	char text[MARK_TEXT];
	size_t at = 0;

	while ((link = port_of(&run->fleet, target, &at))) {
		const char **slot = array_push(ret->names, ret->count);

		if (!slot)
			return err_oom(run->err);
		if (note_carrier(run, mark_call(link->alias, link->name, text), ret->up) < 0)
			return -ENOMEM;
		*slot = run->done->changes[run->done->change_count - 1]->name;
	}
	if (ret->count)
		return 0;
	err_set(run->err, NETSIM_ERR_USAGE, -ENOENT, NULL, "%s has no port", target);
	if (strchr(target, ':'))
		err_hint(run->err, "a pair of nodes has no link; netsim partition cuts it off");
	else if (!target_hint_port(run->fleet.model, target, run->err))
		err_hint(run->err, "netsim status lists the nodes and their links");
	return -ENOENT;
}

/* Switches the carrier of all ports that match the target. */
static int set_carrier(struct link_run *run, const char *target, bool up)
{
	struct intent_draft record = {.text = NULL};
	struct intent_cables cables = {.up = up};
	struct rtnl *rt = run->fleet.st->rt;
	const struct link *link;
	char text[MARK_TEXT];
	size_t at = 0;
	int r = list_cables(run, target, &cables);

	if (r == 0 && !run->opts->dry_run) {
		r = intent_draft_cables(run->fleet.name, &cables, &record, run->err);
		while (r == 0 && (link = port_of(&run->fleet, target, &at)))
			link_set(rt, link, link->ifindex, up ? LINK_SET_UP : LINK_SET_DOWN, 0,
				 mark_call(link->alias, link->name, text));
		if (r == 0)
			r = rtnl_send(rt, run->err);
		if (r == 0)
			r = intent_publish(&record, run->err);
		intent_discard(&record);
	}
	free(cables.names);
	return r;
}

/* Lets the programs drop everything on a link, always or while it flaps; the carrier stays. */
static int add_link_fault(struct link_run *run, const char *target, uint16_t vlan)
{
	const struct netsim_link_opts *o = run->opts;
	struct port_fault fault = {.kind = PORT_FAULT_LINK, .link.vlan = vlan};
	struct netsim_link_change *change;
	int r = fault_copy_text("target", target, fault.targets, sizeof(fault.targets), run->err);

	if (o->state == NETSIM_LINK_FLAP) {
		fault.link.period = (uint64_t)o->period_ns;
		fault.link.up = (uint64_t)o->up_ns;
	}
	fault_set_times(&fault, o->for_ns, o->name);
	if (r == 0)
		r = fault_add(&run->fleet, &fault, NULL, o->dry_run, &fault.id, run->err);
	change = r == 0 ? note_fault(run, NETSIM_LINK_FAULT, &fault, target) : NULL;
	if (r == 0 && !change)
		return -ENOMEM;
	if (change)
		change->fault->left_ns = o->for_ns ? o->for_ns : -1; /* exactly as given */
	return r;
}

/* Heals link faults whose target is exactly this text. */
static int heal_link(struct link_run *run, const char *target)
{
	struct intent_draft record = {.text = NULL};
	struct fleet *f = &run->fleet;
	uint32_t ids[PORT_FAULTS];
	size_t count = 0;
	int r = 0;

	for (int i = 0; r == 0 && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &policy_slot(f->policy)->faults[i];

		if (!policy_alive(fault) || fault->kind != PORT_FAULT_LINK ||
		    strcmp(fault->targets, target) != 0)
			continue;
		ids[count++] = fault->id;
		r = note_fault(run, NETSIM_LINK_HEALED, fault, target) ? 0 : -ENOMEM;
	}
	if (r < 0 || !count || run->opts->dry_run)
		return r;
	r = intent_draft_fault(f->name, NULL, ids, count, &record, run->err);
	if (r == 0)
		r = engine_commit(f, &(struct edt_change) {.heal = ids, .heal_count = count}, NULL,
				  run->err);
	if (r == 0)
		return intent_publish(&record, run->err);
	intent_discard(&record);
	return r;
}

/* On a routed network, the host's end of a cable stays up: its routes would go with it. */
static bool has_routed_port(const struct link_run *run, const char *target)
{
	const struct link *link;
	size_t at = 0;

	while ((link = port_of(&run->fleet, target, &at)))
		if (link->routed)
			return true;
	return false;
}

/*
 * On a machine that is a node, the programs drop everything instead of taking the carrier away:
 * the kernel would remove the addresses and routes of its interface.
 */
static int link_target(struct link_run *run, const char *word)
{
	const struct netsim_link_opts *o = run->opts;
	bool fault = o->for_ns || o->state == NETSIM_LINK_FLAP || o->name ||
		     model_machine(run->fleet.model) >= 0;
	char target[sizeof(((struct port_fault *)0)->targets)];
	uint16_t vlan;
	int r = machine_copy_targets(run->fleet.model, &(struct machine_targets) {&word, 1, NULL},
				     target, sizeof(target), run->err);

	if (r == 0)
		r = api_vlan_of(&run->fleet, target, &vlan, run->err);
	if (r < 0)
		return r;
	fault |= vlan != 0 || has_routed_port(run, target);
	if (o->state == NETSIM_LINK_UP) {
		if (run->fleet.policy)
			r = heal_link(run, target);
		return r < 0 || fault ? r : set_carrier(run, target, true);
	}
	return fault ? add_link_fault(run, target, vlan) : set_carrier(run, target, false);
}

static int refuse_link_arguments(const struct netsim_link_opts *o, struct netsim_err *err)
{
	if (o->state == NETSIM_LINK_FLAP &&
	    (o->period_ns <= 0 || o->up_ns < 0 || o->up_ns >= o->period_ns))
		return err_set(
			err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			"the up time of a flap must be at least 0 and shorter than its period");
	if (o->name && o->target_count > 1)
		return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			       "--name allows only one target: each target is a separate fault");
	return 0;
}

int netsim_link(struct netsim *ctx, const struct netsim_link_opts *opts, struct netsim_link **ret,
		struct netsim_err *err)
{
	struct netsim_link_opts o;
	struct link_run run = {
		.fleet = FLEET_NONE, .opts = &o, .done = arena_new(sizeof(*run.done)), .err = err};
	int r = run.done ? opts_read(&o, sizeof(o), opts, err) : err_oom(err);

	if (r == 0)
		r = refuse_link_arguments(&o, err);
	if (r == 0)
		r = fault_open(ctx, o.fleet, o.dry_run, &run.fleet, err);
	if (r == 0)
		r = policy_check_fault_name(run.fleet.policy, o.name, err);
	for (size_t i = 0; r == 0 && i < o.target_count; i++)
		r = link_target(&run, o.targets[i]);
	fleet_close(&run.fleet);
	if (r < 0)
		arena_free(run.done);
	else
		*ret = run.done;
	return r;
}

void netsim_link_free(struct netsim_link *link)
{
	arena_free(link);
}
