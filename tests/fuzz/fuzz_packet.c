// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arbitrary bytes as a conversation of frames. Each frame begins with its link type, its
 * vantage point and direction, the captured and the original length, and the time since
 * the previous one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/flow/flow.h"
#include "netsim/flow/oneway.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_groups(const struct flow *flow)
{
	const struct flow_group *groups;
	struct flow_totals totals;
	uint64_t packets = 0, counted = 0;

	for (size_t i = flow_groups(flow, &groups); i-- > 0;)
		for (int w = 0; w < 2; w++) {
			packets += groups[i].ways[w].captured;
			counted += groups[i].ways[w].packets;
		}
	flow_totals(flow, &totals);
	if (packets != totals.packets + totals.inner || counted > packets ||
	    counted < totals.packets - totals.copies)
		abort();
}

/* Every delivered packet has a delay, and at most all of them are reordered. */
static void check_rows(const struct oneway *oneway)
{
	const struct oneway_row *rows;

	for (size_t i = oneway_rows(oneway, &rows); i-- > 0;)
		if (rows[i].delay.count != rows[i].delivered ||
		    rows[i].reordered > rows[i].delivered)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char text[] = "classes:\n  a: {tcp: 1-2000, gap: 1ms}\n  b: {udp: 53}\n";
	struct netsim_diags diags = {0};
	struct netsim_err err = {0};
	struct class_set *classes;
	struct oneway *oneway;
	struct flow *flow;
	int64_t now = 0;

	if (classes_parse("c", text, sizeof(text) - 1, &classes, &diags) < 0 ||
	    flow_new(classes, 1024, &flow, &err) < 0 || oneway_new(classes, 64, &oneway, &err) < 0)
		abort();
	while (size >= 4) {
		uint32_t captured = data[1], length = captured + data[2];
		enum packet_link link = data[0] % 5;
		uint8_t *copy;
		struct packet packet;

		now += (int64_t)data[3] * data[3] * 10000;
		data += 4;
		size -= 4;
		captured = captured < size ? captured : (uint32_t)size;
		/* A separate allocation, so that AddressSanitizer detects overreads. */
		copy = malloc(captured ? captured : 1);
		memcpy(copy, data, captured);
		packet_decode(link, copy, captured, length, &packet);
		if (link == PACKET_ETHERNET) {
			packet.view = data[-4] / 5 % 4;
			packet.seen = data[-4] / 20 % 3;
		}
		if (!flow_add(flow, &packet, now) || !oneway_add(oneway, &packet, now))
			abort();
		free(copy);
		data += captured;
		size -= captured;
	}
	flow_finish(flow);
	oneway_finish(oneway, now);
	check_groups(flow);
	check_rows(oneway);
	oneway_free(oneway);
	flow_free(flow);
	classes_free(classes);
	return 0;
}
