/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "interrupt.h"
#include "out.h"

/* Exit statuses of shells, env(1) and nsenter(1), which no command of netsim has otherwise. */
enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

static int run(const void *p, struct netsim_err *err)
{
	const struct common *args = p;
	char **command = args->words + 1;
	struct netsim *ctx = NULL;
	int r;

	if (strcmp(*command, "--") == 0)
		command++;
	if (!*command)
		return usage_error(err, &cmd_exec, "missing argument, expected %s", cmd_exec.args);
	if (args->dry) {
		printf("would run in %s:", args->words[0]);
		for (char **word = command; *word; word++)
			printf(" %s", *word);
		putchar('\n');
		return 0;
	}
	r = netsim_open(&ctx, err);
	if (r == 0)
		r = netsim_enter(ctx, args->fleet, args->words[0], err);
	netsim_close(ctx);
	if (r < 0)
		return r;
	size_limit_restore();
	execvp(*command, command);
	r = -errno;
	err->kind = NETSIM_ERR_ENV;
	err->code = r;
	snprintf(err->what, sizeof(err->what), "cannot run %s: %s", *command, strerror(-r));
	print_error(err);
	return r == -ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
}

const struct cmd cmd_exec = {
	.name = "exec",
	.args = "NODE -- COMMAND [ARGUMENT...]",
	.summary = "Run a command inside a node; its exit status is the command's.",
	.size = sizeof(struct common),
	.min = 2,
	.max = -1,
	.raw = true,
	.run = run,
};
