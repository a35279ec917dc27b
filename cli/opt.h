/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the command line from option tables. */
#ifndef NETSIM_CLI_OPT_H
#define NETSIM_CLI_OPT_H

#include "cmd.h"

/* Options that every command takes. */
extern const struct netsim_opt common_opts[];

/* Returns the syntax of a command. */
const struct netsim_syntax *opt_syntax(const struct cmd *cmd);

/*
 * Fills args (zeroed, cmd->size bytes) from the words after the command, which end with
 * NULL; the arguments remain in them.
 */
int opt_parse(const struct cmd *cmd, char **words, void *args, struct netsim_err *err);

/* Prints a command's help. */
void opt_help(const struct cmd *cmd, FILE *out);

#endif
