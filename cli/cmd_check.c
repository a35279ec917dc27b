/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "out.h"

static int run(const void *p, struct netsim_err *err)
{
	const struct common *args = p;
	json_t *list = json_array();
	int wrong = 0;

	(void)err;
	for (int i = 0; i < args->count; i++) {
		struct netsim_diags diags = {0};
		FILE *print = args->verbose && !args->json ? stdout : NULL;

		if (netsim_check(args->words[i], print, &diags) < 0 &&
		    wrong != exit_status(NETSIM_ERR_ENV))
			wrong = diags_status(&diags);
		print_diags(&diags);
		add_diags(list, &diags);
	}
	if (args->json)
		print_json(json_pack("{s:O}", "errors", list));
	json_decref(list);
	return wrong;
}

static const struct netsim_syntax syntax = {
	.args = "FILE...",
	.summary = "Check the files that netsim reads; with -v print them.",
	.min = 1,
	.max = -1,
};

const struct cmd cmd_check = {
	.name = "check",
	.syntax = &syntax,
	.size = sizeof(struct common),
	.run = run,
};
