/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "fault_print.h"

struct fault_args {
	struct common common;
	struct netsim_fault_opts request;
};

static int run(const void *p, struct netsim_err *err)
{
	const struct fault_args *args = p;
	struct netsim_fault_opts request = args->request;
	struct netsim *ctx = NULL;
	struct netsim_fault *fault = NULL;
	int r = netsim_open(&ctx, err);

	request.fleet = args->common.fleet;
	request.dry_run = args->common.dry;
	if (r == 0)
		r = netsim_fault(ctx, &request, &fault, err);
	netsim_close(ctx);
	if (r == 0)
		print_added_fault(&args->common, fault);
	netsim_fault_free(fault);
	return r;
}

const struct cmd cmd_fault = {
	.name = "fault",
	.size = sizeof(struct fault_args),
	.fill = offsetof(struct fault_args, request),
	.run = run,
};
