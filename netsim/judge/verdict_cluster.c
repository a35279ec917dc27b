// SPDX-License-Identifier: GPL-2.0-or-later
/* Quantities of clusters, from the states of their members, and of pairs of nodes. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/judge/verdict_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

/* --- leader changes */

struct terms {
	int64_t *list;
	size_t count;
};

static int add_term(struct terms *terms, int64_t term)
{
	int64_t *added;

	for (size_t i = 0; i < terms->count; i++)
		if (terms->list[i] == term)
			return 0;
	added = array_push(terms->list, terms->count);
	if (!added)
		return -ENOMEM;
	*added = term;
	return 1;
}

/*
 * Counts the terms in the window that have a leader and are higher than the highest such term
 * before the window or, if there was none, than the first one in the window. A member that is cut
 * off and campaigns raises its term, but has no leader in that term.
 */
static int count_changes(const struct judging *j, uint32_t name, const struct window *window,
			 struct measure *m)
{
	struct terms terms = {0};
	int64_t base = -1;
	size_t samples = 0;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < j->ev->member_count; i++) {
		const struct member_sample *state = &j->ev->members[i];

		if (state->workload != name || state->silent || state->time >= window->end)
			continue;
		samples += state->time >= window->begin;
		if (!state->leader || state->term <= base)
			continue;
		if (state->time < window->begin || base < 0) {
			base = state->term;
			continue;
		}
		r = add_term(&terms, state->term);
		if (r > 0 && m->when == INT64_MIN)
			m->when = state->time;
	}
	if (!samples)
		why_not(m, "no member answered in this phase");
	else
		set_exact(m, (double)terms.count);
	if (base < 0)
		why_not(m, "no member ever reported a leader");
	free(terms.list);
	return r < 0 ? r : 0;
}

/* --- agreement */

struct member {
	uint32_t name;
	const struct member_sample *last; /* in the window, or NULL */
};

struct members {
	struct member *list;
	size_t count;
	int64_t revision; /* the highest one before the window: all must catch up with it */
};

static struct member *find_member(struct members *members, uint32_t name)
{
	struct member *added;

	for (size_t i = 0; i < members->count; i++)
		if (members->list[i].name == name)
			return &members->list[i];
	added = array_push(members->list, members->count);
	if (added)
		added->name = name;
	return added;
}

static bool differs(const struct member_sample *a, const struct member_sample *b)
{
	return a->revision == b->revision && a->hash && b->hash && a->hash != b->hash;
}

/*
 * Whether all members have the same leader and term, have reached the revision before the window,
 * and have no different data at the same revision.
 */
static bool do_agree(const struct members *members)
{
	const struct member_sample *first = members->list[0].last;

	for (size_t i = 0; i < members->count; i++) {
		const struct member_sample *state = members->list[i].last;

		if (!state || state->silent || !state->leader || state->leader != first->leader ||
		    state->term != first->term || state->revision < members->revision)
			return false;
		for (size_t k = 0; k < i; k++)
			if (differs(state, members->list[k].last))
				return false;
	}
	return true;
}

static bool have_different_data(const struct members *members)
{
	for (size_t i = 0; i < members->count; i++)
		for (size_t k = 0; k < i; k++)
			if (members->list[i].last && members->list[k].last &&
			    differs(members->list[i].last, members->list[k].last))
				return true;
	return false;
}

/* Finds all members, also those that never answer in the window. */
static int find_members(const struct judging *j, uint32_t name, const struct window *window,
			struct members *ret)
{
	for (size_t i = 0; i < j->ev->member_count; i++) {
		const struct member_sample *state = &j->ev->members[i];

		if (state->workload != name)
			continue;
		if (!find_member(ret, state->member))
			return -ENOMEM;
		if (state->time < window->begin && state->revision > ret->revision)
			ret->revision = state->revision;
	}
	return 0;
}

static void measure_agrees(const struct judging *j, uint32_t name, const struct window *window,
			   struct members *members, struct measure *m)
{
	int64_t since = INT64_MIN, before = window->begin, apart = window->begin;

	for (size_t i = 0; i < j->ev->member_count; i++) {
		const struct member_sample *state = &j->ev->members[i];

		if (state->workload != name || state->time < window->begin ||
		    state->time >= window->end)
			continue;
		find_member(members, state->member)->last = state;
		if (!do_agree(members)) {
			since = INT64_MIN;
			apart = state->time;
		} else if (since == INT64_MIN) {
			since = state->time;
			before = apart;
		}
	}
	m->at_least = since == INT64_MIN;
	m->value = (double)((m->at_least ? window->end : since) - window->begin);
	m->low = m->at_least ? m->value : (double)(before - window->begin);
	m->high = m->at_least ? INFINITY : m->value;
	if (!m->at_least)
		return;
	m->when = apart;
	doubt_it(m, "the members did not agree at the end of the phase");
	if (!have_different_data(members))
		return;
	m->low = INFINITY;
	doubt_it(m, "members have different data at the same revision");
}

int verdict_measure_cluster(struct judging *j, const struct claim *claim,
			    const struct window *window, struct measure *ret)
{
	uint32_t name = text_table_find(&j->ev->names, claim->subject);
	auto_free struct member *list = NULL;
	struct members members = {0};
	int r;

	if (claim->quantity == CLAIM_LEADER_CHANGES)
		return count_changes(j, name, window, ret);
	r = find_members(j, name, window, &members);
	list = members.list;
	if (r < 0)
		return r;
	if (!members.count)
		why_not(ret, "no member of %s was sampled", shown(claim->subject));
	else
		measure_agrees(j, name, window, &members, ret);
	return 0;
}

/* --- pairs */

/* On a machine that is late, packets may have been counted in too little of a phase. */
#define COUNTED_LEAST 10

static bool is_of_pair(const struct figure *figure, const uint32_t pair[3])
{
	return figure->from == pair[0] && figure->to == pair[1] && figure->class == pair[2];
}

/* Adds up the figures whose middle lies in the window, and the time in which they were counted. */
static struct figure sum_figures(const struct judging *j, const uint32_t pair[3],
				 const struct window *window)
{
	struct figure sum = {0};

	for (size_t i = 0; i < j->ev->figure_count; i++) {
		const struct figure *figure = &j->ev->figures[i];
		int64_t middle = figure->begin + (figure->end - figure->begin) / 2;

		if (!is_of_pair(figure, pair) || middle < window->begin || middle >= window->end)
			continue;
		sum.packets += figure->packets;
		sum.lost += figure->lost;
		sum.end += figure->end - figure->begin;
	}
	return sum;
}

void verdict_measure_pair(struct judging *j, const struct claim *claim, const struct window *window,
			  struct measure *ret)
{
	const struct text_table *names = &j->ev->names;
	const uint32_t pair[3] = {text_table_find(names, claim->subject),
				  text_table_find(names, claim->to),
				  claim->class ? text_table_find(names, claim->class) : 0};
	struct figure sum = sum_figures(j, pair, window);
	double needed = claim->value > 0 ? 1 / claim->value : 1;
	char counted[VALUE_TEXT];

	if (!pair[0] || !pair[1] || (claim->class && !pair[2]))
		sum = (struct figure) {0};
	if (sum.end < (window->end - window->begin) / COUNTED_LEAST) {
		why_not(ret, "the packets were counted for only %s of this phase",
			verdict_instant(sum.end, counted));
		return;
	}
	if (claim->quantity == CLAIM_PACKETS) {
		set_exact(ret, (double)(sum.packets - sum.lost));
		return;
	}
	if (!sum.packets) {
		why_not(ret, "no packet was sent");
		return;
	}
	set_exact(ret, (double)sum.lost / (double)sum.packets);
	if ((double)sum.packets < needed)
		doubt_it(ret, "%lld packets; the limit needs %.0f", (long long)sum.packets,
			 ceil(needed));
}
