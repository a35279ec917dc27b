/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int usage_error(struct netsim_err *err, const struct cmd *cmd, const char *fmt, ...)
{
	int used = snprintf(err->what, sizeof(err->what), "%s: ", cmd->name);
	va_list ap;

	err->kind = NETSIM_ERR_USAGE;
	err->code = -EINVAL;
	va_start(ap, fmt);
	vsnprintf(err->what + used, sizeof(err->what) - (size_t)used, fmt, ap);
	va_end(ap);
	snprintf(err->hint, sizeof(err->hint), "try netsim help %s", cmd->name);
	return -EINVAL;
}

int exit_status(enum netsim_err_kind kind)
{
	switch (kind) {
	case NETSIM_ERR_NONE:
		return 0;
	case NETSIM_ERR_FAILED:
		return 1;
	case NETSIM_ERR_USAGE:
		return 2;
	case NETSIM_ERR_INPUT:
		return 3;
	case NETSIM_ERR_KERNEL:
		return 4;
	case NETSIM_ERR_ENV:
		return 5;
	case NETSIM_ERR_UNPROVED:
		return 6;
	case NETSIM_ERR_BUG:
		break;
	}
	return 70;
}

void print_error(const struct netsim_err *err)
{
	if (err->loc.file && err->loc.line)
		fprintf(stderr, "%s:%u:%u: %s: ", err->loc.file, err->loc.line, err->loc.column,
			err->warning ? "warning" : "error");
	else if (err->loc.file)
		fprintf(stderr, "%s: error: ", err->loc.file);
	else
		fprintf(stderr, "netsim: ");
	fputs(err->what, stderr);
	if (*err->kernel)
		fprintf(stderr, " (kernel: %s)", err->kernel);
	if (*err->hint)
		fprintf(stderr, "; %s", err->hint);
	fputc('\n', stderr);
}

void print_diags(const struct netsim_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++)
		print_error(&diags->list[i]);
	if (diags->more)
		fprintf(stderr, "and %zu more\n", diags->more);
}

static json_t *json_error(const struct netsim_err *err)
{
	json_t *json =
		json_pack("{s:s, s:i, s:b}", "what", err->what, "status",
			  err->warning ? 0 : exit_status(err->kind), "warning", err->warning);

	if (err->loc.file)
		json_object_set_new(json, "file", json_string(err->loc.file));
	if (err->loc.file && err->loc.line) {
		json_object_set_new(json, "line", json_integer(err->loc.line));
		json_object_set_new(json, "column", json_integer(err->loc.column));
	}
	if (*err->kernel)
		json_object_set_new(json, "kernel", json_string(err->kernel));
	if (*err->hint)
		json_object_set_new(json, "hint", json_string(err->hint));
	return json;
}

json_t *json_conditions(const char *text)
{
	struct netsim_conditions *conditions = NULL;
	json_t *values = NULL;

	if (netsim_conditions(text, &conditions, NULL) < 0)
		return NULL;
	if (conditions->count)
		values = json_object();
	for (size_t i = 0; i < conditions->count; i++) {
		const struct netsim_value *value = conditions->values[i];

		json_object_set_new(
			values, value->name,
			value->kind == NETSIM_VALUE_TEXT  ? json_string(value->text) :
			value->kind == NETSIM_VALUE_COUNT ? json_integer((json_int_t)value->count) :
							    json_decimal(value->number, 9));
	}
	netsim_conditions_free(conditions);
	return values;
}

void print_json_error(const struct netsim_err *err)
{
	print_json(json_pack("{s:[o]}", "errors", json_error(err)));
}

void add_diags(json_t *list, const struct netsim_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++)
		json_array_append_new(list, json_error(&diags->list[i]));
}

int diags_status(const struct netsim_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++)
		if (diags->list[i].kind == NETSIM_ERR_ENV)
			return exit_status(NETSIM_ERR_ENV);
	return exit_status(NETSIM_ERR_INPUT);
}

static const char *json_command;
static json_t *json_warnings; /* of files, for the next object; or NULL */

int report_file(int r, const struct common *common, const struct netsim_diags *diags,
		struct netsim_err *err)
{
	bool wrong = r < 0 && err->kind == NETSIM_ERR_NONE;
	json_t *list;

	print_diags(diags);
	if (!common->json || (!wrong && !diags->count))
		return wrong ? diags_status(diags) : r;
	list = wrong || !json_warnings ? json_array() : json_warnings;
	add_diags(list, diags);
	if (!wrong) {
		json_warnings = list;
		return r;
	}
	print_json(json_pack("{s:o}", "errors", list));
	return diags_status(diags);
}

void json_begin(const char *command)
{
	json_command = command;
}

static void dump(FILE *out, json_t *json, size_t flags)
{
	json_t *whole = json_object();
	char schema[64];

	snprintf(schema, sizeof(schema), "netsim-%s-1", json_command);
	json_object_set_new(whole, "schema", json_string(schema));
	json_object_update(whole, json);
	json_dumpf(whole, out, flags | JSON_DIGITS);
	fputc('\n', out);
	json_decref(whole);
	json_decref(json);
}

void print_json_to(FILE *out, json_t *json)
{
	dump(out, json, JSON_INDENT(2));
}

void print_json(json_t *json)
{
	if (json_warnings)
		json_object_set_new(json, "warnings", json_warnings);
	json_warnings = NULL;
	print_json_to(stdout, json);
}

void print_json_line(json_t *json)
{
	dump(stdout, json, JSON_COMPACT);
}

json_t *json_decimal(double value, int places)
{
	char text[400];

	snprintf(text, sizeof(text), "%.*f", places, value);
	return json_real(strtod(text, NULL));
}

json_t *json_seconds(double seconds)
{
	return json_decimal(seconds, 9);
}

json_t *json_words(const char *text)
{
	json_t *json = json_string(text);
	char *plain = json ? NULL : strdup(text);

	for (char *p = plain; p && *p; p++)
		if (*p & 0x80)
			*p = '?';
	if (plain)
		json = json_string(plain);
	free(plain);
	return json;
}

json_t *json_list(const char *words)
{
	json_t *list = json_array();

	for (size_t length; *words; words += length + (words[length] == ',')) {
		length = strcspn(words, ",");
		json_array_append_new(list, json_stringn(words, length));
	}
	return list;
}

void table_add(struct table *table, const char *const *cells, int count)
{
	void *more = realloc(table->cells, (table->rows + 1) * sizeof(*table->cells));

	if (!more)
		return;
	table->cells = more;
	memset(table->cells[table->rows], 0, sizeof(*table->cells));
	for (int i = 0; i < count && i < TABLE_COLUMNS; i++)
		snprintf(table->cells[table->rows][i], sizeof(table->cells[0][0]), "%.167s",
			 cells[i]);
	table->columns = count > table->columns ? count : table->columns;
	table->rows++;
}

void table_add_ways(struct table *table, const char **cells, int count, int at, const char *up,
		    const char *down)
{
	const char *below[TABLE_COLUMNS] = {0};
	char text[2][160];

	cells[at] = up;
	if (strcmp(up, down) == 0) {
		table_add(table, cells, count);
		return;
	}
	snprintf(text[0], sizeof(text[0]), "up: %s", up);
	snprintf(text[1], sizeof(text[1]), "down: %s", down);
	for (int i = 0; i < at; i++)
		below[i] = "";
	cells[at] = text[0];
	below[at] = text[1];
	table_add(table, cells, count);
	table_add(table, below, at + 1);
}

static int last_cell(const struct table *table, size_t row)
{
	int last = table->columns - 1;

	while (last > 0 && !*table->cells[row][last])
		last--;
	return last;
}

static int cell_width(const struct table *table, int column)
{
	int width = 0;

	for (size_t i = 0; i < table->rows; i++) {
		int length = (int)strlen(table->cells[i][column]);

		width = length > width ? length : width;
	}
	return width;
}

/* Narrows the widest columns until the table fits. */
static void fit_columns(const struct table *table, int widths[TABLE_COLUMNS])
{
	int over = -2 - TEXT_COLUMNS;

	for (int c = 0; c < table->columns; c++) {
		widths[c] = cell_width(table, c);
		over += widths[c] + 2;
	}
	while (over > 0) {
		int widest = 0, second = 0, cut;

		for (int c = 1; c < table->columns; c++)
			widest = widths[c] > widths[widest] ? c : widest;
		for (int c = 0; c < table->columns; c++)
			if (c != widest && widths[c] > second)
				second = widths[c];
		if (widths[widest] <= TABLE_NARROWEST)
			return;
		second = second < TABLE_NARROWEST ? TABLE_NARROWEST : second;
		cut = widths[widest] - second;
		cut = cut < 1 ? 1 : cut > over ? over : cut;
		widths[widest] -= cut;
		over -= cut;
	}
}

/*
 * Returns the length of the part of text for one line: up to the last space that fits, or else the
 * next space; all of it if there is none, as names are not split.
 */
static int first_part(const char *text, int width)
{
	int length = (int)strlen(text), part = 0;

	if (length <= width)
		return length;
	for (int i = 0; i < length && (i <= width || !part); i++)
		if (text[i] == ' ')
			part = i;
	return part ? part : length;
}

/* Prints one line of a row, and moves on in its cells; false if that was the last line. */
static bool print_line(const char *cells[TABLE_COLUMNS], const int *widths, int last, FILE *out)
{
	bool more = false;

	for (int c = 0; c <= last; c++) {
		int part = first_part(cells[c], widths[c]);
		bool ends = true;

		for (int d = c + 1; d <= last; d++)
			ends &= !*cells[d];
		if (ends && !*cells[c])
			break;
		fprintf(out, "%s%.*s", c ? "  " : "", part, cells[c]);
		if (!ends)
			fprintf(out, "%*s", part < widths[c] ? widths[c] - part : 0, "");
		cells[c] += part + (cells[c][part] == ' ');
		more |= *cells[c] != 0;
	}
	fputc('\n', out);
	return more;
}

void table_print(struct table *table, FILE *out)
{
	int widths[TABLE_COLUMNS];

	fit_columns(table, widths);
	for (size_t row = 0; row < table->rows; row++) {
		const char *cells[TABLE_COLUMNS];

		for (int c = 0; c < table->columns; c++)
			cells[c] = table->cells[row][c];
		while (print_line(cells, widths, last_cell(table, row), out))
			;
	}
	free(table->cells);
	*table = (struct table) {0};
}

void wrap_begin(struct wrap *wrap, FILE *out, const char *label, int indent)
{
	*wrap = (struct wrap) {.out = out, .indent = indent, .column = (int)strlen(label)};
	fputs(label, out);
}

void wrap_word(struct wrap *wrap, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int length;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	length = (int)strlen(text);
	if (wrap->column + 1 + length > TEXT_COLUMNS) {
		fprintf(wrap->out, "\n%*s", wrap->indent, "");
		wrap->column = wrap->indent;
	} else {
		fputc(' ', wrap->out);
		wrap->column++;
	}
	fputs(text, wrap->out);
	wrap->column += length;
}

void wrap_end(struct wrap *wrap)
{
	fputc('\n', wrap->out);
}

double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}
