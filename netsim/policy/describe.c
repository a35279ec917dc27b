/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/policy/describe.h"

#include <stdio.h>
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

void policy_describe_limits(const char *class, uint16_t vlan, bool l2, char *buf, size_t size)
{
	size_t used = strlen(buf);

	if (class && *class && used < size)
		used += (size_t)snprintf(buf + used, size - used, ", class %s", class);
	if (vlan && used < size)
		used += (size_t)snprintf(buf + used, size - used, ", VLAN %u", vlan);
	if (l2 && used < size)
		snprintf(buf + used, size - used, ", l2");
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
	if (good) {
		policy_describe_groups(policy, fault->kind, groups, count, buf, size);
		policy_describe_limits(fault->class, fault->link.vlan,
				       fault->l2 && (fault->kind == PORT_FAULT_ONE_WAY ||
						     fault->kind == PORT_FAULT_RING),
				       buf, size);
	} else
		snprintf(buf, size, "partition");
	for (size_t i = 0; i < count; i++)
		free(groups[i].nodes);
}
