/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fault, link and heal: add faults on top of the profile, and remove them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/api/machine.h"
#include "netsim/fleet/topo_record.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/policy/describe.h"
#include "netsim/shape/edt_faults.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/intent.h"
#include "netsim/shape/park.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"
#include "netsim/util/ring.h"

static int copy_text(const char *what, const char *text, char *ret, size_t size,
		     struct netsim_err *err)
{
	if (strlen(text) >= size)
		return err_set(err, NETSIM_ERR_USAGE, -E2BIG, NULL,
			       "the text of the %s is longer than %zu bytes", what, size - 1);
	strcpy(ret, text);
	return 0;
}

int api_check_class(const struct policy *policy, const char *class, struct netsim_err *err)
{
	const char *names[PORT_CLASSES], *near;
	size_t count = 0;

	if (!*class)
		return 0;
	for (uint32_t i = 1; i < PORT_CLASSES; i++) {
		const char *name = policy_class_name(policy, i);

		if (name && class_matches_name(name, class))
			return 0;
		if (name)
			names[count++] = name;
	}
	near = name_nearest(class, names, count);
	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "no class named %s", class);
	if (near)
		err_hint(err, "did you mean %s?", near);
	else
		err_hint(err, "the classes are in profiles/classes.yaml");
	return -ENOENT;
}

/*
 * Moves the profile from netem to the eBPF programs. Faults that change links or delay
 * packets need this: only the programs can merge them with the profile.
 */
static int move_to_edt(struct fleet *f, struct netsim_err *err)
{
	struct intent intent;
	int r;

	r = intent_read_parsed(f->name, &intent, err);
	if (r == 0 && intent.engine == ENGINE_NETEM) {
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "the fleet was set to use netem, which does not support this fault");
		err_hint(err, "apply its profile again without --engine netem");
	}
	if (r == 0)
		r = intent.layer_count ? engine_use_edt(f, &intent, false, err) :
					 engine_adopt(f, err);
	intent_done(&intent);
	return r == 0 ? engine_open_policy(f, err) : r;
}

/* Drafts the record of the next fault. */
static int draft(const struct fleet *f, const struct port_fault *fault, struct intent_draft *ret,
		 struct netsim_err *err)
{
	const struct intent_fault noted = {.id = policy_next_id(f->policy),
					   .start = fault->start,
					   .name = (char *)fault->name,
					   .l2 = fault->l2,
					   .kind = fault->kind,
					   .deadline = fault->deadline,
					   .conditions = (char *)fault->conditions,
					   .targets = (char *)fault->targets,
					   .class = (char *)fault->class,
					   .vlan = fault->link.vlan,
					   .period_ns = fault->link.period,
					   .up_ns = fault->link.up};

	return intent_draft_fault(f->name, &noted, NULL, 0, ret, err);
}

static int add_fault(struct fleet *f, const struct port_fault *fault, bool dry, uint32_t *ret_id,
		     struct netsim_err *err)
{
	struct intent_draft record = {.text = NULL};
	bool edt = false;
	int r = fault_needs_edt(f->policy, fault, f->model, &edt, err);

	*ret_id = 0;
	if (r < 0 || dry)
		return r;
	if (edt && !edt_is_base(f->policy))
		r = move_to_edt(f, err);
	if (r == 0)
		r = draft(f, fault, &record, err);
	if (r == 0)
		r = engine_commit(f, &(struct edt_change) {.fault = fault}, ret_id, err);
	if (r == 0)
		return engine_record(f, &record, *ret_id, err);
	intent_discard(&record);
	return r;
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

bool api_fill_fault(void *root, const struct port_fault *fault, const char *text,
		    struct netsim_fault *ret)
{
	bool named = *fault->name;

	ret->id = fault->id;
	ret->kind = fault->kind == PORT_FAULT_CONDITIONS ? NETSIM_FAULT_CONDITIONS :
		    fault->kind == PORT_FAULT_LINK	 ? NETSIM_FAULT_LINK :
							   NETSIM_FAULT_PARTITION;
	ret->left_ns = fault->deadline ? (int64_t)(fault->deadline - policy_now()) : -1;
	ret->l2 = fault->l2 || (!*fault->class && fault->kind != PORT_FAULT_ONE_WAY &&
				fault->kind != PORT_FAULT_CONDITIONS &&
				!(fault->kind == PORT_FAULT_RING &&
				  ring_is_one_way((size_t)__builtin_popcountll(fault->bits))));
	ret->text = arena_strdup(root, text);
	ret->name = named ? arena_strdup(root, fault->name) : NULL;
	return ret->text && !ret->name == !named;
}

/*
 * Checks whether the fleet can hold packets. A fault that only holds may have a VLAN of a node as
 * its target, which its interface inside the node names.
 */
static int make_hold(const struct fleet *f, const struct conditions *c,
		     const struct netsim_fault_opts *o, struct port_fault *fault,
		     struct netsim_err *err)
{
	int r;

	if (!cond_has(c, COND_HOLD))
		return 0;
	r = park_check(f->policy, f->model, fault->class, err);
	if (r < 0 || c->has != 1U << COND_HOLD || o->target_count != 1 || o->class_name)
		return r;
	return api_vlan_of(f, o->targets[0], &fault->link.vlan, err);
}

/* Builds the fault from the options, opens the policy it goes into, and checks its class. */
static int make_fault(struct netsim *ctx, const struct netsim_fault_opts *o, struct fleet *f,
		      struct port_fault *fault, struct netsim_err *err)
{
	static const char *const all[] = {"*"};
	const struct machine_targets targets = {o->target_count ? o->targets : all,
						o->target_count ? o->target_count : 1,
						o->class_name};
	struct conditions c;
	int r = o->conditions ?
			conditions_parse(o->conditions, &c, err) :
			err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "no conditions given");

	if (r == 0 && !c.has)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "the fault has no conditions");
	if (r == 0 && !o->target_count && !o->class_name)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "the fault has neither targets nor a class");
	if (r == 0)
		r = copy_text("conditions", o->conditions, fault->conditions,
			      sizeof(fault->conditions), err);
	if (r == 0 && o->class_name)
		r = copy_text("class", o->class_name, fault->class, sizeof(fault->class), err);
	if (r == 0)
		r = open_fault(ctx, o->fleet, o->name, o->dry_run, f, err);
	if (r == 0)
		r = machine_copy_targets(f->model, &targets, fault->targets, sizeof(fault->targets),
					 err);
	if (r == 0)
		r = api_check_class(f->policy, fault->class, err);
	return r == 0 ? make_hold(f, &c, o, fault, err) : r;
}

/* Makes the result from an added fault (id 0: dry run); for_ns 0: no deadline. */
static int give_fault(struct port_fault *fault, uint32_t id, int64_t for_ns,
		      struct netsim_fault **ret, struct netsim_err *err)
{
	struct netsim_fault *result = arena_new(sizeof(*result));
	char text[512];

	fault_describe(fault, text, sizeof(text));
	fault->id = id;
	if (!result || !api_fill_fault(result, fault, text, result)) {
		arena_free(result);
		return err_oom(err);
	}
	result->left_ns = for_ns ? for_ns : -1;
	*ret = result;
	return 0;
}

int netsim_fault(struct netsim *ctx, const struct netsim_fault_opts *opts,
		 struct netsim_fault **ret, struct netsim_err *err)
{
	struct port_fault fault = {.kind = PORT_FAULT_CONDITIONS};
	struct netsim_fault_opts o;
	struct fleet f = FLEET_NONE;
	uint32_t id = 0;
	int r = opts_read(&o, sizeof(o), opts, err);

	if (r == 0)
		r = make_fault(ctx, &o, &f, &fault, err);
	fault.l2 = o.l2;
	if (r == 0) {
		set_times(&fault, o.for_ns, o.name);
		r = add_fault(&f, &fault, o.dry_run, &id, err);
	}
	fleet_close(&f);
	return r == 0 ? give_fault(&fault, id, o.for_ns, ret, err) : r;
}

void netsim_fault_free(struct netsim_fault *fault)
{
	arena_free(fault);
}

/* On a machine that is a node, the topology has the VLANs of its interfaces. */
static int vlan_in_record(const struct fleet *f, const char *node, const char *iface, uint16_t *ret,
			  struct netsim_err *err)
{
	const struct topo *known;
	struct topo *owned;
	int r = topo_record_look(f->st, f->name, &known, &owned, err);

	for (size_t i = 0; r == 0 && known && i < known->node_count; i++)
		for (size_t k = 0; k < known->nodes[i].iface_count; k++)
			if (strcmp(known->nodes[i].name, node) == 0 &&
			    strcmp(known->nodes[i].ifaces[k].name, iface) == 0 &&
			    known->nodes[i].ifaces[k].kind == IFACE_VLAN)
				*ret = known->nodes[i].ifaces[k].vlan;
	topo_free(owned);
	return r;
}

/* Of the nodes that a word matches, the VLAN of their interface; fails if they differ. */
static int vlan_inside(const struct model *inside, const char *word, const char *iface,
		       uint16_t *ret, struct netsim_err *err)
{
	for (size_t i = 0; i < inside->node_count; i++) {
		const struct model_node *node = &inside->nodes[i];
		const struct link *link;

		if (!name_match(word, node->name, (const char *const *)node->roles,
				node->role_count))
			continue;
		link = model_find_link(inside, (int)i, iface);
		if (!link || link->kind != LINK_VLAN)
			continue;
		if (*ret && *ret != link->vlan)
			return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
				       "%s/%s has different VLANs", word, iface);
		*ret = link->vlan;
	}
	return 0;
}

int api_vlan_of(const struct fleet *f, const char *target, uint16_t *ret, struct netsim_err *err)
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
	if (model_machine(f->model) >= 0)
		return vlan_in_record(f, node, iface, ret, err);
	r = state_read(f->st, f->name, STATE_ALL, &inside, err);
	if (r == 0)
		r = vlan_inside(inside, node, iface, ret, err);
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
	int r = copy_text("target", target, fault.targets, sizeof(fault.targets), run->err);

	if (o->state == NETSIM_LINK_FLAP) {
		fault.link.period = (uint64_t)o->period_ns;
		fault.link.up = (uint64_t)o->up_ns;
	}
	set_times(&fault, o->for_ns, o->name);
	if (r == 0)
		r = add_fault(&run->fleet, &fault, o->dry_run, &fault.id, run->err);
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
		r = open_fault(ctx, o.fleet, o.name, o.dry_run, &run.fleet, err);
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

void api_describe_fault(const struct policy *policy, const struct port_fault *fault, char *buf,
			size_t size)
{
	if (fault->kind == PORT_FAULT_CONDITIONS || fault->kind == PORT_FAULT_LINK)
		fault_describe(fault, buf, size);
	else
		policy_describe(policy, fault, buf, size);
}

/* Finds a fault in force by its number or name. */
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
			err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "no fault %s is in force",
				words[i]);
			err_hint(err, "netsim status lists the faults in force");
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

static int note_healed(const struct policy *policy, const struct port_fault *fault,
		       struct netsim_heal *heal, struct netsim_err *err)
{
	struct netsim_fault *slot = arena_push(heal, heal->faults, heal->fault_count);
	char text[512];

	api_describe_fault(policy, fault, text, sizeof(text));
	return slot && api_fill_fault(heal, fault, text, slot) ? 0 : err_oom(err);
}

static int heal(struct fleet *f, const struct netsim_heal_opts *o, struct netsim_heal *ret,
		struct netsim_err *err)
{
	auto_free uint32_t *ids = calloc(o->fault_count + PORT_FAULTS, sizeof(*ids));
	struct edt_change change = {.heal = ids};
	struct intent_draft record = {.text = NULL};
	int r = ids ? fleet_find_policy(f, err) : err_oom(err);

	if (r == 0)
		r = choose_faults(f->policy, o->faults, o->fault_count, ids, &change.heal_count,
				  err);
	for (size_t i = 0; r == 0 && i < change.heal_count; i++)
		r = note_healed(f->policy, by_id(f->policy, ids[i]), ret, err);
	if (r < 0 || o->dry_run)
		return r;
	r = o->fault_count ?
		    intent_draft_fault(f->name, NULL, ids, change.heal_count, &record, err) :
		    intent_draft_healed(f->name, &record, err);
	if (r == 0 && f->policy && change.heal_count)
		r = engine_commit(f, &change, NULL, err);
	if (r == 0)
		return intent_publish(&record, err);
	intent_discard(&record);
	return r;
}

int netsim_heal(struct netsim *ctx, const struct netsim_heal_opts *opts, struct netsim_heal **ret,
		struct netsim_err *err)
{
	struct netsim_heal *result = arena_new(sizeof(*result));
	struct netsim_heal_opts o;
	struct fleet f = FLEET_NONE;
	int r = result ? opts_read(&o, sizeof(o), opts, err) : err_oom(err);

	if (r == 0)
		r = fleet_open(&ctx->state, o.fleet, o.dry_run ? FLEET_LOOK : FLEET_CHANGE, &f,
			       err);
	if (r == -ENOENT && !f.name && !o.fleet && !o.fault_count) {
		r = 0; /* no fleet is up: nothing to heal */
		if (err)
			*err = (struct netsim_err) {0};
	} else if (r == 0) {
		r = heal(&f, &o, result, err);
	}
	fleet_close(&f);
	if (r < 0)
		arena_free(result);
	else
		*ret = result;
	return r;
}

void netsim_heal_free(struct netsim_heal *result)
{
	arena_free(result);
}
