/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random draws: loss models and jitter. The draws are a hash of the seed and the
 * packet's number within its pair, so that a seed reproduces a run.
 */
#ifndef NETSIM_BPF_DRAW_H
#define NETSIM_BPF_DRAW_H

#include "maps.h"

/* Purposes of the draws for one packet at one hop; each draw is independent. */
enum draw {
	DRAW_LOSS,
	DRAW_LOSS_IN_STATE,
	DRAW_COPY,
	DRAW_CORRUPT,
	DRAW_BIT,
	DRAW_REORDER,
	DRAW_JITTER,
	DRAW_SLOT,
	DRAWS
};

struct chance {
	__u64 seed;   /* of this hop and pair */
	__u64 number; /* of the packet, within its pair */
};

/* The finalizer of splitmix64: neighbouring inputs give unrelated outputs. */
static __always_inline __u64 mix64(__u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static __always_inline __u32 draw(const struct chance *chance, enum draw purpose)
{
	__u64 drawn = mix64(chance->seed + mix64(chance->number * DRAWS + purpose)) >> 32;

	/* Keeps the compiler from folding later bounds checks into the shift: the
	 * verifier of Linux 6.1 would lose the bound. */
	asm volatile("" : "+r"(drawn));
	return drawn;
}

/* The probability is a fraction of 2^32; all ones is certain. */
static __always_inline int happens(__u32 drawn, __u64 probability)
{
	return drawn < probability || probability >= 0xffffffff;
}

enum { GOOD, BAD };

/* Two states. p holds p, r, and the loss ratios of the bad and of the good state. */
static __always_inline int lost_gilbert_elliott(const __u32 *p, __u8 *state, __u32 drawn,
						__u32 drawn_in_state)
{
	if (*state == GOOD)
		*state = happens(drawn, p[0]) ? BAD : GOOD;
	else
		*state = happens(drawn, p[1]) ? GOOD : BAD;
	return happens(drawn_in_state, *state == BAD ? p[2] : p[3]);
}

/*
 * Four states: received in a gap (1), received in a burst of losses (2), lost in
 * a burst (3), lost alone in a gap (4). A zeroed state counts as 1.
 */
static __always_inline int lost_4state(const __u32 *p, __u8 *state, __u32 drawn)
{
	__u64 p13 = p[0], p31 = p[1], p32 = p[2], p23 = p[3], p14 = p[4];

	switch (*state) {
	case 2:
		*state = happens(drawn, p23) ? 3 : 2;
		break;
	case 3:
		*state = happens(drawn, p32) ? 2 : happens(drawn, p31 + p32) ? 1 : 3;
		break;
	case 4:
		*state = 1;
		break;
	default:
		*state = happens(drawn, p14) ? 4 : happens(drawn, p13 + p14) ? 3 : 1;
		break;
	}
	return *state >= 3;
}

/* Advances a hop's loss model by one packet; returns whether the packet is lost. */
static __always_inline int is_lost(const struct port_conditions *c, __u8 *state,
				   const struct chance *chance)
{
	__u32 drawn = draw(chance, DRAW_LOSS);

	if (c->loss_model == PORT_LOSS_GILBERT_ELLIOTT)
		return lost_gilbert_elliott(c->loss, state, drawn,
					    draw(chance, DRAW_LOSS_IN_STATE));
	return lost_4state(c->loss, state, drawn);
}

/* Returns a packet's deviation from the mean delay, in ns. */
static __always_inline __s64 jitter_of(const struct port_conditions *c, const struct chance *chance)
{
	__u32 drawn = draw(chance, DRAW_JITTER), key = c->table;
	struct port_table *table = bpf_map_lookup_elem(&ns_tables, &key);

	if (!table)
		return 0;
	return (__s64)c->jitter * table->value[drawn % PORT_TABLE_ENTRIES] >> PORT_TABLE_SHIFT;
}

#endif
