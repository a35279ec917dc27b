// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses options from tables, and takes the arguments. */
#include "netsim/words/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/err.h"
#include "netsim/util/name.h"
#include "netsim/util/unit.h"

#define NUMBER_MAX  1000000
#define OPTIONS_MAX 48 /* of a command, to suggest one */

struct options_reader {
	const struct netsim_opt_table *tables;
	size_t table_count;
	char **words;
	size_t next;
	const char **bad;
	struct netsim_err *err;
};

/* A row with the struct that it fills. */
struct found {
	const struct netsim_opt *row;
	void *fill;
};

/* Parses decimal digits, 1 to NUMBER_MAX. */
static int store_number(const struct netsim_opt *row, const char *text, unsigned *ret,
			struct netsim_err *err)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value = digits && digits <= 7 && !text[digits] ? strtoul(text, NULL, 10) : 0;

	if (value < 1 || value > NUMBER_MAX)
		return options_refuse(err, "--%s %s: must be a number from 1 to %d", row->name,
				      text, NUMBER_MAX);
	*ret = (unsigned)value;
	return 0;
}

static int add_text(const struct netsim_opt *row, const char *text, struct netsim_opt_words *ret,
		    struct netsim_err *err)
{
	if (ret->count == NETSIM_OPT_WORDS_MAX)
		return options_refuse(err, "--%s: at most %d values", row->name,
				      NETSIM_OPT_WORDS_MAX);
	ret->list[ret->count++] = text;
	return 0;
}

/* Splits the value at commas, in place. */
static int store_words(const struct netsim_opt *row, char *text, struct netsim_opt_words *ret,
		       struct netsim_err *err)
{
	char *save = NULL;

	for (char *word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save))
		if (add_text(row, word, ret, err) < 0)
			return -EINVAL;
	return ret->count ? 0 : options_refuse(err, "--%s: needs at least one value", row->name);
}

static int store_duration(const struct netsim_opt *row, const char *text, int64_t *ret,
			  struct netsim_err *err)
{
	struct duration value;
	const char *why;

	if (unit_parse_duration(text, &value, &why) < 0)
		return options_refuse(err, "--%s %s: %s", row->name, text, why);
	if (value.ns <= 0)
		return options_refuse(err, "--%s %s: it must be above zero", row->name, text);
	*ret = value.ns;
	return 0;
}

static int store_rate(const struct netsim_opt *row, const char *text, uint64_t *ret,
		      struct netsim_err *err)
{
	struct rate value;
	const char *why;

	if (unit_parse_rate(text, &value, &why) < 0)
		return options_refuse(err, "--%s %s: %s", row->name, text, why);
	if (!value.bps)
		return options_refuse(err, "--%s %s: it must be above zero", row->name, text);
	*ret = value.bps;
	return 0;
}

/* text is NULL for a flag. */
static int store(struct options_reader *r, const struct found *found, char *text)
{
	void *place = (char *)found->fill + found->row->offset;

	*r->bad = text;
	switch (found->row->type) {
	case NETSIM_OPT_FLAG:
		*(bool *)place = true;
		break;
	case NETSIM_OPT_TEXT:
		*(const char **)place = text;
		break;
	case NETSIM_OPT_DURATION:
		return store_duration(found->row, text, place, r->err);
	case NETSIM_OPT_RATE:
		return store_rate(found->row, text, place, r->err);
	case NETSIM_OPT_NUMBER:
		return store_number(found->row, text, place, r->err);
	case NETSIM_OPT_WORDS:
		return store_words(found->row, text, place, r->err);
	case NETSIM_OPT_TEXTS:
		return add_text(found->row, text, place, r->err);
	}
	return 0;
}

/* Takes the next word as the value of the option `word`. */
static int store_next(struct options_reader *r, const struct found *found, char *word)
{
	if (r->words[r->next])
		return store(r, found, r->words[r->next++]);
	*r->bad = word;
	return options_refuse(r->err, "%s needs a value", word);
}

/* Finds a row by its long name, or by a beginning that no other name has. */
static bool find_long(const struct options_reader *r, const char *name, size_t length,
		      struct found *ret)
{
	size_t similar = 0;

	for (size_t t = 0; t < r->table_count; t++) {
		const struct netsim_opt *row = r->tables[t].rows;

		for (; row && row->name; row++) {
			if (strncmp(row->name, name, length) != 0)
				continue;
			*ret = (struct found) {row, r->tables[t].fill};
			if (strlen(row->name) == length)
				return true;
			similar++;
		}
	}
	return similar == 1;
}

static bool find_short(const struct options_reader *r, char letter, struct found *ret)
{
	for (size_t t = 0; t < r->table_count; t++) {
		const struct netsim_opt *row = r->tables[t].rows;

		for (; row && row->name; row++)
			if (row->letter == letter) {
				*ret = (struct found) {row, r->tables[t].fill};
				return true;
			}
	}
	return false;
}

/* Refuses an option, and suggests the one that it resembles. */
static int refuse_option(const struct options_reader *r, const char *word)
{
	const char *names[OPTIONS_MAX], *near, *name = word + strspn(word, "-");
	char option[64];
	size_t count = 0;

	for (size_t t = 0; t < r->table_count; t++)
		for (const struct netsim_opt *row = r->tables[t].rows;
		     row && row->name && count < OPTIONS_MAX; row++)
			names[count++] = row->name;
	snprintf(option, sizeof(option), "%.*s", (int)strcspn(name, "="), name);
	near = name_nearest(option, names, count);
	options_refuse(r->err, "unknown option %s", word);
	if (near)
		err_hint(r->err, "did you mean --%s?", near);
	return -EINVAL;
}

static int read_long(struct options_reader *r, char *word)
{
	char *name = word + 2;
	size_t length = strcspn(name, "=");
	char *value = name[length] ? name + length + 1 : NULL;
	struct found found;
	bool flag;

	*r->bad = word;
	if (!find_long(r, name, length, &found))
		return refuse_option(r, word);
	flag = found.row->type == NETSIM_OPT_FLAG;
	if (flag && value)
		return options_refuse(r->err, "unknown option %s", word);
	return flag || value ? store(r, &found, value) : store_next(r, &found, word);
}

/*
 * Letters may share a word; the value of one takes the rest of it, or the next word. A long name
 * after one dash would be read as letters, and is refused.
 */
static int read_short(struct options_reader *r, char *word)
{
	size_t length = strcspn(word + 1, "=");
	struct found whole;
	int result = 0;

	*r->bad = word;
	if (length > 1 && find_long(r, word + 1, length, &whole) &&
	    strlen(whole.row->name) == length)
		return refuse_option(r, word);
	for (char *letter = word + 1; *letter && result == 0; letter++) {
		struct found found;

		*r->bad = word;
		if (!find_short(r, *letter, &found))
			return (unsigned char)*letter < 0x80 ?
				       options_refuse(r->err, "unknown option -%c", *letter) :
				       options_refuse(r->err, "unknown option %s", word);
		if (found.row->type == NETSIM_OPT_FLAG)
			result = store(r, &found, NULL);
		else if (letter[1])
			return store(r, &found, letter + 1);
		else
			return store_next(r, &found, word);
	}
	return result;
}

int options_parse(const struct netsim_opt_table *tables, size_t table_count, bool raw, char **words,
		  const char **bad, struct netsim_err *err)
{
	const char *ignored;
	struct options_reader r = {tables, table_count, words, 0, bad ? bad : &ignored, err};
	size_t kept = 0;
	bool ended = false;
	int result = 0;

	while (words[r.next] && result == 0) {
		char *word = words[r.next++];

		if (ended || word[0] != '-' || !word[1]) {
			words[kept++] = word;
			ended |= raw;
		} else if (strcmp(word, "--") == 0) {
			ended = true;
		} else {
			result = word[1] == '-' ? read_long(&r, word) : read_short(&r, word);
		}
	}
	words[kept] = NULL;
	return result;
}

int options_take(const struct netsim_syntax *syntax, char **words, void *opts, const char **bad,
		 struct netsim_err *err)
{
	const char *ignored;
	int count = 0;

	bad = bad ? bad : &ignored;
	*bad = NULL;
	while (words[count])
		count++;
	if (count < syntax->min)
		return options_refuse(err, "missing argument, expected %s", syntax->args);
	if (syntax->max >= 0 && count > syntax->max) {
		*bad = words[syntax->max];
		return options_refuse(err, "unexpected argument %s", words[syntax->max]);
	}
	return syntax->take ? syntax->take(words, opts, bad, err) : 0;
}
