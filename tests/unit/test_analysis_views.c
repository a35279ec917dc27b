// SPDX-License-Identifier: GPL-2.0-or-later
/* The same packets seen from several vantage points count once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "netsim/flow/analysis.h"
#include "netsim/packet/capture_file.h"
#include "netsim/packet/capture_names.h"
#include "tests/unit/frames.h"
#include "tests/unit/segment.h"

#define MS 1000000LL

enum { CLIENT = 1, SERVER, ROUTER };

static const char classes_text[] = "classes:\n  peer: {tcp: 2380, gap: 100ms}\n";

struct fixture {
	struct class_set *classes;
	struct flow *flow;
};

static void begin(struct fixture *f)
{
	struct netsim_diags diags = {0};
	struct netsim_err err = {0};

	assert_int_equal(
		classes_parse("t", classes_text, sizeof(classes_text) - 1, &f->classes, &diags), 0);
	assert_int_equal(flow_new(f->classes, 0, &f->flow, &err), 0);
}

static struct analysis finish(struct fixture *f, const char *const *only, size_t count)
{
	struct analysis_names names = {.only = only, .only_count = count};
	struct analysis_input input = {.flow = f->flow, .classes = f->classes, .names = &names};
	struct analysis a = {0};
	struct netsim_err err = {0};

	flow_finish(f->flow);
	assert_int_equal(analysis_rows(&input, &a, &err), 0);
	flow_free(f->flow);
	classes_free(f->classes);
	return a;
}

static void see(struct fixture *f, double ms, uint16_t view, enum packet_seen seen, struct packet p)
{
	p.view = view;
	p.seen = (uint8_t)seen;
	assert_true(flow_add(f->flow, &p, (int64_t)(ms * (double)MS)));
}

static void sent(struct fixture *f, double ms, struct packet p)
{
	see(f, ms, p.source_port == SERVER_PORT ? SERVER : CLIENT, PACKET_SENT, p);
}

static void came(struct fixture *f, double ms, struct packet p)
{
	see(f, ms, p.source_port == SERVER_PORT ? CLIENT : SERVER, PACKET_DELIVERED, p);
}

/* Observed at both ends, 5 ms apart. */
static void both(struct fixture *f, double ms, struct packet p)
{
	sent(f, ms, p);
	came(f, ms + 5, p);
}

static void conversation(struct fixture *f)
{
	both(f, 0, FROM_CLIENT(.seq = 100, .flags = PACKET_SYN));
	both(f, 6, FROM_SERVER(.seq = 500, .ack = 101, .flags = PACKET_SYN | PACKET_ACK));
	both(f, 12, FROM_CLIENT(.seq = 101, .ack = 501));
	both(f, 20, FROM_CLIENT(.seq = 101, .ack = 501, .data = 100));
	both(f, 26, FROM_SERVER(.seq = 501, .ack = 201));
	sent(f, 40, FROM_CLIENT(.seq = 201, .ack = 501, .data = 100)); /* is lost */
	both(f, 300, FROM_CLIENT(.seq = 201, .ack = 501, .data = 100));
	both(f, 306, FROM_SERVER(.seq = 501, .ack = 301));
}

static void test_both_ends(void **state)
{
	struct fixture f;
	struct analysis a;
	const struct netsim_flow_row *row;

	(void)state;
	begin(&f);
	conversation(&f);
	a = finish(&f, NULL, 0);
	assert_int_equal(a.captured, 15);
	assert_int_equal(a.packets, 8);
	assert_int_equal(a.connections, 1);
	assert_int_equal(a.pairs.count, 1);
	row = &a.pairs.list[0];
	assert_int_equal(row->connections, 1);
	assert_int_equal(row->handshake.count, 1);
	assert_int_equal(row->handshake.min_ns, 12 * MS);
	assert_int_equal(row->directions[0].packets, 5);
	assert_int_equal(row->directions[1].packets, 3);
	/* At the sender the retransmission and the whole round trip are visible. */
	assert_int_equal(row->directions[0].timeout, 1);
	assert_int_equal(row->directions[0].rtt.min_ns, 11 * MS);
	/* The gap counts at the receiver: from 25 to 305. */
	assert_int_equal(row->directions[0].gaps, 1);
	assert_int_equal(row->directions[1].gaps, 1);
	assert_int_equal(a.gap_count, 2);
	assert_int_equal(a.gaps_more, 0);
	assert_int_equal(a.gaps[0].end_ns - a.gaps[0].begin_ns, 280 * MS);
	assert_int_equal(a.connection_rows.count, 1);
	row = &a.connection_rows.list[0];
	assert_string_equal(row->ends[0], "10.0.0.1");
	assert_int_equal(row->directions[0].packets, 5);
	assert_int_equal(row->directions[1].packets, 3);
	assert_int_equal(row->directions[0].timeout, 1);
	assert_int_equal(row->directions[0].gaps, 1);
	assert_int_equal(row->handshake.min_ns, 12 * MS);
	analysis_done(&a);
}

/* With one vantage point, packets not observed as sent count when they are delivered. */
static void test_one_end(void **state)
{
	struct fixture f;
	struct analysis a;

	(void)state;
	begin(&f);
	came(&f, 0, FROM_CLIENT(.seq = 100, .flags = PACKET_SYN));
	sent(&f, 1, FROM_SERVER(.seq = 500, .ack = 101, .flags = PACKET_SYN | PACKET_ACK));
	came(&f, 9, FROM_CLIENT(.seq = 101, .ack = 501));
	a = finish(&f, NULL, 0);
	assert_int_equal(a.packets, 3);
	assert_int_equal(a.connections, 1);
	assert_int_equal(a.pairs.list[0].directions[0].packets, 2);
	assert_int_equal(a.pairs.list[0].handshake.min_ns, 9 * MS);
	analysis_done(&a);
}

/* A router is neither end of the connection, so each packet counts once. */
static void test_router(void **state)
{
	struct fixture f;
	struct analysis a;

	(void)state;
	begin(&f);
	for (int i = 0; i < 10; i++) {
		uint32_t seq = 101 + (uint32_t)i * 10;
		struct packet p = FROM_CLIENT(.seq = seq, .ack = 501, .data = 10);

		see(&f, i * 10, CLIENT, PACKET_SENT, p);
		see(&f, i * 10 + 1, ROUTER, PACKET_DELIVERED, p);
		p.hops--;
		see(&f, i * 10 + 2, ROUTER, PACKET_SENT, p);
		see(&f, i * 10 + 3, SERVER, PACKET_DELIVERED, p);
	}
	a = finish(&f, NULL, 0);
	assert_int_equal(a.captured, 40);
	assert_int_equal(a.packets, 10);
	assert_int_equal(a.pairs.list[0].directions[0].timeout +
				 a.pairs.list[0].directions[0].spurious +
				 a.pairs.list[0].directions[0].fast +
				 a.pairs.list[0].directions[0].reordered,
			 0);
	assert_int_equal(a.connection_rows.count, 1);
	assert_int_equal(a.connection_rows.list[0].directions[0].packets, 10);
	analysis_done(&a);
}

/* A vantage point that alone saw one connection, and the end of another. */
static void test_seen_by_one(void **state)
{
	struct packet other = FROM_CLIENT(.seq = 900, .flags = PACKET_SYN);
	struct fixture f;
	struct analysis a;

	(void)state;
	begin(&f);
	conversation(&f);
	/* After a failover both ends are seen at the router only. */
	see(&f, 400, ROUTER, PACKET_UNSEEN, FROM_CLIENT(.seq = 301, .ack = 501, .data = 10));
	see(&f, 401, ROUTER, PACKET_UNSEEN, FROM_SERVER(.seq = 501, .ack = 311));
	other.source_port++;
	see(&f, 500, ROUTER, PACKET_UNSEEN, other);
	a = finish(&f, NULL, 0);
	assert_int_equal(a.captured, 18);
	assert_int_equal(a.packets, 11);
	assert_int_equal(a.connections, 2);
	assert_int_equal(a.connection_rows.count, 2);
	assert_int_equal(a.pairs.list[0].connections, 2);
	assert_int_equal(a.pairs.list[0].handshake.count, 1);
	assert_int_equal(a.connection_rows.list[0].directions[0].packets, 6);
	assert_int_equal(a.connection_rows.list[0].directions[1].packets, 4);
	assert_int_equal(a.connection_rows.list[1].directions[0].packets, 1);
	analysis_done(&a);
}

/*
 * A bond and its port both see each packet, with as many hops left; each sees a duplicate made by
 * the network twice.
 */
static void test_stacked_devices(void **state)
{
	struct fixture f;
	struct analysis a;

	(void)state;
	begin(&f);
	for (uint32_t i = 0; i < 10; i++) {
		struct packet in = FROM_CLIENT(.seq = 101 + i * 10, .ack = 501, .data = 10);
		struct packet out = FROM_SERVER(.seq = 501, .ack = 111 + i * 10);

		see(&f, i * 10, PACKET_VIEW_COOKED | 2, PACKET_SENT, in);
		see(&f, i * 10, PACKET_VIEW_COOKED | 4, PACKET_SENT, in);
		see(&f, i * 10 + 1, PACKET_VIEW_COOKED | 4, PACKET_DELIVERED, out);
		see(&f, i * 10 + 1.1, PACKET_VIEW_COOKED | 2, PACKET_DELIVERED, out);
	}
	a = finish(&f, NULL, 0);
	assert_int_equal(a.captured, 40);
	assert_int_equal(a.packets, 20);
	assert_int_equal(a.connections, 1);
	assert_int_equal(a.connection_rows.count, 1);
	assert_int_equal(a.connection_rows.list[0].directions[0].payload, 100);
	assert_int_equal(a.connection_rows.list[0].directions[0].resent, 0);
	assert_int_equal(a.pairs.list[0].directions[0].rtt.count, 10);
	analysis_done(&a);
}

/*
 * The same bytes again at one place are a copy only if captured at the device "any" without
 * interface numbers, within a moment.
 */
static void test_same_place(void **state)
{
	struct fixture f;
	struct analysis a;

	(void)state;
	for (int cooked = 0; cooked < 2; cooked++) {
		begin(&f);
		for (uint32_t i = 0; i < 10; i++) {
			struct packet p = FROM_CLIENT(.seq = 101 + i * 10, .ack = 501, .data = 10);

			p.cooked = cooked;
			see(&f, i * 10, cooked ? 0 : CLIENT, PACKET_SENT, p);
			see(&f, i * 10 + 0.01, cooked ? 0 : CLIENT, PACKET_SENT, p);
			see(&f, i * 10 + 5, cooked ? 0 : CLIENT, PACKET_SENT, p);
		}
		a = finish(&f, NULL, 0);
		assert_int_equal(a.packets, cooked ? 20 : 30);
		analysis_done(&a);
	}
}

/* A duplicate made by the network does not count as a packet sent; a retransmission does. */
static void test_duplicates(void **state)
{
	struct packet p = FROM_CLIENT(.seq = 101, .ack = 501, .data = 10);
	struct fixture f;
	struct analysis a;

	(void)state;
	begin(&f);
	both(&f, 0, p);
	came(&f, 6, p);
	sent(&f, 300, p); /* is lost */
	both(&f, 600, p);
	came(&f, 605.5, p);
	a = finish(&f, NULL, 0);
	assert_int_equal(a.captured, 7);
	assert_int_equal(a.packets, 3);
	assert_int_equal(a.pairs.list[0].directions[0].timeout, 2);
	analysis_done(&a);
}

/* An address that moves to another node, which sends the same bytes again and again. */
static void test_moved(void **state)
{
	static const uint8_t macs[2][12] = {{[11] = 1}, {[11] = 2}};
	struct packet p = FROM_CLIENT(.seq = 101, .ack = 501, .data = 10);
	struct fixture f;
	struct analysis a;

	(void)state;
	begin(&f);
	for (int i = 0; i < 20; i++) {
		p.mac = macs[i / 10];
		see(&f, i * 100, i < 10 ? CLIENT : ROUTER, PACKET_SENT, p);
		see(&f, i * 100 + 5, SERVER, PACKET_DELIVERED, p);
	}
	a = finish(&f, NULL, 0);
	assert_int_equal(a.packets, 20);
	assert_int_equal(a.connections, 1);
	assert_int_equal(a.connection_rows.count, 1);
	analysis_done(&a);
}

/* Ports that are used again, seen at both ends. */
static void test_ports_again(void **state)
{
	struct fixture f;
	struct analysis a;

	(void)state;
	begin(&f);
	for (uint32_t i = 0; i < 3; i++) {
		both(&f, i * 100, FROM_CLIENT(.seq = 100 + i, .flags = PACKET_SYN));
		both(&f, i * 100 + 20, FROM_CLIENT(.seq = 100 + i, .flags = PACKET_SYN));
		both(&f, i * 100 + 30,
		     FROM_SERVER(.ack = 101 + i, .flags = PACKET_RST | PACKET_ACK));
	}
	a = finish(&f, NULL, 0);
	assert_int_equal(a.packets, 9);
	assert_int_equal(a.connections, 3);
	assert_int_equal(a.connection_rows.count, 3);
	assert_int_equal(a.pairs.list[0].refused, 3);
	assert_int_equal(a.pairs.list[0].directions[0].timeout, 3);
	analysis_done(&a);
}

static void test_asked_for(void **state)
{
	static const char *const only[] = {"10.0.0.9"}, *const there[] = {"10.0.0.2"};
	struct fixture f;
	struct analysis a;

	(void)state;
	begin(&f);
	conversation(&f);
	a = finish(&f, only, 1);
	assert_int_equal(a.packets + a.pairs.count + a.classes.count + a.connection_rows.count +
				 a.gap_count,
			 0);
	analysis_done(&a);
	begin(&f);
	conversation(&f);
	a = finish(&f, there, 1);
	assert_int_equal(a.packets, 8);
	analysis_done(&a);
}

/* A link-local address is named after the node that sends from it; other addresses are not. */
static void test_link_local(void **state)
{
	static const uint8_t local[16] = {0xfe, 0x80, [15] = 1}, global[16] = {0xfd, 0, [15] = 1},
			     all[16] = {0xff, 2, [15] = 2};
	static char client[] = "n-1";
	char *const views[] = {client};
	struct analysis_names names = {.views = views, .view_count = 1};
	struct packet p = {.length = 70,
			   .ethertype = 0x86dd,
			   .version = 6,
			   .protocol = 58,
			   .source = local,
			   .destination = all,
			   .view = CLIENT,
			   .seen = PACKET_SENT,
			   .hops = 255};
	struct analysis_input input;
	struct analysis a = {0};
	struct netsim_err err = {0};
	struct fixture f;

	(void)state;
	begin(&f);
	assert_true(flow_add(f.flow, &p, 0));
	p.source = global;
	p.length = 60;
	assert_true(flow_add(f.flow, &p, 1));
	flow_finish(f.flow);
	input = (struct analysis_input) {.flow = f.flow, .classes = f.classes, .names = &names};
	assert_int_equal(analysis_rows(&input, &a, &err), 0);
	assert_int_equal(a.pairs.count, 2);
	assert_string_equal(a.pairs.list[0].ends[0], "n-1");
	assert_string_equal(a.pairs.list[0].ends[1], "ff02::2");
	assert_string_equal(a.pairs.list[1].ends[0], "fd00::1");
	flow_free(f.flow);
	classes_free(f.classes);
	analysis_done(&a);
}

/* --- sources of views */

static void put_le(struct bytes *b, uint32_t value, int size)
{
	for (int i = 0; i < size; i++)
		put8(b, value >> 8 * i & 0xff);
}

static void put_text(struct bytes *b, const char *text, uint32_t size)
{
	for (uint32_t i = 0; i < ((size + 3) & ~3U); i++)
		put8(b, i < strlen(text) ? (uint8_t)text[i] : 0);
}

static void put_interface(struct bytes *b, const char *name)
{
	uint32_t size = (uint32_t)strlen(name), padded = (size + 3) & ~3U;
	uint32_t length = 20 + 4 + padded + 4;

	put_le(b, 1, 4);
	put_le(b, length, 4);
	put_le(b, 1, 4);
	put_le(b, 0, 4);
	put_le(b, 2, 2);
	put_le(b, size, 2);
	put_text(b, name, size);
	put_le(b, 0, 4);
	put_le(b, length, 4);
}

static void put_packet(struct bytes *b, uint32_t interface, uint32_t flags)
{
	put_le(b, 6, 4);
	put_le(b, 32 + 4 + 12, 4);
	put_le(b, interface, 4);
	put_le(b, 0, 4);
	put_le(b, 0, 4);
	put_le(b, 2, 4);
	put_le(b, 2, 4);
	put_le(b, 0xffff, 4);
	put_le(b, 2, 2);
	put_le(b, 4, 2);
	put_le(b, flags, 4);
	put_le(b, 0, 4);
	put_le(b, 32 + 4 + 12, 4);
}

static void test_from_files(void **state)
{
	struct bytes b = {.count = 0};
	struct capture_names names = {0};
	struct capture_file *file;
	struct capture_packet p;
	struct netsim_err err = {0};

	(void)state;
	put_le(&b, 0x0a0d0d0a, 4);
	put_le(&b, 28, 4);
	put_le(&b, 0x1a2b3c4d, 4);
	put_le(&b, 1, 4);
	put_le(&b, 0xffffffff, 4);
	put_le(&b, 0xffffffff, 4);
	put_le(&b, 28, 4);
	put_interface(&b, "n-1/eth1");
	put_interface(&b, "n-2/eth1");
	put_interface(&b, "n-1/eth2");
	/* 10.0.0.1 is n-1; end of options */
	put_le(&b, 4, 4);
	put_le(&b, 12 + 4 + 8 + 4, 4);
	put_le(&b, 1, 2);
	put_le(&b, 8, 2);
	put32(&b, 0x0a000001);
	put_text(&b, "n-1", 4);
	put_le(&b, 0, 4);
	put_le(&b, 12 + 4 + 8 + 4, 4);
	put_packet(&b, 0, 1);
	put_packet(&b, 1, 2);
	put_packet(&b, 2, 0);
	assert_int_equal(capture_open_memory("t", b.at, b.count, &file, &err), 0);
	capture_use_names(file, &names);
	assert_true(capture_next(file, &p));
	assert_int_equal(p.view, 1);
	assert_int_equal(p.seen, PACKET_SENT);
	assert_true(capture_next(file, &p));
	assert_int_equal(p.view, 2);
	assert_int_equal(p.seen, PACKET_DELIVERED);
	assert_true(capture_next(file, &p));
	assert_int_equal(p.view, 1);
	assert_int_equal(p.seen, PACKET_UNSEEN);
	assert_false(capture_next(file, &p));
	assert_string_equal(capture_problem(file)->what, "");
	assert_int_equal(names.view_count, 2);
	assert_string_equal(names.views[1], "n-2");
	assert_int_equal(names.count, 1);
	assert_string_equal(names.list[0].name, "n-1");
	capture_close(file);
	capture_names_done(&names);
}

static void test_cooked(void **state)
{
	struct bytes b = {.count = 0};
	struct packet p;

	(void)state;
	put16(&b, 0x0800); /* SLL2: protocol, reserved, interface, type */
	put16(&b, 0);
	put32(&b, 7);
	put16(&b, 1);
	put8(&b, 4);
	put_zeros(&b, 30);
	packet_decode(PACKET_COOKED2, b.at, b.count, b.count, &p);
	assert_int_equal(p.view, PACKET_VIEW_COOKED + 7);
	assert_int_equal(p.seen, PACKET_DELIVERED);
	packet_decode(PACKET_COOKED2, b.at, 15, b.count, &p);
	assert_int_equal(p.view, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends),	cmocka_unit_test(test_link_local),
		cmocka_unit_test(test_one_end),		cmocka_unit_test(test_router),
		cmocka_unit_test(test_asked_for),	cmocka_unit_test(test_from_files),
		cmocka_unit_test(test_cooked),		cmocka_unit_test(test_seen_by_one),
		cmocka_unit_test(test_stacked_devices), cmocka_unit_test(test_same_place),
		cmocka_unit_test(test_duplicates),	cmocka_unit_test(test_moved),
		cmocka_unit_test(test_ports_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
