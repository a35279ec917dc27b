/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/verify/tcp.h"

#include <math.h>

#define CUBIC_KEEPS 0.7	    /* share of the window that CUBIC keeps after a loss (RFC 9438) */
#define SEGMENT	    1514    /* bytes of a full frame */
#define MATHIS	    1.22474 /* the square root of 3/2: every segment acknowledged */
#define REACH	    0.9	    /* share of a bound that a connection must reach */
#define REACH_LOSS  0.5	    /* the same where losses decide: they are random, not periodic */

struct tcp_rate verify_tcp_rate(const struct tcp_path *path)
{
	double flight = path->rate * path->rtt / 8;
	double kept = flight > 0 ? CUBIC_KEEPS * (1 + path->queue / flight) : 1;
	struct tcp_rate ret = {.possible = path->rate * fmin(1, kept)};
	double bound;

	ret.least = REACH * ret.possible;
	if (path->window > 0 && path->rtt > 0) {
		bound = path->window * 8 / path->rtt;
		ret.possible = fmin(ret.possible, bound);
		ret.least = fmin(ret.least, REACH * bound);
	}
	if (path->loss > 0 && path->rtt > 0) {
		bound = SEGMENT * 8 * MATHIS / (path->rtt * sqrt(path->loss));
		ret.possible = fmin(ret.possible, bound);
		ret.least = fmin(ret.least, REACH_LOSS * bound);
	}
	return ret;
}

double verify_queue(const struct conditions *c)
{
	double rate = cond_has(c, COND_RATE) ? (double)c->rate.bps / 8 / conditions_stretch(c) : 0;
	double delay = cond_has(c, COND_DELAY) ? (double)c->delay.ns / 1e9 : 0;

	if (!cond_has(c, COND_QUEUE))
		return fmax(cond_has(c, COND_PEAK) ? (double)c->burst.bytes : 0,
			    fmax(2 * rate * delay, QUEUE_MIN));
	switch (c->queue.unit) {
	case QUEUE_TIME:
		return rate * (double)c->queue.value / 1e9;
	case QUEUE_BYTES:
		return (double)c->queue.value;
	case QUEUE_PACKETS:
		break;
	}
	return (double)c->queue.value * FULL_FRAME;
}
