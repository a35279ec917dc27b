/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log-linear histograms of durations. Each power of two is split into 2^bits equal steps,
 * so a percentile is off by half a step at most: 0.8 % with 6 bits, 6.3 % with 3. Count,
 * sum, minimum and maximum are exact. Only the observed range takes memory.
 */
#ifndef NETSIM_HISTOGRAM_H
#define NETSIM_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_FINE	 6
#define HISTOGRAM_COARSE 3

struct histogram {
	uint64_t count, min, max;
	double sum; /* exact to 53 bits: 104 days in nanoseconds */
	uint32_t *steps;
	uint16_t first, room; /* steps[0] is step "first" */
	uint8_t bits;	      /* set before the first value; 0: HISTOGRAM_FINE */
};

/* False when out of memory: the value then counts in all but percentiles. */
bool histogram_add(struct histogram *h, uint64_t value);
/*
 * Adds all values of from, which must have the same number of bits. False when out of
 * memory.
 */
bool histogram_merge(struct histogram *h, const struct histogram *from);
/* Percentile: the value that this share (0..1) of all values do not exceed; 0 if empty. */
uint64_t histogram_percentile(const struct histogram *h, double share);
double histogram_mean(const struct histogram *h);
void histogram_done(struct histogram *h);

#endif
