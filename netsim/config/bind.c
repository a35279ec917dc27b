// SPDX-License-Identifier: GPL-2.0-or-later
/* Binds a parsed file to structs by tables of keys, and reports every mistake. */
#include "netsim/config/bind.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "netsim/util/arena.h"
#include "netsim/util/array.h"
#include "netsim/util/buf.h"
#include "netsim/util/name.h"

#define ROWS_MAX 64

void bind_done(struct bind *b)
{
	for (size_t i = 0; i < b->text_count; i++)
		free(b->texts[i]);
	free(b->texts);
	b->texts = NULL;
	b->text_count = 0;
}

bool bind_refuse(struct bind *b, const struct netsim_loc *at, const char *hint, const char *fmt,
		 ...)
{
	char what[sizeof(((struct netsim_err *)0)->what)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	b->mistakes++;
	diag_add(b->diags, at, hint, "%s", what);
	return false;
}

bool bind_oom(struct bind *b)
{
	b->mistakes++;
	diag_oom(b->diags);
	return false;
}

bool bind_spend(struct bind *b, const struct netsim_loc *at)
{
	if (b->values > BIND_VALUES_MAX)
		return false;
	if (b->values++ < BIND_VALUES_MAX)
		return true;
	return bind_refuse(b, at, NULL, "the file expands to more than %d values", BIND_VALUES_MAX);
}

/* Returns the number of leading zeroes by which a range pads a number. */
static size_t padding(const char *number)
{
	size_t zeroes = strspn(number, "0");

	return zeroes && !number[zeroes] ? zeroes - 1 : zeroes;
}

static const char *expand(struct bind *b, const char *text, const struct netsim_loc *at,
			  bool numeric)
{
	const char *next = strstr(text, "{n}");
	auto_buf struct buf buf = {0};

	if (!next)
		return text;
	if (!b->number) {
		bind_refuse(b, at, "{n} needs a node with a range, like \"n-[1-3]\"",
			    "\"%s\": {n} cannot be used here", shown(text));
		return NULL;
	}
	for (const char *begin = text; next; text = next + 3, next = strstr(text, "{n}")) {
		bool begins = next == begin || !isalnum((unsigned char)next[-1]);

		buf_add(&buf, text, (size_t)(next - text));
		buf_puts(&buf, b->number + (numeric && begins ? padding(b->number) : 0));
	}
	buf_puts(&buf, text);
	char **kept = array_push(b->texts, b->text_count);

	if (kept)
		*kept = buf_take(&buf);
	if (kept && *kept)
		return *kept;
	bind_oom(b);
	return NULL;
}

const char *bind_expand(struct bind *b, const char *text, const struct netsim_loc *at)
{
	return expand(b, text, at, false);
}

static const char *bind_text_of(struct bind *b, const char *name, const struct doc_node *node,
				bool numeric)
{
	if (node->kind == DOC_TEXT && !doc_is_null(node))
		return expand(b, node->text, &node->at, numeric);
	bind_refuse(b, &node->at, NULL, "%s: must be text or a number, not %s", shown(name),
		    doc_kind_name(node));
	return NULL;
}

const char *bind_string(struct bind *b, const char *name, const struct doc_node *node)
{
	return bind_text_of(b, name, node, false);
}

const char *bind_number(struct bind *b, const char *name, const struct doc_node *node)
{
	return bind_text_of(b, name, node, true);
}

const char *bind_nearest(const struct bind *b, const char *text, const char *const *names,
			 size_t count)
{
	/* The search is slow: in a file full of mistakes it could take hours. */
	return b->mistakes < 10 * NETSIM_DIAGS_MAX ? name_nearest(text, names, count) : NULL;
}

static size_t row_names(const struct field *rows, unsigned in, const char *names[static ROWS_MAX])
{
	size_t count = 0;

	for (; rows->name; rows++)
		if (!rows->mistake && (!rows->in || rows->in & in) && count < ROWS_MAX)
			names[count++] = rows->name;
	return count;
}

static bool refuse_unknown(struct bind *b, const struct field *rows, const struct doc_entry *entry,
			   const struct scope *scope)
{
	const char *names[ROWS_MAX] = {NULL}, *nearest;
	size_t count = row_names(rows, scope->in, names);
	auto_buf struct buf buf = {0};

	nearest = bind_nearest(b, entry->key, names, count);
	if (nearest)
		return bind_refuse(b, &entry->at, hint_f("did you mean \"%s\"?", nearest),
				   "unknown key \"%s\"", shown(entry->key));
	buf_printf(&buf, "the keys of %s are ", scope->what);
	for (size_t i = 0; i < count; i++)
		buf_printf(&buf, "%s%s", i ? ", " : "", names[i]);
	return bind_refuse(b, &entry->at, buf.data, "unknown key \"%s\"", shown(entry->key));
}

static void mark_given(const struct field *row, const struct netsim_loc *at, void *ret)
{
	char *base = ret;

	if (row->at)
		memcpy(base + row->at - 1, at, sizeof(*at));
	if (row->has && row->has_bit)
		*(unsigned *)(void *)(base + row->has - 1) |= row->has_bit;
	else if (row->has)
		*(bool *)(void *)(base + row->has - 1) = true;
}

static bool bind_entry(struct bind *b, const struct field *rows, const struct doc_entry *entry,
		       const struct scope *scope, void *ret)
{
	const struct field *row = rows;

	if (!bind_spend(b, &entry->at))
		return false;
	while (row->name && strcmp(row->name, entry->key) != 0)
		row++;
	if (!row->name)
		return refuse_unknown(b, rows, entry, scope);
	if (row->mistake)
		return bind_refuse(b, &entry->at, row->mistake, "unknown key \"%s\"", row->name);
	if (row->in && !(row->in & scope->in))
		return bind_refuse(b, &entry->at, scope->hint, "\"%s\" is not allowed in %s",
				   row->name, scope->what);
	if (doc_is_null(entry->value) && !row->nullable)
		return bind_refuse(b, &entry->at, NULL, "%s: has no value", row->name);
	if (!row->bind(b, row, entry->value, (char *)ret + row->offset))
		return false;
	mark_given(row, &entry->value->at, ret);
	return true;
}

bool bind_map(struct bind *b, const struct field *rows, const struct doc_node *node,
	      const struct scope *scope, void *ret)
{
	bool good = !node->flawed;

	if (node->kind != DOC_MAP && !doc_is_null(node))
		return bind_refuse(b, &node->at, NULL, "%s must be a mapping, not %s", scope->what,
				   doc_kind_name(node));
	for (size_t i = 0; i < node->count; i++)
		if (!bind_entry(b, rows, &node->entries[i], scope, ret))
			good = false;
	for (const struct field *row = rows; row->name; row++)
		if (row->required && (!row->in || row->in & scope->in) && !doc_get(node, row->name))
			good = bind_refuse(b, scope->at, NULL, "%s needs the key \"%s\"",
					   scope->what, row->name);
	return good;
}

size_t bind_keys(const struct field *rows, const char **names, size_t count, size_t max)
{
	for (; rows->name; rows++) {
		size_t i = 0;

		if (rows->mistake)
			continue;
		while (i < count && strcmp(names[i], rows->name) != 0)
			i++;
		if (i == count && count < max)
			names[count++] = rows->name;
		if (rows->below && rows->below != rows)
			count = bind_keys(rows->below, names, count, max);
	}
	return count;
}

bool bind_text(struct bind *b, const struct field *field, const struct doc_node *node, void *ret)
{
	struct text *text = ret;

	text->s = bind_string(b, field->name, node);
	text->at = node->at;
	return text->s;
}

bool bind_node(struct bind *b, const struct field *field, const struct doc_node *node, void *ret)
{
	(void)b;
	(void)field;
	*(const struct doc_node **)ret = node;
	return true;
}

bool bind_each(struct bind *b, const struct field *field, const struct doc_node *node,
	       bind_fn *item, void *ret)
{
	bool good = true;

	if (node->kind != DOC_LIST)
		return item(b, field, node, ret);
	for (size_t i = 0; i < node->count; i++)
		if (!bind_spend(b, &node->items[i]->at) || !item(b, field, node->items[i], ret))
			good = false;
	return good;
}

static bool bind_texts_item(struct bind *b, const struct field *field, const struct doc_node *node,
			    void *ret)
{
	struct texts *texts = ret;
	struct text text = {0};

	if (!bind_text(b, field, node, &text))
		return false;
	struct text *item = array_push(texts->list, texts->count);

	if (!item)
		return bind_oom(b);
	*item = text;
	return true;
}

bool bind_texts(struct bind *b, const struct field *field, const struct doc_node *node, void *ret)
{
	struct texts *texts = ret;

	texts->given = true;
	texts->at = node->at;
	return bind_each(b, field, node, bind_texts_item, ret);
}

bool bind_keep_texts(struct bind *b, struct texts *texts, bool good)
{
	if (!texts->list)
		return good;
	texts->list = arena_adopt(b->context, texts->list);
	if (texts->list)
		return good;
	texts->count = 0;
	return bind_oom(b);
}

static void store(void *ret, size_t size, uint64_t value)
{
	switch (size) {
	case sizeof(uint8_t):
		*(uint8_t *)ret = (uint8_t)value;
		break;
	case sizeof(uint16_t):
		*(uint16_t *)ret = (uint16_t)value;
		break;
	case sizeof(uint32_t):
		*(uint32_t *)ret = (uint32_t)value;
		break;
	case sizeof(uint64_t):
		*(uint64_t *)ret = value;
		break;
	}
}

bool bind_word(struct bind *b, const struct field *field, const struct doc_node *node, void *ret)
{
	const char *text = bind_string(b, field->name, node), *nearest;
	auto_buf struct buf buf = {0};
	size_t count = 0;

	if (!text)
		return false;
	for (; field->words[count]; count++) {
		if (strcmp(field->words[count], text) == 0) {
			store(ret, field->size, count);
			return true;
		}
		buf_printf(&buf, "%s%s", count ? ", " : "", field->words[count]);
	}
	nearest = bind_nearest(b, text, field->words, count);
	return bind_refuse(b, &node->at,
			   nearest ? hint_f("did you mean \"%s\"?", nearest) :
				     hint_f("write one of %s", buf.data ? buf.data : ""),
			   "%s: unknown word \"%s\"", field->name, shown(text));
}

bool bind_bool(struct bind *b, const struct field *field, const struct doc_node *node, void *ret)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
	const char *text = bind_string(b, field->name, node);

	if (!text)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(words[i], text) == 0) {
			*(bool *)ret = i % 2;
			return true;
		}
	return bind_refuse(b, &node->at, "write true or false", "%s: \"%s\" is not true or false",
			   field->name, shown(text));
}

bool bind_count(struct bind *b, const struct field *field, const struct doc_node *node, void *ret)
{
	const char *text = bind_number(b, field->name, node);
	uint64_t value;

	if (!text)
		return false;
	if (unit_parse_count(text, field->min, field->max, &value) < 0)
		return bind_refuse(b, &node->at, NULL,
				   "%s: \"%s\" is not a whole number from %llu to %llu",
				   field->name, shown(text), (unsigned long long)field->min,
				   (unsigned long long)field->max);
	store(ret, field->size, value);
	return true;
}

typedef int parse_fn(const char *text, void *ret, const char **why);

static int parse_duration(const char *text, void *ret, const char **why)
{
	return unit_parse_duration(text, ret, why);
}

static int parse_rate(const char *text, void *ret, const char **why)
{
	return unit_parse_rate(text, ret, why);
}

static int parse_size(const char *text, void *ret, const char **why)
{
	return unit_parse_size(text, ret, why);
}

static int parse_ratio(const char *text, void *ret, const char **why)
{
	return unit_parse_ratio(text, ret, why);
}

static int parse_mac(const char *text, void *ret, const char **why)
{
	return unit_parse_mac(text, ret, why);
}

/* Guesses the intended value: drops blanks, folds case, and adds a missing unit. */
static bool guess(const char *text, const char *unit, parse_fn *parse, char *buf, size_t size)
{
	uint64_t value;
	size_t len = 0;

	if (strlen(text) + 8 > size)
		return false;
	for (; *text; text++)
		if (*text != ' ')
			buf[len++] = (char)tolower((unsigned char)*text);
	buf[len] = '\0';
	if (unit && len && buf[strspn(buf, "0123456789.")] == '\0')
		snprintf(buf + len, size - len, "%s", unit);
	return parse(buf, &value, NULL) == 0;
}

static bool bind_quantity(struct bind *b, const struct field *field, const struct doc_node *node,
			  const char *noun, parse_fn *parse, void *ret)
{
	/* A MAC address has two digits in each place. */
	bool padded = parse == parse_mac;
	const char *text = (padded ? bind_string : bind_number)(b, field->name, node), *why = NULL;
	char meant[64];

	if (!text)
		return false;
	if (parse(text, ret, &why) < 0) {
		if (!guess(text, field->unit, parse, meant, sizeof(meant)))
			return bind_refuse(b, &node->at, why, "%s: \"%s\" is not %s", field->name,
					   shown(text), noun);
		bool bare = text[strspn(text, "0123456789.")] == '\0';

		return bind_refuse(b, &node->at, hint_f("write \"%s\"", meant), "%s: \"%s\" %s%s",
				   field->name, shown(text), bare ? "has no unit" : "is not ",
				   bare ? "" : noun);
	}
	if (field->nonzero && memcmp(ret, (uint8_t[8]) {0}, field->size) == 0)
		return bind_refuse(b, &node->at, NULL, "%s: must be above 0", field->name);
	return true;
}

bool bind_duration(struct bind *b, const struct field *field, const struct doc_node *node,
		   void *ret)
{
	return bind_quantity(b, field, node, "a duration", parse_duration, ret);
}

bool bind_rate(struct bind *b, const struct field *field, const struct doc_node *node, void *ret)
{
	const struct rate *rate = ret;
	char text[UNIT_TEXT];

	if (!bind_quantity(b, field, node, "a rate", parse_rate, ret))
		return false;
	return rate->bps >= field->min ||
	       bind_refuse(b, &node->at, NULL, "%s: must be at least %s", field->name,
			   unit_format_rate((struct rate) {field->min}, text));
}

bool bind_size(struct bind *b, const struct field *field, const struct doc_node *node, void *ret)
{
	const struct size *size = ret;
	char text[UNIT_TEXT];

	if (!bind_quantity(b, field, node, "a size", parse_size, ret))
		return false;
	return !field->max || size->bytes <= field->max ||
	       bind_refuse(b, &node->at, NULL, "%s: must be at most %s", field->name,
			   unit_format_size((struct size) {field->max}, text));
}

bool bind_ratio(struct bind *b, const struct field *field, const struct doc_node *node, void *ret)
{
	return bind_quantity(b, field, node, "a ratio", parse_ratio, ret);
}

bool bind_mac(struct bind *b, const struct field *field, const struct doc_node *node, void *ret)
{
	return bind_quantity(b, field, node, "a MAC address", parse_mac, ret);
}
