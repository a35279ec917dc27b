/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "out.h"

static int run(const void *p, struct netsim_err *err)
{
	const struct common *args = p;
	struct netsim_diags diags = {0};
	struct netsim_lines lines = {0};
	struct netsim *ctx = NULL;
	char path[4096];
	int r = netsim_find("topo", args->words[0], path, err);

	if (r == 0)
		r = netsim_open(&ctx, err);
	if (r == 0)
		r = report_file(netsim_plan(ctx, path, &lines, &diags, err), args, &diags, err);
	netsim_close(ctx);
	if (r == 0 && args->json) {
		print_json(json_pack("{s:o}", "steps", json_lines(&lines)));
	} else if (r == 0) {
		for (size_t i = 0; !args->quiet && i < lines.count; i++)
			puts(lines.list[i]);
		if (lines.count)
			printf("%zu step%s\n", lines.count, plural(lines.count));
		else
			printf("already as asked\n");
	}
	netsim_lines_free(&lines);
	return r;
}

const struct cmd cmd_plan = {
	.name = "plan",
	.args = "FILE",
	.summary = "Print what netsim up would change: + made, ~ changed, - removed.",
	.size = sizeof(struct common),
	.min = 1,
	.max = 1,
	.run = run,
};
