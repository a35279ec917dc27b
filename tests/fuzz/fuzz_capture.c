// SPDX-License-Identifier: GPL-2.0-or-later
/* Arbitrary bytes as a capture file: reads all packets, tracks flows and sums them up. */
#include <stdint.h>
#include <stdlib.h>

#include "netsim/flow/analysis.h"
#include "netsim/packet/capture_file.h"
#include "netsim/packet/capture_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sum_up(const struct flow *flow, const struct oneway *oneway,
		   const struct capture_names *own)
{
	struct analysis_names names = {.views = own->views, .view_count = own->view_count};
	struct analysis_input input = {.flow = flow, .oneway = oneway, .names = &names};
	struct netsim_analysis analysis = {0};
	struct netsim_err err = {0};

	if (analysis_rows(&input, &analysis, &err) < 0)
		abort();
	analysis_done(&analysis);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture_file *file;
	struct capture_packet captured;
	struct capture_names names = {0};
	struct netsim_err err = {0};
	struct oneway *oneway;
	struct flow *flow;
	unsigned sum = 0;

	if (capture_open_memory("fuzz", data, size, &file, &err) < 0) {
		if (err.kind != NETSIM_ERR_INPUT || !err.what[0])
			abort();
		return 0;
	}
	if (flow_new(NULL, 1024, &flow, &err) < 0 || oneway_new(NULL, 64, &oneway, &err) < 0)
		abort();
	capture_use_names(file, &names);
	while (capture_next(file, &captured)) {
		struct packet packet;

		for (uint32_t i = 0; i < captured.captured; i++)
			sum += captured.data[i];
		packet_decode(captured.link, captured.data, captured.captured, captured.length,
			      &packet);
		packet.view = captured.view;
		packet.seen = captured.seen;
		if (!flow_add(flow, &packet, captured.time_ns) ||
		    !oneway_add(oneway, &packet, captured.time_ns))
			abort();
	}
	if (capture_problem(file)->offset > size || sum == UINT32_MAX)
		abort();
	flow_finish(flow);
	oneway_finish(oneway, 0);
	sum_up(flow, oneway, &names);
	flow_free(flow);
	oneway_free(oneway);
	capture_names_done(&names);
	capture_close(file);
	return 0;
}
