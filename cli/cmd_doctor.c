/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "out.h"

static void print_text(const struct netsim_findings *found, bool quiet)
{
	struct table table = {0};

	for (size_t i = 0; i < found->count; i++) {
		const struct netsim_finding *f = found->list[i];
		const char *cells[] = {f->what,
				       f->ok	   ? "ok" :
				       f->optional ? "no" :
						     "missing",
				       f->use};

		if (!quiet || !f->ok)
			table_add(&table, cells, 3);
	}
	if (!quiet)
		printf("%s\n", found->kernel);
	table_print(&table, stdout);
	if (!quiet)
		printf("engines: %s\n", found->engines);
	if (!quiet && found->ovs)
		printf("Open vSwitch: %s\n", found->ovs);
	for (size_t i = 0; i < found->count; i++)
		if (!found->list[i]->ok)
			printf("%s: %s; %s: %s\n", found->list[i]->what, found->list[i]->detail,
			       found->list[i]->optional ? "optional, needs" : "needs",
			       found->list[i]->hint);
}

static void print_findings(const struct netsim_findings *found)
{
	json_t *list = json_array();

	for (size_t i = 0; i < found->count; i++) {
		const struct netsim_finding *f = found->list[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:b, s:b, s:s, s:s}", "what", f->what,
						"use", f->use, "ok", f->ok, "optional", f->optional,
						"detail", f->detail, "hint", f->ok ? "" : f->hint));
	}
	print_json(json_pack("{s:s, s:s, s:s*, s:i, s:o}", "kernel", found->kernel, "engines",
			     found->engines, "ovs", found->ovs, "missing", (int)found->missing,
			     "findings", list));
}

static int run(const void *p, struct netsim_err *err)
{
	const struct common *args = p;
	struct netsim_findings *found = NULL;
	int r = netsim_doctor(&found, err);

	if (r < 0)
		return r;
	if (args->json)
		print_findings(found);
	else
		print_text(found, args->quiet);
	r = found->missing ? exit_status(NETSIM_ERR_ENV) : 0;
	netsim_findings_free(found);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "",
	.summary = "Test the features of this kernel, and list those that are missing.",
};

const struct cmd cmd_doctor = {
	.name = "doctor",
	.syntax = &syntax,
	.size = sizeof(struct common),
	.run = run,
};
