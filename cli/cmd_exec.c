/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "interrupt.h"
#include "out.h"

/* Exit statuses of shells, env(1) and nsenter(1), which no command of netsim has otherwise. */
enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

struct exec_args {
	struct common common;
	struct netsim_exec_words exec;
};

static int run(const void *p, struct netsim_err *err)
{
	const struct exec_args *args = p;
	const struct common *common = &args->common;
	char **command = args->exec.command;
	struct netsim *ctx = NULL;
	int r;

	if (common->dry) {
		printf("would run in %s:", args->exec.node);
		for (char **word = command; *word; word++)
			printf(" %s", *word);
		putchar('\n');
		return 0;
	}
	r = netsim_open(&ctx, err);
	if (r == 0)
		r = netsim_enter(ctx, common->fleet, args->exec.node, err);
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
	.size = sizeof(struct exec_args),
	.fill = offsetof(struct exec_args, exec),
	.run = run,
};
