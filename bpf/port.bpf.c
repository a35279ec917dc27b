// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The eBPF programs at a fleet's ports. ns_port judges every frame at clsact egress
 * of the destination's port. There skb->ingress_ifindex is still the port of the
 * source, so both ends are known without parsing addresses: partitions stop ARP,
 * IPv6 and multicast like any other frame.
 *
 * A packet passes three hops: the uplink of its source, the path between the two
 * nodes, the downlink of its destination. For each hop ns_port looks up the
 * conditions, draws loss and jitter and, if the hop has a rate, slots or a trace, books
 * the packet on the hop's clock.
 * The result is a time of departure (EDT) for the fq below the port's root.
 *
 * If the host takes part, or routes between networks, the ingress port is lost on
 * the way: ns_stamp records the source in skb->mark at ingress. ns_host judges the
 * frames that a bridge delivers to the host. On a routed network, whose ports are in no
 * bridge, ns_route does both. Frames to the host that need a delay go through an IFB,
 * where ns_hold judges them.
 *
 * cable.h has what ns_port does at the ends of cables between networks, lag.h the program at
 * ingress of ports in a bond, machine.h those at an interface of a machine that is itself a node.
 */
#include <linux/pkt_cls.h>

#include "classify.h"
#include "count.h"
#include "hop.h"
#include "route.h"
#include "source.h"
#include "reject.h"
#include "cut.h"

#define ATTEMPTS 8 /* to update a departure by compare-and-swap */

/*
 * In ns, one way. ARP and neighbour discovery ask three times and give up 3 s after the first
 * request. If the delays add up to more than this, packets that resolve addresses are not delayed
 * at all, or none would succeed.
 */
#define MAX_RESOLVE_DELAY 1000000000ULL

static __always_inline struct port_conditions *
link_conditions(const struct port_slot *slot, const struct port_packet *p, __u32 hop)
{
	struct port_key key = {.hop = hop};
	struct port_conditions *c;

	if (hop == PORT_HOP_UP)
		key.from = p->past_uplink ? HOST : p->from_link;
	else
		key.to = p->to_link;
	if (key.from == HOST && key.to == HOST)
		return 0;
	if (p->lacp && p->class) {
		key.class = p->class;
		c = conditions_at(slot, &key, p->now, 0);
		if (c)
			return c;
		key.class = 0;
	}
	return conditions_at(slot, &key, p->now, 0);
}

/* The most specific conditions win: those of pair and class, then the pair, then the class. */
static __always_inline struct port_conditions *path_conditions(const struct port_slot *slot,
							       struct port_packet *p)
{
	__u64 now = p->now;
	struct port_key key = {.from = p->from, .to = p->to, .hop = PORT_HOP_PATH};
	__u8 class = slot->flags & PORT_FLAG_CLASSES ? p->class : 0;
	__u8 mask = p->resolves == RESOLVES_ADDRESS ? PORT_CLASS_RESOLVES : 0;
	struct port_conditions *c = 0;

	p->path_class = class;
	if (class && slot->flags & PORT_FLAG_PAIRS) {
		key.class = class;
		c = conditions_at(slot, &key, now, mask);
	}
	if (!c && slot->flags & PORT_FLAG_PAIRS) {
		key.class = 0;
		c = conditions_at(slot, &key, now, mask);
		if (c)
			p->path_class = 0;
	}
	if (!c && class) {
		key.class = class;
		key.from = key.to = PORT_ANY;
		c = conditions_at(slot, &key, now, mask);
	}
	if (!c)
		p->path_class = 0;
	return c;
}

static __always_inline int vlan_is_down(const struct port_slot *slot, const struct port_packet *p)
{
	struct port_key key = {.from = p->from, .to = p->vlan, .hop = PORT_HOP_VLAN};
	__u64 now = p->now;

	if (!(slot->flags & PORT_FLAG_VLANS) || !p->vlan)
		return 0;
	if (is_down(conditions_at(slot, &key, now, 0), now))
		return 1;
	key.from = p->to;
	return is_down(conditions_at(slot, &key, now, 0), now);
}

/* Seeds the draws of a hop and pair, so that they are independent of all others. */
static __always_inline struct chance chance_at(const struct port_conditions *c,
					       const struct port_packet *p, __u32 hop)
{
	__u64 pair = (__u64)p->from << 32 | p->to << 8 | hop;

	return (struct chance) {.seed = c->seed ^ mix64(pair), .number = p->number};
}

/* Restarts packet numbers and loss models for a new epoch. */
static __always_inline void reset_pair(struct port_state *pair, __u32 epoch)
{
	bpf_spin_lock(&pair->lock);
	if (pair->epoch != epoch) {
		pair->epoch = epoch;
		pair->packets = 0;
		for (int i = 0; i < PORT_HOP_VLAN; i++)
			pair->loss[i] = 0;
	}
	bpf_spin_unlock(&pair->lock);
}

/* Returns the packet's number within its pair. */
static __always_inline __u64 count_packet(struct port_state *pair, __u32 epoch)
{
	if (pair->epoch != epoch)
		reset_pair(pair, epoch);
	return __sync_fetch_and_add(&pair->packets, 1);
}

/*
 * Returns the state that holds a hop's clock, NULL if the hop needs no clock. A path with
 * conditions of a class uses a state of that class, or of the class whose rate it shares; any
 * other path uses its pair's.
 */
static __always_inline struct port_state *link_state(const struct port_packet *p,
						     const struct port_conditions *c,
						     struct port_state *pair, __u32 hop)
{
	struct port_key key = {.hop = hop};

	if (!c->rate && !c->slot_max && !(c->has & PORT_HAS_TRACE))
		return 0;
	if (hop == PORT_HOP_UP) {
		key.from = p->from_link;
	} else if (hop == PORT_HOP_DOWN) {
		key.to = p->to_link;
	} else if (p->path_class) {
		key.from = p->from;
		key.to = p->to;
		key.class = c->rate_class ? c->rate_class : p->path_class;
	} else {
		return pair;
	}
	return state_of(&key);
}

/* Only loss models with states write to the pair state and need its lock. */
static __always_inline int loses(const struct port_conditions *c, __u32 ratio,
				 struct port_state *pair, __u32 hop, const struct chance *chance)
{
	int lost;

	if (c->loss_model == PORT_LOSS_RANDOM)
		return ratio && happens(draw(chance, DRAW_LOSS), ratio);
	bpf_spin_lock(&pair->lock);
	lost = is_lost(c, &pair->loss[hop & 3], chance);
	bpf_spin_unlock(&pair->lock);
	return lost;
}

static __always_inline __u64 delay_of(struct port_packet *p, const struct port_conditions *c,
				      const struct hop_effect *effect, const struct chance *chance)
{
	__u32 effects = DELAYING;
	__s64 delay = effect->delay;

	if (c->order == PORT_ORDER_RATIO && happens(draw(chance, DRAW_REORDER), c->reorder)) {
		p->may_overtake = 1;
		p->effects |= c->faults & PORT_HAS_REORDER;
		return 0;
	}
	if (c->jitter) {
		delay += jitter_of(c, chance);
		effects |= PORT_HAS_DISTRIBUTION;
		if (c->order == PORT_ORDER_FREE) {
			p->may_overtake = 1;
			effects |= PORT_HAS_REORDER;
		}
	}
	if (delay <= 0)
		effects &= PORT_HAS_REORDER;
	p->effects |= c->faults & effects;
	if (delay <= 0)
		return 0;
	return delay;
}

static __always_inline struct port_state *pair_state(const struct port_packet *p)
{
	struct port_key key = {.from = p->from, .to = p->to, .hop = PORT_HOP_PATH};

	return state_of(&key);
}

/* Drops a packet at a hop, because of this condition; returns 0. */
static __always_inline int drop_at(struct port_packet *p, const struct port_conditions *c,
				   __u8 reason, __u32 condition)
{
	p->reason = reason;
	p->effects = c->faults & condition;
	return 0;
}

/* The slowest link determines the departure; what the others wait for does not postpone it. */
static __always_inline void postpone(struct port_packet *p, const struct port_conditions *c,
				     const struct hop_effect *effect)
{
	p->effects |= c->faults & effect->waits & PORT_HAS_BURST;
	if (effect->departs <= p->departs)
		return;
	p->departs = effect->departs;
	p->effects &= ~(PORT_HAS_RATE | PORT_HAS_SLOT | PORT_HAS_PEAK);
	p->effects |= c->faults & effect->waits;
}

/*
 * Applies a hop to a packet; returns 0 and sets the reason if the hop drops it.
 * Global, so that the verifier checks it once and not for each call.
 */
__noinline int ns_pass_hop(struct port_packet *p, __u32 hop)
{
	struct port_state *pair, *state;
	struct hop_effect effect = {};
	struct port_conditions *c;
	struct chance chance;
	struct port_slot *slot;
	__u32 hash;

	if (!p || !(slot = slot_of(p)))
		return 1;
	c = hop == PORT_HOP_PATH ? path_conditions(slot, p) : link_conditions(slot, p, hop);
	if (!c || !(pair = pair_state(p)))
		return 1;
	if (is_down(c, p->now))
		return drop_at(p, c, PORT_DROP_DOWN, 0);
	if (c->larger && p->size > c->larger && p->resolves != RESOLVES_ADDRESS)
		return drop_at(p, c, PORT_DROP_SIZE, PORT_HAS_LARGER);
	if (!p->numbered)
		p->number = count_packet(pair, slot->epoch);
	p->numbered = 1;
	chance = chance_at(c, p, hop);
	state = link_state(p, c, pair, hop);
	hash = hash_conditions(c);
	p->hash = p->hash * 31 + hash;
	reset_clock(state, hash);
	take_effect(c, slot->traces, state, p->now, &effect);
	if (loses(c, effect.loss, pair, hop, &chance))
		return drop_at(p, c, PORT_DROP_LOSS, PORT_HAS_LOSS);
	if (hop != PORT_HOP_UP || p->charged) {
		effect.length = p->length;
		effect.charge = charge(c, p->length, p->segments);
	}
	effect.slot_draw = c->slot_max ? draw(&chance, DRAW_SLOT) : 0;
	effect.departs = book(state, c, &effect, p->now);
	if (!effect.departs)
		return drop_at(p, c, PORT_DROP_QUEUE, PORT_HAS_RATE | PORT_HAS_QUEUE);
	postpone(p, c, &effect);
	p->delay += delay_of(p, c, &effect, &chance);
	if (c->duplicate && happens(draw(&chance, DRAW_COPY), c->duplicate)) {
		p->copied = 1;
		p->effects |= c->faults & PORT_HAS_DUPLICATE;
	}
	if (c->corrupt && happens(draw(&chance, DRAW_CORRUPT), c->corrupt)) {
		p->corrupted = 1;
		p->corrupt_bit = draw(&chance, DRAW_BIT);
		p->effects |= c->faults & PORT_HAS_CORRUPT;
	}
	return 1;
}

/* Restarts the order: packets sent under older conditions do not hold up newer ones. */
static __always_inline void reset_order(const struct port_packet *p, struct port_state *path)
{
	bpf_spin_lock(&path->lock);
	path->last = p->departs;
	path->last_hash = p->hash;
	bpf_spin_unlock(&path->lock);
}

/* The state of a packet's path, which has the latest departure. */
static __always_inline struct port_state *path_state(const struct port_packet *p)
{
	struct port_key key = {.from = p->from, .to = p->to, .hop = PORT_HOP_PATH};

	key.class = p->path_class;
	return state_of(&key);
}

/*
 * Postpones a departure to the latest of its pair, so that packets leave in order of
 * arrival. A class with conditions of its own has a separate order. If other CPUs win
 * every compare-and-swap, the packet leaves with the last of theirs, still in order.
 */
__noinline int ns_keep_order(struct port_packet *p)
{
	struct port_state *path;
	__u64 last, seen;

	if (!p || !(path = path_state(p)))
		return 0;
	if (path->last_hash != p->hash) {
		reset_order(p, path);
		return 0;
	}
	last = *(volatile __u64 *)&path->last;
	for (int i = 0; i < ATTEMPTS && p->departs > last; i++) {
		seen = __sync_val_compare_and_swap(&path->last, last, p->departs);
		if (seen == last)
			return 0;
		last = seen;
	}
	p->departs = last;
	return 0;
}

/*
 * Whether a packet that need not keep its order leaves before an earlier one of its pair: only then
 * has the condition acted.
 */
__noinline int ns_see_order(struct port_packet *p)
{
	struct port_state *path;

	if (!p || !(path = path_state(p)))
		return 0;
	if (path->last_hash == p->hash && p->departs < path->last)
		return 0;
	p->effects &= ~PORT_HAS_REORDER;
	reset_order(p, path);
	return 0;
}

__noinline int ns_is_stopped(struct port_packet *p)
{
	struct port_slot *slot;

	if (!p || !(slot = slot_of(p)))
		return 0;
	p->reason = PORT_DROP_CUT;
	if (is_cut(slot, p))
		return 1;
	p->reason = PORT_DROP_DOWN;
	return vlan_is_down(slot, p);
}

/* Applies partitions and all hops; returns 0 and sets the reason if the packet is dropped. */
static __always_inline int pass(struct port_packet *p, __u32 flags)
{
	if (ns_is_stopped(p))
		return 0;
	if (!(flags & (PORT_FLAG_BASE | PORT_FLAG_OVERLAYS)))
		return 1;
	if (flags & PORT_FLAG_LINKS && !ns_pass_hop(p, PORT_HOP_UP))
		return 0;
	if (flags & (PORT_FLAG_PAIRS | PORT_FLAG_CLASSES) && !ns_pass_hop(p, PORT_HOP_PATH))
		return 0;
	if (flags & PORT_FLAG_LINKS && !ns_pass_hop(p, PORT_HOP_DOWN))
		return 0;
	if (!p->resolves || p->delay <= MAX_RESOLVE_DELAY)
		p->departs += p->delay;
	else
		p->effects &= ~VARYING;
	if (!(flags & PORT_FLAG_HELD))
		p->effects &= ~HOLDING;
	if (p->numbered && !p->may_overtake && flags & PORT_FLAG_HELD)
		ns_keep_order(p);
	else if (p->effects & PORT_HAS_REORDER)
		ns_see_order(p);
	return 1;
}

static __always_inline void flip_bit(struct __sk_buff *skb, __u32 bit)
{
	__u32 at, body = skb->len - ETH_HLEN;
	__u8 byte;

	if (skb->len <= ETH_HLEN)
		return;
	at = ETH_HLEN + (bit >> 3) % body;
	if (bpf_skb_load_bytes(skb, at, &byte, 1) < 0)
		return;
	byte ^= 1 << (bit & 7);
	bpf_csum_level(skb, BPF_CSUM_LEVEL_RESET);
	bpf_skb_store_bytes(skb, at, &byte, 1, 0);
}

/* Not of what this machine receives. */
static __always_inline int can_copy(const struct port_packet *p, __u32 mark)
{
	return mark != PORT_MARK_SENT && !p->received;
}

/* Sends a duplicate through ns_port again, with its departure and its own mark in skb->cb. */
static __always_inline void send_copy(struct __sk_buff *skb, __u64 departs)
{
	__u32 mark = skb->mark;

	skb->mark = PORT_MARK_COPY;
	skb->cb[0] = departs;
	skb->cb[1] = departs >> 32;
	skb->cb[2] = mark;
	bpf_clone_redirect(skb, skb->ifindex, 0);
	skb->mark = mark;
}

/* Sets the departure, unless the sender's own pacing is later. */
static __always_inline void hold(struct __sk_buff *skb, __u64 departs)
{
	if (departs > skb->tstamp)
		skb->tstamp = departs;
}

/*
 * Marks skb->tstamp as a delivery time, which the host clears; the stack would
 * otherwise take it for the receive timestamp.
 */
static __always_inline void hold_for_host(struct __sk_buff *skb, __u64 departs)
{
	if (bpf_skb_set_tstamp(skb, departs, BPF_SKB_TSTAMP_DELIVERY_MONO) < 0)
		hold(skb, departs);
}

/*
 * Gives the packet a flow of its own in fq. fq throttles a flow until the departure of
 * the packet that is first in it, so in a shared flow the packet would wait for earlier
 * ones that depart later.
 */
static __always_inline void use_own_flow(struct __sk_buff *skb, const struct port_packet *p)
{
	bpf_set_hash(skb, p->number);
}

#include "park.h"

/* What is known about a frame, and the policy that judges it; returns the policy's flags. */
static __always_inline __u32 look_at(struct __sk_buff *skb, struct port_packet *p,
				     const struct port_control *control)
{
	struct frame frame = {};
	__u32 key, active, flags;

	/* Read once, so that one policy judges the packet at all hops. */
	p->active = active = *(volatile __u32 *)&control->active & 1;
	flags = control->slot[active].flags;
	if (flags & (PORT_FLAG_BASE | PORT_FLAG_OVERLAYS))
		p->now = p->departs = bpf_ktime_get_ns();
	p->length = skb->wire_len;
	p->segments = skb->gso_segs;
	ns_read_frame(skb, &frame);
	p->class = ns_classify(skb, &frame, control->slot[active].classes);
	p->vlan = frame.vlan;
	p->resolves = frame.resolves;
	p->size = frame.size;
	if (frame.flooded) {
		struct port_link *link, *to;

		key = p->from_link;
		link = bpf_map_lookup_elem(&ns_links, &key);
		key = p->to_link;
		to = bpf_map_lookup_elem(&ns_links, &key);
		p->charged = link && to && link->charge_at == to->bundle;
	}
	return flags;
}

/*
 * Decides about a frame; mark (0: none) is set on frames that pass; with parks, it may be held at
 * this place. Returns a TC_ACT_*.
 */
static __always_inline int judge(struct __sk_buff *skb, struct port_packet *p, __u32 mark,
				 int parks)
{
	struct port_control *control;
	struct port_traffic *traffic;
	__u32 key = 0, flags;
	int passes;

	control = bpf_map_lookup_elem(&ns_control, &key);
	if (!control)
		return TC_ACT_UNSPEC;
	flags = look_at(skb, p, control);
	if (parks && flags & PORT_FLAG_REJECTS)
		note_home(skb, p);
	if (parks) {
		passes = park_or_pass(skb, p, flags, 0);
		if (passes != TC_ACT_UNSPEC)
			return passes;
	}
	passes = pass(p, flags);
	traffic = traffic_of(p);
	if (!can_copy(p, mark))
		p->effects &= ~PORT_HAS_DUPLICATE;
	count_effects(traffic, p->effects);
	if (!passes) {
		count_reason(traffic, p->reason);
		count_drop(p);
		return p->rejected ? ns_answer(skb, p) : TC_ACT_SHOT;
	}
	if (traffic) {
		traffic->packets++;
		traffic->bytes += skb->len;
		traffic->copied += p->copied;
		traffic->corrupted += p->corrupted;
	}
	if (p->corrupted)
		flip_bit(skb, p->corrupt_bit);
	if (p->may_overtake)
		use_own_flow(skb, p);
	if (p->copied && can_copy(p, mark))
		send_copy(skb, p->departs);
	skb->mark = mark ? mark | p->from_link : skb->mark;
	if (p->departs <= p->now || !(flags & PORT_FLAG_HELD))
		return TC_ACT_UNSPEC;
	if (mark == PORT_MARK_SENT || p->received)
		hold_for_host(skb, p->departs);
	else
		hold(skb, p->departs);
	return TC_ACT_UNSPEC;
}

#include "lag.h"
#include "cable.h"

/*
 * Finds the source of a frame at a port, which came in by ingress; 0 if no node has that port. The
 * caller reads ingress once: the verifier refuses what the compiler makes of several places.
 */
static __always_inline int find_sender(struct __sk_buff *skb, struct port_packet *p,
				       struct port_link *to, __u32 ingress)
{
	__u32 *from;

	from = ingress ? bpf_map_lookup_elem(&ns_ports, &ingress) : 0;
	p->from_link = from ? *from : HOST;
	if (from && is_cable(p->from_link)) {
		p->from_link = HOST;
		from = 0;
	}
	p->past_uplink = is_marked(skb, PORT_MARK_SENT);
	if (to && p->from_link == HOST && !is_ours(skb) &&
	    (to->ovs ? !find_source(skb, to, &p->from_link) : is_unclaimed(skb, to, from))) {
		__sync_fetch_and_add(&to->unclaimed, 1);
		return 0;
	}
	if (is_ours(skb)) {
		p->from_link = skb->mark & ~PORT_MARK_MASK;
		skb->mark = 0;
	}
	return 1;
}

/* clsact egress of a port, towards its node. */
SEC("tc")
int ns_port(struct __sk_buff *skb)
{
	struct port_packet p = {.charged = 1};
	__u32 ingress = *(volatile __u32 *)&skb->ingress_ifindex;
	struct port_link *to;

	if (is_marked(skb, PORT_MARK_COPY)) {
		skb->mark = skb->cb[2];
		hold(skb, skb->cb[0] | (__u64)skb->cb[1] << 32);
		return TC_ACT_UNSPEC;
	}
	p.to_link = link_of(skb->ifindex);
	to = bpf_map_lookup_elem(&ns_links, &p.to_link);
	if (to && to->cable)
		return cross_cable(skb, &p, to, ingress);
	if (is_answer(skb))
		return pass_answer(skb, node_of(p.to_link));
	if (!ingress && p.to_link != HOST && is_lacp(skb))
		return judge_lacp(skb, p.to_link, PORT_HOP_DOWN);
	if (is_marked(skb, PORT_MARK_PARK) ? !recall(skb, &p) : !find_sender(skb, &p, to, ingress))
		return TC_ACT_SHOT;
	p.from = node_of(p.from_link);
	p.to = node_of(p.to_link);
	p.to_router = to && to->routed && p.from == HOST;
	return judge(skb, &p, 0, 1);
}

/*
 * clsact ingress of a port, from its node. A port without a number yet is not the host. Open
 * vSwitch's userspace datapath has read the frame by now: without a drop, the host would take it,
 * too, and answer ARP, for example.
 */
SEC("tc")
int ns_stamp(struct __sk_buff *skb)
{
	__u32 link = link_of(skb->ifindex);
	struct port_link *from = bpf_map_lookup_elem(&ns_links, &link);

	if (from && from->ovs == PORT_OVS_USERSPACE)
		return TC_ACT_SHOT;
	if (link != HOST && !is_answer(skb) && !(from && from->cable))
		skb->mark = PORT_MARK | link;
	return TC_ACT_UNSPEC;
}

#include "machine.h"
#include "to_host.h"

char LICENSE[] SEC("license") = "GPL";
