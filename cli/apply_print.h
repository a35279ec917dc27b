/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How apply and clear tell what they shaped. */
#ifndef NETSIM_CLI_SHAPED_H
#define NETSIM_CLI_SHAPED_H

#include "cmd.h"

/* lines as netsim_apply() gives them: target, up and down, with tabs between. */
void print_shaped(const struct common *args, const struct netsim_lines *lines);

#endif
