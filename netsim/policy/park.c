/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pair of veths where held packets wait, and what the programs know about these packets. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/kernel/filter.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/policy/policy_parts.h"
#include "netsim/util/auto.h"

/* A packet that was to be looked at so long ago, in ns, is gone: with its port, for example. */
#define LOST_AFTER 5000000000ULL

int policy_load_park(struct policy *p, struct netsim_err *err)
{
	return policy_load(p, POLICY_FOR_PARK, err);
}

void policy_put_park(const struct policy *p, struct rtnl *rt, int in, int out, const char *subject)
{
	qdisc_add_clsact(rt, in, subject);
	filter_put_prog(rt, in, FILTER_EGRESS, p->prog[POLICY_PARK_IN],
			policy_prog_name(POLICY_PARK_IN), subject);
	qdisc_add_clsact(rt, out, subject);
	filter_put_prog(rt, out, FILTER_STAMP, p->prog[POLICY_PARK_OUT],
			policy_prog_name(POLICY_PARK_OUT), subject);
}

void policy_use_park(struct policy *p, int in)
{
	p->park->ifindex = (uint32_t)in;
}

static bool is_lost(const struct port_parked *parked, uint64_t now)
{
	return parked->leaves + LOST_AFTER < now;
}

/* Deletes the entries of packets that are lost; returns whether others are left. */
static bool sweep_packets(struct policy *p, uint64_t now)
{
	uint32_t key, next;
	bool more = bpf_map_get_next_key(p->map[POLICY_PARKED], NULL, &next) == 0, any = false;
	struct port_parked parked;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(p->map[POLICY_PARKED], &key, &next) == 0;
		if (bpf_map_lookup_elem(p->map[POLICY_PARKED], &key, &parked) < 0)
			continue;
		if (is_lost(&parked, now))
			bpf_map_delete_elem(p->map[POLICY_PARKED], &key);
		else
			any = true;
	}
	return any;
}

static void sweep_flows(struct policy *p)
{
	struct port_park_key key;

	while (bpf_map_get_next_key(p->map[POLICY_PARK_FLOWS], NULL, &key) == 0)
		if (bpf_map_delete_elem(p->map[POLICY_PARK_FLOWS], &key) < 0)
			return;
}

void policy_sweep_parked(struct policy *p)
{
	if (!p->park || !p->park->ifindex || sweep_packets(p, policy_now()) ||
	    policy_slot(p)->flags & PORT_FLAG_HOLDS)
		return;
	sweep_flows(p);
	p->park->count = 0;
	p->park->bytes = 0;
}

/* Reads the map in batches: single keys would begin anew whenever their packet leaves meanwhile. */
int policy_count_parked(const struct policy *p, uint64_t *ret_packets, uint64_t *ret_bytes)
{
	auto_free struct port_parked *parked = calloc(PORT_PARKED, sizeof(*parked));
	auto_free uint32_t *keys = calloc(PORT_PARKED, sizeof(*keys));
	uint32_t count = PORT_PARKED, at;
	uint64_t now = policy_now();
	int r;

	*ret_packets = *ret_bytes = 0;
	if (!parked || !keys)
		return -ENOMEM;
	if (!p->park || !p->park->ifindex)
		return 0;
	r = bpf_map_lookup_batch(p->map[POLICY_PARKED], NULL, &at, keys, parked, &count, NULL);
	if (r < 0 && r != -ENOENT) /* which says that these are all */
		return r;
	for (uint32_t i = 0; i < count; i++) {
		if (is_lost(&parked[i], now))
			continue;
		++*ret_packets;
		*ret_bytes += parked[i].bytes;
	}
	return 0;
}
