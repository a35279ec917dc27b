// SPDX-License-Identifier: GPL-2.0-or-later
/* Judges paths that only packets up to a size pass, by probes of that size and larger ones. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "netsim/util/auto.h"
#include "netsim/verify/judge_parts.h"

unsigned verify_size_limit(const struct verify_path *path)
{
	const struct conditions *hops[] = {&path->up, &path->path, &path->down};
	unsigned limit = 0;

	for (size_t i = 0; i < ARRAY_SIZE(hops); i++)
		if (cond_has(hops[i], COND_LARGER) && (!limit || hops[i]->larger.bytes < limit))
			limit = (unsigned)hops[i]->larger.bytes;
	return limit;
}

/* What the probes of a path show. */
struct size_finding {
	unsigned limit;
	enum netsim_verdict verdict;
	const char *why;
};

static void find(const struct judge *j, size_t p, struct size_finding *ret)
{
	const struct verify_path *path = &j->in->paths[p];
	const struct probe_seen *fitting = &path->fitting, *oversized = &path->oversized;

	*ret = (struct size_finding) {verify_size_limit(path), NETSIM_UNPROVED, NULL};
	if (path->sizes_unmeasured)
		ret->why = VERIFY_INTERRUPTED;
	else if (oversized->received)
		ret->verdict = NETSIM_NOT_AS_ASKED;
	else if (!path->takes_larger)
		ret->why = "no packet of its links is larger";
	else if (!fitting->sent || !oversized->sent)
		ret->why = "this machine was too late to send packets of these sizes";
	else if (fitting->received)
		ret->verdict = NETSIM_AS_ASKED;
	else if (pow(j->expect[p].loss, fitting->sent) > VERIFY_ALPHA)
		ret->why = "nearly all packets are lost, whatever their size";
	else
		ret->verdict = NETSIM_NOT_AS_ASKED;
}

static bool is_judged(const struct judge *j, size_t p)
{
	return j->usable[p] && verify_size_limit(&j->in->paths[p]);
}

static void describe(const struct verify_path *path, const struct size_finding *found, char *buf,
		     size_t size)
{
	unsigned limit = found->limit;

	if (found->verdict == NETSIM_AS_ASKED)
		snprintf(buf, size, "%u B pass, %u B do not", limit, limit + 1);
	else if (path->oversized.received)
		snprintf(buf, size, "%u of %u of %u B passed", path->oversized.received,
			 path->oversized.sent, limit + 1);
	else
		snprintf(buf, size, "%u of %u of %u B passed", path->fitting.received,
			 path->fitting.sent, limit);
}

/* Adds a row for one path, or for all of a number of paths with the same finding. */
static int add_row(struct judge *j, size_t p, const struct size_finding *found, size_t count)
{
	const struct verify_path *path = &j->in->paths[p];
	struct verify_row *row;
	char name[160];

	verify_pair_name(j, path, name, sizeof(name));
	row = verify_row(j, found->verdict, count > 1 ? "all" : name, "size");
	if (!row)
		return -ENOMEM;
	if (count > 1)
		snprintf(row->asked, sizeof(row->asked), "%zu pairs, %u B", count, found->limit);
	else
		snprintf(row->asked, sizeof(row->asked), "%u B", found->limit);
	if (found->why)
		snprintf(row->why, sizeof(row->why), "%s", found->why);
	else
		describe(path, found, row->measured, sizeof(row->measured));
	return 0;
}

static bool same(const struct size_finding *a, const struct size_finding *b)
{
	return a->limit == b->limit && a->verdict == b->verdict && a->why == b->why;
}

/* Returns how many paths have this finding; 0 if one before p has. */
static size_t count_same(const struct judge *j, size_t p, const struct size_finding *found)
{
	struct size_finding other;
	size_t count = 0;

	for (size_t i = 0; i < j->in->path_count; i++) {
		if (!is_judged(j, i))
			continue;
		find(j, i, &other);
		if (!same(&other, found))
			continue;
		if (i < p)
			return 0;
		count++;
	}
	return count;
}

int verify_size_rows(struct judge *j)
{
	int r = 0;

	for (size_t p = 0; r == 0 && p < j->in->path_count; p++) {
		struct size_finding found;
		size_t count = 1;

		if (!is_judged(j, p))
			continue;
		find(j, p, &found);
		if (found.verdict != NETSIM_NOT_AS_ASKED)
			count = count_same(j, p, &found);
		if (count)
			r = add_row(j, p, &found, count);
	}
	return r;
}
