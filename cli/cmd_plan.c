/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "out.h"

/* Formats a step: "+ n100-1 eth1: veth to port eth1-p, mtu 1500" */
static void write_step(const struct netsim_step *step, char *text, size_t size)
{
	static const char signs[] = {
		[NETSIM_STEP_ADD] = '+', [NETSIM_STEP_CHANGE] = '~', [NETSIM_STEP_REMOVE] = '-'};

	snprintf(text, size, "%c %s", signs[step->kind], step->text);
}

static void print_plan(const struct common *args, const struct netsim_up *plan)
{
	json_t *steps = json_array();
	char text[512];

	for (size_t i = 0; i < plan->step_count; i++) {
		write_step(plan->steps[i], text, sizeof(text));
		json_array_append_new(steps, json_string(text));
		if (!args->json && !args->quiet)
			puts(text);
	}
	if (args->json)
		print_json(json_pack("{s:O}", "steps", steps));
	else if (plan->step_count)
		printf("%zu step%s\n", plan->step_count, plural(plan->step_count));
	else
		printf("already up to date\n");
	json_decref(steps);
}

static int run(const void *p, struct netsim_err *err)
{
	const struct common *args = p;
	const struct netsim_up_opts opts = NETSIM_OPTS(struct netsim_up_opts, .dry_run = true);
	struct netsim_diags diags = {0};
	struct netsim_up *plan = NULL;
	struct netsim *ctx = NULL;
	char path[4096];
	int r = netsim_find(NETSIM_FILE_TOPOLOGY, args->words[0], path, sizeof(path), err);

	if (r == 0)
		r = netsim_open(&ctx, err);
	if (r == 0)
		r = report_file(netsim_up(ctx, path, &opts, &plan, &diags, err), args, &diags, err);
	netsim_close(ctx);
	if (r == 0)
		print_plan(args, plan);
	netsim_up_free(plan);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "FILE",
	.summary = "Print what netsim up would change: + create, ~ change, - remove.",
	.min = 1,
	.max = 1,
};

const struct cmd cmd_plan = {
	.name = "plan",
	.syntax = &syntax,
	.size = sizeof(struct common),
	.run = run,
};
