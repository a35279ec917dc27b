/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was asked of the network, beside what was measured during the run: delays by the round
 * trips of probes that need no program at the other end, losses, duplicates and damage by the
 * counters of the ports, rates by the bytes that passed. It is no part of the verdict, except that
 * a verification before the timeline is. Pure: no I/O, no clock.
 */
#ifndef NETSIM_JUDGE_ASKED_H
#define NETSIM_JUDGE_ASKED_H

#include "netsim/judge/evidence.h"

/* One quantity between two nodes in a phase, over all of its repetitions that asked the same. */
struct asked_row {
	const char *phase, *from, *to;
	const char *class; /* or "" */
	const char *what;  /* "rtt", "loss", "duplicate", "corrupt", "rate" */
	double asked;	   /* ns, a share, or bit/s */
	bool measured;
	bool differs;		 /* of a share: what was asked is not within the bounds */
	double value, low, high; /* of a share, bounds with an error of 0.1 %; else min and max */
	size_t count;		 /* samples or packets */
	const char *asked_shows; /* "80.0 ms" */
	const char *shows;	 /* "80.4 ms (80.2 ms .. 84.1 ms)", or "" */
	const char *why;	 /* why it was not measured, or "" */
};

#define ASKED_ROWS 300

struct asked_rows {
	struct asked_row **list;
	size_t count;
	size_t left_out; /* further ones */
};

/* Fills *ret; everything belongs to the arena of root. Returns 0 or -ENOMEM. */
int asked_make(const struct evidence *ev, void *root, struct asked_rows *ret);

#endif
