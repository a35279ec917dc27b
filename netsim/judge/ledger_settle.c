// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Settles suspicions. A key that is absent may have been deleted by an operation whose outcome
 * is unknown; each such operation explains one absence. All other suspicions become findings:
 * lost, stale or swapped.
 */
#include <errno.h>
#include <stdlib.h>

#include "netsim/judge/ledger_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

/* Versions that one read may contradict; bounds the work if a store lost everything. */
#define WALK_MAX 64

/* --- absences */

/* An absence between two versions, or a delete that only a watch reported. */
struct absence {
	uint32_t key;
	int64_t deadline; /* the delete began before */
	uint32_t version;
	size_t first, count; /* suspicions; 0: reported by a watch */
};

struct absences {
	struct absence *list;
	struct moment *deletes; /* indeterminate ones, by key, then by begin */
	size_t count, delete_count;
};

static int compare_suspicions(const void *va, const void *vb)
{
	const struct suspicion *a = va, *b = vb;

	if (a->version != b->version)
		return a->version < b->version ? -1 : 1;
	return a->op < b->op ? -1 : a->op > b->op;
}

static int compare_absences(const void *va, const void *vb)
{
	const struct absence *a = va, *b = vb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->deadline < b->deadline ? -1 : a->deadline > b->deadline;
}

static int compare_deletes(const void *va, const void *vb, void *ops)
{
	const struct moment *a = va, *b = vb;
	uint32_t ka = ((const struct operation *)ops)[a->op].key;
	uint32_t kb = ((const struct operation *)ops)[b->op].key;

	if (ka != kb)
		return ka < kb ? -1 : 1;
	return a->time < b->time ? -1 : a->time > b->time;
}

/* Whether an indeterminate delete could explain it: no later state has the version. */
static bool may_be_deleted(const struct ledger *l, const struct suspicion *suspicion)
{
	const struct version *version = &l->versions[suspicion->version];

	return !suspicion->shows && version->value && suspicion->revision > version->top &&
	       suspicion->revision > version->revision;
}

/* Adds the absence of a version: of all its suspicions, which are next to each other. */
static int add_absence(struct ledger *l, struct absences *all, size_t first, size_t count)
{
	struct absence absence = {.version = l->suspicions[first].version,
				  .deadline = INT64_MAX,
				  .first = first,
				  .count = count};
	struct absence *added;
	bool any = false;

	for (size_t i = first; i < first + count; i++) {
		const struct operation *op = &l->ops[l->suspicions[i].op];

		if (!may_be_deleted(l, &l->suspicions[i]))
			continue;
		any = true;
		if (op->result != OP_UNKNOWN && op->end < absence.deadline)
			absence.deadline = op->end;
	}
	if (!any)
		return 0;
	absence.key = l->versions[absence.version].key;
	added = array_push(all->list, all->count);
	if (!added)
		return -ENOMEM;
	*added = absence;
	return 0;
}

static int find_absences(struct ledger *l, struct absences *all)
{
	size_t next;

	for (size_t i = 0; i < l->suspicion_count; i = next) {
		for (next = i + 1; next < l->suspicion_count; next++)
			if (l->suspicions[next].version != l->suspicions[i].version)
				break;
		if (add_absence(l, all, i, next - i) < 0)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < l->version_count; i++) {
		const struct version *version = &l->versions[i];
		struct absence *absence;

		if (version->op != LEDGER_NONE || version->dead || version->shown == LEDGER_NONE)
			continue;
		absence = array_push(all->list, all->count);
		if (!absence)
			return -ENOMEM;
		*absence = (struct absence) {
			.key = version->key, .deadline = l->ops[version->shown].end, .version = i};
	}
	return 0;
}

static int find_deletes(struct ledger *l, struct absences *all)
{
	for (uint32_t i = 0; i < l->op_count; i++) {
		struct moment *added;

		if (l->ops[i].kind != OP_DELETE || l->ops[i].result != OP_UNKNOWN)
			continue;
		added = array_push(all->deletes, all->delete_count);
		if (!added)
			return -ENOMEM;
		*added = (struct moment) {l->ops[i].begin, i};
	}
	return 0;
}

static int settle_absence(struct ledger *l, const struct absence *absence, bool explained)
{
	if (!explained && l->complete)
		return absence->count ?
			       0 :
			       ledger_report(l, FINDING_PHANTOM,
					     l->versions[absence->version].shown, LEDGER_NONE);
	l->ret->unrecorded += !explained;
	l->versions[absence->version].deleted = true;
	for (size_t i = absence->first; i < absence->first + absence->count; i++)
		l->suspicions[i].settled = may_be_deleted(l, &l->suspicions[i]);
	return 0;
}

/*
 * Matches absences with deletes of their key, both in the order of time: all absences accept a
 * delete that began before their deadline, so the first unused one is as good as any.
 */
static int match_absences(struct ledger *l, struct absences *all)
{
	size_t next = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->count; i++) {
		const struct absence *absence = &all->list[i];
		bool explained;

		while (next < all->delete_count && l->ops[all->deletes[next].op].key < absence->key)
			next++;
		explained = next < all->delete_count &&
			    l->ops[all->deletes[next].op].key == absence->key &&
			    all->deletes[next].time < absence->deadline;
		next += explained;
		r = settle_absence(l, absence, explained);
	}
	return r;
}

static int settle_absences(struct ledger *l)
{
	struct absences all = {0};
	int r = find_absences(l, &all);

	if (r == 0 && all.count)
		r = find_deletes(l, &all);
	if (r == 0 && all.count) {
		qsort(all.list, all.count, sizeof(*all.list), compare_absences);
		if (all.delete_count)
			qsort_r(all.deletes, all.delete_count, sizeof(*all.deletes),
				compare_deletes, (void *)l->ops);
		r = match_absences(l, &all);
	}
	free(all.list);
	free(all.deletes);
	return r;
}

/* --- lost or stale */

static uint32_t writer_of(const struct version *version)
{
	return version->op != LEDGER_NONE ? version->op : version->shown;
}

/* Returns the version before this one that a suspicion contradicts, too; or NULL. */
static struct version *previous(const struct ledger *l, const struct suspicion *suspicion,
				struct version *version)
{
	while (version > &l->versions[l->keys[version->key].first]) {
		version--;
		if (version->dead)
			continue;
		if (version->revision <= suspicion->shows ||
		    (!suspicion->shows && (!version->value || version->deleted)))
			return NULL;
		return version;
	}
	return NULL;
}

static int compare_answers(const void *va, const void *vb, void *ops)
{
	int64_t a = ((const struct operation *)ops)[*(const uint32_t *)va].revision;
	int64_t b = ((const struct operation *)ops)[*(const uint32_t *)vb].revision;

	return a < b ? -1 : a > b;
}

static int sort_answers(struct ledger *l)
{
	l->answers = calloc((size_t)l->op_count + 1, sizeof(*l->answers));
	l->begins = calloc((size_t)l->op_count + 1, sizeof(*l->begins));
	if (!l->answers || !l->begins)
		return -ENOMEM;
	for (uint32_t i = 0; i < l->op_count; i++)
		if (l->ops[i].kind < OP_WATCH && l->ops[i].revision)
			l->answers[l->answer_count++] = i;
	qsort_r(l->answers, l->answer_count, sizeof(*l->answers), compare_answers, (void *)l->ops);
	for (size_t i = l->answer_count; i-- > 0;) {
		l->begins[i] = l->ops[l->answers[i]].begin;
		if (i + 1 < l->answer_count && l->begins[i + 1] > l->begins[i])
			l->begins[i] = l->begins[i + 1];
	}
	return 0;
}

/* Whether an operation that began later than another one shows this revision or a higher one. */
static int is_reached_after(struct ledger *l, int64_t revision, int64_t begin)
{
	size_t low = 0, high;

	if (!l->answers && sort_answers(l) < 0)
		return -ENOMEM;
	high = l->answer_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->ops[l->answers[middle]].revision < revision)
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->answer_count && l->begins[low] > begin;
}

/*
 * Whether a read proves that a version is lost. A read of an earlier revision is old, unless the
 * store never reaches the version's revision again.
 */
static int proves_loss(struct ledger *l, const struct operation *read,
		       const struct version *version)
{
	bool seen = version->shown != LEDGER_NONE;
	int reached;

	if (read->revision >= version->revision)
		return !seen || read->begin > version->later;
	if (seen)
		return 0;
	reached = is_reached_after(l, version->revision, read->begin);
	return reached < 0 ? reached : !reached;
}

/*
 * A version is lost if it was never seen, or not seen again after a read of a later revision
 * lacks it.
 */
static int find_lost(struct ledger *l, const struct suspicion *suspicion)
{
	const struct operation *op = &l->ops[suspicion->op];
	struct version *version = &l->versions[suspicion->version];

	for (int i = 0; version && i < WALK_MAX; i++) {
		if (!version->lost) {
			int lost = proves_loss(l, op, version);

			if (lost <= 0)
				return lost;
			version->lost = true;
			if (ledger_report(l, FINDING_LOST, writer_of(version), suspicion->op) < 0)
				return -ENOMEM;
		}
		version = previous(l, suspicion, version);
	}
	return 0;
}

/*
 * Whether a suspicion may prove a loss. A comparison that succeeded in spite of a write that was
 * never seen may; but of two comparisons with the same state, one should have failed.
 */
static bool may_be_lost(const struct ledger *l, const struct suspicion *suspicion)
{
	const struct version *version = &l->versions[suspicion->version];
	const struct operation *write;

	if (!suspicion->compares || version->op == LEDGER_NONE)
		return !suspicion->compares;
	write = &l->ops[version->op];
	return version->shown == LEDGER_NONE &&
	       (write->kind != OP_CAS || write->compare != l->ops[suspicion->op].compare);
}

static int find_stale(struct ledger *l, const struct suspicion *suspicion)
{
	struct version *version = &l->versions[suspicion->version];
	int i = 0;

	while (version && version->lost && i++ < WALK_MAX)
		version = previous(l, suspicion, version);
	if (!version || version->lost)
		return 0;
	return ledger_report(l, suspicion->compares ? FINDING_SWAPPED : FINDING_STALE,
			     suspicion->op, writer_of(version));
}

/* Sets "later" of each version to the maximum of it and all later versions of the key. */
static void spread_later(struct ledger *l)
{
	for (size_t i = l->version_count; i-- > 1;) {
		const struct version *version = &l->versions[i];
		struct version *before = &l->versions[i - 1];

		if (before->key == version->key && before->later < version->later)
			before->later = version->later;
	}
}

int ledger_settle(struct ledger *l)
{
	int r;

	if (l->suspicion_count)
		qsort(l->suspicions, l->suspicion_count, sizeof(*l->suspicions),
		      compare_suspicions);
	r = settle_absences(l);
	spread_later(l);
	for (size_t i = 0; r == 0 && i < l->suspicion_count; i++)
		if (!l->suspicions[i].settled && may_be_lost(l, &l->suspicions[i]))
			r = find_lost(l, &l->suspicions[i]);
	for (size_t i = 0; r == 0 && i < l->suspicion_count; i++)
		if (!l->suspicions[i].settled)
			r = find_stale(l, &l->suspicions[i]);
	return r;
}
