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
	 "flap: the period (2s)"},
	{0, "duty", OPT_TEXT, offsetof(struct link_args, duty), "PERCENT",
	 "flap: the share of the period that the link is up (50%)"},
	{0, "for", OPT_DURATION, offsetof(struct link_args, for_ns), "TIME",
	 "heal automatically after TIME (enforced by the kernel)"},
	{0, "name", OPT_TEXT, offsetof(struct link_args, name), "NAME", "a name for netsim heal"},
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
	return usage_error(err, &cmd_link, "%s: must be down, up or flap", word);
}

static int parse_duty(const struct link_args *args, struct netsim_link_opts *request,
		      struct netsim_err *err)
{
	double percent = 50;
	char end = 0, sign = 0;

	request->period_ns = args->period_ns ? args->period_ns : 2000000000;
	if (args->duty && (sscanf(args->duty, "%lf%c%c", &percent, &sign, &end) != 2 ||
			   sign != '%' || !(percent >= 0 && percent < 100)))
		return usage_error(err, &cmd_link,
				   "--duty %s: must be a percentage below 100%%, such as 50%%",
				   args->duty);
	request->up_ns = (int64_t)((double)request->period_ns * percent / 100);
	if (request->state != NETSIM_LINK_FLAP && (args->duty || args->period_ns))
		return usage_error(err, &cmd_link, "--period and --duty need flap");
	if (request->state == NETSIM_LINK_UP && (args->for_ns || args->name))
		return usage_error(err, &cmd_link, "--for and --name need down or flap");
	return 0;
}

/* Formats a change: "link n100-1/eth1 is down", "fault 3: link n100-1 down, for 5 s", "healed fault
 * 3: ..." */
static void write_change(const struct netsim_link_change *change, bool dry, char *text, size_t size)
{
	const struct netsim_fault *fault = change->fault;
	char time[64] = "until netsim heal", number[24] = "";

	switch (change->kind) {
	case NETSIM_LINK_CARRIER:
		snprintf(text, size, "link %s %s%s", change->name, dry ? "" : "is ",
			 change->up ? "up" : "down");
		break;
	case NETSIM_LINK_HEALED:
		snprintf(text, size, "%s fault %u: %s", dry ? "heal" : "healed", fault->id,
			 fault->text);
		break;
	case NETSIM_LINK_FAULT:
		if (fault->left_ns >= 0)
			snprintf(time, sizeof(time), "for %g s", (double)fault->left_ns / 1e9);
		if (!dry)
			snprintf(number, sizeof(number), "fault %u: ", fault->id);
		snprintf(text, size, "%s%s, %s", number, fault->text, time);
		break;
	}
}

static void print_changes(const struct common *args, const struct netsim_link *link)
{
	static const char *const would[] = {
		[NETSIM_LINK_CARRIER] = "would set ",
		[NETSIM_LINK_HEALED] = "would ",
		[NETSIM_LINK_FAULT] = "would add: ",
	};
	json_t *lines = json_array();
	char text[600];

	for (size_t i = 0; i < link->change_count; i++) {
		write_change(link->changes[i], args->dry, text, sizeof(text));
		json_array_append_new(lines, json_string(text));
		if (!args->json && !args->quiet)
			printf("%s%s\n", args->dry ? would[link->changes[i]->kind] : "", text);
	}
	if (args->json)
		print_json(json_pack("{s:O}", "links", lines));
	json_decref(lines);
}

static int run(const void *p, struct netsim_err *err)
{
	const struct link_args *args = p;
	struct netsim_link_opts request = {
		.size = sizeof(request),
		.fleet = args->common.fleet,
		.targets = (const char *const *)args->common.words + 1,
		.target_count = (size_t)args->common.count - 1,
		.name = args->name,
		.for_ns = args->for_ns,
		.dry_run = args->common.dry,
	};
	struct netsim_link *link = NULL;
	struct netsim *ctx = NULL;
	int r = parse_state(args->common.words[0], &request.state, err);

	if (r == 0)
		r = parse_duty(args, &request, err);
	if (r == 0)
		r = netsim_open(&ctx, err);
	if (r == 0)
		r = netsim_link(ctx, &request, &link, err);
	netsim_close(ctx);
	if (r == 0)
		print_changes(&args->common, link);
	netsim_link_free(link);
	return r;
}

const struct cmd cmd_link = {
	.name = "link",
	.args = "down|up|flap TARGET...",
	.summary = "Take cables down or up, or make them flap.",
	.opts = opts,
	.size = sizeof(struct link_args),
	.min = 2,
	.max = -1,
	.run = run,
};
