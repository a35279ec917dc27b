// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Departure times set by the programs at the ports: delays, jitter, rates, queues,
 * slots, and changes of the policy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/if_ether.h>
#include <math.h>
#include <netinet/in.h>
#include <pthread.h>

#include "tests/unit/edt_port.h"

/* The delays of all hops add up, separately for each direction. */
static void test_delay(void **state)
{
	struct shot shot;

	NEEDS_BPF(state);
	PUT(up(LINK_5, DELAY(10 * MS)), path(5, 6, 0, DELAY(20 * MS)), down(LINK_6, DELAY(40 * MS)),
	    down(LINK_5, DELAY(80 * MS)));
	shot = shoot(five, six);
	expect_delay(&shot, 70 * MS);
	ports_empty(POLICY_STATES); /* also forgets the pair's latest departure */
	shot = shoot(five_too, six);
	expect_delay(&shot, 60 * MS);
	shot = shoot(seven, six);
	expect_delay(&shot, 40 * MS);
	shot = shoot(STRANGER, six);
	expect_delay(&shot, 40 * MS);
	shot = shoot(six, five);
	expect_delay(&shot, 80 * MS);
	shot = shoot(five, seven);
	expect_delay(&shot, 10 * MS);
	shot = shoot(six, five_too);
	assert_true(shot.tstamp == 0);
	assert_int_equal(ports_traffic(5, 6, -1).packets, 2);
	assert_int_equal(ports_traffic(5, 6, -1).bytes, 2 * LENGTH);
}

/* Without an fq that holds frames, no departure is set. */
static void test_not_held(void **state)
{
	const struct policy_entry entry = up(LINK_5, DELAY(10 * MS));
	struct shot shot;

	NEEDS_BPF(state);
	forget();
	put_setting(&(struct setting) {&entry, .base_count = 1, .not_held = true});
	shot = shoot(five, six);
	assert_true(shot.tstamp == 0);
	put_setting(&(struct setting) {&entry, .base_count = 1});
	shot = shoot(five, six);
	expect_delay(&shot, 10 * MS);
	put_setting(&(struct setting) {0});
	shot = shoot(seven, six);
	assert_true(shot.tstamp == 0);
}

/* A sender's own pacing is kept if it departs later. */
static void test_pacing(void **state)
{
	struct shot shot;
	uint64_t asked;

	NEEDS_BPF(state);
	PUT(up(LINK_5, DELAY(10 * MS)));
	shot = aim(five, six, TYPE_OTHER);
	shot.tstamp = asked = policy_now() + 3600 * SECOND;
	assert_int_equal(ports_run(policy->prog[POLICY_PORT], &shot), PASS);
	assert_true(shot.tstamp == asked);
	shot = aim(five, six, TYPE_OTHER);
	shot.tstamp = policy_now();
	assert_int_equal(ports_run(policy->prog[POLICY_PORT], &shot), PASS);
	expect_delay(&shot, 10 * MS);
}

/* If delays exceed 1 s in all, ARP and neighbour discovery skip them, or would time out. */
static void test_resolving(void **state)
{
	struct shot shot;
	uint32_t verdict;

	NEEDS_BPF(state);
	for (uint64_t seconds = 1; seconds < 3; seconds++) {
		uint64_t delay = seconds * SECOND, patient = seconds > 1 ? 0 : delay;

		PUT(up(LINK_5, DELAY(SECOND)), down(LINK_6, DELAY(delay - SECOND)));
		shot = shoot_type(five, six, ETH_P_ARP, &verdict);
		expect_delay(&shot, patient);
		shot = shoot(five, six);
		expect_delay(&shot, delay);
		forget();
		for (uint8_t type = 132; type < 139; type++) {
			shot = aim(five, six, ETH_P_IPV6);
			shot_frame[ETH_HLEN] = 0x60;
			shot_frame[ETH_HLEN + 6] = IPPROTO_ICMPV6;
			shot_frame[ETH_HLEN + 40] = type;
			forget();
			ports_run(policy->prog[POLICY_PORT], &shot);
			expect_delay(&shot, type < 133 || type > 137 ? delay : patient);
		}
	}
}

/* Routed by the host: the mark gives the source, and whether the uplink has been applied. */
static void test_through_the_host(void **state)
{
	struct shot shot;

	NEEDS_BPF(state);
	PUT(up(LINK_5, DELAY(10 * MS)), path(5, POLICY_HOST, 0, DELAY(20 * MS)),
	    path(5, 6, 0, DELAY(40 * MS)), down(LINK_6, DELAY(80 * MS)));
	shot = aim(STRANGER, six, TYPE_OTHER);
	shot.mark = PORT_MARK | LINK_5;
	assert_int_equal(ports_run(policy->prog[POLICY_PORT], &shot), PASS);
	expect_delay(&shot, 130 * MS);
	assert_int_equal(shot.mark, 0);
	forget();
	shot = aim(STRANGER, six, TYPE_OTHER);
	shot.mark = PORT_MARK_SENT | LINK_5;
	assert_int_equal(ports_run(policy->prog[POLICY_PORT], &shot), PASS);
	expect_delay(&shot, 120 * MS);
	assert_int_equal(shot.mark, 0);
	/* to the host: judged by ns_hold only */
	shot = aim(0, seven, TYPE_OTHER);
	shot.mark = PORT_MARK | LINK_5;
	assert_int_equal(ports_run(policy->prog[POLICY_HOST_IN], &shot), PASS);
	assert_true(shot.tstamp == 0);
	assert_int_equal(shot.mark, PORT_MARK_HOST | LINK_5);
	shot.tstamp = 0;
	assert_int_equal(ports_run(policy->prog[POLICY_HOLD], &shot), PASS);
	expect_delay(&shot, 30 * MS);
	assert_int_equal(shot.mark, PORT_MARK_SENT | LINK_5);
	shot = aim(0, seven, TYPE_OTHER);
	assert_int_equal(ports_run(policy->prog[POLICY_HOLD], &shot), PASS);
	assert_true(shot.tstamp == 0 && shot.mark == 0);
	/* on a routed network, netem also delays forwarded packets in this IFB: judged at a port */
	shot = aim(0, seven, TYPE_OTHER);
	shot.mark = PORT_MARK | LINK_5;
	assert_int_equal(ports_run(policy->prog[POLICY_HOLD], &shot), PASS);
	assert_true(shot.tstamp == 0 && shot.mark == (PORT_MARK | LINK_5));
}

/* A duplicate keeps the departure in skb->cb and meets no further conditions. */
static void test_decided(void **state)
{
	struct shot shot;
	uint64_t departs = policy_now() + SECOND;

	NEEDS_BPF(state);
	PUT(up(LINK_5, C(PORT_HAS_LOSS | PORT_HAS_DELAY, .loss = {CERTAIN}, .delay = MS)));
	shot = aim(five, six, TYPE_OTHER);
	shot.mark = PORT_MARK_COPY;
	shot.cb[0] = (uint32_t)departs;
	shot.cb[1] = (uint32_t)(departs >> 32);
	assert_int_equal(ports_run(policy->prog[POLICY_PORT], &shot), PASS);
	assert_true(shot.tstamp == departs);
	assert_int_equal(shot.mark, 0);
	assert_int_equal(ports_traffic(5, 6, -1).packets, 0);
}

/*
 * Statistics of delays in ms. The time of the decision is only known within bounds,
 * so the smallest delay is between min[0] and min[1].
 */
struct spread {
	double min[2], max[2], mean, deviation, descents;
};

static void widen(struct spread *s, double low, double high)
{
	s->min[0] = low < s->min[0] ? low : s->min[0];
	s->min[1] = high < s->min[1] ? high : s->min[1];
	s->max[0] = low > s->max[0] ? low : s->max[0];
	s->max[1] = high > s->max[1] ? high : s->max[1];
}

/* Sends frames in sequence; measures their delays and counts frames that overtake. */
static struct spread measure(size_t count)
{
	double sum = 0, squares = 0;
	struct spread s = {.min = {1e9, 1e9}, .max = {-1e9, -1e9}};
	uint64_t last = 0;

	for (size_t i = 0; i < count; i++) {
		struct shot shot = shoot(five, six);
		uint64_t departs = shot.tstamp ? shot.tstamp : shot.before;
		double delay = ((double)departs - (double)shot.before) / 1e6;

		widen(&s, ((double)departs - (double)shot.after) / 1e6, delay);
		s.descents += departs < last;
		sum += delay;
		squares += delay * delay;
		last = departs;
	}
	s.mean = sum / (double)count;
	s.deviation = sqrt(squares / (double)count - s.mean * s.mean);
	return s;
}

#define NEAR(value, want, by) assert_true(fabs((double)(value) - (want)) < (by))

static void test_jitter(void **state)
{
	struct port_conditions c = C(PORT_HAS_DELAY | PORT_HAS_JITTER, .delay = 500 * MS,
				     .jitter = 100 * MS, .seed = 7);
	struct spread s;

	NEEDS_BPF(state);
	PUT(up(LINK_5, c));
	s = measure(3000);
	assert_true(s.descents == 0);
	assert_true(s.min[1] >= 400);
	c.order = PORT_ORDER_FREE;
	PUT(up(LINK_5, c));
	s = measure(5000);
	assert_true(s.descents > 1000);
	assert_true(s.min[1] >= 400 && s.min[0] < 405);
	assert_true(s.max[1] > 595 && s.max[0] <= 600);
	NEAR(s.mean, 500, 5);
	NEAR(s.deviation, 100 / sqrt(3), 3);
	c.table = 1; /* normal */
	PUT(up(LINK_5, c));
	s = measure(5000);
	assert_true(s.min[1] >= 100 && s.min[0] < 300);
	assert_true(s.max[1] > 700 && s.max[0] <= 900);
	NEAR(s.mean, 500, 8);
	NEAR(s.deviation, 100, 6);
	/* never before its arrival */
	c.delay = 10 * MS;
	PUT(up(LINK_5, c));
	s = measure(1000);
	assert_true(s.min[1] >= 0);
}

/* A part of the packets skips the delay; the others stay in order. */
static void test_reorder(void **state)
{
	int skipped = 0;
	uint64_t last = 0;

	NEEDS_BPF(state);
	PUT(up(LINK_5, C(PORT_HAS_DELAY | PORT_HAS_REORDER, .delay = 500 * MS,
			 .order = PORT_ORDER_RATIO, .reorder = CERTAIN / 4)));
	for (int i = 0; i < 20000; i++) {
		struct shot shot = shoot(five, six);

		if (!shot.tstamp) {
			skipped++;
			continue;
		}
		expect_delay(&shot, 500 * MS);
		assert_true(shot.tstamp >= last);
		last = shot.tstamp;
	}
	NEAR(skipped, 5000, 5 * sqrt(20000 * 0.25 * 0.75));
}

/* A rate in bytes/s, with a queue that is never full. */
static struct port_conditions rate_delay(uint64_t rate, uint64_t delay)
{
	return C(PORT_HAS_RATE | PORT_HAS_DELAY, .rate = rate, .delay = delay,
		 .queue = 100 * SECOND);
}

#define RATE(rate) rate_delay((rate), 0)

/* 1000 bytes at 10000 bytes/s take 100 ms. */
static void test_rate(void **state)
{
	struct shot shot;
	uint64_t first;

	NEEDS_BPF(state);
	PUT(up(LINK_5, RATE(10000)));
	shot = shoot(five, six);
	expect_delay(&shot, 100 * MS);
	first = shot.tstamp;
	for (uint64_t i = 1; i < 200; i++) {
		/* the uplink's clock is shared by all destinations */
		shot = shoot(five, i % 2 ? six : seven);
		assert_true(shot.tstamp == first + i * 100 * MS);
	}
	/* the length on the wire counts, as for GSO frames */
	shot = aim(five, six, TYPE_OTHER);
	shot.wire_len = 5 * LENGTH;
	assert_int_equal(ports_run(policy->prog[POLICY_PORT], &shot), PASS);
	assert_true(shot.tstamp == first + 204 * 100 * MS);
	/* another link of the same node has a separate clock */
	shot = shoot(five_too, seven);
	assert_true(shot.tstamp == 0);
}

/* 1000 bytes and 200 more take 120 ms; in cells, 1060 and 1378 bytes of ATM. */
static void test_overhead(void **state)
{
	struct port_conditions c = RATE(10000);
	struct shot shot;
	uint64_t last;

	NEEDS_BPF(state);
	c.has |= PORT_HAS_OVERHEAD;
	c.overhead = 200;
	PUT(up(LINK_5, c));
	shot = shoot(five, six);
	expect_delay(&shot, 120 * MS);
	/* five segments, each with its overhead */
	last = shot.tstamp;
	shot = aim(five, six, TYPE_OTHER);
	shot.gso_segs = 5;
	shot.wire_len = 4700;
	assert_int_equal(ports_run(policy->prog[POLICY_PORT], &shot), PASS);
	assert_true(shot.tstamp == last + 570 * MS);
	c.overhead = 0;
	c.atm = 1;
	PUT(up(LINK_5, c));
	shot = shoot(five, six);
	expect_delay(&shot, 21 * 53 * MS / 10);
	c.overhead = 200;
	PUT(up(LINK_5, c));
	shot = shoot(five, six);
	expect_delay(&shot, 25 * 53 * MS / 10);
}

/* A full queue drops frames; frames queued before depart in time. */
static void test_queue(void **state)
{
	uint64_t begin, end, passed = 0, last = 0;
	struct port_conditions slow = RATE(1000000);

	NEEDS_BPF(state);
	slow.queue = 300 * MS;
	PUT(up(LINK_5, slow));
	begin = policy_now();
	for (int i = 0; i < 600; i++) {
		uint32_t verdict;
		struct shot shot = shoot_type(five, six, TYPE_OTHER, &verdict);

		if (verdict == DROP)
			continue;
		passed++;
		assert_true(shot.tstamp <= shot.after + 301 * MS);
		last = shot.tstamp;
	}
	end = policy_now();
	assert_true(passed >= 301 && passed <= 302 + (end - begin) / MS);
	assert_true(last >= begin + 301 * MS);
	assert_int_equal(ports_traffic(5, 6, -1).dropped[PORT_DROP_QUEUE], 600 - passed);
}

/* An idle link sends a burst at once, then continues at its rate. */
static void test_burst(void **state)
{
	struct port_conditions bursts = RATE(10000);
	uint64_t begin = 0;

	NEEDS_BPF(state);
	bursts.burst = 2 * SECOND;
	PUT(up(LINK_5, bursts));
	for (uint64_t i = 1; i <= 30; i++) {
		struct shot shot = shoot(five, six);

		begin = i == 1 ? shot.before : begin;
		if (i <= 20)
			assert_true(shot.tstamp == 0);
		else
			assert_true(shot.tstamp >= begin + (i - 20) * 100 * MS &&
				    shot.tstamp <= shot.after + (i - 20) * 100 * MS);
	}
}

/*
 * A burst of 20 leaves at its peak, 20 ms apart, while the rate allows it: when it has paid for 25
 * packets in half a second, the others are 100 ms apart.
 */
static void test_peak(void **state)
{
	struct port_conditions c = RATE(10000);
	uint64_t begin = 0, end, last = 0;

	NEEDS_BPF(state);
	c.has |= PORT_HAS_BURST | PORT_HAS_PEAK;
	c.burst = 2 * SECOND;
	c.peak = 50000;
	c.peak_queue = 100 * SECOND;
	PUT(up(LINK_5, c));
	for (uint64_t i = 1; i <= 40; i++) {
		struct shot shot = shoot(five, six);
		uint64_t late = i <= 25 ? 20 * i : 100 * (i - 20);

		begin = i == 1 ? shot.before : begin;
		assert_true(shot.tstamp >= begin + late * MS);
		assert_true(shot.tstamp <= shot.after + late * MS);
		assert_true(i == 1 || shot.tstamp >= last + 20 * MS);
		last = shot.tstamp;
	}
	/* The bytes that may wait are the same at either rate. */
	c.queue = SECOND;
	c.peak_queue = 200 * MS;
	c.delay = 1;
	PUT(up(LINK_5, c));
	begin = policy_now();
	for (int i = 0; i < 30; i++) {
		uint32_t verdict;
		struct shot shot = shoot_type(five, six, TYPE_OTHER, &verdict);

		if (verdict == PASS)
			assert_true(shot.tstamp <= shot.after + 221 * MS);
	}
	end = policy_now();
	assert_in_range(ports_traffic(5, 6, -1).dropped[PORT_DROP_QUEUE],
			18 - (end - begin) / (20 * MS), 19);
}

/* Each hop is booked from now, so that a slow sender does not hold up others. */
static void test_clocks(void **state)
{
	struct shot shot;

	NEEDS_BPF(state);
	PUT(up(LINK_5, RATE(1000)), down(LINK_6, RATE(1000000)), down(LINK_7, RATE(100000)));
	for (uint64_t i = 1; i <= 20; i++) {
		shot = shoot(five, six);
		assert_true(shot.tstamp + SECOND > shot.before + i * SECOND);
	}
	shot = shoot(seven, six);
	assert_true(shot.tstamp > shot.before && shot.tstamp <= shot.after + 21 * MS);
	/* the slower link determines the departure, both delays are added */
	PUT(up(LINK_5, rate_delay(1000000, 5 * MS)), down(LINK_7, rate_delay(100000, 7 * MS)));
	shot = shoot(five, seven);
	expect_delay(&shot, 22 * MS);
	PUT(up(LINK_5, RATE(100000)), path(5, 7, 0, RATE(200000)), down(LINK_7, RATE(1000000)));
	shot = shoot(five, seven);
	expect_delay(&shot, 10 * MS);
}

/* A path has a clock for each pair, and for each class that has conditions. */
static void test_path_clocks(void **state)
{
	struct shot shot;
	uint32_t verdict;

	NEEDS_BPF(state);
	PUT(path(5, 6, 0, RATE(1000000)), path(PORT_ANY, PORT_ANY, 1, RATE(10000)));
	shot = shoot(five, six);
	expect_delay(&shot, MS);
	shot = shoot(six, five);
	assert_true(shot.tstamp == 0);
	forget();
	for (uint64_t i = 1; i <= 3; i++) {
		uint64_t was = shot.tstamp;

		shot = shoot_type(six, five, TYPE_ONE, &verdict);
		assert_true(i == 1 || shot.tstamp == was + 100 * MS);
	}
	shot = shoot_type(seven, five, TYPE_ONE, &verdict);
	expect_delay(&shot, 100 * MS);
}

/* A flooded frame takes time of its uplink once, at the ports of the bundle charge_at. */
static void test_flooded(void **state)
{
	uint64_t first;
	struct shot shot;

	NEEDS_BPF(state);
	policy->links[LINK_5].charge_at = LINK_6;
	policy->links[LINK_6].bundle = LINK_6;
	PUT(up(LINK_5, RATE(10000)));
	shot = shoot(five, six);
	first = shot.tstamp;
	for (int i = 0; i < 10; i++) {
		shot = aim(five, seven, TYPE_OTHER);
		memset(shot_frame, 0xff, 6);
		ports_run(policy->prog[POLICY_PORT], &shot);
		assert_true(shot.tstamp == first);
	}
	shot = aim(five, six, TYPE_OTHER);
	memset(shot_frame, 0xff, 6);
	ports_run(policy->prog[POLICY_PORT], &shot);
	assert_true(shot.tstamp == first + 100 * MS);
	shot = shoot(five, seven);
	assert_true(shot.tstamp == first + 200 * MS);
	/* Another port of that bond, too. */
	policy->links[LINK_7].bundle = LINK_6;
	shot = aim(five, seven, TYPE_OTHER);
	memset(shot_frame, 0xff, 6);
	ports_run(policy->prog[POLICY_PORT], &shot);
	assert_true(shot.tstamp == first + 300 * MS);
	shot = shoot(five, seven);
	assert_true(shot.tstamp == first + 400 * MS);
	policy->links[LINK_5].charge_at = 0;
	policy->links[LINK_6].bundle = policy->links[LINK_7].bundle = 0;
}

/* Runs an LACP frame of the host's bond to a port, or of the node; returns what became of it. */
static uint32_t pass_lacp(uint32_t port, enum policy_prog prog, struct shot *ret)
{
	*ret = aim(0, port, ETH_P_SLOW);
	return ports_run(policy->prog[prog], ret);
}

/* LACP frames have the conditions of their cable, or those of their class there, and no others. */
static void test_lacp(void **state)
{
	const uint8_t lacp = 3;
	struct policy_entry lost = up(LINK_5, LOSS(CERTAIN));
	struct shot shot;

	NEEDS_BPF(state);
	PUT(up(LINK_5, DELAY(10 * MS)), down(LINK_5, DELAY(20 * MS)),
	    down(LINK_5_TOO, LOSS(CERTAIN)), path(0, 5, 0, LOSS(CERTAIN)),
	    path(5, 0, 0, LOSS(CERTAIN)));
	assert_int_equal(pass_lacp(five, POLICY_PORT, &shot), PASS);
	expect_delay(&shot, 20 * MS);
	assert_int_equal(pass_lacp(five, POLICY_LAG, &shot), PASS);
	assert_true(shot.tstamp == 0); /* nothing holds it at ingress */
	assert_int_equal(pass_lacp(five_too, POLICY_PORT, &shot), DROP);
	assert_int_equal(pass_lacp(five_too, POLICY_LAG, &shot), PASS);
	assert_int_equal(ports_traffic(0, 5, lacp).dropped[PORT_DROP_LOSS], 1);
	assert_int_equal(ports_traffic(0, 5, lacp).packets, 1);
	assert_int_equal(ports_traffic(5, 0, lacp).packets, 2);

	lost.key.class = lacp;
	PUT(lost, up(LINK_6, LOSS(CERTAIN)));
	assert_int_equal(pass_lacp(five, POLICY_LAG, &shot), DROP);
	assert_int_equal(pass_lacp(five, POLICY_PORT, &shot), PASS);
	assert_int_equal(pass_lacp(five_too, POLICY_LAG, &shot), PASS);
	assert_int_equal(pass_lacp(six, POLICY_LAG, &shot), DROP);
	assert_false(passes(six, five)); /* everything is lost there */
	assert_true(passes(five, six));
	/* Other frames get the number of the cable as their mark. */
	shot = aim(0, five, TYPE_OTHER);
	assert_int_equal(ports_run(policy->prog[POLICY_LAG], &shot), PASS);
	assert_int_equal(shot.mark, PORT_MARK | LINK_5);
}

static void test_slots(void **state)
{
	struct port_conditions c =
		C(PORT_HAS_SLOT, .slot_min = 200 * MS, .slot_max = 200 * MS, .slot_packets = 3);
	struct shot shot;
	uint64_t first;

	NEEDS_BPF(state);
	PUT(up(LINK_5, c));
	shot = shoot(five, six);
	expect_delay(&shot, 200 * MS);
	first = shot.tstamp;
	for (uint64_t i = 1; i < 10; i++) {
		shot = shoot(five, six);
		assert_true(shot.tstamp == first + i / 3 * 200 * MS);
	}
	/* limited by bytes; random slot lengths */
	c.slot_packets = 0;
	c.slot_bytes = 2 * LENGTH + LENGTH / 2;
	c.slot_max = 400 * MS;
	PUT(up(LINK_5, c));
	shot = shoot(five, six);
	first = shot.tstamp;
	for (uint64_t i = 1; i < 100; i++) {
		shot = shoot(five, six);
		if (i % 2) {
			assert_true(shot.tstamp == first);
			continue;
		}
		assert_true(shot.tstamp >= first + 200 * MS && shot.tstamp <= first + 400 * MS);
		first = shot.tstamp;
	}
}

/* A flip changes the conditions of all hops at once, also for a packet being judged. */
static volatile bool flipping;

static void *flip(void *arg)
{
	const struct setting *settings = arg;

	for (int i = 0; i < 40; i++)
		put_setting(&settings[i % 2]);
	put_setting(&settings[2]);
	for (int i = 0; i < 300000; i++)
		__atomic_store_n(&policy->control->active, i & 1, __ATOMIC_RELEASE);
	flipping = false;
	return NULL;
}

static void test_atomic(void **state)
{
#define FREE(time)                                                                           \
	C(PORT_HAS_DELAY | PORT_HAS_JITTER | PORT_HAS_REORDER, .delay = (time), .jitter = 1, \
	  .order = PORT_ORDER_FREE)
	const struct policy_entry short_way[] = {up(LINK_5, FREE(10 * MS)),
						 path(5, 6, 0, FREE(20 * MS)),
						 down(LINK_6, FREE(40 * MS))};
	const struct policy_entry long_way[] = {up(LINK_5, FREE(SECOND)),
						path(5, 6, 0, FREE(2 * SECOND)),
						down(LINK_6, FREE(4 * SECOND))};
	const struct setting settings[] = {{short_way, .base_count = 3},
					   {long_way, .base_count = 3},
					   {short_way, .base_count = 3, .unswept = true}};
	size_t seen[2] = {0};
	pthread_t thread;

	NEEDS_BPF(state);
	put_setting(&settings[0]);
	put_setting(&settings[1]);
	flipping = true;
	assert_int_equal(pthread_create(&thread, NULL, flip, (void *)settings), 0);
	while (flipping) {
		struct shot shot = shoot(five, six);
		bool slow = shot.tstamp > shot.after + SECOND / 2;

		seen[slow]++;
		/* the jitter subtracts up to 1 ns per hop */
		shot.tstamp += 3;
		shot.after += 3;
		expect_delay(&shot, slow ? 7 * SECOND : 70 * MS);
	}
	pthread_join(thread, NULL);
	assert_true(seen[0] > 100 && seen[1] > 100);
	__atomic_store_n(&policy->control->active, policy->control->settled, __ATOMIC_RELEASE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delay),
		cmocka_unit_test(test_not_held),
		cmocka_unit_test(test_pacing),
		cmocka_unit_test(test_resolving),
		cmocka_unit_test(test_through_the_host),
		cmocka_unit_test(test_decided),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_reorder),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_overhead),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_peak),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_path_clocks),
		cmocka_unit_test(test_flooded),
		cmocka_unit_test(test_lacp),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_atomic),
	};

	return cmocka_run_group_tests_name("edt_port", tests, ports_set_up_classes,
					   ports_tear_down);
}
