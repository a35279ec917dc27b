/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fault, link and heal: what stands on top of a profile, and its end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/policy/describe.h"
#include "netsim/shape/edt_faults.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/intent.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

static int copy_words(const char *const *words, size_t count, char *ret, size_t size,
		      struct netsim_err *err)
{
	size_t used = 0;

	*ret = 0;
	for (size_t i = 0; i < count; i++) {
		int n = snprintf(ret + used, size - used, "%s%s", i ? " " : "", words[i]);

		used += (size_t)n;
		if (used < size)
			continue;
		err_set(err, NETSIM_ERR_USAGE, -E2BIG, NULL,
			"the targets are longer than %zu bytes", size - 1);
		err_hint(err, "use patterns, or several faults");
		return -E2BIG;
	}
	return 0;
}

static int copy_text(const char *what, const char *text, char *ret, size_t size,
		     struct netsim_err *err)
{
	if (strlen(text) >= size)
		return err_set(err, NETSIM_ERR_USAGE, -E2BIG, NULL, "the %s: longer than %zu bytes",
			       what, size - 1);
	strcpy(ret, text);
	return 0;
}

/* The class must be one of those that the fleet's packets are sorted by. */
static int check_class(const struct policy *policy, const char *class, struct netsim_err *err)
{
	const char *names[PORT_CLASSES], *near;
	size_t count = 0;

	if (!*class)
		return 0;
	for (uint32_t i = 1; i < PORT_CLASSES; i++) {
		const char *name = policy_class_name(policy, i);

		if (name && class_is_meant(name, class))
			return 0;
		if (name)
			names[count++] = name;
	}
	near = name_nearest(class, names, count);
	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "there is no class %s", class);
	if (near)
		err_hint(err, "did you mean %s?", near);
	else
		err_hint(err, "the classes are in profiles/classes.yaml");
	return -ENOENT;
}

/*
 * Where netem realises the profile, a fault that changes links, or that packets
 * have to be held for, needs the profile in the programs: only there they merge.
 */
static int move_to_edt(struct fleet *f, struct netsim_err *err)
{
	struct intent intent;
	int r;

	intent_read(f->name, &intent);
	r = intent_parse(&intent, err);
	if (r == 0 && intent.engine == ENGINE_NETEM) {
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "the fleet was told to use netem, which cannot do this fault");
		err_hint(err, "apply its profile again without --engine netem");
	}
	if (r == 0)
		r = intent.layer_count ? engine_use_edt(f, &intent, false, err) :
					 engine_adopt(f, err);
	intent_done(&intent);
	return r == 0 ? engine_open_policy(f, err) : r;
}

static int note(const struct fleet *f, const struct port_fault *fault, uint32_t id,
		struct netsim_err *err)
{
	const struct intent_fault noted = {.id = id,
					   .kind = fault->kind,
					   .deadline = fault->deadline,
					   .conditions = (char *)fault->conditions,
					   .targets = (char *)fault->targets,
					   .class = (char *)fault->class,
					   .vlan = fault->link.vlan,
					   .period_ns = fault->link.period,
					   .up_ns = fault->link.up};

	return intent_note(f->name, &noted, NULL, 0, err);
}

static int add_fault(struct fleet *f, const struct port_fault *fault, bool dry, uint32_t *ret_id,
		     struct netsim_err *err)
{
	bool edt = false;
	int r = fault_needs_edt(f->policy, fault, f->model, &edt, err);

	*ret_id = 0;
	if (r < 0 || dry)
		return r;
	if (edt && !edt_is_base(f->policy))
		r = move_to_edt(f, err);
	if (r == 0)
		r = engine_commit(f, &(struct edt_change) {.fault = fault}, ret_id, err);
	return r == 0 ? note(f, fault, *ret_id, err) : r;
}

static int open_fault(struct netsim *ctx, const char *fleet, const char *name, bool dry,
		      struct fleet *f, struct netsim_err *err)
{
	int r = fleet_open(&ctx->state, fleet, dry ? FLEET_LOOK : FLEET_CHANGE, f, err);

	if (r == 0)
		r = dry ? engine_peek_policy(f, err) : engine_open_policy(f, err);
	return r == 0 ? policy_check_fault_name(f->policy, name, err) : r;
}

static void set_times(struct port_fault *fault, int64_t for_ns, const char *name)
{
	fault->start = policy_now();
	fault->deadline = for_ns ? fault->start + (uint64_t)for_ns : 0;
	snprintf(fault->name, sizeof(fault->name), "%s", name ? name : "");
}

int netsim_fault(struct netsim *ctx, const struct netsim_fault_request *request,
		 uint32_t *ret_fault, char *text, struct netsim_err *err)
{
	struct port_fault fault = {.kind = PORT_FAULT_CONDITIONS};
	struct fleet f = FLEET_NONE;
	struct conditions c;
	int r = conditions_parse(request->conditions, &c, err);

	if (r == 0 && !c.has)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "the fault has no conditions");
	if (r == 0)
		r = copy_text("conditions", request->conditions, fault.conditions,
			      sizeof(fault.conditions), err);
	if (r == 0)
		r = copy_words(request->targets, request->target_count, fault.targets,
			       sizeof(fault.targets), err);
	if (r == 0 && request->class_name)
		r = copy_text("class", request->class_name, fault.class, sizeof(fault.class), err);
	if (r == 0)
		r = open_fault(ctx, request->fleet, request->name, request->dry, &f, err);
	if (r == 0)
		r = check_class(f.policy, fault.class, err);
	set_times(&fault, request->for_ns, request->name);
	if (r == 0)
		r = add_fault(&f, &fault, request->dry, ret_fault, err);
	if (r == 0)
		fault_describe(&fault, text, 512);
	fleet_close(&f);
	return r;
}

/* The VLAN whose interface a target names inside its node, 0 where it is no VLAN. */
static int vlan_of_target(const struct fleet *f, const char *target, uint16_t *ret,
			  struct netsim_err *err)
{
	auto_free char *node = strdup(target);
	char *iface = node ? strchr(node, '/') : NULL;
	struct model *inside = NULL;
	int r;

	*ret = 0;
	if (!node)
		return err_oom(err);
	if (!iface)
		return 0;
	*iface++ = 0;
	r = state_read(f->st, f->name, STATE_ALL, &inside, err);
	if (r == 0) {
		const struct link *link =
			model_find_link(inside, model_find_node(inside, node), iface);

		if (link && link->kind == LINK_VLAN)
			*ret = link->vlan;
	}
	model_free(inside);
	return r;
}

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
		if (name_match(node, mark.node, mark.roles, mark.role_count) &&
		    (!slash || strcmp(slash + 1, mark.iface) == 0)) {
			++*at;
			return link;
		}
	}
	return NULL;
}

/* One call of link, and what it did. */
struct link_run {
	struct fleet fleet;
	const struct netsim_link_request *request;
	struct netsim_lines *done;
	struct netsim_err *err;
};

/* A cable with carrier, or without. */
static int set_carrier(struct link_run *run, const char *target, bool up)
{
	struct rt *rt = run->fleet.st->rt;
	bool dry = run->request->dry;
	const struct link *link;
	size_t at = 0, count = 0;
	int r = 0;

	while (r == 0 && (link = port_of(&run->fleet, target, &at))) {
		char text[MARK_TEXT];
		const char *who = mark_call(link->alias, link->name, text);

		if (!dry)
			link_set(rt, link, link->ifindex, up ? LINK_SET_UP : LINK_SET_DOWN, 0, who);
		r = lines_add(run->done, run->err, "link %s %s%s", who, dry ? "" : "is ",
			      up ? "up" : "down");
		count++;
	}
	if (r == 0 && !count) {
		r = err_set(run->err, NETSIM_ERR_USAGE, -ENOENT, NULL, "%s has no port", target);
		err_hint(run->err, "netsim status lists the nodes and their links");
	}
	return r == 0 && !dry ? rt_send(rt, run->err) : r;
}

static void describe_time(int64_t for_ns, char *ret, size_t size)
{
	if (for_ns)
		snprintf(ret, size, "for %g s", (double)for_ns / 1e9);
	else
		snprintf(ret, size, "until netsim heal");
}

/* A link that is down or flaps in the programs: nothing passes, the carrier stays. */
static int add_link_fault(struct link_run *run, const char *target, uint16_t vlan)
{
	const struct netsim_link_request *request = run->request;
	struct port_fault fault = {.kind = PORT_FAULT_LINK, .link.vlan = vlan};
	char text[512], time[64];
	uint32_t id;
	int r = copy_words(&target, 1, fault.targets, sizeof(fault.targets), run->err);

	if (request->state == NETSIM_LINK_FLAP) {
		fault.link.period = (uint64_t)request->period_ns;
		fault.link.up = (uint64_t)request->up_ns;
	}
	set_times(&fault, request->for_ns, request->name);
	if (r == 0)
		r = add_fault(&run->fleet, &fault, request->dry, &id, run->err);
	if (r < 0)
		return r;
	fault_describe(&fault, text, sizeof(text));
	describe_time(request->for_ns, time, sizeof(time));
	if (request->dry)
		return lines_add(run->done, run->err, "%s, %s", text, time);
	return lines_add(run->done, run->err, "fault %u: %s, %s", id, text, time);
}

/* Faults of links that were made for exactly this target. */
static int heal_link(struct link_run *run, const char *target)
{
	struct fleet *f = &run->fleet;
	bool dry = run->request->dry;
	uint32_t ids[PORT_FAULTS];
	size_t count = 0;
	char text[512];
	int r = 0;

	for (int i = 0; r == 0 && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &policy_slot(f->policy)->faults[i];

		if (!policy_alive(fault) || fault->kind != PORT_FAULT_LINK ||
		    strcmp(fault->targets, target) != 0)
			continue;
		ids[count++] = fault->id;
		fault_describe(fault, text, sizeof(text));
		r = lines_add(run->done, run->err, "%s fault %u: %s", dry ? "heal" : "healed",
			      fault->id, text);
	}
	if (r < 0 || !count || dry)
		return r;
	r = engine_commit(f, &(struct edt_change) {.heal = ids, .heal_count = count}, NULL,
			  run->err);
	return r == 0 ? intent_note(f->name, NULL, ids, count, run->err) : r;
}

static int link_target(struct link_run *run, const char *target)
{
	const struct netsim_link_request *request = run->request;
	bool timed = request->for_ns || request->state == NETSIM_LINK_FLAP || request->name;
	uint16_t vlan;
	int r = vlan_of_target(&run->fleet, target, &vlan, run->err);

	if (r < 0)
		return r;
	if (request->state == NETSIM_LINK_UP) {
		if (run->fleet.policy)
			r = heal_link(run, target);
		return r < 0 || vlan ? r : set_carrier(run, target, true);
	}
	return timed || vlan ? add_link_fault(run, target, vlan) : set_carrier(run, target, false);
}

int netsim_link(struct netsim *ctx, const struct netsim_link_request *request,
		struct netsim_lines *ret, struct netsim_err *err)
{
	struct link_run run = {.fleet = FLEET_NONE, .request = request, .done = ret, .err = err};
	int r = 0;

	if (request->state == NETSIM_LINK_FLAP &&
	    (request->period_ns <= 0 || request->up_ns < 0 || request->up_ns >= request->period_ns))
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "a flap is up for less than its period");
	if (r == 0)
		r = open_fault(ctx, request->fleet, request->name, request->dry, &run.fleet, err);
	if (r == 0 && request->name && request->target_count > 1)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "a name is for one target");
	for (size_t i = 0; r == 0 && i < request->target_count; i++)
		r = link_target(&run, request->targets[i]);
	fleet_close(&run.fleet);
	return r;
}

static void describe(const struct policy *policy, const struct port_fault *fault, char *buf,
		     size_t size)
{
	if (fault->kind == PORT_FAULT_CONDITIONS || fault->kind == PORT_FAULT_LINK)
		fault_describe(fault, buf, size);
	else
		policy_describe(policy, fault, buf, size);
}

void api_describe_fault(const struct policy *policy, const struct port_fault *fault, char *buf,
			size_t size)
{
	int n = *fault->name ? snprintf(buf, size, "%s: ", fault->name) : 0;

	describe(policy, fault, buf + n, size - (size_t)n);
}

/* A fault that a user calls by its number or its name. */
static const struct port_fault *find_fault(const struct policy *policy, const char *word)
{
	char number[16];

	for (int i = 0; policy && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &policy_slot(policy)->faults[i];

		snprintf(number, sizeof(number), "%u", fault->id);
		if (policy_alive(fault) &&
		    (strcmp(number, word) == 0 || (*fault->name && strcmp(fault->name, word) == 0)))
			return fault;
	}
	return NULL;
}

static int choose_faults(const struct policy *policy, const char *const *words, size_t count,
			 uint32_t *ids, size_t *ret_count, struct netsim_err *err)
{
	*ret_count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct port_fault *fault = find_fault(policy, words[i]);

		if (!fault) {
			err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL,
				"there is no fault %s (any more)", words[i]);
			err_hint(err, "netsim status lists those in force");
			return -ENOENT;
		}
		ids[(*ret_count)++] = fault->id;
	}
	for (int i = 0; policy && !count && i < PORT_FAULTS; i++)
		if (policy_alive(&policy_slot(policy)->faults[i]))
			ids[(*ret_count)++] = policy_slot(policy)->faults[i].id;
	return 0;
}

static const struct port_fault *by_id(const struct policy *policy, uint32_t id)
{
	for (int i = 0; i < PORT_FAULTS; i++)
		if (policy_slot(policy)->faults[i].id == id)
			return &policy_slot(policy)->faults[i];
	return NULL;
}

int netsim_heal(struct netsim *ctx, const char *fleet, const char *const *faults, size_t count,
		bool dry, struct netsim_lines *ret, struct netsim_err *err)
{
	auto_free uint32_t *ids = calloc(count + PORT_FAULTS, sizeof(*ids));
	struct edt_change change = {.heal = ids};
	struct fleet f = FLEET_NONE;
	char text[512];
	int r = ids ? fleet_open(&ctx->state, fleet, dry ? FLEET_LOOK : FLEET_CHANGE, &f, err) :
		      err_oom(err);

	if (r == 0)
		r = fleet_find_policy(&f, err);
	if (r == 0)
		r = choose_faults(f.policy, faults, count, ids, &change.heal_count, err);
	for (size_t i = 0; r == 0 && i < change.heal_count; i++) {
		api_describe_fault(f.policy, by_id(f.policy, ids[i]), text, sizeof(text));
		r = lines_add(ret, err, "fault %u: %s", ids[i], text);
	}
	if (r == 0 && f.policy && !dry && change.heal_count)
		r = engine_commit(&f, &change, NULL, err);
	if (r == 0 && !dry)
		r = count ? intent_note(f.name, NULL, ids, change.heal_count, err) :
			    intent_forget_faults(f.name, err);
	fleet_close(&f);
	return r;
}
