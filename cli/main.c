/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netsim: the command line of libnetsim. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "interrupt.h"
#include "opt.h"
#include "out.h"

const struct cmd *const commands[] = {
	&cmd_up,     &cmd_down,	  &cmd_reset,	    &cmd_plan,	  &cmd_diff,	&cmd_check,
	&cmd_list,   &cmd_watch,  &cmd_status,	    &cmd_events,  &cmd_top,	&cmd_exec,
	&cmd_apply,  &cmd_clear,  &cmd_partition,   &cmd_fault,	  &cmd_link,	&cmd_heal,
	&cmd_verify, &cmd_iperf,  &cmd_ping_matrix, &cmd_measure, &cmd_capture, &cmd_analyze,
	&cmd_run,    &cmd_report, &cmd_doctor,	    &cmd_help,	  NULL,
};

const struct cmd *cmd_find(const char *name)
{
	for (int i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

const char *cmd_nearest(const char *name)
{
	const char *names[sizeof(commands) / sizeof(commands[0])];
	size_t count = 0;

	for (; commands[count]; count++)
		names[count] = commands[count]->name;
	return netsim_nearest(name, names, count);
}

/* Refuses an unknown command; next: the word after it, or NULL. */
static int refuse_command(const char *name, const char *next)
{
	const char *near = cmd_nearest(name);

	if (*name == '-')
		fprintf(stderr, "netsim: options follow the command: netsim %s %s\n",
			next && cmd_find(next) ? next : "COMMAND", name);
	else
		fprintf(stderr, "netsim: unknown command %s; %s%s%s\n", name,
			near ? "did you mean " : "try netsim help", near ? near : "",
			near ? "?" : "");
	return exit_status(NETSIM_ERR_USAGE);
}

/* Runs a command with the words after it; returns the exit status. */
static int run(const struct cmd *cmd, char **words)
{
	struct netsim_err err = {0};
	struct common *args = calloc(1, cmd->size);
	bool failed;
	int r;

	if (!args)
		return exit_status(NETSIM_ERR_BUG);
	json_begin(cmd->name);
	r = opt_parse(cmd, words, args, &err);
	if (r == 0 && args->help)
		opt_help(cmd, stdout);
	else if (r == 0)
		r = cmd->run(args, &err);
	failed = r < 0;
	if (failed) {
		if (args->json)
			print_json_error(&err);
		print_error(&err);
		r = exit_status(err.kind == NETSIM_ERR_NONE ? NETSIM_ERR_BUG : err.kind);
	}
	/* A result that cannot be printed is an error. A failed command has printed its own. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && !failed) {
		fputs("netsim: cannot write standard output\n", stderr);
		r = exit_status(NETSIM_ERR_ENV);
	}
	free(args);
	return r;
}

/*
 * Opens /dev/null at standard descriptors that are closed: files and sockets would otherwise take
 * them, and receive the output. Reading standard input and writing standard output still fail.
 */
static void occupy_standard_files(void)
{
	static const int ways[] = {
		[STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_WRONLY};

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", ways[fd] | O_CLOEXEC);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "help";
	const struct cmd *cmd;

	occupy_standard_files();
	size_limit_catch();
	if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)
		name = "help";
	if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0) {
		printf("netsim %s\n", netsim_version());
		return 0;
	}
	cmd = cmd_find(name);
	if (!cmd)
		return refuse_command(name, argc > 2 ? argv[2] : NULL);
	return run(cmd, argv + (argc > 1 ? 2 : 1));
}
