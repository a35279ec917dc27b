/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "fault_print.h"
#include "machine.h"
#include "select.h"

struct fault_args {
	struct common common;
	struct netsim_opt_words clusters;
	struct machine_words machine;
	struct netsim_fault_opts request;
};

static const struct netsim_opt opts[] = {
	SELECT_OPT(struct fault_args, clusters),
	TOPOLOGY_OPT(struct fault_args, machine),
	AS_OPT(struct fault_args, machine),
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

static int run(const void *p, struct netsim_err *err)
{
	const struct fault_args *args = p;
	struct netsim_fault_opts request = args->request;
	const struct select_words words = {&request.targets, &request.target_count, true};
	struct netsim_select *selected = NULL;
	const struct machine_groups groups = {request.targets, request.target_count};
	struct netsim *ctx = NULL;
	struct netsim_fault *fault = NULL;
	int r = open_machine_for(&args->common, &args->machine, &groups, &ctx, err);

	request.fleet = args->common.fleet;
	request.dry_run = args->common.dry;
	if (r == 0)
		r = select_nodes(ctx, &args->common, &args->clusters, &words, &selected, err);
	if (r == 0)
		r = netsim_fault(ctx, &request, &fault, err);
	close_machine(ctx, r);
	if (r == 0)
		print_added_fault(&args->common, fault,
				  json_selected((const struct netsim_select *[]) {selected}, 1));
	netsim_select_free(selected);
	netsim_fault_free(fault);
	return r;
}

const struct cmd cmd_fault = {
	.name = "fault",
	.size = sizeof(struct fault_args),
	.fill = offsetof(struct fault_args, request),
	.more = opts,
	.run = run,
};
