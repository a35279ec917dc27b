// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Resolves the conditions of one node and of one path. A fleet of a thousand nodes has a
 * million paths, and a profile may have a hundred thousand pairs: pairs of two plain
 * names are found by binary search, only those with patterns are tried in turn.
 */
#include <stdlib.h>
#include <string.h>

#include "netsim/config/profile_parts.h"
#include "netsim/util/name.h"

enum { BY_DEFAULT, BY_ROLE, BY_PATTERN, BY_NAME };

/* -1: does not match the node. */
static int precedence(const char *pattern, const char *node, const char *const *roles,
		      size_t role_count)
{
	if (!pattern)
		return BY_DEFAULT;
	if (!name_match(pattern, node, roles, role_count))
		return -1;
	if (pattern[0] == '@')
		return BY_ROLE;
	return name_is_pattern(pattern) ? BY_PATTERN : BY_NAME;
}

/* Merges the entries of at least this precedence. */
static int resolve(const struct profile *profile, const struct profile_end *node, int lowest,
		   struct link_conditions *ret, struct netsim_err *err)
{
	struct link_conditions sum = {0};
	int r;

	for (int level = lowest; level <= BY_NAME; level++) {
		for (size_t i = 0; i < profile->rule_count; i++) {
			const struct profile_rule *rule = &profile->rules[i];

			if (precedence(rule->pattern, node->name, node->roles, node->role_count) !=
			    level)
				continue;
			conditions_merge(&sum.up, &rule->conditions.up);
			conditions_merge(&sum.down, &rule->conditions.down);
		}
	}
	r = conditions_check(&sum.up, node->name, "up", err);
	if (r == 0)
		r = conditions_check(&sum.down, node->name, "down", err);
	if (r == 0)
		*ret = sum;
	return r;
}

int profile_resolve(const struct profile *profile, const char *node, const char *const *roles,
		    size_t role_count, struct link_conditions *ret, struct netsim_err *err)
{
	const struct profile_end end = {node, roles, role_count};

	return resolve(profile, &end, BY_DEFAULT, ret, err);
}

int profile_resolve_named(const struct profile *profile, const char *node,
			  struct link_conditions *ret, struct netsim_err *err)
{
	const struct profile_end end = {.name = node};

	return resolve(profile, &end, BY_NAME, ret, err);
}

/* One direction of a pair of two plain names. */
struct exact_pair {
	const char *from, *to;
	size_t place; /* its rank in the file */
	const struct conditions *conditions;
};

struct loose_pair {
	const struct profile_pair *pair;
	int precedence;
};

struct pair_index {
	struct exact_pair *exact; /* sorted by name, then by rank in the file */
	size_t exact_count;
	struct loose_pair *loose; /* sorted by precedence, then by rank in the file */
	size_t loose_count;
};

static int compare_ends(const struct exact_pair *a, const struct exact_pair *b)
{
	int order = strcmp(a->from, b->from);

	return order ? order : strcmp(a->to, b->to);
}

static int compare_exact(const void *va, const void *vb)
{
	const struct exact_pair *a = va, *b = vb;
	int order = compare_ends(a, b);

	if (order)
		return order;
	return a->place < b->place ? -1 : a->place > b->place;
}

static int compare_loose(const void *va, const void *vb)
{
	const struct loose_pair *a = va, *b = vb;

	if (a->precedence != b->precedence)
		return a->precedence - b->precedence;
	return a->pair < b->pair ? -1 : a->pair > b->pair;
}

/* 1: role, 2: pattern, 3: name. */
static int end_precedence(const char *pattern)
{
	if (!name_is_pattern(pattern))
		return 3;
	return *pattern == '@' ? 1 : 2;
}

bool profile_index_pairs(struct profile *profile)
{
	struct pair_index *index = calloc(1, sizeof(*index));

	profile->pair_index = index;
	if (index && profile->pair_count) {
		index->exact = calloc(profile->pair_count, 2 * sizeof(*index->exact));
		index->loose = calloc(profile->pair_count, sizeof(*index->loose));
	}
	if (!index || (profile->pair_count && (!index->exact || !index->loose)))
		return false;
	for (size_t i = 0; i < profile->pair_count; i++) {
		const struct profile_pair *pair = &profile->pairs[i];
		int precedence = end_precedence(pair->from) + end_precedence(pair->to);

		if (precedence < 6) {
			index->loose[index->loose_count++] = (struct loose_pair) {pair, precedence};
			continue;
		}
		index->exact[index->exact_count++] =
			(struct exact_pair) {pair->from, pair->to, i, &pair->conditions.up};
		if (pair->both)
			index->exact[index->exact_count++] = (struct exact_pair) {
				pair->to, pair->from, i, &pair->conditions.down};
	}
	if (profile->pair_count) {
		qsort(index->exact, index->exact_count, sizeof(*index->exact), compare_exact);
		qsort(index->loose, index->loose_count, sizeof(*index->loose), compare_loose);
	}
	return true;
}

void profile_index_free(struct pair_index *index)
{
	if (!index)
		return;
	free(index->exact);
	free(index->loose);
	free(index);
}

bool profile_has_paths(const struct profile *profile)
{
	return profile->pair_count || profile->class_count;
}

const struct netsim_loc *profile_find(const struct profile *profile, enum cond cond)
{
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct link_conditions *c = &profile->rules[i].conditions;

		if (cond_has(&c->up, cond) || cond_has(&c->down, cond))
			return cond_has(&c->up, cond) ? &c->up.at[cond] : &c->down.at[cond];
	}
	return NULL;
}

/* Patterns never match the host: "*" would cut off a user logged in to it. */
static bool is_end(const char *pattern, const struct profile_end *end)
{
	if (!name_is_pattern(pattern))
		return strcmp(pattern, end->name) == 0;
	return strcmp(end->name, "host") != 0 &&
	       name_match(pattern, end->name, end->roles, end->role_count);
}

static void merge_loose(const struct pair_index *index, const struct profile_end *from,
			const struct profile_end *to, struct conditions *sum)
{
	for (size_t i = 0; i < index->loose_count; i++) {
		const struct profile_pair *pair = index->loose[i].pair;

		if (is_end(pair->from, from) && is_end(pair->to, to))
			conditions_merge(sum, &pair->conditions.up);
		else if (pair->both && is_end(pair->from, to) && is_end(pair->to, from))
			conditions_merge(sum, &pair->conditions.down);
	}
}

static void merge_exact(const struct pair_index *index, const char *from, const char *to,
			struct conditions *sum)
{
	const struct exact_pair want = {.from = from, .to = to};
	size_t low = 0, high = index->exact_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_ends(&index->exact[middle], &want) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < index->exact_count && compare_ends(&index->exact[low], &want) == 0; low++)
		conditions_merge(sum, index->exact[low].conditions);
}

int profile_resolve_pair(const struct profile *profile, struct profile_end from,
			 struct profile_end to, struct conditions *ret, struct netsim_err *err)
{
	struct conditions sum = {0};
	char path[160];
	int r;

	if (strcmp(from.name, to.name) != 0) {
		merge_loose(profile->pair_index, &from, &to, &sum);
		merge_exact(profile->pair_index, from.name, to.name, &sum);
	}
	err_format(path, sizeof(path), "%s to %s", from.name, to.name);
	r = conditions_check(&sum, path, "", err);
	if (r == 0)
		*ret = sum;
	return r;
}
