/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A square table of nodes: rows send, columns receive. */
#ifndef NETSIM_CLI_MATRIX_H
#define NETSIM_CLI_MATRIX_H

#include "cmd.h"

#define MATRIX_CELL 32

struct matrix {
	const char *corner; /* the title; NULL: columns have no names */
	size_t count;	    /* of nodes */
	const char *(*name)(const void *arg, size_t node);
	/*
	 * A figure, which starts with a digit, or with "!" if it should not be there; or a word.
	 * Less than MATRIX_CELL bytes.
	 */
	const char *(*cell)(const void *arg, size_t from, size_t to);
	const void *arg;
};

/*
 * Prints a table of all nodes if it fits into 80 columns. Otherwise prints a table of groups:
 * nodes of a group have the same words in their cells; figures are shown as a range. If there
 * are too many groups, each node has a line. Returns 0, or -ENOMEM.
 */
int matrix_print(const struct matrix *m, FILE *out);

/* The same for all routes between nodes. */
struct matrix_routes {
	const struct netsim_routes *routes;
	const char (*cells)[MATRIX_CELL]; /* one for each ordered pair, and each node with itself */
};
int matrix_print_routes(const char *corner, const struct matrix_routes *routes, FILE *out);

#endif
