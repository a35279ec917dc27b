/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/policy/describe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/policy/bits.h"
#include "netsim/policy/policy_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

/* A text buffer; text that does not fit is truncated with "...". */
struct text_buffer {
	char *buf;
	size_t size, used;
};

static void append(struct text_buffer *t, const char *more)
{
	size_t length = strlen(more);

	if (t->used + length + 4 > t->size) {
		if (t->used + 4 <= t->size)
			strcpy(t->buf + t->used, "...");
		t->used = t->size;
		return;
	}
	memcpy(t->buf + t->used, more, length + 1);
	t->used += length;
}

static void append_group(struct text_buffer *t, const struct policy *policy,
			 const struct policy_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		const char *name = policy->names[group->nodes[i]];

		if (i)
			append(t, ",");
		append(t, name ? name : "(gone)");
	}
}

void policy_describe_groups(const struct policy *policy, enum port_fault_kind kind,
			    const struct policy_group *groups, size_t count, char *buf, size_t size)
{
	struct text_buffer t = {buf, size, 0};

	append(&t, kind == PORT_FAULT_ISOLATE ? "isolate " :
		   kind == PORT_FAULT_ONE_WAY ? "one-way " :
		   kind == PORT_FAULT_MATRIX  ? "matrix " :
		   kind == PORT_FAULT_RING    ? "ring " :
						"partition ");
	for (size_t g = 0; g < count; g++) {
		if (g)
			append(&t, policy_has_pairs(kind) && g % 2 ? " -> " : " | ");
		if (kind == PORT_FAULT_REST && g == count - 1)
			append(&t, "rest");
		else
			append_group(&t, policy, &groups[g]);
	}
}

void policy_describe_limits(const struct policy_limits *limits, char *buf, size_t size)
{
	size_t used = strlen(buf);

	if (limits->class && *limits->class && used < size)
		used += (size_t)snprintf(buf + used, size - used, ", class %s", limits->class);
	if (limits->vlan && used < size)
		used += (size_t)snprintf(buf + used, size - used, ", VLAN %u", limits->vlan);
	if (used < size)
		snprintf(buf + used, size - used, "%s%s", limits->l2 ? ", l2" : "",
			 limits->reject ? ", reject" : "");
}

static bool collect(const struct policy *policy, int bit, bool cut, struct policy_group *ret)
{
	const struct port_node *nodes = policy_nodes(policy);

	for (int i = 0; i < policy_end(policy); i++) {
		const struct port_bits *bits = cut ? &nodes[i].cut : &nodes[i].member;
		uint16_t *slot;

		if (!bits_has(bits, bit))
			continue;
		slot = array_push(ret->nodes, ret->count);
		if (!slot)
			return false;
		*slot = (uint16_t)i;
	}
	return true;
}

/* Whether two kinds of nodes, each with a bit, are not cut off from each other. */
static bool meet(const struct policy *policy, const struct policy_group *a, int bit)
{
	return a->count && !bits_has(&policy_nodes(policy)[a->nodes[0]].cut, bit);
}

/* The kinds of nodes of a partition, and which of them meet: a bit for each. */
struct kinds {
	const struct policy_group *list;
	size_t count;
	struct port_bits meets[PORT_BITS];
	struct policy_group groups[PORT_BITS]; /* the result */
	size_t group_count;
	unsigned steps; /* left; without a limit, a search among many kinds has no end */
	bool failed;
};

#define MOST_STEPS 20000

static void add_group(struct kinds *k, const struct port_bits *set)
{
	struct policy_group *group = &k->groups[k->group_count];

	if (k->group_count == PORT_BITS) {
		k->failed = true;
		return;
	}
	k->group_count++;
	bits_each (i, set)
		for (size_t n = 0; n < k->list[i].count; n++) {
			uint16_t *slot = array_push(group->nodes, group->count);

			k->failed |= !slot;
			if (slot)
				*slot = k->list[i].nodes[n];
		}
}

/* Of the kinds in two sets, the one that meets most of the first set. */
static int find_pivot(const struct kinds *k, const struct port_bits *more,
		      const struct port_bits *done)
{
	const struct port_bits all = bits_or(more, done);
	size_t most = 0;
	int best = bits_next(&all, 0);

	bits_each (i, &all) {
		const struct port_bits met = bits_and(more, &k->meets[i]);

		if (bits_count(&met) > most) {
			most = bits_count(&met);
			best = i;
		}
	}
	return best;
}

/*
 * Finds the largest sets of kinds that all meet: the algorithm of Bron and Kerbosch, with a pivot.
 * set: so far; more: what can be added; done: what was, in other sets.
 */
static void find_groups(struct kinds *k, const struct port_bits *set, struct port_bits more,
			struct port_bits done)
{
	struct port_bits turns = more;
	int pivot = find_pivot(k, &more, &done);

	if (pivot < 0)
		add_group(k, set);
	else
		bits_remove(&turns, &k->meets[pivot]);
	bits_each (i, &turns) {
		struct port_bits with = *set;

		if (k->failed || !k->steps) {
			k->failed = true;
			return;
		}
		k->steps--;
		bits_set(&with, i);
		find_groups(k, &with, bits_and(&more, &k->meets[i]), bits_and(&done, &k->meets[i]));
		bits_clear(&more, i);
		bits_set(&done, i);
	}
}

/* The host comes after the nodes. */
static int compare_nodes(const void *x, const void *y)
{
	const uint16_t *a = x, *b = y;
	int host = (*a == POLICY_HOST) - (*b == POLICY_HOST);

	return host ? host : *a - *b;
}

static int compare_groups(const void *x, const void *y)
{
	const struct policy_group *a = x, *b = y;

	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (a->nodes[i] != b->nodes[i])
			return compare_nodes(&a->nodes[i], &b->nodes[i]);
	return (a->count > b->count) - (a->count < b->count);
}

static bool overlap(const struct policy_group *groups, size_t count)
{
	bool seen[PORT_NODES] = {0};

	for (size_t g = 0; g < count; g++)
		for (size_t i = 0; i < groups[g].count; i++) {
			if (seen[groups[g].nodes[i]])
				return true;
			seen[groups[g].nodes[i]] = true;
		}
	return false;
}

void policy_sort_groups(enum port_fault_kind kind, struct policy_group *groups, size_t count)
{
	if (kind == PORT_FAULT_RING)
		return;
	for (size_t g = 0; g < count; g++)
		if (groups[g].count)
			qsort(groups[g].nodes, groups[g].count, sizeof(*groups[g].nodes),
			      compare_nodes);
	if (kind == PORT_FAULT_GROUPS && overlap(groups, count))
		qsort(groups, count, sizeof(*groups), compare_groups);
}

void policy_free_groups(struct policy_group *groups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(groups[i].nodes);
}

/*
 * Replaces the kinds of nodes, if some of them meet, by the groups that overlap in them. Returns
 * false, and leaves the kinds, if that takes too long.
 */
static bool join_overlaps(const struct policy *policy, const struct port_bits *bits,
			  struct policy_group *groups, size_t *count)
{
	auto_free struct kinds *k = calloc(1, sizeof(*k));
	struct port_bits all = {0};
	bool any = false;
	size_t i = 0;

	if (!k)
		return false;
	*k = (struct kinds) {.list = groups, .count = *count, .steps = MOST_STEPS};
	bits_each (bit, bits) {
		for (size_t j = 0; j < *count; j++)
			if (j != i && meet(policy, &groups[j], bit)) {
				bits_set(&k->meets[j], (int)i);
				any = true;
			}
		bits_set(&all, (int)i++);
	}
	if (!any)
		return true;
	find_groups(k, &(struct port_bits) {0}, all, (struct port_bits) {0});
	if (k->failed) {
		policy_free_groups(k->groups, k->group_count);
		return false;
	}
	policy_free_groups(groups, *count);
	memcpy(groups, k->groups, sizeof(k->groups));
	*count = k->group_count;
	return true;
}

/*
 * Collects the nodes of each bit of a partition and, if it is made of pairs, those that they are
 * cut off from; of a ring, one group.
 */
static bool collect_groups(const struct policy *policy, const struct port_bits *bits,
			   enum port_fault_kind kind, struct policy_group *groups, size_t *count)
{
	bool good = true;

	*count = 0;
	bits_each (bit, bits) {
		if (kind == PORT_FAULT_RING) {
			/* Each bit cuts off one node, in the order of the ring. */
			*count = 1;
			good &= collect(policy, bit, true, &groups[0]);
			continue;
		}
		good &= collect(policy, bit, false, &groups[(*count)++]);
		if (policy_has_pairs(kind))
			good &= collect(policy, bit, true, &groups[(*count)++]);
	}
	return good;
}

int policy_groups(const struct policy *policy, const struct port_fault *fault,
		  struct policy_group groups[static 2 * PORT_BITS], size_t *count, bool *ret_pairs)
{
	enum port_fault_kind kind = (enum port_fault_kind)fault->kind;
	bool good;

	memset(groups, 0, 2 * PORT_BITS * sizeof(*groups));
	good = collect_groups(policy, &fault->bits, kind, groups, count);
	if (good && kind == PORT_FAULT_GROUPS &&
	    !join_overlaps(policy, &fault->bits, groups, count)) {
		policy_free_groups(groups, *count);
		memset(groups, 0, 2 * PORT_BITS * sizeof(*groups));
		kind = PORT_FAULT_MATRIX;
		good = collect_groups(policy, &fault->bits, kind, groups, count);
	}
	policy_sort_groups(kind, groups, *count);
	*ret_pairs = policy_has_pairs(kind);
	return good ? 0 : -ENOMEM;
}

void policy_describe(const struct policy *policy, const struct port_fault *fault, char *buf,
		     size_t size)
{
	enum port_fault_kind kind = (enum port_fault_kind)fault->kind;
	struct policy_group groups[2 * PORT_BITS];
	bool spares = policy_has_pairs(kind) || kind == PORT_FAULT_RING || fault->reject, pairs;
	size_t count;

	if (policy_groups(policy, fault, groups, &count, &pairs) == 0) {
		if (pairs && kind == PORT_FAULT_GROUPS)
			kind = PORT_FAULT_MATRIX;
		policy_describe_groups(policy, kind, groups, count, buf, size);
		policy_describe_limits(&(struct policy_limits) {.class = fault->class,
								.vlan = fault->link.vlan,
								.l2 = fault->l2 && spares,
								.reject = fault->reject},
				       buf, size);
	} else {
		snprintf(buf, size, "partition");
	}
	policy_free_groups(groups, count);
}
