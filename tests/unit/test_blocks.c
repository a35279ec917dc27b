// SPDX-License-Identifier: GPL-2.0-or-later
/* The judge of block ledgers: planted faults and stalls, and the content that the ledger writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/judge/blocks.h"
#include "netsim/judge/verdict.h"
#include "netsim/run/block_content.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

#define MS	1000000LL
#define LEDGER	"blocks"
#define OK	OP_OK
#define UNKNOWN OP_UNKNOWN

/* Times in ms. */
static void add(struct evidence *ev, struct block_operation op)
{
	op.ledger = evidence_name(ev, LEDGER);
	op.begin *= MS;
	op.end *= MS;
	assert_int_equal(evidence_add(ev, EVIDENCE_BLOCK, &op), 0);
}

static void put(struct evidence *ev, uint32_t block, int64_t number, int64_t begin, int64_t end,
		uint8_t result)
{
	add(ev, (struct block_operation) {.kind = BLOCK_WRITE,
					  .block = block,
					  .number = number,
					  .begin = begin,
					  .end = end,
					  .result = result});
}

static void get(struct evidence *ev, uint32_t block, const char *seen, int64_t begin, int64_t end)
{
	add(ev, (struct block_operation) {.kind = BLOCK_READ,
					  .block = block,
					  .seen = seen ? evidence_value(ev, seen) : 0,
					  .begin = begin,
					  .end = end,
					  .result = seen ? OP_OK : OP_UNKNOWN});
}

/* The findings are these, one a line; the evidence is freed. */
static void findings_are(struct evidence *ev, const char *wanted)
{
	struct ledger_verdict verdict;
	auto_buf struct buf text = {0};
	char line[FINDING_TEXT];

	assert_int_equal(blocks_judge(ev, evidence_name(ev, LEDGER), true, &verdict, NULL), 0);
	for (size_t i = 0; i < verdict.finding_count; i++)
		buf_printf(&text, "%s\n", finding_text(ev, &verdict.findings[i], 0, line));
	assert_string_equal(text.data ? text.data : "", wanted);
	ledger_done(&verdict);
	evidence_done(ev);
}

static void test_healthy(void **state)
{
	struct evidence ev = {0};
	struct ledger_verdict verdict;

	(void)state;
	put(&ev, 1, 1, 1, 2, OK);
	get(&ev, 1, "1", 3, 4);
	put(&ev, 2, 2, 3, 4, OK);
	put(&ev, 1, 3, 5, 6, OP_FAILED);
	put(&ev, 1, 4, 7, 8, OK);
	get(&ev, 1, "4", 9, 10);
	get(&ev, 2, NULL, 9, 10);
	assert_int_equal(blocks_judge(&ev, evidence_name(&ev, LEDGER), true, &verdict, NULL), 0);
	assert_int_equal(verdict.acknowledged, 3);
	assert_int_equal(verdict.failed, 1);
	assert_int_equal(verdict.reads, 2);
	assert_int_equal(verdict.unread, 1);
	ledger_done(&verdict);
	get(&ev, 2, "2", 11, 12);
	findings_are(&ev, "");
}

/* It may have happened, then or later, in a part of the sectors, or never. */
static void test_unknown(void **state)
{
	struct evidence ev = {0};

	(void)state;
	put(&ev, 1, 1, 1, 2, OK);
	put(&ev, 1, 2, 3, 4, UNKNOWN);
	get(&ev, 1, "1", 5, 6);
	get(&ev, 1, "2+1", 7, 8);
	put(&ev, 1, 3, 9, 10, OK);
	get(&ev, 1, "3", 11, 12);
	get(&ev, 1, "2", 13, 14);
	/* Before the first acknowledgement a block may show anything. */
	put(&ev, 2, 4, 15, 16, UNKNOWN);
	get(&ev, 2, "bad+empty", 17, 18);
	/* A write is not over when the read begins. */
	put(&ev, 3, 5, 19, 20, OK);
	put(&ev, 3, 6, 21, 30, OK);
	get(&ev, 3, "5+6", 22, 23);
	get(&ev, 3, "6", 31, 32);
	findings_are(&ev, "");
}

static void test_lost(void **state)
{
	struct evidence ev = {0};

	(void)state;
	put(&ev, 1, 1, 1, 2, OK);
	put(&ev, 1, 2, 3, 4, OK);
	get(&ev, 1, "1", 5, 6);
	get(&ev, 1, "1", 7, 8); /* once is enough */
	put(&ev, 2, 3, 9, 10, OK);
	get(&ev, 2, "empty", 11, 12);
	findings_are(&ev,
		     "lost: block 1 shows 1 instead of 2, written at 0.003 s, read at 0.005 s\n"
		     "lost: block 2 shows empty instead of 3, written at 0.009 s, read at "
		     "0.011 s\n");
}

static void test_stale(void **state)
{
	struct evidence ev = {0};

	(void)state;
	put(&ev, 1, 1, 1, 2, OK);
	put(&ev, 1, 2, 3, 4, OK);
	get(&ev, 1, "1", 5, 6);
	get(&ev, 1, "2", 7, 8);
	get(&ev, 1, "empty", 9, 10);
	findings_are(&ev,
		     "stale: block 1 shows 1 instead of 2, written at 0.003 s, read at 0.005 s\n"
		     "stale: block 1 shows empty instead of 2, written at 0.003 s, read at "
		     "0.009 s\n");
}

static void test_torn(void **state)
{
	struct evidence ev = {0};

	(void)state;
	put(&ev, 1, 1, 1, 2, OK);
	put(&ev, 1, 2, 3, 4, OK);
	get(&ev, 1, "2+1", 5, 6);
	put(&ev, 1, 3, 7, 8, OK);
	get(&ev, 1, "3+bad", 9, 10);
	put(&ev, 1, 4, 11, 12, OK);
	put(&ev, 1, 5, 13, 14, UNKNOWN);
	get(&ev, 1, "3+5", 15, 16);
	/* Numbers that were never written to this block. */
	put(&ev, 2, 6, 17, 18, OK);
	get(&ev, 2, "99", 19, 20);
	/* Written only later, and a write that certainly failed. */
	put(&ev, 3, 7, 21, 22, OK);
	get(&ev, 3, "8", 23, 24);
	put(&ev, 3, 8, 25, 26, OK);
	put(&ev, 3, 9, 27, 28, OP_FAILED);
	get(&ev, 3, "9", 29, 30);
	findings_are(&ev,
		     "torn: block 1 shows 2+1 instead of 2, written at 0.003 s, read at 0.005 s\n"
		     "torn: block 1 shows 3+bad instead of 3, written at 0.007 s, read at 0.009 s\n"
		     "torn: block 1 shows 3+5 instead of 4, written at 0.011 s, read at 0.015 s\n"
		     "torn: block 2 shows 99 instead of 6, written at 0.017 s, read at 0.019 s\n"
		     "torn: block 3 shows 8 instead of 7, written at 0.021 s, read at 0.023 s\n"
		     "torn: block 3 shows 9 instead of 8, written at 0.025 s, read at 0.029 s\n");
}

/* A history that was cut off by a kill lacks writes that were under way. */
static void test_cut_off(void **state)
{
	struct evidence ev = {0};
	struct ledger_verdict verdict;

	(void)state;
	put(&ev, 1, 1, 1, 2, OK);
	get(&ev, 1, "2", 3, 4);
	assert_int_equal(blocks_judge(&ev, evidence_name(&ev, LEDGER), false, &verdict, NULL), 0);
	assert_int_equal(verdict.finding_count, 0);
	assert_int_equal(verdict.unrecorded, 1);
	ledger_done(&verdict);
	evidence_done(&ev);
}

static void test_same_number(void **state)
{
	struct evidence ev = {0};
	struct ledger_verdict verdict;
	struct netsim_err err = {0};

	(void)state;
	put(&ev, 1, 1, 1, 2, OK);
	put(&ev, 1, 1, 3, 4, OK);
	assert_int_equal(blocks_judge(&ev, evidence_name(&ev, LEDGER), true, &verdict, &err),
			 -EINVAL);
	assert_string_equal(err.what, "two writes have the same number");
	evidence_done(&ev);
}

/* The longest stalls as "BEFORE BEGIN END[+]" in ms; those below 5 ms are left out. */
static void stalls_are(struct evidence *ev, const char *wanted)
{
	auto_free struct stall *list = NULL;
	auto_buf struct buf text = {0};
	size_t count;

	assert_int_equal(blocks_stalls(ev, evidence_name(ev, LEDGER), &list, &count), 0);
	for (size_t i = 0; i < count; i++)
		if (list[i].end - list[i].begin >= 5 * MS)
			buf_printf(&text, "%s%lld %lld %lld%s", text.len ? ", " : "",
				   (long long)(list[i].before / MS),
				   (long long)(list[i].begin / MS), (long long)(list[i].end / MS),
				   list[i].open ? "+" : "");
	assert_string_equal(text.data ? text.data : "", wanted);
	evidence_done(ev);
}

static void test_stalls(void **state)
{
	struct evidence ev = {0};

	(void)state;
	put(&ev, 1, 1, 0, 1, OK);
	put(&ev, 2, 2, 20, 90, OK);
	put(&ev, 3, 3, 40, 90, OK);
	put(&ev, 4, 4, 100, 101, OK);
	/* It waits since before an acknowledgement of another: nothing is acknowledged after it. */
	put(&ev, 5, 5, 110, 300, UNKNOWN);
	put(&ev, 6, 6, 120, 121, OK);
	put(&ev, 7, 7, 200, 201, OK);
	/* Not connected: each fails at once. */
	put(&ev, 8, 8, 400, 400, OP_FAILED);
	put(&ev, 9, 9, 420, 420, OP_FAILED);
	put(&ev, 10, 10, 440, 441, OK);
	stalls_are(&ev, "1 20 90, 101 110 121, 121 121 201, 201 201 441");
	put(&ev, 1, 1, 0, 1, OK);
	put(&ev, 2, 2, 20, 50, UNKNOWN);
	put(&ev, 3, 3, 40, 70, UNKNOWN);
	stalls_are(&ev, "1 20 70+");
	put(&ev, 1, 1, 0, 40, UNKNOWN);
	stalls_are(&ev, "0 0 40+");
}

/* --- the verdict */

static struct claim claim_of(enum claim_quantity quantity, enum claim_operator op, double value)
{
	return (struct claim) {.phase = "p",
			       .text = "a sentence",
			       .subject = LEDGER,
			       .quantity = quantity,
			       .op = op,
			       .value = value};
}

static void phase_at(struct evidence *ev, const char *name, int64_t time)
{
	struct event event = {.kind = name ? EVENT_PHASE : EVENT_RUN_END,
			      .time = time * MS,
			      .phase = name ? evidence_name(ev, name) : 0};

	assert_int_equal(evidence_add(ev, EVIDENCE_EVENT, &event), 0);
}

static void row_is(const struct evidence *ev, struct claim claim, enum verdict_result result,
		   const char *shows)
{
	struct verdict *verdict;
	const struct verdict_row *row = NULL;

	assert_int_equal(verdict_make(ev, &claim, 1, &verdict, NULL), 0);
	for (size_t i = 0; i < verdict->row_count; i++)
		if (verdict->rows[i]->claim == 0)
			row = verdict->rows[i];
	assert_non_null(row);
	if (row->result != result || strcmp(row->shows, shows) != 0)
		fail_msg("%s (shows \"%s\")", row->line, row->shows);
	verdict_free(verdict);
}

/* Writes each 20 ms; one hangs from 1 s to 3 s. */
static void test_claims(void **state)
{
	struct evidence ev = {0};

	(void)state;
	phase_at(&ev, "before", 0);
	phase_at(&ev, "p", 900);
	phase_at(&ev, "after", 2000);
	phase_at(&ev, NULL, 4000);
	for (int64_t i = 0; i < 50; i++)
		put(&ev, (uint32_t)i + 1, i + 1, 20 * i, 20 * i + 1, OK);
	put(&ev, 51, 51, 1000, 3000, OK);
	for (int64_t i = 0; i < 50; i++)
		put(&ev, (uint32_t)i + 52, i + 52, 3000 + 20 * i, 3001 + 20 * i, OK);
	/* In the phase from 0.9 s to 2 s the stall goes on; the whole is 2.02 s at most. */
	row_is(&ev, claim_of(CLAIM_STALL, OPERATOR_LE, 3e9), VERDICT_OK, "at least 1.00 s");
	row_is(&ev, claim_of(CLAIM_STALL, OPERATOR_LE, 2e9), VERDICT_UNPROVED, "at least 1.00 s");
	row_is(&ev, claim_of(CLAIM_STALL, OPERATOR_LE, 0.9e9), VERDICT_FAILED, "at least 1.00 s");
	row_is(&ev, claim_of(CLAIM_RATE, OPERATOR_GE, 4), VERDICT_OK, "4.5/s");
	row_is(&ev, claim_of(CLAIM_RATE, OPERATOR_GE, 5), VERDICT_FAILED, "4.5/s");
	row_is(&ev, claim_of(CLAIM_LATENCY, OPERATOR_LE, 5e6), VERDICT_OK, "1.000 ms");
	/* Without a last read of each block nothing is proved. */
	row_is(&ev,
	       (struct claim) {.phase = "p",
			       .text = "a sentence",
			       .subject = LEDGER,
			       .quantity = CLAIM_FINDING,
			       .findings = 1U << FINDING_LOST},
	       VERDICT_UNPROVED, "0");
	row_is(&ev,
	       (struct claim) {.phase = "p",
			       .text = "a sentence",
			       .subject = "other",
			       .quantity = CLAIM_STALL},
	       VERDICT_UNPROVED, "");
	evidence_done(&ev);
}

static void test_late(void **state)
{
	struct evidence ev = {0};

	(void)state;
	phase_at(&ev, "p", 0);
	phase_at(&ev, NULL, 1000);
	for (int64_t i = 0; i < 50; i++)
		add(&ev, (struct block_operation) {.kind = BLOCK_WRITE,
						   .block = (uint32_t)i + 1,
						   .number = i + 1,
						   .begin = 20 * i,
						   .end = 20 * i + 1,
						   .lateness = i == 20 ? 50 * MS : 0});
	row_is(&ev, claim_of(CLAIM_STALL, OPERATOR_LE, 1e9), VERDICT_OK,
	       "1.000 ms \xc2\xb1 0.019 s");
	row_is(&ev, claim_of(CLAIM_STALL, OPERATOR_LE, 0.4e9), VERDICT_UNPROVED,
	       "1.000 ms \xc2\xb1 0.019 s");
	evidence_done(&ev);
}

/* --- lines of text */

static void test_lines(void **state)
{
	static const char text[] =
		"{\"record\":\"block\",\"ledger\":\"b\",\"kind\":\"write\",\"block\":7,"
		"\"number\":9,\"begin\":1,\"end\":2,\"result\":\"ok\",\"lateness\":3}\n"
		"{\"record\":\"block\",\"ledger\":\"b\",\"kind\":\"read\",\"block\":7,"
		"\"begin\":4,\"end\":5,\"result\":\"ok\",\"seen\":\"9+bad\"}\n";
	struct evidence_file file = {.name = "history.jsonl"};
	struct evidence ev = {0};
	auto_buf struct buf again = {0};

	(void)state;
	assert_int_equal(evidence_read(&ev, &file, text, strlen(text), NULL), 0);
	assert_int_equal(ev.block_count, 2);
	assert_int_equal(ev.blocks[0].lateness, 3);
	for (size_t i = 0; i < ev.block_count; i++)
		evidence_write(&ev, EVIDENCE_BLOCK, &ev.blocks[i], &again);
	assert_string_equal(again.data, text);
	evidence_done(&ev);
}

static void flaw_is(const char *line, const char *wanted)
{
	struct evidence_file file = {.name = "history.jsonl"};
	struct evidence ev = {0};
	struct netsim_err err = {0};

	assert_int_equal(evidence_read(&ev, &file, line, strlen(line), &err), -EINVAL);
	assert_string_equal(err.what, wanted);
	evidence_done(&ev);
}

static void test_flaws(void **state)
{
	(void)state;
	flaw_is("{\"record\":\"block\",\"ledger\":\"b\",\"kind\":\"write\",\"block\":7,"
		"\"begin\":1,\"end\":2,\"result\":\"ok\"}\n",
		"a write needs its number, and a read has none");
	flaw_is("{\"record\":\"block\",\"ledger\":\"b\",\"kind\":\"read\",\"block\":7,"
		"\"begin\":1,\"end\":2,\"result\":\"ok\"}\n",
		"a read that was answered needs what it shows");
	flaw_is("{\"record\":\"block\",\"ledger\":\"b\",\"kind\":\"write\",\"block\":7,"
		"\"number\":1,\"begin\":3,\"end\":2,\"result\":\"ok\"}\n",
		"an operation that ends before it begins");
}

/* --- content */

static void test_content(void **state)
{
	uint8_t data[BLOCK_SIZE], other[BLOCK_SIZE];
	char text[BLOCK_TEXT];

	(void)state;
	block_content_fill(5, 7, 42, data);
	assert_string_equal(block_content_text(5, 7, data, text), "42");
	assert_string_equal(block_content_text(6, 7, data, text), "bad");
	assert_string_equal(block_content_text(5, 8, data, text), "bad");
	block_content_fill(5, 7, 43, other);
	memcpy(data + 1024, other + 1024, BLOCK_SIZE - 1024);
	assert_string_equal(block_content_text(5, 7, data, text), "42+43");
	data[700] ^= 4;
	assert_string_equal(block_content_text(5, 7, data, text), "42+bad+43");
	memset(data + 512, 0, 512);
	assert_string_equal(block_content_text(5, 7, data, text), "42+empty+43");
	/* Sectors that changed places. */
	memcpy(other, other + 512, 512);
	assert_string_equal(block_content_text(5, 7, other, text), "bad+43");
	memset(data, 0, sizeof(data));
	assert_string_equal(block_content_text(5, 7, data, text), "empty");
}

/* Every single bit of a block is covered. */
static void test_bits(void **state)
{
	uint8_t data[BLOCK_SIZE];
	char text[BLOCK_TEXT];

	(void)state;
	block_content_fill(1, 2, 3, data);
	for (size_t bit = 0; bit < (size_t)BLOCK_SIZE * 8; bit++) {
		data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		if (strcmp(block_content_text(1, 2, data, text), "3") == 0)
			fail_msg("bit %zu is not covered", bit);
		data[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy),	    cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_lost),	    cmocka_unit_test(test_stale),
		cmocka_unit_test(test_torn),	    cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_same_number), cmocka_unit_test(test_stalls),
		cmocka_unit_test(test_claims),	    cmocka_unit_test(test_late),
		cmocka_unit_test(test_lines),	    cmocka_unit_test(test_flaws),
		cmocka_unit_test(test_content),	    cmocka_unit_test(test_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
