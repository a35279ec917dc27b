/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "netsim/config/classes.h"
#include "netsim/config/find.h"
#include "netsim/fleet/machine.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/shape/edt_base.h"
#include "netsim/shape/edt_commit.h"
#include "netsim/shape/edt_faults.h"
#include "netsim/shape/edt_queue.h"
#include "netsim/shape/netem.h"
#include "netsim/shape/targets.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

/* Returns the location of the first part of the profiles that only edt supports, or NULL. */
static const struct netsim_loc *needs_edt(const struct intent *intent, const char **ret_part)
{
	const struct profile *whole = intent_whole(intent);

	*ret_part = whole && whole->pair_count ? "pairs" : "classes";
	if (whole && profile_has_paths(whole))
		return whole->pair_count ? &whole->pairs[0].at : &whole->classes[0].at;
	*ret_part = "a trace";
	for (size_t i = 0; i < intent->layer_count; i++)
		if (intent->layers[i].parsed && intent->layers[i].parsed->trace_count)
			return &intent->layers[i].parsed->at;
	*ret_part = "larger";
	for (size_t i = 0; i < intent->layer_count; i++) {
		const struct profile *profile = intent->layers[i].parsed;
		const struct netsim_loc *at = profile ? profile_find(profile, COND_LARGER) : NULL;

		if (at)
			return at;
	}
	return NULL;
}

/* A port on Open vSwitch's userspace datapath, which takes frames before an IFB could, or NULL. */
static const struct link *passes_ifbs(const struct model *model)
{
	for (size_t i = 0; i < model->link_count; i++)
		if (link_is_port(&model->links[i]) && model->links[i].userspace)
			return &model->links[i];
	return NULL;
}

enum engine engine_requested(const struct intent *intent)
{
	const struct profile *whole = intent_whole(intent);

	if (intent->engine != ENGINE_AUTO || !whole)
		return intent->engine;
	return whole->engine;
}

/* Faults change the profile's conditions only where both are in the programs. */
static bool has_faults(const struct policy *policy)
{
	for (int i = 0; policy && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &policy_slot(policy)->faults[i];

		if (policy_alive(fault) && fault->kind == PORT_FAULT_CONDITIONS)
			return true;
	}
	return false;
}

/*
 * Refuses netem while a fault that needs edt is in force: with netem, the fault would replace
 * the profile's conditions instead of changing them.
 */
static int refuse_netem(const struct fleet *f, struct netsim_err *err)
{
	for (int i = 0; f->policy && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &policy_slot(f->policy)->faults[i];
		bool needs = false;

		if (!policy_alive(fault) ||
		    fault_needs_edt(f->policy, fault, f->model, &needs, NULL) < 0 || !needs)
			continue;
		err_set(err, NETSIM_ERR_USAGE, -EBUSY, NULL,
			"fault %u needs the edt engine, so the fleet cannot use netem", fault->id);
		err_hint(err, "end it with `netsim heal %u`, or use the engine auto", fault->id);
		return -EBUSY;
	}
	return 0;
}

static int refuse_paths(const struct intent *intent, bool whole, struct netsim_err *err)
{
	const struct intent_layer *last =
		intent->layer_count ? &intent->layers[intent->layer_count - 1] : NULL;

	if (whole || !last || !last->parsed || !profile_has_paths(last->parsed))
		return 0;
	err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
		"%s has pairs or classes, which need the whole fleet", last->profile);
	err_hint(err, "apply it without targets");
	return -EINVAL;
}

int engine_choose(struct fleet *f, const struct intent *intent, bool whole, enum engine *ret,
		  struct netsim_err *err)
{
	enum engine chosen = engine_requested(intent);
	const struct netsim_loc *at;
	const char *part;
	int r = refuse_paths(intent, whole, err);

	if (r == 0)
		r = fleet_find_policy(f, err);
	if (r < 0)
		return r;
	at = needs_edt(intent, &part);
	if (chosen == ENGINE_NETEM && at) {
		err_set(err, NETSIM_ERR_INPUT, -EINVAL, at, "the netem engine does not support %s",
			part);
		err_hint(err, "use the engine edt, or auto");
		return -EINVAL;
	}
	if (chosen == ENGINE_NETEM && passes_ifbs(f->model)) {
		err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			"the netem engine cannot shape what comes from %s: Open vSwitch's "
			"userspace datapath takes it before any qdisc",
			passes_ifbs(f->model)->name);
		err_hint(err, "use the engine edt, or auto");
		return -EINVAL;
	}
	if (chosen == ENGINE_NETEM)
		r = refuse_netem(f, err);
	if (chosen == ENGINE_AUTO)
		chosen = at || passes_ifbs(f->model) ||
					 (edt_is_base(f->policy) &&
					  (has_faults(f->policy) || !whole)) ?
				 ENGINE_EDT :
				 ENGINE_NETEM;
	*ret = chosen;
	return r;
}

const char *engine_why(const struct intent *intent, const struct policy *policy,
		       const struct model *model)
{
	const char *part;

	if (needs_edt(intent, &part))
		return part;
	if (engine_requested(intent) == ENGINE_EDT)
		return "requested";
	if (passes_ifbs(model))
		return "userspace datapath";
	if (has_faults(policy))
		return "faults";
	return policy_slot(policy)->flags & PORT_FLAG_BASE_HOLDS ? "kept after a fault" :
								   "no netem needed";
}

int engine_load_classes(const struct profile *profile, struct class_set **ret,
			struct netsim_err *err)
{
	auto_free struct netsim_diags *diags = calloc(1, sizeof(*diags));
	char path[FIND_PATH];
	int r;

	*ret = NULL;
	if (!diags)
		return err_oom(err);
	if (profile) {
		r = profile_load_classes(profile, ret, diags);
		if (r == 0)
			r = profile_check_classes(profile, *ret, diags);
	} else {
		r = find_named("profiles", "classes", path);
		if (r == 0)
			r = classes_load(path, ret, diags);
		else
			return 0; /* no class file: traffic stays unclassified */
	}
	return r < 0 ? err_first_mistake(diags, err) : 0;
}

static int put_classes(struct policy *policy, const struct profile *profile, struct netsim_err *err)
{
	struct policy_change change;
	struct class_set *classes = NULL;
	int r = engine_load_classes(profile, &classes, err);

	if (r == 0 && classes) {
		policy_begin(policy, &change);
		r = policy_put_classes(policy, &change, classes, err);
		if (r == 0)
			policy_commit(policy);
	}
	classes_free(classes);
	return r;
}

/* Other classes would leave such a fault in force, and without effect. */
static bool has_class_faults(const struct policy *policy)
{
	for (int i = 0; i < PORT_FAULTS; i++)
		if (policy_alive(&policy_slot(policy)->faults[i]) &&
		    *policy_slot(policy)->faults[i].class)
			return true;
	return false;
}

int engine_put_classes(struct fleet *f, const struct intent *intent, struct netsim_err *err)
{
	const struct profile *whole = intent_whole(intent);

	if (!f->policy)
		return 0;
	if (whole && whole->class_file)
		return put_classes(f->policy, whole, err);
	return has_class_faults(f->policy) ? 0 : put_classes(f->policy, NULL, err);
}

/* Loads the classes of the profile in force into a new policy, or the shipped ones. */
static int put_first_classes(struct fleet *f, struct netsim_err *err)
{
	const struct profile *whole;
	struct intent intent;
	int r;

	if (policy_has_classes(f->policy))
		return 0;
	r = intent_read(f->name, &intent, err);
	whole = r == 0 && intent_parse(&intent, NULL) == 0 ? intent_whole(&intent) : NULL;
	if (r == 0)
		r = put_classes(f->policy, whole && whole->class_file ? whole : NULL, err);
	intent_done(&intent);
	return r;
}

int engine_attach(struct fleet *f, bool host, struct netsim_err *err)
{
	int r = put_first_classes(f, err);

	policy_withhold(f->policy, f->withhold);
	policy_forget_ports(f->policy, f->model);
	if (r == 0 && model_machine(f->model) >= 0) {
		r = policy_number(f->policy, f->model, err);
		if (r == 0)
			r = machine_put_peers(f, err);
	}
	return r == 0 ? policy_attach(f->policy, f->st, f->model, host, err) : r;
}

int engine_open_policy(struct fleet *f, struct netsim_err *err)
{
	int r = fleet_get_policy(f, err);

	return r == 0 ? engine_attach(f, edt_queue_has_host(f->model), err) : r;
}

int engine_peek_policy(struct fleet *f, struct netsim_err *err)
{
	int r = fleet_get_policy(f, err);

	if (r == 0)
		r = put_first_classes(f, err);
	return r == 0 ? policy_number(f->policy, f->model, err) : r;
}

int engine_is_edt(struct fleet *f, bool *ret, struct netsim_err *err)
{
	int r = fleet_find_policy(f, err);

	*ret = edt_is_base(f->policy);
	return r;
}

/* Switches segmentation offload off for senders into the fleet's links while they are shaped. */
static int set_offloads(struct fleet *f, struct netem_use use, struct netsim_err *err)
{
	const struct model *model = f->model;
	auto_free struct netem_target *targets = calloc(model->link_count + 1, sizeof(*targets));
	auto_free struct mark *marks = calloc(model->link_count + 1, sizeof(*marks));
	size_t count = 0;

	if (!targets || !marks)
		return err_oom(err);
	for (size_t i = 0; i < model->link_count; i++) {
		const struct link *link = &model->links[i];

		if (!link_is_port(link) || !mark_parse(link->alias, &marks[i]) || !marks[i].iface)
			continue;
		targets[count++] = (struct netem_target) {
			.device = link->name,
			.node = marks[i].node,
			.iface = link->kind == LINK_VETH && !link->machine && !link->cable ?
					 marks[i].iface :
					 NULL,
			.machine = link->machine,
			.bridge = targets_sender(link),
		};
	}
	return netem_set_offloads(f->st, f->name, targets, count, use, err);
}

int engine_commit(struct fleet *f, const struct edt_change *change, uint32_t *ret_id,
		  struct netsim_err *err)
{
	uint32_t before = policy_slot(f->policy)->flags, after;
	const uint32_t any = PORT_FLAG_BASE | PORT_FLAG_OVERLAYS;
	struct edt_committed done = {0};
	int r = edt_commit(f, change, &done, err);

	after = policy_slot(f->policy)->flags;
	if (r == 0 && ((before | after) & any))
		r = set_offloads(
			f, (struct netem_use) {.idle = !(after & any), .corrupts = done.corrupts},
			err);
	if (r == 0 && ret_id)
		*ret_id = done.fault_id;
	return r;
}

int engine_record(struct fleet *f, struct intent_draft *record, const struct edt_change *undo,
		  struct netsim_err *err)
{
	int r = intent_publish(record, err);

	if (r < 0)
		(void)engine_commit(f, undo, NULL, NULL);
	return r;
}

/* Reads the conditions of all ports from netem into an intent. */
static int read_netem(const struct fleet *f, struct mark *marks, struct intent *intent,
		      struct netsim_err *err)
{
	struct qdiscs all = {0};
	int r = qdisc_list(f->st->rt, &all, err);

	for (size_t i = 0; r == 0 && i < f->model->link_count; i++) {
		const struct link *link = &f->model->links[i];
		struct intent_seen *seen;

		if (!link_is_port(link) || !mark_parse(link->alias, &marks[i]) || !marks[i].iface)
			continue;
		seen = array_push(intent->seen, intent->seen_count);
		if (!seen) {
			r = err_oom(err);
			break;
		}
		*seen = (struct intent_seen) {marks[i].node, marks[i].iface, {{0}, {0}}};
		netem_seen(f->st, &all, link, &seen->conditions);
	}
	free(all.list);
	return r;
}

int engine_adopt(struct fleet *f, struct netsim_err *err)
{
	auto_free struct mark *marks = calloc(f->model->link_count + 1, sizeof(*marks));
	struct intent intent = {0};
	int r = marks ? read_netem(f, marks, &intent, err) : err_oom(err);

	if (r == 0)
		r = engine_use_edt(f, &intent, false, err);
	free(intent.seen);
	return r;
}

static void make_seed(struct edt_base_input *input)
{
	input->now = policy_now();
	if (getrandom(&input->seed, sizeof(input->seed), 0) < 0)
		input->seed = input->now;
}

int engine_use_edt(struct fleet *f, const struct intent *intent, bool only_plain,
		   struct netsim_err *err)
{
	const struct profile *whole = intent_whole(intent);
	struct edt_base_input input = {.intent = intent, .model = f->model};
	struct class_set *classes = NULL;
	struct edt_base base = {0};
	int r = 0;

	if (whole && (profile_has_paths(whole) || whole->class_file))
		r = engine_load_classes(whole, &classes, err);
	if (r == 0)
		r = engine_open_policy(f, err);
	input.policy = f->policy;
	input.classes = classes;
	make_seed(&input);
	if (r == 0)
		r = edt_base_make(&input, &base, err);
	if (r == 0 && only_plain && base.delays)
		r = -ENOENT;
	if (r == 0)
		r = engine_commit(f, &(struct edt_change) {.base = &base, .classes = classes}, NULL,
				  err);
	edt_base_done(&base);
	classes_free(classes);
	return r;
}

int engine_without_netem(struct fleet *f, const struct intent *intent, int r,
			 const struct netsim_err *why, struct netsim_err *err)
{
	if (r == -ENOENT && why->kind == NETSIM_ERR_ENV &&
	    engine_requested(intent) == ENGINE_AUTO && engine_use_edt(f, intent, true, NULL) == 0)
		return 0;
	if (err && err->kind == NETSIM_ERR_NONE)
		*err = *why;
	return r;
}

int engine_leave_edt(struct fleet *f, struct netsim_err *err)
{
	struct edt_base nothing = {0};
	int r = fleet_find_policy(f, err);

	if (r == 0 && f->policy)
		r = engine_commit(f, &(struct edt_change) {.base = &nothing}, NULL, err);
	return r;
}
