/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "out.h"

struct heal_args {
	struct common common;
	bool all;
};

static const struct opt opts[] = {
	{'a', "all", OPT_FLAG, offsetof(struct heal_args, all), NULL,
	 "every fault (also without any FAULT)"},
	{0, NULL, OPT_FLAG, 0, NULL, NULL},
};

static int parse_faults(const struct common *args, uint32_t *ids, struct netsim_err *err)
{
	for (int i = 0; i < args->count; i++) {
		char *end;
		unsigned long id;

		errno = 0;
		id = strtoul(args->words[i], &end, 10);
		if (errno || *end || end == args->words[i] || *args->words[i] == '-' || !id ||
		    id > UINT32_MAX)
			return usage_error(err, &cmd_heal,
					   "%s is not the number of a fault (see netsim status)",
					   args->words[i]);
		ids[i] = (uint32_t)id;
	}
	return 0;
}

static void print_healed(const struct common *args, const struct netsim_lines *lines)
{
	if (args->json) {
		print_json(json_pack("{s:o}", "healed", json_lines(lines)));
		return;
	}
	for (size_t i = 0; i < lines->count; i++)
		printf("%s %s\n", args->dry ? "would heal" : "healed", lines->list[i]);
	if (!lines->count)
		printf("nothing to heal\n");
}

static int run(const void *p, struct netsim_err *err)
{
	const struct heal_args *args = p;
	const struct common *common = &args->common;
	uint32_t *ids = calloc((size_t)common->count + 1, sizeof(*ids));
	struct netsim_lines lines = {0};
	struct netsim *ns = NULL;
	int r = ids ? 0 : -ENOMEM;

	if (r == 0 && args->all && common->count)
		r = usage_error(err, &cmd_heal, "--all takes no FAULT");
	if (r == 0)
		r = parse_faults(common, ids, err);
	if (r == 0)
		r = netsim_open(&ns, err);
	if (r == 0)
		r = netsim_heal(ns, common->fleet, ids, (size_t)common->count, common->dry, &lines,
				err);
	netsim_close(ns);
	if (r == 0 && !common->quiet)
		print_healed(common, &lines);
	netsim_lines_free(&lines);
	free(ids);
	return r;
}

const struct cmd cmd_heal = {
	.name = "heal",
	.args = "[FAULT...]",
	.summary = "End partitions: those of the given numbers, or all.",
	.opts = opts,
	.size = sizeof(struct heal_args),
	.max = -1,
	.run = run,
};
