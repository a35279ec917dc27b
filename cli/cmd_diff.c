/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "out.h"

static const char signs[] = {
	[NETSIM_STEP_ADD] = '+', [NETSIM_STEP_CHANGE] = '~', [NETSIM_STEP_REMOVE] = '-'};
static const char *const causes[] = {[NETSIM_STEP_TOPOLOGY] = "topology",
				     [NETSIM_STEP_PROFILE] = "profile",
				     [NETSIM_STEP_FAULT] = "fault"};

static void print_diff_json(const struct netsim_diff *diff)
{
	json_t *list = json_array();

	for (size_t i = 0; i < diff->count; i++) {
		const struct netsim_step *step = diff->list[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s#, s:s, s:o}", "from", causes[step->cause],
					"sign", &signs[step->kind], 1, "text", step->text, "fault",
					step->fault ? json_integer(step->fault) : json_null()));
	}
	print_json(json_pack("{s:s, s:o}", "fleet", diff->fleet, "differences", list));
}

static void print_diff(const struct common *args, const struct netsim_diff *diff)
{
	for (size_t i = 0; !args->quiet && i < diff->count; i++)
		printf("%c %s\n", signs[diff->list[i]->kind], diff->list[i]->text);
	if (!args->quiet && !diff->count)
		printf("%s: nothing differs\n", diff->fleet);
}

static int run(const void *p, struct netsim_err *err)
{
	const struct common *args = p;
	struct netsim_diags diags = {0};
	struct netsim_diff *diff = NULL;
	struct netsim *ctx = NULL;
	char path[4096];
	int r = netsim_find(NETSIM_FILE_TOPOLOGY, args->words[0], path, sizeof(path), err);

	if (r == 0)
		r = netsim_open(&ctx, err);
	if (r == 0)
		r = report_file(netsim_diff(ctx, path, NULL, &diff, &diags, err), args, &diags,
				err);
	netsim_close(ctx);
	if (r != 0)
		return r;
	if (args->json)
		print_diff_json(diff);
	else
		print_diff(args, diff);
	r = diff->count ? exit_status(NETSIM_ERR_FAILED) : 0;
	netsim_diff_free(diff);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "FILE",
	.summary = "List what differs from the file, the profile and the faults.",
	.min = 1,
	.max = 1,
};

const struct cmd cmd_diff = {
	.name = "diff",
	.syntax = &syntax,
	.size = sizeof(struct common),
	.run = run,
};
