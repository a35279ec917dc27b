/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The schedule of the probes, their threads, and the delivery of samples. */
#include "netsim/run/prober.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/run/prober_parts.h"
#include "netsim/run/thread.h"
#include "netsim/util/array.h"
#include "netsim/util/clock.h"

#define GROUP  4  /* probes of a thread that are due at the same time, at least */
#define GROUPS 12 /* of a thread, at most */

static int64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

const char *prober_result_name(enum prober_result result)
{
	static const char *const names[] = {[PROBER_OK] = "ok",
					    [PROBER_WRONG] = "wrong",
					    [PROBER_ERROR] = "error",
					    [PROBER_TIMEOUT] = "timeout",
					    [PROBER_UNSENT] = "unsent"};

	return names[result];
}

/* --- attempts */

static int64_t deadline_of(const struct attempt *attempt)
{
	return attempt->sample.sent + attempt->lane->spec->timeout;
}

static int64_t due_of(const struct lane *lane)
{
	return lane->start + (int64_t)lane->next * lane->spec->every;
}

/* Once stopped, only the attempts in flight count. */
static void set_wake(struct lane *lane)
{
	lane->wake = loop_stopped(lane->worker->loop) ? INT64_MAX : due_of(lane);
	for (size_t i = 0; i < lane->attempt_count; i++) {
		const struct attempt *attempt = lane->attempts[i];

		if (attempt->busy && !attempt->over && deadline_of(attempt) < lane->wake)
			lane->wake = deadline_of(attempt);
	}
}

static struct attempt *free_attempt(struct lane *lane)
{
	struct attempt *fresh, **slot;

	for (size_t i = 0; i < lane->attempt_count; i++)
		if (!lane->attempts[i]->busy)
			return lane->attempts[i];
	if (lane->attempt_count >= ATTEMPTS_MAX)
		return NULL;
	fresh = calloc(1, sizeof(*fresh));
	slot = fresh ? array_push(lane->attempts, lane->attempt_count) : NULL;
	if (!slot) {
		free(fresh);
		return NULL;
	}
	fresh->lane = lane;
	fresh->fd = -1;
	fresh->process.pidfd = -1;
	*slot = fresh;
	return fresh;
}

static void begin(struct lane *lane)
{
	struct attempt *attempt = free_attempt(lane);
	struct prober_sample sample = {.probe = lane->spec->probe,
				       .target = lane->spec->target,
				       .due = due_of(lane),
				       .sent = now()};
	uint64_t number = lane->next++;

	if (!attempt) {
		sample.result = PROBER_UNSENT;
		sample.error = EBUSY;
		sample.end = sample.sent;
		sample_deliver(lane->worker->prober, &sample);
		return;
	}
	attempt->sample = sample;
	attempt->number = number;
	attempt->busy = true;
	attempt->over = false;
	attempt_begin(attempt);
}

/* Does what is due in a lane: attempts that were missed are sent late, not skipped. */
static void serve(struct lane *lane)
{
	int64_t present = now();

	for (size_t i = 0; i < lane->attempt_count; i++) {
		struct attempt *attempt = lane->attempts[i];

		if (!attempt->busy || attempt->over || deadline_of(attempt) > present)
			continue;
		attempt_abandon(attempt);
		attempt_end(attempt, PROBER_TIMEOUT);
	}
	while (!loop_stopped(lane->worker->loop) && due_of(lane) <= present)
		begin(lane);
	set_wake(lane);
}

/* --- threads */

static bool in_flight(const struct worker *worker)
{
	for (size_t i = 0; i < worker->lane_count; i++)
		for (size_t j = 0; j < worker->lanes[i].attempt_count; j++)
			if (worker->lanes[i].attempts[j]->busy)
				return true;
	return false;
}

static int64_t serve_all(struct worker *worker)
{
	int64_t wake = INT64_MAX, present = now();

	for (size_t i = 0; i < worker->lane_count; i++) {
		struct lane *lane = &worker->lanes[i];

		if (lane->wake <= present) {
			serve(lane);
			present = now();
		}
		if (lane->wake < wake)
			wake = lane->wake;
	}
	return wake;
}

/*
 * Groups of lanes are spread over their interval: not all are due at once, which would make the
 * last ones late, and one wake-up of the processor serves a whole group.
 */
static void schedule(struct worker *worker)
{
	size_t size = (worker->lane_count + GROUPS - 1) / GROUPS, groups;

	size = size < GROUP ? GROUP : size;
	groups = (worker->lane_count + size - 1) / size;

	for (size_t i = 0; i < worker->lane_count; i++) {
		struct lane *lane = &worker->lanes[i];

		lane->start = worker->prober->start +
			      lane->spec->every / (int64_t)groups * (int64_t)(i / size);
		lane->wake = lane->start;
	}
}

static void run(struct worker *worker)
{
	bool stopped = false;

	schedule(worker);
	for (;;) {
		int64_t wake = serve_all(worker);

		if (stopped && !in_flight(worker))
			break;
		loop_turn(worker->loop, wake);
		if (stopped || !loop_stopped(worker->loop))
			continue;
		stopped = true;
		for (size_t i = 0; i < worker->lane_count; i++)
			set_wake(&worker->lanes[i]);
	}
}

static void work(void *arg)
{
	struct worker *worker = arg;
	struct prober *prober = worker->prober;

	worker->realtime = thread_make_realtime();
	for (size_t i = 0; i < worker->lane_count && worker->code == 0; i++)
		worker->code = lane_open(&worker->lanes[i], &worker->err);
	sem_post(&prober->ready);
	while (sem_wait(&prober->go) < 0)
		;
	if (!prober->cancel)
		run(worker);
	for (size_t i = 0; i < worker->lane_count; i++)
		lane_close(&worker->lanes[i]);
}

static struct worker *find_worker(struct prober *prober, const struct prober_probe *spec)
{
	bool commands = spec->kind == PROBER_RUN;

	for (size_t i = 0; i < prober->worker_count; i++) {
		struct worker *worker = &prober->workers[i];

		if (worker->commands == commands && !worker->netns == !spec->netns &&
		    (!spec->netns || strcmp(worker->netns, spec->netns) == 0))
			return worker;
	}
	return NULL;
}

/* Workers and lanes move while arrays grow: pointers to them are set when all are known. */
static int add_probe(struct prober *prober, const struct prober_probe *spec)
{
	struct worker *worker = find_worker(prober, spec);
	struct lane *lane;

	if (!worker) {
		worker = array_push(prober->workers, prober->worker_count);
		if (!worker)
			return -ENOMEM;
		worker->netns = spec->netns;
		worker->commands = spec->kind == PROBER_RUN;
	}
	lane = array_push(worker->lanes, worker->lane_count);
	if (!lane)
		return -ENOMEM;
	lane->spec = spec;
	lane->fd = -1;
	return 0;
}

static int start_worker(struct prober *prober, struct worker *worker, struct netsim_err *err)
{
	int r = loop_open(&worker->loop, err);

	worker->prober = prober;
	for (size_t i = 0; i < worker->lane_count; i++)
		worker->lanes[i].worker = worker;
	if (r == 0)
		r = thread_start(worker->netns, work, worker, &worker->thread, err);
	worker->running = r == 0;
	return r;
}

/* Waits until each running worker has prepared its lanes; returns the first error. */
static int wait_workers(struct prober *prober, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; i < prober->worker_count; i++)
		while (prober->workers[i].running && sem_wait(&prober->ready) < 0)
			;
	for (size_t i = 0; i < prober->worker_count; i++) {
		const struct worker *worker = &prober->workers[i];

		if (r == 0 && worker->code < 0)
			r = err_set(err, worker->err.kind, worker->code, NULL, "%s",
				    worker->err.what);
	}
	return r;
}

static void free_prober(struct prober *prober)
{
	for (size_t i = 0; i < prober->worker_count; i++) {
		struct worker *worker = &prober->workers[i];

		if (worker->running)
			pthread_join(worker->thread, NULL);
		loop_close(worker->loop);
		free(worker->lanes);
	}
	free(prober->workers);
	sem_destroy(&prober->ready);
	sem_destroy(&prober->go);
	pthread_mutex_destroy(&prober->lock);
	free(prober);
}

/* Releases the threads, which wait for go. */
static void release(struct prober *prober, bool cancel)
{
	prober->cancel = cancel;
	prober->start = now();
	for (size_t i = 0; i < prober->worker_count; i++)
		sem_post(&prober->go);
}

/* PTHREAD_PRIO_INHERIT: a thread without real-time priority must not hold up one that has it. */
static void init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

int prober_start(const struct prober_probe *probes, size_t count, prober_on_sample *on_sample,
		 void *arg, struct prober **ret, struct netsim_err *err)
{
	struct prober *prober = calloc(1, sizeof(*prober));
	int r = 0, failed = 0;

	if (!prober)
		return err_oom(err);
	prober->on_sample = on_sample;
	prober->arg = arg;
	init_lock(&prober->lock);
	sem_init(&prober->ready, 0, 0);
	sem_init(&prober->go, 0, 0);
	for (size_t i = 0; i < count && r == 0; i++)
		r = add_probe(prober, &probes[i]);
	if (r < 0)
		err_oom(err);
	for (size_t i = 0; i < prober->worker_count && r == 0; i++)
		r = start_worker(prober, &prober->workers[i], err);
	failed = wait_workers(prober, err);
	r = r < 0 ? r : failed;
	release(prober, r < 0);
	if (r < 0)
		free_prober(prober);
	else
		*ret = prober;
	return r;
}

void prober_stop(struct prober *prober)
{
	if (!prober)
		return;
	for (size_t i = 0; i < prober->worker_count; i++)
		loop_stop(prober->workers[i].loop);
	free_prober(prober);
}

bool prober_is_realtime(const struct prober *prober)
{
	bool all = true;

	for (size_t i = 0; i < prober->worker_count; i++)
		all &= prober->workers[i].realtime;
	return all;
}

int64_t prober_cpu(const struct prober *prober)
{
	int64_t sum = 0;

	for (size_t i = 0; i < prober->worker_count; i++) {
		clockid_t clock;

		if (pthread_getcpuclockid(prober->workers[i].thread, &clock) == 0)
			sum += clock_ns(clock);
	}
	return sum;
}
