/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands print: errors, tables and JSON. */
#ifndef NETSIM_CLI_OUT_H
#define NETSIM_CLI_OUT_H

#include <jansson.h>

#include "cmd.h"

/* Fills err (kind USAGE) with what is wrong and where to read; returns -EINVAL. */
int usage_error(struct netsim_err *err, const struct cmd *cmd, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The one line of an error, on stderr: "FILE:LINE:COLUMN: error: WHAT; HINT". */
void print_error(const struct netsim_err *err);
/* All mistakes and warnings of a file, on stderr. */
void print_diags(const struct netsim_diags *diags);
/* For --json: the error as an object on stdout. */
void print_json_error(const struct netsim_err *err);
/* The exit status that an error of this kind gives. */
int exit_status(enum netsim_err_kind kind);

/*
 * After a call that reads a file: prints what diags hold, and turns a wrong file
 * into an error that is already printed. Returns r.
 */
int report_file(int r, const struct common *common, const struct netsim_diags *diags,
		struct netsim_err *err);

/* Appends the mistakes and warnings to a JSON array. */
void add_diags(json_t *list, const struct netsim_diags *diags);

/* Prints JSON on stdout and gives up the reference. */
void print_json(json_t *json);
/* For json_dump...(): so many digits that 0.1 is not 0.10000000000000001. */
#define JSON_DIGITS JSON_REAL_PRECISION(15)
/* A number with so many places behind the point: what is beyond them is not meant. */
json_t *json_decimal(double value, int places);
/* Seconds, exact to the nanosecond. */
json_t *json_seconds(double seconds);
/* A text that may be of any bytes, as names of files are; what is no UTF-8 is shown as "?". */
json_t *json_words(const char *text);

/* Columns that are as wide as they must be. */
#define TABLE_COLUMNS 8
struct table {
	char (*cells)[TABLE_COLUMNS][168];
	size_t rows;
	int columns;
};
void table_add(struct table *table, const char *const *cells, int count);
/*
 * A row whose cell at holds the conditions of both ways: once where they are the same,
 * else "up: ..." and, in a line below, "down: ...".
 */
void table_add_ways(struct table *table, const char **cells, int count, int at, const char *up,
		    const char *down);
/* Prints and empties it. */
void table_print(struct table *table, FILE *out);

/* Seconds of a steady clock. */
double now_seconds(void);

/* Ports that there were no more packets from. */
void print_gone_ports(size_t gone, size_t all);

/* "1 node", "5 nodes". */
const char *plural(size_t count);

#endif
