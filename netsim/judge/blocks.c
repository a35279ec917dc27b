// SPDX-License-Identifier: GPL-2.0-or-later
/* The judge of block ledgers: contents of blocks. */
#include "netsim/judge/blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

#define NONE UINT32_MAX

/* What was found out about a write; by its index in the evidence. */
struct fate {
	bool shown, lost, torn;
};

/* The operations of one block; indices in the evidence. */
struct block {
	uint32_t *writes; /* by number, and so by beginning */
	size_t write_count;
	uint32_t *reads; /* answered ones, by beginning */
	size_t read_count;
};

struct blocks {
	const struct evidence *ev;
	const struct block_operation *ops;
	bool complete;
	struct fate *fates;
	struct ledger_verdict *ret;
};

/* What one read may show: computed from the writes that were acknowledged before it began. */
struct view {
	uint32_t read;
	uint32_t last;	/* the write that begins last among these, or NONE */
	int64_t newest; /* its beginning: what ended before it has been overwritten */
};

bool blocks_are_of(const struct evidence *ev, uint32_t name)
{
	for (size_t i = 0; i < ev->block_count; i++)
		if (ev->blocks[i].ledger == name)
			return true;
	return false;
}

static int report(struct blocks *b, enum finding_kind kind, uint32_t write, uint32_t read)
{
	struct finding *finding = array_push(b->ret->findings, b->ret->finding_count);

	if (!finding)
		return -ENOMEM;
	*finding = (struct finding) {
		.kind = kind, .block = true, .time = b->ops[read].end, .op = write, .proof = read};
	b->ret->counts[kind]++;
	return 0;
}

/* --- one read */

static const struct block_operation *find_write(const struct blocks *b, const struct block *block,
						int64_t number, uint32_t *ret)
{
	size_t low = 0, high = block->write_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (b->ops[block->writes[middle]].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == block->write_count || b->ops[block->writes[low]].number != number)
		return NULL;
	*ret = block->writes[low];
	return &b->ops[*ret];
}

enum part {
	PART_GOOD,    /* may be there */
	PART_UNSURE,  /* the same, of a write of unknown outcome */
	PART_OLD,     /* overwritten since */
	PART_BAD,     /* was never written as a whole */
	PART_MISSING, /* its write is not in a history that was cut off */
};

static enum part judge_part(const struct blocks *b, const struct block *block,
			    const struct view *view, const char *text, uint32_t *write)
{
	const struct block_operation *read = &b->ops[view->read], *op;

	*write = NONE;
	if (strcmp(text, "empty") == 0)
		return view->last == NONE ? PART_GOOD : PART_OLD;
	if (strcmp(text, "bad") == 0)
		return PART_BAD;
	op = find_write(b, block, strtoll(text, NULL, 10), write);
	if (!op)
		return b->complete ? PART_BAD : PART_MISSING;
	if (op->begin >= read->end || op->result == OP_FAILED)
		return PART_BAD;
	if (op->result == OP_UNKNOWN || op->end > read->begin)
		return PART_UNSURE;
	return view->last == NONE || op->end > view->newest ? PART_GOOD : PART_OLD;
}

/* The parts of what a read shows: a count of each kind, and the write if there is only one. */
struct parts {
	size_t counts[PART_MISSING + 1], count;
	uint32_t write;
};

static void judge_parts(const struct blocks *b, const struct block *block, const struct view *view,
			struct parts *ret)
{
	const char *text = text_table_get(&b->ev->values, b->ops[view->read].seen);

	*ret = (struct parts) {.write = NONE};
	while (*text) {
		char part[24];
		size_t length = strcspn(text, "+");

		err_format(part, sizeof(part), "%.*s", (int)length, text);
		ret->counts[judge_part(b, block, view, part, &ret->write)]++;
		ret->count++;
		text += length + (text[length] == '+');
	}
}

/* The first pass: which writes are shown by any read, alone. */
static int mark_shown(struct blocks *b, const struct block *block, const struct view *view)
{
	struct parts parts;

	judge_parts(b, block, view, &parts);
	if (parts.count == 1 && parts.write != NONE)
		b->fates[parts.write].shown = true;
	return 0;
}

/* The second pass. Without an acknowledged write before the read, anything may be there. */
static int judge_read(struct blocks *b, const struct block *block, const struct view *view)
{
	struct parts parts;
	struct fate *fate = view->last == NONE ? NULL : &b->fates[view->last];
	bool torn;

	judge_parts(b, block, view, &parts);
	b->ret->unrecorded += parts.counts[PART_MISSING];
	if (!fate || parts.counts[PART_MISSING])
		return 0;
	torn = parts.counts[PART_BAD] || (parts.count > 1 && parts.counts[PART_OLD]) ||
	       (parts.count > 1 && !parts.counts[PART_UNSURE]);
	if (torn && !fate->torn) {
		fate->torn = true;
		return report(b, FINDING_TORN, view->last, view->read);
	}
	if (torn || !parts.counts[PART_OLD])
		return 0;
	if (fate->shown)
		return report(b, FINDING_STALE, view->last, view->read);
	if (fate->lost)
		return 0;
	fate->lost = true;
	return report(b, FINDING_LOST, view->last, view->read);
}

/* --- one block */

struct by_end {
	int64_t end;
	uint32_t op;
};

static int compare_ends(const void *va, const void *vb)
{
	const struct by_end *a = va, *b = vb;

	return a->end < b->end ? -1 : a->end > b->end;
}

typedef int view_fn(struct blocks *b, const struct block *block, const struct view *view);

/* Calls fn for each read, with the writes that were acknowledged before it began. */
static int each_read(struct blocks *b, const struct block *block, view_fn *fn)
{
	auto_free struct by_end *acked = calloc(block->write_count + 1, sizeof(*acked));
	struct view view = {.last = NONE, .newest = INT64_MIN};
	size_t count = 0, at = 0;
	int r = acked ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < block->write_count; i++)
		if (b->ops[block->writes[i]].result == OP_OK)
			acked[count++] =
				(struct by_end) {b->ops[block->writes[i]].end, block->writes[i]};
	if (r == 0)
		qsort(acked, count, sizeof(*acked), compare_ends);
	for (size_t i = 0; r == 0 && i < block->read_count; i++) {
		view.read = block->reads[i];
		for (; at < count && acked[at].end <= b->ops[view.read].begin; at++)
			if (b->ops[acked[at].op].begin > view.newest) {
				view.newest = b->ops[acked[at].op].begin;
				view.last = acked[at].op;
			}
		r = fn(b, block, &view);
	}
	return r;
}

/* Whether a read was answered after the last acknowledged write. */
static bool is_read_back(const struct blocks *b, const struct block *block)
{
	int64_t last = INT64_MIN;

	for (size_t i = 0; i < block->write_count; i++) {
		const struct block_operation *op = &b->ops[block->writes[i]];

		if (op->result == OP_OK && op->end > last)
			last = op->end;
	}
	return last == INT64_MIN ||
	       (block->read_count && b->ops[block->reads[block->read_count - 1]].begin >= last);
}

static int judge_block(struct blocks *b, const struct block *block, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 1; i < block->write_count; i++)
		if (b->ops[block->writes[i - 1]].number == b->ops[block->writes[i]].number)
			return err_set(err, NETSIM_ERR_INPUT, -EINVAL, NULL,
				       "two writes have the same number");
	b->ret->unread += !is_read_back(b, block);
	r = each_read(b, block, mark_shown);
	if (r == 0)
		r = each_read(b, block, judge_read);
	return r < 0 ? err_oom(err) : 0;
}

/* --- all blocks */

/* Operations by block; in each, writes by number, then reads by beginning. */
static int compare_operations(const void *va, const void *vb, void *arg)
{
	const struct block_operation *ops = arg;
	const struct block_operation *a = &ops[*(const uint32_t *)va];
	const struct block_operation *b = &ops[*(const uint32_t *)vb];
	int64_t left, right;

	if (a->block != b->block)
		return a->block < b->block ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	left = a->kind == BLOCK_WRITE ? a->number : a->begin;
	right = b->kind == BLOCK_WRITE ? b->number : b->begin;
	return left < right ? -1 : left > right;
}

static int compare_findings(const void *va, const void *vb)
{
	const struct finding *a = va, *b = vb;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return a->op < b->op ? -1 : a->op > b->op;
}

/* Counts an operation; returns whether it says anything about contents. */
static bool count_operation(struct ledger_verdict *ret, const struct block_operation *op)
{
	if (op->kind == BLOCK_READ) {
		ret->reads += op->result == OP_OK;
		return op->result == OP_OK;
	}
	ret->acknowledged += op->result == OP_OK;
	ret->unknown += op->result == OP_UNKNOWN;
	ret->failed += op->result == OP_FAILED;
	return true;
}

static int judge_all(struct blocks *b, uint32_t *order, size_t count, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0, next; r == 0 && i < count; i = next) {
		struct block block = {.writes = order + i};

		for (next = i; next < count && b->ops[order[next]].block == b->ops[order[i]].block;
		     next++)
			block.write_count += b->ops[order[next]].kind == BLOCK_WRITE;
		block.reads = order + i + block.write_count;
		block.read_count = next - i - block.write_count;
		r = judge_block(b, &block, err);
	}
	if (r == 0 && b->ret->finding_count)
		qsort(b->ret->findings, b->ret->finding_count, sizeof(*b->ret->findings),
		      compare_findings);
	return r;
}

int blocks_judge(const struct evidence *ev, uint32_t ledger, bool complete,
		 struct ledger_verdict *ret, struct netsim_err *err)
{
	auto_free uint32_t *order = calloc(ev->block_count + 1, sizeof(*order));
	auto_free struct fate *fates = calloc(ev->block_count + 1, sizeof(*fates));
	struct ledger_verdict verdict = {0};
	struct blocks b = {
		.ev = ev, .ops = ev->blocks, .complete = complete, .fates = fates, .ret = &verdict};
	size_t count = 0;
	int r;

	if (!order || !fates)
		return err_oom(err);
	if (ev->block_count >= NONE)
		return err_set(err, NETSIM_ERR_INPUT, -EINVAL, NULL, "too many operations");
	for (uint32_t i = 0; i < ev->block_count; i++)
		if (ev->blocks[i].ledger == ledger && count_operation(&verdict, &ev->blocks[i]))
			order[count++] = i;
	if (count)
		qsort_r(order, count, sizeof(*order), compare_operations, ev->blocks);
	r = judge_all(&b, order, count, err);
	if (r < 0)
		ledger_done(&verdict);
	else
		*ret = verdict;
	return r;
}
