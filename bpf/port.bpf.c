// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The programs at a fleet's ports. ns_port judges every frame at the egress of
 * the destination's port: at this hook skb->ingress_ifindex is the port that the
 * frame came in by, so both ends are known without looking into the packet, and
 * ARP, IPv6 and multicast are cut like everything else.
 *
 * Where the host is a party too, or routes between networks, the port a frame
 * came in by is lost on the way: ns_stamp then notes the source in the mark, and
 * ns_host judges what a bridge hands up to the host.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "port.h"

#define HOST 0

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct port_control);
} ns_control SEC(".maps");

/* Policy 0's nodes, then policy 1's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * PORT_NODES);
	__type(key, __u32);
	__type(value, struct port_node);
} ns_nodes SEC(".maps");

/* Which node a port's ifindex belongs to. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PORT_PORTS);
	__type(key, __u32);
	__type(value, __u32);
} ns_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PORT_NODES);
	__type(key, __u32);
	__type(value, struct port_counters);
} ns_counters SEC(".maps");

static __always_inline __u32 node_of(__u32 ifindex)
{
	__u32 *node = ifindex ? bpf_map_lookup_elem(&ns_ports, &ifindex) : 0;

	return node ? *node : HOST;
}

static __always_inline __u32 source_of(const struct __sk_buff *skb)
{
	if ((skb->mark & PORT_MARK_MASK) == PORT_MARK)
		return skb->mark & ~PORT_MARK_MASK;
	return node_of(skb->ingress_ifindex);
}

/* True while one of the groups in hit has no deadline, or has it still before it. */
static __always_inline int in_force(const struct port_slot *slot, __u64 hit)
{
	__u64 now = bpf_ktime_get_ns();

	for (int i = 0; i < PORT_BITS; i++) {
		if (!(hit >> i & 1))
			continue;
		if (!slot->deadline[i] || now < slot->deadline[i])
			return 1;
	}
	return 0;
}

static __always_inline int is_cut(__u32 source, __u32 destination)
{
	struct port_node *from, *to;
	struct port_control *control;
	__u32 key = 0, active;

	control = bpf_map_lookup_elem(&ns_control, &key);
	if (!control || source >= PORT_NODES)
		return 0;
	/* Read once: both nodes must come from the same policy. */
	active = *(volatile __u32 *)&control->active & 1;
	key = active * PORT_NODES + source;
	from = bpf_map_lookup_elem(&ns_nodes, &key);
	key = active * PORT_NODES + destination;
	to = bpf_map_lookup_elem(&ns_nodes, &key);
	if (!from || !to || source == destination || !(from->member & to->cut))
		return 0;
	return in_force(&control->slot[active], from->member & to->cut);
}

static __always_inline struct port_counters *counters_of(__u32 node)
{
	return bpf_map_lookup_elem(&ns_counters, &node);
}

static __always_inline int judge(__u32 source, __u32 destination)
{
	struct port_counters *from, *to = counters_of(destination);

	if (!is_cut(source, destination)) {
		if (to)
			to->passed++;
		return TC_ACT_UNSPEC;
	}
	from = counters_of(source);
	if (from)
		from->dropped_from++;
	if (to)
		to->dropped_to++;
	return TC_ACT_SHOT;
}

/* Egress of a port, towards its node. */
SEC("tc")
int ns_port(struct __sk_buff *skb)
{
	__u32 source = source_of(skb);

	if ((skb->mark & PORT_MARK_MASK) == PORT_MARK)
		skb->mark = 0;
	return judge(source, node_of(skb->ifindex));
}

/* Ingress of a port, from its node. */
SEC("tc")
int ns_stamp(struct __sk_buff *skb)
{
	skb->mark = PORT_MARK | node_of(skb->ifindex);
	return TC_ACT_UNSPEC;
}

/* Ingress of a bridge: what it hands up to the host. */
SEC("tc")
int ns_host(struct __sk_buff *skb)
{
	if ((skb->mark & PORT_MARK_MASK) != PORT_MARK)
		return TC_ACT_UNSPEC;
	return judge(skb->mark & ~PORT_MARK_MASK, HOST);
}

char LICENSE[] SEC("license") = "GPL";
