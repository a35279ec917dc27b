/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output of the commands: errors, tables and JSON. */
#ifndef NETSIM_CLI_OUT_H
#define NETSIM_CLI_OUT_H

#include <jansson.h>

#include "cmd.h"

/* Fills err (kind USAGE), with a hint at the command's help; returns -EINVAL. */
int usage_error(struct netsim_err *err, const struct cmd *cmd, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints an error as one line on stderr: "FILE:LINE:COLUMN: error: WHAT; HINT". */
void print_error(const struct netsim_err *err);
/* Prints all errors and warnings of a file on stderr. */
void print_diags(const struct netsim_diags *diags);
/* --json: prints the error on stdout, as the only one of the list errors. */
void print_json_error(const struct netsim_err *err);
/* Returns the exit status of an error of this kind. */
int exit_status(enum netsim_err_kind kind);

/*
 * Conditions as an object of values with their units in the names; NULL if the text has none, as of
 * a link that is down.
 */
json_t *json_conditions(const char *text);

/*
 * After a call that reads a file: prints its diagnostics; print_json() adds warnings to the next
 * object, if it is to be JSON. For an invalid file the error is then already printed. Returns r, or
 * the exit status if it printed the error.
 */
int report_file(int r, const struct common *common, const struct netsim_diags *diags,
		struct netsim_err *err);

/* The exit status of a file with mistakes: 3, or 5 if the process could not read it. */
int diags_status(const struct netsim_diags *diags);

/* Appends the errors and warnings to a JSON array. */
void add_diags(json_t *list, const struct netsim_diags *diags);

/* Sets the command whose JSON is printed from now on. */
void json_begin(const char *command);
/* Prints an object with the member "schema", "netsim-COMMAND-1", first; drops the reference. */
void print_json_to(FILE *out, json_t *json);
/* The same on stdout. */
void print_json(json_t *json);
/* The same on stdout, as one line of a stream. */
void print_json_line(json_t *json);
/* For json_dump...(): 15 digits, so that 0.1 is not printed as 0.10000000000000001. */
#define JSON_DIGITS JSON_REAL_PRECISION(15)
/* A number rounded to this many decimal places. */
json_t *json_decimal(double value, int places);
/* Seconds, exact to the nanosecond. */
json_t *json_seconds(double seconds);
/* A string of arbitrary bytes, such as a file name; "?" replaces invalid UTF-8. */
json_t *json_words(const char *text);
/* "a,b,c" as a list. */
json_t *json_list(const char *words);

#define TEXT_COLUMNS 80 /* text is not wider, except words that are */

/*
 * A table; each column is as wide as its longest cell. If the table would be wider than
 * TEXT_COLUMNS, the cells of its widest columns continue on further lines.
 */
#define TABLE_COLUMNS	8
#define TABLE_NARROWEST 12
struct table {
	char (*cells)[TABLE_COLUMNS][168];
	size_t rows;
	int columns;
};
void table_add(struct table *table, const char *const *cells, int count);
/*
 * Adds a row whose cell number `at` holds the conditions of both directions: once if they
 * are equal, else "up: ..." with "down: ..." on the line below.
 */
void table_add_ways(struct table *table, const char **cells, int count, int at, const char *up,
		    const char *down);
/* Prints and empties the table. */
void table_print(struct table *table, FILE *out);

/* Text that continues on further lines, indented. */
struct wrap {
	FILE *out;
	int indent, column;
};
void wrap_begin(struct wrap *wrap, FILE *out, const char *label, int indent);
void wrap_word(struct wrap *wrap, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void wrap_end(struct wrap *wrap);

/* CLOCK_MONOTONIC in seconds. */
double now_seconds(void);

/* Returns the plural ending: "1 node", "5 nodes". */
const char *plural(size_t count);
/* "netem", "edt"; NULL if none is in use. */
static inline const char *engine_name(enum netsim_engine engine)
{
	return engine == NETSIM_ENGINE_EDT ? "edt" : engine == NETSIM_ENGINE_NETEM ? "netem" : NULL;
}

#endif
