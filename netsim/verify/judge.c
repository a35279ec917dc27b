/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/verify/judge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"
#include "netsim/verify/judge_parts.h"

static bool silent(const struct verify_path *path)
{
	return path->seen.sent && !path->seen.received && !path->many.received;
}

/* Returns whether nothing arrives on a path, or hardly anything, because that was requested. */
static bool is_mute(const struct judge *j, size_t p)
{
	return j->expect[p].loss >= VERIFY_MUTE;
}

static int prepare(struct judge *j)
{
	const struct verify_input *in = j->in;

	j->expect = calloc(in->path_count + 1, sizeof(*j->expect));
	j->usable = calloc(in->path_count + 1, sizeof(*j->usable));
	j->counted = calloc(in->path_count + 1, sizeof(*j->counted));
	j->late = calloc(in->path_count + 1, sizeof(*j->late));
	j->lossy = calloc(in->path_count + 1, sizeof(*j->lossy));
	j->unclear = calloc(in->path_count + 1, sizeof(*j->unclear));
	j->directions = calloc(2 * in->end_count + 1, sizeof(*j->directions));
	if (!j->expect || !j->usable || !j->counted || !j->late || !j->lossy || !j->unclear ||
	    !j->directions)
		return err_oom(j->err);
	for (size_t p = 0; p < in->path_count; p++) {
		const struct verify_path *path = &in->paths[p];
		struct direction *up = &j->directions[UP_OF(path)];
		struct direction *down = &j->directions[DOWN_OF(path)];

		if (verify_expect(path, &j->tables, &j->expect[p]) < 0)
			return err_oom(j->err);
		if (!path->echo) {
			up->own = &path->up;
			down->own = &path->down;
		}
		j->usable[p] = !path->cut && !path->skip && path->seen.received;
		j->counted[p] = !path->cut && !path->skip && path->seen.sent &&
				(!silent(path) || is_mute(j, p));
		up->tried += verify_shows_loss(j, p, UP_OF(path));
		down->tried += verify_shows_loss(j, p, DOWN_OF(path));
		if (verify_counts(j, p)) {
			up->paths += verify_is_about(j, path->from);
			down->paths += verify_is_about(j, path->to);
		}
	}
	return 0;
}

/* --- reachability and partitions */

static bool should_pass(const struct verify_path *path)
{
	return !path->cut && !path->skip && !path->echo && path->seen.sent;
}

/* Finds dead directions: those that lose everything that should pass. */
static void find_dead(struct judge *j)
{
	for (size_t d = 0; d < 2 * j->in->end_count; d++) {
		size_t all = 0, lost = 0;

		for (size_t p = 0; p < j->in->path_count; p++) {
			const struct verify_path *path = &j->in->paths[p];

			if (!should_pass(path) || is_mute(j, p) ||
			    (UP_OF(path) != d && DOWN_OF(path) != d))
				continue;
			all++;
			lost += silent(path);
		}
		j->directions[d].dead = verify_is_about(j, d / 2) && all > 1 && lost == all;
	}
}

/* Adds a row for the paths of a kind that were not probed because of an interruption. */
static int unmeasured_row(struct judge *j, const char *what, size_t count)
{
	struct verify_row *row = count ? verify_row(j, NETSIM_UNPROVED, "all", what) : NULL;

	if (!row)
		return count ? -ENOMEM : 0;
	snprintf(row->asked, sizeof(row->asked), "%zu pair%s", count, count == 1 ? "" : "s");
	snprintf(row->why, sizeof(row->why), VERIFY_INTERRUPTED);
	return 0;
}

static int unmeasured_rows(struct judge *j)
{
	size_t reach = 0, order = 0, cut = 0;
	int r;

	for (size_t p = 0; p < j->in->path_count; p++) {
		const struct verify_path *path = &j->in->paths[p];

		if (!path->unmeasured)
			continue;
		cut += path->cut && (!path->traffic || path->cut_alone);
		reach += !path->cut && !path->echo && !path->traffic;
		order += !path->cut && !j->expect[p].order_free;
	}
	r = unmeasured_row(j, "order", order);
	if (r == 0)
		r = unmeasured_row(j, "reach", reach);
	return r == 0 ? unmeasured_row(j, "cut", cut) : r;
}

static int reach_row(struct judge *j, const char *subject, const char *measured)
{
	struct verify_row *row = verify_row(j, NETSIM_NOT_AS_ASKED, subject, "reach");

	if (!row)
		return -ENOMEM;
	snprintf(row->asked, sizeof(row->asked), "passes");
	snprintf(row->measured, sizeof(row->measured), "%s", measured);
	return 0;
}

static int reach_rows(struct judge *j)
{
	struct verify_row *row;
	size_t all = 0, lost = 0;
	char name[160];

	for (size_t d = 0; d < 2 * j->in->end_count; d++) {
		snprintf(name, sizeof(name), "nothing %s it", d % 2 ? "reaches" : "leaves");
		if (j->directions[d].dead && reach_row(j, j->in->ends[d / 2], name) < 0)
			return -ENOMEM;
	}
	for (size_t p = 0; p < j->in->path_count; p++) {
		const struct verify_path *path = &j->in->paths[p];

		if (!should_pass(path))
			continue;
		all += !path->traffic && !silent(path);
		if (!silent(path) || is_mute(j, p))
			continue;
		lost++;
		if (!j->directions[UP_OF(path)].dead && !j->directions[DOWN_OF(path)].dead &&
		    reach_row(j, verify_pair_name(j, path, name, sizeof(name)), "nothing arrived") <
			    0)
			return -ENOMEM;
	}
	if (!all || lost)
		return 0;
	row = verify_row(j, NETSIM_AS_ASKED, "all", "reach");
	if (!row)
		return -ENOMEM;
	snprintf(row->asked, sizeof(row->asked), "%zu pair%s", all, all == 1 ? "" : "s");
	snprintf(row->measured, sizeof(row->measured), "all pass");
	return 0;
}

static unsigned passed(const struct verify_path *path)
{
	return path->seen.received + path->many.received;
}

/* A partition that cuts all classes is judged without them. */
static bool is_cut(const struct verify_path *path)
{
	return path->cut && !path->skip && (!path->traffic || path->cut_alone);
}

static int leak_row(struct judge *j, const char *subject, const char *what, const char *measured)
{
	struct verify_row *row = verify_row(j, NETSIM_NOT_AS_ASKED, subject, what);

	if (!row)
		return -ENOMEM;
	snprintf(row->asked, sizeof(row->asked), "cut off");
	snprintf(row->measured, sizeof(row->measured), "%s", measured);
	return 0;
}

/* The receiver's port enforces a partition, so leaks are attributed to the receiver. */
static int leak_rows(struct judge *j, size_t end)
{
	size_t all = 0, leaks = 0;
	char text[160];

	for (size_t p = 0; p < j->in->path_count; p++) {
		const struct verify_path *path = &j->in->paths[p];

		if (!is_cut(path) || path->to != end)
			continue;
		all++;
		leaks += passed(path) > 0;
	}
	if (all && leaks == all && verify_is_about(j, end)) {
		snprintf(text, sizeof(text), "%zu of %zu cut pairs pass", leaks, all);
		return leak_row(j, j->in->ends[end], "cut down", text);
	}
	for (size_t p = 0; leaks && p < j->in->path_count; p++) {
		const struct verify_path *path = &j->in->paths[p];
		char name[160];

		if (!is_cut(path) || path->to != end || !passed(path))
			continue;
		snprintf(text, sizeof(text), "%u of %u passed", passed(path),
			 path->seen.sent + path->many.sent);
		if (leak_row(j, verify_pair_name(j, path, name, sizeof(name)), "cut", text) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int cut_rows(struct judge *j)
{
	struct verify_row *row;
	size_t all = 0, leaks = 0;
	int r = 0;

	for (size_t p = 0; p < j->in->path_count; p++) {
		all += is_cut(&j->in->paths[p]);
		leaks += is_cut(&j->in->paths[p]) && passed(&j->in->paths[p]);
	}
	for (size_t e = 0; r == 0 && leaks && e < j->in->end_count; e++)
		r = leak_rows(j, e);
	if (r < 0 || !all || leaks)
		return r;
	row = verify_row(j, NETSIM_AS_ASKED, "all", "cut");
	if (!row)
		return -ENOMEM;
	snprintf(row->asked, sizeof(row->asked), "%zu pair%s", all, all == 1 ? "" : "s");
	snprintf(row->measured, sizeof(row->measured), "nothing passed");
	return 0;
}

/* --- order */

static unsigned late_of(const struct verify_path *path)
{
	return path->seen.late + path->many.late;
}

static bool ordered(const struct judge *j, size_t p)
{
	return j->usable[p] && !j->expect[p].order_free;
}

static int order_row(struct judge *j, const char *subject, const char *what, unsigned late,
		     unsigned all)
{
	struct verify_row *row =
		verify_row(j, late ? NETSIM_NOT_AS_ASKED : NETSIM_AS_ASKED, subject, what);

	if (!row)
		return -ENOMEM;
	snprintf(row->asked, sizeof(row->asked), "kept");
	if (late)
		snprintf(row->measured, sizeof(row->measured), "%u of %u overtaken", late, all);
	else
		snprintf(row->measured, sizeof(row->measured), "kept by %u probes", all);
	return 0;
}

/* Numbers of paths of a direction that no other explains: all, and those that reorder. */
struct order_count {
	size_t all, wrong;
	unsigned late; /* probes that were overtaken on the latter */
};

static struct order_count count_order(const struct judge *j, size_t d, const bool *explained)
{
	struct order_count count = {0};

	for (size_t p = 0; p < j->in->path_count; p++) {
		const struct verify_path *path = &j->in->paths[p];

		if (explained[p] || !ordered(j, p) || (UP_OF(path) != d && DOWN_OF(path) != d))
			continue;
		count.all++;
		count.wrong += late_of(path) > 0;
		count.late += late_of(path);
	}
	return count;
}

/*
 * Finds the direction with the largest share of paths that reorder. At least two paths are needed,
 * and more than half of them, not all: a few probes need not overtake each other on every path.
 * Returns SIZE_MAX if there is none.
 */
static size_t find_reordering(const struct judge *j, const bool *explained)
{
	struct order_count best = {.all = 1};
	size_t found = SIZE_MAX;

	for (size_t d = 0; d < 2 * j->in->end_count; d++) {
		struct order_count count = count_order(j, d, explained);
		size_t share = count.wrong * best.all, best_share = best.wrong * count.all;

		if (!verify_is_about(j, d / 2) || count.all < 2 || 2 * count.wrong <= count.all ||
		    share < best_share || (share == best_share && count.late <= best.late))
			continue;
		best = count;
		found = d;
	}
	return found;
}

/* Adds rows of directions that reorder, and marks the paths that they explain. */
static int order_directions(struct judge *j, bool *explained)
{
	size_t d;

	while ((d = find_reordering(j, explained)) != SIZE_MAX) {
		unsigned late = 0, all = 0;

		for (size_t p = 0; p < j->in->path_count; p++) {
			const struct verify_path *path = &j->in->paths[p];

			if (!ordered(j, p) || (UP_OF(path) != d && DOWN_OF(path) != d))
				continue;
			explained[p] = true;
			late += late_of(path);
			all += passed(path);
		}
		if (order_row(j, j->in->ends[d / 2], d % 2 ? "order down" : "order up", late, all) <
		    0)
			return -ENOMEM;
	}
	return 0;
}

static int order_rows(struct judge *j)
{
	auto_free bool *explained = calloc(j->in->path_count + 1, sizeof(*explained));
	unsigned late = 0, all = 0;
	char name[160];

	if (!explained)
		return -ENOMEM;
	for (size_t p = 0; p < j->in->path_count; p++) {
		const struct verify_path *path = &j->in->paths[p];

		if (!ordered(j, p))
			continue;
		late += late_of(path);
		all += passed(path);
	}
	if (!late)
		return all ? order_row(j, "all", "order", 0, all) : 0;
	if (order_directions(j, explained) < 0)
		return -ENOMEM;
	for (size_t p = 0; p < j->in->path_count; p++) {
		const struct verify_path *path = &j->in->paths[p];

		if (ordered(j, p) && late_of(path) && !explained[p] &&
		    order_row(j, verify_pair_name(j, path, name, sizeof(name)), "order",
			      late_of(path), passed(path)) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* --- ends, pairs, classes */

static bool nothing_hidden(const struct judge *j, size_t end)
{
	const struct direction *d = &j->directions[2 * end];

	return d[0].paths || d[1].paths || d[0].tried || d[1].tried ||
	       ((!d[0].own || !d[0].own->has) && (!d[1].own || !d[1].own->has));
}

static const char too_lossy[] = "so little arrives that only its loss was measured";

/* Returns whether conditions show only in packets that arrive; rates have rows of their own. */
static bool beyond_loss(const struct conditions *c)
{
	return c->has & (1U << COND_DELAY | 1U << COND_JITTER | 1U << COND_DUPLICATE |
			 1U << COND_REORDER | 1U << COND_LARGER | 1U << COND_SLOT);
}

/* Adds rows for directions of which only the loss could be measured, though more was requested. */
static int mute_rows(struct judge *j, size_t end)
{
	const struct direction *d = &j->directions[2 * end];
	bool mute[2];

	for (int i = 0; i < 2; i++)
		mute[i] = !d[i].paths && d[i].tried > 1 && beyond_loss(d[i].own);
	if (!mute[0] && !mute[1])
		return 0;
	return verify_unmeasured(j, j->in->ends[end],
				 mute[0] && mute[1] ? "conditions" :
				 mute[0]	    ? "conditions up" :
						      "conditions down",
				 too_lossy);
}

/* Returns the reason, from any path, why a direction's conditions are unknown; or NULL. */
static const char *find_why(const struct judge *j, size_t end, bool up)
{
	for (size_t p = 0; p < j->in->path_count; p++) {
		const struct verify_path *path = &j->in->paths[p];
		/* Both conditions of an echo are of the node at its far end. */
		size_t of = up && !path->echo ? path->from : path->to;

		if (of == end && (up ? path->why_up : path->why_down))
			return up ? path->why_up : path->why_down;
	}
	return NULL;
}

/* Returns whether an interruption left out a path of an end. */
static bool is_unmeasured(const struct judge *j, size_t end)
{
	for (size_t p = 0; p < j->in->path_count; p++)
		if (j->in->paths[p].unmeasured &&
		    (j->in->paths[p].from == end || j->in->paths[p].to == end))
			return true;
	return false;
}

/* Adds rows for conditions that cannot be measured: unknown, or of an end cut off entirely. */
static int hidden_rows(struct judge *j, size_t end)
{
	const struct direction *d = &j->directions[2 * end];
	const char *up = find_why(j, end, true), *down = find_why(j, end, false);
	const char *name = j->in->ends[end];
	int r = 0;

	if (up && down && strcmp(up, down) == 0)
		return verify_unmeasured(j, name, "conditions", up);
	if (up)
		r = verify_unmeasured(j, name, "conditions up", up);
	if (r == 0 && down)
		r = verify_unmeasured(j, name, "conditions down", down);
	if (r < 0 || up || down || nothing_hidden(j, end) || d[0].dead || d[1].dead)
		return r;
	return verify_unmeasured(j, name, "conditions",
				 is_unmeasured(j, end) ?
					 VERIFY_INTERRUPTED :
					 "it is cut off, or no packet to or from it arrives");
}

static int end_rows(struct judge *j, size_t end)
{
	int r = verify_delay_rows(j, end);

	if (r == 0)
		r = verify_ratio_rows(j, end);
	if (r == 0)
		r = verify_end_rates(j, end);
	if (r == 0)
		r = mute_rows(j, end);
	return r == 0 ? hidden_rows(j, end) : r;
}

static bool is_only(const struct judge *j, size_t p, size_t d)
{
	return verify_is_about(j, d / 2) &&
	       (j->usable[p] ? j->directions[d].paths : j->directions[d].tried) < 2;
}

/* Conditions of a direction with a single path are judged in that path's rows. */
static bool stands_alone(const struct judge *j, size_t p)
{
	const struct verify_path *path = &j->in->paths[p];

	return (path->up.has && is_only(j, p, UP_OF(path))) ||
	       (path->down.has && is_only(j, p, DOWN_OF(path)));
}

/* Adds the rows of a path of which too little arrives to measure more than its loss. */
static int mute_pair(struct judge *j, size_t p, const char *name)
{
	const struct verify_path *path = &j->in->paths[p];
	bool more = beyond_loss(&path->path) || cond_has(&path->path, COND_RATE) ||
		    (beyond_loss(&path->up) && is_only(j, p, UP_OF(path))) ||
		    (beyond_loss(&path->down) && is_only(j, p, DOWN_OF(path)));
	int r = verify_path_loss(j, p, name);

	return r == 0 && more ? verify_unmeasured(j, name, "conditions", too_lossy) : r;
}

static int pair_rows(struct judge *j, size_t p)
{
	const struct verify_path *path = &j->in->paths[p];
	bool always = path->path.has || stands_alone(j, p);
	char name[160];
	int r = 0;

	verify_pair_name(j, path, name, sizeof(name));
	if (path->why_path)
		return verify_unmeasured(j, name, "conditions", path->why_path);
	if (!j->counted[p] || verify_alone(path))
		return 0;
	if (!j->usable[p])
		return always || j->lossy[p] ? mute_pair(j, p, name) : 0;
	if (always ? j->expect[p].delay > 0 || j->late[p] : j->late[p])
		r = verify_path_delay(j, p, name, "delay");
	if (r == 0 && (always ? j->expect[p].loss > 0 || j->lossy[p] : j->lossy[p]))
		r = verify_path_loss(j, p, name);
	return r == 0 ? verify_path_rates(j, p) : r;
}

static bool is_of_class(const struct judge *j, size_t p, const char *traffic)
{
	return j->in->paths[p].traffic && strcmp(j->in->paths[p].traffic, traffic) == 0;
}

/* Returns the path of a class whose delay, or loss, deviates most. */
static size_t worst_of(const struct judge *j, const char *traffic, bool loss)
{
	size_t worst = SIZE_MAX;
	double most = -1;

	for (size_t p = 0; p < j->in->path_count; p++) {
		double asked = loss ? j->expect[p].loss : j->expect[p].delay, off;

		if (!(loss ? j->counted : j->usable)[p] || !is_of_class(j, p, traffic) ||
		    asked <= 0)
			continue;
		off = fabs((loss ? verify_loss_of(j, p) : verify_delay_of(j, p)) - asked);
		if (off <= most)
			continue;
		most = off;
		worst = p;
	}
	return worst;
}

/* Adds the rows of a class: every wrong pair, or if there is none, the worst. */
static int class_rows(struct judge *j, size_t first)
{
	const char *traffic = j->in->paths[first].traffic;
	size_t late = worst_of(j, traffic, false), lossy = worst_of(j, traffic, true), wrong = 0;
	char name[160];
	int r = 0;

	for (size_t p = 0; r == 0 && p < j->in->path_count; p++) {
		const struct verify_path *path = &j->in->paths[p];

		if (!is_of_class(j, p, traffic))
			continue;
		wrong += j->late[p] || j->lossy[p];
		verify_pair_name(j, path, name, sizeof(name));
		if (j->late[p])
			r = verify_path_delay(j, p, name, "delay");
		if (r == 0 && j->lossy[p])
			r = verify_path_loss(j, p, name);
		if (r == 0)
			r = verify_path_rates(j, p);
	}
	if (r == 0 && !wrong && late != SIZE_MAX) {
		verify_pair_name(j, &j->in->paths[late], name, sizeof(name));
		r = verify_path_delay(j, late, name, "delay");
	}
	if (r == 0 && !wrong && lossy != SIZE_MAX) {
		verify_pair_name(j, &j->in->paths[lossy], name, sizeof(name));
		r = verify_path_loss(j, lossy, name);
	}
	for (size_t p = first; r == 0 && late == SIZE_MAX && p < j->in->path_count; p++) {
		if (!is_of_class(j, p, traffic) || !j->counted[p] || j->usable[p] ||
		    !(beyond_loss(&j->in->paths[p].path) ||
		      cond_has(&j->in->paths[p].path, COND_RATE)))
			continue;
		return verify_unmeasured(j,
					 verify_pair_name(j, &j->in->paths[p], name, sizeof(name)),
					 "conditions", too_lossy);
	}
	return r;
}

static bool is_first_of_class(const struct judge *j, size_t p)
{
	for (size_t i = 0; i < p; i++)
		if (j->in->paths[i].traffic &&
		    strcmp(j->in->paths[i].traffic, j->in->paths[p].traffic) == 0)
			return false;
	return true;
}

/* Adds the rows of a node that only answers echoes. */
static int echo_rows(struct judge *j, size_t p)
{
	const struct verify_path *path = &j->in->paths[p];
	const char *name = j->in->ends[path->to];
	int r = 0;

	if (path->unmeasured)
		return verify_unmeasured(j, name, "rtt", VERIFY_INTERRUPTED);
	if (path->cut || path->skip)
		return 0;
	if (!j->counted[p])
		return verify_unmeasured(j, name, "rtt", "the guest does not answer");
	if (!j->usable[p])
		return mute_pair(j, p, name);
	r = verify_path_delay(j, p, name, "rtt");
	if (r == 0 && (j->expect[p].loss > 0 || j->lossy[p]))
		r = verify_path_loss(j, p, name);
	if (r == 0 && j->expect[p].rate)
		r = verify_unmeasured(j, name, "rate", "netsim cannot send from inside a VM");
	return r;
}

static int all_rows(struct judge *j)
{
	int r = 0;

	for (size_t e = 0; r == 0 && e < j->in->end_count; e++)
		r = verify_is_about(j, e) ? end_rows(j, e) : 0;
	for (size_t p = 0; r == 0 && p < j->in->path_count; p++)
		r = j->in->paths[p].echo ? echo_rows(j, p) : pair_rows(j, p);
	for (size_t p = 0; r == 0 && p < j->in->path_count; p++)
		if (j->in->paths[p].traffic && is_first_of_class(j, p))
			r = class_rows(j, p);
	if (r == 0)
		r = verify_left_rates(j);
	if (r == 0)
		r = verify_size_rows(j);
	if (r == 0)
		r = order_rows(j);
	if (r == 0)
		r = reach_rows(j);
	if (r == 0)
		r = cut_rows(j);
	return r == 0 ? unmeasured_rows(j) : r;
}

int verify_judge(const struct verify_input *in, struct verify_rows *ret, struct netsim_err *err)
{
	struct judge j = {.in = in, .ret = ret, .err = err};
	int r = prepare(&j);

	if (r == 0) {
		find_dead(&j);
		r = verify_delays(&j);
	}
	if (r == 0)
		r = verify_ratios(&j);
	if (r == 0)
		r = all_rows(&j);
	dist_tables_done(&j.tables);
	free(j.expect);
	free(j.usable);
	free(j.counted);
	free(j.late);
	free(j.lossy);
	free(j.unclear);
	free(j.directions);
	return r;
}
