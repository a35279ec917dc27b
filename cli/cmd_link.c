/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "machine.h"
#include "out.h"
#include "select.h"

struct link_args {
	struct common common;
	struct netsim_opt_words clusters;
	struct machine_words machine;
	struct netsim_link_words link;
};

/* Formats a change: "link n100-1/eth1 is down", "fault 3: link n100-1 down, for 5 s", "healed fault
 * 3: ..." */
static void write_change(const struct netsim_link_change *change, bool dry, char *text, size_t size)
{
	const struct netsim_fault *fault = change->fault;
	char time[64] = "until netsim heal", number[24] = "";

	switch (change->kind) {
	case NETSIM_LINK_CARRIER:
		snprintf(text, size, "link %s %s%s", change->name, dry ? "" : "is ",
			 change->up ? "up" : "down");
		break;
	case NETSIM_LINK_HEALED:
		snprintf(text, size, "%s fault %u: %s", dry ? "heal" : "healed", fault->id,
			 fault->text);
		break;
	case NETSIM_LINK_FAULT:
		if (fault->left_ns >= 0)
			snprintf(time, sizeof(time), "for %g s", (double)fault->left_ns / 1e9);
		if (!dry)
			snprintf(number, sizeof(number), "fault %u: ", fault->id);
		snprintf(text, size, "%s%s, %s", number, fault->text, time);
		break;
	}
}

static json_t *json_change(const struct netsim_link_change *change)
{
	static const char *const kinds[] = {
		[NETSIM_LINK_CARRIER] = "carrier",
		[NETSIM_LINK_HEALED] = "healed",
		[NETSIM_LINK_FAULT] = "fault",
	};
	const struct netsim_fault *fault = change->fault;

	return json_pack("{s:s, s:s?, s:o*, s:o*, s:s*, s:s*, s:o*}", "change", kinds[change->kind],
			 "link", change->name, "up",
			 change->kind == NETSIM_LINK_CARRIER ? json_boolean(change->up) : NULL,
			 "fault", fault ? json_integer(fault->id) : NULL, "name",
			 fault ? fault->name : NULL, "text", fault ? fault->text : NULL, "for",
			 fault && fault->left_ns >= 0 ? json_seconds((double)fault->left_ns / 1e9) :
							NULL);
}

static void print_changes(const struct common *args, const struct netsim_link *link,
			  const struct netsim_select *selected)
{
	static const char *const would[] = {
		[NETSIM_LINK_CARRIER] = "would set ",
		[NETSIM_LINK_HEALED] = "would ",
		[NETSIM_LINK_FAULT] = "would add: ",
	};
	json_t *lines = json_array(), *changes = json_array();
	char text[600];

	for (size_t i = 0; i < link->change_count; i++) {
		write_change(link->changes[i], args->dry, text, sizeof(text));
		json_array_append_new(lines, json_string(text));
		json_array_append_new(changes, json_change(link->changes[i]));
		if (!args->json && !args->quiet)
			printf("%s%s\n", args->dry ? would[link->changes[i]->kind] : "", text);
	}
	if (args->json)
		print_json(json_pack("{s:O, s:O, s:o*}", "links", lines, "changes", changes,
				     "selected", json_selected(&selected, 1)));
	json_decref(lines);
	json_decref(changes);
}

static const struct netsim_opt opts[] = {
	SELECT_OPT(struct link_args, clusters),
	TOPOLOGY_OPT(struct link_args, machine),
	AS_OPT(struct link_args, machine),
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

static int run(const void *p, struct netsim_err *err)
{
	const struct link_args *args = p;
	struct netsim_link_opts request = args->link.opts;
	struct netsim_link *link = NULL;
	const struct select_words words = {&request.targets, &request.target_count, true};
	struct netsim_select *selected = NULL;
	const struct machine_groups groups = {request.targets, request.target_count};
	struct netsim *ctx = NULL;
	int r = open_machine_for(&args->common, &args->machine, &groups, &ctx, err);

	request.fleet = args->common.fleet;
	request.dry_run = args->common.dry;
	if (r == 0)
		r = select_nodes(ctx, &args->common, &args->clusters, &words, &selected, err);
	if (r == 0)
		r = netsim_link(ctx, &request, &link, err);
	close_machine(ctx, r);
	if (r == 0)
		print_changes(&args->common, link, selected);
	netsim_select_free(selected);
	netsim_link_free(link);
	return r;
}

const struct cmd cmd_link = {
	.name = "link",
	.size = sizeof(struct link_args),
	.fill = offsetof(struct link_args, link),
	.more = opts,
	.run = run,
};
