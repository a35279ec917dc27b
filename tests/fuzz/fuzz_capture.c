// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a capture file: read to its end, all of each packet, followed and summed up. */
#include <stdint.h>
#include <stdlib.h>

#include "netsim/analyze.h"
#include "netsim/capture_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sum_up(const struct flow *flow)
{
	struct netsim_analysis analysis = {0};
	struct netsim_err err = {0};

	if (analyze_rows(flow, NULL, NULL, 0, &analysis, &err) < 0)
		abort();
	analysis_done(&analysis);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture_file *file;
	struct capture_packet captured;
	struct netsim_err err = {0};
	struct flow *flow;
	unsigned sum = 0;

	if (capture_open_memory("fuzz", data, size, &file, &err) < 0) {
		if (err.kind != NETSIM_ERR_INPUT || !err.what[0])
			abort();
		return 0;
	}
	if (flow_new(NULL, 1024, &flow, &err) < 0)
		abort();
	while (capture_next(file, &captured)) {
		struct packet packet;

		for (uint32_t i = 0; i < captured.captured; i++)
			sum += captured.data[i];
		packet_decode(captured.link, captured.data, captured.captured, captured.length,
			      &packet);
		if (!flow_add(flow, &packet, captured.time_ns))
			abort();
	}
	if (capture_problem(file)->offset > size || sum == UINT32_MAX)
		abort();
	flow_finish(flow);
	sum_up(flow);
	flow_free(flow);
	capture_close(file);
	return 0;
}
