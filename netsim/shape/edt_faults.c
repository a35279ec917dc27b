/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/edt_faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/fleet/target.h"
#include "netsim/kernel/mark.h"
#include "netsim/shape/edt.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

#define CLAIMS_MAX (PORT_OVERLAYS / 4)

/* One fault that affects one hop. */
struct fault_claim {
	struct port_key key;
	int fault; /* index in the slot */
};

/* A fault's compiled conditions. */
struct fault_effect {
	bool used;
	struct port_conditions conditions;
	uint64_t deadline;
	uint32_t id;
	bool l2; /* affects packets that resolve addresses */
};

struct composer {
	const struct policy *policy;
	const struct port_slot *slot;
	const struct model *model;
	struct fault_effect effects[PORT_FAULTS];
	struct fault_claim *claims;
	size_t claim_count;
	uint8_t classes[PORT_CLASSES]; /* numbers of those with conditions for all pairs */
	size_t class_count;
	struct overlays result;
	bool skips_missing; /* ignore targets that do not exist */
	struct netsim_err *err;
};

static int add_claim(struct composer *c, struct port_key key, int fault)
{
	struct fault_claim *slot;

	if (c->claim_count == CLAIMS_MAX) {
		err_set(c->err, NETSIM_ERR_USAGE, -E2BIG, NULL,
			"the faults affect more than %d hops", CLAIMS_MAX);
		err_hint(c->err, "name nodes instead of pairs, or fewer pairs");
		return -E2BIG;
	}
	slot = array_push(c->claims, c->claim_count);
	if (!slot)
		return err_oom(c->err);
	*slot = (struct fault_claim) {key, fault};
	return 0;
}

/* Appends the numbers of the nodes that a word names; the word "host" names the host. */
static int expand(const struct composer *c, const char *word, uint16_t **ret, size_t *count)
{
	auto_free bool *marks = calloc(c->model->node_count + 1, sizeof(*marks));
	uint16_t *slot;
	int r;

	if (!marks)
		return err_oom(c->err);
	if (strcmp(word, "host") == 0) {
		slot = array_push(*ret, *count);
		if (slot)
			*slot = POLICY_HOST;
		return slot ? 0 : err_oom(c->err);
	}
	r = target_nodes(c->model, word, marks, c->err);
	for (size_t i = 0; r >= 0 && i < c->model->node_count; i++) {
		int number = marks[i] ? policy_node(c->policy, c->model->nodes[i].name) : -1;

		if (number < 0)
			continue;
		slot = array_push(*ret, *count);
		if (!slot)
			return err_oom(c->err);
		*slot = (uint16_t)number;
	}
	return r < 0 ? r : 0;
}

/* What crosses a cable has other ends, and its classes are treated alike: it only has conditions.
 */
static int refuse_cables(const struct composer *c, const uint16_t *nodes, size_t count,
			 const char *why)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = policy_node_name(c->policy, nodes[i]);
		int node = name ? model_find_node(c->model, name) : -1;

		if (node < 0 || !c->model->nodes[node].cable)
			continue;
		err_set(c->err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			"%s is a cable between networks, %s", name, why);
		err_hint(c->err,
			 "name nodes instead; or give the cable a delay, a rate or a loss, "
			 "or netsim link down %s",
			 name);
		return -EINVAL;
	}
	return 0;
}

static int claim_pairs(struct composer *c, char *word, uint8_t class, int fault)
{
	auto_free uint16_t *from = NULL, *to = NULL;
	size_t from_count = 0, to_count = 0;
	char *colon = strchr(word, ':');
	int r;

	*colon = 0;
	r = expand(c, word, &from, &from_count);
	if (r == 0)
		r = expand(c, colon + 1, &to, &to_count);
	*colon = ':';
	if (r == 0)
		r = refuse_cables(c, from, from_count, "and no end of a pair");
	if (r == 0)
		r = refuse_cables(c, to, to_count, "and no end of a pair");
	if (r == 0 && from_count == 1 && to_count == 1 && from[0] == to[0]) {
		err_set(c->err, NETSIM_ERR_USAGE, -EINVAL, NULL, "%s: a pair needs two nodes",
			word);
		return -EINVAL;
	}
	for (size_t a = 0; a < from_count; a++)
		for (size_t b = 0; r == 0 && b < to_count; b++)
			if (from[a] != to[b])
				r = add_claim(c,
					      (struct port_key) {from[a], to[b], PORT_HOP_PATH,
								 class, 0, 0},
					      fault);
	return r;
}

/* With a class, a node means all paths to and from it. */
static int claim_class(struct composer *c, const char *word, uint8_t class, int fault)
{
	auto_free uint16_t *nodes = NULL;
	size_t count = 0;
	int r = expand(c, word, &nodes, &count);

	if (r == 0)
		r = refuse_cables(c, nodes, count, "and treats all classes alike");
	for (size_t i = 0; r == 0 && i < count; i++)
		for (uint16_t other = 0; r == 0 && other < PORT_NODES; other++) {
			if (!policy_node_name(c->policy, other) || other == nodes[i])
				continue;
			r = add_claim(
				c, (struct port_key) {nodes[i], other, PORT_HOP_PATH, class, 0, 0},
				fault);
			if (r == 0)
				r = add_claim(c,
					      (struct port_key) {other, nodes[i], PORT_HOP_PATH,
								 class, 0, 0},
					      fault);
		}
	return r;
}

/* With a class, that of LACP, only these frames of the link. */
static int claim_links(struct composer *c, char *word, uint16_t vlan, uint8_t class, int fault)
{
	auto_free uint16_t *nodes = NULL;
	char *slash = strchr(word, '/');
	size_t count = 0;
	bool any = false;
	int r;

	if (slash)
		*slash = 0;
	r = expand(c, word, &nodes, &count);
	if (slash)
		*slash = '/';
	if (r == 0)
		r = class ? refuse_cables(c, nodes, count, "and treats all classes alike") :
		    c->effects[fault].conditions.has & PORT_HAS_HOLD ?
			    refuse_cables(c, nodes, count, "and cannot hold packets") :
			    0;
	for (size_t i = 0; r == 0 && vlan && i < count; i++) {
		any = true;
		r = add_claim(c, (struct port_key) {nodes[i], vlan, PORT_HOP_VLAN, 0, 0, 0}, fault);
	}
	for (size_t i = 0; r == 0 && !vlan && i < c->model->link_count; i++) {
		uint16_t number = policy_link(c->policy, i);
		bool named = false;
		struct mark mark;

		for (size_t n = 0; number && n < count; n++)
			named |= policy_link_node(c->policy, number) == nodes[n];
		if (!named || !mark_parse(c->model->links[i].alias, &mark) || !mark.iface ||
		    (slash && strcmp(mark.iface, slash + 1) != 0))
			continue;
		any = true;
		r = add_claim(c, (struct port_key) {number, 0, PORT_HOP_UP, class, 0, 0}, fault);
		if (r == 0)
			r = add_claim(c, (struct port_key) {0, number, PORT_HOP_DOWN, class, 0, 0},
				      fault);
	}
	if (r == 0 && !any) {
		r = err_set(c->err, NETSIM_ERR_USAGE, -ENOENT, NULL, "%s has no port", word);
		if (slash && !target_hint_port(c->model, word, c->err))
			err_hint(c->err,
				 "a VLAN can be cut off: netsim partition %s; or held, alone: "
				 "netsim fault hold %s",
				 word, word);
	}
	return r;
}

/* LACP frames pass one cable, and no pair of nodes. */
static int claim_lacp(struct composer *c, char *word, uint8_t class, int fault)
{
	if (!strchr(word, ':'))
		return claim_links(c, word, 0, class, fault);
	err_set(c->err, NETSIM_ERR_USAGE, -EINVAL, NULL, "%s: LACP frames pass no pair of nodes",
		word);
	err_hint(c->err, "name a node, or one of its interfaces");
	return -EINVAL;
}

static int claim_target(struct composer *c, char *word, const struct port_fault *fault, int place)
{
	bool any = false;
	int r = 0;

	if (!*fault->class)
		return strchr(word, ':') ? claim_pairs(c, word, 0, place) :
					   claim_links(c, word, fault->link.vlan, 0, place);
	for (uint8_t class = 1; r == 0 && class < PORT_CLASSES; class ++) {
		const char *name = policy_class_in(c->policy, c->slot, class);

		if (!name || !class_matches_name(name, fault->class))
			continue;
		/* The classes of a family share one rate: all use the rate clock of the first. */
		if (!any && strcmp(name, fault->class) != 0)
			c->effects[place].conditions.rate_class = class;
		any = true;
		r = policy_class_names_lacp(c->policy, c->slot, class) ?
			    claim_lacp(c, word, class, place) :
		    strchr(word, ':') ? claim_pairs(c, word, class, place) :
					claim_class(c, word, class, place);
	}
	if (r == 0 && !any)
		return err_set(c->err, NETSIM_ERR_USAGE, -ENOENT, NULL, "there is no class %s",
			       fault->class);
	return r;
}

static int claim_fault(struct composer *c, const struct port_fault *fault, int place)
{
	char words[sizeof(fault->targets)];
	int r = 0;

	snprintf(words, sizeof(words), "%s", fault->targets);
	for (char *save, *word = strtok_r(words, " ", &save); r == 0 && word;
	     word = strtok_r(NULL, " ", &save)) {
		r = claim_target(c, word, fault, place);
		if (r != -ENOENT || !c->skips_missing)
			continue;
		*c->err = (struct netsim_err) {0};
		r = 0;
	}
	return r;
}

static void read_link_fault(const struct port_fault *fault, struct port_conditions *ret)
{
	*ret = (struct port_conditions) {.has = PORT_HAS_DOWN,
					 .down_start = fault->start,
					 .down_period = fault->link.period,
					 .down_after = fault->link.up};
}

static int read_fault(struct composer *c, const struct port_fault *fault, int place)
{
	struct fault_effect *effect = &c->effects[place];
	auto_free struct edt_compiler *compiler = calloc(1, sizeof(*compiler));
	struct conditions conditions;
	int r;

	if (!compiler)
		return err_oom(c->err);
	compiler->policy = c->policy;
	compiler->seed = fault->start ^ fault->id; /* the same each time it is recomputed */
	*effect = (struct fault_effect) {
		.used = true, .deadline = fault->deadline, .id = fault->id, .l2 = fault->l2 != 0};
	if (fault->kind == PORT_FAULT_LINK) {
		read_link_fault(fault, &effect->conditions);
		return 0;
	}
	r = conditions_parse(fault->conditions, &conditions, c->err);
	return r == 0 ? edt_compile(&conditions, compiler, &effect->conditions, c->err) : r;
}

static bool is_composed(const struct port_fault *fault)
{
	return policy_alive(fault) &&
	       (fault->kind == PORT_FAULT_CONDITIONS || fault->kind == PORT_FAULT_LINK);
}

static int read_base(const struct composer *c, const struct port_key *key,
		     struct port_conditions *ret)
{
	struct port_key any = {PORT_ANY, PORT_ANY, PORT_HOP_PATH, key->class, 0, 0};
	struct port_key all = *key;
	struct port_conditions class = {0};

	*ret = (struct port_conditions) {0};
	if (policy_base_at(c->policy, c->slot, *key, ret) == 0 || !key->class)
		return 0;
	all.class = 0;
	(void)policy_base_at(c->policy, c->slot, all, ret);
	if (policy_base_at(c->policy, c->slot, any, &class) == 0)
		edt_merge(ret, &class);
	return 0;
}

static int refuse_jitter(const struct composer *c)
{
	err_set(c->err, NETSIM_ERR_USAGE, -EINVAL, NULL, "jitter: there is no delay to vary");
	err_hint(c->err, "add a delay");
	return -EINVAL;
}

static int refuse_peak(const struct composer *c, const struct port_conditions *sum)
{
	char peak[UNIT_TEXT], rate[UNIT_TEXT];

	if (!sum->rate || !(sum->has & PORT_HAS_BURST)) {
		err_set(c->err, NETSIM_ERR_USAGE, -EINVAL, NULL, "peak: there is no %s to limit",
			sum->rate ? "burst" : "rate and burst");
		err_hint(c->err, "add a %s", sum->rate ? "burst" : "rate and a burst");
		return -EINVAL;
	}
	unit_format_rate((struct rate) {sum->peak * 8}, peak);
	unit_format_rate((struct rate) {sum->rate * 8}, rate);
	err_set(c->err, NETSIM_ERR_USAGE, -EINVAL, NULL, "peak: %s is not more than the rate, %s",
		peak, rate);
	err_hint(c->err, "add a peak above the rate");
	return -EINVAL;
}

static int add_layer(struct composer *c, struct port_key key, uint8_t layer,
		     struct port_conditions *conditions, uint64_t deadline)
{
	struct policy_entry *entry = array_push(c->result.entries, c->result.count);
	uint64_t longest;

	if (!entry)
		return err_oom(c->err);
	if (!c->result.lenient && conditions->has & PORT_HAS_JITTER && conditions->jitter &&
	    !(conditions->has & PORT_HAS_DELAY) && !(conditions->trace_has & PORT_HAS_DELAY))
		return refuse_jitter(c);
	if (!c->result.lenient && conditions->has & PORT_HAS_PEAK && !edt_has_peak(conditions))
		return refuse_peak(c, conditions);
	edt_finish(conditions);
	key.layer = layer;
	entry->key = key;
	entry->conditions = *conditions;
	entry->conditions.deadline = deadline;
	c->result.delays |= edt_delays(conditions);
	c->result.corrupts |= conditions->corrupt != 0;
	/* The queue counts only with a rate; a trace may have one. */
	longest = conditions->delay +
		  (conditions->rate || conditions->trace_has ? conditions->queue : 0);
	if (longest > c->result.longest)
		c->result.longest = longest;
	return 0;
}

/* Returns the earliest deadline of these faults that is later than `after`; 0: none. */
static uint64_t next_deadline(const struct composer *c, const int *faults, size_t count,
			      uint64_t after)
{
	uint64_t next = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t deadline = c->effects[faults[i]].deadline;

		if (deadline > after && (!next || deadline < next))
			next = deadline;
	}
	return next;
}

/* Merges the faults of one hop: one layer for each time span between deadlines. */
static int compose(struct composer *c, struct port_key key, const int *faults, size_t count)
{
	struct port_key profile = key;
	struct port_conditions base;
	uint64_t begin = 0;
	int r;

	profile.class &= (uint8_t)~PORT_CLASS_RESOLVES;
	r = read_base(c, &profile, &base);

	for (uint8_t layer = 1; r == 0; layer++) {
		uint64_t deadline = next_deadline(c, faults, count, begin);
		struct port_conditions sum = base;
		bool any = false;

		for (size_t i = 0; i < count; i++) {
			const struct fault_effect *effect = &c->effects[faults[i]];

			if (effect->deadline && effect->deadline <= begin)
				continue;
			edt_merge(&sum, &effect->conditions);
			sum.faults |= effect->conditions.has;
			any = true;
		}
		if (!any)
			return 0;
		if (layer > PORT_LAYERS) {
			err_set(c->err, NETSIM_ERR_USAGE, -ENOSPC, NULL,
				"more than %d faults with different deadlines affect one hop",
				PORT_LAYERS);
			err_hint(c->err, "heal some of them first");
			return -ENOSPC;
		}
		r = add_layer(c, key, layer, &sum, deadline);
		if (!deadline)
			return r;
		begin = deadline;
	}
	return r;
}

static int compare_claims(const void *x, const void *y)
{
	const struct fault_claim *a = x, *b = y;
	const struct port_key *ka = &a->key, *kb = &b->key;

	if (ka->hop != kb->hop)
		return ka->hop - kb->hop;
	if (ka->from != kb->from)
		return ka->from < kb->from ? -1 : 1;
	if (ka->to != kb->to)
		return ka->to < kb->to ? -1 : 1;
	return 0;
}

static int compare_ids(const void *x, const void *y, void *arg)
{
	const struct composer *c = arg;
	uint32_t a = c->effects[*(const int *)x].id, b = c->effects[*(const int *)y].id;

	return a < b ? -1 : a > b;
}

/*
 * Merges the faults of one class on one hop: those that name it, and those without a class.
 * On a path, those that affect address resolution are merged once more, without the others:
 * these overlays are for packets that resolve addresses.
 */
static int compose_class(struct composer *c, const struct fault_claim *claims, size_t count,
			 uint8_t class)
{
	struct port_key key = claims[0].key;
	bool named[PORT_FAULTS] = {0}, l2[PORT_FAULTS] = {0};
	int faults[PORT_FAULTS], resolving[PORT_FAULTS], r;
	size_t n = 0, m = 0;

	key.class = class;
	for (size_t i = 0; i < count; i++) {
		int fault = claims[i].fault;

		if (claims[i].key.class != 0 && claims[i].key.class != class)
			continue;
		named[fault] = true;
		l2[fault] |=
			c->effects[fault].l2 || (claims[i].key.class == class &&
						 policy_class_names_arp(c->policy, c->slot, class));
	}
	for (int i = 0; i < PORT_FAULTS; i++)
		if (named[i]) {
			faults[n++] = i;
			if (l2[i])
				resolving[m++] = i;
		}
	qsort_r(faults, n, sizeof(*faults), compare_ids, c);
	qsort_r(resolving, m, sizeof(*resolving), compare_ids, c);
	r = compose(c, key, faults, n);
	if (r < 0 || key.hop != PORT_HOP_PATH)
		return r;
	key.class |= PORT_CLASS_RESOLVES;
	return compose(c, key, resolving, m);
}

/*
 * Merges the claims to one hop, for each class that a fault names there. Faults without a
 * class also change classes that have conditions in the profile.
 */
static int compose_hop(struct composer *c, const struct fault_claim *claims, size_t count)
{
	bool classes[PORT_CLASSES] = {0};
	int r = 0;

	for (size_t i = 0; i < count; i++)
		classes[claims[i].key.class] = true;
	for (size_t i = 0; classes[0] && i < c->class_count; i++)
		classes[c->classes[i]] |= claims[0].key.hop == PORT_HOP_PATH;
	for (int class = 0; r == 0 && class < PORT_CLASSES; class ++)
		if (classes[class])
			r = compose_class(c, claims, count, (uint8_t) class);
	return r;
}

/*
 * Finds the classes that have conditions for all pairs in the profile: on a machine, for all that
 * it sends, also to the host.
 */
static void find_classes(struct composer *c)
{
	int machine = model_machine(c->model);
	uint16_t from = PORT_ANY, to = machine < 0 ? PORT_ANY : POLICY_HOST;
	struct port_conditions ignored;

	if (machine >= 0)
		from = (uint16_t)policy_node(c->policy, c->model->nodes[machine].name);

	for (uint8_t class = 1; class < PORT_CLASSES; class ++) {
		struct port_key key = {from, to, PORT_HOP_PATH, class, 0, 0};

		if (policy_base_at(c->policy, c->slot, key, &ignored) == 0)
			c->classes[c->class_count++] = class;
	}
}

static int compose_all(struct composer *c)
{
	int r = 0;

	if (c->claim_count)
		qsort(c->claims, c->claim_count, sizeof(*c->claims), compare_claims);
	for (size_t i = 0, next; r == 0 && i < c->claim_count; i = next) {
		next = i + 1;
		while (next < c->claim_count &&
		       compare_claims(&c->claims[i], &c->claims[next]) == 0)
			next++;
		r = compose_hop(c, &c->claims[i], next - i);
	}
	return r;
}

int fault_overlays(const struct policy *policy, const struct port_slot *slot,
		   const struct model *model, struct overlays *ret, struct netsim_err *err)
{
	struct netsim_err why = {0};
	struct composer c = {
		.policy = policy, .slot = slot, .model = model, .skips_missing = true, .err = &why};
	int r = 0;

	c.result.lenient = ret->lenient;
	find_classes(&c);
	for (int i = 0; r == 0 && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &slot->faults[i];

		if (!is_composed(fault))
			continue;
		r = read_fault(&c, fault, i);
		if (r == 0)
			r = claim_fault(&c, fault, i);
	}
	if (r == 0)
		r = compose_all(&c);
	free(c.claims);
	if (r < 0)
		free(c.result.entries);
	else
		*ret = c.result;
	if (r < 0 && err)
		*err = why;
	return r;
}

int fault_check(const struct policy *policy, const struct port_fault *fault,
		const struct model *model, bool *ret_link, struct netsim_err *err)
{
	struct composer c = {
		.policy = policy, .slot = policy_slot(policy), .model = model, .err = err};
	int r = read_fault(&c, fault, 0);

	if (r == 0)
		r = claim_fault(&c, fault, 0);
	*ret_link = false;
	for (size_t i = 0; i < c.claim_count; i++)
		*ret_link |= c.claims[i].key.hop != PORT_HOP_PATH;
	free(c.claims);
	return r;
}

/*
 * Only the programs can merge conditions of links, or delays, with a profile. Sizes and holding
 * need no merging: netem has neither.
 */
int fault_needs_edt(const struct policy *policy, const struct port_fault *fault,
		    const struct model *model, bool *ret, struct netsim_err *err)
{
	const uint32_t delaying =
		1U << COND_RATE | 1U << COND_DELAY | 1U << COND_JITTER | 1U << COND_SLOT;
	struct conditions c;
	bool links = false;
	int r = fault_check(policy, fault, model, &links, err);

	*ret = r == 0 && fault->kind == PORT_FAULT_CONDITIONS &&
	       conditions_parse(fault->conditions, &c, NULL) == 0 &&
	       c.has & (links ? ~(1U << COND_LARGER | 1U << COND_HOLD) : delaying);
	return r;
}

static void describe_link(const struct port_fault *fault, char *buf, size_t size)
{
	char period[UNIT_TEXT], up[UNIT_TEXT];

	if (fault->link.period)
		snprintf(buf, size, "link %s flaps, up %s of every %s", fault->targets,
			 unit_format_duration((struct duration) {(int64_t)fault->link.up}, up),
			 unit_format_duration((struct duration) {(int64_t)fault->link.period},
					      period));
	else if (fault->link.vlan)
		snprintf(buf, size, "link %s down vlan %u", fault->targets, fault->link.vlan);
	else
		snprintf(buf, size, "link %s down", fault->targets);
}

void fault_describe(const struct port_fault *fault, char *buf, size_t size)
{
	if (fault->kind == PORT_FAULT_LINK)
		describe_link(fault, buf, size);
	else
		snprintf(buf, size, "%s on %s%s%s%s", fault->conditions, fault->targets,
			 *fault->class ? ", class " : "", fault->class, fault->l2 ? ", l2" : "");
}
