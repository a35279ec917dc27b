/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

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

/* Refuses a word that is no command; names the page if it is a kind of file. */
static int refuse_word(const char *word, struct netsim_err *err)
{
	static const char *const kinds[] = {"topology", "profile", "classes",
					    "scenario", "recipe",  "trace"};
	const char *near = cmd_nearest(word);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i], word) == 0) {
			usage_error(err, &cmd_help, "%s is no command", word);
			snprintf(err->hint, sizeof(err->hint),
				 "the manual page of these files is netsim-%s(5)", word);
			return err->code;
		}
	usage_error(err, &cmd_help, "unknown command %s", word);
	if (near)
		snprintf(err->hint, sizeof(err->hint), "did you mean %s?", near);
	return err->code;
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
		return refuse_word(args->words[0], err);
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
