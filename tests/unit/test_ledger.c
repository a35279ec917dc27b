// SPDX-License-Identifier: GPL-2.0-or-later
/* The judge of ledgers: planted faults, each caught by the right finding and by that only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/history.h"

static void test_healthy(void **state)
{
	struct evidence ev = {0};
	struct ledger_verdict verdict;

	(void)state;
	watch(&ev, "w", NULL, NULL, AT(0, 2));
	get(&ev, "a", "k", NULL, 1, 2, 1);
	put(&ev, "a", "k", "v1", 3, 4, 2);
	event(&ev, "w", "k", "v1", AT(4, 2));
	get(&ev, "b", "k", "v1", 5, 6, 2, 2);
	cas(&ev, "b", "k", "v2", 7, 8, 3, .compare = 2);
	cas(&ev, "a", "k", "v3", 9, 10, 3, 3, 2, "v2", OP_UNEQUAL);
	/* Concurrent with the delete, and before it. */
	get(&ev, "b", "k", "v2", 11, 14, 3, 3);
	erase(&ev, "a", "k", "v2", 12, 13, 4, 3);
	get(&ev, "b", "k", NULL, 15, 16, 4);
	erase(&ev, "a", "k", NULL, 17, 18, 4);
	event(&ev, "w", "k", "v2", AT(18, 3));
	event(&ev, "w", "k", NULL, AT(19, 4));
	put(&ev, "a", "j", "v4", 20, 21, .result = OP_FAILED);
	verdict = judge_history(&ev, true);
	assert_int_equal(verdict.acknowledged, 9);
	assert_int_equal(verdict.failed, 1);
	assert_int_equal(verdict.unknown, 0);
	assert_int_equal(verdict.reads, 4);
	assert_int_equal(verdict.watched, 3);
	ledger_done(&verdict);
	findings_are(&ev, "");
}

/* A write of unknown outcome may happen late, or never. */
static void test_unknown(void **state)
{
	struct evidence ev = {0};

	(void)state;
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "b", "k", "v2", 3, 4, .result = OP_UNKNOWN);
	put(&ev, "b", "k", "v3", 5, 6, .result = OP_UNKNOWN);
	get(&ev, "a", "k", "v1", 7, 8, 2, 2);
	get(&ev, "a", "k", "v2", 9, 10, 3, 3);
	erase(&ev, "b", "k", NULL, 11, 12, .result = OP_UNKNOWN);
	get(&ev, "a", "k", "v2", 13, 14, 3, 3);
	get(&ev, "a", "k", NULL, 15, 16, 4);
	findings_are(&ev, "");
}

static void test_lost(void **state)
{
	struct evidence ev = {0};

	(void)state;
	/* Dropped; the revision in the acknowledgement goes to another write afterwards. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 4, 3);
	put(&ev, "b", "j", "v3", 5, 6, 3);
	get(&ev, "a", "j", "v3", 7, 8, 3, 3);
	get(&ev, "a", "k", "v1", 9, 10, 3, 2);
	findings_are(&ev, "lost v2");
	/* The same, and nothing is written afterwards. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 4, 3);
	get(&ev, "a", "k", "v1", 5, 6, 2, 2);
	get(&ev, "b", "k", "v1", 7, 8, 2, 2);
	findings_are(&ev, "lost v2");
	/* Seen at first, and gone after a fallback. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 4, 3);
	get(&ev, "b", "k", "v2", 5, 6, 3, 3);
	get(&ev, "b", "k", "v1", 7, 8, 4, 2);
	get(&ev, "a", "k", "v1", 9, 10, 4, 2);
	findings_are(&ev, "lost v2");
	/* Two in a row. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 4, 3);
	put(&ev, "a", "k", "v3", 5, 6, 4);
	get(&ev, "b", "k", "v1", 7, 8, 5, 2);
	findings_are(&ev, "lost v2; lost v3");
	/* Never acknowledged, but seen. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 4, .result = OP_UNKNOWN);
	get(&ev, "b", "k", "v2", 5, 6, 3, 3);
	get(&ev, "b", "k", "v1", 7, 8, 4, 2);
	findings_are(&ev, "lost v2");
}

static void test_acknowledged_without_effect(void **state)
{
	struct evidence ev = {0};

	(void)state;
	/* The store refused it: its revision is that of the last write. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "b", "k", "v2", 3, 4, 2);
	get(&ev, "a", "k", "v1", 5, 6, 2, 2);
	findings_are(&ev, "lost v2");
	put(&ev, "a", "j", "v1", 1, 2, 2);
	put(&ev, "b", "k", "v2", 3, 4, 2);
	findings_are(&ev, "lost v2");
	/* At the same time: one of them is wrong, but which one is unknown. */
	put(&ev, "a", "j", "v1", 1, 3, 2);
	put(&ev, "b", "k", "v2", 2, 4, 2);
	findings_are(&ev, "reordered v2");
}

static void test_lost_delete(void **state)
{
	struct evidence ev = {0};

	(void)state;
	put(&ev, "a", "k", "v1", 1, 2, 2);
	erase(&ev, "a", "k", "v1", 3, 4, 3, 2);
	get(&ev, "b", "k", "v1", 5, 6, 3, 2);
	findings_are(&ev, "lost v1");
	put(&ev, "a", "k", "v1", 1, 2, 2);
	erase(&ev, "a", "k", "v1", 3, 4, 3, 2);
	get(&ev, "b", "k", "v1", 5, 6, 3, 2);
	get(&ev, "b", "k", NULL, 7, 8, 3);
	findings_are(&ev, "stale v1");
}

static void test_stale(void **state)
{
	struct evidence ev = {0};

	(void)state;
	/* Served by a member that is behind. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 4, 3);
	get(&ev, "b", "k", "v1", 5, 6, 2, 2);
	get(&ev, "a", "k", "v2", 7, 8, 3, 3);
	findings_are(&ev, "stale v1");
	/* An old body below a new revision. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 4, 3);
	get(&ev, "b", "k", "v1", 5, 6, 3, 2);
	get(&ev, "a", "k", "v2", 7, 8, 3, 3);
	findings_are(&ev, "stale v1");
	/* An old value that claims the new revision. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 4, 3);
	get(&ev, "b", "k", "v1", 5, 6, 3, 3);
	get(&ev, "a", "k", "v2", 7, 8, 3, 3);
	findings_are(&ev, "stale v1");
	/* Older than an earlier read, of a write without an answer. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 4, .result = OP_UNKNOWN);
	get(&ev, "b", "k", "v2", 5, 6, 3, 3);
	get(&ev, "b", "k", "v1", 7, 8, 2, 2);
	get(&ev, "b", "k", "v2", 9, 10, 3, 3);
	findings_are(&ev, "stale v1");
	/* Absent for a moment. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	get(&ev, "b", "k", NULL, 3, 4, 2);
	get(&ev, "b", "k", "v1", 5, 6, 2, 2);
	findings_are(&ev, "stale k");
	/* A failed comparison reads, too. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 4, 3);
	cas(&ev, "b", "k", "v3", 5, 6, 2, 2, 9, "v1", OP_UNEQUAL);
	get(&ev, "a", "k", "v2", 7, 8, 3, 3);
	findings_are(&ev, "stale v3");
}

/* An indeterminate delete explains one absence. */
static void test_absence(void **state)
{
	struct evidence ev = {0};

	(void)state;
	put(&ev, "a", "k", "v1", 1, 2, 2);
	erase(&ev, "b", "k", NULL, 3, 4, .result = OP_UNKNOWN);
	get(&ev, "a", "k", NULL, 5, 6, 3);
	put(&ev, "a", "k", "v2", 7, 8, 4);
	get(&ev, "a", "k", NULL, 9, 10, 5);
	findings_are(&ev, "lost v2");
	/* It began too late. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	get(&ev, "a", "k", NULL, 3, 4, 3);
	erase(&ev, "b", "k", NULL, 5, 6, .result = OP_UNKNOWN);
	findings_are(&ev, "lost v1");
	/* The key is there again, without a write. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	erase(&ev, "b", "k", NULL, 3, 4, .result = OP_UNKNOWN);
	get(&ev, "a", "k", NULL, 5, 6, 3);
	get(&ev, "a", "k", "v1", 7, 8, 3, 2);
	findings_are(&ev, "stale k");
	/* Of another key. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	erase(&ev, "b", "j", NULL, 3, 4, .result = OP_UNKNOWN);
	get(&ev, "a", "k", NULL, 5, 6, 3);
	findings_are(&ev, "lost v1");
	/* A watch reports the delete, or one that no client has sent. */
	watch(&ev, "w", NULL, NULL, AT(0, 2));
	put(&ev, "a", "k", "v1", 1, 2, 2);
	erase(&ev, "b", "k", NULL, 3, 4, .result = OP_UNKNOWN);
	event(&ev, "w", "k", "v1", AT(5, 2));
	event(&ev, "w", "k", NULL, AT(6, 3));
	get(&ev, "a", "k", NULL, 7, 8, 3);
	findings_are(&ev, "");
	watch(&ev, "w", NULL, NULL, AT(0, 2));
	put(&ev, "a", "k", "v1", 1, 2, 2);
	event(&ev, "w", "k", "v1", AT(5, 2));
	event(&ev, "w", "k", NULL, AT(6, 3));
	findings_are(&ev, "phantom k");
}

static void test_phantom(void **state)
{
	struct evidence ev = {0};
	struct ledger_verdict verdict;

	(void)state;
	put(&ev, "a", "k", "v1", 1, 2, 2);
	get(&ev, "a", "k", "v9", 3, 4, 3, 3);
	get(&ev, "a", "k", "v1", 5, 6, 3, 2);
	findings_are(&ev, "phantom v9");
	/* Written to another key. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	get(&ev, "a", "j", "v1", 3, 4, 2, 2);
	findings_are(&ev, "phantom v1");
	/* Written after it was read. */
	get(&ev, "a", "k", "v1", 1, 2, 2, 2);
	put(&ev, "a", "k", "v1", 3, 4, 3);
	findings_are(&ev, "phantom v1");
	/* Requests in flight are not recorded when their sender is killed. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	get(&ev, "b", "k", "v9", 3, 4, 3, 3);
	verdict = judge_history(&ev, false);
	assert_int_equal(verdict.finding_count, 0);
	assert_int_equal(verdict.unrecorded, 1);
	ledger_done(&verdict);
	evidence_done(&ev);
}

static void test_doubled(void **state)
{
	struct evidence ev = {0};

	(void)state;
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 4, 3);
	get(&ev, "a", "k", "v1", 5, 6, 4, 4);
	get(&ev, "b", "k", "v1", 7, 8, 4, 4);
	findings_are(&ev, "doubled v1");
	put(&ev, "a", "k", "v1", 1, 2, .result = OP_UNKNOWN);
	get(&ev, "a", "k", "v1", 3, 4, 2, 2);
	get(&ev, "b", "k", "v1", 5, 6, 3, 3);
	findings_are(&ev, "doubled v1");
}

static void test_revived(void **state)
{
	struct evidence ev = {0};

	(void)state;
	put(&ev, "a", "k", "v1", 1, 2, .result = OP_FAILED);
	get(&ev, "b", "k", "v1", 3, 4, 2, 2);
	get(&ev, "b", "k", "v1", 5, 6, 2, 2);
	findings_are(&ev, "revived v1");
	put(&ev, "a", "k", "v1", 1, 2, 2);
	cas(&ev, "a", "k", "v2", 3, 4, 2, 2, 1, "v1", OP_UNEQUAL);
	get(&ev, "b", "k", "v2", 5, 6, 3, 3);
	findings_are(&ev, "revived v2");
}

static void test_swapped(void **state)
{
	struct evidence ev = {0};

	(void)state;
	/* Two winners. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	cas(&ev, "a", "k", "v2", 3, 5, 3, .compare = 2);
	cas(&ev, "b", "k", "v3", 4, 6, 4, .compare = 2);
	get(&ev, "a", "k", "v3", 7, 8, 4, 4);
	findings_are(&ev, "swapped v3");
	/* Two holders of a lock. */
	cas(&ev, "a", "lock", "a1", 1, 2, 2);
	cas(&ev, "b", "lock", "b1", 3, 4, 3);
	get(&ev, "a", "lock", "b1", 5, 6, 3, 3);
	findings_are(&ev, "swapped b1");
	/* Released in between, or perhaps. */
	cas(&ev, "a", "lock", "a1", 1, 2, 2);
	erase(&ev, "a", "lock", "a1", 3, 4, 3, 2);
	cas(&ev, "b", "lock", "b1", 5, 6, 4);
	findings_are(&ev, "");
	cas(&ev, "a", "lock", "a1", 1, 2, 2);
	erase(&ev, "a", "lock", NULL, 3, 4, .result = OP_UNKNOWN);
	cas(&ev, "b", "lock", "b1", 5, 6, 4);
	findings_are(&ev, "");
	/* A comparison fails, although it holds. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	cas(&ev, "a", "k", "v2", 3, 4, 2, 2, 2, "v1", OP_UNEQUAL);
	findings_are(&ev, "swapped v2");
}

static void test_reordered(void **state)
{
	struct evidence ev = {0};

	(void)state;
	/* A revision goes back, with nothing stale. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "j", "v2", 3, 4, 3);
	get(&ev, "b", "k", "v1", 5, 6, 2, 2);
	findings_are(&ev, "reordered v1");
	/* A later write before an earlier one. */
	put(&ev, "a", "k", "v1", 1, 2, 5);
	put(&ev, "b", "j", "v2", 3, 4, 4);
	findings_are(&ev, "reordered v2");
	/* A write of unknown outcome happened before it began. */
	put(&ev, "a", "k", "v1", 1, 2, 5);
	put(&ev, "b", "j", "v2", 3, 4, .result = OP_UNKNOWN);
	get(&ev, "b", "j", "v2", 5, 6, 5, 4);
	findings_are(&ev, "reordered v2");
	/* A read at one revision shows a write of a later one. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 8, 3);
	get(&ev, "b", "k", "v2", 4, 7, 2, 3);
	findings_are(&ev, "reordered v2");
}

static void test_watch(void **state)
{
	static const struct {
		int revisions[4];
		const char *want;
	} cases[] = {
		{{2, 3, 4, 5}, ""},
		{{2, 3, 5}, "watch gap v4"},
		{{2, 3, 3, 4}, "watch double v3"},
		{{2, 4, 3, 5}, "watch back v3"},
		{{3, 4, 5}, "watch gap v2"},
		/* Silence is no gap. */
		{{2, 3}, ""},
		{{2, 5}, "watch gap v3; watch gap v4"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct evidence ev = {0};

		watch(&ev, "w", NULL, NULL, AT(0, 2));
		for (int v = 2; v <= 5; v++) {
			char value[16];

			snprintf(value, sizeof(value), "v%d", v);
			put(&ev, "a", "k", value, 2 * v, 2 * v + 1, v);
		}
		for (int k = 0; k < 4 && cases[i].revisions[k]; k++) {
			char value[16];

			snprintf(value, sizeof(value), "v%d", cases[i].revisions[k]);
			event(&ev, "w", "k", value, AT(20 + k, cases[i].revisions[k]));
		}
		findings_are(&ev, cases[i].want);
	}
}

static void test_watch_again(void **state)
{
	struct evidence ev = {0};

	(void)state;
	/* A watch of one key; then a new one that begins after the last event; and progress. */
	watch(&ev, "w", "k", NULL, AT(0, 2));
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "j", "v2", 3, 4, 3);
	put(&ev, "a", "k", "v3", 5, 6, 4);
	event(&ev, "w", "k", "v1", AT(7, 2));
	event(&ev, "w", "k", "v3", AT(8, 4));
	watch(&ev, "w", "k", NULL, AT(9, 5));
	put(&ev, "a", "k", "v4", 10, 11, 5);
	put(&ev, "a", "k", "v5", 12, 13, 6);
	event(&ev, "w", "k", "v5", AT(14, 6));
	put(&ev, "a", "k", "v6", 15, 16, 7);
	put(&ev, "a", "k", "v7", 17, 18, 8);
	progress(&ev, "w", NULL, NULL, AT(19, 7));
	findings_are(&ev, "watch gap v4; watch gap v6");
	/* From before its first revision. */
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 4, 3);
	watch(&ev, "w", NULL, NULL, AT(5, 3));
	event(&ev, "w", "k", "v1", AT(6, 2));
	event(&ev, "w", "k", "v2", AT(7, 3));
	findings_are(&ev, "watch back v1");
	/* Reads must show the state that a watch has shown. */
	watch(&ev, "w", NULL, NULL, AT(0, 2));
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "a", "k", "v2", 3, 9, 3);
	event(&ev, "w", "k", "v1", AT(4, 2));
	event(&ev, "w", "k", "v2", AT(5, 3));
	get(&ev, "b", "k", "v1", 6, 7, 2, 2);
	get(&ev, "b", "k", "v2", 10, 11, 3, 3);
	findings_are(&ev, "stale v1");
}

/* Two ledgers of two stores: their revisions cannot be compared. */
static void test_two_ledgers(void **state)
{
	struct evidence ev = {0};
	struct ledger_verdict verdict;
	struct netsim_err err = {0};

	(void)state;
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "b", "k", "x1", 3, 4, 2);
	ev.operations[1].ledger = evidence_name(&ev, "other");
	put(&ev, "a", "k", "v2", 5, 6, 3);
	get(&ev, "a", "k", "v1", 7, 8, 3, 2);
	assert_int_equal(
		ledger_judge(&ev, text_table_find(&ev.names, "other"), true, &verdict, &err), 0);
	assert_int_equal(verdict.finding_count, 0);
	ledger_done(&verdict);
	verdict = judge_history(&ev, true);
	assert_int_equal(verdict.finding_count, 1);
	assert_int_equal(verdict.findings[0].op, 2);
	assert_int_equal(verdict.findings[0].proof, 3);
	ledger_done(&verdict);
	evidence_done(&ev);
}

static void test_same_value(void **state)
{
	struct evidence ev = {0};
	struct ledger_verdict verdict;
	struct netsim_err err = {0};

	(void)state;
	put(&ev, "a", "k", "v1", 1, 2, 2);
	put(&ev, "b", "k", "v1", 3, 4, 3);
	assert_int_equal(
		ledger_judge(&ev, text_table_find(&ev.names, "ledger"), true, &verdict, &err), -22);
	assert_string_equal(err.what, "two operations write v1");
	evidence_done(&ev);
}

static void test_text(void **state)
{
	struct evidence ev = {0};
	struct ledger_verdict verdict;
	char line[FINDING_TEXT];

	(void)state;
	put(&ev, "a", "k", "v1", 1001, 1002, 2);
	put(&ev, "a", "k", "v2", 1003, 1004, 3);
	get(&ev, "b", "k", "v1", 1500, 1501, 4, 2);
	verdict = judge_history(&ev, true);
	assert_string_equal(finding_text(&ev, &verdict.findings[0], 1000 * (int64_t)MS, line),
			    "lost: key k = v2, put at 0.003 s (revision 3), not in get at 0.500 s "
			    "(revision 4)");
	ledger_done(&verdict);
	evidence_done(&ev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_acknowledged_without_effect),
		cmocka_unit_test(test_lost_delete),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_absence),
		cmocka_unit_test(test_phantom),
		cmocka_unit_test(test_doubled),
		cmocka_unit_test(test_revived),
		cmocka_unit_test(test_swapped),
		cmocka_unit_test(test_reordered),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_watch_again),
		cmocka_unit_test(test_two_ledgers),
		cmocka_unit_test(test_same_value),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
