/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/edt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/trace.h"
#include "netsim/kernel/qdisc.h"

/* Queue of a rate that varies, ns: the longest queueing delay in the tests of RFC 8867. */
#define TRACE_QUEUE 300000000ULL

_Static_assert(PORT_HAS_RATE == 1 << COND_RATE && PORT_HAS_DELAY == 1 << COND_DELAY &&
		       PORT_HAS_LOSS == 1 << COND_LOSS && PORT_HAS_OVERHEAD == 1 << COND_OVERHEAD &&
		       PORT_HAS_PEAK == 1 << COND_PEAK && PORT_HAS_SEED == 1 << COND_SEED &&
		       PORT_HAS_TRACE == 1 << COND_TRACE,
	       "conditions have the same numbers in the eBPF programs");
_Static_assert((int)PORT_LOSS_4STATE == LOSS_4STATE && (int)PORT_ORDER_RATIO == REORDER_RATIO &&
		       (int)PORT_QUEUE_PACKETS == QUEUE_PACKETS,
	       "models have the same numbers in the eBPF programs");

static int refuse_another(const char *kind, const struct netsim_loc *at, struct netsim_err *err)
{
	err_set(err, NETSIM_ERR_INPUT, -ENOSPC, at, "too many %s in one profile", kind);
	return -ENOSPC;
}

static int use_table(const struct conditions *c, struct edt_compiler *compiler,
		     struct port_conditions *ret, struct netsim_err *err)
{
	size_t i = 0;

	if (c->distribution != DIST_FILE) {
		ret->table = c->distribution;
		return 0;
	}
	while (i < compiler->table_count && compiler->tables[i] != c->table)
		i++;
	if (i == POLICY_FILE_TABLES)
		return refuse_another("distribution files", &c->at[COND_DISTRIBUTION], err);
	if (i == compiler->table_count) {
		compiler->tables[i] = c->table;
		compiler->table_lens[i] = c->table_len;
		compiler->table_count++;
	}
	ret->table = policy_table(compiler->policy, i);
	return 0;
}

static int use_trace(const struct conditions *c, struct edt_compiler *compiler,
		     struct port_conditions *ret, struct netsim_err *err)
{
	const struct trace *trace = c->trace;
	size_t i = 0;

	while (i < compiler->trace_count && compiler->traces[i] != trace)
		i++;
	if (i == compiler->trace_count) {
		if (i == PORT_TRACE_ROWS || compiler->row_count + trace->count > PORT_TRACE_ROWS)
			return refuse_another("traces", &c->at[COND_TRACE], err);
		compiler->traces[i] = trace;
		compiler->trace_firsts[i] = (uint32_t)compiler->row_count;
		compiler->trace_count++;
		compiler->row_count += trace->count;
	}
	ret->trace_first = compiler->trace_firsts[i];
	ret->trace_count = (uint32_t)trace->count;
	ret->trace_length = trace->length_ns;
	ret->trace_start = compiler->now;
	ret->trace_has = c->trace_has;
	return 0;
}

static void set_loss(const struct loss *loss, struct port_conditions *ret)
{
	const struct ratio random[] = {loss->ratio};
	const struct ratio gilbert[] = {loss->p, loss->r, loss->bad, loss->good};
	const struct ratio four[] = {loss->p13, loss->p31, loss->p32, loss->p23, loss->p14};
	const struct ratio *from = loss->model == LOSS_RANDOM	       ? random :
				   loss->model == LOSS_GILBERT_ELLIOTT ? gilbert :
									 four;
	size_t count = loss->model == LOSS_RANDOM ? 1 : loss->model == LOSS_GILBERT_ELLIOTT ? 4 : 5;

	ret->loss_model = loss->model;
	for (size_t i = 0; i < count; i++)
		ret->loss[i] = netem_fraction(from[i]);
}

int edt_compile(const struct conditions *c, struct edt_compiler *compiler,
		struct port_conditions *ret, struct netsim_err *err)
{
	int r = 0;

	*ret = (struct port_conditions) {
		.has = c->has,
		.rate = c->rate.bps / 8,
		.asked_burst = c->burst.bytes,
		.peak = c->peak.bps / 8,
		.asked_queue = c->queue.value,
		.asked_queue_unit = c->queue.unit,
		.overhead = (uint16_t)c->overhead.bytes,
		.atm = c->overhead.atm,
		.delay = (uint64_t)c->delay.ns,
		.jitter = (uint64_t)c->jitter.ns,
		.order = c->reorder,
		.reorder = netem_fraction(c->reorder_ratio),
		.duplicate = netem_fraction(c->duplicate),
		.corrupt = netem_fraction(c->corrupt),
		.larger = (uint32_t)c->larger.bytes,
		.slot_min = (uint64_t)c->slot.min.ns,
		.slot_max = (uint64_t)c->slot.max.ns,
		.slot_packets = c->slot.packets,
		.slot_bytes = (uint32_t)c->slot.bytes.bytes,
		.seed = cond_has(c, COND_SEED) ? c->seed : compiler->seed,
	};
	if (cond_has(c, COND_LOSS))
		set_loss(&c->loss, ret);
	if (cond_has(c, COND_DISTRIBUTION))
		r = use_table(c, compiler, ret, err);
	if (r == 0 && cond_has(c, COND_TRACE))
		r = use_trace(c, compiler, ret, err);
	return r;
}

/* Resamples a table to the fixed length of the programs' tables. */
static void resample(const int16_t *from, size_t length, int16_t *to)
{
	for (size_t i = 0; i < PORT_TABLE_ENTRIES; i++)
		to[i] = from[(2 * i + 1) * length / (2 * (size_t)PORT_TABLE_ENTRIES)];
}

/* The row that ends a stall (rate 0) at row; row itself if the whole trace is a stall. */
static uint32_t stall_end(const struct trace *trace, size_t row)
{
	size_t next = row;

	do
		next = (next + 1) % trace->count;
	while (next != row && !trace->rows[next].rate_bps);
	return (uint32_t)next;
}

int edt_copy_tables(const struct edt_compiler *compiler, struct policy_base *base,
		    struct netsim_err *err)
{
	size_t n = 0;

	base->tables = calloc(compiler->table_count + 1, sizeof(*base->tables));
	base->rows = calloc(compiler->row_count + 1, sizeof(*base->rows));
	if (!base->tables || !base->rows)
		return err_oom(err);
	for (size_t i = 0; i < compiler->table_count; i++)
		resample(compiler->tables[i], compiler->table_lens[i], base->tables[i]);
	for (size_t i = 0; i < compiler->trace_count; i++)
		for (size_t j = 0; j < compiler->traces[i]->count; j++) {
			const struct trace_row *row = &compiler->traces[i]->rows[j];

			base->rows[n++] = (struct port_trace_row) {
				.at = row->at_ns,
				.rate = row->rate_bps / 8,
				.delay = row->delay_ns,
				.loss = netem_fraction(row->loss),
				.resumes = row->rate_bps ? 0 : stall_end(compiler->traces[i], j),
			};
		}
	base->table_count = compiler->table_count;
	base->row_count = n;
	return 0;
}

#define TAKE(bit, member)                         \
	do {                                      \
		if (more->has & (bit))            \
			c->member = more->member; \
	} while (0)

void edt_merge(struct port_conditions *c, const struct port_conditions *more)
{
	TAKE(PORT_HAS_RATE, rate);
	TAKE(PORT_HAS_RATE, rate_class);
	TAKE(PORT_HAS_BURST, asked_burst);
	TAKE(PORT_HAS_PEAK, peak);
	TAKE(PORT_HAS_QUEUE, asked_queue);
	TAKE(PORT_HAS_QUEUE, asked_queue_unit);
	TAKE(PORT_HAS_OVERHEAD, overhead);
	TAKE(PORT_HAS_OVERHEAD, atm);
	TAKE(PORT_HAS_DELAY, delay);
	TAKE(PORT_HAS_JITTER, jitter);
	TAKE(PORT_HAS_DISTRIBUTION, table);
	TAKE(PORT_HAS_REORDER, order);
	TAKE(PORT_HAS_REORDER, reorder);
	TAKE(PORT_HAS_LOSS, loss_model);
	if (more->has & PORT_HAS_LOSS)
		memcpy(c->loss, more->loss, sizeof(c->loss));
	TAKE(PORT_HAS_DUPLICATE, duplicate);
	TAKE(PORT_HAS_CORRUPT, corrupt);
	TAKE(PORT_HAS_LARGER, larger);
	TAKE(PORT_HAS_SLOT, slot_min);
	TAKE(PORT_HAS_SLOT, slot_max);
	TAKE(PORT_HAS_SLOT, slot_packets);
	TAKE(PORT_HAS_SLOT, slot_bytes);
	TAKE(PORT_HAS_DOWN, down_period);
	TAKE(PORT_HAS_DOWN, down_after);
	TAKE(PORT_HAS_DOWN, down_start);
	TAKE(PORT_HAS_TRACE, trace_first);
	TAKE(PORT_HAS_TRACE, trace_count);
	TAKE(PORT_HAS_TRACE, trace_length);
	TAKE(PORT_HAS_TRACE, trace_start);
	TAKE(PORT_HAS_TRACE, trace_has);
	/* A more specific trace replaces the conditions that it has columns for. */
	if (more->has & PORT_HAS_TRACE)
		c->has &= ~more->trace_has;
	if (more->has & PORT_HAS_SEED || !c->has)
		c->seed = more->seed;
	c->has |= more->has;
}

/* The time that full frames of so many bytes take. */
static uint64_t time_of(const struct port_conditions *c, uint64_t bytes)
{
	struct overhead overhead = {c->overhead, c->atm};
	double stretch = (double)overhead_charge(overhead, FULL_FRAME) / FULL_FRAME;

	return (uint64_t)((double)bytes * stretch * 1e9 / (double)c->rate);
}

/*
 * The longest queueing delay, ns. Default: twice the bandwidth-delay product, at least 100 frames,
 * and a burst that has a peak.
 */
static uint64_t queue_of(const struct port_conditions *c)
{
	uint64_t lower;

	if (c->has & PORT_HAS_QUEUE && c->asked_queue_unit == PORT_QUEUE_TIME)
		return c->asked_queue;
	if (!c->rate)
		return TRACE_QUEUE;
	if (c->has & PORT_HAS_QUEUE)
		return time_of(c, c->asked_queue_unit == PORT_QUEUE_BYTES ?
					  c->asked_queue :
					  c->asked_queue * FULL_FRAME);
	lower = time_of(c, QUEUE_MIN);
	if (c->has & PORT_HAS_PEAK && c->burst > lower)
		lower = c->burst;
	return 2 * c->delay > lower ? 2 * c->delay : lower;
}

bool edt_has_peak(const struct port_conditions *c)
{
	return c->has & PORT_HAS_PEAK && c->has & PORT_HAS_BURST && c->rate && c->peak > c->rate;
}

void edt_finish(struct port_conditions *c)
{
	if (c->has & PORT_HAS_TRACE)
		c->trace_has &= ~c->has;
	if (!(c->has & PORT_HAS_DELAY) && !(c->trace_has & PORT_HAS_DELAY))
		c->jitter = 0;
	c->burst = c->rate && c->has & PORT_HAS_BURST ? time_of(c, c->asked_burst) : 0;
	if (!edt_has_peak(c)) {
		c->has &= ~PORT_HAS_PEAK;
		c->peak = 0;
	}
	c->queue = queue_of(c);
	c->peak_queue =
		c->peak ? (uint64_t)((double)c->queue * (double)c->rate / (double)c->peak) : 0;
}

bool edt_delays(const struct port_conditions *c)
{
	return c->rate || c->delay || c->jitter || c->slot_max ||
	       (c->has & PORT_HAS_TRACE && c->trace_has & (PORT_HAS_RATE | PORT_HAS_DELAY));
}

static void read_loss(const struct port_conditions *c, struct loss *loss)
{
	struct ratio ratio[5];

	for (int i = 0; i < 5; i++)
		ratio[i] = netem_ratio(c->loss[i]);
	*loss = (struct loss) {.model = c->loss_model};
	if (c->loss_model == PORT_LOSS_RANDOM) {
		loss->ratio = ratio[0];
	} else if (c->loss_model == PORT_LOSS_GILBERT_ELLIOTT) {
		loss->p = ratio[0];
		loss->r = ratio[1];
		loss->bad = ratio[2];
		loss->good = ratio[3];
	} else {
		loss->p13 = ratio[0];
		loss->p31 = ratio[1];
		loss->p32 = ratio[2];
		loss->p23 = ratio[3];
		loss->p14 = ratio[4];
	}
}

void edt_read(const struct port_conditions *c, struct conditions *ret)
{
	*ret = (struct conditions) {
		.has = c->has & ((1U << COND_TRACE) - 1),
		.rate = {c->rate * 8},
		.burst = {c->asked_burst},
		.peak = {c->peak * 8},
		.queue = {c->asked_queue_unit, c->asked_queue},
		.overhead = {c->overhead, c->atm},
		.delay = {(int64_t)c->delay},
		.jitter = {(int64_t)c->jitter},
		.distribution = c->table < DIST_FILE ? c->table : DIST_UNIFORM,
		.reorder = c->order,
		.reorder_ratio = netem_ratio(c->reorder),
		.duplicate = netem_ratio(c->duplicate),
		.corrupt = netem_ratio(c->corrupt),
		.larger = {c->larger},
		.slot = {{(int64_t)c->slot_min},
			 {(int64_t)c->slot_max},
			 c->slot_packets,
			 {c->slot_bytes}},
		.seed = c->seed,
	};
	if (c->table >= DIST_FILE)
		ret->has &= ~(1U << COND_DISTRIBUTION);
	read_loss(c, &ret->loss);
}
