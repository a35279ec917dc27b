/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "fault_print.h"

struct partition_args {
	struct common common;
	struct netsim_partition_opts cut;
};

static int run(const void *p, struct netsim_err *err)
{
	const struct partition_args *args = p;
	struct netsim_partition_opts cut = args->cut;
	struct netsim *ctx = NULL;
	struct netsim_fault *fault = NULL;
	int r = netsim_open(&ctx, err);

	cut.fleet = args->common.fleet;
	cut.dry_run = args->common.dry;
	if (r == 0)
		r = netsim_partition(ctx, &cut, &fault, err);
	netsim_close(ctx);
	if (r == 0)
		print_added_fault(&args->common, fault);
	netsim_fault_free(fault);
	return r;
}

const struct cmd cmd_partition = {
	.name = "partition",
	.size = sizeof(struct partition_args),
	.fill = offsetof(struct partition_args, cut),
	.run = run,
};
