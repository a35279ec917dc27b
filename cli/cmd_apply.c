/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply_print.h"
#include "cmd.h"
#include "machine.h"
#include "out.h"

struct apply_args {
	struct common common;
	struct netsim_apply_words apply;
	struct machine_words machine;
};

static const struct netsim_opt opts[] = {
	TOPOLOGY_OPT(struct apply_args, machine),
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

static int run(const void *p, struct netsim_err *err)
{
	const struct apply_args *args = p;
	const struct common *common = &args->common;
	struct netsim_apply_opts request = args->apply.opts;
	struct machine_words machine = args->machine;
	struct netsim_diags diags = {0};
	struct netsim_apply *done = NULL;
	struct netsim *ctx = NULL;
	char path[4096];
	int r = netsim_find(NETSIM_FILE_PROFILE, args->apply.profile, path, sizeof(path), err);

	/* With a topology, --as names the node that this machine is. */
	if (machine_topology(&machine)) {
		machine.as = request.as;
		request.as = NULL;
	}
	request.fleet = common->fleet;
	request.dry_run = common->dry;
	if (r == 0)
		r = open_machine(common, &machine, &ctx, err);
	if (r == 0)
		r = report_file(netsim_apply(ctx, path, &request, &done, &diags, err), common,
				&diags, err);
	close_machine(ctx, r);
	if (r == 0)
		print_applied(common, done);
	netsim_apply_free(done);
	return r;
}

const struct cmd cmd_apply = {
	.name = "apply",
	.size = sizeof(struct apply_args),
	.fill = offsetof(struct apply_args, apply),
	.more = opts,
	.run = run,
};
