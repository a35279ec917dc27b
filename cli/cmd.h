/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands. Each file cmd_VERB.c defines a struct cmd, listed in main.c; help,
 * completion and option parsing are derived from it.
 * A new command needs its file, a declaration below, a line in the table of main.c, and a
 * manual page.
 */
#ifndef NETSIM_CLI_CMD_H
#define NETSIM_CLI_CMD_H

#include <netsim/netsim.h>

/* Options and words of every command; the first member of its arguments. */
struct common {
	bool help, json, dry, quiet, verbose;
	const char *fleet;
	char **words; /* arguments after the options */
	int count;
};

struct cmd {
	const char *name;
	/* NULL: netsim_syntax() has it, because a timeline takes this command, too. */
	const struct netsim_syntax *syntax;
	size_t size; /* of its arguments; they begin with struct common */
	size_t fill; /* the offset in them of the struct that a syntax of the library fills */
	/* Further options, which a timeline does not have; they fill args. Or NULL. */
	const struct netsim_opt *more;
	/* Returns 0 or a negative errno with err filled, or an exit status above 0. */
	int (*run)(const void *args, struct netsim_err *err);
};

extern const struct cmd cmd_analyze, cmd_apply, cmd_capture, cmd_check, cmd_clear, cmd_diff,
	cmd_doctor, cmd_down, cmd_events, cmd_exec, cmd_heal, cmd_fault, cmd_help, cmd_iperf,
	cmd_link, cmd_list, cmd_partition, cmd_measure, cmd_ping_matrix, cmd_plan, cmd_report,
	cmd_reset, cmd_run, cmd_status, cmd_top, cmd_up, cmd_verify, cmd_watch;

/* All commands, in the order of help; NULL-terminated. */
extern const struct cmd *const commands[];
const struct cmd *cmd_find(const char *name);
/* The command that a word resembles, or NULL. */
const char *cmd_nearest(const char *name);

#endif
