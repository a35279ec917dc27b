/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search for the edge of what a scenario bears: bisection between a value that it bears and one
 * that it does not. Both ends are tried first, and decide which side is which; values between are
 * geometric means, unless an end is 0. A value that is unproved decides nothing: the search goes on
 * on both sides of it. Pure.
 */
#ifndef NETSIM_JUDGE_EDGE_H
#define NETSIM_JUDGE_EDGE_H

#include <stddef.h>

#include "netsim/netsim.h"

enum edge_unit { EDGE_DURATION, EDGE_RATE, EDGE_RATIO, EDGE_SIZE };

struct edge_try {
	double value;
	enum netsim_verdict verdict;
};

struct edge {
	char key[32];
	enum edge_unit unit;
	double ends[2];
	double within;
	struct edge_try tries[NETSIM_EDGE_RUNS];
	size_t count;
	double next; /* the value that is being tried */
	enum netsim_edge_state state;
};

/* Reads "delay 10ms..500ms". Returns 0, or -EINVAL with err filled. */
int edge_parse(const char *range, double within, struct edge *ret, struct netsim_err *err);
/* Sets edge->next; false: the search has ended, and edge->state says how. */
bool edge_next(struct edge *edge);
void edge_tell(struct edge *edge, enum netsim_verdict verdict);

#define EDGE_TEXT 256
/* "85ms" */
const char *edge_value(const struct edge *edge, double value, char buf[static EDGE_TEXT]);
/* "bears delay 85ms, not 90ms" */
const char *edge_text(const struct edge *edge, char buf[static EDGE_TEXT]);

#endif
