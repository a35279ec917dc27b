/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply_print.h"
#include "cmd.h"
#include "out.h"

struct clear_args {
	struct common common;
	struct netsim_apply_words clear;
};

static void print_cleared(const struct netsim_apply *done)
{
	if (!done->count)
		printf("nothing to clear\n");
	else if (done->count == 1)
		printf("cleared %s\n", done->list[0]->name);
	else
		printf("cleared %zu links\n", done->count);
}

static int run(const void *p, struct netsim_err *err)
{
	const struct clear_args *args = p;
	const struct common *common = &args->common;
	struct netsim_apply_opts request = args->clear.opts;
	struct netsim_apply *done = NULL;
	struct netsim *ctx = NULL;
	int r = netsim_open(&ctx, err);

	request.fleet = common->fleet;
	request.dry_run = common->dry;
	if (r == 0)
		r = netsim_clear(ctx, &request, &done, err);
	netsim_close(ctx);
	if (r == 0 && (common->verbose || common->json || common->dry))
		print_applied(common, done);
	else if (r == 0 && !common->quiet)
		print_cleared(done);
	netsim_apply_free(done);
	return r;
}

const struct cmd cmd_clear = {
	.name = "clear",
	.size = sizeof(struct clear_args),
	.fill = offsetof(struct clear_args, clear),
	.run = run,
};
