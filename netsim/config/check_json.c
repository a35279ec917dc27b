// SPDX-License-Identifier: GPL-2.0-or-later
/* Converts the normal form of a file, which `netsim check` prints, to JSON. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/check.h"
#include "netsim/config/doc.h"
#include "netsim/util/auto.h"

static void print_text(const char *text, FILE *out)
{
	fputc('"', out);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(out, "\\u%04x", *p);
		else
			fputc(*p, out);
	fputc('"', out);
}

static const char *skip_digits(const char *p)
{
	while (isdigit((unsigned char)*p))
		p++;
	return p;
}

/* Whether a text is a number of JSON: 0, -1, 0.25, 1e-3; not 010, 1. or 0x10. */
static bool is_number(const char *text)
{
	const char *p = text + (*text == '-'), *from = p;

	p = skip_digits(p);
	if (p == from || (*from == '0' && p - from > 1))
		return false;
	if (*p == '.') {
		from = ++p;
		p = skip_digits(p);
		if (p == from)
			return false;
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		from = p += *p == '+' || *p == '-';
		p = skip_digits(p);
		if (p == from)
			return false;
	}
	return !*p;
}

/* Whether a number is an integer that a JSON reader with signed 64 bits cannot hold. */
static bool is_too_large(const char *text)
{
	if (text[strspn(text, "-0123456789")])
		return false;
	errno = 0;
	(void)strtoll(text, NULL, 10);
	return errno == ERANGE;
}

/* Prints a number of YAML, which may be hexadecimal; false if it is none. */
static bool print_number(const char *text, FILE *out)
{
	size_t digits =
		strncmp(text, "0x", 2) == 0 ? strspn(text + 2, "0123456789abcdefABCDEF") : 0;

	if (digits && digits < 16 && !text[2 + digits])
		fprintf(out, "%llu", strtoull(text, NULL, 16));
	else if (is_number(text) && !is_too_large(text))
		fputs(text, out);
	else
		return false;
	return true;
}

static void print_node(const struct doc_node *node, FILE *out);

static void print_scalar(const struct doc_node *node, FILE *out)
{
	if (doc_is_null(node))
		fputs("null", out);
	else if (!node->quoted &&
		 (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0))
		fputs(node->text, out);
	else if (node->quoted || !print_number(node->text, out))
		print_text(node->text, out);
}

static void print_map(const struct doc_node *node, FILE *out)
{
	for (size_t i = 0; i < node->count; i++) {
		fputs(i ? "," : "", out);
		print_text(node->entries[i].key, out);
		fputc(':', out);
		print_node(node->entries[i].value, out);
	}
}

static void print_node(const struct doc_node *node, FILE *out)
{
	if (!node || node->kind == DOC_TEXT) {
		print_scalar(node, out);
		return;
	}
	fputc(node->kind == DOC_LIST ? '[' : '{', out);
	for (size_t i = 0; node->kind == DOC_LIST && i < node->count; i++) {
		fputs(i ? "," : "", out);
		print_node(node->items[i], out);
	}
	if (node->kind == DOC_MAP)
		print_map(node, out);
	fputc(node->kind == DOC_LIST ? ']' : '}', out);
}

/* --- traces, which are tables */

#define COLUMNS 4 /* time, rate, delay, loss */

/* Splits a line of a table at its spaces; returns the number of words. */
static size_t split(char *line, const char *words[COLUMNS])
{
	char *rest = NULL;
	size_t count = 0;

	for (char *word = strtok_r(line, " ", &rest); word && count < COLUMNS;
	     word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	return count;
}

/* Prints {"rows": [{"time": "0ms", "rate": "1mbit"}, ...], "end": "10s"}. */
static void print_table(char *text, FILE *out)
{
	const char *keys[COLUMNS] = {0}, *words[COLUMNS] = {0};
	char *rest = NULL, *line = strtok_r(text, "\n", &rest);
	size_t columns = line ? split(line, keys) : 0;

	fputs("{\"rows\":[", out);
	for (size_t row = 0; (line = strtok_r(NULL, "\n", &rest)); row++) {
		if (split(line, words) < columns)
			break;
		for (size_t i = 0; i < columns; i++) {
			fputs(i ? "," : row ? ",{" : "{", out);
			print_text(keys[i], out);
			fputc(':', out);
			print_text(words[i], out);
		}
		fputc('}', out);
	}
	fputs("],\"end\":", out);
	print_text(line ? line : "", out);
	fputc('}', out);
}

int check_to_json(const char *path, bool is_trace, char *text, FILE *out)
{
	auto_doc struct doc_node *doc = NULL;
	struct netsim_diags ignored = {0};
	int r = 0;

	if (is_trace)
		print_table(text, out);
	else
		r = doc_parse(path, text, strlen(text), &doc, &ignored);
	if (r == 0 && !is_trace)
		print_node(doc, out);
	return r == 0 && ferror(out) ? -EIO : r;
}
