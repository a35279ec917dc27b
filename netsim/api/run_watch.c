// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads that ask the members of clusters for their state, one for each member of a store, so
 * that one that hangs delays none; and one that runs commands of recipes, and evaluates the
 * conditions to abort.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/run_claims.h"
#include "netsim/api/run_parts.h"
#include "netsim/judge/verdict.h"
#include "netsim/run/thread.h"
#include "netsim/util/auto.h"

#define INTERVAL 200000000LL  /* ns between two queries of members, and two evaluations */
#define REST_MAX 1000000000LL /* ns of rest after a query that took long */
#define PHASE	 "abort"      /* a window for the judge: the timeline so far */

/* Asks one member of a store, from its node. */
struct poller {
	struct run_watch *watch;
	struct run_cluster *cluster;
	size_t member;
	struct etcd_call call;
	pthread_t thread;
	bool running;
};

struct run_watch {
	struct run *run;
	pthread_t thread;
	bool running, stop;
	struct poller *pollers;
	size_t poller_count;
	struct claim *claims;
	bool metrics;	    /* a claim is about one */
	struct evidence ev; /* a copy without operations */
};

/* Waits until a time; false: the watch is stopped. */
static bool rest_until(struct run_watch *watch, int64_t until)
{
	const struct timespec at = {until / 1000000000, until % 1000000000};
	struct run *run = watch->run;
	bool stop;

	pthread_mutex_lock(&run->lock_shared);
	while (!watch->stop && run_now() < until)
		pthread_cond_clockwait(&run->changed, &run->lock_shared, CLOCK_MONOTONIC, &at);
	stop = watch->stop;
	pthread_mutex_unlock(&run->lock_shared);
	return !stop;
}

/* --- members of stores */

/* The time of the next query, after a rest in which a slow machine can do other work. */
static int64_t next_query(int64_t due, int64_t rest)
{
	int64_t earliest = run_now() + (rest < REST_MAX ? rest : REST_MAX);

	due += INTERVAL;
	return due > earliest ? due : earliest;
}

static void keep_asking(void *arg)
{
	struct poller *p = arg;
	int64_t due = run_now();

	do {
		int64_t begin = run_now();
		bool answered = cluster_ask(p->watch->run, p->cluster, p->member, &p->call);

		/* A member that does not answer costs nothing. */
		due = next_query(due, answered ? 7 * (run_now() - begin) : 0);
	} while (rest_until(p->watch, due));
}

static int start_poller(struct run_watch *watch, struct run_cluster *c, size_t member,
			struct netsim_err *err)
{
	struct poller *p = &watch->pollers[watch->poller_count];
	int r;

	*p = (struct poller) {.watch = watch, .cluster = c, .member = member};
	r = etcd_call_open(&p->call, err);
	if (r < 0)
		return r;
	watch->poller_count++;
	r = thread_start(c->endpoints[member].netns, keep_asking, p, &p->thread, err);
	p->running = r == 0;
	return r;
}

static int start_pollers(struct run_watch *watch, struct netsim_err *err)
{
	struct run *run = watch->run;
	int r = 0;

	watch->pollers = calloc(run->member_count + 1, sizeof(*watch->pollers));
	if (!watch->pollers)
		return err_oom(err);
	for (size_t i = 0; i < run->cluster_count; i++)
		for (size_t k = 0;
		     run->clusters[i].endpoints && r == 0 && k < run->clusters[i].count; k++)
			r = start_poller(watch, &run->clusters[i], k, err);
	return r;
}

static void stop_pollers(struct run_watch *watch)
{
	for (size_t i = 0; i < watch->poller_count; i++) {
		if (watch->pollers[i].running)
			pthread_join(watch->pollers[i].thread, NULL);
		etcd_call_close(&watch->pollers[i].call);
	}
	free(watch->pollers);
}

/* --- conditions to abort */

/* How long ago a probe was sent that has its result by now. */
static int64_t settled_for(const struct scenario *s)
{
	int64_t longest = 0;

	for (size_t i = 0; i < s->probe_count; i++)
		if (s->probes[i]->timeout.ns > longest)
			longest = s->probes[i]->timeout.ns;
	return longest;
}

/* Makes the timeline a phase that has ended when the last probes were sent that have a result:
 * those under way since then would be a time without samples, which proves nothing. */
static int set_window(struct run_watch *watch, int64_t begin, int64_t end)
{
	const struct event events[] = {
		{.kind = EVENT_PHASE, .time = begin, .phase = evidence_name(&watch->ev, PHASE)},
		{.kind = EVENT_RUN_END, .time = end}};
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
	int64_t begin, end = run_now() - settled_for(run->s);

	pthread_mutex_lock(&run->lock_shared);
	begin = run->entry ? run->begin : 0;
	pthread_mutex_unlock(&run->lock_shared);
	if (!run->s->abort_count || !begin || begin >= end ||
	    recorder_copy(run->rec, watch->metrics, &watch->ev) < 0 ||
	    set_window(watch, begin, end) < 0 ||
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

	do {
		int64_t begin = run_now();

		for (size_t i = 0; i < run->cluster_count; i++)
			if (!run->clusters[i].endpoints)
				cluster_run_command(run, &run->clusters[i]);
		try_conditions(watch);
		due = next_query(due, run_now() - begin);
	} while (rest_until(watch, due));
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
	for (size_t i = 0; i < run->s->abort_count; i++) {
		claim_make(&run->s->aborts[i]->e, PHASE, 0, &watch->claims[i]);
		watch->claims[i].any = true;
		watch->metrics |= run->s->aborts[i]->e.quantity == EXPECT_METRIC;
	}
	/* Registers the name, so that it has the same number in the copy. */
	recorder_name(run->rec, PHASE);
	r = start_pollers(watch, err);
	if (r < 0)
		return r;
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
	pthread_cond_broadcast(&run->changed);
	pthread_mutex_unlock(&run->lock_shared);
	stop_pollers(watch);
	if (watch->running)
		pthread_join(watch->thread, NULL);
	evidence_done(&watch->ev);
	free(watch->claims);
	free(watch);
	run->watch = NULL;
}
