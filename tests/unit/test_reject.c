// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Answers of partitions that reject, as the programs at the ports write them: every field of resets
 * and ICMP errors, their checksums, what is not answered, and whom an answer reaches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <string.h>

#include "tests/unit/frames.h"
#include "tests/unit/ports.h"

#define ANSWERED ((uint32_t)TC_ACT_REDIRECT)

#define FROM 0x0a010001 /* 10.1.0.1, of node 5 */
#define TO   0x0a010002 /* 10.1.0.2, of node 6 */
#define TCP  6
#define UDP  17
#define ICMP 1

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

/* The destination of put_ethernet(): the address of node 6. */
static const struct mac home = {{2, 0, 0, 0, 0, 1}};

/* An answer: the frame, and where the program put it. */
struct answer {
	uint8_t frame[2048];
	uint32_t length, verdict, mark;
};

static struct answer answer_of(const struct bytes *b, uint32_t from, uint32_t to)
{
	struct __sk_buff in = {.ifindex = to, .ingress_ifindex = from}, out = {0};
	struct answer ret = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = b->at, .data_size_in = b->count,
		    .data_out = ret.frame, .data_size_out = sizeof(ret.frame), .ctx_in = &in,
		    .ctx_size_in = sizeof(in), .ctx_out = &out, .ctx_size_out = sizeof(out));

	assert_int_equal(bpf_prog_test_run_opts(policy->prog[POLICY_PORT], &opts), 0);
	ret.length = opts.data_size_out;
	ret.verdict = opts.retval;
	ret.mark = out.mark;
	return ret;
}

static unsigned get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static uint32_t sum(const uint8_t *at, uint32_t length, uint32_t start)
{
	for (uint32_t i = 0; i < length; i++)
		start += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

/* The sum of the pseudo-header of a frame's packet. */
static uint32_t pseudo_of(const struct answer *a, unsigned protocol)
{
	const uint8_t *ip = a->frame + ETH_HLEN;
	bool v6 = ip[0] >> 4 == 6;
	uint32_t length = v6 ? get16(ip + 4) : get16(ip + 2) - 20;

	return v6 ? sum(ip + 8, 32, protocol + length) : sum(ip + 12, 8, protocol + length);
}

static void reject_all(void)
{
	uint16_t five_node = 5, six_node = 6;
	struct policy_group groups[] = {{&five_node, 1}, {&six_node, 1}};
	uint32_t id;

	ports_heal(NULL, 0);
	assert_int_equal(policy_partition(policy,
					  &(struct policy_cut) {.kind = PORT_FAULT_GROUPS,
								.groups = groups,
								.group_count = 2,
								.l2 = true,
								.reject = true},
					  &id, NULL),
			 0);
	assert_int_equal(policy_note_home(policy, &home, 6, NULL), 0);
}

static int begin(void **state)
{
	(void)state;
	if (ports_ready)
		reject_all();
	return 0;
}

static void put_header(struct bytes *b, bool v6, unsigned protocol, unsigned length)
{
	put_ethernet(b, v6 ? ETH_P_IPV6 : ETH_P_IP);
	if (v6)
		put_ipv6(b, protocol, length, 1, 2);
	else
		put_ipv4(b, protocol, length, FROM, TO);
}

/* Checks the Ethernet and IP headers of an answer; returns where its payload begins. */
static const uint8_t *check_headers(const struct answer *a, bool v6, unsigned protocol)
{
	static const uint8_t macs[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	const uint8_t *ip = a->frame + ETH_HLEN;

	assert_int_equal(a->verdict, ANSWERED);
	assert_int_equal(a->mark, PORT_MARK_ANSWER | LINK_5);
	assert_memory_equal(a->frame, macs, sizeof(macs));
	if (v6) {
		assert_int_equal(ip[0], 0x60);
		assert_int_equal(ip[6], protocol);
		assert_int_equal(get16(ip + 4) + 40 + ETH_HLEN, a->length);
		assert_int_equal(get32(ip + 20), 2);
		assert_int_equal(get32(ip + 36), 1);
		return ip + 40;
	}
	assert_int_equal(ip[0], 0x45);
	assert_int_equal(ip[9], protocol);
	assert_int_equal(sum(ip, 20, 0), 0xffff);
	assert_int_equal(get16(ip + 2) + ETH_HLEN, a->length);
	assert_int_equal(get32(ip + 12), TO);
	assert_int_equal(get32(ip + 16), FROM);
	return ip + 20;
}

/* RFC 9293, 3.5.2, by both families. */
static void test_resets(void **state)
{
	static const struct {
		unsigned flags, data;
		uint32_t seq, ack; /* of the reset */
		unsigned answer;
	} rows[] = {{SYN, 0, 0, 1001, RST | ACK}, {SYN, 5, 0, 1006, RST | ACK},
		    {FIN, 0, 0, 1001, RST | ACK}, {SYN | ACK, 0, 77, 0, RST},
		    {ACK, 0, 77, 0, RST},	  {ACK, 900, 77, 0, RST},
		    {0, 900, 0, 1900, RST | ACK}};

	NEEDS_BPF(state);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		bool v6 = i % 2;
		struct bytes b = {.count = 0};
		const uint8_t *tcp;
		struct answer a;

		put_header(&b, v6, TCP, 20 + rows[i / 2].data);
		put_tcp(&b, 4711, 80, 1000, 77, rows[i / 2].flags, 500);
		put_zeros(&b, rows[i / 2].data);
		a = answer_of(&b, five, six);
		tcp = check_headers(&a, v6, TCP);
		assert_int_equal(a.frame + a.length - tcp, 20);
		assert_int_equal(get16(tcp), 80);
		assert_int_equal(get16(tcp + 2), 4711);
		assert_int_equal(get32(tcp + 4), rows[i / 2].seq);
		assert_int_equal(get32(tcp + 8), rows[i / 2].ack);
		assert_int_equal(get16(tcp + 12), 0x5000 | rows[i / 2].answer);
		assert_int_equal(get16(tcp + 18), 0);
		assert_int_equal(sum(tcp, 20, pseudo_of(&a, TCP)), 0xffff);
		/* A device that computes it, beginning with what is there, writes the same. */
		assert_int_equal((uint16_t)~sum(tcp, 20, 0), get16(tcp + 16));
	}
}

static void check_prohibited(const struct bytes *b, bool v6, uint32_t quoted)
{
	struct answer a = answer_of(b, five, six);
	unsigned protocol = v6 ? 58 : ICMP;
	const uint8_t *icmp = check_headers(&a, v6, protocol);

	assert_int_equal(icmp[0], v6 ? 1 : 3);
	assert_int_equal(icmp[1], v6 ? 1 : 13);
	assert_int_equal(get32(icmp + 4), 0);
	assert_int_equal(a.frame + a.length - icmp, 8 + quoted);
	assert_memory_equal(icmp + 8, b->at + ETH_HLEN, quoted);
	assert_int_equal(sum(icmp, 8 + quoted, v6 ? pseudo_of(&a, protocol) : 0), 0xffff);
}

/* UDP and echoes; the quotation is as long as the RFCs permit, and without padding. */
static void test_prohibited(void **state)
{
	static const unsigned lengths[] = {0,	1,   2,	  3,	11,   36,  100,
					   519, 520, 521, 1183, 1184, 1400};

	NEEDS_BPF(state);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(lengths); i++) {
		unsigned length = lengths[i / 2], most = i % 2 ? 1232 : 548,
			 header = i % 2 ? 40 : 20;
		struct bytes b = {.count = 0};

		put_header(&b, i % 2, UDP, 8 + length);
		put_udp(&b, 4711, 53, length);
		for (unsigned n = 0; n < length; n++)
			put8(&b, n * 7 + 1);
		if (b.count < 60)
			put_zeros(&b, 60 - b.count);
		check_prohibited(&b, i % 2,
				 header + 8 + length < most ? header + 8 + length : most);
	}
}

static void put_icmp(struct bytes *b, bool v6, unsigned type)
{
	put_header(b, v6, v6 ? 58 : ICMP, 8);
	put16(b, type << 8);
	put_zeros(b, 6);
}

/* Echoes are answered; errors, and all that belongs to one link, are not. */
static void test_icmp(void **state)
{
	NEEDS_BPF(state);
	for (unsigned type = 0; type < 256; type++) {
		bool error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
		struct bytes four = {.count = 0}, six_bytes = {.count = 0};

		put_icmp(&four, false, type);
		put_icmp(&six_bytes, true, type);
		assert_int_equal(answer_of(&four, five, six).verdict, error ? DROP : ANSWERED);
		assert_int_equal(answer_of(&six_bytes, five, six).verdict,
				 type == 128 || type == 129 ? ANSWERED : DROP);
	}
}

static void put_datagram(struct bytes *b)
{
	put_header(b, false, UDP, 8);
	put_udp(b, 4711, 53, 0);
	put_zeros(b, 18);
}

static void assert_silent(const struct bytes *b)
{
	struct answer a = answer_of(b, five, six);

	assert_int_equal(a.verdict, DROP);
	assert_memory_equal(a.frame, b->at, b->count);
}

/* What is dropped in silence; every frame differs in one place from one that is answered. */
static void test_silent(void **state)
{
	static const struct {
		unsigned at, value;
	} rows[] = {{0, 3},	/* to a group */
		    {6, 3},	/* from one */
		    {5, 9},	/* to an address that no node is known to have */
		    {13, 6},	/* ARP */
		    {21, 1},	/* a later fragment */
		    {26, 224},	/* from a multicast address */
		    {30, 239}}; /* to one */
	struct bytes b = {.count = 0};

	NEEDS_BPF(state);
	put_datagram(&b);
	assert_int_equal(answer_of(&b, five, six).verdict, ANSWERED);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		b.count = 0;
		put_datagram(&b);
		b.at[rows[i].at] = (uint8_t)rows[i].value;
		assert_silent(&b);
	}
	b.count = 0;
	put_header(&b, false, TCP, 20);
	put_tcp(&b, 1, 2, 3, 4, RST, 0);
	assert_silent(&b);
	b.count = 0;
	put_datagram(&b);
	memset(b.at + 30, 255, 4);
	assert_silent(&b);
}

/* The first fragment is answered, by both families; IPv6 says so in a header of its own. */
static void test_fragments(void **state)
{
	for (unsigned offset = 0; offset < 16; offset += 8) {
		struct bytes b = {.count = 0};

		NEEDS_BPF(state);
		put_header(&b, true, 44, 16);
		put16(&b, UDP << 8);
		put16(&b, offset | 1);
		put32(&b, 4711);
		put_udp(&b, 1, 2, 900);
		if (offset)
			assert_silent(&b);
		else
			check_prohibited(&b, true, 56);
	}
}

/* A segment with options in the IP header is answered without them. */
static void test_options(void **state)
{
	struct bytes b = {.count = 0};
	const uint8_t *tcp;
	struct answer a;

	NEEDS_BPF(state);
	put_header(&b, false, TCP, 24);
	b.at[14] = 0x46;
	put32(&b, 0x01010101);
	put_tcp(&b, 4711, 80, 1000, 77, SYN, 500);
	a = answer_of(&b, five, six);
	tcp = check_headers(&a, false, TCP);
	assert_int_equal(get32(tcp + 8), 1001);
	assert_int_equal(sum(tcp, 20, pseudo_of(&a, TCP)), 0xffff);
}

static uint32_t run_marked(enum policy_prog prog, uint32_t to, uint32_t *mark)
{
	uint8_t frame[64] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8};
	struct shot shot = {.to = to, .mark = *mark, .frame = frame, .length = sizeof(frame)};
	uint32_t verdict = ports_run(policy->prog[prog], &shot);

	*mark = shot.mark;
	return verdict;
}

/* Only the node that asked gets an answer; only what has the programs' mark is one. */
static void test_recipients(void **state)
{
	uint32_t mark = PORT_MARK_ANSWER | LINK_5;

	NEEDS_BPF(state);
	assert_int_equal(run_marked(POLICY_STAMP, six, &mark), PASS);
	assert_int_equal(mark, PORT_MARK_ANSWER | LINK_5);
	assert_int_equal(run_marked(POLICY_PORT, five, &mark), PASS);
	assert_int_equal(mark, 0);
	mark = PORT_MARK_ANSWER | LINK_5;
	assert_int_equal(run_marked(POLICY_PORT, five_too, &mark), PASS);
	mark = PORT_MARK_ANSWER | LINK_5;
	assert_int_equal(run_marked(POLICY_PORT, seven, &mark), DROP);
	mark = PORT_MARK_ANSWER | LINK_5;
	assert_int_equal(run_marked(POLICY_HOST_IN, 1, &mark), DROP);
	mark = PORT_MARK_ANSWER | POLICY_HOST;
	assert_int_equal(run_marked(POLICY_HOST_IN, 1, &mark), PASS);
	mark = PORT_MARK_ANSWER | POLICY_HOST;
	assert_int_equal(run_marked(POLICY_PORT, five, &mark), DROP);
}

/* A node's address becomes known by what it sends, and follows it. */
static void test_homes(void **state)
{
	struct bytes b = {.count = 0}, there = {.count = 0};

	NEEDS_BPF(state);
	put_datagram(&b);
	put_datagram(&there);
	b.at[5] = there.at[11] = 7;
	assert_int_equal(answer_of(&b, five, six).verdict, DROP);
	assert_int_equal(answer_of(&there, six, seven).verdict, PASS);
	assert_int_equal(answer_of(&b, five, six).verdict, ANSWERED);
	assert_int_equal(answer_of(&there, seven, six).verdict, PASS);
	assert_int_equal(answer_of(&b, five, six).verdict, DROP);
}

/* The verdict on a datagram after so many answers to node 5 in the present period of 2^27 ns. */
static uint32_t verdict_after(const struct bytes *b, uint32_t answers)
{
	struct port_link *link = &policy->links[LINK_5];
	uint32_t period, verdict;

	do {
		period = (uint32_t)(policy_now() >> 27);
		link->answer_period = period;
		link->answers = answers;
		verdict = answer_of(b, five, six).verdict;
	} while ((uint32_t)(policy_now() >> 27) != period);
	return verdict;
}

/* Answers to one port are bounded; what is not answered is dropped and counted all the same. */
static void test_budget(void **state)
{
	struct bytes b = {.count = 0};
	struct port_link *link;
	uint64_t before;

	NEEDS_BPF(state);
	link = &policy->links[LINK_5];
	before = link->cut;
	put_datagram(&b);
	assert_int_equal(verdict_after(&b, 2047), ANSWERED);
	assert_int_equal(verdict_after(&b, 2048), DROP);
	assert_true(link->cut >= before + 2);
	/* The next period has its own. */
	link->answer_period--;
	assert_int_equal(answer_of(&b, five, six).verdict, ANSWERED);
	assert_int_equal(link->answers, 1);
}

/* A partition that rejects answers what it drops, and no other partition does. */
static void test_partitions(void **state)
{
	uint16_t a[] = {5}, c[] = {6};
	const struct policy_group groups[] = {{a, 1}, {c, 1}};
	struct policy_cut cut = {PORT_FAULT_ONE_WAY, groups, 2, 0, NULL};
	struct bytes b = {.count = 0};
	uint32_t silent, loud;

	NEEDS_BPF(state);
	ports_heal(NULL, 0);
	put_datagram(&b);
	assert_int_equal(policy_partition(policy, &cut, &silent, NULL), 0);
	assert_int_equal(answer_of(&b, five, six).verdict, DROP);
	cut.reject = true;
	assert_int_equal(policy_partition(policy, &cut, &loud, NULL), 0);
	assert_int_equal(answer_of(&b, five, six).verdict, ANSWERED);
	ports_heal(&loud, 1);
	assert_int_equal(answer_of(&b, five, six).verdict, DROP);
	ports_heal(&silent, 1);
	assert_int_equal(answer_of(&b, five, six).verdict, PASS);
	cut.deadline = policy_now() - 1;
	assert_int_equal(policy_partition(policy, &cut, &loud, NULL), 0);
	assert_int_equal(answer_of(&b, five, six).verdict, PASS);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_resets),     TEST(test_prohibited), TEST(test_icmp),
		TEST(test_silent),     TEST(test_fragments),  TEST(test_options),
		TEST(test_recipients), TEST(test_homes),      TEST(test_budget),
		TEST(test_partitions),
	};

	return cmocka_run_group_tests_name("reject", tests, ports_set_up, ports_tear_down);
}
