/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One hop: looks up its conditions, follows its trace, books packets on its clock. */
#ifndef NETSIM_BPF_HOP_H
#define NETSIM_BPF_HOP_H

#include "draw.h"

/* A hop's conditions for one packet, with its trace resolved. */
struct hop_effect {
	__u64 rate, delay, not_before; /* not_before: end of a stall in the trace, 0: none */
	__u32 loss;
	__u32 length;  /* charged to the link, in bytes */
	__u32 charge;  /* the same with the overhead, which the rate counts */
	__u64 departs; /* when the link has sent it */
	__u32 slot_draw;
	__u32 waits; /* enum port_has: for what it waits: rate, peak, slot; or why it need not */
};

/*
 * Returns the conditions in force at a hop: the first fault layer whose deadline
 * has not passed, else the profile's own; NULL if there are none. mask is
 * PORT_CLASS_RESOLVES for packets that faults of paths may spare, else 0.
 */
static __noinline struct port_conditions *conditions_at(const struct port_slot *slot,
							struct port_key *key, __u64 now, __u8 mask)
{
	struct port_conditions *c;

	if (slot->flags & PORT_FLAG_OVERLAYS) {
		key->generation = slot->overlays;
		key->class |= mask;
		for (int i = 1; i <= PORT_LAYERS; i++) {
			key->layer = i;
			c = bpf_map_lookup_elem(&ns_overlays, key);
			if (!c)
				break;
			if (!c->deadline || now < c->deadline)
				return c;
		}
	}
	if (!(slot->flags & PORT_FLAG_BASE))
		return 0;
	key->generation = slot->base;
	key->class &= ~mask;
	key->layer = 0;
	return bpf_map_lookup_elem(&ns_conditions, key);
}

/* Returns the state of a key; if the map is full, the shared overflow entry. */
static __noinline struct port_state *state_of(struct port_key *key)
{
	struct port_key shared = {.from = PORT_ANY, .to = PORT_ANY};
	struct port_state fresh = {}, *state;

	key->generation = 0;
	key->layer = 0;
	state = bpf_map_lookup_elem(&ns_states, key);
	if (state)
		return state;
	bpf_map_update_elem(&ns_states, key, &fresh, BPF_NOEXIST);
	state = bpf_map_lookup_elem(&ns_states, key);
	return state ? state : bpf_map_lookup_elem(&ns_states, &shared);
}

static __always_inline int is_down(const struct port_conditions *c, __u64 now)
{
	if (!c || !(c->has & PORT_HAS_DOWN))
		return 0;
	return !c->down_period || (now - c->down_start) % c->down_period >= c->down_after;
}

/* Hashes the conditions that determine the times of departure. */
static __always_inline __u32 hash_conditions(const struct port_conditions *c)
{
	return mix64(c->rate + 3 * c->queue + 5 * c->delay + 7 * c->jitter + 11 * c->slot_max +
		     13 * c->trace_start + 17 * (2 * c->overhead + c->atm) + 19 * c->peak) >>
	       32;
}

/*
 * Resets the clock of a hop whose conditions have changed: packets booked under the
 * old conditions do not hold up later packets.
 */
static __always_inline void reset_clock(struct port_state *state, __u32 hash)
{
	if (!state || state->clock_hash == hash)
		return;
	bpf_spin_lock(&state->lock);
	state->clock_hash = hash;
	state->clock = 0;
	state->peak_clock = 0;
	state->slot_open = 0;
	state->slot_packets = 0;
	state->slot_bytes = 0;
	bpf_spin_unlock(&state->lock);
}

/*
 * Binary search for the trace row in force at a time, among count rows from first;
 * returns its index from first. Global, so that the verifier checks it only once.
 */
__noinline __u32 ns_trace_row(__u32 first, __u32 count, __u64 at)
{
	__u32 low = 0;

	for (__u32 step = PORT_TRACE_ROWS / 2; step; step /= 2) {
		__u32 key = first + low + step;
		struct port_trace_row *row = bpf_map_lookup_elem(&ns_traces, &key);

		if (row && low + step < count && row->at <= at)
			low += step;
	}
	return low;
}

static __noinline int follow_trace(const struct port_conditions *c, __u32 generation, __u64 at,
				   struct hop_effect *effect)
{
	__u64 t = (at - c->trace_start) % (c->trace_length ? c->trace_length : 1);
	__u32 first = (generation & 1) * PORT_TRACE_ROWS + c->trace_first;
	__u32 now = ns_trace_row(first, c->trace_count, t), key = first + now;
	struct port_trace_row *row = bpf_map_lookup_elem(&ns_traces, &key);
	__u32 resumes;

	if (!row)
		return 0;
	if (c->trace_has & PORT_HAS_DELAY)
		effect->delay = row->delay;
	if (c->trace_has & PORT_HAS_LOSS)
		effect->loss = row->loss;
	if (!(c->trace_has & PORT_HAS_RATE))
		return 0;
	effect->rate = row->rate;
	if (row->rate)
		return 0;
	/* A stall: packets leave from the next row that has a rate, at its rate. */
	resumes = row->resumes;
	key = first + resumes;
	row = bpf_map_lookup_elem(&ns_traces, &key);
	if (!row)
		return 0;
	effect->not_before = at - t + row->at + (resumes <= now ? c->trace_length : 0);
	effect->rate = row->rate;
	return 0;
}

static __always_inline void take_effect(const struct port_conditions *c, __u32 generation,
					const struct port_state *state, __u64 now,
					struct hop_effect *effect)
{
	__u64 at = state && state->clock > now ? state->clock : now;

	effect->rate = c->rate;
	effect->delay = c->delay;
	effect->loss = c->loss[0];
	if (c->has & PORT_HAS_TRACE)
		follow_trace(c, generation, at, effect);
}

/* Assigns a packet to a slot, whose packets leave together; returns the slot's opening time. */
static __always_inline __u64 fill_slot(const struct port_conditions *c, struct port_state *state,
				       __u64 ready, __u32 length, __u32 drawn)
{
	__u64 apart = c->slot_min + ((c->slot_max - c->slot_min) >> 16) * (drawn >> 16);
	int full = (c->slot_packets && state->slot_packets >= c->slot_packets) ||
		   (c->slot_bytes && state->slot_bytes + length > c->slot_bytes);

	if (ready > state->slot_open || full) {
		state->slot_open = (ready > state->slot_open ? ready : state->slot_open) + apart;
		state->slot_packets = 0;
		state->slot_bytes = 0;
	}
	state->slot_packets++;
	state->slot_bytes += length;
	return state->slot_open;
}

#define CELL	     53 /* bytes of an ATM cell, of which so many are payload: */
#define CELL_PAYLOAD 48

static __always_inline __u32 charge_frame(const struct port_conditions *c, __u32 length)
{
	length += c->overhead;
	return c->atm ? (length + CELL_PAYLOAD - 1) / CELL_PAYLOAD * CELL : length;
}

/*
 * The bytes that the rate counts. Each segment of a packet is a frame with an overhead of its own;
 * they count as if they were equally long.
 */
static __always_inline __u32 charge(const struct port_conditions *c, __u32 length, __u32 segments)
{
	if (!c->overhead && !c->atm)
		return length;
	return segments > 1 ? segments * charge_frame(c, length / segments) :
			      charge_frame(c, length);
}

/*
 * Books a packet on a hop's clock. Returns the time of departure, 0 if the queue is
 * full. Booking starts from now, not from the previous hop's departure: otherwise
 * one slow sender would delay all other packets to the same node. A packet waits for
 * the rate if the link is busy; its own transmission is no waiting.
 *
 * The peak has a clock of its own, as if the rate did not exist, and the packet leaves at
 * the later of the two times. Both clocks advance by at least the time that the packet
 * takes at their own rate, so that whichever of them decides for it or for the one before,
 * the two leave at least that far apart: together they exceed neither the bucket and its
 * rate nor the peak. What has not left yet is the larger of what either clock has left, so
 * that each compares it with the same queue. The lock guards both clocks: a packet is
 * booked on both or, dropped, on none.
 */
static __noinline __u64 book(struct port_state *state, const struct port_conditions *c,
			     struct hop_effect *effect, __u64 now)
{
	__u64 departs = now, earliest, start, line = now, tx_time = 0, line_time = 0;
	__u32 waits = 0;

	if (!state || !c)
		return now;
	if (effect->not_before && !effect->rate)
		return 0; /* no row of the trace has a rate */
	if (effect->rate)
		tx_time = (__u64)effect->charge * 1000000000 / effect->rate;
	if (c->peak)
		line_time = (__u64)effect->charge * 1000000000 / c->peak;
	earliest = now > c->burst ? now - c->burst : 0;
	bpf_spin_lock(&state->lock);
	if (effect->rate || effect->not_before) {
		start = state->clock > earliest ? state->clock : earliest;
		if (c->peak && state->peak_clock > now)
			line = state->peak_clock;
		if ((start > now && start - now > c->queue) ||
		    (c->peak && line - now > c->peak_queue)) {
			bpf_spin_unlock(&state->lock);
			return 0;
		}
		if (effect->not_before > start)
			start = effect->not_before;
		if (effect->length) {
			state->clock = start + tx_time;
			state->peak_clock = line + line_time;
		}
		departs = start + tx_time > now ? start + tx_time : now;
		waits = start > now ? PORT_HAS_RATE : start < now && tx_time ? PORT_HAS_BURST : 0;
		if (line + line_time > departs) {
			departs = line + line_time;
			waits &= PORT_HAS_BURST;
			waits |= line > now ? PORT_HAS_PEAK : 0;
		}
	}
	if (c->slot_max) {
		start = departs;
		departs = fill_slot(c, state, departs, effect->length, effect->slot_draw);
		waits |= departs > start ? PORT_HAS_SLOT : 0;
	}
	bpf_spin_unlock(&state->lock);
	effect->waits = waits;
	return departs;
}

#endif
