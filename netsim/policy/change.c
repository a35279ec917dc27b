/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of the policy: begin, commit, partitions, faults. */
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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
	uint64_t hit = nodes[from].member & nodes[to].cut & ~slot->filtered, now = policy_now();

	if (from == to)
		return true;
	for (int i = 0; i < PORT_BITS; i++)
		if ((hit >> i & 1) && (!slot->deadline[i] || now < slot->deadline[i]))
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

/* Clears a fault; returns its group bits. */
static uint64_t end_fault(struct port_fault *fault)
{
	uint64_t bits = fault->bits;

	*fault = (struct port_fault) {0};
	return bits;
}

static void free_bits(const struct policy_change *change, uint64_t bits)
{
	struct port_node *nodes = change->nodes;

	change->slot->resolving &= ~bits;
	change->slot->rejecting &= ~bits;
	for (int i = 0; i < PORT_NODES; i++) {
		nodes[i].member &= ~bits;
		nodes[i].cut &= ~bits;
	}
}

void policy_begin(struct policy *p, struct policy_change *ret)
{
	uint32_t active = p->control->active & 1, idle = 1 - active;
	struct port_slot *slot = &p->control->slot[idle];
	struct port_node *nodes = p->nodes + idle * PORT_NODES;
	uint64_t freed = 0;

	if (p->control->settled != p->control->active)
		wait_for_readers(); /* the last writer was killed before it waited */
	*slot = p->control->slot[active];
	memcpy(nodes, p->nodes + active * PORT_NODES, PORT_NODES * sizeof(*nodes));
	for (int i = 0; i < PORT_FAULTS; i++)
		if (!policy_alive(&slot->faults[i]))
			freed |= end_fault(&slot->faults[i]);
	*ret = (struct policy_change) {slot, nodes};
	free_bits(ret, freed);
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
	uint64_t whole = ~0ULL;

	for (int i = 1; i < PORT_NODES; i++)
		if (p->names[i])
			whole &= nodes[i].member | nodes[i].cut;
	slot->whole = whole;
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
	slot->filtered = 0;
	for (int i = 0; i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &slot->faults[i];
		struct port_filter filter = {.vlan = fault->link.vlan};

		if (!fault->bits || (!*fault->class && !filter.vlan))
			continue;
		if (*fault->class)
			filter.classes = classes_of(p, slot, fault) | 1;
		slot->filtered |= fault->bits;
		for (int bit = 0; bit < PORT_BITS; bit++)
			if (fault->bits >> bit & 1)
				slot->filter[bit] = filter;
	}
}

void policy_commit(struct policy *p)
{
	uint32_t next = 1 - (p->control->active & 1);

	put_filters(p, &p->control->slot[next]);
	policy_note_whole(p, &p->control->slot[next], p->nodes + next * PORT_NODES);
	/* Numbers are used up at commit, not by changes that were refused. */
	p->control->last_fault_id = last_number(p, &p->control->slot[next]);
	__atomic_store_n(&p->control->active, next, __ATOMIC_RELEASE);
	wait_for_readers();
	__atomic_store_n(&p->control->settled, next, __ATOMIC_RELEASE);
}

static uint64_t used_bits(const struct port_slot *slot)
{
	uint64_t used = 0;

	for (int i = 0; i < PORT_FAULTS; i++)
		used |= slot->faults[i].bits;
	return used;
}

/* Allocates count bits, the lowest free ones; returns 0 if there are too few. */
static uint64_t take_bits(uint64_t used, size_t count)
{
	uint64_t bits = 0;

	for (int i = 0; i < PORT_BITS && count; i++)
		if (!(used >> i & 1)) {
			bits |= 1ULL << i;
			count--;
		}
	return count ? 0 : bits;
}

/*
 * Nodes that are in the same groups are cut off from the same others: they share a bit. Groups that
 * overlap have more such kinds of nodes than groups.
 */
struct kinds {
	uint64_t *of_node;	    /* the groups of each node, as bits */
	uint64_t groups[PORT_BITS]; /* those of each kind, in the order of the groups */
	size_t count;
};

static int find_kinds(const struct policy_cut *cut, struct kinds *ret, struct netsim_err *err)
{
	ret->of_node = calloc(PORT_NODES, sizeof(*ret->of_node));
	if (!ret->of_node)
		return err_oom(err);
	for (size_t g = 0; g < cut->group_count && g < PORT_BITS; g++)
		for (size_t i = 0; i < cut->groups[g].count; i++)
			ret->of_node[cut->groups[g].nodes[i]] |= 1ULL << g;
	for (size_t g = 0; g < cut->group_count; g++)
		for (size_t i = 0; i < cut->groups[g].count; i++) {
			uint64_t groups = ret->of_node[cut->groups[g].nodes[i]];
			size_t k = 0;

			while (k < ret->count && ret->groups[k] != groups)
				k++;
			if (k == PORT_BITS || g == PORT_BITS)
				return -ENOSPC;
			if (k == ret->count)
				ret->groups[ret->count++] = groups;
		}
	return 0;
}

/* Each kind is cut off from those that are in none of its groups. */
static void set_groups(struct port_node *nodes, uint64_t bits, const struct kinds *kinds)
{
	uint64_t left = bits;

	for (size_t k = 0; k < kinds->count; k++) {
		uint64_t bit = left & -left;

		left &= ~bit;
		for (size_t i = 0; i < PORT_NODES; i++) {
			nodes[i].member |= kinds->of_node[i] == kinds->groups[k] ? bit : 0;
			nodes[i].cut |=
				kinds->of_node[i] && !(kinds->of_node[i] & kinds->groups[k]) ? bit :
											       0;
		}
	}
}

static void set_bit(struct port_node *nodes, uint64_t bit, const struct policy_group *members,
		    const struct policy_group *cut)
{
	for (size_t i = 0; i < members->count; i++)
		nodes[members->nodes[i]].member |= bit;
	for (size_t i = 0; i < cut->count; i++)
		nodes[cut->nodes[i]].cut |= bit;
}

/*
 * Gives each node a bit, in the order of the ring: it cuts the node off from those that it must
 * not receive from.
 */
static void set_ring(struct port_node *nodes, uint64_t bits, const struct policy_group *ring)
{
	uint64_t left = bits;

	for (size_t to = 0; to < ring->count; to++) {
		uint64_t bit = left & -left;

		left &= ~bit;
		nodes[ring->nodes[to]].cut |= bit;
		for (size_t from = 0; from < ring->count; from++)
			if (ring_cuts(ring->count, from, to))
				nodes[ring->nodes[from]].member |= bit;
	}
}

/*
 * What a machine sends to all nodes cannot be dropped for some of them: it is cut off from the
 * groups that it is cut off from everywhere.
 */
static void cut_everyone(const struct policy *p, struct port_node *nodes, uint64_t bits)
{
	for (int i = 1; i < PORT_EVERYONE; i++)
		if (p->names[i] && strcmp(p->names[i], p->machine) != 0)
			bits &= nodes[i].cut;
	nodes[PORT_EVERYONE].cut |= bits;
}

bool policy_spares_resolving(enum port_fault_kind kind, size_t nodes, bool reject)
{
	return reject || kind == PORT_FAULT_ONE_WAY ||
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
	if (!name_is_plain(name, sizeof(((struct port_fault *)0)->name) - 1) ||
	    strspn(name, "0123456789") == strlen(name)) {
		err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "%s is not a valid name for a fault",
			name);
		err_hint(err,
			 "use up to 31 letters, digits, '.', '-' and '_', but not digits alone");
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

int policy_partition(struct policy *p, const struct policy_cut *cut, uint32_t *ret_id,
		     struct netsim_err *err)
{
	bool grouped = cut->kind == PORT_FAULT_GROUPS || cut->kind == PORT_FAULT_REST;
	bool ring = cut->kind == PORT_FAULT_RING;
	struct kinds kinds = {NULL, {0}, 0};
	struct policy_change change;
	struct port_fault *fault;
	uint64_t bits = 0;
	int r = grouped ? find_kinds(cut, &kinds, err) : 0;
	auto_free uint64_t *of_node = kinds.of_node;

	if (r == -ENOMEM)
		return r;
	policy_begin(p, &change);
	if (r == 0)
		bits = take_bits(used_bits(change.slot), ring	 ? cut->groups[0].count :
							 grouped ? kinds.count :
								   1);
	if (!bits) {
		err_set(err, NETSIM_ERR_KERNEL, -ENOSPC, NULL,
			"the limit of %d groups over all partitions is exceeded", PORT_BITS);
		err_hint(err, "heal some of them first");
		return -ENOSPC;
	}
	fault = policy_new_fault(p, &change, err);
	if (!fault)
		return -ENOSPC;
	if (grouped)
		set_groups(change.nodes, bits, &kinds);
	else if (ring)
		set_ring(change.nodes, bits, &cut->groups[0]);
	else
		set_bit(change.nodes, bits, &cut->groups[0], &cut->groups[cut->group_count - 1]);
	if (p->machine)
		cut_everyone(p, change.nodes, bits);
	for (int i = 0; i < PORT_BITS; i++)
		if (bits >> i & 1)
			change.slot->deadline[i] = cut->deadline;
	if (!cut->l2 && policy_spares_resolving(cut->kind, cut->groups[0].count, cut->reject))
		change.slot->resolving |= bits;
	if (cut->reject)
		change.slot->rejecting |= bits;
	fault->id = cut->id ? cut->id : fault->id;
	fault->kind = cut->kind;
	fault->l2 = cut->l2;
	fault->reject = cut->reject;
	fault->bits = bits;
	fault->deadline = cut->deadline;
	fault->start = policy_now();
	fault->link.vlan = cut->vlan;
	snprintf(fault->class, sizeof(fault->class), "%s", cut->class ? cut->class : "");
	snprintf(fault->name, sizeof(fault->name), "%s", cut->name ? cut->name : "");
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
	uint64_t freed = 0;

	for (int i = 0; i < PORT_FAULTS; i++)
		if (listed(ids, count, change->slot->faults[i].id))
			freed |= end_fault(&change->slot->faults[i]);
	free_bits(change, freed);
}
