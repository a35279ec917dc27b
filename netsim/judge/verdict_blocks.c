// SPDX-License-Identifier: GPL-2.0-or-later
/* Quantities of block ledgers in a window: rate, latency, stalls. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "netsim/judge/blocks.h"
#include "netsim/judge/verdict_parts.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

static bool is_write(const struct block_operation *op, uint32_t ledger)
{
	return op->ledger == ledger && op->kind == BLOCK_WRITE;
}

static bool is_inside(const struct window *window, int64_t time)
{
	return time >= window->begin && time < window->end;
}

static void measure_rate(const struct judging *j, uint32_t ledger, const struct window *window,
			 struct measure *m)
{
	size_t count = 0;

	for (size_t i = 0; i < j->ev->block_count; i++) {
		const struct block_operation *op = &j->ev->blocks[i];

		count += is_write(op, ledger) && op->result == OP_OK && is_inside(window, op->end);
	}
	set_rate(m, window, count);
}

/*
 * A write that began late may hide a stall. Of latency, lateness only says how busy the machine
 * was, which is noticed late as well.
 */
static void doubt_lateness(const struct judging *j, uint32_t ledger, const struct claim *claim,
			   const struct window *window, struct measure *m)
{
	double allowed = claim->quantity == CLAIM_STALL ? claim->value / 10 : claim->value;
	int64_t worst = 0;
	char late[VALUE_TEXT];

	for (size_t i = 0; i < j->ev->block_count; i++) {
		const struct block_operation *op = &j->ev->blocks[i];

		if (is_write(op, ledger) && is_inside(window, op->begin) && op->lateness > worst)
			worst = op->lateness;
	}
	if ((double)worst > allowed && claim->value > 0)
		doubt_it(m, "the machine was late: a write began %s late",
			 verdict_instant(worst, late));
}

/* --- stalls */

/* Adds the part of a stall that lies in the window; it may go on after it. */
static void add_stall(const struct stall *stall, const struct window *window, struct measure *m)
{
	int64_t begin = stall->begin > window->begin ? stall->begin : window->begin;
	int64_t before = stall->before > window->begin ? stall->before : window->begin;
	bool goes_on = stall->end > window->end || stall->open;
	int64_t end = stall->end > window->end ? window->end : stall->end;
	double most = stall->open ? INFINITY :
		      goes_on	  ? (double)(stall->end - before) :
				    (double)(end - before);

	m->high = fmax(m->high, most);
	if ((double)(end - begin) <= m->value)
		return;
	m->value = m->low = (double)(end - begin);
	m->when = begin;
	m->at_least = goes_on;
}

static int measure_stall(const struct judging *j, uint32_t ledger, const struct window *window,
			 struct measure *m)
{
	auto_free struct stall *list = NULL;
	size_t count = 0, used = 0;
	int r = blocks_stalls(j->ev, ledger, &list, &count);

	m->value = -1;
	m->high = 0;
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (list[i].end <= window->begin || list[i].begin >= window->end)
			continue;
		add_stall(&list[i], window, m);
		used++;
	}
	if (r == 0 && !used)
		why_not(m, "no write was waiting in this phase");
	return r;
}

/* --- latency */

struct taken {
	int64_t ns;
	bool at_least; /* never acknowledged: longer than any that was */
};

static int compare_taken(const void *va, const void *vb)
{
	const struct taken *a = va, *b = vb;

	if (a->at_least != b->at_least)
		return a->at_least ? 1 : -1;
	return a->ns < b->ns ? -1 : a->ns > b->ns;
}

static void take_statistic(const struct claim *claim, struct taken *list, size_t count,
			   struct measure *m)
{
	const struct quantile *wanted = verdict_quantile(claim->statistic);
	size_t at = (size_t)ceil(wanted->share * (double)count);

	qsort(list, count, sizeof(*list), compare_taken);
	set_exact(m, (double)list[at ? at - 1 : 0].ns);
	if (list[at ? at - 1 : 0].at_least) {
		m->at_least = true;
		m->high = INFINITY;
		doubt_it(m, "this write was never acknowledged");
	}
	if (count < wanted->samples)
		doubt_it(m, "%zu writes; this statistic needs %zu", count, wanted->samples);
}

static int measure_latency(const struct judging *j, uint32_t ledger, const struct claim *claim,
			   const struct window *window, struct measure *m)
{
	auto_free struct taken *list = calloc(j->ev->block_count + 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < j->ev->block_count; i++) {
		const struct block_operation *op = &j->ev->blocks[i];

		if (is_write(op, ledger) && is_inside(window, op->begin))
			list[count++] = (struct taken) {op->end - op->begin, op->result != OP_OK};
	}
	if (!count)
		why_not(m, "no write was begun in this phase");
	else
		take_statistic(claim, list, count, m);
	return 0;
}

int verdict_measure_blocks(struct judging *j, const struct claim *claim,
			   const struct window *window, struct measure *ret)
{
	uint32_t name = text_table_find(&j->ev->names, claim->subject);
	const struct ledger_verdict *verdict = name ? verdict_ledger(j, name) : NULL;
	int r = 0;

	if (!verdict || !verdict->acknowledged) {
		why_not(ret, "no write of %s was acknowledged", shown(claim->subject));
		return 0;
	}
	if (claim->quantity == CLAIM_RATE) {
		measure_rate(j, name, window, ret);
		return 0;
	}
	if (claim->quantity == CLAIM_STALL)
		r = measure_stall(j, name, window, ret);
	else
		r = measure_latency(j, name, claim, window, ret);
	if (r == 0 && !*ret->doubt)
		doubt_lateness(j, name, claim, window, ret);
	return r;
}
