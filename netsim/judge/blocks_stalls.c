// SPDX-License-Identifier: GPL-2.0-or-later
/* The judge of block ledgers: stalls. */
#include <errno.h>
#include <stdlib.h>

#include "netsim/judge/blocks.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

static int compare_times(const void *va, const void *vb)
{
	int64_t a = *(const int64_t *)va, b = *(const int64_t *)vb;

	return a < b ? -1 : a > b;
}

struct wait {
	int64_t begin, end;
};

/* Writes by beginning, and the times of acknowledgements. */
struct waits {
	struct wait *list;
	size_t count;
	int64_t *acks;
	size_t ack_count;
};

static int find_waits(const struct evidence *ev, uint32_t ledger, struct waits *ret)
{
	ret->list = calloc(ev->block_count + 1, sizeof(*ret->list));
	ret->acks = calloc(ev->block_count + 1, sizeof(*ret->acks));
	if (!ret->list || !ret->acks)
		return -ENOMEM;
	for (size_t i = 0; i < ev->block_count; i++) {
		const struct block_operation *op = &ev->blocks[i];

		if (op->ledger != ledger || op->kind != BLOCK_WRITE)
			continue;
		ret->list[ret->count++] = (struct wait) {op->begin, op->end};
		if (op->result == OP_OK)
			ret->acks[ret->ack_count++] = op->end;
	}
	qsort(ret->list, ret->count, sizeof(*ret->list), compare_times);
	qsort(ret->acks, ret->ack_count, sizeof(*ret->acks), compare_times);
	return 0;
}

static int add(struct stall **list, size_t *count, struct stall stall)
{
	struct stall *added;

	if (stall.end <= stall.begin)
		return 0;
	added = array_push(*list, *count);
	if (!added)
		return -ENOMEM;
	*added = stall;
	return 0;
}

/*
 * Goes through the acknowledgements in time. Between two of them, a stall begins with the first
 * one if a write was waiting then, and otherwise with the next write.
 */
static int find_stalls(const struct waits *w, struct stall **ret, size_t *ret_count)
{
	int64_t last = w->list[0].begin, latest = INT64_MIN; /* end of those that have begun */
	size_t at = 0;
	int r = 0;

	for (size_t k = 0; r == 0 && k <= w->ack_count; k++) {
		bool open = k == w->ack_count;
		struct stall stall = {.before = last, .begin = last, .open = open};

		for (; at < w->count && w->list[at].begin <= last; at++)
			latest = w->list[at].end > latest ? w->list[at].end : latest;
		if (latest <= last && at < w->count)
			stall.begin = w->list[at].begin;
		for (size_t i = at; open && i < w->count; i++)
			latest = w->list[i].end > latest ? w->list[i].end : latest;
		stall.end = open ? latest : w->acks[k];
		r = add(ret, ret_count, stall);
		last = stall.end;
	}
	return r;
}

int blocks_stalls(const struct evidence *ev, uint32_t ledger, struct stall **ret, size_t *ret_count)
{
	struct waits waits = {0};
	struct stall *list = NULL;
	size_t count = 0;
	int r = find_waits(ev, ledger, &waits);

	if (r == 0 && waits.count)
		r = find_stalls(&waits, &list, &count);
	free(waits.list);
	free(waits.acks);
	if (r < 0) {
		free(list);
		return r;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}
