/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "fault_print.h"
#include "machine.h"
#include "select.h"

struct partition_args {
	struct common common;
	struct netsim_opt_words clusters;
	struct machine_words machine;
	struct netsim_partition_opts cut;
};

static const struct netsim_opt opts[] = {
	SELECT_OPT(struct partition_args, clusters),
	TOPOLOGY_OPT(struct partition_args, machine),
	AS_OPT(struct partition_args, machine),
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

static int run(const void *p, struct netsim_err *err)
{
	const struct partition_args *args = p;
	struct netsim_partition_opts cut = args->cut;
	const struct select_words words = {&cut.groups, &cut.group_count, false};
	const char *const one[] = {cut.bridge}, *const *bridge = one;
	size_t bridges = cut.bridge ? 1 : 0;
	const struct select_words middle = {&bridge, &bridges, false};
	struct netsim_select *selected = NULL, *bridged = NULL;
	const struct machine_groups groups = {cut.groups, cut.group_count};
	struct netsim_diags *diags = calloc(1, sizeof(*diags));
	struct netsim *ctx = NULL;
	struct netsim_fault *fault = NULL;
	int r;

	if (!diags) {
		err->kind = NETSIM_ERR_ENV;
		snprintf(err->what, sizeof(err->what), "out of memory");
		return -ENOMEM;
	}
	r = open_machine_for(&args->common, &args->machine, &groups, &ctx, err);
	cut.fleet = args->common.fleet;
	cut.dry_run = args->common.dry;
	cut.diags = diags;
	if (r == 0)
		r = select_nodes(ctx, &args->common, &args->clusters, &words, &selected, err);
	if (r == 0)
		r = select_nodes(ctx, &args->common, &args->clusters, &middle, &bridged, err);
	cut.bridge = r == 0 && bridges ? bridge[0] : cut.bridge;
	if (r == 0)
		r = report_file(netsim_partition(ctx, &cut, &fault, err), &args->common, diags,
				err);
	close_machine(ctx, r);
	if (r == 0)
		print_added_fault(
			&args->common, fault,
			json_selected((const struct netsim_select *[]) {selected, bridged}, 2));
	free(diags);
	netsim_select_free(selected);
	netsim_select_free(bridged);
	netsim_fault_free(fault);
	return r;
}

const struct cmd cmd_partition = {
	.name = "partition",
	.size = sizeof(struct partition_args),
	.fill = offsetof(struct partition_args, cut),
	.more = opts,
	.run = run,
};
