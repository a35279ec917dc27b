/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply_print.h"
#include "cmd.h"
#include "out.h"

static int run(const void *p, struct netsim_err *err)
{
	const struct common *args = p;
	struct netsim_apply_opts what = {
		.size = sizeof(what),
		.fleet = args->fleet,
		.targets = (const char *const *)args->words,
		.target_count = (size_t)args->count,
		.dry_run = args->dry,
	};
	struct netsim_apply *done = NULL;
	struct netsim *ctx = NULL;
	int r = netsim_open(&ctx, err);

	if (r == 0)
		r = netsim_clear(ctx, &what, &done, err);
	netsim_close(ctx);
	if (r == 0 && (args->verbose || args->json || args->dry))
		print_applied(args, done);
	netsim_apply_free(done);
	return r;
}

const struct cmd cmd_clear = {
	.name = "clear",
	.args = "[TARGET...]",
	.summary = "Remove the conditions that netsim apply has set.",
	.size = sizeof(struct common),
	.max = -1,
	.run = run,
};
