/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "machine.h"
#include "out.h"
#include "rates.h"
#include "report.h"
#include "screen.h"

struct top_args {
	struct common common;
	struct machine_words machine;
	int64_t interval_ns;
	bool once, classes;
};

static const struct netsim_opt opts[] = {
	{0, "interval", NETSIM_OPT_DURATION, offsetof(struct top_args, interval_ns), "TIME",
	 "time between two readings (1s)"},
	{0, "once", NETSIM_OPT_FLAG, offsetof(struct top_args, once), NULL,
	 "print the traffic of one interval as text and exit"},
	{0, "classes", NETSIM_OPT_FLAG, offsetof(struct top_args, classes), NULL,
	 "with --once: print a line for each class of a pair"},
	TOPOLOGY_OPT(struct top_args, machine),
	AS_OPT(struct top_args, machine),
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

static json_t *json_affected(const struct netsim_flow *flow)
{
	static const char *const conditions[NETSIM_EFFECTS] = {
		[NETSIM_EFFECT_RATE] = "rate",	     [NETSIM_EFFECT_DELAY] = "delay",
		[NETSIM_EFFECT_LOSS] = "loss",	     [NETSIM_EFFECT_DUPLICATE] = "duplicate",
		[NETSIM_EFFECT_CORRUPT] = "corrupt", [NETSIM_EFFECT_LARGER] = "larger",
		[NETSIM_EFFECT_SLOT] = "slot",	     [NETSIM_EFFECT_HOLD] = "hold",
		[NETSIM_EFFECT_QUEUE] = "queue",     [NETSIM_EFFECT_BURST] = "burst",
		[NETSIM_EFFECT_REORDER] = "reorder", [NETSIM_EFFECT_DISTRIBUTION] = "distribution",
		[NETSIM_EFFECT_PEAK] = "peak",
	};
	json_t *json = json_object();

	for (int i = 0; i < NETSIM_EFFECTS; i++)
		json_object_set_new(json, conditions[i],
				    json_integer((json_int_t)flow->affected[i]));
	return json;
}

static json_t *json_flow(const struct netsim_flow *flow)
{
	return json_pack("{s:s?, s:s?, s:s, s:I, s:I, s:o, s:I, s:I, s:o}", "from", flow->from,
			 "to", flow->to, "class", flow->class_name, "packets",
			 (json_int_t)flow->packets, "bytes", (json_int_t)flow->bytes, "dropped",
			 analyze_dropped_json(flow), "copied", (json_int_t)flow->copied,
			 "corrupted", (json_int_t)flow->corrupted, "affected", json_affected(flow));
}

static int read_traffic(struct netsim *ctx, const char *fleet, struct netsim_traffic **ret,
			struct netsim_err *err)
{
	const struct netsim_traffic_opts request =
		NETSIM_OPTS(struct netsim_traffic_opts, .fleet = fleet);

	return netsim_traffic(ctx, &request, ret, err);
}

static int print_totals(struct netsim *ctx, const char *fleet, struct netsim_err *err)
{
	struct netsim_traffic *traffic = NULL;
	int r = read_traffic(ctx, fleet, &traffic, err);
	json_t *flows;

	if (r < 0)
		return r;
	flows = json_array();
	for (size_t i = 0; i < traffic->flow_count; i++)
		json_array_append_new(flows, json_flow(traffic->flows[i]));
	print_json(json_pack("{s:s, s:o}", "fleet", traffic->fleet, "flows", flows));
	netsim_traffic_free(traffic);
	return 0;
}

static void print_rates(const struct top_args *args, const char *fleet, struct rates *rates)
{
	char line[RATE_LINE];
	struct rate_list list;

	rates_sort(rates, BY_BITS);
	rates_list(rates, args->classes, args->common.verbose ? 0 : 80, &list);
	rates_summary(fleet, rates, line);
	if (!args->common.quiet)
		puts(line);
	if (!rates->count)
		return;
	rates_list_head(&list, line);
	puts(line);
	for (size_t i = 0; i < rates->count; i++) {
		rates_list_row(&list, &rates->rows[i], line);
		puts(line);
	}
}

static void sleep_for(int64_t ns)
{
	struct timespec left = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static int print_once(struct netsim *ctx, const struct top_args *args, const char *fleet,
		      int64_t interval, struct netsim_err *err)
{
	struct netsim_traffic *before = NULL, *now = NULL;
	struct rates rates = {0};
	int r = read_traffic(ctx, fleet, &before, err);

	if (r == 0) {
		sleep_for(interval);
		r = read_traffic(ctx, fleet, &now, err);
	}
	if (r == 0)
		r = rates_make(before, now, args->classes, &rates);
	if (r == 0)
		print_rates(args, now->fleet, &rates);
	rates_free(&rates);
	netsim_traffic_free(before);
	netsim_traffic_free(now);
	return r;
}

/* A dry run attaches no programs, so there are no counters to show. */
static int print_plan(struct netsim *ctx, const char *fleet, struct netsim_err *err)
{
	const struct netsim_status_opts request =
		NETSIM_OPTS(struct netsim_status_opts, .fleet = fleet);
	struct netsim_status *status = NULL;
	int r = netsim_status(ctx, &request, &status, err);

	for (size_t i = 0; r == 0 && i < status->fleet_count; i++)
		printf("would show the traffic of %s\n", status->fleets[i]->name);
	netsim_status_free(status);
	return r;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct top_args *args = p;
	const struct common *common = &args->common;
	const char *fleet = common->count ? common->words[0] : common->fleet;
	int64_t interval = args->interval_ns ? args->interval_ns : 1000000000;
	struct netsim *ctx = NULL;
	int r = open_machine(&args->common, &args->machine, &ctx, err);

	if (r == 0 && common->dry)
		r = print_plan(ctx, fleet, err);
	else if (r == 0 && common->json)
		r = print_totals(ctx, fleet, err);
	else if (r == 0) {
		r = args->once || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ?
			    -ENOTTY :
			    screen_run(ctx, fleet, interval, err);
		if (r == -ENOTTY)
			r = print_once(ctx, args, fleet, interval, err);
	}
	close_machine(ctx, r);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "[FLEET]",
	.summary = "Show the traffic between nodes live: passed and dropped.",
	.opts = opts,
	.max = 1,
};

const struct cmd cmd_top = {
	.name = "top",
	.syntax = &syntax,
	.size = sizeof(struct top_args),
	.run = run,
};
