/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/netem_params.h"

#include <errno.h>
#include <string.h>

#define SMALL_FRAME  256     /* bytes: the lower bound of the mean size of packets in flight */
#define JITTER_REACH 4	     /* the distribution tables end at four times the jitter */
#define LINE_PPS     1000000 /* packets/s that a link without a rate may carry */
#define PEAK_SLACK   0.00025 /* seconds by which a late timer may hold up a peak */
#define VLAN_TAGS    8	     /* bytes of two, which an MTU does not count */
#define MIN_LIMIT    10000   /* packets that may wait without a rate or a `queue` in packets */

/* Any rate makes netem keep the order; this one adds 121 ns to a full frame. */
#define ORDER_RATE 12500000000ULL

/* netem keeps its last table, so the uniform distribution needs a table too. */
static int set_table(const struct conditions *c, struct dist_tables *tables, struct netem *netem,
		     struct netsim_err *err)
{
	enum distribution kind = cond_has(c, COND_DISTRIBUTION) ? c->distribution : DIST_UNIFORM;

	if (kind == DIST_FILE) {
		netem->table = c->table;
		netem->table_len = c->table_len;
		return 0;
	}
	netem->table = dist_table(tables, kind);
	netem->table_len = DIST_ENTRIES;
	return netem->table ? 0 : err_oom(err);
}

static uint64_t bytes_in(uint64_t rate, uint64_t ns)
{
	return (uint64_t)((double)rate * (double)ns / 1e9);
}

/*
 * The queue in bytes. Default: twice the bandwidth-delay product, at least 100 frames, and what a
 * burst leaves there if it has a peak.
 */
static uint64_t queue_bytes(const struct conditions *c, uint64_t rate, uint64_t delay)
{
	uint64_t bytes;

	/* Counted without the overhead, which makes frames leave more slowly. */
	rate = (uint64_t)((double)rate / conditions_stretch(c));
	if (!cond_has(c, COND_QUEUE)) {
		bytes = 2 * bytes_in(rate, delay);
		if (cond_has(c, COND_PEAK) && bytes < c->burst.bytes)
			bytes = c->burst.bytes;
		return bytes > QUEUE_MIN ? bytes : QUEUE_MIN;
	}
	switch (c->queue.unit) {
	case QUEUE_TIME:
		return bytes_in(rate, c->queue.value);
	case QUEUE_BYTES:
		return c->queue.value;
	case QUEUE_PACKETS:
		break;
	}
	return c->queue.value * FULL_FRAME;
}

static uint32_t clamp(uint64_t value, uint32_t low)
{
	return value < low ? low : value > INT32_MAX ? INT32_MAX : (uint32_t)value;
}

/*
 * netem's limit counts packets in flight and packets in the queue. Those in flight may be
 * small; those that queue for a busy link are mostly full.
 */
static uint32_t limit_of(const struct conditions *c, const struct netem *netem)
{
	uint64_t reach = netem->delay + JITTER_REACH * netem->jitter;
	uint64_t waiting;

	if (!cond_has(c, COND_RATE) || !netem->rate || netem->rate == ORDER_RATE) {
		waiting = cond_has(c, COND_QUEUE) && c->queue.unit == QUEUE_PACKETS &&
					  !cond_has(c, COND_RATE) ?
				  c->queue.value :
				  MIN_LIMIT;
		return clamp(reach / (1000000000U / LINE_PPS) + waiting, 1);
	}
	waiting = queue_bytes(c, netem->rate, netem->delay) / FULL_FRAME;
	return clamp(bytes_in(netem->rate, reach) / SMALL_FRAME + (waiting ? waiting : 1), 1);
}

static void set_loss(const struct loss *loss, struct netem *netem)
{
	netem->loss_model = loss->model;
	switch (loss->model) {
	case LOSS_RANDOM:
		netem->loss = netem_fraction(loss->ratio);
		break;
	case LOSS_GILBERT_ELLIOTT:
		netem->p = netem_fraction(loss->p);
		netem->r = netem_fraction(loss->r);
		netem->bad = netem_fraction(loss->bad);
		netem->good = netem_fraction(loss->good);
		break;
	case LOSS_4STATE:
		netem->p13 = netem_fraction(loss->p13);
		netem->p31 = netem_fraction(loss->p31);
		netem->p32 = netem_fraction(loss->p32);
		netem->p23 = netem_fraction(loss->p23);
		netem->p14 = netem_fraction(loss->p14);
		break;
	}
}

static void set_rate(const struct conditions *c, struct netem_params *params)
{
	uint64_t rate = c->rate.bps / 8;
	bool reorders = cond_has(c, COND_REORDER) && c->reorder != REORDER_FORBIDDEN;
	struct overhead overhead = {0};
	uint64_t burst = rate / 100 > 10 * FULL_FRAME ? rate / 100 : 10 * FULL_FRAME;

	if (!cond_has(c, COND_RATE))
		return;
	if (cond_has(c, COND_OVERHEAD))
		overhead = c->overhead;
	params->has_tbf = cond_has(c, COND_BURST) || (reorders && params->netem.jitter);
	if (!params->has_tbf) {
		params->netem.rate = rate;
		params->netem.overhead = overhead;
		return;
	}
	if (cond_has(c, COND_BURST))
		burst = c->burst.bytes;
	params->tbf.rate = rate;
	params->tbf.overhead = overhead;
	params->tbf.burst = clamp(burst, FULL_FRAME);
	params->tbf.limit = clamp(queue_bytes(c, rate, params->netem.delay), FULL_FRAME);
	if (cond_has(c, COND_PEAK) && cond_has(c, COND_BURST))
		params->tbf.peak = c->peak.bps / 8;
	netem_params_fit(params, FULL_FRAME - FRAME_HEADER);
}

/*
 * tbf drops frames that are longer than the bucket of the peak, and segments super-packets that
 * are. What the bucket holds beyond one frame leaves at once; without it, each late timer would
 * lower the peak.
 */
void netem_params_fit(struct netem_params *params, unsigned mtu)
{
	struct tbf *tbf = &params->tbf;

	if (tbf->peak)
		tbf->peak_burst = clamp(mtu + FRAME_HEADER + VLAN_TAGS +
						(uint64_t)((double)tbf->peak * PEAK_SLACK),
					FULL_FRAME);
}

static void set_slot(const struct slot *slot, struct netem *netem)
{
	netem->slot_min = slot->min.ns;
	netem->slot_max = slot->max.ns;
	netem->slot_packets = slot->packets;
	netem->slot_bytes = clamp(slot->bytes.bytes, 0);
}

static const struct netsim_loc *first_location(const struct conditions *c)
{
	for (int i = 0; i < COND_COUNT; i++)
		if (cond_has(c, (enum cond)i) && c->at[i].file)
			return &c->at[i];
	return NULL;
}

int netem_params_make(const struct conditions *c, struct dist_tables *tables,
		      struct netem_params *ret, struct netsim_err *err)
{
	struct netem_params params = {.at = first_location(c)};
	struct netem *netem = &params.netem;
	bool keeps_order = !cond_has(c, COND_REORDER) || c->reorder == REORDER_FORBIDDEN;

	netem->delay = cond_has(c, COND_DELAY) ? (uint64_t)c->delay.ns : 0;
	netem->jitter = cond_has(c, COND_JITTER) ? (uint64_t)c->jitter.ns : 0;
	if (netem->jitter && set_table(c, tables, netem, err) < 0)
		return -ENOMEM;
	set_rate(c, &params);
	if (netem->jitter && keeps_order && !netem->rate)
		netem->rate = ORDER_RATE;
	if (cond_has(c, COND_REORDER) && c->reorder == REORDER_RATIO)
		netem->reorder = netem_fraction(c->reorder_ratio);
	if (cond_has(c, COND_LOSS))
		set_loss(&c->loss, netem);
	if (cond_has(c, COND_DUPLICATE))
		netem->duplicate = netem_fraction(c->duplicate);
	if (cond_has(c, COND_CORRUPT))
		netem->corrupt = netem_fraction(c->corrupt);
	if (cond_has(c, COND_SLOT))
		set_slot(&c->slot, netem);
	netem->has_seed = cond_has(c, COND_SEED);
	netem->seed = c->seed;
	params.seed_at = netem->has_seed ? &c->at[COND_SEED] : NULL;
	netem->limit = c->has ? limit_of(c, netem) : NETEM_IDLE.limit;
	*ret = params;
	return 0;
}

bool netem_params_are_idle(const struct netem *n)
{
	return !n->delay && !n->jitter && !n->rate && n->loss_model == LOSS_RANDOM && !n->loss &&
	       !n->duplicate && !n->corrupt && !n->reorder && !n->slot_min && !n->slot_max;
}

static void set(struct conditions *c, enum cond cond)
{
	c->has |= 1U << cond;
}

static void read_loss(const struct netem *n, struct conditions *c)
{
	if (n->loss_model == LOSS_RANDOM && !n->loss)
		return;
	set(c, COND_LOSS);
	c->loss = (struct loss) {
		.model = n->loss_model,
		.ratio = netem_ratio(n->loss),
		.p = netem_ratio(n->p),
		.r = netem_ratio(n->r),
		.bad = netem_ratio(n->bad),
		.good = netem_ratio(n->good),
		.p13 = netem_ratio(n->p13),
		.p31 = netem_ratio(n->p31),
		.p32 = netem_ratio(n->p32),
		.p23 = netem_ratio(n->p23),
		.p14 = netem_ratio(n->p14),
	};
}

static void read_delay(const struct netem *n, struct conditions *c)
{
	if (n->delay) {
		set(c, COND_DELAY);
		c->delay.ns = (int64_t)n->delay;
	}
	if (n->jitter) {
		set(c, COND_JITTER);
		c->jitter.ns = (int64_t)n->jitter;
	}
	if (n->slot_min || n->slot_max) {
		set(c, COND_SLOT);
		c->slot = (struct slot) {
			{n->slot_min}, {n->slot_max}, n->slot_packets, {n->slot_bytes}};
	}
}

static void read_overhead(struct overhead overhead, struct conditions *c)
{
	if (!overhead.bytes && !overhead.atm)
		return;
	set(c, COND_OVERHEAD);
	c->overhead = overhead;
}

static void read_rate(const struct netem *n, const struct tbf *tbf, struct conditions *c)
{
	if (n->rate && n->rate != ORDER_RATE && n->rate != NETEM_HOLD_RATE) {
		set(c, COND_RATE);
		c->rate.bps = n->rate * 8;
		read_overhead(n->overhead, c);
	}
	if (tbf && tbf->rate && tbf->rate != TBF_IDLE.rate) {
		set(c, COND_RATE);
		set(c, COND_BURST);
		c->rate.bps = tbf->rate * 8;
		c->burst.bytes = tbf->burst;
		if (tbf->peak) {
			set(c, COND_PEAK);
			c->peak.bps = tbf->peak * 8;
		}
		read_overhead(tbf->overhead, c);
	}
}

void netem_params_read(const struct netem *n, const struct tbf *tbf, struct conditions *ret)
{
	*ret = (struct conditions) {0};
	read_rate(n, tbf, ret);
	read_delay(n, ret);
	read_loss(n, ret);
	if (n->reorder) {
		set(ret, COND_REORDER);
		ret->reorder = REORDER_RATIO;
		ret->reorder_ratio = netem_ratio(n->reorder);
	}
	if (n->duplicate) {
		set(ret, COND_DUPLICATE);
		ret->duplicate = netem_ratio(n->duplicate);
	}
	if (n->corrupt) {
		set(ret, COND_CORRUPT);
		ret->corrupt = netem_ratio(n->corrupt);
	}
	if (n->has_seed && !netem_params_are_idle(n)) {
		set(ret, COND_SEED);
		ret->seed = n->seed;
	}
}
