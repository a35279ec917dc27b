/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/edt_base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/kernel/mark.h"
#include "netsim/shape/edt.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

/* An entry of `pairs:` that applies to one directed pair of nodes. */
struct pair_claim {
	uint16_t from, to; /* indices in ends[] */
	int level;	   /* specificity of the entry */
	size_t order;	   /* position of the entry in the file */
	const struct conditions *conditions;
};

/* A node or the host as an end of paths; number is the policy's. */
struct path_end {
	const char *name;
	const char *const *roles;
	size_t role_count;
	uint16_t number;
};

struct maker {
	const struct intent *intent;
	const struct profile *profile; /* of the whole fleet, or NULL */
	const struct model *model;
	const struct policy *policy;
	const struct class_set *classes;
	struct edt_compiler compiler;
	struct path_end *ends;
	size_t end_count;
	uint16_t *by_name; /* indices of ends[], sorted by name */
	struct pair_claim *claims;
	size_t claim_count;
	struct edt_base base;
	struct netsim_err *err;
};

void edt_base_done(struct edt_base *base)
{
	free(base->policy.entries);
	free(base->policy.tables);
	free(base->policy.rows);
	*base = (struct edt_base) {0};
}

static int add_entry(struct maker *m, struct port_key key, const struct port_conditions *c)
{
	struct policy_entry *entry = array_push(m->base.policy.entries, m->base.policy.count);

	if (!entry)
		return err_oom(m->err);
	entry->key = key;
	entry->conditions = *c;
	edt_finish(&entry->conditions);
	m->base.delays |= edt_delays(&entry->conditions);
	m->base.corrupts |= entry->conditions.corrupt != 0;
	return 0;
}

static int add_compiled(struct maker *m, struct port_key key, const struct conditions *c)
{
	struct port_conditions compiled;
	int r;

	if (!c->has)
		return 0;
	r = edt_compile(c, &m->compiler, &compiled, m->err);
	return r == 0 ? add_entry(m, key, &compiled) : r;
}

static int add_links(struct maker *m)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->model->link_count; i++) {
		uint16_t number = policy_link(m->policy, i);
		struct link_conditions c;
		struct mark mark;
		int n;

		if (!number || !mark_parse(m->model->links[i].alias, &mark) || !mark.iface)
			continue;
		n = model_find_node(m->model, mark.node);
		if (n < 0)
			continue;
		r = intent_port(m->intent, &m->model->nodes[n], mark.iface, &c, m->err);
		if (r == 0)
			r = add_compiled(m, (struct port_key) {.from = number, .hop = PORT_HOP_UP},
					 &c.up);
		if (r == 0)
			r = add_compiled(m, (struct port_key) {.to = number, .hop = PORT_HOP_DOWN},
					 &c.down);
	}
	return r;
}

static int compare_names(const void *a, const void *b, void *ends)
{
	const struct path_end *list = ends;

	return strcmp(list[*(const uint16_t *)a].name, list[*(const uint16_t *)b].name);
}

static int list_ends(struct maker *m)
{
	size_t n = m->model->node_count + 1;

	m->ends = calloc(n, sizeof(*m->ends));
	m->by_name = calloc(n, sizeof(*m->by_name));
	if (!m->ends || !m->by_name)
		return err_oom(m->err);
	m->ends[0] = (struct path_end) {.name = "host", .number = POLICY_HOST};
	for (size_t i = 1; i < n; i++) {
		const struct model_node *node = &m->model->nodes[i - 1];

		m->ends[i] = (struct path_end) {node->name, (const char *const *)node->roles,
						node->role_count, 0};
	}
	for (size_t i = 1; i < n; i++)
		if (m->model->nodes[i - 1].peer)
			m->ends[i].number = (uint16_t)policy_node(m->policy, m->ends[i].name);
	/* Take the numbers from the ports: a search by name for each node would be slow. */
	for (size_t i = 0; i < m->model->link_count; i++) {
		struct mark mark;
		int node;

		if (!policy_link(m->policy, i) || !mark_parse(m->model->links[i].alias, &mark) ||
		    !mark.node)
			continue;
		node = model_find_node(m->model, mark.node);
		if (node >= 0)
			m->ends[node + 1].number =
				policy_link_node(m->policy, policy_link(m->policy, i));
	}
	m->end_count = n;
	for (size_t i = 0; i < n; i++)
		m->by_name[i] = (uint16_t)i;
	qsort_r(m->by_name, n, sizeof(*m->by_name), compare_names, m->ends);
	return 0;
}

/* The index of a plain name in ends[], or -1. */
static int find_end(const struct maker *m, const char *name)
{
	size_t low = 0, high = m->end_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, m->ends[m->by_name[middle]].name);

		if (order == 0)
			return m->by_name[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

/* Specificity, as in a profile's `nodes:`: @role 1, pattern 2, name 3. */
static int level_of(const char *pattern)
{
	return *pattern == '@' ? 1 : name_is_pattern(pattern) ? 2 : 3;
}

/* Appends the ends that a name, pattern or @role matches; patterns never match the host. */
static int expand(const struct maker *m, const char *pattern, uint16_t **ret, size_t *count)
{
	uint16_t *slot;

	if (level_of(pattern) == 3) {
		int end = find_end(m, pattern);

		if (end < 0)
			return 0;
		slot = array_push(*ret, *count);
		if (slot)
			*slot = (uint16_t)end;
		return slot ? 0 : -ENOMEM;
	}
	for (size_t i = 1; i < m->end_count; i++) {
		if (!name_match(pattern, m->ends[i].name, m->ends[i].roles, m->ends[i].role_count))
			continue;
		slot = array_push(*ret, *count);
		if (!slot)
			return -ENOMEM;
		*slot = (uint16_t)i;
	}
	return 0;
}

/*
 * A path has two ends: if each machine applied its conditions to both directions, they would hold
 * twice. So a machine applies them to what it sends.
 */
static bool is_judged_here(const struct maker *m, size_t from)
{
	int machine = model_machine(m->model);

	return machine < 0 || (int)from == machine + 1;
}

static int claim(struct maker *m, uint16_t from, uint16_t to, int level, size_t order,
		 const struct conditions *c)
{
	struct pair_claim *slot;

	if (from == to || (!m->ends[from].number && from) || (!m->ends[to].number && to) ||
	    !is_judged_here(m, from))
		return 0;
	if (m->claim_count >= PORT_CONDITIONS / 2) {
		err_set(m->err, NETSIM_ERR_INPUT, -E2BIG, &m->profile->pairs[order].at,
			"the pairs match more than %d directed pairs of nodes",
			PORT_CONDITIONS / 2);
		err_hint(m->err,
			 "move conditions that apply to many nodes into `nodes` or `default`");
		return -E2BIG;
	}
	slot = array_push(m->claims, m->claim_count);
	if (!slot)
		return err_oom(m->err);
	*slot = (struct pair_claim) {from, to, level, order, c};
	return 0;
}

static bool contains(const uint16_t *list, size_t count, uint16_t end)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == end)
			return true;
	return false;
}

static int claim_pair(struct maker *m, size_t order)
{
	const struct profile_pair *pair = &m->profile->pairs[order];
	int level = level_of(pair->from) + level_of(pair->to), r;
	auto_free uint16_t *from = NULL, *to = NULL;
	size_t from_count = 0, to_count = 0;

	r = expand(m, pair->from, &from, &from_count);
	if (r == 0)
		r = expand(m, pair->to, &to, &to_count);
	if (r < 0)
		return err_oom(m->err);
	for (size_t a = 0; a < from_count; a++)
		for (size_t b = 0; r == 0 && b < to_count; b++) {
			r = claim(m, from[a], to[b], level, order, &pair->conditions.up);
			/* If both ends match both nodes, the loop adds the other direction itself.
			 */
			if (r < 0 || !pair->both ||
			    (contains(from, from_count, to[b]) && contains(to, to_count, from[a])))
				continue;
			r = claim(m, to[b], from[a], level, order, &pair->conditions.down);
		}
	return r;
}

static int compare_claims(const void *x, const void *y)
{
	const struct pair_claim *a = x, *b = y;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	if (a->level != b->level)
		return a->level - b->level;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Merges all claims to one pair, the least specific first, into one entry. */
static int merge_claims(struct maker *m, size_t first, size_t end)
{
	const struct path_end *from = &m->ends[m->claims[first].from],
			      *to = &m->ends[m->claims[first].to];
	struct port_key key = {.from = from->number, .to = to->number, .hop = PORT_HOP_PATH};
	struct conditions sum = {0};
	char subject[160];
	int r;

	for (size_t i = first; i < end; i++)
		conditions_merge(&sum, m->claims[i].conditions);
	snprintf(subject, sizeof(subject), "%s to %s", from->name, to->name);
	r = conditions_check(&sum, subject, "", m->err);
	return r == 0 ? add_compiled(m, key, &sum) : r;
}

static int add_pairs(struct maker *m)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->profile->pair_count; i++)
		r = claim_pair(m, i);
	if (r < 0 || !m->claim_count)
		return r;
	qsort(m->claims, m->claim_count, sizeof(*m->claims), compare_claims);
	for (size_t i = 0, next; r == 0 && i < m->claim_count; i = next) {
		next = i + 1;
		while (next < m->claim_count && m->claims[next].from == m->claims[i].from &&
		       m->claims[next].to == m->claims[i].to)
			next++;
		r = merge_claims(m, i, next);
	}
	return r;
}

/*
 * Merges the conditions of a class: those of its family first, then its own. The classes
 * of a family share the family's rate: all use the rate clock of the first.
 */
static int compile_class(struct maker *m, size_t at, struct port_conditions *ret)
{
	const char *name = m->classes->list[at].name;
	size_t first;
	int r = 0;

	*ret = (struct port_conditions) {0};
	for (int exact = 0; exact <= 1; exact++)
		for (size_t i = 0; r == 0 && i < m->profile->class_count; i++) {
			const struct profile_class *class = &m->profile->classes[i];
			struct port_conditions more;

			if (!class_matches_name(name, class->name) ||
			    (strcmp(name, class->name) == 0) != exact)
				continue;
			first = 0;
			while (!class_matches_name(m->classes->list[first].name, class->name))
				first++;
			r = conditions_check(&class->conditions, class->name, "", m->err);
			if (r == 0)
				r = edt_compile(&class->conditions, &m->compiler, &more, m->err);
			more.rate_class = exact ? 0 : (uint32_t)first + 1;
			if (r == 0)
				edt_merge(ret, &more);
		}
	return r;
}

static bool has_entry(const struct maker *m, size_t first, size_t end, uint16_t to)
{
	for (size_t i = first; i < end; i++)
		if (m->base.policy.entries[i].key.to == to)
			return true;
	return false;
}

/* Adds the entries of a class for what a machine sends, where the pair has no conditions. */
static int add_sent(struct maker *m, struct port_key key, const struct port_conditions *own,
		    size_t pairs_first, size_t pairs_end)
{
	size_t self = (size_t)model_machine(m->model) + 1;
	int r = 0;

	key.from = m->ends[self].number;
	for (size_t to = 0; r == 0 && to < m->end_count; to++) {
		key.to = m->ends[to].number;
		if (to != self && !has_entry(m, pairs_first, pairs_end, key.to))
			r = add_entry(m, key, own);
	}
	return r;
}

/* A class has its own rate, but the burst and the peak of a pair. */
static int refuse_peak(const struct maker *m, size_t at)
{
	err_set(m->err, NETSIM_ERR_INPUT, -EINVAL, profile_find(m->profile, COND_PEAK),
		"peak: it is not more than the rate of %s", m->classes->list[at].name);
	err_hint(m->err, "give the class a burst and a peak of its own");
	return -EINVAL;
}

/* Adds the entries of a class: one for all pairs, and one for each pair with conditions. */
static int add_class(struct maker *m, size_t at, size_t pairs_first, size_t pairs_end)
{
	struct port_key key = {PORT_ANY, PORT_ANY, PORT_HOP_PATH, (uint8_t)(at + 1), 0, 0};
	struct port_conditions own;
	int r = compile_class(m, at, &own);

	if (r < 0 || !own.has)
		return r;
	r = model_machine(m->model) < 0 ? add_entry(m, key, &own) :
					  add_sent(m, key, &own, pairs_first, pairs_end);
	for (size_t i = pairs_first; r == 0 && i < pairs_end; i++) {
		struct port_conditions both = m->base.policy.entries[i].conditions;

		key = m->base.policy.entries[i].key;
		key.class = (uint8_t)(at + 1);
		edt_merge(&both, &own);
		if (both.has & PORT_HAS_PEAK && !edt_has_peak(&both))
			return refuse_peak(m, at);
		r = add_entry(m, key, &both);
	}
	return r;
}

static int add_paths(struct maker *m)
{
	size_t first = m->base.policy.count, end;
	int r;

	if (!m->profile || !profile_has_paths(m->profile))
		return 0;
	r = list_ends(m);
	if (r == 0)
		r = add_pairs(m);
	end = m->base.policy.count;
	for (size_t i = 0; r == 0 && m->profile->class_count && i < m->classes->count; i++)
		r = add_class(m, i, first, end);
	return r;
}

int edt_base_make(const struct edt_base_input *input, struct edt_base *ret, struct netsim_err *err)
{
	/* On the heap: it is too large for the stack of some threads. */
	auto_free struct maker *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return err_oom(err);
	m->intent = input->intent;
	m->profile = intent_whole(input->intent);
	m->model = input->model;
	m->policy = input->policy;
	m->classes = input->classes;
	m->compiler.policy = input->policy;
	m->compiler.now = input->now;
	m->compiler.seed = input->seed;
	m->err = err;
	r = add_links(m);
	if (r == 0)
		r = add_paths(m);
	if (r == 0)
		r = edt_copy_tables(&m->compiler, &m->base.policy, err);
	free(m->ends);
	free(m->by_name);
	free(m->claims);
	if (r < 0)
		edt_base_done(&m->base);
	else
		*ret = m->base;
	return r;
}
