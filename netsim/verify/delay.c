/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges delay and jitter: attributes deviations to directions of ends and single paths. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "netsim/util/auto.h"
#include "netsim/util/err.h"
#include "netsim/verify/judge_parts.h"

#define SIGMAS	     3.29 /* 99.9 % of a normal distribution */
#define POLISH_TURNS 8
#define ANSWER_MS    3	 /* allowance for a guest to answer */
#define JITTER_SHARE 0.5 /* tolerance of jitter, as a share */
#define STALL_SDS    3	 /* standard deviations of the scratch link that jitter may grow by */

double verify_delay_of(const struct judge *j, size_t p)
{
	const struct probe_seen *seen = &j->in->paths[p].seen;

	return j->expect[p].sd > 0 ? seen->mean : seen->median;
}

/* Returns a path's deviation from the expected delay, by one of the readings. */
static double residual_of(const struct judge *j, size_t p, enum reading reading)
{
	const struct probe_seen *seen = &j->in->paths[p].seen;
	double least = j->expect[p].sd > 0 ? seen->mean : seen->min;

	return (reading == READ_LEAST ? least : verify_delay_of(j, p)) - j->expect[p].delay;
}

/* Returns the standard error of the mean delay of a path; without jitter the mean is not used. */
static double noise_of(const struct judge *j, size_t p)
{
	const struct probe_seen *seen = &j->in->paths[p].seen;
	double sd = j->expect[p].sd;

	return sd > 0 ? fmax(sd, seen->sd) / sqrt(seen->received ? seen->received : 1) : 0;
}

/*
 * Returns how late this machine makes packets at each hop, in ms. Stalls shift the mean, by which
 * delays with jitter are judged, but hardly a percentile.
 */
static double lateness(const struct judge *j, bool jitter)
{
	return jitter ? fmax(j->in->timer_slack, j->in->stall) : j->in->timer_slack;
}

/* How far a delay may deviate, in ms: below, above, and above that if timers are late. */
struct tolerance {
	double low, high, late;
};

/* Returns the tolerance of a delay before anything else is allowed for. */
static struct tolerance tolerance_of(double delay)
{
	/* No more than half below: a delay that is missing must not pass as a small one. */
	return (struct tolerance) {.low = fmax(delay > 0 ? fmin(1, delay / 2) : 1, delay / 100),
				   .high = fmax(1, delay / 100)};
}

static struct tolerance path_tolerance(const struct judge *j, size_t p)
{
	const struct verify_expect *e = &j->expect[p];
	struct tolerance t = tolerance_of(e->delay);
	double noise = SIGMAS * noise_of(j, p);

	t.low += e->early + noise;
	t.high += e->slack + (j->in->paths[p].echo ? ANSWER_MS : 0) + noise;
	t.late = lateness(j, e->sd > 0) * e->hops;
	return t;
}

/*
 * Judges deviations by both readings; raw is the least reading before the deviations of other
 * hops were removed. A deviation that only late timers explain is neither right nor wrong.
 */
static enum netsim_verdict judge_delay(const struct tolerance *t, const double *residual,
				       double raw)
{
	double least = residual[READ_LEAST], usual = residual[READ_USUAL];

	if ((least < -t->low && raw < -t->low) || least > t->high + t->late)
		return NETSIM_NOT_AS_ASKED;
	if (usual <= t->high || (least <= t->high && usual <= t->high + t->late))
		return NETSIM_AS_ASKED;
	return NETSIM_UNPROVED;
}

/* A path's deviation with its weight. */
struct weighted {
	double value, weight;
};

static int by_value(const void *a, const void *b)
{
	const struct weighted *x = a, *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

/* Caps weights, so that no path decides alone, however exact; returns their new sum. */
static double cap_weights(struct weighted *list, size_t count)
{
	double all = 0, most, total = 0;

	for (size_t i = 0; i < count; i++)
		all += list[i].weight;
	most = count > 2 ? 0.4 * all : all / 2;
	for (size_t i = 0; i < count; i++) {
		list[i].weight = fmin(list[i].weight, most);
		total += list[i].weight;
	}
	return total;
}

/*
 * Returns the weighted median. If the middle falls between two values, takes the one
 * nearer to zero: of two values, one may be wrong.
 */
static double median(struct weighted *list, size_t count)
{
	double half = cap_weights(list, count) / 2, sum = 0;

	qsort(list, count, sizeof(*list), by_value);
	for (size_t i = 0; i < count; i++) {
		sum += list[i].weight;
		if (sum > half * (1 + 1e-9) || i + 1 == count)
			return list[i].value;
		if (sum >= half * (1 - 1e-9))
			return fabs(list[i].value) < fabs(list[i + 1].value) ? list[i].value :
									       list[i + 1].value;
	}
	return 0;
}

static bool is_of(const struct judge *j, size_t p, size_t d)
{
	return verify_counts(j, p) && verify_is_about(j, d / 2) &&
	       (UP_OF(&j->in->paths[p]) == d || DOWN_OF(&j->in->paths[p]) == d);
}

/* Returns the part of a path's deviation not attributed to directions. */
static double left_of(const struct judge *j, size_t p, enum reading reading)
{
	const struct verify_path *path = &j->in->paths[p];

	return residual_of(j, p, reading) - j->directions[UP_OF(path)].residual[reading] -
	       j->directions[DOWN_OF(path)].residual[reading];
}

static void polish(struct judge *j, size_t d, enum reading reading, struct weighted *values)
{
	size_t count = 0;

	for (size_t p = 0; p < j->in->path_count; p++)
		if (is_of(j, p, d))
			values[count++] = (struct weighted) {left_of(j, p, reading),
							     1 / (0.1 + noise_of(j, p))};
	/* A single path cannot distinguish between its two ends. */
	if (count > 1)
		j->directions[d].residual[reading] += median(values, count);
}

/* Finds the median deviation of a direction's whole paths. */
static void find_raw(struct judge *j, size_t d, struct weighted *values)
{
	size_t count = 0;

	for (size_t p = 0; p < j->in->path_count; p++)
		if (is_of(j, p, d))
			values[count++] = (struct weighted) {residual_of(j, p, READ_LEAST),
							     1 / (0.1 + noise_of(j, p))};
	j->directions[d].raw = count ? median(values, count) : 0;
}

/*
 * Splits a delay common to all paths evenly between uplinks and downlinks; paths to ends that
 * are not judged tell the two apart.
 */
static void balance(struct judge *j, enum reading reading, struct weighted *values)
{
	double middle[2], shift;

	for (size_t way = 0; way < 2; way++) {
		size_t count = 0;

		for (size_t e = 0; e < j->in->end_count; e++)
			if (j->directions[2 * e + way].paths > 1)
				values[count++] = (struct weighted) {
					j->directions[2 * e + way].residual[reading], 1};
		if (!count)
			return;
		middle[way] = median(values, count);
	}
	shift = (middle[0] - middle[1]) / 2;
	for (size_t d = 0; d < 2 * j->in->end_count; d++)
		if (j->directions[d].paths > 1)
			j->directions[d].residual[reading] += d % 2 ? shift : -shift;
}

static double own_delay(const struct direction *d)
{
	return d->own && cond_has(d->own, COND_DELAY) ? (double)d->own->delay.ns / 1e6 : 0;
}

static bool has_jitter(const struct judge *j, size_t d)
{
	bool ret = false;

	for (size_t p = 0; p < j->in->path_count; p++)
		ret |= is_of(j, p, d) && j->expect[p].sd > 0;
	return ret;
}

static struct tolerance direction_tolerance(const struct judge *j, size_t d)
{
	const struct direction *dir = &j->directions[d];
	struct tolerance t = tolerance_of(own_delay(dir));
	double slack = 0, early = 0;
	unsigned hops = 0;

	for (size_t p = 0; p < j->in->path_count; p++) {
		if (!is_of(j, p, d))
			continue;
		slack = fmax(slack, j->expect[p].slack);
		early = fmax(early, j->expect[p].early);
		hops = j->expect[p].hops > hops ? j->expect[p].hops : hops;
	}
	t.low += early + SIGMAS * dir->noise;
	t.high += slack + SIGMAS * dir->noise;
	t.late = lateness(j, has_jitter(j, d)) * hops;
	return t;
}

/* Measures a direction's jitter on the path whose other hops have the least jitter. */
static void find_jitter(struct judge *j, size_t p)
{
	const struct verify_path *path = &j->in->paths[p];
	size_t both[] = {UP_OF(path), DOWN_OF(path)};
	double all = j->expect[p].sd, seen = all > 0 ? path->seen.sd : path->seen.spread;
	double noise = SIGMAS * all * all * sqrt(2.0 / path->seen.received);
	double late = fmax(2 * j->in->timer_slack, STALL_SDS * j->in->stall_sd);
	double machine = 1 + late;

	for (size_t i = 0; i < 2; i++) {
		struct direction *d = &j->directions[both[i]];
		double own = verify_jitter(d->own), low = own * (1 - JITTER_SHARE);
		double high = own * (1 + JITTER_SHARE);
		double rest = fmax(0, all * all - own * own);
		double sd = sqrt(fmax(0, seen * seen - rest));
		bool wrong = sd * sd < low * low - noise ||
			     sd * sd > high * high + noise + machine * machine;

		/* One path within tolerance is enough: on others the far end may be wrong. */
		if (d->sd_known && (wrong || (!d->sd_failed && all >= d->sd_beside)))
			continue;
		d->sd = sd;
		d->sd_beside = all;
		d->sd_known = true;
		d->sd_failed = wrong;
		/* Late timers add to the jitter: all of it, or its excess, may be theirs. */
		d->sd_hidden = own > 0 &&
			       (noise > own * own || sd * sd - late * late < low * low - noise ||
				sd * sd > high * high + noise + 1);
	}
}

/* Judges a path's delay, after its ends' deviations are removed. */
static enum netsim_verdict judge_path(const struct judge *j, size_t p)
{
	const struct verify_path *path = &j->in->paths[p];
	struct tolerance t = path_tolerance(j, p);
	double raw = residual_of(j, p, READ_LEAST), left[READINGS], more;

	if (verify_alone(path)) {
		left[READ_LEAST] = raw;
		left[READ_USUAL] = residual_of(j, p, READ_USUAL);
		return judge_delay(&t, left, raw);
	}
	more = SIGMAS * hypot(j->directions[UP_OF(path)].noise, j->directions[DOWN_OF(path)].noise);
	t.low += more;
	t.high += more;
	left[READ_LEAST] = left_of(j, p, READ_LEAST);
	left[READ_USUAL] = left_of(j, p, READ_USUAL);
	return judge_delay(&t, left, raw);
}

/* Computes the uncertainty of each direction's median: 1.25 times that of the mean. */
static void find_noise(struct judge *j, struct weighted *values)
{
	for (size_t d = 0; d < 2 * j->in->end_count; d++) {
		double total, squares = 0;
		size_t count = 0;

		for (size_t p = 0; p < j->in->path_count; p++)
			if (is_of(j, p, d)) {
				double noise = noise_of(j, p);

				values[count++] = (struct weighted) {noise, 1 / (0.1 + noise)};
			}
		total = cap_weights(values, count);
		for (size_t i = 0; i < count; i++)
			squares += pow(values[i].weight * values[i].value, 2);
		j->directions[d].noise = count ? 1.25 * sqrt(squares) / total : 0;
	}
}

int verify_delays(struct judge *j)
{
	auto_free struct weighted *values =
		calloc(j->in->path_count + 2 * j->in->end_count + 1, sizeof(*values));

	if (!values)
		return err_oom(j->err);
	for (enum reading reading = 0; reading < READINGS; reading++) {
		for (int turn = 0; turn < POLISH_TURNS; turn++)
			for (size_t way = 0; way < 2; way++)
				for (size_t e = 0; e < j->in->end_count; e++)
					polish(j, 2 * e + way, reading, values);
		if (!j->in->about)
			balance(j, reading, values);
	}
	find_noise(j, values);
	for (size_t p = 0; p < j->in->path_count; p++) {
		enum netsim_verdict verdict = j->usable[p] ? judge_path(j, p) : NETSIM_AS_ASKED;

		j->late[p] = verdict == NETSIM_NOT_AS_ASKED;
		j->unclear[p] = verdict == NETSIM_UNPROVED;
		if (verify_counts(j, p))
			find_jitter(j, p);
	}
	for (size_t d = 0; d < 2 * j->in->end_count; d++) {
		struct tolerance t = direction_tolerance(j, d);

		find_raw(j, d, values);
		j->directions[d].delay =
			judge_delay(&t, j->directions[d].residual, j->directions[d].raw);
	}
	return 0;
}

/* Returns the usual delay of a direction itself, in ms. */
static double delay_of(const struct direction *d)
{
	return fmax(0, own_delay(d) + d->residual[READ_USUAL]);
}

static void say_late(struct verify_row *row, double late)
{
	if (row->verdict == NETSIM_UNPROVED)
		snprintf(row->why, sizeof(row->why),
			 "too long, or only late timers: they are up to %.2f ms late here", late);
}

/* Adds one row for both directions, if their requested delays are equal and none is wrong. */
static int rtt_row(struct judge *j, const char *name, const struct direction *up,
		   const struct direction *down)
{
	bool clear = up->delay == NETSIM_AS_ASKED && down->delay == NETSIM_AS_ASKED;
	struct verify_row *row =
		verify_row(j, clear ? NETSIM_AS_ASKED : NETSIM_UNPROVED, name, "rtt");
	double asked = own_delay(up) + own_delay(down);

	if (!row)
		return -ENOMEM;
	snprintf(row->asked, sizeof(row->asked), "%.1f ms", asked);
	snprintf(row->measured, sizeof(row->measured), "%.1f ms (sd %.1f)",
		 delay_of(up) + delay_of(down), hypot(up->sd, down->sd));
	verify_values(row, "ms", asked, delay_of(up) + delay_of(down));
	row->values.sd = hypot(up->sd, down->sd);
	say_late(row, lateness(j, has_jitter(j, (size_t)(up - j->directions))));
	return 0;
}

static int delay_row(struct judge *j, const char *name, const struct direction *d, bool is_up)
{
	struct verify_row *row;

	if (d->paths < 2 || (!own_delay(d) && d->delay != NETSIM_NOT_AS_ASKED))
		return 0;
	row = verify_row(j, d->delay, name, is_up ? "delay up" : "delay down");
	if (!row)
		return -ENOMEM;
	snprintf(row->asked, sizeof(row->asked), "%.1f ms", own_delay(d));
	snprintf(row->measured, sizeof(row->measured), "%.1f ms (sd %.1f)", delay_of(d), d->sd);
	verify_values(row, "ms", own_delay(d), delay_of(d));
	row->values.sd = d->sd;
	say_late(row, lateness(j, has_jitter(j, (size_t)(d - j->directions))));
	verify_say_inside(j, row, (size_t)(d - j->directions) / 2, is_up);
	return 0;
}

static int jitter_row(struct judge *j, const char *name, const struct direction *d, bool is_up)
{
	double own = d->own ? verify_jitter(d->own) : 0;
	struct verify_row *row;

	if (!d->sd_known || (!own && !d->sd_failed))
		return 0;
	row = verify_row(j,
			 d->sd_failed ? NETSIM_NOT_AS_ASKED :
			 d->sd_hidden ? NETSIM_UNPROVED :
					NETSIM_AS_ASKED,
			 name, is_up ? "jitter up" : "jitter down");
	if (!row)
		return -ENOMEM;
	snprintf(row->asked, sizeof(row->asked), "sd %.1f ms", own);
	verify_values(row, "ms", own, NAN);
	if (d->sd_hidden && !d->sd_failed) {
		snprintf(row->why, sizeof(row->why),
			 "hidden by the noise of other hops and of late timers");
		return 0;
	}
	snprintf(row->measured, sizeof(row->measured), "sd %.1f ms", d->sd);
	row->values.measured = d->sd;
	return 0;
}

int verify_delay_rows(struct judge *j, size_t end)
{
	const struct direction *up = &j->directions[2 * end], *down = up + 1;
	const char *name = j->in->ends[end];
	int r;

	if (up->paths > 1 && down->paths > 1 && own_delay(up) > 0 &&
	    own_delay(up) == own_delay(down) && up->delay != NETSIM_NOT_AS_ASKED &&
	    down->delay != NETSIM_NOT_AS_ASKED)
		r = rtt_row(j, name, up, down);
	else
		r = delay_row(j, name, up, true) < 0 ? -ENOMEM : delay_row(j, name, down, false);
	if (r == 0)
		r = jitter_row(j, name, up, true);
	return r == 0 ? jitter_row(j, name, down, false) : r;
}

int verify_path_delay(struct judge *j, size_t p, const char *subject, const char *what)
{
	const struct verify_expect *e = &j->expect[p];
	struct verify_row *row = verify_row(j,
					    j->late[p]	  ? NETSIM_NOT_AS_ASKED :
					    j->unclear[p] ? NETSIM_UNPROVED :
							    NETSIM_AS_ASKED,
					    subject, what);

	if (!row)
		return -ENOMEM;
	snprintf(row->asked, sizeof(row->asked), "%.1f ms", e->delay);
	verify_values(row, "ms", e->delay, verify_delay_of(j, p));
	row->values.sd = e->sd > 0 ? j->in->paths[p].seen.sd : j->in->paths[p].seen.spread;
	snprintf(row->measured, sizeof(row->measured), "%.1f ms (sd %.1f)", row->values.measured,
		 row->values.sd);
	say_late(row, lateness(j, e->sd > 0));
	verify_say_inside(j, row, j->in->paths[p].from, true);
	verify_say_inside(j, row, j->in->paths[p].to, false);
	return 0;
}
