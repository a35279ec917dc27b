// SPDX-License-Identifier: GPL-2.0-or-later
/* The verdict on ledgers, clusters and pairs: findings, leaders, agreement, packets. */
#include "tests/unit/verdict.h"

/* --- ledgers */

static struct claim findings_claim(const char *phase, unsigned kinds)
{
	return (struct claim) {.phase = phase,
			       .text = "ledger lost = 0",
			       .subject = "ledger",
			       .quantity = CLAIM_FINDING,
			       .findings = kinds,
			       .op = OPERATOR_EQ};
}

static void lost_history(struct evidence *ev)
{
	begin_run(ev);
	phase(ev, 0, "cut", 1);
	phase(ev, 1000, "cut", 2);
	phase(ev, 2000, "after", 0);
	end_run(ev, 3000);
	put(ev, "a", "k", "v1", ORIGIN + 100, ORIGIN + 110, 2);
	put(ev, "a", "k", "v2", ORIGIN + 200, ORIGIN + 210, 3);
	get(ev, "a", "k", "v1", ORIGIN + 1100, ORIGIN + 1110, 4, 2);
	/* The final reads come after the timeline. */
	put(ev, "a", "j", "v3", ORIGIN + 2100, ORIGIN + 2110, 5);
	get(ev, "a", "j", NULL, ORIGIN + 3100, ORIGIN + 3110, 6);
}

static void test_findings(void **state)
{
	struct evidence ev = {0};
	struct claim claims[] = {
		findings_claim("cut", 1U << FINDING_LOST),
		findings_claim("after", 1U << FINDING_LOST),
		findings_claim("after", 1U << FINDING_STALE),
		findings_claim("after", 1U << FINDING_WATCH_GAP),
		{.phase = "cut",
		 .text = "ledger rate >= 2/s",
		 .subject = "ledger",
		 .quantity = CLAIM_RATE,
		 .op = OPERATOR_GE,
		 .value = 2},
		findings_claim("after", 1U << FINDING_LOST),
	};

	(void)state;
	claims[2].text = "ledger stale = 0";
	claims[3].text = "ledger watch = 0";
	claims[5].subject = "other";
	lost_history(&ev);
	lines_are(&ev, claims, 6,
		  "ok: cut 1: ledger lost = 0: 0\n"
		  "failed: cut 2: ledger lost = 0: 1: key k = v2, put at 0.200 s (revision 3), not "
		  "in get "
		  "at 1.100 s (revision 4)\n"
		  "failed: after: ledger lost = 0: 2: key k = v2, put at 0.200 s (revision 3), not "
		  "in get "
		  "at 1.100 s (revision 4)\n"
		  "ok: after: ledger stale = 0: 0\n"
		  "unproved: after: ledger watch = 0: the ledger's watches delivered nothing: 0\n"
		  "ok: cut 1: ledger rate >= 2/s: 2.0/s\n"
		  "failed: cut 2: ledger rate >= 2/s: 1.0/s, off by 1.0/s\n"
		  "unproved: after: ledger lost = 0: other has no operations\n");
}

/* A count that is too small because the run ended in its phase is no failure. */
static void test_cut_short(void **state)
{
	struct evidence ev = {0};
	const struct claim claim = {.phase = "cut",
				    .text = "ledger rate >= 2/s",
				    .subject = "ledger",
				    .quantity = CLAIM_RATE,
				    .op = OPERATOR_GE,
				    .value = 2};

	(void)state;
	begin_run(&ev);
	phase(&ev, 0, "cut", 0);
	put(&ev, "a", "k", "v1", ORIGIN + 100, ORIGIN + 110, 2);
	happen(&ev, 1000, EVENT_ABORTED, NULL)->text = evidence_name(&ev, "a step failed");
	end_run(&ev, 1010);
	lines_are(&ev, &claim, 1,
		  "unproved: cut: ledger rate >= 2/s: the run ended in this phase: 1.0/s\n");
}

/* Findings that no expectation is about fail the run all the same. */
static void test_consistent(void **state)
{
	struct evidence ev = {0};
	struct claim claim = findings_claim("after", 1U << FINDING_LOST);
	struct verdict *verdict;

	(void)state;
	lost_history(&ev);
	run_lines_are(&ev, "failed: run: consistent: ledger: 2 findings: lost: key k = v2, "
			   "put at 0.200 s (revision 3), not in get at 1.100 s (revision 4)\n");
	lost_history(&ev);
	verdict = judge_run(&ev, &claim, 1);
	assert_string_equal(verdict->rows[2]->line,
			    "ok: run: consistent: ledger: 5 operations acknowledged, 0 of unknown "
			    "outcome; but for the 2 findings of its sentences");
	assert_int_equal(verdict->finding_total, 2);
	assert_string_equal(verdict->findings[0]->line,
			    "lost: key k = v2, put at 0.200 s (revision 3), not in get at 1.100 s "
			    "(revision 4)");
	verdict_free(verdict);
	evidence_done(&ev);
}

/* A ledger with more findings than are listed leaves room for those of the next one. */
static void test_many_findings(void **state)
{
	struct evidence ev = {0};
	struct verdict *verdict;
	char key[16];

	(void)state;
	for (int i = 0; i < VERDICT_FINDINGS + 1; i++) {
		snprintf(key, sizeof(key), "lost-%d", i);
		put(&ev, "a", key, key, ORIGIN + 100, ORIGIN + 110, 2);
		get(&ev, "a", key, NULL, ORIGIN + 200, ORIGIN + 210, 3);
	}
	for (size_t i = 0; i < ev.operation_count; i++)
		ev.operations[i].ledger = name_of(&ev, "chatty");
	lost_history(&ev);
	verdict = judge_run(&ev, NULL, 0);
	assert_int_equal(verdict->finding_total, VERDICT_FINDINGS + 3);
	assert_int_equal(verdict->finding_count, VERDICT_FINDINGS + 2);
	assert_string_equal(verdict->findings[VERDICT_FINDINGS]->ledger, "ledger");
	verdict_free(verdict);
	evidence_done(&ev);
}

/* --- clusters and pairs */

static struct member_sample *member_at(struct evidence *ev, int time, const char *member,
				       const char *leader)
{
	struct member_sample sample = {.time = (int64_t)(ORIGIN + time) * MS,
				       .workload = evidence_name(ev, "etcd"),
				       .member = evidence_name(ev, member),
				       .leader = name_of(ev, leader)};

	assert_int_equal(evidence_add(ev, EVIDENCE_MEMBER, &sample), 0);
	return &ev->members[ev->member_count - 1];
}

static void state_of(struct evidence *ev, int time, const char *member, const char *leader,
		     int term, int revision)
{
	struct member_sample *added = member_at(ev, time, member, leader);

	added->term = term;
	added->revision = revision;
	added->hash = revision * 100;
}

static void cluster(struct evidence *ev)
{
	begin_run(ev);
	phase(ev, 100, "cut", 0);
	phase(ev, 1000, "after", 0);
	state_of(ev, 0, "a", "a", 2, 5);
	state_of(ev, 10, "b", "a", 2, 5);
	state_of(ev, 20, "c", "a", 2, 5);
	/* a is cut off, and campaigns. */
	state_of(ev, 200, "a", NULL, 7, 5);
	state_of(ev, 300, "b", "c", 3, 6);
	state_of(ev, 310, "c", "c", 3, 6);
	/* It comes back, and has to catch up. */
	state_of(ev, 1100, "a", NULL, 7, 5);
	state_of(ev, 1110, "b", "c", 8, 9);
	state_of(ev, 1120, "c", "c", 8, 9);
	state_of(ev, 1200, "a", "c", 8, 5);
	state_of(ev, 1210, "b", "c", 8, 10);
	state_of(ev, 1300, "a", "c", 8, 9);
	state_of(ev, 1310, "c", "c", 8, 11);
	end_run(ev, 2000);
}

static void test_cluster(void **state)
{
	struct evidence ev = {0};
	struct claim claims[] = {
		{.phase = "cut",
		 .text = "etcd leader changes = 1",
		 .subject = "etcd",
		 .quantity = CLAIM_LEADER_CHANGES,
		 .op = OPERATOR_EQ,
		 .value = 1},
		{.phase = "after",
		 .text = "etcd leader changes = 0",
		 .subject = "etcd",
		 .quantity = CLAIM_LEADER_CHANGES,
		 .op = OPERATOR_EQ,
		 .value = 0},
		{.phase = "after",
		 .text = "etcd agrees within 500ms",
		 .subject = "etcd",
		 .quantity = CLAIM_AGREES,
		 .op = OPERATOR_LE,
		 .value = 500 * MS},
	};

	(void)state;
	cluster(&ev);
	lines_are(&ev, claims, 3,
		  "ok: cut: etcd leader changes = 1: 1\n"
		  "failed: after: etcd leader changes = 0: 1, off by 1, at 1.110 s\n"
		  "ok: after: etcd agrees within 500ms: 0.300 s \xc2\xb1 0.090 s\n");
	/* Other data at the same revision. */
	cluster(&ev);
	ev.members[ev.member_count - 2].revision = 11;
	lines_are(&ev, &claims[2], 1,
		  "failed: after: etcd agrees within 500ms: at least 1.00 s, off by 0.500 s, at "
		  "1.310 s; members have different data at the same revision\n");
	/* One that does not answer. */
	cluster(&ev);
	member_at(&ev, 1400, "b", NULL)->silent = true;
	claims[2].value = 5 * SECOND;
	lines_are(&ev, &claims[2], 1,
		  "unproved: after: etcd agrees within 500ms: the members did not agree at the end "
		  "of the phase: at least 1.00 s, at 1.400 s\n");
	cluster(&ev);
	ev.member_count = 0;
	lines_are(&ev, claims, 3,
		  "unproved: cut: etcd leader changes = 1: no member ever reported a leader\n"
		  "unproved: after: etcd leader changes = 0: no member ever reported a leader\n"
		  "unproved: after: etcd agrees within 500ms: no member of etcd was sampled\n");
}

static void test_pair(void **state)
{
	struct evidence ev = {0};
	const int64_t begin = ORIGIN * (int64_t)MS, end = (ORIGIN + 1000) * (int64_t)MS;
	struct figure figure = {.begin = begin, .end = end, .packets = 50, .lost = 2};
	struct figure none = {.begin = begin, .end = end};
	struct figure brief = {.begin = begin, .end = begin + 99 * (int64_t)MS, .packets = 5};
	struct claim claims[] = {
		{.phase = "cut",
		 .text = "loss a:b <= 5%",
		 .subject = "a",
		 .to = "b",
		 .quantity = CLAIM_LOSS,
		 .op = OPERATOR_LE,
		 .value = 0.05},
		{.phase = "cut",
		 .text = "loss b:a <= 5%",
		 .subject = "b",
		 .to = "a",
		 .quantity = CLAIM_LOSS,
		 .op = OPERATOR_LE,
		 .value = 0.05},
		{.phase = "cut",
		 .text = "packets a:b class bulk >= 1",
		 .subject = "a",
		 .to = "b",
		 .class = "bulk",
		 .quantity = CLAIM_PACKETS,
		 .op = OPERATOR_GE,
		 .value = 1},
		{.phase = "cut",
		 .text = "loss a:b < 1%",
		 .subject = "a",
		 .to = "b",
		 .quantity = CLAIM_LOSS,
		 .op = OPERATOR_LT,
		 .value = 0.01},
		{.phase = "cut",
		 .text = "packets a:c >= 1",
		 .subject = "a",
		 .to = "c",
		 .quantity = CLAIM_PACKETS,
		 .op = OPERATOR_GE,
		 .value = 1},
		{.phase = "cut",
		 .text = "packets a:d = 0",
		 .subject = "a",
		 .to = "d",
		 .quantity = CLAIM_PACKETS,
		 .op = OPERATOR_EQ},
	};

	(void)state;
	begin_run(&ev);
	phase(&ev, 0, "cut", 0);
	end_run(&ev, 1000);
	figure.from = none.to = brief.from = evidence_name(&ev, "a");
	figure.to = none.from = evidence_name(&ev, "b");
	brief.to = evidence_name(&ev, "c");
	evidence_add(&ev, EVIDENCE_FIGURE, &figure);
	evidence_add(&ev, EVIDENCE_FIGURE, &none);
	evidence_add(&ev, EVIDENCE_FIGURE, &brief);
	none.from = figure.from;
	none.to = figure.to;
	none.class = evidence_name(&ev, "bulk");
	evidence_add(&ev, EVIDENCE_FIGURE, &none);
	lines_are(
		&ev, claims, 6,
		"ok: cut: loss a:b <= 5%: 4 %\n"
		"unproved: cut: loss b:a <= 5%: no packet was sent\n"
		"failed: cut: packets a:b class bulk >= 1: 0, off by 1\n"
		"failed: cut: loss a:b < 1%: 4 %, off by 3 %; 50 packets; the limit needs 100\n"
		"unproved: cut: packets a:c >= 1: the packets were counted for only 0.099 s of "
		"this phase\n"
		"unproved: cut: packets a:d = 0: the packets were counted for only 0.000 s of this "
		"phase\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_findings),  cmocka_unit_test(test_consistent),
		cmocka_unit_test(test_cut_short), cmocka_unit_test(test_many_findings),
		cmocka_unit_test(test_cluster),	  cmocka_unit_test(test_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
