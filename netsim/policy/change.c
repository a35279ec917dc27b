/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of the policy: begin, commit, partitions, faults. */
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "netsim/policy/bits.h"
#include "netsim/policy/policy_parts.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"
#include "netsim/util/err.h"
#include "netsim/util/name.h"
#include "netsim/util/ring.h"

uint64_t policy_now(void)
{
	return (uint64_t)clock_ns(CLOCK_MONOTONIC);
}

const struct port_slot *policy_slot(const struct policy *p)
{
	return &p->control->slot[p->control->active & 1];
}

const struct port_node *policy_nodes(const struct policy *p)
{
	return p->nodes + (p->control->active & 1) * PORT_NODES;
}

bool policy_alive(const struct port_fault *fault)
{
	return fault->id && (!fault->deadline || policy_now() < fault->deadline);
}

bool policy_reaches(const struct policy *p, int from, int to)
{
	const struct port_slot *slot = policy_slot(p);
	const struct port_node *nodes = policy_nodes(p);
	struct port_bits hit = bits_and(&nodes[from].member, &nodes[to].cut);

	if (from == to)
		return true;
	bits_remove(&hit, &slot->filtered);
	bits_each (bit, &hit)
		if (!slot->deadline[bit] || policy_now() < slot->deadline[bit])
			return false;
	return true;
}

/*
 * Waits for an RCU grace period, which membarrier(2) provides: after it, no program
 * still uses the old value of `active`.
 */
static void wait_for_readers(void)
{
	struct timespec grace = {.tv_nsec = 50 * 1000 * 1000};

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		nanosleep(&grace, NULL); /* refused with nohz_full */
}

/* Clears a fault; adds its group bits to *freed. */
static void end_fault(struct port_fault *fault, struct port_bits *freed)
{
	bits_add(freed, &fault->bits);
	*fault = (struct port_fault) {0};
}

static void free_bits(const struct policy_change *change, const struct port_bits *bits)
{
	struct port_node *nodes = change->nodes;

	if (!bits_any(bits))
		return;
	bits_remove(&change->slot->resolving, bits);
	bits_remove(&change->slot->rejecting, bits);
	for (int i = 0; i < PORT_NODES; i++) {
		bits_remove(&nodes[i].member, bits);
		bits_remove(&nodes[i].cut, bits);
	}
}

void policy_begin(struct policy *p, struct policy_change *ret)
{
	uint32_t active = p->control->active & 1, idle = 1 - active;
	struct port_slot *slot = &p->control->slot[idle];
	struct port_node *nodes = p->nodes + idle * PORT_NODES;
	struct port_bits freed = {0};

	if (p->control->settled != p->control->active)
		wait_for_readers(); /* the last writer was killed before it waited */
	*slot = p->control->slot[active];
	memcpy(nodes, p->nodes + active * PORT_NODES, PORT_NODES * sizeof(*nodes));
	for (int i = 0; i < PORT_FAULTS; i++)
		if (!policy_alive(&slot->faults[i]))
			end_fault(&slot->faults[i], &freed);
	*ret = (struct policy_change) {slot, nodes};
	free_bits(ret, &freed);
}

/* Returns the highest fault number ever used. */
static uint32_t last_number(const struct policy *p, const struct port_slot *slot)
{
	uint32_t last = p->control->last_fault_id;

	for (int i = 0; i < PORT_FAULTS; i++)
		if (slot->faults[i].id > last)
			last = slot->faults[i].id;
	return last;
}

void policy_note_whole(const struct policy *p, struct port_slot *slot,
		       const struct port_node *nodes)
{
	memset(&slot->whole, 0xff, sizeof(slot->whole));
	for (int i = 1; i < PORT_NODES; i++) {
		const struct port_bits part = bits_or(&nodes[i].member, &nodes[i].cut);

		if (p->names[i])
			slot->whole = bits_and(&slot->whole, &part);
	}
}

static struct port_bits used_bits(const struct port_slot *slot)
{
	struct port_bits used = {0};

	for (int i = 0; i < PORT_FAULTS; i++)
		bits_add(&used, &slot->faults[i].bits);
	return used;
}

/* The classes that a fault names, as bits. */
static uint64_t classes_of(const struct policy *p, const struct port_slot *slot,
			   const struct port_fault *fault)
{
	const struct port_class_rules *rules = &p->class_rules[slot->classes & 1];
	uint64_t classes = 0;

	for (int class = 1; class < PORT_CLASSES; class ++)
		if (*rules->name[class] && class_matches_name(rules->name[class], fault->class))
			classes |= 1ULL << class;
	return classes;
}

/*
 * Limits the cuts of partitions of a class or a VLAN. A class that the rules do not have is given a
 * bit that no packet has, or the partition would cut all traffic.
 */
static void put_filters(const struct policy *p, struct port_slot *slot)
{
	slot->filtered = (struct port_bits) {0};
	for (int i = 0; i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &slot->faults[i];
		struct port_filter filter = {.vlan = fault->link.vlan};

		if (!*fault->class && !filter.vlan)
			continue;
		if (*fault->class)
			filter.classes = classes_of(p, slot, fault) | 1;
		bits_add(&slot->filtered, &fault->bits);
		bits_each (bit, &fault->bits)
			slot->filter[bit] = filter;
	}
}

/* Tells the programs how much to look at: the words in use, and whether any partition answers. */
static void note_use(struct port_slot *slot)
{
	const struct port_bits used = used_bits(slot);

	slot->words = 0;
	bits_each (bit, &used)
		slot->words = (uint32_t)bit / 64 + 1;
	slot->flags &= ~(uint32_t)PORT_FLAG_REJECTS;
	slot->flags |= bits_any(&slot->rejecting) ? PORT_FLAG_REJECTS : 0;
}

void policy_commit(struct policy *p)
{
	uint32_t next = 1 - (p->control->active & 1);

	put_filters(p, &p->control->slot[next]);
	note_use(&p->control->slot[next]);
	policy_note_whole(p, &p->control->slot[next], p->nodes + next * PORT_NODES);
	/* Numbers are used up at commit, not by changes that were refused. */
	p->control->last_fault_id = last_number(p, &p->control->slot[next]);
	__atomic_store_n(&p->control->active, next, __ATOMIC_RELEASE);
	wait_for_readers();
	__atomic_store_n(&p->control->settled, next, __ATOMIC_RELEASE);
}

/* Allocates count bits, the lowest free ones; returns false if there are too few. */
static bool take_bits(const struct port_slot *slot, size_t count, struct port_bits *ret)
{
	const struct port_bits used = used_bits(slot);

	*ret = (struct port_bits) {0};
	for (int i = 0; i < PORT_BITS && count; i++)
		if (!bits_has(&used, i)) {
			bits_set(ret, i);
			count--;
		}
	return !count;
}

/*
 * Nodes that are in the same groups are cut off from the same others: they share a bit. Groups that
 * overlap have more such kinds of nodes than groups.
 */
struct kinds {
	struct port_bits *of_node;	    /* the groups of each node */
	struct port_bits groups[PORT_BITS]; /* those of each kind, in the order of the groups */
	size_t count;
};

static int find_kinds(const struct policy_cut *cut, struct kinds *ret, struct netsim_err *err)
{
	ret->of_node = calloc(PORT_NODES, sizeof(*ret->of_node));
	if (!ret->of_node)
		return err_oom(err);
	for (size_t g = 0; g < cut->group_count && g < PORT_BITS; g++)
		for (size_t i = 0; i < cut->groups[g].count; i++)
			bits_set(&ret->of_node[cut->groups[g].nodes[i]], (int)g);
	for (size_t g = 0; g < cut->group_count; g++)
		for (size_t i = 0; i < cut->groups[g].count; i++) {
			const struct port_bits *groups = &ret->of_node[cut->groups[g].nodes[i]];
			size_t k = 0;

			while (k < ret->count && !bits_equal(&ret->groups[k], groups))
				k++;
			if (k == PORT_BITS || g == PORT_BITS)
				return -ENOSPC;
			if (k == ret->count)
				ret->groups[ret->count++] = *groups;
		}
	return 0;
}

/* Each kind is cut off from those that are in none of its groups. */
static void set_groups(struct port_node *nodes, const struct port_bits *bits,
		       const struct kinds *kinds)
{
	size_t k = 0;

	bits_each (bit, bits) {
		const struct port_bits *groups = &kinds->groups[k++];

		for (size_t i = 0; i < PORT_NODES; i++) {
			const struct port_bits *own = &kinds->of_node[i];

			if (bits_equal(own, groups))
				bits_set(&nodes[i].member, bit);
			if (bits_any(own) && !bits_meet(own, groups))
				bits_set(&nodes[i].cut, bit);
		}
	}
}

static void set_bit(struct port_node *nodes, int bit, const struct policy_group *members,
		    const struct policy_group *cut)
{
	for (size_t i = 0; i < members->count; i++)
		bits_set(&nodes[members->nodes[i]].member, bit);
	for (size_t i = 0; i < cut->count; i++)
		bits_set(&nodes[cut->nodes[i]].cut, bit);
}

/* The groups are pairs: the members of the first cannot send to those of the second. */
static void set_pairs(struct port_node *nodes, const struct port_bits *bits,
		      const struct policy_group *groups)
{
	bits_each (bit, bits) {
		set_bit(nodes, bit, &groups[0], &groups[1]);
		groups += 2;
	}
}

/*
 * Gives each node a bit, in the order of the ring: it cuts the node off from those that it must
 * not receive from.
 */
static void set_ring(struct port_node *nodes, const struct port_bits *bits,
		     const struct policy_group *ring)
{
	size_t to = 0;

	bits_each (bit, bits) {
		bits_set(&nodes[ring->nodes[to]].cut, bit);
		for (size_t from = 0; from < ring->count; from++)
			if (ring_cuts(ring->count, from, to))
				bits_set(&nodes[ring->nodes[from]].member, bit);
		to++;
	}
}

/*
 * What a machine sends to all nodes cannot be dropped for some of them: it is cut off from the
 * groups that it is cut off from everywhere.
 */
static void cut_everyone(const struct policy *p, struct port_node *nodes,
			 const struct port_bits *bits)
{
	struct port_bits everywhere = *bits;

	for (int i = 1; i < PORT_EVERYONE; i++)
		if (p->names[i] && strcmp(p->names[i], p->machine) != 0)
			everywhere = bits_and(&everywhere, &nodes[i].cut);
	bits_add(&nodes[PORT_EVERYONE].cut, &everywhere);
}

bool policy_spares_resolving(enum port_fault_kind kind, size_t nodes, bool reject)
{
	return reject || policy_has_pairs(kind) ||
	       (kind == PORT_FAULT_RING && ring_is_one_way(nodes));
}

uint32_t policy_next_id(const struct policy *p)
{
	return last_number(p, policy_slot(p)) + 1;
}

struct port_fault *policy_new_fault(struct policy *p, struct policy_change *change,
				    struct netsim_err *err)
{
	for (int i = 0; i < PORT_FAULTS; i++) {
		struct port_fault *fault = &change->slot->faults[i];

		if (fault->id)
			continue;
		fault->id = policy_next_id(p);
		return fault;
	}
	err_set(err, NETSIM_ERR_KERNEL, -ENOSPC, NULL, "the limit of %d faults is reached",
		PORT_FAULTS);
	err_hint(err, "heal some of them first");
	return NULL;
}

int policy_check_fault_name(const struct policy *policy, const char *name, struct netsim_err *err)
{
	if (!name)
		return 0;
	if (!name_is_fault(name)) {
		err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			"\"%s\" is not a valid name for a fault", name);
		err_hint(err, NAME_FAULT_HINT);
		return -EINVAL;
	}
	for (int i = 0; policy && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &policy_slot(policy)->faults[i];

		if (!policy_alive(fault) || strcmp(fault->name, name) != 0)
			continue;
		err_set(err, NETSIM_ERR_USAGE, -EEXIST, NULL,
			"a fault named %s is already in force", name);
		err_hint(err, "end it with `netsim heal %s`, or choose another name", name);
		return -EEXIST;
	}
	return 0;
}

/* The number of bits that a partition needs. */
static size_t count_bits(const struct policy_cut *cut, const struct kinds *kinds)
{
	switch (cut->kind) {
	case PORT_FAULT_GROUPS:
	case PORT_FAULT_REST:
		return kinds->count;
	case PORT_FAULT_RING:
		return cut->groups[0].count;
	case PORT_FAULT_MATRIX:
		return cut->group_count / 2;
	default:
		return 1;
	}
}

/* Puts the nodes of a partition into its groups. */
static void set_nodes(const struct policy *p, struct port_node *nodes, const struct policy_cut *cut,
		      const struct port_bits *bits, const struct kinds *kinds)
{
	switch (cut->kind) {
	case PORT_FAULT_GROUPS:
	case PORT_FAULT_REST:
		set_groups(nodes, bits, kinds);
		break;
	case PORT_FAULT_RING:
		set_ring(nodes, bits, &cut->groups[0]);
		break;
	case PORT_FAULT_ONE_WAY:
	case PORT_FAULT_MATRIX:
		set_pairs(nodes, bits, cut->groups);
		break;
	default:
		set_bit(nodes, bits_next(bits, 0), &cut->groups[0], &cut->groups[0]);
	}
	if (p->machine)
		cut_everyone(p, nodes, bits);
}

static void fill_fault(const struct policy_cut *cut, const struct port_bits *bits,
		       struct port_fault *fault)
{
	fault->id = cut->id ? cut->id : fault->id;
	fault->kind = cut->kind;
	fault->l2 = cut->l2;
	fault->reject = cut->reject;
	fault->bits = *bits;
	fault->deadline = cut->deadline;
	fault->start = policy_now();
	fault->link.vlan = cut->vlan;
	snprintf(fault->class, sizeof(fault->class), "%s", cut->class ? cut->class : "");
	snprintf(fault->name, sizeof(fault->name), "%s", cut->name ? cut->name : "");
}

int policy_partition(struct policy *p, const struct policy_cut *cut, uint32_t *ret_id,
		     struct netsim_err *err)
{
	bool grouped = cut->kind == PORT_FAULT_GROUPS || cut->kind == PORT_FAULT_REST;
	struct kinds kinds = {.of_node = NULL};
	struct policy_change change;
	struct port_fault *fault;
	struct port_bits bits;
	int r = grouped ? find_kinds(cut, &kinds, err) : 0;
	auto_free struct port_bits *of_node = kinds.of_node;

	if (r == -ENOMEM)
		return r;
	policy_begin(p, &change);
	if (r < 0 || !take_bits(change.slot, count_bits(cut, &kinds), &bits)) {
		err_set(err, NETSIM_ERR_KERNEL, -ENOSPC, NULL,
			"the limit of %d groups over all partitions is exceeded", PORT_BITS);
		err_hint(err, "heal some of them first");
		return -ENOSPC;
	}
	fault = policy_new_fault(p, &change, err);
	if (!fault)
		return -ENOSPC;
	set_nodes(p, change.nodes, cut, &bits, &kinds);
	bits_each (bit, &bits)
		change.slot->deadline[bit] = cut->deadline;
	if (!cut->l2 && policy_spares_resolving(cut->kind, cut->groups[0].count, cut->reject))
		bits_add(&change.slot->resolving, &bits);
	if (cut->reject)
		bits_add(&change.slot->rejecting, &bits);
	fill_fault(cut, &bits, fault);
	*ret_id = fault->id;
	policy_commit(p);
	return 0;
}

static bool listed(const uint32_t *ids, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return count == 0;
}

void policy_end_faults(struct policy_change *change, const uint32_t *ids, size_t count)
{
	struct port_bits freed = {0};

	for (int i = 0; i < PORT_FAULTS; i++)
		if (listed(ids, count, change->slot->faults[i].id))
			end_fault(&change->slot->faults[i], &freed);
	free_bits(change, &freed);
}
