/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calibrates the measurement of rates on a scratch link. */
#include <math.h>

#include "netsim/verify/run.h"
#include "netsim/verify/scratch.h"
#include "netsim/verify/tcp.h"

static uint32_t packets(double bytes)
{
	return (uint32_t)fmin(1e6, bytes / FULL_FRAME + 1);
}

void verify_calibrate(struct verify_run *run, const struct probe_flood_plan *plan, double scale,
		      struct verify_rate *r)
{
	const struct probe_lane lane = {run->link_count, run->link_count + 1, 1, 0};
	const struct netem netem = {.rate = (uint64_t)(plan->link / 8),
				    .overhead = plan->overhead,
				    .limit = packets(fmax(QUEUE_MIN, plan->link / 8))};
	uint32_t burst = plan->train > 0 ? 2 * FULL_FRAME :
					   (uint32_t)fmax(plan->link / 8 / 100, 10 * FULL_FRAME);
	struct probe_flood_plan same = *plan;
	struct netsim_err err = {0};
	struct probe_rate seen;
	bool tbf;

	if (!run->scratch || scratch_shape(run->scratch, &netem, burst, &tbf, &err) < 0)
		return;
	same.lanes = &lane;
	same.lane_count = 1;
	same.burst = tbf ? 8.0 * burst : 0;
	same.lead = 0;
	same.seconds -= plan->lead;
	if (same.train > 0)
		same.train += same.burst;
	probe_flood(run->probe, &same, &seen);
	r->control = fmax(r->control, fmax(0, 1 - seen.passed / plan->link));
	r->excess = fmax(r->excess, seen.passed / plan->link - 1);
	r->machine = fmax(r->machine, seen.offered * scale);
}

void verify_calibrate_tcp(struct verify_run *run, const struct tcp_path *path, double warmup,
			  double seconds, struct verify_rate *r)
{
	const struct probe_lane lane = {run->link_count, run->link_count + 1, 1, 0};
	const struct netem netem = {
		.rate = (uint64_t)(path->rate / 8),
		.delay = (uint64_t)(path->rtt * 1e9),
		.limit = packets(path->queue + path->rate / 8 * path->rtt),
		.loss = netem_fraction((struct ratio) {(uint32_t)(path->loss * RATIO_ONE)}),
	};
	struct netsim_err err = {0};
	struct probe_rate seen;
	bool tbf;

	if (!run->scratch || scratch_shape(run->scratch, &netem, 0, &tbf, &err) < 0 || tbf)
		return;
	if (probe_tcp(run->probe, &lane, warmup, seconds, &seen, &err) == 0 && seen.passed > 0)
		r->tcp_control = fmax(r->tcp_control, seen.passed);
}
