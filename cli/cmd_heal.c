/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "fault_print.h"
#include "out.h"

struct heal_args {
	struct common common;
	bool all;
};

static const struct opt opts[] = {
	{'a', "all", OPT_FLAG, offsetof(struct heal_args, all), NULL,
	 "all faults (the default without FAULT)"},
	{0, NULL, OPT_FLAG, 0, NULL, NULL},
};

static void print_healed(const struct common *args, const struct netsim_heal *heal)
{
	json_t *lines = json_array();
	char name[600], text[640];

	for (size_t i = 0; i < heal->fault_count; i++) {
		snprintf(text, sizeof(text), "fault %u: %s", heal->faults[i]->id,
			 fault_text(heal->faults[i], name, sizeof(name)));
		json_array_append_new(lines, json_string(text));
		if (!args->json)
			printf("%s %s\n", args->dry ? "would heal" : "healed", text);
	}
	if (args->json)
		print_json(json_pack("{s:O}", "healed", lines));
	else if (!heal->fault_count)
		printf("nothing to heal\n");
	json_decref(lines);
}

static int run(const void *p, struct netsim_err *err)
{
	const struct heal_args *args = p;
	const struct common *common = &args->common;
	const struct netsim_heal_opts request =
		NETSIM_OPTS(struct netsim_heal_opts, .fleet = common->fleet,
			    .faults = (const char *const *)common->words,
			    .fault_count = (size_t)common->count, .dry_run = common->dry);
	struct netsim_heal *heal = NULL;
	struct netsim *ctx = NULL;
	int r = 0;

	if (r == 0 && args->all && common->count)
		r = usage_error(err, &cmd_heal, "--all and FAULT exclude each other");
	if (r == 0)
		r = netsim_open(&ctx, err);
	if (r == 0)
		r = netsim_heal(ctx, &request, &heal, err);
	netsim_close(ctx);
	if (r == 0 && !common->quiet)
		print_healed(common, heal);
	netsim_heal_free(heal);
	return r;
}

const struct cmd cmd_heal = {
	.name = "heal",
	.args = "[FAULT...]",
	.summary = "End faults by number or name, or all of them.",
	.opts = opts,
	.size = sizeof(struct heal_args),
	.max = -1,
	.run = run,
};
