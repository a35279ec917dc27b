// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages for netem and tbf, compared with bytes computed by hand, and dumps of the
 * kernel, complete and truncated. Little-endian, like the machines that run netsim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/pkt_sched.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/util/auto.h"

static int open_rt(void **state)
{
	struct rtnl *rt;

	if (rtnl_open(&rt, NULL) < 0)
		return -1;
	*state = rt;
	return 0;
}

static int close_rt(void **state)
{
	rtnl_close(*state);
	return 0;
}

/* Expects one message with these bytes. */
static void expect_message(struct rtnl *rt, const char *row, const char *hex)
{
	size_t size, ops;

	(void)rtnl_batch(rt, &size, &ops);
	assert_int_equal(ops, 1);
	expect_bytes(rt, row, hex);
}

/* The header of a message, its tcmsg for ifindex 7 at the root, its kind. */
#define NETEM_ADD(len)                                      \
	len "000000 2400 0105 00000000 00000000 "           \
	    "00000000 07000000 0000736e ffffffff 00000000 " \
	    "0a000100 6e6574656d00 0000 "
#define NETEM_CHANGE(len)                                   \
	len "000000 2400 0100 00000000 00000000 "           \
	    "00000000 07000000 0000736e ffffffff 00000000 " \
	    "0a000100 6e6574656d00 0000 "
/* The nest, and struct tc_netem_qopt. */
#define OPTIONS(len, limit, loss, gap, duplicate) \
	len "000280 00000000 " limit loss gap duplicate "00000000 "
#define ZERO	 "00000000 "
#define LIMIT	 "e8030000 " /* 1000 */
#define NO_DELAY "0c000a00 0000000000000000 0c000b00 0000000000000000 "
#define CORR	 "10000100 00000000 00000000 00000000 "
#define IN_ORDER "0c000300 00000000 00000000 0c000400 00000000 00000000 "
#define NO_RATE	 "14000600 00000000 00000000 00000000 00000000 "
#define NO_SLOT                                                         \
	"2c000c00 0000000000000000 0000000000000000 00000000 00000000 " \
	"0000000000000000 0000000000000000 "

static const int16_t short_table[] = {-8192, 0, 8192};
static const struct {
	const char *name;
	enum qdisc_verb verb;
	struct netem netem;
	const char *hex;
} netem_rows[] = {
	{"idle",
	 QDISC_ADD,
	 {.limit = 1000},
	 NETEM_ADD("cc") OPTIONS("9c", LIMIT, ZERO, ZERO, ZERO)
		 NO_DELAY CORR IN_ORDER NO_RATE NO_SLOT},
	{"in place",
	 QDISC_CHANGE,
	 {.limit = 1000},
	 NETEM_CHANGE("cc") OPTIONS("9c", LIMIT, ZERO, ZERO, ZERO)
		 NO_DELAY CORR IN_ORDER NO_RATE NO_SLOT},
	/* 5 s do not fit into 32 bits of ns; 12.5 GB/s not into 32 bits of B/s */
	{"64 bits",
	 QDISC_CHANGE,
	 {.delay = 5000000000, .jitter = 1000000, .rate = 12500000000, .limit = 1000},
	 NETEM_CHANGE("d8")
		 OPTIONS("a8", LIMIT, ZERO, ZERO,
			 ZERO) "0c000a00 00f2052a01000000 0c000b00 40420f0000000000 " CORR IN_ORDER
			       "14000600 ffffffff 00000000 00000000 00000000 "
			       "0c000800 00dd0ee902000000 " NO_SLOT},
	{"largest 32-bit rate",
	 QDISC_CHANGE,
	 {.rate = UINT32_MAX, .limit = 1000},
	 NETEM_CHANGE("cc") OPTIONS("9c", LIMIT, ZERO, ZERO, ZERO) NO_DELAY CORR IN_ORDER
	 "14000600 ffffffff 00000000 00000000 00000000 " NO_SLOT},
	{"smallest 64-bit rate",
	 QDISC_CHANGE,
	 {.rate = 1ULL << 32, .limit = 1000},
	 NETEM_CHANGE("d8") OPTIONS("a8", LIMIT, ZERO, ZERO, ZERO) NO_DELAY CORR IN_ORDER
	 "14000600 ffffffff 00000000 00000000 00000000 "
	 "0c000800 0000000001000000 " NO_SLOT},
	/* a gap of 1: every packet may skip the delay, with this probability */
	{"loss, duplicate, reorder, corrupt",
	 QDISC_CHANGE,
	 {.loss = 0x11223344,
	  .duplicate = 0x55,
	  .reorder = 0x40000000,
	  .corrupt = 0x66,
	  .limit = 1000},
	 NETEM_CHANGE("cc") OPTIONS("9c", LIMIT, "44332211 ", "01000000 ", "55000000 ")
		 NO_DELAY CORR
	 "0c000300 00000040 00000000 0c000400 66000000 00000000 " NO_RATE NO_SLOT},
	/* the kernel's h is the probability of survival in the bad state: 1 - 0x30 */
	{"gilbert-elliott",
	 QDISC_CHANGE,
	 {.loss_model = LOSS_GILBERT_ELLIOTT,
	  .p = 0x10,
	  .r = 0x20,
	  .bad = 0x30,
	  .good = 0x40,
	  .loss = 0x99,
	  .limit = 1000},
	 NETEM_CHANGE("e4") OPTIONS("b4", LIMIT, ZERO, ZERO, ZERO)
		 NO_DELAY CORR IN_ORDER NO_RATE NO_SLOT
	 "18000580 14000200 10000000 20000000 cfffffff 40000000 "},
	{"gilbert",
	 QDISC_CHANGE,
	 {.loss_model = LOSS_GILBERT_ELLIOTT,
	  .p = 0x10,
	  .r = 0x20,
	  .bad = UINT32_MAX,
	  .limit = 1000},
	 NETEM_CHANGE("e4") OPTIONS("b4", LIMIT, ZERO, ZERO, ZERO)
		 NO_DELAY CORR IN_ORDER NO_RATE NO_SLOT
	 "18000580 14000200 10000000 20000000 00000000 00000000 "},
	/* in the kernel's order: p13 p31 p32 p14 p23 */
	{"4-state",
	 QDISC_CHANGE,
	 {.loss_model = LOSS_4STATE,
	  .p13 = 0x13,
	  .p31 = 0x31,
	  .p32 = 0x32,
	  .p14 = 0x14,
	  .p23 = 0x23,
	  .limit = 1000},
	 NETEM_CHANGE("e8") OPTIONS("b8", LIMIT, ZERO, ZERO, ZERO)
		 NO_DELAY CORR IN_ORDER NO_RATE NO_SLOT
	 "1c000580 18000100 13000000 31000000 32000000 14000000 23000000 "},
	{"slot",
	 QDISC_CHANGE,
	 {.slot_min = 2000000,
	  .slot_max = 10000000,
	  .slot_packets = 32,
	  .slot_bytes = 65536,
	  .limit = 1000},
	 NETEM_CHANGE("cc") OPTIONS("9c", LIMIT, ZERO, ZERO, ZERO) NO_DELAY CORR IN_ORDER NO_RATE
	 "2c000c00 80841e0000000000 8096980000000000 20000000 00000100 "
	 "0000000000000000 0000000000000000 "},
	{"seed and table",
	 QDISC_CHANGE,
	 {.has_seed = true,
	  .seed = 0x1122334455667788,
	  .table = short_table,
	  .table_len = 3,
	  .limit = 1000},
	 NETEM_CHANGE("e4") OPTIONS("b4", LIMIT, ZERO, ZERO, ZERO)
		 NO_DELAY CORR IN_ORDER NO_RATE NO_SLOT
	 "0c000e00 8877665544332211 0a000200 00e0 0000 0020 0000 "},
};

static void test_netem(void **state)
{
	struct rtnl *rt = *state;

	for (size_t i = 0; i < ARRAY_SIZE(netem_rows); i++) {
		qdisc_put_netem(rt, netem_rows[i].verb, 7, &netem_rows[i].netem, NULL, "n eth1");
		expect_message(rt, netem_rows[i].name, netem_rows[i].hex);
	}
	qdisc_put_idle(rt, 7, "n eth1");
	expect_message(rt, "idle", netem_rows[0].hex);
}

static void test_tbf(void **state)
{
	struct tbf tbf = {1250000, 64000, 151400};
	struct rtnl *rt = *state;

	qdisc_put_tbf(rt, QDISC_CHANGE, 7, &tbf, NULL, "n eth1");
	expect_message(rt, "tbf",
		       "60000000 2400 0100 00000000 00000000 "
		       "00000000 07000000 0000746e 0100736e 00000000 08000100 74626600 "
		       "34000280 28000100 "
		       "00010000 00000000 d0121300 00000000 00000000 00000000 "
		       "684f0200 00000000 00000000 "
		       "08000600 00fa0000 ");
	tbf.peak = 5000000000;
	tbf.peak_burst = 3084;
	tbf.overhead.bytes = 4;
	qdisc_put_tbf(rt, QDISC_CHANGE, 7, &tbf, NULL, "n eth1");
	expect_message(rt, "tbf with a peak",
		       "74000000 2400 0100 00000000 00000000 "
		       "00000000 07000000 0000746e 0100736e 00000000 08000100 74626600 "
		       "48000280 28000100 "
		       "00010400 00000000 d0121300 00010400 00000000 ffffffff "
		       "684f0200 00000000 00000000 "
		       "08000600 00fa0000 08000700 0c0c0000 0c000500 00f2052a01000000 ");
	qdisc_put_tbf(rt, QDISC_ADD, 7, &TBF_IDLE, NULL, "n eth1");
	expect_message(rt, "idle tbf",
		       "6c000000 2400 0105 00000000 00000000 "
		       "00000000 07000000 0000746e 0100736e 00000000 08000100 74626600 "
		       "40000280 28000100 "
		       "00010000 00000000 ffffffff 00000000 00000000 00000000 "
		       "00000010 00000000 00000000 "
		       "08000600 00000004 0c000400 0054ce0923010000 ");
}

static void test_clsact(void **state)
{
	struct rtnl *rt = *state;

	qdisc_add_clsact(rt, 7, "eth1");
	expect_message(rt, "add",
		       "30000000 2400 0106 00000000 00000000 "
		       "00000000 07000000 0000ffff f1ffffff 00000000 "
		       "0b000100 636c7361637400 00");
	qdisc_del_clsact(rt, 7, "eth1");
	expect_message(rt, "delete",
		       "30000000 2500 0100 00000000 00000000 "
		       "00000000 07000000 0000ffff f1ffffff 00000000 "
		       "0b000100 636c7361637400 00");
	qdisc_del_root(rt, 7, "eth1");
	expect_message(rt, "delete root",
		       "30000000 2500 0100 00000000 00000000 "
		       "00000000 07000000 0000736e ffffffff 00000000 "
		       "0a000100 6e6574656d00 0000");
}

/* The longest table that the kernel accepts fits into an attribute's 16-bit length. */
static void test_large_table(void **state)
{
	static int16_t table[16384];
	struct netem netem = {.limit = 1, .table = table, .table_len = ARRAY_SIZE(table)};
	struct rtnl *rt = *state;
	const struct nlattr *a[TCA_MAX + 1], *options[TCA_NETEM_MAX + 1];
	size_t size, count;

	assert_int_equal(ARRAY_SIZE(table), NETEM_DIST_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		table[i] = (int16_t)i;
	for (size_t len = 4096; len <= NETEM_DIST_MAX; len += NETEM_DIST_MAX - 4096) {
		netem.table_len = len;
		qdisc_put_netem(rt, QDISC_CHANGE, 7, &netem, NULL, "n eth1");
		rtnl_parse(rtnl_batch(rt, &size, &count), sizeof(struct tcmsg), a, TCA_MAX);
		assert_int_equal(size, 204 + 4 + 2 * len);
		rtnl_parse_tail(a[TCA_OPTIONS], sizeof(struct tc_netem_qopt), options,
				TCA_NETEM_MAX);
		assert_int_equal(options[TCA_NETEM_DELAY_DIST]->nla_len, 4 + 2 * len);
		assert_memory_equal(options[TCA_NETEM_DELAY_DIST] + 1, table, 2 * len);
		rtnl_reset(rt);
	}
}

/* Parses a message as netsim sends it, which has the format of a dump. */
static void read_back(const void *message, struct qdisc *ret)
{
	const struct nlattr *a[TCA_MAX + 1];

	memset(ret, 0, sizeof(*ret));
	rtnl_parse(message, sizeof(struct tcmsg), a, TCA_MAX);
	if (strcmp(rtnl_str(a[TCA_KIND]), "tbf") == 0)
		tbf_parse(a[TCA_OPTIONS], ret);
	else
		netem_parse(a[TCA_OPTIONS], ret);
}

static void test_netem_read_back(void **state)
{
	static const struct netem rows[] = {
		{.limit = 1000},
		{.delay = 5000000000,
		 .jitter = 4000000000,
		 .rate = 12500000000,
		 .limit = UINT32_MAX},
		{.rate = UINT32_MAX, .limit = 1},
		{.loss = 1, .duplicate = 2, .corrupt = 3, .reorder = 4, .limit = 5},
		{.loss_model = LOSS_GILBERT_ELLIOTT, .p = 1, .r = 2, .bad = 3, .good = 4},
		{.loss_model = LOSS_4STATE, .p13 = 1, .p31 = 2, .p32 = 3, .p23 = 4, .p14 = 5},
		{.slot_min = 1, .slot_max = 5000000000, .slot_packets = 3, .slot_bytes = 4},
		{.has_seed = true, .seed = UINT64_MAX, .limit = 7},
	};
	struct rtnl *rt = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct qdisc got;
		size_t size, count;

		qdisc_put_netem(rt, QDISC_CHANGE, 7, &rows[i], NULL, "n");
		read_back(rtnl_batch(rt, &size, &count), &got);
		assert_memory_equal(&got.netem, &rows[i], sizeof(rows[i]));
		assert_int_equal(got.has_seed, rows[i].has_seed);
		rtnl_reset(rt);
	}
}

/* The kernel reports tbf's burst as its transmission time, in steps of 64 ns. */
static void test_tbf_read_back(void **state)
{
	static const struct {
		uint64_t rate;
		uint32_t ticks, burst;
	} rows[] = {
		{1250000, 800000, 64000},
		{125000000, 156250, 1250000},
		{12500000000, 1, 800},
		{1250000000000, 839, 67120000},
		{1, 0, 0},
		{0, 5, 0},
		{1250000000000, UINT32_MAX, UINT32_MAX},
	};
	struct rtnl *rt = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tc_tbf_qopt qopt = {.limit = 99, .buffer = rows[i].ticks};
		struct qdisc got = {0};
		size_t size, count, nest;
		const char *message;

		qopt.rate.rate = rows[i].rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rows[i].rate;
		rtnl_begin(rt, RTM_NEWQDISC, 0, NULL, "x");
		nest = rtnl_nest(rt, TCA_OPTIONS);
		rtnl_put(rt, TCA_TBF_PARMS, &qopt, sizeof(qopt));
		if (rows[i].rate > UINT32_MAX)
			rtnl_put_u64(rt, TCA_TBF_RATE64, rows[i].rate);
		rtnl_nest_end(rt, nest);
		message = rtnl_batch(rt, &size, &count);
		tbf_parse((const void *)(message + NLMSG_HDRLEN), &got);
		assert_true(got.tbf.rate == rows[i].rate);
		assert_int_equal(got.tbf.limit, 99);
		assert_int_equal(got.tbf.burst, rows[i].burst);
		rtnl_reset(rt);
	}
}

/* A dump truncated after any byte is not read beyond its end (AddressSanitizer checks). */
static void test_truncated(void **state)
{
	struct netem netem = {.delay = 1,
			      .rate = 1ULL << 40,
			      .limit = 5,
			      .loss_model = LOSS_4STATE,
			      .p13 = 1,
			      .p14 = 2,
			      .has_seed = true,
			      .slot_min = 3};
	struct rtnl *rt = *state;
	size_t size, count;

	for (int kind = 0; kind < 2; kind++) {
		if (kind == 0)
			qdisc_put_netem(rt, QDISC_ADD, 7, &netem, NULL, "n");
		else
			qdisc_put_tbf(rt, QDISC_ADD, 7, &TBF_IDLE, NULL, "n");
		const char *whole = rtnl_batch(rt, &size, &count);

		for (uint32_t len = NLMSG_HDRLEN; len < size; len++) {
			struct nlmsghdr *cut = malloc(len);
			struct qdisc got;

			memcpy(cut, whole, len);
			cut->nlmsg_len = len;
			read_back(cut, &got);
			/* the outer nest no longer fits */
			assert_int_equal(got.netem.limit, 0);
			assert_int_equal(got.tbf.rate, 0);
			free(cut);
		}
		rtnl_reset(rt);
	}
}

/* The same with the nest's length truncated accordingly. */
static void test_truncated_nest(void **state)
{
	struct netem netem = {.delay = 77,
			      .rate = 1ULL << 40,
			      .limit = 5,
			      .loss_model = LOSS_GILBERT_ELLIOTT,
			      .p = 1,
			      .has_seed = true};
	struct rtnl *rt = *state;
	size_t size, count;
	const char *nest;

	qdisc_put_netem(rt, QDISC_ADD, 7, &netem, NULL, "n");
	nest = (const char *)rtnl_batch(rt, &size, &count) + 48;
	for (uint16_t len = NLA_HDRLEN; len <= size - 48; len++) {
		struct nlattr *cut = malloc(len);
		struct qdisc got = {0};

		memcpy(cut, nest, len);
		cut->nla_len = len;
		netem_parse(cut, &got);
		tbf_parse(cut, &got);
		assert_int_equal(got.netem.limit, len >= 28 ? 5 : 0);
		assert_int_equal(got.netem.delay, len >= 40 ? 77 : 0);
		free(cut);
	}
	netem_parse(NULL, &(struct qdisc) {0});
	tbf_parse(NULL, &(struct qdisc) {0});
}

static void test_fractions(void **state)
{
	(void)state;
	assert_int_equal(netem_fraction((struct ratio) {0}), 0);
	assert_int_equal(netem_fraction((struct ratio) {RATIO_ONE}), UINT32_MAX);
	assert_int_equal(netem_fraction((struct ratio) {RATIO_ONE / 2}), 0x80000000);
	assert_int_equal(netem_fraction((struct ratio) {1}), 4);
	assert_int_equal(netem_ratio(UINT32_MAX).ppb, RATIO_ONE);
	for (uint32_t ppb = 0; ppb <= RATIO_ONE; ppb += ppb < 5000 ? 1 : 99991)
		assert_int_equal(netem_ratio(netem_fraction((struct ratio) {ppb})).ppb, ppb);
	for (uint32_t ppb = RATIO_ONE; ppb > RATIO_ONE - 5000; ppb--)
		assert_int_equal(netem_ratio(netem_fraction((struct ratio) {ppb})).ppb, ppb);
}

static void test_find(void **state)
{
	struct qdisc list[] = {
		{.ifindex = 7, .handle = 0, .parent = TC_H_ROOT}, /* the kernel's default */
		{.ifindex = 8, .handle = QDISC_ROOT, .parent = TC_H_ROOT},
		{.ifindex = 8, .handle = QDISC_CHILD, .parent = QDISC_ROOT | 1},
		{.ifindex = 9, .handle = 0xffff0000, .parent = TC_H_CLSACT},
	};
	struct qdiscs all = {list, ARRAY_SIZE(list)};

	(void)state;
	assert_ptr_equal(qdisc_find(&all, 8, QDISC_CHILD), &list[2]);
	assert_null(qdisc_find(&all, 7, QDISC_ROOT));
	assert_ptr_equal(qdisc_at_root(&all, 8), &list[1]);
	assert_null(qdisc_at_root(&all, 7));
	assert_null(qdisc_at_root(&all, 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_netem, open_rt, close_rt),
		cmocka_unit_test_setup_teardown(test_tbf, open_rt, close_rt),
		cmocka_unit_test_setup_teardown(test_clsact, open_rt, close_rt),
		cmocka_unit_test_setup_teardown(test_large_table, open_rt, close_rt),
		cmocka_unit_test_setup_teardown(test_netem_read_back, open_rt, close_rt),
		cmocka_unit_test_setup_teardown(test_tbf_read_back, open_rt, close_rt),
		cmocka_unit_test_setup_teardown(test_truncated, open_rt, close_rt),
		cmocka_unit_test_setup_teardown(test_truncated_nest, open_rt, close_rt),
		cmocka_unit_test(test_fractions),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests_name("qdisc", tests, NULL, NULL);
}
