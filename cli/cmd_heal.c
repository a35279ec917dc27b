/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "out.h"

struct heal_args {
	struct common common;
	bool all;
};

static const struct opt opts[] = {
	{'a', "all", OPT_FLAG, offsetof(struct heal_args, all), NULL,
	 "every fault (also without any FAULT)"},
	{0, NULL, OPT_FLAG, 0, NULL, NULL},
};

static void print_healed(const struct common *args, const struct netsim_lines *lines)
{
	if (args->json) {
		print_json(json_pack("{s:o}", "healed", json_lines(lines)));
		return;
	}
	for (size_t i = 0; i < lines->count; i++)
		printf("%s %s\n", args->dry ? "would heal" : "healed", lines->list[i]);
	if (!lines->count)
		printf("nothing to heal\n");
}

static int run(const void *p, struct netsim_err *err)
{
	const struct heal_args *args = p;
	const struct common *common = &args->common;
	struct netsim_lines lines = {0};
	struct netsim *ctx = NULL;
	int r = 0;

	if (r == 0 && args->all && common->count)
		r = usage_error(err, &cmd_heal, "--all takes no FAULT");
	if (r == 0)
		r = netsim_open(&ctx, err);
	if (r == 0)
		r = netsim_heal(ctx, common->fleet, (const char *const *)common->words,
				(size_t)common->count, common->dry, &lines, err);
	netsim_close(ctx);
	if (r == 0 && !common->quiet)
		print_healed(common, &lines);
	netsim_lines_free(&lines);
	return r;
}

const struct cmd cmd_heal = {
	.name = "heal",
	.args = "[FAULT...]",
	.summary = "End faults: those of the given numbers or names, or all.",
	.opts = opts,
	.size = sizeof(struct heal_args),
	.max = -1,
	.run = run,
};
