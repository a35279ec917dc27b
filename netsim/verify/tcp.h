/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rate that one TCP connection can reach on a path. Pure: no I/O. */
#ifndef NETSIM_VERIFY_TCP_H
#define NETSIM_VERIFY_TCP_H

#include "netsim/config/conditions.h"

struct tcp_path {
	double rate;   /* of the slowest hop, bit/s */
	double rtt;    /* without queues, seconds */
	double queue;  /* bytes that wait before the slowest hop */
	double loss;   /* share of independent losses */
	double window; /* upper bound of the window in bytes; 0: none */
};

struct tcp_rate {
	double possible; /* the path allows this, bit/s */
	double least;	 /* a connection must reach this */
};

/*
 * Computes the least of three bounds: the rate, as far as the queue keeps the link busy
 * while CUBIC recovers from a loss; the window per round trip; and the losses (Mathis).
 */
struct tcp_rate verify_tcp_rate(const struct tcp_path *path);
/* Returns the queue of a hop with a rate, in bytes, as the engines compute it. */
double verify_queue(const struct conditions *c);

#endif
