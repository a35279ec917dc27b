// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "netsim/judge/junit.h"
#include "netsim/netsim.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

static enum verdict_result result_of(enum netsim_verdict verdict)
{
	return verdict == NETSIM_AS_ASKED     ? VERDICT_OK :
	       verdict == NETSIM_NOT_AS_ASKED ? VERDICT_FAILED :
						VERDICT_UNPROVED;
}

static struct verdict_row row_of(const struct netsim_run_row *row)
{
	return (struct verdict_row) {.phase = row->phase,
				     .repetition = row->repetition,
				     .repetitions = row->repetitions,
				     .text = row->text,
				     .result = result_of(row->verdict),
				     .begin = row->begin_ns,
				     .end = row->end_ns,
				     .why = row->why,
				     .line = row->line};
}

/* Adds the suite of a run under another name. */
static int add_suite(struct buf *out, const char *name, const struct netsim_run *run, size_t id)
{
	auto_free struct verdict_row *rows = calloc(run->row_count + 1, sizeof(*rows));
	auto_free struct verdict_row **list = calloc(run->row_count + 1, sizeof(*list));
	const struct verdict verdict = {.scenario = name,
					.host = run->host,
					.profile = run->profile,
					.seed = run->seed,
					.wall = run->begin_ns,
					.duration = run->duration_ns,
					.result = result_of(run->verdict),
					.rows = list,
					.row_count = run->row_count};

	if (!rows || !list)
		return -ENOMEM;
	for (size_t i = 0; i < run->row_count; i++) {
		rows[i] = row_of(run->rows[i]);
		list[i] = &rows[i];
	}
	junit_suite(out, &verdict, id);
	return 0;
}

char *netsim_run_junit(const struct netsim_run_outcome *outcomes, size_t count)
{
	struct buf out = {0};
	int r = 0;

	junit_begin(&out);
	for (size_t i = 0; r == 0 && i < count; i++)
		if (outcomes[i].run)
			r = add_suite(&out, outcomes[i].name, outcomes[i].run, i);
		else
			junit_error(&out, outcomes[i].name, outcomes[i].why,
				    clock_ns(CLOCK_REALTIME), i);
	junit_end(&out);
	if (r == 0)
		return buf_take(&out);
	buf_done(&out);
	return NULL;
}
