/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cmd.h"
#include "out.h"

struct link_args {
	struct common common;
	const char *duty, *name;
	int64_t period_ns, for_ns;
};

static const struct opt opts[] = {
	{0, "period", OPT_DURATION, offsetof(struct link_args, period_ns), "TIME",
	 "flap: how long one round is (2s)"},
	{0, "duty", OPT_TEXT, offsetof(struct link_args, duty), "PERCENT",
	 "flap: how much of it the link is up (50%)"},
	{0, "for", OPT_DURATION, offsetof(struct link_args, for_ns), "TIME",
	 "heal by itself after TIME; the kernel keeps it"},
	{0, "name", OPT_TEXT, offsetof(struct link_args, name), "NAME", "to heal it by"},
	{0, NULL, OPT_FLAG, 0, NULL, NULL},
};

static const char *const states[] = {"down", "up", "flap"};

static int parse_state(const char *word, enum netsim_link_state *ret, struct netsim_err *err)
{
	for (int i = 0; i < 3; i++)
		if (strcmp(word, states[i]) == 0) {
			*ret = (enum netsim_link_state)i;
			return 0;
		}
	return usage_error(err, &cmd_link, "%s: a link goes down, up, or flap", word);
}

static int parse_duty(const struct link_args *args, struct netsim_link_request *request,
		      struct netsim_err *err)
{
	double percent = 50;
	char end = 0, sign = 0;

	request->period_ns = args->period_ns ? args->period_ns : 2000000000;
	if (args->duty && (sscanf(args->duty, "%lf%c%c", &percent, &sign, &end) != 2 ||
			   sign != '%' || !(percent >= 0 && percent < 100)))
		return usage_error(err, &cmd_link, "%s: write --duty as 50%%, below 100%%",
				   args->duty);
	request->up_ns = (int64_t)((double)request->period_ns * percent / 100);
	if (request->state != NETSIM_LINK_FLAP && (args->duty || args->period_ns))
		return usage_error(err, &cmd_link, "--period and --duty are for flap");
	if (request->state == NETSIM_LINK_UP && (args->for_ns || args->name))
		return usage_error(err, &cmd_link, "--for and --name are for down and flap");
	return 0;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct link_args *args = p;
	struct netsim_link_request request = {
		.fleet = args->common.fleet,
		.targets = (const char *const *)args->common.words + 1,
		.target_count = (size_t)args->common.count - 1,
		.name = args->name,
		.for_ns = args->for_ns,
		.dry = args->common.dry,
	};
	struct netsim_lines lines = {0};
	struct netsim *ctx = NULL;
	int r = parse_state(args->common.words[0], &request.state, err);

	if (r == 0)
		r = parse_duty(args, &request, err);
	if (r == 0)
		r = netsim_open(&ctx, err);
	if (r == 0)
		r = netsim_link(ctx, &request, &lines, err);
	netsim_close(ctx);
	if (r == 0 && args->common.json)
		print_json(json_pack("{s:o}", "links", json_lines(&lines)));
	for (size_t i = 0; r == 0 && !args->common.json && !args->common.quiet && i < lines.count;
	     i++)
		printf("%s%s\n", args->common.dry ? "would be: " : "", lines.list[i]);
	netsim_lines_free(&lines);
	return r;
}

const struct cmd cmd_link = {
	.name = "link",
	.args = "down|up|flap TARGET...",
	.summary = "Take cables down or up, or let them flap.",
	.opts = opts,
	.size = sizeof(struct link_args),
	.min = 2,
	.max = -1,
	.run = run,
};
