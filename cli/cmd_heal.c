/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "fault_print.h"
#include "out.h"

struct heal_args {
	struct common common;
	struct netsim_heal_words heal;
};

static void print_healed(const struct common *args, const struct netsim_heal *heal)
{
	json_t *lines = json_array(), *faults = json_array(), *down = json_array();
	char name[600], text[640];

	for (size_t i = 0; i < heal->fault_count; i++) {
		snprintf(text, sizeof(text), "fault %u: %s", heal->faults[i]->id,
			 fault_text(heal->faults[i], name, sizeof(name)));
		json_array_append_new(lines, json_string(text));
		json_array_append_new(faults, json_pack("{s:i, s:s?, s:s}", "fault",
							(int)heal->faults[i]->id, "name",
							heal->faults[i]->name, "text",
							heal->faults[i]->text));
		if (!args->json)
			printf("%s %s\n", args->dry ? "would heal" : "healed", text);
	}
	if (!args->json && !heal->fault_count)
		printf("nothing to heal\n");
	for (size_t i = 0; i < heal->down_count; i++) {
		json_array_append_new(down, json_string(heal->down[i]->name));
		if (!args->json)
			printf("%s is down; netsim link up %s brings it up\n", heal->down[i]->name,
			       heal->down[i]->name);
	}
	if (args->json)
		print_json(json_pack("{s:O, s:O, s:O}", "healed", lines, "faults", faults, "down",
				     down));
	json_decref(lines);
	json_decref(faults);
	json_decref(down);
}

static int run(const void *p, struct netsim_err *err)
{
	const struct heal_args *args = p;
	const struct common *common = &args->common;
	struct netsim_heal_opts request = args->heal.opts;
	struct netsim_heal *heal = NULL;
	struct netsim *ctx = NULL;
	int r = netsim_open(&ctx, err);

	request.fleet = common->fleet;
	request.dry_run = common->dry;
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
	.size = sizeof(struct heal_args),
	.fill = offsetof(struct heal_args, heal),
	.run = run,
};
