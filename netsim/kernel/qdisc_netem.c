/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/pkt_sched.h>
#include <string.h>

#include "netsim/kernel/qdisc.h"

/* Since Linux 6.7; missing in the headers of Debian 12. */
#define NETEM_PRNG_SEED 14

#define FRACTION_ONE 0xffffffffULL

uint32_t netem_fraction(struct ratio ratio)
{
	return (uint32_t)((ratio.ppb * FRACTION_ONE + RATIO_ONE / 2) / RATIO_ONE);
}

struct ratio netem_ratio(uint32_t fraction)
{
	uint64_t ppb = ((uint64_t)fraction * RATIO_ONE + FRACTION_ONE / 2) / FRACTION_ONE;

	return (struct ratio) {(uint32_t)ppb};
}

static void put_loss(struct rtnl *rt, const struct netem *n)
{
	struct tc_netem_gimodel gi = {n->p13, n->p31, n->p32, n->p14, n->p23};
	/* The kernel's h is the probability of survival in the bad state. */
	struct tc_netem_gemodel ge = {n->p, n->r, 0xffffffffU - n->bad, n->good};
	size_t nest;

	if (n->loss_model == LOSS_RANDOM)
		return;
	nest = rtnl_nest(rt, TCA_NETEM_LOSS);
	if (n->loss_model == LOSS_4STATE)
		rtnl_put(rt, NETEM_LOSS_GI, &gi, sizeof(gi));
	else
		rtnl_put(rt, NETEM_LOSS_GE, &ge, sizeof(ge));
	rtnl_nest_end(rt, nest);
}

/* Writes all options, because a change without rate, slot or distribution keeps the old. */
void netem_fill(struct rtnl *rt, const struct netem *n, const struct netsim_loc *at)
{
	struct tc_netem_qopt qopt = {
		.limit = n->limit,
		.loss = n->loss_model == LOSS_RANDOM ? n->loss : 0,
		.gap = n->reorder ? 1 : 0,
		.duplicate = n->duplicate,
	};
	struct tc_netem_corr corr = {0};
	struct tc_netem_reorder reorder = {.probability = n->reorder};
	struct tc_netem_corrupt corrupt = {.probability = n->corrupt};
	struct tc_netem_rate rate = {
		.rate = n->rate > FRACTION_ONE ? 0xffffffffU : (uint32_t)n->rate,
		.packet_overhead = (int32_t)n->overhead.bytes,
		.cell_size = n->overhead.atm ? CELL_PAYLOAD : 0,
		.cell_overhead = n->overhead.atm ? CELL - CELL_PAYLOAD : 0,
	};
	struct tc_netem_slot slot = {
		.min_delay = n->slot_min,
		.max_delay = n->slot_max,
		.max_packets = (int32_t)n->slot_packets,
		.max_bytes = (int32_t)n->slot_bytes,
	};
	int64_t delay = (int64_t)n->delay, jitter = (int64_t)n->jitter;
	size_t nest = rtnl_nest(rt, TCA_OPTIONS);

	rtnl_header(rt, &qopt, sizeof(qopt));
	rtnl_at(rt, at);
	rtnl_put(rt, TCA_NETEM_LATENCY64, &delay, sizeof(delay));
	rtnl_put(rt, TCA_NETEM_JITTER64, &jitter, sizeof(jitter));
	rtnl_put(rt, TCA_NETEM_CORR, &corr, sizeof(corr));
	rtnl_put(rt, TCA_NETEM_REORDER, &reorder, sizeof(reorder));
	rtnl_put(rt, TCA_NETEM_CORRUPT, &corrupt, sizeof(corrupt));
	rtnl_put(rt, TCA_NETEM_RATE, &rate, sizeof(rate));
	if (n->rate > FRACTION_ONE)
		rtnl_put_u64(rt, TCA_NETEM_RATE64, n->rate);
	rtnl_put(rt, TCA_NETEM_SLOT, &slot, sizeof(slot));
	if (n->has_seed)
		rtnl_put_u64(rt, NETEM_PRNG_SEED, n->seed);
	if (n->table)
		rtnl_put(rt, TCA_NETEM_DELAY_DIST, n->table, n->table_len * sizeof(*n->table));
	put_loss(rt, n);
	rtnl_nest_end(rt, nest);
}

static void copy(const struct nlattr *attr, void *to, size_t size)
{
	if (attr && attr->nla_len >= NLA_HDRLEN + size)
		memcpy(to, attr + 1, size);
}

static void parse_loss(const struct nlattr *nest, struct netem *n)
{
	const struct nlattr *a[NETEM_LOSS_MAX + 1];
	struct tc_netem_gimodel gi = {0};
	struct tc_netem_gemodel ge = {0};

	rtnl_parse_nest(nest, a, NETEM_LOSS_MAX);
	copy(a[NETEM_LOSS_GI], &gi, sizeof(gi));
	copy(a[NETEM_LOSS_GE], &ge, sizeof(ge));
	if (a[NETEM_LOSS_GI]) {
		n->loss_model = LOSS_4STATE;
		n->p13 = gi.p13;
		n->p31 = gi.p31;
		n->p32 = gi.p32;
		n->p14 = gi.p14;
		n->p23 = gi.p23;
	} else if (a[NETEM_LOSS_GE]) {
		n->loss_model = LOSS_GILBERT_ELLIOTT;
		n->p = ge.p;
		n->r = ge.r;
		n->bad = 0xffffffffU - ge.h;
		n->good = ge.k1;
	}
}

void netem_parse(const struct nlattr *options, struct qdisc *ret)
{
	const struct nlattr *a[NETEM_PRNG_SEED + 1];
	struct netem *n = &ret->netem;
	struct tc_netem_qopt qopt = {0};
	struct tc_netem_reorder reorder = {0};
	struct tc_netem_corrupt corrupt = {0};
	struct tc_netem_rate rate = {0};
	struct tc_netem_slot slot = {0};

	copy(options, &qopt, sizeof(qopt));
	rtnl_parse_tail(options, sizeof(qopt), a, NETEM_PRNG_SEED);
	copy(a[TCA_NETEM_REORDER], &reorder, sizeof(reorder));
	copy(a[TCA_NETEM_CORRUPT], &corrupt, sizeof(corrupt));
	copy(a[TCA_NETEM_RATE], &rate, sizeof(rate));
	copy(a[TCA_NETEM_SLOT], &slot, sizeof(slot));
	n->delay = rtnl_u64(a[TCA_NETEM_LATENCY64]);
	n->jitter = rtnl_u64(a[TCA_NETEM_JITTER64]);
	n->limit = qopt.limit;
	n->loss = qopt.loss;
	n->duplicate = qopt.duplicate;
	n->reorder = reorder.probability;
	n->corrupt = corrupt.probability;
	n->rate = a[TCA_NETEM_RATE64] ? rtnl_u64(a[TCA_NETEM_RATE64]) : rate.rate;
	n->overhead = (struct overhead) {(uint32_t)rate.packet_overhead, rate.cell_size != 0};
	n->slot_min = slot.min_delay;
	n->slot_max = slot.max_delay;
	n->slot_packets = (uint32_t)slot.max_packets;
	n->slot_bytes = (uint32_t)slot.max_bytes;
	n->has_seed = ret->has_seed = a[NETEM_PRNG_SEED] != NULL;
	n->seed = rtnl_u64(a[NETEM_PRNG_SEED]);
	parse_loss(a[TCA_NETEM_LOSS], n);
}
