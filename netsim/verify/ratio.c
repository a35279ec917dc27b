/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges loss and duplication: attributes deviations to directions and single paths. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "netsim/util/auto.h"
#include "netsim/util/err.h"
#include "netsim/verify/judge_parts.h"

#define STRAY 0.001 /* loss attributed to a busy machine if none is requested */
/* Survivors of a path that should lose all: small enough that one which arrives is a failure. */
#define NOTHING 1e-11

/* The kind of ratio to judge: loss or duplicates. */
struct kind {
	bool duplicates;
	double *keep; /* by direction: factor that corrects the expected share of survivors */
};

static const struct probe_seen *seen_of(const struct verify_path *path)
{
	return path->many.sent ? &path->many : &path->seen;
}

static double trials(const struct kind *k, const struct verify_path *path)
{
	const struct probe_seen *seen = seen_of(path);

	return k->duplicates ? seen->received : seen->sent;
}

static double count(const struct kind *k, const struct verify_path *path)
{
	const struct probe_seen *seen = seen_of(path);

	if (k->duplicates)
		return seen->duplicates;
	return seen->sent > seen->received ? seen->sent - seen->received : 0;
}

static double asked(const struct kind *k, const struct verify_expect *e)
{
	return k->duplicates ? fmin(1, e->duplicate) : e->loss;
}

/* Returns the expected ratio of a path, given the deviations of directions found so far. */
static double expected(const struct judge *j, const struct kind *k, size_t p)
{
	const struct verify_path *path = &j->in->paths[p];

	return 1 - fmax(NOTHING, 1 - asked(k, &j->expect[p])) * k->keep[UP_OF(path)] *
			   k->keep[DOWN_OF(path)];
}

static double own_share(const struct kind *k, const struct conditions *c)
{
	if (k->duplicates)
		return cond_has(c, COND_DUPLICATE) ? (double)c->duplicate.ppb / RATIO_ONE : 0;
	return 1 -
	       (1 - verify_loss(c)) *
		       (1 - (cond_has(c, COND_CORRUPT) ? (double)c->corrupt.ppb / RATIO_ONE : 0));
}

/* Sums over a direction's paths. */
struct ratio_sums {
	double count, n, expected, bursts;
	size_t paths;
};

bool verify_shows_loss(const struct judge *j, size_t p, size_t d)
{
	const struct verify_path *path = &j->in->paths[p];
	const struct conditions *other = UP_OF(path) == d ? &path->down : &path->up;
	const struct kind k = {0};

	return j->counted[p] && !verify_alone(path) && verify_is_about(j, d / 2) &&
	       (UP_OF(path) == d || DOWN_OF(path) == d) &&
	       (1 - own_share(&k, other)) * (1 - own_share(&k, &path->path)) > 1 - VERIFY_MUTE;
}

/* Sums up the paths of a direction; trim leaves out the one of several that deviates most. */
static struct ratio_sums add_up(const struct judge *j, const struct kind *k, size_t d, bool trim)
{
	struct ratio_sums s = {.bursts = 1};
	size_t worst = SIZE_MAX;
	double most = -1;

	for (size_t p = 0; p < j->in->path_count; p++) {
		const struct verify_path *path = &j->in->paths[p];
		double off;

		if (!verify_shows_loss(j, p, d))
			continue;
		off = fabs(count(k, path) - trials(k, path) * expected(j, k, p));
		if (off > most) {
			most = off;
			worst = p;
		}
		s.paths++;
	}
	for (size_t p = 0; p < j->in->path_count; p++) {
		const struct verify_path *path = &j->in->paths[p];

		if (!verify_shows_loss(j, p, d) || (trim && s.paths > 1 && p == worst))
			continue;
		s.count += count(k, path);
		s.n += trials(k, path);
		s.expected += trials(k, path) * expected(j, k, p);
		s.bursts = fmax(s.bursts, k->duplicates ? 1 : j->expect[p].bursts);
	}
	return s;
}

static bool outside(const struct judge *j, double number, double n, double share, double bursts,
		    double alpha)
{
	double low, high;

	if (n <= 0)
		return false;
	verify_interval(number / bursts, n / bursts, alpha, &low, &high);
	return share > high || fmax(share, fmax(STRAY, 2 * j->in->stray)) < low;
}

/* Returns the direction with the most significant deviation, or SIZE_MAX if none has one. */
static size_t find_worst(const struct judge *j, const struct kind *k, const bool *done)
{
	size_t worst = SIZE_MAX;
	double most = 0;

	for (size_t d = 0; d < 2 * j->in->end_count; d++) {
		struct ratio_sums s = add_up(j, k, d, true);
		double off;

		if (done[d] || s.paths < 2 ||
		    !outside(j, s.count, s.n, s.expected / s.n, s.bursts, VERIFY_ALPHA))
			continue;
		off = fabs(s.count - s.expected) / sqrt(s.expected * s.bursts + 1);
		if (off > most) {
			most = off;
			worst = d;
		}
	}
	return worst;
}

static struct tally *tally_of(struct judge *j, const struct kind *k, size_t d)
{
	return k->duplicates ? &j->directions[d].duplicate : &j->directions[d].loss;
}

/* Derives the ratio of a direction itself from the ratios of its paths. */
static void measure(struct judge *j, const struct kind *k, size_t d)
{
	struct ratio_sums s = add_up(j, k, d, false);
	struct tally *t = tally_of(j, k, d);
	double own, others;

	if (!s.paths || !j->directions[d].own || s.n <= 0)
		return;
	own = fmax(NOTHING, 1 - own_share(k, j->directions[d].own)) * k->keep[d];
	others = (1 - s.expected / s.n) / own;
	others = others > 1e-9 ? others : 1;
	verify_interval(s.count / s.bursts, s.n / s.bursts, VERIFY_ALPHA, &t->low, &t->high);
	t->known = true;
	t->count = s.count;
	t->n = s.n;
	t->low = fmax(0, 1 - (1 - t->low) / others);
	t->high = fmax(0, 1 - (1 - t->high) / others);
	t->measured = fmax(0, 1 - (1 - s.count / s.n) / others);
}

static int judge_kind(struct judge *j, struct kind *k)
{
	size_t count_all = 2 * j->in->end_count, d;
	auto_free bool *done = calloc(count_all + 1, sizeof(*done));

	k->keep = calloc(count_all + 1, sizeof(*k->keep));
	if (!k->keep || !done)
		return err_oom(j->err);
	for (size_t i = 0; i < count_all; i++)
		k->keep[i] = 1;
	while ((d = find_worst(j, k, done)) != SIZE_MAX) {
		struct ratio_sums s = add_up(j, k, d, true);

		done[d] = tally_of(j, k, d)->failed = true;
		k->keep[d] *=
			fmax(NOTHING, 1 - s.count / s.n) / fmax(NOTHING, 1 - s.expected / s.n);
	}
	for (size_t i = 0; i < count_all; i++)
		measure(j, k, i);
	return 0;
}

static void judge_paths(struct judge *j, const struct kind *k)
{
	size_t all = 0;

	for (size_t p = 0; p < j->in->path_count; p++)
		all += j->counted[p];
	for (size_t p = 0; p < j->in->path_count; p++) {
		const struct verify_path *path = &j->in->paths[p];

		if (j->counted[p])
			j->lossy[p] |= outside(j, count(k, path), trials(k, path),
					       verify_alone(path) ? asked(k, &j->expect[p]) :
								    expected(j, k, p),
					       k->duplicates ? 1 : j->expect[p].bursts,
					       VERIFY_ALPHA / (double)all);
	}
}

int verify_ratios(struct judge *j)
{
	int r = 0;

	for (int i = 0; r == 0 && i < 2; i++) {
		struct kind k = {.duplicates = i};

		r = judge_kind(j, &k);
		if (r == 0)
			judge_paths(j, &k);
		free(k.keep);
	}
	return r;
}

static void format_share(char *buf, size_t size, double share)
{
	snprintf(buf, size, share > 0 && share < 0.001 ? "%.3f %%" : "%.2g %%", share * 100);
	if (share >= 0.1)
		snprintf(buf, size, "%.1f %%", share * 100);
}

static int ratio_row(struct judge *j, const char *name, const char *what, double share,
		     const struct tally *t)
{
	/* An interval that contains both the requested share and 0 proves neither. */
	bool hidden = share > 0 && t->low <= 0;
	struct verify_row *row = verify_row(j,
					    t->failed ? NETSIM_NOT_AS_ASKED :
					    hidden    ? NETSIM_UNPROVED :
							NETSIM_AS_ASKED,
					    name, what);

	if (!row)
		return -ENOMEM;
	if (hidden && !t->failed)
		snprintf(row->why, sizeof(row->why), "too few probes to show so small a share");
	format_share(row->asked, sizeof(row->asked), share);
	snprintf(row->measured, sizeof(row->measured), "%.2f %% (%.1f .. %.1f)", t->measured * 100,
		 t->low * 100, t->high * 100);
	verify_values(row, "percent", share * 100, t->measured * 100);
	row->values.low = t->low * 100;
	row->values.high = t->high * 100;
	return 0;
}

/* Combines both directions for one row, if their requests are equal and both are right. */
static struct tally both(const struct tally *up, const struct tally *down)
{
	return (struct tally) {.known = true,
			       .measured = (up->measured + down->measured) / 2,
			       .low = fmin(up->low, down->low),
			       .high = fmax(up->high, down->high)};
}

static int end_ratio(struct judge *j, size_t end, bool duplicates)
{
	static const char *const names[2][3] = {{"loss", "loss up", "loss down"},
						{"duplicate", "duplicate up", "duplicate down"}};
	const struct kind k = {.duplicates = duplicates};
	const struct direction *d = &j->directions[2 * end];
	const struct tally *t[2];
	double own[2];
	int r = 0;

	for (int i = 0; i < 2; i++) {
		t[i] = duplicates ? &d[i].duplicate : &d[i].loss;
		own[i] = d[i].own ? own_share(&k, d[i].own) : 0;
	}
	if (t[0]->known && t[1]->known && own[0] > 0 && own[0] == own[1] && !t[0]->failed &&
	    !t[1]->failed && d[0].tried > 1 && d[1].tried > 1) {
		struct tally one = both(t[0], t[1]);

		return ratio_row(j, j->in->ends[end], names[duplicates][0], own[0], &one);
	}
	for (int i = 0; r == 0 && i < 2; i++)
		if (t[i]->known && d[i].tried > 1 && (own[i] > 0 || t[i]->failed))
			r = ratio_row(j, j->in->ends[end], names[duplicates][1 + i], own[i], t[i]);
	return r;
}

int verify_ratio_rows(struct judge *j, size_t end)
{
	int r = end_ratio(j, end, false);

	return r == 0 ? end_ratio(j, end, true) : r;
}

double verify_loss_of(const struct judge *j, size_t p)
{
	const struct verify_path *path = &j->in->paths[p];
	const struct kind k = {0};
	double n = trials(&k, path);

	return n > 0 ? count(&k, path) / n : 0;
}

int verify_path_loss(struct judge *j, size_t p, const char *subject)
{
	const struct verify_path *path = &j->in->paths[p];
	const struct kind k = {0};
	double n = trials(&k, path), bursts = j->expect[p].bursts;
	struct tally t = {.failed = j->lossy[p], .measured = verify_loss_of(j, p)};

	verify_interval(count(&k, path) / bursts, n / bursts, VERIFY_ALPHA, &t.low, &t.high);
	return ratio_row(j, subject, "loss", j->expect[p].loss, &t);
}
