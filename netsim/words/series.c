// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/words/series.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/auto.h"

/* A text that is parsed; at is the place of the first mistake, too. */
struct cursor {
	const char *text;
	size_t at, len;
};

static char now(const struct cursor *c)
{
	return c->at < c->len ? c->text[c->at] : '\0';
}

static void skip_blanks(struct cursor *c)
{
	while (now(c) == ' ' || now(c) == '\t')
		c->at++;
}

/* Reads a name of letters, digits, '_' and, in names of metrics, ':'. */
static int read_name(struct cursor *c, bool colons, char *ret, size_t room)
{
	size_t begin = c->at, length;

	while (isalnum((unsigned char)now(c)) || now(c) == '_' || (colons && now(c) == ':'))
		c->at++;
	length = c->at - begin;
	if (!length || isdigit((unsigned char)c->text[begin])) {
		c->at = begin;
		return -EINVAL;
	}
	if (length >= room)
		return -E2BIG;
	memcpy(ret, c->text + begin, length);
	ret[length] = '\0';
	return 0;
}

/* Reads a value in quotes, with the escapes \\, \" and \n. */
static int read_value(struct cursor *c, char *ret, size_t room)
{
	size_t length = 0;

	if (now(c) != '"')
		return -EINVAL;
	for (c->at++; now(c) != '"'; c->at++) {
		char next = now(c);

		if (c->at >= c->len || next == '\n' || !next)
			return -EINVAL;
		if (next == '\\') {
			c->at++;
			next = now(c) == 'n' ? '\n' : now(c);
			if (next != '\n' && next != '\\' && next != '"')
				return -EINVAL;
		}
		if (length + 1 >= room)
			return -E2BIG;
		ret[length++] = next;
	}
	ret[length] = '\0';
	c->at++;
	return 0;
}

static int read_label(struct cursor *c, struct series *series)
{
	struct series_label *label = &series->labels[series->label_count];
	int r;

	if (series->label_count == SERIES_LABELS)
		return -E2BIG;
	r = read_name(c, false, label->name, sizeof(label->name));
	if (r == 0 && series_label(series, label->name))
		r = -EINVAL;
	skip_blanks(c);
	if (r == 0 && now(c) != '=')
		r = -EINVAL;
	if (r < 0)
		return r;
	c->at++;
	skip_blanks(c);
	series->label_count++;
	return read_value(c, label->value, sizeof(label->value));
}

static int read_labels(struct cursor *c, struct series *series)
{
	int r = 0;

	c->at++;
	skip_blanks(c);
	while (r == 0 && now(c) != '}') {
		r = read_label(c, series);
		skip_blanks(c);
		if (r == 0 && now(c) != ',' && now(c) != '}')
			r = -EINVAL;
		if (r == 0 && now(c) == ',') {
			c->at++;
			skip_blanks(c);
		}
	}
	c->at += r == 0;
	return r;
}

int series_parse(const char *text, size_t len, struct series *ret, size_t *bad)
{
	struct cursor c = {text, 0, len < INT_MAX ? len : INT_MAX};
	int r;

	ret->label_count = 0;
	r = read_name(&c, true, ret->name, sizeof(ret->name));
	if (r == 0 && now(&c) == '{')
		r = read_labels(&c, ret);
	if (r < 0 && bad)
		*bad = c.at;
	return r < 0 ? r : (int)c.at;
}

const char *series_label(const struct series *series, const char *name)
{
	for (size_t i = 0; i < series->label_count; i++)
		if (strcmp(series->labels[i].name, name) == 0)
			return series->labels[i].value;
	return NULL;
}

bool series_is(const struct series *pattern, const char *suffix, const struct series *series)
{
	size_t length = strlen(pattern->name);

	if (strncmp(pattern->name, series->name, length) != 0 ||
	    strcmp(series->name + length, suffix) != 0)
		return false;
	for (size_t i = 0; i < pattern->label_count; i++) {
		const char *value = series_label(series, pattern->labels[i].name);

		if (!value || strcmp(value, pattern->labels[i].value) != 0)
			return false;
	}
	return true;
}

bool series_matches(const struct series *pattern, const struct series *series)
{
	static const char *const suffixes[] = {"", "_bucket", "_sum", "_count"};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (series_is(pattern, suffixes[i], series))
			return true;
	return false;
}

/* --- the text of an endpoint */

/* "# TYPE name counter" */
static void read_type(struct metrics_reader *reader, struct cursor *c)
{
	static const char *const words[] = {"untyped", "counter", "gauge", "histogram", "summary"};

	c->at = strlen("# TYPE");
	skip_blanks(c);
	reader->type = METRIC_UNTYPED;
	if (read_name(c, true, reader->family, sizeof(reader->family)) < 0) {
		*reader->family = '\0';
		return;
	}
	skip_blanks(c);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (c->len - c->at >= strlen(words[i]) &&
		    memcmp(c->text + c->at, words[i], strlen(words[i])) == 0)
			reader->type = (enum metric_type)i;
}

/* A number, "NaN" or "+Inf", followed by a blank or the end of the line. */
static bool read_number(struct cursor *c, double *ret)
{
	char text[64], *end;
	size_t length = 0;

	skip_blanks(c);
	while (now(c) && !strchr(" \t\r", now(c)) && length + 1 < sizeof(text))
		text[length++] = c->text[c->at++];
	text[length] = '\0';
	*ret = strtod(text, &end);
	return length && !*end;
}

static bool is_of_family(const struct metrics_reader *reader, const char *name)
{
	size_t length = strlen(reader->family);

	return length && strncmp(reader->family, name, length) == 0;
}

static bool read_line(struct metrics_reader *reader, struct cursor *c, struct metrics_value *ret)
{
	int taken;

	if (c->len >= 7 && memcmp(c->text, "# TYPE ", 7) == 0)
		read_type(reader, c);
	if (!c->len || *c->text == '#')
		return false;
	taken = series_parse(c->text, c->len, &ret->series, NULL);
	if (taken < 0)
		return false;
	c->at = (size_t)taken;
	ret->text = c->text;
	ret->len = c->at;
	ret->type = is_of_family(reader, ret->series.name) ? reader->type : METRIC_UNTYPED;
	return read_number(c, &ret->value);
}

bool metrics_next(struct metrics_reader *reader, struct metrics_value *ret)
{
	while (reader->at < reader->end) {
		size_t left = (size_t)(reader->end - reader->at);
		const char *newline = memchr(reader->at, '\n', left);
		struct cursor c = {reader->at, 0, newline ? (size_t)(newline - reader->at) : left};

		reader->at += newline ? c.len + 1 : c.len;
		if (read_line(reader, &c, ret))
			return true;
	}
	return false;
}
