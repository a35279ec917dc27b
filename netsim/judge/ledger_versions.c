// SPDX-License-Identifier: GPL-2.0-or-later
/* Collects the versions of all keys, and reports impossible values. */
#include <errno.h>
#include <stdlib.h>

#include "netsim/judge/ledger_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

static struct version *add_version(struct ledger *l, uint32_t key, uint32_t value, int64_t revision)
{
	struct version *version = array_push(l->versions, l->version_count);

	if (!version)
		return NULL;
	version->key = key;
	version->value = value;
	version->revision = revision;
	version->op = version->shown = LEDGER_NONE;
	version->later = INT64_MIN;
	return version;
}

static bool may_write(const struct operation *op)
{
	return op->kind == OP_PUT || op->kind == OP_CAS;
}

static int find_writers(struct ledger *l)
{
	for (uint32_t i = 0; i < l->op_count; i++) {
		const struct operation *op = &l->ops[i];

		if (!may_write(op))
			continue;
		if (l->writers[op->value] != LEDGER_NONE)
			return err_set(l->err, NETSIM_ERR_INPUT, -EINVAL, NULL,
				       "two operations write %s",
				       shown(text_table_get(&l->ev->values, op->value)));
		l->writers[op->value] = i;
	}
	return 0;
}

static int add_acknowledged(struct ledger *l)
{
	for (uint32_t i = 0; i < l->op_count; i++) {
		const struct operation *op = &l->ops[i];
		uint32_t value = op->kind == OP_DELETE ? 0 : op->value;
		struct version *version;

		if (!ledger_writes(op))
			continue;
		version = add_version(l, op->key, value, op->revision);
		if (!version)
			return -ENOMEM;
		version->op = i;
		version->acknowledged = true;
		if (value)
			l->revisions[value] = op->revision;
	}
	return 0;
}

/* --- values seen */

/* The value that an operation shows of its key; false: it shows none. */
static bool shown_value(const struct operation *op, uint32_t *value)
{
	if (op->kind == OP_EVENT)
		*value = op->value;
	else if (ledger_reads(op))
		*value = op->seen;
	else
		return false;
	return true;
}

static int report_odd(struct ledger *l, enum finding_kind kind, uint32_t op, uint32_t proof)
{
	l->odd[op] = true;
	return ledger_report(l, kind, op, proof);
}

/* Returns the acknowledged write with this revision, other than "than"; or LEDGER_NONE. */
static uint32_t other_write_at(const struct ledger *l, const uint32_t *acknowledged, size_t count,
			       const struct operation *than, int64_t revision)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->ops[acknowledged[middle]].revision < revision)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < count && l->ops[acknowledged[low]].revision == revision; low++)
		if (&l->ops[acknowledged[low]] != than)
			return acknowledged[low];
	return LEDGER_NONE;
}

struct seeing {
	const uint32_t *acknowledged; /* writes by revision */
	size_t count;
	bool *reported; /* by operation: doubled or revived */
};

/* A value shows up at a second revision: either the answer shows an old body, or it was written
 * twice. */
static int see_again(struct ledger *l, const struct seeing *seeing, uint32_t i, uint32_t value)
{
	const struct operation *op = &l->ops[i];
	uint32_t writer = l->writers[value];
	uint32_t other = other_write_at(l, seeing->acknowledged, seeing->count, &l->ops[writer],
					op->mod_revision);
	struct version *version;

	if (other != LEDGER_NONE)
		return report_odd(l, FINDING_STALE, i, other);
	version = add_version(l, op->key, value, op->mod_revision);
	if (!version)
		return -ENOMEM;
	version->op = writer;
	if (seeing->reported[writer])
		return 0;
	seeing->reported[writer] = true;
	return ledger_report(l, FINDING_DOUBLED, writer, i);
}

static int see_value(struct ledger *l, const struct seeing *seeing, uint32_t i, uint32_t value)
{
	const struct operation *op = &l->ops[i];
	uint32_t writer = l->writers[value];
	struct version *version;
	int r = 0;

	if (writer == LEDGER_NONE && !l->complete) {
		l->odd[i] = true;
		l->ret->unrecorded++;
		return 0;
	}
	if (writer == LEDGER_NONE || l->ops[writer].key != op->key ||
	    l->ops[writer].begin > op->end)
		return report_odd(l, FINDING_PHANTOM, i, writer);
	if (l->ops[writer].result == OP_FAILED || l->ops[writer].result == OP_UNEQUAL) {
		if (!seeing->reported[writer])
			r = ledger_report(l, FINDING_REVIVED, writer, i);
		seeing->reported[writer] = true;
	}
	if (r < 0 || l->revisions[value] == op->mod_revision)
		return r;
	if (l->revisions[value])
		return see_again(l, seeing, i, value);
	l->revisions[value] = op->mod_revision;
	version = add_version(l, op->key, value, op->mod_revision);
	if (!version)
		return -ENOMEM;
	version->op = writer;
	return 0;
}

static int see_all(struct ledger *l, const struct seeing *seeing)
{
	for (uint32_t i = 0; i < l->op_count; i++) {
		const struct operation *op = &l->ops[i];
		uint32_t value;
		int r = 0;

		if (!shown_value(op, &value))
			continue;
		if (value)
			r = see_value(l, seeing, i, value);
		else if (op->kind == OP_EVENT && !add_version(l, op->key, 0, op->mod_revision))
			r = -ENOMEM;
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_writes(const void *va, const void *vb, void *ops)
{
	const struct operation *a = (const struct operation *)ops + *(const uint32_t *)va;
	const struct operation *b = (const struct operation *)ops + *(const uint32_t *)vb;

	return a->revision < b->revision ? -1 : a->revision > b->revision;
}

static int add_seen(struct ledger *l)
{
	auto_free uint32_t *acknowledged = calloc(l->version_count + 1, sizeof(*acknowledged));
	auto_free bool *reported = calloc(l->op_count + 1, sizeof(*reported));
	struct seeing seeing = {
		.acknowledged = acknowledged, .count = l->version_count, .reported = reported};

	if (!acknowledged || !reported)
		return -ENOMEM;
	for (size_t i = 0; i < seeing.count; i++)
		acknowledged[i] = l->versions[i].op;
	qsort_r(acknowledged, seeing.count, sizeof(*acknowledged), compare_writes, (void *)l->ops);
	return see_all(l, &seeing);
}

/* --- order */

static int compare_versions(const void *va, const void *vb)
{
	const struct version *a = va, *b = vb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->revision != b->revision)
		return a->revision < b->revision ? -1 : 1;
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return b->acknowledged - a->acknowledged;
}

/* Sorts, and drops duplicates that were not acknowledged; acknowledged ones come first. */
static void sort_versions(struct ledger *l)
{
	size_t kept = 0;

	if (l->version_count)
		qsort(l->versions, l->version_count, sizeof(*l->versions), compare_versions);
	for (size_t i = 0; i < l->version_count; i++) {
		const struct version *last = kept ? &l->versions[kept - 1] : NULL;

		if (last && last->key == l->versions[i].key &&
		    last->revision == l->versions[i].revision &&
		    last->value == l->versions[i].value && !l->versions[i].acknowledged)
			continue;
		l->versions[kept++] = l->versions[i];
	}
	l->version_count = kept;
	for (size_t i = 0; i < kept; i++) {
		struct key_range *range = &l->keys[l->versions[i].key];

		if (!range->count++)
			range->first = i;
	}
}

/* Returns the version of a key with exactly this revision and value, or LEDGER_NONE. */
static uint32_t exact_version(const struct ledger *l, uint32_t key, uint32_t value,
			      int64_t revision)
{
	const struct version *last = ledger_version(l, key, revision);
	size_t at = last ? (size_t)(last - l->versions) + 1 : 0;

	for (; at > l->keys[key].first && l->versions[at - 1].revision == revision; at--)
		if (l->versions[at - 1].value == value)
			return (uint32_t)(at - 1);
	return LEDGER_NONE;
}

/* Links operations with the versions that they wrote or showed. */
static void link_versions(struct ledger *l)
{
	for (size_t i = 0; i < l->version_count; i++) {
		struct version *version = &l->versions[i];

		if (version->acknowledged)
			version->later = l->ops[version->op].begin;
		if (version->acknowledged ||
		    (version->op != LEDGER_NONE && l->shows[version->op] == LEDGER_NONE))
			l->shows[version->op] = (uint32_t)i;
	}
	for (uint32_t i = 0; i < l->op_count; i++) {
		const struct operation *op = &l->ops[i];
		uint32_t value, at;

		if (l->odd[i] || !shown_value(op, &value) || (!value && op->kind != OP_EVENT))
			continue;
		at = exact_version(l, op->key, value, op->mod_revision);
		if (at == LEDGER_NONE)
			continue;
		if (l->versions[at].shown == LEDGER_NONE)
			l->versions[at].shown = i;
		if (op->kind != OP_EVENT && op->begin > l->versions[at].later)
			l->versions[at].later = op->begin;
		/* A delete has shown a version, and written another one. */
		if (l->shows[i] == LEDGER_NONE)
			l->shows[i] = at;
	}
}

static int compare_revisions(const void *va, const void *vb, void *versions)
{
	const struct version *a = (const struct version *)versions + *(const uint32_t *)va;
	const struct version *b = (const struct version *)versions + *(const uint32_t *)vb;

	return a->revision < b->revision ? -1 : a->revision > b->revision;
}

/* A watch reports a delete where a write was acknowledged or seen. */
static int settle_delete(struct ledger *l, struct version *erased, struct version *other)
{
	bool seen = other->shown != LEDGER_NONE;

	if (other->op == LEDGER_NONE || erased->shown == LEDGER_NONE) {
		erased->dead = true;
		return 0;
	}
	erased->dead = seen;
	other->dead = other->lost = !seen;
	return seen ? ledger_report(l, FINDING_REORDERED, erased->shown, other->op) :
		      ledger_report(l, FINDING_LOST, other->op, erased->shown);
}

/* Of two versions with the same revision, at most one happened. */
static int settle_pair(struct ledger *l, uint32_t ia, uint32_t ib)
{
	struct version *a = &l->versions[ia], *b = &l->versions[ib];
	const struct operation *ops = l->ops;

	if (a->op == LEDGER_NONE || b->op == LEDGER_NONE)
		return a->op == LEDGER_NONE ? settle_delete(l, a, b) : settle_delete(l, b, a);
	bool a_seen = a->shown != LEDGER_NONE, b_seen = b->shown != LEDGER_NONE;
	bool a_first = ops[a->op].end < ops[b->op].begin;
	bool b_first = ops[b->op].end < ops[a->op].begin;

	if (a_seen == b_seen && !a_first && !b_first) {
		b->dead = true;
		return ledger_report(l, FINDING_REORDERED, b->op, a->op);
	}
	/* The one that was never seen, or else the later one, was acknowledged without effect. */
	if (a_seen != b_seen ? b_seen : b_first) {
		struct version *swap = a;

		a = b;
		b = swap;
	}
	b->dead = b->lost = true;
	return ledger_report(l, FINDING_LOST, b->op, a->op);
}

static int settle_revisions(struct ledger *l)
{
	uint32_t alive = LEDGER_NONE;
	int r = 0;

	l->by_revision = calloc(l->version_count + 1, sizeof(*l->by_revision));
	if (!l->by_revision)
		return -ENOMEM;
	for (uint32_t i = 0; i < l->version_count; i++)
		l->by_revision[i] = i;
	qsort_r(l->by_revision, l->version_count, sizeof(*l->by_revision), compare_revisions,
		l->versions);
	for (size_t i = 0; r == 0 && i < l->version_count; i++) {
		uint32_t at = l->by_revision[i];

		if (alive != LEDGER_NONE && l->versions[alive].revision == l->versions[at].revision)
			r = settle_pair(l, alive, at);
		if (!l->versions[at].dead)
			alive = at;
	}
	return r;
}

int ledger_versions(struct ledger *l)
{
	int r = find_writers(l);

	if (r == 0)
		r = add_acknowledged(l);
	if (r == 0)
		r = add_seen(l);
	if (r < 0)
		return r;
	sort_versions(l);
	link_versions(l);
	return settle_revisions(l);
}
