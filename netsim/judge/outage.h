/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outages as intervals, from the samples of a probe: from the sending of the first probe that
 * failed to the sending of the first that succeeded again; merged over the probe's targets by
 * the number of them that must answer. Pure: no I/O, no clock.
 *
 * Bounds: the truth lies between samples. An outage began after the last success was sent, and
 * before a failed probe was sent, or timed out if it hung. It ended after the last failed probe
 * was sent, and before the first success was answered. So a late probe widens the bounds.
 */
#ifndef NETSIM_JUDGE_OUTAGE_H
#define NETSIM_JUDGE_OUTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/judge/evidence.h"

struct outage {
	int64_t begin, begin_low, begin_high;
	int64_t end, end_low, end_high; /* INT64_MAX: it has not ended */
	bool open_begin;		/* no success before it */
	bool open_end;
};

/* The samples of a probe over the whole run. */
struct sample_series {
	const struct sampled_probe *probe;
	const struct sample **samples; /* by target, then by time of sending */
	size_t sample_count;
	size_t targets;
	struct outage *outages; /* merged, by time */
	size_t outage_count;
	bool succeeded; /* at least one sample is a success */
};

/* Fills *ret, also without any sample. Returns 0, -ENOENT for an unknown probe, or -ENOMEM. */
int sample_series_make(const struct evidence *ev, uint32_t probe, struct sample_series *ret);
void sample_series_done(struct sample_series *series);

/* The length of a part of an outage, with its bounds. */
struct outage_length {
	int64_t begin;
	int64_t length, least, most;
	bool at_least; /* it goes on after the window */
	bool before;   /* it began before the window */
	int64_t whole; /* the upper bound of the whole outage, INT64_MAX: it has not ended */
};

/* A series between two times; outages that reach over an edge are cut there. */
struct sample_series_window {
	size_t samples, answered;
	size_t denied;	  /* failed, but did not hang */
	int64_t gap;	  /* longest time without a sample of a target */
	int64_t lateness; /* greatest */
	size_t outages;
	int64_t down, down_least, down_most; /* all outages together */
	struct outage_length longest;	     /* zero: none */
	struct outage last;		     /* not cut; only if there are outages */
};

void sample_series_window(const struct sample_series *series, int64_t begin, int64_t end,
			  struct sample_series_window *ret);

/*
 * The round-trip time below which this share of the samples sent between two times lies
 * (nearest rank; 1: the greatest). Samples that hung count with their timeout; those that were
 * refused or wrong do not count.
 */
struct sample_series_rtt {
	int64_t ns;
	size_t samples;
	bool at_least;	  /* the sample at this rank hung */
	int64_t lateness; /* the greatest of samples up to this one */
};
/* Returns 0, with samples 0 if there are none, or -ENOMEM. */
int sample_series_rtt(const struct sample_series *series, const int64_t window[2], double share,
		      struct sample_series_rtt *ret);

#endif
