// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/fleet/run_file.h"
#include "netsim/api/run_verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/run_claims.h"
#include "netsim/judge/chart.h"
#include "netsim/judge/junit.h"
#include "netsim/judge/verdict.h"
#include "netsim/util/arena.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

/* The sentences of the run, in the order of the file. */
struct claims {
	struct claim *list;
	struct expectation *parsed;
	char **phases;
	size_t count;
};

static void claims_done(struct claims *claims)
{
	for (size_t i = 0; i < claims->count; i++) {
		expectation_done(&claims->parsed[i]);
		free(claims->phases[i]);
	}
	free(claims->list);
	free(claims->parsed);
	free(claims->phases);
}

static int add_claim(struct claims *claims, const struct evidence *ev, const struct event *event,
		     struct netsim_err *err)
{
	const char *text = text_table_get(&ev->names, event->subject);
	size_t i = claims->count, bad;
	int r = expectation_parse(text, &claims->parsed[i], &bad, err);

	if (r < 0)
		return err_wrap(err, r, "\"%s\"", shown(text));
	claims->phases[i] = strdup(text_table_get(&ev->names, event->phase));
	claims->count++;
	if (!claims->phases[i])
		return err_oom(err);
	claim_make(&claims->parsed[i], claims->phases[i], event->repetition, &claims->list[i]);
	return 0;
}

static int make_claims(const struct evidence *ev, struct claims *ret, struct netsim_err *err)
{
	size_t most = 1;
	int r = 0;

	for (size_t i = 0; i < ev->event_count; i++)
		most += ev->events[i].kind == EVENT_EXPECTED;
	ret->list = calloc(most, sizeof(*ret->list));
	ret->parsed = calloc(most, sizeof(*ret->parsed));
	ret->phases = calloc(most, sizeof(*ret->phases));
	if (!ret->list || !ret->parsed || !ret->phases)
		return err_oom(err);
	for (size_t i = 0; r == 0 && i < ev->event_count; i++)
		if (ev->events[i].kind == EVENT_EXPECTED)
			r = add_claim(ret, ev, &ev->events[i], err);
	return r;
}

/* --- publishing */

static enum netsim_verdict word_of(enum verdict_result result)
{
	return result == VERDICT_OK	? NETSIM_AS_ASKED :
	       result == VERDICT_FAILED ? NETSIM_NOT_AS_ASKED :
					  NETSIM_UNPROVED;
}

static int add_row(struct netsim_run *ret, const struct verdict_row *from)
{
	struct netsim_run_row *row = arena_push(ret, ret->rows, ret->row_count);

	if (!row)
		return -ENOMEM;
	*row = (struct netsim_run_row) {.phase = arena_strdup(ret, from->phase),
					.repetition = from->repetition,
					.repetitions = from->repetitions,
					.text = arena_strdup(ret, from->text),
					.verdict = word_of(from->result),
					.measured = from->measured,
					.value = from->value,
					.low = from->low,
					.high = from->high,
					.limit = from->limit,
					.begin_ns = from->begin,
					.end_ns = from->end,
					.when_ns = from->when,
					.shows = arena_strdup(ret, from->shows),
					.why = arena_strdup(ret, from->why),
					.line = arena_strdup(ret, from->line)};
	ret->as_asked += from->result == VERDICT_OK;
	ret->failed += from->result == VERDICT_FAILED;
	ret->unproved += from->result == VERDICT_UNPROVED;
	return row->phase && row->text && row->shows && row->why && row->line ? 0 : -ENOMEM;
}

static int add_expectation(struct netsim_run *ret, const struct claim *claims,
			   const struct verdict_summary *from)
{
	struct netsim_run_expectation *x =
		arena_push(ret, ret->expectations, ret->expectation_count);

	if (!x)
		return -ENOMEM;
	*x = (struct netsim_run_expectation) {.phase = arena_strdup(ret, claims[from->claim].phase),
					      .text = arena_strdup(ret, claims[from->claim].text),
					      .as_asked = from->ok,
					      .failed = from->failed,
					      .unproved = from->unproved,
					      .measured = from->count,
					      .min = from->min,
					      .median = from->median,
					      .max = from->max,
					      .shows = arena_strdup(ret, from->shows)};
	return x->phase && x->text && x->shows ? 0 : -ENOMEM;
}

static int add_findings(struct netsim_run *ret, const struct verdict *from)
{
	char **list = arena_alloc(ret, (from->finding_count + 1) * sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < from->finding_count; i++) {
		list[i] = arena_printf(ret, "%s: %s", from->findings[i]->ledger,
				       from->findings[i]->line);
		if (!list[i])
			return -ENOMEM;
	}
	ret->findings = (const char **)list;
	ret->finding_count = from->finding_count;
	ret->finding_total = from->finding_total;
	return 0;
}

static int publish(const struct verdict *from, const struct claim *claims, struct netsim_run *ret)
{
	auto_free char *json = verdict_json(from), *junit = junit_verdict(from);
	int r = json && junit ? add_findings(ret, from) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < from->row_count; i++)
		r = add_row(ret, from->rows[i]);
	for (size_t i = 0; r == 0 && i < from->summary_count; i++)
		r = add_expectation(ret, claims, from->summaries[i]);
	if (r < 0)
		return r;
	ret->scenario = arena_strdup(ret, from->scenario);
	ret->host = arena_strdup(ret, from->host);
	ret->profile = arena_strdup(ret, from->profile);
	ret->seed = arena_strdup(ret, from->seed);
	ret->json = arena_strdup(ret, json);
	ret->junit = arena_strdup(ret, junit);
	ret->verdict = word_of(from->result);
	ret->complete = from->complete;
	ret->begin_ns = from->wall;
	ret->duration_ns = from->duration;
	return ret->scenario && ret->host && ret->profile && ret->seed && ret->json && ret->junit ?
		       0 :
		       -ENOMEM;
}

static int add_chart(const struct evidence *ev, const struct claims *claims, struct netsim_run *ret)
{
	char *chart = chart_json(ev, claims->list, claims->count);

	ret->chart = chart ? arena_adopt(ret, chart) : NULL;
	return ret->chart ? 0 : -ENOMEM;
}

int run_judge(const struct evidence *ev, struct netsim_run **ret, struct netsim_err *err)
{
	autofn(claims_done) struct claims claims = {0};
	struct netsim_run *result = arena_new(sizeof(*result));
	struct verdict *verdict = NULL;
	int r = result ? make_claims(ev, &claims, err) : err_oom(err);

	if (r == 0)
		r = verdict_make(ev, claims.list, claims.count, &verdict, err);
	if (r == 0 && publish(verdict, claims.list, result) < 0)
		r = err_oom(err);
	if (r == 0 && add_chart(ev, &claims, result) < 0)
		r = err_oom(err);
	verdict_free(verdict);
	if (r < 0)
		arena_free(result);
	else
		*ret = result;
	return r;
}

int run_write_file(const char *folder, const char *name, const char *text)
{
	char path[4096];
	auto_close int fd = -1;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	return run_file_write(fd, text);
}
