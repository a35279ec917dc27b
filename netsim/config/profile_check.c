// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks a profile: contradictions, delays too long to resolve addresses, mistyped names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/profile_parts.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

#define NAME_SIZE     64 /* of a node */
#define PATTERN_LEAST 4	 /* characters before the first wildcard that can be compared */

/*
 * Returns the bits of rate, burst and delay, on which other conditions depend, that c or its trace
 * has.
 */
static unsigned basis(const struct conditions *c)
{
	return (c->has | (cond_has(c, COND_TRACE) ? c->trace_has : 0)) &
	       (1U << COND_RATE | 1U << COND_BURST | 1U << COND_DELAY);
}

/* Refuses an entry that contradicts itself even with the conditions of all others. */
static int check_entry(struct netsim_diags *diags, const struct conditions *c, unsigned others,
		       const char *owner, const char *direction)
{
	struct conditions sum = *c;
	struct netsim_err err = {0};

	/* Only a peak depends on a burst, and not on the rate of its own trace. */
	if (!cond_has(c, COND_PEAK))
		others &= ~(1U << COND_BURST);
	else if (cond_has(c, COND_TRACE) && c->trace_has & 1U << COND_RATE)
		others &= ~(1U << COND_RATE);
	sum.has |= others;
	if (conditions_check(&sum, owner, direction, &err) == 0)
		return 0;
	return diag_add(diags, &err.loc, *err.hint ? err.hint : NULL, "%s", err.what);
}

int profile_check(const struct profile *profile, struct netsim_diags *diags)
{
	unsigned up = 0, down = 0, path = 0;
	int r = 0;

	for (size_t i = 0; i < profile->rule_count; i++) {
		up |= basis(&profile->rules[i].conditions.up);
		down |= basis(&profile->rules[i].conditions.down);
	}
	for (size_t i = 0; i < profile->pair_count; i++)
		path |= basis(&profile->pairs[i].conditions.up) |
			basis(&profile->pairs[i].conditions.down);
	for (size_t i = 0; i < profile->class_count; i++)
		path |= basis(&profile->classes[i].conditions);
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct profile_rule *rule = &profile->rules[i];
		const char *owner = rule->pattern ? rule->pattern : "default";

		/* Most entries are the same in both directions: report only one. */
		if (check_entry(diags, &rule->conditions.up, up, owner, "up") < 0 ||
		    check_entry(diags, &rule->conditions.down, down, owner, "down") < 0)
			r = -EINVAL;
	}
	for (size_t i = 0; i < profile->pair_count; i++) {
		const struct profile_pair *pair = &profile->pairs[i];

		if (check_entry(diags, &pair->conditions.up, path, "the pair", "") < 0 ||
		    check_entry(diags, &pair->conditions.down, path, "the pair", "") < 0)
			r = -EINVAL;
	}
	for (size_t i = 0; i < profile->class_count; i++)
		if (check_entry(diags, &profile->classes[i].conditions, path,
				profile->classes[i].name, "") < 0)
			r = -EINVAL;
	diags_sort(diags);
	return r;
}

/* ns; the kernel asks three times, once a second, and gives up a second later. */
#define RESOLVE_LIMIT 3000000000

static int64_t limited_delay(const struct conditions *c)
{
	int64_t delay = cond_has(c, COND_DELAY) ? c->delay.ns : 0;

	return delay < INT64_MAX / 8 ? delay : INT64_MAX / 8;
}

/*
 * netem delays ARP and neighbour discovery like all frames: the request crosses the links of
 * both nodes, and so does the reply. Warns if that takes longer than the kernel waits, between
 * two nodes that the entry matches. The edt engine does not delay these frames then.
 */
static void warn_rule(const struct profile *profile, const struct profile_rule *rule,
		      struct netsim_diags *diags)
{
	struct link_conditions sum = rule->conditions;
	const struct netsim_loc *at;
	char text[UNIT_TEXT];
	int64_t turn;

	for (size_t i = 0; rule->pattern && i < profile->rule_count; i++)
		if (!profile->rules[i].pattern) {
			sum = profile->rules[i].conditions;
			conditions_merge(&sum.up, &rule->conditions.up);
			conditions_merge(&sum.down, &rule->conditions.down);
		}
	/* The kernel waits for seconds; longer delays need no exact sum, which could overflow. */
	turn = 2 * (limited_delay(&sum.up) + limited_delay(&sum.down));
	at = cond_has(&rule->conditions.up, COND_DELAY)	  ? &rule->conditions.up.at[COND_DELAY] :
	     cond_has(&rule->conditions.down, COND_DELAY) ? &rule->conditions.down.at[COND_DELAY] :
							    NULL;
	if (at && turn >= RESOLVE_LIMIT)
		diag_warn(diags, at,
			  "between two such nodes an answer takes %s, and the kernel gives up "
			  "resolving an address after 3 s; the edt engine does not delay ARP then",
			  unit_format_duration((struct duration) {turn}, text));
}

void profile_warn_unresolved(const struct profile *profile, struct netsim_diags *diags)
{
	if (profile->engine == ENGINE_EDT || profile_has_paths(profile) || profile->trace_count ||
	    profile_find(profile, COND_LARGER))
		return;
	for (size_t i = 0; i < profile->rule_count; i++)
		warn_rule(profile, &profile->rules[i], diags);
}

/* A name, pattern or @role, and where the profile has it. */
struct named {
	const char *name;
	const struct netsim_loc *at;
};

static int compare_names(const void *va, const void *vb)
{
	return strcmp(*(const char *const *)va, *(const char *const *)vb);
}

static int compare_named(const void *va, const void *vb)
{
	const struct named *a = va, *b = vb;
	int order = strcmp(a->name, b->name);

	return order ? order : (int)a->at->line - (int)b->at->line;
}

static void add_name(struct named *list, size_t *count, const char *name,
		     const struct netsim_loc *at)
{
	if (name && strcmp(name, "host") != 0 && strcmp(name, "*") != 0)
		list[(*count)++] = (struct named) {name, at};
}

/* Lists the names, sorted; returns their number. */
static size_t list_names(const struct profile *profile, struct named *list)
{
	size_t count = 0;

	for (size_t i = 0; i < profile->rule_count; i++)
		add_name(list, &count, profile->rules[i].pattern, &profile->rules[i].at);
	for (size_t i = 0; i < profile->pair_count; i++) {
		add_name(list, &count, profile->pairs[i].from, &profile->pairs[i].from_at);
		add_name(list, &count, profile->pairs[i].to, &profile->pairs[i].to_at);
	}
	if (count)
		qsort(list, count, sizeof(*list), compare_named);
	return count;
}

/* Whether names differ in the numbers in them only: these are two nodes, and no mistake. */
static bool differ_in_numbers(const char *a, const char *b)
{
	static const char digits[] = "0123456789";

	while (*a || *b) {
		size_t in_a = strspn(a, digits), in_b = strspn(b, digits);

		if (!in_a != !in_b || (!in_a && *a != *b))
			return false;
		a += in_a ? in_a : 1;
		b += in_b ? in_b : 1;
	}
	return true;
}

static void warn_name(const struct named *named, const struct profile_fleet *fleet,
		      struct netsim_diags *diags)
{
	const char *near = name_nearest(named->name, fleet->nodes, fleet->node_count);

	if (near && !differ_in_numbers(named->name, near))
		diag_warn(diags, named->at, "the fleet has no node %s; did you mean %s?",
			  named->name, near);
}

static void warn_role(const struct named *named, const struct profile_fleet *fleet,
		      struct netsim_diags *diags)
{
	const char *near = name_nearest(named->name + 1, fleet->roles, fleet->role_count);

	for (size_t i = 0; i < fleet->role_count; i++)
		if (strcmp(fleet->roles[i], named->name + 1) == 0)
			return;
	if (near && !differ_in_numbers(named->name + 1, near))
		diag_warn(diags, named->at,
			  "no node of the fleet has the role %s; did you mean @%s?", named->name,
			  near);
}

/* Compares what a pattern begins with. */
static void warn_pattern(const struct named *named, const struct profile_fleet *fleet,
			 struct netsim_diags *diags)
{
	int length = (int)strcspn(named->name, "*?[");
	char begin[NAME_SIZE], other[NAME_SIZE];
	const char *name = other;

	for (size_t i = 0; i < fleet->node_count; i++)
		if (name_match(named->name, fleet->nodes[i], NULL, 0))
			return;
	snprintf(begin, sizeof(begin), "%.*s", length, named->name);
	for (size_t i = 0; i < fleet->node_count; i++) {
		snprintf(other, sizeof(other), "%.*s", length, fleet->nodes[i]);
		if (length < PATTERN_LEAST || strlen(fleet->nodes[i]) <= (size_t)length ||
		    !name_nearest(begin, &name, 1) || differ_in_numbers(begin, other))
			continue;
		diag_warn(diags, named->at, "no node of the fleet matches %s; did you mean %s?",
			  named->name, fleet->nodes[i]);
		return;
	}
}

static bool is_node(const char *name, const struct profile_fleet *fleet)
{
	return bsearch(&name, fleet->nodes, fleet->node_count, sizeof(*fleet->nodes),
		       compare_names);
}

void profile_warn_names(const struct profile *profile, const struct profile_fleet *fleet,
			struct netsim_diags *diags)
{
	size_t most = profile->rule_count + 2 * profile->pair_count;
	auto_free struct named *list = calloc(most + 1, sizeof(*list));
	size_t names;

	if (!list || !fleet->node_count)
		return;
	names = list_names(profile, list);
	qsort(fleet->nodes, fleet->node_count, sizeof(*fleet->nodes), compare_names);
	for (size_t i = 0; i < names; i++) {
		if (i > 0 && strcmp(list[i].name, list[i - 1].name) == 0)
			continue;
		if (*list[i].name == '@')
			warn_role(&list[i], fleet, diags);
		else if (name_is_pattern(list[i].name))
			warn_pattern(&list[i], fleet, diags);
		else if (!is_node(list[i].name, fleet))
			warn_name(&list[i], fleet, diags);
	}
	diags_sort(diags);
}

/* Whether some node, or the host, is meant. fleet->nodes are sorted. */
static bool is_met(const char *end, const struct profile_fleet *fleet)
{
	if (strcmp(end, "host") == 0 || is_node(end, fleet))
		return true;
	for (size_t i = 0; *end == '@' && i < fleet->role_count; i++)
		if (strcmp(fleet->roles[i], end + 1) == 0)
			return true;
	for (size_t i = 0; *end != '@' && i < fleet->node_count; i++)
		if (name_match(end, fleet->nodes[i], NULL, 0))
			return true;
	return false;
}

size_t profile_warn_pairs(const struct profile *profile, const struct profile_fleet *fleet,
			  struct netsim_diags *diags)
{
	const struct profile_pair *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < profile->pair_count; i++) {
		const struct profile_pair *pair = &profile->pairs[i];

		if (is_met(pair->from, fleet) && is_met(pair->to, fleet))
			continue;
		first = first ? first : pair;
		count++;
	}
	if (count)
		diag_warn(diags, &first->at,
			  "%zu of %zu pairs are without effect, since the fleet has no %s", count,
			  profile->pair_count,
			  is_met(first->from, fleet) ? first->to : first->from);
	return count;
}
