/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A square table of nodes: rows send, columns receive. */
#ifndef NETSIM_CLI_MATRIX_H
#define NETSIM_CLI_MATRIX_H

#include "cmd.h"

#define MATRIX_CELL 32

/* cells: one for each ordered pair, including each node with itself. */
void matrix_print(const char *corner, const struct netsim_routes *routes,
		  const char (*cells)[MATRIX_CELL], FILE *out);

#endif
