// SPDX-License-Identifier: GPL-2.0-or-later
/* A thread that queries the members of clusters, and evaluates the conditions to abort. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/run_claims.h"
#include "netsim/api/run_parts.h"
#include "netsim/judge/verdict.h"
#include "netsim/run/thread.h"
#include "netsim/util/auto.h"

#define INTERVAL 200000000LL /* ns between two queries of members, and two evaluations */
#define PHASE	 "abort"     /* a window for the judge: the timeline so far */

struct run_watch {
	struct run *run;
	pthread_t thread;
	bool running, stop;
	struct claim *claims;
	struct evidence ev; /* a copy without operations */
};

static bool is_stopped(struct run_watch *watch)
{
	bool stop;

	pthread_mutex_lock(&watch->run->lock_shared);
	stop = watch->stop;
	pthread_mutex_unlock(&watch->run->lock_shared);
	return stop;
}

/* --- conditions to abort */

/* Makes the timeline so far a phase that has just ended. */
static int set_window(struct run_watch *watch, int64_t begin)
{
	const struct event events[] = {
		{.kind = EVENT_PHASE, .time = begin, .phase = evidence_name(&watch->ev, PHASE)},
		{.kind = EVENT_RUN_END, .time = run_now()}};
	int r = 0;

	watch->ev.event_count = 0;
	free(watch->ev.events);
	watch->ev.events = NULL;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(events); i++)
		r = evidence_add(&watch->ev, EVIDENCE_EVENT, &events[i]);
	return r;
}

static void try_conditions(struct run_watch *watch)
{
	struct run *run = watch->run;
	struct verdict *verdict = NULL;
	int64_t begin;

	pthread_mutex_lock(&run->lock_shared);
	begin = run->entry ? run->begin : 0;
	pthread_mutex_unlock(&run->lock_shared);
	if (!run->s->abort_count || !begin || recorder_copy(run->rec, &watch->ev) < 0 ||
	    set_window(watch, begin) < 0 ||
	    verdict_make(&watch->ev, watch->claims, run->s->abort_count, &verdict, NULL) < 0)
		return;
	for (size_t i = 0; i < verdict->row_count; i++) {
		const struct verdict_row *row = verdict->rows[i];

		if (row->claim != SIZE_MAX && row->result == VERDICT_OK)
			run_halt(run, true, "%s: %s", row->text, row->shows);
	}
	verdict_free(verdict);
}

/* --- the thread */

static void keep_watching(void *arg)
{
	struct run_watch *watch = arg;
	struct run *run = watch->run;
	int64_t due = run_now();

	while (!is_stopped(watch)) {
		int64_t begin = run_now(), took;
		struct timespec at;

		for (size_t i = 0; i < run->cluster_count; i++)
			cluster_record(run, &run->clusters[i]);
		try_conditions(watch);
		took = run_now() - begin;
		due += INTERVAL;
		/* At most half of the time, so that members on a slow machine have the rest. */
		if (due < run_now() + took)
			due = run_now() + took;
		at = (struct timespec) {due / 1000000000, due % 1000000000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	}
}

int watch_start(struct run *run, struct netsim_err *err)
{
	struct run_watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return err_oom(err);
	run->watch = watch;
	watch->run = run;
	watch->claims = calloc(run->s->abort_count + 1, sizeof(*watch->claims));
	if (!watch->claims)
		return err_oom(err);
	for (size_t i = 0; i < run->s->abort_count; i++)
		claim_make(&run->s->aborts[i]->e, PHASE, 0, &watch->claims[i]);
	/* Registers the name, so that it has the same number in the copy. */
	recorder_name(run->rec, PHASE);
	r = thread_start(NULL, keep_watching, watch, &watch->thread, err);
	watch->running = r == 0;
	return r;
}

void watch_stop(struct run *run)
{
	struct run_watch *watch = run->watch;

	if (!watch)
		return;
	pthread_mutex_lock(&run->lock_shared);
	watch->stop = true;
	pthread_mutex_unlock(&run->lock_shared);
	if (watch->running)
		pthread_join(watch->thread, NULL);
	evidence_done(&watch->ev);
	free(watch->claims);
	free(watch);
	run->watch = NULL;
}
