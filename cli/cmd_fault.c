/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "fault_print.h"

struct fault_args {
	struct common common;
	const char *class, *name;
	int64_t for_ns;
	bool l2;
};

static const struct opt opts[] = {
	{0, "class", OPT_TEXT, offsetof(struct fault_args, class), "CLASS",
	 "only traffic of this class"},
	{0, "for", OPT_DURATION, offsetof(struct fault_args, for_ns), "TIME",
	 "heal automatically after TIME (enforced by the kernel)"},
	{0, "name", OPT_TEXT, offsetof(struct fault_args, name), "NAME", "a name for netsim heal"},
	{0, "l2", OPT_FLAG, offsetof(struct fault_args, l2), NULL,
	 "of paths: affect ARP and IPv6 neighbours, too"},
	{0, NULL, OPT_FLAG, 0, NULL, NULL},
};

static int run(const void *p, struct netsim_err *err)
{
	const struct fault_args *args = p;
	struct netsim_fault_opts request = {
		.size = sizeof(request),
		.fleet = args->common.fleet,
		.conditions = args->common.words[0],
		.targets = (const char *const *)args->common.words + 1,
		.target_count = (size_t)args->common.count - 1,
		.class_name = args->class,
		.name = args->name,
		.for_ns = args->for_ns,
		.dry_run = args->common.dry,
		.l2 = args->l2,
	};
	struct netsim *ctx = NULL;
	struct netsim_fault *fault = NULL;
	int r = netsim_open(&ctx, err);

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
	.args = "CONDITIONS TARGET...",
	.summary = "Add conditions on top of the profile, for nodes or pairs (a:b).",
	.opts = opts,
	.size = sizeof(struct fault_args),
	.min = 2,
	.max = -1,
	.run = run,
};
