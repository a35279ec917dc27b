/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "out.h"

static int run(const void *p, struct netsim_err *err)
{
	const struct common *args = p;
	int result = 0;

	for (int i = 0; i < args->count; i++) {
		struct netsim_diags diags = {0};
		int r = netsim_check(args->words[i], args->verbose ? stdout : NULL, &diags);

		r = report_file(r, args, &diags, err);
		result = r ? r : result;
	}
	if (result == 0 && args->json)
		print_json(json_pack("{s:[]}", "errors"));
	return result;
}

const struct cmd cmd_check = {
	.name = "check",
	.args = "FILE...",
	.summary = "Check topologies and profiles; with -v print what was understood.",
	.size = sizeof(struct common),
	.min = 1,
	.max = -1,
	.run = run,
};
