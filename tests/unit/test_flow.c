// SPDX-License-Identifier: GPL-2.0-or-later
/* Flow tracking: conversations packet by packet, and the resulting statistics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/flow/flow.h"
#include "netsim/flow/flow_parts.h"
#include "tests/unit/frames.h"
#include "tests/unit/segment.h"

#define MS 1000000LL

static const char classes_text[] = "classes:\n"
				   "  peer: {tcp: 2380, gap: 1s}\n"
				   "  tagged: {vlan: 7}\n"
				   "  many: {udp: [1000-2000, 53]}\n"
				   "  vrrp: {protocol: 112, gap: 3s}\n"
				   "  both: {tcp: [2380, 99]}\n"
				   "  six: {ethertype: ipv6}\n"
				   "  arp: {ethertype: arp}\n";

struct fixture {
	struct class_set *classes;
	struct flow *flow;
};

static void begin(struct fixture *f, uint32_t connections)
{
	struct netsim_diags diags = {0};
	struct netsim_err err = {0};

	assert_int_equal(
		classes_parse("t", classes_text, sizeof(classes_text) - 1, &f->classes, &diags), 0);
	assert_int_equal(flow_new(f->classes, connections, &f->flow, &err), 0);
}

static void end(struct fixture *f)
{
	flow_free(f->flow);
	classes_free(f->classes);
}

static void say(struct fixture *f, double ms, struct packet p)
{
	assert_true(flow_add(f->flow, &p, (int64_t)(ms * MS)));
}

/* Opens a connection with a round trip of 10 ms; the next sequence numbers are 101 and 501. */
static void open_it(struct fixture *f)
{
	say(f, 1000, FROM_CLIENT(.seq = 100, .flags = PACKET_SYN));
	say(f, 1006, FROM_SERVER(.seq = 500, .ack = 101, .flags = PACKET_SYN | PACKET_ACK));
	say(f, 1010, FROM_CLIENT(.seq = 101, .ack = 501));
}

static struct flow_summary only(struct fixture *f)
{
	struct flow_summary s;

	assert_int_equal(flow_connections(f->flow), 1);
	assert_true(flow_summary(f->flow, 0, &s));
	return s;
}

static void test_handshake(void **state)
{
	struct fixture f;
	struct flow_summary s;

	(void)state;
	begin(&f, 0);
	say(&f, 0, FROM_CLIENT(.seq = 100, .flags = PACKET_SYN)); /* lost, and sent again */
	open_it(&f);
	s = only(&f);
	assert_true(s.syn && s.answered && !s.refused && !s.closed);
	assert_true(s.handshake_ns == 10 * MS);
	assert_int_equal(s.sides[0].packets, 3);
	assert_int_equal(s.sides[0].counts[FLOW_TIMEOUT], 1);
	say(&f, 1020, FROM_CLIENT(.seq = 101, .ack = 501, .flags = PACKET_FIN | PACKET_ACK));
	assert_true(only(&f).closed);
	/* The same ports with another initial sequence number: another connection. */
	say(&f, 3000, FROM_CLIENT(.seq = 90000, .flags = PACKET_SYN));
	assert_int_equal(flow_connections(f.flow), 2);
	say(&f, 3001, FROM_SERVER(.ack = 90001, .flags = PACKET_RST | PACKET_ACK));
	assert_true(flow_summary(f.flow, 1, &s));
	assert_true(s.refused && s.handshake_ns == -1);
	assert_int_equal(s.sides[1].counts[FLOW_RESETS], 1);
	end(&f);
}

static void test_round_trips(void **state)
{
	struct fixture f;
	struct flow_summary s;
	const struct flow_group *groups;

	(void)state;
	begin(&f, 0);
	open_it(&f);
	say(&f, 1100, FROM_CLIENT(.seq = 101, .ack = 501, .data = 1000));
	say(&f, 1101, FROM_CLIENT(.seq = 1101, .ack = 501, .data = 1000));
	/* Both acknowledged at once: only the last segment gives an RTT. */
	say(&f, 1121, FROM_SERVER(.seq = 501, .ack = 2101));
	say(&f, 1200, FROM_CLIENT(.seq = 2101, .ack = 501, .data = 100));
	say(&f, 1240, FROM_SERVER(.seq = 501, .ack = 2201, .data = 30));
	say(&f, 1241, FROM_CLIENT(.seq = 2201, .ack = 531));
	s = only(&f);
	assert_int_equal(s.sides[0].rtt_count, 2);
	assert_true(s.sides[0].rtt_min == 20 * MS && s.sides[0].rtt_max == 40 * MS);
	assert_true(s.sides[0].rtt_mean == 30.0 * MS);
	assert_int_equal(s.sides[1].rtt_count, 1);
	assert_true(s.sides[1].rtt_max == 1 * MS);
	assert_int_equal(flow_groups(f.flow, &groups), 1);
	assert_int_equal(groups[0].ways[0].rtt.count, 2);
	assert_int_equal(groups[0].ways[0].opened.handshake.count, 1);
	assert_int_equal(f.flow->free_flight, 1); /* no segment is in flight */
	end(&f);
}

/* Of four segments the first is lost; the others are acknowledged by SACK, if it is used. */
static void lose_one(struct fixture *f, bool sack)
{
	open_it(f);
	say(f, 1100, FROM_CLIENT(.seq = 101, .ack = 501, .data = 100));
	say(f, 1101, FROM_CLIENT(.seq = 201, .ack = 501, .data = 100));
	say(f, 1102, FROM_CLIENT(.seq = 301, .ack = 501, .data = 100));
	say(f, 1103, FROM_CLIENT(.seq = 401, .ack = 501, .data = 100));
	for (unsigned i = 0; i < 3; i++) {
		struct packet p = FROM_SERVER(.seq = 501, .ack = 101);

		p.sack_count = sack;
		p.sacks[0] = (struct packet_sack) {201, 301 + 100 * i};
		say(f, 1111 + i, p);
	}
	say(f, 1114, FROM_CLIENT(.seq = 101, .ack = 501, .data = 100));
	say(f, 1124, FROM_SERVER(.seq = 501, .ack = 501));
}

static void test_karn(void **state)
{
	struct fixture f;
	struct flow_summary s;

	(void)state;
	begin(&f, 0);
	lose_one(&f, false);
	s = only(&f);
	/* No RTT from four segments: one was retransmitted, three had to wait for it. */
	assert_int_equal(s.sides[0].rtt_count, 0);
	assert_int_equal(s.sides[0].counts[FLOW_FAST], 1);
	assert_int_equal(s.sides[0].counts[FLOW_RESENT], 1);
	assert_int_equal(s.sides[1].counts[FLOW_DUP_ACKS], 3);
	end(&f);
	begin(&f, 0);
	lose_one(&f, true);
	s = only(&f);
	/* With SACK the three give RTTs. */
	assert_int_equal(s.sides[0].rtt_count, 3);
	assert_true(s.sides[0].rtt_min == 10 * MS && s.sides[0].rtt_max == 10 * MS);
	end(&f);
}

/* The echoed timestamp identifies which of two transmissions is acknowledged. */
static void test_stamps(void **state)
{
	static const struct {
		uint32_t echo;
		unsigned count;
	} cases[] = {{50, 0}, {99, 1}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fixture f;
		struct packet p;

		begin(&f, 0);
		open_it(&f);
		p = FROM_CLIENT(.seq = 101, .ack = 501, .data = 100);
		p.has_stamps = true;
		p.stamp = 50;
		say(&f, 1100, p);
		p.stamp = 99;
		say(&f, 1300, p);
		p = FROM_SERVER(.seq = 501, .ack = 201);
		p.has_stamps = true;
		p.stamp_echo = cases[i].echo;
		say(&f, 1312, p);
		assert_int_equal(only(&f).sides[0].rtt_count, cases[i].count);
		if (cases[i].count)
			assert_true(only(&f).sides[0].rtt_max == 12 * MS);
		assert_int_equal(only(&f).sides[0].counts[FLOW_TIMEOUT], 1);
		end(&f);
	}
}

static void test_kinds(void **state)
{
	struct fixture f;
	struct flow_summary s;

	(void)state;
	begin(&f, 0);
	open_it(&f);
	say(&f, 1100, FROM_CLIENT(.seq = 101, .ack = 501, .data = 100));
	say(&f, 1101, FROM_CLIENT(.seq = 301, .ack = 501, .data = 100)); /* a hole of 100 */
	/* fills the hole, within a round trip */
	say(&f, 1104, FROM_CLIENT(.seq = 201, .ack = 501, .data = 100));
	s = only(&f);
	assert_int_equal(s.sides[0].counts[FLOW_REORDERED], 1);
	assert_int_equal(s.sides[0].counts[FLOW_RESENT], 0);
	say(&f, 1110, FROM_SERVER(.seq = 501, .ack = 401));
	say(&f, 1111, FROM_CLIENT(.seq = 201, .ack = 501, .data = 100)); /* already acknowledged */
	s = only(&f);
	assert_int_equal(s.sides[0].counts[FLOW_SPURIOUS], 1);
	assert_int_equal(s.sides[0].counts[FLOW_RESENT], 1);
	say(&f, 1200, FROM_CLIENT(.seq = 401, .ack = 501, .data = 100));
	say(&f, 1500, FROM_CLIENT(.seq = 401, .ack = 501, .data = 100)); /* by timeout */
	assert_int_equal(only(&f).sides[0].counts[FLOW_TIMEOUT], 1);
	say(&f, 1510, FROM_SERVER(.seq = 501, .ack = 501));
	say(&f, 1600, FROM_CLIENT(.seq = 500, .ack = 501)); /* keepalive: of no kind */
	say(&f, 1601, FROM_SERVER(.seq = 501, .ack = 501)); /* and its answer */
	s = only(&f);
	assert_int_equal(s.sides[0].counts[FLOW_TIMEOUT] + s.sides[0].counts[FLOW_FAST], 1);
	assert_int_equal(s.sides[1].counts[FLOW_DUP_ACKS], 0);
	end(&f);
}

/* Every second of sixty segments comes late: none counts as resent, as none came before. */
static void test_many_holes(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 0);
	open_it(&f);
	say(&f, 1100, FROM_CLIENT(.seq = 101, .ack = 501, .data = 100));
	for (uint32_t i = 1; i <= 30; i++)
		say(&f, 1100 + i, FROM_CLIENT(.seq = 201 + 200 * i - 100, .ack = 501, .data = 100));
	for (uint32_t i = 1; i <= 30; i++)
		say(&f, 1200 + i, FROM_CLIENT(.seq = 201 + 200 * i - 200, .ack = 501, .data = 100));
	assert_int_equal(only(&f).sides[0].counts[FLOW_RESENT], 0);
	end(&f);
}

/* The client's FIN was lost before the capture, but not the acknowledgement after it. */
static void test_lost_fin(void **state)
{
	struct fixture f;
	struct flow_summary s;

	(void)state;
	begin(&f, 0);
	open_it(&f);
	say(&f, 1020, FROM_SERVER(.seq = 501, .ack = 101, .flags = PACKET_FIN | PACKET_ACK));
	say(&f, 1021, FROM_CLIENT(.seq = 102, .ack = 502));
	say(&f, 1230, FROM_CLIENT(.seq = 101, .ack = 502, .flags = PACKET_FIN | PACKET_ACK));
	s = only(&f);
	assert_int_equal(s.sides[0].counts[FLOW_TIMEOUT], 1);
	assert_int_equal(s.sides[0].counts[FLOW_RESENT], 0);
	say(&f, 1430, FROM_CLIENT(.seq = 101, .ack = 502, .flags = PACKET_FIN | PACKET_ACK));
	assert_int_equal(only(&f).sides[0].counts[FLOW_RESENT], 1);
	end(&f);
}

static void test_windows(void **state)
{
	struct fixture f;
	struct packet p;

	(void)state;
	begin(&f, 0);
	open_it(&f);
	say(&f, 1100, FROM_CLIENT(.seq = 101, .ack = 501, .data = 100));
	p = FROM_SERVER(.seq = 501, .ack = 201);
	p.window = 0;
	say(&f, 1101, p);
	/* a probe: its byte does not count as sent */
	say(&f, 1300, FROM_CLIENT(.seq = 201, .ack = 501, .data = 1));
	say(&f, 1301, p);
	say(&f, 1400, FROM_CLIENT(.seq = 201, .ack = 501, .data = 100));
	assert_int_equal(only(&f).sides[1].counts[FLOW_ZERO_WINDOWS], 2);
	assert_int_equal(only(&f).sides[0].counts[FLOW_TIMEOUT], 0);
	end(&f);
}

/* Nothing was captured of the server: its window is unknown, not zero. */
static void test_window_unknown(void **state)
{
	struct fixture f;
	struct packet p;

	(void)state;
	begin(&f, 0);
	for (uint32_t i = 0; i < 4; i++) {
		p = FROM_CLIENT(.seq = 101 + i, .ack = 501, .data = 1);
		p.window = 0;
		say(&f, 1000 + i, p);
	}
	assert_int_equal(only(&f).sides[0].counts[FLOW_ZERO_WINDOWS], 4);
	say(&f, 1300, FROM_CLIENT(.seq = 103, .ack = 501, .data = 1));
	assert_int_equal(only(&f).sides[0].counts[FLOW_RESENT], 1);
	end(&f);
}

/* The server still has a connection of a client that restarted: a reset, then a new connection. */
static void test_half_open(void **state)
{
	struct flow_summary s;
	struct fixture f;

	(void)state;
	for (uint32_t stale = 0; stale < 2; stale++) {
		/* Before and after the new numbers. */
		uint32_t ack = stale ? 900000000 : 50, seq = stale ? 7 : 400000;

		begin(&f, 0);
		say(&f, 0, FROM_CLIENT(.seq = 100, .flags = PACKET_SYN));
		say(&f, 5, FROM_SERVER(.seq = seq, .ack = ack));
		say(&f, 6, FROM_CLIENT(.seq = ack, .flags = PACKET_RST));
		say(&f, 999, FROM_CLIENT(.seq = 100, .flags = PACKET_SYN));
		say(&f, 1005,
		    FROM_SERVER(.seq = 500, .ack = 101, .flags = PACKET_SYN | PACKET_ACK));
		say(&f, 1010, FROM_CLIENT(.seq = 101, .ack = 501));
		say(&f, 1011, FROM_CLIENT(.seq = 101, .ack = 501, .data = 100));
		say(&f, 1021, FROM_SERVER(.seq = 501, .ack = 201, .data = 100));
		s = only(&f);
		assert_true(s.syn && s.answered && !s.refused && !s.closed);
		assert_int_equal(s.handshake_ns, 11 * MS);
		assert_int_equal(s.sides[0].rtt_count, 1);
		assert_int_equal(s.sides[0].counts[FLOW_TIMEOUT], 1); /* the SYN */
		assert_int_equal(s.sides[0].counts[FLOW_SPURIOUS], 0);
		assert_int_equal(s.sides[0].counts[FLOW_RESETS], 1);
		assert_int_equal(s.sides[1].counts[FLOW_TIMEOUT], 0);
		assert_int_equal(s.sides[1].counts[FLOW_REORDERED], 0);
		/* A reset of the new connection closes it. */
		say(&f, 1100, FROM_SERVER(.seq = 601, .ack = 201, .flags = PACKET_RST));
		assert_true(only(&f).closed);
		end(&f);
	}
}

/* Sequence numbers wrap around. */
static void test_wrapping(void **state)
{
	struct fixture f;
	uint32_t seq = UINT32_MAX - 150;

	(void)state;
	begin(&f, 0);
	say(&f, 1000, FROM_CLIENT(.seq = seq, .flags = PACKET_SYN));
	say(&f, 1005, FROM_SERVER(.seq = 500, .ack = seq + 1, .flags = PACKET_SYN | PACKET_ACK));
	say(&f, 1010, FROM_CLIENT(.seq = ++seq, .ack = 501));
	for (int i = 0; i < 4; i++, seq += 100) {
		say(&f, 1100 + i * 50, FROM_CLIENT(.seq = seq, .ack = 501, .data = 100));
		say(&f, 1110 + i * 50, FROM_SERVER(.seq = 501, .ack = seq + 100));
	}
	assert_int_equal(only(&f).sides[0].rtt_count, 4);
	assert_int_equal(only(&f).sides[0].counts[FLOW_TIMEOUT], 0);
	end(&f);
}

static void test_gaps(void **state)
{
	struct fixture f;
	const struct flow_gap *list;
	const struct flow_group *groups;
	struct flow_totals totals;

	(void)state;
	begin(&f, 0);
	open_it(&f);
	say(&f, 1100, FROM_CLIENT(.seq = 101, .ack = 501, .data = 10));
	say(&f, 2050, FROM_SERVER(.seq = 501, .ack = 111, .data = 10)); /* 1044 ms after its last */
	say(&f, 2100, FROM_CLIENT(.seq = 111, .ack = 511));		/* 1 s: not longer */
	say(&f, 2101, FROM_SERVER(.seq = 511, .ack = 111, .flags = PACKET_FIN | PACKET_ACK));
	say(&f, 9000, FROM_CLIENT(.seq = 111, .ack = 512)); /* closed: no gap */
	flow_finish(f.flow);
	assert_int_equal(flow_gaps(f.flow, &list), 1);
	assert_true(list[0].begin_ns == 1006 * MS && list[0].end_ns == 2050 * MS);
	assert_true(list[0].whole);
	assert_int_equal(list[0].source_port, 2380);
	flow_totals(f.flow, &totals);
	assert_int_equal(totals.gaps, 1);
	flow_groups(f.flow, &groups);
	assert_int_equal(groups[0].ways[1].counts[FLOW_GAP_COUNT], 1);
	assert_int_equal(groups[0].ways[1].silences, 1);
	end(&f);
}

static unsigned class_of(struct fixture *f, struct packet p)
{
	return flow_classify(f->flow->classifier, &p);
}

static void test_classes(void **state)
{
	struct fixture f;
	struct packet p = FROM_CLIENT(.ack = 1);

	(void)state;
	begin(&f, 0);
	assert_int_equal(class_of(&f, p), 0);
	p = FROM_SERVER(.ack = 1); /* either end's port */
	assert_int_equal(class_of(&f, p), 0);
	p.vlan = 7; /* the first matching class */
	assert_int_equal(class_of(&f, p), 0);
	p.source_port = 5;
	assert_int_equal(class_of(&f, p), 1);
	p.vlan = 0;
	assert_int_equal(class_of(&f, p), f.classes->count);
	p.source_port = 99;
	assert_int_equal(class_of(&f, p), 4);
	p.protocol = 17;
	p.source_port = 1500;
	assert_int_equal(class_of(&f, p), 2);
	p.has_ports = false; /* a fragment */
	assert_int_equal(class_of(&f, p), f.classes->count);
	p.protocol = 112;
	assert_int_equal(class_of(&f, p), 3);
	p = (struct packet) {.ethertype = 0x0806};
	assert_int_equal(class_of(&f, p), 6);
	p.ethertype = 0x86dd;
	assert_int_equal(class_of(&f, p), 5);
	end(&f);
}

static unsigned class_between(const struct flow_classifier *c, struct packet p, const char *source,
			      const char *destination)
{
	uint8_t addresses[2][16];
	int family = p.version == 4 ? AF_INET : AF_INET6;

	assert_int_equal(inet_pton(family, source, addresses[0]), 1);
	assert_int_equal(inet_pton(family, destination, addresses[1]), 1);
	p.source = addresses[0];
	p.destination = addresses[1];
	return flow_classify(c, &p);
}

/* Requirements: an address of either end, and ports of one end. */
static void test_ends(void **state)
{
	static const char text[] = "classes:\n"
				   "  registry: {address: 203.0.113.7, tcp: 443}\n"
				   "  cloud: {address: [203.0.113.0/24, \"2001:db8::/32\"]}\n"
				   "  ask: {to-port: 53}\n"
				   "  answer: {from-port: 53, to-port: 1024-65535}\n";
	struct packet p = {.version = 4,
			   .protocol = 6,
			   .has_ports = true,
			   .source_port = 40000,
			   .destination_port = 443};
	struct netsim_diags diags = {0};
	struct flow_classifier *c;
	struct class_set *set;

	(void)state;
	assert_int_equal(classes_parse("classes.yaml", text, strlen(text), &set, &diags), 0);
	c = flow_classifier_new(set);
	assert_non_null(c);
	assert_int_equal(class_between(c, p, "10.0.0.1", "203.0.113.7"), 0);
	assert_int_equal(class_between(c, p, "10.0.0.1", "203.0.113.8"), 1);
	assert_int_equal(class_between(c, p, "203.0.114.0", "10.0.0.1"), 4);
	p.destination_port = 80;
	assert_int_equal(class_between(c, p, "203.0.113.7", "10.0.0.1"), 1);
	p.destination_port = 53;
	assert_int_equal(class_between(c, p, "10.0.0.1", "10.0.0.2"), 2);
	p.protocol = 17;
	assert_int_equal(class_between(c, p, "10.0.0.1", "10.0.0.2"), 2);
	p.source_port = 53;
	p.destination_port = 40000;
	assert_int_equal(class_between(c, p, "10.0.0.2", "10.0.0.1"), 3);
	p.destination_port = 1000;
	assert_int_equal(class_between(c, p, "10.0.0.2", "10.0.0.1"), 4);
	p.protocol = 1; /* an identifier of echo requests is no port */
	p.source_port = p.destination_port = 53;
	assert_int_equal(class_between(c, p, "10.0.0.2", "10.0.0.1"), 4);
	p.version = 6;
	assert_int_equal(class_between(c, p, "fd00::1", "2001:db8:5::1"), 1);
	assert_int_equal(class_between(c, p, "fd00::1", "2001:db9::1"), 4);
	p.version = 0; /* ARP */
	assert_int_equal(class_between(c, p, "2001:db8::1", "2001:db8::2"), 4);
	flow_classifier_free(c);
	classes_free(set);
}

/* VXLAN, as pods use it: the outer and the inner packet have separate connections. */
static void test_inside(void **state)
{
	struct bytes b = {.count = 0};
	struct fixture f;
	struct packet p;
	struct flow_totals totals;
	const struct flow_group *groups;
	size_t count;

	(void)state;
	begin(&f, 0);
	put_ethernet(&b, 0x0800);
	put_ipv4(&b, 17, 8 + 8 + 14 + 40, 0x0a000001, 0x0a000002);
	put_udp(&b, 55555, 8472, 8 + 14 + 40);
	put32(&b, 0x08000000);
	put32(&b, 1 << 8);
	put_ethernet(&b, 0x0800);
	put_ipv4(&b, 6, 20, 0x0a2a0001, 0x0a2a0102);
	put_tcp(&b, 33333, 99, 1, 2, PACKET_ACK, 3);
	packet_decode(PACKET_ETHERNET, b.at, b.count, b.count, &p);
	say(&f, 1, p);
	flow_finish(f.flow);
	flow_totals(f.flow, &totals);
	assert_int_equal(totals.packets, 1);
	assert_int_equal(totals.inner, 1);
	count = flow_groups(f.flow, &groups);
	assert_int_equal(count, 2);
	assert_false(groups[0].inner);
	assert_true(groups[1].inner);
	assert_int_equal(groups[1].class, 4);
	assert_int_equal(groups[1].ways[0].bytes, 54);
	end(&f);
}

/* Bins get wider, and the sums are kept. */
static void test_series(void **state)
{
	struct fixture f;
	const struct flow_group *groups;
	struct flow_totals totals;
	uint64_t bytes = 0, rtts = 0;

	(void)state;
	begin(&f, 0);
	open_it(&f);
	for (uint32_t i = 0; i < 20000; i++) {
		say(&f, 1100 + i * 10.0, FROM_CLIENT(.seq = 101 + i * 10, .ack = 501, .data = 10));
		say(&f, 1103 + i * 10.0, FROM_SERVER(.seq = 501, .ack = 111 + i * 10));
	}
	flow_finish(f.flow);
	flow_totals(f.flow, &totals);
	flow_groups(f.flow, &groups);
	assert_true(totals.bin_ns * FLOW_BINS >= totals.last_ns - totals.first_ns);
	assert_true(totals.bin_ns * FLOW_BINS / 2 <= totals.last_ns - totals.first_ns);
	assert_true(groups[0].bin_count <= FLOW_BINS);
	for (uint32_t i = 0; i < groups[0].bin_count; i++) {
		const struct flow_bin *bin = &groups[0].bins[i];

		bytes += bin->ways[0].bytes + bin->ways[1].bytes;
		rtts += bin->ways[0].rtt ? bin->ways[0].rtt->count : 0;
	}
	assert_int_equal(bytes, totals.bytes);
	assert_int_equal(rtts, 20000);
	assert_int_equal(groups[0].ways[0].rtt.count, 20000);
	end(&f);
}

/* Many more connections than the table can hold: the sums are complete. */
static void test_eviction(void **state)
{
	struct fixture f;
	struct flow_totals totals;
	const struct flow_group *groups;
	struct flow_summary s;
	uint64_t packets = 0, connections = 0, known = 0;
	uint8_t ends[2][4];

	(void)state;
	begin(&f, 3000);
	srandom(7);
	for (uint32_t i = 0; i < 200000; i++) {
		struct segment any = {.seq = (uint32_t)random() % 300,
				      .ack = 77,
				      .data = (uint32_t)random() % 50};
		struct packet p = segment_packet(random() % 2, any);

		p.tcp_flags = (uint8_t)random() & 0x1f;
		if (i % 3) {
			memset(ends, 10, sizeof(ends));
			ends[0][3] = (uint8_t)random();
			ends[0][2] = (uint8_t)random();
			ends[1][3] = (uint8_t)(random() % 5);
			p.source = ends[i % 2];
			p.destination = ends[1 - i % 2];
		}
		p.source_port = (uint16_t)(1 + random() % 4000);
		say(&f, i, p);
	}
	flow_totals(f.flow, &totals);
	flow_finish(f.flow);
	assert_true(flow_connections(f.flow) <= 3000);
	for (uint32_t i = 0; i < flow_connections(f.flow); i++)
		known += flow_summary(f.flow, i, &s);
	assert_int_equal(known + totals.folded, totals.connections);
	assert_true(totals.folded > 0);
	for (size_t i = flow_groups(f.flow, &groups); i-- > 0;) {
		packets += groups[i].ways[0].packets + groups[i].ways[1].packets;
		connections +=
			groups[i].ways[0].opened.connections + groups[i].ways[1].opened.connections;
	}
	assert_int_equal(packets, 200000);
	assert_int_equal(connections, totals.connections);
	assert_true(flow_groups(f.flow, &groups) <= FLOW_GROUPS + 2 * FLOW_CLASSES);
	end(&f);
}

/* A connection with recent packets is not evicted. */
static void test_least_recent(void **state)
{
	struct fixture f;
	struct flow_totals totals;

	(void)state;
	begin(&f, 1024);
	for (uint32_t i = 0; i < 20000; i++) {
		struct packet p = FROM_CLIENT(.seq = 1, .ack = 1);

		say(&f, i, p);
		p.source_port = (uint16_t)(1000 + i);
		say(&f, i, p);
	}
	flow_totals(f.flow, &totals);
	assert_int_equal(flow_connections(f.flow), 1024);
	/* A second connection from port 40000 would mean that the first was evicted. */
	assert_int_equal(totals.connections, 20001);
	end(&f);
}

/* Extreme timestamps in any order, as in a hostile file. */
static void test_any_time(void **state)
{
	static const int64_t times[] = {0, INT64_MAX, INT64_MIN, -1, 5, INT64_MAX - 1, INT64_MIN};
	struct fixture f;

	(void)state;
	begin(&f, 0);
	for (uint32_t i = 0; i < 700; i++) {
		struct segment any = {.seq = i * 10, .ack = i * 7, .data = i % 4 ? 10 : 0};
		struct packet p = segment_packet(i % 3 == 0, any);

		assert_true(flow_add(f.flow, &p, times[i % 7]));
	}
	flow_finish(f.flow);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake),      cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_karn),	       cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_kinds),	       cmocka_unit_test(test_lost_fin),
		cmocka_unit_test(test_many_holes),     cmocka_unit_test(test_windows),
		cmocka_unit_test(test_window_unknown), cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_wrapping),       cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_classes),	       cmocka_unit_test(test_ends),
		cmocka_unit_test(test_inside),	       cmocka_unit_test(test_series),
		cmocka_unit_test(test_eviction),       cmocka_unit_test(test_least_recent),
		cmocka_unit_test(test_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
