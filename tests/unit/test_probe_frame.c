// SPDX-License-Identifier: GPL-2.0-or-later
/* The frames of probes: what is damaged on the way is not taken for a probe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <cmocka.h>

#include "netsim/probe/probe_parts.h"

#define RUN 77

static struct probe_end end_at(const char *address)
{
	struct probe_end end = {.ns_fd = -1,
				.ip.family = strchr(address, ':') ? AF_INET6 : AF_INET};

	assert_int_equal(inet_pton(end.ip.family, address, end.ip.b), 1);
	return end;
}

static size_t build(const char *from, const char *to, uint8_t protocol, uint8_t *packet)
{
	struct probe_end ends[] = {end_at(from), end_at(to)};
	struct probe_frame frame = {.protocol = protocol,
				    .source_port = 4001,
				    .port = 4002,
				    .load = {.run = RUN, .path = 3, .seq = 9, .sent = 123456789}};

	return probe_build(&ends[0], &ends[1], &frame, packet, PROBE_SNAP);
}

static bool passes(const uint8_t *packet, size_t len)
{
	struct probe_load load;

	return probe_parse(packet, len, RUN, &load) && load.path == 3 && load.seq == 9;
}

static void flip(uint8_t *packet, size_t bit)
{
	packet[bit / 8] ^= (uint8_t)(1U << bit % 8);
}

static void test_no_bit_unnoticed(void **state)
{
	static const struct {
		const char *from, *to;
		uint8_t protocol;
	} rows[] = {
		{"10.0.0.1", "10.0.0.2", IPPROTO_UDP},
		{"10.0.0.1", "10.0.0.2", IPPROTO_TCP},
		{"fd00::1", "fd00::2", IPPROTO_UDP},
		{"fd00::1", "fd00::2", IPPROTO_TCP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t packet[PROBE_SNAP] = {0};
		size_t len = build(rows[i].from, rows[i].to, rows[i].protocol, packet);

		assert_true(passes(packet, len));
		for (size_t bit = 0; bit < 8 * len; bit++) {
			flip(packet, bit);
			if (passes(packet, len))
				fail_msg("row %zu: bit %zu of byte %zu is not noticed", i, bit % 8,
					 bit / 8);
			/* Nor a second one, which two hops may damage; the same one restores it. */
			for (size_t other = bit + 1; other < 8 * len; other++) {
				flip(packet, other);
				if (passes(packet, len))
					fail_msg("row %zu: bits %zu and %zu are not noticed", i,
						 bit, other);
				flip(packet, other);
			}
			flip(packet, bit);
		}
		assert_true(passes(packet, len));
	}
}

static void no_bit_unnoticed(uint8_t *packet, size_t len)
{
	for (size_t bit = 0; bit < 8 * len; bit++) {
		flip(packet, bit);
		if (passes(packet, len))
			fail_msg("bit %zu of byte %zu is not noticed", bit % 8, bit / 8);
		flip(packet, bit);
	}
}

/* A router lowers the time to live and changes the checksum of IPv4 accordingly. */
static void test_router(void **state)
{
	uint8_t packet[PROBE_SNAP] = {0};
	size_t len = build("10.0.0.1", "10.1.0.1", IPPROTO_UDP, packet);

	(void)state;
	packet[8]--;
	assert_false(passes(packet, len));
	/* One less in the high byte of a word: one more in the checksum's. */
	packet[10]++;
	if (!packet[10])
		packet[11]++;
	assert_true(passes(packet, len));
	no_bit_unnoticed(packet, len);
	len = build("fd00::1", "fd01::1", IPPROTO_UDP, packet);
	packet[7]--;
	assert_true(passes(packet, len));
}

/* An answer to an echo has another type, and the checksum fits it. */
static void test_echo(void **state)
{
	uint8_t packet[PROBE_SNAP] = {0};
	size_t len = build("10.0.0.1", "10.0.0.2", IPPROTO_ICMP, packet);

	(void)state;
	assert_false(passes(packet, len));
	packet[20] = 0;
	packet[22] += 8;
	if (packet[22] < 8)
		packet[23]++;
	assert_true(passes(packet, len));
	no_bit_unnoticed(packet, len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_bit_unnoticed),
		cmocka_unit_test(test_router),
		cmocka_unit_test(test_echo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
