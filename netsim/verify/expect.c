/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Computes the behaviour expected under given conditions, and confidence intervals. */
#include <errno.h>
#include <math.h>

#include "netsim/verify/judge.h"

#define ROUNDS 4000 /* packets in the simulation of jitter that keeps the order */

static double share(struct ratio r)
{
	return (double)r.ppb / RATIO_ONE;
}

static double jitter_ms(const struct conditions *c)
{
	return cond_has(c, COND_JITTER) ? (double)c->jitter.ns / 1e6 : 0;
}

static enum distribution distribution_of(const struct conditions *c)
{
	return cond_has(c, COND_DISTRIBUTION) ? c->distribution : DIST_UNIFORM;
}

double verify_jitter(const struct conditions *c)
{
	return distribution_of(c) == DIST_UNIFORM ? jitter_ms(c) / sqrt(3) : jitter_ms(c);
}

static double gilbert_elliott(const struct loss *loss)
{
	double p = share(loss->p), r = share(loss->r);
	double bad = p + r > 0 ? p / (p + r) : 0;

	return bad * share(loss->bad) + (1 - bad) * share(loss->good);
}

/*
 * netem's four states: 1 good, 2 good within a burst, 3 lost within a burst, 4 lost
 * alone, which always returns to 1. Computes the share of time spent in states 3 and 4.
 */
static void four_states(const struct loss *loss, double *ret_3, double *ret_4)
{
	double p13 = share(loss->p13), p31 = share(loss->p31), p32 = share(loss->p32);
	double p23 = share(loss->p23), p14 = share(loss->p14), three, two, one;

	*ret_3 = *ret_4 = 0;
	if (p13 > 0 && p31 <= 0) {
		/* Bursts never end. */
		*ret_3 = p23 + p32 > 0 ? p23 / (p23 + p32) : 1;
		return;
	}
	three = p31 > 0 ? p13 / p31 : 0;
	two = p23 > 0 ? three * p32 / p23 : 0;
	one = 1 / (1 + three + two + p14);
	*ret_3 = three * one;
	*ret_4 = p14 * one;
}

double verify_loss(const struct conditions *c)
{
	double three, four;

	if (!cond_has(c, COND_LOSS))
		return 0;
	switch (c->loss.model) {
	case LOSS_RANDOM:
		return share(c->loss.ratio);
	case LOSS_GILBERT_ELLIOTT:
		return gilbert_elliott(&c->loss);
	case LOSS_4STATE:
		break;
	}
	four_states(&c->loss, &three, &four);
	return three + four;
}

double verify_bursts(const struct conditions *c)
{
	double stay = 0;

	if (!cond_has(c, COND_LOSS))
		return 1;
	if (c->loss.model == LOSS_GILBERT_ELLIOTT) {
		stay = 1 - share(c->loss.p) - share(c->loss.r);
	} else if (c->loss.model == LOSS_4STATE) {
		double p23 = share(c->loss.p23), p32 = share(c->loss.p32);
		double lost = p23 + p32 > 0 ? p23 / (p23 + p32) : 1;

		stay = 1 - share(c->loss.p13) - share(c->loss.p31) * lost;
	}
	if (stay <= 0)
		return 1;
	return stay < 0.999 ? (1 + stay) / (1 - stay) : 2000;
}

static int table_of(const struct conditions *c, struct dist_tables *tables, const int16_t **ret,
		    size_t *ret_len)
{
	enum distribution kind = distribution_of(c);

	*ret = c->table;
	*ret_len = c->table_len;
	if (kind == DIST_FILE || kind == DIST_UNIFORM)
		return 0;
	*ret = dist_table(tables, kind);
	*ret_len = DIST_ENTRIES;
	return *ret ? 0 : -ENOMEM;
}

/* Pseudo-random numbers from a fixed seed, so that verdicts do not depend on chance. */
static double next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(*state >> 11) / (double)(1ULL << 53);
}

static bool keeps_order(const struct conditions *c)
{
	return !cond_has(c, COND_REORDER) || c->reorder == REORDER_FORBIDDEN;
}

/* Simulates the delay of packets sent `every` ms apart, kept in order if required. */
static int simulate(const struct conditions *c, double every, struct dist_tables *tables,
		    double *ret_mean, double *ret_sd)
{
	double delay = cond_has(c, COND_DELAY) ? (double)c->delay.ns / 1e6 : 0;
	double jitter = jitter_ms(c), last = 0, sum = 0, squares = 0;
	const int16_t *table;
	uint64_t state = 1;
	size_t len;

	if (table_of(c, tables, &table, &len) < 0)
		return -ENOMEM;
	for (int i = 0; i < ROUNDS; i++) {
		double at = i * every, random = next_random(&state);
		double spread = table && len ? table[(size_t)(random * (double)len)] / 8192.0 :
					       2 * random - 1;
		double out = at + fmax(0, delay + jitter * spread);

		if (keeps_order(c) && out < last)
			out = last;
		last = out;
		sum += out - at;
		squares += (out - at) * (out - at);
	}
	*ret_mean = sum / ROUNDS;
	*ret_sd = sqrt(fmax(0, squares / ROUNDS - *ret_mean * *ret_mean));
	return 0;
}

/* The chance that a second damaged bit is the first one again, which restores the probe. */
#define SAME_BIT (1.0 / (8 * (PROBE_FRAME - 14)))

/* The shares of probes that survive all hops, and that of them which is damaged. */
struct survivors {
	double all, damaged;
};

static void lose(const struct conditions *c, struct survivors *s)
{
	double corrupt = cond_has(c, COND_CORRUPT) ? share(c->corrupt) : 0;

	s->all *= 1 - verify_loss(c);
	s->damaged = s->damaged * (1 - corrupt * SAME_BIT) + (1 - s->damaged) * corrupt;
}

static double loss_of(const struct verify_path *path)
{
	struct survivors s = {.all = 1};

	lose(&path->up, &s);
	lose(&path->path, &s);
	lose(&path->down, &s);
	return 1 - s.all * (1 - s.damaged);
}

static int add_hop(const struct conditions *c, double every, struct dist_tables *tables,
		   struct verify_expect *e)
{
	double delay = cond_has(c, COND_DELAY) ? (double)c->delay.ns / 1e6 : 0, mean = delay,
	       sd = 0;

	if (jitter_ms(c) > 0 && simulate(c, every, tables, &mean, &sd) < 0)
		return -ENOMEM;
	e->growth += mean - delay;
	e->sd = sqrt(e->sd * e->sd + sd * sd);
	/* A shaper with a burst passes single packets without delay. */
	if (cond_has(c, COND_RATE) && c->rate.bps) {
		double wire = 8e3 * (double)conditions_charge(c, PROBE_FRAME) / (double)c->rate.bps;

		mean += cond_has(c, COND_BURST) ? 0 : wire;
		e->slack += wire;
		e->early += cond_has(c, COND_BURST) ? 0 : wire;
		if (!e->rate || c->rate.bps < e->rate)
			e->rate = c->rate.bps;
	}
	if (cond_has(c, COND_SLOT))
		e->slack += (double)c->slot.max.ns / 1e6;
	e->delay += mean;
	e->bursts = fmax(e->bursts, verify_bursts(c));
	if (cond_has(c, COND_DUPLICATE))
		e->duplicate += share(c->duplicate);
	e->order_free |= !keeps_order(c);
	e->hops += c->has != 0;
	return 0;
}

int verify_expect(const struct verify_path *path, struct dist_tables *tables,
		  struct verify_expect *ret)
{
	struct verify_expect e = {.bursts = 1};
	double most = fmax(path->up_every, path->down_every);

	if (add_hop(&path->up, path->up_every, tables, &e) < 0 ||
	    add_hop(&path->path, most, tables, &e) < 0 ||
	    add_hop(&path->down, path->down_every, tables, &e) < 0)
		return -ENOMEM;
	e.loss = loss_of(path);
	e.slack += 0.3 * fabs(e.growth);
	e.early += 0.3 * fabs(e.growth);
	*ret = e;
	return 0;
}

/* Continued fraction of the incomplete beta function, by Lentz's method. */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1), h;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	h = d;
	for (int m = 1; m < 1000; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double before = h;

		for (int half = 0; half < 2; half++) {
			double step = half ? odd : even;

			d = 1 + step * d;
			d = 1 / (fabs(d) < tiny ? tiny : d);
			c = 1 + step / c;
			c = fabs(c) < tiny ? tiny : c;
			h *= c * d;
		}
		if (fabs(h - before) < 1e-13 * fabs(h))
			break;
	}
	return h;
}

/* Cumulative distribution function of the beta distribution at x. */
static double beta_below(double a, double b, double x)
{
	double front;

	if (x <= 0 || x >= 1)
		return x >= 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

static double beta_quantile(double a, double b, double chance)
{
	double low = 0, high = 1;

	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (beta_below(a, b, middle) < chance)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

void verify_interval(double count, double n, double alpha, double *low, double *high)
{
	*low = count <= 0 ? 0 : beta_quantile(count, n - count + 1, alpha / 2);
	*high = count >= n ? 1 : beta_quantile(count + 1, n - count, 1 - alpha / 2);
}
