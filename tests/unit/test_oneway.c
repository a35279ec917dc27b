// SPDX-License-Identifier: GPL-2.0-or-later
/* Frames sent at one node and delivered at others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "netsim/flow/oneway.h"
#include "tests/unit/frames.h"

#define MS  1000000LL
#define ALL 255 /* the broadcast address */

static struct oneway *begin(uint32_t waiting)
{
	struct oneway *o;
	struct netsim_err err = {0};

	assert_int_equal(oneway_new(NULL, waiting, &o, &err), 0);
	return o;
}

struct frame {
	int from, to; /* nodes: MAC, and the last byte of the IP address */
	uint32_t id;
	int gateway; /* node whose MAC is the destination instead; 0: none */
	int vlan, hops, late_checksum;
	uint32_t captured; /* 0: all */
};

static void put_mac(struct bytes *b, int node)
{
	put32(b, node == ALL ? 0xffffffff : 0x02000000);
	put16(b, node == ALL ? 0xffff : (unsigned)node);
}

/* A UDP datagram whose payload is its id. */
static void see(struct oneway *o, double ms, int view, enum packet_seen seen, struct frame f)
{
	struct bytes b = {.count = 0};
	struct packet p;

	put_mac(&b, f.gateway ? f.gateway : f.to);
	put_mac(&b, f.from);
	if (f.vlan) {
		put16(&b, 0x8100);
		put16(&b, (unsigned)f.vlan);
	}
	put16(&b, 0x0800);
	put16(&b, 0x4500);
	put16(&b, 20 + 8 + 100);
	put32(&b, 0);
	put8(&b, f.hops ? (unsigned)f.hops : 64);
	put8(&b, 17);
	put16(&b, f.hops ? 0x1234 : 0);
	put32(&b, 0x0a000000 + (uint32_t)f.from);
	put32(&b, 0x0a000000 + (uint32_t)f.to);
	put32(&b, 0x03e803e9);
	put16(&b, 108);
	put16(&b, f.late_checksum ? 0xbeef : 0);
	put32(&b, f.id);
	put_zeros(&b, 96);
	packet_decode(PACKET_ETHERNET, b.at,
		      f.captured && f.captured < b.count ? f.captured : b.count, b.count, &p);
	p.view = (uint16_t)view;
	p.seen = (uint8_t)seen;
	assert_true(oneway_add(o, &p, (int64_t)(ms * (double)MS)));
}

static void sent(struct oneway *o, double ms, struct frame f)
{
	see(o, ms, f.from, PACKET_SENT, f);
}

static void came(struct oneway *o, double ms, int view, struct frame f)
{
	see(o, ms, view, PACKET_DELIVERED, f);
}

static const struct oneway_row *row(struct oneway *o, int from, int to)
{
	const struct oneway_row *rows;

	for (size_t i = oneway_rows(o, &rows); i-- > 0;)
		if (rows[i].from == from && rows[i].to == to)
			return &rows[i];
	return NULL;
}

/* Nodes 1 to 3 send once, so that their addresses are learned. */
static void meet(struct oneway *o)
{
	for (int i = 1; i <= 3; i++) {
		struct frame f = {.from = i, .to = i % 3 + 1, .id = 900 + (uint32_t)i};

		sent(o, i, f);
		came(o, i + 0.5, f.to, f);
	}
}

static void test_delays_and_losses(void **state)
{
	struct oneway *o = begin(0);
	const struct oneway_row *r;

	(void)state;
	meet(o);
	for (uint32_t i = 0; i < 100; i++) {
		struct frame f = {.from = 1, .to = 2, .id = i};

		sent(o, 100 + i, f);
		if (i % 10 != 3)
			came(o, 100 + i + 0.5 + (i % 2) * 0.2, 2, f);
	}
	oneway_finish(o, 1000 * MS);
	r = row(o, 1, 2);
	assert_int_equal(r->delivered, 91);
	assert_int_equal(r->lost, 10);
	assert_int_equal(r->in_flight + r->duplicated + r->reordered, 0);
	assert_int_equal(r->delay.min, 500000);
	assert_int_equal(r->delay.max, 700000);
	assert_true(r->deviation > 99000 && r->deviation < 101000);
	oneway_free(o);
}

/* Matching ignores tags, TTL and checksums, which may change in transit, and truncation. */
static void test_changed_on_the_way(void **state)
{
	struct oneway *o = begin(0);
	struct oneway_totals totals;
	struct frame f = {.from = 1, .to = 2, .id = 7, .captured = 128};

	(void)state;
	meet(o);
	sent(o, 100, f);
	f.vlan = 7;
	f.hops = 63;
	f.late_checksum = 1;
	came(o, 120, 2, f);
	oneway_finish(o, 200 * MS);
	oneway_totals(o, &totals);
	assert_int_equal(row(o, 1, 2)->delivered, 2);
	assert_int_equal(row(o, 1, 2)->delay.max, 20 * MS);
	assert_int_equal(totals.unmatched, 0);
	oneway_free(o);
}

static void test_twice_and_late(void **state)
{
	struct oneway *o = begin(0);
	struct frame a = {.from = 1, .to = 2, .id = 1}, b = {.from = 1, .to = 2, .id = 2};

	(void)state;
	meet(o);
	sent(o, 100, a);
	sent(o, 101, b);
	came(o, 102, 2, b);
	came(o, 103, 2, a);
	came(o, 104, 2, b);
	oneway_finish(o, 200 * MS);
	assert_int_equal(row(o, 1, 2)->delivered, 3);
	assert_int_equal(row(o, 1, 2)->reordered, 1);
	assert_int_equal(row(o, 1, 2)->duplicated, 1);
	assert_int_equal(row(o, 1, 2)->lost, 0);
	oneway_free(o);
}

/* Identical frames are matched in order, but not with one that was lost long ago. */
static void test_same_bytes(void **state)
{
	struct oneway *o = begin(0);
	struct frame f = {.from = 1, .to = 2, .id = 1};

	(void)state;
	meet(o);
	for (int i = 0; i < 5; i++)
		sent(o, 100 + i * 0.1, f);
	for (int i = 0; i < 5; i++)
		came(o, 101 + i * 0.1, 2, f);
	assert_int_equal(row(o, 1, 2)->delay.max, 1 * MS);
	sent(o, 1000, f); /* lost */
	sent(o, 2000, f);
	came(o, 2001, 2, f);
	oneway_finish(o, 3000 * MS);
	assert_int_equal(row(o, 1, 2)->delivered, 7);
	assert_int_equal(row(o, 1, 2)->duplicated, 0);
	assert_int_equal(row(o, 1, 2)->lost, 1);
	assert_int_equal(row(o, 1, 2)->delay.max, 1 * MS);
	oneway_free(o);
}

static void test_to_all(void **state)
{
	struct oneway *o = begin(0);
	struct frame f = {.from = 1, .to = ALL};

	(void)state;
	for (f.id = 0; f.id < 10; f.id++) {
		sent(o, 10 * f.id, f);
		came(o, 10 * f.id + 1, 2, f);
		if (f.id % 5)
			came(o, 10 * f.id + 2, 3, f);
		else if (f.id)
			came(o, 10 * f.id + 2, 2, f);
	}
	oneway_finish(o, 1000 * MS);
	assert_int_equal(row(o, 1, 2)->delivered, 10);
	assert_int_equal(row(o, 1, 2)->duplicated, 1);
	assert_int_equal(row(o, 1, 2)->lost, 0);
	assert_int_equal(row(o, 1, 3)->delivered, 8);
	assert_int_equal(row(o, 1, 3)->lost, 2);
	assert_null(row(o, 1, 1));
	oneway_free(o);
}

/* Deliveries to the host are not observed; flooded copies at other nodes do not count. */
static void test_unobserved(void **state)
{
	struct oneway *o = begin(0);
	struct oneway_totals totals;
	struct frame host = {.from = 1, .to = 9}, f = {.from = 1, .to = 2, .id = 5};

	(void)state;
	meet(o);
	sent(o, 100, host);
	sent(o, 101, f);
	came(o, 102, 3, f);
	came(o, 103, 2, f);
	came(o, 104, 2, (struct frame) {.from = 9, .to = 2});
	oneway_finish(o, 1000 * MS);
	oneway_totals(o, &totals);
	assert_int_equal(totals.sent, 5);
	assert_int_equal(totals.unobserved, 1);
	assert_int_equal(totals.unmatched, 1);
	assert_null(row(o, 1, 3));
	assert_int_equal(row(o, 1, 2)->delivered, 2);
	assert_int_equal(row(o, 1, 2)->duplicated, 0);
	oneway_free(o);
}

/* Frames sent just before the end are in flight, not lost. */
static void test_in_flight(void **state)
{
	struct oneway *o = begin(0);
	struct frame f = {.from = 1, .to = 2};

	(void)state;
	meet(o);
	sent(o, 100, f);
	came(o, 150, 2, f);
	for (f.id = 1; f.id <= 10; f.id++)
		sent(o, 190 + f.id * 10, f);
	oneway_finish(o, 290 * MS);
	assert_int_equal(row(o, 1, 2)->in_flight, 5);
	assert_int_equal(row(o, 1, 2)->lost, 5);
	oneway_free(o);
}

/* Seeded addresses identify nodes that never send. */
static void test_silent(void **state)
{
	static const struct mac mac = {{2, 0, 0, 0, 0, 2}}, other = {{2, 0, 0, 0, 0, 4}};
	static const struct ip ip = {.family = AF_INET, .plen = 32, .b = {10, 0, 0, 3}};
	struct oneway *o = begin(0);

	(void)state;
	oneway_seed_mac(o, &mac, 2);
	oneway_seed_mac(o, &mac, 5);
	oneway_seed_ip(o, &ip, 3);
	oneway_seed_mac(o, &other, 6);
	sent(o, 1, (struct frame) {.from = 4, .to = 2});
	for (uint32_t id = 0; id < 10; id++) {
		sent(o, 10 + id, (struct frame) {.from = 1, .to = 2, .id = id});
		sent(o, 10 + id, (struct frame) {.from = 1, .to = 3, .id = id});
		sent(o, 10 + id, (struct frame) {.from = 1, .to = 4, .id = id});
	}
	oneway_finish(o, 1000 * MS);
	assert_int_equal(row(o, 1, 2)->lost, 10);
	assert_int_equal(row(o, 1, 3)->lost, 10);
	/* A seed does not count once another node sends from the address. */
	assert_int_equal(row(o, 1, 4)->lost, 10);
	assert_null(row(o, 1, 5));
	assert_null(row(o, 1, 6));
	oneway_free(o);
}

/* Frames to a router are delivered there, although their IP address is another node's. */
static void test_seed_behind_router(void **state)
{
	static const struct ip ip = {.family = AF_INET, .plen = 32, .b = {10, 0, 0, 3}};
	struct oneway *o = begin(0);
	struct frame f = {.from = 1, .to = 3, .gateway = 2};
	struct oneway_totals totals;

	(void)state;
	oneway_seed_ip(o, &ip, 3);
	for (f.id = 0; f.id < 10; f.id++) {
		sent(o, 10 * f.id, f);
		came(o, 10 * f.id + 1, 2, f);
	}
	oneway_finish(o, 1000 * MS);
	oneway_totals(o, &totals);
	assert_int_equal(row(o, 1, 2)->delivered, 10);
	assert_int_equal(row(o, 1, 2)->lost, 0);
	assert_null(row(o, 1, 3));
	assert_int_equal(totals.unmatched, 0);
	oneway_free(o);
}

/* With many vantage points, fewer multicasts are kept: their sets of receivers are large. */
static void test_many_reached(void **state)
{
	const uint32_t count = 80000;
	struct oneway *o = begin(0);
	struct oneway_totals totals;
	struct frame f = {.from = 1, .to = ALL};

	(void)state;
	for (f.id = 0; f.id < count; f.id++) {
		sent(o, f.id, f);
		came(o, f.id, 8000, f);
	}
	f.id = count - 1;
	came(o, count, 8000, f);
	f.id = 0;
	came(o, count, 8000, f);
	oneway_finish(o, count * MS);
	oneway_totals(o, &totals);
	assert_int_equal(totals.unmatched, 1);
	assert_int_equal(row(o, 1, 8000)->duplicated, 1);
	assert_int_equal(row(o, 1, 8000)->delivered, count);
	oneway_free(o);
}

/* Sums saturate: a capture may contain any times. */
static void test_absurd_times(void **state)
{
	struct oneway *o = begin(0);
	struct frame f = {.from = 1, .to = 2};
	const struct oneway_row *r;

	(void)state;
	for (f.id = 0; f.id < 8; f.id++)
		sent(o, 0, f);
	for (f.id = 0; f.id < 8; f.id++)
		came(o, 4.6e12, 2, f);
	oneway_finish(o, INT64_MAX);
	r = row(o, 1, 2);
	assert_int_equal(r->delivered, 8);
	assert_true(r->bins[0].delay_sum == UINT64_MAX);
	oneway_free(o);
}

static void test_little_memory(void **state)
{
	struct oneway *o = begin(16);
	struct oneway_totals totals;
	struct frame f = {.from = 1, .to = 2};

	(void)state;
	meet(o);
	for (f.id = 0; f.id < 1000; f.id++) {
		sent(o, 100 + f.id, f);
		if (f.id % 4)
			came(o, 100 + f.id + 0.5, 2, f);
	}
	oneway_finish(o, 2000 * MS);
	oneway_totals(o, &totals);
	assert_int_equal(totals.sent, 1003);
	assert_int_equal(row(o, 1, 2)->delivered, 751);
	assert_int_equal(row(o, 1, 2)->lost, 250);
	oneway_free(o);
}

/* A lower TTL at the receiver, as behind a router. */
static void test_hops(void **state)
{
	struct oneway *o = begin(0);
	struct frame f = {.from = 1, .to = 2, .id = 5, .hops = 64};
	struct frame next = {.from = 1, .to = 3, .id = 6, .hops = 64};

	(void)state;
	meet(o);
	sent(o, 100, f);
	came(o, 101, 2, f);
	sent(o, 102, next);
	next.hops = 63;
	came(o, 104, 3, next);
	oneway_finish(o, 1000 * MS);
	assert_int_equal(row(o, 1, 2)->delivered, 2);
	assert_int_equal(row(o, 1, 3)->delivered, 1);
	assert_int_equal(row(o, 1, 3)->delay.max, 2 * MS);
	oneway_free(o);
}

/* Random bytes and times: no crash. */
static void test_any_bytes(void **state)
{
	struct oneway *o = begin(1024);
	uint32_t seed = 12345;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint8_t data[80];
		struct packet p;
		uint32_t size;

		for (size_t n = 0; n < sizeof(data); n++) {
			seed = seed * 1664525 + 1013904223;
			data[n] = (uint8_t)(seed >> 24);
		}
		size = data[79] % sizeof(data);
		if (data[78] & 1) {
			data[12] = 8;
			data[13] = 0;
			data[14] = 0x45;
		}
		packet_decode(PACKET_ETHERNET, data, size, size + data[77], &p);
		p.view = data[76] % 5;
		p.seen = data[75] % 3;
		assert_true(oneway_add(o, &p, (int64_t)(seed % 1000) * i));
	}
	oneway_finish(o, INT64_MAX);
	oneway_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delays_and_losses),
		cmocka_unit_test(test_changed_on_the_way),
		cmocka_unit_test(test_twice_and_late),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_to_all),
		cmocka_unit_test(test_unobserved),
		cmocka_unit_test(test_in_flight),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_seed_behind_router),
		cmocka_unit_test(test_many_reached),
		cmocka_unit_test(test_absurd_times),
		cmocka_unit_test(test_little_memory),
		cmocka_unit_test(test_hops),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
