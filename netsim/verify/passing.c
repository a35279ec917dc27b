// SPDX-License-Identifier: GPL-2.0-or-later
/* What hops let pass: in the long run, and while a burst lasts. */
#include <math.h>

#include "netsim/util/auto.h"
#include "netsim/verify/judge.h"

static double burst_bits(const struct conditions *c)
{
	return 8.0 * (double)c->burst.bytes;
}

double verify_dry(const struct conditions *c)
{
	if (!cond_has(c, COND_PEAK) || !cond_has(c, COND_BURST) || c->peak.bps <= c->rate.bps)
		return 0;
	return burst_bits(c) / (double)(c->peak.bps - c->rate.bps);
}

double verify_burst(const struct conditions *c)
{
	double bits;

	if (!cond_has(c, COND_RATE))
		return 0;
	if (verify_dry(c) > 0)
		return verify_dry(c) * (double)c->peak.bps;
	if (cond_has(c, COND_BURST))
		return burst_bits(c);
	if (!cond_has(c, COND_REORDER) || c->reorder == REORDER_FORBIDDEN)
		return 0;
	bits = (double)c->rate.bps / 100;
	return fmax(bits, 8.0 * 10 * FULL_FRAME);
}

double verify_refill(const struct conditions *c)
{
	return cond_has(c, COND_RATE) && cond_has(c, COND_BURST) ?
		       burst_bits(c) / (double)c->rate.bps :
		       0;
}

uint64_t verify_train(const struct conditions *c, double bps, double seconds)
{
	if (!cond_has(c, COND_RATE) || !c->rate.bps)
		return UINT64_MAX;
	if (!cond_has(c, COND_BURST))
		return c->rate.bps;
	if (cond_has(c, COND_PEAK))
		return verify_dry(c) >= seconds ? c->peak.bps : c->rate.bps;
	return burst_bits(c) >= (bps - (double)c->rate.bps) * seconds ? UINT64_MAX : c->rate.bps;
}

uint64_t verify_rate_of(const struct conditions *c)
{
	return cond_has(c, COND_RATE) && c->rate.bps ? c->rate.bps : UINT64_MAX;
}

/* The rate of a hop while a peak is measured, or in the long run. */
static uint64_t rate_during(const struct conditions *c, const struct verify_rate *r)
{
	return r && r->train > 0 ? verify_train(c, (double)r->own, r->train) : verify_rate_of(c);
}

/*
 * The rate of a hop, during r if it is given, as another one, whose overhead may differ, would
 * count the same frames.
 */
static uint64_t rate_beside(const struct conditions *c, const struct conditions *other,
			    const struct verify_rate *r)
{
	uint64_t rate = rate_during(c, r);
	double stretch = conditions_stretch(other) / conditions_stretch(c);

	return rate == UINT64_MAX ? rate : (uint64_t)((double)rate * stretch);
}

const struct conditions *verify_slowest_hop(const struct verify_path *path)
{
	const struct conditions *slowest = &path->up;

	if (rate_beside(&path->path, slowest, NULL) < verify_rate_of(slowest))
		slowest = &path->path;
	if (rate_beside(&path->down, slowest, NULL) < verify_rate_of(slowest))
		slowest = &path->down;
	return slowest;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The rate of a path without one hop, as that one counts; during r if it is given. */
static uint64_t rest_beside(const struct verify_path *path, const struct conditions *hop,
			    const struct verify_rate *r)
{
	const struct conditions *hops[] = {&path->up, &path->path, &path->down};
	uint64_t rest = UINT64_MAX;

	for (size_t i = 0; i < ARRAY_SIZE(hops); i++)
		if (hops[i] != hop)
			rest = least(rest, rate_beside(hops[i], hop, r));
	return rest;
}

uint64_t verify_rest(const struct verify_path *path, const struct verify_rate *r)
{
	const struct conditions *hop = r->is_path ? &path->path : r->up ? &path->up : &path->down;

	return rest_beside(path, hop, r);
}

double verify_supply(const struct verify_path *path, const struct conditions *hop)
{
	const struct verify_rate fast = {.own = hop->peak.bps, .train = verify_dry(hop)};

	return fast.train > 0 ? (double)rest_beside(path, hop, &fast) : 0;
}

double verify_use_up(const struct conditions *c, double supply, double *ret_seconds)
{
	double rate = (double)c->rate.bps, speed = fmin(supply, (double)c->peak.bps);

	*ret_seconds = 0;
	if (verify_dry(c) <= 0 || speed <= rate)
		return 0;
	*ret_seconds = burst_bits(c) / (speed - rate);
	return *ret_seconds * speed;
}
