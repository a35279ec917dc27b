/* SPDX-License-Identifier: GPL-2.0-or-later */
/* partition: resolves groups of nodes and cuts them off from each other. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/api/partition_matrix.h"
#include "netsim/api/routers.h"
#include "netsim/fleet/target.h"
#include "netsim/policy/describe.h"
#include "netsim/policy/policy.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/homes.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/ring.h"
#include "netsim/words/syntax.h"

static int add_node(struct policy_group *group, int node, struct netsim_err *err)
{
	uint16_t *slot = array_push(group->nodes, group->count);

	if (!slot)
		return err_oom(err);
	*slot = (uint16_t)node;
	return 0;
}

static bool in_group(const struct policy_group *group, int node)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->nodes[i] == node)
			return true;
	return false;
}

/* Adds all nodes that the topology lists, for groups in which each node has a part. */
static int add_listed(const struct fleet *f, struct policy_group *ret, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->model->node_count; i++)
		if (!f->model->nodes[i].service && !f->model->nodes[i].cable)
			r = add_node(ret, policy_node(f->policy, f->model->nodes[i].name), err);
	return r;
}

/* Adds all nodes that are in no group. The host does not count as a node. */
static int add_rest(const struct fleet *f, const struct policy_group *groups, size_t count,
		    struct policy_group *ret, struct netsim_err *err)
{
	for (size_t i = 0; i < f->model->node_count; i++) {
		int node = policy_node(f->policy, f->model->nodes[i].name);
		bool named = false;

		for (size_t g = 0; g < count; g++)
			named |= in_group(&groups[g], node);
		if (!named && !f->model->nodes[i].cable && add_node(ret, node, err) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* A node cannot be cut off from itself. */
static int refuse_overlap(const struct fleet *f, const struct policy_group groups[static 2],
			  struct netsim_err *err)
{
	for (size_t i = 0; i < groups[0].count; i++)
		if (in_group(&groups[1], groups[0].nodes[i]))
			return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "%s is in two groups",
				       policy_node_name(f->policy, groups[0].nodes[i]));
	return 0;
}

/*
 * The resolved groups: with --isolate or --ring one group, whose nodes are cut off from each
 * other; with --matrix pairs of groups; else two or more, the last of them the rest if only one was
 * given.
 */
struct groups {
	struct policy_group *list;
	size_t count;
	enum port_fault_kind kind;
	uint16_t vlan; /* that the partition is limited to, 0: none */
	bool mutual;   /* a matrix whose cuts are all in both directions */
};

static void groups_done(struct groups *g)
{
	for (size_t i = 0; i < g->count; i++)
		free(g->list[i].nodes);
	free(g->list);
}

static struct policy_group *new_group(struct groups *g, struct netsim_err *err)
{
	struct policy_group *group = array_push(g->list, g->count);

	if (!group)
		err_oom(err);
	return group;
}

/* Merges the groups into one, or makes one of all nodes if there are none. */
static int unite(const struct fleet *f, struct groups *g, enum port_fault_kind kind,
		 struct netsim_err *err)
{
	struct groups all = {.kind = kind, .vlan = g->vlan};
	struct policy_group *one = new_group(&all, err);
	int r = one ? 0 : -ENOMEM;

	if (r == 0 && !g->count)
		r = kind == PORT_FAULT_ISOLATE ? add_rest(f, NULL, 0, one, err) :
						 add_listed(f, one, err);
	for (size_t a = 0; r == 0 && a < g->count; a++)
		for (size_t i = 0; r == 0 && i < g->list[a].count; i++)
			if (!in_group(one, g->list[a].nodes[i]))
				r = add_node(one, g->list[a].nodes[i], err);
	groups_done(g);
	*g = all;
	return r;
}

static int isolate(const struct fleet *f, struct groups *g, struct netsim_err *err)
{
	int r = unite(f, g, PORT_FAULT_ISOLATE, err);

	if (r == 0 && g->list[0].count < 2) {
		err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			"--isolate needs at least two nodes to cut off from each other");
		err_hint(err, "to cut one node off from the rest, omit --isolate");
		r = -EINVAL;
	}
	return r;
}

static int ring(const struct fleet *f, struct groups *g, struct netsim_err *err)
{
	int r = unite(f, g, PORT_FAULT_RING, err);

	if (r == 0 && g->list[0].count < RING_LEAST)
		return err_set(
			err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			"--ring needs at least three nodes: the majority of two nodes is both");
	return r;
}

/* Splits the nodes other than the bridge in two, in their order; the first half is smaller. */
static int split(const struct policy_group *all, int bridge, struct groups *ret,
		 struct netsim_err *err)
{
	size_t others = all->count - in_group(all, bridge), taken = 0;
	int r = 0;

	if (others < 2)
		return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			       "--bridge needs at least two other nodes, one in each half");
	if (!new_group(ret, err) || !new_group(ret, err))
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < all->count; i++)
		if (all->nodes[i] != bridge)
			r = add_node(&ret->list[taken++ >= others / 2], all->nodes[i], err);
	return r;
}

/* Two groups; the bridge is in neither, so that it reaches both. */
static int bridge(const struct fleet *f, const char *word, struct groups *g, struct netsim_err *err)
{
	struct groups halves = {.kind = PORT_FAULT_GROUPS, .vlan = g->vlan};
	struct policy_group middle = {0};
	int r = strcmp(word, "host") != 0 ?
			target_group(f->model, f->policy, word, &middle, err) :
			err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
				"--bridge host: must be a node; the host reaches both halves");

	if (r == 0 && middle.count != 1)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "--bridge %s: must be one node, but names %zu", word, middle.count);
	if (r == 0)
		r = unite(f, g, PORT_FAULT_GROUPS, err);
	if (r == 0)
		r = split(&g->list[0], middle.nodes[0], &halves, err);
	free(middle.nodes);
	groups_done(g);
	*g = halves;
	return r;
}

/* Whether some group has both nodes. */
static bool share_group(const struct groups *g, int a, int b)
{
	for (size_t i = 0; i < g->count; i++)
		if (in_group(&g->list[i], a) && in_group(&g->list[i], b))
			return true;
	return false;
}

/* Groups may overlap, but someone must be cut off. */
static int refuse_whole(const struct groups *g, struct netsim_err *err)
{
	for (size_t a = 0; a < g->count; a++)
		for (size_t b = a + 1; b < g->count; b++)
			for (size_t i = 0; i < g->list[a].count; i++)
				for (size_t k = 0; k < g->list[b].count; k++)
					if (!share_group(g, g->list[a].nodes[i],
							 g->list[b].nodes[k]))
						return 0;
	err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
		"the groups overlap so far that no node is cut off from another");
	return -EINVAL;
}

static int with_rest(const struct fleet *f, struct groups *g, struct netsim_err *err)
{
	struct policy_group *rest = new_group(g, err);
	int r = rest ? add_rest(f, g->list, g->count - 1, rest, err) : -ENOMEM;

	g->kind = PORT_FAULT_REST;
	if (r == 0 && !rest->count)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "the group contains every node; there is no rest to cut off");
	return r;
}

/* A machine that is a node judges only what it sends and receives. */
static int refuse_others(const struct fleet *f, const struct netsim_partition_opts *cut,
			 const struct groups *g, struct netsim_err *err)
{
	int machine = model_machine(f->model), self;

	if (machine < 0)
		return 0;
	self = policy_node(f->policy, f->model->nodes[machine].name);
	for (size_t i = 0; i < g->count; i++)
		if (in_group(&g->list[i], self))
			return 0;
	err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
		"this machine is %s, and can cut only itself off", f->model->nodes[machine].name);
	err_hint(err, cut->bridge ?
			      "the bridge keeps reaching both halves: run this on the others" :
			      "run this on a machine that is in one of the groups");
	return -EINVAL;
}

static int refuse_interface(const char *word, struct netsim_err *err)
{
	err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "%s is not a VLAN of a node", word);
	err_hint(err,
		 "netsim link down %s takes its cable down; name the node to cut all of it off",
		 word);
	return -EINVAL;
}

/*
 * Takes the interface off NODE/INTERFACE, which limits the partition to the VLAN of the interface:
 * to the same one in all groups. A prefix of addresses has a slash, too.
 */
static int take_vlan(const struct fleet *f, char *word, uint16_t *vlan, struct netsim_err *err)
{
	struct model_place place;
	char *slash = target_place(word, &place) ? NULL : strchr(word, '/');
	uint16_t own = 0;
	int r = slash ? api_vlan_of(f, word, &own, err) : 0;

	if (r < 0 || !slash)
		return r;
	if (!own)
		return refuse_interface(word, err);
	if (*vlan && *vlan != own)
		return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			       "%s: VLAN %u, but another group names VLAN %u", word, own, *vlan);
	*vlan = own;
	*slash = '\0';
	return 0;
}

/* Resolves "a,b" or "a/bond0.100,b/bond0.100". */
static int add_group(const struct fleet *f, const char *text, struct groups *g,
		     struct netsim_err *err)
{
	auto_free char *copy = strdup(text), *names = calloc(strlen(text) + 1, 1);
	struct policy_group *group = new_group(g, err);
	char *save = NULL;
	int r = 0;

	if (!group)
		return -ENOMEM;
	if (!copy || !names)
		return err_oom(err);
	for (char *word = strtok_r(copy, ",", &save); word && r == 0;
	     word = strtok_r(NULL, ",", &save)) {
		r = take_vlan(f, word, &g->vlan, err);
		strcat(strcat(names, *names ? "," : ""), word);
	}
	return r == 0 ? target_group(f->model, f->policy, names, group, err) : r;
}

static int matrix(const struct fleet *f, const struct netsim_partition_opts *cut, struct groups *g,
		  struct netsim_err *err)
{
	struct matrix_groups groups;
	int r = matrix_groups_read(f, cut->matrix, &groups, cut->diags, err);

	g->kind = PORT_FAULT_MATRIX;
	g->list = groups.list;
	g->count = groups.count;
	g->mutual = groups.mutual;
	return r;
}

static int resolve(const struct fleet *f, const struct netsim_partition_opts *cut, struct groups *g,
		   struct netsim_err *err)
{
	int r = 0;

	if (cut->matrix)
		return matrix(f, cut, g, err);
	for (size_t i = 0; r == 0 && i < cut->group_count; i++)
		r = add_group(f, cut->groups[i], g, err);
	if (r < 0)
		return r;
	if (cut->isolate)
		return isolate(f, g, err);
	if (cut->ring)
		return ring(f, g, err);
	if (cut->bridge)
		return bridge(f, cut->bridge, g, err);
	if (cut->one_way) {
		g->kind = PORT_FAULT_ONE_WAY;
		return refuse_overlap(f, g->list, err);
	}
	return g->count == 1 ? with_rest(f, g, err) : refuse_whole(g, err);
}

static int refuse_arguments(const struct netsim_partition_opts *cut, struct netsim_err *err)
{
	if (cut->for_ns < 0)
		return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "--for must not be negative");
	return syntax_check_partition(cut, err);
}

/* True if ns_stamp must record sources: the host is in a group, or routes between networks. */
static bool needs_stamps(const struct fleet *f, const struct groups *g)
{
	size_t routed = 0;

	for (size_t i = 0; i < g->count; i++)
		if (in_group(&g->list[i], POLICY_HOST))
			return true;
	for (size_t i = 0; i < f->model->link_count; i++)
		routed += (f->model->links[i].kind == LINK_BRIDGE ||
			   f->model->links[i].kind == LINK_VLAN) &&
			  f->model->links[i].addr_count;
	return routed > 1;
}

/* Formats a group as "a,b,c"; NULL: out of memory. */
static char *group_text(const struct policy *policy, const struct policy_group *group)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; out && i < group->count; i++)
		fprintf(out, "%s%s", i ? "," : "", policy_node_name(policy, group->nodes[i]));
	if (out)
		fclose(out);
	return text;
}

/*
 * Whether address resolution is cut although the kind of partition would spare it: if that is
 * asked for, and by a matrix whose cuts are all mutual, as by groups.
 */
static bool cuts_resolving(const struct netsim_partition_opts *cut, const struct groups *g)
{
	return cut->l2 || (g->mutual && !cut->reject && !cut->class_name);
}

/* Drafts the record of the partition. */
static int draft(const struct fleet *f, const struct groups *g, const struct policy_cut *cut,
		 struct intent_draft *ret, struct netsim_err *err)
{
	struct intent_fault fault = {.id = policy_next_id(f->policy),
				     .kind = g->kind,
				     .deadline = cut->deadline,
				     .start = policy_now(),
				     .name = (char *)cut->name,
				     .l2 = cut->l2,
				     .class = (char *)cut->class,
				     .vlan = cut->vlan,
				     .reject = cut->reject};
	int r = 0;

	fault.groups = calloc(g->count + 1, sizeof(*fault.groups));
	for (size_t i = 0; fault.groups && i < g->count; i++) {
		fault.groups[i] = group_text(f->policy, &g->list[i]);
		r = fault.groups[i] ? r : -ENOMEM;
		fault.group_count++;
	}
	if (!fault.groups || r < 0)
		r = err_oom(err);
	if (r == 0)
		r = intent_draft_fault(f->name, &fault, NULL, 0, ret, err);
	for (size_t i = 0; i < fault.group_count; i++)
		free(fault.groups[i]);
	free(fault.groups);
	return r;
}

/* Attaches what the partition needs, which takes time, so that its own begins after that. */
static int prepare_cut(struct fleet *f, const struct netsim_partition_opts *cut,
		       const struct groups *g, struct netsim_err *err)
{
	int r = engine_attach(f, needs_stamps(f, g), err);

	return r == 0 && cut->reject ? homes_note(f, err) : r;
}

/* Fills the number and the deadline of the fault. */
static int cut_now(struct fleet *f, const struct netsim_partition_opts *cut, const struct groups *g,
		   struct netsim_fault *fault, struct netsim_err *err)
{
	const struct policy_cut asked = {
		.kind = g->kind,
		.groups = g->list,
		.group_count = g->count,
		.deadline = cut->for_ns ? policy_now() + (uint64_t)cut->for_ns : 0,
		.name = cut->name,
		.l2 = cuts_resolving(cut, g),
		.class = cut->class_name,
		.vlan = g->vlan,
		.reject = cut->reject};
	struct intent_draft record = {.text = NULL};
	int r = draft(f, g, &asked, &record, err);

	fault->deadline_ns = asked.deadline;
	if (r == 0)
		r = policy_partition(f->policy, &asked, &fault->id, err);
	if (r == 0)
		return engine_record(f, &record,
				     &(struct edt_change) {.heal = &fault->id, .heal_count = 1},
				     err);
	intent_discard(&record);
	return r;
}

static int list_groups(const struct fleet *f, const struct groups *g, struct netsim_fault *fault,
		       struct netsim_err *err)
{
	fault->groups = arena_alloc(fault, (g->count + 1) * sizeof(*fault->groups));
	for (size_t i = 0; fault->groups && i < g->count; i++) {
		fault->groups[i] = arena_adopt(fault, group_text(f->policy, &g->list[i]));
		if (!fault->groups[i])
			return err_oom(err);
	}
	fault->group_count = g->count;
	return fault->groups ? 0 : err_oom(err);
}

/* Fills what the fault will be. */
static int describe(const struct fleet *f, const struct netsim_partition_opts *cut,
		    const struct groups *g, struct netsim_fault *fault, struct netsim_err *err)
{
	bool spares = cut->one_way || cut->ring || cut->matrix || cut->reject;
	bool l2 = cuts_resolving(cut, g);
	char text[256];

	policy_describe_groups(f->policy, g->kind, g->list, g->count, text, sizeof(text));
	policy_describe_limits(&(struct policy_limits) {.class = cut->class_name,
							.vlan = g->vlan,
							.l2 = spares && l2,
							.reject = cut->reject},
			       text, sizeof(text));
	fault->kind = NETSIM_FAULT_PARTITION;
	fault->pairs = cut->one_way || cut->matrix;
	fault->l2 = l2 || !(cut->class_name ||
			    policy_spares_resolving(g->kind, g->list[0].count, cut->reject));
	fault->reject = cut->reject;
	fault->left_ns = cut->for_ns ? cut->for_ns : -1;
	fault->text = arena_strdup(fault, text);
	fault->name = cut->name ? arena_strdup(fault, cut->name) : NULL;
	if (!fault->text || !fault->name != !cut->name)
		return err_oom(err);
	return list_groups(f, g, fault, err);
}

/* Resolves the groups and, unless this is a dry run, cuts them; *ret describes the fault. */
static int partition(struct fleet *f, const struct netsim_partition_opts *cut, struct groups *g,
		     struct netsim_fault **ret, struct netsim_err *err)
{
	struct netsim_fault *fault = arena_new(sizeof(*fault));
	int r = fault ? resolve(f, cut, g, err) : err_oom(err);

	if (r == 0)
		policy_sort_groups(g->kind, g->list, g->count);
	if (r == 0)
		r = refuse_others(f, cut, g, err);
	if (r == 0 && cut->reject)
		r = homes_check(f, g->list, g->count, err);
	if (r == 0)
		r = routers_check_cut(f, &(struct router_cut) {g->kind, g->list, g->count}, err);
	if (r == 0)
		r = describe(f, cut, g, fault, err);
	if (r == 0 && !cut->dry_run)
		r = prepare_cut(f, cut, g, err);
	if (r == 0 && !cut->dry_run)
		r = cut_now(f, cut, g, fault, err);
	if (r < 0)
		arena_free(fault);
	else
		*ret = fault;
	return r;
}

/* LACP frames end at the other end of a cable: no partition between nodes stops them. */
static int refuse_lacp(const struct policy *policy, const char *class, struct netsim_err *err)
{
	for (uint32_t i = 1; i < PORT_CLASSES; i++) {
		const char *name = policy_class_name(policy, i);

		if (!name || strcmp(name, class) != 0 ||
		    !policy_class_names_lacp(policy, policy_slot(policy), i))
			continue;
		err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			"LACP frames pass no pair of nodes, so that no partition stops them");
		err_hint(err, "netsim fault 'loss 100%%' NODE --class %s", class);
		return -EINVAL;
	}
	return 0;
}

int netsim_partition(struct netsim *ctx, const struct netsim_partition_opts *opts,
		     struct netsim_fault **ret, struct netsim_err *err)
{
	struct groups g = {.kind = PORT_FAULT_GROUPS};
	struct netsim_partition_opts o;
	struct fleet f = FLEET_NONE;
	int r = opts_read(&o, sizeof(o), opts, err);

	if (r == 0)
		r = refuse_arguments(&o, err);
	if (r == 0)
		r = fleet_open(&ctx->state, o.fleet, o.dry_run ? FLEET_LOOK : FLEET_CHANGE, &f,
			       err);
	if (r == 0)
		r = o.class_name ? engine_peek_policy(&f, err) : fleet_get_policy(&f, err);
	if (r == 0 && o.class_name)
		r = api_check_class(f.policy, o.class_name, err);
	if (r == 0 && o.class_name)
		r = refuse_lacp(f.policy, o.class_name, err);
	if (r == 0)
		r = policy_check_fault_name(f.policy, o.name, err);
	if (r == 0)
		r = policy_number(f.policy, f.model, err);
	if (r == 0)
		r = partition(&f, &o, &g, ret, err);
	groups_done(&g);
	fleet_close(&f);
	return r;
}
