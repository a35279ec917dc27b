// SPDX-License-Identifier: GPL-2.0-or-later
/* The judge of ledgers: random healthy histories, planted faults, and a million operations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/resource.h>

#include "netsim/util/clock.h"
#include "tests/unit/history.h"
#include "tests/unit/store.h"

#if defined(__SANITIZE_ADDRESS__)
#define MANY 50000
#else
#define MANY 1000000
#endif

static struct store store;

static void test_healthy(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct ledger_verdict verdict;
		char text[1024];

		run_store(&store, seed, 2000);
		verdict = judge_history(&store.ev, true);
		list_findings(&store.ev, &verdict, text, sizeof(text));
		if (verdict.finding_count)
			fail_msg("seed %d: %s", (int)seed, text);
		assert_true(verdict.unknown > 100 && verdict.reads > 500 && verdict.watched > 500);
		ledger_done(&verdict);
		evidence_done(&store.ev);
	}
}

/* Any prefix of a healthy history is healthy, apart from writes that were in flight. */
static void test_cut_off(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct ledger_verdict verdict;
		char text[1024];

		run_store(&store, seed, 1000);
		store.ev.operation_count = 20 * seed;
		verdict = judge_history(&store.ev, false);
		list_findings(&store.ev, &verdict, text, sizeof(text));
		if (verdict.finding_count)
			fail_msg("seed %d: %s", (int)seed, text);
		ledger_done(&verdict);
		store.ev.operation_count = 1;
		evidence_done(&store.ev);
	}
}

/* Returns a random operation of a kind, from the middle of the history. */
static struct operation *pick(enum operation_kind kind)
{
	for (;;) {
		size_t i = store.ev.operation_count / 4 +
			   draw(&store, (unsigned)store.ev.operation_count / 2);
		struct operation *op = &store.ev.operations[i];

		if (op->kind == kind && op->result == OP_OK)
			return op;
	}
}

/* Returns a read that began after a write has ended, and shows it; or NULL. */
static struct operation *read_after(const struct operation *write)
{
	const struct evidence *ev = &store.ev;

	for (size_t i = 0; i < ev->operation_count; i++) {
		struct operation *op = &ev->operations[i];

		if (op->kind == OP_GET && op->result == OP_OK && op->begin > write->end &&
		    op->key == write->key && op->mod_revision == write->revision)
			return op;
	}
	return NULL;
}

enum plant {
	PLANT_STALE,
	PLANT_PHANTOM,
	PLANT_GAP,
	PLANT_DOUBLE,
	PLANT_BACK,
	PLANT_REVIVED,
	PLANT_REORDERED,
	PLANT_SWAPPED,
	PLANT_COUNT,
};

static void remove_operation(struct operation *op)
{
	struct evidence *ev = &store.ev;
	size_t at = (size_t)(op - ev->operations);

	memmove(op, op + 1, (ev->operation_count - at - 1) * sizeof(*op));
	ev->operation_count--;
}

/* Returns the next event of the same watch, or NULL. */
static struct operation *next_event(struct operation *event)
{
	struct operation *end = store.ev.operations + store.ev.operation_count;

	for (struct operation *op = event + 1; op < end; op++)
		if (op->kind == OP_EVENT && op->client == event->client)
			return op;
	return NULL;
}

/* Shows the value before a write in a read after it. */
static bool plant_stale(void)
{
	struct operation *write = pick(OP_PUT), *read = read_after(write);

	if (!read)
		return false;
	for (size_t i = 0; i < store.ev.operation_count; i++) {
		const struct operation *op = &store.ev.operations[i];

		if (op->kind != OP_PUT || op->result != OP_OK || op->key != write->key ||
		    op->revision >= write->revision)
			continue;
		read->seen = op->value;
		read->mod_revision = op->revision;
		return true;
	}
	return false;
}

static bool plant_event(enum plant plant)
{
	struct operation *event = pick(OP_EVENT), *next = next_event(event), kept = *event;

	if (plant == PLANT_GAP) {
		remove_operation(event);
	} else if (plant == PLANT_DOUBLE) {
		next->key = event->key;
		next->value = event->value;
		next->mod_revision = event->mod_revision;
	} else {
		/* The newer event must not be delivered before its write. */
		event->begin = event->end = next->begin;
		event->key = next->key;
		event->value = next->value;
		event->mod_revision = next->mod_revision;
		next->key = kept.key;
		next->value = kept.value;
		next->mod_revision = kept.mod_revision;
	}
	return true;
}

/* Plants a fault; false if there is no place for it in this history. */
static bool plant(enum plant plant)
{
	struct operation *op, *read;

	switch (plant) {
	case PLANT_STALE:
		return plant_stale();
	case PLANT_PHANTOM:
		op = pick(OP_GET);
		op->seen = evidence_value(&store.ev, "phantom");
		op->mod_revision = op->revision;
		return true;
	case PLANT_GAP:
	case PLANT_DOUBLE:
	case PLANT_BACK:
		return plant_event(plant);
	case PLANT_REVIVED:
		op = pick(OP_PUT);
		op->result = OP_FAILED;
		return true;
	case PLANT_REORDERED:
		op = pick(OP_GET);
		read = read_after(pick(OP_PUT));
		op = read ? read : op;
		if (!op->mod_revision || op->mod_revision > op->revision - 12)
			return false;
		op->revision -= 12;
		return true;
	case PLANT_SWAPPED:
		op = pick(OP_CAS);
		op->compare = op->compare ? op->compare - 1 : op->compare;
		return op->compare > 0;
	case PLANT_COUNT:
		break;
	}
	return false;
}

/* Every fault is found, and nothing else, except that a gap may come with a double. */
static void test_planted(void **state)
{
	static const enum finding_kind wanted[] = {
		[PLANT_STALE] = FINDING_STALE,	       [PLANT_PHANTOM] = FINDING_PHANTOM,
		[PLANT_GAP] = FINDING_WATCH_GAP,       [PLANT_DOUBLE] = FINDING_WATCH_DOUBLE,
		[PLANT_BACK] = FINDING_WATCH_BACK,     [PLANT_REVIVED] = FINDING_REVIVED,
		[PLANT_REORDERED] = FINDING_REORDERED, [PLANT_SWAPPED] = FINDING_SWAPPED,
	};

	(void)state;
	for (unsigned p = 0; p < PLANT_COUNT; p++)
		for (uint64_t seed = 1, done = 0; done < 20; seed++) {
			struct ledger_verdict verdict;
			size_t others = 0;
			char text[1024];

			run_store(&store, 1000 * p + seed, 1500);
			if (!plant((enum plant)p)) {
				evidence_done(&store.ev);
				continue;
			}
			done++;
			verdict = judge_history(&store.ev, true);
			list_findings(&store.ev, &verdict, text, sizeof(text));
			for (unsigned k = 0; k < FINDING_KINDS; k++)
				others += k == wanted[p] ? 0 : verdict.counts[k];
			if (p == PLANT_DOUBLE)
				others -= verdict.counts[FINDING_WATCH_GAP];
			if (verdict.counts[wanted[p]] != 1 || others)
				fail_msg("fault %u, seed %d: %s", p, (int)seed, text);
			ledger_done(&verdict);
			evidence_done(&store.ev);
		}
}

/*
 * A store that lies. A dropped write is lost only if a read of its key comes before the next
 * write; otherwise both watches lack it.
 */
static void test_lies(void **state)
{
	size_t lost = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		enum lie lie = (enum lie)(LIE_REFUSE + seed % 3);
		struct ledger_verdict verdict;
		char text[1024];
		bool right;

		run_lying_store(&store, seed, 1000, lie);
		verdict = judge_history(&store.ev, true);
		list_findings(&store.ev, &verdict, text, sizeof(text));
		right = lie == LIE_TWICE ? strncmp(text, "doubled", 7) == 0 :
					   strncmp(text, "lost", 4) == 0;
		right = right && verdict.finding_count == 1;
		if (lie == LIE_DROP && !right)
			right = verdict.counts[FINDING_WATCH_GAP] == WATCHES &&
				verdict.finding_count == WATCHES;
		lost += verdict.counts[FINDING_LOST];
		if (!right)
			fail_msg("lie %d, seed %d: %s", (int)lie, (int)seed, text);
		ledger_done(&verdict);
		evidence_done(&store.ev);
	}
	assert_true(lost > 20);
}

static double seconds_since(int64_t begin)
{
	return (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9;
}

static long peak_mib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss / 1024;
}

/* Runs first, because the peak is that of the whole process. */
static void test_million(void **state)
{
	struct ledger_verdict verdict;
	int64_t begin;
	long before;

	(void)state;
	/* Events of watches come on top of the operations of clients. */
	run_store(&store, 7, MANY / 20 * 11);
	before = peak_mib();
	begin = clock_ns(CLOCK_MONOTONIC);
	verdict = judge_history(&store.ev, true);
	print_message("%zu operations judged in %.2f s; peak %ld MiB, %ld MiB before\n",
		      store.ev.operation_count, seconds_since(begin), peak_mib(), before);
	assert_int_equal(verdict.finding_count, 0);
	ledger_done(&verdict);
	evidence_done(&store.ev);
}

/* Writes and reads a history in pieces, as a report does. */
static void test_lines(void **state)
{
	struct evidence again = {0};
	struct evidence_file file = {.name = "history.jsonl"};
	size_t count, bytes = 0, next;
	int64_t writing = 0, reading = 0, begin;

	(void)state;
	run_store(&store, 8, MANY / 20 * 11);
	count = store.ev.operation_count;
	for (size_t i = 0; i < count; i = next) {
		struct buf text = {0};
		struct netsim_err err = {0};

		next = i + 10000 < count ? i + 10000 : count;
		begin = clock_ns(CLOCK_MONOTONIC);
		for (size_t k = i; k < next; k++)
			evidence_write(&store.ev, EVIDENCE_OPERATION, &store.ev.operations[k],
				       &text);
		writing += clock_ns(CLOCK_MONOTONIC) - begin;
		begin = clock_ns(CLOCK_MONOTONIC);
		file.more = next < count;
		assert_int_equal(evidence_read(&again, &file, text.data, text.len, &err), 0);
		reading += clock_ns(CLOCK_MONOTONIC) - begin;
		bytes += text.len;
		buf_done(&text);
	}
	assert_int_equal(again.operation_count, count);
	assert_int_equal(file.lines, count);
	for (size_t i = 0; i < count; i++) {
		const struct operation *a = &store.ev.operations[i], *b = &again.operations[i];

		assert_true(a->begin == b->begin && a->end == b->end &&
			    a->revision == b->revision && a->mod_revision == b->mod_revision &&
			    a->kind == b->kind && a->result == b->result);
		assert_string_equal(text_table_get(&store.ev.values, a->value),
				    text_table_get(&again.values, b->value));
		assert_string_equal(text_table_get(&store.ev.values, a->seen),
				    text_table_get(&again.values, b->seen));
	}
	print_message("%zu lines, %zu MiB: written in %.2f s, read in %.2f s\n", count, bytes >> 20,
		      (double)writing / 1e9, (double)reading / 1e9);
	evidence_done(&again);
	evidence_done(&store.ev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_million), cmocka_unit_test(test_healthy),
		cmocka_unit_test(test_cut_off), cmocka_unit_test(test_planted),
		cmocka_unit_test(test_lies),	cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
