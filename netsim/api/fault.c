/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fault and heal: add faults on top of the profile, and remove them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/faults.h"
#include "netsim/api/handle.h"
#include "netsim/api/machine.h"
#include "netsim/api/routers.h"
#include "netsim/fleet/target.h"
#include "netsim/policy/bits.h"
#include "netsim/policy/describe.h"
#include "netsim/shape/edt_faults.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/intent.h"
#include "netsim/shape/park.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

int fault_copy_text(const char *what, const char *text, char *ret, size_t size,
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
	else if (count)
		err_hint(err, "the class file of the fleet has %s%s%s%s%s", names[0],
			 count > 1 ? ", " : "", count > 1 ? names[1] : "", count > 2 ? ", " : "",
			 count > 3  ? "..." :
			 count == 3 ? names[2] :
				      "");
	else
		err_hint(err, "there is no class file; it would be profiles/classes.yaml");
	return -ENOENT;
}

/* Reads the profile in force; refuses one that must stay in netem. The caller frees it. */
static int read_movable(const struct fleet *f, struct intent *ret, struct netsim_err *err)
{
	int r = intent_read_parsed(f->name, ret, err);

	if (r == 0 && ret->engine == ENGINE_NETEM) {
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "the fleet was set to use netem, which does not support this fault");
		err_hint(err, "apply its profile again without --engine netem");
	}
	return r;
}

/*
 * Moves the profile from netem to the eBPF programs. Faults that change links or delay
 * packets need this: only the programs can merge them with the profile.
 */
static int move_to_edt(struct fleet *f, struct netsim_err *err)
{
	struct intent intent;
	int r = read_movable(f, &intent, err);

	if (r == 0)
		r = intent.layer_count ? engine_use_edt(f, &intent, false, err) :
					 engine_adopt(f, err);
	intent_done(&intent);
	return r == 0 ? engine_open_policy(f, err) : r;
}

/* Drafts the record of the next fault. */
static int draft(const struct fleet *f, const struct port_fault *fault,
		 const struct edt_change *change, struct intent_draft *ret, struct netsim_err *err)
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

	return intent_draft_fault(f->name, &noted, change->heal, change->heal_count, ret, err);
}

/*
 * Makes the checks of a change that need no change. A profile in netem is not in the policy yet:
 * whether its delay or rate allows jitter or a peak is then left open.
 */
static int check_change(struct fleet *f, const struct edt_change *change, bool moves,
			struct netsim_err *err)
{
	struct intent intent = {0};
	int r = moves ? read_movable(f, &intent, err) : 0;

	if (r == 0)
		r = edt_check(f, change, intent.layer_count > 0, err);
	intent_done(&intent);
	return r;
}

/* Making queues and loading programs has taken time, which is no part of what the fault lasts. */
static void begin_now(struct port_fault *fault, const struct port_fault *replaced)
{
	uint64_t late = policy_now() - fault->start;

	fault->start += late;
	if (fault->deadline && !(replaced && fault->deadline == replaced->deadline))
		fault->deadline += late;
}

int fault_add(struct fleet *f, struct port_fault *fault, const struct port_fault *replaced,
	      bool dry, uint32_t *ret_id, struct netsim_err *err)
{
	struct edt_change change = {.fault = fault};
	struct intent_draft record = {.text = NULL};
	bool edt = false, moves;
	int r = fault_needs_edt(f->policy, fault, f->model, &edt, err);

	moves = edt && !edt_is_base(f->policy);
	*ret_id = 0;
	if (replaced) {
		change.heal = &replaced->id;
		change.heal_count = 1;
	}
	if (r < 0 || dry)
		return r < 0 ? r : check_change(f, &change, moves, err);
	if (moves)
		r = move_to_edt(f, err);
	if (r == 0 && fault->deadline && fault->kind == PORT_FAULT_CONDITIONS)
		r = edt_ready(f, &change, err);
	begin_now(fault, replaced);
	if (r == 0)
		r = draft(f, fault, &change, &record, err);
	if (r == 0)
		r = engine_commit(f, &change, ret_id, err);
	if (r == 0)
		return engine_record(
			f, &record,
			&(struct edt_change) {.heal = ret_id, .heal_count = 1, .fault = replaced},
			err);
	intent_discard(&record);
	return r;
}

int fault_open(struct netsim *ctx, const char *fleet, bool dry, struct fleet *f,
	       struct netsim_err *err)
{
	int r = fleet_open(&ctx->state, fleet, dry ? FLEET_LOOK : FLEET_CHANGE, f, err);

	if (r == 0)
		r = dry ? engine_peek_policy(f, err) : engine_open_policy(f, err);
	return r;
}

void fault_set_times(struct port_fault *fault, int64_t for_ns, const char *name)
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
	ret->deadline_ns = fault->deadline;
	ret->l2 = fault->l2 || (!*fault->class && fault->kind != PORT_FAULT_CONDITIONS &&
				!policy_spares_resolving((enum port_fault_kind)fault->kind,
							 bits_count(&fault->bits), fault->reject));
	ret->reject = fault->reject;
	ret->text = arena_strdup(root, text);
	ret->name = named ? arena_strdup(root, fault->name) : NULL;
	if (ret->kind == NETSIM_FAULT_CONDITIONS)
		ret->conditions = arena_strdup(root, fault->conditions);
	return ret->text && !ret->name == !named &&
	       (ret->conditions || ret->kind != NETSIM_FAULT_CONDITIONS);
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

/* The fault in force whose name the new one has: the new one comes in its place. */
struct replaced {
	bool any, keeps_targets;
	struct port_fault fault;
};

/* Suggests the name of a fault in force that resembles a word. */
static void hint_fault(const struct policy *policy, const char *word, struct netsim_err *err)
{
	const char *names[PORT_FAULTS], *near;
	size_t count = 0;

	for (int i = 0; policy && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &policy_slot(policy)->faults[i];

		if (policy_alive(fault) && *fault->name)
			names[count++] = fault->name;
	}
	near = name_nearest(word, names, count);
	if (near)
		err_hint(err, "did you mean %s?", near);
	else
		err_hint(err, "netsim status lists the faults in force");
}

static int find_replaced(const struct policy *policy, const struct netsim_fault_opts *o,
			 struct replaced *ret, struct netsim_err *err)
{
	const struct port_fault *old = o->name ? find_fault(policy, o->name) : NULL;

	*ret = (struct replaced) {0};
	if (!old || old->kind != PORT_FAULT_CONDITIONS)
		return policy_check_fault_name(policy, o->name, err);
	*ret = (struct replaced) {true, !o->target_count && !o->class_name, *old};
	return 0;
}

static void keep_targets(const struct port_fault *old, struct port_fault *fault)
{
	memcpy(fault->targets, old->targets, sizeof(fault->targets));
	memcpy(fault->class, old->class, sizeof(fault->class));
	fault->link.vlan = old->link.vlan;
	fault->l2 |= old->l2;
}

/* Without targets and a class, a fault can only replace one that has its name. */
static int refuse_no_targets(const struct policy *policy, const char *name, struct netsim_err *err)
{
	if (!name)
		return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			       "the fault has neither targets nor a class");
	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "no fault named %s is in force", name);
	hint_fault(policy, name, err);
	return -ENOENT;
}

static int set_targets(const struct fleet *f, const struct netsim_fault_opts *o,
		       struct port_fault *fault, struct netsim_err *err)
{
	static const char *const all[] = {"*"};
	const struct machine_targets targets = {o->target_count ? o->targets : all,
						o->target_count ? o->target_count : 1,
						o->class_name};
	int r = o->target_count || o->class_name ? 0 : refuse_no_targets(f->policy, o->name, err);

	if (r == 0 && o->class_name)
		r = fault_copy_text("class", o->class_name, fault->class, sizeof(fault->class),
				    err);
	if (r == 0)
		r = routers_check_targets(f, o->targets, o->target_count, err);
	if (r == 0)
		r = machine_copy_targets(f->model, &targets, fault->targets, sizeof(fault->targets),
					 err);
	return r == 0 ? api_check_class(f->policy, fault->class, err) : r;
}

/* Reads the conditions; says so if they are written after a target. */
static int read_conditions(const struct netsim_fault_opts *o, struct conditions *ret,
			   struct netsim_err *err)
{
	struct conditions other;
	int r = conditions_parse(o->conditions, ret, err);

	if (r < 0 && err && o->target_count && conditions_parse(o->targets[0], &other, NULL) == 0) {
		*err->hint = 0;
		err_hint(err, "the conditions come first: netsim fault '%s' %s", o->targets[0],
			 o->conditions);
	}
	return r;
}

/* Suggests what an unknown target may mean: a class for an address, "a:b" for "a-b". */
static void hint_target(const struct model *model, const struct netsim_fault_opts *o,
			struct netsim_err *err)
{
	struct model_place place;

	for (size_t i = 0; i < o->target_count; i++) {
		const char *word = o->targets[i];

		if (target_place(word, &place))
			err_hint(err, "for what no node has, make a class with this address, and "
				      "name it with --class: see netsim-classes(5)");
		for (const char *dash = strchr(word, '-'); dash; dash = strchr(dash + 1, '-')) {
			auto_free char *from = strndup(word, (size_t)(dash - word));

			if (from && model_find_node(model, word) < 0 &&
			    model_find_node(model, from) >= 0 &&
			    model_find_node(model, dash + 1) >= 0) {
				*err->hint = 0; /* the name of one of the two is no better */
				err_hint(err, "did you mean %s:%s?", from, dash + 1);
			}
		}
	}
}

/* Builds the fault from the options, opens the policy that it is for, and checks its class. */
static int make_fault(struct netsim *ctx, const struct netsim_fault_opts *o, struct fleet *f,
		      struct port_fault *fault, struct replaced *replaced, struct netsim_err *err)
{
	struct conditions c;
	int r = o->conditions ?
			read_conditions(o, &c, err) :
			err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "no conditions given");

	if (r == 0 && !c.has)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "the fault has no conditions");
	if (r == 0)
		r = fault_copy_text("conditions", o->conditions, fault->conditions,
				    sizeof(fault->conditions), err);
	if (r == 0)
		r = fault_open(ctx, o->fleet, o->dry_run, f, err);
	if (r == 0)
		r = find_replaced(f->policy, o, replaced, err);
	if (r < 0)
		return r;
	fault->l2 = o->l2;
	fault_set_times(fault, o->for_ns, o->name);
	if (replaced->any && !o->for_ns)
		fault->deadline = replaced->fault.deadline;
	if (replaced->keeps_targets)
		keep_targets(&replaced->fault, fault);
	else
		r = set_targets(f, o, fault, err);
	return r == 0 ? make_hold(f, &c, o, fault, err) : r;
}

/* Makes the result from an added fault, which has the number 0 after a dry run. */
static int give_fault(const struct port_fault *fault, const struct netsim_fault_opts *o,
		      const struct replaced *replaced, struct netsim_fault **ret,
		      struct netsim_err *err)
{
	struct netsim_fault *result = arena_new(sizeof(*result));
	char text[512];

	fault_describe(fault, text, sizeof(text));
	if (!result || !api_fill_fault(result, fault, text, result)) {
		arena_free(result);
		return err_oom(err);
	}
	if (o->for_ns)
		result->left_ns = o->for_ns; /* exactly as given */
	result->replaces = replaced->any ? replaced->fault.id : 0;
	*ret = result;
	return 0;
}

int netsim_fault(struct netsim *ctx, const struct netsim_fault_opts *opts,
		 struct netsim_fault **ret, struct netsim_err *err)
{
	struct port_fault fault = {.kind = PORT_FAULT_CONDITIONS};
	struct replaced replaced = {0};
	struct netsim_fault_opts o;
	struct fleet f = FLEET_NONE;
	int r = opts_read(&o, sizeof(o), opts, err);

	if (r == 0)
		r = make_fault(ctx, &o, &f, &fault, &replaced, err);
	if (r == 0) {
		r = fault_add(&f, &fault, replaced.any ? &replaced.fault : NULL, o.dry_run,
			      &fault.id, err);
		if (r == -ENOENT && err && err->kind == NETSIM_ERR_USAGE)
			hint_target(f.model, &o, err);
	}
	fleet_close(&f);
	return r == 0 ? give_fault(&fault, &o, &replaced, ret, err) : r;
}

void netsim_fault_free(struct netsim_fault *fault)
{
	arena_free(fault);
}

void api_describe_fault(const struct policy *policy, const struct port_fault *fault, char *buf,
			size_t size)
{
	if (fault->kind == PORT_FAULT_CONDITIONS || fault->kind == PORT_FAULT_LINK)
		fault_describe(fault, buf, size);
	else
		policy_describe(policy, fault, buf, size);
}

static int compare_ids(const void *x, const void *y)
{
	const uint32_t *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

static bool has_id(const uint32_t *ids, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
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
			hint_fault(policy, words[i], err);
			return -ENOENT;
		}
		if (!has_id(ids, *ret_count, fault->id))
			ids[(*ret_count)++] = fault->id;
	}
	for (int i = 0; policy && !count && i < PORT_FAULTS; i++)
		if (policy_alive(&policy_slot(policy)->faults[i]))
			ids[(*ret_count)++] = policy_slot(policy)->faults[i].id;
	if (!count)
		qsort(ids, *ret_count, sizeof(*ids), compare_ids);
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

static int note_down(const struct fleet *f, struct netsim_heal *heal, struct netsim_err *err)
{
	char text[MARK_TEXT];

	for (size_t i = 0; i < f->model->link_count; i++) {
		const struct link *link = &f->model->links[i];
		struct netsim_link_change *slot;

		if (!link_is_port(link) || link->up || link->machine)
			continue;
		slot = arena_push(heal, heal->down, heal->down_count);
		if (!slot)
			return err_oom(err);
		slot->name = arena_strdup(heal, mark_call(link->alias, link->name, text));
		if (!slot->name)
			return err_oom(err);
	}
	return 0;
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
	if (r == 0 && !o->fault_count)
		r = note_down(f, ret, err);
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
