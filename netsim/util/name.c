// SPDX-License-Identifier: GPL-2.0-or-later
/* Names: patterns, ranges, nearest names, interface names. */
#include "netsim/util/name.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NODE_LEN 255 /* longer than any node name */

static const char *parse_number(const char *p, unsigned *ret)
{
	const char *start = p;

	for (*ret = 0; isdigit((unsigned char)*p) && p - start < 9; p++)
		*ret = *ret * 10 + (unsigned)(*p - '0');
	return p > start && !isdigit((unsigned char)*p) ? p : NULL;
}

int name_range_find(const char *text, struct name_range *ret)
{
	const char *open = strpbrk(text, "[]"), *p, *close;
	struct name_range range = {0};

	if (!open)
		return 0;
	if (*open != '[')
		return -EINVAL;
	p = parse_number(open + 1, &range.first);
	if (!p || *p != '-')
		return -EINVAL;
	close = parse_number(p + 1, &range.last);
	if (!close || *close != ']')
		return -EINVAL;
	if (open[1] == '0' && p - open > 2)
		range.width = (int)(p - open - 1);
	range.start = (size_t)(open - text);
	range.len = (size_t)(close + 1 - open);
	*ret = range;
	return 1;
}

/* Returns a bitmap: bit n is set if the first n digits of node are a number in the range. */
static unsigned range_ends(const struct name_range *range, const char *node)
{
	unsigned ends = 0, value = 0;

	for (int len = 1; len <= 9 && isdigit((unsigned char)node[len - 1]); len++) {
		value = value * 10 + (unsigned)(node[len - 1] - '0');
		bool padded = len > 1 && node[0] == '0';
		bool form = range->width ? len == range->width || (len > range->width && !padded) :
					   !padded;

		if (form && value >= range->first && value <= range->last)
			ends |= 1U << len;
	}
	return ends;
}

/* Consumes one element of the pattern; at[] is the set of offsets in node matched so far. */
static size_t match_step(const char *pattern, const char *node, size_t len, bool *at)
{
	struct name_range range;
	bool next[NODE_LEN + 1] = {false};
	size_t taken = 1;
	bool is_range = *pattern == '[' && name_range_find(pattern, &range) == 1;

	if (is_range)
		taken = range.len;
	for (size_t i = 0; i <= len; i++) {
		if (!at[i])
			continue;
		if (*pattern == '*') {
			memset(next + i, true, len + 1 - i);
			break;
		}
		if (is_range) {
			unsigned ends = range_ends(&range, node + i);

			for (size_t n = 1; n <= 9; n++)
				if (ends & 1U << n)
					next[i + n] = true;
		} else if (i < len && (*pattern == '?' || *pattern == node[i])) {
			next[i + 1] = true;
		}
	}
	memcpy(at, next, len + 1);
	return taken;
}

bool name_match(const char *pattern, const char *node, const char *const *roles, size_t role_count)
{
	bool at[NODE_LEN + 1] = {true};
	size_t len = strlen(node);

	if (*pattern == '@') {
		for (size_t i = 0; i < role_count; i++)
			if (strcmp(pattern + 1, roles[i]) == 0)
				return true;
		return false;
	}
	if (len > NODE_LEN)
		return false;
	while (*pattern)
		pattern += match_step(pattern, node, len, at);
	return at[len];
}

bool name_is_pattern(const char *text)
{
	return *text == '@' || strpbrk(text, "*?[");
}

bool name_is_plain(const char *text, size_t max)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x80 || (!isalnum(c) && (i == 0 || !strchr(".-_", c))))
			return false;
	}
	return len > 0 && len <= max;
}

bool name_is_fault(const char *text)
{
	return name_is_plain(text, 31) && strspn(text, "0123456789") < strlen(text);
}

const char *name_interface_flaw(const char *text)
{
	if (!*text)
		return "is empty";
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("/:%", *p))
			return "has a character that is not allowed in an interface name";
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0 || strcmp(text, "all") == 0 ||
	    strcmp(text, "default") == 0 || strcmp(text, "bonding_masters") == 0)
		return "is not a valid interface name";
	return strlen(text) >= IFNAMSIZ ? "is too long" : NULL;
}

#define NEAR_LEN 32

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Damerau-Levenshtein distance (optimal string alignment), ignoring case. */
static size_t distance(const char *a, const char *b)
{
	size_t d[3][NEAR_LEN + 1] = {{0}}, la = strlen(a), lb = strlen(b);

	if (la > NEAR_LEN || lb > NEAR_LEN)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *now = d[i % 3], *up = d[(i + 2) % 3], *upup = d[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			int x = tolower((unsigned char)a[i - 1]),
			    y = tolower((unsigned char)b[j - 1]);

			now[j] = min3(up[j] + 1, now[j - 1] + 1, up[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]) && upup[j - 2] + 1 < now[j])
				now[j] = upup[j - 2] + 1;
		}
	}
	return d[la % 3][lb];
}

const char *name_nearest(const char *text, const char *const *names, size_t count)
{
	const char *best = NULL;
	size_t len = strlen(text), best_distance = (len < 4 ? 1 : len < 7 ? 2 : 3) + 1;

	for (size_t i = 0; i < count; i++) {
		size_t d = distance(text, names[i]);

		/* A distance of the word's length would replace all of it. */
		if (d < best_distance && d < len) {
			best = names[i];
			best_distance = d;
		}
	}
	return best;
}

unsigned name_hash(const char *text)
{
	uint32_t hash = 2166136261U;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return hash;
}

void name_fit(const char *full, char ret[static IFNAMSIZ])
{
	if (strlen(full) < IFNAMSIZ)
		snprintf(ret, IFNAMSIZ, "%s", full);
	else
		snprintf(ret, IFNAMSIZ, "%04x~%s",
			 (name_hash(full) >> 16 ^ name_hash(full)) & 0xffff,
			 full + strlen(full) - (IFNAMSIZ - 1 - 5));
}
