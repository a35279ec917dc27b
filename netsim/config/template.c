// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks and fills texts with {node}, {address}, {data} and {members: ...}. */
#include "netsim/config/template.h"

#include <errno.h>
#include <string.h>

#include "netsim/util/auto.h"
#include "netsim/util/buf.h"

#define MEMBERS "{members:"

/* A placeholder: its text in braces, and its bit. */
static const struct place {
	const char *text;
	unsigned bit;
} places[] = {
	{"{node}", TEMPLATE_NODE},
	{"{address}", TEMPLATE_ADDRESS},
	{"{data}", TEMPLATE_DATA},
	{"{folder}", TEMPLATE_FOLDER},
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static const struct place *place_at(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (begins(text, places[i].text))
			return &places[i];
	return NULL;
}

/* The length of "{members: TEXT}", whose TEXT has braces in pairs; 0: it has no end. */
static size_t members_length(const char *text)
{
	unsigned depth = 0;

	for (size_t i = 0; text[i]; i++) {
		if (begins(text + i, "{{")) {
			i++;
			continue;
		}
		depth += text[i] == '{';
		if (text[i] == '}' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* The TEXT of "{members: TEXT}". */
static const char *inner(const char *text, size_t length, size_t *ret_length)
{
	const char *begin = text + strlen(MEMBERS), *end = text + length - 1;

	while (begin < end && *begin == ' ')
		begin++;
	*ret_length = (size_t)(end - begin);
	return begin;
}

struct checker {
	unsigned allowed, found;
	size_t *bad;
	const char **why, **hint;
};

static int refuse(const struct checker *c, size_t at, const char *why, const char *hint)
{
	*c->bad = at;
	*c->why = why;
	*c->hint = hint;
	return -EINVAL;
}

/* Checks text[from..end). */
static int check(struct checker *c, const char *text, size_t from, size_t end)
{
	size_t length, inside;
	int r = 0;

	for (size_t i = from; i < end && r == 0; i++) {
		const struct place *place = place_at(text + i);

		if (text[i] != '{')
			continue;
		if (text[i + 1] == '{') {
			i++;
			continue;
		}
		if (place && !(place->bit & c->allowed))
			return refuse(c, i, "cannot be used here", NULL);
		if (place) {
			c->found |= place->bit;
			i += strlen(place->text) - 1;
			continue;
		}
		if (!begins(text + i, MEMBERS))
			return refuse(c, i, "is not known",
				      "write {node}, {address}, {data}, {folder}, {members: "
				      "TEXT}, or {{ for a brace");
		if (!(c->allowed & TEMPLATE_MEMBERS))
			return refuse(c, i, "cannot be used here", NULL);
		length = members_length(text + i);
		if (!length)
			return refuse(c, i, "has no end", "close it with }");
		const char *begin = inner(text + i, length, &inside);
		struct checker below = *c;

		below.allowed = TEMPLATE_NODE | TEMPLATE_ADDRESS;
		r = check(&below, text, (size_t)(begin - text), (size_t)(begin - text) + inside);
		c->found |= TEMPLATE_MEMBERS | below.found;
		i += length - 1;
	}
	return r;
}

int template_check(const char *text, unsigned allowed, size_t *bad, const char **why,
		   const char **hint)
{
	struct checker c = {.allowed = allowed, .bad = bad, .why = why, .hint = hint};
	int r = check(&c, text, 0, strlen(text));

	return r < 0 ? r : (int)c.found;
}

/* Returns whether the address is an IPv6 address in a URL or before a port. */
static bool needs_brackets(const char *text, const char *place, const char *after,
			   const char *address)
{
	return strchr(address, ':') &&
	       (*after == ':' || (place - text >= 2 && place[-1] == '/' && place[-2] == '/'));
}

static void fill_place(struct buf *out, const char *text, const char *place, const char *after,
		       const struct template_values *values)
{
	const char *address = values->self.address ? values->self.address : "";

	switch (place_at(place)->bit) {
	case TEMPLATE_NODE:
		buf_puts(out, values->self.node ? values->self.node : "");
		break;
	case TEMPLATE_ADDRESS:
		buf_printf(out, needs_brackets(text, place, after, address) ? "[%s]" : "%s",
			   address);
		break;
	case TEMPLATE_DATA:
		buf_puts(out, values->data ? values->data : "");
		break;
	case TEMPLATE_FOLDER:
		buf_puts(out, values->folder ? values->folder : "");
		break;
	}
}

static void fill(struct buf *out, const char *text, size_t length,
		 const struct template_values *values);

static void fill_members(struct buf *out, const char *text, size_t length,
			 const struct template_values *values)
{
	size_t inside;
	const char *begin = inner(text, length, &inside);

	for (size_t i = 0; i < values->member_count; i++) {
		const struct template_values member = {.self = values->members[i]};

		buf_puts(out, i ? "," : "");
		fill(out, begin, inside, &member);
	}
}

static void fill(struct buf *out, const char *text, size_t length,
		 const struct template_values *values)
{
	for (size_t i = 0; i < length; i++) {
		const struct place *place = place_at(text + i);

		if (place) {
			size_t end = i + strlen(place->text);

			fill_place(out, text, text + i, end < length ? text + end : "", values);
			i = end - 1;
		} else if (begins(text + i, "{{")) {
			buf_puts(out, "{");
			i++;
		} else if (begins(text + i, MEMBERS) && members_length(text + i)) {
			size_t members = members_length(text + i);

			fill_members(out, text + i, members, values);
			i += members - 1;
		} else {
			buf_add(out, text + i, 1);
		}
	}
}

char *template_fill(const char *text, const struct template_values *values)
{
	struct buf out = {0};

	fill(&out, text, strlen(text), values);
	return buf_take(&out);
}
