/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the command line from option tables. */
#ifndef NETSIM_CLI_OPT_H
#define NETSIM_CLI_OPT_H

#include "cmd.h"

/* Options that every command takes. */
extern const struct opt common_opts[];

/* Fills args (zeroed, cmd->size bytes) from argv; argv[0] is the command. */
int opt_parse(const struct cmd *cmd, int argc, char **argv, void *args, struct netsim_err *err);

/* Prints a command's help. */
void opt_help(const struct cmd *cmd, FILE *out);

#endif
