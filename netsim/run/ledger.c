/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/run/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/run/thread.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"
#include "netsim/util/random.h"

#define LANES_MAX   64 /* clients of one node */
#define KEY_TEXT    256
#define VALUES	    1000000000 /* of one client: from (its number + 1) * VALUES + 1 */
#define WATCH_PAUSE 50000000   /* ns before a watch that ended is created again */
#define WATCH_NS    4000000000 /* for its last events, after the last operation */
#define WATCH_TURN  1000000000 /* before it is created again at the next endpoint */

struct worker;

/* A client: one operation at a time. */
struct lane {
	struct worker *worker;
	unsigned client;
	size_t endpoint;
	bool busy;
	struct etcd_call call;
	struct ledger_op op;
	int64_t written; /* number of its last value */
};

/* The watch of a node. */
struct watch {
	unsigned client;
	size_t endpoint;
	bool running, over; /* over: ended or canceled, to be created again */
	int64_t retry;	    /* when */
	int64_t next;	    /* revision from which to continue; 0: none seen */
	int64_t reached;    /* revision of the member that it watches; 0: no answer yet */
	struct etcd_call call;
	int64_t begin;
};

/* The clients of one node, in its thread. */
struct worker {
	struct ledger *ledger;
	size_t index;
	struct loop *loop;
	pthread_t thread;
	bool running;
	struct lane *lanes;
	size_t lane_count;
	struct watch watch;
	int64_t start, interval;
	uint64_t next;	 /* number of the next operation */
	int64_t *known;	 /* mod_revision of each key, as seen last */
	int64_t written; /* highest revision of its acknowledged writes */
	uint64_t missed;
};

struct ledger {
	const struct ledger_spec *spec;
	struct worker *workers;
	pthread_mutex_t lock; /* of on_op */
};

static int64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

const char *ledger_kind_name(enum ledger_kind kind)
{
	static const char *const names[LEDGER_KINDS] = {[LEDGER_PUT] = "put",
							[LEDGER_GET] = "get",
							[LEDGER_CAS] = "cas",
							[LEDGER_DELETE] = "delete",
							[LEDGER_WATCH_PUT] = "watch-put",
							[LEDGER_WATCH_DELETE] = "watch-delete",
							[LEDGER_WATCH_START] = "watch-start",
							[LEDGER_WATCH_END] = "watch-end",
							[LEDGER_FINAL] = "final"};

	return names[kind];
}

static void deliver(struct ledger *ledger, const struct ledger_op *op)
{
	pthread_mutex_lock(&ledger->lock);
	ledger->spec->on_op(ledger->spec->arg, op);
	pthread_mutex_unlock(&ledger->lock);
}

/* --- keys and values */

static void key_text(const struct ledger_spec *spec, unsigned key, char buf[static KEY_TEXT])
{
	snprintf(buf, KEY_TEXT, "%s%u", spec->prefix, key);
}

/* The number of a key; false for a foreign key below the same prefix. */
static bool key_number(const struct ledger_spec *spec, const char *text, unsigned *ret)
{
	char again[KEY_TEXT];
	unsigned key = (unsigned)strtoul(text + strlen(spec->prefix), NULL, 10);

	key_text(spec, key, again);
	*ret = key;
	return key < spec->keys && strcmp(text, again) == 0;
}

static int64_t value_number(const struct etcd_kv *kv)
{
	char again[32];
	int64_t value = strtoll(kv->value, NULL, 10);

	snprintf(again, sizeof(again), "%" PRId64, value);
	return value > 0 && strcmp(again, kv->value) == 0 ? value : LEDGER_FOREIGN;
}

/* --- operations */

static enum ledger_kind choose(const struct ledger_spec *spec, uint64_t *state)
{
	unsigned total = 0, drawn;
	enum ledger_kind kind = LEDGER_PUT;

	for (unsigned i = 0; i <= LEDGER_DELETE; i++)
		total += spec->weights[i];
	drawn = total ? (unsigned)(random_next(state) % total) : 0;
	while (kind < LEDGER_DELETE && total && drawn >= spec->weights[kind])
		drawn -= spec->weights[kind++];
	return kind;
}

static const char *write_request(struct lane *lane, const char *key)
{
	struct ledger_op *op = &lane->op;
	struct buf *body = etcd_call_body(&lane->call);
	char value[32];

	snprintf(value, sizeof(value), "%" PRId64, op->value);
	switch (op->kind) {
	case LEDGER_GET:
		etcd_get_request(body, key, false);
		return ETCD_RANGE;
	case LEDGER_CAS:
		etcd_swap_request(body, key, op->expected, value);
		return ETCD_TXN;
	case LEDGER_DELETE:
		etcd_delete_request(body, key);
		return ETCD_DELETE;
	default:
		etcd_put_request(body, key, value);
		return ETCD_PUT;
	}
}

static void begin(struct lane *lane, int64_t due, uint64_t slot)
{
	struct worker *worker = lane->worker;
	const struct ledger_spec *spec = worker->ledger->spec;
	uint64_t state = spec->seed ^ slot << 16 ^ worker->index;
	struct ledger_op *op = &lane->op;
	const char *path;
	char key[KEY_TEXT];

	*op = (struct ledger_op) {.client = lane->client,
				  .endpoint = (unsigned)lane->endpoint,
				  .kind = choose(spec, &state),
				  .key = (unsigned)(random_next(&state) % spec->keys),
				  .due = due};
	if (op->kind == LEDGER_PUT || op->kind == LEDGER_CAS)
		op->value = (lane->client + 1) * (int64_t)VALUES + ++lane->written;
	if (op->kind == LEDGER_CAS)
		op->expected = worker->known[op->key];
	key_text(spec, op->key, key);
	path = write_request(lane, key);
	lane->busy = true;
	op->begin = now();
	etcd_call_start(&lane->call, worker->loop, &spec->endpoints[lane->endpoint], path,
			spec->timeout);
}

/* Reads the state of the key from an answer. */
static void read_reply(struct ledger_op *op, const struct etcd_reply *reply)
{
	bool wrote = op->kind == LEDGER_PUT || (op->kind == LEDGER_CAS && reply->succeeded);

	op->revision = reply->revision;
	op->succeeded = op->kind == LEDGER_DELETE ? reply->deleted > 0 :
			op->kind == LEDGER_CAS	  ? reply->succeeded :
						    true;
	if (wrote) {
		op->mod_revision = reply->revision;
	} else if (reply->kv_count) {
		op->mod_revision = reply->kvs[0].mod_revision;
		op->seen = value_number(&reply->kvs[0]);
	}
}

static void on_done(void *arg, const struct etcd_answer *answer)
{
	struct lane *lane = arg;
	struct worker *worker = lane->worker;
	struct ledger_op *op = &lane->op;

	op->end = now();
	op->outcome = answer->outcome;
	if (answer->outcome == ETCD_OK) {
		read_reply(op, &answer->reply);
		worker->known[op->key] = op->kind == LEDGER_DELETE ? 0 : op->mod_revision;
		if (op->kind != LEDGER_GET && op->succeeded && op->revision > worker->written)
			worker->written = op->revision;
	} else {
		op->why = answer->why;
		lane->endpoint = (lane->endpoint + 1) % worker->ledger->spec->endpoint_count;
	}
	lane->busy = false;
	deliver(worker->ledger, op);
}

/* --- the watch */

static void on_line(void *arg, const struct etcd_reply *reply)
{
	struct worker *worker = arg;
	struct watch *watch = &worker->watch;
	struct ledger_op op = {.client = watch->client,
			       .endpoint = (unsigned)watch->endpoint,
			       .kind = LEDGER_WATCH_START,
			       .due = watch->begin,
			       .begin = watch->begin,
			       .end = now(),
			       .succeeded = true,
			       .revision = watch->next ? watch->next - 1 : reply->revision};

	if (reply->revision > watch->reached)
		watch->reached = reply->revision;
	if (reply->created) {
		deliver(worker->ledger, &op);
		watch->next = op.revision + 1;
	}
	op.begin = op.due = op.end;
	for (size_t i = 0; i < reply->event_count; i++) {
		const struct etcd_event *event = &reply->events[i];

		if (!key_number(worker->ledger->spec, event->kv.key, &op.key))
			continue;
		op.kind = event->is_delete ? LEDGER_WATCH_DELETE : LEDGER_WATCH_PUT;
		op.revision = op.mod_revision = event->kv.mod_revision;
		op.seen = event->is_delete ? LEDGER_ABSENT : value_number(&event->kv);
		watch->next = op.revision + 1;
		deliver(worker->ledger, &op);
	}
	watch->over |= reply->canceled || reply->error_code;
}

static void on_watch_end(void *arg, const struct etcd_answer *answer)
{
	struct worker *worker = arg;

	(void)answer;
	worker->watch.running = false;
	worker->watch.over = true;
}

static void start_watch(struct worker *worker)
{
	const struct ledger_spec *spec = worker->ledger->spec;
	struct watch *watch = &worker->watch;

	watch->over = false;
	watch->running = true;
	watch->reached = 0;
	watch->begin = now();
	etcd_watch_request(etcd_call_body(&watch->call), spec->prefix, watch->next);
	libcurl.easy_setopt(watch->call.transfer.easy, CURLOPT_CONNECTTIMEOUT_MS,
			    (long)(spec->timeout / 1000000));
	etcd_call_watch(&watch->call, worker->loop, &spec->endpoints[watch->endpoint]);
}

/* Continues an ended watch at the next endpoint, after a pause. Returns when to call again. */
static int64_t tend_watch(struct worker *worker)
{
	struct watch *watch = &worker->watch;

	if (!worker->ledger->spec->watch || (watch->running && !watch->over))
		return INT64_MAX;
	if (watch->running)
		loop_abort(worker->loop, &watch->call.transfer);
	if (watch->over) {
		watch->endpoint = (watch->endpoint + 1) % worker->ledger->spec->endpoint_count;
		watch->retry = now() + WATCH_PAUSE;
	}
	watch->running = watch->over = false;
	if (watch->retry > now())
		return watch->retry;
	start_watch(worker);
	return watch->over ? now() : INT64_MAX;
}

static bool is_behind(const struct worker *worker)
{
	return worker->ledger->spec->watch && worker->watch.next <= worker->written;
}

/*
 * Waits until the watch has delivered the last write. A silent watch may hang at a member that was
 * cut off, so it moves to the next endpoint. If none delivers the write, LEDGER_WATCH_END reports
 * it as left out, unless the member itself has not reached it: then it is slow, and hides nothing.
 */
static void drain_watch(struct worker *worker)
{
	struct watch *watch = &worker->watch;
	int64_t until = now() + WATCH_NS, turn = now() + WATCH_TURN;
	struct ledger_op op = {.client = watch->client,
			       .endpoint = (unsigned)watch->endpoint,
			       .kind = LEDGER_WATCH_END,
			       .revision = worker->written};

	while (is_behind(worker) && now() < until) {
		int64_t wake;

		if (watch->running && now() >= turn) {
			watch->over = true;
			turn = now() + WATCH_TURN;
		}
		wake = tend_watch(worker);
		loop_turn(worker->loop, turn < wake ? turn : wake);
	}
	op.due = op.begin = op.end = now();
	if (is_behind(worker) && watch->running && watch->reached >= worker->written)
		deliver(worker->ledger, &op);
}

/* --- threads */

static struct lane *free_lane(struct worker *worker)
{
	for (size_t i = 0; i < worker->lane_count; i++)
		if (!worker->lanes[i].busy)
			return &worker->lanes[i];
	return NULL;
}

static int64_t due_of(const struct worker *worker)
{
	return worker->start + (int64_t)worker->next * worker->interval;
}

static void begin_due(struct worker *worker)
{
	for (; due_of(worker) <= now(); worker->next++) {
		struct lane *lane = free_lane(worker);

		if (lane)
			begin(lane, due_of(worker), worker->next);
		else
			worker->missed++;
	}
}

static bool in_flight(const struct worker *worker)
{
	for (size_t i = 0; i < worker->lane_count; i++)
		if (worker->lanes[i].busy)
			return true;
	return false;
}

static void work(void *arg)
{
	struct worker *worker = arg;

	worker->start = now() + worker->interval * (int64_t)worker->index /
					(int64_t)worker->ledger->spec->node_count;
	while (!loop_stopped(worker->loop)) {
		int64_t wake = tend_watch(worker);

		begin_due(worker);
		loop_turn(worker->loop, due_of(worker) < wake ? due_of(worker) : wake);
	}
	/* A late machine has not begun all that was due before the end. */
	for (; due_of(worker) <= now(); worker->next++)
		worker->missed++;
	while (in_flight(worker))
		loop_turn(worker->loop, INT64_MAX);
	drain_watch(worker);
	if (worker->watch.running)
		loop_abort(worker->loop, &worker->watch.call.transfer);
}

/* Twice as many clients as operations can be in flight until their timeout: it may be noticed late.
 */
static size_t lanes_needed(const struct ledger_spec *spec)
{
	double flight = spec->rate / (double)spec->node_count * (double)spec->timeout / 1e9;
	double needed = 2 * flight + 4;

	return needed < LANES_MAX ? (size_t)needed : LANES_MAX;
}

static int open_lanes(struct worker *worker, struct netsim_err *err)
{
	const struct ledger_spec *spec = worker->ledger->spec;
	size_t count = lanes_needed(spec);
	unsigned first = (unsigned)(worker->index * (LANES_MAX + 1));
	int r = 0;

	worker->lanes = calloc(count, sizeof(*worker->lanes));
	worker->known = calloc(spec->keys, sizeof(*worker->known));
	if (!worker->lanes || !worker->known)
		return err_oom(err);
	for (size_t i = 0; i < count && r == 0; i++) {
		struct lane *lane = &worker->lanes[i];

		lane->worker = worker;
		lane->client = first + (unsigned)i;
		lane->endpoint = (worker->index + i) % spec->endpoint_count;
		r = etcd_call_open(&lane->call, err);
		lane->call.done = on_done;
		lane->call.arg = lane;
		worker->lane_count += r == 0;
	}
	if (r == 0)
		r = etcd_call_open(&worker->watch.call, err);
	worker->watch.client = first + LANES_MAX;
	worker->watch.endpoint = worker->index % spec->endpoint_count;
	worker->watch.call.done = on_watch_end;
	worker->watch.call.line = on_line;
	worker->watch.call.arg = worker;
	return r;
}

static int start_worker(struct ledger *ledger, size_t index, struct netsim_err *err)
{
	const struct ledger_spec *spec = ledger->spec;
	struct worker *worker = &ledger->workers[index];
	int r;

	worker->ledger = ledger;
	worker->index = index;
	worker->interval = (int64_t)(1e9 * (double)spec->node_count / spec->rate);
	r = loop_open(&worker->loop, err);
	if (r == 0)
		r = open_lanes(worker, err);
	if (r == 0)
		r = thread_start(spec->nodes[index].netns, work, worker, &worker->thread, err);
	worker->running = r == 0;
	return r;
}

static void close_worker(struct worker *worker)
{
	if (worker->running) {
		loop_stop(worker->loop);
		pthread_join(worker->thread, NULL);
	}
	for (size_t i = 0; i < worker->lane_count; i++)
		etcd_call_close(&worker->lanes[i].call);
	etcd_call_close(&worker->watch.call);
	loop_close(worker->loop);
	free(worker->lanes);
	free(worker->known);
}

int ledger_start(const struct ledger_spec *spec, struct ledger **ret, struct netsim_err *err)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	int r = 0;

	if (!ledger)
		return err_oom(err);
	ledger->spec = spec;
	pthread_mutex_init(&ledger->lock, NULL);
	ledger->workers = calloc(spec->node_count, sizeof(*ledger->workers));
	if (!ledger->workers)
		r = err_oom(err);
	for (size_t i = 0; i < spec->node_count && r == 0; i++)
		r = start_worker(ledger, i, err);
	if (r < 0)
		ledger_stop(ledger, NULL);
	else
		*ret = ledger;
	return r;
}

void ledger_halt(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->spec->node_count; i++)
		loop_stop(ledger->workers[i].loop);
}

void ledger_stop(struct ledger *ledger, uint64_t *ret_missed)
{
	uint64_t missed = 0;

	if (!ledger)
		return;
	for (size_t i = 0; ledger->workers && i < ledger->spec->node_count; i++) {
		close_worker(&ledger->workers[i]);
		missed += ledger->workers[i].missed;
	}
	if (ret_missed)
		*ret_missed = missed;
	pthread_mutex_destroy(&ledger->lock);
	free(ledger->workers);
	free(ledger);
}

/* --- the state at the end */

/* FNV-1a, 64 bits. */
static uint64_t digest(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3U;
	return hash;
}

static void report_state(const struct ledger_spec *spec, struct ledger_op *op,
			 const struct etcd_reply *reply, struct ledger_state *state)
{
	state->digest = 0xcbf29ce484222325U;
	for (op->key = 0; op->key < spec->keys; op->key++) {
		op->mod_revision = op->seen = LEDGER_ABSENT;
		for (size_t i = 0; i < reply->kv_count; i++) {
			unsigned key;

			if (!key_number(spec, reply->kvs[i].key, &key) || key != op->key)
				continue;
			op->mod_revision = reply->kvs[i].mod_revision;
			op->seen = value_number(&reply->kvs[i]);
		}
		state->digest = digest(state->digest, &op->mod_revision, sizeof(op->mod_revision));
		state->digest = digest(state->digest, &op->seen, sizeof(op->seen));
		spec->on_op(spec->arg, op);
	}
}

int ledger_read(const struct ledger_spec *spec, struct ledger_state *states, struct netsim_err *err)
{
	auto_free struct etcd_answer *answers = calloc(spec->endpoint_count + 1, sizeof(*answers));
	auto_buf struct buf body = {0};
	int64_t begin_at = now(), end_at;
	int r;

	etcd_prefix_request(&body, spec->prefix, true);
	if (!answers || body.failed)
		return err_oom(err);
	r = etcd_ask(spec->endpoints, spec->endpoint_count, ETCD_RANGE, body.data, spec->timeout,
		     answers, err);
	end_at = now();
	for (size_t i = 0; r == 0 && i < spec->endpoint_count; i++) {
		struct ledger_op op = {.client = (unsigned)i,
				       .endpoint = (unsigned)i,
				       .kind = LEDGER_FINAL,
				       .due = begin_at,
				       .begin = begin_at,
				       .end = end_at,
				       .outcome = ETCD_OK,
				       .succeeded = true,
				       .revision = answers[i].reply.revision};

		states[i] = (struct ledger_state) {.answered = answers[i].outcome == ETCD_OK,
						   .revision = op.revision};
		memcpy(states[i].why, answers[i].why, sizeof(states[i].why));
		if (states[i].answered)
			report_state(spec, &op, &answers[i].reply, &states[i]);
	}
	for (size_t i = 0; i < spec->endpoint_count; i++)
		etcd_answer_done(&answers[i]);
	return r;
}

bool ledger_agrees(const struct ledger_state *states, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!states[i].answered || states[i].revision != states[0].revision ||
		    states[i].digest != states[0].digest)
			return false;
	return count > 0;
}
