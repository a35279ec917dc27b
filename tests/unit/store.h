/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fixture for tests of ledgers: a linearizable store with revisions, concurrent clients whose
 * requests time out, and watches, in simulated time. The same seed gives the same history.
 */
#ifndef TESTS_UNIT_STORE_H
#define TESTS_UNIT_STORE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/judge/ledger.h"

#define CLIENTS 6
#define KEYS	8
#define WATCHES 2

/* A wrong answer of the store, given once. */
enum lie {
	LIE_NONE,
	LIE_REFUSE, /* acknowledges a put that it refuses, with the revision of the last write */
	LIE_DROP,   /* acknowledges a put with a new revision, and drops it */
	LIE_TWICE,  /* applies a put again later */
};

enum moment_kind {
	MOMENT_BEGIN,
	MOMENT_APPLY,
	MOMENT_END,
	MOMENT_DELIVER,
};

struct todo {
	int64_t time;
	enum moment_kind kind;
	unsigned client; /* or watch */
	struct operation op;
	unsigned key;
};

struct stored {
	uint32_t value; /* 0: absent */
	int64_t mod;
};

struct store {
	struct evidence ev;
	uint64_t random;
	struct todo todos[1024]; /* a heap */
	size_t todo_count;
	struct stored keys[KEYS];
	uint32_t key_names[KEYS];
	uint32_t client_names[CLIENTS + WATCHES];
	int64_t known[CLIENTS][KEYS];	   /* mod_revisions that each client saw last */
	int64_t delivered[WATCHES];	   /* time of the last event, which later ones follow */
	struct operation answers[CLIENTS]; /* filled when requests are applied */
	int64_t revision;
	size_t begun, wanted, values;
	enum lie lie;
	size_t lie_after; /* requests */
};

static inline unsigned draw(struct store *s, unsigned below)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return (unsigned)((s->random >> 11) % below);
}

static inline void heap_add(struct store *s, struct todo todo)
{
	size_t at = s->todo_count++;

	assert_true(at < sizeof(s->todos) / sizeof(*s->todos));
	for (; at && s->todos[(at - 1) / 2].time > todo.time; at = (at - 1) / 2)
		s->todos[at] = s->todos[(at - 1) / 2];
	s->todos[at] = todo;
}

static inline struct todo heap_take(struct store *s)
{
	struct todo first = s->todos[0], last = s->todos[--s->todo_count];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < s->todo_count) {
		if (child + 1 < s->todo_count && s->todos[child + 1].time < s->todos[child].time)
			child++;
		if (s->todos[child].time >= last.time)
			break;
		s->todos[at] = s->todos[child];
		at = child;
	}
	s->todos[at] = last;
	return first;
}

static inline void next_value(struct store *s, struct operation *op, unsigned client)
{
	char text[32];

	snprintf(text, sizeof(text), "c%u.%zu", client, s->values++);
	op->value = evidence_value(&s->ev, text);
}

/* Times are microseconds plus up to 999 ns. */
static inline int64_t in_us(struct store *s, int64_t from, unsigned most)
{
	return from + 1000 * (int64_t)(1 + draw(s, most)) + draw(s, 1000);
}

static inline void begin_request(struct store *s, int64_t now, unsigned client)
{
	static const enum operation_kind kinds[] = {OP_GET, OP_GET, OP_GET,    OP_PUT, OP_PUT,
						    OP_PUT, OP_CAS, OP_DELETE, OP_CAS, OP_GET};
	unsigned key = draw(s, KEYS), luck = draw(s, 100);
	enum operation_kind kind = kinds[draw(s, 10)];
	struct todo todo = {.client = client, .key = key};
	int64_t applied = in_us(s, now, 2000), end = in_us(s, applied, 2000);

	todo.op = (struct operation) {.begin = now,
				      .ledger = evidence_name(&s->ev, "ledger"),
				      .client = s->client_names[client],
				      .key = s->key_names[key],
				      .kind = (uint8_t)kind};
	if (kind == OP_PUT || kind == OP_CAS)
		next_value(s, &todo.op, client);
	if (kind == OP_CAS)
		todo.op.compare = s->known[client][key];
	s->begun++;
	/* Timed out: applied before, during or long after the wait, or never. */
	if (luck < 12) {
		todo.op.result = OP_UNKNOWN;
		end = in_us(s, now, 3000);
		applied = in_us(s, now, luck < 3 ? 40000 : 4000);
	} else if (luck < 14) {
		todo.op.result = OP_FAILED;
	}
	s->answers[client] = todo.op;
	todo.kind = MOMENT_APPLY;
	todo.time = applied;
	if (todo.op.result == OP_OK || (todo.op.result == OP_UNKNOWN && luck < 9))
		heap_add(s, todo);
	todo.kind = MOMENT_END;
	todo.time = end;
	heap_add(s, todo);
}

static inline void notify(struct store *s, int64_t now, unsigned key)
{
	for (unsigned w = 0; w < WATCHES; w++) {
		struct todo todo = {.kind = MOMENT_DELIVER, .client = w, .key = key};
		int64_t time = in_us(s, now, 5000);

		if (time <= s->delivered[w])
			time = s->delivered[w] + 1;
		s->delivered[w] = todo.time = time;
		todo.op = (struct operation) {.begin = time,
					      .end = time,
					      .mod_revision = s->revision,
					      .ledger = evidence_name(&s->ev, "ledger"),
					      .client = s->client_names[CLIENTS + w],
					      .key = s->key_names[key],
					      .value = s->keys[key].value,
					      .kind = OP_EVENT};
		heap_add(s, todo);
	}
}

static inline void write_key(struct store *s, int64_t now, unsigned key, uint32_t value)
{
	s->keys[key] = (struct stored) {value, ++s->revision};
	if (!value)
		s->keys[key].mod = 0;
	notify(s, now, key);
}

/* Lies about a put; true if there is nothing else to do for it. */
static inline bool lie_about(struct store *s, const struct todo *todo)
{
	enum lie lie = s->lie;
	struct todo again = *todo;

	if (lie == LIE_NONE || s->begun < s->lie_after || todo->op.kind != OP_PUT ||
	    todo->op.result != OP_OK)
		return false;
	s->lie = LIE_NONE;
	if (lie == LIE_TWICE) {
		/* The answer to the second application is discarded. */
		again.op.result = OP_UNKNOWN;
		again.time = in_us(s, todo->time + 20000000, 20000);
		heap_add(s, again);
		return false;
	}
	s->revision += lie == LIE_DROP;
	s->answers[todo->client].revision = s->revision;
	return true;
}

static inline void apply_request(struct store *s, const struct todo *todo)
{
	struct operation op = todo->op;
	struct stored *stored = &s->keys[todo->key];

	if (lie_about(s, todo))
		return;
	if (op.kind == OP_GET || op.kind == OP_DELETE ||
	    (op.kind == OP_CAS && op.compare != stored->mod)) {
		op.seen = stored->value;
		op.mod_revision = stored->mod;
	}
	if (op.kind == OP_CAS && op.compare != stored->mod)
		op.result = op.result == OP_OK ? OP_UNEQUAL : op.result;
	else if (op.kind == OP_PUT || op.kind == OP_CAS)
		write_key(s, todo->time, todo->key, op.value);
	else if (op.kind == OP_DELETE && stored->value)
		write_key(s, todo->time, todo->key, 0);
	op.revision = s->revision;
	if (todo->op.result == OP_OK)
		s->answers[todo->client] = op;
}

static inline void end_request(struct store *s, const struct todo *todo)
{
	struct operation *op = &s->answers[todo->client];

	op->end = todo->time;
	if (op->result == OP_OK || op->result == OP_UNEQUAL)
		s->known[todo->client][todo->key] =
			op->result == OP_OK && (op->kind == OP_PUT || op->kind == OP_CAS) ?
				op->revision :
			op->kind == OP_DELETE ? 0 :
						op->mod_revision;
	assert_int_equal(evidence_add(&s->ev, EVIDENCE_OPERATION, op), 0);
}

static inline void run_lying_store(struct store *s, uint64_t seed, size_t operations, enum lie lie)
{
	memset(s, 0, sizeof(*s));
	s->lie = lie;
	s->lie_after = operations / 2;
	s->random = seed * 0x9e3779b97f4a7c15ULL + 1;
	s->wanted = operations;
	s->revision = 1;
	for (unsigned i = 0; i < KEYS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "k%u", i);
		s->key_names[i] = evidence_name(&s->ev, name);
	}
	for (unsigned i = 0; i < CLIENTS + WATCHES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "agent-%u", i);
		s->client_names[i] = evidence_name(&s->ev, name);
	}
	for (unsigned w = 0; w < WATCHES; w++) {
		struct operation op = {.ledger = evidence_name(&s->ev, "ledger"),
				       .client = s->client_names[CLIENTS + w],
				       .mod_revision = 2,
				       .kind = OP_WATCH};

		assert_int_equal(evidence_add(&s->ev, EVIDENCE_OPERATION, &op), 0);
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		heap_add(s, (struct todo) {.time = in_us(s, 0, 1000), .client = i});
	while (s->todo_count) {
		struct todo todo = heap_take(s);

		if (todo.kind == MOMENT_BEGIN)
			begin_request(s, todo.time, todo.client);
		else if (todo.kind == MOMENT_APPLY)
			apply_request(s, &todo);
		else if (todo.kind == MOMENT_DELIVER)
			assert_int_equal(evidence_add(&s->ev, EVIDENCE_OPERATION, &todo.op), 0);
		else
			end_request(s, &todo);
		if (todo.kind == MOMENT_END && s->begun < s->wanted)
			heap_add(s, (struct todo) {.time = in_us(s, todo.time, 500),
						   .client = todo.client});
	}
}

static inline void run_store(struct store *s, uint64_t seed, size_t operations)
{
	run_lying_store(s, seed, operations, LIE_NONE);
}

#endif
