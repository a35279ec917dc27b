/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the ports that apply or clear shaped, with their conditions. */
#ifndef NETSIM_CLI_APPLY_PRINT_H
#define NETSIM_CLI_APPLY_PRINT_H

#include "cmd.h"

void print_applied(const struct common *args, const struct netsim_apply *done);

#endif
