/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which engine realises a fleet's conditions, and the edt engine as a whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/config/classes.h"
#include "netsim/config/find.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/shape/edt_base.h"
#include "netsim/shape/edt_commit.h"
#include "netsim/shape/edt_queue.h"
#include "netsim/shape/netem.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

/* The first thing in the profiles that netem cannot do; its place, or NULL. */
static const struct netsim_loc *needs_edt(const struct intent *intent, const char **ret_what)
{
	const struct profile *whole = intent_whole(intent);

	*ret_what = whole && whole->pair_count ? "pairs" : "classes";
	if (whole && profile_has_paths(whole))
		return whole->pair_count ? &whole->pairs[0].at : &whole->classes[0].at;
	*ret_what = "a trace";
	for (size_t i = 0; i < intent->layer_count; i++)
		if (intent->layers[i].parsed && intent->layers[i].parsed->trace_count)
			return &intent->layers[i].parsed->at;
	return NULL;
}

static enum engine asked_engine(const struct intent *intent)
{
	const struct profile *whole = intent_whole(intent);

	if (intent->engine != ENGINE_AUTO || !whole)
		return intent->engine;
	return whole->engine;
}

/* Faults that are merged with the profile need it where they are: in the programs. */
static bool has_faults(const struct policy *policy)
{
	for (int i = 0; policy && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &policy_slot(policy)->faults[i];

		if (policy_alive(fault) && fault->kind == PORT_FAULT_CONDITIONS)
			return true;
	}
	return false;
}

/* With netem, such a fault would take the place of the profile instead of changing it. */
static int refuse_netem(const struct policy *policy, const struct model *fleet,
			struct netsim_err *err)
{
	for (int i = 0; policy && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &policy_slot(policy)->faults[i];

		if (!policy_alive(fault) || api_fault_needs_edt(policy, fault, fleet, NULL) <= 0)
			continue;
		err_set(err, NETSIM_ERR_USAGE, -EBUSY, NULL,
			"fault %u needs the edt engine, so that the fleet cannot use netem",
			fault->id);
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
		"%s has pairs or classes, which are for the whole fleet", last->profile);
	err_hint(err, "leave the targets out");
	return -EINVAL;
}

int api_choose_engine(struct netsim *ns, const struct model *fleet, const struct intent *intent,
		      bool whole, enum engine *ret, struct netsim_err *err)
{
	enum engine asked = asked_engine(intent);
	struct policy *policy = NULL;
	const struct netsim_loc *at;
	const char *what;
	int r = refuse_paths(intent, whole, err);

	if (r == 0)
		r = policy_find(&ns->state, fleet, &policy, err);
	if (r < 0)
		return r;
	at = needs_edt(intent, &what);
	if (asked == ENGINE_NETEM && at) {
		err_set(err, NETSIM_ERR_INPUT, -EINVAL, at, "the netem engine cannot do %s", what);
		err_hint(err, "use the engine edt, or auto");
		r = -EINVAL;
	}
	if (r == 0 && asked == ENGINE_NETEM)
		r = refuse_netem(policy, fleet, err);
	if (asked == ENGINE_AUTO)
		asked = at || (engine_is_edt(policy) && (has_faults(policy) || !whole)) ?
				ENGINE_EDT :
				ENGINE_NETEM;
	*ret = asked;
	policy_close(policy);
	return r;
}

const char *api_why_edt(const struct intent *intent, const struct policy *policy)
{
	const char *what;

	if (needs_edt(intent, &what))
		return what;
	if (asked_engine(intent) == ENGINE_EDT)
		return "asked for";
	if (has_faults(policy))
		return "faults";
	return policy_slot(policy)->flags & PORT_FLAG_BASE_HOLDS ? "since a fault" :
								   "no netem needed";
}

int api_load_classes(const struct profile *profile, struct class_set **ret, struct netsim_err *err)
{
	struct netsim_diags diags = {0};
	char path[FIND_PATH];
	int r;

	*ret = NULL;
	if (profile) {
		r = profile_load_classes(profile, ret, &diags);
		if (r == 0)
			r = profile_check_classes(profile, *ret, &diags);
	} else {
		r = find_named("profiles", "classes", path);
		if (r == 0)
			r = classes_load(path, ret, &diags);
		else
			return 0; /* nothing is told apart then, which nobody asked for */
	}
	return r < 0 ? api_first_mistake(&diags, err) : 0;
}

/* A policy that is new sorts packets by the classes that are shipped. */
static int put_first_classes(struct policy *policy, struct netsim_err *err)
{
	struct policy_change change;
	struct class_set *classes = NULL;
	int r;

	if (*policy->class_rules[0].name[1] || *policy->class_rules[1].name[1])
		return 0;
	r = api_load_classes(NULL, &classes, err);
	if (r == 0 && classes) {
		policy_begin(policy, &change);
		policy_put_classes(policy, &change, classes);
		policy_commit(policy);
	}
	classes_free(classes);
	return r;
}

int api_attach(struct netsim *ns, const struct model *fleet, struct policy *policy, bool host,
	       struct netsim_err *err)
{
	int r = put_first_classes(policy, err);

	return r == 0 ? policy_attach(policy, &ns->state, fleet, host, err) : r;
}

int api_open_policy(struct netsim *ns, const struct model *fleet, bool host, struct policy **ret,
		    struct netsim_err *err)
{
	int r = policy_get(&ns->state, fleet, ret, err);

	return r == 0 ? api_attach(ns, fleet, *ret, host, err) : r;
}

int api_look_at_policy(struct netsim *ns, const struct model *fleet, struct policy **ret,
		       struct netsim_err *err)
{
	int r = policy_get(&ns->state, fleet, ret, err);

	if (r == 0)
		r = put_first_classes(*ret, err);
	return r == 0 ? policy_number(*ret, fleet, err) : r;
}

int api_fleet_is_edt(struct netsim *ns, const struct model *fleet, bool *ret,
		     struct netsim_err *err)
{
	struct policy *policy = NULL;
	int r = policy_find(&ns->state, fleet, &policy, err);

	*ret = engine_is_edt(policy);
	policy_close(policy);
	return r;
}

/* Senders into the fleet's links build no super-packets while these are shaped. */
static int switch_offloads(struct netsim *ns, const struct model *fleet, bool idle, bool corrupts,
			   struct netsim_err *err)
{
	auto_free struct apply_target *targets = calloc(fleet->link_count + 1, sizeof(*targets));
	auto_free struct mark *marks = calloc(fleet->link_count + 1, sizeof(*marks));
	size_t count = 0;

	if (!targets || !marks)
		return err_oom(err);
	for (size_t i = 0; i < fleet->link_count; i++) {
		const struct link *link = &fleet->links[i];

		if (!link_is_port(link) || !mark_parse(link->alias, &marks[i]) || !marks[i].iface)
			continue;
		targets[count++] = (struct apply_target) {
			.device = link->name,
			.node = marks[i].node,
			.iface = link->kind == LINK_VETH ? marks[i].iface : NULL,
			.bridge = *link->master ? link->master : NULL,
		};
	}
	return apply_offloads(&ns->state, fleet->fleet, targets, count, idle, corrupts, err);
}

int api_commit(struct netsim *ns, const struct model *fleet, struct policy *policy,
	       const struct engine_change *change, uint32_t *ret_id, struct netsim_err *err)
{
	uint32_t before = policy_slot(policy)->flags, after;
	const uint32_t any = PORT_FLAG_BASE | PORT_FLAG_OVERLAYS;
	bool corrupts = false;
	int r = engine_commit(&ns->state, fleet, policy, change, &corrupts, ret_id, err);

	after = policy_slot(policy)->flags;
	if (r == 0 && ((before | after) & any))
		r = switch_offloads(ns, fleet, !(after & any), corrupts, err);
	return r;
}

/* Where nobody knows what was asked, what netem does now is taken over. */
static int see_links(struct netsim *ns, const struct model *fleet, struct mark *marks,
		     struct intent *intent, struct netsim_err *err)
{
	struct qdiscs all = {0};
	int r = qdisc_list(ns->state.rt, &all, err);

	for (size_t i = 0; r == 0 && i < fleet->link_count; i++) {
		struct intent_seen *seen;

		if (!link_is_port(&fleet->links[i]) ||
		    !mark_parse(fleet->links[i].alias, &marks[i]) || !marks[i].iface)
			continue;
		seen = array_push(intent->seen, intent->seen_count);
		if (!seen) {
			r = err_oom(err);
			break;
		}
		*seen = (struct intent_seen) {marks[i].node, marks[i].iface, {{0}, {0}}};
		apply_seen(&ns->state, &all, &fleet->links[i], &seen->conditions);
	}
	free(all.list);
	return r;
}

int api_fleet_seen(struct netsim *ns, const struct model *fleet, struct netsim_err *err)
{
	auto_free struct mark *marks = calloc(fleet->link_count + 1, sizeof(*marks));
	struct intent intent = {0};
	int r = marks ? see_links(ns, fleet, marks, &intent, err) : err_oom(err);

	if (r == 0)
		r = api_fleet_edt(ns, fleet, &intent, false, err);
	free(intent.seen);
	return r;
}

int api_fleet_edt(struct netsim *ns, const struct model *fleet, const struct intent *intent,
		  bool only_plain, struct netsim_err *err)
{
	const struct profile *whole = intent_whole(intent);
	struct class_set *classes = NULL;
	struct policy *policy = NULL;
	struct base base = {0};
	uint32_t ignored;
	int r = 0;

	if (whole && profile_has_paths(whole))
		r = api_load_classes(whole, &classes, err);
	if (r == 0)
		r = api_open_policy(ns, fleet, hold_has_host(fleet), &policy, err);
	if (r == 0)
		r = base_make(intent, fleet, policy, classes, &base, err);
	if (r == 0 && only_plain && base.holds)
		r = -ENOENT;
	if (r == 0)
		r = api_commit(ns, fleet, policy,
			       &(struct engine_change) {.base = &base, .classes = classes},
			       &ignored, err);
	base_done(&base);
	classes_free(classes);
	policy_close(policy);
	return r;
}

int api_fleet_leave_edt(struct netsim *ns, const struct model *fleet, struct netsim_err *err)
{
	struct policy *policy = NULL;
	struct base nothing = {0};
	uint32_t ignored;
	int r = policy_find(&ns->state, fleet, &policy, err);

	if (r == 0 && policy)
		r = api_commit(ns, fleet, policy, &(struct engine_change) {.base = &nothing},
			       &ignored, err);
	policy_close(policy);
	return r;
}
