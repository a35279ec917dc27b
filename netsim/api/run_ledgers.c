// SPDX-License-Identifier: GPL-2.0-or-later
/* The ledgers of a run: their operations as evidence. */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/run_parts.h"
#include "netsim/run/ledger.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/buf.h"

#define KEYS	    5
#define READY_NS    30000000000LL /* for the first acknowledged operation */
#define FINAL_NS    10000000000LL /* for the last reads */
#define RETRY_PAUSE 100000000LL

struct run_ledger {
	struct run *run;
	const struct workload *workload;
	struct run_cluster *store;
	struct ledger_spec spec;
	struct ledger_node *nodes;
	struct ledger *ledger; /* NULL: ended */
	uint32_t name;
	char prefix[96];
	_Atomic bool acknowledged;
};

static uint32_t value_of(struct recorder *rec, int64_t value)
{
	char text[32];

	if (value == LEDGER_ABSENT)
		return 0;
	if (value == LEDGER_FOREIGN)
		return recorder_value(rec, "foreign");
	snprintf(text, sizeof(text), "%" PRId64, value);
	return recorder_value(rec, text);
}

/* Fills the parts of a record that its kind has. */
static void fill(struct recorder *rec, const struct ledger_op *op, struct operation *ret)
{
	static const uint8_t kinds[LEDGER_KINDS] = {
		[LEDGER_PUT] = OP_PUT,		 [LEDGER_GET] = OP_GET,
		[LEDGER_CAS] = OP_CAS,		 [LEDGER_DELETE] = OP_DELETE,
		[LEDGER_WATCH_PUT] = OP_EVENT,	 [LEDGER_WATCH_DELETE] = OP_EVENT,
		[LEDGER_WATCH_START] = OP_WATCH, [LEDGER_WATCH_END] = OP_PROGRESS,
	};
	bool writes = op->kind == LEDGER_PUT || op->kind == LEDGER_CAS;

	ret->kind = kinds[op->kind];
	ret->result = op->outcome == ETCD_FAILED	? OP_FAILED :
		      op->outcome == ETCD_INDETERMINATE ? OP_UNKNOWN :
							  OP_OK;
	ret->value = writes ? value_of(rec, op->value) : 0;
	ret->compare = op->kind == LEDGER_CAS ? op->expected : 0;
	if (op->outcome != ETCD_OK)
		return;
	ret->revision = op->revision;
	switch (ret->kind) {
	case OP_WATCH:
		ret->mod_revision = op->revision + 1;
		return;
	case OP_PROGRESS:
		ret->mod_revision = op->revision;
		return;
	case OP_EVENT:
		ret->mod_revision = op->mod_revision;
		ret->value = value_of(rec, op->seen);
		return;
	case OP_CAS:
		if (op->succeeded)
			return;
		ret->result = OP_UNEQUAL;
		break;
	case OP_PUT:
		return;
	}
	ret->seen = value_of(rec, op->seen);
	ret->mod_revision = ret->seen ? op->mod_revision : 0;
}

static void on_op(void *arg, const struct ledger_op *op)
{
	struct run_ledger *l = arg;
	struct operation record = {.begin = op->begin, .end = op->end, .ledger = l->name};
	char text[160];

	if (op->kind == LEDGER_FINAL)
		return;
	snprintf(text, sizeof(text), "c%u", op->client);
	record.client = recorder_name(l->run->rec, text);
	if (op->kind != LEDGER_WATCH_START && op->kind != LEDGER_WATCH_END) {
		snprintf(text, sizeof(text), "%s%u", l->prefix, op->key);
		record.key = recorder_name(l->run->rec, text);
	}
	fill(l->run->rec, op, &record);
	recorder_add(l->run->rec, EVIDENCE_OPERATION, &record);
	if (op->outcome == ETCD_OK && record.kind < OP_WATCH)
		l->acknowledged = true;
}

/* --- begin */

static int prepare(struct run *run, const struct workload *w, struct run_ledger *l,
		   struct netsim_err *err)
{
	size_t count = w->nodes.host ? 1 : w->nodes.count;

	*l = (struct run_ledger) {.run = run, .workload = w};
	l->store = cluster_of(run, w->store->name);
	l->name = recorder_name(run->rec, w->name);
	l->nodes = calloc(count + 1, sizeof(*l->nodes));
	if (!l->nodes)
		return err_oom(err);
	for (size_t i = 0; !w->nodes.host && i < count; i++) {
		char netns[NETNS_TEXT];

		state_netns_name(run->s->topo->fleet, run->s->topo->nodes[w->nodes.list[i]].name,
				 netns);
		l->nodes[i].netns = strdup(netns);
		if (!l->nodes[i].netns)
			return err_oom(err);
	}
	snprintf(l->prefix, sizeof(l->prefix), "netsim/%s/", w->name);
	l->spec = (struct ledger_spec) {.endpoints = l->store->endpoints,
					.endpoint_count = l->store->count,
					.nodes = l->nodes,
					.node_count = count,
					.prefix = l->prefix,
					.keys = KEYS,
					.rate = w->rate,
					.timeout = w->timeout.ns,
					.weights = {40, 30, 20, 10},
					.watch = true,
					.seed = run->s->seed,
					.on_op = on_op,
					.arg = l};
	return 0;
}

int ledgers_start(struct run *run, const struct workload *w, struct netsim_err *err)
{
	int64_t until = run_now() + READY_NS;
	struct run_ledger *l;
	int r;

	/* Allocated once: the ledgers' threads keep pointers to them. */
	if (!run->ledgers)
		run->ledgers = calloc(run->s->workload_count, sizeof(*run->ledgers));
	if (!run->ledgers)
		return err_oom(err);
	l = &run->ledgers[run->ledger_count++];
	r = prepare(run, w, l, err);
	if (r == 0)
		r = ledger_start(&l->spec, &l->ledger, err);
	while (r == 0 && !l->acknowledged) {
		if (!run_sleep(run, run_now() + RETRY_PAUSE))
			return err_set(err, NETSIM_ERR_FAILED, -ECANCELED, NULL, "%s: %s", w->name,
				       run->why);
		if (run_now() > until)
			r = err_set(err, NETSIM_ERR_FAILED, -ETIMEDOUT, NULL,
				    "%s: %s acknowledged no operation within 30 s", w->name,
				    w->store->name);
	}
	return r;
}

/* --- end */

static void record_final(struct run_ledger *l, size_t member, const struct etcd_reply *reply,
			 const int64_t time[2])
{
	struct recorder *rec = l->run->rec;

	for (unsigned key = 0; key < KEYS; key++) {
		struct operation op = {.begin = time[0],
				       .end = time[1],
				       .ledger = l->name,
				       .kind = OP_GET,
				       .revision = reply->revision};
		char text[160], client[96];

		snprintf(client, sizeof(client), "final %s", l->store->members[member].node);
		snprintf(text, sizeof(text), "%s%u", l->prefix, key);
		op.client = recorder_name(rec, client);
		op.key = recorder_name(rec, text);
		for (size_t i = 0; i < reply->kv_count; i++)
			if (strcmp(reply->kvs[i].key, text) == 0) {
				op.seen = recorder_value(rec, reply->kvs[i].value);
				op.mod_revision = op.seen ? reply->kvs[i].mod_revision : 0;
			}
		recorder_add(rec, EVIDENCE_OPERATION, &op);
	}
}

/* Reads all keys from each member, linearizably, until each has answered once. */
static void read_final(struct run_ledger *l)
{
	size_t count = l->store->count, left = count;
	auto_free struct etcd_answer *answers = calloc(count + 1, sizeof(*answers));
	auto_free bool *answered = calloc(count + 1, sizeof(*answered));
	auto_buf struct buf body = {0};
	int64_t until = run_now() + FINAL_NS;

	etcd_prefix_request(&body, l->prefix, false);
	while (answers && answered && !body.failed && left && run_now() < until) {
		int64_t time[2] = {run_now()};

		if (etcd_ask(l->store->endpoints, count, ETCD_RANGE, body.data, l->spec.timeout,
			     answers, NULL) < 0)
			return;
		time[1] = run_now();
		for (size_t i = 0; i < count; i++) {
			if (answers[i].outcome == ETCD_OK && !answered[i]) {
				record_final(l, i, &answers[i].reply, time);
				answered[i] = true;
				left--;
			}
			etcd_answer_done(&answers[i]);
		}
		if (left)
			nanosleep(&(struct timespec) {0, RETRY_PAUSE}, NULL);
	}
	if (left)
		run_note(l->run, "%s: %zu of %zu members did not answer the last reads",
			 l->workload->name, left, count);
}

void ledgers_end(struct run *run)
{
	for (size_t i = 0; i < run->ledger_count; i++)
		if (run->ledgers[i].ledger)
			ledger_halt(run->ledgers[i].ledger);
	for (size_t i = 0; i < run->ledger_count; i++) {
		struct run_ledger *l = &run->ledgers[i];
		uint64_t missed = 0;

		if (!l->ledger)
			continue;
		ledger_stop(l->ledger, &missed);
		l->ledger = NULL;
		if (missed)
			run_note(run,
				 "%s: %" PRIu64 " operation%s skipped: too many were in flight",
				 l->workload->name, missed, missed == 1 ? " was" : "s were");
		if (l->acknowledged)
			read_final(l);
	}
}

void ledgers_free(struct run *run)
{
	for (size_t i = 0; i < run->ledger_count; i++) {
		struct run_ledger *l = &run->ledgers[i];

		ledger_stop(l->ledger, NULL);
		for (size_t k = 0; l->nodes && k < l->spec.node_count; k++)
			free((char *)l->nodes[k].netns);
		free(l->nodes);
	}
	free(run->ledgers);
	run->ledgers = NULL;
	run->ledger_count = 0;
}
