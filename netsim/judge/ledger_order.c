// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compares the order of revisions with the order in time: a sweep over operations in the order in
 * which they began. The floor, of the store and of each key, is the highest revision shown by
 * operations that ended before.
 */
#include <errno.h>
#include <stdlib.h>

#include "netsim/judge/ledger_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

struct floor {
	int64_t revision;
	uint32_t op; /* that has shown it */
};

struct sweep {
	struct ledger *l;
	struct floor store;
	struct floor *keys; /* by number of the name: of versions of this key */
};

static int compare_moments(const void *va, const void *vb)
{
	const struct moment *a = va, *b = vb;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return a->op < b->op ? -1 : a->op > b->op;
}

/* Returns the operations sorted by begin or by end. Most histories are in this order already. */
static struct moment *sort_moments(const struct ledger *l, bool ends)
{
	struct moment *list = calloc((size_t)l->op_count + 1, sizeof(*list));
	bool sorted = true;

	for (uint32_t i = 0; list && i < l->op_count; i++) {
		list[i] = (struct moment) {ends ? l->ops[i].end : l->ops[i].begin, i};
		sorted = sorted && (i == 0 || list[i].time >= list[i - 1].time);
	}
	if (list && !sorted)
		qsort(list, l->op_count, sizeof(*list), compare_moments);
	return list;
}

static void raise_floor(struct floor *floor, int64_t revision, uint32_t op)
{
	if (revision > floor->revision)
		*floor = (struct floor) {revision, op};
}

/* An operation has ended: operations that begin from now on must not show less. */
static void end_operation(struct sweep *s, uint32_t i)
{
	const struct operation *op = &s->l->ops[i];
	uint32_t shows = s->l->shows[i];
	const struct version *version = shows == LEDGER_NONE ? NULL : &s->l->versions[shows];

	if (s->l->odd[i] || op->kind == OP_WATCH || op->kind == OP_PROGRESS ||
	    (op->result != OP_OK && op->result != OP_UNEQUAL) || (version && version->dead))
		return;
	raise_floor(&s->store, op->kind == OP_EVENT ? op->mod_revision : op->revision, i);
	if (version)
		raise_floor(&s->keys[op->key], version->revision, i);
}

static int suspect(struct ledger *l, const struct suspicion *suspicion)
{
	struct suspicion *added = array_push(l->suspicions, l->suspicion_count);

	if (!added)
		return -ENOMEM;
	*added = *suspicion;
	return 0;
}

/*
 * Compares what an operation saw of a key with the key's last version up to view->revision.
 * Returns 1 if it saw that version; 0 if it saw a later one, which the caller compares with the
 * operation's revision, or if the mismatch was added as a suspicion; or -ENOMEM.
 */
static int compare_view(struct ledger *l, struct suspicion *view)
{
	const struct operation *op = &l->ops[view->op];
	struct version *version = ledger_version(l, op->key, view->revision);
	int64_t now = version && version->value ? version->revision : 0;

	if (view->shows == now) {
		if (version && view->revision > version->top)
			version->top = view->revision;
		if (version && !version->value) {
			if (version->shown == LEDGER_NONE)
				version->shown = view->op;
			if (op->begin > version->later)
				version->later = op->begin;
		}
		return 1;
	}
	if (!version || view->shows > version->revision)
		return 0;
	view->version = (uint32_t)(version - l->versions);
	return suspect(l, view);
}

/* A read below the floor of its key is compared with the floor. */
static int judge_read(struct sweep *s, uint32_t i)
{
	const struct operation *op = &s->l->ops[i];
	int64_t floor = s->keys[op->key].revision;
	struct suspicion view = {.op = i,
				 .revision = floor > op->revision ? floor : op->revision,
				 .shows = op->mod_revision};
	int r;

	if (s->l->odd[i])
		return 0;
	r = compare_view(s->l, &view);
	if (r < 0)
		return r;
	if (op->mod_revision > op->revision)
		return ledger_report(s->l, FINDING_REORDERED, i, LEDGER_NONE);
	if (r == 1 && op->revision < s->store.revision)
		return ledger_report(s->l, FINDING_REORDERED, i, s->store.op);
	return 0;
}

/* The revision of a write, also of one without an answer whose value was seen; 0: none. */
static int64_t revision_of(const struct ledger *l, const struct operation *op)
{
	if (op->result == OP_FAILED || op->result == OP_UNEQUAL)
		return 0;
	if (op->kind == OP_PUT || op->kind == OP_CAS)
		return l->revisions[op->value];
	return ledger_writes(op) ? op->revision : 0;
}

static int judge_write(struct sweep *s, uint32_t i, int64_t revision)
{
	struct ledger *l = s->l;
	const struct operation *op = &l->ops[i];
	struct suspicion view = {
		.op = i, .revision = revision - 1, .shows = op->compare, .compares = true};

	if (l->shows[i] != LEDGER_NONE && l->versions[l->shows[i]].dead)
		return 0;
	if (revision <= s->store.revision)
		return ledger_report(l, FINDING_REORDERED, i, s->store.op);
	if (op->kind == OP_PUT || l->odd[i])
		return 0;
	if (op->kind == OP_DELETE) {
		view.shows = op->mod_revision;
		view.compares = false;
	}
	return compare_view(l, &view) < 0 ? -ENOMEM : 0;
}

static int begin_operation(struct sweep *s, uint32_t i)
{
	const struct operation *op = &s->l->ops[i];
	int64_t revision = op->kind >= OP_WATCH ? 0 : revision_of(s->l, op);
	int r;

	if (revision)
		return judge_write(s, i, revision);
	if (!ledger_reads(op))
		return 0;
	r = judge_read(s, i);
	if (r == 0 && op->kind == OP_CAS && op->mod_revision == op->compare)
		r = ledger_report(s->l, FINDING_SWAPPED, i, LEDGER_NONE);
	return r;
}

int ledger_order(struct ledger *l)
{
	auto_free struct moment *begins = sort_moments(l, false), *ends = sort_moments(l, true);
	auto_free struct floor *keys = calloc(l->ev->names.count + 1, sizeof(*keys));
	struct sweep sweep = {.l = l, .keys = keys};
	uint32_t ended = 0;
	int r = 0;

	if (!begins || !ends || !keys)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < l->op_count; i++) {
		while (ended < l->op_count && ends[ended].time < begins[i].time)
			end_operation(&sweep, ends[ended++].op);
		r = begin_operation(&sweep, begins[i].op);
	}
	return r;
}
