// SPDX-License-Identifier: GPL-2.0-or-later
/* The judge of ledgers: its steps. */
#include "netsim/judge/ledger_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/auto.h"
#include "netsim/util/err.h"

static void count_operations(struct ledger *l)
{
	for (uint32_t i = 0; i < l->op_count; i++) {
		const struct operation *op = &l->ops[i];

		l->ret->watched += op->kind == OP_EVENT;
		if (op->kind >= OP_WATCH)
			continue;
		l->ret->acknowledged += op->result == OP_OK || op->result == OP_UNEQUAL;
		l->ret->unknown += op->result == OP_UNKNOWN;
		l->ret->failed += op->result == OP_FAILED;
		l->ret->reads += op->kind == OP_GET && op->result == OP_OK;
	}
}

static int prepare(struct ledger *l)
{
	size_t values = l->ev->values.count + 1;

	l->writers = malloc(values * sizeof(*l->writers));
	l->revisions = calloc(values, sizeof(*l->revisions));
	l->odd = calloc(l->op_count + 1, sizeof(*l->odd));
	l->shows = malloc((l->op_count + 1) * sizeof(*l->shows));
	l->keys = calloc(l->ev->names.count + 1, sizeof(*l->keys));
	if (!l->writers || !l->revisions || !l->odd || !l->shows || !l->keys)
		return -ENOMEM;
	memset(l->writers, 0xff, values * sizeof(*l->writers));
	memset(l->shows, 0xff, (l->op_count + 1) * sizeof(*l->shows));
	count_operations(l);
	return 0;
}

static int compare_findings(const void *va, const void *vb)
{
	const struct finding *a = va, *b = vb;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return a->op < b->op ? -1 : a->op > b->op;
}

static int judge(struct ledger *l)
{
	int r = prepare(l);

	if (r == 0)
		r = ledger_versions(l);
	if (r == 0)
		r = ledger_order(l);
	if (r == 0)
		r = ledger_settle(l);
	if (r == 0)
		r = ledger_watch(l);
	if (r == 0 && l->ret->finding_count)
		qsort(l->ret->findings, l->ret->finding_count, sizeof(*l->ret->findings),
		      compare_findings);
	return r == -ENOMEM ? err_oom(l->err) : r;
}

static int judge_operations(const struct evidence *ev, bool complete, struct ledger_verdict *ret,
			    struct netsim_err *err)
{
	struct ledger l = {.ev = ev,
			   .ops = ev->operations,
			   .op_count = (uint32_t)ev->operation_count,
			   .complete = complete,
			   .ret = ret,
			   .err = err};
	int r = judge(&l);

	free(l.writers);
	free(l.revisions);
	free(l.odd);
	free(l.shows);
	free(l.versions);
	free(l.keys);
	free(l.by_revision);
	free(l.suspicions);
	free(l.answers);
	free(l.begins);
	return r;
}

/* Copies the operations of one ledger, with their indices. */
static int pick_operations(const struct evidence *ev, uint32_t ledger, struct evidence *ret,
			   uint32_t *indices)
{
	ret->operations = calloc(ev->operation_count + 1, sizeof(*ret->operations));
	if (!ret->operations || !indices)
		return -ENOMEM;
	for (uint32_t i = 0; i < ev->operation_count; i++) {
		if (ev->operations[i].ledger != ledger)
			continue;
		indices[ret->operation_count] = i;
		ret->operations[ret->operation_count++] = ev->operations[i];
	}
	return 0;
}

/* Judges a copy of one ledger's operations, because those of others are between them. */
static int judge_copy(const struct evidence *ev, uint32_t ledger, bool complete,
		      struct ledger_verdict *ret, struct netsim_err *err)
{
	auto_free uint32_t *indices = calloc(ev->operation_count + 1, sizeof(*indices));
	struct evidence copy = *ev;
	int r;

	copy.operation_count = 0;
	r = pick_operations(ev, ledger, &copy, indices);
	if (r == 0)
		r = judge_operations(&copy, complete, ret, err);
	else
		err_oom(err);
	free(copy.operations);
	for (size_t i = 0; r == 0 && i < ret->finding_count; i++) {
		struct finding *finding = &ret->findings[i];

		finding->op = indices[finding->op];
		if (finding->proof != LEDGER_NONE)
			finding->proof = indices[finding->proof];
	}
	return r;
}

int ledger_judge(const struct evidence *ev, uint32_t ledger, bool complete,
		 struct ledger_verdict *ret, struct netsim_err *err)
{
	struct ledger_verdict verdict = {0};
	bool mixed = false;
	int r;

	if (ev->operation_count >= LEDGER_NONE)
		return err_set(err, NETSIM_ERR_INPUT, -EINVAL, NULL, "too many operations");
	for (size_t i = 0; i < ev->operation_count && !mixed; i++)
		mixed = ev->operations[i].ledger != ledger;
	r = mixed ? judge_copy(ev, ledger, complete, &verdict, err) :
		    judge_operations(ev, complete, &verdict, err);
	if (r < 0)
		ledger_done(&verdict);
	else
		*ret = verdict;
	return r;
}

void ledger_done(struct ledger_verdict *verdict)
{
	free(verdict->findings);
	*verdict = (struct ledger_verdict) {0};
}
