/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/policy/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/policy/policy_parts.h"
#include "netsim/util/array.h"

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
		   kind == PORT_FAULT_RING    ? "ring " :
						"partition ");
	for (size_t g = 0; g < count; g++) {
		if (g)
			append(&t, kind == PORT_FAULT_ONE_WAY ? " -> " : " | ");
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

static bool collect(const struct policy *policy, uint64_t bit, bool cut, struct policy_group *ret)
{
	const struct port_node *nodes = policy_nodes(policy);

	for (int i = 0; i < policy_end(policy); i++) {
		uint64_t bits = cut ? nodes[i].cut : nodes[i].member;
		uint16_t *slot;

		if (!(bits & bit))
			continue;
		slot = array_push(ret->nodes, ret->count);
		if (!slot)
			return false;
		*slot = (uint16_t)i;
	}
	return true;
}

/* Whether two kinds of nodes, each with a bit, are not cut off from each other. */
static bool meet(const struct policy *policy, const struct policy_group *a, uint64_t bit)
{
	return a->count && !(policy_nodes(policy)[a->nodes[0]].cut & bit);
}

/* The kinds of nodes of a partition, and which of them meet: a bit for each. */
struct kinds {
	const struct policy_group *list;
	size_t count;
	uint64_t meets[PORT_BITS];
	struct policy_group groups[PORT_BITS]; /* the result */
	size_t group_count;
	bool failed;
};

static void add_group(struct kinds *k, uint64_t set)
{
	struct policy_group *group = &k->groups[k->group_count];

	if (k->group_count == PORT_BITS || k->failed)
		return;
	k->group_count++;
	for (size_t i = 0; i < k->count; i++)
		for (size_t n = 0; set >> i & 1 && n < k->list[i].count; n++) {
			uint16_t *slot = array_push(group->nodes, group->count);

			k->failed |= !slot;
			if (slot)
				*slot = k->list[i].nodes[n];
		}
}

/*
 * Finds the largest sets of kinds that all meet: the algorithm of Bron and Kerbosch. set: so far;
 * more: what can be added; done: what was, in other sets.
 */
static void find_groups(struct kinds *k, uint64_t set, uint64_t more, uint64_t done)
{
	if (!more && !done)
		add_group(k, set);
	while (more && k->group_count < PORT_BITS) {
		int i = __builtin_ctzll(more);

		find_groups(k, set | 1ULL << i, more & k->meets[i], done & k->meets[i]);
		more &= ~(1ULL << i);
		done |= 1ULL << i;
	}
}

/* Replaces the kinds of nodes, if some of them meet, by the groups that overlap in them. */
static bool join_overlaps(const struct policy *policy, uint64_t bits, struct policy_group *groups,
			  size_t *count)
{
	struct kinds k = {.list = groups, .count = *count};
	uint64_t left = bits, any = 0;

	for (size_t i = 0; i < *count; i++) {
		uint64_t bit = left & -left;

		left &= ~bit;
		for (size_t j = 0; j < *count; j++)
			k.meets[j] |= j != i && meet(policy, &groups[j], bit) ? 1ULL << i : 0;
	}
	for (size_t i = 0; i < *count; i++)
		any |= k.meets[i];
	if (!any)
		return true;
	find_groups(&k, 0, *count == PORT_BITS ? ~0ULL : (1ULL << *count) - 1, 0);
	for (size_t i = 0; i < *count; i++)
		free(groups[i].nodes);
	memcpy(groups, k.groups, sizeof(k.groups));
	*count = k.group_count;
	return !k.failed;
}

void policy_describe(const struct policy *policy, const struct port_fault *fault, char *buf,
		     size_t size)
{
	struct policy_group groups[PORT_BITS] = {0};
	uint64_t left = fault->bits;
	size_t count = 0;
	bool good = true;

	while (left && good) {
		uint64_t bit = left & -left;

		left &= ~bit;
		if (fault->kind == PORT_FAULT_RING) {
			/* Each bit cuts off one node, in the order of the ring. */
			count = 1;
			good = collect(policy, bit, true, &groups[0]);
			continue;
		}
		good = collect(policy, bit, false, &groups[count++]);
		if (good && fault->kind == PORT_FAULT_ONE_WAY)
			good = collect(policy, bit, true, &groups[count++]);
	}
	if (good && fault->kind == PORT_FAULT_GROUPS)
		good = join_overlaps(policy, fault->bits, groups, &count);
	if (good) {
		policy_describe_groups(policy, fault->kind, groups, count, buf, size);
		policy_describe_limits(
			&(struct policy_limits) {.class = fault->class,
						 .vlan = fault->link.vlan,
						 .l2 = fault->l2 &&
						       (fault->kind == PORT_FAULT_ONE_WAY ||
							fault->kind == PORT_FAULT_RING ||
							fault->reject),
						 .reject = fault->reject},
			buf, size);
	} else
		snprintf(buf, size, "partition");
	for (size_t i = 0; i < count; i++)
		free(groups[i].nodes);
}
