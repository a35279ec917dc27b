// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks a profile without a fleet: contradictions, and delays too long to resolve addresses. */
#include <errno.h>

#include "netsim/config/profile_parts.h"

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
