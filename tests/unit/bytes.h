/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares the bytes of a netlink batch with hex text; include after cmocka.h. */
#ifndef NETSIM_TESTS_BYTES_H
#define NETSIM_TESTS_BYTES_H

#include <stdio.h>

#include "netsim/kernel/rtnl.h"

static size_t parse_hex(const char *hex, uint8_t *bytes)
{
	size_t count = 0;
	unsigned value;

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		assert_int_equal(sscanf(hex, "%2x", &value), 1);
		bytes[count++] = (uint8_t)value;
		hex++;
	}
	return count;
}

/* Expects these bytes in the batch, then empties it. */
static void expect_bytes(struct rtnl *rt, const char *row, const char *hex)
{
	uint8_t want[4096];
	size_t size, ops, count = parse_hex(hex, want);
	const uint8_t *got = rtnl_batch(rt, &size, &ops);

	for (size_t i = 0; i < size && i < count; i++)
		if (got[i] != want[i])
			fail_msg("%s: byte %zu is %02x, not %02x", row, i, got[i], want[i]);
	if (size != count)
		fail_msg("%s: %zu bytes, not %zu", row, size, count);
	rtnl_reset(rt);
}

#endif
