/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture for tests of ledgers: histories written by hand, in milliseconds. */
#ifndef TESTS_UNIT_HISTORY_H
#define TESTS_UNIT_HISTORY_H

#include <stdio.h>
#include <string.h>

#include "netsim/judge/ledger.h"

#define MS 1000000

struct entry {
	const char *client, *key, *value; /* value: written, delivered or seen; NULL: none */
	int begin, end, revision, mod, compare;
	const char *seen; /* by a failed comparison */
	enum operation_result result;
};

static inline uint32_t name_of(struct evidence *ev, const char *text)
{
	return text ? evidence_name(ev, text) : 0;
}

static inline uint32_t value_of(struct evidence *ev, const char *text)
{
	return text ? evidence_value(ev, text) : 0;
}

static inline void add_entry(struct evidence *ev, enum operation_kind kind, struct entry entry)
{
	struct operation op = {.begin = (int64_t)entry.begin * MS,
			       .end = (int64_t)entry.end * MS,
			       .revision = entry.revision,
			       .mod_revision = entry.mod,
			       .compare = entry.compare,
			       .ledger = name_of(ev, "ledger"),
			       .client = name_of(ev, entry.client),
			       .key = name_of(ev, entry.key),
			       .kind = (uint8_t)kind,
			       .result = (uint8_t)entry.result};

	if (kind == OP_GET || kind == OP_DELETE)
		op.seen = value_of(ev, entry.value);
	else
		op.value = value_of(ev, entry.value);
	if (entry.seen)
		op.seen = value_of(ev, entry.seen);
	if (op.end < op.begin)
		op.end = op.begin;
	assert_int_equal(evidence_add(ev, EVIDENCE_OPERATION, &op), 0);
}

/* CLIENT, KEY, VALUE, BEGIN, END, REVISION; reads and deletes also the mod_revision seen. */
#define put(ev, ...)	    add_entry((ev), OP_PUT, (struct entry) {__VA_ARGS__})
#define get(ev, ...)	    add_entry((ev), OP_GET, (struct entry) {__VA_ARGS__})
#define cas(ev, ...)	    add_entry((ev), OP_CAS, (struct entry) {__VA_ARGS__})
#define erase(ev, ...)	    add_entry((ev), OP_DELETE, (struct entry) {__VA_ARGS__})
#define watch(ev, ...)	    add_entry((ev), OP_WATCH, (struct entry) {__VA_ARGS__})
#define event(ev, ...)	    add_entry((ev), OP_EVENT, (struct entry) {__VA_ARGS__})
#define progress(ev, ...)   add_entry((ev), OP_PROGRESS, (struct entry) {__VA_ARGS__})
#define AT(time, revision_) .begin = (time), .end = (time), .mod = (revision_)

/* Lists findings, "lost v2; stale v1". */
static inline void list_findings(const struct evidence *ev, const struct ledger_verdict *verdict,
				 char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < verdict->finding_count && used < size; i++) {
		const struct finding *finding = &verdict->findings[i];
		const struct operation *op = &ev->operations[finding->op];
		uint32_t value = op->value ? op->value : op->seen;

		used += (size_t)snprintf(text + used, size - used, "%s%s %s", used ? "; " : "",
					 finding_word(finding->kind),
					 value ? text_table_get(&ev->values, value) :
						 text_table_get(&ev->names, op->key));
	}
}

static inline struct ledger_verdict judge_history(const struct evidence *ev, bool complete)
{
	struct ledger_verdict verdict;
	struct netsim_err err = {0};

	if (ledger_judge(ev, text_table_find(&ev->names, "ledger"), complete, &verdict, &err) < 0)
		fail_msg("%s", err.what);
	return verdict;
}

/* Expects exactly these findings, and lines of at most 100 columns; forgets the history. */
static inline void findings_are(struct evidence *ev, const char *want)
{
	struct ledger_verdict verdict = judge_history(ev, true);
	char got[1024], line[FINDING_TEXT];

	list_findings(ev, &verdict, got, sizeof(got));
	assert_string_equal(got, want);
	for (size_t i = 0; i < verdict.finding_count; i++)
		assert_true(strlen(finding_text(ev, &verdict.findings[i], 0, line)) <= 100);
	ledger_done(&verdict);
	evidence_done(ev);
}

#endif
