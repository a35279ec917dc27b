/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that a fault holds are parked in a pair of veths. One end has an fq, which keeps each of
 * them for a while; the other end returns it to the place where it was taken, and the program there
 * looks again whether it is held. No qdisc releases packets before their time: this is how a packet
 * finds that its fault was healed.
 */
#ifndef NETSIM_BPF_PARK_H
#define NETSIM_BPF_PARK_H

#define TICKETS	     0x10000
#define TICKET_STEP  16411 /* from a ticket in use to the next one to try, far from it */
#define TICKET_TRIES 4

/*
 * In ns. A held packet is looked at again after this time, and this for each packet in the pair:
 * whatever their number, all together cost the same. Once their faults end, packets leave one after
 * the other, because the kernel drops what it cannot take at once.
 */
#define LOOK_AGAIN	20000000ULL
#define LOOK_AGAIN_EACH 200000ULL
#define APART		200000ULL
#define APART_BEHIND	2000ULL /* packets that were not held, and only follow others */
/* In ns: a packet whose turn it should be, and is not, looks again, later the more are ahead. */
#define SOON	  200000ULL
#define SOON_EACH 20000ULL
/*
 * In ns. If packets were to leave so long ago, and did not, they are lost: those behind pass. A
 * machine that stood still for longer than that would let new packets overtake them.
 */
#define PATIENCE 3000000000ULL

#define FOREVER (~0ULL)

static __always_inline struct port_park *park_of(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&ns_park, &key);
}

/* True while faults hold packets, and until the last one is back. */
static __always_inline int is_parking(__u32 flags)
{
	struct port_park *park = park_of();

	return park && (flags & PORT_FLAG_HOLDS || *(volatile __u32 *)&park->count);
}

static __always_inline struct port_parked *parked_of(const struct __sk_buff *skb)
{
	__u32 ticket = skb->mark & ~PORT_MARK_MASK;

	return is_marked(skb, PORT_MARK_PARK) ? bpf_map_lookup_elem(&ns_parked, &ticket) : 0;
}

static __always_inline void hold_by(struct port_packet *p, const struct port_conditions *c)
{
	if (!c || !(c->has & PORT_HAS_HOLD))
		return;
	if (!p->held_until)
		p->held_until = FOREVER;
	if (c->deadline && c->deadline < p->held_until)
		p->held_until = c->deadline;
}

/* Sets until when some hop holds a packet, at least; returns 0 if none does. */
__noinline int ns_is_held(struct port_packet *p)
{
	struct port_key vlan = {.hop = PORT_HOP_VLAN};
	struct port_slot *slot;

	if (!p || !(slot = slot_of(p)))
		return 0;
	hold_by(p, link_conditions(slot, p, PORT_HOP_UP));
	hold_by(p, path_conditions(slot, p));
	hold_by(p, link_conditions(slot, p, PORT_HOP_DOWN));
	if (!(slot->flags & PORT_FLAG_VLANS) || !p->vlan)
		return p->held_until != 0;
	vlan.to = p->vlan;
	vlan.from = p->from;
	hold_by(p, conditions_at(slot, &vlan, p->now, 0));
	vlan.from = p->to;
	hold_by(p, conditions_at(slot, &vlan, p->now, 0));
	return p->held_until != 0;
}

static __always_inline struct port_park_flow *flow_of(const struct port_packet *p, int make)
{
	struct port_park_key key = {
		.from = p->from_link, .to = p->to_link, .vlan = p->vlan, .class = p->class};
	struct port_park_flow fresh = {}, *flow = bpf_map_lookup_elem(&ns_park_flows, &key);

	if (flow || !make)
		return flow;
	bpf_map_update_elem(&ns_park_flows, &key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&ns_park_flows, &key);
}

/* The number of a flow's packets before a parked one, or before a new one, that have not left. */
static __always_inline __u32 ahead_of(const struct port_park_flow *flow,
				      const struct port_parked *parked)
{
	__u32 seq = parked ? parked->seq : *(volatile __u32 *)&flow->seq;

	return seq - *(volatile __u32 *)&flow->next;
}

/*
 * True if a packet that nothing holds may leave: all earlier ones of its flow have left, or it
 * would overtake them. A healed flow waits until each of its packets has been looked at: then they
 * know their places.
 */
static __always_inline int has_turn(const struct port_packet *p, const struct port_park_flow *flow,
				    const struct port_parked *parked)
{
	__u64 last;

	if (!flow)
		return 1;
	if (!ahead_of(flow, parked))
		return !parked || flow->until <= p->now;
	last = flow->last > flow->until ? flow->last : flow->until;
	return p->now > last + PATIENCE;
}

/* When to look again at a packet that a fault holds. */
static __always_inline __u64 look_held(const struct port_packet *p, const struct port_park *park,
				       struct port_park_flow *flow, __u32 rank)
{
	__u64 again = p->now + LOOK_AGAIN + park->count * LOOK_AGAIN_EACH;
	__u64 until = p->held_until < again ? p->held_until : again;

	if (flow && until > flow->until)
		flow->until = until;
	if (until == again)
		return again;
	until += rank * APART;
	if (flow && until > flow->last)
		flow->last = until;
	return until;
}

/* When to look again at a packet that waits for its turn. */
static __always_inline __u64 look_behind(const struct port_packet *p, struct port_park_flow *flow,
					 const struct port_parked *parked, __u32 rank)
{
	__u32 ahead = ahead_of(flow, parked);
	__u64 look;

	if (flow->until > p->now)
		look = flow->until + rank * APART;
	else if (!parked && flow->last > p->now)
		look = flow->last + APART_BEHIND;
	else /* Not noted: the patience with those ahead would begin anew with each packet. */
		return p->now + SOON + (ahead < PORT_PARKED ? ahead : PORT_PARKED) * SOON_EACH;
	if (look > flow->last)
		flow->last = look;
	return look;
}

static __always_inline __u64 next_look(const struct port_packet *p, const struct port_park *park,
				       struct port_park_flow *flow,
				       const struct port_parked *parked)
{
	__u32 rank = parked ? parked->rank : park->count;

	return p->held_until || !flow ? look_held(p, park, flow, rank) :
					look_behind(p, flow, parked, rank);
}

/* Enters a packet under a free ticket; returns TICKETS if there is none. */
static __always_inline __u32 take_ticket(struct port_park *park, const struct port_parked *entry)
{
	__u64 first;

	if (park->bytes >= PORT_PARKED_BYTES)
		return TICKETS;
	first = __sync_fetch_and_add(&park->tickets, 1);
	for (int i = 0; i < TICKET_TRIES; i++) {
		__u32 ticket = (first + i * TICKET_STEP) & (TICKETS - 1);

		if (bpf_map_update_elem(&ns_parked, &ticket, entry, BPF_NOEXIST) == 0)
			return ticket;
	}
	return TICKETS;
}

static __always_inline int drop_parked(struct port_packet *p)
{
	struct port_traffic *traffic = traffic_of(p);

	p->reason = PORT_DROP_QUEUE;
	count_reason(traffic, p->reason);
	count_drop(p);
	return TC_ACT_SHOT;
}

/* Sends a packet into the pair, or drops it if too many are there. */
static __always_inline int park_new(struct __sk_buff *skb, struct port_packet *p,
				    struct port_park *park, int ingress)
{
	struct port_park_flow *flow = flow_of(p, 1);
	struct port_parked entry = {.leaves = next_look(p, park, flow, 0),
				    .ifindex = skb->ifindex,
				    .mark = skb->mark,
				    .bytes = skb->len,
				    .rank = park->count,
				    .link = p->from_link,
				    .ingress = ingress,
				    .past_uplink = p->past_uplink};
	struct port_traffic *traffic = traffic_of(p);
	__u32 ticket = park->ifindex ? take_ticket(park, &entry) : TICKETS;
	struct port_parked *parked = bpf_map_lookup_elem(&ns_parked, &ticket);

	if (!parked)
		return drop_parked(p);
	/* Numbered now: a number that no packet has would hold up those behind. */
	if (flow)
		parked->seq = __sync_fetch_and_add(&flow->seq, 1);
	__sync_fetch_and_add(&park->count, 1);
	__sync_fetch_and_add(&park->bytes, entry.bytes);
	if (p->held_until && traffic)
		traffic->affected[PORT_EFFECT_HOLD]++;
	skb->mark = PORT_MARK_PARK | ticket;
	return bpf_redirect(park->ifindex, 0);
}

/* Takes a packet out of the list of those parked. */
static __always_inline void unpark(struct __sk_buff *skb, struct port_park *park,
				   struct port_park_flow *flow, const struct port_parked *parked)
{
	__u32 ticket = skb->mark & ~PORT_MARK_MASK, bytes = parked->bytes, next = parked->seq + 1;

	skb->mark = parked->mark;
	bpf_set_hash_invalid(skb);
	if (bpf_map_delete_elem(&ns_parked, &ticket) < 0)
		return;
	if (flow && (__s32)(next - flow->next) > 0)
		flow->next = next;
	__sync_fetch_and_sub(&park->count, 1);
	__sync_fetch_and_sub(&park->bytes, bytes);
}

/* Reads what is known about a packet that returns; 0 if it is unknown. */
static __always_inline int recall(const struct __sk_buff *skb, struct port_packet *p)
{
	const struct port_parked *parked = parked_of(skb);

	if (!parked)
		return 0;
	p->from_link = parked->link;
	p->past_uplink = parked->past_uplink;
	return 1;
}

/*
 * Parks a packet that is held, or that has to follow others that were. Returns TC_ACT_UNSPEC if it
 * passes on, also if it is to be dropped then.
 */
static __always_inline int park_or_pass(struct __sk_buff *skb, struct port_packet *p, __u32 flags,
					int ingress)
{
	struct port_parked *parked = parked_of(skb);
	struct port_park *park = park_of();
	struct port_park_flow *flow;

	if (!park || (!parked && !is_parking(flags)))
		return TC_ACT_UNSPEC;
	if (!p->now)
		p->now = bpf_ktime_get_ns();
	if (!(flags & PORT_FLAG_HOLDS) || !ns_is_held(p) || ns_is_stopped(p))
		p->held_until = 0;
	flow = flow_of(p, 0);
	if (p->held_until || !has_turn(p, flow, parked)) {
		if (!parked)
			return park_new(skb, p, park, ingress);
		parked->leaves = next_look(p, park, flow, parked);
		return bpf_redirect(park->ifindex, 0);
	}
	if (parked)
		unpark(skb, park, flow, parked);
	return TC_ACT_UNSPEC;
}

/* clsact egress of the end of the pair that packets enter: the fq below keeps them. */
SEC("tc")
int ns_park_in(struct __sk_buff *skb)
{
	struct port_parked *parked = parked_of(skb);

	if (!parked)
		return TC_ACT_SHOT;
	/* One flow of fq for all: it sorts the packets of a flow, but takes turns between flows. */
	bpf_set_hash(skb, 0);
	skb->tstamp = parked->leaves;
	return TC_ACT_UNSPEC;
}

/* clsact ingress of the other end. */
SEC("tc")
int ns_park_out(struct __sk_buff *skb)
{
	struct port_parked *parked = parked_of(skb);

	return parked ? bpf_redirect(parked->ifindex, parked->ingress ? BPF_F_INGRESS : 0) :
			TC_ACT_SHOT;
}

#endif
