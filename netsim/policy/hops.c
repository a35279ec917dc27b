/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Per-hop conditions and traffic counters: writes, reads and sweeps their maps. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "netsim/config/dist.h"
#include "netsim/policy/policy_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

#define BATCH 4096 /* entries per system call */

static struct port_slot *slot_in_force(const struct policy *p)
{
	return &p->control->slot[p->control->active & 1];
}

/* Writes the tables of the built-in distributions, indexed by enum distribution. */
static int put_tables(struct policy *p)
{
	int16_t table[DIST_ENTRIES];

	_Static_assert(DIST_ENTRIES == PORT_TABLE_ENTRIES, "same length as in bpf/port.h");
	for (uint32_t kind = DIST_UNIFORM; kind < DIST_FILE; kind++) {
		dist_fill(kind, table);
		if (bpf_map_update_elem(p->map[POLICY_TABLES], &kind, table, BPF_ANY) < 0)
			return -errno;
	}
	return 0;
}

int policy_prepare(struct policy *p, struct netsim_err *err)
{
	auto_free struct port_traffic *zeroes =
		calloc((size_t)libbpf_num_possible_cpus(), sizeof(*zeroes));
	struct port_key overflow = {.from = PORT_ANY, .to = PORT_ANY};
	struct port_state fresh = {0};
	int r = zeroes ? put_tables(p) : -ENOMEM;

	/* Overflow entries, used once a map is full. */
	if (r == 0 &&
	    (bpf_map_update_elem(p->map[POLICY_STATES], &overflow, &fresh, BPF_NOEXIST) < 0 ||
	     bpf_map_update_elem(p->map[POLICY_TRAFFIC], &overflow, zeroes, BPF_NOEXIST) < 0))
		r = -errno;
	if (r < 0)
		return err_errno(err, r, NULL, "cannot initialize the policy's maps");
	return 0;
}

uint32_t policy_table(const struct policy *p, size_t index)
{
	uint32_t next = 1 - slot_in_force(p)->base;

	return (uint32_t)(DIST_FILE + next * POLICY_FILE_TABLES + index);
}

static int refuse_entries(int code, struct netsim_err *err)
{
	if (code == -E2BIG || code == -ENOSPC) {
		err_set(err, NETSIM_ERR_KERNEL, code, NULL,
			"the old and new conditions together need more than %d map entries",
			PORT_CONDITIONS);
		err_hint(err, "use fewer pairs, or fewer classes per pair");
		return code;
	}
	return err_errno(err, code, NULL, "cannot write the conditions");
}

/* Writes entries under a generation, in batches. */
static int put_entries(int map, const struct policy_entry *entries, size_t count,
		       uint8_t generation, struct netsim_err *err)
{
	auto_free struct port_key *keys = calloc(BATCH, sizeof(*keys));
	auto_free struct port_conditions *values = calloc(BATCH, sizeof(*values));

	if (!keys || !values)
		return err_oom(err);
	for (size_t done = 0; done < count;) {
		uint32_t n = count - done < BATCH ? (uint32_t)(count - done) : BATCH;

		for (uint32_t i = 0; i < n; i++) {
			keys[i] = entries[done + i].key;
			keys[i].generation = generation;
			values[i] = entries[done + i].conditions;
		}
		if (bpf_map_update_batch(map, keys, values, &n, NULL) < 0)
			return refuse_entries(-errno, err);
		done += n;
	}
	return 0;
}

static uint32_t flags_of(const struct policy_entry *entries, size_t count)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < count; i++) {
		const struct port_key *key = &entries[i].key;

		if (entries[i].conditions.has & PORT_HAS_HOLD)
			flags |= PORT_FLAG_HOLDS;
		if (key->hop == PORT_HOP_VLAN)
			flags |= PORT_FLAG_VLANS;
		if (key->hop == PORT_HOP_UP || key->hop == PORT_HOP_DOWN)
			flags |= PORT_FLAG_LINKS;
		if (key->hop != PORT_HOP_PATH)
			continue;
		flags |= key->from != PORT_ANY ? PORT_FLAG_PAIRS : 0;
		flags |= key->class & ~PORT_CLASS_RESOLVES ? PORT_FLAG_CLASSES : 0;
	}
	return flags;
}

static int put_file_tables(struct policy *p, const struct policy_base *base, struct netsim_err *err)
{
	for (size_t i = 0; i < base->table_count; i++) {
		uint32_t key = policy_table(p, i);

		if (bpf_map_update_elem(p->map[POLICY_TABLES], &key, base->tables[i], BPF_ANY) < 0)
			return refuse_entries(-errno, err);
	}
	return 0;
}

/* Flags that flags_of() derives from the entries. */
#define HOP_FLAGS \
	(PORT_FLAG_LINKS | PORT_FLAG_PAIRS | PORT_FLAG_CLASSES | PORT_FLAG_VLANS | PORT_FLAG_HOLDS)

int policy_put_base(struct policy *p, struct policy_change *change, const struct policy_base *base,
		    struct netsim_err *err)
{
	struct port_slot *slot = change->slot;
	uint8_t next = 1 - slot_in_force(p)->base, traces = 1 - slot_in_force(p)->traces;
	int r;

	policy_sweep(p);
	p->control->stale |= PORT_STALE_BASE;
	r = put_file_tables(p, base, err);
	if (r == 0)
		r = put_entries(p->map[POLICY_CONDITIONS], base->entries, base->count, next, err);
	if (r < 0)
		return r;
	if (base->row_count)
		memcpy(p->traces + traces * PORT_TRACE_ROWS, base->rows,
		       base->row_count * sizeof(*base->rows));
	slot->base = next;
	slot->traces = traces;
	slot->base_flags = flags_of(base->entries, base->count);
	slot->base_flags |= base->count ? PORT_FLAG_BASE : 0;
	slot->flags &= ~(uint32_t)(PORT_FLAG_BASE | HOP_FLAGS);
	slot->flags |= slot->base_flags;
	slot->epoch++;
	return 0;
}

int policy_put_overlays(struct policy *p, struct policy_change *change,
			const struct policy_entry *entries, size_t count, struct netsim_err *err)
{
	struct port_slot *slot = change->slot;
	uint8_t next = 1 - slot_in_force(p)->overlays;
	int r;

	if (p->control->stale & PORT_STALE_OVERLAYS)
		policy_sweep(p);
	if (!count && !(slot->flags & PORT_FLAG_OVERLAYS))
		return 0;
	p->control->stale |= PORT_STALE_OVERLAYS;
	r = put_entries(p->map[POLICY_OVERLAYS], entries, count, next, err);
	if (r < 0)
		return r;
	slot->overlays = next;
	slot->flags &= ~(uint32_t)(HOP_FLAGS | PORT_FLAG_OVERLAYS);
	slot->flags |= slot->base_flags | flags_of(entries, count);
	slot->flags |= count ? PORT_FLAG_OVERLAYS : 0;
	return 0;
}

/* True if a key names a node or link whose number is free. */
static bool is_orphan(const struct policy *p, enum policy_map map, const struct port_key *key)
{
	if (key->from == PORT_ANY && key->to == PORT_ANY)
		return false;
	/* Keys of traffic name nodes, as those of paths do. */
	switch (map == POLICY_TRAFFIC ? PORT_HOP_PATH : key->hop) {
	case PORT_HOP_UP:
		return !*p->links[key->from % PORT_LINKS].iface;
	case PORT_HOP_DOWN:
		return !*p->links[key->to % PORT_LINKS].iface;
	case PORT_HOP_VLAN:
		return !p->names[key->from % PORT_NODES];
	default:
		return !p->names[key->from % PORT_NODES] || !p->names[key->to % PORT_NODES];
	}
}

/* Deletes the entries of other generations (-1: keep all) and, if asked, orphans. */
static void sweep_map(struct policy *p, enum policy_map map, int generation, bool orphans)
{
	struct port_key key, next;
	bool more = bpf_map_get_next_key(p->map[map], NULL, &next) == 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(p->map[map], &key, &next) == 0;
		if ((generation >= 0 && key.generation != generation) ||
		    (orphans && is_orphan(p, map, &key)))
			bpf_map_delete_elem(p->map[map], &key);
	}
}

static void sweep_orphans(struct policy *p)
{
	sweep_map(p, POLICY_CONDITIONS, -1, true);
	sweep_map(p, POLICY_OVERLAYS, -1, true);
	sweep_map(p, POLICY_STATES, -1, true);
	sweep_map(p, POLICY_TRAFFIC, -1, true);
}

void policy_sweep(struct policy *p)
{
	const struct port_slot *slot = slot_in_force(p);

	if (p->control->stale & PORT_STALE_BASE)
		sweep_map(p, POLICY_CONDITIONS, slot->base, false);
	if (p->control->stale & PORT_STALE_OVERLAYS)
		sweep_map(p, POLICY_OVERLAYS, slot->overlays, false);
	if (p->control->stale & PORT_STALE_NODES)
		sweep_orphans(p);
	policy_sweep_parked(p);
	p->control->stale = 0;
}

int policy_base_at(const struct policy *p, const struct port_slot *slot, struct port_key key,
		   struct port_conditions *ret)
{
	if (!(slot->flags & PORT_FLAG_BASE))
		return -ENOENT;
	key.generation = slot->base;
	key.layer = 0;
	return bpf_map_lookup_elem(p->map[POLICY_CONDITIONS], &key, ret) < 0 ? -errno : 0;
}

int policy_now_at(const struct policy *p, struct port_key key, struct port_conditions *ret)
{
	const struct port_slot *slot = slot_in_force(p);
	uint64_t now = policy_now();

	key.generation = slot->overlays;
	for (key.layer = 1; slot->flags & PORT_FLAG_OVERLAYS && key.layer <= PORT_LAYERS;
	     key.layer++) {
		if (bpf_map_lookup_elem(p->map[POLICY_OVERLAYS], &key, ret) < 0)
			break;
		if (!ret->deadline || now < ret->deadline)
			return 0;
	}
	return policy_base_at(p, slot, key, ret);
}

/* Adds the paths of a map; of those with faults, the ones that the profile does not have. */
static int add_paths(const struct policy *p, bool faults, struct port_key **list, size_t *count)
{
	const struct port_slot *slot = slot_in_force(p);
	int map = p->map[faults ? POLICY_OVERLAYS : POLICY_CONDITIONS];
	uint32_t generation = faults ? slot->overlays : slot->base;
	struct port_conditions base;
	struct port_key key, next, *added;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		/* Every path has the lowest layer; what resolves addresses is no path of its own.
		 */
		if (key.generation != generation || key.hop != PORT_HOP_PATH ||
		    key.layer != faults || key.class & PORT_CLASS_RESOLVES)
			continue;
		if (faults && policy_base_at(p, slot, key, &base) == 0)
			continue;
		added = array_push(*list, *count);
		if (!added)
			return -ENOMEM;
		*added = key;
	}
	return 0;
}

int policy_paths(const struct policy *p, struct port_key **ret, size_t *count)
{
	const struct port_slot *slot = slot_in_force(p);
	int r = 0;

	*ret = NULL;
	*count = 0;
	if (slot->flags & PORT_FLAG_BASE)
		r = add_paths(p, false, ret, count);
	if (r == 0 && slot->flags & PORT_FLAG_OVERLAYS)
		r = add_paths(p, true, ret, count);
	if (r < 0)
		free(*ret);
	return r;
}

int policy_read_traffic(const struct policy *p, struct policy_traffic **ret, size_t *count)
{
	int map = p->map[POLICY_TRAFFIC], cpus = libbpf_num_possible_cpus();
	auto_free struct port_traffic *each = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*each));
	struct policy_traffic *list = NULL, *entry;
	struct port_key key;
	size_t n = 0;
	bool more = bpf_map_get_next_key(map, NULL, &key) == 0;

	for (; each && more; more = bpf_map_get_next_key(map, &key, &key) == 0) {
		if (bpf_map_lookup_elem(map, &key, each) < 0)
			continue;
		entry = array_push(list, n);
		if (!entry)
			break;
		*entry = (struct policy_traffic) {key.from, key.to, key.class, {0}};
		for (int i = 0; i < cpus; i++) {
			entry->sum.packets += each[i].packets;
			entry->sum.bytes += each[i].bytes;
			entry->sum.copied += each[i].copied;
			entry->sum.corrupted += each[i].corrupted;
			for (int d = 0; d < PORT_DROPS; d++)
				entry->sum.dropped[d] += each[i].dropped[d];
			for (int e = 0; e < PORT_EFFECTS; e++)
				entry->sum.affected[e] += each[i].affected[e];
		}
	}
	if (!each || more) {
		free(list);
		return -ENOMEM;
	}
	*ret = list;
	*count = n;
	return 0;
}
