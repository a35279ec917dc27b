/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "fault_print.h"

struct partition_args {
	struct common common;
	bool isolate, one_way, l2;
	const char *name;
	int64_t for_ns;
};

static const struct opt opts[] = {
	{0, "isolate", OPT_FLAG, offsetof(struct partition_args, isolate), NULL,
	 "cut each node off (all nodes, or those named)"},
	{0, "one-way", OPT_FLAG, offsetof(struct partition_args, one_way), NULL,
	 "the first group cannot send to the second"},
	{0, "for", OPT_DURATION, offsetof(struct partition_args, for_ns), "TIME",
	 "heal automatically after TIME (enforced by the kernel)"},
	{0, "name", OPT_TEXT, offsetof(struct partition_args, name), "NAME",
	 "a name for netsim heal"},
	{0, "l2", OPT_FLAG, offsetof(struct partition_args, l2), NULL,
	 "with --one-way: cut ARP and IPv6 neighbours, too"},
	{0, NULL, OPT_FLAG, 0, NULL, NULL},
};

static int run(const void *p, struct netsim_err *err)
{
	const struct partition_args *args = p;
	struct netsim_partition_opts cut = {
		.size = sizeof(cut),
		.fleet = args->common.fleet,
		.groups = (const char *const *)args->common.words,
		.group_count = (size_t)args->common.count,
		.isolate = args->isolate,
		.one_way = args->one_way,
		.name = args->name,
		.for_ns = args->for_ns,
		.dry_run = args->common.dry,
		.l2 = args->l2,
	};
	struct netsim *ctx = NULL;
	struct netsim_fault *fault = NULL;
	int r = netsim_open(&ctx, err);

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
	.args = "[GROUP...]",
	.summary = "Cut groups of nodes (a,b,@role) off from each other or the rest.",
	.opts = opts,
	.size = sizeof(struct partition_args),
	.max = -1,
	.run = run,
};
