/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "opt.h"
#include "out.h"

static void print_overview(void)
{
	printf("usage: netsim COMMAND [OPTION]... [ARGUMENT]...\n\n"
	       "Build a fleet's network on this host, shape it, partition it, heal it.\n\n");
	for (int i = 0; commands[i]; i++)
		printf("  %-11s %s\n", commands[i]->name, opt_syntax(commands[i])->summary);
	printf("\nSee netsim help COMMAND for its options, and netsim(8) for the manual.\n");
}

static int run(const void *p, struct netsim_err *err)
{
	const struct common *args = p;
	const struct cmd *cmd;

	if (!args->count) {
		print_overview();
		return 0;
	}
	cmd = cmd_find(args->words[0]);
	if (!cmd)
		return usage_error(err, &cmd_help, "unknown command %s", args->words[0]);
	opt_help(cmd, stdout);
	return 0;
}

static const struct netsim_syntax syntax = {
	.args = "[COMMAND]",
	.summary = "Print help.",
	.max = 1,
};

const struct cmd cmd_help = {
	.name = "help",
	.syntax = &syntax,
	.size = sizeof(struct common),
	.run = run,
};
